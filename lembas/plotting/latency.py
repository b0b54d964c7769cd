"""Figures of cost: time to predict one sample, throughput, growth with the dimensions."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, FixedLocator, LogLocator, NullLocator

from lembas.plotting import findings, rows, style
from lembas.plotting.density import plain_number, plain_ticks


def _log_axis(axes: Axes) -> None:
    """Put a panel on a log scale with plain numbers at the ticks."""
    axes.set_xscale("log")
    plain_ticks(axes.xaxis)
    low, high = axes.get_xlim()
    if np.log10(high / low) < 1.2:
        middle = np.sqrt(low * high)
        axes.set_xlim(min(low, middle / 4), max(high, middle * 4))


def _draw_box(axes: Axes, values: pd.Series, *, y: float, colour: str) -> None:
    """Draw one box of run times, whiskers at the 1st and 99th percentile."""
    drawn = axes.boxplot(
        [values.to_numpy()],
        positions=[y],
        orientation="horizontal",
        widths=0.13,
        whis=(1, 99),
        patch_artist=True,
        manage_ticks=False,
        flierprops={"marker": ".", "markersize": 3.5, "markeredgecolor": colour},
        medianprops={"color": style.INK, "linewidth": 1.6},
    )
    drawn["boxes"][0].set(facecolor=colour, alpha=0.75, edgecolor=style.INK, linewidth=0.8)


def _draw_mean(axes: Axes, summary: pd.DataFrame, positions: Mapping[str, float]) -> None:
    """Draw the mean of each model with one SD either side."""
    for model, y in positions.items():
        mean, sd = summary.loc[model, "mean_ms"], summary.loc[model, "sd_ms"]
        ends = {"value": mean, "low": max(mean - sd, mean * 0.05), "high": mean + sd}
        colour = style.model_colour(model)
        rows.draw_interval(axes, pd.Series(ends), y=y, colour=colour, marker="o")


def _draw_tail(axes: Axes, summary: pd.DataFrame, positions: Mapping[str, float]) -> None:
    """Draw the median (filled) and the 99th percentile (hollow) of each model, joined."""
    for model, y in positions.items():
        median, tail = summary.loc[model, "median_ms"], summary.loc[model, "p99_ms"]
        colour = style.model_colour(model)
        axes.plot([median, tail], [y, y], color=colour, linewidth=1.2)
        axes.plot([median], [y], "o", color=colour, markersize=7)
        axes.plot([tail], [y], "o", color=style.CARD, markeredgecolor=colour, markersize=7)


def _latency_rows(
    summary: pd.DataFrame, models: list[str], labels: Mapping[str, str] | None
) -> list[rows.Rows]:
    """Label the rows of the three latency panels with the summary's numbers."""
    shown = summary.loc[models].map(plain_number)
    notes = (
        dict.fromkeys(models, ""),
        {m: f"{shown.loc[m, 'mean_ms']} ± {shown.loc[m, 'sd_ms']}" for m in models},
        {m: f"{shown.loc[m, 'median_ms']} / {shown.loc[m, 'p99_ms']}" for m in models},
    )
    return [rows.make_rows(models, labels, note) for note in notes]


def _quantiles(runs: pd.DataFrame) -> pd.DataFrame:
    """List what the boxes show: quartiles and whiskers of each model's runs."""
    shares = {0.01: "p01_ms", 0.25: "p25_ms", 0.5: "p50_ms", 0.75: "p75_ms", 0.99: "p99_of_runs_ms"}
    wide = runs.groupby("model")["latency_ms"].quantile(list(shares)).unstack()  # noqa: PD010
    return wide.rename(columns=shares).assign(runs=runs.groupby("model").size()).reset_index()


@style.styled
def latency(
    runs: pd.DataFrame,
    summary: pd.DataFrame,
    *,
    labels: Mapping[str, str] | None = None,
    title: str | None = None,
) -> style.Drawing:
    """Draw the time to predict one sample three ways (figure 4).

    Args:
        runs: Columns model, latency_ms (> 0), one row a timed run.
        summary: Columns model, mean_ms, sd_ms, median_ms, p99_ms, one row a model.
        labels: Model to label.
        title: Text above.

    Returns:
        The figure: all runs as boxes, mean and SD, median and 99th percentile, on one log scale.

    Raises:
        KeyError: If a column is missing, or a model of the runs is not in the summary.
        ValueError: If there is no run.
    """
    style.require(runs, ["model", "latency_ms"], "runs")
    style.require(summary, ["model", "mean_ms", "sd_ms", "median_ms", "p99_ms"], "latency summary")
    models = style.ordered_models(runs["model"])
    numbers = summary.set_index("model")[["mean_ms", "sd_ms", "median_ms", "p99_ms"]]
    labelled = _latency_rows(numbers, models, labels)
    medians = findings.span(numbers.loc[models, "median_ms"], plain_number, labels)
    words = title or f"Milliseconds to predict one sample, median: {medians}"
    figure, panels = rows.stacked_panels(words, labelled)
    figure.table = _quantiles(runs).merge(summary, on="model")
    heads = ("all runs (box: quartiles)", "mean ± SD", "median (filled) / 99th percentile (hollow)")
    positions = [
        rows.draw_rows(axes, row_set) for axes, row_set in zip(panels, labelled, strict=True)
    ]
    for model, y in positions[0].items():
        values = runs.loc[runs["model"] == model, "latency_ms"]
        _draw_box(panels[0], values, y=y, colour=style.model_colour(model))
    _draw_mean(panels[1], numbers, positions[1])
    _draw_tail(panels[2], numbers, positions[2])
    for axes, head in zip(panels, heads, strict=True):
        axes.set_title(head)
    _log_axis(panels[-1])
    panels[-1].set_xlabel("milliseconds a sample (log scale)")
    return figure


@style.styled
def throughput(
    table: pd.DataFrame,
    *,
    labels: Mapping[str, str] | None = None,
    title: str | None = None,
) -> style.Drawing:
    """Draw how many samples each model predicts a second, one panel a batch size.

    Args:
        table: Columns model, batch_size (samples), samples_per_s (> 0), one row each.
        labels: Model to label.
        title: Text above.

    Returns:
        The figure, on a log scale: dots, because a bar has no zero to start from there.

    Raises:
        KeyError: If a column is missing.
        ValueError: If there is no row.
    """
    style.require(table, ["model", "batch_size", "samples_per_s"], "throughput")
    sizes = sorted(pd.unique(table["batch_size"]))
    by_size = table.set_index(["batch_size", "model"])["samples_per_s"]
    rates = [by_size.xs(size) for size in sizes]
    labelled = [
        rows.make_rows(
            style.ordered_models(rate.index), labels, {m: plain_number(v) for m, v in rate.items()}
        )
        for rate in rates
    ]
    told = findings.span(rates[-1], plain_number, labels)
    words = title or f"Samples a second, {sizes[-1]:,} at a time: {told}"
    figure, panels = rows.stacked_panels(words, labelled)
    for axes, size, rate, row_set in zip(panels, sizes, rates, labelled, strict=True):
        for model, y in rows.draw_rows(axes, row_set).items():
            colour, marker = style.model_colour(model), style.model_marker(model)
            axes.plot([rate[model]], [y], marker, color=colour, markersize=8, markeredgewidth=2)
        axes.set_title(f"{size:,} sample{'' if size == 1 else 's'} at a time")
    panels[-1].margins(x=0.06)
    _log_axis(panels[-1])
    panels[-1].set_xlabel("samples a second (log scale)")
    return figure


_POINTS = ("axis", "value", "median_ms", "min_ms", "max_ms")
_BOUND: Mapping[str, Any] = {
    "color": style.INK,
    "linestyle": (0, (4, 2)),
    "linewidth": 1.4,
    "marker": ".",
    "markersize": 4,
}


def _size_axis(axes: Axes, sizes: pd.Series, *, most: int) -> None:
    """Put sizes on a log scale, with up to so many of them at the ticks: 1, 262, 30k."""
    axes.set_xscale("log")
    known = np.unique(sizes)
    shown = np.linspace(0, len(known) - 1, min(len(known), most)).round().astype(int)
    axes.xaxis.set_major_locator(FixedLocator(known[shown]))
    axes.xaxis.set_minor_locator(NullLocator())
    large = EngFormatter(sep="")
    axes.xaxis.set_major_formatter(lambda x, _: plain_number(x) if x < 10_000 else large(x))


def _time_axis(axes: Axes) -> None:
    """Put milliseconds on a log scale that spans at least a factor of ten."""
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(numticks=6))
    plain_ticks(axes.yaxis)
    low, high = axes.get_ylim()
    middle = np.sqrt(low * high)
    axes.set_ylim(min(low, middle / 4), max(high, middle * 4))
    axes.grid(visible=True)


def _draw_curve(axes: Axes, points: pd.DataFrame, model: str, *, label: str | None) -> None:
    """Draw medians, joined, with the range of the runs as a line through each."""
    points, colour = points.sort_values("value"), style.model_colour(model)
    axes.vlines(points["value"], points["min_ms"], points["max_ms"], color=colour, linewidth=1.2)
    axes.plot(
        points["value"],
        points["median_ms"],
        color=colour,
        marker=style.model_marker(model),
        markersize=5.5,
        linewidth=1.4,
        label=label,
    )


@style.styled
def scaling(
    points: pd.DataFrame,
    exponents: pd.DataFrame,
    *,
    model: str = "lembas",
    title: str | None = None,
) -> style.Drawing:
    """Draw time against each dimension, with the least time the machine allows beside it.

    Args:
        points: Columns axis, value (> 0), median_ms, min_ms, max_ms, bound_ms (all > 0).
        exponents: Columns axis, words and, for the title, exponent; one row an axis: what its
            panel says.
        model: Registry name whose colour and marker is used.
        title: Text above.

    Returns:
        The figure, one panel an axis, all on the same log scale of time.

    Raises:
        KeyError: If a column is missing.
        ValueError: If there is no row, or an axis has no words.
    """
    style.require(points, [*_POINTS, "bound_ms"], "scaling")
    style.require(exponents, ["axis", "words"], "exponents")
    words, names = exponents.set_index("axis")["words"], list(pd.unique(points["axis"]))
    untold = [str(name) for name in names if name not in words.index]
    if untold:
        raise ValueError(f"no words for the axis {', '.join(untold[:5])}; fit exponents first.")
    n_rows = (len(names) + 1) // 2
    figure = style.new_figure(2.05 * n_rows + 0.55, title or findings.growth(exponents))
    grid = figure.subplots(n_rows, 2, squeeze=False, sharey=True)
    told = ("median (line: least to most)", "bound of arithmetic and memory")
    for axes, name in zip(grid.flat, names, strict=False):
        chosen = style.pick(points, "axis", name).sort_values("value")
        first, second = told if name == names[0] else (None, None)
        _draw_curve(axes, chosen, model, label=first)
        axes.plot(chosen["value"], chosen["bound_ms"], label=second, **_BOUND)
        axes.set_title(style.wrapped(words[name], 17))
        axes.set_xlabel(name)
        _size_axis(axes, chosen["value"], most=3)
        _time_axis(axes)
    for axes in grid.flat[len(names) :]:
        axes.remove()
    for axes in grid[:, 0]:
        axes.set_ylabel("milliseconds")
    figure.legend(loc="outside lower left", ncols=1)
    return figure


@style.styled
def batch_scaling(
    points: pd.DataFrame,
    exponents: pd.DataFrame,
    *,
    labels: Mapping[str, str] | None = None,
    title: str | None = None,
) -> style.Drawing:
    """Draw the time of a call against the number of samples, one curve a model.

    Args:
        points: Columns axis, model, value (samples), median_ms, min_ms, max_ms (all > 0).
        exponents: Columns model and words, one row a model: what the legend says.
        labels: Model to label.
        title: Text above.

    Returns:
        The figure, on log scales.

    Raises:
        KeyError: If a column is missing, or a model has no words.
        ValueError: If there is no row.
    """
    style.require(points, [*_POINTS, "model"], "scaling")
    style.require(exponents, ["model", "words"], "exponents")
    words, models = exponents.set_index("model")["words"], style.ordered_models(points["model"])
    told = {m: style.wrapped(f"{style.label_of(m, labels)}: {words[m]}", 50) for m in models}
    n_lines = sum(text.count("\n") + 1 for text in told.values())
    largest = points[points["value"] == points["value"].max()].set_index("model")["median_ms"]
    said = findings.span(largest, plain_number, labels)
    title = title or f"Milliseconds for {points['value'].max():,} samples in one call: {said}"
    figure = style.new_figure(3.1 + 0.2 * n_lines, title)
    axes = figure.subplots()
    for model in models:
        _draw_curve(axes, style.pick(points, "model", model), model, label=told[model])
    _size_axis(axes, points["value"], most=6)
    _time_axis(axes)
    axes.set_xlabel("samples in one call")
    axes.set_ylabel("milliseconds")
    figure.legend(loc="outside lower left", ncols=1)
    return figure
