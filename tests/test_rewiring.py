"""Laws of control networks: what must be kept is kept, what must change does."""

from __future__ import annotations

import random

import igraph
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lembas import rewiring
from lembas.network import Network
from lembas.rewiring import (
    flipped_signs,
    permuted_genes,
    random_edges,
    rewired,
    share_moved,
    shuffled_signs,
    without_tf_edges,
)
from tests.test_network import random_edges as drawn_edges

SEEDS = st.integers(0, 10_000)
BY_SEED = {
    "rewired": rewired,
    "permuted_genes": permuted_genes,
    "shuffled_signs": shuffled_signs,
    "random_edges": random_edges,
}


def network(seed: int = 0, n_edges: int = 300) -> Network:
    """Draw 20 TFs, some of which regulate each other or themselves, and 60 genes."""
    return Network.from_edges(drawn_edges(seed, n_tfs=20, n_genes=60, n_edges=n_edges))


def classes(of: Network) -> pd.DataFrame:
    """Edges with what must be kept: sign, and whether from TF to TF or to itself."""
    loop = of.edges["TF"] == of.edges["Gene"]
    return of.edges.assign(to_tf=of.edges["Gene"].isin(of.tfs), loop=loop)


def degrees(of: Network, end: str) -> dict:
    return classes(of).groupby([end, "Interaction", "to_tf", "loop"]).size().to_dict()


def pairs_of(of: Network) -> set[tuple[str, str]]:
    return set(of.edges[["TF", "Gene"]].itertuples(index=False, name=None))


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(graph=SEEDS, seed=SEEDS, n_edges=st.integers(100, 600))
def test_every_node_keeps_its_degrees_of_either_sign(graph, seed, n_edges):
    before = network(graph, n_edges)
    after = rewired(before, seed=seed)
    for end in ("TF", "Gene"):
        assert degrees(after, end) == degrees(before, end)
    assert len(after) == len(before)  # Network refuses a pair with both signs


@settings(deadline=None, max_examples=20)
@given(graph=SEEDS, seed=SEEDS)
def test_self_loops_stay_and_none_is_made(graph, seed):
    before = network(graph)
    for make in (rewired, permuted_genes, random_edges):
        pd.testing.assert_frame_equal(
            make(before, seed=seed).self_loops[["TF", "Gene"]], before.self_loops[["TF", "Gene"]]
        )


@pytest.mark.parametrize("name", BY_SEED)
def test_the_seed_alone_decides(name):
    before, make = network(), BY_SEED[name]
    kept = before.digest
    first = make(before, seed=3)
    random.seed(99)
    assert make(before, seed=3).digest == first.digest
    assert make(before, seed=4).digest != first.digest
    assert before.digest == kept


def test_igraph_gets_its_own_generator_back():
    def drawn() -> list[tuple[int, int]]:
        random.seed(5)
        return igraph.Graph.Erdos_Renyi(n=30, m=40).get_edgelist()

    expected = drawn()
    random.seed(7)
    state = random.getstate()
    rewired(network(), seed=1)
    assert random.getstate() == state
    assert drawn() == expected


@pytest.mark.parametrize("name", ["permuted_genes", "shuffled_signs", "random_edges"])
@settings(deadline=None, max_examples=20)
@given(graph=SEEDS, seed=SEEDS)
def test_numbers_of_edges_of_each_kind_are_kept(name, graph, seed):
    before = network(graph)
    after = BY_SEED[name](before, seed=seed)
    # Random edges may leave a TF without edges: what is a TF is asked of the real network.
    to_tf = {label: each.edges["Gene"].isin(before.tfs).sum() for label, each in
             (("before", before), ("after", after))}  # fmt: skip
    assert to_tf["after"] == to_tf["before"]
    assert after.edges["Interaction"].sum() == before.edges["Interaction"].sum()
    assert len(after) == len(before)


@settings(deadline=None, max_examples=20)
@given(graph=SEEDS, seed=SEEDS)
def test_permuted_genes_carry_whole_sets_of_regulators(graph, seed):
    before = network(graph)
    after = permuted_genes(before, seed=seed)

    def sets(of: Network, *, tfs: bool) -> dict[str, tuple]:
        edges = of.edges[of.edges["Gene"].isin(before.tfs) == tfs]
        rows = edges.groupby("Gene")[["TF", "Interaction"]]
        return {gene: tuple(map(tuple, part.to_numpy())) for gene, part in rows}

    assert sets(after, tfs=True) == sets(before, tfs=True)
    own, other = sets(before, tfs=False), sets(after, tfs=False)
    assert sorted(own.values()) == sorted(other.values())
    assert set(own) == set(other)


def test_signs_alone_change_where_only_signs_are_meant():
    before = network()
    for after in (flipped_signs(before), shuffled_signs(before, seed=1)):
        assert share_moved(before, after) == 0
        assert after.digest != before.digest
    assert flipped_signs(flipped_signs(before)).digest == before.digest
    assert (flipped_signs(before).edges["Interaction"] == -before.edges["Interaction"]).all()


def test_without_tf_edges_no_tf_is_a_gene():
    before = network()
    after = without_tf_edges(before)
    assert not after.genes.isin(before.tfs).any()
    assert pairs_of(after) == {(tf, gene) for tf, gene in pairs_of(before)
                               if gene not in before.tfs}  # fmt: skip
    assert without_tf_edges(after).digest == after.digest


def test_random_edges_are_uniform():
    # 3 TFs x 4 genes, 6 edges: every pair has an edge in half of the draws.
    edges = [("A", "w"), ("A", "x"), ("B", "y"), ("B", "z"), ("C", "w"), ("C", "z")]
    before = Network.from_edges(pd.DataFrame(edges, columns=["TF", "Gene"]).assign(Interaction=1))
    draws = [pairs_of(random_edges(before, seed=seed)) for seed in range(400)]
    counts = pd.Series([pair for draw in draws for pair in draw]).value_counts()
    assert len(counts) == 12
    # Five standard deviations of a binomial with 400 draws of 1/2: 50.
    assert counts.between(150, 250).all()


def test_rewiring_forgets_the_real_pairs():
    # With degrees kept, a pair of TF and gene recurs about as often as chance has it.
    before = network(n_edges=200)
    moved = [share_moved(before, rewired(before, seed=seed)) for seed in range(20)]
    degree = before.out_degree.to_numpy()[:, None] * before.in_degree.to_numpy() / len(before)
    at = before.positions(before.tfs, before.genes)
    by_chance = 1 - degree[at[1], at[0]].mean()
    assert np.mean(moved) == pytest.approx(by_chance, abs=0.08)


def test_the_share_of_moved_edges_by_hand():
    columns = ["TF", "Gene", "Interaction"]
    one = Network.from_edges(pd.DataFrame([("A", "x", 1), ("A", "y", 1)], columns=columns))
    other = Network.from_edges(pd.DataFrame([("A", "x", -1), ("A", "z", 1)], columns=columns))
    assert share_moved(one, other) == 0.5
    assert share_moved(one, one) == 0


def test_a_renamed_network_is_rewired_alike():
    # The new names sort like the old: positions, and so all draws, are the same.
    before = network()
    new = {name: f"my_{name}" for name in before.nodes}
    columns = {end: before.edges[end].map(new) for end in ("TF", "Gene")}
    renamed = Network.from_edges(before.edges.assign(**columns))
    after = rewired(before, seed=2)
    expected = after.edges.assign(**{end: after.edges[end].map(new) for end in ("TF", "Gene")})
    assert rewired(renamed, seed=2).digest == Network.from_edges(expected).digest


def test_pairs_with_both_signs_are_parted(monkeypatch):
    # Every second edge of a dense network inhibits, so that exchanges meet all the time.
    rng = np.random.default_rng(0)
    pairs = [(f"TF{t}", f"G{g}") for t in range(15) for g in range(30) if rng.random() < 0.5]
    table = pd.DataFrame(pairs, columns=["TF", "Gene"])
    before = Network.from_edges(table.assign(Interaction=np.resize([1, -1], len(pairs))))
    for end in ("TF", "Gene"):
        assert degrees(rewired(before, seed=0), end) == degrees(before, end)
    monkeypatch.setattr(rewiring, "MOST_ROUNDS", 0)
    with pytest.raises(ValueError, match=r"keep both signs after 0 rounds: TF\d+->G\d+.*dense"):
        rewired(before, seed=0)


def star(n: int = 20) -> pd.DataFrame:
    return pd.DataFrame({"TF": "A", "Gene": [f"G{i}" for i in range(n)], "Interaction": 1})


@pytest.mark.parametrize(
    ("edges", "reason"),
    [
        (star(), "it is a star"),
        (star().assign(TF=[f"A{i}" for i in range(20)], Gene="G"), "it is a star"),
        (star(1), "it is a star"),
        (pd.concat([star().assign(TF=tf) for tf in "ABC"]), "it is complete"),
        (pd.concat([star().assign(TF=tf) for tf in "ABC"]).iloc[:-1], "too few edges, or TFs"),
    ],
)
def test_a_network_that_cannot_be_rewired_is_refused(edges, reason):
    with pytest.raises(ValueError, match=rf"cannot be rewired: \d%.*{reason}"):
        rewired(Network.from_edges(edges), seed=0)


def test_other_controls_refuse_what_they_cannot_do():
    block = Network.from_edges(
        pd.DataFrame([("A", "B", 1), ("B", "A", 1)], columns=["TF", "Gene", "Interaction"])
    )
    with pytest.raises(ValueError, match=r"all 2 edges .* from TF to TF"):
        without_tf_edges(block)
    with pytest.raises(ValueError, match=r"0 gene.s. that are no TFs"):
        permuted_genes(block, seed=0)
    assert pairs_of(random_edges(block, seed=0)) == {("A", "B"), ("B", "A")}
