"""Sphinx extension: the API reference, made from docstrings; not for the book as one page."""

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.ext.autodoc.directive import AutodocDirective

ONE_PAGE = "singlehtml"


class Api(AutodocDirective):
    """Document a module as ``automodule`` does: ``.. api:: lembas.metrics``.

    The book as one page is there to be printed, and a reference of hundreds of names is not.
    """

    def run(self) -> list[nodes.Node]:
        """Make the nodes; none for the book as one page."""
        if self.env.app.builder.name == ONE_PAGE:
            return []
        self.name = "automodule"
        return super().run()


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension, and autodoc with it."""
    app.setup_extension("sphinx.ext.autodoc")
    app.setup_extension("sphinx.ext.napoleon")
    app.add_directive("api", Api)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
