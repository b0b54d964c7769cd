"""Figures of the prior network: degrees, signs, coverage, hubs, the TF-TF block."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator, MaxNLocator

from lembas.formats import counted
from lembas.plotting import findings, rows, style
from lembas.plotting.density import plain_ticks

EDGE_COLUMNS = ("TF", "Gene", "Interaction")
SIGN_LABELS: Mapping[int, str] = {
    1: "activating (+1)",
    -1: "inhibiting (-1)",
    0: "sign unknown (0)",
}
SIGN_COLOURS: Mapping[int, str] = {1: style.RAISES, -1: style.LOWERS, 0: style.MUTED}


def _signs_in(edges: pd.DataFrame) -> list[int]:
    """List the signs to show: both, and the unknown one where there are such edges."""
    return [1, -1, 0] if (edges["Interaction"] == 0).any() else [1, -1]


def _sign_key(signs: list[int]) -> list[Patch]:
    """Build the legend entries of the signs."""
    return [Patch(facecolor=SIGN_COLOURS[sign], label=SIGN_LABELS[sign]) for sign in signs]


def _exceedance(axes: Axes, degree: pd.Series, colour: str) -> None:
    """Draw the share of nodes with at least a given degree, on log scales."""
    counts = degree[degree > 0].value_counts().sort_index()
    share = counts[::-1].cumsum()[::-1] / counts.sum()
    axes.step(counts.index, share, where="post", color=colour)
    axes.plot(counts.index, share, ".", color=colour, markersize=4, rasterized=True)
    median = float(degree[degree > 0].median())
    axes.axvline(median, color=style.MUTED, linestyle=(0, (4, 3)), linewidth=1.1)
    axes.set(xscale="log", yscale="log", ylabel="share of nodes")
    axes.set_ylim(top=1.3)
    for axis in (axes.xaxis, axes.yaxis):
        low, high = axis.get_view_interval()
        if high / low < 100:
            axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        plain_ticks(axis)
    axes.grid(visible=True)


@style.styled
def degree_distributions(
    in_degree: pd.Series,
    out_degree: pd.Series,
    *,
    title: str | None = None,
) -> style.Drawing:
    """Draw the degree distributions of the network on log scales.

    Args:
        in_degree: Number of regulators of each gene.
        out_degree: Number of genes each TF regulates.
        title: Text above.

    Returns:
        The figure: share of nodes with at least x edges; the dashed line is the median.

    Raises:
        ValueError: If a series has no positive degree.
    """
    for degree, name in ((in_degree, "in_degree"), (out_degree, "out_degree")):
        if not (degree > 0).any():
            raise ValueError(f"{name} has no node with an edge; give the network's degrees.")
    figure = style.new_figure(5.4, title or findings.half_of(in_degree, out_degree))
    figure.table = (
        pd.DataFrame({"genes": in_degree.value_counts(), "TFs": out_degree.value_counts()})
        .rename_axis("edges")
        .fillna(0)
        .astype(int)
        .reset_index()
    )
    top, bottom = figure.subplots(2, 1)
    _exceedance(top, in_degree, style.LOWERS)
    top.set_title(f"{(in_degree > 0).sum():,} genes, median {in_degree[in_degree > 0].median():g}")
    top.set_xlabel("regulators of a gene (at least)")
    _exceedance(bottom, out_degree, style.RAISES)
    bottom.set_title(
        f"{(out_degree > 0).sum():,} TFs, median {out_degree[out_degree > 0].median():g}"
    )
    bottom.set_xlabel("genes a TF regulates (at least)")
    return figure


@style.styled
def edge_signs(edges: pd.DataFrame, *, title: str | None = None) -> style.Drawing:
    """Draw how many edges activate and inhibit, and how mixed the TFs are.

    Args:
        edges: Columns TF, Gene, Interaction (1, -1 or 0: unknown).
        title: Text above.

    Returns:
        The figure: edges by sign, and TFs by the share of activating edges among those of known
        sign.

    Raises:
        KeyError: If a column is missing.
        ValueError: If there is no edge.
    """
    style.require(edges, EDGE_COLUMNS, "edges")
    signs = _signs_in(edges)
    total = edges["Interaction"].value_counts().reindex(signs, fill_value=0)
    signed = edges[edges["Interaction"] != 0]
    share = (signed["Interaction"] == 1).groupby(signed["TF"]).mean()
    words = title or findings.activating(edges["Interaction"].value_counts())
    figure = style.new_figure(4.3 + 0.5 * (len(signs) - 2), words)
    figure.table = _sign_counts(edges).rename(columns=SIGN_LABELS).reset_index()
    top, bottom = figure.subplots(2, 1, gridspec_kw={"height_ratios": [len(signs) / 2, 2]})
    for y, sign in zip(range(len(signs))[::-1], signs, strict=True):
        top.barh(y, total[sign], height=0.32, color=SIGN_COLOURS[sign])
        words = f"{SIGN_LABELS[sign]}: {total[sign]:,} edges ({total[sign] / total.sum():.0%})"
        top.annotate(words, (0, y), (0, 9), textcoords="offset points", va="bottom")
    top.set(ylim=(-0.35, len(signs) - 0.15), yticks=[], xlabel="edges")
    style.quiet(top)
    top.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    top.locator_params(axis="x", nbins=4)
    if share.empty:
        bottom.remove()
        return figure
    bottom.hist(share, bins=np.linspace(0, 1, 21), color=style.MUTED, edgecolor=style.CARD)
    bottom.set(
        xlabel="share of a TF's edges of known sign that activate", ylabel="TFs", xlim=(0, 1)
    )
    bottom.grid(axis="y")
    bottom.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    return figure


@style.styled
def coverage(
    table: pd.DataFrame,
    *,
    title: str | None = None,
) -> style.Drawing:
    """Draw how many TFs, genes and edges remain after each step.

    Args:
        table: Columns item (such as "TFs"), stage (such as "in the network"), count; items and
            stages are drawn in the table's order.
        title: Text above.

    Returns:
        The figure: one panel an item, one bar a stage, each with its share of the first stage.

    Raises:
        KeyError: If a column is missing.
        ValueError: If there is no row.
    """
    style.require(table, ["item", "stage", "count"], "coverage")
    items = list(pd.unique(table["item"]))
    series = [table.loc[table["item"] == item].set_index("stage")["count"] for item in items]
    labelled = []
    for counts in series:
        first = max(int(counts.iloc[0]), 1)
        notes = {stage: f"{n:,} ({n / first:.0%})" for stage, n in counts.items()}
        labelled.append(rows.make_rows(list(counts.index), None, notes))
    figure, panels = rows.stacked_panels(
        title or findings.remaining(table), labelled, share_x=False, extra_in=0.6
    )
    for axes, item, counts, row_set in zip(panels, items, series, labelled, strict=True):
        for i, (stage, y) in enumerate(rows.draw_rows(axes, row_set).items()):
            axes.barh(y, counts[stage], height=0.13, color=style.STEP_COLOURS[min(i, 3)])
        axes.set(xlim=(0, max(counts.max(), 1)), title=item, xlabel="number")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.locator_params(axis="x", nbins=4)
    return figure


def _sign_counts(edges: pd.DataFrame) -> pd.DataFrame:
    """Count the edges of each TF by sign."""
    counts = pd.crosstab(edges["TF"], edges["Interaction"])
    return counts.reindex(columns=_signs_in(edges), fill_value=0)


@style.styled
def hubs(edges: pd.DataFrame, *, top: int = 15, title: str | None = None) -> style.Drawing:
    """Draw the TFs that regulate the most genes.

    Args:
        edges: Columns TF, Gene, Interaction (1, -1 or 0: unknown).
        top: Number of TFs.
        title: Text above.

    Returns:
        The figure: stacked bars, activating edges, then inhibiting ones, then those of unknown
        sign.

    Raises:
        KeyError: If a column is missing.
        ValueError: If there is no edge.
    """
    style.require(edges, EDGE_COLUMNS, "edges")
    counts = _sign_counts(edges)
    order = counts.sum(axis=1).sort_values(ascending=False, kind="stable").index[:top]
    chosen = counts.loc[order[::-1]]
    words = title or findings.hub_share(counts, top)
    figure = style.new_figure(0.23 * len(chosen) + 1.15, words)
    figure.table = chosen[::-1].rename(columns=SIGN_LABELS).reset_index()
    axes = figure.subplots()
    left = pd.Series(0, chosen.index)
    for sign, count in chosen.items():
        axes.barh(chosen.index, count, left=left, height=0.7, color=SIGN_COLOURS[sign])
        left = left + count
    for y, total in enumerate(chosen.sum(axis=1)):
        axes.annotate(f"{total:,}", (total, y), (4, 0), textcoords="offset points", va="center")
    axes.set(xlabel="edges", ylim=(-0.6, len(chosen) - 0.4))
    axes.margins(x=0.14)
    axes.locator_params(axis="x", nbins=5)
    style.quiet(axes)
    figure.legend(handles=_sign_key(list(counts)), loc="outside lower left", ncols=2)
    return figure


def _block(edges: pd.DataFrame, size: int) -> pd.DataFrame:
    """Build the TF-TF matrix of signs of the TFs with the most edges among TFs; NaN: no edge."""
    tfs = edges["TF"].unique()
    among = edges.loc[edges["Gene"].isin(tfs)]
    ends = pd.concat([among["TF"], among["Gene"]]).value_counts()
    chosen = sorted(ends.sort_index().sort_values(ascending=False, kind="stable").index[:size])
    matrix = style.wide(among, "Gene", "TF", values="Interaction")
    return matrix.reindex(index=chosen, columns=chosen)


@style.styled
def tf_block(
    edges: pd.DataFrame,
    *,
    top: int = 18,
    title: str | None = None,
) -> style.Drawing:
    """Draw the edges among the TFs that are most connected to other TFs.

    Args:
        edges: Columns TF, Gene, Interaction (1, -1 or 0: unknown), each (TF, Gene) once.
        top: Number of TFs.
        title: Text above; None names the number.

    Returns:
        The figure: regulators across, regulated TFs down; white where there is no edge. A
        network in which no TF regulates a TF gives a figure that says so.

    Raises:
        KeyError: If a column is missing.
    """
    style.require(edges, EDGE_COLUMNS, "edges")
    block = _block(edges, top)
    if block.empty:
        return style.new_figure(0.8, "No TF of the network regulates a TF")
    size = len(block)
    n_edges = counted(int(block.count().sum()), "edge")
    words = title or f"{n_edges} among the {size} TFs best connected to other TFs"
    figure = style.new_figure(0.215 * size + 1.5, words)
    figure.table = edges[edges["TF"].isin(block.index) & edges["Gene"].isin(block.index)]
    axes = figure.subplots()
    three = ListedColormap([SIGN_COLOURS[sign] for sign in (-1, 0, 1)])
    colours = three.with_extremes(bad=style.CARD)
    grid = np.arange(size + 1)
    axes.pcolormesh(
        grid, grid, block.to_numpy(), cmap=colours, vmin=-1, vmax=1, edgecolor=style.RULE, lw=0.4
    )
    axes.set_xticks(grid[:-1] + 0.5, block.columns, rotation=90)
    axes.set_yticks(grid[:-1] + 0.5, block.index)
    axes.invert_yaxis()
    axes.tick_params(length=0)
    axes.set(xlabel="regulating TF", ylabel="regulated TF")
    figure.legend(handles=_sign_key(_signs_in(edges)), loc="outside lower left", ncols=2)
    return figure
