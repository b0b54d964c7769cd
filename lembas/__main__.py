"""Command line: run chapters, say what is out of date and why, build the book."""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import yaml

from lembas import chapters as chapters_of
from lembas import execution, render, workflow
from lembas.commands.init import init
from lembas.os_errors import plain_os_error
from lembas.plan import Plan, make_plan
from lembas.profiles import PROFILE_NAME, read_profile
from lembas.provenance import read_json, write_json

profile_option = click.option(
    "--profile", default="demo", show_default=True, help="A file of profiles/, without suffix."
)
data_option = click.option(
    "--data", default=None, help="Folder of the measured data; else that in DATA_ROOT."
)
cores_option = click.option("--cores", type=click.IntRange(1), help="Processors to use.")

NETWORK_HELP = "Table of the network it was trained with: TF, Gene, Interaction."
NAMES_HELP = "The {} table it was trained with (samples x genes), or a list of its names."


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Benchmark models of gene regulation; every chapter is a notebook, the report is a book."""


@cli.command()
@click.argument("chapters", nargs=-1)
@profile_option
@data_option
@cores_option
@click.option("-p", "parameters", multiple=True, metavar="NAME=VALUE", help="Try another value.")
@click.option("--name", default="trial", show_default=True, help="Name of the trial (with -p).")
def run(
    chapters: tuple[str, ...],
    profile: str,
    data: str | None,
    cores: int | None,
    parameters: tuple[str, ...],
    name: str,
) -> None:
    """Run chapters that are out of date, and those they need; all chapters if none is named.

    With -p the results go to results/PROFILE-NAME and never into the book.
    """
    overrides = _overrides(chapters, profile, parameters)
    run_name = f"{profile}-{_trial_name(name)}" if parameters else None
    plan = _plan(profile, data, overrides=overrides, run_name=run_name)
    if parameters:
        workflow.seed_trial(plan)
    _run(plan, chapters, cores)


@cli.command()
@profile_option
@data_option
def status(profile: str, data: str | None) -> None:
    """Say which chapters are out of date, and why."""
    plan = _plan(profile, data)
    stale = workflow.stale(plan)
    for name in plan.chapters:
        click.echo(f"{name:<20} {'; '.join(stale[name]) if name in stale else 'up to date'}")


@cli.command()
@click.argument("chapter")
@profile_option
def params(chapter: str, profile: str) -> None:
    """List a chapter's parameters: type, value in the profile, meaning."""
    root = _root()
    known = chapters_of.discover(root)
    (name,) = chapters_of.select(known, [chapter])
    own = read_profile(profile, root).chapters.get(name, {})
    own = chapters_of.check_parameters(known[name], own, f"profiles/{profile}.yml")
    for parameter in known[name].parameters.values():
        value = own.get(parameter.name, parameter.default)
        origin = "profile" if parameter.name in own else "default"
        head = f"{parameter.name}: {parameter.type_name} = {value!r}"
        click.echo(f"{head:<48} ({origin})  {parameter.help}".rstrip())


@cli.command()
@profile_option
@data_option
def build(profile: str, data: str | None) -> None:
    """Build the pages from chapters already run."""
    _build(_plan(profile, data))


@cli.command()
@profile_option
@data_option
@cores_option
def book(profile: str, data: str | None, cores: int | None) -> None:
    """Run what is out of date, then build the pages: what `make book` calls."""
    plan = _plan(profile, data)
    _run(plan, (), cores)
    _build(plan)


@cli.command()
@click.argument("original", type=click.Path(path_type=Path))
@click.argument("own", type=click.Path(path_type=Path))
@click.option("--network", required=True, type=click.Path(path_type=Path), help=NETWORK_HELP)
@click.option("--tfs", required=True, type=click.Path(path_type=Path), help=NAMES_HELP.format("TF"))
@click.option(
    "--genes", required=True, type=click.Path(path_type=Path), help=NAMES_HELP.format("gene")
)
@click.option(
    "--off-network",
    type=click.Choice(["refuse", "drop"]),
    default="refuse",
    show_default=True,
    help="What to do with weights where the network has no edge.",
)
def convert(
    original: Path, own: Path, network: Path, tfs: Path, genes: Path, off_network: str
) -> None:
    """Convert a checkpoint of the original study: ORIGINAL.pt to OWN.safetensors."""
    from lembas import conversion  # imports torch, which no other command needs

    try:
        found = conversion.convert(
            original, own, network=network, tfs=tfs, genes=genes, off_network=off_network
        )
    except OSError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{own}: {conversion.summary(found)}")


@cli.command(hidden=True)
@click.argument("plan_file", type=click.Path(path_type=Path))
@click.argument("chapter")
def execute(plan_file: Path, chapter: str) -> None:
    """Execute one chapter of a plan, in this process; called by the Snakefile."""
    job = execution.Job.from_plan(read_json(plan_file), chapter)
    click.echo(f"{chapter:<20} started")
    clock = time.monotonic()
    try:
        record = execution.execute(job, Path.cwd())
    except execution.ChapterError:
        click.echo(f"{chapter:<20} failed after {time.monotonic() - clock:.0f} s")
        sys.exit(1)
    click.echo(
        f"{chapter:<20} done in {record['duration_s']:.0f} s "
        f"(peak memory {record['peak_memory_mib']:.0f} MiB)"
    )


cli.add_command(init)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; a user's error is one sentence and exit code 1, never a traceback."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    try:
        cli.main(args=arguments, prog_name="lembas", standalone_mode=False)
    except click.ClickException as error:
        _fail(error.format_message())
    except (ValueError, execution.ChapterError) as error:
        _fail(str(error))
    except OSError as error:
        _fail(str(plain_os_error(error)))
    except (click.Abort, KeyboardInterrupt):
        _fail("stopped; the next call goes on from here")


def _fail(message: str) -> None:
    click.echo(f"lembas: {message}", err=True)
    sys.exit(1)


def _root() -> Path:
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "_toc.yml").is_file() and (folder / "profiles").is_dir():
            return folder
    raise FileNotFoundError(
        "this folder is not in a lembas project (no _toc.yml beside profiles/); "
        "change to the project's folder"
    )


def _plan(profile: str, data: str | None, **options: Any) -> Plan:
    return make_plan(_root(), profile, data=data, data_root=os.environ.get("DATA_ROOT"), **options)


def _run(plan: Plan, wanted: Sequence[str], cores: int | None) -> None:
    names = chapters_of.select(plan.chapters, wanted)
    clock = time.monotonic()
    with workflow.locked(plan.root / plan.run_dir):
        stale = workflow.stale(plan, names)
        if not stale:
            click.echo(f"{plan.run_dir}: every chapter asked for is up to date")
            return
        for name, reasons in stale.items():
            click.echo(f"{name:<20} to run: {'; '.join(reasons)}")
        workflow.run(plan, names, cores=cores)
    seconds = time.monotonic() - clock
    write_json(plan.root / plan.run_dir / "plan" / "last_run.json", {"seconds": round(seconds, 1)})
    click.echo(f"{plan.run_dir}: {len(stale)} chapter(s) run in {seconds:.0f} s")


def _build(plan: Plan) -> None:
    clock = time.monotonic()
    with workflow.locked(plan.root / "_build"):
        page = render.build(plan)
    click.echo(f"{page} built in {time.monotonic() - clock:.0f} s")


def _overrides(
    wanted: Sequence[str], profile: str, parameters: Sequence[str]
) -> Mapping[str, Mapping[str, Any]]:
    given = dict(_parse(text) for text in parameters)
    if not given:
        return {}
    known = chapters_of.discover(_root())
    names = chapters_of.select(known, wanted) or list(known)
    for key in given:
        if not any(key in known[name].parameters for name in names):
            among = ", ".join(wanted) or "any chapter"
            raise ValueError(f"-p {key}: no such parameter in {among}; see: lembas params CHAPTER")
    return {
        name: chapters_of.check_parameters(
            known[name],
            {key: value for key, value in given.items() if key in known[name].parameters},
            f"-p (profile {profile})",
        )
        for name in names
    }


def _parse(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise ValueError(f"-p {text}: expected name=value, such as -p seed=889")
    try:
        return name, yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise ValueError(f"-p {text}: the value is not readable ({value!r})") from error


def _trial_name(name: str) -> str:
    if not PROFILE_NAME.fullmatch(name):
        raise ValueError(f"--name {name}: use lower-case letters, digits, - and _")
    return name


if __name__ == "__main__":
    main()
