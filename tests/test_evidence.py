"""The gate on an evaluation: the numbers are those of its parts."""

from __future__ import annotations

import pandas as pd
import pytest
from sklearn.base import BaseEstimator

from lembas.calibration import exchangeable_pairs
from lembas.evaluation import evaluate_all
from lembas.evidence import PRIMARY, judge_metrics
from lembas.study import Study

FEW = {"n_pairs": 4, "n_resamples": 20, "n_genes": 10, "seed": 3}


@pytest.fixture(scope="module")
def made(study: Study, fitted: dict[str, BaseEstimator]):
    cohorts = dict(study.dataset.external)
    models = ("train_mean", "mlr", "ridge", "masked_ridge")
    predictions = {
        name: {model: fitted[model].predict(cohort.x) for model in models}
        for name, cohort in cohorts.items()
    }
    mean = study.dataset.train_mean
    result = evaluate_all(cohorts, predictions, mean, n_resamples=50)
    return cohorts, predictions, mean, result


def test_pairs_are_made_of_the_two_best_models(made) -> None:
    cohorts, predictions, mean, result = made
    found = judge_metrics(cohorts, predictions, mean, result=result, **FEW)
    name, cohort = next(iter(cohorts.items()))
    own = result.scores.query("cohort == @name and metric == @PRIMARY and model != 'train_mean'")
    first, second = own.sort_values("value", ascending=False)["model"].head(2)
    pairs = exchangeable_pairs(
        cohort.y,
        predictions[name][first],
        predictions[name][second],
        mean,
        series=cohort.series,
        **FEW,
    )
    row = found.query("cohort == @name and metric == @PRIMARY").iloc[0]
    n_rejected = pairs.set_index("metric").loc[PRIMARY, "n_rejected"]
    assert row["aa"] == f"{n_rejected} of 4 differ"
    assert row["best"] == first
    assert set(found["cohort"]) == set(cohorts)


def test_a_single_model_has_no_pairs(made) -> None:
    cohorts, predictions, mean, _ = made
    few = {name: {m: t[m] for m in ("train_mean", "mlr")} for name, t in predictions.items()}
    result = evaluate_all(cohorts, few, mean, n_resamples=20)
    found = judge_metrics(cohorts, few, mean, result=result, **FEW)
    assert (found["aa"] == "not tried").all()
    assert isinstance(found, pd.DataFrame)
