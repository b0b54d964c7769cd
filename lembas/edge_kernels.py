"""Compiled loops over the edges of a network, for the CPU: gradients of an update, sub-matrices.

Torch needs a dozen passes over memory for what one pass does here: slope, gradient of the weights
and gradient of the states. For 128 samples of the original study's size, forwards and backwards
together take half the time. Forwards, a kernel was no faster than torch's product. It is compiled
at its first call, in some seconds a number type.
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
    """Propagate a gradient back through one update; see :func:`lembas.sparse.update`.

    Args:
        start: Where the edges of each target begin, ``(target + 1,)``, int32.
        column: Source of each edge, ``(edge,)``, int32.
        weights: Shape ``(edge,)``.
        states: What was updated, ``(source, sample)``, contiguous.
        new: What the update made of it, ``(target, sample)``, contiguous.
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


def penalised_parts(gram: np.ndarray, features: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Cut the Gram matrix of each gene's features out of that of all, and add its penalty.

    Args:
        gram: Shape ``(feature, feature)``.
        features: Rows of each gene's features, ``(gene, place)``.
        alpha: Penalty of each gene, ``(gene,)``.

    Returns:
        Shape ``(gene, place, place)``; above the diagonal there are zeros.
    """
    parts = np.zeros((*features.shape, features.shape[1]), gram.dtype)
    _penalised_parts(gram, features, alpha, parts)
    return parts


@_compiled
def _penalised_parts(
    gram: np.ndarray, features: np.ndarray, alpha: np.ndarray, parts: np.ndarray
) -> None:
    for gene in range(features.shape[0]):
        for first in range(features.shape[1]):
            row, part = gram[features[gene, first]], parts[gene, first]
            for second in range(first + 1):
                part[second] = row[features[gene, second]]
            part[first] += alpha[gene]


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
