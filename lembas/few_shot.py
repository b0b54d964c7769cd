"""Score an external cohort after a few of its samples have told each gene's level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from lembas.cohorts import Cohort
from lembas.gene_sets import gene_sets
from lembas.metrics import matched_arrays, without_rounding

FEWEST_SCORED = 2
GENES_AT_ONCE = 512


def few_shot(
    cohort: Cohort,
    predictions: Mapping[str, pd.DataFrame],
    train_mean: pd.Series,
    *,
    sizes: Sequence[int] = (5, 10, 20),
    n_draws: int = 20,
    seed: int = 888,
) -> pd.DataFrame:
    r"""Add to each gene what a model missed on average in k labelled samples; score the rest.

    .. math:: \hat y'_{ig} = \hat y_{ig} + \frac1k \sum_{j \in K} (y_{jg} - \hat y_{jg}), \qquad
       \mathrm{skill}_g = 1 - \frac{\sum_{i \notin K} (y_{ig} - \hat y'_{ig})^2}
       {\sum_{i \notin K} (y_{ig} - \bar y^K_g)^2}

    The null gets the same help: the training mean with its intercept is :math:`\bar y^K_g`, the
    mean of the k samples. So above 0 a model knows more of the cohort's samples than their level.

    Args:
        cohort: The external cohort.
        predictions: For each model a prediction of its samples.
        train_mean: Mean of each gene over the training samples; the null of k = 0.
        sizes: Numbers k of labelled samples; one that leaves fewer than two to score is left out.
        n_draws: How often the k samples are drawn; all models get the same draws.
        seed: Seed of the draws.

    Returns:
        Tidy: cohort, model, k, draw, value: median skill over the genes that the models share; a
        panel model's is over its own (see :mod:`lembas.gene_sets`). k = 0 is the cohort as is,
        against the training mean.

    Raises:
        ValueError: If a model predicts no gene of the cohort, or a size is below 1.
    """
    if any(size < 1 for size in sizes):
        raise ValueError(f"sizes must be 1 or more, got {sorted(sizes)[:5]}")
    sets = gene_sets(cohort.y.columns, predictions, cohort=cohort.name)
    known = _labelled(len(cohort.y), sizes, n_draws, seed)
    rows = []
    for model, table in predictions.items():
        genes = sets.scored(model)
        y, p, mean = matched_arrays(cohort.y[genes], table[genes], train_mean)
        for k, labelled in known.items():
            skill = _skills(y, p, mean, labelled)
            rows += [(cohort.name, model, k, draw, value) for draw, value in enumerate(skill)]
    return pd.DataFrame(rows, columns=["cohort", "model", "k", "draw", "value"])


def few_shot_all(
    cohorts: Mapping[str, Cohort],
    predictions: Mapping[str, Mapping[str, pd.DataFrame]],
    train_mean: pd.Series,
    **options: Any,
) -> pd.DataFrame:
    """Do the same for several cohorts, by name; see :func:`few_shot`."""
    parts = [
        few_shot(cohort, predictions[name], train_mean, **options).assign(cohort=name)
        for name, cohort in cohorts.items()
    ]
    return pd.concat(parts, ignore_index=True)


def _labelled(
    n_samples: int, sizes: Sequence[int], n_draws: int, seed: int
) -> dict[int, np.ndarray]:
    """Draw which samples are labelled, ``(draw, sample)`` of 0 and 1, for each k."""
    generator = np.random.default_rng(seed)
    order = np.argsort(generator.random((n_draws, n_samples)), axis=1).argsort(axis=1)
    fitting = [k for k in sorted(set(sizes)) if n_samples - k >= FEWEST_SCORED]
    # The draws of a larger k hold those of a smaller one, so that the curves are smooth.
    return {0: np.zeros((1, n_samples)), **{k: (order < k).astype(float) for k in fitting}}


def _skills(y: np.ndarray, p: np.ndarray, mean: np.ndarray, labelled: np.ndarray) -> np.ndarray:
    """Median skill over genes, for each draw of labelled samples ``(draw, sample)``."""
    skill = np.empty((len(labelled), y.shape[1]))
    for start in range(0, y.shape[1], GENES_AT_ONCE):
        genes = slice(start, start + GENES_AT_ONCE)
        own = y[:, genes].astype(float)
        errors = _squares(own - p[:, genes], labelled)
        null = without_rounding(
            _squares(own - mean[genes], labelled), len(y) * np.square(own).mean(axis=0)
        )
        skill[:, genes] = 1 - errors / np.where(null > 0, null, np.nan)
    defined = np.isfinite(skill).any(axis=0)
    return np.nanmedian(skill[:, defined], axis=1) if defined.any() else skill[:, 0]


def _squares(residual: np.ndarray, labelled: np.ndarray) -> np.ndarray:
    """Sum over the other samples the squares left after the labelled ones' mean, per draw."""
    # About the cohort's mean first, or the squares would cancel.
    centre = residual.mean(axis=0) if labelled.any() else np.zeros(residual.shape[1])
    residual = residual - centre
    k, rest = labelled.sum(axis=1, keepdims=True), 1 - labelled
    shift = labelled @ residual / np.maximum(k, 1)
    count = rest.sum(axis=1, keepdims=True)
    return rest @ residual**2 - 2 * shift * (rest @ residual) + count * shift**2


def few_shot_summary(scores: pd.DataFrame) -> pd.DataFrame:
    """Summarise over draws: cohort, model, k, value (median), low, high (5th, 95th percentile).

    The range says how much the choice of the labelled samples matters; it is no confidence
    interval.
    """
    grouped = scores.groupby(["cohort", "model", "k"], sort=False)["value"]
    table = grouped.quantile([0.05, 0.5, 0.95]).unstack()  # noqa: PD010
    table.columns = pd.Index(["low", "value", "high"])
    return table.reset_index()[["cohort", "model", "k", "value", "low", "high"]]


def few_shot_table(summary: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    """Lay the result of :func:`few_shot_summary` out for a reader: a column for each k."""
    text = [
        f"{row.value:z.2f}"
        if row.k == 0
        else f"{row.value:z.2f} ({row.low:z.2f} to {row.high:z.2f})"
        for row in summary.itertuples()
    ]
    shown = summary.assign(
        text=text,
        model=summary["model"].map(lambda name: labels.get(name, name)),
        k=["as is" if k == 0 else f"{k} labelled" for k in summary["k"]],
    )
    wide = shown.pivot_table(
        index=["cohort", "model"], columns="k", values="text", aggfunc="first", sort=False
    )
    return wide.rename_axis(columns=None)
