"""The models LEMBAS-RNN is compared with, and the registry of all models by name."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from lembas.labels import PlainState, aligned_columns, check_is_table, check_training_tables
from lembas.linear import gene_chunks
from lembas.network import Network
from lembas.plain_text import quoted
from lembas.ridge import MaskedRidge, RidgeGCV
from lembas.signed_ridge import SignedRidge
from lembas.tuning import Tuned


@dataclass(frozen=True)
class ModelSpec:
    """Name a model, where its class is, and the parameters it starts from.

    Attributes:
        estimator: Import path of a class of regressors like scikit-learn's.
        label: How the report calls it.
        parameters: Keyword arguments.
        note: One sentence for the table of models.
        grid: Parameters to choose by cross-validation within the training samples, with the
            values to try (see :class:`lembas.tuning.Tuned`); one that ``parameters`` names is
            not searched.
    """

    estimator: str
    label: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""
    grid: Mapping[str, Sequence[Any]] = field(default_factory=dict)


REGISTRY: dict[str, ModelSpec] = {
    "train_mean": ModelSpec(
        "lembas.baselines.TrainMean", "Training mean", note="The null: each gene's training mean."
    ),
    "mlr": ModelSpec("lembas.linear.MLR", "MLR", note="Ordinary least squares on all TFs."),
    "ridge": ModelSpec("lembas.ridge.RidgeGCV", "Ridge", note="All TFs, one penalty a gene."),
    "masked_ridge": ModelSpec(
        "lembas.ridge.MaskedRidge",
        "Masked ridge",
        note="Each gene sees only its own regulators in the network; one penalty a gene.",
    ),
    "path_ridge": ModelSpec(
        "lembas.path_ridge.PathRidge",
        "Path ridge",
        {"hops": 4},
        note="Each gene sees the TFs from which at most four edges lead to it, as LEMBAS-RNN does; "
        "one penalty a gene.",
    ),
    "signed_ridge": ModelSpec(
        "lembas.signed_ridge.SignedRidge",
        "Signed ridge",
        note="The masked ridge, with weights that keep the signs of the network.",
    ),
    "pls": ModelSpec(
        "lembas.pls.PLS",
        "PLS",
        note="Partial least squares on all TFs; the number of components cross-validated.",
        grid={"n_components": (2, 5, 10, 20, 40, 80, 160)},
    ),
    "knn": ModelSpec(
        "lembas.learners.KNN",
        "kNN",
        note="Mean of the most similar samples; their number cross-validated.",
        grid={"n_neighbors": (1, 2, 5, 10, 20, 40)},
    ),
    "xgbrf": ModelSpec(
        "lembas.forests.XGBRF", "XGBRF", note="Three trees a gene, the original study's settings."
    ),
    "boosted": ModelSpec(
        "lembas.boosted.Boosted",
        "Boosted trees",
        note="Up to 500 small trees a gene; held-out training samples say how many.",
    ),
    "mlp": ModelSpec(
        "lembas.learners.MLP",
        "MLP",
        note="One perceptron for all genes; the size of its hidden layer cross-validated.",
        grid={"hidden": ((64,), (256,))},
    ),
    "lembas_published": ModelSpec(
        "lembas.training.LembasRegressor",
        "LEMBAS-RNN (as published, reconstructed)",
        {"recipe": "published"},
        note="Raw inputs, the recipe given by the model's author; its code was never published.",
    ),
    "lembas_ridge_start": ModelSpec(
        "lembas.training.LembasRegressor",
        "LEMBAS-RNN, ridge start",
        {"recipe": "ridge_start"},
        note="Standardised inputs, weights that start at the masked ridge, an early peak of the "
        "learning rate; trained by Adam.",
    ),
    "lembas_residual": ModelSpec(
        "lembas.training.LembasRegressor",
        "LEMBAS-RNN on masked ridge",
        {"recipe": "residual"},
        note="Each edge to a gene has a second weight, the masked ridge's; the updates, trained by "
        "Adam, add to that as far as held-out samples support it, gene by gene.",
    ),
    "lembas": ModelSpec(
        "lembas.training.LembasRegressor",
        "LEMBAS-RNN",
        {"recipe": "improved"},
        note="Two weights on each edge to a gene, both solved for by ridge; only the weights "
        "between TFs are searched for.",
    ),
    "lembas_ensemble": ModelSpec(
        "lembas.ensemble.LembasEnsemble",
        "LEMBAS-RNN (three seeds)",
        # Each network holds other samples out, so that together they have seen nearly all.
        {"recipe": "improved", "n_seeds": 3, "settings": {"refit": False}},
        note="Mean of three LEMBAS-RNNs of different seeds, each with other samples held out.",
    ),
    "lembas_channels": ModelSpec(
        "lembas.channels.LembasChannels",
        "LEMBAS-RNN, four channels",
        {"n_channels": 4},
        note="A variant: every TF has four states instead of one, so every edge four times the "
        "weights.",
    ),
}
_NAME = re.compile(r"[A-Za-z0-9][\w@.+-]*", re.ASCII)
_ENTRY_KEYS = ("estimator", "label", "parameters", "note", "grid")


def registry(extra: Mapping[str, Mapping[str, Any]] | None = None) -> dict[str, ModelSpec]:
    """Return the registry, extended by a profile's own models.

    Args:
        extra: For each name a mapping with ``estimator`` (an import path) and, optionally,
            ``label``, ``parameters``, ``note`` and ``grid``. A name that is registered already
            keeps its estimator unless one is given, and has its parameters and grid updated.

    Raises:
        ValueError: If an entry has an unknown key or a new one names no estimator.
    """
    models = dict(REGISTRY)
    for name, entry in (extra or {}).items():
        _refuse_path(name)
        unknown, known = set(entry) - set(_ENTRY_KEYS), models.get(name)
        if unknown or not (known or "estimator" in entry):
            problem = f"unknown key(s) {', '.join(sorted(unknown))}" if unknown else "no estimator"
            raise ValueError(
                f"model {quoted(name)} in the profile has {problem}; expected estimator (an import "
                f"path such as sklearn.neighbors.KNeighborsRegressor), {', '.join(_ENTRY_KEYS[1:])}"
            )
        # Another class has other parameters, and another name.
        is_other = known is None or entry.get("estimator", known.estimator) != known.estimator
        start = ModelSpec(entry["estimator"], name) if known is None or is_other else known
        models[name] = replace(
            start,
            label=entry.get("label", start.label),
            parameters={**start.parameters, **(entry.get("parameters") or {})},
            note=entry.get("note", start.note),
            grid=_still_searched(start.grid, entry),
        )
    return models


def _refuse_path(name: Any) -> None:
    """Refuse a name that no file of the model can have."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(
            f"the profile calls a model {quoted(name)}; expected letters, digits, _, -, +, . and "
            "@, the first one a letter or a digit, for files are named after it"
        )


def _still_searched(
    grid: Mapping[str, Sequence[Any]], entry: Mapping[str, Any]
) -> dict[str, Sequence[Any]]:
    """Leave what a profile sets out of the search, and add what it wants searched."""
    given = entry.get("parameters") or {}
    kept = {name: values for name, values in grid.items() if name not in given}
    return {**kept, **(entry.get("grid") or {})}


def fit_with(estimator: BaseEstimator, X: pd.DataFrame, Y: pd.DataFrame, **offered: Any) -> None:
    """Fit a model in place, handing on what its ``fit`` has a parameter for.

    Args:
        estimator: The model.
        X: TF expression ``(sample, tf)``, log10.
        Y: Gene expression ``(sample, gene)``, log10.
        **offered: Such as ``groups`` (series of each sample) and ``unfinished`` (a folder).
    """
    accepted = inspect.signature(estimator.fit).parameters
    estimator.fit(X, Y, **{name: value for name, value in offered.items() if name in accepted})


def labels(extra: Mapping[str, Mapping[str, Any]] | None = None) -> dict[str, str]:
    """Map every registered name to the report's name for it."""
    return {name: spec.label for name, spec in registry(extra).items()}


def make(
    name: str,
    network: Network | None = None,
    *,
    extra: Mapping[str, Mapping[str, Any]] | None = None,
    **parameters: Any,
) -> BaseEstimator:
    """Make a registered model: an estimator that is fitted on and predicts DataFrames.

    Args:
        name: A name in the registry.
        network: Given to the models that take one.
        extra: A profile's own models, as :func:`registry` takes them.
        **parameters: Override the registered parameters.

    Raises:
        KeyError: If no model has this name.
        ValueError: If the class cannot be imported, or a parameter is unknown to it.
    """
    models = registry(extra)
    if name not in models:
        raise KeyError(f"no model named {quoted(name)}; registered are {', '.join(models)}")
    spec = models[name]
    factory = _imported(spec.estimator, name)
    arguments = {**spec.parameters, **parameters}
    grid = {key: values for key, values in spec.grid.items() if key not in parameters}
    accepted = inspect.signature(factory).parameters
    if "network" in accepted:
        arguments["network"] = network
    takes_any = any(each.kind is each.VAR_KEYWORD for each in accepted.values())
    unknown = [] if takes_any else [key for key in [*arguments, *grid] if key not in accepted]
    if unknown:
        raise ValueError(
            f"model {quoted(name)} ({spec.estimator}) has no parameter {', '.join(unknown)}; it "
            f"takes {', '.join(accepted)}"
        )
    estimator = factory(**arguments)
    if not isinstance(estimator, PlainState):
        estimator = LabelledRegressor(estimator)
        grid = {f"estimator__{key}": values for key, values in grid.items()}
    return Tuned(estimator, grid) if grid else estimator


def _imported(path: str, name: str) -> Any:
    module, _, attribute = path.rpartition(".")
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(
            f"model {quoted(name)}: cannot import {quoted(path)} ({error}); expected a path such "
            "as sklearn.neighbors.KNeighborsRegressor of an installed package"
        ) from error
    # A profile may come from others: it names a model's class, and no function to call.
    if not isinstance(found, type) or not {"fit", "predict"} <= set(dir(found)):
        raise ValueError(
            f"model {quoted(name)}: {path} is no class of regressors; expected one with the "
            "methods fit and predict, such as sklearn.neighbors.KNeighborsRegressor"
        )
    return found


def penalty_per_gene(model: BaseEstimator) -> pd.Series | None:
    """Return the penalty a fitted ridge model chose for each gene; None for other models.

    The signed ridge takes over the masked ridge's.
    """
    if isinstance(model, SignedRidge):
        return None
    if isinstance(model, MaskedRidge | RidgeGCV):
        return model.alpha_
    inner = getattr(model, "estimator_", None)
    last = inner[-1] if isinstance(inner, Pipeline) else inner
    if not isinstance(last, RidgeCV):
        return None
    return pd.Series(np.broadcast_to(last.alpha_, len(model.genes_)), index=model.genes_)


class TrainMean(PlainState, RegressorMixin, BaseEstimator):
    """Predict each gene's training mean, whatever the TFs say: the null of the benchmark."""

    def fit(self, X: pd.DataFrame, Y: pd.DataFrame) -> Self:
        """Remember the means of ``Y``, ``(sample, gene)``."""
        check_training_tables(X, Y)
        self.tfs_, self.genes_ = X.columns, Y.columns
        mean = np.concatenate([mean for _, _, mean in gene_chunks(Y)])
        self.mean_ = pd.Series(mean, index=self.genes_)
        return self

    def predict(self, X: pd.DataFrame) -> pd.DataFrame:
        """Predict gene expression, ``(sample, gene)``, log10."""
        check_is_fitted(self)
        check_is_table("X", X)
        values = np.tile(self.mean_.to_numpy(), (len(X), 1))
        return pd.DataFrame(values, index=X.index, columns=self.genes_)


class LabelledRegressor(PlainState, RegressorMixin, BaseEstimator):
    """Let a scikit-learn multi-output regressor be fitted on and predict labelled tables.

    Args:
        estimator: Any multi-output regressor; it is cloned before fitting.

    Attributes:
        estimator_: The fitted regressor.
        tfs_, genes_: Names of its inputs and outputs.
    """

    def __init__(self, estimator: BaseEstimator) -> None:
        self.estimator = estimator

    def fit(self, X: pd.DataFrame, Y: pd.DataFrame) -> Self:
        """Fit from TF expression ``(sample, tf)`` and gene expression ``(sample, gene)``."""
        check_training_tables(X, Y)
        self.tfs_, self.genes_ = X.columns, Y.columns
        self.estimator_ = clone(self.estimator).fit(X.to_numpy(float), Y.to_numpy(float))
        return self

    def predict(self, X: pd.DataFrame) -> pd.DataFrame:
        """Predict gene expression, ``(sample, gene)``, log10.

        Raises:
            ValueError: If the regressor returns another shape or values that are not finite.
        """
        check_is_fitted(self)
        features = aligned_columns(X, self.tfs_).to_numpy(float)
        values = np.asarray(self.estimator_.predict(features)).reshape(len(X), -1)
        if values.shape[1] != len(self.genes_) or not np.isfinite(values).all():
            raise ValueError(
                f"{type(self.estimator_).__name__} returned shape {values.shape} with "
                f"{int((~np.isfinite(values)).sum())} values that are not finite; expected "
                f"{(len(X), len(self.genes_))} finite numbers"
            )
        return pd.DataFrame(values, index=X.index, columns=self.genes_)
