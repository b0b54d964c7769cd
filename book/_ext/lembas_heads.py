"""Sphinx extension: mend the heads of tables that pandas wrote."""

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

# As pandas writes them, plain and styled.
HEAD = re.compile(r"<thead>(.*?)</thead>", re.DOTALL)
ROW = re.compile(r"<tr[^>]*>(.*?)</tr>", re.DOTALL)
CELL = re.compile(r"<th\b[^>]*>.*?</th>", re.DOTALL)
EMPTY = re.compile(r'<th((?: class="blank[^>]*)?)>(?:&nbsp;)?</th>')


def mend_heads(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Put a table's heads into one row, where pandas writes the index's names into a second one.

    What is still empty becomes a plain cell: a screen reader would name a column by it.
    """
    if "body" in context:
        context["body"] = EMPTY.sub(r"<td\1></td>", HEAD.sub(_in_one_row, context["body"]))


def _in_one_row(head: re.Match[str]) -> str:
    rows = [CELL.findall(row) for row in ROW.findall(head[1])]
    if len(rows) != 2 or len(rows[0]) != len(rows[1]):
        return _aligned(head)
    is_name = [not EMPTY.fullmatch(cell) for cell in rows[1]]
    n_names = sum(is_name)
    is_heading = [not EMPTY.fullmatch(cell) for cell in rows[0]]
    apart = is_name[:n_names] == [True] * n_names and not any(is_heading[:n_names])
    if not apart:
        return _aligned(head)
    cells = "\n".join([*rows[1][:n_names], *rows[0][n_names:]])
    return f"<thead>\n<tr>\n{cells}\n</tr>\n</thead>"


def _aligned(head: re.Match[str]) -> str:
    """Leave out pandas' own style: a heading stands over its cells, as the pages' style has it."""
    return head[0].replace(' style="text-align: right;"', "")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    app.connect("html-page-context", mend_heads, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
