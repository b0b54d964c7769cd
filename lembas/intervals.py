"""Intervals for aggregate scores by resampling samples, or whole series of samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import pandas as pd
from scipy import stats

from lembas.metrics import matched_arrays, without_rounding
from lembas.ranks import centred_ranks, pooled_ranks

_POOLED: tuple[str, ...] = (
    "r2_pooled",
    "pearson_pooled",
    "spearman_pooled",
    "rmse_pooled",
    "mae_pooled",
)
METRICS: tuple[str, ...] = (
    *_POOLED,
    "skill_median_over_genes",
    "pearson_median_over_genes",
    "spearman_median_over_genes",
)

# From fewer units no interval is given. In simulation (lembas.calibration) intervals from four to
# eight units cover more than they say (96 to 99.8 %), from twenty on about what they say; with
# two or three they rest on a t quantile of 13 or 4 and on the bell shape of that many numbers.
FEWEST_UNITS = 4

# Genes at once: what is computed of them for all resamples then stays in the processor's cache.
_GENES_AT_ONCE = 64


@dataclass(frozen=True)
class Draws:
    r"""Hold the aggregate scores of every resample, paired between models.

    The limits are those of Student's t about the score of the full set,

    .. math:: \hat\theta \pm t_{U-1} \sqrt{U / (U-1)} \; \mathrm{SD}^*

    with :math:`\mathrm{SD}^*` the standard deviation of the resampled scores and U the number of
    units: a bootstrap of few units varies too little by the factor under the root, and its SD is
    itself an estimate, which the t quantile allows for. With five series the percentiles of the
    draws covered 84 to 92 % in simulation, these limits 95 to 99 %. They speak of the mean over
    other cohorts of as many samples. No bias is taken off: that of a median is so uncertain that
    79 to 95 % were covered. A limit beyond what a score can be is cut back.

    Attributes:
        by_model: For each model a table ``(resample, metric)``; row k of every model comes
            from the same resampled samples.
        n_units: Number of units that were resampled.
        unit: What a unit is: "sample" or "series".
        estimates: For each model the scores of the full set, over ``metric``; where there are
            none, the mean over resamples stands in.

    References:
        Cameron, Gelbach and Miller 2008, doi:10.1162/rest.90.3.414 (few clusters);
        Hesterberg 2015, doi:10.1080/00031305.2015.1089789 (narrowness of small samples).
    """

    by_model: Mapping[str, pd.DataFrame]
    n_units: int
    unit: str
    estimates: Mapping[str, pd.Series] = field(default_factory=dict)

    def intervals(self, level: float = 0.95) -> pd.DataFrame:
        """Limits of every score, tidy: model, metric, low, high; NaN below ``FEWEST_UNITS``."""
        return self._tidy_limits(self.by_model, dict(self.estimates), level).pipe(_within_range)

    def differences(self, reference: str, level: float = 0.95) -> pd.DataFrame:
        """Paired limits of model - reference: model, metric, low, high.

        Raises:
            KeyError: If the reference was not resampled.
        """
        if reference not in self.by_model:
            raise KeyError(
                f"no draws of {reference!r}; resampled were {', '.join(map(str, self.by_model))}"
            )
        base = self.by_model[reference]
        others = {model: draws for model, draws in self.by_model.items() if model != reference}
        centre = {
            model: self.estimates[model] - self.estimates[reference]
            for model in others
            if model in self.estimates and reference in self.estimates
        }
        return self._tidy_limits(
            {model: draws - base for model, draws in others.items()}, centre, level
        )

    def _tidy_limits(
        self, by_model: Mapping[str, pd.DataFrame], centre: Mapping[str, pd.Series], level: float
    ) -> pd.DataFrame:
        tables = [pd.DataFrame(columns=["model", "metric", "low", "high"])] * (not by_model)
        for model, draws in by_model.items():
            half = half_width(draws, self.n_units, level=level)
            middle = centre.get(model, draws.mean()).reindex(draws.columns)
            limits = {"low": middle - half, "high": middle + half}
            table = pd.DataFrame(limits).rename_axis("metric").reset_index()
            tables.append(table.assign(model=model)[["model", "metric", "low", "high"]])
        return pd.concat(tables, ignore_index=True)


def half_width(draws: pd.DataFrame, n_units: int, *, level: float = 0.95) -> pd.Series:
    """Half the width of each column's interval, as :class:`Draws` has it; NaN for too few units."""
    if n_units < FEWEST_UNITS:
        return pd.Series(np.nan, index=draws.columns)
    quantile = stats.t.ppf((1 + level) / 2, n_units - 1)
    return draws.std(ddof=0) * quantile * np.sqrt(n_units / (n_units - 1))


def together(parts: Sequence[Draws]) -> Draws:
    """Join draws of several models that come from the same resamples."""
    return Draws(
        {model: table for part in parts for model, table in part.by_model.items()},
        n_units=parts[0].n_units,
        unit=parts[0].unit,
        estimates={model: scores for part in parts for model, scores in part.estimates.items()},
    )


def bootstrap(
    truth: pd.DataFrame,
    predictions: Mapping[str, pd.DataFrame],
    train_mean: pd.Series,
    *,
    series: pd.Series | None = None,
    n_resamples: int = 2000,
    seed: int = 888,
    metrics: Sequence[str] = METRICS,
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
        metrics: Scores to resample, of ``METRICS``; fewer take less time.

    Raises:
        ValueError: If labels differ, a value is not finite, a metric is unknown, or there is
            nothing to resample.
    """
    if n_resamples < 1 or len(truth) < 2:
        raise ValueError(
            f"cannot resample {len(truth)} sample(s) {n_resamples} times; "
            "at least 2 samples and 1 resample are needed"
        )
    unknown = [metric for metric in metrics if metric not in METRICS]
    if unknown:
        raise ValueError(
            f"no resamples of {', '.join(unknown[:5])}; expected some of {', '.join(METRICS)}"
        )
    groups, unit = units_of(truth.index, series)
    resamples = _Resamples.draw(groups, n_resamples, np.random.default_rng(seed))
    tables = {
        model: _score_resamples(
            *matched_arrays(truth, table, train_mean), resamples, tuple(metrics)
        )
        for model, table in predictions.items()
    }
    return Draws(
        {model: table.iloc[:-1] for model, table in tables.items()},
        n_units=int(groups.max()) + 1,
        unit=unit,
        estimates={model: table.iloc[-1] for model, table in tables.items()},
    )


def units_of(samples: pd.Index, series: pd.Series | None) -> tuple[np.ndarray, str]:
    """Number the units to resample: series where at least two are known, else samples.

    Args:
        samples: Names of the samples.
        series: Series of each sample; None: unknown.

    Returns:
        Each sample's unit, numbered from 0, and what a unit is: "series" or "sample".

    Raises:
        ValueError: If some sample has no series.
    """
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
        counts: Shape ``(resample, unit)``; the last row is no resample but the full set.
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
        drawn = generator.multinomial(len(sizes), share, size=n_resamples)
        counts = np.vstack([drawn, np.ones(len(sizes))]).astype(float)
        order, starts = np.argsort(groups, kind="stable"), np.cumsum(sizes) - sizes
        return cls(order, starts, counts, counts @ sizes)

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Sum over the samples of each resample: ``(sample, n)`` to ``(resample, n)``."""
        # Summed within units first: a resample holds whole units.
        return self.counts @ np.add.reduceat(values[self.order], self.starts, axis=0)


def _score_resamples(
    y: np.ndarray,
    p: np.ndarray,
    mean: np.ndarray,
    resamples: _Resamples,
    metrics: tuple[str, ...],
) -> pd.DataFrame:
    """Score every resample from sums over samples; no resample is ever materialised."""
    by_gene = {
        "skill_median_over_genes": lambda own, other, part: _skill(
            own, other, mean[part], resamples
        ),
        "pearson_median_over_genes": lambda own, other, _: _correlation(own, other, resamples),
        "spearman_median_over_genes": lambda own, other, _: _correlation(
            _ranked(own), _ranked(other), resamples
        ),
    }
    scores = _pooled_draws(y, p, resamples) if set(metrics) & set(_POOLED) else {}
    for metric in [metric for metric in by_gene if metric in metrics]:
        # One metric at a time: with many genes a table of all resamples is large.
        values = np.empty((len(resamples.counts), y.shape[1]))
        for start in range(0, y.shape[1], _GENES_AT_ONCE):
            part = slice(start, start + _GENES_AT_ONCE)
            own, other = y[:, part].astype(float), p[:, part].astype(float)
            values[:, part] = by_gene[metric](own, other, part)
        scores[metric] = _median(values)
    return pd.DataFrame({metric: scores[metric] for metric in metrics})


def _ranked(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(centred_ranks(np.ascontiguousarray(values.T)).T)


def _skill(y: np.ndarray, p: np.ndarray, mean: np.ndarray, resamples: _Resamples) -> np.ndarray:
    """Skill of each gene in each resample, shape ``(resample, gene)``."""
    scale = resamples.n_samples[:, None] * mean**2
    about_train_mean = without_rounding(resamples.sums((y - mean) ** 2), scale)
    squares = resamples.sums((y - p) ** 2)
    return 1 - squares / np.where(about_train_mean > 0, about_train_mean, np.nan)


def _correlation(a: np.ndarray, b: np.ndarray, resamples: _Resamples) -> np.ndarray:
    """Correlation of matching columns in each resample, shape ``(resample, gene)``."""
    share = 1 / resamples.n_samples[:, None]
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    sums = [resamples.sums(term) for term in (a, b, a * b, a * a, b * b)]
    return _correlation_from_moments(*(np.multiply(each, share, out=each) for each in sums))


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


def _within_range(limits: pd.DataFrame) -> pd.DataFrame:
    """Cut limits back to what a score can be."""
    is_error = limits["metric"].str.startswith(("rmse", "mae"))
    is_correlation = limits["metric"].str.startswith(("pearson", "spearman"))
    least = np.select([is_error, is_correlation], [0.0, -1.0], -np.inf)
    most = np.where(is_error, np.inf, 1.0)
    return limits.assign(
        low=np.clip(limits["low"], least, most), high=np.clip(limits["high"], least, most)
    )
