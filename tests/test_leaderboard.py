"""The leaderboard is valid under its schema and says what the table says."""

from __future__ import annotations

import json

import jsonschema
import numpy as np
import pandas as pd
import pytest

from lembas.gene_sets import SHARED, panel_of
from lembas.leaderboard import (
    COLUMNS,
    PRIMARY,
    SCHEMA,
    as_json,
    board_table,
    cost_table,
    leaderboard,
    panel_note,
)
from lembas.verdict import rules


def scores_of(
    values: dict[str, float], cohort: str = "test", *, genes: str = SHARED, n_genes: float = 850.0
) -> pd.DataFrame:
    rows = [
        (model, cohort, genes, metric, number, number - 0.1, number + 0.1)
        for model, value in values.items()
        for metric, number in ((PRIMARY, value), ("n_genes", n_genes))
    ]
    columns = ["model", "cohort", "genes", "metric", "value", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def models_of(names: list[str]) -> pd.DataFrame:
    table = pd.DataFrame({"model": names, "fit_s": 1.5, "size_mb": 0.2})
    return table.assign(label=[f"Model {name}" for name in names])


def board_of(values: dict[str, float]) -> pd.DataFrame:
    scores = pd.concat([scores_of(values), scores_of({"a": np.nan, **values}, "far")])
    latency = pd.DataFrame({"model": ["b", "b"], "batch_size": [1, 64], "median_ms": [3.0, 90.0]})
    return leaderboard(
        scores, models_of(["a", "b"]), latency=latency, n_parameters={"a": 7, "b": np.nan}
    )


def test_the_best_comes_first_on_each_cohort() -> None:
    board = board_of({"a": 0.2, "b": 0.5})
    assert board.columns.tolist() == list(COLUMNS)
    assert board[["cohort", "rank", "model"]].to_numpy().tolist() == [
        ["test", 1, "b"], ["test", 2, "a"], ["far", 1, "b"], ["far", 2, "a"],
    ]  # fmt: skip
    row = board.iloc[0]
    assert row[["label", "fit_s", "latency_ms", "n_genes"]].tolist() == ["Model b", 1.5, 3.0, 850]
    assert np.isnan(row["n_parameters"])
    assert np.isnan(board.iloc[1]["latency_ms"])


def test_the_order_of_rows_changes_nothing() -> None:
    scores = pd.concat([scores_of({"a": 0.1, "b": 0.3})])
    mixed = scores.sample(frac=1, random_state=1)
    one, other = (leaderboard(table, models_of(["a", "b"])) for table in (scores, mixed))
    pd.testing.assert_frame_equal(one, other)


def test_the_json_is_valid_under_its_schema_and_says_what_the_table_says() -> None:
    board = board_of({"a": 0.2, "b": 0.5})
    text = as_json(board, ["A sentence."], study="demo", simulated=True)
    content = json.loads(text)
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(content, SCHEMA)
    again = pd.DataFrame(content["rows"])
    pd.testing.assert_frame_equal(again, board, check_dtype=False)
    assert content["rules"] == rules()
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**content, "rows": [{"rank": 0}]}, SCHEMA)


def test_a_metric_that_nobody_has_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no model has a 'luck'; the scores hold skill_median"):
        leaderboard(scores_of({"a": 0.1}), models_of(["a"]), metric="luck")


def test_the_page_shows_what_is_not_known() -> None:
    board = board_of({"a": 0.2, "b": 0.5})
    shown = board_table(board, "test")
    assert shown.index.tolist() == ["1", "2"]
    assert shown.loc["1"].tolist() == ["Model b", "0.500", "0.400 to 0.600", "850"]
    costs = cost_table(board, "test")
    assert costs.index.tolist() == shown["Model"].tolist()
    assert costs.loc["Model b"].tolist() == ["1.5", "3.00", "0.2", "not counted"]
    assert costs.loc["Model a"].tolist() == ["1.5", "not timed", "0.2", "7"]
    assert panel_note(board, "test") == "All models are scored on the same genes."


def test_the_page_s_tables_are_narrow_enough() -> None:
    """The text column holds about 90 characters; 20 are for the longest label of a model."""
    board = board_of({"a": -10.2, "b": 0.5}).assign(
        fit_s=12345.6, latency_ms=9415.5, size_mb=123.4, n_parameters=12_345_678.0
    )
    for table in (board_table(board, "test"), cost_table(board, "test")):
        shown = table.reset_index().astype(str)
        widths = [max(len(name), shown[name].str.len().max()) for name in shown]
        assert sum(widths) + 2 * len(widths) <= 70


def test_a_panel_model_comes_last_without_a_rank() -> None:
    values = {"a": 0.2, "b": 0.5}
    panel = scores_of({"few": 0.9}, genes=panel_of("few"), n_genes=100)
    models = models_of(["few", "a", "b"])
    whole = leaderboard(scores_of(values), models)
    board = leaderboard(pd.concat([panel, scores_of(values)]), models)
    pd.testing.assert_frame_equal(board.head(2), whole)
    last = board.iloc[2]
    assert last[["model", "genes", "value", "n_genes"]].tolist() == [
        "few",
        "panel of few",
        0.9,
        100,
    ]
    assert pd.isna(last["rank"])
    assert board_table(board, "test").index.tolist() == ["1", "2", "-"]
    assert "scored on it: Model few (100). The other models" in panel_note(board, "test")
    content = json.loads(as_json(board, [], study="demo", simulated=True))
    jsonschema.validate(content, SCHEMA)
    assert [row["rank"] for row in content["rows"]] == [1, 2, None]
