"""Compose the book's chapters from sources and executed copies, and build the pages."""

import csv
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat

from lembas.errors import ChapterError
from lembas.plan import Plan
from lembas.provenance import read_json, write_json, write_text

COMPOSED = "book/chapters"
HIDDEN = ("run_dir", "data_dir")


def build(plan: Plan) -> Path:
    """Compose the chapters and build the pages; the last good pages stay until these are done.

    Args:
        plan: A run whose chapters have been executed.

    Returns:
        The first page, relative to the project root.

    Raises:
        ChapterError: If a chapter was not run, was run from other code, or the build warns.
    """
    compose(plan)
    target = plan.root / "_build" / ("html" if plan.run_name == "demo" else plan.run_name)
    if plan.run_name != "demo":
        target = target / "html"
    scratch = plan.root / "_build" / f".scratch-{plan.run_name}"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    _run_jupyter_book(plan.root, scratch)
    _swap(scratch / "_build" / "html", target)
    shutil.rmtree(scratch)
    return (target / "index.html").relative_to(plan.root)


def compose(plan: Plan) -> None:
    """Write ``book/chapters``: each source notebook's prose with its executed copy's outputs."""
    notebooks = {name: _composed(plan, name) for name in plan.chapters}
    folder = plan.root / COMPOSED
    scratch = folder.with_name(".chapters")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    explorer = plan.root / plan.run_dir / "explorer"
    if explorer.is_dir():  # files that the explorer's page loads
        shutil.copytree(explorer, scratch / "explorer")
    for name, notebook in notebooks.items():
        write_text(scratch / f"{name}.ipynb", nbformat.writes(notebook))
    for name, rows in _tables(plan).items():
        _write_csv(scratch / "tables" / f"{name}.csv", rows)
    figures = plan.root / plan.run_dir / "figures"
    if figures.is_dir():  # figures that prose pages show
        shutil.copytree(figures, scratch / "figures")
    profile = plan.profile
    page_top = {"profile": profile.name, "title": profile.title, "banner": profile.banner}
    write_json(scratch / "profile.json", page_top)
    _swap(scratch, folder)


def _composed(plan: Plan, name: str) -> nbformat.NotebookNode:
    executed_path = plan.root / plan.executed(name)
    if not executed_path.is_file():
        raise ChapterError(
            f"chapter {name} has not been run; run: lembas run --profile {plan.profile.name}"
        )
    source = nbformat.read(plan.chapters[name].path, as_version=4)
    executed = nbformat.read(executed_path, as_version=4)
    done = [cell for cell in executed.cells if cell.cell_type == "code"]
    injected = [cell for cell in done if _has_tag(cell, "injected-parameters")]
    done = [cell for cell in done if not _has_tag(cell, "injected-parameters")]
    cells = [cell for cell in source.cells if cell.cell_type == "code"]
    if [cell.source for cell in cells] != [cell.source for cell in done]:
        raise ChapterError(
            f"chapter {name} was run from other code than notebooks/{name}.ipynb holds now; "
            f"run: lembas run --profile {plan.profile.name}"
        )
    for cell, result in zip(cells, done, strict=True):
        cell.outputs = [_quiet(output) for output in result.outputs]
        cell.execution_count = result.execution_count
    for cell in injected:
        place = next(i for i, other in enumerate(source.cells) if _has_tag(other, "parameters"))
        source.cells.insert(place + 1, _parameters_shown(cell, plan.profile.name))
    return source


def _parameters_shown(injected: nbformat.NotebookNode, profile: str) -> nbformat.NotebookNode:
    lines = injected.source.splitlines()
    kept = [line for line in lines if line.split(" = ")[0] not in HIDDEN and line[:1] != "#"]
    text = "\n".join([f"# the same in profile {profile}", *kept])
    cell = nbformat.v4.new_code_cell(text, execution_count=injected.execution_count)
    cell.id = injected.get("id", cell.id)
    cell.metadata["tags"] = ["hide-input"]
    return cell


def _quiet(output: nbformat.NotebookNode) -> nbformat.NotebookNode:
    # A progress bar rewrites its line; only the last state of a line belongs in a report.
    if output.output_type == "stream":
        lines = output.text.split("\n")
        output.text = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)
    return output


def _has_tag(cell: nbformat.NotebookNode, tag: str) -> bool:
    return tag in cell.metadata.get("tags", [])


def _tables(plan: Plan) -> dict[str, list[Sequence[Any]]]:
    records = {name: _record(plan, name) for name in plan.chapters}
    first = next(iter(records.values()))
    about = [("Profile", plan.profile.name), ("Title", plan.profile.title)]
    about += [("Data", plan.profile.description), ("Simulated", _yes(plan.profile.simulated))]
    about += [(key.capitalize(), value) for key, value in first["machine"].items()]
    return {
        "profile": [("what", "value"), *about],
        "parameters": [("chapter", "parameter", "value", "meaning"), *_parameter_rows(plan)],
        "versions": [("package", "version"), *first["versions"].items()],
        "digests": [("chapter", "role", "artefact", "sha256"), *_digest_rows(records)],
        "durations": [
            ("chapter", "started (UTC)", "seconds", "peak memory (MiB)", "threads"),
            *(_duration_row(name, record) for name, record in records.items()),
        ],
    }


def _record(plan: Plan, name: str) -> dict[str, Any]:
    record = read_json(plan.root / plan.run_dir / "provenance" / f"{name}.json")
    if not record:
        raise ChapterError(f"chapter {name} has no provenance; run it again: lembas run {name}")
    return record


def _parameter_rows(plan: Plan) -> list[Sequence[Any]]:
    rows: list[Sequence[Any]] = []
    for name, chapter in plan.chapters.items():
        values = _record(plan, name)["recipe"]["parameters"]
        rows += [
            (name, key, _shown(value), chapter.parameters[key].help)
            for key, value in values.items()
            if key in chapter.parameters and key not in HIDDEN
        ]
    return rows


def _digest_rows(records: Mapping[str, Mapping[str, Any]]) -> list[Sequence[Any]]:
    return [
        (name, role, Path(path).name if role == "source" else path, digest[:16])
        for name, record in records.items()
        for role, key in (("source", "sources"), ("written", "writes"))
        for path, digest in record[key].items()
    ]


def _duration_row(name: str, record: Mapping[str, Any]) -> Sequence[Any]:
    started = record["started"].removesuffix("+00:00").replace("T", " ")
    seconds, memory = f"{record['duration_s']:.1f}", f"{record['peak_memory_mib']:.0f}"
    return (name, started, seconds, memory, record["threads"])


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{key}: {_shown(part)}" for key, part in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _yes(flag: bool) -> str:
    return "yes" if flag else "no"


def _write_csv(path: Path, rows: Sequence[Sequence[Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows(rows)


def _run_jupyter_book(root: Path, scratch: Path) -> None:
    # A warning is an error: a missing glued number is only a warning and an empty place.
    start = "from jupyter_book.cli.main import main; main()"  # the package has no __main__
    command = [sys.executable, "-P", "-c", start, "build", str(root)]
    command += ["--path-output", str(scratch), "-W", "-n", "--keep-going", "--all"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    result = subprocess.run(
        command,
        cwd=root,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    log = scratch.parent / f"{scratch.name.removeprefix('.scratch-')}.log"
    log.write_text(result.stdout, encoding="utf-8")
    page = scratch / "_build" / "html" / "index.html"
    if result.returncode != 0 or not page.is_file():
        shown = [line for line in result.stdout.splitlines() if _matters(line)][:5]
        raise ChapterError(
            "the pages were not built; the last good ones are untouched: "
            f"{' | '.join(shown) or 'no reason given'} (whole log: {log.relative_to(root)})"
        )


def _matters(line: str) -> bool:
    return any(sign in line for sign in ("WARNING:", "ERROR:", "CRITICAL:", "rror:"))


def _swap(new: Path, place: Path) -> None:
    old = place.with_name(f".{place.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.exists():
        place.rename(old)
    new.rename(place)
    shutil.rmtree(old, ignore_errors=True)
