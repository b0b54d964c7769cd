"""List what the prior and the models say of each TF and gene: edges, attributions, knock-outs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from lembas.explorer_text import thousandths
from lembas.network import Network

N_REGULATORS, N_TARGETS, N_MATTERS = 60, 200, 12
EDGE_COLUMNS = ("tf", "gene", "sign")
ATTRIBUTED = ("model", "gene", "tf", "mean_abs_attribution", "direction")
RESPONDED = ["model", "tf", "gene", "response"]


def edges_with_weights(
    network: Network, genes: pd.Index, weights: pd.DataFrame, models: Sequence[str]
) -> pd.DataFrame:
    """Put the learned weights beside the prior's edges to the genes that are predicted.

    Args:
        network: The prior; its TFs need not have been measured.
        genes: Targets.
        weights: Columns model, tf, gene and weight, such as table ``learned_weights`` holds.
        models: Models whose weights are shown.

    Returns:
        One row an edge, self-loops left out, the strongest by the first model first: tf, gene,
        sign, and the weight of each model under its name; NaN where it has none.

    Raises:
        ValueError: If an edge has two weights of one model.
    """
    edges = network.edges.set_axis(list(EDGE_COLUMNS), axis=1)
    edges = edges[edges["gene"].isin(genes) & (edges["tf"] != edges["gene"])]
    own = weights[weights["model"].isin(models)]
    keys = ["tf", "gene", "model"]
    twice = own[own.duplicated(keys)]
    if len(twice):
        first = ", ".join(f"{row.tf} to {row.gene}" for row in twice.head(5).itertuples())
        raise ValueError(f"{len(twice)} edge(s) have two weights of one model: {first}; keep one")
    for model in models:
        column = own.loc[own["model"] == model, ["tf", "gene", "weight"]]
        edges = edges.merge(column.rename(columns={"weight": model}), on=["tf", "gene"], how="left")
    if models:
        edges = edges.assign(size=edges[models[0]].abs()).sort_values(
            ["size", "tf", "gene"], ascending=[False, True, True], kind="stable"
        )
    return edges[[*EDGE_COLUMNS, *models]].reset_index(drop=True)


def edge_lists(
    edges: pd.DataFrame, owners: pd.Index, partners: pd.Index, *, by: str, most: int
) -> list[dict[str, Any]]:
    """List the strongest edges of each TF, or of each gene.

    Args:
        edges: Result of :func:`edges_with_weights`.
        owners: TFs, or genes, in the order of the result.
        partners: The other ends; a row names its partner by its place here.
        by: "tf" or "gene": what the owners are.
        most: Rows an owner at most.

    Returns:
        For each owner n (all its edges) and rows: partner, sign, and a weight a model, in
        thousandths.
    """
    partner = "gene" if by == "tf" else "tf"
    models = [name for name in edges.columns if name not in EDGE_COLUMNS]
    kept = edges.groupby(by, sort=False).head(most)
    columns = [
        partners.get_indexer(kept[partner]).tolist(),
        kept["sign"].astype(int).tolist(),
        *(thousandths(kept[model]) for model in models),
    ]
    rows: dict[str, list[list[Any]]] = {}
    for owner, *row in zip(kept[by], *columns, strict=True):
        rows.setdefault(owner, []).append(row)
    count = edges[by].value_counts()
    return [{"n": int(count.get(name, 0)), "rows": rows.get(name, [])} for name in owners]


def joined_attributions(summary: pd.DataFrame | None, panel: pd.DataFrame | None) -> pd.DataFrame:
    """Put the attributions of chosen genes and of the panel together, each pair of names once.

    Args:
        summary: Columns of ``ATTRIBUTED``: genes explained over all samples; None: there are none.
        panel: The same for the panel; a model's gene that the summary has is left out.

    Returns:
        Columns of ``ATTRIBUTED``, and share: the part of the gene's whole attribution.
    """
    parts = [part[list(ATTRIBUTED)] for part in (summary, panel) if part is not None]
    if not parts:
        return pd.DataFrame(columns=[*ATTRIBUTED, "share"])
    both = pd.concat(parts, keys=range(len(parts)), names=["part", None]).reset_index("part")
    first = both.groupby(["model", "gene"])["part"].transform("min")
    both = both[both["part"] == first].drop(columns="part")
    total = both.groupby(["model", "gene"])["mean_abs_attribution"].transform("sum")
    share = both["mean_abs_attribution"] / total.where(total > 0)
    return both.assign(share=share).reset_index(drop=True)


def strongest(
    table: pd.DataFrame,
    owners: pd.Index,
    partners: pd.Index,
    *,
    by: str,
    value: str,
    models: Sequence[str],
    most: int = N_MATTERS,
) -> list[list[list[Any]]]:
    """List what has the largest values with each TF, or with each gene, in each model.

    Args:
        table: Columns model, tf, gene, ``value`` and, where there is one, direction.
        owners: TFs, or genes, in the order of the result.
        partners: The other ends; a row names its partner by its place here.
        by: "tf" or "gene": what the owners are.
        value: Column to sort by, whatever its sign, and to show.
        models: A row names its model by its place here; other models are left out.
        most: Rows a model and owner at most.

    Returns:
        For each owner rows of model, partner, value (thousandths) and direction, the largest
        first; none for an owner that the table does not hold.
    """
    partner = "gene" if by == "tf" else "tf"
    known = table[table["model"].isin(models) & table[partner].isin(partners)]
    ordered = known.assign(size=known[value].abs()).sort_values(
        ["size", partner], ascending=[False, True], kind="stable"
    )
    kept = _in_order_of(ordered.groupby(["model", by], sort=False).head(most), models)
    columns = [
        pd.Index(models).get_indexer(kept["model"]).tolist(),
        partners.get_indexer(kept[partner]).tolist(),
        thousandths(kept[value]),
    ]
    if "direction" in kept:
        columns.append(kept["direction"].fillna(0).astype(int).tolist())
    rows: dict[str, list[list[Any]]] = {name: [] for name in owners}
    for owner, *row in zip(kept[by], *columns, strict=True):
        if owner in rows:
            rows[owner].append(row)
    return list(rows.values())


def _in_order_of(table: pd.DataFrame, models: Sequence[str]) -> pd.DataFrame:
    """Sort the rows by model, in the order given, and leave their order alone otherwise."""
    place: Mapping[str, int] = {name: number for number, name in enumerate(models)}
    return table.iloc[table["model"].map(place).argsort(kind="stable")]
