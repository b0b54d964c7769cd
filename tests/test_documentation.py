"""Pages name what is there: modules, tests, files, versions; and every public name is described."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml

from lembas.baselines import REGISTRY

ROOT = Path(__file__).resolve().parents[1]
BOOK = ROOT / "book"
PAGES = sorted(path for path in BOOK.rglob("*.md") if "chapters" not in path.parts)
MODULES = sorted((ROOT / "lembas").rglob("*.py"))
API = "\n".join(path.read_text() for path in sorted((BOOK / "api").glob("*.md")))
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text())
ZENODO = json.loads((ROOT / ".zenodo.json").read_text())


def public_definitions(path: Path) -> list[ast.AST]:
    """Find a module's public functions and classes, and the public methods of these."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    tree = ast.parse(path.read_text())
    found: list[ast.AST] = [tree]
    for node in tree.body:
        if isinstance(node, kinds) and not node.name.startswith("_"):
            found.append(node)
            members = node.body if isinstance(node, ast.ClassDef) else []
            found += [m for m in members if isinstance(m, kinds) and not m.name.startswith("_")]
    return found


def test_every_public_name_has_a_docstring() -> None:
    definitions = {path: public_definitions(path) for path in MODULES}
    bare = [
        f"{path.relative_to(ROOT)}: {getattr(node, 'name', 'the module')}"
        for path, nodes in definitions.items()
        for node in nodes
        if not (ast.get_docstring(node) or "").strip()
    ]
    assert bare == []
    assert sum(map(len, definitions.values())) > 1000, "the search found too little to be right"


def proses() -> dict[str, str]:
    """Collect the text of all pages and of the chapters' prose."""
    found = {str(path.relative_to(ROOT)): path.read_text() for path in PAGES}
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = nbformat.read(path, as_version=4).cells
        prose = [cell.source for cell in cells if cell.cell_type == "markdown"]
        found[path.name] = "\n\n".join(prose)
    return found


def test_no_fence_has_a_backtick_in_its_first_line() -> None:
    """It would not open: the page would show the mark-up, and the closing fence would open one."""
    fence = re.compile(r"^\s*`{3,}[^`\n]+`", re.M)
    assert {
        name: fence.findall(text) for name, text in proses().items() if fence.search(text)
    } == {}
    assert fence.search("```{table} What `lembas` is.")


def test_no_property_has_a_colon_in_its_first_line() -> None:
    """What stands before it would be shown as the property's type."""
    wrong = []
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            marks = [ast.unparse(mark) for mark in getattr(node, "decorator_list", [])]
            if {"property", "cached_property"} & set(marks):
                first = (ast.get_docstring(node) or "").splitlines()[:1]
                wrong += [f"{path.name}: {line}" for line in first if re.search(r":\s", line)]
    assert wrong == []


def modules_of_chapters() -> set[str]:
    found = set()
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = nbformat.read(path, as_version=4).cells
        code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.ImportFrom) and node.module == "lembas":
                found |= {f"lembas.{alias.name}" for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lembas."):
                found.add(str(node.module))
    return found


def test_every_module_that_a_chapter_uses_is_in_the_api_reference() -> None:
    described = set(re.findall(r"\.\. api:: ([\w.]+)", API))
    missing = sorted(modules_of_chapters() - described)
    assert missing == [], "add `.. api::` to the page of book/api it belongs to"


def test_what_the_package_exports_is_in_the_api_reference() -> None:
    import lembas

    described = set(re.findall(r"\.\. api:: ([\w.]+)", API))
    for name, module in lembas._EXPORTS.items():
        assert module in described, name
        assert f"lembas.{name} <" in API, name


def test_the_example_of_the_api_reference_runs() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (BOOK / "api" / "index.md").read_text(), re.DOTALL)
    space: dict[str, Any] = {}
    exec(code, space)
    assert 0 < space["median"] < 1


def test_every_module_of_the_api_reference_is_there_once() -> None:
    described = re.findall(r"\.\. api:: ([\w.]+)", API)
    assert sorted(described) == sorted(set(described))
    for name in described:
        place = ROOT.joinpath(*name.split("."))
        assert place.with_suffix(".py").is_file() or (place / "__init__.py").is_file(), name


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_tests_that_a_page_names_are_there(path: Path) -> None:
    for file, name in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", path.read_text()):
        assert re.search(rf"\bdef {name}\(", (ROOT / file).read_text()), f"{file}::{name}"


def test_the_page_on_differences_gives_evidence_for_every_point() -> None:
    text = (BOOK / "differences.md").read_text().split("(differences-same)=")[0]
    points = re.split(r"^\*\*", text, flags=re.MULTILINE)[1:]
    assert len(points) >= 18
    bare = [
        point.split("**")[0] for point in points if "*See*" not in point or "tests/" not in point
    ]
    assert bare == []


def test_files_that_the_readme_names_are_there() -> None:
    text = (ROOT / "README.md").read_text()
    named = re.findall(r"\]\(([^):]+)\)", text) + re.findall(r"`(book/[\w./]+)`", text)
    assert len(named) > 10
    assert [name for name in named if not (ROOT / name).exists()] == []
    assert text.index("![") < text.index("make book") < 1000, "picture and commands come first"
    assert (BOOK / "_static" / "report.png").stat().st_size < 200_000


def test_every_page_is_in_the_table_of_contents() -> None:
    listed = set(re.findall(r"(?:root|file): (\S+)", (ROOT / "_toc.yml").read_text()))
    # Parts of other pages, included there.
    pages = {path.relative_to(ROOT).with_suffix("").as_posix() for path in PAGES}
    parts = {"performance/machine", "reliability/audit", "reliability/made_with"}
    assert pages - listed == {f"book/{part}" for part in parts}


def glossary() -> list[str]:
    body = (BOOK / "glossary.md").read_text().split("```{glossary}\n")[1]
    return re.findall(r"^(?!```)(\S.*)$", body, re.MULTILINE)


def test_the_glossary_is_in_order_and_without_doubles() -> None:
    keys = [re.sub(r"[^a-z0-9]+", " ", term.lower()).strip() for term in glossary()]
    assert keys == sorted(set(keys))


def test_the_glossary_knows_every_model() -> None:
    terms = {term.lower() for term in glossary()} | {"training mean"}
    labels = {re.split(r"[ ,(]+(?:as|ridge start|on|three|four)\b", spec.label)[0].lower()
              for spec in REGISTRY.values()}  # fmt: skip
    assert {"null", "lembas-rnn"} <= terms
    assert labels - terms == set()


def test_zenodo_and_citation_say_the_same() -> None:
    creators = [item.get("name") or item["family-names"] for item in CITATION["authors"]]
    assert [item["name"] for item in ZENODO["creators"]] == creators
    for key in ("title", "version", "license", "keywords"):
        assert ZENODO[key] == CITATION[key], key
    related = {item["identifier"] for item in ZENODO["related_identifiers"]}
    references = CITATION["references"]
    assert related == {item.get("doi") or item["repository-code"] for item in references}
    assert ZENODO["upload_type"] == CITATION["type"]


def test_release_notes_have_the_versions_of_the_changelog() -> None:
    changelog = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    notes = re.findall(r"^## (\S+)", (BOOK / "releases.md").read_text(), re.MULTILINE)
    assert notes == changelog


def test_binder_installs_the_lock_and_the_package() -> None:
    binder = ROOT / ".binder"
    (line,) = (binder / "requirements.txt").read_text().splitlines()
    assert (binder / line.removeprefix("-r ")).resolve() == ROOT / "requirements.lock"
    floor = re.search(r'requires-python = ">=(\d+\.\d+)"', (ROOT / "pyproject.toml").read_text())
    assert floor is not None
    assert (binder / "runtime.txt").read_text().strip() == f"python-{floor[1]}"
    post = binder / "postBuild"
    assert post.stat().st_mode & 0o111, "Binder runs it"
    assert "--no-deps" in post.read_text()
