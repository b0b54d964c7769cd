"""One run that is disturbed in turns: each disturbance meets what all before it have left.

A run takes a minute on a busy machine; so the faults that end a run follow each other in one
project, which is left alone at last and compared.
"""

from __future__ import annotations

import re
import resource
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import psutil

from tests.faults import disks
from tests.faults.scene import CHAPTERS, PROFILE, RUN, Said, Scene, family, kill, named, plain, stop
from tests.faults.stage import Fault, Row, Stage

# A batch of genes that a fit keeps.
BATCH = f"kernel|rename|{RUN}/unfinished/x/fit-"
# A chapter's job, as `lembas run` starts it; it says in a line why it failed.
JOB = ("execute", f"{RUN}/plan/plan.json", CHAPTERS[1])
# With less a kernel cannot even say that it failed.
ROOM_MB = 24
FITTING = "while a fit keeps a batch of genes"
GOES_ON = "runs the chapter; the fit goes on where it was"


def in_turns(stage: Stage) -> Mapping[str, Row]:
    """Disturb one run by all faults in turns; what is wrong in the end is wrong with each."""
    if "kill_command" not in stage.turns:
        with disks.small(stage.folder / "disk") as disk:
            scene = Scene.copied(stage.half, disk / "project")
            for name, disturb in TURNS.items():
                stage.turns |= disturb(stage, scene)
                stage.say(f"  {name}: {stage.turns[name].sees}")
            again = scene.run()
            found = tuple(scene.faults(stage.reference))
        found += () if again.code == 0 else (f"the last run failed: {again.sentence}",)
        for name in WORDS:
            row = stage.turns[name]
            stage.turns[name] = replace(row, faults=(*row.faults, *found))
    return stage.turns


def share_alone(stage: Stage, scene: Scene) -> dict[str, Row]:
    """Kill the process that makes a share of a chapter's pieces."""
    profile = scene.root / f"profiles/{PROFILE}.yml"
    text = profile.read_text()
    profile.write_text(f"{text}scatter: {{{CHAPTERS[1]}: 2}}\n")
    scene.call("status", "--profile", PROFILE)  # writes the plan
    moment = stage.first(BATCH, "batch_0").replace("kernel|", "share|", 1)
    job = ("execute-piece", f"{RUN}/plan/plan.json", CHAPTERS[1], "1of2")
    with _held(scene, moment, half=True, command=job) as (run, at):
        kill([at])
    said = scene.ended(run)
    profile.write_text(text)
    return _row(
        "kill_share",
        when="while a job that makes a share of a chapter keeps a batch of genes",
        sees=_words(said, scene),
        left="what the shares have kept",
        next_run="makes what is missing, then gathers",
        faults=_refused(said),
    )


def kernel_alone(stage: Stage, scene: Scene) -> dict[str, Row]:
    """Kill the kernel, as a system that runs out of memory does."""
    left = "the chapter's partial copy"
    return _one_killed(stage, scene, "kill_kernel", "ipykernel_launcher", left=left, command=JOB)


def job_alone(stage: Stage, scene: Scene) -> dict[str, Row]:
    """Kill the process that executes a chapter; its kernel must not outlive it."""
    left = "no process: its kernel ends within seconds"
    return _one_killed(stage, scene, "kill_job", "execute", left=left)


def _one_killed(
    stage: Stage,
    scene: Scene,
    name: str,
    word: str,
    *,
    left: str,
    command: tuple[str, ...] = (),
) -> dict[str, Row]:
    with _held(scene, stage.first(BATCH, "batch_0"), half=True, command=command) as (run, _):
        processes = family(psutil.Process(run.pid))
        (victim,) = named(processes, word)
        kill([victim])
    said = scene.ended(run)
    alive = psutil.wait_procs(processes, timeout=60)[1]
    faults = [f"still at work after a minute: {len(alive)} processes"] if alive else []
    return _row(
        name,
        when=FITTING,
        sees=_words(said, scene),
        left=left,
        next_run=GOES_ON,
        faults=[*faults, *_refused(said)],
    )


def no_memory(stage: Stage, scene: Scene) -> dict[str, Row]:
    """Take all memory from a kernel in the midst of a fit, by a limit on its address space."""
    with _held(scene, stage.first(BATCH, "batch_1"), command=JOB) as (run, kernel):
        limit = kernel.memory_info().vms + ROOM_MB * 2**20
        resource.prlimit(kernel.pid, resource.RLIMIT_AS, (limit, limit))
        scene.go_on()
    said = scene.ended(run)
    return _row(
        "no_memory",
        when=f"in the midst of a fit the kernel may take {ROOM_MB} MB more, and needs 61",
        sees=re.sub(r"\d+(\.\d+)? ([KMG]i?B)", r"some \2", _words(said, scene)),
        left="the chapter's partial copy, and what the fit has kept",
        next_run=GOES_ON,
        faults=_refused(said),
    )


def full_disk(stage: Stage, scene: Scene) -> dict[str, Row]:
    """Fill the disk to the last byte, while a fit is at work, and while its chapter ends."""
    sees, faults = [], []
    moments = {
        stage.first(BATCH, "batch_2"): JOB,
        stage.first("job|rename|", f"chapters/{CHAPTERS[1]}.ipynb"): (),
    }
    ballast = scene.root.with_name("ballast")
    for moment, command in moments.items():
        with _held(scene, moment, command=command) as (run, _):
            disks.fill(ballast)
            scene.go_on()
        said = scene.ended(run)
        ballast.unlink()
        sees.append(_words(said, scene))
        stage.say(f"  full from {moment}: {sees[-1]}")
        if said.code != 1 or "No space left on device" not in said.sentence:
            faults.append(f"the user was told: {sees[-1]}")
    return _row(
        "full_disk",
        when=f"a disk of {disks.SIZE_MB} MB (tmpfs) is full to the last byte: from a batch of a "
        "fit on, and from the end of a chapter on",
        sees=sees[0],
        left="what was whole before; nothing half written under its name",
        next_run="once there is room: runs the chapter; the fit goes on where it was",
        faults=faults,
    )


def read_only(stage: Stage, scene: Scene) -> dict[str, Row]:
    """Mount the run's folder read-only: that holds for root, too."""
    with disks.read_only(scene.run_dir):
        said = scene.run()
    faults = _refused(said)
    if "Read-only file system" not in said.err:
        faults.append(f"the user was told: {said.sentence}")
    return _row(
        "read_only",
        when="the run's folder is mounted read-only, before a run",
        sees=_words(said, scene),
        left="all as it was",
        next_run="once it may be written to: runs what is missing",
        faults=faults,
    )


def command_alone(stage: Stage, scene: Scene) -> dict[str, Row]:
    """Start a second run beside one; then kill `lembas run` alone, whose jobs go on."""
    with _held(scene, stage.first(BATCH, "batch_0")) as (run, _):
        second = scene.run(hooked=False)
        processes = family(psutil.Process(run.pid))
        kill(processes[:1])
        third = scene.run(hooked=False)
        scene.go_on()
    alive = psutil.wait_procs(processes, timeout=300)[1]
    faults = [f"still at work: {len(alive)} processes"] if alive else []
    named_first = [] if f"process {run.pid} on" in second.err else ["the first was not named"]
    both = _row(
        "two_runs",
        when="while the first fits a model",
        sees=f"the second says: {_words(second, scene)}",
        left="all of the first run, which is not disturbed",
        next_run="once the first has ended: runs what is missing",
        faults=[*named_first, *_refused(second)],
    )
    return both | _row(
        "kill_command",
        when=FITTING,
        sees=f"the next run says: {_words(third, scene)}",
        left="its jobs, which end by themselves",
        next_run="once they have ended: runs what is missing",
        faults=[*faults, *_refused(third)],
    )


@contextmanager
def _held(
    scene: Scene, moment: str, *, half: bool = False, command: tuple[str, ...] = ()
) -> Iterator[tuple[object, psutil.Process]]:
    """Start `lembas run`, or another command, and hold a process at a moment."""
    target = {"moment": moment, "half": half}
    run = scene.start(*command, target=target) if command else scene.start_run(target=target)
    at = scene.reached(run)
    if at is None:
        raise AssertionError(f"the run ended before {moment}: {scene.ended(run).sentence}")
    try:
        yield run, at
    except BaseException:
        stop(run)  # it would stand there for ever
        raise


def _row(name: str, **columns: object) -> dict[str, Row]:
    return {name: Row(**{**columns, "faults": tuple(columns["faults"])})}  # type: ignore[arg-type]


def _words(said: Said, scene: Scene) -> str:
    """Give the user's last line; of a job's, its reason."""
    return re.sub(r"^.* failed after \d+ s: ", "", plain(said.sentence, scene.root))


def _refused(said: Said) -> list[str]:
    return [] if said.code == 1 else [f"ended with exit code {said.code}: {said.sentence}"]


TURNS: Mapping[str, Callable[[Stage, Scene], dict[str, Row]]] = {
    "kill_share": share_alone,
    "kill_kernel": kernel_alone,
    "kill_job": job_alone,
    "no_memory": no_memory,
    "full_disk": full_disk,
    "read_only": read_only,
    "kill_command": command_alone,
}
WORDS = {
    "kill_command": "kill -9 of `lembas run` alone",
    "kill_job": "kill -9 of a chapter's job alone",
    "kill_kernel": "the kernel dies (kill -9, as when memory runs out)",
    "kill_share": "kill -9 of a worker's share",
    "two_runs": "two runs at once in one folder",
    "no_memory": "no memory left in a fit",
    "full_disk": "a full disk",
    "read_only": "a read-only folder",
}


def _fault(name: str) -> Fault:
    return Fault(name, WORDS[name], lambda stage: in_turns(stage)[name])


FAULTS = tuple(map(_fault, WORDS))
