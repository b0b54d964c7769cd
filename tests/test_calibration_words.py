"""The sentences about coverage follow their rule, and the page shows every row."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lembas.calibration import AIM, QUANTITIES
from lembas.calibration_words import (
    coverage_sentences,
    coverage_table,
    judged,
    limit_sentence,
    rule,
)


def covered(*shares: float, half: float = 0.01) -> pd.DataFrame:
    """Invent the coverage of skill, difference and A/A of one regime."""
    table = pd.DataFrame({"quantity": list(QUANTITIES), "coverage": shares})
    return table.assign(
        regime="far",
        n_units=5,
        samples_per_unit=8,
        n_samples=40,
        n_studies=400,
        low=table["coverage"] - half,
        high=table["coverage"] + half,
        width=0.05,
        limit=[0.5, 0.1, 0.0],
        shift=[0.004, 0.0025, 0.0],
        limit_coverage=table["coverage"] - 0.02,
    )


def nothing() -> pd.DataFrame:
    unknown = ["coverage", "low", "high", "width", "limit_coverage"]
    return covered(0.95, 0.95, 0.95).assign(**dict.fromkeys(unknown, np.nan))


@pytest.mark.parametrize(
    ("share", "half", "verdict"),
    [
        (AIM[0], 0.05, "within"),
        (AIM[1], 0.001, "within"),
        (0.92, 0.02, "perhaps too narrow"),
        (0.90, 0.02, "too narrow"),
        (0.98, 0.02, "perhaps too wide"),
        (0.99, 0.005, "too wide"),
    ],
)
def test_a_coverage_is_judged_by_the_aim_and_its_own_interval(share, half, verdict) -> None:
    assert judged(share, share - half, share + half) == verdict


@pytest.mark.parametrize(
    ("shares", "words"),
    [
        ((0.95, 0.94, 0.97), ("skill in 95.0 % (94.0 to 96.0), as often as they should; those",)),
        ((0.95, 0.90, 0.97), ("difference in 90.0 % (89.0 to 91.0), too seldom: they are too",)),
        ((0.99, 0.94, 0.97), ("skill in 99.0 % (98.0 to 100.0), too often: they are wider",)),
        ((0.925, 0.94, 0.97), ("less than the aim, though so many studies do not decide",)),
        ((0.95, 0.95, 0.95), ('Equal models "differ" in 5.0 %, no more than the 5 % that are',)),
        ((0.95, 0.95, 0.93), ("in 7.0 %, more than the 5 % that are allowed: a difference",)),
        ((0.95, 0.95, 0.945), ("in 5.5 %, more than 5 %, though so many studies do not",)),
    ],
)
def test_the_sentences_follow_the_numbers(shares, words) -> None:
    text = coverage_sentences(covered(*shares))
    assert text.startswith("In cohorts like far (5 units of 8 samples) intervals hold")
    for part in words:
        assert part in text


def test_every_regime_has_its_sentence() -> None:
    other = covered(0.95, 0.95, 0.95).assign(regime="near", samples_per_unit=1)
    text = coverage_sentences(pd.concat([nothing(), other]))
    assert "like far (5 units of 8 samples) no interval is given: fewer than 4 units." in text
    assert "In cohorts like near (5 units of 1 sample) intervals hold" in text


def test_the_limit_is_said_to_lie_elsewhere() -> None:
    other = covered(0.95, 0.94, 0.95).assign(regime="near", shift=[0.001, 0.009, 0.0])
    text = limit_sentence(pd.concat([covered(0.95, 0.95, 0.95), other]))
    assert "skill of one model, by up to 0.004, so that 93.0 % of the intervals hold it" in text
    assert "difference of two models, by up to 0.009, so that 92.0 to 93.0 % of the" in text
    assert "A/A" not in text
    assert limit_sentence(nothing()).startswith("No interval was given")


def test_the_rule_names_the_aim() -> None:
    assert rule().startswith("the aim is 93 to 97 %;")


def test_the_page_shows_every_row_and_says_where_there_is_no_interval() -> None:
    shown = coverage_table(covered(0.95, 0.94, 0.97))
    assert len(shown) == len(QUANTITIES)
    assert shown.iloc[0].tolist() == ["95.0 % (94.0 to 96.0)", "0.050", "0.004", "93.0 %"]
    none = coverage_table(nothing())
    assert set(none.iloc[:, 0]) == {"no interval: too few units"}
    assert set(none.iloc[:, -1]) == {"no interval: too few units"}
