"""Say how far two computations of one number may lie apart: one rule a kind of number."""

from __future__ import annotations

import math
import re
from ast import literal_eval
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Tolerance:
    """How far apart two values of one kind may lie: ``absolute + relative * |value|``.

    Attributes:
        absolute: In the number's own unit.
        relative: Part of the number.
        reason: Why so much.
    """

    absolute: float
    relative: float
    reason: str

    def holds(self, one: float, other: float) -> bool:
        """Say whether two numbers are the same within it; NaN is the same as NaN."""
        if math.isnan(one) or math.isnan(other):
            return math.isnan(one) and math.isnan(other)
        if one == other:
            return True
        return abs(one - other) <= self.absolute + self.relative * max(abs(one), abs(other))


EXACT = Tolerance(0.0, 0.0, "the same operations in the same order give the same bits")
# Across machines; on one machine, with the same versions and threads, everything is exact.
TOLERANCES: Mapping[str, Tolerance] = {
    "count": Tolerance(0.0, 0.0, "counts, names, seeds and verdicts are not rounded"),
    "number": Tolerance(
        1e-9,
        1e-6,
        "double precision; sums in another order, by other vector instructions, differ in the last "
        "digits, and a solver passes them on",
    ),
    "single": Tolerance(1e-5, 1e-4, "single precision: predictions are kept with seven digits"),
    "trained": Tolerance(
        0.05,
        0.05,
        "hundreds of steps of gradient descent in single precision: rounding grows, and the epoch "
        "that is kept may be another one",
    ),
}
# Models that are trained step by step, by the start of their names.
TRAINED_MODELS = ("lembas", "mlp")
# Ends of the names of columns that hold times, memory and the like: they are told, not compared.
MEASURED = re.compile(r"(^|_)(s|ms|us|mb|mib|gib|g?flops|started|seconds|times_bound|limited_by)$")
# Tables in which every number is a time, a size in memory, or derived from them.
MEASURED_TABLES = ("latency", "latency_runs", "memory", "scaling", "scaling_models", "machine")
_NUMBER = re.compile(r"[-+\u2212]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?", re.IGNORECASE)


def is_measured(table: str, column: str = "") -> bool:
    """Say whether a column holds times or facts of the machine, which differ from run to run."""
    return table in MEASURED_TABLES or bool(MEASURED.search(column))


def is_trained(model: object) -> bool:
    """Say whether a model's name is that of one trained step by step."""
    return str(model).startswith(TRAINED_MODELS)


def same_text(one: str, other: str) -> bool:
    """Say whether two glued values agree: words alike, numbers within the rounding that is shown.

    A number that is shown with two decimals may differ by 0.01: it was rounded after it was
    computed. One that is shown in full, ``repr`` of a float, may differ as ``TOLERANCES`` say.

    Example:
        >>> same_text("a skill of 0.42 (3 genes)", "a skill of 0.43 (3 genes)")
        True
        >>> same_text("a skill of 0.42 (3 genes)", "a skill of 0.42 (4 genes)")
        False
    """
    whole = [_as_float(text) for text in (one, other)]
    if whole[0] is not None and whole[1] is not None:
        return TOLERANCES["number"].holds(whole[0], whole[1])
    if _NUMBER.sub("#", one) != _NUMBER.sub("#", other):
        return False
    pairs = zip(_NUMBER.findall(one), _NUMBER.findall(other), strict=True)
    return all(_same_shown(*pair) for pair in pairs)


def _as_float(text: str) -> float | None:
    """Read a glued float; None for a text, and for a whole number, which is a count."""
    try:
        value: Any = literal_eval(text)
    except (ValueError, SyntaxError):
        return {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}.get(text)
    return value if isinstance(value, float) else None


def _same_shown(one: str, other: str) -> bool:
    decimals = [len(text.partition(".")[2]) for text in (one, other)]
    if one == other or decimals[0] != decimals[1] or "e" in one.lower():
        return one == other
    if not decimals[0]:
        return False
    values = [float(text.replace(",", "").replace("\u2212", "-")) for text in (one, other)]
    return abs(values[0] - values[1]) <= 1.01 * 10.0 ** -decimals[0]
