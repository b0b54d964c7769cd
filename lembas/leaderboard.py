"""The leaderboard: every model on every cohort, for programs, and a verdict for readers.

The verdict follows from the numbers by the rules that :func:`rules` states; nobody writes it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

import pandas as pd

from lembas.gate import informative
from lembas.gene_sets import SHARED
from lembas.metrics import PRIMARY
from lembas.significance import LEAST_DIFFERENCE

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
    board: pd.DataFrame, verdict: list[str], *, study: str, simulated: bool, metric: str = PRIMARY
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
        "verdict": verdict,
        "rows": rows,
    }
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


def rules(least: float = LEAST_DIFFERENCE) -> str:
    """State the conditions under which the verdict says what it says."""
    return (
        f"One model is called better than another on a cohort when its median per-gene skill is at "
        f"least {least:g} higher and the 95 % interval of the paired difference lies above 0; "
        f"equal when the interval lies within {least:g} of 0; else the samples do not decide. "
        "Nothing is said on a cohort where the metric did not pass the gate. The network is called "
        "helpful when the real network beats its rewired twins by the same rule."
    )


def compared(difference: float, low: float, high: float, *, least: float = LEAST_DIFFERENCE) -> str:
    """Judge a difference by the rules: "better", "worse", "equal" or "undecided"."""
    if pd.isna(low) or pd.isna(high):
        return "undecided"
    if low > 0 and difference >= least:
        return "better"
    if high < 0 and difference <= -least:
        return "worse"
    return "equal" if -least < low and high < least else "undecided"


_WORDS: Mapping[str, str] = {
    "better": "{model} predicts better than {reference}",
    "worse": "{model} predicts worse than {reference}",
    "equal": "{model} and {reference} predict equally well",
    "undecided": "the samples do not decide between {model} and {reference}",
}
_NETWORK_WORDS: Mapping[str, str] = {
    "better": "the real network helps {model}",
    "worse": "the real network harms {model}, compared with its rewired twins",
    "equal": "{model} does as well on rewired networks as on the real one",
    "undecided": "the samples do not decide whether {model} gains from the real network",
}


def verdict(
    differences: pd.DataFrame,
    gate: pd.DataFrame,
    labels: Mapping[str, str],
    *,
    model: str = "lembas",
    controls: pd.DataFrame | None = None,
    least: float = LEAST_DIFFERENCE,
    cohorts: Collection[str] | None = None,
) -> list[str]:
    """Say in plain sentences where a model stands, one sentence a cohort and question.

    Args:
        differences: Columns model, reference, cohort, metric, value, low, high (paired, model -
            reference), for the cohorts to speak of.
        gate: Result of :func:`lembas.gate.metric_gate` for these cohorts.
        labels: Model, and cohort, to label.
        model: Model to speak of.
        controls: Columns model, cohort, value, low, high: real minus rewired network; None: not
            measured, which is said.
        least: Smallest difference that counts.
        cohorts: Cohorts to speak of; None: all.

    Returns:
        Sentences; at least one.
    """
    if cohorts is not None:
        differences = differences[differences["cohort"].isin(cohorts)]
        controls = None if controls is None else controls[controls["cohort"].isin(cohorts)]
    own = differences[(differences["metric"] == PRIMARY) & (differences["model"] == model)]
    sentences = []
    for row in own.itertuples():
        names = {"model": _label(labels, model), "reference": _label(labels, row.reference)}
        where = f"On {_label(labels, row.cohort)}"
        if not informative(gate, row.cohort, PRIMARY):
            sentences.append(f"{where} nothing is said: the metric did not pass the gate.")
            continue
        judged = compared(row.value, row.low, row.high, least=least)
        sentences.append(f"{where}, {_WORDS[judged].format(**names)}{_numbers(row)}.")
    if not sentences:
        sentences.append(f"{_label(labels, model)} was not compared with a reference in this run.")
    return sentences + _of_network(controls, labels, least)


def _of_network(
    controls: pd.DataFrame | None, labels: Mapping[str, str], least: float
) -> list[str]:
    """Say whether the network itself helps, from the control networks."""
    if controls is None or controls.empty:
        return [
            "Whether the network itself helps is not said: no control networks were compared here."
        ]
    sentences = []
    for row in controls.itertuples():
        words = _NETWORK_WORDS[compared(row.value, row.low, row.high, least=least)]
        named = words.format(model=_label(labels, row.model))
        sentences.append(f"On {_label(labels, row.cohort)}, {named}{_numbers(row)}.")
    return sentences


def _numbers(row: Any) -> str:
    if pd.isna(row.low):
        return f" (difference {row.value:+.3f}, too few units for an interval)"
    return f" (difference {row.value:+.3f}, 95 % interval {row.low:+.3f} to {row.high:+.3f})"


def _label(labels: Mapping[str, str], name: str) -> str:
    return str(labels.get(name, name))


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


def network_controls(
    differences: pd.DataFrame | None, *, model: str = "lembas"
) -> pd.DataFrame | None:
    """Choose, from the chapter on control networks, what the verdict speaks of.

    Args:
        differences: Columns model, variant, cohort, genes, value, low, high: real network minus
            the mean of its controls; None: there is no such table.
        model: Model to keep, with the masked ridge beside it.

    Returns:
        Rows of rewired networks and of targets that are not inputs; None as given.
    """
    if differences is None:
        return None
    wanted = differences["model"].isin([model, "masked_ridge"])
    wanted &= (differences["variant"] == "rewired") & (differences["genes"] == "not_inputs")
    return differences[wanted].reset_index(drop=True)
