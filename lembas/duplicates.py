"""Find samples that are the same, or nearly the same, within and across cohorts."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lembas.data import Dataset

# Samples that are worked on at a time: 1,024 x 17,000 genes are 70 MB.
BLOCK_ROWS = 1024
# Part of the genes, those that vary most, that rules most pairs out.
SKETCHED = 1 / 8
ROUNDING = 1e-3
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
    table = dataset.expression
    compared = _prepared(
        table.to_numpy(),
        np.flatnonzero(dataset.measured.all(axis=1)),
        list(dataset.samples.groupby("cohort", sort=False).indices.values()),
    )
    first, second, correlation = _pairs(compared, near_duplicate)
    split, cohort = dataset.samples["split"].to_numpy(), dataset.samples["cohort"].to_numpy()
    together = (split[first] == split[second]) & (cohort[first] == cohort[second])
    pairs = pd.DataFrame(
        {
            "first": table.index[first],
            "second": table.index[second],
            "correlation": correlation,
            "is_exact": compared.group[first] == compared.group[second],
            "side": np.where(together, "within one cohort", "across cohorts"),
        },
        columns=list(PAIR_COLUMNS),
    )
    order = ["correlation", "first", "second"]
    return pairs.sort_values(order, ascending=[False, True, True], ignore_index=True)


def similar_rows(
    values: np.ndarray, near_duplicate: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find pairs of rows that are equal or highly correlated, once each column is centred.

    Args:
        values: Shape ``(sample, gene)``, float32.
        near_duplicate: Correlation over genes from which a pair is found.

    Returns:
        Three arrays over pairs: first row, second row (the later one), and their correlation.
    """
    everything = [np.arange(len(values))]
    return _pairs(_prepared(values, np.arange(values.shape[1]), everything), near_duplicate)


@dataclass(frozen=True, eq=False)
class _Compared:
    """Hold the samples in the form in which they are compared, float32.

    Attributes:
        group: A number that samples with equal values share, ``(sample,)``.
        direction: Genes centred within cohorts, samples centred over genes and scaled to unit
            length, ``(sample, gene)``; zero for a sample without variation.
        sketch: The columns of ``direction`` that vary most.
        rest: Length of each direction over the other columns, ``(sample,)``.
    """

    group: np.ndarray
    direction: np.ndarray
    sketch: np.ndarray
    rest: np.ndarray


def _prepared(values: np.ndarray, genes: np.ndarray, cohorts: list[np.ndarray]) -> _Compared:
    """Turn the samples into directions over some genes, centred within cohorts (their rows)."""
    digests = np.empty(len(values), dtype=object)
    direction = np.empty((len(values), len(genes)), dtype=np.float32)
    for rows in cohorts:
        total = np.zeros(len(genes))
        for part in _parts(rows):
            block = direction[part] = values[part].take(genes, axis=1)
            digests[part] = [hashlib.sha256(row).digest() for row in block]
            total += block.sum(axis=0, dtype=np.float64)
        for part in _parts(rows):
            direction[part] = _unit(direction[part] - (total / len(rows)).astype(np.float32))
    group, _ = pd.factorize(digests)
    spread = sum(np.square(direction[part]).sum(axis=0) for part in _parts(np.arange(len(values))))
    sketch = direction[:, np.argsort(-spread)[: math.ceil(SKETCHED * len(genes))]]
    rest = np.einsum("sg,sg->s", direction, direction) - np.einsum("sg,sg->s", sketch, sketch)
    return _Compared(np.asarray(group), direction, sketch, np.sqrt(rest.clip(min=0)))


def _parts(rows: np.ndarray) -> list[np.ndarray]:
    """Cut rows into parts that need little memory."""
    return np.split(rows, range(BLOCK_ROWS, len(rows), BLOCK_ROWS))


def _unit(centred: np.ndarray) -> np.ndarray:
    """Centre samples over genes and scale them to unit length; one that is constant gives zero."""
    centred = centred - centred.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.divide(centred, length, out=np.zeros_like(centred), where=length > 0)


def _pairs(compared: _Compared, near_duplicate: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find all pairs, block by block."""
    starts = range(0, len(compared.group), BLOCK_ROWS)
    found = [_pairs_from(start, compared, near_duplicate) for start in starts]
    first, second, correlation = (np.concatenate(part) for part in zip(*found, strict=True))
    return first, second, correlation


def _pairs_from(
    start: int, compared: _Compared, near_duplicate: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find the pairs whose first sample is in the block at ``start``; each pair once.

    A product over some genes and the lengths over the others bound a correlation from above
    (Cauchy and Schwarz), so that all genes are used only for samples that may have a pair.
    """
    block, later = slice(start, start + BLOCK_ROWS), slice(start, None)
    bound = compared.sketch[block] @ compared.sketch[later].T
    bound += compared.rest[block, None] * compared.rest[None, later]
    is_equal = compared.group[block, None] == compared.group[None, later]
    may_be = np.triu((bound >= near_duplicate - ROUNDING) | is_equal, k=1)
    row = np.flatnonzero(may_be.any(axis=1))
    correlation = compared.direction[start + row] @ compared.direction[later].T
    is_pair = (correlation >= near_duplicate) | is_equal[row]
    is_pair &= np.arange(is_pair.shape[1]) > row[:, None]
    at, column = np.nonzero(is_pair)
    return start + row[at], start + column, correlation[at, column].astype(np.float64)
