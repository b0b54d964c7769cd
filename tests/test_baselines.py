"""Tests of the baselines, the wrapper of scikit-learn's models, and the registry."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression, RidgeCV
from sklearn.model_selection import cross_val_predict
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from lembas.baselines import (
    REGISTRY,
    LabelledRegressor,
    TrainMean,
    labels,
    make,
    penalty_per_gene,
    registry,
)
from lembas.network import Network
from lembas.ridge import ALPHAS
from tests.conftest import random_expression

TFS = ["TF1", "TF2", "TF3", "TF4"]
GENES = ["G1", "G2", "G3"]
X = random_expression("s", 30, TFS, seed=0)
Y = random_expression("s", 30, GENES, seed=1) + X[["TF1", "TF2", "TF3"]].to_numpy()
NEW = random_expression("n", 8, TFS, seed=2)
NETWORK = Network.from_edges(
    pd.DataFrame(
        [("TF1", "G1", 1), ("TF2", "G2", -1), ("TF1", "G3", 1), ("TF4", "G3", 1)],
        columns=["TF", "Gene", "Interaction"],
    )
)
FAST = ["train_mean", "mlr", "ridge", "masked_ridge", "signed_ridge", "pls", "knn", "xgbrf"]


class Broken(RegressorMixin, BaseEstimator):
    """A regressor whose predictions are of the wrong shape, or not finite."""

    def __init__(self, n_columns=3, value=1.0):
        self.n_columns = n_columns
        self.value = value

    def fit(self, X, Y):
        self.fitted_ = True
        return self

    def predict(self, X):
        return np.full((len(X), self.n_columns), self.value)


def test_the_training_mean_is_predicted_whatever_the_tfs_say():
    predicted = TrainMean().fit(X, Y).predict(NEW)
    expected = DummyRegressor().fit(X, Y).predict(NEW)
    np.testing.assert_allclose(predicted, expected, rtol=1e-12)
    assert predicted.index.tolist() == NEW.index.tolist()


def test_the_training_mean_of_single_precision_loses_no_digits():
    table = random_expression("s", 5000, GENES, seed=3).astype(np.float32)
    inputs = random_expression("s", 5000, TFS, seed=4)
    expected = table.astype(float).mean()
    pd.testing.assert_series_equal(TrainMean().fit(inputs, table).mean_, expected, rtol=1e-14)


def test_mlr_is_scikit_learns_linear_regression():
    ours = make("mlr").fit(X, Y).predict(NEW)
    expected = LinearRegression().fit(X.to_numpy(), Y.to_numpy()).predict(NEW.to_numpy())
    np.testing.assert_allclose(ours, expected, atol=1e-12)


def test_ridge_is_scikit_learns_ridge_on_standardised_tfs():
    for alpha in ALPHAS:
        ours = make("ridge", alphas=(alpha,)).fit(X, Y)
        theirs = make_pipeline(StandardScaler(), RidgeCV(alphas=[alpha], alpha_per_target=True))
        expected = theirs.fit(X, Y).predict(NEW)
        np.testing.assert_allclose(ours.predict(NEW), expected, atol=1e-12)


def test_penalties_are_given_for_ridge_models_only():
    masked = make("masked_ridge", NETWORK).fit(X, Y)
    pd.testing.assert_series_equal(penalty_per_gene(masked), masked.alpha_)
    assert penalty_per_gene(make("mlr").fit(X, Y)) is None
    assert penalty_per_gene(make("signed_ridge", NETWORK).fit(X, Y)) is None  # the masked ridge's
    assert penalty_per_gene(TrainMean().fit(X, Y)) is None
    one = penalty_per_gene(make("ridge").fit(X, Y[["G1"]]))
    assert one.index.tolist() == ["G1"]
    own = LabelledRegressor(make_pipeline(StandardScaler(), RidgeCV(alpha_per_target=True)))
    expected = own.fit(X, Y).estimator_[-1].alpha_
    assert penalty_per_gene(own).to_dict() == dict(zip(GENES, expected, strict=True))
    shared = penalty_per_gene(LabelledRegressor(RidgeCV(alphas=[2.0])).fit(X, Y))
    assert shared.to_dict() == dict.fromkeys(GENES, 2.0)


@pytest.mark.parametrize("name", FAST)
def test_labels_come_back_and_the_order_of_columns_changes_nothing(name):
    model = make(name, NETWORK).fit(X, Y)
    predicted = model.predict(NEW)
    assert predicted.columns.equals(Y.columns)
    assert predicted.index.equals(NEW.index)
    mixed = model.predict(NEW[TFS[::-1]].assign(OTHER=1.0))
    pd.testing.assert_frame_equal(mixed, predicted, check_exact=True)
    reordered = clone(model).fit(X, Y[GENES[::-1]]).predict(NEW)
    assert reordered.columns.tolist() == GENES[::-1]
    pd.testing.assert_frame_equal(reordered[GENES], predicted, rtol=1e-9)


@pytest.mark.parametrize("name", [*FAST, "boosted"])
def test_genes_that_do_not_vary_and_a_single_series_are_fine(name):
    model = make(name, NETWORK)
    groups = {"groups": pd.Series("GSE1", index=X.index)}
    accepted = groups if name in {"pls", "knn", "boosted"} else {}
    predicted = model.fit(X, Y.assign(G9=0.5), **accepted).predict(NEW)
    np.testing.assert_allclose(predicted["G9"], 0.5, atol=1e-6)
    assert np.isfinite(predicted).all(axis=None)


@pytest.mark.parametrize("name", FAST)
def test_saving_and_loading_change_nothing(name):
    model = make(name, NETWORK).fit(X, Y)
    data = skops.io.dumps(model)
    types = skops.io.get_untrusted_types(data=data)
    assert all(kind.startswith(("lembas.", "sklearn.", "scipy.", "numpy.")) for kind in types), (
        types
    )
    loaded = skops.io.loads(data, trusted=types)
    pd.testing.assert_frame_equal(loaded.predict(NEW), model.predict(NEW), check_exact=True)
    assert loaded.genes_.equals(model.genes_)


@pytest.mark.parametrize("name", FAST)
def test_every_model_works_in_pipelines_and_cross_validation(name):
    model = make(name, NETWORK)
    assert set(clone(model).get_params()) == set(model.get_params())
    pipeline = make_pipeline(MinMaxScaler().set_output(transform="pandas"), model)
    predicted = pipeline.fit(X, Y).predict(NEW)
    assert predicted.columns.equals(Y.columns)
    held_out = cross_val_predict(model, X, Y, cv=3)
    first = clone(model).fit(X.iloc[10:], Y.iloc[10:]).predict(X.iloc[:10])
    np.testing.assert_allclose(held_out[:10], first, rtol=1e-10)


def test_the_wrapper_leaves_the_given_estimator_alone():
    inner = KNeighborsRegressor(3)
    model = LabelledRegressor(inner).fit(X, Y)
    assert not hasattr(inner, "n_features_in_")
    expected = KNeighborsRegressor(3).fit(X.to_numpy(), Y.to_numpy()).predict(NEW.to_numpy())
    np.testing.assert_array_equal(model.predict(NEW), expected)
    assert model.get_params()["estimator__n_neighbors"] == 3


def test_one_gene_may_be_predicted_as_a_vector():
    predicted = LabelledRegressor(Broken(1)).fit(X, Y[["G1"]]).predict(NEW)
    assert predicted.shape == (8, 1)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (Broken(2), r"Broken returned shape \(8, 2\) with 0 values .* expected \(8, 3\) finite"),
        (Broken(3, np.nan), r"shape \(8, 3\) with 24 values that are not finite"),
    ],
)
def test_broken_predictions_are_refused(broken, message):
    with pytest.raises(ValueError, match=message):
        LabelledRegressor(broken).fit(X, Y).predict(NEW)


@pytest.mark.parametrize("name", FAST)
def test_bad_tables_are_refused(name):
    with pytest.raises(TypeError, match="Y is a ndarray; pass a DataFrame"):
        make(name, NETWORK).fit(X, Y.to_numpy())
    with pytest.raises(ValueError, match="Y names columns twice: G1"):
        make(name, NETWORK).fit(X, Y[["G1", "G1"]])


@pytest.mark.parametrize("name", FAST[1:])
def test_a_missing_tf_is_named(name):
    with pytest.raises(ValueError, match="X lacks 1 of the 4 TFs the model was fitted with: TF2"):
        make(name, NETWORK).fit(X, Y).predict(NEW.drop(columns="TF2"))


def test_the_null_refuses_what_is_no_table():
    with pytest.raises(TypeError, match="X is a ndarray; pass a DataFrame"):
        TrainMean().fit(X, Y).predict(NEW.to_numpy())


@pytest.mark.parametrize("name", REGISTRY)
def test_every_registered_model_can_be_made(name):
    model = make(name, NETWORK)
    assert hasattr(model, "fit")
    for key, value in REGISTRY[name].parameters.items():
        assert model.get_params()[key] == value
    for key in REGISTRY[name].grid:
        assert f"estimator__{key}" in model.get_params()


def test_every_model_has_a_label_and_a_note():
    assert list(labels()) == list(REGISTRY)
    assert len(set(labels().values())) == len(REGISTRY)
    assert all(spec.note.endswith(".") for spec in REGISTRY.values())


def test_parameters_that_are_given_are_not_searched():
    assert make("knn").grid.keys() == {"n_neighbors"}
    assert make("knn", n_neighbors=3).get_params() == {"n_neighbors": 3}
    in_profile = {"knn": {"parameters": {"n_neighbors": 4}}}
    assert make("knn", extra=in_profile).n_neighbors == 4
    searched = {"knn": {"grid": {"n_neighbors": [2, 3]}}}
    assert make("knn", extra=searched).grid == {"n_neighbors": [2, 3]}
    # Another class under a known name starts anew.
    other = {"knn": {"estimator": "sklearn.neighbors.KNeighborsRegressor"}}
    assert make("knn", extra=other).estimator.n_neighbors == 5
    assert labels(other)["knn"] == "knn"


def test_a_grid_of_unknown_parameters_is_refused():
    extra = {"knn": {"grid": {"neighbours": [1, 2]}}}
    with pytest.raises(
        ValueError, match=r"model 'knn' .* has no parameter neighbours; it takes n_"
    ):
        make("knn", extra=extra)


def test_parameters_given_override_the_registered_ones():
    assert make("xgbrf", n_estimators=7).n_estimators == 7
    assert make("lembas", NETWORK, recipe="published").recipe == "published"


def test_a_profile_may_add_and_change_models():
    extra = {
        "nearest": {
            "estimator": "sklearn.neighbors.KNeighborsRegressor",
            "parameters": {"n_neighbors": 3},
            "label": "Nearest samples",
        },
        "xgbrf": {"parameters": {"n_estimators": 9}},
    }
    model = make("nearest", NETWORK, extra=extra)
    assert model.estimator.n_neighbors == 3
    assert labels(extra)["nearest"] == "Nearest samples"
    assert make("xgbrf", extra=extra).n_estimators == 9
    assert labels(extra)["xgbrf"] == "XGBRF"
    assert "nearest" not in REGISTRY
    assert REGISTRY["xgbrf"].parameters == {}


def test_a_class_with_free_keywords_takes_them():
    extra = {"boost": {"estimator": "xgboost.XGBRegressor", "parameters": {"max_depth": 2}}}
    assert make("boost", extra=extra).estimator.max_depth == 2


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"nearest": {}}, "model 'nearest' in the profile has no estimator; expected estimator"),
        ({"mlr": {"colour": 1}}, r"model 'mlr' in the profile has unknown key\(s\) colour;"),
    ],
)
def test_profile_entries_that_make_no_model_are_refused(extra, message):
    with pytest.raises(ValueError, match=message):
        registry(extra)


@pytest.mark.parametrize("path", ["sklearn.nowhere.Model", "sklearn.linear_model.Nobody", "Model"])
def test_a_class_that_cannot_be_imported_is_named(path):
    with pytest.raises(
        ValueError, match=f"model 'mine': cannot import '{path}' .*; expected a path such as"
    ):
        make("mine", extra={"mine": {"estimator": path}})


def test_unknown_models_and_parameters_are_refused():
    with pytest.raises(KeyError, match="no model named 'mrl'; registered are train_mean, mlr"):
        make("mrl")
    with pytest.raises(ValueError, match=r"model 'mlr' \(.*\) has no parameter colour; it takes"):
        make("mlr", colour=1)
