"""The book: composed from sources and executed copies, built without warnings, then swapped in."""

import csv
import json
import re
import shutil
from pathlib import Path

import nbformat
import pytest

from lembas.errors import ChapterError
from lembas.execution import Job, execute
from lembas.plan import Plan, make_plan, write_plan
from lembas.provenance import read_json
from lembas.render import build, compose
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
    assert notebook.cells[-1].outputs[0]["data"]["text/plain"] == "1"
    assert str(plan.root) not in json.dumps(notebook)


def test_a_page_is_never_made_from_other_code_than_was_run(plan: Plan) -> None:
    path = plan.root / "notebooks" / "01_data.ipynb"
    path.write_text(path.read_text().replace("double(seed)", "double(seed + 1)"))
    with pytest.raises(ChapterError, match="01_data was run from other code"):
        compose(make_plan(plan.root, "demo"))


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
    assert dict(table(plan, "versions"))["jupyter-book"] == "1.0.4.post1"


def test_progress_bars_show_their_last_state(plan: Plan) -> None:
    path = plan.root / "results/demo/chapters/01_data.ipynb"
    notebook = nbformat.read(path, as_version=4)
    bar = nbformat.v4.new_output("stream", name="stderr", text="\r 10%\r 50%\r100%\ndone\n")
    notebook.cells[-1].outputs = [bar]
    nbformat.write(notebook, path)
    compose(plan)
    assert composed(plan, "01_data").cells[-1].outputs[0].text == "100%\ndone\n"


def test_the_book_is_built_labelled_and_stays_on_the_site(plan: Plan) -> None:
    page = build(plan)
    assert page.as_posix() == "_build/html/index.html"
    html = plan.root / "_build" / "html" / "book"
    for file in html.rglob("*.html"):
        text = file.read_text()
        assert "Simulated data" in text, file
        assert not re.search(r'(?:src|href)="https?://', text), file
        assert "THEBE" not in text
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


def test_pages_that_a_killed_build_had_moved_aside_come_back(plan: Plan) -> None:
    good = plan.root / "_build" / ".html.old" / "index.html"
    good.parent.mkdir(parents=True)
    good.write_text("the last good pages")
    (plan.root / "book" / "intro.md").write_text("# Intro\n\n{glue:text}`nothing.ipynb::x:.3f`\n")
    with pytest.raises(ChapterError, match=r"the pages were not built"):
        build(plan)
    assert (plan.root / "_build/html/index.html").read_text() == "the last good pages"
