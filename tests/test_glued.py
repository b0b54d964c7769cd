"""Glued numbers are read as the pages read them."""

from pathlib import Path

import nbformat
import pytest

from lembas.artifacts import glue
from lembas.glued import PREFIX, code_cells, glued_numbers


def notebook(path: Path, *values: tuple[str, object]) -> Path:
    cell = nbformat.v4.new_code_cell("a = 1")
    for key, value in values:
        metadata = {"scrapbook": {"name": key, "mime_prefix": PREFIX}}
        data = {f"{PREFIX}text/plain": value}
        cell.outputs.append(nbformat.v4.new_output("display_data", data=data, metadata=metadata))
    cell.outputs.append(nbformat.v4.new_output("stream", text="said"))
    other = nbformat.v4.new_code_cell("b = 2", metadata={"tags": ["injected-parameters"]})
    prose = nbformat.v4.new_markdown_cell("# Title")
    nbformat.write(nbformat.v4.new_notebook(cells=[prose, cell, other]), path)
    return path


def test_what_glue_leaves_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: dict[str, str] = {}

    def display(data: dict, metadata: dict, raw: bool) -> None:
        shown[metadata["scrapbook"]["name"]] = data[f"{PREFIX}text/plain"]

    monkeypatch.setattr("lembas.artifacts.display", display)
    glue("n", 5)
    glue("said", "It's <b>\u2212 5</b>\nhere")
    path = notebook(tmp_path / "a.ipynb", *shown.items())
    assert glued_numbers(path) == {"n": "5", "said": "It's <b>\u2212 5</b>\nhere"}
    assert code_cells(path) == ["a = 1"]


def test_nothing_glued_and_no_notebook(tmp_path: Path) -> None:
    assert glued_numbers(tmp_path / "none.ipynb") == {}
    assert glued_numbers(notebook(tmp_path / "a.ipynb")) == {}


def test_a_key_with_two_values_and_damaged_files_are_refused(tmp_path: Path) -> None:
    path = notebook(tmp_path / "a.ipynb", ("n", "5"), ("n", "5"))
    assert glued_numbers(path) == {"n": "5"}
    with pytest.raises(ValueError, match=r"'n' is glued twice, as '5' and as '6'"):
        glued_numbers(notebook(path, ("n", "5"), ("n", "6")))
    for text in ('{"cells": [{}]}', '{"cells": [1]}', '{"cells": 5}', "{"):
        path.write_text(text)
        with pytest.raises(ValueError, match=r"a.ipynb is (not a valid notebook|damaged)"):
            glued_numbers(path)
