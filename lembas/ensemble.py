"""Average LEMBAS-RNNs that differ in their seed only."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from lembas import checkpoint
from lembas.labels import PlainState
from lembas.network import Network
from lembas.training import LembasRegressor


class LembasEnsemble(PlainState, RegressorMixin, BaseEstimator):
    r"""Fit LEMBAS-RNN from several seeds and average the predictions.

    .. math:: \hat y_{ig} = \frac{1}{K} \sum_{k=1}^{K} \hat y^{(k)}_{ig}

    Args:
        network: The prior; only its edges carry weights.
        n_seeds: Networks K, >= 1; their seeds are ``seed``, ``seed + 1``, ...
        recipe: As :class:`~lembas.training.LembasRegressor` takes it.
        settings: Fields of the training's settings that differ from the recipe.
        seed: Seed of the first network.
        progress: Show a progress bar on standard error while training.
        device: "auto", "cpu" or "cuda".

    Attributes:
        members_: The fitted :class:`LembasRegressor` of each seed.
        tfs_, genes_: Names of inputs and outputs.
    """

    def __init__(
        self,
        network: Network | None = None,
        *,
        n_seeds: int = 3,
        recipe: str = "improved",
        settings: Mapping[str, Any] | None = None,
        seed: int = 888,
        progress: bool = False,
        device: str = "auto",
    ) -> None:
        self.network = network
        self.n_seeds = n_seeds
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
            unfinished: Folder that keeps the progress of this very fit, seed by seed.

        Raises:
            ValueError: If there is no seed, the settings name one, or a network cannot be fitted.
        """
        everyone = range(self.n_seeds)
        self.members_ = self._fitted(X, Y, everyone, groups=groups, unfinished=unfinished)
        self.tfs_, self.genes_ = X.columns, Y.columns
        return self

    def n_pieces(self, Y: pd.DataFrame) -> int:
        """Count the pieces that can be made in advance: seeds."""
        return self.n_seeds

    def make_pieces(
        self,
        X: pd.DataFrame,
        Y: pd.DataFrame,
        numbers: Iterable[int],
        *,
        unfinished: str | Path,
        groups: pd.Series | None = None,
    ) -> None:
        """Train some of the networks in advance: :meth:`fit` finds them in ``unfinished``.

        Args:
            X: Training inputs, log10.
            Y: Training targets, log10, same samples.
            numbers: Which networks, from 0.
            unfinished: The folder that :meth:`fit` will be given.
            groups: Series of each sample, as for :meth:`fit`.
        """
        self._fitted(X, Y, numbers, groups=groups, unfinished=unfinished)

    def _fitted(
        self,
        X: pd.DataFrame,
        Y: pd.DataFrame,
        numbers: Iterable[int],
        *,
        groups: pd.Series | None,
        unfinished: str | Path | None,
    ) -> list[LembasRegressor]:
        """Train some of the networks, one after another."""
        if self.n_seeds < 1 or "seed" in (self.settings or {}):
            raise ValueError(
                f"n_seeds is {self.n_seeds} and settings {dict(self.settings or {})}; expected at "
                "least one seed, and no seed among the settings: all networks would be the same"
            )
        members = [self._member(self.seed + number) for number in numbers]
        for member in members:
            folder = None if unfinished is None else Path(unfinished) / f"seed_{member.seed}"
            member.fit(X, Y, groups=groups, unfinished=folder)
        return members

    def predict(self, X: pd.DataFrame) -> pd.DataFrame:
        """Predict gene expression, ``(sample, gene)``, log10."""
        check_is_fitted(self)
        first, *others = self.members_
        total = first.predict(X).astype(float)
        for member in others:
            total += member.predict(X)
        return (total / len(self.members_)).astype(np.float32)

    def predict_tensor(self, x: Tensor) -> Tensor:
        """Predict ``(sample, gene)`` from ``(sample, tf)``, both log10, with gradients."""
        return torch.stack([member.predict_tensor(x) for member in self.members_]).mean(dim=0)

    def restricted(self, genes: Iterable[str]) -> LembasEnsemble:
        """Return the same fitted ensemble, predicting fewer genes.

        Args:
            genes: Some of ``genes_``.
        """
        check_is_fitted(self)
        smaller = copy.copy(self)
        smaller.genes_ = pd.Index(genes, name="gene")
        smaller.members_ = [member.restricted(smaller.genes_) for member in self.members_]
        return smaller

    def _member(self, seed: int) -> LembasRegressor:
        return LembasRegressor(
            self.network,
            recipe=self.recipe,
            settings=self.settings,
            seed=seed,
            progress=self.progress,
            device=self.device,
        )

    def __copy__(self) -> LembasEnsemble:
        """Copy without taking the networks apart, as saving does."""
        twin = type(self)()
        for name, value in vars(self).items():
            setattr(twin, name, value)
        return twin

    def __getstate__(self) -> dict[str, Any]:
        """Return a plain state: each network as the bytes of its checkpoint."""
        state = super().__getstate__()
        if "members_" in state:
            state["members_"] = [packed(member) for member in self.members_]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the networks from their checkpoints."""
        if "members_" in state:
            state = {**state, "members_": [unpacked(content) for content in state["members_"]]}
        super().__setstate__(state)


def packed(member: LembasRegressor) -> np.ndarray:
    """Write a network as :func:`lembas.checkpoint.save` does; return the file's bytes, uint8.

    Args:
        member: The fitted network.
    """
    with TemporaryDirectory(prefix="lembas-") as folder:
        path = Path(folder) / "member.safetensors"
        checkpoint.save(member, path)
        return np.fromfile(path, np.uint8)


def unpacked(content: np.ndarray) -> LembasRegressor:
    """Read a network from the bytes of its checkpoint.

    Raises:
        ValueError: If they hold another model.
    """
    with TemporaryDirectory(prefix="lembas-") as folder:
        path = Path(folder) / "member.safetensors"
        content.tofile(path)
        member = checkpoint.load(path)
    if not isinstance(member, LembasRegressor):
        raise ValueError(
            f"the model's file holds a {type(member).__name__} where a LembasRegressor is "
            "expected: it is damaged, fit again"
        )
    return member
