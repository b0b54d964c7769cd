"""Run the test of a cluster with its log on the screen: `python -m tests.cluster FOLDER`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from tests.cluster import slurm_node
from tests.cluster.scenario import play


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
def main(folder: Path) -> None:
    """Play the scenario in FOLDER, which must be new, on a Slurm of its own."""
    if reason := slurm_node.missing():
        raise click.ClickException(reason)
    folder.mkdir(parents=True)
    start = time.monotonic()

    def say(line: str) -> None:
        click.echo(f"{time.monotonic() - start:7.0f} s  {line}")

    with slurm_node.node(folder / "slurm"):
        say("Slurm: one node, idle")
        play(folder / "project", say)
    say("done")


if __name__ == "__main__":
    main()
