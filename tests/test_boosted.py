"""Tests of the boosted trees: XGBoost's own regressor, gene by gene, is the oracle."""

from __future__ import annotations

import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
import xgboost
from sklearn.base import clone

from lembas import boosted, gene_fits
from lembas.boosted import Boosted, Boosters
from lembas.forests import XGBRF
from lembas.inner_split import held_out_samples
from tests.conftest import random_expression

TFS = [f"TF{number}" for number in range(10)]
GENES = [f"G{number}" for number in range(5)]
SMALL = {"n_rounds": 60, "patience": 8, "learning_rate": 0.2, "colsample": 0.5}
TWO = min(2, joblib.cpu_count())
NEW = random_expression("n", 20, TFS, seed=5)


def tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw TFs, and genes that follow some of them; the last does not vary."""
    x = random_expression("s", 80, TFS, seed=0)
    noise = random_expression("s", 80, GENES, seed=1)
    y = 0.3 * noise + np.sin(2 * x.iloc[:, : len(GENES)].to_numpy())
    return x, y.assign(G4=0.3)


SERIES = pd.Series([f"GSE{number // 10}" for number in range(80)], index=tables()[0].index)


@pytest.mark.parametrize("groups", [None, SERIES], ids=["samples", "series"])
def test_trees_are_xgboosts_own(groups):
    x, y = tables()
    model = Boosted(**SMALL).fit(x, y, groups=groups)
    fitted, held_out = held_out_samples(x.index, groups, fraction=0.15, seed=888)
    options = {
        "learning_rate": 0.2,
        "max_depth": 2,
        "subsample": 0.8,
        "colsample_bytree": 0.5,
        "max_bin": 32,
        "random_state": 888,
        "tree_method": "hist",
        "n_jobs": 1,
    }
    features, new = x.to_numpy(np.float32), NEW.to_numpy(np.float32)
    for gene in GENES:
        label = y[gene].to_numpy()
        searched = xgboost.XGBRegressor(n_estimators=60, early_stopping_rounds=8, **options)
        held = [(features[held_out], label[held_out])]
        searched.fit(features[fitted], label[fitted], eval_set=held, verbose=False)
        n_rounds = searched.best_iteration + 1
        assert model.n_rounds_[gene] == n_rounds
        final = xgboost.XGBRegressor(n_estimators=n_rounds, **options).fit(features, label)
        np.testing.assert_array_equal(model.predict(NEW)[gene], final.predict(new), err_msg=gene)
    assert model.n_rounds_["G4"] == 1  # nothing to learn
    assert model.n_rounds_["G0"] > 5


def test_it_learns_what_three_trees_cannot():
    x, y = tables()
    new_y = np.sin(2 * NEW["TF0"]) + 0.45  # the noise's mean
    error = ((Boosted(**SMALL).fit(x, y).predict(NEW)["G0"] - new_y) ** 2).mean()
    assert error < 0.5 * new_y.var()


def test_threads_and_the_order_of_genes_and_tfs_at_prediction_change_nothing():
    x, y = tables()
    plain = Boosted(**SMALL).fit(x, y).predict(NEW)
    mixed = Boosted(**SMALL, n_jobs=TWO).fit(x, y[GENES[::-1]])
    assert mixed.predict(NEW).columns.tolist() == GENES[::-1]
    found = mixed.predict(NEW[TFS[::-1]])[GENES]
    pd.testing.assert_frame_equal(found, plain, check_exact=True)


def test_saving_and_loading_change_nothing():
    model = Boosted(**SMALL, always=("G1",)).fit(*tables())
    data = skops.io.dumps(model)
    types = skops.io.get_untrusted_types(data=data)
    assert types == ["lembas.boosted.Boosted"]
    loaded = skops.io.loads(data, trusted=types)
    pd.testing.assert_frame_equal(loaded.predict(NEW), model.predict(NEW), check_exact=True)
    pd.testing.assert_series_equal(loaded.n_rounds_, model.n_rounds_)
    assert loaded.get_params() == model.get_params()
    assert not hasattr(clone(loaded), "boosters_")


def test_its_panel_has_genes_in_common_with_that_of_the_forests():
    x, y = tables()
    few = Boosted(**SMALL, n_panel=2).fit(x, y)
    more = XGBRF(n_panel=3).fit(x, y)
    assert len(few.genes_) == 2
    assert set(few.genes_) < set(more.genes_)
    expected = Boosted(**SMALL).fit(x, y).predict(NEW)[few.genes_]
    pd.testing.assert_frame_equal(few.predict(NEW), expected, check_exact=True)


class Killed(Exception):
    """Stands for the end of a process in the middle of a fit."""


@pytest.fixture
def counted(monkeypatch):
    """Fit two genes a batch, count the trainings (two a gene), and stop at one of them."""
    train, state = xgboost.train, {"n": 0, "stop": 0}

    def counting(*args, **kwargs):
        state["n"] += 1
        if state["n"] == state["stop"]:
            raise Killed
        return train(*args, **kwargs)

    monkeypatch.setattr(gene_fits, "BATCH", 2)
    monkeypatch.setattr(boosted.xgboost, "train", counting)
    return state


def test_a_killed_fit_goes_on_with_the_same_result(tmp_path, counted):
    x, y = tables()
    whole = Boosted(**SMALL).fit(x, y).predict(NEW)
    counted.update(n=0, stop=6)  # in the second batch
    with pytest.raises(Killed):
        Boosted(**SMALL).fit(x, y, unfinished=tmp_path)
    counted.update(n=0, stop=0)
    resumed = Boosted(**SMALL).fit(x, y, unfinished=tmp_path)
    assert counted["n"] == 6  # of 5 genes, two were there
    pd.testing.assert_frame_equal(resumed.predict(NEW), whole, check_exact=True)


@pytest.mark.parametrize("change", ["series", "patience", "depth"])
def test_what_another_fit_left_is_not_used(tmp_path, counted, change):
    x, y = tables()
    Boosted(**SMALL).fit(x, y, unfinished=tmp_path)
    options = {"patience": {"patience": 5}, "depth": {"max_depth": 3}}.get(change, {})
    counted["n"] = 0
    groups = SERIES if change == "series" else None
    Boosted(**{**SMALL, **options}).fit(x, y, groups=groups, unfinished=tmp_path)
    assert counted["n"] == 10


def test_progress_is_shown_on_standard_error_when_asked_for(capsys):
    x, y = tables()
    Boosted(**SMALL, progress=True).fit(x, y)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "5/5" in shown.err


def test_damaged_arrays_and_bad_tables_are_refused(monkeypatch):
    x, y = tables()
    arrays = Boosted(**SMALL).fit(x, y).boosters_.arrays()
    with pytest.raises(ValueError, match=r"5 boosted models do not fit their .* bytes and 4 numb"):
        Boosters(**{**arrays, "n_rounds": arrays["n_rounds"][:4]})
    with pytest.raises(ValueError, match="at least 4 training samples, got 3"):
        Boosted().fit(x.iloc[:3], y.iloc[:3])
    with pytest.raises(ValueError, match=r"X lacks 1 of the 10 TFs .*: TF1;"):
        Boosted(**SMALL).fit(x, y).predict(NEW.drop(columns="TF1"))
    monkeypatch.setattr(gene_fits.joblib, "cpu_count", lambda: 2)
    with pytest.raises(ValueError, match="n_jobs is 3, and 2 processor"):
        Boosted(n_jobs=3).fit(x, y)
