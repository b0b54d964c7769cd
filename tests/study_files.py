"""Make checkpoints like those of the original study, and predict with them slowly and densely."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from lembas.network import Network
from tests.reference import activation
from tests.small_study import network_of


@dataclass(frozen=True)
class StudyCase:
    """A network, the columns of its two tables, and a checkpoint trained on them."""

    network: Network
    tfs: list[str]
    genes: list[str]
    state: dict[str, Tensor] = field(default_factory=dict)
    max_steps: int = 10
    leak: float = 0.01

    @property
    def nodes(self) -> list[str]:
        return sorted({*self.network.edges["TF"], *self.network.edges["Gene"]})

    @property
    def inputs(self) -> list[str]:
        return sorted(set(self.tfs) & set(self.nodes))

    @property
    def outputs(self) -> list[str]:
        return sorted(set(self.genes) & set(self.nodes))

    def content(self, **changes: Any) -> dict[str, Any]:
        """What the study's files hold; ``changes`` add keys or replace them."""
        params = {
            "target_steps": 150,
            "max_steps": self.max_steps,
            "exp_factor": 50,
            "leak": np.float64(self.leak),
            "tolerance": 1e-20,
        }
        return {
            "state_dict": dict(self.state),
            "seed": 888,
            "bionet_params": params,
            "projection_amplitude_in": 1.2,
            "projection_amplitude_out": 1.2,
            **changes,
        }

    def write(self, path: Path, **changes: Any) -> Path:
        torch.save(self.content(**changes), path)
        return path

    def predict(self, x: pd.DataFrame) -> pd.DataFrame:
        """Predict ``(sample, gene)`` by updates of every node in float64."""
        state = {key: value.double() for key, value in self.state.items()}
        injected = torch.zeros(len(x), len(self.nodes), dtype=torch.float64)
        for position, name in enumerate(self.inputs):
            values = torch.from_numpy(x[name].to_numpy(float))
            at = self.nodes.index(name)
            injected[:, at] += state["input_layer.weights"][position] * values
        bias = state["signaling_network.bias"][:, 0]
        states = torch.zeros_like(injected)
        for _ in range(self.max_steps):
            drive = states @ state["signaling_network.weights"].T + injected + bias
            states = activation(drive, self.leak)
        at = [self.nodes.index(name) for name in self.outputs]
        y = state["output_layer.weights"] * states[:, at] + state["output_layer.bias"]
        return pd.DataFrame(y.numpy(), index=x.index, columns=self.outputs)


def random_study(seed: int, **constants: Any) -> StudyCase:
    """Draw a network with cycles, self-loops, TF targets, and inputs and outputs of every kind.

    Names differ in case and length, so that another order than Python's would show. Some
    inputs regulate nothing, some are outputs too, some nodes are neither, some names no nodes.
    """
    rng = np.random.default_rng(seed)
    tfs = [str(name) for name in rng.permutation(["b2", "B10", "Z", "a", "_x", "T1"])]
    genes = [str(name) for name in rng.permutation(["c", "C9", "g1", "G10", "G2", "y"])]
    tfs, genes = tfs[: rng.integers(1, 7)], genes[: rng.integers(1, 7)]
    pairs = [(tf, gene) for tf in tfs for gene in [*tfs, *genes]]
    chosen = rng.permutation(len(pairs))[: rng.integers(1, len(pairs) + 1)]
    network = network_of([(*pairs[i], int(rng.choice([-1, 1]))) for i in chosen])
    regulating = sorted(set(network.edges["TF"]))
    some = rng.permutation([*tfs, *genes])
    case = StudyCase(
        network,
        # One TF that regulates something at least, as in any study.
        tfs=["no_node", regulating[0], *map(str, some[: rng.integers(0, len(some) + 1)])],
        genes=["gone", regulating[-1], *map(str, some[::-1][: rng.integers(0, len(some) + 1)])],
        **constants,
    )
    case.state.update(random_state(case, rng))
    return case


def random_state(case: StudyCase, rng: np.random.Generator) -> dict[str, Tensor]:
    def normal(*shape: int) -> Tensor:
        return torch.from_numpy(rng.normal(0, 0.6, shape).astype(np.float32))

    at = {name: position for position, name in enumerate(case.nodes)}
    matrix = torch.zeros(len(at), len(at))
    for edge in case.network.edges.itertuples():
        # As small as prescaled weights are: larger ones magnify the rounding of float32.
        matrix[at[edge.Gene], at[edge.TF]] = normal(1)[0] / 2
    return {
        "input_layer.weights": normal(len(case.inputs)),
        "signaling_network.weights": matrix,
        "signaling_network.bias": normal(len(at), 1),
        "output_layer.weights": normal(len(case.outputs)),
        "output_layer.bias": normal(len(case.outputs)),
    }


def expression(names: list[str], n_samples: int = 5, seed: int = 0) -> pd.DataFrame:
    """Draw log10 expression, names as columns in an order of their own."""
    rng = np.random.default_rng(seed)
    columns = [str(name) for name in rng.permutation(sorted(set(names)))]
    values = rng.normal(1, 1, (n_samples, len(columns))).astype(np.float32)
    return pd.DataFrame(values, columns=columns)


class Payload:
    """What makes a file when it is unpickled by Python's own unpickler."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self.trace),)


def changed(state: Mapping[str, Tensor], **values: Any) -> dict[str, Any]:
    """Replace entries of a state by the last part of their key; None removes one."""
    layers = {
        "w_in": "input_layer.weights",
        "matrix": "signaling_network.weights",
        "bias": "signaling_network.bias",
        "w_out": "output_layer.weights",
        "b_out": "output_layer.bias",
    }
    new = {layers[key]: value for key, value in values.items()}
    return {key: value for key, value in {**state, **new}.items() if value is not None}
