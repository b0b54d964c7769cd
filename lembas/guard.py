"""Let LEMBAS-RNN add to the masked ridge only as far as held-out samples support, gene by gene."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

from lembas.batches import Batches
from lembas.model import LembasRNN

# Genes of about as many regulators share what is known of how well the network does.
IN_DEGREES: tuple[int, ...] = (1, 2, 5, 10, 20, 50, 100)
_SAMPLES_AT_ONCE = 512


def held_out_factors(model: LembasRNN, held_out: Batches) -> pd.Series:
    r"""Find how much of what the updates add to the skip each gene shall keep.

    With :math:`r` what the skip leaves unexplained and :math:`d` what the updates add,
    both over held-out samples, a gene's own best factor is
    :math:`\sum r d / \sum d^2`. It rests on few samples, so it is shrunk towards that of all genes
    with about as many regulators, which weighs as much as a gene of that group does on average:

    .. math:: \lambda_g = \frac{\sum r d + \kappa \lambda_{group}}{\sum d^2 + \kappa},
       \qquad \kappa = \text{mean of } \textstyle\sum d^2 \text{ in the group}

    Factors are kept within [0, 1].

    Args:
        model: A trained network with a skip.
        held_out: Samples it was not trained on.

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
            direct = model.direct(x)
            added, left = (model(x)[0] - direct).double(), (y - direct).double()
            shared += (left * added).sum(dim=0).cpu()
            square += added.square().sum(dim=0).cpu()
    table = pd.DataFrame({"shared": shared, "square": square}, index=model.outputs)
    return _shrunk(table, _group(model))


def apply_factors(model: LembasRNN, factors: pd.Series) -> None:
    """Multiply what the updates add to each gene, in place: a factor is part of its output weight.

    Args:
        model: A network.
        factors: Result of :func:`held_out_factors`; genes that it lacks are left as they are.
    """
    known = factors.reindex(model.outputs).fillna(1.0).to_numpy()
    factor = torch.from_numpy(known).to(model.output_weights)
    with torch.no_grad():
        model.output_weights.mul_(factor)
        model.output_bias.mul_(factor)


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
