"""Attributions of trees: they add up, and are Shapley values by definition."""

from __future__ import annotations

import pandas as pd
import pytest
from sklearn.base import BaseEstimator

from lembas.attribution import explain
from lembas.study import Study
from tests.small_study import many_samples


@pytest.fixture(scope="module")
def samples(study: Study) -> pd.DataFrame:
    return study.dataset.external["external_near"].x.iloc[:12]


@pytest.fixture(scope="module")
def many(study: Study) -> pd.DataFrame:
    return many_samples(study)


@pytest.mark.parametrize("name", ["xgbrf", "boosted"])
def test_attributions_of_trees_add_up_over_the_whole_background(
    fitted: dict[str, BaseEstimator], samples: pd.DataFrame, many: pd.DataFrame, name: str
) -> None:
    model = fitted[name]
    made = explain(model, samples, many, model.genes_[:3])
    assert made.method == "interventional TreeSHAP"
    assert made.completeness["error"].abs().max() <= 1e-4
    assert made.completeness_error().max() <= 1e-4


def test_a_small_forest_agrees_with_shapley_values_by_definition(
    fitted: dict[str, BaseEstimator], study: Study, many: pd.DataFrame
) -> None:
    """Two players: phi_1 = (v(1) - v(0) + v(12) - v(2)) / 2, v averaged over the background."""
    train = study.dataset.train
    tfs, gene = train.x.columns[:2], train.y.columns[0]
    model = type(fitted["xgbrf"])().fit(train.x[tfs], train.y[[gene]])
    base, sample = many[tfs], study.dataset.test.x[tfs].iloc[:1]

    def value(known: list[str]) -> float:
        rows = base.copy()
        for tf in known:
            rows[tf] = sample[tf].iloc[0]
        return float(model.predict(rows)[gene].astype(float).mean())

    first, second = tfs
    both = value([first, second])
    expected = [
        (value([first]) - value([]) + both - value([second])) / 2,
        (value([second]) - value([]) + both - value([first])) / 2,
    ]
    made = explain(model, sample, base, [gene])
    assert made.values[gene].to_numpy()[0] == pytest.approx(expected, abs=1e-5)  # noqa: PD011 (a field)
