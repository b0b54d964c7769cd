"""Find samples that are the same, or nearly the same, within and across cohorts."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd

from lembas.data import Dataset

# Rows of the correlation matrix that are held at a time: 1,024 x 16,000 samples are 64 MB.
BLOCK_ROWS = 1024
PAIR_COLUMNS = ("first", "second", "correlation", "is_exact", "side")


def duplicate_pairs(dataset: Dataset, near_duplicate: float) -> pd.DataFrame:
    """Compare all samples with one another over the genes that every cohort measured.

    Each gene is centred within its cohort (training and test samples together), or else all
    samples would be alike, for a gene's mean is most of its value. Samples that are equal to the
    last bit are exact duplicates whatever their correlation.

    Args:
        dataset: Study and external cohorts.
        near_duplicate: Correlation over genes from which a pair is listed.

    Returns:
        One row a pair: ``first``, ``second`` (samples), ``correlation``, ``is_exact``, ``side``
        (``"within one cohort"`` or ``"across cohorts"``, where training and test samples count
        as two cohorts). The most alike come first.
    """
    table = dataset.expression.loc[:, dataset.expression.notna().all()]
    group = _equal_rows(table)
    directions = _directions(table, dataset.samples["cohort"])
    found = [
        _pairs_from(start, directions, group, near_duplicate)
        for start in range(0, len(table), BLOCK_ROWS)
    ]
    first, second, correlation = (np.concatenate(part) for part in zip(*found, strict=True))
    split, cohort = dataset.samples["split"].to_numpy(), dataset.samples["cohort"].to_numpy()
    together = (split[first] == split[second]) & (cohort[first] == cohort[second])
    pairs = pd.DataFrame(
        {
            "first": table.index[first],
            "second": table.index[second],
            "correlation": correlation,
            "is_exact": group[first] == group[second],
            "side": np.where(together, "within one cohort", "across cohorts"),
        },
        columns=list(PAIR_COLUMNS),
    )
    order = ["correlation", "first", "second"]
    return pairs.sort_values(order, ascending=[False, True, True], ignore_index=True)


def _equal_rows(table: pd.DataFrame) -> np.ndarray:
    """Give each sample a number that it shares with the samples of equal values."""
    digests = [hashlib.sha256(row).digest() for row in np.ascontiguousarray(table.to_numpy())]
    number, _ = pd.factorize(np.array(digests, dtype=object))
    return np.asarray(number)


def _directions(table: pd.DataFrame, cohort: pd.Series) -> np.ndarray:
    """Centre genes within cohorts and samples over genes; scale samples to unit length.

    Returns:
        Shape ``(sample, gene)``, float32; zero for a sample without variation.
    """
    centred = (table - table.groupby(cohort.to_numpy()).transform("mean")).to_numpy(np.float32)
    centred -= centred.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    unit: np.ndarray = np.zeros_like(centred)
    np.divide(centred, length, out=unit, where=length > 0)
    return unit


def _pairs_from(
    start: int, directions: np.ndarray, group: np.ndarray, near_duplicate: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find the pairs whose first sample is in the block at ``start``; each pair once."""
    block = directions[start : start + BLOCK_ROWS] @ directions[start:].T
    is_pair = block >= near_duplicate
    is_pair |= group[start : start + BLOCK_ROWS, None] == group[None, start:]
    row, column = np.nonzero(np.triu(is_pair, k=1))
    return row + start, column + start, block[row, column].astype(np.float64)
