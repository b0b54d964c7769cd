"""Decide which samples of a study are held out, by series where series are known."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupShuffleSplit, train_test_split

from lembas.formats import listed

# A single test sample has no variance, hence no R2.
MIN_TEST_SAMPLES = 2


def split_samples(
    samples: pd.Index,
    *,
    series: pd.Series | None = None,
    test_fraction: float = 0.2,
    seed: int = 888,
    folds: int = 2,
    origin: str = "the study",
) -> pd.Series:
    """Hold out samples, or whole series where they are known, at random.

    The draw is scikit-learn's (``train_test_split``, ``GroupShuffleSplit``): it goes by the
    samples' order, not by their names.

    Args:
        samples: Names, in file order.
        series: Series of each sample, over ``sample``; None: unknown.
        test_fraction: Part of the samples (of the series) to hold out, in (0, 1), rounded up.
        seed: Seed of the draw.
        folds: Cross-validation folds that the other samples (or series) must allow.
        origin: Where the samples come from; named in messages.

    Returns:
        ``"train"`` or ``"test"``, over ``sample``, in the given order.

    Raises:
        ValueError: If there is a single series, or there are too few samples or series.
    """
    positions = np.arange(len(samples))
    if series is None:
        _refuse_too_few(len(samples), "samples", test_fraction, folds, MIN_TEST_SAMPLES, origin)
        _, test = train_test_split(positions, test_size=test_fraction, random_state=seed)
    else:
        groups = series.reindex(samples).to_numpy()
        _refuse_single_series(groups, origin)
        _refuse_too_few(len(set(groups)), "series", test_fraction, folds, 1, origin)
        splitter = GroupShuffleSplit(n_splits=1, test_size=test_fraction, random_state=seed)
        _, test = next(splitter.split(positions, groups=groups))
    sides = np.where(np.isin(positions, test), "test", "train").astype(object)
    return pd.Series(sides, index=samples, name="split")


def series_of_samples(
    cohorts: Mapping[str, pd.Index], series: pd.Series | None, *, study: str, origin: str = "series"
) -> pd.Series:
    """Look up each sample's series.

    Args:
        cohorts: Samples of each cohort, by the cohort's name.
        series: Series over ``sample``; blank and NaN mean unknown; None: none is known.
        study: Name of the cohort to be split: with ``series``, all its samples must have one.
        origin: Where the series come from; named in messages.

    Returns:
        Series over all samples; ``""`` throughout a cohort of which no sample has one.

    Raises:
        ValueError: If a sample is listed twice, or a cohort's series are known in part only.
    """
    known = pd.Series(dtype=object) if series is None else series.dropna().astype(str)
    # "GSE1 " and "GSE1" are one series: a blank that none sees would part its samples.
    known = known.map(str.strip)
    known = known[known != ""]
    if not known.index.is_unique:
        repeated = known.index[known.index.duplicated()].unique()
        raise ValueError(f"{origin} lists sample(s) twice: {listed(repeated)}; keep one row each")
    parts = []
    for cohort, samples in cohorts.items():
        absent = samples[~samples.isin(known.index)]
        unknown_throughout = len(absent) == len(samples) and (series is None or cohort != study)
        if len(absent) and not unknown_throughout:
            raise ValueError(
                f"{origin} names no series for {len(absent)} of {len(samples)} samples of "
                f"{cohort}: {listed(absent)}; name one for each, or leave the series out"
            )
        parts.append(known.reindex(samples).fillna("").astype(object))
    return pd.concat(parts).rename("series")


def _refuse_single_series(groups: np.ndarray, origin: str) -> None:
    """Refuse to split by series when there is one."""
    if len(set(groups)) == 1:
        raise ValueError(
            f"{origin} has the single series {groups[0]!r}; a split by series needs two or more: "
            "correct the series, or leave them out to split by samples"
        )


def _refuse_too_few(
    n_units: int, units: str, test_fraction: float, folds: int, least: int, origin: str
) -> None:
    """Refuse a split that leaves too little on either side."""
    n_test = math.ceil(n_units * test_fraction)
    if n_test < least or n_units - n_test < folds:
        raise ValueError(
            f"{origin} has {n_units} {units}, which gives {n_units - n_test} for training and "
            f"{n_test} for the test; expected at least {folds} (one for each fold) and {least}: "
            "give more samples, or change test_fraction or folds"
        )
