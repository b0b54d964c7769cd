"""The training loop: batches, learning-rate schedule, early stopping, history."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from tqdm import tqdm

from lembas.model import LembasRNN


@dataclass(frozen=True)
class Batches:
    """Hold inputs and targets, and shuffle them into batches.

    Attributes:
        x: Inputs ``(sample, tf)``.
        y: Targets ``(sample, gene)``.
        size: Samples a batch.
    """

    x: Tensor
    y: Tensor
    size: int

    def __len__(self) -> int:
        """Count the batches of one epoch."""
        return math.ceil(len(self.x) / self.size)

    def shuffled(self, generator: np.random.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the batches of one epoch in a new order."""
        order = torch.from_numpy(generator.permutation(len(self.x)))
        for start in range(0, len(order), self.size):
            chosen = order[start : start + self.size]
            yield self.x[chosen], self.y[chosen]


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


@dataclass(frozen=True)
class Outcome:
    """What a training came to.

    Attributes:
        history: One row an epoch: update, learning_rate, train_loss, validation_loss (NaN when
            nothing is held out), sign_violations (part of the edges).
        best_update: Number of updates with the lowest validation loss; all of them when nothing
            is held out.
    """

    history: pd.DataFrame
    best_update: int


def optimise(
    model: LembasRNN,
    groups: list[dict],
    training: Batches,
    penalty: Callable[[Tensor], Tensor],
    schedule: Schedule,
    *,
    held_out: Batches | None = None,
    patience: int = 15,
    n_updates: int | None = None,
    project_signs: bool = False,
    seed: int = 888,
    progress: str | None = None,
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
        n_updates: Stop after this many updates; None: when the schedule ends.
        project_signs: Set weights of the wrong sign to zero after each update.
        seed: Seed of the batches' order.
        progress: Title of a progress bar on standard error; None: no bar.

    Raises:
        FloatingPointError: If the loss is no longer finite.
    """
    optimiser = torch.optim.Adam(groups)
    rates = torch.optim.lr_scheduler.LambdaLR(optimiser, schedule.factor)
    generator = np.random.default_rng(seed)
    n_updates = n_updates or schedule.n_updates
    watch, rows, update = _BestWeights(model, held_out, patience * len(training)), [], 0
    n_epochs = math.ceil(n_updates / len(training))
    with tqdm(range(n_epochs), desc=progress, disable=progress is None, unit="epoch") as epochs:
        for epoch in epochs:
            losses = []
            for x, y in training.shuffled(generator):
                if update == n_updates:
                    break
                losses.append(_update(model, optimiser, x, y, penalty))
                rates.step()
                update += 1
                if project_signs:
                    model.constrain_signs()
            loss = _finite_mean(losses, epoch)
            validation = watch.look(update)
            rows.append(_row(epoch, update, float(rates.get_last_lr()[0]), loss, validation, model))
            epochs.set_postfix(train=f"{loss:.4f}", held_out=f"{validation:.4f}")
            if watch.is_over(update):
                break
    return Outcome(pd.DataFrame(rows), watch.restore(update))


class _BestWeights:
    """Remember the weights with the lowest validation loss."""

    def __init__(self, model: LembasRNN, held_out: Batches | None, patience: int) -> None:
        self.model, self.held_out, self.patience = model, held_out, patience
        self.lowest, self.update = math.inf, 0
        self.weights: dict[str, Tensor] | None = None
        self.look(0)

    def look(self, update: int) -> float:
        """Measure the validation loss after ``update`` updates; NaN when nothing is held out."""
        if self.held_out is None:
            return math.nan
        with torch.no_grad():
            prediction, _ = self.model(self.held_out.x)
            loss = (prediction - self.held_out.y).square().mean().item()
        if loss < self.lowest:
            self.lowest, self.update = loss, update
            state = self.model.state_dict()
            self.weights = {name: value.clone() for name, value in state.items()}
        return loss

    def is_over(self, update: int) -> bool:
        return self.held_out is not None and update - self.update >= self.patience

    def restore(self, last_update: int) -> int:
        """Go back to the best weights; return the number of updates that led there."""
        if self.weights is None:
            return last_update
        self.model.load_state_dict(self.weights)
        return self.update


def _update(
    model: LembasRNN,
    optimiser: torch.optim.Optimizer,
    x: Tensor,
    y: Tensor,
    penalty: Callable[[Tensor], Tensor],
) -> float:
    """Make one step down the gradient; return the mean squared error before it."""
    prediction, states = model(x)
    error = (prediction - y).square().mean()
    optimiser.zero_grad(set_to_none=True)
    (error + penalty(states)).backward()
    optimiser.step()
    return error.item()


def _finite_mean(losses: list[float], epoch: int) -> float:
    loss = float(np.mean(losses))
    if not math.isfinite(loss):
        raise FloatingPointError(
            f"the training loss is {loss} in epoch {epoch + 1}; lower learning_rate, or check "
            "the inputs' scale"
        )
    return loss


def _row(
    epoch: int, update: int, rate: float, loss: float, validation: float, model: LembasRNN
) -> dict[str, float]:
    return {
        "epoch": epoch + 1,
        "update": update,
        "learning_rate": rate,
        "train_loss": loss,
        "validation_loss": validation,
        "sign_violations": model.n_sign_violations / max(len(model.edges), 1),
    }
