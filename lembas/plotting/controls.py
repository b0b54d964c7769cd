"""Figures of control networks: the real one against the cloud of its controls, and depth."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from lembas.plotting import findings, rows, style
from lembas.plotting.drawing import joined

REAL = "real"
PLACE, VALUES = ("model", "variant", "cohort"), ("value", "low", "high")
# Half the height over which the dots of a row are spread, inches: none hides another.
SPREAD_IN = 0.06


def _signed(value: float, low: float, high: float) -> str:
    """Write a difference with its interval."""
    text = f"{value:+z.3f}"  # z: no minus before a rounded zero
    return text if np.isnan(low) or np.isnan(high) else f"{text} [{low:+z.3f}, {high:+z.3f}]"


def _notes(own: pd.DataFrame, differences: pd.DataFrame) -> dict[str, str]:
    """Write the real network's skill, and beside each control how much better the real one is."""
    real = own.loc[own["variant"] == REAL].iloc[0]
    notes = {REAL: rows.interval_note(real["value"], real["low"], real["high"])}
    for row in differences.itertuples(index=False):
        notes[row.variant] = f"real {_signed(row.value, row.low, row.high)}"
    return notes


def _texts(own: pd.DataFrame, variants: Mapping[str, str]) -> dict[str, str]:
    """Label the variants, saying how many networks were drawn."""
    n_draws = own.groupby("variant").size()
    return {
        name: f"{variants[name]} ({n_draws[name]})" if n_draws[name] > 1 else variants[name]
        for name in variants
        if name in n_draws.index
    }


def _draw_ladder(
    axes: Axes, own: pd.DataFrame, labelled: rows.Rows, *, model: str, floor: float
) -> None:
    """Draw one model's panel: the real network with its interval, the others as dots."""
    colour, positions = style.model_colour(model), rows.draw_rows(axes, labelled)
    drawn = own.assign(**{name: own[name].clip(lower=floor) for name in ("value", "low", "high")})
    real = drawn.loc[drawn["variant"] == REAL].iloc[0]
    rows.draw_reference(axes, float(real["value"]))
    for variant, y in positions.items():
        if variant == REAL:
            rows.draw_interval(axes, real, y=y, colour=colour, marker=style.model_marker(model))
            continue
        values = drawn.loc[drawn["variant"] == variant].sort_values("draw")["value"]
        # Spread evenly, by draw: the same table gives the same figure.
        offset = SPREAD_IN * (np.linspace(-1, 1, len(values)) if len(values) > 1 else np.zeros(1))
        axes.plot(
            values,
            y + offset,
            linestyle="none",
            marker="o",
            markersize=4.5,
            markerfacecolor=style.MUTED,
            markeredgecolor=style.CARD,
            markeredgewidth=0.4,
            alpha=0.8,
            zorder=3,
        )
    axes.margins(x=0.06)


@style.styled
def network_ladder(
    scores: pd.DataFrame,
    differences: pd.DataFrame,
    *,
    cohort: str,
    variants: Mapping[str, str],
    labels: Mapping[str, str] | None = None,
    floor: float = -0.5,
    title: str | None = None,
) -> style.Drawing:
    """Draw the skill with the real network against the cloud of its controls, one panel a model.

    Args:
        scores: Columns model, variant, draw, cohort, value, low, high; one row a network; the
            variant "real" is the real network.
        differences: Columns model, variant, cohort, value, low, high: real - mean of controls.
        cohort: Cohort to show.
        variants: Variant to label, in the order of the rows; others are left out.
        labels: Model or cohort name to label.
        floor: Values below are drawn at this value; the text beside them is not changed.
        title: Text above; None counts the comparisons in which the real network is above.

    Returns:
        The figure: the real network as a marker on its interval, every control as a dot, and at
        the right of each row how much better the real network is, with its interval.

    Raises:
        KeyError: If a column is missing.
        ValueError: If the cohort has no rows, or a model no real network.
    """
    style.require(scores, [*PLACE, "draw", *VALUES], "control scores")
    style.require(differences, [*PLACE, *VALUES], "differences")
    chosen = style.pick(scores, "cohort", cohort)
    models, apart = style.ordered_models(chosen["model"]), differences["cohort"] == cohort
    own = {model: style.pick(chosen, "model", model) for model in models}
    without = [model for model, table in own.items() if REAL not in set(table["variant"])]
    if without:
        raise ValueError(
            f"no score of the real network for {', '.join(without[:5])}; the figure compares with "
            f"it: add rows with the variant {REAL!r}."
        )
    labelled = []
    for model, table in own.items():
        texts = _texts(table, variants)
        notes = _notes(table, differences[apart & (differences["model"] == model)])
        labelled.append(rows.make_rows(list(texts), texts, notes))
    shown = differences[apart & differences["variant"].isin(list(variants))]
    words = title or findings.beaten_controls(shown, style.label_of(cohort, labels))
    figure, panels = rows.stacked_panels(words, labelled, extra_in=0.2)
    figure.table = joined({"skill": chosen, "real - mean of controls": shown})
    for axes, (model, table), row_set in zip(panels, own.items(), labelled, strict=True):
        _draw_ladder(axes, table, row_set, model=model, floor=floor)
        axes.set_title(style.label_of(model, labels))
    clipped = f"; below {floor:g} drawn there" if (chosen["value"] < floor).any() else ""
    panels[-1].set_xlabel(
        f"skill, median over genes; each dot one network{clipped}\n"
        "dashed: real network; right: real - mean of the dots"
    )
    return figure


def _depth_title(wide: pd.DataFrame, labels: Mapping[str, str] | None) -> str:
    """Say at what depth each cohort's skill is the highest."""
    best = [
        f"T = {values.idxmax():g} ({style.label_of(str(cohort), labels)})"
        for cohort, values in wide.items()
        if values.notna().any()
    ]
    return f"Highest skill: {', '.join(best) or 'not defined'}"


@style.styled
def depth_curve(
    table: pd.DataFrame,
    *,
    references: Mapping[str, float] | None = None,
    labels: Mapping[str, str] | None = None,
    floor: float = -0.5,
    title: str | None = None,
) -> style.Drawing:
    """Draw the skill of LEMBAS-RNN against its number of updates T, one curve a cohort.

    Args:
        table: Columns depth (T), cohort, value, low, high.
        references: Cohort to a skill drawn dashed in the cohort's colour, such as that of the
            masked ridge.
        labels: Cohort to label.
        floor: Values below are drawn at this value.
        title: Text above.

    Returns:
        The figure; the depths stand at equal distances.

    Raises:
        KeyError: If a column is missing.
        ValueError: If there is no row, or a cohort has a depth twice.
    """
    style.require(table, ["depth", "cohort", "value", "low", "high"], "depths")
    wide = style.wide(table, "depth", "cohort", values="value")
    looks = style.cohort_styles(wide.columns)
    words = title or _depth_title(wide[list(looks)], labels)
    figure = style.new_figure(3.2 + 0.2 * len(looks), words)
    axes, place = figure.subplots(), {depth: i for i, depth in enumerate(wide.index)}
    for i, (cohort, (colour, marker)) in enumerate(looks.items()):
        own = table.loc[table["cohort"] == cohort].sort_values("depth")
        # A little apart, so that the intervals of two cohorts do not hide each other.
        x = own["depth"].map(place) + 0.06 * (i - (len(looks) - 1) / 2)
        value, low, high = (own[name].clip(lower=floor) for name in ("value", "low", "high"))
        axes.vlines(x, low, high, color=colour, linewidth=2.0)
        words = style.label_of(cohort, labels)
        axes.plot(x, value, marker=marker, color=colour, label=words, markersize=6.5)
        if references and cohort in references:
            axes.axhline(references[cohort], color=colour, linestyle=(0, (4, 3)), linewidth=1.1)
    clipped = f"; below {floor:g} drawn there" if (table["value"] < floor).any() else ""
    axes.set_xticks(list(place.values()), [f"{depth:g}" for depth in place])
    axes.set(xlabel=f"updates T of LEMBAS-RNN{clipped}", ylabel="skill, median over genes")
    axes.grid(visible=True)
    figure.legend(loc="outside lower left", ncols=1)
    return figure
