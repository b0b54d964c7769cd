"""Read many inputs in a process of its own, so that a crash of native code costs one input.

The folder of results gets `at`, the number of the input being read, and `outcomes.jsonl`.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import random
import resource
import signal
import sys
import tempfile
from pathlib import Path
from typing import IO, Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz.judge import Hung, Outcome, judged
from tests.fuzz.readers import READERS, Prepared, Reader

# Of processor time: the machine may be busy.
MOST_SECONDS = 10
MOST_BYTES = 2 << 30
# One input of so many is drawn by hypothesis, where a reader has a strategy.
DRAWN_SHARE = 4
# What a worker that crashes has not said yet is not counted.
_SAID_EVERY = 50


def _alarm(*_: Any) -> None:
    raise Hung


class Worker:
    """Run one reader's inputs and write down how each ended."""

    def __init__(self, reader: Reader, number: int, folder: Path) -> None:
        self.reader, self.number, self.folder = reader, number, folder
        self.at = os.open(folder / "at", os.O_CREAT | os.O_WRONLY, 0o644)
        self.kinds: dict[str, int] = {}
        self.messages: dict[str, str] = {}
        self.n_drawn = self.n_said = 0

    def run(self, first: int, last: int, scratch: Path) -> None:
        """Read inputs number first to last - 1."""
        prepared = self.reader.prepare(scratch)
        n_drawn = 0 if self.reader.drawn is None else (last - first) // DRAWN_SHARE
        with (self.folder / "outcomes.jsonl").open("a", encoding="utf-8") as self.found:
            for index in range(first, last - n_drawn):
                rng = random.Random(f"{self.number} {self.reader.name} {index}")
                prepared.damage(rng)
                self._read(prepared, index)
                prepared.restore()
            if n_drawn:
                self._read_drawn(prepared, last - n_drawn, last)
            self._say()

    def _read_drawn(self, prepared: Prepared, first: int, last: int) -> None:
        index = first
        checks = list(HealthCheck)
        options = settings(
            max_examples=last - first,
            phases=[Phase.generate],
            database=None,
            deadline=None,
            suppress_health_check=checks,
        )

        def read(content: Any) -> None:
            nonlocal index
            prepared.write_drawn(content)
            self.n_drawn += 1
            self._read(prepared, index)
            prepared.restore()
            index += 1

        assert self.reader.drawn is not None
        seed(f"{self.number} {first}")(options(given(self.reader.drawn)(read)))()

    def _read(self, prepared: Prepared, index: int) -> None:
        os.pwrite(self.at, f"{index:>12}".encode(), 0)
        signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS)
        try:
            outcome = judged(prepared.read)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        self.kinds[outcome.kind] = self.kinds.get(outcome.kind, 0) + 1
        if sum(self.kinds.values()) >= _SAID_EVERY:
            self._say()
        if outcome.is_finding:
            self._keep(prepared, index, outcome)
        elif outcome.message:
            self.messages.setdefault(_shape(outcome.message), outcome.message)

    def _keep(self, prepared: Prepared, index: int, outcome: Outcome) -> None:
        kept = self.folder / f"{self.reader.name}-{index}{prepared.target.suffix}"
        with contextlib.suppress(OSError):
            kept.write_bytes(prepared.target.read_bytes())
        _write(self.found, {"index": index, "file": str(kept), **vars(outcome)})

    def _say(self) -> None:
        """Write the counts since the last time."""
        messages = list(self.messages.values())[self.n_said :]
        self.n_said += len(messages)
        _write(self.found, {"counts": self.kinds, "drawn": self.n_drawn, "messages": messages})
        self.kinds, self.n_drawn = {}, 0


def _shape(message: str) -> str:
    """Leave out of a message what differs from input to input."""
    words = [word for word in message.split() if word.isalpha()]
    return " ".join(words[:12])


def _write(stream: IO[str], line: dict[str, Any]) -> None:
    stream.write(json.dumps(line) + "\n")
    stream.flush()


def _limit_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    limit = pages * resource.getpagesize() + MOST_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def work(name: str, number: int, first: int, *, last: int, folder: Path) -> None:
    """Run a share of a reader's inputs in this process, which is for that alone."""
    log = os.open(folder / "log.txt", os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    faulthandler.enable()
    signal.signal(signal.SIGPROF, _alarm)
    worker = Worker(READERS[name], number, folder)
    memory = Path("/dev/shm")  # files are written and read by the ten thousand
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as scratch:
        if sys.platform == "linux":
            _limit_memory()
        worker.run(first, last, Path(scratch))
