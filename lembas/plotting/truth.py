"""Figures of truth: how well attributions recover regulation that is known."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from lembas.plotting import findings, rows, style

PRIOR: Final = "prior"
_COLUMNS: Final = ["question", "model", "metric", "value", "low", "high"]


@style.styled
def recovery(
    table: pd.DataFrame,
    *,
    questions: Mapping[str, str],
    labels: Mapping[str, str] | None = None,
    metric: str = "auprc_over_base",
    title: str | None = None,
) -> style.Drawing:
    """Draw how many times as well as chance each model ranks the pairs, a panel a question.

    Args:
        table: Columns question, model, metric, value, low, high; for each question also the
            metric ``base_rate``.
        questions: Questions to show, to words; one that the table does not hold has no panel.
        labels: Model to label.
        metric: What to draw: a multiple of chance.
        title: Text above; None for the usual one.

    Returns:
        The figure: randomised copies hollow, chance dashed; the title of a panel says how high
        a perfect ranking is.

    Raises:
        KeyError: If a column is missing.
        ValueError: If there is no row, or none of the questions or of the metric.
    """
    style.require(table, _COLUMNS, "recovery")
    own = style.pick(table, "metric", metric)
    asked = [name for name in questions if name in set(own["question"])] or [*questions]
    parts = {name: style.pick(own, "question", name).set_index("model") for name in asked}
    labelled = []
    for part in parts.values():
        notes = {
            str(row.Index): rows.interval_note(row.value, row.low, row.high, digits=2)
            for row in part.itertuples()
        }
        labelled.append(rows.make_rows(_ordered(part.index), labels, notes))
    first = next(iter(parts.values()))["value"]
    told = findings.span(first, lambda times: f"{times:.2g}", labels)
    words = title or f"Times chance, {questions[asked[0]]}: {told or 'not defined'}"
    extra_in = 0.2 * len(parts)
    figure, panels = rows.stacked_panels(words, labelled, share_x=False, extra_in=extra_in)
    figure.table = own[own["question"].isin(asked)]
    for axes, (name, part), row_set in zip(panels, parts.items(), labelled, strict=True):
        for model, y in rows.draw_rows(axes, row_set).items():
            _mark(axes, part.loc[model], model, y)
        rows.draw_reference(axes, 1.0)
        axes.set_title(style.wrapped(questions[name], 52) + _perfect(table, name))
        axes.margins(x=0.06)
    panels[-1].set_xlabel(
        "AUPRC over base rate; dashed: chance\nhollow: weights in the wrong places"
    )
    return figure


def _perfect(table: pd.DataFrame, question: str) -> str:
    """Say how high a perfect ranking is; nothing where the base rate is not known."""
    rows_ = table[(table["question"] == question) & (table["metric"] == "base_rate")]
    return "" if rows_.empty else f"\na perfect ranking: {1 / rows_['value'].iloc[0]:.3g}"


def _mark(axes: Axes, row: pd.Series, model: str, y: float) -> None:
    colour, marker = _style_of(model)
    rows.draw_interval(axes, row, y=y, colour=colour, marker=marker, hollow="@" in model)


def _style_of(model: str) -> tuple[str, str]:
    """Give the prior alone the ink of the text: it is no model."""
    if model == PRIOR:
        return style.MUTED, "|"
    return style.model_colour(model), style.model_marker(model)


def _ordered(models: pd.Index) -> list[str]:
    """Put the prior first, then the models, each followed by its randomised copy."""
    names = style.ordered_models(name.partition("@")[0] for name in models if name != PRIOR)
    copies = [name for base in names for name in models if name.partition("@")[0] == base]
    return [name for name in [PRIOR, *copies] if name in set(models)]


@style.styled
def precision_recall(
    curves: pd.DataFrame,
    *,
    base_rate: float,
    labels: Mapping[str, str] | None = None,
    title: str | None = None,
) -> style.Drawing:
    """Draw precision against recall, one curve a model.

    Args:
        curves: Columns model, recall, precision.
        base_rate: Share of true pairs, dashed.
        labels: Model to label.
        title: Text above; None for the usual one.

    Returns:
        The figure; the prior alone is grey.

    Raises:
        KeyError: If a column is missing.
        ValueError: If there is no row.
    """
    style.require(curves, ["model", "recall", "precision"], "precision-recall")
    models = _ordered(pd.Index(curves["model"].unique()))
    words = title or f"Precision and recall of true edges; chance would give {base_rate:.1%}"
    figure = style.new_figure(3.6 + 0.2 * len(models), words)
    axes = figure.subplots()
    for i, model in enumerate(models):
        own = curves[curves["model"] == model]
        colour, _ = _style_of(model)
        axes.plot(
            own["recall"],
            own["precision"],
            color=colour,
            linestyle="-" if i % 2 else (0, (5, 1.5)),
            # A list with two scores only has one point: the prior's.
            marker="o" if len(own) == 1 else "",
            markersize=9,
            label=style.label_of(model, labels),
        )
    axes.axhline(base_rate, color=style.MUTED, linestyle=(0, (4, 3)), linewidth=1.1)
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="recall: share of the true pairs found")
    axes.set_ylabel("precision: true among those found")
    axes.grid(visible=True)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower left", ncols=1)
    return figure


@style.styled
def recovery_curves(
    ranges: pd.DataFrame,
    *,
    curves: Mapping[str, str],
    question: str,
    labels: Mapping[str, str] | None = None,
    title: str | None = None,
) -> style.Drawing:
    """Draw how recovery changes with the settings of the simulation, one panel a setting.

    Args:
        ranges: Columns curve, setting, question, model, value, low, high.
        curves: Curves to show, to words.
        question: Question to show.
        labels: Model to label.
        title: Text above; None for the usual one.

    Returns:
        The figure; bars span the seeds, chance is dashed.

    Raises:
        KeyError: If a column is missing.
        ValueError: If there is no row of the question or of a curve.
    """
    columns = ["curve", "setting", "question", "model", "value", "low", "high"]
    style.require(ranges, columns, "curves")
    own = style.pick(ranges, "question", question)
    n_models = own["model"].nunique()
    words = title or "Recovery of true edges as the study changes"
    n_rows = int(np.ceil(len(curves) / 2))
    figure = style.new_figure(2.3 * n_rows + 0.4 + 0.2 * n_models, words)
    figure.table = own[own["curve"].isin(list(curves))]
    panels = figure.subplots(n_rows, 2, sharey=True, squeeze=False).ravel()
    for axes, (name, text) in zip(panels, curves.items(), strict=False):
        _curve_panel(axes, style.pick(own, "curve", name), labels)
        axes.set_xlabel(style.wrapped(text, 26))
    for axes in panels[len(curves) :]:
        axes.set_axis_off()
    for axes in panels[::2]:
        axes.set_ylabel("AUPRC over base rate")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower left", ncols=1)
    return figure


def _curve_panel(axes: Axes, table: pd.DataFrame, labels: Mapping[str, str] | None) -> None:
    """Draw one curve a model over evenly spaced settings."""
    settings = sorted(table["setting"].unique())
    place = {setting: i for i, setting in enumerate(settings)}
    for i, model in enumerate(_ordered(pd.Index(table["model"].unique()))):
        own = table[table["model"] == model].sort_values("setting")
        colour, marker = _style_of(model)
        at = own["setting"].map(place)
        axes.plot(
            at,
            own["value"],
            color=colour,
            marker=marker,
            markersize=8 if marker == "|" else 6,
            linestyle="-" if i % 2 else (0, (5, 1.5)),
            label=style.label_of(model, labels),
        )
        axes.vlines(at, own["low"], own["high"], color=colour, linewidth=1.2, alpha=0.7)
    axes.axhline(1, color=style.MUTED, linestyle=(0, (4, 3)), linewidth=1.1)
    axes.set_xticks(range(len(settings)), [f"{setting:g}" for setting in settings])
    axes.margins(x=0.1)
    axes.grid(visible=True)
