"""Compute glued numbers again, in this process; called by `lembas verify`."""

from pathlib import Path

import click

FILE = click.Path(path_type=Path)


@click.command(hidden=True)
@click.argument("request", type=FILE)
@click.argument("answers", type=FILE)
def recompute(request: Path, answers: Path) -> None:
    """Compute glued numbers again, in this process; called by `lembas verify`."""
    from lembas.provenance import read_json
    from lembas.recompute import recompute_here

    recompute_here(read_json(request), answers)
