"""Check a finished run: artefacts, records, numbers and pages; or run its chapters again."""

from typing import TYPE_CHECKING, Any

import click

from lembas.commands.shared import (
    completing,
    examples,
    json_option,
    planned,
    project_root,
    run_names,
    say,
    verbosity,
    write_document,
)

if TYPE_CHECKING:
    from lembas.plan import Plan
    from lembas.verification import Report

DOES_NOT_HOLD = 5
HEADINGS = {
    "manifest": "the manifest",
    "artefact": "artefacts",
    "record": "records of chapters",
    "number": "glued numbers, computed again from the artefacts",
    "page": "numbers on the pages",
    "rerun": "artefacts and numbers of chapters run again",
}
SHOWN = 20


@click.command(
    short_help="Check a finished run against its manifest.",
    epilog=examples(
        "lembas verify",
        "lembas verify liver --data ../data/liver",
        "lembas verify demo --rerun 02_network 05_test",
        "lembas verify --json > verified.json",
    ),
)
@click.argument("run", default="demo", shell_complete=completing(run_names))
@click.argument("chapters", nargs=-1)
@click.option("--data", default=None, metavar="FOLDER", help="Folder of the measured data.")
@click.option("--rerun", is_flag=True, help="Run the chapters named, or all, again beside it.")
@click.option("--all", "everything", is_flag=True, help="List everything that does not hold.")
@json_option
@verbosity
@click.pass_context
def verify(
    context: click.Context,
    run: str,
    chapters: tuple[str, ...],
    *,
    data: str | None,
    rerun: bool,
    everything: bool,
    as_json: bool,
) -> None:
    """Check RUN, a folder of results/, against its manifest, and its numbers against its artefacts.

    Every artefact must have the digest that its chapter wrote, every record must agree with the
    manifest, every glued number must come out of the artefacts again, and the pages, where they
    are built, must show the numbers that were glued. With --rerun chapters run again in a folder
    that is thrown away, and what they write is compared, too.
    """
    from lembas.pages_shown import check_pages
    from lembas.verification import verify as check

    if chapters and not rerun:
        raise click.UsageError("CHAPTERS go with --rerun; without it the whole run is checked")
    plan = _plan_of(run, data, needs_data=rerun)
    report = check(plan)
    check_pages(plan, report)
    if rerun:
        _run_again(plan, report, chapters)
    if as_json:
        write_document(report.as_document())
    else:
        _tell(report, most=None if everything else SHOWN)
    if report.findings:
        context.exit(DOES_NOT_HOLD)


def _plan_of(run: str, data: str | None, *, needs_data: bool) -> "Plan":
    """Plan the profile that a run is of; its numbers are checked without its data, too."""
    from lembas.chapters import discover
    from lembas.crate import read_manifest
    from lembas.plan import Plan
    from lembas.profiles import read_profile

    folder = project_root() / "results" / run
    if run not in run_names():
        raise FileNotFoundError(
            f"there is no run {run!r} (results/{run}/provenance); runs here: "
            f"{', '.join(run_names()) or 'none'}; make one with: lembas run --profile NAME"
        )
    profile, root = read_manifest(folder).profile, project_root()
    if needs_data:
        return planned(profile, data, run_name=run)
    return Plan(root, run, read_profile(profile, root), discover(root))


def _run_again(plan: "Plan", report: "Report", chapters: tuple[str, ...]) -> None:
    from lembas.chapters import select
    from lembas.rerun import run_again

    names = select(plan.chapters, chapters) or list(plan.chapters)
    for name in names:
        say(f"{name:<20} runs again", err=True)
        run_again(plan, report, name)


def _tell(report: "Report", *, most: int | None) -> None:
    """Say what was checked, and what does not hold."""
    document: dict[str, Any] = report.as_document()
    for name, counts in document["checks"].items():
        near = f", {counts['within_tolerance']} within tolerance" * bool(counts["within_tolerance"])
        wrong = f"{counts['wrong']} wrong" if counts["wrong"] else "all hold"
        say(f"{counts['checked']:>6}  {HEADINGS[name]}: {wrong}{near}")
    shown = report.findings[:most]
    for found in shown:
        place = f"{found.chapter} " if found.chapter else ""
        click.echo(f"wrong  {place}{found.name}: {found.words}")
    if len(report.findings) > len(shown):
        click.echo(f"... and {len(report.findings) - len(shown)} more; --all lists them")
    state = "does not hold" if report.findings else "holds"
    say(f"results/{report.run} {state}")
