"""A small simulated study and quick fitted models, shared by the tests of what comes after."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Self

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin

from lembas.baselines import make
from lembas.labels import PlainState
from lembas.network import Network
from lembas.study import Study, open_study

SIMULATION: Mapping[str, Any] = MappingProxyType(
    {
        "n_samples": 120,
        "n_series": 8,
        "n_tfs": 20,
        "n_targets": 30,
        "n_external": [20, 20],
        "seed": 1,
    }
)
# Enough epochs for weights that differ from their start.
QUICK: Mapping[str, Any] = MappingProxyType({"epochs": 8, "validation_fraction": 0.0})
MODELS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "train_mean": {},
        "mlr": {},
        "ridge": {},
        "masked_ridge": {},
        "signed_ridge": {},
        "pls": {},
        "knn": {},
        "xgbrf": {},
        "boosted": {"n_rounds": 20, "n_panel": 5},
        "mlp": {"epochs": 3},
        "lembas_published": {"settings": dict(QUICK)},
        "lembas_ridge_start": {"settings": dict(QUICK)},
        "lembas_residual": {"settings": dict(QUICK)},
        "lembas": {"settings": {**QUICK, "epochs": 2}},
        "lembas_ensemble": {"n_seeds": 2, "settings": {**QUICK, "epochs": 2}},
    }
)


@pytest.fixture(scope="session")
def study() -> Study:
    """120 simulated samples in 8 series, 20 TFs, 30 targets, two external cohorts of 20."""
    return open_study("simulation", options=SIMULATION)


@pytest.fixture(scope="session")
def fitted(study: Study) -> dict[str, BaseEstimator]:
    """Every registered model, fitted on the small study; the networks for a few epochs only."""
    train = study.dataset.train
    return {
        name: make(name, study.network, **parameters).fit(train.x, train.y)
        for name, parameters in MODELS.items()
    }


def many_samples(study: Study) -> pd.DataFrame:
    """Take samples of all cohorts: more than the 100 that shap keeps unless told otherwise."""
    rows = pd.concat([cohort.x for cohort in study.dataset.cohorts.values()]).iloc[:130]
    assert len(rows) == 130
    return rows


def network_of(edges: list[tuple[str, str, int]]) -> Network:
    return Network.from_edges(pd.DataFrame(edges, columns=["TF", "Gene", "Interaction"]))


def normal_table(n_samples: int, names: list[str], *, seed: int) -> pd.DataFrame:
    """Draw independent columns about 2 with standard deviation 1/2, like log10 expression."""
    values = 2 + 0.5 * np.random.default_rng(seed).standard_normal((n_samples, len(names)))
    index = pd.Index([f"s{i:03d}" for i in range(n_samples)], name="sample")
    return pd.DataFrame(values.astype(np.float32), index=index, columns=names)


class Broken(RegressorMixin, BaseEstimator):
    """A regressor that predicts NaN, or one column too few."""

    def __init__(self, fault: str = "nan") -> None:
        self.fault = fault

    def fit(self, X: np.ndarray, Y: np.ndarray) -> Self:
        self.n_genes_ = Y.shape[1]
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        if self.fault == "nan":
            return np.full((len(X), self.n_genes_), np.nan)
        return np.zeros((len(X), self.n_genes_ - 1))


class Speaking(PlainState, RegressorMixin, BaseEstimator):
    """A model that speaks tables, with a fault in what it predicts, or in another order."""

    def __init__(self, fault: str = "order") -> None:
        self.fault = fault

    def fit(self, X: pd.DataFrame, Y: pd.DataFrame) -> Self:
        self.mean_ = Y.mean()
        if self.fault == "no targets":
            self.genes_ = pd.Index(["G_new", *Y.columns[1:]])
        return self

    def predict(self, X: pd.DataFrame) -> Any:
        values = X.to_numpy()[:, [0]] * np.ones(len(self.mean_)) + self.mean_.to_numpy()
        table = pd.DataFrame(values, index=X.index, columns=self.mean_.index)
        first, second = table.columns[:2]
        made = {
            "order": lambda: table.iloc[::-1, ::-1],
            "array": table.to_numpy,
            "missing gene": lambda: table.drop(columns=first),
            "other gene": lambda: table.rename(columns={first: "G_new"}),
            "twice": lambda: table.rename(columns={first: second}),
            "missing sample": lambda: table.iloc[1:],
            "other sample": lambda: table.rename(index={X.index[0]: "s_new"}),
            "nan": lambda: table.assign(**{first: np.nan, second: np.inf}),
            "text": lambda: table.assign(**{first: "high"}),
        }
        return made.get(self.fault, lambda: table)()


class Counting(RegressorMixin, BaseEstimator):
    """A regressor that counts how often any of its kind is fitted."""

    n_fits = 0

    def fit(self, X: np.ndarray, Y: np.ndarray) -> Self:
        Counting.n_fits += 1
        self.mean_ = Y.mean(axis=0)
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        return np.tile(self.mean_, (len(X), 1))
