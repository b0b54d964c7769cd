"""Tests of what fits gene by gene have in common; kills and damage are tested with the models."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lembas.gene_fits import panel, threads

GENES = pd.Index([f"G{number:02d}" for number in range(40)])


@settings(deadline=None)
@given(seed=st.integers(0, 99), few=st.integers(1, 39), more=st.integers(1, 39))
def test_a_smaller_panel_is_part_of_a_larger_one(seed, few, more):
    few, more = sorted((few, more))
    small = panel(GENES, few, always=(), seed=seed)
    large = panel(GENES, more, always=(), seed=seed)
    assert len(small) == few
    assert set(small) <= set(large)
    assert small.tolist() == sorted(small)  # the table's order


def test_a_panel_does_not_depend_on_the_order_of_the_genes():
    mixed = GENES[np.random.default_rng(0).permutation(40)]
    assert set(panel(mixed, 7, always=(), seed=1)) == set(panel(GENES, 7, always=(), seed=1))


def test_named_genes_are_in_every_panel_and_no_panel_is_all_genes():
    named = panel(GENES, 3, always=("G39", "not_measured"), seed=1)
    assert "G39" in named
    assert len(named) in (3, 4)
    assert panel(GENES, 0, always=(), seed=1).equals(GENES)
    assert panel(GENES, 400, always=("G01",), seed=1).equals(GENES)


def test_threads_are_counted_and_checked(monkeypatch):
    monkeypatch.setattr("lembas.gene_fits.joblib.cpu_count", lambda: 4)
    assert threads(-1) == 4
    assert threads(3) == 3
    with pytest.raises(ValueError, match=r"n_jobs is 5, and 4 processor\(s\) may be used here"):
        threads(5)
