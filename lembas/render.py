"""Compose the book's chapters from sources and executed copies, and build the pages."""

import csv
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import nbformat

from lembas.aged import read_record
from lembas.browser_print import print_page
from lembas.citation import citation_box
from lembas.errors import ChapterError
from lembas.figure_files import taken_out
from lembas.notebook_files import read_notebook
from lembas.page_box import provenance_box, started
from lembas.plain_text import as_markdown
from lembas.plain_yaml import read_yaml
from lembas.plan import Plan
from lembas.profiles import checked_address
from lembas.provenance import (
    digest,
    write_json,
    write_text,
)
from lembas.rebuild import Kept, keep_times, state

COMPOSED = "book/chapters"
PDF = "report.pdf"
HIDDEN = ("run_dir", "data_dir")


def build(plan: Plan, *, address: str = "", browser: Path | None = None) -> Path:
    """Compose the chapters and build the pages; the last good pages stay until these are done.

    After an edit of prose only the pages it touches are made anew; after any other change all are
    (see ``lembas/rebuild.py``).

    Args:
        plan: A run whose chapters have been executed.
        address: Where the pages will be published; empty: that of the profile, if any.
        browser: Chromium or Chrome to print the book with; None: no PDF.

    Returns:
        The first page, relative to the project root.

    Raises:
        ChapterError: If a chapter was not run, was run from other code, or the build warns.
        ValueError: If the address is none of the web.
    """
    compose(plan, address=address)
    target = pages_of(plan)
    _restore(target)
    kept = Kept(plan.root / "_build" / f".kept-{plan.run_name}")
    scratch = plan.root / "_build" / f".scratch-{plan.run_name}"
    shutil.rmtree(scratch, ignore_errors=True)
    made = scratch / "_build"
    made.mkdir(parents=True)
    now = state(plan.root)
    again = kept.lend(now, target, made)
    _run_jupyter_book(plan.root, scratch, *([] if again else ["--all"]))
    if browser is not None:
        _print(plan.root, scratch, browser)
    _swap(made / "html", target)
    kept.keep(now, target, made)
    shutil.rmtree(scratch)
    return (target / "index.html").relative_to(plan.root)


def pages_of(plan: Plan) -> Path:
    """Give the folder of a run's pages."""
    own = () if plan.run_name == "demo" else (plan.run_name,)
    return plan.root.joinpath("_build", *own, "html")


def _print(root: Path, scratch: Path, browser: Path) -> None:
    """Build the book as one page, apart from the site, and print it into the site."""
    apart = scratch / "print"
    apart.mkdir()
    _run_jupyter_book(root, apart, "--all", "--builder", "singlehtml")
    # Sphinx writes the page into the root page's folder, with addresses from the folder above.
    first = read_yaml((root / "_toc.yml").read_text(encoding="utf-8"))["root"]
    pages = apart / "_build" / "singlehtml"
    shutil.copyfile(pages / f"{first}.html", pages / "whole_book.html")
    print_page(pages / "whole_book.html", scratch / "_build" / "html" / PDF, browser)


def compose(plan: Plan, *, address: str = "") -> None:
    """Write ``book/chapters``: each source notebook's prose with its executed copy's outputs.

    Args:
        plan: A run whose chapters have been executed.
        address: As in :func:`build`.
    """
    address = checked_address(address or plan.profile.address, "the address of the pages")
    notebooks = {name: _composed(plan, name) for name in plan.chapters}
    drawn = {name: taken_out(notebook, name) for name, notebook in notebooks.items()}
    folder = plan.root / COMPOSED
    scratch = folder.with_name(".chapters")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    for name, notebook in notebooks.items():
        write_text(scratch / f"{name}.ipynb", nbformat.writes(notebook))
    _write_cards(plan, scratch)
    for name, rows in _tables(plan).items():
        _write_csv(scratch / "tables" / f"{name}.csv", rows)
    for files in drawn.values():
        for stem, of_figure in files.items():
            of_figure.write(scratch / "figures", stem)
    _add_parts(plan, scratch)
    profile = plan.profile
    page_top = {"profile": profile.name, "title": profile.title, "banner": profile.banner}
    write_json(scratch / "profile.json", {**page_top, "address": address})
    keep_times(scratch, folder)
    _swap(scratch, folder)


def _add_parts(plan: Plan, scratch: Path) -> None:
    """Copy what pages that are no chapters show or load."""
    run = plan.root / plan.run_dir
    for part in ("figures", "explorer"):
        if (run / part).is_dir():
            shutil.copytree(run / part, scratch / part, dirs_exist_ok=True)
    if (cover := run / "tables" / "cover.csv").is_file():
        shutil.copy(cover, scratch / "tables")
    if (citation := plan.root / "CITATION.cff").is_file():
        write_text(scratch / "citation.md", citation_box(citation))


def _composed(plan: Plan, name: str) -> nbformat.NotebookNode:
    executed_path = plan.root / plan.executed(name)
    if not executed_path.is_file():
        raise ChapterError(
            f"chapter {name} has not been run; run: lembas run --profile {plan.profile.name}"
        )
    source = read_notebook(plan.chapters[name].path, f"notebooks/{name}.ipynb")
    executed = read_notebook(executed_path, plan.executed(name))
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
    source.cells.append(_box(plan, name))
    return source


def _box(plan: Plan, name: str) -> nbformat.NotebookNode:
    text = provenance_box(
        _record(plan, name),
        run_name=plan.run_name,
        simulated=plan.profile.simulated,
        notebook_digest=digest(plan.chapters[name].path),
    )
    return nbformat.v4.new_markdown_cell(text, id="provenance-box")


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


def _write_cards(plan: Plan, folder: Path) -> None:
    from lembas.card_pages import write_card_pages  # tables are slow to import

    write_card_pages(plan, folder)


def _record(plan: Plan, name: str) -> dict[str, Any]:
    record = read_record(plan, name)
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
    seconds, memory = f"{record['duration_s']:.1f}", f"{record['peak_memory_mib']:.0f}"
    return (name, started(record), seconds, memory, record["threads"])


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{key}: {_shown(part)}" for key, part in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _yes(flag: bool) -> str:
    return "yes" if flag else "no"


def _write_csv(path: Path, rows: Sequence[Sequence[Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # The pages read the cells as Markdown: a name in a profile is not to become mark-up.
    cells = [[as_markdown(str(cell)) for cell in row] for row in rows]
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows(cells)


def _run_jupyter_book(root: Path, scratch: Path, *options: str) -> None:
    # A warning is an error: a missing glued number is only a warning and an empty place.
    start = "from jupyter_book.cli.main import main; main()"  # the package has no __main__
    command = [sys.executable, "-P", "-c", start, "build", str(root)]
    command += ["--path-output", str(scratch), "-W", "-n", "--keep-going", *options]
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
    said = click.unstyle(result.stdout)  # Sphinx is told to write colours, wherever to
    log = scratch.parent / f"{scratch.name.removeprefix('.scratch-')}.log"
    log.write_text(said, encoding="utf-8")
    page = next((scratch / "_build").glob("*html/index.html"), None)
    if result.returncode != 0 or page is None:
        shown = [line for line in said.splitlines() if _matters(line)][:5]
        raise ChapterError(
            "the pages were not built; the last good ones are untouched: "
            f"{' | '.join(shown) or 'no reason given'} (whole log: {log.relative_to(root)})"
        )


def _matters(line: str) -> bool:
    return any(sign in line for sign in ("WARNING:", "ERROR:", "CRITICAL:", "rror:"))


def _swap(new: Path, place: Path) -> None:
    old = _old(place)
    shutil.rmtree(old, ignore_errors=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.exists():
        place.rename(old)
    new.rename(place)
    shutil.rmtree(old, ignore_errors=True)


def _restore(place: Path) -> None:
    """Put back what a build that was killed had moved aside."""
    if not place.exists() and _old(place).exists():
        _old(place).rename(place)


def _old(place: Path) -> Path:
    return place.with_name(f".{place.name}.old")
