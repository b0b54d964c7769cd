"""Time several ways of doing one thing in turns, so that drifts of the machine hit all alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Way:
    """One way of doing a task.

    Attributes:
        run: Does it once.
        share: Part of the task that one run does: its time is divided by this.
        n_runs: Runs that count.
    """

    run: Callable[[], object]
    share: float = 1.0
    n_runs: int = 3


@dataclass(frozen=True)
class Times:
    """Times of one way in seconds, for the whole task."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return float(np.median(self.seconds))

    @property
    def range(self) -> tuple[float, float]:
        return min(self.seconds), max(self.seconds)


def in_turns(ways: Mapping[str, Way]) -> dict[str, Times]:
    """Run every way in turns, the frequent ones several times a turn.

    A way with more runs than the others has them spread evenly over the turns. Ways with more
    than two runs are run once before that; the others take so long that a first time is no matter.
    """
    n_turns = min(way.n_runs for way in ways.values())
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        if way.n_runs > 2:
            way.run()
    for turn in range(n_turns):
        for name, way in ways.items():
            until = round((turn + 1) * way.n_runs / n_turns)
            while len(seconds[name]) < until:
                start = time.perf_counter()
                way.run()
                seconds[name].append((time.perf_counter() - start) / way.share)
    return {name: Times(tuple(values)) for name, values in seconds.items()}
