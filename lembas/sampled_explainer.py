"""Attributions of any model, from its predictions alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from lembas.explainers import Explained, Settings
from lembas.shap_import import shap


def explain_sampled(
    model: BaseEstimator,
    X: pd.DataFrame,
    background: pd.DataFrame,
    genes: pd.Index,
    settings: Settings,
) -> Explained:
    """Switch TFs from background to sample one after another, in drawn orders and back.

    Every order adds up exactly; how much a TF gets still depends on the orders drawn. As many are
    drawn as ``settings.max_predictions`` allows, ten at most.

    Raises:
        ValueError: If not even one order a sample is allowed.

    References:
        Strumbelj and Kononenko 2014, doi:10.1007/s10115-013-0679-x.
    """
    # Forwards and backwards through all TFs, each time for every background sample.
    of_one_order = (2 * X.shape[1] + 1) * len(background) * len(X)
    n_orders = min(settings.max_predictions // of_one_order, 10)
    if n_orders < 1:
        raise ValueError(
            f"{type(model).__name__} has no gradients: {len(X)} samples x {len(background)} "
            f"background samples x {2 * X.shape[1] + 1} steps are {of_one_order:,} predictions, "
            f"more than max_predictions={settings.max_predictions:,}; explain fewer samples, take "
            "a smaller background, or raise max_predictions"
        )

    def predict(rows: np.ndarray) -> np.ndarray:
        return model.predict(pd.DataFrame(rows, columns=X.columns))[genes].to_numpy(float)

    masker = shap.maskers.Independent(background.to_numpy(float), max_samples=len(background))
    with _own_random_numbers():
        explainer = shap.PermutationExplainer(predict, masker, seed=settings.seed)
        found = explainer(
            X.to_numpy(float),
            max_evals=n_orders * (2 * X.shape[1] + 1),
            silent=not settings.progress,
        )
    found = np.reshape(found.values, (*X.shape, len(genes)))
    values = {
        gene: pd.DataFrame(found[:, :, number], index=X.index, columns=X.columns)
        for number, gene in enumerate(genes)
    }
    words = "order" if n_orders == 1 else "orders"
    return Explained(values, f"permutations, {n_orders} {words}, sampled")


@contextmanager
def _own_random_numbers() -> Iterator[None]:
    """Give NumPy's global generator back as it was: shap seeds and uses it."""
    state = np.random.get_state()  # noqa: NPY002 (shap's own)
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002
