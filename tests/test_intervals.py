"""Tests of the bootstrap: a slow, explicit loop over resamples is the oracle."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.stats import rankdata, ttest_1samp

from lembas.intervals import FEWEST_UNITS, METRICS, Draws, bootstrap, half_width, together
from lembas.metrics import score_per_gene, summarise
from tests.conftest import random_expression

GENES = [f"G{number}" for number in range(9)]
EXACT_METRICS = [metric for metric in METRICS if "spearman" not in metric]


def case(seed: int = 0, n_samples: int = 14) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    truth = random_expression("s", n_samples, GENES, seed=seed)
    noise = random_expression("s", n_samples, GENES, seed=seed + 1)
    return truth, (0.5 * truth + 0.5 * noise).round(1), truth.mean() + 0.1


def drawn_rows(groups: np.ndarray, n_resamples: int, seed: int) -> list[np.ndarray]:
    """Positions of the samples in each resample, drawn as :func:`bootstrap` documents."""
    n_units = groups.max() + 1
    generator = np.random.default_rng(seed)
    counts = generator.multinomial(n_units, np.full(n_units, 1 / n_units), size=n_resamples)
    return [np.repeat(np.arange(len(groups)), count[groups]) for count in counts]


def resampled(table: pd.DataFrame, rows: np.ndarray) -> pd.DataFrame:
    return table.iloc[rows].reset_index(drop=True)


def slow_draws(truth, prediction, mean, rows_of_draws) -> pd.DataFrame:
    scores = []
    for rows in rows_of_draws:
        y, p = resampled(truth, rows), resampled(prediction, rows)
        scores.append(summarise(score_per_gene(y, p, mean), y, p, mean))
    return pd.DataFrame(scores).reset_index(drop=True)


def ranks(table: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(rankdata(table, axis=0), index=table.index, columns=table.columns)


def pooled_ranks(table: pd.DataFrame) -> pd.DataFrame:
    values = rankdata(table.to_numpy().ravel()).reshape(table.shape)
    return pd.DataFrame(values, index=table.index, columns=table.columns)


def series_of(truth: pd.DataFrame) -> pd.Series:
    """Put the samples into five series of unequal size, the names out of order."""
    names = np.array(["e", "b", "d", "a", "c"])[np.arange(len(truth)) ** 2 % 5]
    names[:5] = ["e", "b", "d", "a", "c"]
    return pd.Series(names, index=truth.index)


@pytest.mark.parametrize("by_series", [False, True], ids=["samples", "series"])
def test_draws_equal_an_explicit_loop_over_resamples(by_series):
    truth, prediction, mean = case()
    series = series_of(truth) if by_series else None
    # More resamples than one block holds.
    draws = bootstrap(truth, {"a": prediction}, mean, series=series, n_resamples=230, seed=3)
    groups = pd.factorize(series)[0] if by_series else np.arange(len(truth))
    rows = drawn_rows(groups, 230, 3)
    expected = slow_draws(truth, prediction, mean, rows)
    found = draws.by_model["a"]
    assert list(found.columns) == list(METRICS)
    pd.testing.assert_frame_equal(
        found[EXACT_METRICS], expected[EXACT_METRICS], rtol=1e-9, atol=1e-10
    )
    assert (draws.n_units, draws.unit) == ((5, "series") if by_series else (14, "sample"))


def test_spearman_draws_correlate_the_ranks_of_the_full_set():
    truth, prediction, mean = case(4)
    found = bootstrap(truth, {"a": prediction}, mean, n_resamples=40, seed=1).by_model["a"]
    rows = drawn_rows(np.arange(len(truth)), 40, 1)
    by_gene = slow_draws(ranks(truth), ranks(prediction), mean, rows)
    pooled = slow_draws(pooled_ranks(truth), pooled_ranks(prediction), mean, rows)
    expected = pd.DataFrame(
        {
            "spearman_pooled": pooled["pearson_pooled"],
            "spearman_median_over_genes": by_gene["pearson_median_over_genes"],
        }
    )
    pd.testing.assert_frame_equal(found[list(expected)], expected, rtol=1e-9, atol=1e-10)


def test_genes_that_do_not_vary_are_left_out_of_the_medians_as_in_the_scores():
    truth, prediction, mean = case(5)
    truth["G0"], truth["G1"], prediction["G2"] = 0.1, 0.0, 0.7
    mean["G1"] = 0.0  # no skill either
    truth["G3"] = 0.0
    truth.loc["s3", "G3"] = 1.0  # varies in some of the resamples only
    found = bootstrap(truth, {"a": prediction}, mean, n_resamples=60, seed=2).by_model["a"]
    expected = slow_draws(truth, prediction, mean, drawn_rows(np.arange(len(truth)), 60, 2))
    pd.testing.assert_frame_equal(
        found[EXACT_METRICS], expected[EXACT_METRICS], rtol=1e-9, atol=1e-10
    )


@pytest.mark.parametrize("level", [0.0, 0.1])
def test_values_that_do_not_vary_give_no_correlation_and_no_warning(level):
    truth, prediction, _ = case(6)
    flat = truth * 0 + level
    found = bootstrap(flat, {"a": prediction}, flat.mean(), n_resamples=20).by_model["a"]
    undefined = [metric for metric in METRICS if metric not in ("rmse_pooled", "mae_pooled")]
    assert found[undefined].isna().all(axis=None)
    assert found[["rmse_pooled", "mae_pooled"]].notna().all(axis=None)
    limits = Draws({"a": found}, n_units=14, unit="sample").intervals().set_index("metric")
    assert limits.loc["r2_pooled", ["low", "high"]].isna().all()


def test_the_same_model_twice_differs_by_exactly_zero():
    truth, prediction, mean = case(7)
    mixed = prediction.sample(frac=1, random_state=0).sample(frac=1, axis=1, random_state=0)
    draws = bootstrap(truth, {"a": prediction, "b": mixed}, mean, n_resamples=50)
    differences = draws.differences("a")
    assert differences["model"].unique().tolist() == ["b"]
    assert differences["metric"].tolist() == list(METRICS)
    assert (differences[["low", "high"]] == 0).all(axis=None)


def test_limits_are_those_of_student_about_the_score_of_the_full_set():
    truth, prediction, mean = case(8)
    draws = bootstrap(truth, {"a": prediction, "b": truth}, mean, n_resamples=101)
    # t at 95 % with 13 degrees of freedom, from a printed table.
    factor = 1.7709 * np.sqrt(14 / 13)
    limits = draws.intervals(level=0.9).set_index(["model", "metric"])
    full = summarise(score_per_gene(truth, prediction, mean), truth, prediction, mean)
    for metric in METRICS:
        half = factor * draws.by_model["a"][metric].std(ddof=0)
        expected = np.array([full[metric] - half, full[metric] + half])
        low, high = (0, np.inf) if metric.startswith(("rmse", "mae")) else (-1, 1)
        if metric.startswith(("r2", "skill")):
            low = -np.inf
        np.testing.assert_allclose(
            limits.loc[("a", metric)], np.clip(expected, low, high), rtol=1e-4, atol=1e-10
        )
    paired = draws.by_model["b"]["mae_pooled"] - draws.by_model["a"]["mae_pooled"]
    found = draws.differences("a", level=0.9).set_index("metric").loc["mae_pooled"]
    half = factor * paired.std(ddof=0)
    np.testing.assert_allclose(
        found[["low", "high"]].astype(float),
        [-full["mae_pooled"] - half, -full["mae_pooled"] + half],
        rtol=1e-4,
    )


def test_estimates_are_the_scores_of_the_full_set():
    truth, prediction, mean = case(11)
    found = bootstrap(truth, {"a": prediction}, mean, n_resamples=3).estimates["a"]
    expected = summarise(score_per_gene(truth, prediction, mean), truth, prediction, mean)
    for metric in METRICS:
        assert found[metric] == pytest.approx(expected[metric], abs=1e-10), metric


@pytest.mark.parametrize("n_series", [2, 3, 4])
def test_too_few_units_have_no_interval(n_series):
    truth, prediction, mean = case(12)
    series = pd.Series(np.arange(14) % n_series, index=truth.index)
    draws = bootstrap(truth, {"a": prediction, "b": truth}, mean, series=series, n_resamples=20)
    known = n_series >= FEWEST_UNITS
    assert draws.intervals()[["low", "high"]].notna().all(axis=None) == known
    assert draws.differences("a")[["low", "high"]].notna().all(axis=None) == known


def test_chosen_metrics_are_those_of_all():
    truth, prediction, mean = case(13)
    every = bootstrap(truth, {"a": prediction}, mean, n_resamples=9).by_model["a"]
    some = ("skill_median_over_genes", "mae_pooled")
    found = bootstrap(truth, {"a": prediction}, mean, n_resamples=9, metrics=some).by_model["a"]
    pd.testing.assert_frame_equal(found, every[list(some)])


def test_draws_of_several_models_are_joined():
    truth, prediction, mean = case(14)
    tables = {"a": prediction, "b": truth}
    whole = bootstrap(truth, tables, mean, n_resamples=9)
    parts = [bootstrap(truth, {k: t}, mean, n_resamples=9) for k, t in tables.items()]
    pd.testing.assert_frame_equal(together(parts).differences("a"), whole.differences("a"))


def test_the_order_of_genes_renaming_and_other_models_change_nothing():
    truth, prediction, mean = case(9)
    ours = bootstrap(truth, {"a": prediction}, mean, n_resamples=30).by_model["a"]
    mixed = truth[GENES[::-1]].rename(columns="n_{}".format)
    theirs = bootstrap(
        mixed,
        {"other": mixed, "a": prediction.rename(columns="n_{}".format)},
        mean.rename(index="n_{}".format),
        n_resamples=30,
    ).by_model["a"]
    pd.testing.assert_frame_equal(theirs, ours, rtol=1e-9, atol=1e-12)


def test_the_seed_decides():
    truth, prediction, mean = case(10)
    one, same, other = (
        bootstrap(truth, {"a": prediction}, mean, n_resamples=10, seed=seed).by_model["a"]
        for seed in (1, 1, 2)
    )
    pd.testing.assert_frame_equal(one, same, check_exact=True)
    assert (one["rmse_pooled"] != other["rmse_pooled"]).any()


@pytest.mark.parametrize("by_series", [False, True], ids=["samples", "series"])
def test_intervals_cover_the_true_error_about_as_often_as_they_say(by_series):
    # Residuals are a series' shift (variance 1, or none) and noise (variance 1), so the expected
    # squared error is known; with 200 studies the coverage itself has a standard error of 1.5 %.
    rng = np.random.default_rng(0)
    n_series, n_each, n_studies = 40, 3, 200
    names = pd.Index([f"s{number}" for number in range(n_series * n_each)], name="sample")
    series = pd.Series(np.repeat(np.arange(n_series), n_each).astype(str), index=names)
    true_rmse = np.sqrt(1 + by_series)
    covered = 0
    for study in range(n_studies):
        shift = rng.normal(size=(n_series, 2)).repeat(n_each, axis=0) * by_series
        residual = shift + rng.normal(size=(len(names), 2))
        prediction = pd.DataFrame(rng.normal(size=residual.shape), names, ["G1", "G2"])
        draws = bootstrap(
            prediction + residual,
            {"a": prediction},
            prediction.mean(),
            series=series if by_series else None,
            n_resamples=200,
            seed=study,
        )
        limits = draws.intervals().set_index("metric").loc["rmse_pooled"]
        covered += limits["low"] <= true_rmse <= limits["high"]
    assert 0.90 <= covered / n_studies <= 0.99


@pytest.mark.parametrize("n_units", [4, 5])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_with_every_resample_there_is_the_interval_is_students(n_units, level):
    values = np.random.default_rng(n_units).normal(size=n_units)
    draws = [
        values[list(rows)].mean() for rows in itertools.product(range(n_units), repeat=n_units)
    ]
    half = half_width(pd.DataFrame({"mean": draws}), n_units, level=level)["mean"]
    expected = ttest_1samp(values, 0).confidence_interval(level)
    assert half == pytest.approx((expected.high - expected.low) / 2, rel=1e-9)


@pytest.mark.parametrize("n_units", [4, 8, 40])
def test_intervals_of_a_normal_mean_cover_it_as_often_as_they_say(n_units):
    rng = np.random.default_rng(n_units)
    studies = rng.normal(3.0, 2.0, size=(n_units, 4000))
    counts = rng.multinomial(n_units, np.full(n_units, 1 / n_units), size=400)
    half = half_width(pd.DataFrame(counts @ studies / n_units), n_units)
    held = (studies.mean(axis=0) - 3.0) <= half
    held &= (studies.mean(axis=0) - 3.0) >= -half
    # 4,000 studies leave .3 %; the resamples, which all of them share, another .5 %.
    assert held.mean() == pytest.approx(0.95, abs=0.02)


def test_one_series_falls_back_to_samples():
    truth, prediction, mean = case()
    one = bootstrap(
        truth, {"a": prediction}, mean, series=pd.Series("x", index=truth.index), n_resamples=5
    )
    none = bootstrap(truth, {"a": prediction}, mean, n_resamples=5)
    assert one.unit == "sample"
    pd.testing.assert_frame_equal(one.by_model["a"], none.by_model["a"])


def test_one_model_has_no_differences():
    truth, prediction, mean = case()
    differences = bootstrap(truth, {"a": prediction}, mean, n_resamples=5).differences("a")
    assert differences.empty
    assert list(differences.columns) == ["model", "metric", "low", "high"]


def test_an_unknown_reference_is_named():
    truth, prediction, mean = case()
    draws = bootstrap(truth, {"a": prediction}, mean, n_resamples=5)
    with pytest.raises(KeyError, match="no draws of 'mlr'; resampled were a"):
        draws.differences("mlr")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t, p, m: {"truth": t.iloc[:1]}, r"cannot resample 1 sample\(s\) 10 times; at"),
        (
            lambda t, p, m: {"metrics": ("mae_pooled", "luck")},
            "no resamples of luck; expected some of r2_pooled, ",
        ),
        (lambda t, p, m: {"n_resamples": 0}, "0 times; at least 2 samples and 1 resample are"),
        (
            lambda t, p, m: {"series": series_of(t).drop(["s1", "s2"])},
            r"2 sample\(s\) have no series: s1, s2; name one for each, or pass None",
        ),
        (lambda t, p, m: {"predictions": {"a": p.drop(columns="G1")}}, "G1"),
        (lambda t, p, m: {"predictions": {"a": p.assign(G1=np.nan)}}, "prediction .* finite: G1"),
        (lambda t, p, m: {"train_mean": m.drop("G1")}, r"train_mean lacks 1 gene\(s\): G1"),
        (lambda t, p, m: {"truth": t.assign(G2=np.inf)}, "truth .* not finite: G2"),
    ],
)
def test_what_cannot_be_resampled_is_refused(change, message):
    truth, prediction, mean = case()
    arguments = {
        "truth": truth,
        "predictions": {"a": prediction},
        "train_mean": mean,
        "n_resamples": 10,
        **change(truth, prediction, mean),
    }
    with pytest.raises(ValueError, match=message):
        bootstrap(**arguments)
