"""A kernel that cannot start is told apart from one that dies."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lembas.errors import ChapterError
from lembas.execution import Job, execute
from lembas.plan import make_plan, write_plan
from lembas.provenance import read_json
from tests.toy import make_project


def test_a_kernel_that_does_not_start_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment's Python is damaged: it ends at once."""
    make_project(tmp_path)
    job = Job.from_plan(read_json(write_plan(make_plan(tmp_path, "demo"))), "01_data")
    monkeypatch.setattr("sys.executable", shutil.which("false"))
    with pytest.raises(ChapterError, match=r"its kernel did not start: .*; see what `python -m ip"):
        execute(job, tmp_path)
    assert not (tmp_path / job.executed).exists()
