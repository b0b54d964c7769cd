"""Tests of XGBRF: XGBoost's own random forest, gene by gene, is the oracle."""

from __future__ import annotations

import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from lembas import forests, gene_fits
from lembas.flat_forests import DEPTH, FlatForests
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


# Two threads, where there are two processors.
TWO = min(2, joblib.cpu_count())


@pytest.mark.parametrize("n_jobs", [1, TWO, -1])
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


def boosters_predictions(model: XGBRF, new: pd.DataFrame) -> np.ndarray:
    """Let XGBoost predict, gene by gene."""
    features = xgboost.DMatrix(new[model.tfs_].to_numpy(np.float32))
    return np.column_stack([model.forest(gene).predict(features) for gene in model.genes_])


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 1000),
    n_samples=st.integers(2, 60),
    n_genes=st.integers(1, 20),
    n_estimators=st.integers(1, 4),
    n_decimals=st.integers(0, 3),
    offset=st.sampled_from([0.0, -7.3, 1e-6, 4e6]),
)
def test_all_genes_at_once_are_xgboosts_gene_by_gene_to_the_last_bit(
    seed, n_samples, n_genes, n_estimators, n_decimals, offset
):
    names = [f"G{number}" for number in range(n_genes)]
    x = random_expression("s", n_samples, TFS, seed=seed).round(n_decimals)
    # Bases differ from gene to gene; the first gene does not vary.
    y = random_expression("s", n_samples, names, seed=seed + 1) * np.arange(n_genes) + offset
    model = XGBRF(n_estimators=n_estimators, random_state=seed).fit(x, y)
    np.testing.assert_array_equal(model.predict(x), boosters_predictions(model, x))


@pytest.mark.parametrize("n_samples", [1, 2, 63, 64, 65, 200])
@pytest.mark.parametrize("n_jobs", [1, TWO])
def test_any_number_of_samples_gives_xgboosts_values(n_samples, n_jobs):
    model = XGBRF(n_jobs=n_jobs).fit(*tables())
    new = random_expression("n", n_samples, TFS, seed=9)
    for table in (new, pd.DataFrame(np.asfortranarray(new), new.index, TFS)):
        np.testing.assert_array_equal(model.predict(table), boosters_predictions(model, new))


def test_a_value_at_a_threshold_goes_where_xgboost_sends_it():
    model = XGBRF().fit(*tables())
    trees = model.forests_
    rows = np.zeros((len(trees.inputs), len(TFS)), np.float32)
    # One sample for the root of each tree; one just below it, one just above.
    rows[np.arange(len(rows)), trees.inputs[:, 0]] = trees.thresholds[:, 0]
    new = np.concatenate([rows, np.nextafter(rows, -np.inf), np.nextafter(rows, np.inf)])
    new = pd.DataFrame(new, columns=TFS)
    expected = boosters_predictions(model, new)
    np.testing.assert_array_equal(model.predict(new), expected)
    one_by_one = [model.predict(new.iloc[[number]]) for number in range(len(new))]
    np.testing.assert_array_equal(pd.concat(one_by_one), expected)
    # At and just below a threshold differ, so the test above can see a wrong comparison.
    assert (expected[: len(rows)] != expected[len(rows) : 2 * len(rows)]).any()


def test_trees_deeper_than_expected_are_refused():
    x, y = tables()
    settings_ = {"max_depth": DEPTH + 2, "min_child_weight": 0}
    deep = xgboost.train(settings_, xgboost.DMatrix(x, y["G0"]), num_boost_round=1)
    with pytest.raises(ValueError, match="a tree has more than 6 levels; set max_depth to 6"):
        FlatForests.of(deep)


def test_saving_and_loading_change_nothing():
    x, y = tables()
    model = XGBRF(always=("G1",), n_jobs=TWO).fit(x, y)
    data = skops.io.dumps(model)
    types = skops.io.get_untrusted_types(data=data)
    assert types == ["lembas.forests.XGBRF"]
    loaded = skops.io.loads(data, trusted=types)
    pd.testing.assert_frame_equal(loaded.predict(NEW), model.predict(NEW), check_exact=True)
    assert loaded.forest("G2").get_dump() == model.forest("G2").get_dump()
    assert loaded.get_params() == model.get_params()


def test_a_loaded_model_that_would_read_beyond_the_tfs_is_refused():
    model = XGBRF().fit(*tables())
    state = model.__getstate__()
    arrays = state["forests_"]
    wild = {**arrays, "inputs": arrays["inputs"] + np.uint32(len(TFS))}
    with pytest.raises(ValueError, match="ask for TF number 29 of 15: the model file is damaged"):
        XGBRF().__setstate__({**state, "forests_": wild})
    short = {**arrays, "leaves": arrays["leaves"][:-1]}
    with pytest.raises(ValueError, match="7 forests do not fit their arrays"):
        XGBRF().__setstate__({**state, "forests_": short})


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


def test_the_order_and_the_names_of_new_samples_change_nothing_but_their_order():
    model = XGBRF().fit(*tables())
    plain = model.predict(NEW)
    mixed = model.predict(NEW.sample(frac=1, random_state=0))
    pd.testing.assert_frame_equal(mixed.loc[NEW.index], plain, check_exact=True)
    renamed = model.predict(NEW.add_prefix("other_", axis="index"))
    np.testing.assert_array_equal(renamed, plain)
    pd.testing.assert_frame_equal(model.predict(NEW.iloc[[7]]), plain.iloc[[7]], check_exact=True)


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


class Killed(Exception):
    """Stands for the end of a process in the middle of a fit."""


@pytest.fixture
def counted(monkeypatch):
    """Fit two genes a batch, count the forests, and stop at one of them."""
    train, state = xgboost.train, {"forests": 0, "stop": 0}

    def counting(*args, **kwargs):
        state["forests"] += 1
        if state["forests"] == state["stop"]:
            raise Killed
        return train(*args, **kwargs)

    monkeypatch.setattr(gene_fits, "BATCH", 2)
    monkeypatch.setattr(forests.xgboost, "train", counting)
    return state


def assert_same_forests(one: XGBRF, other: XGBRF) -> None:
    assert one.genes_.equals(other.genes_)
    for name, array in one.forests_.arrays().items():
        np.testing.assert_array_equal(array, other.forests_.arrays()[name], err_msg=name)


def test_a_killed_fit_goes_on_with_the_same_result(tmp_path, counted):
    x, y = tables()
    whole = XGBRF().fit(x, y)
    counted.update(forests=0, stop=6)  # the second gene of the third batch
    with pytest.raises(Killed):
        XGBRF().fit(x, y, unfinished=tmp_path)
    assert len(list(tmp_path.glob("*/*.npz"))) == 2
    counted.update(forests=0, stop=0)
    resumed = XGBRF(n_jobs=TWO).fit(x, y, unfinished=tmp_path)
    assert counted["forests"] == 3  # of 7 genes, four were there
    assert_same_forests(resumed, whole)
    XGBRF().fit(x, y, unfinished=tmp_path)
    assert counted["forests"] == 3


def test_a_failure_in_one_thread_ends_the_fit(tmp_path, counted):
    x, y = tables()
    whole = XGBRF().fit(x, y)
    counted.update(forests=0, stop=3)
    with pytest.raises(Killed):
        XGBRF(n_jobs=TWO).fit(x, y, unfinished=tmp_path)
    counted["stop"] = 0
    assert_same_forests(XGBRF(n_jobs=TWO).fit(x, y, unfinished=tmp_path), whole)


@pytest.mark.parametrize("change", ["x", "y", "seed", "trees", "panel"])
def test_what_another_fit_left_is_not_used(tmp_path, counted, change):
    x, y = tables()
    XGBRF().fit(x, y, unfinished=tmp_path)
    options = {"seed": {"random_state": 1}, "trees": {"n_estimators": 2}, "panel": {"n_panel": 3}}
    x = x + 0.5 * (change == "x")
    y = y.assign(G1=y["G2"]) if change == "y" else y
    model = XGBRF(**options.get(change, {}))
    counted["forests"] = 0
    resumed = model.fit(x, y, unfinished=tmp_path)
    assert counted["forests"] == len(resumed.genes_)
    assert_same_forests(resumed, clone(model).fit(x, y))


def cut_short(path):
    path.write_bytes(path.read_bytes()[:-300])


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def take_another_batch(path):
    path.write_bytes(path.with_name("genes_000006.npz").read_bytes())


def lose_an_array(path):
    np.savez(path, base=np.zeros(2, np.float32))


@pytest.mark.parametrize("damage", [cut_short, flip_a_bit, take_another_batch, lose_an_array])
def test_a_damaged_file_of_an_unfinished_fit_is_fitted_again(tmp_path, counted, damage):
    x, y = tables()
    whole = XGBRF().fit(x, y, unfinished=tmp_path)
    (kept,) = tmp_path.glob("*/genes_000002.npz")
    damage(kept)
    counted["forests"] = 0
    assert_same_forests(XGBRF().fit(x, y, unfinished=tmp_path), whole)
    assert counted["forests"] == 2


def test_a_full_disk_leaves_no_half_written_file(tmp_path, monkeypatch):
    def full(path, **arrays):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(gene_fits.np, "savez", full)
    with pytest.raises(OSError, match="No space left on device"):
        XGBRF().fit(*tables(), unfinished=tmp_path)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["fit.txt"]


def test_progress_is_shown_on_standard_error_when_asked_for(capsys):
    x, y = tables()
    XGBRF().fit(x, y)
    assert capsys.readouterr() == ("", "")
    XGBRF(progress=True).fit(x, y)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "7/7" in shown.err


@pytest.mark.parametrize("n_jobs", [0, -2, 3])
def test_more_threads_than_processors_are_refused(monkeypatch, n_jobs):
    monkeypatch.setattr(forests.joblib, "cpu_count", lambda: 2)
    message = rf"n_jobs is {n_jobs}, and 2 processor\(s\) may be used here; choose 1 to 2, or -1"
    with pytest.raises(ValueError, match=message):
        XGBRF(n_jobs=n_jobs).fit(*tables())


def test_a_model_from_a_larger_machine_predicts_with_the_processors_there_are(monkeypatch):
    model = XGBRF().fit(*tables()).set_params(n_jobs=64)
    new = random_expression("n", 70, TFS, seed=9)
    expected = boosters_predictions(model, new)
    np.testing.assert_array_equal(model.predict(new), expected)
    monkeypatch.setattr(forests.joblib, "cpu_count", lambda: 1)
    monkeypatch.setattr(forests.joblib, "Parallel", None)
    np.testing.assert_array_equal(model.predict(new), expected)
