"""Inject every fault with a log on the screen: `python -m tests.faults FOLDER`."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from tests.faults import table
from tests.faults.stage import NOT_INJECTED, Stage


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--only", type=click.Choice([*table.FAULTS]), multiple=True, help="Some of them.")
@click.option("--moments", default=12, show_default=True, help="At which a whole run is killed.")
@click.option("--times", default=6, show_default=True, help="Kills at a random time.")
@click.option("--seed", default=888, show_default=True, help="Of the random times.")
@click.option("--to", type=click.Path(path_type=Path), help="Folder; book/reliability.")
def main(
    folder: Path, *, only: tuple[str, ...], moments: int, times: int, seed: int, to: Path | None
) -> None:
    """Disturb runs of a tiny study in FOLDER and write the book's table.

    Each fault's row is written when it is known; rows of other faults stay. FOLDER is new, or
    holds the undisturbed runs of a call before.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()

    def say(text: str) -> None:
        click.echo(f"{time.monotonic() - start:7.0f} s  {text}")

    stage = Stage(folder, n_moments=moments, n_times=times, seed=seed, say=say)
    amiss = 0
    for name in only or table.FAULTS:
        fault = table.FAULTS[name]
        say(fault.what)
        try:
            row = fault.inject(stage)
        except NOT_INJECTED as error:  # the others still are
            say(f"  not injected: {error}")
            amiss += 1
            continue
        amiss += len(row.faults)
        known = {**stage.turns, name: row}
        lines = [table.line(table.FAULTS[key], each) for key, each in known.items()]
        for text in table.line(fault, row)[1:]:
            say(f"  {text}")
        table.write(lines, to or table.FOLDER)
    sys.exit(amiss > 0)


if __name__ == "__main__":
    main()
