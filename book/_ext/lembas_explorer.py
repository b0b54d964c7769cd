"""Sphinx extension: give the page of the gene explorer its scripts, and the site its data."""

import shutil
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

MARK = 'class="lembas-explorer"'
DATA = "explorer"
STYLES = ("tabulator/tabulator.min.css", "explorer/explorer.css")
SCRIPTS = (
    "tabulator/tabulator.min.js",
    "explorer/charts.js",
    "explorer/explorer.js",
    "explorer/tables.js",
)
# Builders that make a site of many pages: a page to be printed cannot be typed into.
BUILDERS = ("html", "dirhtml")


def add_scripts(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Load the explorer where it stands, and nowhere else: it is half a megabyte."""
    if app.builder.name not in BUILDERS or MARK not in context.get("body", ""):
        return
    for style in STYLES:
        app.add_css_file(style)
    for script in SCRIPTS:
        app.add_js_file(script, loading_method="defer")


def copy_data(app: Sphinx, error: Exception | None) -> None:
    """Copy the files that the runner composed with the chapters, if there are any."""
    source = Path(app.srcdir) / "book" / "chapters" / DATA
    if error is None and app.builder.name in BUILDERS and source.is_dir():
        target = Path(app.outdir) / DATA
        shutil.rmtree(target, ignore_errors=True)  # a smaller study leaves no file of a larger one
        shutil.copytree(source, target)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    app.connect("html-page-context", add_scripts)
    app.connect("build-finished", copy_data)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
