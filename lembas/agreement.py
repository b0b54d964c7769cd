"""Compare rankings of TFs: between models, between seeds, and with what chance would give."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import rankdata

# With this p the first ten ranks make up 86 % of the rank-biased overlap of long lists.
PERSISTENCE = 0.9
TOP = 10
QUANTITIES = ("rbo", "spearman", "overlap")
# An input that says nothing may get so many times an equal share.
DECOY_LIMIT = 1.5
# Shuffles that tell what chance gives.
N_SHUFFLES = 20


def ranking(sizes: pd.Series) -> pd.Index:
    """Order TFs by size, the largest first; a TF of size 0 is not used and is left out.

    Args:
        sizes: Mean size of the attributions, over ``tf``; equal ones are ordered by name.
    """
    used = sizes[sizes > 0].sort_index()
    return used.sort_values(ascending=False, kind="stable").index


def rank_biased_overlap(
    first: Sequence[str], second: Sequence[str], *, p: float = PERSISTENCE
) -> float:
    r"""Compare two rankings, early ranks above late ones.

    .. math:: \mathrm{RBO} = (1 - p) \sum_{d \ge 1} p^{d-1} A_d

    with :math:`A_d` the share of names that the first d ranks have in common, extrapolated beyond
    the ends of the rankings as the source's equation 32 does; they need not be of one length.

    Args:
        first: Names, the most important first, each once.
        second: The same of the other ranking.
        p: Weight of a rank relative to the one before, in (0, 1).

    Returns:
        Within [0, 1]: 1 for equal rankings, 0 for such without a common name; NaN where one is
        empty.

    Raises:
        ValueError: If p lies outside (0, 1) or a name is repeated.

    References:
        Webber, Moffat and Zobel 2010, doi:10.1145/1852102.1852106.

    Example:
        >>> round(rank_biased_overlap(["A", "B", "C"], ["A", "C", "B"], p=0.5), 6)
        0.875
    """
    names, others = pd.Index(first), pd.Index(second)
    if not 0 < p < 1:
        raise ValueError(f"p must lie between 0 and 1, got {p}; 0.9 weighs the first ten ranks")
    for given in (names, others):
        if not given.is_unique:
            repeated = ", ".join(map(str, given[given.duplicated()][:5]))
            raise ValueError(f"a ranking names each TF once; named again: {repeated}")
    place = others.get_indexer(names)
    common = place >= 0
    depth = np.maximum(np.flatnonzero(common), place[common]) + 1
    return _overlap_by_depth(depth, len(names), len(others), p)


def _overlap_by_depth(depth: np.ndarray, n_first: int, n_second: int, p: float) -> float:
    """Compute RBO from the depth at which each common name has been met in both rankings."""
    short, long = sorted((n_first, n_second))
    if short == 0:
        return float("nan")
    common = np.cumsum(np.bincount(depth, minlength=long + 1))[1:]
    ranks = np.arange(1, long + 1)
    # Beyond its end the shorter ranking is taken to go on as it has been.
    beyond = common[short - 1] * np.clip(ranks - short, 0, None) / short
    agreement = (common + beyond) / ranks
    weighted = (1 - p) * (p ** (ranks - 1) * agreement).sum()
    return float(weighted + p**long * agreement[-1])


@dataclass(frozen=True, eq=False)
class _Pair:
    """Two models' sizes over the same TFs, and the TFs' kinds."""

    first: np.ndarray
    second: np.ndarray
    kinds: np.ndarray

    @classmethod
    def of(cls, first: pd.Series, second: pd.Series, kinds: pd.Series | None) -> _Pair:
        table = pd.concat([first, second], axis=1).fillna(0.0).sort_index()
        codes = np.zeros(len(table), int)
        if kinds is not None:
            codes = pd.factorize(kinds.reindex(table.index))[0]
        one, two = table.to_numpy(float).T
        return cls(one, two, codes)

    def likeness(self) -> tuple[float, float, float]:
        """Return the three ``QUANTITIES``; NaN where one of the two uses no TF."""
        n_first, n_second = int((self.first > 0).sum()), int((self.second > 0).sum())
        if not min(n_first, n_second):
            return float("nan"), float("nan"), float("nan")
        both = (self.first > 0) & (self.second > 0)
        depth = np.maximum(_places(self.first), _places(self.second))[both]
        rbo = _overlap_by_depth(depth, n_first, n_second, PERSISTENCE)
        overlap = (depth <= TOP).sum() / min(TOP, max(n_first, n_second))
        return rbo, self._spearman(), float(overlap)

    def _spearman(self) -> float:
        ranks = np.stack([rankdata(self.first), rankdata(self.second)])
        if ranks.shape[1] < 2 or (ranks.std(axis=1) == 0).any():
            return float("nan")
        return float(np.corrcoef(ranks)[0, 1])

    def shuffled(self, generator: np.random.Generator) -> _Pair:
        """Deal the sizes of the second out anew, among the TFs of each kind that it uses."""
        second = self.second.copy()
        for kind in np.unique(self.kinds):
            own = (self.kinds == kind) & (second > 0)
            second[own] = generator.permutation(second[own])
        return _Pair(self.first, second, self.kinds)


def _places(sizes: np.ndarray) -> np.ndarray:
    """Rank sizes from 1, the largest first; equal ones keep their order."""
    place = np.empty(len(sizes), int)
    place[np.argsort(-sizes, kind="stable")] = np.arange(1, len(sizes) + 1)
    return place


def likeness(
    first: pd.Series,
    second: pd.Series,
    *,
    n_shuffles: int = 0,
    seed: int = 888,
    kinds: pd.Series | None = None,
) -> dict[str, float]:
    """Compare what two models attribute to the TFs of one gene.

    Args:
        first: Mean size of the attributions, over ``tf``; a TF that is not named has 0.
        second: The same of the other model.
        n_shuffles: Shuffles that tell what chance gives: the second model uses the same TFs, in an
            order of no meaning. 0: none.
        seed: Seed of the shuffles.
        kinds: Kind of each TF, over ``tf``: TFs are shuffled within their kind, so that chance
            knows all that the kinds tell. None: one kind.

    Returns:
        rbo (:func:`rank_biased_overlap`), spearman (over all TFs named, used or not) and overlap
        (common TFs among the first ``TOP``, or among all where fewer are used), and with shuffles
        each one's mean over them, such as rbo_chance. NaN where one uses no TF.
    """
    pair = _Pair.of(first, second, kinds)
    found = dict(zip(QUANTITIES, pair.likeness(), strict=True))
    if n_shuffles:
        generator = np.random.default_rng(seed)
        drawn = [pair.shuffled(generator).likeness() for _ in range(n_shuffles)]
        names = [f"{quantity}_chance" for quantity in QUANTITIES]
        found |= dict(zip(names, map(float, np.mean(drawn, axis=0)), strict=True))
    return found


def pairs(summary: pd.DataFrame, *, n_shuffles: int = N_SHUFFLES, seed: int = 888) -> pd.DataFrame:
    """Compare every two models, gene by gene.

    Args:
        summary: Columns model, gene, tf, mean_abs_attribution.
        n_shuffles: As :func:`likeness` takes it.
        seed: Seed of the shuffles.

    Returns:
        One row a gene that both explain and a pair: gene, model, other, then what
        :func:`likeness` gives.
    """
    by_gene = _by_gene(summary)
    options = {"n_shuffles": n_shuffles, "seed": seed}
    rows = [
        {"gene": gene, "model": one, "other": two, **likeness(sizes[one], sizes[two], **options)}
        for gene, sizes in by_gene.items()
        for one, two in combinations(sizes, 2)
    ]
    return pd.DataFrame(rows, columns=["gene", "model", "other", *_columns(n_shuffles)])


def twins(
    summary: pd.DataFrame,
    other: pd.DataFrame,
    *,
    kinds: pd.DataFrame | None = None,
    n_shuffles: int = N_SHUFFLES,
    seed: int = 888,
) -> pd.DataFrame:
    """Compare each model with its namesake in another table, gene by gene.

    Args:
        summary: Columns model, gene, tf, mean_abs_attribution.
        other: The same of the namesakes, such as randomised models.
        kinds: Kinds of the TFs, ``(gene, tf)``, as :func:`likeness` takes them; None: one kind.
        n_shuffles: As :func:`likeness` takes it.
        seed: Seed of the shuffles.

    Returns:
        One row a gene and model of both tables: gene, model, then what :func:`likeness` gives.
    """
    first, second = _by_gene(summary), _by_gene(other)
    rows = []
    for gene, sizes in first.items():
        own = None if kinds is None else kinds.loc[gene]
        for model in sizes:
            if model in second.get(gene, {}):
                found = likeness(
                    sizes[model], second[gene][model], n_shuffles=n_shuffles, seed=seed, kinds=own
                )
                rows.append({"gene": gene, "model": model, **found})
    return pd.DataFrame(rows, columns=["gene", "model", *_columns(n_shuffles)])


def _columns(n_shuffles: int) -> list[str]:
    chance = [f"{quantity}_chance" for quantity in QUANTITIES] if n_shuffles else []
    return [*QUANTITIES, *chance]


def _by_gene(summary: pd.DataFrame) -> dict[str, dict[str, pd.Series]]:
    """Take a summary apart: gene to model to sizes over ``tf``."""
    found: dict[str, dict[str, pd.Series]] = {}
    for (gene, model), rows in summary.groupby(["gene", "model"], sort=False):
        sizes = rows.set_index("tf")["mean_abs_attribution"]
        found.setdefault(str(gene), {})[str(model)] = sizes
    return found


def matrix(table: pd.DataFrame, quantity: str, *, models: Iterable[str]) -> pd.DataFrame:
    """Lay the mean over genes out as a square table.

    Args:
        table: Result of :func:`pairs`.
        quantity: One of ``QUANTITIES``, or its value by chance.
        models: Rows and columns.

    Returns:
        Shape ``(model, model)``: symmetric, 1 on the diagonal, NaN for a pair without a gene.
    """
    names = list(dict.fromkeys(models))
    mean = table.groupby(["model", "other"])[quantity].mean()
    square = pd.DataFrame(np.nan, index=names, columns=names)
    for (one, two), value in mean.items():
        if one in names and two in names:
            square.loc[one, two] = square.loc[two, one] = value
    return square.mask(np.eye(len(names), dtype=bool), 1.0)
