"""Take what a fitted model has learnt away from it, and leave all else as it is."""

from __future__ import annotations

import copy

import numpy as np
import torch
from sklearn.base import BaseEstimator
from torch import Tensor

from lembas.ensemble import LembasEnsemble
from lembas.linear import LinearModel
from lembas.ridge import MaskedRidge
from lembas.training import LembasRegressor
from lembas.tuning import Tuned


def randomised(model: BaseEstimator, *, seed: int) -> BaseEstimator:
    """Return a fitted model with its weights permuted; the model itself is left alone.

    LEMBAS-RNN: weights, and the skip's weights, are permuted over the edges, those between TFs and
    those onto genes apart. Linear models: slopes are permuted over all their entries; those of a
    masked ridge over the entries its network allows, so that it still sees the same TFs. Biases
    and means stay.

    Args:
        model: A fitted LEMBAS-RNN, ensemble of such, or linear model of the registry.
        seed: Seed of the permutation.

    Raises:
        TypeError: If the model has no weights that can be permuted.

    References:
        Adebayo et al. 2018, arXiv:1810.03292 (sanity checks for saliency maps).
    """
    if isinstance(model, Tuned):
        return randomised(model.best_, seed=seed)
    generator = np.random.default_rng(seed)
    twin = copy.copy(model)
    if isinstance(model, LembasEnsemble):
        seeds = generator.integers(2**31, size=len(model.members_))
        twin.members_ = [
            randomised(member, seed=int(own))
            for member, own in zip(model.members_, seeds, strict=True)
        ]
    elif isinstance(model, LembasRegressor):
        twin.network_ = copy.deepcopy(model.network_)
        with torch.no_grad():
            for weights in twin.network_._edge_weights():
                weights.copy_(_permuted_edges(weights, twin.network_.n_block_edges, generator))
    elif isinstance(model, MaskedRidge):
        twin.coef_ = model.coef_.copy()
        twin.coef_.data = generator.permutation(twin.coef_.data)
    elif isinstance(model, LinearModel):
        twin.coef_ = generator.permutation(model.coef_.ravel()).reshape(model.coef_.shape)
    else:
        raise TypeError(
            f"the weights of {type(model).__name__} cannot be permuted; expected LEMBAS-RNN or a "
            "linear model with slopes of its own"
        )
    return twin


def _permuted_edges(weights: Tensor, n_block_edges: int, generator: np.random.Generator) -> Tensor:
    """Permute the weights between TFs among themselves, and those onto genes likewise."""
    n_gene_edges = len(weights) - n_block_edges
    order = np.concatenate(
        [generator.permutation(n_block_edges), n_block_edges + generator.permutation(n_gene_edges)]
    )
    return weights[torch.from_numpy(order).to(weights.device)]
