"""Execute one chapter strictly: own kernel, time limit, nothing half-made left in place."""

import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat

from lembas.errors import ChapterError
from lembas.kernels import KERNEL, Watch, environment, talk
from lembas.plan_entries import check_plan
from lembas.provenance import (
    Kind,
    digest,
    digests,
    machine,
    read_json,
    write_json,
)
from lembas.versions import package_versions

if TYPE_CHECKING:
    from traitlets.config import Config

ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Job:
    """One chapter to execute, as the plan holds it (paths relative to the project root)."""

    chapter: str
    profile: str
    run_dir: str
    notebook: str
    recipe: str
    executed: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    sources: tuple[str, ...]
    threads: int
    time_out_s: int

    @classmethod
    def from_plan(cls, plan: Mapping[str, Any], chapter: str) -> "Job":
        """Take one chapter's job out of a plan.

        Raises:
            ValueError: If the plan has no such chapter, or is damaged.
        """
        entries = plan.get("chapters", {})
        check_plan(plan, chapter, _OF_JOB)
        if chapter not in entries:
            raise ValueError(
                f"the plan has no chapter {chapter}; it has: {', '.join(entries) or 'none'}"
            )
        entry = entries[chapter]
        return cls(
            chapter=chapter,
            profile=plan["profile"],
            run_dir=plan["run_dir"],
            notebook=entry["notebook"],
            recipe=entry["recipe"],
            executed=entry["executed"],
            reads=tuple(entry["reads"]),
            writes=tuple(entry["writes"]),
            sources=tuple(entry["sources"]),
            threads=entry["threads"],
            time_out_s=entry["time_out_s"],
        )


# Parts of a chapter's entry in a plan that a job is made of.
_OF_JOB: Mapping[str, Kind] = {
    **dict.fromkeys(("notebook", "recipe", "executed"), str),
    **dict.fromkeys(("reads", "writes", "sources"), list),
    **dict.fromkeys(("threads", "time_out_s"), int),
}


def execute(job: Job, root: Path) -> dict[str, Any]:
    """Execute a chapter; on success move its copy into place and write its provenance.

    Args:
        job: The chapter and its plan.
        root: Project root; the kernel runs there.

    Returns:
        The provenance, as written.

    Raises:
        ChapterError: If a cell fails, time runs out, the kernel dies, or a declared artefact was
            not written. The partial copy is then ``<run_dir>/failed/<chapter>.ipynb``. Also if
            what it reads is no longer what another chapter wrote.
        OSError: If the disk is full or may not be written to.
    """
    run_dir = root / job.run_dir
    failed = run_dir / "failed" / f"{job.chapter}.ipynb"
    partial = run_dir / "chapters" / f".{job.chapter}.{os.getpid()}.ipynb"
    partial.parent.mkdir(parents=True, exist_ok=True)
    for abandoned in partial.parent.glob(f".{job.chapter}.*.ipynb"):
        abandoned.unlink()  # left by a run that was killed
    recipe, reads = read_json(root / job.recipe), digests(job.reads, run_dir)
    started, clock = datetime.now(UTC), time.monotonic()
    try:
        _refuse_damaged(reads, run_dir)
        memory_mib = _run_notebook(job, root, partial, recipe["parameters"])
        _require_writes(job, run_dir)
    except ChapterError as error:
        _keep_failed(partial, failed, root, str(error))
        raise
    scrub(partial, root)
    cost = {
        "started": started.isoformat(timespec="seconds"),
        "duration_s": round(time.monotonic() - clock, 2),
        "peak_memory_mib": round(memory_mib, 1),
    }
    copy = {"reads": reads, "executed": digest(partial)}
    record = {"chapter": job.chapter, **cost, **_provenance(job, root, recipe), **copy}
    partial.replace(root / job.executed)
    write_json(run_dir / "provenance" / f"{job.chapter}.json", record)
    for old in failed.parent.glob(f"{job.chapter}.*"):  # its shares' as well
        old.unlink(missing_ok=True)
    return record


def scrub(path: Path, root: Path) -> None:
    """Remove absolute paths from an executed copy's metadata and outputs, in place."""
    notebook = nbformat.read(path, as_version=4)
    for key in ("input_path", "output_path"):
        notebook.metadata.get("papermill", {}).pop(key, None)
    notebook.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    text = nbformat.writes(notebook)
    prefixes = (f"{sys.prefix}/", f"{root}/", f"{Path.home()}/", f"{tempfile.gettempdir()}/")
    for prefix in prefixes:
        if len(prefix) > 2:
            text = text.replace(json.dumps(prefix)[1:-1], "")
    # The folders themselves, as a cell may print them.
    for folder, name in ((root, "."), (Path.home(), "~")):
        bare = re.escape(json.dumps(str(folder))[1:-1])
        text = re.sub(rf"{bare}(?![\w.-])", name, text) if len(str(folder)) > 1 else text
    path.write_text(text, encoding="utf-8")


def _run_notebook(job: Job, root: Path, partial: Path, parameters: Mapping[str, Any]) -> float:
    """Run the notebook; return the peak memory of its kernel in MiB."""
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    with environment(root, job.threads) as folder, Watch(job.time_out_s) as watch:
        try:
            _call_papermill(job, root, partial, parameters=parameters, config=talk(folder))
        except PapermillExecutionError as error:
            if not watch.expired:
                # papermill's own word for an error that the kernel could not send.
                silent = error.ename == "CellExecutionError" and not error.evalue
                words = _last_line(partial) if silent else f"{error.ename}: {error.evalue}"
                message = " ".join(ANSI.sub("", words).split())
                raise ChapterError(f"cell {error.exec_count} failed with {message}") from error
        except DeadKernelError as error:
            if not watch.expired:
                raise ChapterError(
                    "its kernel died (out of memory, or ended by the operating system)"
                ) from error
        except RuntimeError as error:  # nbclient's, for a kernel that ends while it starts
            if not watch.expired:
                raise ChapterError(
                    f"its kernel did not start: {error}; see what `python -m ipykernel_launcher` "
                    "says"
                ) from error
    if watch.expired:
        raise ChapterError(
            f"it ran past its {job.time_out_s} s; raise `time_out_s` in the profile if it needs "
            "longer"
        )
    return watch.peak_bytes / 2**20


def _last_line(partial: Path) -> str:
    """Give the last line that a kernel wrote: without memory it cannot send an error."""
    cells = nbformat.read(partial, as_version=4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    text = "".join(output.text for output in outputs if output.output_type == "stream")
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "an error without a message"


def _call_papermill(
    job: Job, root: Path, partial: Path, *, parameters: Mapping[str, Any], config: "Config"
) -> None:
    import papermill

    papermill.execute_notebook(
        str(root / job.notebook),
        str(partial),
        parameters={**parameters, "run_dir": job.run_dir},
        kernel_name=KERNEL,
        language="python",
        progress_bar=False,
        cwd=str(root),
        start_timeout=120,
        config=config,
    )


def _refuse_damaged(reads: Mapping[str, str], run_dir: Path) -> None:
    """Refuse artefacts whose bytes are not those that their chapter wrote, as its record says."""
    for path in sorted((run_dir / "provenance").glob("*.json")):
        written = read_json(path).get("writes", {})
        other = [name for name, found in reads.items() if written.get(name, found) != found]
        if other:
            raise ChapterError(
                f"it would read {', '.join(other[:5])}, which is no longer what {path.stem} wrote "
                f"(another sha256); delete it, and run again: {path.stem} then writes it anew"
            )


def _require_writes(job: Job, run_dir: Path) -> None:
    missing = [name for name in job.writes if not (run_dir / name).exists()]
    if missing:
        raise ChapterError(
            f"it did not write {', '.join(missing[:5])}, which its metadata declares under `writes`"
        )


def _keep_failed(partial: Path, failed: Path, root: Path, message: str) -> None:
    # A disk that is full must not hide why the chapter failed.
    with suppress(OSError):
        failed.parent.mkdir(parents=True, exist_ok=True)
        kept = ""
        if partial.is_file():
            scrub(partial, root)
            partial.replace(failed)
            kept = failed.relative_to(root).as_posix()
        write_json(failed.with_suffix(".json"), {"message": message, "partial_copy": kept})


def _provenance(job: Job, root: Path, recipe: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "profile": job.profile,
        "threads": job.threads,
        "machine": machine(),
        "versions": package_versions(),
        "recipe": dict(recipe),
        "writes": digests(job.writes, root / job.run_dir),
        "sources": digests(job.sources, root),
    }
