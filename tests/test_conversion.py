"""`lembas convert`: the study's files in, one of the package's own out, or one clear sentence."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from lembas.checkpoint import describe, load
from lembas.conversion import read_names
from tests.conftest import Command
from tests.small_study import network_of
from tests.study_files import Payload, StudyCase, changed, expression, random_state

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def case() -> StudyCase:
    edges = [("A", "B", 1), ("B", "B", -1), ("B", "C", 1), ("D", "C", -1), ("D", "E", 1)]
    case = StudyCase(network_of(edges), tfs=["D", "B", "A", "X"], genes=["C", "B"])
    case.state.update(random_state(case, np.random.default_rng(1)))
    return case


@pytest.fixture
def files(tmp_path: Path, case: StudyCase) -> Path:
    """Write a folder as someone holds it who has the study's files."""
    case.write(tmp_path / "study.pt")
    case.network.edges.to_csv(tmp_path / "network.tsv", sep="\t", index=False)
    expression(case.tfs).to_csv(tmp_path / "tfs.tsv.gz", sep="\t")
    expression(case.genes).to_csv(tmp_path / "genes.csv")
    return tmp_path


def arguments(files: Path, **other: Path | str) -> list[str]:
    paths = {
        "original": files / "study.pt",
        "own": files / "new" / "own.safetensors",
        "network": files / "network.tsv",
        "tfs": files / "tfs.tsv.gz",
        "genes": files / "genes.csv",
        **other,
    }
    positional = [str(paths.pop("original")), str(paths.pop("own"))]
    options = [text for key, path in paths.items() for text in (f"--{key}", str(path))]
    return ["convert", *positional, *options]


def test_from_the_studys_files_to_predictions(files: Path, case: StudyCase) -> None:
    """As a user runs it, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "lembas", *arguments(files)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    own = files / "new" / "own.safetensors"
    weights = case.state["signaling_network.weights"]
    signs = {("A", "B"): 1, ("B", "B"): -1, ("B", "C"): 1, ("D", "C"): -1}
    at = {name: position for position, name in enumerate(case.nodes)}
    n_wrong = sum(weights[at[gene], at[tf]] * sign < 0 for (tf, gene), sign in signs.items())
    assert done.stdout == (
        f"{own}: 3 TFs, 2 genes, 4 edges; {n_wrong} weights of the wrong sign, 0 of zero; "
        "1 TFs ignored, no nodes: X\n"
    )
    model, x = load(own, case.network), expression(case.tfs)
    with torch.no_grad():
        found = model(torch.from_numpy(x[model.inputs].to_numpy()))[0].numpy()
    np.testing.assert_allclose(found, case.predict(x), rtol=1e-6, atol=1e-6)
    assert describe(own).notes["original"] == "study.pt"
    assert describe(own).notes["seed"] == 888
    assert describe(own).notes["bionet_params"]["target_steps"] == 150


def test_weights_off_the_network(files: Path, case: StudyCase, lembas: Command) -> None:
    matrix = case.state["signaling_network.weights"].clone()
    matrix[0, 0] = 0.5
    case.write(files / "study.pt", state_dict=changed(case.state, matrix=matrix))
    code, _, err = lembas(*arguments(files))
    assert code == 1
    assert "1 weight(s) where the network has no edge: A->A" in err
    assert not (files / "new").exists()
    code, out, _ = lembas(*arguments(files), "--off-network", "drop")
    assert code == 0
    assert "; 1 weights off the network dropped; " in out
    assert describe(files / "new" / "own.safetensors").notes["n_off_network_dropped"] == 1


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"original": "none.pt"}, "checkpoint not found: "),
        ({"original": "network.tsv"}, "is no checkpoint of torch, or was cut short"),
        ({"original": "bad.pt"}, "holds more than tensors, numbers and text (posix.mkdir)"),
        ({"own": "study.pt"}, "study.pt is no name for the new file; expected one ending in .safe"),
        ({"own": "genes.csv/own.safetensors"}, "genes.csv"),
        ({"network": "none.tsv"}, "network file not found"),
        ({"network": "genes.csv"}, "lacks the column(s) TF, Gene, Interaction"),
        ({"tfs": "genes.csv"}, "3 inputs, and these make 2: 1 TFs given regulate nothing (C)"),
        ({"tfs": "none.tsv"}, "TF table not found: "),
        ({"genes": "study.pt"}, "is no table; expected .tsv, .txt, .csv (or .gz)"),
        ({"genes": "empty.tsv"}, "gene table .*empty.tsv is empty"),
    ],
)
def test_a_users_error_is_one_line_and_nothing_is_written(
    files: Path, case: StudyCase, lembas: Command, other: dict[str, str], message: str
) -> None:
    case.write(files / "bad.pt", seed=Payload(files / "ran"))
    (files / "empty.tsv").touch()
    before = {path: path.read_bytes() for path in files.iterdir()}
    code, out, err = lembas(*arguments(files, **{key: files / name for key, name in other.items()}))
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith("lembas: ")
    assert all(part in err for part in message.split(".*"))
    assert {path: path.read_bytes() for path in files.iterdir()} == before


def test_an_option_that_lacks_is_named(lembas: Command) -> None:
    code, _, err = lembas("convert", "a.pt", "b.safetensors", "--tfs", "a", "--genes", "b")
    assert (code, err) == (2, "lembas: Missing option '--network'; see: lembas convert --help\n")


def test_the_command_line_starts_without_torch() -> None:
    code = "import lembas.__main__, sys; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


# Names


@pytest.mark.parametrize(
    ("name", "content", "names"),
    [
        ("a.tsv", "sample\tALB\tAFP\ns1\t1\t2\n", ["ALB", "AFP"]),
        ("a.txt", "\tALB\tAFP\r\ns1\t1\t2\r\n", ["ALB", "AFP"]),
        ("a.tsv", "ALB\tAFP\ns1\t1\t2\n", ["ALB", "AFP"]),  # as R writes it
        ("a.csv", '\ufeff"","ALB","NA"\ns1,1,2\n', ["ALB", "NA"]),
        ("a.csv", ",ALB,AFP\n", ["ALB", "AFP"]),
        ("a.txt", "ALB\nAFP\n\nTTR\n", ["ALB", "AFP", "TTR"]),
        ("a.csv", "ALB", ["ALB"]),
        ("a.tsv", "\tALB\ns1\t1\n", ["ALB"]),
    ],
)
def test_names_of_tables_and_lists(
    tmp_path: Path, name: str, content: str, names: list[str]
) -> None:
    path = tmp_path / name
    path.write_bytes(content.encode())
    assert read_names(path, "gene table") == names
    zipped = tmp_path / f"{name}.gz"
    zipped.write_bytes(gzip.compress(content.encode()))
    assert read_names(zipped, "gene table") == names


def test_the_values_of_a_table_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_bytes(b"\tALB\tAFP\n" + b"s1\t1\t2\n" * 10_000 + b"\xff")
    assert read_names(path, "gene table") == ["ALB", "AFP"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.tsv.gz", b"\x1f\x8b\x08", "gene table .* cannot be read"),
        ("a.tsv.gz", b"no gzip", "cannot be read"),
        ("a.tsv", b"\xff\xfe\x00", "cannot be read .*utf-8"),
        ("a.tsv", b"", "is empty; expected genes' names in its first line"),
        ("a.csv", b"\n\n", "is empty; expected"),
    ],
)
def test_files_that_name_no_genes(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_names(tmp_path / name, "gene table")
