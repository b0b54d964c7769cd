"""Where genes belong, by hand and by an independent search; scores of strata as of the whole."""

from __future__ import annotations

from dataclasses import replace

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

from lembas.cohorts import Cohort
from lembas.gene_strata import (
    KINDS,
    THIRDS,
    empty_strata,
    gene_strata,
    hops,
    measured_regulators,
    share_between,
    skill_by_stratum,
    strata_table,
    thirds,
)
from lembas.metrics import score_per_gene
from lembas.network import Network
from lembas.study import Study
from tests.conftest import random_expression
from tests.small_study import network_of

MODELS = ("train_mean", "masked_ridge", "mlr")


@pytest.fixture(scope="module")
def strata(study: Study) -> pd.DataFrame:
    return gene_strata(study.dataset.train, study.network)


def test_distance_by_hand() -> None:
    """A and B are measured; C is not, D regulates E and neither can be reached."""
    edges = [("A", "G1", 1), ("A", "C", 1), ("C", "G2", 1), ("G2", "G3", 1), ("D", "E", 1)]
    network = network_of([*edges, ("C", "A", -1), ("B", "B", 1)])
    genes = pd.Index(["A", "B", "C", "G1", "G2", "G3", "E", "elsewhere"])
    found = hops(network, pd.Index(["A", "B", "unknown"]), genes)
    expected = [0, 0, 1, 1, 2, 3, np.nan, np.nan]
    np.testing.assert_array_equal(found.to_numpy(), expected)
    assert hops(network, pd.Index(["unknown"]), genes).isna().all()


def test_distance_is_that_of_an_independent_search(study: Study) -> None:
    network, tfs = study.network, study.dataset.inputs[:3]
    graph = nx.DiGraph(list(zip(network.edges["TF"], network.edges["Gene"], strict=True)))
    expected = nx.multi_source_dijkstra_path_length(graph, set(tfs), weight=None)
    found = hops(network, tfs, network.nodes).dropna()
    assert {name: int(n) for name, n in found.items()} == expected


def test_regulators_are_counted_without_the_gene_itself() -> None:
    network = network_of([("A", "A", 1), ("B", "A", 1), ("A", "G", 1), ("C", "G", 1)])
    found = measured_regulators(network, pd.Index(["A", "B"]), pd.Index(["A", "G", "Z"]))
    assert found.to_dict() == {"A": 1, "G": 1, "Z": 0}


def test_thirds_hold_a_third_each_whatever_the_ties() -> None:
    found = thirds(pd.Series([0.0] * 20 + list(range(10))))
    assert found.value_counts().tolist() == [10, 10, 10]
    assert thirds(pd.Series([3.0, np.nan, 1.0, 2.0])).astype(object).tolist() == [
        "high", np.nan, "low", "middle",
    ]  # fmt: skip
    assert thirds(pd.Series([np.nan])).isna().all()


def test_share_between_series_agrees_with_an_analysis_of_variance() -> None:
    table = random_expression("s", 30, ["G0", "G1", "G2"], seed=0)
    series = pd.Series([f"e{i**2 % 5}" for i in range(30)], table.index)
    table["G0"] += series.map({name: i for i, name in enumerate(series.unique())})
    table["G2"] = 1.0
    found = share_between(table, series)
    groups = table["G0"].groupby(series)
    within = ((table["G0"] - groups.transform("mean")) ** 2).sum() / (30 - groups.ngroups)
    assert found["G0"] == pytest.approx(1 - within / table["G0"].var())
    assert found["G0"] > 0.2
    assert 0 <= found["G1"] < 0.4
    assert np.isnan(found["G2"])


def test_chance_alone_gives_no_share_between_series() -> None:
    table = random_expression("s", 60, [f"G{i}" for i in range(200)], seed=1)
    series = pd.Series(np.arange(60) % 20, table.index)
    rng = np.random.default_rng(2).permutation(60)
    found = share_between(table, series.iloc[rng].set_axis(table.index))
    assert found.mean() < 0.12  # the plain share would be 19/59 = .32


@pytest.mark.parametrize("series", [None, "x", "own"])
def test_no_share_where_series_say_nothing(series: str | None) -> None:
    table = random_expression("s", 9, ["G0"], seed=0)
    given = {"x": pd.Series("x", table.index), "own": pd.Series(table.index, table.index)}
    found = share_between(table, None if series is None else given[series])
    assert found.isna().all()


def test_every_target_has_a_place(study: Study, strata: pd.DataFrame) -> None:
    assert strata.index.equals(study.dataset.targets)
    for kind in KINDS:
        assert strata[f"{kind}_stratum"].notna().all(), kind
    counts = strata["expression_stratum"].value_counts()
    assert len(counts) == 9
    assert counts.max() - counts.min() <= 1
    by_mean = strata.groupby(strata["expression_stratum"].astype(str).str.split().str[0])["mean"]
    low, middle, high = (by_mean.get_group(name) for name in THIRDS)
    assert low.max() <= middle.min()
    assert middle.max() <= high.min()


def test_the_test_samples_have_no_say(study: Study, strata: pd.DataFrame) -> None:
    dataset = study.dataset
    mixed = dataset.train.y.sample(frac=1, axis=1, random_state=0)
    again = gene_strata(replace(dataset.train, y=mixed), study.network).loc[strata.index]
    pd.testing.assert_frame_equal(again[list(strata.columns[:5])], strata[list(strata.columns[:5])])


def test_degrees_are_cut_where_they_say() -> None:
    sizes = [0, 1, 2, 5, 6, 20, 21, 50, 51, 60]
    edges = [(f"T{t:02d}", f"G{i}", 1) for i, n in enumerate(sizes) for t in range(n)]
    x = random_expression("s", 5, [f"T{t:02d}" for t in range(60)], seed=0)
    y = random_expression("s", 5, [f"G{i}" for i in range(len(sizes))], seed=1)
    none = pd.Index([])
    train = Cohort("train", x=x, y=y, imputed=none, missing=none, series=None)
    found = gene_strata(train, network_of(edges))["in_degree_stratum"].astype(str).tolist()
    assert found == [
        "none", "1", "2 to 5", "2 to 5", "6 to 20", "6 to 20", "21 to 50", "21 to 50",
        "more than 50", "more than 50",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def scored(
    study: Study, fitted: dict[str, BaseEstimator], strata: pd.DataFrame
) -> tuple[Cohort, dict[str, pd.DataFrame], pd.DataFrame]:
    far = study.dataset.external[next(iter(study.dataset.external))]
    predictions = {name: fitted[name].predict(far.x) for name in MODELS}
    mean = study.dataset.train_mean
    return far, predictions, skill_by_stratum(far, predictions, mean, strata, n_resamples=50)


def test_scores_of_strata_are_medians_over_their_genes(scored, study, strata) -> None:
    far, predictions, table = scored
    known = table.dropna(subset="model")
    assert set(known["kind"]) == set(KINDS)
    for row in known.itertuples():
        genes = far.y.columns[
            (strata.loc[far.y.columns, f"{row.kind}_stratum"] == row.stratum).to_numpy()
        ]
        assert row.n_genes == len(genes)
        scores = score_per_gene(
            far.y[genes], predictions[row.model][genes], study.dataset.train_mean
        )
        assert row.value == pytest.approx(scores["skill_per_gene"].median(), abs=1e-6)
    at = known.set_index(["kind", "stratum", "model"])
    own, base = at.xs("mlr", level="model"), at.xs("masked_ridge", level="model")
    np.testing.assert_allclose(own["difference"], own["value"] - base["value"])
    assert (own["difference_low"] <= own["difference"]).all()
    assert (base["difference"] == 0).all()


def test_strata_without_genes_are_named(scored) -> None:
    _, _, table = scored
    named = empty_strata(table)
    for row in table[table["n_genes"] == 0].itertuples():
        assert f"{KINDS[row.kind]}: {row.stratum}" in named
        assert pd.isna(row.model)
    assert empty_strata(table[table["n_genes"] > 0]) == ""
    assert "unreachable" in named


def test_unknown_series_leave_their_kind_out(scored, study, strata) -> None:
    far, predictions, _ = scored
    train = replace(study.dataset.train, series=None)
    unknown = gene_strata(train, study.network)
    mean = study.dataset.train_mean
    table = skill_by_stratum(far, predictions, mean, unknown, n_resamples=9)
    assert set(table["kind"]) == set(KINDS) - {"series_share"}


def test_what_does_not_match_is_refused(scored, study, strata) -> None:
    far, predictions, _ = scored
    mean = study.dataset.train_mean
    gone = far.y.columns[3]
    with pytest.raises(ValueError, match=rf"strata lack 1 gene\(s\): {gone}; sort all targets"):
        skill_by_stratum(far, predictions, mean, strata.drop(index=gone))
    with pytest.raises(KeyError, match=r"no reference 'xgbrf' among .*, or a kind other than"):
        skill_by_stratum(far, predictions, mean, strata, reference="xgbrf")
    others = {name: table.rename(columns="x{}".format) for name, table in predictions.items()}
    with pytest.raises(ValueError, match="is predicted by all models"):
        skill_by_stratum(far, others, mean, strata)


def test_networks_are_taken_whole(small_network: Network) -> None:
    found = hops(small_network, pd.Index(["TF3"]), pd.Index(["G1", "G2", "G3"]))
    assert found.tolist() == [2, 2, 1]


def test_the_page_shows_each_skill_with_its_difference(scored) -> None:
    _, _, table = scored
    shown = strata_table(table, {"mlr": "MLR", "masked_ridge": "Masked ridge"})
    assert len(shown) == (table.dropna(subset="model")["model"] == "mlr").sum()
    assert not shown["Masked ridge"].str.contains("(", regex=False).any()
    row = table[(table["model"] == "mlr") & (table["kind"] == "expression")].iloc[0]
    text = shown.loc[(KINDS["expression"], row["stratum"], row["n_genes"]), "MLR"]
    assert text.startswith(f"{row['value']:z.2f} ({row['difference']:+.2f}")
