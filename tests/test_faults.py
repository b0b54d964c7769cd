"""The book's table of faults is that of the suite; the cheapest of them are injected again."""

from __future__ import annotations

import os
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from lembas.atomic import remove_abandoned
from tests.faults import changes, table
from tests.faults.__main__ import main
from tests.faults.kills import targets_of
from tests.faults.scene import Scene, kill, make_project, plain
from tests.faults.stage import Fault, Row, Stage

PAGE = table.FOLDER.with_suffix(".md")


def test_the_books_table_is_that_of_the_suite_and_every_fault_is_survived() -> None:
    rows = table.read(table.FOLDER / "faults.csv")
    shown = [fault.what for name, fault in table.FAULTS.items() if name not in table.WAITING]
    assert [row[0] for row in rows] == shown
    assert {len(row) for row in rows} == {len(table.HEAD)}
    assert {row[0]: row[-1] for row in rows if row[-1] != "yes"} == {}
    assert all(text for row in rows for text in row)


def test_the_page_shows_the_table_and_the_versions_it_was_made_with() -> None:
    page = PAGE.read_text()
    for file in ("faults.csv", "made_with.md"):
        assert f"reliability/{file}" in page
        assert (table.FOLDER / file).is_file()
    made = (table.FOLDER / "made_with.md").read_text()
    for package in ("papermill", "snakemake", "pandas", "numpy"):
        assert f"{package} " in made
    assert "/tmp" not in page + made


def test_an_interrupted_download(tmp_path: Path) -> None:
    assert changes.broken_download(Stage(tmp_path)).faults == ()


def test_a_command_killed_while_it_writes(tmp_path: Path) -> None:
    scene = Scene(make_project(tmp_path / "project"))
    moment = "command|rename|results/tiny/plan/01_data.json"
    run = scene.start_run(target={"moment": moment, "half": True})
    stopped = scene.reached(run)
    assert stopped == psutil.Process(run.pid)
    kill([stopped])
    run.wait()
    assert scene.moments()[-1] == moment
    assert not (scene.run_dir / "plan/01_data.json").exists()
    (left,) = scene.half_written()
    assert left.startswith(".01_data.")
    remove_abandoned(scene.run_dir)
    assert scene.half_written() == []


def test_what_is_moved_is_killed_before_while_and_after() -> None:
    moments = ["kernel|open|a", "kernel|rename|b", "kernel|remove|.b.#", "kernel|rename|b"]
    assert targets_of(moments) == [
        {"moment": "kernel|rename|b", "half": True},
        {"moment": "kernel|rename|b", "half": False},
        {"moment": "kernel|remove|.b.#", "half": False},
    ]


def test_rows_take_the_place_of_those_of_the_same_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = Row("now", "nothing", "all", "goes on")
    bad = Row("now", "nothing", "all", "goes on", faults=("a.csv: differs",))
    faults = {
        "one": Fault("one", "a fault", lambda _: good),
        "two": Fault("two", "another", lambda _: bad),
    }
    monkeypatch.setattr(table, "FAULTS", faults)
    for name, code in (("two", 1), ("one", 0), ("two", 1)):
        found = table.line(faults[name], faults[name].inject(Stage(tmp_path)))
        table.write([found], tmp_path / "table")
        assert (found[-1] != "yes") == code
    rows = table.read(tmp_path / "table/faults.csv")
    assert [row[0] for row in rows] == ["a fault", "another"]
    assert rows[1][-1] == "no: a.csv: differs"
    assert "python -m tests.faults" in (tmp_path / "table/made_with.md").read_text()


def test_messages_lose_what_differs_from_run_to_run(tmp_path: Path) -> None:
    text = f"lembas: {tmp_path}/results: process 77 on host, since 2026-01-02 03:04:05+01:00; wait"
    assert plain(text, tmp_path) == "results: process NUMBER on host, since TIME; wait"
    text = "at work: process 77 (snakemake), 78 (02_fit); wait"
    assert plain(text) == "at work: process NUMBER (snakemake), NUMBER (02_fit); wait"


@pytest.mark.long
def test_all_faults_are_survived(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("a small disk is mounted: only root may do that")
    options = ["--moments", "4", "--times", "2", "--to", str(tmp_path / "table")]
    done = CliRunner().invoke(main, [str(tmp_path / "work"), *options])
    assert done.exit_code == 0, done.output
    rows = table.read(tmp_path / "table/faults.csv")
    assert len(rows) == len(table.FAULTS)
