"""A slow, obvious LEMBAS-RNN: dense N x N in float64, written from the equations for the tests."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from lembas.model import LembasRNN


def activation(x: Tensor, leak: float) -> Tensor:
    """Apply the activation value by value, branch by branch."""
    result = torch.zeros_like(x)
    low, high = x < 0, x > 0.5
    middle = ~low & ~high
    result[low] = leak * x[low]
    result[middle] = x[middle]
    result[high] = 1 - 0.25 / x[high]
    return result


class DenseReference:
    """Copy a network's parameters into dense float64 matrices over all nodes, sorted by name."""

    def __init__(self, model: LembasRNN) -> None:
        self.model = model
        self.nodes = sorted({*model.edges["TF"], *model.edges["Gene"], *model.nodes})
        at = {name: position for position, name in enumerate(self.nodes)}
        self.dense = torch.zeros(len(self.nodes), len(self.nodes), dtype=torch.float64)
        self.rows = [at[name] for name in model.edges["Gene"]]
        self.columns = [at[name] for name in model.edges["TF"]]
        self.dense[self.rows, self.columns] = model.weights.detach().double()
        self.dense.requires_grad_(True)
        self.bias = torch.zeros(len(self.nodes), dtype=torch.float64)
        self.bias[[at[name] for name in model.nodes]] = model.bias.detach().double()
        self.bias.requires_grad_(True)
        self.inputs = [at[name] for name in model.inputs if name in at]
        self.known = [i for i, name in enumerate(model.inputs) if name in at]
        self.outputs = [at[name] for name in model.outputs]
        self.skip = torch.zeros_like(self.dense)
        if model.config.skip:
            self.skip[self.rows, self.columns] = model.skip_weights.detach().double()

    def __call__(self, x: Tensor) -> Tensor:
        """Predict ``(sample, gene)`` by T updates of every node."""
        model = self.model
        injected = torch.zeros(len(x), len(self.nodes), dtype=torch.float64)
        weights = model.input_weights.detach().double()
        injected[:, self.inputs] = (weights * x.double())[:, self.known]
        states = torch.zeros_like(injected)
        self.n_updates = 0
        for t in range(model.config.max_steps):
            before = states
            states = activation(states @ self.dense.T + injected + self.bias, model.config.leak)
            self.n_updates += 1
            # The lineage counts t from 0 and looks at t = 30, 40, ...
            looks = model.config.tolerance is not None and t >= 30 and t % 10 == 0
            if looks and (states - before).abs().max() < model.config.tolerance:
                break
        plain = torch.zeros_like(injected)
        plain[:, self.inputs] = x.double()[:, self.known]
        return (
            model.output_weights.detach().double() * states[:, self.outputs]
            + model.output_bias.detach().double()
            + (plain @ self.skip.T)[:, self.outputs]
        )

    def edge_gradient(self) -> np.ndarray:
        """Gradient at the model's edges, in their order."""
        return self.dense.grad[self.rows, self.columns].numpy()
