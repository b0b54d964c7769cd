"""Score all models on one cohort, with intervals and paired differences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import joblib
import pandas as pd

from lembas.cohorts import Cohort
from lembas.gate import against_null
from lembas.gene_sets import ALL, GeneSets, gene_sets, headline
from lembas.intervals import Draws, bootstrap, together
from lembas.metrics import PER_GENE, centred_in_cohort, score_per_gene, summarise

DIFFERENCE_COLUMNS = ["model", "reference", "cohort", "metric", "value", "low", "high", "n_genes"]


@dataclass(frozen=True)
class Evaluation:
    """Hold the scores of all models on one cohort.

    Attributes:
        per_gene: Tidy: model, cohort, gene, metric, value.
        scores: Tidy: model, cohort, genes, metric, value, low, high. ``genes`` is "shared" (those
            that all models predict but panel models, see :mod:`lembas.gene_sets`), "panel of" a
            panel model (of the other models too, then without limits), or "all" (without limits,
            where that is more). :func:`lembas.gene_sets.headline` keeps one a model.
        differences: Tidy: model, reference, cohort, metric, value, low, high, n_genes: on shared
            genes, or where one is a panel model on those of both.
        against_null: cohort, metric, null, best, value, difference, low, high, on shared genes;
            see :func:`lembas.gate.against_null`.
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
        ValueError: If samples differ, a model predicts no measured target, or no gene is predicted
            by all models.
    """
    drawn = {"series": cohort.series, "n_resamples": n_resamples, "seed": seed}
    sets = gene_sets(cohort.y.columns, predictions, cohort=cohort.name)
    work = _Work(cohort, sets, train_mean, drawn, joblib.effective_n_jobs(n_jobs))
    # One model at a time: predictions may be opened from their files at each access.
    parts = {m: work.scored(m, _cut(predictions[m], sets.own[m])) for m in predictions}
    draws = together([parts[model].draws for model in sets.whole])
    limits = together([part.draws for part in parts.values()]).intervals()
    differences = work.differences(predictions, draws, reference)
    return Evaluation(
        per_gene=pd.concat([part.per_gene for part in parts.values()], ignore_index=True),
        scores=_tidy_scores([part.scores for part in parts.values()], limits, cohort.name),
        differences=differences.assign(cohort=cohort.name)[DIFFERENCE_COLUMNS],
        against_null=against_null(draws, null).assign(cohort=cohort.name),
        resampled=pd.DataFrame(
            {"cohort": [cohort.name], "n_units": [draws.n_units], "unit": [draws.unit]}
        ),
    )


@dataclass(frozen=True)
class _OneModel:
    """Scores of one model on each set of genes, the main one first, and its resamples."""

    per_gene: pd.DataFrame
    scores: pd.DataFrame
    draws: Draws


@dataclass(frozen=True, eq=False)
class _Work:
    """All that the scoring of the models shares."""

    cohort: Cohort
    sets: GeneSets
    train_mean: pd.Series
    drawn: Mapping[str, Any]
    n_jobs: int

    def scored(self, model: str, prediction: pd.DataFrame) -> _OneModel:
        truth, mean = _cut(self.cohort.y, prediction.columns), self.train_mean
        per_gene = score_per_gene(truth, prediction, mean, n_jobs=self.n_jobs)
        named, main = self.sets.named(model), self.sets.scored(model)
        if any(len(own) > len(self.sets.scored(name)) for name, own in self.sets.own.items()):
            named[ALL] = prediction.columns
        found = []
        for name, genes in named.items():
            y, p = _cut(truth, genes), _cut(prediction, genes)
            values = summarise(per_gene.loc[genes], y, p, mean, n_jobs=self.n_jobs)
            table = values.rename_axis("metric").reset_index(name="value")
            found.append(table.assign(model=model, genes=name))
        return _OneModel(
            per_gene=_tidy_per_gene(model, per_gene, self.cohort.name),
            scores=pd.concat(found, ignore_index=True),
            draws=self._resampled({model: prediction}, main),
        )

    def _resampled(self, predictions: Mapping[str, pd.DataFrame], genes: pd.Index) -> Draws:
        tables = {model: _cut(table, genes) for model, table in predictions.items()}
        # The seed makes the resamples of all models the same, so that differences are paired.
        return bootstrap(_cut(self.cohort.y, genes), tables, self.train_mean, **self.drawn)

    def differences(
        self, predictions: Mapping[str, pd.DataFrame], draws: Draws, reference: str
    ) -> pd.DataFrame:
        """Compare with the reference; where one is a panel model, on the genes of both."""
        sets = self.sets
        tables = [pd.DataFrame(columns=DIFFERENCE_COLUMNS)]
        if reference not in sets.panels:
            tables = [_against(draws, reference).assign(n_genes=len(sets.shared))]
        for model in sets.own:
            genes = sets.both(model, reference)
            apart = model in sets.panels or reference in sets.panels
            if apart and model != reference and len(genes):
                pair = {name: predictions[name] for name in (model, reference)}
                own = _against(self._resampled(pair, genes), reference)
                tables.append(own.assign(n_genes=len(genes)))
        return pd.concat([table for table in tables if len(table)] or tables, ignore_index=True)


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
        raise KeyError(f"no cohort {name!r} here; there are {', '.join(cohorts)}")
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


def _cut(table: pd.DataFrame, genes: pd.Index) -> pd.DataFrame:
    """Cut a table to some genes; one that has just these is not copied."""
    return table if table.columns.equals(genes) else table[genes]


def _shared(genes: pd.Index, tables: Iterable[pd.DataFrame]) -> pd.Index:
    """Genes that all tables have, in the first argument's order."""
    for table in tables:
        genes = genes[genes.isin(table.columns)]
    return genes


def _tidy_scores(parts: list[pd.DataFrame], limits: pd.DataFrame, cohort: str) -> pd.DataFrame:
    """Order by set of genes, the main scores first, and add the limits of these."""
    table = pd.concat(parts, ignore_index=True)
    main = headline(table)
    others = table.drop(main.index).sort_values(
        "genes", key=lambda name: name == ALL, kind="stable"
    )
    columns = ["model", "cohort", "genes", "metric", "value", "low", "high"]
    both = pd.concat([main.merge(limits, how="left"), others], ignore_index=True)
    return both.assign(cohort=cohort).reindex(columns=columns)


def _tidy_per_gene(model: str, per_gene: pd.DataFrame, cohort: str) -> pd.DataFrame:
    table = per_gene.rename_axis("gene").reset_index()
    table = table.melt(id_vars="gene", value_vars=list(PER_GENE), var_name="metric")
    return table.assign(model=model, cohort=cohort)[["model", "cohort", "gene", "metric", "value"]]


def _against(draws: Draws, reference: str) -> pd.DataFrame:
    """Differences to a reference: model, reference, metric, value, low, high."""
    table = draws.differences(reference)
    value = pd.DataFrame(draws.estimates)
    gain = value.sub(value[reference], axis=0).rename_axis("metric").reset_index()
    gain = gain.melt(id_vars="metric", var_name="model")
    return table.merge(gain, how="left").assign(reference=reference)
