"""The network that a training starts from, and the learning rates of its parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from lembas.batches import Scale
from lembas.model import LembasRNN
from lembas.network import Network
from lembas.recipes import ZONE_CENTRE, TrainConfig, rnn_config
from lembas.ridge import MaskedRidge


@dataclass(frozen=True, eq=False)
class Start:
    """Hold what a training starts from.

    Attributes:
        network: The network.
        penalties: Weight of each edge's square in the loss, ``(edge,)``.
        alpha: The masked ridge's penalty of each gene, over ``gene``; empty without a ridge start.
    """

    network: LembasRNN
    penalties: Tensor
    alpha: pd.Series


def start_network(
    network: Network, X: pd.DataFrame, Y: pd.DataFrame, scale: Scale, config: TrainConfig
) -> Start:
    """Make the network that training starts from."""
    model = LembasRNN(network, X.columns, Y.columns, config=rnn_config(config), seed=config.seed)
    penalties = torch.full((len(model.edges),), config.block_penalty)
    penalties[model.n_block_edges :] = 0.0
    if config.start == "study":
        model.prescale()
        return Start(model, penalties, pd.Series(dtype=float))
    ridge = MaskedRidge(network).fit(X, Y)
    weights = _ridge_weights(model, ridge, scale, config)
    with torch.no_grad():
        if config.skip:
            weights = _add_skip(model, weights, config)
        model.weights.copy_(weights)
        if config.sign == "project":
            model.constrain_signs()
        # Each node starts at the zone's centre for an average sample.
        rows = model.get_buffer("target_rows")
        incoming = torch.zeros(len(model.nodes)).index_add(0, rows, model.weights)
        model.bias.copy_(ZONE_CENTRE * (1 - incoming))
        model.output_bias.fill_(-ZONE_CENTRE / config.state_scale)
    alpha = ridge.alpha_.reindex(model.edges["Gene"]).fillna(0).to_numpy(np.float32)
    strength = config.ridge_penalty * torch.from_numpy(alpha) / (len(X) * Y.shape[1])
    penalties[model.n_block_edges :] = strength[model.n_block_edges :]
    return Start(model, penalties, ridge.alpha_)


def _add_skip(model: LembasRNN, weights: Tensor, config: TrainConfig) -> Tensor:
    """Move the masked ridge into the skip; return the weights that the updates start from."""
    is_gene_edge = torch.arange(len(weights)) >= model.n_block_edges
    known = torch.from_numpy(model.edges["TF"].isin(model.inputs).to_numpy())
    model.skip_weights.copy_(torch.where(is_gene_edge & known, weights, 0.0))
    generator = torch.Generator().manual_seed(config.seed)
    noise = config.gene_noise * torch.randn(len(weights), generator=generator)
    return torch.where(is_gene_edge, weights * noise, weights)


def _ridge_weights(
    model: LembasRNN, ridge: MaskedRidge, scale: Scale, config: TrainConfig
) -> Tensor:
    """Start gene edges at the masked ridge's coefficients, TF-TF edges at small noise."""
    generator = np.random.default_rng(config.seed)
    weights = config.block_noise * generator.standard_normal(len(model.edges))
    edges = model.edges.iloc[model.n_block_edges :]
    gene = ridge.genes_.get_indexer(edges["Gene"])
    tf = ridge.tfs_.get_indexer(edges["TF"])
    known = tf >= 0  # an unmeasured TF has no coefficient; its edges keep their noise
    if known.any():  # SciPy answers an empty selection with a matrix
        coefficients = ridge.coef_[gene[known], tf[known]] / scale.y_sd.numpy()[gene[known]]
        weights[model.n_block_edges :][known] = coefficients
    return torch.from_numpy(weights.astype(np.float32))


def parameter_groups(model: LembasRNN, config: TrainConfig) -> list[dict[str, Any]]:
    """Give each kind of parameter a learning rate that suits its size."""
    rate = config.learning_rate
    if not config.standardise:
        own = [parameter for parameter in model.parameters() if parameter.requires_grad]
        return [{"params": own, "lr": rate}]
    model.output_weights.requires_grad_(False)  # redundant with the weights of the gene's edges
    return [
        {"params": [model.weights], "lr": rate},
        # A bias shifts a state, and states are smaller than standardised values by the scale.
        {"params": [model.bias], "lr": rate * config.state_scale},
        {"params": [model.output_bias], "lr": rate},
    ]
