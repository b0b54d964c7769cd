"""Compiled updates over the edges of a network, for the CPU: each row is computed in one go.

Torch needs a dozen passes over memory for what these kernels do in one: product, drive and
activation forwards; slope, gradients of the weights and of the states backwards. For 128 samples of
the original study's size that halves the time. They are compiled at their first call, in some
seconds a number type.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numba
import numpy as np

# Sums may be taken in another order, so that several are taken at once. Nothing else is relaxed:
# NaN stays NaN, and the sign of a zero says which side of the activation it came from.
_compiled = numba.njit(nogil=True, fastmath={"reassoc", "contract"}, error_model="numpy")


def forward(
    start: np.ndarray,
    column: np.ndarray,
    weights: np.ndarray,
    states: np.ndarray,
    drive: np.ndarray,
    injected: tuple[np.ndarray, np.ndarray] | None,
    *,
    leak: float,
    n_threads: int,
) -> np.ndarray:
    """Update states once; see :func:`lembas.sparse.update`.

    Args:
        start: Where the edges of each target begin, ``(target + 1,)``, int32.
        column: Source of each edge, ``(edge,)``, int32.
        weights: Shape ``(edge,)``.
        states: Shape ``(source, sample)``, contiguous.
        drive: Shape ``(target, sample)`` or ``(target, 1)``.
        injected: Rows and what is added to them, ``(n, sample)``; None: nothing.
        leak: Slope of the activation below zero.
        n_threads: Threads; each has its own targets, so the result does not depend on them.

    Returns:
        New states, shape ``(target, sample)``.
    """
    n_targets, kind = len(start) - 1, states.dtype.type
    place = np.full(n_targets, -1, np.int32)
    values = np.empty((0, states.shape[1]), states.dtype)
    if injected is not None:
        rows, values = injected
        place[rows] = np.arange(len(rows), dtype=np.int32)
    new = np.empty((n_targets, states.shape[1]), states.dtype)

    def work(first: int, last: int, _: int) -> None:
        _forward(start, column, weights, states, drive, place, values, kind(leak), new, first, last)

    _in_threads(work, start, n_threads)
    return new


def backward(
    start: np.ndarray,
    column: np.ndarray,
    weights: np.ndarray,
    states: np.ndarray,
    new: np.ndarray,
    grad: np.ndarray,
    *,
    leak: float,
    n_threads: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Propagate a gradient back through one update.

    Args:
        start: As in :func:`forward`, like ``column``, ``weights`` and ``states``.
        column: Source of each edge.
        weights: Shape ``(edge,)``.
        states: Shape ``(source, sample)``.
        new: What :func:`forward` returned.
        grad: Gradient of the new states, the same shape, contiguous.
        leak: Slope of the activation below zero.
        n_threads: Threads; sums over targets are taken thread by thread, in a fixed order.

    Returns:
        Gradients of the weights ``(edge,)``, of the states ``(source, sample)`` and of the sums
        that went into the activation ``(target, sample)``.
    """
    of_weights, of_sums = np.empty_like(weights), np.empty_like(new)
    of_states = np.zeros((n_threads, *states.shape), states.dtype)
    kind = states.dtype.type

    def work(first: int, last: int, thread: int) -> None:
        _backward(
            start, column, weights, states, new, grad, kind(leak),
            of_weights, of_states[thread], of_sums, first, last,
        )  # fmt: skip

    _in_threads(work, start, n_threads)
    for part in of_states[1:]:
        of_states[0] += part
    return of_weights, of_states[0], of_sums


def _in_threads(work: Callable[[int, int, int], None], start: np.ndarray, n_threads: int) -> None:
    """Share out the targets so that every thread has as many edges."""
    if n_threads == 1:
        work(0, len(start) - 1, 0)
        return
    share = np.arange(1, n_threads) * int(start[-1]) / n_threads
    bounds = [0, *np.searchsorted(start[:-1], share), len(start) - 1]
    tasks = [
        _pool(n_threads).submit(work, int(bounds[thread]), int(bounds[thread + 1]), thread)
        for thread in range(1, n_threads)
    ]
    work(0, int(bounds[1]), 0)
    for task in tasks:
        task.result()


@lru_cache
def _pool(n_threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(n_threads - 1, thread_name_prefix="edges")


@_compiled
def _forward(
    start: np.ndarray,
    column: np.ndarray,
    weights: np.ndarray,
    states: np.ndarray,
    drive: np.ndarray,
    place: np.ndarray,
    values: np.ndarray,
    leak: float,
    new: np.ndarray,
    first: int,
    last: int,
) -> None:
    n = states.shape[1]
    for row in range(first, last):
        total = new[row]
        if drive.shape[1] == 1:
            for at in range(n):
                total[at] = drive[row, 0]
        else:
            for at in range(n):
                total[at] = drive[row, at]
        if place[row] >= 0:
            for at in range(n):
                total[at] += values[place[row], at]
        for edge in range(start[row], start[row + 1]):
            weight, state = weights[edge], states[column[edge]]
            for at in range(n):
                total[at] += weight * state[at]
        for at in range(n):
            x = total[at]
            if x < 0:
                total[at] = leak * x
            elif x > 0.5:
                total[at] = 1 - 0.25 / x


@_compiled
def _backward(
    start: np.ndarray,
    column: np.ndarray,
    weights: np.ndarray,
    states: np.ndarray,
    new: np.ndarray,
    grad: np.ndarray,
    leak: float,
    of_weights: np.ndarray,
    of_states: np.ndarray,
    of_sums: np.ndarray,
    first: int,
    last: int,
) -> None:
    n = states.shape[1]
    for row in range(first, last):
        slope_grad = of_sums[row]
        for at in range(n):
            h = new[row, at]
            # The slope follows from the state; -0.0 is what a leak of 0 makes of negative sums.
            slope = 4 * (1 - h) * (1 - h)
            if h <= 0.5:
                slope = 1.0
            if np.signbit(h):
                slope = leak
            slope_grad[at] = grad[row, at] * slope
        for edge in range(start[row], start[row + 1]):
            weight, source = weights[edge], column[edge]
            state, of_state = states[source], of_states[source]
            product = weights.dtype.type(0)
            for at in range(n):
                product += slope_grad[at] * state[at]
                of_state[at] += weight * slope_grad[at]
            of_weights[edge] = product
