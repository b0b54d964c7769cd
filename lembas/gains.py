"""Tell what a longer reach gains from what the network gains."""

from __future__ import annotations

import pandas as pd

from lembas.intervals import half_width
from lembas.ladder import REAL

# The model that knows a gene's own regulators alone: all others reach further.
NEAREST, REWIRED, DIFFERENCE = "masked_ridge", "rewired", "difference"
COLUMNS = ("model", "cohort", "genes", "network", "n_draws", "value", "low", "high")


def gains_over_nearest(
    value: pd.Series, resampled: pd.DataFrame, n_units: pd.Series
) -> pd.DataFrame:
    """Compare models with the one that knows a gene's own regulators alone.

    A rewired network lets a model reach as far as the real one does. So what a model gains over
    the nearest one on rewired networks too is reach, and only the rest is the network's.

    Args:
        value: Median skill, over model, variant, draw, cohort and genes.
        resampled: The same in each resample, ``(resample, ...)``, the same samples in every column.
        n_units: Units that were resampled, over cohort and genes.

    Returns:
        One row a model, cohort, set of genes and network: "real", "rewired" (mean over the draws
        that both models have) and "difference" (the first minus the second). Columns ``COLUMNS``;
        no row for a model without the nearest one beside it.
    """
    both = pd.concat([value.to_frame().T, resampled])
    rows: list[tuple[str | float, ...]] = []
    for place in value.index.droplevel(["variant", "draw"]).unique():
        apart = {variant: _apart(both, place, variant) for variant in (REAL, REWIRED)}
        means = {variant: table.mean(axis=1) for variant, table in apart.items() if table.shape[1]}
        if REAL not in means or place[0] == NEAREST:
            continue
        n_draws = {REAL: 1, REWIRED: apart[REWIRED].shape[1], DIFFERENCE: apart[REWIRED].shape[1]}
        if REWIRED in means:
            means[DIFFERENCE] = means[REAL] - means[REWIRED]
        for network, found in means.items():
            half = half_width(found.iloc[1:].to_frame(), n_units[place[1:]]).iloc[0]
            at = found.iloc[0]
            rows.append((*place, network, n_draws[network], at, at - half, at + half))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _apart(both: pd.DataFrame, place: tuple[str, ...], variant: str) -> pd.DataFrame:
    """Subtract the nearest model's skills from another's, for each draw that both have."""
    model, *where = place
    levels = ["model", "variant", "cohort", "genes"]
    own, nearest = (
        _of(both, dict(zip(levels, (name, variant, *where), strict=True)))
        for name in (model, NEAREST)
    )
    draws = own.columns.intersection(nearest.columns)
    return own[draws] - nearest[draws]


def _of(both: pd.DataFrame, keys: dict[str, str]) -> pd.DataFrame:
    """Pick the columns of some keys, named by their draw."""
    names = both.columns.to_frame(index=False)
    here = (names[list(keys)] == pd.Series(keys)).all(axis=1)
    return both.loc[:, here.to_numpy()].set_axis(names.loc[here, "draw"], axis=1)
