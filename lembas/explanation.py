"""Plan and run the attribution of several models on the same samples and background."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from lembas.attribution import explain
from lembas.cohorts import Dataset

# Below this mean log10 expression a gene is hardly expressed: its attributions explain noise.
HARDLY_EXPRESSED = 0.3


@dataclass(frozen=True)
class Plan:
    """Settle what is explained, for all models alike.

    Attributes:
        genes: Genes to explain, one or two.
        samples: Inputs ``(sample, tf)`` to explain.
        background: Training inputs ``(sample, tf)``.
        sample: The sample shown in the waterfalls.
        notes: What the reader should know, such as a gene that had to be replaced.
    """

    genes: tuple[str, ...]
    samples: pd.DataFrame
    background: pd.DataFrame
    sample: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Explanation:
    """Hold the attributions of several models.

    Attributes:
        values: Tidy: model, gene, sample, tf, attribution, expression, base, prediction.
        summary: Tidy: model, gene, tf, mean_abs_attribution over the samples.
        completeness: Tidy: model, gene, sample, error (absolute, over the prediction's SD).
        rms: Tidy: model, gene, error: root mean square of the error over the prediction's SD.
        methods: Model to method.
    """

    values: pd.DataFrame
    summary: pd.DataFrame
    completeness: pd.DataFrame
    rms: pd.DataFrame
    methods: Mapping[str, str]

    def of_sample(self, sample: str) -> pd.DataFrame:
        """Return the rows of one sample."""
        return self.values[self.values["sample"] == sample]

    def largest_error(self) -> float:
        """Return the largest root mean square error of any model and gene."""
        return float(self.rms["error"].max())

    def agreement(self) -> pd.DataFrame:
        """Rank correlation of mean attributions between models, ``(model, model)``."""
        wide = self.summary.pivot_table(
            index=["gene", "tf"], columns="model", values="mean_abs_attribution", sort=False
        )
        return wide.corr(method="spearman").rename_axis(index=None, columns=None)


def plan(
    dataset: Dataset,
    cohort: str,
    genes: Iterable[str],
    *,
    n_background: int = 50,
    n_samples: int = 50,
    sample: str = "",
    seed: int = 888,
) -> Plan:
    """Choose genes, samples and background.

    A gene that is no target is replaced by the best expressed target not yet chosen, and a gene
    that is hardly expressed is kept with a warning; both are said in the notes.

    Args:
        dataset: The data.
        cohort: External cohort to explain.
        genes: Genes asked for, at most two.
        n_background: Training samples in the background.
        n_samples: Samples to explain at most; 0: all of them.
        sample: Sample of the waterfalls; empty: the one nearest to the cohort's median.
        seed: Seed of the draws.

    Raises:
        ValueError: If more than two genes are asked for.
        KeyError: If the named sample is not in the cohort.
    """
    chosen, notes = _explainable(dataset, list(dict.fromkeys(genes)))
    x = dataset.external[cohort].x
    if sample and sample not in x.index:
        raise KeyError(
            f"no sample {sample!r} in {cohort}; it has {len(x)}, such as {', '.join(x.index[:5])}"
        )
    shown = sample or str((x - x.median()).pow(2).sum(axis=1).idxmin())
    if n_samples and n_samples < len(x):
        drawn = x.sample(n_samples, random_state=seed).index
        x = x[x.index.isin(drawn) | (x.index == shown)]
    train = dataset.train.x
    background = train.sample(min(n_background, len(train)), random_state=seed)
    return Plan(tuple(chosen), x, background, shown, tuple(notes))


def explain_models(models: Mapping[str, BaseEstimator], plan: Plan) -> Explanation:
    """Explain every model on the plan's samples."""
    values, errors, rms, methods = [], [], [], {}
    for name, model in models.items():
        made = explain(model, plan.samples, plan.background, plan.genes)
        keys = ["gene", "sample"]
        predicted = made.completeness[[*keys, "prediction"]]
        table = made.table.merge(predicted, on=keys).merge(made.base.rename("base"), on="gene")
        values.append(table.assign(model=name))
        sd = made.completeness.groupby("gene")["prediction"].transform("std", ddof=0)
        relative = made.completeness["error"].abs() / sd.replace(0, np.nan)
        errors.append(made.completeness[keys].assign(model=name, error=relative))
        rms.append(made.completeness_error().reset_index().assign(model=name))
        methods[name] = made.method
    all_values = pd.concat(values, ignore_index=True)
    size = all_values.assign(mean_abs_attribution=all_values["attribution"].abs())
    return Explanation(
        values=all_values,
        summary=size.groupby(["model", "gene", "tf"], sort=False)["mean_abs_attribution"]
        .mean()
        .reset_index(),
        completeness=pd.concat(errors, ignore_index=True).dropna(),
        rms=pd.concat(rms, ignore_index=True),
        methods=methods,
    )


def method_table(explanation: Explanation, labels: Mapping[str, str]) -> pd.DataFrame:
    """Lay out methods and completeness for a reader: one row a model, one column a gene."""
    error = explanation.rms.pivot_table(index="model", columns="gene", values="error", sort=False)
    table = error.map(lambda value: f"{100 * value:.2g} %").rename_axis(index=None, columns=None)
    table.columns = [f"error, {gene}" for gene in table.columns]
    table.insert(0, "method", pd.Series(explanation.methods))
    return table.rename(index=dict(labels))


def _explainable(dataset: Dataset, genes: list[str]) -> tuple[list[str], list[str]]:
    if not 1 <= len(genes) <= 2:
        raise ValueError(f"name one or two genes to explain, got {len(genes)}")
    mean = dataset.train_mean.sort_values(ascending=False, kind="stable")
    chosen, notes = [], []
    for gene in genes:
        if gene in mean.index:
            chosen.append(gene)
            if mean[gene] < HARDLY_EXPRESSED:
                notes.append(
                    f"{gene} is hardly expressed here (mean {mean[gene]:.2f} {dataset.unit}): its "
                    "attributions explain little but noise."
                )
            continue
        substitute = next(name for name in mean.index if name not in [*genes, *chosen])
        chosen.append(substitute)
        notes.append(
            f"{gene} is not among the targets (not measured, or below the expression filter); "
            f"{substitute}, the best expressed target, is explained instead."
        )
    return chosen, notes
