"""Sort genes into strata of variability, and describe the residuals in each."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from lembas.metrics import pooled_scores
from lembas.tables import aligned

STRATA: tuple[str, ...] = ("low", "middle", "high")
GENES_AT_ONCE = 512


def mean_and_sd(table: pd.DataFrame, *, ddof: int = 1) -> pd.DataFrame:
    """Compute each gene's mean and SD over samples, summing in float64, some genes at a time.

    Args:
        table: Expression ``(sample, gene)``, complete.
        ddof: The SD is over ``n_samples - ddof``.

    Returns:
        Over ``gene``: ``mean`` and ``sd``, float64.
    """
    values = table.to_numpy()
    moments = np.empty((values.shape[1], 2))
    for first in range(0, values.shape[1], GENES_AT_ONCE):
        part = slice(first, first + GENES_AT_ONCE)
        # Each gene's values beside one another: faster, and summed in pairs.
        own = np.ascontiguousarray(values[:, part].T)
        moments[part, 0] = own.mean(axis=1, dtype=np.float64)
        moments[part, 1] = own.std(axis=1, ddof=ddof, dtype=np.float64)
    return pd.DataFrame(moments, index=table.columns, columns=["mean", "sd"])


def cv_strata(training: pd.DataFrame) -> pd.Series:
    """Sort genes by their coefficient of variation over the training samples.

    The cuts are the 33rd and 67th percentile over genes, as in the original study; they are
    taken from the training samples, so that the strata are the same for every cohort.

    Args:
        training: Expression ``(sample, gene)`` of the training samples, log10.

    Returns:
        Series over genes: "low", "middle" or "high". A gene with mean 0 does not vary on a
        log10(x + 1) scale and counts as low.
    """
    table = mean_and_sd(training, ddof=0)
    cv = (table["sd"] / table["mean"].where(table["mean"] > 0)).fillna(0.0)
    cuts = np.percentile(cv, [33, 67])
    position = np.searchsorted(cuts, cv.to_numpy(), side="right")
    return pd.Series(
        np.array(STRATA, dtype=object)[position], index=training.columns, name="stratum"
    )


def scores_by_stratum(
    truth: pd.DataFrame, predictions: Mapping[str, pd.DataFrame], strata: pd.Series
) -> pd.DataFrame:
    """Score the values of each stratum as one long vector, model by model.

    Args:
        truth: Measured expression ``(sample, gene)``.
        predictions: For each model a prediction with the same samples, in any order; one of fewer
            genes is scored on these.
        strata: Gene to stratum, as :func:`cv_strata` gives it.

    Returns:
        Tidy: model, stratum, metric, value, with the metrics of
        :func:`lembas.metrics.pooled_scores` and ``n_genes``. Bias is the mean of
        observed - predicted: below zero, the model predicts too much.

    Raises:
        ValueError: If samples differ, a predicted gene was not measured, or ``strata`` lacks one.
    """
    lacking = truth.columns.difference(strata.index)
    if len(lacking):
        raise ValueError(
            f"strata lack {len(lacking)} gene(s): {', '.join(map(str, lacking[:5]))}; sort all "
            "scored genes with cv_strata"
        )
    rows = []
    for model, prediction in predictions.items():
        own = truth.loc[:, truth.columns.isin(prediction.columns)]
        prediction = aligned(own, prediction)
        for stratum in STRATA:
            genes = own.columns[own.columns.isin(strata.index[strata == stratum])]
            if genes.empty:
                continue
            scores = pooled_scores(own[genes].to_numpy(float), prediction[genes].to_numpy(float))
            scores["n_genes"] = float(len(genes))
            rows += [(model, stratum, metric, value) for metric, value in scores.items()]
    return pd.DataFrame(rows, columns=["model", "stratum", "metric", "value"])
