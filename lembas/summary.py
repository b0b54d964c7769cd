"""Put the results into tables and plain sentences, by rule and never by hand."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from lembas.formats import listed
from lembas.gene_sets import headline, on_shared
from lembas.metrics import PRIMARY

NULL = "train_mean"
CENTRED = ", centred"
REFERENCE = "masked_ridge"
COHORTS: Mapping[str, str] = {"test": "Held-out test samples", "train": "Training samples"}


def score(scores: pd.DataFrame, model: str, cohort: str, metric: str = PRIMARY) -> pd.Series:
    """Look one score up: value, low, high.

    Raises:
        KeyError: If there is no such score, or more than one.
    """
    rows = scores[
        (scores["model"] == model) & (scores["cohort"] == cohort) & (scores["metric"] == metric)
    ]
    if len(rows) != 1:
        raise KeyError(
            f"{len(rows)} scores of {model!r} on {cohort!r} named {metric!r}; expected 1; scored "
            f"are {listed(scores['model'].unique())} on {listed(scores['cohort'].unique())}"
        )
    return rows.iloc[0][["value", "low", "high"]]


def ranking(scores: pd.DataFrame, cohort: str, metric: str = PRIMARY) -> pd.Series:
    """Order the models of one cohort, the best first; the null and panel models are left out.

    Raises:
        KeyError: If no model but the null has such a score.
    """
    rows = on_shared(scores[(scores["cohort"] == cohort) & (scores["metric"] == metric)])
    value = rows.set_index("model")["value"].drop(NULL, errors="ignore")
    if value.empty:
        raise KeyError(
            f"no model has a {metric!r} on {cohort!r}; scored cohorts are "
            f"{', '.join(scores['cohort'].unique())}"
        )
    return value.sort_values(ascending=False, kind="stable")


def answer(scores: pd.DataFrame, cohort: str, labels: Mapping[str, str], where: str) -> str:
    """Say in one sentence which model predicts a cohort best, and where LEMBAS-RNN stands.

    Args:
        scores: Tidy: model, cohort, genes, metric, value, low, high, one a model.
        cohort: Cohort to speak of.
        labels: Model to label.
        where: How to call the cohort, such as "On the held-out test samples".
    """
    order = ranking(scores, cohort)
    best = order.index[0]
    if order.iloc[0] <= 0:
        return (
            f"{where}, no model beats the training mean: the best, {labels[best]}, has a median "
            f"per-gene skill of {_with_interval(scores, best, cohort)}."
        )
    sentence = (
        f"{where}, {labels[best]} predicts best, with a median per-gene skill of "
        f"{_with_interval(scores, best, cohort)}"
    )
    if "lembas" in order.index and best != "lembas":
        place = order.index.get_loc("lembas") + 1
        sentence += (
            f"; {labels['lembas']} comes {_ordinal(place)} of {len(order)} models beside the null, "
            f"with {_with_interval(scores, 'lembas', cohort)}"
        )
    if "masked_ridge" in order.index:
        sentence += (
            f"; {labels['masked_ridge']}, the linear model that sees the same regulators, has "
            f"{_with_interval(scores, 'masked_ridge', cohort)}"
        )
    return sentence + "."


def null_sentence(scores: pd.DataFrame, cohort: str, labels: Mapping[str, str]) -> str:
    """Say how high the pooled R2 of the null already is."""
    null = score(scores, NULL, cohort, "r2_pooled")["value"]
    order = ranking(scores, cohort, "r2_pooled")
    return (
        f"Pooled R2, the original study's measure, is {null:.3f} for the training mean alone, "
        f"which knows nothing of any sample, and {order.iloc[0]:.3f} for "
        f"{labels[order.index[0]]}: read it beside its null only."
    )


def _with_interval(scores: pd.DataFrame, model: str, cohort: str) -> str:
    found = score(scores, model, cohort)
    if pd.isna(found["low"]):
        return f"{found['value']:z.2f}"
    return f"{found['value']:z.2f} (95 % interval {found['low']:z.2f} to {found['high']:z.2f})"


def _ordinal(place: int) -> str:
    words = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
    return words[place - 1] if place <= len(words) else f"number {place}"


def joined(own: pd.DataFrame, external: pd.DataFrame, centred: pd.DataFrame) -> pd.DataFrame:
    """Put the scores of all cohorts into one table; centred cohorts are named so."""
    renamed = centred.assign(cohort=centred["cohort"] + CENTRED)
    return pd.concat([own, external, renamed], ignore_index=True)


def named_centred(test: pd.DataFrame, centred: pd.DataFrame) -> pd.DataFrame:
    """Put tables of the test samples and of the centred cohorts into one; see :func:`joined`."""
    renamed = centred.assign(cohort=centred["cohort"] + CENTRED)
    return pd.concat([test[test["cohort"] == "test"], renamed], ignore_index=True)


def cover_table(
    scores: pd.DataFrame, labels: Mapping[str, str], *, model: str, n_best: int = 3
) -> pd.DataFrame:
    """Lay out the few scores that a reader meets first, as text.

    Args:
        scores: Tidy: model, cohort, genes, metric, value, low, high, one a model, centred cohorts
            named as :func:`joined` names them.
        labels: Model to label.
        model: Model that the report speaks of.
        n_best: How many of the best on the test samples are shown.

    Returns:
        One row a model, best first: the best, the model in question, the linear model that sees
        the same regulators, and the null; one column a cohort: the test samples and the first
        centred one.
    """
    order = ranking(scores, "test")
    wanted = {*order.index[:n_best], model, REFERENCE}
    models = [*(name for name in order.index if name in wanted), NULL]
    centred = [name for name in headline_cohorts(scores) if name.endswith(CENTRED)]
    cohorts = {"test": COHORTS["test"], **{name: f"Cohort {name}" for name in centred[:1]}}
    columns = {
        words: [_in_short(scores, name, cohort) for name in models]
        for cohort, words in cohorts.items()
    }
    return pd.DataFrame({"Model": [labels.get(name, name) for name in models], **columns})


def _in_short(scores: pd.DataFrame, model: str, cohort: str) -> str:
    found = score(scores, model, cohort)
    if pd.isna(found["low"]):
        return f"{found['value']:z.2f}"
    return f"{found['value']:z.2f} ({found['low']:z.2f} to {found['high']:z.2f})"


def headline_cohorts(scores: pd.DataFrame) -> list[str]:
    """Choose the cohorts of the headline figure: test, the centred external ones, training."""
    names = list(dict.fromkeys(scores["cohort"]))
    return ["test", *[name for name in names if name.endswith(CENTRED)], "train"]


def beside_original(own: pd.DataFrame, external: pd.DataFrame) -> pd.DataFrame:
    """Name cohorts as the original study does: train, test, and the first external cohort."""
    first = external[external["cohort"] == external["cohort"].iloc[0]]
    return pd.concat([own, first.assign(cohort="external")], ignore_index=True)


def original_table(
    ours: pd.DataFrame, original: pd.DataFrame, labels: Mapping[str, str]
) -> pd.DataFrame:
    """Lay the original study's scores beside ours and beside the null.

    Args:
        ours: Tidy: model, cohort, genes, metric, value, of every set of genes: the null is that of
            the genes which the model's own score is of.
        original: Columns model, cohort, metric, value.
        labels: Model to label.

    Returns:
        One row a cohort, model and metric: here, null here, original study (other data).
    """
    keys = ["cohort", "model", "metric"]
    here = headline(ours)[[*keys, "genes", "value"]]
    table = original.merge(here, on=keys, suffixes=("_original", "_here"))
    null = ours.loc[ours["model"] == NULL, ["cohort", "metric", "genes", "value"]]
    null = null.rename(columns={"value": "null"})
    table = table.merge(null, on=["cohort", "metric", "genes"])
    table = table.assign(model=table["model"].map(lambda name: labels.get(name, name)))
    named = {
        "value_here": "here",
        "null": "null here",
        "value_original": "original study (other data)",
    }
    shown = table.rename(columns=named).set_index(keys)[list(named.values())]
    return shown.map(lambda value: "not defined" if pd.isna(value) else f"{value:.3f}")
