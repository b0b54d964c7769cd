"""Say which genes, and which models over folds, differ by more than chance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from lembas.formats import listed
from lembas.intervals import units_of
from lembas.metrics import matched_arrays, without_rounding

# The smallest difference in skill that is called one: a real but smaller one helps nobody.
LEAST_DIFFERENCE = 0.02
VERDICTS: tuple[str, ...] = ("better", "no difference", "worse")
GENES_AT_ONCE = 512


def gene_differences(
    truth: pd.DataFrame,
    model: pd.DataFrame,
    reference: pd.DataFrame,
    train_mean: pd.Series,
    *,
    series: pd.Series | None = None,
    level: float = 0.05,
    least: float = LEAST_DIFFERENCE,
) -> pd.DataFrame:
    r"""Compare two models gene by gene, with control of the false discovery rate over genes.

    .. math:: d_{ug} = \sum_{i \in u} \bigl( (y_{ig} - \hat y^{ref}_{ig})^2
       - (y_{ig} - \hat y_{ig})^2 \bigr), \qquad
       \Delta_g = \frac{\sum_u d_{ug}}{\sum_i (y_{ig} - \bar y^{train}_g)^2}

    p comes from a one-sample t test of :math:`d_{ug}` over the units u (whole series where at
    least two are known, else samples); q from Benjamini and Hochberg's procedure over the genes.
    Sign flips would be exact, but with five series their smallest p is .06.

    Args:
        truth: Measured expression ``(sample, gene)``.
        model: Prediction, same labels in any order.
        reference: Prediction of the model it is compared with, likewise.
        train_mean: Mean of each gene over the training samples.
        series: Series of each sample; None: unknown.
        level: False discovery rate.
        least: Smallest difference in skill that counts, >= 0.

    Returns:
        Table: gene, difference (in skill, model - reference; NaN where skill is not defined), p, q
        (NaN where the squared errors do not differ in any unit) and verdict: "better" or "worse"
        where q is at most ``level`` and the difference at least ``least``, else "no difference".

    Raises:
        ValueError: If labels differ, a value is not finite, or there are fewer than two units.

    References:
        Benjamini and Hochberg 1995, doi:10.1111/j.2517-6161.1995.tb02031.x.
    """
    unit, _ = units_of(truth.index, series)
    if unit.max() < 1:
        raise ValueError("genes cannot be tested on a single sample; give two or more")
    y, p, mean = matched_arrays(truth, model, train_mean)
    _, base, _ = matched_arrays(truth, reference, train_mean)
    table = {key: np.empty(y.shape[1]) for key in ("difference", "p")}
    for start in range(0, y.shape[1], GENES_AT_ONCE):
        genes = slice(start, start + GENES_AT_ONCE)
        own = y[:, genes].astype(float)
        gain = (own - base[:, genes]) ** 2 - (own - p[:, genes]) ** 2
        table["p"][genes] = _t_test(_sums(gain, unit))
        scale = len(y) * mean[genes] ** 2
        about = without_rounding(((own - mean[genes]) ** 2).sum(axis=0), scale)
        table["difference"][genes] = gain.sum(axis=0) / np.where(about > 0, about, np.nan)
    q = _q_values(table["p"])
    is_real = (q <= level) & (np.abs(table["difference"]) >= least)
    verdict = np.where(is_real, np.sign(table["difference"]), 0).astype(int)
    named = np.array(VERDICTS, dtype=object)[1 - verdict]
    return pd.DataFrame({"gene": truth.columns, **table, "q": q, "verdict": named})


def _sums(values: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Sum the samples of each unit: ``(sample, gene)`` to ``(unit, gene)``."""
    order = np.argsort(unit, kind="stable")
    starts = np.searchsorted(unit[order], np.arange(unit.max() + 1))
    return np.add.reduceat(values[order], starts, axis=0)


def _t_test(sums: np.ndarray) -> np.ndarray:
    """Test each column against 0; NaN for a column that is 0 throughout."""
    p = np.full(sums.shape[1], np.nan)
    # The test divides by the spread: a column that does not vary is decided by hand.
    spread = np.ptp(sums, axis=0) > 1e-12 * np.abs(sums).max(axis=0)
    p[spread] = stats.ttest_1samp(sums[:, spread], 0.0, axis=0).pvalue
    p[~spread & (sums[0] != 0)] = 0.0
    return p


def _q_values(p: np.ndarray) -> np.ndarray:
    """Adjust p by Benjamini and Hochberg's procedure, genes without a p left out."""
    q = np.full(p.shape, np.nan)
    known = ~np.isnan(p)
    if known.any():
        q[known] = stats.false_discovery_control(p[known], method="bh")
    return q


@dataclass(frozen=True)
class ModelRanks:
    """Hold how models rank over folds.

    Attributes:
        table: Over models, the best first: model, mean_rank (1 is the best), low, high (mean rank
            minus and plus half the critical difference: models whose ranges overlap do not
            differ) and median_score.
        friedman: seed, statistic, p: Friedman's test over the folds of each seed.
        critical_difference: Nemenyi's, at 5 %: mean ranks further apart differ.
        n_folds: Folds of a seed.
        n_seeds: Number of seeds.
    """

    table: pd.DataFrame
    friedman: pd.DataFrame
    critical_difference: float
    n_folds: int
    n_seeds: int


def rank_models(scores: pd.DataFrame, *, level: float = 0.05) -> ModelRanks:
    r"""Rank models in every fold and test whether their mean ranks differ.

    .. math:: CD = \frac{q_{\alpha, k, \infty}}{\sqrt 2} \sqrt{\frac{k (k + 1)}{6 N}}

    with k models, N folds and q the studentised range. Other seeds cut the same samples into other
    folds. They steady the mean ranks but add no samples, so N counts the folds of one seed, and
    Friedman's test is done seed by seed.

    Args:
        scores: Columns model, fold, seed, value (higher is better).
        level: Error rate of the critical difference.

    Raises:
        ValueError: If there are fewer than three models or two folds, or a score is missing or
            given twice.

    References:
        Demsar 2006, https://jmlr.org/papers/v7/demsar06a.html;
        Friedman 1937, doi:10.1080/01621459.1937.10503522.
    """
    wide = _complete(scores)
    n_models = wide.shape[1]
    n_folds = int(wide.groupby(level="seed").size().min())
    if n_models < 3 or n_folds < 2:
        raise ValueError(
            f"cannot rank {n_models} model(s) over {n_folds} fold(s); expected at least three "
            "models and two folds"
        )
    ranks = wide.rank(axis=1, ascending=False).mean()
    quantile = stats.studentized_range.ppf(1 - level, n_models, np.inf) / np.sqrt(2)
    critical = float(quantile * np.sqrt(n_models * (n_models + 1) / (6 * n_folds)))
    table = pd.DataFrame({"mean_rank": ranks, "median_score": wide.median()})
    table = table.assign(low=ranks - critical / 2, high=ranks + critical / 2)
    table = table.sort_values("mean_rank", kind="stable").rename_axis("model").reset_index()
    tests = [
        (seed, *stats.friedmanchisquare(*part.to_numpy().T))
        for seed, part in wide.groupby(level="seed")
    ]
    return ModelRanks(
        table[["model", "mean_rank", "low", "high", "median_score"]],
        pd.DataFrame(tests, columns=["seed", "statistic", "p"]),
        critical,
        n_folds,
        wide.index.get_level_values("seed").nunique(),
    )


def ranks_table(ranks: ModelRanks, labels: Mapping[str, str]) -> pd.DataFrame:
    """Lay the ranks of models out for a reader, as text."""
    rows = ranks.table
    span = [f"{row.low:.2f} to {row.high:.2f}" for row in rows.itertuples()]
    return pd.DataFrame(
        {
            "Model": rows["model"].map(lambda name: labels.get(name, name)),
            "Mean rank": rows["mean_rank"].map("{:.2f}".format),
            "Half the critical difference either way": span,
            "Skill, median over folds": rows["median_score"].map("{:z.3f}".format),
        }
    ).set_index("Model")


def _complete(scores: pd.DataFrame) -> pd.DataFrame:
    """Spread scores to one row a seed and fold, or name what is missing or given twice."""
    keys = ["seed", "fold", "model"]
    twice = scores[scores.duplicated(keys)]
    if len(twice):
        names = [f"{row.model} in fold {row.fold}" for row in twice.itertuples()]
        raise ValueError(
            f"{len(twice)} score(s) are given twice: {listed(names)}; keep one a model and fold"
        )
    wide = scores.pivot_table(
        index=keys[:2], columns="model", values="value", sort=False, dropna=False
    )
    lacking = wide.columns[wide.isna().any()]
    if len(lacking):
        raise ValueError(
            f"{len(lacking)} model(s) lack a score in some fold: {listed(lacking)}; leave them "
            "out, or score them in every fold"
        )
    return wide
