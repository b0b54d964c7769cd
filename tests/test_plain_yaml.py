"""YAML from others: data only, each key once, nothing endless."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from lembas.plain_yaml import MOST_LEVELS, MOST_PARTS, read_yaml

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
trees = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
)


@settings(max_examples=40, deadline=None)
@given(trees)
def test_what_was_written_is_read(tree: object) -> None:
    # Escaped: PyYAML writes U+0085 and its like bare, and folds them on reading.
    assert read_yaml(yaml.safe_dump(tree)) == tree


def test_references_are_understood() -> None:
    assert read_yaml("a: &x [1, 2]\nb: *x\n") == {"a": [1, 2], "b": [1, 2]}
    assert read_yaml("") is None


def laughs(n_levels: int) -> str:
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, n_levels)]
    return "\n".join(lines)


CHAIN = "\n".join(f"a{i}: &a{i} [*a{i - 1}]" for i in range(1, 120))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &x [*x]", "a part of it refers to itself"),
        ("&x {a: *x}", "a part of it refers to itself"),
        (laughs(9), f"its references make more than {MOST_PARTS:,} parts"),
        ("[" * 60 + "]" * 60, f"it is nested deeper than {MOST_LEVELS} levels"),
        ("[" * 3000 + "]" * 3000, f"it is nested deeper than {MOST_LEVELS} levels"),
        (f"a0: &a0 [1]\n{CHAIN}", "its references nest it too deep"),
        ("a: 1\nb: 2\na: 3\n", "it names 'a' twice \\(line 3\\)"),
        ("a: {b: 1, b: 2}", "it names 'b' twice \\(line 1\\)"),
        ("a: [", "expected (the )?node content"),
        ("!!python/object/apply:os.system [ls]", "could not determine a constructor"),
        ("a: 2024-99-99", "month must be in 1..12"),
        ("1" * 5000, "Exceeds the limit"),
        ("a\x00b", "(special|control) characters are not allowed"),
    ],
)
def test_what_is_no_plain_data_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_yaml(text)
