r"""Hill-type regulation of genes by TFs, and the steady state of a TF cascade.

A promoter is bound by its TFs independently, each following a Hill curve, and polymerase sits on
it with a probability that bound activators raise and bound repressors lower:

.. math::
    h_{tg} = \frac{p_t^{n}}{p_t^{n} + K^{n}}, \qquad
    w_g = b_g \prod_t (1 + F_{tg} h_{tg})^{s_{tg}}, \qquad
    P_g = \frac{w_g}{1 + w_g}

with p the TF's activity, K the threshold, n the Hill coefficient, F the strength and s the sign
of an edge, and b the promoter's weight without TFs. Everything is on a log2 scale relative to
the reference state, in which every activity is 1 (log2: 0); the response of a gene is
:math:`\log_2 P_g - \log_2 P_g^{ref}`. An activity of -inf stands for a TF that is knocked out.

Reference: Bintu et al. 2005, doi:10.1016/j.gde.2005.02.007.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

PARAMETERS = ("strength", "threshold_log2", "hill")
DAMPING = 0.8
TOLERANCE = 1e-11
MAX_STEPS = 500


@dataclass(frozen=True, eq=False)
class Regulation:
    """Hold the true kinetics: one row an edge, one promoter weight a gene.

    Attributes:
        edges: Columns ``TF``, ``Gene``, ``Interaction`` (1 or -1), ``strength`` (F > 0),
            ``threshold_log2`` (log2 K) and ``hill`` (n > 0), sorted by (Gene, TF).
        basal: Promoter weight b > 0 of each regulated gene; index = the genes of ``edges``.
    """

    edges: pd.DataFrame
    basal: pd.Series

    def __post_init__(self) -> None:
        """Check that edges and promoters describe the same genes with usable parameters."""
        genes = self.edges["Gene"].drop_duplicates()
        if genes.tolist() != self.basal.index.tolist():
            raise ValueError(
                f"basal must list the {len(genes)} regulated genes in the order of the edges; "
                f"got {len(self.basal)}, such as {', '.join(map(str, self.basal.index[:5]))}"
            )
        positive = (self.edges[["strength", "hill"]] > 0).all(axis=None)
        if not (positive and (self.basal > 0).all()):
            raise ValueError("strength, hill and basal must all be positive")

    def of(self, genes: pd.Index) -> Regulation:
        """Keep the regulation of ``genes`` only."""
        edges = self.edges[self.edges["Gene"].isin(genes)].reset_index(drop=True)
        return Regulation(edges, self.basal[self.basal.index.isin(genes)])

    def response(self, activity_log2: pd.DataFrame) -> pd.DataFrame:
        """Compute the promoter's log2 response to TF activities.

        Args:
            activity_log2: log2 activity relative to the reference, ``(sample, tf)``; -inf for a
                TF that is absent.

        Returns:
            Log2 fold change against the reference state, ``(sample, gene)``.

        Raises:
            KeyError: If a regulator has no activity.
        """
        _require(self.edges["TF"], activity_log2.columns)
        column = activity_log2.columns.get_indexer(self.edges["TF"])
        rows = activity_log2.to_numpy(float).T[column]
        reference = np.zeros((len(self.edges), 1))
        change = self._occupancy_log2(rows) - self._occupancy_log2(reference)
        return pd.DataFrame(change.T, index=activity_log2.index, columns=self.basal.index)

    def _occupancy_log2(self, activity_log2: np.ndarray) -> np.ndarray:
        """Turn activities ``(edge, sample)`` into log2 P ``(gene, sample)``."""
        table = self.edges
        hill = table["hill"].to_numpy()[:, None]
        threshold = table["threshold_log2"].to_numpy()[:, None]
        # exp overflows to inf for an absent TF, and 1 / inf is the zero that is wanted.
        with np.errstate(over="ignore"):
            bound = 1 / (1 + np.exp2(-hill * (activity_log2 - threshold)))
        weight = np.log1p(table["strength"].to_numpy()[:, None] * bound)
        weight *= table["Interaction"].to_numpy()[:, None]
        first = np.flatnonzero(~table["Gene"].duplicated().to_numpy())
        log_weight = np.add.reduceat(weight, first, axis=0)
        log_weight += np.log(self.basal.to_numpy())[:, None]
        occupancy_log2: np.ndarray = -np.logaddexp(0, -log_weight) / np.log(2)
        return occupancy_log2


@dataclass(frozen=True, eq=False)
class Conditions:
    """Hold everything that acts on a cohort's samples from outside the network.

    All are log2 tables relative to the reference state; nothing in them depends on the network.

    Attributes:
        drivers: Acts on each gene's mRNA, ``(sample, gene)``; its columns are all genes.
        hidden: Acts on each TF's activity but not on its mRNA, ``(sample, tf)``.
        technical: Acts on what is measured, not on the cells, ``(sample, gene)``.
        library_size: Reads per sample, including those of genes that are not simulated.
    """

    drivers: pd.DataFrame
    hidden: pd.DataFrame
    technical: pd.DataFrame
    library_size: pd.Series


def cascade_gain(edges: pd.DataFrame) -> float:
    r"""Bound the gain of the TF-TF loops.

    An edge changes its target by at most :math:`n (\sqrt{1+F} - 1) / (\sqrt{1+F} + 1)` log2
    units for each unit of the TF. The result is the spectral radius of the matrix of these bounds:
    below 1 the cascade is a contraction, so it has one steady state, whatever drives it.

    Args:
        edges: As in :class:`Regulation`.

    Returns:
        Bound on the loop gain, >= 0; 0 when no TF regulates itself over any path.
    """
    tfs = pd.Index(edges["TF"].unique())
    inner = edges[edges["Gene"].isin(tfs)]
    root = np.sqrt(1 + inner["strength"].to_numpy())
    bound = np.zeros((len(tfs), len(tfs)))
    place = tfs.get_indexer(inner["Gene"]), tfs.get_indexer(inner["TF"])
    bound[place] = inner["hill"].to_numpy() * (root - 1) / (root + 1)
    return float(np.abs(np.linalg.eigvals(bound)).max(initial=0.0))


def steady_state(
    regulation: Regulation,
    conditions: Conditions,
    *,
    clamp: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Find the mRNA levels at which the TF cascade stands still.

    Only TFs regulate, so the TFs are iterated, damped, from their drivers alone, and the other
    genes are read out once.

    Args:
        regulation: The true kinetics.
        conditions: What acts on the samples.
        clamp: log2 level at which a TF's mRNA is held, whatever regulates it; -inf knocks it out.

    Returns:
        log2 mRNA relative to the reference state, ``(sample, gene)``.

    Raises:
        KeyError: If a clamped name is not a TF of these conditions.
        ValueError: If a clamped level is NaN or +inf, or the cascade does not settle.
    """
    clamp = dict(clamp or {})
    wrong = [f"{tf}={level}" for tf, level in clamp.items() if not level < np.inf]
    if wrong:
        raise ValueError(
            f"clamped log2 level(s) {', '.join(wrong[:5])}; expected finite numbers, or -inf for "
            "a knock-out"
        )
    tfs = conditions.hidden.columns
    _require(pd.Index(clamp), tfs)
    mrna = _settle(regulation.of(tfs), conditions, clamp)
    others = conditions.drivers.columns.difference(tfs)
    response = regulation.of(others).response(mrna + conditions.hidden)
    readout = conditions.drivers[others].add(response.reindex(columns=others, fill_value=0.0))
    level_log2 = pd.concat([mrna, readout], axis=1)
    return level_log2.reindex(columns=conditions.drivers.columns)


def _settle(
    cascade: Regulation, conditions: Conditions, clamp: Mapping[str, float]
) -> pd.DataFrame:
    """Iterate the TF block until no TF moves; see :func:`steady_state`."""
    hidden = conditions.hidden
    tfs = hidden.columns
    held = tfs.isin(list(clamp))
    start = conditions.drivers[tfs].to_numpy(float, copy=True)
    start[:, held] = [clamp[tf] for tf in tfs[held]]
    mrna = start.copy()
    for _ in range(MAX_STEPS):
        response = cascade.response(hidden + mrna).reindex(columns=tfs, fill_value=0.0)
        settled = np.where(held, start, start + response.to_numpy())
        # Held TFs are left out: -inf minus -inf would be NaN.
        step = np.subtract(settled, mrna, out=np.zeros_like(settled), where=~held)
        largest = float(np.abs(step).max(initial=0.0))
        if largest < TOLERANCE:
            return pd.DataFrame(mrna, index=hidden.index, columns=tfs)
        mrna += DAMPING * step
    raise ValueError(
        f"the TF cascade still moves by {largest:.2g} (log2) after {MAX_STEPS} damped steps, "
        f"expected less than {TOLERANCE:g}; weaken the TF-TF edges or choose another seed"
    )


def _require(names: pd.Series | pd.Index, known: pd.Index) -> None:
    """Raise KeyError for the first five names that are not TFs."""
    unknown = pd.Index(names).unique().difference(known)
    if len(unknown):
        raise KeyError(
            f"{len(unknown)} name(s) are not TFs of this simulation: "
            f"{', '.join(map(str, unknown[:5]))}; expected names such as "
            f"{', '.join(map(str, known[:5]))}"
        )
