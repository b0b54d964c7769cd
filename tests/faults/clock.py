"""The clock is set back: times of change say the wrong thing."""

from __future__ import annotations

import os
import re
from pathlib import Path

import psutil

from tests.cluster.compare import differences
from tests.faults.scene import CHAPTERS, PROFILE, RUN, family, kill, plain
from tests.faults.stage import Fault, Row, Stage

SECONDS_A_DAY = 86_400
# Snakemake has noted the first chapter by then, and begins to clear the way for the second.
BETWEEN_CHAPTERS = f"snakemake|remove|{RUN}/chapters/{CHAPTERS[1]}.ipynb"
OTHER_DATA = f"from lembas import tiny; tiny.make_data({RUN!r}, 2); tiny.fit({RUN!r})"


def clock_back(stage: Stage) -> Row:
    """Set the times of all that is there a day ahead, change what the data are, kill in between."""
    with stage.scene(stage.template, "other") as other, stage.scene(stage.reference, "c") as scene:
        other.call(OTHER_DATA, code=True)
        _age(scene.root / "results", SECONDS_A_DAY)
        profile = scene.root / f"profiles/{PROFILE}.yml"
        profile.write_text(profile.read_text().replace("seed: 1", "seed: 2"))
        run = scene.start_run(target={"moment": BETWEEN_CHAPTERS})
        faults = []
        if scene.reached(run) is None:
            faults.append(f"the run ended before it was killed: {scene.ended(run).sentence}")
        else:
            kill(family(psutil.Process(run.pid)))
            run.wait()
        again = scene.run()
        faults += differences(other.run_dir, scene.run_dir) + scene.unlike_their_records()
    reason = re.search(r"to run: (.*)", again.out)
    return Row(
        when="all files are a day newer than the clock; the data change, and the run is killed "
        "between its chapters",
        sees=plain(reason.group(1)) if reason else "nothing",
        left="new artefacts of the first chapter beside old ones of the second",
        next_run="sees by the digests what must run again"
        if again.code == 0
        else f"fails: {again.sentence}",
        faults=tuple(faults),
    )


def _age(folder: Path, seconds: int) -> None:
    """Move the times of change of all that is in a folder ahead."""
    for path in [folder, *folder.rglob("*")]:
        times = path.stat()
        ahead = times.st_mtime_ns + seconds * 10**9
        os.utime(path, ns=(times.st_atime_ns, ahead))


FAULTS = (Fault("clock_back", "files are newer than the clock", clock_back),)
