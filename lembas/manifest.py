"""Gather what a finished run was made from, and what it made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lembas.aged import read_record
from lembas.glued import glued_numbers
from lembas.plan import Plan
from lembas.provenance import digest

# Snakemake keeps a time stamp of its own in every folder it tracks.
UNLISTED = ".snakemake"


@dataclass(frozen=True)
class Made:
    """How one chapter was made.

    Attributes:
        started: UTC, ISO 8601.
        duration_s: Seconds.
        peak_memory_mib: Largest resident size of its kernel.
        threads: Threads it had.
        machine: See :func:`lembas.provenance.machine`.
        versions: Package to version.
        parameters: Name to value.
        code: Module, or the notebook's code as ``notebooks/NN_name.ipynb``, to sha256.
        sources: Source file, named within its folder, to sha256.
        reads: Artefact to sha256; folders end in ``/``.
        writes: Likewise.
        numbers: Key of a glued number to its text.
    """

    started: str
    duration_s: float
    peak_memory_mib: float
    threads: int
    machine: Mapping[str, Any]
    versions: Mapping[str, str]
    parameters: Mapping[str, Any]
    code: Mapping[str, str]
    sources: Mapping[str, str]
    reads: Mapping[str, str]
    writes: Mapping[str, str]
    numbers: Mapping[str, str]


@dataclass(frozen=True)
class Manifest:
    """What a run was made from, and what it made.

    Attributes:
        run: Name of the run.
        profile: Name of the profile.
        title: The profile's title.
        description: What its data are.
        chapters: Chapter to how it was made, in order.
        files: Every file, relative to the run's folder, to its sha256.
        sizes: The same files to their bytes.
    """

    run: str
    profile: str
    title: str
    description: str
    chapters: Mapping[str, Made]
    files: Mapping[str, str]
    sizes: Mapping[str, int] = field(default_factory=dict)


def collect(plan: Plan) -> Manifest:
    """Gather the manifest of a run from the records of its chapters.

    Chapters that were not run are left out. A file in a folder is listed only while the folder is
    what its chapter wrote, so that no manifest vouches for a file that was changed afterwards.

    Raises:
        ValueError: If a record or an executed chapter is damaged.
    """
    folder = plan.root / plan.run_dir
    chapters, files = {}, dict[str, str]()
    for name in plan.chapters:
        record = read_record(plan, name)
        if not record:
            continue
        chapters[name] = _made(plan, name, record)
        own = (f"provenance/{name}.json", f"chapters/{name}.ipynb")
        files |= {path: digest(folder / path) for path in own if (folder / path).is_file()}
        for path, written in record["writes"].items():
            files |= _files_of(folder, path, written)
    sizes = {path: (folder / path).stat().st_size for path in files if (folder / path).is_file()}
    about = plan.profile
    return Manifest(
        plan.run_name, about.name, about.title, about.description, chapters, files, sizes
    )


def _made(plan: Plan, name: str, record: Mapping[str, Any]) -> Made:
    recipe = record["recipe"]
    data = str(recipe["parameters"].get("data_dir", ""))
    notebook = plan.chapters[name].path.relative_to(plan.root).as_posix()
    return Made(
        **{key: record[key] for key in ("started", "duration_s", "peak_memory_mib", "threads")},
        machine=record["machine"],
        versions=record["versions"],
        parameters=recipe["parameters"],
        code={notebook: digest(plan.root / plan.run_dir / "plan" / f"{name}.py")}
        | recipe["modules"],
        sources={path.removeprefix(f"{data}/"): sha for path, sha in record["sources"].items()},
        reads=record["reads"],
        writes=record["writes"],
        numbers=glued_numbers(plan.root / plan.executed(name)),
    )


def _files_of(folder: Path, artefact: str, written: str) -> dict[str, str]:
    """List the files of an artefact with their digests: itself, or those in it."""
    if not artefact.endswith("/"):
        return {artefact: written}
    if digest(folder / artefact) != written:
        return {}
    return {path: digest(folder / path) for path in files_in(folder, artefact)}


def files_in(folder: Path, artefact: str) -> list[str]:
    """Name the files within a folder of artefacts, relative to the run's folder."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in (folder / artefact).rglob("*")
        if path.is_file() and not path.name.startswith(UNLISTED)
    )
