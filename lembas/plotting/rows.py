"""Panels of labelled rows: each row has its label above its mark, so that the whole width is data.

Long model names fit on a phone that way, and no legend has to be matched by colour.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.textpath import TextPath

from lembas.plotting import style

LINE_IN: Final = 0.165
TEXT_WIDTH_IN: Final = 4.9
HALO: Final = {"facecolor": style.CARD, "edgecolor": "none", "pad": 0.8, "alpha": 0.85}


@dataclass(frozen=True)
class Rows:
    """Rows of one panel, from top to bottom.

    Attributes:
        names: Keys of the rows, such as registry names of models.
        texts: Label of each row, wrapped.
        notes: Short text at the right of each label, such as the value drawn.
        mark_in: Height kept for the mark below the label, inches.
    """

    names: tuple[str, ...]
    texts: tuple[str, ...]
    notes: tuple[str, ...]
    mark_in: float = 0.2

    @property
    def heights_in(self) -> list[float]:
        """Height of each row in inches, the mark and the lines of text above it."""
        lines = [
            max(text.count("\n"), note.count("\n")) + 1
            for text, note in zip(self.texts, self.notes, strict=True)
        ]
        return [self.mark_in + LINE_IN * count for count in lines]

    @property
    def height_in(self) -> float:
        """Height of the panel, inches."""
        return sum(self.heights_in) + 0.04

    @property
    def positions(self) -> dict[str, float]:
        """Height of the middle of each row's mark above the panel's lower edge, inches."""
        bottoms = self.height_in - np.cumsum(self.heights_in)
        return {
            name: float(bottom + self.mark_in / 2)
            for name, bottom in zip(self.names, bottoms, strict=True)
        }


def make_rows(
    names: Sequence[str],
    labels: Mapping[str, str] | None = None,
    notes: Mapping[str, str] | None = None,
    *,
    mark_in: float = 0.2,
) -> Rows:
    """Wrap labels so that label and note share a line without touching.

    Args:
        names: Keys of the rows, top first.
        labels: Name to label.
        notes: Name to note; a name without one gets none.
        mark_in: Height kept for the mark below the label, inches.

    Returns:
        The rows.
    """
    noted = tuple((notes or {}).get(name, "") for name in names)
    texts = tuple(
        _fitted(style.label_of(name, labels), TEXT_WIDTH_IN - text_width_in(note))
        for name, note in zip(names, noted, strict=True)
    )
    return Rows(tuple(names), texts, noted, mark_in)


def text_width_in(text: str) -> float:
    """Measure a text of 10 points, inches.

    Args:
        text: One line or several.

    Returns:
        Width of the longest line, with the gap it needs beside other text; 0 for no text.
    """
    if not text:
        return 0.0
    lines = text.split("\n")
    return 0.12 + max(TextPath((0, 0), line, size=10).get_extents().width for line in lines) / 72


def _fitted(label: str, width_in: float) -> str:
    """Wrap a label so that it is no wider than given, if its words allow."""
    wrapped = label
    for characters in range(len(label), 11, -1):
        wrapped = style.wrapped(label, characters)
        if text_width_in(wrapped) <= width_in:
            break
    return wrapped


def draw_rows(axes: Axes, rows: Rows) -> dict[str, float]:
    """Write the labels and notes of the rows and set the panel's y range.

    Args:
        axes: The panel.
        rows: What to write.

    Returns:
        Row name to the height at which its mark belongs; the panel's y unit is the inch.
    """
    positions = rows.positions
    table = zip(rows.names, rows.texts, rows.notes, rows.heights_in, strict=True)
    for name, text, note, height in table:
        for x, align, words, colour in (
            (0.0, "left", text, style.INK),
            (1.0, "right", note, style.MUTED),
        ):
            if words:
                axes.annotate(
                    words,
                    (x, positions[name]),
                    xytext=(0, 72 * (height - rows.mark_in / 2) - 1),
                    xycoords=("axes fraction", "data"),
                    textcoords="offset points",
                    ha=align,
                    va="top",
                    color=colour,
                    bbox=HALO,
                    zorder=4,
                )
    axes.set_ylim(0, rows.height_in)
    axes.set_yticks([])
    style.quiet(axes)
    return positions


def stacked_panels(
    title: str, panels: Sequence[Rows], *, share_x: bool = True, extra_in: float = 0.0
) -> tuple[style.Drawing, list[Axes]]:
    """Open a figure of row panels, one above the other, each as high as its rows need.

    Args:
        title: What the figure shows.
        panels: Rows of each panel, top first.
        share_x: One x range for all panels.
        extra_in: Height for more than tick labels, axis label and panel titles, inches.

    Returns:
        The figure and its panels.
    """
    heights = [rows.height_in for rows in panels]
    total = sum(heights) + 0.62 * len(heights) + 0.2 + extra_in
    figure = style.new_figure(total, title)
    axes = figure.subplots(
        len(heights), 1, sharex=share_x, squeeze=False, gridspec_kw={"height_ratios": heights}
    )[:, 0]
    for panel in axes:
        panel.tick_params(axis="x", labelbottom=True)
    return figure, list(axes)


def interval_note(value: float, low: float, high: float, *, digits: int = 3) -> str:
    """Write a value with its interval.

    Args:
        value: The estimate; NaN gives "not defined".
        low: Lower end; NaN for none.
        high: Upper end; NaN for none.
        digits: Decimals.

    Returns:
        Text such as "0.712 [0.690, 0.731]".
    """
    if np.isnan(value):
        return "not defined"
    text = f"{value:z.{digits}f}"  # z: no minus before a rounded zero
    if np.isnan(low) or np.isnan(high):
        return text
    return f"{text} [{low:z.{digits}f}, {high:z.{digits}f}]"


def draw_interval(
    axes: Axes, row: pd.Series, *, y: float, colour: str, marker: str, hollow: bool = False
) -> None:
    """Draw one estimate as a marker on its interval.

    Args:
        axes: The panel.
        row: Entries value, low, high; an undefined end draws no line.
        y: Height, inches above the panel's lower edge.
        colour: Colour of marker and line.
        marker: Marker code.
        hollow: Leave the marker's inside white.
    """
    ends = row[["low", "high"]].astype(float)
    if not ends.isna().any():
        axes.plot(ends, [y, y], color=colour, linewidth=2.4, solid_capstyle="butt", zorder=2)
    axes.plot(
        [float(row["value"])],
        [y],
        linestyle="none",
        marker=marker,
        markersize=10 if marker == "|" else 7.5,
        markeredgecolor=colour,
        markeredgewidth=2.4 if marker == "|" else 1.4,
        markerfacecolor=style.CARD if hollow else colour,
        zorder=3,
    )


def draw_reference(axes: Axes, value: float) -> None:
    """Mark a reference value, such as the null model's score, through all the rows.

    Args:
        axes: The panel.
        value: Where; NaN draws nothing.
    """
    if not np.isnan(value):
        axes.axvline(value, color=style.MUTED, linestyle=(0, (4, 3)), linewidth=1.1, zorder=1)
