"""Compute glued numbers again from a run's artefacts, in a process of its own."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from itertools import groupby
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from lembas.kernels import environment

TIME_OUT_S = 1800


@dataclass(frozen=True)
class Task:
    """What to execute for one chapter's numbers.

    Attributes:
        chapter: The chapter.
        code: As :class:`lembas.number_code.NumberCode` holds it.
        parameters: The values that the run had.
        threads: Threads that the run had.
    """

    chapter: str
    code: str
    parameters: Mapping[str, Any]
    threads: int


@dataclass(frozen=True)
class Recomputed:
    """What came of it.

    Attributes:
        numbers: Key to text.
        wrote: Artefacts that the code wrote, into a folder that is thrown away: it did not read
            all that it needs.
        trouble: The error that ended it; empty: none.
    """

    numbers: Mapping[str, str] = field(default_factory=dict)
    wrote: tuple[str, ...] = ()
    trouble: str = ""


def recompute(tasks: Iterable[Task], run_folder: Path, root: Path) -> dict[str, Recomputed]:
    """Compute the numbers of several chapters again; nothing is written to the run.

    Chapters with as many threads share a process, which imports what they need once. One that
    fails, or ends its process, leaves the others alone.

    Args:
        tasks: The chapters.
        run_folder: Folder of the run's artefacts.
        root: Project root.

    Returns:
        Chapter to what came of it.
    """
    found: dict[str, Recomputed] = {}
    ordered = sorted(tasks, key=lambda task: task.threads)
    for threads, group in groupby(ordered, key=lambda task: task.threads):
        waiting = list(group)
        with environment(root, threads):
            while waiting:
                made, trouble = _in_a_process(waiting, run_folder)
                if trouble and len(made) < len(waiting):
                    made[waiting[len(made)].chapter] = Recomputed(trouble=trouble)
                found |= made
                waiting = waiting[len(made) :]
    return found


def _in_a_process(tasks: list[Task], run_folder: Path) -> tuple[dict[str, Recomputed], str]:
    """Start a process for some chapters; return what it finished, and what ended it early."""
    with tempfile.TemporaryDirectory(prefix="lembas-") as name:
        request, answers = Path(name, "request.json"), Path(name, "answers.jsonl")
        content = {"run_folder": str(run_folder), "tasks": [asdict(task) for task in tasks]}
        request.write_text(json.dumps(content), encoding="utf-8")
        answers.touch()
        command = [sys.executable, "-P", "-m", "lembas", "recompute", str(request), str(answers)]
        try:
            ended = subprocess.run(
                command, capture_output=True, text=True, timeout=TIME_OUT_S, check=False
            )
            trouble = _last_line(ended.stderr) if ended.returncode else ""
        except subprocess.TimeoutExpired:
            trouble = f"it took longer than {TIME_OUT_S} s"
        made = {}
        for line in answers.read_text(encoding="utf-8").splitlines():
            answer = json.loads(line)
            made[answer["chapter"]] = Recomputed(answer["numbers"], tuple(answer["wrote"]))
    if len(made) < len(tasks) and not trouble:
        trouble = "its process ended without a word"
    return made, trouble


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "its process was ended by the system"


def recompute_here(request: Mapping[str, Any], answers: Path) -> None:
    """Execute tasks one after another; write a line of JSON after each."""
    for task in request["tasks"]:
        numbers, wrote = _execute(task, Path(request["run_folder"]))
        line = json.dumps({"chapter": task["chapter"], "numbers": numbers, "wrote": wrote})
        with answers.open("a", encoding="utf-8") as stream:
            stream.write(f"{line}\n")


def _execute(task: Mapping[str, Any], run_folder: Path) -> tuple[dict[str, str], list[str]]:
    from lembas.artifacts import Run, glued_text

    numbers: dict[str, str] = {}

    def glue(key: str, value: object) -> None:
        numbers[key] = glued_text(key, value)

    def read(kind: str, name: str) -> Any:
        if kind == "dataset":
            return run.read_dataset()
        return {"table": run.read_table, "network": run.read_network, "facts": run.read_facts}[
            kind
        ](name)

    # Beside the run: its artefacts are read, and what the code writes lands in the empty folder.
    with tempfile.TemporaryDirectory(prefix="lembas-") as name:
        scratch = Path(name)
        run = Run(scratch, book=run_folder)
        given = {**task["parameters"], "run_dir": str(run_folder)}
        given |= {"Run": SimpleNamespace(open=lambda _: run), "glue": glue}
        given |= {"_read": read, "_hold": SimpleNamespace}
        exec(compile(task["code"], f"<numbers of {task['chapter']}>", "exec"), given)
        wrote = sorted(
            path.relative_to(scratch).as_posix() for path in scratch.rglob("*") if path.is_file()
        )
    return numbers, wrote
