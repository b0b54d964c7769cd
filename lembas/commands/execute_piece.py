"""`lembas execute-piece`: make one share of a chapter's pieces; called by the Snakefile."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click


@click.command("execute-piece", hidden=True)
@click.argument("plan_file", type=click.Path(path_type=Path))
@click.argument("chapter")
@click.argument("piece")
def execute_piece(plan_file: Path, chapter: str, piece: str) -> None:
    """Make one share of a chapter's pieces in advance, such as 2of4."""
    from lembas.errors import ChapterError
    from lembas.pieces import PieceJob
    from lembas.pieces import execute_piece as execute
    from lembas.progress import DONE, FAILED, STARTED
    from lembas.provenance import read_json

    job = PieceJob.from_plan(read_json(plan_file), chapter, piece)
    label = f"{chapter} {piece}"
    click.echo(f"{label:<20} {STARTED}")
    clock = time.monotonic()
    try:
        record = execute(job, plan_file, Path.cwd())
    except ChapterError as error:
        click.echo(f"{label:<20} {FAILED} {time.monotonic() - clock:.0f} s: {error}")
        sys.exit(1)
    click.echo(
        f"{label:<20} {DONE} {record['duration_s']:.0f} s "
        f"(peak memory {record['peak_memory_mib']:.0f} MiB)"
    )
