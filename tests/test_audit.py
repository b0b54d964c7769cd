"""Tests of the leakage audit and of the tables of quality."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA

from lembas.audit import gene_summary, leakage_audit, missingness, pca
from lembas.data import BuildOptions, build_dataset
from lembas.duplicates import duplicate_pairs
from lembas.network import Network
from tests.conftest import random_expression


@pytest.fixture
def wide_network():
    """One TF that regulates 60 genes."""
    genes = [f"G{number:02}" for number in range(60)]
    return Network.from_edges(pd.DataFrame({"TF": "A", "Gene": genes, "Interaction": 1}))


def wide_study(prefix: str, n_samples: int, *, seed: int) -> pd.DataFrame:
    genes = ["A", *(f"G{number:02}" for number in range(60))]
    return random_expression(prefix, n_samples, genes, seed=seed)


def row(table: pd.DataFrame, check: str) -> pd.Series:
    """Return the one row of a check."""
    (found,) = (line for _, line in table.iterrows() if line["check"] == check)
    return found


def test_a_clean_dataset_raises_no_warning(wide_network):
    dataset = build_dataset(
        wide_study("s", 20, seed=1),
        wide_network,
        external={"other": wide_study("e", 6, seed=2)},
        series=pd.Series([f"GSE{n % 5}" for n in range(20)], index=[f"s{n}" for n in range(20)]),
    )
    table = leakage_audit(dataset, wide_network)
    assert list(table.columns) == ["check", "finding", "count", "examples", "verdict"]
    assert set(table["verdict"]) == {"ok"}
    assert table["check"].is_unique


def test_roles_and_self_loops(small_study, small_network):
    left_out = leakage_audit(build_dataset(small_study, small_network), small_network)
    assert row(left_out, "inputs that are targets")["verdict"] == "ok"
    assert row(left_out, "targets left out")["examples"] == "TF1, TF2"
    assert row(left_out, "self-loops")["examples"] == "TF2"
    included = build_dataset(small_study, small_network, tf_targets="include")
    found = row(leakage_audit(included, small_network), "inputs that are targets")
    assert (found["count"], found["examples"], found["verdict"]) == (2, "TF1, TF2", "warning")


def test_transferrin_among_the_inputs_is_named(small_study, small_network):
    edge = pd.DataFrame({"TF": ["TF"], "Gene": ["G1"], "Interaction": [1]})
    wider = Network.from_edges(pd.concat([small_network.edges, edge]))
    dataset = build_dataset(small_study, wider)
    for network in (small_network, wider):
        found = row(leakage_audit(dataset, network), "non-TFs among the inputs")
        assert found["examples"] == "TF"
        assert "transferrin" in found["finding"]
        assert found["verdict"] == "warning"


def test_non_tfs_that_were_dropped_are_listed(small_study, small_network):
    offered = (pd.Index(["TF1", "TF2", "TF3", "TF"]), small_study.columns)
    dataset = build_dataset(small_study, small_network, offered=offered)
    found = row(leakage_audit(dataset, small_network), "non-TFs left out")
    assert (found["count"], found["examples"], found["verdict"]) == (1, "TF", "note")
    assert "transferrin" in found["finding"]


def test_duplicates_are_found_where_they_lie(wide_network):
    study, other = wide_study("s", 20, seed=1), wide_study("e", 6, seed=2)
    split = build_dataset(study, wide_network).samples["split"]
    train, test = split.index[split == "train"], split.index[split == "test"]
    study.loc[test[0]] = study.loc[train[0]]
    study.loc[train[2]] = study.loc[train[1]]
    study.loc[train[4]] = study.loc[train[3]] + np.linspace(0, 0.01, study.shape[1])
    table = leakage_audit(
        build_dataset(study, wide_network, external={"other": other}), wide_network
    )
    across = row(table, "duplicate samples across cohorts")
    assert (across["count"], across["verdict"]) == (1, "warning")
    assert {train[0], test[0]} == set(across["examples"].split(" ~ "))
    within = row(table, "duplicate samples within one cohort")
    assert (within["count"], within["verdict"]) == (1, "note")
    near = row(table, "near-duplicate samples within one cohort")
    assert near["count"] == 1
    assert {train[3], train[4]} == set(near["examples"].split(" ~ "))


def test_the_same_sample_processed_again_elsewhere_is_found(wide_network):
    # A second laboratory's shift of every gene hides it from a plain comparison.
    study, other = wide_study("s", 20, seed=1), wide_study("e", 20, seed=2)
    shift = np.random.default_rng(3).normal(0, 2, study.shape[1])
    other.loc["e4"] = study.loc["s7"]
    other = other + shift
    dataset = build_dataset(study, wide_network, external={"other": other})
    pairs = duplicate_pairs(dataset, 0.9)
    assert pairs[["first", "second", "side"]].to_numpy().tolist() == [
        ["s7", "e4", "across cohorts"]
    ]


def test_correlations_of_pairs_match_numpy(wide_network, monkeypatch):
    # An independent implementation: numpy.corrcoef of the centred table; blocks of 7 rows.
    monkeypatch.setattr("lembas.duplicates.BLOCK_ROWS", 7)
    study = wide_study("s", 20, seed=1)
    pairs = duplicate_pairs(build_dataset(study, wide_network), -1.0)
    expected = pd.DataFrame(np.corrcoef(study - study.mean()), study.index, study.index)
    assert len(pairs) == 20 * 19 / 2
    found = [expected.loc[pair.first, pair.second] for pair in pairs.itertuples()]
    np.testing.assert_allclose(pairs["correlation"], found, atol=1e-5)


@pytest.mark.parametrize("near_duplicate", [-1.0, 0.0, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("block_rows", [7, 1024])
def test_no_pair_is_ruled_out_wrongly(wide_network, monkeypatch, near_duplicate, block_rows):
    """All pairs of alike, unlike and opposite samples, beside numpy.corrcoef."""
    monkeypatch.setattr("lembas.duplicates.BLOCK_ROWS", block_rows)
    generator = np.random.default_rng(5)
    study = wide_study("s", 40, seed=1)
    # Five patterns, each in eight samples, with more and more noise.
    patterns = generator.normal(0, 0.3, (5, study.shape[1]))
    noise = np.linspace(0.001, 0.5, 40)[:, None] * generator.normal(0, 0.3, study.shape)
    study[:] = 2 + np.tile(patterns, (8, 1)) + noise
    study.iloc[0] = 2 - patterns[1]
    dataset = build_dataset(study, wide_network)
    pairs = duplicate_pairs(dataset, near_duplicate)
    correlation = np.corrcoef(study - study.mean())
    upper = np.triu(correlation >= near_duplicate, k=1)
    expected = {
        frozenset((study.index[row], study.index[column]))
        for row, column in zip(*np.nonzero(upper), strict=True)
    }
    found = {frozenset(pair) for pair in pairs[["first", "second"]].to_numpy()}
    assert found == expected
    assert len(pairs) == len(expected) > 0


def test_duplicates_without_a_common_gene_are_not_called_clean(small_study, small_network):
    external = {
        "one": random_expression("a", 4, ["TF1", "G1"], seed=2),
        "two": random_expression("b", 4, ["TF2", "G2"], seed=3),
    }
    dataset = build_dataset(small_study, small_network, external=external)
    found = row(leakage_audit(dataset, small_network), "duplicate samples")
    assert found["verdict"] == "note"
    assert found["finding"].startswith("Not checked: 0 gene(s)")


def test_series_and_names_across_cohorts(small_study, small_network):
    other = random_expression("S-", 4, list(small_study.columns), seed=2)
    names = [f"GSE{number % 5}" for number in range(20)] + ["GSE1"] * 4
    series = pd.Series(names, index=[*small_study.index, *other.index])
    dataset = build_dataset(small_study, small_network, external={"other": other}, series=series)
    table = leakage_audit(dataset, small_network)
    assert row(table, "series on both sides")["verdict"] == "ok"
    assert row(table, "series in study and external cohort")["examples"] == "GSE1"
    same_names = row(table, "one sample name in two cohorts")
    assert (same_names["count"], same_names["verdict"]) == (8, "warning")
    assert set(same_names["examples"].split(", ")) == {"s0", "s1", "s2", "s3", "S-0"}


def test_series_on_both_sides_are_found_and_unknown_ones_noted(small_study, small_network):
    dataset = build_dataset(small_study, small_network)
    assert row(leakage_audit(dataset, small_network), "series on both sides")["verdict"] == "note"
    dataset.samples["series"] = "GSE1"
    found = row(leakage_audit(dataset, small_network), "series on both sides")
    assert (found["examples"], found["verdict"]) == ("GSE1", "warning")


def test_gaps(small_study, small_network):
    external = random_expression("e", 4, ["TF1", "TF2", "G1", "G2", "TF"], seed=2)
    dataset = build_dataset(small_study, small_network, external={"other": external})
    table = leakage_audit(dataset, small_network)
    assert row(table, "inputs filled in other")["examples"] == "TF3"
    assert row(table, "targets missing from other")["examples"] == "G3, G4"


def test_gene_summary(small_study, small_network):
    external = random_expression("e", 4, ["TF1", "G1"], seed=2)
    dataset = build_dataset(
        small_study, small_network, external={"other": external}, tf_targets="include"
    )
    summary = gene_summary(dataset)
    train = small_study.loc[dataset.train.x.index, summary.index]
    np.testing.assert_allclose(summary["mean"], train.mean(), rtol=1e-6)
    np.testing.assert_allclose(summary["sd"], train.std(), rtol=1e-6)
    assert summary.loc[["TF1", "TF3", "G1"], "role"].tolist() == ["both", "TF input", "target"]
    assert summary.index[summary["measured_in_other"]].tolist() == ["G1", "TF1"]
    assert summary["measured_in_train"].all()


def test_missingness(small_study, small_network):
    external = random_expression("e", 4, ["TF1", "G1"], seed=2)
    table = missingness(build_dataset(small_study, small_network, external={"other": external}))
    assert table.to_numpy().tolist() == [
        ["train", "input", 3, 0],
        ["train", "target", 5, 0],
        ["test", "input", 3, 0],
        ["test", "target", 5, 0],
        ["other", "input", 1, 2],
        ["other", "target", 1, 4],
    ]


def test_pca_is_fitted_on_training_samples(small_study, small_network):
    external = random_expression("e", 4, ["TF1", "TF2", "G1", "G2", "TF"], seed=2)
    dataset = build_dataset(small_study, small_network, external={"other": external})
    scores, explained = pca(dataset)
    shared = ["G1", "G2", "TF", "TF1", "TF2"]
    oracle = PCA(2).fit(small_study.loc[dataset.train.x.index, shared])
    everyone = pd.concat([small_study, external]).loc[scores.index, shared]
    np.testing.assert_allclose(scores[["pc1", "pc2"]], oracle.transform(everyone), atol=1e-4)
    np.testing.assert_allclose(explained, oracle.explained_variance_ratio_, atol=1e-5)
    assert scores.columns.tolist() == ["pc1", "pc2", "cohort", "split", "series"]
    with pytest.raises(ValueError, match=r"n is 6; with 16 training samples and 5 genes .* 1 to 5"):
        pca(dataset, n=6)


def test_default_options_are_those_of_the_original_study():
    options = BuildOptions()
    assert (options.test_fraction, options.seed) == (0.2, 888)
