"""Look at a binary file without reading it whole: Parquet, AnnData's .h5ad, ARCHS4's .h5."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lembas.h5ad import DAMAGE
from lembas.peek import MOST_COLUMNS, MOST_ROWS, NO_CELLS, Peek, chosen
from lembas.plain_text import reason_of

# A compressed or sparse matrix of more numbers is not looked into.
MOST_NUMBERS = 50_000_000
SYMBOLS = ("meta/genes/symbol", "meta/genes/gene_symbol")
DAMAGED = "cannot be read ({}): it is damaged, cut short or of another format; copy it again"


@dataclass(frozen=True)
class PeekHdf5:
    """Hold what a look at an HDF5 file shows.

    Attributes:
        layout: "h5ad" or "archs4".
        cells: Some samples, the first, with every gene; empty where the matrix cannot be cut.
        obs: What is known of the samples; empty for ARCHS4.
        var: What is known of the genes.
        n_samples: Samples in the file.
    """

    layout: str
    cells: pd.DataFrame
    obs: pd.DataFrame
    var: pd.DataFrame
    n_samples: int


def peek_parquet(path: Path) -> Peek:
    """Look at a Parquet table: the column of labels whole, of the others some.

    Args:
        path: An existing file.

    Raises:
        ValueError: If it is damaged, or has no columns or no rows.
    """
    from pyarrow import parquet

    with _damage_told():
        with parquet.ParquetFile(path) as file:
            corner, *names = _labels_first(file.schema_arrow)
            labels = [str(label) for label in file.read(columns=[corner]).column(0).to_pylist()]
            if not labels:
                raise _ToldError("is empty: it has no rows")
            some = [names[at] for at in chosen(names, MOST_COLUMNS)]
            tall = _table(file.read(columns=some), labels)
            # All of a table of moderate size is looked at, only the head of a larger one.
            small = len(labels) * len(names) <= MOST_NUMBERS
            head = file.read() if small else _head(file)
            at = chosen(labels, MOST_ROWS) if small else list(range(head.num_rows))
            rows = head.select(names).take(at)
            wide = _table(rows, [labels[position] for position in at])
        texts = wide[some].astype(object)
        texts = texts.where(texts.notna(), "").astype(str).astype(object)
        wide, tall = _numbers(wide.iloc[chosen(list(wide.index), MOST_COLUMNS)]), _numbers(tall)
    return Peek(
        corner="" if corner.startswith("__index_level_") else corner,
        columns=pd.Index(names, dtype=object),
        rows=pd.Index(labels, dtype=object),
        texts=texts,
        wide=wide,
        tall=tall,
        n_rows=len(labels),
    )


def peek_hdf5(path: Path) -> PeekHdf5:
    """Look at an .h5ad or an ARCHS4 file.

    Args:
        path: An existing file.

    Raises:
        ValueError: If it is damaged, or of neither layout.
    """
    import h5py

    with _damage_told(), h5py.File(path, "r") as file:
        if "data/expression" in file and "meta" in file:
            return _archs4(file)
        if "obs" in file and "var" in file:
            return _h5ad(file)
    raise ValueError(
        "is HDF5 of an unknown layout: expected AnnData's (obs, var, X) or ARCHS4's "
        "(data/expression, meta/genes, meta/samples)"
    )


class _ToldError(ValueError):
    """Say what is wrong in our own words."""


@contextmanager
def _damage_told() -> Iterator[None]:
    """Put what libraries raise on a damaged file into words."""
    from anndata._io.specs.registry import IORegistryError  # it has no public name
    from pyarrow import ArrowException

    try:
        with warnings.catch_warnings():
            # Files of old versions are read all the same.
            warnings.filterwarnings("ignore", message=".*without encoding metadata.*")
            yield
    except _ToldError as error:
        raise ValueError(str(error)) from error
    # Of a layout that only looks like AnnData's or ARCHS4's, parts may be of any kind.
    except (*DAMAGE, IORegistryError, ArrowException) as error:
        raise ValueError(DAMAGED.format(reason_of(error))) from error


def _labels_first(schema: Any) -> list[str]:
    """Name the columns, first that of the row labels: pandas' index, or else the first."""
    names = [str(name) for name in schema.names]
    if not names:
        raise _ToldError("is empty: it has no columns")
    index = (schema.pandas_metadata or {}).get("index_columns", [])
    label = index[0] if index and isinstance(index[0], str) else names[0]
    return [label, *(name for name in names if name != label)]


def _head(file: Any) -> Any:
    import pyarrow as pa

    return pa.Table.from_batches([next(file.iter_batches(MOST_ROWS))])


def _table(stored: Any, labels: list[str]) -> pd.DataFrame:
    return stored.to_pandas(ignore_metadata=True).set_axis(pd.Index(labels, dtype=object))


def _numbers(table: pd.DataFrame) -> pd.DataFrame:
    return table.apply(pd.to_numeric, errors="coerce").astype(np.float64)


def _archs4(file: Any) -> PeekHdf5:
    """Read the symbols; of the samples, millions perhaps, only how many there are."""
    place = next((name for name in SYMBOLS if name in file), None)
    if place is None:
        raise _ToldError(f"has no gene symbols: expected {' or '.join(SYMBOLS)}")
    symbols = pd.Index(file[place].asstr()[:], dtype=object)
    n_samples = int(file["data/expression"].shape[1])
    return PeekHdf5("archs4", NO_CELLS, pd.DataFrame(), pd.DataFrame(index=symbols), n_samples)


def _h5ad(file: Any) -> PeekHdf5:
    """Read the tables of samples and genes, and some of the matrix."""
    from anndata.io import read_elem

    for name in ("obs", "var"):
        if file[name].attrs.get("encoding-type") != "dataframe":
            raise _ToldError(
                f"cannot be read ({name} is no table of AnnData's): it is damaged, or older than "
                "AnnData 0.7; write it again with anndata"
            )
    obs, var = read_elem(file["obs"]), read_elem(file["var"])
    if "X" not in file:
        raise _ToldError("has no matrix X: put the expression values into X")
    values = _first_rows(file["X"])
    cells = pd.DataFrame(values, index=obs.index[: len(values)], columns=var.index)
    return PeekHdf5("h5ad", cells, obs, var, len(obs))


def _first_rows(matrix: Any) -> np.ndarray:
    """Read the first rows of a matrix, dense or sparse; none where that means reading it all."""
    from anndata.io import sparse_dataset

    if not hasattr(matrix, "keys"):
        return np.asarray(matrix[:MOST_ROWS], np.float64)
    stored = sparse_dataset(matrix)
    if stored.format == "csc" and len(matrix["data"]) > MOST_NUMBERS:
        return np.empty((0, stored.shape[1]))
    return np.asarray(stored[:MOST_ROWS].toarray(), np.float64)
