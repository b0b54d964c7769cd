"""Figures of fitting: training history, ridge penalties."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter, PercentFormatter

from lembas.plotting import findings, style

TRAIN_COLOUR, VALIDATION_COLOUR = style.COHORT_COLOURS[0], style.COHORT_COLOURS[2]
REFIT_COLOUR = style.COHORT_COLOURS[3]
REFIT = "refit"


def _draw_losses(axes: Axes, history: pd.DataFrame, loss_unit: str) -> None:
    """Draw training and validation loss, the latter where it was computed."""
    search, refit = _phases(history)
    axes.plot(search["epoch"], search["train_loss"], color=TRAIN_COLOUR, label="training loss")
    checked = search.dropna(subset=["validation_loss"])
    if len(checked):
        axes.plot(
            checked["epoch"],
            checked["validation_loss"],
            color=VALIDATION_COLOUR,
            linestyle=(0, (5, 1.5)),
            label="validation loss",
        )
    if len(refit):
        words = "training loss, refit on all samples"
        look = (0, (1.2, 1.2))
        axes.plot(
            refit["epoch"], refit["train_loss"], color=REFIT_COLOUR, linestyle=look, label=words
        )
    axes.set_yscale("log")
    axes.yaxis.set_minor_formatter(NullFormatter())
    low, high = axes.get_ylim()
    if np.log10(high / low) < 1:
        axes.set_yscale("linear")
    axes.set_ylabel(f"{loss_unit}, log scale" if axes.get_yscale() == "log" else loss_unit)


def _phases(history: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Part the epochs of the search from those of a refit, if there was one."""
    if "phase" not in history.columns or (history["phase"] == REFIT).all():
        return history, history.head(0)
    is_refit = history["phase"] == REFIT
    return history.loc[~is_refit], history.loc[is_refit]


def _draw_course(axes: Axes, history: pd.DataFrame, column: str, *, words: str) -> None:
    """Draw one more quantity over the epochs of both phases."""
    search, refit = _phases(history)
    axes.plot(search["epoch"], search[column], color=style.MUTED)
    axes.plot(refit["epoch"], refit[column], color=REFIT_COLOUR, linestyle=(0, (1.2, 1.2)))
    axes.set_ylabel(words)


@style.styled
def training_history(
    history: pd.DataFrame,
    *,
    chosen_epoch: int | None = None,
    loss_unit: str = "loss",
    title: str | None = None,
) -> style.Drawing:
    """Draw losses over the epochs; learning rate and sign violations where they are given.

    Args:
        history: Columns epoch, train_loss, validation_loss (NaN where not computed),
            learning_rate (all NaN: left out); optionally sign_violations (part of the edges
            whose weight has the wrong sign) and phase ("search", or "refit" for the training on
            all samples).
        chosen_epoch: Epoch whose weights were kept.
        loss_unit: Label of the loss axis; the axis is linear when the losses span less than a
            factor of ten.
        title: Text above.

    Returns:
        The figure, panels one above the other with a common epoch axis.

    Raises:
        KeyError: If a column is missing.
        ValueError: If there is no epoch.
    """
    needed = ["epoch", "train_loss", "validation_loss", "learning_rate"]
    style.require(history, needed, "training history")
    words = {"learning_rate": "learning\nrate", "sign_violations": "edges of\nwrong sign"}
    # A training that follows no gradient has no learning rate.
    courses = [name for name in words if name in history and history[name].notna().any()]
    said = title or findings.training(_phases(history)[0], chosen_epoch)
    figure = style.new_figure(3.3 + 1.2 * len(courses), said)
    ratios = [2.4, *[1] * len(courses)]
    panels = figure.subplots(
        len(ratios), 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": ratios}
    )[:, 0]
    _draw_losses(panels[0], history, loss_unit)
    for axes, name in zip(panels[1:], courses, strict=True):
        _draw_course(axes, history, name, words=words[name])
        if name == "sign_violations":
            axes.yaxis.set_major_formatter(PercentFormatter(1))
        else:
            axes.ticklabel_format(axis="y", style="sci", scilimits=(-2, 3))
    for axes in panels:
        axes.grid(visible=True)
        if chosen_epoch is not None:
            axes.axvline(chosen_epoch, color=style.INK, linewidth=1.1, linestyle=(0, (2, 2)))
    if chosen_epoch is not None:
        kept = f"weights kept: epoch {chosen_epoch}"
        panels[0].plot([], [], color=style.INK, linewidth=1.1, linestyle=(0, (2, 2)), label=kept)
    panels[-1].set_xlabel("epoch")
    figure.legend(loc="outside lower left", ncols=1)
    return figure


@style.styled
def ridge_alphas(
    table: pd.DataFrame,
    *,
    labels: Mapping[str, str] | None = None,
    title: str | None = None,
) -> style.Drawing:
    """Draw the share of genes that chose each ridge penalty, one line a model.

    Args:
        table: Columns model, gene, alpha (> 0; NaN for a gene without one, such as a gene
            without regulators: left out and counted in the legend).
        labels: Model to label.
        title: Text above.

    Returns:
        The figure, with the penalty on a log scale.

    Raises:
        KeyError: If a column is missing.
        ValueError: If there is no row, or a penalty is not positive.
    """
    style.require(table, ["model", "gene", "alpha"], "penalties")
    if (table["alpha"] <= 0).any():
        wrong = ", ".join(map(str, table.loc[table["alpha"] <= 0, "gene"].head(5)))
        raise ValueError(f"penalties must be positive to be drawn on a log scale; not so: {wrong}.")
    models = style.ordered_models(table["model"])
    words = title or findings.common_penalty(table, labels)
    figure = style.new_figure(2.6 + 0.2 * len(models), words)
    counts = table.groupby(["model", "alpha"], dropna=False).size()
    figure.table = counts.reset_index(name="genes")
    axes = figure.subplots()
    for model in models:
        alpha = table.loc[table["model"] == model, "alpha"]
        share = 100 * alpha.value_counts(normalize=True).sort_index()
        without = f" ({alpha.isna().sum():,} genes without)" if alpha.isna().any() else ""
        axes.plot(
            share.index,
            share,
            marker=style.model_marker(model),
            color=style.model_colour(model),
            label=style.label_of(model, labels) + without,
        )
    axes.set(xscale="log", xlabel="penalty alpha (no unit; log scale)", ylabel="genes (%)")
    axes.set_ylim(bottom=0)
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(visible=True)
    figure.legend(loc="outside lower left", ncols=1)
    return figure
