"""LEMBAS-RNN against a dense reference, and its laws."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lembas import sparse
from lembas.model import LembasRNN, RNNConfig, mml, narrowed, spectral_radius
from lembas.network import Network
from tests.reference import DenseReference


def network_of(edges: list[tuple[str, str, int]]) -> Network:
    return Network.from_edges(pd.DataFrame(edges, columns=["TF", "Gene", "Interaction"]))


def random_case(seed: int) -> tuple[Network, list[str], list[str]]:
    """Draw a small network with cycles, self-loops, TFs without regulators and TF targets."""
    rng = np.random.default_rng(seed)
    tfs = [f"T{i}" for i in range(rng.integers(1, 6))]
    genes = [*tfs, *(f"G{i}" for i in range(rng.integers(1, 6)))]
    pairs = [(tf, gene) for tf in tfs for gene in genes]
    chosen = rng.permutation(len(pairs))[: rng.integers(1, len(pairs) + 1)]
    edges = [(*pairs[i], int(rng.choice([-1, 1]))) for i in chosen]
    regulating = sorted({tf for tf, _, _ in edges})
    inputs = [*rng.permutation(regulating)[: rng.integers(1, len(regulating) + 1)], "not_a_node"]
    n_outputs = rng.integers(1, len(genes) + 1)
    return (
        network_of(edges),
        list(map(str, inputs)),
        list(map(str, rng.permutation(genes)[:n_outputs])),
    )


def perturbed(model: LembasRNN, seed: int) -> LembasRNN:
    """Move every parameter off its regular start, so that nothing agrees by accident."""
    rng = np.random.default_rng(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            noise = rng.normal(0, 0.3, tuple(parameter.shape))
            parameter.add_(torch.from_numpy(noise).to(parameter))
    return model


@contextmanager
def gradients_by(*, compiled: bool) -> Iterator[None]:
    """Let the compiled kernel, or torch as on other devices, compute the gradients."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sparse, "_can_be_compiled", lambda _: compiled)
        yield


def agree(model: LembasRNN, x: torch.Tensor) -> DenseReference:
    """Compare predictions and every gradient with the dense reference, in float64."""
    reference = DenseReference(model)
    x_ours, x_theirs = x.clone().requires_grad_(True), x.clone().requires_grad_(True)
    ours, _ = model(x_ours)
    theirs = reference(x_theirs)
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
    ours.square().sum().backward()
    theirs.square().sum().backward()
    tolerance = {"rtol": 1e-9, "atol": 1e-9}
    torch.testing.assert_close(x_ours.grad, x_theirs.grad, **tolerance)
    np.testing.assert_allclose(model.weights.grad.numpy(), reference.edge_gradient(), **tolerance)
    at = [reference.nodes.index(name) for name in model.nodes]
    torch.testing.assert_close(model.bias.grad, reference.bias.grad[at], **tolerance)
    return reference


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n_steps=st.integers(1, 31),
    leak=st.sampled_from([0, 0.01, 0.3]),
    n_samples=st.sampled_from([1, 7, 19]),
    skip=st.booleans(),
    compiled=st.booleans(),
)
def test_outputs_and_gradients_agree_with_the_dense_reference(
    seed, n_steps, leak, n_samples, skip, compiled
):
    network, inputs, outputs = random_case(seed)
    config = RNNConfig(max_steps=n_steps, leak=leak, skip=skip)
    model = perturbed(LembasRNN(network, inputs, outputs, config=config), seed).double()
    x = np.random.default_rng(seed).normal(0, 2, (n_samples, len(inputs)))
    with gradients_by(compiled=compiled):
        agree(model, torch.from_numpy(x))


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n_steps=st.integers(30, 60),
    tolerance=st.sampled_from([1e-20, 1e-6, 1e-3, 0.1]),
)
def test_the_early_stop_is_that_of_the_lineage(seed, n_steps, tolerance):
    network, inputs, outputs = random_case(seed)
    config = RNNConfig(max_steps=n_steps, tolerance=tolerance)
    model = perturbed(LembasRNN(network, inputs, outputs, config=config), seed).double()
    agree(model, torch.from_numpy(np.random.default_rng(seed).normal(0, 2, (3, len(inputs)))))


def test_a_node_that_is_no_output_can_delay_the_early_stop():
    """A's loop keeps its own state moving; B, the output, rests from the second update on."""
    network = network_of([("A", "A", 1), ("C", "B", 1), ("A", "D", 1)])
    config = RNNConfig(max_steps=200, tolerance=1e-3)
    model = LembasRNN(network, ["C"], ["B"], config=config).double()
    with torch.no_grad():
        model.weights.copy_(torch.ones(3))
        model.bias[model.nodes.get_loc("A")] = 1e-3
    assert model.nodes.tolist() == ["A", "C", "B", "D"]
    reference = agree(model, torch.zeros(1, 1, dtype=torch.float64))
    assert reference.n_updates > 31
    assert LembasRNN(network, ["C"], ["B"]).nodes.tolist() == ["A", "C", "B"]


def test_the_early_stop_happens():
    network = network_of([("A", "B", 1)])
    config = RNNConfig(max_steps=100, tolerance=1e-3)
    reference = agree(
        LembasRNN(network, ["A"], ["B"], config=config).double(),
        torch.full((1, 1), 0.1, dtype=torch.float64),
    )
    assert reference.n_updates == 31


AWKWARD = {
    "one edge": ([("A", "B", 1)], ["A"], ["B"]),
    "one self-loop": ([("A", "A", 1)], ["A"], ["A"]),
    "two TFs in a circle, inhibiting": ([("A", "B", -1), ("B", "A", -1)], ["A", "B"], ["B", "A"]),
    "all nodes inhibited": ([("A", "B", -1), ("B", "C", -1), ("C", "A", -1)], ["B"], ["C", "A"]),
    "a TF without regulators": ([("A", "C", 1), ("B", "C", -1), ("C", "D", 1)], ["A", "B"], ["D"]),
    "an empty TF block": ([("A", "C", 1), ("B", "D", -1)], ["A", "B"], ["C", "D"]),
    "a target that is an input and no TF": ([("A", "C", 1)], ["A", "C"], ["C"]),
    "a gene without regulators": ([("A", "C", 1)], ["A"], ["LONE", "C"]),
    "an output that is a TF, among others": (
        [("A", "C", 1), ("B", "A", 1), ("A", "B", -1)],
        ["B", "A"],
        ["C", "A"],
    ),
}


@pytest.mark.parametrize("name", AWKWARD)
@pytest.mark.parametrize("n_steps", [1, 2, 3, 10])
@pytest.mark.parametrize("compiled", [True, False])
def test_awkward_networks_agree_with_the_dense_reference(name, n_steps, compiled):
    edges, inputs, outputs = AWKWARD[name]
    config = RNNConfig(max_steps=n_steps)
    model = perturbed(LembasRNN(network_of(edges), inputs, outputs, config=config), 4).double()
    with gradients_by(compiled=compiled):
        agree(model, torch.from_numpy(np.random.default_rng(0).normal(0, 2, (5, len(inputs)))))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), n_steps=st.integers(1, 31))
def test_float32_stays_within_a_millionth_of_the_reference(seed, n_steps):
    network, inputs, outputs = random_case(seed)
    model = LembasRNN(network, inputs, outputs, config=RNNConfig(max_steps=n_steps))
    model.prescale()
    x = torch.rand(11, len(inputs), generator=torch.Generator().manual_seed(0))
    ours, _ = model(x)
    np.testing.assert_allclose(
        ours.detach().numpy(), DenseReference(model)(x).detach().numpy(), atol=1e-6
    )


def test_a_target_that_is_an_input_keeps_its_injection_in_the_readout():
    network = network_of([("A", "B", 1), ("B", "A", -1)])
    model = LembasRNN(network, ["A", "B"], ["A"], config=RNNConfig(max_steps=1))
    with torch.no_grad():
        prediction, _ = model(torch.tensor([[0.1, 0.0]]))
    # One update from zero: f(1.2 * 0.1 + 1e-3 or 1 for the inhibited node A), times 1.2.
    expected = 1.2 * (1 - 0.25 / (0.12 + 1.0))
    assert prediction.item() == pytest.approx(expected, abs=1e-6)


def test_a_path_is_needed_for_an_effect():
    """A -> B -> C and no way back: the Jacobian is zero wherever there is no path in T steps."""
    network = network_of([("A", "B", 1), ("B", "C", 1), ("D", "C", 1)])
    model = LembasRNN(network, ["A", "B", "D"], ["B", "C"], config=RNNConfig(max_steps=2))
    x = torch.full((1, 3), 0.1, requires_grad=True)
    jacobian = torch.autograd.functional.jacobian(lambda v: model(v)[0].sum(0), x)[:, 0]
    effect = pd.DataFrame(jacobian.numpy() != 0, index=model.outputs, columns=model.inputs)
    assert effect.loc["B"].to_dict() == {"A": True, "B": True, "D": False}
    # In two updates A reaches B; C sees B's own input, and not A yet.
    assert effect.loc["C"].to_dict() == {"A": False, "B": True, "D": True}


def test_relabelling_and_reordering_change_nothing_but_the_order():
    network, inputs, outputs = random_case(11)
    everything = sorted({*network.nodes, *outputs})
    names = {name: f"x{len(everything) - i:03d}" for i, name in enumerate(everything)}
    renamed = Network.from_edges(
        network.edges.assign(
            TF=network.edges["TF"].map(names), Gene=network.edges["Gene"].map(names)
        )
    )
    first = perturbed(LembasRNN(network, inputs, outputs).double(), 5)
    second = LembasRNN(
        renamed, [names.get(n, n) for n in inputs[::-1]], [names[n] for n in outputs[::-1]]
    ).double()
    with torch.no_grad():
        copied = first.edges.assign(w=first.weights.numpy()).set_index(
            [first.edges["TF"].map(names), first.edges["Gene"].map(names)]
        )["w"]
        order = pd.MultiIndex.from_frame(second.edges[["TF", "Gene"]])
        second.weights.copy_(torch.from_numpy(copied.reindex(order).to_numpy()))
        bias = pd.Series(first.bias.numpy(), index=[names[n] for n in first.nodes])
        second.bias.copy_(torch.from_numpy(bias.reindex(second.nodes).to_numpy()))
        second.input_weights.copy_(first.input_weights.flip(0))
        second.output_weights.copy_(first.output_weights.flip(0))
        second.output_bias.copy_(first.output_bias.flip(0))
        x = torch.rand(
            5, len(inputs), dtype=torch.float64, generator=torch.Generator().manual_seed(1)
        )
        torch.testing.assert_close(second(x.flip(1))[0], first(x)[0].flip(1))


def test_fewer_outputs_give_the_same_predictions():
    network, inputs, outputs = random_case(21)
    model = perturbed(LembasRNN(network, inputs, outputs), 2)
    kept = pd.Index(outputs[-1:])
    x = torch.rand(4, len(inputs), generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(narrowed(model, kept)(x)[0], model(x)[0][:, -1:])


def test_narrowing_refuses_a_gene_that_is_no_output():
    model = LembasRNN(network_of([("A", "B", 1)]), ["A"], ["B"])
    with pytest.raises(KeyError, match="no outputs of the network: C"):
        narrowed(model, pd.Index(["C"]))


@pytest.mark.parametrize("x", [-1000.0, -1e30, 0.0, 0.5, 1e30])
def test_activation_and_slope_are_finite_everywhere(x):
    value = torch.tensor([x], dtype=torch.float64, requires_grad=True)
    mml(value).sum().backward()
    assert torch.isfinite(mml(value)).all()
    assert torch.isfinite(value.grad).all()


def test_activation_by_hand():
    x = torch.tensor([-2.0, 0.0, 0.25, 0.5, 1.0, 5.0], dtype=torch.float64)
    expected = torch.tensor([-0.02, 0.0, 0.25, 0.5, 0.75, 0.95], dtype=torch.float64)
    torch.testing.assert_close(mml(x), expected)


@pytest.mark.parametrize("compiled", [True, False])
def test_gradcheck(compiled):
    network, inputs, outputs = random_case(7)
    model = perturbed(LembasRNN(network, inputs, outputs), 3).double()
    generator = torch.Generator().manual_seed(2)
    x = torch.rand(3, len(inputs), dtype=torch.float64, generator=generator)

    names = ["weights", "bias", "input_weights", "output_weights", "output_bias"]
    values = [model.get_parameter(name).detach().clone().requires_grad_(True) for name in names]

    def predict(x, *values):
        given = dict(zip(names, values, strict=True))
        return torch.func.functional_call(model, given, (x,))

    with gradients_by(compiled=compiled):
        assert torch.autograd.gradcheck(predict, (x.requires_grad_(True), *values))


def test_reruns_are_the_same_bit_by_bit():
    network, inputs, outputs = random_case(5)
    x = torch.rand(64, len(inputs), generator=torch.Generator().manual_seed(1))

    def gradient() -> torch.Tensor:
        model = perturbed(LembasRNN(network, inputs, outputs), 1)
        model(x)[0].square().sum().backward()
        return model.weights.grad

    first = gradient()
    assert all(torch.equal(gradient(), first) for _ in range(3))


def test_initial_weights_are_those_of_the_study():
    network = network_of([("B", "C", -1), ("A", "C", 1), ("A", "B", -1)])
    model = LembasRNN(network, ["A"], ["C"], seed=5)
    # Sorted by (target, source) node: the TFs A, B first, then C.
    assert model.edges[["TF", "Gene"]].to_numpy().tolist() == [["A", "B"], ["A", "C"], ["B", "C"]]
    magnitude = 0.1 + 0.1 * np.random.default_rng(5).random(3)
    np.testing.assert_allclose(model.weights.detach().numpy(), magnitude * [-1, 1, -1], rtol=1e-6)
    bias = pd.Series(model.bias.detach().numpy(), index=model.nodes)
    np.testing.assert_allclose(bias[["A", "B", "C"]], [1e-3, 1.0, 1e-3], rtol=1e-6)


def test_spectral_radius_of_signed_cycles():
    # A <-> B with signs +, -: eigenvalues +-i * sqrt(|product|), which power iteration misreads.
    model = LembasRNN(network_of([("A", "B", 1), ("B", "A", -1)]), ["A"], ["B"])
    with torch.no_grad():
        model.weights.copy_(torch.tensor([-0.5, 0.2]))
    assert spectral_radius(model) == pytest.approx(np.sqrt(0.1), rel=1e-6)
    model.prescale()
    assert spectral_radius(model) == pytest.approx(0.8, rel=1e-6)


def test_prescaling_leaves_an_acyclic_network_alone():
    model = LembasRNN(network_of([("A", "B", 1), ("B", "C", 1)]), ["A"], ["C"])
    before = model.weights.detach().clone()
    model.prescale()
    assert spectral_radius(model) == 0
    assert torch.equal(model.weights, before)


def test_signs_are_constrained_and_counted():
    model = LembasRNN(network_of([("A", "B", 1), ("A", "C", -1)]), ["A"], ["B", "C"])
    with torch.no_grad():
        model.weights.copy_(torch.tensor([-0.5, -0.2]))
    assert model.n_sign_violations == 1
    model.constrain_signs()
    assert model.n_sign_violations == 0
    assert model.weights.tolist() == pytest.approx([0.0, -0.2])


@pytest.mark.parametrize(
    ("inputs", "outputs", "message"),
    [
        (["A", "A"], ["B"], "inputs must be unique names, at least one: A"),
        (["A"], [], "outputs must be unique names"),
        (["Z"], ["B"], "none of the 1 inputs .such as Z. is a TF of the network"),
    ],
)
def test_refuses_names_that_make_no_network(inputs, outputs, message):
    with pytest.raises(ValueError, match=message):
        LembasRNN(network_of([("A", "B", 1)]), inputs, outputs)


@pytest.mark.parametrize(
    "options", [{"max_steps": 0}, {"leak": 1.0}, {"leak": -0.1}, {"tolerance": 0.0}]
)
def test_refuses_constants_that_make_no_network(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        RNNConfig(**options)


def test_a_gene_without_regulators_is_predicted_by_its_bias():
    model = LembasRNN(network_of([("A", "B", 1)]), ["A"], ["B", "LONE"])
    with torch.no_grad():
        prediction, _ = model(torch.tensor([[0.1], [3.0]]))
    assert prediction[:, 1].tolist() == pytest.approx([1.2e-3, 1.2e-3])


def test_mixed_precision_is_refused_whatever_the_number_of_samples():
    network, inputs, outputs = random_case(5)
    model = LembasRNN(network, inputs, outputs)
    for n_samples in (2, 32):
        with pytest.raises(RuntimeError, match=r"dtype|type"):
            model(torch.rand(n_samples, len(inputs), dtype=torch.float64))
