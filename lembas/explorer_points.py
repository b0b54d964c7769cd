"""Draw samples and put each gene's observed and predicted values beside each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from lembas.cohorts import Dataset
from lembas.explorer_text import Scale

# Two characters a value: what the packed texts may take together, in 10^6 bytes.
MOST_MB = 25.0
LEAST_SAMPLES = 10


def drawn_samples(
    dataset: Dataset,
    *,
    n_models: int,
    n_samples: int = 100,
    most_mb: float = MOST_MB,
    seed: int = 888,
) -> dict[str, pd.Index]:
    """Draw the samples of each cohort that are shown.

    Args:
        dataset: The study.
        n_models: Models whose predictions are shown.
        n_samples: Samples a cohort at most, at least 1.
        most_mb: What their packed values may take altogether, in 10^6 bytes; fewer samples are
            drawn where they would take more, but ``LEAST_SAMPLES`` in any case.
        seed: Seed of the drawing.

    Returns:
        Cohort to samples, in the dataset's order.
    """
    a_sample = 2 * (1 + n_models) * len(dataset.targets) * len(dataset.rows)
    most = max(int(most_mb * 1e6 / max(a_sample, 1)), LEAST_SAMPLES)
    drawn = {}
    for name, rows in dataset.rows.items():
        names = dataset.expression.index[rows].to_series()
        # Sorted first: the order of the samples in their file shall not decide who is drawn.
        kept = names.sort_values().sample(min(n_samples, most, len(names)), random_state=seed)
        drawn[name] = pd.Index(names[names.isin(kept)], name="sample")
    return drawn


def points(
    truth: pd.DataFrame, predictions: Mapping[str, pd.DataFrame], genes: pd.Index
) -> list[dict[str, Any] | None]:
    """Pack one cohort's observed and predicted values, gene by gene.

    Args:
        truth: Measured expression of the drawn samples ``(sample, gene)``, log10.
        predictions: Model to its prediction of the same samples; a model may lack genes.
        genes: Genes, in the order of the result.

    Returns:
        For each gene None if it was not measured here, else low and step of the scale, y
        (measured) and p (one packed text a model, None: not predicted).

    Raises:
        KeyError: If a prediction lacks a sample.
    """
    known = truth.reindex(columns=genes).to_numpy(float)
    tables = [
        table.loc[truth.index].reindex(columns=genes).to_numpy(float)
        for table in predictions.values()
    ]
    measured = np.isfinite(known).all(axis=0)
    scale = Scale.over(known, *tables)
    texts = [scale.packed(known), *(scale.packed(table) for table in tables)]
    return [
        {"low": float(low), "step": float(step), "y": y, "p": list(own)} if is_known else None
        for is_known, low, step, y, *own in zip(
            measured, scale.low, scale.step, *texts, strict=True
        )
    ]
