"""Compare the scores of two runs: aggregates by model and cohort, and the skill of each gene."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lembas.formats import listed
from lembas.gene_sets import headline

# Tables of aggregate scores, and what a cohort is called in them.
TABLES = {"scores_test": "{}", "scores_external": "{}", "scores_centred": "{} (centred)"}
PER_GENE = "scores_per_gene_test"
SKILL = "skill_per_gene"
KEYS = ["model", "cohort", "metric"]
# Half of the last of three decimals: what differs by less may be printed alike.
PRINTED = 5e-4


def score_changes(new: Path, old: Path, *, everything: bool = False) -> pd.DataFrame:
    """Compare the main score of each model on each cohort and metric.

    Args:
        new: Folder of a run.
        old: Folder of the run to compare with.
        everything: Whether scores that differ by less than can be printed are kept.

    Returns:
        Columns model, cohort, metric, old, new, difference (new - old); NaN where a run lacks a
        score, and where a score is not defined.
    """
    before, after = _scores(old), _scores(new)
    table = before.join(after, how="outer", lsuffix="_old", rsuffix="_new", sort=False)
    table = table.set_axis(["old", "new"], axis=1)
    # The order of the runs: models as they were fitted, not by name.
    order = after.index.append(before.index.difference(after.index, sort=False))
    table = table.reindex(order)
    table["difference"] = table["new"] - table["old"]
    if not everything:
        both_missing = table["old"].isna() & table["new"].isna()
        table = table[~(both_missing | (table["difference"].abs() < PRINTED))]
    return table.reset_index()


def gene_changes(new: Path, old: Path, *, n: int = 10) -> pd.DataFrame:
    """Name the genes whose skill on the test samples changed most.

    Args:
        new: Folder of a run.
        old: Folder of the run to compare with.
        n: Most rows to return.

    Returns:
        Columns gene, model, old, new, difference; the largest changes first, each gene once, with
        the model that changed most. Empty where a run has no such scores, or nothing changed.
    """
    before, after = _skill(old), _skill(new)
    table = before.to_frame("old").join(after.to_frame("new"), how="inner")
    table["difference"] = table["new"] - table["old"]
    table = table[table["difference"].abs() > 0].reset_index()
    table = table.assign(size=table["difference"].abs()).sort_values(
        ["size", "gene", "model"], ascending=[False, True, True]
    )
    return table.drop_duplicates("gene").head(n)[["gene", "model", "old", "new", "difference"]]


def select_metrics(table: pd.DataFrame, metrics: tuple[str, ...], known: list[str]) -> pd.DataFrame:
    """Keep some metrics; none named: all.

    Raises:
        ValueError: If a metric is in neither run.
    """
    unknown = [name for name in metrics if name not in known]
    if unknown:
        raise ValueError(
            f"--metric {', '.join(unknown)}: no such metric in these runs; they have: "
            f"{listed(known, most=30) or 'none'}"
        )
    return table[table["metric"].isin(metrics)] if metrics else table


def known_metrics(*folders: Path) -> list[str]:
    """Name the metrics of some runs."""
    names = [name for folder in folders for name in _scores(folder).index.unique("metric")]
    return list(dict.fromkeys(names))


def as_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Turn a table into rows for JSON; NaN becomes None."""
    values = table.astype(object).where(table.notna(), None)
    return [dict(row) for row in values.to_dict("records")]


def _scores(folder: Path) -> pd.DataFrame:
    """Read the aggregate scores of a run: one column over ``KEYS``."""
    parts = []
    for name, cohort in TABLES.items():
        path = folder / "tables" / f"{name}.parquet"
        if path.is_file():
            table = headline(pd.read_parquet(path))
            parts.append(table.assign(cohort=table["cohort"].map(cohort.format)))
    if not parts:
        index = pd.MultiIndex.from_tuples([], names=KEYS)
        return pd.DataFrame({"value": np.empty(0)}, index=index)
    return pd.concat(parts).drop_duplicates(KEYS).set_index(KEYS)[["value"]]


def _skill(folder: Path) -> pd.Series:
    """Read the skill of each gene on the test samples, over model and gene."""
    path = folder / "tables" / f"{PER_GENE}.parquet"
    if not path.is_file():
        index = pd.MultiIndex.from_tuples([], names=["model", "gene"])
        return pd.Series(dtype=np.float64, index=index)
    rows = [("metric", "==", SKILL), ("cohort", "==", "test")]
    table = pd.read_parquet(path, columns=["model", "gene", "value"], filters=rows)
    return table.set_index(["model", "gene"])["value"]
