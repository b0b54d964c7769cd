"""What each step gained: paired with the step before it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

from lembas.ablation import STEPS, ablation, ablation_table
from lembas.baselines import REGISTRY
from lembas.evaluation import centred
from lembas.intervals import bootstrap, half_width
from lembas.metrics import PRIMARY, score_per_gene
from lembas.study import Study

Fitted = Mapping[str, BaseEstimator]


@pytest.fixture(scope="module")
def predictions(study: Study, fitted: Fitted) -> dict[str, dict[str, pd.DataFrame]]:
    cohorts = {"test": study.dataset.test, **study.dataset.external}
    return {
        name: {model: fitted[model].predict(cohort.x) for model in STEPS}
        for name, cohort in cohorts.items()
    }


@pytest.fixture(scope="module")
def table(study: Study, predictions: dict) -> pd.DataFrame:
    return ablation(study.dataset, predictions, n_resamples=60, seed=5)


def test_steps_are_registered_models() -> None:
    assert set(STEPS) <= set(REGISTRY)


def test_values_and_gains_by_a_slow_way(study: Study, predictions: dict, table) -> None:
    dataset = study.dataset
    for name, cohort in {"test": dataset.test, **dataset.external}.items():
        tables, null, label = dict(predictions[name]), dataset.train_mean, name
        if name != "test":
            cohort, tables, null = centred(cohort, tables)
            label = f"{name}, centred"
        own = table[table["cohort"] == label].set_index("model")
        assert own.index.tolist() == list(STEPS)
        skill = {
            model: score_per_gene(cohort.y, tables[model][cohort.y.columns], null)
            for model in STEPS
        }
        median = pd.Series({model: one["skill_per_gene"].median() for model, one in skill.items()})
        np.testing.assert_allclose(own["value"], median)
        np.testing.assert_allclose(own["gain"].iloc[1:], median.diff().iloc[1:], atol=1e-12)
        assert np.isnan(own["gain"].iloc[0])
        both = {model: tables[model][cohort.y.columns] for model in ("lembas_residual", "lembas")}
        drawn = bootstrap(cohort.y, both, null, series=cohort.series, n_resamples=60, seed=5)
        apart = drawn.by_model["lembas"][[PRIMARY]] - drawn.by_model["lembas_residual"][[PRIMARY]]
        half = half_width(apart, drawn.n_units).iloc[0]
        row = own.loc["lembas"]
        found = [row["gain_low"], row["gain_high"]]
        assert found == pytest.approx([row["gain"] - half, row["gain"] + half], nan_ok=True)


def test_models_that_were_not_fitted_are_left_out(study: Study, predictions: dict) -> None:
    few = {
        name: {model: tables[model] for model in ("lembas", "lembas_published")}
        for name, tables in predictions.items()
    }
    table = ablation(study.dataset, few, n_resamples=20)
    assert table["model"].unique().tolist() == ["lembas_published", "lembas"]
    assert table.groupby("cohort")["gain"].count().eq(1).all()


def test_the_reader_sees_each_step_once(table: pd.DataFrame) -> None:
    shown = ablation_table(table, {"lembas": "LEMBAS-RNN"})
    assert len(shown) == len(STEPS)
    assert shown.loc["LEMBAS-RNN", "What it changes"] == STEPS["lembas"]
    row = table.query("cohort == 'test' and model == 'lembas'").iloc[0]
    cell = shown.loc["LEMBAS-RNN", "Skill (gain), test"]
    assert cell.startswith(f"{row['value']:z.3f} ({row['gain']:+z.3f}; ")
    first = table.query("cohort == 'test'").iloc[0]
    assert shown["Skill (gain), test"].iloc[0] == f"{first['value']:z.3f}"
