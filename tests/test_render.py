"""The book: composed from sources and executed copies, built without warnings, then swapped in."""

import csv
import json
import re
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

import nbformat
import pytest

from lembas.errors import ChapterError
from lembas.execution import Job, execute
from lembas.figure_files import FigureFiles
from lembas.plan import Plan, make_plan, write_plan
from lembas.provenance import digest, read_json
from lembas.render import PDF, build, compose
from tests.toy import ROOT, make_project, write_data_chapter


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_project(tmp_path_factory.mktemp("toy"))
    shutil.copytree(ROOT / "book" / "_static", root / "book" / "_static")
    shutil.copytree(ROOT / "book" / "_ext", root / "book" / "_ext")
    shutil.copy(ROOT / "_config.yml", root)
    shutil.copy(ROOT / "book" / "reproducibility.md", root / "book")
    (root / "book" / "references.bib").touch()
    (root / "book" / "intro.md").write_text("# Intro\n\nA formula $a^2$.\n")
    plan = read_json(write_plan(make_plan(root, "demo")))
    for chapter in plan["chapters"]:
        execute(Job.from_plan(plan, chapter), root)
    return root


@pytest.fixture
def plan(executed: Path, tmp_path: Path) -> Plan:
    root = tmp_path / "project"
    shutil.copytree(executed, root)
    return make_plan(root, "demo")


def composed(plan: Plan, chapter: str) -> nbformat.NotebookNode:
    return nbformat.read(plan.root / "book" / "chapters" / f"{chapter}.ipynb", as_version=4)


def table(plan: Plan, name: str) -> list[list[str]]:
    with (plan.root / "book" / "chapters" / "tables" / f"{name}.csv").open() as stream:
        return list(csv.reader(stream))


def test_pages_take_prose_from_the_source_and_outputs_from_the_run(plan: Plan) -> None:
    write_data_chapter(plan.root, prose="Prose written after the run.")
    compose(plan)
    notebook = composed(plan, "01_data")
    assert "Prose written after the run." in notebook.cells[0].source
    assert notebook.cells[-2].outputs[0]["data"]["text/plain"] == "1"
    assert str(plan.root) not in json.dumps(notebook)


def test_files_that_pages_load_lie_beside_the_chapters(plan: Plan) -> None:
    for name in ("figures/a.svg", "explorer/index.js"):
        path = plan.root / plan.run_dir / name
        path.parent.mkdir()
        path.write_text(name)
    compose(plan)
    for name in ("figures/a.svg", "explorer/index.js"):
        assert (plan.root / "book" / "chapters" / name).read_text() == name


def test_a_page_is_never_made_from_other_code_than_was_run(plan: Plan) -> None:
    path = plan.root / "notebooks" / "01_data.ipynb"
    path.write_text(path.read_text().replace("double(seed)", "double(seed + 1)"))
    with pytest.raises(ChapterError, match="01_data was run from other code"):
        compose(make_plan(plan.root, "demo"))


def test_a_chapter_without_a_record_is_named(plan: Plan) -> None:
    (plan.root / "results/demo/provenance/01_data.json").unlink()
    with pytest.raises(ChapterError, match="chapter 01_data has no provenance; run it again: lemb"):
        compose(plan)


def test_tables_of_the_reproducibility_page(plan: Plan) -> None:
    compose(plan)
    assert ["01_data", "seed", "1", "seed of the generator"] in table(plan, "parameters")
    assert ["Simulated", "yes"] in table(plan, "profile")
    assert [row[:3] for row in table(plan, "digests")[1:]] == [
        ["01_data", "written", "tables/a.txt"],
        ["02_fit", "written", "models/x/"],
        ["03_test", "written", "tables/c.txt"],
    ]
    assert [row[0] for row in table(plan, "durations")[1:]] == ["01_data", "02_fit", "03_test"]
    assert dict(table(plan, "versions"))["jupyter-book"] == version("jupyter-book")


def test_progress_bars_show_their_last_state(plan: Plan) -> None:
    path = plan.root / "results/demo/chapters/01_data.ipynb"
    notebook = nbformat.read(path, as_version=4)
    bar = nbformat.v4.new_output("stream", name="stderr", text="\r 10%\r 50%\r100%\ndone\n")
    notebook.cells[-1].outputs = [bar]
    nbformat.write(notebook, path)
    compose(plan)
    assert composed(plan, "01_data").cells[-2].outputs[0].text == "100%\ndone\n"


def glue_in_run(plan: Plan, value: str) -> None:
    """Let the executed 01_data give a value the name `n`, and show a table with a name."""
    path = plan.root / plan.executed("01_data")
    notebook = nbformat.read(path, as_version=4)
    prefix = "application/papermill.record/"
    about = {"scrapbook": {"name": "n", "mime_prefix": prefix}}
    glued = nbformat.v4.new_output("display_data", {f"{prefix}text/plain": value}, metadata=about)
    html = {"text/html": "<table><tr><td>cell</td></tr></table>", "text/plain": "cell"}
    notebook.cells[-1].outputs = [glued, nbformat.v4.new_output("execute_result", html)]
    nbformat.write(notebook, path)
    (plan.root / "book" / "intro.md").write_text(
        "# Intro\n\nA formula $a^2$ and {glue:text}`chapters/01_data.ipynb::n:s`.\n"
    )


def name_table(plan: Plan) -> Plan:
    """Say in 01_data's source that its last cell shows a table, and cite it."""
    path = plan.root / "notebooks" / "01_data.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].source += "\n\nSee {numref}`tab-cell`."
    figure = {"name": "tab-cell", "caption": "What the cell holds."}
    notebook.cells[-1].metadata["mystnb"] = {"figure": figure}
    nbformat.write(notebook, path)
    return make_plan(plan.root, "demo")


def page(plan: Plan, name: str) -> Path:
    return plan.root / "_build" / "html" / "book" / f"{name}.html"


def test_every_chapter_ends_with_the_box_of_its_own_record(plan: Plan) -> None:
    compose(plan)
    for name in plan.chapters:
        last = composed(plan, name).cells[-1].source
        assert last.startswith(":::{admonition} How this page was made")
        record = read_json(plan.root / plan.run_dir / "provenance" / f"{name}.json")
        assert record["started"][:10] in last
        assert digest(plan.chapters[name].path)[:12] in last


def test_an_edit_of_prose_makes_one_page_anew_and_no_number_gets_stale(plan: Plan) -> None:
    glue_in_run(plan, "3 genes")
    build(name_table(plan), address="https://example.org/report")
    assert "3 genes" in page(plan, "intro").read_text()
    text = page(plan, "chapters/01_data").read_text()
    figure = re.search(r"<figure[^>]*shown-table.*?</figure>", text, flags=re.DOTALL).group()
    assert re.search(r"Table 1 .*What the cell holds\..*<td>cell</td>", figure, flags=re.DOTALL)
    assert re.search(r'href="#tab-cell"[^>]*><span[^>]*>Table 1</span>', text)
    assert re.search(r'property="og:url" content="https://example.org/report/book/chapters', text)
    assert '<meta name="description" content="Some prose.' in text
    sitemap = (plan.root / "_build" / "html" / "sitemap.xml").read_text()
    assert "<loc>https://example.org/report/book/chapters/02_fit.html</loc>" in sitemap

    other, before = page(plan, "chapters/02_fit"), page(plan, "chapters/02_fit").stat()
    source = plan.root / "notebooks" / "01_data.ipynb"
    source.write_text(source.read_text().replace("Some prose.", "Words of later."))
    build(make_plan(plan.root, "demo"), address="https://example.org/report")
    assert "Words of later." in page(plan, "chapters/01_data").read_text()
    assert other.stat().st_mtime_ns == before.st_mtime_ns, "it was taken from the last build"

    glue_in_run(plan, "4 genes")
    build(make_plan(plan.root, "demo"), address="https://example.org/report")
    assert "4 genes" in page(plan, "intro").read_text()
    assert "3 genes" not in page(plan, "intro").read_text()
    assert other.stat().st_mtime_ns > before.st_mtime_ns


def test_the_book_is_printed_from_one_page(plan: Plan, tmp_path: Path) -> None:
    browser = tmp_path / "chromium"
    browser.write_text(
        f"#!{sys.executable}\nimport pathlib, sys, urllib.parse\n"
        "pdf = next(a.partition('=')[2] for a in sys.argv if a.startswith('--print-to-pdf='))\n"
        "page = urllib.parse.unquote(sys.argv[-1].removeprefix('file://'))\n"
        "style = pathlib.Path(page).with_name('_static') / 'custom.css'\n"
        "assert style.is_file() and 'href=\"_static/custom.css' in open(page).read()\n"
        "open(pdf, 'w').write('%PDF-' + open(page).read())\n"
    )
    browser.chmod(0o755)
    build(plan, browser=browser)
    printed = (plan.root / "_build" / "html" / PDF).read_text()
    assert all(f"Chapter {name}" in printed for name in plan.chapters)


def test_an_address_that_is_none_is_refused(plan: Plan) -> None:
    with pytest.raises(ValueError, match=r"address of the pages is 'report'; expected the folder"):
        compose(plan, address="report")


def test_the_book_is_built_labelled_and_stays_on_the_site(plan: Plan) -> None:
    page = build(plan)
    assert page.as_posix() == "_build/html/index.html"
    html = plan.root / "_build" / "html" / "book"
    for file in html.rglob("*.html"):
        text = file.read_text()
        assert "Simulated data" in text, file
        assert not re.search(r'<(?:script|link|img)[^>]*(?:src|href)="https?://', text), file
        assert "THEBE" not in text
        assert '<meta name="description"' in text, file
        assert str(plan.root) not in text
    assert not list((plan.root / "_build").glob(".scratch*"))


def test_a_warning_fails_the_build_and_leaves_the_last_good_pages(plan: Plan) -> None:
    good = plan.root / "_build" / "html" / "index.html"
    good.parent.mkdir(parents=True)
    good.write_text("the last good pages")
    intro = plan.root / "book" / "intro.md"
    intro.write_text("# Intro\n\nA number: {glue:text}`chapters/01_data.ipynb::nothing:.3f`\n")
    with pytest.raises(ChapterError, match=r"the pages were not built.*nothing"):
        build(plan)
    assert good.read_text() == "the last good pages"


def test_the_files_of_figures_leave_the_notebooks(plan: Plan) -> None:
    files = FigureFiles("<svg/>", "<svg><g/></svg>", b"pixels", "model,value\n")
    source, run = (
        plan.root / place / "01_data.ipynb" for place in ("notebooks", "results/demo/chapters")
    )
    notebook = nbformat.read(source, as_version=4)
    notebook.cells[-1].metadata["mystnb"] = {"figure": {"name": "fig-skill", "caption": "Skill."}}
    nbformat.write(notebook, source)
    notebook = nbformat.read(run, as_version=4)
    notebook.cells[-1].outputs = [nbformat.v4.new_output("display_data", data=files.packed())]
    nbformat.write(notebook, run)
    (plan.root / "results/demo/figures").mkdir()
    (plan.root / "results/demo/figures/headline.svg").write_text("<svg/>")
    compose(make_plan(plan.root, "demo"))
    (output,) = composed(plan, "01_data").cells[-2].outputs  # the box of its making is last
    assert list(output.data) == ["image/svg+xml"]
    folder = plan.root / "book" / "chapters" / "figures"
    assert sorted(path.name for path in folder.iterdir()) == [
        "01_data-skill.csv",
        "01_data-skill.dark.svg",
        "01_data-skill.png",
        "01_data-skill.svg",
        "headline.svg",
    ]
    assert (folder / "01_data-skill.dark.svg").read_text() == files.dark


def test_pages_that_a_killed_build_had_moved_aside_come_back(plan: Plan) -> None:
    good = plan.root / "_build" / ".html.old" / "index.html"
    good.parent.mkdir(parents=True)
    good.write_text("the last good pages")
    (plan.root / "book" / "intro.md").write_text("# Intro\n\n{glue:text}`nothing.ipynb::x:.3f`\n")
    with pytest.raises(ChapterError, match=r"the pages were not built") as caught:
        build(plan)
    assert "\x1b" not in str(caught.value), "no codes of a terminal's colours"
    assert (plan.root / "_build/html/index.html").read_text() == "the last good pages"
