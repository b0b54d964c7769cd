"""Write down how an artefact was made: parameters, versions, digests, duration, memory."""

import hashlib
import json
import os
import platform
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from lembas.atomic import write_atomically
from lembas.hardware import processor_name

# Parts of a chapter's record, and those of its recipe, that are looked up in it.
Kind = type | tuple[type, ...]
PARTS: Mapping[str, Kind] = {
    **dict.fromkeys(("recipe", "machine", "versions", "sources", "writes"), dict),
    "threads": int,
}
RECIPE: Mapping[str, Kind] = {"parameters": dict}
COSTS: Mapping[str, Kind] = {
    "started": str,
    "duration_s": (int, float),
    "peak_memory_mib": (int, float),
}
# What a page says of how it was made.
BOX: Mapping[str, Kind] = {**COSTS, "chapter": str, "profile": str, "reads": dict}
NO_KINDS: Mapping[str, Kind] = {}


def digest(path: Path) -> str:
    """Return the sha256 of a file, or of a folder's file names and contents.

    Args:
        path: File or folder.

    Returns:
        64 hexadecimal digits; empty if there is nothing at ``path``.
    """
    if path.is_file():
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    if not path.is_dir():
        return ""
    combined = hashlib.sha256()
    for file in sorted(path.rglob("*")):
        # Snakemake keeps a time stamp of its own in every folder it tracks.
        if file.is_file() and not file.name.startswith(".snakemake"):
            combined.update(f"{file.relative_to(path).as_posix()} {digest(file)}\n".encode())
    return combined.hexdigest()


def digests(names: Iterable[str], folder: Path) -> dict[str, str]:
    """Return the sha256 of each named artefact of a folder."""
    return {name: digest(folder / name) for name in names}


def machine() -> dict[str, Any]:
    """Return Python's version, the platform, and the number and the name of its processors."""
    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "processors": os.cpu_count(),
        "processor": processor_name(),
    }


def write_json(path: Path, content: Mapping[str, Any]) -> bool:
    """Write JSON through a temporary file, only when the text differs from what is there.

    Args:
        path: File to write; its folder is made when missing.
        content: Content, in the order to keep.

    Returns:
        Whether the file was written.
    """
    return write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def write_text(path: Path, text: str) -> bool:
    """Write a text through a temporary file, only when it differs from what is there."""
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    write_atomically(path, partial(_write, text))
    return True


def _write(text: str, path: Path) -> None:
    path.write_text(text, encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file written by :func:`write_json`; empty if there is none.

    Raises:
        ValueError: If it is damaged.
    """
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError("it holds no mapping")
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"{path} is damaged ({error}); delete it and run the chapter again"
        ) from error
    return content


def checked_record(
    record: Mapping[str, Any], origin: str, more: Mapping[str, Kind] = NO_KINDS
) -> dict[str, Any]:
    """Check a chapter's record: what is looked up in it is there, and of its kind.

    Args:
        record: As :func:`lembas.execution.execute` wrote it.
        origin: Its file, for the message.
        more: Parts that it must have besides ``PARTS``, by kind.

    Raises:
        ValueError: If a part is missing or of another kind.
    """
    # Parts that older records lack are of their kind where they are there.
    reads: Mapping[str, Kind] = {"reads": dict} if "reads" in record else NO_KINDS
    wrong = wrong_parts({**PARTS, **reads, **more}, record)
    if not wrong:
        modules: Mapping[str, Kind] = (
            {"modules": dict} if "modules" in record["recipe"] else NO_KINDS
        )
        kinds = {**RECIPE, **modules}
        wrong = [f"recipe.{name}" for name in wrong_parts(kinds, record["recipe"])]
    named = [name for name in ("sources", "reads", "writes") if name in record and not wrong]
    wrong += [
        name for name in named if not all(isinstance(text, str) for text in record[name].values())
    ]
    if wrong:
        raise ValueError(
            f"{origin} is damaged ({', '.join(wrong[:5])} missing or of another kind); delete "
            "it and run the chapter again"
        )
    return dict(record)


def wrong_parts(kinds: Mapping[str, Kind], part: Mapping[str, Any]) -> list[str]:
    """Name the parts of a mapping that are missing or of another kind."""
    return [name for name, kind in kinds.items() if not isinstance(part.get(name), kind)]
