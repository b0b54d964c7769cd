"""Lay scores out for a reader: a row a cohort and model, a column a metric or a set of genes."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from lembas.gene_sets import set_label


def wide_scores(
    scores: pd.DataFrame, metrics: list[str], labels: Mapping[str, str], *, digits: int = 3
) -> pd.DataFrame:
    """Lay out scores for a reader: one row a cohort and model, one column a metric.

    Args:
        scores: Tidy: model, cohort, metric, value, and low, high where there are intervals.
        metrics: Metrics in the order of the columns.
        labels: Model to label.
        digits: Decimals shown.

    Returns:
        Text cells, "value (low to high)" where there is an interval.
    """
    chosen = scores[scores["metric"].isin(metrics)]
    text = [
        _cell(row.value, row.low, row.high, digits)
        for row in chosen[["value", "low", "high"]].itertuples(index=False)
    ]
    table = chosen.assign(text=text).pivot_table(
        index=["cohort", "model"], columns="metric", values="text", aggfunc="first", sort=False
    )
    table = table.reindex(columns=metrics).rename(index=dict(labels), level="model")
    return table.rename_axis(columns=None)


def by_gene_set(scores: pd.DataFrame, metric: str, labels: Mapping[str, str]) -> pd.DataFrame:
    """Lay out one score on each set of genes: one row a cohort and model, one column a set.

    Args:
        scores: Tidy, with the column ``genes``; see :class:`Evaluation`.
        metric: Score to show.
        labels: Model to label.

    Returns:
        Text cells, "value (n genes)"; empty where a model has no score of a set.
    """
    chosen = scores[scores["metric"].isin([metric, "n_genes"])]
    keys = ["cohort", "model", "genes"]
    wide = chosen.pivot_table(index=keys, columns="metric", values="value", sort=False)
    text = [f"{row[metric]:z.3f} ({row['n_genes']:.0f} genes)" for _, row in wide.iterrows()]
    table = (
        wide.assign(text=text)
        .pivot_table(
            index=keys[:2],
            columns="genes",
            values="text",
            aggfunc="first",
            sort=False,
            fill_value="",
        )
        .rename(index=dict(labels), level="model")
        .rename_axis(columns=None)
    )
    return table.rename(columns={name: set_label(name, labels) for name in table.columns})


def _cell(value: float, low: float, high: float, digits: int) -> str:
    if pd.isna(value):
        return "not defined"
    text = f"{value:z.{digits}f}"  # z: no minus before a rounded zero
    return text if pd.isna(low) else f"{text} ({low:z.{digits}f} to {high:z.{digits}f})"
