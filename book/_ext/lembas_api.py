"""Sphinx extension: the API reference, made from docstrings; not for the book as one page."""

from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.ext.autodoc.directive import AutodocDirective

ONE_PAGE = "singlehtml"


class Api(AutodocDirective):
    """Document a module as ``automodule`` does: ``.. api:: lembas.metrics``.

    The book as one page is there to be printed, and a reference of hundreds of names is not.
    """

    def run(self) -> list[nodes.Node]:
        """Make the nodes; none for the book as one page."""
        if is_one_page(self.env):
            return []
        self.name = "automodule"
        return super().run()


def is_one_page(env: BuildEnvironment) -> bool:
    """Say whether the book is made as one page."""
    return env.app.builder.name == ONE_PAGE


def without_reference(
    _: Sphinx, env: BuildEnvironment, node: pending_xref, text: nodes.TextElement
) -> nodes.TextElement | None:
    """Show names of the API as text where there is no reference to lead to."""
    return text if node.get("refdomain") == "py" and is_one_page(env) else None


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension, and autodoc with it."""
    app.setup_extension("sphinx.ext.autodoc")
    app.setup_extension("sphinx.ext.napoleon")
    app.add_directive("api", Api)
    app.connect("missing-reference", without_reference)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
