"""Time the predictions of fitted models."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import joblib
import pandas as pd
import torch
from sklearn.base import BaseEstimator
from threadpoolctl import threadpool_limits

from lembas.hardware import processor_name
from lembas.original import original_latency
from lembas.plotting.density import plain_number

# Two medians closer than this cannot be told apart on a machine that does other things too.
_ALIKE = 1.1


def time_batches(
    models: Mapping[str, BaseEstimator],
    X: pd.DataFrame,
    batch_sizes: Iterable[int],
    *,
    n_warm_up: int = 20,
    n_runs: int = 100,
    most_s: float = 60.0,
    threads: int = 0,
) -> pd.DataFrame:
    """Time ``predict`` of several models on batches of several sizes.

    Args:
        models: Fitted models by name.
        X: Samples to draw the batches from, with replacement, ``(sample, tf)``.
        batch_sizes: Samples of each batch, >= 1; one that is named twice is timed once.
        n_warm_up: As in :func:`time_in_turns`.
        n_runs: As in :func:`time_in_turns`.
        most_s: As in :func:`time_in_turns`, for each batch size.
        threads: As in :func:`limited_threads`.

    Returns:
        Tidy: model, batch_size, run, latency_ms.

    Raises:
        ValueError: If there is no model, no sample, no run, or a batch of no sample, or there are
            fewer processors than threads.
    """
    sizes = list(dict.fromkeys(batch_sizes))
    if X.empty or n_runs < 1 or not sizes or min(sizes) < 1:
        raise ValueError(
            f"cannot time {n_runs} runs of batches of {sizes} drawn from {len(X)} samples; each "
            "must be at least 1"
        )
    if not models:
        raise ValueError("no model to time; name at least one that was fitted in this run")
    tables = []
    with limited_threads(threads, models.values()):
        for size in sizes:
            batch = draw_batch(X, size)
            calls = {name: partial(model.predict, batch) for name, model in models.items()}
            timed = time_in_turns(calls, n_warm_up=n_warm_up, n_runs=n_runs, most_s=most_s)
            timed.insert(1, "batch_size", size)
            tables.append(timed.rename(columns={"call": "model"}))
    return pd.concat(tables, ignore_index=True)


def draw_batch(X: pd.DataFrame, n_samples: int) -> pd.DataFrame:
    """Draw samples with replacement, the same ones each time."""
    return X.sample(n_samples, replace=True, random_state=0)


def time_in_turns(
    calls: Mapping[str, Callable[[], object]], *, n_warm_up: int, n_runs: int, most_s: float
) -> pd.DataFrame:
    """Time several functions in turn, so that drifts of the machine hit all alike.

    Args:
        calls: What to call, by name.
        n_warm_up: Calls of each before the first that counts, >= 0.
        n_runs: Calls of each that count, >= 1.
        most_s: Stop calling a function once its counted calls took this long; it then has fewer
            runs. Its warm-up ends as soon.

    Returns:
        Tidy: call, run, latency_ms.
    """
    for call in calls.values():
        _warm_up(call, n_warm_up, most_s)
    rows, spent_s = [], dict.fromkeys(calls, 0.0)
    for run in range(n_runs):
        for name, call in calls.items():
            if spent_s[name] > most_s:
                continue
            latency_s = _time_once(call)
            spent_s[name] += latency_s
            rows.append((name, run, 1e3 * latency_s))
    return pd.DataFrame(rows, columns=["call", "run", "latency_ms"])


@contextmanager
def limited_threads(threads: int = 0, models: Iterable[BaseEstimator] = ()) -> Iterator[int]:
    """Let every library, and models that start threads of their own, use equally many.

    Args:
        threads: Threads; 0: those that this process was given (``OMP_NUM_THREADS``, or one a
            processor).
        models: Models whose setting ``n_jobs``, where they have one, is set as well.

    Yields:
        The number of threads; everything is as before afterwards.

    Raises:
        ValueError: If there are fewer processors than threads.
    """
    n_processors, before = joblib.cpu_count(), torch.get_num_threads()
    if not 0 <= threads <= n_processors:
        raise ValueError(
            f"threads is {threads}, and {n_processors} processor(s) may be used here; choose 1 to "
            f"{n_processors}, or 0 for those that were given (a chapter gets those of `threads` "
            "in the profile)"
        )
    chosen = threads or before
    jobs = [(model, model.n_jobs) for model in models if hasattr(model, "n_jobs")]
    with threadpool_limits(chosen):
        try:
            torch.set_num_threads(chosen)
            for model, _ in jobs:
                model.n_jobs = chosen
            yield chosen
        finally:
            torch.set_num_threads(before)
            for model, n_jobs in jobs:
                model.n_jobs = n_jobs


def summarise_latency(timings: pd.DataFrame) -> pd.DataFrame:
    """Summarise timings by model and batch.

    Args:
        timings: Result of :func:`time_batches`.

    Returns:
        Tidy: model, batch_size, n_runs, median_ms, min_ms, max_ms, p95_ms, p99_ms, mean_ms,
        sd_ms (NaN for one run), samples_per_s (batch over the median).
    """
    latency = timings.groupby(["model", "batch_size"], sort=False)["latency_ms"]
    table = latency.agg(
        n_runs="size",
        median_ms="median",
        min_ms="min",
        max_ms="max",
        p95_ms=lambda values: values.quantile(0.95),
        p99_ms=lambda values: values.quantile(0.99),
        mean_ms="mean",
        sd_ms="std",
    ).reset_index()
    return table.assign(samples_per_s=1e3 * table["batch_size"] / table["median_ms"])


def _warm_up(call: Callable[[], object], n_calls: int, most_s: float) -> None:
    spent_s = 0.0
    for _ in range(n_calls):
        spent_s += _time_once(call)
        if spent_s > most_s:
            return


def _time_once(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


@dataclass(frozen=True)
class Machine:
    """Say what the times were measured on.

    Attributes:
        processor: Name of the processor.
        n_processors: Processors that this process may use.
        threads: Threads that the numerical libraries use.
    """

    processor: str
    n_processors: int
    threads: int


def machine(threads: int = 0) -> Machine:
    """Describe this machine.

    Args:
        threads: As in :func:`limited_threads`.
    """
    name = processor_name()
    with limited_threads(threads) as chosen:
        return Machine(processor=name, n_processors=joblib.cpu_count(), threads=chosen)


def latency_table(summary: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    """Lay out latencies for a reader, as text: one row a model and batch.

    Args:
        summary: Result of :func:`summarise_latency`.
        labels: Model to label.
    """
    columns = ["median_ms", "min_ms", "max_ms", "p95_ms", "p99_ms", "mean_ms", "sd_ms"]
    shown = summary[[*columns, "samples_per_s"]].map(plain_number)
    # One run has no SD.
    spread = (" ± " + shown["sd_ms"]).where(summary["sd_ms"].notna(), "")
    return pd.DataFrame(
        {
            "Model": summary["model"].map(lambda name: labels.get(name, name)),
            "Batch": summary["batch_size"],
            "Runs": summary["n_runs"],
            "Median (ms)": shown["median_ms"],
            "Range (ms)": shown["min_ms"] + " to " + shown["max_ms"],
            "p95 / p99 (ms)": shown["p95_ms"] + " / " + shown["p99_ms"],
            "Mean ± SD (ms)": shown["mean_ms"] + spread,
            "Samples/s": shown["samples_per_s"],
        }
    )


def original_table() -> pd.DataFrame:
    """Lay out the original study's latencies for a reader, digit by digit as it printed them."""
    table = original_latency()
    names = {"mlr": "MLR", "xgbrf": "XGBRF", "lembas_published": "LEMBAS-RNN"}
    return pd.DataFrame(
        {
            "Model": table["model"].map(names),
            "One sample (ms)": table["latency_ms"].map("{:,}".format),
            "Samples/s at 262": table["samples_per_s"].map("{:,}".format),
        }
    )


def latency_sentence(summary: pd.DataFrame, labels: Mapping[str, str]) -> str:
    """Say which model predicts one sample fastest, and which slowest.

    Args:
        summary: Result of :func:`summarise_latency`, with batches of one sample.
        labels: Model to label.
    """
    median = _of_batch(summary, 1, "median_ms").sort_values(kind="stable")
    told = [f"{plain_number(ms)} ms with {labels.get(name, name)}" for name, ms in median.items()]
    ratio = median.iloc[-1] / median.iloc[0]
    if len(told) == 1:
        return f"One sample takes {told[0]} in the median."
    if ratio < _ALIKE:
        return f"One sample takes about as long with every model: {', '.join(told)} (medians)."
    between = f" Between them: {', '.join(told[1:-1])}." if told[1:-1] else ""
    return (
        f"One sample takes {told[0]} in the median, the least, and {told[-1]}, the most: "
        f"{plain_number(ratio)} times as long.{between}"
    )


def throughput_sentence(summary: pd.DataFrame, batch_size: int, labels: Mapping[str, str]) -> str:
    """Say which model predicts most samples a second in batches, and which fewest.

    Args:
        summary: Result of :func:`summarise_latency`.
        batch_size: Samples a batch.
        labels: Model to label.
    """
    rate = _of_batch(summary, batch_size, "samples_per_s").sort_values(kind="stable")
    gain = rate / _of_batch(summary, 1, "samples_per_s")
    told = [
        f"{labels.get(name, name)} predicts {plain_number(rate[name])} samples a second "
        f"({plain_number(gain[name])} times as many as one at a time)"
        for name in (rate.index[-1], rate.index[0])
    ]
    start = f"In batches of {batch_size:,}, {told[0]}"
    return f"{start}." if len(rate) == 1 else f"{start}, the most; {told[1]}, the fewest."


def noise_sentence(summary: pd.DataFrame, labels: Mapping[str, str]) -> str:
    """Say how far the slowest single run lies from its median.

    Args:
        summary: Result of :func:`summarise_latency`.
        labels: Model to label.
    """
    ratio = summary["max_ms"] / summary["median_ms"]
    row = summary.loc[ratio.idxmax()]
    return (
        f"The run farthest from its median took {plain_number(ratio.max())} times as long "
        f"({labels.get(row['model'], row['model'])}, {row['batch_size']:,} at a time)."
    )


def _of_batch(summary: pd.DataFrame, batch_size: int, column: str) -> pd.Series:
    rows = summary[summary["batch_size"] == batch_size]
    return rows.set_index("model")[column]
