"""GEO's count tables: laws, an independent oracle, and one clear sentence for each mistake."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lembas.cohorts import Dataset
from lembas.geo import from_geo
from lembas.geo_tables import GeoAnnotation, GeoTable, accession_in
from lembas.network import Network
from lembas.study import open_study
from tests import geo_file

COUNTS = [geo_file.counts_name(series) for series in geo_file.SERIES]
EXTERNAL = geo_file.counts_name(geo_file.EXTERNAL)
FILES = {"counts": COUNTS, "annotation": geo_file.ANNOTATION, "network": "network.tsv"}
# The gene with two GeneIDs.
TWICE = geo_file.TARGETS[0]
# A network of its genes, for tables of a few lines.
EDGES = pd.DataFrame([("A", "B", 1), ("A", "C", -1)], columns=["TF", "Gene", "Interaction"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return geo_file.tiny(tmp_path_factory.mktemp("geo"))


def opened(folder: Path, files: dict[str, Any] | None = None, **options: Any) -> Dataset:
    return open_study(
        "geo", data_dir=folder, files={**FILES, **(files or {})}, options=options
    ).dataset


def raw(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / name, sep="\t", index_col="GeneID")


def few(folder: Path, annotation: dict[str, list], counts: dict[str, list]) -> dict[str, Any]:
    """A study of few genes: 10 samples with the counts given, which may be one for all."""
    geo_file.write_annotation(folder / "few.annot.tsv.gz", pd.DataFrame(annotation))
    table = pd.DataFrame({f"GSM{n}": counts["counts"] for n in range(1, 11)}, index=counts["ids"])
    geo_file.write_counts(folder / "GSE1_few.tsv.gz", table)
    return {"counts": folder / "GSE1_few.tsv.gz", "annotation": folder / "few.annot.tsv.gz"}


# Laws


@pytest.mark.parametrize("unit", ["cpm", "tpm"])
@pytest.mark.parametrize("counts", [COUNTS, COUNTS[0]], ids=["several series", "one"])
def test_the_order_of_files_rows_and_columns_changes_nothing(
    folder: Path, tmp_path: Path, unit: str, counts: str | list[str]
) -> None:
    for number, name in enumerate([*COUNTS, EXTERNAL]):
        table = raw(folder, name).sample(frac=1, random_state=number)
        geo_file.write_counts(tmp_path / name, table.sample(frac=1, axis=1, random_state=number))
    annotation = pd.read_csv(folder / geo_file.ANNOTATION, sep="\t", dtype=str, quoting=3)
    shuffled = annotation.fillna("").sample(frac=1, random_state=3)
    geo_file.write_annotation(tmp_path / geo_file.ANNOTATION, shuffled)
    (tmp_path / "network.tsv").write_bytes((folder / "network.tsv").read_bytes())
    files = {"counts": counts, "external": {"far": EXTERNAL}}
    other = files if isinstance(counts, str) else {**files, "counts": counts[::-1]}
    expected, found = opened(folder, files, unit=unit), opened(tmp_path, other, unit=unit)
    pd.testing.assert_frame_equal(found.expression, expected.expression, check_exact=True)
    pd.testing.assert_frame_equal(found.samples, expected.samples, check_exact=True)
    pd.testing.assert_frame_equal(found.excluded, expected.excluded)
    assert found.inputs.equals(expected.inputs)
    assert found.targets.equals(expected.targets)


@pytest.mark.parametrize("unit", ["cpm", "tpm"])
def test_kept_tables_give_the_same_dataset(folder: Path, tmp_path: Path, unit: str) -> None:
    def read() -> pd.DataFrame:
        options = {"unit": unit}
        study = open_study("geo", data_dir=folder, files=FILES, options=options, cache=tmp_path)
        return study.dataset.expression

    first = read()
    assert len(list(tmp_path.glob("*.npy"))) == len(COUNTS)
    pd.testing.assert_frame_equal(read(), first, check_exact=True)
    pd.testing.assert_frame_equal(opened(folder, unit=unit).expression, first, check_exact=True)


# Values


@pytest.mark.parametrize("unit", ["cpm", "tpm"])
def test_genes_of_one_symbol_are_added_up(folder: Path, unit: str) -> None:
    """The oracle joins by GeneID and sums with groupby; for TPM, what is left after lengths."""
    dataset = opened(folder, {"external": {"far": EXTERNAL}}, unit=unit, min_expression=None)
    counts = pd.concat([raw(folder, name) for name in [*COUNTS, EXTERNAL]], axis=1)
    about = geo_file.genes().set_index("GeneID")
    rate = counts if unit == "cpm" else counts.div(about["Length"], axis=0)
    expected = np.log10(1e6 * rate.groupby(about["Symbol"]).sum() / rate.sum() + 1).T
    assert TWICE in dataset.targets
    found = dataset.expression
    wanted = expected.loc[found.index, found.columns]
    np.testing.assert_allclose(found, wanted, rtol=0, atol=5e-7)


def test_tpm_by_hand(tmp_path: Path) -> None:
    """A 100/1000, B 30/100 + 60/300, C 40/200: .1, .5, .2 of a sum of .8; X has no length."""
    annotation = {
        "GeneID": [1, 2, 3, 4, 5],
        "Symbol": ["A", "B", "C", "B", "X"],
        "Length": [1000, 100, 200, 300, ""],
    }
    files = few(tmp_path, annotation, {"ids": [4, 1, 5, 3, 2], "counts": [60, 100, 7, 40, 30]})
    dataset = from_geo(**files, network=Network.from_edges(EDGES), unit="tpm")
    share = (10 ** dataset.expression.iloc[0].astype(float) - 1) / 1e6
    assert share.to_dict() == pytest.approx({"A": 0.125, "B": 0.625, "C": 0.25}, rel=1e-5)
    assert dataset.unit == "log10(TPM+1)"
    assert set(dataset.samples["library_size"]) == {237.0}, "all counts, X's too"


def test_a_gene_without_symbol_counts_for_the_library_only(tmp_path: Path) -> None:
    """CPM of A: 20 of 100; the network may name a GeneID, and still it is no input or target."""
    symbols = ["A", "B", "C", "", "-", *[f"S{n}" for n in range(20)]]
    annotation = {"GeneID": range(1, 26), "Symbol": symbols, "Length": [1000] * 25}
    ids = [*range(1, 26), 99]
    counts = [20, 5, 5, 10, 10, *[0] * 20, 50]
    files = few(tmp_path, annotation, {"ids": ids, "counts": counts})
    odd = pd.DataFrame([("99", "4", 1), ("A", "99", 1)], columns=EDGES.columns)
    network = Network.from_edges(pd.concat([EDGES, odd]))
    dataset = from_geo(**files, network=network)
    assert (dataset.inputs.tolist(), dataset.targets.tolist()) == (["A"], ["B", "C"])
    assert dataset.expression["A"].iloc[0] == pytest.approx(np.log10(200_001))
    assert set(dataset.samples["library_size"]) == {100.0}
    listed = dataset.excluded[dataset.excluded["role"] == "none"].set_index("gene")["reason"]
    assert listed.to_dict() == {
        "GeneID:4": "no symbol in the annotation",
        "GeneID:5": "no symbol in the annotation",
        "GeneID:99": "GeneID not in the annotation",
    }


def test_the_list_of_genes_left_out_survives_its_file(folder: Path, tmp_path: Path) -> None:
    dataset = opened(folder)
    dataset.write(tmp_path / "dataset.h5ad")
    again = Dataset.read(tmp_path / "dataset.h5ad")
    pd.testing.assert_frame_equal(again.excluded, dataset.excluded)
    assert "GeneID:" in dataset.excluded["gene"].iloc[-1]


def test_a_gene_without_length_is_left_out_of_tpm_and_said_so(tmp_path: Path) -> None:
    annotation = {"GeneID": [1, 2, 3], "Symbol": ["A", "B", "C"], "Length": [10, "", 10]}
    files = few(tmp_path, annotation, {"ids": [1, 2, 3], "counts": [1, 2, 3]})
    network = Network.from_edges(EDGES)
    assert from_geo(**files, network=network).targets.tolist() == ["B", "C"]
    dataset = from_geo(**files, network=network, unit="tpm")
    assert dataset.targets.tolist() == ["C"]
    assert dataset.excluded.to_dict("records") == [
        {"gene": "B", "role": "target", "reason": "no length in the annotation"}
    ]


# Series


def test_a_table_is_a_series_and_is_held_out_whole(folder: Path) -> None:
    dataset = opened(folder, {"external": {"far": EXTERNAL}}, study="mine")
    assert set(dataset.train.series) | set(dataset.test.series) == set(geo_file.SERIES)
    assert not set(dataset.train.series) & set(dataset.test.series)
    assert set(dataset.external["far"].series) == {geo_file.EXTERNAL}
    assert dataset.study == "mine"


def test_series_may_be_named(folder: Path) -> None:
    named = dict(zip("dcba", COUNTS, strict=True))
    dataset = opened(folder, {"counts": named})
    assert set(dataset.train.series) | set(dataset.test.series) == set("abcd")


def test_series_may_be_a_table(folder: Path, tmp_path: Path) -> None:
    samples = raw(folder, COUNTS[0]).columns
    series = pd.DataFrame({"sample": samples, "series": np.arange(len(samples)) % 4})
    series.to_csv(tmp_path / "series.tsv", sep="\t", index=False)
    dataset = opened(folder, {"counts": COUNTS[0], "series": str(tmp_path / "series.tsv")})
    assert set(dataset.train.series) | set(dataset.test.series) == set("0123")


def test_one_table_is_split_by_samples(folder: Path) -> None:
    for counts in (COUNTS[0], [COUNTS[0]]):
        dataset = opened(folder, {"counts": counts})
        assert set(dataset.samples["series"]) == {""}
        assert dataset.samples["split"].value_counts().to_dict() == {"train": 9, "test": 3}


def test_the_accession_in_a_name() -> None:
    assert accession_in("GSE135251/counts.tsv") == ""
    assert accession_in(Path("x") / EXTERNAL) == geo_file.EXTERNAL


# Bad input


def test_names_without_an_accession(folder: Path, tmp_path: Path) -> None:
    for number in (1, 2):
        geo_file.write_counts(tmp_path / f"mine{number}.tsv.gz", raw(folder, COUNTS[number]))
    paths = [str(tmp_path / f"mine{number}.tsv.gz") for number in (1, 2)]
    with pytest.raises(ValueError, match=r"2 count tables have no accession.*{GSE135251: mine1"):
        opened(folder, {"counts": paths})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda t: np.log2(t + 1),
            r"\d+% of the values are no whole.*as logarithms are.*GSM90.*/9",
        ),
        (
            lambda t: t * 1e6 / t.sum(),
            r"whole numbers, and the largest is.*TPM and FPKM.*raw_count",
        ),
        (lambda t: t - 500, "holds negative counts"),
        (lambda t: t.rename_axis("gene_name"), "first column is 'gene_name'; expected 'GeneID'"),
        (lambda t: t.T, r"first column is '.*'; expected 'GeneID'"),
        (lambda t: t.assign(Symbol="ALB"), "has 1 column besides GeneID.*: Symbol; expected GSM"),
        (lambda t: t.rename(columns=lambda c: c + "_2"), "has 12 columns besides GeneID"),
        (lambda t: t.set_axis(t.index + 0.5), r"86 of 86 GeneIDs \(100%\) are not in the annot"),
        (lambda t: t.iloc[[0, *range(86)]], "has 1 duplicate gene name"),
        (lambda t: t.iloc[:, [0, *range(12)]], "has 1 duplicate sample name"),
        (lambda t: t * [0, *[1] * 11], "has 1 sample.* without a single count: GSM"),
        (lambda t: t.iloc[:70], "differ in their genes: 16 GeneIDs in one of the two only"),
    ],
)
def test_unsound_tables(folder: Path, tmp_path: Path, change: Any, message: str) -> None:
    table = change(raw(folder, COUNTS[0]))
    name = table.index.name or "cell"
    path = tmp_path / COUNTS[0]
    table.rename_axis(name if name != "GeneID" else "GeneID").to_csv(path, sep="\t")
    with pytest.raises(ValueError, match=message):
        opened(folder, {"counts": [str(path), *COUNTS[1:]]})


def test_a_part_of_the_genes_unknown_is_said(folder: Path, tmp_path: Path) -> None:
    known = geo_file.genes().iloc[:43]
    geo_file.write_annotation(tmp_path / "half.annot.tsv.gz", known)
    with pytest.raises(ValueError, match=r"43 of 86 GeneIDs \(50%\) are not in the annotation"):
        opened(folder, {"annotation": str(tmp_path / "half.annot.tsv.gz")})


@pytest.mark.parametrize("where", ["study", "external"])
def test_two_tables_with_the_same_sample(folder: Path, tmp_path: Path, where: str) -> None:
    path = tmp_path / "GSE5_more.tsv.gz"
    geo_file.write_counts(path, raw(folder, COUNTS[0]).iloc[:, :2])
    more = {"counts": [*COUNTS, path.as_posix()]} if where == "study" else {"external": {"e": path}}
    with pytest.raises(ValueError, match="share 2 samples: GSM9000001, GSM9000002; a sample may"):
        opened(folder, more)


@pytest.mark.parametrize("role", ["counts", "annotation"])
def test_a_file_cut_short(folder: Path, tmp_path: Path, role: str) -> None:
    name = {"counts": COUNTS[0], "annotation": geo_file.ANNOTATION}[role]
    whole = (folder / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=rf"{name}.* cannot be read"):
        opened(folder, {role: str(tmp_path / name)})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns="Symbol"), r"lacks the column\(s\) Symbol; found GeneID"),
        (lambda t: t.iloc[[0, *range(86)]], "has 1 duplicate gene name"),
        (lambda t: t.assign(Length=["x", -1, *[5] * 84]), "2 GeneIDs a length.*: 'x', .*: '-1'"),
    ],
)
def test_unsound_annotations(folder: Path, tmp_path: Path, change: Any, message: str) -> None:
    path = tmp_path / geo_file.ANNOTATION
    change(geo_file.genes()).to_csv(path, sep="\t", index=False)
    with pytest.raises(ValueError, match=message):
        opened(folder, {"annotation": str(path)})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"duplicates": "first"}, "duplicates is 'first'; expected one of sum, refuse"),
        ({"duplicates": "refuse"}, rf"1 symbol of several GeneIDs each: {TWICE}; set duplicates"),
        ({"unit": "fpkm"}, "unit is 'fpkm'; expected one of cpm, tpm"),
        ({"min_expression": -1}, "min_expression is -1; expected a CPM >= 0"),
        ({"tset_fraction": 0.2}, "options of source 'geo': .*; known options: .*unit, duplicates"),
    ],
)
def test_unknown_options(folder: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        opened(folder, **options)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"annotation": None}, "files: missing annotation, unknown none"),
        ({"counts": []}, "files: missing counts"),
        ({"annotation": ["a", "b"]}, r"files: annotation is \['a', 'b'\]; expected the name of a"),
        ({"counts": ["a", None]}, r"files: counts is \['a', None\]; expected .* a list of names"),
        (
            {"counts": {"GSE1": ["a"]}},
            r"files: counts is {'GSE1': \['a'\]}; expected .* mapping",
        ),
    ],
)
def test_a_misspelt_role(folder: Path, files: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        opened(folder, files)


def test_a_missing_file_is_named(folder: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"GEO count table not found: .*GSE9_none\.tsv\.gz"):
        opened(folder, {"counts": ["GSE9_none.tsv.gz", *COUNTS]})
    with pytest.raises(FileNotFoundError, match="GEO annotation not found"):
        opened(folder, {"annotation": "none.tsv.gz"})


# Real counts


@pytest.mark.long
@pytest.mark.liver
def test_the_liver_study_is_the_same_from_geo_tables(liver: Path, tmp_path: Path) -> None:
    """Its counts under synthetic GeneIDs, in an order of their own, with an annotation."""
    cohorts = ("GSE135251", "GSE130970")
    raw_counts = {name: liver / "raw" / f"counts_{name}.tsv.gz" for name in cohorts}
    tables = {name: pd.read_csv(path, sep="\t", index_col=0) for name, path in raw_counts.items()}
    symbols = sorted(set().union(*(table.index for table in tables.values())))
    ids = np.random.default_rng(7).permutation(len(symbols)) + 1
    lengths = pd.read_csv(liver / "raw" / "gene_lengths_gencode36.tsv.gz", sep="\t", index_col=0)
    known = pd.DataFrame({"GeneID": ids, "Symbol": symbols})
    known["Length"] = lengths["length_bp"].reindex(symbols).fillna("").to_numpy(object)
    geo_file.write_annotation(tmp_path / geo_file.ANNOTATION, known)
    by_symbol = dict(zip(symbols, ids, strict=True))
    for name, table in tables.items():
        geo_file.write_counts(tmp_path / geo_file.counts_name(name), table.rename(by_symbol))
    options = {"study": "GSE135251", "unit": "cpm", "min_expression": 0.5, "min_fraction": 0.2}
    network = str(liver / "network.tsv.gz")
    expected = open_study(
        "counts",
        files={
            "counts": str(raw_counts["GSE135251"]),
            "network": network,
            "external": {"GSE130970": str(raw_counts["GSE130970"])},
        },
        options=options,
    ).dataset
    found = open_study(
        "geo",
        data_dir=tmp_path,
        files={
            "counts": geo_file.counts_name("GSE135251"),
            "annotation": geo_file.ANNOTATION,
            "network": network,
            "external": {"GSE130970": geo_file.counts_name("GSE130970")},
        },
        options=options,
    ).dataset
    pd.testing.assert_frame_equal(found.expression, expected.expression, check_exact=True)
    pd.testing.assert_frame_equal(found.samples, expected.samples, check_exact=True)
    pd.testing.assert_frame_equal(found.excluded, expected.excluded)
    assert found.inputs.equals(expected.inputs)
    assert found.targets.equals(expected.targets)


def test_tables_are_read_by_label(folder: Path) -> None:
    """A symbol is looked up by GeneID: annotation and table stand in other orders."""
    known = GeoAnnotation.read(folder / geo_file.ANNOTATION)
    table = GeoTable.read(folder / COUNTS[0], known).counts
    expected = geo_file.genes().set_index("GeneID")["Symbol"]
    for gene, name in zip(table.columns, known.names(table.columns), strict=True):
        assert name == (expected[int(gene)] or f"GeneID:{gene}")
