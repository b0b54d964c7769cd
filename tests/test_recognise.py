"""A file is recognised by what is in it: names of columns, names on both sides, numbers."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from lembas.orientation import orientation
from lembas.recognise import Recognised, recognise
from lembas.simulate import Simulation
from tests.data_folder import (
    ensembl_ids,
    write_archs4,
    write_counts,
    write_h5ad,
    write_network,
    write_series,
    write_tables,
)


@pytest.fixture(scope="module")
def folder(made: Simulation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One file of every kind."""
    folder = tmp_path_factory.mktemp("data")
    write_network(folder, made)
    counts = write_counts(folder, made)
    write_tables(folder, made)
    write_h5ad(folder / "study.h5ad", made)
    write_archs4(folder / "archs4.h5", made)
    write_series(folder, counts.index)
    counts.to_parquet(folder / "counts.parquet")
    genes = counts.columns
    lengths = pd.DataFrame({"gene_name": genes, "length_bp": 1000})
    lengths.to_csv(folder / "lengths.tsv.gz", sep="\t", index=False)
    annotation = {"GeneID": range(1, 4), "Symbol": genes[:3], "Length": 900, "Status": "active"}
    pd.DataFrame(annotation).to_csv(folder / "annotation.tsv", sep="\t", index=False)
    ids = ensembl_ids(genes, version=".7")
    pd.DataFrame({"id": ids, "name": ids.index}).to_csv(folder / "map.csv", index=False)
    about = pd.DataFrame({"sample": counts.index, "sex": "f", "stage": "F2"})
    about.to_csv(folder / "samples.csv", index=False)
    (folder / "notes.md").write_text("# Notes\n")
    (folder / "words.tsv").write_text("colour\tshape\nred\tround\nblue\tflat\n")
    return folder


ROLES = {
    "network.tsv": "network",
    "counts.tsv": "expression",
    "counts.parquet": "expression",
    "tfs.csv": "expression",
    "study.h5ad": "expression",
    "archs4.h5": "expression",
    "series.tsv": "series",
    "lengths.tsv.gz": "gene_lengths",
    "annotation.tsv": "annotation",
    "map.csv": "gene_map",
    "samples.csv": "sample_table",
    "notes.md": "other",
    "words.tsv": "other",
}


@pytest.mark.parametrize(("file", "role"), ROLES.items(), ids=list(ROLES))
def test_every_kind_is_recognised(folder: Path, file: str, role: str) -> None:
    assert recognise(folder / file, folder).role == role


@pytest.mark.parametrize("file", list(ROLES))
def test_a_file_of_another_name_is_recognised_as_before(
    folder: Path, tmp_path: Path, file: str
) -> None:
    """The suffix says how to read a file; the rest of its name says nothing."""
    other = tmp_path / f"x{''.join(Path(file).suffixes)}"
    other.write_bytes((folder / file).read_bytes())
    before, after = recognise(folder / file, folder), recognise(other, tmp_path)
    assert (before.role, before.why, before.layout) == (after.role, after.why, after.layout)
    assert after.original == ""


def test_the_studys_four_files_are_known_by_their_names(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "TF(full).tsv"
    path.write_bytes((folder / "counts.tsv").read_bytes())
    record = recognise(path, tmp_path)
    assert (record.role, record.original) == ("expression", "tf_table")


def test_labels_and_sizes(folder: Path, made: Simulation) -> None:
    counts = recognise(folder / "counts.tsv", folder)
    assert counts.rows.tolist() == made.counts.columns.tolist()
    assert len(counts.columns) == counts.wide.shape[1] == 120
    stored = recognise(folder / "study.h5ad", folder)
    assert stored.cohorts == (("study", 120), ("near", 20))
    assert stored.columns.tolist() == made.expression.columns.tolist()
    np.testing.assert_allclose(stored.wide.to_numpy()[:120], made.expression.to_numpy())
    archs4 = recognise(folder / "archs4.h5", folder)
    assert (archs4.layout, archs4.n_rows, archs4.complete) == ("archs4", 120, False)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("gene\ts1\ts2\nALB\t1,5\t2,5\nAFP\t3\t4\n", "commas in numbers, such as"),
        ("gene\tchr\ts1\ts2\nALB\t4q\t1\t2\nAFP\t4q\t3\t4\n", "no numbers, in the column(s) chr"),
        ("gene\ts1\ts2\nALB\t1\t2\nALB\t3\t4\n", "1 repeated row name: ALB"),
        ("gene\ts1\ts1\nALB\t1\t2\nAFP\t3\t4\n", "1 repeated column name: s1"),
        ("gene\ts1\ts2\nALB\t1\t2\nAFP\t3\n", "1 row with more or fewer fields than the header"),
    ],
)
def test_what_readers_would_refuse_is_said(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "a.tsv").write_text(text)
    record = recognise(tmp_path / "a.tsv", tmp_path)
    assert record.role == "expression"
    assert any(problem in found for found in record.problems), record.problems


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.h5ad", b"\x89HDF\r\n\x1a\n cut short", "damaged"),
        ("a.parquet", b"PAR1", "damaged, cut short"),
        ("a.tsv", b'gene\ts1\n"' + b"x" * 140_000 + b'"\t1\n', "cannot be cut into fields"),
        ("a.tsv.gz", b"\x1f\x8b\x08", "damaged, cut short"),
        ("a.csv", b"gene;s1\nALB;1\n", "separated by semicolons"),
        ("a.tsv", b"gene\ts1\ts2\nALB\t1,5\t2,5\nAFP\t3\t4,1\n", "decimal points for decimal"),
    ],
)
def test_a_damaged_file_is_one_of_the_findings(
    tmp_path: Path, name: str, content: bytes, why: str
) -> None:
    (tmp_path / name).write_bytes(content)
    record = recognise(tmp_path / name, tmp_path)
    assert record.role == "unreadable"
    assert why in record.why


ARCHS4 = {"data/expression": np.zeros((2, 3)), "meta/genes/symbol": ["ALB", "AFP"]}
ANNDATA = {"obs": np.arange(3), "var": np.arange(2), "X": np.zeros((3, 2))}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.h5ad", ANNDATA),
        ("a.h5", ARCHS4 | {"meta/genes/symbol": np.arange(2)}),
        ("a.h5", ARCHS4 | {"data/expression": np.zeros(2)}),
        ("a.h5", ARCHS4 | {"data/expression": None}),
        ("a.h5", ARCHS4 | {"meta/genes/symbol": None}),
    ],
)
def test_hdf5_that_only_looks_like_a_known_layout_is_a_finding(
    tmp_path: Path, name: str, content: dict[str, object]
) -> None:
    with h5py.File(tmp_path / name, "w") as file:
        for place, value in content.items():
            if value is None:
                file.create_group(place)
            else:
                file[place] = value
    record = recognise(tmp_path / name, tmp_path)
    assert record.role == "unreadable"
    assert "it is damaged" in record.why


def test_a_table_of_one_column_is_no_table_of_expression(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("gene\nALB\nAFP\n")
    pd.DataFrame({"gene": ["ALB", "AFP"]}).to_parquet(tmp_path / "a.parquet")
    for name in ("a.tsv", "a.parquet"):
        record = recognise(tmp_path / name, tmp_path)
        assert (record.role, record.why) == ("other", "text in its columns gene")


def test_the_counts_of_one_sample_are_no_identifiers(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("gene\tGSM1\nALB\t10\nAFP\t2000\n")
    record = recognise(tmp_path / "a.tsv", tmp_path)
    assert record.role == "other"
    assert record.why == "one sample, GSM1; a table of expression has several"
    (tmp_path / "a.tsv").write_text("gene\tentrez\nALB\t213\nAFP\t174\n")
    assert recognise(tmp_path / "a.tsv", tmp_path).pair == ("entrez", "gene")


def test_an_unknown_role_is_refused() -> None:
    with pytest.raises(ValueError, match="role is 'table'; expected one of expression, network"):
        Recognised("a.tsv", "table", "")


# Orientation

GENES = pd.Index([f"G{number}" for number in range(40)])
SAMPLES = pd.Index([f"GSM{number}" for number in range(30)])
ENSEMBL = pd.Index(ensembl_ids(GENES).to_list())
PLAIN = pd.Index([f"P{number}" for number in range(30)])


@pytest.mark.parametrize(
    ("rows", "columns", "corner", "known", "axis"),
    [
        (GENES, SAMPLES, "", None, "rows"),
        (SAMPLES, GENES, "", None, "columns"),
        (GENES, PLAIN, "", GENES[:20], "rows"),
        (PLAIN, ENSEMBL, "", None, "columns"),
        (GENES, PLAIN, "gene", None, "rows"),
        (PLAIN, GENES, "Sample", None, "columns"),
        # Nothing tells, or signs contradict each other.
        (GENES, PLAIN, "", None, ""),
        (GENES, PLAIN, "sample", GENES, ""),
        (SAMPLES, SAMPLES, "", None, ""),
    ],
)
def test_orientation_by_names(
    rows: pd.Index, columns: pd.Index, corner: str, known: pd.Index | None, axis: str
) -> None:
    found = orientation(rows, columns, corner=corner, known=known)
    assert found.genes_in == axis
    assert found.why
    turned = orientation(columns[::-1], rows[::-1], corner="", known=known)
    if not corner and axis:
        assert turned.genes_in == {"rows": "columns", "columns": "rows"}[axis]


def test_one_name_is_counted_as_one() -> None:
    found = orientation(PLAIN, GENES, known=GENES[:1])
    assert found.why == "1 name of the network in the columns"
