"""Make a tiny project with three chapters, to try the runner on."""

import shutil
from pathlib import Path
from typing import Any

import nbformat

from lembas.provenance import BOX, PARTS, write_json

ROOT = Path(__file__).resolve().parents[1]
FIRST = 'run_dir: str = "results/demo"  # folder of this run'
PROFILE = """
title: Toy
simulated: true
banner: Simulated data
time_out_s: {default: 60}
chapters: {}
"""


def write_notebook(
    root: Path,
    name: str,
    *,
    reads: list[str],
    writes: list[str],
    parameters: str = "",
    cells: list[str],
    prose: str = "Some prose.",
    pieces: dict[str, str] | None = None,
) -> Path:
    """Write one chapter's source notebook."""
    notebook = nbformat.v4.new_notebook()
    notebook.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    notebook.metadata["language_info"] = {"name": "python"}
    notebook.metadata["lembas"] = {"reads": reads, "writes": writes}
    if pieces is not None:
        notebook.metadata["lembas"]["pieces"] = pieces
    first = nbformat.v4.new_code_cell("\n".join(filter(None, [FIRST, parameters])), id="p")
    first.metadata["tags"] = ["parameters"]
    notebook.cells = [nbformat.v4.new_markdown_cell(f"# Chapter {name}\n\n{prose}", id="m"), first]
    notebook.cells += [nbformat.v4.new_code_cell(c, id=f"c{i}") for i, c in enumerate(cells)]
    path = root / "notebooks" / f"{name}.ipynb"
    path.parent.mkdir(exist_ok=True)
    nbformat.write(notebook, path)
    return path


def write_data_chapter(root: Path, *, prose: str = "Some prose.") -> Path:
    """Write 01_data, which uses the toy package and writes one table."""
    return write_notebook(
        root,
        "01_data",
        reads=[],
        writes=["tables/a.txt"],
        parameters="seed: int = 1  # seed of the generator",
        cells=[
            "from pathlib import Path\nfrom lembas.toy import double",
            "table = Path(run_dir) / 'tables/a.txt'",
            "table.parent.mkdir(parents=True, exist_ok=True)",
            "table.write_text(str(double(seed)))",
        ],
        prose=prose,
    )


def write_test_chapter(root: Path, action: str = "pass") -> Path:
    """Write 03_test, which reads 01_data's table and does ``action`` before it writes its own."""
    return write_notebook(
        root,
        "03_test",
        reads=["tables/a.txt"],
        writes=["tables/c.txt"],
        parameters="rate: float = 0.5  # share",
        cells=[
            "from pathlib import Path\nimport os, time",
            action,
            "(Path(run_dir) / 'tables/c.txt').write_text('c')",
        ],
    )


def write_record(run: Path, chapter: str, **parts: Any) -> Path:
    """Write the record of a chapter that has run; parts that are not given are empty."""
    kinds = {**PARTS, **BOX}
    empty = {name: (kind if isinstance(kind, type) else kind[0])() for name, kind in kinds.items()}
    path = run / "provenance" / f"{chapter}.json"
    write_json(path, {**empty, "recipe": {"parameters": {}}, **parts})
    return path


SHARING = """
import os, time
from pathlib import Path

def share(run, parameters, share):
    kept = Path(run.folder, "unfinished", "x", share.name)
    kept.parent.mkdir(parents=True, exist_ok=True)
    with Path(run.folder, "made.txt").open("a") as made:
        made.write(share.name + " ")
    {action}
    kept.write_text(str(int(share.number) * parameters["factor"]))
    return 1
"""


def write_share(root: Path, action: str = "pass") -> None:
    """Write the function that makes the pieces of 02_fit, which does ``action`` in between."""
    (root / "lembas" / "sharing.py").write_text(SHARING.replace("{action}", action))


def scatter_fit(root: Path, *, made_by: str = "lembas.sharing.share") -> None:
    """Make 02_fit a chapter that adds up its pieces, and makes those that are missing."""
    # The toy's package has no runner: that of the real one is found behind it.
    with (root / "lembas" / "__init__.py").open("a") as package:
        package.write(f"__path__.append({str(ROOT / 'lembas')!r})\n")
    write_share(root)
    write_notebook(
        root,
        "02_fit",
        reads=["tables/a.txt"],
        writes=["models/x/"],
        parameters="factor: int = 1  # of each piece",
        cells=[
            "import shutil\nfrom pathlib import Path",
            "kept = Path(run_dir) / 'unfinished/x'",
            "found = sorted(path.read_text() for path in kept.glob('*of*'))",
            "model = Path(run_dir) / 'models/x'\nmodel.mkdir(parents=True, exist_ok=True)",
            "(model / 'w').write_text(' '.join(found))",
            "shutil.rmtree(kept, ignore_errors=True)",
        ],
        pieces={"made_by": made_by, "kept_in": "unfinished/x/"},
    )


def make_project(root: Path) -> Path:
    """Make a project of three chapters: 01_data, and 02_fit and 03_test that read its table."""
    shutil.copy(ROOT / "Snakefile", root / "Snakefile")
    (root / "profiles").mkdir()
    (root / "profiles" / "demo.yml").write_text(PROFILE)
    (root / "_toc.yml").write_text(
        "format: jb-book\nroot: book/intro\nchapters:\n"
        "  - file: book/chapters/01_data\n  - file: book/chapters/02_fit\n"
        "  - file: book/chapters/03_test\n  - file: book/reproducibility\n"
    )
    package = root / "lembas"
    package.mkdir()
    (package / "__init__.py").write_text('_EXPORTS: dict[str, str] = {"double": "lembas.toy"}\n')
    (package / "toy.py").write_text("def double(x):\n    return 2 * x\n")
    (package / "unused.py").write_text("ANSWER = 42\n")
    write_data_chapter(root)
    write_notebook(
        root,
        "02_fit",
        reads=["tables/a.txt"],
        writes=["models/x/"],
        cells=[
            "from pathlib import Path",
            "model = Path(run_dir) / 'models/x'\nmodel.mkdir(parents=True, exist_ok=True)",
            "(model / 'w').write_text((Path(run_dir) / 'tables/a.txt').read_text())",
        ],
    )
    write_test_chapter(root)
    return root
