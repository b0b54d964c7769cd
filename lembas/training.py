"""LEMBAS-RNN as a scikit-learn estimator."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.model_selection import GroupShuffleSplit, ShuffleSplit
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from lembas.labels import PlainState, aligned_columns, check_training_tables
from lembas.model import LembasRNN, narrowed
from lembas.network import Network
from lembas.optimise import Batches, Outcome, Schedule, optimise
from lembas.penalties import (
    SpectralPenalty,
    barrier_penalty,
    sign_penalty,
    size_penalty,
    uniform_penalty,
)
from lembas.recipes import TrainConfig, make_config, rnn_config
from lembas.ridge import MaskedRidge

# States are kept about the middle of the activation's linear zone, [0, 0.5].
ZONE_CENTRE = 0.25


@dataclass(frozen=True)
class Scale:
    """Hold what standardises TFs and genes; zeros and ones leave them as they are.

    Attributes:
        x_mean, x_sd: Over ``(tf,)``.
        y_mean, y_sd: Over ``(gene,)``.
    """

    x_mean: Tensor
    x_sd: Tensor
    y_mean: Tensor
    y_sd: Tensor

    @classmethod
    def of(cls, X: pd.DataFrame, Y: pd.DataFrame, *, standardise: bool) -> Scale:
        """Measure the training tables; a column that does not vary keeps its scale."""
        return cls(*_mean_and_sd(X, standardise), *_mean_and_sd(Y, standardise))

    def standardised(self, X: pd.DataFrame, Y: pd.DataFrame) -> tuple[Tensor, Tensor]:
        """Give both tables as float32 tensors on the network's scale."""
        x = torch.from_numpy(X.to_numpy(np.float32, copy=True))
        y = torch.from_numpy(Y.to_numpy(np.float32, copy=True))
        return (x - self.x_mean) / self.x_sd, (y - self.y_mean) / self.y_sd


def _mean_and_sd(table: pd.DataFrame, standardise: bool) -> tuple[Tensor, Tensor]:
    if not standardise:
        return torch.zeros(table.shape[1]), torch.ones(table.shape[1])
    values = table.to_numpy(float)
    sd = values.std(axis=0)
    sd[np.ptp(values, axis=0) == 0] = 1
    mean = values.mean(axis=0)
    return torch.from_numpy(mean.astype(np.float32)), torch.from_numpy(sd.astype(np.float32))


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
    codes = None if groups is None else groups.reindex(samples).to_numpy()
    if codes is not None and (unknown := samples[pd.isna(codes)]).size:
        raise ValueError(
            f"{len(unknown)} sample(s) have no series: {', '.join(map(str, unknown[:5]))}; name "
            "one for each, or pass groups=None"
        )
    grouped = codes is not None and len(pd.unique(codes)) > 1
    splitter = GroupShuffleSplit if grouped else ShuffleSplit
    split = splitter(1, test_size=config.validation_fraction, random_state=config.seed)
    fitted, held_out = next(split.split(samples, groups=codes if grouped else None))
    return samples[fitted], samples[held_out]


def start_network(
    network: Network, X: pd.DataFrame, Y: pd.DataFrame, scale: Scale, config: TrainConfig
) -> tuple[LembasRNN, Tensor]:
    """Make the network that training starts from, and the squared penalty of every edge."""
    model = LembasRNN(network, X.columns, Y.columns, config=rnn_config(config), seed=config.seed)
    penalties = torch.full((len(model.edges),), config.block_penalty)
    penalties[model.n_block_edges :] = 0.0
    if config.start == "study":
        model.prescale()
        return model, penalties
    ridge = MaskedRidge(network).fit(X, Y)
    weights = _ridge_weights(model, ridge, scale, config)
    with torch.no_grad():
        model.weights.copy_(weights)
        if config.sign == "project":
            model.constrain_signs()
        # Each node starts at the zone's centre for an average sample.
        rows = model.get_buffer("target_rows")
        incoming = torch.zeros(len(model.nodes)).index_add(0, rows, model.weights)
        model.bias.copy_(ZONE_CENTRE * (1 - incoming))
        model.output_bias.fill_(-ZONE_CENTRE / config.state_scale)
    alpha = ridge.alpha_.reindex(model.edges["Gene"]).fillna(0).to_numpy(np.float32)
    strength = config.ridge_penalty * torch.from_numpy(alpha) / (len(X) * Y.shape[1])
    penalties[model.n_block_edges :] = strength[model.n_block_edges :]
    return model, penalties


def _ridge_weights(
    model: LembasRNN, ridge: MaskedRidge, scale: Scale, config: TrainConfig
) -> Tensor:
    """Start gene edges at the masked ridge's coefficients, TF-TF edges at small noise."""
    generator = np.random.default_rng(config.seed)
    weights = config.block_noise * generator.standard_normal(len(model.edges))
    edges = model.edges.iloc[model.n_block_edges :]
    gene = ridge.genes_.get_indexer(edges["Gene"])
    tf = ridge.tfs_.get_indexer(edges["TF"])
    known = tf >= 0  # an unmeasured TF has no coefficient; its edges keep their noise
    if known.any():  # SciPy answers an empty selection with a matrix
        coefficients = ridge.coef_[gene[known], tf[known]] / scale.y_sd.numpy()[gene[known]]
        weights[model.n_block_edges :][known] = coefficients
    return torch.from_numpy(weights.astype(np.float32))


def parameter_groups(model: LembasRNN, config: TrainConfig) -> list[dict[str, Any]]:
    """Give each kind of parameter a learning rate that suits its size."""
    rate = config.learning_rate
    if not config.standardise:
        own = [parameter for parameter in model.parameters() if parameter.requires_grad]
        return [{"params": own, "lr": rate}]
    model.output_weights.requires_grad_(False)  # redundant with the weights of the gene's edges
    return [
        {"params": [model.weights], "lr": rate},
        # A bias shifts a state, and states are smaller than standardised values by the scale.
        {"params": [model.bias], "lr": rate * config.state_scale},
        {"params": [model.output_bias], "lr": rate},
    ]


def penalty_function(
    model: LembasRNN, penalties: Tensor, config: TrainConfig
) -> Callable[[Tensor], Tensor]:
    """Put together the penalty that the settings ask for."""
    # With standardised outputs the error is a mean over genes, and so is the sign penalty.
    sign_weight = config.sign_penalty / (len(model.outputs) if config.standardise else 1)
    spectral = SpectralPenalty(model) if config.spectral_penalty else None

    def penalty(states: Tensor) -> Tensor:
        total = (penalties * model.weights.square()).sum()
        if config.sign == "penalty" and config.sign_penalty:
            total = total + sign_weight * sign_penalty(model)
        if config.size_penalty:
            total = total + config.size_penalty * size_penalty(model)
        if config.barrier_penalty:
            total = total + config.barrier_penalty * barrier_penalty(model)
        if config.uniform_penalty:
            total = total + config.uniform_penalty * uniform_penalty(states)
        if spectral is not None:
            total = total + config.spectral_penalty * spectral()
        return total

    return penalty


class LembasRegressor(PlainState, RegressorMixin, BaseEstimator):
    """Fit LEMBAS-RNN on labelled tables, as a scikit-learn estimator.

    Args:
        network: The prior; only its edges carry weights.
        recipe: "improved" or "published" (the original study's, reconstructed).
        settings: Fields of :class:`TrainConfig` that differ from the recipe.
        seed: Seed of start, batches and held-out samples.
        progress: Show a progress bar on standard error while training.

    Attributes:
        network_: The trained :class:`LembasRNN`.
        config_: The :class:`TrainConfig` used.
        history_: One row an epoch and phase ("search" with held-out samples, "refit" on all).
        n_updates_: Updates of the final training.
        tfs_, genes_: Names of inputs and outputs.
        genes_without_regulators_: Genes predicted by their bias alone.

    References:
        Nilsson et al. 2022, doi:10.1038/s41467-022-30684-y.
    """

    def __init__(
        self,
        network: Network | None = None,
        *,
        recipe: str = "improved",
        settings: Mapping[str, Any] | None = None,
        seed: int = 888,
        progress: bool = False,
    ) -> None:
        self.network = network
        self.recipe = recipe
        self.settings = settings
        self.seed = seed
        self.progress = progress

    def fit(self, X: pd.DataFrame, Y: pd.DataFrame, groups: pd.Series | None = None) -> Self:
        """Fit from TF expression ``(sample, tf)`` and gene expression ``(sample, gene)``.

        Args:
            X: Training inputs, log10.
            Y: Training targets, log10, same samples.
            groups: Series of each sample; whole series are then held out for early stopping.

        Raises:
            ValueError: If tables, network or settings cannot be trained on.
            FloatingPointError: If the loss stops being finite.
        """
        check_training_tables(X, Y)
        regulated = self._prior().genes
        self.config_ = make_config(self.recipe, self.settings, self.seed)
        self.tfs_, self.genes_ = X.columns, Y.columns
        self.genes_without_regulators_ = self.genes_.difference(regulated)
        searched, n_updates = None, None
        if self.config_.validation_fraction > 0:
            fitted, held_out = split_samples(X.index, self.config_, groups)
            searched = self._train(X.loc[fitted], Y.loc[fitted], X.loc[held_out], Y.loc[held_out])
            n_updates = max(searched.best_update, 1)
        if searched is None or self.config_.refit:
            final = self._train(X, Y, n_updates=n_updates)
        else:
            final = searched
        self.n_updates_ = final.best_update
        self.history_ = _joined_history(searched, final)
        return self

    def predict(self, X: pd.DataFrame) -> pd.DataFrame:
        """Predict gene expression, ``(sample, gene)``, log10."""
        check_is_fitted(self)
        values = aligned_columns(X, self.tfs_).to_numpy(np.float32)
        with torch.no_grad():
            prediction = self.predict_tensor(torch.from_numpy(np.ascontiguousarray(values)))
        return pd.DataFrame(prediction.numpy(), index=X.index, columns=self.genes_)

    def predict_tensor(self, x: Tensor) -> Tensor:
        """Predict ``(sample, gene)`` from ``(sample, tf)``, both log10, with gradients."""
        scale = self._scale
        prediction, _ = self.network_((x - scale.x_mean) / scale.x_sd)
        return prediction * scale.y_sd + scale.y_mean

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

    def _train(
        self,
        X: pd.DataFrame,
        Y: pd.DataFrame,
        X_held_out: pd.DataFrame | None = None,
        Y_held_out: pd.DataFrame | None = None,
        *,
        n_updates: int | None = None,
    ) -> Outcome:
        """Train a fresh network; keep it and its scale as the estimator's own."""
        config = self.config_
        self._scale = Scale.of(X, Y, standardise=config.standardise)
        self.network_, penalties = start_network(self._prior(), X, Y, self._scale, config)
        training = self._batches(X, Y)
        return optimise(
            self.network_,
            parameter_groups(self.network_, config),
            training,
            penalty_function(self.network_, penalties, config),
            Schedule(config.learning_rate, config.epochs * len(training), config.peak_fraction),
            held_out=None if X_held_out is None else self._batches(X_held_out, Y_held_out),
            patience=config.patience,
            n_updates=n_updates,
            project_signs=config.sign == "project",
            seed=config.seed,
            progress="LEMBAS-RNN" if self.progress else None,
        )

    def _batches(self, X: pd.DataFrame, Y: pd.DataFrame) -> Batches:
        x, y = self._scale.standardised(X, Y)
        return Batches(x, y, self.config_.batch_size)

    def __getstate__(self) -> dict[str, Any]:
        """Return a plain state: the weights as arrays, the history as columns."""
        state = super().__getstate__()
        if "network_" in state:
            parameters = self.network_.state_dict()
            state["network_"] = {key: value.numpy() for key, value in parameters.items()}
            state["_scale"] = {key: value.numpy() for key, value in vars(self._scale).items()}
            state["config_"] = asdict(self.config_)
            state["history_"] = self.history_.to_dict("list")
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Rebuild the network around the saved weights."""
        super().__setstate__(state)
        if "network_" not in state:
            return
        weights = {key: torch.from_numpy(value) for key, value in state["network_"].items()}
        self.config_ = TrainConfig(**state["config_"])
        self._scale = Scale(**{key: torch.from_numpy(v) for key, v in state["_scale"].items()})
        self.history_ = pd.DataFrame(state["history_"])
        self.network_ = LembasRNN(
            self._prior(), self.tfs_, self.genes_, config=rnn_config(self.config_), seed=self.seed
        )
        self.network_.load_state_dict(weights)


def _joined_history(searched: Outcome | None, final: Outcome) -> pd.DataFrame:
    """Put the search's and the refit's epochs one below the other."""
    phases = [] if searched is None else [searched.history.assign(phase="search")]
    if final is not searched:
        phases.append(final.history.assign(phase="refit"))
    return pd.concat(phases, ignore_index=True)
