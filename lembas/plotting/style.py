"""Palette, labels and drawing conventions that every figure shares.

Figures are drawn for a phone first: 5.2 inches wide, 10 point text or larger, one or two columns of
panels, on an opaque card. Colours are those of a light page; `lembas.plotting.dark` has their
counterparts.
"""

import functools
import hashlib
import inspect
import textwrap
from collections.abc import Callable, Iterable, Mapping
from colorsys import hls_to_rgb
from typing import Final, ParamSpec

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.transforms import Bbox

from lembas.plotting.drawing import Drawing, joined, to_svg
from lembas.plotting.palette import MODEL_COLOURS, MODEL_MARKERS
from lembas.plotting.theme import (
    CARD,
    COHORT_COLOURS,
    COHORT_MARKERS,
    COUNT_CMAP,
    INK,
    KIND_COLOURS,
    LEVEL_CMAP,
    LOWERS,
    MUTED,
    RAISES,
    RC,
    RULE,
    SHARE_CMAP,
    SIGNED_CMAP,
    STEP_COLOURS,
    TRACK,
)

__all__ = [
    "CARD",
    "COHORT_COLOURS",
    "COHORT_MARKERS",
    "COUNT_CMAP",
    "INK",
    "KIND_COLOURS",
    "LEVEL_CMAP",
    "LOWERS",
    "MODEL_COLOURS",
    "MODEL_MARKERS",
    "MUTED",
    "NULL_MODEL",
    "RAISES",
    "RC",
    "RULE",
    "SHARE_CMAP",
    "SIGNED_CMAP",
    "STEP_COLOURS",
    "TITLE_CHARACTERS",
    "TRACK",
    "Drawing",
    "to_svg",
]

P = ParamSpec("P")

WIDTH_IN: Final = 5.2
TITLE_CHARACTERS: Final = 48
NULL_MODEL: Final = "train_mean"


def styled(draw: Callable[P, Drawing]) -> Callable[P, Drawing]:
    """Run a figure function under the house style, leaving matplotlib's settings as they were.

    Args:
        draw: A function that returns a figure.

    Returns:
        The same function; its figure is laid out once, for good, before the settings are put back,
        because matplotlib makes its ticks only then. The tables it was drawn from stay with it,
        where the function itself keeps no closer one.
    """
    signature = inspect.signature(draw)

    @functools.wraps(draw)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> Drawing:
        with mpl.rc_context(dict(RC)):
            figure = draw(*args, **kwargs)
            figure.draw_without_rendering()
            _settle(figure)
        if figure.table is None:
            given = signature.bind(*args, **kwargs).arguments
            figure.table = joined(
                {name: part for name, part in given.items() if _is_data(name, part)}
            )
        return figure

    return wrapper


def _is_data(name: str, argument: object) -> bool:
    """Tell tables that are drawn from words for them."""
    return name != "labels" and isinstance(argument, pd.DataFrame | pd.Series)


def _settle(figure: Drawing) -> None:
    """Fix the layout at rounded positions.

    The layout's solver differs in the last bits between runs, and the identifiers in an SVG are
    made from positions.
    """
    figure.set_layout_engine("none")
    for part in figure.subfigs:
        part.bbox_relative.set_points(part.bbox_relative.get_points().round(5))
    for axes in figure.axes:
        box = axes.get_position(original=True)
        axes.set_position(Bbox(box.get_points().round(5)))


def new_figure(height_in: float, title: str) -> Drawing:
    """Open an empty figure of the house width under a left-aligned title.

    Args:
        height_in: Height of the panels without the title, inches.
        title: What the figure shows; wrapped to the width.

    Returns:
        The figure, laid out by the constrained engine.
    """
    wrapped = textwrap.fill(title, TITLE_CHARACTERS)
    height = height_in + 0.19 * (wrapped.count("\n") + 1) + 0.1
    figure = Drawing(figsize=(WIDTH_IN, height), layout="constrained")
    figure.suptitle(wrapped, x=0.02, ha="left")
    return figure


def model_colour(name: str) -> str:
    """Return the colour of a model, the same in every figure.

    Args:
        name: Registry name; a name outside the palette gets a dark hue derived from its letters.
            What follows an "@", such as another network's name, does not count.

    Returns:
        Colour as "#RRGGBB".
    """
    name = name.partition("@")[0]
    if name in MODEL_COLOURS:
        return MODEL_COLOURS[name]
    digest = hashlib.sha256(name.encode()).digest()
    hue = int.from_bytes(digest[:2], "big") / 65536
    return to_hex(hls_to_rgb(hue, 0.24 + 0.10 * digest[2] / 255, 0.75)).upper()


def model_marker(name: str) -> str:
    """Return the marker of a model, the same in every figure.

    Args:
        name: Registry name; a name outside the palette gets one of three derived from its letters.
            What follows an "@" does not count.

    Returns:
        A matplotlib marker code.
    """
    name = name.partition("@")[0]
    if name in MODEL_MARKERS:
        return MODEL_MARKERS[name]
    return "phH"[hashlib.sha256(name.encode()).digest()[3] % 3]


def cohort_styles(names: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Give each cohort a colour and a marker that differ in grey-scale too.

    Args:
        names: Cohorts; "train" and "test" keep their own, the others follow in the given order.

    Returns:
        Cohort to (colour, marker), in the order train, test, others.
    """
    given = list(dict.fromkeys(names))
    order = ["train", "test", *(name for name in given if name not in {"train", "test"})]
    size = len(COHORT_COLOURS)
    return {
        name: (COHORT_COLOURS[i % size], COHORT_MARKERS[i % size])
        for i, name in enumerate(order)
        if name in given
    }


def ordered_models(names: Iterable[str]) -> list[str]:
    """Sort model names for display: the palette's order, then others by name.

    Args:
        names: Registry names, repeated or not.

    Returns:
        Each name once.
    """
    known = list(MODEL_COLOURS)
    unique = set(names)
    return [name for name in known if name in unique] + sorted(unique.difference(known))


def label_of(name: str, labels: Mapping[str, str] | None) -> str:
    """Return the label of a name, the name itself where there is none.

    Args:
        name: Registry name of a model, or name of a cohort.
        labels: Name to label, a mapping or a Series; None for none.

    Returns:
        Text for a figure.
    """
    return name if labels is None else str(labels.get(name, name))


def require(table: pd.DataFrame, columns: Iterable[str], what: str) -> None:
    """Check that a table has the columns a figure needs and at least one row.

    Args:
        table: The table handed to the figure.
        columns: Names needed.
        what: The table's role, for the message.

    Raises:
        KeyError: If a column is missing.
        ValueError: If there is no row.
    """
    missing = [column for column in columns if column not in table.columns]
    if missing:
        found = ", ".join(map(str, table.columns[:8]))
        raise KeyError(
            f"the {what} table lacks the column(s) {', '.join(missing[:5])}; it has: {found}. "
            "Rename or compute them before drawing."
        )
    if table.empty:
        raise ValueError(f"the {what} table has no rows; a figure needs at least one.")


def pick(table: pd.DataFrame, column: str, wanted: str) -> pd.DataFrame:
    """Select the rows of one value, or say which values there are.

    Args:
        table: A tidy table.
        column: Column to look in.
        wanted: Value to keep.

    Returns:
        The rows with that value.

    Raises:
        ValueError: If there is none.
    """
    rows = table.loc[table[column] == wanted]
    if rows.empty:
        values = ", ".join(map(str, pd.unique(table[column])[:5]))
        raise ValueError(f"no row with {column} = {wanted!r}; the table has: {values}.")
    return rows


def wide(table: pd.DataFrame, index: str, columns: str, *, values: str) -> pd.DataFrame:
    """Spread a tidy table; a pair that occurs twice is refused, not averaged.

    Args:
        table: A tidy table.
        index: Column that becomes the rows.
        columns: Column that becomes the columns.
        values: Column with the values.

    Returns:
        Table with NaN where a pair does not occur.

    Raises:
        ValueError: If a pair occurs more than once.
    """
    twice = table.loc[table.duplicated([index, columns]), [index, columns]]
    if len(twice):
        named = "; ".join(f"{a}, {b}" for a, b in twice.head(5).itertuples(index=False))
        raise ValueError(f"each {index} and {columns} may occur once; given twice: {named}.")
    return table.set_index([index, columns])[values].unstack()  # noqa: PD010


def quiet(axes: Axes) -> None:
    """Take the left spine and the y ticks away, for panels whose rows carry their own labels.

    Args:
        axes: The panel.
    """
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")


def wrapped(text: str, width: int) -> str:
    """Break a text into lines.

    Args:
        text: The text.
        width: Longest line, characters.

    Returns:
        The text with line breaks between words.
    """
    return textwrap.fill(text, width)
