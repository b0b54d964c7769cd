"""Let LEMBAS-RNN leave the masked ridge only as far as held-out samples support, gene by gene."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from lembas.batches import Batches
from lembas.model import LembasRNN

# Genes of about as many regulators share what is known of how well the network does.
IN_DEGREES: tuple[int, ...] = (1, 2, 5, 10, 20, 50, 100)
_SAMPLES_AT_ONCE = 512


def held_out_factors(model: LembasRNN, ridge: Tensor, held_out: Batches) -> pd.Series:
    r"""Find how far each gene shall go from its masked ridge to the network.

    With :math:`r` what the ridge leaves unexplained and :math:`d` the network's prediction minus
    the ridge's, both over held-out samples, a gene's own best factor is
    :math:`\sum r d / \sum d^2`. It rests on few samples, so it is shrunk towards that of all genes
    with about as many regulators, which weighs as much as a gene of that group does on average:

    .. math:: \lambda_g = \frac{\sum r d + \kappa \lambda_{group}}{\sum d^2 + \kappa},
       \qquad \kappa = \text{mean of } \textstyle\sum d^2 \text{ in the group}

    Factors are kept within [0, 1].

    Args:
        model: A trained network with a skip.
        ridge: The masked ridge on the same training samples: a weight an edge, ``(edge,)``.
        held_out: Samples that neither was trained on.

    Returns:
        Factor of each gene, over ``gene``.

    Raises:
        ValueError: If the network has no skip.
    """
    if not model.config.skip:
        raise ValueError("only a network with a skip can be guarded; set skip=True")
    n_genes = len(model.outputs)
    shared, square = torch.zeros(n_genes, dtype=torch.double), torch.zeros(n_genes).double()
    with torch.no_grad():
        for x, y in held_out.in_order(_SAMPLES_AT_ONCE):
            by_ridge = model.direct(x, ridge)
            added, left = (model(x)[0] - by_ridge).double(), (y - by_ridge).double()
            shared += (left * added).sum(dim=0).cpu()
            square += added.square().sum(dim=0).cpu()
    table = pd.DataFrame({"shared": shared, "square": square}, index=model.outputs)
    return _shrunk(table, _group(model))


def apply_factors(model: LembasRNN, ridge: Tensor, factors: pd.Series) -> None:
    """Go for each gene from its masked ridge towards the network, by its factor, in place.

    A factor becomes part of the output weight and of the two weights of the skip: no parameter is
    added.

    Args:
        model: A network with a skip.
        ridge: The masked ridge on its training samples: a weight an edge, ``(edge,)``.
        factors: Result of :func:`held_out_factors`; genes that it lacks are left as they are.
    """
    known = factors.reindex(model.outputs).fillna(1.0)
    of_edge = known.reindex(model.edges["Gene"]).fillna(1.0).to_numpy()
    factor = torch.from_numpy(known.to_numpy()).to(model.output_weights)
    edge_factor = torch.from_numpy(of_edge).to(ridge)
    with torch.no_grad():
        model.output_weights.mul_(factor)
        model.output_bias.mul_(factor)
        model.skip_weights.copy_(torch.lerp(ridge, model.skip_weights, edge_factor))


def _group(model: LembasRNN) -> pd.Series:
    """Number the group of genes, by how many regulators each has."""
    in_degree = model.edges.groupby("Gene").size().reindex(model.outputs, fill_value=0)
    return pd.Series(np.searchsorted(IN_DEGREES, in_degree), index=model.outputs)


def _shrunk(table: pd.DataFrame, group: pd.Series) -> pd.Series:
    by_group = table.groupby(group)
    total, weight = by_group.transform("sum"), by_group["square"].transform("mean")
    common = (total["shared"] / total["square"].where(total["square"] > 0)).clip(0, 1).fillna(0)
    factor = (table["shared"] + weight * common) / (table["square"] + weight)
    # Where the updates add nothing at all, any factor does.
    return factor.clip(0, 1).fillna(0.0)
