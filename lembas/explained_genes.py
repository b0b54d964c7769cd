"""Choose the genes to explain, and say of each whether there is anything to explain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from lembas.cohorts import Dataset
from lembas.formats import listed
from lembas.labels import as_names, nearest_names, offered_names
from lembas.network import Network

# Below this mean log10 expression a gene is hardly expressed: its attributions explain noise.
HARDLY_EXPRESSED = 0.3
WELL_EXPRESSED = 1.0
# Up to this skill on the test samples a model says little more of a gene than its training mean.
BADLY_PREDICTED = 0.1
WELL_PREDICTED = 0.3
# What hepatocytes make or are known by; the measured ones are shown.
LIVER_PANEL: tuple[str, ...] = (
    *("ALB", "AFP", "APOA1", "APOB", "APOC3", "TTR", "SERPINA1", "FGB", "CYP3A4", "CYP2E1"),
    *("CYP7A1", "CYP8B1", "ABCB11", "G6PC1", "F7", "HP"),
)
PANEL_SIZE = 16


def skill_on_test(per_gene: pd.DataFrame, models: Iterable[str]) -> pd.DataFrame:
    """Cut each gene's skill on the test samples out of the table of scores.

    Args:
        per_gene: Tidy: model, cohort, gene, metric, value.
        models: Models to keep, in this order; one without a score gets no column.

    Returns:
        Shape ``(gene, model)``; NaN for a gene that a model does not predict.
    """
    here = (per_gene["cohort"] == "test") & (per_gene["metric"] == "skill_per_gene")
    wide = per_gene[here].pivot_table(index="gene", columns="model", values="value")
    kept = [model for model in dict.fromkeys(models) if model in wide.columns]
    return wide[kept].rename_axis(columns="model")


def explainable_genes(
    dataset: Dataset,
    genes: str | Iterable[str],
    *,
    skill: pd.DataFrame | None = None,
    network: Network | None = None,
    labels: Mapping[str, str] | None = None,
) -> tuple[list[str], list[str]]:
    """Check the genes asked for, and say what the reader should know of them.

    A gene that is no target is replaced by the best expressed target not yet chosen. One that is
    hardly expressed, badly predicted or without measured regulators is kept with a warning.

    Args:
        dataset: The data.
        genes: Genes asked for.
        skill: Skill on the test samples, ``(gene, model)``; None: not looked at.
        network: The prior; None: not looked at.
        labels: Model to label.

    Returns:
        The genes to explain, and notes, one a warning.

    Raises:
        ValueError: If no gene is asked for.
        KeyError: If there is no target left to stand in for one that is none.
    """
    asked = as_names(genes)
    if not asked:
        raise ValueError("name at least one gene to explain, such as genes: [ALB]; got none")
    mean = dataset.train_mean.sort_values(ascending=False, kind="stable")
    chosen: list[str] = []
    notes: list[str] = []
    for gene in asked:
        if gene not in mean.index:
            left = mean.index.difference([*asked, *chosen], sort=False)
            if left.empty:
                raise KeyError(
                    f"{_no_target(gene, mean.index)}; no other target is left to explain"
                )
            substitute = str(left[0])
            notes.append(
                f"{_no_target(gene, mean.index)}; {substitute}, the best expressed target, is "
                "explained instead."
            )
            gene = substitute
        chosen.append(gene)
        notes += _warnings(dataset, gene, skill=skill, network=network, labels=labels)
    return chosen, notes


def _no_target(gene: str, targets: pd.Index) -> str:
    close = nearest_names(gene, targets)
    meant = f"; the nearest names are {', '.join(close)}" if close else ""
    return f"{gene} is not among the targets (not measured, or below the expression filter){meant}"


def _warnings(
    dataset: Dataset,
    gene: str,
    *,
    skill: pd.DataFrame | None,
    network: Network | None,
    labels: Mapping[str, str] | None,
) -> list[str]:
    """Say what is wrong with a gene, and name better ones."""
    mean, notes = dataset.train_mean[gene], []
    if mean < HARDLY_EXPRESSED:
        notes.append(
            f"{gene} is hardly expressed here (mean {mean:.2f} {dataset.unit}): its attributions "
            "explain little but noise."
        )
    notes += [] if skill is None else _of_skill(gene, skill, labels or {})
    if network is not None and network.regulators(gene).intersection(dataset.inputs).empty:
        notes.append(f"{gene} has no measured regulator in the network.")
    if notes and skill is not None:
        better = proposals(dataset, gene, skill=skill, network=network)
        notes += [f"Near it and better to explain: {', '.join(better)}."] if better else []
    return notes


def _of_skill(gene: str, skill: pd.DataFrame, labels: Mapping[str, str]) -> list[str]:
    """Name the models that predict a gene badly, and those without a score for it."""
    own, notes = skill.reindex([gene]).iloc[0], []
    unscored = [labels.get(model, model) for model in own.index[own.isna()]]
    if unscored:
        notes.append(f"Not scored on {gene}, and maybe not predicting it: {', '.join(unscored)}.")
    bad = own[own <= BADLY_PREDICTED]
    if len(bad):
        named = ", ".join(f"{labels.get(model, model)} {value:.2f}" for model, value in bad.items())
        notes.append(
            f"{gene} is badly predicted (skill on the test samples at most {BADLY_PREDICTED}: "
            f"{named}): its attributions explain a model that hardly works."
        )
    return notes


def proposals(
    dataset: Dataset,
    gene: str,
    *,
    skill: pd.DataFrame,
    network: Network | None = None,
    most: int = 3,
) -> list[str]:
    """Name targets near a gene that are worth explaining.

    Worth it are those with a mean of at least ``WELL_EXPRESSED`` and a skill, averaged over the
    models that predict them, of at least ``WELL_PREDICTED``. The nearest come first: those whose
    regulators are the same to the largest part (Jaccard index), among equals the best predicted.

    Args:
        dataset: The data.
        gene: The gene to replace.
        skill: Skill on the test samples, ``(gene, model)``.
        network: The prior; None: the best predicted come first.
        most: Names given at most.
    """
    mean = dataset.train_mean
    average = skill.mean(axis=1).reindex(mean.index)
    worth = (mean >= WELL_EXPRESSED) & (average >= WELL_PREDICTED) & (mean.index != gene)
    found = pd.DataFrame({"near": 0.0, "skill": average[worth]}, index=mean.index[worth])
    if network is not None:
        found["near"] = _shared_regulators(network, gene, found.index)
    return list(found.sort_values(["near", "skill"], ascending=False, kind="stable").index[:most])


def _shared_regulators(network: Network, gene: str, others: pd.Index) -> pd.Series:
    """Jaccard index of the regulators of a gene and of others, over ``gene``."""
    own = network.regulators(gene)
    known = network.edges[network.edges["Gene"].isin(others)]
    both = known["TF"].isin(own).groupby(known["Gene"]).sum().reindex(others).fillna(0)
    size = known.groupby("Gene").size().reindex(others).fillna(0)
    return both / np.maximum(size + len(own) - both, 1)


def panel_genes(
    dataset: Dataset,
    panel: str | Iterable[str] = (),
    *,
    skill: pd.DataFrame | None = None,
    size: int = PANEL_SIZE,
) -> tuple[list[str], list[str]]:
    """Name the genes of the heat map, and those asked for that are not among them.

    Args:
        dataset: The data.
        panel: Genes asked for; empty: ``LIVER_PANEL``, of which those that are no targets are
            left out without a note.
        skill: Skill on the test samples, ``(gene, model)``; None: only those asked for are taken.
        size: Up to so many genes the panel is filled up, by the targets that the models predict
            best on average and that are at least ``WELL_EXPRESSED``.

    Returns:
        The genes of the panel, and notes: one where genes asked for are no targets.

    Raises:
        ValueError: If no gene is left.
    """
    named = as_names(panel)
    asked = named or list(LIVER_PANEL)
    chosen = [gene for gene in asked if gene in dataset.targets]
    if skill is not None:
        best = skill.mean(axis=1).dropna().sort_values(ascending=False, kind="stable").index
        mean = dataset.train_mean
        more = [g for g in best if g in mean.index and g not in chosen and mean[g] > WELL_EXPRESSED]
        chosen += more[: max(size - len(chosen), 0)]
    if not chosen:
        raise ValueError(
            f"none of the {len(asked)} panel genes ({listed(asked)}) is a target; name some that "
            f"are, such as {listed(dataset.targets)}"
        )
    return chosen, _left_out([gene for gene in named if gene not in chosen], dataset.targets)


def _left_out(genes: list[str], targets: pd.Index) -> list[str]:
    """Say which genes of the panel are no targets; nothing where all are."""
    if not genes:
        return []
    return [
        f"Left out of the panel, for not being among the targets: {listed(genes)} (the nearest "
        f"names are {offered_names(genes[:5], targets)})."
    ]
