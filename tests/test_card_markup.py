"""What data say stays text in tables, lists and headings; tests/test_security.py tries any text."""

from __future__ import annotations

import re
from html import unescape

import pytest
from markdown_it import MarkdownIt

from lembas.card_markup import bullets, facts, page, shown, table
from lembas.plain_text import as_markdown

# What MyST reads: CommonMark with raw HTML, and tables.
MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table")
TEXTS = ("<script>alert(1)</script>", "{glue:text}`n`", "$x$", "a | b", "# no title", "a #", "- b")


@pytest.mark.parametrize("text", TEXTS)
def test_mark_up_in_a_name_is_text(text: str) -> None:
    html = MARKDOWN.render(table([text, "b"], [(text, 3)]))
    assert [unescape(cell) for cell in re.findall(r"<t[hd]>(.*?)</t[hd]>", html)] == [
        *(text, "b"),
        *(text, "3"),
    ]
    assert unescape(MARKDOWN.render(bullets([text]))) == f"<ul>\n<li>{text}</li>\n</ul>\n"
    assert unescape(MARKDOWN.render(f"## {as_markdown(text)}")) == f"<h2>{text}</h2>\n"


def test_empty_facts_and_parts_are_left_out() -> None:
    assert "Files" not in facts({"Unit": "CPM", "Files": ""})
    assert page("# A", "", " ", "text") == "# A\n\ntext\n"


def test_settings_are_shown_without_brackets() -> None:
    assert (
        shown({"epochs": 60, "grid": [1, 2], "hidden": (64,)}) == "epochs 60, grid 1, 2, hidden 64"
    )
    assert shown(None) == "not set"
