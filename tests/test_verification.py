"""`lembas verify`: what was changed after a run is named, whatever it is."""

import json
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path

import pytest

from lembas.crate import FILE, as_crate, read_manifest, write_manifest
from lembas.manifest import Manifest
from lembas.plan import make_plan
from lembas.provenance import digest
from lembas.recompute import Recomputed, Task, _in_a_process, recompute_here
from lembas.verification import Finding, verify
from tests.conftest import Command
from tests.glued_project import execute_all, glued_run, write_counts  # noqa: F401 (a fixture)

RUN = "results/demo"


@pytest.fixture
def project(
    glued_run: Path,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    root = tmp_path / "project"
    shutil.copytree(glued_run, root)
    monkeypatch.chdir(root)
    monkeypatch.setattr("lembas.recompute._in_a_process", in_this_process)
    return root


def in_this_process(tasks: list[Task], folder: Path) -> tuple[dict[str, Recomputed], str]:
    """Stand in for the process, whose start takes seconds; two tests start one."""
    with tempfile.TemporaryDirectory() as name:
        answers = Path(name, "answers")
        answers.touch()
        recompute_here({"run_folder": str(folder), "tasks": map(asdict, tasks)}, answers)
        found = [json.loads(line) for line in answers.read_text().splitlines()]
    return {a["chapter"]: Recomputed(a["numbers"], tuple(a["wrote"])) for a in found}, ""


def found(root: Path) -> list[Finding]:
    return verify(make_plan(root, "demo")).findings


def replaced(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def vouch_for(root: Path, path: str) -> None:
    """Give a file's new digest to the manifest, as a forger would."""
    file = root / RUN / FILE
    old = read_manifest(file.parent).files[path]
    replaced(file, old, digest(root / RUN / path))


def test_an_untouched_run_holds(
    project: Path, lembas: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lembas.recompute._in_a_process", _in_a_process)
    code, out, err = lembas("verify")
    assert (code, err) == (0, "")
    assert "     7  artefacts: all hold" in out
    assert "     4  glued numbers, computed again from the artefacts: all hold" in out
    assert out.endswith("results/demo holds\n")
    document = json.loads(lembas("verify", "--json")[1])
    assert document["holds"] is True
    assert document["checks"]["number"] == {"checked": 4, "within_tolerance": 0, "wrong": 0}
    assert [path.name for path in (project / "results").iterdir()] == ["demo"]


def test_changed_missing_and_foreign_files_are_named(project: Path, lembas: Command) -> None:
    folder = project / RUN
    table = folder / "tables/scores.parquet"
    content = bytearray(table.read_bytes())
    content[100] ^= 1
    table.write_bytes(content)
    (folder / "models/x/w").unlink()
    (folder / "models/x/new").write_text("?")
    words = {(each.chapter, each.name): each.words for each in found(project)}
    assert words["02_fit", "tables/scores.parquet"].startswith("was changed: its sha256 is ")
    assert words["01_data", "models/x/w"] == "is missing"
    assert words["01_data", "models/x/new"] == "is in no manifest: no chapter wrote it"
    code, out, _ = lembas("verify")
    assert code == 5
    assert "wrong  01_data models/x/w: is missing" in out
    assert out.endswith("results/demo does not hold\n")


def test_an_artefact_of_another_run_is_told(project: Path) -> None:
    write_counts(project, extra="counts")
    replaced(project / "profiles/demo.yml", "chapters: {}", "chapters: {01_data: {seed: 2}}")
    execute_all(project, run_name="demo-other")
    theirs = project / "results/demo-other/tables/counts.parquet"
    shutil.copy(theirs, project / RUN / "tables/counts.parquet")
    write_counts(project)
    words = {each.name: each.words for each in found(project)}
    assert words["tables/counts.parquet"] == "is that of another run, results/demo-other"
    # With the record of that run and a manifest written anew, what was read from it betrays it.
    for name in ("provenance/01_data.json", "chapters/01_data.ipynb"):
        shutil.copy(project / "results/demo-other" / name, project / RUN / name)
    write_manifest(make_plan(project, "demo"))
    words = {(each.check, each.name): each.words for each in found(project)}
    expected = "was read with other content than 01_data wrote; run 02_fit again"
    assert words["record", "tables/counts.parquet"] == expected


def test_a_number_edited_by_hand_is_named(project: Path) -> None:
    notebook = project / RUN / "chapters/02_fit.ipynb"
    said = read_manifest(project / RUN).chapters["02_fit"].numbers["said"]
    replaced(notebook, said, said.replace("most", "least"))
    first, second, third = found(project)
    assert (first.check, first.name) == ("artefact", "chapters/02_fit.ipynb")
    assert second.name == "said"
    assert "at least" in second.words
    assert "the manifest has" in second.words
    assert "the artefacts give \"It's " in third.words


def test_a_number_edited_in_the_manifest_too_is_computed_again(project: Path) -> None:
    mean = read_manifest(project / RUN).chapters["02_fit"].numbers["mean"]
    forged = f"{mean[:-1]}{(int(mean[-1]) + 1) % 10}"
    replaced(project / RUN / "chapters/02_fit.ipynb", mean, forged)
    replaced(project / RUN / FILE, mean, forged)
    vouch_for(project, "chapters/02_fit.ipynb")
    (only,) = found(project)
    assert (only.check, only.chapter, only.name) == ("number", "02_fit", "mean")
    assert only.words == f"is glued as {forged!r}, and the artefacts give {mean!r}"


def test_a_record_that_was_edited_is_named(project: Path) -> None:
    replaced(project / RUN / "provenance/01_data.json", '"size": 5', '"size": 6')
    vouch_for(project, "provenance/01_data.json")
    (only,) = found(project)
    assert (only.check, only.chapter, only.name) == ("record", "01_data", "size")
    for text in ("{", '{"writes": {}}'):
        (project / RUN / "provenance/01_data.json").write_text(text)
        words = [each.words for each in found(project) if each.check == "record"]
        assert words == ["is damaged"]
    (project / RUN / "provenance/02_fit.json").unlink()
    words = [each.words for each in found(project) if each.chapter == "02_fit"]
    assert words == ["is missing", "its record is missing"]


def test_code_of_a_notebook_from_elsewhere_is_not_executed(project: Path) -> None:
    mark = project / "executed"
    evil = f"open('{mark}', 'w').write('x')"
    replaced(project / RUN / "chapters/01_data.ipynb", '"pass"', json.dumps(evil))
    vouch_for(project, "chapters/01_data.ipynb")
    (only,) = found(project)
    assert only.words == "cannot be computed again: notebooks/01_data.ipynb holds other code now"
    assert not mark.exists()


def test_numbers_that_need_more_than_artefacts_are_named(project: Path) -> None:
    cells = "counts = len(values)"
    write_counts(project, extra=cells)
    replaced(project / "notebooks/01_data.ipynb", "len(counts)", "counts + (1 if size == 6 else 0)")
    execute_all(project)
    assert found(project) == [], "computed anew, but from parameters alone"
    write_counts(project, extra="place = run.place('b').write_text('b')")
    replaced(project / "notebooks/01_data.ipynb", "len(counts)", "len(counts) + place")
    execute_all(project)
    (only,) = found(project)
    assert only.name == "b"
    assert "computed anew instead of read" in only.words


def test_a_chapter_whose_numbers_fail_leaves_the_others_alone(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lembas.recompute._in_a_process", _in_a_process)
    write_counts(project, extra="import os\nif size == 5: gone = 1")
    replaced(project / "notebooks/01_data.ipynb", "len(counts)", "len(counts) * gone")
    execute_all(project)
    replaced(project / RUN / "provenance/01_data.json", '"size": 5', '"size": 6')
    write_manifest(make_plan(project, "demo"))
    report = verify(make_plan(project, "demo"))
    (only,) = report.findings
    assert only.words.startswith("cannot be computed again: NameError: name 'gone' is not defined")
    assert report.counts["number"] == [3, 0]


def test_a_page_that_shows_another_number_is_named(project: Path, lembas: Command) -> None:
    numbers = read_manifest(project / RUN).chapters["02_fit"].numbers
    said = numbers["said"].replace("'", "\u2019")
    spans = [f"{float(numbers['mean']):.2f}", said]
    pages = project / "_build/html"
    page = pages / "book/chapters/02_fit.html"
    page.parent.mkdir(parents=True)
    (pages / "index.html").write_text("")
    text = "".join(f'<p>is <span class="pasted-text">{each}</span></p>' for each in spans)
    page.write_text(text)
    (pages / "book/intro.html").write_text('<span class="pasted-text"><b>5</b></span>')
    code, out, _ = lembas("verify")
    assert code == 0, out
    assert "     3  numbers on the pages: all hold" in out
    page.write_text(text.replace(spans[0], "9.99"))
    code, out, _ = lembas("verify")
    assert code == 5
    assert f"wrong  02_fit mean: is '{spans[0]}', and book/chapters/02_fit.html does not" in out
    assert "wrong  book/chapters/02_fit.html: shows '9.99', which no chapter glued" in out


def test_another_machine_is_given_the_rounding(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lembas.verification.machine", lambda: {"processor": "another"})
    file = project / RUN / "chapters/02_fit.ipynb"
    mean = read_manifest(project / RUN).chapters["02_fit"].numbers["mean"]
    near = repr(float(mean) * (1 + 1e-9))
    for place in (file, project / RUN / FILE):
        replaced(place, mean, near)
    vouch_for(project, "chapters/02_fit.ipynb")
    report = verify(make_plan(project, "demo"))
    assert report.findings == []
    assert report.counts["number"] == [4, 1]


def test_chapters_run_again_give_the_same_bytes(project: Path, lembas: Command) -> None:
    before = {path: path.read_bytes() for path in (project / RUN).rglob("*") if path.is_file()}
    code, out, err = lembas("verify", "demo", "02", "--rerun")
    assert code == 0, out
    # The table, and all numbers but that of a time.
    assert "     3  artefacts and numbers of chapters run again: all hold" in out
    assert "02_fit               runs again" in err
    after = {path: path.read_bytes() for path in (project / RUN).rglob("*") if path.is_file()}
    assert before == after
    assert [path.name for path in (project / "results").iterdir()] == ["demo"]

    write_counts(project, extra="from time import time_ns\ncounts['value'] += time_ns()")
    replaced(project / "notebooks/01_data.ipynb", "run.write_table('counts', counts)", "0")
    replaced(
        project / "notebooks/01_data.ipynb",
        "time_ns()",
        "time_ns()\\nrun.write_table('counts', counts)",
    )
    execute_all(project)
    code, out, _ = lembas("verify", "demo", "01", "--rerun")
    assert code == 5
    assert "wrong  01_data tables/counts.parquet: value: 5 of 5 differ, such as" in out


def test_wrong_calls_are_told_apart(project: Path, lembas: Command) -> None:
    code, _, err = lembas("verify", "nowhere")
    assert code == 1
    assert "there is no run 'nowhere' (results/nowhere/provenance); runs here: demo" in err
    code, _, err = lembas("verify", "demo", "01")
    assert code == 2
    assert "CHAPTERS go with --rerun" in err
    assert "there is no chapter '07'" in lembas("verify", "demo", "07", "--rerun")[2]
    (project / RUN / FILE).unlink()
    code, _, err = lembas("verify")
    assert code == 1
    assert "results/demo has no ro-crate-metadata.json, which a run writes when it is done" in err


def test_a_manifest_of_another_run_is_told(project: Path) -> None:
    kept: Manifest = read_manifest(project / RUN)
    other = Manifest(**{**vars(kept), "run": "liver"})
    (project / RUN / FILE).write_text(json.dumps(as_crate(other)))
    (only,) = found(project)
    assert only.words == "is the manifest of the run 'liver'"
