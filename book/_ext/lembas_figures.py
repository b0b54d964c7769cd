"""Sphinx extension: each figure for light and dark pages, with what a reader may take of it.

The runner writes ``book/chapters/figures/<name>.svg`` with the dark variant, the PNG and the table
beside it. A figure of a chapter is found by chapter and name, one of a prose page by its picture.
"""

import posixpath
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

from lembas.figure_files import stem_of

FOLDER = "book/chapters/figures"
CHAPTERS = "book/chapters/"
DARK = ".dark.svg"
LINKS = {".svg": "SVG", ".png": "PNG", ".csv": "data (CSV)"}
NO_DATA = "the data are too large for a page; they lie in the tables of the run"
POINTS_TO_PIXELS = 96 / 72


class theme_image(nodes.image):  # noqa: N801  # docutils names nodes so
    """A picture of one theme, loaded when it is shown."""


class FigureFiles(SphinxTransform):
    """Give figures their dark picture and their links."""

    default_priority = 800

    def apply(self, **kwargs: Any) -> None:
        """Change every figure whose files lie with the chapters."""
        if self.app.builder.format != "html":
            return
        for figure in list(self.document.findall(nodes.figure)):
            picture = next(iter(figure.findall(nodes.image)), None)
            stem = None if picture is None else self._stem(figure, picture)
            if picture is not None and stem is not None:
                both = [self._image(stem, ending, picture) for ending in (".svg", DARK)]
                # One node for both: the caption's place in the figure decides how it is written.
                picture.replace_self(nodes.inline("", "", *both))
                figure += self._links(stem)

    def _stem(self, figure: nodes.figure, picture: nodes.image) -> str | None:
        """Find the name of a figure's files; None where it has none."""
        docname = self.env.docname
        chapter = docname.removeprefix(CHAPTERS)
        names = [stem_of(chapter, name) for name in figure["names"]]
        shown = posixpath.normpath(posixpath.join(posixpath.dirname(docname), picture["uri"]))
        if posixpath.dirname(shown) == FOLDER:
            names.append(posixpath.basename(shown).removesuffix(".svg"))
        return next((name for name in names if self._path(name, DARK).is_file()), None)

    def _path(self, stem: str, ending: str) -> Path:
        return Path(self.env.srcdir) / FOLDER / f"{stem}{ending}"

    def _image(self, stem: str, ending: str, picture: nodes.image) -> theme_image:
        theme = "on-dark" if ending == DARK else "on-light"
        head = self._path(stem, ending).read_text(encoding="utf-8")[:2000]
        image = theme_image(uri=f"/{FOLDER}/{stem}{ending}", alt=picture.get("alt", ""))
        image["classes"] = [*picture["classes"], theme]
        for side in ("width", "height"):
            found = re.search(rf'<svg [^>]*?\b{side}="([\d.]+)pt"', head)
            if found:
                image[f"{side}_px"] = round(float(found[1]) * POINTS_TO_PIXELS)
        return image

    def _links(self, stem: str) -> nodes.legend:
        line = nodes.paragraph("", "Download: ")
        for ending, words in LINKS.items():
            if self._path(stem, ending).is_file():
                line += [] if ending == ".svg" else [nodes.Text(", ")]
                target = f"/{FOLDER}/{stem}{ending}"
                line += addnodes.download_reference("", words, reftarget=target)
            elif ending == ".csv":
                line += nodes.Text(f" ({NO_DATA})")
        return nodes.legend("", line, classes=["figure-files"])


def visit_theme_image(translator: Any, node: theme_image) -> None:
    """Write the picture with its size, so that text does not jump when it comes."""
    builder = translator.builder
    source = posixpath.join(builder.imgpath, quote(builder.images[node["uri"]]))
    given = {"src": source, "alt": node["alt"], "loading": "lazy"}
    sides = {side: str(node[f"{side}_px"]) for side in ("width", "height") if f"{side}_px" in node}
    translator.body.append(translator.emptytag(node, "img", "\n", **given, **sides))


def depart_theme_image(translator: Any, node: theme_image) -> None:
    """Do nothing: a picture holds nothing."""


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    app.add_node(theme_image, html=(visit_theme_image, depart_theme_image))
    app.add_transform(FigureFiles)
    app.add_css_file("figures.css")
    app.add_js_file("figures.js", loading_method="defer")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
