"""Solve the weights of all edges onto genes at once, given the states of the TFs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import joblib
import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from lembas import edge_kernels
from lembas.batches import Batches
from lembas.model import LembasRNN
from lembas.ridge import Regression, solve_gcv
from lembas.sparse import EdgePattern

# Genes with about as many regulators are solved together, padded to the next of these sizes.
_SIZES = np.unique(np.round(1.3 ** np.arange(40)).astype(int))
# Entries of the matrices that are solved together: 4 MB, so that they stay near the processor.
_ENTRIES = 500_000
_SAMPLES_AT_ONCE = 1024
# Genes that one thread works on before it takes others.
_GENES_AT_ONCE = 256


@dataclass(frozen=True, eq=False)
class Weights:
    """Hold the two weights of every edge onto a gene, on standardised inputs and states.

    Attributes:
        direct: On the regulator's input, ``(edge,)``.
        state: On the regulator's state, ``(edge,)``.
    """

    direct: Tensor
    state: Tensor


@dataclass(frozen=True, eq=False)
class Products:
    """Hold products of what the genes' regressions share, so that no samples are needed.

    Attributes:
        gram: Inputs and states of the TFs with each other, ``(2 tf + 1, 2 tf + 1)``; the last row
            and column are 0, for padding.
        projected: Inputs and states with the genes, ``(2 tf + 1, gene)``.
    """

    gram: Tensor
    projected: Tensor


@dataclass(frozen=True, eq=False)
class _Group:
    """Hold genes with about as many regulators, padded to the same number.

    Attributes:
        genes: Columns of the genes, ``(member,)``.
        edges: Their edges, ``(member, place)``; padded with -1.
        features: Inputs, then states of the regulators, ``(member, 2 place)``; padded with the
            last row of the products.
    """

    genes: Tensor
    edges: Tensor
    features: Tensor


class GeneReadout:
    r"""Regress each gene on the inputs and the states of its regulators, by ridge.

    With :math:`x` the inputs and :math:`z` the states, both standardised on the training samples,
    :math:`R(g)` the regulators of gene g and :math:`y` the standardised gene:

    .. math:: \min_{s, m} \; \|y_g - x_{R(g)} s_g - z_{R(g)} m_g\|^2
       + \alpha_g (\|s_g\|^2 + \|m_g\|^2)

    Args:
        model: The network; its outputs that are TFs are left out.
        training: The samples to regress on, standardised.

    Attributes:
        positions: Place of each edge onto a gene among the network's edges, ``(edge,)``, the
            edges sorted by gene and TF as the outputs and TFs are.
        sources: Row of each edge's TF among the TFs, ``(edge,)``.
        genes: Columns of the genes that are regressed.
        inputs: Standardised inputs ``(tf, sample)`` in double precision; 0 for an unmeasured TF.
    """

    def __init__(self, model: LembasRNN, training: Batches) -> None:
        self.training, self.n_tfs = training, len(model.tfs)
        device = training.device
        edges = model.edges.iloc[model.n_block_edges :]
        column = model.outputs.get_indexer(edges["Gene"])
        source = model.tfs.get_indexer(edges["TF"])
        order = np.lexsort((source, column))
        column, source = column[order], source[order]
        self.positions = torch.from_numpy(model.n_block_edges + order).to(device)
        self.sources = torch.from_numpy(source).to(device)
        shape = (len(model.outputs), self.n_tfs)
        self.pattern = EdgePattern(column, source, shape).to(device)
        self._groups = _groups(column, source, self.n_tfs, device)
        self.genes = torch.from_numpy(np.flatnonzero(~model.outputs.isin(model.tfs))).to(device)
        self.inputs = self._collected_inputs(model)
        self._gram_of_inputs = self.inputs @ self.inputs.t()
        self._of_inputs = self._times_genes(self.inputs)
        n_genes = len(model.outputs)
        self._total = torch.zeros(n_genes, dtype=torch.double, device=device)
        for _, y in self._chunks():
            self._total += y.square().sum(dim=0)

    def products(self, states: Tensor) -> Products:
        """Multiply everything that the regressions share.

        Args:
            states: Standardised states ``(tf, sample)``, double precision.
        """
        padding = states.new_zeros((1, len(self._total)))
        across = states @ self.inputs.t()
        above = torch.cat([self._gram_of_inputs, across.t()], dim=1)
        below = torch.cat([across, states @ states.t()], dim=1)
        gram = torch.nn.functional.pad(torch.cat([above, below]), (0, 1, 0, 1))
        return Products(gram, torch.cat([self._of_inputs, self._times_genes(states), padding]))

    def solve(self, products: Products, alpha: Tensor) -> tuple[Weights, float]:
        """Solve all genes' regressions.

        Args:
            products: Of the present states.
            alpha: Penalty of each gene, ``(gene,)``, > 0.

        Returns:
            The weights, and the lowest value of the sum that they minimise, over all genes.
        """
        weights = self._empty()
        explained = 0.0
        for group in self._groups:
            at_once = max(1, _ENTRIES // group.features.shape[1] ** 2)
            for part in _parts(group, at_once):
                columns = part.genes[:, None]
                penalised = _penalised_parts(products.gram, part.features, alpha[part.genes])
                factor = torch.linalg.cholesky(penalised)  # reads the lower triangle alone
                right = products.projected[part.features, columns]
                solution = torch.cholesky_solve(right[:, :, None], factor)[:, :, 0]
                explained += float((right * solution).sum())
                _scatter(weights, part.edges, solution)
        return weights, float(self._total[self.genes].sum()) - explained

    def solve_gcv(self, products: Products, alphas: np.ndarray) -> tuple[Weights, Tensor]:
        """Solve each gene's regression at the penalty that generalised cross-validation prefers.

        Args:
            products: Of the present states.
            alphas: Penalties to choose from, > 0.

        Returns:
            The weights, and the chosen penalties ``(gene,)``; 1 for a gene without regulators.
        """
        weights, alpha = self._empty(), torch.ones_like(self._total)
        arrays = (products.gram, products.projected, self._total)
        gram, projected, total = (part.cpu().numpy() for part in arrays)
        parts = [part for group in self._groups for part in _parts(group, _GENES_AT_ONCE)]

        def solved(part: _Group) -> tuple[np.ndarray, np.ndarray]:
            solution, chosen = np.zeros(part.features.shape), np.empty(len(part.genes))
            features, edges = part.features.cpu().numpy(), part.edges.cpu().numpy()
            for member, gene in enumerate(part.genes.tolist()):
                place = np.flatnonzero(np.tile(edges[member] >= 0, 2))
                own = features[member, place]
                of_gene = (gram[np.ix_(own, own)], projected[own, gene], total[gene])
                problem = Regression(*of_gene, self.inputs.shape[1], np.zeros(len(own)))
                solution[member, place], chosen[member] = solve_gcv(problem, alphas)
            return solution, chosen

        # BLAS' threads cost more than they save on matrices as small as a gene's own.
        with threadpool_limits(1):
            found = joblib.Parallel(torch.get_num_threads(), prefer="threads")(
                joblib.delayed(solved)(part) for part in parts
            )
        for part, (solution, chosen) in zip(parts, found, strict=True):
            alpha[part.genes] = torch.from_numpy(chosen).to(alpha)
            _scatter(weights, part.edges, torch.from_numpy(solution).to(alpha))
        return weights, alpha

    def slope(self, weights: Weights, states: Tensor) -> Tensor:
        """Differentiate the sum of squares with respect to the states, at fixed weights.

        Args:
            weights: Solved weights.
            states: Standardised states ``(tf, sample)``.

        Returns:
            Shape ``(tf, sample)``. As the weights are the best ones for these states, this is the
            whole derivative of the lowest sum (Golub and Pereyra 1973, doi:10.1137/0710036).
        """
        slope = torch.empty_like(states)
        direct, through = self.pattern.matrix(weights.direct), self.pattern.matrix(weights.state)
        back = self.pattern.transposed(weights.state)
        for rows, y in self._chunks():
            left = y.t() - direct @ self.inputs[:, rows] - through @ states[:, rows]
            slope[:, rows] = -2 * (back @ left)
        return slope

    def _empty(self) -> Weights:
        zeros = torch.zeros(len(self.positions), dtype=torch.double, device=self.training.device)
        return Weights(zeros, zeros.clone())

    def _collected_inputs(self, model: LembasRNN) -> Tensor:
        """Collect the standardised inputs, in the order of the TFs."""
        rows = model.block_input_rows
        columns = model.known_inputs[: len(rows)]
        shape = (self.n_tfs, len(self.training.rows))
        inputs = torch.zeros(shape, dtype=torch.double, device=rows.device)
        start = 0
        for x, _ in self.training.in_order(_SAMPLES_AT_ONCE):
            inputs[rows, start : start + len(x)] = x[:, columns].t().double()
            start += len(x)
        return inputs

    def _times_genes(self, values: Tensor) -> Tensor:
        """Multiply values ``(tf, sample)`` with the genes: ``(tf, gene)``."""
        product = values.new_zeros((len(values), self.pattern.shape[0]))
        for rows, y in self._chunks():
            product.addmm_(values[:, rows], y)
        return product

    def _chunks(self) -> Iterator[tuple[slice, Tensor]]:
        """Go through the standardised genes ``(sample, gene)``, some samples at a time."""
        start = 0
        for _, y in self.training.in_order(_SAMPLES_AT_ONCE):
            yield slice(start, start + len(y)), y.double()
            start += len(y)


def _groups(
    column: np.ndarray, source: np.ndarray, n_tfs: int, device: torch.device
) -> list[_Group]:
    """Put genes with about as many regulators together; genes without any are in no group."""
    genes, start, count = np.unique(column, return_index=True, return_counts=True)
    size = _SIZES[np.searchsorted(_SIZES, count)]
    groups = []
    for width in np.unique(size):
        here = size == width
        place = np.arange(width)
        edges = np.where(place < count[here, None], start[here, None] + place, -1)
        regulators = source[edges]
        features = np.hstack(
            [np.where(edges >= 0, regulators + shift, 2 * n_tfs) for shift in (0, n_tfs)]
        )
        tensors = (torch.from_numpy(part).to(device) for part in (genes[here], edges, features))
        groups.append(_Group(*tensors))
    return groups


def _parts(group: _Group, at_once: int) -> Iterator[_Group]:
    """Go through a group's genes, some at a time."""
    for start in range(0, len(group.genes), at_once):
        part = slice(start, start + at_once)
        yield _Group(group.genes[part], group.edges[part], group.features[part])


def _penalised_parts(gram: Tensor, features: Tensor, alpha: Tensor) -> Tensor:
    """Cut out each gene's Gram matrix, with its penalty: ``(gene, place, place)``, lower half."""
    if gram.device.type != "cpu":
        penalty = alpha[:, None].expand(-1, features.shape[1])
        return gram[features[:, :, None], features[:, None, :]] + torch.diag_embed(penalty)
    arrays = (gram.numpy(), features.numpy(), alpha.numpy())
    return torch.from_numpy(edge_kernels.penalised_parts(*arrays))


def _scatter(weights: Weights, edges: Tensor, solution: Tensor) -> None:
    """Write solutions ``(member, 2 place)`` where their edges are."""
    there = edges >= 0
    direct, state = solution.chunk(2, dim=1)
    weights.direct[edges[there]] = direct[there]
    weights.state[edges[there]] = state[there]
