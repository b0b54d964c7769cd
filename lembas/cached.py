"""Keep a table that was read and checked, so that its text is parsed once only."""

from __future__ import annotations

import hashlib
import json
import warnings
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tokenize import TokenError
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from lembas.atomic import write_atomically

# Read at once for a checksum: mapped into memory, the whole file would count as used.
_CHUNK_BYTES = 1 << 24


_NPY = b"\x93NUMPY"
# What NumPy raises on files of arrays that are damaged.
DAMAGED_ARRAYS = (
    *(OSError, EOFError, ValueError, TypeError, LookupError, BadZipFile, zlib.error),
    *(NotImplementedError, SyntaxError, TokenError, RecursionError, UserWarning),
)


@dataclass(frozen=True)
class CachedTable:
    """Reach the copy of one source's table, by the digest of the source.

    The values lie in an uncompressed ``.npy`` file, in the very order in memory they had, so
    that sums over them come out alike; names and a checksum lie beside it and are written last.

    Attributes:
        values: The ``.npy`` file.
    """

    values: Path

    @classmethod
    def of(cls, source: Path, folder: str | Path, *, variant: str) -> CachedTable:
        """Find the place of a source's table.

        Args:
            source: An existing file.
            folder: Where tables are kept; whoever owns it may delete it at any time.
            variant: How the source is read, where that can differ.
        """
        with source.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        # Two sources may have the same name in different folders.
        place = zlib.crc32(str(source.absolute()).encode())
        return cls(Path(folder) / f"{source.name}.{place:08x}.{variant}.{digest}.npy")

    @property
    def labels(self) -> Path:
        """The file with the names of rows and columns."""
        return self.values.with_suffix(".json")

    def read(self) -> pd.DataFrame | None:
        """Map the table into memory; None when it is not there, or is damaged.

        Returns:
            Shape ``(sample, gene)``, float64; changing it does not change the file.
        """
        try:
            kept = json.loads(self.labels.read_text("utf-8"))
            values = _mapped(self.values)
            samples = pd.Index(kept["samples"], dtype=object, name="sample")
            genes = pd.Index(kept["genes"], dtype=object, name="gene")
            table = pd.DataFrame(values, index=samples, columns=genes)
            return table if _checksum(self.values) == kept["crc32"] else None
        except (*DAMAGED_ARRAYS, AttributeError):
            return None

    def read_or(self, make: Callable[[], pd.DataFrame]) -> pd.DataFrame:
        """Read the table, or make and keep it; tables of what the source was before are deleted.

        A full disk costs the next run its time, not this one its result: it is a warning.

        Args:
            make: Reads and checks the source, shape ``(sample, gene)``, float64.
        """
        if (table := self.read()) is not None:
            return table
        table = make()
        names = {"samples": table.index.tolist(), "genes": table.columns.tolist()}
        try:
            self._delete_older()
            write_atomically(self.values, lambda part: np.save(part, table.to_numpy()))
            text = json.dumps({**names, "crc32": _checksum(self.values)})
            write_atomically(self.labels, lambda part: _write_text(part, text))
        except OSError as error:
            with suppress(OSError):
                self.values.unlink()
            warnings.warn(
                f"the table was read, but not kept in {self.values.parent} ({error}); the next "
                "run reads its text again",
                stacklevel=2,
            )
        return table

    def _delete_older(self) -> None:
        prefix = self.values.name.rsplit(".", 2)[0]
        if self.values.parent.is_dir():
            for path in self.values.parent.iterdir():
                # A leading dot: what a writer that was killed left.
                if path.name.removeprefix(".").startswith(f"{prefix}."):
                    path.unlink()


def _mapped(path: Path) -> np.ndarray:
    """Map an array into memory; anything else that NumPy would open is refused."""
    with path.open("rb") as stream:
        if stream.read(len(_NPY)) != _NPY:
            raise ValueError(f"{path} holds no array; it is made anew")
    with warnings.catch_warnings():
        # NumPy warns of a header that only Python 2 wrote: none of ours.
        warnings.simplefilter("error", UserWarning)
        return np.asarray(np.load(path, mmap_mode="c", allow_pickle=False))


def _checksum(path: Path) -> int:
    checksum = 0
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            checksum = zlib.crc32(chunk, checksum)
    return checksum


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
