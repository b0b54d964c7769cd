"""The verdict follows the numbers, in sentences and in a table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lembas.gate import INFORMATIVE, NOT_ABOVE
from lembas.metrics import PRIMARY
from lembas.verdict import Judgement, compared, judged, network_controls, sentences, verdict_table

LABELS = {"lembas": "LEMBAS-RNN", "masked_ridge": "Masked ridge", "test": "the test samples"}
HELPED, NOT_HELPED = (0.05, 0.01, 0.09), (0.0, -0.01, 0.01)


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ((0.05, 0.01, 0.09), "better"),
        ((0.05, -0.01, 0.11), "undecided"),
        ((0.01, 0.001, 0.019), "equal"),  # sure, but too small to matter
        ((0.019, 0.001, 0.05), "undecided"),
        ((-0.05, -0.09, -0.01), "worse"),
        ((0.0, -0.019, 0.019), "equal"),
        ((0.0, -0.1, 0.1), "undecided"),
        ((0.5, np.nan, np.nan), "undecided"),
    ],
)
def test_the_rule(numbers: tuple[float, float, float], expected: str) -> None:
    assert compared(*numbers) == expected
    value, low, high = numbers
    turned = {"better": "worse", "worse": "better"}.get(expected, expected)
    assert compared(-value, -high, -low) == turned


def differences_of(value: float, low: float, high: float) -> pd.DataFrame:
    row = {"model": "lembas", "reference": "masked_ridge", "cohort": "test", "metric": PRIMARY}
    return pd.DataFrame([{**row, "value": value, "low": low, "high": high}])


def gate_of(found: str) -> pd.DataFrame:
    rows = [{"cohort": cohort, "metric": PRIMARY, "verdict": found} for cohort in ("test", "far")]
    return pd.DataFrame(rows)


def judgements_of(
    numbers: tuple[float, float, float],
    controls: tuple[float, float, float] | None = None,
    *,
    found: str = INFORMATIVE,
    cohorts: tuple[str, ...] = ("test",),
) -> list[Judgement]:
    asked, beside = (
        None
        if given is None
        else pd.concat([differences_of(*given).assign(cohort=c) for c in cohorts])
        for given in (numbers, controls)
    )
    return judged(asked, gate_of(found), LABELS, controls=beside)


def said(judgements: list[Judgement], cohorts: list[str] | None = None) -> list[str]:
    return sentences(judgements, model="LEMBAS-RNN", cohorts=cohorts)


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        (HELPED, "LEMBAS-RNN predicts better than Masked ridge"),
        ((-0.05, -0.09, -0.01), "LEMBAS-RNN predicts worse than Masked ridge"),
        (NOT_HELPED, "LEMBAS-RNN and Masked ridge predict equally well"),
        ((0.0, -0.1, 0.1), "the samples do not decide between LEMBAS-RNN and Masked ridge"),
    ],
)
def test_the_sentence_follows_the_numbers(numbers: tuple[float, float, float], words: str) -> None:
    first, second = said(judgements_of(numbers))
    assert first.startswith(f"On the test samples, {words} (difference {numbers[0]:+.3f}, 95 %")
    assert second == (
        "Whether the network itself helps is not said: no control networks were compared here."
    )


def test_a_metric_that_failed_the_gate_says_nothing() -> None:
    judgements = judgements_of((0.5, 0.4, 0.6), found=NOT_ABOVE)
    assert said(judgements)[0] == (
        "On the test samples, nothing is said: the metric did not pass the gate."
    )
    assert verdict_table(judgements).iloc[0, 1] == "not said"


def test_too_few_units_decide_nothing() -> None:
    judgements = judgements_of((0.5, np.nan, np.nan))
    assert "do not decide" in said(judgements)[0]
    assert "too few units for an interval" in said(judgements)[0]
    assert verdict_table(judgements).iloc[0, 1] == "undecided: +0.500 (no interval)"


@pytest.mark.parametrize(
    ("numbers", "words", "short"),
    [
        (HELPED, "the real network helps LEMBAS-RNN", "helps"),
        (NOT_HELPED, "LEMBAS-RNN does as well on rewired networks", "equal"),
        ((-0.05, -0.09, -0.01), "the real network harms LEMBAS-RNN", "harms"),
        ((0.0, -0.1, 0.1), "do not decide whether LEMBAS-RNN gains", "undecided"),
    ],
)
def test_the_network_is_judged_by_its_controls(
    numbers: tuple[float, float, float], words: str, short: str
) -> None:
    judgements = judgements_of(HELPED, numbers)
    (sentence,) = said(judgements)
    assert words in sentence
    table = verdict_table(judgements)
    assert table["Question"].tolist() == [
        "LEMBAS-RNN against Masked ridge",
        "Real against rewired network, LEMBAS-RNN",
    ]
    assert table["the test samples"].iloc[1].startswith(f"{short}: {numbers[0]:+.3f} (")


def test_a_cohort_is_named_once() -> None:
    judgements = judgements_of(HELPED, HELPED, cohorts=("test", "far"))
    assert said(judgements) == [
        f"On {cohort}, LEMBAS-RNN predicts better than Masked ridge (difference +0.050, 95 % "
        "interval +0.010 to +0.090); the real network helps LEMBAS-RNN (difference +0.050, 95 % "
        "interval +0.010 to +0.090)."
        for cohort in ("the test samples", "far")
    ]
    assert said(judgements, ["far"]) == said(judgements)[1:]
    table = verdict_table(judgements)
    assert table.columns.tolist() == ["Question", "the test samples", "far"]
    assert table["far"].tolist() == table["the test samples"].tolist()


def test_a_cohort_without_controls_is_marked() -> None:
    judgements = judgements_of(HELPED, HELPED, cohorts=("test", "far"))
    assert verdict_table(judgements[:3])["far"].tolist() == [
        "better: +0.050 (+0.010 to +0.090)",
        "not compared",
    ]


def test_a_model_that_was_not_compared_is_said() -> None:
    judgements = judged(differences_of(0, 0, 0), gate_of(INFORMATIVE), LABELS, model="mlp")
    assert judgements == []
    assert sentences(judgements, model="MLP")[0] == (
        "MLP was not compared with a reference in this run."
    )
    assert verdict_table(judgements).empty


def test_controls_are_those_of_rewired_networks() -> None:
    rows = [
        (model, variant, "test", genes, 0.1, 0.05, 0.15)
        for model in ("lembas", "masked_ridge", "path_ridge")
        for variant in ("rewired", "random")
        for genes in ("not_inputs", "inputs")
    ]
    names = ["model", "variant", "cohort", "genes", "value", "low", "high"]
    chosen = network_controls(pd.DataFrame(rows, columns=names))
    assert chosen is not None
    assert chosen["model"].tolist() == ["lembas", "masked_ridge"]
    assert network_controls(None) is None
