"""Ridge regression that may be restricted to each gene's regulators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from lembas.labels import PlainState, aligned_columns, check_training_tables
from lembas.network import Network

ALPHAS: tuple[float, ...] = tuple(float(alpha) for alpha in np.logspace(-1, 5, 25))


class MaskedRidge(PlainState, RegressorMixin, BaseEstimator):
    r"""Regress each gene on its own regulators, with a penalty chosen gene by gene.

    .. math:: \min_\beta \; \|y_g - Z_{R(g)} \beta\|^2 + \alpha_g \|\beta\|^2

    where :math:`Z` are the TFs standardised on the training samples, :math:`R(g)` the
    regulators of gene g in the network, and :math:`\alpha_g` minimises the generalised
    cross-validation score. All genes share one Gram matrix of the TFs. A gene without a measured
    regulator is predicted by its training mean.

    Args:
        network: Which TF may enter the model of which gene.
        alphas: Penalties to choose from, > 0.

    Attributes:
        coef_: Sparse matrix ``(gene, tf)`` on the standardised TFs, in log10 units of the gene.
        alpha_: Series over genes: the chosen penalty, NaN for a gene without regulators.
        genes_, tfs_: Names of the rows and columns.

    References:
        Golub, Heath and Wahba 1979, doi:10.1080/00401706.1979.10489751.
    """

    def __init__(self, network: Network | None = None, alphas: Sequence[float] = ALPHAS) -> None:
        self.network = network
        self.alphas = alphas

    def fit(self, X: pd.DataFrame, Y: pd.DataFrame) -> Self:
        """Fit from TF expression ``(sample, tf)`` and gene expression ``(sample, gene)``."""
        check_training_tables(X, Y)
        if self.network is None:
            raise ValueError("MaskedRidge needs a network: pass network=Network.read(path)")
        alphas = np.asarray(self.alphas, dtype=float)
        if alphas.size == 0 or not ((alphas > 0) & np.isfinite(alphas)).all():
            raise ValueError(f"alphas must be positive numbers, got {list(self.alphas)[:5]}")
        self.tfs_, self.genes_ = X.columns, Y.columns
        self.tf_mean_ = X.mean().astype(float)
        # A constant's standard deviation may be rounding instead of 0, which would blow it up.
        self.tf_sd_ = X.std(ddof=0).astype(float).where(X.max() > X.min(), 1.0)
        self.train_mean_ = Y.mean().astype(float)
        regulators = _regulator_matrix(self.network, self.tfs_, self.genes_)
        standardised = ((X - self.tf_mean_) / self.tf_sd_).to_numpy(float)
        centred = (Y - self.train_mean_).to_numpy(float)
        self.coef_, alpha = _fit_genes(standardised, centred, regulators, alphas)
        self.alpha_ = pd.Series(alpha, index=self.genes_, name="alpha")
        return self

    def predict(self, X: pd.DataFrame) -> pd.DataFrame:
        """Predict gene expression, ``(sample, gene)``, log10."""
        check_is_fitted(self)
        X = aligned_columns(X, self.tfs_)
        standardised = ((X - self.tf_mean_) / self.tf_sd_).to_numpy(float)
        values = np.asarray((self.coef_ @ standardised.T).T) + self.train_mean_.to_numpy()
        return pd.DataFrame(values, index=X.index, columns=self.genes_)


def _regulator_matrix(network: Network, tfs: pd.Index, genes: pd.Index) -> sparse.csr_array:
    """Mark the edges: ``(gene, tf)``, 1 where the TF may enter the gene's model."""
    row, column, _ = network.positions(tfs, genes)
    keep = genes[row] != tfs[column]  # a gene must not predict itself
    shape = (len(genes), len(tfs))
    return sparse.csr_array((np.ones(keep.sum()), (row[keep], column[keep])), shape=shape)


def _fit_genes(
    tf: np.ndarray, gene: np.ndarray, regulators: sparse.csr_array, alphas: np.ndarray
) -> tuple[sparse.csr_array, np.ndarray]:
    """Solve every gene's ridge problem; return coefficients and chosen penalties."""
    gram, projected = tf.T @ tf, tf.T @ gene
    total = np.einsum("sg,sg->g", gene, gene)
    coefficients = regulators.copy()
    chosen = np.full(gene.shape[1], np.nan)
    for position in np.flatnonzero(np.diff(regulators.indptr)):
        start, stop = regulators.indptr[position : position + 2]
        own = regulators.indices[start:stop]
        coefficients.data[start:stop], chosen[position] = _solve_gcv(
            gram[np.ix_(own, own)], projected[own, position], total[position], len(tf), alphas
        )
    return coefficients, chosen


def _solve_gcv(
    gram: np.ndarray, projected: np.ndarray, total: float, n_samples: int, alphas: np.ndarray
) -> tuple[np.ndarray, float]:
    r"""Solve one gene's ridge problem from its Gram matrix at the penalty that GCV prefers.

    With eigenvalues :math:`\lambda` and rotated projections c, the residual sum of squares is
    :math:`y'y - \sum c^2 (\lambda + 2\alpha)/(\lambda + \alpha)^2`, so no pass over the samples
    is needed; the mean counts as one degree of freedom.
    """
    value, vector = np.linalg.eigh(gram)
    value = np.clip(value, 0, None)
    rotated = vector.T @ projected
    shrunk = value[:, None] + alphas
    residual = total - (rotated[:, None] ** 2 * (value[:, None] + 2 * alphas) / shrunk**2).sum(0)
    freedom = 1 + (value[:, None] / shrunk).sum(axis=0)
    spare = np.clip(n_samples - freedom, 1e-9, None)
    best = int(np.argmin(np.clip(residual, 0, None) / spare**2))
    return vector @ (rotated / shrunk[:, best]), float(alphas[best])
