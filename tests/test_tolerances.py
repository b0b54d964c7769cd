"""How far two computations of one number may lie apart."""

import math
from pathlib import Path

import pytest

from lembas.tolerances import EXACT, TOLERANCES, is_measured, is_trained, same_text

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("3", "3", True),
        ("3", "4", False),  # a count is exact
        ("0.1234567", "0.1234567000001", True),
        ("0.1234567", "0.1234667", False),
        ("1e-05", "1.0000000001e-05", True),
        ("nan", "nan", True),
        ("nan", "0.0", False),
        ("Ridge 0.42, 1,234 genes", "Ridge 0.43, 1,234 genes", True),
        ("Ridge 0.42, 1,234 genes", "Ridge 0.44, 1,234 genes", False),
        ("Ridge 0.42, 1,234 genes", "Ridge 0.42, 1,235 genes", False),
        ("Ridge 0.42", "Lasso 0.42", False),
        ("Ridge 0.42", "Ridge 0.423", False),
        ("better by \u22120.10", "better by \u22120.11", True),
        ("p = 2e-05", "p = 3e-05", False),
        ("one", "one two", False),
    ],
)
def test_texts_agree_but_for_the_last_digit_shown(one: str, other: str, same: bool) -> None:
    assert same_text(one, other) is same
    assert same_text(other, one) is same


def test_tolerances_hold_both_ways_and_know_nan() -> None:
    for tolerance in (EXACT, *TOLERANCES.values()):
        assert tolerance.reason
        assert tolerance.holds(1.5, 1.5)
        assert tolerance.holds(math.nan, math.nan)
        assert not tolerance.holds(math.nan, 1.0)
        assert not tolerance.holds(1.0, 2.0)
        assert tolerance.holds(1e6, 1e6 + 1) is tolerance.holds(1e6 + 1, 1e6)
    assert not EXACT.holds(1.0, 1.0 + 1e-15)


def test_the_book_tells_the_tolerances() -> None:
    text = (ROOT / "book" / "reproducibility.md").read_text()
    for kind, each in TOLERANCES.items():
        row = f"| {kind} | {each.absolute:g} | {each.relative:g} | {each.reason} |"
        assert row in text, f"book/reproducibility.md lacks: {row}"


def test_times_and_the_machine_are_told_from_results() -> None:
    for name in ("fit_s", "latency_ms", "peak_mib", "size_mb", "gflops", "flops_per_s", "seconds"):
        assert is_measured("models", name) is True, name
    for name in ("value", "model", "n_genes", "skill.test.lembas", "bias", "mses", "samples"):
        assert is_measured("scores", name) is False, name
    assert is_measured("latency")
    assert is_trained("lembas_ensemble")
    assert not is_trained("masked_ridge")
