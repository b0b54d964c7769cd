"""Chapters declare parameters and artefacts; both are checked before a kernel starts."""

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import nbformat
import pytest

from lembas.chapters import check_parameters, discover, select, writers_of
from lembas.dependencies import modules_used
from lembas.parameter_cells import Parameter, check_value
from tests.toy import make_project, write_notebook


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path)


def test_chapters_are_found_in_order(project: Path) -> None:
    chapters = discover(project)
    assert list(chapters) == ["01_data", "02_fit", "03_test"]
    seed = chapters["01_data"].parameters["seed"]
    assert seed == Parameter("seed", "int", 1, "seed of the generator")
    assert chapters["02_fit"].reads == ("tables/a.txt",)
    assert "Some prose" not in chapters["01_data"].code


def test_writers_of_a_folder_above_or_below(project: Path) -> None:
    chapters = discover(project)
    assert writers_of("models/x/w", chapters) == [("02_fit", "models/x/")]
    assert writers_of("models/", chapters) == [("02_fit", "models/x/")]
    assert writers_of("models/xy", chapters) == []


@pytest.mark.parametrize(("text", "name"), [("02_fit", "02_fit"), ("02", "02_fit")])
def test_select_knows_names_and_numbers(project: Path, text: str, name: str) -> None:
    assert select(discover(project), [text]) == [name]


def test_select_names_the_chapters(project: Path) -> None:
    with pytest.raises(ValueError, match="no chapter '99'; chapters: 01_data, 02_fit"):
        select(discover(project), ["99"])


@pytest.mark.parametrize(
    ("type_name", "value"),
    [
        ("int", 3), ("float", 3), ("float", 0.5), ("str", "a"), ("bool", True), ("list", [1]),
        ("list[str]", ["a"]), ("list[str]", []), ("dict[str, int]", {"a": 1}), ("dict", {}),
        ("int | None", None), ("int | None", 3), ("list[float] | None", [1, 0.5]),
    ],
)  # fmt: skip
def test_values_that_fit(type_name: str, value: Any) -> None:
    assert check_value("01_data", Parameter("a", type_name, None, ""), value) == value


@pytest.mark.parametrize(
    ("type_name", "value"),
    [
        ("int", 3.0), ("int", "3"), ("int", True), ("float", "a"), ("float", False), ("str", 3),
        ("bool", 1), ("list[str]", [1]), ("list", "a"), ("dict[str, int]", {"a": "b"}),
        ("int", None), ("int | None", "a"),
    ],
)  # fmt: skip
def test_values_that_do_not_fit(type_name: str, value: Any) -> None:
    with pytest.raises(
        ValueError, match=re.escape(f"chapter 01_data: parameter a must be {type_name}, ")
    ):
        check_value("01_data", Parameter("a", type_name, None, ""), value)


def test_unknown_parameter_is_refused(project: Path) -> None:
    chapter = discover(project)["01_data"]
    with pytest.raises(ValueError, match="has no parameter sead; it has: run_dir, seed"):
        check_parameters(chapter, {"sead": 3}, "-p")
    with pytest.raises(ValueError, match="run_dir is set by the runner"):
        check_parameters(chapter, {"run_dir": "x"}, "-p")


@pytest.mark.parametrize("value", [date(2020, 1, 1), float("nan")])
def test_values_that_no_record_can_hold_are_refused(project: Path, value: object) -> None:
    write_notebook(project, "04_more", cells=[], reads=[], writes=[], parameters="a: dict = {}")
    chapter = discover(project)["04_more"]
    with pytest.raises(ValueError, match=r"04_more, parameter a: .*; put dates into quotation"):
        check_parameters(chapter, {"a": {"b": value}}, "-p")


@pytest.mark.parametrize("content", ["[]", "{", "3"])
def test_a_file_that_is_no_notebook_is_named(project: Path, content: str) -> None:
    (project / "notebooks" / "04_more.ipynb").write_text(content)
    with pytest.raises(ValueError, match=r"04_more\.ipynb is not a valid notebook"):
        discover(project)


@pytest.mark.parametrize("name", ["04_More", "4_more", "more", "04 more"])
def test_a_notebook_of_another_name_is_refused(project: Path, name: str) -> None:
    (project / "notebooks" / f"{name}.ipynb").write_text("{}")
    with pytest.raises(ValueError, match=rf"notebooks/{name}\.ipynb must be named like 05_test\.i"):
        discover(project)


def test_metadata_of_another_kind_are_named(project: Path) -> None:
    path = project / "notebooks" / "01_data.ipynb"
    notebook = json.loads(path.read_text())
    notebook["metadata"]["lembas"] = [1]
    path.write_text(json.dumps(notebook))
    with pytest.raises(ValueError, match=r"01_data\.ipynb: metadata must hold"):
        discover(project)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"parameters": "a = 3"}, "may hold only lines such as"),
        (
            {"parameters": "a: int ="},
            "the parameters cell is not plain Python (invalid syntax, line 2)",
        ),
        ({"parameters": "a: int = len('x')"}, "must be a literal"),
        ({"parameters": "a: list = [\n    1,\n]"}, "as one literal on one line"),
        ({"writes": ["tables/a.txt"]}, "one artefact has one writer"),
        ({"reads": ["tables/none"]}, "reads tables/none, which no chapter writes"),
        ({"reads": ["../x"]}, "expected a path within the run's folder"),
        ({"reads": ["/x"]}, "expected a path within the run's folder"),
    ],
)
def test_faults_of_a_notebook_are_named(
    project: Path, changes: dict[str, Any], message: str
) -> None:
    write_notebook(project, "04_more", **{"reads": [], "writes": [], "cells": [], **changes})
    with pytest.raises(ValueError, match=re.escape(message)):
        discover(project)


def test_a_circle_of_chapters_is_refused(project: Path) -> None:
    write_notebook(project, "04_a", reads=["b"], writes=["a"], cells=[])
    write_notebook(project, "05_b", reads=["a"], writes=["b"], cells=[])
    with pytest.raises(ValueError, match="in a circle: 0"):
        discover(project)


def test_a_notebook_without_parameters_cell_is_refused(project: Path) -> None:
    path = project / "notebooks" / "01_data.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[1].metadata["tags"] = []
    nbformat.write(notebook, path)
    with pytest.raises(ValueError, match="first code cell must be tagged `parameters`"):
        discover(project)


def test_no_notebooks(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no notebook in notebooks/"):
        discover(tmp_path)


@pytest.mark.parametrize(
    "code",
    [
        "from lembas.toy import double",
        "import lembas.toy",
        "import lembas\nlembas.double(2)",
        "from lembas import double",
        "from lembas import toy",
        "import lembas as short\nshort.double(2)",
        "name = 'lembas.toy.double'",
    ],
)
def test_modules_a_chapter_uses(project: Path, code: str) -> None:
    used = {path.as_posix() for path in modules_used(code, project)}
    assert "lembas/toy.py" in used
    assert "lembas/unused.py" not in used


def test_modules_are_followed_through_the_package(project: Path) -> None:
    package = project / "lembas"
    (package / "above.py").write_text("from .toy import double\nfrom lembas.inner.deep import a\n")
    (package / "inner").mkdir()
    (package / "inner" / "__init__.py").write_text("from . import beside\n")
    (package / "inner" / "beside.py").write_text("")
    (package / "inner" / "deep.py").write_text("a = 1\n")
    used = {path.as_posix() for path in modules_used("from lembas import above", project)}
    assert used == {
        "lembas/__init__.py", "lembas/above.py", "lembas/toy.py", "lembas/inner/__init__.py",
        "lembas/inner/beside.py", "lembas/inner/deep.py",
    }  # fmt: skip


def test_code_without_the_package_uses_none_of_it(project: Path) -> None:
    assert modules_used("import pathlib", project) == ()
