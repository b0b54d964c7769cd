"""`lembas check`: what chapter 01 would read, before any chapter runs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import jsonschema
import nbformat
import pandas as pd
import pytest

from lembas.audit_report import SCHEMA
from lembas.data import Dataset
from lembas.network import Network
from lembas.plan import make_plan
from tests.conftest import EDGES, GENES, Command, random_expression

ROOT = Path(__file__).resolve().parents[1]
PROFILE = """
title: Small
data: {files: [tf.tsv, genes.tsv, network.tsv]}
chapters:
  01_data:
    source: tables
    files: {tf_table: tf.tsv, gene_table: genes.tsv, network: network.tsv}
    options: {study: small, seed: 3, test_fraction: 0.3}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the real chapter 01 and a small study in the folder `data`."""
    root = tmp_path / "project"
    for folder in ("profiles", "notebooks", "data"):
        (root / folder).mkdir(parents=True)
    (root / "_toc.yml").touch()
    (root / "profiles" / "small.yml").write_text(PROFILE)
    shutil.copy(ROOT / "notebooks" / "01_data.ipynb", root / "notebooks")
    study = random_expression("s", 30, GENES, seed=1)
    tfs = ["TF1", "TF2", "TF3"]
    study[tfs].to_csv(root / "data" / "tf.tsv", sep="\t")
    study.drop(columns=tfs).to_csv(root / "data" / "genes.tsv", sep="\t")
    edges = pd.DataFrame(EDGES, columns=["TF", "Gene", "Interaction"])
    edges.to_csv(root / "data" / "network.tsv", sep="\t", index=False)
    monkeypatch.chdir(root)
    return root


def chapter_01(root: Path) -> None:
    """Run the chapter's cells up to its first artefacts, with the plan's parameters."""
    notebook = nbformat.read(ROOT / "notebooks" / "01_data.ipynb", as_version=4)
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    plan = make_plan(root, "small", data="data")
    names = {**plan.parameters("01_data"), "run_dir": plan.run_dir}
    for source in cells[1:4]:
        exec(source, names)


def test_check_finds_what_chapter_01_finds(project: Path, lembas: Command) -> None:
    """The chapter's own cells are the oracle."""
    code, out, err = lembas("check", "--profile", "small", "--data", "data", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    jsonschema.validate(found, SCHEMA)
    chapter_01(project)
    tables = project / "results" / "small" / "tables"
    expected = pd.read_parquet(tables / "leakage_audit.parquet")
    leaks = pd.DataFrame([row for row in found["audit"] if row["topic"] == "leakage"])
    pd.testing.assert_frame_equal(leaks[list(expected.columns)], expected)
    assert sum(row["genes"] for row in found["excluded"]) == len(
        pd.read_parquet(tables / "excluded.parquet")
    )
    assert found["samples"][0]["samples"] == 21, "the profile's test_fraction counts"

    # The dataset that the chapter wrote gives the same report.
    again = json.loads(lembas("check", "--dataset", "results/small/dataset.h5ad", "--json")[1])
    assert again.pop("origin") == "dataset results/small/dataset.h5ad"
    assert found.pop("origin") == "profile small"
    assert again == found


def test_check_starts_no_chapter_and_works_from_any_folder(
    project: Path, lembas: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project / "notebooks")
    code, out, _ = lembas("check", "--profile", "small", "--data", "../data")
    assert code == 0
    assert "profile small: small, log10(TPM+1)" in out
    assert "ok       duplicate samples within one cohort" in out
    written = {path.name for path in (project / "results" / "small").iterdir()}
    assert written == {"cache"}, "parsed tables are kept for the chapter, nothing else is made"


def test_a_message_names_the_file_as_seen_from_here(project: Path, lembas: Command) -> None:
    shutil.move("data", project.parent / "elsewhere")
    Path("../elsewhere/genes.tsv").write_text("sample\tG1\nS1\t1,5\n")
    code, _, err = lembas("check", "--profile", "small", "--data", "../elsewhere")
    assert code == 1
    assert err.startswith("lembas: ../elsewhere/genes.tsv")


def test_strict_tells_warnings_by_the_exit_code(project: Path, lembas: Command) -> None:
    arguments = ("check", "--profile", "small", "--data", "data")
    assert lembas(*arguments, "--strict")[0] == 0
    genes = pd.read_csv("data/genes.tsv", sep="\t", index_col=0)
    genes["G1"], genes["G2"] = 1.0, 2.0
    genes.to_csv("data/genes.tsv", sep="\t")
    code, out, _ = lembas(*arguments, "--strict")
    assert code == 3
    assert "warning  constant genes in train: 2" in out
    assert lembas(*arguments)[0] == 0
    assert lembas(*arguments, "--strict", "--quiet") == (3, "", "")


def test_the_page_is_written_whole_or_not_at_all(
    project: Path, lembas: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("check", "--profile", "small", "--data", "data", "--html", "pages/check.html")
    code, out, err = lembas(*arguments)
    assert (code, err) == (0, "pages/check.html written\n")
    page = (project / "pages" / "check.html").read_text()
    assert page.startswith("<!DOCTYPE html>")
    assert page.endswith("</html>\n")

    def full(path: Path, *_: object, **__: object) -> None:
        path.touch()
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("lembas.commands.check._write", full)
    code, out, err = lembas(*arguments)
    assert (code, out) == (1, "")
    assert err.startswith("lembas: pages/check.html cannot be read or written")
    assert [path.name for path in Path("pages").iterdir()] == ["check.html"]
    assert (project / "pages" / "check.html").read_text() == page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--profile", "nowhere"), "there is no profile 'nowhere'"),
        (("--profile", "small"), "profile 'small' needs a data folder"),
        (("--profile", "small", "--data", "nowhere"), "there is no data folder 'nowhere'"),
        (("--dataset", "nowhere.h5ad"), "dataset not found: nowhere.h5ad"),
        (("--dataset", "data/tf.tsv"), "data/tf.tsv cannot be read as .h5ad"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(
    project: Path, lembas: Command, arguments: tuple[str, ...], message: str
) -> None:
    code, out, err = lembas("check", *arguments)
    assert (code, out) == (1, "")
    assert err.startswith("lembas: ")
    assert message in err
    assert err.count("\n") == 1


def test_a_dataset_without_its_network(
    project: Path, lembas: Command, small_network, small_study
) -> None:
    from lembas.data import build_dataset

    build_dataset(small_study, small_network).write("dataset.h5ad")
    code, _, err = lembas("check", "--dataset", "dataset.h5ad")
    assert code == 1
    assert "network file not found: network.tsv.gz" in err
    code, out, _ = lembas("check", "--dataset", "dataset.h5ad", "--network", "data/network.tsv")
    assert code == 0
    assert Dataset.read("dataset.h5ad").study in out


def test_a_dataset_whose_network_has_no_signs(
    project: Path, lembas: Command, small_network, small_study
) -> None:
    from lembas.artifacts import Run
    from lembas.data import build_dataset

    edges = small_network.edges.assign(Interaction=0)
    run = Run.open(project / "results" / "unsigned")
    run.write_dataset(build_dataset(small_study, small_network))
    run.write_network(Network.from_edges(edges, unsigned=True))
    code, out, _ = lembas("check", "--dataset", "results/unsigned/dataset.h5ad")
    assert code == 0
    assert "edges without a sign" in out


def test_a_project_without_chapter_01_says_so(project: Path, lembas: Command) -> None:
    path = project / "notebooks" / "01_data.ipynb"
    path.rename(path.with_name("02_other.ipynb"))
    (project / "profiles" / "small.yml").write_text("title: Small")
    code, _, err = lembas("check", "--profile", "small")
    assert code == 1
    assert "there is no chapter 01_data with a parameter `source`" in err
