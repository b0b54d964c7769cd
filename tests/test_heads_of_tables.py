"""Heads of tables: one row, and none without text, which a screen reader would read as a name."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from tests.extensions import extension

TABLE = pd.DataFrame({"skill": [0.5], "r2": [0.4]}, index=pd.Index(["mlr"], name="model"))
NESTED = TABLE.set_index(pd.MultiIndex.from_tuples([("test", "mlr")], names=["cohort", "model"]))


def mended(html: str) -> str:
    context = {"body": html}
    extension("lembas_heads").mend_heads(None, "", "", context, None)
    return context["body"]


def heads(html: str) -> list[list[str]]:
    (head,) = re.findall(r"<thead>(.*?)</thead>", html, re.DOTALL)
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", head, re.DOTALL)
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]


def as_html(table: pd.DataFrame, *, styled: bool) -> str:
    return table.style.to_html() if styled else table.to_html()


@pytest.mark.parametrize("styled", [False, True])
def test_names_of_the_index_stand_beside_those_of_the_columns(styled: bool) -> None:
    for table, expected in (
        (TABLE, ["model", "skill", "r2"]),
        (NESTED, ["cohort", "model", "skill", "r2"]),
    ):
        html = mended(as_html(table, styled=styled))
        assert heads(html) == [expected]
        assert html.count("<td") == as_html(table, styled=styled).count("<td")
        assert "text-align: right" not in html


@pytest.mark.parametrize("styled", [False, True])
def test_an_empty_head_becomes_a_cell(styled: bool) -> None:
    html = mended(as_html(TABLE.rename_axis(None), styled=styled))
    assert [name for name in heads(html)[0] if name not in ("", "&nbsp;")] == ["skill", "r2"]
    assert not re.search(r"<th[^>]*>(?:&nbsp;)?</th>", html)


def test_other_heads_stay() -> None:
    columns = pd.MultiIndex.from_tuples([("test", "skill"), ("test", "r2")])
    for table in (TABLE.set_axis(columns, axis=1), TABLE.rename_axis(columns="score")):
        html = table.to_html()
        kept = [name for row in heads(html) for name in row if name]
        assert [name for row in heads(mended(html)) for name in row if name] == kept
        assert len(heads(mended(html))) == len(heads(html)) > 1
    page = "<p>&lt;thead&gt;</p>"
    assert mended(page) == page
