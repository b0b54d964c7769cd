"""Sentences follow the numbers they are given; no number here is a result."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
import pytest

from lembas.gene_sets import SHARED, panel_of
from lembas.original import original_scores
from lembas.summary import (
    NULL,
    PRIMARY,
    answer,
    beside_original,
    cover_table,
    headline_cohorts,
    joined,
    named_centred,
    null_sentence,
    original_table,
    ranking,
    score,
)

LABELS = {
    "train_mean": "Training mean",
    "mlr": "MLR",
    "masked_ridge": "Masked ridge",
    "lembas": "LEMBAS-RNN",
}
NAMES = ("mlr", "masked_ridge", "lembas")
WHERE = "On the held-out test samples"


def scores_of(
    values: dict[str, float], *, width: float = 0.1, cohort: str = "test", genes: str = SHARED
) -> pd.DataFrame:
    """Scores of one cohort: made-up values with intervals of a given half-width."""
    rows = [
        (model, cohort, genes, metric, value, value - width, value + width)
        for model, value in {NULL: 0.0, **values}.items()
        for metric in (PRIMARY, "r2_pooled")
    ]
    columns = ["model", "cohort", "genes", "metric", "value", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


@pytest.mark.parametrize("values", list(permutations((0.2, 0.4, 0.6))))
def test_whoever_has_the_highest_score_is_named(values: tuple[float, ...]) -> None:
    given = dict(zip(NAMES, values, strict=True))
    sentence = answer(scores_of(given), "test", LABELS, WHERE)
    best = max(given, key=given.__getitem__)
    assert sentence.startswith(f"{WHERE}, {LABELS[best]} predicts best")
    assert "skill of 0.60 (95 % interval 0.50 to 0.70)" in sentence
    place = {0.6: None, 0.4: "second", 0.2: "third"}[given["lembas"]]
    if place is None:
        assert "LEMBAS-RNN comes" not in sentence
    else:
        comes = f"LEMBAS-RNN comes {place} of 3 models beside the null"
        text = f"{comes}, with {given['lembas']:.2f} (95 %"
        assert text in sentence
    assert f"the same regulators, has {given['masked_ridge']:.2f} (95 %" in sentence
    assert sentence.endswith(".")


def test_the_order_of_rows_changes_nothing() -> None:
    table = scores_of(dict(zip(NAMES, (0.1, 0.3, 0.2), strict=True)))
    mixed = table.sample(frac=1, random_state=3)
    assert answer(mixed, "test", LABELS, WHERE) == answer(table, "test", LABELS, WHERE)


@pytest.mark.parametrize("best", [0.0, -0.05])
def test_no_model_above_the_null_is_said(best: float) -> None:
    table = scores_of({"mlr": best - 0.2, "lembas": best})
    sentence = answer(table, "test", LABELS, WHERE)
    assert sentence.startswith(f"{WHERE}, no model beats the training mean: the best, LEMBAS-RNN")
    assert f"{best:.2f} (95 % interval" in sentence
    assert "predicts best" not in sentence


def test_models_that_were_not_fitted_are_not_mentioned() -> None:
    sentence = answer(scores_of({"mlr": 0.5}), "test", LABELS, WHERE)
    assert "LEMBAS" not in sentence
    assert "Masked" not in sentence


def test_a_score_without_an_interval_stands_alone() -> None:
    table = scores_of({"mlr": 0.5}).assign(low=np.nan, high=np.nan)
    assert answer(table, "test", LABELS, WHERE).endswith("median per-gene skill of 0.50.")


def test_the_null_sentence_follows_the_numbers() -> None:
    for names in permutations(("mlr", "lembas")):
        table = scores_of(dict(zip(names, (0.9, 0.8), strict=True)))
        table.loc[(table["model"] == NULL) & (table["metric"] == "r2_pooled"), "value"] = 0.75
        sentence = null_sentence(table, "test", LABELS)
        assert "is 0.750 for the training mean alone" in sentence
        assert f"0.900 for {LABELS[names[0]]}" in sentence


def test_scores_are_looked_up_once() -> None:
    table = scores_of({"mlr": 0.5})
    assert score(table, "mlr", "test")["value"] == 0.5
    with pytest.raises(KeyError, match=r"0 scores .*; scored are train_mean, mlr on test"):
        score(table, "mlr", "far")
    with pytest.raises(KeyError, match=r"2 scores of 'mlr' on 'test' named 'skill.*; expected 1"):
        score(pd.concat([table, table]), "mlr", "test")


def test_the_ranking_leaves_the_null_out() -> None:
    table = scores_of({"mlr": -0.5, "lembas": 0.5, "masked_ridge": np.nan})
    assert ranking(table, "test").index.tolist() == ["lembas", "mlr", "masked_ridge"]
    with pytest.raises(KeyError, match="no model has a 'skill_median_over_genes' on 'far'; scored"):
        ranking(table, "far")


def test_a_panel_model_is_not_ranked_and_has_the_null_of_its_own_genes() -> None:
    own = scores_of({"mlr": 0.5, "lembas": 0.25})
    panel = scores_of({"xgbrf": 0.9}, genes=panel_of("xgbrf"))
    both = pd.concat([own, panel.assign(value=panel["value"] + 0.05)])
    assert ranking(both, "test").index.tolist() == ["mlr", "lembas"]
    assert answer(both, "test", LABELS, WHERE) == answer(own, "test", LABELS, WHERE)
    table = original_table(both, original_scores(), {**LABELS, "xgbrf": "XGBRF"})
    assert table.loc[("test", "MLR", "r2_pooled"), "null here"] == "0.000"
    row = table.loc[("test", "XGBRF", "r2_pooled")]
    assert row.tolist()[:2] == ["0.950", "0.050"]


def test_cohorts_are_joined_and_named() -> None:
    own = pd.concat([scores_of({"mlr": 0.5}, cohort=name) for name in ("train", "test")])
    external = pd.concat([scores_of({"mlr": 0.4}, cohort=name) for name in ("near", "far")])
    table = joined(own, external, external)
    assert list(dict.fromkeys(table["cohort"])) == [
        "train", "test", "near", "far", "near, centred", "far, centred",
    ]  # fmt: skip
    assert len(table) == len(own) + 2 * len(external)
    assert headline_cohorts(table) == ["test", "near, centred", "far, centred", "train"]


def test_centred_cohorts_join_the_test_samples() -> None:
    own = pd.concat([scores_of({"mlr": 0.5}, cohort=name) for name in ("train", "test")])
    table = named_centred(own, scores_of({"mlr": 0.4}, cohort="far"))
    assert table["cohort"].unique().tolist() == ["test", "far, centred"]


def test_the_first_external_cohort_stands_beside_the_original() -> None:
    own = scores_of({"mlr": 0.5})
    external = pd.concat([scores_of({"mlr": value}, cohort=c) for c, value in [("b", 1), ("a", 2)]])
    table = beside_original(own, external)
    assert list(dict.fromkeys(table["cohort"])) == ["test", "external"]
    assert score(table, "mlr", "external")["value"] == 1


def test_the_table_beside_the_original_study() -> None:
    own = pd.concat([scores_of({"mlr": 0.5}, cohort=cohort) for cohort in ("test", "external")])
    table = original_table(own, original_scores(), LABELS)
    assert table.columns.tolist() == ["here", "null here", "original study (other data)"]
    expected = original_scores().query("model == 'mlr' and metric == 'r2_pooled'")
    at = expected.set_index("cohort")["value"]
    for cohort in ("test", "external"):
        row = table.loc[(cohort, "MLR", "r2_pooled")]
        assert row.tolist() == ["0.500", "0.000", f"{at[cohort]:.3f}"]
    assert len(table) == 2, "only what both have"


def test_an_undefined_score_is_said() -> None:
    own = scores_of({"mlr": np.nan})
    table = original_table(own, original_scores(), LABELS)
    assert table["here"].tolist() == ["not defined"]


def test_the_cover_shows_the_best_the_model_its_linear_rival_and_the_null() -> None:
    own = scores_of({"mlr": 0.2, "masked_ridge": 0.4, "lembas": 0.3, "ridge": 0.6, "pls": 0.5})
    centred = scores_of(dict.fromkeys(own["model"].unique(), 0.1), cohort="far")
    scores = joined(own, scores_of({"mlr": 0.0}, cohort="far"), centred)
    table = cover_table(scores, LABELS, model="lembas", n_best=2)
    expected = ["ridge", "pls", "Masked ridge", "LEMBAS-RNN", "Training mean"]
    assert table["Model"].tolist() == expected
    assert table["Held-out test samples"].iloc[0] == "0.60 (0.50 to 0.70)"
    assert table.columns.tolist() == ["Model", "Held-out test samples", "Cohort far, centred"]
    assert table.iloc[-1].tolist()[1:] == ["0.00 (-0.10 to 0.10)", "0.10 (0.00 to 0.20)"]


def test_the_cover_lists_no_model_twice_or_unfitted() -> None:
    table = cover_table(scores_of({"lembas": 0.3}, width=np.nan), LABELS, model="lembas")
    assert table["Model"].tolist() == ["LEMBAS-RNN", "Training mean"]
    assert table.columns.tolist() == ["Model", "Held-out test samples"]
    assert table.iloc[:, 1].tolist() == ["0.30", "0.00"]
