"""Figures of predictions: observed against predicted, residuals against predicted."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import SubFigure
from matplotlib.ticker import MaxNLocator

from lembas.gene_sets import SHARED, panel_of
from lembas.plotting import findings, style
from lembas.plotting.density import (
    count_key,
    counts_table,
    draw_counts,
    grid_counts,
    label_key,
    shared_norm,
)
from lembas.plotting.rows import HALO

COUNTED = "points (samples x genes) in a cell"
STRATA = ("low", "middle", "high")
BINS = 70


def _matched(truth: pd.DataFrame, prediction: pd.DataFrame, model: str) -> pd.DataFrame:
    """Put a prediction in the order of the truth, by label; it may cover fewer genes."""
    samples = truth.index.symmetric_difference(prediction.index)
    genes = prediction.columns.difference(truth.columns)
    for wrong, words in ((samples, "samples in one only"), (genes, "genes not measured")):
        if len(wrong):
            raise ValueError(
                f"the prediction of {model} does not fit the truth, {len(wrong)} {words}: "
                f"{', '.join(map(str, wrong[:5]))}; give the same samples, and measured genes only."
            )
    return prediction.loc[truth.index, truth.columns.intersection(prediction.columns, sort=False)]


def _panel_name(name: str, table: pd.DataFrame, truth: pd.DataFrame) -> str:
    """Name the model, and say so when it predicts fewer genes than are measured."""
    n_genes, n_measured = table.shape[1], truth.shape[1]
    return name if n_genes == n_measured else f"{name}, {n_genes:,} of {n_measured:,} genes"


def _range(tables: Sequence[pd.DataFrame], margin: float = 0.03) -> tuple[float, float]:
    """Find the range of several tables with a margin."""
    low = min(float(table.to_numpy().min()) for table in tables)
    high = max(float(table.to_numpy().max()) for table in tables)
    pad = margin * max(high - low, 1e-6)
    return low - pad, high + pad


def _tidy_ticks(axes: Sequence[Axes]) -> None:
    """Keep ticks few and equal on both axes of small panels."""
    for panel in axes:
        panel.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        panel.yaxis.set_major_locator(MaxNLocator(4, integer=True))


def _pooled(scores: pd.DataFrame, cohort: str) -> pd.DataFrame:
    """Spread the pooled R2 of one cohort: one row a set of genes, one column a model."""
    rows = style.pick(style.pick(scores, "cohort", cohort), "metric", "r2_pooled")
    return rows.pivot_table(index="genes", columns="model", values="value", dropna=False)


@style.styled
def predicted_against_observed(
    truth: pd.DataFrame,
    predictions: Mapping[str, pd.DataFrame],
    scores: pd.DataFrame,
    *,
    cohort: str,
    unit: str,
    labels: Mapping[str, str] | None = None,
    null: str = style.NULL_MODEL,
    title: str | None = None,
) -> style.Drawing:
    """Draw predicted against observed expression, one panel a model (figures 2A and 3A).

    Args:
        truth: Measured expression, shape (sample, gene).
        predictions: Model to predicted expression with the same samples, in any order; a model
            may predict fewer genes, and its panel then says how many.
        scores: Columns model, cohort, genes, metric, value, with the rows of `r2_pooled` of every
            set of genes: a panel model's score stands beside the null's of the same genes.
        cohort: Cohort shown, as named in `scores`.
        unit: Unit of expression, such as "log10(CPM+1)".
        labels: Model or cohort name to label.
        null: Model whose pooled R2 stands beside each model's own.
        title: Text above; None names the cohort.

    Returns:
        The figure: counts on a log colour scale, the identity as a dashed line.

    Raises:
        KeyError: If a column, or the pooled R2 of a model, is missing.
        ValueError: If a prediction has other samples, or genes that were not measured.
    """
    style.require(scores, ["model", "cohort", "genes", "metric", "value"], "scores")
    pooled = _pooled(scores, cohort)
    models = style.ordered_models(predictions)
    tables = [_matched(truth, predictions[model], model) for model in models]
    edges = np.linspace(*_range([truth, *tables]), BINS + 1)
    cells = {"x_edges": edges, "y_edges": edges}
    grids = [
        grid_counts(truth[table.columns].to_numpy(), table.to_numpy(), **cells) for table in tables
    ]
    norm = shared_norm(grids)
    own = pd.Series({model: _own_score(model, pooled) for model in models})
    words = title or _pooled_title(own, pooled, null, cohort=cohort, labels=labels)
    figure, panels = _grid(len(models), words, ratio=0.9)
    ends = {"observed": edges, "predicted": edges}
    figure.table = counts_table(dict(zip(models, grids, strict=True)), ends, of="model")
    for axes, model, table, counts in zip(panels, models, tables, grids, strict=True):
        draw_counts(axes, counts, norm, **cells)
        _draw_identity(axes, edges[[0, -1]])
        name = _panel_name(style.label_of(model, labels), table, truth)
        axes.set_title(style.wrapped(name, 22))
        note = _pooled_note(model, pooled, null)
        axes.text(0.98, 0.06, note, transform=axes.transAxes, ha="right", bbox=HALO)
    _tidy_ticks(panels)
    for axes in panels[-2:]:
        axes.set_xlabel(f"observed, {unit}")
    figure.supylabel(f"predicted, {unit}", fontsize=10.5)
    key = count_key(norm)
    bar = figure.colorbar(key, ax=panels, location="bottom", shrink=0.75, aspect=34, pad=0.01)
    label_key(bar, COUNTED)
    return figure


def _draw_identity(axes: Axes, ends: np.ndarray) -> None:
    """Draw where prediction and observation are equal, over the whole of a panel."""
    axes.plot(ends, ends, color=style.INK, linewidth=1, linestyle="--")
    axes.set(xlim=ends, ylim=ends)


def _own_score(model: str, pooled: pd.DataFrame, of: str | None = None) -> float:
    """Find a pooled R2 over the genes of a model: its own, or another's of the same genes."""
    own = panel_of(model) if panel_of(model) in pooled.index else SHARED
    return float(pooled.loc[own, of or model])


def _pooled_title(
    own: pd.Series,
    pooled: pd.DataFrame,
    null: str,
    *,
    cohort: str,
    labels: Mapping[str, str] | None,
) -> str:
    """Say the highest pooled R2 and the null's of the same genes."""
    place = style.label_of(cohort, labels)
    # A panel model's score is of its own genes; it stands in its panel, beside the null of these.
    shared = own[[panel_of(str(model)) not in pooled.index for model in own.index]]
    others = shared.drop(index=null, errors="ignore").dropna()
    if others.empty:
        return f"Predicted against observed expression, {place}"
    best = str(others.idxmax())
    beside = {best: others[best]}
    if null in pooled:
        beside[null] = _own_score(best, pooled, null)
    told = findings.beside_null(pd.Series(beside), null, digits=3, labels=labels)
    return f"Pooled R², {place}: {told}"


def _pooled_note(model: str, pooled: pd.DataFrame, null: str) -> str:
    """Write a model's pooled R2 with the null's of the same genes beside it."""
    score = f"R² pooled {_own_score(model, pooled):.3f}"
    if model == null or null not in pooled or pd.isna(_own_score(model, pooled, null)):
        return score
    return f"{score}\nnull {_own_score(model, pooled, null):.3f}"


def _grid(n_panels: int, title: str, *, ratio: float) -> tuple[style.Drawing, list[Axes]]:
    """Open a figure of two columns of panels with shared ranges, spare panels removed."""
    n_rows = -(-n_panels // 2)
    figure = style.new_figure(n_rows * (2.2 * ratio + 0.5) + 1.2, title)
    axes = figure.subplots(n_rows, 2, sharex=True, sharey=True, squeeze=False).ravel()
    for spare in axes[n_panels:]:
        spare.remove()
    for panel in axes[max(n_panels - 2, 0) : n_panels]:
        panel.tick_params(labelbottom=True)
    return figure, list(axes[:n_panels])


def _stratum_note(stats: pd.DataFrame, model: str, stratum: str) -> str:
    """Write bias and residual SD of one panel, as computed by the caller."""
    rows = stats.loc[(stats["model"] == model) & (stats["stratum"] == stratum)]
    values = rows.set_index("metric")["value"]
    return (
        f"{stratum} CV\nbias {values['bias_pooled']:+z.2f}\nSD {values['residual_sd_pooled']:.2f}"
    )


def _draw_stratum(
    axes: Axes, counts: np.ndarray, cells: Mapping[str, np.ndarray], *, norm: LogNorm, note: str
) -> None:
    """Draw the residuals of one model in one stratum."""
    draw_counts(axes, counts, norm, **cells)
    axes.axhline(0, color=style.INK, linewidth=1, linestyle="--")
    axes.set(xlim=cells["x_edges"][[0, -1]], ylim=cells["y_edges"][[0, -1]])
    axes.set_title(note, fontweight="normal")


@style.styled
def residuals_by_stratum(
    truth: pd.DataFrame,
    predictions: Mapping[str, pd.DataFrame],
    strata: pd.Series,
    *,
    statistics: pd.DataFrame,
    cohort: str,
    unit: str,
    labels: Mapping[str, str] | None = None,
    limit: float | None = None,
    title: str | None = None,
) -> style.Drawing:
    """Draw residuals against predictions in three strata of variability (figures 2B and 3B).

    Args:
        truth: Measured expression, shape (sample, gene).
        predictions: Model to predicted expression with the same samples, in any order; a model
            may predict fewer genes, and its panel then says how many.
        strata: Gene to "low", "middle" or "high" coefficient of variation; a gene outside it is
            left out.
        statistics: Columns model, stratum, metric, value, with `bias_pooled` and
            `residual_sd_pooled`.
        cohort: Cohort shown, for the title.
        unit: Unit of expression.
        labels: Model or cohort name to label.
        limit: Range of the residual axis, either side of 0; None for the 99.9th percentile.
            Residuals beyond it are drawn at the edge.
        title: Text above; None names the cohort.

    Returns:
        The figure; residual = observed - predicted, so below 0 the model predicts too much.

    Raises:
        KeyError: If a column or a statistic is missing.
        ValueError: If a prediction has other samples, or genes that were not measured, or a
            stratum has no gene.
    """
    style.require(statistics, ["model", "stratum", "metric", "value"], "strata statistics")
    models = style.ordered_models(predictions)
    tables = [_matched(truth, predictions[model], model) for model in models]
    residuals = [truth[table.columns] - table for table in tables]
    reach = limit or max(float(np.quantile(np.abs(r.to_numpy()), 0.999)) for r in residuals)
    cells = {
        "x_edges": np.linspace(*_range(tables), BINS + 1),
        "y_edges": np.linspace(-reach, reach, BINS + 1),
    }
    grids = [
        _stratum_counts(t, r, strata, cells=cells) for t, r in zip(tables, residuals, strict=True)
    ]
    norm = shared_norm([grid for row in grids for grid in row])
    words = title or _residual_title(statistics, models, style.label_of(cohort, labels))
    called = [style.label_of(model, labels) for model in models]
    names = [_panel_name(name, t, truth) for name, t in zip(called, tables, strict=True)]
    figure, foot, panels = _strata_grid(names, words)
    figure.table = _strata_table(dict(zip(models, grids, strict=True)), cells)
    for model, row, row_axes in zip(models, grids, panels, strict=True):
        for stratum, counts, axes in zip(STRATA, row, row_axes, strict=True):
            note = _stratum_note(statistics, model, stratum)
            _draw_stratum(axes, counts, cells, norm=norm, note=note)
    _tidy_ticks(list(panels.ravel()))
    panels[-1, 1].set_xlabel(f"predicted, {unit}")
    figure.supylabel(f"observed - predicted, {unit}", fontsize=10.5)
    below = foot.subplots()
    below.set_box_aspect(1 / 34)
    bar = figure.colorbar(count_key(norm), cax=below, orientation="horizontal")
    label_key(bar, COUNTED)
    return figure


def _residual_title(statistics: pd.DataFrame, models: Sequence[str], place: str) -> str:
    """Say how far residuals spread in the least and the most variable third, over the models."""
    chosen = statistics[statistics["model"].isin(list(models))]
    spread = style.pick(chosen, "metric", "residual_sd_pooled").groupby("stratum")["value"].median()
    low, high = (f"{spread[name]:.2f}" for name in (STRATA[0], STRATA[-1]))
    return f"SD of residuals, {place}: {low} for genes of low CV, {high} of high (median model)"


def _strata_table(
    grids: Mapping[str, Sequence[np.ndarray]], cells: Mapping[str, np.ndarray]
) -> pd.DataFrame:
    """List the cells of every model and stratum."""
    ends = {"predicted": cells["x_edges"], "residual": cells["y_edges"]}
    parts = {
        model: counts_table(dict(zip(STRATA, row, strict=True)), ends, of="stratum")
        for model, row in grids.items()
    }
    return pd.concat(parts, names=["model"]).reset_index("model")


def _stratum_counts(
    table: pd.DataFrame,
    residual: pd.DataFrame,
    strata: pd.Series,
    *,
    cells: Mapping[str, np.ndarray],
) -> list[np.ndarray]:
    """Count one model's predictions and residuals in each stratum."""
    parts = [_stratum_genes(strata, table.columns, name) for name in STRATA]
    return [
        grid_counts(table[genes].to_numpy(), residual[genes].to_numpy(), **cells) for genes in parts
    ]


def _stratum_genes(strata: pd.Series, genes: pd.Index, name: str) -> pd.Index:
    """List the measured genes of one stratum."""
    kept = genes.intersection(strata.index[strata == name])
    if kept.empty:
        given = ", ".join(map(str, pd.unique(strata)[:5]))
        raise ValueError(
            f"no measured gene in the stratum {name!r}; the strata given are: {given}; "
            f"each of {', '.join(STRATA)} needs a gene."
        )
    return kept


def _strata_grid(names: Sequence[str], title: str) -> tuple[style.Drawing, SubFigure, np.ndarray]:
    """Open one row of three small panels a model, with a foot for the colour key."""
    figure = style.new_figure(len(names) * 2.3 + 1.0, title)
    heights = [2.3] * len(names) + [0.7]
    *parts, foot = figure.subfigures(len(names) + 1, 1, squeeze=False, height_ratios=heights)[:, 0]
    panels = []
    for part, name in zip(parts, names, strict=True):
        part.suptitle(style.wrapped(name, 52), x=0.02, ha="left", fontsize=10.5)
        panels.append(part.subplots(1, len(STRATA), sharex=True, sharey=True))
    return figure, foot, np.array(panels)
