"""Score all models on one cohort, with intervals and paired differences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import joblib
import pandas as pd

from lembas.cohorts import Cohort
from lembas.gate import against_null
from lembas.intervals import Draws, bootstrap, together
from lembas.metrics import PER_GENE, centred_in_cohort, score_per_gene, summarise

# Genes that every model predicts, and all genes of a model: they differ when a model is fitted
# to a panel of genes only.
SHARED, ALL = "shared", "all"


@dataclass(frozen=True)
class Evaluation:
    """Hold the scores of all models on one cohort.

    Attributes:
        per_gene: Tidy: model, cohort, gene, metric, value.
        scores: Tidy: model, cohort, genes, metric, value, low, high. ``genes`` is "shared" (the
            genes that every model predicts) or "all" (only where some model lacks some).
        differences: Tidy: model, reference, cohort, metric, value, low, high, on shared genes.
        against_null: cohort, metric, null, best, value, difference, low, high; see
            :func:`lembas.gate.against_null`.
        resampled: cohort, n_units, unit ("sample" or "series"): what the intervals come from.
    """

    per_gene: pd.DataFrame
    scores: pd.DataFrame
    differences: pd.DataFrame
    against_null: pd.DataFrame
    resampled: pd.DataFrame


def evaluate(
    cohort: Cohort,
    predictions: Mapping[str, pd.DataFrame],
    train_mean: pd.Series,
    *,
    reference: str = "train_mean",
    null: str = "train_mean",
    n_resamples: int = 2000,
    seed: int = 888,
    n_jobs: int = -1,
) -> Evaluation:
    """Score every model's prediction of a cohort.

    Args:
        cohort: The cohort; only its measured targets are scored.
        predictions: For each model a prediction ``(sample, gene)``; further genes are ignored.
        train_mean: Mean of each gene over the training samples.
        reference: Model that the differences are taken against.
        null: Model that the metric gate compares the best model with.
        n_resamples: Resamples for the 95 % intervals.
        seed: Seed of the resampling.
        n_jobs: Threads (-1: all processors that this process may use); the scores do not depend
            on them.

    Raises:
        ValueError: If samples differ or no gene is predicted by all models.
    """
    genes = {model: _shared(cohort.y.columns, [predictions[model]]) for model in predictions}
    shared = _shared_by_all(cohort, predictions)
    drawn = {"series": cohort.series, "n_resamples": n_resamples, "seed": seed}
    # One model at a time: predictions may be opened from their files at each access.
    evaluate_one = partial(
        _evaluate_one, cohort, shared, train_mean, drawn, joblib.effective_n_jobs(n_jobs)
    )
    parts = [evaluate_one(model, _cut(predictions[model], genes[model])) for model in predictions]
    draws = together([part.draws for part in parts])
    scores = pd.concat([part.on_shared for part in parts], ignore_index=True)
    scores = scores.merge(draws.intervals(), how="left")
    tables = [scores.assign(genes=SHARED)]
    if any(len(own) > len(shared) for own in genes.values()):
        every = pd.concat([part.on_all for part in parts], ignore_index=True)
        tables.append(every.assign(genes=ALL))
    return Evaluation(
        per_gene=pd.concat([part.per_gene for part in parts], ignore_index=True),
        scores=_tidy_scores(tables, cohort.name),
        differences=_differences(scores, draws, reference).assign(cohort=cohort.name),
        against_null=against_null(draws, null).assign(cohort=cohort.name),
        resampled=pd.DataFrame(
            {"cohort": [cohort.name], "n_units": [draws.n_units], "unit": [draws.unit]}
        ),
    )


@dataclass(frozen=True)
class _OneModel:
    """Scores of one model, on the shared genes and on all it predicts."""

    per_gene: pd.DataFrame
    on_shared: pd.DataFrame
    on_all: pd.DataFrame
    draws: Draws


def _evaluate_one(
    cohort: Cohort,
    shared: pd.Index,
    train_mean: pd.Series,
    drawn: Mapping[str, Any],
    n_jobs: int,
    model: str,
    prediction: pd.DataFrame,
) -> _OneModel:
    truth = _cut(cohort.y, prediction.columns)
    per_gene = score_per_gene(truth, prediction, train_mean, n_jobs=n_jobs)
    on_all = _scores(model, per_gene, truth, prediction, train_mean, n_jobs)
    on_shared = on_all
    if len(shared) < prediction.shape[1]:
        truth, prediction = truth[shared], prediction[shared]
        on_shared = _scores(model, per_gene.loc[shared], truth, prediction, train_mean, n_jobs)
    return _OneModel(
        per_gene=_tidy_per_gene(model, per_gene, cohort.name),
        on_shared=on_shared,
        on_all=on_all,
        # The seed makes the resamples of all models the same, so that differences are paired.
        draws=bootstrap(truth, {model: prediction}, train_mean, **drawn),
    )


def evaluate_all(
    cohorts: Mapping[str, Cohort],
    predictions: Mapping[str, Mapping[str, pd.DataFrame]],
    train_mean: pd.Series,
    **options: Any,
) -> Evaluation:
    """Score every model on several cohorts; see :func:`evaluate`.

    Args:
        cohorts: The cohorts by name; the name replaces the cohort's own in the tables.
        predictions: For each of these names the predictions by model.
        train_mean: Mean of each gene over the training samples.
        **options: Further arguments of :func:`evaluate`.

    Returns:
        One evaluation with the tables below each other.
    """
    parts = [
        evaluate(replace(cohort, name=name), predictions[name], train_mean, **options)
        for name, cohort in cohorts.items()
    ]
    return Evaluation(
        per_gene=pd.concat([part.per_gene for part in parts], ignore_index=True),
        scores=pd.concat([part.scores for part in parts], ignore_index=True),
        differences=pd.concat([part.differences for part in parts], ignore_index=True),
        against_null=pd.concat([part.against_null for part in parts], ignore_index=True),
        resampled=pd.concat([part.resampled for part in parts], ignore_index=True),
    )


def centred(
    cohort: Cohort, predictions: Mapping[str, pd.DataFrame]
) -> tuple[Cohort, dict[str, pd.DataFrame], pd.Series]:
    """Remove each gene's cohort mean from truth and predictions.

    What is left is whether the ordering of the samples is predicted, whatever the shift between
    cohorts. The matching null is 0.

    Returns:
        The centred cohort, predictions, and the null's means (all 0).
    """
    truth = centred_in_cohort(cohort.y)
    tables = {
        model: centred_in_cohort(_cut(table, _shared(truth.columns, [table])))
        for model, table in predictions.items()
    }
    shifted = replace(cohort, y=truth)
    return shifted, tables, pd.Series(0.0, index=truth.columns)


def centred_all(
    cohorts: Mapping[str, Cohort], predictions: Mapping[str, Mapping[str, pd.DataFrame]]
) -> tuple[dict[str, Cohort], dict[str, dict[str, pd.DataFrame]], pd.Series]:
    """Centre several cohorts; the result is what :func:`evaluate_all` takes."""
    parts = {name: centred(cohort, predictions[name]) for name, cohort in cohorts.items()}
    means = pd.concat([mean for _, _, mean in parts.values()])
    return (
        {name: cohort for name, (cohort, _, _) in parts.items()},
        {name: tables for name, (_, tables, _) in parts.items()},
        means[~means.index.duplicated()],
    )


def chosen_cohort(cohorts: Mapping[str, Cohort], name: str) -> str:
    """Return the cohort asked for, or the first when none is named.

    Raises:
        KeyError: If there is no such cohort, or no external cohort at all.
    """
    if not cohorts:
        raise KeyError("the dataset has no external cohort; name one in the profile's files")
    if name and name not in cohorts:
        raise KeyError(f"no external cohort {name!r}; there are {', '.join(cohorts)}")
    return name or next(iter(cohorts))


def shared_predictions(
    truth: pd.DataFrame, predictions: Mapping[str, pd.DataFrame], models: Iterable[str]
) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """Cut truth and some models' predictions to the genes that every fitted model predicts.

    Args:
        truth: Measured expression ``(sample, gene)``.
        predictions: All models' predictions.
        models: Models to keep; those that were not fitted are left out.
    """
    genes = _shared(truth.columns, predictions.values())
    return _cut(truth, genes), {
        model: _cut(predictions[model], genes) for model in models if model in predictions
    }


def wide_scores(
    scores: pd.DataFrame, metrics: list[str], labels: Mapping[str, str], *, digits: int = 3
) -> pd.DataFrame:
    """Lay out scores for a reader: one row a cohort and model, one column a metric.

    Args:
        scores: Tidy: model, cohort, metric, value, and low, high where there are intervals.
        metrics: Metrics in the order of the columns.
        labels: Model to label.
        digits: Decimals shown.

    Returns:
        Text cells, "value (low to high)" where there is an interval.
    """
    chosen = scores[scores["metric"].isin(metrics)]
    text = [
        _cell(row.value, row.low, row.high, digits)
        for row in chosen[["value", "low", "high"]].itertuples(index=False)
    ]
    table = chosen.assign(text=text).pivot_table(
        index=["cohort", "model"], columns="metric", values="text", aggfunc="first", sort=False
    )
    table = table.reindex(columns=metrics).rename(index=dict(labels), level="model")
    return table.rename_axis(columns=None)


def by_gene_set(scores: pd.DataFrame, metric: str, labels: Mapping[str, str]) -> pd.DataFrame:
    """Lay out one score on each set of genes: one row a cohort and model, one column a set.

    Args:
        scores: Tidy, with the column ``genes``; see :class:`Evaluation`.
        metric: Score to show.
        labels: Model to label.

    Returns:
        Text cells, "value (n genes)"; empty where a model has no score of a set.
    """
    chosen = scores[scores["metric"].isin([metric, "n_genes"])]
    keys = ["cohort", "model", "genes"]
    wide = chosen.pivot_table(index=keys, columns="metric", values="value", sort=False)
    text = [f"{row[metric]:z.3f} ({row['n_genes']:.0f} genes)" for _, row in wide.iterrows()]
    table = (
        wide.assign(text=text)
        .pivot_table(
            index=keys[:2],
            columns="genes",
            values="text",
            aggfunc="first",
            sort=False,
            fill_value="",
        )
        .rename(index=dict(labels), level="model")
        .rename_axis(columns=None)
    )
    return table.rename(columns={SHARED: "genes of all models", ALL: "all genes of the model"})


def _cell(value: float, low: float, high: float, digits: int) -> str:
    if pd.isna(value):
        return "not defined"
    text = f"{value:z.{digits}f}"  # z: no minus before a rounded zero
    return text if pd.isna(low) else f"{text} ({low:z.{digits}f} to {high:z.{digits}f})"


def _cut(table: pd.DataFrame, genes: pd.Index) -> pd.DataFrame:
    """Cut a table to some genes; one that has just these is not copied."""
    return table if table.columns.equals(genes) else table[genes]


def _shared(genes: pd.Index, tables: Iterable[pd.DataFrame]) -> pd.Index:
    """Genes that all tables have, in the first argument's order."""
    for table in tables:
        genes = genes[genes.isin(table.columns)]
    return genes


def _shared_by_all(cohort: Cohort, predictions: Mapping[str, pd.DataFrame]) -> pd.Index:
    """Genes that the cohort measured and all models predict; refuse a cohort without any."""
    shared = _shared(cohort.y.columns, predictions.values())
    if shared.empty:
        raise ValueError(
            f"no measured target of cohort {cohort.name!r} is predicted by all of "
            f"{', '.join(predictions)}"
        )
    return shared


def _scores(
    model: str,
    per_gene: pd.DataFrame,
    truth: pd.DataFrame,
    prediction: pd.DataFrame,
    train_mean: pd.Series,
    n_jobs: int,
) -> pd.DataFrame:
    values = summarise(per_gene, truth, prediction, train_mean, n_jobs=n_jobs)
    values = values.rename_axis("metric")
    table = values.reset_index(name="value").assign(model=model)
    return table[["model", "metric", "value"]]


def _tidy_scores(parts: list[pd.DataFrame], cohort: str) -> pd.DataFrame:
    columns = ["model", "cohort", "genes", "metric", "value", "low", "high"]
    return pd.concat(parts, ignore_index=True).assign(cohort=cohort).reindex(columns=columns)


def _tidy_per_gene(model: str, per_gene: pd.DataFrame, cohort: str) -> pd.DataFrame:
    table = per_gene.rename_axis("gene").reset_index()
    table = table.melt(id_vars="gene", value_vars=list(PER_GENE), var_name="metric")
    return table.assign(model=model, cohort=cohort)[["model", "cohort", "gene", "metric", "value"]]


def _differences(scores: pd.DataFrame, draws: Draws, reference: str) -> pd.DataFrame:
    value = scores.set_index(["metric", "model"])["value"]
    table = draws.differences(reference)
    at = pd.MultiIndex.from_frame(table[["metric", "model"]])
    base = value.xs(reference, level="model").reindex(table["metric"])
    difference = value.reindex(at).to_numpy() - base.to_numpy()
    return table.assign(reference=reference, value=difference)[
        ["model", "reference", "metric", "value", "low", "high"]
    ]
