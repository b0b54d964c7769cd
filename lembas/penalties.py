"""Penalties that the original lineage adds to the loss, each over edges or nodes only."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.linalg
import torch
from scipy.sparse import csr_array
from scipy.sparse.linalg import ArpackError, eigs
from torch import Tensor

from lembas.model import LembasRNN
from lembas.recipes import TrainConfig

# Below this size a dense eigen-solver is both faster and surer than ARPACK.
_DENSE_BELOW = 256


def sign_penalty(model: LembasRNN) -> Tensor:
    """Sum the magnitudes of the weights whose sign contradicts the network.

    An edge of unknown sign (0) adds nothing, and its gradient is 0.
    """
    return torch.relu(-model.get_buffer("signs") * model.weights).sum()


def sign_violation_share(model: LembasRNN) -> float:
    """Measure which part of the edges of known sign have a weight that contradicts it.

    Returns:
        Within [0, 1]; NaN where no sign is known, for then none can be contradicted.
    """
    n_signed = int((model.get_buffer("signs") != 0).sum())
    return model.n_sign_violations / n_signed if n_signed else float("nan")


def size_penalty(model: LembasRNN) -> Tensor:
    """Sum the squares of weights and biases, and of output weights about their start."""
    drift = model.output_weights - model.config.amplitude_out
    parts = (model.weights, model.bias, model.output_bias, drift)
    return sum((part.square().sum() for part in parts), start=model.weights.new_zeros(()))


def barrier_penalty(model: LembasRNN) -> Tensor:
    r"""Sum :math:`1/(w^2 + 0.5)`: keeps weights away from zero."""
    return (1 / (model.weights.square() + 0.5)).sum()


def uniform_penalty(states: Tensor, highest: float = 0.99) -> Tensor:
    """Ask that every node's states spread over the samples like a uniform distribution.

    Args:
        states: Shape ``(sample, node)``.
        highest: Upper end of the distribution; the lower end is 0.

    Returns:
        Squared errors of each node's mean, variance, minimum and maximum, summed.
    """
    mean, variance = states.mean(dim=0), states.var(dim=0, unbiased=False)
    errors = (
        mean - highest / 2,
        variance - highest**2 / 12,
        torch.relu(-states.min(dim=0).values),
        torch.relu(states.max(dim=0).values - highest),
    )
    return sum((error.square().sum() for error in errors), start=states.new_zeros(()))


class Penalty:
    """Put together the penalty that the settings ask for.

    Args:
        model: The network.
        per_edge: Weight of each edge's square, ``(edge,)``.
        config: Which further terms there are, and their weights.
    """

    def __init__(self, model: LembasRNN, per_edge: Tensor, config: TrainConfig) -> None:
        self.model, self.per_edge, self.config = model, per_edge, config
        # With standardised outputs the error is a mean over genes, and so is the sign penalty.
        n_genes = len(model.outputs) if config.standardise else 1
        self._sign = config.sign_penalty / n_genes if config.sign == "penalty" else 0.0
        self._spectral = SpectralPenalty(model) if config.spectral_penalty else None

    def __call__(self, states: Tensor) -> Tensor:
        """Return the penalty for the present weights and states ``(sample, node)``."""
        model, config = self.model, self.config
        total = (self.per_edge * model.weights.square()).sum()
        if self._sign:
            total = total + self._sign * sign_penalty(model)
        if config.size_penalty:
            total = total + config.size_penalty * size_penalty(model)
        if config.barrier_penalty:
            total = total + config.barrier_penalty * barrier_penalty(model)
        if config.uniform_penalty:
            total = total + config.uniform_penalty * uniform_penalty(states)
        if self._spectral is not None:
            total = total + config.spectral_penalty * self._spectral()
        return total

    def state(self) -> dict[str, Any]:
        """Return what a training that goes on needs besides the weights."""
        return {} if self._spectral is None else self._spectral.state()

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        if self._spectral is not None:
            self._spectral.restore(state)


class SpectralPenalty:
    r"""Penalise a spectral radius above its target: :math:`e^{k(\rho - \rho^*)} \rho`.

    The radius is linear in the weights to first order, with coefficients from the left and
    right eigenvectors of the TF block; these are renewed every ``every`` calls.

    Args:
        model: The network whose block is watched.
        exp_factor: Steepness k.
        tolerance, target_steps: Set the target, exp(ln(tolerance) / target_steps).
        every: Calls between two solutions of the eigen-problem.
    """

    def __init__(
        self,
        model: LembasRNN,
        *,
        exp_factor: float = 50.0,
        tolerance: float = 1e-20,
        target_steps: int = 150,
        every: int = 50,
    ) -> None:
        self.model = model
        self.exp_factor = exp_factor
        self.target = math.exp(math.log(tolerance) / target_steps)
        self.every = every
        self._calls = 0
        self._slope = torch.zeros(model.n_block_edges)

    def __call__(self) -> Tensor:
        """Return the penalty for the present weights; 0 for an acyclic block."""
        weights = self.model.weights[: self.model.n_block_edges]
        if self._calls % self.every == 0:
            values = weights.detach().double().cpu().numpy()
            self._slope = torch.from_numpy(_radius_slope(self.model, values)).to(weights)
        self._calls += 1
        radius = (self._slope * weights).sum()
        return torch.exp(self.exp_factor * (radius - self.target)) * radius

    def state(self) -> dict[str, Any]:
        """Return the slope in use and the number of calls."""
        return {"calls": self._calls, "slope": self._slope}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self._calls, self._slope = state["calls"], state["slope"]


def _radius_slope(model: LembasRNN, weights: np.ndarray) -> np.ndarray:
    """Differentiate the spectral radius with respect to every weight of the TF block."""
    if not len(weights):
        return np.zeros(0)
    edges = model.edges.iloc[: model.n_block_edges]
    rows, columns = model.tfs.get_indexer(edges["Gene"]), model.tfs.get_indexer(edges["TF"])
    n_tfs = len(model.tfs)
    block = csr_array((weights, (rows, columns)), shape=(n_tfs, n_tfs))
    value, left, right = _leading_pair(block)
    scale = np.vdot(left, right)
    if abs(value) < 1e-9 or abs(scale) < 1e-12:
        return np.zeros(len(weights))
    phase = np.conj(value) / abs(value)
    return np.real(phase * np.conj(left[rows]) * right[columns] / scale)


def _leading_pair(block: csr_array) -> tuple[complex, np.ndarray, np.ndarray]:
    """Leading eigenvalue with its left and right eigenvectors."""
    n_tfs = block.shape[0]
    if n_tfs >= _DENSE_BELOW:
        try:
            return _leading_pair_sparse(block)
        except ArpackError:
            pass  # a block that ARPACK cannot resolve goes to the dense solver below
    values, left, right = scipy.linalg.eig(block.toarray(), left=True, right=True)
    leading = int(np.abs(values).argmax())
    return values[leading], left[:, leading], right[:, leading]


def _leading_pair_sparse(block: csr_array) -> tuple[complex, np.ndarray, np.ndarray]:
    start = np.ones(block.shape[0])  # a fixed start makes reruns identical
    value, right = eigs(block, k=1, which="LM", v0=start)
    values, left = eigs(block.T, k=2, which="LM", v0=start)
    # The left vector belongs to the conjugate eigenvalue's transpose: match, then conjugate.
    nearest = int(np.abs(values - value[0]).argmin())
    return complex(value[0]), np.conj(left[:, nearest]), right[:, 0]
