"""Tests of XGBRF: XGBoost's own random forest, gene by gene, is the oracle."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import skops.io
import xgboost
from sklearn.base import clone
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from lembas.forests import XGBRF
from tests.conftest import random_expression

TFS = [f"TF{number}" for number in range(15)]
GENES = [f"G{number}" for number in range(7)]


def tables(kind: str = "float64") -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw TFs with zeros and ties, and genes that follow some of them."""
    x = random_expression("s", 90, TFS, seed=0).round(2)
    x = x.where(x > 0.4, 0.0)
    noise = random_expression("s", 90, GENES, seed=1)
    y = noise + 2 * x.iloc[:, : len(GENES)].to_numpy()
    y["G6"] = 0.3  # does not vary
    return x.astype(kind), y.astype(kind)


NEW = random_expression("n", 30, TFS, seed=5)


@pytest.mark.parametrize("n_jobs", [1, 2, -1])
@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_trees_and_predictions_are_exactly_xgboosts(n_jobs, kind):
    x, y = tables(kind)
    model = XGBRF(n_jobs=n_jobs).fit(x, y)
    ours = model.predict(NEW)
    for gene in GENES:
        theirs = xgboost.XGBRFRegressor(
            n_estimators=3, objective="reg:squarederror", random_state=888, n_jobs=1
        ).fit(x.to_numpy(), y[gene].to_numpy())
        np.testing.assert_array_equal(
            ours[gene].to_numpy(), theirs.predict(NEW.to_numpy()), err_msg=gene
        )
        booster = theirs.get_booster()
        assert model.forest(gene).get_dump(with_stats=True) == booster.get_dump(with_stats=True)
        assert len(booster.get_dump()) == 3


def test_settings_reach_the_forests():
    x, y = tables()
    model = XGBRF(n_estimators=5, random_state=1).fit(x, y[["G0"]])
    theirs = xgboost.XGBRFRegressor(n_estimators=5, random_state=1, n_jobs=1).fit(x, y["G0"])
    np.testing.assert_array_equal(model.predict(NEW)["G0"], theirs.predict(NEW))


def test_saving_and_loading_change_nothing():
    x, y = tables()
    model = XGBRF(always=("G1",), n_jobs=2).fit(x, y)
    data = skops.io.dumps(model)
    types = skops.io.get_untrusted_types(data=data)
    assert types == ["lembas.forests.XGBRF"]
    loaded = skops.io.loads(data, trusted=types)
    pd.testing.assert_frame_equal(loaded.predict(NEW), model.predict(NEW), check_exact=True)
    assert loaded.forest("G2").get_dump() == model.forest("G2").get_dump()
    assert loaded.get_params() == model.get_params()


def test_it_can_be_saved_before_it_is_fitted():
    data = skops.io.dumps(XGBRF(n_panel=4))
    loaded = skops.io.loads(data, trusted=["lembas.forests.XGBRF"])
    assert loaded.get_params() == XGBRF(n_panel=4).get_params()


def test_it_behaves_like_a_scikit_learn_estimator():
    x, y = tables()
    model = XGBRF(n_estimators=2).fit(x, y)
    copied = clone(model)
    assert not hasattr(copied, "forests_")
    assert copied.get_params() == model.get_params()
    pd.testing.assert_frame_equal(copied.fit(x, y).predict(x), model.predict(x), check_exact=True)
    scaler = MinMaxScaler().set_output(transform="pandas")
    assert make_pipeline(scaler, XGBRF()).fit(x, y).predict(x).columns.tolist() == GENES
    held_out = cross_val_predict(XGBRF(), x, y, cv=3)
    first = XGBRF().fit(x.iloc[30:], y.iloc[30:]).predict(x.iloc[:30])
    np.testing.assert_array_equal(held_out[:30], first)


def test_the_order_of_genes_and_the_order_of_columns_at_prediction_change_nothing():
    x, y = tables()
    plain = XGBRF().fit(x, y).predict(NEW)
    mixed = XGBRF().fit(x, y[GENES[::-1]]).predict(NEW[TFS[::-1]])
    pd.testing.assert_frame_equal(mixed[GENES], plain, check_exact=True)


def test_a_panel_holds_the_genes_asked_for_and_predicts_them_as_the_whole_does():
    x, y = tables()
    whole = XGBRF().fit(x, y)
    panel = XGBRF(n_panel=3, always=("G5", "not_measured")).fit(x, y)
    assert "G5" in panel.genes_
    assert 3 <= len(panel.genes_) <= 4
    assert panel.genes_.tolist() == sorted(panel.genes_)  # the table's order
    expected = whole.predict(NEW)[panel.genes_]
    pd.testing.assert_frame_equal(panel.predict(NEW), expected, check_exact=True)
    assert XGBRF(n_panel=100).fit(x, y).genes_.tolist() == GENES


def test_the_panel_does_not_depend_on_the_order_of_the_genes():
    x, y = tables()
    one = XGBRF(n_panel=3).fit(x, y).genes_
    other = XGBRF(n_panel=3).fit(x, y[GENES[::-1]]).genes_
    assert set(one) == set(other)


def test_a_gene_that_was_not_fitted_is_named():
    x, y = tables()
    model = XGBRF().fit(x, y[["G0", "G1"]])
    with pytest.raises(KeyError, match="G3 is not among the 2 genes XGBRF was fitted to"):
        model.forest("G3")


def test_bad_tables_are_refused():
    x, y = tables()
    with pytest.raises(ValueError, match="X holds 1 missing or infinite values, in columns TF0"):
        XGBRF().fit(x.mask((x.index == "s3")[:, None] & (x.columns == "TF0")), y)
    with pytest.raises(ValueError, match=r"X lacks 2 of the 15 TFs .*: TF1, TF2;"):
        XGBRF().fit(x, y).predict(NEW.drop(columns=["TF1", "TF2"]))
