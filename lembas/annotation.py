"""Read what is known of genes and samples besides their expression."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from lembas.formats import listed, read_records
from lembas.tables import checked_names


def read_gene_lengths(path: str | Path) -> pd.Series:
    """Read the genes' lengths.

    Args:
        path: TSV or CSV with the columns ``gene_name`` and ``length_bp``; others are ignored.

    Returns:
        Series over ``gene``: length in base pairs, float64.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a column is missing, a gene is listed twice, or a length is not a
            positive number.
    """
    table = read_records(path, "gene-length file", ("gene_name", "length_bp"))
    genes = checked_names(pd.Index(table["gene_name"]), "gene", str(path))
    length = pd.to_numeric(table["length_bp"], errors="coerce").to_numpy(np.float64)
    wrong = ~(np.isfinite(length) & (length > 0))
    if wrong.any():
        raise ValueError(
            f"{path} gives {int(wrong.sum())} gene(s) no positive length: "
            f"{listed(genes[wrong])}; write lengths in base pairs, or remove the genes"
        )
    return pd.Series(length, index=genes, name="length_bp")


def read_series(path: str | Path) -> pd.Series:
    """Read which series (a GEO study, a batch, a hospital) each sample belongs to.

    Args:
        path: TSV or CSV with the columns ``sample`` and ``series``; others are ignored.

    Returns:
        Series over ``sample``: the series' name, without blanks around it.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a column is missing, a sample is listed twice, or has no series.
    """
    table = read_records(path, "series table", ("sample", "series"))
    samples = checked_names(pd.Index(table["sample"]), "sample", str(path))
    series = table["series"].str.strip()
    blank = (series == "").to_numpy()
    if blank.any():
        raise ValueError(
            f"{path} gives {int(blank.sum())} sample(s) no series: {listed(samples[blank])}; "
            "name each sample's series, or use no series table"
        )
    return pd.Series(series.to_numpy(object), index=samples, name="series")
