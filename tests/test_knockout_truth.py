"""Predicted beside true knock-outs: truth recovered, scores by hand, error messages."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from lembas.knockout_truth import (
    NEW_SAMPLES,
    PRIOR,
    compared_responses,
    fit_on,
    paired_difference,
    roles,
    score_responses,
    simulated_study,
    summarise_scores,
    true_responses,
)
from lembas.simulate import Simulation
from tests.small_study import network_of


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulated_study(n_samples=60, n_tfs=24, seed=3)


@pytest.fixture(scope="module")
def compared(simulation: Simulation) -> pd.DataFrame:
    models = fit_on(simulation, ["ridge", "masked_ridge"])
    return compared_responses(simulation, models, simulation.tfs[:6], cohort=NEW_SAMPLES)


def by_hand(predicted: list[float], true: list[float], role: list[str]) -> pd.DataFrame:
    """One knock-out of TF A, as one model predicts it."""
    table = pd.DataFrame({"predicted": predicted, "true": true, "role": role})
    return table.assign(level="zero", model="m", tf="A", gene=[f"g{i}" for i in range(len(table))])


def test_the_true_response_is_the_mean_change_of_the_simulators_expectation(
    simulation: Simulation,
) -> None:
    tf = simulation.truth.tfs[0]
    before, after = (
        simulation.expected_expression(clamp=clamp, cohort=NEW_SAMPLES)
        for clamp in (None, {tf: -np.inf})
    )
    expected = (after - before).mean()[simulation.targets]
    made = true_responses(simulation, [tf], cohort=NEW_SAMPLES).set_index("gene")["response"]
    assert made.loc[simulation.targets].to_numpy() == pytest.approx(expected.to_numpy())
    assert made.abs().max() > 0.05


def test_genes_that_no_path_reaches_do_not_respond(compared: pd.DataFrame) -> None:
    none = compared[compared["role"] == "none"]
    assert len(none)
    assert none["true"].abs().max() < 1e-6
    direct = compared[compared["role"] == "direct"]
    assert (direct.groupby("tf")["true"].agg(lambda change: change.abs().max()) > 0).all()


def test_a_decoy_changes_nothing(simulation: Simulation) -> None:
    assert (true_responses(simulation, simulation.decoys)["response"] == 0).all()


def test_a_level_nearer_to_the_samples_changes_less(simulation: Simulation) -> None:
    """Hill curves are monotonic, so a gene with this TF as its only regulator changes less."""
    truth = simulation.truth
    single = truth.in_degree[truth.in_degree == 1].index.intersection(simulation.targets)
    tf = truth.edges.set_index("Gene").loc[single, "TF"].iloc[0]
    gene = truth.edges.query("TF == @tf and Gene in @single")["Gene"].iloc[0]
    sizes = [
        true_responses(simulation, [tf], level=level).set_index("gene").loc[gene, "response"]
        for level in ("zero", "p0", "p5", "p40")
    ]
    assert (np.diff(np.abs(sizes)) < 0).all()


def test_roles_are_those_of_a_graph_library() -> None:
    edges = [("A", "B", 1), ("B", "x", -1), ("A", "y", 1), ("C", "z", 1), ("B", "A", 1)]
    network = network_of(edges)
    tfs, genes = pd.Index(["A", "B", "C"]), pd.Index(["x", "y", "z"])
    graph = nx.DiGraph([edge[:2] for edge in edges])
    for row in roles(network, tfs, genes).itertuples():
        reached = row.gene in nx.descendants(graph, row.tf)
        direct = graph.has_edge(row.tf, row.gene)
        assert row.role == ("direct" if direct else "indirect" if reached else "none")


def test_the_truth_itself_scores_best(compared: pd.DataFrame) -> None:
    scores = score_responses(compared.assign(predicted=compared["true"]))
    found = scores[scores["n_responders"] > 0]
    for metric in ("auprc", "sign_accuracy", "slope", "spearman"):
        assert found[metric].to_numpy() == pytest.approx(1)
    assert found["lift"].to_numpy() == pytest.approx(1 / found["base_rate"].to_numpy())


def test_the_opposite_finds_all_with_the_wrong_sign(compared: pd.DataFrame) -> None:
    scores = score_responses(compared.assign(predicted=-2 * compared["true"]))
    found = scores[scores["n_responders"] > 0]
    assert found["auprc"].to_numpy() == pytest.approx(1)
    assert found["slope"].to_numpy() == pytest.approx(-2)
    assert (found["sign_accuracy"] == 0).all()


def test_scores_by_hand() -> None:
    """Ranked by size: g1 (no responder), g0, g2 (responders): precision 1/2 and 2/3."""
    table = by_hand(
        [-0.3, 0.4, 0.1, 0.0],
        [-0.2, 0.01, -0.1, 0.0],
        ["direct", "none", "indirect", "none"],
    )
    scores = score_responses(table).set_index("part")
    whole = scores.loc["all"]
    assert whole["auprc"] == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert whole["base_rate"] == 0.5
    assert whole["sign_accuracy"] == 0.5
    # (.3 x .2 - .1 x .1) / (.2^2 + .1^2)
    assert whole["slope"] == pytest.approx(1.0)
    assert scores.loc["direct", ["n_genes", "n_responders"]].tolist() == [3, 1]
    assert scores.loc["indirect", "auprc"] == pytest.approx(1 / 2)
    assert scores.loc["indirect", "sign_accuracy"] == 0


def test_without_responders_nothing_is_scored() -> None:
    scores = score_responses(by_hand([0.1, 0.2], [0.01, 0.02], ["direct", "none"]))
    assert scores[["auprc", "base_rate", "sign_accuracy", "slope"]].isna().all(axis=None)
    summary = summarise_scores(scores).query("metric == 'auprc'")
    assert summary["value"].isna().all()
    assert (summary["n_tfs"] == 0).all()


def test_a_response_of_0_misses_the_sign() -> None:
    scores = score_responses(by_hand([0.0, 0.0], [-0.2, 0.0], ["direct", "none"]))
    assert scores.set_index("part").loc["all", "sign_accuracy"] == 0
    assert scores["spearman"].isna().all()


def test_the_prior_speaks_by_its_signs(compared: pd.DataFrame, simulation: Simulation) -> None:
    prior = compared[(compared["model"] == PRIOR) & (compared["level"] == "zero")]
    moved = prior[prior["predicted"] != 0].set_index(["tf", "gene"])["predicted"]
    signs = simulation.prior.edges.set_index(["TF", "Gene"])["Interaction"]
    assert moved.to_dict() == (-signs.loc[list(moved.index)]).to_dict()


def test_averages_and_their_intervals(compared: pd.DataFrame) -> None:
    scores = score_responses(compared)
    summary = summarise_scores(scores, n_resamples=200).set_index(
        ["level", "model", "part", "metric"]
    )
    row = summary.loc[("zero", "ridge", "all", "auprc")]
    own = scores.query("level == 'zero' and model == 'ridge' and part == 'all'")["auprc"].dropna()
    assert row["value"] == pytest.approx(own.mean())
    assert own.min() <= row["low"] <= row["value"] <= row["high"] <= own.max()
    assert row["n_tfs"] == len(own)


def test_differences_between_models_change_sign_with_their_order(compared: pd.DataFrame) -> None:
    scores = score_responses(compared)
    one = paired_difference(scores, "ridge", "masked_ridge", n_resamples=200)
    two = paired_difference(scores, "masked_ridge", "ridge", n_resamples=200)
    assert one["value"] == pytest.approx(-two["value"])
    assert one["low"] == pytest.approx(-two["high"])
    assert paired_difference(scores, "ridge", "ridge")[["value", "low", "high"]].tolist() == [
        0,
        0,
        0,
    ]
    with pytest.raises(KeyError, match="not scored: lembas; scored are masked_ridge, prior, ridge"):
        paired_difference(scores, "lembas", "ridge")


def test_bad_settings(simulation: Simulation) -> None:
    with pytest.raises(ValueError, match="least is 0; expected a response size above 0"):
        score_responses(by_hand([0.1], [0.1], ["direct"]), least=0)
    with pytest.raises(ValueError, match='the simulator takes "zero" or a percentile'):
        true_responses(simulation, simulation.tfs[:1], level="0.3")
    with pytest.raises(KeyError, match="NOPE not among the 24 TFs"):
        true_responses(simulation, ["NOPE"])
    with pytest.raises(KeyError, match="no cohort 'mars'"):
        true_responses(simulation, simulation.tfs[:1], cohort="mars")
