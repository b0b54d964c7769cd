"""What a method of attribution is asked for, and what it gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from sklearn.base import BaseEstimator

from lembas.checks import check_positive, check_whole

MODES = ("quadrature", "random")


@dataclass(frozen=True)
class Settings:
    """Settle how attributions are computed.

    Attributes:
        mode: For models with gradients. "quadrature": every background sample, and as many
            Gauss-Legendre nodes on the way from it as the attributions need to add up. "random":
            so many draws of a background sample and a place on the way, as the original study.
        n_draws: Draws a sample in the mode "random", >= 1.
        tolerance: In the mode "quadrature", nodes are added, up to 32, until the completeness
            error is at most this part of the SD of the model's prediction, > 0. Of an ensemble
            that is the mean of its networks. Genes that stay above it are named in the notes.
        max_memory_mb: For models with gradients: bounds the memory of what is computed at once, in
            10^6 bytes, > 0, beside the attributions themselves and the predictions explained; it
            changes no result but for rounding.
        max_predictions: For models without gradients: most predictions, all samples together,
            >= 1.
        seed: Seed of everything drawn, >= 0.
        progress: Show a progress bar on standard error.
    """

    mode: str = "quadrature"
    n_draws: int = 25
    tolerance: float = 1e-2
    max_memory_mb: float = 256.0
    max_predictions: int = 2_000_000
    seed: int = 888
    progress: bool = False

    def __post_init__(self) -> None:
        """Refuse settings that explain nothing."""
        if self.mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(MODES)}; got {self.mode!r}")
        for name, least in {"n_draws": 1, "max_predictions": 1, "seed": 0}.items():
            check_whole(name, getattr(self, name), least=least)
        for name in ("tolerance", "max_memory_mb"):
            check_positive(name, getattr(self, name))
        if not isinstance(self.progress, bool):
            raise TypeError(f"progress must be True or False, got {self.progress!r}")


@dataclass(frozen=True, eq=False)
class Explained:
    """Hold what a method found.

    Attributes:
        by_gene: Gene to its attributions ``(sample, tf)``.
        method: How they were computed, in words.
        notes: What the reader should know of them.
    """

    by_gene: dict[str, pd.DataFrame]
    method: str
    notes: tuple[str, ...] = ()


# Explains a model's genes over samples against a background, all checked and in the model's order.
Explain = Callable[[BaseEstimator, pd.DataFrame, pd.DataFrame, pd.Index, Settings], Explained]
