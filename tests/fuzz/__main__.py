"""Feed every reader with damaged and drawn inputs: `python -m tests.fuzz`."""

from __future__ import annotations

import argparse
import csv
import json
import multiprocessing
import os
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.fuzz.readers import READERS, Reader
from tests.fuzz.worker import work

# Of processor time for one input, in which native code may be stuck.
MOST_SECONDS = 30.0
COLUMNS = ("reader", "findings", "inputs", "drawn", "read", "refused", "seconds", "reads")


@dataclass
class Result:
    """Hold what came of one reader's inputs."""

    reader: Reader
    counts: dict[str, int] = field(default_factory=dict)
    n_drawn: int = 0
    seconds: float = 0.0
    findings: list[dict[str, Any]] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    @property
    def row(self) -> dict[str, Any]:
        """The reader's line of the table."""
        n_read, n_refused = self.counts.get("read", 0), self.counts.get("refused", 0)
        n_found = len(self.findings)
        values = (
            *(self.reader.name, n_found, n_read + n_refused + n_found, self.n_drawn),
            *(n_read, n_refused, round(self.seconds), self.reader.what),
        )
        return dict(zip(COLUMNS, values, strict=True))


def shares(n_inputs: int, names: list[str]) -> dict[str, int]:
    """Divide a number of inputs among readers by their weight, rounded up."""
    total = sum(READERS[name].weight for name in names)
    return {name: -int(-n_inputs * READERS[name].weight // total) for name in names}


def fuzzed(name: str, n_inputs: int, *, seed: int, folder: Path) -> Result:
    """Read a number of inputs in worker processes; go on after one that crashes or hangs."""
    result, clock, first = Result(READERS[name]), time.monotonic(), 0
    folder.mkdir(parents=True, exist_ok=True)
    while first < n_inputs:
        (folder / "at").write_text(f"{first:>12}")
        how = _run_worker(name, seed, first, last=n_inputs, folder=folder)
        if how == "":
            break
        at = int((folder / "at").read_text())
        result.findings.append({"index": at, "kind": how, "message": "", "trace": _log(folder)})
        first = at + 1
    _gather(result, folder)
    result.seconds = time.monotonic() - clock
    return result


def _run_worker(name: str, seed: int, first: int, *, last: int, folder: Path) -> str:
    """Run a worker; return how it failed, "" for not at all."""
    # A fork has all modules loaded already.
    kind = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    options = {"last": last, "folder": folder}
    worker = kind.Process(target=work, args=(name, seed, first), kwargs=options)
    worker.start()
    process, seen, since_s = psutil.Process(worker.pid), "", 0.0
    while worker.is_alive():
        worker.join(0.1)
        with suppress(psutil.NoSuchProcess):
            used = process.cpu_times()
            at = (folder / "at").read_text()
            if at != seen:
                seen, since_s = at, used.user + used.system
            elif used.user + used.system - since_s > MOST_SECONDS:
                worker.kill()
                worker.join()
                return "hang of native code"
    return "" if worker.exitcode == 0 else f"worker ended with {worker.exitcode}"


def _log(folder: Path) -> str:
    return (folder / "log.txt").read_text("utf-8", "replace")[-4000:]


def _gather(result: Result, folder: Path) -> None:
    for line in (folder / "outcomes.jsonl").read_text("utf-8").splitlines():
        found = json.loads(line)
        if "counts" not in found:
            result.findings.append(found)
            continue
        for kind, count in found["counts"].items():
            result.counts[kind] = result.counts.get(kind, 0) + count
        result.n_drawn += found["drawn"]
        result.messages += found["messages"]


def _report(result: Result, *, messages: bool) -> None:
    row = result.row
    sys.stdout.write(
        f"{row['reader']:<16} {row['inputs']:>7} inputs: {row['read']:>6} read, "
        f"{row['refused']:>6} refused, {row['findings']:>4} findings, {row['seconds']:>4} s\n"
    )
    kinds: dict[tuple[str, str], dict[str, Any]] = {}
    for found in result.findings:
        kinds.setdefault((found["kind"], str(found["trace"].strip().splitlines()[-1:])), found)
    for (kind, _), found in list(kinds.items())[:12]:
        trace = "\n      ".join(found["trace"].strip().splitlines()[-14:])
        place = found.get("file", "")
        sys.stdout.write(f"  {kind}, input {found['index']} {place}\n      {trace}\n")
    for message in result.messages if messages else ():
        sys.stdout.write(f"  | {message[:400]!r}\n")
    sys.stdout.flush()


def write_table(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write the counts, readers in the order they are listed, with their sum."""
    sums = {name: sum(row[name] for row in rows) for name in COLUMNS[1:-1]}
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows([*rows, {"reader": "all", "reads": "", **sums}])


def main(arguments: list[str] | None = None) -> int:
    """Fuzz; the exit code is 1 where something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000, help="in all")
    parser.add_argument("--reader", action="append", choices=[*READERS], help="only this one")
    parser.add_argument("--seed", type=int, default=888)
    parser.add_argument("--table", type=Path, help="write the counts to this CSV file")
    parser.add_argument("--keep", type=Path, help="folder for the inputs that found something")
    parser.add_argument("--messages", action="store_true", help="print each kind of message once")
    given = parser.parse_args(arguments)
    names = given.reader or list(READERS)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        place = given.keep or Path(scratch)
        for name, n_inputs in shares(given.inputs, names).items():
            result = fuzzed(name, n_inputs, seed=given.seed, folder=place.absolute() / name)
            _report(result, messages=given.messages)
            rows.append(result.row)
    if given.table:
        write_table(given.table, rows)
    n_findings = sum(row["findings"] for row in rows)
    sys.stdout.write(f"{sum(row['inputs'] for row in rows):,} inputs, {n_findings:,} findings\n")
    return int(n_findings > 0)


if __name__ == "__main__":
    sys.exit(main())
