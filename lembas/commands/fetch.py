"""Download the files that a profile declares."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from lembas.commands.shared import (
    examples,
    is_verbose,
    may_redraw,
    profile_option,
    project_root,
    say,
    verbosity,
)

if TYPE_CHECKING:
    from lembas.profiles import DataSource

# Where programs look for certificates; the first that is set is taken.
CERTIFICATES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")


@click.command(
    short_help="Download the files that a profile declares.",
    epilog=examples(
        "lembas fetch --profile mine --to ../data/mine",
        "lembas fetch --profile mine --to ../data/mine --offline",
        "lembas fetch --profile mine --to ../data/mine --again",
    ),
)
@profile_option
@click.option(
    "--to",
    "folder",
    metavar="FOLDER",
    help="Where to put them.  [default: the profile's data folder]",
    shell_complete=lambda *_: [CompletionItem("", type="dir")],
)
@click.option("--offline", is_flag=True, help="Ask no server; say what is missing.")
@click.option("--again", is_flag=True, help="Replace files with another sum than declared.")
@verbosity
def fetch(profile: str, folder: str | None, *, offline: bool, again: bool) -> None:
    """Download the files under data.downloads of a profile, each checked by its sha256.

    A file appears in the folder when it is whole and its sum is right. Files that are there are not
    downloaded again. Proxies are read from HTTP_PROXY, HTTPS_PROXY and NO_PROXY, certificates from
    REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE, SSL_CERT_FILE or SSL_CERT_DIR, the first that is set.
    """
    from lembas.profiles import read_profile

    if offline and again:
        raise click.UsageError("--again needs the network; leave out --offline")
    root = project_root()
    data = read_profile(profile, root).data
    if not data.downloads:
        raise ValueError(
            f"profile {profile!r} declares no downloads; expected, in profiles/{profile}.yml, "
            "`data: {downloads: {FILE: {url: ..., sha256: ...}}}`"
        )
    if folder is None and data.folder is None:
        raise click.UsageError(f"profile {profile!r} has no data folder of its own; give --to")
    target = Path(os.path.relpath(root / str(data.folder))) if folder is None else Path(folder)
    _fetch(data, target, again=again, offline=offline)


def _fetch(data: "DataSource", target: Path, *, again: bool, offline: bool) -> None:
    """Say what becomes of each file, as soon as it is known."""
    import pooch

    from lembas import downloads
    from lembas.formats import counted

    # pooch tells of each attempt through a logger of its own.
    pooch.get_logger().setLevel("INFO" if is_verbose() else "ERROR")
    how = downloads.Transfer(certificate=_certificate(), progress=may_redraw())
    amiss = 0
    for outcome in downloads.fetch(
        data.downloads, target, again=again, offline=offline, transfer=how
    ):
        line = f"{outcome.name:<28} {outcome.words}"
        if outcome.is_there:
            say(line)
        else:
            amiss += 1
            click.echo(line, err=True)
    number = counted(len(data.downloads), "file")
    if amiss:
        raise click.ClickException(f"{amiss} of {number} not in {target} as declared; see above")
    say(f"{target}: {number}, each with its sum")


def _certificate() -> str | None:
    """Find the certificates to trust; requests would leave the last two variables unread."""
    for variable in CERTIFICATES:
        path = os.environ.get(variable)
        if path and not Path(path).exists():
            raise FileNotFoundError(
                f"{variable} names {path}, which is not there; correct it or unset it"
            )
        if path:
            return path
    return None
