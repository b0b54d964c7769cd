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
from functools import cached_property

import numpy as np
import pandas as pd

DAMPING = 0.8
TOLERANCE = 1e-11
MAX_STEPS = 500
# 2,048 edges x 64 samples are 1 MB in float64.
BLOCK_EDGES = 2048
BLOCK_SAMPLES = 64


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
        _require(self._regulators, activity_log2.columns)
        column = activity_log2.columns.get_indexer(self.edges["TF"])
        by_tf = np.ascontiguousarray(activity_log2.to_numpy(float).T)
        change = self._occupancy_log2(by_tf, column)
        change -= self._reference_log2
        return pd.DataFrame(change.T, index=activity_log2.index, columns=self.basal.index)

    @cached_property
    def _regulators(self) -> pd.Index:
        """Name each TF of the edges once."""
        return pd.Index(self.edges["TF"].unique())

    @cached_property
    def _reference_log2(self) -> np.ndarray:
        """Log2 P of each gene ``(gene, 1)`` when every activity is 1."""
        at_one = np.zeros((1, 1))
        return self._occupancy_log2(at_one, np.zeros(len(self.edges), dtype=np.intp))

    @cached_property
    def _blocks(self) -> list[tuple[slice, slice, np.ndarray]]:
        """Cut genes and their edges into blocks small enough for a processor's cache.

        Returns:
            The genes, their edges, and where in these each gene's edges start.
        """
        first = np.flatnonzero(~self.edges["Gene"].duplicated().to_numpy())
        stop = np.append(first[1:], len(self.edges))
        block = first // BLOCK_EDGES
        starts = np.flatnonzero(np.diff(block, prepend=-1))
        return [
            (slice(low, high), slice(first[low], stop[high - 1]), first[low:high] - first[low])
            for low, high in zip(starts, np.append(starts[1:], len(first)), strict=True)
        ]

    def _occupancy_log2(self, activity_log2: np.ndarray, row: np.ndarray) -> np.ndarray:
        """Turn activities ``(tf, sample)``, of which ``row`` gives each edge's, into log2 P.

        Returns:
            Shape ``(gene, sample)``.
        """
        table, basal = self.edges, self.basal.to_numpy()[:, None]
        names = ("hill", "threshold_log2", "strength", "Interaction")
        kinetics = [table[name].to_numpy(float)[:, None] for name in names]
        occupancy_log2 = np.empty((len(basal), activity_log2.shape[1]))
        for genes, edges, first in self._blocks:
            hill, threshold, strength, sign = (values[edges] for values in kinetics)
            weight = activity_log2[row[edges]]
            # In place: these few lines are most of the time of a simulation.
            weight -= threshold
            weight *= -hill
            # exp overflows to inf for an absent TF, and 1 / inf is the zero that is wanted.
            with np.errstate(over="ignore"):
                np.exp2(weight, out=weight)
            weight += 1
            np.divide(1, weight, out=weight)
            weight *= strength
            np.log1p(weight, out=weight)
            weight *= sign
            log_weight = np.add.reduceat(weight, first, axis=0)
            log_weight += np.log(basal[genes])
            occupancy_log2[genes] = -np.logaddexp(0, -log_weight) / np.log(2)
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

    Only TFs regulate, so the TFs are iterated (:func:`settle`) and the other genes are read out
    once (:func:`read_out`).

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
    hidden = conditions.hidden
    drivers = conditions.drivers[hidden.columns]
    mrna = settle(regulation.of(hidden.columns), drivers, hidden, clamp=clamp)
    others = regulation.of(conditions.drivers.columns.difference(hidden.columns))
    return read_out(others, conditions, mrna)


def settle(
    cascade: Regulation,
    drivers: pd.DataFrame,
    hidden: pd.DataFrame,
    *,
    clamp: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Iterate the TF block, damped and from its drivers alone, until no TF of any sample moves.

    Args:
        cascade: Kinetics of the regulated TFs.
        drivers: What acts on each TF's mRNA, ``(sample, tf)``.
        hidden: What acts on its activity alone, same labels.
        clamp: As in :func:`steady_state`.

    Returns:
        log2 mRNA of the TFs, ``(sample, tf)``.

    Raises:
        KeyError: If a clamped name is not a TF.
        ValueError: If a clamped level is NaN or +inf, or the cascade does not settle.
    """
    clamp = dict(clamp or {})
    _check_clamp(clamp, drivers.columns)
    held = drivers.columns.isin(list(clamp))
    start = drivers.to_numpy(float, copy=True)
    start[:, held] = [clamp[tf] for tf in drivers.columns[held]]
    mrna = pd.DataFrame(start.copy(), index=drivers.index, columns=drivers.columns)
    for _ in range(MAX_STEPS):
        step = _response(cascade, mrna, hidden)
        step += start
        # Held TFs are left out: -inf minus -inf would be NaN.
        np.subtract(step, mrna.to_numpy(), out=step, where=~held)
        step[:, held] = 0.0
        largest = float(np.abs(step).max(initial=0.0))
        if largest < TOLERANCE:
            return mrna
        step *= DAMPING
        mrna += step
    raise ValueError(
        f"the TF cascade still moves by {largest:.2g} (log2) after {MAX_STEPS} damped steps, "
        f"expected less than {TOLERANCE:g}; weaken the TF-TF edges or choose another seed"
    )


def read_out(others: Regulation, conditions: Conditions, mrna: pd.DataFrame) -> pd.DataFrame:
    """Compute the level of every gene from that of the TFs.

    Args:
        others: Kinetics of the genes that are no TFs.
        conditions: What acts on the samples.
        mrna: log2 mRNA of the TFs, ``(sample, tf)``, of at least these samples.

    Returns:
        log2 mRNA relative to the reference state, ``(sample, gene)``.
    """
    mrna = mrna.loc[conditions.hidden.index]
    response = others.response(mrna + conditions.hidden)
    genes = conditions.drivers.columns
    level_log2 = conditions.drivers.to_numpy(float, copy=True)
    level_log2[:, genes.get_indexer(mrna.columns)] = mrna
    level_log2[:, genes.get_indexer(response.columns)] += response
    return pd.DataFrame(level_log2, index=mrna.index, columns=genes)


def _response(cascade: Regulation, mrna: pd.DataFrame, hidden: pd.DataFrame) -> np.ndarray:
    """Compute the response of every TF ``(sample, tf)``; 0 for those without regulators."""
    response = np.zeros(mrna.shape)
    column = mrna.columns.get_indexer(cascade.basal.index)
    for first in range(0, len(mrna), BLOCK_SAMPLES):
        rows = slice(first, first + BLOCK_SAMPLES)
        activity = hidden.iloc[rows] + mrna.iloc[rows].to_numpy()
        response[rows, column] = cascade.response(activity).to_numpy()
    return response


def _check_clamp(clamp: Mapping[str, float], tfs: pd.Index) -> None:
    """Refuse levels that are no levels, and names that are no TFs."""
    wrong = [f"{tf}={level}" for tf, level in clamp.items() if not level < np.inf]
    if wrong:
        raise ValueError(
            f"clamped log2 level(s) {', '.join(wrong[:5])}; expected finite numbers, or -inf for "
            "a knock-out"
        )
    _require(pd.Index(clamp), tfs)


def _require(names: pd.Series | pd.Index, known: pd.Index) -> None:
    """Raise KeyError for the first five names that are not TFs."""
    unknown = pd.Index(names).unique().difference(known)
    if len(unknown):
        raise KeyError(
            f"{len(unknown)} name(s) are not TFs of this simulation: "
            f"{', '.join(map(str, unknown[:5]))}; expected names such as "
            f"{', '.join(map(str, known[:5]))}"
        )
