"""The files of a figure: packed into a notebook, taken out again, shown on the pages."""

import json
from pathlib import Path

import nbformat
import pytest
from sphinx.testing.util import SphinxTestApp

from lembas.figure_files import MIME, SVG, FigureFiles, taken_out
from tests.toy import ROOT

FILES = FigureFiles(
    svg='<svg xmlns="http://www.w3.org/2000/svg" width="374.4pt" height="90pt"></svg>',
    dark='<svg xmlns="http://www.w3.org/2000/svg" width="374.4pt" height="90pt"><g/></svg>',
    png=b"\x89PNG no picture",
    csv="model,value\nmlr,0.5\n<script>,1\n",
)


def executed(files: FigureFiles, name: str | None = "fig-skill") -> nbformat.NotebookNode:
    """Make a notebook whose only code cell shows a figure."""
    data = {**files.packed(), "text/plain": "<Drawing>"}
    output = nbformat.v4.new_output("execute_result", data=data, execution_count=1)
    cell = nbformat.v4.new_code_cell("figure", outputs=[output], execution_count=1, id="c")
    if name is not None:
        cell.metadata["mystnb"] = {
            "figure": {"name": name, "caption": "What is seen."},
            "image": {"alt": "Bars of skill"},
        }
    title = nbformat.v4.new_markdown_cell("# A chapter", id="m")
    notebook = nbformat.v4.new_notebook(cells=[title, cell])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "", "language": "python"}
    return notebook


def test_what_is_packed_comes_back_through_a_notebook() -> None:
    text = nbformat.writes(executed(FILES))
    notebook = nbformat.reads(text, as_version=4)
    assert taken_out(notebook, "05_test") == {"05_test-skill": FILES}
    assert set(notebook.cells[1].outputs[0].data) == {SVG, "text/plain"}
    assert taken_out(notebook, "05_test") == {}
    assert json.dumps(FILES.packed()) == json.dumps(FILES.packed())


def test_a_figure_without_a_name_leaves_no_files_and_no_load() -> None:
    notebook = executed(FILES, name=None)
    assert taken_out(notebook, "05_test") == {}
    assert MIME not in notebook.cells[1].outputs[0].data


def test_a_figure_without_a_table_has_no_csv(tmp_path: Path) -> None:
    names = [path.name for path in FILES.write(tmp_path / "a", "x")]
    assert names == ["x.svg", "x.dark.svg", "x.csv", "x.png"]
    assert (tmp_path / "a" / "x.csv").read_text() == FILES.csv
    bare = FigureFiles(FILES.svg, FILES.dark, FILES.png, "")
    bare.write(tmp_path / "b", "x")
    assert sorted(path.name for path in (tmp_path / "b").iterdir()) == [
        "x.dark.svg",
        "x.png",
        "x.svg",
    ]


CONF = """
import sys
sys.path.insert(0, {extensions!r})
extensions = ["myst_nb", "lembas_figures"]
nb_execution_mode = "off"
html_static_path = [{static!r}]
numfig = True
"""
INTRO = """# Intro

```{figure} chapters/figures/headline.svg
:name: fig-intro
:alt: The answer

The answer in one picture.
```

```{figure} other.svg
:alt: A drawing

A drawing without other files.
```

```{toctree}
chapters/05_test
chapters/06_large
```
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build two chapters and a cover as the book does, a warning being an error."""
    root = tmp_path_factory.mktemp("site")
    book, figures = root / "book", root / "book" / "chapters" / "figures"
    figures.mkdir(parents=True)
    large = FigureFiles(FILES.svg, FILES.dark, FILES.png, "")
    for chapter, files in (("05_test", FILES), ("06_large", large)):
        notebook = executed(files)
        for stem, of_figure in taken_out(notebook, chapter).items():
            of_figure.write(figures, stem)
        notebook.cells[1].metadata["mystnb"]["figure"]["name"] = f"fig-skill-{chapter[:2]}"
        for path in figures.glob(f"{chapter}-skill.*"):
            path.rename(path.with_name(path.name.replace("-skill", f"-skill-{chapter[:2]}")))
        nbformat.write(notebook, book / "chapters" / f"{chapter}.ipynb")
    FILES.write(figures, "headline")
    (book / "intro.md").write_text(INTRO)
    (book / "other.svg").write_text(FILES.svg)
    (root / "index.md").write_text("# Site\n\n```{toctree}\nbook/intro\n```\n")
    where = {"extensions": str(ROOT / "book" / "_ext"), "static": str(ROOT / "book" / "_static")}
    (root / "conf.py").write_text(CONF.format(**where))
    app = SphinxTestApp("html", srcdir=root, warningiserror=True)
    try:
        app.build()
        assert app.statuscode == 0, app.warning.getvalue()
        return Path(app.outdir)
    finally:
        app.cleanup()


@pytest.mark.parametrize(
    ("page", "stem"),
    [("chapters/05_test", "05_test-skill-05"), ("intro", "headline")],
)
def test_a_page_shows_each_theme_its_picture(site: Path, page: str, stem: str) -> None:
    text = (site / "book" / f"{page}.html").read_text()
    up = "../" * (page.count("/") + 1)
    for theme, ending in (("light", ".svg"), ("dark", ".dark.svg")):
        tags = [part[: part.index(">")] for part in text.split("<img")[1:]]
        (tag,) = [tag for tag in tags if f"{stem}{ending}" in tag]
        assert f'src="{up}_images/{stem}{ending}"' in tag
        assert f"on-{theme}" in tag
        assert 'loading="lazy"' in tag
        assert 'width="499"' in tag
        assert 'height="120"' in tag
        assert 'alt=""' not in tag
        assert (site / "_images" / f"{stem}{ending}").is_file()


def test_what_can_be_taken_away_is_linked_below_the_caption(site: Path) -> None:
    text = (site / "book" / "chapters" / "05_test.html").read_text()
    assert text.count("<figcaption>") == text.count("</figcaption>") == 1
    caption = text[text.index("<figcaption>") : text.index("</figcaption>")]
    assert caption.index("What is seen.") < caption.index("Download:")
    names = {path.name: path for path in (site / "_downloads").rglob("*") if path.is_file()}
    for ending in (".svg", ".png", ".csv"):
        assert f"05_test-skill-05{ending}" in caption
    assert names["05_test-skill-05.csv"].read_text() == FILES.csv
    assert names["05_test-skill-05.png"].read_bytes() == FILES.png


def test_style_and_script_of_figures_are_on_every_page(site: Path) -> None:
    text = (site / "book" / "intro.html").read_text()
    for name in ("figures.css", "figures.js"):
        assert (site / "_static" / name).is_file()
        assert f"../_static/{name}" in text


def test_a_table_too_large_for_a_page_is_said_to_be_so(site: Path) -> None:
    text = (site / "book" / "chapters" / "06_large.html").read_text()
    assert "the data are too large for a page" in text
    assert ".csv" not in text


def test_a_picture_without_files_stays_as_it_is(site: Path) -> None:
    text = (site / "book" / "intro.html").read_text()
    assert text.count("on-light") == text.count("on-dark") == 1
    assert 'src="../_images/other.svg"' in text
