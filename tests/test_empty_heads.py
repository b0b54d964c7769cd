"""Empty heads of tables, which a screen reader would read as names of columns."""

import importlib.util
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[1]
TABLE = pd.DataFrame({"skill": [0.5]}, index=pd.Index(["mlr"], name="model"))


@pytest.mark.parametrize("html", [TABLE.to_html(), TABLE.style.to_html()], ids=["plain", "styled"])
def test_heads_without_text_become_cells_and_others_stay(html: str) -> None:
    path = ROOT / "book" / "_ext" / "lembas_pages.py"
    spec = importlib.util.spec_from_file_location("lembas_pages", path)
    assert spec is not None
    assert spec.loader is not None
    pages = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(pages)
    context = {"body": html}
    pages.mend_heads(None, "", "", context, None)
    assert html.count("</th>") - context["body"].count("</th>") == 2
    assert "&nbsp;</th>" not in context["body"]
