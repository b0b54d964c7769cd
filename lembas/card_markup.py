"""Write what data say into MyST Markdown, so that it is text and never mark-up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from lembas.plain_text import as_markdown


def shown(value: object) -> str:
    """Write a setting in a reader's words: mappings and lists without their brackets.

    Example:
        >>> shown({"noise": [0.5, 1], "dtype": None})
        'noise 0.5, 1, dtype not set'
    """
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {shown(part)}" for key, part in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "not set" if value is None else str(value)


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Lay rows out as a Markdown table; header and cells are text, not mark-up."""
    first, *others = ([as_markdown(str(cell)) for cell in line] for line in (header, *rows))
    lines = [first, ["---"] * len(first), *others]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def facts(known: Mapping[str, object]) -> str:
    """Lay out what is known of one thing, a row a fact; empty facts are left out."""
    return table(["What", "Here"], [(name, fact) for name, fact in known.items() if fact != ""])


def bullets(sentences: Iterable[str]) -> str:
    """List sentences, which are text and not mark-up."""
    return "\n".join(f"- {as_markdown(sentence)}" for sentence in sentences)


def page(*parts: str) -> str:
    """Put the parts of a page one below the other; empty ones are left out."""
    return "\n\n".join(part.strip("\n") for part in parts if part.strip()) + "\n"
