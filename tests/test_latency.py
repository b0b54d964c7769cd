"""Timing with a clock that the tests set, and tables computed by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lembas import latency
from lembas.latency import (
    latency_table,
    machine,
    original_table,
    summarise_latency,
    time_predictions,
)
from lembas.original import original_latency, original_scores


class Clock:
    """A clock that stands still unless a model is at work."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def perf_counter(self) -> float:
        return self.now_s


class Slow:
    """A model whose predictions take a known time each, and that logs its calls."""

    def __init__(self, clock: Clock, seconds: list[float], log: list[str], name: str) -> None:
        self.clock, self.seconds, self.log, self.name = clock, seconds, log, name

    def predict(self, X: pd.DataFrame) -> pd.DataFrame:
        self.clock.now_s += self.seconds[min(self.log.count(self.name), len(self.seconds) - 1)]
        self.log.append(self.name)
        return X


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(latency, "time", clock)
    return clock


SAMPLES = pd.DataFrame(np.ones((4, 2)), columns=["T0", "T1"])


def test_models_take_turns_after_their_warm_up(clock: Clock) -> None:
    log: list[str] = []
    models = {name: Slow(clock, [1.0], log, name) for name in ("a", "b")}
    table = time_predictions(models, SAMPLES, n_warm_up=2, n_runs=3)
    assert "".join(log) == "aabb" + "ab" * 3
    assert list(table.columns) == ["model", "batch_size", "run", "latency_ms"]
    assert table["run"].tolist() == [0, 0, 1, 1, 2, 2]
    assert (table["batch_size"] == 4).all()
    assert (table["latency_ms"] == 1000).all()


def test_warm_up_calls_do_not_count(clock: Clock) -> None:
    log: list[str] = []
    models = {"a": Slow(clock, [9.0, 9.0, 0.5], log, "a")}
    table = time_predictions(models, SAMPLES, n_warm_up=2, n_runs=2)
    assert table["latency_ms"].tolist() == [500, 500]


def test_a_slow_model_has_fewer_runs_and_the_others_have_all(clock: Clock) -> None:
    """40 s a call and 60 s at most: the second call ends at 80 s, and there is no third."""
    log: list[str] = []
    models = {"slow": Slow(clock, [40.0], log, "slow"), "fast": Slow(clock, [0.1], log, "fast")}
    table = time_predictions(models, SAMPLES, n_warm_up=5, n_runs=6, most_s=60)
    assert log.count("slow") == 2 + 2, "the warm-up stops as soon"
    assert table["model"].value_counts().to_dict() == {"fast": 6, "slow": 2}


@pytest.mark.parametrize(("rows", "n_runs"), [(0, 3), (4, 0)])
def test_nothing_to_time_is_refused(rows: int, n_runs: int) -> None:
    with pytest.raises(ValueError, match=rf"cannot time {n_runs} runs of {rows} samples"):
        time_predictions({}, SAMPLES.iloc[:rows], n_runs=n_runs)


def test_the_summary_by_hand() -> None:
    """Latencies 1, 2, 3, 4 and 10 ms for two samples: median 3 ms, so 2 / .003 s."""
    timings = pd.DataFrame(
        {"model": "a", "batch_size": 2, "run": range(5), "latency_ms": [4.0, 1.0, 10.0, 3.0, 2.0]}
    )
    row = summarise_latency(timings).iloc[0]
    assert row["n_runs"] == 5
    assert row["mean_ms"] == pytest.approx(4)
    assert row["sd_ms"] == pytest.approx(np.sqrt((9 + 4 + 1 + 0 + 36) / 4))
    assert row["median_ms"] == pytest.approx(3)
    # Position .95 x 4 = 3.8 of the sorted latencies: 4 + .8 x 6.
    assert row["p95_ms"] == pytest.approx(8.8)
    assert row["p99_ms"] == pytest.approx(9.76)
    assert row["samples_per_s"] == pytest.approx(2 / 0.003)


def test_tables_for_a_reader() -> None:
    timings = pd.DataFrame(
        {
            "model": ["b", "a", "b", "a"],
            "batch_size": 1,
            "run": [0, 0, 1, 1],
            "latency_ms": [1.0, 2.0, 3.0, 4.0],
        }
    )
    table = latency_table(summarise_latency(timings), {"a": 1.5}, {"a": "Model A"})
    assert table["Model"].tolist() == ["b", "Model A"], "in the order they were timed"
    assert table["Runs"].tolist() == [2, 2]
    assert table["Median (ms)"].tolist() == [2, 3]
    assert table["Size (MB)"].isna().tolist() == [True, False]


def test_the_machine_is_described() -> None:
    found = machine()
    assert found.processor
    assert found.threads >= 1


def test_the_original_numbers_are_those_it_printed() -> None:
    """BENCHMARK.md section 1 lists them."""
    table = original_table({"mlr": "MLR"})
    assert table["Model"].tolist() == ["MLR", "xgbrf", "lembas_published"]
    assert original_latency().set_index("model").loc["mlr", "latency_ms"] == 4.801
    scores = original_scores()
    assert not scores.duplicated(["model", "cohort", "metric"]).any()
    at = scores.set_index(["model", "cohort", "metric"])["value"]
    assert at["mlr", "external", "r2_pooled"] == 0.9528
    assert at["lembas_published", "test", "rmse_pooled"] == 0.3472
