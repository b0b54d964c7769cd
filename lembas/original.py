"""The numbers of the original study, for comparison only: other data, other hardware."""

from __future__ import annotations

import pandas as pd

# Pooled R2, Pearson r, RMSE and MAE as the study printed them; its data are not public.
_SCORES = {
    ("external", "mlr"): (0.9528, 0.9764, 0.1261, 0.0726),
    ("external", "xgbrf"): (0.9346, 0.9669, 0.1484, 0.0884),
    ("external", "lembas_published"): (0.8441, 0.9246, 0.2290, 0.1576),
    ("test", "mlr"): (0.9323, 0.9658, 0.1760, 0.0967),
    ("test", "xgbrf"): (0.9136, 0.9559, 0.1988, 0.1167),
    ("test", "lembas_published"): (0.7366, 0.8592, 0.3472, 0.2381),
}
_METRICS = ("r2_pooled", "pearson_pooled", "rmse_pooled", "mae_pooled")
_TRAINING = {
    "mlr": (0.963, 0.952, 0.9831),
    "xgbrf": (0.922, 0.894, 0.9670),
    "lembas_published": (0.635, 0.646, 0.8569),
}
_TRAINING_METRICS = (
    "pearson_median_over_genes",
    "spearman_median_over_genes",
    "pearson_pooled",
)
# Genes that a prediction of the study held when it was timed.
N_GENES = 16_100
_LATENCY = {
    "mlr": (4.801, 587.8),
    "xgbrf": (4564.857, 40.5),
    "lembas_published": (9415.526, 7.8),
}


def original_scores() -> pd.DataFrame:
    """Return the study's scores, tidy: model, cohort, metric, value."""
    rows = [
        (model, cohort, metric, value)
        for (cohort, model), values in _SCORES.items()
        for metric, value in zip(_METRICS, values, strict=True)
    ]
    rows += [
        (model, "train", metric, value)
        for model, values in _TRAINING.items()
        for metric, value in zip(_TRAINING_METRICS, values, strict=True)
    ]
    return pd.DataFrame(rows, columns=["model", "cohort", "metric", "value"])


def original_latency() -> pd.DataFrame:
    """Return the study's latency: model, latency_ms of one sample, samples_per_s at 262."""
    rows = [(model, *values) for model, values in _LATENCY.items()]
    return pd.DataFrame(rows, columns=["model", "latency_ms", "samples_per_s"])
