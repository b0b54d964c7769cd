"""Check a study before any fit: leakage, quality, samples, genes, network."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lembas.commands.shared import (
    completing,
    data_option,
    examples,
    is_quiet,
    json_option,
    planned,
    profile_names,
    say,
    verbosity,
    write_document,
)

if TYPE_CHECKING:
    from lembas.study import Study

DATA_CHAPTER = "01_data"
WARNINGS = 3
FILE = click.Path(path_type=Path)


@click.command(
    short_help="Audit the data before any fit.",
    epilog=examples(
        "lembas check",
        "lembas check --profile liver --data ../data/liver",
        "lembas check --dataset results/demo/dataset.h5ad --html check.html",
        "lembas check --strict --json > check.json",
    ),
)
@click.option(
    "--profile",
    default=None,
    shell_complete=completing(profile_names),
    help="A file of profiles/, without suffix.  [default: demo]",
)
@data_option
@click.option("--dataset", type=FILE, help="A dataset.h5ad to check instead of a profile's data.")
@click.option(
    "--network", type=FILE, help="Its network; network.tsv.gz beside the dataset unless named."
)
@json_option
@click.option("--html", type=FILE, metavar="FILE", help="Write a page, too.")
@click.option("--strict", is_flag=True, help="End with exit code 3 if there are warnings.")
@verbosity
@click.pass_context
def check(
    context: click.Context,
    *,
    profile: str | None,
    data: str | None,
    dataset: Path | None,
    network: Path | None,
    as_json: bool,
    html: Path | None,
    strict: bool,
) -> None:
    """Audit the data for leakage and poor quality, before any fit.

    Reads a profile's data as chapter 01_data does, with the same parameters, or a dataset that was
    written already. Nothing is fitted and no chapter runs.
    """
    from lembas import audit_page, audit_report
    from lembas.atomic import write_atomically

    if dataset is not None and (profile is not None or data is not None):
        raise click.UsageError("--dataset is checked by itself; leave out --profile and --data")
    if network is not None and dataset is None:
        raise click.UsageError("--network goes with --dataset; a profile names its own network")
    if dataset is None:
        origin, study = _of_profile(profile or "demo", data)
    else:
        origin, study = f"dataset {dataset}", _of_dataset(dataset, network)
    found = audit_report.document(study.dataset, study.network, origin=origin)
    if html is not None:
        page = audit_page.as_html(found)
        write_atomically(html, lambda part: _write(part, page))
        say(f"{html} written", err=True)
    _show(found, as_json=as_json)
    if strict and found["verdicts"]["warning"]:
        context.exit(WARNINGS)


def _show(found: dict[str, Any], *, as_json: bool) -> None:
    from lembas import audit_report

    if as_json:
        write_document(found)
    elif not is_quiet():
        click.echo(audit_report.as_text(found))


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _of_profile(profile: str, data: str | None) -> tuple[str, "Study"]:
    """Open what chapter 01_data would open."""
    from lembas.study import open_study

    plan = planned(profile, data)
    if DATA_CHAPTER not in plan.chapters or "source" not in plan.parameters(DATA_CHAPTER):
        raise ValueError(
            f"there is no chapter {DATA_CHAPTER} with a parameter `source` in this project, so "
            "lembas check cannot tell what to read; check a dataset with --dataset"
        )
    chosen = plan.parameters(DATA_CHAPTER)
    study = open_study(
        chosen["source"],
        # Chapters run in the project's folder; messages name files as seen from here.
        data_dir=os.path.relpath(plan.root / chosen["data_dir"]),
        files=chosen["files"],
        options=chosen["options"],
        cache=plan.root / plan.run_dir / "cache",
    )
    return f"profile {profile}", study


def _of_dataset(path: Path, network: Path | None) -> "Study":
    from lembas.data import Dataset
    from lembas.formats import existing_file
    from lembas.network_formats import read_network
    from lembas.network_reading import NetworkOptions
    from lembas.study import Study

    dataset = Dataset.read(existing_file(path, "dataset"))
    # Whether signs may be unknown was settled when the dataset was made.
    how = NetworkOptions(unsigned=True)
    return Study(dataset, read_network(network or path.parent / "network.tsv.gz", how).network)
