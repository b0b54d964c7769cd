"""Take LEMBAS-RNN apart into tensors and what JSON holds, and put it together again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd
from torch import Tensor

from lembas.batches import Scale
from lembas.coded_edges import EDGE_TENSORS, CodedEdges, checked_names, describe_difference
from lembas.formats import listed
from lembas.model import LembasRNN, RNNConfig
from lembas.network import COLUMNS, Network
from lembas.recipes import TrainConfig

if TYPE_CHECKING:
    from lembas.training import LembasRegressor

Settings = TypeVar("Settings", RNNConfig, TrainConfig)
_PARAMETERS = ("weights", "bias", "input_weights", "output_weights", "output_bias")
_SCALE = tuple(field.name for field in fields(Scale))
# Stands for the targets of TFs that regulate no node of a network; no gene has this name.
_ELSEWHERE = ""


def pack_rnn(model: LembasRNN) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Take a bare network apart: what JSON holds, and tensors."""
    edges = CodedEdges.of(model.edges)
    header = {
        "network_digest": Network(edges.table()).digest,
        "names": edges.names.tolist(),
        "rnn": _architecture(model),
        "estimator": None,
    }
    return header, {**edges.packed(), **_prefixed("rnn", model.state_dict())}


def pack_regressor(model: LembasRegressor) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Take a regressor apart: what JSON holds, and tensors.

    Raises:
        TypeError: If it holds what a checkpoint cannot keep.
        ValueError: If its network was replaced after fitting.
    """
    parameters = model.get_params(deep=False)
    state = {key: value for key, value in vars(model).items() if key not in parameters}
    rnn, scale = state.pop("network_", None), state.pop("_scale", None)
    prior: Network | None = parameters.pop("network")
    edges = CodedEdges.of(pd.DataFrame(columns=COLUMNS) if prior is None else prior.edges)
    header = {
        "network_digest": None if prior is None else prior.digest,
        "names": edges.names.tolist(),
        "rnn": None if rnn is None else _architecture(rnn),
        "estimator": {
            "parameters": parameters,
            "fitted": {key: _encoded(value) for key, value in state.items()},
        },
    }
    if rnn is None:
        return header, edges.packed()
    own = edges.among(rnn.nodes, rnn.tfs).table()
    if difference := describe_difference(CodedEdges.of(rnn.edges).table(), own):
        raise ValueError(
            f"the regressor's network was replaced after fitting: {difference}; set it back, or "
            "fit again"
        )
    tensors = {**_prefixed("rnn", rnn.state_dict()), **_prefixed("scale", vars(scale))}
    return header, {**edges.packed(), **tensors}


def tensor_names(header: Mapping[str, Any]) -> set[str]:
    """Name the tensors that belong to what JSON holds."""
    names = set(EDGE_TENSORS)
    if header["rnn"] is not None:
        names |= {f"rnn.{key}" for key in _parameters(header["rnn"]["config"])}
        names |= {f"scale.{key}" for key in _SCALE if header["estimator"] is not None}
    return names


def unpack_rnn(
    part: Mapping[str, Any], edges: CodedEdges, tensors: Mapping[str, Tensor]
) -> LembasRNN:
    """Build a network anew and give it its weights.

    Raises:
        ValueError: If names, edges and weights do not fit together.
    """
    nodes = checked_names(part["nodes"], "nodes")
    tfs = nodes[: part["n_tfs"]]
    used = edges.among(nodes, tfs).table()
    # A TF without an edge in use is a row of the state all the same.
    idle = pd.DataFrame({"TF": tfs.difference(used["TF"])})
    idle = idle.assign(Gene=_ELSEWHERE, Interaction=np.int8(1))
    model = LembasRNN(
        Network(pd.concat([idle, used], ignore_index=True)),
        checked_names(part["inputs"], "inputs"),
        checked_names(part["outputs"], "outputs"),
        config=checked_settings(RNNConfig, part["config"]),
    )
    state = {key: tensors[f"rnn.{key}"] for key in _parameters(part["config"])}
    dtype = state["weights"].dtype
    expected = {key: (value.shape, dtype) for key, value in model.state_dict().items()}
    found = {key: (value.shape, value.dtype) for key, value in state.items()}
    if not (dtype.is_floating_point and found == expected and model.nodes.equals(nodes)):
        raise ValueError("its names, edges and weights do not fit together")
    model.to(dtype).load_state_dict(state)
    return model


def unpack_regressor(
    part: Mapping[str, Any],
    edges: CodedEdges,
    rnn: LembasRNN | None,
    tensors: Mapping[str, Tensor],
) -> LembasRegressor:
    """Build a regressor around its network.

    Raises:
        ValueError: If it has settings this version does not know, or its parts do not fit.
    """
    from lembas.training import LembasRegressor  # brings scikit-learn, which a network spares

    known, fitted = LembasRegressor().get_params(), part["fitted"]
    odd = [key for key in part["parameters"] if key not in known]
    odd += [key for key in fitted if not (key.isidentifier() and key.endswith("_"))]
    if odd:
        raise ValueError(f"a regressor of this version has no {listed(odd)}")
    network = Network(edges.table()) if len(edges.target) else None
    model = LembasRegressor(network, **part["parameters"])
    for key, value in fitted.items():
        setattr(model, key, _decoded(value))
    if rnn is None:
        return model
    model.network_ = rnn
    model._scale = Scale(**{key: tensors[f"scale.{key}"] for key in _SCALE})
    lengths = [(len(value),) for value in (rnn.inputs, rnn.inputs, rnn.outputs, rnn.outputs)]
    shapes = [tuple(getattr(model._scale, key).shape) for key in _SCALE]
    labels = (getattr(model, "tfs_", None), getattr(model, "genes_", None))
    same = rnn.inputs.equals(labels[0]) and rnn.outputs.equals(labels[1])
    if shapes != lengths or not same:
        raise ValueError("its names, scale and network do not fit together")
    return model


def checked_settings(kind: type[Settings], values: Mapping[str, Any]) -> Settings:
    """Make settings of what a file holds; fields it does not name keep their defaults.

    Raises:
        ValueError: If it names fields that this version does not know.
    """
    known = [field.name for field in fields(kind)]
    unknown = [key for key in values if key not in known]
    if unknown:
        raise ValueError(
            f"{kind.__name__} of this version has no {listed(unknown)}; it has {', '.join(known)}"
        )
    return kind(**values)


def _architecture(model: LembasRNN) -> dict[str, Any]:
    return {
        "config": asdict(model.config),
        "nodes": model.nodes.tolist(),
        "n_tfs": len(model.tfs),
        "inputs": model.inputs.tolist(),
        "outputs": model.outputs.tolist(),
    }


def _parameters(config: Any) -> tuple[str, ...]:
    """Name the parameters of a network of these constants, or of what a file holds instead."""
    has_skip = isinstance(config, Mapping) and config.get("skip")
    return (*_PARAMETERS, "skip_weights") if has_skip else _PARAMETERS


def _prefixed(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}.{key}": value for key, value in tensors.items()}


def _encoded(value: Any) -> Any:
    """Give a fitted attribute as what JSON holds, marked by its kind."""
    if isinstance(value, TrainConfig):
        return {"kind": "settings", "fields": asdict(value)}
    if isinstance(value, pd.DataFrame):
        return {"kind": "table", "columns": value.to_dict("list")}
    if isinstance(value, pd.Index):
        return {"kind": "names", "names": value.tolist(), "axis": value.name}
    if isinstance(value, pd.Series):
        return {"kind": "by gene", "genes": value.index.tolist(), "values": value.tolist()}
    return {"kind": "plain", "value": value}


def _decoded(stored: Mapping[str, Any]) -> Any:
    """Reverse :func:`_encoded`."""
    if stored["kind"] == "settings":
        return checked_settings(TrainConfig, stored["fields"])
    if stored["kind"] == "table":
        return pd.DataFrame(stored["columns"])
    if stored["kind"] == "names":
        return pd.Index(stored["names"], dtype=object, name=stored["axis"])
    if stored["kind"] == "by gene":
        return pd.Series(stored["values"], index=pd.Index(stored["genes"], name="gene"))
    return stored["value"]
