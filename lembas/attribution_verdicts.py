"""Put what attributions come to beside chance, in small tables with a verdict a model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from lembas.agreement import DECOY_LIMIT
from lembas.attribution_words import IN_PART, LEVEL, N_SD, NO_CHOICE, beyond, excess, judged
from lembas.prior_support import NO_PATH, REGULATORS

COLUMNS = ("value", "by chance", "verdict")
# Fewer genes than these show no relation.
_FEWEST_GENES = 4
# Their spread is taken from themselves: among fewer nothing could lie beyond it.
_FEWEST_UNITS = 2 * N_SD**2


@dataclass(frozen=True, eq=False)
class Comparison:
    """Hold what one comparison came to, for every model.

    Attributes:
        name: What is compared, in few words.
        question: What the verdicts answer.
        nothing: What to say where no model can be compared.
        rows: Text over the models' labels: ``COLUMNS``.
    """

    name: str
    question: str
    nothing: str
    rows: pd.DataFrame

    def sentence(self) -> str:
        """Name the models of every verdict, or say that there are none."""
        if self.rows.empty:
            return self.nothing
        models = self.rows.index.to_series().groupby(self.rows["verdict"], sort=False)
        n_models = len(self.rows)
        told = [
            f"{verdict[0].upper()}{verdict[1:]}: "
            f"{'all' if 1 < n_models == len(names) else ', '.join(names)}."
            for verdict, names in models.agg(list).items()
        ]
        return f"{self.question} {' '.join(told)}"


def table_for_reader(*comparisons: Comparison) -> pd.DataFrame:
    """Lay comparisons out one below the other: one row a comparison and model."""
    parts = {each.name: each.rows for each in comparisons if len(each.rows)}
    if not parts:
        return pd.DataFrame(columns=COLUMNS)
    table = pd.concat(parts, names=["of", "model"])
    # Beside the column of chance the rest need not be said, and a phone's page is narrow.
    short = table["verdict"].str.removesuffix(" than by chance")
    table["verdict"] = short.replace("as by chance", "same")
    return table.droplevel("of").rename_axis(index=None) if len(comparisons) == 1 else table


def stability(refits: pd.DataFrame, labels: Mapping[str, str]) -> Comparison:
    """Compare the first ten TFs of two fits to parts of the training samples.

    Args:
        refits: Result of :func:`lembas.stability.refits`.
        labels: Model to label.
    """
    mean = refits.groupby("model", sort=False)[["overlap", "overlap_chance"]].mean()
    return Comparison(
        name="first ten TFs in common",
        question="Do fits to two parts of the training samples agree on the first ten TFs?",
        nothing="No model was fitted anew.",
        rows=_rows(
            {
                model: (_number(value), _number(chance), judged(value, chance))
                for model, value, chance in mean.itertuples()
            },
            labels,
        ),
    )


def own_regulators(mean: pd.DataFrame, labels: Mapping[str, str]) -> Comparison:
    """Compare the part of attributions that lies on a gene's own regulators with random TFs.

    Args:
        mean: Result of :func:`lembas.prior_support.mean_shares`.
        labels: Model to label.
    """
    return Comparison(
        name="own regulators",
        question="Does a gene's attribution lie on its own regulators?",
        nothing="No gene has an attribution.",
        rows=_shares(mean[mean["kind"] == REGULATORS], labels, digits=0),
    )


def unreached(mean: pd.DataFrame, labels: Mapping[str, str]) -> Comparison:
    """Compare what TFs without a path to the gene get; arguments of :func:`own_regulators`."""
    return Comparison(
        name="TFs without a path",
        question="Do TFs without a path to the gene get any?",
        nothing="Every TF has a path to every gene here.",
        rows=_shares(mean[(mean["kind"] == NO_PATH) & (mean["chance"] > 0)], labels, digits=1),
    )


def signs(table: pd.DataFrame, labels: Mapping[str, str]) -> Comparison:
    """Compare directions with the signs of the prior's edges.

    Args:
        table: Result of :func:`lembas.prior_support.sign_agreement`.
        labels: Model to label.
    """
    cells = {}
    for model, own in table.groupby("model", sort=False):
        n, expected = own["n_edges"].sum(), own["n_edges"] * own["chance"]
        value, chance = own["n_agree"].sum() / n, expected.sum() / n
        # Directions of one gene's TFs go together: genes, not edges, are the units.
        sd = ((own["n_agree"] - expected) ** 2).sum() ** 0.5 / n
        n_units = n**2 / (own["n_edges"] ** 2).sum()  # as many genes of equally many edges
        verdict = beyond(value, chance, sd) if n_units >= _FEWEST_UNITS else "too few genes"
        cells[str(model)] = (f"{value:.0%} ({n:,})", f"{chance:.0%}", verdict)
    return Comparison(
        name="same sign (edges)",
        question="Is the direction the sign that the prior gives the edge?",
        nothing="No model uses an edge of the prior here, so that no sign can be compared.",
        rows=_rows(cells, labels),
    )


def skill(table: pd.DataFrame, labels: Mapping[str, str]) -> Comparison:
    """Correlate skill with the part of the attribution on own regulators, over genes.

    Args:
        table: Result of :func:`lembas.prior_support.against_skill`.
        labels: Model to label.
    """
    cells = {}
    for model, own in table.groupby("model", sort=False):
        # A masked model has the same share for all genes, but for rounding.
        varies = (np.ptp(own[["skill", "share"]].round(9), axis=0) > 0).all()
        if len(own) < _FEWEST_GENES or not varies:
            continue
        found = spearmanr(own["skill"], own["share"])
        verdict = "unclear"
        if found.pvalue < LEVEL:
            verdict = "yes" if found.statistic > 0 else "less"
        told = f"{found.statistic:z.2f} ({len(own):,})"
        cells[str(model)] = (told, "0", verdict)
    return Comparison(
        name="correlation with skill (genes)",
        question="Do genes that are predicted better rest more on their own regulators?",
        nothing="Too few genes have a score to compare skill with attributions.",
        rows=_rows(cells, labels),
    )


def randomised(twins: pd.DataFrame, labels: Mapping[str, str]) -> Comparison:
    """Say whether models with permuted weights give other attributions, as they must.

    Args:
        twins: Result of :func:`lembas.agreement.twins` of the models and the randomised ones, with
            the kinds of TFs.
        labels: Model to label.
    """
    cells = {}
    mean = twins.groupby("model", sort=False)[["rbo", "rbo_chance"]].mean()
    for model, value, chance in mean.itertuples():
        cells[model] = (_number(value), _number(chance), _differs(value, chance))
    return Comparison(
        name="weights permuted",
        question="Do models with permuted weights give other attributions?",
        nothing="No model here has weights that can be permuted.",
        rows=_rows(cells, labels),
    )


def decoys(table: pd.DataFrame, labels: Mapping[str, str]) -> Comparison:
    """Say whether decoys get no more than they may of an equal share.

    Args:
        table: Result of :func:`lembas.stability.decoy_shares`.
        labels: Model to label.
    """
    ratios = table.groupby("model", sort=False)["ratio"].mean()
    return Comparison(
        name="decoys, times an equal share",
        question=f"Do decoys get at most {DECOY_LIMIT:g} times an equal share?",
        nothing="No model was fitted with decoys.",
        rows=_rows(
            {model: (_number(r), "1", _within_limit(r)) for model, r in ratios.items()}, labels
        ),
    )


def _differs(value: float, chance: float) -> str:
    """Say whether a model and its randomised self are explained apart."""
    if pd.isna(value) or pd.isna(chance):
        return "cannot be compared"
    if chance >= NO_CHOICE:
        return "no choice"
    return "passed" if excess(value, chance) < IN_PART else "not passed"


def _within_limit(ratio: float) -> str:
    if pd.isna(ratio):
        return "cannot be compared"
    return "within the limit" if ratio <= DECOY_LIMIT else "above the limit"


def _shares(mean: pd.DataFrame, labels: Mapping[str, str], *, digits: int) -> pd.DataFrame:
    cells = {
        row.model: (
            f"{row.share:.{digits}%}",
            f"{row.chance:.{digits}%}",
            beyond(row.share, row.chance, row.chance_sd),
        )
        for row in mean.itertuples()
    }
    return _rows(cells, labels)


def _rows(cells: Mapping[str, Iterable[str]], labels: Mapping[str, str]) -> pd.DataFrame:
    table = pd.DataFrame.from_dict(dict(cells), orient="index", columns=list(COLUMNS), dtype=object)
    return table.rename(index=dict(labels)).rename_axis(index="model")


def _number(value: float) -> str:
    return "none" if pd.isna(value) else f"{value:.2f}"
