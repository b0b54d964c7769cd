"""Measure what the real network is worth beside its controls, from the fits of a ladder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lembas.gains import gains_over_nearest
from lembas.intervals import half_width
from lembas.ladder import REAL, VARIANTS


@dataclass(frozen=True)
class Ladder:
    """Hold the skills of models on the real network and on its controls.

    ``draw`` numbers the networks of a variant from 0; ``genes`` is "not_inputs" or "inputs"
    (targets that are inputs too: LEMBAS-RNN sees such a gene itself, ridge models do not).
    External cohorts are centred, and their names say so.

    Attributes:
        per_gene: Tidy: model, variant, draw, cohort, genes, gene, skill.
        scores: Tidy: model, variant, draw, cohort, genes, value (median skill), low, high,
            n_genes.
        differences: Tidy: model, variant, cohort, genes, n_draws, real, control (mean over the
            draws), value (real - control), low, high, p_value. The interval resamples samples or
            series, the same for all networks; ``p_value`` is (1 + draws at least as good as the
            real network) / (1 + draws), NaN where the variant is not random.
        gains: What models of longer reach gain, as :func:`lembas.gains.gains_over_nearest` says.
        fits: One row a fit: model, variant, draw, fit_s, n_edges, moved (share of the edges).
    """

    per_gene: pd.DataFrame
    scores: pd.DataFrame
    differences: pd.DataFrame
    gains: pd.DataFrame
    fits: pd.DataFrame


def gathered(per_gene: pd.DataFrame, resampled: pd.DataFrame, fits: pd.DataFrame) -> Ladder:
    """Take medians over genes, and differences between the real network and its controls.

    Args:
        per_gene: model, variant, draw, cohort, genes, gene, skill.
        resampled: model, variant, draw, cohort, genes, resample, skill (median), n_units.
        fits: One row a fit, as :class:`Ladder` has it.
    """
    keys = ["model", "variant", "draw", "cohort", "genes"]
    skill = per_gene.groupby(keys, sort=False)["skill"]
    scores = skill.median().rename("value").to_frame()
    # A pivot_table would make a column of every combination, drawn or not.
    wide = resampled.pivot(index="resample", columns=keys, values="skill")  # noqa: PD010
    n_units = resampled.groupby(["cohort", "genes"])["n_units"].first()
    half = pd.concat([half_width(wide[[at]], n_units[at[3:]]) for at in wide])
    half = half.reindex(scores.index)
    scores["low"], scores["high"] = scores["value"] - half, scores["value"] + half
    scores["n_genes"] = skill.size()
    rows = [
        {**dict(zip(["model", "variant", "cohort", "genes"], place, strict=True)), **found}
        for place, found in _differences(scores["value"], wide, n_units)
    ]
    gains = gains_over_nearest(scores["value"], wide, n_units)
    return Ladder(per_gene, scores.reset_index(), pd.DataFrame(rows), gains, fits)


def _differences(
    value: pd.Series, resampled: pd.DataFrame, n_units: pd.Series
) -> Iterator[tuple[tuple[str, ...], dict[str, float]]]:
    """Compare the real network with the mean over the draws of each control.

    Args:
        value: Median skill, over model, variant, draw, cohort and genes.
        resampled: The same in each resample, ``(resample, ...)``.
        n_units: Units that were resampled, over cohort and genes.

    Yields:
        Model, variant, cohort and genes; and what is found there.
    """
    place = ["model", "variant", "cohort", "genes"]
    for (model, variant, cohort, genes), own in value.groupby(place, sort=False):
        if variant == REAL:
            continue
        # Of the real network there is one draw, the first.
        at = (model, REAL, 0, cohort, genes)
        apart = resampled[at] - resampled[own.index].mean(axis=1)
        half = half_width(apart.to_frame(), n_units[cohort, genes]).iloc[0]
        difference = value[at] - own.mean()
        is_random, n_draws = VARIANTS[variant].is_random, len(own)
        as_good = int((own >= value[at]).sum())
        yield (
            (model, variant, cohort, genes),
            {
                "n_draws": n_draws,
                "real": value[at],
                "control": own.mean(),
                "value": difference,
                "low": difference - half,
                "high": difference + half,
                "p_value": (1 + as_good) / (1 + n_draws) if is_random else np.nan,
            },
        )
