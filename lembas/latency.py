"""Time the predictions of fitted models."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch
from sklearn.base import BaseEstimator

from lembas.original import original_latency


def time_predictions(
    models: Mapping[str, BaseEstimator],
    X: pd.DataFrame,
    *,
    n_warm_up: int = 20,
    n_runs: int = 100,
    most_s: float = 60.0,
) -> pd.DataFrame:
    """Time ``predict`` of several models in turn, so that drifts of the machine hit all alike.

    Args:
        models: Fitted models by name.
        X: Samples to predict in one call, ``(sample, tf)``.
        n_warm_up: Calls before the first that counts, >= 0.
        n_runs: Calls that count, >= 1.
        most_s: Stop timing a model once its counted calls took this long; it then has fewer
            runs, and the table shows how many.

    Returns:
        Tidy: model, batch_size, run, latency_ms.

    Raises:
        ValueError: If there is no sample or no run.
    """
    if X.empty or n_runs < 1:
        raise ValueError(f"cannot time {n_runs} runs of {len(X)} samples; each must be at least 1")
    for model in models.values():
        _warm_up(model, X, n_warm_up, most_s)
    rows, spent = [], dict.fromkeys(models, 0.0)
    for run in range(n_runs):
        for name, model in models.items():
            if spent[name] > most_s:
                continue
            latency_s = _time_once(model, X)
            spent[name] += latency_s
            rows.append((name, len(X), run, 1e3 * latency_s))
    return pd.DataFrame(rows, columns=["model", "batch_size", "run", "latency_ms"])


def summarise_latency(timings: pd.DataFrame) -> pd.DataFrame:
    """Summarise timings by model and batch.

    Args:
        timings: Result of :func:`time_predictions`.

    Returns:
        Tidy: model, batch_size, n_runs, mean_ms, sd_ms, median_ms, p95_ms, p99_ms,
        samples_per_s (batch over the median).
    """
    latency = timings.groupby(["model", "batch_size"], sort=False)["latency_ms"]
    table = latency.agg(
        n_runs="size",
        mean_ms="mean",
        sd_ms="std",
        median_ms="median",
        p95_ms=lambda values: values.quantile(0.95),
        p99_ms=lambda values: values.quantile(0.99),
    ).reset_index()
    return table.assign(samples_per_s=1e3 * table["batch_size"] / table["median_ms"])


def _warm_up(model: BaseEstimator, X: pd.DataFrame, n_calls: int, most_s: float) -> None:
    spent = 0.0
    for _ in range(n_calls):
        spent += _time_once(model, X)
        if spent > most_s:
            return


def _time_once(model: BaseEstimator, X: pd.DataFrame) -> float:
    start = time.perf_counter()
    model.predict(X)
    return time.perf_counter() - start


@dataclass(frozen=True)
class Machine:
    """Say what the times were measured on.

    Attributes:
        processor: Name of the processor.
        threads: Threads that the numerical libraries may use.
        dtype: Number format of the inputs.
    """

    processor: str
    threads: int
    dtype: str = "float32"


def machine() -> Machine:
    """Describe this machine."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    name = names[0] if names else platform.processor() or platform.machine()
    return Machine(processor=name, threads=torch.get_num_threads())


def latency_table(
    summary: pd.DataFrame, sizes_mb: Mapping[str, float], labels: Mapping[str, str]
) -> pd.DataFrame:
    """Lay out latencies for a reader: one row a model and batch.

    Args:
        summary: Result of :func:`summarise_latency`.
        sizes_mb: Size of each model on disk, 10^6 bytes.
        labels: Model to label.
    """
    columns = {
        "batch_size": "Batch",
        "n_runs": "Runs",
        "median_ms": "Median (ms)",
        "mean_ms": "Mean (ms)",
        "p95_ms": "p95 (ms)",
        "p99_ms": "p99 (ms)",
        "samples_per_s": "Samples/s",
    }
    table = summary[list(columns)].rename(columns=columns)
    table.insert(0, "Model", summary["model"].map(lambda name: labels.get(name, name)))
    table["Size (MB)"] = summary["model"].map(dict(sizes_mb))
    return table


def original_table(labels: Mapping[str, str]) -> pd.DataFrame:
    """Lay out the original study's latencies for a reader."""
    table = original_latency()
    return pd.DataFrame(
        {
            "Model": table["model"].map(lambda name: labels.get(name, name)),
            "One sample (ms)": table["latency_ms"],
            "Samples/s at 262": table["samples_per_s"],
        }
    )
