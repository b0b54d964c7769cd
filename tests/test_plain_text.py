"""Texts made harmless for a terminal; for a page: tests/test_security.py."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lembas.plain_text import harmless, reason_of


@given(st.text())
def test_only_what_cannot_be_printed_is_replaced(text: str) -> None:
    made = harmless(text)
    assert len(made) == len(text)
    assert all(sign.isprintable() or sign == "\n" for sign in made)
    assert all(new in (old, "?") for old, new in zip(text, made, strict=True))


def test_control_codes_are_seen_but_not_obeyed() -> None:
    assert harmless("ALB\x1b[31m\nÄß漢") == "ALB?[31m\nÄß漢"


def test_a_librarys_reason_is_one_short_line() -> None:
    assert reason_of(ValueError("not\n  a table ")) == "not a table"
    assert reason_of(KeyError("obs")) == "obs"
    assert reason_of(MemoryError()) == "MemoryError"
    assert len(reason_of(OSError("x" * 5000))) == 200
