"""`lembas init` says what it sees, writes a profile or asks, and its exit code says which."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from lembas.__main__ import main
from lembas.profiles import read_profile
from lembas.simulate import Simulation
from tests.data_folder import write_counts, write_external_counts, write_network

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "project"
    (root / "profiles").mkdir(parents=True)
    (root / "_toc.yml").touch()
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def data(tmp_path: Path, made: Simulation) -> Path:
    folder = tmp_path / "my data"
    folder.mkdir()
    write_network(folder, made)
    write_counts(folder, made)
    write_external_counts(folder, made)
    return folder


@pytest.fixture
def lembas(project: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    def call(*arguments: str) -> tuple[int, str, str]:
        try:
            main(arguments)
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        return (code, *capsys.readouterr())

    return call


def test_a_profile_is_written_and_what_comes_next_is_said(
    lembas: Command, data: Path, project: Path
) -> None:
    code, out, err = lembas("init", str(data))
    assert (code, err) == (0, "")
    assert read_profile("mine", project).chapters["01_data"]["source"] == "counts"
    assert "counts.tsv\n      expression: 120 samples, 50 genes in rows, symbols; counts" in out
    assert "network.tsv\n      network: " in out
    assert "counts.tsv is proposed as the study because it is the largest table" in out
    assert "keep their own licences" in out
    assert out.endswith(
        "profiles/mine.yml is written. Next:\n"
        f"  lembas check --profile mine --data '{data}'\n"
        f"  make book PROFILE=mine DATA='{data}'\n"
    )


def test_a_dry_run_writes_nothing(lembas: Command, data: Path, project: Path) -> None:
    code, out, _ = lembas("init", str(data), "--dry-run", "--name", "new")
    assert code == 0
    assert "Nothing was written (--dry-run); without it, profiles/new.yml would be." in out
    assert list((project / "profiles").iterdir()) == []


def test_a_question_leaves_no_profile(
    lembas: Command, data: Path, project: Path, made: Simulation
) -> None:
    write_network(data, made, "other.tsv")
    code, out, _ = lembas("init", str(data))
    assert code == 4
    assert "1 question to settle before a profile is written" in out
    assert "Answer: --network network.tsv" in out
    assert "No profile was written" in out
    assert list((project / "profiles").iterdir()) == []
    code, _, _ = lembas("init", str(data), "--network", "other.tsv", "--external", "B=far.tsv")
    assert code == 0
    files = read_profile("mine", project).chapters["01_data"]["files"]
    assert (files["network"], files["external"]) == ("other.tsv", {"B": "far.tsv"})


def test_json(lembas: Command, data: Path) -> None:
    code, out, _ = lembas("init", str(data), "--json", "--dry-run")
    document = json.loads(out)
    assert code == 0
    assert document["profile"] == ""
    assert document["proposal"]["files"]["counts"] == "counts.tsv"
    by_file = {entry["file"]: entry for entry in document["files"]}
    assert by_file["counts.tsv"]["genes_in"] == "rows"
    assert by_file["counts.tsv"]["scale"] == "counts"
    assert by_file["network.tsv"]["n_tfs"] == document["overlaps"][0]["n_tfs"]
    assert document["questions"] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("none",), "lembas: there is no folder none"),
        (("DATA", "--name", "My"), "lembas: --name My: use lower-case letters"),
        (("DATA", "--external", "far.tsv"), "lembas: --external far.tsv: expected NAME=FILE"),
        (
            ("DATA", "--external", "a=x", "--external", "a=y"),
            "lembas: --external names a twice; give each cohort a name",
        ),
        (("DATA", "--network", "x"), "lembas: --network x: no such file in"),
    ],
)
def test_wrong_calls_are_one_sentence(
    lembas: Command, data: Path, arguments: tuple[str, ...], message: str
) -> None:
    said = (str(data) if part == "DATA" else part for part in arguments)
    code, _, err = lembas("init", *said)
    assert code == 1
    assert err.startswith(message)
    assert "Traceback" not in err


def test_a_profile_that_is_there_is_refused_before_anything_is_read(
    lembas: Command, data: Path, project: Path
) -> None:
    (project / "profiles" / "mine.yml").write_text("title: Old\n")
    (data / "counts.tsv").write_bytes(b"")
    code, out, err = lembas("init", str(data))
    assert (code, out) == (1, "")
    assert "profiles/mine.yml is there already and is left as it is" in err
    assert (project / "profiles" / "mine.yml").read_text() == "title: Old\n"


def test_no_permission_is_one_sentence(
    lembas: Command, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "profiles/.mine.1.yml")

    monkeypatch.setattr("lembas.profile_draft._write_checked", refuse)
    code, _, err = lembas("init", str(data))
    assert code == 1
    assert "Permission denied" in err
