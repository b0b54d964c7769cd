"""Change what lies in HDF5, Parquet and tensor files, the files staying sound."""

from __future__ import annotations

import io
import json
import random
from contextlib import suppress
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import torch
from safetensors.torch import load as from_bytes
from safetensors.torch import save as to_bytes

from lembas.checkpoint import _KEY, _checksum
from tests.fuzz.mutations import ODD_TEXTS, damaged, damaged_tree, odd_value

# What writers of odd files raise themselves; the file then stays as it is.
_REFUSED = (ValueError, TypeError, KeyError, OSError, RuntimeError, OverflowError, AttributeError)


def damaged_hdf5(content: bytes, rng: random.Random) -> bytes:
    """Change groups, data sets and attributes; one in four times the file's bytes."""
    if rng.random() < 0.25:
        return damaged(content, rng)
    buffer = io.BytesIO(content)
    with h5py.File(buffer, "r+") as file:
        for _ in range(rng.choice((1, 1, 2, 3))):
            names: list[str] = []
            file.visit(names.append)
            with suppress(*_REFUSED):
                _change_member(file, rng.choice(names), rng)
    return buffer.getvalue()


def _change_member(file: h5py.File, name: str, rng: random.Random) -> None:
    kind = rng.randrange(7)
    if kind == 0:
        del file[name]
    elif kind == 1:
        _replace(file, name, _odd_array(rng, getattr(file[name], "shape", ()) or (3,)))
    elif kind == 2:
        _change_attribute(file[name].attrs, rng)
    elif kind == 3:
        _replace(file, name, rng.choice((h5py.SoftLink("/"), h5py.SoftLink("/gone"))))
    elif kind == 4:
        _replace(file, name, h5py.ExternalLink("gone.h5", "/"))
    elif kind == 5 and isinstance(file[name], h5py.Dataset):
        values = file[name][()]
        _replace(file, name, values[: rng.randrange(4)] if values.ndim else values)
    else:
        _claim_much(file, name, rng)


def _replace(file: h5py.File, name: str, value: Any) -> None:
    attributes = dict(file[name].attrs)
    del file[name]
    file[name] = value
    if isinstance(file.get(name), h5py.Dataset | h5py.Group):
        with suppress(*_REFUSED):
            file[name].attrs.update(attributes)


def _claim_much(file: h5py.File, name: str, rng: random.Random) -> None:
    """Put a data set of many cells in place of one, of which none is stored."""
    shape = rng.choice(((10**6, 10**6), (10**10,), (0,), (0, 5), (5, 0), (2,) * 4))
    attributes = dict(file[name].attrs)
    del file[name]
    made = file.create_dataset(name, shape, np.float32, chunks=True if 0 not in shape else None)
    made.attrs.update(attributes)


def _change_attribute(attributes: Any, rng: random.Random) -> None:
    names = list(attributes)
    name = rng.choice(names) if names else "encoding-type"
    if rng.random() < 0.3 and names:
        del attributes[name]
    else:
        values = ("array", "csr_matrix", "categorical", "dataframe", "x", 5, [1, 2], b"\xff", "")
        attributes[name] = rng.choice(values)


def _odd_array(rng: random.Random, shape: tuple[int, ...]) -> Any:
    """Draw an array of a type and shape that a reader may not expect."""
    size = shape if rng.random() < 0.7 else rng.choice(((), (1,), (2, 2), (0,), (3, 2, 2)))
    number = np.random.default_rng(rng.randrange(2**32))
    values = number.normal(size=size)
    options = (
        *(values, values * np.nan, values * np.inf, values.astype(np.int64) - 2, values > 0),
        *(values.astype("S8"), values.astype(np.complex64), values.astype(np.float16)),
        *(values.astype(">f8"), np.full(size, rng.choice(ODD_TEXTS[:40]), dtype=object)),
        *(np.full(size, 2**63, np.uint64), np.zeros(size, [("a", "i4"), ("b", "f8")])),
        *(np.full(size, "same", dtype=object), np.full(size, -1.5)),
    )
    return rng.choice(options)


def damaged_parquet(content: bytes, rng: random.Random) -> bytes:
    """Change columns, types and metadata of a table; one in four times the file's bytes."""
    if rng.random() < 0.25:
        return damaged(content, rng)
    table = pa.parquet.read_table(io.BytesIO(content))
    for _ in range(rng.choice((1, 1, 2))):
        with suppress(*_REFUSED, pa.ArrowException):
            table = _changed_table(table, rng)
    buffer = io.BytesIO()
    try:
        pa.parquet.write_table(table, buffer)
    except (*_REFUSED, pa.ArrowException):
        return content
    return buffer.getvalue()


def _changed_table(table: pa.Table, rng: random.Random) -> pa.Table:
    kind, n_columns = rng.randrange(7), table.num_columns
    at = rng.randrange(n_columns)
    if kind == 0:
        return table.remove_column(at)
    if kind == 1:
        return table.set_column(at, table.column_names[at], _odd_column(rng, table.num_rows))
    if kind == 2:
        return table.rename_columns([rng.choice(ODD_TEXTS[:40]) for _ in range(n_columns)])
    if kind == 3:
        return table.slice(0, rng.randrange(3))
    if kind == 4:
        return table.append_column(rng.choice(table.column_names), _odd_column(rng, len(table)))
    if kind == 5:
        return pa.concat_tables([table, table])
    about = table.schema.metadata or {}
    known = about.get(b"pandas", b"{}")
    new = json.dumps(damaged_tree(json.loads(known), rng)).encode()
    return table.replace_schema_metadata(rng.choice((None, {**about, b"pandas": new})))


def _odd_column(rng: random.Random, n_rows: int) -> pa.Array:
    texts = [rng.choice(ODD_TEXTS[:40]) for _ in range(n_rows)]
    options = (
        *(pa.array([None] * n_rows), pa.array(texts), pa.array([True] * n_rows)),
        *(pa.array([[1, 2]] * n_rows), pa.array([{"a": 1}] * n_rows), pa.array([b"\xff"] * n_rows)),
        *(pa.array([1] * n_rows, pa.timestamp("ns")), pa.array([2**63] * n_rows, pa.uint64())),
        *(pa.array(texts).dictionary_encode(), pa.array([float("nan")] * n_rows)),
        *(pa.array([None] * n_rows, pa.float64()), pa.array([1.5] * n_rows, pa.float32())),
        *(pa.array([1] * n_rows, pa.duration("s")), pa.array([1] * n_rows, pa.decimal128(20, 3))),
    )
    return rng.choice(options)


def damaged_safetensors(content: bytes, rng: random.Random) -> bytes:
    """Change header and tensors of a checkpoint, with a checksum that fits; or its bytes."""
    if rng.random() < 0.25:
        return damaged(content, rng)
    tensors = from_bytes(content)
    size = int.from_bytes(content[:8], "little")
    header = json.loads(json.loads(content[8 : 8 + size])["__metadata__"][_KEY])
    header.pop("checksum")
    if rng.random() < 0.7:
        header = damaged_tree(header, rng)
    else:
        tensors = _changed_tensors(tensors, rng)
    if isinstance(header, dict):
        header["checksum"] = _checksum(header, tensors)
    return to_bytes(tensors, {_KEY: json.dumps(header)})


def damaged_pt(content: bytes, rng: random.Random) -> bytes:
    """Change what lies in a checkpoint of the original study; or the file's bytes."""
    if rng.random() < 0.25:
        return damaged(content, rng)
    found = torch.load(io.BytesIO(content), weights_only=False)
    if rng.random() < 0.5:
        found["state_dict"] = _changed_tensors(found["state_dict"], rng)
    else:
        state = found.pop("state_dict")
        found = damaged_tree(found, rng)
        if isinstance(found, dict):
            found["state_dict"] = state if rng.random() < 0.9 else odd_value(rng)
    buffer = io.BytesIO()
    try:
        torch.save(found, buffer)
    except (*_REFUSED, RecursionError):
        return damaged(content, rng)
    return buffer.getvalue()


def _changed_tensors(tensors: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    new = dict(tensors)
    name = rng.choice(list(new))
    value = new[name]
    options = (
        *(value.flatten()[:1], value[None], value.double(), value * float("nan"), value.long()),
        *(value * 1e38 * 10, torch.zeros(()), torch.zeros(0), value.bool(), value.half()),
        *(value.long() - 1, value.long() + 10**9, value.to(torch.int8), torch.zeros(3, 3)),
    )
    if rng.random() < 0.2:
        del new[name]
    elif rng.random() < 0.2:
        new[rng.choice(ODD_TEXTS[:40])] = value.clone()
    else:
        new[name] = rng.choice(options).contiguous()
    return new


def frame_bytes(table: pd.DataFrame) -> bytes:
    """Write a table as Parquet."""
    buffer = io.BytesIO()
    table.to_parquet(buffer)
    return buffer.getvalue()
