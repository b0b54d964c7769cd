"""Sphinx extension: give pages the few icons that they show, in place of all.

The theme loads every icon of Font Awesome twice, as a script of 1.5 MB and as fonts. Its own style
sheets draw icons from the fonts alone, so the script is left out (``book/_templates/layout.html``).
The icons that pages name are cut out of the font and put into a style sheet; there they also show
where a browser reads no font files from a folder.
"""

import base64
import io
import re
from pathlib import Path
from typing import Any

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from sphinx.application import Sphinx

from lembas.atomic import write_atomically

SHEET = "icons.css"
FONT = "vendor/fontawesome/webfonts/fa-solid-900.ttf"
THEME = "styles/pydata-sphinx-theme.css"
NAMED = re.compile(r"\bfa-([a-z0-9-]+)")
# `.fa-bars:before,.fa-navicon:before{content:"\f0c9"}`
RULE = re.compile(r'((?:\.fa-[\w-]+:{1,2}before,?)+)\{content:"\\([0-9a-f]+)"\}')
# Signs that style sheets put before or after texts by themselves.
SIGN = re.compile(r'--pst-icon-[\w-]+: ?"([\ue000-\uf8ff])"')
ADDED = re.compile(r'content: ?"\\(f[0-9a-f]{3})"')


def signs_of(folder: Path) -> set[int]:
    """Return the code points of icons that a built book shows.

    Args:
        folder: Where the pages lie, with ``_static``.
    """
    static = folder / "_static"
    theme = (static / THEME).read_text(encoding="utf-8")
    names = {
        name
        for path in folder.rglob("*.html")
        for name in NAMED.findall(path.read_text(encoding="utf-8"))
    }
    rules = RULE.findall(theme)
    found = {sign for chosen, sign in rules if names & set(NAMED.findall(chosen))}
    for sheet in static.rglob("*.css"):
        if sheet.name not in (Path(THEME).name, SHEET):
            found |= set(ADDED.findall(sheet.read_text(encoding="utf-8")))
    return {int(sign, 16) for sign in found} | {ord(sign) for sign in SIGN.findall(theme)}


def sheet_of(font: Path, signs: set[int]) -> str:
    """Return a style sheet that holds the glyphs of some code points itself.

    Any other code point is still taken from the theme's font file.
    """
    glyphs = TTFont(font, recalcTimestamp=False)
    cut = Subsetter(Options(flavor="woff", notdef_outline=True))
    cut.populate(unicodes=signs)
    cut.subset(glyphs)
    glyphs.flavor = "woff"
    held = io.BytesIO()
    glyphs.save(held)
    data = base64.b64encode(held.getvalue()).decode("ascii")
    ranges = ", ".join(f"U+{sign:x}" for sign in sorted(signs))
    return (
        '@font-face {\n  font-family: "Font Awesome 6 Free";\n  font-weight: 900;\n'
        f"  src: url(data:font/woff;base64,{data});\n  unicode-range: {ranges};\n}}\n"
    )


def write_icons(app: Sphinx, exception: Exception | None) -> None:
    """Write the style sheet once all pages are there."""
    if exception is None and app.builder.name == "html":
        static = Path(app.outdir) / "_static"
        sheet = sheet_of(static / FONT, signs_of(Path(app.outdir)))
        write_atomically(static / SHEET, lambda path: path.write_text(sheet, encoding="ascii"))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    app.connect("build-finished", write_icons)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
