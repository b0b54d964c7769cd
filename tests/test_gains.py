"""What a longer reach gains is told from what the network gains."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lembas.control_words import reach_sentences
from lembas.gains import gains_over_nearest
from lembas.intervals import half_width

NAMES = ["model", "variant", "draw", "cohort", "genes"]
LABELS = {"far": "Far model"}
PLACES = [
    *[("masked_ridge", "real", 0), ("masked_ridge", "rewired", 0), ("masked_ridge", "rewired", 1)],
    *[("masked_ridge", "rewired", 2), ("far", "real", 0), ("far", "rewired", 0)],
    *[("far", "rewired", 1), ("alone", "real", 0)],
]


@pytest.fixture
def skills() -> tuple[pd.Series, pd.DataFrame, pd.Series]:
    """Six units; the third rewired draw of the nearest model has no twin."""
    columns = pd.MultiIndex.from_tuples(
        [(*place, "test", "not_inputs") for place in PLACES], names=NAMES
    )
    value = pd.Series([0.5, 0.4, 0.38, 0.9, 0.7, 0.55, 0.57, 0.6], index=columns)
    noise = np.random.default_rng(1).normal(0, 0.01, (200, len(columns)))
    n_units = pd.Series(
        [30], index=pd.MultiIndex.from_tuples([("test", "not_inputs")], names=NAMES[3:])
    )
    return value, value.to_numpy() + pd.DataFrame(noise, columns=columns), n_units


def test_gains_by_hand(skills) -> None:
    value, resampled, n_units = skills
    table = gains_over_nearest(value, resampled, n_units).set_index(["model", "network"])
    assert table.loc["far", "value"].to_dict() == pytest.approx(
        {"real": 0.2, "rewired": 0.17, "difference": 0.03}
    )
    assert table.loc["far", "n_draws"].to_dict() == {"real": 1, "rewired": 2, "difference": 2}
    assert table.loc["alone"].index.tolist() == ["real"]
    draws = resampled.droplevel(["cohort", "genes"], axis=1)
    rewired = [draws["far", "rewired", k] - draws["masked_ridge", "rewired", k] for k in (0, 1)]
    apart = draws["far", "real", 0] - draws["masked_ridge", "real", 0] - sum(rewired) / 2
    half = half_width(apart.to_frame(), 30).iloc[0]
    row = table.loc[("far", "difference")]
    assert [row["low"], row["high"]] == pytest.approx([0.03 - half, 0.03 + half])


def test_without_the_nearest_model_nothing_is_compared(skills) -> None:
    value, resampled, n_units = skills
    keep = value.index.get_level_values("model") != "masked_ridge"
    table = gains_over_nearest(value[keep], resampled.loc[:, keep], n_units)
    assert table.empty
    assert reach_sentences(table, "test", {}) == (
        "No model of longer reach was compared on the test samples."
    )


@pytest.mark.parametrize(
    ("rest", "half", "words"),
    [
        (0.05, 0.01, "the real network adds to what the reach gains"),
        (0.0, 0.01, "all of the gain is reach, none of it the network's"),
        (-0.05, 0.01, "the reach gains less on the real network"),
        (0.03, 0.1, "whether the real network adds to what the reach gains cannot be told"),
    ],
)
def test_the_sentence_follows_the_rule(rest: float, half: float, words: str) -> None:
    values = [0.2 + rest, 0.2, rest]
    table = pd.DataFrame(
        {
            "model": "far",
            "cohort": "test",
            "genes": "not_inputs",
            "network": ["real", "rewired", "difference"],
            "n_draws": [1, 5, 5],
            "value": values,
            "low": np.subtract(values, half),
            "high": np.add(values, half),
        }
    )
    sentence = reach_sentences(table, "test", LABELS)
    assert sentence.startswith(
        f"On the test samples, over the masked ridge: Far model gains {0.2 + rest:+.3f} (95 % "
        "interval"
    )
    assert f"{words}, {rest:+.3f} (" in sentence
    assert "on 5 networks rewired, of the same reach: " in sentence
