"""What every training keeps: the best weights so far, its history, a file to go on from."""

from __future__ import annotations

import math
import pickle
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from zipfile import BadZipFile, ZipFile

import pandas as pd
import torch
from torch import Tensor
from tqdm import tqdm

from lembas.atomic import write_atomically
from lembas.batches import Batches
from lembas.model import LembasRNN

# A kill loses at most so much work; short trainings pay for one writing only, at their end.
SAVE_EVERY_S = 20.0
_HELD_OUT_AT_ONCE = 512


@dataclass(frozen=True)
class Outcome:
    """What a training came to.

    Attributes:
        history: One row an epoch: epoch, update, learning_rate, train_loss, validation_loss (NaN
            when nothing is held out), sign_violations (part of the
            edges of known sign).
        best_update: Number of updates with the lowest validation loss; all of them when nothing
            is held out.
    """

    history: pd.DataFrame
    best_update: int


class Resumable(Protocol):
    """Name what a training must give so that another process can go on with it."""

    def state(self) -> dict[str, Any]:
        """Return all that the next update depends on."""

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""


class BestWeights:
    """Remember the weights with the lowest validation loss.

    Args:
        model: The network in training.
        held_out: Samples to watch; None: none, and the last weights are the best.
        patience: Updates to wait for a better validation loss.
    """

    def __init__(self, model: LembasRNN, held_out: Batches | None, patience: int) -> None:
        self.model, self.held_out, self.patience = model, held_out, patience
        self.lowest, self.n_updates = math.inf, 0
        self.weights: dict[str, Tensor] | None = None
        self.look(0)

    def look(self, n_updates: int) -> float:
        """Measure the validation loss after so many updates; NaN when nothing is held out."""
        if self.held_out is None:
            return math.nan
        loss = mean_squared_error(self.model, self.held_out)
        if loss < self.lowest:
            self.lowest, self.n_updates = loss, n_updates
            state = self.model.state_dict()
            self.weights = {name: value.clone() for name, value in state.items()}
        return loss

    def is_over(self, n_updates: int) -> bool:
        """Say whether the last improvement is too long ago."""
        return self.held_out is not None and n_updates - self.n_updates >= self.patience

    def restore(self, n_updates: int) -> int:
        """Go back to the best weights; return the number of updates that led there."""
        if self.weights is None:
            return n_updates
        self.model.load_state_dict(self.weights)
        return self.n_updates


class SavedTraining:
    """Keep a training's state in a file, and take it up again.

    Args:
        file: Where; None: nothing is kept.
        trainer: What makes the updates.
        watch: Knows the best weights.

    Attributes:
        rows: The history so far, one row an epoch.
        is_over: Whether the training has ended.
    """

    def __init__(self, file: Path | None, trainer: Resumable, watch: BestWeights) -> None:
        self.file, self.trainer, self.watch = file, trainer, watch
        self.rows: list[dict[str, float]] = []
        self.is_over = False
        self._last_s = time.monotonic()
        if file is not None and (state := _kept(file)) is not None:
            self._restore(state)

    @property
    def n_epochs(self) -> int:
        """Count the epochs so far."""
        return len(self.rows)

    def epochs(self, n_epochs: int, *, label: str | None, unit: str) -> Iterator[tuple[int, tqdm]]:
        """Go through the epochs that are left, until the training is over.

        Args:
            n_epochs: Most epochs in all.
            label: Label of a progress bar on standard error; None: no bar.
            unit: What the bar calls an epoch.

        Yields:
            Number of the epoch, from 0, and the bar.
        """
        left = range(self.n_epochs, n_epochs)
        options = {"initial": self.n_epochs, "total": n_epochs, "unit": unit}
        with tqdm(left, desc=label, disable=label is None, **options) as bar:
            for number in bar:
                if self.is_over:
                    break
                yield number, bar

    def add(self, row: dict[str, float]) -> None:
        """Add an epoch to the history."""
        self.rows.append(row)

    def save(self) -> None:
        """Write the state, unless that was done a moment ago."""
        if self.file is not None and time.monotonic() - self._last_s >= SAVE_EVERY_S:
            self._write(self.file)

    def finish(self) -> None:
        """Write the state of a training that is over: a second call only reads it."""
        self.is_over = True
        if self.file is not None:
            self._write(self.file)

    def _write(self, file: Path) -> None:
        state = {
            "trainer": self.trainer.state(),
            "lowest": self.watch.lowest,
            "best_update": self.watch.n_updates,
            "best_weights": self.watch.weights,
            "rows": self.rows,
            "is_over": self.is_over,
        }
        write_atomically(file, lambda part: torch.save(state, part))
        self._last_s = time.monotonic()

    def _restore(self, state: dict[str, Any]) -> None:
        self.trainer.restore(state["trainer"])
        self.watch.lowest = state["lowest"]
        self.watch.n_updates, self.watch.weights = state["best_update"], state["best_weights"]
        self.rows, self.is_over = state["rows"], state["is_over"]


def mean_squared_error(model: LembasRNN, samples: Batches) -> float:
    """Average the squared error over samples and genes, on the network's scale."""
    total = 0.0
    with torch.no_grad():
        for x, y in samples.in_order(_HELD_OUT_AT_ONCE):
            error = torch.nn.functional.mse_loss(model(x)[0], y)
            total += error.item() * len(x)
    return total / len(samples.rows)


def _kept(file: Path) -> dict[str, Any] | None:
    """Read a state; None when there is none, or the file is damaged: training starts anew."""
    try:
        # torch compares no checksums: a changed byte would become a changed weight.
        with ZipFile(file) as parts:
            if parts.testzip() is not None:
                return None
        state: dict[str, Any] = torch.load(file, weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, BadZipFile, pickle.UnpicklingError):
        return None
    return state
