"""The training loop by Adam: learning-rate schedule, early stopping, going on after a kill."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from lembas.batches import Batches
from lembas.model import LembasRNN
from lembas.penalties import Penalty, sign_violation_share
from lembas.training_state import BestWeights, Outcome, SavedTraining


@dataclass(frozen=True)
class Schedule:
    """Raise the learning rate along a cosine to its peak, then lower it along another.

    Attributes:
        highest: Peak learning rate.
        n_updates: Updates of the whole schedule.
        peak_fraction: Where the peak lies, as a part of the updates; above 1: never reached.
        floor: Learning rate at both ends, as a part of the highest.
    """

    highest: float
    n_updates: int
    peak_fraction: float
    floor: float = 0.01

    def factor(self, update: int) -> float:
        """Learning rate at an update, as a part of the highest."""
        position = update / max(self.n_updates, 1)
        if position <= self.peak_fraction:
            height = position / self.peak_fraction
        else:
            height = (1 - position) / (1 - self.peak_fraction)
        return self.floor + (1 - self.floor) * 0.5 * (1 - math.cos(math.pi * max(height, 0.0)))


def optimise(
    model: LembasRNN,
    groups: list[dict],
    training: Batches,
    penalty: Penalty,
    schedule: Schedule,
    *,
    held_out: Batches | None = None,
    patience: int = 15,
    n_updates: int | None = None,
    project_signs: bool = False,
    seed: int = 888,
    progress: str | None = None,
    saved: Path | None = None,
) -> Outcome:
    """Train a network in place with Adam.

    The loss is the mean squared error over samples and genes plus the penalty. With ``held_out``
    samples, training stops ``patience`` epochs after the lowest validation loss and the network
    goes back to the weights it had there.

    Args:
        model: The network; its trainable parameters are those of ``groups``.
        groups: Parameters with their own peak learning rates, as torch's Adam takes them.
        training: Samples to train on.
        penalty: Gives the penalty for the states ``(sample, node)`` of a batch.
        schedule: Learning rate over updates.
        held_out: Samples to watch.
        patience: Epochs to wait for a better validation loss.
        n_updates: Stop after so many updates; None: those of the schedule.
        project_signs: Set weights of the wrong sign to zero after each update.
        seed: Seed of the batches.
        progress: Label of a progress bar on standard error; None: no bar.
        saved: File that keeps the training's state; one that is there is gone on from, to the
            same result as without the interruption.

    Raises:
        FloatingPointError: If the loss is no longer finite.
    """
    rates, n_updates = [float(group["lr"]) for group in groups], n_updates or schedule.n_updates
    adam, generator = torch.optim.Adam(groups), np.random.default_rng(seed)
    trainer = Trainer(model, adam, penalty, schedule, rates, project_signs, generator)
    watch = BestWeights(model, held_out, patience * len(training))
    state = SavedTraining(saved, trainer, watch)
    n_epochs = math.ceil(n_updates / len(training))
    for epoch, bar in state.epochs(n_epochs, label=progress, unit="epoch"):
        losses = []
        for x, y in training.shuffled(trainer.generator):
            if trainer.n_updates == n_updates:
                break
            losses.append(trainer.update(x, y))
        loss = _finite_mean(losses, epoch)
        validation = watch.look(trainer.n_updates)
        state.add(trainer.row(epoch, loss, validation))
        bar.set_postfix(train=f"{loss:.4f}", held_out=f"{validation:.4f}")
        state.is_over = watch.is_over(trainer.n_updates)
        state.save()
    state.finish()
    return Outcome(pd.DataFrame(state.rows), watch.restore(trainer.n_updates))


@dataclass
class Trainer:
    """Make updates, and know what they depend on."""

    model: LembasRNN
    optimiser: torch.optim.Optimizer
    penalty: Penalty
    schedule: Schedule
    rates: list[float]
    project_signs: bool
    generator: np.random.Generator
    n_updates: int = 0

    def update(self, x: Tensor, y: Tensor) -> float:
        """Make one step down the gradient; return the mean squared error before it."""
        self._set_rates()
        prediction, states = self.model(x)
        error = torch.nn.functional.mse_loss(prediction, y)
        self.optimiser.zero_grad(set_to_none=True)
        (error + self.penalty(states)).backward()
        self.optimiser.step()
        self.n_updates += 1
        if self.project_signs:
            self.model.constrain_signs()
        return error.item()

    def row(self, epoch: int, loss: float, validation: float) -> dict[str, float]:
        """Describe an epoch for the history."""
        self._set_rates()
        return {
            "epoch": epoch + 1,
            "update": self.n_updates,
            "learning_rate": float(self.optimiser.param_groups[0]["lr"]),
            "train_loss": loss,
            "validation_loss": validation,
            "sign_violations": sign_violation_share(self.model),
        }

    def state(self) -> dict[str, Any]:
        """Return all that the next update depends on."""
        return {
            "network": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "penalty": self.penalty.state(),
            "n_updates": self.n_updates,
            "generator": self.generator.bit_generator.state,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.model.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.penalty.restore(state["penalty"])
        self.n_updates = state["n_updates"]
        self.generator.bit_generator.state = state["generator"]

    def _set_rates(self) -> None:
        factor = self.schedule.factor(self.n_updates)
        for group, rate in zip(self.optimiser.param_groups, self.rates, strict=True):
            group["lr"] = rate * factor


def _finite_mean(losses: list[float], epoch: int) -> float:
    loss = float(np.mean(losses))
    if not math.isfinite(loss):
        raise FloatingPointError(
            f"the training loss is {loss} in epoch {epoch + 1}; lower learning_rate, or check "
            "the inputs' scale"
        )
    return loss
