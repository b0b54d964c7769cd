"""Intervals for aggregate scores by resampling samples, or whole series of samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd

from lembas.metrics import matched_arrays, without_rounding
from lembas.ranks import centred_ranks, pooled_ranks

METRICS: tuple[str, ...] = (
    "r2_pooled",
    "pearson_pooled",
    "spearman_pooled",
    "rmse_pooled",
    "mae_pooled",
    "skill_median_over_genes",
    "pearson_median_over_genes",
    "spearman_median_over_genes",
)

# Genes at once: bounds the memory of (sample, gene) arrays in double precision.
_GENES_AT_ONCE = 512
# Resamples at once, where all genes are held: as many as make no larger arrays than those.
_RESAMPLES_AT_ONCE = 128


@dataclass(frozen=True)
class Draws:
    """Hold the aggregate scores of every resample, paired between models.

    Attributes:
        by_model: For each model a table ``(resample, metric)``; row k of every model comes
            from the same resampled samples.
        n_units: Number of units that were resampled.
        unit: What a unit is: "sample" or "series".
    """

    by_model: Mapping[str, pd.DataFrame]
    n_units: int
    unit: str

    def intervals(self, level: float = 0.95) -> pd.DataFrame:
        """Percentile intervals, tidy: model, metric, low, high."""
        return _tidy_limits(self.by_model, level)

    def differences(self, reference: str, level: float = 0.95) -> pd.DataFrame:
        """Paired percentile intervals of model - reference: model, metric, low, high.

        Raises:
            KeyError: If the reference was not resampled.
        """
        if reference not in self.by_model:
            raise KeyError(
                f"no draws of {reference!r}; resampled were {', '.join(map(str, self.by_model))}"
            )
        base = self.by_model[reference]
        others = {model: draws for model, draws in self.by_model.items() if model != reference}
        return _tidy_limits({model: draws - base for model, draws in others.items()}, level)


def bootstrap(
    truth: pd.DataFrame,
    predictions: Mapping[str, pd.DataFrame],
    train_mean: pd.Series,
    *,
    series: pd.Series | None = None,
    n_resamples: int = 2000,
    seed: int = 888,
) -> Draws:
    """Resample samples (or whole series) with replacement and score every model on each resample.

    The same resamples serve all models, so that their differences are paired. Genes are never
    resampled: they are the benchmark's fixed panel. Spearman correlations resample the ranks
    of the full set, the usual approximation.

    Args:
        truth: Measured expression ``(sample, gene)``.
        predictions: For each model a prediction with the same labels, in any order.
        train_mean: Mean of each gene over the training samples.
        series: Series id of each sample; whole series are then resampled. None, or fewer than
            two series: samples are resampled.
        n_resamples: Number of resamples, >= 1.
        seed: Seed of the resampling.

    Raises:
        ValueError: If labels differ, a value is not finite, or there is nothing to resample.
    """
    resamples, unit = _drawn_resamples(truth.index, series, n_resamples, seed)
    by_model = {
        model: _score_resamples(*matched_arrays(truth, table, train_mean), resamples)
        for model, table in predictions.items()
    }
    return Draws(by_model, n_units=resamples.counts.shape[1], unit=unit)


def median_skill_draws(
    truth: pd.DataFrame,
    predictions: Mapping[str, pd.DataFrame],
    train_mean: pd.Series,
    *,
    series: pd.Series | None = None,
    n_resamples: int = 2000,
    seed: int = 888,
) -> pd.DataFrame:
    """Score many predictions' median skill on the resamples of :func:`bootstrap`.

    The same numbers as there, at a small part of its time and memory: nothing else is scored,
    and some resamples are scored at a time.

    Args:
        truth: Measured expression ``(sample, gene)``.
        predictions: By name, with the same labels, in any order.
        train_mean: Mean of each gene over the training samples.
        series: As in :func:`bootstrap`.
        n_resamples: Number of resamples, >= 1.
        seed: Seed of the resampling; the same seed draws the same samples in every call.

    Returns:
        Median skill over genes ``(resample, prediction)``; NaN where no gene has a skill.

    Raises:
        ValueError: As :func:`bootstrap`.
    """
    resamples, _ = _drawn_resamples(truth.index, series, n_resamples, seed)
    skill = {
        name: _median_skill(*matched_arrays(truth, table, train_mean), resamples)
        for name, table in predictions.items()
    }
    return pd.DataFrame(skill)


def _drawn_resamples(
    samples: pd.Index, series: pd.Series | None, n_resamples: int, seed: int
) -> tuple[_Resamples, str]:
    """Draw resamples of samples or series, and say which of the two."""
    if n_resamples < 1 or len(samples) < 2:
        raise ValueError(
            f"cannot resample {len(samples)} sample(s) {n_resamples} times; "
            "at least 2 samples and 1 resample are needed"
        )
    groups, unit = _groups(samples, series)
    return _Resamples.draw(groups, n_resamples, np.random.default_rng(seed)), unit


def _groups(samples: pd.Index, series: pd.Series | None) -> tuple[np.ndarray, str]:
    """Number the units to resample: series where at least two are known, else samples."""
    if series is not None:
        code, names = pd.factorize(series.reindex(samples))
        if (code < 0).any():
            raise ValueError(
                f"{int((code < 0).sum())} sample(s) have no series: "
                f"{', '.join(map(str, samples[code < 0][:5]))}; name one for each, or pass None"
            )
        if len(names) > 1:
            return code, "series"
    return np.arange(len(samples)), "sample"


@dataclass(frozen=True)
class _Resamples:
    """Hold how often each unit occurs in each resample.

    Attributes:
        order: Samples ordered by unit.
        starts: Where each unit begins in that order.
        counts: Shape ``(resample, unit)``.
        n_samples: Samples of each resample.
    """

    order: np.ndarray
    starts: np.ndarray
    counts: np.ndarray
    n_samples: np.ndarray

    @classmethod
    def draw(cls, groups: np.ndarray, n_resamples: int, generator: np.random.Generator) -> Self:
        sizes = np.bincount(groups)
        share = np.full(len(sizes), 1 / len(sizes))
        counts = generator.multinomial(len(sizes), share, size=n_resamples).astype(float)
        order, starts = np.argsort(groups, kind="stable"), np.cumsum(sizes) - sizes
        return cls(order, starts, counts, counts @ sizes)

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Sum over the samples of each resample: ``(sample, n)`` to ``(resample, n)``."""
        # Summed within units first: a resample holds whole units.
        return self.counts @ self.by_unit(values)

    def by_unit(self, values: np.ndarray) -> np.ndarray:
        """Sum over the samples of each unit: ``(sample, n)`` to ``(unit, n)``."""
        return np.add.reduceat(values[self.order], self.starts, axis=0)


def _score_resamples(
    y: np.ndarray, p: np.ndarray, mean: np.ndarray, resamples: _Resamples
) -> pd.DataFrame:
    """Score every resample from sums over samples; no resample is ever materialised."""
    shape = (len(resamples.counts), y.shape[1])
    skill, pearson, spearman = (np.empty(shape) for _ in range(3))
    for start in range(0, y.shape[1], _GENES_AT_ONCE):
        part = slice(start, start + _GENES_AT_ONCE)
        own, other = y[:, part].astype(float), p[:, part].astype(float)
        skill[:, part] = _skill(own, other, mean[part], resamples)
        pearson[:, part] = _correlation(own, other, resamples)
        spearman[:, part] = _correlation(_ranked(own), _ranked(other), resamples)
    scores = {
        **_pooled_draws(y, p, resamples),
        "skill_median_over_genes": _median(skill),
        "pearson_median_over_genes": _median(pearson),
        "spearman_median_over_genes": _median(spearman),
    }
    return pd.DataFrame(scores, columns=list(METRICS))


def _ranked(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(centred_ranks(np.ascontiguousarray(values.T)).T)


def _skill(y: np.ndarray, p: np.ndarray, mean: np.ndarray, resamples: _Resamples) -> np.ndarray:
    """Skill of each gene in each resample, shape ``(resample, gene)``."""
    scale = resamples.n_samples[:, None] * mean**2
    about_train_mean = without_rounding(resamples.sums((y - mean) ** 2), scale)
    squares = resamples.sums((y - p) ** 2)
    return 1 - squares / np.where(about_train_mean > 0, about_train_mean, np.nan)


def _median_skill(
    y: np.ndarray, p: np.ndarray, mean: np.ndarray, resamples: _Resamples
) -> np.ndarray:
    """Median skill over genes in each resample, shape ``(resample,)``."""
    shape = (resamples.counts.shape[1], y.shape[1])
    about_train_mean, squares, median = *np.empty((2, *shape)), np.empty(len(resamples.counts))
    for start in range(0, y.shape[1], _GENES_AT_ONCE):
        part = slice(start, start + _GENES_AT_ONCE)
        own, other = y[:, part].astype(float), p[:, part].astype(float)
        about_train_mean[:, part] = resamples.by_unit((own - mean[part]) ** 2)
        squares[:, part] = resamples.by_unit((own - other) ** 2)
    for start in range(0, len(median), _RESAMPLES_AT_ONCE):
        rows = slice(start, start + _RESAMPLES_AT_ONCE)
        counts, scale = resamples.counts[rows], resamples.n_samples[rows, None] * mean**2
        total = without_rounding(counts @ about_train_mean, scale)
        median[rows] = _median(1 - (counts @ squares) / np.where(total > 0, total, np.nan))
    return median


def _correlation(a: np.ndarray, b: np.ndarray, resamples: _Resamples) -> np.ndarray:
    """Correlation of matching columns in each resample, shape ``(resample, gene)``."""
    n_samples = resamples.n_samples[:, None]
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    terms = (a, b, a * b, a * a, b * b)
    return _correlation_from_moments(*(resamples.sums(term) / n_samples for term in terms))


def _pooled_draws(y: np.ndarray, p: np.ndarray, resamples: _Resamples) -> dict[str, np.ndarray]:
    """Pooled scores of each resample, from one row of sums a sample."""
    n_values = resamples.n_samples * y.shape[1]
    of_values = _sample_moments(y, p)
    of_ranks = _sample_moments(pooled_ranks(y), pooled_ranks(p))
    means = {key: resamples.sums(sums[:, None])[:, 0] / n_values for key, sums in of_values.items()}
    ranked = {key: resamples.sums(sums[:, None])[:, 0] / n_values for key, sums in of_ranks.items()}
    variance = without_rounding(means["aa"] - means["a"] ** 2, means["aa"])
    moments = ("a", "b", "ab", "aa", "bb")
    return {
        "r2_pooled": 1 - means["squares"] / np.where(variance > 0, variance, np.nan),
        "pearson_pooled": _correlation_from_moments(*(means[key] for key in moments)),
        "spearman_pooled": _correlation_from_moments(*(ranked[key] for key in moments)),
        "rmse_pooled": np.sqrt(means["squares"]),
        "mae_pooled": means["distances"],
    }


def _sample_moments(a: np.ndarray, b: np.ndarray) -> dict[str, np.ndarray]:
    """Sum over all genes of each sample what the pooled scores are made of."""
    mean_a, mean_b = a.mean(dtype=float), b.mean(dtype=float)
    totals = {key: np.zeros(len(a)) for key in ("a", "b", "ab", "aa", "bb", "squares", "distances")}
    for start in range(0, a.shape[1], _GENES_AT_ONCE):
        part = slice(start, start + _GENES_AT_ONCE)
        # Centring first keeps the sums of squares from cancelling.
        own, other = a[:, part] - mean_a, b[:, part] - mean_b
        apart = own - other + (mean_a - mean_b)
        terms = (own, other, own * other, own**2, other**2, apart**2, np.abs(apart))
        for total, term in zip(totals.values(), terms, strict=True):
            total += term.sum(axis=1)
    return totals


def _correlation_from_moments(
    a: np.ndarray, b: np.ndarray, ab: np.ndarray, aa: np.ndarray, bb: np.ndarray
) -> np.ndarray:
    """Correlation from the means of a, b, ab, aa and bb; NaN where either does not vary."""
    variance_a, variance_b = aa - a**2, bb - b**2
    # A variance this far below the mean square is rounding, not variation.
    varies = (variance_a > 1e-12 * aa) & (variance_b > 1e-12 * bb)
    scale = np.sqrt(np.where(varies, variance_a * variance_b, 1.0))
    return np.where(varies, np.clip((ab - a * b) / scale, -1, 1), np.nan)


def _median(values: np.ndarray) -> np.ndarray:
    """Median over genes, NaN genes left out; NaN when none is left."""
    if np.isfinite(values).all():
        return np.median(values, axis=1)
    return np.array(
        [np.median(row[np.isfinite(row)]) if np.isfinite(row).any() else np.nan for row in values]
    )


def _tidy_limits(by_model: Mapping[str, pd.DataFrame], level: float) -> pd.DataFrame:
    """Percentile limits of each column, NaN draws left out; NaN when none is left."""
    tail = (1 - level) / 2
    rows = [
        (model, metric, draws[metric].quantile(tail), draws[metric].quantile(1 - tail))
        for model, draws in by_model.items()
        for metric in draws.columns
    ]
    return pd.DataFrame(rows, columns=["model", "metric", "low", "high"])
