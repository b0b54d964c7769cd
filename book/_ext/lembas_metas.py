"""Sphinx extension: say in each page's head what it is about; list all pages for search engines."""

import html
import re
import shutil
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from docutils import nodes
from lembas_pages import composed_profile
from sphinx.application import Sphinx
from sphinx.config import Config

CARD = "card.png"
CARD_SIZE = (1200, 630)
LONGEST = 200


def read_address(app: Sphinx, config: Config) -> None:
    """Take the site's address, if one is configured, from what the runner wrote."""
    address = composed_profile(app).get("address", "")
    if address:
        config.html_baseurl = address.rstrip("/") + "/"


def add_metas(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Add description and og: tags; only a configured address makes links that leave the page."""
    if doctree is None:
        return
    title = _plain(str(context.get("title", "")))
    named = {
        "og:type": "website" if page == app.config.root_doc else "article",
        "og:site_name": app.config.html_title or app.config.project,
        "og:title": title,
        "og:description": describe(doctree) or title,
    }
    if _card(app).is_file():
        base = app.config.html_baseurl or context["pathto"]("", resource=True)
        named["og:image"] = f"{base}_static/{CARD}".removeprefix("./")
        named["og:image:width"], named["og:image:height"] = map(str, CARD_SIZE)
        named["og:image:alt"] = "Scores of the models on the held-out test samples"
    if app.config.html_baseurl:
        named["og:url"] = app.config.html_baseurl + app.builder.get_target_uri(page)
    tags = [f'<meta property="{name}" content="{_quoted(text)}" />' for name, text in named.items()]
    tags.append(f'<meta name="description" content="{_quoted(named["og:description"])}" />')
    tags.append('<meta name="twitter:card" content="summary_large_image" />')
    context["metatags"] = "\n".join([context.get("metatags", ""), *tags])


def describe(doctree: nodes.document) -> str:
    """Return the first paragraph of a page, cut at the end of a word."""
    paragraphs = (
        node.astext()
        for node in doctree.findall(nodes.paragraph)
        if not isinstance(node.parent, nodes.Admonition | nodes.sidebar)
    )
    text = " ".join(next(paragraphs, "").split()).removeprefix("Question. ")
    if len(text) <= LONGEST:
        return text
    return text[:LONGEST].rsplit(" ", 1)[0].rstrip(",;:") + " ..."


def finish(app: Sphinx, exception: Exception | None) -> None:
    """Copy the card to the site, and write ``sitemap.xml`` where the address is known."""
    if exception is not None or app.builder.name != "html":
        return
    outdir = Path(app.outdir)
    if _card(app).is_file():
        shutil.copyfile(_card(app), outdir / "_static" / CARD)
    if app.config.html_baseurl:
        pages = sorted(app.env.found_docs)
        (outdir / "sitemap.xml").write_text(sitemap(app, pages), encoding="utf-8")


def sitemap(app: Sphinx, pages: list[str]) -> str:
    """List the addresses of pages in the form that search engines read."""
    addresses = (app.config.html_baseurl + app.builder.get_target_uri(page) for page in pages)
    entries = [f" <url><loc>{escape(address)}</loc></url>" for address in addresses]
    start = '<?xml version="1.0" encoding="UTF-8"?>'
    opened = '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
    return "\n".join([start, opened, *entries, "</urlset>", ""])


def _card(app: Sphinx) -> Path:
    return Path(app.srcdir) / "book" / "chapters" / "figures" / CARD


def _plain(title: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", "", title)).strip()


def _quoted(text: str) -> str:
    return html.escape(text, quote=True)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    app.connect("config-inited", read_address, priority=100)
    app.connect("html-page-context", add_metas)
    app.connect("build-finished", finish)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
