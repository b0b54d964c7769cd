"""Make one share of a chapter's pieces in a process of its own: `lembas execute-piece`."""

from __future__ import annotations

import importlib
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lembas.errors import ChapterError
from lembas.kernels import Watch, environment
from lembas.plan_entries import check_plan
from lembas.provenance import Kind, read_json, write_json

# Parts of a chapter's entry in a plan that the job of a share is made of.
_OF_PIECES: Mapping[str, Kind] = {"recipe": str, "threads": int, "time_out_s": int}


@dataclass(frozen=True)
class PieceJob:
    """One share of a chapter's pieces, as the plan holds it (paths relative to the root).

    Attributes:
        chapter: The chapter's name.
        share: The share's name, such as ``2of4``.
        run_dir: The run's folder.
        recipe: File of the chapter's parameters.
        made_by: Import path of the function that makes the share.
        mark: File to write when it is made.
        threads: As many as the chapter's: sums may depend on them.
        time_out_s: Seconds it may take.
    """

    chapter: str
    share: str
    run_dir: str
    recipe: str
    made_by: str
    mark: str
    threads: int
    time_out_s: int

    @classmethod
    def from_plan(cls, plan: Mapping[str, Any], chapter: str, share: str) -> PieceJob:
        """Take one job out of a plan.

        Raises:
            ValueError: If the plan has no such share, or is damaged.
        """
        check_plan(plan, chapter, _OF_PIECES)
        entry = plan.get("chapters", {}).get(chapter, {})
        pieces = entry.get("pieces", {})
        if not isinstance(pieces, dict) or share not in pieces:
            raise ValueError(
                f"the plan has no piece {share} of chapter {chapter}; it has: "
                f"{', '.join(map(str, list(pieces)[:5])) or 'none'}"
            )
        check_plan(plan, chapter, {**_OF_PIECES, "made_by": str})
        if not isinstance(pieces[share], str):
            raise ValueError(f"the plan is damaged: piece {share} has no file; run: lembas run")
        return cls(
            chapter=chapter,
            share=share,
            run_dir=plan["run_dir"],
            recipe=entry["recipe"],
            made_by=entry["made_by"],
            mark=pieces[share],
            threads=entry["threads"],
            time_out_s=entry["time_out_s"],
        )

    @property
    def name(self) -> str:
        """Chapter and share, as records of failures call it."""
        return f"{self.chapter}.{self.share}"


def execute_piece(job: PieceJob, plan_file: Path, root: Path) -> dict[str, Any]:
    """Make a share of a chapter's pieces; its mark is written last.

    Args:
        job: Which share.
        plan_file: The plan that holds it.
        root: Project root; the process runs there.

    Returns:
        What the mark holds: n_pieces, duration_s and peak_memory_mib.

    Raises:
        ChapterError: If the process fails, is ended, or runs out of time. What it finished is
            kept; its messages are ``<run_dir>/failed/<chapter>.<share>.txt``.
    """
    failed = root / job.run_dir / "failed" / f"{job.name}.json"
    log = failed.with_suffix(".txt")
    log.parent.mkdir(parents=True, exist_ok=True)
    clock = time.monotonic()
    command = [*(sys.executable, "-P", "-m", "lembas.pieces"), str(plan_file)]
    with environment(root, job.threads), Watch(job.time_out_s) as watch, log.open("w") as messages:
        done = subprocess.run(
            [*command, job.chapter, job.share],
            stdout=subprocess.PIPE,
            stderr=messages,
            text=True,
            check=False,
        )
    if watch.expired or done.returncode:
        message = _reason(job, log, None if watch.expired else done.returncode)
        copy = log.relative_to(root).as_posix()
        write_json(failed, {"message": message, "partial_copy": copy})
        raise ChapterError(message)
    record = {
        "n_pieces": int(done.stdout.split()[-1]),
        "duration_s": round(time.monotonic() - clock, 2),
        "peak_memory_mib": round(watch.peak_bytes / 2**20, 1),
    }
    failed.unlink(missing_ok=True)
    log.unlink(missing_ok=True)
    write_json(root / job.mark, record)
    return record


def _reason(job: PieceJob, log: Path, code: int | None) -> str:
    """Say why a process did not come to its end."""
    if code is None:
        return (
            f"it ran past its {job.time_out_s} s; raise `time_out_s` in the profile, or share its "
            "pieces among more jobs (`scatter`)"
        )
    if code < 0:
        return (
            f"its process was ended by {signal.Signals(-code).name} (out of memory, or from "
            "outside); what it finished is kept, and the next run goes on from there"
        )
    lines = [line.strip() for line in log.read_text().splitlines() if line.strip()]
    return f"its process failed with {lines[-1] if lines else 'no message'}"


def main(plan_file: str, chapter: str, share: str) -> int:
    """Make the share in this process, whose threads and folder are set; return its size."""
    from lembas.artifacts import Run
    from lembas.shares import Share

    job = PieceJob.from_plan(read_json(Path(plan_file)), chapter, share)
    module, _, function = job.made_by.rpartition(".")
    make = getattr(importlib.import_module(module), function)
    parameters = read_json(Path(job.recipe))["parameters"]
    return int(make(Run.open(job.run_dir), parameters, Share.read(share)))


if __name__ == "__main__":
    # On a line of its own, whatever a model has printed before.
    sys.stdout.write(f"\n{main(*sys.argv[1:])}\n")
