"""Tests of reading, checking, aligning and normalising tables."""

from __future__ import annotations

import gzip
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from lembas.atomic import write_atomically
from lembas.tables import (
    aligned,
    check_log10,
    counts_to_cpm,
    counts_to_tpm,
    log10p1,
    read_expression,
)

TEXT = "sample\tALB\tAFP\ns1\t1.5\t2\ns2\t0\t0.25\n"
EXPECTED = pd.DataFrame(
    [[1.5, 2.0], [0.0, 0.25]],
    index=pd.Index(["s1", "s2"], name="sample"),
    columns=pd.Index(["ALB", "AFP"], name="gene"),
)


def write(folder: Path, text: str, name: str = "table.tsv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_reads_tsv(tmp_path):
    pd.testing.assert_frame_equal(read_expression(write(tmp_path, TEXT)), EXPECTED)


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.txt", "t.tsv.gz"])
def test_suffix_chooses_separator_and_compression(tmp_path, name):
    text = TEXT.replace("\t", ",") if ".csv" in name else TEXT
    data = text.encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    pd.testing.assert_frame_equal(read_expression(tmp_path / name), EXPECTED)


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + TEXT,  # written by Excel
        TEXT.replace("\n", "\r\n"),
        TEXT.removeprefix("sample\t"),  # R's write.table has no name for the row labels
        '"sample"\t"ALB"\t"AFP"\n"s1"\t1.5\t2\n"s2"\t0\t0.25\n',
        TEXT + "\n",
        TEXT.replace("\ns1", "\n\ns1"),
    ],
    ids=["byte-order-mark", "crlf", "r-header", "quoted", "blank-last-line", "blank-second-line"],
)
def test_reads_what_other_programs_write(tmp_path, text):
    pd.testing.assert_frame_equal(read_expression(write(tmp_path, text)), EXPECTED)


def test_reads_parquet_with_and_without_a_named_index(tmp_path):
    path = tmp_path / "t.parquet"
    EXPECTED.to_parquet(path)
    pd.testing.assert_frame_equal(read_expression(path), EXPECTED)
    EXPECTED.reset_index().to_parquet(path)
    pd.testing.assert_frame_equal(read_expression(path), EXPECTED)


def test_numbers_of_rows_in_parquet_are_no_names(tmp_path):
    path = tmp_path / "t.parquet"
    EXPECTED.reset_index().set_axis([7, 3], axis=0).to_parquet(path)
    pd.testing.assert_frame_equal(read_expression(path), EXPECTED)
    by_id = EXPECTED.T.set_axis([174, 213], axis=0)
    by_id.rename_axis(index=None, columns=None).to_parquet(path)
    assert read_expression(path, genes_in="rows").columns.tolist() == ["174", "213"]


def test_dates_in_parquet_are_named(tmp_path):
    path = tmp_path / "t.parquet"
    EXPECTED.assign(taken=pd.to_datetime(["2020-01-02", "2021-03-04"])).to_parquet(path)
    with pytest.raises(ValueError, match=r"not numbers .*s1/taken: Timestamp\('2020-01-02"):
        read_expression(path)


@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_matrix], ids=["dense", "sparse"])
def test_reads_h5ad(tmp_path, convert):
    names = {"obs": pd.DataFrame(index=["s1", "s2"]), "var": pd.DataFrame(index=["ALB", "AFP"])}
    anndata.AnnData(X=convert(EXPECTED.to_numpy()), **names).write_h5ad(tmp_path / "t.h5ad")
    pd.testing.assert_frame_equal(read_expression(tmp_path / "t.h5ad"), EXPECTED)


def test_genes_in_rows_are_turned(tmp_path):
    EXPECTED.T.to_csv(tmp_path / "t.tsv", sep="\t")
    table = read_expression(tmp_path / "t.tsv", genes_in="rows", known_genes=["ALB", "AFP"])
    pd.testing.assert_frame_equal(table, EXPECTED)


def test_names_like_na_and_numbers_stay_names(tmp_path):
    table = read_expression(write(tmp_path, "sample\tNA\t1\n007\t1\t2\nnan\t3\t4\n"))
    assert table.index.tolist() == ["007", "nan"]
    assert table.columns.tolist() == ["NA", "1"]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=8))
def test_text_is_read_to_the_last_bit(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("exact") / "t.tsv"
    genes = [f"g{number}" for number in range(len(values))]
    path.write_text(
        "\t".join(["sample", *genes]) + "\n" + "\t".join(["s", *map(repr, values)]) + "\n"
    )
    assert read_expression(path).loc["s"].tolist() == values


def test_integer_counts_stay_exact(tmp_path):
    table = read_expression(write(tmp_path, "sample\tg\ns\t9007199254740991\n"))
    assert int(table.loc["s", "g"]) == 9007199254740991


@pytest.mark.parametrize("suffix", [".tsv", ".tsv.gz"])
def test_a_table_of_many_blocks_is_put_together_in_order(tmp_path, monkeypatch, suffix):
    values = np.random.default_rng(0).normal(size=(57, 4))
    table = pd.DataFrame(values, [f"s{number}" for number in range(57)], list("abcd"))
    table.to_csv(tmp_path / f"t{suffix}", sep="\t")
    monkeypatch.setattr("lembas.text_blocks.BLOCK_BYTES", 300)  # three to four rows
    found = read_expression(tmp_path / f"t{suffix}")
    assert found.index.tolist() == table.index.tolist()
    np.testing.assert_array_equal(found, values)
    for wrong, message in (("high", "not numbers .* s50/c: 'high'"), ("NA", "s50/c = nan;")):
        damaged = table.astype(object)
        damaged.loc["s50", "c"] = wrong
        damaged.to_csv(tmp_path / f"t{suffix}", sep="\t")
        with pytest.raises(ValueError, match=message):
            read_expression(tmp_path / f"t{suffix}")


BAD_TEXT = {
    "empty file": ("", r"table\.tsv is empty"),
    "header only": ("sample\tALB\n", r"table\.tsv is empty"),
    "empty line first": ("\n" + TEXT, r"table\.tsv has no names in its first line; remove what"),
    "no genes": ("sample\ns1\ns2\n", r"table\.tsv is empty \(2 rows, 0 columns"),
    "duplicate genes": (
        "sample\tALB\tAFP\tALB\ns1\t1\t2\t3\n",
        r"table\.tsv has 1 duplicate gene name\(s\): ALB; keep one column",
    ),
    "duplicate samples": (
        "sample\tALB\ns1\t1\ns1\t2\n",
        r"table\.tsv has 1 duplicate sample name\(s\): s1; keep one row",
    ),
    "blank gene": ("sample\tALB\t\ns1\t1\t2\n", r"1 blank gene name\(s\), at gene number 2"),
    "text": (
        "sample\tALB\tAFP\ns1\thigh\t2\ns2\t1\t1,5\n",
        r"not numbers \(row/column: cell\): s1/ALB: 'high', s2/AFP: '1,5'; correct",
    ),
    "annotation": ("sample\tALB\tsex\ns1\t1\tF\ns2\t1\tM\n", "s1/sex: 'F', s2/sex: 'M'"),
    "no value": (
        "sample\tALB\tAFP\ns1\t\tNA\ns2\t1\t2\n",
        r"missing or infinite values \(sample/gene\): s1/ALB = nan, s1/AFP = nan; fill",
    ),
    "infinite": ("sample\tALB\ns1\tinf\ns2\t-inf\n", "s1/ALB = inf, s2/ALB = -inf"),
    "ragged": (
        "sample\tALB\tAFP\ns1\t1\t2\ns2\t1\n",
        r"Expected 3 columns, got 2.*every row needs 3 fields",
    ),
}


@pytest.mark.parametrize(("text", "message"), BAD_TEXT.values(), ids=BAD_TEXT)
def test_refuses_unsound_text(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        read_expression(write(tmp_path, text))


def test_names_five_offenders_and_counts_the_rest(tmp_path):
    rows = "".join(f"s{number}\t\n" for number in range(7))
    with pytest.raises(ValueError, match=r"s4/g = nan and 2 more; fill"):
        read_expression(write(tmp_path, "sample\tg\n" + rows))


def test_refuses_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"expression table not found: .*none\.tsv"):
        read_expression(tmp_path / "none.tsv")


def test_refuses_an_unknown_suffix_and_orientation(tmp_path):
    with pytest.raises(ValueError, match=r"has the unknown suffix '\.xlsx'; expected \.tsv"):
        read_expression(write(tmp_path, TEXT, "t.xlsx"))
    with pytest.raises(ValueError, match=r"genes_in is 'row'; expected .*columns"):
        read_expression(write(tmp_path, TEXT), genes_in="row")


@pytest.mark.parametrize("name", ["t.tsv.gz", "t.parquet", "t.h5ad"])
def test_refuses_a_damaged_file(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(gzip.compress(TEXT.encode() * 500)[:60])
    with pytest.raises(ValueError, match=rf"{name} cannot be read"):
        read_expression(path)


def test_refuses_a_table_on_its_side(tmp_path):
    genes = ["ALB", "AFP"]
    EXPECTED.T.to_csv(tmp_path / "t.tsv", sep="\t")
    with pytest.raises(ValueError, match=r'genes in its rows \(ALB, AFP\).*genes_in="rows"'):
        read_expression(tmp_path / "t.tsv", known_genes=genes)
    with pytest.raises(ValueError, match=r'genes in its columns \(ALB, AFP\).*genes_in="columns"'):
        read_expression(write(tmp_path, TEXT), genes_in="rows", known_genes=genes)


def test_refuses_h5ad_with_repeated_names(tmp_path):
    with pytest.warns(UserWarning, match="not unique"):
        data = anndata.AnnData(X=np.ones((2, 1)), obs=pd.DataFrame(index=["s", "s"]))
    data.var_names = ["ALB"]
    data.write_h5ad(tmp_path / "t.h5ad")
    with pytest.raises(ValueError, match=r"duplicate sample name\(s\): s;"):
        read_expression(tmp_path / "t.h5ad")


def test_aligned_reorders_by_label():
    shuffled = EXPECTED.loc[["s2", "s1"], ["AFP", "ALB"]]
    pd.testing.assert_frame_equal(aligned(EXPECTED, shuffled), EXPECTED)


def test_aligned_refuses_other_labels():
    with pytest.raises(ValueError, match=r"gene labels: 1 only in the first \(AFP\), 0 only"):
        aligned(EXPECTED, EXPECTED[["ALB"]])
    with pytest.raises(ValueError, match=r"sample labels: 1 only in the first \(s2\), 1 .*\(s3\)"):
        aligned(EXPECTED, EXPECTED.rename(index={"s2": "s3"}))
    with pytest.raises(ValueError, match=r"repeats the gene label\(s\) ALB; keep one of each"):
        aligned(EXPECTED, EXPECTED.set_axis(["ALB", "ALB"], axis=1))


def test_cpm_by_hand():
    # 1 and 3 of 4 counts are 250,000 and 750,000 in a million.
    counts = pd.DataFrame([[1.0, 3.0]], index=["s"], columns=["ALB", "AFP"])
    assert counts_to_cpm(counts).loc["s"].tolist() == [250_000.0, 750_000.0]


def test_tpm_by_hand():
    # Rates 2/1000 and 2/4000 are as 4 to 1; OTHER has no length and is left out.
    counts = pd.DataFrame([[2.0, 2.0, 9.0]], index=["s"], columns=["ALB", "AFP", "OTHER"])
    tpm = counts_to_tpm(counts, pd.Series({"AFP": 4000.0, "ALB": 1000.0}))
    assert tpm.columns.tolist() == ["ALB", "AFP"]
    np.testing.assert_allclose(tpm.loc["s"], [800_000, 200_000])


def test_log10p1_by_hand():
    table = log10p1(pd.DataFrame({"g": [0.0, 9.0, 99.0]}))
    assert table["g"].tolist() == [0.0, 1.0, 2.0]


def test_refuses_unsound_counts():
    counts = pd.DataFrame([[1.0, -2.0], [0.0, 0.0]], index=["s1", "s2"], columns=["ALB", "AFP"])
    with pytest.raises(ValueError, match=r"f\.tsv holds negative counts .*s1/AFP = -2; give raw"):
        counts_to_cpm(counts, origin="f.tsv")
    with pytest.raises(ValueError, match=r"1 sample\(s\) without a single count: s2"):
        counts_to_cpm(counts.abs())
    with pytest.raises(ValueError, match=r"negative values .*s1/AFP = -2"):
        log10p1(counts)


@pytest.mark.parametrize("name", ["__no_feature", "__ambiguous", "N_unmapped"])
def test_refuses_reads_of_no_gene(name):
    counts = pd.DataFrame({"ALB": [3.0, 1.0], name: [5.0, 2.0]}, index=["s1", "s2"])
    with pytest.raises(ValueError, match=f"1 row of reads that belong to no gene: {name}; .*remov"):
        counts_to_cpm(counts)


@pytest.mark.parametrize("name", ["Length", "start", "END", "Chr", "Strand"])
def test_refuses_annotation_among_the_samples(name):
    counts = pd.DataFrame({"ALB": [3.0, 1400.0]}, index=["s1", name])
    with pytest.raises(ValueError, match=f"1 column of annotation among the samples: {name}; rem"):
        counts_to_cpm(counts)


def test_refuses_lengths_of_other_genes():
    counts = pd.DataFrame(1.0, index=["s"], columns=["ALB", "AFP", "APOB"])
    with pytest.raises(ValueError, match=r"2 of 3 genes have no length, such as AFP, APOB; the"):
        counts_to_tpm(counts, pd.Series({"ALB": 1000.0, "ENSG1": 5.0}))


def test_refuses_values_that_are_no_logarithms():
    with pytest.raises(ValueError, match=r"above 10, too large .*s1/ALB = 31; raw counts"):
        check_log10(EXPECTED.replace(1.5, 31.0), origin="f.tsv")


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = write(tmp_path, "old")

    def fail(unfinished: Path) -> None:
        unfinished.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, fail)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert path.read_text() == "old"
