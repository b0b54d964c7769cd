"""Attributions beside the prior: kinds of TFs, shares, signs, concentration."""

from __future__ import annotations

import itertools

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

from lembas.channels import LembasChannels
from lembas.explanation import explain_panel, plan
from lembas.prior_support import (
    DEFAULT_REACH,
    FURTHER,
    KINDS,
    NO_PATH,
    REGULATORS,
    TWO_STEPS,
    against_skill,
    concentration,
    described_edges,
    kinds_of_tfs,
    mean_shares,
    reach_of,
    shares,
    sign_agreement,
)
from lembas.study import Study
from lembas.tuning import Tuned
from tests.small_study import network_of

# A -> G; B -> A -> G; C -> B -> A -> G; D leads nowhere near G.
CHAIN = network_of([("A", "G", 1), ("B", "A", -1), ("C", "B", 1), ("D", "H", 1)])
TFS = pd.Index(list("ABCD"), name="tf")


def summary_of(sizes: dict[str, list[float]], *, gene: str = "G") -> pd.DataFrame:
    """Model to sizes over ``TFS``; every direction is up."""
    parts = [
        pd.DataFrame({"tf": TFS, "mean_abs_attribution": s, "direction": 1}).assign(model=m)
        for m, s in sizes.items()
    ]
    return pd.concat(parts, ignore_index=True).assign(gene=gene)


def test_kinds_are_steps_to_the_gene() -> None:
    kinds = kinds_of_tfs(CHAIN, TFS, ["G"], n_hops=4)
    assert kinds.loc["G"].tolist() == [REGULATORS, TWO_STEPS, FURTHER, NO_PATH]
    assert kinds_of_tfs(CHAIN, TFS, ["G"], n_hops=2).loc["G", "C"] == NO_PATH
    assert kinds_of_tfs(CHAIN, TFS, ["G"], n_hops=1).loc["G", "B"] == NO_PATH
    assert kinds_of_tfs(CHAIN, TFS, ["A"], n_hops=4).loc["A", "A"] == NO_PATH


def test_kinds_agree_with_shortest_paths(study: Study) -> None:
    network, genes = study.network, study.dataset.targets[:8]
    kinds = kinds_of_tfs(network, study.dataset.inputs, genes, n_hops=3)
    graph = nx.DiGraph(list(zip(network.edges["TF"], network.edges["Gene"], strict=True)))
    names = {1: REGULATORS, 2: TWO_STEPS, 3: FURTHER}
    for gene, tf in itertools.product(genes, study.dataset.inputs):
        there = tf in graph and gene in graph and nx.has_path(graph, tf, gene)
        steps = nx.shortest_path_length(graph, tf, gene) if there else 99
        assert kinds.loc[gene, tf] == names.get(steps, NO_PATH)


def test_shares_by_hand() -> None:
    kinds = kinds_of_tfs(CHAIN, TFS, ["G"], n_hops=4)
    table = shares(summary_of({"m": [6, 3, 0, 1]}), kinds).set_index("kind")
    assert table.loc[list(KINDS), "share"].tolist() == pytest.approx([0.6, 0.3, 0.0, 0.1])
    assert table["chance"].tolist() == [0.25] * 4
    assert table["n_tfs"].tolist() == [1] * 4


def test_chance_is_that_of_all_random_sets() -> None:
    """Every pair of four TFs, one by one: mean and SD of what they hold."""
    kinds = pd.DataFrame([[REGULATORS, REGULATORS, FURTHER, NO_PATH]], index=["G"], columns=TFS)
    part = np.array([0.5, 0.3, 0.15, 0.05])
    table = shares(summary_of({"m": list(10 * part)}), kinds).set_index("kind")
    sets = [part[list(pair)].sum() for pair in itertools.combinations(range(4), 2)]
    assert table.loc[REGULATORS, "chance"] == pytest.approx(np.mean(sets))
    assert table.loc[REGULATORS, "chance_sd"] == pytest.approx(np.std(sets))


def test_scale_and_order_change_no_share() -> None:
    kinds = kinds_of_tfs(CHAIN, TFS, ["G"], n_hops=4)
    table = summary_of({"m": [6, 3, 0, 1]})
    mixed = table.sample(frac=1, random_state=1)
    mixed = mixed.assign(mean_abs_attribution=3 * mixed["mean_abs_attribution"])
    first, second = shares(table, kinds), shares(mixed, kinds[["D", "C", "B", "A"]])
    pd.testing.assert_frame_equal(first, second)
    assert first["share"].sum() == pytest.approx(1)


def test_a_gene_without_attribution_has_no_share() -> None:
    kinds = kinds_of_tfs(CHAIN, TFS, ["G"], n_hops=4)
    assert shares(summary_of({"m": [0, 0, 0, 0]}), kinds).empty


def test_means_over_genes() -> None:
    kinds = kinds_of_tfs(CHAIN, TFS, ["G", "A"], n_hops=4)
    both = [summary_of({"m": [6, 3, 0, 1]}), summary_of({"m": [0, 1, 1, 0]}, gene="A")]
    table = shares(pd.concat(both), kinds)
    mean = mean_shares(table).set_index("kind")
    assert mean.loc[REGULATORS, "share"] == pytest.approx((0.6 + 0.5) / 2)
    assert mean.loc[REGULATORS, "n_genes"] == 2
    sd = table.loc[table["kind"] == REGULATORS, "chance_sd"]
    assert mean.loc[REGULATORS, "chance_sd"] == pytest.approx(np.sqrt((sd**2).sum()) / 2)


def test_the_masked_ridge_rests_on_regulators_and_lembas_within_reach(
    study: Study, fitted: dict[str, BaseEstimator]
) -> None:
    models = {name: fitted[name] for name in ("mlr", "masked_ridge", "lembas")}
    genes = study.dataset.targets[:4]
    made = plan(study.dataset, "external_near", genes, panel=genes, n_background=5)
    n_hops = reach_of(models.values())
    assert n_hops == fitted["lembas"].config_.max_steps - 1
    kinds = kinds_of_tfs(study.network, study.dataset.inputs, made.panel, n_hops=n_hops)
    found = mean_shares(shares(explain_panel(models, made).edges, kinds)).set_index(
        ["model", "kind"]
    )
    assert found.loc[("masked_ridge", REGULATORS), "share"] == pytest.approx(1)
    assert found.loc[("lembas", NO_PATH), "share"] == 0
    assert found.loc[("mlr", REGULATORS), "share"] < 1


def test_reach_without_a_network_has_a_default(fitted: dict[str, BaseEstimator]) -> None:
    assert reach_of([fitted["mlr"]]) == DEFAULT_REACH
    ensemble = fitted["lembas_ensemble"]
    assert reach_of([ensemble]) == ensemble.members_[0].config_.max_steps - 1


def test_a_network_whose_settings_were_searched_is_seen(fitted: dict[str, BaseEstimator]) -> None:
    searched = Tuned(fitted["lembas_published"], {})
    searched.best_ = fitted["lembas_published"]
    expected = searched.best_.config_.max_steps - 1
    assert expected != DEFAULT_REACH
    assert reach_of([searched]) == expected


def test_channels_reach_as_far_as_their_updates(fitted: dict[str, BaseEstimator]) -> None:
    model = LembasChannels()
    model.inner_ = fitted["lembas_published"]
    expected = fitted["lembas_published"].config_.max_steps - 1
    assert expected != DEFAULT_REACH
    assert reach_of([fitted["mlr"], model]) == expected


def test_signs_are_counted_and_compared_with_chance() -> None:
    """Two edges, + and -; of four TFs used, three rise: chance (3 / 4 + 1 / 4) / 2."""
    network = network_of([("A", "G", 1), ("B", "G", -1)])
    table = summary_of({"m": [1, 1, 1, 1]}).assign(direction=[1, 1, 1, -1])
    found = sign_agreement(table, network).iloc[0]
    assert (found["n_edges"], found["n_agree"]) == (2, 1)
    assert found["chance"] == pytest.approx(0.5)
    unused = table.assign(direction=[0, 0, 1, 1])
    assert sign_agreement(unused, network).empty


def test_concentration_counts_tfs() -> None:
    assert concentration(pd.Series([2.0, 2.0, 2.0, 0.0])) == pytest.approx(3)
    assert concentration(pd.Series([5.0, 0.0])) == pytest.approx(1)
    assert 1 < concentration(pd.Series([5.0, 1.0])) < 2
    assert np.isnan(concentration(pd.Series([0.0, 0.0])))


def test_skills_stand_beside_shares() -> None:
    kinds = kinds_of_tfs(CHAIN, TFS, ["G"], n_hops=4)
    summary = summary_of({"m": [6, 3, 0, 1], "unscored": [1, 0, 0, 0]})
    skill = pd.DataFrame({"m": [0.7, 0.2]}, index=pd.Index(["G", "other"]))
    found = against_skill(summary, shares(summary, kinds), skill)
    assert found[["model", "gene", "skill"]].to_numpy().tolist() == [["m", "G", 0.7]]
    assert found["share"].item() == pytest.approx(0.6)
    assert found["n_effective"].item() == pytest.approx(concentration(pd.Series([6, 3, 0, 1])))


def test_edges_are_described() -> None:
    kinds = kinds_of_tfs(CHAIN, TFS, ["G", "A"], n_hops=4)
    summary = pd.concat([summary_of({"m": [6, 3, 0, 1]}), summary_of({"m": [1] * 4}, gene="A")])
    found = described_edges(summary, kinds, CHAIN).set_index(["gene", "tf"])
    assert len(found) == 8
    assert found.loc[("G", "A"), ["kind", "sign"]].tolist() == [REGULATORS, 1]
    assert found.loc[("A", "B"), ["kind", "sign"]].tolist() == [REGULATORS, -1]
    assert found.loc[("G", "D"), ["kind", "sign"]].tolist() == [NO_PATH, 0]


def test_unknown_genes_and_tfs_are_named() -> None:
    kinds = kinds_of_tfs(CHAIN, TFS, ["A"], n_hops=4)
    with pytest.raises(KeyError, match="no kind is known of gene G"):
        shares(summary_of({"m": [1, 1, 1, 1]}), kinds)
    fewer = kinds_of_tfs(CHAIN, TFS[:3], ["G"], n_hops=4)
    with pytest.raises(KeyError, match=r"no kind is known of TF\(s\) D"):
        shares(summary_of({"m": [1, 1, 1, 1]}), fewer)
