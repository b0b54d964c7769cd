"""The page on adding a chapter shows what works: its cells and its metadata, in a project."""

from __future__ import annotations

import json
import re
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from lembas.artifacts import Run
from lembas.chapters import check_parameters, discover
from lembas.profiles import read_profile

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "book" / "add_a_chapter.md").read_text()
CELLS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
METADATA = json.loads(re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)[0])
(YAML,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
SCORES = {
    "model": ["a", "a", "b", "b", "a"],
    "cohort": ["test", "test", "test", "test", "train"],
    "gene": ["G1", "G2", "G1", "G2", "G1"],
    "metric": ["skill_per_gene"] * 5,
    "value": [0.6, 0.4, 0.7, 0.5, 0.9],
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of two chapters: one that writes scores, and the page's."""
    notebook = nbformat.v4.new_notebook()
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook.metadata.update({"kernelspec": kernel, **METADATA})
    notebook.cells = [nbformat.v4.new_code_cell(cell.strip()) for cell in CELLS]
    for cell in notebook.cells:
        cell.metadata["tags"] = ["hide-input"]
    notebook.cells[0].metadata["tags"] = ["parameters", "hide-input"]
    (tmp_path / "notebooks").mkdir()
    nbformat.write(notebook, tmp_path / "notebooks" / "20_well.ipynb")
    notebook.metadata["lembas"] = {"reads": [], "writes": METADATA["lembas"]["reads"]}
    nbformat.write(notebook, tmp_path / "notebooks" / "05_test.ipynb")
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "mine.yml").write_text(f"title: Mine\n{YAML}")
    return tmp_path


def test_the_chapter_is_found_with_its_parameters_and_the_profile_sets_them(project: Path) -> None:
    chapter = discover(project)["20_well"]
    assert list(chapter.parameters) == ["run_dir", "cohort", "least"]
    assert all(parameter.help for parameter in chapter.parameters.values())
    own = read_profile("mine", project).chapters["20_well"]
    values = check_parameters(chapter, own, "mine")
    assert values == {"cohort": "train", "least": 0.7}


def test_its_cells_run_and_give_what_the_page_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run.open(tmp_path / "run")
    run.write_table("scores_per_gene_test", pd.DataFrame(SCORES))
    space = {"__name__": "chapter"}
    exec(CELLS[0].replace("results/demo/interactive", str(tmp_path / "run")), space)
    for cell in CELLS[1:]:
        exec(cell, space)
    table = run.read_table("well_predicted")
    assert table.set_index("model")["well"].to_dict() == {"a": 0.5, "b": 1.0}
    capsys.readouterr()


def test_the_table_that_it_reads_is_one_that_a_chapter_writes() -> None:
    written = {name for chapter in discover(ROOT).values() for name in chapter.writes}
    assert set(METADATA["lembas"]["reads"]) <= written
