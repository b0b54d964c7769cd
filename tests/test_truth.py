"""What is true of a pair is what the simulation says, and scores go by name."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lembas.attribution import Attribution
from lembas.simulate import Simulation, simulate
from lembas.true_effects import settled_activity, total_effects
from lembas.truth import (
    COLUMNS,
    Pairs,
    decoy_ratios,
    kinds_of,
    scores_of,
    scores_of_prior,
    true_pairs,
)


def tiny_pairs() -> Pairs:
    """Two targets, three TFs; A -> g1 and B -| g2 are true, C acts on g1 through A."""
    rows = [
        ("g1", "A", 1, 0.5, True, 1),
        ("g1", "B", 0, 0.0, True, 1),
        ("g1", "C", 0, -0.2, False, 0),
        ("g2", "A", 0, 0.01, False, 0),
        ("g2", "B", -1, -0.4, True, 1),
        ("g2", "C", 0, 0.0, False, 0),
    ]
    return Pairs(pd.DataFrame(rows, columns=list(COLUMNS)))


@pytest.fixture(scope="module")
def made() -> Simulation:
    return simulate(n_samples=40, n_series=4, n_tfs=20, n_targets=30, seed=2)


@pytest.fixture(scope="module")
def pairs(made: Simulation) -> Pairs:
    effects = total_effects(made, settled_activity(made, n_samples=4))
    return true_pairs(made, effects, tfs=made.tfs, genes=made.targets[:12])


def test_pairs_are_those_of_truth_and_prior(made: Simulation, pairs: Pairs) -> None:
    assert len(pairs.table) == 12 * 20
    for row in pairs.table.itertuples():
        for network, sign in ((made.truth, row.edge_sign), (made.prior, row.prior_sign)):
            known = network.edges.query("TF == @row.tf and Gene == @row.gene")["Interaction"]
            assert sign == (known.iloc[0] if len(known) else 0)
        assert row.in_prior == (row.prior_sign != 0)


def test_questions_differ_in_candidates_and_in_what_is_true() -> None:
    pairs = tiny_pairs()
    asked = {name: pairs.asked(name) for name in ("direct", "paths", "within_prior")}
    named = {name: [*(t["tf"] + t["gene"])[t["is_true"]]] for name, t in asked.items()}
    assert named == {
        "direct": ["Ag1", "Bg2"],
        "paths": ["Ag1", "Cg1", "Bg2"],
        "within_prior": ["Ag1", "Bg2"],
    }
    assert [len(t) for t in asked.values()] == [6, 6, 3]
    assert asked["paths"]["sign"].tolist() == [1, 0, -1, 0, -1, 0]


def test_a_question_without_true_pairs_is_refused() -> None:
    pairs = tiny_pairs()
    assert not pairs.poses("outside_prior")
    with pytest.raises(ValueError, match="0 of 3 pairs of 2 targets are true in 'true edges among"):
        pairs.asked("outside_prior")
    with pytest.raises(KeyError, match="no question 'causes'; expected one of direct, paths"):
        pairs.asked("causes")


def test_no_targets_and_unknown_targets_are_refused(made: Simulation) -> None:
    effects = pd.DataFrame(0.0, index=made.targets, columns=made.tfs)
    with pytest.raises(ValueError, match="known of no targets at all; expected targets"):
        true_pairs(made, effects, tfs=made.tfs, genes=pd.Index([]))
    with pytest.raises(ValueError, match="known of NOBODY; expected targets"):
        true_pairs(made, effects, tfs=made.tfs, genes=pd.Index(["NOBODY"]))


def test_doubled_pairs_and_other_columns_are_refused() -> None:
    table = tiny_pairs().table
    with pytest.raises(ValueError, match="may occur once, given twice: A -> g1"):
        Pairs(pd.concat([table, table.head(1)]))
    with pytest.raises(ValueError, match="pairs need the columns"):
        Pairs(table[["gene", "tf"]])


def test_scores_are_attributions_over_the_spread_of_the_prediction() -> None:
    """By hand: g2 predicts three times as widely and is attributed three times as much."""
    x = pd.DataFrame({"A": [0.0, 1.0], "B": [1.0, 3.0]}, index=["s1", "s2"])
    one = pd.DataFrame({"A": [-1.0, 1.0], "B": [0.5, -0.5]}, index=x.index)
    prediction = pd.DataFrame({"g1": [1.0, 2.0], "g2": [3.0, 6.0]}, index=x.index)
    base = pd.Series({"g1": 1.5, "g2": 4.5})
    made = Attribution({"g1": one, "g2": 3 * one}, x, base, prediction, "by hand", x.index, 888)
    found = scores_of(made).set_index(["gene", "tf"])
    assert found["score"].tolist() == pytest.approx([2, 1, 2, 1])
    assert found["direction"].tolist() == [1, -1, 1, -1]


def test_a_constant_prediction_scores_nothing() -> None:
    x = pd.DataFrame({"A": [0.0, 1.0]}, index=["s1", "s2"])
    flat = pd.DataFrame({"g1": [1.0, 1.0]}, index=x.index)
    made = Attribution({"g1": 0 * x}, x, pd.Series({"g1": 1.0}), flat, "by hand", x.index, 888)
    assert scores_of(made)["score"].tolist() == [0.0]


def test_the_prior_scores_its_edges(pairs: Pairs) -> None:
    found = scores_of_prior(pairs)
    assert found["score"].isin([0, 1]).all()
    assert found["score"].sum() == pairs.table["in_prior"].sum()
    assert (found["direction"].abs() == found["score"]).all()


def test_decoys_are_compared_with_an_equal_share() -> None:
    table = pd.DataFrame({"gene": "g", "tf": list("ABCD"), "score": [6.0, 1.0, 1.0, 0.0]})
    found = decoy_ratios({"m": table}, pd.Index(["C", "D"]))
    assert found["m"] == pytest.approx((1 + 0) / 2 / 2)


def test_targets_are_sorted_by_response_and_by_reach() -> None:
    kinds = kinds_of(tiny_pairs(), pd.Series({"g1": 0.95, "g2": 0.5}))
    named = {kind: list(genes) for kind, genes in kinds.items()}
    assert named == {
        "linear": ["g1"],
        "non-linear": ["g2"],
        "one-hop": ["g1", "g2"],
        "multi-hop": [],
    }


def test_the_order_of_the_targets_changes_nothing(made: Simulation, pairs: Pairs) -> None:
    effects = total_effects(made, settled_activity(made, n_samples=4))
    other = true_pairs(
        made, effects.iloc[::-1, ::-1], tfs=made.tfs[::-1], genes=made.targets[:12][::-1]
    )
    keys = ["gene", "tf"]
    pd.testing.assert_frame_equal(
        pairs.table.sort_values(keys, ignore_index=True),
        other.table.sort_values(keys, ignore_index=True),
    )
    assert np.isfinite(other.table["effect"]).all()
