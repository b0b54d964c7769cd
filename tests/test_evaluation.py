"""Scores of all models on a cohort: which genes count, which labels, which differences."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.metrics import r2_score

from lembas.cohorts import Cohort
from lembas.evaluation import (
    Evaluation,
    centred,
    centred_all,
    chosen_cohort,
    evaluate,
    evaluate_all,
    shared_predictions,
)
from lembas.gene_sets import ALL, SHARED, headline, panel_of
from lembas.study import Study

MODELS = ("train_mean", "mlr", "masked_ridge", "lembas")
FEW = {"n_resamples": 50, "seed": 1}


@pytest.fixture(scope="module")
def predictions(study: Study, fitted: dict[str, BaseEstimator]) -> dict[str, pd.DataFrame]:
    return {name: fitted[name].predict(study.dataset.test.x) for name in MODELS}


@pytest.fixture(scope="module")
def made(study: Study, predictions: dict[str, pd.DataFrame]) -> Evaluation:
    return evaluate(study.dataset.test, predictions, study.dataset.train_mean, **FEW)


def test_scores_agree_with_scikit_learn(
    study: Study, predictions: dict[str, pd.DataFrame], made: Evaluation
) -> None:
    truth = study.dataset.test.y
    value = made.scores.set_index(["model", "metric"])["value"]
    genes = made.per_gene.set_index(["model", "metric", "gene"])["value"].sort_index()
    for name, table in predictions.items():
        flat = r2_score(truth.to_numpy().ravel(), table[truth.columns].to_numpy().ravel())
        assert value[name, "r2_pooled"] == pytest.approx(flat, abs=1e-6)
        each = r2_score(truth, table[truth.columns], multioutput="raw_values")
        own = genes[name, "r2_per_gene"].reindex(truth.columns)
        assert own.to_numpy() == pytest.approx(each, abs=1e-5)


def test_the_tables_are_tidy(study: Study, made: Evaluation) -> None:
    columns = ["model", "cohort", "genes", "metric", "value", "low", "high"]
    assert list(made.scores.columns) == columns
    assert set(made.scores["genes"]) == {SHARED}, "every model predicts every gene here"
    assert not made.scores.duplicated(["model", "metric"]).any()
    assert list(made.per_gene.columns) == ["model", "cohort", "gene", "metric", "value"]
    assert set(made.per_gene["cohort"]) == {"test"}
    bounded = made.scores.dropna(subset="low")
    assert (bounded["low"] <= bounded["high"]).all()
    assert made.resampled.to_dict("records") == [
        {"cohort": "test", "n_units": study.dataset.test.series.nunique(), "unit": "series"}
    ]


def test_the_null_has_no_skill(made: Evaluation) -> None:
    """By definition: its errors are those of the training mean."""
    at = made.scores.set_index(["model", "metric"])["value"]
    assert at["train_mean", "skill_median_over_genes"] == pytest.approx(0, abs=1e-6)


def test_differences_are_differences_of_scores(made: Evaluation) -> None:
    value = made.scores.set_index(["model", "metric"])["value"]
    assert set(made.differences["model"]) == set(MODELS) - {"train_mean"}
    assert set(made.differences["reference"]) == {"train_mean"}
    for row in made.differences.itertuples():
        expected = value[row.model, row.metric] - value["train_mean", row.metric]
        assert row.value == pytest.approx(expected, nan_ok=True)


def test_reordered_predictions_change_nothing(
    study: Study, predictions: dict[str, pd.DataFrame], made: Evaluation
) -> None:
    mixed = {
        name: table.sample(frac=1, random_state=1).sample(frac=1, axis=1, random_state=2)
        for name, table in predictions.items()
    }
    again = evaluate(study.dataset.test, mixed, study.dataset.train_mean, **FEW)
    for name in ("scores", "per_gene", "differences", "resampled"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(made, name))


def test_genes_that_were_not_measured_are_not_scored(
    study: Study, predictions: dict[str, pd.DataFrame]
) -> None:
    test = study.dataset.test
    fewer = replace(test, y=test.y.iloc[:, 4:])
    found = evaluate(fewer, predictions, study.dataset.train_mean, **FEW)
    assert set(found.per_gene["gene"]) == set(test.y.columns[4:])
    assert set(found.scores["genes"]) == {SHARED}


@pytest.fixture(scope="module")
def panel(study: Study) -> pd.Index:
    return study.dataset.targets[[1, 5, 6, 11]]


@pytest.fixture(scope="module")
def with_panel(study: Study, predictions: dict[str, pd.DataFrame], panel: pd.Index) -> Evaluation:
    more = {"boosted": predictions["mlr"][panel] + 0.01, **predictions}
    return evaluate(study.dataset.test, more, study.dataset.train_mean, **FEW)


@pytest.mark.parametrize("name", ["per_gene", "scores", "differences"])
def test_a_panel_model_changes_no_other_model_s_scores(
    made: Evaluation, with_panel: Evaluation, name: str
) -> None:
    """The law of the sets of genes: the same rows, to the last bit, and further ones."""
    found = getattr(with_panel, name)
    rows = found[found["model"] != "boosted"]
    if name == "scores":
        rows = rows[rows["genes"] != panel_of("boosted")]
    pd.testing.assert_frame_equal(rows.reset_index(drop=True), getattr(made, name))
    for table in ("against_null", "resampled"):
        pd.testing.assert_frame_equal(getattr(with_panel, table), getattr(made, table))


def test_a_panel_model_is_scored_and_compared_on_its_panel(
    study: Study, predictions: dict[str, pd.DataFrame], panel: pd.Index, with_panel: Evaluation
) -> None:
    """The oracle: a cohort that measured the panel only, where no model lacks a gene."""
    cut = replace(study.dataset.test, y=study.dataset.test.y[panel])
    more = {"boosted": predictions["mlr"][panel] + 0.01, **predictions}
    alone = evaluate(cut, more, study.dataset.train_mean, **FEW)
    columns = ["metric", "model", "value", "low", "high"]
    main = headline(with_panel.scores).query("model == 'boosted'")
    assert set(main["genes"]) == {panel_of("boosted")}
    expected = alone.scores.query("model == 'boosted'")
    pd.testing.assert_frame_equal(
        main[columns].reset_index(drop=True), expected[columns].reset_index(drop=True)
    )
    at = with_panel.scores.set_index(["genes", "model", "metric"])["value"]
    for row in alone.scores.itertuples():
        found = at[panel_of("boosted"), row.model, row.metric]
        assert found == pytest.approx(row.value, nan_ok=True)
    pair = with_panel.differences.query("model == 'boosted'")
    assert set(pair["n_genes"]) == {4}
    same = alone.differences.query("model == 'boosted'")
    pd.testing.assert_frame_equal(pair.reset_index(drop=True), same.reset_index(drop=True))
    limits = with_panel.scores.query("genes != 'shared' and model != 'boosted'")
    assert limits[["low", "high"]].isna().all(axis=None), "intervals are of main scores"


def test_a_reference_of_a_panel_is_compared_on_its_panel(
    study: Study, predictions: dict[str, pd.DataFrame], panel: pd.Index
) -> None:
    partial = {**predictions, "masked_ridge": predictions["masked_ridge"][panel]}
    options = {**FEW, "reference": "masked_ridge"}
    test, mean = study.dataset.test, study.dataset.train_mean
    found = evaluate(test, partial, mean, **options).differences
    whole = evaluate(replace(test, y=test.y[panel]), predictions, mean, **options).differences
    pd.testing.assert_frame_equal(found, whole)


def test_a_model_that_lacks_some_genes_narrows_the_comparison(
    study: Study, predictions: dict[str, pd.DataFrame], made: Evaluation
) -> None:
    most = study.dataset.targets[3:]
    partial = {**predictions, "masked_ridge": predictions["masked_ridge"][most]}
    found = evaluate(study.dataset.test, partial, study.dataset.train_mean, **FEW)
    at = found.scores.set_index(["genes", "model", "metric"])["value"]
    whole = made.scores.set_index(["model", "metric"])["value"]
    assert at[ALL, "mlr", "r2_pooled"] == pytest.approx(whole["mlr", "r2_pooled"])
    cut = replace(study.dataset.test, y=study.dataset.test.y[most])
    shared = evaluate(cut, predictions, study.dataset.train_mean, **FEW)
    expected = shared.scores.set_index(["model", "metric"])["value"]
    for name in MODELS:
        assert at[SHARED, name, "r2_pooled"] == pytest.approx(expected[name, "r2_pooled"])
    assert at[ALL, "masked_ridge", "r2_pooled"] == at[SHARED, "masked_ridge", "r2_pooled"]
    own_genes = found.per_gene.groupby("model")["gene"].nunique()
    assert own_genes.to_dict() == {"train_mean": 30, "mlr": 30, "masked_ridge": 27, "lembas": 30}
    all_rows = found.scores[found.scores["genes"] == ALL]
    assert all_rows[["low", "high"]].isna().all(axis=None), "intervals are of shared genes"


def test_a_model_without_common_genes_is_refused(
    study: Study, predictions: dict[str, pd.DataFrame]
) -> None:
    foreign = {**predictions, "mlr": predictions["mlr"].add_prefix("X_")}
    with pytest.raises(
        ValueError, match=r"no measured target of cohort 'test' is predicted by mlr"
    ):
        evaluate(study.dataset.test, foreign, study.dataset.train_mean, **FEW)


def test_other_samples_are_refused(study: Study, predictions: dict[str, pd.DataFrame]) -> None:
    short = {name: table.iloc[1:] for name, table in predictions.items()}
    with pytest.raises(ValueError, match=str(study.dataset.test.x.index[0])):
        evaluate(study.dataset.test, short, study.dataset.train_mean, **FEW)


def test_an_unknown_reference_is_refused(
    study: Study, predictions: dict[str, pd.DataFrame]
) -> None:
    with pytest.raises(KeyError, match="no draws of 'null'; resampled were train_mean, mlr"):
        evaluate(study.dataset.test, predictions, study.dataset.train_mean, reference="null", **FEW)


# Several cohorts


def external(
    study: Study, fitted: dict[str, BaseEstimator]
) -> tuple[dict[str, Cohort], dict[str, dict[str, pd.DataFrame]]]:
    cohorts = study.dataset.external
    tables = {
        name: {model: fitted[model].predict(cohort.x) for model in MODELS}
        for name, cohort in cohorts.items()
    }
    return cohorts, tables


def test_evaluate_all_puts_cohorts_one_below_the_other(
    study: Study, fitted: dict[str, BaseEstimator]
) -> None:
    cohorts, tables = external(study, fitted)
    mean = study.dataset.train_mean
    everything = evaluate_all(cohorts, tables, mean, **FEW)
    for name in ("scores", "per_gene", "differences", "resampled"):
        found = getattr(everything, name)
        assert list(dict.fromkeys(found["cohort"])) == ["external_near", "external_far"]
    alone = evaluate(cohorts["external_far"], tables["external_far"], mean, **FEW).scores
    rows = everything.scores.query("cohort == 'external_far'").reset_index(drop=True)
    pd.testing.assert_frame_equal(rows, alone)


def test_evaluate_all_takes_the_name_it_is_given(
    study: Study, fitted: dict[str, BaseEstimator]
) -> None:
    cohorts, tables = external(study, fitted)
    renamed = evaluate_all(
        {"here": cohorts["external_near"]},
        {"here": tables["external_near"]},
        study.dataset.train_mean,
        **FEW,
    )
    for name in ("scores", "per_gene", "differences", "resampled"):
        assert set(getattr(renamed, name)["cohort"]) == {"here"}


def test_centring_removes_each_genes_mean_from_truth_and_predictions(
    study: Study, fitted: dict[str, BaseEstimator]
) -> None:
    cohorts, tables = external(study, fitted)
    cohort = cohorts["external_far"]
    shifted, moved, null = centred(cohort, tables["external_far"])
    assert shifted.y.mean().to_numpy() == pytest.approx(0, abs=1e-5)
    assert (null == 0).all()
    for table in moved.values():
        assert table.columns.isin(cohort.y.columns).all()
        assert table.mean().to_numpy() == pytest.approx(0, abs=1e-5)
    # A shift of any gene, in truth or prediction, is what centring removes.
    offset = pd.Series(np.arange(30.0), index=study.dataset.targets).astype(np.float32)
    far = replace(cohort, y=cohort.y + offset[cohort.y.columns])
    other = {model: table - offset for model, table in tables["external_far"].items()}
    again, again_moved, _ = centred(far, other)
    pd.testing.assert_frame_equal(again.y, shifted.y, atol=1e-4)
    pd.testing.assert_frame_equal(again_moved["mlr"], moved["mlr"], atol=1e-4)


def test_centred_scores_are_taken_against_zero(
    study: Study, fitted: dict[str, BaseEstimator]
) -> None:
    """A centred training mean predicts 0 everywhere: its skill against 0 is 0."""
    cohorts, tables = external(study, fitted)
    found = evaluate_all(*centred_all(cohorts, tables), **FEW)
    at = found.scores.set_index(["cohort", "model", "metric"])["value"]
    for name in cohorts:
        assert at[name, "train_mean", "skill_median_over_genes"] == pytest.approx(0, abs=1e-6)
        own = centred(cohorts[name], tables[name])
        alone = evaluate(own[0], own[1], own[2], **FEW).scores.set_index(["model", "metric"])
        assert at[name, "mlr", "r2_pooled"] == pytest.approx(alone["value"]["mlr", "r2_pooled"])


def test_chosen_cohort() -> None:
    cohorts: dict = {"near": None, "far": None}
    assert chosen_cohort(cohorts, "") == "near"
    assert chosen_cohort(cohorts, "far") == "far"
    with pytest.raises(KeyError, match="no cohort 'mid' here; there are near, far"):
        chosen_cohort(cohorts, "mid")
    with pytest.raises(KeyError, match="the dataset has no external cohort"):
        chosen_cohort({}, "")


def test_shared_predictions_keep_common_genes_and_fitted_models(
    study: Study, predictions: dict[str, pd.DataFrame]
) -> None:
    panel = study.dataset.targets[[3, 2]]
    partial = {**predictions, "mlr": predictions["mlr"][panel]}
    truth, kept = shared_predictions(study.dataset.test.y, partial, ["lembas", "xgbrf"])
    assert list(kept) == ["lembas"]
    assert set(truth.columns) == set(kept["lembas"].columns) == set(panel)
