"""Decide which metrics tell models apart: the metric gate."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from lembas.intervals import FEWEST_UNITS, Draws, half_width

NULL_COLUMNS = ["metric", "null", "best", "value", "difference", "low", "high"]
NO_INTERVAL = f"no interval: fewer than {FEWEST_UNITS} units"
NOT_ABOVE = "not informative: the best model does not beat the null"
NOT_CALM = "not informative: exchangeable pairs differ too often"
NOT_TRIED = "beats the null; no A/A pairs tried"
INFORMATIVE = "informative"


def against_null(draws: Draws, null: str = "train_mean", *, level: float = 0.95) -> pd.DataFrame:
    """Compare the best model with the null, metric by metric.

    The best of several models is good by luck too, so the interval is as wide as a choice among
    that many asks for (Bonferroni). A correlation with the null's constant is not defined; there
    the null counts as 0.

    Args:
        draws: Scores of every resample.
        null: Model that knows nothing of a sample.
        level: Level of the interval.

    Returns:
        One row a metric: metric, null (value), best (model), value, difference, low, high. For
        errors the difference is turned round, so that above 0 is always better. Empty without a
        null, or without another model.
    """
    others = [model for model in draws.by_model if model != null]
    if null not in draws.by_model or not others:
        return pd.DataFrame(columns=NULL_COLUMNS)
    estimates = pd.DataFrame({model: draws.estimates[model] for model in (null, *others)})
    rows = []
    for metric, own in estimates.iterrows():
        sign = -1 if str(metric).startswith(("rmse", "mae")) else 1
        base = own[null] if pd.notna(own[null]) else 0.0
        if own[others].isna().all():
            continue
        best = (sign * own[others].astype(float)).idxmax()
        resampled = draws.by_model[best][[metric]]
        if pd.notna(own[null]):
            resampled = resampled - draws.by_model[null][[metric]]
        half = half_width(resampled, draws.n_units, level=1 - (1 - level) / len(others))[metric]
        gain = sign * (own[best] - base)
        rows.append((metric, own[null], best, own[best], gain, gain - half, gain + half))
    return pd.DataFrame(rows, columns=NULL_COLUMNS)


def metric_gate(against: pd.DataFrame, pairs: pd.DataFrame | None = None) -> pd.DataFrame:
    """Judge every metric on every cohort.

    A metric is informative where the best model beats the null (the interval of the difference
    lies above 0) and pairs that are exchangeable by construction do not differ more often than a
    95 % interval allows.

    Args:
        against: Rows of :func:`against_null` with the column ``cohort``.
        pairs: cohort, metric, n_pairs, n_rejected, p, as
            :func:`lembas.calibration.exchangeable_pairs` gives them; None: none were tried.

    Returns:
        The rows with the columns aa ("2 of 40 differ") and verdict.
    """
    table = against.copy()
    if pairs is None or pairs.empty:
        pairs = pd.DataFrame(columns=["cohort", "metric", "n_pairs", "n_rejected", "p"])
    known = pairs.set_index(["cohort", "metric"]).to_dict("index")
    found = [known.get(key) for key in zip(table["cohort"], table["metric"], strict=True)]
    table["aa"] = [
        "not tried" if one is None else f"{one['n_rejected']} of {one['n_pairs']} differ"
        for one in found
    ]
    table["verdict"] = [
        _verdict(low, one) for low, one in zip(table["low"].astype(float), found, strict=True)
    ]
    return table


def _verdict(low: float, pair: Mapping[str, float] | None) -> str:
    if pd.isna(low):
        return NO_INTERVAL
    if low <= 0:
        return NOT_ABOVE
    if pair is None:
        return NOT_TRIED
    # One-sided: fewer differences than 5 % are no fault.
    return INFORMATIVE if pair["p"] >= 0.05 else NOT_CALM


def gate_table(gate: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    """Lay the gate out for a reader: one row a cohort and metric, as text."""
    interval = [
        f"{row.difference:z.3f}"
        if pd.isna(row.low)
        else f"{row.difference:z.3f} ({row.low:z.3f} to {row.high:z.3f})"
        for row in gate.itertuples()
    ]
    null = gate["null"].map(lambda value: "not defined" if pd.isna(value) else f"{value:z.3f}")
    best = [f"{labels.get(row.best, row.best)} {row.value:z.3f}" for row in gate.itertuples()]
    shown = gate[["cohort", "metric"]].assign(
        null=null, best=best, better_by=interval, aa=gate["aa"], verdict=gate["verdict"]
    )
    shown = shown.rename(columns={"better_by": "better than the null by", "aa": "A/A pairs"})
    return shown.set_index(["cohort", "metric"])


def informative(gate: pd.DataFrame, cohort: str, metric: str) -> bool:
    """Say whether a metric passed the gate on a cohort; False where it was not judged."""
    rows = gate[(gate["cohort"] == cohort) & (gate["metric"] == metric)]
    return bool(len(rows)) and bool((rows["verdict"] == INFORMATIVE).all())
