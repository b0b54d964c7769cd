"""Make a small project whose chapters glue numbers, and run it once."""

from __future__ import annotations

import contextlib
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import nbformat
import pytest

from lembas import artifacts, execution
from lembas import plan as plan_of
from lembas.crate import write_manifest
from lembas.execution import Job
from lembas.plan import Plan, make_plan, write_plan
from lembas.provenance import digest, digests, read_json, write_json
from tests.toy import ROOT, make_project, write_notebook

IMPORTS = "import pandas as pd\nfrom lembas.artifacts import Run, glue\nrun = Run.open(run_dir)"
PROSE = "The mean is {glue:text}`mean:.2f`, said so: {glue:text}`said`"


def write_counts(root: Path, extra: str = "pass") -> Path:
    """Write 01_data: draws numbers, keeps them, glues their count."""
    return write_notebook(
        root,
        "01_data",
        reads=[],
        writes=["tables/counts.parquet", "models/x/"],
        parameters="seed: int = 1  # seed of the generator\nsize: int = 5  # numbers drawn",
        cells=[
            f"import numpy as np\n{IMPORTS}",
            "values = np.random.default_rng(seed).normal(size=size)\n"
            "counts = pd.DataFrame({'model': 'null', 'value': values})",
            "run.write_table('counts', counts)\nrun.place('models', 'x', 'w').write_text('w')",
            extra,
            "glue('n', len(counts))",
        ],
    )


def write_scores(root: Path, glues: str = "glue('mean', scores['value'].mean())") -> Path:
    """Write 02_fit: averages the numbers, and glues the mean and a sentence."""
    return write_notebook(
        root,
        "02_fit",
        reads=["tables/counts.parquet"],
        writes=["tables/scores.parquet"],
        cells=[
            IMPORTS,
            "from time import time\nscores = run.read_table('counts').assign(fit_s=time())",
            "run.write_table('scores', scores)",
            f"{glues}\nglue('said', f\"It's {{scores['value'].max():.2f}}, at most.\")",
            "glue('fit_s', scores['fit_s'].max())",
        ],
        prose=PROSE,
    )


def make_glued_project(root: Path) -> Path:
    """Make the project: the toy's, with two chapters that glue and none besides."""
    make_project(root)
    with (root / "lembas" / "__init__.py").open("a") as package:
        package.write(f"__path__.append({str(ROOT / 'lembas')!r})\n")
    (root / "notebooks" / "03_test.ipynb").unlink()
    write_counts(root)
    write_scores(root)
    (root / "book").mkdir()
    (root / "book" / "intro.md").write_text("{glue:text}`chapters/01_data.ipynb::n` numbers.\n")
    return root


def execute_all(root: Path, *, run_name: str | None = None) -> Plan:
    """Run the chapters in this process, which takes no kernel, and write the manifest."""
    plan = make_plan(root, "demo", run_name=run_name)
    content = read_json(write_plan(plan))
    for name in plan.chapters:
        job, recipe = Job.from_plan(content, name), plan_of.recipe(plan, name)
        executed = _executed(job, root, recipe["parameters"])
        path = root / job.executed
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(executed, path)
        cost = {"started": "2026-01-02T03:04:05+00:00", "duration_s": 1.5, "peak_memory_mib": 9.5}
        read = {"reads": digests(job.reads, root / job.run_dir), "executed": digest(path)}
        record = {"chapter": name, **cost, **execution._provenance(job, root, recipe), **read}
        write_json(root / job.run_dir / "provenance" / f"{name}.json", record)
    write_manifest(plan)
    return plan


def _executed(job: Job, root: Path, parameters: dict[str, Any]) -> nbformat.NotebookNode:
    """Execute a notebook's cells; what they glue becomes their outputs, as in a kernel."""
    notebook = nbformat.read(root / job.notebook, as_version=4)
    values = {**parameters, "run_dir": job.run_dir}
    injected = nbformat.v4.new_code_cell("\n".join(f"{k} = {v!r}" for k, v in values.items()))
    injected.metadata["tags"] = ["injected-parameters"]
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    notebook.cells.insert(notebook.cells.index(cells[0]) + 1, injected)
    given: dict[str, Any] = {}
    for cell in [cells[0], injected, *cells[1:]]:
        shown = partial(_show, cell.outputs)
        with mock.patch.object(artifacts, "display", shown), contextlib.chdir(root):
            exec(cell.source, given)
    return notebook


def _show(outputs: list[Any], data: dict[str, str], **options: Any) -> None:
    metadata = options["metadata"]
    outputs.append(nbformat.v4.new_output("display_data", data=data, metadata=metadata))


@pytest.fixture(scope="session")
def glued_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that was run; copy it before something is changed."""
    root = make_glued_project(tmp_path_factory.mktemp("glued"))
    execute_all(root)
    return root
