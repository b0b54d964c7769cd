"""Part the training samples once more: into folds, or to hold some of them out."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold, GroupShuffleSplit, KFold, ShuffleSplit

from lembas.intervals import units_of

# Positions of the samples to fit on, and of those to score.
Sides = tuple[np.ndarray, np.ndarray]


def group_codes(samples: pd.Index, groups: pd.Series | None) -> np.ndarray | None:
    """Look up each sample's group.

    Args:
        samples: Names of the samples.
        groups: Series of each sample, over ``sample``; None: unknown.

    Returns:
        Groups ``(sample,)``; None where fewer than two are known, so that none can be held out.

    Raises:
        ValueError: If groups are given, and some samples have none.
    """
    _, unit = units_of(samples, groups)
    return None if groups is None or unit != "series" else groups.reindex(samples).to_numpy()


def held_out_samples(
    samples: pd.Index, groups: pd.Series | None, *, fraction: float, seed: int
) -> Sides:
    """Hold a part of the samples out: whole groups where at least two are known.

    Args:
        samples: Names of the samples.
        groups: Series of each sample; None: unknown.
        fraction: Part of the samples, or of the groups, to hold out, in (0, 1).
        seed: Seed of the draw.

    Raises:
        ValueError: If there are fewer than 4 samples, or some have no group.
    """
    if len(samples) < 4:
        raise ValueError(
            f"holding samples out needs at least 4 training samples, got {len(samples)}; give more"
        )
    codes = group_codes(samples, groups)
    splitter = ShuffleSplit if codes is None else GroupShuffleSplit
    split = splitter(1, test_size=fraction, random_state=seed)
    fitted, held_out = next(split.split(samples, groups=codes))
    return fitted, held_out


def folds_of(
    samples: pd.Index, series: pd.Series | None, *, n_folds: int = 5, seed: int = 888
) -> pd.Series:
    """Sort samples into folds, whole series where at least two are known.

    Args:
        samples: Names of the samples.
        series: Series of each sample; None: unknown.
        n_folds: Number of folds.
        seed: Seed of the draw.

    Returns:
        Number of each sample's fold, from 0, over ``sample``.

    Raises:
        ValueError: If there are fewer units than folds.
    """
    unit, kind = units_of(samples, series)
    n_units = int(unit.max()) + 1
    if not 2 <= n_folds <= n_units:
        raise ValueError(
            f"cannot sort {n_units} unit(s) ({kind}) into {n_folds} folds; expected 2 to "
            f"{n_units} folds"
        )
    splitter = (GroupKFold if kind == "series" else KFold)(n_folds, shuffle=True, random_state=seed)
    fold = np.empty(len(samples), int)
    groups = {"groups": unit} if kind == "series" else {}
    parts = splitter.split(np.empty((len(samples), 1)), **groups)
    for number, (_, held_out) in enumerate(parts):
        fold[held_out] = number
    return pd.Series(fold, index=samples, name="fold")
