"""The icons that pages carry: those they name, and no more."""

import base64
import io
import re
import shutil
from pathlib import Path
from types import ModuleType

import pydata_sphinx_theme
import pytest
from fontTools.ttLib import TTFont

from tests.extensions import extension

THEME = Path(pydata_sphinx_theme.__file__).parent / "theme" / "pydata_sphinx_theme" / "static"


@pytest.fixture(scope="module")
def icons() -> ModuleType:
    return extension("lembas_icons")


@pytest.fixture
def book(tmp_path: Path, icons: ModuleType) -> Path:
    for name in (icons.THEME, icons.FONT):
        target = tmp_path / "_static" / name
        target.parent.mkdir(parents=True)
        shutil.copy(THEME / name, target)
    return tmp_path


def test_icons_of_pages_and_signs_of_style_sheets_are_found(book: Path, icons: ModuleType) -> None:
    signs = icons.signs_of(book)
    assert 0xF0C9 not in signs
    assert 0xF05A in signs, "the theme puts it before notes"
    (book / "page.html").write_text('<i class="fa-solid fa-bars fa-lg"></i>', "utf-8")
    assert icons.signs_of(book) - signs == {0xF0C9}
    (book / "_static" / "own.css").write_text('a:after{content:"\\f107"}', "utf-8")
    assert icons.signs_of(book) - signs == {0xF0C9, 0xF107}


def test_the_sheet_draws_these_icons_as_the_theme_does(book: Path, icons: ModuleType) -> None:
    font = book / "_static" / icons.FONT
    sheet = icons.sheet_of(font, {0xF0C9, 0xF107})
    assert sheet == icons.sheet_of(font, {0xF0C9, 0xF107})
    assert "unicode-range: U+f0c9, U+f107;" in sheet
    held = re.search(r"base64,([^)]+)\)", sheet)
    assert held is not None
    cut, whole = TTFont(io.BytesIO(base64.b64decode(held[1]))), TTFont(font)
    assert set(cut.getBestCmap()) == {0xF0C9, 0xF107}
    for sign, name in cut.getBestCmap().items():
        shape = cut["glyf"][name].getCoordinates(cut["glyf"])[0]
        same = whole["glyf"][whole.getBestCmap()[sign]].getCoordinates(whole["glyf"])[0]
        assert list(shape) == list(same)
