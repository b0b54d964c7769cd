"""Inner parts of the training samples hold whole series, and every sample once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lembas.inner_split import folds_of, group_codes, held_out_samples

NAMES = pd.Index([f"s{i:02d}" for i in range(23)], name="sample")
SAMPLES = pd.Index([f"s{number}" for number in range(30)])


@pytest.mark.parametrize("n_folds", [2, 5, 7])
def test_every_sample_is_held_out_once_and_series_stay_whole(n_folds: int) -> None:
    series = pd.Series([f"e{i % 7}" for i in range(23)], NAMES)
    by_series = folds_of(NAMES, series, n_folds=n_folds)
    assert sorted(by_series.unique()) == list(range(n_folds))
    assert len(set(zip(series, by_series, strict=True))) == 7
    by_sample = folds_of(NAMES, None, n_folds=n_folds)
    sizes = by_sample.value_counts()
    assert sizes.max() - sizes.min() <= 1


def test_the_seed_decides_the_folds() -> None:
    one, same, other = (folds_of(NAMES, None, seed=seed) for seed in (1, 1, 2))
    pd.testing.assert_series_equal(one, same)
    assert (one != other).any()


def test_one_series_falls_back_to_samples() -> None:
    pd.testing.assert_series_equal(folds_of(NAMES, pd.Series("x", NAMES)), folds_of(NAMES, None))


@pytest.mark.parametrize(
    ("series", "n_folds", "message"),
    [
        (None, 1, r"cannot sort 23 unit\(s\) \(sample\) into 1 folds; expected 2 to 23"),
        (None, 24, r"23 unit\(s\) \(sample\) into 24 folds"),
        (pd.Series([f"e{i % 3}" for i in range(23)], NAMES), 5, r"3 unit\(s\) \(series\) into 5"),
    ],
)
def test_impossible_folds_are_refused(series, n_folds: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        folds_of(NAMES, series, n_folds=n_folds)


@settings(deadline=None)
@given(series=st.lists(st.integers(0, 5), min_size=30, max_size=30), seed=st.integers(0, 99))
def test_held_out_samples_are_whole_series(series, seed):
    groups = pd.Series(series, index=SAMPLES)
    fitted, held_out = held_out_samples(SAMPLES, groups, fraction=0.2, seed=seed)
    assert sorted([*fitted, *held_out]) == list(range(30))
    assert len(held_out)
    if len(set(series)) > 1:
        assert not set(groups.iloc[fitted]) & set(groups.iloc[held_out])
    again = held_out_samples(SAMPLES, groups, fraction=0.2, seed=seed)
    np.testing.assert_array_equal(again[1], held_out)


def test_groups_meet_samples_by_name():
    groups = pd.Series(np.repeat(["a", "b", "c"], 10), index=SAMPLES)
    assert group_codes(SAMPLES, groups[::-1]).tolist() == groups.tolist()
    assert group_codes(SAMPLES, None) is None
    assert group_codes(SAMPLES, groups.map(lambda _: "one")) is None


def test_what_cannot_be_parted_is_refused():
    groups = pd.Series("a", index=SAMPLES[:-2])
    with pytest.raises(ValueError, match=r"2 sample\(s\) have no series: s28, s29; name one"):
        group_codes(SAMPLES, groups)
    with pytest.raises(ValueError, match="at least 4 training samples, got 3"):
        held_out_samples(SAMPLES[:3], None, fraction=0.2, seed=0)
