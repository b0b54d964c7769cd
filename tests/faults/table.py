"""All faults, and the table and the sentence that the book shows of them."""

from __future__ import annotations

import csv
import os
import platform
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

from lembas.atomic import write_atomically
from lembas.versions import package_versions
from tests.faults import changes, clock, kills, turns
from tests.faults.stage import Fault, Row

FOLDER = Path(__file__).parents[2] / "book" / "reliability"
FAULTS: Mapping[str, Fault] = {
    fault.name: fault for fault in (*kills.FAULTS, *turns.FAULTS, *clock.FAULTS, *changes.FAULTS)
}
# Not in the book's table yet; `python -m tests.faults FOLDER` injects them like the others.
WAITING: frozenset[str] = frozenset()
HEAD = ("Fault", "When", "What the user sees", "What is left", "The next run", "Same bytes")


def line(fault: Fault, row: Row) -> tuple[str, ...]:
    """Lay one row out for a reader."""
    same = "no: " + "; ".join(row.faults[:5]) if row.faults else "yes"
    return (fault.what, row.when, row.sees, row.left, row.next_run, same)


def write(rows: Iterable[tuple[str, ...]], folder: Path = FOLDER) -> None:
    """Write rows in place of those of the same faults, and with what they were made."""
    path, text = folder / "faults.csv", StringIO()
    known = {row[0]: tuple(row) for row in read(path)} | {row[0]: row for row in rows}
    order = [fault.what for fault in FAULTS.values()]
    table = [known[what] for what in order if what in known]
    csv.writer(text, lineterminator="\n").writerows([HEAD, *table])
    _write(path, text.getvalue())
    _write(folder / "made_with.md", sentence())


def read(path: Path) -> list[list[str]]:
    """Read the table's rows; none when it is not there."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))[1:]


def sentence() -> str:
    """Say when, on what and with which versions the table was made."""
    names = ("papermill", "snakemake", "anndata", "pandas", "numpy", "torch", "xgboost-cpu")
    versions = ", ".join(f"{name} {it}" for name, it in package_versions(names).items())
    return (
        f"Made on {datetime.now(UTC).date().isoformat()} by "
        f"`python -m tests.faults FOLDER` with {os.cpu_count()} processors, "
        f"{platform.system()} ({platform.machine()}), Python {platform.python_version()}, "
        f"{versions}.\n"
    )


def _write(path: Path, text: str) -> None:
    write_atomically(path, lambda part: _put(part, text))


def _put(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
