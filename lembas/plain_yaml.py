"""Read YAML that others may have written: data only, each key once, of a size that can be shown."""

from __future__ import annotations

from typing import Any

import yaml

from lembas.plain_text import quoted

# A profile has some hundred parts; a few lines of references may stand for billions.
MOST_PARTS = 100_000
MOST_LEVELS = 50


def read_yaml(text: str) -> Any:
    """Read one YAML document.

    Args:
        text: The document.

    Returns:
        Mappings, lists, texts, numbers, dates and None.

    Raises:
        ValueError: If it is no YAML, a key stands twice in a mapping, or references to earlier
            parts make it endless, too large or too deep.
    """
    try:
        _refuse_deep(text)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is not None:
            _check(node)
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error


def _refuse_deep(text: str) -> None:
    """Go through a document's beginnings and ends: each level costs the parser more."""
    level = 0
    # Written in C where PyYAML was built with it: the other takes seconds to open 3,000 brackets.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for event in yaml.parse(text, Loader=loader):
        level += isinstance(event, yaml.CollectionStartEvent)
        level -= isinstance(event, yaml.CollectionEndEvent)
        if level > MOST_LEVELS:
            line = event.start_mark.line + 1
            raise ValueError(f"it is nested deeper than {MOST_LEVELS} levels (line {line})")


def _check(root: yaml.Node) -> None:
    """Measure a document, the parts that are referred to as often as they are."""
    # Parts and levels of each node.
    known: dict[int, tuple[int, int]] = {}

    def measured(node: yaml.Node, above: tuple[int, ...]) -> tuple[int, int]:
        if id(node) in above:
            raise ValueError(f"a part of it refers to itself{_place(node)}")
        if id(node) not in known:
            inside = [measured(part, (*above, id(node))) for part in _parts(node)]
            n_parts = 1 + sum(parts for parts, _ in inside)
            n_levels = 1 + max((levels for _, levels in inside), default=0)
            if n_parts > MOST_PARTS:
                raise ValueError(f"its references make more than {MOST_PARTS:,} parts")
            if n_levels > MOST_LEVELS + 1:
                raise ValueError(f"its references nest it too deep{_place(node)}")
            known[id(node)] = (n_parts, n_levels)
        return known[id(node)]

    measured(root, ())


def _parts(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.SequenceNode):
        return list(node.value)
    if not isinstance(node, yaml.MappingNode):
        return []
    seen: set[tuple[str, str]] = set()
    for key, _ in node.value:
        name = (key.tag, str(key.value))
        if isinstance(key, yaml.ScalarNode) and name in seen:
            raise ValueError(f"it names {quoted(key.value)} twice{_place(key)}")
        seen.add(name)
    return [part for pair in node.value for part in pair]


def _place(node: yaml.Node) -> str:
    return f" (line {node.start_mark.line + 1})"
