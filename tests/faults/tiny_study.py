"""The tiny study's own module: data, and a fit in batches that keeps its progress.

The project that faults are injected into has it as ``lembas/tiny.py``; all else it takes from the
real package.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lembas.atomic import write_atomically
from lembas.unfinished import Unfinished, fingerprint

N_BATCHES = 4
GENES = 4
# So much memory a batch asks for, for the time of its fit.
NUMBERS = 8_000_000


def make_data(run_dir: str, seed: int) -> None:
    """Draw 40 samples of 8 TFs and 16 genes."""
    rng = np.random.default_rng(seed)
    tfs = rng.normal(size=(40, 8))
    genes = tfs @ rng.normal(size=(8, N_BATCHES * GENES)) + rng.normal(size=(40, N_BATCHES * GENES))
    names = [f"TF{i}" for i in range(8)] + [f"G{i}" for i in range(N_BATCHES * GENES)]
    table = pd.DataFrame(np.hstack([tfs, genes]), columns=names)
    _write(Path(run_dir, "tables/data.parquet"), table)
    _write(Path(run_dir, "tables/genes.parquet"), table.describe().T.reset_index())


def fit(run_dir: str) -> None:
    """Make the batches that are missing, and gather all of them."""
    parts = kept_batches(run_dir, range(N_BATCHES))
    weights = np.hstack(parts)
    data = pd.read_parquet(Path(run_dir, "tables/data.parquet"))
    model = Path(run_dir, "models/x/weights.npz")
    write_atomically(model, lambda part: np.savez(part, weights=weights))
    predicted = pd.DataFrame(data.filter(like="TF").to_numpy() @ weights).rename(columns=str)
    _write(model.with_name("prediction.parquet"), predicted)
    _write(Path(run_dir, "tables/models.parquet"), pd.DataFrame({"model": ["x"]}))
    shutil.rmtree(Path(run_dir, "unfinished/x"), ignore_errors=True)


def share(run: Any, parameters: Any, share: Any) -> int:
    """Make a share of the batches in advance."""
    return len(kept_batches(run.folder, share.take(list(range(N_BATCHES)))))


def kept_batches(run_dir: str | Path, numbers: Iterable[int]) -> list[np.ndarray]:
    """Read the batches that are kept; make and keep the others."""
    data = pd.read_parquet(Path(run_dir, "tables/data.parquet"))
    kept = Unfinished.open(Path(run_dir, "unfinished/x"), fingerprint(data))
    parts = []
    for number in numbers:
        path = kept.path(f"batch_{number}.npz")
        if not path.is_file():
            _keep(path, _weights(data, number))
        with np.load(path) as arrays:
            parts.append(arrays["weights"])
    return parts


def _keep(path: Path, weights: np.ndarray) -> None:
    write_atomically(path, lambda part: np.savez(part, weights=weights))


def _weights(data: pd.DataFrame, number: int) -> np.ndarray:
    """Fit a batch of genes, with far more memory than that needs."""
    room = np.zeros(NUMBERS)
    genes = [f"G{i}" for i in range(number * GENES, (number + 1) * GENES)]
    found = np.linalg.lstsq(data.filter(like="TF").to_numpy(), data[genes].to_numpy(), rcond=None)
    return found[0] + room[: found[0].size].reshape(found[0].shape)


def _write(path: Path, table: pd.DataFrame) -> None:
    write_atomically(path, lambda part: table.to_parquet(part, index=False))
