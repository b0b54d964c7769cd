"""Tests of the strata of variability."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lembas import strata as strata_module
from lembas.metrics import pooled_scores
from lembas.strata import STRATA, cv_strata, mean_and_sd, scores_by_stratum
from tests.conftest import random_expression

GENES = [f"G{number:02d}" for number in range(30)]
TRUTH = random_expression("s", 15, GENES, seed=0)
PREDICTION = random_expression("s", 15, GENES, seed=1)


def training() -> pd.DataFrame:
    """Give gene number k a coefficient of variation of k/100 exactly: values 1 -+ k/100."""
    cv = np.arange(30) / 100
    return pd.DataFrame([1 - cv, 1 + cv], columns=GENES)


def test_genes_are_cut_at_the_33rd_and_67th_percentile():
    # Of the 30 values 0, .01, ..., .29 the percentiles are .0957 and .1943.
    strata = cv_strata(training())
    expected = ["low"] * 10 + ["middle"] * 10 + ["high"] * 10
    assert strata.tolist() == expected
    assert strata.index.tolist() == GENES


def test_the_order_of_genes_and_samples_changes_nothing():
    table = random_expression("t", 50, GENES, seed=4)
    mixed = table.sample(frac=1, random_state=0).sample(frac=1, axis=1, random_state=0)
    pd.testing.assert_series_equal(cv_strata(mixed).loc[GENES], cv_strata(table), check_names=False)


def test_scale_changes_nothing():
    table = random_expression("t", 50, GENES, seed=4)
    pd.testing.assert_series_equal(cv_strata(4 * table), cv_strata(table))


def test_a_gene_without_expression_counts_as_low():
    assert cv_strata(training().assign(G29=0.0))["G29"] == "low"


def test_scores_are_the_pooled_scores_of_each_stratum():
    strata = cv_strata(training())
    mixed = PREDICTION.sample(frac=1, random_state=0).sample(frac=1, axis=1, random_state=0)
    table = scores_by_stratum(TRUTH, {"a": mixed, "b": TRUTH}, strata)
    assert list(table.columns) == ["model", "stratum", "metric", "value"]
    found = table.set_index(["model", "stratum", "metric"])["value"]
    for stratum in STRATA:
        genes = strata.index[strata == stratum]
        expected = pooled_scores(TRUTH[genes].to_numpy(), PREDICTION[genes].to_numpy())
        for metric, value in expected.items():
            assert found["a", stratum, metric] == pytest.approx(value, abs=1e-12)
        assert found["a", stratum, "n_genes"] == len(genes)
        assert found["b", stratum, "rmse_pooled"] == 0


def test_bias_is_observed_minus_predicted():
    strata = pd.Series("low", index=GENES)
    table = scores_by_stratum(TRUTH, {"high": TRUTH + 0.5}, strata).set_index("metric")["value"]
    assert table["bias_pooled"] == pytest.approx(-0.5)


def test_an_empty_stratum_has_no_rows():
    strata = pd.Series("low", index=GENES)
    assert scores_by_stratum(TRUTH, {"a": PREDICTION}, strata)["stratum"].unique() == ["low"]


def test_a_prediction_of_fewer_genes_is_scored_on_these():
    strata, few = cv_strata(training()), GENES[::3]
    both = scores_by_stratum(TRUTH, {"a": PREDICTION, "few": PREDICTION[few]}, strata)
    alone = scores_by_stratum(TRUTH[few], {"few": PREDICTION[few]}, strata)
    found = both[both["model"] == "few"].reset_index(drop=True)
    pd.testing.assert_frame_equal(found, alone)


def test_tables_that_do_not_match_are_refused():
    strata = cv_strata(training())
    with pytest.raises(ValueError, match="G07"):
        scores_by_stratum(TRUTH.drop(columns="G07"), {"a": PREDICTION}, strata)
    with pytest.raises(ValueError, match=r"strata lack 1 gene\(s\): G07; sort all scored genes"):
        scores_by_stratum(TRUTH, {"a": PREDICTION}, strata.drop("G07"))


@pytest.mark.parametrize("n_genes", [1, 7, 30, 512])
@pytest.mark.parametrize("ddof", [0, 1])
def test_means_and_sds_are_those_of_pandas(monkeypatch, n_genes, ddof):
    monkeypatch.setattr(strata_module, "GENES_AT_ONCE", n_genes)
    table = random_expression("t", 50, GENES, seed=4).astype(np.float32)
    found = mean_and_sd(table, ddof=ddof)
    wide = table.astype(np.float64)
    np.testing.assert_allclose(found["mean"], wide.mean(), rtol=1e-13)
    np.testing.assert_allclose(found["sd"], wide.std(ddof=ddof), rtol=1e-13)
    assert found.index.equals(table.columns)
