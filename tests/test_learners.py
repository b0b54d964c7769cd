"""Tests of kNN and the perceptron: scikit-learn's own pipelines are the oracles."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.compose import TransformedTargetRegressor
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lembas.learners import KNN, MLP
from tests.conftest import random_expression

TFS = [f"TF{number}" for number in range(6)]
GENES = [f"G{number}" for number in range(4)]
X = random_expression("s", 60, TFS, seed=0) * np.array([1, 10, 0.1, 1, 1, 3])
Y = random_expression("s", 60, GENES, seed=1) * 0.2 + X[TFS[:4]].to_numpy()
NEW = random_expression("n", 9, TFS, seed=2)
MODELS = {"knn": KNN(3), "mlp": MLP((8,), epochs=30)}


def test_knn_is_scikit_learns_on_standardised_tfs():
    oracle = make_pipeline(StandardScaler(), KNeighborsRegressor(4))
    expected = oracle.fit(X.to_numpy(), Y.to_numpy()).predict(NEW.to_numpy())
    np.testing.assert_allclose(KNN(4).fit(X, Y).predict(NEW), expected, rtol=1e-6)


def test_one_neighbour_is_the_sample_itself_and_all_are_the_mean():
    pd.testing.assert_frame_equal(KNN(1).fit(X, Y).predict(X), Y, check_dtype=False, rtol=1e-6)
    everyone = KNN(1000).fit(X, Y).predict(NEW)
    np.testing.assert_allclose(everyone, np.tile(Y.mean(), (9, 1)), rtol=1e-6)


def test_the_scale_of_a_tf_changes_nothing():
    scaled = KNN(3).fit(X * 5 + 1, Y).predict(NEW * 5 + 1)
    np.testing.assert_allclose(scaled, KNN(3).fit(X, Y).predict(NEW), rtol=1e-6)


def test_the_perceptron_is_scikit_learns_on_standardised_tfs_and_genes():
    perceptron = MLPRegressor(
        hidden_layer_sizes=(8,),
        alpha=0.1,
        learning_rate_init=0.01,
        batch_size=16,
        max_iter=20,
        early_stopping=True,
        n_iter_no_change=20,
        random_state=3,
    )
    z = StandardScaler().fit(X.to_numpy())
    oracle = TransformedTargetRegressor(
        perceptron, transformer=StandardScaler(), check_inverse=False
    )
    with pytest.warns(match="Maximum iterations"):
        oracle.fit(z.transform(X.to_numpy()).astype(np.float32), Y.to_numpy(np.float32))
    expected = oracle.predict(z.transform(NEW.to_numpy()).astype(np.float32))
    ours = MLP(
        (8,), alpha=0.1, learning_rate=0.01, batch_size=16, epochs=20, patience=20, seed=3
    ).fit(X, Y)
    np.testing.assert_array_equal(ours.predict(NEW), expected)


def test_the_perceptron_learns_and_repeats_itself():
    model = MLP((16,), alpha=1e-3, learning_rate=0.02, epochs=200, patience=30).fit(X, Y)
    error = ((model.predict(X) - Y) ** 2).mean() / Y.var()
    assert error.mean() < 0.3
    again = MLP((16,), alpha=1e-3, learning_rate=0.02, epochs=200, patience=30).fit(X, Y)
    pd.testing.assert_frame_equal(again.predict(NEW), model.predict(NEW), check_exact=True)


def test_few_samples_are_trained_on_without_holding_any_out():
    few = MLP((4,), epochs=5).fit(X.iloc[:6], Y.iloc[:6]).predict(NEW)
    assert np.isfinite(few).all(axis=None)


@pytest.mark.parametrize("name", MODELS)
def test_single_genes_and_genes_that_do_not_vary_are_fine(name):
    model = MODELS[name]
    assert model.fit(X, Y[["G0"]]).predict(NEW).columns.tolist() == ["G0"]
    predicted = model.fit(X, Y.assign(G9=0.7)).predict(NEW)["G9"]
    spread = 1e-6 if name == "knn" else 3.0  # a perceptron's output wanders by its weights
    np.testing.assert_allclose(predicted, 0.7, atol=spread)


def test_the_order_of_genes_changes_nothing_but_the_order():
    plain = KNN(3).fit(X, Y).predict(NEW)
    mixed = KNN(3).fit(X[TFS[::-1]], Y[GENES[::-1]]).predict(NEW)
    assert mixed.columns.tolist() == GENES[::-1]
    pd.testing.assert_frame_equal(mixed[GENES], plain, rtol=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_saving_and_loading_change_nothing(name):
    model = MODELS[name].fit(X, Y)
    data = skops.io.dumps(model)
    types = skops.io.get_untrusted_types(data=data)
    assert all(kind.startswith(("lembas.", "sklearn.", "numpy.")) for kind in types), types
    loaded = skops.io.loads(data, trusted=types)
    pd.testing.assert_frame_equal(loaded.predict(NEW), model.predict(NEW), check_exact=True)
