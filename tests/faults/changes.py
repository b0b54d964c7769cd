"""What happens beside a run: damaged files, other versions, a broken download."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import psutil
import yaml

from tests.faults.scene import CHAPTERS, HOOK, ROOT, Said, family, kill, plain
from tests.faults.stage import Fault, Row, Stage
from tests.faults.turns import BATCH
from tests.http_files import serving, sha256

OTHER = "scikit_learn-0.0.1.dist-info"


def damaged_artefact(stage: Stage) -> Row:
    """Change one byte of the dataset."""
    return _damaged(
        stage,
        "tables/data.parquet",
        flip_a_byte,
        left="an artefact that is no longer what its record says",
        next_run="its chapter, and those after it, run again",
    )


def damaged_copy(stage: Stage) -> Row:
    """Cut an executed notebook in half."""
    return _damaged(
        stage,
        f"chapters/{CHAPTERS[1]}.ipynb",
        cut_in_half,
        left="an executed notebook that cannot be read",
        next_run="its chapter runs again",
    )


def _damaged(
    stage: Stage, name: str, damage: Callable[[Path], None], *, left: str, next_run: str
) -> Row:
    with stage.scene(stage.reference, "damaged") as scene:
        damage(scene.run_dir / name)
        again = scene.run()
        reason = re.search(r"to run: (.*)", again.out)
        return Row(
            when="between two runs",
            sees=plain(reason.group(1)) if reason else "nothing",
            left=left,
            next_run=next_run if again.code == 0 else f"fails: {again.sentence}",
            faults=tuple(scene.faults(stage.reference)),
        )


def unseen_damage(stage: Stage) -> Row:
    """Change one byte in a way that no time of change tells, as a bad disk does."""
    with stage.scene(stage.half, "unseen") as scene:
        flip_a_byte(scene.run_dir / "tables/data.parquet")
        record = scene.run_dir / f"provenance/{CHAPTERS[0]}.json"
        os.utime(record, ns=(record.stat().st_atime_ns, record.stat().st_mtime_ns))
        said = scene.run()
        (scene.run_dir / "tables/data.parquet").unlink()
        again = scene.run()
        faults = scene.faults(stage.reference)
        faults += [] if said.code == 1 else ["damaged data were read"]
        return Row(
            when="between two chapters, without a trace in any time of change",
            sees=plain(said.sentence, scene.root),
            left="the damaged file: the chapter that would read it has not started",
            next_run=_mended(again, "once it is deleted: it is written anew"),
            faults=tuple(faults),
        )


def damaged_record(stage: Stage) -> Row:
    """Cut a chapter's record in half."""
    with stage.scene(stage.reference, "record") as scene:
        record = scene.run_dir / f"provenance/{CHAPTERS[1]}.json"
        cut_in_half(record)
        said = scene.run()
        record.unlink()
        again = scene.run()
        faults = scene.faults(stage.reference)
        faults += [] if said.code == 1 and record.name in said.err else ["it was not named"]
        return Row(
            when="between two runs",
            sees=re.sub(r" \(.*?\)", "", plain(said.sentence, scene.root)),
            left="all as it was",
            next_run=_mended(again, "once it is deleted: its chapter runs again"),
            faults=tuple(faults),
        )


def other_versions(stage: Stage) -> Row:
    """Go on with another version of a library than the one that was used so far."""
    with stage.scene(stage.half, "versions") as scene:
        run = scene.start_run(target={"moment": stage.first(BATCH, "batch_1")})
        assert scene.reached(run) is not None
        kill(family(psutil.Process(run.pid)))
        run.wait()
        place = scene.root / "versions" / OTHER
        place.mkdir(parents=True)
        (place / "METADATA").write_text(
            "Metadata-Version: 2.1\nName: scikit-learn\nVersion: 0.0.1\n"
        )
        paths = os.pathsep.join(map(str, (place.parent, ROOT, HOOK)))
        upgraded = scene.run(env={"PYTHONPATH": paths})
        n_fitted = sum("batch_0" in moment for moment in scene.moments())
        faults = scene.faults(stage.reference)
        faults += [] if n_fitted else ["what another version had kept was gone on from"]
        reason = re.search(rf"{CHAPTERS[0]} +to run: (.*)", upgraded.out)
        faults += [] if reason else [f"the data were not made again: {upgraded.sentence}"]
        return Row(
            when="after a kill in the midst of a fit (the version is said to differ; the library "
            "is the same)",
            sees=re.sub(r"from [\d.]+", "from VERSION", reason.group(1)) if reason else "nothing",
            left="artefacts and progress of the version before",
            next_run=_mended(upgraded, "all chapters run again; nothing is gone on from"),
            faults=tuple(faults),
        )


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


FAULTS = (
    Fault("damaged_artefact", "an artefact is damaged", damaged_artefact),
    Fault("unseen_damage", "an artefact is damaged, unseen", unseen_damage),
    Fault("damaged_copy", "an executed notebook is damaged", damaged_copy),
    Fault("damaged_record", "a chapter's record is damaged", damaged_record),
    Fault("other_versions", "another version of a library", other_versions),
    Fault("broken_download", "an interrupted download", broken_download),
)
