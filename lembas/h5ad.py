"""Read and write AnnData's ``.h5ad`` files; the only module that knows the format."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lembas.plain_text import reason_of

# Kinds of number types: true or false, with and without sign, with a decimal point.
_NUMBERS = "buif"
# What h5py, pandas and anndata raise on files that are damaged or laid out otherwise.
DAMAGE = (
    *(OSError, LookupError, ValueError, TypeError, AttributeError, RuntimeError),
    *(ArithmeticError, AssertionError, NotImplementedError, EOFError, MemoryError),
)


def read_matrix(path: Path) -> pd.DataFrame:
    """Read ``X`` with its names.

    Args:
        path: An existing ``.h5ad`` file.

    Returns:
        Shape ``(obs, var)``, dense, in the file's number type.

    Raises:
        ValueError: If the file is no ``.h5ad`` or has no ``X``.
    """
    return read(path)[0]


def read(path: Path) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """Read ``X`` with its names, and what is known of samples, genes and the whole.

    Args:
        path: An existing ``.h5ad`` file.

    Returns:
        ``X`` as a table ``(obs, var)``, the tables ``obs`` and ``var``, and ``uns``. An ``X`` that
        lies in the file as one plain block is not read but mapped into memory, read-only.

    Raises:
        ValueError: If the file is no ``.h5ad`` or has no ``X``.
    """
    import anndata

    with damage_named(path):
        _check_layout(path)
        mapped = _mapped(path)
        with warnings.catch_warnings():
            # Repeated names are refused by the caller's check, which says which they are.
            warnings.filterwarnings("ignore", message=".*names are not unique.*")
            data = anndata.read_h5ad(path, backed=None if mapped is None else "r")
    if mapped is None:
        values = _dense(data.X, path)
    else:
        values = mapped
        data.file.close()
    _check_shape(values.shape, (data.n_obs, data.n_vars), path)
    matrix = pd.DataFrame(values, index=data.obs_names, columns=data.var_names, copy=False)
    return matrix, data.obs, data.var, dict(data.uns)


def read_var(path: Path) -> pd.DataFrame:
    """Read what is known of the genes, without the matrix.

    Args:
        path: An existing ``.h5ad`` file.

    Raises:
        ValueError: If the file is no ``.h5ad``.
    """
    import anndata
    import h5py

    with damage_named(path), h5py.File(path, "r") as file:
        _refuse_absent(file)
        return anndata.io.read_elem(file["var"])


@contextmanager
def damage_named(path: Path) -> Iterator[None]:
    """Say in one sentence what h5py and anndata raise on a file.

    Raises:
        ValueError: If they do.
    """
    from anndata._io.specs.registry import IORegistryError  # it has no public name

    try:
        with warnings.catch_warnings():
            # Files of old versions are read all the same.
            warnings.filterwarnings("ignore", message=".*without encoding metadata.*")
            yield
    except (*DAMAGE, IORegistryError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> ValueError:
    """Say in one sentence why a file is no AnnData."""
    return ValueError(
        f"{path} cannot be read as .h5ad ({reason_of(error)}); write it again with anndata"
    )


def _check_layout(path: Path) -> None:
    """Refuse a file that lacks a part of AnnData, or whose ``X`` is no matrix."""
    import h5py

    with h5py.File(path, "r") as file:
        _refuse_absent(file)
        matrix = file.get("X")
        if isinstance(matrix, h5py.Dataset) and matrix.ndim != 2:
            raise ValueError(f"X has {matrix.ndim} axes where samples and genes are expected")
        # Older files name what a sparse matrix is by the latter.
        marks = {"encoding-type", "h5sparse_format"}
        if isinstance(matrix, h5py.Group) and not marks & set(matrix.attrs):
            raise ValueError("X is a group without a matrix")


def _refuse_absent(file: Any) -> None:
    """Refuse a file without samples or genes, naming what it holds."""
    absent = [part for part in ("obs", "var") if part not in file]
    if absent and "data/expression" in file:
        raise ValueError("it is a file of counts like ARCHS4's, which the source archs4 reads")
    if absent:
        found = ", ".join(list(file)[:5]) or "nothing"
        raise ValueError(f"it lacks {' and '.join(absent)}, and holds {found}")


def _check_shape(shape: tuple[int, ...], expected: tuple[int, int], path: Path) -> None:
    """Refuse a matrix that does not fit the samples and genes."""
    if shape != expected:
        raise ValueError(
            f"{path}: X is {shape[0]:,} x {shape[1]:,}, but there are {expected[0]:,} samples in "
            f"obs and {expected[1]:,} genes in var; write it again with anndata"
        )


def _mapped(path: Path) -> np.ndarray | None:
    """Map ``X`` into memory; None if it is not there, or no plain block of numbers."""
    import h5py

    with h5py.File(path, "r") as file:
        matrix = file.get("X")
        if not isinstance(matrix, h5py.Dataset) or matrix.ndim != 2:
            return None
        offset, shape, dtype = matrix.id.get_offset(), matrix.shape, matrix.dtype
    # HDF5 gives no place to a matrix that is not one plain block of the file; in the block of a
    # matrix of texts lie addresses.
    if (
        dtype.kind not in _NUMBERS
        or offset is None
        or offset % dtype.itemsize
        or not dtype.isnative
    ):
        return None
    return np.asarray(np.memmap(path, dtype, mode="r", offset=offset, shape=shape))


def _dense(values: Any, path: Path) -> np.ndarray:
    """Return ``X`` as an array, whatever it was stored as."""
    if values is None:
        raise ValueError(f"{path} has no matrix X; put the expression values into X")
    if hasattr(values, "toarray"):
        try:
            # A place beyond the matrix would be written to all the same.
            values.check_format(full_check=True)
        except ValueError as error:
            raise _unreadable(path, error) from error
        values = values.toarray()
    dense = np.asarray(values)
    if dense.dtype.kind not in _NUMBERS:
        raise ValueError(
            f"{path}: X holds no real numbers (its type is {dense.dtype}); put the expression "
            "values into X as numbers"
        )
    return dense


def write(
    path: Path, matrix: pd.DataFrame, *, obs: pd.DataFrame, var: pd.DataFrame, uns: dict[str, Any]
) -> None:
    """Write a matrix with what is known of its rows, columns and the whole, uncompressed.

    Args:
        path: File to write; an old one is overwritten.
        matrix: Shape ``(obs, var)``; its labels are those of ``obs`` and ``var``.
        obs: One row a sample.
        var: One row a gene.
        uns: Names, numbers, tables and dictionaries of these.
    """
    import anndata

    anndata.AnnData(X=matrix.to_numpy(), obs=obs.copy(), var=var.copy(), uns=uns).write_h5ad(path)


def write_blocks(
    path: Path,
    blocks: Iterable[np.ndarray],
    *,
    obs: pd.DataFrame,
    var: pd.DataFrame,
    uns: dict[str, Any],
) -> None:
    """Write a matrix that is made row by row and need not fit into memory, as :func:`write` does.

    Args:
        path: File to write; an old one is overwritten.
        blocks: Rows of the matrix in the order of ``obs``, each block ``(row, gene)``.
        obs: One row a sample.
        var: One row a gene.
        uns: Names, numbers, tables and dictionaries of these.
    """
    import anndata
    import h5py

    anndata.AnnData(obs=obs.copy(), var=var.copy(), uns=uns).write_h5ad(path)
    with h5py.File(path, "r+") as file:
        matrix = file.create_dataset("X", (len(obs), len(var)), dtype=np.float32)
        matrix.attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
        end = 0
        for block in blocks:
            matrix[end : end + len(block)] = block
            end += len(block)
