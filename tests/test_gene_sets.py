"""Sets of genes by hand: a panel model narrows no other model's."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lembas.gene_sets import (
    SHARED,
    GeneSets,
    gene_sets,
    headline,
    marked,
    on_shared,
    panel_of,
    set_label,
    shown_predictions,
)

MEASURED = pd.Index([f"G{number}" for number in range(10)], name="gene")


def predicted(**genes: str) -> dict[str, pd.DataFrame]:
    """Make predictions of two samples, the genes named by their digits."""
    return {
        model: pd.DataFrame(0.0, index=["s0", "s1"], columns=[f"G{digit}" for digit in digits])
        for model, digits in genes.items()
    }


def sets_of(**genes: str) -> GeneSets:
    return gene_sets(MEASURED, predicted(**genes), cohort="far")


def test_sets_by_hand() -> None:
    sets = sets_of(ridge="0123456789", knn="9876543210", xgbrf="4321", boosted="24", half="01234")
    assert sets.panels == ("xgbrf", "boosted"), "half of the targets is no panel"
    assert sets.whole == ("ridge", "knn", "half")
    assert sets.shared.tolist() == ["G0", "G1", "G2", "G3", "G4"]
    assert sets.scored("knn").equals(sets.shared)
    assert sets.scored("xgbrf").tolist() == ["G1", "G2", "G3", "G4"], "in the cohort's order"
    assert sets.both("ridge", "half").equals(sets.shared)
    assert sets.both("xgbrf", "boosted").tolist() == ["G2", "G4"]
    assert list(sets.named("ridge")) == [SHARED, "panel of xgbrf", "panel of boosted"]
    assert list(sets.named("xgbrf")) == ["panel of xgbrf", "panel of boosted"]
    assert list(sets.named("boosted")) == ["panel of boosted"], "it lacks genes of the other"


def test_genes_that_were_not_measured_do_not_count() -> None:
    sets = gene_sets(MEASURED[:4], predicted(ridge="0123456789", boosted="0789"), cohort="far")
    assert sets.own["boosted"].tolist() == ["G0"]
    assert sets.panels == ("boosted",)


@settings(deadline=None, max_examples=50)
@given(
    models=st.lists(st.sets(st.integers(0, 9), min_size=6), min_size=1, max_size=4),
    panel=st.sets(st.integers(0, 9), min_size=1, max_size=4),
)
def test_a_panel_model_changes_no_other_set(models: list[set[int]], panel: set[int]) -> None:
    genes = {f"m{i}": "".join(map(str, own)) for i, own in enumerate(models)}
    if not set.intersection(*models):
        return
    before, after = sets_of(**genes), sets_of(boosted="".join(map(str, panel)), **genes)
    assert after.panels == ("boosted",)
    for model in genes:
        pd.testing.assert_index_equal(after.scored(model), before.scored(model))
        for other in genes:
            pd.testing.assert_index_equal(after.both(model, other), before.both(model, other))


def test_where_all_are_panels_none_is() -> None:
    sets = sets_of(a="012", b="12")
    assert sets.panels == ()
    assert sets.shared.tolist() == ["G1", "G2"]


def test_models_that_cannot_be_compared_are_refused() -> None:
    with pytest.raises(ValueError, match="no measured target of cohort 'far' is predicted by odd;"):
        gene_sets(MEASURED, {**predicted(a="0123456"), **predicted(odd="x")}, cohort="far")
    with pytest.raises(ValueError, match="is predicted by all of a, b; leave one out"):
        sets_of(a="01234", b="56789", boosted="1")


def test_shown_predictions_keep_the_genes_of_the_main_scores() -> None:
    truth = pd.DataFrame(1.0, index=["s0", "s1"], columns=MEASURED)
    tables = predicted(ridge="0123456789", knn="01234567", boosted="98")
    shown, kept = shown_predictions(truth, tables, ["ridge", "boosted", "unfitted"])
    assert list(kept) == ["ridge", "boosted"]
    assert kept["ridge"].columns.tolist() == MEASURED[:8].tolist()
    assert kept["boosted"].columns.tolist() == ["G8", "G9"]
    assert shown.columns.equals(MEASURED)
    only, _ = shown_predictions(truth, tables, ["ridge"])
    assert only.columns.tolist() == MEASURED[:8].tolist()


def test_one_score_a_model_is_the_main_one() -> None:
    sets = {"ridge": [SHARED, "all", "panel of boosted"], "boosted": ["panel of boosted", "all"]}
    rows = [(model, name) for model, names in sets.items() for name in names]
    scores = pd.DataFrame(rows, columns=["model", "genes"]).assign(value=np.arange(5.0))
    assert headline(scores)["value"].tolist() == [0, 3]
    assert on_shared(scores)["value"].tolist() == [0]
    labels = {"ridge": "Ridge", "boosted": "Boosted trees"}
    assert marked(labels, scores) == {"ridge": "Ridge", "boosted": "Boosted trees (own panel)"}
    assert marked(labels, scores[scores["model"] == "ridge"]) == labels


def test_sets_in_words() -> None:
    assert set_label(panel_of("boosted"), {"boosted": "Boosted trees"}) == "panel of Boosted trees"
    assert set_label(SHARED, {}) == "genes of the comparison"
    assert set_label("all", {}) == "all genes of the model"
