"""Copy a model with its weights in the wrong places: what is explained then is no regulation."""

from __future__ import annotations

import copy

import numpy as np
import torch
from sklearn.base import BaseEstimator
from torch import Tensor

from lembas.channels import LembasChannels
from lembas.ensemble import LembasEnsemble
from lembas.linear import LinearModel
from lembas.model import LembasRNN
from lembas.ridge import MaskedRidge
from lembas.training import LembasRegressor
from lembas.tuning import best_of


def randomised(model: BaseEstimator, *, seed: int = 888) -> BaseEstimator:
    """Permute the weights of a fitted model, and leave the model itself as it is.

    An attribution that looks the same afterwards does not depend on what was learnt. Where a
    model's weights sit on the edges of a network, they change places among these edges, edges
    between TFs and edges onto other genes each among themselves; both weights of an edge travel
    together. A linear model on all TFs permutes its slopes over all TFs and genes.

    The biases of an RNN are moved so that every node gets as much as before from the states that
    inputs of 0 lead to, those of an average sample where training standardised: else most states
    would leave the linear zone, and there would be little left to explain. The level of what a
    linear model predicts is not kept. The weights of a LEMBAS-RNN with channels change places over
    the edges of all channels together.

    Args:
        model: A fitted linear model, masked or not, LEMBAS-RNN, with channels or not, or ensemble
            of these.
        seed: Seed of the permutation.

    Returns:
        A model of the same kind with the same weights in other places.

    Raises:
        TypeError: If the model has no weights that could change places.

    References:
        Adebayo et al. 2018, arXiv:1810.03292.
    """
    model = best_of(model)
    generator = np.random.default_rng(seed)
    if isinstance(model, LembasEnsemble):
        twin = copy.copy(model)
        twin.members_ = [_of_network(member, generator) for member in model.members_]
        return twin
    if isinstance(model, LembasRegressor):
        return _of_network(model, generator)
    if isinstance(model, LembasChannels):
        twin = copy.copy(model)
        twin.inner_ = _of_network(model.inner_, generator)
        return twin
    if isinstance(model, MaskedRidge):
        twin = copy.copy(model)
        twin.coef_ = model.coef_.copy()
        twin.coef_.data = generator.permutation(model.coef_.data)
        return twin
    if isinstance(model, LinearModel):
        twin = copy.copy(model)
        twin.coef_ = generator.permutation(model.coef_.ravel()).reshape(model.coef_.shape)
        return twin
    raise TypeError(
        f"the weights of a {type(model).__name__} cannot change places; expected LEMBAS-RNN, with "
        "channels or not, an ensemble of these, or a linear or masked linear model"
    )


def is_randomisable(model: BaseEstimator) -> bool:
    """Say whether a model has weights that could change places."""
    kinds = LembasEnsemble | LembasRegressor | LembasChannels | MaskedRidge | LinearModel
    return isinstance(best_of(model), kinds)


def _of_network(model: LembasRegressor, generator: np.random.Generator) -> LembasRegressor:
    """Permute the weights of one network over its edges."""
    twin = copy.copy(model)
    twin.network_ = network = copy.deepcopy(model.network_)
    n_block, n_edges = network.n_block_edges, len(network.edges)
    order = np.concatenate(
        [generator.permutation(n_block), n_block + generator.permutation(n_edges - n_block)]
    )
    place = torch.from_numpy(order).to(network.weights.device)
    with torch.no_grad():
        states = network(network.weights.new_zeros((1, len(network.inputs))))[1][0]
        before = _incoming(network, states)
        network.weights.copy_(network.weights[place])
        if network.config.skip:
            network.skip_weights.copy_(network.skip_weights[place])
        network.bias.add_(before - _incoming(network, states))
    return twin


def _incoming(network: LembasRNN, states: Tensor) -> Tensor:
    """Sum what the edges carry into each node, ``(node,)``."""
    source = torch.from_numpy(network.tfs.get_indexer(network.edges["TF"])).to(states.device)
    carried = network.weights * states[source]
    return states.new_zeros(len(network.nodes)).index_add(0, network.target_rows, carried)
