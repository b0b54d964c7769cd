"""Times of change ahead of the clock are brought back, in their order."""

from __future__ import annotations

import os
import time
from pathlib import Path

from lembas.clock import bring_back
from lembas.plan import make_plan
from lembas.workflow import claimed
from tests.toy import make_project

DAY_NS = 86_400 * 10**9


def test_times_ahead_are_brought_back_in_their_order(tmp_path: Path) -> None:
    start = time.time_ns()
    ahead = {"last": 3, "first": 1, "second": 2, "second_too": 2}
    for name, days in (ahead | {"old": -1}).items():
        (tmp_path / name).touch()
        os.utime(tmp_path / name, ns=(5, start + days * DAY_NS))
    (tmp_path / "link").symlink_to("nowhere")
    paths = sorted(tmp_path.rglob("*"))
    bring_back(paths)
    times = {path.name: path.lstat().st_mtime_ns for path in paths}
    assert times["old"] == start - DAY_NS
    assert start - 10**6 < times["first"] < times["second"] < times["last"] < time.time_ns()
    assert times["second_too"] == times["second"]
    assert (tmp_path / "last").stat().st_atime_ns == 5
    bring_back(paths)
    assert {path.name: path.lstat().st_mtime_ns for path in paths} == times


def test_a_run_brings_back_all_but_its_records(tmp_path: Path) -> None:
    plan = make_plan(make_project(tmp_path), "demo")
    tomorrow = time.time_ns() + DAY_NS
    files = [tmp_path / plan.run_dir / name for name in ("tables/a.txt", "provenance/01_data.json")]
    for path in files:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, ns=(tomorrow, tomorrow))
    with claimed(plan):
        table, record = (path.stat().st_mtime_ns for path in files)
    assert table < time.time_ns()
    assert record == tomorrow
