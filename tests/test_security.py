"""Files from others do no harm: no code runs, names stay text, nothing private is written."""

from __future__ import annotations

import ast
import json
import os
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import nbformat
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell
from markdown_it.renderer import RendererHTML
from myst_parser.config.main import MdParserConfig
from myst_parser.parsers.mdit import create_md_parser

from lembas import escaped
from lembas.artifacts import Run
from lembas.audit_page import as_html
from lembas.audit_report import as_text, document
from lembas.baselines import make, registry
from lembas.data import build_dataset
from lembas.execution import Job, execute
from lembas.kernels import environment
from lembas.lookup import lookup
from lembas.network import Network
from lembas.plain_text import as_markdown, harmless
from lembas.plan import make_plan, write_plan
from lembas.plotting.style import new_figure, to_svg
from lembas.profiles import read_profile
from lembas.provenance import read_json
from lembas.render import compose
from tests.conftest import EDGES, GENES, Command, random_expression
from tests.extensions import extension
from tests.toy import ROOT, make_project, write_notebook

SCRIPT = "<script>alert(1)</script>"
HOSTILE = (SCRIPT, '"><img src=x onerror=alert(1)>', "{{ x }}", "`a` {glue:text}`b`", "$a$ & b")


# No code of others is run


FORBIDDEN = {
    "eval": "runs text as code",
    "exec": "runs text as code",
    "__import__": "imports what a text names",
    "pickle.load": "runs code in the file",
    "pickle.loads": "runs code in the file",
    "joblib.load": "unpickles",
    "dill.load": "unpickles",
    "cloudpickle.load": "unpickles",
    "marshal.loads": "trusts bytes",
    "shelve.open": "unpickles",
    "pd.read_pickle": "unpickles",
    "pd.read_hdf": "may unpickle",
    "yaml.load": "may build any object",
    "yaml.unsafe_load": "builds any object",
    "yaml.full_load": "builds objects",
    "yaml.safe_load": "only lembas.plain_yaml may: it checks keys, references and depth",
    "os.system": "a shell reads names",
    "os.popen": "a shell reads names",
    "subprocess.getoutput": "a shell reads names",
    "shutil.unpack_archive": "writes where an archive says",
    "tempfile.mktemp": "its name can be taken by others",
    "xml.etree.ElementTree.parse": "expands entities without end",
}
# Each in one place: YAML is checked there, and only the project's own notebooks are computed again.
ALLOWED = {"lembas/plain_yaml.py": "yaml.safe_load", "lembas/recompute.py": "exec"}
# Whose methods extract all that an archive names, wherever that is to lie.
EXTRACTING = ("extractall", "extract")
OWN_EXTRACT = ("str.extract", "archs4_extract.extract")


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def said(call: ast.Call, name: str) -> Any:
    """The value of a keyword that is written as a literal."""
    values = [key.value for key in call.keywords if key.arg == name]
    return ast.literal_eval(values[0]) if values and isinstance(values[0], ast.Constant) else None


def dangers(source: str) -> list[str]:
    """List calls that run code, unpickle, or trust an archive."""
    found = []
    for name, call in calls(ast.parse(source)):
        short = name.rpartition(".")[2]
        if name in FORBIDDEN:
            found.append(f"{name}: {FORBIDDEN[name]}")
        if short in EXTRACTING and short != name and not name.endswith(OWN_EXTRACT):
            found.append(f"{name}: extracts an archive")
        if name.endswith("torch.load") and said(call, "weights_only") is not True:
            found.append(f"{name}: without weights_only=True")
        if name.endswith(("np.load", "numpy.load")) and said(call, "allow_pickle") is not False:
            found.append(f"{name}: without allow_pickle=False")
        if name.startswith("subprocess.") and said(call, "shell") is not None:
            found.append(f"{name}: with a shell")
    return found


def sources() -> list[tuple[str, str]]:
    code = [*(ROOT / "lembas").rglob("*.py"), *(ROOT / "book" / "_ext").glob("*.py")]
    found = [(path.relative_to(ROOT).as_posix(), path.read_text("utf-8")) for path in code]
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = nbformat.read(path, as_version=4).cells
        code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
        found.append((path.relative_to(ROOT).as_posix(), code))
    return found


@pytest.mark.parametrize(("name", "source"), sources(), ids=lambda value: value[:60])
def test_nothing_runs_or_unpickles_what_a_file_holds(name: str, source: str) -> None:
    assert [found for found in dangers(source) if found.split(":")[0] != ALLOWED.get(name)] == []


@pytest.mark.parametrize(
    "source",
    [
        "eval(text)",
        "pickle.load(stream)",
        "yaml.load(text)",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "np.load(path)",
        "subprocess.run(text, shell=True)",
        "tarfile.open(path).extractall(folder)",
    ],
)
def test_the_search_for_dangers_finds_them(source: str) -> None:
    assert len(dangers(f"import x\n{source}\n")) == 1


@pytest.mark.parametrize("path", ["os.system", "subprocess.run", "builtins.exec", "builtins.dict"])
def test_a_profile_names_no_function_to_call(path: str) -> None:
    with pytest.raises(ValueError, match=f"{path} is no class of regressors; expected one with"):
        make("mine", extra={"mine": {"estimator": path, "parameters": {"command": "true"}}})


def test_a_build_runs_no_notebook() -> None:
    config = (ROOT / "_config.yml").read_text("utf-8")
    assert re.search(r"^  execute_notebooks: \"off\"$", config, re.MULTILINE)
    tree = ast.parse((ROOT / "lembas" / "render.py").read_text("utf-8"))
    imports = {name for node in ast.walk(tree) for name in imported(node)}
    assert "lembas.provenance" in imports, "render.py was looked at"
    assert not {"papermill", "nbclient", "lembas.execution"} & imports


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


# Names from data stay text


class Tags(HTMLParser):
    """Gather the elements and attributes of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.handlers: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.text += data


def renamed(table: pd.DataFrame, name: str) -> pd.DataFrame:
    samples = [f"{label}{name}" for label in table.index]
    genes = table.columns.str.replace("G1", name, regex=False)
    return table.set_axis(pd.Index(samples, name="sample"), axis=0).set_axis(genes, axis=1)


@pytest.mark.parametrize("name", HOSTILE)
def test_the_check_page_shows_names_as_text(name: str) -> None:
    edges = [(tf, gene.replace("G1", name), sign) for tf, gene, sign in EDGES]
    network = Network.from_edges(pd.DataFrame(edges, columns=["TF", "Gene", "Interaction"]))
    dataset = build_dataset(
        renamed(random_expression("s", 20, GENES, seed=1), name),
        network,
        external={name: renamed(random_expression("x", 6, GENES, seed=2), name)},
        study=f"study {name}",
        test_fraction=0.3,
        seed=1,
    )
    found = document(dataset, network, origin=f"profile {name}")
    page = Tags(as_html(found))
    assert not {"script", "img"} & set(page.names)
    assert page.handlers == []
    assert name in page.text
    assert name in as_text(found)


def shell() -> InteractiveShell:
    made = InteractiveShell()
    escaped.load_ipython_extension(made)
    return made


@pytest.mark.parametrize("name", HOSTILE)
def test_tables_of_chapters_show_names_as_text(name: str) -> None:
    table = pd.DataFrame({"gene": [name], name: ["b"], "n": [0.123456]}, index=[name])
    styled = table.style.format(precision=2).set_caption("Genes")
    for shown in (table, styled, styled.hide(axis="index"), table.T.style):
        html = shell().display_formatter.format(shown)[0]["text/html"]
        page = Tags(html)
        assert not {"script", "img"} & set(page.names)
        assert page.handlers == []
        assert name in page.text
    assert "0.12<" in escaped.as_html(styled)
    assert "0.1235" not in escaped.as_html(styled)


def test_a_styled_table_without_mark_up_is_shown_as_before() -> None:
    table = pd.DataFrame({"gene": ["ALB", None], "n": [0.5, np.nan]}, index=["a", "b"])
    styled = table.style.format({"n": "{:.1f}"}, na_rep="-").highlight_max(subset=["n"])
    assert escaped.as_html(styled) == styled.to_html()
    # What a chapter's own formatter adds is meant.
    linked = table.style.format({"gene": lambda gene: f'<a href="#gene={gene}">{gene}</a>'})
    assert '<a href="#gene=ALB">ALB</a>' in escaped.as_html(linked)


@pytest.mark.parametrize("name", HOSTILE)
def test_the_lookup_shows_names_as_text(name: str) -> None:
    rows = [("ridge", tf, gene, 0.5, 0.1) for tf in (name, "B") for gene in (f"g{name}", "g2")]
    columns = ["model", "tf", "gene", "response", "relative"]
    html = lookup(pd.DataFrame(rows, columns=columns), {"ridge": name}).html
    page = Tags(html)
    # The one script is the page's own, and ends where it should.
    assert page.names.count("script") == 1
    assert "img" not in page.names
    assert page.handlers == []


@pytest.mark.parametrize("name", HOSTILE)
def test_figures_show_names_as_glyphs(name: str) -> None:
    figure = new_figure(1.0, f"Title {name}")
    axes = figure.subplots()
    axes.set_xlabel(name)
    axes.plot([0, 1], [0, 1], label=name)
    axes.legend()
    svg = to_svg(figure)
    tags = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(svg).iter()}
    assert not {"script", "img", "image", "foreignObject"} & tags
    assert SCRIPT not in svg


def banner_of(folder: Path, banner: str) -> str:
    place = folder / "book" / "chapters" / "profile.json"
    place.parent.mkdir(parents=True)
    place.write_text(json.dumps({"banner": banner}), "utf-8")
    config = SimpleNamespace(html_theme_options={})
    extension("lembas_pages").add_banner(SimpleNamespace(srcdir=str(folder)), config)
    return config.html_theme_options["announcement"]


@pytest.mark.parametrize("banner", [*HOSTILE, "https://example.org/banner.html"])
def test_the_banner_is_text(tmp_path: Path, banner: str) -> None:
    html = banner_of(tmp_path, banner)
    assert Tags(html).names == ["span"]
    assert Tags(html).text == banner
    assert not html.startswith("http"), "the theme would fetch it"


EXTENSIONS = "amsmath attrs_block attrs_inline colon_fence deflist dollarmath substitution tasklist"
PARSER = create_md_parser(MdParserConfig(enable_extensions=set(EXTENSIONS.split())), RendererHTML)


def shown(text: str) -> str:
    """What a page shows of a Markdown text; any mark-up fails."""
    tokens = PARSER.parse(text)
    kinds = [token.type for token in tokens]
    assert kinds in ([], ["paragraph_open", "inline", "paragraph_close"]), text
    children = tokens[1].children or [] if tokens else []
    assert {child.type for child in children} <= {"text", "text_special"}, text
    return "".join(child.content for child in children)


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(), st.text(st.sampled_from("ab _*`{}[]()<>$\\%#+-=:.1!|~^&;\n\"'@/"))))
def test_a_cell_of_a_table_is_shown_as_it_is(text: str) -> None:
    expected = " ".join(harmless(text.replace("\n", " ")).split())
    assert shown(as_markdown(text)) == expected


BLOCKS = ("- a", "1. a", "# a", "% a", "(a)=", "---", "&lt;", "+++", "1) a", "> a", ":a: b", "===")


@pytest.mark.parametrize("text", [*HOSTILE, *BLOCKS])
def test_mark_up_in_a_cell_is_text(text: str) -> None:
    assert shown(as_markdown(text)) == text


def test_plain_cells_stay_as_they_are() -> None:
    for text in ("n_panel: 100", "0.5, 1.0", "a-b (c)", "2026-01-01 00:00:00", "lembas/ridge.py"):
        assert as_markdown(text) == text


@pytest.mark.parametrize("title", HOSTILE)
def test_a_profile_puts_no_mark_up_into_the_pages(tmp_path: Path, title: str) -> None:
    root = make_project(tmp_path)
    profile = root / "profiles" / "demo.yml"
    text = {"title": title, "description": title, "simulated": True, "banner": title}
    profile.write_text(json.dumps(text), "utf-8")
    plan = make_plan(root, "demo")
    for name, chapter in plan.chapters.items():
        place = root / plan.executed(name)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(chapter.path.read_bytes())
        record = root / plan.run_dir / "provenance" / f"{name}.json"
        record.parent.mkdir(parents=True, exist_ok=True)
        about = {"machine": {}, "versions": {}, "recipe": {"parameters": {}}, "sources": {}}
        cost = {"started": "x", "duration_s": 1, "peak_memory_mib": 1, "threads": 1}
        kept = {"chapter": name, "profile": "demo", "reads": {}, "writes": {}}
        record.write_text(json.dumps({**about, **cost, **kept}), "utf-8")
    compose(plan)
    rows = pd.read_csv(root / "book" / "chapters" / "tables" / "profile.csv", dtype=str)
    for cell in rows.to_numpy().ravel():
        shown(str(cell))
    assert title in [shown(str(cell)) for cell in rows["value"]]


def test_an_error_cannot_reach_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lembas: Command
) -> None:
    monkeypatch.chdir(make_project(tmp_path))
    code, _, err = lembas("run", "-p", "seed=\x1b[31mred")
    assert code == 1
    assert "\x1b" not in err


# Names that are paths


@pytest.mark.parametrize("name", ["../x", "/tmp/x", "a/../../x", "../..", "a\x00b", "a\nb"])
def test_names_of_data_never_leave_the_run(tmp_path: Path, name: str) -> None:
    run = Run.open(tmp_path / "run" / "results")
    table = random_expression("s", 3, ["A"], seed=1)
    before = sorted(tmp_path.rglob("*"))
    calls = (
        lambda: run.write_prediction("ridge", name, table, group="baselines"),
        lambda: run.write_prediction(name, "test", table, group="baselines"),
        lambda: run.write_table(f"{name}/t", table),
        lambda: run.read_prediction("ridge", f"{name}/x"),
        lambda: run.read_table(f"{name}/t"),
    )
    for call in calls:
        with pytest.raises(ValueError, match="names no file in a run's folder; rename the cohort"):
            call()
    assert sorted(tmp_path.rglob("*")) == before


def test_a_cohort_is_never_a_pattern(tmp_path: Path) -> None:
    run = Run.open(tmp_path / "results")
    run.write_prediction("ridge", "test", random_expression("s", 3, ["A"], seed=1), group="b")
    with pytest.raises(FileNotFoundError, match="is not there"):
        run.read_prediction("ridge", "*")


@pytest.mark.parametrize("name", ["../x", "/x", ".x", "a/b", "", 3, "a\nb", SCRIPT])
def test_names_of_models_can_be_names_of_files(name: Any) -> None:
    with pytest.raises(ValueError, match="expected letters, digits, _, -, \\+"):
        registry({name: {"estimator": "sklearn.linear_model.Lasso"}})


@pytest.mark.parametrize("name", ["../demo", "/demo", "a/b", ".."])
def test_names_of_profiles_and_trials_are_no_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lembas: Command, name: str
) -> None:
    root = make_project(tmp_path)
    with pytest.raises(FileNotFoundError, match="there is no profile"):
        read_profile(name, root)
    monkeypatch.chdir(root)
    code, _, err = lembas("run", "-p", "seed=2", "--name", name)
    assert code == 1
    assert "use lower-case letters" in err
    code, _, err = lembas("compare", name, "demo")
    assert code == 1
    assert "there is no run" in err


# Nothing private is written down


def test_a_run_keeps_secrets_and_places_to_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "somewhere"
    root.mkdir()
    make_project(root)
    # The toy's package has no extension for kernels: that of the real one is found behind it.
    with (root / "lembas" / "__init__.py").open("a") as package:
        package.write(f"__path__.append({str(ROOT / 'lembas')!r})\n")
    (root / "private").mkdir()
    (root / "private" / "a.tsv").write_text("a\n")
    (root / "profiles" / "demo.yml").write_text("title: Toy\ndata: {files: [a.tsv]}\n")
    table = f"pd.DataFrame({{'gene': [{SCRIPT!r}], 'n': [1.0]}})"
    write_notebook(
        root,
        "01_data",
        reads=[],
        writes=["tables/a.txt"],
        parameters='data_dir: str = ""  # folder of the data',
        cells=[
            "from pathlib import Path\nimport pandas as pd",
            f"{table}.to_parquet(Path(run_dir) / 'b.parquet')",
            "Path(run_dir, 'tables').mkdir()\nPath(run_dir, 'tables/a.txt').write_text('1')",
            f"print(Path.cwd())\n{table}.style",
        ],
    )
    monkeypatch.setenv("API_TOKEN", "s3cr3t-4711")
    plan_file = write_plan(make_plan(root, "demo", data=str(root / "private")))
    execute(Job.from_plan(read_json(plan_file), "01_data"), root)
    for path in (root / "results").rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert b"s3cr3t-4711" not in content, path
            assert str(Path.home()).encode() + b"/" not in content, path
            assert str(root).encode() not in content, path
    # The kernel was started with the extension that keeps names text.
    notebook = (root / "results" / "demo" / "chapters" / "01_data.ipynb").read_text("utf-8")
    html = "".join(
        "".join(output["data"]["text/html"])
        for cell in json.loads(notebook)["cells"]
        for output in cell.get("outputs", [])
        if "text/html" in output.get("data", {})
    )
    assert "<table" in html
    assert "script" not in Tags(html).names
    assert SCRIPT in Tags(html).text


def test_the_kernels_environment_ends_with_it(tmp_path: Path) -> None:
    before = dict(os.environ)
    with environment(tmp_path, 1):
        (kernel,) = Path(os.environ["JUPYTER_PATH"].split(os.pathsep)[0]).rglob("kernel.json")
        assert "env" not in json.loads(kernel.read_text("utf-8"))
    assert dict(os.environ) == before
