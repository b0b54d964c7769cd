"""One sparse matrix whose weights live on edges, with a gradient that touches edges only."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


class EdgePattern(nn.Module):
    """Hold where the edges of a sparse ``(target, source)`` matrix are; the weights come later.

    Edges are given sorted by (target, source). The transposed order is kept as well, so that
    the backward pass multiplies by the transposed matrix without sorting again. Everything is a
    buffer: ``.to(device)`` moves it.

    Args:
        target: Row of each edge, sorted, shape ``(edge,)``.
        source: Column of each edge, sorted within a row, shape ``(edge,)``.
        shape: Number of rows and columns.
    """

    row_start: Tensor
    column: Tensor
    column_start: Tensor
    row: Tensor
    by_source: Tensor

    def __init__(self, target: np.ndarray, source: np.ndarray, shape: tuple[int, int]) -> None:
        super().__init__()
        self.shape = shape
        by_source = np.lexsort((target, source))
        self._buffer("row_start", _starts(target, shape[0]))
        self._buffer("column", source)
        self._buffer("column_start", _starts(source[by_source], shape[1]))
        self._buffer("row", target[by_source])
        self._buffer("by_source", by_source)

    def _buffer(self, name: str, values: np.ndarray) -> None:
        tensor = torch.from_numpy(np.ascontiguousarray(values, dtype=np.int64))
        # The pattern follows from the network, so a checkpoint need not hold it.
        self.register_buffer(name, tensor, persistent=False)

    def matrix(self, weights: Tensor) -> Tensor:
        """Build the sparse matrix of the weights ``(edge,)``."""
        return _csr(self.row_start, self.column, weights, self.shape)

    def transposed(self, weights: Tensor) -> Tensor:
        """Build the transposed sparse matrix of the weights ``(edge,)``."""
        return _csr(
            self.column_start, self.row, weights[self.by_source], (self.shape[1], self.shape[0])
        )

    def forward(self, weights: Tensor, states: Tensor) -> Tensor:
        """Multiply weights ``(edge,)`` by states ``(source, sample)``: ``(target, sample)``."""
        return _EdgeProduct.apply(weights, states, self)


class _EdgeProduct(torch.autograd.Function):
    """Sparse times dense; the weights' gradient is sampled at the edges."""

    @staticmethod
    def forward(ctx: Any, weights: Tensor, states: Tensor, pattern: EdgePattern) -> Tensor:
        ctx.save_for_backward(weights, states)
        ctx.pattern = pattern
        return pattern.matrix(weights) @ states

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        weights, states = ctx.saved_tensors
        pattern: EdgePattern = ctx.pattern
        grad = grad.contiguous()
        grad_weights = grad_states = None
        if ctx.needs_input_grad[0]:
            empty = pattern.matrix(torch.zeros_like(weights))
            grad_weights = torch.sparse.sampled_addmm(empty, grad, states.t(), beta=0.0).values()
        if ctx.needs_input_grad[1]:
            grad_states = pattern.transposed(weights) @ grad
        return grad_weights, grad_states, None


def _starts(sorted_positions: np.ndarray, n: int) -> np.ndarray:
    """Where each row begins, as the compressed-row format wants it."""
    return np.searchsorted(sorted_positions, np.arange(n + 1))


def _csr(starts: Tensor, positions: Tensor, values: Tensor, shape: tuple[int, int]) -> Tensor:
    with warnings.catch_warnings():
        # torch announces once a process that its CSR format may still change.
        warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta", UserWarning)
        return torch.sparse_csr_tensor(starts, positions, values, shape, check_invariants=False)
