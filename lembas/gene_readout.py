"""Solve the weights of all edges onto genes at once, given the states of the TFs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import joblib
import numpy as np
import torch
from torch import Tensor

from lembas import edge_kernels
from lembas.batches import Batches
from lembas.model import LembasRNN
from lembas.sparse import EdgePattern

# Genes with about as many regulators are solved together, padded to the next of these sizes.
_SIZES = np.unique(np.round(1.3 ** np.arange(40)).astype(int))
# Entries of the matrices that are solved together: 4 MB, so that they stay near a core.
_ENTRIES = 500_000
_SAMPLES_AT_ONCE = 1024
# Genes of so many values stay in memory in double precision: 64 MB.
_KEPT_VALUES = 8_000_000


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
            and column are 0, for padding. States times inputs stand below the diagonal alone.
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
        self._kept: list[Tensor] = []
        self.inputs = self._collected_inputs(model)
        self._gram_of_inputs = self.inputs @ self.inputs.t()
        n_genes = len(model.outputs)
        self._of_inputs = self.inputs.new_zeros((self.n_tfs, n_genes))
        self._add_times_genes(self.inputs, self._of_inputs)
        self._total = torch.zeros(n_genes, dtype=torch.double, device=device)
        for _, y in self._chunks():
            self._total += y.square().sum(dim=0)

    def products(self, states: Tensor) -> Products:
        """Multiply everything that the regressions share.

        Args:
            states: Standardised states ``(tf, sample)``, double precision.
        """
        n, n_genes = self.n_tfs, len(self._total)
        gram, projected = states.new_zeros((2 * n + 1,) * 2), states.new_zeros((2 * n + 1, n_genes))
        gram[:n, :n], projected[:n] = self._gram_of_inputs, self._of_inputs
        gram[n:-1, :n], gram[n:-1, n:-1] = states @ self.inputs.t(), states @ states.t()
        self._add_times_genes(states, projected[n:-1])
        return Products(gram, projected)

    def solve(self, products: Products, alpha: Tensor) -> tuple[Weights, float]:
        """Solve all genes' regressions.

        Args:
            products: Of the present states.
            alpha: Penalty of each gene, ``(gene,)``, > 0.

        Returns:
            The weights, and the lowest value of the sum that they minimise, over all genes.
        """

        def solved(part: _Group) -> tuple[Tensor, Tensor]:
            penalised = _penalised_parts(products.gram, part.features, alpha[part.genes])
            factor = torch.linalg.cholesky(penalised)  # reads the lower half alone
            right = products.projected[part.features, part.genes[:, None]]
            solution = torch.cholesky_solve(right[:, :, None], factor)[:, :, 0]
            return solution, (right * solution).sum()

        weights, explained = self._empty(), torch.zeros_like(self._total[0])
        for part, (solution, own) in self._in_threads(solved):
            explained += own
            _scatter(weights, part.edges, solution)
        return weights, float(self._total[self.genes].sum() - explained)

    def solve_gcv(self, products: Products, alphas: np.ndarray) -> tuple[Weights, Tensor]:
        """Solve each gene's regression at the penalty that generalised cross-validation prefers.

        Args:
            products: Of the present states.
            alphas: Penalties to choose from, > 0.

        Returns:
            The weights, and the chosen penalties ``(gene,)``; 1 for a gene without regulators.
        """
        weights, alpha = self._empty(), torch.ones_like(self._total)
        choices = torch.from_numpy(alphas).to(alpha)

        def solved(part: _Group) -> tuple[Tensor, Tensor]:
            at = part.features
            nothing = torch.zeros_like(self._total[part.genes])
            gram = _penalised_parts(products.gram, at, nothing)  # eigh reads the lower half alone
            right = products.projected[at, part.genes[:, None]]
            total, n_samples = self._total[part.genes], self.inputs.shape[1]
            return _solve_gcv(gram, right, total, n_samples, choices)

        for part, (solution, chosen) in self._in_threads(solved):
            alpha[part.genes] = chosen
            _scatter(weights, part.edges, solution)
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
        direct, through = self.pattern.matrix(weights.direct), self.pattern.matrix(weights.state)
        back = self.pattern.transposed(weights.state)
        # What comes back of a prediction are products of TFs with TFs, which is far less than one
        # of genes with samples.
        slope = (back @ direct) @ self.inputs + (back @ through) @ states
        for rows, y in self._chunks():
            slope[:, rows] -= back @ y.t()
        return slope.mul_(2)

    def _in_threads(
        self, solved: Callable[[_Group], tuple[Tensor, Tensor]]
    ) -> Iterator[tuple[_Group, tuple[Tensor, Tensor]]]:
        """Solve all genes, some at a time, in as many threads as torch has.

        The order, and so every sum, is the same for any number of threads.
        """
        parts = [
            part
            for group in self._groups
            for part in _parts(group, max(1, _ENTRIES // group.features.shape[1] ** 2))
        ]
        with _one_thread_each() as n_threads:
            found = joblib.Parallel(n_threads, prefer="threads")(
                joblib.delayed(solved)(part) for part in parts
            )
        return zip(parts, found, strict=True)

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

    def _add_times_genes(self, values: Tensor, total: Tensor) -> None:
        """Add the product of values ``(tf, sample)`` with the genes to ``(tf, gene)``."""
        for rows, y in self._chunks():
            total.addmm_(values[:, rows], y)

    def _chunks(self) -> Iterator[tuple[slice, Tensor]]:
        """Go through the standardised genes ``(sample, gene)``, some samples at a time."""
        start = 0
        for y in self._kept or self._drawn_genes():
            yield slice(start, start + len(y)), y
            start += len(y)

    def _drawn_genes(self) -> Iterator[Tensor]:
        """Standardise the genes once and for all where they are small, else each time."""
        drawn = (y.double() for _, y in self.training.in_order(_SAMPLES_AT_ONCE))
        if len(self.training.rows) * self.pattern.shape[0] > _KEPT_VALUES:
            return drawn
        self._kept = list(drawn)
        return iter(self._kept)


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


@contextmanager
def _one_thread_each() -> Iterator[int]:
    """Keep torch from sharing a gene's small matrices out; give the number of threads it had."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield n_threads
    finally:
        torch.set_num_threads(n_threads)


def _solve_gcv(
    gram: Tensor, right: Tensor, total: Tensor, n_samples: int, alphas: Tensor
) -> tuple[Tensor, Tensor]:
    """Solve genes' regressions as :func:`lembas.ridge.solve_gcv` does one, all at once.

    A feature that stands for padding is an eigenvalue of 0: it explains nothing, and leaves the
    degrees of freedom as they are.

    Args:
        gram: Products of each gene's features with each other, ``(gene, place, place)``.
        right: Products of the features with the gene, ``(gene, place)``.
        total: Sum of squares of each gene, ``(gene,)``.
        n_samples: Number of samples.
        alphas: Penalties to choose from, ``(choice,)``.

    Returns:
        Weights ``(gene, place)`` and the chosen penalties ``(gene,)``.
    """
    value, vector = torch.linalg.eigh(gram)
    value = value.clamp(min=0)
    component = (vector.transpose(1, 2) @ right[:, :, None])[:, :, 0]
    least = value.shape[1] * torch.finfo(value.dtype).eps * value[:, -1:]
    # Along a direction in which the samples do not differ there is nothing to explain.
    square = torch.where(value > least, component.square() / value, 0.0)
    left = alphas[:, None, None] / (value + alphas[:, None, None])
    residual = (total - square.sum(dim=1)).clamp(min=0) + (left.square() * square).sum(dim=2)
    spare = n_samples - 1 - value.shape[1] + left.sum(dim=2)
    # With more components than samples the spare degrees of freedom may round to 0.
    spare = spare.clamp(min=torch.finfo(value.dtype).eps)
    chosen = alphas[(residual / spare.square()).argmin(dim=0)]
    shrunk = component / (value + chosen[:, None])
    return (vector @ shrunk[:, :, None])[:, :, 0], chosen


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
