"""Score models on resamples: ours from sums over samples, and every resample scored by itself."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from lembas.intervals import METRICS, bootstrap
from lembas.metrics import score_per_gene, summarise
from tests.bench.problem import Problem
from tests.bench.tasks import FAST, SLOW, Task
from tests.bench.timing import Way

_N_SAMPLES, _N_MODELS = 262, 8


def interval_tasks(
    problem: Problem, *, n_panel: int = 1000, n_resamples: int = 2000, n_slow: int = 3
) -> Iterator[Task]:
    """Resample a cohort of 262 samples for eight models."""
    truth = problem.y.iloc[:_N_SAMPLES, :n_panel].astype(float)
    mean = problem.y.iloc[:, :n_panel].mean().astype(float)
    models = {f"model {i}": truth * (1 - 0.1 * i) + 0.1 for i in range(_N_MODELS)}
    drawn = np.random.default_rng(888).integers(len(truth), size=(n_slow, len(truth)))

    def one_by_one() -> pd.DataFrame:
        return pd.DataFrame([_scored(truth, models["model 1"], mean, rows) for rows in drawn])

    whole = bootstrap(truth, models, mean, n_resamples=1).estimates["model 1"]
    alone = _scored(truth, models["model 1"], mean, np.arange(len(truth)))
    yield Task(
        f"{n_resamples:,} resamples of {len(models)} models, {truth.shape[1]:,} genes, "
        f"{len(truth)} samples",
        {
            FAST: Way(lambda: bootstrap(truth, models, mean, n_resamples=n_resamples), n_runs=3),
            SLOW: Way(one_by_one, n_slow / (n_resamples * len(models)), n_runs=2),
        },
        "each resample scored by itself",
        difference=float((whole - alone[list(METRICS)]).abs().max()),
        note=f"{len(METRICS)} scores; difference: of the whole set",
    )


def _scored(
    truth: pd.DataFrame, prediction: pd.DataFrame, mean: pd.Series, rows: np.ndarray
) -> pd.Series:
    y, p = (table.iloc[rows].reset_index(drop=True) for table in (truth, prediction))
    return summarise(score_per_gene(y, p, mean), y, p, mean)
