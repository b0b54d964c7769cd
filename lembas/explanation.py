"""Plan and run the attribution of several models on the same samples and background."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from lembas.attribution import Attribution, explain, notes_of
from lembas.attribution_means import mean_sizes
from lembas.checks import check_whole
from lembas.cohorts import Cohort, Dataset
from lembas.ensemble import LembasEnsemble
from lembas.evaluation import chosen_cohort
from lembas.explained_genes import explainable_genes, panel_genes
from lembas.formats import listed
from lembas.labels import as_names
from lembas.network import Network
from lembas.randomised import is_randomisable, randomised
from lembas.tuning import best_of


@dataclass(frozen=True, eq=False)
class Plan:
    """Settle what is explained, for all models alike.

    Attributes:
        genes: Genes to explain sample by sample; figures show the first two.
        samples: Inputs ``(sample, tf)`` to explain.
        background: Training inputs ``(sample, tf)``.
        sample: The sample shown in the waterfalls.
        notes: What the reader should know, such as a gene that had to be replaced.
        panel: Genes of the heat map and of all comparisons, those of ``genes`` among them.
        panel_samples: Inputs ``(sample, tf)`` that these are explained for.
        series: Series of each sample of the cohort; None: unknown.
    """

    genes: tuple[str, ...]
    samples: pd.DataFrame
    background: pd.DataFrame
    sample: str
    notes: tuple[str, ...]
    panel: tuple[str, ...]
    panel_samples: pd.DataFrame
    series: pd.Series | None

    def for_panel(self) -> Plan:
        """Return the plan of the panel: its genes, its samples."""
        return replace(self, genes=self.panel, samples=self.panel_samples)


@dataclass(frozen=True)
class Explanation:
    """Hold the attributions of several models.

    Attributes:
        values: Tidy: model, gene, sample, tf, attribution, expression, base, prediction.
        summary: Tidy: model, gene, tf, mean_abs_attribution over the samples, low, high (see
            :func:`lembas.attribution_means.mean_sizes`), direction.
        completeness: Tidy: model, gene, sample, error (absolute, over the prediction's SD).
        rms: Tidy: model, gene, error: root mean square of the error over the prediction's SD.
        methods: Model to method.
        notes: Model to what the reader should know of its attributions.
    """

    values: pd.DataFrame
    summary: pd.DataFrame
    completeness: pd.DataFrame
    rms: pd.DataFrame
    methods: Mapping[str, str]
    notes: Mapping[str, tuple[str, ...]]

    def of_sample(self, sample: str, genes: str | Iterable[str] | None = None) -> pd.DataFrame:
        """Return the rows of one sample, of some genes or of all."""
        rows = self.values[self.values["sample"] == sample]
        return rows if genes is None else rows[rows["gene"].isin(as_names(genes))]

    def largest_error(self) -> float:
        """Return the largest root mean square error of any model and gene."""
        return float(self.rms["error"].max())


@dataclass(frozen=True, eq=False)
class Panel:
    """Hold what several models attribute to the genes of a panel.

    Attributes:
        edges: Rows: gene, tf, mean_abs_attribution (log10), direction, model; a gene that a model
            does not predict has none, and without models there is no row.
        notes: Model to what the reader should know, beyond the genes that are explained sample by
            sample and that no TF moves: :class:`Explanation` notes these.
    """

    edges: pd.DataFrame
    notes: Mapping[str, tuple[str, ...]]


def plan(
    dataset: Dataset,
    cohort: str,
    genes: str | Iterable[str],
    *,
    panel: str | Iterable[str] = (),
    skill: pd.DataFrame | None = None,
    network: Network | None = None,
    labels: Mapping[str, str] | None = None,
    n_background: int = 50,
    n_samples: int = 0,
    n_panel_samples: int = 25,
    sample: str = "",
    seed: int = 888,
) -> Plan:
    """Choose genes, samples and background.

    Args:
        dataset: The data.
        cohort: External cohort to explain; empty: the first.
        genes: Genes asked for (see :func:`lembas.explained_genes.explainable_genes`).
        panel: Genes of the heat map (see :func:`lembas.explained_genes.panel_genes`).
        skill: Skill on the test samples, ``(gene, model)``; None: not looked at.
        network: The prior; None: not looked at.
        labels: Model to label, for the notes.
        n_background: Training samples in the background at most, >= 1.
        n_samples: Samples to explain at most; 0: all of them.
        n_panel_samples: Samples that the panel is explained for at most; 0: all of them.
        sample: Sample of the waterfalls; empty: the one nearest to the cohort's median.
        seed: Seed of the draws.

    Raises:
        ValueError: If no gene is asked for, no gene of the panel is a target, or a number is too
            low.
        TypeError: If a number is no whole number.
        KeyError: If there is no such cohort, or no such sample in it.
    """
    check_whole("n_background", n_background, least=1)
    for number, value in {"n_samples": n_samples, "n_panel_samples": n_panel_samples}.items():
        check_whole(f"{number} (0: all samples)", value, least=0)
    away = dataset.external[chosen_cohort(dataset.external, cohort)]
    chosen, notes = explainable_genes(dataset, genes, skill=skill, network=network, labels=labels)
    others, left_out = panel_genes(dataset, panel, skill=skill)
    train, shown = dataset.train.x, _shown_sample(away, sample)
    return Plan(
        genes=tuple(chosen),
        samples=_drawn(away.x, n_samples, keep=shown, seed=seed),
        background=train.sample(min(n_background, len(train)), random_state=seed),
        sample=shown,
        notes=(*notes, *left_out),
        panel=tuple(as_names([*chosen, *others])),
        panel_samples=_drawn(away.x, n_panel_samples, keep=shown, seed=seed),
        series=away.series,
    )


def _shown_sample(cohort: Cohort, sample: str) -> str:
    """Find the sample of the waterfalls."""
    x = cohort.x
    if sample and sample not in x.index:
        raise KeyError(
            f"no sample {sample!r} in {cohort.name}; it has {len(x)}, such as "
            f"{', '.join(x.index[:5])}"
        )
    return sample or str((x - x.median()).pow(2).sum(axis=1).idxmin())


def _drawn(x: pd.DataFrame, n_samples: int, *, keep: str, seed: int) -> pd.DataFrame:
    """Draw samples, and keep one in any case; 0: all of them."""
    if not 0 < n_samples < len(x):
        return x
    drawn = x.sample(n_samples, random_state=seed).index
    return x[x.index.isin(drawn) | (x.index == keep)]


def explain_models(models: Mapping[str, BaseEstimator], plan: Plan) -> Explanation:
    """Explain every model on the plan's samples, and on those of its genes that it predicts.

    Raises:
        ValueError: If no model predicts any of the genes.
    """
    made = _explained(models, plan)
    if not made:
        raise ValueError(
            f"none of {listed(models)} predicts any of {listed(plan.genes)}; explain genes of "
            "their panels, or other models"
        )
    errors = []
    for name, each in made.items():
        table = each.error.abs() / each.prediction_sd()
        table = table.rename_axis(index="sample", columns="gene")
        long = table.melt(ignore_index=False, value_name="error").reset_index()
        errors.append(long.assign(model=name)[["gene", "sample", "model", "error"]])
    rms = [each.completeness_error().reset_index().assign(model=m) for m, each in made.items()]
    return Explanation(
        values=_joined(made, _values_of),
        summary=_joined(made, lambda each: _summary_of(each, plan.series)),
        completeness=pd.concat(errors, ignore_index=True).dropna(),
        rms=pd.concat(rms, ignore_index=True),
        methods={name: each.method for name, each in made.items()},
        notes={name: each.notes for name, each in made.items()},
    )


def _explained(models: Mapping[str, BaseEstimator], plan: Plan) -> dict[str, Attribution]:
    """Explain each model on the genes that it predicts; one without any is left out."""
    found = {}
    for name, model in models.items():
        genes = [gene for gene in plan.genes if gene in model.genes_]
        if genes:
            found[name] = explain(model, plan.samples, plan.background, genes)
    return found


def _joined(made: Mapping[str, Attribution], table_of: Any) -> pd.DataFrame:
    """Make a table of each model and put them one below the other."""
    tables = [table_of(each).assign(model=name) for name, each in made.items()]
    return pd.concat(tables, ignore_index=True)


def _values_of(made: Attribution) -> pd.DataFrame:
    """Lay one model's attributions out as rows, with base and prediction."""
    keys = ["gene", "sample"]
    predicted = made.completeness[[*keys, "prediction"]]
    return made.table.merge(predicted, on=keys).merge(made.base.rename("base"), on="gene")


def _summary_of(made: Attribution, series: pd.Series | None) -> pd.DataFrame:
    """Average one model's attributions over the samples, with intervals."""
    limits = [
        mean_sizes(table, series=series)[["low", "high"]].reset_index().assign(gene=gene)
        for gene, table in made.values.items()  # noqa: PD011 (a field)
    ]
    return made.edges().merge(pd.concat(limits, ignore_index=True), on=["gene", "tf"])


def explain_panel(models: Mapping[str, BaseEstimator], plan: Plan) -> Panel:
    """Summarise what every model attributes to the genes of the panel."""
    made = _explained(models, plan.for_panel())
    parts = [each.edges().assign(model=name) for name, each in made.items()]
    columns = ["gene", "tf", "mean_abs_attribution", "direction", "model"]
    return Panel(
        pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns),
        {name: _panel_notes(each, but=plan.genes) for name, each in made.items()},
    )


def _panel_notes(made: Attribution, *, but: Iterable[str]) -> tuple[str, ...]:
    """Keep the notes, but of genes that no TF moves name only those that are not in ``but``."""
    still, known = made.still, set(but)
    others = [note for note in made.notes if note not in notes_of(still)]
    return (*others, *notes_of(gene for gene in still if gene not in known))


def members(models: Mapping[str, BaseEstimator]) -> dict[str, BaseEstimator]:
    """Take ensembles apart: "seed ..." to the network of each seed; empty without an ensemble."""
    return {
        f"seed {member.seed}": member
        for model in map(best_of, models.values())
        if isinstance(model, LembasEnsemble)
        for member in model.members_
    }


def randomised_models(
    models: Mapping[str, BaseEstimator], *, seed: int = 888
) -> dict[str, BaseEstimator]:
    """Randomise the models whose weights can be permuted; the others are left out."""
    return {
        name: randomised(model, seed=seed)
        for name, model in models.items()
        if is_randomisable(model)
    }


def method_table(explanation: Explanation, labels: Mapping[str, str]) -> pd.DataFrame:
    """Lay out methods and completeness for a reader: one row a model, one column a gene."""
    error = explanation.rms.pivot_table(index="model", columns="gene", values="error", sort=False)
    table = error.map(
        lambda value: "none" if np.isnan(value) else f"{100 * value:.2g} %"
    ).rename_axis(index=None, columns=None)
    table.columns = [f"error, {gene}" for gene in table.columns]
    table.insert(0, "method", pd.Series(explanation.methods))
    return table.rename(index=dict(labels))


def notes_sentence(*notes: Mapping[str, Iterable[str]], labels: Mapping[str, str]) -> str:
    """Tell every note once, with the models that it is about.

    Args:
        *notes: Model to notes.
        labels: Model to label.
    """
    models: dict[str, list[str]] = {}
    for model, note in ((m, note) for each in notes for m, own in each.items() for note in own):
        named = models.setdefault(note, [])
        if (label := str(labels.get(model, model))) not in named:
            named.append(label)
    told = [f"{', '.join(named)}: {note}." for note, named in models.items()]
    return " ".join(told) or "In every model some TF moves each of these genes."
