"""Tests of the checks on tables that go into a model, and of its plain saved state."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.base import BaseEstimator

from lembas.labels import PlainState, aligned_columns, as_names, by_number, check_training_tables
from tests.conftest import random_expression

X = random_expression("s", 6, ["TF1", "TF2", "TF3"], seed=0)
Y = random_expression("s", 6, ["G1", "G2"], seed=1)


class Holder(PlainState, BaseEstimator):
    """An estimator that keeps names and numbers, as the package's models do."""

    def __init__(self, factor=1):
        self.factor = factor


def with_value(table: pd.DataFrame, value: float) -> pd.DataFrame:
    changed = table.copy()
    changed.iloc[2, 1] = value
    return changed


def test_good_tables_pass():
    check_training_tables(X, Y)


@pytest.mark.parametrize(
    ("x", "y", "error", "message"),
    [
        (X.to_numpy(), Y, TypeError, "X is a ndarray; pass a DataFrame with samples as index"),
        (X, Y["G1"], TypeError, "Y is a Series; pass a DataFrame"),
        (
            X.iloc[:0],
            Y.iloc[:0],
            ValueError,
            r"X is empty \(0 samples.*; a model needs at",
        ),
        (X, Y[[]], ValueError, r"Y is empty \(6 samples x 0 names\)"),
        (X[["TF1", "TF1", "TF2"]], Y, ValueError, "X names columns twice: TF1; keep one of each"),
        (with_value(X, np.nan), Y, ValueError, "X holds 1 missing or infinite values, .* TF2;"),
        (X, with_value(Y, np.inf), ValueError, "Y holds 1 missing or infinite values, .* G2;"),
        (X.astype(str), Y, ValueError, "X holds columns that are not numbers: TF1, TF2, TF3;"),
        (X, Y.iloc[:4], ValueError, r"differ in their samples \(6 and 4; .*: s4, s5\); align"),
        (X, Y.iloc[::-1], ValueError, r"\(6 and 6; in another order\); align them by name first"),
    ],
)
def test_bad_training_tables_are_refused(x, y, error, message):
    with pytest.raises(error, match=message):
        check_training_tables(x, y)


def test_columns_come_in_the_fitted_order_and_others_are_ignored():
    shuffled = X[["TF3", "TF1", "TF2"]].assign(OTHER=np.nan)
    pd.testing.assert_frame_equal(aligned_columns(shuffled, X.columns), X)


def test_a_table_in_order_is_not_copied():
    assert aligned_columns(X, X.columns) is X


@pytest.mark.parametrize(
    ("table", "error", "message"),
    [
        (X.to_numpy(), TypeError, "X is a ndarray; pass a DataFrame with samples as index"),
        (X[["TF2"]], ValueError, "X lacks 2 of the 3 TFs the model was fitted with: TF1, TF3;"),
        (with_value(X, -np.inf), ValueError, "X holds 1 missing or infinite values"),
        (X[["TF1", "TF2", "TF2", "TF3"]], ValueError, "X names columns twice: TF2; keep one"),
        (X.assign(TF3="high"), ValueError, "X holds .* not numbers: TF3;"),
    ],
)
def test_bad_inputs_of_predict_are_refused(table, error, message):
    with pytest.raises(error, match=message):
        aligned_columns(table, X.columns)


def test_many_offenders_are_shortened():
    columns = pd.Index([f"TF{number}" for number in range(1, 10)])
    with pytest.raises(ValueError, match=r"lacks 6 .*: TF4, TF5, TF6, TF7, TF8, \.\.\.; add"):
        aligned_columns(X, columns)


def test_repeats_among_ignored_columns_do_no_harm():
    table = pd.concat([X, Y[["G1", "G1"]]], axis=1)
    pd.testing.assert_frame_equal(aligned_columns(table, X.columns), X)


def test_saved_state_holds_no_pandas_object_and_comes_back_whole():
    holder = Holder(3)
    holder.names_ = pd.Index(["b", "a"], name="tf")
    holder.means_ = pd.Series([0.1, 0.2], index=pd.Index(["b", "a"], name="gene"), name="mean")
    holder.matrix_ = np.arange(6.0).reshape(2, 3)
    data = skops.io.dumps(holder)
    types = skops.io.get_untrusted_types(data=data)
    assert types == [f"{Holder.__module__}.Holder"]
    loaded = skops.io.loads(data, trusted=types)
    assert loaded.factor == 3
    pd.testing.assert_index_equal(loaded.names_, holder.names_)
    pd.testing.assert_series_equal(loaded.means_, holder.means_)
    np.testing.assert_array_equal(loaded.matrix_, holder.matrix_)


def test_a_text_is_one_name():
    assert as_names("ALB") == ["ALB"]
    assert as_names(pd.Index(["ALB", "AFP", "ALB"])) == ["ALB", "AFP"]
    assert as_names(()) == []


def test_names_are_ordered_by_their_numbers() -> None:
    names = ["GSE10", "GSE9", "other", "GSE100"]
    assert sorted(names, key=by_number) == ["other", "GSE9", "GSE10", "GSE100"]
    assert sorted(["100", "9", "23"], key=by_number) == ["9", "23", "100"]
