"""LEMBAS-RNN with several states a TF: as many weights on every edge."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from lembas.ensemble import packed, unpacked
from lembas.labels import PlainState, aligned_columns, check_training_tables
from lembas.model import LembasRNN
from lembas.network import Network
from lembas.training import LembasRegressor


class LembasChannels(PlainState, RegressorMixin, BaseEstimator):
    """Fit a variant of LEMBAS-RNN in which every TF has K states instead of one.

    A channel is a copy of all TFs with all edges between them. The channels share the inputs and
    do not touch each other; a gene hears its regulators in every channel. So an edge has K times
    the weights of :class:`~lembas.training.LembasRegressor`, and still there is none off the
    network. It is fitted as one LEMBAS-RNN on a network in which each TF stands K times.

    Args:
        network: The prior; only its edges carry weights.
        n_channels: States K of each TF, >= 1; with 1 it is LEMBAS-RNN.
        recipe: As :class:`~lembas.training.LembasRegressor` takes it.
        settings: Fields of the training's settings that differ from the recipe.
        seed: Seed of start, batches and held-out samples.
        progress: Show a progress bar on standard error while training.
        device: "auto", "cpu" or "cuda".

    Attributes:
        inner_: The fitted :class:`LembasRegressor` on the network of copies.
        tfs_, genes_: Names of inputs and outputs.
    """

    def __init__(
        self,
        network: Network | None = None,
        *,
        n_channels: int = 4,
        recipe: str = "improved",
        settings: Mapping[str, Any] | None = None,
        seed: int = 888,
        progress: bool = False,
        device: str = "auto",
    ) -> None:
        self.network = network
        self.n_channels = n_channels
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
            unfinished: Folder that keeps the progress of this very fit.

        Raises:
            ValueError: If there is no channel or no network, or a network cannot be fitted.
        """
        check_training_tables(X, Y)
        if self.network is None or self.n_channels < 1:
            raise ValueError(
                f"n_channels is {self.n_channels} and the network is "
                f"{'missing' if self.network is None else 'there'}; expected at least one channel, "
                "and network=Network.read(path)"
            )
        inner = LembasRegressor(
            with_channels(self.network, Y.columns, self.n_channels),
            recipe=self.recipe,
            settings=self.settings,
            seed=self.seed,
            progress=self.progress,
            device=self.device,
        )
        self.inner_ = inner.fit(self.copied(X), Y, groups=groups, unfinished=unfinished)
        self.tfs_, self.genes_ = X.columns, Y.columns
        return self

    def predict(self, X: pd.DataFrame) -> pd.DataFrame:
        """Predict gene expression, ``(sample, gene)``, log10."""
        check_is_fitted(self)
        return self.inner_.predict(self.copied(aligned_columns(X, self.tfs_)))

    def predict_tensor(self, x: Tensor) -> Tensor:
        """Predict ``(sample, gene)`` from ``(sample, tf)``, both log10, with gradients."""
        return self.inner_.predict_tensor(x.repeat(1, self.n_channels))

    def restricted(self, genes: Iterable[str]) -> LembasChannels:
        """Return the same fitted model, predicting fewer genes.

        Args:
            genes: Some of ``genes_``.
        """
        check_is_fitted(self)
        smaller = copy.copy(self)
        smaller.genes_ = pd.Index(genes, name="gene")
        smaller.inner_ = self.inner_.restricted(smaller.genes_)
        return smaller

    @property
    def network_(self) -> LembasRNN:
        """The trained network of copies."""
        return self.inner_.network_

    def copied(self, X: pd.DataFrame) -> pd.DataFrame:
        """Give every channel the inputs, under the names of its copies of the TFs.

        Args:
            X: ``(sample, tf)``.

        Returns:
            Inputs of ``inner_``, ``(sample, channel x tf)``.
        """
        names = [copy_of(tf, k) for k in range(self.n_channels) for tf in X.columns]
        return pd.DataFrame(np.tile(X.to_numpy(), (1, self.n_channels)), X.index, names)

    def __copy__(self) -> LembasChannels:
        """Copy without taking the network apart, as saving does."""
        twin = type(self)()
        for name, value in vars(self).items():
            setattr(twin, name, value)
        return twin

    def __getstate__(self) -> dict[str, Any]:
        """Return a plain state: the network as the bytes of its checkpoint."""
        state = super().__getstate__()
        return {**state, "inner_": packed(self.inner_)} if "inner_" in state else state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the network from its checkpoint."""
        if "inner_" in state:
            state = {**state, "inner_": unpacked(state["inner_"])}
        super().__setstate__(state)


def with_channels(network: Network, outputs: pd.Index, n_channels: int) -> Network:
    """Let each TF stand ``n_channels`` times: edges within a channel, and from each onto genes.

    Args:
        network: The prior.
        outputs: Genes to predict. One that is a TF becomes a gene of its own name beside its
            copies, without the edge from itself.
        n_channels: Copies of each TF.
    """
    edges = network.edges
    onto_tfs = edges[edges["Gene"].isin(network.tfs)]
    onto_genes = edges[edges["Gene"].isin(outputs) & (edges["TF"] != edges["Gene"])]
    parts = []
    for k in range(n_channels):
        parts.append(
            onto_tfs.assign(**{name: _named(onto_tfs[name], k) for name in ("TF", "Gene")})
        )
        parts.append(onto_genes.assign(TF=_named(onto_genes["TF"], k)))
    return Network.from_edges(
        pd.concat(parts, ignore_index=True), origin="the network of channels", unsigned=True
    )


def _named(tfs: pd.Series, channel: int) -> pd.Series:
    return tfs.map(lambda tf: copy_of(tf, channel))


def copy_of(tf: str, channel: int) -> str:
    """Name a TF's copy in a channel, counted from 0."""
    return f"{tf} #{channel + 1}"
