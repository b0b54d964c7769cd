"""Rank values exactly, ties sharing their mean rank: row by row, or all of a large table."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numba
import numpy as np

# Values of a table that are put into buckets at once, and values a bucket shall hold: both bound
# temporary copies, and a bucket is small enough to be ranked within the processor's cache.
_VALUES_AT_ONCE = 1 << 18
_VALUES_IN_BUCKET = 1 << 17
# Bits a value is sorted by at once: their counters fit the processor's innermost cache.
_BITS = 11

T = TypeVar("T")


def centred_ranks(rows: np.ndarray) -> np.ndarray:
    """Rank the values of each row.

    Args:
        rows: Finite values in single or double precision, ``(row, value)``.

    Returns:
        Twice the rank minus its mean, the same shape: whole numbers, so that sums of their
        products are exact in double precision.
    """
    ranks = np.empty(rows.shape)
    _below_and_up_to(_sortable(rows), ranks)
    return np.subtract(ranks, rows.shape[1], out=ranks)


def sums_of_rank_products(
    a: np.ndarray, b: np.ndarray, n_jobs: int = 1
) -> tuple[float, float, float]:
    """Rank all values of each table and sum the products of the centred ranks.

    Args:
        a: Finite values in single or double precision, ``(row, column)``. Besides the tables, 12
            bytes a value are needed, in double precision 16.
        b: Finite values, the same shape.
        n_jobs: Threads; the sums do not depend on them.

    Returns:
        Sums of a b, a a and b b; the ranks are doubled.
    """
    ranks = pooled_ranks(a, n_jobs).ravel(order="F")

    def multiply(places: np.ndarray, found: np.ndarray) -> tuple[float, float, float]:
        of_a, of_b = ranks[places] - float(a.size), found - float(a.size)
        return (of_a * of_b).sum(), (of_a**2).sum(), (of_b**2).sum()

    ab, aa, bb = np.sum(_visit_ranks(b, multiply, n_jobs), axis=0)
    return float(ab), float(aa), float(bb)


def pooled_ranks(values: np.ndarray, n_jobs: int = 1) -> np.ndarray:
    """Rank all values of a table together, ties sharing their mean rank.

    Args:
        values: Finite values in single or double precision, ``(row, column)``.
        n_jobs: Threads; the ranks do not depend on them.

    Returns:
        Twice the rank less 1, the same shape: whole numbers.
    """
    ranks = np.empty(values.size, np.uint32 if values.size < 2**31 else np.uint64)

    def keep(places: np.ndarray, found: np.ndarray) -> None:
        ranks[places] = found  # places count column after column

    _visit_ranks(values, keep, n_jobs)
    return ranks.reshape(values.shape, order="F")


def by_column(values: np.ndarray, columns: slice) -> np.ndarray:
    """Cut out some columns, each into a row of its own."""
    # Copied in the table's own layout first: fewer jumps through memory.
    return np.ascontiguousarray(values[:, columns].copy(order="K").T)


def _visit_ranks(
    values: np.ndarray, visit: Callable[[np.ndarray, np.ndarray], T], n_jobs: int
) -> list[T]:
    """Rank all values, column after column, and hand them on bucket by bucket.

    Neighbouring values share a bucket and equal ones always do, so that a bucket can be ranked
    by itself. ``visit`` gets the places of its values and what ``_below_and_up_to`` says of them.
    """
    n_rows, n_columns = values.shape
    width = max(1, _VALUES_AT_ONCE // n_rows)
    starts = range(0, n_columns, width)
    bucket_of = _bucket_of_digit(values)
    n_buckets = int(bucket_of[-1]) + 1
    keys = np.empty(values.size, f"u{values.itemsize}")
    places = np.empty(values.size, np.uint32 if values.size < 2**32 else np.uint64)
    bounds = np.zeros((len(starts), n_buckets + 1), np.intp)

    def fill(block: int) -> None:
        key = _sortable(by_column(values, slice(starts[block], starts[block] + width))).ravel()
        bucket = bucket_of[_first_digit(key)]
        order = np.argsort(bucket, kind="stable")
        first = starts[block] * n_rows
        keys[first : first + key.size] = key[order]
        places[first : first + key.size] = first + order
        bounds[block, 0] = first
        bounds[block, 1:] = first + np.cumsum(np.bincount(bucket, minlength=n_buckets))

    def rank(bucket: int) -> T:
        parts = [slice(*ends) for ends in bounds[:, bucket : bucket + 2]]
        key = np.concatenate([keys[part] for part in parts])
        found = np.empty(key.size, np.int64)
        _below_and_up_to(key[None], found[None])
        found += 2 * (bounds[:, bucket] - bounds[:, 0]).sum()
        return visit(np.concatenate([places[part] for part in parts]), found)

    with ThreadPoolExecutor(n_jobs) as pool:
        list(pool.map(fill, range(len(starts))))
        return list(pool.map(rank, range(n_buckets)))


def _bucket_of_digit(values: np.ndarray) -> np.ndarray:
    """Share out the first 16 bits of sortable values among buckets of about equal size."""
    sample = np.ascontiguousarray(values[:: max(1, len(values) // 256)])
    count = np.bincount(_first_digit(_sortable(sample)).ravel(), minlength=2**16)
    below = np.cumsum(count) - count
    n_buckets = min(-(-values.size // _VALUES_IN_BUCKET), 2**16 - 1)
    return (below * n_buckets // (sample.size + 1)).astype(np.uint16)


@numba.njit(nogil=True)
def _below_and_up_to(keys: np.ndarray, counts: np.ndarray) -> None:
    """Count, for each value of a row, the smaller ones and those not larger: twice its rank less 1.

    Compiled at the first call, in half a second a number type. It takes half the time of NumPy's
    sorting, and threads do not wait for each other: scores take 0.54 of the time with two.
    """
    n = keys.shape[1]
    ordered, places = np.empty((2, n), keys.dtype), np.empty((2, n), np.uint32)
    for row in range(keys.shape[0]):
        half = _sort(keys[row], ordered, places)
        first = 0
        for end in range(1, n + 1):
            if end == n or ordered[half, end] != ordered[half, first]:
                for at in range(first, end):
                    counts[row, places[half, at]] = first + end
                first = end


@numba.njit(nogil=True)
def _sort(key: np.ndarray, ordered: np.ndarray, places: np.ndarray) -> int:
    """Sort by counting digits, the last first; return which half of the arrays holds the result."""
    half = 0
    for at in range(key.size):
        ordered[0, at], places[0, at] = key[at], at
    for shift in range(0, 8 * key.itemsize, _BITS):
        starts = np.zeros(2**_BITS + 1, np.int64)
        for at in range(key.size):
            starts[_digit(key[at], shift) + 1] += 1
        if starts.max() == key.size:
            continue  # all have the same digit, or there are none
        starts = np.cumsum(starts)
        for at in range(key.size):
            digit = _digit(ordered[half, at], shift)
            ordered[1 - half, starts[digit]] = ordered[half, at]
            places[1 - half, starts[digit]] = places[half, at]
            starts[digit] += 1
        half = 1 - half
    return half


@numba.njit(nogil=True)
def _digit(key: int, shift: int) -> np.int64:
    # numba would otherwise mix signed and unsigned numbers into floats.
    return np.int64((np.uint64(key) >> np.uint64(shift)) & np.uint64(2**_BITS - 1))


def _first_digit(key: np.ndarray) -> np.ndarray:
    return key >> (8 * key.itemsize - 16)


def _sortable(values: np.ndarray) -> np.ndarray:
    """Turn floats into whole numbers of the same order and size; equal floats stay equal."""
    signed = (values + values.dtype.type(0)).view(f"i{values.itemsize}")  # -0.0 becomes 0.0
    sign = np.iinfo(signed.dtype).min
    return (signed ^ ((signed >> (8 * values.itemsize - 1)) | sign)).view(f"u{values.itemsize}")
