"""Tables of scores for a reader, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lembas.score_tables import by_gene_set, wide_scores


def test_wide_scores_by_hand() -> None:
    rows = [
        ("a", "test", "m", 0.12345, 0.1, 0.2),
        ("a", "test", "n", 1.0, np.nan, np.nan),
        ("b", "test", "m", np.nan, np.nan, np.nan),
        ("b", "far", "m", -0.5, -0.75, -0.25),
        ("b", "far", "unasked", 9.0, 9.0, 9.0),
    ]
    scores = pd.DataFrame(rows, columns=["model", "cohort", "metric", "value", "low", "high"])
    table = wide_scores(scores, ["n", "m"], {"a": "Model A"}, digits=2)
    assert table.columns.tolist() == ["n", "m"]
    assert table.index.tolist() == [("test", "Model A"), ("test", "b"), ("far", "b")]
    assert table.loc[("test", "Model A")].tolist() == ["1.00", "0.12 (0.10 to 0.20)"]
    assert table.loc[("test", "b"), "m"] == "not defined"
    assert table.loc[("far", "b"), "m"] == "-0.50 (-0.75 to -0.25)"


def test_scores_by_gene_set_name_the_number_of_genes() -> None:
    rows = [
        ("a", "test", "shared", "skill_median_over_genes", 0.5),
        ("a", "test", "shared", "n_genes", 3.0),
        ("a", "test", "all", "skill_median_over_genes", -0.0001),
        ("a", "test", "all", "n_genes", 9.0),
        ("b", "test", "shared", "skill_median_over_genes", 0.25),
        ("b", "test", "shared", "n_genes", 3.0),
    ]
    rows.append(("b", "test", "panel of b", "skill_median_over_genes", 0.75))
    rows.append(("b", "test", "panel of b", "n_genes", 2.0))
    scores = pd.DataFrame(rows, columns=["model", "cohort", "genes", "metric", "value"])
    table = by_gene_set(scores, "skill_median_over_genes", {"a": "Model A", "b": "Model B"})
    assert table.columns.tolist() == [
        "genes of the comparison", "all genes of the model", "panel of Model B",
    ]  # fmt: skip
    assert table.loc[("test", "Model A")].tolist() == ["0.500 (3 genes)", "0.000 (9 genes)", ""]
    assert table.loc[("test", "Model B")].tolist() == ["0.250 (3 genes)", "", "0.750 (2 genes)"]
