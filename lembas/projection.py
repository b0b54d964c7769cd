"""Train LEMBAS-RNN by variable projection: only the weights between TFs are searched for."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.optimize import minimize
from torch import Tensor

from lembas.batches import Batches
from lembas.gene_readout import GeneReadout, Weights
from lembas.model import LembasRNN, mml
from lembas.penalties import sign_violation_share
from lembas.recipes import ZONE_CENTRE, TrainConfig
from lembas.ridge import ALPHAS
from lembas.sparse import update
from lembas.training_state import BestWeights, Outcome, SavedTraining, mean_squared_error

# After so many steps of the search the genes' penalties are chosen anew.
STEPS_A_ROUND = 5
# A TF whose state moves by less, as a part of a state of its own input alone, carries nothing.
_LEAST_MOVE = 1e-6


def project(
    model: LembasRNN,
    training: Batches,
    alpha: pd.Series,
    config: TrainConfig,
    *,
    held_out: Batches | None = None,
    n_rounds: int | None = None,
    progress: str | None = None,
    saved: Path | None = None,
) -> Outcome:
    r"""Train a network with a skip in place.

    As long as genes are read out in the linear zone of the activation, the best weights onto
    genes follow from the states of the TFs by one ridge regression a gene. What is left to search
    for are the weights between TFs, :math:`\theta`:

    .. math:: \min_\theta \; \frac{1}{n G} \sum_g \min_{s, m} \left( \|y_g - x_{R(g)} s
       - z_{R(g)}(\theta) m\|^2 + \alpha_g (\|s\|^2 + \|m\|^2) \right) + \beta \|\theta\|^2

    with z the standardised states after T - 1 updates. L-BFGS finds it; a round is
    :data:`STEPS_A_ROUND` of its steps, after which generalised cross-validation chooses each
    gene's :math:`\alpha_g` anew. Biases keep every TF of an average sample at the middle of the
    linear zone. An output that is a TF itself is read from its own state.

    Args:
        model: The network as training starts from it.
        training: Samples to train on.
        alpha: Penalty of each gene in the first round, over ``gene``.
        config: The training's settings; ``epochs`` and ``patience`` count rounds.
        held_out: Samples to watch.
        n_rounds: Rounds to make; None: those of the settings.
        progress: Label of a progress bar on standard error; None: no bar.
        saved: File that keeps the training's state; one that is there is gone on from, to the
            same result as without the interruption.

    Returns:
        What it came to; an update is a round.

    Raises:
        FloatingPointError: If states are no longer finite.

    References:
        Golub and Pereyra 1973, doi:10.1137/0710036; Liu and Nocedal 1989, doi:10.1007/BF01589116.
    """
    search = _Search(model, training, alpha, config)
    n_rounds = (n_rounds or config.epochs) if search.searches else 1
    watch = BestWeights(model, held_out, config.patience)
    state = SavedTraining(saved, search, watch)
    for number, bar in state.epochs(n_rounds, label=progress, unit="round"):
        search.round()
        validation = watch.look(number + 1)
        state.add(search.row(number + 1, validation))
        bar.set_postfix(held_out=f"{validation:.4f}")
        state.is_over = watch.is_over(number + 1)
        state.save()
    state.finish()
    return Outcome(pd.DataFrame(state.rows), watch.restore(len(state.rows)))


class _Search:
    """Search for the weights between TFs, and know what the next round depends on."""

    def __init__(
        self, model: LembasRNN, training: Batches, alpha: pd.Series, config: TrainConfig
    ) -> None:
        self.model, self.training, self.config = model, training, config
        self.readout = GeneReadout(model, training)
        self.scaled = self.readout.inputs * config.state_scale
        first = alpha.reindex(model.outputs).fillna(1.0).to_numpy(float)
        self.alpha = torch.from_numpy(first).to(training.device)
        self.theta = model.weights[: model.n_block_edges].detach().double().cpu().numpy()

    @property
    def searches(self) -> bool:
        """Whether weights between TFs matter; before the third update none has reached a gene."""
        return bool(self.theta.size) and self.config.max_steps > 2

    def round(self) -> None:
        """Make a round of steps, choose the penalties, and put the weights into the network."""
        if self.searches:
            options = {"maxiter": STEPS_A_ROUND}
            found = minimize(self._loss, self.theta, jac=True, method="L-BFGS-B", options=options)
            self.theta = found.x
        with torch.no_grad():
            states = self._states(self._tensor(self.theta))
            centre, spread = _moments(states, self.config.state_scale)
            products = self.readout.products((states - centre) / spread)
            weights, self.alpha = self.readout.solve_gcv(products, np.asarray(ALPHAS))
            self._fill(weights, centre[:, 0], spread[:, 0])

    def _loss(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the loss and its gradient."""
        theta_ = self._tensor(theta).requires_grad_()
        states = self._states(theta_)
        if not states.isfinite().all():
            raise FloatingPointError(
                "states of the TFs are no longer finite; lower block_noise or raise block_penalty "
                f"(now {self.config.block_noise:g} and {self.config.block_penalty:g})"
            )
        centre, spread = _moments(states, self.config.state_scale)
        standardised = (states - centre) / spread
        with torch.no_grad():
            fixed = standardised.detach()
            weights, lowest = self.readout.solve(self.readout.products(fixed), self.alpha)
            slope = self.readout.slope(weights, fixed)
        (by_theta,) = torch.autograd.grad(standardised, theta_, slope)
        n_values = max(fixed.shape[1] * len(self.readout.genes), 1)
        gradient = by_theta.cpu().numpy() / n_values + 2 * self.config.block_penalty * theta
        return lowest / n_values + self.config.block_penalty * float(theta @ theta), gradient

    def _states(self, theta: Tensor) -> Tensor:
        """Update the TFs until one update is left: ``(tf, sample)``, double precision."""
        model, leak = self.model, self.config.leak
        if self.config.max_steps == 1:
            return torch.zeros_like(self.scaled)
        drive = self._block_bias(theta)[:, None] + self.scaled
        states = mml(drive, leak)
        for _ in range(self.config.max_steps - 2):
            states = update(model.block, theta, states, drive, leak)
        return states

    def _block_bias(self, theta: Tensor) -> Tensor:
        """Return the biases that keep an average sample at the zone's centre."""
        incoming = theta.new_zeros(len(self.model.tfs))
        rows = self.model.target_rows[: len(theta)]
        return ZONE_CENTRE * (1 - incoming.index_add(0, rows, theta))

    def _tensor(self, theta: np.ndarray) -> Tensor:
        return torch.from_numpy(theta).to(self.training.device)

    def _fill(self, weights: Weights, centre: Tensor, spread: Tensor) -> None:
        """Put solved weights into the network: on its own states and inputs, as they come."""
        model, readout, scale = self.model, self.readout, self.config.state_scale
        theta, n_block = self._tensor(self.theta), len(self.theta)
        edges, sources = readout.positions, readout.sources
        values = torch.zeros(len(model.edges), dtype=torch.double, device=theta.device)
        values[:n_block], values[edges] = theta, scale * weights.state / spread[sources]
        shift = torch.zeros_like(values)
        shift[edges] = values[edges] * centre[sources]
        incoming = values.new_zeros(len(model.nodes)).index_add(0, model.target_rows, shift)
        bias = ZONE_CENTRE - incoming
        bias[: len(model.tfs)] = self._block_bias(theta)
        model.weights.copy_(values)
        model.bias.copy_(bias)
        model.skip_weights.zero_()
        model.skip_weights[edges] = weights.direct.to(model.skip_weights)
        model.output_weights.fill_(1 / scale)
        model.output_bias.fill_(-ZONE_CENTRE / scale)
        # An input that is a gene and no TF would be read out beside what was solved for it.
        model.input_weights[model.known_inputs[len(model.block_input_rows) :]] = 0
        self._read_own_states()

    def _read_own_states(self) -> None:
        """Regress each output that is a TF on its own state."""
        model = self.model
        own = torch.from_numpy(np.flatnonzero(model.outputs.isin(model.tfs)))
        if not len(own):
            return
        own = own.to(self.training.device)
        pairs = [(model(x)[0][:, own], y[:, own]) for x, y in self.training.in_order(512)]
        read, true = (torch.cat(part).double() for part in zip(*pairs, strict=True))
        read_mean, true_mean = read.mean(dim=0), true.mean(dim=0)
        read, true = read - read_mean, true - true_mean
        slope = (read * true).sum(dim=0) / read.square().sum(dim=0).clamp(min=1e-12)
        model.output_weights[own] *= slope.to(model.output_weights)
        shifted = model.output_bias[own] * slope - read_mean * slope + true_mean
        model.output_bias[own] = shifted.to(model.output_bias)

    def row(self, number: int, validation: float) -> dict[str, float]:
        """Describe a round for the history."""
        return {
            "epoch": number,
            "update": number,
            "learning_rate": math.nan,
            "train_loss": mean_squared_error(self.model, self.training),
            "validation_loss": validation,
            "sign_violations": sign_violation_share(self.model),
        }

    def state(self) -> dict[str, Any]:
        """Return all that the next round depends on."""
        network = self.model.state_dict()
        return {"network": network, "theta": torch.from_numpy(self.theta), "alpha": self.alpha}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.model.load_state_dict(state["network"])
        self.theta = state["theta"].numpy()
        self.alpha = state["alpha"].to(self.training.device)


def _moments(states: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    """Measure mean and standard deviation of each TF's states, ``(tf, 1)``.

    A state that hardly moves gets a deviation that makes nothing of it, instead of noise.
    """
    centre = states.mean(dim=1, keepdim=True)
    variance = (states - centre).square().mean(dim=1, keepdim=True)
    least = (_LEAST_MOVE * scale) ** 2
    return centre, torch.where(variance > least, variance, torch.ones_like(variance)).sqrt()
