"""The slow way: all nodes times all nodes, in float32, as the original study computes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lembas.model import LembasRNN


class DenseRNN(nn.Module):
    """Copy a network into one dense matrix over all nodes.

    Args:
        model: The network to copy.
    """

    mask: Tensor

    def __init__(self, model: LembasRNN) -> None:
        super().__init__()
        n_nodes, self.config = len(model.nodes), model.config
        rows = model.get_buffer("target_rows")
        columns = torch.from_numpy(model.tfs.get_indexer(model.edges["TF"]))
        dense = torch.zeros(n_nodes, n_nodes)
        dense[rows, columns] = model.weights.detach()
        self.register_buffer("mask", torch.zeros(n_nodes, n_nodes, dtype=torch.bool))
        self.mask[rows, columns] = True
        self.weights = nn.Parameter(dense)
        self.bias = nn.Parameter(model.bias.detach()[:, None].clone())
        self.input_rows = torch.from_numpy(model.nodes.get_indexer(model.inputs))
        self.output_rows = torch.from_numpy(model.nodes.get_indexer(model.outputs))
        self.input_weights = model.input_weights.detach()
        self.output_weights = nn.Parameter(model.output_weights.detach().clone())
        self.output_bias = nn.Parameter(model.output_bias.detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        """Predict ``(sample, gene)`` by T updates of every node."""
        injected = x.new_zeros((len(self.bias), len(x)))
        injected[self.input_rows] = (self.input_weights * x).t()
        drive = injected + self.bias
        states = torch.zeros_like(drive)
        for _ in range(self.config.max_steps):
            total = self.weights @ states + drive
            high = 1 - 0.25 / total.clamp(min=0.5)
            states = torch.where(
                total < 0, self.config.leak * total, torch.where(total <= 0.5, total, high)
            )
        return states[self.output_rows].t() * self.output_weights + self.output_bias


class DenseTraining:
    """Train the dense copy: gradients off the network are computed, then set to zero."""

    def __init__(self, dense: DenseRNN) -> None:
        self.dense = dense
        self.optimiser = torch.optim.Adam(dense.parameters(), lr=1e-4)

    def update(self, x: Tensor, y: Tensor) -> float:
        """Make one step down the gradient; return the error before it."""
        error = torch.nn.functional.mse_loss(self.dense(x), y)
        self.optimiser.zero_grad(set_to_none=True)
        error.backward()
        with torch.no_grad():
            gradient = self.dense.weights.grad
            assert gradient is not None
            gradient.mul_(self.dense.mask)
        self.optimiser.step()
        return error.item()
