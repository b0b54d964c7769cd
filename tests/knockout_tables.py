"""Invented tables of knock-outs, and the figures drawn from them."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pandas as pd

from lembas import plotting

NAMES = {
    "mlr": "MLR",
    "ridge": "Ridge",
    "masked_ridge": "Masked ridge",
    "path_ridge": "Path ridge",
    "lembas": "LEMBAS-RNN",
    "lembas@node": "LEMBAS-RNN, node held",
}
TFS = ("HNF4A", "FOXA2", "CEBPA")


def responses_table() -> pd.DataFrame:
    keys = itertools.product(NAMES, TFS, [f"GENE{i:03d}" for i in range(12)])
    table = pd.DataFrame(keys, columns=["model", "tf", "gene"])
    return table.assign(response=np.random.default_rng(1).normal(0, 0.3, len(table)))


def compared_table() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    keys = itertools.product(["zero", "p5"], NAMES, range(60))
    table = pd.DataFrame(keys, columns=["level", "model", "gene"])
    role = np.resize(["direct", "indirect", "none"], len(table))
    true = np.where(role == "none", 0, rng.normal(0, 0.4, len(table)))
    return table.assign(role=role, true=true, predicted=0.5 * true + rng.normal(0, 0.1, len(true)))


def knockout_scores_table() -> pd.DataFrame:
    keys = itertools.product(["zero"], NAMES, ["direct", "indirect"], ["auprc", "base_rate"])
    table = pd.DataFrame(keys, columns=["level", "model", "part", "metric"])
    value = np.where(table["metric"] == "auprc", np.linspace(0.3, 0.95, len(table)), 0.2)
    return table.assign(value=value, low=value - 0.03, high=value + 0.03)


def violations_table() -> pd.DataFrame:
    keys = itertools.product(["masked_ridge", "lembas"], range(1, 11))
    table = pd.DataFrame(keys, columns=["model", "bin"])
    return table.assign(violating=np.tile(np.linspace(0.5, 0.02, 10), 2))


KNOCKOUT_FIGURES: dict[str, Callable[[], plotting.Drawing]] = {
    "knockout_responders": lambda: plotting.knockout_responders(
        responses_table(), TFS, labels=NAMES
    ),
    "response_scores": lambda: plotting.response_scores(
        knockout_scores_table(), level="zero", labels=NAMES
    ),
    "responses_against_truth": lambda: plotting.responses_against_truth(
        compared_table(), level="zero", labels=NAMES
    ),
    "weight_signs": lambda: plotting.weight_signs(violations_table(), labels=NAMES),
}
