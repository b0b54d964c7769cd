"""The leaderboard: every model on every cohort, for programs and for readers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from lembas.gene_sets import SHARED
from lembas.metrics import PRIMARY
from lembas.verdict import rules

COLUMNS: tuple[str, ...] = (
    "rank",
    "model",
    "label",
    "cohort",
    "genes",
    "metric",
    "value",
    "low",
    "high",
    "n_genes",
    "fit_s",
    "latency_ms",
    "size_mb",
    "n_parameters",
)
_NUMBER = {"type": ["number", "null"]}
SCHEMA: Mapping[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Leaderboard of a lembas run",
    "type": "object",
    "required": ["study", "simulated", "metric", "rules", "verdict", "rows"],
    "additionalProperties": False,
    "properties": {
        "study": {"type": "string"},
        "simulated": {"type": "boolean"},
        "metric": {"type": "string"},
        "rules": {"type": "string"},
        "verdict": {"type": "array", "items": {"type": "string"}},
        "rows": {
            "type": "array",
            "items": {
                "type": "object",
                "required": list(COLUMNS),
                "additionalProperties": False,
                "properties": {
                    "rank": {"type": ["integer", "null"], "minimum": 1},
                    **{name: {"type": "string"} for name in COLUMNS[1:6]},
                    **dict.fromkeys(COLUMNS[6:9], _NUMBER),
                    **{name: {"type": ["number", "null"], "minimum": 0} for name in COLUMNS[9:]},
                },
            },
        },
    },
}


def leaderboard(
    scores: pd.DataFrame,
    models: pd.DataFrame,
    *,
    latency: pd.DataFrame | None = None,
    n_parameters: Mapping[str, float] | None = None,
    metric: str = PRIMARY,
) -> pd.DataFrame:
    """Rank the models on every cohort by one metric.

    Args:
        scores: Tidy: model, cohort, genes, metric, value, low, high, one a model, as
            :func:`lembas.gene_sets.headline` keeps them; rows of ``n_genes`` are used too where
            they are there.
        models: Columns model, label, fit_s, size_mb, as :func:`lembas.fitting.read_models` gives.
        latency: Columns model, batch_size, median_ms; the time of one sample is taken.
        n_parameters: Fitted numbers of each model.
        metric: Score to rank by; higher is better.

    Returns:
        Table with ``COLUMNS``, cohort by cohort, the best first; NaN for what was not measured.
        Panel models come last and have no rank: their scores are of other genes.

    Raises:
        ValueError: If no model has this score.
    """
    chosen = scores[scores["metric"] == metric]
    if chosen.empty:
        raise ValueError(
            f"no model has a {metric!r}; the scores hold {', '.join(scores['metric'].unique()[:5])}"
        )
    counted = scores[scores["metric"] == "n_genes"].set_index(["model", "cohort"])["value"]
    about = models.drop_duplicates("model").set_index("model")
    one = pd.Series(dtype=float)
    if latency is not None:
        one = latency[latency["batch_size"] == 1].set_index("model")["median_ms"]
    name = chosen["model"]
    keys = pd.MultiIndex.from_frame(chosen[["model", "cohort"]])
    table = chosen.assign(
        label=name.map(about["label"]).fillna(name),
        n_genes=counted.reindex(keys).to_numpy(),
        fit_s=name.map(about["fit_s"]),
        latency_ms=name.map(one),
        size_mb=name.map(about["size_mb"]),
        n_parameters=name.map(pd.Series(n_parameters or {}, dtype=float)),
    )
    place, panel = pd.factorize(table["cohort"])[0], table["genes"] != SHARED
    table = table.assign(place=place, panel=panel).sort_values(
        ["place", "panel", "value"], ascending=[True, True, False], kind="stable"
    )
    rank = (table.groupby("place", sort=False).cumcount() + 1).astype("Int64")
    return table.assign(rank=rank.mask(table["panel"]))[list(COLUMNS)].reset_index(drop=True)


def as_json(
    board: pd.DataFrame, sentences: list[str], *, study: str, simulated: bool, metric: str = PRIMARY
) -> str:
    """Write the leaderboard for programs; the text is valid under ``SCHEMA``."""
    rows = [
        {key: None if pd.isna(value) else _plain(value) for key, value in row.items()}
        for row in board.to_dict("records")
    ]
    content = {
        "study": study,
        "simulated": simulated,
        "metric": metric,
        "rules": rules(),
        "verdict": sentences,
        "rows": rows,
    }
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


def board_table(board: pd.DataFrame, cohort: str) -> pd.DataFrame:
    """Lay the scores of one cohort's part out for a reader, as text; see :func:`cost_table`."""
    rows = board[board["cohort"] == cohort]
    interval = [
        "" if pd.isna(row.low) else f"{row.low:z.3f} to {row.high:z.3f}"
        for row in rows.itertuples()
    ]
    return pd.DataFrame(
        {
            "Rank": ["-" if pd.isna(rank) else str(rank) for rank in rows["rank"]],
            "Model": rows["label"],
            "Skill": rows["value"].map(lambda value: _short(value, "z.3f", "not defined")),
            "95 % interval": interval,
            "Genes": rows["n_genes"].map(lambda value: _short(value, ",.0f", "not known")),
        }
    ).set_index("Rank")


def cost_table(board: pd.DataFrame, cohort: str) -> pd.DataFrame:
    """Lay out what each model costs, as text, in the order of :func:`board_table`."""
    rows = board[board["cohort"] == cohort]
    forms = {
        "Fit (s)": ("fit_s", ",.1f", "not timed"),
        "One sample (ms)": ("latency_ms", ",.2f", "not timed"),
        "Size (MB)": ("size_mb", ",.1f", "not known"),
        "Parameters": ("n_parameters", ",.0f", "not counted"),
    }
    cells = {
        name: [_short(value, form, missing) for value in rows[column]]
        for name, (column, form, missing) in forms.items()
    }
    return pd.DataFrame({"Model": rows["label"].tolist(), **cells}).set_index("Model")


def panel_note(board: pd.DataFrame, cohort: str) -> str:
    """Say which models have no rank on a cohort, and why."""
    rows = board[board["cohort"] == cohort]
    panels = rows[rows["genes"] != SHARED]
    if panels.empty:
        return "All models are scored on the same genes."
    named = [f"{row.label} ({_short(row.n_genes, ',.0f', 'some')})" for row in panels.itertuples()]
    return (
        f"Without a rank, for they are fitted to a panel of genes only (their number) and scored "
        f"on it: {', '.join(named)}. The other models are scored on the genes that they share."
    )


def _short(value: float, form: str, missing: str) -> str:
    return missing if pd.isna(value) else format(value, form)
