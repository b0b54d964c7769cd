"""Simulated studies are fitted and explained as told, and curves change one setting at a time."""

from __future__ import annotations

import pandas as pd
import pytest

from lembas import truth_words
from lembas.conditions import Noise
from lembas.plotting import recovery as recovery_figure
from lembas.recovery import by_kind, recovery
from lembas.truth import PRIOR, QUESTIONS, decoy_ratios
from lembas.truth_study import (
    RANDOMISED,
    Rankings,
    TrueStudy,
    curve_ranges,
    explain_all,
    recovery_curves,
    scaled_noise,
    true_study,
)

SETTINGS = {"n_samples": 120, "n_series": 6, "n_tfs": 20, "n_targets": 30, "seed": 4}
SIZES = {"n_genes": 8, "n_samples": 6, "n_background": 6}


@pytest.fixture(scope="module")
def made() -> TrueStudy:
    return true_study(SETTINGS, **SIZES)


@pytest.fixture(scope="module")
def explained(made: TrueStudy) -> Rankings:
    return explain_all(made, ["ridge", "masked_ridge", "xgbrf"], randomise=["masked_ridge"])


def test_the_panel_is_of_targets_and_the_samples_are_held_out(made: TrueStudy) -> None:
    assert len(made.pairs.genes) == 8
    assert made.pairs.genes.isin(made.simulation.targets).all()
    assert made.pairs.tfs.equals(made.train.x.columns.rename("tf"))
    assert not made.samples.index.isin(made.train.x.index).any()
    assert made.background.index.isin(made.train.x.index).all()
    assert made.linear_share.index.equals(made.pairs.genes)
    assert made.linear_share.between(0, 1).all()


def test_every_model_scores_every_pair(made: TrueStudy, explained: Rankings) -> None:
    names = [PRIOR, "ridge", "masked_ridge", f"masked_ridge{RANDOMISED}", "xgbrf"]
    assert list(explained.scores) == names
    assert all(len(table) == len(made.pairs.table) for table in explained.scores.values())
    assert explained.skill.index.tolist() == ["ridge", "masked_ridge", "xgbrf"]
    found = recovery(made.pairs, explained.scores, n_resamples=10)
    assert set(found.table["model"]) == set(names)


def test_a_masked_model_attributes_nothing_outside_the_prior(
    made: TrueStudy, explained: Rankings
) -> None:
    outside = made.pairs.table[~made.pairs.table["in_prior"]]
    for name in ("masked_ridge", f"masked_ridge{RANDOMISED}"):
        found = outside.merge(explained.scores[name], on=["gene", "tf"])
        assert (found["score"] == 0).all()


def test_noise_is_scaled_in_sd() -> None:
    usual, double = Noise(), scaled_noise(2.0)
    assert double.gene == 2 * usual.gene
    assert double.dispersion == pytest.approx(4 * usual.dispersion)
    assert double.factors == usual.factors
    assert scaled_noise(1.0) == usual


def test_curves_change_one_setting_and_share_their_common_point() -> None:
    values = {"n_samples": [60, 120], "noise": [1.0, 3.0], "prior_false_share": [0.0]}
    found = recovery_curves(SETTINGS, values, ["masked_ridge"], seeds=[4], **SIZES)
    counts = found.groupby(["curve", "setting"])["question"].nunique()
    assert counts.loc["n_samples"].tolist() == [2, 2]
    # A prior without false edges asks no question within itself.
    assert counts.loc["prior_false_share"].tolist() == [1]
    common = [found.query("curve == 'n_samples' and setting == 120")]
    common.append(found.query("curve == 'noise' and setting == 1"))
    one, other = (t.drop(columns=["curve", "setting"]).reset_index(drop=True) for t in common)
    pd.testing.assert_frame_equal(one, other)
    prior = found.query("model == @PRIOR and question == 'direct' and curve != 'prior_false_share'")
    assert prior["value"].max() == prior["value"].min(), "the prior alone knows no samples"
    ranges = curve_ranges(found)
    assert (ranges["low"] <= ranges["value"]).all()
    assert (ranges["high"] >= ranges["value"]).all()


def test_unknown_curves_and_empty_panels_are_refused() -> None:
    with pytest.raises(KeyError, match="no curve of n_cells; expected some of noise"):
        recovery_curves(SETTINGS, {"n_cells": [1]}, ["ridge"])
    with pytest.raises(ValueError, match="n_genes=0: nothing to explain; expected numbers of at"):
        true_study(SETTINGS, n_genes=0)


@pytest.mark.parametrize(
    ("setting", "n_genes"),
    [({"prior_false_share": 0.0}, 8), ({}, 3), ({"n_tfs": 20, "n_targets": 20}, 8)],
)
def test_a_study_that_poses_few_questions_is_told_and_drawn(
    setting: dict[str, float], n_genes: int
) -> None:
    """A prior without false edges; too few targets for an interval; perhaps no decoys."""
    study = true_study({**SETTINGS, **setting}, **{**SIZES, "n_genes": n_genes})
    explained = explain_all(study, ["ridge", "masked_ridge"], randomise=["masked_ridge"])
    found = recovery(study.pairs, explained.scores, n_resamples=20)
    kinds = by_kind(
        study.pairs,
        explained.scores,
        study.linear_share,
        model="masked_ridge",
        references=["ridge"],
        n_resamples=20,
    )
    decoys = decoy_ratios(explained.scores, study.simulation.decoys)
    told = [truth_words.question_sentence(found.table, question, {}) for question in QUESTIONS]
    told += [
        truth_words.over_prior_sentence(found.over_prior, {}),
        truth_words.control_sentence(found.table, decoys, {}),
        truth_words.sign_sentence(found.table, {}),
        truth_words.kind_sentences(kinds, {}),
        truth_words.reading_sentences(found.table, ["ridge"], {}),
    ]
    assert not [text for text in told if "nan" in text or ": ." in text]
    if n_genes == 3:
        assert "Not to be judged from so few targets" in told[0]
        assert "these targets do not decide it" in told[len(QUESTIONS)]
    recovery_figure(found.table, questions=dict(QUESTIONS))
