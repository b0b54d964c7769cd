"""Counts on a grid in place of a cloud of points, with the key of their log colour scale."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.cm import ScalarMappable
from matplotlib.colorbar import Colorbar
from matplotlib.colors import LogNorm
from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator

from lembas.plotting import style


def plain_number(value: float) -> str:
    """Write a number of any size with three significant digits and no exponent.

    Args:
        value: A number of at least 0.

    Returns:
        Text such as "0.0042", "4.8", "9,416".
    """
    if value == 0 or not np.isfinite(value):
        return f"{value:g}"
    decimals = max(2 - int(np.floor(np.log10(abs(value)))), 0)
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def plain_ticks(axis: Axis) -> None:
    """Write plain numbers at the ticks of a log axis.

    Args:
        axis: The x or y axis of a panel.
    """
    axis.set_major_formatter(FuncFormatter(lambda value, _: plain_number(value)))
    axis.set_minor_formatter(NullFormatter())


def grid_counts(
    x: np.ndarray, y: np.ndarray, *, x_edges: np.ndarray, y_edges: np.ndarray
) -> np.ndarray:
    """Count points on a grid; those beyond it count at its edge.

    Args:
        x: Positions across, any shape.
        y: Positions up, same shape.
        x_edges: Cell borders across, increasing.
        y_edges: Cell borders up, increasing.

    Returns:
        Counts, shape (up, across).
    """
    across = np.clip(x.ravel(), x_edges[0], x_edges[-1])
    up = np.clip(y.ravel(), y_edges[0], y_edges[-1])
    counts, _, _ = np.histogram2d(across, up, bins=(x_edges, y_edges))
    return np.asarray(counts.T)


def draw_counts(
    axes: Axes, counts: np.ndarray, norm: LogNorm, *, x_edges: np.ndarray, y_edges: np.ndarray
) -> None:
    """Draw a grid of counts, empty cells white.

    Args:
        axes: The panel.
        counts: Counts, shape (up, across).
        norm: Colour scale.
        x_edges: Cell borders across.
        y_edges: Cell borders up.
    """
    masked = np.ma.masked_equal(counts, 0)
    axes.pcolormesh(
        x_edges, y_edges, masked, norm=norm, cmap=style.COUNT_CMAP, rasterized=True, zorder=1
    )


def counts_table(
    grids: Mapping[str, np.ndarray], edges: Mapping[str, np.ndarray], *, of: str
) -> pd.DataFrame:
    """List the cells of several grids that hold a point.

    Args:
        grids: Counts, shape (up, across), by what they are of.
        edges: Cell borders across and up, in this order, by what the axis is.
        of: Name of the column with the grids' names.

    Returns:
        Columns of that name, the lower ends of the cell on both axes, count.
    """
    (across, x), (up, y) = edges.items()
    parts = []
    for name, counts in grids.items():
        rows, columns = np.nonzero(counts)
        ends = {f"{across} from": x[columns].round(4), f"{up} from": y[rows].round(4)}
        cells = {of: name, **ends}
        parts.append(pd.DataFrame({**cells, "count": counts[rows, columns].astype(int)}))
    return pd.concat(parts, ignore_index=True)


def shared_norm(grids: Sequence[np.ndarray]) -> LogNorm:
    """Build one log colour scale for several grids of counts.

    Args:
        grids: Counts of each panel.

    Returns:
        A scale from 1 to the largest count, at least 10.
    """
    return LogNorm(1, max(10.0, *(float(grid.max()) for grid in grids)))


def count_key(norm: LogNorm) -> ScalarMappable:
    """Pair the colour scale with the colours, for a colour key.

    Args:
        norm: Colour scale of the counts.

    Returns:
        What `Figure.colorbar` takes.
    """
    return ScalarMappable(norm, style.COUNT_CMAP)


def label_key(bar: Colorbar, words: str) -> None:
    """Label a colour key and keep its many small pieces out of the SVG.

    Args:
        bar: The colour key.
        words: What is counted.
    """
    bar.set_label(words)
    if bar.solids is not None:
        bar.solids.set_rasterized(True)
    bar.ax.xaxis.set_minor_locator(NullLocator())
    bar.ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: plain_number(value)))
