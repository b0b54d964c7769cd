"""Targets that are inputs: who could copy is found out by moving one column."""

from __future__ import annotations

import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.tree import DecisionTreeRegressor

from lembas.baselines import LabelledRegressor, make
from lembas.data import build_dataset
from lembas.metrics import score_per_gene
from lembas.own_column import (
    genes_that_see_themselves,
    only_input_targets,
    own_column_table,
    scores_apart,
    targets_that_are_inputs,
    without_input_targets,
)
from lembas.study import Study
from tests.small_study import network_of, normal_table


@pytest.fixture(scope="module")
def included(study: Study) -> Study:
    """The small study with the targets that are inputs."""
    own = study.dataset.samples[study.dataset.samples["split"] != "external"]
    dataset = build_dataset(
        study.dataset.expression.loc[own.index],
        study.network,
        series=own["series"],
        tf_targets="include",
    )
    return Study(dataset, study.network)


@pytest.fixture(scope="module")
def models(included: Study) -> dict[str, BaseEstimator]:
    train = included.dataset.train
    names = ("train_mean", "masked_ridge", "mlr", "ridge")
    return {name: make(name, included.network).fit(train.x, train.y) for name in names}


def test_only_models_that_mask_their_own_column_may_be_scored(included, models) -> None:
    both = targets_that_are_inputs(included.dataset)
    assert len(both) > 3
    table = own_column_table(models, included.dataset.train.x).set_index("model")
    assert table["masked"].to_dict() == {
        "train_mean": True, "masked_ridge": True, "mlr": False, "ridge": False,
    }  # fmt: skip
    assert (table["n_genes"] == len(both)).all()
    assert table.loc["mlr", "n_see_themselves"] == len(both), "least squares copies its input"


def test_a_tree_is_found_out_too() -> None:
    x = normal_table(60, ["A", "B"], seed=0)
    tree = LabelledRegressor(DecisionTreeRegressor(max_depth=2, random_state=0)).fit(x, x[["A"]])
    assert genes_that_see_themselves(tree, x).tolist() == ["A"]


def test_an_edge_back_to_itself_counts() -> None:
    """A regulates B and B regulates A: after two updates A hears itself."""
    network = network_of([("A", "B", 1), ("B", "A", 1), ("A", "G", 1)])
    x = normal_table(30, ["A", "B"], seed=1)
    y = pd.concat([x, x[["A"]].set_axis(["G"], axis=1)], axis=1)
    settings = {"epochs": 2, "validation_fraction": 0.0}
    model = make("lembas", network, settings=settings).fit(x, y)
    assert set(genes_that_see_themselves(model, x)) == {"A", "B"}


def test_targets_are_cut_either_way(included: Study, study: Study) -> None:
    test, both = included.dataset.test, targets_that_are_inputs(included.dataset)
    assert only_input_targets(test).y.columns.tolist() == both.tolist()
    rest = without_input_targets(test).y.columns
    assert rest.union(both).equals(test.y.columns)
    assert targets_that_are_inputs(study.dataset).empty
    plain = study.dataset.test
    assert without_input_targets(plain) is plain
    with pytest.raises(ValueError, match="cohort 'test' has no target that is an input; build"):
        only_input_targets(plain)


def test_a_model_without_such_genes_sees_none(study: Study, fitted) -> None:
    assert genes_that_see_themselves(fitted["mlr"], study.dataset.train.x).empty


def test_targets_that_are_inputs_are_scored_for_models_that_mask_them(included, models) -> None:
    test, mean = included.dataset.test, included.dataset.train_mean
    predictions = {name: model.predict(test.x) for name, model in models.items()}
    options = {"train": included.dataset.train.x, "n_resamples": 20}
    table = scores_apart(test, predictions, models, mean, **options).set_index("model")
    assert table["value"].notna().to_dict() == table["masked"].to_dict()
    own = only_input_targets(test).y
    scores = score_per_gene(own, predictions["masked_ridge"][own.columns], mean)
    expected = scores["skill_per_gene"].median()
    assert table.loc["masked_ridge", "value"] == pytest.approx(expected, abs=1e-6)


def test_without_such_targets_there_is_no_row(study: Study, fitted) -> None:
    test, train = study.dataset.test, study.dataset.train
    table = scores_apart(test, {}, {"mlr": fitted["mlr"]}, study.dataset.train_mean, train=train.x)
    assert table.empty
    assert "masked" in table.columns
