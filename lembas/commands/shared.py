"""What commands share: the project's folder, options, completion of names, what is said."""

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import click
from click.shell_completion import CompletionItem

from lembas.plain_text import quoted, reason_of, short
from lembas.project import root_above

if TYPE_CHECKING:
    from lembas.plan import Plan

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
RECORDS = "provenance"


def project_root() -> Path:
    """Find the project that the working folder lies in.

    Raises:
        FileNotFoundError: If it lies in none.
    """
    return root_above(Path.cwd())


def planned(profile: str, data: str | None, **options: Any) -> "Plan":
    """Plan a run of a profile; DATA_ROOT stands for a data folder that is not named."""
    from lembas.plan import make_plan

    root = os.environ.get("DATA_ROOT")
    return make_plan(project_root(), profile, data=data, data_root=root, **options)


def named_value(text: str, *, option: str, example: str) -> tuple[str, Any]:
    """Read NAME=VALUE, the value as YAML.

    Raises:
        ValueError: If there is no name, or the value is no YAML.
    """
    from lembas.plain_yaml import read_yaml

    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise ValueError(f"{option} {short(text)}: expected name=value, such as {option} {example}")
    try:
        return name, read_yaml(value)
    except ValueError as error:
        raise ValueError(
            f"{option} {short(text)}: the value is not readable ({quoted(value)}): "
            f"{reason_of(error)}"
        ) from error


def examples(*lines: str) -> str:
    """Write the end of a command's help: lines that can be typed as they are."""
    # \b: click leaves the lines of this paragraph alone.
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])


def profile_names() -> list[str]:
    """Name the profiles of the project."""
    return sorted(path.stem for path in (project_root() / "profiles").glob("*.yml"))


def chapter_names() -> list[str]:
    """Name the chapters of the project."""
    return sorted(path.stem for path in (project_root() / "notebooks").glob("*.ipynb"))


def run_names() -> list[str]:
    """Name the runs that left records under ``results/``, trials included."""
    found = (project_root() / "results").glob(f"*/{RECORDS}")
    return sorted(folder.parent.name for folder in found)


def completing(
    names: Callable[[], list[str]],
) -> Callable[[click.Context, click.Parameter, str], list[CompletionItem]]:
    """Make click's completion of names; outside a project nothing is offered."""

    def complete(
        context: click.Context, parameter: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        try:
            known = names()
        except OSError:
            return []
        # A run that is compared is not offered as the run to compare with; an option has a default.
        arguments = [item for item in context.command.params if isinstance(item, click.Argument)]
        given = [context.params.get(item.name or "") or () for item in arguments]
        typed = {name for value in given for name in ([value] if isinstance(value, str) else value)}
        return [
            CompletionItem(name)
            for name in known
            if name.startswith(incomplete) and name not in typed
        ]

    return complete


def _remember(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    # Read before or after the command's name, by any command below.
    if value:
        context.meta[f"lembas.{parameter.name}"] = True
    if is_quiet(context) and is_verbose(context):
        raise click.UsageError("--quiet and --verbose exclude each other")


def is_quiet(context: click.Context | None = None) -> bool:
    """Say whether only errors and what was asked for shall be written."""
    return _told(context, "quiet")


def is_verbose(context: click.Context | None = None) -> bool:
    """Say whether details are wanted: Snakemake's own messages, tracebacks of errors."""
    return _told(context, "verbose")


def may_redraw(stream: TextIO | None = None) -> bool:
    """Say whether bars and lines that are drawn anew may be shown: on a terminal, not in a log.

    Args:
        stream: Where they would go; None: standard error.
    """
    return not is_quiet() and (stream or sys.stderr).isatty()


def _told(context: click.Context | None, name: str) -> bool:
    context = context or click.get_current_context(silent=True)
    return context is not None and bool(context.meta.get(f"lembas.{name}"))


def verbosity(command: Decorated) -> Decorated:
    """Add ``--quiet`` and ``--verbose``."""
    settings: dict[str, Any] = {"is_flag": True, "expose_value": False, "callback": _remember}
    loud = click.option("-v", "--verbose", **settings, help="Say more; tracebacks of errors.")
    return click.option("-q", "--quiet", **settings, help="Say nothing but errors.")(loud(command))


def say(text: str, *, err: bool = False) -> None:
    """Write a line, unless the user asked for quiet."""
    if not is_quiet():
        click.echo(text, err=err)


def write_document(document: Mapping[str, Any]) -> None:
    """Write one JSON document on standard output."""
    click.echo(json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False))


profile_option = click.option(
    "--profile",
    default="demo",
    show_default=True,
    shell_complete=completing(profile_names),
    help="A file of profiles/, without suffix.",
)
data_option = click.option(
    "--data",
    default=None,
    metavar="FOLDER",
    help="Folder of the measured data; else that in DATA_ROOT.",
    shell_complete=lambda *_: [CompletionItem("", type="dir")],
)
cores_option = click.option("--cores", type=click.IntRange(1), help="Processors to use.")
json_option = click.option("--json", "as_json", is_flag=True, help="Write one JSON document.")
