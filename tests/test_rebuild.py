"""An edit of prose leaves the state alone; whatever another page may show changes it."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lembas.rebuild import Kept, keep_times, marks_in, state

PAGE = """# A title

(label)=
## A part

Plain words, {term}`skill`, [a link](other.md) and {glue:text}`chapters/01.ipynb::n:s`.

```{csv-table} A caption
:file: a.csv
```
"""
CELLS = [
    {"cell_type": "markdown", "id": "a", "metadata": {}, "source": "# Data\n\nWords of prose."},
    {"cell_type": "code", "id": "b", "metadata": {}, "source": "x", "outputs": [{"text": "1.5"}]},
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    book = tmp_path / "book"
    for folder in ("chapters/tables", "_ext/__pycache__", "_static"):
        (book / folder).mkdir(parents=True)
    (tmp_path / "_config.yml").write_text("title: a")
    (book / "page.md").write_text(PAGE)
    (book / "words.md").write_text("```{glossary}\nskill\n  A score.\n```\n")
    (book / "references.bib").write_text("@misc{a}")
    (book / "chapters" / "01.ipynb").write_text(json.dumps({"cells": CELLS}))
    (book / "chapters" / "tables" / "a.csv").write_text("a,b\n1,2\n")
    (book / "_ext" / "pages.py").write_text("")
    (book / "_static" / "custom.css").write_text("")
    return tmp_path


def edit(root: Path, name: str, old: str, new: str) -> None:
    path = root / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("book/page.md", "Plain words", "Other words, and more of them"),
        ("book/page.md", "Plain words, ", "A new line\n\nand another, "),
        ("book/chapters/01.ipynb", "Words of prose", "Others"),
    ],
)
def test_words_leave_the_state_alone(root: Path, name: str, old: str, new: str) -> None:
    before = state(root)
    edit(root, name, old, new)
    (root / "book" / "_ext" / "__pycache__" / "pages.pyc").write_bytes(b"compiled")
    assert state(root) == before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("book/page.md", "# A title", "# Another title"),
        ("book/page.md", "(label)=", "(other)="),
        ("book/page.md", "{term}`skill`", "{term}`null`"),
        ("book/page.md", "{term}`skill`", "skill"),
        ("book/page.md", "::n:s", "::m:s"),
        ("book/page.md", "(other.md)", "(page.md)"),
        ("book/page.md", "A caption", "Another"),
        ("book/page.md", "a.csv", "b.csv"),
        ("book/words.md", "A score", "Something else"),
        ("book/references.bib", "{a}", "{b}"),
        ("book/chapters/01.ipynb", "1.5", "1.6"),
        ("book/chapters/01.ipynb", '"source": "x"', '"source": "y"'),
        ("book/chapters/01.ipynb", "# Data", "# The data"),
        ("book/chapters/tables/a.csv", "1,2", "1,3"),
        ("_config.yml", "title: a", "title: b"),
    ],
)
def test_what_another_page_may_show_changes_the_state(
    root: Path, name: str, old: str, new: str
) -> None:
    before = state(root)
    edit(root, name, old, new)
    assert state(root) != before


def test_files_that_come_and_go_change_the_state(root: Path) -> None:
    before = state(root)
    (root / "book" / "_static" / "new.js").write_text("")
    with_script = state(root)
    (root / "book" / "page.md").unlink()
    assert len({before, with_script, state(root)}) == 3


@given(st.text(alphabet="abc ,.\n", max_size=60), st.text(alphabet="abc ,.\n", max_size=60))
def test_words_around_a_mark_are_no_marks(before: str, after: str) -> None:
    assert list(marks_in(f"{before} {{term}}`skill` {after}")) == ["{term}`skill`"]


def test_a_role_that_runs_over_the_end_of_a_line_is_one_mark() -> None:
    assert list(marks_in("see {doc}`the\nsummary <a>` there")) == ["{doc}`the summary <a>`"]


def built(folder: Path) -> tuple[Path, Path]:
    """Make the pages of a build, and what Sphinx left of it."""
    pages, scratch = folder / "html", folder / "scratch"
    pages.mkdir()
    (pages / "a.html").write_text("a")
    (pages / "report.pdf").write_text("%PDF")
    (scratch / ".doctrees").mkdir(parents=True)
    (scratch / ".doctrees" / "a.doctree").write_text("tree")
    return pages, scratch


def test_what_is_kept_is_lent_to_the_same_state(tmp_path: Path) -> None:
    pages, scratch = built(tmp_path)
    kept, again = Kept(tmp_path / "kept"), tmp_path / "again"
    assert not kept.lend("s", pages, again)
    kept.keep("s", pages, scratch)
    assert kept.lend("s", pages, again)
    assert (again / ".doctrees" / "a.doctree").read_text() == "tree"
    assert [path.name for path in (again / "html").iterdir()] == ["a.html"], "an old PDF stays out"


def other_state(pages: Path) -> str:
    return "other"


def edited(pages: Path) -> str:
    (pages / "a.html").write_text("edited by hand")
    return "s"


def added(pages: Path) -> str:
    (pages / "b.html").write_text("")
    return "s"


def gone(pages: Path) -> str:
    pages.rename(pages.with_name("elsewhere"))
    return "s"


@pytest.mark.parametrize("happens", [other_state, edited, added, gone])
def test_nothing_is_lent_to_other_sources_or_with_other_pages(
    tmp_path: Path, happens: Callable[[Path], str]
) -> None:
    pages, scratch = built(tmp_path)
    kept = Kept(tmp_path / "kept")
    kept.keep("s", pages, scratch)
    assert not kept.lend(happens(pages), pages, tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_only_files_that_are_the_same_keep_their_time(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    for folder, text in ((old, "before"), (new, "now")):
        folder.mkdir()
        (folder / "same").write_text("same")
        (folder / "other").write_text(text)
    (new / "fresh").write_text("")
    os.utime(old / "same", ns=(10**18, 10**18))
    os.utime(old / "other", ns=(10**18, 10**18))
    keep_times(new, old)
    assert (new / "same").stat().st_mtime_ns == 10**18
    assert (new / "other").stat().st_mtime_ns > 10**18
    keep_times(new, tmp_path / "never was")
