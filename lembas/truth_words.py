"""Say by rule what an attribution tells of regulation, from how it did where the truth is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from lembas.agreement import DECOY_LIMIT
from lembas.formats import counted
from lembas.truth import LEAST_EFFECT, LEAST_LINEAR, PRIOR, QUESTIONS
from lembas.truth_study import CURVES, RANDOMISED

# A ranking this many times better than chance is called useful, and one below CHANCE chance.
USEFUL, CHANCE = 2.0, 1.2
# Among a prior's pairs most are true, so that few rankings can be twice as good as chance, and
# outside it so few are that twice is next to nothing: the part of the way from chance to a perfect
# ranking counts too.
USEFUL_PART, LEAST_PART = 0.5, 0.1
# A sign may be read off where it is right in this share of the recovered edges.
SURE_SIGN = 0.9
_UNDECIDED = "undecided"


def judged(row: Mapping[str, Any]) -> str:
    """Place a ranking between chance and perfection.

    Args:
        row: ``value`` (AUPRC over base rate), ``low`` (its lower limit) and ``base_rate``.

    Returns:
        "unknown" without a lower limit; "useful" from ``USEFUL`` times chance and ``LEAST_PART`` of
        the way to a perfect ranking on, or from ``USEFUL_PART`` of the way; "chance" below
        ``CHANCE`` times and ``LEAST_PART`` of the way, or where the interval reaches chance; else
        "weak".
    """
    if pd.isna(row["low"]):
        return "unknown"
    part = (row["value"] - 1) * row["base_rate"] / (1 - row["base_rate"])
    if row["low"] <= 1 or (row["value"] < CHANCE and part < LEAST_PART):
        return "chance"
    is_useful = part >= USEFUL_PART or (row["value"] >= USEFUL and part >= LEAST_PART)
    return "useful" if is_useful else "weak"


_JUDGEMENTS: Mapping[str, str] = {
    "useful": "Of use",
    "weak": "Better than chance, but weak",
    "chance": "No better than chance",
    "unknown": "Not to be judged from so few targets",
}


def question_sentence(table: pd.DataFrame, question: str, labels: Mapping[str, str]) -> str:
    """Say how the models rank the pairs of one question, the best first: times chance.

    Args:
        table: Tidy: question, model, metric, value, low, high.
        question: One of :data:`lembas.truth.QUESTIONS`.
        labels: Model to label.
    """
    rows = _wide(table, question)
    if rows.empty:
        return f"Of {QUESTIONS[question]} nothing can be asked here: all of them are true, or none."
    base = float(rows["base_rate"].iloc[0])
    rows = rows[~rows.index.str.endswith(RANDOMISED)].sort_values(
        "value", ascending=False, kind="stable"
    )
    verdicts = rows.apply(judged, axis=1)
    parts = [
        _with_range(words, rows.loc[verdicts == verdict, "value"], labels)
        for verdict, words in _JUDGEMENTS.items()
        if (verdicts == verdict).any()
    ]
    return (
        f"For {QUESTIONS[question]}, {100 * base:.0f} % of these being true, a perfect ranking is "
        f"{1 / base:.3g} times as good as chance. {' '.join(parts)}"
    )


def _with_range(words: str, values: pd.Series, labels: Mapping[str, str]) -> str:
    """Name models, the best first, with their highest and lowest value."""
    ends = list(dict.fromkeys(f"{value:.3g}" for value in (values.iloc[0], values.iloc[-1])))
    return f"{words} ({' to '.join(ends)} times): {_listed(values.index.to_series(), labels)}."


def sign_sentence(table: pd.DataFrame, labels: Mapping[str, str]) -> str:
    """Say how often the direction of a recovered edge is right."""
    rows = table.query("question == 'direct' and metric == 'sign_accuracy'").dropna(subset="value")
    rows = rows[~rows["model"].str.endswith(RANDOMISED)].sort_values("value", kind="stable")
    if rows.empty:
        return "No edge is recovered whose direction could be right or wrong."
    least, most = (
        f"{100 * row.value:.0f} % ({_label(row.model, labels)})"
        for row in (rows.iloc[0], rows.iloc[-1])
    )
    wrong = rows.loc[rows["value"] < SURE_SIGN, "model"]
    verdict = (
        f"Below {100 * SURE_SIGN:.0f} %: {_listed(wrong, labels)}."
        if len(wrong)
        else f"All reach {100 * SURE_SIGN:.0f} %: where an edge is recovered, its sign may be read."
    )
    return f"The direction of recovered edges is right in {least} to {most} of them. {verdict}"


def over_prior_sentence(differences: pd.DataFrame, labels: Mapping[str, str]) -> str:
    """Say which models recover more than the prior alone does.

    Args:
        differences: Columns model, value, low, high: AUPRC over base rate, model - prior, among
            all pairs.
        labels: Model to label.
    """
    differences = differences[~differences["model"].str.endswith(RANDOMISED)]
    is_more, is_less = differences["low"] > 0, differences["high"] < 0
    groups = {
        "more than": differences.loc[is_more, "model"],
        "less than": differences.loc[is_less, "model"],
    }
    parts = [
        f"{_listed(models, labels)} recover{'s' if len(models) == 1 else ''} {words} "
        "the prior alone"
        for words, models in groups.items()
        if len(models)
    ]
    unclear = differences.loc[~is_more & ~is_less, "model"]
    if len(unclear):
        parts.append(f"of {_listed(unclear, labels)} these targets do not decide it")
    return f"Among all pairs, {'; '.join(parts) or 'no model was asked'}."


def control_sentence(
    table: pd.DataFrame, decoys: pd.Series, labels: Mapping[str, str], *, most: float = CHANCE
) -> str:
    """Say whether randomised models fall to chance, and whether decoys get what they should.

    A randomised model that keeps to the edges of the prior cannot fall below the prior among all
    pairs, so it is asked to fall to chance among the pairs of the prior.
    """
    rows = table.query("question == 'within_prior' and metric == 'auprc_over_base'")
    rows = rows[rows["model"].str.endswith(RANDOMISED)]
    fallen = [
        f"{_label(row.model, labels)} {row.value:.2f} times chance, "
        f"{'as it should' if abs(row.value - 1) <= most - 1 else 'which is too far from it'}"
        for row in rows.itertuples()
    ]
    return (
        f"With their weights in the wrong places, models come among the pairs of the prior to: "
        f"{'; '.join(fallen) or 'none could be tried'}. {_decoy_sentence(decoys, labels)}"
    )


def _decoy_sentence(decoys: pd.Series, labels: Mapping[str, str]) -> str:
    own = decoys[~decoys.index.str.endswith(RANDOMISED) & (decoys.index != PRIOR)].dropna()
    if own.empty:
        return "Every TF of this study regulates something, so that there are no decoys."
    worst = own.idxmax()
    verdict = "within" if own[worst] <= DECOY_LIMIT else "beyond"
    return (
        f"TFs that regulate nothing get on average at most {own[worst]:.2f} times an equal share "
        f"({_label(worst, labels)}), {verdict} the {DECOY_LIMIT:g} that are allowed."
    )


def kind_sentences(kinds: pd.DataFrame, labels: Mapping[str, str]) -> str:
    """Say whether one model recovers more than others where a linear one should do badly.

    Args:
        kinds: As :func:`lembas.recovery.by_kind` gives them.
        labels: Model to label.
    """
    hard = kinds[kinds["kind"].isin(["non-linear", "multi-hop"])]
    sentences = []
    for reference, own in hard.groupby("reference", sort=False):
        told = own.apply(_told, axis=1)
        parts = [
            f"{verdict} of {QUESTIONS[str(question)]} ({_kinds_listed(rows)})"
            for verdict in ("more", "less")
            for question, rows in own[told == verdict].groupby("question", sort=False)
        ]
        same = counted((told == _UNDECIDED).sum(), "comparison")
        parts += [f"{_UNDECIDED} in {same}"] if (told == _UNDECIDED).any() else []
        model = _label(own["model"].iloc[0], labels)
        sentences.append(
            f"{model} recovers, beside {_label(reference, labels)}: {'; '.join(parts)}."
        )
    return " ".join(sentences) or "No target was non-linear or multi-hop."


def _kinds_listed(rows: pd.DataFrame) -> str:
    return ", ".join(counted(row.n_genes, f"{row.kind} target") for row in rows.itertuples())


def kinds_for_reader(kinds: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    """Lay out what :func:`lembas.recovery.by_kind` gives: one row a question, kind and reference.

    Args:
        kinds: As :func:`lembas.recovery.by_kind` gives them.
        labels: Model to label.

    Returns:
        Text cells: AUPRC over base rate of the model and of the reference, and the difference.
    """
    apart = [f"{r.value:+.2f} ({r.low:+.2f} to {r.high:+.2f})" for r in kinds.itertuples()]
    shown = kinds.assign(
        question=kinds["question"].map(dict(QUESTIONS)),
        kind=[f"{kind} ({n})" for kind, n in zip(kinds["kind"], kinds["n_genes"], strict=True)],
        reference=kinds["reference"].map(lambda name: _label(name, labels)),
        own=kinds["own"].map("{:.2f}".format),
        other=kinds["other"].map("{:.2f}".format),
        difference=apart,
    )
    columns = {"own": _label(kinds["model"].iloc[0], labels), "other": "reference's"}
    columns["difference"] = "difference (95 % interval)"
    shown = shown.set_index(["question", "kind", "reference"])[list(columns)]
    return shown.rename(columns=columns).rename_axis(["of", "targets", "beside"])


def skill_sentence(skill: pd.Series, labels: Mapping[str, str]) -> str:
    """Say how well the models predict what is explained."""
    parts = [f"{_label(model, labels)} {value:.2f}" for model, value in skill.items()]
    return f"Their median skill on held-out samples, over the same targets, is: {', '.join(parts)}."


def _told(row: Any) -> str:
    return "more" if row.low > 0 else "less" if row.high < 0 else _UNDECIDED


def curve_sentences(ranges: pd.DataFrame, labels: Mapping[str, str]) -> str:
    """Say what each curve's ends are, among all pairs."""
    sentences = []
    for curve, own in ranges[ranges["question"] == "direct"].groupby("curve", sort=False):
        ends = own["setting"].min(), own["setting"].max()
        first, last = (own[own["setting"] == end].set_index("model")["value"] for end in ends)
        parts = [f"{_label(m, labels)} {first[m]:.1f} to {last[m]:.1f}" for m in first.index]
        sentences.append(
            f"From {ends[0]:g} to {ends[1]:g} ({CURVES[str(curve)]}): {', '.join(parts)}."
        )
    return " ".join(sentences)


def reading_sentences(table: pd.DataFrame, models: Iterable[str], labels: Mapping[str, str]) -> str:
    """Say whether attributions of some models on real data may be read as regulation.

    The simulation is kinder than any tissue: what fails here cannot be trusted there, and what
    succeeds here is not proved there.

    Args:
        table: Tidy: question, model, metric, value, low, high.
        models: Models to speak of.
        labels: Model to label.
    """
    return " ".join(_reading(table, model, labels) for model in models)


def _reading(table: pd.DataFrame, model: str, labels: Mapping[str, str]) -> str:
    inside, outside = (_judged_of(table, name, model) for name in ("within_prior", "outside_prior"))
    within = {
        "useful": "can rank the edges that the network proposes, true before false",
        "weak": "rank the edges that the network proposes little better than chance",
        "chance": "do not tell true edges of the network from false ones",
        "unknown": "cannot be judged by the edges that the network proposes",
    }[inside]
    beyond = {
        "useful": "point at regulators that the network does not know",
        "weak": "hint only weakly at regulators that the network does not know",
        "chance": "say nothing of regulators that the network does not know",
        "unknown": "cannot be judged by regulators that the network does not know",
    }[outside]
    reading = (
        "as candidates for a test, not as findings"
        if "useful" in (inside, outside)
        else "as a description of the model, and not as regulation"
    )
    return (
        f"Attributions of {_label(model, labels)} {within}, and {beyond}; on real data they may be "
        f"read {reading}."
    )


def _judged_of(table: pd.DataFrame, question: str, model: str) -> str:
    """Judge a model; "unknown" where the question is not posed."""
    rows = _wide(table, question)
    return judged(rows.loc[model]) if model in rows.index else "unknown"


def rule() -> str:
    """State the rules of the sentences."""
    return (
        f"a ranking is of use from {USEFUL:g} times chance and {100 * LEAST_PART:.0f} % of the way "
        f"from chance to a perfect ranking on, or from {100 * USEFUL_PART:.0f} % of the way; it is "
        "no better than chance where its 95 % interval reaches 1, or below "
        f"{CHANCE:g} times and {100 * LEAST_PART:.0f} % of the way; "
        f"a sign may be read where {100 * SURE_SIGN:.0f} % are right; a decoy may get "
        f"{DECOY_LIMIT:g} times an equal share; a randomised model must lie within "
        f"{100 * (CHANCE - 1):.0f} % of chance; a comparison is undecided where the 95 % interval "
        "of the difference holds 0. A TF acts on a target that moves by "
        f"{LEAST_EFFECT:g} log2 units when the TF moves by one SD; a target is non-linear when a "
        "linear function of its true regulators "
        f"gives less than {100 * LEAST_LINEAR:.0f} % of its response, and multi-hop when more TFs "
        "act on it without an edge than with one."
    )


def table_for_reader(table: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    """Lay all measures out: one row a question and model, one column a measure, as text."""
    names = {
        "auprc": "AUPRC",
        "base_rate": "base rate",
        "auprc_over_base": "AUPRC / base rate",
        "gene_auprc_over_chance": "the same in each target's list, median",
        "precision_at_true": "precision, as many as are true",
        "precision_at_3": "precision, 3 a target",
        "sign_accuracy": "right signs",
    }
    text = ["" if pd.isna(v) else f"{v:.2f}" for v in table["value"]]
    shown = table.assign(text=text).pivot_table(
        index=["question", "model"], columns="metric", values="text", aggfunc="first", sort=False
    )[list(names)]
    shown = shown.rename(index={**QUESTIONS, **labels}, columns=names)
    return shown.rename_axis(index=["of", "model"], columns=None)


def _wide(table: pd.DataFrame, question: str) -> pd.DataFrame:
    """Put ratio, limits and base rate of one question side by side, over model."""
    own = table[table["question"] == question]
    rows = own[own["metric"] == "auprc_over_base"].set_index("model")[["value", "low", "high"]]
    base = own[own["metric"] == "base_rate"].set_index("model")["value"]
    return rows.assign(base_rate=base)


def _label(model: Any, labels: Mapping[str, str]) -> str:
    return str(labels.get(model, model))


def _listed(models: pd.Series, labels: Mapping[str, str]) -> str:
    return ", ".join(_label(model, labels) for model in models)
