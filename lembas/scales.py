r"""Recognise the scale of expression values, by stated rules and with the evidence.

Of each sample (row) are known its least and largest value, its sum, how many of its values other
than 0 are whole numbers, and what it sums to when a logarithm is undone, such as
:math:`\sum_g (10^{x_g} - 1)`: a million for log10(CPM + 1) and log10(TPM + 1) of all genes, less
for a part of them. The rules, in this order:

1. A negative value: centred.
2. Whole numbers only, 20 at least or one above 30; or half of them whole and one above 30: counts.
3. A value above 30, more than any logarithm: linear when the sample sums to a million within 2 %;
   else it may be expected counts, FPKM, or a part of the genes.
4. Else logarithms. Log10 when as log10 the sample sums to 1e4 to 1e7. Log2 when as log2 it sums
   to a million within 5 %; or when as log10 it sums to more than 1e7 and has a value above 7.5.
   Natural logarithms when as those every sample sums to a million, or to 1e4, within .5 %. What
   is none of these is not told.

A table whose samples are of one kind is of that kind. Samples that differ in whether they are
counts, linear or logarithms, or log10 and beyond it, make it "mixed"; what the rules do not tell
makes it "unclear".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from lembas.formats import counted, listed

KINDS = ("counts", "log10", "log2", "linear", "centred", "mixed", "unclear")
EXPECTED = {"counts": "raw counts", "log10": "log10(CPM + 1) or log10(TPM + 1)"}
MILLION = 1e6
LARGEST_LOG = 30.0  # 2^30 is a thousand million
LARGEST_LOG10 = 7.5
FEWEST_WHOLE = 20
MOST_AS_LOG10, LEAST_AS_LOG10 = 1e7, 1e4
# Values rounded to two decimals move the sum of undone logarithms by less than this.
_ROUNDED = 0.05
_ROWS_AT_ONCE = 512
# Kinds of samples by how their values compare: raw sizes, or logarithms of them.
_SIZES, _LOGS = ("counts", "linear", "large"), ("log10", "log2", "ln", "beyond", "faint")


@dataclass(frozen=True)
class ScaleReport:
    """Say what scale a table's values are on, and why.

    Attributes:
        kind: One of :data:`KINDS`.
        evidence: Sentences with the numbers that tell.
        may_be: Which of "counts" and "log10" (of CPM or TPM) the table may be taken for: numbers
            of a small or faint table, which is "unclear", may rule out neither.
    """

    kind: str
    evidence: tuple[str, ...]
    may_be: frozenset[str]


class _Rows(NamedTuple):
    """Hold what is known of each sample, arrays ``(sample,)``."""

    least: np.ndarray
    largest: np.ndarray
    total: np.ndarray
    whole: np.ndarray
    n_nonzero: np.ndarray
    as_log10: np.ndarray
    as_log2: np.ndarray
    as_ln: np.ndarray


def diagnose_scale(table: pd.DataFrame) -> ScaleReport:
    """Recognise the scale of a table's values; the rules stand at the head of this module.

    Args:
        table: Expression, shape ``(sample, gene)``, numbers; missing ones count as 0.

    Example:
        >>> report = diagnose_scale(pd.DataFrame({"ALB": [4.1, -0.3], "AFP": [0.0, 1.0]}))
        >>> report.kind, report.evidence
        ('centred', ('1 of 2 samples has negative values; the least is -0.3.',))
    """
    rows = _measured(table)
    kinds = _kinds_of_samples(rows)
    kind, may_be = _kind_of_table(set(kinds), rows)
    return ScaleReport(kind, tuple(_evidence(kind, kinds, rows, table.index)), frozenset(may_be))


def check_scales(tables: Mapping[str, pd.DataFrame], expected: str) -> None:
    """Refuse tables whose values are on another scale than the source expects.

    Args:
        tables: Expression by where it comes from, each ``(sample, gene)``.
        expected: "counts" or "log10".

    Raises:
        ValueError: If the numbers of a table rule out the scale; the message gives them.
    """
    reports = {origin: diagnose_scale(table) for origin, table in tables.items()}
    wrong = [origin for origin, report in reports.items() if expected not in report.may_be]
    if not wrong:
        return
    first = reports[wrong[0]]
    right = [origin for origin in reports if origin not in wrong]
    others = f" Also refused: {listed(wrong[1:])}." if len(wrong) > 1 else ""
    others += f" On the expected scale: {listed(right)}." if right else ""
    raise ValueError(
        f"{wrong[0]} {_FOUND[first.kind]}, where {EXPECTED[expected]} are expected. "
        f"{' '.join(first.evidence)}{others} {_remedy(first.kind, expected)}; or, if you know "
        "better, set check_scale to false"
    )


_FOUND = {
    "counts": "holds counts",
    "log10": "holds log10 values",
    "log2": "holds log2 values",
    "linear": "holds values that sum to a million (CPM or TPM)",
    "centred": "holds negative values, as centred data do",
    "mixed": "mixes samples on different scales",
    "unclear": "holds values of an unknown scale",
}


def _remedy(kind: str, expected: str) -> str:
    """Say how to mend a table that is on another scale."""
    if kind == "mixed":
        return "Bring all samples to one scale, or read them from files of their own"
    if expected == "counts":
        logs = "Take raw counts, or, if these are log10(x + 1) of CPM or TPM, the source tables"
        return logs if kind != "linear" else "Take raw counts, or log10(x + 1) and source tables"
    return {
        "counts": "Read raw counts through the source counts",
        "linear": "Take log10(x + 1) first",
        "log2": "Multiply log2(x + 1) by log10(2) = 0.30103 first, if x is CPM or TPM",
        "centred": "Take values before centring or scaling",
    }.get(kind, "Take log10(x + 1) of CPM or TPM")


def _measured(table: pd.DataFrame) -> _Rows:
    """Measure each sample, a block of rows at a time: a wide table is not copied."""
    parts = []
    values = table.to_numpy()
    for first in range(0, len(values), _ROWS_AT_ONCE):
        block = np.nan_to_num(values[first : first + _ROWS_AT_ONCE].astype(np.float64))
        is_zero = block == 0
        n_nonzero = block.shape[1] - is_zero.sum(axis=1)
        n_whole = ((block == np.floor(block)) & ~is_zero).sum(axis=1)
        # Above any logarithm nothing is undone: it would overflow.
        logs = np.where((block.max(axis=1) <= LARGEST_LOG)[:, None], block, 0.0)
        undone = [np.expm1(logs * np.log(base)).sum(axis=1) for base in (10, 2, np.e)]
        whole = n_whole / np.maximum(n_nonzero, 1)
        ends = block.min(axis=1), block.max(axis=1), block.sum(axis=1)
        parts.append((*ends, whole, n_nonzero, *undone))
    return _Rows(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _kinds_of_samples(rows: _Rows) -> np.ndarray:
    """Give each sample its kind: those of the rules, "large", "beyond" log10, "faint", "few"."""
    is_large = rows.largest > LARGEST_LOG
    is_whole = (rows.whole == 1) & (rows.n_nonzero >= FEWEST_WHOLE)
    sums_to_million = _is_near(rows.total, MILLION, 0.02)
    by_log10 = np.select(
        [rows.as_log10 > MOST_AS_LOG10, rows.as_log10 >= LEAST_AS_LOG10],
        ["beyond", "log10"],
        "faint",
    )
    is_ln = _is_near(rows.as_ln, MILLION, 0.005) | _is_near(rows.as_ln, MILLION / 100, 0.005)
    rules = [
        ("centred", rows.least < 0),
        ("few", rows.n_nonzero == 0),
        ("counts", is_whole | (is_large & (rows.whole >= 0.5))),
        ("linear", is_large & sums_to_million),
        ("large", is_large),
        # A few whole numbers may be anything.
        ("few", rows.whole == 1),
        ("log10", _is_near(rows.as_log10, MILLION, _ROUNDED)),
        ("log2", _is_near(rows.as_log2, MILLION, _ROUNDED)),
        ("ln", is_ln & is_ln.all()),
    ]
    kinds = np.select([rule for _, rule in rules], [name for name, _ in rules], by_log10)
    return kinds.astype(object)


def _is_near(values: np.ndarray, wanted: float, within: float) -> np.ndarray:
    return np.abs(values / wanted - 1) <= within


def _kind_of_table(found: set[str], rows: _Rows) -> tuple[str, set[str]]:
    """Judge a table by the kinds of its samples; say also what it may be taken for."""
    sizes, logs = found.intersection(_SIZES), found.intersection(_LOGS)
    is_counted = (rows.whole == 1) & (rows.largest > LARGEST_LOG)
    if sizes and (logs or "centred" in found):
        return "mixed", set()
    if "centred" in found:
        return "centred", set()
    if {"counts", "linear"} <= sizes or ("large" in sizes and is_counted.any()):
        return "mixed", set()
    if sizes:
        if "counts" in sizes:
            return "counts", {"counts"}
        return ("linear", set()) if sizes == {"linear"} else ("unclear", {"counts"})
    if "log10" in logs:
        return ("mixed", set()) if logs & {"log2", "beyond"} else ("log10", {"log10"})
    if logs & {"log2", "beyond"}:
        is_log2 = "log2" in logs or np.median(rows.largest) > LARGEST_LOG10
        return ("log2" if is_log2 else "unclear"), set()
    return "unclear", {"ln": set(), "faint": {"log10"}}.get("".join(logs), {"counts", "log10"})


def _evidence(kind: str, kinds: np.ndarray, rows: _Rows, samples: pd.Index) -> list[str]:
    """Tell in sentences, with numbers, what a kind was told from."""
    if kind == "mixed":
        return [
            f"{counted(int((kinds == part).sum()), 'sample')} ({listed(samples[kinds == part])}) "
            f"{_words(part, kinds, rows)}."
            for part in dict.fromkeys(kinds)
            if part != "few"
        ]
    n, is_negative = len(kinds), rows.least < 0
    if kind == "centred":
        n_negative = int(is_negative.sum())
        verb = "has" if n_negative == 1 else "have"
        least = f"the least is {rows.least.min():.4g}"
        return [f"{n_negative:,} of {counted(n, 'sample')} {verb} negative values; {least}."]
    parts = [part for part in dict.fromkeys(kinds) if part != "few"]
    if not parts:
        return ["Too few values other than 0 to tell."]
    looked_at = f"of {counted(n, 'sample')} looked at"
    return [
        f"{int((kinds == part).sum()):,} {looked_at}: {_words(part, kinds, rows)}."
        for part in parts
    ]


def _words(part: str, kinds: np.ndarray, rows: _Rows) -> str:
    """Describe the samples of one kind."""
    chosen = kinds == part
    largest, total = rows.largest[chosen].max(), np.median(rows.total[chosen])
    values = f"values up to {largest:,.4g}"
    whole = f"{100 * np.median(rows.whole[chosen]):.0f} % of those other than 0 whole"
    as_log10, as_log2 = np.median(rows.as_log10[chosen]), np.median(rows.as_log2[chosen])
    as_ln = np.median(rows.as_ln[chosen])
    beyond = f"{values}; as log10 they sum to {as_log10:,.3g}, where CPM and TPM sum to a million"
    return {
        "counts": f"{values}, {whole}, that sum to {total:,.4g} (median)",
        "linear": f"{values}, {whole}, that sum to {total:,.7g}, as CPM and TPM do",
        "large": f"{values}, {whole}, that sum to {total:,.4g} (median): too large for logarithms",
        "centred": f"negative values, down to {rows.least[chosen].min():.4g}",
        "log10": f"{values}; as log10 they sum to {as_log10:,.3g}, a million or a part of it",
        "log2": f"{beyond}, as log2 to {as_log2:,.3g}",
        "ln": f"{values}; as natural logarithms they sum to {as_ln:,.5g}",
        "beyond": f"{beyond}, as log2 to {as_log2:,.3g}",
        "faint": f"{values}; as log10 they sum to {as_log10:,.3g} only: too few or too faint "
        "genes to tell the logarithm's base",
    }[part]
