"""Run a small profile here and on Slurm, end jobs and processes in between, compare the results."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import yaml

from tests.cluster.compare import artefacts, differences

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = ("01", "02", "03", "04", "07")
SCATTER = {"03_fit_baselines": 4, "04_fit_lembas": 3, "07_controls": 3}
RESOURCES = {"default": {"mem_mb": 1500, "runtime": 30, "pieces": {"mem_mb": 1000}}}
FITS = "results/small_slurm/unfinished"


@dataclass
class Scenario:
    """A copy of the project, in which two profiles differ in who runs them only.

    Attributes:
        root: Folder of the copy.
        say: Takes each line of the log.
        kept: Files that the disturbed jobs had kept, with their times of change.
    """

    root: Path
    say: Callable[[str], None]
    kept: dict[Path, int] = field(default_factory=dict)

    def prepare(self) -> None:
        """Copy the project; write the profiles, and the workflow profile for one node."""
        for name in ("lembas", "notebooks", "profiles"):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, self.root / name, ignore=ignored)
        for name in ("Snakefile", "_toc.yml"):
            shutil.copy(ROOT / name, self.root / name)
        small = yaml.safe_load((ROOT / "tests/cluster/small.yml").read_text())
        scattered = {**small, "scatter": SCATTER, "resources": RESOURCES}
        for name, content in (("small_local", small), ("small_slurm", scattered)):
            (self.root / f"profiles/{name}.yml").write_text(yaml.safe_dump(content))
        config = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text())
        # No accounting here, nothing is sent again by itself, and no wait for a slow file system.
        config |= {"slurm-status-command": "squeue", "retries": 0, "latency-wait": 10}
        config |= {"slurm-init-seconds-before-status-checks": 5, "seconds-between-status-checks": 5}
        (self.root / "one_node").mkdir()
        (self.root / "one_node/config.yaml").write_text(yaml.safe_dump(config))

    def run(self, profile: str, *options: str) -> subprocess.Popen[str]:
        """Start `lembas run`; its messages go to a file."""
        command = [sys.executable, "-P", "-m", "lembas", "run", *CHAPTERS, "--profile", profile]
        environment = {**os.environ, "PYTHONPATH": str(self.root)}
        self.say(f"$ lembas run {' '.join([*CHAPTERS, '--profile', profile, *options])}")
        with (self.root / f"{profile}.log").open("a") as log:
            return subprocess.Popen(
                [*command, *options],
                cwd=self.root,
                env=environment,
                stdout=log,
                stderr=log,
                text=True,
            )

    def finished(self, run: subprocess.Popen[str], profile: str, *, code: int) -> None:
        """Wait for a run; raise when it does not end with this code."""
        found = run.wait(3600)
        tail = (self.root / f"{profile}.log").read_text().strip().splitlines()[-8:]
        for line in tail:
            self.say(f"  | {line}")
        if found != code:
            raise AssertionError(f"the run of {profile} ended with {found}, expected {code}")

    def disturb(self, run: subprocess.Popen[str]) -> None:
        """Cancel one job of Slurm, and kill the process of another, each in the midst."""
        disturbed: list[str] = []
        while len(disturbed) < 2:
            if run.poll() is not None:
                raise AssertionError(f"the run ended before it was disturbed twice: {disturbed}")
            worker = _in_the_midst(but=disturbed)
            if worker is None:
                time.sleep(0.2)
                continue
            job, share = worker.environ()["SLURM_JOB_ID"], worker.cmdline()[-1]
            if not disturbed:
                subprocess.run(["scancel", job], check=True)
                self.say(f"scancel {job} (share {share} of 03_fit_baselines)")
            else:
                worker.send_signal(signal.SIGKILL)
                self.say(f"kill -9 {worker.pid} (job {job}, share {share} of 03_fit_baselines)")
            disturbed.append(share)

    def _batches(self) -> dict[Path, int]:
        """List the batches of genes that are kept, with their times of change."""
        found = (self.root / FITS).glob("baselines/*/fit-*/genes_*.npz")
        return {path: path.stat().st_mtime_ns for path in found}

    def note_kept(self) -> None:
        """Remember what is kept now."""
        self.kept = self._batches()
        if not self.kept:
            raise AssertionError("nothing was kept: the second run could show nothing")
        self.say(f"kept before the second run: {len(self.kept)} batches of genes")

    def watch(self, run: subprocess.Popen[str]) -> None:
        """Follow the second run: what was kept must not be written again."""
        seen: dict[Path, int] = {}
        while run.poll() is None:
            with suppress(FileNotFoundError):  # the chapter is removing them
                seen |= self._batches()
            time.sleep(0.5)
        again = [path.name for path, at in self.kept.items() if seen.get(path, at) != at]
        new = len(seen.keys() - self.kept.keys())
        self.say(f"second run: {new} batches fitted, {len(again)} of those kept fitted again")
        if again:
            raise AssertionError(f"fitted again: {again[:5]}")

    def compare(self) -> None:
        """Raise when the two runs differ in more than times."""
        one, other = (self.root / "results" / name for name in ("small_local", "small_slurm"))
        found = differences(one, other)
        self.say(f"{len(artefacts(one))} artefacts compared, {len(found)} differ")
        if found:
            raise AssertionError(f"local and Slurm differ: {found[:10]}")


def _in_the_midst(*, but: list[str]) -> psutil.Process | None:
    """Find a process that makes a share of 03 and has kept a batch of genes or more."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            words = process.cmdline()
            if "lembas.pieces" not in words or words[-2] != "03_fit_baselines" or words[-1] in but:
                continue
            # It writes nothing but what it keeps: before the first batch, a few letters.
            if process.io_counters().write_chars > 4_000:
                return process
    return None


def play(root: Path, say: Callable[[str], None]) -> None:
    """Play the whole scenario in an empty folder, with Slurm running."""
    scene = Scenario(root, say)
    scene.prepare()
    scene.finished(scene.run("small_local"), "small_local", code=0)
    first = scene.run("small_slurm", "--workflow-profile", "one_node")
    scene.disturb(first)
    scene.finished(first, "small_slurm", code=1)
    scene.note_kept()
    second = scene.run("small_slurm", "--workflow-profile", "one_node")
    scene.watch(second)
    scene.finished(second, "small_slurm", code=0)
    scene.compare()
