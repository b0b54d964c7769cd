"""Check the labels of the tables that go into a model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd


def check_training_tables(X: pd.DataFrame, Y: pd.DataFrame) -> None:
    """Refuse training tables that no model should be fitted to.

    Args:
        X: TF expression, ``(sample, tf)``.
        Y: Gene expression, ``(sample, gene)``, the same samples in the same order.

    Raises:
        TypeError: If either is not a DataFrame.
        ValueError: If samples differ, names repeat, a table is empty or a value is not finite.
    """
    for name, table in (("X", X), ("Y", Y)):
        if not isinstance(table, pd.DataFrame):
            raise TypeError(
                f"{name} is a {type(table).__name__}; pass a DataFrame with samples as index and "
                "names as columns"
            )
        if table.empty:
            raise ValueError(f"{name} is empty ({table.shape[0]} samples x {table.shape[1]} names)")
        repeated = table.columns[table.columns.duplicated()].unique()
        if len(repeated):
            raise ValueError(f"{name} names columns twice: {_first(repeated)}; keep one of each")
        _refuse_not_finite(name, table)
    if not X.index.equals(Y.index):
        raise ValueError(
            f"X and Y differ in their samples ({len(X)} and {len(Y)}; only in one of them: "
            f"{_first(X.index.symmetric_difference(Y.index))}); align them by name first"
        )


def aligned_columns(X: pd.DataFrame, columns: pd.Index) -> pd.DataFrame:
    """Return the columns a model was fitted with, in their order; further columns are ignored.

    Raises:
        TypeError: If ``X`` is not a DataFrame.
        ValueError: If a column is missing or a value is not finite.
    """
    if not isinstance(X, pd.DataFrame):
        raise TypeError(f"X is a {type(X).__name__}; pass a DataFrame with the TFs as columns")
    missing = columns.difference(X.columns)
    if len(missing):
        raise ValueError(
            f"X lacks {len(missing)} of the {len(columns)} TFs the model was fitted with: "
            f"{_first(missing)}; add them, or impute them by a named policy"
        )
    # A latency measured through here should not pay for a copy that changes nothing.
    chosen = X if X.columns.equals(columns) else X.loc[:, columns]
    _refuse_not_finite("X", chosen)
    return chosen


def _refuse_not_finite(name: str, table: pd.DataFrame) -> None:
    finite = np.isfinite(table.to_numpy())
    if finite.all():
        return
    raise ValueError(
        f"{name} holds {int((~finite).sum())} missing or infinite values, in columns "
        f"{_first(table.columns[~finite.all(axis=0)])}; impute or remove them first"
    )


def _first(names: pd.Index, n: int = 5) -> str:
    """List the first few names, and say when there are more."""
    shown = ", ".join(map(str, names[:n]))
    return f"{shown}, ..." if len(names) > n else shown


class PlainState:
    """Give an estimator a state of plain lists and arrays.

    The estimators keep names as pandas objects, which no format but pickle stores. This mixin
    turns them into lists when the estimator is saved (or cloned across processes) and back, so
    that a model file never needs to be unpickled. It stands before ``BaseEstimator``.
    """

    def __getstate__(self) -> dict[str, Any]:
        """Return the attributes with pandas objects as plain ones."""
        state = super().__getstate__()
        return {name: _to_plain(value) for name, value in state.items()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore attributes saved by ``__getstate__``."""
        super().__setstate__({name: _from_plain(value) for name, value in state.items()})


def _to_plain(value: Any) -> Any:
    if isinstance(value, pd.Index):
        return {"pandas": "Index", "labels": value.tolist(), "name": value.name}
    if isinstance(value, pd.Series):
        labels, name = value.index.tolist(), value.index.name
        return {"pandas": "Series", "labels": labels, "name": name, "values": value.to_numpy()}
    return value


def _from_plain(value: Any) -> Any:
    if not (isinstance(value, dict) and "pandas" in value):
        return value
    labels = pd.Index(value["labels"], name=value["name"])
    return labels if value["pandas"] == "Index" else pd.Series(value["values"], index=labels)
