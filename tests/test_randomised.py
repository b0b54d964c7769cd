"""A randomised model keeps its weights' values and loses their places."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import BaseEstimator

from lembas.attribution import explain
from lembas.randomised import randomised
from lembas.study import Study


@pytest.mark.parametrize("name", ["lembas", "lembas_residual"])
def test_a_networks_weights_are_permuted_over_its_edges(
    fitted: dict[str, BaseEstimator], name: str
) -> None:
    model = fitted[name]
    before = model.network_.weights.detach().clone()
    twin = randomised(model, seed=1)
    assert torch.equal(model.network_.weights, before), "the model itself is left alone"
    n = model.network_.n_block_edges
    pairs = [(model.network_.weights, twin.network_.weights)]
    pairs.append((model.network_.skip_weights, twin.network_.skip_weights))
    for old, new in pairs:
        for part in (slice(None, n), slice(n, None)):
            assert torch.equal(old[part].sort().values, new[part].sort().values)
    assert not torch.equal(before[n:], twin.network_.weights[n:])
    pd.testing.assert_frame_equal(twin.network_.edges, model.network_.edges)


@pytest.mark.parametrize("name", ["mlr", "ridge", "masked_ridge"])
def test_a_linear_models_slopes_are_permuted(fitted: dict[str, BaseEstimator], name: str) -> None:
    model = fitted[name]
    twin = randomised(model, seed=1)
    is_masked = name == "masked_ridge"
    old, new = (m.coef_.toarray() if is_masked else m.coef_ for m in (model, twin))
    assert np.sort(old.ravel()) == pytest.approx(np.sort(new.ravel()))
    assert not np.array_equal(old, new)
    if is_masked:
        assert ((old != 0) == (new != 0)).all(), "it sees the same TFs"


def test_all_members_of_an_ensemble_are_randomised(
    fitted: dict[str, BaseEstimator], study: Study
) -> None:
    model = fitted["lembas_ensemble"]
    twin, again = randomised(model, seed=2), randomised(model, seed=2)
    x = study.dataset.test.x
    assert len(twin.members_) == len(model.members_)
    assert not np.allclose(twin.predict(x), model.predict(x))
    pd.testing.assert_frame_equal(twin.predict(x), again.predict(x))
    other = randomised(model, seed=3)
    assert not np.allclose(twin.predict(x), other.predict(x))


@pytest.mark.parametrize("name", ["mlr", "masked_ridge", "lembas"])
def test_a_randomised_model_can_be_explained(
    fitted: dict[str, BaseEstimator], study: Study, name: str
) -> None:
    twin = randomised(fitted[name], seed=1)
    x = study.dataset.test.x.iloc[:3]
    made = explain(twin, x, study.dataset.train.x.iloc[:5], twin.genes_[:1])
    assert np.isfinite(made.table["attribution"]).all()


def test_models_without_weights_are_refused(fitted: dict[str, BaseEstimator]) -> None:
    for name, kind in [("xgbrf", "XGBRF"), ("train_mean", "TrainMean")]:
        with pytest.raises(TypeError, match=f"the weights of .*{kind} cannot"):
            randomised(fitted[name], seed=1)
