"""One command at a time in a folder; the second is told of the first, and of jobs left alone."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from lembas.errors import ChapterError
from lembas.locks import locked, refuse_leftovers

PLAN = "results/demo/plan/plan.json"
SLEEPS = "import time; print('here', flush=True); time.sleep(60)"


def test_the_second_is_told_who_the_first_is_and_since_when(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    holder = rf": `.+`, process {os.getpid()} on {platform.node()}, since \d{{4}}-\d\d-\d\d \d\d:"
    with locked(folder):
        for _ in range(2):
            with pytest.raises(ChapterError, match=f"is at work in demo{holder}") as refused:
                locked(folder).__enter__()
            assert str(refused.value).endswith("; wait for it to end")
    with locked(folder):
        signed = json.loads((folder / ".lock").read_text())
    assert signed["process"] == os.getpid(), "signed once, not added to"


def test_a_holder_that_could_not_sign_is_not_named(tmp_path: Path) -> None:
    with locked(tmp_path):
        (tmp_path / ".lock").write_text("{half")
        with pytest.raises(ChapterError, match=rf"is at work in {tmp_path.name}; wait for it"):
            locked(tmp_path).__enter__()


def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    code = "import time; from pathlib import Path; from lembas.locks import locked\n"
    code += "with locked(Path()): print('here', flush=True); time.sleep(60)"
    command = [sys.executable, "-c", code]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=tmp_path, stdout=pipe, env=environment) as first:
        first.stdout.readline()
        with pytest.raises(ChapterError, match=f"process {first.pid} on"):
            locked(tmp_path).__enter__()
        first.kill()
        first.wait()
        with locked(tmp_path):
            assert str(os.getpid()) in (tmp_path / ".lock").read_text()


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("execute", PLAN, "03_fit"), "03_fit"),
        (("execute-piece", PLAN, "03_fit", "2of3"), "03_fit 2of3"),
        (("snakemake", "--config", f"plan={PLAN}", "--"), "snakemake"),
    ],
)
def test_jobs_whose_run_was_killed_are_named(
    tmp_path: Path, words: tuple[str, ...], named: str
) -> None:
    command, pipe = [sys.executable, "-c", SLEEPS, *words], subprocess.PIPE
    (tmp_path / "other").mkdir()
    with subprocess.Popen(command, cwd=tmp_path, stdout=pipe) as left:
        left.stdout.readline()
        expected = rf"still at work: process {left.pid} \({named}\); wait for them to end, or end"
        with pytest.raises(ChapterError, match=expected):
            refuse_leftovers(tmp_path, PLAN)
        refuse_leftovers(tmp_path, PLAN.replace("demo", "liver"))
        refuse_leftovers(tmp_path / "other", PLAN)
        left.kill()
    refuse_leftovers(tmp_path, PLAN)
