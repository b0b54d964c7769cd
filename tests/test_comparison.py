"""Tests of what differs between two runs: inputs by kind, scores, genes."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest

from lembas.comparison import Records, flattened, inputs_changed
from lembas.score_changes import PRINTED, gene_changes, score_changes
from tests.conftest import Command

RECORD: dict[str, Any] = {
    "threads": 1,
    "machine": {"python": "3.11.7", "processors": 2},
    "versions": {"numpy": "2.4.6", "torch": "2.13.0"},
    "recipe": {
        "parameters": {"seed": 888, "data_dir": "../a", "options": {"unit": "cpm", "n": [1, 2]}},
        "modules": {"lembas/ridge.py": "1", "lembas/gate.py": "2"},
    },
    "sources": {"../a/counts.tsv": "5"},
    "writes": {"tables/x.parquet": "7"},
}
MODELS, METRICS = ("train_mean", "ridge"), ("r2_pooled", "skill_median_over_genes")


def write_run(root: Path, name: str, record: dict[str, Any], *, code: str = "x = 1") -> Path:
    """Write a run of the chapters 01_data and 05_test, with scores."""
    folder = root / "results" / name
    for part in ("provenance", "chapters", "tables"):
        (folder / part).mkdir(parents=True)
    for chapter in ("01_data", "05_test"):
        (folder / "provenance" / f"{chapter}.json").write_text(json.dumps(record))
        notebook = nbformat.v4.new_notebook()
        injected = nbformat.v4.new_code_cell(f"run_dir = '{name}'")
        injected.metadata["tags"] = ["injected-parameters"]
        notebook.cells = [injected, nbformat.v4.new_code_cell(code)]
        nbformat.write(notebook, folder / "chapters" / f"{chapter}.ipynb")
    rows = [(m, "test", "shared", k, 0.25 * i) for i, m in enumerate(MODELS) for k in METRICS]
    columns = ["model", "cohort", "genes", "metric", "value"]
    pd.DataFrame(rows, columns=columns).to_parquet(folder / "tables" / "scores_test.parquet")
    genes = [
        (m, "test", g, "skill_per_gene", 0.1 * i)
        for m in MODELS
        for i, g in enumerate(("ALB", "AFP", "TTR"))
    ]
    genes += [("ridge", "train", "ALB", "skill_per_gene", 0.9), ("ridge", "test", "ALB", "n", 9.0)]
    columns[2] = "gene"
    table = pd.DataFrame(genes, columns=columns)
    table.to_parquet(folder / "tables" / "scores_per_gene_test.parquet")
    return folder


def change_scores(folder: Path, model: str, by: float, name: str = "scores_test") -> None:
    path = folder / "tables" / f"{name}.parquet"
    table = pd.read_parquet(path)
    table.loc[table["model"] == model, "value"] += by
    table.to_parquet(path)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "profiles").mkdir()
    (tmp_path / "_toc.yml").touch()
    write_run(tmp_path, "demo", RECORD)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def changes(root: Path, new: str, old: str) -> dict[str, Any]:
    return inputs_changed(Records.read(new, root), Records.read(old, root))


def test_a_run_does_not_differ_from_itself_or_its_copy(project: Path) -> None:
    write_run(project, "demo-copy", RECORD)
    for name in ("demo", "demo-copy"):
        assert not any(changes(project, name, "demo").values())
        folders = project / "results" / name, project / "results" / "demo"
        assert score_changes(*folders).empty
        assert gene_changes(*folders).empty
        assert len(score_changes(*folders, everything=True)) == len(MODELS) * len(METRICS)


def test_every_kind_of_change_is_told(project: Path) -> None:
    record = copy.deepcopy(RECORD)
    record["threads"] = 2
    record["versions"] = {"numpy": "2.5.0", "scipy": "1.17.0"}
    record["recipe"]["parameters"]["options"] = {"unit": "tpm", "n": [1, 2]}
    record["recipe"]["modules"] = {"lembas/ridge.py": "9", "lembas/new.py": "3"}
    record["sources"] = {"../a/counts.tsv": "6"}
    record["writes"] = {"tables/x.parquet": "8"}
    write_run(project, "demo-trial", record, code="x = 2")
    found = changes(project, "demo-trial", "demo")
    both = ["01_data", "05_test"]
    assert found["parameters"] == [
        {"chapter": name, "name": "options.unit", "old": "cpm", "new": "tpm"} for name in both
    ]
    assert found["threads"] == [
        {"chapter": name, "name": "threads", "old": 1, "new": 2} for name in both
    ]
    assert found["code"] == [{"chapter": name} for name in both]
    assert found["modules"] == [
        {"name": f"lembas/{name}.py", "change": how, "chapters": both}
        for name, how in (("gate", "removed"), ("new", "added"), ("ridge", "changed"))
    ]
    assert found["sources"] == [{"name": "counts.tsv", "change": "changed", "chapters": both}]
    assert found["versions"] == [
        {"name": "numpy", "old": "2.4.6", "new": "2.5.0", "chapters": both},
        {"name": "torch", "old": "2.13.0", "chapters": both},
        {"name": "scipy", "new": "1.17.0", "chapters": both},
    ]
    assert found["artefacts"] == [
        {"name": "tables/x.parquet", "change": "changed", "chapters": both}
    ]
    assert found["machine"] == found["chapters"] == []


def test_changes_turn_round_with_the_runs(project: Path) -> None:
    folder = write_run(project, "demo-trial", RECORD)
    change_scores(folder, "ridge", 0.25)
    (folder / "provenance" / "05_test.json").unlink()
    book = project / "results" / "demo"
    there, back = score_changes(folder, book), score_changes(book, folder)
    assert there["difference"].tolist() == (-back["difference"]).tolist() == [0.25, 0.25]
    assert there["old"].tolist() == back["new"].tolist()
    assert changes(project, "demo-trial", "demo")["chapters"] == [
        {"name": "05_test", "only_in": "old"}
    ]
    assert changes(project, "demo", "demo-trial")["chapters"] == [
        {"name": "05_test", "only_in": "new"}
    ]


def test_the_same_files_in_another_folder_are_the_same_sources(project: Path) -> None:
    record = copy.deepcopy(RECORD)
    record["recipe"]["parameters"]["data_dir"] = "/b"
    record["sources"] = {"/b/counts.tsv": "5"}
    write_run(project, "demo-trial", record)
    found = changes(project, "demo-trial", "demo")
    assert found["sources"] == []
    assert {change["name"] for change in found["parameters"]} == {"data_dir"}


def test_what_is_printed_alike_is_left_out(project: Path) -> None:
    folder = write_run(project, "demo-trial", RECORD)
    book = project / "results" / "demo"
    change_scores(folder, "ridge", PRINTED * 0.9)
    assert score_changes(folder, book).empty
    change_scores(folder, "ridge", PRINTED * 0.2)
    assert set(score_changes(folder, book)["model"]) == {"ridge"}


def test_models_of_one_run_only_are_kept_with_the_side_that_lacks_them(project: Path) -> None:
    folder = write_run(project, "demo-trial", RECORD)
    path = folder / "tables" / "scores_test.parquet"
    pd.read_parquet(path).replace({"ridge": "lasso"}).to_parquet(path)
    table = score_changes(folder, project / "results" / "demo").set_index(["model", "metric"])
    assert table.loc[("lasso", "r2_pooled"), ["old", "new"]].isna().tolist() == [True, False]
    assert table.loc[("ridge", "r2_pooled"), ["old", "new"]].isna().tolist() == [False, True]
    assert table["difference"].isna().all()


def test_genes_are_named_by_their_largest_change_once_each(project: Path) -> None:
    folder = write_run(project, "demo-trial", RECORD)
    path = folder / "tables" / "scores_per_gene_test.parquet"
    table = pd.read_parquet(path).set_index(["model", "cohort", "gene", "metric"])
    for model, gene, by in (
        ("ridge", "TTR", -0.5),
        ("train_mean", "TTR", 0.1),
        ("ridge", "AFP", 0.2),
    ):
        table.loc[(model, "test", gene, "skill_per_gene")] += by
    table.loc[("ridge", "train", "ALB", "skill_per_gene")] += 5
    table.reset_index().to_parquet(path)
    found = gene_changes(folder, project / "results" / "demo")
    assert found[["gene", "model"]].to_numpy().tolist() == [["TTR", "ridge"], ["AFP", "ridge"]]
    assert found["difference"].tolist() == pytest.approx([-0.5, 0.2])
    assert len(gene_changes(folder, project / "results" / "demo", n=1)) == 1


def test_flattened_keeps_every_leaf() -> None:
    value = {"a": {"b": 1, "c": {"d": [1, 2]}}, "e": {}, "f": None}
    assert flattened(value, "x") == {"x.a.b": 1, "x.a.c.d": [1, 2], "x.e": {}, "x.f": None}


def test_compare_as_text_and_json(project: Path, lembas: Command) -> None:
    record = copy.deepcopy(RECORD)
    record["recipe"]["parameters"]["seed"] = 889
    change_scores(write_run(project, "demo-trial", record), "ridge", 0.125)
    code, out, err = lembas("compare", "demo-trial", "demo")
    assert (code, err) == (0, "")
    assert "05_test seed: 888 -> 889" in out
    line = next(line for line in out.splitlines() if "r2_pooled" in line)
    assert line.split() == ["ridge", "test", "r2_pooled", "0.250", "0.375", "+0.125"]
    assert "train_mean" not in out.partition("Genes")[0]

    code, out, _ = lembas("compare", "demo-trial", "demo", "--json", "--metric", "r2_pooled")
    assert code == 0
    (row,) = json.loads(out)["scores"]
    assert (row["old"], row["new"], row["difference"]) == (0.25, 0.375, 0.125)
    assert "train_mean" in lembas("compare", "demo-trial", "demo", "--all")[1]
    _, out, _ = lembas("compare", "demo", "demo")
    assert "The same parameters, code, modules, sources and versions." in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("demo-trail", "demo"), "no run 'demo-trail' (results/demo-trail/provenance)"),
        (("dem", "demo"), "perhaps demo; runs here: demo; make one with: lembas run"),
        (("../results/demo", "demo"), "there is no run '../results/demo'"),
        (
            ("demo", "demo", "--metric", "r3"),
            "--metric r3: no such metric in these runs; they have",
        ),
    ],
)
def test_unknown_runs_and_metrics(
    project: Path, lembas: Command, arguments: tuple[str, ...], message: str
) -> None:
    code, out, err = lembas("compare", *arguments)
    assert (code, out) == (1, "")
    assert message in err
    assert err.count("\n") == 1


def test_a_damaged_record_is_named(project: Path, lembas: Command) -> None:
    (project / "results" / "demo" / "provenance" / "05_test.json").write_text("{")
    code, _, err = lembas("compare", "demo", "demo")
    assert code == 1
    assert "results/demo/provenance/05_test.json is damaged" in err


@pytest.mark.parametrize("content", ["{}", "[]", '{"recipe": 3}'])
def test_a_record_of_something_else_is_named(project: Path, lembas: Command, content: str) -> None:
    (project / "results" / "demo" / "provenance" / "05_test.json").write_text(content)
    code, _, err = lembas("compare", "demo", "demo")
    assert (code, err.count("\n")) == (1, 1)
    assert re.search(
        r"results/demo/provenance/05_test.json is damaged .*run the chapter again", err
    )
