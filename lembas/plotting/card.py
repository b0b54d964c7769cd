"""The picture that stands for the report where a link to it is shown elsewhere."""

import io
import textwrap
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib import image

from lembas.plotting import style
from lembas.plotting.drawing import rendered

QUESTION: Final = "Does the regulatory network predict the transcriptome?"
SIZE_PX: Final = (1200, 630)
_DPI: Final = 100
_FIGURE_SHARE: Final = 0.56
_TITLE_CHARACTERS: Final = 20


def social_card(figure: style.Drawing, *, title: str, note: str) -> bytes:
    """Lay a figure beside a title, 1200 x 630 pixels, the size that sites ask for.

    Args:
        figure: The figure; it is not changed.
        title: Says what the report asks, in large letters.
        note: What a reader who sees nothing else has to know, such as that data are simulated.

    Returns:
        A PNG, the same bytes each time.
    """
    width, height = SIZE_PX
    with mpl.rc_context(dict(style.RC)):
        card = style.Drawing(figsize=(width / _DPI, height / _DPI), dpi=_DPI)
        axes = card.add_axes((1 - _FIGURE_SHARE, 0.04, _FIGURE_SHARE - 0.02, 0.92))
        axes.imshow(_pixels(figure, height), interpolation="lanczos")
        axes.axis("off")
        left: dict[str, Any] = {"ha": "left", "va": "top", "wrap": False}
        card.text(0.04, 0.9, "lembas", fontsize=17, color=style.MUTED, weight="bold", **left)
        lines = textwrap.fill(title, _TITLE_CHARACTERS)
        card.text(0.04, 0.8, lines, fontsize=29, weight="bold", linespacing=1.25, **left)
        card.text(0.04, 0.14, textwrap.fill(note, 34), fontsize=17, color=style.MUTED, **left)
        return rendered(card, format="png", dpi=_DPI, metadata={"Software": None})


def _pixels(figure: style.Drawing, height_px: int) -> np.ndarray:
    # Twice as many as are shown: text stays sharp when the picture is made smaller.
    dpi = 2 * height_px / figure.get_figheight()
    return image.imread(io.BytesIO(rendered(figure, format="png", dpi=dpi)), format="png")
