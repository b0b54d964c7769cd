"""Sentences follow from the numbers by the stated rule."""

from __future__ import annotations

import pandas as pd
import pytest

from lembas import truth_words

LABELS = {"prior": "the prior alone", "m": "Model M", "m@randomised": "Model M, randomised"}


def table(
    inside: tuple[float, float, float], outside: tuple[float, float, float], *, base: float = 0.1
) -> pd.DataFrame:
    """Lay out ratio and limits of one model for every question."""
    rows = []
    questions = {"direct": inside, "paths": inside, "within_prior": inside}
    for question, (value, low, high) in {**questions, "outside_prior": outside}.items():
        for metric, three in {
            "auprc_over_base": (value, low, high),
            "base_rate": (base, base, base),
            "sign_accuracy": (0.97, 0.9, 1.0),
        }.items():
            rows += [(question, name, metric, *three) for name in ("prior", "m")]
        rows.append((question, "m@randomised", "auprc_over_base", 1.1, 0.9, 1.3))
        rows.append((question, "m@randomised", "base_rate", base, base, base))
    return pd.DataFrame(rows, columns=["question", "model", "metric", "value", "low", "high"])


@pytest.mark.parametrize(
    ("value", "low", "base", "expected"),
    [
        (3.0, 2.0, 0.1, "useful"),
        (1.5, 1.2, 0.1, "weak"),
        (2.5, 2.0, 0.01, "weak"),  # .015 of the way
        (1.3, 1.2, 0.7, "useful"),  # .7 of the way to 1 / .7
        (1.5, 0.9, 0.1, "chance"),
        (1.1, 1.05, 0.1, "chance"),
        (3.0, float("nan"), 0.1, "unknown"),  # too few targets for an interval
    ],
)
def test_the_rule(value: float, low: float, base: float, expected: str) -> None:
    assert truth_words.judged({"value": value, "low": low, "base_rate": base}) == expected


def test_a_question_is_answered_model_by_model() -> None:
    found = truth_words.question_sentence(table((3.0, 2.5, 3.5), (1.0, 0.9, 1.1)), "direct", LABELS)
    assert "10 % of these being true, a perfect ranking is 10 times" in found
    assert "Of use (3 times): the prior alone, Model M." in found
    own = table((3.0, 2.5, 3.5), (1.0, 0.9, 1.1))
    own.loc[(own["model"] == "m") & (own["metric"] == "auprc_over_base"), "value"] = 4.0
    found = truth_words.question_sentence(own, "direct", LABELS)
    assert "Of use (4 to 3 times): Model M, the prior alone." in found
    assert "randomised" not in found


@pytest.mark.parametrize(
    ("inside", "outside", "expected"),
    [
        (
            (3.0, 2.5, 3.5),
            (1.0, 0.9, 1.1),
            "Attributions of Model M can rank the edges that the network proposes, true before "
            "false, and say nothing of regulators that the network does not know; on real data "
            "they may be read as candidates for a test, not as findings.",
        ),
        (
            (1.0, 0.8, 1.2),
            (1.5, 1.3, 1.7),
            "Attributions of Model M do not tell true edges of the network from false ones, and "
            "hint only weakly at regulators that the network does not know; on real data they may "
            "be read as a description of the model, and not as regulation.",
        ),
    ],
)
def test_what_may_be_read(
    inside: tuple[float, float, float], outside: tuple[float, float, float], expected: str
) -> None:
    assert truth_words.reading_sentences(table(inside, outside), ["m"], LABELS) == expected


def test_signs() -> None:
    own = table((3.0, 2.5, 3.5), (1.0, 0.9, 1.1))
    said = truth_words.sign_sentence(own, LABELS)
    assert "right in 97 % (the prior alone) to 97 % (Model M) of them" in said
    assert "All reach 90 %" in truth_words.sign_sentence(own, LABELS)
    own.loc[(own["metric"] == "sign_accuracy") & (own["model"] == "m"), "value"] = 0.6
    said = truth_words.sign_sentence(own, LABELS)
    assert "right in 60 % (Model M) to 97 % (the prior alone)" in said
    assert said.endswith("Below 90 %: Model M.")
    nothing = own[own["metric"] != "sign_accuracy"]
    assert truth_words.sign_sentence(nothing, LABELS).startswith("No edge is recovered")


def test_beside_the_prior() -> None:
    apart = pd.DataFrame(
        {"model": ["m", "n", "o"], "value": [1, 0, -1.0], "low": [0.5, -1, -2.0]}
    ).assign(high=[1.5, 1, -0.5])
    assert truth_words.over_prior_sentence(apart, LABELS) == (
        "Among all pairs, Model M recovers more than the prior alone; o recovers less than the "
        "prior alone; of n these targets do not decide it."
    )
    unknown = apart.assign(low=float("nan"), high=float("nan"))
    assert truth_words.over_prior_sentence(unknown, LABELS) == (
        "Among all pairs, of Model M, n, o these targets do not decide it."
    )


def test_controls() -> None:
    shares = pd.Series({"prior": 9.0, "m": 0.4, "m@randomised": 2.0})
    found = truth_words.control_sentence(table((3.0, 2, 4), (1, 0.9, 1.1)), shares, LABELS)
    assert "Model M, randomised 1.10 times chance, as it should" in found
    assert "on average at most 0.40 times an equal share (Model M), within the 1.5" in found
    none = pd.Series(float("nan"), index=shares.index)
    without = truth_words.control_sentence(table((3.0, 2, 4), (1, 0.9, 1.1)), none, LABELS)
    assert without.endswith("so that there are no decoys.")


def test_a_question_that_is_not_posed_is_not_answered() -> None:
    """A prior without false edges: all of its pairs are true."""
    own = table((3.0, 2.5, 3.5), (1.0, 0.9, 1.1)).query("question != 'within_prior'")
    assert "nothing can be asked here" in truth_words.question_sentence(own, "within_prior", LABELS)
    assert "none could be tried" in truth_words.control_sentence(own, pd.Series({"m": 0.4}), LABELS)
    said = truth_words.reading_sentences(own, ["m"], LABELS)
    assert "Model M cannot be judged by the edges that the network proposes" in said


def test_kinds_and_curves() -> None:
    row = {"question": "direct", "kind": "non-linear", "n_genes": 12, "model": "m"}
    numbers = {"own": 3.0, "other": 4.0, "value": -1, "low": -2, "high": -0.5}
    kinds = pd.DataFrame([{**row, "reference": "prior", **numbers}])
    told = "Model M recovers, beside the prior alone: less of true edges among all pairs"
    less = f"{told} (12 non-linear"
    assert truth_words.kind_sentences(kinds, LABELS) == f"{less} targets)."
    unclear = kinds.assign(kind="multi-hop", high=0.5)
    assert truth_words.kind_sentences(pd.concat([kinds, unclear]), LABELS) == (
        f"{less} targets); undecided in 1 comparison."
    )
    more = kinds.assign(kind="multi-hop", n_genes=1, low=0.5, high=1.0)
    assert truth_words.kind_sentences(more, LABELS).endswith("(1 multi-hop target).")
    linear = kinds.assign(kind="linear")
    assert truth_words.kind_sentences(linear, LABELS) == "No target was non-linear or multi-hop."
    shown = truth_words.kinds_for_reader(kinds, LABELS)
    assert shown.iloc[0].tolist() == ["3.00", "4.00", "-1.00 (-2.00 to -0.50)"]
    ranges = pd.DataFrame(
        {"curve": "noise", "setting": [0.0, 4.0], "question": "direct", "model": "m"}
    ).assign(value=[5.0, 2.0])
    assert truth_words.curve_sentences(ranges, LABELS) == (
        "From 0 to 4 (noise, times the usual): Model M 5.0 to 2.0."
    )


def test_skill() -> None:
    found = truth_words.skill_sentence(pd.Series({"m": 0.512}), LABELS)
    assert found.endswith("over the same targets, is: Model M 0.51.")


def test_the_reader_gets_all_measures() -> None:
    names = ["auprc", "gene_auprc_over_chance", "precision_at_true", "precision_at_3"]
    own = table((3.0, 2.5, 3.5), (1.0, 0.9, 1.1))
    more = [own.query("metric == 'base_rate'").assign(metric=name, value=0.25) for name in names]
    found = truth_words.table_for_reader(pd.concat([own, *more]), LABELS)
    assert found.loc[("true edges among all pairs", "Model M"), "AUPRC / base rate"] == "3.00"
    assert "a useful" not in truth_words.rule()
    assert "1.2 times" in truth_words.rule()
