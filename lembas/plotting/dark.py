"""The same figure on a dark page: every colour of the house has a counterpart.

Only colours change. What is drawn, where, and its size stay, so that a reader who changes the theme
sees the same figure.
"""

from collections.abc import Callable, Iterator, Mapping
from colorsys import hls_to_rgb, rgb_to_hls
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

import numpy as np
from matplotlib.artist import Artist
from matplotlib.collections import Collection
from matplotlib.colors import (
    Colormap,
    LinearSegmentedColormap,
    ListedColormap,
    to_hex,
    to_rgba,
    to_rgba_array,
)
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text

from lembas.plotting import theme
from lembas.plotting.palette import DARK_MODEL_COLOURS, MODEL_COLOURS

CARD: Final = "#121212"
_RAISES: Final = "#F4796B"
_LOWERS: Final = "#6CB0E8"

DARK: Final[Mapping[str, str]] = {
    theme.INK: "#E6E9EE",
    theme.MUTED: "#9AA4B2",
    theme.RULE: "#3A424D",
    theme.CARD: CARD,
    theme.TRACK: "#2A313A",
    theme.RAISES: _RAISES,
    theme.LOWERS: _LOWERS,
    **dict(
        zip(
            theme.COHORT_COLOURS,
            ("#6699CC", "#EECC66", "#EE99AA", "#5DBB75", "#C77BA8", "#8CE0D0"),
            strict=True,
        )
    ),
    **dict(zip(theme.STEP_COLOURS[:3], ("#3F5874", "#6189B8", "#93BBE6"), strict=True)),
    **dict(zip(theme.KIND_COLOURS[1:3], ("#6FAEDD", "#2F5878"), strict=True)),
    **{light: DARK_MODEL_COLOURS[name] for name, light in MODEL_COLOURS.items()},
}
CMAPS: Final[Mapping[str, Colormap]] = {
    theme.COUNT_CMAP.name: LinearSegmentedColormap.from_list(
        "lembas_counts_dark", ["#27435F", "#3F7CB8", "#8FBDE9", "#EAF4FF"]
    ),
    theme.SIGNED_CMAP.name: LinearSegmentedColormap.from_list(
        "lembas_signed_dark", [_LOWERS, CARD, _RAISES]
    ),
    theme.LEVEL_CMAP.name: LinearSegmentedColormap.from_list(
        "lembas_levels_dark", [_LOWERS, "#7C6C85", _RAISES]
    ),
    theme.SHARE_CMAP.name: LinearSegmentedColormap.from_list(
        "lembas_shares_dark", [CARD, "#2F5F8F"]
    ),
}


def dark_colour(colour: Any) -> tuple[float, float, float, float]:
    """Return the counterpart of a colour on a dark page.

    Args:
        colour: Any colour that matplotlib knows.

    Returns:
        Red, green, blue and the same opacity, within [0, 1]. A colour outside the palette keeps
        its hue, and light and dark change places.
    """
    red, green, blue, alpha = to_rgba(colour)
    known = DARK.get(to_hex((red, green, blue)).upper())
    if known is not None:
        return to_rgba(known, alpha)
    hue, light, strength = rgb_to_hls(red, green, blue)
    return (*hls_to_rgb(hue, 0.92 - 0.6 * light, strength), alpha)


def dark_cmap(cmap: Colormap) -> Colormap:
    """Return the counterpart of a colour map on a dark page.

    Args:
        cmap: A map of the house, or a list of its colours.

    Returns:
        The map, of as many colours.
    """
    if cmap.name in CMAPS:
        return CMAPS[cmap.name]
    colours = [dark_colour(colour) for colour in cmap(np.arange(cmap.N))]
    return ListedColormap(colours).with_extremes(bad=dark_colour(cmap.get_bad()))


@contextmanager
def in_dark(figure: Figure) -> Iterator[None]:
    """Lend a figure its dark colours.

    Args:
        figure: A figure that has been laid out; afterwards it is as it was.
    """
    undo: list[Callable[[], Any]] = []
    try:
        for artist in figure.findobj():
            for part in _parts(artist):
                undo += _recolour(part)
        yield
    finally:
        for put_back in undo:
            put_back()


def _parts(artist: Artist) -> list[Artist]:
    """List an artist and the box behind it, which is no child of a text."""
    box = artist.get_bbox_patch() if isinstance(artist, Text) else None
    return [artist] if box is None else [artist, box]


def _recolour(artist: Artist) -> list[Callable[[], Any]]:
    """Give one artist its dark colours; return what puts the old ones back."""
    if isinstance(artist, Text):
        return _changed(artist, "color")
    if isinstance(artist, Line2D):
        return _changed(artist, "color", "markerfacecolor", "markeredgecolor")
    if isinstance(artist, Patch):
        return _changed(artist, "facecolor", "edgecolor")
    if isinstance(artist, Collection):
        return _recolour_collection(artist)
    return []


def _recolour_collection(artist: Collection) -> list[Callable[[], Any]]:
    """Change a collection's map where it has one, and else its colours."""
    if artist.get_array() is None:
        return _changed(artist, "facecolor", "edgecolor")
    old = artist.get_cmap()
    # Edges of many colours are those of the faces, and follow the map by themselves.
    put_back = _changed(artist, "edgecolor") if len(artist.get_edgecolor()) == 1 else []
    artist.set_cmap(dark_cmap(old))
    return [*put_back, lambda: artist.set_cmap(old)]


def _changed(artist: Any, *names: str) -> list[Callable[[], Any]]:
    """Change some colours of an artist; return what puts them back."""
    # All are read before one is changed: the fill of a marker may be that of its line.
    found = [(getattr(artist, f"set_{name}"), getattr(artist, f"get_{name}")()) for name in names]
    # What is not drawn stays so: set anew, it would take on the artist's opacity.
    drawn = [(change, old) for change, old in found if to_rgba_array(old)[:, 3].any()]
    for change, old in drawn:
        change(_mapped(old))
    return [partial(change, old) for change, old in drawn]


def _mapped(colours: Any) -> Any:
    """Map one colour or several."""
    if isinstance(colours, np.ndarray) and colours.ndim == 2:
        return np.array([dark_colour(colour) for colour in colours]).reshape(colours.shape)
    return dark_colour(colours)
