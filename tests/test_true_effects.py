"""Effects follow from the kinetics: slopes are derivatives, totals are what a held TF does."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lembas.conditions import Noise
from lembas.kinetics import Regulation, read_out, settle
from lembas.simulate import STUDY, Simulation, simulate
from lembas.true_effects import linearity, settled_activity, slopes, total_effects


@pytest.fixture(scope="module")
def made() -> Simulation:
    return simulate(n_samples=40, n_series=4, n_tfs=20, n_targets=30, seed=2, noise=Noise.none())


def test_slopes_are_the_derivatives_of_the_response(made: Simulation) -> None:
    """Central differences of the simulator's own response are an independent way to them."""
    targets = made.regulation.of(made.targets)
    states, genes = settled_activity(made, n_samples=3), targets.basal.index[::-1]
    found = slopes(targets, states, genes)
    step = 1e-4
    for place, tf in enumerate(states.columns):
        low, high = (
            targets.response(states.assign(**{tf: states[tf] + move}))[genes].to_numpy()
            for move in (-step, step)
        )
        np.testing.assert_allclose(found[:, :, place], (high - low) / (2 * step), atol=1e-7)


def test_total_effects_are_those_of_a_tf_that_is_held(made: Simulation) -> None:
    """The cascade is settled again with one TF held a little higher and lower."""
    conditions = made.conditions[STUDY]
    activity = settled_activity(made, n_samples=2)
    found = total_effects(made, activity) / activity.std(ddof=0)
    block = next(iter(conditions.blocks()))
    hidden = block.hidden.loc[activity.index]
    drivers = block.drivers.loc[activity.index, hidden.columns]
    inner, outer = (made.regulation.of(genes) for genes in (hidden.columns, made.targets))
    for tf in made.truth.tfs[:6]:
        slope = 0.0
        for sample in activity.index:
            at, step = activity.loc[sample, tf] - hidden.loc[sample, tf], 1e-4
            one = [sample]
            ends = [
                outer.response(
                    settle(inner, drivers.loc[one], hidden.loc[one], clamp={tf: at + move})
                    + hidden.loc[one]
                ).loc[sample]
                for move in (-step, step)
            ]
            slope = slope + (ends[1] - ends[0]) / (2 * step) / len(activity)
        np.testing.assert_allclose(found.loc[slope.index, tf], slope, atol=1e-6)


def test_decoys_and_unreached_targets_have_no_effect(made: Simulation) -> None:
    effects = total_effects(made, settled_activity(made, n_samples=3))
    assert (effects[made.decoys] == 0).all(axis=None)
    edges = made.truth.edges
    direct = edges[edges["Gene"].isin(made.targets)]
    own = pd.Series([effects.loc[e.Gene, e.TF] for e in direct.itertuples()])
    assert (np.sign(own) == direct["Interaction"].to_numpy()).mean() > 0.9


def test_activities_are_those_of_the_study(made: Simulation) -> None:
    """Without noise a gene's level is its response: the simulator's own expectation says so."""
    activity = settled_activity(made, n_samples=5)
    block = next(iter(made.conditions[STUDY].blocks()))
    whole = read_out(made.regulation.of(made.targets), block, settled_activity(made, n_samples=40))
    expected = made.expected_expression().loc[activity.index, "ALB"]
    assert np.corrcoef(whole.loc[activity.index, "ALB"], expected)[0, 1] > 0.99


def test_linearity_is_one_for_a_weak_edge_and_less_for_a_switch(made: Simulation) -> None:
    """An edge of strength near 0 answers in proportion; a steep one switches."""
    edges = pd.DataFrame(
        {
            "TF": ["A", "A"],
            "Gene": ["switch", "weak"],
            "Interaction": [1, 1],
            "strength": [500.0, 1e-6],
            "threshold_log2": [0.0, 0.0],
            "hill": [6.0, 0.05],
        }
    )
    basal = pd.Series([0.01, 0.01], index=["switch", "weak"])
    activity = pd.DataFrame({"A": np.linspace(-2, 2, 41)})

    regulation = Regulation(edges, basal)
    found = linearity(regulation, activity)
    assert found["weak"] == pytest.approx(1, abs=1e-4)
    assert found["switch"] < 0.95
    x, y = activity["A"], regulation.response(activity)["switch"]
    assert found["switch"] == pytest.approx(np.corrcoef(x, y)[0, 1] ** 2)
