"""Measure how the time of LEMBAS-RNN grows with its dimensions, beside what the machine allows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any, Protocol

import numpy as np
import pandas as pd
import torch
from scipy.stats import linregress

from lembas.dimensions import Size, random_network
from lembas.latency import limited_threads, time_in_turns
from lembas.model import LembasRNN, RNNConfig
from lembas.network import Network
from lembas.plotting.density import plain_number

# An exponent below this is told as none.
_HARDLY = 0.1
# Rows of the multiplied matrices, and bytes copied: more than most processors' caches hold.
_MATRIX, _COPIED_BYTES, _TRIALS = 1536, 2**27, 15


class Work(Protocol):
    """Something to compute: its additions and multiplications, and bytes that cross memory."""

    @property
    def flops(self) -> float:
        """Additions and multiplications."""

    @property
    def n_bytes(self) -> float:
        """Bytes that cross memory."""


@dataclass(frozen=True)
class Peaks:
    """Say what the machine can do at best, with the threads of this measurement.

    Attributes:
        flops_per_s: Additions and multiplications a second.
        bytes_per_s: Bytes read or written a second.
    """

    flops_per_s: float
    bytes_per_s: float

    def bound_ms(self, work: Work) -> tuple[float, str]:
        """Return the least time that some work can take, and what it is limited by."""
        arithmetic = 1e3 * work.flops / self.flops_per_s
        memory = 1e3 * work.n_bytes / self.bytes_per_s
        return (arithmetic, "arithmetic") if arithmetic > memory else (memory, "memory")


def measure_peaks(threads: int = 0, *, dtype: torch.dtype = torch.float32) -> Peaks:
    """Measure the machine: a product of matrices, and a copy larger than any cache.

    Args:
        threads: As in :func:`lembas.latency.limited_threads`.
        dtype: What the matrices hold.
    """
    with limited_threads(threads):
        square = torch.rand(_MATRIX, _MATRIX, dtype=dtype)
        product_s = _least_s(partial(torch.mm, square, square))
        # Ones: pages of zeros may all be the same page.
        source = torch.ones(_COPIED_BYTES, dtype=torch.uint8)
        copy_s = _least_s(partial(torch.empty_like(source).copy_, source))
    # A copy reads and writes every byte.
    return Peaks(2 * _MATRIX**3 / product_s, 2 * _COPIED_BYTES / copy_s)


def time_axes(
    sizes: Mapping[str, Mapping[int, Size]],
    peaks: Peaks,
    *,
    n_runs: int = 20,
    most_s: float = 0.5,
    threads: int = 0,
    seed: int = 888,
) -> pd.DataFrame:
    """Time ``LembasRNN.forward`` without gradients on random networks of given sizes.

    The sizes of an axis take turns, so each finds the processor's cache as the others left it.

    Args:
        sizes: Result of :func:`lembas.dimensions.axis_sizes`.
        peaks: What the machine can do, measured with the same threads.
        n_runs: Calls of each size that count, after a few that do not.
        most_s: Stop timing a size once its counted calls took this long.
        threads: As in :func:`lembas.latency.limited_threads`.
        seed: Seed of networks, weights and inputs.

    Returns:
        Tidy: axis, value, n_runs, median_ms, min_ms, max_ms, bound_ms, limited_by ("arithmetic"
        or "memory"), times_bound (the median over the bound).
    """
    # Samples and T do not change the network, so one serves the whole of these axes.
    drawn = lru_cache(maxsize=1)(partial(random_network, seed=seed))
    tables = []
    with limited_threads(threads):
        for axis, by_value in sizes.items():
            calls = {
                str(value): _forward(size, *drawn(replace(size, n_samples=1, n_steps=1)), seed)
                for value, size in by_value.items()
            }
            timed = time_in_turns(calls, n_warm_up=3, n_runs=n_runs, most_s=most_s)
            by_call = timed.groupby("call", sort=False)["latency_ms"]
            table = by_call.agg(n_runs="size", median_ms="median", min_ms="min", max_ms="max")
            bounds, limits = zip(*map(peaks.bound_ms, by_value.values()), strict=True)
            table.insert(0, "axis", axis)
            table.insert(1, "value", list(by_value))
            tables.append(table.assign(bound_ms=bounds, limited_by=limits))
    points = pd.concat(tables, ignore_index=True)
    return points.assign(times_bound=points["median_ms"] / points["bound_ms"])


def batch_points(summary: pd.DataFrame) -> pd.DataFrame:
    """Turn latencies of batches into points of the axis "samples", one curve a model.

    Args:
        summary: Result of :func:`lembas.latency.summarise_latency`.

    Returns:
        Tidy: axis, model, value, n_runs, median_ms, min_ms, max_ms.
    """
    points = summary.rename(columns={"batch_size": "value"}).assign(axis="samples")
    return points[["axis", "model", "value", "n_runs", "median_ms", "min_ms", "max_ms"]]


def fit_exponents(points: pd.DataFrame, *, curve: str = "axis") -> pd.DataFrame:
    r"""Fit :math:`t = c\,x^k` by least squares of the logarithms, over the upper half of the sizes.

    Small sizes are left out because a fixed cost of every call hides the growth there.

    Args:
        points: Columns axis, value (x > 0), median_ms (t > 0) and the curve's.
        curve: Column that names the curves, "axis" or "model".

    Returns:
        One row a curve: its name, exponent k, standard_error, n_points, words. Fewer than 2
        points have no exponent, fewer than 3 no error: NaN.
    """
    rows = []
    for name, group in points.sort_values("value", kind="stable").groupby(curve, sort=False):
        upper = group.tail(max((len(group) + 1) // 2, 2))
        exponent, error = np.nan, np.nan
        if len(upper) > 1:
            fit = linregress(np.log(upper["value"]), np.log(upper["median_ms"]))
            exponent, error = fit.slope, fit.stderr if len(upper) > 2 else np.nan
        words = _growth_in_words(group["axis"].iloc[0], exponent)
        rows.append((name, exponent, error, len(upper), words))
    columns = [curve, "exponent", "standard_error", "n_points", "words"]
    table = pd.DataFrame(rows, columns=columns).set_index(curve)
    return table.loc[points[curve].unique()].reset_index()


def bound_table(points: pd.DataFrame, exponents: pd.DataFrame) -> pd.DataFrame:
    """Lay out for a reader, as text, how far each axis stands above the bound at its two ends.

    Args:
        points: Result of :func:`time_axes`.
        exponents: Result of :func:`fit_exponents`.
    """
    by_axis = points.groupby("axis", sort=False)
    first, last = by_axis.first(), by_axis.last()
    fitted = exponents.set_index("axis").loc[last.index]
    shown = last[["value", "median_ms", "bound_ms", "times_bound"]].map(plain_number)
    return pd.DataFrame(
        {
            "Axis": last.index,
            "From, to": first["value"].map(plain_number) + " to " + shown["value"],
            "Exponent ± SE": [_with_error(row) for row in fitted.itertuples()],
            "Median at the end (ms)": shown["median_ms"],
            "Bound there (ms)": shown["bound_ms"],
            "Limited by": last["limited_by"],
            "Times the bound": shown["times_bound"],
            "at the start": first["times_bound"].map(plain_number),
        }
    ).reset_index(drop=True)


def _with_error(row: Any) -> str:
    """Write an exponent with its standard error, as far as there are any."""
    if np.isnan(row.exponent):
        return "not defined"
    error = "" if np.isnan(row.standard_error) else f" ± {row.standard_error:.2f}"
    return f"{row.exponent:z.2f}{error}"


def growth_sentence(exponents: pd.DataFrame) -> str:
    """Say with what the time of LEMBAS-RNN grows fastest, and with what slowest.

    Args:
        exponents: Result of :func:`fit_exponents`.
    """
    known = exponents.dropna(subset=["exponent"]).sort_values("exponent", kind="stable")
    told = [f"{row.axis} (exponent {row.exponent:z.2f})" for row in known.itertuples()]
    if not told:
        return "No growth can be told from one size an axis."
    if len(told) == 1:
        return f"The time of LEMBAS-RNN grows with {told[0]}."
    return f"The time of LEMBAS-RNN grows fastest with {told[-1]} and slowest with {told[0]}."


def bound_sentence(points: pd.DataFrame) -> str:
    """Say how far above the bound the measured times stand.

    Args:
        points: Result of :func:`time_axes`.
    """
    near, far = (points.loc[points["times_bound"].agg(end)] for end in ("idxmin", "idxmax"))
    if near.name == far.name:
        return f"Its median is {_place(near)} times the bound."
    sentence = f"Its medians are {_place(near)} to {_place(far)} times the bound."
    cached = " Below 1, the data came from the cache, which the bound does not know."
    return sentence + cached if near["times_bound"] < 1 else sentence


def _place(row: pd.Series) -> str:
    """Write a multiple of the bound and where it was measured."""
    return f"{plain_number(row['times_bound'])} ({row['axis']} = {row['value']:,})"


def _growth_in_words(axis: str, exponent: float) -> str:
    if np.isnan(exponent):
        return f"time against {axis}"
    if exponent < _HARDLY:
        return f"time hardly grows with {axis}"
    return f"time grows as {axis}^{exponent:.2f}"


def _forward(
    size: Size, network: Network, tfs: pd.Index, targets: pd.Index, seed: int
) -> Callable[[], object]:
    """Build a model of a size; return its prediction of random samples as a function."""
    model = LembasRNN(network, tfs, targets, config=RNNConfig(max_steps=size.n_steps), seed=seed)
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand((size.n_samples, size.n_tfs), generator=generator)
    return torch.no_grad()(partial(model, x))


def _least_s(call: Callable[[], object]) -> float:
    """Time a call at its best, which is what a bound is made of."""
    timed = time_in_turns({"": call}, n_warm_up=1, n_runs=_TRIALS, most_s=np.inf)
    return float(timed["latency_ms"].min()) / 1e3
