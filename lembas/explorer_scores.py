"""Lay each gene's scores out: by cohort and model, with its rank and genes of like difficulty."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from lembas.explorer_text import thousandths

# Shown of every model and cohort, beside the rank by the first of them.
METRICS: tuple[str, ...] = ("skill_per_gene", "pearson_per_gene", "rmse_per_gene")
N_LIKE = 6


def scores(
    per_gene: pd.DataFrame, genes: pd.Index, *, cohorts: Sequence[str], models: Sequence[str]
) -> list[list[list[list[int | None] | None]]]:
    """Lay out the scores of every gene, cohort and model.

    Args:
        per_gene: Tidy: model, cohort, gene, metric, value.
        genes: Genes, in the order of the result.
        cohorts: Cohorts, in the order of the result.
        models: Models, in the order of the result.

    Returns:
        For each gene, cohort and model None where it was not scored, else each of ``METRICS`` in
        thousandths, and the rank by skill among the genes of that model and cohort (1: the best;
        None where skill is not defined).

    Raises:
        ValueError: If a score is given twice.
    """
    keys = ["gene", "cohort", "model", "metric"]
    chosen = per_gene[per_gene["metric"].isin(METRICS)]
    twice = chosen[chosen.duplicated(keys)]
    if len(twice):
        first = ", ".join(f"{row.gene} of {row.model}" for row in twice.head(5).itertuples())
        raise ValueError(
            f"{len(twice)} score(s) are given twice: {first}; keep one a gene, model and cohort"
        )
    wide = chosen.set_index(keys)["value"].unstack("metric").reindex(columns=list(METRICS))  # noqa: PD010
    cells: dict[tuple[str, str], list[Any]] = {}
    for (cohort, model), table in wide.groupby(level=["cohort", "model"]):
        own = table.droplevel(["cohort", "model"])
        rank = own[METRICS[0]].rank(ascending=False, method="min")
        own = own.reindex(genes)
        scored = own.notna().any(axis=1).tolist()
        columns = [thousandths(own[metric]) for metric in METRICS]
        places = [None if pd.isna(place) else int(place) for place in rank.reindex(genes)]
        rows = zip(scored, zip(*columns, places, strict=True), strict=True)
        cells[cohort, model] = [list(row) if known else None for known, row in rows]
    nothing = [None] * len(genes)
    by_cohort = [[cells.get((cohort, model), nothing) for model in models] for cohort in cohorts]
    return [
        [[by_model[place] for by_model in rows] for rows in by_cohort]
        for place in range(len(genes))
    ]


def like_genes(
    table: pd.DataFrame, column: str, *, stratum: str = "expression_stratum", n_genes: int = N_LIKE
) -> list[list[int]]:
    """Find genes of like difficulty: of the same stratum, with the nearest score.

    Args:
        table: One row a gene, with ``column`` and ``stratum``; such as
            :func:`lembas.gene_table.gene_table` makes it.
        column: The score.
        stratum: Genes of other strata are not compared.
        n_genes: Genes to find, those with the nearest scores; fewer where there are no more.

    Returns:
        For each row the rows of its like, the nearest first; none for a gene without a score.
    """
    known = table.reset_index(drop=True)[["gene", column, stratum]].dropna(subset=[column])
    found: list[list[int]] = [[] for _ in range(len(table))]
    # By name where scores are equal, so that the order of the rows decides nothing.
    ordered = known.sort_values([column, "gene"], kind="stable")
    for _, own in ordered.groupby(stratum, observed=True, dropna=False):
        rows, values = own.index.to_numpy(), own[column].to_numpy(float)
        for place, row in enumerate(rows.tolist()):
            near = slice(max(place - n_genes, 0), place + n_genes + 1)
            others, distance = rows[near], np.abs(values[near] - values[place])
            nearest = others[np.argsort(distance, kind="stable")].tolist()
            found[row] = [other for other in nearest if other != row][:n_genes]
    return found


def table_columns(
    table: pd.DataFrame, *, cohorts: Sequence[str], models: Sequence[str], shown: Sequence[str]
) -> list[dict[str, Any]]:
    """Choose the columns of the table of all genes.

    Args:
        table: As :func:`lembas.gene_table.gene_table` makes it.
        cohorts: Scored cohorts.
        models: Models, by whose places a column names them.
        shown: The same models in the order of the columns; the first one's scores on the other
            cohorts are shown too.

    Returns:
        Columns that are there, in order: key, kind ("number", "count", "model" or "text") and
        values (numbers in thousandths, counts whole, models by their place in ``models``).
    """
    first, *others = shown
    away = [cohort for cohort in cohorts if cohort not in ("train", "test")]
    wanted = [f"skill.test.{first}", *(f"skill.test.{name}" for name in others[:1]), "best.test"]
    wanted += ["verdict", "in_degree_measured", "mean", "sd", f"pearson.test.{first}"]
    wanted += [f"skill.{cohort}.{first}" for cohort in away]
    wanted += [f"skill.test.{name}" for name in others[1:]]
    wanted += ["difference", "q", "hops", "between_series", "expression_stratum"]
    columns = [_column(table, key, models) for key in wanted]
    return [column for column in columns if column is not None]


def _column(table: pd.DataFrame, key: str, models: Sequence[str]) -> dict[str, Any] | None:
    """Write one column; None if it is not there or holds nothing."""
    if key not in table.columns or table[key].isna().all():
        return None
    values = table[key]
    if key.startswith("best."):
        place = pd.Index(models).get_indexer(values)
        return {
            "key": key,
            "kind": "model",
            "values": [at if at >= 0 else None for at in place.tolist()],
        }
    if key in ("in_degree_measured", "hops"):
        whole = [None if pd.isna(value) else int(value) for value in values]
        return {"key": key, "kind": "count", "values": whole}
    if pd.api.types.is_numeric_dtype(values):
        return {"key": key, "kind": "number", "values": thousandths(values)}
    names = sorted(values.dropna().unique())
    place = pd.Index(names).get_indexer(values)
    coded = [at if at >= 0 else None for at in place.tolist()]
    return {"key": key, "kind": "text", "names": names, "values": coded}
