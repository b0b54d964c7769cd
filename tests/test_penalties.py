"""Penalties by hand, and the spectral one against the true spectral radius."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from lembas import penalties
from lembas.model import LembasRNN, spectral_radius
from lembas.network import Network
from lembas.penalties import (
    Penalty,
    SpectralPenalty,
    barrier_penalty,
    sign_penalty,
    size_penalty,
    uniform_penalty,
)
from lembas.recipes import make_config
from tests.small_study import network_of


def three_edges() -> LembasRNN:
    """T0 -> G0 (+), T0 -> G1 (-), T0 -> T0 (+), with weights -2, 3 and .5 in the block."""
    network = network_of([("T0", "G0", 1), ("T0", "G1", -1), ("T0", "T0", 1)])
    model = LembasRNN(network, ["T0"], ["G0", "G1"])
    weight = {"G0": -2.0, "G1": 3.0, "T0": 0.5}
    with torch.no_grad():
        model.weights.copy_(torch.tensor([weight[gene] for gene in model.edges["Gene"]]))
        model.bias.fill_(0.1)
        model.output_bias.fill_(-0.5)
        model.output_weights.copy_(torch.tensor([1.2, 1.5]))
    return model


def random_block(n_tfs: int, density: float, seed: int) -> LembasRNN:
    """A signed random TF block whose genes all hang on the first TF."""
    generator = np.random.default_rng(seed)
    names = [f"T{i:03d}" for i in range(n_tfs)]
    edges = [
        (source, target, int(generator.choice([-1, 1])))
        for source in names
        for target in names
        if generator.random() < density
    ]
    edges += [(name, "G0", 1) for name in names]
    model = LembasRNN(network_of(edges), names, ["G0"], seed=seed)
    with torch.no_grad():
        model.weights.mul_(2 / math.sqrt(density * n_tfs))
    return model


def dense_block(model: LembasRNN) -> np.ndarray:
    edges = model.edges.iloc[: model.n_block_edges]
    block = np.zeros((len(model.tfs), len(model.tfs)))
    at = model.tfs.get_indexer(edges["Gene"]), model.tfs.get_indexer(edges["TF"])
    block[at] = model.weights.detach().double().numpy()[: model.n_block_edges]
    return block


def true_penalty(block: np.ndarray, exp_factor: float, target: float) -> float:
    radius = np.abs(np.linalg.eigvals(block)).max()
    return float(np.exp(exp_factor * (radius - target)) * radius)


# By hand


def test_sign_penalty_by_hand() -> None:
    """-2 on an activating edge and 3 on an inhibiting one are wrong: 2 + 3."""
    assert sign_penalty(three_edges()).item() == pytest.approx(5)


def test_size_penalty_by_hand() -> None:
    """4 + 9 + .25 of weights, 3 x .01 of biases, 2 x .25 of output biases, (1.5 - 1.2)^2."""
    expected = 13.25 + 0.03 + 0.5 + 0.09
    assert size_penalty(three_edges()).item() == pytest.approx(expected, rel=1e-6)


def test_barrier_penalty_by_hand() -> None:
    expected = 1 / 4.5 + 1 / 9.5 + 1 / 0.75
    assert barrier_penalty(three_edges()).item() == pytest.approx(expected, rel=1e-6)


def test_uniform_penalty_by_hand() -> None:
    """Columns (0, 1) and (-.2, .4): means .5 and .1, variances .25 and .09.

    The wanted mean is .495 and variance .99^2 / 12 = .081675; 1 exceeds .99 by .01, and -.2 lies
    .2 below 0.
    """
    states = torch.tensor([[0.0, -0.2], [1.0, 0.4]])
    first = (0.5 - 0.495) ** 2 + (0.25 - 0.081675) ** 2 + 0.01**2
    second = (0.1 - 0.495) ** 2 + (0.09 - 0.081675) ** 2 + 0.2**2
    assert uniform_penalty(states).item() == pytest.approx(first + second, rel=1e-5)


def test_uniform_states_cost_next_to_nothing() -> None:
    states = torch.linspace(0, 0.99, 2001)[:, None].expand(-1, 3)
    assert uniform_penalty(states).item() < 1e-6


def test_the_published_recipe_adds_all_terms_up() -> None:
    """Sign .1, size 1e-6, barrier 1e-6, uniform 1e-4, spectral 1e-5: MODEL.md section 4."""
    model, states = three_edges(), torch.rand(5, 3, generator=torch.Generator().manual_seed(1))
    config = make_config("published", None, seed=1)
    total = Penalty(model, torch.zeros(len(model.edges)), config)(states)
    expected = (
        0.1 * sign_penalty(model)
        + 1e-6 * size_penalty(model)
        + 1e-6 * barrier_penalty(model)
        + 1e-4 * uniform_penalty(states)
        + 1e-5 * SpectralPenalty(model)()
    )
    assert total.item() == pytest.approx(expected.item(), rel=1e-6)


def test_edge_penalties_are_a_weighted_sum_of_squares() -> None:
    model = three_edges()
    config = make_config("improved", {"sign": "free"}, seed=1)
    strength = torch.tensor([0.1, 0.2, 0.3])
    total = Penalty(model, strength, config)(torch.zeros(1, 3))
    expected = (strength * model.weights.detach() ** 2).sum().item()
    assert total.item() == pytest.approx(expected, rel=1e-6)


# The spectral penalty against numpy's eigenvalues


@pytest.mark.parametrize("seed", range(8))
def test_the_spectral_penalty_and_its_slope_are_the_true_ones(seed: int) -> None:
    """Central differences of exp(k (rho - target)) rho, one weight at a time."""
    model = random_block(7, 0.5, seed)
    penalty = SpectralPenalty(model, exp_factor=3.0)
    value = penalty()
    block = dense_block(model)
    assert value.item() == pytest.approx(true_penalty(block, 3.0, penalty.target), rel=1e-4)
    value.backward()
    slope = model.weights.grad.numpy()
    assert slope.dtype == np.float32, "real-valued, whatever the leading pair is"
    rows, columns = np.nonzero(block)
    for row, column in zip(rows, columns, strict=True):
        above, below = block.copy(), block.copy()
        above[row, column] += 1e-6
        below[row, column] -= 1e-6
        expected = (
            true_penalty(above, 3.0, penalty.target) - true_penalty(below, 3.0, penalty.target)
        ) / 2e-6
        at = (model.edges["Gene"] == model.tfs[row]) & (model.edges["TF"] == model.tfs[column])
        assert slope[at.to_numpy()] == pytest.approx(expected, rel=1e-3, abs=1e-4)
    assert (slope[model.n_block_edges :] == 0).all(), "gene edges have no part in the radius"


def test_the_random_blocks_include_real_and_complex_leading_pairs() -> None:
    kinds = set()
    for seed in range(8):
        values = np.linalg.eigvals(dense_block(random_block(7, 0.5, seed)))
        kinds.add(bool(abs(values[np.abs(values).argmax()].imag) > 1e-9))
    assert kinds == {True, False}


def test_a_negative_feedback_loop_by_hand() -> None:
    """T0 -a-> T1 -(-b)-> T0 has eigenvalues +-i sqrt(a b); d rho / d a = sqrt(b / a) / 2."""
    network = network_of([("T0", "T1", 1), ("T1", "T0", -1), ("T0", "G", 1)])
    model = LembasRNN(network, ["T0", "T1"], ["G"])
    weight = {("T0", "T1"): 0.9, ("T1", "T0"): -0.4, ("T0", "G"): 1.0}
    pairs = list(zip(model.edges["TF"], model.edges["Gene"], strict=True))
    with torch.no_grad():
        model.weights.copy_(torch.tensor([weight[pair] for pair in pairs]))
    penalty = SpectralPenalty(model, exp_factor=0.0)  # then the penalty is the radius itself
    value = penalty()
    value.backward()
    slope = dict(zip(pairs, model.weights.grad.tolist(), strict=True))
    assert value.item() == pytest.approx(0.6)
    assert slope["T0", "T1"] == pytest.approx(math.sqrt(0.4 / 0.9) / 2, rel=1e-5)
    assert slope["T1", "T0"] == pytest.approx(-math.sqrt(0.9 / 0.4) / 2, rel=1e-5)
    assert slope["T0", "G"] == 0


def acyclic(n_tfs: int) -> Network:
    names = [f"T{i:03d}" for i in range(n_tfs)]
    shuffled = np.random.default_rng(0).permutation(names)
    chain = list(itertools.pairwise(shuffled))
    skips = list(zip(shuffled, shuffled[3:], strict=False))
    return network_of([(a, b, 1) for a, b in chain + skips] + [(names[0], "G", 1)])


@pytest.mark.parametrize("n_tfs", [1, 2, 40, 300])
def test_a_block_without_cycles_costs_nothing(n_tfs: int) -> None:
    network = acyclic(n_tfs)
    model = LembasRNN(network, network.tfs, ["G"])
    value = SpectralPenalty(model)()
    value.backward()
    assert value.item() == 0
    assert torch.isfinite(model.weights.grad).all()
    assert spectral_radius(model) == 0


def test_large_blocks_agree_with_the_dense_solver(monkeypatch: pytest.MonkeyPatch) -> None:
    model = random_block(60, 0.1, seed=2)
    model.weights.grad = None
    dense = SpectralPenalty(model, exp_factor=1.0)()
    (expected,) = torch.autograd.grad(dense, model.weights)
    monkeypatch.setattr(penalties, "_DENSE_BELOW", 1)
    sparse = SpectralPenalty(model, exp_factor=1.0)()
    (slope,) = torch.autograd.grad(sparse, model.weights)
    assert sparse.item() == pytest.approx(dense.item(), rel=1e-5)
    assert slope.numpy() == pytest.approx(expected.numpy(), abs=1e-5)


def test_the_eigen_problem_is_renewed_now_and_then() -> None:
    model = random_block(7, 0.5, seed=1)
    penalty = SpectralPenalty(model, exp_factor=0.0, every=2)
    first = penalty().item()
    with torch.no_grad():
        model.weights[: model.n_block_edges].mul_(torch.linspace(-1, 2, model.n_block_edges))
    stale, renewed = penalty().item(), penalty().item()
    radius = np.abs(np.linalg.eigvals(dense_block(model))).max()
    assert renewed == pytest.approx(radius, rel=1e-5)
    assert stale not in (pytest.approx(radius, rel=1e-3), pytest.approx(first, rel=1e-3))


def test_the_target_is_the_lineages() -> None:
    """exp(ln(1e-20) / 150) = .7356: MODEL.md section 3."""
    assert SpectralPenalty(three_edges()).target == pytest.approx(0.7356, abs=1e-4)
