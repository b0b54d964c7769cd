"""Tests of what a run shows: plain lines in a log, one moving line on a terminal."""

from __future__ import annotations

import io
import os
import sys
import time
from pathlib import Path

import psutil
import pytest

from lembas.progress import Progress, follow

LINES = ("01_data              started", "01_data              done in 3 s (peak memory 9 MiB)")


def script(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_a_log_gets_plain_lines_only() -> None:
    log = io.StringIO()
    progress = Progress(2, stream=log, live=False)
    for line in LINES:
        progress.line(line)
        progress.tick()
    progress.close()
    assert log.getvalue() == "".join(f"{line}\n" for line in LINES)


def test_a_terminal_shows_who_is_at_work_and_is_left_clean(monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    terminal = io.StringIO()
    progress = Progress(2, stream=terminal, live=True)
    progress.line(LINES[0])
    assert terminal.getvalue().endswith("0 of 2 done; at work: 01_data 0 s")
    progress.line("02_with_a_very_long_name started")
    assert len(terminal.getvalue().rpartition("\x1b[K")[2]) == 39, "a line that wraps stays"
    progress.line(LINES[1])
    assert "1 of 2 done; at work: 02_with" in terminal.getvalue()
    progress.close()
    assert terminal.getvalue().endswith("\r\x1b[K")


def test_shares_are_at_work_but_are_no_chapters() -> None:
    terminal = io.StringIO()
    progress = Progress(1, stream=terminal, live=True)
    progress.line("03_fit_baselines 1of2 started")
    progress.line("03_fit_baselines 2of2 started")
    assert "at work: 03_fit_baselines 1of2 0 s, 03_fit_baselines 2of2 0 s" in terminal.getvalue()
    progress.line("03_fit_baselines 1of2 failed after 3 s: its process was ended")
    progress.line("03_fit_baselines 2of2 done in 4 s (peak memory 9 MiB)")
    assert terminal.getvalue().endswith("0 of 1 done; at work: none")
    progress.line("03_fit_baselines     started")
    progress.line("03_fit_baselines     failed after 2 s")
    assert terminal.getvalue().endswith("0 of 1 done; at work: none"), "a failed one is not done"


def test_quiet_writes_nothing() -> None:
    progress = Progress(1, stream=None, live=True)
    progress.line(LINES[0])
    progress.tick()
    progress.close()


@pytest.mark.parametrize("verbose", [False, True])
def test_lines_go_where_they_belong(tmp_path: Path, verbose: bool) -> None:
    log, shown = tmp_path / "log", io.StringIO()
    code = "import sys; print('out'); print('aside', file=sys.stderr); sys.exit(7)"
    status = follow(
        script(code),
        Progress(0, stream=shown, live=False),
        log=log,
        cwd=tmp_path,
        environment=os.environ,
        verbose=verbose,
    )
    assert status == 7
    assert log.read_text() == "aside\n"
    assert sorted(shown.getvalue().split()) == (["aside", "out"] if verbose else ["out"])


class Leaving(Progress):
    """A reader that leaves at the first line, as `head -1` does."""

    def line(self, text: str) -> None:
        raise BrokenPipeError


def test_nothing_goes_on_alone_when_the_reader_leaves(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("lembas.progress.GRACE_S", 0.2)
    code = (
        "import subprocess, sys, time;"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        "print(child.pid, flush=True); time.sleep(60)"
    )
    before = set(psutil.Process().children(recursive=True))
    start = time.monotonic()
    with pytest.raises(BrokenPipeError):
        follow(
            script(code),
            Leaving(0, stream=None, live=False),
            log=tmp_path / "log",
            cwd=tmp_path,
            environment=os.environ,
        )
    assert set(psutil.Process().children(recursive=True)) <= before
    assert time.monotonic() - start < 30


def test_a_log_on_a_full_disk_neither_stops_nor_ends_the_run() -> None:
    full, shown = Path("/dev/full"), io.StringIO()
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    code = "import sys; print('aside\\n' * 30_000, file=sys.stderr); print('out'); sys.exit(7)"
    status = follow(
        script(code),
        Progress(0, stream=shown, live=False),
        log=full,
        cwd=Path(),
        environment=os.environ,
    )
    assert (status, shown.getvalue()) == (7, "out\n")


def test_reasons_of_failures_and_jobs_that_said_no_more_are_remembered() -> None:
    progress = Progress(2, stream=None, live=False)
    progress.line("01_data              started")
    progress.line("02_fit               started")
    progress.line("02_fit               failed after 3 s: no space: none at all")
    assert progress.failures == {"02_fit": "no space: none at all"}
    assert progress.at_work == ["01_data"]
