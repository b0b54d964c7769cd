"""The PDF: a browser is found or asked for, and no half-written file is left."""

import stat
import sys
from pathlib import Path

import pytest

from lembas import browser_print
from lembas.browser_print import find_browser, print_page
from lembas.errors import ChapterError


def program(folder: Path, action: str, name: str = "chromium") -> Path:
    """Write a program that is called as a browser is: ``pdf`` is the file asked for."""
    path = folder / name
    path.write_text(
        f"#!{sys.executable}\nimport sys, time\n"
        "pdf = next(a.partition('=')[2] for a in sys.argv if a.startswith('--print-to-pdf='))\n"
        f"{action}\n"
    )
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "index.html"
    path.write_text("<p>A page</p>")
    return path


def test_a_browser_is_found_in_path_or_where_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = program(tmp_path, "", name="own")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ChapterError, match=r"PATH has none of chromium, .*LEMBAS_BROWSER"):
        find_browser()
    in_path = program(tmp_path, "")
    assert find_browser() == in_path
    assert find_browser(str(named)) == named
    with pytest.raises(
        ChapterError, match="needs Chromium or Chrome to print it, and '/not/there'"
    ):
        find_browser("/not/there")


def test_the_page_is_handed_over_and_the_pdf_kept(tmp_path: Path, page: Path) -> None:
    action = "open(pdf, 'w').write('%PDF-1.4 ' + sys.argv[-1])"
    print_page(page, tmp_path / "out" / "report.pdf", program(tmp_path, action))
    assert (tmp_path / "out" / "report.pdf").read_text() == f"%PDF-1.4 {page.as_uri()}"


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ("sys.exit('no display')", r"wrote no PDF \(exit code 1\): no display"),
        ("pass", r"wrote no PDF \(exit code 0\): no reason given"),
        ("open(pdf, 'w').write('<html>')", "wrote no PDF"),
        ("time.sleep(60)", "did not print the book within 1 s"),
    ],
)
def test_a_browser_that_fails_leaves_the_last_good_pdf(
    tmp_path: Path, page: Path, monkeypatch: pytest.MonkeyPatch, action: str, message: str
) -> None:
    monkeypatch.setattr(browser_print, "TIME_OUT_S", 1 if "sleep" in action else 30)
    pdf = tmp_path / "out" / "report.pdf"
    pdf.parent.mkdir()
    pdf.write_bytes(b"%PDF-old")
    with pytest.raises(ChapterError, match=message):
        print_page(page, pdf, program(tmp_path, action))
    assert [path.name for path in pdf.parent.iterdir()] == ["report.pdf"]
    assert pdf.read_bytes() == b"%PDF-old"
