"""Score how well rankings of TF-target pairs recover true regulation, with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import digamma
from sklearn.metrics import precision_recall_curve

from lembas.formats import listed
from lembas.intervals import Draws, half_width
from lembas.truth import PRIOR, QUESTIONS, Pairs, kinds_of

RATIO = "auprc_over_base"
PER_GENE = 3
KIND_QUESTIONS = ("direct", "within_prior", "paths")
# A figure shows no more.
CURVE_POINTS = 300


@dataclass(frozen=True, eq=False)
class Recovery:
    """Hold how well models recover regulation.

    Attributes:
        table: Tidy: question, model, metric, value, low, high; see :func:`resampled`.
        over_prior: AUPRC over base rate among all pairs, model - prior alone: model, value, low,
            high; paired over resampled targets.
    """

    table: pd.DataFrame
    over_prior: pd.DataFrame

    def of(self, metric: str) -> pd.DataFrame:
        """Return the rows of one measure."""
        return self.table[self.table["metric"] == metric]


def recovery(
    pairs: Pairs, scores: Mapping[str, pd.DataFrame], *, n_resamples: int = 200, seed: int = 888
) -> Recovery:
    """Score models on every question that the pairs pose.

    Args:
        pairs: The truth.
        scores: Model to its table, the prior's among them under ``PRIOR``.
        n_resamples: Resamples of the targets.
        seed: Seed of the resampling.

    Raises:
        ValueError: If a model lacks a pair, or no question can be asked.
    """
    options = {"n_resamples": n_resamples, "seed": seed}
    first = resampled(pairs, scores, question="direct", **options)
    others = {
        question: resampled(pairs, scores, question=question, **options)
        for question in QUESTIONS
        if question != "direct" and pairs.poses(question)
    }
    asked = {"direct": first, **others}
    tables = [tidy(draws).assign(question=name) for name, draws in asked.items()]
    apart = [
        {"model": model, **difference(first, model, PRIOR)} for model in scores if model != PRIOR
    ]
    columns = ["question", "model", "metric", "value", "low", "high"]
    return Recovery(pd.concat(tables, ignore_index=True)[columns], pd.DataFrame(apart))


def by_kind(
    pairs: Pairs,
    scores: Mapping[str, pd.DataFrame],
    linear_share: pd.Series,
    *,
    model: str,
    references: Sequence[str],
    n_resamples: int = 200,
    seed: int = 888,
) -> pd.DataFrame:
    """Compare a model with others on linear and non-linear, near and far regulated targets.

    Args:
        pairs: The truth.
        scores: Model to its table.
        linear_share: Result of :func:`lembas.true_effects.linearity`.
        model: Model in question.
        references: Models it is compared with.
        n_resamples: Resamples of the targets of each kind.
        seed: Seed of the resampling.

    Returns:
        Tidy: question (of ``KIND_QUESTIONS``), kind, n_genes, model, reference, own and other
        (AUPRC over base rate of each), value (own - other), low, high. A kind without targets, or
        whose pairs are all true or all false, has no row.
    """
    rows = []
    shown = {name: scores[name] for name in (model, *references)}
    for kind, genes in kinds_of(pairs, linear_share).items():
        own = pairs.of(genes)
        for question in KIND_QUESTIONS:
            if genes.empty or not own.poses(question):
                continue
            draws = resampled(own, shown, question=question, n_resamples=n_resamples, seed=seed)
            about = {"question": question, "kind": kind, "n_genes": len(genes), "model": model}
            for name in references:
                both = {"own": draws.estimates[model][RATIO], "other": draws.estimates[name][RATIO]}
                rows.append({**about, "reference": name, **both, **difference(draws, model, name)})
    return pd.DataFrame(rows)


def resampled(
    pairs: Pairs,
    scores: Mapping[str, pd.DataFrame],
    *,
    question: str,
    n_resamples: int = 200,
    seed: int = 888,
) -> Draws:
    r"""Score models on one question, and on resampled targets.

    Ties are ranked together, so that a list of equal scores has the base rate's precision. The
    measures:

    - ``auprc``: average precision of all pairs in one list; ``base_rate``: share of true pairs;
      ``auprc_over_base``: one over the other.
    - ``gene_auprc_over_chance``: median over genes of the average precision of each gene's own
      list over :func:`chance_precision`.
    - ``precision_at_true``: among as many of the highest pairs as there are true ones;
      ``precision_at_3``: among each gene's three highest.
    - ``sign_accuracy``: share of right directions among the true pairs within
      ``precision_at_true``.

    Args:
        pairs: The truth.
        scores: Model to its table: gene, tf, score, direction; one row for every pair at least.
        question: One of ``QUESTIONS``.
        n_resamples: Resamples of the targets, the same for all models.
        seed: Seed of the resampling.

    Raises:
        ValueError: If a model lacks a pair, or nothing can be told apart.
    """
    asked = pairs.asked(question)
    genes = pd.Index(asked["gene"].unique(), name="gene")
    drawn = np.random.default_rng(seed).integers(len(genes), size=(n_resamples, len(genes)))
    chosen = np.vstack([drawn, np.arange(len(genes))])
    tables = {
        model: _measured(_matched(asked, table, model), genes, chosen)
        for model, table in scores.items()
    }
    return Draws(
        {model: table.iloc[:-1] for model, table in tables.items()},
        n_units=len(genes),
        unit="target",
        estimates={model: table.iloc[-1] for model, table in tables.items()},
    )


def precision_recall(
    pairs: Pairs, scores: Mapping[str, pd.DataFrame], *, question: str = "direct"
) -> pd.DataFrame:
    """Follow precision and recall down each model's list of pairs.

    Args:
        pairs: The truth.
        scores: Model to its table.
        question: One of ``QUESTIONS``.

    Returns:
        Tidy: model, recall, precision; one row a distinct score above the lowest one, thinned to
        ``CURVE_POINTS``. Pairs that share the lowest score, such as those a model leaves out, are
        in no order, so no curve leads through them.
    """
    asked, parts = pairs.asked(question), []
    for model, table in scores.items():
        found = _matched(asked, table, model)
        precision, recall, _ = precision_recall_curve(found["is_true"], found["score"])
        # The first point is the whole list, the last an empty one.
        points = pd.DataFrame({"recall": recall, "precision": precision}).iloc[1:-1]
        kept = np.unique(np.linspace(0, len(points) - 1, CURVE_POINTS).round().astype(int))
        parts.append(points.iloc[kept].iloc[::-1].assign(model=model))
    return pd.concat(parts, ignore_index=True)[["model", "recall", "precision"]]


def tidy(draws: Draws) -> pd.DataFrame:
    """Lay out scores with limits: model, metric, value, low, high.

    The limits are those of :func:`lembas.intervals.half_width`, cut back to what a measure can be:
    all are at least 0, and those that are shares at most 1.
    """
    tables = []
    for model, values in draws.estimates.items():
        half = half_width(draws.by_model[model], draws.n_units)
        most = np.where(values.index.str.contains("_over_"), np.inf, 1.0)
        low, high = (values - half).clip(lower=0), (values + half).clip(upper=most)
        limits = pd.DataFrame({"value": values, "low": low, "high": high})
        tables.append(limits.rename_axis("metric").reset_index().assign(model=model))
    table = pd.concat(tables, ignore_index=True)
    return table[["model", "metric", "value", "low", "high"]]


def difference(
    draws: Draws, model: str, reference: str, *, metric: str = RATIO
) -> dict[str, float]:
    """Subtract one model's score from another's, with paired limits: value, low, high."""
    value = float(draws.estimates[model][metric] - draws.estimates[reference][metric])
    apart = (draws.by_model[model] - draws.by_model[reference])[[metric]]
    half = float(half_width(apart, draws.n_units)[metric])
    return {"value": value, "low": value - half, "high": value + half}


def _matched(asked: pd.DataFrame, table: pd.DataFrame, model: str) -> pd.DataFrame:
    """Put a model's scores beside the candidates, by name."""
    found = asked.merge(table, on=["gene", "tf"], how="left", validate="one_to_one")
    missing = found[~np.isfinite(found["score"])]
    if len(missing):
        raise ValueError(
            f"{model} has no finite score for {len(missing)} of {len(asked)} pairs: "
            f"{listed(missing['tf'] + ' -> ' + missing['gene'])}; explain the same targets for all"
        )
    return found


def _measured(found: pd.DataFrame, genes: pd.Index, chosen: np.ndarray) -> pd.DataFrame:
    """Compute all measures of one model for each row of ``chosen``, places of genes."""
    place = genes.get_indexer(found["gene"])
    counts = np.apply_along_axis(np.bincount, 1, chosen, minlength=len(genes)).astype(float)
    hit, score = found["is_true"].to_numpy(), found["score"].to_numpy()
    pooled, base = average_precision(hit, score, place, counts)
    own, own_base = average_precision(hit, score, place, np.eye(len(genes)))
    with np.errstate(invalid="ignore", divide="ignore"):
        # A gene without a true pair, or with nothing else, tells no ranking from another.
        sizes = np.bincount(place, minlength=len(genes))
        chance = chance_precision(own_base * sizes, sizes)
        by_gene = np.where((own_base > 0) & (own_base < 1), own / chance, np.nan)
    return pd.DataFrame(
        {
            "auprc": pooled,
            "base_rate": base,
            "auprc_over_base": pooled / base,
            "gene_auprc_over_chance": pd.DataFrame(by_gene[chosen]).median(axis=1).to_numpy(),
            **_shares(found, place, counts),
        }
    )


def _shares(found: pd.DataFrame, place: np.ndarray, counts: np.ndarray) -> dict[str, np.ndarray]:
    """Compute precisions at a cut and the share of right signs, for each row of ``counts``."""
    hit, score = found["is_true"].to_numpy(), found["score"].to_numpy()
    n_true = int(hit.sum())
    at_true, at_three = _picked(score, n_true), np.zeros(len(score))
    for rows in found.groupby("gene").indices.values():
        at_three[rows] = _picked(score[rows], PER_GENE)
    recovered = hit & (score > 0) & (score >= np.sort(score)[-n_true])
    right = recovered & (found["direction"] == found["sign"]).to_numpy()

    def ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
        over, under = (
            counts @ np.bincount(place, part, minlength=counts.shape[1]) for part in (above, below)
        )
        return np.where(under > 0, over / np.where(under > 0, under, 1.0), np.nan)

    return {
        "precision_at_true": ratio(at_true * hit, at_true),
        f"precision_at_{PER_GENE}": ratio(at_three * hit, at_three),
        "sign_accuracy": ratio(right.astype(float), recovered.astype(float)),
    }


def _picked(score: np.ndarray, k: int) -> np.ndarray:
    """Give each pair its chance to be among the k highest, when ties are broken at random."""
    k = min(k, len(score))
    cut = np.sort(score)[-k]
    above, tied = score > cut, score == cut
    return above + tied * (k - above.sum()) / tied.sum()


def average_precision(
    hit: np.ndarray, score: np.ndarray, group: np.ndarray, counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    r"""Compute average precisions of one list under several weightings of its groups at once.

    .. math:: \mathrm{AP} = \sum_k (R_k - R_{k-1}) P_k

    over the distinct scores from the highest down, as scikit-learn has it.

    Args:
        hit: Whether each pair is true, ``(pair,)``.
        score: Its score, ``(pair,)``; equal scores are ranked together.
        group: Place of its group, such as its gene, among the columns of ``counts``, ``(pair,)``.
        counts: How often each group's pairs count, ``(weighting, group)``, >= 0.

    Returns:
        Average precision and share of true pairs, each ``(weighting,)``; NaN for a weighting
        without true pairs.
    """
    order = np.argsort(-score, kind="stable")
    hit, group = hit[order], group[order]
    ends = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))
    # Recall rises only where a true pair is met: nothing else is summed over.
    ends = ends[np.diff(np.cumsum(hit)[ends], prepend=0) > 0]
    stretch = np.searchsorted(ends, np.arange(len(hit)))  # the last one ends with the list
    shape = (len(ends) + 1, counts.shape[1])

    def counted(kept: np.ndarray) -> np.ndarray:
        at = np.ravel_multi_index((stretch[kept], group[kept]), shape)
        found = np.bincount(at, minlength=shape[0] * shape[1]).reshape(shape)
        below: np.ndarray = counts @ np.cumsum(found, axis=0).T
        return below

    every, true = counted(np.ones_like(hit)), counted(hit)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.where(every > 0, true / every, 0.0)
        recall = true / true[:, -1:]
        rises = np.diff(recall, axis=1, prepend=0.0)
        return (rises * precision).sum(axis=1), true[:, -1] / every[:, -1]


def chance_precision(n_true: np.ndarray, n: np.ndarray) -> np.ndarray:
    r"""Compute the mean average precision of lists in random order.

    .. math:: E[\mathrm{AP}] = \frac{1}{n} \left( H_n + \frac{k - 1}{n - 1} (n - H_n) \right),
       \qquad H_n = \sum_{i=1}^{n} 1 / i

    The pair at place i is true with probability k / n, and the i - 1 before it then hold
    (i - 1)(k - 1) / (n - 1) true ones on average. In long lists this is the base rate k / n; the
    list of a single gene is short.

    Args:
        n_true: True pairs k of each list, >= 1.
        n: Pairs of each list, >= 2.
    """
    harmonic = digamma(np.asarray(n, float) + 1) + np.euler_gamma
    chance: np.ndarray = (harmonic + (n_true - 1) / (n - 1) * (n - harmonic)) / n
    return chance
