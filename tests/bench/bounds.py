"""What a task costs at least, and how long this machine needs for that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import torch

from lembas.dimensions import Size
from lembas.scaling import Peaks, measure_peaks
from tests.bench.problem import Problem


@dataclass(frozen=True)
class Work:
    """Arithmetic and traffic that no way of doing a task can avoid.

    Attributes:
        flops: Additions and multiplications.
        n_bytes: Bytes that cross memory once.
        dtype: What the arithmetic is done in.
    """

    flops: float
    n_bytes: float
    dtype: torch.dtype = torch.float32


@lru_cache
def machine_peaks() -> dict[torch.dtype, Peaks]:
    """Measure the machine in single and in double precision, once."""
    return {dtype: measure_peaks(dtype=dtype) for dtype in (torch.float32, torch.float64)}


def bound(work: Work, machine: Mapping[torch.dtype, Peaks]) -> dict[str, float | str]:
    """Say the least time in seconds, and what limits it."""
    least_ms, limit = machine[work.dtype].bound_ms(work)
    return {"bound_s": least_ms / 1e3, "limited_by": limit}


def predicting(problem: Problem, n_samples: int) -> Work:
    """Multiply every edge's weight once a sample and update."""
    size = _size(problem, n_samples)
    return Work(size.flops, size.n_bytes)


def training(problem: Problem) -> Work:
    """Count a prediction of each sample and, backwards, as much for states and for weights."""
    size = _size(problem, problem.n_samples)
    return Work(3 * size.flops, _table_bytes(problem))


def regressing(problem: Problem) -> Work:
    """Multiply TFs with TFs and with genes, then solve by two triangular products a gene."""
    n, t, g = problem.n_samples, problem.n_tfs, problem.n_targets
    return Work(n * t * t + 2 * n * t * g + 2 * t * t * g, _table_bytes(problem), torch.float64)


def growing_forests(problem: Problem, n_trees: int = 3, depth: int = 6) -> Work:
    """Read the bins of four fifths of the samples and TFs once a level, one byte each."""
    n_read = 0.8 * problem.n_samples * 0.8 * problem.n_tfs * n_trees * depth * problem.n_targets
    return Work(2 * n_read, n_read)


def asking_forests(problem: Problem, n_samples: int, n_trees: int = 3, depth: int = 6) -> Work:
    """Compare once a level; read the nodes on the way, at most all of a tree, and write results."""
    n_nodes = min(n_samples * depth, 2**depth - 1) + min(n_samples, 2**depth)
    n_trees *= problem.n_targets
    n_values = n_samples * (problem.n_tfs + problem.n_targets)
    return Work(n_samples * n_trees * (depth + 1), 8 * n_trees * n_nodes + 4 * n_values)


def scoring(problem: Problem) -> Work:
    """Read truth and prediction once; ranking compares each value with log2 n others."""
    n_values = 2 * problem.n_samples * problem.n_targets
    return Work(n_values * problem.n_samples.bit_length(), 4 * n_values, torch.float64)


def copying(problem: Problem) -> Work:
    """Read each value from memory and write it."""
    return Work(0, 2 * _table_bytes(problem))


def _size(problem: Problem, n_samples: int, n_steps: int = 10) -> Size:
    """Return the dimensions of a prediction; the share of TF-TF edges is the study's."""
    return Size(n_samples, problem.n_tfs, problem.n_targets, problem.n_edges, n_steps)


def _table_bytes(problem: Problem) -> int:
    return 4 * problem.n_samples * (problem.n_tfs + problem.n_targets)
