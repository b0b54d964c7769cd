"""Invented tables for the figures of evidence, and these figures drawn from them."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pandas as pd

from lembas import plotting
from lembas.calibration import QUANTITIES

NAMES = {
    "train_mean": "Training mean (null)",
    "ridge": "Ridge",
    "masked_ridge": "Masked ridge",
    "lembas_published": "LEMBAS-RNN (as published, reconstructed)",
    "lembas": "LEMBAS-RNN",
    "far": "external cohort far",
}
MODELS = [name for name in NAMES if name != "far"]


def with_range(table: pd.DataFrame, *, seed: int) -> pd.DataFrame:
    """Invent values and the range about them."""
    rng = np.random.default_rng(seed)
    value, half = rng.uniform(0.1, 0.8, len(table)), rng.uniform(0.01, 0.08, len(table))
    return table.assign(value=value, low=value - half, high=value + half)


def ranks_table() -> pd.DataFrame:
    rank = np.array([1.2, 2.1, 2.8, 4.0, 4.9])
    table = pd.DataFrame({"model": MODELS[::-1], "mean_rank": rank, "median_score": 0.5})
    return table.assign(low=rank - 0.6, high=rank + 0.6)


def coverage_of_intervals() -> pd.DataFrame:
    keys = [("test", 5, 240), ("far", 78, 78), ("small", 3, 30)]
    rows = [(*key, quantity) for key in keys for quantity in QUANTITIES]
    table = pd.DataFrame(rows, columns=["regime", "n_units", "n_samples", "quantity"])
    table = table.assign(coverage=[0.95, 0.94, 0.99] * 3, low=0.91, high=0.995)
    table.loc[table["regime"] == "small", ["coverage", "low", "high"]] = np.nan
    return table


def learning_table() -> pd.DataFrame:
    keys = itertools.product(MODELS, [30, 60, 120, 155])
    return with_range(pd.DataFrame(keys, columns=["model", "n_train"]), seed=1)


def few_shot_table() -> pd.DataFrame:
    keys = itertools.product(["far", "GSE130970"], MODELS, [0, 5, 10, 20])
    table = with_range(pd.DataFrame(keys, columns=["cohort", "model", "k"]), seed=2)
    table.loc[table["k"] == 0, ["value", "low", "high"]] = -3.0
    return table


def strata_table() -> pd.DataFrame:
    strata = [f"{a} mean, {b} SD" for a in ("low", "high") for b in ("low", "high")]
    keys = itertools.product(["expression"], strata, ["masked_ridge", "lembas"])
    table = with_range(pd.DataFrame(keys, columns=["kind", "stratum", "model"]), seed=3)
    table = table.assign(n_genes=1234, difference=0.1, difference_low=0.0, difference_high=0.2)
    empty = pd.DataFrame([{"kind": "expression", "stratum": "none of these", "n_genes": 0}])
    return pd.concat([table, empty], ignore_index=True)


EVIDENCE_FIGURES: dict[str, Callable[[], plotting.Drawing]] = {
    "few_shot_curves": lambda: plotting.few_shot_curves(few_shot_table(), labels=NAMES),
    "interval_coverage": lambda: plotting.interval_coverage(
        coverage_of_intervals(), quantities=QUANTITIES
    ),
    "learning_curves": lambda: plotting.learning_curves(learning_table(), labels=NAMES),
    "mean_ranks": lambda: plotting.mean_ranks(ranks_table(), 1.2, labels=NAMES),
    "strata_differences": lambda: plotting.strata_differences(
        strata_table(),
        kind="expression",
        model="lembas",
        words="mean and SD over the training samples",
        labels=NAMES,
    ),
}
