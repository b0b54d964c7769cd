"""A profile's study: every kind of source, and one clear sentence for each mistake in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest

from lembas.network_reading import network_sentence, network_table
from lembas.simulate import Simulation, simulate
from lembas.study import Study, open_study
from tests.small_study import SIMULATION


@pytest.fixture(scope="module")
def made() -> Simulation:
    return simulate(**{**SIMULATION, "n_external": (20, 20)})


@pytest.fixture(scope="module")
def folder(made: Simulation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The simulated study as files of every kind."""
    folder = tmp_path_factory.mktemp("data")
    made.prior.edges.to_csv(folder / "network.tsv", sep="\t", index=False)
    made.counts.T.to_csv(folder / "counts.tsv", sep="\t")
    far = made.counts.iloc[:9].set_axis([f"E{i}" for i in range(9)])
    far.T.to_csv(folder / "external_counts.tsv", sep="\t")
    made.expression[made.tfs].to_csv(folder / "tfs.csv")
    made.expression.to_csv(folder / "genes.csv")
    made.external["external_near"].to_csv(folder / "near.csv")
    made.series.rename_axis("sample").rename("series").to_csv(folder / "series.tsv", sep="\t")
    lengths = pd.Series(1000 + np.arange(made.counts.shape[1]), index=made.counts.columns)
    lengths.rename_axis("gene_name").rename("length_bp").to_csv(folder / "lengths.tsv", sep="\t")
    tables = {"study": made.expression, "near": made.external["external_near"]}
    matrix = pd.concat(tables.values())
    cohort = np.repeat(list(tables), [len(table) for table in tables.values()])
    obs = pd.DataFrame({"cohort": cohort}, index=matrix.index)
    var = pd.DataFrame(index=matrix.columns)
    anndata.AnnData(matrix.to_numpy(), obs=obs, var=var).write_h5ad(folder / "all.h5ad")
    return folder


COUNTS = {"network": "network.tsv", "counts": "counts.tsv"}
TABLES = {"network": "network.tsv", "tf_table": "tfs.csv", "gene_table": "genes.csv"}
H5AD = {"network": "network.tsv", "h5ad": "all.h5ad"}


# Every kind of source


def test_a_simulation(study: Study, made: Simulation) -> None:
    dataset = study.dataset
    assert dataset.simulated
    assert study.network.digest == made.prior.digest
    assert list(dataset.external) == ["external_near", "external_far"]
    assert not set(dataset.train.series) & set(dataset.test.series)
    again = open_study("simulation", options=SIMULATION).dataset
    pd.testing.assert_frame_equal(again.expression, dataset.expression, check_exact=True)


def test_opening_leaves_the_options_alone() -> None:
    options = {**SIMULATION, "external_shift": [0.1, 0.2], "external_missing": [0.0, 0.1]}
    before = {key: list(v) if isinstance(v, list) else v for key, v in options.items()}
    open_study("simulation", options=options)
    assert options == before


def test_counts(folder: Path, made: Simulation) -> None:
    files = {**COUNTS, "external": {"far": "external_counts.tsv"}, "series": "series.tsv"}
    options = {"min_expression": None, "study": "mine", "seed": 3}
    study = open_study("counts", data_dir=folder, files=files, options=options)
    dataset = study.dataset
    assert not dataset.simulated
    assert dataset.study == "mine"
    assert list(dataset.external) == ["far"]
    assert not set(dataset.train.series) & set(dataset.test.series)
    cpm = 1e6 * made.counts.div(made.counts.sum(axis=1), axis=0)
    samples = made.counts.index
    found = dataset.expression.loc[samples]
    expected = np.log10(cpm + 1).loc[samples, found.columns]
    assert found.to_numpy() == pytest.approx(expected.to_numpy(), abs=1e-5)


def test_counts_as_tpm(folder: Path, made: Simulation) -> None:
    """Reads a base of each gene, as parts of a million: counts / length, over their sum."""
    files = {**COUNTS, "gene_lengths": "lengths.tsv"}
    study = open_study("counts", data_dir=folder, files=files, options={"unit": "tpm"})
    assert study.dataset.unit == "log10(TPM+1)"
    a_base = made.counts / (1000 + np.arange(made.counts.shape[1]))
    expected = np.log10(1e6 * a_base.div(a_base.sum(axis=1), axis=0) + 1)
    found = study.dataset.expression
    wanted = expected.loc[found.index, found.columns]
    assert found.to_numpy() == pytest.approx(wanted.to_numpy(), abs=1e-5)


def test_tables(folder: Path, made: Simulation) -> None:
    files = {**TABLES, "external": {"near": "near.csv"}, "series": "series.tsv"}
    dataset = open_study("tables", data_dir=str(folder), files=files).dataset
    assert dataset.inputs.isin(made.tfs).all()
    assert list(dataset.external) == ["near"]
    found = dataset.expression.loc[made.expression.index]
    expected = made.expression[found.columns]
    assert found.to_numpy() == pytest.approx(expected.to_numpy(), abs=1e-5)


def test_h5ad(folder: Path, made: Simulation) -> None:
    dataset = open_study("h5ad", data_dir=folder, files=H5AD, options={"study": "study"}).dataset
    assert list(dataset.external) == ["near"]
    assert len(dataset.train.x) + len(dataset.test.x) == len(made.expression)


def test_files_may_be_given_whole(folder: Path) -> None:
    files = {role: str(folder / name) for role, name in TABLES.items()}
    assert open_study("tables", files=files).dataset.inputs.size


@pytest.mark.parametrize(
    ("source", "files", "n_tables"),
    [
        ("counts", {**COUNTS, "external": {"far": "external_counts.tsv"}}, 2),
        ("tables", {**TABLES, "external": {"near": "near.csv"}}, 3),
        ("h5ad", H5AD, 0),
        ("simulation", {}, 0),
    ],
)
def test_kept_tables_give_the_same_study(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
    files: dict[str, Any],
    n_tables: int,
) -> None:
    chosen = {"h5ad": {"study": "study"}, "simulation": SIMULATION}.get(source, {})
    cache = tmp_path / "cache"
    plain = open_study(source, data_dir=folder, files=files, options=chosen)
    open_study(source, data_dir=folder, files=files, options=chosen, cache=cache)
    assert len(list(tmp_path.glob("cache/*.npy"))) == n_tables
    if source in ("counts", "tables"):
        monkeypatch.setattr("lembas.tables.read_labelled", None)  # no text is parsed
    kept = open_study(source, data_dir=folder, files=files, options=chosen, cache=cache)
    pd.testing.assert_frame_equal(
        kept.dataset.expression, plain.dataset.expression, check_exact=True
    )
    assert kept.network.digest == plain.network.digest


# Mistakes in a profile


def test_an_unknown_source() -> None:
    with pytest.raises(ValueError, match="source is 'count'; expected one of simulation, counts"):
        open_study("count")


@pytest.mark.parametrize(
    ("source", "files", "message"),
    [
        ("counts", {"network": "network.tsv"}, "files: missing counts, unknown none; expected net"),
        ("counts", {}, "files: missing network, counts, unknown none"),
        (
            "counts",
            {**COUNTS, "lengths": "x"},
            "missing none, unknown lengths.*s, gene_map, ext",
        ),
        ("counts", {**COUNTS, "network": ""}, "files: missing network"),
        (
            "tables",
            {**TABLES, "counts": "x"},
            "missing none, unknown counts; expected network, tf_",
        ),
        ("tables", COUNTS, "missing tf_table, gene_table, unknown counts"),
        (
            "h5ad",
            {**H5AD, "series": "series.tsv"},
            "unknown series.*where there are any, gene_map$",
        ),
        ("simulation", {"counts": "x"}, "a simulation reads no files, got counts; remove them"),
        (
            "counts",
            {**COUNTS, "external": "near.csv"},
            "external is 'near.csv'; expected a mapping",
        ),
        (
            "counts",
            {**COUNTS, "external": {"far": ["a.tsv", "b.tsv"]}},
            r"external is {'far': \['a.tsv', 'b.tsv'\]}; expected a mapping of cohort names to fil",
        ),
        (
            "counts",
            {**COUNTS, "external": {"far": None}},
            "external is {'far': None}; expected a",
        ),
        ("counts", {**COUNTS, "counts": 3}, "counts is 3; expected the name of a file$"),
        (
            "counts",
            {**COUNTS, "gene_lengths": ["a.tsv"]},
            r"gene_lengths is \['a.tsv'\]; expected the name of a file$",
        ),
        ("tables", {**TABLES, "series": {"a": "b"}}, "series is {'a': 'b'}; expected the name of"),
    ],
)
def test_a_misspelt_role(folder: Path, source: str, files: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        open_study(source, data_dir=folder, files=files)


@pytest.mark.parametrize(
    ("source", "files"),
    [("simulation", {}), ("counts", COUNTS), ("tables", TABLES), ("h5ad", H5AD)],
)
def test_a_misspelt_option(folder: Path, source: str, files: dict[str, str]) -> None:
    options = {"tset_fraction": 0.2} if source != "h5ad" else {"study": "study", "tset_fraction": 1}
    message = rf"options of source '{source}': .*'tset_fraction'.*; known options: .*seed"
    with pytest.raises(ValueError, match=message):
        open_study(source, data_dir=folder, files=files, options=options)


@pytest.mark.parametrize("name", ["simulated", "offered", "origins", "library_size"])
def test_what_the_source_sets_itself_is_no_option(folder: Path, name: str) -> None:
    message = f"options of source 'h5ad': unknown '{name}' .*; known options: (?!.*{name})"
    with pytest.raises(ValueError, match=message):
        open_study("h5ad", data_dir=folder, files=H5AD, options={"study": "study", name: True})


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("counts", {"min_expression": "much"}, "min_expression is 'much'; expected a"),
        ("counts", {"min_expression": [1]}, r"min_expression is \[1\]; expected a"),
        ("counts", {"unit": 5}, "unit is 5; expected a text"),
        ("counts", {"unit": ["cpm"]}, r"unit is \['cpm'\]; expected a text"),
        ("tables", {"unit": 5}, "options of source 'tables': unit is 5; expected a text"),
        ("tables", {"study": None}, "options of source 'tables': study is None; expected a text"),
        ("geo", {"study": ["a"]}, r"options of source 'geo': study is \['a'\]; expected a text"),
        ("archs4", {"seed": "a"}, "seed is 'a'; expected a whole number"),
        ("study", {"symbols_in": 5}, "symbols_in is 5; expected a text"),
        ("simulation", {"n_samples": "many"}, "options of source 'simulation': n_samples must be"),
        ("tables", ["seed"], r"options is \['seed'\]; expected names with values, such as"),
    ],
)
def test_options_of_the_wrong_kind_are_named_before_a_file_is_read(
    source: str, options: Any, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        open_study(source, data_dir="nowhere", options=options)


def test_files_without_roles() -> None:
    with pytest.raises(ValueError, match=r"files is \['a.tsv'\]; expected names with values"):
        open_study("counts", files=["a.tsv"])  # type: ignore[arg-type]


@pytest.mark.parametrize(("source", "files"), [("counts", COUNTS), ("tables", TABLES)])
def test_the_cache_is_no_option_of_a_source(folder: Path, source: str, files: dict) -> None:
    message = rf"options of source '{source}': .*'cache'.*; known options: (?!.*cache)"
    with pytest.raises(ValueError, match=message):
        open_study(source, data_dir=folder, files=files, options={"cache": "here"})


@pytest.mark.parametrize("option", ["external", "network"])
def test_a_file_among_the_options(folder: Path, option: str) -> None:
    """It belongs under ``files``: the reader would get it twice."""
    files = {**COUNTS, "external": {"far": "external_counts.tsv"}}
    with pytest.raises(ValueError, match=f"options of source 'counts': .*'{option}'"):
        open_study("counts", data_dir=folder, files=files, options={option: "x.tsv"})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_samples": "many"}, "n_samples must be a whole number, got 'many'"),
        ({"n_external": 150}, r"n_external must list one entry a cohort, such as \(150, 150\)"),
        ({"n_external": [5]}, "need one entry a cohort each, but n_external has 1"),
        ({"n_tfs": 3}, "n_tfs must be at least 20, got 3"),
    ],
)
def test_simulations_that_cannot_be(options: dict[str, Any], message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        open_study("simulation", options={**SIMULATION, **options})


@pytest.mark.parametrize("missing", ["network", "counts"])
def test_a_missing_file_is_named(folder: Path, missing: str) -> None:
    files = {**COUNTS, missing: "nowhere.tsv"}
    with pytest.raises(FileNotFoundError, match=r"nowhere\.tsv"):
        open_study("counts", data_dir=folder, files=files)


def test_an_unknown_value_of_an_option(folder: Path) -> None:
    with pytest.raises(ValueError, match="unit is 'fpkm'; expected one of cpm, tpm"):
        open_study("counts", data_dir=folder, files=COUNTS, options={"unit": "fpkm"})
    with pytest.raises(ValueError, match='unit "tpm" needs gene lengths'):
        open_study("counts", data_dir=folder, files=COUNTS, options={"unit": "tpm"})


# The network's file


def test_a_network_of_another_layout_gives_the_same_study(folder: Path, made: Simulation) -> None:
    plain = open_study("counts", data_dir=folder, files=COUNTS)
    edges = made.prior.edges.set_axis(["source", "target", "weight"], axis=1)
    levels = ["A" if i % 2 else "D" for i in range(len(edges))]
    edges.assign(confidence=levels).to_csv(folder / "dorothea.csv", index=False)
    files = {**COUNTS, "network": "dorothea.csv"}
    study = open_study("counts", data_dir=folder, files=files)
    pd.testing.assert_frame_equal(study.dataset.expression, plain.dataset.expression)
    assert study.network.digest == plain.network.digest
    assert study.reading is not None
    assert study.reading.recognised.layout == "dorothea"
    options = {"network_options": {"min_confidence": "C"}}
    fewer = open_study("counts", data_dir=folder, files=files, options=options)
    assert len(fewer.network) == levels.count("A")
    assert options == {"network_options": {"min_confidence": "C"}}
    assert network_sentence(fewer.reading).startswith("dorothea.csv was read as a DoRothEA table")
    assert len(network_table(fewer.reading)) > 10
    assert network_sentence(None) == "The prior network was simulated."


def test_a_network_without_signs_is_asked_for(folder: Path, made: Simulation) -> None:
    made.prior.edges[["TF", "Gene"]].to_csv(folder / "unsigned.tsv", sep="\t", index=False)
    files = {**COUNTS, "network": "unsigned.tsv"}
    with pytest.raises(ValueError, match=r"no edge has a known sign.*say unsigned: true"):
        open_study("counts", data_dir=folder, files=files)
    options = {"network_options": {"unsigned": True}}
    study = open_study("counts", data_dir=folder, files=files, options=options)
    assert not study.network.has_signs
    with pytest.raises(ValueError, match=r"network_options: unknown option\(s\) signs"):
        open_study(
            "counts", data_dir=folder, files=files, options={"network_options": {"signs": 1}}
        )
