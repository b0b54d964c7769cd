"""What happens beside a run: damaged files, other versions, a broken download."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import psutil
import yaml

from tests.faults.kills import CODE
from tests.faults.scene import CHAPTERS, HOOK, PROFILE, ROOT, RUN, Said, Scene, kill, plain
from tests.faults.stage import Fault, Row, Stage
from tests.faults.turns import BATCH
from tests.http_files import serving, sha256

DATA = "tables/data.parquet"
OTHER = "scikit_learn-0.0.1.dist-info"


def in_turns(stage: Stage) -> Mapping[str, Row]:
    """Damage and change one project in turns; each time the run is gone on with, and compared."""
    if "other_versions" not in stage.turns:
        with stage.scene(stage.half, "changes") as scene:
            for disturb in (unseen_and_versions, damaged_copy, damaged_record_and_artefact):
                rows = disturb(stage, scene)
                found = tuple(scene.faults(stage.reference))
                stage.turns |= {
                    name: replace(row, faults=(*row.faults, *found)) for name, row in rows.items()
                }
                for name in rows:
                    stage.say(f"  {name}: {stage.turns[name]}")
    return stage.turns


def unseen_and_versions(stage: Stage, scene: Scene) -> dict[str, Row]:
    """Change a byte in a way that no time of change tells; then go on with another version."""
    run = scene.start(*CODE[CHAPTERS[1]], code=True, target={"moment": _second_batch(stage)})
    faults = [] if scene.reached(run) else ["the fit was not stopped"]
    kill([psutil.Process(run.pid)])
    run.wait()
    flip_a_byte(scene.run_dir / DATA)
    record = scene.run_dir / f"provenance/{CHAPTERS[0]}.json"
    os.utime(record, ns=(record.stat().st_atime_ns, record.stat().st_mtime_ns))
    scene.call("status", "--profile", PROFILE)  # writes the plan
    said = scene.call("execute", f"{RUN}/plan/plan.json", CHAPTERS[1])
    (scene.run_dir / DATA).unlink()
    unseen = Row(
        when="between two chapters, without a trace in any time of change",
        sees=plain(said.sentence.partition(" s: ")[2], scene.root),
        left="the damaged file: the chapter that would read it has not started",
        next_run="once it is deleted: it is written anew",
        faults=() if said.code == 1 else ("damaged data were read",),
    )
    return {"unseen_damage": unseen, "other_versions": _upgraded(scene, faults)}


def _upgraded(scene: Scene, faults: list[str]) -> Row:
    place = scene.root / "versions" / OTHER
    place.mkdir(parents=True)
    (place / "METADATA").write_text("Metadata-Version: 2.1\nName: scikit-learn\nVersion: 0.0.1\n")
    upgraded = scene.run(env=_of_other_version(scene))
    if not any("batch_0" in moment for moment in scene.moments()):
        faults.append("what another version had kept was gone on from")
    reason = re.search(r"(scikit-learn changed from )[\d.]+( to [\d.]+)", upgraded.out)
    faults += [] if reason else [f"the data were not made again: {upgraded.sentence}"]
    return Row(
        when="after a kill in the midst of a fit (the version is said to differ; the library is "
        "the same)",
        sees="VERSION".join(reason.groups()) if reason else "nothing",
        left="artefacts and progress of the version before",
        next_run=_mended(upgraded, "runs all chapters again; goes on from no progress"),
        faults=tuple(faults),
    )


def damaged_copy(stage: Stage, scene: Scene) -> dict[str, Row]:
    """Cut an executed notebook in half."""
    cut_in_half(scene.run_dir / f"chapters/{CHAPTERS[1]}.ipynb")
    again = scene.run(env=_of_other_version(scene))
    row = Row(
        when="between two runs",
        sees=_reason(again),
        left="an executed notebook that cannot be read",
        next_run=_mended(again, "runs its chapter again"),
    )
    return {"damaged_copy": row}


def damaged_record_and_artefact(stage: Stage, scene: Scene) -> dict[str, Row]:
    """Cut a chapter's record in half; then change one byte of the data as well."""
    record = scene.run_dir / f"provenance/{CHAPTERS[1]}.json"
    cut_in_half(record)
    said = scene.run(env=_of_other_version(scene))
    record.unlink()
    flip_a_byte(scene.run_dir / DATA)
    again = scene.run(env=_of_other_version(scene))
    was_named = said.code == 1 and record.name in said.err
    return {
        "damaged_record": Row(
            when="between two runs",
            sees=re.sub(r" \(.*\)", "", plain(said.sentence, scene.root)),
            left="all as it was",
            next_run=_mended(again, "once it is deleted: runs its chapter again"),
            faults=() if was_named else ("it was not named",),
        ),
        "damaged_artefact": Row(
            when="between two runs",
            sees=_reason(again),
            left="an artefact that is no longer what its record says",
            next_run=_mended(again, "runs its chapter, and those after it, again"),
        ),
    }


def _second_batch(stage: Stage) -> str:
    return stage.first(BATCH, "batch_1").replace("kernel|", "code|", 1)


def _of_other_version(scene: Scene) -> dict[str, str]:
    paths = (scene.root / "versions", ROOT, HOOK)
    return {"PYTHONPATH": os.pathsep.join(map(str, paths))}


def _reason(said: Said) -> str:
    """Take the first chapter's reason out of what `lembas run` says."""
    found = re.search(r"to run: (.*)", said.out)
    return plain(found.group(1)) if found else "nothing"


def broken_download(stage: Stage) -> Row:
    """Kill a download when half of the file has come."""
    content = bytes(range(256)) * 4096
    with stage.scene(stage.template, "download") as scene, serving() as files:
        url = files.put("counts.tsv", content, "stall")
        download = {"counts.tsv": {"url": url, "sha256": sha256(content)}}
        profile = {"title": "Mine", "data": {"files": ["counts.tsv"], "downloads": download}}
        (scene.root / "profiles/mine.yml").write_text(yaml.safe_dump(profile))
        fetch = ("fetch", "--profile", "mine", "--to", "data")
        run = scene.start(*fetch, env={"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"})
        assert files.stalled.wait(60)
        kill([psutil.Process(run.pid)])
        run.wait()
        there = [path.name for path in (scene.root / "data").iterdir() if path.is_file()]
        again = scene.call(*fetch, env={"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"})
        faults = [f"{name} after the kill" for name in there]
        found = {path.name: path for path in (scene.root / "data").iterdir()}
        whole = found.keys() == {"counts.tsv"} and found["counts.tsv"].read_bytes() == content
        faults += [] if whole else ["the file is not what lies on the server"]
    return Row(
        when="kill -9 when half of the file has come",
        sees="the shell says `Killed`",
        left="nothing under the file's name",
        next_run=_mended(again, "brings the whole file, and checks its sha256"),
        faults=tuple(faults),
    )


def flip_a_byte(path: Path) -> None:
    """Change one byte in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut_in_half(path: Path) -> None:
    """Leave the first half of a file."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _mended(again: Said, words: str) -> str:
    return words if again.code == 0 else f"fails: {again.sentence}"


WORDS = {
    "damaged_artefact": "an artefact is damaged",
    "unseen_damage": "an artefact is damaged, unseen",
    "damaged_copy": "an executed notebook is damaged",
    "damaged_record": "a chapter's record is damaged",
    "other_versions": "another version of a library",
}


def _fault(name: str) -> Fault:
    return Fault(name, WORDS[name], lambda stage: in_turns(stage)[name])


FAULTS = (
    *map(_fault, WORDS),
    Fault("broken_download", "an interrupted download", broken_download),
)
