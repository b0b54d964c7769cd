"""The original study's scores beside ours; its data are other data."""

from collections.abc import Mapping
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from lembas.plotting import findings, rows, style
from lembas.plotting.scores import by_model, draw_scores, metric_label


def _study_rows(
    ours: pd.DataFrame, original: pd.DataFrame, labels: Mapping[str, str] | None
) -> rows.Rows:
    """Label the rows of one cohort with both studies' values."""
    notes = {}
    for model in ours.index:
        theirs = original["value"].get(model, np.nan)
        text = "none" if np.isnan(theirs) else f"{theirs:.3f}"
        notes[model] = f"here {ours.loc[model, 'value']:.3f}, original {text}"
    return rows.make_rows(list(ours.index), labels, notes)


def _finding(
    pair: tuple[pd.DataFrame, pd.DataFrame],
    metric: str,
    place: str,
    labels: Mapping[str, str] | None,
    *,
    may: set[str],
) -> str:
    """Name the model that is highest here and in the original study, among those of both."""
    here, there = (table["value"] for table in pair)
    both = [name for name in here.index.intersection(there.dropna().index) if name in may]
    first, second = (findings.leaders(values.loc[both], labels) for values in (here, there))
    if not first or not second:
        return f"{metric_label(metric)}: here and in the original study"
    told = f"here and in the original study: {first}"
    if first != second:
        told = f"here {first}, in the original study {second}"
    return f"Highest {metric_label(metric)}, {place}: {told}"


@style.styled
def original_beside_ours(
    ours: pd.DataFrame,
    original: pd.DataFrame,
    *,
    metric: str,
    labels: Mapping[str, str] | None = None,
    null: str = style.NULL_MODEL,
    title: str | None = None,
) -> style.Drawing:
    """Draw a score of each model here and in the original study, which used other data.

    Args:
        ours: Columns model, cohort, metric, value, low, high.
        original: Columns model, cohort, metric, value, with the cohorts named as in `ours`.
        metric: Score to show.
        labels: Model or cohort name to label.
        null: Model whose value here is marked.
        title: Text above; None names the metric.

    Returns:
        The figure: filled markers for this study, hollow ones for the original.

    Raises:
        KeyError: If a column is missing.
        ValueError: If no cohort of the original is among ours.
    """
    style.require(ours, ["model", "cohort", "metric", "value", "low", "high"], "scores")
    style.require(original, ["model", "cohort", "metric", "value"], "original study")
    theirs = style.pick(original, "metric", metric).assign(low=np.nan, high=np.nan)
    cohorts = [name for name in pd.unique(theirs["cohort"]) if name in set(ours["cohort"])]
    if not cohorts:
        raise ValueError("the two studies share no cohort name; rename the original's cohorts.")
    pairs = [(by_model(ours, metric, name), by_model(theirs, metric, name)) for name in cohorts]
    labelled = [_study_rows(here, there, labels) for here, there in pairs]
    told = cohorts.index("test") if "test" in cohorts else 0
    place = style.label_of(cohorts[told], labels)
    may = findings.ranked(ours)
    words = title or _finding(pairs[told], metric, place, labels, may=may)
    figure, panels = rows.stacked_panels(words, labelled, extra_in=0.45)
    parts = [here.assign(original=there["value"]) for here, there in pairs]
    figure.table = pd.concat(dict(zip(cohorts, parts, strict=True)), names=["cohort"]).reset_index()
    for axes, name, (here, there), row_set in zip(panels, cohorts, pairs, labelled, strict=True):
        draw_scores(axes, here, row_set, null=null)
        for model, row in there.iterrows():
            if model in here.index:
                y = row_set.positions[model]
                rows.draw_interval(
                    axes, row, y=y, colour=style.model_colour(model), marker="o", hollow=True
                )
        axes.set_title(style.label_of(name, labels))
    panels[-1].set_xlabel(metric_label(metric))
    dot = partial(Line2D, [], [], marker="o", linestyle="none", color=style.MUTED, markersize=7.5)
    here = dot(label=f"this study (dashed: {style.label_of(null, labels)})")
    there = dot(label="original study (other data)", markerfacecolor=style.CARD)
    figure.legend(handles=[here, there], loc="outside lower left", ncols=1)
    return figure
