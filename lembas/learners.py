"""Nearest neighbours and a multilayer perceptron, from scikit-learn, on labelled tables."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from lembas.labels import PlainState, aligned_columns, check_training_tables


class _Standardised(PlainState, RegressorMixin, BaseEstimator):
    """Give a scikit-learn regressor standardised TFs, in single precision.

    Attributes:
        scaler_: Mean and deviation of each TF over the training samples.
        model_: The fitted regressor.
        genes_, tfs_: Names of outputs and inputs.
    """

    def fit(self, X: pd.DataFrame, Y: pd.DataFrame) -> Self:
        """Fit from TF expression ``(sample, tf)`` and gene expression ``(sample, gene)``."""
        check_training_tables(X, Y)
        self.tfs_, self.genes_ = X.columns, Y.columns
        # Moments in double precision; what the models compute needs no more than single.
        self.scaler_ = StandardScaler().fit(X.to_numpy(float))
        genes = Y.to_numpy(np.float32)
        # scikit-learn wants a single target as a vector.
        genes = genes.ravel() if genes.shape[1] == 1 else genes
        self.model_ = self._regressor(len(X)).fit(self._inputs(X), genes)
        return self

    def predict(self, X: pd.DataFrame) -> pd.DataFrame:
        """Predict gene expression, ``(sample, gene)``, log10."""
        check_is_fitted(self)
        values = self.model_.predict(self._inputs(aligned_columns(X, self.tfs_)))
        values = np.asarray(values).reshape(len(X), -1)
        return pd.DataFrame(values, index=X.index, columns=self.genes_)

    def _inputs(self, X: pd.DataFrame) -> np.ndarray:
        return self.scaler_.transform(X.to_numpy(float)).astype(np.float32)

    def _regressor(self, n_samples: int) -> BaseEstimator:
        raise NotImplementedError


class KNN(_Standardised):
    """Predict the mean of the most similar training samples.

    Similar are samples whose standardised TFs are close (Euclidean distance).

    Args:
        n_neighbors: Samples to average; all training samples where these are fewer.
    """

    def __init__(self, n_neighbors: int = 10) -> None:
        self.n_neighbors = n_neighbors

    def _regressor(self, n_samples: int) -> BaseEstimator:
        # In as many dimensions as there are TFs, a tree finds neighbours no faster.
        return KNeighborsRegressor(min(self.n_neighbors, n_samples), algorithm="brute")


class MLP(_Standardised):
    """Predict all genes by one perceptron with a hidden layer of rectified units.

    TFs and genes are standardised on the training samples. Training by Adam stops when the
    held-out tenth of the training samples, drawn whatever their series, is predicted no better for
    some epochs, and goes back to the best weights.

    Args:
        hidden: Units of each hidden layer.
        alpha: Penalty on the squared weights.
        learning_rate: Adam's.
        batch_size: Samples an update; 0: a tenth of the training samples, at least 32.
        epochs: Most passes over the training samples.
        patience: Epochs without a better score before training stops.
        seed: Seed of start, batches and held-out samples.

    References:
        Kingma and Ba 2014, arXiv:1412.6980.
    """

    def __init__(
        self,
        hidden: Sequence[int] = (64,),
        *,
        alpha: float = 1.0,
        learning_rate: float = 2e-3,
        batch_size: int = 0,
        epochs: int = 100,
        patience: int = 5,
        seed: int = 888,
    ) -> None:
        self.hidden = hidden
        self.alpha = alpha
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.epochs = epochs
        self.patience = patience
        self.seed = seed

    def fit(self, X: pd.DataFrame, Y: pd.DataFrame) -> Self:
        """Fit from TF expression ``(sample, tf)`` and gene expression ``(sample, gene)``."""
        with warnings.catch_warnings():
            # To end at the most epochs is one of the two ways to stop.
            warnings.simplefilter("ignore", ConvergenceWarning)
            super().fit(X, Y)
        # What only more training would need makes the model's file several times as large.
        for name in ("_optimizer", "_best_coefs", "_best_intercepts"):
            vars(self.model_.regressor_).pop(name, None)
        return self

    def _regressor(self, n_samples: int) -> BaseEstimator:
        batch_size = self.batch_size or max(32, n_samples // 10)
        perceptron = MLPRegressor(
            hidden_layer_sizes=tuple(self.hidden),
            alpha=self.alpha,
            learning_rate_init=self.learning_rate,
            batch_size=min(batch_size, n_samples),
            max_iter=self.epochs,
            early_stopping=n_samples >= 20,  # a tenth of fewer has no variance to explain
            n_iter_no_change=self.patience,
            random_state=self.seed,
        )
        # scikit-learn would call rounding in single precision a wrong inverse.
        scaler = StandardScaler()
        return TransformedTargetRegressor(perceptron, transformer=scaler, check_inverse=False)
