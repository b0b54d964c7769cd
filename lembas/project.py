"""Find the project around a notebook, and name the chapter that writes an artefact.

Standard library only: a notebook asks for it before anything else.
"""

import json
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

# A folder of this name within a run's folder takes what chapters write when they run by hand.
INTERACTIVE = "interactive"


def root_above(folder: Path) -> Path:
    """Find the project that a folder lies in: the nearest root, the folder itself or one above it.

    Raises:
        FileNotFoundError: If there is none.
    """
    found = next(_roots(folder), None)
    if found is None:
        raise FileNotFoundError(
            "this folder is not in a lembas project (no _toc.yml beside profiles/); "
            "change to the project's folder"
        )
    return found


def find_root(folder: Path) -> Path:
    """Find the project from any folder: the one it lies in, else the one this package is part of.

    Args:
        folder: Where to begin, such as the working folder of a notebook.

    Raises:
        FileNotFoundError: If the folder lies in no project and the package was installed without
            one.
    """
    own = Path(__file__).absolute().parents[1]
    found = next(_roots(folder), own if _is_root(own) else None)
    if found is None:
        raise FileNotFoundError(
            f"there is no lembas project in {folder} or above it, and lembas was installed without "
            "one: clone the project and run `pip install -e .` in its folder, or give run_dir as "
            "an absolute path"
        )
    return found


def missing_artefact(name: str, run_folder: Path) -> str:
    """Say that a run lacks an artefact, which chapter writes it, and how to run that chapter.

    Args:
        name: Artefact within the run's folder, such as ``tables/genes.parquet``; may hold ``*``.
        run_folder: Folder of the run; where it lies in a project, chapters are looked up there.
    """
    run = run_folder.name
    start = f"{run_folder / name} is not there; "
    root = next(_roots(run_folder), None)
    writers = [] if root is None else _writers_of(name, root)
    if root is None or not writers:
        return f"{start}run the chapter that writes it first: `lembas run --profile {run}`"
    is_profile = (root / "profiles" / f"{run}.yml").is_file()
    options = f" --profile {run}" if is_profile else " (with the options that made this run)"
    named = " and ".join(writers)
    writes = "writes it" if len(writers) == 1 else "write such files"
    return (
        f"{start}{named} {writes}: run `lembas run {' '.join(writers)}{options}` first, or by hand "
        f"notebooks/{writers[0]}.ipynb from top to bottom"
    )


def _roots(folder: Path) -> Iterator[Path]:
    """Go through the projects that a folder lies in, the nearest first."""
    folder = folder.absolute()
    return (place for place in (folder, *folder.parents) if _is_root(place))


def _is_root(folder: Path) -> bool:
    # Any Jupyter Book has a _toc.yml.
    return (folder / "_toc.yml").is_file() and (folder / "profiles").is_dir()


def _writers_of(name: str, root: Path) -> list[str]:
    """Name the chapters that declare to write an artefact, in order."""
    found = []
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        try:
            metadata = json.loads(path.read_text(encoding="utf-8"))["metadata"]
        except (ValueError, KeyError):
            continue  # half saved; the message is about something else
        if any(_covers(written, name) for written in metadata.get("lembas", {}).get("writes", [])):
            found.append(path.stem)
    return found


def _covers(written: str, name: str) -> bool:
    """Say whether what a chapter writes, a file or a folder, is or holds the artefact."""
    ours, asked = PurePosixPath(written).parts, PurePosixPath(name).parts
    return len(ours) <= len(asked) and all(map(fnmatch, ours, asked))
