"""Average attributions over a cohort, with what resampling its samples leaves open."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lembas.intervals import half_width, units_of


def mean_sizes(
    values: pd.DataFrame,
    *,
    series: pd.Series | None = None,
    n_resamples: int = 1000,
    seed: int = 888,
    level: float = 0.95,
) -> pd.DataFrame:
    r"""Average the size of each TF's attributions over samples, with an interval.

    .. math:: m_t = \frac{1}{n} \sum_i |\phi_{ti}|

    Samples are resampled, or whole series where at least two are known; the limits are those of
    :class:`lembas.intervals.Draws`, cut at 0. They say what other samples of the cohort would show
    of the same fitted model, not what a model fitted to other samples would.

    Args:
        values: Attributions of one gene, ``(sample, tf)``, log10.
        series: Series of each sample; None: unknown.
        n_resamples: Resamples, >= 1.
        seed: Seed of the resampling.
        level: Part of the intervals that is to hold the mean.

    Returns:
        Over ``tf``: mean_abs_attribution, low, high; no limits from too few units.

    Raises:
        ValueError: If there is no sample, or no resample is asked for.
    """
    if values.empty or n_resamples < 1:
        raise ValueError(
            f"cannot average {len(values)} samples of {values.shape[1]} TFs and resample them "
            f"{n_resamples} times; each must be at least 1"
        )
    unit, _ = units_of(values.index, series)
    size = np.abs(values.to_numpy(float))
    n_units = int(unit.max()) + 1
    sums, n_samples = np.zeros((n_units, size.shape[1])), np.bincount(unit)
    np.add.at(sums, unit, size)
    generator = np.random.default_rng(seed)
    counts = generator.multinomial(n_units, np.full(n_units, 1 / n_units), size=n_resamples)
    draws = (counts @ sums) / (counts @ n_samples)[:, None]
    mean = pd.Series(size.mean(axis=0), index=values.columns)
    half = half_width(pd.DataFrame(draws, columns=values.columns), n_units, level=level)
    limits = {"low": (mean - half).clip(lower=0), "high": mean + half}
    return pd.DataFrame({"mean_abs_attribution": mean, **limits}).rename_axis("tf")
