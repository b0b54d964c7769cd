"""Turn a file of any supported format into a labelled table, or say what is wrong with it."""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import NoReturn

import numpy as np
import pandas as pd
import pyarrow as pa

from lembas import h5ad
from lembas.plain_text import quoted, reason_of, short
from lembas.text_blocks import parse_text
from lembas.text_files import commas_in_numbers, other_separator, unquoted_commas, what_it_is

_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[-+]?[0-9]+)?|[-+]?inf(inity)?", re.I)
SEPARATORS = {".tsv": "\t", ".txt": "\t", ".csv": ","}


def listed(labels: Iterable[object], *, most: int = 5) -> str:
    """Name the first labels and count the rest, for messages and tables.

    Args:
        labels: Anything that can be turned into text.
        most: How many to name.

    Example:
        >>> listed(["ALB", "AFP", "APOA1"], most=2)
        'ALB, AFP and 1 more'
    """
    names = [short(str(label)) for label in labels]
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def counted(number: int, noun: str) -> str:
    """Write a number with its noun, in the plural where it is not 1.

    Example:
        >>> counted(1, "seed"), counted(1200, "seed")
        ('1 seed', '1,200 seeds')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def existing_file(path: str | Path, what: str) -> Path:
    """Return the path of a file, or say that it is missing.

    Args:
        path: Where the file should be.
        what: What the file holds, for the message.

    Raises:
        FileNotFoundError: If there is no such file.
    """
    path = Path(path)
    if path.is_dir():
        raise FileNotFoundError(f"{what} {path} is a folder; name a file in it")
    if not path.is_file():
        raise FileNotFoundError(f"{what} not found: {path}; check the path")
    return path


def separator_of(path: Path) -> str | None:
    """Return the field separator that a suffix stands for; None: no delimited text."""
    kind = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
    return SEPARATORS.get(kind)


def full_header(header: list[str], n_fields: int, origin: str) -> list[str]:
    """Name every field of a row, also where R wrote no name above the row labels.

    Args:
        header: Fields of the first line.
        n_fields: Fields of the first row below it.
        origin: What is read; begins the message.

    Raises:
        ValueError: If no field of the first line is a name.
    """
    if not any(name.strip() for name in header):
        raise ValueError(
            f"{origin} has no names in its first line; remove what stands above the line of names, "
            "empty lines too"
        )
    return ["", *header] if n_fields == len(header) + 1 else header


def is_delimited_text(path: Path) -> bool:
    """Say whether a file's suffix stands for delimited text, gzipped or not."""
    return separator_of(path) is not None


def column_names(path: Path) -> list[str]:
    """Read the names in the first line of delimited text, that of the row labels first.

    Args:
        path: TSV or CSV, gzipped or not.

    Returns:
        A name for each field of a row; ``""`` first where the line is one field short.

    Raises:
        ValueError: If the file is no delimited text, is damaged, or has no row below the first.
    """
    separator = separator_of(path)
    if separator is None:
        raise ValueError(f"{path} is no TSV or CSV; expected {', '.join(SEPARATORS)} (or .gz)")
    return _header(path, separator)


def read_labelled(path: Path) -> pd.DataFrame:
    """Read a table with labels on both axes, as it lies in the file.

    Args:
        path: ``.tsv``, ``.csv`` or ``.txt`` (tab-separated), gzipped or not, ``.parquet`` or
            ``.h5ad``; in text, the first column holds the row labels and the first line the
            column labels (R's header, one field short, is understood).

    Returns:
        The table; repeated labels are kept, cells are numbers or NaN.

    Raises:
        ValueError: If the suffix is unknown, the file is damaged or ragged, or a cell is
            neither a number nor missing.
    """
    if (separator := separator_of(path)) is not None:
        return _read_text(path, separator)
    if path.suffix == ".h5ad":
        return h5ad.read_matrix(path)
    if path.suffix == ".parquet":
        return _read_parquet(path)
    raise ValueError(
        f"{path} has the unknown suffix {quoted(path.suffix)}; expected "
        f"{', '.join(SEPARATORS)} (each also with .gz), .parquet or .h5ad"
    )


def read_records(
    path: str | Path, what: str, columns: tuple[str, ...], *, quoted: bool = True
) -> pd.DataFrame:
    """Read named columns of a delimited file as text.

    Args:
        path: TSV or CSV, gzipped or not.
        what: What the file holds, for messages.
        columns: The columns it must have.
        quoted: Whether quotation marks enclose cells; else they are letters like others.

    Returns:
        The columns, as strings; an empty cell is an empty string.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file cannot be read, is empty, or lacks a column.
    """
    path = existing_file(path, what)
    separator = separator_of(path)
    if separator is None:
        raise ValueError(f"{what} {path} is no TSV or CSV; expected {', '.join(SEPARATORS)}")
    try:
        marks = csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
        table = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, quoting=marks)
    except UnicodeDecodeError as error:
        raise _unreadable(path, error) from error
    except (ValueError, OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{what} {path} cannot be read as a table: {reason_of(error)}") from error
    if not table.empty and not isinstance(table.index, pd.RangeIndex):
        raise ValueError(
            f"{what} {path} has rows with more fields than its header, which names "
            f"{counted(len(table.columns), 'column')} ({listed(table.columns)}); name every "
            "column, or remove the surplus fields, such as R's row names"
        )
    absent = [column for column in columns if column not in table.columns]
    if absent and len(table.columns) == 1:
        _refuse_other_text(path, str(table.columns[0]), separator)
    if absent:
        raise ValueError(
            f"{what} {path} lacks the column(s) {', '.join(absent)}; found "
            f"{listed(table.columns)}; expected {', '.join(columns)}"
        )
    if table.empty:
        raise ValueError(f"{what} {path} is empty; expected one row below the header at least")
    return table[list(columns)]


def to_float(table: pd.DataFrame, *, origin: str) -> pd.DataFrame:
    """Turn every column into float64, or name the cells that are not numbers.

    Args:
        table: Labelled on both axes; None and NaN are missing values and stay so.
        origin: Where the table comes from; named in messages.

    Returns:
        The same table where it is float64 throughout, else a new one.

    Raises:
        ValueError: If a cell is neither a number nor missing.
    """
    if (table.dtypes == np.float64).all():
        return table
    try:
        return table.astype(np.float64)
    except (ValueError, TypeError) as error:
        _refuse_words(table, origin, error)


def _read_text(path: Path, separator: str) -> pd.DataFrame:
    """Read a delimited file whose first column holds the row labels."""
    header = _header(path, separator)
    try:
        table = parse_text(path, separator, n_fields=len(header), kind=pa.float64())
    except OSError as error:
        raise _unreadable(path, error) from error
    except pa.ArrowInvalid as error:
        # Only on failure: the file again as text, slower, to name the cells at fault.
        cells = _parse_cells(path, separator, n_fields=len(header))
        _refuse_words(cells.set_axis(header[1:], axis=1), str(path), error)
    table.columns = pd.Index(header[1:], dtype=object)
    return table


def _header(path: Path, separator: str) -> list[str]:
    """Read the names in the first line, with one for the column of row labels."""
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8-sig", newline="") as lines:
            rows = csv.reader(lines, delimiter=separator)
            header, first = next(rows, []), next(filter(None, rows), [])
    except (OSError, EOFError, UnicodeDecodeError, csv.Error, zlib.error) as error:
        raise _unreadable(path, error) from error
    if len(header) == 1:
        _refuse_other_text(path, header[0], separator)
    if not first:
        raise ValueError(f"{path} is empty; expected a line of names and a row for each sample")
    return full_header(header, len(first), str(path))


def _parse_cells(path: Path, separator: str, *, n_fields: int) -> pd.DataFrame:
    """Read all cells as text, or say why the file is no table."""
    try:
        return parse_text(path, separator, n_fields=n_fields, kind=pa.string())
    except OSError as error:
        raise _unreadable(path, error) from error
    except pa.ArrowInvalid as error:
        raise ValueError(
            f"{path} cannot be read as a table: {str(error)[:150]}; every row needs {n_fields} "
            f"fields, as the header has, separated by {quoted(separator)}"
            f"{unquoted_commas(str(error), separator)}"
        ) from error


def read_parquet(path: Path) -> pd.DataFrame:
    """Read a Parquet file as pandas does.

    Raises:
        ValueError: If it is damaged, or was not written by a program that knows tables.
    """
    try:
        table = pd.read_parquet(path, engine="pyarrow")
        # What pandas left beside the table may say anything of the columns' names.
        if odd := [name for name in table.columns if not isinstance(name, Hashable)]:
            raise ValueError(f"{listed(odd)} cannot be the name of a column")
    except (pa.ArrowException, *h5ad.DAMAGE) as error:
        raise _unreadable(path, error) from error
    return table


def _read_parquet(path: Path) -> pd.DataFrame:
    """Read a Parquet table; without an index of names, its first column holds them."""
    table = read_parquet(path)
    if table.shape[1] and _only_counts_rows(table):
        table = table.set_index(table.columns[0])
    return table


def _only_counts_rows(table: pd.DataFrame) -> bool:
    """Say whether an index only numbers rows; beside a column of numbers it may be GeneIDs."""
    index, first = table.index, table.iloc[:, 0]
    if isinstance(index, pd.RangeIndex):
        return True
    is_numbered = index.name is None and pd.api.types.is_integer_dtype(index.dtype)
    return is_numbered and not pd.api.types.is_numeric_dtype(first.dtype)


def _refuse_other_text(path: Path, line: str, separator: str) -> None:
    """Say what a file is whose first line is a single field, if that can be told."""
    if (what := what_it_is(path)) is not None:
        raise ValueError(f"{path} is {what}")
    if (found := other_separator(line, separator)) is not None:
        raise ValueError(f"{path} cannot be read as a table: {found}")


def _unreadable(path: Path, error: BaseException) -> ValueError:
    """Say that a file is damaged, or what it is."""
    what = what_it_is(path) if is_delimited_text(path) else None
    if what is not None:
        return ValueError(f"{path} cannot be read: it is {what}")
    return ValueError(
        f"{path} cannot be read ({reason_of(error)}); it is damaged, cut short or of another "
        "format: copy it again"
    )


def _refuse_words(table: pd.DataFrame, origin: str, error: BaseException) -> NoReturn:
    """Name the first cells that are neither a number nor missing."""
    places: list[str] = []
    wrong_cells: list[object] = []
    for column, cells in table.items():
        # Dates and times would pass for numbers: of nanoseconds.
        is_time = cells.dtype.kind in "mM"
        as_numbers = pd.to_numeric(cells.astype(object), errors="coerce")
        wrong = cells[(as_numbers.isna() | is_time | cells.map(_is_odd)) & cells.notna()]
        wrong = wrong.astype(object)
        places += [f"{row}/{column}: {quoted(cell)}" for row, cell in wrong.items()]
        wrong_cells += wrong.tolist()
        if len(places) > 5:
            break
    remedy = commas_in_numbers(wrong_cells) or "correct them, or remove columns of annotation"
    which = f" (row/column: cell): {listed(places[:5])}" if places else f" ({reason_of(error)})"
    raise ValueError(f"{origin} holds cells that are not numbers{which}; {remedy}") from error


def _is_odd(cell: object) -> bool:
    """Say whether a text is none of the numbers that tables may hold: Python knows more, 1_000."""
    return isinstance(cell, str) and _NUMBER.fullmatch(cell.strip()) is None
