"""Numbers of the wrong kind or size are refused by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lembas.checks import check_positive, check_text, check_whole, is_number


@pytest.mark.parametrize("value", [2, 3, np.int64(2)])
def test_whole_numbers_pass(value: Any) -> None:
    check_whole("n", value, least=2)


@pytest.mark.parametrize("value", [2.0, "2", True, None])
def test_what_is_no_whole_number_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="n must be a whole number, got "):
        check_whole("n", value, least=0)


@pytest.mark.parametrize("value", [2, 0.5, np.float32(-1), np.int8(3)])
def test_numbers_are_told_from_others(value: Any) -> None:
    assert is_number(value)
    assert not any(map(is_number, (str(value), [value], True, None, float("nan"), float("inf"))))


@pytest.mark.parametrize("value", [3, None, " ", ["log10"]])
def test_what_is_no_text_is_refused(value: Any) -> None:
    check_text("unit", "log10(TPM+1)")
    with pytest.raises(ValueError, match=r"unit is .*; expected a text"):
        check_text("unit", value)


def test_too_low_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="n must be at least 2, got 1"):
        check_whole("n", 1, least=2)


@pytest.mark.parametrize("value", [1, 1e-9, np.float32(0.5)])
def test_numbers_above_0_pass(value: Any) -> None:
    check_positive("size", value)


@pytest.mark.parametrize("value", ["1", True, None, 1j])
def test_what_is_no_number_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="size must be a number, got "):
        check_positive("size", value)


@pytest.mark.parametrize("value", [0, -1.0, float("nan"), float("inf")])
def test_numbers_not_above_0_are_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="size must be a finite number above 0, got "):
        check_positive("size", value)
