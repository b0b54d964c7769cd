"""Check single settings: what kind of number they are, and how large."""

from __future__ import annotations

import math
import numbers
from typing import Any

import numpy as np

from lembas.plain_text import quoted


def is_number(value: Any) -> bool:
    """Say whether a value is a finite number; True and False are none."""
    is_real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return is_real and math.isfinite(value)


def is_whole(value: Any) -> bool:
    """Say whether a value is a whole number; True and False are none."""
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def check_text(name: str, value: Any) -> None:
    """Refuse anything but a text that is not blank.

    Args:
        name: How a message calls the value.
        value: The value.

    Raises:
        ValueError: If it is something else.
    """
    if not isinstance(value, str) or not value.strip():
        raise ValueError(
            f"{name} is {quoted(value)}; expected a text, in quotation marks if a number"
        )


def check_whole(name: str, value: Any, *, least: int) -> None:
    """Refuse anything but a whole number of at least ``least``.

    Args:
        name: How a message calls the value.
        value: The value; True and False are no numbers.
        least: The lowest value allowed.

    Raises:
        TypeError: If it is no whole number.
        ValueError: If it is too low.
    """
    if not is_whole(value):
        raise TypeError(f"{name} must be a whole number, got {quoted(value)}")
    if int(value) < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")


def check_positive(name: str, value: Any) -> None:
    """Refuse anything but a finite number above 0.

    Args:
        name: How a message calls the value.
        value: The value; True and False are no numbers.

    Raises:
        TypeError: If it is no number.
        ValueError: If it is 0, below 0 or not finite.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, got {quoted(value)}")
    if not (float(value) > 0 and math.isfinite(value)):
        raise ValueError(f"{name} must be a finite number above 0, got {value}")


def check_single(**numbers: float) -> None:
    """Refuse numbers that single precision takes for infinite.

    Raises:
        ValueError: If one is too large.
    """
    largest = float(np.finfo(np.float32).max)
    for name, number in numbers.items():
        if abs(number) > largest:
            raise ValueError(f"{name} is too large; expected at most {largest:.1e} in size")
