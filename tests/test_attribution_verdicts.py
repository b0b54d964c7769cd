"""Tables and sentences of attributions follow from numbers by one rule."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lembas import attribution_verdicts as verdicts
from lembas.agreement import DECOY_LIMIT

LABELS = {"mlr": "MLR", "lembas": "LEMBAS-RNN"}


def test_stability_by_hand() -> None:
    """Of the way from .2 to 1 the mean .6 is half; .9 of chance leaves no choice."""
    table = pd.DataFrame(
        {
            "model": ["mlr", "mlr", "ridge", "lembas", "pls"],
            "overlap": [0.5, 0.7, 0.25, 1.0, np.nan],
            "overlap_chance": [0.1, 0.3, 0.2, 0.95, np.nan],
        }
    )
    found = verdicts.stability(table, LABELS)
    assert found.rows.to_dict("index") == {
        "MLR": {"value": "0.60", "by chance": "0.20", "verdict": "agree"},
        "ridge": {
            "value": "0.25",
            "by chance": "0.20",
            "verdict": "hardly agree more than by chance",
        },
        "LEMBAS-RNN": {"value": "1.00", "by chance": "0.95", "verdict": "have no choice"},
        "pls": {"value": "none", "by chance": "none", "verdict": "cannot be compared"},
    }
    assert found.sentence().endswith(
        "Agree: MLR. Hardly agree more than by chance: ridge. Have no choice: LEMBAS-RNN. "
        "Cannot be compared: pls."
    )


def test_a_sentence_names_the_models_of_a_verdict_together_and_no_number() -> None:
    table = pd.DataFrame({"model": ["a", "b", "c"], "ratio": [1.0, 9.0, DECOY_LIMIT]})
    unknown = verdicts.decoys(table.assign(ratio=np.nan), {}).rows["verdict"]
    assert set(unknown) == {"cannot be compared"}
    found = verdicts.decoys(table, {"a": "A", "b": "B", "c": "C"})
    assert found.sentence() == (
        "Do decoys get at most 1.5 times an equal share? Within the limit: A, C. "
        "Above the limit: B."
    )
    assert found.rows["value"].tolist() == ["1.00", "9.00", "1.50"]
    assert verdicts.decoys(table.head(0), {}).sentence() == "No model was fitted with decoys."


def test_randomised_models_must_be_near_chance() -> None:
    """A fifth of the way from .1 to 1 is .28; beside .95 by chance nothing can be passed."""
    twins = pd.DataFrame(
        {
            "model": ["mlr", "lembas", "ridge", "pls"],
            "rbo": [0.29, 0.27, 1.0, np.nan],
            "rbo_chance": [0.1, 0.1, 0.95, 0.1],
        }
    )
    found = verdicts.randomised(twins, LABELS).rows["verdict"]
    assert found.to_dict() == {
        "MLR": "not passed",
        "LEMBAS-RNN": "passed",
        "ridge": "no choice",
        "pls": "cannot be compared",
    }
    assert verdicts.randomised(twins.head(0), LABELS).sentence().startswith("No model here")


def test_shares_beside_random_sets() -> None:
    mean = pd.DataFrame(
        {
            "model": ["lembas", "lembas", "mlr"],
            "kind": ["regulators", "no path", "regulators"],
            "share": [0.4, 0.0, 0.13],
            "chance": [0.1, 0.05, 0.1],
            "chance_sd": 0.02,
        }
    )
    own = verdicts.own_regulators(mean, LABELS)
    assert own.rows.loc["LEMBAS-RNN"].tolist() == ["40%", "10%", "more than by chance"]
    assert own.rows.loc["MLR", "verdict"] == "as by chance"
    away = verdicts.unreached(mean, LABELS)
    assert away.rows.loc["LEMBAS-RNN"].tolist() == ["0.0%", "5.0%", "less than by chance"]
    reached = verdicts.unreached(mean.assign(chance=0.0), LABELS)
    assert reached.sentence() == "Every TF has a path to every gene here."


def test_genes_are_the_units_of_signs() -> None:
    """Ten genes, each 4 above its 5: 40 above 50, SD sqrt(160) = 12.6; few genes cannot tell."""
    table = pd.DataFrame({"model": "mlr", "n_edges": 10, "n_agree": [9] * 10, "chance": 0.5})
    many = verdicts.signs(table, LABELS).rows.loc["MLR"].tolist()
    assert many == ["90% (100)", "50%", "more than by chance"]
    for few in (table.head(7), table.assign(n_edges=[1000] + [10] * 9, n_agree=[900] + [9] * 9)):
        assert verdicts.signs(few, LABELS).rows["verdict"].tolist() == ["too few genes"]
    assert verdicts.signs(table.head(0), LABELS).sentence().startswith("No model uses an edge")


def test_skill_beside_own_regulators() -> None:
    skill = np.linspace(0, 1, 10)
    table = pd.DataFrame({"model": "mlr", "skill": skill, "share": skill**2})
    rising = verdicts.skill(table, LABELS).rows.loc["MLR"].tolist()
    assert rising == ["1.00 (10)", "0", "yes"]
    falling = verdicts.skill(table.assign(share=-skill), LABELS)
    assert falling.sentence().endswith("Less: MLR.")
    mixed = table.assign(share=[0.1, 0.9, 0.2, 0.8, 0.3, 0.7, 0.4, 0.6, 0.5, 0.5])
    assert verdicts.skill(mixed, LABELS).sentence().endswith("Unclear: MLR.")
    assert verdicts.skill(table.head(3), LABELS).sentence().startswith("Too few genes")
    masked = table.assign(share=1 - 1e-16 * np.arange(10))
    assert verdicts.skill(masked, LABELS).sentence().startswith("Too few genes")


def test_tables_stand_one_below_the_other() -> None:
    decoys = verdicts.decoys(pd.DataFrame({"model": ["mlr"], "ratio": [1.0]}), LABELS)
    empty = pd.DataFrame(columns=["model", "rbo", "rbo_chance"])
    nothing = verdicts.randomised(empty, LABELS)
    table = verdicts.table_for_reader(nothing, decoys)
    assert table.index.tolist() == [("decoys, times an equal share", "MLR")]
    assert tuple(table.columns) == verdicts.COLUMNS
    assert verdicts.table_for_reader(decoys).index.tolist() == ["MLR"]
    assert verdicts.table_for_reader(nothing).empty


def test_a_narrow_table_says_chance_once_and_a_sentence_names_all_at_once() -> None:
    names = ["mlr", "lembas"]
    mean = pd.DataFrame({"model": names, "kind": "regulators", "share": [0.9, 0.8]})
    alike = verdicts.own_regulators(mean.assign(chance=0.8, chance_sd=0.1), LABELS)
    assert verdicts.table_for_reader(alike)["verdict"].tolist() == ["same", "same"]
    found = verdicts.own_regulators(mean.assign(chance=0.1, chance_sd=0.01), LABELS)
    assert verdicts.table_for_reader(found)["verdict"].tolist() == ["more", "more"]
    assert found.sentence().endswith("own regulators? More than by chance: all.")
    alone = verdicts.own_regulators(mean.head(1).assign(chance=0.1, chance_sd=0.01), LABELS)
    assert alone.sentence().endswith("More than by chance: MLR.")
