"""XGBRF, the original study's random forests: one small forest a gene."""

from __future__ import annotations

from typing import Any, Self

import joblib
import numpy as np
import pandas as pd
import xgboost
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from lembas.labels import PlainState, aligned_columns, check_training_tables


class XGBRF(PlainState, RegressorMixin, BaseEstimator):
    """Fit one XGBoost random forest a gene, with exactly the original study's settings.

    The trees are those of ``XGBRFRegressor(n_estimators=3, objective="reg:squarederror",
    random_state=888)`` fitted gene by gene; the TFs are binned once for all genes instead of
    once a gene.

    Args:
        n_estimators: Trees a gene.
        random_state: Seed of row and column sampling, the same for every gene.
        n_panel: Fit this many genes only, drawn with ``random_state``; 0 fits all of them.
        always: Genes to fit in any case.
        n_jobs: Threads, each fitting its own genes (-1: all cores); the trees do not depend on it.

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
    ) -> None:
        self.n_estimators = n_estimators
        self.random_state = random_state
        self.n_panel = n_panel
        self.always = always
        self.n_jobs = n_jobs

    def fit(self, X: pd.DataFrame, Y: pd.DataFrame) -> Self:
        """Fit from TF expression ``(sample, tf)`` and gene expression ``(sample, gene)``."""
        check_training_tables(X, Y)
        self.tfs_ = X.columns
        self.genes_ = self._panel(Y.columns)
        features = X.to_numpy(np.float32)
        n_shares = min(joblib.effective_n_jobs(self.n_jobs), len(self.genes_))
        shares = [Y[genes] for genes in np.array_split(self.genes_, n_shares)]
        # XGBoost releases the interpreter's lock while it builds trees, so threads are enough.
        fitted = joblib.Parallel(n_jobs=self.n_jobs, prefer="threads")(
            joblib.delayed(_fit_share)(features, share, self._settings()) for share in shares
        )
        self.forests_ = [forest for share in fitted for forest in share]
        return self

    def predict(self, X: pd.DataFrame) -> pd.DataFrame:
        """Predict gene expression, ``(sample, gene)``, log10, for the genes that were fitted."""
        check_is_fitted(self)
        features = xgboost.DMatrix(aligned_columns(X, self.tfs_).to_numpy(np.float32))
        values = np.column_stack([forest.predict(features) for forest in self.forests_])
        return pd.DataFrame(values, index=X.index, columns=self.genes_)

    def forest(self, gene: str) -> xgboost.Booster:
        """Return one gene's forest.

        Raises:
            KeyError: If the gene was not fitted.
        """
        check_is_fitted(self)
        if gene not in self.genes_:
            raise KeyError(
                f"{gene} is not among the {len(self.genes_)} genes XGBRF was fitted to; name it "
                "in `always`, or fit all genes with n_panel=0"
            )
        return self.forests_[self.genes_.get_loc(gene)]

    def _settings(self) -> dict[str, Any]:
        """The study's settings, as the booster wants them."""
        template = xgboost.XGBRFRegressor(
            n_estimators=self.n_estimators,
            objective="reg:squarederror",
            random_state=self.random_state,
            n_jobs=1,
        )
        return template.get_xgb_params()

    def _panel(self, genes: pd.Index) -> pd.Index:
        """Choose the genes to fit, in the table's order."""
        if not self.n_panel or self.n_panel >= len(genes):
            return genes
        generator = np.random.default_rng(self.random_state)
        # Drawn from sorted names, so that the panel does not depend on the order of the columns.
        drawn = generator.choice(genes.sort_values(), self.n_panel, replace=False)
        return genes[genes.isin(drawn) | genes.isin(list(self.always))]

    def __getstate__(self) -> dict[str, Any]:
        """Return a plain state: the forests as one array of bytes."""
        state = super().__getstate__()
        if "forests_" in state:
            raw = [np.frombuffer(forest.save_raw("ubj"), np.uint8) for forest in self.forests_]
            state["forests_"] = np.concatenate(raw)
            state["forest_sizes_"] = np.array([len(part) for part in raw])
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the forests from their bytes."""
        state = dict(state)
        sizes = state.pop("forest_sizes_", None)
        if sizes is not None:
            parts = np.split(state["forests_"], np.cumsum(sizes)[:-1])
            state["forests_"] = [xgboost.Booster(model_file=bytearray(part)) for part in parts]
        super().__setstate__(state)


def _fit_share(
    features: np.ndarray, targets: pd.DataFrame, settings: dict[str, Any]
) -> list[xgboost.Booster]:
    """Fit one forest a column of ``targets`` on TFs that are binned once."""
    matrix = xgboost.QuantileDMatrix(features, nthread=1)
    forests = []
    for gene in targets.columns:
        matrix.set_label(targets[gene].to_numpy())
        # All trees of a forest grow in one round.
        forests.append(xgboost.train(settings, matrix, num_boost_round=1))
    return forests
