"""Score predictions gene by gene and in aggregate, each aggregate named by what it is."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from lembas.tables import aligned

PER_GENE: tuple[str, ...] = (
    "r2_per_gene",
    "skill_per_gene",
    "pearson_per_gene",
    "spearman_per_gene",
    "rmse_per_gene",
    "mae_per_gene",
    "bias_per_gene",
    "n_samples",
)


def score_per_gene(
    truth: pd.DataFrame, prediction: pd.DataFrame, train_mean: pd.Series
) -> pd.DataFrame:
    r"""Score every gene over the samples.

    .. math:: R^2_g = 1 - \frac{SSE_g}{\sum_i (y_{ig} - \bar y_g)^2}, \qquad
       \mathrm{skill}_g = 1 - \frac{SSE_g}{\sum_i (y_{ig} - \bar y^{train}_g)^2}

    Args:
        truth: Measured expression ``(sample, gene)``, log10.
        prediction: Predicted expression, same labels in any order.
        train_mean: Mean of each gene over the training samples.

    Returns:
        Table over genes with the columns of ``PER_GENE``. R2 and the correlations are NaN for a
        gene that does not vary here (correlations also for a constant prediction); skill is NaN
        for a gene that equals its training mean everywhere. ``bias`` is the mean of
        truth - prediction.

    Raises:
        ValueError: If labels differ, ``train_mean`` lacks a gene, or a value is not finite.
    """
    y, p, mean = matched_arrays(truth, prediction, train_mean)
    residual = y - p
    about_train_mean = without_rounding(((y - mean) ** 2).sum(axis=0), len(y) * mean**2)
    sse = (residual**2).sum(axis=0)
    table = {
        "r2_per_gene": 1 - _ratio(sse, _centred_squares(y)),
        "skill_per_gene": 1 - _ratio(sse, about_train_mean),
        "pearson_per_gene": _correlate_columns(y, p),
        "spearman_per_gene": _correlate_columns(_ranks(y), _ranks(p)),
        "rmse_per_gene": np.sqrt(sse / len(y)),
        "mae_per_gene": np.abs(residual).mean(axis=0),
        "bias_per_gene": residual.mean(axis=0),
        "n_samples": np.full(y.shape[1], len(y)),
    }
    return pd.DataFrame(table, index=truth.columns, columns=list(PER_GENE))


def summarise(
    per_gene: pd.DataFrame,
    truth: pd.DataFrame,
    prediction: pd.DataFrame,
    train_mean: pd.Series,
) -> pd.Series:
    """Aggregate the scores of one model on one cohort.

    ``r2_pooled`` flattens samples and genes and so is mostly between-gene variance: it is what
    the original study calls R2, and is shown beside the training mean's value only.
    Medians and means over genes leave out genes whose score is NaN; ``n_genes_constant`` counts
    the genes that do not vary.

    Args:
        per_gene: Result of :func:`score_per_gene` for the same tables.
        truth: Measured expression ``(sample, gene)``.
        prediction: Predicted expression, same labels in any order.
        train_mean: Mean of each gene over the training samples.

    Returns:
        Series of aggregates, named by metric and aggregation.
    """
    y, p, mean = matched_arrays(truth, prediction, train_mean)
    residual = y - p
    variation = _centred_squares(y)
    summary = {
        **pooled_scores(y, p),
        "r2_mean_over_genes": per_gene["r2_per_gene"].mean(),
        "r2_median_over_genes": _median_over_genes(per_gene["r2_per_gene"]),
        "r2_variance_weighted": 1 - _scalar_ratio((residual**2).sum(), variation.sum()),
        "skill_mean_over_genes": per_gene["skill_per_gene"].mean(),
        "skill_median_over_genes": _median_over_genes(per_gene["skill_per_gene"]),
        "pearson_median_over_genes": _median_over_genes(per_gene["pearson_per_gene"]),
        "spearman_median_over_genes": _median_over_genes(per_gene["spearman_per_gene"]),
        "rmse_median_over_genes": _median_over_genes(per_gene["rmse_per_gene"]),
        "pearson_median_over_samples_centred": _median_over_samples(y - mean, p - mean),
        "n_genes": float(y.shape[1]),
        "n_genes_constant": float((variation == 0).sum()),
        "n_samples": float(len(y)),
    }
    return pd.Series(summary, name="value")


def pooled_scores(y: np.ndarray, p: np.ndarray) -> dict[str, float]:
    """Score all values of two arrays ``(sample, gene)`` as one long vector."""
    residual = y - p
    flat_y, flat_p = y.reshape(-1, 1), p.reshape(-1, 1)
    variation = 0.0 if np.ptp(y) == 0 else ((y - y.mean()) ** 2).sum()
    return {
        "r2_pooled": 1 - _scalar_ratio((residual**2).sum(), variation),
        "pearson_pooled": float(_correlate_columns(flat_y, flat_p)[0]),
        "spearman_pooled": float(
            _correlate_columns(rankdata(flat_y, axis=0), rankdata(flat_p, axis=0))[0]
        ),
        "rmse_pooled": float(np.sqrt((residual**2).mean())),
        "mae_pooled": float(np.abs(residual).mean()),
        "bias_pooled": float(residual.mean()),
        "residual_sd_pooled": float(residual.std()),
    }


def centred_in_cohort(table: pd.DataFrame) -> pd.DataFrame:
    """Remove each gene's mean over the cohort: what is left is the ordering of the samples."""
    # A gene that does not vary becomes exactly 0, without the rounding of its mean.
    constant = np.broadcast_to((table.max() == table.min()).to_numpy(), table.shape)
    return (table - table.mean()).mask(constant & table.notna(), 0.0)


def matched_arrays(
    truth: pd.DataFrame, prediction: pd.DataFrame, train_mean: pd.Series
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Bring truth, prediction and training means into one order; values as float64.

    Raises:
        ValueError: If labels differ, ``train_mean`` lacks a gene, or a value is not finite.
    """
    if truth.empty:
        raise ValueError(
            f"no values to score: {len(truth)} samples x {truth.shape[1]} genes; expected at "
            "least one of each"
        )
    missing = truth.columns.difference(train_mean.index)
    if len(missing):
        raise ValueError(
            f"train_mean lacks {len(missing)} gene(s): {', '.join(map(str, missing[:5]))}; "
            "pass the training means of all scored genes"
        )
    arrays = (
        truth.to_numpy(float),
        aligned(truth, prediction).to_numpy(float),
        train_mean.reindex(truth.columns).to_numpy(float),
    )
    for name, values in zip(("truth", "prediction", "train_mean"), arrays, strict=True):
        finite = np.isfinite(np.atleast_2d(values)).all(axis=0)
        if not finite.all():
            raise ValueError(
                f"{name} has {int((~finite).sum())} gene(s) with values that are not finite: "
                f"{', '.join(map(str, truth.columns[~finite][:5]))}; leave them out first"
            )
    return arrays


def without_rounding(squares: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Set sums of squares to 0 that are too small beside ``scale`` to be more than rounding."""
    return np.where(squares <= 1e-12 * scale, 0.0, squares)


def _ranks(values: np.ndarray) -> np.ndarray:
    return rankdata(values, axis=0)


def _centred_squares(values: np.ndarray) -> np.ndarray:
    """Sum of squares about each column's mean; exactly 0 for a column that does not vary."""
    squares = ((values - values.mean(axis=0)) ** 2).sum(axis=0)
    return np.where(np.ptp(values, axis=0) == 0, 0.0, squares)


def _correlate_columns(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Pearson correlation of matching columns; NaN where either does not vary."""
    product = ((a - a.mean(axis=0)) * (b - b.mean(axis=0))).sum(axis=0)
    scale = np.sqrt(_centred_squares(a) * _centred_squares(b))
    return np.clip(_ratio(product, scale), -1, 1)


def _median_over_genes(values: pd.Series) -> float:
    """Median, NaN genes left out; NaN, without a warning, when none is left."""
    defined = values.dropna()
    return float(defined.median()) if len(defined) else float("nan")


def _median_over_samples(a: np.ndarray, b: np.ndarray) -> float:
    """Median over samples of the correlation across genes; NaN when no sample varies."""
    correlation = _correlate_columns(a.T, b.T)
    return float(np.nanmedian(correlation)) if np.isfinite(correlation).any() else float("nan")


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Divide elementwise; NaN where the denominator is 0."""
    result = np.full(np.shape(numerator), np.nan)
    return np.divide(numerator, denominator, out=result, where=denominator > 0)


def _scalar_ratio(numerator: float, denominator: float) -> float:
    return float(numerator / denominator) if denominator > 0 else float("nan")
