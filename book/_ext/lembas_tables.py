"""Sphinx extension: number the tables that chapters show, as figures are numbered.

MyST-NB wraps the output of a cell in a figure with name and caption when the cell's metadata say
so. Where the name begins with ``tab-``, the output is a table: it is numbered among the tables,
``{numref}`` finds it, and its caption stands above it.
"""

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.writers.html5 import HTML5Translator

PREFIX = "tab-"


class shown_table(nodes.General, nodes.Element):  # noqa: N801 - docutils names nodes so
    """A table that a chapter's code made, with its caption."""


class NameTables(SphinxTransform):
    """Turn figures whose name begins with ``tab-`` into tables."""

    default_priority = 400  # names are known by then, references not yet resolved

    def apply(self, **_: Any) -> None:
        """Replace the nodes, keeping their names."""
        for figure in list(self.document.findall(nodes.figure)):
            if any(name.startswith(PREFIX) for name in figure["names"]):
                self._replace(figure)

    def _replace(self, figure: nodes.figure) -> None:
        table = shown_table("", *sorted(figure.children, key=_captions_first))
        table.update_basic_atts(figure)
        table.source, table.line = figure.source, figure.line
        for identifier in table["ids"]:
            self.document.ids[identifier] = table
        figure.replace_self(table)


def _captions_first(node: nodes.Node) -> bool:
    return not isinstance(node, nodes.caption)


def visit_shown_table(writer: HTML5Translator, node: shown_table) -> None:
    """Open a figure: HTML's element for anything that has a caption."""
    writer.body.append(writer.starttag(node, "figure", CLASS="shown-table"))


def depart_shown_table(writer: HTML5Translator, node: shown_table) -> None:
    """Close it."""
    writer.body.append("</figure>\n")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    app.add_enumerable_node(shown_table, "table", html=(visit_shown_table, depart_shown_table))
    app.add_transform(NameTables)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
