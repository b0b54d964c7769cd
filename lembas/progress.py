"""Show a run while it goes on: plain lines in a log; on a terminal, also who is at work."""

import re
import shutil
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, Queue
from typing import IO, TextIO

import psutil

# How a job says where it is; `Progress` reads what `lembas execute` writes.
STARTED, DONE, FAILED = "started", "done in", "failed after"
EVENT = re.compile(rf"(\S+(?: \S+of\S+)?) +({STARTED}|{DONE} .*|{FAILED} .*)")
REDRAW_S = 1.0
# Time that Snakemake and its jobs have to end by themselves, once the terminal has told them.
GRACE_S = 3.0
CLEAR = "\r\x1b[K"


class Progress:
    """Hand on the lines of a run's jobs; on a terminal keep a line of those at work below them.

    Args:
        n_chapters: Chapters that will run.
        stream: Where to write; None: nowhere.
        live: Whether a line may be rewritten; no control character is written otherwise.

    Attributes:
        failures: What each job that failed gave as its reason.
    """

    def __init__(self, n_chapters: int, *, stream: TextIO | None, live: bool) -> None:
        self._n_chapters = n_chapters
        self._stream = stream
        self._live = live and stream is not None
        self._since: dict[str, float] = {}
        self._n_done = 0
        self.failures: dict[str, str] = {}

    def line(self, text: str) -> None:
        """Write a line of a job, and note who started and who ended."""
        if found := EVENT.fullmatch(text):
            job, event = found.groups()
            if event == STARTED:
                self._since[job] = time.monotonic()
            else:
                self._since.pop(job, None)
                # A share of a chapter, such as "03_fit_baselines 1of2", is no chapter.
                self._n_done += event.startswith(DONE) and " " not in job
                if event.startswith(FAILED):
                    self.failures[job] = event.partition(": ")[2]
        if self._stream is not None:
            self._stream.write(f"{CLEAR if self._live else ''}{text}\n")
            self.tick()
            self._stream.flush()

    @property
    def at_work(self) -> list[str]:
        """Name the jobs that have started and said no more."""
        return list(self._since)

    def tick(self) -> None:
        """Draw the line of those at work anew, where there is one."""
        if self._stream is None or not self._live:
            return
        now = time.monotonic()
        at_work = [f"{name} {now - since:.0f} s" for name, since in self._since.items()]
        text = f"{self._n_done} of {self._n_chapters} done; at work: {', '.join(at_work) or 'none'}"
        # A line that wraps could not be cleared.
        self._stream.write(CLEAR + text[: shutil.get_terminal_size().columns - 1])
        self._stream.flush()

    def close(self) -> None:
        """Take the line of those at work away."""
        if self._stream is not None and self._live:
            self._stream.write(CLEAR)
            self._stream.flush()


def follow(
    command: Sequence[str],
    progress: Progress,
    *,
    log: Path,
    cwd: Path,
    environment: Mapping[str, str],
    verbose: bool = False,
) -> int:
    """Run a command to its end and show its lines as they come.

    Args:
        command: Program and arguments.
        progress: Is given the lines of standard output.
        log: File for the lines of standard error.
        cwd: Folder to run in.
        environment: All environment variables.
        verbose: Whether ``progress`` is given the lines of standard error, too.

    Returns:
        The command's exit status. Whatever ends this function early ends the command as well.
    """
    lines: Queue[str | None] = Queue()
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env=dict(environment),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    # Without a buffer: on a full disk nothing is left that closing the file would try to write.
    with process, log.open("wb", buffering=0) as kept:
        try:
            _read(process.stdout, lines)
            _read(process.stderr, lines, kept=kept, shown=verbose)
            _show(lines, progress, n_sources=2)
            return process.wait()
        finally:
            progress.close()
            _stop(process)


def _read(
    source: IO[str] | None,
    lines: "Queue[str | None]",
    *,
    kept: IO[bytes] | None = None,
    shown: bool = True,
) -> None:
    """Read a pipe in a thread of its own; None stands for its end."""

    def read() -> None:
        for line in source or ():
            if kept is not None:
                # A pipe that nobody reads stops the run: a full disk must not end this thread.
                with suppress(OSError):
                    kept.write(line.encode())
            if shown:
                lines.put(line.rstrip("\n"))
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()


def _show(lines: "Queue[str | None]", progress: Progress, *, n_sources: int) -> None:
    """Hand on lines until all sources have ended."""
    while n_sources:
        try:
            line = lines.get(timeout=REDRAW_S)
        except Empty:
            progress.tick()
            continue
        if line is None:
            n_sources -= 1
        else:
            progress.line(line)


def _stop(process: "subprocess.Popen[str]") -> None:
    """End a process and all it started, unless it has ended."""
    if process.poll() is not None:
        return
    try:
        process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        family = [
            *psutil.Process(process.pid).children(recursive=True),
            psutil.Process(process.pid),
        ]
        for member in family:
            member.terminate()
        for member in psutil.wait_procs(family, timeout=GRACE_S)[1]:
            member.kill()
