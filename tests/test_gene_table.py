"""The table of all genes holds what its parts hold, by name."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lembas.gene_strata import KINDS
from lembas.gene_table import extremes, gene_table, in_words, joined_scores

GENES = pd.Index([f"G{i}" for i in range(6)], name="gene")


def parts() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    strata = pd.DataFrame({"mean": np.arange(6.0)}, index=GENES)
    for kind in KINDS:
        strata[f"{kind}_stratum"] = pd.Categorical(["low", "high"] * 3)
    rows = [
        (model, cohort, gene, f"{metric}_per_gene", i + 10 * sign)
        for model, sign in (("a", 1), ("b", -1))
        for cohort in ("test", "far")
        for i, gene in enumerate(GENES[: 6 if cohort == "test" else 4])
        for metric in ("skill", "pearson", "mae")
    ]
    per_gene = pd.DataFrame(rows, columns=["model", "cohort", "gene", "metric", "value"])
    tests = pd.DataFrame({"gene": GENES[::-1], "q": np.arange(6) / 10, "verdict": "better"})
    return strata, per_gene, tests


def test_every_value_is_found_under_its_name() -> None:
    strata, per_gene, tests = parts()
    table = gene_table(strata, per_gene.sample(frac=1, random_state=0), tests).set_index("gene")
    assert table.index.tolist() == GENES.tolist()
    assert table.loc["G2", "skill.test.a"] == 12
    assert table.loc["G2", "pearson.far.b"] == -8
    assert not any("mae" in name for name in table)
    assert np.isnan(table.loc["G5", "skill.far.a"])
    assert (table["best.test"] == "a").all()
    assert table["best.far"].isna().tolist() == [False] * 4 + [True] * 2
    assert table.loc["G5", "q"] == 0.0
    assert table["in_degree_stratum"].tolist() == ["low", "high"] * 3


def test_it_can_be_written_and_read(tmp_path) -> None:
    table = gene_table(*parts())
    path = tmp_path / "genes.parquet"
    table.to_parquet(path, index=False)
    read = pd.read_parquet(path)
    assert read.columns.tolist() == table.columns.tolist()
    missing = [part.fillna("missing").astype(object) for part in (read, table)]
    pd.testing.assert_frame_equal(*missing)


def test_a_gene_without_any_score_stays() -> None:
    strata, per_gene, _ = parts()
    table = gene_table(strata, per_gene[per_gene["gene"] != "G1"]).set_index("gene")
    assert "G1" in table.index
    assert pd.isna(table.loc["G1", "best.test"])


def test_both_ends_are_shown() -> None:
    table = gene_table(*parts())
    shown = extremes(table, "skill.test.a", n_genes=2, shown=["mean", "nowhere", "q"])
    assert shown.index.tolist() == ["G5", "G4", "G1", "G0"]
    assert shown.columns.tolist() == ["skill.test.a", "mean", "q"]
    assert len(extremes(table, "skill.far.a", n_genes=9)) == 4, "no gene twice, none without value"


def test_the_page_speaks_a_reader_s_words() -> None:
    table = gene_table(*parts())
    columns = ["skill.far.b", "best.far", "q", "verdict", "in_degree_measured"]
    part = table.assign(in_degree_measured=12.0, q=0.000123).set_index("gene")[columns]
    shown = in_words(part, {"a": "Model A", "b": "Model B", "far": "cohort F"})
    assert shown.columns.tolist() == [
        "Skill of Model B, cohort F", "Best model, cohort F", "q", "Verdict", "Measured regulators",
    ]  # fmt: skip
    assert shown.loc["G2"].tolist() == ["-8.00", "Model A", "0.0001", "better", "12"]
    assert shown.loc["G5"].tolist()[:2] == ["not defined", "not defined"]
    assert part.columns.tolist() == columns, "the table given stays as it is"


def test_what_is_not_there_is_named() -> None:
    strata, per_gene, _ = parts()
    with pytest.raises(KeyError, match=r"no column 'skill.test.z'; there are skill\.\w+\.a"):
        extremes(gene_table(strata, per_gene), "skill.test.z")
    with pytest.raises(ValueError, match=r"1 score\(s\) are given twice: G0 of a; keep one"):
        gene_table(strata, pd.concat([per_gene, per_gene.head(1)]))


def test_training_samples_are_left_out_of_joined_scores() -> None:
    _, per_gene, _ = parts()
    trained = per_gene.assign(cohort="train")
    pd.testing.assert_frame_equal(joined_scores(per_gene, trained), per_gene)
