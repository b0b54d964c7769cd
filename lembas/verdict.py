"""The verdict for readers: where a model stands, and whether the network itself helps.

It follows from the numbers by the rules that :func:`rules` states; nobody writes it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from lembas.gate import informative
from lembas.metrics import PRIMARY
from lembas.significance import LEAST_DIFFERENCE


def rules(least: float = LEAST_DIFFERENCE) -> str:
    """State the conditions under which the verdict says what it says."""
    return (
        f"One model is called better than another on a cohort when its median per-gene skill is at "
        f"least {least:g} higher and the 95 % interval of the paired difference lies above 0; "
        f"equal when the interval lies within {least:g} of 0; else the samples do not decide. "
        "Nothing is said on a cohort where the metric did not pass the gate. The network is called "
        "helpful when the real network beats its rewired twins by the same rule."
    )


def compared(difference: float, low: float, high: float, *, least: float = LEAST_DIFFERENCE) -> str:
    """Judge a difference by the rules: "better", "worse", "equal" or "undecided"."""
    if pd.isna(low) or pd.isna(high):
        return "undecided"
    if low > 0 and difference >= least:
        return "better"
    if high < 0 and difference <= -least:
        return "worse"
    return "equal" if -least < low and high < least else "undecided"


_WORDS: Mapping[str, str] = {
    "better": "{model} predicts better than {reference}",
    "worse": "{model} predicts worse than {reference}",
    "equal": "{model} and {reference} predict equally well",
    "undecided": "the samples do not decide between {model} and {reference}",
}
_NETWORK_WORDS: Mapping[str, str] = {
    "better": "the real network helps {model}",
    "worse": "the real network harms {model}, compared with its rewired twins",
    "equal": "{model} does as well on rewired networks as on the real one",
    "undecided": "the samples do not decide whether {model} gains from the real network",
}


@dataclass(frozen=True)
class Judgement:
    """Answer one question on one cohort.

    Attributes:
        cohort: Its label.
        question: What was compared.
        of_network: Whether real and rewired networks were; else two models.
        outcome: The answer in a word: better, helps, equal, undecided, ...
        clause: The answer as a part of a sentence, with its numbers.
        numbers: The difference and its interval; "" where nothing is said.
    """

    cohort: str
    question: str
    of_network: bool
    outcome: str
    clause: str
    numbers: str


def judged(
    differences: pd.DataFrame,
    gate: pd.DataFrame,
    labels: Mapping[str, str],
    *,
    model: str = "lembas",
    controls: pd.DataFrame | None = None,
    least: float = LEAST_DIFFERENCE,
) -> list[Judgement]:
    """Judge where a model stands, and whether the network helps, on each cohort.

    Args:
        differences: Columns model, reference, cohort, metric, value, low, high (paired, model -
            reference), for the cohorts to speak of.
        gate: Result of :func:`lembas.gate.metric_gate` for these cohorts.
        labels: Model, and cohort, to label.
        model: Model to speak of.
        controls: Columns model, cohort, value, low, high: real minus rewired network; None: not
            measured.
        least: Smallest difference that counts.
    """
    own = differences[(differences["metric"] == PRIMARY) & (differences["model"] == model)]
    found = [_of_model(row, gate, labels, least) for row in own.itertuples()]
    rows = () if controls is None else controls.itertuples()
    return found + [_of_network(row, labels, least) for row in rows]


def sentences(
    judgements: Sequence[Judgement],
    *,
    model: str,
    cohorts: Collection[str] | None = None,
) -> list[str]:
    """Say the judgements in plain sentences, one a cohort.

    Args:
        judgements: Result of :func:`judged`.
        model: The label of the model that was judged.
        cohorts: Labels of the cohorts to speak of; None: all.

    Returns:
        One sentence a cohort, and one for each question that was not asked.
    """
    chosen = [item for item in judgements if cohorts is None or item.cohort in cohorts]
    said = [
        f"On {cohort}, {'; '.join(item.clause for item in chosen if item.cohort == cohort)}."
        for cohort in dict.fromkeys(item.cohort for item in chosen)
    ]
    asked = {item.of_network for item in chosen}
    if False not in asked:
        said.append(f"{model} was not compared with a reference in this run.")
    if True not in asked:
        said.append(
            "Whether the network itself helps is not said: no control networks were compared here."
        )
    return said


def verdict_table(judgements: Sequence[Judgement]) -> pd.DataFrame:
    """Lay the judgements out, as text: a row a question, a column a cohort."""
    columns = {
        cohort: {
            item.question: f"{item.outcome}: {item.numbers}" if item.numbers else item.outcome
            for item in judgements
            if item.cohort == cohort
        }
        for cohort in dict.fromkeys(item.cohort for item in judgements)
    }
    questions = pd.Index(dict.fromkeys(item.question for item in judgements), name="Question")
    table = pd.DataFrame(columns, index=questions, dtype=object)
    return table.fillna("not compared").reset_index()


def _of_model(row: Any, gate: pd.DataFrame, labels: Mapping[str, str], least: float) -> Judgement:
    names = {"model": _label(labels, row.model), "reference": _label(labels, row.reference)}
    cohort = _label(labels, row.cohort)
    question = f"{names['model']} against {names['reference']}"
    if not informative(gate, row.cohort, PRIMARY):
        clause = "nothing is said: the metric did not pass the gate"
        return Judgement(cohort, question, False, "not said", clause, "")
    outcome = compared(row.value, row.low, row.high, least=least)
    clause = f"{_WORDS[outcome].format(**names)}{_in_words(row)}"
    return Judgement(cohort, question, False, outcome, clause, _numbers(row))


def _of_network(row: Any, labels: Mapping[str, str], least: float) -> Judgement:
    model, outcome = _label(labels, row.model), compared(row.value, row.low, row.high, least=least)
    clause = f"{_NETWORK_WORDS[outcome].format(model=model)}{_in_words(row)}"
    short = {"better": "helps", "worse": "harms"}.get(outcome, outcome)
    cohort, question = _label(labels, row.cohort), f"Real against rewired network, {model}"
    return Judgement(cohort, question, True, short, clause, _numbers(row))


def _in_words(row: Any) -> str:
    if pd.isna(row.low):
        return f" (difference {row.value:+.3f}, too few units for an interval)"
    return f" (difference {row.value:+.3f}, 95 % interval {row.low:+.3f} to {row.high:+.3f})"


def _numbers(row: Any) -> str:
    if pd.isna(row.low):
        return f"{row.value:+.3f} (no interval)"
    return f"{row.value:+.3f} ({row.low:+.3f} to {row.high:+.3f})"


def _label(labels: Mapping[str, str], name: str) -> str:
    return str(labels.get(name, name))


def network_controls(
    differences: pd.DataFrame | None, *, model: str = "lembas"
) -> pd.DataFrame | None:
    """Choose, from the chapter on control networks, what the verdict speaks of.

    Args:
        differences: Columns model, variant, cohort, genes, value, low, high: real network minus
            the mean of its controls; None: there is no such table.
        model: Model to keep, with the masked ridge beside it.

    Returns:
        Rows of rewired networks and of targets that are not inputs; None as given.
    """
    if differences is None:
        return None
    wanted = differences["model"].isin([model, "masked_ridge"])
    wanted &= (differences["variant"] == "rewired") & (differences["genes"] == "not_inputs")
    return differences[wanted].reset_index(drop=True)
