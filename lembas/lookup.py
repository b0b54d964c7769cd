"""Look TFs and genes up in a page: a small table that works offline, without any library."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import escape

import numpy as np
import pandas as pd

# Three digits: a page may hold tens of thousands of numbers.
_DIGITS = 3
_PAGE = """<div class="lembas-lookup" id="{id}">
<p><label>TF or gene: <input list="{id}-names" size="12" autocomplete="off" spellcheck="false"
value="{first}"></label> <label>Model: <select></select></label></p>
<datalist id="{id}-names"></datalist>
<p aria-live="polite"></p>
<table><thead></thead><tbody></tbody></table>
<noscript>{fallback}</noscript>
<script>{script}</script>
</div>"""
# Names go in as text, never as mark-up.
_SCRIPT = """(function () {
  const data = %s;
  const root = document.getElementById(data.id);
  const input = root.querySelector("input"), select = root.querySelector("select");
  const said = root.querySelector("[aria-live]");
  const cell = (row, kind, text) => {
    row.appendChild(document.createElement(kind)).textContent = text;
  };
  const option = (parent, text, value) => {
    const made = parent.appendChild(document.createElement("option"));
    made.textContent = text;
    made.value = value;
  };
  const signed = (value) => (value > 0 ? "+" : "") + value.toFixed(data.digits);
  data.models.forEach((name, i) => option(select, name, i));
  [...data.tfs, ...data.genes].forEach((name) =>
    option(root.querySelector("datalist"), name, name));
  const show = () => {
    const wanted = input.value.trim().toUpperCase();
    const is = (name) => name.toUpperCase() === wanted;
    const tf = data.tfs.findIndex(is), gene = data.genes.findIndex(is);
    const head = root.querySelector("thead"), body = root.querySelector("tbody");
    head.replaceChildren();
    body.replaceChildren();
    if (tf < 0 && gene < 0) {
      said.textContent = "No such TF or gene here; names with these letters: " +
        ([...data.tfs, ...data.genes].filter((name) => name.toUpperCase().includes(wanted))
          .slice(0, 8).join(", ") || "none") + ".";
      return;
    }
    const model = data.rows[select.value];
    const rows = tf >= 0 ? model.tfs[tf] : model.genes[gene];
    const names = tf >= 0 ? data.genes : data.tfs;
    said.textContent = (tf >= 0 ? data.of_tf : data.of_gene)
      .replace("{}", tf >= 0 ? data.tfs[tf] : data.genes[gene]);
    const top = head.appendChild(document.createElement("tr"));
    [tf >= 0 ? "gene" : "TF", ...data.columns].forEach((text) => cell(top, "th", text));
    for (let i = 0; i < rows.length; i += 3) {
      const row = body.appendChild(document.createElement("tr"));
      cell(row, "th", names[rows[i]]);
      cell(row, "td", signed(rows[i + 1]));
      cell(row, "td", rows[i + 2] === null ? "not defined" : signed(rows[i + 2]));
    }
  };
  input.addEventListener("input", show);
  select.addEventListener("change", show);
  show();
})();"""


@dataclass(frozen=True)
class Lookup:
    """Hold the mark-up of a table in which TFs and genes are looked up.

    Attributes:
        html: A fragment of a page, complete in itself.
    """

    html: str = field(repr=False)

    def _repr_html_(self) -> str:
        return self.html


def lookup(
    responses: pd.DataFrame,
    labels: Mapping[str, str],
    *,
    models: Iterable[str] | None = None,
    n_genes_a_tf: int = 25,
    n_tfs_a_gene: int = 5,
    n_genes: int = 1000,
    name: str = "knockouts",
) -> Lookup:
    """Make the table TF to genes and gene to TFs of the strongest responses.

    Args:
        responses: As in :class:`lembas.knockout.Knockouts`.
        labels: Model to label.
        models: Models to offer, the first being shown at first; None: all.
        n_genes_a_tf: Genes listed a TF.
        n_tfs_a_gene: TFs listed a gene.
        n_genes: Genes that can be looked up besides those listed at a TF: those that respond most.
        name: Identifier in the page, unique there.

    Raises:
        ValueError: If there is no row.
    """
    chosen = list(models) if models is not None else list(responses["model"].unique())
    rows = responses[responses["model"].isin(chosen)].assign(
        size=lambda table: table["response"].abs()
    )
    rows = rows[rows["size"] > 0].sort_values("size", ascending=False, kind="stable")
    if rows.empty:
        raise ValueError("no model responds to any knock-out; there is nothing to look up")
    of_tfs = rows.groupby(["model", "tf"], sort=False).head(n_genes_a_tf)
    genes = pd.Index(rows["gene"].unique()[:n_genes]).union(of_tfs["gene"].unique())
    of_genes = rows[rows["gene"].isin(genes)]
    of_genes = of_genes.groupby(["model", "gene"], sort=False).head(n_tfs_a_gene)
    tfs = pd.Index(responses["tf"].unique())
    data = {
        "id": name,
        "digits": _DIGITS,
        "models": [labels.get(model, model) for model in chosen],
        "tfs": list(map(str, tfs)),
        "genes": list(map(str, genes)),
        "columns": ["response, log10", "in SDs of the prediction"],
        "of_tf": "Genes that respond most to the loss of {}:",
        "of_gene": "TFs whose loss moves {} most:",
        "rows": [
            {
                "tfs": _lists(of_tfs[of_tfs["model"] == model], "tf", tfs, other=genes),
                "genes": _lists(of_genes[of_genes["model"] == model], "gene", genes, other=tfs),
            }
            for model in chosen
        ],
    }
    return Lookup(_page(data, of_tfs[of_tfs["model"] == chosen[0]]))


def _lists(
    rows: pd.DataFrame, key: str, names: pd.Index, *, other: pd.Index
) -> list[list[float | int | None]]:
    """List partner, response and relative response of each name, one after the other."""
    partner = "gene" if key == "tf" else "tf"
    place = other.get_indexer(rows[partner])
    size, relative = rows["response"].round(_DIGITS), rows["relative"].round(_DIGITS)
    lists: dict[str, list[float | int | None]] = {name: [] for name in names}
    for owner, at, value, share in zip(rows[key], place, size, relative, strict=True):
        lists[owner] += [int(at), float(value), float(share) if np.isfinite(share) else None]
    return list(lists.values())


def _page(data: Mapping[str, object], first: pd.DataFrame) -> str:
    """Fill the page's fragment; without scripts a reader sees the strongest responses."""
    shown = first[["tf", "gene", "response"]].head(20).round(_DIGITS)
    # "</script>" in a name would end the script.
    text = json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return _PAGE.format(
        id=escape(str(data["id"]), quote=True),
        first=escape(str(first["tf"].iloc[0] if len(first) else ""), quote=True),
        fallback=shown.to_html(index=False),
        script=_SCRIPT % text,
    )
