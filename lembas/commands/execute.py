"""Execute one chapter of a plan, in this process; called by the Snakefile."""

import sys
import time
from pathlib import Path

import click


@click.command(hidden=True)
@click.argument("plan_file", type=click.Path(path_type=Path))
@click.argument("chapter")
def execute(plan_file: Path, chapter: str) -> None:
    """Execute one chapter of a plan, in this process; called by the Snakefile."""
    from lembas import execution
    from lembas.errors import ChapterError
    from lembas.os_errors import plain_os_error
    from lembas.progress import DONE, FAILED, STARTED
    from lembas.provenance import read_json

    job = execution.Job.from_plan(read_json(plan_file), chapter)
    click.echo(f"{chapter:<20} {STARTED}")
    clock = time.monotonic()
    try:
        record = execution.execute(job, Path.cwd())
    except (ChapterError, OSError) as error:
        where = getattr(error, "filename", None) or job.run_dir
        why = plain_os_error(error, where) if isinstance(error, OSError) else error
        click.echo(f"{chapter:<20} {FAILED} {time.monotonic() - clock:.0f} s: {why}")
        sys.exit(1)
    click.echo(
        f"{chapter:<20} {DONE} {record['duration_s']:.0f} s "
        f"(peak memory {record['peak_memory_mib']:.0f} MiB)"
    )
