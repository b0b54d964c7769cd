"""Intervals for aggregate scores by resampling samples, or whole series of samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from lembas.metrics import matched_arrays, without_rounding

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

# Resamples a block: bounds the memory of (resample, gene) arrays at a few hundred MB.
_BLOCK = 100


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
    if n_resamples < 1 or len(truth) < 2:
        raise ValueError(
            f"cannot resample {len(truth)} sample(s) {n_resamples} times; "
            "at least 2 samples and 1 resample are needed"
        )
    groups, unit = _groups(truth.index, series)
    counts = _resample_counts(groups, n_resamples, np.random.default_rng(seed))
    by_model = {
        model: _score_resamples(*matched_arrays(truth, table, train_mean), counts)
        for model, table in predictions.items()
    }
    return Draws(by_model, n_units=int(groups.max()) + 1, unit=unit)


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


def _resample_counts(
    groups: np.ndarray, n_resamples: int, generator: np.random.Generator
) -> np.ndarray:
    """How often each sample occurs in each resample, shape ``(resample, sample)``."""
    n_units = int(groups.max()) + 1
    drawn = generator.multinomial(n_units, np.full(n_units, 1 / n_units), size=n_resamples)
    return drawn[:, groups].astype(float)


def _score_resamples(
    y: np.ndarray, p: np.ndarray, mean: np.ndarray, counts: np.ndarray
) -> pd.DataFrame:
    """Score every resample from sums over samples; no resample is ever materialised."""
    pooled = _pooled_draws(y, p, counts)
    per_gene = [_gene_draws(y, p, mean, block) for block in _blocks(counts)]
    over_genes = {key: np.concatenate([part[key] for part in per_gene]) for key in per_gene[0]}
    ranked = [
        _median(_correlation(rankdata(y, axis=0), rankdata(p, axis=0), block))
        for block in _blocks(counts)
    ]
    over_genes["spearman_median_over_genes"] = np.concatenate(ranked)
    return pd.DataFrame({**pooled, **over_genes}, columns=list(METRICS))


def _pooled_draws(y: np.ndarray, p: np.ndarray, counts: np.ndarray) -> dict[str, np.ndarray]:
    """Pooled scores of each resample, from one row of sums a sample."""
    n_values = counts.sum(axis=1) * y.shape[1]
    squares = counts @ ((y - p) ** 2).sum(axis=1) / n_values
    # Centring first keeps the sums of squares from cancelling.
    centred = y - y.mean()
    first = counts @ centred.sum(axis=1) / n_values
    square = counts @ (centred**2).sum(axis=1) / n_values
    variance = without_rounding(square - first**2, square)
    ranks_y = rankdata(y.ravel()).reshape(y.shape)
    ranks_p = rankdata(p.ravel()).reshape(p.shape)
    return {
        "r2_pooled": 1 - squares / np.where(variance > 0, variance, np.nan),
        "pearson_pooled": _pooled_correlation(y, p, counts),
        "spearman_pooled": _pooled_correlation(ranks_y, ranks_p, counts),
        "rmse_pooled": np.sqrt(squares),
        "mae_pooled": counts @ np.abs(y - p).sum(axis=1) / n_values,
    }


def _pooled_correlation(a: np.ndarray, b: np.ndarray, counts: np.ndarray) -> np.ndarray:
    n_values = counts.sum(axis=1) * a.shape[1]
    a, b = a - a.mean(), b - b.mean()
    moments = [counts @ term.sum(axis=1) / n_values for term in (a, b, a * b, a * a, b * b)]
    return _correlation_from_moments(*moments)


def _gene_draws(
    y: np.ndarray, p: np.ndarray, mean: np.ndarray, counts: np.ndarray
) -> dict[str, np.ndarray]:
    """Medians over genes for a block of resamples."""
    total = counts.sum(axis=1, keepdims=True)
    about_train_mean = without_rounding(counts @ (y - mean) ** 2, total * mean**2)
    skill = 1 - (counts @ (y - p) ** 2) / np.where(about_train_mean > 0, about_train_mean, np.nan)
    return {
        "skill_median_over_genes": _median(skill),
        "pearson_median_over_genes": _median(_correlation(y, p, counts)),
    }


def _correlation(a: np.ndarray, b: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Weighted correlation of matching columns, shape ``(resample, gene)``."""
    total = counts.sum(axis=1, keepdims=True)
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    moments = [counts @ term / total for term in (a, b, a * b, a * a, b * b)]
    return _correlation_from_moments(*moments)


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


def _blocks(counts: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(counts), _BLOCK):
        yield counts[start : start + _BLOCK]


def _tidy_limits(by_model: Mapping[str, pd.DataFrame], level: float) -> pd.DataFrame:
    """Percentile limits of each column, NaN draws left out; NaN when none is left."""
    tail = (1 - level) / 2
    rows = [
        (model, metric, draws[metric].quantile(tail), draws[metric].quantile(1 - tail))
        for model, draws in by_model.items()
        for metric in draws.columns
    ]
    return pd.DataFrame(rows, columns=["model", "metric", "low", "high"])
