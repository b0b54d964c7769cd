"""Measure how much memory it takes to load a model and to predict, in a process of its own."""

from __future__ import annotations

import importlib
import resource
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import pandas as pd
from sklearn.base import BaseEstimator

from lembas.plotting.density import plain_number

_STATUS = Path("/proc/self/status")
# Processes that are measured at the same time; each holds a model.
AT_ONCE = 2


def peak_memory(
    models: Mapping[str, BaseEstimator],
    load: Callable[[str], BaseEstimator],
    batches: Sequence[pd.DataFrame],
) -> pd.DataFrame:
    """Measure the peak memory of loading each model and predicting, a fresh process a model.

    The process imports what the model needs and notes its peak: what a process that only imports
    would have. Then it loads the model and predicts the batches one after another.

    Args:
        models: Fitted models by name; they only tell what has to be imported.
        load: Loads a model by name; a function that another process can import.
        batches: Samples to predict, ``(sample, tf)``, the smallest batch first.

    Returns:
        Tidy: model, batch_size, imports_mb (peak after the imports), peak_mb (peak once the batch
        was predicted, above that); MB are 10^6 bytes.

    Raises:
        MemoryError: If the operating system ended a process.
    """
    measure = partial(_in_own_process, load=load, batches=batches)
    # Most of the time goes into imports; processes do not share what is measured.
    with ThreadPoolExecutor(AT_ONCE) as threads:
        found = list(threads.map(measure, models, models.values()))
    rows = [
        (name, len(batch), imported / 1e6, (peak - imported) / 1e6)
        for name, (imported, *peaks) in zip(models, found, strict=True)
        for batch, peak in zip(batches, peaks, strict=True)
    ]
    return pd.DataFrame(rows, columns=["model", "batch_size", "imports_mb", "peak_mb"])


def model_facts(
    models: Mapping[str, BaseEstimator], X: pd.DataFrame, sizes_mb: Mapping[str, float]
) -> pd.DataFrame:
    """Say how many genes each model predicts, in which number type, and its size on disk.

    Args:
        models: Fitted models by name.
        X: A sample to predict, ``(sample, tf)``.
        sizes_mb: Size of each model on disk, 10^6 bytes.

    Returns:
        One row a model: n_genes, number_type (of what ``predict`` returns), size_mb.
    """
    predictions = {name: model.predict(X).to_numpy() for name, model in models.items()}
    rows = {
        name: (values.shape[1], str(values.dtype), sizes_mb[name])
        for name, values in predictions.items()
    }
    return pd.DataFrame.from_dict(rows, "index", columns=["n_genes", "number_type", "size_mb"])


def memory_table(
    memory: pd.DataFrame, facts: pd.DataFrame, labels: Mapping[str, str]
) -> pd.DataFrame:
    """Lay out what each model is and how much memory it takes: one row a model.

    Args:
        memory: Result of :func:`peak_memory`.
        facts: Result of :func:`model_facts` for the same models.
        labels: Model to label.
    """
    peaks = memory.pivot_table(index="model", columns="batch_size", values="peak_mb", sort=False)
    names = {size: f"Load + {size:,} (MB)" for size in peaks.columns}
    imports = memory.groupby("model")["imports_mb"].first().rename("Imports (MB)")
    words = {"n_genes": "Genes", "number_type": "Numbers", "size_mb": "On disk (MB)"}
    table = facts.rename(columns=words).join(imports).join(peaks.rename(columns=names))
    table.insert(0, "Model", [labels.get(name, name) for name in table.index])
    return table.reset_index(drop=True)


def memory_sentence(memory: pd.DataFrame, labels: Mapping[str, str]) -> str:
    """Say which model takes the least and which the most memory for the largest batch.

    Args:
        memory: Result of :func:`peak_memory`.
        labels: Model to label.
    """
    size = memory["batch_size"].max()
    rows = memory[memory["batch_size"] == size].set_index("model")
    peak = rows["peak_mb"].sort_values(kind="stable")
    imports = plain_number(rows["imports_mb"].median())
    told = [
        f"{plain_number(round(peak[name]))} MB ({labels.get(name, name)})"
        for name in (peak.index[0], peak.index[-1])
    ]
    span = told[0] if len(peak) == 1 else f"{told[0]} to {told[1]}"
    return (
        f"Loading a model and predicting {size:,} samples takes {span} above the {imports} MB "
        "that the imported libraries take."
    )


def _in_own_process(
    name: str,
    model: BaseEstimator,
    *,
    load: Callable[[str], BaseEstimator],
    batches: Sequence[pd.DataFrame],
) -> list[int]:
    """Call :func:`_peaks` in a new process."""
    modules = {type(value).__module__ for value in (model, *vars(model).values())}
    # Spawned, not forked: a fork would start with the memory of this process.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        try:
            return pool.submit(_peaks, name, load, batches, modules).result()
        except BrokenProcessPool as error:
            raise MemoryError(
                f"the process that loaded {name!r} was ended from outside, most likely for "
                "want of memory; time fewer models, or smaller batches"
            ) from error


def _peaks(
    name: str,
    load: Callable[[str], BaseEstimator],
    batches: Iterable[pd.DataFrame],
    modules: Iterable[str],
) -> list[int]:
    """Peak memory, bytes: after the imports, and after each batch."""
    for module in modules:
        importlib.import_module(module)
    peaks = [_peak_bytes()]
    model = load(name)
    for batch in batches:
        model.predict(batch)
        peaks.append(_peak_bytes())
    return peaks


def _peak_bytes() -> int:
    """Peak resident memory of this process so far."""
    if _STATUS.is_file():
        # On Linux, getrusage would start from the peak of the process that started this one.
        lines = _STATUS.read_text(encoding="ascii").splitlines()
        (line,) = [line for line in lines if line.startswith("VmHWM:")]
        return 1024 * int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS
