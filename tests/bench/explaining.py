"""Measure what explaining takes: `python -m tests.bench.explaining FOLDER MB`, a fresh process."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch

from lembas import checkpoint
from lembas.attribution import explain
from lembas.batches import Scale
from lembas.model import LembasRNN
from lembas.training import LembasRegressor
from tests.bench.memory import own_memory_mb

if TYPE_CHECKING:
    from tests.bench.problem import Problem

ALLOWED_MB = (64, 256, 1024, 4096)
N_SAMPLES, N_BACKGROUND, N_DRAWS = 262, 50, 25
# Linux sets the peak of a process back to what it holds when this is written.
_PEAK = Path("/proc/self/clear_refs")


def explaining(
    problem: Problem, *, allowed_mb: Iterable[int] = ALLOWED_MB
) -> list[dict[str, float]]:
    """Explain one gene with more and more memory allowed, a fresh process each time.

    Args:
        problem: Sizes of the network; its first samples are explained.
        allowed_mb: Allowances, 10^6 bytes.

    Returns:
        One entry an allowance: allowed_mb, peak_mb (above the model's own) and cpu_s (processor
        time, which other work on the machine changes least); MB are 10^6 bytes.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = LembasRNN(problem.network, problem.tfs, problem.targets)
        model.prescale()
        checkpoint.save(model, folder / "model.safetensors")
        n_rows = min(N_SAMPLES + N_BACKGROUND, problem.n_samples)
        np.save(folder / "x.npy", problem.x.to_numpy()[:n_rows])
        return [_measured(folder, allowed) for allowed in allowed_mb]


def _measured(folder: Path, allowed_mb: int) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench.explaining", str(folder), str(allowed_mb)]
    found: dict[str, float] = json.loads(
        subprocess.run(command, check=True, capture_output=True, text=True).stdout
    )
    return found


def main(folder: str, allowed_mb: str) -> None:
    """Explain one gene of the model in the folder and print memory and time as JSON."""
    model = regressor(checkpoint.load(Path(folder) / "model.safetensors"))
    values = np.load(Path(folder) / "x.npy")
    x = pd.DataFrame(values, columns=model.tfs_)
    away, background = x.iloc[:-N_BACKGROUND], x.iloc[-N_BACKGROUND:]
    options: dict[str, Any] = {"mode": "random", "n_draws": N_DRAWS}
    before, _ = own_memory_mb()
    if _PEAK.exists():
        _PEAK.write_text("5", encoding="ascii")
    start = time.process_time()
    explain(model, away, background, model.genes_[:1], max_memory_mb=float(allowed_mb), **options)
    cpu_s = time.process_time() - start
    _, peak = own_memory_mb()
    entry = {"allowed_mb": float(allowed_mb), "peak_mb": peak - before, "cpu_s": cpu_s}
    sys.stdout.write(json.dumps(entry))


def regressor(network: LembasRNN) -> LembasRegressor:
    """Wrap a network so that it takes and gives log10 values as they are."""
    model = LembasRegressor()
    model.network_, model.tfs_, model.genes_ = network, network.inputs, network.outputs
    tfs, genes = torch.zeros(len(network.inputs)), torch.zeros(len(network.outputs))
    model._scale = Scale(tfs, tfs + 1, genes, genes + 1)
    return model


if __name__ == "__main__":
    main(*sys.argv[1:])
