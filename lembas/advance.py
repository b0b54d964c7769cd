"""Make pieces of a model's fit in advance, and remember how long that took."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.base import BaseEstimator

from lembas.baselines import fit_with
from lembas.formats import write_atomically
from lembas.unfinished import Unfinished, fingerprint

# Hidden, so that it is no model's name.
_TIMES = ".times"


def n_pieces(estimator: BaseEstimator, Y: pd.DataFrame) -> int:
    """Count the pieces of a fit that can be made in advance; 0: it is fitted in one go.

    A model that keeps its progress but names no pieces is one piece: when its fit is called a
    second time, it reads what the first kept.

    Args:
        estimator: The model, not fitted.
        Y: Gene expression ``(sample, gene)`` it would be fitted to.
    """
    if hasattr(estimator, "n_pieces"):
        return int(estimator.n_pieces(Y))
    return int("unfinished" in inspect.signature(estimator.fit).parameters)


def make_pieces(
    estimator: BaseEstimator,
    X: pd.DataFrame,
    Y: pd.DataFrame,
    numbers: Iterable[int],
    **offered: Any,
) -> None:
    """Make some pieces of a fit, for a later fit in the same folder to find.

    Args:
        estimator: The model, not fitted; it is of no use afterwards.
        X: TF expression ``(sample, tf)``, log10.
        Y: Gene expression ``(sample, gene)``, log10.
        numbers: Which pieces, from 0.
        **offered: ``groups`` (series of each sample) and ``unfinished`` (the folder).
    """
    if hasattr(estimator, "make_pieces"):
        estimator.make_pieces(X, Y, numbers, **offered)
    else:
        fit_with(estimator, X, Y, **offered)


@dataclass(frozen=True, eq=False)
class Times:
    """Remember how long pieces of some models took, beside those pieces.

    Attributes:
        folder: The folder that keeps the models' progress.
        X: TF expression ``(sample, tf)``; times of fits to other tables are forgotten.
        Y: Gene expression ``(sample, gene)``.
        network: Digest of the network.
    """

    folder: Path
    X: pd.DataFrame
    Y: pd.DataFrame
    network: str

    @cached_property
    def _key(self) -> str:
        return fingerprint(self.X, self.Y, self.network)

    def add(self, model: str, entry: Mapping[str, Any], share: str, seconds: float) -> None:
        """Add the seconds that a share of a model's pieces took.

        Args:
            model: Its name.
            entry: What differs from the registry.
            share: The share's name.
            seconds: Of this process; those of an earlier one, which was stopped, are kept.
        """
        path = self._place(model, entry).path(f"{share}.json")
        total = seconds + (_seconds(path) if path.is_file() else 0.0)

        def write(part: Path) -> None:
            part.write_text(json.dumps(total), "ascii")

        write_atomically(path, write)

    def total(self, model: str, entry: Mapping[str, Any]) -> float:
        """Sum the seconds of all shares of a model's pieces; 0 without any."""
        if not (self.folder / _TIMES / model).is_dir():
            return 0.0
        return sum(_seconds(path) for path in self._place(model, entry).folder.glob("*.json"))

    def _place(self, model: str, entry: Mapping[str, Any]) -> Unfinished:
        return Unfinished.open(self.folder / _TIMES / model, fingerprint(self._key, dict(entry)))


def _seconds(path: Path) -> float:
    return float(json.loads(path.read_text("ascii")))
