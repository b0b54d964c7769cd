"""The package's own checkpoints: nothing changes, nothing foreign is accepted, no code runs."""

from __future__ import annotations

import errno
import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from lembas import checkpoint
from lembas.checkpoint import describe, load, save
from lembas.model import LembasRNN, RNNConfig, narrowed
from lembas.network import Network
from lembas.study import Study
from lembas.training import LembasRegressor
from tests.small_study import QUICK, network_of
from tests.study_files import Payload, random_study

each_folder = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def moved(model: LembasRNN, seed: int) -> LembasRNN:
    """Give every parameter values of its own."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) / 2)
    return model


@pytest.fixture
def model() -> LembasRNN:
    edges = [("A", "B", 1), ("B", "B", -1), ("B", "C", 1), ("D", "C", -1), ("D", "E", 1)]
    return moved(LembasRNN(network_of(edges), ["A", "D", "not_a_node"], ["C", "B", "LONE"]), 0)


@pytest.fixture(scope="module")
def regressor(study: Study) -> LembasRegressor:
    train = study.dataset.train
    model = LembasRegressor(study.network, settings={**QUICK, "epochs": 2}, seed=3, device="cpu")
    return model.fit(train.x, train.y)


def same_rnn(first: LembasRNN, second: LembasRNN) -> None:
    assert first.config == second.config
    for names in ("inputs", "outputs", "tfs", "nodes"):
        pd.testing.assert_index_equal(getattr(first, names), getattr(second, names))
    pd.testing.assert_frame_equal(first.edges, second.edges)
    states = first.state_dict(), second.state_dict()
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0] | states[1])
    x = torch.randn(7, len(first.inputs), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        ours, theirs = (model(x.to(model.weights.dtype)) for model in (first, second))
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


# Save then load changes nothing


@each_folder
@given(
    seed=st.integers(0, 100_000),
    config=st.sampled_from(
        [RNNConfig(), RNNConfig(max_steps=1, leak=0.2), RNNConfig(max_steps=40, tolerance=1e-3)]
    ),
    double=st.booleans(),
)
def test_a_bare_network_comes_back(
    tmp_path: Path, seed: int, config: RNNConfig, double: bool
) -> None:
    """Also with TFs none of whose edges lead to a node that matters."""
    case = random_study(seed)
    inputs, outputs = [*case.inputs[::-1], "no_node"], [*case.outputs[::-1], "lone"]
    model = moved(LembasRNN(case.network, inputs, outputs, config=config), seed)
    model = model.double() if double else model
    save(model, tmp_path / "a.safetensors")
    same_rnn(load(tmp_path / "a.safetensors"), model)
    same_rnn(load(tmp_path / "a.safetensors", case.network), model)


def test_a_network_of_idle_tfs_alone_comes_back(tmp_path: Path) -> None:
    """Y, the only output, has no regulator: it is predicted by its bias."""
    model = moved(LembasRNN(network_of([("A", "B", 1), ("C", "B", 1)]), ["A"], ["Y"]), 1)
    assert model.edges.empty
    save(model, tmp_path / "a.safetensors")
    same_rnn(load(tmp_path / "a.safetensors"), model)


def test_a_narrowed_network_comes_back(tmp_path: Path, model: LembasRNN) -> None:
    smaller = narrowed(model, pd.Index(["B"]))
    save(smaller, tmp_path / "a.safetensors")
    same_rnn(load(tmp_path / "a.safetensors"), smaller)


@pytest.mark.parametrize("name", ["lembas", "lembas_published"])
def test_a_fitted_regressor_comes_back(
    tmp_path: Path, fitted: dict[str, LembasRegressor], study: Study, name: str
) -> None:
    model, x = fitted[name], study.dataset.test.x
    save(model, tmp_path / "a.safetensors")
    found = load(tmp_path / "a.safetensors", study.network)
    pd.testing.assert_frame_equal(found.predict(x), model.predict(x), check_exact=True)
    pd.testing.assert_frame_equal(found.history_, model.history_, check_exact=True)
    same_rnn(found.network_, model.network_)
    for attribute in ("config_", "n_updates_", "recipe", "settings", "seed", "device", "progress"):
        assert getattr(found, attribute) == getattr(model, attribute), attribute
    for names in ("tfs_", "genes_", "genes_without_regulators_"):
        pd.testing.assert_index_equal(getattr(found, names), getattr(model, names))
    assert found.network.digest == study.network.digest
    assert set(vars(found)) == set(vars(model))


def test_a_restricted_regressor_comes_back(
    tmp_path: Path, regressor: LembasRegressor, study: Study
) -> None:
    smaller, x = regressor.restricted(regressor.genes_[[4, 1]]), study.dataset.test.x
    save(smaller, tmp_path / "a.safetensors")
    found = load(tmp_path / "a.safetensors")
    pd.testing.assert_frame_equal(found.predict(x), smaller.predict(x), check_exact=True)
    assert found.network.digest == study.network.digest


def test_a_loaded_regressor_fits_again_to_the_same_weights(
    tmp_path: Path, regressor: LembasRegressor, study: Study
) -> None:
    save(regressor, tmp_path / "a.safetensors")
    found, train = load(tmp_path / "a.safetensors"), study.dataset.train
    same_rnn(found.fit(train.x, train.y).network_, regressor.network_)


def test_a_regressor_that_was_not_fitted_comes_back(tmp_path: Path, study: Study) -> None:
    for network in (study.network, None):
        save(LembasRegressor(network, settings={"epochs": np.int64(3)}), tmp_path / "a.safetensors")
        found = load(tmp_path / "a.safetensors")
        assert found.settings == {"epochs": 3}
        assert not hasattr(found, "network_")
        assert (found.network and found.network.digest) == (network and network.digest)


def test_the_same_model_is_the_same_file(tmp_path: Path, regressor: LembasRegressor) -> None:
    save(regressor, tmp_path / "a.safetensors")
    save(load(tmp_path / "a.safetensors"), tmp_path / "b.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_a_file_says_what_it_holds(
    tmp_path: Path, model: LembasRNN, regressor: LembasRegressor, study: Study
) -> None:
    path = tmp_path / "a.safetensors"
    save(model, path, metrics={"r2": np.float32(0.5)}, notes={"from": "a study", "seed": 1})
    found = describe(path)
    assert (found.kind, found.metrics, found.notes["from"]) == ("LembasRNN", {"r2": 0.5}, "a study")
    assert found.config == model.config
    assert found.outputs.tolist() == ["C", "B", "LONE"]
    # The edge from D to E, which is no node of the model, is not part of it.
    used = [("A", "B", 1), ("B", "B", -1), ("B", "C", 1), ("D", "C", -1)]
    assert found.network_digest == network_of(used).digest

    save(regressor, path)
    found = describe(path)
    assert (found.kind, found.metrics, found.notes) == ("LembasRegressor", {}, {})
    assert found.network_digest == study.network.digest
    assert found.inputs.tolist() == regressor.tfs_.tolist()

    save(LembasRegressor(), path)
    found = describe(path)
    assert (found.config, found.network_digest, len(found.inputs)) == (None, None, 0)


# Another network


def test_a_file_of_another_network_names_the_edges(tmp_path: Path, model: LembasRNN) -> None:
    save(model, tmp_path / "a.safetensors")
    other = network_of([("A", "B", -1), ("A", "C", 1), ("B", "B", -1), ("D", "C", -1)])
    message = (
        r"a\.safetensors was made with another network: 3 edge\(s\) differ: A->B \(sign\), "
        r"A->C \(only in the network\), B->C \(only in the file\); pass the network it was made"
    )
    with pytest.raises(ValueError, match=message):
        load(tmp_path / "a.safetensors", other)


def test_at_most_five_edges_are_named(tmp_path: Path) -> None:
    genes = [f"G{number}" for number in range(8)]
    model = LembasRNN(network_of([("T", gene, 1) for gene in genes]), ["T"], genes)
    save(model, tmp_path / "a.safetensors")
    with pytest.raises(ValueError, match=r"8 edge\(s\) differ: (T->G\d \(sign\)(, |;)){5} pass"):
        load(tmp_path / "a.safetensors", network_of([("T", gene, -1) for gene in genes]))


def test_a_regressors_whole_prior_counts(
    tmp_path: Path, regressor: LembasRegressor, study: Study
) -> None:
    save(regressor, tmp_path / "a.safetensors")
    tf = study.network.tfs[0]
    edges = [*study.network.edges.itertuples(index=False, name=None), (tf, "UNSEEN", 1)]
    with pytest.raises(ValueError, match=rf"1 edge.* differ: {tf}->UNSEEN \(only in the network"):
        load(tmp_path / "a.safetensors", network_of(edges))


# Refusals when saving


def test_what_cannot_be_kept_is_not_written(
    tmp_path: Path, model: LembasRNN, regressor: LembasRegressor
) -> None:
    class Derived(LembasRegressor):
        """Would come back as another class."""

    path = tmp_path / "a.safetensors"
    save(model, path)
    before = path.read_bytes()
    with pytest.raises(TypeError, match="model is a Derived; expected LembasRNN or LembasRegr"):
        save(Derived(), path)
    with pytest.raises(TypeError, match=r"cannot keep a \w*Path: "):
        save(model, path, notes={"from": tmp_path})
    with pytest.raises(TypeError, match=r"cannot keep a set: \{1\}"):
        save(LembasRegressor(settings={"epochs": {1}}), path)
    with torch.no_grad():
        model.bias[0] = torch.nan
    with pytest.raises(ValueError, match=r"NaN or infinite values in rnn\.bias; train the model"):
        save(model, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_network_replaced_after_fitting_is_refused(
    tmp_path: Path, regressor: LembasRegressor, study: Study
) -> None:
    other = regressor.restricted(regressor.genes_)  # a copy
    tf, gene = study.network.edges.loc[0, ["TF", "Gene"]]
    fewer = Network.from_edges(study.network.edges.iloc[1:])
    for network, difference in ((fewer, rf"1 edge\(s\) differ: {tf}->{gene}"), (None, "differ")):
        other.network = network
        message = f"network was replaced after fitting: .*{difference}.*set it back, or fit again"
        with pytest.raises(ValueError, match=message):
            save(other, tmp_path / "a.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_old_file(
    tmp_path: Path, model: LembasRNN, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: bytes) -> int:
        with path.open("wb") as stream:
            stream.write(content[:100])
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "a.safetensors"
    save(model, path)
    before = path.read_bytes()
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        save(moved(model, 5), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


# Damaged and crafted files


def test_what_is_missing_or_something_else(tmp_path: Path, model: LembasRNN) -> None:
    with pytest.raises(FileNotFoundError, match=r"checkpoint not found: .*none; check the path"):
        load(tmp_path / "none")
    path = tmp_path / "a.safetensors"
    save_file({"weights": torch.zeros(3)}, path, {"format": "pt"})
    with pytest.raises(ValueError, match="is a safetensors file of something else; expected one"):
        load(path)
    for content in (b"", b"PK\x03\x04", b"\x00" * 100, b"TF\tGene\tInteraction\n" * 9):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"a\.safetensors is no safetensors file, or was cut"):
            load(path)


def test_a_file_cut_short_is_refused(tmp_path: Path, model: LembasRNN) -> None:
    path = tmp_path / "a.safetensors"
    save(model, path)
    whole = path.read_bytes()
    for length in range(0, len(whole), 37):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match="is no safetensors file, or was cut short"):
            load(path)


@settings(each_folder, max_examples=200)
@given(st.data())
def test_a_changed_byte_is_refused_or_changes_nothing(tmp_path: Path, data: st.DataObject) -> None:
    """White space that fills up the header may become other white space; nothing else may."""
    path = tmp_path / "a.safetensors"
    model = moved(LembasRNN(network_of([("A", "B", 1), ("B", "A", -1)]), ["A"], ["B"]), 0)
    save(model, path)
    content = bytearray(path.read_bytes())
    # Counted from the end, where the weights are.
    content[-data.draw(st.integers(1, len(content)))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    try:
        found = load(path)
    except ValueError:
        return
    same_rnn(found, model)


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_payload_does_nothing_but_raise(tmp_path: Path, protocol: int) -> None:
    path, payload = tmp_path / "a.safetensors", Payload(tmp_path / "ran")
    path.write_bytes(pickle.dumps(payload, protocol=protocol))
    with pytest.raises(ValueError, match="is no safetensors file"):
        load(path)
    torch.save({"state_dict": payload}, path)
    with pytest.raises(ValueError, match="is no safetensors file"):
        load(path)
    assert not (tmp_path / "ran").exists()


Change = Callable[[dict[str, Any], dict[str, Tensor]], None]


def rewrite(path: Path, change: Change) -> None:
    """Change what a file holds and give it a checksum that fits."""
    with safe_open(path, framework="pt") as file:
        header = json.loads(file.metadata()["lembas"])
        tensors = {key: file.get_tensor(key) for key in file.offset_keys()}
    header.pop("checksum")
    change(header, tensors)
    header["checksum"] = checkpoint._checksum(header, tensors)
    save_file(tensors, path, {"lembas": json.dumps(header)})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda h, t: h.update(format=2), "its format is 2, and this version of lembas reads 1"),
        (lambda h, t: h.pop("names"), "missing parts: names; unknown parts: none"),
        (lambda h, t: h.update(code="x"), "unknown parts: code; this version of lembas reads"),
        (lambda h, t: t.pop("rnn.bias"), r"missing tensors: rnn\.bias; unknown tensors: none"),
        (lambda h, t: t.update(x=torch.zeros(1)), "missing tensors: none; unknown tensors: x"),
        (lambda h, t: t["rnn.weights"].fill_(torch.nan), r"infinite values in rnn\.weights"),
        (lambda h, t: t["scale.y_sd"].fill_(torch.inf), r"infinite values in scale\.y_sd"),
        (lambda h, t: t.update({"rnn.bias": t["rnn.bias"][:-1].clone()}), "do not fit together"),
        (lambda h, t: t.update({"rnn.bias": t["rnn.bias"].double()}), "do not fit together"),
        (lambda h, t: t.update({"rnn.bias": t["rnn.bias"].int()}), "do not fit together"),
        (lambda h, t: t.update({"scale.x_sd": torch.ones(2)}), "scale and network do not fit"),
        (lambda h, t: t["edges.target"].fill_(0), "its edges are not sorted, unique, signed"),
        (lambda h, t: t["edges.source"].add_(100_000), "its edges are not sorted, unique, signed"),
        (lambda h, t: t["edges.source"].neg_(), "its edges are not sorted, unique, signed"),
        (lambda h, t: t["edges.sign"].fill_(2), "its edges are not sorted, unique, signed"),
        (
            lambda h, t: t.update({"edges.sign": t["edges.sign"][:-1].clone()}),
            "edges have the types",
        ),
        (
            lambda h, t: t.update({"edges.target": t["edges.target"].float()}),
            "edges have the types",
        ),
        (lambda h, t: h.update(names="ABC"), "names are no list of names"),
        (
            lambda h, t: h["names"].__setitem__(1, h["names"][0]),
            "names repeat .*; expected each name once",
        ),
        (lambda h, t: h["names"].reverse(), "must be unique and sorted"),
        (lambda h, t: h["rnn"].update(n_tfs=0), "cannot be used"),
        (lambda h, t: h["rnn"]["outputs"].pop(), "do not fit together"),
        (lambda h, t: h["rnn"]["inputs"].reverse(), "names, scale and network do not fit"),
        (lambda h, t: h["rnn"]["nodes"].append("X"), "do not fit together"),
        (
            lambda h, t: h["rnn"]["config"].update(depth=3),
            "RNNConfig of this version has no depth; it has max_steps, leak",
        ),
        (lambda h, t: h["rnn"]["config"].update(leak="x"), "cannot be used"),
        (lambda h, t: h["rnn"]["config"].update(max_steps=0), "max_steps must be at least 1"),
        (
            lambda h, t: h["estimator"]["parameters"].update(speed=1),
            "a regressor of this version has no speed",
        ),
        (
            lambda h, t: h["estimator"]["fitted"].update(predict={"kind": "plain", "value": 1}),
            "a regressor of this version has no predict",
        ),
        (
            lambda h, t: h["estimator"]["fitted"]["config_"]["fields"].update(momentum=1),
            "TrainConfig of this version has no momentum; it has",
        ),
        (lambda h, t: h["estimator"]["fitted"].pop("tfs_"), "names, scale and network do not fit"),
        (lambda h, t: h.update(estimator=[]), "cannot be used"),
        (lambda h, t: h.update(rnn=7), "cannot be used"),
    ],
)
def test_parts_that_do_not_fit_are_named(
    tmp_path: Path, regressor: LembasRegressor, change: Change, message: str
) -> None:
    path = tmp_path / "a.safetensors"
    save(regressor, path)
    rewrite(path, lambda header, tensors: None)
    load(path)
    rewrite(path, change)
    with pytest.raises(ValueError, match=message) as caught:
        load(path)
    assert str(path) in str(caught.value)


def test_settings_of_an_older_version_keep_their_defaults(tmp_path: Path, model: LembasRNN) -> None:
    path = tmp_path / "a.safetensors"
    save(model, path)
    rewrite(path, lambda header, tensors: header["rnn"]["config"].pop("tolerance"))
    assert load(path).config == replace(model.config, tolerance=None)


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "[" * 100_000, '{"format": 1}'])
def test_a_header_that_is_no_checkpoints(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.safetensors"
    save_file({"x": torch.zeros(1)}, path, {"lembas": text})
    with pytest.raises(ValueError, match=r"a\.safetensors cannot be used"):
        load(path)
    with pytest.raises(ValueError, match=r"a\.safetensors cannot be used"):
        describe(path)


def test_a_file_without_a_model_is_refused(tmp_path: Path, model: LembasRNN) -> None:
    path = tmp_path / "a.safetensors"
    save(LembasRegressor(), path)
    rewrite(path, lambda header, tensors: header.update(estimator=None))
    with pytest.raises(ValueError, match="it holds no model"):
        load(path)


def test_a_bare_network_is_loaded_without_scikit_learn(tmp_path: Path) -> None:
    """What a prediction needs in memory is torch and the network."""
    network = Network.from_edges(pd.DataFrame({"TF": ["A"], "Gene": ["b"], "Interaction": [1]}))
    save(LembasRNN(network, ["A"], ["b"]), tmp_path / "model.safetensors")
    code = (
        "import sys; from lembas.checkpoint import load; load(sys.argv[1]); "
        "sys.exit('sklearn' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "model.safetensors")]
    assert subprocess.run(command, check=False).returncode == 0
