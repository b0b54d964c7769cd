"""Check by simulation that intervals cover what they say, and that equals do not differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from lembas.cohorts import Cohort
from lembas.intervals import METRICS, Draws, bootstrap, units_of
from lembas.metrics import PRIMARY

QUANTITIES: Mapping[str, str] = {
    "skill": "skill of one model",
    "difference": "difference of two models",
    "aa": "A/A: two models that are equally good",
}
# How often 95 % intervals are to hold the truth.
AIM = (0.93, 0.97)
# Variances of what the better model predicts, of what only it predicts, of what none predicts, and
# of the error that each of two equally good models adds.
_PARTS: Mapping[str, float] = {"both": 1.0, "better": 0.25, "none": 0.5, "error": 0.06}
_N_FACTORS = 4


@dataclass(frozen=True)
class Regime:
    """Describe the studies that are simulated: how many units and samples a cohort has.

    Attributes:
        name: What to call it.
        n_units: Units that are resampled: series, or samples.
        samples_per_unit: Samples of each unit; 1 where the units are samples.
        n_genes: Genes.
        series_share: Part of every variance that lies between units of several samples, in [0, 1).
    """

    name: str
    n_units: int
    samples_per_unit: int
    n_genes: int = 300
    series_share: float = 0.3

    def __post_init__(self) -> None:
        """Refuse a regime in which nothing can be resampled."""
        if self.n_units < 2 or self.samples_per_unit < 1 or self.n_genes < 1:
            raise ValueError(
                f"regime {self.name!r} has {self.n_units} unit(s) of {self.samples_per_unit} "
                f"sample(s) and {self.n_genes} gene(s); expected at least 2, 1 and 1"
            )
        if not 0 <= self.series_share < 1:
            raise ValueError(
                f"series_share of regime {self.name!r} is {self.series_share}; expected a number "
                "from 0 to below 1"
            )


def regime_of(name: str, samples: pd.Index, series: pd.Series | None, **options: Any) -> Regime:
    """Describe a cohort: its number of units, and how many samples a unit has on average."""
    unit, _ = units_of(samples, series)
    n_units = int(unit.max()) + 1
    return Regime(name, n_units, max(1, round(len(samples) / n_units)), **options)


def regimes_of(cohorts: Mapping[str, Cohort], **options: Any) -> list[Regime]:
    """Describe cohorts, those of one size together: they would be simulated alike.

    Args:
        cohorts: The cohorts by name.
        **options: Further attributes of :class:`Regime`.
    """
    alike: dict[Regime, list[str]] = {}
    for name, cohort in cohorts.items():
        alike.setdefault(regime_of("", cohort.y.index, cohort.series, **options), []).append(name)
    return [replace(regime, name=" and ".join(names)) for regime, names in alike.items()]


def coverage(
    regimes: Iterable[Regime],
    *,
    n_studies: int = 200,
    n_resamples: int = 300,
    n_gene_sets: int = 4,
    seed: int = 888,
) -> pd.DataFrame:
    r"""Simulate studies with known skills and count how often the 95 % intervals hold them.

    Genes share latent factors, within and between units, so that they are as far from independent
    as in real data. A set of genes serves several studies, as a benchmark's genes serve several
    cohorts. An interval says what other cohorts of as many samples would show, so each is asked to
    hold the mean score of the other studies of its genes, :math:`\sum_{r \ne s} \hat\theta_r /
    (n - 1)`. The limit for infinitely many samples follows from the genes' variances. It lies
    elsewhere, as the median of noisy skills is not the median of the true ones, and is counted too.

    Args:
        regimes: What to simulate.
        n_studies: Studies of each regime, at least two.
        n_resamples: Resamples of each study.
        n_gene_sets: Sets of genes that they are spread over, at least two studies each.
        seed: Seed of all draws.

    Returns:
        One row a regime and quantity: regime, n_units, samples_per_unit, n_samples, quantity,
        n_studies, coverage, low, high (95 % Wilson interval of the coverage), width (mean width
        of the intervals), limit (mean over sets of genes), shift (root mean square over them of
        mean score - limit, less what chance adds), limit_coverage (how often the limit is held).
        For the A/A pair limit and shift are 0, and 1 - coverage is the rate of false rejections.
        NaN below ``FEWEST_UNITS``, where no interval is given.

    Raises:
        ValueError: If there are fewer than two studies, or no set of genes.
    """
    if n_studies < 2 or n_gene_sets < 1:
        raise ValueError(
            f"cannot count the intervals of {n_studies} study(ies) with {n_gene_sets} set(s) of "
            "genes; at least 2 and 1 are needed"
        )
    rows = []
    for number, regime in enumerate(regimes):
        generator = np.random.default_rng([seed, number])
        shares = np.array_split(np.arange(n_studies), min(n_gene_sets, n_studies // 2))
        found = [_studies(regime, len(share), generator, n_resamples) for share in shares]
        for quantity in QUANTITIES:
            counted = _covered([own[own["quantity"] == quantity] for own in found])
            rows.append({**_described(regime), "quantity": quantity, **counted})
    return pd.DataFrame(rows)


def _described(regime: Regime) -> dict[str, Any]:
    return {
        "regime": regime.name,
        "n_units": regime.n_units,
        "samples_per_unit": regime.samples_per_unit,
        "n_samples": regime.n_units * regime.samples_per_unit,
    }


def _studies(
    regime: Regime, n_studies: int, generator: np.random.Generator, n_resamples: int
) -> pd.DataFrame:
    """Simulate studies of one set of genes: quantity, estimate, low, high, limit, target."""
    genes = {part: _Genes.draw(regime, share, generator) for part, share in _PARTS.items()}
    studies = [_one_study(regime, genes, generator, n_resamples) for _ in range(n_studies)]
    table = pd.concat(studies, ignore_index=True)
    table["limit"] = table["quantity"].map(_true_skills(genes))
    estimates = table.groupby("quantity")["estimate"]
    others = (estimates.transform("sum") - table["estimate"]) / (n_studies - 1)
    # Equals do not differ in cohorts of any size.
    return table.assign(target=others.where(table["quantity"] != "aa", 0.0))


def _covered(sets: Sequence[pd.DataFrame]) -> dict[str, float]:
    """Count the intervals of one quantity that hold their targets; one table a set of genes."""
    table = pd.concat(sets)
    limits, means = (np.array([own[key].mean() for own in sets]) for key in ("limit", "target"))
    # Means of so many studies differ from the limits by chance too.
    chance = [own["estimate"].var() / len(own) for own in sets]
    shift = np.sqrt(max(0.0, float(((means - limits) ** 2 - chance).mean())))
    about = {"n_studies": len(table), "limit": limits.mean(), "shift": shift}
    if table["low"].isna().any():
        unknown = ("coverage", "low", "high", "width", "limit_coverage")
        return {**about, **dict.fromkeys(unknown, np.nan)}
    held = table["target"].between(table["low"], table["high"])
    found = stats.binomtest(int(held.sum()), len(held)).proportion_ci(method="wilson")
    return {
        **about,
        "coverage": held.mean(),
        "low": float(found.low),
        "high": float(found.high),
        "width": (table["high"] - table["low"]).mean(),
        "limit_coverage": table["limit"].between(table["low"], table["high"]).mean(),
    }


@dataclass(frozen=True)
class _Genes:
    """Hold how one part of the expression varies, gene by gene.

    Attributes:
        between: Loadings of the units' factors, ``(factor, gene)``.
        within: Loadings of the samples' factors, ``(factor, gene)``.
        own_between: SD of what a unit adds to one gene, ``(gene,)``.
        own_within: SD of what a sample adds to one gene, ``(gene,)``.
    """

    between: np.ndarray
    within: np.ndarray
    own_between: np.ndarray
    own_within: np.ndarray

    @classmethod
    def draw(cls, regime: Regime, variance: float, generator: np.random.Generator) -> _Genes:
        """Spread the genes' variances about ``variance``; half of each comes from factors."""
        share = regime.series_share if regime.samples_per_unit > 1 else 0.0
        total = variance * np.exp(0.5 * generator.standard_normal(regime.n_genes))
        loadings = generator.standard_normal((2, _N_FACTORS, regime.n_genes))
        loadings *= np.sqrt(total / 2 / (loadings**2).sum(axis=1, keepdims=True))
        return cls(
            between=loadings[0] * np.sqrt(share),
            within=loadings[1] * np.sqrt(1 - share),
            own_between=np.sqrt(share * total / 2),
            own_within=np.sqrt((1 - share) * total / 2),
        )

    @property
    def variance(self) -> np.ndarray:
        """Variance of each gene over samples of new units, ``(gene,)``."""
        factors = (self.between**2 + self.within**2).sum(axis=0)
        return factors + self.own_between**2 + self.own_within**2

    def sample(self, regime: Regime, generator: np.random.Generator) -> np.ndarray:
        """Draw the samples of one study, ``(sample, gene)``."""
        n_samples = regime.n_units * regime.samples_per_unit
        units = generator.standard_normal((regime.n_units, len(self.between))) @ self.between
        units += generator.standard_normal(units.shape) * self.own_between
        samples = generator.standard_normal((n_samples, len(self.within))) @ self.within
        samples += generator.standard_normal(samples.shape) * self.own_within
        return np.repeat(units, regime.samples_per_unit, axis=0) + samples


def _true_skills(genes: Mapping[str, _Genes]) -> dict[str, float]:
    """Compute the skills in all samples there could be, from the genes' variances."""
    variance = {part: own.variance for part, own in genes.items()}
    total = variance["both"] + variance["better"] + variance["none"]
    weaker = float(np.median(1 - (variance["better"] + variance["none"]) / total))
    better = float(np.median(1 - variance["none"] / total))
    return {"skill": weaker, "difference": better - weaker, "aa": 0.0}


def _one_study(
    regime: Regime, genes: Mapping[str, _Genes], generator: np.random.Generator, n_resamples: int
) -> pd.DataFrame:
    """Simulate one study; return each quantity's estimate and interval."""
    drawn = {part: own.sample(regime, generator) for part, own in genes.items()}
    other_error = genes["error"].sample(regime, generator)
    names = [f"G{number}" for number in range(regime.n_genes)]
    table = {
        "truth": drawn["both"] + drawn["better"] + drawn["none"],
        "weaker": drawn["both"],
        "better": drawn["both"] + drawn["better"],
        "first": drawn["both"] + drawn["error"],
        "second": drawn["both"] + other_error,
    }
    tables = {key: pd.DataFrame(values, columns=names) for key, values in table.items()}
    truth = tables.pop("truth")
    series = pd.Series(np.arange(len(truth)) // regime.samples_per_unit, index=truth.index)
    zero, seed = pd.Series(0.0, index=truth.columns), int(generator.integers(2**31))
    draws = bootstrap(
        truth, tables, zero, series=series, n_resamples=n_resamples, seed=seed, metrics=(PRIMARY,)
    )
    return _limits(draws)


def _limits(draws: Draws) -> pd.DataFrame:
    found = [
        _only(draws, "weaker").intervals(),
        _only(draws, "weaker", "better").differences("weaker"),
        _only(draws, "first", "second").differences("second"),
    ]
    value = {model: scores[PRIMARY] for model, scores in draws.estimates.items()}
    apart = (value["better"] - value["weaker"], value["first"] - value["second"])
    return pd.concat(found, ignore_index=True)[["low", "high"]].assign(
        quantity=list(QUANTITIES), estimate=[value["weaker"], *apart]
    )


def _only(draws: Draws, *models: str) -> Draws:
    return replace(draws, by_model={model: draws.by_model[model] for model in models})


def exchangeable_pairs(
    truth: pd.DataFrame,
    first: pd.DataFrame,
    second: pd.DataFrame,
    train_mean: pd.Series,
    *,
    series: pd.Series | None = None,
    metrics: Sequence[str] = METRICS,
    n_pairs: int = 40,
    n_resamples: int = 200,
    n_genes: int = 200,
    seed: int = 888,
) -> pd.DataFrame:
    """Make pairs of models that are equally good by construction, and count how many "differ".

    In each pair a coin decides, unit by unit, which of two real models speaks for one side and
    which for the other: neither side can be better. A 95 % interval of the difference should leave
    0 out in one pair of twenty.

    Args:
        truth: Measured expression ``(sample, gene)``.
        first: Prediction of one model, the same labels.
        second: Prediction of another.
        train_mean: Mean of each gene over the training samples.
        series: Series of each sample; None: unknown.
        metrics: Scores to compare.
        n_pairs: Pairs to make.
        n_resamples: Resamples of each pair.
        n_genes: Genes drawn for this, for speed; all where there are fewer.
        seed: Seed of genes, coins and resamples.

    Returns:
        One row a metric: metric, n_pairs, n_rejected, and p, the chance of as many or more at a
        rate of 5 %. Empty below three units, where there is nothing to swap.
    """
    generator = np.random.default_rng(seed)
    chosen = generator.permutation(truth.shape[1])[:n_genes]
    genes = truth.columns[np.sort(chosen)]
    truth, first, second = (table.loc[truth.index, genes] for table in (truth, first, second))
    unit, _ = units_of(truth.index, series)
    n_units = int(unit.max()) + 1
    if n_units < 3:
        return pd.DataFrame(columns=["metric", "n_pairs", "n_rejected", "p"])
    rejected = pd.Series(0, index=list(metrics))
    for number in range(n_pairs):
        swap = _coins(n_units, generator)[unit][:, None]
        sides = {"a": _either(swap, second, first), "b": _either(swap, first, second)}
        draws = bootstrap(
            truth,
            sides,
            train_mean,
            series=series,
            n_resamples=n_resamples,
            seed=seed + number,
            metrics=metrics,
        )
        limits = draws.differences("b").set_index("metric")
        rejected += ((limits["low"] > 0) | (limits["high"] < 0)).astype(int)
    p = [stats.binomtest(int(n), n_pairs, 0.05, alternative="greater").pvalue for n in rejected]
    columns = {"metric": list(metrics), "n_pairs": n_pairs, "n_rejected": rejected.to_numpy()}
    return pd.DataFrame(columns).assign(p=p)


def _either(swap: np.ndarray, one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Take the samples marked in ``swap`` ``(sample, 1)`` from one table, the rest from another."""
    values = np.where(swap, one.to_numpy(), other.to_numpy())
    return pd.DataFrame(values, index=one.index, columns=one.columns)


def _coins(n_units: int, generator: np.random.Generator) -> np.ndarray:
    """Toss a coin a unit, until not all fall alike: else the sides would be the models."""
    while True:
        coins = generator.random(n_units) < 0.5
        if coins.any() and not coins.all():
            return coins
