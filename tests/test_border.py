"""Tables as users bring them: each way to name genes, each scale, one sentence for each mistake."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from lembas import audit
from lembas.border import BorderOptions
from lembas.data import Dataset
from lembas.gene_mapping import NO_SYMBOL
from lembas.study import Study, open_study
from tests import own_files

COUNTS = {"network": "network.tsv", "counts": "counts_study.tsv.gz"}
COUNTS["external"] = {"hospital": "counts_hospital.tsv.gz"}
IDS = {**COUNTS, "counts": "ensembl_study.tsv.gz"}
IDS |= {"external": {"hospital": "ensembl_hospital.tsv.gz"}, "gene_map": "gene_names.tsv"}
STUDY = own_files.STUDY_NAMES


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return own_files.write_all(tmp_path_factory.mktemp("own"))


def opened(folder: Path, source: str, files: dict[str, Any], **options: Any) -> Dataset:
    return open_study(source, data_dir=folder, files=files, options=options).dataset


def reasons(dataset: Dataset) -> dict[str, str]:
    return dict(zip(dataset.excluded["gene"], dataset.excluded["reason"], strict=True))


def same(one: Dataset, other: Dataset, *, tolerance: float = 0.0) -> None:
    columns = one.expression.columns
    pd.testing.assert_frame_equal(
        other.expression[columns], one.expression, rtol=0, atol=tolerance, check_exact=None
    )
    assert other.inputs.equals(one.inputs)
    assert other.targets.equals(one.targets)


# Ways to name genes


def test_ids_give_what_symbols_give(folder: Path) -> None:
    by_symbol = opened(folder / "counts", "counts", COUNTS)
    by_id = opened(folder / "counts", "counts", IDS)
    same(by_symbol, by_id)
    pd.testing.assert_frame_equal(by_id.samples, by_symbol.samples)


def test_genes_without_a_symbol_are_listed(folder: Path) -> None:
    found = reasons(opened(folder / "counts", "counts", IDS))
    lost = {own_files.ensembl(gene) for gene in own_files.GENES[-5:]}
    assert {name for name, why in found.items() if why == NO_SYMBOL} == lost


def test_symbols_of_anndata(folder: Path) -> None:
    files = {"network": "network.tsv", "h5ad": "liver.h5ad"}
    options = {"study": "study", "symbols_in": "gene_symbols", "unit": "log10(CPM+1)"}
    dataset = opened(folder / "h5ad", "h5ad", files, **options)
    assert dataset.inputs.tolist() == own_files.TFS
    assert dataset.targets.tolist() == own_files.TARGETS
    assert list(dataset.external) == ["hospital"]
    assert not set(dataset.train.series) & set(dataset.test.series)
    by_map = {**files, "gene_map": "../counts/gene_names.tsv"}
    same(dataset, opened(folder / "h5ad", "h5ad", by_map, study="study"))


def test_counts_in_anndata_have_symbols_too(folder: Path) -> None:
    files = {"network": "network.tsv", "counts": "counts.h5ad"}
    options = {"symbols_in": "gene_symbols", "genes_in": "columns"}
    alone = {role: name for role, name in COUNTS.items() if role != "external"}
    expected = opened(folder / "counts", "counts", alone)
    same(expected, opened(folder / "h5ad", "counts", files, **options))


def test_the_study_by_its_own_names(folder: Path) -> None:
    dataset = opened(folder / "study", "study", {})
    files = {
        "network": STUDY["network"],
        "tf_table": STUDY["tfs"],
        "gene_table": STUDY["genes"],
        "external": {"Liver_bulk_external": STUDY["external"]},
    }
    same(opened(folder / "study", "tables", files), dataset)
    assert dataset.inputs.tolist() == own_files.TFS
    assert reasons(dataset)["TF"] == "no TF of the network"
    assert len(dataset.external["Liver_bulk_external"].y) == own_files.N_SAMPLES["hospital"]
    without = opened(folder / "study", "study", {"external": None})
    assert without.external == {}


@pytest.mark.parametrize("styled", [str.lower, str.capitalize])
def test_names_in_other_letters_are_offered_never_taken(
    folder: Path, tmp_path: Path, styled: Any
) -> None:
    table = own_files.counts("study").rename(columns=styled).T
    table.to_csv(tmp_path / "counts.tsv", sep="\t")
    files = {"network": str(folder / "counts" / "network.tsv"), "counts": "counts.tsv"}
    # C1orf112 is written as for a human gene when its first letter alone is a capital.
    message = r"has [01] genes? of the network .* 1[67] more in capitals: \w+ for [A-Z].*to_upper"
    with pytest.raises(ValueError, match=message):
        opened(tmp_path, "counts", files)
    found = opened(tmp_path, "counts", files, rename={"to_upper": True})
    assert found.inputs.tolist() == own_files.TFS


def test_a_few_names_in_other_letters_and_dates_are_a_warning(folder: Path, tmp_path: Path) -> None:
    spoilt = {"SEPTIN2": "2-Sep", "ALB": "Alb", "MARCHF5": "MARCH5", "OTHER1": "1-Oct"}
    own_files.counts("study").rename(columns=spoilt).T.to_csv(tmp_path / "counts.tsv", sep="\t")
    files = {"network": str(folder / "counts" / "network.tsv"), "counts": "counts.tsv"}
    study = open_study("counts", data_dir=tmp_path, files=files)
    assert reasons(study.dataset)["2-Sep"] == "a date made by a spreadsheet, may be SEPTIN2"
    assert reasons(study.dataset)["1-Oct"] == "a date made by a spreadsheet"
    assert reasons(study.dataset)["Alb"] == "may be ALB"
    assert reasons(study.dataset)["MARCH5"] == "may be MARCHF5"
    rows = audited(study)
    assert rows.loc["names spoilt by a spreadsheet", "verdict"] == "warning"
    assert rows.loc["names spoilt by a spreadsheet", "examples"] == "1-Oct, 2-Sep (SEPTIN2)"
    assert rows.loc["names that may be others", "verdict"] == "warning"
    assert rows.loc["names that may be others", "examples"] == "Alb (ALB), MARCH5 (MARCHF5)"


def test_sound_names_pass_the_audit(folder: Path) -> None:
    rows = audited(open_study("counts", data_dir=folder / "counts", files=COUNTS))
    checks = ["names spoilt by a spreadsheet", "names that may be others"]
    assert rows.loc[checks, "verdict"].tolist() == ["ok", "ok"]


def audited(study: Study) -> pd.DataFrame:
    return audit.leakage_audit(study.dataset, study.network).set_index("check")


def test_a_date_twice_is_refused_and_explained(folder: Path, tmp_path: Path) -> None:
    spoilt = {"MARCHF5": "5-Mar", "OTHER1": "5-Mar"}
    own_files.counts("study").rename(columns=spoilt).T.to_csv(tmp_path / "counts.tsv", sep="\t")
    files = {"network": str(folder / "counts" / "network.tsv"), "counts": "counts.tsv"}
    message = r"duplicate gene name\(s\): 5-Mar; .*dates that a spreadsheet made of symbols"
    with pytest.raises(ValueError, match=message):
        opened(tmp_path, "counts", files)


def test_duplicates_follow_the_policy(folder: Path, tmp_path: Path) -> None:
    """Two ids of one gene: their reads belong to it."""
    names = pd.read_csv(folder / "counts" / "gene_names.tsv", sep="\t")
    names.loc[names["symbol"] == "OTHER3", "symbol"] = "ALB"
    names.to_csv(tmp_path / "names.tsv", sep="\t", index=False)
    files = {**IDS, "gene_map": str(tmp_path / "names.tsv")}
    with pytest.raises(ValueError, match=r"several columns for 1 gene: ALB \(ENSG\d+\.\d, ENSG"):
        opened(folder / "counts", "counts", files)
    found = opened(folder / "counts", "counts", files, duplicates="sum")
    counts = own_files.counts("study")
    both = counts["ALB"] + counts["OTHER3"]
    expected = np.log10(both / counts.sum(axis=1) * 1e6 + 1)
    samples = expected.index
    np.testing.assert_allclose(found.expression.loc[samples, "ALB"], expected, rtol=1e-6)
    first = opened(folder / "counts", "counts", files, duplicates="first")
    assert reasons(first)[own_files.ensembl("OTHER3")] == "another column of ALB was kept"


def test_ids_without_a_table_of_names_are_refused(folder: Path) -> None:
    files = {role: name for role, name in IDS.items() if role != "gene_map"}
    message = r"names its genes by Ensembl ids \(ENSG.*gene_id and symbol as gene_map"
    with pytest.raises(ValueError, match=message):
        opened(folder / "counts", "counts", files)


# Scales


def test_logarithms_are_no_counts(folder: Path) -> None:
    files = {"network": STUDY["network"], "counts": STUDY["genes"]}
    message = r"Geneexpression \(full\)\.tsv holds .*, where raw counts are expected.*source tables"
    with pytest.raises(ValueError, match=message):
        opened(folder / "study", "counts", files, genes_in="columns")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t / np.log10(2), "holds log2 values, where log10"),
        (lambda t: 10**t - 1, r"holds values that sum to a million \(CPM or TPM\)"),
        (lambda t: t - t.mean(), "holds negative values, as centred data do"),
        (lambda t: pd.concat([t[:5] / np.log10(2), t[5:]]), "mixes samples on different scales"),
    ],
)
def test_a_cohort_on_another_scale(folder: Path, tmp_path: Path, change: Any, message: str) -> None:
    own_files.write_study(tmp_path)
    # All genes: as log10 they sum to a million, which the few of the network do not.
    table = own_files.log10(own_files.counts("hospital"))
    change(table).to_csv(tmp_path / STUDY["external"], sep="\t")
    with pytest.raises(ValueError, match=rf"Liver_bulk_external\.tsv {message}"):
        opened(tmp_path, "study", {})


def test_the_check_of_scales_can_be_switched_off(folder: Path, tmp_path: Path) -> None:
    own_files.write_study(tmp_path)
    table = own_files.log10(own_files.counts("hospital"))
    (table - table.mean()).to_csv(tmp_path / STUDY["external"], sep="\t")
    dataset = opened(tmp_path, "study", {}, check_scale=False)
    assert dataset.external["Liver_bulk_external"].y.to_numpy().min() < 0


# The pages


@pytest.mark.parametrize("page", ["own_tables", "own_h5ad"])
def test_the_profiles_on_the_pages_open(folder: Path, page: str) -> None:
    text = (Path(__file__).parents[1] / "book" / f"{page}.md").read_text("utf-8")
    profiles = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.S)]
    assert len(profiles) == 2
    data = folder / ("counts" if page == "own_tables" else "h5ad")
    for profile in profiles:
        own = profile["chapters"]["01_data"]
        dataset = opened(data, own["source"], own["files"], **own["options"])
        assert dataset.inputs.tolist() == own_files.TFS
        assert all((data / name).is_file() for name in profile["data"]["files"])


# Options


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rename": {"upper": True}}, r"rename is .*; expected \{to_upper: true\}"),
        ({"rename": "to_upper"}, r"rename is 'to_upper'; expected"),
        ({"rename": {"to_upper": "yes"}}, "to_upper is 'yes'; expected true or false"),
        ({"symbols_in": 3}, "symbols_in is 3; expected a text"),
        ({"symbols_in": ["a"]}, r"symbols_in is \['a'\]; expected a text"),
        ({"check_scale": "no"}, "check_scale is 'no'; expected true or false"),
    ],
)
def test_options_without_meaning(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BorderOptions(**options)


def test_two_tables_of_names_and_a_missing_column(folder: Path) -> None:
    with pytest.raises(ValueError, match="both gene_map and symbols_in name the genes"):
        opened(folder / "counts", "counts", IDS, symbols_in="gene_symbols")
    with pytest.raises(ValueError, match=r"symbols_in is 'x', which is for \.h5ad, and .*s_st"):
        opened(folder / "counts", "counts", COUNTS, symbols_in="x")
    files = {"network": "network.tsv", "h5ad": "liver.h5ad"}
    with pytest.raises(ValueError, match=r"has no column 'x' in var; found gene_symbols"):
        opened(folder / "h5ad", "h5ad", files, study="study", symbols_in="x")


@pytest.mark.liver
def test_liver_tables_under_the_names_of_the_study(liver: Path, tmp_path: Path) -> None:
    tables = {"tfs": "tf_expression", "genes": "gene_expression", "external": "external"}
    packed = {STUDY[role]: liver / "tables" / f"{name}.tsv.gz" for role, name in tables.items()}
    for name, source in {**packed, STUDY["network"]: liver / "network.tsv.gz"}.items():
        (tmp_path / name).write_bytes(gzip.decompress(source.read_bytes()))
    files = {
        "network": "network.tsv.gz",
        "tf_table": "tables/tf_expression.tsv.gz",
        "gene_table": "tables/gene_expression.tsv.gz",
        "external": {"Liver_bulk_external": "tables/external.tsv.gz"},
    }
    expected = open_study("tables", data_dir=liver, files=files)
    found = open_study("study", data_dir=tmp_path)
    assert found.network.digest == expected.network.digest
    for table in ("expression", "samples", "excluded"):
        pd.testing.assert_frame_equal(
            getattr(found.dataset, table), getattr(expected.dataset, table), check_exact=True
        )
