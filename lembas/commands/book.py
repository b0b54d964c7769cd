"""Build the pages from executed chapters; run what is out of date first, if asked to."""

import time
from typing import TYPE_CHECKING

import click

from lembas.commands.run import run_plan
from lembas.commands.shared import (
    cores_option,
    data_option,
    examples,
    planned,
    profile_option,
    say,
    verbosity,
)

if TYPE_CHECKING:
    from lembas.plan import Plan


@click.command(
    short_help="Build the pages from chapters already run.",
    epilog=examples("lembas build", "lembas build --profile liver"),
)
@profile_option
@data_option
@verbosity
def build(profile: str, data: str | None) -> None:
    """Build the pages from chapters already run."""
    _build(planned(profile, data))


@click.command(
    short_help="Run what is out of date, then build the pages.",
    epilog=examples(
        "lembas book",
        "lembas book --profile liver --data ../data/liver --cores 2",
        "lembas --quiet book",
    ),
)
@profile_option
@data_option
@cores_option
@verbosity
def book(profile: str, data: str | None, cores: int | None) -> None:
    """Run what is out of date, then build the pages: what `make book` calls."""
    plan = planned(profile, data)
    run_plan(plan, (), cores=cores)
    _build(plan)


def _build(plan: "Plan") -> None:
    from lembas import render, workflow

    clock = time.monotonic()
    with workflow.locked(plan.root / "_build"):
        page = render.build(plan)
    say(f"{page} built in {time.monotonic() - clock:.0f} s")
