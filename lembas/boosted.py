"""Gradient-boosted trees: many small trees a gene, as many as held-out samples ask for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import joblib
import numpy as np
import pandas as pd
import xgboost
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from lembas.flat_forests import pack, unpack
from lembas.gene_fits import GeneFits, GenePanel, kept_in, threads
from lembas.inner_split import Sides, held_out_samples
from lembas.labels import PlainState, aligned_columns, check_training_tables
from lembas.unfinished import Unfinished


@dataclass(frozen=True)
class Boosters:
    """Hold one boosted model a gene, as XGBoost writes it.

    Attributes:
        packed: The models one after another, compressed, uint8.
        packed_sizes: Bytes of each of them, ``(gene,)``, int64.
        n_rounds: Trees of each of them, ``(gene,)``, int64.
    """

    packed: np.ndarray
    packed_sizes: np.ndarray
    n_rounds: np.ndarray

    def __post_init__(self) -> None:
        n_genes = len(self.packed_sizes)
        if n_genes != len(self.n_rounds) or self.packed_sizes.sum() != len(self.packed):
            raise ValueError(
                f"{n_genes} boosted models do not fit their {len(self.packed)} bytes and "
                f"{len(self.n_rounds)} numbers of trees: the file is damaged, fit again"
            )

    @classmethod
    def of(cls, booster: xgboost.Booster) -> Boosters:
        """Take the model of one gene."""
        packed = pack(booster)
        n_rounds = np.array([booster.num_boosted_rounds()])
        return cls(packed, np.array([len(packed)]), n_rounds)

    @classmethod
    def joined(cls, parts: Iterable[Boosters]) -> Boosters:
        """Put the genes of several parts one after another."""
        parts = list(parts)
        names = [field.name for field in fields(cls)]
        return cls(**{name: np.concatenate([vars(part)[name] for part in parts]) for name in names})

    @property
    def n_genes(self) -> int:
        """Count the genes."""
        return len(self.packed_sizes)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return all there is by name; ``Boosters(**arrays)`` is the same again."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @cached_property
    def models(self) -> list[xgboost.Booster]:
        """Restore XGBoost's models, once."""
        ends = np.cumsum(self.packed_sizes)
        return [unpack(part) for part in np.split(self.packed, ends[:-1])]


class Boosted(GenePanel, PlainState, RegressorMixin, BaseEstimator):
    """Boost small trees gene by gene, stopping when held-out samples gain nothing more.

    The number of trees of each gene comes from training samples that are held out, whole series
    where they are known; then as many trees are grown on all training samples. The other settings
    are fixed, since the number of trees makes up for most of what they change: many slow steps of
    shallow trees, each of which sees a part of samples and TFs. The TFs are sorted into bins once
    for all genes.

    Args:
        n_rounds: Trees a gene at most.
        patience: Trees without a better score on the held-out samples before growing stops.
        learning_rate: Share of a tree's correction that is made.
        max_depth: Levels of a tree.
        subsample: Part of the samples that each tree sees.
        colsample: Part of the TFs that each tree sees.
        max_bin: Bins a TF is sorted into.
        validation_fraction: Part of the training samples, or series, held out.
        random_state: Seed of panel, held-out samples and sampling.
        n_panel: Fit this many genes only, drawn with ``random_state``; 0 fits all of them. A
            smaller panel is part of a larger one.
        always: Genes to fit in any case.
        n_jobs: Threads, each fitting its own genes (-1: all processors); the trees do not
            depend on it.
        progress: Show a progress bar on standard error.

    Attributes:
        genes_: The genes that were fitted: the columns of every prediction.
        n_rounds_: Series over genes: trees of each.

    References:
        Friedman 2001, doi:10.1214/aos/1013203451; Chen and Guestrin 2016,
        doi:10.1145/2939672.2939785.
    """

    def __init__(
        self,
        n_rounds: int = 500,
        *,
        patience: int = 25,
        learning_rate: float = 0.1,
        max_depth: int = 2,
        subsample: float = 0.8,
        colsample: float = 0.1,
        max_bin: int = 32,
        validation_fraction: float = 0.15,
        random_state: int = 888,
        n_panel: int = 0,
        always: tuple[str, ...] = (),
        n_jobs: int = 1,
        progress: bool = False,
    ) -> None:
        self.n_rounds = n_rounds
        self.patience = patience
        self.learning_rate = learning_rate
        self.max_depth = max_depth
        self.subsample = subsample
        self.colsample = colsample
        self.max_bin = max_bin
        self.validation_fraction = validation_fraction
        self.random_state = random_state
        self.n_panel = n_panel
        self.always = always
        self.n_jobs = n_jobs
        self.progress = progress

    def fit(
        self,
        X: pd.DataFrame,
        Y: pd.DataFrame,
        groups: pd.Series | None = None,
        unfinished: str | Path | None = None,
    ) -> Self:
        """Fit from TF expression ``(sample, tf)`` and gene expression ``(sample, gene)``.

        Args:
            X: TF expression, log10.
            Y: Gene expression, log10, of the same samples.
            groups: Series of each sample; whole series are then held out.
            unfinished: Folder that keeps the genes fitted so far. A later call with the same
                tables and settings goes on from there, with the same result.

        Raises:
            ValueError: If the tables are unsound, or ``n_jobs`` exceeds the processors.
        """
        fits, folder = self._fits(X, Y, groups, unfinished)
        self.tfs_, self.genes_ = X.columns, self._panel(Y)
        self.boosters_ = fits.run(self.genes_, folder, n_jobs=self.n_jobs, progress=self.progress)
        self.n_rounds_ = pd.Series(self.boosters_.n_rounds, index=self.genes_, name="n_rounds")
        return self

    def _fits(
        self,
        X: pd.DataFrame,
        Y: pd.DataFrame,
        groups: pd.Series | None,
        unfinished: str | Path | None,
    ) -> tuple[GeneFits[Boosters, _Binned], Unfinished | None]:
        """Say how genes are fitted, and where they are kept."""
        threads(self.n_jobs)
        check_training_tables(X, Y)
        rows = held_out_samples(
            X.index, groups, fraction=self.validation_fraction, seed=self.random_state
        )
        features, settings = X.to_numpy(np.float32), self._settings()

        def data(n_threads: int) -> list[_Binned]:
            return [_Binned.of(features, rows, max_bin=self.max_bin) for _ in range(n_threads)]

        def fit(binned: _Binned, gene: str) -> Boosters:
            limits = (self.n_rounds, self.patience)
            return Boosters.of(binned.boosted(Y[gene].to_numpy(np.float32), settings, limits))

        about = {
            "settings": settings,
            "rounds": [self.n_rounds, self.patience],
            "xgboost": xgboost.__version__,
            "held_out": rows[1].tolist(),
        }
        folder = kept_in(unfinished, X, Y, genes=self._panel(Y), settings=about)
        return GeneFits(Boosters, data, fit), folder

    def predict(self, X: pd.DataFrame) -> pd.DataFrame:
        """Predict gene expression, ``(sample, gene)``, log10, for the genes that were fitted."""
        check_is_fitted(self)
        features = aligned_columns(X, self.tfs_).to_numpy(np.float32)
        # A model from a larger machine predicts with what there is here.
        n_threads = min(joblib.effective_n_jobs(self.n_jobs), joblib.cpu_count())
        values = np.empty((len(X), len(self.genes_)), np.float32)
        for position, model in enumerate(self.boosters_.models):
            model.set_param({"nthread": n_threads})
            values[:, position] = model.inplace_predict(features)
        return pd.DataFrame(values, index=X.index, columns=self.genes_)

    def _settings(self) -> dict[str, Any]:
        """The settings as XGBoost's booster wants them."""
        return {
            "objective": "reg:squarederror",
            "tree_method": "hist",
            "learning_rate": self.learning_rate,
            "max_depth": self.max_depth,
            "subsample": self.subsample,
            "colsample_bytree": self.colsample,
            "max_bin": self.max_bin,
            "seed": self.random_state,
            "nthread": 1,
        }

    def __getstate__(self) -> dict[str, Any]:
        """Return a plain state: the models as arrays."""
        state = super().__getstate__()
        if "boosters_" in state:
            state["boosters_"] = self.boosters_.arrays()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the models from their arrays."""
        if "boosters_" in state:
            state = {**state, "boosters_": Boosters(**state["boosters_"])}
        super().__setstate__(state)


@dataclass(frozen=True, eq=False)
class _Binned:
    """Hold the TFs in bins: of the fitted, of the held-out, and of all training samples.

    Each holds the labels of one gene at a time.
    """

    fitted: xgboost.QuantileDMatrix
    held_out: xgboost.QuantileDMatrix
    everything: xgboost.QuantileDMatrix
    rows: Sides

    @classmethod
    def of(cls, features: np.ndarray, rows: Sides, *, max_bin: int) -> _Binned:
        """Bin TFs ``(sample, tf)`` of the samples at the positions."""
        fitted, held_out = rows
        options = {"max_bin": max_bin, "nthread": 1}
        inner = xgboost.QuantileDMatrix(features[fitted], **options)
        return cls(
            inner,
            xgboost.QuantileDMatrix(features[held_out], ref=inner, **options),
            xgboost.QuantileDMatrix(features, **options),
            rows,
        )

    def boosted(
        self, y: np.ndarray, settings: dict[str, Any], limits: tuple[int, int]
    ) -> xgboost.Booster:
        """Fit one gene: find the number of trees, then grow as many on all samples.

        Args:
            y: The gene over all training samples.
            settings: XGBoost's.
            limits: Trees at most, and trees without a better score before growing stops.
        """
        (fitted, held_out), (n_rounds, patience) = self.rows, limits
        self.fitted.set_label(y[fitted])
        self.held_out.set_label(y[held_out])
        self.everything.set_label(y)
        searched = xgboost.train(
            settings,
            self.fitted,
            n_rounds,
            evals=[(self.held_out, "held_out")],
            early_stopping_rounds=patience,
            verbose_eval=False,
        )
        return xgboost.train(settings, self.everything, searched.best_iteration + 1)
