"""Tests of two models gene by gene, and of ranks over folds: SciPy and a printed table decide."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from lembas import significance
from lembas.metrics import score_per_gene
from lembas.significance import gene_differences, rank_models, ranks_table
from tests.conftest import random_expression

GENES = [f"G{number}" for number in range(7)]


def case(n_samples: int = 20) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.Series]:
    truth = random_expression("s", n_samples, GENES, seed=0)
    one, two = (random_expression("s", n_samples, GENES, seed=seed) for seed in (1, 2))
    return truth, 0.8 * truth + 0.2 * one, 0.5 * truth + 0.5 * two, truth.mean() + 0.1


def series_of(truth: pd.DataFrame, n_series: int = 6) -> pd.Series:
    return pd.Series([f"e{i**2 % n_series}{i % 3}" for i in range(len(truth))], truth.index)


@pytest.mark.parametrize("by_series", [False, True], ids=["samples", "series"])
@pytest.mark.parametrize("genes_at_once", [3, 512])
def test_p_is_that_of_a_t_test_over_units_and_q_that_of_scipy(
    monkeypatch, by_series, genes_at_once
):
    monkeypatch.setattr(significance, "GENES_AT_ONCE", genes_at_once)
    truth, model, reference, mean = case()
    series = series_of(truth) if by_series else None
    found = gene_differences(truth, model, reference, mean, series=series).set_index("gene")
    gain = (truth - reference) ** 2 - (truth - model) ** 2
    sums = gain.groupby(series if by_series else np.arange(len(truth))).sum()
    for gene in GENES:
        assert found.loc[gene, "p"] == pytest.approx(stats.ttest_1samp(sums[gene], 0).pvalue)
    expected = stats.false_discovery_control(found["p"])
    np.testing.assert_allclose(found["q"], expected)
    skills = [score_per_gene(truth, t, mean)["skill_per_gene"] for t in (model, reference)]
    np.testing.assert_allclose(found["difference"], skills[0] - skills[1])


def test_swapping_the_models_turns_every_verdict_round():
    truth, model, reference, mean = case(40)
    one = gene_differences(truth, model, reference, mean)
    other = gene_differences(truth, reference, model, mean)
    np.testing.assert_allclose(one["difference"], -other["difference"])
    turned = one["verdict"].map({"better": "worse", "worse": "better"}).fillna("no difference")
    assert turned.tolist() == other["verdict"].tolist()
    assert "better" in set(one["verdict"])


def test_order_and_names_change_nothing():
    truth, model, reference, mean = case()
    mixed = model.sample(frac=1, random_state=0).sample(frac=1, axis=1, random_state=1)
    one = gene_differences(truth, model, reference, mean)
    pd.testing.assert_frame_equal(gene_differences(truth, mixed, reference, mean), one)


def test_a_difference_that_is_sure_but_small_is_none():
    truth, model, _, mean = case(60)
    worse = model + 0.02  # a shift: every gene is a little worse
    small = gene_differences(truth, model, worse, mean, least=0.5)
    assert set(small["verdict"]) == {"no difference"}


def test_equal_predictions_have_no_p_and_a_constant_gain_no_doubt():
    truth, model, _, mean = case()
    same = gene_differences(truth, model, model, mean)
    assert same["p"].isna().all()
    assert same["q"].isna().all()
    assert (same["difference"] == 0).all()
    off = truth.assign(G0=truth["G0"] + 1.0)
    sure = gene_differences(truth, truth, off, mean).set_index("gene")
    assert sure.loc["G0", "p"] == pytest.approx(0, abs=1e-12)
    assert sure.loc["G0", "verdict"] == "better"
    assert sure.drop(index="G0")["p"].isna().all()


def test_a_gene_at_its_training_mean_has_no_difference():
    truth, model, reference, mean = case()
    truth["G3"], mean["G3"] = 0.5, 0.5
    found = gene_differences(truth, model, reference, mean).set_index("gene")
    assert np.isnan(found.loc["G3", "difference"])
    assert found.loc["G3", "verdict"] == "no difference"


@pytest.mark.parametrize("by_series", [False, True], ids=["39 samples", "5 series"])
def test_few_of_the_genes_called_different_are_not(by_series):
    """Of 300 genes 60 differ in truth; errors are skewed (squares) and shared between genes."""
    rng, false, found = np.random.default_rng(0), [], 0
    n_samples, genes = (50 if by_series else 39), [f"G{i}" for i in range(300)]
    samples = pd.Index([f"s{i}" for i in range(n_samples)], name="sample")
    series = pd.Series(np.arange(n_samples) % 5, samples).astype(str) if by_series else None
    real = np.arange(300) < 60
    for _ in range(40):
        shared = rng.standard_normal((n_samples, 3)) @ rng.standard_normal((3, 300))
        truth = pd.DataFrame(shared + rng.standard_normal((n_samples, 300)), samples, genes)
        one, two = (0.7 * rng.standard_normal(truth.shape) for _ in range(2))
        table = gene_differences(
            truth, truth + one * np.where(real, 0.1, 1), truth + two, truth.mean(), series=series
        )
        called = (table["verdict"] != "no difference").to_numpy()
        false.append((called & ~real).sum() / max(called.sum(), 1))
        found += (called & real).sum()
    # The rate is at most 5 % on average; its standard error here is below 1 %.
    assert np.mean(false) <= 0.07
    assert found > 100


def test_a_single_unit_is_refused():
    truth, model, reference, mean = case(1)
    with pytest.raises(ValueError, match="be tested on a single sample; give two or more"):
        gene_differences(truth, model, reference, mean)


def fold_scores(n_folds: int = 5, seeds: tuple[int, ...] = (1, 2)) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    rows = [
        (model, fold, seed, level + rng.normal(0, 0.2))
        for seed in seeds
        for fold in range(n_folds)
        for model, level in [("a", 0.1), ("b", 0.6), ("c", 0.3), ("d", 0.3)]
    ]
    return pd.DataFrame(rows, columns=["model", "fold", "seed", "value"])


def test_ranks_and_friedman_agree_with_scipy():
    scores = fold_scores()
    found = rank_models(scores.sample(frac=1, random_state=0))
    wide = scores.pivot_table(index=["seed", "fold"], columns="model", values="value")
    ranks = pd.Series(stats.rankdata(-wide, axis=1).mean(axis=0), wide.columns)
    at = found.table.set_index("model")
    for model in "abcd":
        assert at.loc[model, "mean_rank"] == pytest.approx(ranks[model])
        assert at.loc[model, "median_score"] == pytest.approx(wide[model].median())
    tests = found.friedman.set_index("seed")
    for seed in (1, 2):
        expected = stats.friedmanchisquare(*wide.loc[seed].to_numpy().T)
        assert tests.loc[seed, "statistic"] == pytest.approx(expected.statistic)
        assert tests.loc[seed, "p"] == pytest.approx(expected.pvalue)
    assert found.table["mean_rank"].is_monotonic_increasing
    assert (found.n_folds, found.n_seeds) == (5, 2)


@pytest.mark.parametrize(("n_models", "q"), [(3, 2.343), (5, 2.728), (10, 3.164)])
def test_the_critical_difference_is_that_of_the_printed_table(n_models, q):
    """Demsar 2006, table 5(a): critical values of the Nemenyi test at 5 %."""
    rows = [(f"m{i}", fold, 1, i + 0.1 * fold) for i in range(n_models) for fold in range(8)]
    scores = pd.DataFrame(rows, columns=["model", "fold", "seed", "value"])
    expected = q * np.sqrt(n_models * (n_models + 1) / (6 * 8))
    found = rank_models(scores)
    assert found.critical_difference == pytest.approx(expected, rel=1e-3)
    ends = found.table["high"] - found.table["low"]
    np.testing.assert_allclose(ends, found.critical_difference)


def test_further_seeds_add_no_samples():
    one, two = (rank_models(fold_scores(seeds=seeds)) for seeds in ((1,), (1, 2)))
    assert one.critical_difference == two.critical_difference


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t[t["model"].isin(["a", "b"])], r"cannot rank 2 model\(s\) over 5 fold\(s\)"),
        (lambda t: t[t["fold"] == 0], r"4 model\(s\) over 1 fold"),
        (lambda t: pd.concat([t, t.head(1)]), r"1 score\(s\) are given twice: a in fold 0"),
        (lambda t: t.iloc[1:], r"1 model\(s\) lack a score in some fold: a; leave"),
    ],
)
def test_scores_that_cannot_be_ranked_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        rank_models(change(fold_scores()))


def test_the_page_shows_ranks_in_words() -> None:
    ranks = rank_models(fold_scores())
    table = ranks_table(ranks, {"a": "Model A"})
    first = ranks.table.iloc[0]
    assert table.index.tolist() == ranks.table["model"].replace({"a": "Model A"}).tolist()
    assert table.iloc[0].tolist() == [
        f"{first['mean_rank']:.2f}",
        f"{first['low']:.2f} to {first['high']:.2f}",
        f"{first['median_score']:.3f}",
    ]
    assert not any("_" in name for name in (*table.columns, table.index.name))
