"""Check by simulation that intervals cover what they say, and that equals do not differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from lembas.intervals import METRICS, bootstrap, units_of
from lembas.metrics import PRIMARY

QUANTITIES: Mapping[str, str] = {
    "skill": "skill of one model",
    "difference": "difference of two models",
    "aa": "A/A: two models that are equally good",
}
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


def coverage(
    regimes: Iterable[Regime], *, n_studies: int = 200, n_resamples: int = 300, seed: int = 888
) -> pd.DataFrame:
    """Simulate studies with known skills and count how often the 95 % intervals hold them.

    Genes share latent factors, within and between units, so that they are as far from independent
    as in real data. The same simulated genes serve all studies of a regime; the skills that are to
    be covered follow from their variances.

    Args:
        regimes: What to simulate.
        n_studies: Studies of each regime.
        n_resamples: Resamples of each study.
        seed: Seed of all draws.

    Returns:
        One row a regime and quantity: regime, n_units, n_samples, quantity, n_studies, coverage,
        low, high (95 % Wilson interval of the coverage), width (mean width of the intervals).
        For the A/A pair, 1 - coverage is the rate of false rejections. NaN below
        ``FEWEST_UNITS``, where no interval is given.
    """
    rows = []
    for number, regime in enumerate(regimes):
        generator = np.random.default_rng([seed, number])
        genes = {part: _Genes.draw(regime, share, generator) for part, share in _PARTS.items()}
        true = _true_skills(genes)
        studies = [_one_study(regime, genes, generator, n_resamples) for _ in range(n_studies)]
        for quantity in QUANTITIES:
            limits = np.array([study[quantity] for study in studies])
            about = {"quantity": quantity, "n_studies": n_studies}
            rows.append({**_described(regime), **about, **_covered(limits, true[quantity])})
    return pd.DataFrame(rows)


def _described(regime: Regime) -> dict[str, Any]:
    return {
        "regime": regime.name,
        "n_units": regime.n_units,
        "n_samples": regime.n_units * regime.samples_per_unit,
    }


def _covered(limits: np.ndarray, true: float) -> dict[str, float]:
    """Count the intervals ``(study, [low, high])`` that hold the true value."""
    if np.isnan(limits).any():
        return dict.fromkeys(("coverage", "low", "high", "width"), np.nan)
    held = int(((limits[:, 0] <= true) & (true <= limits[:, 1])).sum())
    found = stats.binomtest(held, len(limits)).proportion_ci(method="wilson")
    return {
        "coverage": held / len(limits),
        "low": float(found.low),
        "high": float(found.high),
        "width": float(np.diff(limits, axis=1).mean()),
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
) -> dict[str, tuple[float, float]]:
    """Simulate one study; return the limits of each quantity's interval."""
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
    draws = bootstrap(
        truth,
        tables,
        pd.Series(0.0, index=truth.columns),
        series=series,
        n_resamples=n_resamples,
        seed=int(generator.integers(2**31)),
        metrics=(PRIMARY,),
    )
    skill = draws.intervals().set_index("model")
    return {
        "skill": _limits(skill, "weaker"),
        "difference": _limits(draws.differences("weaker").set_index("model"), "better"),
        "aa": _limits(draws.differences("second").set_index("model"), "first"),
    }


def _limits(table: pd.DataFrame, model: str) -> tuple[float, float]:
    return float(table.loc[model, "low"]), float(table.loc[model, "high"])


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


def coverage_table(table: pd.DataFrame) -> pd.DataFrame:
    """Lay the result of :func:`coverage` out for a reader, as text."""
    words = [
        "no interval: too few units"
        if pd.isna(row.coverage)
        else f"{100 * row.coverage:.1f} % ({100 * row.low:.1f} to {100 * row.high:.1f})"
        for row in table.itertuples()
    ]
    shown = table.assign(held=words, what=table["quantity"].map(dict(QUANTITIES)))
    shown = shown.set_index(["regime", "n_units", "n_samples", "what"])[["held"]]
    return shown.rename(columns={"held": "intervals that hold the truth"}).rename_axis(
        ["cohort's size", "units", "samples", "of"]
    )
