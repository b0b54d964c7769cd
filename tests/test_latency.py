"""Timing with a clock that the tests set, and tables computed by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from lembas import latency, original
from lembas.latency import (
    draw_batch,
    latency_sentence,
    latency_table,
    limited_threads,
    machine,
    noise_sentence,
    original_table,
    summarise_latency,
    throughput_sentence,
    time_batches,
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
    table = time_batches(models, SAMPLES, [3], n_warm_up=2, n_runs=3)
    assert "".join(log) == "aabb" + "ab" * 3
    assert list(table.columns) == ["model", "batch_size", "run", "latency_ms"]
    assert table["run"].tolist() == [0, 0, 1, 1, 2, 2]
    assert (table["batch_size"] == 3).all()
    assert (table["latency_ms"] == 1000).all()


def test_each_batch_size_is_timed_once(clock: Clock) -> None:
    models = {"a": Slow(clock, [1.0], [], "a")}
    table = time_batches(models, SAMPLES, [1, 9, 1], n_warm_up=0, n_runs=2)
    assert table["batch_size"].tolist() == [1, 1, 9, 9]


def test_a_batch_is_drawn_from_the_samples_and_always_the_same() -> None:
    samples = pd.DataFrame(np.arange(8.0).reshape(4, 2), index=list("abcd"))
    batch = draw_batch(samples, 50)
    assert set(batch.index) <= set(samples.index)
    pd.testing.assert_frame_equal(batch, samples.loc[batch.index])
    pd.testing.assert_frame_equal(batch, draw_batch(samples, 50))


def test_warm_up_calls_do_not_count(clock: Clock) -> None:
    log: list[str] = []
    models = {"a": Slow(clock, [9.0, 9.0, 0.5], log, "a")}
    table = time_batches(models, SAMPLES, [4], n_warm_up=2, n_runs=2)
    assert table["latency_ms"].tolist() == [500, 500]


def test_a_slow_model_has_fewer_runs_and_the_others_have_all(clock: Clock) -> None:
    """40 s a call and 60 s at most: the second call ends at 80 s, and there is no third."""
    log: list[str] = []
    models = {"slow": Slow(clock, [40.0], log, "slow"), "fast": Slow(clock, [0.1], log, "fast")}
    table = time_batches(models, SAMPLES, [4], n_warm_up=5, n_runs=6, most_s=60)
    assert log.count("slow") == 2 + 2, "the warm-up stops as soon"
    assert table["model"].value_counts().to_dict() == {"fast": 6, "slow": 2}


@pytest.mark.parametrize(
    ("rows", "n_runs", "sizes"), [(0, 3, [1]), (4, 0, [1]), (4, 3, []), (4, 3, [5, 0])]
)
def test_nothing_to_time_is_refused(rows: int, n_runs: int, sizes: list[int]) -> None:
    models = {"a": Slow(Clock(), [1.0], [], "a")}
    told = rf"cannot time {n_runs} runs of batches of {re.escape(str(sizes))} .* {rows} samples"
    with pytest.raises(ValueError, match=told):
        time_batches(models, SAMPLES.iloc[:rows], sizes, n_runs=n_runs)


def test_no_model_is_refused() -> None:
    with pytest.raises(ValueError, match="no model to time; name at least one"):
        time_batches({}, SAMPLES, [1])


class Threaded:
    """A model with threads of its own."""

    n_jobs = -1


@pytest.fixture
def two_threads() -> Iterator[None]:
    """Give all libraries two threads, whatever the machine has."""
    before = torch.get_num_threads()
    with threadpool_limits(2):
        torch.set_num_threads(2)
        yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
def test_threads_are_the_same_for_all_and_as_before_afterwards() -> None:
    model, before = Threaded(), torch.__config__.parallel_info()
    with limited_threads(1, [model, object()]) as chosen:
        assert chosen == torch.get_num_threads() == model.n_jobs == 1
        assert {library["num_threads"] for library in threadpool_info()} == {1}
    assert (torch.__config__.parallel_info(), model.n_jobs) == (before, -1)
    with pytest.raises(KeyError), limited_threads(1, [model]):
        raise KeyError
    assert (torch.__config__.parallel_info(), model.n_jobs) == (before, -1)
    assert {library["num_threads"] for library in threadpool_info()} == {2}


def test_zero_means_the_threads_that_were_given() -> None:
    model = Threaded()
    with limited_threads(0, [model]) as chosen:
        assert chosen == torch.get_num_threads() == model.n_jobs


@pytest.mark.parametrize("threads", [-1, joblib.cpu_count() + 1])
def test_more_threads_than_processors_are_refused(threads: int) -> None:
    told = rf"threads is {threads}, and {joblib.cpu_count()} processor\(s\) .* choose 1 to"
    with pytest.raises(ValueError, match=told), limited_threads(threads):
        pass
    with pytest.raises(ValueError, match=told):
        time_batches({"a": Slow(Clock(), [1.0], [], "a")}, SAMPLES, [1], threads=threads)


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
    assert (row["min_ms"], row["max_ms"]) == (1, 10)
    # Position .95 x 4 = 3.8 of the sorted latencies: 4 + .8 x 6.
    assert row["p95_ms"] == pytest.approx(8.8)
    assert row["p99_ms"] == pytest.approx(9.76)
    assert row["samples_per_s"] == pytest.approx(2 / 0.003)


LABELS = {"a": "Model A", "b": "Model B", "c": "Model C"}


def summary_of(medians: dict[str, dict[int, float]], worst: float = 2.0) -> pd.DataFrame:
    """Summarise three runs a model and batch: the median, as much again, and the worst."""
    rows = [
        (model, size, ms * factor)
        for model, by_size in medians.items()
        for size, ms in by_size.items()
        for factor in (1.0, 1.0, worst)
    ]
    return summarise_latency(pd.DataFrame(rows, columns=["model", "batch_size", "latency_ms"]))


def test_the_table_for_a_reader() -> None:
    summary = summary_of({"b": {1: 0.25}, "x": {10: 3000.0}})
    table = latency_table(summary, LABELS)
    # By hand: .25, .25 and .5 ms; mean 1/3 ms, SD .1443 ms; p95 and p99 at 1.9 and 1.98 of 0 to 2.
    assert table.iloc[0].to_dict() == {
        "Model": "Model B",
        "Batch": 1,
        "Runs": 3,
        "Median (ms)": "0.25",
        "Range (ms)": "0.25 to 0.5",
        "p95 / p99 (ms)": "0.475 / 0.495",
        "Mean ± SD (ms)": "0.333 ± 0.144",
        "Samples/s": "4,000",
    }
    assert table["Model"].tolist() == ["Model B", "x"], "in the order they were timed"
    assert table["Median (ms)"].tolist() == ["0.25", "3,000"]
    alone = latency_table(summary.head(1).assign(sd_ms=np.nan), LABELS)
    assert alone["Mean ± SD (ms)"].tolist() == ["0.333"]


def test_sentences_name_the_ends_whatever_the_numbers() -> None:
    summary = summary_of({"a": {1: 2.0, 10: 4.0}, "b": {1: 0.5, 10: 2.5}, "c": {1: 1.0, 10: 5.0}})
    assert latency_sentence(summary, LABELS) == (
        "One sample takes 0.5 ms with Model B in the median, the least, and 2 ms with Model A, the "
        "most: 4 times as long. Between them: 1 ms with Model C."
    )
    # 10 samples in 2.5 ms are 4,000 a second, against 2,000 one at a time.
    assert throughput_sentence(summary, 10, LABELS) == (
        "In batches of 10, Model B predicts 4,000 samples a second (2 times as many as one at a "
        "time), the most; Model C predicts 2,000 samples a second (2 times as many as one at a "
        "time), the fewest."
    )


def test_sentences_of_one_model_and_of_models_alike() -> None:
    one = summary_of({"a": {1: 2.0, 10: 4.0}})
    assert latency_sentence(one, {}) == "One sample takes 2 ms with a in the median."
    assert throughput_sentence(one, 10, LABELS).endswith("as many as one at a time).")
    alike = latency_sentence(summary_of({"a": {1: 2.0}, "b": {1: 2.1}}), LABELS)
    assert alike == (
        "One sample takes about as long with every model: 2 ms with Model A, 2.1 ms with Model B "
        "(medians)."
    )


def test_the_worst_run_is_told() -> None:
    quiet, noisy = summary_of({"a": {1: 2.0}}, worst=1.5), summary_of({"b": {262: 1.0}}, worst=7.0)
    assert noise_sentence(pd.concat([quiet, noisy], ignore_index=True), LABELS) == (
        "The run farthest from its median took 7 times as long (Model B, 262 at a time)."
    )


def test_the_machine_is_described() -> None:
    found = machine()
    assert found.processor
    assert machine(1).threads == 1 <= found.threads
    assert found.n_processors == joblib.cpu_count()


def test_the_original_numbers_are_those_it_printed() -> None:
    """BENCHMARK.md section 1 lists them."""
    table = original_table()
    assert table.to_dict("list") == {
        "Model": ["MLR", "XGBRF", "LEMBAS-RNN"],
        "One sample (ms)": ["4.801", "4,564.857", "9,415.526"],
        "Samples/s at 262": ["587.8", "40.5", "7.8"],
    }
    assert original.N_GENES == 16_100
    assert original_latency().set_index("model").loc["mlr", "latency_ms"] == 4.801
    scores = original_scores()
    assert not scores.duplicated(["model", "cohort", "metric"]).any()
    at = scores.set_index(["model", "cohort", "metric"])["value"]
    assert at["mlr", "external", "r2_pooled"] == 0.9528
    assert at["lembas_published", "test", "rmse_pooled"] == 0.3472
