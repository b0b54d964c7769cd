"""Judge the metrics of an evaluation on its own samples: what the gate's table needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from lembas.calibration import exchangeable_pairs
from lembas.cohorts import Cohort
from lembas.evaluation import Evaluation
from lembas.gate import metric_gate
from lembas.gene_sets import on_shared
from lembas.metrics import PRIMARY


def judge_metrics(
    cohorts: Mapping[str, Cohort],
    predictions: Mapping[str, Mapping[str, pd.DataFrame]],
    train_mean: pd.Series,
    *,
    result: Evaluation,
    null: str = "train_mean",
    **options: Any,
) -> pd.DataFrame:
    """Pass every metric of every cohort through the gate.

    The exchangeable pairs of a cohort are made of its two best models, whose predictions are most
    alike in quality and so most like two runs of one model; panel models have no part in it.

    Args:
        cohorts: The cohorts by name, as given to :func:`lembas.evaluation.evaluate_all`.
        predictions: For each of these names the predictions by model, likewise.
        train_mean: Mean of each gene over the training samples.
        result: What ``evaluate_all`` returned for them.
        null: Model that knows nothing of a sample.
        **options: ``n_pairs``, ``n_resamples``, ``n_genes`` and ``seed`` of
            :func:`lembas.calibration.exchangeable_pairs`.

    Returns:
        See :func:`lembas.gate.metric_gate`, for the given cohorts. A cohort with a single model
        beside the null has no pairs.
    """
    tables = []
    for name, cohort in cohorts.items():
        best = _best(result.scores, name, null)[:2]
        if len(best) < 2:
            continue
        first, second = (predictions[name][model] for model in best)
        genes = cohort.y.columns
        genes = genes[genes.isin(first.columns) & genes.isin(second.columns)]
        pairs = exchangeable_pairs(
            cohort.y[genes], first, second, train_mean, series=cohort.series, **options
        )
        if len(pairs):
            tables.append(pairs.assign(cohort=name))
    pairs = pd.concat(tables, ignore_index=True) if tables else None
    against = result.against_null
    return metric_gate(against[against["cohort"].isin(list(cohorts))], pairs)


def _best(scores: pd.DataFrame, cohort: str, null: str) -> list[str]:
    """Order the models of a cohort by the primary score, the best first, without the null."""
    rows = on_shared(scores[(scores["cohort"] == cohort) & (scores["metric"] == PRIMARY)])
    rows = rows[rows["model"] != null].dropna(subset="value")
    return rows.sort_values("value", ascending=False, kind="stable")["model"].tolist()
