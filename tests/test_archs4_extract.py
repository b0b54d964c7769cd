"""Extraction against tables read whole, its laws, its cache, its command, and failures to write."""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest

from lembas import archs4, archs4_counts, archs4_extract
from lembas.__main__ import main
from lembas.archs4_extract import N_COMPARED, Recipe, extract
from lembas.archs4_query import LIBRARY, SIMILAR, TissueQuery
from lembas.study import open_study
from lembas.tables import counts_to_tpm
from tests import archs4_file

QUERY = TissueQuery(**archs4_file.SMALL)
FILES = {"archs4": "tiny_archs4.h5", "network": "network.tsv"}
OPTIONS: dict[str, Any] = {"query": archs4_file.SMALL}


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    archs4_file.network().to_csv(tmp_path / "network.tsv", sep="\t", index=False)
    return archs4_file.tiny(tmp_path)


def lengths() -> pd.Series:
    genes = archs4_file.gene_symbols()[:70]
    return pd.Series(np.linspace(300, 9000, len(genes)), index=genes)


def whole() -> pd.DataFrame:
    """Counts of all rows, (sample, row), by another way than the file."""
    samples = archs4_file.described()
    return pd.DataFrame(archs4_file.counted(samples).T, samples.index, archs4_file.gene_symbols())


def read(path: Path) -> anndata.AnnData:
    return anndata.read_h5ad(path)


def test_cpm(tiny: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.h5ad"
    extract(tiny, out, Recipe(QUERY))
    data, counts = read(out), whole()
    cpm = counts.div(counts.sum(axis=1), axis=0) * 1e6
    expected = np.log10(cpm.T.groupby(level=0).sum().T.drop(columns="") + 1)
    assert data.X.dtype == np.float32
    assert data.var_names.tolist() == sorted(set(counts.columns) - {""})
    expected = expected.loc[data.obs_names, data.var_names]
    np.testing.assert_allclose(data.X, expected, rtol=1e-6)
    np.testing.assert_array_equal(data.obs["library_size"], counts.sum(axis=1)[data.obs_names])
    detected = (counts > 0).sum(axis=1)[data.obs_names]
    np.testing.assert_array_equal(data.obs["genes_detected"], detected)
    twice = archs4_file.gene_symbols()[-2]
    assert data.var["n_rows"].to_dict() == dict.fromkeys(data.var_names, 1) | {twice: 2}


def test_tpm(tiny: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.h5ad"
    extract(tiny, out, Recipe(QUERY, unit="tpm", lengths=lengths()))
    data = read(out)
    merged = whole().T.groupby(level=0).sum().T.drop(columns="").loc[data.obs_names]
    expected = np.log10(counts_to_tpm(merged, lengths()) + 1)
    assert set(data.var_names) == set(lengths().index)
    np.testing.assert_allclose(data.X, expected[data.var_names], rtol=1e-6)
    np.testing.assert_allclose((10.0**data.X - 1).sum(axis=1), 1e6, rtol=1e-4)


def test_genes_are_kept_after_normalisation(tiny: Path, tmp_path: Path) -> None:
    extract(tiny, tmp_path / "all.h5ad", Recipe(QUERY))
    some = pd.Index(["ALB", "HNF4A", "APOB", "NOT_THERE"])
    extract(tiny, tmp_path / "some.h5ad", Recipe(QUERY, genes=some))
    everything, few = read(tmp_path / "all.h5ad"), read(tmp_path / "some.h5ad")
    assert few.var_names.tolist() == ["ALB", "APOB", "HNF4A"]
    np.testing.assert_array_equal(few.X, everything[few.obs_names, few.var_names].X)


def test_the_selection_and_what_is_stated(tiny: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.h5ad"
    table = extract(tiny, out, Recipe(QUERY))
    data = read(out)
    assert table.index.tolist() == archs4_file.described().index.tolist()
    assert sorted(table.index[table["selected"]]) == data.obs_names.tolist()
    assert table.loc["GSM9009", "reason"] == LIBRARY
    assert table.loc["GSM1035", ["reason", "evidence"]].tolist() == [SIMILAR, "GSM1000"]
    stated = data.uns["archs4"]
    assert TissueQuery.of(json.loads(stated["query"])) == QUERY
    assert stated["duplicate_symbols"] == "sum"
    assert stated["samples"].loc["selected", "samples"] == data.n_obs
    assert stated["samples"]["samples"].sum() == len(table)


def test_linked_series_are_one_group(tiny: Path, tmp_path: Path) -> None:
    extract(tiny, tmp_path / "out.h5ad", Recipe(QUERY))
    obs = read(tmp_path / "out.h5ad").obs
    groups = {name: set(part["series_id"]) for name, part in obs.groupby("series", observed=True)}
    # 10 and 11 share a sample; the last sample of 15 is nearly the same as the first of 10.
    assert groups == {
        "GSE10": {"GSE10", "GSE11,GSE10", "GSE11", "GSE15"},
        "GSE12": {"GSE12"},
        "GSE13": {"GSE13"},
        "GSE14": {"GSE14"},
    }


@pytest.mark.parametrize("chunks", [(1, 45), (86, 1), None], ids=str)
def test_layout_and_order_change_nothing(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunks: tuple[int, int] | None
) -> None:
    extract(tiny, tmp_path / "expected.h5ad", Recipe(QUERY))
    rng = np.random.default_rng(5)
    samples, genes = archs4_file.described(), archs4_file.gene_symbols()
    counts = archs4_file.counted(samples)
    rows, columns = rng.permutation(len(genes)), rng.permutation(len(samples))
    path = archs4_file.write(
        tmp_path / "shuffled.h5",
        samples.iloc[columns],
        counts[np.ix_(rows, columns)],
        [genes[row] for row in rows],
        chunks=chunks,
    )
    monkeypatch.setattr(archs4, "BLOCK_CELLS", 100)
    monkeypatch.setattr(archs4_counts, "CELLS_AT_ONCE", 200)
    extract(path, tmp_path / "found.h5ad", Recipe(QUERY))
    expected, found = read(tmp_path / "expected.h5ad"), read(tmp_path / "found.h5ad")
    pd.testing.assert_frame_equal(found.obs, expected.obs)
    pd.testing.assert_frame_equal(found.var, expected.var)
    np.testing.assert_array_equal(found.X, expected.X)


def test_near_duplicates_by_another_way(tiny: Path, tmp_path: Path) -> None:
    table = extract(tiny, tmp_path / "out.h5ad", Recipe(QUERY, near_duplicate=0.8))
    extract(tiny, tmp_path / "all.h5ad", Recipe(QUERY, near_duplicate=1.0))
    data = read(tmp_path / "all.h5ad")
    assert data.n_vars < N_COMPARED
    centred = data.X - data.X.mean(axis=0)
    alike = pd.DataFrame(np.corrcoef(centred), data.obs_names, data.obs_names) >= 0.8
    deepest = data.obs["library_size"].sort_values(ascending=False, kind="stable").index
    kept: list[str] = []
    for name in deepest:
        if not alike.loc[name, kept].any():
            kept.append(name)
    assert 5 < len(kept) < data.n_obs
    assert sorted(table.index[table["selected"]]) == sorted(kept)
    for name, twin in table.loc[table["reason"] == SIMILAR, "evidence"].items():
        assert alike.loc[name, twin]


def test_equal_samples_are_always_one(tmp_path: Path) -> None:
    samples = archs4_file.described()
    counts = archs4_file.counted(samples)
    counts[:, 20] = counts[:, 3]
    path = archs4_file.write(tmp_path / "f.h5", samples, counts, archs4_file.gene_symbols())
    table = extract(path, tmp_path / "out.h5ad", Recipe(QUERY, near_duplicate=1.0))
    assert table.loc["GSM1020", ["reason", "evidence"]].tolist() == [SIMILAR, "GSM1003"]
    assert table.loc["GSM1035", "selected"]


def test_none_passes_the_limits(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"none of 45 samples: library too small \(37\)"):
        extract(tiny, tmp_path / "out.h5ad", Recipe())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["network.tsv", "tiny_archs4.h5"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"unit": "fpkm"}, "unit is 'fpkm'; expected one of cpm, tpm"),
        ({"unit": "tpm"}, "needs gene lengths"),
        ({"lengths": pd.Series({"ALB": 1.0})}, "uses no gene lengths"),
        ({"unit": ["cpm"]}, r"unit is \['cpm'\]; expected one of cpm, tpm"),
        ({"near_duplicate": "most"}, "near_duplicate is 'most'; expected a correlation"),
        ({"near_duplicate": None}, "near_duplicate is None; expected a correlation"),
        ({"near_duplicate": 0.0}, "near_duplicate is 0.0; expected a correlation"),
    ],
)
def test_recipes_without_meaning(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Recipe(**settings)


def test_genes_of_another_kind(tiny: Path, tmp_path: Path) -> None:
    recipe = Recipe(QUERY, genes=pd.Index(["ENSG1", "ENSG2"]))
    with pytest.raises(ValueError, match=r"has none of the 2 genes asked for .ENSG1, ENSG2."):
        extract(tiny, tmp_path / "out.h5ad", recipe)


def test_lengths_of_other_genes_name_their_file(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "lengths.tsv").write_text("gene_name\tlength_bp\nENSG1\t100\n")
    files = FILES | {"gene_lengths": "lengths.tsv"}
    message = r"lengths\.tsv gives none of the 84 genes wanted of .*a length.*it names ENSG1: use"
    with pytest.raises(ValueError, match=message):
        open_study("archs4", data_dir=tmp_path, files=files, options=OPTIONS | {"unit": "tpm"})


def test_a_sentence_is_wrapped_in_no_other(tiny: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.h5ad"
    out.mkdir()
    with pytest.raises(OSError, match="cannot be read or written") as caught:
        extract(tiny, out, Recipe(QUERY))
    assert str(caught.value).count("cannot be") == 1


def test_another_suffix(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"a name that ends in \.h5ad"):
        extract(tiny, tmp_path / "out.h5", Recipe(QUERY))


def test_no_room(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archs4_extract, "_bytes_needed", lambda *_: 1 << 60)
    with pytest.raises(ValueError, match="GB are free; make room"):
        extract(tiny, tmp_path / "new" / "out.h5ad", Recipe(QUERY))


@pytest.mark.parametrize("limit", [2000, 40_000])
def test_a_full_disk_leaves_nothing(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    """The system refuses to let files grow: as counts are copied, or as the result is written."""
    out = tmp_path / "new" / "out.h5ad"
    # A compiled file that is written now would be cut short, and stay so.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        with pytest.raises(OSError, match=r"out\.h5ad cannot be read or written .*free some s"):
            extract(tiny, out, Recipe(QUERY))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(out.parent.iterdir()) == []


def test_a_folder_that_is_a_file(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"tsv.out\.h5ad cannot be read or written .*check the p"):
        extract(tiny, tmp_path / "network.tsv" / "out.h5ad", Recipe(QUERY))


def test_the_source_of_a_profile_and_its_cache(tiny: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    whole = {"data_dir": tmp_path, "files": FILES, "cache": cache}
    made = open_study("archs4", **whole, options=OPTIONS).dataset
    (kept,) = cache.iterdir()
    stamp = kept.stat().st_mtime_ns
    again = open_study("archs4", **whole, options=OPTIONS).dataset
    assert kept.stat().st_mtime_ns == stamp, "extracted again"
    pd.testing.assert_frame_equal(again.expression, made.expression)
    assert made.study == "ARCHS4"
    assert made.unit == "log10(CPM+1)"
    sides = made.samples.groupby("series")["split"].nunique()
    assert (sides == 1).all()
    without = open_study("archs4", data_dir=tmp_path, files=FILES, options=OPTIONS).dataset
    pd.testing.assert_frame_equal(without.expression, made.expression)
    open_study("archs4", **whole, options=OPTIONS | {"near_duplicate": 1.0})
    (other,) = cache.iterdir()
    assert other != kept, "another query, another extraction; the old one is deleted"


def test_the_two_ways_give_one_dataset(tiny: Path, tmp_path: Path) -> None:
    nodes = pd.Index(pd.unique(archs4_file.network()[["TF", "Gene"]].to_numpy().ravel()))
    extract(tiny, tmp_path / "out.h5ad", Recipe(QUERY, genes=nodes))
    files = {"h5ad": "out.h5ad", "network": "network.tsv"}
    options = {"unit": "log10(CPM+1)", "study": "ARCHS4", "min_expression": float(np.log10(1.5))}
    two = open_study("h5ad", data_dir=tmp_path, files=files, options=options).dataset
    one = open_study("archs4", data_dir=tmp_path, files=FILES, options=OPTIONS).dataset
    pd.testing.assert_frame_equal(two.expression, one.expression)
    pd.testing.assert_frame_equal(two.samples, one.samples)


def test_series_set_aside(tiny: Path, tmp_path: Path) -> None:
    options = OPTIONS | {"external_series": {"other": ["GSE11"]}}
    made = open_study("archs4", data_dir=tmp_path, files=FILES, options=options).dataset
    cohort = made.samples.groupby("cohort")["series"].unique().map(sorted)
    assert cohort.to_dict() == {"ARCHS4": ["GSE12", "GSE13", "GSE14"], "other": ["GSE10"]}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"external_series": {"ARCHS4": ["GSE11"]}}, "ARCHS4 is the name of the samples that stay"),
        ({"external_series": {"a": []}}, r"a is \[\]; expected cohorts by name with their series"),
        (
            {"external_series": ["GSE11"]},
            r"external_series is \['GSE11'\]; expected cohorts by name with their series",
        ),
        ({"external_series": {"a": [11]}}, r"external_series: a is \[11\]; expected cohorts"),
        ({"external_series": {"a": ["GSE99"]}}, "no selected sample of .* is in GSE99"),
        ({"external_series": {"a": ["GSE10"], "b": ["GSE15"]}}, "b and a share samples or linked"),
        (
            {"external_series": {"a": [f"GSE{number}" for number in range(10, 15)]}},
            "a take every selected sample",
        ),
        (
            {"query": {"min_gene": 3}},
            r"query: unknown setting\(s\) min_gene \(near: min_gene: min_genes",
        ),
        (
            {"near_duplicates": 0.9},
            "unknown 'near_duplicates'.*known options: network_options, query",
        ),
        ({"unit": "tpm"}, "needs gene lengths"),
    ],
)
def test_options_without_meaning(
    tiny: Path, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        open_study("archs4", data_dir=tmp_path, files=FILES, options=OPTIONS | options)


def test_the_command(tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, listing = tmp_path / "out.h5ad", tmp_path / "selection.tsv"
    limits = [f"--query={name}={value}" for name, value in archs4_file.SMALL.items()]
    main(["archs4", str(tiny), "--dry-run"])
    told = capsys.readouterr().out
    assert "37  selected" in told
    assert "1  cell line                                     huh 7" in told
    assert "37 selected before library sizes and duplicates are looked at" in told
    main(["archs4", str(tiny), str(out), *limits, "--selection", str(listing)])
    told = capsys.readouterr()
    assert f"{out}: 35 samples" in told.out
    assert told.err == ""  # no bar where no terminal is
    table = pd.read_csv(listing, sep="\t", index_col="sample")
    assert table["selected"].sum() == read(out).n_obs == 35
    network = str(tmp_path / "network.tsv")
    main(
        ["archs4", str(tiny), str(out), *limits, "--query", "keep_fetal=true", "--network", network]
    )
    assert "GSM9007" in read(out).obs_names


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["absent.h5", "--dry-run"], "lembas: ARCHS4 file not found: absent.h5"),
        (["tiny_archs4.h5"], "name the file to write"),
        (["tiny_archs4.h5", "out.h5ad", "--query", "tissue"], "expected name=value"),
        (["tiny_archs4.h5", "out.h5ad", "--query", "tissue=[a"], "the value is not readable"),
        (
            ["tiny_archs4.h5", "network.tsv/out.h5ad"],
            "network.tsv/out.h5ad cannot be read or",
        ),
    ],
)
def test_errors_of_the_command(
    tiny: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tiny.parent)
    with pytest.raises(SystemExit):
        main(["archs4", *arguments])
    told = capsys.readouterr().err
    assert message in told
    assert "Traceback" not in told
