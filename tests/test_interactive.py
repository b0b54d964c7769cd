"""Chapters run by hand: top to bottom, from any folder, and the book's artefacts stay."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from lembas.artifacts import Run
from lembas.fitting import fit_models
from lembas.provenance import digest, write_json
from lembas.study import Study
from tests.small_study import QUICK, SIMULATION

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
SMALL: Mapping[str, Mapping[str, Any]] = {
    "01_data": {"options": {**SIMULATION, "seed": 2}},
    "02_network": {"top_hubs": 5},
    "05_test": {
        "n_resamples": 20,
        "n_pairs": 3,
        "masked_models": ["train_mean", "masked_ridge"],
        "figure_models": ["masked_ridge", "lembas"],
    },
}
# A kernel takes seconds to start; from the root, `make book` runs all chapters.
PLACES: Mapping[str, tuple[str, ...]] = {
    "notebooks": ("01_data", "02_network", "05_test"),
    "elsewhere": ("02_network", "05_test"),
    "root": ("02_network",),
}
WRITTEN = {
    "01_data": "dataset.h5ad",
    "02_network": "tables/network_coverage.parquet",
    "05_test": "tables/scores_test.parquet",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, study: Study) -> Path:
    """Make a project whose run holds what 05 reads, and a kernel of this interpreter."""
    root = tmp_path_factory.mktemp("project")
    shutil.copytree(NOTEBOOKS, root / "notebooks")
    (root / "_toc.yml").touch()
    (root / "profiles").mkdir()
    (root / "profiles" / "demo.yml").touch()
    (root / "lembas").symlink_to(ROOT / "lembas")
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": command, "display_name": "this", "language": "python"}
    write_json(root / "jupyter" / "kernels" / "this" / "kernel.json", spec)
    run = Run.open(root / "results" / "demo")
    run.write_dataset(study.dataset)
    run.write_network(study.network)
    models = {
        "baselines": {"train_mean": {}, "masked_ridge": {}},
        "lembas": {"lembas": {"parameters": {"settings": {**QUICK, "epochs": 2}}}},
    }
    for group, chosen in models.items():
        fit_models(run, study.dataset, study.network, chosen, group=group)
    return root


def run_by_hand(
    chapter: str, project: Path, folder: Path, *, package: Path | None = None
) -> nbformat.NotebookNode:
    """Run a chapter as JupyterLab does, in a fresh kernel in the notebook's folder."""
    notebook = nbformat.read(NOTEBOOKS / f"{chapter}.ipynb", as_version=4)
    given = "\n".join(f"{name} = {value!r}" for name, value in SMALL[chapter].items())
    first = next(i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code")
    notebook.cells.insert(first + 1, nbformat.v4.new_code_cell(given))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(project / "jupyter"))
        patch.setenv("PYTHONPATH", str(package or project))
        patch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
        patch.setenv("IPYTHONDIR", str(project / "ipython"))
        client = NotebookClient(
            notebook, kernel_name="this", resources={"metadata": {"path": str(folder)}}
        )
        client.execute(env=dict(os.environ))
    return notebook


@pytest.mark.long
@pytest.mark.parametrize("place", PLACES)
def test_chapters_run_from_any_folder_and_leave_the_book_alone(
    project: Path, tmp_path: Path, place: str
) -> None:
    folder = {"elsewhere": tmp_path, "notebooks": project / "notebooks", "root": project}[place]
    by_hand = project / "results" / "demo" / "interactive"
    shutil.rmtree(by_hand, ignore_errors=True)
    before = digest(project / "results" / "demo")
    for chapter in PLACES[place]:
        run_by_hand(chapter, project, folder)
        assert (by_hand / WRITTEN[chapter]).is_file()
    shutil.rmtree(by_hand)
    assert digest(project / "results" / "demo") == before
    assert not (tmp_path / "results").exists()


def test_without_a_project_or_an_artefact_the_last_line_says_what_to_do(
    project: Path, tmp_path: Path
) -> None:
    installed = tmp_path / "site-packages"
    installed.mkdir()
    (installed / "lembas").symlink_to(ROOT / "lembas")
    with pytest.raises(CellExecutionError) as caught:
        run_by_hand("02_network", project, tmp_path, package=installed)
    assert caught.value.ename == "FileNotFoundError"
    assert "no lembas project in" in caught.value.evalue

    new = tmp_path / "new"
    new.mkdir()
    (new / "profiles").mkdir()
    (new / "_toc.yml").touch()
    shutil.copytree(NOTEBOOKS, new / "notebooks")
    with pytest.raises(CellExecutionError) as caught:
        run_by_hand("02_network", project, new / "notebooks")
    assert "01_data writes it: run `lembas run 01_data" in caught.value.evalue


def test_without_the_package_the_setup_cell_says_how_to_install_it(tmp_path: Path) -> None:
    """An interpreter without site-packages has no lembas."""
    ended = subprocess.run(
        [sys.executable, "-I", "-S", "-c", setup_cell("02_network").source],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    last = ended.stderr.splitlines()[-1]
    assert last.startswith("ModuleNotFoundError: the kernel of this notebook has no lembas: run")
    assert "`pip install -e .`" in last


def test_every_chapter_looks_for_the_package_first() -> None:
    cells = [setup_cell(path.stem) for path in sorted(NOTEBOOKS.glob("*.ipynb"))]
    assert len({cell.source for cell in cells}) == 1
    assert all("remove-cell" in cell.metadata["tags"] for cell in cells), "none on a page"


def setup_cell(chapter: str) -> nbformat.NotebookNode:
    notebook = nbformat.read(NOTEBOOKS / f"{chapter}.ipynb", as_version=4)
    return [cell for cell in notebook.cells if cell.cell_type == "code"][1]
