"""Standardise expression and shuffle it into batches, straight from one matrix."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

import numpy as np
import pandas as pd
import torch
from torch import Tensor

# Columns measured at once: a whole table in float64 would need twice its memory again.
_COLUMNS = 1024


@dataclass(frozen=True)
class Scale:
    """Hold what standardises TFs and genes; zeros and ones leave them as they are.

    Attributes:
        x_mean, x_sd: Over ``(tf,)``.
        y_mean, y_sd: Over ``(gene,)``.
    """

    x_mean: Tensor
    x_sd: Tensor
    y_mean: Tensor
    y_sd: Tensor

    @classmethod
    def of(cls, X: pd.DataFrame, Y: pd.DataFrame, *, standardise: bool) -> Scale:
        """Measure the training tables; a column that does not vary keeps its scale."""
        return cls(*_mean_and_sd(X, standardise), *_mean_and_sd(Y, standardise))

    def to(self, device: torch.device) -> Scale:
        """Move to a device."""
        return replace(
            self, **{each.name: getattr(self, each.name).to(device) for each in fields(self)}
        )


def _mean_and_sd(table: pd.DataFrame, standardise: bool) -> tuple[Tensor, Tensor]:
    if not standardise:
        return torch.zeros(table.shape[1]), torch.ones(table.shape[1])
    mean, sd = np.empty(table.shape[1]), np.empty(table.shape[1])
    for start in range(0, table.shape[1], _COLUMNS):
        part = slice(start, start + _COLUMNS)
        values = table.iloc[:, part].to_numpy(float)
        mean[part], sd[part] = values.mean(axis=0), values.std(axis=0)
        sd[part][np.ptp(values, axis=0) == 0] = 1
    return torch.from_numpy(mean.astype(np.float32)), torch.from_numpy(sd.astype(np.float32))


@dataclass(frozen=True, eq=False)
class Batches:
    """Draw batches of chosen samples from whole matrices, which may be mapped from a file.

    Attributes:
        x: Inputs ``(any sample, tf)``, float32, log10.
        y: Targets ``(any sample, gene)``, float32, log10.
        rows: Positions of the samples to draw from, ``(sample,)``.
        size: Samples a batch.
        scale: Standardises each batch.
        device: Where the batches go.
    """

    x: np.ndarray
    y: np.ndarray
    rows: np.ndarray
    size: int
    scale: Scale
    device: torch.device

    def __len__(self) -> int:
        """Count the batches of one epoch."""
        return math.ceil(len(self.rows) / self.size)

    def shuffled(self, generator: np.random.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the batches of one epoch in a new order."""
        return self._drawn(self.rows[generator.permutation(len(self.rows))], self.size)

    def in_order(self, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield all samples in order, ``size`` at once."""
        return self._drawn(self.rows, size)

    def _drawn(self, rows: np.ndarray, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        for start in range(0, len(rows), size):
            chosen = rows[start : start + size]
            x = torch.from_numpy(self.x[chosen]).to(self.device)
            # Laid out gene by gene, as the network's predictions are.
            y = torch.from_numpy(self.y[chosen]).to(self.device).t().contiguous().t()
            scale = self.scale
            yield (x - scale.x_mean) / scale.x_sd, y.sub_(scale.y_mean).div_(scale.y_sd)
