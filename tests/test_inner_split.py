"""Inner parts of the training samples hold whole series, and every sample once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lembas.inner_split import group_codes, held_out_samples, inner_folds

SAMPLES = pd.Index([f"s{number}" for number in range(30)])


@settings(deadline=None)
@given(
    series=st.lists(st.integers(0, 6), min_size=30, max_size=30),
    n_folds=st.integers(2, 8),
    seed=st.integers(0, 99),
)
def test_folds_part_the_samples_and_keep_series_whole(series, n_folds, seed):
    groups = pd.Series(series, index=SAMPLES)
    folds = inner_folds(SAMPLES, groups, n_folds=n_folds, seed=seed)
    held_out = np.concatenate([each for _, each in folds])
    assert sorted(held_out) == list(range(30))
    known = groups.nunique()
    assert len(folds) == (n_folds if known == 1 else min(n_folds, known))
    for fitted, other in folds:
        assert sorted([*fitted, *other]) == list(range(30))
        if known > 1:
            assert not set(groups.iloc[fitted]) & set(groups.iloc[other])


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
    with pytest.raises(ValueError, match="cannot cross-validate 30 training samples in 1 folds"):
        inner_folds(SAMPLES, None, n_folds=1, seed=0)
