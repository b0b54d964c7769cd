"""Partial least squares of all genes on all TFs, from one decomposition."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

import numpy as np
import pandas as pd
from scipy import linalg
from scipy.sparse.linalg import LinearOperator, eigsh
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from lembas.labels import PlainState, aligned_columns, check_training_tables
from lembas.linear import Design, gene_chunks, predict_in_rows, thin_svd

# Directions along which TFs vary, or TFs and genes vary together, less than this share of the
# largest are rounding.
_NEGLIGIBLE = 1e-10
# Up to this size all eigenvectors cost no more than one.
_DENSE = 64


class PLS(PlainState, RegressorMixin, BaseEstimator):
    r"""Regress all genes on a few components of the TFs that vary most with the genes.

    .. math:: w_j = \arg\max_{\|w\| = 1} \; \| Y^\top Z_j w \|, \qquad
       Z_{j+1} = Z_j - t_j p_j^\top, \quad t_j = Z_j w_j, \quad
       p_j = Z_j^\top t_j / t_j^\top t_j

    where :math:`Z_1` are the TFs and :math:`Y` the genes, both standardised on the training
    samples. It is scikit-learn's ``PLSRegression``. There every iteration of every component
    passes over all TFs and genes; here they enter once, through the singular vectors of
    :math:`Z` and one Gram matrix of the genes as seen by these, whose size is that of the samples
    or of the TFs, whichever are fewer.

    Args:
        n_components: Components, >= 1; fewer where the TFs have fewer directions.

    Attributes:
        rotations_: From centred TFs to components, ``(tf, component)``.
        loadings_: From components to genes, ``(component, gene)``, log10.
        tf_mean_, intercept_: Mean of each TF, and of each gene, log10.
        genes_, tfs_: Names of outputs and inputs.

    References:
        Wold, Sjöström and Eriksson 2001, doi:10.1016/S0169-7439(01)00155-1.
    """

    def __init__(self, n_components: int = 10) -> None:
        self.n_components = n_components

    def fit(self, X: pd.DataFrame, Y: pd.DataFrame) -> Self:
        """Fit from TF expression ``(sample, tf)`` and gene expression ``(sample, gene)``."""
        check_training_tables(X, Y)
        if self.n_components < 1:
            raise ValueError(f"n_components must be at least 1, got {self.n_components}")
        design = Design.of(X)
        left, size, right = thin_svd(design.standardised)
        kept = size > _NEGLIGIBLE * size[0]
        left, size, right = left[:, kept], size[kept], right[kept]
        gram = np.zeros((len(size), len(size)))
        for _, standardised, _, _ in _standardised_chunks(Y):
            seen = left.T @ standardised
            gram += seen @ seen.T
        scores, rotations = _components(size, gram, self.n_components)
        self.tfs_, self.genes_ = X.columns, Y.columns
        self.tf_mean_ = pd.Series(design.mean, index=self.tfs_)
        self.rotations_ = (right.T @ rotations) / design.sd[:, None]
        self.loadings_ = np.empty((scores.shape[1], Y.shape[1]))
        intercept, on_samples = np.empty(Y.shape[1]), left @ scores
        for genes, standardised, mean, sd in _standardised_chunks(Y):
            self.loadings_[:, genes] = (on_samples.T @ standardised) * sd
            intercept[genes] = mean
        self.intercept_ = pd.Series(intercept, index=self.genes_)
        return self

    @property
    def coef_(self) -> np.ndarray:
        """Slopes ``(gene, tf)``, log10 per log10."""
        return (self.rotations_ @ self.loadings_).T

    def predict(self, X: pd.DataFrame) -> pd.DataFrame:
        """Predict gene expression, ``(sample, gene)``, log10."""
        check_is_fitted(self)
        X = aligned_columns(X, self.tfs_)
        tf_mean, intercept = self.tf_mean_.to_numpy(), self.intercept_.to_numpy()

        def predict(rows: np.ndarray) -> np.ndarray:
            return ((rows - tf_mean) @ self.rotations_) @ self.loadings_ + intercept

        return predict_in_rows(X, self.genes_, predict)


def _standardised_chunks(
    Y: pd.DataFrame,
) -> Iterator[tuple[slice, np.ndarray, np.ndarray, np.ndarray]]:
    """Go through standardised genes: the columns, their values, means and deviations."""
    for genes, centred, mean in gene_chunks(Y):
        sd = np.sqrt(np.einsum("sg,sg->g", centred, centred) / len(centred))
        sd[sd == 0] = 1.0
        centred /= sd
        yield genes, centred, mean, sd


def _components(
    size: np.ndarray, gram: np.ndarray, n_components: int
) -> tuple[np.ndarray, np.ndarray]:
    """Find the components in the coordinates of the TFs' singular vectors.

    Args:
        size: Singular values of the standardised TFs, ``(direction,)``, > 0.
        gram: Genes' Gram matrix along the left singular vectors, ``(direction, direction)``.
        n_components: Components to find at most.

    Returns:
        Scores of unit length along the left singular vectors, ``(direction, component)``, and what
        makes them of the right ones, same shape.
    """
    value, vector = linalg.eigh(gram)
    # As good as the genes themselves: its products with itself are theirs.
    genes = vector * np.sqrt(np.clip(value, 0, None))
    tfs = np.diag(size)
    shared = tfs.T @ genes
    first = np.linalg.norm(shared)
    weights, loadings, scores = [], [], []
    for _ in range(min(n_components, len(size))):
        # Without anything left in common a component would be made of rounding.
        if np.linalg.norm(shared) <= _NEGLIGIBLE * first:
            break
        weight = _leading_vector(shared)
        score = tfs @ weight
        score /= (length := np.linalg.norm(score))
        loading = tfs.T @ score
        tfs -= np.outer(score, loading)
        shared -= np.outer(loading, score @ genes)
        weights.append(weight / length)
        loadings.append(loading)
        scores.append(score)
    if not scores:
        return np.empty((len(size), 0)), np.empty((len(size), 0))
    all_weights, all_loadings = np.array(weights), np.column_stack(loadings)
    return np.column_stack(scores), linalg.solve(all_weights @ all_loadings, all_weights).T


def _leading_vector(values: np.ndarray) -> np.ndarray:
    """Find the left singular vector of the largest singular value."""
    n_rows = len(values)
    if n_rows <= _DENSE:
        return np.linalg.eigh(values @ values.T)[1][:, -1]
    product = LinearOperator((n_rows, n_rows), lambda v: values @ (values.T @ v), dtype=float)
    # A start of its own: ARPACK's is random.
    start = values[:, np.argmax(np.einsum("ij,ij->j", values, values))]
    return eigsh(product, k=1, v0=start)[1][:, 0]
