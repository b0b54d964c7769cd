"""Predict with any model, and let only what is whole and named pass."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from lembas.formats import listed

# All samples at once, in double precision, may not fit into memory.
SAMPLES_AT_ONCE = 1024


def predicted_genes(name: str, model: Any, targets: pd.Index) -> pd.Index:
    """Name the genes that a fitted model predicts.

    Args:
        name: The model's name, for messages.
        model: The model; its ``genes_``, where it has one, may be some of the targets.
        targets: Genes it was fitted to.

    Raises:
        ValueError: If it predicts no target, one twice, or genes that are no targets.
    """
    genes = pd.Index(getattr(model, "genes_", targets), name=targets.name)
    _refuse_repeated(name, "gene", genes)
    unknown = genes.difference(targets, sort=False)
    if len(unknown) or genes.empty:
        raise ValueError(
            f"model {name!r} predicts {len(genes)} genes, and {len(unknown)} of them are no "
            f"targets: {listed(unknown) or 'none'}; its genes_ must name some of the "
            f"{len(targets)} genes it was fitted to"
        )
    return genes


def predict_checked(name: str, model: Any, X: pd.DataFrame, *, genes: pd.Index) -> pd.DataFrame:
    """Predict some samples at a time, and put samples and genes in order by name.

    Args:
        name: The model's name, for messages.
        model: A fitted model whose ``predict`` returns a table.
        X: TF expression ``(sample, tf)``, log10.
        genes: What it must predict, in the order wanted.

    Returns:
        Predictions ``(sample, gene)``, log10, in single precision.

    Raises:
        TypeError: If it predicts no table.
        ValueError: If samples or genes are missing, unknown or repeated, or a value is no finite
            number.
    """
    values = np.empty((len(X), len(genes)), np.float32)
    for start in range(0, len(X), SAMPLES_AT_ONCE):
        part = X.iloc[start : start + SAMPLES_AT_ONCE]
        table = _in_order(name, model.predict(part), part.index, genes)
        values[start : start + len(part)] = _finite(name, table)
    return pd.DataFrame(values, index=X.index, columns=genes, copy=False)


def _in_order(name: str, predicted: Any, samples: pd.Index, genes: pd.Index) -> pd.DataFrame:
    """Return the prediction with these samples and genes, in this order."""
    if not isinstance(predicted, pd.DataFrame):
        raise TypeError(
            f"model {name!r} predicted a {type(predicted).__name__}; expected a DataFrame with "
            "samples as index and genes as columns"
        )
    for what, found, expected in (
        ("sample", predicted.index, samples),
        ("gene", predicted.columns, genes),
    ):
        if found.equals(expected):
            continue
        _refuse_repeated(name, what, found)
        missing = expected.difference(found, sort=False)
        extra = found.difference(expected, sort=False)
        if len(missing) or len(extra):
            raise ValueError(
                f"model {name!r} predicted other {what}s than asked for: missing "
                f"{listed(missing) or 'none'}; unknown {listed(extra) or 'none'}; expected the "
                f"{len(expected)} {what}s by their names"
            )
    same = predicted.index.equals(samples) and predicted.columns.equals(genes)
    return predicted if same else predicted.reindex(index=samples, columns=genes)


def _finite(name: str, table: pd.DataFrame) -> np.ndarray:
    """Return the values, or name the genes that have some that are no finite numbers."""
    wrong_type = [not pd.api.types.is_numeric_dtype(kind) for kind in table.dtypes]
    if any(wrong_type):
        raise ValueError(
            f"model {name!r} predicted values that are no numbers, for "
            f"{listed(table.columns[wrong_type])}; expected log10 expression"
        )
    values = table.to_numpy(np.float32)
    finite = np.isfinite(values)
    if not finite.all():
        genes = table.columns[~finite.all(axis=0)]
        raise ValueError(
            f"model {name!r} predicted {int((~finite).sum())} values that are not finite, for "
            f"{len(genes)} of {len(table.columns)} genes: {listed(genes)}; check its settings, or "
            "leave it out"
        )
    return values


def _refuse_repeated(name: str, what: str, found: pd.Index) -> None:
    if not found.is_unique:
        repeated = found[found.duplicated()].unique()
        raise ValueError(
            f"model {name!r} predicts {what}(s) twice: {listed(repeated)}; each may occur once"
        )
