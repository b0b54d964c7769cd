"""Tests of ordinary least squares for all genes at once: scikit-learn is the oracle."""

from __future__ import annotations

from unittest import mock

import numpy as np
import pandas as pd
import pytest
import skops.io
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.linear_model import LinearRegression

from lembas import linear
from lembas.linear import MLR
from tests.conftest import random_expression


def tables(
    n_samples: int, n_tfs: int, n_genes: int = 4, *, seed: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw TFs, and genes that follow them with noise."""
    x = random_expression("s", n_samples, [f"TF{i}" for i in range(n_tfs)], seed=seed)
    rng = np.random.default_rng(seed + 1)
    y = x.to_numpy() @ rng.normal(size=(n_tfs, n_genes)) + rng.normal(size=(n_samples, n_genes))
    return x, pd.DataFrame(y, index=x.index, columns=[f"G{i}" for i in range(n_genes)])


def conditioned(
    n_samples: int, n_tfs: int, condition: float, *, seed: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw TFs with one direction that varies little, and genes that follow them."""
    rng = np.random.default_rng(seed)
    left = np.linalg.qr(rng.normal(size=(n_samples, n_tfs)))[0]
    right = np.linalg.qr(rng.normal(size=(n_tfs, n_tfs)))[0]
    size = np.append(np.ones(n_tfs - 1), 1 / condition)
    x = pd.DataFrame((left * size) @ right * np.sqrt(n_samples) + rng.uniform(0, 3, n_tfs))
    y = x.to_numpy() @ rng.normal(size=(n_tfs, 3)) + 0.3 * rng.normal(size=(n_samples, 3))
    return x.add_prefix("TF"), pd.DataFrame(y).add_prefix("G")


def agreement(x: pd.DataFrame, y: pd.DataFrame) -> tuple[float, float]:
    """Largest difference from LinearRegression: predictions of new samples, and slopes.

    New samples differ from the old as those do from each other; so do the slopes count.
    """
    expected = LinearRegression().fit(x.astype(float), y.astype(float))
    model = MLR().fit(x, y)
    sd = x.std(ddof=0).to_numpy()
    new = x + sd * np.random.default_rng(9).uniform(-0.2, 0.2, x.shape)
    predicted = model.predict(new).to_numpy() - expected.predict(new)
    return np.abs(predicted).max(), np.abs((model.coef_ - expected.coef_) * sd).max()


def test_it_is_scikit_learns_linear_regression():
    x, y = tables(60, 8)
    expected = LinearRegression().fit(x, y)
    model = MLR().fit(x, y)
    np.testing.assert_allclose(model.coef_, expected.coef_, atol=1e-12)
    np.testing.assert_allclose(model.intercept_, expected.intercept_, atol=1e-12)
    np.testing.assert_allclose(model.predict(x), expected.predict(x), atol=1e-12)


@pytest.mark.parametrize("condition", [10, 100, 180, 250, 1000, 3000])
def test_it_agrees_however_ill_conditioned_the_tfs_are(condition):
    prediction, _ = agreement(*conditioned(200, 20, condition))
    assert prediction < 1e-10


def test_normal_equations_alone_would_not_agree():
    x, y = conditioned(200, 20, 3000)
    with mock.patch.object(linear, "MOST_CONDITION", np.inf):
        assert agreement(x, y)[0] > 1e-9


def test_the_normal_equations_are_used_where_they_are_safe():
    x, y = conditioned(200, 20, 100)
    with mock.patch.object(linear, "thin_svd", side_effect=AssertionError("not needed")):
        MLR().fit(x, y)


def duplicated(x: pd.DataFrame) -> pd.DataFrame:
    return x.assign(TF1=x["TF0"])


def summed(x: pd.DataFrame) -> pd.DataFrame:
    return x.assign(TF2=x["TF0"] - 2 * x["TF1"] + 1)


def constant(x: pd.DataFrame) -> pd.DataFrame:
    return x.assign(TF1=0.1)


def on_other_scales(x: pd.DataFrame) -> pd.DataFrame:
    return x * np.logspace(0, -7, x.shape[1])


@pytest.mark.parametrize("change", [duplicated, summed, constant, on_other_scales])
@pytest.mark.parametrize("shape", [(40, 6), (997, 6), (6, 6), (5, 12), (7, 6)])
def test_where_the_solution_is_not_unique_it_is_the_one_of_least_norm(change, shape):
    x, y = tables(*shape)
    prediction, slopes = agreement(change(x), y)
    assert prediction < 1e-10
    assert slopes < 1e-10


def test_a_tf_that_does_not_vary_has_no_slope():
    x, y = tables(997, 5)
    for level in (0.0, 0.1, 2.7):
        for kind in (np.float32, np.float64):
            model = MLR().fit(x.assign(TF1=level).astype(kind), y)
            assert (model.coef_[:, 1] == 0).all()


@pytest.mark.parametrize("n_samples", [3, 50])
def test_where_no_tf_varies_the_training_mean_is_predicted(n_samples):
    x, y = tables(n_samples, 5)
    model = MLR().fit(x * 0 + 0.1, y)
    assert (model.coef_ == 0).all()
    np.testing.assert_allclose(model.predict(x), y * 0 + y.mean(), atol=1e-14)


def test_a_gene_that_does_not_vary_is_predicted_as_it_is():
    x, y = tables(50, 5)
    model = MLR().fit(x, y.assign(G1=0.1))
    assert (model.predict(x)["G1"] == 0.1).all()


def test_one_sample_is_predicted_by_itself():
    x, y = tables(1, 3)
    np.testing.assert_array_equal(MLR().fit(x, y).predict(x), y)


@settings(deadline=None, max_examples=60)
@given(st.integers(2, 40), st.integers(2, 15), st.integers(1, 6), st.integers(0, 10**6), st.data())
def test_any_design_gives_scikit_learns_predictions(n_samples, n_tfs, n_genes, seed, data):
    x, y = tables(n_samples, n_tfs, n_genes, seed=seed)
    chosen = st.lists(st.integers(1, n_tfs - 1), max_size=3)
    for column in data.draw(chosen):
        x.iloc[:, column] = x.iloc[:, 0]
    for column in data.draw(chosen):
        x.iloc[:, column] = 0.3
    expected = LinearRegression().fit(x, y)
    model = MLR().fit(x, y)
    # A square design may have slopes of any size by chance.
    tolerance = 1e-10 * max(1, np.abs(expected.coef_).max()) ** 2
    np.testing.assert_allclose(model.coef_, expected.coef_, rtol=0, atol=tolerance)
    np.testing.assert_allclose(model.predict(x), expected.predict(x), rtol=0, atol=tolerance)


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 9), st.integers(1, 70))
def test_the_size_of_the_chunks_changes_nothing(genes_at_once, samples_at_once):
    x, y = tables(60, 5, 7)
    whole = MLR().fit(x, y)
    with (
        mock.patch.object(linear, "GENES_AT_ONCE", genes_at_once),
        mock.patch.object(linear, "SAMPLES_AT_ONCE", samples_at_once),
    ):
        model = MLR().fit(x, y)
        predicted = model.predict(x)
    np.testing.assert_allclose(model.coef_, whole.coef_, atol=1e-13)
    pd.testing.assert_frame_equal(predicted, whole.predict(x), rtol=1e-13, atol=1e-13)


def test_the_order_of_tfs_genes_and_samples_changes_nothing():
    x, y = tables(40, 6)
    plain = MLR().fit(x, y).predict(x)
    order = np.random.default_rng(0).permutation(len(x))
    mixed = MLR().fit(x.iloc[order, ::-1], y.iloc[order, ::-1]).predict(x)
    assert mixed.columns.tolist() == y.columns[::-1].tolist()
    pd.testing.assert_frame_equal(mixed[y.columns], plain, atol=1e-12)


def test_renaming_changes_nothing():
    x, y = tables(40, 6)
    renamed = x.rename(columns="n_{}".format)
    theirs = MLR().fit(renamed, y.rename(columns="n_{}".format)).predict(renamed)
    np.testing.assert_allclose(theirs, MLR().fit(x, y).predict(x), atol=1e-12)
    assert theirs.columns.tolist() == [f"n_{gene}" for gene in y]


def test_other_number_types_and_layouts_give_the_same_model():
    x, y = tables(40, 6)
    whole = (10 * x).round().astype(int), (10 * y).round().astype(int)
    expected = MLR().fit(*(table.astype(float) for table in whole))
    kinds = ["int64", "int32", "float32", "Float64"]
    others = [tuple(table.astype(kind) for table in whole) for kind in kinds]
    columnwise = tuple(
        pd.DataFrame(np.asfortranarray(table, float), table.index, table.columns) for table in whole
    )
    for tables_ in (*others, columnwise):
        model = MLR().fit(*tables_)
        np.testing.assert_allclose(model.coef_, expected.coef_, atol=1e-13)
        predicted = model.predict(tables_[0])
        assert (predicted.dtypes == np.float64).all()
        np.testing.assert_allclose(predicted, expected.predict(whole[0]), atol=1e-11)


def test_fitting_and_predicting_leave_the_tables_alone():
    x, y = tables(40, 6)
    before = x.copy(), y.copy()
    MLR().fit(x, y).predict(x)
    pd.testing.assert_frame_equal(x, before[0], check_exact=True)
    pd.testing.assert_frame_equal(y, before[1], check_exact=True)


def test_saving_and_loading_change_nothing():
    x, y = tables(40, 6)
    model = MLR().fit(x, y)
    data = skops.io.dumps(model)
    types = skops.io.get_untrusted_types(data=data)
    assert types == ["lembas.linear.MLR"]
    loaded = skops.io.loads(data, trusted=types)
    pd.testing.assert_frame_equal(loaded.predict(x), model.predict(x), check_exact=True)
    assert not hasattr(clone(loaded), "coef_")


def test_bad_tables_are_refused():
    x, y = tables(10, 4)
    with pytest.raises(TypeError, match="X is a ndarray"):
        MLR().fit(x.to_numpy(), y)
    with pytest.raises(ValueError, match="X and Y differ in their samples"):
        MLR().fit(x, y.iloc[::-1])
    with pytest.raises(ValueError, match=r"X lacks 1 of the 4 TFs .*: TF3; add them"):
        MLR().fit(x, y).predict(x.drop(columns="TF3"))
