"""A file is there whole or not at all, also when its writer is killed."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from lembas.atomic import remove_abandoned, write_atomically

ROOT = Path(__file__).resolve().parents[1]
KILLED = """
import os, signal
from lembas.atomic import write_atomically

def write(part):
    part.write_text("half of the new")
    os.kill(os.getpid(), signal.SIGKILL)

write_atomically("table.csv", write)
"""


def killed_writer(folder: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-P", "-c", KILLED]
    assert subprocess.run(command, cwd=folder, env=environment, check=False).returncode == -9


def test_a_killed_writer_leaves_the_old_file_and_a_hidden_one(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("old")
    killed_writer(tmp_path)
    assert (tmp_path / "table.csv").read_text() == "old"
    (left,) = tmp_path.glob(".*")
    assert left.read_text() == "half of the new"

    write_atomically(tmp_path / "table.csv", lambda part: part.write_text("new"))
    assert left.exists(), "whoever writes does not know whether another is at work"
    remove_abandoned(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]


@pytest.mark.parametrize(
    "name",
    [
        ".table.HOST-PID.csv",  # at work: this very process
        ".table.other-7.csv",  # on another machine
        ".lock",
        ".snakemake_timestamp",
        "table.HOST-999999999.csv",  # not hidden
        ".table.HOST-7x.csv",
    ],
)
def test_what_is_not_abandoned_stays(tmp_path: Path, name: str) -> None:
    name = name.replace("HOST", platform.node()).replace("PID", str(os.getpid()))
    (tmp_path / name).touch()
    remove_abandoned(tmp_path)
    assert (tmp_path / name).exists()


def test_abandoned_files_are_found_below_and_without_a_suffix(tmp_path: Path) -> None:
    for name in ("a/b/.x.y.HOST-999999999.npz", "a/.x.HOST-999999999"):
        path = tmp_path / name.replace("HOST", platform.node())
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    remove_abandoned(tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
