"""The house keeps its order: levels of modules, sizes of functions and files, clean notebooks."""

import ast
import re
import tokenize
from functools import cache
from graphlib import TopologicalSorter
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest

from lembas.chapters import discover
from lembas.dependencies import modules_used

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "lembas"
MODULES = sorted(PACKAGE.rglob("*.py"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

# A module imports from lower levels, or from its own level without a circle.
LEVELS = {
    0: (
        "atomic network names labels checks tables text_blocks formats h5ad sources data "
        "cohorts split duplicates audit quality audit_report audit_page metrics intervals "
        "coverage strata original linear ranks ridge plotting unfinished cached annotation "
        "rewiring path_ridge inner_split pls signed_ridge significance calibration "
        "calibration_words gate few_shot gene_strata gene_table gene_sets score_tables lookup "
        "agreement explained_genes attribution_means archs4 archs4_counts archs4_extract "
        "archs4_query archs4_series archs4_source archs4_words project network_formats "
        "network_reading network_layouts network_text name_overlap shares gene_names scales "
        "gene_mapping border os_errors text_files geo geo_tables peek peek_binary recognise "
        "orientation count_names units measured folder_survey draft cohort_choice gene_choice "
        "proposal survey_words figure_files card_markup model_facts told explorer "
        "explorer_edges explorer_points explorer_scores explorer_text explorer_words hardware "
        "versions escaped plain_text plain_yaml clock"
    ),
    1: (
        "model sparse kinetics wiring conditions simulation_settings simulate forests "
        "baselines penalties recipes drawn reads batches start flat_forests edge_kernels "
        "gene_fits boosted learners tuning guard gene_readout training_state edge_signs"
    ),
    2: (
        "study optimise projection gains curated ablation training attribution explanation "
        "latency evaluation summary checkpoint coded_edges packing original_checkpoint "
        "original_content conversion ensemble channels predicted scaling memory dimensions "
        "ladder controls control_words folds own_column leaderboard verdict evidence knockout "
        "knockout_truth knockout_words weights randomised prior_support stability "
        "attribution_words attribution_verdicts true_effects truth recovery truth_study "
        "truth_words explainers gradient_explainer linear_explainer sampled_explainer "
        "tree_explainer shap_import advance climbed model_cards data_cards"
    ),
    3: (
        "artifacts downloads model_files fitting parameter_counts profiles provenance "
        "chapters dependencies plan_entries kernels execution plan workflow render errors progress "
        "comparison score_changes commands __main__ handmade scattered resources pieces "
        "profile_draft page_box citation browser_print rebuild card_pages explorer_run "
        "number_code glued recompute manifest crate tolerances verification pages_shown rerun "
        "table_differences aged locks notebook_files parameter_cells"
    ),
}
LEVEL_OF = {name: level for level, names in LEVELS.items() for name in names.split()}


def room(path: Path) -> str:
    """Return the module or subpackage a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
            found.add(node.module or "")
    parts = [name.split(".") for name in found if name.startswith("lembas.")]
    return {part[1] for part in parts if part[1] in LEVEL_OF}


def code_lines(node: ast.AST, path: Path) -> int:
    """Count lines that hold code: no docstring, no comment, no blank line."""
    body = node.body
    if ast.get_docstring(node) is not None:
        body = body[1:]
    if not body:
        return 0
    first, last = body[0].lineno, node.end_lineno
    return sum(first <= line <= last for line in lines_with_code(path))


@cache
def lines_with_code(path: Path) -> frozenset[int]:
    """List the numbers of a file's lines that hold more than a comment."""
    ignored = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.ENCODING}
    ignored |= {tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    with path.open("rb") as stream:
        return frozenset(
            line
            for token in tokenize.tokenize(stream.readline)
            if token.type not in ignored
            for line in range(token.start[0], token.end[0] + 1)
        )


@pytest.mark.parametrize("path", MODULES, ids=room)
def test_every_module_has_a_level_and_imports_only_downwards(path: Path) -> None:
    name = room(path)
    if name == "__init__":
        assert imported_rooms(path) == set(), "the public names are loaded on first use"
        return
    assert name in LEVEL_OF, f"add {name} to LEVELS"
    upwards = {other for other in imported_rooms(path) if LEVEL_OF[other] > LEVEL_OF[name]}
    assert upwards == set()


def test_no_circle_of_imports() -> None:
    graph: dict[str, set[str]] = {}
    for path in MODULES:
        name = room(path)
        graph.setdefault(name, set()).update(imported_rooms(path) - {name})
    TopologicalSorter(graph).prepare()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_files_and_functions_stay_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 350
    functions = [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    long = {node.name: code_lines(node, path) for node in functions}
    assert {name: count for name, count in long.items() if count > 30} == {}


def test_the_command_line_starts_without_torch() -> None:
    heavy = {"torch", "sklearn", "shap", "xgboost", "matplotlib", "anndata"}
    used_by_chapters = {"artifacts", "model_files", "fitting", "parameter_counts", "scattered"}
    started = set(LEVELS[3].split()) - used_by_chapters - {"explorer_run"}
    for path in [path for path in MODULES if room(path) in started]:
        name, tree = path.stem, ast.parse(path.read_text())
        names = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
        names |= {n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
        assert not heavy & {imported.split(".")[0] for imported in names}, name


def test_a_change_in_a_model_leaves_the_data_chapters_alone() -> None:
    """At the published size they take minutes to run again."""
    chapters = discover(ROOT)
    for name in ("01_data", "02_network"):
        used = {path.stem for path in modules_used(chapters[name].code, ROOT)}
        assert "cohorts" in used, name
        assert not used & {"training", "model", "forests", "linear", "checkpoint"}, name


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_clean_and_thin(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert "parameters" in cells[0].metadata.get("tags", [])
    assert all(cell.outputs == [] and cell.execution_count is None for cell in cells)
    shown = [c.source for c in cells if "hide-input" not in c.metadata.get("tags", [])]
    assert shown == [], "a reader of the page meets results, not code"
    assert len(cells) <= 20
    lines = [len(cell.source.splitlines()) for cell in cells]
    assert max(lines) <= 12
    assert sum(lines) <= 120
    for cell in cells:
        for node in ast.walk(ast.parse(cell.source)):
            assert not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_chapters_lead_with_their_result_and_end_with_their_limits(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    first, found, last = cells[0].source, cells[1].source, cells[-1].source
    assert first.startswith("# ")
    assert "\n\n**Question.** " in first
    assert found.startswith("## What we found\n")
    assert "{glue:text}" in found, "what was found comes from the computation"
    assert last.startswith("## What could be wrong\n")
    prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert prose.count("## What we found") == prose.count("## What could be wrong") == 1


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_a_chapter_shows_has_a_name_and_a_caption_and_is_found(path: Path) -> None:
    """What a cell shows is known by its last line: an expression, not an assignment or a write."""
    cells = nbformat.read(path, as_version=4).cells
    names = []
    for cell in [cell for cell in cells if cell.cell_type == "code"]:
        about = cell.metadata.get("mystnb", {})
        shows = _shows(ast.parse(cell.source).body[-1])
        assert shows == ("figure" in about), cell.source
        if shows:
            assert about["figure"]["caption"].endswith(".")
            names.append(about["figure"]["name"])
            assert names[-1].startswith("fig-" if "image" in about else "tab-")
    assert len(set(names)) == len(names)
    prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    cited = re.findall(r"\{numref\}`([\w-]+)`", prose)
    assert set(cited) <= set(names)


def _shows(last: ast.stmt) -> bool:
    if not isinstance(last, ast.Expr):
        return False
    called = last.value.func if isinstance(last.value, ast.Call) else None
    silent = ("glue", "rmtree", "write_files", "write_table")
    return getattr(called, "id", getattr(called, "attr", "")) not in silent


def test_no_two_pages_use_one_name() -> None:
    """Names of figures and tables are known in the whole book."""
    names = [
        name
        for path in NOTEBOOKS
        for cell in nbformat.read(path, as_version=4).cells
        if (name := cell.metadata.get("mystnb", {}).get("figure", {}).get("name"))
    ]
    for path in (ROOT / "book").glob("*.md"):
        names += re.findall(r"^:name: (\S+)$", path.read_text(), flags=re.MULTILINE)
    assert len(set(names)) == len(names)


def test_tables_that_are_typed_have_a_caption() -> None:
    for path in (ROOT / "book").glob("*.md"):
        lines = path.read_text().splitlines()
        for line, following in pairwise(lines):
            if re.fullmatch(r"\|[-:| ]+\|", following):
                place = lines.index(line)
                above = [text for text in lines[:place] if text and not text.startswith(":")]
                assert above[-1].startswith("```{table} "), f"{path.name}: {line}"


def test_file_names_are_plain() -> None:
    roots = ("lembas", "notebooks", "tests", "book", "profiles")
    for folder in roots:
        for path in (ROOT / folder).rglob("*"):
            if "mathjax" in path.parts or "__pycache__" in path.parts or path.name == "LICENSE":
                continue
            if path.is_file() and not path.name.startswith("."):
                assert path.name == path.name.lower(), path
                assert not set(path.name) & set(" ()[]"), path
