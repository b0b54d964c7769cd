"""Artefacts that are no longer what their chapter wrote are named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lembas.handmade import changed_by_hand
from lembas.plan import Plan, make_plan
from lembas.provenance import digest, digests
from tests.toy import make_project, write_record

WRITES = {"01_data": ["tables/a.txt"], "02_fit": ["models/x/"], "03_test": ["tables/c.txt"]}


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """Make a project whose chapters ran an hour ago, by their records."""
    made = make_plan(make_project(tmp_path), "demo")
    run = tmp_path / made.run_dir
    for file in ("tables/a.txt", "models/x/w", "tables/c.txt"):
        (run / file).parent.mkdir(parents=True, exist_ok=True)
        (run / file).write_text("1")
    for name, writes in WRITES.items():
        write_record(run, name, writes=digests(writes, run))
    for path in run.rglob("*"):
        os.utime(path, (1e9, 1e9))
    return made


def test_what_a_chapter_wrote_is_not_changed(plan: Plan) -> None:
    assert changed_by_hand(plan) == {}


def test_files_and_files_in_folders_are_named_by_chapter(plan: Plan) -> None:
    run = plan.root / plan.run_dir
    (run / "tables/a.txt").write_text("2")
    (run / "models/x/more").write_text("2")
    assert changed_by_hand(plan) == {"01_data": ["tables/a.txt"], "02_fit": ["models/x/"]}
    assert changed_by_hand(plan, ["03_test"]) == {"01_data": ["tables/a.txt"]}, "what it needs"


def test_the_same_content_counts_as_unchanged_and_what_is_missing_is_not_our_matter(
    plan: Plan,
) -> None:
    run = plan.root / plan.run_dir
    (run / "tables/a.txt").write_text("1")
    (run / "tables/c.txt").unlink()
    assert changed_by_hand(plan) == {}


def test_a_time_of_change_that_was_set_back_hides_nothing(plan: Plan) -> None:
    path = plan.root / plan.run_dir / "tables/a.txt"
    path.write_text("2")
    os.utime(path, (1e9, 1e9))
    assert changed_by_hand(plan) == {"01_data": ["tables/a.txt"]}


def test_a_chapter_without_a_record_has_none(plan: Plan) -> None:
    run = plan.root / plan.run_dir
    (run / "provenance" / "01_data.json").unlink()
    (run / "tables/a.txt").write_text("2")
    assert changed_by_hand(plan) == {}


def test_an_executed_copy_that_is_not_the_one_that_was_made(plan: Plan) -> None:
    copy = plan.root / plan.executed("01_data")
    copy.parent.mkdir()
    copy.write_text("{}")
    write_record(plan.root / plan.run_dir, "01_data", executed=digest(copy))
    assert changed_by_hand(plan) == {}
    copy.write_text("{")
    assert changed_by_hand(plan) == {"01_data": ["chapters/01_data.ipynb"]}


def test_a_record_that_is_newer_than_the_clock_hides_no_change(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = plan.root / plan.run_dir
    (run / "tables/a.txt").write_text("2")
    record = run / "provenance/01_data.json"
    record.write_text(record.read_text())
    os.utime(record)
    assert record.stat().st_ctime_ns >= (run / "tables/a.txt").stat().st_ctime_ns
    assert changed_by_hand(plan) == {}
    monkeypatch.setattr("lembas.handmade.time.time_ns", lambda: 10**18)
    assert changed_by_hand(plan) == {"01_data": ["tables/a.txt"]}
