"""Score predictions gene by gene and in aggregate, each aggregate named by what it is."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd

from lembas.ranks import by_column, centred_ranks, sums_of_rank_products
from lembas.tables import aligned

# The score that models are ranked and judged by.
PRIMARY = "skill_median_over_genes"

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

# Genes that are cut out of a table at once, and genes and samples that are scored at once. What is
# copied in double precision then stays in the processor's cache: with twice as many genes the sums
# take three times as long.
GENES_CUT_OUT = 128
GENES_AT_ONCE = 8
SAMPLES_AT_ONCE = 16


def score_per_gene(
    truth: pd.DataFrame, prediction: pd.DataFrame, train_mean: pd.Series, *, n_jobs: int = 1
) -> pd.DataFrame:
    r"""Score every gene over the samples.

    .. math:: R^2_g = 1 - \frac{SSE_g}{\sum_i (y_{ig} - \bar y_g)^2}, \qquad
       \mathrm{skill}_g = 1 - \frac{SSE_g}{\sum_i (y_{ig} - \bar y^{train}_g)^2}

    Args:
        truth: Measured expression ``(sample, gene)``, log10, in single or double precision.
        prediction: Predicted expression, same labels in any order.
        train_mean: Mean of each gene over the training samples.
        n_jobs: Threads; the scores do not depend on them.

    Returns:
        Table over genes with the columns of ``PER_GENE``. R2 and the correlations are NaN for a
        gene that does not vary here (correlations also for a constant prediction); skill is NaN
        for a gene that equals its training mean everywhere. ``bias`` is the mean of
        truth - prediction.

    Raises:
        ValueError: If labels differ, ``train_mean`` lacks a gene, or a value is not finite.
    """
    y, p, mean = matched_arrays(truth, prediction, train_mean)

    def score(genes: slice, rows: np.ndarray, others: np.ndarray) -> dict[str, np.ndarray]:
        table = _moments(rows, others)
        apart = rows.astype(float) - mean[genes, None]
        table["about_train_mean"] = without_rounding(_dots(apart, apart), len(y) * mean[genes] ** 2)
        rank_y, rank_p = centred_ranks(rows), centred_ranks(others)
        table["spearman_per_gene"] = _correlation(
            _dots(rank_y, rank_p), _dots(rank_y, rank_y), _dots(rank_p, rank_p)
        )
        return table

    found = _over_genes(score, y, p, n_jobs)
    scores = {
        "r2_per_gene": 1 - _ratio(found["sse"], found["yy"]),
        "skill_per_gene": 1 - _ratio(found["sse"], found["about_train_mean"]),
        "pearson_per_gene": _correlation(found["yp"], found["yy"], found["pp"]),
        "spearman_per_gene": found["spearman_per_gene"],
        "rmse_per_gene": np.sqrt(found["sse"] / len(y)),
        "mae_per_gene": found["mae"],
        "bias_per_gene": found["bias"],
        "n_samples": np.full(y.shape[1], len(y)),
    }
    return pd.DataFrame(scores, index=truth.columns, columns=list(PER_GENE))


def summarise(
    per_gene: pd.DataFrame,
    truth: pd.DataFrame,
    prediction: pd.DataFrame,
    train_mean: pd.Series,
    *,
    n_jobs: int = 1,
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
        n_jobs: Threads; the scores do not depend on them.

    Returns:
        Series of aggregates, named by metric and aggregation.
    """
    y, p, mean = matched_arrays(truth, prediction, train_mean)
    moments = _gene_moments(y, p, n_jobs)
    summary = {
        **_pooled(moments, len(y)),
        "spearman_pooled": float(_correlation(*sums_of_rank_products(y, p, n_jobs))),
        "r2_mean_over_genes": per_gene["r2_per_gene"].mean(),
        "r2_median_over_genes": _median_over_genes(per_gene["r2_per_gene"]),
        "r2_variance_weighted": 1 - float(_ratio(moments["sse"].sum(), moments["yy"].sum())),
        "skill_mean_over_genes": per_gene["skill_per_gene"].mean(),
        PRIMARY: _median_over_genes(per_gene["skill_per_gene"]),
        "pearson_median_over_genes": _median_over_genes(per_gene["pearson_per_gene"]),
        "spearman_median_over_genes": _median_over_genes(per_gene["spearman_per_gene"]),
        "rmse_median_over_genes": _median_over_genes(per_gene["rmse_per_gene"]),
        "pearson_median_over_samples_centred": _median_over_samples(y, p, mean, n_jobs),
        "n_genes": float(y.shape[1]),
        "n_genes_constant": float((moments["yy"] == 0).sum()),
        "n_samples": float(len(y)),
    }
    return pd.Series(summary, name="value")


def pooled_scores(y: np.ndarray, p: np.ndarray, *, n_jobs: int = 1) -> dict[str, float]:
    """Score all values of two arrays ``(sample, gene)`` as one long vector.

    Args:
        y: Measured expression, log10.
        p: Predicted expression, the same shape.
        n_jobs: Threads; the scores do not depend on them.
    """
    y, p = _floats(y), _floats(p)
    pooled = _pooled(_gene_moments(y, p, n_jobs), len(y))
    return {**pooled, "spearman_pooled": float(_correlation(*sums_of_rank_products(y, p, n_jobs)))}


def centred_in_cohort(table: pd.DataFrame) -> pd.DataFrame:
    """Remove each gene's mean over the cohort: what is left is the ordering of the samples."""
    kind = np.result_type(np.float32, *table.dtypes.unique())
    centred = np.empty(table.shape, kind)
    for genes in _slices(table.shape[1], GENES_CUT_OUT):
        part = table.iloc[:, genes].astype(float)
        # A gene that does not vary becomes exactly 0, without the rounding of its mean.
        constant = np.broadcast_to((part.max() == part.min()).to_numpy(), part.shape)
        centred[:, genes] = (part - part.mean()).mask(constant & part.notna(), 0.0)
    return pd.DataFrame(centred, index=table.index, columns=table.columns, copy=False)


def matched_arrays(
    truth: pd.DataFrame, prediction: pd.DataFrame, train_mean: pd.Series
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Bring truth, prediction and training means into one order.

    Returns:
        The values of the tables, which are not copied where they are in order and in single or
        double precision, and the means in double precision.

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
    y, p = _floats(truth.to_numpy()), _floats(aligned(truth, prediction).to_numpy())
    mean = train_mean.reindex(truth.columns).to_numpy(float)
    for name, values in (("truth", y), ("prediction", p), ("train_mean", mean[None])):
        parts = _slices(values.shape[1], GENES_CUT_OUT)
        finite = np.concatenate([np.isfinite(values[:, part]).all(axis=0) for part in parts])
        if not finite.all():
            raise ValueError(
                f"{name} has {int((~finite).sum())} gene(s) with values that are not finite: "
                f"{', '.join(map(str, truth.columns[~finite][:5]))}; leave them out first"
            )
    return y, p, mean


def without_rounding(squares: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Set sums of squares to 0 that are too small beside ``scale`` to be more than rounding."""
    return np.where(squares <= 1e-12 * scale, 0.0, squares)


def _floats(values: np.ndarray) -> np.ndarray:
    """Return single and double precision as they are, all else in double precision."""
    return values if values.dtype in (np.float32, np.float64) else values.astype(float)


def _slices(length: int, step: int) -> list[slice]:
    return [slice(start, min(start + step, length)) for start in range(0, length, step)]


def _collect(
    work: Callable[[slice], list[dict[str, np.ndarray]]], parts: list[slice], n_jobs: int
) -> dict[str, np.ndarray]:
    """Work through parts in threads and put what they return together in order."""
    with ThreadPoolExecutor(n_jobs) as pool:
        found = [table for tables in pool.map(work, parts) for table in tables]
    return {key: np.concatenate([table[key] for table in found]) for key in found[0]}


def _over_genes(
    score: Callable[[slice, np.ndarray, np.ndarray], dict[str, np.ndarray]],
    y: np.ndarray,
    p: np.ndarray,
    n_jobs: int,
) -> dict[str, np.ndarray]:
    """Score some genes at a time: ``score`` gets which they are, and a row of each."""

    def cut_out(genes: slice) -> list[dict[str, np.ndarray]]:
        rows, others = by_column(y, genes), by_column(p, genes)
        return [
            score(
                slice(genes.start + part.start, genes.start + part.stop), rows[part], others[part]
            )
            for part in _slices(len(rows), GENES_AT_ONCE)
        ]

    return _collect(cut_out, _slices(y.shape[1], GENES_CUT_OUT), n_jobs)


def _dots(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Sum the products of matching rows."""
    return np.einsum("ij,ij->i", a, b)


def _gene_moments(y: np.ndarray, p: np.ndarray, n_jobs: int) -> dict[str, np.ndarray]:
    return _over_genes(lambda _, rows, others: _moments(rows, others), y, p, n_jobs)


def _moments(rows: np.ndarray, others: np.ndarray) -> dict[str, np.ndarray]:
    """Sum what the scores are made of, for each row of truth and prediction.

    Returns:
        Means ``y`` and ``p``, centred sums of products ``yy``, ``pp`` and ``yp``; of the residual
        y - p the sum of squares ``sse``, the centred one ``rr``, the mean ``bias`` and the mean
        absolute value ``mae``.
    """
    residual = rows.astype(float) - others
    sse, mae = _dots(residual, residual), np.abs(residual).mean(axis=1)
    (y, mean_y), (p, mean_p) = _centred(rows), _centred(others)
    residual, bias = _centred(residual)
    return {
        "y": mean_y,
        "p": mean_p,
        "yy": _dots(y, y),
        "pp": _dots(p, p),
        "yp": _dots(y, p),
        "sse": sse,
        "rr": _dots(residual, residual),
        "bias": bias,
        "mae": mae,
    }


def _centred(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Remove each row's mean; return the rest, in double precision, and the means."""
    # Taking the first value off before makes a row that does not vary exactly 0, without the
    # rounding of a mean.
    first = rows[:, :1].astype(float)
    centred = rows - first
    mean = centred.mean(axis=1, keepdims=True)
    centred -= mean
    return centred, (first + mean)[:, 0]


def _pooled(moments: dict[str, np.ndarray], n_samples: int) -> dict[str, float]:
    """Score all values as one long vector, from the moments of each gene."""
    (y, p, bias), (_, _, mean_bias) = _centred(np.stack([moments[k] for k in ("y", "p", "bias")]))
    n_values = n_samples * y.size
    yy, pp, yp, rr = (
        float(moments[key].sum() + n_samples * (a * b).sum())
        for key, a, b in (("yy", y, y), ("pp", p, p), ("yp", y, p), ("rr", bias, bias))
    )
    sse = float(moments["sse"].sum())
    return {
        "r2_pooled": 1 - float(_ratio(sse, yy)),
        "pearson_pooled": float(_correlation(yp, yy, pp)),
        "rmse_pooled": float(np.sqrt(sse / n_values)),
        "mae_pooled": float(moments["mae"].mean()),
        "bias_pooled": float(mean_bias),
        "residual_sd_pooled": float(np.sqrt(rr / n_values)),
    }


def _correlation(ab: Any, aa: Any, bb: Any) -> np.ndarray:
    """Correlation from centred sums of products; NaN where either does not vary."""
    return np.clip(_ratio(ab, np.sqrt(np.multiply(aa, bb))), -1, 1)


def _median_over_genes(values: pd.Series) -> float:
    """Median, NaN genes left out; NaN, without a warning, when none is left."""
    defined = values.dropna()
    return float(defined.median()) if len(defined) else float("nan")


def _median_over_samples(y: np.ndarray, p: np.ndarray, mean: np.ndarray, n_jobs: int) -> float:
    """Median over samples of the correlation across genes about their training means."""

    def correlate(samples: slice) -> list[dict[str, np.ndarray]]:
        # The order of summation must not depend on how the table lies in memory.
        a, _ = _centred(np.subtract(y[samples], mean, order="C"))
        b, _ = _centred(np.subtract(p[samples], mean, order="C"))
        return [{"r": _correlation(_dots(a, b), _dots(a, a), _dots(b, b))}]

    correlation = _collect(correlate, _slices(len(y), SAMPLES_AT_ONCE), n_jobs)["r"]
    return float(np.nanmedian(correlation)) if np.isfinite(correlation).any() else float("nan")


def _ratio(numerator: Any, denominator: Any) -> np.ndarray:
    """Divide elementwise; NaN where the denominator is 0."""
    result = np.full(np.shape(numerator), np.nan)
    return np.divide(numerator, denominator, out=result, where=np.greater(denominator, 0))
