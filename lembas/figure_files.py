"""Files of a figure: the picture for a light and for a dark page, as pixels, and its data.

A notebook holds them beside the picture it shows, packed into one output of an own type, and the
book takes them out again: pages show the picture of the reader's theme, with links to the files.
"""

import base64
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from lembas.atomic import write_atomically

MIME: Final = "application/vnd.lembas.figure+json"
SVG: Final = "image/svg+xml"
NAME_STARTS: Final = "fig-"


@dataclass(frozen=True)
class FigureFiles:
    """Hold what a reader may take of one figure.

    Attributes:
        svg: The figure for a light page.
        dark: The figure for a dark page.
        png: The light one as pixels.
        csv: The table behind it; empty where it is too large for a page.
    """

    svg: str
    dark: str
    png: bytes
    csv: str

    def packed(self) -> dict[str, Any]:
        """Return the outputs of a notebook cell by their type; equal files give equal outputs."""
        more = {"dark": _packed(self.dark.encode()), "csv": _packed(self.csv.encode())}
        more["png"] = base64.b64encode(self.png).decode("ascii")
        return {SVG: self.svg, MIME: more}

    @classmethod
    def unpacked(cls, outputs: Mapping[str, Any]) -> "FigureFiles":
        """Read what :meth:`packed` gave.

        Raises:
            KeyError: If an output or a part of it is missing.
        """
        more = outputs[MIME]
        return cls(
            svg="".join(outputs[SVG]),
            dark=_unpacked(more["dark"]),
            png=base64.b64decode(more["png"]),
            csv=_unpacked(more["csv"]),
        )

    def write(self, folder: Path, stem: str) -> list[Path]:
        """Write ``stem.svg``, ``stem.dark.svg``, ``stem.png`` and ``stem.csv``, if there is one.

        Args:
            folder: Where to.
            stem: Name of the figure.

        Returns:
            What was written.
        """
        texts = {".svg": self.svg, ".dark.svg": self.dark, ".csv": self.csv}
        parts = {ending: text.encode("utf-8") for ending, text in texts.items()}
        written = []
        for ending, content in {**parts, ".png": self.png}.items():
            if content:
                written.append(folder / f"{stem}{ending}")
                write_atomically(written[-1], partial(_write, content))
        return written


def taken_out(notebook: Any, chapter: str) -> dict[str, FigureFiles]:
    """Take the packed files out of a notebook's outputs, which keep the picture.

    Args:
        notebook: An executed notebook whose cells name their figures; changed in place.
        chapter: Name of the chapter, which the figures' names begin with.

    Returns:
        Files by name, such as "01_data-library-size" for the figure "fig-library-size".
    """
    found = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            outputs = output.get("data", {})
            if MIME not in outputs:
                continue
            name = cell.metadata.get("mystnb", {}).get("figure", {}).get("name", "")
            if name:
                found[stem_of(chapter, name)] = FigureFiles.unpacked(outputs)
            del outputs[MIME]
    return found


def stem_of(chapter: str, figure: str) -> str:
    """Name the files of a chapter's figure."""
    return f"{chapter}-{figure.removeprefix(NAME_STARTS)}"


def _write(content: bytes, path: Path) -> None:
    path.write_bytes(content)


def _packed(content: bytes) -> str:
    return base64.b64encode(zlib.compress(content, 9)).decode("ascii")


def _unpacked(text: str) -> str:
    return zlib.decompress(base64.b64decode(text)).decode("utf-8")
