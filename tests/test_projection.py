"""Variable projection: weights onto genes are solved for, those between TFs are searched for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.optimize import check_grad
from sklearn.base import clone
from sklearn.linear_model import Ridge

from lembas import projection as projection_module
from lembas.batches import Batches, Scale
from lembas.gene_readout import GeneReadout
from lembas.model import LembasRNN
from lembas.network import Network
from lembas.recipes import TrainConfig, make_config
from lembas.ridge import ALPHAS, MaskedRidge
from lembas.start import Start, start_network
from lembas.study import Study
from lembas.training import LembasRegressor
from tests.small_study import network_of, normal_table

TFS = ["T0", "T1", "T2", "T3"]
GENES = ["G2", "G0", "G1"]
EDGES = [
    *[("T0", "T1", 1), ("T1", "T2", 1), ("T2", "T0", -1), ("T3", "T3", 1)],
    *[("T0", "G0", 1), ("T1", "G0", 1), ("T2", "G1", -1), ("T3", "G2", 1), ("T1", "G2", 1)],
]


def config_of(**settings: object) -> TrainConfig:
    return make_config("improved", settings, seed=1)


def batches_of(x: pd.DataFrame, y: pd.DataFrame, scale: Scale) -> Batches:
    every = np.arange(len(x))
    return Batches(x.to_numpy(), y.to_numpy(), every, 8, scale, torch.device("cpu"))


def started(
    network: Network, x: pd.DataFrame, y: pd.DataFrame, config: TrainConfig
) -> tuple[Start, Batches]:
    scale = Scale.of(x, y, standardise=True)
    return start_network(network, x, y, scale, config), batches_of(x, y, scale)


@pytest.fixture
def small() -> tuple[Network, pd.DataFrame, pd.DataFrame]:
    """T3 is not measured."""
    x = normal_table(40, TFS[:3], seed=1)
    noise = normal_table(40, GENES, seed=2)
    y = noise.mul(0.3)
    y["G0"] += x["T0"] - 0.5 * x["T2"]
    y["G1"] += x["T1"]
    return network_of(EDGES), x, y.astype(np.float32)


# The readout


def test_the_readout_is_scikit_learns_ridge_gene_by_gene(small) -> None:
    network, x, y = small
    start, batches = started(network, x, y, config_of())
    model, readout = start.network, GeneReadout(start.network, batches)
    states = torch.from_numpy(np.random.default_rng(3).standard_normal((4, 40)))
    alpha = torch.tensor([0.5, 2.0, 30.0], dtype=torch.double)
    weights, lowest = readout.solve(readout.products(states), alpha)
    standardised = ((y - y.mean()) / y.std(ddof=0)).to_numpy(float)
    expected_lowest = 0.0
    edges = model.edges.iloc[readout.positions.numpy()].reset_index(drop=True)
    for column, gene in enumerate(GENES):
        at = edges.index[edges["Gene"] == gene]
        sources = model.tfs.get_indexer(edges["TF"][at])
        features = torch.cat([readout.inputs[sources], states[sources]]).numpy().T
        ridge = Ridge(alpha=float(alpha[column]), fit_intercept=False)
        ridge.fit(features, standardised[:, column])
        own = torch.cat([weights.direct[at], weights.state[at]]).numpy()
        np.testing.assert_allclose(own, ridge.coef_, atol=1e-6)
        left = standardised[:, column] - features @ ridge.coef_
        expected_lowest += left @ left + float(alpha[column]) * ridge.coef_ @ ridge.coef_
    assert lowest == pytest.approx(expected_lowest, rel=1e-6)


def test_penalties_by_cross_validation_are_solved_at(small) -> None:
    network, x, y = small
    start, batches = started(network, x, y, config_of())
    readout = GeneReadout(start.network, batches)
    products = readout.products(torch.from_numpy(np.random.default_rng(3).normal(size=(4, 40))))
    weights, alpha = readout.solve_gcv(products, np.asarray(ALPHAS))
    assert set(alpha.tolist()) <= set(ALPHAS)
    again, _ = readout.solve(products, alpha)
    torch.testing.assert_close(again.direct, weights.direct)
    torch.testing.assert_close(again.state, weights.state)


def test_with_states_that_say_nothing_it_is_the_masked_ridge(small) -> None:
    network, x, y = small
    start, batches = started(network, x, y, config_of())
    readout, model = GeneReadout(start.network, batches), start.network
    products = readout.products(torch.zeros((4, 40), dtype=torch.double))
    weights, alpha = readout.solve_gcv(products, np.asarray(ALPHAS))
    ridge = MaskedRidge(network).fit(x, y)
    expected = pd.Series(alpha.numpy(), index=GENES, name="alpha")
    pd.testing.assert_series_equal(ridge.alpha_, expected, check_names=False)
    edges = model.edges.iloc[readout.positions.numpy()]
    known = edges["TF"].isin(x.columns).to_numpy()
    places = ridge.genes_.get_indexer(edges["Gene"]), ridge.tfs_.get_indexer(edges["TF"])
    coefficients = ridge.coef_.toarray()[places] / y.std(ddof=0).reindex(edges["Gene"]).to_numpy()
    np.testing.assert_allclose(weights.direct.numpy()[known], coefficients[known], atol=1e-6)
    assert (weights.direct.numpy()[~known] == 0).all()


def test_genes_too_large_to_keep_are_drawn_again(small, monkeypatch: pytest.MonkeyPatch) -> None:
    network, x, y = small
    start, batches = started(network, x, y, config_of())
    states = torch.from_numpy(np.random.default_rng(3).normal(size=(4, 40)))
    alpha = torch.ones(len(GENES), dtype=torch.double)
    monkeypatch.setattr("lembas.gene_readout._SAMPLES_AT_ONCE", 16)
    found = []
    for most in (0, 10**6):
        monkeypatch.setattr("lembas.gene_readout._KEPT_VALUES", most)
        readout = GeneReadout(start.network, batches)
        weights, _ = readout.solve(readout.products(states), alpha)
        found.append((weights.state, readout.slope(weights, states)))
        assert bool(readout._kept) is (most > 0)
    for drawn, kept in zip(*found, strict=True):
        torch.testing.assert_close(drawn, kept, rtol=0, atol=0)


# The search


@pytest.mark.parametrize("max_steps", [3, 5])
def test_the_gradient_is_that_of_the_lowest_loss(small, max_steps: int) -> None:
    """Weights onto genes are solved anew at every point: finite differences see that too."""
    network, x, y = small
    config = config_of(max_steps=max_steps, block_penalty=1e-2)
    start, batches = started(network, x, y, config)
    search = projection_module._Search(start.network, batches, start.alpha, config)
    theta = np.random.default_rng(5).normal(0, 0.3, len(search.theta))
    error = check_grad(lambda at: search._loss(at)[0], lambda at: search._loss(at)[1], theta)
    assert error < 1e-5 * np.linalg.norm(search._loss(theta)[1])


@pytest.mark.parametrize("max_steps", [1, 2, 3, 6])
def test_the_network_predicts_what_was_solved_for(small, max_steps: int) -> None:
    """States, biases and both kinds of weights end where the network's own arithmetic puts them."""
    network, x, y = small
    config = config_of(max_steps=max_steps)
    start, batches = started(network, x, y, config)
    search = projection_module._Search(start.network, batches, start.alpha, config)
    search.round()
    with torch.no_grad():
        states = search._states(torch.from_numpy(search.theta))
        centre, spread = projection_module._moments(states, config.state_scale)
        standardised = (states - centre) / spread
        readout = search.readout
        weights, _ = readout.solve(readout.products(standardised), search.alpha)
        expected = readout.pattern.matrix(weights.direct) @ readout.inputs
        expected = expected + readout.pattern.matrix(weights.state) @ standardised
        found = torch.cat([start.network(x_)[0] for x_, _ in batches.in_order(64)])
    torch.testing.assert_close(found.t().double(), expected, atol=2e-5, rtol=0)


def test_every_round_lowers_the_loss_it_searches(small) -> None:
    network, x, y = small
    config = config_of(max_steps=4)
    start, batches = started(network, x, y, config)
    search = projection_module._Search(start.network, batches, start.alpha, config)
    alpha, before = search.alpha, search._loss(search.theta)[0]
    search.round()
    search.alpha = alpha
    assert search._loss(search.theta)[0] < before


def test_what_lies_two_edges_away_is_learnt() -> None:
    """G follows T0 alone, which reaches it through T1; the masked ridge can know nothing."""
    network = network_of([("T0", "T1", 1), ("T1", "G", 1), ("T1", "H", 1)])
    x = normal_table(200, ["T0", "T1"], seed=1)
    y = pd.DataFrame({"G": x["T0"], "H": x["T1"] - x["T0"]}, dtype=np.float32)
    model = LembasRegressor(network, recipe="improved").fit(x[:150], y[:150])
    variance = y[150:].var(ddof=0)
    left = ((model.predict(x[150:]) - y[150:]) ** 2).mean() / variance
    by_ridge = MaskedRidge(network).fit(x[:150], y[:150]).predict(x[150:])
    assert (((by_ridge - y[150:]) ** 2).mean() / variance)["G"] > 0.8
    assert (left < 0.05).all(), left


# Laws


def test_all_weights_sit_on_edges_of_the_network(study: Study) -> None:
    train = study.dataset.train
    model = LembasRegressor(study.network, recipe="improved", settings={"epochs": 1})
    network = model.fit(train.x, train.y).network_
    sizes = {name: tuple(value.shape) for name, value in network.named_parameters()}
    assert sizes == {
        "weights": (len(network.edges),),
        "skip_weights": (len(network.edges),),
        "bias": (len(network.nodes),),
        "input_weights": (len(study.dataset.inputs),),
        "output_weights": (len(study.dataset.targets),),
        "output_bias": (len(study.dataset.targets),),
    }
    # A TF is reached by the updates only.
    assert (network.skip_weights[: network.n_block_edges] == 0).all()


def test_a_target_that_is_a_tf_is_read_from_its_own_state(small) -> None:
    network, x, y = small
    both = y.assign(T1=x["T1"] * 2 + 1)
    settings = {"epochs": 2, "validation_fraction": 0.0}
    model = LembasRegressor(network, recipe="improved", settings=settings).fit(x, both)
    predicted = model.predict(x)
    assert predicted.columns.tolist() == [*GENES, "T1"]
    assert np.corrcoef(predicted["T1"], both["T1"])[0, 1] > 0.9
    alone = LembasRegressor(network, recipe="improved", settings=settings).fit(x, y)
    pd.testing.assert_frame_equal(predicted[GENES], alone.predict(x), atol=1e-4, rtol=0)


def test_an_input_that_is_a_target_and_no_tf_is_not_copied(small) -> None:
    network, x, y = small
    given = x.assign(G1=y["G1"])
    model = LembasRegressor(network, recipe="improved", settings={"epochs": 2}).fit(given, y)
    moved = model.predict(given.assign(G1=given["G1"] + 3))
    pd.testing.assert_frame_equal(moved, model.predict(given))


def test_outliers_are_bounded_by_the_activation(small) -> None:
    network, x, y = small
    model = LembasRegressor(network, recipe="improved", settings={"epochs": 2}).fit(x, y)
    assert np.isfinite(model.predict(x * 1e6).to_numpy()).all()


def test_a_tf_that_does_not_vary_and_a_gene_that_does_not(small) -> None:
    network, x, y = small
    x, y = x.assign(T2=np.float32(1.5)), y.assign(G1=np.float32(0.25))
    model = LembasRegressor(network, recipe="improved", settings={"epochs": 2}).fit(x, y)
    predicted = model.predict(x)
    assert np.isfinite(predicted.to_numpy()).all()
    np.testing.assert_allclose(predicted["G1"], 0.25, atol=1e-5)


class Killed(BaseException):
    """Stands for a kill."""


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_killed_fit_goes_on_to_the_same_result(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    train = study.dataset.train
    model = LembasRegressor(study.network, recipe="improved", settings={"epochs": 3})
    monkeypatch.setattr("lembas.training_state.SAVE_EVERY_S", 0.0)
    a_round, calls, fatal = projection_module._Search.round, [], 0

    def killing(search: object) -> None:
        calls.append(1)
        if len(calls) == fatal:
            raise Killed
        a_round(search)

    monkeypatch.setattr(projection_module._Search, "round", killing)
    whole = clone(model).fit(train.x, train.y, groups=train.series)
    fatal = len(calls) + 1 + round(share * (len(calls) - 1))
    with pytest.raises(Killed):
        clone(model).fit(train.x, train.y, groups=train.series, unfinished=tmp_path / "fit")
    resumed = clone(model).fit(train.x, train.y, groups=train.series, unfinished=tmp_path / "fit")
    for name, value in whole.network_.state_dict().items():
        assert torch.equal(resumed.network_.state_dict()[name], value), name
    pd.testing.assert_frame_equal(resumed.history_, whole.history_)


def test_states_that_grow_without_bound_are_named(study: Study) -> None:
    train = study.dataset.train
    settings = {"block_noise": 1e30, "max_steps": 20, "epochs": 1}
    model = LembasRegressor(study.network, recipe="improved", settings=settings)
    with pytest.raises(FloatingPointError, match="no longer finite; lower block_noise or raise"):
        model.fit(train.x, train.y)


def test_settings_that_it_cannot_keep_are_refused() -> None:
    for settings in ({"sign": "project"}, {"skip": False, "guard": False}):
        with pytest.raises(ValueError, match='solver="projection" needs skip=True and sign="free"'):
            config_of(**settings)
    with pytest.raises(ValueError, match="solver must be one of adam, projection; got 'sgd'"):
        config_of(solver="sgd")


def test_no_tf_of_the_network_regulates_another() -> None:
    """Without edges between TFs there is nothing to search for."""
    network = network_of([("T0", "G", 1), ("T1", "G", 1)])
    x = normal_table(60, ["T0", "T1"], seed=1)
    y = pd.DataFrame({"G": x["T0"] + x["T1"]}, dtype=np.float32)
    model = LembasRegressor(network, recipe="improved").fit(x, y)
    assert isinstance(model.network_, LembasRNN)
    assert model.network_.n_block_edges == 0
    assert np.corrcoef(model.predict(x)["G"], y["G"])[0, 1] > 0.99
