"""Read and write AnnData's ``.h5ad`` files; the only module that knows the format."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd


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
        ``X`` as a table ``(obs, var)``, the tables ``obs`` and ``var``, and ``uns``.

    Raises:
        ValueError: If the file is no ``.h5ad`` or has no ``X``.
    """
    import anndata

    try:
        with warnings.catch_warnings():
            # Repeated names are refused by the caller's check, which says which they are.
            warnings.filterwarnings("ignore", message=".*names are not unique.*")
            data = anndata.read_h5ad(path)
    except (OSError, KeyError) as error:
        raise ValueError(
            f"{path} cannot be read as .h5ad ({error}); write it again with anndata"
        ) from error
    if data.X is None:
        raise ValueError(f"{path} has no matrix X; put the expression values into X")
    values = data.X if isinstance(data.X, np.ndarray) else data.X.toarray()
    matrix = pd.DataFrame(values, index=data.obs_names, columns=data.var_names)
    return matrix, data.obs, data.var, dict(data.uns)


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
