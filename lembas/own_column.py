"""Score targets that are inputs too, without letting a model copy its input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from lembas.cohorts import Cohort, Dataset
from lembas.intervals import bootstrap
from lembas.metrics import PRIMARY


def targets_that_are_inputs(dataset: Dataset) -> pd.Index:
    """Name the targets that a model is given as inputs; empty unless ``tf_targets: include``."""
    return dataset.targets.intersection(dataset.inputs)


def without_input_targets(cohort: Cohort) -> Cohort:
    """Leave out the targets that are inputs: primary scores are of the others."""
    is_input = cohort.y.columns.isin(cohort.x.columns)
    return replace(cohort, y=cohort.y.loc[:, ~is_input]) if is_input.any() else cohort


def only_input_targets(cohort: Cohort) -> Cohort:
    """Keep the targets that are inputs.

    Raises:
        ValueError: If there is none.
    """
    is_input = cohort.y.columns.isin(cohort.x.columns)
    if not is_input.any():
        raise ValueError(
            f"cohort {cohort.name!r} has no target that is an input; build the dataset with "
            "tf_targets: include to score such targets"
        )
    return replace(cohort, y=cohort.y.loc[:, is_input])


def genes_that_see_themselves(model: BaseEstimator, X: pd.DataFrame) -> pd.Index:
    """Name the genes whose prediction changes when only their own column of the inputs does.

    One sample is predicted again once for each gene that is both input and output, with that
    column moved by one standard deviation; so any model can be asked, whatever it is made of.
    Trees change in steps, so both directions and a large move are tried too.

    Args:
        model: A fitted model.
        X: Training inputs ``(sample, tf)``.

    Returns:
        Genes, sorted as in ``X``.
    """
    centre, sd = X.mean(), X.std(ddof=0)
    genes = X.columns[X.columns.isin(model.genes_) & (sd > 0).to_numpy()]
    if genes.empty:
        return genes
    place = X.columns.get_indexer(genes)
    start = model.predict(_samples(centre.to_numpy()[None], X.columns))[genes].to_numpy()
    sees = np.zeros(len(genes), bool)
    for step in (-1.0, 1.0, 4.0):
        moved = np.tile(centre.to_numpy(), (len(genes), 1))
        moved[np.arange(len(genes)), place] += step * sd.to_numpy()[place]
        predicted = model.predict(_samples(moved, X.columns))[genes].to_numpy()
        sees |= np.abs(np.diag(predicted) - start[0]) > 1e-6 * (1 + np.abs(start[0]))
    return genes[sees]


def _samples(values: np.ndarray, tfs: pd.Index) -> pd.DataFrame:
    names = pd.Index([f"probe {number}" for number in range(len(values))], name="sample")
    return pd.DataFrame(values, index=names, columns=tfs)


def own_column_table(models: Mapping[str, BaseEstimator], X: pd.DataFrame) -> pd.DataFrame:
    """Say of each model how many of its genes see their own input.

    Only a model in which none does may be scored on targets that are inputs: the others could
    copy.

    Returns:
        One row a model: model, n_genes (inputs that it also predicts), n_see_themselves, masked
        (whether none does).
    """
    rows = []
    for name, model in models.items():
        sees = genes_that_see_themselves(model, X)
        n_genes = int(X.columns.isin(model.genes_).sum())
        rows.append((name, n_genes, len(sees), len(sees) == 0))
    return pd.DataFrame(rows, columns=["model", "n_genes", "n_see_themselves", "masked"])


def scores_apart(
    cohort: Cohort,
    predictions: Mapping[str, pd.DataFrame],
    models: Mapping[str, BaseEstimator],
    train_mean: pd.Series,
    *,
    train: pd.DataFrame,
    **options: Any,
) -> pd.DataFrame:
    """Score the targets that are inputs, by the models that mask their own column only.

    Args:
        cohort: Cohort to score on.
        predictions: For each model its prediction.
        models: The fitted models to ask.
        train_mean: Mean of each gene over the training samples.
        train: Training inputs ``(sample, tf)``.
        **options: ``n_resamples`` and ``seed`` of :func:`lembas.intervals.bootstrap`.

    Returns:
        One row a model: as :func:`own_column_table`, with value, low, high: the median skill over
        these targets, NaN for a model that could copy. Without such targets there is no row.
    """
    columns = ["model", "n_genes", "n_see_themselves", "masked", "value", "low", "high"]
    if not cohort.y.columns.isin(cohort.x.columns).any():
        return pd.DataFrame(columns=columns)
    table = own_column_table(models, train)
    masked = table.loc[table["masked"] & (table["n_genes"] > 0), "model"]
    y = only_input_targets(cohort).y
    found = pd.DataFrame(columns=["model", "value", "low", "high"])
    for name in masked:
        own = y.loc[:, y.columns.isin(predictions[name].columns)]
        tables = {name: predictions[name][own.columns]}
        draws = bootstrap(
            own, tables, train_mean, series=cohort.series, metrics=(PRIMARY,), **options
        )
        row = draws.intervals().assign(value=draws.estimates[name][PRIMARY])
        found = row if found.empty else pd.concat([found, row], ignore_index=True)
    return table.merge(found, on="model", how="left")[columns]
