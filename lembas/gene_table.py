"""Put all that is known of each gene into one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from lembas.gene_strata import KINDS

METRICS: tuple[str, ...] = ("skill_per_gene", "pearson_per_gene")
# Columns in a reader's words.
WORDS: Mapping[str, str] = {
    "mean": "Mean (log10)",
    "sd": "SD (log10)",
    "in_degree_measured": "Measured regulators",
    "hops": "Steps from a measured TF",
    "between_series": "Variance between series",
    "difference": "Difference in skill",
    "p": "p",
    "q": "q",
    "verdict": "Verdict",
}
FORMS: Mapping[str, str] = {
    "in_degree_measured": "{:,.0f}",
    "hops": "{:.0f}",
    "p": "{:.1g}",
    "q": "{:.1g}",
}


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


def in_words(table: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    """Put the columns and the models of a part of the table into a reader's words, as text.

    Args:
        table: Some columns of :func:`gene_table`, such as :func:`extremes` gives them.
        labels: Model, and cohort, to label.

    Returns:
        The same rows and columns; a column for which there are no words keeps its name.
    """
    shown = table.copy()
    for name in shown.columns:
        if name.startswith("best."):
            shown[name] = shown[name].map(
                lambda model: labels.get(model, model), na_action="ignore"
            )
        elif pd.api.types.is_numeric_dtype(shown[name]):
            form = FORMS.get(name, "{:z.2f}")
            shown[name] = shown[name].map(form.format, na_action="ignore")
    shown = shown.astype(object).where(shown.notna(), "not defined")
    words = {name: _words(name, labels) for name in shown.columns}
    return shown.rename(columns=words).rename_axis("Gene")


def _words(column: str, labels: Mapping[str, str]) -> str:
    """Call one column by a reader's words."""
    first, _, rest = column.partition(".")
    if not rest:
        return WORDS.get(column, column)
    if first == "best":
        return f"Best model, {labels.get(rest, rest)}"
    cohort, _, model = rest.rpartition(".")
    return f"{first.capitalize()} of {labels.get(model, model)}, {labels.get(cohort, cohort)}"


def joined_scores(*tables: pd.DataFrame) -> pd.DataFrame:
    """Put per-gene scores of several chapters into one table, without the training samples."""
    scores = pd.concat(tables, ignore_index=True)
    return scores[scores["cohort"] != "train"].reset_index(drop=True)
