"""Invented tables for the figures of truth, and these figures drawn from them."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pandas as pd

from lembas import plotting
from lembas.truth import QUESTIONS
from tests.evidence_tables import with_range

NAMES = {
    "prior": "The prior alone",
    "ridge": "Ridge",
    "masked_ridge": "Masked ridge",
    "lembas": "LEMBAS-RNN",
    "lembas@randomised": "LEMBAS-RNN, randomised",
    "noise": "noise, times the usual",
    "n_samples": "samples of the study",
    "prior_recall": "share of the true edges in the prior",
}
RANKED = list(NAMES)[:5]
CURVES = {name: NAMES[name] for name in ("noise", "n_samples", "prior_recall")}


def recovery_table() -> pd.DataFrame:
    """Invent multiples of chance, and base rates, of five models on every question."""
    keys = itertools.product(QUESTIONS, RANKED, ["auprc_over_base"])
    ratio = with_range(pd.DataFrame(keys, columns=["question", "model", "metric"]), seed=4)
    ratio[["value", "low", "high"]] *= 9
    base = ratio.assign(metric="base_rate", value=0.06, low=0.05, high=0.07)
    return pd.concat([ratio, base], ignore_index=True)


def precision_table() -> pd.DataFrame:
    """Invent falling curves of four models, and the prior's single point."""
    recall = np.linspace(0.01, 1, 50)
    parts = [
        pd.DataFrame({"model": model, "recall": recall, "precision": 1 - recall ** (i + 1)})
        for i, model in enumerate(RANKED[1:])
    ]
    point = pd.DataFrame({"model": ["prior"], "recall": [0.6], "precision": [0.7]})
    return pd.concat([point, *parts], ignore_index=True)


def ranges_table() -> pd.DataFrame:
    """Invent curves of four models over three settings."""
    keys = itertools.product(CURVES, [0.5, 1.0, 4.0], ["direct"], RANKED[:4])
    return with_range(pd.DataFrame(keys, columns=["curve", "setting", "question", "model"]), seed=5)


TRUTH_FIGURES: dict[str, Callable[[], plotting.Drawing]] = {
    "precision_recall": lambda: plotting.precision_recall(
        precision_table(), base_rate=0.06, labels=NAMES
    ),
    "recovery": lambda: plotting.recovery(
        recovery_table(), questions={"direct": QUESTIONS["direct"]}, labels=NAMES
    ),
    "recovery_curves": lambda: plotting.recovery_curves(
        ranges_table(), curves=CURVES, question="direct", labels=NAMES
    ),
}
