"""What data say stays text: a reader of Markdown gets back what was written."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from lembas.card_markup import bullets, escaped, facts, page, table

# What MyST reads: CommonMark with raw HTML, and tables.
MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table")


def shown(markdown: str) -> str:
    return unescape(re.sub(r"</?p>", "", MARKDOWN.render(markdown))).strip()


@settings(max_examples=50, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"])))
def test_any_text_is_shown_as_it_is(text: str) -> None:
    assert shown(escaped(text)) == text


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "{glue:text}`n`", "$x$", "a | b", "# no title", "[a](b)"]
)
def test_mark_up_in_a_name_is_text(text: str) -> None:
    assert shown(f"Cohort {escaped(text)}.") == f"Cohort {text}."
    assert "`" not in escaped(text).replace("\\`", "")


def test_lines_are_joined_so_that_no_block_begins() -> None:
    assert escaped("one\n\n# two\t three") == r"one \# two three"


def test_a_table_holds_its_cells() -> None:
    html = MARKDOWN.render(table(["What", "Here"], [("a|b", "<i>"), ("c", 3)]))
    cells = [unescape(cell) for cell in re.findall(r"<t[hd]>(.*?)</t[hd]>", html)]
    assert cells == ["What", "Here", "a|b", "<i>", "c", "3"]


def test_empty_facts_and_parts_are_left_out() -> None:
    assert "Files" not in facts({"Unit": "CPM", "Files": ""})
    assert page("# A", "", " ", "text") == "# A\n\ntext\n"
    assert bullets(["a", "b"]) == "- a\n- b"
