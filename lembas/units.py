"""Name the units that counts are turned into, and put a limit on their scale."""

from __future__ import annotations

from typing import Any

import numpy as np

from lembas.checks import is_number

UNITS = {"cpm": "log10(CPM+1)", "tpm": "log10(TPM+1)"}


def check_unit(unit: Any) -> None:
    """Refuse a unit that is not known.

    Raises:
        ValueError: If it is not.
    """
    if unit not in tuple(UNITS):
        raise ValueError(f"unit is {unit!r}; expected one of {', '.join(UNITS)}")


def least_log10(unit: str, min_expression: float | None) -> float | None:
    """Put the least CPM or TPM of a gene on the scale log10(x + 1).

    Args:
        unit: ``"cpm"`` or ``"tpm"``.
        min_expression: CPM or TPM, at least 0; None: no filter.

    Raises:
        ValueError: If the unit is another, or the value is negative or no number.
    """
    check_unit(unit)
    if min_expression is None:
        return None
    if not (is_number(min_expression) and min_expression >= 0):
        raise ValueError(
            f"min_expression is {min_expression!r}; expected a {unit.upper()} >= 0, or null for "
            "no filter"
        )
    return float(np.log10(min_expression + 1))
