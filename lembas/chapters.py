"""Find the chapters, read what they declare, and check parameters before a kernel starts."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path, PurePosixPath
from typing import Any

from lembas.notebook_files import read_notebook
from lembas.parameter_cells import Parameter, check_value, read_parameters
from lembas.plain_text import quoted, short
from lembas.resources import CHAPTER_NAME


@dataclass(frozen=True)
class Pieces:
    """Say how pieces of a chapter's work are made in advance, by jobs of their own.

    Attributes:
        made_by: Import path of a function of the package. It takes the run, the chapter's
            parameters and a :class:`lembas.shares.Share`, makes this share of the pieces, and
            returns how many they are.
        kept_in: Folder in which they wait for the chapter, relative to the run's folder; the
            chapter removes it when its result is safe.
    """

    made_by: str
    kept_in: str


@dataclass(frozen=True)
class Chapter:
    """One notebook of ``notebooks/`` and what it declares.

    Attributes:
        name: File name without suffix, e.g. ``05_test``.
        path: The notebook.
        parameters: Parameters by name, in the order of the cell.
        reads: Artefacts read, relative to the run's folder; folders end in ``/``.
        writes: Artefacts written, likewise.
        code: Text of all code cells; prose and outputs left out.
        pieces: How pieces of its work are made in advance; None: it always runs whole.
    """

    name: str
    path: Path
    parameters: Mapping[str, Parameter]
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    code: str
    pieces: Pieces | None = None


def discover(root: Path) -> dict[str, Chapter]:
    """Read every chapter of a project.

    Args:
        root: Project root; chapters lie in ``notebooks/NN_name.ipynb``.

    Returns:
        Chapters by name, in order.

    Raises:
        FileNotFoundError: If there is no chapter.
        ValueError: If a chapter's name, metadata or parameters cell is not as agreed, if two
            chapters write one artefact, or if one is read that no chapter writes.
    """
    paths = sorted((root / "notebooks").glob("*.ipynb"))
    if not paths:
        raise FileNotFoundError("there is no notebook in notebooks/; are you in the project root?")
    chapters = {path.stem: read_chapter(path) for path in paths}
    _check_artefacts(chapters.values())
    _refuse_circles(chapters)
    return chapters


def read_chapter(path: Path) -> Chapter:
    """Read one notebook: its code, its parameters and what it declares to read and write."""
    if not CHAPTER_NAME.fullmatch(path.stem):
        raise ValueError(f"notebooks/{path.name} must be named like 05_test.ipynb, in lower case")
    notebook = read_notebook(path, f"notebooks/{path.name}")
    declared = notebook.metadata.get("lembas", {})
    if not isinstance(declared, Mapping):
        declared = {}
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return Chapter(
        name=path.stem,
        path=path,
        parameters=read_parameters(path, cells),
        reads=_declared(path, declared, "reads"),
        writes=_declared(path, declared, "writes"),
        code="\n\n".join(cell.source for cell in cells) + "\n",
        pieces=_declared_pieces(path, declared),
    )


def select(chapters: Mapping[str, Chapter], wanted: Iterable[str]) -> list[str]:
    """Resolve chapter names as typed (``05_test`` or ``05``) to chapter names."""
    names = []
    for text in wanted:
        matches = [name for name in chapters if text in (name, name.split("_")[0])]
        if len(matches) != 1:
            raise ValueError(f"there is no chapter {quoted(text)}; chapters: {', '.join(chapters)}")
        names.append(matches[0])
    return names


def writers_of(artefact: str, chapters: Mapping[str, Chapter]) -> list[tuple[str, str]]:
    """Return ``(chapter, written artefact)`` for everything a read of ``artefact`` depends on."""
    return [
        (chapter.name, written)
        for chapter in chapters.values()
        for written in chapter.writes
        if _overlap(artefact, written)
    ]


def check_parameters(chapter: Chapter, values: Mapping[str, Any], origin: str) -> dict[str, Any]:
    """Check values for one chapter: every name known, every type as declared.

    Args:
        chapter: The chapter.
        values: Values by parameter name.
        origin: Where the values come from, for the message.

    Returns:
        Checked values.

    Raises:
        ValueError: If a name is unknown or the runner's, or a value of a wrong type or not JSON's.
    """
    unknown = [name for name in values if name not in chapter.parameters]
    if unknown:
        raise ValueError(
            f"{origin}: chapter {chapter.name} has no parameter "
            f"{', '.join(map(short, unknown[:5]))};"
            f" it has: {', '.join(chapter.parameters) or 'none'}"
        )
    if "run_dir" in values:
        raise ValueError(f"{origin}: run_dir is set by the runner; choose another profile instead")
    for name, value in values.items():
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"{origin}: chapter {chapter.name}, parameter {name}: {error}; put dates into "
                "quotation marks, and leave out .nan, .inf and references"
            ) from error
    return {
        name: check_value(chapter.name, chapter.parameters[name], value)
        for name, value in values.items()
    }


def _declared(path: Path, declared: Mapping[str, Any], key: str) -> tuple[str, ...]:
    names = declared.get(key)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(
            f'notebooks/{path.name}: metadata must hold {{"lembas": {{"reads": [...], '
            f'"writes": [...]}}}}; `{key}` is missing or not a list of texts'
        )
    for name in names:
        pure = PurePosixPath(name)
        if pure.is_absolute() or ".." in pure.parts or not re.fullmatch(r"[\w./-]+", name):
            raise ValueError(
                f"notebooks/{path.name}: `{key}` names {json.dumps(name)}; expected a path within "
                "the run's folder, such as tables/scores.parquet or models/ridge/"
            )
    return tuple(names)


def _declared_pieces(path: Path, declared: Mapping[str, Any]) -> Pieces | None:
    if "pieces" not in declared:
        return None
    found = declared["pieces"]
    if (
        not isinstance(found, dict)
        or set(found) != {"made_by", "kept_in"}
        or not re.fullmatch(r"lembas(\.\w+)+\.\w+", str(found["made_by"]))
        or not re.fullmatch(r"unfinished/\w+/", str(found["kept_in"]))
    ):
        raise ValueError(
            f"notebooks/{path.name}: `pieces` must hold `made_by`, such as "
            "lembas.scattered.baselines, and `kept_in`, such as unfinished/baselines/; found "
            f"{json.dumps(found)[:100]}"
        )
    return Pieces(**found)


def _check_artefacts(chapters: Iterable[Chapter]) -> None:
    owners: dict[str, str] = {}
    for chapter in chapters:
        for written in chapter.writes:
            clash = [other for other in owners if _overlap(written, other)]
            if clash:
                raise ValueError(
                    f"{written} (chapter {chapter.name}) and {clash[0]} (chapter "
                    f"{owners[clash[0]]}) overlap; one artefact has one writer"
                )
            owners[written] = chapter.name
    for chapter in chapters:
        for read in chapter.reads:
            if not any(_overlap(read, written) for written in owners):
                raise ValueError(
                    f"chapter {chapter.name} reads {read}, which no chapter writes; "
                    "add it to `writes` of the chapter that makes it"
                )


def _refuse_circles(chapters: Mapping[str, Chapter]) -> None:
    needs = {
        name: {writer for read in chapter.reads for writer, _ in writers_of(read, chapters)}
        for name, chapter in chapters.items()
    }
    try:
        TopologicalSorter({name: found - {name} for name, found in needs.items()}).prepare()
    except CycleError as error:
        circle = " -> ".join(error.args[1])
        raise ValueError(f"chapters wait for each other in a circle: {circle}") from error


# Each name is compared with every other, many times in a run.
@lru_cache(maxsize=65536)
def _overlap(one: str, other: str) -> bool:
    first, second = PurePosixPath(one), PurePosixPath(other)
    return first == second or first in second.parents or second in first.parents
