"""Swarms of attributions: one dot a sample, one row a TF."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.ticker import MaxNLocator

from lembas.agreement import ranking
from lembas.plotting import findings, style

HALF_ROW = 0.4


def swarm_offsets(values: pd.Series, *, bin_width: float, step: float) -> pd.Series:
    """Push dots apart that would lie on each other.

    Args:
        values: Where the dots lie.
        bin_width: Dots within so much of each other share a bin; > 0.
        step: Distance of neighbours in a bin.

    Returns:
        Over the same index: offsets about 0 that alternate between both sides; a full row is
        pressed together, so that none exceeds ``HALF_ROW``.
    """
    place = np.floor(values / bin_width)
    count = place.groupby(place).cumcount()
    side = np.where(count % 2, 1.0, -1.0)
    offset = side * ((count + 1) // 2) * step
    largest = offset.abs().max()
    return offset * (HALF_ROW / largest) if largest > HALF_ROW else offset


def _leading(table: pd.DataFrame, top: int) -> list[str]:
    """Name one model's TFs of the largest mean size, the largest first."""
    return list(ranking(table["attribution"].abs().groupby(table["tf"]).mean())[:top])


def _draw_swarm(axes: Axes, table: pd.DataFrame, *, tfs: list[str], width: float) -> None:
    """Draw one model's dots, coloured by the TF's level among the samples."""
    for row, tf in enumerate(reversed(tfs)):
        own = table[table["tf"] == tf].sort_values("sample").reset_index(drop=True)
        level = own["expression"].rank(pct=True)
        y = row + swarm_offsets(own["attribution"], bin_width=width / 70, step=0.09)
        axes.scatter(
            own["attribution"],
            y,
            c=level,
            cmap=style.LEVEL_CMAP,
            vmin=0,
            vmax=1,
            s=9,
            linewidths=0,
            rasterized=True,
        )
    axes.axvline(0, color=style.MUTED, linewidth=0.9, zorder=0)
    axes.set_yticks(np.arange(len(tfs)), tfs[::-1])
    axes.set_ylim(-0.6, max(len(tfs), 1) - 0.4)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    style.quiet(axes)


def _leading_title(gene: str, tfs: list[list[str]]) -> str:
    """Say which TF moves the prediction most in most models."""
    first = [names[0] for names in tfs if names]
    if not first:
        return f"{gene}: one dot a sample"
    leader, n_models = findings.most_often(first)
    return f"{gene}: {leader} moves the prediction most in {n_models} of {len(first)} models"


@style.styled
def beeswarm(
    table: pd.DataFrame,
    *,
    gene: str,
    unit: str,
    top: int = 7,
    labels: Mapping[str, str] | None = None,
    title: str | None = None,
) -> style.Drawing:
    """Draw the attributions of every sample to one gene, one panel a model.

    Args:
        table: Columns model, gene, sample, tf, attribution, expression (of the TF).
        gene: Gene explained.
        unit: Unit of expression.
        top: TFs shown of each model: those of the largest mean size.
        labels: Model to label.
        title: Text above; None says which TF leads.

    Returns:
        The figure: one dot a sample, on one scale; its colour says whether the TF is high or low
        in that sample.

    Raises:
        KeyError: If a column is missing.
        ValueError: If the gene has no row.
    """
    columns = ["model", "gene", "sample", "tf", "attribution", "expression"]
    style.require(table, columns, "attributions")
    chosen = style.pick(table, "gene", gene)
    models = style.ordered_models(chosen["model"])
    parts = [chosen[chosen["model"] == model] for model in models]
    tfs = [_leading(part, top) for part in parts]
    heights = [0.25 * max(len(names), 1) + 0.1 for names in tfs]
    words = title or _leading_title(gene, tfs)
    figure = style.new_figure(sum(heights) + 0.55 * len(models) + 0.75, words)
    panels = figure.subplots(
        len(models), 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": heights}
    )[:, 0]
    shown = pd.concat([p[p["tf"].isin(t)] for p, t in zip(parts, tfs, strict=True)])
    figure.table = shown[columns]
    width = max(float(np.ptp(shown["attribution"])) if len(shown) else 0.0, 1e-9)
    for axes, model, part, names in zip(panels, models, parts, tfs, strict=True):
        _draw_swarm(axes, part, tfs=names, width=width)
        axes.set_title(style.label_of(model, labels))
        axes.tick_params(axis="x", labelbottom=True)
    panels[-1].set_xlabel(f"attribution, {unit}")
    scale = ScalarMappable(cmap=style.LEVEL_CMAP)
    bar = figure.colorbar(
        scale, ax=list(panels), location="bottom", shrink=0.6, aspect=28, ticks=[0, 1]
    )
    bar.ax.set_xticklabels(["low", "high"])
    bar.set_label("expression of the TF in the sample")
    bar.outline.set_visible(False)
    return figure
