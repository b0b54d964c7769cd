"""A project of its own in which runs are disturbed: start, stop at a moment, kill, look."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from lembas.provenance import digest, read_json
from tests.cluster.compare import differences
from tests.toy import write_notebook

ROOT = Path(__file__).resolve().parents[2]
HOOK = Path(__file__).parent / "hook"
PROFILE = "tiny"
RUN = f"results/{PROFILE}"
CHAPTERS = ("01_data", "02_fit")
TEXT = """
title: A tiny simulated study, for the tests of faults
simulated: true
banner: Simulated data - no score of this report is of real samples.
time_out_s: {default: 400}
chapters: {01_data: {seed: 1}}
"""
# Longer than any run of the tiny study takes on a busy machine.
LIMIT_S = 600


@dataclass(frozen=True)
class Said:
    """What a command came to: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """The command's own last word: on standard error, or a job's on standard output."""
        own = [line for line in self.err.splitlines() if line.startswith("lembas: ")]
        lines = own or [*self.err.splitlines(), *self.out.splitlines()]
        return next((line for line in reversed(lines) if line.strip()), "")


def make_project(root: Path) -> Path:
    """Make a project of two chapters: data, and a fit that keeps its progress."""
    for name in ("lembas", "profiles"):
        (root / name).mkdir(parents=True)
    shutil.copy2(ROOT / "Snakefile", root)
    (root / f"profiles/{PROFILE}.yml").write_text(TEXT)
    (root / "_toc.yml").write_text("format: jb-book\nroot: book/intro\n")
    # The runner and all else but the study itself are the real package's.
    package = f"_EXPORTS: dict[str, str] = {{}}\n__path__.append({str(ROOT / 'lembas')!r})\n"
    (root / "lembas/__init__.py").write_text(package)
    shutil.copy2(Path(__file__).with_name("tiny_study.py"), root / "lembas/tiny.py")
    write_notebook(
        root,
        CHAPTERS[0],
        reads=[],
        writes=["tables/data.parquet", "tables/genes.parquet"],
        parameters="seed: int = 1  # seed of the generator",
        cells=["from lembas import tiny", "tiny.make_data(run_dir, seed)"],
    )
    write_notebook(
        root,
        CHAPTERS[1],
        reads=["tables/data.parquet"],
        writes=["models/x/", "tables/models.parquet"],
        cells=["from lembas import tiny", "tiny.fit(run_dir)"],
        pieces={"made_by": "lembas.tiny.share", "kept_in": "unfinished/x/"},
    )
    return root


@dataclass(frozen=True)
class Scene:
    """A copy of the project.

    Attributes:
        root: Its folder.
    """

    root: Path

    RUN_COMMAND = ("run", "--profile", PROFILE, "--cores", "1")

    @classmethod
    def copied(cls, source: Path, root: Path) -> Scene:
        """Take a project as it is, times of change included."""
        subprocess.run(["cp", "-a", str(source), str(root)], check=True)
        return cls(root)

    @property
    def run_dir(self) -> Path:
        """The run's folder."""
        return self.root / RUN

    @property
    def signs(self) -> Path:
        """Folder in which hook and test tell each other where they are."""
        return self.root.with_name(f"{self.root.name}.signs")

    def start(
        self,
        *arguments: str,
        target: Mapping[str, object] | None = None,
        hooked: bool = True,
        code: bool = False,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[str]:
        """Start the command line, or another Python.

        Args:
            *arguments: Of the command line.
            target: The moment at which to stop: moment, nth, half; None: none.
            hooked: Whether all its processes have the hook; without, it may run beside another.
            code: Whether the only argument is Python code to run, as a kernel would.
            env: Added to the environment.
        """
        signs = self.signs if hooked else self.signs / "second"
        shutil.rmtree(signs, ignore_errors=True)
        signs.mkdir(parents=True)
        environment = {**os.environ, "PYTHONPATH": str(self.root if code else ROOT)}
        if hooked:
            (signs / "target.json").write_text(json.dumps(target or {}))
            environment["LEMBAS_FAULTS"] = str(signs)
            environment["PYTHONPATH"] += f"{os.pathsep}{HOOK}"
        with (signs / "out").open("w") as out, (signs / "err").open("w") as err:
            return subprocess.Popen(
                [sys.executable, "-P", *(("-c",) if code else ("-m", "lembas")), *arguments],
                cwd=self.root,
                env={**environment, **(env or {})},
                stdout=out,
                stderr=err,
                text=True,
                start_new_session=True,
            )

    def ended(self, process: subprocess.Popen[str], *, hooked: bool = True) -> Said:
        """Wait for a command to end."""
        signs = self.signs if hooked else self.signs / "second"
        try:
            code = process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            stop(process)
            raise
        return Said(code, (signs / "out").read_text(), (signs / "err").read_text())

    def call(self, *arguments: str, hooked: bool = True, **options: Any) -> Said:
        """Run a command to its end."""
        return self.ended(self.start(*arguments, hooked=hooked, **options), hooked=hooked)

    def run(self, *more: str, **options: Any) -> Said:
        """Run what is out of date."""
        return self.call(*self.RUN_COMMAND, *more, **options)

    def start_run(self, *more: str, **options: Any) -> subprocess.Popen[str]:
        """Start to run what is out of date."""
        return self.start(*self.RUN_COMMAND, *more, **options)

    def reached(self, run: subprocess.Popen[str]) -> psutil.Process | None:
        """Wait until a process stands at the target's moment; None: the run ended before."""
        end = time.monotonic() + LIMIT_S
        while time.monotonic() < end:
            if (self.signs / "reached").is_file():
                return psutil.Process(int((self.signs / "reached").read_text()))
            if run.poll() is not None:
                return None
            time.sleep(0.02)
        stop(run)
        raise TimeoutError(f"neither the moment nor the end of the run after {LIMIT_S} s")

    def go_on(self) -> None:
        """Let the process that stands at the moment go on."""
        (self.signs / "go").touch()

    def moments(self) -> list[str]:
        """List what the processes of the last command did to files."""
        path = self.signs / "moments.txt"
        return path.read_text().splitlines() if path.is_file() else []

    def half_written(self) -> list[str]:
        """Name unfinished files that have been left in the run's folder."""
        left = [path for path in self.run_dir.rglob(".*") if path.is_file()]
        kept = (".lock", ".snakemake_timestamp")
        return sorted(path.name for path in left if path.name not in kept)

    def faults(self, reference: Path) -> list[str]:
        """Compare with an undisturbed run, and each artefact with its record."""
        found = differences(reference / RUN, self.run_dir) + self.unlike_their_records()
        found += [f"{name}: left half written" for name in self.half_written()]
        for folder in ("failed", "unfinished"):
            if (self.run_dir / folder).is_dir() and any((self.run_dir / folder).iterdir()):
                found.append(f"{folder}/: not empty")
        return found

    def unlike_their_records(self) -> list[str]:
        """Name artefacts and executed notebooks that are not what their chapter's record says."""
        found = []
        for path in sorted((self.run_dir / "provenance").glob("*.json")):
            record = read_json(path)
            written = {**record["writes"], f"chapters/{path.stem}.ipynb": record["executed"]}
            other = [name for name, sha in written.items() if digest(self.run_dir / name) != sha]
            found += [f"{name}: not as its record says" for name in other]
        return found


def family(process: psutil.Process) -> list[psutil.Process]:
    """List a process and all below it, parents first."""
    with suppress(psutil.NoSuchProcess):
        return [process, *process.children(recursive=True)]
    return []


def kill(processes: list[psutil.Process]) -> None:
    """Kill -9; parents first, so that nobody is told of a child's end."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGKILL)
    psutil.wait_procs(processes, timeout=30)


def stop(process: subprocess.Popen[str]) -> None:
    """End a command with all below it, if it has not ended."""
    if process.poll() is None:
        kill(family(psutil.Process(process.pid)))
        process.wait()


def named(processes: list[psutil.Process], *words: str) -> list[psutil.Process]:
    """Choose the processes whose command line holds one of the words."""
    chosen = []
    for process in processes:
        with suppress(psutil.Error):
            line = process.cmdline()
            # A shell that starts a job has the job's words in one of its own.
            if any(word in line for word in words):
                chosen.append(process)
    return chosen


def plain(text: str, *roots: Path) -> str:
    """Take out of a message what differs from one machine, folder or moment to the next."""
    for root in roots:
        text = text.replace(f"{root}/", "").replace(str(root), ".")
    text = text.replace(os.uname().nodename, "HOST")
    text = re.sub(r"(?<=process )\d+|(?<=, )\d+(?= \()", "NUMBER", text)
    text = re.sub(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d\S*?(?=[;,]|$)", "TIME", text)
    return " ".join(text.removeprefix("lembas: ").split())


@contextmanager
def removed_after(root: Path) -> Iterator[None]:
    """Remove a scene when it is over: tens of them would fill a disk."""
    try:
        yield
    finally:
        shutil.rmtree(root, ignore_errors=True)
        shutil.rmtree(root.with_name(f"{root.name}.signs"), ignore_errors=True)
