"""Folds and growing parts of the training samples, on the small simulated study."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from lembas.baselines import make
from lembas.folds import cross_validate, curve_summary, fold_table, learning_curve
from lembas.inner_split import folds_of
from lembas.metrics import score_per_gene
from lembas.study import Study

MODELS = ("train_mean", "masked_ridge")


def test_scores_are_those_of_a_loop_by_hand(study: Study) -> None:
    train = study.dataset.train
    found = cross_validate(train, study.network, MODELS, n_folds=3, seeds=(5, 6))
    assert list(found.columns) == ["model", "seed", "fold", "n_train", "n_test", "value"]
    assert len(found) == 2 * 3 * 2
    assert (found["n_train"] + found["n_test"] == len(train.x)).all()
    at = found.set_index(["model", "seed", "fold"])["value"]
    fold = folds_of(train.x.index, train.series, n_folds=3, seed=6)
    held_out = fold.index[fold == 1]
    rest = fold.index[fold != 1]
    model = make("masked_ridge", study.network).fit(train.x.loc[rest], train.y.loc[rest])
    mean = train.y.loc[rest].astype(float).mean()
    scores = score_per_gene(train.y.loc[held_out], model.predict(train.x.loc[held_out]), mean)
    assert at["masked_ridge", 6, 1] == pytest.approx(scores["skill_per_gene"].median(), abs=1e-6)
    assert at["train_mean"].abs().max() < 1e-6, "the null's skill is 0 by definition"


def test_a_profile_s_own_model_joins(study: Study) -> None:
    extra = {
        "knn": {
            "estimator": "sklearn.neighbors.KNeighborsRegressor",
            "parameters": {"n_neighbors": 3},
        }
    }
    found = cross_validate(study.dataset.train, study.network, ["knn"], n_folds=2, extra=extra)
    assert found["value"].notna().all()


def test_the_curve_ends_at_the_model_fitted_on_all(study: Study) -> None:
    train, test = study.dataset.train, study.dataset.test
    curve = learning_curve(train, test, study.network, MODELS, fractions=(0.5, 1.0), seeds=(1, 2))
    assert curve["n_units"].unique().tolist() == [3, 6], "whole series, rounded up"
    whole = curve[curve["n_train"] == len(train.x)].set_index(["model", "seed"])["value"]
    model = make("masked_ridge", study.network).fit(train.x, train.y)
    scores = score_per_gene(test.y, model.predict(test.x), study.dataset.train_mean)
    for seed in (1, 2):
        expected = scores["skill_per_gene"].median()
        assert whole["masked_ridge", seed] == pytest.approx(expected, abs=1e-5)
        assert whole["train_mean", seed] == pytest.approx(0, abs=1e-6)


def test_samples_are_added_one_by_one_where_series_are_unknown(study: Study) -> None:
    train = replace(study.dataset.train, series=None)
    n = len(train.x)
    curve = learning_curve(
        train, study.dataset.test, study.network, ["train_mean"], fractions=(2 / n, 3 / n, 0.5)
    )
    assert curve["n_train"].tolist() == [3, int(np.ceil(n / 2))], "two samples are too few"


def test_the_summary_is_the_range_over_seeds() -> None:
    curve = pd.DataFrame(
        {"model": "a", "seed": [1, 2, 3], "n_units": 4, "n_train": [10, 12, 14]}
    ).assign(value=[0.3, 0.1, 0.2])
    row = curve_summary(curve).iloc[0]
    assert row[["n_train", "value", "low", "high"]].tolist() == [12, 0.2, 0.1, 0.3]


@pytest.mark.parametrize("fractions", [(), (0.0, 0.5), (1.2,)])
def test_fractions_out_of_range_are_refused(study: Study, fractions: tuple[float, ...]) -> None:
    train = study.dataset.train
    with pytest.raises(ValueError, match="fractions must be above 0 and at most 1"):
        learning_curve(train, train, study.network, ["train_mean"], fractions=fractions)


def test_a_gain_is_taken_fold_by_fold_on_the_same_network() -> None:
    scores = pd.DataFrame(
        [
            (model, 1, fold, value)
            for model, values in {
                "masked_ridge": (0.1, 0.5, 0.4),
                "lembas": (0.3, 0.6, 0.4),
                "masked_ridge@second": (0.0, 0.2, 0.1),
                "lembas@second": (0.2, 0.3, 0.5),
                "ridge@third": (0.7, 0.7, 0.7),
            }.items()
            for fold, value in enumerate(values)
        ],
        columns=["model", "seed", "fold", "value"],
    )
    labels = {"masked_ridge": "Masked ridge", "lembas": "RNN", "lembas@second": "RNN, second"}
    table = fold_table(scores, labels, reference="masked_ridge")
    gain = table["Gain over Masked ridge"]
    assert gain.to_dict() == {
        "Masked ridge": "-",
        "RNN": "+0.100 (+0.000 to +0.200)",
        "masked_ridge@second": "-",
        "RNN, second": "+0.200 (+0.100 to +0.400)",
        "ridge@third": "-",
    }
    assert table.loc["RNN", "Skill, median over folds"] == "0.400"
    assert table.loc["RNN", "Lowest and highest fold"] == "0.300 to 0.600"
