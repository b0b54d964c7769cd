"""Attributions from predictions alone, and of every registered model."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline

from lembas.attribution import explain
from lembas.baselines import LabelledRegressor, make
from lembas.explainers import Settings
from lembas.linear_explainer import explain_linear
from lembas.sampled_explainer import explain_sampled
from lembas.study import Study


@pytest.fixture(scope="module")
def given(study: Study) -> tuple[pd.DataFrame, pd.DataFrame]:
    return study.dataset.test.x.iloc[:3], study.dataset.train.x.iloc[:6]


def test_any_order_gives_a_linear_model_its_exact_answer(
    fitted: dict[str, BaseEstimator], given: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    model = fitted["ridge"]
    genes = model.genes_[[1, 5]]
    sampled = explain_sampled(model, *given, genes, Settings())
    exact = explain_linear(model, *given, genes, Settings())
    for gene in genes:
        expected = exact.by_gene[gene].to_numpy()
        assert sampled.by_gene[gene].to_numpy() == pytest.approx(expected, abs=1e-5)


def test_a_model_behind_other_steps_adds_up(
    study: Study, given: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    """Its slopes are those of components; in TFs it is linear all the same."""
    train = study.dataset.train
    model = LabelledRegressor(make_pipeline(PCA(3), LinearRegression())).fit(train.x, train.y)
    made = explain(model, *given, ["ALB"], seed=3)
    assert made.method == "permutations, 10 orders, sampled"
    assert made.error.abs().to_numpy().max() < 1e-6
    np.random.seed(1)  # noqa: NPY002 (shap's generator)
    expected = np.random.get_state()[1].copy()  # noqa: NPY002
    again = explain(model, *given, ["ALB"], seed=3)
    assert (np.random.get_state()[1] == expected).all(), "the caller's numbers go on"  # noqa: NPY002
    pd.testing.assert_frame_equal(made.table, again.table)


@pytest.mark.parametrize("name", ["knn", "mlp", "boosted", "path_ridge", "pls"])
def test_registered_models_add_up(
    study: Study, given: tuple[pd.DataFrame, pd.DataFrame], name: str
) -> None:
    genes = study.dataset.targets[:3]
    train = study.dataset.train
    model = make(name, study.network).fit(train.x, train.y[genes])
    made = explain(model, *given, genes)
    assert made.error.abs().to_numpy().max() < 1e-4
    assert np.abs(made.table["attribution"]).max() > 0.01
    assert made.table["tf"].nunique() == len(study.dataset.inputs)


def test_too_many_predictions_are_refused(
    study: Study, given: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    train = study.dataset.train
    model = make("knn", study.network).fit(train.x, train.y)
    with pytest.raises(
        ValueError, match=r"738 predictions, more than max_predictions=700; explain"
    ):
        explain(model, *given, ["ALB"], max_predictions=700)
    made = explain(model, *given, ["ALB"], max_predictions=738)
    assert made.method == "permutations, 1 order, sampled"
