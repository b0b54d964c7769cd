"""Let one command at a time work in a folder, and say who is at work there."""

from __future__ import annotations

import fcntl
import json
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import IO

import psutil

from lembas.errors import ChapterError

# Words of the command lines of a run's own processes, which name its plan.
_JOBS = ("snakemake", "execute", "execute-piece")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder for this process; freed by the system even if the process is killed.

    Raises:
        ChapterError: If another process is at work in the folder; its command, number, host and
            start are named.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # Opened to be added to: whoever comes second must not wipe out what the first has written.
    with (folder / ".lock").open("a+", encoding="utf-8") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ChapterError(
                f"another lembas command is at work in {folder.name}{_holder(stream)}; "
                "wait for it to end"
            ) from error
        # On a full disk the lock holds all the same; it has no name then.
        with suppress(OSError):
            _sign(stream)
        yield


def refuse_leftovers(root: Path, plan_file: str) -> None:
    """Refuse to start while jobs go on whose `lembas run` was killed.

    Args:
        root: Project root, where they run.
        plan_file: The run's plan, relative to it.

    Raises:
        ChapterError: If there are such processes on this machine; they are named.
    """
    found = sorted(_leftovers(root, plan_file))
    if found:
        named = ", ".join(f"{number} ({what})" for number, what in found[:5])
        raise ChapterError(
            f"jobs of an earlier run, which was killed, are still at work: process {named}; wait "
            "for them to end, or end them"
        )


def _leftovers(root: Path, plan_file: str) -> Iterator[tuple[int, str]]:
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            words = process.cmdline()
            started = plan_file in words or f"plan={plan_file}" in words
            job = next((word for word in _JOBS if word in words), None)
            if started and job and Path(process.cwd()).samefile(root):
                last = words[words.index(job) :][2:]
                yield process.pid, job if job == "snakemake" else " ".join(last)


def _sign(stream: IO[str]) -> None:
    """Write who holds the lock, for whoever comes second."""
    now = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
    program = Path(sys.argv[0]).stem.replace("__main__", "lembas")
    command = " ".join([program, *sys.argv[1:]])
    holder = {"command": command, "process": os.getpid(), "host": platform.node(), "since": now}
    stream.truncate(0)
    stream.write(json.dumps(holder))
    stream.flush()


def _holder(stream: IO[str]) -> str:
    """Say who holds the lock; empty when it did not say so."""
    stream.seek(0)
    try:
        known = json.loads(stream.read())
        return (
            f": `{known['command']}`, process {known['process']} on {known['host']}, "
            f"since {known['since']}"
        )
    except (ValueError, KeyError, TypeError):
        return ""
