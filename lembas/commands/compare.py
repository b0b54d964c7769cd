"""Compare two runs: what went in, and which scores changed."""

from collections.abc import Iterable, Mapping
from typing import Any

import click

from lembas.commands.shared import (
    completing,
    examples,
    json_option,
    project_root,
    run_names,
    verbosity,
    write_document,
)

HEADINGS = {
    "chapters": "Chapters of one run only",
    "parameters": "Parameters",
    "threads": "Threads",
    "code": "Code of chapters",
    "modules": "Modules",
    "sources": "Source files",
    "versions": "Versions",
    "machine": "Machine",
}


@click.command(
    short_help="Say what differs between two runs.",
    epilog=examples(
        "lembas compare demo-trial demo",
        "lembas compare demo-trial demo --metric skill_median_over_genes",
        "lembas compare liver_curated liver --json > changes.json",
    ),
)
@click.argument("new", shell_complete=completing(run_names))
@click.argument("old", shell_complete=completing(run_names))
@click.option("--all", "everything", is_flag=True, help="Also scores that did not change.")
@click.option("--metric", "metrics", multiple=True, help="Only this metric; may be repeated.")
@click.option(
    "--genes", type=click.IntRange(0), default=10, show_default=True, help="Genes to name."
)
@json_option
@verbosity
def compare(
    new: str, old: str, *, everything: bool, metrics: tuple[str, ...], genes: int, as_json: bool
) -> None:
    """Say how run NEW differs from run OLD, such as a trial from the book.

    Runs are folders of results/: a profile's own has its name, a trial's is PROFILE-NAME. Scores
    that differ by less than is printed (three decimals) are left out; a difference is NEW - OLD.
    """
    from lembas import score_changes
    from lembas.comparison import Records, inputs_changed

    root = project_root()
    after, before = Records.read(new, root), Records.read(old, root)
    folders = after.folder, before.folder
    scores = score_changes.score_changes(*folders, everything=everything)
    known = score_changes.known_metrics(*folders)
    scores = score_changes.select_metrics(scores, metrics, known)
    found = {
        "new": new,
        "old": old,
        **inputs_changed(after, before),
        "scores": score_changes.as_rows(scores),
        "genes": score_changes.as_rows(score_changes.gene_changes(*folders, n=genes)),
    }
    if as_json:
        write_document(found)
        return
    for part in _as_text(found):
        click.echo(part)


def _as_text(found: Mapping[str, Any]) -> Iterable[str]:
    yield f"{found['new']} beside {found['old']}"
    differing = [heading for heading in HEADINGS if found[heading]]
    for kind in differing:
        yield f"\n{HEADINGS[kind]}"
        yield from (f"  {_line(change)}" for change in found[kind])
    if not differing:
        yield "\nThe same parameters, code, modules, sources and versions."
    yield f"\nArtefacts that differ: {len(found['artefacts'])}"
    yield from _table("Scores", ("model", "cohort", "metric"), found["scores"])
    yield from _table("Genes whose skill changed most", ("gene", "model"), found["genes"])


def _line(change: Mapping[str, Any]) -> str:
    """Put one change into words."""
    name = " ".join(str(change[key]) for key in ("chapter", "name") if key in change)
    words = f"{name}: {change['change']}" if "change" in change else name
    if "only_in" in change:
        words += f": only in the {change['only_in']} run"
    if "old" in change or "new" in change:
        before, after = (
            repr(change[side]) if side in change else "absent" for side in ("old", "new")
        )
        words += f": {before} -> {after}"
    return words + (f" ({', '.join(change['chapters'])})" if "chapters" in change else "")


def _table(title: str, keys: tuple[str, ...], rows: list[Mapping[str, Any]]) -> Iterable[str]:
    """Align rows of names and of an old, a new and a differing number."""
    if not rows:
        yield f"\n{title}: none differ"
        return
    header = [*keys, "old", "new", "difference"]
    cells = [header, *([*(str(row[key]) for key in keys), *_numbers(row)] for row in rows)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(header))]
    yield f"\n{title}"
    for row in cells:
        names = [cell.ljust(width) for cell, width in zip(row, widths[: len(keys)], strict=False)]
        numbers = [cell.rjust(width) for cell, width in zip(row[-3:], widths[-3:], strict=True)]
        yield "  " + "  ".join([*names, *numbers])


def _numbers(row: Mapping[str, Any]) -> list[str]:
    values = [row[key] for key in ("old", "new", "difference")]
    whole = all(value is None or float(value).is_integer() for value in values)
    decimals = 0 if whole else 3
    shown = ["-" if value is None else f"{value:,.{decimals}f}" for value in values]
    return [*shown[:2], shown[2] if values[2] is None else f"{values[2]:+,.{decimals}f}"]
