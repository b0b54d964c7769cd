"""kill -9 of all of a run, and of each of its processes alone, at many moments."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import numpy as np
import psutil
import yaml

from lembas.formats import counted
from tests.cluster.compare import artefacts, differences
from tests.faults.scene import CHAPTERS, PROFILE, RUN, Scene, family, kill, named, plain
from tests.faults.stage import Fault, Row, Stage

# Where something appears under its name, or goes. Files opened to be written come besides.
MOVES = ("|rename|", "|remove|", "|rmtree|")
# A batch of genes that a fit keeps, or another file of a fit that is not over.
KEPT = "unfinished/baselines/"


def everything(stage: Stage) -> Row:
    """Kill all processes of a run at every file that it moves or removes, and at random times.

    One run is killed at its first moment, gone on with, killed at its second, and so on: each kill
    meets what all those before it have left.
    """
    _ = stage.reference
    targets = chosen_moments(stage)
    left = Counter[str]()
    with stage.scene(stage.template, "kill") as scene:
        faults = [fault for target in targets for fault in _killed_at(stage, scene, target, left)]
        faults += _gone_on(stage, scene)
    with stage.scene(stage.template, "time") as scene:
        rng = np.random.default_rng(stage.seed)
        for after in rng.uniform(0, stage.seconds, stage.n_times):
            faults += _killed_after(stage, scene, float(after), left)
        faults += _gone_on(stage, scene)
    half = sum(bool(target["half"]) for target in targets)
    kills = len(targets) + stage.n_times
    return Row(
        when=f"{counted(len(targets), 'moment')} at which a file is moved into place or removed, "
        f"{half} of them with the file half written, and {stage.n_times} random times",
        sees="the shell says `Killed`",
        left=f"whole artefacts only; unfinished files under hidden names ({left['half']} of "
        f"{kills} kills left some)",
        next_run="goes on with what is missing, and removes the unfinished files",
        faults=tuple(faults),
    )


def chosen_moments(stage: Stage) -> list[dict[str, object]]:
    """Choose the moments of the undisturbed run at which to kill.

    A file that is moved into place is first cut in half, every second time: that is what a kill in
    the midst of its writing leaves.
    """
    seen: Counter[str] = Counter()
    targets: list[dict[str, object]] = []
    for moment in stage.moments:
        seen[moment] += 1
        if seen[moment] > 1 or not any(word in moment for word in MOVES):
            continue
        half = "|rename|" in moment and len(targets) % 2 == 0
        targets.append({"moment": moment, "nth": 1, "half": half})
    if stage.n_moments and stage.n_moments < len(targets):
        places = np.linspace(0, len(targets) - 1, stage.n_moments).round().astype(int)
        targets = [targets[place] for place in np.unique(places)]
    return targets


def _killed_at(
    stage: Stage, scene: Scene, target: dict[str, object], left: Counter[str]
) -> list[str]:
    moment = f"{target['moment']}{' half written' if target['half'] else ''}"
    run = scene.start_run(target=target)
    if scene.reached(run) is None:
        return _told(stage, moment, [f"the run ended before: {scene.ended(run).sentence}"])
    kill(family(psutil.Process(run.pid)))
    run.wait()
    return _told(stage, moment, _after_a_kill(stage, scene, left))


def _killed_after(stage: Stage, scene: Scene, after: float, left: Counter[str]) -> list[str]:
    run = scene.start_run()
    end = time.monotonic() + after
    while time.monotonic() < end and run.poll() is None:
        time.sleep(0.01)
    kill(family(psutil.Process(run.pid)))
    run.wait()
    return _told(stage, f"after {after:.1f} s", _after_a_kill(stage, scene, left))


def _after_a_kill(stage: Stage, scene: Scene, left: Counter[str]) -> list[str]:
    left["half"] += bool(scene.half_written())
    return damaged(scene.run_dir, stage.reference / RUN)


def _gone_on(stage: Stage, scene: Scene) -> list[str]:
    """Leave a run alone at last, and compare."""
    again = scene.run()
    found = scene.faults(stage.reference)
    if again.code:
        found.append(f"the last run failed: {again.sentence}")
    return _told(stage, "left alone", found)


def _told(stage: Stage, moment: str, faults: list[str]) -> list[str]:
    stage.say(f"  {moment}: {'; '.join(faults) or 'all whole'}")
    return [f"{moment}: {fault}" for fault in faults]


def damaged(run: Path, reference: Path) -> list[str]:
    """Name artefacts that lie under their names and are not whole."""
    there = artefacts(run)
    return [
        f"{fault} after the kill"
        for fault in differences(reference, run)
        if fault.partition(":")[0] in there and fault.endswith("differs")
    ]


def command_alone(stage: Stage) -> Row:
    """Kill `lembas run` alone: its jobs know nothing of it, and go on."""
    with stage.scene(stage.half, "command") as scene:
        run = scene.start_run(target={"moment": stage.first("kernel|rename|", KEPT, "genes_")})
        assert scene.reached(run) is not None
        processes = family(psutil.Process(run.pid))
        kill(processes[:1])
        run.wait()
        refused = scene.run(hooked=False)
        scene.go_on()
        psutil.wait_procs(processes, timeout=120)
        alive = [process for process in processes if process.is_running()]
        again = scene.run()
        faults = scene.faults(stage.reference)
        faults += [] if refused.code == 1 else ["a second run was not refused"]
        faults += [f"still at work: {len(alive)} processes"] if alive else []
        return Row(
            when="while a fit keeps a batch of genes",
            sees=f"the next run says: {plain(refused.sentence, scene.root)}",
            left="its jobs end by themselves",
            next_run=_said(again.code, "once they have ended: runs what is missing"),
            faults=tuple(faults),
        )


def job_alone(stage: Stage) -> Row:
    """Kill the process that executes a chapter; its kernel must not outlive it."""
    return _one_killed(stage, "job", "execute", left="its kernel ends within seconds")


def kernel_alone(stage: Stage) -> Row:
    """Kill the kernel, as a system that runs out of memory does."""
    return _one_killed(
        stage, "kernel", "ipykernel_launcher", left="the partial copy of the chapter"
    )


def _one_killed(stage: Stage, name: str, word: str, *, left: str) -> Row:
    with stage.scene(stage.half, name) as scene:
        moment = stage.first("kernel|rename|", KEPT, "genes_")
        run = scene.start_run(target={"moment": moment, "half": True})
        assert scene.reached(run) is not None
        processes = family(psutil.Process(run.pid))
        (victim,) = named(processes, word)
        kill([victim])
        said = scene.ended(run)
        alive = psutil.wait_procs(processes, timeout=10)[1]
        faults = [f"still at work after 10 s: {len(alive)} processes"] if alive else []
        again = scene.run()
        faults += scene.faults(stage.reference)
        return Row(
            when="while a fit keeps a batch of genes",
            sees=plain(said.sentence, scene.root),
            left=left,
            next_run=_said(again.code, "runs the chapter; the fit goes on where it was"),
            faults=tuple(faults),
        )


def share_alone(stage: Stage) -> Row:
    """Kill the process that makes a share of a chapter's pieces."""
    with stage.scene(stage.half, "share") as scene:
        path = scene.root / f"profiles/{PROFILE}.yml"
        shared = {**yaml.safe_load(path.read_text()), "scatter": {CHAPTERS[1]: 2}}
        path.write_text(yaml.safe_dump(shared))
        moment = stage.first("kernel|rename|", KEPT, "genes_").replace("kernel|", "share|", 1)
        run = scene.start_run(target={"moment": moment, "half": True})
        at = scene.reached(run)
        assert at is not None
        kill([at])
        said = scene.ended(run)
        again = scene.run()
        return Row(
            when="while a job that makes a share of a chapter keeps a batch of genes",
            sees=plain(said.sentence, scene.root),
            left="what the shares have kept",
            next_run=_said(again.code, "makes what is missing of that share, then gathers"),
            faults=tuple(scene.faults(stage.reference)),
        )


def _said(code: int, words: str) -> str:
    return words if code == 0 else f"fails with exit code {code}"


FAULTS = (
    Fault("kill", "kill -9 of a whole run", everything),
    Fault("kill_command", "kill -9 of `lembas run` alone", command_alone),
    Fault("kill_job", "kill -9 of a chapter's job alone", job_alone),
    Fault("kill_kernel", "the kernel dies (kill -9, as when memory runs out)", kernel_alone),
    Fault("kill_share", "kill -9 of a worker's share", share_alone),
)
