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

_KEY_FILE = "fit.txt"
# Rows hashed at once: a whole table would need a second copy of itself.
_ROWS = 1024


def fingerprint(*parts: pd.DataFrame | str | dict[str, Any]) -> str:
    """Digest what a fit depends on: tables (labels and values), settings, and this package.

    Progress made by other code is not gone on from: the result would be neither's.

    Args:
        *parts: Tables of numbers, texts, and mappings that JSON can hold.

    Returns:
        SHA-256, hexadecimal.
    """
    digest = hashlib.sha256()
    for module in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(module.read_bytes())
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
        folder: Where the fit keeps what it has done so far; whoever called it removes the
            folder once the result is safe.
    """

    folder: Path

    @classmethod
    def open(cls, folder: str | Path, key: str) -> Unfinished:
        """Open the folder of the fit with this key; another fit's progress is removed.

        Args:
            folder: The folder; made when it is not there.
            key: Result of :func:`fingerprint` for all that the fit depends on.

        Raises:
            ValueError: If the folder holds anything but a fit's progress.
        """
        folder = Path(folder)
        owner = folder / _KEY_FILE
        if owner.is_file() and owner.read_text("ascii") != key:
            shutil.rmtree(folder)
        elif folder.exists() and not owner.is_file() and any(folder.iterdir()):
            raise ValueError(
                f"{folder} holds files that are no fit's progress, such as "
                f"{next(folder.iterdir()).name}; name a new or an empty folder"
            )
        folder.mkdir(parents=True, exist_ok=True)
        owner.write_text(key, "ascii")
        return cls(folder)

    def path(self, name: str) -> Path:
        """Give the path of one of the fit's files."""
        return self.folder / name
