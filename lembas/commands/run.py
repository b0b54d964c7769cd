"""Run chapters that are out of date, as the profile says or, as a trial, with other values."""

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from lembas.commands.shared import (
    chapter_names,
    completing,
    cores_option,
    data_option,
    examples,
    is_quiet,
    is_verbose,
    json_option,
    may_redraw,
    named_value,
    planned,
    profile_names,
    profile_option,
    project_root,
    say,
    verbosity,
    write_document,
)

if TYPE_CHECKING:
    from lembas.plan import Plan
    from lembas.progress import Progress


@click.command(
    short_help="Run chapters that are out of date.",
    epilog=examples(
        "lembas run",
        "lembas run 05_test 06_validate --cores 2",
        "lembas run --profile liver --data ../data/liver",
        "lembas run 05_test -p seed=889 --name other_seed",
        "lembas run --json > summary.json",
        "lembas run --profile published --workflow-profile profiles/slurm",
    ),
)
@click.argument("chapters", nargs=-1, shell_complete=completing(chapter_names))
@profile_option
@data_option
@cores_option
@click.option("-p", "parameters", multiple=True, metavar="NAME=VALUE", help="Try another value.")
@click.option("--name", default="trial", show_default=True, help="Name of the trial (with -p).")
@click.option(
    "--workflow-profile",
    type=click.Path(path_type=Path),
    help="Run on a cluster: a folder such as profiles/slurm.",
)
@json_option
@verbosity
def run(
    chapters: tuple[str, ...],
    profile: str,
    data: str | None,
    cores: int | None,
    parameters: tuple[str, ...],
    name: str,
    workflow_profile: Path | None,
    as_json: bool,
) -> None:
    """Run chapters that are out of date, and those they need; all chapters if none is named.

    With -p the results go to results/PROFILE-NAME and never into the book. With --json the summary
    goes to standard output, and what happens meanwhile to standard error.
    """
    from lembas import workflow

    if (
        not parameters
        and click.get_current_context().get_parameter_source("name") is not ParameterSource.DEFAULT
    ):
        raise click.UsageError("--name names a trial; give what it tries with -p NAME=VALUE")
    if workflow_profile is not None and cores is not None:
        raise click.UsageError(
            "--cores is for this machine; the workflow profile says how many jobs"
        )
    overrides = _overrides(chapters, profile, parameters)
    run_name = _trial_name(profile, name) if parameters else None
    plan = planned(
        profile,
        data,
        overrides=overrides,
        run_name=run_name,
        elsewhere=workflow_profile is not None,
    )
    if parameters:
        workflow.seed_trial(plan)
    summary = run_plan(
        plan, chapters, cores=cores, elsewhere=workflow_profile, log_to_stderr=as_json
    )
    if as_json:
        write_document(summary)


def run_plan(
    plan: "Plan",
    wanted: Sequence[str],
    *,
    cores: int | None,
    elsewhere: Path | None = None,
    log_to_stderr: bool = False,
) -> dict[str, Any]:
    """Run what is out of date of the chapters asked for, and say so; return a summary."""
    from lembas import chapters as chapters_of
    from lembas import crate, workflow
    from lembas.formats import counted

    names = chapters_of.select(plan.chapters, wanted)
    workflow.check_cores(cores)
    if elsewhere is not None:
        workflow.check_elsewhere(elsewhere)
    clock = time.monotonic()
    with workflow.claimed(plan):
        stale = workflow.stale(plan, names)
        if not stale:
            say(f"{plan.run_dir}: every chapter asked for is up to date", err=log_to_stderr)
            crate.ensure_manifest(plan)
            return _summary(plan, stale, 0.0)
        _say_stale(stale, err=log_to_stderr)
        workflow.run(
            plan,
            names,
            cores=cores,
            elsewhere=elsewhere,
            progress=_progress(len(stale), log_to_stderr=log_to_stderr),
            verbose=is_verbose(),
        )
    seconds = round(time.monotonic() - clock, 1)
    done = f"{plan.run_dir}: {counted(len(stale), 'chapter')} run in {seconds:.0f} s"
    say(done, err=log_to_stderr)
    return _summary(plan, stale, seconds)


def _say_stale(stale: Mapping[str, Sequence[str]], *, err: bool) -> None:
    for name, reasons in stale.items():
        say(f"{name:<20} to run: {'; '.join(reasons)}", err=err)


def _progress(n_chapters: int, *, log_to_stderr: bool) -> "Progress":
    from lembas.progress import Progress

    stream = sys.stderr if log_to_stderr else sys.stdout
    live = may_redraw(stream)
    return Progress(n_chapters, stream=None if is_quiet() else stream, live=live)


def _summary(plan: "Plan", stale: Mapping[str, list[str]], seconds: float) -> dict[str, Any]:
    from lembas.provenance import read_json

    rows = []
    for name, reasons in stale.items():
        record = read_json(plan.root / plan.run_dir / "provenance" / f"{name}.json")
        costs = {key: record.get(key) for key in ("duration_s", "peak_memory_mib")}
        rows.append({"name": name, "reasons": reasons, **costs})
    return {
        "profile": plan.profile.name,
        "run_dir": plan.run_dir,
        "seconds": seconds,
        "chapters": rows,
    }


def _overrides(
    wanted: Sequence[str], profile: str, parameters: Sequence[str]
) -> Mapping[str, Mapping[str, Any]]:
    from lembas import chapters as chapters_of

    given = dict(named_value(text, option="-p", example="seed=889") for text in parameters)
    if not given:
        return {}
    known = chapters_of.discover(project_root())
    names = chapters_of.select(known, wanted) or list(known)
    for key in given:
        if not any(key in known[name].parameters for name in names):
            raise ValueError(f"-p {key}: no such parameter in {_among(known, names, wanted)}")
    return {
        name: chapters_of.check_parameters(
            known[name],
            {key: value for key, value in given.items() if key in known[name].parameters},
            f"-p (profile {profile})",
        )
        for name in names
    }


def _among(known: Mapping[str, Any], names: Sequence[str], wanted: Sequence[str]) -> str:
    """Name the chapters that were looked through, and the parameters of a single one."""
    from lembas.formats import listed

    if not wanted:
        return "any chapter; see: lembas params CHAPTER"
    if len(names) > 1:
        return f"{listed(wanted)}; see: lembas params CHAPTER"
    own = [key for key in known[names[0]].parameters if key != "run_dir"]
    return f"{names[0]}; it has: {listed(own, most=20) or 'none'}"


def _trial_name(profile: str, name: str) -> str:
    from lembas.profiles import PROFILE_NAME

    if not PROFILE_NAME.fullmatch(name):
        raise ValueError(f"--name {name}: use lower-case letters, digits, - and _")
    run_name = f"{profile}-{name}"
    if run_name in profile_names():
        raise ValueError(
            f"--name {name}: results/{run_name} is the folder of profile {run_name!r}, which a "
            "trial must not touch; choose another name"
        )
    return run_name
