"""Tests of the path ridge: with one hop it is the masked ridge; igraph tells what is reached."""

from __future__ import annotations

import igraph
import numpy as np
import pandas as pd
import pytest
import skops.io
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from lembas.baselines import make
from lembas.network import Network
from lembas.path_ridge import PathRidge, reach
from lembas.rewiring import without_tf_edges
from lembas.ridge import MaskedRidge, RidgeGCV
from tests.conftest import random_expression
from tests.test_network import random_edges

TFS = [f"TF{number}" for number in range(12)]
GENES = [f"G{number}" for number in range(30)]


def network(seed: int = 0, n_edges: int = 90) -> Network:
    return Network.from_edges(random_edges(seed, n_edges=n_edges))


def tables(
    n_samples: int = 40, seed: int = 0, genes: list[str] = GENES
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw TFs and genes that follow them, with noise."""
    x = random_expression("s", n_samples, TFS, seed=seed)
    rng = np.random.default_rng(seed + 1)
    y = x.to_numpy() @ rng.normal(size=(len(TFS), len(genes)))
    y += rng.normal(size=y.shape) * np.linspace(0.1, 9, len(genes))
    return x, pd.DataFrame(y, index=x.index, columns=pd.Index(genes, name="gene"))


def closure(of: Network, hops: int) -> Network:
    """The network with an edge from every TF that a short path joins to a gene, by igraph."""
    names = list(of.nodes)
    graph = igraph.Graph.DataFrame(of.edges[["TF", "Gene"]], use_vids=False)
    rows = [
        (tf, graph.vs[at]["name"], 1)
        for tf in of.tfs
        for at in graph.neighborhood(tf, order=hops, mode="out", mindist=1)
    ]
    assert set(graph.vs["name"]) == set(names)
    return Network.from_edges(pd.DataFrame(rows, columns=["TF", "Gene", "Interaction"]))


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 1000), hops=st.integers(1, 5), n_edges=st.integers(15, 120))
def test_reach_is_what_igraph_finds(seed, hops, n_edges):
    of = network(seed, n_edges)
    genes = pd.Index([*GENES, *TFS, "unknown"])
    found = reach(of, pd.Index(TFS[2:]), genes, hops=hops).toarray()
    expected = pd.DataFrame(found, index=genes, columns=TFS[2:]) & False
    for tf, gene, _ in closure(of, hops).edges.itertuples(index=False):
        if tf in expected.columns and tf != gene:
            expected.loc[gene, tf] = True
    np.testing.assert_array_equal(found, expected.to_numpy())


@pytest.mark.parametrize("n_samples", [5, 9, 40])
@pytest.mark.parametrize("seed", range(3))
def test_with_one_hop_it_is_the_masked_ridge(seed, n_samples):
    x, y = tables(n_samples, seed, [*GENES, "TF1", "orphan"])
    new = random_expression("n", 9, TFS, seed=8)
    path = PathRidge(network(seed), hops=1).fit(x, y)
    masked = MaskedRidge(network(seed)).fit(x, y)
    pd.testing.assert_series_equal(path.alpha_, masked.alpha_)
    pd.testing.assert_frame_equal(path.predict(new), masked.predict(new), rtol=0, atol=1e-10)
    difference = path.coef_ - masked.coef_
    assert abs(difference).max() < 1e-10
    assert path.coef_.nnz == masked.coef_.nnz


# 6 samples: the samples' space is smaller than most reaches; 40: the reach's space is.
@pytest.mark.parametrize("n_samples", [6, 40])
@pytest.mark.parametrize("hops", [2, 3])
def test_further_hops_are_the_masked_ridge_on_the_paths(n_samples, hops):
    x, y = tables(n_samples)
    new = random_expression("n", 9, TFS, seed=8)
    path = PathRidge(network(n_edges=50), hops=hops).fit(x, y)
    masked = MaskedRidge(closure(network(n_edges=50), hops)).fit(x, y)
    assert path.reach_.between(1, 11).any()
    pd.testing.assert_series_equal(path.alpha_, masked.alpha_)
    pd.testing.assert_frame_equal(path.predict(new), masked.predict(new), rtol=0, atol=1e-9)


def test_where_all_is_reached_it_is_the_full_ridge():
    x, y = tables(seed=2)
    ring = [(TFS[i], TFS[(i + 1) % len(TFS)], 1) for i in range(len(TFS))]
    edges = [*ring, *((TFS[i % len(TFS)], gene, 1) for i, gene in enumerate(GENES))]
    of = Network.from_edges(pd.DataFrame(edges, columns=["TF", "Gene", "Interaction"]))
    model = PathRidge(of, hops=len(TFS)).fit(x, y)
    assert (model.reach_ == len(TFS)).all()
    full = RidgeGCV().fit(x, y)
    pd.testing.assert_series_equal(model.alpha_, full.alpha_)
    pd.testing.assert_frame_equal(model.predict(x), full.predict(x), rtol=0, atol=1e-9)


def test_without_tf_edges_more_hops_reach_no_further():
    x, y = tables()
    bare = without_tf_edges(network())
    pd.testing.assert_frame_equal(
        PathRidge(bare, hops=4).fit(x, y).predict(x),
        PathRidge(bare, hops=1).fit(x, y).predict(x),
    )


def test_a_tf_out_of_reach_cannot_change_a_prediction():
    x, y = tables()
    model = PathRidge(network(n_edges=40), hops=2).fit(x, y)
    marks = pd.DataFrame(
        reach(network(n_edges=40), x.columns, y.columns, hops=2).toarray(), GENES, TFS
    )
    before = model.predict(x)
    for gene in GENES[:5]:
        changed = x.assign(**{tf: x[tf] + 1 for tf in x.columns[~marks.loc[gene]]})
        np.testing.assert_array_equal(model.predict(changed)[gene], before[gene])


def test_paths_may_lead_through_tfs_that_were_not_measured():
    edges = [("A", "hidden", 1), ("hidden", "g", -1)]
    of = Network.from_edges(pd.DataFrame(edges, columns=["TF", "Gene", "Interaction"]))
    tfs, genes = pd.Index(["B", "A"]), pd.Index(["g"])
    assert reach(of, tfs, genes, hops=1).toarray().tolist() == [[False, False]]
    assert reach(of, tfs, genes, hops=2).toarray().tolist() == [[False, True]]


def test_order_changes_nothing_and_a_tf_that_does_not_vary_is_left_alone():
    x, y = tables()
    x["TF3"] = 1.0
    plain = PathRidge(network()).fit(x, y).predict(x)
    mixed = PathRidge(network()).fit(x[x.columns[::-1]], y[y.columns[::-1]]).predict(x)
    pd.testing.assert_frame_equal(mixed[y.columns], plain, rtol=0, atol=1e-10)
    assert np.isfinite(plain.to_numpy()).all()


def test_threads_change_nothing():
    x, y = tables()
    one, two = (PathRidge(network(), n_jobs=n_jobs).fit(x, y) for n_jobs in (1, 2))
    np.testing.assert_array_equal(one.coef_.toarray(), two.coef_.toarray())


def test_it_is_registered_cloned_and_saved():
    x, y = tables()
    model = make("path_ridge", network(), hops=3).fit(x, y)
    assert clone(model).get_params()["hops"] == 3
    kept = skops.io.dumps(model)
    types = skops.io.get_untrusted_types(data=kept)
    again = skops.io.loads(kept, trusted=types)
    pd.testing.assert_frame_equal(again.predict(x), model.predict(x))


def test_bad_settings_are_explained():
    x, y = tables()
    with pytest.raises(ValueError, match="hops must be at least 1, got 0"):
        PathRidge(network(), hops=0).fit(x, y)
    with pytest.raises(ValueError, match="PathRidge needs a network"):
        PathRidge().fit(x, y)
