"""Say where two files of one artefact differ, number by number, within the tolerances."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lembas.tolerances import EXACT, TOLERANCES, Tolerance, is_measured, is_trained


@dataclass(frozen=True)
class Difference:
    """What two files of one artefact have apart.

    Attributes:
        wrong: Where they differ by more than they may; empty: nowhere.
        near: Whether they differ at all, in what is compared.
    """

    wrong: tuple[str, ...] = ()
    near: bool = False


SAME = Difference()


def differences(one: Path, other: Path, *, exact: bool) -> Difference | None:
    """Compare two files of one artefact, measured columns left out.

    Args:
        one: The file.
        other: The file that the same chapter wrote another time.
        exact: Whether the same bits are expected; else ``TOLERANCES`` hold.

    Returns:
        What they have apart; None for a file that is not compared: one of times, or one whose
        numbers cannot be read here, such as a model's, where other bits are allowed.
    """
    if is_measured(one.stem):
        return None
    if one.read_bytes() == other.read_bytes():
        return SAME
    readers: Mapping[str, Callable[[Path], pd.DataFrame]] = {
        ".parquet": pd.read_parquet,
        ".csv": pd.read_csv,
        ".json": _read_json,
        ".h5ad": _read_matrix,
    }
    if one.suffix not in readers:
        return Difference(("its bytes differ",), near=True) if exact else None
    tables = [readers[one.suffix](path) for path in (one, other)]
    kind = "single" if one.suffix == ".h5ad" else "number"
    return _compared(*tables, kind=kind, trained=is_trained(one.parent.name), exact=exact)


def _read_json(path: Path) -> pd.DataFrame:
    """Lay a document out as a table of one row; its leaves are the columns."""
    found = dict(_leaves(json.loads(path.read_text(encoding="utf-8")), ""))
    return pd.DataFrame([found])


def _leaves(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    parts = dict(enumerate(value)) if isinstance(value, list) else value
    if not isinstance(parts, Mapping):
        yield name, value
        return
    for key, part in parts.items():
        yield from _leaves(part, f"{name}.{key}" if name else str(key))


def _read_matrix(path: Path) -> pd.DataFrame:
    from lembas import h5ad

    return h5ad.read_matrix(path)


def _compared(
    one: pd.DataFrame, other: pd.DataFrame, *, kind: str, trained: bool, exact: bool
) -> Difference:
    if list(one.columns) != list(other.columns) or len(one) != len(other):
        shapes = " and ".join(f"{len(t)} rows, {len(t.columns)} columns" for t in (one, other))
        return Difference((f"its rows or columns are others: {shapes}",), near=True)
    if not one.index.equals(other.index):
        return Difference(("the names of its rows are others",), near=True)
    rows = one["model"].map(is_trained) if "model" in one else pd.Series(trained, index=one.index)
    wrong, near = [], False
    for name in one.columns:
        if is_measured("", str(name).rpartition(".")[2]):
            continue
        first, second = one[name], other[name]
        if first.equals(second):
            continue
        near = True
        of_trained = rows | trained | is_trained(str(name).rpartition(".")[2])
        limits = (EXACT, EXACT) if exact else (TOLERANCES[kind], TOLERANCES["trained"])
        beyond = _beyond(first, second, of_trained.to_numpy(), *limits)
        if beyond:
            wrong.append(f"{name}: {beyond}")
    return Difference(tuple(wrong), near)


def _beyond(
    one: pd.Series, other: pd.Series, trained: np.ndarray, usual: Tolerance, loose: Tolerance
) -> str:
    """Say how many values of a column are too far apart, and show the first."""
    apart = ~((one == other) | (one.isna() & other.isna())).to_numpy()
    if pd.api.types.is_float_dtype(one) and pd.api.types.is_float_dtype(other):
        absolute, relative = (
            np.where(trained, getattr(loose, part), getattr(usual, part))
            for part in ("absolute", "relative")
        )
        a, b = (column.to_numpy(float) for column in (one, other))
        # A value that is missing in one of the two is never near.
        apart &= ~(np.abs(a - b) <= absolute + relative * np.maximum(np.abs(a), np.abs(b)))
    if not apart.any():
        return ""
    first = [column[apart].tolist()[0] for column in (one, other)]
    return f"{apart.sum():,} of {len(one):,} differ, such as {first[0]!r} and {first[1]!r}"
