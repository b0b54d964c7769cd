"""Choose a model's settings by cross-validation within the training samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.model_selection import GridSearchCV, PredefinedSplit
from sklearn.utils.validation import check_is_fitted

from lembas.inner_split import folds_of
from lembas.intervals import units_of
from lembas.labels import PlainState, check_training_tables

SEARCH_COLUMNS: tuple[str, ...] = (
    "parameters",
    "mean_skill",
    "sd_skill",
    "chosen",
    "n_folds",
    "unit",
)
# A gene that hardly varies in a fold may have a skill of minus thousands; so that no such gene
# decides for all others, a skill below this counts as this.
LEAST_SKILL = -1.0


class Tuned(PlainState, RegressorMixin, BaseEstimator):
    r"""Fit a model with the settings that predict held-out training samples best.

    Every combination of the grid is fitted on all but one fold and scored on that fold by

    .. math:: \frac{1}{G} \sum_g \max\Bigl(-1,\;
       1 - \frac{\sum_i (y_{ig} - \hat y_{ig})^2}{\sum_i (y_{ig} - \bar y_g)^2} \Bigr)

    where :math:`\bar y_g` is the gene's mean over the samples that were fitted. The combination
    with the highest mean over the folds is fitted again on all samples. Whole series form the
    folds where at least two are known. Test samples and external cohorts have no part in it.

    Args:
        estimator: A model that is fitted on and predicts tables.
        grid: Setting of the model to the values to try, the first of equals wins.
        n_folds: Folds, or as many as there are series (or samples) where these are fewer.
        seed: Seed of the folds.

    Attributes:
        best_: The model with the chosen settings, fitted on all samples.
        best_parameters_: The chosen settings.
        search_: One row a combination: parameters (text), mean_skill and sd_skill over the folds,
            chosen, n_folds, unit ("series" or "sample").
        tfs_, genes_: Names of inputs and outputs.
    """

    def __init__(
        self,
        estimator: BaseEstimator,
        grid: Mapping[str, Sequence[Any]],
        *,
        n_folds: int = 5,
        seed: int = 888,
    ) -> None:
        self.estimator = estimator
        self.grid = grid
        self.n_folds = n_folds
        self.seed = seed

    def fit(self, X: pd.DataFrame, Y: pd.DataFrame, groups: pd.Series | None = None) -> Self:
        """Search, then fit from TFs ``(sample, tf)`` and genes ``(sample, gene)``.

        Args:
            X: TF expression, log10.
            Y: Gene expression, log10, of the same samples.
            groups: Series of each sample.

        Raises:
            ValueError: If the tables are unsound, or a setting is unknown or has no values.
        """
        check_training_tables(X, Y)
        self._check_grid()
        unit, kind = units_of(X.index, groups)
        n_folds = min(self.n_folds, int(unit.max()) + 1)
        fold = folds_of(X.index, groups, n_folds=n_folds, seed=self.seed)
        search = GridSearchCV(
            self.estimator,
            {name: list(values) for name, values in self.grid.items()},
            scoring=_skill_scorer(Y),
            cv=PredefinedSplit(fold),
            error_score="raise",
        ).fit(X, Y)
        self.best_, self.best_parameters_ = search.best_estimator_, dict(search.best_params_)
        self.tfs_, self.genes_ = X.columns, self.best_.genes_
        self.search_ = _search_table(search).assign(n_folds=n_folds, unit=kind)
        return self

    def predict(self, X: pd.DataFrame) -> pd.DataFrame:
        """Predict gene expression, ``(sample, gene)``, log10."""
        check_is_fitted(self)
        predicted: pd.DataFrame = self.best_.predict(X)
        return predicted

    def _check_grid(self) -> None:
        known = self.estimator.get_params()
        unknown = [name for name in self.grid if name not in known]
        empty = [name for name, values in self.grid.items() if len(list(values)) == 0]
        if unknown or empty or not self.grid:
            raise ValueError(
                f"the grid of {type(self.estimator).__name__} names unknown settings "
                f"({', '.join(unknown[:5]) or 'none'}) or settings without values "
                f"({', '.join(empty[:5]) or 'none'}); expected at least one of "
                f"{', '.join(sorted(known))}, each with a list of values"
            )


def best_of(model: BaseEstimator) -> BaseEstimator:
    """Take the model with the chosen settings out of a :class:`Tuned`; any other is itself."""
    return model.best_ if isinstance(model, Tuned) else model


Scorer = Callable[[BaseEstimator, pd.DataFrame, pd.DataFrame], float]


def _skill_scorer(Y: pd.DataFrame) -> Scorer:
    """Make the score of a fold: mean over genes of skill, ``LEAST_SKILL`` or more."""
    total = pd.Series(Y.to_numpy().sum(axis=0, dtype=float), index=Y.columns)
    n_samples = len(Y)

    def score(model: BaseEstimator, X: pd.DataFrame, held_out: pd.DataFrame) -> float:
        predicted = model.predict(X)
        truth = held_out[predicted.columns].to_numpy(float)
        # All samples that are not held out were fitted.
        fitted = total[predicted.columns].to_numpy() - truth.sum(axis=0)
        null = ((truth - fitted / (n_samples - len(truth))) ** 2).sum(axis=0)
        error = ((truth - predicted.to_numpy(float)) ** 2).sum(axis=0)
        varies = null > 0
        skill = 1 - error[varies] / null[varies]
        return float(np.maximum(skill, LEAST_SKILL).mean()) if varies.any() else 0.0

    return score


def _search_table(search: GridSearchCV) -> pd.DataFrame:
    """Lay out what was tried."""
    result = search.cv_results_
    return pd.DataFrame(
        {
            "parameters": [described(parameters) for parameters in result["params"]],
            "mean_skill": result["mean_test_score"],
            "sd_skill": result["std_test_score"],
            "chosen": np.arange(len(result["params"])) == search.best_index_,
        }
    )


def described(parameters: Mapping[str, Any]) -> str:
    """Write settings as a text: a setting of an inner part goes by its own name."""
    return ", ".join(f"{name.rpartition('__')[2]}={value}" for name, value in parameters.items())


def search_table(searches: pd.DataFrame) -> pd.DataFrame:
    """Lay searches out for a reader: one row a combination of settings.

    Args:
        searches: Columns label and those of ``SEARCH_COLUMNS``, such as a run's table
            ``searches_baselines``.
    """
    words = {
        "label": "Model",
        "parameters": "Settings",
        "mean_skill": "Skill, mean over folds",
        "sd_skill": "SD",
        "chosen": "Chosen",
        "n_folds": "Folds",
        "unit": "Held out",
    }
    chosen = searches["chosen"].map({True: "yes", False: ""})
    return searches.assign(chosen=chosen)[list(words)].rename(columns=words)
