"""A randomised model keeps its weights and its edges, and forgets which belong together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

from lembas.attribution import explain
from lembas.channels import LembasChannels
from lembas.randomised import is_randomisable, randomised
from lembas.study import Study


@pytest.mark.parametrize("name", ["mlr", "ridge", "masked_ridge", "signed_ridge"])
def test_a_linear_model_keeps_its_slopes_in_other_places(
    name: str, fitted: dict[str, BaseEstimator]
) -> None:
    model = fitted[name]
    before = model.coef_.copy()
    twin = randomised(model, seed=3)
    dense = [c.toarray() if hasattr(c, "toarray") else c for c in (before, twin.coef_)]
    assert np.array_equal(np.sort(dense[0].ravel()), np.sort(dense[1].ravel()))
    assert not np.array_equal(*dense)
    if name.endswith(("masked_ridge", "signed_ridge")):
        assert np.array_equal(twin.coef_.indices, before.indices)
        assert np.array_equal(twin.coef_.indptr, before.indptr)
    assert (model.coef_ != before).sum() == 0


@pytest.mark.parametrize("name", ["lembas", "lembas_ridge_start"])
def test_a_network_keeps_its_edges_and_its_weights(
    name: str, fitted: dict[str, BaseEstimator]
) -> None:
    model = fitted[name]
    before = {key: value.clone() for key, value in model.network_.state_dict().items()}
    twin = randomised(model, seed=3)
    own, other = model.network_, twin.network_
    pd.testing.assert_frame_equal(own.edges, other.edges)
    n_block = own.n_block_edges
    for part in (slice(n_block), slice(n_block, None)):
        old, new = (np.sort(n.weights.detach().numpy()[part]) for n in (own, other))
        np.testing.assert_array_equal(old, new)
    assert not np.array_equal(own.weights.detach().numpy(), other.weights.detach().numpy())
    assert all((model.network_.state_dict()[key] == value).all() for key, value in before.items())


def test_both_weights_of_an_edge_travel_together(fitted: dict[str, BaseEstimator]) -> None:
    own, other = (m.network_ for m in (fitted["lembas"], randomised(fitted["lembas"])))
    assert own.config.skip
    old, new = (
        sorted(zip(n.weights.tolist(), n.skip_weights.tolist(), strict=True)) for n in (own, other)
    )
    assert old == new


def test_nodes_get_as_much_from_an_average_sample(fitted: dict[str, BaseEstimator]) -> None:
    own, other = (m.network_ for m in (fitted["lembas"], randomised(fitted["lembas"])))
    states = own(own.weights.new_zeros((1, len(own.inputs))))[1].detach()[0].numpy()
    state = dict(zip(own.nodes, states, strict=True))
    drives = []
    for network in (own, other):
        drive = dict(zip(network.nodes, network.bias.tolist(), strict=True))
        for edge, weight in zip(network.edges.itertuples(), network.weights.tolist(), strict=True):
            drive[edge.Gene] += weight * state[edge.TF]
        drives.append(pd.Series(drive))
    pd.testing.assert_series_equal(*drives, check_exact=False, atol=1e-5)


def test_every_network_of_an_ensemble_is_randomised(fitted: dict[str, BaseEstimator]) -> None:
    model = fitted["lembas_ensemble"]
    twin = randomised(model)
    for own, other in zip(model.members_, twin.members_, strict=True):
        assert own is not other
        assert not np.array_equal(
            own.network_.weights.detach().numpy(), other.network_.weights.detach().numpy()
        )


def test_channels_keep_their_edges_and_their_weights(study: Study) -> None:
    train, settings = study.dataset.train, {"epochs": 1, "refit": False}
    model = LembasChannels(study.network, n_channels=2, settings=settings).fit(train.x, train.y)
    before = model.predict(train.x)
    assert is_randomisable(model)
    twin = randomised(model, seed=3)
    own, other = (n.network_.weights.detach().numpy() for n in (model, twin))
    n_block = model.network_.n_block_edges
    for part in (slice(n_block), slice(n_block, None)):
        np.testing.assert_array_equal(np.sort(own[part]), np.sort(other[part]))
    assert not np.array_equal(own, other)
    pd.testing.assert_frame_equal(model.network_.edges, twin.network_.edges)
    pd.testing.assert_frame_equal(model.predict(train.x), before)
    assert not np.allclose(twin.predict(train.x), before)
    x = train.x.head(3)
    found = explain(twin, x, x, model.genes_[:2])
    assert (found.completeness_error().dropna() < 0.05).all()


def test_the_seed_decides(fitted: dict[str, BaseEstimator], study: Study) -> None:
    x = study.dataset.test.x
    one, same, other = (
        randomised(fitted["lembas"], seed=seed).predict(x).to_numpy() for seed in (1, 1, 2)
    )
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_a_randomised_model_can_be_explained(
    fitted: dict[str, BaseEstimator], study: Study
) -> None:
    x = study.dataset.test.x.head(3)
    genes = fitted["masked_ridge"].genes_[:2]
    for name in ("masked_ridge", "lembas"):
        found = explain(randomised(fitted[name]), x, x, genes)
        assert (found.completeness_error().dropna() < 0.05).all()


def test_trees_are_refused(fitted: dict[str, BaseEstimator]) -> None:
    with pytest.raises(TypeError, match="weights of a XGBRF cannot change places; expected"):
        randomised(fitted["xgbrf"])


def test_what_can_be_randomised_is_known_beforehand(fitted: dict[str, BaseEstimator]) -> None:
    for model in fitted.values():
        if is_randomisable(model):
            assert type(randomised(model, seed=1)) is type(getattr(model, "best_", model))
        else:
            with pytest.raises(TypeError, match="cannot change places"):
                randomised(model, seed=1)
