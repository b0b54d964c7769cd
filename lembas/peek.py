"""Look at a table without reading it whole: its labels, and some of its cells."""

from __future__ import annotations

import csv
import gzip
import heapq
import io
import zlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
import pandas as pd

from lembas.formats import SEPARATORS, full_header, separator_of
from lembas.text_blocks import BLOCK_BYTES
from lembas.text_files import other_separator, what_it_is

# Rows and columns whose cells are looked at: enough to tell text from numbers, and of whole
# samples enough to tell counts from logarithms.
MOST_ROWS = 200
MOST_COLUMNS = 40
# Columns of so many rows are no samples: no species has as many genes or transcripts.
MOST_GENES = 300_000
# A text is read as far as this, which takes seconds.
MOST_BYTES = 1 << 29


@dataclass(frozen=True)
class Peek:
    """Hold what a look at a table shows.

    Which rows and columns are looked at is decided by their labels: a table in another order
    shows the same cells.

    Attributes:
        corner: Name of the column of row labels; empty in R's tables, which do not name it.
        columns: Names in the header, without the corner.
        rows: Labels in the first column.
        texts: Cells as text, at most 200 rows and 40 columns.
        wide: Cells as numbers, at most 40 rows, every column; NaN where there is no number.
        tall: Cells as numbers, every row, at most 40 columns; empty when rows are too many.
        n_rows: How many rows there are; an estimate where the table was not read to its end.
        complete: Whether ``rows`` are all rows.
        ragged: Rows looked at that have more or fewer fields than the header.
    """

    corner: str
    columns: pd.Index
    rows: pd.Index
    texts: pd.DataFrame
    wide: pd.DataFrame
    tall: pd.DataFrame
    n_rows: int
    complete: bool = True
    ragged: tuple[str, ...] = ()


def chosen(labels: Sequence[str], most: int) -> list[int]:
    """Choose the positions of some labels by what they are called, not by where they stand.

    Args:
        labels: All labels.
        most: How many to choose.
    """
    by_hash = sorted(range(len(labels)), key=lambda at: (zlib.crc32(labels[at].encode()), at))
    return sorted(by_hash[:most])


def peek_text(path: Path, *, most_bytes: int = MOST_BYTES) -> Peek:
    """Look at a delimited text, gzipped or not.

    Args:
        path: The file; its suffix says how fields are separated, as everywhere in the package.
        most_bytes: How far it is read; rows beyond are estimated from the file's size.

    Raises:
        ValueError: If it is empty, damaged, no UTF-8, its first line has no names, a line cannot
            be cut into fields, or fields are separated otherwise than the suffix says.
    """
    separator = separator_of(path)
    if separator is None:
        raise ValueError(f"is no TSV or CSV; expected {', '.join(SEPARATORS)} (or .gz)")
    try:
        with path.open("rb") as raw, _opened(raw, path) as stream:
            header = _header(stream, separator)
            lines = _Lines(separator, header)
            whole = lines.gather(stream, most_bytes)
            share = 1.0 if whole else raw.tell() / path.stat().st_size
        if not lines.labels:
            raise ValueError("is empty: expected a line of names and rows below it")
        return lines.peeked(share)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        known = what_it_is(path)
        damaged = f"cannot be read ({error}): it is damaged, cut short or no UTF-8 text"
        raise ValueError(f"it is {known}" if known else f"{damaged}; copy it again") from error
    except csv.Error as error:
        raise ValueError(
            f"has a line that cannot be cut into fields ({error}): mend that line, or save the "
            "table again"
        ) from error


class _Line(NamedTuple):
    """Order lines so that the first of a heap is the one to give up next."""

    negative_hash: int
    negative_number: int
    text: bytes


@dataclass
class _Lines:
    """Gather lines: every label, some columns of every line, and every column of some lines."""

    separator: str
    header: list[str]
    labels: list[str] = field(default_factory=list)
    kept: list[_Line] = field(default_factory=list)
    tall: array[float] = field(default_factory=lambda: array("d"))
    columns: list[int] = field(default_factory=list)
    is_text: bool = False

    def __post_init__(self) -> None:
        self.separator_bytes = self.separator.encode()

    def gather(self, stream: IO[bytes], most_bytes: int) -> bool:
        """Take lines up to a size; say whether that was all."""
        n_bytes = 0
        while text := stream.readline(BLOCK_BYTES):
            _refuse_endless(text)
            n_bytes += len(text)
            if text := text.rstrip(b"\r\n"):
                # A network has lines by the million, of which only the label is wanted.
                is_cut = len(self.labels) < MOST_GENES and not self.is_text
                fields = self._cut(text) if is_cut else [self._label(text)]
                if not self.labels:
                    self._begin(fields)
                self._keep(zlib.crc32(fields[0]), text)
                self.labels.append(fields[0].decode("utf-8"))
                if is_cut:
                    self._measure(fields)
            if n_bytes > most_bytes:
                return False
        return True

    def _begin(self, fields: list[bytes]) -> None:
        """Choose the columns to look at."""
        self.header = full_header(self.header, len(fields), "it")
        self.columns = [at + 1 for at in chosen(self.header[1:], MOST_COLUMNS)]

    def _keep(self, label_hash: int, text: bytes) -> None:
        """Keep the lines whose labels have the lowest hashes; of equal ones the first."""
        if len(self.kept) < MOST_ROWS:
            heapq.heappush(self.kept, _Line(-label_hash, -len(self.labels), text))
        elif -label_hash > self.kept[0].negative_hash:
            heapq.heapreplace(self.kept, _Line(-label_hash, -len(self.labels), text))

    def _measure(self, fields: list[bytes]) -> None:
        """Keep some cells as numbers; none of a table whose columns are text for the most part."""
        cells = [fields[at] if at < len(fields) else b"" for at in self.columns]
        self.tall.extend(_numbers(cells))
        self.is_text = len(self.labels) == MOST_ROWS and bool(np.isnan(self.tall).mean() >= 0.5)

    def _label(self, text: bytes) -> bytes:
        end = text.find(self.separator_bytes)
        return self._cut(text)[0] if b'"' in text else text[: end if end >= 0 else None]

    def _cut(self, text: bytes) -> list[bytes]:
        if b'"' not in text:
            return text.split(self.separator_bytes)
        return [part.encode() for part in _fields(text.decode("utf-8"), self.separator)]

    def peeked(self, share: float) -> Peek:
        """Say what was seen.

        Args:
            share: Part of the file that was read, above 0, at most 1.
        """
        in_order = sorted(self.kept, key=lambda line: -line.negative_number)
        lines = [self._cut(line.text) for line in in_order]
        sound = [line for line in lines if len(line) == len(self.header)]
        names = pd.Index(self.header[1:], dtype=object)
        rows = pd.Index(self.labels, dtype=object)
        index = pd.Index([line[0].decode() for line in sound], dtype=object)
        at = [position - 1 for position in self.columns]
        texts = [[line[position].decode() for position in self.columns] for line in sound]
        some = chosen(list(index), MOST_COLUMNS)
        wide = np.array([_numbers(sound[place][1:]) for place in some])
        wide = wide.reshape(len(some), len(names))
        tall = np.array(self.tall).reshape(-1, len(at)) if at else np.empty((len(rows), 0))
        return Peek(
            corner=self.header[0] if self.header else "",
            columns=names,
            rows=rows,
            texts=pd.DataFrame(texts, index, names[at], dtype=object),
            wide=pd.DataFrame(wide, index[some], names),
            tall=pd.DataFrame(tall, rows, names[at]) if len(tall) == len(rows) else NO_CELLS,
            n_rows=round(len(rows) / share),
            complete=share == 1.0,
            ragged=tuple(line[0].decode() for line in lines if len(line) != len(self.header)),
        )


NO_CELLS = pd.DataFrame()


def _numbers(cells: list[bytes]) -> list[float]:
    """Turn cells into numbers, NaN where there is none."""
    try:
        return list(map(float, cells))
    except ValueError:
        return list(map(_number, cells))


def _number(cell: bytes) -> float:
    try:
        return float(cell)
    except ValueError:
        return np.nan


def _opened(raw: IO[bytes], path: Path) -> IO[bytes]:
    if path.suffix != ".gz":
        return raw
    # A buffer of its own: GzipFile reads lines slowly.
    return io.BufferedReader(gzip.GzipFile(fileobj=raw), 1 << 20)


def _header(stream: IO[bytes], separator: str) -> list[str]:
    """Read the first line, or say that it is separated otherwise."""
    text = stream.readline(BLOCK_BYTES)
    _refuse_endless(text)
    line = text.rstrip(b"\r\n").decode("utf-8-sig")
    if found := other_separator(line, separator):
        raise ValueError(found)
    return _fields(line, separator)


def _refuse_endless(text: bytes) -> None:
    """Refuse a line that no table has, before the next one is read."""
    if len(text) == BLOCK_BYTES:
        raise ValueError(f"has a line of more than {BLOCK_BYTES >> 20} MiB: it is no table")


def _fields(line: str, separator: str) -> list[str]:
    return next(csv.reader([line], delimiter=separator), [])
