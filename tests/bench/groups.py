"""All tasks by group, and what makes a group small."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tests.bench.attribution_tasks import attribution_tasks
from tests.bench.interval_tasks import interval_tasks
from tests.bench.tasks import (
    Task,
    forest_tasks,
    linear_tasks,
    metric_tasks,
    reading_tasks,
    rnn_tasks,
)

TASKS: dict[str, Callable[..., Iterator[Task]]] = {
    "rnn": rnn_tasks,
    "attribution": attribution_tasks,
    "linear": linear_tasks,
    "forests": forest_tasks,
    "metrics": metric_tasks,
    "intervals": interval_tasks,
    "reading": reading_tasks,
}
# What makes a task small enough for a test.
SMALLER: dict[str, dict[str, Any]] = {
    "rnn": {"n_slow": 1},
    "attribution": {"n_slow": 1, "n_genes": 3},
    "linear": {"n_panel": 20},
    "forests": {"n_fitted": 2, "n_distinct": 10, "n_small": 60},
    "metrics": {"n_panel": 20},
    "intervals": {"n_panel": 20, "n_resamples": 50, "n_slow": 1},
    "reading": {"n_rows": 20},
}
