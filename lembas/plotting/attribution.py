"""Figures of attributions: waterfalls, cohort means, completeness, agreement between models."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from lembas.formats import listed
from lembas.plotting import findings, rows, style

ATTRIBUTION_COLUMNS = ("model", "gene", "tf", "attribution", "expression", "base", "prediction")
OTHERS = "others"


def waterfall_steps(table: pd.DataFrame, top: int) -> pd.DataFrame:
    """Order one gene's attributions and sum those beyond the largest.

    Args:
        table: Columns tf, attribution, expression: one model, gene and sample.
        top: Number of TFs kept.

    Returns:
        Columns label, attribution, start, end: the largest in size first, then the sum of all the
        others; start of the first is the base value.
    """
    ordered = table.sort_values("attribution", key=lambda a: -a.abs(), kind="stable")
    kept, rest = ordered.head(top), ordered.iloc[top:]
    names = [f"{tf} {value:.1f}" for tf, value in zip(kept["tf"], kept["expression"], strict=True)]
    sizes = list(kept["attribution"].astype(float))
    if len(rest):
        names.append(f"{len(rest):,} {OTHERS}")
        sizes.append(float(rest["attribution"].sum()))
    ends = float(table["base"].iloc[0]) + np.cumsum(sizes)
    return pd.DataFrame({"label": names, "attribution": sizes, "start": ends - sizes, "end": ends})


def _mark_ends(axes: Axes, n_steps: int, *, base: float, prediction: float) -> None:
    """Mark the base value at the top and the prediction at the bottom."""
    n = n_steps
    axes.plot([base, base], [n - 0.5, n + 0.35], ":", color=style.INK)
    axes.plot([prediction, prediction], [-1.35, -0.5], ":", color=style.INK)
    axes.plot([base], [n], "D", color=style.INK, markersize=5)
    axes.plot([prediction], [-1], "o", color=style.INK, markersize=6)


def _draw_waterfall(axes: Axes, table: pd.DataFrame, *, top: int, digits: int) -> None:
    """Draw the way from the base value to the prediction, one bar a TF."""
    steps = waterfall_steps(table, top)
    base, prediction = float(table["base"].iloc[0]), float(table["prediction"].iloc[0])
    n = len(steps)
    heights = np.arange(n - 1, -1, -1)
    colours = [style.RAISES if a >= 0 else style.LOWERS for a in steps["attribution"]]
    axes.barh(heights, steps["attribution"], left=steps["start"], height=0.62, color=colours)
    for y, end in zip(heights[:-1], steps["end"][:-1], strict=True):
        axes.plot([end, end], [y - 0.69, y - 0.31], color=style.MUTED, linewidth=0.8)
    _mark_ends(axes, n, base=base, prediction=prediction)
    axes.set_ylim(-1.6, n + 0.6)
    axes.set_yticks([n, *heights, -1], ["base", *steps["label"], "prediction"])
    values = [f"{base:.{digits}f}", *(f"{a:+.{digits}f}" for a in steps["attribution"])]
    beside = axes.secondary_yaxis("right")
    beside.set_yticks([n, *heights, -1], [*values, f"{prediction:.{digits}f}"])
    beside.tick_params(length=0, pad=1)
    beside.spines["right"].set_visible(False)
    for tick, colour in zip(beside.get_yticklabels()[1:-1], colours, strict=True):
        tick.set_color(colour)
    axes.xaxis.set_major_locator(MaxNLocator(3))
    style.quiet(axes)


def _span(table: pd.DataFrame, top: int) -> tuple[float, float]:
    """Find the range of all the waterfalls of a table, with a margin."""
    ends = []
    for _, part in table.groupby(["model", "gene"], sort=False):
        steps = waterfall_steps(part, top)
        ends += [*steps["start"], *steps["end"], float(part["prediction"].iloc[0])]
    pad = 0.06 * max(max(ends) - min(ends), 1e-6)
    return min(ends) - pad, max(ends) + pad


def _waterfall_row(
    part: SubFigure, table: pd.DataFrame, genes: Sequence[str], *, top: int, digits: int
) -> list[Axes]:
    """Draw one model's waterfalls side by side."""
    panels = part.subplots(1, len(genes), squeeze=False)[0]
    for axes, gene in zip(panels, genes, strict=True):
        chosen = table.loc[table["gene"] == gene]
        axes.set_title(gene)
        if chosen.empty:
            axes.text(0, 0.9, "not predicted", transform=axes.transAxes, color=style.MUTED)
            axes.set_axis_off()
            continue
        if chosen["tf"].duplicated().any():
            raise ValueError(
                f"{gene} has more than one attribution a TF; give one sample's rows to a waterfall."
            )
        _draw_waterfall(axes, chosen, top=top, digits=digits)
    return list(panels)


@style.styled
def waterfalls(
    table: pd.DataFrame,
    *,
    unit: str,
    genes: Sequence[str] | None = None,
    top: int = 6,
    labels: Mapping[str, str] | None = None,
    common_scale: bool = False,
    digits: int = 2,
    title: str | None = None,
) -> style.Drawing:
    """Draw the attributions of one sample as waterfalls, models down and genes across (figure 5).

    Args:
        table: Columns model, gene, tf, attribution, expression (the TF's, same unit), base and
            prediction (repeated in each row of a model and gene); one sample.
        unit: Unit of expression, such as "log10(CPM+1)".
        genes: At most two genes; None for the table's.
        top: TFs drawn one by one; the others are summed.
        labels: Model to label.
        common_scale: One x range for all the panels, in place of one a gene.
        digits: Decimals of the values written.
        title: Text above.

    Returns:
        The figure; beside each TF stands its expression, at the right its attribution. A gene that
        a model does not predict has an empty panel.

    Raises:
        KeyError: If a column is missing.
        ValueError: If there are more than two genes, one has no row, or a TF several.
    """
    style.require(table, ATTRIBUTION_COLUMNS, "attributions")
    shown = list(genes if genes is not None else pd.unique(table["gene"]))
    if len(shown) > 2:
        raise ValueError(f"a figure takes at most two genes, not {len(shown)}; draw two figures.")
    chosen = pd.concat([style.pick(table, "gene", gene) for gene in shown])
    models = style.ordered_models(chosen["model"])
    words = title or _predicted(chosen, shown, digits)
    figure = style.new_figure(len(models) * (0.19 * (top + 3) + 0.85) + 0.5, words)
    figure.table = chosen[list(ATTRIBUTION_COLUMNS)]
    parts = figure.subfigures(len(models), 1, squeeze=False)[:, 0]
    for part, model in zip(parts, models, strict=True):
        part.suptitle(style.label_of(model, labels), x=0.02, ha="left", fontsize=10.5)
        mine = chosen.loc[chosen["model"] == model]
        for axes, gene in zip(
            _waterfall_row(part, mine, shown, top=top, digits=digits), shown, strict=True
        ):
            scope = chosen if common_scale else chosen.loc[chosen["gene"] == gene]
            axes.set_xlim(*_span(scope, top))
    words = f"predicted expression, {unit}\nleft: TF and its expression; right: its attribution"
    figure.supxlabel(words, fontsize=10.5)
    return figure


def _predicted(table: pd.DataFrame, genes: Sequence[str], digits: int) -> str:
    """Say between what values the models predict each gene in this sample."""
    told = []
    for gene in genes:
        values = table.loc[table["gene"] == gene, "prediction"].dropna()
        told.append(f"{gene} {findings.ends(values, lambda end: f'{end:.{digits}f}')}")
    return f"One sample, TF by TF; predicted: {', '.join(told)}"


def _leading_tfs(table: pd.DataFrame, top: int) -> list[str]:
    """List the TFs with the largest share of attribution, averaged over models."""
    wide = style.wide(table, "tf", "model", values="mean_abs_attribution").fillna(0)
    share = (wide / wide.sum().replace(0, 1)).mean(axis=1)
    return list(share.sort_index().sort_values(ascending=False, kind="stable").index[:top])


@style.styled
def mean_attribution(
    table: pd.DataFrame,
    *,
    gene: str,
    unit: str,
    top: int = 12,
    labels: Mapping[str, str] | None = None,
    title: str | None = None,
) -> style.Drawing:
    """Draw the mean size of each TF's attribution to one gene over a cohort, models side by side.

    Args:
        table: Columns model, gene, tf, mean_abs_attribution and, to be drawn as lines, the limits
            low and high.
        gene: Gene explained.
        unit: Unit of expression.
        top: TFs shown: those with the largest share of attribution, averaged over models.
        labels: Model to label.
        title: Text above; None says which TF leads.

    Returns:
        The figure: one row a TF, one marker a model.

    Raises:
        KeyError: If a column is missing.
        ValueError: If the gene has no row.
    """
    style.require(table, ["model", "gene", "tf", "mean_abs_attribution"], "mean attributions")
    chosen = style.pick(table, "gene", gene)
    tfs = _leading_tfs(chosen, top)[::-1]
    models = style.ordered_models(chosen["model"])
    words = title or f"{gene}: of the TFs, {tfs[-1]} moves the predictions most, mean over models"
    figure = style.new_figure(0.27 * len(tfs) + 0.2 * len(models) + 0.9, words)
    figure.table = chosen[chosen["tf"].isin(tfs)]
    axes = figure.subplots()
    shifts = 0.17 * np.linspace(1, -1, len(models)) if len(models) > 1 else [0.0]
    for model, shift in zip(models, shifts, strict=True):
        own = chosen.loc[chosen["model"] == model].set_index("tf").reindex(tfs)
        colour, y = style.model_colour(model), np.arange(len(tfs)) + shift
        if {"low", "high"} <= set(own.columns):
            axes.hlines(y, own["low"], own["high"], color=colour, linewidth=1.3, alpha=0.7)
        axes.plot(
            own["mean_abs_attribution"],
            y,
            linestyle="none",
            marker=style.model_marker(model),
            markersize=6,
            color=colour,
            alpha=0.9,
            label=style.label_of(model, labels),
        )
    axes.set_yticks(np.arange(len(tfs)), tfs)
    axes.set(xlabel=f"mean |attribution|, {unit}", ylim=(-0.7, len(tfs) - 0.3))
    axes.set_xlim(left=-0.02 * axes.get_xlim()[1])
    axes.grid(visible=True)
    figure.legend(loc="outside lower left", ncols=1)
    return figure


@style.styled
def completeness(
    table: pd.DataFrame,
    *,
    labels: Mapping[str, str] | None = None,
    limit: float = 0.01,
    smallest: float = 1e-9,
    title: str | None = None,
) -> style.Drawing:
    """Draw the completeness error of each model's attributions.

    Args:
        table: Columns model, error: size of base + sum of attributions - prediction, over the SD
            of the model's output; one row a gene and sample.
        labels: Model to label.
        limit: Error up to which attributions count as complete; marked.
        smallest: Errors below are drawn here (a log scale has no zero).
        title: Text above.

    Returns:
        The figure, on a log scale; the note of each row is its largest error.

    Raises:
        KeyError: If a column is missing.
        ValueError: If there is no row.
    """
    style.require(table, ["model", "error"], "completeness")
    groups = {m: table.loc[table["model"] == m, "error"] for m in pd.unique(table["model"])}
    notes = {model: f"largest {errors.max():.2g}" for model, errors in groups.items()}
    labelled = rows.make_rows(style.ordered_models(groups), labels, notes)
    worst = pd.Series({model: errors.max() for model, errors in groups.items()})
    n_within = int((worst <= limit).sum())
    words = (
        title or f"{n_within} of {len(worst)} models miss no prediction by more than {limit:.0%}"
    )
    figure, (axes,) = rows.stacked_panels(words, [labelled])
    for model, y in rows.draw_rows(axes, labelled).items():
        errors = groups[model].clip(lower=smallest)
        colour = style.model_colour(model)
        axes.plot(errors, np.full(len(errors), y), ".", color=colour, alpha=0.4, rasterized=True)
        axes.plot([errors.median()], [y], "|", color=style.INK, markersize=12, markeredgewidth=2)
    axes.axvline(limit, color=style.INK, linestyle=(0, (4, 3)), linewidth=1.1)
    axes.set_xscale("log")
    axes.set_xlim(smallest / 2, max(limit * 3, float(table["error"].max()) * 2))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0e}"))
    axes.xaxis.set_major_locator(LogLocator(numticks=7))
    axes.set_xlabel(f"error / SD of the output (dashed: {limit:.0%})")
    return figure


@style.styled
def agreement(
    matrix: pd.DataFrame,
    *,
    quantity: str,
    labels: Mapping[str, str] | None = None,
    title: str = "Agreement of the models' attributions",
) -> style.Drawing:
    """Draw a square table of agreement between models.

    Args:
        matrix: Models by models, values within [-1, 1]; NaN where not defined.
        quantity: What the values are, such as "rank correlation of mean sizes".
        labels: Model to label.
        title: What is compared; the title adds from where to where two models agree.

    Returns:
        The figure, each cell with its value; columns are numbered as the rows.

    Raises:
        ValueError: If rows and columns are not the same models.
    """
    if set(matrix.index) != set(matrix.columns):
        alone = matrix.index.symmetric_difference(matrix.columns)
        raise ValueError(
            f"{listed(alone)} in rows or columns of the agreement table alone; give each model a "
            "row and a column."
        )
    models = style.ordered_models(matrix.index)
    values = matrix.loc[models, models].to_numpy(dtype=float)
    size = len(models)
    apart = pd.Series(values[np.triu_indices(size, 1)]).dropna()
    told = findings.ends(apart, lambda end: f"{end:z.2f}")
    words = f"{title}: {told}" if len(apart) else title
    figure = style.new_figure(0.46 * size + 0.9, words)
    figure.table = matrix.loc[models, models].rename_axis("model").reset_index()
    axes = figure.subplots()
    shown = np.clip(values, 0, 1)
    axes.pcolormesh(shown, cmap=style.SHARE_CMAP, vmin=0, vmax=1, edgecolor=style.CARD, lw=2)
    for (i, j), value in np.ndenumerate(values):
        words = "none" if np.isnan(value) else f"{value:.2f}"
        axes.text(j + 0.5, i + 0.5, words, ha="center", va="center")
    names = [style.wrapped(style.label_of(model, labels), 22) for model in models]
    axes.set_yticks(np.arange(size) + 0.5, [f"{n} ({i + 1})" for i, n in enumerate(names)])
    axes.set_xticks(np.arange(size) + 0.5, [str(i + 1) for i in range(size)])
    axes.tick_params(length=0)
    axes.invert_yaxis()
    axes.set_xlabel(quantity)
    axes.spines[["left", "bottom"]].set_visible(False)
    return figure
