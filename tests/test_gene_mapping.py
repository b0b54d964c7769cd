"""Genes renamed by a table of names or in capitals; several columns of one gene by a policy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lembas.gene_mapping import NO_SYMBOL, Naming, read_gene_map, rename_genes

KNOWN = pd.Index(["AFP", "ALB", "C1orf112", "TTR"])
TABLE = pd.DataFrame(
    [[1.0, 2.0, 4.0, 8.0], [3.0, 1.0, 2.0, 6.0]],
    index=pd.Index(["s1", "s2"], name="sample"),
    columns=pd.Index(["ENSG1", "ENSG2", "ENSG3", "ENSG4"], name="gene"),
)
SYMBOLS = {"ENSG1": "ALB", "ENSG2": "AFP", "ENSG3": "ALB", "ENSG5": "TTR"}


def renamed(policy: str, *more: pd.DataFrame, on_logs: bool = False) -> tuple[list, dict]:
    naming = Naming(KNOWN, SYMBOLS, duplicates=policy, on_logs=on_logs)
    tables = {f"t{i}": table for i, table in enumerate([TABLE, *more])}
    found, reasons = rename_genes(tables, naming)
    return list(found.values()), reasons


def test_nothing_asked_changes_nothing() -> None:
    found, reasons = rename_genes({"t": TABLE}, Naming(KNOWN))
    assert found["t"] is TABLE
    assert reasons == {}


def test_duplicates_are_refused_unless_a_policy_is_named() -> None:
    message = r"t0 has several columns for 1 gene: ALB \(ENSG1, ENSG3\); set duplicates to sum"
    with pytest.raises(ValueError, match=message):
        renamed("refuse")
    with pytest.raises(ValueError, match="duplicates is 'mean'; expected one of refuse, sum"):
        Naming(KNOWN, duplicates="mean")


def test_counts_are_summed() -> None:
    (table,), reasons = renamed("sum")
    assert table.columns.tolist() == ["ALB", "AFP", "ENSG4"]
    assert table["ALB"].tolist() == [1 + 4, 3 + 2]
    assert table["AFP"].tolist() == [2, 1]
    assert table.to_numpy().sum() == TABLE.to_numpy().sum()  # no read is lost
    assert reasons == {"ENSG4": NO_SYMBOL}


def test_logarithms_are_summed_before_the_logarithm() -> None:
    naming = Naming(KNOWN, SYMBOLS, duplicates="sum", on_logs=True)
    logs = rename_genes({"t": np.log10(TABLE + 1)}, naming)[0]["t"]
    (counts,), _ = renamed("sum")
    pd.testing.assert_frame_equal(logs, np.log10(counts + 1))


@pytest.mark.parametrize(
    ("policy", "kept", "dropped"), [("first", "ENSG1", "ENSG3"), ("max_mean", "ENSG3", "ENSG1")]
)
def test_one_column_is_kept(policy: str, kept: str, dropped: str) -> None:
    (table,), reasons = renamed(policy)
    assert table["ALB"].tolist() == TABLE[kept].tolist()
    assert table[dropped].tolist() == TABLE[dropped].tolist()
    assert reasons == {"ENSG4": NO_SYMBOL, dropped: "another column of ALB was kept"}


def test_other_tables_keep_the_column_that_the_first_kept() -> None:
    other = TABLE[["ENSG3", "ENSG1"]].assign(ENSG1=100.0)
    alone = TABLE[["ENSG1"]]
    (_, there, lone), _ = renamed("max_mean", other, alone)
    assert there["ALB"].tolist() == TABLE["ENSG3"].tolist()
    assert lone["ALB"].tolist() == TABLE["ENSG1"].tolist()


def test_order_of_columns_changes_no_sum() -> None:
    (table,), _ = renamed("sum")
    naming = Naming(KNOWN, SYMBOLS, duplicates="sum", on_logs=False)
    back = rename_genes({"t": TABLE.iloc[:, ::-1]}, naming)[0]["t"]
    pd.testing.assert_frame_equal(back[table.columns], table)


def test_genes_that_no_network_knows_keep_their_ids() -> None:
    symbols = {"ENSG1": "Y_RNA", "ENSG2": "Y_RNA", "ENSG3": "ALB", "ENSG4": "OTHER"}
    table = rename_genes({"t": TABLE}, Naming(KNOWN, symbols))[0]["t"]
    assert table.columns.tolist() == ["ENSG1", "ENSG2", "ALB", "OTHER"]


def test_versions_are_looked_up_with_and_without() -> None:
    ids = ["ENSG00000163631.18", "ENSG00000081051", "ENSG00000118271.7"]
    table = pd.DataFrame(np.ones((1, 3)), columns=ids)
    symbols = {"ENSG00000163631": "ALB", "ENSG00000081051": "AFP", "ENSG00000118271.7": "TTR"}
    found = rename_genes({"t": table}, Naming(KNOWN, symbols))[0]["t"]
    assert found.columns.tolist() == ["ALB", "AFP", "TTR"]


def test_capitals_are_put_where_the_network_has_them_only() -> None:
    table = pd.DataFrame(np.ones((1, 4)), columns=["Alb", "C1orf112", "afp", "Xyz"])
    found, reasons = rename_genes({"t": table}, Naming(KNOWN, to_upper=True))
    assert found["t"].columns.tolist() == ["ALB", "C1orf112", "AFP", "Xyz"]
    assert reasons == {}


def test_a_column_with_the_name_itself_may_be_the_one_not_kept() -> None:
    table = pd.DataFrame([[9.0, 1.0]], columns=["Alb", "ALB"])
    naming = Naming(KNOWN, to_upper=True, duplicates="max_mean")
    found, reasons = rename_genes({"t": table}, naming)
    assert found["t"].columns.tolist() == ["ALB", "ALB (not kept)"]
    assert found["t"]["ALB"].tolist() == [9.0]
    assert reasons == {"ALB (not kept)": "another column of ALB was kept"}


# The table of names


def write(folder: Path, rows: str) -> Path:
    path = folder / "names.tsv"
    path.write_text("gene_id\tsymbol\n" + rows, encoding="utf-8")
    return path


def test_a_table_of_names(tmp_path: Path) -> None:
    rows = "ENSG00000163631.5\tALB\nENSG00000163631.5\tALB\nENSG00000081051\t\n213\tNA\n"
    found = read_gene_map(write(tmp_path, rows))
    assert found == {"ENSG00000163631.5": "ALB", "ENSG00000163631": "ALB"}


def test_an_id_with_two_symbols_is_refused(tmp_path: Path) -> None:
    message = r"names\.tsv gives 1 id two symbols: ENSG1 \(ALB, AFP\); keep one row for each id"
    with pytest.raises(ValueError, match=message):
        read_gene_map(write(tmp_path, "ENSG1\tALB\nENSG1\tAFP\n"))


def test_two_versions_with_two_symbols_are_known_by_version_only(tmp_path: Path) -> None:
    rows = "ENSG00000163631.5\tALB\nENSG00000163631.6\tAFP\n"
    assert set(read_gene_map(write(tmp_path, rows))) == {"ENSG00000163631.5", "ENSG00000163631.6"}


def test_a_table_without_the_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "names.tsv"
    path.write_text("id\tname\nA\tB\n")
    with pytest.raises(ValueError, match=r"lacks the column.* gene_id, symbol; found id, name"):
        read_gene_map(path)
