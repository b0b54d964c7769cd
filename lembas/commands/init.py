"""Look at a folder of data, say what it holds, and draft a profile for it."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

from lembas.commands.shared import (
    examples,
    is_quiet,
    json_option,
    project_root,
    verbosity,
    write_document,
)

# Nothing failed, yet no profile was written: what is open is listed.
OPEN_QUESTIONS = 4


@click.command(
    short_help="Look at a folder of data and draft a profile.",
    epilog=examples(
        "lembas init ../data/mine --dry-run",
        "lembas init ../data/mine --name clinic --network network.tsv",
        "lembas init ../data/mine --study counts.tsv.gz --external other=more.tsv.gz",
    ),
)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--name", default="mine", show_default=True, help="Name of the new profile.")
@click.option("--write/--dry-run", default=True, help="Write the profile, or only look.")
@json_option
@click.option("--study", default="", metavar="FILE", help="The table to train and test on.")
@click.option("--network", default="", metavar="FILE", help="The prior network.")
@click.option("--external", multiple=True, metavar="NAME=FILE", help="An external cohort.")
@click.option("--no-external", is_flag=True, help="Use no external cohorts.")
@click.option("--genes-in", type=click.Choice(["rows", "columns"]), help="Where genes are.")
@click.option("--scale", type=click.Choice(["counts", "log10"]), help="Scale of the study.")
@click.option("--unit", type=click.Choice(["cpm", "tpm"]), help="What counts become.")
@click.option("--unsigned", is_flag=True, help="Edges of the network may have no known sign.")
@click.option(
    "--on-conflict",
    type=click.Choice(["drop", "unsigned"]),
    help="What becomes of edges listed with both signs.",
)
@click.option("--to-upper", is_flag=True, help="Put names into capitals where the network does.")
@click.option(
    "--duplicates",
    type=click.Choice(["sum", "max_mean", "first"]),
    help="What becomes of genes that get the same symbol.",
)
@click.option("--series", default="", metavar="FILE", help="Table of the samples' series.")
@click.option("--gene-map", default="", metavar="FILE", help="Table of identifiers and symbols.")
@click.option("--cohort", default="", metavar="NAME", help="Cohort of an .h5ad to train on.")
@verbosity
def init(
    folder: Path,
    name: str,
    write: bool,
    as_json: bool,
    external: tuple[str, ...],
    **said: str | bool | None,
) -> None:
    """Look at FOLDER, say what each file is, and write profiles/NAME.yml.

    Files are named relative to FOLDER. What names and numbers do not say is asked, never guessed:
    while a question is open no profile is written, and the exit code is 4.
    """
    from lembas import survey_words
    from lembas.folder_survey import Answers, look
    from lembas.profile_draft import free_path, write_profile
    from lembas.proposal import propose

    root = project_root()
    given = {key: value for key, value in said.items() if value}
    answers = Answers(external=_cohorts(external), **given)  # type: ignore[arg-type]
    if write:
        free_path(name, root)
    found = look(folder, answers)
    draft = propose(found, answers)
    settled = not draft.questions
    if settled and write:
        write_profile(draft, name, root)
    if as_json:
        written = f"profiles/{name}.yml" if settled and write else ""
        document = {**survey_words.document(found, draft), "profile": written}
        write_document(document)
    elif not is_quiet():
        for line in survey_words.lines(found, draft):
            click.echo(line)
        click.echo("\n" + _ending(folder, name, write=write, settled=settled))
    if not settled:
        sys.exit(OPEN_QUESTIONS)


def _cohorts(texts: tuple[str, ...]) -> dict[str, str]:
    """Read NAME=FILE."""
    cohorts: dict[str, str] = {}
    for text in texts:
        name, equals, file = text.partition("=")
        if not equals or not name or not file:
            raise ValueError(f"--external {text}: expected NAME=FILE, such as GSE130970=b.tsv.gz")
        if name in cohorts:
            raise ValueError(f"--external names {name} twice; give each cohort a name of its own")
        cohorts[name] = file
    return cohorts


def _ending(folder: Path, name: str, *, write: bool, settled: bool) -> str:
    """Say what was written and what comes next."""
    if not settled:
        return "No profile was written: answer what is open, in one call with all the options."
    data = shlex.quote(str(folder))
    if not write:
        return f"Nothing was written (--dry-run); without it, profiles/{name}.yml would be."
    return (
        f"profiles/{name}.yml is written. Next:\n"
        f"  lembas check --profile {name} --data {data}\n"
        f"  make book PROFILE={name} DATA={data}"
    )
