"""Attribute one gene, and several, to the TFs: ours, and gradients of the dense network."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import torch

from lembas.attribution import explain
from lembas.gradient_explainer import Points
from lembas.model import LembasRNN
from lembas.training import LembasRegressor
from tests.bench.dense import DenseRNN
from tests.bench.explaining import N_BACKGROUND, N_DRAWS, regressor
from tests.bench.problem import Problem
from tests.bench.tasks import FAST, SLOW, Task
from tests.bench.timing import Way

SEED = 888
SLOW_WORDS = "dense float32, all nodes, one gradient at a time"


def attribution_tasks(problem: Problem, *, n_slow: int = 3, n_genes: int = 16) -> Iterator[Task]:
    """Explain 262 samples: one gene from random draws and by quadrature, sixteen genes at once."""
    n_samples = min(262, problem.n_samples - N_BACKGROUND)
    x, background = problem.x.iloc[:n_samples], problem.x.iloc[-N_BACKGROUND:]
    network = LembasRNN(problem.network, problem.tfs, problem.targets)
    network.prescale()
    model = regressor(network)
    dense = _Gradients(model, x, background)
    one, several = problem.targets[:1], problem.targets[:n_genes]

    def ours(genes: pd.Index, mode: str) -> np.ndarray:
        made = explain(model, x, background, genes, mode=mode, n_draws=N_DRAWS, seed=SEED)
        return made.values[genes[0]].to_numpy()  # noqa: PD011 (a field)

    n_gradients = n_samples * N_DRAWS
    drawn = Points.drawn(n_samples, N_BACKGROUND, N_DRAWS, SEED)
    difference = np.abs(ours(one, "random")[0] - dense.attributed(drawn, N_DRAWS)).max()
    slow = Way(lambda: dense.attributed(drawn, n_slow), n_slow / n_gradients, n_runs=1)
    yield Task(
        f"RNN, attributions of one gene, {n_samples} samples, {N_DRAWS} draws",
        {FAST: Way(lambda: ours(one, "random"), n_runs=3), SLOW: slow},
        SLOW_WORDS,
        target=1800,
        difference=float(difference),
        note=f"the reference takes {n_slow} of {n_gradients:,} gradients; its time is scaled up",
    )
    made = explain(model, x, background, one)
    yield Task(
        f"RNN, attributions of one gene, {n_samples} samples, by quadrature",
        {
            FAST: Way(lambda: ours(one, "quadrature"), n_runs=1),
            SLOW: Way(lambda: dense.attributed(drawn, n_slow), n_slow / n_gradients, n_runs=1),
        },
        f"{SLOW_WORDS}, from {N_DRAWS} draws",
        note=f"{made.method}; completeness error {made.completeness_error().iloc[0]:.2%} of the SD",
    )
    yield Task(
        f"RNN, attributions of {len(several)} genes, {n_samples} samples, {N_DRAWS} draws",
        {
            FAST: Way(lambda: ours(several, "random"), n_runs=2),
            SLOW: Way(lambda: ours(one, "random"), 1 / len(several), n_runs=2),
        },
        "ours, gene by gene",
        target=1 / 0.7,
        note="one gene's time, times the number of genes",
    )


class _Gradients:
    """Take the dense network's gradients of the first gene, one point after another."""

    def __init__(self, model: LembasRegressor, x: pd.DataFrame, background: pd.DataFrame) -> None:
        self.dense = DenseRNN(model.network_)
        for parameter in self.dense.parameters():
            parameter.requires_grad_(False)
        self.x, self.base = (torch.from_numpy(part.to_numpy(copy=True)) for part in (x, background))

    def attributed(self, points: Points, n_points: int) -> np.ndarray:
        """Sum up the first points' contributions to the first sample, ``(tf,)``."""
        total = torch.zeros(self.x.shape[1])
        for sample, at, position, weight in zip(*points.part(slice(n_points)), strict=True):
            away = self.x[sample] - self.base[at]
            row = (self.base[at] + position * away)[None].requires_grad_(True)
            (gradient,) = torch.autograd.grad(self.dense(row)[0, 0], row)
            total += weight * away * gradient[0]
        return total.numpy()
