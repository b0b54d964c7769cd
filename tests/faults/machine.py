"""What the machine does to a run: a full disk, a read-only folder, no memory, a clock set back."""

from __future__ import annotations

import os
import re
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.faults.kills import KEPT
from tests.faults.scene import CHAPTERS, PROFILE, RUN, Said, Scene, family, kill, plain
from tests.faults.stage import Fault, Row, Stage

DISK_MB = 64
SECONDS_A_DAY = 86_400
# Moments from which on the disk has no room left.
FULL_FROM = (
    ("command|rename|", "plan/03_fit_baselines.json"),
    ("kernel|rename|", KEPT, "genes_"),
    ("kernel|rename|", "fits/baselines/masked_ridge"),
    ("job|rename|", "chapters/03_fit_baselines.ipynb"),
)


def full_disk(stage: Stage) -> Row:
    """Run on a small disk, and fill it to the last byte at several moments of the run."""
    faults: list[str] = []
    sentences: list[str] = []
    with _small_disk(stage.folder / "disk") as disk:
        scene = Scene.copied(stage.half, disk / "project")
        for words in FULL_FROM:
            said = _filled_up(scene, stage.first(*words), disk / "ballast")
            sentences.append(plain(said.sentence, scene.root))
            stage.say(f"  full from {words[-1]}: {sentences[-1]}")
            if said.code != 1 or "No space left on device" not in said.sentence:
                faults.append(f"the user was told: {sentences[-1]}")
        again = scene.run()
        faults += scene.faults(stage.reference)
    return Row(
        when=f"a disk of {DISK_MB} MB (tmpfs), full from {len(FULL_FROM)} moments on: while the "
        "plan is written, a fit is kept, a prediction is, and the executed notebook is",
        sees=sentences[1],
        left="what was whole before; nothing half written under its name",
        next_run="once there is room: goes on with what is missing"
        if again.code == 0
        else f"fails: {again.sentence}",
        faults=tuple(faults),
    )


def _filled_up(scene: Scene, moment: str, ballast: Path) -> Said:
    """Run, and leave no room on the disk from a moment on; make room after the run has ended."""
    run = scene.start_run(target={"moment": moment})
    if scene.reached(run) is not None:
        _fill(ballast)
        scene.go_on()
    said = scene.ended(run)
    ballast.unlink(missing_ok=True)
    return said


def read_only(stage: Stage) -> Row:
    """Mount the run's folder read-only: that holds for root, too."""
    with stage.scene(stage.half, "closed") as scene:
        with _read_only(scene.run_dir):
            said = scene.run()
        again = scene.run()
        faults = scene.faults(stage.reference)
        if said.code != 1 or "Read-only file system" not in said.err:
            faults.append(f"the user was told: {said.sentence}")
        return Row(
            when="the run's folder is mounted read-only, before a run",
            sees=plain(said.sentence, scene.root),
            left="all as it was",
            next_run="once it may be written to: runs what is missing"
            if again.code == 0
            else "fails",
            faults=tuple(faults),
        )


def no_memory(stage: Stage) -> Row:
    """Take all memory from a kernel in the midst of a fit, by a limit on its address space."""
    with stage.scene(stage.half, "memory") as scene:
        run = scene.start_run(target={"moment": stage.first("kernel|rename|", KEPT, "genes_")})
        kernel = scene.reached(run)
        assert kernel is not None
        limit = kernel.memory_info().vms + 2**20
        resource.prlimit(kernel.pid, resource.RLIMIT_AS, (limit, limit))
        scene.go_on()
        said = scene.ended(run)
        again = scene.run()
        faults = scene.faults(stage.reference)
        if said.code != 1:
            faults.append(f"the run ended with exit code {said.code}")
        return Row(
            when="in the midst of a fit the kernel may take 1 MB more, and no more",
            sees=_without_sizes(plain(said.sentence, scene.root)),
            left="the partial copy of the chapter, and what the fit has kept",
            next_run="runs the chapter; the fit goes on where it was"
            if again.code == 0
            else f"fails: {again.sentence}",
            faults=tuple(faults),
        )


def clock_back(stage: Stage) -> Row:
    """Set the times of all that is there a day ahead, change what the data are, kill in between."""
    with stage.scene(stage.template, "other") as other:
        _change_data(other)
        other.run()
        with stage.scene(stage.reference, "clock") as scene:
            _age(scene.root / "results", SECONDS_A_DAY)
            unchanged = scene.run()
            faults = scene.faults(stage.reference)
            _age(scene.root / "results", SECONDS_A_DAY)
            _change_data(scene)
            run = scene.start_run(target={"moment": _between_chapters(stage)})
            faults += [] if scene.reached(run) else ["the run was not stopped between chapters"]
            kill(family(psutil.Process(run.pid)))
            run.wait()
            again = scene.run()
            faults += scene.faults(other.root)
    codes = [said.sentence for said in (unchanged, again) if said.code]
    reason = re.search(r"to run: (.*)", again.out)
    return Row(
        when="all files are a day newer than the clock; then the data change, and the run is "
        "killed after the first chapter",
        sees=plain(reason.group(1)) if reason else "nothing",
        left="the first chapter's new artefacts beside older ones of the second, newer by their "
        "times",
        next_run="sees by the digests what must run again" if not codes else f"fails: {codes}",
        faults=tuple(faults),
    )


def _between_chapters(stage: Stage) -> str:
    """Find the first moment at which Snakemake turns to the second chapter."""
    _ = stage.reference
    record = f"{RUN}/provenance/{CHAPTERS[0]}.json"
    done = next(
        place for place, moment in enumerate(stage.moments) if moment.endswith(f"|{record}")
    )
    later = stage.moments[done:]
    before = set(stage.moments[:done])
    return next(
        moment for moment in later if moment.startswith("job|open|") and moment not in before
    )


def _change_data(scene: Scene) -> None:
    path = scene.root / f"profiles/{PROFILE}.yml"
    text = path.read_text()
    path.write_text(text.replace("n_samples: 60", "n_samples: 66"))


def _age(folder: Path, seconds: int) -> None:
    """Move the times of change of all that is in a folder ahead."""
    for path in [folder, *folder.rglob("*")]:
        times = path.stat()
        ahead = times.st_mtime_ns + seconds * 10**9
        os.utime(path, ns=(times.st_atime_ns, ahead))


def _fill(path: Path) -> None:
    """Write until there is no room, to the last byte."""
    with path.open("wb", buffering=0) as stream:
        try:
            while True:
                stream.write(bytes(4096))
        except OSError:
            return


@contextmanager
def _small_disk(folder: Path) -> Iterator[Path]:
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(folder)]
    subprocess.run(command, check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def _read_only(folder: Path) -> Iterator[None]:
    subprocess.run(["mount", "--bind", str(folder), str(folder)], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", str(folder)], check=True)
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def _without_sizes(text: str) -> str:
    return re.sub(r"\d+(\.\d+)? ([KMG]i?B)", r"some \2", text)


FAULTS = (
    Fault("full_disk", "a full disk", full_disk),
    Fault("read_only", "a read-only folder", read_only),
    Fault("no_memory", "no memory left in a fit", no_memory),
    Fault("clock_back", "the clock is set back", clock_back),
)
