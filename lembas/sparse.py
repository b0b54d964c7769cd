"""Updates of node states over the edges of a network, with gradients that touch edges only."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from lembas import edge_kernels


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
        # Half the bytes of int64: one sample is predicted a third faster.
        tensor = torch.from_numpy(np.ascontiguousarray(values, dtype=np.int32))
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


def update(
    pattern: EdgePattern,
    weights: Tensor,
    states: Tensor,
    drive: Tensor,
    leak: float,
    *,
    injected: tuple[Tensor, Tensor] | None = None,
) -> Tensor:
    r"""Update states once: :math:`f(W H + \mathrm{drive})`, f as :func:`lembas.model.mml`.

    Product, sum and activation are one node of the autograd graph that keeps its result alone:
    the slope follows from the state. The gradient of the weights is sampled at the edges. On the
    CPU a compiled kernel computes the gradients in one pass over memory, elsewhere torch does.

    Args:
        pattern: Where the edges are.
        weights: Shape ``(edge,)``.
        states: H, shape ``(source, sample)``.
        drive: What is added to each target, shape ``(target, sample)`` or ``(target, 1)``.
        leak: Slope of the activation below zero, >= 0.
        injected: Rows ``(n,)`` and what is added to these alone, ``(n, sample)``.

    Returns:
        New states, shape ``(target, sample)``.
    """
    rows, values = injected or (None, None)
    return _Update.apply(weights, states, drive, values, rows, pattern, leak)


def product(pattern: EdgePattern, weights: Tensor, states: Tensor) -> Tensor:
    """Multiply the matrix of the edges' weights with states.

    Args:
        pattern: Where the edges are.
        weights: Shape ``(edge,)``; they get no gradient.
        states: Shape ``(source, sample)``.

    Returns:
        Shape ``(target, sample)``.
    """
    return _Product.apply(states, weights, pattern)


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, states: Tensor, weights: Tensor, pattern: EdgePattern) -> Tensor:
        ctx.save_for_backward(weights)
        ctx.pattern = pattern
        return pattern.matrix(weights) @ states

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        (weights,) = ctx.saved_tensors
        return ctx.pattern.transposed(weights) @ grad, None, None


class _Update(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        weights: Tensor,
        states: Tensor,
        drive: Tensor,
        values: Tensor | None,
        rows: Tensor | None,
        pattern: EdgePattern,
        leak: float,
    ) -> Tensor:
        total = torch.addmm(drive.expand(-1, states.shape[1]), pattern.matrix(weights), states)
        if rows is not None and values is not None:
            total.index_add_(0, rows, values)
        new = activate_(total, leak)
        ctx.save_for_backward(weights, states, new, rows)
        ctx.pattern, ctx.leak, ctx.drive_shape = pattern, leak, drive.shape
        return new

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        weights, states, new, rows = ctx.saved_tensors
        needs_weights, needs_states, needs_drive, needs_values = ctx.needs_input_grad[:4]
        # What is compiled finds the gradients of weights and states in one pass.
        compiled = needs_weights and _can_be_compiled(states)
        backward = _compiled_backward if compiled else _torch_backward
        grad_weights, grad_states, grad = backward(
            ctx.pattern, weights, states, new, grad, ctx.leak, (needs_weights, needs_states)
        )
        grad_drive = grad.sum_to_size(ctx.drive_shape) if needs_drive else None
        grad_values = grad[rows] if needs_values else None
        return grad_weights, grad_states, grad_drive, grad_values, None, None, None


def _torch_backward(
    pattern: EdgePattern,
    weights: Tensor,
    states: Tensor,
    new: Tensor,
    grad: Tensor,
    leak: float,
    needed: tuple[bool, bool],
) -> tuple[Tensor | None, Tensor | None, Tensor]:
    """Return the gradients of weights, states and the activation's argument, where needed."""
    grad = _slope(new, leak).mul_(grad)
    grad_weights = grad_states = None
    if needed[0]:
        empty = pattern.matrix(torch.zeros_like(weights))
        grad_weights = torch.sparse.sampled_addmm(empty, grad, states.t(), beta=0.0).values()
    if needed[1]:
        grad_states = pattern.transposed(weights) @ grad
    return grad_weights, grad_states, grad


def _can_be_compiled(states: Tensor) -> bool:
    return states.device.type == "cpu" and states.dtype in (torch.float32, torch.float64)


def _compiled_backward(
    pattern: EdgePattern,
    weights: Tensor,
    states: Tensor,
    new: Tensor,
    grad: Tensor,
    leak: float,
    needed: tuple[bool, bool],
) -> tuple[Tensor | None, Tensor | None, Tensor]:
    found = edge_kernels.backward(
        pattern.row_start.numpy(),
        pattern.column.numpy(),
        _array(weights),
        _array(states),
        _array(new),
        _array(grad),
        leak=leak,
        n_threads=torch.get_num_threads(),
    )
    grad_weights, grad_states, of_sums = map(torch.from_numpy, found)
    return (grad_weights if needed[0] else None, grad_states if needed[1] else None, of_sums)


def _array(tensor: Tensor) -> np.ndarray:
    """Look at a tensor as a contiguous array."""
    return tensor.detach().contiguous().numpy()


def activate_(x: Tensor, leak: float) -> Tensor:
    """Apply the activation to a tensor in place, in few passes over memory.

    For x <= 1/2, x itself is the smaller of x and 1 - 1/(4 max(x, 1/2)); above, the second is.
    """
    saturated = x.clamp(min=0.5).reciprocal_().mul_(-0.25).add_(1.0)
    torch.minimum(x, saturated, out=x)
    return nn.functional.leaky_relu_(x, leak)


def _slope(state: Tensor, leak: float) -> Tensor:
    """Slope of the activation, from its value."""
    # 4 (1 - h)^2 is at least 1 up to h = 1/2; -0.0 is what a leak of 0 makes of negative sums.
    slope = torch.add(torch.full_like(state, 2.0), state, alpha=-2).square_().clamp_(max=1.0)
    return slope.masked_fill_(torch.signbit(state), leak)


def _starts(sorted_positions: np.ndarray, n: int) -> np.ndarray:
    """Where each row begins, as the compressed-row format wants it."""
    return np.searchsorted(sorted_positions, np.arange(n + 1))


def _csr(starts: Tensor, positions: Tensor, values: Tensor, shape: tuple[int, int]) -> Tensor:
    return torch.sparse_csr_tensor(starts, positions, values, shape, check_invariants=False)


with warnings.catch_warnings():
    # torch announces once a process that its CSR format may still change; catching that at every
    # call would cost more than a small product.
    warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta", UserWarning)
    _csr(torch.tensor([0, 1]), torch.tensor([0]), torch.ones(1), (1, 1))
