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
