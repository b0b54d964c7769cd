"""Say what each step of making LEMBAS-RNN better gained, with intervals."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from lembas.cohorts import Dataset
from lembas.evaluation import centred, shared_predictions
from lembas.intervals import bootstrap
from lembas.metrics import PRIMARY
from lembas.summary import CENTRED

# Each step keeps what the one before it does, and changes one thing; the masked ridge stands
# beside them as what the same edges are worth without a network of several updates.
STEPS: Mapping[str, str] = {
    "masked_ridge": "the same edges in a linear model of one hop",
    "lembas_published": "the original study's recipe, reconstructed",
    "lembas_ridge_start": "standardised inputs, start at the masked ridge, early peak of the rate",
    "lembas_residual": "the masked ridge kept beside the updates, a guard for each gene",
    "lembas": "weights onto genes solved for instead of descended to",
    "lembas_ensemble": "mean of three seeds",
}
COLUMNS = ("cohort", "model", "change", "value", "low", "high", "gain", "gain_low", "gain_high")


def ablation(
    dataset: Dataset,
    predictions: Mapping[str, Mapping[str, pd.DataFrame]],
    *,
    steps: Mapping[str, str] = STEPS,
    n_resamples: int = 2000,
    seed: int = 888,
) -> pd.DataFrame:
    """Compare every step with the one before it, on the test samples and the external cohorts.

    Args:
        dataset: Training samples and cohorts.
        predictions: For "test" and each external cohort the predictions by model.
        steps: Model to what it changes, in order; models that were not fitted are left out.
        n_resamples: Resamples for the 95 % intervals.
        seed: Seed of the resampling.

    Returns:
        One row a cohort and step, with ``COLUMNS``: the median skill over the genes that all
        steps predict, and its gain over the step before, from paired resamples; external cohorts
        are centred. The first step has no gain.
    """
    rows = []
    for name, cohort in {"test": dataset.test, **dataset.external}.items():
        fitted = [model for model in steps if model in predictions[name]]
        own = {model: predictions[name][model] for model in fitted}
        truth, tables = shared_predictions(cohort.y, own, fitted)
        null, label = dataset.train_mean, name
        if name != "test":
            shifted, tables, null = centred(cohort, tables)
            truth, label = shifted.y[truth.columns], f"{name}{CENTRED}"
        drawn = bootstrap(
            truth,
            tables,
            null,
            series=cohort.series,
            n_resamples=n_resamples,
            seed=seed,
            metrics=(PRIMARY,),
        )
        value = drawn.intervals().set_index("model")
        for before, model in zip([None, *fitted], fitted, strict=False):
            found = {"value": drawn.estimates[model][PRIMARY], **value.loc[model, ["low", "high"]]}
            if before is not None:
                apart = drawn.differences(before).set_index("model").loc[model]
                found |= {"gain": found["value"] - drawn.estimates[before][PRIMARY]}
                found |= {f"gain_{end}": apart[end] for end in ("low", "high")}
            rows.append({"cohort": label, "model": model, "change": steps[model], **found})
    return pd.DataFrame(rows, columns=list(COLUMNS))


def ablation_table(table: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    """Lay the steps out for a reader: one row a step, one column a cohort.

    Args:
        table: Result of :func:`ablation`.
        labels: Model to label.

    Returns:
        Text cells: the skill, and the gain over the row above with its interval.
    """
    steps = table.drop_duplicates("model")
    laid = {
        "Step": steps["model"].map(lambda name: labels.get(name, name)).tolist(),
        "What it changes": steps["change"].tolist(),
    }
    for cohort, rows in table.groupby("cohort", sort=False):
        own = rows.set_index("model").reindex(steps["model"])
        laid[f"Skill (gain), {cohort}"] = [
            _cell(*values) for values in own[["value", "gain", "gain_low", "gain_high"]].to_numpy()
        ]
    return pd.DataFrame(laid).set_index("Step")


def _cell(value: float, gain: float, low: float, high: float) -> str:
    """Write a skill and its gain; nothing where a model was not scored."""
    if pd.isna(value):
        return ""
    if pd.isna(gain):
        return f"{value:z.3f}"
    interval = "no interval" if pd.isna(low) else f"{low:+z.3f} to {high:+z.3f}"
    return f"{value:z.3f} ({gain:+z.3f}; {interval})"
