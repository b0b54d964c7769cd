"""Means of attributions have the intervals of means."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from lembas.attribution_means import mean_sizes
from tests.small_study import normal_table

TFS = ["A", "B", "C"]


def test_the_interval_is_that_of_a_mean() -> None:
    """Student's interval of |phi|, which the bootstrap meets but for its own noise."""
    values = normal_table(60, TFS, seed=1) - 2
    made = mean_sizes(values, n_resamples=8000)
    size = values.abs().astype(float)
    assert made["mean_abs_attribution"].to_numpy() == pytest.approx(size.mean().to_numpy())
    half = stats.t.ppf(0.975, 59) * size.std(ddof=1) / np.sqrt(60)
    assert (made["high"] - made["mean_abs_attribution"]).to_numpy() == pytest.approx(
        half.to_numpy(), rel=0.03
    )
    assert (made["mean_abs_attribution"] - made["low"]).to_numpy() == pytest.approx(
        half.to_numpy(), rel=0.03
    )


def test_whole_series_are_resampled() -> None:
    """Samples of a series are alike: series leave more open than samples."""
    noise = np.repeat(np.random.default_rng(1).exponential(size=10), 12)
    values = pd.DataFrame({"A": noise}, index=[f"s{i}" for i in range(120)])
    series = pd.Series(np.repeat(list("abcdefghij"), 12), index=values.index)
    alone, together = mean_sizes(values), mean_sizes(values, series=series)
    width = (together["high"] - together["mean_abs_attribution"]).item()
    assert width > 2 * (alone["high"] - alone["mean_abs_attribution"]).item()
    shuffled = mean_sizes(values.sample(frac=1, random_state=1), series=series)
    assert shuffled["mean_abs_attribution"].item() == pytest.approx(noise.mean())


def test_a_tf_without_attribution_has_none_at_all() -> None:
    values = normal_table(20, TFS, seed=1).assign(B=0.0)
    assert mean_sizes(values).loc["B"].tolist() == [0, 0, 0]
    assert (mean_sizes(values)["low"] >= 0).all()


def test_too_few_samples_have_no_interval() -> None:
    made = mean_sizes(normal_table(3, TFS, seed=1))
    assert made[["low", "high"]].isna().all(axis=None)
    assert made["mean_abs_attribution"].notna().all()


def test_nothing_to_average() -> None:
    with pytest.raises(ValueError, match="cannot average 0 samples of 3 TFs"):
        mean_sizes(normal_table(3, TFS, seed=1).iloc[:0])
    with pytest.raises(ValueError, match="resample them 0 times"):
        mean_sizes(normal_table(3, TFS, seed=1), n_resamples=0)
