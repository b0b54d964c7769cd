"""Keep the progress of a long fit in a folder, so that a killed one goes on where it was."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lembas.atomic import write_atomically
from lembas.versions import RESULTS_FROM, package_versions

# Says that what lies beside it is progress, and may be removed.
_MARK = "fit.txt"
_KEY_LETTERS = 32
# Rows hashed at once: a whole table would need a second copy of itself.
_ROWS = 1024


def fingerprint(*parts: pd.DataFrame | str | dict[str, Any]) -> str:
    """Digest what a fit depends on: tables (labels and values), settings, code and libraries.

    Progress made by other code, or by other versions of the libraries, is not gone on from: the
    result would be neither's.

    Args:
        *parts: Tables of numbers, texts, and mappings that JSON can hold.

    Returns:
        SHA-256, hexadecimal.
    """
    digest = hashlib.sha256()
    for module in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(module.read_bytes())
    digest.update(json.dumps(package_versions(RESULTS_FROM)).encode())
    for part in parts:
        if isinstance(part, pd.DataFrame):
            digest.update("\n".join(map(str, [*part.index, "", *part.columns])).encode())
            for start in range(0, len(part), _ROWS):
                values = part.iloc[start : start + _ROWS].to_numpy()
                digest.update(np.ascontiguousarray(values).tobytes())
        else:
            text = part if isinstance(part, str) else json.dumps(part, sort_keys=True, default=str)
            digest.update(text.encode())
        digest.update(b"\0")
    return digest.hexdigest()


@dataclass(frozen=True)
class Unfinished:
    """Hold the folder of one fit's progress.

    Attributes:
        folder: Where the fit keeps what it has done so far; whoever named the folder around it
            removes that one once the result is safe.
    """

    folder: Path

    @classmethod
    def open(cls, folder: str | Path, key: str) -> Unfinished:
        """Open the progress of the fit with this key; another fit's progress is removed.

        Several processes, on several machines, may open the same fit at the same moment: each key
        has a folder of its own inside, so that nothing but another key's is ever removed.

        Args:
            folder: The folder; made when it is not there.
            key: Result of :func:`fingerprint` for all that the fit depends on.

        Raises:
            ValueError: If the folder holds anything but a fit's progress.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        own, mark = folder / f"fit-{key[:_KEY_LETTERS]}", folder / _MARK
        # Hidden names are files that another process is writing just now.
        found = [path for path in folder.iterdir() if not path.name.startswith(".")]
        if not mark.is_file():
            if found:
                raise ValueError(
                    f"{folder} holds files that are no fit's progress, such as {found[0].name}; "
                    "name a new or an empty folder"
                )
            write_atomically(mark, _write_mark)
        for other in found:
            if other not in (own, mark):
                _remove(other)
        own.mkdir(exist_ok=True)
        return cls(own)

    def path(self, name: str) -> Path:
        """Give the path of one of the fit's files."""
        return self.folder / name


def _write_mark(path: Path) -> None:
    path.write_text("progress of a fit that is not over; safe to remove\n", "ascii")


def _remove(path: Path) -> None:
    """Remove a file or a folder, which another process may be removing as well."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
