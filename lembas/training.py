"""LEMBAS-RNN as a scikit-learn estimator."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from lembas.batches import Batches, Scale
from lembas.guard import apply_factors, held_out_factors
from lembas.inner_split import held_out_samples
from lembas.labels import PlainState, aligned_columns, check_training_tables
from lembas.model import LembasRNN, narrowed
from lembas.network import Network
from lembas.optimise import Schedule, optimise
from lembas.penalties import Penalty
from lembas.projection import project
from lembas.recipes import TrainConfig, make_config
from lembas.start import Start, parameter_groups, start_network
from lembas.training_state import Outcome
from lembas.unfinished import Unfinished, fingerprint

# Bounds the memory of a prediction; more at once is no faster.
_PREDICTED_AT_ONCE = 512


def split_samples(
    samples: pd.Index, config: TrainConfig, groups: pd.Series | None
) -> tuple[pd.Index, pd.Index]:
    """Hold samples out for early stopping: whole groups where at least two are known.

    Raises:
        ValueError: If too few samples are left on either side, or some have no series.
    """
    if len(samples) < 4:
        raise ValueError(
            f"early stopping needs at least 4 training samples, got {len(samples)}; set "
            "validation_fraction=0 to train without it"
        )
    fitted, held_out = held_out_samples(
        samples, groups, fraction=config.validation_fraction, seed=config.seed
    )
    return samples[fitted], samples[held_out]


def chosen_device(name: str) -> torch.device:
    """Find the device to train and predict on.

    Args:
        name: "auto" (a CUDA device where there is one, else the CPU), or torch's name of one.

    Raises:
        ValueError: If there is no such device.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"device {name!r} cannot be used here ({reason}); expected auto, cpu, or cuda where "
            "there is a GPU and a CUDA build of torch"
        ) from error
    return device


class LembasRegressor(PlainState, RegressorMixin, BaseEstimator):
    """Fit LEMBAS-RNN on labelled tables, as a scikit-learn estimator.

    Args:
        network: The prior; only its edges carry weights.
        recipe: "improved" (weights onto genes are solved for), "residual" (Adam, the updates add
            to a masked ridge), "ridge_start" (Adam, weights start at the masked ridge) or
            "published" (the original study's, reconstructed).
        settings: Fields of :class:`TrainConfig` that differ from the recipe.
        seed: Seed of start, batches and held-out samples.
        progress: Show a progress bar on standard error while training.
        device: "auto", "cpu" or "cuda": where the network is trained and stays.

    Attributes:
        network_: The trained :class:`LembasRNN`.
        config_: The :class:`TrainConfig` used.
        history_: One row an epoch and phase ("search" with held-out samples, "refit" on all).
        n_updates_: Updates, or rounds, of the final training.
        tfs_, genes_: Names of inputs and outputs.
        genes_without_regulators_: Genes predicted by their bias alone.
        guard_: How far each gene goes from the masked ridge to the network, 0 to 1, over
            ``gene``; only where the settings ask for a guard.

    References:
        Nilsson et al. 2022, doi:10.1038/s41467-022-30684-y.
    """

    guard_: pd.Series

    def __init__(
        self,
        network: Network | None = None,
        *,
        recipe: str = "improved",
        settings: Mapping[str, Any] | None = None,
        seed: int = 888,
        progress: bool = False,
        device: str = "auto",
    ) -> None:
        self.network = network
        self.recipe = recipe
        self.settings = settings
        self.seed = seed
        self.progress = progress
        self.device = device

    def fit(
        self,
        X: pd.DataFrame,
        Y: pd.DataFrame,
        groups: pd.Series | None = None,
        unfinished: str | Path | None = None,
    ) -> Self:
        """Fit from TF expression ``(sample, tf)`` and gene expression ``(sample, gene)``.

        Args:
            X: Training inputs, log10.
            Y: Training targets, log10, same samples.
            groups: Series of each sample; whole series are then held out for early stopping.
            unfinished: Folder that keeps the progress of this very fit (data, network, settings
                and code); a fit that was killed goes on from there, to the same result.

        Raises:
            ValueError: If tables, network or settings cannot be trained on.
            FloatingPointError: If the loss stops being finite.
        """
        check_training_tables(X, Y)
        regulated = self._prior().genes
        self.config_ = make_config(self.recipe, self.settings, self.seed)
        if hasattr(self, "guard_"):
            del self.guard_  # of an earlier fit, maybe with other settings
        self.tfs_, self.genes_ = X.columns, Y.columns
        self.genes_without_regulators_ = self.genes_.difference(regulated)
        device = chosen_device(self.device)
        saved = self._unfinished(unfinished, X, Y, groups)
        fit = _Fit(self._prior(), X, Y, self.config_, device, self.progress, saved)
        everything = np.arange(len(X))
        searched = None
        if self.config_.validation_fraction > 0:
            fitted, held_out = (
                X.index.get_indexer(part) for part in split_samples(X.index, self.config_, groups)
            )
            trained = searched = fit.run("search", fitted, held_out)
        if searched is None or self.config_.refit:
            n_updates = None if searched is None else max(searched.outcome.best_update, 1)
            trained = fit.run("refit", everything, None, n_updates=n_updates)
        if searched is not None and self.config_.guard:
            watched = fit.batches(held_out, searched.scale)
            self.guard_ = held_out_factors(searched.network, searched.ridge, watched)
            apply_factors(trained.network, trained.ridge, self.guard_)
        self.network_, self._scale = trained.network, trained.scale
        self.n_updates_ = trained.outcome.best_update
        self.history_ = _joined_history(searched, trained)
        return self

    def _unfinished(
        self, folder: str | Path | None, X: pd.DataFrame, Y: pd.DataFrame, groups: pd.Series | None
    ) -> Unfinished | None:
        """Open the folder of this very fit's progress."""
        if folder is None:
            return None
        settings = {**asdict(self.config_), "network": self._prior().digest, "device": self.device}
        series = "" if groups is None else "\n".join(map(str, groups.reindex(X.index)))
        return Unfinished.open(folder, fingerprint(X, Y, settings, series))

    def predict(self, X: pd.DataFrame) -> pd.DataFrame:
        """Predict gene expression, ``(sample, gene)``, log10."""
        check_is_fitted(self)
        values = aligned_columns(X, self.tfs_).to_numpy(np.float32)
        # Gene by gene in memory, as both the network and pandas have it.
        prediction = np.empty((len(self.genes_), len(X)), np.float32).T
        with torch.no_grad():
            for start in range(0, len(X), _PREDICTED_AT_ONCE):
                part = slice(start, start + _PREDICTED_AT_ONCE)
                x = torch.from_numpy(np.require(values[part], requirements=["C", "W"]))
                torch.from_numpy(prediction)[part] = self.predict_tensor(x)
        return pd.DataFrame(prediction, index=X.index, columns=self.genes_, copy=False)

    def predict_tensor(self, x: Tensor) -> Tensor:
        """Predict ``(sample, gene)`` from ``(sample, tf)``, both log10, with gradients."""
        scale = self._scale
        x = x.to(scale.x_mean.device)
        prediction, _ = self.network_((x - scale.x_mean) / scale.x_sd)
        return torch.addcmul(scale.y_mean, prediction, scale.y_sd)

    def restricted(self, genes: Iterable[str]) -> LembasRegressor:
        """Return the same fitted model, predicting fewer genes; weights are those of this one.

        Args:
            genes: Some of ``genes_``; names that are not are refused by ``LembasRNN``.
        """
        check_is_fitted(self)
        genes = pd.Index(genes, name="gene")
        smaller = copy.copy(self)
        smaller.genes_ = genes
        smaller.network_ = narrowed(self.network_, genes)
        at = torch.from_numpy(self.genes_.get_indexer(genes))
        smaller._scale = replace(
            self._scale, y_mean=self._scale.y_mean[at], y_sd=self._scale.y_sd[at]
        )
        return smaller

    def _prior(self) -> Network:
        if self.network is None:
            raise ValueError("LembasRegressor needs a network: pass network=Network.read(path)")
        return self.network


@dataclass(frozen=True)
class _Trained:
    """What one training came to: the network, the scale it was trained on, and how it went.

    With a skip, ``ridge`` holds the weights of the masked ridge it started from, ``(edge,)``.
    """

    network: LembasRNN
    scale: Scale
    outcome: Outcome
    ridge: Tensor


@dataclass(frozen=True)
class _Fit:
    """Train fresh networks on chosen samples of the same tables."""

    network: Network
    X: pd.DataFrame
    Y: pd.DataFrame
    config: TrainConfig
    device: torch.device
    progress: bool
    saved: Unfinished | None

    def run(
        self,
        phase: str,
        rows: np.ndarray,
        held_out: np.ndarray | None,
        *,
        n_updates: int | None = None,
    ) -> _Trained:
        """Train on the samples at ``rows``, watching those held out."""
        start, scale = self._start(rows)
        network, scale = start.network.to(self.device), scale.to(self.device)
        ridge = network.skip_weights.clone() if self.config.skip else network.weights.new_zeros(0)
        training = self.batches(rows, scale)
        watched = None if held_out is None else self.batches(held_out, scale)
        train = self._project if self.config.solver == "projection" else self._descend
        outcome = train(start, training, watched, n_updates, phase)
        return _Trained(network, scale, outcome, ridge)

    def _project(
        self,
        start: Start,
        training: Batches,
        held_out: Batches | None,
        n_rounds: int | None,
        phase: str,
    ) -> Outcome:
        """Search for the weights between TFs, solve for those onto genes."""
        return project(
            start.network,
            training,
            start.alpha,
            self.config,
            held_out=held_out,
            n_rounds=n_rounds,
            progress=self._label(phase),
            saved=self._file(phase),
        )

    def _descend(
        self,
        start: Start,
        training: Batches,
        held_out: Batches | None,
        n_updates: int | None,
        phase: str,
    ) -> Outcome:
        """Follow the gradient of all weights."""
        config, network = self.config, start.network
        return optimise(
            network,
            parameter_groups(network, config),
            training,
            Penalty(network, start.penalties.to(self.device), config),
            Schedule(config.learning_rate, config.epochs * len(training), config.peak_fraction),
            held_out=held_out,
            patience=config.patience,
            n_updates=n_updates,
            project_signs=config.sign == "project",
            seed=config.seed,
            progress=self._label(phase),
            saved=self._file(phase),
        )

    def _label(self, phase: str) -> str | None:
        return f"LEMBAS-RNN, {phase}" if self.progress else None

    def _file(self, phase: str) -> Path | None:
        return None if self.saved is None else self.saved.path(f"{phase}.pt")

    def _start(self, rows: np.ndarray) -> tuple[Start, Scale]:
        """Start from the chosen samples; their copy is gone when this returns."""
        every = len(rows) == len(self.X)
        X, Y = (self.X, self.Y) if every else (self.X.iloc[rows], self.Y.iloc[rows])
        scale = Scale.of(X, Y, standardise=self.config.standardise)
        return start_network(self.network, X, Y, scale, self.config), scale

    def batches(self, rows: np.ndarray, scale: Scale) -> Batches:
        """Draw batches of the samples at ``rows``."""
        # Rows are gathered from whole matrices; a table that is float32 already is not copied.
        x = np.ascontiguousarray(self.X.to_numpy(np.float32))
        y = np.ascontiguousarray(self.Y.to_numpy(np.float32))
        return Batches(x, y, rows, self.config.batch_size, scale, self.device)


def _joined_history(searched: _Trained | None, final: _Trained) -> pd.DataFrame:
    """Put the search's and the refit's epochs one below the other."""
    phases = [] if searched is None else [searched.outcome.history.assign(phase="search")]
    if final is not searched:
        phases.append(final.outcome.history.assign(phase="refit"))
    return pd.concat(phases, ignore_index=True)
