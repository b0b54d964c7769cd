"""Inputs that hypothesis makes: tables, networks, JSON, YAML, parameters."""

from __future__ import annotations

import json
from typing import Any

import yaml
from hypothesis import strategies as st

from tests.fuzz.mutations import ODD_TEXTS

_words = st.one_of(
    st.sampled_from(ODD_TEXTS),
    st.text(max_size=8),
    st.integers().map(str),
    st.floats().map(str),
    st.sampled_from(["TF1", "G1", "GSM1", "GSM2", "s1", "s2", "1", "-1", "0.5"]),
)


@st.composite
def tables(draw: st.DrawFn, columns: tuple[str, ...] = ()) -> bytes:
    """Draw delimited text: mostly straight, its cells of any kind."""
    mark = draw(st.sampled_from("\t\t\t,;"))
    own = list(columns) if columns and draw(st.booleans()) else []
    header = own + draw(st.lists(_words, max_size=4))
    n_fields = max(1, len(header) + draw(st.sampled_from([0, 0, 0, 1, -1])))
    row = st.lists(_words, min_size=n_fields, max_size=n_fields)
    rows = draw(st.lists(row, max_size=6))
    ending = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    text = ending.join(mark.join(cells) for cells in [header, *rows])
    return text.encode("utf-8", "surrogatepass")


_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=10),
    st.sampled_from(ODD_TEXTS),
)
trees = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_words, inner, max_size=4),
    max_leaves=12,
)


def json_texts(*keys: str) -> st.SearchStrategy[bytes]:
    """Draw JSON whose outermost keys are mostly those expected."""
    named = st.dictionaries(st.sampled_from(keys or ("a",)) | _words, trees, max_size=8)
    return st.one_of(named, trees).map(lambda tree: json.dumps(tree).encode())


def yaml_texts(*keys: str) -> st.SearchStrategy[bytes]:
    """Draw YAML whose outermost keys are mostly those expected, or any text at all."""
    named = st.dictionaries(st.sampled_from(keys or ("a",)), trees, max_size=8)
    whole = st.one_of(named, trees).map(_as_yaml)
    return st.one_of(whole, st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace")))


def _as_yaml(tree: Any) -> bytes:
    text = yaml.safe_dump(tree, allow_unicode=True, sort_keys=False)
    return text.encode("utf-8", "surrogatepass")


parameter_texts = st.one_of(
    st.text(max_size=40),
    st.tuples(st.sampled_from(["seed", "models", "n_draws", "data_dir", "x"]), _words).map(
        lambda pair: f"{pair[0]}={pair[1]}"
    ),
    trees.map(lambda tree: "options=" + yaml.safe_dump(tree, default_flow_style=True)),
).map(lambda text: text.encode("utf-8", "replace"))
