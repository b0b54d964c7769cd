"""Words follow from numbers by the rule that the chapter states."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lembas import attribution_words as words

LABELS = {"mlr": "MLR", "lembas": "LEMBAS-RNN"}


@pytest.mark.parametrize(
    ("value", "chance", "expected"),
    [
        (0.6, 0.2, "agree"),
        (0.59, 0.2, "agree in part"),
        (0.36, 0.2, "agree in part"),
        (0.35, 0.2, "hardly agree more than by chance"),
        (0.1, 0.2, "hardly agree more than by chance"),
        (np.nan, 0.2, "cannot be compared"),
        (1.0, 0.95, "have no choice"),
    ],
)
def test_agreement_is_measured_from_chance(value: float, chance: float, expected: str) -> None:
    """Half of the way from .2 to 1 is .6, a fifth of it .36."""
    assert words.judged(value, chance) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.5, "more than by chance"), (0.44, "as by chance"), (0.2, "less than by chance")],
)
def test_two_standard_deviations_make_a_difference(value: float, expected: str) -> None:
    assert words.beyond(value, 0.4, 0.03) == expected


def test_the_rule_states_its_thresholds() -> None:
    assert "at least half of the way" in words.rule()
    assert "20%" in words.rule()


def pairs_table() -> pd.DataFrame:
    rows = [("G", "mlr", "lembas", 0.3), ("G", "mlr", "ridge", 0.9)]
    table = pd.DataFrame(rows, columns=["gene", "model", "other", "rbo"])
    return table.assign(rbo_chance=0.1)


def test_models_and_seeds() -> None:
    text = words.models_sentence(pairs_table(), LABELS)
    assert "is 0.60, by chance 0.10: the models agree." in text
    assert "Most alike are MLR and ridge (0.90), least MLR and LEMBAS-RNN (0.30)." in text
    one = words.models_sentence(pairs_table().head(1), LABELS)
    assert one.endswith("the models agree in part.")
    assert words.models_sentence(pairs_table().head(0), LABELS).startswith("There are no two")
    assert "overlap of 0.60" in words.seeds_sentence(pairs_table())
    assert words.seeds_sentence(pairs_table().head(0)).startswith("No networks of several seeds")


def test_stability_and_the_randomised_model() -> None:
    table = pd.DataFrame({"model": ["mlr"], "overlap": [0.11], "overlap_chance": [0.07]})
    assert "MLR 0.11 (by chance 0.07: they hardly agree" in words.stability_sentence(table, LABELS)
    twins = pd.DataFrame({"model": ["mlr", "lembas"], "rbo": [0.5, 0.12], "rbo_chance": 0.1})
    text = words.randomised_sentence(twins, LABELS)
    assert "MLR 0.50 (by chance 0.10: not passed); LEMBAS-RNN 0.12 (by chance 0.10: passed)" in text
    nothing = twins.assign(rbo=np.nan)
    assert "not passed" in words.randomised_sentence(nothing, LABELS)
    assert words.randomised_sentence(twins.head(0), LABELS).startswith("No model here")


def test_shares_and_signs() -> None:
    mean = pd.DataFrame(
        {
            "model": ["lembas", "lembas"],
            "kind": ["regulators", "no path"],
            "share": [0.4, 0.0],
            "chance": [0.1, 0.05],
            "chance_sd": 0.02,
        }
    )
    text = words.prior_sentence(mean, LABELS)
    assert "LEMBAS-RNN 40% (a random set 10%: more than by chance)" in text
    assert "LEMBAS-RNN 0.0% (a random set 5.0%)" in words.unreached_sentence(mean, LABELS)
    reached = mean.assign(chance=0.0)
    assert words.unreached_sentence(reached, LABELS) == "Every TF has a path to every gene here."
    signs = pd.DataFrame({"model": "mlr", "n_edges": 10, "n_agree": [9] * 10, "chance": 0.5})
    text = words.sign_sentence(signs, LABELS)
    assert "MLR 90% of 100 edges (by chance 50%: more than by chance)" in text
    one = words.sign_sentence(signs.head(1), LABELS)
    assert "as by chance" in one, "a single gene cannot tell"
    assert words.sign_sentence(signs.head(0), LABELS).startswith("No model uses an edge")


def test_skill_and_decoys() -> None:
    skill = np.linspace(0, 1, 10)
    table = pd.DataFrame({"model": "mlr", "skill": skill, "share": skill**2})
    assert "MLR (rank correlation 1.00, 10 genes: more on them)" in words.skill_sentence(
        table, LABELS
    )
    mixed = table.assign(share=[0.1, 0.9, 0.2, 0.8, 0.3, 0.7, 0.4, 0.6, 0.5, 0.5])
    assert "no relation that so few genes show" in words.skill_sentence(mixed, LABELS)
    assert words.skill_sentence(table.head(3), LABELS).startswith("Too few genes")
    masked = table.assign(share=1 - 1e-16 * np.arange(10))
    assert words.skill_sentence(masked, LABELS).startswith("Too few genes")
    decoys = pd.DataFrame({"model": ["mlr", "ridge"], "ratio": [1.6, 0.4]})
    text = words.decoy_sentence(decoys, LABELS)
    assert "MLR 1.60 times (above the limit); ridge 0.40 times (within the limit)" in text
