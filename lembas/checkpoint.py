"""Save and load LEMBAS-RNN: weights, settings, all names and the network, without pickle."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor

from lembas import __version__
from lembas.atomic import write_atomically
from lembas.coded_edges import CodedEdges, checked_names, describe_difference
from lembas.formats import listed
from lembas.model import LembasRNN, RNNConfig
from lembas.network import Network
from lembas.original_checkpoint import (
    Align,
    Alignment,
    Original,
    load_original,
    read_original,
)
from lembas.packing import (
    checked_settings,
    pack_regressor,
    pack_rnn,
    tensor_names,
    unpack_regressor,
    unpack_rnn,
)
from lembas.plain_text import quoted

if TYPE_CHECKING:
    from lembas.training import LembasRegressor

__all__ = [
    "Align",
    "Alignment",
    "Description",
    "Original",
    "describe",
    "load",
    "load_original",
    "read_original",
    "save",
]

# All that is no tensor is one JSON text: safetensors writes several in no fixed order.
_KEY = "lembas"
_FORMAT = 1
_MODEL = {"network_digest", "names", "rnn", "estimator"}
_PARTS = {"format", "version", "metrics", "notes"} | _MODEL


@dataclass(frozen=True)
class Description:
    """Say what a checkpoint holds.

    Attributes:
        kind: "LembasRNN" or "LembasRegressor".
        version: Version of lembas that wrote it.
        network_digest: Digest of the network in the file: a regressor's prior, or the edges that
            a bare network uses; None: a regressor without a network.
        config: The architecture's constants; None: a regressor that is not fitted.
        inputs, outputs: Names of TFs and genes; empty: not fitted.
        metrics, notes: As given to :func:`save`.
    """

    kind: str
    version: str
    network_digest: str | None
    config: RNNConfig | None
    inputs: pd.Index
    outputs: pd.Index
    metrics: Mapping[str, float]
    notes: Mapping[str, Any]


def save(
    model: LembasRNN | LembasRegressor,
    path: str | Path,
    *,
    metrics: Mapping[str, float] | None = None,
    notes: Mapping[str, Any] | None = None,
) -> None:
    """Save a network, or a regressor with all its prediction and its report need.

    The file is safetensors: tensors and one JSON text, no code. It is written whole or not at all.

    Args:
        model: A :class:`LembasRNN`, or a :class:`LembasRegressor`, fitted or not.
        path: Where to, such as ``model.safetensors``.
        metrics: Scores to keep with it, by name.
        notes: Other facts to keep with it, such as where it comes from; whatever JSON holds.

    Raises:
        TypeError: If the model is of another kind, or holds a setting that JSON cannot.
        ValueError: If a weight is not finite, or the network was replaced after fitting.
        OSError: If the file cannot be written.
    """
    header, tensors = _pack(model)
    header |= {"format": _FORMAT, "version": __version__, "notes": dict(notes or {})}
    header["metrics"] = {str(key): float(value) for key, value in (metrics or {}).items()}
    tensors = {key: value.detach().cpu().contiguous() for key, value in tensors.items()}
    _refuse_not_finite(tensors)
    # Through JSON once, so that the checksum is that of what comes back.
    header = json.loads(json.dumps(header, default=_plain))
    text = json.dumps({**header, "checksum": _checksum(header, tensors)})

    content = to_bytes(tensors, {_KEY: text})
    write_atomically(path, lambda part: _write(part, content))


def load(path: str | Path, network: Network | None = None) -> LembasRNN | LembasRegressor:
    """Load what :func:`save` wrote, on the CPU; predictions are the same, bit by bit.

    Args:
        path: The file; it needs nothing beside it.
        network: Refuse the file if it was made with another network; None: do not compare.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged or of another format, lacks or adds a part, holds a
            value that is not finite, or was made with another network.
    """
    path = Path(path)
    header, tensors = _read(path)
    with _faults_named(path):
        edges = CodedEdges.unpacked(header["names"], tensors)
    if network is not None:
        _refuse_other_network(path, header, edges, network)
    with _faults_named(path):
        rnn = None if header["rnn"] is None else unpack_rnn(header["rnn"], edges, tensors)
        if header["estimator"] is not None:
            return unpack_regressor(header["estimator"], edges, rnn, tensors)
        if rnn is None:
            raise ValueError("it holds no model")
        return rnn


def describe(path: str | Path) -> Description:
    """Say what a checkpoint holds, without building the network.

    Raises:
        FileNotFoundError, ValueError: As in :func:`load`.
    """
    path = Path(path)
    header, _ = _read(path)
    with _faults_named(path):
        rnn = header["rnn"]
        return Description(
            kind="LembasRNN" if header["estimator"] is None else "LembasRegressor",
            version=header["version"],
            network_digest=header["network_digest"],
            config=None if rnn is None else checked_settings(RNNConfig, rnn["config"]),
            inputs=checked_names([] if rnn is None else rnn["inputs"], "inputs"),
            outputs=checked_names([] if rnn is None else rnn["outputs"], "outputs"),
            metrics=header["metrics"],
            notes=header["notes"],
        )


def _pack(model: LembasRNN | LembasRegressor) -> tuple[dict[str, Any], dict[str, Tensor]]:
    # A class derived from one of these would come back as the class it is derived from.
    if type(model) is LembasRNN:
        return pack_rnn(model)
    from lembas.training import LembasRegressor  # brings scikit-learn, which loading may not need

    if type(model) is LembasRegressor:
        return pack_regressor(model)
    raise TypeError(f"model is a {type(model).__name__}; expected LembasRNN or LembasRegressor")


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Read a file as JSON and tensors, whole and unchanged."""
    if not path.is_file():
        raise FileNotFoundError(f"checkpoint not found: {path}; check the path")
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get(_KEY)
            tensors = {key: file.get_tensor(key) for key in file.offset_keys()}
    except (SafetensorError, OSError) as error:
        raise ValueError(
            f"{path} is no safetensors file, or was cut short ({error}); copy it again"
        ) from error
    if text is None:
        raise ValueError(
            f"{path} is a safetensors file of something else; expected one of lembas, as "
            "lembas.checkpoint.save and `lembas convert` write it"
        )
    with _faults_named(path):
        header = _checked_header(json.loads(text), tensors)
        _refuse_not_finite(tensors)
    return header, tensors


@contextmanager
def _faults_named(path: Path) -> Iterator[None]:
    """Say which file is at fault, whatever its parts are refused for."""
    try:
        yield
    except (LookupError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ValueError(
            f"{path} cannot be used: {error}; copy it again, or save the model anew"
        ) from error


def _checked_header(header: Any, tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """Check that the JSON text is of this format and belongs to the tensors."""
    found = dict(header) if isinstance(header, dict) else {}
    if found.get("format") != _FORMAT:
        raise ValueError(
            f"its format is {quoted(found.get('format'))}, and this version of lembas reads "
            f"{_FORMAT}"
        )
    checksum = found.pop("checksum", None)
    _refuse_other_keys(set(found), _PARTS, "parts")
    _refuse_other_keys(set(tensors), tensor_names(found), "tensors")
    if checksum != _checksum(found, tensors):
        raise ValueError("its checksum is wrong, so it was changed or damaged")
    return found


def _refuse_other_keys(found: Set[str], expected: Set[str], what: str) -> None:
    missing, extra = sorted(expected - found), sorted(found - expected)
    if missing or extra:
        raise ValueError(
            f"missing {what}: {listed(missing) or 'none'}; unknown {what}: "
            f"{listed(extra) or 'none'}; this version of lembas reads {listed(sorted(expected))}"
        )


def _checksum(header: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> str:
    """Digest everything in a file."""
    digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    for key in sorted(tensors):
        digest.update(f"{key} {tensors[key].dtype} {tuple(tensors[key].shape)}".encode())
        digest.update(tensors[key].numpy().tobytes())
    return digest.hexdigest()


def _refuse_other_network(
    path: Path, header: Mapping[str, Any], edges: CodedEdges, network: Network
) -> None:
    """Name the edges in which a network differs from the file's, if it does."""
    other = network.edges
    if header["estimator"] is None:
        # A bare network keeps the edges into its own nodes; the others never mattered.
        other = other[other["Gene"].isin(header["rnn"]["nodes"])]
    if difference := describe_difference(edges.table(), other):
        raise ValueError(
            f"{path} was made with another network: {difference}; pass the network it was made "
            "with, or none"
        )


def _refuse_not_finite(tensors: Mapping[str, Tensor]) -> None:
    wrong = [key for key, value in tensors.items() if not torch.isfinite(value).all()]
    if wrong:
        raise ValueError(f"NaN or infinite values in {listed(wrong)}; train the model again")


def _plain(value: Any) -> Any:
    """Turn what JSON does not know into what it does."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a checkpoint cannot keep a {type(value).__name__}: {value!r}")
