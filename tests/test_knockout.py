"""Knock-outs against closed forms, networks built without the edges, and their laws."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import BaseEstimator

from lembas.baselines import make
from lembas.knockout import (
    NAMED,
    NODE,
    chosen_tfs,
    clamp_levels,
    knock_out,
    node_held,
    percentile,
    respond,
    response_agreement,
)
from lembas.model import LembasRNN
from lembas.network import Network
from lembas.path_ridge import reach
from lembas.study import Study
from tests.small_study import MODELS, network_of, normal_table

NAMES = ["mlr", "ridge", "masked_ridge", "lembas_published", "lembas", "lembas_ensemble"]
CHANNELS = {"n_channels": 2, "settings": {"epochs": 2, "refit": False}}


@pytest.fixture(scope="module")
def models(study: Study) -> dict[str, BaseEstimator]:
    train = study.dataset.train
    parameters = {**{name: MODELS[name] for name in NAMES}, "lembas_channels": CHANNELS}
    made = {name: make(name, study.network, **own) for name, own in parameters.items()}
    return {name: model.fit(train.x, train.y) for name, model in made.items()}


@pytest.fixture(scope="module")
def samples(study: Study) -> pd.DataFrame:
    return study.dataset.external["external_near"].x


def wide(responses: pd.DataFrame, column: str = "response") -> pd.DataFrame:
    """Lay responses out, ``(tf, gene)``."""
    return responses.pivot_table(index="tf", columns="gene", values=column, sort=False)


@pytest.mark.parametrize("name", ["mlr", "ridge"])
def test_a_linear_models_response_is_its_slope_times_the_mean_change(
    models: dict[str, BaseEstimator], samples: pd.DataFrame, name: str
) -> None:
    model = models[name]
    levels = clamp_levels(samples, samples.columns, "p5")
    slopes = pd.DataFrame(model.coef_, index=model.genes_, columns=model.tfs_).T
    made = respond(model, samples, levels)
    expected = slopes.mul(levels - samples.astype(float).mean(), axis=0)
    assert wide(made).to_numpy() == pytest.approx(expected.to_numpy(), abs=1e-6)
    spread = slopes.abs().mul(samples.astype(float).std(ddof=0), axis=0)
    assert wide(made, "response_sd").to_numpy() == pytest.approx(spread.to_numpy(), abs=1e-6)
    sd = model.predict(samples).astype(float).std(ddof=0)
    relative = (expected / sd).to_numpy()
    assert wide(made, "relative").to_numpy() == pytest.approx(relative, abs=1e-5)


@pytest.mark.parametrize(
    "name", ["masked_ridge", "lembas", "lembas_ensemble", "lembas_published", "lembas_channels"]
)
@pytest.mark.parametrize("hold_node", [False, True])
def test_a_gene_that_no_path_reaches_does_not_respond_at_all(
    models: dict[str, BaseEstimator],
    study: Study,
    samples: pd.DataFrame,
    name: str,
    hold_node: bool,
) -> None:
    if name == "masked_ridge" and hold_node:
        return
    model = models[name]
    hops = 1 if name == "masked_ridge" else len(model.tfs_)
    paths = reach(study.network, model.tfs_, model.genes_, hops=hops).toarray().T
    made = respond(model, samples, clamp_levels(samples, model.tfs_, "zero"), hold_node=hold_node)
    response = wide(made).loc[model.tfs_, model.genes_].to_numpy()
    assert (~paths).any()
    assert (response[~paths] == 0).all()
    assert (response[paths] != 0).any()


@pytest.mark.parametrize("hold_node", [False, True])
def test_what_passes_through_another_measured_tf_is_in_a_network_with_nodes_alone(
    hold_node: bool,
) -> None:
    """On A -> B -> G the input of B stays; its node hears of A all the same."""
    X = normal_table(200, ["A", "B"], seed=1)
    Y = pd.DataFrame({"G": X["A"] + X["B"]})
    network = network_of([("A", "B", 1), ("B", "G", 1)])
    levels = clamp_levels(X, X.columns, "p5")[["A"]]
    direct = respond(make("masked_ridge", network).fit(X, Y), X, levels)
    assert direct["response"].tolist() == [0]
    model = make("lembas", network, settings={"epochs": 2, "refit": False}).fit(X, Y)
    through = respond(model, X, levels, hold_node=hold_node)
    assert abs(through["response"].item()) > 0.05


def test_the_order_of_samples_tfs_and_genes_does_not_matter(
    models: dict[str, BaseEstimator], samples: pd.DataFrame
) -> None:
    chosen = samples.columns[:4]
    one = knock_out(models, samples, chosen, level="p5")
    other = knock_out(models, samples.iloc[::-1, ::-1], chosen[::-1], level="p5")
    keys = ["model", "tf", "gene"]
    first, second = (made.responses.set_index(keys).sort_index() for made in (one, other))
    pd.testing.assert_frame_equal(first, second, atol=2e-6)
    levels = (made.levels.set_index("tf").sort_index() for made in (one, other))
    pd.testing.assert_frame_equal(*levels)


def test_renamed_genes_respond_as_before(study: Study, samples: pd.DataFrame) -> None:
    train = study.dataset.train
    levels = clamp_levels(samples, samples.columns[:3], "zero")
    renamed = {gene: f"N{i}" for i, gene in enumerate(train.y.columns)}
    edges = study.network.edges.replace({"Gene": renamed})
    one = make("masked_ridge", study.network).fit(train.x, train.y)
    two = make("masked_ridge", Network.from_edges(edges)).fit(
        train.x, train.y.rename(columns=renamed)
    )
    expected = wide(respond(one, samples, levels)).rename(columns=renamed)
    pd.testing.assert_frame_equal(wide(respond(two, samples, levels)), expected)


@pytest.mark.parametrize("name", ["lembas", "lembas_published"])
def test_a_held_node_is_a_network_built_without_the_edges_into_it(
    models: dict[str, BaseEstimator], study: Study, samples: pd.DataFrame, name: str
) -> None:
    model = models[name]
    tf = study.network.edges.query("Gene in @model.tfs_")["Gene"].iloc[0]
    held = node_held(model, tf, samples)
    whole = model.network_
    kept = whole.edges[whole.edges["Gene"] != tf]
    smaller = LembasRNN(Network.from_edges(kept), whole.inputs, whole.outputs, config=whole.config)
    assert smaller.tfs.equals(whole.tfs)
    weights = dict(
        zip(
            zip(whole.edges["TF"], whole.edges["Gene"], strict=True),
            range(len(whole.edges)),
            strict=True,
        )
    )
    place = [weights[pair] for pair in zip(smaller.edges["TF"], smaller.edges["Gene"], strict=True)]
    with torch.no_grad():
        smaller.weights.copy_(whole.weights[place])
        if whole.config.skip:
            smaller.skip_weights.copy_(whole.skip_weights[place])
        for part in ("bias", "input_weights", "output_weights", "output_bias"):
            getattr(smaller, part).copy_(getattr(held.network_, part))
        x = torch.from_numpy(samples.to_numpy(np.float32, copy=True))
        expected, got = smaller(x), held.network_(x)
    assert got[0].numpy() == pytest.approx(expected[0].numpy(), abs=1e-5)
    assert got[1].numpy() == pytest.approx(expected[1].numpy(), abs=1e-5)


def test_no_other_tf_moves_a_held_node(
    models: dict[str, BaseEstimator], study: Study, samples: pd.DataFrame
) -> None:
    model = models["lembas"]
    tf = study.network.edges.query("Gene in @model.tfs_")["Gene"].iloc[0]
    x = torch.from_numpy(samples.assign(**{tf: 0.5}).to_numpy(np.float32, copy=True))
    with torch.no_grad():
        _, free = model.network_(x)
        _, held = node_held(model, tf, samples).network_(x)
    place = model.network_.nodes.get_loc(tf)
    assert np.ptp(free[:, place].numpy()) > 0
    assert np.ptp(held[:, place].numpy()) == 0


def test_every_copy_of_a_node_is_held(
    models: dict[str, BaseEstimator], study: Study, samples: pd.DataFrame
) -> None:
    model = models["lembas_channels"]
    tf = study.network.edges.query("Gene in @model.tfs_")["Gene"].iloc[0]
    copies = [f"{tf} #1", f"{tf} #2"]
    x = model.copied(samples.assign(**{tf: 0.5}))
    x = torch.from_numpy(x.to_numpy(np.float32, copy=True))
    with torch.no_grad():
        _, free = model.network_(x)
        _, held = node_held(model, tf, samples).network_(x)
    places = model.network_.nodes.get_indexer(copies)
    assert (np.ptp(free[:, places].numpy(), axis=0) > 0).all()
    assert (np.ptp(held[:, places].numpy(), axis=0) == 0).all()


def test_holding_a_node_without_regulators_is_holding_its_input(
    models: dict[str, BaseEstimator], study: Study, samples: pd.DataFrame
) -> None:
    model = models["lembas"]
    roots = model.tfs_.difference(study.network.genes)
    levels = clamp_levels(samples, pd.Index(roots, name="tf"), "p5")
    one, two = (respond(model, samples, levels, hold_node=held) for held in (False, True))
    assert len(roots) > 0
    pd.testing.assert_frame_equal(one, two)


def test_the_models_stay_as_they_were(
    models: dict[str, BaseEstimator], samples: pd.DataFrame
) -> None:
    before = models["lembas_ensemble"].predict(samples)
    knock_out(models, samples, samples.columns[:3], with_nodes=True)
    pd.testing.assert_frame_equal(models["lembas_ensemble"].predict(samples), before)


def test_models_with_nodes_are_asked_twice(
    models: dict[str, BaseEstimator], samples: pd.DataFrame
) -> None:
    chosen = {name: models[name] for name in ("ridge", "lembas", "lembas_channels")}
    made = knock_out(chosen, samples, samples.columns[:2], with_nodes=True)
    expected = ["ridge", "lembas", f"lembas{NODE}", "lembas_channels", f"lembas_channels{NODE}"]
    assert made.responses["model"].unique().tolist() == expected
    own = response_agreement(made.responses)
    assert np.diag(own) == pytest.approx(1)
    assert own.loc["ridge", "lembas"] == own.loc["lembas", "ridge"]


def test_agreement_is_the_mean_rank_correlation_over_tfs() -> None:
    """TF A: the same order, 1; TF B: the opposite order, -1; the mean is 0."""
    rows = [
        ("m", tf, gene, value) for tf in "AB" for gene, value in zip("xyz", (1, 2, 3), strict=True)
    ]
    rows += [("n", "A", gene, value) for gene, value in zip("xyz", (2, 4, 9), strict=True)]
    rows += [("n", "B", gene, value) for gene, value in zip("xyz", (3, 2, 1), strict=True)]
    table = pd.DataFrame(rows, columns=["model", "tf", "gene", "response"])
    assert response_agreement(table).loc["m", "n"] == pytest.approx(0)


def test_a_tf_at_its_level_already_has_nothing_to_knock_out(
    models: dict[str, BaseEstimator], samples: pd.DataFrame
) -> None:
    tf = samples.columns[3]
    silent = samples.assign(**{tf: np.float32(0.25)})
    made = knock_out(models, silent, samples.columns[2:5], level="p5", with_nodes=True)
    assert made.idle.tolist() == [tf]
    assert (made.responses.query("tf == @tf")["response"] == 0).all()
    row = made.levels.set_index("tf").loc[tf]
    assert row["level"] == row["mean"] == row["lowest"] == 0.25
    assert np.isnan(row["change_sd"])


def test_a_cohort_on_another_level_responds_as_before(
    models: dict[str, BaseEstimator], samples: pd.DataFrame, study: Study
) -> None:
    """The percentile is the cohort's own; what the models have seen is the training samples'."""
    train = study.dataset.train.x
    own = {"ridge": models["ridge"]}
    one = knock_out(own, samples, samples.columns, level="p5", trained=train)
    two = knock_out(own, samples + 2, samples.columns, level="p5", trained=train)
    pd.testing.assert_frame_equal(one.responses, two.responses, rtol=1e-3, atol=1e-4)
    assert (two.levels["change"] < 0).all()
    assert two.levels["lowest"].tolist() == train.min().astype(float).tolist()


def test_a_prediction_that_does_not_vary_has_no_relative_response() -> None:
    X, Y = normal_table(30, ["A", "B"], seed=1), normal_table(30, ["x", "y"], seed=2)
    model = make("masked_ridge", network_of([("A", "x", 1)])).fit(X, Y)
    made = respond(model, X, clamp_levels(X, X.columns, "zero")).query("gene == 'y'")
    assert (made["response"] == 0).all()
    assert made["relative"].isna().all()


def test_levels(samples: pd.DataFrame) -> None:
    tfs = samples.columns[:3]
    expected = np.quantile(samples[tfs].to_numpy(float), 0.05, axis=0)
    assert clamp_levels(samples, tfs, "p5").to_numpy() == pytest.approx(expected)
    assert clamp_levels(samples, tfs, "zero").tolist() == [0, 0, 0]
    assert clamp_levels(samples, tfs, "0.3").tolist() == [0.3] * 3
    assert clamp_levels(samples, tfs, -1.5).tolist() == [-1.5] * 3
    assert percentile("p2.5") == 0.025
    assert percentile("zero") is None


@pytest.mark.parametrize("level", ["low", "", "pp5", float("nan"), "inf"])
def test_a_level_that_is_none(samples: pd.DataFrame, level: str | float) -> None:
    with pytest.raises(ValueError, match='cannot be understood; expected "zero", a percentile'):
        clamp_levels(samples, samples.columns, level)


def test_impossible_percentiles(samples: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="'p101' is no percentile"):
        clamp_levels(samples, samples.columns, "p101")
    with pytest.raises(ValueError, match="needs samples to take it from"):
        clamp_levels(samples.iloc[:0], samples.columns, "p5")


def test_tfs_are_those_asked_for_then_hubs() -> None:
    edges = [
        ("A", "x", 1),
        ("B", "x", 1),
        ("B", "y", -1),
        ("C", "A", 1),
        ("C", "B", 1),
        ("C", "C", 1),
    ]
    network, measured = network_of(edges), pd.Index(["A", "B", "C", "HNF4A"])
    targets = pd.Index(["x", "y"])
    # C regulates TFs alone, so it is no hub of the targets.
    assert chosen_tfs(network, measured, targets, asked=["C"], n_tfs=3).tolist() == ["C", "B", "A"]
    assert chosen_tfs(network, measured, targets, n_tfs=2).tolist() == ["HNF4A", "B"]
    assert "HNF4A" in NAMED
    assert chosen_tfs(network, measured, targets, asked=["C", "A"], n_tfs=1).tolist() == ["C", "A"]


def test_an_unknown_tf_gets_the_nearest_names(
    models: dict[str, BaseEstimator], samples: pd.DataFrame
) -> None:
    renamed = samples.rename(columns={samples.columns[0]: "HNF4A", samples.columns[1]: "HNF4G"})
    with pytest.raises(KeyError, match=r"hnf4 not among the 20 TFs.*nearest names are hnf4: HNF4"):
        knock_out(models, renamed, ["hnf4"])
    with pytest.raises(KeyError, match=re.escape("?!: nothing like it")):
        knock_out(models, renamed, ["?!"])
    tf = samples.columns[4]
    with pytest.raises(KeyError, match=f"{tf} not among the 19 TFs"):
        knock_out(models, samples, [tf], reference=samples.drop(columns=tf))
    with pytest.raises(KeyError, match=f"{tf} not among the 19 TFs"):
        knock_out(models, samples, [tf], trained=samples.drop(columns=tf))


def test_a_name_alone_is_one_tf(
    models: dict[str, BaseEstimator], samples: pd.DataFrame, study: Study
) -> None:
    tf, own = samples.columns[0], {"ridge": models["ridge"]}
    one, two = (knock_out(own, samples, asked) for asked in (tf, [tf]))
    pd.testing.assert_frame_equal(one.responses, two.responses)
    genes = models["ridge"].genes_
    first = chosen_tfs(study.network, samples.columns, genes, asked=tf, n_tfs=1)
    assert first.tolist() == [tf]


def test_nothing_to_knock_out(models: dict[str, BaseEstimator], samples: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="nothing to knock out: 0 samples and 1 TFs"):
        knock_out(models, samples.iloc[:0], samples.columns[:1])
    with pytest.raises(ValueError, match="no model is given"):
        knock_out({}, samples, samples.columns[:1])
    with pytest.raises(ValueError, match="20 samples and 0 TFs"):
        knock_out(models, samples, [])


def test_models_without_names_are_refused(
    models: dict[str, BaseEstimator], samples: pd.DataFrame
) -> None:
    for bare, kind in ((models["ridge"], type(models["ridge"]).__name__), ([], "list")):
        with pytest.raises(
            TypeError, match=f"models is a {kind}; pass fitted models by their name"
        ):
            knock_out(bare, samples, samples.columns[:1])


def test_other_models_have_no_nodes(
    models: dict[str, BaseEstimator], samples: pd.DataFrame
) -> None:
    with pytest.raises(TypeError, match="RidgeGCV has no nodes to hold; expected a LEMBAS-RNN"):
        node_held(models["ridge"], samples.columns[0], samples)
