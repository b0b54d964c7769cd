"""Build the pages from executed chapters; run what is out of date first, if asked to."""

import os
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
    from pathlib import Path

    from lembas.plan import Plan


@click.command(
    short_help="Build the pages from chapters already run.",
    epilog=examples("lembas build", "lembas build --profile liver", "lembas build --pdf"),
)
@profile_option
@data_option
@click.option("--pdf", is_flag=True, help="Print the whole book into report.pdf beside the pages.")
@click.option(
    "--browser",
    metavar="PROGRAM",
    envvar="LEMBAS_BROWSER",
    help="Chromium or Chrome that prints it; else LEMBAS_BROWSER, or the one in PATH.",
)
@click.option(
    "--address",
    default="",
    metavar="URL",
    envvar="LEMBAS_ADDRESS",
    help="Where the pages will be published: for sitemap.xml and previews of links.",
)
@verbosity
def build(profile: str, data: str | None, pdf: bool, browser: str | None, address: str) -> None:
    """Build the pages from chapters already run.

    After an edit of prose only the pages it touches are made anew.
    """
    plan = planned(profile, data)
    program = None
    if pdf:
        from lembas.browser_print import find_browser

        program = find_browser(browser)
    _build(plan, program, address)


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
    _build(plan, None, os.environ.get("LEMBAS_ADDRESS", ""))


def _build(plan: "Plan", browser: "Path | None", address: str) -> None:
    from lembas import render
    from lembas.locks import locked

    clock = time.monotonic()
    with locked(plan.root / "_build"):
        page = render.build(plan, browser=browser, address=address)
    say(f"{page} built in {time.monotonic() - clock:.0f} s")
