"""Part the training samples once more, to choose settings without looking at the test set."""

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


def inner_folds(
    samples: pd.Index, groups: pd.Series | None, *, n_folds: int, seed: int
) -> list[Sides]:
    """Part the samples into folds: by group where at least two are known.

    Args:
        samples: Names of the samples.
        groups: Series of each sample; None: unknown.
        n_folds: Folds, >= 2; as many as there are groups, or samples, where these are fewer.
        seed: Seed of the draw; groups are dealt out by their size, without a draw.

    Raises:
        ValueError: If ``n_folds`` is below 2, there are fewer than 4 samples, or some have no
            group.
    """
    if n_folds < 2 or len(samples) < 4:
        raise ValueError(
            f"cannot cross-validate {len(samples)} training samples in {n_folds} folds; at least "
            "4 samples and 2 folds are needed"
        )
    codes = group_codes(samples, groups)
    if codes is None:
        folds = KFold(min(n_folds, len(samples) // 2), shuffle=True, random_state=seed)
    else:
        folds = GroupKFold(min(n_folds, len(pd.unique(codes))))
    return list(folds.split(samples, groups=codes))
