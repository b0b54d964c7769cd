"""Read what a checkpoint of the original study holds, and check it part by part."""

from __future__ import annotations

import pickle
import re
import struct
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from safetensors import SafetensorError
from torch import Tensor

from lembas.formats import listed
from lembas.model import RNNConfig
from lembas.network import Network
from lembas.plain_text import reason_of

MATRIX, BIAS = "signaling_network.weights", "signaling_network.bias"
W_IN, W_OUT, B_OUT = "input_layer.weights", "output_layer.weights", "output_layer.bias"
AXES = ("nodes", "inputs", "outputs")
_SCLEMBAS_BIAS = "signaling_network.bias_global"
_TENSORS = (W_IN, MATRIX, BIAS, W_OUT, B_OUT)
_AMPLITUDES = ("projection_amplitude_in", "projection_amplitude_out")
_OPTIONAL = ("seed", "bionet_params", *_AMPLITUDES)
# What torch raises for a zip file that is no checkpoint, or whose parts do not fit together.
_DAMAGE = (
    *(RuntimeError, ValueError, TypeError, LookupError, AttributeError, AssertionError),
    *(ArithmeticError, EOFError, OSError, struct.error, SafetensorError),
)
# Rows of the matrix looked at together: 33 MB of the study's 1.07 GB.
_ROWS = 512


class _NumberType:
    """Stand for NumPy's data type while a file is read: NumPy itself would trust what it says."""

    def __init__(self, code: str, *_: Any) -> None:
        self.code, self.byte_order = code, "="

    def __setstate__(self, state: Any) -> None:
        self.byte_order = state[1]


def _number(kind: Any, data: bytes) -> bool | int | float:
    """Read one of NumPy's numbers as Python's own."""
    text = f"{kind.byte_order}{kind.code}" if isinstance(kind, _NumberType) else ""
    if not re.fullmatch(r"[<>=|][biuf][1248]", text):
        raise pickle.UnpicklingError("a NumPy object that is no number")
    return np.frombuffer(data, text, count=1)[0].item()


# What a NumPy number is made of in a pickle, under its names in NumPy 1 and 2.
_NUMPY_NUMBER: list[Any] = [
    (_number, "numpy.core.multiarray.scalar"),
    (_number, "numpy._core.multiarray.scalar"),
    (_NumberType, "numpy.dtype"),
]


@dataclass(frozen=True)
class Content:
    """Hold what a file holds, each part checked by itself.

    Attributes:
        path: The file; the matrix stays there until it is used.
        state: The five tensors, float32; the bias has one axis.
        seed, bionet_params: As stored, NumPy's numbers as Python's own.
        config: The constants of the file, or else the study's.
    """

    path: Path
    state: Mapping[str, Tensor]
    seed: int | None
    bionet_params: Mapping[str, Any]
    config: RNNConfig

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file without running anything in it.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it is damaged, holds code, or lacks or adds a part.
        """
        content = _loaded(path)
        _check_keys(content, ("state_dict",), _OPTIONAL, str(path))
        state = _checked_state(content["state_dict"], path)
        params = content.get("bionet_params", {})
        if not isinstance(params, dict):
            raise ValueError(f"{path}: bionet_params is a {type(params).__name__}; expected a dict")
        params = {str(key): _plain(value, f"{path}: {key}") for key, value in params.items()}
        seed = _plain(content.get("seed"), f"{path}: seed")
        amplitudes = {
            key.removeprefix("projection_"): _plain(content[key], f"{path}: {key}")
            for key in _AMPLITUDES
            if key in content
        }
        return cls(path, state, seed, params, _config(params, amplitudes, path))

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Numbers of nodes, inputs and outputs (see ``AXES``)."""
        return len(self.state[BIAS]), len(self.state[W_IN]), len(self.state[W_OUT])


def edge_positions(edges: pd.DataFrame, nodes: pd.Index) -> tuple[Tensor, Tensor]:
    """Give the row (target) and column (source) of each edge in the matrix."""
    target, source = nodes.get_indexer(edges["Gene"]), nodes.get_indexer(edges["TF"])
    return torch.from_numpy(target), torch.from_numpy(source)


def check_matrix(content: Content, network: Network, *, may_be_off: bool) -> tuple[int, int]:
    """Look at every weight once, a block of rows at a time.

    Args:
        content: A checkpoint with the network's number of nodes.
        network: Its network.
        may_be_off: Accept weights off the network.

    Returns:
        Number of weights off the network, and of edges whose weight is exactly 0.

    Raises:
        ValueError: If a weight is not finite, or lies off the network and must not.
    """
    matrix, nodes = content.state[MATRIX], network.nodes
    target, source = edge_positions(network.edges, nodes)
    n_off, n_zero, named = 0, 0, list[str]()
    for start in range(0, len(nodes), _ROWS):
        block = matrix[start : start + _ROWS]
        check_finite(block, MATRIX, content.path)
        # A network's edges are sorted by target.
        first, last = torch.searchsorted(target, torch.tensor([start, start + _ROWS]))
        rows, columns = target[first:last] - start, source[first:last]
        n_edges = int(torch.count_nonzero(block[rows, columns]))
        n_surplus = int(torch.count_nonzero(block)) - n_edges
        n_zero += len(rows) - n_edges
        n_off += n_surplus
        if n_surplus and len(named) < 5:
            off = block != 0
            off[rows, columns] = False
            places = off.nonzero()[:5].tolist()
            named += [f"{nodes[column]}->{nodes[start + row]}" for row, column in places]
    if n_off and not may_be_off:
        raise ValueError(
            f"{content.path} has {n_off} weight(s) where the network has no edge: "
            f"{', '.join(named[:5])}; give the network it was trained with, or leave these weights "
            'out with off_network="drop", which changes the predictions'
        )
    return n_off, n_zero


def check_finite(values: Tensor, key: str, path: Path) -> None:
    """Refuse NaN and infinite values."""
    if not torch.isfinite(values).all():
        raise ValueError(
            f"{path}: {key} holds NaN or infinite values; the training failed or the file is "
            "damaged: use another one"
        )


def _loaded(path: Path) -> dict[str, Any]:
    """Read the file as tensors, containers, numbers and text."""
    if not path.is_file():
        raise FileNotFoundError(f"checkpoint not found: {path}; check the path")
    if not _is_zip(path):
        raise ValueError(
            f"{path} is no checkpoint of torch, or was cut short; copy it again (one older than "
            "torch 1.6 must be saved again by a newer torch)"
        )
    try:
        with torch.serialization.safe_globals(_NUMPY_NUMBER), warnings.catch_warnings():
            # Of other pickle protocols and of TorchScript, which are refused where they matter.
            warnings.simplefilter("ignore", UserWarning)
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except pickle.UnpicklingError as error:
        raise ValueError(
            f"{path} holds more than tensors, numbers and text{_culprit(error)}; nothing was "
            "loaded, for such a file may run code: get it from its author again"
        ) from error
    except _DAMAGE as error:
        reason = str(error).splitlines()[0][:150] if str(error) else type(error).__name__
        raise ValueError(f"{path} is damaged ({reason}); copy it again") from error
    return content if isinstance(content, dict) else {}


def _is_zip(path: Path) -> bool:
    try:
        return zipfile.is_zipfile(path)
    except zipfile.BadZipFile:
        return False


def _culprit(error: pickle.UnpicklingError) -> str:
    """Name the function or type that the file asks for."""
    found = re.search(r"GLOBAL (\S+)|<class '([^']+)'>", str(error))
    return f" ({found[1] or found[2]})" if found else ""


def _check_keys(
    found: Mapping[str, Any], required: tuple[str, ...], optional: tuple[str, ...], origin: str
) -> None:
    missing = [key for key in required if key not in found]
    extra = [key for key in found if key not in (*required, *optional)]
    if missing or extra:
        perhaps = f", and perhaps {', '.join(optional)}" if optional else ""
        raise ValueError(
            f"{origin}: missing keys: {listed(missing) or 'none'}; unknown keys: "
            f"{listed(extra) or 'none'}; expected {', '.join(required)}{perhaps}"
        )


def _checked_state(state: Any, path: Path) -> dict[str, Tensor]:
    """Check the tensors' names and types, and their shapes against each other."""
    state = dict(state) if isinstance(state, dict) else {}
    if _SCLEMBAS_BIAS in state and BIAS not in state:
        state[BIAS] = state.pop(_SCLEMBAS_BIAS)
    _check_keys(state, _TENSORS, (), f"{path}: state_dict")
    for key, value in state.items():
        if not isinstance(value, Tensor) or value.layout is not torch.strided:
            raise ValueError(f"{path}: {key} is a {type(value).__name__}; expected a dense tensor")
        if value.dtype is not torch.float32 or value.device.type != "cpu":
            raise ValueError(f"{path}: {key} is {value.dtype}; expected torch.float32")
    n_nodes, n_out = state[BIAS].numel(), state[W_OUT].numel()
    shapes = {
        W_IN: (state[W_IN].numel(),),
        MATRIX: (n_nodes, n_nodes),
        BIAS: (n_nodes, 1),
        W_OUT: (n_out,),
        B_OUT: (n_out,),
    }
    for key, shape in shapes.items():
        found = tuple(state[key].shape)
        if found != shape:
            raise ValueError(f"{path}: {key} has shape {found}; expected {shape}")
        if key != MATRIX:
            check_finite(state[key], key, path)
    state = {key: value.detach() for key, value in state.items()}
    return {**state, BIAS: state[BIAS][:, 0]}


def _plain(value: Any, what: str) -> Any:
    """Accept a number or text."""
    if value is not None and not isinstance(value, bool | int | float | str):
        raise ValueError(f"{what} is a {type(value).__name__}; expected a number or text")
    return value


def _config(params: Mapping[str, Any], amplitudes: Mapping[str, Any], path: Path) -> RNNConfig:
    """Take the constants that the file holds; the others are the study's."""
    given = {key: params[key] for key in ("max_steps", "leak", "tolerance") if key in params}
    try:
        known: dict[str, Any] = {
            key: float(value) for key, value in {**given, **amplitudes}.items()
        }
        n_steps = known.pop("max_steps", float(RNNConfig.max_steps))
        if not n_steps.is_integer():
            raise ValueError(f"max_steps must be a whole number, got {n_steps}")
        return RNNConfig(max_steps=int(n_steps), **known)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(
            f"{path} holds constants that make no network: {reason_of(error)}"
        ) from error
