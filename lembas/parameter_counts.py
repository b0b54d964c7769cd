"""Count the numbers that models were fitted with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from scipy import sparse

from lembas.artifacts import Run
from lembas.fitting import load_models, read_models
from lembas.model_files import is_trusted

# Where models keep the models that they are made of: the package's own, then scikit-learn's.
_PARTS = (
    *("best_", "model_", "members_", "estimator_"),
    *("best_estimator_", "regressor_", "models_", "estimators_"),
)


def parameter_counts(run: Run, names: Iterable[str]) -> dict[str, float]:
    """Count the parameters of fitted models by name, opening one after the other.

    NaN for a model of a class whose files are not opened, such as one of the user's own.
    """
    path = read_models(run)["estimator"]
    return {
        name: n_parameters(load_models(run, [name])[name]) if is_trusted(path[name]) else np.nan
        for name in names
    }


def n_parameters(model: Any) -> float:
    """Count the fitted numbers that a prediction is made of.

    Weights, intercepts, thresholds and leaves count, those of every member of an ensemble; means
    and scales that only standardise do not.

    Args:
        model: A fitted model of the registry, or a scikit-learn regressor.

    Returns:
        The number; NaN for a model of which it is not known what its parameters are.
    """
    if hasattr(model, "network_"):
        return float(sum(weights.numel() for weights in model.network_.parameters()))
    if hasattr(model, "forests_"):
        return float(model.forests_.thresholds.size + model.forests_.leaves.size)
    if hasattr(model, "coefs_"):
        return float(sum(part.size for part in (*model.coefs_, *model.intercepts_)))
    if hasattr(model, "coef_"):
        weights = model.coef_
        slopes = weights.nnz if sparse.issparse(weights) else np.size(weights)
        return float(slopes + len(getattr(model, "genes_", np.atleast_2d(weights))))
    if hasattr(model, "mean_") and hasattr(model, "genes_"):
        return float(len(model.genes_))
    return _of_parts(model)


def _of_parts(model: Any) -> float:
    """Count the models inside a model: a wrapped one, a pipeline's last step, an ensemble's."""
    inner = next(
        (getattr(model, name) for name in _PARTS if hasattr(model, name)),
        None,
    )
    if inner is None:
        steps = getattr(model, "steps", None)
        return n_parameters(steps[-1][1]) if steps else float("nan")
    members = list(inner) if isinstance(inner, list | tuple) else [inner]
    return float(sum(n_parameters(member) for member in members))
