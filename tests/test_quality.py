"""Tests of the checks of samples and genes: laws of scale, order and cohort first."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lembas.data import Dataset, build_dataset
from lembas.network import Network
from lembas.quality import detected_genes, library_size_outliers, quality_audit
from tests.conftest import random_expression


@pytest.fixture
def sizes() -> pd.Series:
    """Forty samples of two cohorts about 30 and 3 million reads, with one far off in each."""
    draws = np.random.default_rng(1).normal(0, 0.05, 40)
    level = np.repeat([np.log10(3e7), np.log10(3e6)], 20)
    names = [f"s{number}" for number in range(40)]
    size = pd.Series(10 ** (level + draws), index=names)
    size["s3"] /= 8
    size["s30"] *= 6
    return size


@pytest.fixture
def cohort(sizes: pd.Series) -> pd.Series:
    return pd.Series(np.repeat(["one", "two"], 20), index=sizes.index)


def row(table: pd.DataFrame, check: str) -> pd.Series:
    (found,) = (line for _, line in table.iterrows() if line["check"] == check)
    return found


def dataset_of(
    study: pd.DataFrame, network: Network, size: pd.Series | None = None, **external: pd.DataFrame
) -> Dataset:
    return build_dataset(study, network, external=external, library_size=size)


def test_outliers_are_found_whatever_the_scale_order_and_level_of_the_cohort(sizes, cohort) -> None:
    assert library_size_outliers(sizes, cohort).tolist() == ["s3", "s30"]
    scaled = sizes * np.where(cohort == "one", 1000, 0.01)
    assert library_size_outliers(scaled, cohort).tolist() == ["s3", "s30"]
    shuffled = sizes.sample(frac=1, random_state=2)
    assert set(library_size_outliers(shuffled, cohort)) == {"s3", "s30"}
    # Without the cohorts the levels hide both.
    assert library_size_outliers(sizes, cohort.replace("two", "one")).empty


def test_sizes_that_are_nearly_equal_or_unknown_are_no_outliers(sizes, cohort) -> None:
    size = pd.Series(1e6, index=sizes.index)
    size["s0"], size["s1"], size["s2"] = 1.9e6, 2.1e6, np.nan
    assert library_size_outliers(size, cohort).tolist() == ["s1"]


def test_a_sample_that_was_thinned_is_named(small_study, small_network) -> None:
    size = pd.Series(2e7, index=small_study.index)
    calm = quality_audit(dataset_of(small_study, small_network, size))
    assert row(calm, "samples with few reads")["verdict"] == "ok"
    size["s5"] /= 11
    small_study.loc["s5", small_study.columns[:6]] = 0
    table = quality_audit(dataset_of(small_study, small_network, size))
    for check in ("samples with few reads", "samples with few detected genes"):
        assert row(table, check)["examples"] == "s5"
        assert row(table, check)["verdict"] == "warning"
    assert row(table, "library sizes that are outliers")["verdict"] == "note"


def test_unknown_library_sizes_are_said(small_study, small_network) -> None:
    found = row(quality_audit(dataset_of(small_study, small_network)), "library sizes")
    assert (found["verdict"], found["finding"]) == ("note", "Not checked: they are not known.")
    size = pd.Series(2e7, index=small_study.index[1:])
    table = quality_audit(dataset_of(small_study, small_network, size))
    assert "1 sample of unknown size left out" in row(table, "samples with few reads")["finding"]


def test_detected_genes_match_a_plain_count(small_study, small_network, monkeypatch) -> None:
    monkeypatch.setattr("lembas.quality.ROWS_AT_ONCE", 3)
    small_study[small_study < 1] = 0
    dataset = dataset_of(small_study, small_network)
    expected = (small_study.loc[dataset.samples.index, dataset.expression.columns] > 0).sum(axis=1)
    assert detected_genes(dataset).tolist() == expected.tolist()


def test_a_cohort_that_measured_fewer_genes_is_no_poor_sample(small_study, small_network) -> None:
    other = random_expression("e", 6, ["TF1", "G1"], seed=2) + 0.1
    table = quality_audit(dataset_of(small_study + 0.1, small_network, other=other))
    assert row(table, "samples with few detected genes")["verdict"] == "ok"


def test_constant_genes_by_part_and_their_share(small_study, small_network) -> None:
    other = random_expression("e", 6, ["TF1", "TF2", "G1", "G2"], seed=2)
    other["G2"] = 1.0
    small_study["G1"] = 1.1
    table = quality_audit(dataset_of(small_study, small_network, other=other))
    train, external = row(table, "constant genes in train"), row(table, "constant genes in other")
    assert (train["examples"], external["examples"]) == ("G1", "G2")
    assert "25.0% of 4" in external["finding"]
    assert external["verdict"] == "warning"
    small_study.loc[:] = 1.0
    everything = row(
        quality_audit(dataset_of(small_study, small_network)), "constant genes in train"
    )
    assert "100.0%" in everything["finding"]
