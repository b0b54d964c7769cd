"""Readers of profiles, records, notebooks and parameters, and the survey of a folder."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import nbformat
import yaml

from lembas.chapters import check_parameters, read_chapter
from lembas.commands.shared import named_value
from lembas.comparison import Records, inputs_changed
from lembas.execution import Job
from lembas.folder_survey import look
from lembas.pieces import PieceJob
from lembas.plan import make_plan, recipe, write_plan
from lembas.profile_draft import profile_text
from lembas.proposal import propose
from lembas.provenance import read_json
from lembas.render import compose
from lembas.survey_words import document, lines
from lembas.workflow import check_elsewhere
from tests import data_folder, toy
from tests.fuzz.binary_mutations import damaged_hdf5, damaged_parquet
from tests.fuzz.drawn import json_texts, parameter_texts, yaml_texts
from tests.fuzz.mutations import damaged, damaged_json, damaged_text, damaged_tree
from tests.fuzz.valid import Made, counts, edges, expression, write
from tests.test_comparison import RECORD, write_run

PROFILE = """
title: Mine
description: Some data.
simulated: true
banner: Simulated
data:
  folder: data
  files: [a.tsv]
  downloads:
    a.tsv: {url: "https://example.org/a.tsv", sha256: %s}
threads: {default: 1}
time_out_s: {default: 60, 01_data: 5}
scatter: {}
resources: {default: {mem_mb: 100, runtime: 5, pieces: {mem_mb: 10}}}
chapters:
  01_data: {seed: 3}
  03_test: {rate: 0.25}
""" % ("a" * 64)
SLURM = "executor: local\njobs: 10\ndefault-resources: {mem_mb: 4000}\nset-threads: {a: 1}\n"
RUN_RECORD: dict[str, Any] = {
    **RECORD,
    "chapter": "01_data",
    "profile": "demo",
    "started": "2026-01-01T00:00:00+00:00",
    "duration_s": 1.5,
    "peak_memory_mib": 100.0,
    "reads": {},
}


def _damaged_yaml(content: bytes, rng: random.Random) -> bytes:
    """Change the tree, the lines, or the bytes."""
    if rng.random() < 0.5:
        tree = damaged_tree(yaml.safe_load(content), rng)
        try:
            return yaml.safe_dump(tree, sort_keys=False).encode("utf-8", "surrogatepass")
        except (RecursionError, ValueError):
            return json.dumps(tree).encode()
    return damaged_text(content, rng)


def _profile(folder: Path) -> Made:
    toy.make_project(folder)
    write(folder / "data" / "a.tsv", "a\n")
    target = write(folder / "profiles" / "mine.yml", PROFILE)

    def read(path: Path) -> Any:
        plan = make_plan(folder, "mine")
        return write_plan(plan), [recipe(plan, name) for name in plan.chapters]

    return Made((target,), read, left=folder / "results")


def _cluster(folder: Path) -> Made:
    target = write(folder / "slurm" / "config.yaml", SLURM)
    return Made((target,), lambda path: check_elsewhere(path.parent))


def _provenance(folder: Path) -> Made:
    write_run(folder, "demo", RUN_RECORD)
    write_run(folder, "other", RUN_RECORD)
    target = folder / "results" / "demo" / "provenance" / "01_data.json"

    def read(path: Path) -> Any:
        return inputs_changed(Records.read("demo", folder), Records.read("other", folder))

    return Made((target,), read)


def _plan_file(folder: Path) -> Made:
    toy.make_project(folder)
    target = write_plan(make_plan(folder, "demo"))
    plan = read_json(target)
    plan["chapters"]["02_fit"] |= {"made_by": "lembas.sharing.share", "pieces": {"1of2": "a.json"}}
    target.write_text(json.dumps(plan))

    def read(path: Path) -> Any:
        plan = read_json(path)
        return Job.from_plan(plan, "01_data"), PieceJob.from_plan(plan, "02_fit", "1of2")

    return Made((target,), read)


def _notebook(folder: Path) -> Made:
    toy.make_project(folder)
    return Made((folder / "notebooks" / "01_data.ipynb",), read_chapter)


def _executed(folder: Path) -> Made:
    """Hold a run whose notebooks were executed by hand, as far as the pages can tell."""
    toy.make_project(folder)
    plan = make_plan(folder, "demo")
    for name, chapter in plan.chapters.items():
        notebook = nbformat.read(chapter.path, as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs = [nbformat.v4.new_output("stream", text="a\rb\n")]
                cell.execution_count = 1
        write(folder / plan.executed(name), nbformat.writes(notebook))
        parameters = {name: value.default for name, value in chapter.parameters.items()}
        record = {**RUN_RECORD, "recipe": {**RECORD["recipe"], "parameters": parameters}}
        place = folder / plan.run_dir / "provenance" / f"{name}.json"
        write(place, json.dumps(record))
    first = next(iter(plan.chapters))
    targets = (folder / plan.executed(first), folder / plan.run_dir / f"provenance/{first}.json")
    return Made(targets, lambda path: compose(plan), left=folder / "book" / "chapters")


def _parameter(folder: Path) -> Made:
    toy.make_project(folder)
    chapter = read_chapter(folder / "notebooks" / "01_data.ipynb")
    target = write(folder / "typed.txt", "seed=3")

    def read(path: Path) -> Any:
        name, value = named_value(
            path.read_text("utf-8", "replace"), option="-p", example="seed=889"
        )
        return check_parameters(chapter, {name: value}, "-p")

    return Made((target,), read)


def _survey(folder: Path) -> Made:
    table, raw = expression(), counts()
    data_folder.write_series(folder, table.index)
    write(folder / "network.tsv", edges().to_csv(sep="\t", index=False))
    write(folder / "counts.tsv", raw.T.to_csv(sep="\t", index_label="gene"))
    table.to_parquet(folder / "log.parquet")
    targets = (folder / "network.tsv", folder / "counts.tsv", folder / "series.tsv")

    def read(path: Path) -> Any:
        found = look(folder)
        draft = propose(found)
        text = profile_text(draft, "mine") if not draft.questions and draft.study else ""
        return text, document(found, draft), lines(found, draft)

    return Made((*targets, folder / "log.parquet"), read)


def _damaged_any(content: bytes, rng: random.Random) -> bytes:
    """Damage a file by what it is."""
    if content.startswith(b"PAR1"):
        return damaged_parquet(content, rng)
    return damaged_hdf5(content, rng) if content[:4] == b"\x89HDF" else damaged_text(content, rng)


_KEYS = ("title", "description", "simulated", "banner", "data", "threads", "time_out_s", "chapters")
_RECORD_KEYS = (*RUN_RECORD,)
READERS = {
    "profile": {
        "what": "profiles (YAML), up to the plan",
        "make": _profile,
        "change": _damaged_yaml,
        "drawn": yaml_texts(*_KEYS, "scatter", "resources"),
        "weight": 0.8,
    },
    "cluster-profile": {
        "what": "workflow profiles of clusters (YAML)",
        "make": _cluster,
        "change": _damaged_yaml,
        "drawn": yaml_texts("executor", "jobs"),
        "weight": 2.0,
    },
    "provenance": {
        "what": "provenance records, compared",
        "make": _provenance,
        "change": damaged_json,
        "drawn": json_texts(*_RECORD_KEYS),
        "weight": 3.0,
    },
    "plan": {
        "what": "plans, as jobs read them",
        "make": _plan_file,
        "change": damaged_json,
        "drawn": json_texts("chapters", "profile", "run_dir"),
        "weight": 5.0,
    },
    "notebook": {
        "what": "notebooks of chapters",
        "make": _notebook,
        "change": damaged_json,
        "drawn": json_texts("cells", "metadata", "nbformat", "nbformat_minor"),
        "weight": 2.0,
    },
    "executed": {
        "what": "executed notebooks and records, as `build` composes them",
        "make": _executed,
        "change": damaged_json,
        "drawn": json_texts("cells", "metadata", "nbformat", "nbformat_minor"),
        "weight": 0.6,
    },
    "parameter": {
        "what": "values given with -p",
        "make": _parameter,
        "change": damaged,
        "drawn": parameter_texts,
        "weight": 8.0,
    },
    "survey": {
        "what": "folders, as `lembas init` looks at them",
        "make": _survey,
        "change": _damaged_any,
        "weight": 0.06,
    },
}
