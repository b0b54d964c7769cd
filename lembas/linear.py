"""Ordinary least squares for all genes at once, and what the linear models share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from scipy import linalg
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from lembas.labels import PlainState, aligned_columns, check_training_tables

# Genes and samples handled at once: bounds the copies in double precision at some 100 MB.
GENES_AT_ONCE = 512
SAMPLES_AT_ONCE = 1024

# Condition number of the standardised TFs up to which the normal equations, which square it, are
# trusted. Measured on designs of 20 to 600 TFs: predictions of new samples differ from
# scikit-learn's by up to 3e-12 at 100, 4e-11 at 200, 2e-10 at 300 and 3e-5 at 20,000. A step of
# iterative refinement would double the work, whereas the stable solver adds less than half.
MOST_CONDITION = 200.0

# scikit-learn's LinearRegression treats singular values below this share of the largest as 0.
NEGLIGIBLE_SINGULAR_VALUE = 1e-6


@dataclass(frozen=True, eq=False)
class Design:
    """Hold the TFs of the training samples, standardised, in double precision.

    Attributes:
        standardised: Shape ``(sample, tf)``; a TF that does not vary is 0 throughout.
        mean: Mean of each TF, log10.
        sd: Standard deviation of each TF (divided by n), log10; 1 for one that does not vary.
    """

    standardised: np.ndarray
    mean: np.ndarray
    sd: np.ndarray

    @classmethod
    def of(cls, X: pd.DataFrame) -> Design:
        """Standardise TF expression ``(sample, tf)``."""
        centred, mean = _centred(_numbers(X))
        sd = np.sqrt(np.einsum("st,st->t", centred, centred) / len(centred))
        sd[sd == 0] = 1.0
        centred /= sd
        return cls(centred, mean, sd)

    def gram(self) -> np.ndarray:
        """Multiply the standardised TFs with themselves, ``(tf, tf)``."""
        return self.standardised.T @ self.standardised


def gene_chunks(Y: pd.DataFrame) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """Go through gene expression some genes at a time.

    Args:
        Y: Gene expression ``(sample, gene)``, log10, in single or double precision.

    Yields:
        The chunk's columns, its centred values in double precision, and the genes' means.
    """
    values = _numbers(Y)
    for start in range(0, values.shape[1], GENES_AT_ONCE):
        genes = slice(start, min(start + GENES_AT_ONCE, values.shape[1]))
        yield genes, *_centred(values[:, genes])


def predict_in_rows(
    X: pd.DataFrame, genes: pd.Index, predict: Callable[[np.ndarray], np.ndarray]
) -> pd.DataFrame:
    """Predict some samples at a time, so that no copy of all inputs is made.

    Args:
        X: TF expression ``(sample, tf)``, the TFs in the model's order.
        genes: Names of what is predicted.
        predict: From TF values in double precision to predictions ``(sample, gene)``.

    Returns:
        Predicted expression ``(sample, gene)``, log10, in double precision.
    """
    values, predicted = _numbers(X), np.empty((len(X), len(genes)))
    for start in range(0, len(values), SAMPLES_AT_ONCE):
        rows = slice(start, start + SAMPLES_AT_ONCE)
        predicted[rows] = predict(values[rows].astype(float))
    return pd.DataFrame(predicted, index=X.index, columns=genes, copy=False)


def thin_svd(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Decompose a matrix into left vectors, singular values and right vectors; overwrite it."""
    return linalg.svd(values, full_matrices=False, overwrite_a=True, check_finite=False)


class LinearModel(PlainState, RegressorMixin, BaseEstimator):
    """Predict from slopes and intercepts; the estimators below it differ in how they find them.

    Attributes:
        coef_: Slopes ``(gene, tf)``, log10 per log10.
        intercept_: Prediction where all TFs are 0, ``(gene,)``, log10.
        genes_, tfs_: Names of the rows and columns.
    """

    coef_: np.ndarray
    intercept_: np.ndarray
    genes_: pd.Index
    tfs_: pd.Index

    def predict(self, X: pd.DataFrame) -> pd.DataFrame:
        """Predict gene expression, ``(sample, gene)``, log10."""
        check_is_fitted(self)
        slopes, intercept = self.coef_.T, self.intercept_
        X = aligned_columns(X, self.tfs_)
        return predict_in_rows(X, self.genes_, lambda rows: rows @ slopes + intercept)


class MLR(LinearModel):
    r"""Regress every gene on all TFs by ordinary least squares.

    .. math:: \min_\beta \; \|y_g - \beta_{g0} - X \beta_g\|^2

    All genes share one decomposition: a Cholesky factor of the Gram matrix of the standardised
    TFs or, where that would lose digits, the singular values of the centred TFs. Where the
    solution is not unique (more TFs than samples, collinear TFs) it is the one of least norm, as
    in scikit-learn's ``LinearRegression``; a TF that does not vary gets the slope 0.
    """

    def fit(self, X: pd.DataFrame, Y: pd.DataFrame) -> Self:
        """Fit from TF expression ``(sample, tf)`` and gene expression ``(sample, gene)``."""
        check_training_tables(X, Y)
        design = Design.of(X)
        basis, finish = _normal_equations(design) or _singular_values(design)
        self.tfs_, self.genes_ = X.columns, Y.columns
        projected, mean = np.empty((Y.shape[1], basis.shape[1])), np.empty(Y.shape[1])
        for genes, centred, mean_of_chunk in gene_chunks(Y):
            projected[genes], mean[genes] = centred.T @ basis, mean_of_chunk
        self.coef_ = finish(projected)
        self.intercept_ = mean - self.coef_ @ design.mean
        return self


# What centred genes are projected on, (sample, component), and how slopes (gene, tf) are made of
# these projections (gene, component), which may be overwritten.
Solver = tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]


def _normal_equations(design: Design) -> Solver | None:
    """Factor the normal equations; None where they are too close to singular for that."""
    n_samples, n_tfs = design.standardised.shape
    if n_samples <= n_tfs:
        return None
    gram = design.gram()
    # A TF that does not vary has an empty row; with a diagonal entry its slope becomes 0.
    gram.flat[:: n_tfs + 1] += n_samples * (gram.diagonal() == 0)
    least, most = np.linalg.eigvalsh(gram)[[0, -1]]
    if least <= 0 or most > MOST_CONDITION**2 * least:
        return None
    # Before they were standardised, the TFs' singular values may spread wider by as much as their
    # deviations do. The stable solver leaves the smallest out; both must solve the same problem.
    spread = np.sqrt(most / least) * design.sd.max() / design.sd.min()
    if spread * NEGLIGIBLE_SINGULAR_VALUE >= 1:
        return None
    factor = linalg.cho_factor(gram, overwrite_a=True, check_finite=False)

    def finish(projected: np.ndarray) -> np.ndarray:
        # All genes at once: SciPy's threads and NumPy's would hinder each other at every turn.
        slopes = linalg.cho_solve(factor, projected.T, overwrite_b=True, check_finite=False).T
        return np.divide(slopes, design.sd, out=slopes)

    return design.standardised, finish


def _singular_values(design: Design) -> Solver:
    """Leave out directions in which the samples do not differ."""
    left, size, right = thin_svd(design.standardised * design.sd)
    kept = size > NEGLIGIBLE_SINGULAR_VALUE * size[0]
    inverse = right[kept] / size[kept, None]
    return left[:, kept], lambda projected: projected @ inverse


def _numbers(table: pd.DataFrame) -> np.ndarray:
    """Return a table's values, without a copy where they are plain numbers already."""
    values = table.to_numpy()
    return values if values.dtype.kind in "fiub" else table.to_numpy(float)


def _centred(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Remove each column's mean; return the rest, in double precision, and the means."""
    # Taking the first row off before makes columns that do not vary exactly 0, without the
    # rounding of a mean.
    first = values[0].astype(float)
    centred = np.subtract(values, first, dtype=float)
    mean = centred.mean(axis=0)
    centred -= mean
    return centred, first + mean
