"""Tests of the scores: scikit-learn and SciPy are the oracles."""

from __future__ import annotations

from unittest import mock

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from lembas import metrics
from lembas.metrics import (
    PER_GENE,
    centred_in_cohort,
    pooled_scores,
    score_per_gene,
    summarise,
)
from tests.conftest import random_expression

GENES = [f"G{number}" for number in range(12)]
EXACT = {"rtol": 1e-12, "atol": 1e-12}


def case(seed: int = 0, n_samples: int = 25) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    """Draw a truth, a prediction that is partly right and rounded (ties), and training means."""
    truth = random_expression("s", n_samples, GENES, seed=seed)
    noise = random_expression("s", n_samples, GENES, seed=seed + 1)
    training = random_expression("t", 40, GENES, seed=seed + 2)
    return truth, (0.6 * truth + 0.4 * noise).round(1), training.mean()


def scores(truth: pd.DataFrame, prediction: pd.DataFrame, mean: pd.Series) -> pd.Series:
    return summarise(score_per_gene(truth, prediction, mean), truth, prediction, mean)


def shuffled(table: pd.DataFrame, seed: int = 5) -> pd.DataFrame:
    return table.sample(frac=1, random_state=seed).sample(frac=1, axis=1, random_state=seed)


def test_per_gene_scores_agree_with_scikit_learn_and_scipy():
    truth, prediction, mean = case()
    ours = score_per_gene(truth, prediction, mean)
    assert list(ours.columns) == list(PER_GENE)
    expected = {
        "r2_per_gene": r2_score(truth, prediction, multioutput="raw_values"),
        "mae_per_gene": mean_absolute_error(truth, prediction, multioutput="raw_values"),
        "rmse_per_gene": root_mean_squared_error(truth, prediction, multioutput="raw_values"),
        "pearson_per_gene": [pearsonr(truth[g], prediction[g])[0] for g in GENES],
        "spearman_per_gene": [spearmanr(truth[g], prediction[g])[0] for g in GENES],
        "skill_per_gene": [
            1 - ((truth[g] - prediction[g]) ** 2).sum() / ((truth[g] - mean[g]) ** 2).sum()
            for g in GENES
        ],
        "bias_per_gene": [truth[g].mean() - prediction[g].mean() for g in GENES],
        "n_samples": [25] * len(GENES),
    }
    for name, values in expected.items():
        np.testing.assert_allclose(ours[name], values, err_msg=name, **EXACT)


def test_aggregates_agree_with_scikit_learn_and_scipy():
    truth, prediction, mean = case(10)
    ours = scores(truth, prediction, mean)
    flat = truth.to_numpy().ravel(), prediction.to_numpy().ravel()
    per_gene = r2_score(truth, prediction, multioutput="raw_values")
    skill = 1 - ((truth - prediction) ** 2).sum() / ((truth - mean) ** 2).sum()
    expected = {
        "r2_pooled": r2_score(*flat),
        "r2_mean_over_genes": r2_score(truth, prediction, multioutput="uniform_average"),
        "r2_median_over_genes": np.median(per_gene),
        "r2_variance_weighted": r2_score(truth, prediction, multioutput="variance_weighted"),
        "skill_mean_over_genes": skill.mean(),
        "skill_median_over_genes": np.median(skill),
        "rmse_median_over_genes": np.median(
            root_mean_squared_error(truth, prediction, multioutput="raw_values")
        ),
        "pearson_pooled": pearsonr(*flat)[0],
        "spearman_pooled": spearmanr(*flat)[0],
        "rmse_pooled": root_mean_squared_error(*flat),
        "mae_pooled": mean_absolute_error(*flat),
        "bias_pooled": np.mean(flat[0] - flat[1]),
        "residual_sd_pooled": np.std(flat[0] - flat[1]),
        "pearson_median_over_genes": np.median(
            [pearsonr(truth[g], prediction[g])[0] for g in GENES]
        ),
        "spearman_median_over_genes": np.median(
            [spearmanr(truth[g], prediction[g])[0] for g in GENES]
        ),
        "pearson_median_over_samples_centred": np.median(
            [pearsonr(truth.loc[s] - mean, prediction.loc[s] - mean)[0] for s in truth.index]
        ),
        "n_genes": 12,
        "n_genes_constant": 0,
        "n_samples": 25,
    }
    assert set(ours.index) == set(expected)
    assert ours.name == "value"
    for name, value in expected.items():
        np.testing.assert_allclose(ours[name], value, err_msg=name, **EXACT)


def test_the_order_of_samples_and_genes_changes_nothing():
    truth, prediction, mean = case(3)
    ours = score_per_gene(truth, prediction, mean)
    theirs = score_per_gene(shuffled(truth), shuffled(prediction, 6), mean.sample(frac=1))
    pd.testing.assert_frame_equal(theirs.loc[GENES], ours, rtol=1e-12, atol=1e-12)
    pd.testing.assert_series_equal(
        scores(shuffled(truth), shuffled(prediction, 6), mean),
        scores(truth, prediction, mean),
        rtol=1e-12,
        atol=1e-12,
    )


def test_renaming_genes_renames_the_rows_only():
    truth, prediction, mean = case(4)
    renamed = [table.rename(columns="n_{}".format) for table in (truth, prediction)]
    theirs = score_per_gene(*renamed, mean.rename(index="n_{}".format))
    ours = score_per_gene(truth, prediction, mean)
    pd.testing.assert_frame_equal(theirs, ours.rename(index="n_{}".format), check_names=False)


def test_a_perfect_prediction_and_the_training_mean_score_as_defined():
    truth, _, mean = case(5)
    perfect = scores(truth, truth, mean)
    for name in ("r2_pooled", "skill_median_over_genes", "pearson_pooled", "spearman_pooled"):
        assert perfect[name] == pytest.approx(1, abs=1e-12), name
    assert perfect["rmse_pooled"] == perfect["mae_pooled"] == 0
    null = truth * 0 + mean
    table = score_per_gene(truth, null, mean)
    assert (table["skill_per_gene"] == 0).all()
    assert table[["pearson_per_gene", "spearman_per_gene"]].isna().all(axis=None)
    assert np.isnan(scores(truth, null, mean)["pearson_median_over_genes"])
    assert np.isnan(scores(truth, null, mean)["pearson_median_over_samples_centred"])


def test_correlations_ignore_scale_and_skill_does_not():
    truth, prediction, mean = case(6)
    ours = score_per_gene(truth, prediction, mean)
    scaled = score_per_gene(truth, 3 * prediction + 1, mean)
    for name in ("pearson_per_gene", "spearman_per_gene"):
        np.testing.assert_allclose(scaled[name], ours[name], **EXACT)
    assert (scaled["skill_per_gene"] < ours["skill_per_gene"]).all()


@pytest.mark.parametrize("level", [0.0, 0.1, 2.7])
def test_a_gene_that_does_not_vary_is_nan_and_counted(level):
    truth, prediction, mean = case(7)
    truth["G3"] = level
    ours = score_per_gene(truth, prediction, mean).loc["G3"]
    undefined = ["r2_per_gene", "pearson_per_gene", "spearman_per_gene"]
    assert ours[undefined].isna().all()
    assert ours.drop(undefined).notna().all()
    assert scores(truth, prediction, mean)["n_genes_constant"] == 1
    others = [gene for gene in GENES if gene != "G3"]
    expected = np.median([pearsonr(truth[g], prediction[g])[0] for g in others])
    assert scores(truth, prediction, mean)["pearson_median_over_genes"] == pytest.approx(expected)


@pytest.mark.parametrize("level", [0.0, 0.1, 2.7])
@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_skill_is_nan_where_a_gene_equals_its_training_mean(level, kind):
    truth, prediction, mean = case(8)
    truth["G3"] = level
    training = truth[["G3"]].astype(kind)
    mean["G3"] = training.mean()["G3"]  # carries the rounding of a mean
    assert np.isnan(
        score_per_gene(truth.astype(kind), prediction, mean).loc["G3", "skill_per_gene"]
    )


def test_a_constant_prediction_has_no_correlation_but_a_skill():
    truth, prediction, mean = case(9)
    prediction["G0"] = 0.1
    ours = score_per_gene(truth, prediction, mean).loc["G0"]
    assert ours[["pearson_per_gene", "spearman_per_gene"]].isna().all()
    assert ours[["r2_per_gene", "skill_per_gene", "rmse_per_gene"]].notna().all()


def test_one_sample_has_errors_but_no_correlations():
    truth, prediction, mean = case(11, n_samples=1)
    ours = scores(truth, prediction, mean)
    assert ours["n_genes_constant"] == ours["n_genes"] == 12
    assert np.isnan(ours["r2_mean_over_genes"])
    assert np.isnan(ours["r2_variance_weighted"])
    assert ours["mae_pooled"] == pytest.approx((truth - prediction).abs().mean(axis=None))


def test_pooled_scores_of_values_that_do_not_vary_are_nan():
    ours = pooled_scores(np.full((4, 2), 0.1), np.arange(8.0).reshape(4, 2))
    assert np.isnan([ours["r2_pooled"], ours["pearson_pooled"], ours["spearman_pooled"]]).all()
    assert ours["bias_pooled"] == pytest.approx(0.1 - 3.5)


def test_centring_removes_each_genes_mean_exactly():
    truth, _, _ = case(12)
    truth["G3"] = 0.1
    centred = centred_in_cohort(truth)
    np.testing.assert_allclose(centred.mean(), 0, atol=1e-15)
    pd.testing.assert_frame_equal(centred + truth.mean(), truth)
    assert (centred["G3"] == 0).all()


def test_centring_keeps_the_number_type_and_what_is_missing():
    truth, _, _ = case(14)
    truth["G3"], truth.iloc[2, 5] = 0.1, np.nan
    single = centred_in_cohort(truth.astype(np.float32))
    assert (single.dtypes == np.float32).all()
    np.testing.assert_allclose(single, truth - truth.mean(), atol=1e-6)
    assert (single["G3"] == 0).all()
    whole = (10 * truth.drop(columns="G5")).round().astype(int)
    np.testing.assert_allclose(centred_in_cohort(whole), whole - whole.mean(), atol=1e-12)


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 15), st.integers(1, 30), st.integers(1, 15), st.integers(1, 3))
def test_the_size_of_the_chunks_and_the_threads_change_no_bit(genes, samples, cut_out, n_jobs):
    for kind in (np.float32, np.float64):
        truth, prediction, mean = case(15)
        truth, prediction = truth.astype(kind), prediction.astype(kind)
        per_gene = score_per_gene(truth, prediction, mean)
        expected = scores(truth, prediction, mean)
        with (
            mock.patch.object(metrics, "GENES_AT_ONCE", genes),
            mock.patch.object(metrics, "SAMPLES_AT_ONCE", samples),
            mock.patch.object(metrics, "GENES_CUT_OUT", cut_out),
        ):
            found = score_per_gene(truth, prediction, mean, n_jobs=n_jobs)
            summary = summarise(found, truth, prediction, mean, n_jobs=n_jobs)
            centred = centred_in_cohort(truth)
        pd.testing.assert_frame_equal(found, per_gene, check_exact=True)
        pd.testing.assert_series_equal(summary, expected, check_exact=True)
        pd.testing.assert_frame_equal(centred, centred_in_cohort(truth), check_exact=True)


def test_the_layout_in_memory_changes_no_bit():
    truth, prediction, mean = case(16)
    columnwise = [
        pd.DataFrame(np.asfortranarray(table), table.index, table.columns, copy=False)
        for table in (truth, prediction)
    ]
    pd.testing.assert_frame_equal(
        score_per_gene(*columnwise, mean), score_per_gene(truth, prediction, mean), check_exact=True
    )
    found, expected = scores(*columnwise, mean), scores(truth, prediction, mean)
    pd.testing.assert_series_equal(found, expected, check_exact=True)


def test_scoring_leaves_the_tables_alone():
    truth, prediction, mean = case(17)
    before = truth.copy(), prediction.copy()
    scores(truth, prediction, mean)
    pd.testing.assert_frame_equal(truth, before[0], check_exact=True)
    pd.testing.assert_frame_equal(prediction, before[1], check_exact=True)


@pytest.mark.parametrize("shift", [0.0, 1000.0])
@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_scores_far_from_zero_agree_with_scipy(kind, shift):
    truth, prediction, mean = case(18, n_samples=300)
    truth, prediction = (truth + shift).astype(kind), (prediction + shift).astype(kind)
    ours = score_per_gene(truth, prediction, mean)
    summary = scores(truth, prediction, mean)
    truth, prediction = truth.astype(float), prediction.astype(float)
    flat = truth.to_numpy().ravel(), prediction.to_numpy().ravel()
    expected = {
        "pearson_per_gene": [pearsonr(truth[g], prediction[g])[0] for g in GENES],
        "spearman_per_gene": [spearmanr(truth[g], prediction[g])[0] for g in GENES],
        "r2_per_gene": r2_score(truth, prediction, multioutput="raw_values"),
    }
    for name, values in expected.items():
        np.testing.assert_allclose(ours[name], values, atol=1e-10, err_msg=name)
    assert summary["pearson_pooled"] == pytest.approx(pearsonr(*flat)[0], abs=1e-10)
    assert summary["spearman_pooled"] == pytest.approx(spearmanr(*flat)[0], abs=1e-12)
    assert summary["r2_pooled"] == pytest.approx(r2_score(*flat), abs=1e-10)
    assert summary["residual_sd_pooled"] == pytest.approx(np.std(flat[0] - flat[1]), abs=1e-10)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t, p, m: (t, p.drop(columns="G2"), m), "G2"),
        (lambda t, p, m: (t, p.drop(index="s3"), m), "s3"),
        (lambda t, p, m: (t, p.rename(columns={"G2": "G1"}), m), "G1"),
        (
            lambda t, p, m: (t, p, m.drop(["G1", "G2"])),
            r"train_mean lacks 2 gene\(s\): G1, G2; pass the training means",
        ),
        (lambda t, p, m: (t.where(t != t.loc["s1", "G4"]), p, m), "truth .* not finite: G4;"),
        (lambda t, p, m: (t, p.assign(G5=np.inf), m), "prediction .* not finite: G5;"),
        (lambda t, p, m: (t, p, m.replace(m["G6"], np.nan)), "train_mean .* not finite: G6;"),
        (lambda t, p, m: (t.iloc[:0], p.iloc[:0], m), "no values to score: 0 samples x 12 genes"),
    ],
)
def test_tables_that_do_not_match_are_refused(change, message):
    tables = change(*case())
    with pytest.raises(ValueError, match=message):
        score_per_gene(*tables)


@pytest.mark.parametrize("n_samples", [7, 997])
def test_single_precision_tables_score_the_same_to_single_precision(n_samples):
    truth, prediction, mean = case(13, n_samples)
    single = truth.astype(np.float32), prediction.astype(np.float32), mean.astype(np.float32)
    np.testing.assert_allclose(scores(*single), scores(truth, prediction, mean), atol=1e-5)


def test_values_far_below_1_score_as_their_multiples_do():
    truth, prediction, mean = case(14)
    small = score_per_gene(truth * 1e-3, prediction * 1e-3, mean * 1e-3)
    large = score_per_gene(truth, prediction, mean)
    for name in ("r2", "skill", "pearson", "spearman"):
        column = f"{name}_per_gene"
        np.testing.assert_allclose(small[column], large[column], rtol=1e-9, err_msg=name)


@pytest.mark.parametrize(("level", "apart"), [(0.01, 3e-8), (100.0, 3e-4)])
def test_a_gene_that_is_hardly_apart_from_its_training_mean_has_a_skill(level, apart):
    """Rounding is told by the square of the mean: these are apart by far more."""
    truth = pd.DataFrame({"G": [level - apart, level + apart]}, ["s1", "s2"])
    found = score_per_gene(truth, truth.assign(G=level + apart), pd.Series({"G": level}))
    assert found.loc["G", "skill_per_gene"] == pytest.approx(-1, rel=1e-4)


def test_whole_numbers_score_as_the_same_numbers_in_double_precision():
    truth, prediction, mean = case(15)
    whole = [(table * 20).round().astype(np.uint8) for table in (truth, prediction)]
    ours = scores(*whole, mean * 20)
    pd.testing.assert_series_equal(ours, scores(*(w.astype(float) for w in whole), mean * 20))
    arrays = [table.to_numpy() for table in whole]
    assert pooled_scores(*arrays)["r2_pooled"] == pytest.approx(ours["r2_pooled"])


def test_no_correlation_is_beyond_1_by_rounding():
    truth = random_expression("s", 30, [f"G{i}" for i in range(400)], seed=16)
    for factor in (3.7, -3.7):
        found = score_per_gene(truth, truth * factor + 1, truth.mean())
        assert found["pearson_per_gene"].abs().max() <= 1
        np.testing.assert_allclose(found["pearson_per_gene"], np.sign(factor))


def test_the_first_five_genes_at_fault_are_named():
    truth, prediction, mean = case()
    holes = prediction.assign(**dict.fromkeys(GENES[:7], np.nan))
    message = (
        r"^prediction has 7 gene\(s\) with .*finite: G0, G1, G2, G3, G4; leave them out first$"
    )
    with pytest.raises(ValueError, match=message):
        score_per_gene(truth, holes, mean)
    message = r"^train_mean lacks 7 gene\(s\): G0, G1, G10, G11, G2; pass the training means of"
    with pytest.raises(ValueError, match=message):
        score_per_gene(truth, prediction, mean.drop([*GENES[:5], *GENES[10:]]))
    with pytest.raises(ValueError, match=r"0 samples x 12 genes; expected at least one of each$"):
        score_per_gene(truth.iloc[:0], prediction.iloc[:0], mean)
