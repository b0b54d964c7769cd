"""Simulated studies have the skills they claim; intervals are counted right."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from lembas.calibration import (
    QUANTITIES,
    Regime,
    coverage,
    exchangeable_pairs,
    regime_of,
    regimes_of,
)
from lembas.intervals import METRICS, bootstrap
from tests.conftest import random_expression

FEW = {"n_studies": 60, "n_resamples": 150}


@pytest.fixture(scope="module")
def covered() -> pd.DataFrame:
    regimes = [Regime("5 series", 5, 20, n_genes=120), Regime("30 samples", 30, 1, n_genes=120)]
    return coverage(regimes, **FEW)


def test_intervals_cover_about_what_they_say(covered: pd.DataFrame) -> None:
    """60 studies leave 3 % of standard error; percentile intervals would cover some 85 %."""
    assert covered["coverage"].between(0.88, 1).all()
    calm = covered[covered["quantity"] == "aa"]
    assert (1 - calm["coverage"] <= 0.05 + 2 * 0.03).all()


def test_the_table_is_complete(covered: pd.DataFrame) -> None:
    assert covered[["regime", "quantity"]].to_numpy().tolist() == [
        [regime, quantity] for regime in ("5 series", "30 samples") for quantity in QUANTITIES
    ]
    assert covered["n_samples"].tolist() == [100] * 3 + [30] * 3
    assert (covered["low"] <= covered["coverage"]).all()
    assert (covered["high"] >= covered["coverage"]).all()
    assert (covered["width"] > 0).all()


def test_a_large_study_shows_the_limit() -> None:
    """With very many samples the interval is narrow and must hold the limit."""
    large = coverage([Regime("large", 6000, 1, n_genes=40)], n_studies=3, n_resamples=50)
    assert large["limit_coverage"].min() >= 2 / 3
    assert large["width"].max() < 0.05
    assert large["shift"].max() < 0.01


def test_the_shift_of_one_gene_is_that_of_a_ratio_of_chi_squares() -> None:
    """Skill is 1 - sum e^2 / sum t^2, with e and t bell-shaped about 0 and e independent of t - e.

    With r the ratio of their variances, e = r t + u and Var u = (r - r^2) Var t. Since the mean of
    1 / chi^2 of n degrees of freedom is 1 / (n - 2), the mean skill of n samples is
    1 - r^2 - (r - r^2) n / (n - 2), and the limit is 1 - r.
    """
    n = 6
    one = Regime("one gene", n, 1, n_genes=1)
    found = coverage([one], n_studies=120, n_resamples=2, n_gene_sets=1)
    skill = found.set_index("quantity").loc["skill"]
    ratio = 1 - skill["limit"]
    expected = (ratio - ratio**2) * 2 / (n - 2)
    # Skills of six samples have an SD of some .25: 120 leave .023.
    assert skill["shift"] == pytest.approx(expected, abs=0.07)
    assert expected > 0.1


def test_equals_do_not_differ_in_the_limit(covered: pd.DataFrame) -> None:
    equal = covered[covered["quantity"] == "aa"]
    assert (equal[["limit", "shift"]] == 0).all(axis=None)
    assert (equal["limit_coverage"] == equal["coverage"]).all()


def test_all_studies_are_counted_however_many_sets_of_genes() -> None:
    regime = [Regime("a", 5, 2, n_genes=10)]
    for n_gene_sets in (1, 3, 100):
        table = coverage(regime, n_studies=7, n_resamples=5, n_gene_sets=n_gene_sets)
        assert (table["n_studies"] == 7).all()
        assert (table["coverage"] * 7 % 1).round(9).isin([0, 1]).all()


@pytest.mark.parametrize("options", [{"n_studies": 1}, {"n_gene_sets": 0}])
def test_nothing_to_count_is_refused(options) -> None:
    with pytest.raises(ValueError, match=r"cannot count the intervals of .* at least 2 and 1 are"):
        coverage([Regime("a", 5, 2, n_genes=10)], **{"n_studies": 4, **options})


def test_the_seed_decides() -> None:
    regime = [Regime("a", 5, 4, n_genes=20)]
    one, same, other = (
        coverage(regime, n_studies=5, n_resamples=20, seed=seed) for seed in (1, 1, 2)
    )
    pd.testing.assert_frame_equal(one, same)
    assert (one["width"] != other["width"]).all()


def test_too_few_units_are_said_to_have_no_interval() -> None:
    table = coverage([Regime("two", 2, 10, n_genes=10)], n_studies=2, n_resamples=5)
    unknown = ["coverage", "low", "high", "width", "limit_coverage"]
    assert table[unknown].isna().all(axis=None)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"n_units": 1},
            r"regime 'a' has 1 unit\(s\) of 4 sample\(s\) and 300 gene\(s\); expected",
        ),
        ({"series_share": 1.0}, "series_share of regime 'a' is 1.0; expected a number from 0"),
    ],
)
def test_regimes_that_cannot_be_simulated_are_refused(values, message) -> None:
    with pytest.raises(ValueError, match=message):
        Regime(**{"name": "a", "n_units": 5, "samples_per_unit": 4, **values})


def test_a_cohort_is_described_by_its_units() -> None:
    samples = pd.Index([f"s{i}" for i in range(10)])
    assert regime_of("a", samples, None) == Regime("a", 10, 1)
    series = pd.Series(list("abbbbcccca"), samples)
    assert regime_of("b", samples, series, n_genes=7) == Regime("b", 3, 3, n_genes=7)


def test_cohorts_of_one_size_are_one_regime() -> None:
    def cohort(n_samples: int) -> SimpleNamespace:
        return SimpleNamespace(y=pd.DataFrame(index=range(n_samples)), series=None)

    cohorts = {"near": cohort(9), "test": cohort(5), "far": cohort(9)}
    assert regimes_of(cohorts, n_genes=4) == [
        Regime("near and far", 9, 1, n_genes=4),
        Regime("test", 5, 1, n_genes=4),
    ]


def pair_case() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.Series]:
    genes = [f"G{i}" for i in range(30)]
    truth, one, two = (random_expression("s", 24, genes, seed=seed) for seed in range(3))
    return truth, 0.9 * truth + 0.1 * one, 0.3 * truth + 0.7 * two, truth.mean() + 0.1


def test_pairs_that_are_equal_by_construction_rarely_differ() -> None:
    truth, good, bad, mean = pair_case()
    table = exchangeable_pairs(truth, good, bad, mean, n_pairs=30, n_resamples=60, n_genes=12)
    assert table["metric"].tolist() == list(METRICS)
    assert (table["n_pairs"] == 30).all()
    assert (table["n_rejected"] <= 6).all()  # 7 or more of 30: one time in 2,000 at 5 %
    # The two models themselves do differ.
    draws = bootstrap(truth, {"a": good, "b": bad}, mean, n_resamples=60)
    limits = draws.differences("b").set_index("metric").loc["r2_pooled"]
    assert limits["low"] > 0


def test_p_is_the_chance_of_as_many_rejections() -> None:
    truth, good, bad, mean = pair_case()
    one = ("mae_pooled",)
    table = exchangeable_pairs(truth, good, bad, mean, n_pairs=4, n_resamples=20, metrics=one)
    n_rejected = int(table["n_rejected"].iloc[0])
    chance = [0.95**4 * (1 / 19) ** k * [1, 4, 6, 4, 1][k] for k in range(5)]
    assert table["p"].iloc[0] == pytest.approx(sum(chance[n_rejected:]))


def test_two_units_leave_nothing_to_swap() -> None:
    truth, good, bad, mean = pair_case()
    series = pd.Series(np.arange(24) % 2, truth.index)
    assert exchangeable_pairs(truth, good, bad, mean, series=series).empty
