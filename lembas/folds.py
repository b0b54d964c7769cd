"""Fit models again on other samples: cross-validation over folds and seeds, learning curves."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from lembas.baselines import fit_with, make
from lembas.cohorts import Cohort
from lembas.inner_split import folds_of
from lembas.intervals import units_of
from lembas.metrics import score_per_gene
from lembas.network import Network


def cross_validate(
    cohort: Cohort,
    network: Network,
    models: Sequence[str],
    *,
    n_folds: int = 5,
    seeds: Iterable[int] = (888,),
    extra: Mapping[str, Mapping[str, Any]] | None = None,
) -> pd.DataFrame:
    """Fit every model on all folds but one, and score it on that one.

    Args:
        cohort: Samples to use: the training samples, so that test and external ones stay unseen.
        network: Given to the models that take one.
        models: Registry names.
        n_folds: Folds of each seed.
        seeds: Each cuts the samples into other folds.
        extra: Entries of a profile, as :func:`lembas.baselines.registry` takes them.

    Returns:
        Tidy: model, seed, fold, n_train, n_test, value: the median over genes of the skill against
        the means of the fold's own training samples.
    """
    rows = []
    for seed in seeds:
        fold = folds_of(cohort.x.index, cohort.series, n_folds=n_folds, seed=seed)
        for number in range(n_folds):
            held_out = (fold == number).to_numpy()
            train, test = _part(cohort, ~held_out), _part(cohort, held_out)
            mean = _mean(train.y)
            for name, model in _fitted(models, network, extra, train):
                about = {"model": name, "seed": seed, "fold": number}
                sizes = {"n_train": len(train.x), "n_test": len(test.x)}
                rows.append({**about, **sizes, "value": _skill(model, test, mean)})
    return pd.DataFrame(rows)


def learning_curve(
    train: Cohort,
    test: Cohort,
    network: Network,
    models: Sequence[str],
    *,
    fractions: Sequence[float] = (0.1, 0.2, 0.4, 0.7, 1.0),
    seeds: Iterable[int] = (888,),
    extra: Mapping[str, Mapping[str, Any]] | None = None,
) -> pd.DataFrame:
    """Fit every model on growing parts of the training samples, and score it on the test samples.

    The parts of a seed are nested: a larger one holds the smaller ones. Skill is always against
    the mean over all training samples, so that one null serves the whole curve.

    Args:
        train: Training samples; whole series are added where at least two are known.
        test: Samples to score on.
        network: Given to the models that take one.
        models: Registry names.
        fractions: Parts of the samples (of the series) to fit on, in (0, 1], rounded up; a part
            with fewer than three samples is left out.
        seeds: Each adds samples in another order.
        extra: Entries of a profile, as :func:`lembas.baselines.registry` takes them.

    Returns:
        Tidy: model, seed, n_train, n_units (series or samples), value: median skill over genes.

    Raises:
        ValueError: If a fraction is out of range.
    """
    wrong = [fraction for fraction in fractions if not 0 < fraction <= 1]
    if wrong or not fractions:
        raise ValueError(f"fractions must be above 0 and at most 1, got {wrong or 'none'}")
    mean, rows = _mean(train.y), []
    for seed in seeds:
        for rank, n_units in _nested(train, fractions, seed):
            part = _part(train, rank < n_units)
            for name, model in _fitted(models, network, extra, part):
                about = {"model": name, "seed": seed, "n_train": len(part.x), "n_units": n_units}
                rows.append({**about, "value": _skill(model, test, mean)})
    return pd.DataFrame(rows)


def _nested(
    train: Cohort, fractions: Sequence[float], seed: int
) -> Iterator[tuple[np.ndarray, int]]:
    """Rank the samples in a drawn order of their units, and say how many units each part takes."""
    unit, _ = units_of(train.x.index, train.series)
    n_units = int(unit.max()) + 1
    rank = np.random.default_rng(seed).permutation(n_units)[unit]
    for count in sorted({math.ceil(round(fraction * n_units, 9)) for fraction in fractions}):
        if (rank < count).sum() >= 3:
            yield rank, count


def _part(cohort: Cohort, rows: np.ndarray) -> Cohort:
    """Keep some samples of a cohort."""
    series = None if cohort.series is None else cohort.series[rows]
    x, y = cohort.x[rows], cohort.y[rows]
    return Cohort(cohort.name, x, y, imputed=cohort.imputed, missing=cohort.missing, series=series)


def _mean(y: pd.DataFrame) -> pd.Series:
    return pd.Series(y.to_numpy().mean(axis=0, dtype=float), index=y.columns)


def _fitted(
    models: Sequence[str],
    network: Network,
    extra: Mapping[str, Mapping[str, Any]] | None,
    train: Cohort,
) -> Iterator[tuple[str, BaseEstimator]]:
    """Fit one model after the other; one at a time is kept."""
    for name in models:
        model = make(name, network, extra=extra)
        fit_with(model, train.x, train.y, groups=train.series)
        yield name, model


def _skill(model: BaseEstimator, test: Cohort, mean: pd.Series) -> float:
    """Median skill over the genes that the model predicts."""
    prediction = model.predict(test.x)
    genes = test.y.columns[test.y.columns.isin(prediction.columns)]
    scores = score_per_gene(test.y[genes], prediction[genes], mean)
    return float(scores["skill_per_gene"].median())


def curve_summary(curve: pd.DataFrame) -> pd.DataFrame:
    """Summarise a learning curve over seeds: model, n_train (mean), value (median), low, high.

    ``low`` and ``high`` are the smallest and the largest value of any seed: how much the choice of
    samples matters, and no confidence interval.
    """
    return curve.groupby(["model", "n_units"], as_index=False, sort=False).agg(
        n_train=("n_train", "mean"),
        value=("value", "median"),
        low=("value", "min"),
        high=("value", "max"),
    )


def fold_table(scores: pd.DataFrame, labels: Mapping[str, str], *, reference: str) -> pd.DataFrame:
    """Lay the scores of folds out for a reader, as text: one row a model.

    A gain is taken fold by fold, over the reference on the same network.

    Args:
        scores: As :func:`cross_validate` returns them; what stands behind an ``@`` in a model's
            name is its network.
        labels: Model to label.
        reference: Model whose score is subtracted; where it was not fitted, there is no gain.
    """
    wide = scores.pivot_table(
        index=["seed", "fold"], columns="model", values="value", sort=False, dropna=False
    )
    rows = {}
    for model, values in wide.items():
        name, at, network = str(model).partition("@")
        base = f"{reference}{at}{network}"
        gain = values - wide[base] if name != reference and base in wide else values.iloc[:0]
        rows[labels.get(str(model), str(model))] = {
            "Skill, median over folds": f"{values.median():z.3f}",
            "Lowest and highest fold": _span(values, "z.3f"),
            f"Gain over {labels.get(reference, reference)}": (
                f"{gain.median():+z.3f} ({_span(gain, '+z.3f')})" if len(gain) else "-"
            ),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("Model")


def _span(values: pd.Series, form: str) -> str:
    return f"{values.min():{form}} to {values.max():{form}}"
