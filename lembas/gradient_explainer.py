"""Attributions of LEMBAS-RNN, by expected gradients."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from tqdm import tqdm

from lembas.channels import LembasChannels
from lembas.ensemble import LembasEnsemble
from lembas.explainers import Explained, Settings
from lembas.formats import listed
from lembas.training import LembasRegressor

# Nodes on the way from background to sample: four times as many until the attributions add up.
NODES = (2, 8, 32)
# Copies of an input's size that are held for each row beside one for every update: measured by
# tests.bench.explaining, with what the memory allocator keeps.
_COPIES = 24
# More rows at once are no faster: the states no longer fit into a processor's cache.
_MOST_ROWS = 1024
AnyLembas = LembasRegressor | LembasEnsemble | LembasChannels


@dataclass(frozen=True, eq=False)
class Points:
    """Hold the points at which gradients are taken, and how much each counts.

    Attributes:
        sample: Row of the sample, ``(point,)``.
        base: Row of the background sample, ``(point,)``.
        position: How far from it to the sample, 0 to 1, ``(point,)``.
        weight: Share in the sample's attribution, ``(point,)``; those of a sample sum to 1.
    """

    sample: np.ndarray
    base: np.ndarray
    position: np.ndarray
    weight: np.ndarray

    @classmethod
    def drawn(cls, n_samples: int, n_background: int, n_draws: int, seed: int) -> Points:
        """Draw a background sample and a place on the way, so many times for every sample."""
        generator = np.random.default_rng(seed)
        sample = np.repeat(np.arange(n_samples), n_draws)
        base = generator.integers(n_background, size=len(sample))
        weight = np.full(len(sample), 1 / n_draws)
        return cls(sample, base, generator.random(len(sample)), weight)

    def __len__(self) -> int:
        """Count the points."""
        return len(self.sample)

    def part(self, rows: slice) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Take some points, as tensors."""
        real = (self.position[rows].astype(np.float32), self.weight[rows].astype(np.float32))
        whole = (self.sample[rows], self.base[rows])
        sample, base, position, weight = map(torch.from_numpy, (*whole, *real))
        return sample, base, position[:, None], weight[:, None]


@dataclass(frozen=True)
class Grid:
    """Place Gauss-Legendre nodes on the way from every background sample to every sample.

    The points are made when they are asked for: those of thousands of samples would take more
    memory than the gradients at some of them.

    Attributes:
        n_samples: Samples.
        n_background: Background samples.
        n_nodes: Nodes on each way.
    """

    n_samples: int
    n_background: int
    n_nodes: int

    def __len__(self) -> int:
        """Count the points."""
        return self.n_samples * self.n_background * self.n_nodes

    def part(self, rows: slice) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Take some points, as :meth:`Points.part` does."""
        nodes, weights = np.polynomial.legendre.leggauss(self.n_nodes)
        shape = (self.n_samples, self.n_background, self.n_nodes)
        sample, base, node = np.unravel_index(np.arange(*rows.indices(len(self))), shape)
        points = Points(sample, base, (nodes[node] + 1) / 2, weights[node] / 2 / self.n_background)
        return points.part(slice(None))


def explain_network(
    model: AnyLembas,
    X: pd.DataFrame,
    background: pd.DataFrame,
    genes: pd.Index,
    settings: Settings,
) -> Explained:
    r"""Average (x - b) times the gradient along the way from every background b to x.

    .. math:: \phi_t = E_b \int_0^1 (x_t - b_t) \,
       \frac{\partial \hat y}{\partial x_t}(b + u (x - b)) \, du

    What the states are does not depend on the gene, so all genes share one pass forwards. An
    ensemble's attributions are the mean of its networks', at the same points.

    References:
        Erion et al. 2021, doi:10.1038/s42256-021-00343-w.
    """
    x, base = (torch.from_numpy(part.to_numpy(np.float32, copy=True)) for part in (X, background))
    sizes = (len(X), len(background))
    notes: tuple[str, ...] = ()
    if settings.mode == "random":
        points = Points.drawn(*sizes, settings.n_draws, settings.seed)
        found = _attributed(model.restricted(genes), x, base, points, settings)
        how = f"{settings.n_draws} random draws"
    else:
        found, n_nodes, left = _quadrature(model, x, base, genes, settings)
        how, notes = f"quadrature, {n_nodes} nodes", _missed(left, settings)
    if isinstance(model, LembasEnsemble):
        how = f"{how}, mean of {len(model.members_)} networks"
    values = {
        gene: pd.DataFrame(found[number], index=X.index, columns=X.columns)
        for number, gene in enumerate(genes)
    }
    return Explained(values, f"expected gradients, {how}", notes)


def _quadrature(
    model: AnyLembas,
    x: Tensor,
    base: Tensor,
    genes: pd.Index,
    settings: Settings,
) -> tuple[np.ndarray, int, pd.Series]:
    """Take more nodes, for the genes that need it, until the attributions add up.

    Returns:
        Attributions ``(gene, sample, tf)``, the most nodes taken, and the errors over the SD of
        the prediction that are still too large, over ``gene``.
    """
    found = np.zeros((len(genes), *x.shape))
    left = np.arange(len(genes))
    for n_nodes in NODES:
        smaller = model.restricted(genes[left])
        points = Grid(len(x), len(base), n_nodes)
        found[left] = _attributed(smaller, x, base, points, settings)
        over, at = (_predicted(smaller, part, settings) for part in (base, x))
        error = found[left].sum(axis=2).T - (at - over.mean(axis=0))
        # A single sample does not vary.
        sd = np.where(_spread(at) > 0, _spread(at), _spread(over))
        size = np.sqrt((error**2).mean(axis=0))
        above = size > settings.tolerance * sd
        left = left[above]
        if not len(left):
            break
    # What does not vary has no SD to judge by.
    relative = np.divide(size, sd, out=np.full_like(size, np.nan), where=sd > 0)[above]
    return found, n_nodes, pd.Series(relative, genes[left]).dropna()


def _spread(predicted: np.ndarray) -> np.ndarray:
    """SD of each gene's predictions, exactly 0 where all are equal, whatever rounding says."""
    return np.where(np.ptp(predicted, axis=0) > 0, predicted.std(axis=0), 0)


def _missed(errors: pd.Series, settings: Settings) -> tuple[str, ...]:
    """Say for which genes no number of nodes was enough; nothing where there is no such gene."""
    if errors.empty:
        return ()
    return (
        f"with {NODES[-1]} nodes, the most that are taken, the attributions of "
        f"{listed(errors.index)} do not add up within {100 * settings.tolerance:.2g} % of the SD "
        f"of the prediction; the largest error is {100 * errors.max():.2g} %",
    )


def _attributed(
    model: AnyLembas,
    x: Tensor,
    base: Tensor,
    points: Points | Grid,
    settings: Settings,
) -> np.ndarray:
    """Attribute one network, or average over an ensemble's, ``(gene, sample, tf)``."""
    total = np.zeros((len(model.genes_), *x.shape))
    for member in _members(model):
        total += _of_one(member, x, base, points, settings)
    return total / len(_members(model))


def _members(model: AnyLembas) -> list[LembasRegressor | LembasChannels]:
    return model.members_ if isinstance(model, LembasEnsemble) else [model]


def _of_one(
    model: LembasRegressor | LembasChannels,
    x: Tensor,
    base: Tensor,
    points: Points | Grid,
    settings: Settings,
) -> np.ndarray:
    """Sum gradients at the points times the way, ``(gene, sample, tf)``, double precision."""
    for parameter in model.network_.parameters():
        parameter.requires_grad_(False)  # else their gradients would be computed too
    device = next(model.network_.parameters()).device
    x, base = x.to(device), base.to(device)
    n_genes = len(model.genes_)
    total = torch.zeros((n_genes, *x.shape), dtype=torch.double, device=device)
    n_rows = _rows_at_once(model, settings.max_memory_mb)
    starts = range(0, len(points), n_rows)
    for start in tqdm(starts, desc="expected gradients", disable=not settings.progress):
        sample, at, position, weight = (
            part.to(device) for part in points.part(slice(start, start + n_rows))
        )
        away = x[sample] - base[at]
        rows = torch.addcmul(base[at], position, away).requires_grad_(True)
        predicted = model.predict_tensor(rows).sum(dim=0)
        away = away * weight
        for gene in range(n_genes):
            more = gene + 1 < n_genes
            (gradient,) = torch.autograd.grad(predicted[gene], rows, retain_graph=more)
            total[gene].index_add_(0, sample, (gradient * away).double())
    return total.cpu().numpy()


def _predicted(model: AnyLembas, x: Tensor, settings: Settings) -> np.ndarray:
    """Predict some rows at once, ``(sample, gene)``, double precision."""
    with torch.no_grad():
        n_rows = min(_rows_at_once(one, settings.max_memory_mb) for one in _members(model))
        parts = x.split(n_rows)
        return torch.cat([model.predict_tensor(part) for part in parts]).double().cpu().numpy()


def _rows_at_once(model: LembasRegressor | LembasChannels, max_memory_mb: float) -> int:
    """Find how many rows may be held: a state for each update, and some copies of the inputs."""
    network = model.network_
    of_a_row = 4 * len(network.tfs) * (network.config.max_steps + _COPIES)
    return max(1, min(math.floor(max_memory_mb * 1e6 / of_a_row), _MOST_ROWS))
