"""Check the labels of the tables that go into a model."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Any, cast

import numpy as np
import pandas as pd


def check_training_tables(X: pd.DataFrame, Y: pd.DataFrame) -> None:
    """Refuse training tables that no model should be fitted to.

    Args:
        X: TF expression, ``(sample, tf)``.
        Y: Gene expression, ``(sample, gene)``, the same samples in the same order.

    Raises:
        TypeError: If either is not a DataFrame.
        ValueError: If samples differ, names repeat, a table is empty or a value is no finite
            number.
    """
    for name, table in (("X", X), ("Y", Y)):
        check_is_table(name, table)
        if table.empty:
            raise ValueError(
                f"{name} is empty ({table.shape[0]} samples x {table.shape[1]} names); a model "
                "needs at least one sample and one name"
            )
        _refuse_repeated(name, table.columns)
        _refuse_not_finite(name, table)
    if not X.index.equals(Y.index):
        alone = X.index.symmetric_difference(Y.index)
        problem = f"only in one of them: {_first(alone)}" if len(alone) else "in another order"
        raise ValueError(
            f"X and Y differ in their samples ({len(X)} and {len(Y)}; {problem}); align them by "
            "name first"
        )


def check_is_table(name: str, table: Any) -> None:
    """Refuse anything but a DataFrame with a TypeError."""
    if not isinstance(table, pd.DataFrame):
        raise TypeError(
            f"{name} is a {type(table).__name__}; pass a DataFrame with samples as index and "
            "names as columns"
        )


def aligned_columns(X: pd.DataFrame, columns: pd.Index, *, name: str = "X") -> pd.DataFrame:
    """Return the columns a model was fitted with, in their order; further columns are ignored.

    Args:
        X: The table.
        columns: The model's columns.
        name: How a message calls the table.

    Raises:
        TypeError: If ``X`` is not a DataFrame.
        ValueError: If a column is missing or repeated, or a value is no finite number.
    """
    check_is_table(name, X)
    missing = columns.difference(X.columns)
    if len(missing):
        raise ValueError(
            f"{name} lacks {len(missing)} of the {len(columns)} TFs the model was fitted with: "
            f"{_first(missing)}; add them, or impute them by a named policy"
        )
    # A latency measured through here should not pay for a copy that changes nothing.
    chosen = X if X.columns.equals(columns) else X.loc[:, columns]
    _refuse_repeated(name, chosen.columns)
    _refuse_not_finite(name, chosen)
    return chosen


def _refuse_not_finite(name: str, table: pd.DataFrame) -> None:
    values = table.to_numpy()
    if values.dtype.kind not in "fiub":
        wrong = [not pd.api.types.is_numeric_dtype(kind) for kind in table.dtypes]
        if any(wrong):
            raise ValueError(
                f"{name} holds columns that are not numbers: {_first(table.columns[wrong])}; "
                "convert or remove them first"
            )
        values = table.to_numpy(float, na_value=np.nan)
    finite = np.isfinite(values)
    if finite.all():
        return
    raise ValueError(
        f"{name} holds {int((~finite).sum())} missing or infinite values, in columns "
        f"{_first(table.columns[~finite.all(axis=0)])}; impute or remove them first"
    )


def _refuse_repeated(name: str, columns: pd.Index) -> None:
    if not columns.is_unique:
        repeated = columns[columns.duplicated()].unique()
        raise ValueError(f"{name} names columns twice: {_first(repeated)}; keep one of each")


def _first(names: pd.Index, n: int = 5) -> str:
    """List the first few names, and say when there are more."""
    shown = ", ".join(map(str, names[:n]))
    return f"{shown}, ..." if len(names) > n else shown


def as_names(names: str | Iterable[str]) -> list[str]:
    """List each name once, in the order given; a text is one name, not its letters.

    Example:
        >>> as_names("ALB"), as_names(["ALB", "AFP", "ALB"])
        (['ALB'], ['ALB', 'AFP'])
    """
    return list(dict.fromkeys([names] if isinstance(names, str) else names))


def by_number(name: str) -> tuple[int, str]:
    """Order names by the number in them: GSE9 before GSE10, names without one first.

    Example:
        >>> sorted(["GSE10", "GSE9"], key=by_number)
        ['GSE9', 'GSE10']
    """
    digits = re.sub(r"\D", "", name)
    return (int(digits) if digits else 0, name)


def nearest_names(name: str, known: Iterable[str], *, most: int = 3) -> list[str]:
    """Name what a misspelt name may have meant, the likeliest first; letters' case is no matter.

    Example:
        >>> nearest_names("alb1", ["AFP", "ALB", "APOB"])
        ['ALB']
    """
    by_upper = {label.upper(): label for label in map(str, known)}
    return [by_upper[close] for close in difflib.get_close_matches(name.upper(), by_upper, n=most)]


def offered_names(names: Iterable[str], known: Iterable[str]) -> str:
    """Offer the nearest known names for each of a few unknown ones, in words.

    Args:
        names: Names that are not known.
        known: Those that are.

    Example:
        >>> offered_names(["alb1", "X"], ["AFP", "ALB"])
        'alb1: ALB; X: nothing like it'
    """
    known = list(known)
    return "; ".join(
        f"{name}: {', '.join(nearest_names(str(name), known)) or 'nothing like it'}"
        for name in names
    )


class PlainState:
    """Give an estimator a state of plain lists and arrays.

    The estimators keep names as pandas objects, which no format but pickle stores. This mixin
    turns them into lists when the estimator is saved (or cloned across processes) and back, so
    that a model file never needs to be unpickled; of a table only the columns are kept. It stands
    before ``BaseEstimator``.
    """

    def __getstate__(self) -> dict[str, Any]:
        """Return the attributes with pandas objects as plain ones."""
        state = cast(dict[str, Any], super().__getstate__())
        return {name: _to_plain(value) for name, value in state.items()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore attributes saved by ``__getstate__``."""
        plain = {name: _from_plain(value) for name, value in state.items()}
        super().__setstate__(plain)  # type: ignore[misc]  # BaseEstimator's


def _to_plain(value: Any) -> Any:
    if isinstance(value, pd.Index):
        return {"pandas": "Index", "labels": value.tolist(), "name": value.name}
    if isinstance(value, pd.Series):
        return {
            "pandas": "Series",
            "index": _to_plain(value.index),
            "name": value.name,
            "values": value.to_numpy(),
        }
    if isinstance(value, pd.DataFrame):
        return {"pandas": "DataFrame", "columns": value.to_dict("list")}
    return value


def _from_plain(value: Any) -> Any:
    if not (isinstance(value, dict) and "pandas" in value):
        return value
    if value["pandas"] == "Index":
        return pd.Index(value["labels"], name=value["name"])
    if value["pandas"] == "DataFrame":
        return pd.DataFrame(value["columns"])
    return pd.Series(value["values"], index=_from_plain(value["index"]), name=value["name"])
