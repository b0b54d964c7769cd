"""Ask Snakemake what is out of date, say why in plain words, and run it."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lembas.aged import aged, read_record
from lembas.atomic import remove_abandoned
from lembas.clock import bring_back
from lembas.crate import FILE, write_manifest
from lembas.errors import ChapterError
from lembas.handmade import changed_by_hand, needed
from lembas.locks import locked, refuse_leftovers
from lembas.plain_text import quoted, short
from lembas.plain_yaml import read_yaml
from lembas.plan import Plan, processors, recipe, write_plan
from lembas.progress import Progress, follow
from lembas.project import INTERACTIVE
from lembas.provenance import read_json

RULE = re.compile(r"^(?:local)?rule chapter_(\w+):$")
REASON = re.compile(r"^    reason: (.*)$")


def stale(plan: Plan, chapters: Sequence[str] = ()) -> dict[str, list[str]]:
    """Return what a run would execute, and why.

    Args:
        plan: The run.
        chapters: Chapters asked for; all if empty.

    Returns:
        Reasons in plain words by chapter, in order; chapters that are up to date are left out.
    """
    write_plan(plan)
    by_hand = changed_by_hand(plan, chapters)
    result = subprocess.run(
        _snakemake(plan, chapters, "--dry-run", forced=_forced(plan, chapters, by_hand)),
        cwd=plan.root,
        env=_environment(),
        text=True,
        capture_output=True,
        check=False,
    )
    if result.returncode != 0:
        raise ChapterError(
            f"the order of the chapters cannot be worked out: {_tail(result.stdout)}"
        )
    reasons: dict[str, str] = {}
    current = ""
    for line in (result.stdout + result.stderr).splitlines():
        if match := RULE.match(line):
            current = match.group(1)
        elif current and (match := REASON.match(line)):
            reasons[current] = match.group(1)
            current = ""
    return {
        name: _explain(plan, name, reasons[name], reasons, by_hand=by_hand.get(name, []))
        for name in plan.chapters
        if name in reasons
    }


def run(
    plan: Plan,
    chapters: Sequence[str] = (),
    *,
    cores: int | None = None,
    elsewhere: Path | None = None,
    progress: Progress | None = None,
    verbose: bool = False,
) -> None:
    """Run what is out of date.

    Snakemake's own report is ``plan/snakemake.log``: jobs of a cluster write to files named there.

    Args:
        plan: The run.
        chapters: Chapters asked for, with what they need; all if empty.
        cores: Processors to share out; all of the machine's if None.
        elsewhere: Workflow profile of Snakemake that says where jobs run, such as
            ``profiles/slurm``, and how many at once; None: here.
        progress: Is given what the jobs report; None: lines on standard output.
        verbose: Whether Snakemake's own messages are shown, too.

    Raises:
        ChapterError: If a chapter fails; the message names it, the error and the partial copy.
        ValueError: If there are fewer processors than ``cores``, or jobs cannot run elsewhere.
    """
    check_cores(cores)
    write_plan(plan)
    failed = _cleared(plan)
    log = plan.root / plan.run_dir / "plan" / "snakemake.log"
    where = ["--cores", str(cores or processors())]
    if elsewhere is not None:
        where = ["--workflow-profile", str(elsewhere.resolve())]
    quiet = () if verbose else ("--quiet", "all")
    forced = _forced(plan, chapters, changed_by_hand(plan, chapters))
    progress = progress or Progress(0, stream=sys.stdout, live=False)
    code = follow(
        _snakemake(plan, chapters, *where, *quiet, forced=forced),
        progress,
        log=log,
        cwd=plan.root,
        environment=_environment(),
        verbose=verbose,
    )
    if code == 0:
        write_manifest(plan)
        return
    records = {path.stem: read_json(path) for path in sorted(failed.glob("*.json"))}
    raise ChapterError(
        "\n".join(_failure(name, item) for name, item in records.items())
        or "\n".join(_silent(progress))
        or f"the run stopped: {_tail(log.read_text(encoding='utf-8'))} "
        f"(details: {log.relative_to(plan.root)})"
    )


def _cleared(plan: Plan) -> Path:
    """Take away what tells of an earlier run's end; return the folder of failures."""
    # A manifest is that of a finished run: until this one is, there is none.
    (plan.root / plan.run_dir / FILE).unlink(missing_ok=True)
    failed = plan.root / plan.run_dir / "failed"
    for path in failed.glob("*.json"):
        path.unlink()
    return failed


def check_cores(cores: int | None) -> None:
    """Refuse more processors than there are."""
    if cores is not None and cores > processors():
        raise ValueError(f"--cores {cores}: this machine has {processors()} processor(s)")


def check_elsewhere(workflow_profile: Path) -> None:
    """Refuse a workflow profile that is not there, or whose executor is not installed.

    Raises:
        FileNotFoundError: If the folder holds no ``config.yaml``.
        ValueError: If it is no YAML, names no executor, or one that is not installed.
    """
    file = workflow_profile / "config.yaml"
    if not file.is_file():
        raise FileNotFoundError(
            f"there is no workflow profile {workflow_profile} (no config.yaml in it); the project "
            "has profiles/slurm"
        )
    try:
        content = read_yaml(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file} is not valid YAML: {error}") from error
    executor = content.get("executor") if isinstance(content, dict) else None
    # The name becomes a part of a module's name.
    if not isinstance(executor, str) or not executor.replace("-", "_").isidentifier():
        raise ValueError(f"{file} names no executor; add a line such as `executor: slurm`")
    plugin = f"snakemake_executor_plugin_{executor.replace('-', '_')}"
    if executor not in ("local", "dryrun", "touch") and find_spec(plugin) is None:
        raise ValueError(
            f"{file} asks for the executor {quoted(executor)}, which is not installed here: "
            f"pip install {short(plugin.replace('_', '-'))} (Slurm: pip install 'lembas[cluster]')"
        )


@contextmanager
def claimed(plan: Plan) -> Iterator[None]:
    """Hold a run's folder; clear what killed processes left half written, and times to come.

    Raises:
        ChapterError: If another command, or a job of one that was killed, is at work there.
    """
    with locked(plan.root / plan.run_dir):
        refuse_leftovers(plan.root, plan.file)
        remove_abandoned(plan.root / plan.run_dir)
        _bring_back(plan.root / plan.run_dir)
        yield


def _bring_back(run_dir: Path) -> None:
    # Not the records: what was changed after its record was written is found by the two's times.
    records = run_dir / "provenance"
    bring_back(path for path in run_dir.rglob("*") if records not in (path, path.parent))


def seed_trial(plan: Plan) -> None:
    """Start a trial from a copy of the profile's own run, so that only what differs runs.

    Times of change are kept: they tell what is out of date.
    """
    base = plan.root / "results" / plan.profile.name
    target = plan.root / plan.run_dir
    if target.exists() or not base.is_dir():
        return
    unwanted = shutil.ignore_patterns(FILE, ".lock", "failed", "cache", "unfinished", INTERACTIVE)
    # A copy that was cut short would look finished: it gets its name when it is whole.
    part = target.with_name(f".{target.name}.part")
    with locked(base):
        shutil.rmtree(part, ignore_errors=True)
        try:
            shutil.copytree(base, part, copy_function=shutil.copy2, ignore=unwanted)
            part.replace(target)
        finally:
            shutil.rmtree(part, ignore_errors=True)


def _forced(plan: Plan, chapters: Iterable[str], by_hand: Iterable[str]) -> list[str]:
    """Name the chapters that Snakemake would take for done, for their artefacts are newer.

    Whoever wrote the artefacts: a hand, or a job that was at work while the profile was edited.
    """
    known = {name: read_record(plan, name) for name in needed(plan, chapters)}
    edited = {name for name, made in known.items() if made and made["recipe"] != recipe(plan, name)}
    old = {name for name, made in known.items() if aged(plan, name, made)}
    return sorted(edited | old | set(by_hand))


def _snakemake(
    plan: Plan, chapters: Iterable[str], *options: str, forced: Sequence[str]
) -> list[str]:
    """Put together the call of Snakemake."""
    config = [f"plan={plan.file}"]
    if wanted := ",".join(chapters):
        config.append(f"chapters={wanted}")
    # A rule that is forced runs even if nobody asked for it.
    rules = [f"chapter_{name}" for name in forced]
    return [
        *(sys.executable, "-P", "-m", "snakemake"),
        *options,
        *(("--forcerun", *rules) if rules else ()),
        *("--snakefile", "Snakefile", "--directory", "."),
        *("--nolock", "--rerun-incomplete", "--rerun-triggers", "mtime"),
        *("--scheduler", "greedy", "--config", *config, "--"),
    ]


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": _python_path()}


def _python_path() -> str:
    # Jobs use the package that started them, also from a clone that was not installed.
    own = str(Path(__file__).resolve().parent.parent)
    return os.pathsep.join(filter(None, [own, os.environ.get("PYTHONPATH")]))


def _explain(
    plan: Plan, name: str, reason: str, stale_now: Mapping[str, str], *, by_hand: Sequence[str]
) -> list[str]:
    made = read_record(plan, name)
    if not (plan.root / plan.executed(name)).is_file() or not made:
        failed = plan.root / plan.run_dir / "failed" / f"{name}.json"
        return ["it failed in the last run" if failed.is_file() else "it has not been run yet"]
    words = [f"changed by hand since it ran: {', '.join(by_hand[:5])}"] if by_hand else []
    words += _changes(made["recipe"], recipe(plan, name)) + aged(plan, name, made)
    if f"plan/{name}.py" in reason:
        words.append("its code changed")
    if "Missing output files" in reason:
        words.append(f"artefacts are missing: {_missing(reason, plan)}")
    entry = read_json(plan.root / plan.file)["chapters"]
    writers = {
        path: other for other, item in entry.items() for path in (*item["files"], *item["folders"])
    }
    before = sorted({writers[path] for path in entry[name]["inputs"] if path in writers})
    words += [f"{other} runs before it" for other in before if other in stale_now]
    done = [other for other in before if other not in stale_now]
    if not words and done:
        words.append(f"an artefact it reads is newer ({', '.join(done)})")
    return words or ["an input is newer than its result"]


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    words = []
    for name in sorted({*old["parameters"], *new["parameters"]}):
        before, after = (item["parameters"].get(name, "absent") for item in (old, new))
        if before != after:
            words.append(f"parameter {name} changed from {quoted(before)} to {quoted(after)}")
    if old["threads"] != new["threads"]:
        words.append(f"threads changed from {old['threads']} to {new['threads']}")
    for kind, label in (("modules", "module"), ("sources", "source file")):
        for name in sorted({*old[kind], *new[kind]}):
            if name not in old[kind]:
                words.append(f"it now uses {label} {name}")
            elif name not in new[kind]:
                words.append(f"it no longer uses {label} {name}")
            elif old[kind][name] != new[kind][name]:
                words.append(f"{label} {name} changed")
    return words


def _missing(reason: str, plan: Plan) -> str:
    part = next(part for part in reason.split("; ") if part.startswith("Missing output files"))
    names = part.partition(": ")[2].split(", ")
    return ", ".join(name.removeprefix(f"{plan.run_dir}/") for name in names[:5])


def _failure(name: str, record: Mapping[str, Any]) -> str:
    copy = f"; partial copy: {record['partial_copy']}" if record["partial_copy"] else ""
    return f"chapter {name}: {record['message']}{copy}"


def _silent(progress: Progress) -> list[str]:
    """Word the end of jobs that left no record of their failure."""
    said = [f"chapter {job}: {words}" for job, words in progress.failures.items() if words]
    return said or [
        f"chapter {job}: its job was ended without a word (out of memory, or from outside); the "
        "next run goes on from there"
        for job in progress.at_work
    ]


def _tail(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"
