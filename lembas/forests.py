"""XGBRF, the original study's random forests: one small forest a gene."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, Self

import joblib
import numpy as np
import pandas as pd
import xgboost
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from lembas.flat_forests import FlatForests
from lembas.gene_fits import GeneFits, GenePanel, kept_in, threads
from lembas.labels import PlainState, aligned_columns, check_training_tables
from lembas.unfinished import Unfinished


class XGBRF(GenePanel, PlainState, RegressorMixin, BaseEstimator):
    """Fit one XGBoost random forest a gene, with exactly the original study's settings.

    The trees are those of ``XGBRFRegressor(n_estimators=3, objective="reg:squarederror",
    random_state=888)`` fitted gene by gene; the TFs are binned once for all genes instead of
    once a gene. Predictions are XGBoost's, bit by bit, from all genes' trees at once.

    Args:
        n_estimators: Trees a gene.
        random_state: Seed of row and column sampling, the same for every gene.
        n_panel: Fit this many genes only, drawn with ``random_state``; 0 fits all of them. A
            smaller panel is part of a larger one.
        always: Genes to fit in any case.
        n_jobs: Threads, each fitting its own genes (-1: all processors); the trees do not
            depend on it.
        progress: Show a progress bar on standard error.

    Attributes:
        genes_: The genes that were fitted: the columns of every prediction.

    References:
        Chen and Guestrin 2016, doi:10.1145/2939672.2939785.
    """

    def __init__(
        self,
        n_estimators: int = 3,
        random_state: int = 888,
        *,
        n_panel: int = 0,
        always: tuple[str, ...] = (),
        n_jobs: int = 1,
        progress: bool = False,
    ) -> None:
        self.n_estimators = n_estimators
        self.random_state = random_state
        self.n_panel = n_panel
        self.always = always
        self.n_jobs = n_jobs
        self.progress = progress

    def fit(self, X: pd.DataFrame, Y: pd.DataFrame, unfinished: str | Path | None = None) -> Self:
        """Fit from TF expression ``(sample, tf)`` and gene expression ``(sample, gene)``.

        Args:
            X: TF expression, log10.
            Y: Gene expression, log10, of the same samples.
            unfinished: Folder that keeps the genes fitted so far. A later call with the same
                tables and settings goes on from there, with the same result.

        Raises:
            ValueError: If the tables are unsound, or ``n_jobs`` exceeds the processors.
        """
        fits, folder = self._fits(X, Y, None, unfinished)
        self.tfs_, self.genes_ = X.columns, self._panel(Y)
        self.forests_ = fits.run(self.genes_, folder, n_jobs=self.n_jobs, progress=self.progress)
        return self

    def _fits(
        self,
        X: pd.DataFrame,
        Y: pd.DataFrame,
        groups: pd.Series | None,
        unfinished: str | Path | None,
    ) -> tuple[GeneFits[FlatForests, xgboost.QuantileDMatrix], Unfinished | None]:
        """Say how genes are fitted, and where they are kept; forests hold no samples out."""
        threads(self.n_jobs)
        check_training_tables(X, Y)
        settings = self._settings()
        fits = GeneFits(
            FlatForests, partial(_binned, X), lambda matrix, gene: _fit(matrix, Y[gene], settings)
        )
        about = {"settings": settings, "xgboost": xgboost.__version__}
        return fits, kept_in(unfinished, X, Y, genes=self._panel(Y), settings=about)

    def predict(self, X: pd.DataFrame) -> pd.DataFrame:
        """Predict gene expression, ``(sample, gene)``, log10, for the genes that were fitted."""
        check_is_fitted(self)
        features = aligned_columns(X, self.tfs_).to_numpy(np.float32)
        # A model from a larger machine predicts with what there is here.
        n_threads = min(joblib.effective_n_jobs(self.n_jobs), joblib.cpu_count())
        values = self.forests_.predict(features, n_jobs=n_threads)
        return pd.DataFrame(values, index=X.index, columns=self.genes_)

    def forest(self, gene: str) -> xgboost.Booster:
        """Return one gene's forest as XGBoost fitted it.

        Raises:
            KeyError: If the gene was not fitted.
        """
        check_is_fitted(self)
        if gene not in self.genes_:
            raise KeyError(
                f"{gene} is not among the {len(self.genes_)} genes XGBRF was fitted to; name it "
                "in `always`, or fit all genes with n_panel=0"
            )
        return self.forests_.booster(self.genes_.get_loc(gene))

    def _settings(self) -> dict[str, Any]:
        """The study's settings, as the booster wants them."""
        template = xgboost.XGBRFRegressor(
            n_estimators=self.n_estimators,
            objective="reg:squarederror",
            random_state=self.random_state,
            n_jobs=1,
        )
        return template.get_xgb_params()

    def __getstate__(self) -> dict[str, Any]:
        """Return a plain state: the forests as arrays."""
        state = super().__getstate__()
        if "forests_" in state:
            state["forests_"] = self.forests_.arrays()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the forests from their arrays."""
        if "forests_" in state:
            state = {**state, "forests_": FlatForests(**state["forests_"])}
        super().__setstate__(state)
        # Compiled code does not look where it reads.
        if "forests_" in state and self.forests_.inputs.max() >= len(self.tfs_):
            raise ValueError(
                f"the forests ask for TF number {self.forests_.inputs.max()} of "
                f"{len(self.tfs_)}: the model file is damaged, fit again"
            )


def _binned(X: pd.DataFrame, n_matrices: int) -> list[xgboost.QuantileDMatrix]:
    """Bin the TFs, once for each thread: a matrix holds the labels of one gene at a time."""
    features = X.to_numpy(np.float32)
    first = xgboost.QuantileDMatrix(features, nthread=1)
    # The borders of the first one's bins are taken over: only sorting into them is left.
    others = (xgboost.QuantileDMatrix(features, nthread=1, ref=first) for _ in range(1, n_matrices))
    return [first, *others]


def _fit(matrix: xgboost.QuantileDMatrix, y: pd.Series, settings: dict[str, Any]) -> FlatForests:
    """Fit one gene's forest."""
    matrix.set_label(y.to_numpy())
    # All trees of a forest grow in one round.
    return FlatForests.of(xgboost.train(settings, matrix, num_boost_round=1))
