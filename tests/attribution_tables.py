"""Invented tables for the figures of attributions, and these figures drawn from them."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pandas as pd

from lembas import plotting
from lembas.plotting.attribution_checks import CHECKS
from lembas.prior_support import KINDS

NAMES = {
    "mlr": "MLR",
    "ridge": "Ridge",
    "masked_ridge": "Masked ridge",
    "xgbrf": "XGBRF (3 trees)",
    "lembas_published": "LEMBAS-RNN (as published, reconstructed)",
    "lembas": "LEMBAS-RNN",
}
SYMBOLS = ("HNF4A", "CEBPA", "NR1H4", "FOXA2", "SREBF1", "ZNF1234", "ZSCAN5A", "ONECUT1")
GENES = ("ALB", "AFP", "APOA1", "SERPINA1", "CYP3A4", "TTR", "SLC10A1", "GENE0001")


def swarm_table(n_samples: int = 40) -> pd.DataFrame:
    """Invent attributions of every sample; LEMBAS-RNN uses three TFs only."""
    rng = np.random.default_rng(1)
    parts = []
    for model, gene in itertools.product(["mlr", "xgbrf", "lembas"], ["ALB", "AFP"]):
        for place, tf in enumerate(SYMBOLS):
            level = rng.normal(2, 0.5, n_samples)
            slope = 0.0 if model == "lembas" and place > 2 else 0.4 * 0.7**place
            parts.append(
                pd.DataFrame(
                    {
                        "model": model,
                        "gene": gene,
                        "sample": [f"s{i:02d}" for i in range(n_samples)],
                        "tf": tf,
                        "attribution": slope * (level - 2),
                        "expression": level,
                    }
                )
            )
    return pd.concat(parts, ignore_index=True)


def mean_table() -> pd.DataFrame:
    """Invent means with limits."""
    keys = itertools.product(["mlr", "xgbrf", "lembas"], ["ALB"], SYMBOLS)
    table = pd.DataFrame(keys, columns=["model", "gene", "tf"])
    size = np.random.default_rng(2).exponential(0.1, len(table))
    return table.assign(mean_abs_attribution=size, low=0.7 * size, high=1.3 * size)


def effects_table() -> pd.DataFrame:
    """Invent effects of 30 TFs on some genes; every fourth pair is an edge."""
    rng = np.random.default_rng(3)
    tfs = [*SYMBOLS, *(f"ZNF{i}" for i in range(22))]
    table = pd.DataFrame(itertools.product(GENES, tfs), columns=["gene", "tf"])
    size = table["tf"].map(dict(zip(tfs, np.geomspace(1, 0.01, len(tfs)), strict=True)))
    table["effect"] = size * rng.normal(0, 0.3, len(table))
    return table.assign(in_prior=np.arange(len(table)) % 4 == 0)


def checks_table() -> pd.DataFrame:
    """Invent checks of all kinds; one value is not defined."""
    keys = itertools.product(CHECKS, list(NAMES)[1:])
    table = pd.DataFrame(keys, columns=["check", "model"])
    value = np.random.default_rng(4).uniform(0.05, 0.9, len(table))
    table = table.assign(value=value, low=value - 0.05, high=value + 0.05, reference=0.1)
    table.loc[2, ["value", "low", "high", "reference"]] = np.nan
    return table


def shares_table() -> pd.DataFrame:
    """Invent shares that add up to 1, beside chance."""
    table = pd.DataFrame(itertools.product(NAMES, KINDS), columns=["model", "kind"])
    raw = np.random.default_rng(5).dirichlet(np.ones(len(KINDS)), len(NAMES))
    return table.assign(share=raw.ravel(), chance=np.tile([0.05, 0.3, 0.5, 0.15], len(NAMES)))


def skills_table() -> pd.DataFrame:
    """Invent skills and shares of some genes."""
    table = pd.DataFrame(itertools.product(NAMES, GENES), columns=["model", "gene"])
    rng = np.random.default_rng(6)
    return table.assign(skill=rng.uniform(0, 1, len(table)), share=rng.uniform(0, 1, len(table)))


def waterfall_table() -> pd.DataFrame:
    """Invent attributions of one sample; one model does not predict the second gene."""
    table = swarm_table(1).assign(base=2.0)
    size = np.random.default_rng(7).normal(0, 0.2, len(table))
    sums = pd.Series(size).groupby([table["model"], table["gene"]]).transform("sum")
    table = table.assign(attribution=size, prediction=2.0 + sums)
    return table[~((table["model"] == "xgbrf") & (table["gene"] == "AFP"))]


ATTRIBUTION_FIGURES: dict[str, Callable[[], plotting.Drawing]] = {
    "attribution_checks": lambda: plotting.attribution_checks(
        checks_table(), title="Checks of the attributions", labels=NAMES
    ),
    "attribution_heatmap": lambda: plotting.attribution_heatmap(effects_table()),
    "beeswarm": lambda: plotting.beeswarm(swarm_table(), gene="ALB", unit="log10(CPM+1)"),
    "mean_attribution_limits": lambda: plotting.mean_attribution(
        mean_table(), gene="ALB", unit="log10(CPM+1)", labels=NAMES
    ),
    "prior_shares": lambda: plotting.prior_shares(shares_table(), KINDS, labels=NAMES),
    "waterfalls_unpredicted": lambda: plotting.waterfalls(
        waterfall_table(), unit="log10(CPM+1)", labels=NAMES
    ),
    "skill_and_prior": lambda: plotting.skill_and_prior(skills_table(), labels=NAMES),
}
