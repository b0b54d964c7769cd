"""Measure the peak memory of a task in a fresh process: `python -m tests.bench.memory TASK FOLDER`.

The module imports no more than its tasks need: what it imports counts.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch

from lembas import checkpoint
from lembas.network import Network

if TYPE_CHECKING:
    from tests.bench.problem import Problem

TASKS = {
    "imports": "imports alone",
    "predict": "RNN: load, predict 1 and 262 samples",
    "train": "RNN: one training epoch, data included",
}


def rnn_memory(problem: Problem) -> dict[str, float]:
    """Measure what a model of this size needs; 10^6 bytes by task."""
    from lembas.model import LembasRNN

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = LembasRNN(problem.network, problem.tfs, problem.targets)
        checkpoint.save(model, folder / "model.safetensors")
        for table, file in ((problem.x, "x"), (problem.y, "y")):
            np.save(folder / f"{file}.npy", table.to_numpy())
            table.columns.to_frame().to_parquet(folder / f"{file}.parquet")
        problem.network.edges.to_parquet(folder / "edges.parquet")
        return {what: _peak_mb(task, folder) for task, what in TASKS.items()}


def _peak_mb(task: str, folder: Path) -> float:
    command = [sys.executable, "-m", "tests.bench.memory", task, str(folder)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def predict(folder: Path) -> None:
    """Load a model and predict a few samples."""
    model = checkpoint.load(folder / "model.safetensors")
    x = np.load(folder / "x.npy", mmap_mode="r")[:262]
    with torch.no_grad():
        for n in (1, len(x)):
            model(torch.from_numpy(x[:n].copy()))


def train(folder: Path) -> None:
    """Train one epoch on a matrix mapped from its file."""
    from lembas.training import LembasRegressor

    x, y = (_table(folder, name) for name in ("x", "y"))
    network = Network.from_edges(pd.read_parquet(folder / "edges.parquet"))
    settings = {"epochs": 1, "batch_size": 128, "validation_fraction": 0.0}
    LembasRegressor(network, settings=settings).fit(x, y)


def _table(folder: Path, name: str) -> pd.DataFrame:
    values = np.load(folder / f"{name}.npy", mmap_mode="r")
    columns = pd.read_parquet(folder / f"{name}.parquet").iloc[:, 0]
    return pd.DataFrame(values, columns=columns.to_numpy(), copy=False)


def main(task: str, folder: str) -> None:
    """Do one task and print the peak memory in 10^6 bytes."""
    {"imports": lambda _: None, "predict": predict, "train": train}[task](Path(folder))
    sys.stdout.write(str(own_memory_mb()[1]))


def own_memory_mb() -> tuple[float, float]:
    """Return what this process holds and the most that it held, 10^6 bytes."""
    status = Path("/proc/self/status")
    if status.is_file():  # getrusage would count the parent's pages, from before this program
        lines = dict(line.split(":", 1) for line in status.read_text("utf-8").splitlines())
        now, peak = (int(lines[name].split()[0]) * 1024 / 1e6 for name in ("VmRSS", "VmHWM"))
        return now, peak
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # macOS counts bytes
    return peak, peak


if __name__ == "__main__":
    main(*sys.argv[1:])
