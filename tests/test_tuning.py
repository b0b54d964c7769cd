"""Tests of the search for settings: a slow loop over folds is the oracle."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.base import clone
from sklearn.model_selection import GroupKFold, KFold

from lembas.baselines import LabelledRegressor, make
from lembas.learners import KNN
from lembas.tuning import LEAST_SKILL, SEARCH_COLUMNS, Tuned, described, search_table
from tests.conftest import random_expression

TFS = [f"TF{number}" for number in range(5)]
GENES = [f"G{number}" for number in range(4)]
X = random_expression("s", 48, TFS, seed=0)
Y = random_expression("s", 48, GENES, seed=1) * 0.5 + X[TFS[:4]].to_numpy()
NEW = random_expression("n", 6, TFS, seed=2)
SERIES = pd.Series([f"GSE{number // 8}" for number in range(48)], index=X.index)
GRID = {"n_neighbors": [1, 3, 9, 27]}


def slow_scores(folds, n_neighbors: int) -> list[float]:
    """Score one setting fold by fold and gene by gene."""
    scores = []
    for fitted, held_out in folds:
        predicted = KNN(n_neighbors).fit(X.iloc[fitted], Y.iloc[fitted]).predict(X.iloc[held_out])
        truth, mean = Y.iloc[held_out], Y.iloc[fitted].mean()
        skill = [
            1 - ((truth[g] - predicted[g]) ** 2).sum() / ((truth[g] - mean[g]) ** 2).sum()
            for g in GENES
        ]
        scores.append(np.mean(np.maximum(skill, LEAST_SKILL)))
    return scores


@pytest.mark.parametrize("grouped", [True, False])
def test_the_search_is_that_of_a_slow_loop(grouped):
    if grouped:
        folds = list(GroupKFold(5, shuffle=True, random_state=888).split(X, groups=SERIES))
    else:
        folds = list(KFold(5, shuffle=True, random_state=888).split(X))
    model = Tuned(KNN(), GRID).fit(X, Y, groups=SERIES if grouped else None)
    expected = [slow_scores(folds, k) for k in GRID["n_neighbors"]]
    np.testing.assert_allclose(model.search_["mean_skill"], np.mean(expected, axis=1), rtol=1e-6)
    np.testing.assert_allclose(model.search_["sd_skill"], np.std(expected, axis=1), rtol=1e-6)
    best = int(np.argmax(np.mean(expected, axis=1)))
    assert model.search_["chosen"].tolist() == [at == best for at in range(4)]
    assert model.best_parameters_ == {"n_neighbors": GRID["n_neighbors"][best]}
    assert model.search_["unit"].unique().tolist() == ["series" if grouped else "sample"]
    assert set(model.search_["n_folds"]) == {5}
    assert set(SEARCH_COLUMNS) == set(model.search_.columns)


def test_the_chosen_model_is_fitted_on_all_samples():
    model = Tuned(KNN(), GRID).fit(X, Y, groups=SERIES)
    expected = KNN(**model.best_parameters_).fit(X, Y).predict(NEW)
    pd.testing.assert_frame_equal(model.predict(NEW), expected, check_exact=True)
    assert model.genes_.tolist() == GENES
    assert model.tfs_.tolist() == TFS


def test_what_predicts_best_is_found():
    """The genes are a line in one TF, so least squares beats any number of neighbours."""
    line = pd.DataFrame({"G": 2 * X["TF0"] + 1})
    model = Tuned(make("pls", n_components=1), {"n_components": [1, 5]}).fit(X, line)
    assert model.best_parameters_ == {"n_components": 5}
    assert model.search_.loc[1, "mean_skill"] == pytest.approx(1)


def test_a_gene_that_does_not_vary_has_no_say():
    plain = Tuned(KNN(), GRID).fit(X, Y).search_
    other = Tuned(KNN(), GRID).fit(X, Y.assign(G9=0.25)).search_
    pd.testing.assert_frame_equal(other, plain, rtol=1e-9)
    alone = Tuned(KNN(), GRID).fit(X, Y[["G0"]] * 0 + 0.25)
    assert alone.search_["mean_skill"].tolist() == [0, 0, 0, 0]
    assert alone.search_["chosen"].tolist() == [True, False, False, False]  # the first of equals


def test_one_series_is_parted_by_samples():
    one = pd.Series("GSE1", index=X.index)
    model = Tuned(KNN(), GRID).fit(X, Y, groups=one)
    pd.testing.assert_frame_equal(model.search_, Tuned(KNN(), GRID).fit(X, Y).search_)


def test_fewer_series_than_folds_are_as_many_folds():
    two = SERIES.where(SERIES == "GSE0", "other")
    assert set(Tuned(KNN(), GRID).fit(X, Y, groups=two).search_["n_folds"]) == {2}


def test_the_order_of_genes_changes_nothing():
    plain = Tuned(KNN(), GRID).fit(X, Y)
    mixed = Tuned(KNN(), GRID).fit(X[TFS[::-1]], Y[GENES[::-1]])
    pd.testing.assert_frame_equal(mixed.search_, plain.search_, rtol=1e-6)
    assert mixed.predict(NEW).columns.tolist() == GENES[::-1]


def test_any_scikit_learn_model_is_searched_by_its_own_settings():
    extra = {
        "forest": {
            "estimator": "sklearn.ensemble.ExtraTreesRegressor",
            "parameters": {"n_estimators": 5, "random_state": 0},
            "grid": {"max_features": [0.2, 1.0], "min_samples_leaf": [1, 4]},
        }
    }
    model = make("forest", extra=extra).fit(X, Y, groups=SERIES)
    assert isinstance(model.best_, LabelledRegressor)
    assert len(model.search_) == 4
    assert model.search_["parameters"].iloc[0] == "max_features=0.2, min_samples_leaf=1"


def test_saving_and_loading_change_nothing():
    model = Tuned(KNN(), GRID).fit(X, Y, groups=SERIES)
    data = skops.io.dumps(model)
    types = skops.io.get_untrusted_types(data=data)
    loaded = skops.io.loads(data, trusted=types)
    pd.testing.assert_frame_equal(loaded.predict(NEW), model.predict(NEW), check_exact=True)
    pd.testing.assert_frame_equal(loaded.search_, model.search_)
    assert loaded.best_parameters_ == model.best_parameters_
    assert not hasattr(clone(loaded), "best_")


def test_settings_are_described_by_their_last_name():
    assert described({"estimator__ridge__alpha": 1.0, "n": 2}) == "alpha=1.0, n=2"


def test_a_reader_sees_what_was_tried():
    search = Tuned(KNN(), GRID).fit(X, Y, groups=SERIES).search_.assign(label="kNN")
    table = search_table(search)
    assert table["Settings"].tolist() == [f"n_neighbors={k}" for k in GRID["n_neighbors"]]
    assert (table["Chosen"] == "yes").tolist() == search["chosen"].tolist()
    assert search_table(search.head(0)).empty


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ({"k": [1]}, r"names unknown settings \(k\) or settings without values \(none\)"),
        ({"n_neighbors": []}, r"unknown settings \(none\) or settings without values \(n_neigh"),
        ({}, "expected at least one of n_neighbors, each with a list of values"),
    ],
)
def test_grids_that_try_nothing_are_refused(grid, message):
    with pytest.raises(ValueError, match=message):
        Tuned(KNN(), grid).fit(X, Y)


def test_samples_that_cannot_be_parted_are_refused():
    with pytest.raises(ValueError, match=r"cannot sort 1 unit\(s\) \(sample\) into 1 folds"):
        Tuned(KNN(), GRID).fit(X.iloc[:1], Y.iloc[:1])
    with pytest.raises(ValueError, match=r"1 sample\(s\) have no series: s0; name one for each"):
        Tuned(KNN(), GRID).fit(X, Y, groups=SERIES.iloc[1:])
