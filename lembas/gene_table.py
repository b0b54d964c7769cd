"""Put all that is known of each gene into one table."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from lembas.gene_strata import KINDS

METRICS: tuple[str, ...] = ("skill_per_gene", "pearson_per_gene")
NULL = "train_mean"


def gene_table(
    strata: pd.DataFrame,
    per_gene: pd.DataFrame,
    tests: pd.DataFrame | None = None,
    *,
    metrics: Sequence[str] = METRICS,
) -> pd.DataFrame:
    """Join strata, every model's scores on every cohort, and the tests of two models.

    Args:
        strata: Result of :func:`lembas.gene_strata.gene_strata`.
        per_gene: Tidy: model, cohort, gene, metric, value.
        tests: Result of :func:`lembas.significance.gene_differences`; None: none.
        metrics: Scores to show.

    Returns:
        One row a gene of ``strata``: gene, mean, sd, in_degree_measured, hops, between_series, the
        strata as text, ``<score>.<cohort>.<model>`` (such as ``skill.test.ridge``),
        ``best.<cohort>`` (the model of highest skill, the null among them), and of the tests
        difference, p, q and verdict. NaN where a gene was not measured or not predicted.

    Raises:
        ValueError: If a score is given twice.
    """
    chosen = per_gene[per_gene["metric"].isin(metrics)]
    keys = ["gene", "metric", "cohort", "model"]
    twice = chosen[chosen.duplicated(keys)]
    if len(twice):
        first = ", ".join(f"{row.gene} of {row.model}" for row in twice.head(5).itertuples())
        raise ValueError(
            f"{len(twice)} score(s) are given twice: {first}; keep one a gene, model and cohort"
        )
    wide = chosen.set_index(keys)["value"].unstack(keys[1:])  # noqa: PD010
    best = _best(wide["skill_per_gene"]) if "skill_per_gene" in wide.columns else pd.DataFrame()
    wide.columns = pd.Index(
        [f"{metric.removesuffix('_per_gene')}.{cohort}.{model}" for metric, cohort, model in wide]
    )
    named = {f"{kind}_stratum": strata[f"{kind}_stratum"].astype(object) for kind in KINDS}
    table = strata.assign(**named).join(wide).join(best)
    if tests is not None:
        table = table.join(tests.set_index("gene"))
    return table.rename_axis("gene").reset_index()


def _best(skill: pd.DataFrame) -> pd.DataFrame:
    """Name the model of highest skill, cohort by cohort; None for a gene without a score."""
    found = {}
    for cohort in dict.fromkeys(skill.columns.get_level_values("cohort")):
        own = skill[cohort].dropna(how="all")
        found[f"best.{cohort}"] = own.idxmax(axis=1)
    return pd.DataFrame(found)


def extremes(
    table: pd.DataFrame, column: str, *, n_genes: int = 8, shown: Sequence[str] = ()
) -> pd.DataFrame:
    """Show the genes with the highest and the lowest values of a column.

    Args:
        table: Result of :func:`gene_table`.
        column: Column to sort by; genes without a value are left out.
        n_genes: Genes at either end; fewer where there are not twice as many.
        shown: Further columns to show; those that are not there are left out.

    Raises:
        KeyError: If there is no such column.
    """
    if column not in table.columns:
        like = [name for name in table.columns if name.split(".")[0] == column.split(".")[0]]
        raise KeyError(f"no column {column!r}; there are {', '.join(like[:5]) or 'none like it'}")
    ordered = table.dropna(subset=column).sort_values(column, ascending=False, kind="stable")
    n_genes = min(n_genes, len(ordered) // 2)
    ends = pd.concat([ordered.head(n_genes), ordered.tail(n_genes)])
    columns = [column, *[name for name in shown if name in table.columns and name != column]]
    return ends.set_index("gene")[columns]


def joined_scores(*tables: pd.DataFrame) -> pd.DataFrame:
    """Put per-gene scores of several chapters into one table, without the training samples."""
    scores = pd.concat(tables, ignore_index=True)
    return scores[scores["cohort"] != "train"].reset_index(drop=True)
