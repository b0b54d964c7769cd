"""Figures of knock-outs: responding genes, truth beside prediction, signs of learned weights."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from lembas.plotting import findings, rows, style

_ROLES: Mapping[str, tuple[str, str]] = {
    "none": (style.RULE, "no path"),
    "indirect": (style.LOWERS, "indirect target"),
    "direct": (style.RAISES, "direct target"),
}
_PARTS: Mapping[str, str] = {
    "all": "All genes",
    "direct": "Direct targets",
    "indirect": "Indirect targets",
}


def _leading_genes(table: pd.DataFrame, top: int) -> list[str]:
    """List the genes with the largest response, averaged over models, the largest last."""
    size = table.assign(size=table["response"].abs()).groupby("gene")["size"].mean()
    return list(size.sort_index().sort_values(kind="stable").index[-top:])


def _draw_responders(axes: Axes, table: pd.DataFrame, top: int, labels: Mapping[str, str]) -> None:
    """Draw one TF's leading genes: one row a gene, one marker a model."""
    genes = _leading_genes(table, top)
    for model in style.ordered_models(table["model"]):
        own = table[table["model"] == model].set_index("gene")["response"]
        axes.plot(
            own.reindex(genes),
            np.arange(len(genes)),
            linestyle="none",
            marker=style.model_marker(model),
            markersize=7,
            color=style.model_colour(model),
            # The node of a model, held, beside its input: the same marker, hollow.
            markerfacecolor=style.CARD if "@" in model else style.model_colour(model),
            alpha=0.9,
            label=style.label_of(model, labels),
        )
    axes.axvline(0, color=style.MUTED, linewidth=1)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.set_yticks(np.arange(len(genes)), genes)
    axes.set_ylim(-0.7, len(genes) - 0.3)
    axes.grid(visible=True)


@style.styled
def knockout_responders(
    responses: pd.DataFrame,
    tfs: Sequence[str],
    *,
    top: int = 6,
    labels: Mapping[str, str] | None = None,
    title: str = "Genes that respond most to the loss of a TF",
) -> style.Drawing:
    """Draw the genes that respond most to each of a few knock-outs, models side by side.

    Args:
        responses: Columns model, tf, gene, response (log10).
        tfs: TFs shown, one panel each.
        top: Genes a TF: those with the largest response, averaged over models.
        labels: Model to label.
        title: Text above.

    Returns:
        The figure: one panel a TF, one row a gene, one marker a model.

    Raises:
        KeyError: If a column is missing.
        ValueError: If a TF has no row.
    """
    style.require(responses, ["model", "tf", "gene", "response"], "responses")
    parts = [style.pick(responses, "tf", tf) for tf in tfs]
    n_models = responses["model"].nunique()
    height = len(parts) * (0.24 * top + 0.5) + 0.2 * n_models + 0.5
    figure = style.new_figure(height, title)
    panels = figure.subplots(len(parts), 1, squeeze=False)[:, 0]
    for axes, tf, part in zip(panels, tfs, parts, strict=True):
        _draw_responders(axes, part, top, labels or {})
        axes.set_title(f"without {tf}")
    figure.table = pd.concat(part[part["gene"].isin(_leading_genes(part, top))] for part in parts)
    panels[-1].set_xlabel("change of the predicted expression, log10")
    handles, words = panels[0].get_legend_handles_labels()
    figure.legend(handles, words, loc="outside lower left", ncols=1)
    return figure


def _draw_roles(axes: Axes, table: pd.DataFrame, span: float) -> None:
    """Draw one model's responses, each role of a gene in its colour."""
    for role, (colour, words) in _ROLES.items():
        part = table[table["role"] == role]
        axes.plot(
            part["true"],
            part["predicted"],
            ".",
            color=colour,
            markersize=3.5,
            alpha=0.5,
            label=words,
            rasterized=True,
        )
    axes.axline((0, 0), slope=1, color=style.INK, linewidth=1)
    axes.set(xlim=(-span, span), ylim=(-span, span))
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_locator(MaxNLocator(4))


@style.styled
def responses_against_truth(
    compared: pd.DataFrame,
    *,
    level: str,
    labels: Mapping[str, str] | None = None,
    title: str | None = None,
) -> style.Drawing:
    """Draw every gene's predicted against its true response, one panel a model.

    Args:
        compared: Columns level, model, role, true, predicted (log10).
        level: Level of the knock-outs shown.
        labels: Model to label.
        title: Text above.

    Returns:
        The figure, two panels a row; the line is where both are equal.

    Raises:
        KeyError: If a column is missing.
        ValueError: If the level has no row.
    """
    style.require(compared, ["level", "model", "role", "true", "predicted"], "compared")
    shown = style.pick(compared, "level", level)
    models = style.ordered_models(shown["model"])
    n_rows = -(-len(models) // 2)
    correlation = shown.groupby("model")[["true", "predicted"]].corr().xs("true", level=1)
    told = findings.span(correlation["predicted"], lambda value: f"{value:z.2f}", labels)
    words = title or f"Correlation of predicted and true responses: {told or 'not defined'}"
    figure = style.new_figure(n_rows * 2.35 + 0.75, words)
    figure.table = shown
    panels = figure.subplots(n_rows, 2, squeeze=False, sharex=True, sharey=True).ravel()
    span = 1.05 * float(shown[["true", "predicted"]].abs().max(axis=None))
    for axes, model in zip(panels, models, strict=False):
        _draw_roles(axes, shown[shown["model"] == model], span)
        axes.set_title(style.wrapped(style.label_of(model, labels), 24))
    for axes in panels[len(models) :]:
        axes.set_axis_off()
    for axes in panels[max(len(models) - 2, 0) : len(models)]:
        axes.tick_params(labelbottom=True)
        axes.set_xlabel("true response, log10")
    figure.supylabel("predicted response, log10", fontsize=10.5)
    handles, words = panels[0].get_legend_handles_labels()
    figure.legend(handles, words, loc="outside lower left", ncols=3, markerscale=3)
    return figure


@style.styled
def response_scores(
    summary: pd.DataFrame,
    *,
    level: str,
    parts: Sequence[str] = ("direct", "indirect"),
    labels: Mapping[str, str] | None = None,
    title: str | None = None,
) -> style.Drawing:
    """Draw the mean AUPRC of each model over the knock-outs, one panel a part of the genes.

    Args:
        summary: Columns level, model, part, metric, value, low, high.
        level: Level of the knock-outs shown.
        parts: Parts shown, top first.
        labels: Model to label.
        title: Text above.

    Returns:
        The figure; the dashed line is chance.

    Raises:
        KeyError: If a column is missing.
        ValueError: If the level or a part has no row.
    """
    columns = ["level", "model", "part", "metric", "value", "low", "high"]
    style.require(summary, columns, "scores")
    shown = style.pick(summary, "level", level)
    tables, labelled = [], []
    for part in parts:
        own = style.pick(shown, "part", part)
        table = own[own["metric"] == "auprc"].set_index("model")[["value", "low", "high"]]
        table = table.loc[style.ordered_models(table.index)]
        notes = {name: rows.interval_note(*row, digits=2) for name, row in table.iterrows()}
        tables.append((table, float(own.loc[own["metric"] == "base_rate", "value"].mean())))
        labelled.append(rows.make_rows(list(table.index), labels, notes))
    first, chance = tables[0]
    told = findings.span(first["value"], lambda value: f"{value:z.2f}", labels) or "not defined"
    asked = _PARTS.get(parts[0], parts[0]).lower()
    words = title or f"AUPRC, {asked}: {told}; chance {chance:.2f}"
    figure, panels = rows.stacked_panels(words, labelled)
    figure.table = shown[shown["part"].isin(list(parts))]
    for axes, part, (table, chance), row_set in zip(panels, parts, tables, labelled, strict=True):
        for model, y in rows.draw_rows(axes, row_set).items():
            colour, marker = style.model_colour(model), style.model_marker(model)
            hollow = "@" in model
            rows.draw_interval(
                axes, table.loc[model], y=y, colour=colour, marker=marker, hollow=hollow
            )
        rows.draw_reference(axes, chance)
        axes.set_title(style.wrapped(_PARTS.get(part, part), style.TITLE_CHARACTERS))
        axes.set_xlim(0, 1.03)
    panels[-1].set_xlabel("AUPRC of responders, mean over TFs (dashed: chance)")
    return figure


@style.styled
def weight_signs(
    violations: pd.DataFrame,
    *,
    labels: Mapping[str, str] | None = None,
    title: str | None = None,
) -> style.Drawing:
    """Draw the share of edges whose weight contradicts the prior's sign, by strength.

    Args:
        violations: Columns model, bin (1: the weakest edges), violating (share).
        labels: Model to label.
        title: Text above.

    Returns:
        The figure: one curve a model; a coin would give the dashed line. Without a row it says
        that there is nothing to contradict.

    Raises:
        KeyError: If a column is missing.
    """
    if violations.empty:
        return style.new_figure(0.8, "The prior knows the sign of no edge with a weight")
    style.require(violations, ["model", "bin", "violating"], "violations")
    models = style.ordered_models(violations["model"])
    last = violations[violations["bin"] == violations["bin"].max()].set_index("model")["violating"]
    told = findings.span(last, lambda share: f"{share:.0%}", labels)
    words = title or f"Strongest edges whose weight contradicts the prior's sign: {told}"
    figure = style.new_figure(2.4 + 0.2 * len(models), words)
    axes = figure.subplots()
    for i, model in enumerate(models):
        own = violations[violations["model"] == model].sort_values("bin")
        axes.plot(
            own["bin"],
            100 * own["violating"],
            color=style.model_colour(model),
            marker=style.model_marker(model),
            markersize=6,
            linestyle="-" if i % 2 else (0, (5, 1.5)),
            label=style.label_of(model, labels),
        )
    axes.axhline(50, color=style.MUTED, linestyle=(0, (4, 3)), linewidth=1.1, zorder=1)
    axes.set_ylim(0, max(55.0, 105 * float(violations["violating"].max())))
    axes.set_xticks(sorted(violations["bin"].unique()))
    axes.set_xlabel("edges, from the weakest (1) to the strongest tenth")
    axes.set_ylabel("against the prior (%)")
    axes.grid(axis="y")
    figure.legend(loc="outside lower left", ncols=1)
    return figure
