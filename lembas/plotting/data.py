"""Figures of the data: library sizes, principal components, means and SDs, missing genes."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from lembas.plotting import findings, rows, style
from lembas.plotting.density import (
    count_key,
    counts_table,
    draw_counts,
    grid_counts,
    label_key,
    shared_norm,
)

ROLE_LABELS: Mapping[str, str] = {"input": "TF inputs", "target": "targets"}
ROLE_PANELS: Mapping[str, tuple[str, ...]] = {
    "TF inputs": ("TF input", "both"),
    "targets": ("target", "both"),
}


def _groups(samples: pd.DataFrame) -> pd.Series:
    """Name each sample's group: train, test, or its external cohort."""
    return samples["cohort"].where(samples["split"] == "external", samples["split"])


def _box(axes: Axes, values: pd.Series, *, y: float, colour: str) -> None:
    """Draw one horizontal box with whiskers at the 5th and 95th percentile."""
    drawn = axes.boxplot(
        [values.to_numpy()],
        positions=[y],
        orientation="horizontal",
        widths=0.17,
        whis=(5, 95),
        patch_artist=True,
        manage_ticks=False,
        flierprops={"marker": ".", "markersize": 3.5, "markeredgecolor": colour, "alpha": 0.6},
        medianprops={"color": style.INK, "linewidth": 2},
    )
    drawn["boxes"][0].set(facecolor=colour, alpha=0.75, edgecolor=style.INK, linewidth=0.8)


@style.styled
def library_sizes(
    samples: pd.DataFrame,
    *,
    labels: Mapping[str, str] | None = None,
    title: str | None = None,
) -> style.Drawing:
    """Draw the number of reads of the samples of each cohort.

    Args:
        samples: Columns cohort, split, library_size (reads; NaN where not known).
        labels: Cohort name to label; "train" and "test" for the parts of the study.
        title: Text above.

    Returns:
        The figure: box from quartile to quartile, whiskers from the 5th to the 95th percentile.

    Raises:
        KeyError: If a column is missing.
        ValueError: If there is no sample.
    """
    style.require(samples, ["cohort", "split", "library_size"], "samples")
    groups = _groups(samples)
    known = {name: sizes.dropna() for name, sizes in samples["library_size"].groupby(groups)}
    styles = style.cohort_styles(groups)
    notes = {
        name: f"{len(known[name]):,} samples" if len(known[name]) else "not known"
        for name in styles
    }
    labelled = rows.make_rows(list(styles), labels, notes, mark_in=0.28)
    words = title or findings.library_sizes(known, labels)
    figure, (axes,) = rows.stacked_panels(words, [labelled])
    figure.table = samples[["cohort", "split", "library_size"]].rename_axis("sample").reset_index()
    for name, y in rows.draw_rows(axes, labelled).items():
        if len(known[name]):
            _box(axes, known[name] / 1e6, y=y, colour=styles[name][0])
    axes.set_xlabel("reads in genes (millions)")
    axes.set_xlim(left=0)
    return figure


@style.styled
def cohort_pca(
    scores: pd.DataFrame,
    explained: pd.Series,
    *,
    labels: Mapping[str, str] | None = None,
    title: str | None = None,
) -> style.Drawing:
    """Draw the samples of all cohorts on two principal components.

    Args:
        scores: Columns pc1, pc2, cohort, split, one row a sample.
        explained: Share of the training variance, entries pc1 and pc2, between 0 and 1.
        labels: Cohort name to label; "train" and "test" for the parts of the study.
        title: Text above.

    Returns:
        The figure; cohorts differ in marker as well as colour.

    Raises:
        KeyError: If a column is missing.
        ValueError: If there is no sample.
    """
    style.require(scores, ["pc1", "pc2", "cohort", "split"], "PCA")
    groups = _groups(scores)
    styles = style.cohort_styles(groups)
    figure = style.new_figure(3.9 + 0.2 * len(styles), title or findings.components(explained))
    figure.table = scores.rename_axis("sample").reset_index()
    axes = figure.subplots()
    for name, (colour, marker) in styles.items():
        points = scores.loc[groups == name]
        axes.scatter(
            points["pc1"],
            points["pc2"],
            s=26,
            marker=marker,
            facecolor=colour,
            edgecolor=style.CARD,
            linewidth=0.5,
            alpha=0.8,
            label=f"{style.label_of(name, labels)} ({len(points):,})",
            rasterized=len(points) > 300,
        )
    axes.set_xlabel(f"PC 1 ({explained['pc1']:.1%} of variance)")
    axes.set_ylabel(f"PC 2 ({explained['pc2']:.1%} of variance)")
    axes.grid(visible=True)
    figure.legend(loc="outside lower left", ncols=1, markerscale=1.4)
    return figure


@style.styled
def mean_against_sd(
    genes: pd.DataFrame,
    *,
    unit: str,
    title: str | None = None,
) -> style.Drawing:
    """Draw each gene's mean against its SD, TF inputs beside targets.

    Args:
        genes: Columns mean, sd, role ("TF input", "target" or "both"), one row a gene.
        unit: Unit of expression, such as "log10(CPM+1)".
        title: Text above.

    Returns:
        The figure: genes in a cell as colour, on a log scale; a gene with both roles is in both.

    Raises:
        KeyError: If a column is missing.
        ValueError: If there is no gene.
    """
    style.require(genes, ["mean", "sd", "role"], "genes")
    x_edges = np.linspace(0, genes["mean"].max() * 1.03 + 1e-9, 46)
    y_edges = np.linspace(0, genes["sd"].max() * 1.03 + 1e-9, 46)
    cells = {"x_edges": x_edges, "y_edges": y_edges}
    grids = {}
    for name, roles in ROLE_PANELS.items():
        chosen = genes.loc[genes["role"].isin(roles)]
        counts = grid_counts(chosen["mean"].to_numpy(), chosen["sd"].to_numpy(), **cells)
        grids[f"{len(chosen):,} {name}"] = counts
    norm, ends = shared_norm(list(grids.values())), {"mean": x_edges, "sd": y_edges}
    figure = style.new_figure(3.6, title or findings.mean_and_sd(genes))
    figure.table = counts_table(grids, ends, of="role")
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    for axes, (name, counts) in zip(panels, grids.items(), strict=True):
        draw_counts(axes, counts, norm, **cells)
        axes.set(title=name, xlabel=f"mean, {unit}")
    panels[0].set_ylabel(f"SD over samples, {unit}")
    key = count_key(norm)
    bar = figure.colorbar(key, ax=list(panels), location="bottom", shrink=0.75, aspect=34)
    label_key(bar, "genes in a cell")
    return figure


@style.styled
def missingness(
    table: pd.DataFrame,
    *,
    labels: Mapping[str, str] | None = None,
    title: str | None = None,
) -> style.Drawing:
    """Draw how many inputs and targets each cohort lacks.

    Args:
        table: Columns cohort, role, measured, missing (counts of genes).
        labels: Cohort name, or role, to label.
        title: Text above.

    Returns:
        The figure: one panel a role, one bar a cohort, from 0 to 100 %.

    Raises:
        KeyError: If a column is missing.
        ValueError: If there is no row.
    """
    style.require(table, ["cohort", "role", "measured", "missing"], "missingness")
    roles = list(pd.unique(table["role"]))
    tables = [table.loc[table["role"] == role].set_index("cohort") for role in roles]
    labelled = []
    for chosen in tables:
        total = chosen["measured"] + chosen["missing"]
        notes = {
            name: f"{chosen.loc[name, 'missing']:,} of {total[name]:,}" for name in total.index
        }
        labelled.append(rows.make_rows(list(total.index), labels, notes, mark_in=0.24))
    called = {**ROLE_LABELS, **dict({} if labels is None else labels)}
    figure, panels = rows.stacked_panels(title or findings.missing(table, called), labelled)
    for axes, role, chosen, row_set in zip(panels, roles, tables, labelled, strict=True):
        share = chosen["missing"] / (chosen["measured"] + chosen["missing"])
        for name, y in rows.draw_rows(axes, row_set).items():
            axes.barh(y, 1, height=0.13, color=style.TRACK)
            axes.barh(y, share[name], height=0.13, color=style.COHORT_COLOURS[2])
        axes.set(xlim=(0, 1), title=style.label_of(role, called))
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    panels[-1].set_xlabel("genes missing (%)")
    return figure
