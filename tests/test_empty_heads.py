"""Empty heads of tables, which a screen reader would read as names of columns."""

import pandas as pd
import pytest

from tests.extensions import extension

TABLE = pd.DataFrame({"skill": [0.5]}, index=pd.Index(["mlr"], name="model"))


@pytest.mark.parametrize("html", [TABLE.to_html(), TABLE.style.to_html()], ids=["plain", "styled"])
def test_heads_without_text_become_cells_and_others_stay(html: str) -> None:
    context = {"body": html}
    extension("lembas_pages").mend_heads(None, "", "", context, None)
    assert html.count("</th>") - context["body"].count("</th>") == 2
    assert "&nbsp;</th>" not in context["body"]
