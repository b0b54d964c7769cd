"""Models are made before any is fitted, and leave model, predictions and a table behind."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from lembas import fitting
from lembas.artifacts import Run
from lembas.baselines import REGISTRY
from lembas.fitting import (
    DEFAULT_MODELS,
    TrainingSummary,
    chosen_alphas,
    fit_models,
    load_models,
    model_labels,
    read_all_predictions,
    read_models,
    read_predictions,
    sign_sentence,
    training_summary,
)
from lembas.network import Network
from lembas.study import Study
from tests.small_study import QUICK, Counting

FEW: Mapping[str, Any] = {"train_mean": {}, "masked_ridge": {}}
RNN: Mapping[str, Any] = {"lembas": {"parameters": {"settings": {**QUICK, "epochs": 3}}}}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.open(tmp_path / "toy")


def fit(
    run: Run, study: Study, models: Mapping[str, Any], group: str = "baselines"
) -> pd.DataFrame:
    return fit_models(run, study.dataset, study.network, models, group=group)


@pytest.fixture(scope="module")
def both(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run whose two fitting chapters are done, the later one first."""
    run = Run.open(tmp_path_factory.mktemp("both"))
    fit(run, study, RNN, group="lembas")
    fit(run, study, {"train_mean": {}, "ridge": {}, "masked_ridge": {}})
    return run


# What is written


def test_every_cohort_is_predicted(both: Run, study: Study) -> None:
    cohorts = study.dataset.cohorts
    assert list(cohorts) == ["train", "test", "external_near", "external_far"]
    tables = read_all_predictions(both, cohorts)
    for name, cohort in cohorts.items():
        assert list(tables[name]) == ["train_mean", "ridge", "masked_ridge", "lembas"]
        for table in tables[name].values():
            assert table.index.equals(cohort.x.index)
            assert table.columns.equals(study.dataset.targets)


def test_predictions_are_those_of_the_saved_model(both: Run, study: Study) -> None:
    x = study.dataset.external["external_far"].x
    predictions = read_predictions(both, "external_far", ["lembas", "ridge"])
    for name, model in load_models(both, ["lembas", "ridge"]).items():
        pd.testing.assert_frame_equal(model.predict(x).astype(np.float32), predictions[name])


def test_the_table_of_models(both: Run, study: Study) -> None:
    table = read_models(both)
    assert table.index.tolist() == ["train_mean", "ridge", "masked_ridge", "lembas"]
    assert (table["n_genes"] == len(study.dataset.targets)).all()
    assert (table["fit_s"] > 0).all()
    assert (table["size_mb"] > 0).all()
    assert json.loads(table.loc["lembas", "parameters"])["recipe"] == "improved"
    assert json.loads(table.loc["lembas", "parameters"])["settings"]["epochs"] == 3
    assert model_labels(both)["lembas"] == "LEMBAS-RNN"


def test_a_killed_chapter_goes_on_and_then_clears_up(
    run: Run, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Run.open(run.folder.parent / "whole")
    fit(whole, study, RNN, group="lembas")

    def full(*arguments: Any, **others: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(fitting, "save_model", full)
        with pytest.raises(OSError, match="No space left"):
            fit(run, study, RNN, group="lembas")
    assert list((run.folder / "unfinished" / "lembas" / "lembas").glob("*/refit.pt"))
    fit(run, study, RNN, group="lembas")
    assert not (run.folder / "unfinished" / "lembas").exists()
    pd.testing.assert_frame_equal(
        run.read_prediction("lembas", "test"), whole.read_prediction("lembas", "test")
    )


def test_without_models_the_groups_own_are_fitted(
    run: Run, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = [name for names in DEFAULT_MODELS.values() for name in names]
    # The path ridge is a control: 07_controls fits it beside LEMBAS-RNN. Channels take too long.
    assert sorted([*named, "path_ridge", "lembas_channels"]) == sorted(REGISTRY)
    monkeypatch.setitem(DEFAULT_MODELS, "baselines", ("train_mean", "pls"))
    assert fit(run, study, {})["model"].tolist() == ["train_mean", "pls"]


def test_series_are_given_to_models_that_use_them(run: Run, study: Study) -> None:
    """Whole series are held out, so the epochs' losses are those of a fit with groups."""
    settings = {"epochs": 2, "refit": False}
    fit(run, study, {"lembas": {"parameters": {"settings": settings}}}, group="lembas")
    (found,) = load_models(run, ["lembas"]).values()
    train = study.dataset.train
    expected = type(found)(study.network, settings=settings)
    expected.fit(train.x, train.y, groups=train.series)
    pd.testing.assert_frame_equal(found.history_, expected.history_)
    ungrouped = type(found)(study.network, settings=settings).fit(train.x, train.y)
    assert not found.history_.equals(ungrouped.history_)


# A model from the profile


def test_a_profile_adds_any_regressor_in_three_lines(run: Run, study: Study) -> None:
    models = yaml.safe_load(
        """
        nearest:
          estimator: sklearn.neighbors.KNeighborsRegressor
          parameters: {n_neighbors: 5}
          label: Five neighbours
        """
    )
    fit(run, study, {"train_mean": {}, **models})
    assert read_models(run).loc["nearest", "estimator"].endswith("KNeighborsRegressor")
    assert model_labels(run) == {"train_mean": "Training mean", "nearest": "Five neighbours"}
    train, test = study.dataset.train, study.dataset.test
    predictions = read_predictions(run, "test")
    with pytest.raises(KeyError, match=r"no prediction of 'farthest' here; there are .*nearest"):
        _ = predictions["farthest"]
    found = predictions["nearest"]
    sample = test.x.iloc[0].astype(float)
    distance = ((train.x.astype(float) - sample) ** 2).sum(axis=1)
    expected = train.y.loc[distance.nsmallest(5).index].mean()
    assert found.iloc[0].to_numpy() == pytest.approx(expected.to_numpy(), abs=1e-5)


def test_a_label_may_be_left_out(run: Run, study: Study) -> None:
    fit(run, study, {"knn": {"estimator": "sklearn.neighbors.KNeighborsRegressor"}})
    assert model_labels(run) == {"knn": "knn"}


# Bad models


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"lembass": {}}, "model 'lembass' in the profile has no estimator"),
        ({"mlr": {"parameter": {}}}, r"model 'mlr' in the profile has unknown key\(s\) parameter"),
        ({"mlr": {"parameters": {"alpha": 1}}}, "model 'mlr'.*has no parameter alpha; it takes"),
        ({"mine": {"estimator": "sklearn.neighbours.KNN"}}, "model 'mine': cannot import"),
    ],
)
def test_a_misspelt_model_costs_no_fit(
    run: Run, study: Study, bad: dict[str, Any], message: str
) -> None:
    before = Counting.n_fits
    counting = {"first": {"estimator": "tests.small_study.Counting"}}
    with pytest.raises(ValueError, match=message):
        fit(run, study, {**counting, **bad})
    assert Counting.n_fits == before
    assert not list(run.folder.rglob("*.*"))
    fit(run, study, counting)
    assert Counting.n_fits == before + 1


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("nan", r"Broken returned shape \(\d+, 30\) with \d+ values that are not finite; exp"),
        ("shape", r"Broken returned shape \(\d+, 29\) with 0 values that are not finite; expected"),
    ],
)
def test_a_model_that_predicts_nonsense_is_refused(
    run: Run, study: Study, fault: str, message: str
) -> None:
    broken = {"estimator": "tests.small_study.Broken", "parameters": {"fault": fault}}
    with pytest.raises(ValueError, match=message):
        fit(run, study, {"broken": broken})
    with pytest.raises(FileNotFoundError, match=r"models_baselines\.parquet is not there"):
        read_models(run)


# What a model that speaks tables returns


def test_predictions_in_another_order_are_put_in_order_by_name(run: Run, study: Study) -> None:
    speaking = {"estimator": "tests.small_study.Speaking"}
    mended = {**speaking, "parameters": {"fault": "none"}}
    fit(run, study, {"mixed": speaking, "plain": mended})
    for cohort in ("test", "external_far"):
        found = read_predictions(run, cohort)
        pd.testing.assert_frame_equal(found["mixed"], found["plain"])
        assert found["mixed"].columns.equals(study.dataset.targets)


@pytest.mark.parametrize(
    ("fault", "error", "message"),
    [
        ("array", TypeError, "model 'mine' predicted a ndarray; expected a DataFrame"),
        ("missing gene", ValueError, r"other genes than asked for: missing \w+; unknown none; exp"),
        ("other gene", ValueError, r"other genes than asked for: missing \w+; unknown G_new; exp"),
        ("twice", ValueError, r"model 'mine' predicts gene\(s\) twice: \w+; each may occur once"),
        ("missing sample", ValueError, "other samples than asked for: missing .*; unknown none"),
        ("other sample", ValueError, "other samples than asked for: missing .*; unknown s_new; ex"),
        ("nan", ValueError, r"values that are not finite, for 2 of 30 genes: \w+, \w+; check its"),
        ("text", ValueError, "model 'mine' predicted values that are no numbers, for"),
        ("no targets", ValueError, "1 of them are no targets: G_new; its genes_ must name some"),
    ],
)
def test_predictions_that_are_not_whole_are_refused_by_name(
    run: Run, study: Study, fault: str, error: type[Exception], message: str
) -> None:
    mine = {"estimator": "tests.small_study.Speaking", "parameters": {"fault": fault}}
    with pytest.raises(error, match=message):
        fit(run, study, {"mine": mine})
    assert not run.has_table("models_baselines")


# Settings chosen within the training samples


def test_searches_are_collected(run: Run, study: Study) -> None:
    fit(run, study, {"train_mean": {}, "knn": {}, "pls": {"grid": {"n_components": [1, 3]}}})
    table = run.read_table("searches_baselines")
    assert table.columns[:3].tolist() == ["model", "label", "parameters"]
    assert table.groupby("model", sort=False)["chosen"].sum().to_dict() == {"knn": 1, "pls": 1}
    assert table.query("model == 'pls'")["parameters"].tolist() == [
        "n_components=1",
        "n_components=3",
    ]
    assert set(table["unit"]) == {"series"}
    models = load_models(run, ["knn"])
    own = table.query("model == 'knn'").reset_index(drop=True)[models["knn"].search_.columns]
    pd.testing.assert_frame_equal(own, models["knn"].search_)


def test_without_a_search_the_table_has_no_rows(both: Run) -> None:
    assert both.read_table("searches_baselines").empty
    assert "mean_skill" in both.read_table("searches_lembas")


def test_nothing_fitted_yet(run: Run) -> None:
    with pytest.raises(FileNotFoundError, match=r"models_baselines\.parquet is not there; run"):
        read_models(run)


def test_models_that_were_not_fitted_are_named(both: Run) -> None:
    with pytest.raises(KeyError, match="not fitted in this run: xgbrf; fitted: train_mean, ridge"):
        load_models(both, ["ridge", "xgbrf"])


# What the chapters show of the fits


def test_chosen_penalties(both: Run, study: Study) -> None:
    table = chosen_alphas(both, read_models(both).index)
    assert table.columns.tolist() == ["model", "gene", "alpha"]
    assert table["model"].unique().tolist() == ["ridge", "masked_ridge"]
    (model,) = load_models(both, ["masked_ridge"]).values()
    own = table.query("model == 'masked_ridge'").set_index("gene")["alpha"]
    expected = model.alpha_.dropna()
    assert own.to_dict() == expected.to_dict()
    assert set(table.query("model == 'ridge'")["gene"]) == set(study.dataset.targets)
    assert chosen_alphas(both, ["train_mean"]).empty


def test_the_training_summary(both: Run, study: Study) -> None:
    summary = training_summary(both, ["lembas"])
    (model,) = load_models(both, ["lembas"]).values()
    row = summary.table.iloc[0]
    assert row["label"] == "LEMBAS-RNN"
    assert row["edges"] == len(model.network_.edges)
    assert row["T"] == 5
    assert row["updates"] == model.n_updates_
    n_nodes = len(model.network_.nodes)
    n_tfs, n_genes = len(study.dataset.inputs), len(study.dataset.targets)
    assert row["parameters"] == 2 * row["edges"] + n_nodes + n_tfs + 2 * n_genes
    assert 0 <= row["edges with the wrong sign"] <= 1
    assert summary.history["model"].unique().tolist() == ["lembas"]
    assert len(summary.search("lembas")) == 3
    settings = summary.settings["LEMBAS-RNN"]
    assert settings["epochs"] == "3", "a whole number stays one"
    assert all(len(value) < 12 for value in settings), "no number has digits that nobody reads"


def test_weights_against_known_signs_in_words() -> None:
    table = pd.DataFrame({"model": ["a", "b"], "edges with the wrong sign": [0.125, 0.5]})
    summary = TrainingSummary(pd.DataFrame(), table, pd.DataFrame())
    assert sign_sentence(summary, "a", "b").startswith("12.5% of the edges whose sign is known")
    assert "(50.0% under the published recipe)" in sign_sentence(summary, "a", "b")
    table["edges with the wrong sign"] = float("nan")
    assert sign_sentence(summary, "a", "b").startswith("No edge of the network has a known sign")


def test_the_networks_of_an_ensemble_are_listed_one_by_one(run: Run, study: Study) -> None:
    parameters = {"n_seeds": 2, "settings": {**QUICK, "epochs": 2}}
    fit(run, study, {"lembas_ensemble": {"parameters": parameters}}, group="lembas")
    table = training_summary(run, ["lembas_ensemble"]).table
    assert table["model"].tolist() == ["lembas_ensemble, seed 888", "lembas_ensemble, seed 889"]
    assert table["label"].tolist() == [f"LEMBAS-RNN (three seeds), seed {n}" for n in (888, 889)]
    x = study.dataset.test.x
    (model,) = load_models(run, ["lembas_ensemble"]).values()
    pd.testing.assert_frame_equal(model.predict(x), run.read_prediction("lembas_ensemble", "test"))


def test_targets_without_regulators_are_listed(run: Run, study: Study) -> None:
    alone = study.dataset.targets[:7]
    known = study.network.edges[~study.network.edges["Gene"].isin(alone)]
    fit_models(run, study.dataset, Network.from_edges(known), RNN, group="lembas")
    fit(run, study, {"train_mean": {}})
    row = training_summary(run, ["lembas"]).table.iloc[0]
    assert row["predicted by their bias alone"] == f"7 ({', '.join(alone[:5])} and 2 more)"


def test_the_chosen_epoch_has_the_lowest_validation_loss(run: Run, study: Study) -> None:
    settings = {"epochs": 5, "start": "study"}
    name = "lembas_ridge_start"
    fit(run, study, {name: {"parameters": {"settings": settings}}}, group="lembas")
    summary = training_summary(run, [name])
    search = summary.search(name)
    assert set(search["phase"]) == {"search"}
    best = search["validation_loss"].to_numpy()
    assert summary.chosen_epoch(name) == search["epoch"].to_numpy()[np.argmin(best)]
