"""A project is found from any folder, and what a run lacks is named with its chapter."""

from __future__ import annotations

from pathlib import Path

import pytest

from lembas import project
from lembas.project import find_root, missing_artefact, root_above
from tests.toy import make_project

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    (tmp_path / "toy").mkdir()
    return make_project(tmp_path / "toy")


@pytest.mark.parametrize("here", [".", "notebooks", "notebooks/deeper"])
def test_from_within_it_is_the_project_around(toy: Path, here: str) -> None:
    assert find_root(toy / here) == toy
    assert root_above(toy / here) == toy


def test_the_nearest_project_counts(toy: Path) -> None:
    inner = toy / "inner"
    (inner / "profiles").mkdir(parents=True)
    assert find_root(inner / "notebooks") == toy
    (inner / "_toc.yml").touch()
    assert find_root(inner / "notebooks") == inner


def test_another_book_is_no_project(tmp_path: Path) -> None:
    (tmp_path / "_toc.yml").touch()
    with pytest.raises(FileNotFoundError, match="not in a lembas project"):
        root_above(tmp_path)
    assert find_root(tmp_path) == ROOT


def test_elsewhere_it_is_the_project_that_the_package_is_part_of(tmp_path: Path) -> None:
    assert find_root(tmp_path) == ROOT


def test_without_any_project_it_is_said_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(project, "__file__", str(tmp_path / "site-packages/lembas/project.py"))
    message = (
        r"no lembas project in .*elsewhere or above it.* run `pip install -e \.` in its folder"
    )
    with pytest.raises(FileNotFoundError, match=message):
        find_root(tmp_path / "elsewhere")


# What a run lacks


def test_the_chapter_that_writes_it_is_named(toy: Path) -> None:
    run = toy / "results" / "demo"
    said = missing_artefact("tables/a.txt", run)
    assert said == (
        f"{run}/tables/a.txt is not there; 01_data writes it: run `lembas run 01_data --profile "
        "demo` first, or by hand notebooks/01_data.ipynb from top to bottom"
    )
    assert "02_fit writes it" in missing_artefact("models/x/w", run), "within a folder"
    assert "02_fit writes it" in missing_artefact("models/*/w*", run), "a pattern"
    assert "`lembas run --profile demo`" in missing_artefact("models/y", run), "nobody's"
    assert "01_data and 03_test write such files" in missing_artefact("tables/*", run)


def test_a_trial_has_no_profile_of_its_own(toy: Path) -> None:
    said = missing_artefact("tables/a.txt", toy / "results" / "demo-trial")
    assert "`lembas run 01_data (with the options that made this run)`" in said


def test_half_a_notebook_hides_nothing(toy: Path) -> None:
    (toy / "notebooks" / "01_data.ipynb").write_text('{"cells": [')
    assert "03_test writes it" in missing_artefact("tables/c.txt", toy / "results" / "demo")


def test_outside_a_project_the_run_is_named(tmp_path: Path) -> None:
    assert "`lembas run --profile toy`" in missing_artefact("tables/a.txt", tmp_path / "toy")
