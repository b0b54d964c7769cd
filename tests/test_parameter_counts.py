"""Parameters counted by hand and by the models' own shapes."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lembas.baselines import LabelledRegressor
from lembas.parameter_counts import n_parameters
from lembas.study import Study


def test_registered_models(study: Study, fitted: dict[str, BaseEstimator]) -> None:
    n_tfs, n_genes = len(study.dataset.inputs), len(study.dataset.targets)
    found = {name: n_parameters(model) for name, model in fitted.items()}
    assert found["train_mean"] == n_genes
    assert found["mlr"] == found["ridge"] == n_genes * (n_tfs + 1)
    used = study.network.restrict(study.dataset.inputs, study.dataset.targets)
    into_genes = used.edges["Gene"].isin(study.dataset.targets).sum()
    assert found["masked_ridge"] == into_genes + n_genes
    network = fitted["lembas"].network_
    assert found["lembas"] == sum(weights.numel() for weights in network.parameters())
    assert found["xgbrf"] > n_genes * 3
    assert found["lembas_ensemble"] == 2 * found["lembas"]
    assert found["pls"] == n_genes * (n_tfs + 1)
    (hidden,) = fitted["mlp"].best_parameters_["hidden"]
    assert found["mlp"] == n_tfs * hidden + hidden + hidden * n_genes + n_genes


def test_wrapped_models(study: Study) -> None:
    x, y = study.dataset.train.x, study.dataset.train.y.iloc[:, :4]
    n_tfs = x.shape[1]
    linear = LabelledRegressor(make_pipeline(StandardScaler(), Ridge())).fit(x, y)
    assert n_parameters(linear) == 4 * (n_tfs + 1)
    deep = MLPRegressor(
        hidden_layer_sizes=(3,), max_iter=10, tol=1e9, n_iter_no_change=1, random_state=0
    )
    wide = LabelledRegressor(deep).fit(x, y)
    assert n_parameters(wide) == n_tfs * 3 + 3 + 3 * 4 + 4


@pytest.mark.parametrize("estimator", [KNeighborsRegressor(), ExtraTreesRegressor(2)])
def test_what_is_not_known_is_nan(study: Study, estimator: BaseEstimator) -> None:
    x, y = study.dataset.train.x, study.dataset.train.y.iloc[:, :4]
    assert np.isnan(n_parameters(LabelledRegressor(estimator).fit(x, y)))
