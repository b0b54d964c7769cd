"""Learned weights against coefficients, gradients and counts by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from lembas.baselines import make
from lembas.study import Study
from lembas.weights import (
    edge_table,
    joined,
    learned_weights,
    seed_agreement,
    sign_violations,
    weights_against_truth,
)
from tests.small_study import MODELS, network_of, normal_table

CHANNELS = {"n_channels": 2, "settings": {"epochs": 2, "refit": False}}


def weights_of(values: dict[str, list[float]], signs: list[int]) -> pd.DataFrame:
    """Edges TF0, TF1 ... to gene x, one column of weights a seed."""
    tfs = [f"TF{i}" for i in range(len(signs))]
    seeds = [
        pd.DataFrame({"seed": int(seed), "tf": tfs, "gene": "x", "sign": signs, "weight": own})
        for seed, own in values.items()
    ]
    return pd.concat(seeds, ignore_index=True)


@pytest.mark.parametrize("name", ["masked_ridge", "signed_ridge"])
def test_the_weight_of_a_masked_ridge_is_its_coefficient(study: Study, name: str) -> None:
    train = study.dataset.train
    model = make(name, study.network).fit(train.x, train.y)
    made = learned_weights(model, train.x, train.y)
    row, column = model.genes_.get_indexer(made["gene"]), model.tfs_.get_indexer(made["tf"])
    sd = train.y.std(ddof=0).to_numpy()[row]
    expected = model.coef_.toarray()[row, column] / sd
    assert made["weight"].to_numpy() == pytest.approx(expected, abs=1e-6)
    assert len(made) == model.coef_.nnz
    signs = study.network.edges.set_index(["TF", "Gene"])["Interaction"]
    assert (
        made["sign"].tolist()
        == signs.loc[list(zip(made["tf"], made["gene"], strict=True))].tolist()
    )


@pytest.mark.parametrize(
    "name", ["lembas", "lembas_published", "lembas_ridge_start", "lembas_channels"]
)
def test_without_edges_between_tfs_the_weight_is_the_gradient(study: Study, name: str) -> None:
    """All that a TF does to a gene then passes through the one edge between them."""
    train = study.dataset.train
    edges = study.network.edges
    network = type(study.network).from_edges(edges[~edges["Gene"].isin(train.x.columns)])
    parameters = {**MODELS, "lembas_channels": CHANNELS}[name]
    model = make(name, network, **parameters).fit(train.x, train.y)
    made = learned_weights(model, train.x, train.y)
    mean = torch.from_numpy(train.x.mean().to_numpy(np.float32))[None].requires_grad_()
    sd_x, sd_y = train.x.std(ddof=0), train.y.std(ddof=0)
    predicted = model.predict_tensor(mean)[0]
    for gene, own in made.groupby("gene"):
        at = model.genes_.get_loc(gene)
        (gradient,) = torch.autograd.grad(predicted[at], mean, retain_graph=True)
        slope = pd.Series(gradient[0].numpy(), index=model.tfs_)[own["tf"]]
        expected = slope.to_numpy() * sd_x[own["tf"]].to_numpy() / sd_y[gene]
        assert own["weight"].to_numpy() == pytest.approx(expected, abs=1e-4, rel=1e-3)


def test_an_ensemble_has_weights_for_every_seed(study: Study) -> None:
    train = study.dataset.train
    model = make("lembas_ensemble", study.network, **MODELS["lembas_ensemble"])
    made = learned_weights(model.fit(train.x, train.y), train.x, train.y)
    assert made["seed"].unique().tolist() == [888, 889]
    first = learned_weights(model.members_[0], train.x, train.y)
    pd.testing.assert_frame_equal(made[made["seed"] == 888].reset_index(drop=True), first)
    assert (edge_table(made)["n_seeds"] == 2).all()


def test_the_weight_of_channels_is_one_an_edge_of_the_prior(study: Study) -> None:
    train = study.dataset.train
    edges = []
    for name in ("lembas_channels", "lembas"):
        parameters = {**MODELS, "lembas_channels": CHANNELS}[name]
        model = make(name, study.network, **parameters).fit(train.x, train.y)
        made = learned_weights(model, train.x, train.y)
        edges.append(made[["seed", "tf", "gene", "sign"]].sort_values(["tf", "gene"]))
    pd.testing.assert_frame_equal(*(own.reset_index(drop=True) for own in edges))


def test_a_gene_that_does_not_vary_has_no_weight() -> None:
    X = normal_table(30, ["A", "B"], seed=1)
    Y = normal_table(30, ["x", "y"], seed=2).assign(y=1.0)
    model = make("masked_ridge", network_of([("A", "x", 1), ("A", "y", 1)])).fit(X, Y)
    made = learned_weights(model, X, Y).set_index("gene")["weight"]
    assert np.isnan(made["y"])
    assert np.isfinite(made["x"])


@pytest.mark.parametrize("name", ["ridge", "path_ridge"])
def test_models_without_edges_are_refused(study: Study, name: str) -> None:
    train = study.dataset.train
    model = make(name, study.network).fit(train.x, train.y)
    with pytest.raises(TypeError, match="has no weight an edge of the prior; expected a masked"):
        learned_weights(model, train.x, train.y)


def test_edges_by_hand() -> None:
    """Means over two seeds: .5, -.3, .02 and 0; the largest is .5."""
    weights = weights_of({"1": [0.4, -0.3, 0.02, 0.1], "2": [0.6, -0.3, 0.02, -0.1]}, [1, 1, -1, 1])
    table = edge_table(weights, dead_share=0.05).set_index("tf")
    assert table.index.tolist() == ["TF0", "TF1", "TF2", "TF3"]
    assert table["weight"].tolist() == pytest.approx([0.5, -0.3, 0.02, 0.0])
    assert table["weight_sd"].tolist() == pytest.approx([0.2 / 2**0.5, 0, 0, 0.2 / 2**0.5])
    assert table["share"].tolist() == pytest.approx([1, 0.6, 0.04, 0])
    assert table["violates"].tolist() == [False, True, True, False]
    assert table["dead"].tolist() == [False, False, True, True]
    with pytest.raises(ValueError, match="dead_share is 2; expected a share"):
        edge_table(weights, dead_share=2)


def test_edges_of_a_gene_without_weights_are_dead() -> None:
    table = edge_table(weights_of({"1": [0.0, 0.0]}, [1, -1]))
    assert table["dead"].all()
    assert not table["violates"].any()
    assert table["weight_sd"].isna().all()


def test_one_seed_with_a_huge_weight_does_not_make_an_edge_strong() -> None:
    seeds = {"1": [0.1, 0.5], "2": [0.1, 0.6], "3": [-90.0, 0.7]}
    table = edge_table(weights_of(seeds, [1, 1]))
    assert table["weight"].tolist() == [0.6, 0.1]
    assert not table["violates"].any()
    assert table["weight_sd"].iloc[1] > 50


def test_violations_by_strength_by_hand() -> None:
    """The two weakest contradict the prior, the two strongest do not; a 0 has no sign."""
    table = edge_table(weights_of({"1": [-0.1, -0.2, 0.3, 0.4, 0.0]}, [1, 1, 1, 1, 1]))
    found = sign_violations(table, n_bins=2)
    assert found["n_edges"].tolist() == [2, 2]
    assert found["violating"].tolist() == [1, 0]
    assert found["weight"].tolist() == pytest.approx([0.15, 0.35])
    both = joined({"m": found, "n": found})
    assert both["model"].tolist() == ["m", "m", "n", "n"]


def test_seeds_that_agree_and_seeds_that_do_not() -> None:
    own = [0.9, -0.5, 0.2, 0.1]
    same = seed_agreement(weights_of({"1": own, "2": own}, [1] * 4), top_share=0.5)
    assert same[["pearson", "spearman", "overlap"]].to_numpy().ravel() == pytest.approx(1)
    # Of the two strongest, TF0 and TF1, only TF0 is among the other seed's.
    other = weights_of({"1": own, "2": [0.9, 0.1, -0.5, 0.2]}, [1] * 4)
    assert seed_agreement(other, top_share=0.5)["overlap"].tolist() == [0.5]
    assert seed_agreement(weights_of({"1": own}, [1] * 4)).empty


def test_weights_against_the_truth_by_hand() -> None:
    """True are TF0 (+), TF1 (-, the prior says +) and TF3 (+); ranks 1, 2 and 4 of 4."""
    edges = edge_table(weights_of({"1": [0.9, -0.8, 0.5, -0.1]}, [1, 1, 1, 1]))
    truth = network_of([("TF0", "x", 1), ("TF1", "x", -1), ("TF3", "x", 1), ("TF9", "x", 1)])
    found = weights_against_truth(edges, truth)
    assert found["base_rate"] == 0.75
    assert found["auprc"] == pytest.approx((1 + 1 + 3 / 4) / 3)
    assert found["n_wrong_signs"] == 1
    assert found["mended"] == 1
    assert found["kept"] == 0.5
    nothing = weights_against_truth(edges, network_of([("TF9", "y", 1)]))
    assert np.isnan(nothing["auprc"])
    assert nothing["base_rate"] == 0
