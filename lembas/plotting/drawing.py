"""A figure as files: SVG for light and dark pages, pixels, and the table behind it."""

import io
import re
from collections.abc import Collection, Mapping
from typing import Any, Final

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure
from PIL import Image

from lembas.figure_files import FigureFiles
from lembas.plotting.dark import in_dark
from lembas.plotting.theme import RC

# Outlines need a thousandth of a point, not a millionth.
_PATH: Final = re.compile(r'\bd="[^"]*"')
_FINE: Final = re.compile(r"(\.\d{3})\d+")
_SHIFT: Final = re.compile(r'(?<=" )transform="translate\((-?[\d.]+) 0\)"(?=/>)')
SVG_DPI: Final = 200  # of parts that are drawn as pixels, such as dense clouds of points
PNG_DPI: Final = 160
PNG_COLOURS: Final = 128
# A page carries many figures; what is larger is in the tables of the run.
LARGEST_CSV: Final = 300_000


class Drawing(Figure):
    """A matplotlib figure that a notebook shows as a reproducible SVG, with its files beside it.

    Attributes:
        table: What is drawn, for a reader who wants the numbers; None where there is nothing.
    """

    table: pd.DataFrame | None = None

    def _repr_svg_(self) -> str:
        return to_svg(self)

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, Any]:
        outputs = files_of(self).packed()
        return {
            name: content
            for name, content in outputs.items()
            if (include is None or name in include) and name not in (exclude or ())
        }


def to_svg(figure: Figure) -> str:
    """Render a figure as SVG text, the same bytes each time.

    Args:
        figure: The figure to render.

    Returns:
        SVG with glyphs as paths, fixed identifiers and no date.
    """
    drawn = rendered(figure, format="svg", dpi=SVG_DPI, metadata={"Date": None})
    return _slim(drawn.decode("utf-8"))


def _slim(svg: str) -> str:
    """Write the same picture in two thirds of the characters; most place single letters."""
    svg = _PATH.sub(lambda path: _FINE.sub(r"\1", path[0]), svg)
    svg = _SHIFT.sub(r'x="\1"', svg)
    return re.sub(r"\n +", "\n", svg).replace("DejaVuSans-", "D-")


def files_of(figure: Figure) -> FigureFiles:
    """Render a figure in every form that a page offers, the same bytes each time.

    Args:
        figure: The figure; afterwards it is as it was.

    Returns:
        Its files; no table where the figure has none, or one too large for a page.
    """
    light = to_svg(figure)
    with in_dark(figure):
        dark = to_svg(figure)
    return FigureFiles(light, dark, _to_png(figure), _csv(getattr(figure, "table", None)))


def _to_png(figure: Figure) -> bytes:
    """Render a figure as pixels of few colours: a third of the size, and no eye sees it."""
    pixels = rendered(figure, format="rgba", dpi=PNG_DPI)
    width = int(figure.get_figwidth() * PNG_DPI)
    drawn = Image.frombytes("RGBA", (width, len(pixels) // (4 * width)), pixels).convert("RGB")
    few = drawn.quantize(PNG_COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    few.save(buffer, format="png", dpi=(PNG_DPI, PNG_DPI))
    return buffer.getvalue()


def rendered(figure: Figure, **options: Any) -> bytes:
    """Render a figure in the house style, with the options of ``Figure.savefig``."""
    buffer = io.BytesIO()
    with mpl.rc_context(dict(RC)):
        figure.savefig(buffer, facecolor=figure.get_facecolor(), **options)
    return buffer.getvalue()


def _csv(table: pd.DataFrame | None) -> str:
    """Write a table for readers, six digits a number; nothing where it is too large."""
    if table is None or table.empty:
        return ""
    text = table.to_csv(index=False, float_format="%.6g", lineterminator="\n")
    return text if len(text) <= LARGEST_CSV else ""


def joined(tables: Mapping[str, pd.DataFrame | pd.Series]) -> pd.DataFrame | None:
    """Put the tables behind a figure into one.

    Args:
        tables: Tables by what they are; an index that carries names becomes a column.

    Returns:
        The table; of several, one below the other, the column "table" saying which. None where
        there is none.
    """
    flat = {name: _flat(table, name) for name, table in tables.items()}
    if not flat:
        return None
    if len(flat) == 1:
        return next(iter(flat.values()))
    parts = [table.assign(table=name) for name, table in flat.items() if len(table)]
    if not parts:
        return None
    together = pd.concat(parts, ignore_index=True)
    return together[["table", *together.columns.drop("table")]]


def _flat(table: pd.DataFrame | pd.Series, name: str) -> pd.DataFrame:
    """Turn an index with names into a column."""
    frame = table.to_frame(table.name or name) if isinstance(table, pd.Series) else table
    if pd.api.types.is_numeric_dtype(frame.index) and frame.index.name is None:
        return frame.reset_index(drop=True)
    return frame.rename_axis(index=frame.index.name or "name").reset_index()
