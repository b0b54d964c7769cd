"""Tests of PLS: scikit-learn's PLSRegression is the oracle."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import skops.io
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.cross_decomposition import PLSRegression
from sklearn.linear_model import LinearRegression

from lembas.pls import PLS
from tests.conftest import random_expression

TFS = [f"TF{number}" for number in range(9)]
GENES = [f"G{number}" for number in range(6)]
NEW = random_expression("n", 11, TFS, seed=7)


def tables(
    n_samples: int = 40, tfs: list[str] = TFS, seed: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw TFs and genes that follow them, each on a scale of its own."""
    x = random_expression("s", n_samples, tfs, seed=seed)
    rng = np.random.default_rng(seed + 1)
    y = x.to_numpy() @ rng.normal(size=(len(tfs), len(GENES)))
    y = (y + rng.normal(size=y.shape)) * np.linspace(0.1, 3, len(GENES))
    return x, pd.DataFrame(y, index=x.index, columns=pd.Index(GENES, name="gene"))


def oracle(x: pd.DataFrame, y: pd.DataFrame, n_components: int) -> PLSRegression:
    return PLSRegression(n_components, tol=1e-14, max_iter=50_000).fit(x.to_numpy(), y.to_numpy())


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 1000),
    n_samples=st.integers(5, 60),
    n_tfs=st.integers(2, 90),
    n_components=st.integers(1, 4),
)
def test_predictions_are_scikit_learns(seed, n_samples, n_tfs, n_components):
    n_components = min(n_components, n_samples - 1, n_tfs)
    names = [f"T{number}" for number in range(n_tfs)]
    x, y = tables(n_samples, names, seed)
    ours = PLS(n_components).fit(x, y)
    new = random_expression("n", 5, names, seed=seed + 2)
    expected = oracle(x, y, n_components).predict(new.to_numpy())
    np.testing.assert_allclose(
        ours.predict(new), expected, rtol=1e-5, atol=1e-5 * y.abs().max().max()
    )


def test_more_directions_than_are_decomposed_at_once_give_the_same():
    names = [f"T{number}" for number in range(80)]
    x, y = tables(120, names)
    new = random_expression("n", 5, names, seed=3)
    expected = oracle(x, y, 5).predict(new.to_numpy())
    np.testing.assert_allclose(PLS(5).fit(x, y).predict(new), expected, atol=1e-5)
    again = PLS(5).fit(x, y).predict(new)
    pd.testing.assert_frame_equal(PLS(5).fit(x, y).predict(new), again, check_exact=True)


def test_all_components_are_least_squares():
    x, y = tables()
    expected = LinearRegression().fit(x, y).predict(NEW)
    np.testing.assert_allclose(PLS(9).fit(x, y).predict(NEW), expected, atol=1e-8)
    # As many as there are directions, whatever is asked for.
    model = PLS(50).fit(x, y)
    assert model.loadings_.shape == (9, 6)
    np.testing.assert_allclose(model.predict(NEW), expected, atol=1e-8)


def test_fewer_components_are_the_first_of_more():
    x, y = tables()
    few, many = PLS(2).fit(x, y), PLS(6).fit(x, y)
    np.testing.assert_allclose(few.loadings_, many.loadings_[:2], atol=1e-12)
    np.testing.assert_allclose(few.rotations_, many.rotations_[:, :2], atol=1e-12)


def test_slopes_give_the_predictions():
    x, y = tables()
    model = PLS(3).fit(x, y)
    expected = (NEW - x.mean()) @ model.coef_.T + y.mean().to_numpy()
    np.testing.assert_allclose(model.predict(NEW), expected, atol=1e-12)


def test_a_gene_that_does_not_vary_is_its_mean_and_changes_nothing_else():
    x, y = tables()
    expected = PLS(3).fit(x, y).predict(NEW)
    predicted = PLS(3).fit(x.assign(TF9=2.0), y.assign(G9=0.7)).predict(NEW.assign(TF9=5.0))
    np.testing.assert_allclose(predicted["G9"], 0.7)
    pd.testing.assert_frame_equal(predicted[GENES], expected, atol=1e-10)
    alone = PLS(3).fit(x, y[["G0"]] * 0 + 1.5)
    assert alone.loadings_.shape == (0, 1)
    assert (alone.predict(NEW) == 1.5).all(axis=None)


def test_the_order_of_tfs_genes_and_samples_changes_nothing():
    x, y = tables()
    plain = PLS(3).fit(x, y).predict(NEW)
    order = np.random.default_rng(0).permutation(len(x))
    model = PLS(3).fit(x[TFS[::-1]].iloc[order], y[GENES[::-1]].iloc[order])
    assert model.predict(NEW).columns.tolist() == GENES[::-1]
    pd.testing.assert_frame_equal(model.predict(NEW)[GENES], plain, atol=1e-10)


def test_saving_and_loading_change_nothing():
    model = PLS(3).fit(*tables())
    data = skops.io.dumps(model)
    assert skops.io.get_untrusted_types(data=data) == ["lembas.pls.PLS"]
    loaded = skops.io.loads(data, trusted=["lembas.pls.PLS"])
    pd.testing.assert_frame_equal(loaded.predict(NEW), model.predict(NEW), check_exact=True)
    assert clone(loaded).get_params() == {"n_components": 3}


def test_single_precision_is_computed_in_double():
    x, y = (table.astype(np.float32) for table in tables())
    expected = PLS(3).fit(x.astype(float), y.astype(float)).predict(NEW)
    pd.testing.assert_frame_equal(PLS(3).fit(x, y).predict(NEW), expected, check_exact=True)


def test_no_component_is_refused():
    with pytest.raises(ValueError, match="n_components must be at least 1, got 0"):
        PLS(0).fit(*tables())
