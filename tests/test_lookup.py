"""The table to look names up in: complete, small, and deaf to mark-up in names."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lembas.lookup import lookup


def responses(n_tfs: int = 3, n_genes: int = 40) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    rows = [
        (model, f"TF{t}", f"G{g:02d}", value)
        for model in ("m", "n")
        for t in range(n_tfs)
        for g, value in enumerate(rng.normal(0, 0.1, n_genes))
    ]
    table = pd.DataFrame(rows, columns=["model", "tf", "gene", "response"])
    return table.assign(relative=table["response"] * 10)


def content(html: str) -> dict[str, Any]:
    found = re.search(r"const data = (\{.*\});\n", html)
    assert found is not None
    return json.loads(found.group(1))


def test_every_tf_lists_its_strongest_genes_and_every_gene_its_tfs() -> None:
    table = responses()
    data = content(lookup(table, {"m": "Model M"}, n_genes_a_tf=4, n_tfs_a_gene=2).html)
    assert data["models"] == ["Model M", "n"]
    own = table[(table["model"] == "n") & (table["tf"] == "TF1")].set_index("gene")["response"]
    listed = data["rows"][1]["tfs"][data["tfs"].index("TF1")]
    strongest = own.abs().nlargest(4).index
    assert [data["genes"][place] for place in listed[::3]] == strongest.tolist()
    assert listed[1::3] == pytest.approx(own[strongest].round(3).tolist())
    of_gene = data["rows"][0]["genes"][data["genes"].index("G07")]
    rows = table[(table["model"] == "m") & (table["gene"] == "G07")].set_index("tf")["response"]
    assert [data["tfs"][place] for place in of_gene[::3]] == rows.abs().nlargest(2).index.tolist()


def test_genes_beyond_the_strongest_are_left_out() -> None:
    table = responses(n_genes=200)
    data = content(lookup(table, {}, n_genes=10, n_genes_a_tf=3).html)
    assert 10 <= len(data["genes"]) <= 10 + 2 * 3 * 3
    strongest = table.loc[table["response"].abs().idxmax(), "gene"]
    assert strongest in data["genes"]


def test_the_models_asked_for_come_in_their_order() -> None:
    assert content(lookup(responses(), {}, models=["n"]).html)["models"] == ["n"]
    assert content(lookup(responses(), {}, models=["n", "m"]).html)["models"] == ["n", "m"]


def test_a_response_without_a_scale_is_not_defined() -> None:
    table = responses().assign(relative=np.nan)
    data = content(lookup(table, {}).html)
    assert data["rows"][0]["tfs"][0][2] is None


def test_names_cannot_end_the_script() -> None:
    table = responses().replace({"TF0": '</script><img src="x">'})
    html = lookup(table, {}).html
    assert html.count("</script>") == 1
    assert "<img" not in html
    assert '</script><img src="x">' in content(html)["tfs"]


def test_nothing_is_loaded_from_elsewhere() -> None:
    made = lookup(responses(), {})
    assert made._repr_html_() == made.html
    assert "http" not in made.html
    assert "src=" not in made.html
    assert "<noscript><table" in made.html
    assert len(repr(made)) < 50


def test_no_response_at_all() -> None:
    with pytest.raises(ValueError, match="no model responds to any knock-out"):
        lookup(responses().assign(response=0.0), {})
