"""Figures of what attributions are worth: stability, agreement with the prior, sanity checks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.patches import Patch

from lembas.agreement import DECOY_LIMIT
from lembas.plotting import findings, rows, style


@dataclass(frozen=True)
class Check:
    """Describe one panel of :func:`attribution_checks`.

    Attributes:
        title: What is checked.
        axis: What the values are.
        limit: A value to mark through all rows; NaN for none.
    """

    title: str
    axis: str
    limit: float = float("nan")


CHECKS: Mapping[str, Check] = {
    "overlap": Check(
        "Two refits: the ten TFs that matter most", "part in common (grey: by chance)"
    ),
    "rbo": Check("Two refits: all TFs, first ranks first", "rank-biased overlap (grey: by chance)"),
    "randomised": Check(
        "The model and itself with permuted weights",
        "rank-biased overlap (grey: by chance within the network)",
    ),
    "decoys": Check("Decoys", "times an equal share (dashed: limit)", DECOY_LIMIT),
    "no path": Check("TFs without a path to the gene", "times what random TFs get"),
}


@style.styled
def attribution_checks(
    table: pd.DataFrame, *, title: str, labels: Mapping[str, str] | None = None
) -> style.Drawing:
    """Draw checks of the models' attributions, one panel a check and one row a model.

    Args:
        table: Columns check (of ``CHECKS``), model, value, low, high, reference (what chance, or
            an equal share, gives; NaN for none).
        title: Text above.
        labels: Model to label.

    Returns:
        The figure: a marker on its range, and a grey bar at the reference.

    Raises:
        KeyError: If a column is missing.
        ValueError: If there is no row, or a check is unknown.
    """
    columns = ["check", "model", "value", "low", "high", "reference"]
    style.require(table, columns, "checks")
    unknown = sorted(set(table["check"]) - set(CHECKS))
    if unknown:
        raise ValueError(f"unknown check(s) {', '.join(unknown[:5])}; known: {', '.join(CHECKS)}")
    parts = {name: table[table["check"] == name].set_index("model") for name in CHECKS}
    shown = {name: part for name, part in parts.items() if len(part)}
    labelled = []
    for part in shown.values():
        notes = {m: _note(row["value"], row["reference"]) for m, row in part.iterrows()}
        labelled.append(rows.make_rows(style.ordered_models(part.index), labels, notes))
    figure, panels = rows.stacked_panels(
        title, labelled, share_x=False, extra_in=0.3 * len(labelled)
    )
    for axes, row_set, (name, part) in zip(panels, labelled, shown.items(), strict=True):
        for model, y in rows.draw_rows(axes, row_set).items():
            colour, marker = style.model_colour(model), style.model_marker(model)
            reference = part.loc[model, "reference"]
            if not np.isnan(reference):
                axes.plot([reference] * 2, [y - 0.075, y + 0.075], color=style.MUTED, linewidth=2.6)
            if not np.isnan(part.loc[model, "value"]):
                rows.draw_interval(axes, part.loc[model], y=y, colour=colour, marker=marker)
        rows.draw_reference(axes, CHECKS[name].limit)
        axes.set_title(CHECKS[name].title)
        axes.set_xlabel(CHECKS[name].axis)
        least, most = axes.get_xlim()
        axes.set_xlim(min(least, -0.02), max(most, 1.0))
    return figure


def _note(value: float, reference: float) -> str:
    """Write a value with its reference."""
    if np.isnan(value):
        return "not defined"
    return f"{value:.2f}" if np.isnan(reference) else f"{value:.2f} ({reference:.2f})"


@style.styled
def prior_shares(
    table: pd.DataFrame,
    kinds: Mapping[str, str],
    *,
    labels: Mapping[str, str] | None = None,
    title: str | None = None,
) -> style.Drawing:
    """Draw how each model's attributions are divided among kinds of TFs, mean over genes.

    Args:
        table: Columns model, kind, share, chance.
        kinds: Kind to words, in the order of drawing.
        labels: Model to label.
        title: Text above.

    Returns:
        The figure: for each model a thick bar, and below it a thin one of random sets of TFs.

    Raises:
        KeyError: If a column is missing.
        ValueError: If there is no row.
    """
    style.require(table, ["model", "kind", "share", "chance"], "shares")
    first = next(iter(kinds))
    own = table[table["kind"] == first].set_index("model")["share"]
    notes = {model: f"{share:.0%}" for model, share in own.items()}
    models = style.ordered_models(table["model"])
    labelled = rows.make_rows(models, labels, notes, mark_in=0.3)
    told = findings.span(own, lambda part: f"{part:.0%}", labels)
    words = title or f"Attribution on {kinds[first]}: {told}"
    figure, (axes,) = rows.stacked_panels(words, [labelled], extra_in=0.2 * len(kinds) + 0.25)
    colours = dict(zip(kinds, style.KIND_COLOURS, strict=False))
    for model, y in rows.draw_rows(axes, labelled).items():
        part = table[table["model"] == model].set_index("kind").reindex(list(kinds)).fillna(0)
        for column, shift, height in (("share", 0.03, 0.15), ("chance", -0.1, 0.06)):
            ends = 100 * part[column].cumsum()
            axes.barh(
                np.full(len(ends), y + shift),
                100 * part[column],
                left=ends - 100 * part[column],
                height=height,
                color=[colours[kind] for kind in part.index],
                linewidth=0,
            )
    axes.set_xlim(0, 100)
    axes.set_xlabel("part of the attribution (%), thin bars: random TFs\nnumber: " + kinds[first])
    handles = [Patch(color=colours[kind], label=words) for kind, words in kinds.items()]
    figure.legend(handles=handles, loc="outside lower left", ncols=1)
    return figure


def _rank_title(table: pd.DataFrame, labels: Mapping[str, str] | None) -> str:
    """Say how skill and share go together over genes, by model."""
    ranks = pd.Series(
        {
            model: own["skill"].corr(own["share"], method="spearman")
            for model, own in table.groupby("model")
            if (own[["skill", "share"]].std() > 0).all()
        },
        dtype=float,
    )
    told = findings.span(ranks, lambda value: f"{value:z.2f}", labels)
    if not told:
        return "Do well predicted genes rest on their regulators?"
    return f"Rank correlation of skill and weight on own regulators: {told}"


@style.styled
def skill_and_prior(
    table: pd.DataFrame,
    *,
    models: Sequence[str] | None = None,
    labels: Mapping[str, str] | None = None,
    title: str | None = None,
) -> style.Drawing:
    """Draw each gene's share on its own regulators against its skill.

    Args:
        table: Columns model, gene, skill, share.
        models: Models shown; None: all.
        labels: Model to label.
        title: Text above.

    Returns:
        The figure: one marker a gene and model.

    Raises:
        KeyError: If a column is missing.
        ValueError: If there is no row.
    """
    chosen = table if models is None else table[table["model"].isin(list(models))]
    style.require(chosen, ["model", "gene", "skill", "share"], "skills and shares")
    names = style.ordered_models(chosen["model"])
    figure = style.new_figure(2.9 + 0.2 * len(names), title or _rank_title(chosen, labels))
    figure.table = chosen[["model", "gene", "skill", "share"]]
    axes = figure.subplots()
    for model in names:
        own = chosen[chosen["model"] == model]
        axes.plot(
            own["skill"],
            100 * own["share"],
            linestyle="none",
            marker=style.model_marker(model),
            markersize=6,
            alpha=0.8,
            color=style.model_colour(model),
            label=style.label_of(model, labels),
        )
    axes.set_xlabel("skill on the test samples")
    axes.set_ylabel("on own regulators (%)")
    axes.grid(visible=True)
    figure.legend(loc="outside lower left", ncols=1)
    return figure
