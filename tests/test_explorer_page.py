"""The explorer's page: scripts where it stands and nowhere else, data beside it, nothing unsafe."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from lembas.explorer_words import FRAME
from tests.extensions import extension

ROOT = Path(__file__).resolve().parents[1]
STATIC = ROOT / "book" / "_static"
OWN = sorted((STATIC / "explorer").glob("*.js"))


@pytest.fixture(scope="module")
def explorer() -> ModuleType:
    return extension("lembas_explorer")


class App:
    """Stand in for Sphinx: note what a page is given."""

    def __init__(self, root: Path, builder: str = "html") -> None:
        self.builder = SimpleNamespace(name=builder)
        self.srcdir, self.outdir = str(root / "source"), str(root / "site")
        self.files: list[str] = []

    def add_css_file(self, name: str) -> None:
        self.files.append(name)

    def add_js_file(self, name: str, *, loading_method: str) -> None:
        assert loading_method == "defer", "the page is painted before the scripts are read"
        self.files.append(name)


def given(explorer: ModuleType, body: str, builder: str = "html") -> list[str]:
    app = App(Path(), builder)
    explorer.add_scripts(app, "page", "page.html", {"body": body}, None)
    return app.files


def test_scripts_are_loaded_where_the_explorer_stands_only(explorer: ModuleType) -> None:
    files = given(explorer, f"<main>{FRAME}</main>")
    assert all((STATIC / name).is_file() for name in files)
    assert {path.name for path in OWN} <= {Path(name).name for name in files}
    assert given(explorer, "<main>Another page.</main>") == []
    assert given(explorer, FRAME, "singlehtml") == [], "a page to print cannot be typed into"


def test_the_data_lie_beside_the_pages(explorer: ModuleType, tmp_path: Path) -> None:
    app = App(tmp_path)
    explorer.copy_data(app, None)
    assert not (tmp_path / "site").exists(), "a book without the chapter has no data"
    source = tmp_path / "source" / "book" / "chapters" / "explorer"
    source.mkdir(parents=True)
    (source / "index.js").write_text("new")
    old = tmp_path / "site" / "explorer"
    old.mkdir(parents=True)
    (old / "genes-9.js").write_text("of a larger study")
    explorer.copy_data(app, None)
    assert [path.name for path in old.iterdir()] == ["index.js"]
    (source / "index.js").write_text("of a build that failed")
    explorer.copy_data(app, ValueError("a warning"))
    assert (old / "index.js").read_text() == "new"


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.name)
def test_names_are_put_in_as_text(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    unsafe = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function"
    assert re.findall(unsafe, text) == []
    assert re.findall(r"\bon(?:click|load|error|input|change)\s*=", text) == []
    assert re.findall(r"https?://(?!www\.w3\.org/2000/svg)", text) == []
    assert max(map(len, text.splitlines())) <= 130
    assert len(text.splitlines()) <= 450


def test_the_library_comes_with_its_licence() -> None:
    folder = STATIC / "tabulator"
    assert (folder / "LICENSE").read_text().startswith("The MIT License")
    assert "Tabulator v6.5.3" in (folder / "tabulator.min.js").read_text(encoding="utf-8")[:80]
