"""Titles that say what a figure shows: made from its table by a rule, true for whatever data.

A title tells what is seen, such as the highest of the values drawn; whether a difference is more
than chance is what the intervals and the text of a chapter say. Without a defined value the title
is plain.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from lembas.formats import counted
from lembas.gene_sets import LEAST_SHARE, on_shared
from lembas.plotting import style

Labels = Mapping[str, str] | None
Words = Callable[[float], str]


def ranked(scores: pd.DataFrame) -> set[str]:
    """Name the models that a title may compare: those scored on the genes that are compared.

    Args:
        scores: Columns model and, where models have sets of genes of their own, genes.

    Returns:
        The models of the shared genes; all where sets of genes are not told apart.
    """
    return set((on_shared(scores) if "genes" in scores else scores)["model"])


def of_most_genes(wide: pd.DataFrame) -> pd.DataFrame:
    """Leave out models of a panel of genes, which are not compared with the others.

    Args:
        wide: One column a model, NaN where a gene has no score.

    Returns:
        The columns with at least half as many genes as the fullest.
    """
    n_genes = wide.count()
    return wide.loc[:, n_genes >= LEAST_SHARE * n_genes.max()]


def capital(words: str) -> str:
    """Begin a title with a capital; the names in it stay as they are."""
    return words[:1].upper() + words[1:]


def span(values: pd.Series, words: Words, labels: Labels = None) -> str:
    """Say the least and the largest of some values, and whose they are.

    Args:
        values: Values over names; NaN are left out.
        words: How a value is written.
        labels: Name to label.

    Returns:
        Such as "Ridge 0.41 to MLR 0.63"; the value alone where all are written alike; empty
        where none is defined.
    """
    known = values.dropna()
    if known.empty:
        return ""
    low, high = (str(pick) for pick in (known.idxmin(), known.idxmax()))
    least, most = words(float(known.min())), words(float(known.max()))
    if len(known) == 1:
        return f"{style.label_of(low, labels)} {least}"
    if least == most:
        return least
    return f"{style.label_of(low, labels)} {least} to {style.label_of(high, labels)} {most}"


def ends(values: pd.Series, words: Words) -> str:
    """Say the least and the largest of some values; one where both are written alike."""
    return " to ".join(dict.fromkeys(words(float(end)) for end in values.agg(["min", "max"])))


def leaders(values: pd.Series, labels: Labels = None) -> str:
    """Name whose value is the highest; all of them where several share it.

    Args:
        values: Values over names; NaN are left out.
        labels: Name to label.

    Returns:
        Such as "MLR", or "Ridge and MLR"; empty where none is defined.
    """
    known = values.dropna()
    first = known[known == known.max()].index
    return " and ".join(style.label_of(str(name), labels) for name in first)


def highest(
    values: Mapping[str, pd.Series], what: str, *, digits: int, labels: Labels = None
) -> str:
    """Say which model is highest on each cohort, or that one is on all.

    Args:
        values: Cohort to values over models; the first cohort is named.
        what: What the values are, such as "median skill".
        digits: Decimals.
        labels: Model or cohort to label.

    Returns:
        The title; empty where the first cohort has no defined value.
    """
    first, *others = values
    best = leaders(values[first], labels)
    if not best:
        return ""
    score, place = f"{values[first].max():z.{digits}f}", style.label_of(first, labels)
    title = f"Highest {what} on {place}: {best}, {score}"
    if not others:
        return title
    n_same = sum(leaders(values[name], labels) == best for name in others)
    if n_same == len(others):
        return f"{title}; also the highest on {_others(others, labels)}"
    if n_same == 0 and len(others) > 1:
        return f"{title}; on none of the {len(others)} others"
    if len(others) == 1:
        elsewhere = leaders(values[others[0]], labels) or "not defined"
        return f"{title}; on {style.label_of(others[0], labels)}: {elsewhere}"
    return f"{title}; also on {n_same} of {len(others)} others"


def _others(names: Sequence[str], labels: Labels) -> str:
    return style.label_of(names[0], labels) if len(names) == 1 else f"all {len(names)} others"


def beside_null(values: pd.Series, null: str, *, digits: int, labels: Labels = None) -> str:
    """Say the highest value and the null's, which knows nothing of any sample.

    Args:
        values: Values over models.
        null: Name of the null; it may be absent.
        digits: Decimals.
        labels: Model to label.

    Returns:
        Such as "highest Ridge, 0.974; the null 0.951"; empty where no other model has a value.
    """
    others = values.drop(index=null, errors="ignore").dropna()
    if others.empty:
        return ""
    best = f"highest {leaders(others, labels)}, {others.max():z.{digits}f}"
    level = values.get(null, np.nan)
    return best if np.isnan(level) else f"{best}; the null {level:z.{digits}f}"


def library_sizes(sizes: Mapping[str, pd.Series], labels: Labels = None) -> str:
    """Say between what numbers of reads the cohorts' medians lie."""
    medians = pd.Series({name: part.median() for name, part in sizes.items() if len(part)})
    told = span(medians / 1e6, lambda reads: f"{reads:.3g}", labels)
    return f"Median library size, million reads: {told}" if told else "Library sizes are not known"


def components(explained: pd.Series) -> str:
    """Say how much of the training variance two components hold."""
    both = explained["pc1"] + explained["pc2"]
    return f"Two components hold {both:.0%} of the training samples' variance"


def mean_and_sd(genes: pd.DataFrame) -> str:
    """Compare how far genes lie apart in their mean with how far samples do in one gene."""
    typical = genes["sd"].median()
    if not typical > 0 or len(genes) < 2:
        return "Mean and standard deviation of each gene over the training samples"
    ratio = genes["mean"].std() / typical
    return f"Genes' means spread {ratio:.2g} times as far as samples in a median gene"


def missing(table: pd.DataFrame, labels: Labels = None) -> str:
    """Name the cohort and role with the largest share of missing genes."""
    share = table["missing"] / (table["measured"] + table["missing"])
    if not table["missing"].any():
        return "No cohort lacks a gene of the study"
    row = table.loc[share.idxmax()]
    cohort, role = (style.label_of(str(row[name]), labels) for name in ("cohort", "role"))
    total = row["measured"] + row["missing"]
    return f"Most genes lacking: {cohort}, {row['missing']:,} of {total:,} {role}"


def remaining(table: pd.DataFrame) -> str:
    """Say how much of the first stage each item has left at its second."""
    told = []
    for item, counts in table.groupby("item", sort=False)["count"]:
        if len(counts) > 1:
            told.append(f"{counts.iloc[1]:,} of {counts.iloc[0]:,} {str(item).lower()}")
    return f"In use: {told[-1]}" if told else "What the network holds"


def half_of(regulators: pd.Series, regulated: pd.Series) -> str:
    """Say the medians of both degrees; only nodes with an edge count."""
    first, second = (float(d[d > 0].median()) for d in (regulators, regulated))
    return (
        f"Half of the genes have {first:g} regulators or fewer, "
        f"half of the TFs {second:g} genes or fewer"
    )


def activating(total: pd.Series) -> str:
    """Say what share of the edges of known sign activate."""
    up, down = (int(total.get(sign, 0)) for sign in (1, -1))
    if not up + down:
        return "No edge of the network has a known sign"
    return f"{up / (up + down):.0%} of the edges of known sign activate"


def hub_share(counts: pd.DataFrame, top: int) -> str:
    """Say what share of all edges the largest TFs hold."""
    sizes = counts.sum(axis=1).sort_values(ascending=False)
    share = sizes.head(top).sum() / sizes.sum()
    return f"The largest {min(top, len(sizes))} of {len(sizes):,} TFs hold {share:.0%} of the edges"


def common_penalty(alphas: pd.DataFrame, labels: Labels = None) -> str:
    """Say which penalty most genes chose; the least and the largest of several models."""
    chosen = alphas.dropna(subset=["alpha"]).groupby("model")["alpha"]
    most = chosen.agg(lambda part: part.mode().iloc[0])
    told = span(most, lambda alpha: f"{alpha:g}", labels)
    return f"Penalty most genes chose: {told}" if told else "No gene chose a penalty"


def training(history: pd.DataFrame, chosen_epoch: int | None) -> str:
    """Say where the validation loss is least, or from what to what the training loss goes."""
    checked = history.dropna(subset=["validation_loss"])
    if len(checked) and chosen_epoch is not None:
        best = checked.loc[checked["validation_loss"].idxmin()]
        return f"Validation loss is least at epoch {best['epoch']:g}: {best['validation_loss']:.3g}"
    losses = history["train_loss"].dropna()
    if losses.empty:
        return "Training, epoch by epoch"
    epochs = counted(len(losses), "epoch")
    return f"Training loss goes from {losses.iloc[0]:.3g} to {losses.iloc[-1]:.3g} in {epochs}"


def better_than_null(shares: pd.Series, null: str, labels: Labels = None) -> str:
    """Say for how many of the genes each model does better than the null.

    Args:
        shares: Share of genes with a score above 0, over models.
        null: Left out: it is 0 by definition.
        labels: Model to label.
    """
    others = shares.drop(index=null, errors="ignore")
    told = span(others, lambda share: f"{share:.0%}", labels)
    return f"Genes above 0: {told}" if told else "Genes that reach a given score"


def above_null(summary: pd.DataFrame, null: str, labels: Labels = None) -> str:
    """Count, by cohort, the models above the null once most labelled samples are known.

    Args:
        summary: Columns cohort, model, k (labelled samples), value (skill).
        null: Left out: it is 0 by definition.
        labels: Cohort to label.
    """
    most = summary["k"].max()
    shown = summary[(summary["k"] == most) & (summary["model"] != null)]
    told = [
        f"{style.label_of(str(cohort), labels)} {(values > 0).sum()} of {len(values)}"
        for cohort, values in shown.groupby("cohort", sort=False)["value"]
    ]
    samples = counted(int(most), "labelled sample")
    return f"Models above the null with {samples}: {', '.join(told)}"


def with_most_samples(summary: pd.DataFrame, labels: Labels = None) -> str:
    """Name the model of the highest median skill where the training samples are the most.

    Args:
        summary: Columns model, n_train, value.
        labels: Model to label.
    """
    most = int(summary["n_train"].max())
    values = summary[summary["n_train"] == most].set_index("model")["value"]
    samples = counted(most, "training sample")
    if values.isna().all():
        return f"No model has a skill with {samples}"
    best = f"{leaders(values, labels)}, {values.max():z.2f}"
    return f"Highest median skill with {samples}: {best}"


def beaten_controls(differences: pd.DataFrame, place: str) -> str:
    """Count the comparisons in which the real network is above its controls."""
    n_above = int((differences["low"] > 0).sum())
    n_all = int(differences["low"].notna().sum())
    if not n_all:
        return f"The real network and its controls, {place}"
    return f"The real network is above its controls in {n_above} of {n_all} comparisons, {place}"


def most_often(names: Sequence[str]) -> tuple[str, int]:
    """Return the commonest of some names, the first in the alphabet of several, and how often."""
    best = str(pd.Series(names).mode().iloc[0])
    return best, list(names).count(best)


def ranks(mean_rank: pd.Series, critical_difference: float, labels: Labels = None) -> str:
    """Name the model of the best mean rank and count those that do not differ from it."""
    best = mean_rank.idxmin()
    others = mean_rank.drop(index=best)
    n_like = int((others - mean_rank[best] <= critical_difference).sum())
    told = f"Best mean rank: {style.label_of(str(best), labels)}, {mean_rank[best]:.2f}"
    return f"{told}; {n_like} of {len(others)} others lie within the critical difference"


def ahead(first: pd.Series, second: pd.Series, names: tuple[str, str], what: str) -> str:
    """Count the strata in which one model's value is above the other's."""
    both = pd.DataFrame({"first": first, "second": second}).dropna()
    n_ahead = int((both["first"] > both["second"]).sum())
    return f"{names[0]} is above {names[1]} in {n_ahead} of {len(both)} strata of {what}"


def growth(exponents: pd.DataFrame) -> str:
    """Say with which dimension the time grows most, where exponents are known."""
    plain = "Time of one prediction by LEMBAS-RNN, one dimension varied at a time"
    if "exponent" not in exponents or exponents["exponent"].isna().all():
        return plain
    most = exponents.loc[exponents["exponent"].idxmax()]
    law = f"{most['axis']}, to the power {most['exponent']:z.2f}"
    return f"Time of one prediction by LEMBAS-RNN grows most with {law}"
