"""Run a chapter of a finished run again, in a folder that is thrown away, and compare."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lembas.crate import read_manifest
from lembas.errors import ChapterError
from lembas.execution import Job, execute
from lembas.glued import glued_numbers
from lembas.manifest import Made, files_in
from lembas.number_code import number_code
from lembas.plan import Plan
from lembas.provenance import write_json
from lembas.tolerances import is_measured, same_text
from lembas.verification import Report, is_here


def run_again(plan: Plan, report: Report, chapter: str) -> None:
    """Run a chapter again on the run's own artefacts; compare what it writes and glues.

    On the machine and with the versions of the run, every byte is expected again, apart from times
    and the like; elsewhere the numbers may differ as :data:`lembas.tolerances.TOLERANCES` say.

    Args:
        plan: The run.
        report: Takes what was looked at, and what differs.
        chapter: The chapter.

    Raises:
        ValueError: If the run's manifest lacks the chapter.
    """
    made = read_manifest(plan.root / plan.run_dir).chapters.get(chapter)
    if made is None:
        raise ValueError(
            f"results/{plan.run_name} has no chapter {chapter}: it was not run when the manifest "
            "was written; run it: lembas run"
        )
    with _beside(plan, chapter) as scratch:
        job = _job(plan, chapter, made, scratch)
        write_json(plan.root / job.recipe, {"parameters": dict(made.parameters)})
        try:
            execute(job, plan.root)
        except ChapterError as error:
            report.wrong("rerun", chapter, "all", f"did not run again: {error}")
            return
        _compare_files(plan, report, job, exact=is_here(made))
        again = glued_numbers(plan.root / job.executed)
        _compare_numbers(plan, report, made, chapter, again)


@contextmanager
def _beside(plan: Plan, chapter: str) -> Iterator[Path]:
    """Make a folder that holds what a chapter reads, as links; remove it in the end."""
    # The run keeps its name: a chapter may show it.
    scratch = Path(tempfile.mkdtemp(prefix=".verify-", dir=plan.root / "results"))
    folder = scratch / plan.run_name
    source = plan.root / plan.run_dir
    try:
        for path in plan.chapters[chapter].reads:
            files = files_in(source, path) if path.endswith("/") else [path]
            for file in files:
                link = folder / file
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to((source / file).resolve())
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _job(plan: Plan, chapter: str, made: Made, scratch: Path) -> Job:
    run_dir = scratch.relative_to(plan.root).as_posix()
    declared = plan.chapters[chapter]
    return Job(
        chapter=chapter,
        profile=plan.profile.name,
        run_dir=run_dir,
        notebook=declared.path.relative_to(plan.root).as_posix(),
        recipe=f"{run_dir}/plan/{chapter}.json",
        executed=f"{run_dir}/chapters/{chapter}.ipynb",
        reads=declared.reads,
        writes=declared.writes,
        sources=plan.sources(chapter),
        threads=made.threads,
        time_out_s=plan.profile.time_out_of(chapter),
    )


def _compare_files(plan: Plan, report: Report, job: Job, *, exact: bool) -> None:
    from lembas.table_differences import differences

    old, new = plan.root / plan.run_dir, plan.root / job.run_dir
    for path in job.writes:
        names = [path]
        if path.endswith("/"):
            names = sorted({*files_in(old, path), *files_in(new, path)})
        for name in names:
            if not ((old / name).is_file() and (new / name).is_file()):
                report.wrong("rerun", job.chapter, name, "is written in one of the two runs only")
                continue
            found = differences(old / name, new / name, exact=exact)
            if found is None:
                continue
            report.looked("rerun", near=found.near)
            for words in found.wrong[:5]:
                report.wrong("rerun", job.chapter, name, words)


def _compare_numbers(
    plan: Plan, report: Report, made: Made, chapter: str, again: dict[str, str]
) -> None:
    exact = is_here(made)
    for key, text in made.numbers.items():
        if is_timed(plan, chapter, key):
            continue
        found = again.get(key, "")
        report.looked("rerun", near=found != text)
        if found != text and (exact or not same_text(found, text)):
            words = f"was glued as {text!r}, and now as {found!r}"
            report.wrong("rerun", chapter, key, words)


def is_timed(plan: Plan, chapter: str, key: str) -> bool:
    """Say whether a glued number tells of times, memory or the machine."""
    code = number_code(plan.chapters[chapter], [key])
    tables = {kept.name for kept in code.reads} | code.texts
    return any(is_measured(name) or is_measured("", name) for name in tables)
