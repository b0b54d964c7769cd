"""Figures of evidence: ranks over folds, coverage, learning curves, few labels, strata."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes

from lembas.plotting import findings, rows, style
from lembas.plotting.scores import metric_label


@style.styled
def mean_ranks(
    ranks: pd.DataFrame,
    critical_difference: float,
    *,
    labels: Mapping[str, str] | None = None,
    title: str | None = None,
) -> style.Drawing:
    """Draw each model's mean rank over folds with half the critical difference either way.

    Args:
        ranks: Columns model, mean_rank, low, high; the best first.
        critical_difference: Nemenyi's, in ranks.
        labels: Model to label.
        title: Text above; None for the usual one.

    Returns:
        The figure: models whose bars overlap do not differ by Nemenyi's test.

    Raises:
        KeyError: If a column is missing.
        ValueError: If there is no row.
    """
    style.require(ranks, ["model", "mean_rank", "low", "high"], "ranks")
    table = ranks.set_index("model").rename(columns={"mean_rank": "value"})
    notes = {model: f"{value:.2f}" for model, value in table["value"].items()}
    labelled = rows.make_rows(list(table.index), labels, notes)
    words = title or findings.ranks(table["value"], critical_difference, labels)
    figure, (axes,) = rows.stacked_panels(words, [labelled], extra_in=0.15)
    for model, y in rows.draw_rows(axes, labelled).items():
        _mark(axes, table.loc[model], model, y)
    axes.margins(x=0.06)
    axes.set_xlabel(
        f"mean rank, 1 is the best\nbars: critical difference of {critical_difference:.2f} ranks"
    )
    return figure


def _mark(axes: Axes, row: pd.Series, model: str, y: float) -> None:
    """Draw one model's value and range in its colour and with its marker."""
    colour, marker = style.model_colour(model), style.model_marker(model)
    rows.draw_interval(axes, row, y=y, colour=colour, marker=marker)


@style.styled
def interval_coverage(
    coverage: pd.DataFrame,
    *,
    quantities: Mapping[str, str],
    aim: tuple[float, float] = (0.93, 0.97),
    title: str | None = None,
) -> style.Drawing:
    """Draw how often 95 % intervals hold the truth in simulated studies, one panel a regime.

    Args:
        coverage: Columns regime, n_units, n_samples, quantity, coverage, low, high.
        quantities: Quantity to words.
        aim: Range that is aimed at, shaded.
        title: Text above; None for the usual one.

    Returns:
        The figure; the bars are what the number of simulated studies leaves open.

    Raises:
        KeyError: If a column is missing.
        ValueError: If there is no row.
    """
    columns = ["regime", "n_units", "n_samples", "quantity", "coverage", "low", "high"]
    style.require(coverage, columns, "coverage")
    parts = [part.set_index("quantity") for _, part in coverage.groupby("regime", sort=False)]
    labelled = []
    for part in parts:
        notes = {
            name: "no interval" if pd.isna(value) else f"{100 * value:.1f} %"
            for name, value in part["coverage"].items()
        }
        labelled.append(rows.make_rows(list(part.index), quantities, notes))
    told = findings.ends(100 * coverage["coverage"], lambda end: f"{end:.1f}")
    words = title or f"95 % intervals hold the truth in {told} % of simulated studies"
    figure, panels = rows.stacked_panels(words, labelled)
    for axes, part, row_set in zip(panels, parts, labelled, strict=True):
        axes.axvspan(100 * aim[0], 100 * aim[1], color=style.RULE, alpha=0.5, linewidth=0)
        percent = 100 * part[["coverage", "low", "high"]].rename(columns={"coverage": "value"})
        for quantity, y in rows.draw_rows(axes, row_set).items():
            if percent.loc[quantity].notna().all():
                rows.draw_interval(
                    axes, percent.loc[quantity], y=y, colour=style.LOWERS, marker="o"
                )
        first = part.iloc[0]
        axes.set_title(
            f"{first['regime']}: {first['n_units']:.0f} units, {first['n_samples']:.0f} samples"
        )
        axes.margins(x=0.06)
    panels[-1].set_xlabel("intervals that hold the truth (%)\nshaded: the aim; A/A: 95 % or more")
    return figure


def _curves(axes: Axes, table: pd.DataFrame, x: str, labels: Mapping[str, str] | None) -> None:
    """Draw one curve a model with its range as a band of bars; every other one is dashed."""
    for i, model in enumerate(style.ordered_models(table["model"])):
        own = table[table["model"] == model].sort_values(x)
        colour = style.model_colour(model)
        axes.plot(
            own[x],
            own["value"],
            color=colour,
            marker=style.model_marker(model),
            markersize=6,
            linestyle="-" if i % 2 else (0, (5, 1.5)),
            label=style.label_of(model, labels),
        )
        axes.vlines(own[x], own["low"], own["high"], color=colour, linewidth=1.2, alpha=0.7)
    axes.grid(visible=True)


@style.styled
def learning_curves(
    summary: pd.DataFrame,
    *,
    labels: Mapping[str, str] | None = None,
    floor: float = -1.0,
    title: str | None = None,
) -> style.Drawing:
    """Draw the median skill on the test samples against the number of training samples.

    Args:
        summary: Columns model, n_train, value, low, high; the range over seeds.
        labels: Model to label.
        floor: Values below are drawn at this value.
        title: Text above; None for the usual one.

    Returns:
        The figure.

    Raises:
        KeyError: If a column is missing.
        ValueError: If there is no row.
    """
    style.require(summary, ["model", "n_train", "value", "low", "high"], "learning curve")
    n_models = summary["model"].nunique()
    words = title or findings.with_most_samples(summary, labels)
    figure = style.new_figure(3.2 + 0.2 * n_models, words)
    axes = figure.subplots()
    columns = ["value", "low", "high"]
    is_below = bool((summary[columns] < floor).any(axis=None))
    shown = summary.assign(**summary[columns].clip(lower=floor))
    _curves(axes, shown, "n_train", labels)
    axes.axhline(0, color=style.MUTED, linestyle=(0, (4, 3)), linewidth=1.1)
    clipped = f"; values below {floor:g} are drawn there" if is_below else ""
    axes.set(xlabel=f"training samples{clipped}", ylabel=metric_label("skill_median_over_genes"))
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower left", ncols=1)
    return figure


@style.styled
def few_shot_curves(
    summary: pd.DataFrame,
    *,
    labels: Mapping[str, str] | None = None,
    null: str = style.NULL_MODEL,
    floor: float = -1.0,
    title: str | None = None,
) -> style.Drawing:
    """Draw the skill on external cohorts against the number of labelled samples, a panel each.

    Args:
        summary: Columns cohort, model, k, value, low, high; the range over draws.
        labels: Model or cohort name to label.
        null: Model that the title leaves out.
        floor: Values below are drawn at this value.
        title: Text above; None for the usual one.

    Returns:
        The figure; 0 is the null with the same help.

    Raises:
        KeyError: If a column is missing.
        ValueError: If there is no row.
    """
    style.require(summary, ["cohort", "model", "k", "value", "low", "high"], "few-shot")
    cohorts = list(pd.unique(summary["cohort"]))
    n_models = summary["model"].nunique()
    words = title or findings.above_null(summary, null, labels)
    figure = style.new_figure(2.5 * len(cohorts) + 0.3 + 0.2 * n_models, words)
    panels = figure.subplots(len(cohorts), 1, sharex=True, squeeze=False)[:, 0]
    columns = ["value", "low", "high"]
    is_below = bool((summary[columns] < floor).any(axis=None))
    for axes, cohort in zip(panels, cohorts, strict=True):
        own = summary[summary["cohort"] == cohort]
        _curves(axes, own.assign(**own[columns].clip(lower=floor)), "k", labels)
        axes.axhline(0, color=style.MUTED, linestyle=(0, (4, 3)), linewidth=1.1)
        axes.set_title(style.label_of(cohort, labels))
        axes.set_ylabel("median skill")
    panels[-1].set_xticks(sorted(summary["k"].unique()))
    clipped = f"\nvalues below {floor:g} are drawn there" if is_below else ""
    panels[-1].set_xlabel(f"labelled samples of the cohort; 0: as is{clipped}")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower left", ncols=1)
    return figure


@style.styled
def strata_differences(
    table: pd.DataFrame,
    *,
    kind: str,
    model: str,
    words: str,
    labels: Mapping[str, str] | None = None,
    reference: str = "masked_ridge",
) -> style.Drawing:
    """Draw a model's and the reference's skill in every stratum of one kind.

    Args:
        table: Columns kind, stratum, n_genes, model, value, low, high, as
            :func:`lembas.gene_strata.skill_by_stratum` gives them.
        kind: Kind to show.
        model: Model to show.
        words: What the genes are sorted by.
        labels: Model to label.
        reference: Model shown beside it, hollow.

    Returns:
        The figure: one row a stratum, strata without genes left out.

    Raises:
        KeyError: If a column is missing.
        ValueError: If the kind, or either model, has no rows.
    """
    columns = ["kind", "stratum", "n_genes", "model", "value", "low", "high"]
    style.require(table, columns, "strata")
    own = style.pick(table, "kind", kind)
    shown = {
        name: style.pick(own, "model", name).set_index("stratum") for name in (model, reference)
    }
    strata = list(shown[model].index)
    notes = {name: _stratum_note(shown, model, reference, name) for name in strata}
    labelled = rows.make_rows(strata, None, notes, mark_in=0.3)
    called = (style.label_of(model, labels), style.label_of(reference, labels))
    title = findings.ahead(shown[model]["value"], shown[reference]["value"], called, words)
    figure, (axes,) = rows.stacked_panels(title, [labelled], extra_in=0.2)
    figure.table = own[own["model"].isin([model, reference])]
    for stratum, y in rows.draw_rows(axes, labelled).items():
        for name, lift in ((model, 0.055), (reference, -0.055)):
            rows.draw_interval(
                axes,
                shown[name].loc[stratum],
                y=y + lift,
                colour=style.model_colour(name),
                marker=style.model_marker(name),
                hollow=name == reference,
            )
    rows.draw_reference(axes, 0.0)
    axes.margins(x=0.06)
    hollow = style.label_of(reference, labels)
    axes.set_xlabel(f"{metric_label('skill_median_over_genes')}\nhollow: {hollow}; dashed: 0")
    return figure


def _stratum_note(
    shown: Mapping[str, pd.DataFrame], model: str, reference: str, stratum: str
) -> str:
    """Write the two skills and the number of genes of one stratum."""
    first, second = (float(shown[name].loc[stratum, "value"]) for name in (model, reference))
    n_genes = int(shown[model].loc[stratum, "n_genes"])
    return f"{first:z.2f} and {second:z.2f}, {n_genes:,} genes"
