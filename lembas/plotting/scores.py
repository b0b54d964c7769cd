"""Figures of scores: aggregates with intervals, per-gene distributions."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from lembas.plotting import findings, rows, style

METRIC_LABELS: Mapping[str, str] = {
    "pearson_pooled": "Pearson correlation, all samples x genes pooled",
    "spearman_pooled": "Spearman correlation, all samples x genes pooled",
    "pearson_per_gene": "Pearson correlation over samples, per gene",
    "spearman_per_gene": "Spearman correlation over samples, per gene",
    "pearson_median_over_genes": "Pearson correlation, median over genes",
    "spearman_median_over_genes": "Spearman correlation, median over genes",
    "r2_pooled": "R² pooled over samples x genes",
    "r2_per_gene": "R² over samples, per gene",
    "r2_mean_over_genes": "R², mean over genes",
    "r2_median_over_genes": "R², median over genes",
    "r2_variance_weighted": "R², genes weighted by variance",
    "skill_per_gene": "skill over samples, per gene",
    "skill_median_over_genes": "skill, median over genes",
    "rmse_pooled": "root mean squared error, pooled",
    "mae_pooled": "mean absolute error, pooled",
    "bias_pooled": "mean of observed - predicted, pooled",
    "residual_sd_pooled": "SD of observed - predicted, pooled",
    "pearson_median_over_samples_centred": "Pearson correlation over centred genes, sample median",
}


_TITLED: Mapping[str, str] = {**METRIC_LABELS, "skill_median_over_genes": "median skill"}


def metric_label(metric: str) -> str:
    """Return words for a metric's name.

    Args:
        metric: Name as in the score tables.

    Returns:
        Text for an axis; the name itself where there are no words for it.
    """
    return METRIC_LABELS.get(metric, metric.replace("_", " "))


def by_model(scores: pd.DataFrame, metric: str, cohort: str) -> pd.DataFrame:
    """Select one score of each model on one cohort, in display order.

    Args:
        scores: Columns model, cohort, metric, value, low, high.
        metric: Score to keep.
        cohort: Cohort to keep.

    Returns:
        Table over models with value, low and high.

    Raises:
        ValueError: If there is no such row, or a model has two.
    """
    chosen = style.pick(style.pick(scores, "cohort", cohort), "metric", metric)
    table = chosen.set_index("model")[["value", "low", "high"]].astype(float)
    if table.index.has_duplicates:
        repeated = ", ".join(table.index[table.index.duplicated()].unique()[:5])
        raise ValueError(
            f"{metric} on {cohort} is given more than once for: {repeated}; keep one row a model."
        )
    return table.loc[style.ordered_models(table.index)]


def _score_rows(table: pd.DataFrame, labels: Mapping[str, str] | None, digits: int) -> rows.Rows:
    """Label the rows of one score panel with value and interval."""
    notes = {
        model: rows.interval_note(row["value"], row["low"], row["high"], digits=digits)
        for model, row in table.iterrows()
    }
    return rows.make_rows(list(table.index), labels, notes)


def draw_scores(axes: Axes, table: pd.DataFrame, labelled: rows.Rows, *, null: str) -> None:
    """Draw one panel of dots and intervals with the null marked through all the rows.

    Args:
        axes: The panel.
        table: Table over models with value, low and high.
        labelled: The panel's rows.
        null: Model whose value is marked; it may be absent.
    """
    positions = rows.draw_rows(axes, labelled)
    if null in table.index:
        rows.draw_reference(axes, float(table.loc[null, "value"]))
    for model, row in table.iterrows():
        rows.draw_interval(
            axes,
            row,
            y=positions[model],
            colour=style.model_colour(model),
            marker=style.model_marker(model),
        )
    axes.margins(x=0.06)


@style.styled
def aggregate_scores(
    scores: pd.DataFrame,
    metrics: Sequence[str] = ("pearson_pooled", "spearman_pooled"),
    *,
    cohort: str,
    labels: Mapping[str, str] | None = None,
    null: str = style.NULL_MODEL,
    title: str | None = None,
    digits: int = 3,
) -> style.Drawing:
    """Draw aggregate scores of each model on one cohort, with 95 % intervals (figure 1A).

    Args:
        scores: Columns model, cohort, metric, value, low, high.
        metrics: One panel each.
        cohort: Cohort to show.
        labels: Model or cohort name to label.
        null: Model whose value is marked through all the rows.
        title: Text above; None names the cohort.
        digits: Decimals of the values written.

    Returns:
        The figure; intervals are drawn from low to high as given.

    Raises:
        KeyError: If a column is missing.
        ValueError: If a metric or the cohort has no rows, or a score is given twice.
    """
    style.require(scores, ["model", "cohort", "metric", "value", "low", "high"], "scores")
    tables = [by_model(scores, metric, cohort) for metric in metrics]
    labelled = [_score_rows(table, labels, digits) for table in tables]
    place, first = style.label_of(cohort, labels), _compared(scores, tables[0])
    told = findings.beside_null(first, null, digits=digits, labels=labels)
    words = title or f"{metric_label(metrics[0])}, {place}: {told or 'not defined'}"
    figure, panels = rows.stacked_panels(findings.capital(words), labelled, share_x=False)
    figure.table = _stacked(dict(zip(metrics, tables, strict=True)), "metric")
    for axes, metric, table, row_set in zip(panels, metrics, tables, labelled, strict=True):
        draw_scores(axes, table, row_set, null=null)
        axes.set_xlabel(metric_label(metric))
    dashed = f"dashed: {style.label_of(null, labels)}"
    panels[0].set_title(dashed, fontweight="normal", color=style.MUTED)
    return figure


@style.styled
def skill_forest(
    scores: pd.DataFrame,
    *,
    cohorts: Sequence[str] | None = None,
    metric: str = "skill_median_over_genes",
    labels: Mapping[str, str] | None = None,
    null: str = style.NULL_MODEL,
    floor: float = -1.0,
    scope: str = "",
    title: str | None = None,
) -> style.Drawing:
    """Draw one score of each model on each cohort, with 95 % intervals: the headline figure.

    Args:
        scores: Columns model, cohort, metric, value, low, high.
        cohorts: Cohorts, one panel each, top first; None for all in the table's order.
        metric: Score to show.
        labels: Model or cohort name to label.
        null: Model whose value is marked in every panel.
        floor: Values below are drawn at this value; the text beside them is not changed.
        scope: What the title begins with, such as "as is".
        title: Text above; None says which model is highest.

    Returns:
        The figure, with one x range for all cohorts.

    Raises:
        KeyError: If a column is missing.
        ValueError: If a cohort lacks the metric, or a score is given twice.
    """
    style.require(scores, ["model", "cohort", "metric", "value", "low", "high"], "scores")
    shown = list(cohorts or pd.unique(style.pick(scores, "metric", metric)["cohort"]))
    tables = [by_model(scores, metric, cohort) for cohort in shown]
    labelled = [_score_rows(table, labels, 2) for table in tables]
    values = {name: _compared(scores, table) for name, table in zip(shown, tables, strict=True)}
    told = findings.highest(values, _TITLED.get(metric, metric), digits=2, labels=labels)
    words = title or (f"{scope}. {told}" if scope else told) or metric_label(metric)
    figure, panels = rows.stacked_panels(findings.capital(words), labelled)
    figure.table = _stacked(dict(zip(shown, tables, strict=True)), "cohort").assign(metric=metric)
    for axes, cohort, table, row_set in zip(panels, shown, tables, labelled, strict=True):
        draw_scores(axes, table.clip(lower=floor), row_set, null=null)
        axes.set_title(style.label_of(cohort, labels))
    below = any((table["value"] < floor).any() for table in tables)
    clipped = f"; values below {floor:g} are drawn there" if below else ""
    words = f"{metric_label(metric)}\ndashed: {style.label_of(null, labels)}{clipped}"
    panels[-1].set_xlabel(words)
    return figure


def _stacked(tables: Mapping[str, pd.DataFrame], name: str) -> pd.DataFrame:
    """Put tables over models below each other, named in a column of their own."""
    return pd.concat(tables, names=[name, "model"]).reset_index()


def _compared(scores: pd.DataFrame, table: pd.DataFrame) -> pd.Series:
    """Keep the values of models that are compared with each other."""
    return table["value"][table.index.isin(findings.ranked(scores))]


def _violin(axes: Axes, values: pd.Series, *, y: float, colour: str) -> None:
    """Draw one violin with its quartiles and median; a handful of values as points."""
    if len(values) > 4 and values.min() < values.max():
        axes.violinplot([values], [y], orientation="horizontal", widths=0.36, showextrema=False)
        body = axes.collections[-1]
        body.set(facecolor=colour, alpha=0.35, edgecolor=colour, linewidth=0.8)
    elif len(values) <= 4:
        axes.plot(values, np.full(len(values), y), ".", color=colour)
    low, median, high = values.quantile([0.25, 0.5, 0.75])
    axes.plot([low, high], [y, y], color=colour, linewidth=3.0, solid_capstyle="butt", zorder=3)
    axes.plot([median], [y], "o", color=style.CARD, markeredgecolor=colour, zorder=4, markersize=6)


def _violin_notes(values: pd.DataFrame, floor: float) -> dict[str, str]:
    """Write the median of each model and how many genes lie below the drawn range."""
    notes = {}
    for model, column in values.items():
        defined = column.dropna()
        if defined.empty:
            notes[str(model)] = "not defined: the prediction is constant"
            continue
        below = int((defined < floor).sum())
        tail = f", {below:,} below {floor:g}" if below else ""
        notes[str(model)] = f"median {defined.median():.3f}{tail}"
    return notes


@style.styled
def gene_violins(
    per_gene: pd.DataFrame,
    metrics: Sequence[str] = ("pearson_per_gene", "spearman_per_gene"),
    *,
    cohort: str,
    labels: Mapping[str, str] | None = None,
    floor: float = -1.0,
    title: str | None = None,
) -> style.Drawing:
    """Draw the distribution of per-gene scores of each model on one cohort (figure 1B).

    Args:
        per_gene: Columns model, cohort, gene, metric, value; NaN where a score is not defined.
        metrics: One panel each.
        cohort: Cohort to show.
        labels: Model or cohort name to label.
        floor: Values below are drawn at this value and counted in the row's note.
        title: Text above; None names the cohort.

    Returns:
        The figure: violin, quartiles (bar) and median (dot) over genes.

    Raises:
        KeyError: If a column is missing.
        ValueError: If a metric or the cohort has no rows.
    """
    style.require(per_gene, ["model", "cohort", "gene", "metric", "value"], "per-gene scores")
    chosen = style.pick(per_gene, "cohort", cohort)
    wide = [
        style.wide(style.pick(chosen, "metric", metric), "gene", "model", values="value")
        for metric in metrics
    ]
    labelled = [
        rows.make_rows(
            style.ordered_models(table), labels, _violin_notes(table, floor), mark_in=0.4
        )
        for table in wide
    ]
    medians = findings.of_most_genes(wide[0]).median()
    told = findings.span(medians, lambda value: f"{value:z.2f}", labels)
    plain = f"Scores gene by gene, {style.label_of(cohort, labels)}"
    words = title or (f"{plain}: medians {told}" if told else plain)
    figure, panels = rows.stacked_panels(words, labelled, share_x=False)
    by_metric = dict(zip(metrics, wide, strict=True))
    figure.table = pd.concat(by_metric, names=["metric", "gene"]).reset_index()
    for axes, metric, table, row_set in zip(panels, metrics, wide, labelled, strict=True):
        for model, y in rows.draw_rows(axes, row_set).items():
            values = table[model].dropna().clip(lower=floor)
            if len(values):
                _violin(axes, values, y=y, colour=style.model_colour(model))
        rows.draw_reference(axes, 0.0)
        axes.set_xlabel(metric_label(metric))
    return figure


@style.styled
def skill_ecdf(
    per_gene: pd.DataFrame,
    *,
    cohort: str,
    labels: Mapping[str, str] | None = None,
    metric: str = "skill_per_gene",
    null: str = style.NULL_MODEL,
    limits: tuple[float, float] = (-0.5, 1.0),
    title: str | None = None,
) -> style.Drawing:
    """Draw the share of genes that reach a given skill, one curve a model.

    Args:
        per_gene: Columns model, cohort, gene, metric, value.
        cohort: Cohort to show.
        labels: Model or cohort name to label.
        metric: Per-gene score to show; 0 stands for the null.
        null: Model that the title leaves out.
        limits: Range of the x axis; the curves start at the share of genes above its lower end.
        title: Text above; None names the cohort.

    Returns:
        The figure: higher and further right is better; 0, the null, is marked.

    Raises:
        KeyError: If a column is missing.
        ValueError: If the metric or the cohort has no rows.
    """
    style.require(per_gene, ["model", "cohort", "gene", "metric", "value"], "per-gene scores")
    chosen = style.pick(style.pick(per_gene, "cohort", cohort), "metric", metric)
    wide = style.wide(chosen, "gene", "model", values="value")
    above = {m: (v.dropna() > 0).mean() for m, v in findings.of_most_genes(wide).items()}
    told = findings.better_than_null(pd.Series(above, dtype=float), null, labels)
    words = title or f"{told}, {style.label_of(cohort, labels)}"
    models = style.ordered_models(chosen["model"])
    figure = style.new_figure(3.3 + 0.2 * len(models), words)
    figure.table = wide[models].reset_index()
    axes = figure.subplots()
    for i, model in enumerate(models):
        values = np.sort(chosen.loc[chosen["model"] == model, "value"].dropna())
        share = 100 * (1 - np.arange(len(values)) / max(len(values), 1))
        shown = np.unique(np.linspace(0, max(len(values) - 1, 0), 400).astype(int))[: len(values)]
        dashes = "-" if i % 2 else (0, (5, 1.5))
        colour, words = style.model_colour(model), style.label_of(model, labels)
        axes.step(
            values[shown], share[shown], where="pre", label=words, color=colour, linestyle=dashes
        )
    axes.axvline(0, color=style.MUTED, linestyle=(0, (4, 3)), linewidth=1.1)
    axes.set(
        xlim=limits, ylim=(0, 101), xlabel=metric_label(metric), ylabel="genes at or above (%)"
    )
    axes.grid(visible=True)
    figure.legend(loc="outside lower left", ncols=1)
    return figure
