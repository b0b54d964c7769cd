"""Compare the numbers that built pages show with those that chapters glued."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from posixpath import join, normpath
from typing import TYPE_CHECKING

import nbformat

from lembas.glued import glued_numbers
from lembas.plan import Plan
from lembas.render import COMPOSED, pages_of

if TYPE_CHECKING:
    from lembas.verification import Report

ROLE = re.compile(r"\{glue:text\}`(?P<key>[^`]+)`")
FENCE = re.compile(r"(?P<mark>`{3,}|~{3,}) *(?P<what>.*)")
# What the pages make of plain quotation marks, dashes and dots.
TYPOGRAPHY = {
    "\u2018": "'",
    "\u2019": "'",
    "\u201c": '"',
    "\u201d": '"',
    "\u2013": "--",
    "\u2014": "---",
    "\u2026": "...",
}


@dataclass(frozen=True)
class Place:
    """A place in the prose that shows a glued number.

    Attributes:
        chapter: Chapter that glued it.
        key: Its key.
        shown: What the page must show.
    """

    chapter: str
    key: str
    shown: str


def check_pages(plan: Plan, report: Report) -> None:
    """Look through the pages of a run, where they are built, for numbers that are not the glued.

    Every number that the prose asks for must stand on its page, and every number that a page marks
    as glued must be one of these.
    """
    folder = pages_of(plan)
    if not (folder / "index.html").is_file():
        return
    glued = {name: glued_numbers(plan.root / plan.executed(name)) for name in plan.chapters}
    for document, text in _prose(plan):
        page = folder / f"{document}.html"
        if not page.is_file():
            continue
        places = list(_places(document, text, glued))
        shown = set(shown_numbers(page.read_text(encoding="utf-8")))
        for place in places:
            report.looked("page")
            if _plain(place.shown) not in shown:
                words = f"is {place.shown!r}, and {document}.html does not show it"
                report.wrong("page", place.chapter, place.key, words)
        for odd in sorted(shown - {_plain(place.shown) for place in places}):
            report.wrong("page", "", f"{document}.html", f"shows {odd!r}, which no chapter glued")


def _prose(plan: Plan) -> Iterator[tuple[str, str]]:
    """Give each page's name and its text: the chapters', and the pages of prose."""
    for name, chapter in plan.chapters.items():
        cells = nbformat.read(chapter.path, as_version=4).cells
        yield f"{COMPOSED}/{name}", "\n\n".join(map(_text_of, cells))
    for path in sorted((plan.root / "book").glob("*.md")):
        yield f"book/{path.stem}", path.read_text(encoding="utf-8")


def _text_of(cell: nbformat.NotebookNode) -> str:
    """Give a cell's prose: Markdown, or the caption of a figure or table."""
    if cell.cell_type == "markdown":
        return str(cell.source)
    figure = cell.metadata.get("mystnb", {}).get("figure", {})
    return str(figure.get("caption", ""))


def without_examples(text: str) -> str:
    """Leave out fences that are no directives: examples show the role itself."""
    kept: list[str] = []
    opened: list[tuple[str, bool]] = []  # mark of a fence, and whether it holds an example
    for line in text.splitlines():
        found = FENCE.fullmatch(line.strip())
        closes = found and opened and not found["what"] and found["mark"].startswith(opened[-1][0])
        if closes:
            opened.pop()
        elif found and not (opened and opened[-1][1]):
            opened.append((found["mark"], not found["what"].startswith("{")))
        elif not (opened and opened[-1][1]):
            kept.append(line)
    return "\n".join(kept)


def _places(document: str, text: str, glued: Mapping[str, Mapping[str, str]]) -> Iterator[Place]:
    for match in ROLE.finditer(without_examples(text)):
        name, colon, kind = match["key"].rpartition(":")
        # `path::key` has no format; `key:.1f` has.
        if not colon or name.endswith(":"):
            name, kind = match["key"], "s"
        other, apart, key = name.rpartition("::")
        path = normpath(join(document, "..", other)) if apart else document
        chapter = Path(path).stem
        if chapter in glued and key in glued[chapter]:
            yield Place(chapter, key, _formatted(glued[chapter][key], kind))


def _formatted(text: str, kind: str) -> str:
    from myst_nb.core.variables import format_plain_text

    return format_plain_text(text, kind)


def _plain(text: str) -> str:
    for fancy, simple in TYPOGRAPHY.items():
        text = text.replace(fancy, simple)
    return " ".join(text.split())


class _Shown(HTMLParser):
    """Collect the texts that a page marks as glued."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        classes = (dict(attrs).get("class") or "").split()
        if self._depth:
            self._depth += tag == "span"
        elif "pasted-text" in classes:
            self._depth = 1
            self.found.append("")

    def handle_endtag(self, tag: str) -> None:
        self._depth -= bool(self._depth) and tag == "span"

    def handle_data(self, data: str) -> None:
        if self._depth:
            self.found[-1] += data


def shown_numbers(page: str) -> list[str]:
    """Give the texts that a page marks as glued, in order, with plain typography."""
    parser = _Shown()
    parser.feed(page)
    return [_plain(text) for text in parser.found]
