"""An intercept from a few labelled samples: an explicit loop is the oracle."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lembas.cohorts import Cohort
from lembas.few_shot import (
    _labelled,
    few_shot,
    few_shot_all,
    few_shot_summary,
    few_shot_table,
)
from lembas.metrics import score_per_gene
from tests.conftest import random_expression

GENES = [f"G{i}" for i in range(6)]
TRUTH = random_expression("s", 15, GENES, seed=0)
NOISE = random_expression("s", 15, GENES, seed=1)
MEAN = TRUTH.mean() + 0.3


def cohort_of(truth: pd.DataFrame = TRUTH) -> Cohort:
    none = pd.Index([])
    return Cohort("far", x=NOISE, y=truth, imputed=none, missing=none, series=None)


def test_scores_are_those_of_a_loop_over_draws() -> None:
    model = 0.6 * TRUTH + 0.4 * NOISE + 0.7
    found = few_shot(cohort_of(), {"a": model}, MEAN, sizes=(3, 5), n_draws=4, seed=9)
    at = found.set_index(["k", "draw"])["value"]
    for k, labelled in _labelled(15, (3, 5), 4, 9).items():
        for draw, chosen in enumerate(labelled.astype(bool)):
            assert chosen.sum() == k
            seen, rest = TRUTH.index[chosen], TRUTH.index[~chosen]
            shift = (TRUTH - model).loc[seen].mean() if k else 0.0
            null = TRUTH.loc[seen].mean() if k else MEAN
            scores = score_per_gene(TRUTH.loc[rest], model.loc[rest] + shift, null)
            assert at[k, draw] == pytest.approx(scores["skill_per_gene"].median())


def test_a_shift_of_the_model_is_forgiven_and_the_null_has_no_skill() -> None:
    model = 0.6 * TRUTH + 0.4 * NOISE
    null = pd.DataFrame([MEAN] * 15, index=TRUTH.index)
    tables = {"a": model, "shifted": model + 5.0, "null": null, "perfect": TRUTH}
    found = few_shot(cohort_of(), tables, MEAN, sizes=(5,), n_draws=3)
    at = found[found["k"] == 5].set_index(["model", "draw"])["value"]
    np.testing.assert_allclose(at["a"], at["shifted"], atol=1e-9)
    np.testing.assert_allclose(at["null"], 0, atol=1e-9)
    np.testing.assert_allclose(at["perfect"], 1, atol=1e-9)


def test_order_and_other_models_change_nothing() -> None:
    model = 0.6 * TRUTH + 0.4 * NOISE
    mixed = model.sample(frac=1, random_state=0).sample(frac=1, axis=1, random_state=1)
    one = few_shot(cohort_of(), {"a": model}, MEAN, sizes=(4,))
    both = few_shot(cohort_of(), {"b": NOISE, "a": mixed}, MEAN, sizes=(4,))
    found = both[both["model"] == "a"].reset_index(drop=True)
    pd.testing.assert_frame_equal(found, one)


def test_a_panel_model_changes_no_other_model_s_scores() -> None:
    model = 0.6 * TRUTH + 0.4 * NOISE
    one = few_shot(cohort_of(), {"a": model}, MEAN, sizes=(4,))
    both = few_shot(cohort_of(), {"a": model, "few": model[GENES[:2]]}, MEAN, sizes=(4,))
    pd.testing.assert_frame_equal(both[both["model"] == "a"], one)
    alone = few_shot(cohort_of(TRUTH[GENES[:2]]), {"few": model}, MEAN, sizes=(4,))
    found = both[both["model"] == "few"].reset_index(drop=True)
    pd.testing.assert_frame_equal(found, alone)


def test_sizes_that_leave_nothing_to_score_are_left_out() -> None:
    found = few_shot(cohort_of(), {"a": NOISE}, MEAN, sizes=(5, 13, 14, 40))
    assert found["k"].unique().tolist() == [0, 5, 13]


def test_a_gene_that_does_not_vary_is_left_out_of_the_median() -> None:
    truth = TRUTH.assign(G0=1.0)
    model = 0.6 * truth + 0.4 * NOISE
    whole = few_shot(cohort_of(truth), {"a": model}, MEAN, sizes=(5,))
    fewer = few_shot(cohort_of(truth[GENES[1:]]), {"a": model}, MEAN, sizes=(5,))
    at_5 = [table[table["k"] == 5].reset_index(drop=True) for table in (whole, fewer)]
    pd.testing.assert_frame_equal(*at_5)


def test_the_summary_is_the_median_and_range_of_the_draws() -> None:
    found = few_shot(cohort_of(), {"a": NOISE}, MEAN, sizes=(5,), n_draws=7)
    row = few_shot_summary(found).set_index("k").loc[5]
    values = found.loc[found["k"] == 5, "value"]
    expected = np.percentile(values, [50, 5, 95])
    np.testing.assert_allclose(row[["value", "low", "high"]].astype(float), expected)


def test_what_cannot_be_scored_is_refused() -> None:
    with pytest.raises(ValueError, match=r"sizes must be 1 or more, got \[0, 5\]"):
        few_shot(cohort_of(), {"a": NOISE}, MEAN, sizes=(5, 0))
    with pytest.raises(ValueError, match="no measured target of cohort 'far' is predicted by a;"):
        few_shot(cohort_of(), {"a": NOISE.rename(columns="x{}".format)}, MEAN)


def test_cohorts_stand_below_each_other_and_sizes_beside() -> None:
    tables = {name: {"a": NOISE} for name in ("near", "far")}
    options = {"sizes": (3, 5), "n_draws": 4}
    both = few_shot_all(dict.fromkeys(tables, cohort_of()), tables, MEAN, **options)
    assert both["cohort"].unique().tolist() == ["near", "far"]
    shown = few_shot_table(few_shot_summary(both), {"a": "Model A"})
    assert shown.index.tolist() == [("near", "Model A"), ("far", "Model A")]
    assert shown.columns.tolist() == ["as is", "3 labelled", "5 labelled"]
    assert " to " in shown.iloc[0, 1]
    assert " to " not in shown.iloc[0, 0]
