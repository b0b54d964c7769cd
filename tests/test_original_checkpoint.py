"""Checkpoints of the original study: the same predictions, every mismatch named, no code run."""

from __future__ import annotations

import contextlib
import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lembas.model import LembasRNN, RNNConfig
from lembas.original_checkpoint import Align, load_original, read_original
from tests.small_study import network_of
from tests.study_files import Payload, StudyCase, changed, expression, random_state, random_study

each_folder = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def predicted(model: LembasRNN, x: pd.DataFrame) -> pd.DataFrame:
    with torch.no_grad():
        inputs = torch.from_numpy(x[model.inputs].to_numpy(np.float32)).to(model.weights.dtype)
        return pd.DataFrame(model(inputs)[0].numpy(), index=x.index, columns=model.outputs)


def assert_agrees(model: LembasRNN, case: StudyCase, x: pd.DataFrame) -> None:
    """Compare in float32 and, with the same weights, in float64."""
    expected = case.predict(x)
    assert model.outputs.tolist() == case.outputs
    np.testing.assert_allclose(predicted(model, x), expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(predicted(model.double(), x), expected, rtol=1e-12, atol=1e-12)


@pytest.fixture
def case() -> StudyCase:
    """A -> B -> C, B -> B, D -> C; D regulates only, E is a node that is neither in nor out."""
    edges = [("A", "B", 1), ("B", "B", -1), ("B", "C", 1), ("D", "C", -1), ("D", "E", 1)]
    case = StudyCase(network_of(edges), tfs=["D", "B", "A"], genes=["C", "B"])
    case.state.update(random_state(case, np.random.default_rng(1)))
    return case


# Parity


@each_folder
@given(seed=st.integers(0, 100_000))
def test_predictions_are_those_of_the_dense_recurrence(tmp_path: Path, seed: int) -> None:
    case = random_study(seed)
    model = load_original(case.write(tmp_path / "a.pt"), case.network, case.tfs, case.genes)
    assert_agrees(model, case, expression(case.inputs, seed=seed))


def test_rows_are_targets_and_columns_are_sources(tmp_path: Path) -> None:
    """By hand: x = 0.2 at A, weight 0.5 from A to B, nothing else."""
    case = StudyCase(network_of([("A", "B", 1)]), tfs=["A"], genes=["B"], max_steps=2)
    case.state.update(
        {
            "input_layer.weights": torch.tensor([1.0]),
            "signaling_network.weights": torch.tensor([[0.0, 0.0], [0.5, 0.0]]),
            "signaling_network.bias": torch.zeros(2, 1),
            "output_layer.weights": torch.tensor([3.0]),
            "output_layer.bias": torch.tensor([0.25]),
        }
    )
    model = load_original(case.write(tmp_path / "a.pt"), case.network, ["A"], ["B"])
    found = predicted(model, pd.DataFrame({"A": [0.2]})).loc[0, "B"]
    assert found == pytest.approx(3 * 0.5 * 0.2 + 0.25, abs=1e-7)


def test_sclembas_names_its_bias_otherwise(tmp_path: Path, case: StudyCase) -> None:
    state = changed(case.state, bias=None)
    state["signaling_network.bias_global"] = case.state["signaling_network.bias"]
    path = case.write(tmp_path / "a.pt", state_dict=state)
    assert_agrees(
        load_original(path, case.network, case.tfs, case.genes), case, expression(case.inputs)
    )


def test_constants_are_the_files_and_else_the_studys(tmp_path: Path) -> None:
    case = random_study(4, max_steps=3, leak=0.2)
    found = read_original(case.write(tmp_path / "a.pt"), case.network, case.tfs, case.genes)
    assert_agrees(found.model, case, expression(case.inputs))
    assert found.seed == 888
    assert found.bionet_params["exp_factor"] == 50
    assert type(found.bionet_params["leak"]) is float

    torch.save({"state_dict": case.state}, tmp_path / "b.pt")
    bare = read_original(tmp_path / "b.pt", case.network, case.tfs, case.genes)
    assert bare.model.config == RNNConfig(max_steps=10, leak=0.01)
    assert (bare.seed, bare.bionet_params) == (None, {})


def test_numpy_1_wrote_its_numbers_under_another_name(tmp_path: Path, case: StudyCase) -> None:
    path = case.write(tmp_path / "a.pt")
    replace_in_pickle(path, b"numpy._core.multiarray", b"numpy.core.multiarray")
    found = read_original(path, case.network, case.tfs, case.genes)
    assert found.bionet_params["leak"] == 0.01


def replace_in_pickle(path: Path, old: bytes, new: bytes) -> None:
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    (name,) = [name for name in parts if name.endswith("data.pkl")]
    assert old in parts[name]
    with zipfile.ZipFile(path, "w") as archive:
        for part, content in parts.items():
            archive.writestr(part, content.replace(old, new) if part == name else content)


def test_names_that_are_no_nodes_are_listed(tmp_path: Path, case: StudyCase) -> None:
    path = case.write(tmp_path / "a.pt")
    found = read_original(path, case.network, [*case.tfs, "X", "M"], [*case.genes, "X"])
    assert found.ignored_tfs.tolist() == ["M", "X"]
    assert found.ignored_genes.tolist() == ["X"]
    assert found.model.inputs.tolist() == ["A", "B", "D"]
    assert found.alignment.filled.empty


# Weights off the network


def with_weights(case: StudyCase, places: list[tuple[str, str]]) -> dict[str, torch.Tensor]:
    matrix = case.state["signaling_network.weights"].clone()
    for source, target in places:
        matrix[case.nodes.index(target), case.nodes.index(source)] = 1e-30
    return changed(case.state, matrix=matrix)


def test_weights_off_the_network_are_refused_and_named(tmp_path: Path, case: StudyCase) -> None:
    # The last one leads to a node whose state no output depends on.
    off = [("A", "A"), ("C", "A"), ("C", "B"), ("D", "B"), ("E", "C"), ("C", "E")]
    path = case.write(tmp_path / "a.pt", state_dict=with_weights(case, off))
    message = (
        r"a\.pt has 6 weight\(s\) where the network has no edge: A->A, C->A, C->B, D->B, E->C; "
        r'give the network it was trained with, or .*off_network="drop"'
    )
    with pytest.raises(ValueError, match=message):
        load_original(path, case.network, case.tfs, case.genes)
    alone = case.write(tmp_path / "b.pt", state_dict=with_weights(case, off[-1:]))
    with pytest.raises(ValueError, match=r"has 1 weight\(s\) where .*: C->E;"):
        load_original(alone, case.network, case.tfs, case.genes)


def test_weights_off_the_network_can_be_dropped(tmp_path: Path, case: StudyCase) -> None:
    path = case.write(tmp_path / "a.pt", state_dict=with_weights(case, [("A", "C"), ("E", "E")]))
    found = read_original(path, case.network, case.tfs, case.genes, off_network="drop")
    assert found.n_off_network == 2
    assert_agrees(found.model, case, expression(case.inputs))
    with pytest.raises(ValueError, match='off_network must be "refuse" or "drop", got \'keep\''):
        read_original(path, case.network, case.tfs, case.genes, off_network="keep")


def test_another_network_of_the_same_size_is_recognised(tmp_path: Path, case: StudyCase) -> None:
    other = network_of(
        [("A", "B", 1), ("B", "B", -1), ("A", "C", 1), ("D", "C", -1), ("D", "E", 1)]
    )
    with pytest.raises(ValueError, match=r"1 weight\(s\) where the network has no edge: B->C"):
        load_original(case.write(tmp_path / "a.pt"), other, case.tfs, case.genes)


def test_edges_without_a_weight_are_counted(tmp_path: Path, case: StudyCase) -> None:
    matrix = case.state["signaling_network.weights"].clone()
    matrix[case.nodes.index("E"), case.nodes.index("D")] = 0
    path = case.write(tmp_path / "a.pt", state_dict=changed(case.state, matrix=matrix))
    assert read_original(path, case.network, case.tfs, case.genes).n_zero_edges == 1


def test_more_nodes_than_are_looked_at_together(tmp_path: Path) -> None:
    """Edges and strays in the first and the last block of rows."""
    genes = [f"G{number:04d}" for number in range(1100)]
    case = StudyCase(network_of([("T", gene, 1) for gene in genes]), tfs=["T"], genes=genes)
    case.state.update(random_state(case, np.random.default_rng(0)))
    path = case.write(tmp_path / "a.pt")
    assert_agrees(load_original(path, case.network, ["T"], genes), case, expression(["T"]))
    strays = [("G0000", "G0600"), ("G0001", "G1099")]
    case.write(path, state_dict=with_weights(case, strays))
    with pytest.raises(ValueError, match=r"2 weight.*: G0000->G0600, G0001->G1099;"):
        load_original(path, case.network, ["T"], genes)


# Other names than the checkpoint's


@pytest.mark.parametrize(
    ("tfs", "genes", "messages"),
    [
        (
            ["A", "D", "b"],
            ["B", "C"],
            [
                "3 inputs, and these make 2: 1 TFs given are no nodes (b), 1 TFs of the network "
                "were not given (B)"
            ],
        ),
        (
            ["A", "B", "C", "D"],
            ["B", "C"],
            ["3 inputs, and these make 4: 1 TFs given regulate nothing (C)"],
        ),
        (
            ["A", "B", "D"],
            ["C", "c"],
            [
                "2 outputs, and these make 1: 1 genes given are no nodes (c), 2 genes of the "
                "network were not given (B, E)"
            ],
        ),
        (
            ["A", "B"],
            ["A", "B", "C"],
            [
                "3 inputs, and these make 2: 1 TFs of the network were not given (D)",
                "2 outputs, and these make 3: 1 genes given have no regulator (A)",
            ],
        ),
    ],
)
def test_a_mismatch_names_both_sides(
    tmp_path: Path, case: StudyCase, tfs: list[str], genes: list[str], messages: list[str]
) -> None:
    with pytest.raises(ValueError, match="does not fit the network and the names") as caught:
        load_original(case.write(tmp_path / "a.pt"), case.network, tfs, genes)
    for message in [*messages, "name another table in align=Align(tfs, genes, fill=...)"]:
        assert message in str(caught.value)
    assert "nodes, and these make" not in str(caught.value)


def test_a_network_of_another_size_is_named(tmp_path: Path, case: StudyCase) -> None:
    larger = network_of([*case.network.edges.itertuples(index=False, name=None), ("A", "F", 1)])
    message = r"5 nodes, and these make 6: 2 nodes are neither among .* given \(E, F\); give"
    with pytest.raises(ValueError, match=message):
        load_original(case.write(tmp_path / "a.pt"), larger, case.tfs, case.genes)


def test_one_text_is_no_list_of_names(tmp_path: Path, case: StudyCase) -> None:
    with pytest.raises(TypeError, match=r"the tf names are one text \('ABD'\); give a list"):
        load_original(case.write(tmp_path / "a.pt"), case.network, "ABD", case.genes)


# Use on another table


@each_folder
@given(seed=st.integers(0, 100_000), value=st.floats(-2, 2, width=32))
def test_a_filled_tf_is_one_that_has_this_value_in_every_sample(
    tmp_path: Path, seed: int, value: float
) -> None:
    case = random_study(seed)
    path, rng = case.write(tmp_path / "a.pt"), np.random.default_rng(seed)
    hidden = [name for name in case.inputs[1:] if rng.random() < 0.5]
    kept = [name for name in case.inputs if name not in hidden]
    wanted = [name for name in case.outputs[1:] if rng.random() < 0.5] + case.outputs[:1]
    if not set(kept) & set(case.network.tfs):
        return
    align = Align([*kept, "other"], [*wanted, "unheard"], fill=value)
    found = read_original(path, case.network, case.tfs, case.genes, align=align)
    x = expression(case.inputs, seed=seed).assign(**dict.fromkeys(hidden, np.float32(value)))
    expected = case.predict(x)[sorted(wanted)]
    np.testing.assert_allclose(
        predicted(found.model, x.drop(columns=hidden)), expected, rtol=1e-6, atol=1e-6
    )
    listing = found.alignment
    assert listing.filled.to_dict() == dict.fromkeys(hidden, value)
    assert listing.unused_tfs.tolist() == ["other"]
    assert listing.unpredicted_genes.tolist() == ["unheard"]
    assert set(listing.dropped_genes) == set(case.outputs) - set(wanted)


def test_values_by_name_and_all_genes(tmp_path: Path, case: StudyCase) -> None:
    means = pd.Series({"D": 0.4, "B": -0.3, "Z": 9.0})
    align = Align((name for name in ["A"]), fill=means)  # something that can be read only once
    model = load_original(
        case.write(tmp_path / "a.pt"), case.network, case.tfs, case.genes, align=align
    )
    x = pd.DataFrame({"A": [0.1, 1.0]})
    expected = case.predict(x.assign(B=-0.3, D=0.4))
    np.testing.assert_allclose(predicted(model, x), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("align", "message"),
    [
        (Align(["A"]), r"lacks 2 TF\(s\) .* gives 2 of them no finite value: B, D; give fill="),
        (Align(["A"], fill=pd.Series({"B": 1.0})), r"gives 1 of them no finite value: D"),
        (Align(["A"], fill=np.nan), r"gives 2 of them no finite value: B, D"),
        (Align(["x", "y"], fill=0.0), "shares no TFs with the checkpoint: it has x, y, .* A, B, D"),
        (Align(["A", "B", "D"], ["g"]), "shares no genes with the checkpoint: it has g, .* B, C;"),
    ],
)
def test_what_a_table_lacks_is_never_invented(
    tmp_path: Path, case: StudyCase, align: Align, message: str
) -> None:
    path = case.write(tmp_path / "a.pt")
    with pytest.raises(ValueError, match=message):
        load_original(path, case.network, case.tfs, case.genes, align=align)


# Bad files


def refused(path: Path, case: StudyCase, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        load_original(path, case.network, case.tfs, case.genes)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: changed(s, w_in=None), "missing keys: input_layer.weights; unknown keys: none"),
        (
            lambda s: {**s, "optimizer": torch.zeros(1)},
            "keys: none; unknown keys: optimizer; expected",
        ),
        (
            lambda s: {**s, "signaling_network.bias_global": torch.zeros(5, 1)},
            "unknown keys: signaling_network.bias_global",
        ),
        (
            lambda s: changed(s, w_out=[1.0, 2.0]),
            "output_layer.weights is a list; expected a dense",
        ),
        (lambda s: changed(s, b_out=torch.zeros(2).to_sparse()), "output_layer.bias is a Tensor"),
        (
            lambda s: changed(s, w_in=torch.zeros(3).double()),
            "torch.float64; expected torch.float32",
        ),
        (lambda s: changed(s, bias=torch.zeros(5)), r"bias has shape \(5,\); expected \(5, 1\)"),
        (lambda s: changed(s, bias=torch.zeros(1, 5)), r"bias has shape \(1, 5\); expected \(5, 1"),
        (lambda s: changed(s, matrix=torch.zeros(5, 4)), r"shape \(5, 4\); expected \(5, 5\)"),
        (lambda s: changed(s, matrix=torch.zeros(5)), r"shape \(5,\); expected \(5, 5\)"),
        (lambda s: changed(s, w_in=torch.zeros(3, 1)), r"shape \(3, 1\); expected \(3,\)"),
        (lambda s: changed(s, b_out=torch.zeros(3)), r"bias has shape \(3,\); expected \(2,\)"),
        (lambda s: [1, 2], "missing keys: input_layer.weights, "),
    ],
)
def test_wrong_tensors_are_named(
    tmp_path: Path, case: StudyCase, change: Callable[[Any], Any], message: str
) -> None:
    refused(case.write(tmp_path / "a.pt", state_dict=change(case.state)), case, message)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("key", ["w_in", "matrix", "bias", "w_out", "b_out"])
def test_no_value_may_be_infinite(tmp_path: Path, case: StudyCase, key: str, value: float) -> None:
    layer = changed({}, **{key: 0}).popitem()[0]
    tensor = case.state[layer].clone()
    tensor.view(-1)[-1] = value  # of the matrix: a place without an edge
    path = case.write(tmp_path / "a.pt", state_dict=changed(case.state, **{key: tensor}))
    refused(path, case, f"{layer} holds NaN or infinite values")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epoch": 3}, "unknown keys: epoch; expected state_dict, and perhaps seed, bionet_params"),
        ({"seed": [1]}, "seed is a list; expected a number or text"),
        ({"bionet_params": 3}, "bionet_params is a int; expected a dict"),
        ({"bionet_params": {"leak": torch.zeros(1)}}, "leak is a Tensor; expected a number"),
        ({"bionet_params": {"max_steps": 2.5}}, "max_steps must be a whole number, got 2.5"),
        ({"bionet_params": {"max_steps": np.nan}}, "max_steps must be a whole number, got nan"),
        ({"bionet_params": {"max_steps": 0}}, "max_steps must be at least 1, got 0"),
        ({"bionet_params": {"leak": np.float32(2)}}, r"leak must lie in \[0, 1\), got 2.0"),
        ({"bionet_params": {"leak": None}}, "constants that make no network: float.. argument"),
        (
            {"projection_amplitude_in": 1e39},
            r"network: amplitude_in is too large; expected at most 3\.4e\+38",
        ),
        ({"projection_amplitude_in": "x"}, "could not convert string to float: 'x'"),
    ],
)
def test_wrong_facts_are_named(
    tmp_path: Path, case: StudyCase, changes: dict[str, Any], message: str
) -> None:
    refused(case.write(tmp_path / "a.pt", **changes), case, message)


def test_content_that_is_no_checkpoint(tmp_path: Path, case: StudyCase) -> None:
    for content in ([1, 2], case.state, torch.zeros(3), {}):
        torch.save(content, tmp_path / "a.pt")
        refused(tmp_path / "a.pt", case, "missing keys: state_dict")
    with pytest.raises(FileNotFoundError, match=r"checkpoint not found: .*none\.pt; check"):
        load_original(tmp_path / "none.pt", case.network, case.tfs, case.genes)
    with pytest.raises(FileNotFoundError, match="checkpoint not found"):
        load_original(tmp_path, case.network, case.tfs, case.genes)


def test_a_file_cut_short_or_of_another_format(tmp_path: Path, case: StudyCase) -> None:
    path = case.write(tmp_path / "a.pt")
    whole = path.read_bytes()
    for length in [0, 1, 30, *range(100, len(whole), 211), len(whole) - 1]:
        path.write_bytes(whole[:length])
        refused(path, case, "is no checkpoint of torch, or was cut short")
    torch.save(case.content(), path, _use_new_zipfile_serialization=False)
    refused(path, case, r"older than torch 1\.6 must be saved again")


@settings(each_folder, max_examples=150)
@given(st.data())
def test_a_damaged_file_is_refused_or_read_and_nothing_else(
    tmp_path: Path, data: st.DataObject
) -> None:
    """Torch keeps no checksum of its own: damage is a clear error, or other numbers."""
    case = random_study(3)
    path = case.write(tmp_path / "a.pt")
    content = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    with contextlib.suppress(ValueError):
        load_original(path, case.network, case.tfs, case.genes)


# Files made to run code


def zipped(pickled: bytes) -> bytes:
    stream = io.BytesIO()
    torch.save({}, stream)
    with zipfile.ZipFile(stream) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, pickled if name.endswith("data.pkl") else content)
    return stream.getvalue()


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("place", ["whole", "state", "weights", "params", "array", "key"])
@pytest.mark.parametrize("wrap", [zipped, bytes])
def test_a_payload_does_nothing_but_raise(
    tmp_path: Path, case: StudyCase, place: str, protocol: int, wrap: Callable[[bytes], bytes]
) -> None:
    payload = Payload(tmp_path / "ran")
    contents: dict[str, Any] = {
        "whole": payload,
        "state": {"state_dict": payload},
        "weights": {"state_dict": {"input_layer.weights": payload}},
        "params": {"state_dict": {}, "bionet_params": {"leak": payload}},
        "array": {"state_dict": {}, "bionet_params": {"leak": np.array([payload], dtype=object)}},
        "key": {"state_dict": {}, "seed": payload},
    }
    path = tmp_path / "a.pt"
    path.write_bytes(wrap(pickle.dumps(contents[place], protocol=protocol)))
    # It is a payload: Python's own unpickler runs it.
    pickle.loads(pickle.dumps(payload))  # noqa: S301
    (tmp_path / "ran").rmdir()
    refused(path, case, "holds more than tensors, numbers|is no checkpoint of torch|is damaged")
    assert not (tmp_path / "ran").exists()


def test_the_wanted_function_is_named(tmp_path: Path, case: StudyCase) -> None:
    path = case.write(tmp_path / "a.pt", seed=Payload(tmp_path / "ran"))
    refused(path, case, r"holds more than tensors, numbers and text \(posix.mkdir\)")
    path = case.write(tmp_path / "a.pt", seed=np.zeros(2))
    refused(path, case, r"numbers and text \(numpy._core.multiarray._reconstruct\)")
    for number in (np.datetime64("2020-01-01"), np.str_("a"), np.complex64(1)):
        path = case.write(tmp_path / "a.pt", seed=number)
        refused(path, case, "holds more than tensors, numbers and text; nothing was loaded")
