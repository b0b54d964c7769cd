"""kill -9 of all of a run, and of each of its processes alone, at many moments."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from tests.cluster.compare import artefacts, differences
from tests.faults.scene import CHAPTERS, RUN, Said, Scene, family, kill, stop
from tests.faults.stage import Fault, Row, Stage

# Where something appears under its name, or goes. Files opened to be written come besides.
MOVES = ("|rename|", "|remove|", "|rmtree|")
# A chapter's own code, as its kernel has it.
CODE = {
    CHAPTERS[0]: (f"from lembas import tiny; tiny.make_data({RUN!r}, 1)",),
    CHAPTERS[1]: (f"from lembas import tiny; tiny.fit({RUN!r})",),
}


def every_file(stage: Stage) -> Row:
    """Kill a chapter's code before, while and after each of its files is put in its place.

    It is killed at its first moment, started again, killed at its second, and so on: each start
    meets what all kills before it have left. What its kernel does is done here without a kernel.
    """
    left, faults, n_kills = Counter[str](), [], Counter[bool]()
    with stage.scene(stage.template, "files") as scene:
        for chapter in CHAPTERS:
            for target in of_kernel(stage, chapter):
                code = CODE[chapter]
                faults += _killed_at(stage, scene, target, left, command=code, code=True)
                n_kills[bool(target["half"])] += 1
        faults += _gone_on(stage, scene)
    return Row(
        when=f"before, while and after each file of two chapters is written, or removed: "
        f"{n_kills.total()} moments, {n_kills[True]} of them with the file half written",
        sees="the shell says `Killed`",
        left=_left(left),
        next_run="goes on with what is missing; `lembas run` removes the unfinished files",
        faults=tuple(faults),
    )


def whole_runs(stage: Stage) -> Row:
    """Kill all processes of a run, at moments spread over it and at random times."""
    moves = [target for target in targets_of(stage.moments) if "|rename|" in target["moment"]]
    moves += [{"moment": moment, "half": False} for moment in _of_snakemake(stage.moments)]
    moves.sort(key=lambda target: stage.moments.index(target["moment"]))
    places = np.linspace(0, len(moves) - 1, stage.n_moments).round().astype(int)
    targets = [moves[place] for place in np.unique(places)]
    left, faults = Counter[str](), []
    with stage.scene(stage.template, "kill") as scene:
        for target in targets:
            faults += _killed_at(stage, scene, target, left)
        faults += _gone_on(stage, scene)
        shutil.rmtree(scene.run_dir)
        faults += _killed_at_times(stage, scene, left)
        faults += _gone_on(stage, scene)
    return Row(
        when=f"{len(targets)} moments spread over a run (plan, Snakemake's own files, artefacts, "
        f"records), and {stage.n_times} random times",
        sees="the shell says `Killed`",
        left=_left(left),
        next_run="goes on with what is missing, and removes the unfinished files",
        faults=tuple(faults),
    )


def _left(left: Counter[str]) -> str:
    return f"whole artefacts only; after {left['half']} kills unfinished files, under hidden names"


def of_kernel(stage: Stage, chapter: str) -> list[dict[str, Any]]:
    """Choose the moments of a chapter's own code at which to kill, each once."""
    _ = stage.reference
    own = [moment for moment in stage.noted[chapter] if moment.startswith("kernel|")]
    return targets_of(moment.replace("kernel|", "code|", 1) for moment in own)


def targets_of(moments: Iterable[str]) -> list[dict[str, Any]]:
    """Take each moment at which a file is moved or removed; what is moved also when cut in half."""
    targets: list[dict[str, Any]] = []
    for moment in dict.fromkeys(moments):
        if "|rename|" in moment:
            targets.append({"moment": moment, "half": True})
        if any(word in moment for word in MOVES):
            targets.append({"moment": moment, "half": False})
    return targets


def _of_snakemake(moments: Iterable[str]) -> list[str]:
    own = [moment for moment in moments if moment.startswith("snakemake|")]
    return [moment for moment in dict.fromkeys(own) if "/incomplete/" in moment or RUN in moment]


def _killed_at(
    stage: Stage,
    scene: Scene,
    target: Mapping[str, Any],
    left: Counter[str],
    *,
    command: tuple[str, ...] = (),
    code: bool = False,
) -> list[str]:
    """Start the command (`lembas run` unless another is given), and kill it at the moment."""
    moment = f"{target['moment']}{' half written' if target['half'] else ''}"
    command = command or scene.RUN_COMMAND
    run = scene.start(*command, target=target, code=code)
    if scene.reached(run) is None:
        return _told(stage, moment, [f"the run ended before: {scene.ended(run).sentence}"])
    kill(family(psutil.Process(run.pid)))
    run.wait()
    return _told(stage, moment, _after_a_kill(stage, scene, left))


def _killed_at_times(stage: Stage, scene: Scene, left: Counter[str]) -> list[str]:
    """Kill runs at random times; one that ends before its time is compared and begun anew."""
    rng, faults, n_kills = np.random.default_rng(stage.seed), [], 0
    while n_kills < stage.n_times:
        after = float(rng.uniform(0, stage.seconds))
        run = scene.start_run()
        try:
            run.wait(after)
        except subprocess.TimeoutExpired:
            stop(run)
            n_kills += 1
            faults += _told(stage, f"after {after:.1f} s", _after_a_kill(stage, scene, left))
        else:
            faults += _ended_well(stage, scene, scene.ended(run))
            shutil.rmtree(scene.run_dir)
    return faults


def _after_a_kill(stage: Stage, scene: Scene, left: Counter[str]) -> list[str]:
    left["half"] += bool(scene.half_written())
    return damaged(scene.run_dir, stage.reference / RUN)


def _gone_on(stage: Stage, scene: Scene) -> list[str]:
    """Leave a run alone at last, and compare."""
    return _ended_well(stage, scene, scene.run())


def _ended_well(stage: Stage, scene: Scene, run: Said) -> list[str]:
    found = scene.faults(stage.reference)
    if run.code:
        found.append(f"the last run failed: {run.sentence}")
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


FAULTS = (
    Fault("kill_files", "kill -9 of a chapter", every_file),
    Fault("kill_run", "kill -9 of a whole run", whole_runs),
)
