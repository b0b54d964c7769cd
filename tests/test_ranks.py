"""Tests of the ranks: SciPy's rankdata is the oracle."""

from __future__ import annotations

from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.stats import rankdata

from lembas import ranks
from lembas.ranks import by_column, centred_ranks, pooled_ranks, sums_of_rank_products

# Ties, both zeros, neighbours, and the ends of what a number can be.
SPECIAL = [0.0, -0.0, 1.0, 1.0000001, -1.0, 0.1, 1e-45, -1e-45, 3e38, -3e38]
KINDS = [np.float32, np.float64]


def doubled(values: np.ndarray) -> np.ndarray:
    """Twice the rank minus its mean, along rows."""
    return 2 * rankdata(values, axis=1) - (values.shape[1] + 1)


def expected_sums(a: np.ndarray, b: np.ndarray) -> list[float]:
    x, y = doubled(a.reshape(1, -1)), doubled(b.reshape(1, -1))
    return [float((x * y).sum()), float((x * x).sum()), float((y * y).sum())]


def tables(kind: type, n_rows: int = 60, n_columns: int = 37) -> tuple[np.ndarray, np.ndarray]:
    """Draw two tables: one with many ties, and one that follows it."""
    rng = np.random.default_rng(0)
    a = np.round(rng.gamma(1, 1, (n_rows, n_columns)), 1)
    a[:, ::5] = 0
    return a.astype(kind), (a + rng.normal(size=a.shape)).astype(kind)


values = st.sampled_from(SPECIAL) | st.floats(-5, 5, width=32)
shapes = arrays.array_shapes(min_dims=2, max_dims=2, max_side=12)


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None)
@given(rows=arrays.arrays(np.float64, shapes, elements=values))
def test_ranks_are_those_of_scipy(kind, rows):
    rows = rows.astype(kind)
    np.testing.assert_array_equal(centred_ranks(rows), doubled(rows))


@pytest.mark.parametrize("kind", KINDS)
def test_ranks_of_long_rows_are_those_of_scipy(kind):
    rows = np.random.default_rng(0).normal(size=(3, 70_000)).astype(kind)
    rows[1] = np.round(rows[1], 2)
    np.testing.assert_array_equal(centred_ranks(rows), doubled(rows))


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None)
@given(
    a=arrays.arrays(np.float64, (5, 7), elements=values),
    b=arrays.arrays(np.float64, (5, 7), elements=values),
    in_bucket=st.integers(1, 40),
    at_once=st.integers(1, 40),
    n_jobs=st.integers(1, 3),
)
def test_sums_are_those_of_scipys_ranks(kind, a, b, in_bucket, at_once, n_jobs):
    a, b = a.astype(kind), b.astype(kind)
    with (
        mock.patch.object(ranks, "_VALUES_IN_BUCKET", in_bucket),
        mock.patch.object(ranks, "_VALUES_AT_ONCE", at_once),
    ):
        assert sums_of_rank_products(a, b, n_jobs) == tuple(expected_sums(a, b))


def test_a_table_with_one_value_only_has_ranks_that_do_not_vary():
    same, other = np.full((40, 30), 0.1, np.float32), tables(np.float32, 40, 30)[1]
    with mock.patch.object(ranks, "_VALUES_IN_BUCKET", 7):
        ab, aa, bb = sums_of_rank_products(same, other)
        assert (pooled_ranks(same) == same.size).all()
    assert ab == aa == 0
    assert bb > 0


@pytest.mark.parametrize("kind", KINDS)
def test_pooled_ranks_have_the_shape_of_the_table(kind):
    for table in tables(kind):
        expected = 2 * rankdata(table).reshape(table.shape) - 1
        for layout in ("C", "F"):
            np.testing.assert_array_equal(pooled_ranks(np.array(table, order=layout)), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_sums_do_not_depend_on_threads_layout_and_kind_of_the_other_table(kind):
    a, b = tables(kind)
    with mock.patch.object(ranks, "_VALUES_IN_BUCKET", 100):
        found = sums_of_rank_products(a, b)
        np.testing.assert_allclose(found, expected_sums(a, b), rtol=1e-14)
        assert sums_of_rank_products(a, b, 3) == found
        assert sums_of_rank_products(np.asfortranarray(a), b) == found
        mixed = sums_of_rank_products(a.astype(np.float32), b.astype(np.float32).astype(float))
        assert mixed == pytest.approx(sums_of_rank_products(*tables(np.float32)), rel=1e-14)


def test_columns_are_cut_out_into_rows():
    table = np.arange(12.0).reshape(3, 4)
    for layout in ("C", "F"):
        cut = by_column(np.array(table, order=layout), slice(1, 3))
        assert cut.flags.c_contiguous
        np.testing.assert_array_equal(cut, [[1, 5, 9], [2, 6, 10]])
