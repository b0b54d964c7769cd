"""Say by rule what comparisons of attributions come to."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

# Of the way from chance to full agreement.
AGREE, IN_PART = 0.5, 0.2
# Where chance gives as much, there is nothing left to agree on.
NO_CHOICE = 0.9
# Shares and signs differ from chance beyond so many standard deviations.
N_SD = 2.0
LEVEL = 0.05


def excess(value: float, chance: float) -> float:
    """Measure an agreement from chance (0) to full (1); below 0 it is less than chance."""
    return (value - chance) / (1 - chance)


def judged(value: float, chance: float) -> str:
    """Put an agreement into words by the rule of :func:`rule`."""
    if pd.isna(value) or pd.isna(chance):
        return "cannot be compared"
    if chance >= NO_CHOICE:
        return "have no choice"
    distance = excess(value, chance) + 1e-9  # a value on the limit is not below it by rounding
    if distance >= AGREE:
        return "agree"
    return "agree in part" if distance >= IN_PART else "hardly agree more than by chance"


def rule() -> str:
    """State the rule that the words follow."""
    return (
        "Rankings agree where they cover at least half of the way from what chance gives to full "
        f"agreement, in part from {IN_PART:.0%} of it on, and else hardly more than by chance; "
        f"where chance alone gives {NO_CHOICE:g} or more they have no choice. Chance is the second "
        "model's ranking with the same TFs in an order without meaning. A share or a count of "
        f"signs is beyond chance from {N_SD:g} standard deviations on."
    )


def models_sentence(pairs: pd.DataFrame, labels: Mapping[str, str]) -> str:
    """Say how far models agree on average, and which two do most and least.

    Args:
        pairs: Result of :func:`lembas.agreement.pairs`.
        labels: Model to label.
    """
    means = pairs.groupby(["model", "other"], sort=False)[["rbo", "rbo_chance"]].mean().dropna()
    if means.empty:
        return "There are no two models to compare."
    value, chance = means.mean()
    text = (
        f"Over genes and pairs of models the rank-biased overlap is {value:.2f}, by chance "
        f"{chance:.2f}: the models {judged(value, chance)}."
    )
    if len(means) == 1:
        return text
    ordered = means.sort_values("rbo", kind="stable")
    ends = [
        f"{labels.get(one, one)} and {labels.get(two, two)} ({row['rbo']:.2f})"
        for (one, two), row in (*ordered.tail(1).iterrows(), *ordered.head(1).iterrows())
    ]
    return f"{text} Most alike are {ends[0]}, least {ends[1]}."


def seeds_sentence(pairs: pd.DataFrame) -> str:
    """Say how far networks that differ in their seed agree; pairs as of :func:`models_sentence`."""
    if pairs.empty:
        return "No networks of several seeds were fitted in this run."
    value, chance = pairs[["rbo", "rbo_chance"]].mean()
    return (
        f"LEMBAS-RNNs that differ in their seed have a rank-biased overlap of {value:.2f}, by "
        f"chance {chance:.2f}: they {judged(value, chance)}."
    )


def beyond(value: float, chance: float, sd: float) -> str:
    """Say on which side of chance a value lies, if on either."""
    if abs(value - chance) <= N_SD * sd:
        return "as by chance"
    return "more than by chance" if value > chance else "less than by chance"
