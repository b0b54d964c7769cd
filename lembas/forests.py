"""XGBRF, the original study's random forests: one small forest a gene."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from typing import Any, Self
from zipfile import BadZipFile

import joblib
import numpy as np
import pandas as pd
import xgboost
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted
from tqdm import tqdm

from lembas.flat_forests import FlatForests
from lembas.formats import write_atomically
from lembas.labels import PlainState, aligned_columns, check_training_tables
from lembas.unfinished import Unfinished, fingerprint

# Genes that are fitted, and kept, together: a few seconds' work at the published size.
_BATCH = 8


class XGBRF(PlainState, RegressorMixin, BaseEstimator):
    """Fit one XGBoost random forest a gene, with exactly the original study's settings.

    The trees are those of ``XGBRFRegressor(n_estimators=3, objective="reg:squarederror",
    random_state=888)`` fitted gene by gene; the TFs are binned once for all genes instead of
    once a gene. Predictions are XGBoost's, bit by bit, from all genes' trees at once.

    Args:
        n_estimators: Trees a gene.
        random_state: Seed of row and column sampling, the same for every gene.
        n_panel: Fit this many genes only, drawn with ``random_state``; 0 fits all of them.
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
        n_threads = _threads(self.n_jobs)
        check_training_tables(X, Y)
        self.tfs_, self.genes_ = X.columns, self._panel(Y.columns)
        batches = self._batches(None if unfinished is None else self._open(unfinished, X, Y))
        parts = {at: kept for at, batch in enumerate(batches) if (kept := batch.kept()) is not None}
        missing = [at for at in range(len(batches)) if at not in parts]
        n_threads = min(n_threads, max(1, len(missing)))
        matrices = _binned(X, n_threads) if missing else Queue()
        # XGBoost releases the interpreter's lock while it builds trees, so threads are enough.
        fitted = joblib.Parallel(n_threads, prefer="threads", return_as="generator")(
            joblib.delayed(_fit)(batches[at], Y, matrices, self._settings()) for at in missing
        )
        n_kept = sum(len(part.base) for part in parts.values())
        hidden = not self.progress
        with tqdm(total=len(self.genes_), initial=n_kept, unit="gene", disable=hidden) as bar:
            for at, part in zip(missing, fitted, strict=True):
                parts[at] = part
                bar.update(len(part.base))
        self.forests_ = FlatForests.joined(parts[at] for at in range(len(batches)))
        return self

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

    def _panel(self, genes: pd.Index) -> pd.Index:
        """Choose the genes to fit, in the table's order."""
        if not self.n_panel or self.n_panel >= len(genes):
            return genes
        generator = np.random.default_rng(self.random_state)
        # Drawn from sorted names, so that the panel does not depend on the order of the columns.
        drawn = generator.choice(genes.sort_values(), self.n_panel, replace=False)
        return genes[genes.isin(drawn) | genes.isin(list(self.always))]

    def _open(self, unfinished: str | Path, X: pd.DataFrame, Y: pd.DataFrame) -> Unfinished:
        """Open the folder of this very fit."""
        settings = {
            "settings": self._settings(),
            "xgboost": xgboost.__version__,
            "genes": self.genes_.tolist(),
            "batch": _BATCH,
        }
        return Unfinished.open(unfinished, fingerprint(X, Y, settings))

    def _batches(self, folder: Unfinished | None) -> list[_Batch]:
        """Part the genes, each part with the file that keeps it."""
        starts = range(0, len(self.genes_), _BATCH)
        names = [f"genes_{start:06d}.npz" for start in starts]
        paths = [None if folder is None else folder.path(name) for name in names]
        parts = [self.genes_[start : start + _BATCH] for start in starts]
        return [_Batch(genes, path) for genes, path in zip(parts, paths, strict=True)]

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


@dataclass(frozen=True)
class _Batch:
    """Hold genes that are fitted together, and the file that keeps them, if any."""

    genes: pd.Index
    path: Path | None

    def kept(self) -> FlatForests | None:
        """Read the forests; None when they are not there, or the file is damaged."""
        if self.path is None:
            return None
        try:
            with np.load(self.path, allow_pickle=False) as arrays:
                forests = FlatForests(**arrays)
        except (OSError, EOFError, ValueError, TypeError, BadZipFile):
            return None
        return forests if len(forests.base) == len(self.genes) else None

    def keep(self, forests: FlatForests) -> None:
        """Write the forests, whole or not at all."""
        if self.path is not None:
            arrays = forests.arrays()
            write_atomically(self.path, lambda part: np.savez(part, allow_pickle=False, **arrays))


def _threads(n_jobs: int) -> int:
    """Return the number of threads, or say that there are not so many processors."""
    n_processors = joblib.cpu_count()
    if n_jobs != -1 and not 1 <= n_jobs <= n_processors:
        raise ValueError(
            f"n_jobs is {n_jobs}, and {n_processors} processor(s) may be used here; choose 1 to "
            f"{n_processors}, or -1 for all of them (a chapter gets those of `threads` in the "
            "profile)"
        )
    return n_processors if n_jobs == -1 else n_jobs


def _binned(X: pd.DataFrame, n_matrices: int) -> Queue[xgboost.QuantileDMatrix]:
    """Bin the TFs, once for each thread: a matrix holds the labels of one gene at a time."""
    features = X.to_numpy(np.float32)
    matrices: Queue[xgboost.QuantileDMatrix] = Queue()
    first = xgboost.QuantileDMatrix(features, nthread=1)
    matrices.put(first)
    for _ in range(1, n_matrices):
        # The borders of the first one's bins are taken over: only sorting into them is left.
        matrices.put(xgboost.QuantileDMatrix(features, nthread=1, ref=first))
    return matrices


def _fit(
    batch: _Batch,
    Y: pd.DataFrame,
    matrices: Queue[xgboost.QuantileDMatrix],
    settings: dict[str, Any],
) -> FlatForests:
    """Fit the genes of a batch, one after another, and keep them."""
    matrix, forests = matrices.get(), []
    try:
        for gene in batch.genes:
            matrix.set_label(Y[gene].to_numpy())
            # All trees of a forest grow in one round.
            booster = xgboost.train(settings, matrix, num_boost_round=1)
            forests.append(FlatForests.of(booster))
    finally:
        # Another thread may wait for it, even when this one fails.
        matrices.put(matrix)
    fitted = FlatForests.joined(forests)
    batch.keep(fitted)
    return fitted
