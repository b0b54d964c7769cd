"""Say on which genes models are compared when some predict a panel of genes only.

A model that predicts less than half of a cohort's targets is a panel model. It would narrow the
comparison of all the others to its panel, so it has a set of genes of its own: the others are
compared on the genes that they share, whether it is there or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from lembas.formats import listed

# Names of the sets: the genes that the models share, and all genes of a model where these are more.
SHARED, ALL = "shared", "all"
LEAST_SHARE = 0.5
_PANEL = "panel of "


def panel_of(model: str) -> str:
    """Name the set of genes of a panel model."""
    return f"{_PANEL}{model}"


@dataclass(frozen=True)
class GeneSets:
    """Hold which genes each model is scored on.

    Attributes:
        own: For each model the measured targets that it predicts, in the cohort's order.
        shared: Targets that all models predict which are no panel models.
        panels: Names of the panel models.
    """

    own: Mapping[str, pd.Index]
    shared: pd.Index
    panels: tuple[str, ...]

    @property
    def whole(self) -> tuple[str, ...]:
        """Models that are compared on the shared genes."""
        return tuple(model for model in self.own if model not in self.panels)

    def scored(self, model: str) -> pd.Index:
        """Genes that a model's main score is of: its panel's, or the shared ones."""
        return self.own[model] if model in self.panels else self.shared

    def both(self, model: str, other: str) -> pd.Index:
        """Genes that two models are compared on: with a panel model, all that both predict."""
        if model not in self.panels and other not in self.panels:
            return self.shared
        return self.own[model][self.own[model].isin(self.own[other])]

    def named(self, model: str) -> dict[str, pd.Index]:
        """Name the sets of genes that a model is scored on, the one of its main score first.

        A model that predicts every gene of another's panel is scored there too.
        """
        first = panel_of(model) if model in self.panels else SHARED
        others = {
            panel_of(panel): self.own[panel]
            for panel in self.panels
            if panel != model and self.own[panel].isin(self.own[model]).all()
        }
        return {first: self.scored(model), **others}


def gene_sets(
    measured: pd.Index, predictions: Mapping[str, pd.DataFrame], *, cohort: str
) -> GeneSets:
    """Find the genes that models are scored on.

    Args:
        measured: Targets that the cohort measured.
        predictions: For each model a prediction ``(sample, gene)``; further genes are ignored.
        cohort: The cohort's name, for messages.

    Returns:
        The sets; where every model predicts less than half of the targets, none counts as a panel
        model.

    Raises:
        ValueError: If a model predicts no measured target, or the models share none.
    """
    own = {model: measured[measured.isin(predictions[model].columns)] for model in predictions}
    without = [model for model, genes in own.items() if genes.empty]
    if without:
        raise ValueError(
            f"no measured target of cohort {cohort!r} is predicted by {listed(without)}; "
            "leave out such a model, or name its genes as the dataset does"
        )
    panels = tuple(m for m, genes in own.items() if len(genes) < LEAST_SHARE * len(measured))
    if len(panels) == len(own):
        panels = ()
    shared = measured
    for model, genes in own.items():
        shared = shared if model in panels else shared[shared.isin(genes)]
    if shared.empty:
        raise ValueError(
            f"no measured target of cohort {cohort!r} is predicted by all of "
            f"{', '.join(model for model in own if model not in panels)}; leave one out"
        )
    return GeneSets(own, shared, panels)


def shown_predictions(
    truth: pd.DataFrame, predictions: Mapping[str, pd.DataFrame], models: Iterable[str]
) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """Cut truth and some models' predictions to the genes that their main scores are of.

    Args:
        truth: Measured expression of the cohort ``(sample, gene)``.
        predictions: All models' predictions: they say which genes are shared.
        models: Models to keep; those that were not fitted are left out.

    Returns:
        Truth on the genes of any model that is kept, and the predictions; a panel model's has
        fewer genes than the truth.
    """
    sets = gene_sets(truth.columns, predictions, cohort="shown")
    kept = {m: predictions[m][sets.scored(m)] for m in models if m in sets.own}
    genes = {gene for table in kept.values() for gene in table.columns}
    return truth.loc[:, truth.columns.isin(list(genes))], kept


def headline(scores: pd.DataFrame) -> pd.DataFrame:
    """Keep each model's main score: of the shared genes, or of a panel model's own.

    Args:
        scores: Tidy, with the columns model and genes; see :class:`lembas.evaluation.Evaluation`.
    """
    own = scores["model"].map(panel_of)
    return scores[(scores["genes"] == SHARED) | (scores["genes"] == own)]


def on_shared(scores: pd.DataFrame) -> pd.DataFrame:
    """Keep the scores that may be ranked: those of the shared genes."""
    return scores[scores["genes"] == SHARED]


def marked(labels: Mapping[str, str], scores: pd.DataFrame) -> dict[str, str]:
    """Say in the labels of panel models that their scores are of their own genes.

    Args:
        labels: Model to label; other names stay as they are.
        scores: Tidy, with the columns model and genes.
    """
    panels = set(scores.loc[scores["genes"] == scores["model"].map(panel_of), "model"])
    return {
        name: f"{label} (own panel)" if name in panels else label for name, label in labels.items()
    }


def set_label(genes: str, labels: Mapping[str, str]) -> str:
    """Call a set of genes by a reader's words."""
    if genes.startswith(_PANEL):
        model = genes.removeprefix(_PANEL)
        return f"panel of {labels.get(model, model)}"
    return {SHARED: "genes of the comparison", ALL: "all genes of the model"}[genes]
