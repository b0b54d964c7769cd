"""Ridge regression with a penalty a gene, on all TFs or on each gene's regulators only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from lembas.labels import PlainState, aligned_columns, check_training_tables
from lembas.linear import Design, LinearModel, gene_chunks, predict_in_rows, thin_svd
from lembas.network import Network

ALPHAS: tuple[float, ...] = tuple(float(alpha) for alpha in np.logspace(-1, 5, 25))


class RidgeGCV(LinearModel):
    r"""Regress every gene on all TFs, with a penalty chosen gene by gene.

    .. math:: \min_\beta \; \|y_g - \beta_{g0} - Z \beta_g\|^2 + \alpha_g \|\beta_g\|^2

    where :math:`Z` are the TFs standardised on the training samples and :math:`\alpha_g`
    minimises the score of :func:`gcv`. All genes and penalties share one singular value
    decomposition of :math:`Z`.

    Args:
        alphas: Penalties to choose from, > 0.

    Attributes:
        coef_: Slopes ``(gene, tf)``, log10 per log10 (of the TFs as they are given).
        alpha_: Series over genes: the chosen penalty.

    References:
        Golub, Heath and Wahba 1979, doi:10.1080/00401706.1979.10489751.
    """

    def __init__(self, alphas: Sequence[float] = ALPHAS) -> None:
        self.alphas = alphas

    def fit(self, X: pd.DataFrame, Y: pd.DataFrame) -> Self:
        """Fit from TF expression ``(sample, tf)`` and gene expression ``(sample, gene)``."""
        check_training_tables(X, Y)
        alphas = checked_alphas(self.alphas)
        design = Design.of(X)
        left, size, right = thin_svd(design.standardised)
        self.tfs_, self.genes_ = X.columns, Y.columns
        self.coef_ = np.empty((Y.shape[1], X.shape[1]))
        mean, alpha = np.empty(Y.shape[1]), np.empty(Y.shape[1])
        for genes, centred, mean_of_chunk in gene_chunks(Y):
            rotated = (centred.T @ left).T
            total = np.einsum("sg,sg->g", centred, centred)
            chosen = alphas[gcv(size**2, rotated, total, len(X), alphas)]
            shrunk = rotated * (size[:, None] / (size[:, None] ** 2 + chosen))
            self.coef_[genes] = (shrunk.T @ right) / design.sd
            mean[genes], alpha[genes] = mean_of_chunk, chosen
        self.alpha_ = pd.Series(alpha, index=self.genes_, name="alpha")
        self.intercept_ = mean - self.coef_ @ design.mean
        return self


class MaskedRidge(PlainState, RegressorMixin, BaseEstimator):
    r"""Regress each gene on its own regulators, with a penalty chosen gene by gene.

    .. math:: \min_\beta \; \|y_g - Z_{R(g)} \beta\|^2 + \alpha_g \|\beta\|^2

    where :math:`Z` are the TFs standardised on the training samples, :math:`R(g)` the
    regulators of gene g in the network, and :math:`\alpha_g` minimises the score of :func:`gcv`.
    All genes share one Gram matrix of the TFs. A gene without a measured regulator is predicted
    by its training mean.

    Args:
        network: Which TF may enter the model of which gene.
        alphas: Penalties to choose from, > 0.

    Attributes:
        coef_: Sparse matrix ``(gene, tf)`` on the standardised TFs, in log10 units of the gene.
        alpha_: Series over genes: the chosen penalty, NaN for a gene without regulators.
        genes_, tfs_: Names of the rows and columns.
    """

    def __init__(self, network: Network | None = None, alphas: Sequence[float] = ALPHAS) -> None:
        self.network = network
        self.alphas = alphas

    def fit(self, X: pd.DataFrame, Y: pd.DataFrame) -> Self:
        """Fit from TF expression ``(sample, tf)`` and gene expression ``(sample, gene)``."""
        check_training_tables(X, Y)
        network, alphas = self._checked_network(), checked_alphas(self.alphas)
        self.tfs_, self.genes_ = X.columns, Y.columns
        design = Design.of(X)
        self.tf_mean_ = pd.Series(design.mean, index=self.tfs_)
        self.tf_sd_ = pd.Series(design.sd, index=self.tfs_)
        regulators = _regulator_matrix(network, self.tfs_, self.genes_)
        mean, alpha = np.empty(Y.shape[1]), np.full(Y.shape[1], np.nan)
        gram = design.gram()
        for genes, centred, mean_of_chunk in gene_chunks(Y):
            projected = centred.T @ design.standardised
            total = np.einsum("sg,sg->g", centred, centred)
            mean[genes] = mean_of_chunk
            # Threads cost more than they save on matrices as small as a gene's own.
            with threadpool_limits(1):
                for position, own_projected, square in zip(
                    range(genes.start, genes.stop), projected, total, strict=True
                ):
                    entries = slice(*regulators.indptr[position : position + 2])
                    own = regulators.indices[entries]
                    if own.size:
                        # What the network says of the edges makes room for their weights.
                        signs = regulators.data[entries].copy()
                        products = (gram[np.ix_(own, own)], own_projected[own], square)
                        problem = Regression(*products, len(X), signs)
                        regulators.data[entries], alpha[position] = self._solve(problem, alphas)
        self.coef_ = regulators
        self.alpha_ = pd.Series(alpha, index=self.genes_, name="alpha")
        self.train_mean_ = pd.Series(mean, index=self.genes_)
        return self

    def _checked_network(self) -> Network:
        if self.network is None:
            raise ValueError(
                f"{type(self).__name__} needs a network: pass network=Network.read(path)"
            )
        return self.network

    def _solve(self, problem: Regression, alphas: np.ndarray) -> tuple[np.ndarray, float]:
        """Solve one gene's problem: weights of its regulators, and the penalty."""
        return solve_gcv(problem, alphas)

    def predict(self, X: pd.DataFrame) -> pd.DataFrame:
        """Predict gene expression, ``(sample, gene)``, log10."""
        check_is_fitted(self)
        X = aligned_columns(X, self.tfs_)
        tf_mean, tf_sd = self.tf_mean_.to_numpy(), self.tf_sd_.to_numpy()
        train_mean = self.train_mean_.to_numpy()

        def predict(rows: np.ndarray) -> np.ndarray:
            standardised = (rows - tf_mean) / tf_sd
            return (self.coef_ @ np.ascontiguousarray(standardised.T)).T + train_mean

        return predict_in_rows(X, self.genes_, predict)


def gcv(
    value: np.ndarray,
    rotated: np.ndarray,
    total: np.ndarray,
    n_samples: int,
    alphas: np.ndarray,
) -> np.ndarray:
    r"""Choose each gene's penalty by generalised cross-validation.

    .. math:: \mathrm{GCV}_g(\alpha) =
       \frac{\|y_g - \hat y_g(\alpha)\|^2}{(n - \mathrm{df}(\alpha))^2}, \qquad
       \mathrm{df}(\alpha) = 1 + \sum_k \frac{\lambda_k}{\lambda_k + \alpha}

    The mean counts as one degree of freedom. No pass over the samples is needed: a component is
    shrunk by :math:`\lambda / (\lambda + \alpha)`, and what is left of it is residual.

    Args:
        value: Eigenvalues of the Gram matrix of the centred inputs, ``(component,)``, >= 0.
        rotated: Centred genes projected on the left singular vectors, ``(component, gene)``.
        total: Sum of squares of each centred gene, ``(gene,)``.
        n_samples: Number of samples.
        alphas: Penalties to choose from, > 0.

    Returns:
        Position of each gene's penalty in ``alphas``; the first where several do equally well.

    References:
        Golub, Heath and Wahba 1979, doi:10.1080/00401706.1979.10489751.
    """
    left = alphas[:, None] / (value + alphas[:, None])
    square = rotated**2
    # Summing what is left, instead of subtracting what is explained, loses no digits where the
    # components explain a gene fully.
    outside = np.clip(total - square.sum(axis=0), 0, None)
    residual = outside + left**2 @ square
    spare = n_samples - 1 - value.size + left.sum(axis=1)
    # With more components than samples the spare degrees of freedom may round to 0.
    spare = np.clip(spare, np.finfo(float).eps, None)
    return np.argmin(residual / spare[:, None] ** 2, axis=0)


@dataclass(frozen=True, eq=False)
class Regression:
    """Pose one gene's regression on its regulators, standardised, without the samples.

    Attributes:
        gram: Products of the regulators with each other, ``(tf, tf)``.
        projected: Products of the regulators with the centred gene, ``(tf,)``.
        total: Sum of squares of the centred gene.
        n_samples: Number of samples.
        signs: What the network says of the edges: 1, -1 or 0 (unknown), ``(tf,)``.
    """

    gram: np.ndarray
    projected: np.ndarray
    total: float
    n_samples: int
    signs: np.ndarray


def solve_gcv(problem: Regression, alphas: np.ndarray) -> tuple[np.ndarray, float]:
    """Solve one gene's ridge problem from its Gram matrix at the penalty that GCV prefers."""
    value, vector = np.linalg.eigh(problem.gram)
    value = np.clip(value, 0, None)
    component = vector.T @ problem.projected
    # Along a direction in which the samples do not differ there is nothing to explain.
    varies = value > len(value) * np.finfo(float).eps * value[-1]
    rotated = np.zeros_like(component)
    rotated[varies] = component[varies] / np.sqrt(value[varies])
    total = np.array([problem.total])
    best = gcv(value, rotated[:, None], total, problem.n_samples, alphas)[0]
    return vector @ (component / (value + alphas[best])), float(alphas[best])


def _regulator_matrix(network: Network, tfs: pd.Index, genes: pd.Index) -> sparse.csr_array:
    """Mark the edges: ``(gene, tf)``, their sign where the TF may enter the gene's model."""
    row, column, sign = network.positions(tfs, genes)
    keep = genes[row] != tfs[column]  # a gene must not predict itself
    shape = (len(genes), len(tfs))
    entries = (sign[keep].astype(float), (row[keep], column[keep]))
    return sparse.csr_array(entries, shape=shape)


def checked_alphas(alphas: Sequence[float]) -> np.ndarray:
    """Refuse penalties that are not positive numbers."""
    values = np.asarray(alphas, dtype=float)
    if values.size == 0 or not ((values > 0) & np.isfinite(values)).all():
        raise ValueError(f"alphas must be positive numbers, got {list(alphas)[:5]}")
    return values
