"""Attributions of linear models, in closed form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from lembas.baselines import LabelledRegressor, TrainMean
from lembas.explainers import Explained, Settings
from lembas.linear import LinearModel
from lembas.pls import PLS
from lembas.ridge import MaskedRidge


def is_linear(model: BaseEstimator) -> bool:
    """Say whether a model's slopes are known."""
    return isinstance(model, MaskedRidge | TrainMean) or _linear_part(model) is not None


def explain_linear(
    model: BaseEstimator,
    X: pd.DataFrame,
    background: pd.DataFrame,
    genes: pd.Index,
    settings: Settings,
) -> Explained:
    """Multiply each TF's distance from its mean over the whole background by its slope.

    References:
        Lundberg and Lee 2017, arXiv:1705.07874.
    """
    away = X - background.mean()
    values = {gene: away * slopes(model, gene) for gene in genes}
    return Explained(values, "linear, closed form")


def slopes(model: BaseEstimator, gene: str) -> pd.Series:
    """Slope of a gene's prediction for each TF, log10 per log10."""
    if isinstance(model, TrainMean):
        return pd.Series(0.0, index=model.tfs_)
    if isinstance(model, MaskedRidge):
        row = model.coef_[[model.genes_.get_loc(gene)]].toarray().ravel()
        return pd.Series(row, index=model.tfs_) / model.tf_sd_
    slope = np.atleast_2d(_linear_part(model).coef_)[model.genes_.get_loc(gene)]
    if isinstance(model, LabelledRegressor) and isinstance(model.estimator_, Pipeline):
        slope = slope / model.estimator_[0].scale_
    return pd.Series(slope, index=model.tfs_)


def _linear_part(model: BaseEstimator) -> Any:
    """Find the linear regressor of a labelled model, alone or behind a standardisation."""
    if isinstance(model, LinearModel | PLS):
        return model
    last = getattr(model, "estimator_", None) if isinstance(model, LabelledRegressor) else None
    if isinstance(last, Pipeline):
        # Behind any other step the slopes would not be those of the TFs.
        standardised = len(last) == 2 and isinstance(last[0], StandardScaler)
        last = last[-1] if standardised else None
    return last if hasattr(last, "coef_") else None
