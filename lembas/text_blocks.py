"""Parse delimited text of any size in blocks, holding the table in memory once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import csv as arrow_csv

# The spellings of "no value"; any other cell that is not a number is an error of its own.
MISSING = ("", "NA", "N/A", "#N/A", "NaN", "nan", "NULL", "null", "None")
# A row must fit into one block: 32 MiB holds a row of a million cells and more.
BLOCK_BYTES = 1 << 25


def parse_text(path: Path, separator: str, *, n_fields: int, kind: pa.DataType) -> pd.DataFrame:
    """Parse the rows below the header; columns are numbered, since names may repeat.

    Args:
        path: Delimited text, gzipped or not.
        separator: What parts the fields.
        n_fields: Fields of every row, that of the row labels included.
        kind: Of the cells: ``pa.float64()``, or ``pa.string()`` to see them as they are.

    Returns:
        Cells, shape ``(row, n_fields - 1)``, over the row labels.

    Raises:
        pyarrow.ArrowInvalid: If a row has other fields, or a cell is not of the kind.
        OSError: If the file cannot be read or unpacked.
    """
    numbers = [str(number) for number in range(n_fields)]
    labels: list[str] = []
    parts: list[np.ndarray] = []
    blocks = arrow_csv.open_csv(
        path,
        read_options=arrow_csv.ReadOptions(
            block_size=BLOCK_BYTES, skip_rows=1, column_names=numbers
        ),
        parse_options=arrow_csv.ParseOptions(delimiter=separator),
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(numbers, kind) | {"0": pa.string()},
            null_values=list(MISSING),
            strings_can_be_null=kind == pa.string(),
        ),
    )
    for block in blocks:
        names, *cells = block.columns
        labels += names.to_pylist()
        parts.append(_stacked(cells, len(names)))
    return pd.DataFrame(_joined(parts), index=pd.Index(labels, dtype=object))


def _stacked(cells: list[pa.Array], n_rows: int) -> np.ndarray:
    """Copy columns into one array, shape ``(column, row)``."""
    if not cells:
        return np.empty((0, n_rows))
    return np.stack([column.to_numpy(zero_copy_only=False) for column in cells])


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    """Put blocks of rows, each ``(column, row)``, below each other; takes them from the list.

    The memory of the whole, row after row, is filled as that of the blocks is given back: a wide
    table lies in memory once, not twice.
    """
    end = sum(part.shape[1] for part in parts)
    whole = np.empty((end, len(parts[0])), parts[0].dtype)
    while parts:
        part = parts.pop()
        whole[end - part.shape[1] : end] = part.T
        end -= part.shape[1]
    return whole
