"""Find artefacts of a run that were changed since their chapter ran."""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from lembas.aged import read_record
from lembas.chapters import writers_of
from lembas.plan import Plan
from lembas.provenance import digest


def changed_by_hand(plan: Plan, wanted: Iterable[str] = ()) -> dict[str, list[str]]:
    """Name the artefacts that are no longer what their chapter wrote.

    What was touched after the chapter's record was written is read, also where its time of change
    was set back; the digest decides.

    Args:
        plan: The run.
        wanted: Chapters asked for, which are looked at with those they need; all if empty.

    Returns:
        Chapter to artefacts; chapters without any are left out.
    """
    folder = plan.root / plan.run_dir
    found: dict[str, list[str]] = {}
    for name in sorted(needed(plan, wanted)):
        path = folder / "provenance" / f"{name}.json"
        record = read_record(plan, name)
        made = dict(record.get("writes", {}))
        if "executed" in record:
            made[f"chapters/{name}.ipynb"] = record["executed"]
        for artefact, written in made.items():
            place = folder / artefact
            if _is_touched(place, path) and digest(place) != written:
                found.setdefault(name, []).append(artefact)
    return found


def needed(plan: Plan, wanted: Iterable[str]) -> set[str]:
    """Name the chapters asked for (all if empty) and those they need."""
    waiting, found = list(wanted) or list(plan.chapters), set()
    while waiting:
        found.add(name := waiting.pop())
        reads = plan.chapters[name].reads
        writers = {writer for read in reads for writer, _ in writers_of(read, plan.chapters)}
        waiting += writers - found
    return found


def _is_touched(artefact: Path, record: Path) -> bool:
    # Copying and restoring keep the time of change of the content, not that of the file. Folders
    # are always read: Snakemake puts a stamp into them after the record.
    written = record.stat().st_ctime_ns
    if written > time.time_ns():  # the clock was set back: times tell nothing
        return True
    return any(file.stat().st_ctime_ns > written for file in _files(artefact))


def _files(artefact: Path) -> Iterator[Path]:
    places = artefact.rglob("*") if artefact.is_dir() else [artefact]
    return (file for file in places if file.is_file())
