"""The metric gate follows the numbers it is given."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lembas import gate
from lembas.gate import against_null, gate_table, informative, metric_gate
from lembas.intervals import bootstrap
from tests.conftest import random_expression

SKILL = "skill_median_over_genes"


def draws_of(n_samples: int = 30, share: float = 0.7):
    genes = [f"G{i}" for i in range(8)]
    truth, noise = (random_expression("s", n_samples, genes, seed=seed) for seed in (0, 1))
    null = truth * 0 + truth.mean()
    tables = {"train_mean": null, "good": share * truth + (1 - share) * noise, "bad": noise}
    return bootstrap(truth, tables, truth.mean(), n_resamples=200)


def test_the_best_is_compared_with_the_null_and_above_0_is_better() -> None:
    draws = draws_of()
    table = against_null(draws).set_index("metric")
    assert (table["best"] == "good").all()
    for metric in ("r2_pooled", SKILL):
        expected = draws.estimates["good"][metric] - draws.estimates["train_mean"][metric]
        assert table.loc[metric, "difference"] == pytest.approx(expected)
    for metric in ("rmse_pooled", "mae_pooled"):
        expected = draws.estimates["train_mean"][metric] - draws.estimates["good"][metric]
        assert table.loc[metric, "difference"] == pytest.approx(expected)
        assert expected > 0


def test_a_correlation_with_a_constant_counts_as_0() -> None:
    draws = draws_of()
    row = against_null(draws).set_index("metric").loc["pearson_median_over_genes"]
    assert np.isnan(row["null"])
    assert row["difference"] == row["value"]


def test_the_interval_allows_for_the_choice_of_the_best() -> None:
    draws = draws_of()
    row = against_null(draws, level=0.9).set_index("metric").loc["r2_pooled"]
    plain = draws.differences("train_mean", level=0.95).set_index(["model", "metric"])
    assert row["low"] == pytest.approx(plain.loc[("good", "r2_pooled"), "low"])  # of two models


def test_without_a_null_or_a_rival_nothing_is_compared() -> None:
    draws = draws_of()
    assert against_null(draws, "another").empty
    assert list(against_null(draws, "another").columns) == gate.NULL_COLUMNS


def table_of(low: float, p: float | None) -> pd.DataFrame:
    against = pd.DataFrame(
        [("test", SKILL, 0.0, "mlr", 0.5, 0.5, low, 0.9)],
        columns=["cohort", "metric", "null", "best", "value", "difference", "low", "high"],
    )
    pairs = pd.DataFrame([("test", SKILL, 40, 3, p)], columns=["cohort", "metric", *"nrp"])
    pairs = pairs.rename(columns={"n": "n_pairs", "r": "n_rejected"})
    return metric_gate(against, None if p is None else pairs)


@pytest.mark.parametrize(
    ("low", "p", "verdict"),
    [
        (0.1, 0.5, gate.INFORMATIVE),
        (0.0, 0.5, gate.NOT_ABOVE),
        (-0.1, 0.01, gate.NOT_ABOVE),
        (0.1, 0.049, gate.NOT_CALM),
        (0.1, None, gate.NOT_TRIED),
        (np.nan, 0.5, gate.NO_INTERVAL),
    ],
)
def test_verdicts(low: float, p: float | None, verdict: str) -> None:
    table = table_of(low, p)
    assert table["verdict"].tolist() == [verdict]
    assert informative(table, "test", SKILL) == (verdict == gate.INFORMATIVE)
    assert not informative(table, "far", SKILL)


def test_the_page_shows_what_was_found() -> None:
    shown = gate_table(table_of(0.1, 0.5), {"mlr": "MLR"}).loc[("test", SKILL)]
    assert shown.tolist() == [
        "0.000", "MLR 0.500", "0.500 (0.100 to 0.900)", "3 of 40 differ", gate.INFORMATIVE,
    ]  # fmt: skip
    assert gate_table(table_of(np.nan, None), {})["A/A pairs"].tolist() == ["not tried"]
