"""Measure simulated samples: expected CPM, reads, and log10(CPM+1), block by block of samples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pandas as pd

from lembas.conditions import Noise
from lembas.drawn import DrawnConditions, DrawnRows, row_blocks
from lembas.kinetics import Regulation, read_out, settle

MOST_CPM = 1e5
LOG2_TO_LOG10 = float(np.log10(2))


def expected_cpm(
    regulation: Regulation,
    conditions: DrawnConditions,
    abundance: pd.Series,
    *,
    clamp: Mapping[str, float] | None = None,
) -> Iterator[pd.DataFrame]:
    """Compute the expected CPM ``(sample, gene)``, one block of samples after the other.

    CPM are not renormalised to a million: the simulated genes are a part of a transcriptome, so
    that one gene's rise does not lower all others. No gene passes a tenth of the library.

    Args:
        regulation: True kinetics.
        conditions: What acts on the samples.
        abundance: log10 CPM of each gene in the reference state.
        clamp: As in :func:`lembas.kinetics.steady_state`.
    """
    tfs = conditions.activity_sd.index
    # All samples together: the number of steps is decided by the one that moves longest.
    mrna = settle(regulation.of(tfs), conditions.tf_drivers, conditions.hidden, clamp=clamp)
    others = regulation.of(conditions.gene_sd.index.difference(tfs))
    usual_log10 = abundance.reindex(conditions.gene_sd.index).to_numpy()
    for block in conditions.blocks():
        level_log2 = read_out(others, block, mrna)
        # Arrays from here on: pandas would take a table of this width apart into columns.
        seen_log2 = level_log2.to_numpy() + block.technical.to_numpy()
        cpm = 10 ** (usual_log10 + LOG2_TO_LOG10 * seen_log2)
        cpm /= 1 + cpm / MOST_CPM
        yield pd.DataFrame(cpm, index=level_log2.index, columns=level_log2.columns)


def count_reads(
    rng: np.random.Generator,
    expected: Iterable[pd.DataFrame],
    library_size: pd.Series,
    noise: Noise,
) -> Iterator[pd.DataFrame]:
    """Count the reads ``(sample, gene)`` of one block of samples after the other.

    Counts are negative binomial: Poisson about a gamma-distributed mean.

    Args:
        rng: Source of randomness.
        expected: Expected CPM, as :func:`expected_cpm` gives them.
        library_size: Reads of each sample.
        noise: Whether reads are sampled, and how dispersed they are.
    """
    spread: DrawnRows | None = None
    for rows, cpm in zip(row_blocks(len(library_size)), expected, strict=True):
        counts = cpm.to_numpy() * _millions(library_size, rows)
        if noise.counts and noise.dispersion > 0:
            # All gamma numbers come before the first Poisson number.
            spread = spread or _spread(rng, (len(library_size), cpm.shape[1]), noise)
            counts *= spread.block(rows)
        if noise.counts:
            counts = rng.poisson(counts)
        yield pd.DataFrame(counts, index=cpm.index, columns=cpm.columns)


def log10_cpm(
    counts: Iterable[pd.DataFrame], library_size: pd.Series, *, genes: pd.Index, dtype: str
) -> pd.DataFrame:
    """Turn blocks of counts into one table of log10(CPM+1).

    Args:
        counts: Reads ``(sample, gene)``, one block of samples after the other.
        library_size: Reads of each sample.
        genes: Columns of the blocks.
        dtype: Number type of the table.
    """
    values = np.empty((len(library_size), len(genes)), dtype)
    for rows, block in zip(row_blocks(len(values)), counts, strict=True):
        values[rows] = np.log10(block.to_numpy() / _millions(library_size, rows) + 1)
    return pd.DataFrame(values, index=library_size.index, columns=genes, copy=False)


def _millions(library_size: pd.Series, rows: slice) -> np.ndarray:
    """Give the millions of reads of each sample of a block, ``(sample, 1)``."""
    return library_size.to_numpy()[rows, None] / 1e6


def _spread(rng: np.random.Generator, shape: tuple[int, int], noise: Noise) -> DrawnRows:
    """Draw the factors by which means vary beyond chance, mean 1."""
    return DrawnRows.of(
        rng, shape, lambda rng, size: rng.gamma(1 / noise.dispersion, noise.dispersion, size)
    )
