"""Sphinx extension: label every page with its profile, and keep pages to themselves."""

import json
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment

from lembas.plan import processors


def composed_profile(app: Sphinx) -> dict[str, Any]:
    """Read what the runner wrote of the profile with the chapters it composed.

    Reading it here makes `lembas build` and a plain `jupyter-book build .` label the pages alike.
    """
    path = Path(app.srcdir) / "book" / "chapters" / "profile.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def add_banner(app: Sphinx, config: Config) -> None:
    """Put the banner of the composed profile, if it has one, above every page."""
    banner = composed_profile(app).get("banner")
    if banner:
        # The theme puts it into the page as it is, and would fetch one that begins with http.
        banner = f"<span>{escape(banner)}</span>"
        config.html_theme_options = {**config.html_theme_options, "announcement": banner}


def _names_of(script: Any) -> str:
    """Return a script's file and text, in small letters."""
    body = getattr(script, "attributes", {}).get("body") or ""
    return f"{getattr(script, 'filename', script)} {body}".lower()


def drop_scripts(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Leave out the scripts for running code in the page, and for formulas where there are none.

    Jupyter Book adds the first even where it is switched off: twice, which is a script error, and
    with the address of a server outside the site. Sphinx adds the second, of 2.1 MB, where a form
    of an output that is not shown holds a formula.
    """
    unused = ["thebe"] if 'class="math' in context.get("body", "") else ["thebe", "mathjax"]
    context["script_files"] = [
        script
        for script in context.get("script_files", [])
        if not any(part in _names_of(script) for part in unused)
    ]


def write_side_by_side(app: Sphinx, env: BuildEnvironment) -> None:
    """Let pages be written by all processors, once they are read.

    Not all extensions of Jupyter Book say whether their pages may be read side by side.
    """
    # One more: the process that hands out the work counts as well.
    app.parallel = processors() + 1


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    app.connect("config-inited", add_banner, priority=100)
    app.connect("env-updated", write_side_by_side)
    app.connect("html-page-context", drop_scripts, priority=900)
    app.add_js_file("barriers.js", loading_method="defer")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
