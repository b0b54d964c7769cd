"""What fuzzing has found: each damaged file is refused with a sentence of ours."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import nbformat
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from pyarrow import parquet
from safetensors import safe_open
from safetensors.torch import save_file

from lembas import h5ad
from lembas.archs4 import Archs4File
from lembas.artifacts import Run
from lembas.cached import CachedTable
from lembas.chapters import read_chapter
from lembas.checkpoint import _KEY, _checksum, load, save
from lembas.cohorts import Dataset
from lembas.commands.shared import named_value
from lembas.comparison import Records
from lembas.data import build_dataset
from lembas.execution import Job
from lembas.formats import listed, read_labelled
from lembas.model import LembasRNN
from lembas.model_files import load_model
from lembas.network import Network
from lembas.network_formats import read_network
from lembas.notebook_files import read_notebook
from lembas.original_checkpoint import read_original
from lembas.parameter_cells import Parameter, check_value
from lembas.peek_binary import peek_hdf5, peek_parquet
from lembas.pieces import PieceJob
from lembas.profiles import read_profile
from lembas.provenance import checked_record, read_json
from lembas.tables import check_expression
from lembas.workflow import check_elsewhere
from tests.archs4_file import tiny
from tests.fuzz.valid import expression, network
from tests.small_study import network_of
from tests.study_files import random_study
from tests.test_comparison import RECORD, write_run
from tests.toy import write_data_chapter


def write_matrix(path: Path) -> Path:
    table = expression()
    obs, var = (pd.DataFrame(index=axis) for axis in table.axes)
    h5ad.write(path, table, obs=obs, var=var, uns={})
    return path


def of_unknown_kind(file: h5py.File) -> None:
    file["obs"].attrs["encoding-version"] = "x"


def too_large(file: h5py.File) -> None:
    attributes = dict(file["X"].attrs)
    del file["X"]
    file.create_dataset("X", (10**7, 10**7), np.float32, chunks=True).attrs.update(attributes)


def another_kind(file: h5py.File) -> None:
    del file["var"]
    file["var"] = np.arange(3)


@pytest.mark.parametrize("change", [of_unknown_kind, too_large, another_kind])
def test_anndata(tmp_path: Path, change: Callable[[h5py.File], None]) -> None:
    path = write_matrix(tmp_path / "a.h5ad")
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(ValueError, match=r"cannot be read as .h5ad .*; write it again with"):
        read_labelled(path)
    if change is not too_large:  # of which only some rows would be looked at
        with pytest.raises(ValueError, match=r"cannot be read|is damaged"):
            peek_hdf5(path)


def test_a_dataset_that_lacks_a_part(tmp_path: Path) -> None:
    path = tmp_path / "dataset.h5ad"
    build_dataset(expression(20), network(), test_fraction=0.3, seed=1).write(path)
    with h5py.File(path, "r+") as file:
        del file["uns/lembas/unit"]
    with pytest.raises(ValueError, match=r"cannot be read as .h5ad .unit.; write it again"):
        Dataset.read(path)


def test_parquet(tmp_path: Path) -> None:
    run = Run.open(tmp_path / "run")
    path = run.place("tables", "a.parquet")
    table = pa.table({"gene": ["a", "b"], "s1": [1.0, 2.0]})
    parquet.write_table(table.replace_schema_metadata({b"pandas": b'{"index_columns'}), path)
    for read in (lambda: run.read_table("a"), lambda: read_labelled(path)):
        with pytest.raises(ValueError, match="it is damaged, cut short or of another format"):
            read()
    with pytest.raises(ValueError, match="is damaged, cut short or of another format"):
        peek_parquet(path)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04" + b"\x00" * 60])
def test_models(tmp_path: Path, content: bytes) -> None:
    run = Run.open(tmp_path / "run")
    run.place("fits", "baselines", "ridge", "model.skops").write_bytes(content)
    with pytest.raises(ValueError, match=r"cannot be read as a model .* fit the model again"):
        load_model(run, "ridge")


@pytest.mark.parametrize("content", [b"PK\x03\x04", b"\x93NUMPY\x01\x00\x04\x00({'a"])
def test_kept_tables_are_made_anew(tmp_path: Path, content: bytes) -> None:
    source = tmp_path / "a.tsv"
    source.touch()
    place = CachedTable.of(source, tmp_path / "cache", variant="x")
    place.read_or(expression)
    place.values.write_bytes(content)  # noqa: PD011
    assert place.read() is None
    pd.testing.assert_frame_equal(place.read_or(expression), expression())


@pytest.mark.parametrize("names", ["[" * 100_000, '{"samples": [], "genes": []'])
def test_kept_names_are_made_anew(tmp_path: Path, names: str) -> None:
    source = tmp_path / "a.tsv"
    source.touch()
    place = CachedTable.of(source, tmp_path / "cache", variant="x")
    place.read_or(expression)
    place.labels.write_text(names)
    pd.testing.assert_frame_equal(place.read_or(expression), expression())


@pytest.mark.filterwarnings("error")
def test_a_kept_table_with_the_header_of_python_2_is_made_anew(tmp_path: Path) -> None:
    source = tmp_path / "a.tsv"
    source.touch()
    place = CachedTable.of(source, tmp_path / "cache", variant="x")
    place.read_or(expression)
    whole = place.values.read_bytes()  # noqa: PD011
    place.values.write_bytes(whole.replace(b"), }", b"L),}", 1))  # noqa: PD011
    assert place.read() is None
    pd.testing.assert_frame_equal(place.read_or(expression), expression())


def test_cells_that_only_python_takes_for_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("sample\tA\tB\ns1\t1_000\t2\ns2\t3\t4\n")
    with pytest.raises(ValueError, match=r"not numbers .*: s1/A: '1_000'; correct them"):
        read_labelled(path)


def test_a_long_name_does_not_hide_the_rest_of_a_message() -> None:
    assert listed(["a" * 5000, "b"]) == f"{'a' * 117}..., b"


def test_a_long_name_in_a_network(tmp_path: Path) -> None:
    path = tmp_path / "network.tsv"
    path.write_text(f"{'a' * 5000}\tGene\nX\tY\n")
    with pytest.raises(ValueError, match="lacks the column") as caught:
        Network.read(path)
    assert len(str(caught.value)) < 500
    path.write_text(f"TF\tGene\tInteraction\nX\tY\t{'1' * 5000}\n")
    with pytest.raises(ValueError, match="other than 1 or -1") as caught:
        Network.read(path)
    assert len(str(caught.value)) < 500


def test_columns_with_the_same_long_name(tmp_path: Path) -> None:
    path = tmp_path / "network.tsv"
    path.write_text(f"{'1' * 4400}\t{'1' * 4400}\nX\tY\n")
    with pytest.raises(ValueError, match="two columns called alike: 111") as caught:
        read_network(path)
    assert len(str(caught.value)) < 500


def test_a_cell_of_a_gene_with_a_long_name(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text(f"sample\t{'g' * 5000}\tB\n{'s' * 5000}\tinf\t2\ns2\t3\t4\n")
    with pytest.raises(ValueError, match="missing or infinite values") as caught:
        check_expression(read_labelled(path), origin="a.tsv")
    assert len(str(caught.value)) < 500


def test_long_values_in_a_profile(tmp_path: Path) -> None:
    folder = tmp_path / "profiles"
    folder.mkdir()
    for line in ("a" * 5000 + ": 1", f"time_out_s: {{{'a' * 5000}: 1}}", f"data: {'a' * 5000}"):
        (folder / "mine.yml").write_text(f"title: Mine\n{line}\n")
        with pytest.raises(ValueError, match=r"profiles/mine.yml") as caught:
            read_profile("mine", tmp_path)
        assert len(str(caught.value)) < 500


def test_a_long_name_in_a_parameter() -> None:
    for text in ("a" * 5000, f"seed={'1' * 5000}", f"seed=[{'a' * 5000}"):
        with pytest.raises(ValueError, match="-p ") as caught:
            named_value(text, option="-p", example="seed=1")
        assert len(str(caught.value)) < 700
    with pytest.raises(ValueError, match="parameter seed must be int, not 'aaa") as caught:
        check_value("01_data", Parameter("seed", "int", 1, ""), "a" * 5000)
    assert len(str(caught.value)) < 500


def test_a_long_name_of_an_executor(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(f"executor: {'a' * 5000}\n")
    with pytest.raises(ValueError, match="asks for the executor 'aaa") as caught:
        check_elsewhere(tmp_path)
    assert len(str(caught.value)) < 700


def test_a_long_constant_of_the_study(tmp_path: Path) -> None:
    case = random_study(3)
    path = case.write(tmp_path / "a.pt", bionet_params={"leak": "a" * 5000})
    with pytest.raises(ValueError, match="holds constants that make no network: ") as caught:
        read_original(path, case.network, case.tfs, case.genes)
    assert len(str(caught.value)) < 500


def test_constants_of_the_study_that_no_float_holds(tmp_path: Path) -> None:
    case = random_study(3)
    path = case.write(tmp_path / "a.pt", projection_amplitude_in=10**400)
    with pytest.raises(ValueError, match="holds constants that make no network: int too large"):
        read_original(path, case.network, case.tfs, case.genes)


def test_a_text_of_numpy_is_no_constant_of_the_study(tmp_path: Path) -> None:
    case = random_study(3)
    path = case.write(tmp_path / "a.pt", bionet_params={"leak": np.str_("x")})
    with pytest.raises(ValueError, match="holds more than tensors, numbers and text; noth") as said:
        read_original(path, case.network, case.tfs, case.genes)
    assert "a NumPy object that is no number" in str(said.value.__cause__)


def test_weights_that_were_changed_after_saving(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    edges = [("A", "B", 1), ("B", "C", -1)]
    save(LembasRNN(network_of(edges), ["A"], ["C"]), path)
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
        tensors = {key: file.get_tensor(key) for key in file.offset_keys()}
    tensors["rnn.weights"] += 1
    save_file(tensors, path, metadata)
    message = r"a\.safetensors cannot be used: its checksum is wrong, .*; copy it again, or save"
    with pytest.raises(ValueError, match=message):
        load(path)


def without_symbols(file: h5py.File) -> None:
    file["data/expression"] = np.zeros((2, 3), np.int32)
    file["meta/genes/transcripts"] = np.arange(2)


@pytest.mark.parametrize(("size", "words"), [(10**400, "too large"), (1e300, "is too large")])
def test_a_constant_of_a_checkpoint_that_no_float_holds(
    tmp_path: Path, size: float, words: str
) -> None:
    path = tmp_path / "a.safetensors"
    save(LembasRNN(network_of([("A", "B", 1), ("B", "C", -1)]), ["A"], ["C"]), path)
    with safe_open(path, framework="pt") as file:
        header = json.loads(file.metadata()[_KEY])
        tensors = {key: file.get_tensor(key) for key in file.offset_keys()}
    del header["checksum"]
    header["rnn"]["config"]["amplitude_out"] = size
    header["checksum"] = _checksum(header, tensors)
    save_file(tensors, path, {_KEY: json.dumps(header)})
    with pytest.raises(ValueError, match=rf"a\.safetensors cannot be used: .*{words}"):
        load(path)


def test_genes_of_archs4_that_claim_more_than_memory_holds(tmp_path: Path) -> None:
    path = tiny(tmp_path)
    with h5py.File(path, "r+") as file:
        del file["meta/genes/symbol"]
        file.create_dataset("meta/genes/symbol", (10**10,), np.float32, chunks=True)
    with pytest.raises(ValueError, match=r"meta/genes 10,000,000,000; the file is incomplete"):
        Archs4File.read(path)


@pytest.mark.parametrize(
    ("fill", "message"),
    [
        (lambda file: file.create_group("layers"), "of an unknown layout: expected AnnData's"),
        (without_symbols, "has no gene symbols: expected meta/genes/symbol or"),
    ],
)
def test_hdf5_of_another_layout(
    tmp_path: Path, fill: Callable[[h5py.File], Any], message: str
) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        fill(file)
    with pytest.raises(ValueError, match=message):
        peek_hdf5(path)


def lacking(*keys: str) -> dict[str, Any]:
    record = json.loads(json.dumps(RECORD))
    part = record
    for key in keys[:-1]:
        part = part[key]
    del part[keys[-1]]
    return record


@pytest.mark.parametrize(
    ("record", "named"),
    [
        (lacking("machine"), "machine"),
        (lacking("recipe", "parameters"), "recipe.parameters"),
        ({**RECORD, "threads": "one"}, "threads"),
        ({**RECORD, "sources": {"a": 1}}, "sources"),
        ({**RECORD, "versions": []}, "versions"),
        ({**RECORD, "reads": None}, "reads"),
        ({**RECORD, "recipe": {**RECORD["recipe"], "modules": None}}, "recipe.modules"),
    ],
)
def test_records(tmp_path: Path, record: dict[str, Any], named: str) -> None:
    write_run(tmp_path, "demo", record)
    message = f"01_data.json is damaged .{named} missing or of another kind.; delete it and run"
    with pytest.raises(ValueError, match=message):
        Records.read("demo", tmp_path)
    assert checked_record(RECORD, "a") == RECORD


@pytest.mark.parametrize(
    ("text", "why"),
    [("[]", "it holds no mapping"), ("[" * 100_000, "recursion"), ("{", "Exp"), ("nul", "Exp")],
    ids=["list", "deep", "open", "word"],
)
def test_records_that_are_none(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(
        ValueError, match=rf"a.json is damaged \(.*{why}.*\); delete it and run the chapter"
    ):
        read_json(path)


@pytest.mark.parametrize(
    "plan",
    [
        {"chapters": []},
        {"chapters": {"01_data": {}}},
        {"chapters": {"01_data": 3}, "profile": "a", "run_dir": "b"},
    ],
)
def test_plans(plan: dict[str, Any]) -> None:
    for read in (Job.from_plan, lambda *given: PieceJob.from_plan(*given, "1of2")):
        with pytest.raises(ValueError, match=r"the plan is damaged .*; write it again with"):
            read(plan, "01_data")


@pytest.mark.parametrize(
    "change",
    [
        lambda notebook: notebook.update(cells=3),
        lambda notebook: notebook.pop("metadata"),
        lambda notebook: notebook["cells"][1].update(source=7),
        lambda notebook: notebook["cells"][1]["metadata"].update(tags=0.5),
        lambda notebook: notebook.update(nbformat=9),
        lambda notebook: notebook.update(nbformat=2),
        lambda notebook: notebook.update(nbformat=1),
    ],
)
def test_notebooks(tmp_path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = write_data_chapter(tmp_path)
    notebook = json.loads(path.read_text("utf-8"))
    change(notebook)
    path.write_text(json.dumps(notebook), "utf-8")
    with pytest.raises(ValueError, match=r"01_data.ipynb is not a valid notebook: "):
        read_chapter(path)


def test_parameters_that_papermill_does_not_see(tmp_path: Path) -> None:
    path = write_data_chapter(tmp_path)
    notebook = json.loads(path.read_text("utf-8"))
    cell = next(
        cell for cell in notebook["cells"] if "parameters" in cell["metadata"].get("tags", [])
    )
    cell["source"] = (
        "run_dir: str = 'a'  # folder\nseed: int = 1  # seed of theseed: int = 1  # seed"
    )
    path.write_text(json.dumps(notebook), "utf-8")
    message = r"papermill does not see the parameter\(s\) seed; write each on a line of its own"
    with pytest.raises(ValueError, match=message):
        read_chapter(path)


def test_a_kernel_that_papermill_does_not_know(tmp_path: Path) -> None:
    path = write_data_chapter(tmp_path)
    notebook = json.loads(path.read_text("utf-8"))
    notebook["metadata"]["kernelspec"].update(name="x", language="x")
    notebook["metadata"]["language_info"].update(name="x")
    path.write_text(json.dumps(notebook), "utf-8")
    with pytest.raises(ValueError, match=r"01_data.ipynb names no kernel"):
        read_chapter(path)


def test_cells_without_ids_are_read_in_peace(tmp_path: Path) -> None:
    path = write_data_chapter(tmp_path)
    notebook = json.loads(path.read_text("utf-8"))
    for cell in notebook["cells"]:
        del cell["id"]
    path.write_text(json.dumps(notebook), "utf-8")
    assert isinstance(read_notebook(path, "a"), nbformat.NotebookNode)
    assert read_chapter(path).name == "01_data"


def test_a_checkpoint_of_a_long_format(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_file({"a": torch.zeros(1)}, path, {_KEY: json.dumps({"format": "1" * 5000})})
    with pytest.raises(ValueError, match=r"its format is '111.*, and this version") as caught:
        load(path)
    assert len(str(caught.value)) < 500


def test_parquet_whose_names_of_columns_are_none(tmp_path: Path) -> None:
    table = pd.DataFrame({"sample": ["s1", "s2"], "A": [1.0, 2.0]})
    made = pa.Table.from_pandas(table, preserve_index=False)
    about = json.loads(made.schema.metadata[b"pandas"])
    about["columns"][1]["name"] = {"a": "A"}
    made = made.replace_schema_metadata({"pandas": json.dumps(about)})
    parquet.write_table(made, tmp_path / "a.parquet")
    with pytest.raises(ValueError, match=r"\{'a': 'A'\} cannot be the name of a column"):
        read_labelled(tmp_path / "a.parquet")
