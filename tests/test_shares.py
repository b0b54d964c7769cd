"""Shares of a work: each item belongs to just one of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lembas.shares import Share


@given(st.integers(0, 60), st.integers(1, 12))
def test_shares_are_disjoint_whole_and_even(n_items: int, number: int) -> None:
    items = list(range(n_items))
    taken = [share.take(items) for share in Share.all(number)]
    assert sorted(item for part in taken for item in part) == items
    assert max(map(len, taken)) - min(map(len, taken)) <= 1


@given(st.integers(1, 99))
def test_a_name_is_read_back(number: int) -> None:
    for share in Share.all(number):
        assert Share.read(share.name) == share


@pytest.mark.parametrize("name", ["", "2", "2of", "two of three", "2of3 ", "-1of3"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"is no share's name; expected one such as 2of3"):
        Share.read(name)


@pytest.mark.parametrize("name", ["0of3", "4of3"])
def test_a_share_that_there_is_not_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="expected 1 to the number of shares"):
        Share.read(name)
