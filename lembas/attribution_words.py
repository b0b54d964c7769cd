"""Say by rule what comparisons of attributions come to."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from scipy.stats import spearmanr

from lembas.agreement import DECOY_LIMIT
from lembas.formats import counted
from lembas.prior_support import KINDS, NO_PATH, REGULATORS

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


def _mean(table: pd.DataFrame, quantity: str = "rbo") -> tuple[float, float]:
    return float(table[quantity].mean()), float(table[f"{quantity}_chance"].mean())


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
    value, chance = _mean(pairs)
    return (
        f"LEMBAS-RNNs that differ in their seed have a rank-biased overlap of {value:.2f}, by "
        f"chance {chance:.2f}: they {judged(value, chance)}."
    )


def stability_sentence(refits: pd.DataFrame, labels: Mapping[str, str]) -> str:
    """Say what the first ten TFs of two refits have in common, model by model.

    Args:
        refits: Result of :func:`lembas.stability.refits`.
        labels: Model to label.
    """
    parts = []
    for model, own in refits.groupby("model", sort=False):
        value, chance = _mean(own, "overlap")
        words = f"{value:.2f} (by chance {chance:.2f}: they {judged(value, chance)})"
        parts.append(f"{labels.get(str(model), model)} {words}")
    return (
        "Of the ten TFs that matter most, two fits to resampled training samples share this "
        f"part: {'; '.join(parts)}."
    )


def beyond(value: float, chance: float, sd: float) -> str:
    """Say on which side of chance a value lies, if on either."""
    if abs(value - chance) <= N_SD * sd:
        return "as by chance"
    return "more than by chance" if value > chance else "less than by chance"


def prior_sentence(mean: pd.DataFrame, labels: Mapping[str, str]) -> str:
    """Say what part of each model's attribution lies on the genes' own regulators.

    Args:
        mean: Result of :func:`lembas.prior_support.mean_shares`.
        labels: Model to label.
    """
    parts = [
        f"{labels.get(row.model, row.model)} {row.share:.0%} (a random set {row.chance:.0%}: "
        f"{beyond(row.share, row.chance, row.chance_sd)})"
        for row in mean[mean["kind"] == REGULATORS].itertuples()
    ]
    return f"On {KINDS[REGULATORS]} lies this part of a gene's attribution: {'; '.join(parts)}."


def sign_sentence(signs: pd.DataFrame, labels: Mapping[str, str]) -> str:
    """Say how often directions are the signs of the prior's edges.

    Args:
        signs: Result of :func:`lembas.prior_support.sign_agreement`.
        labels: Model to label.

    Returns:
        A sentence; the standard deviation is that of a sum over genes.
    """
    if signs.empty:
        return "No model uses an edge of the prior here, so that no sign can be compared."
    parts = []
    for model, own in signs.groupby("model", sort=False):
        n, expected = own["n_edges"].sum(), own["n_edges"] * own["chance"]
        value, chance = own["n_agree"].sum() / n, expected.sum() / n
        # Directions of one gene's TFs go together: genes, not edges, are the units.
        sd = ((own["n_agree"] - expected) ** 2).sum() ** 0.5 / n
        verdict = beyond(value, chance, sd)
        words = f"{value:.0%} of {counted(n, 'edge')} (by chance {chance:.0%}: {verdict})"
        parts.append(f"{labels.get(str(model), model)} {words}")
    return f"The direction is the sign that the prior gives the edge: {'; '.join(parts)}."


def skill_sentence(table: pd.DataFrame, labels: Mapping[str, str]) -> str:
    """Say whether genes that are predicted better rest more on their own regulators.

    Args:
        table: Result of :func:`lembas.prior_support.against_skill`.
        labels: Model to label.
    """
    parts = []
    for model, own in table.groupby("model", sort=False):
        # A masked model has the same share for all genes, but for rounding.
        if len(own) < 4 or (own[["skill", "share"]].round(9).nunique() < 2).any():
            continue
        result = spearmanr(own["skill"], own["share"])
        words = "no relation that so few genes show"
        if result.pvalue < LEVEL:
            words = "more on them" if result.statistic > 0 else "less on them"
        found = f"rank correlation {result.statistic:.2f}, {len(own)} genes: {words}"
        parts.append(f"{labels.get(str(model), model)} ({found})")
    if not parts:
        return "Too few genes have a score to compare skill with attributions."
    return f"Do genes that are predicted better rest on their own regulators? {'; '.join(parts)}."


def randomised_sentence(twins: pd.DataFrame, labels: Mapping[str, str]) -> str:
    """Say whether models with permuted weights give other attributions, as they must.

    Args:
        twins: Result of :func:`lembas.agreement.twins` of the models and the randomised ones, with
            the kinds of TFs.
        labels: Model to label.
    """
    if twins.empty:
        return "No model here has weights that can be permuted."
    parts = []
    for model, own in twins.groupby("model", sort=False):
        value, chance = _mean(own)
        verdict = "not passed"
        if pd.notna(value) and (chance >= NO_CHOICE or excess(value, chance) < IN_PART):
            verdict = "passed"
        words = f"{value:.2f} (by chance {chance:.2f}: {verdict})"
        parts.append(f"{labels.get(str(model), model)} {words}")
    return (
        "With its weights permuted a model must be explained by other TFs, as far as the network "
        "leaves it a choice. Its rank-biased overlap with itself is then, beside what an order "
        f"without meaning gives within each kind of TF: {'; '.join(parts)}."
    )


def decoy_sentence(decoys: pd.DataFrame, labels: Mapping[str, str]) -> str:
    """Say what decoys get of an equal share.

    Args:
        decoys: Result of :func:`lembas.stability.decoy_shares`.
        labels: Model to label.
    """
    parts = []
    for model, ratio in decoys.groupby("model", sort=False)["ratio"].mean().items():
        verdict = "within" if ratio <= DECOY_LIMIT else "above"
        parts.append(f"{labels.get(str(model), model)} {ratio:.2f} times ({verdict} the limit)")
    return (
        "A decoy, a copy of a TF with its values permuted over samples, gets of an equal share on "
        f"average: {'; '.join(parts)}. The limit is {DECOY_LIMIT:g} times."
    )


def unreached_sentence(mean: pd.DataFrame, labels: Mapping[str, str]) -> str:
    """Say what TFs without a path to the gene get; ``mean`` as of :func:`prior_sentence`."""
    rows = mean[(mean["kind"] == NO_PATH) & (mean["chance"] > 0)]
    if rows.empty:
        return "Every TF has a path to every gene here."
    parts = [
        f"{labels.get(row.model, row.model)} {row.share:.1%} (a random set {row.chance:.1%})"
        for row in rows.itertuples()
    ]
    return f"{KINDS[NO_PATH]} get this part: {'; '.join(parts)}."
