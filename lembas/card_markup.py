"""Write what data say into MyST Markdown, so that it is text and never mark-up."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

# CommonMark allows a backslash before each of these, and then it is the character itself.
_MARKS = re.compile(r"([!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~])")


def escaped(text: object) -> str:
    r"""Write any text as it is, on one line: a name in a table may hold mark-up.

    Example:
        >>> print(escaped("<b>ALB</b> | _AFP_"))
        \<b\>ALB\<\/b\> \| \_AFP\_
    """
    return _MARKS.sub(r"\\\1", " ".join(str(text).split()))


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Lay rows out as a Markdown table; header and cells are text, not mark-up."""
    lines = [header, ["---"] * len(header), *rows]
    cells = [
        [str(cell) if place == 1 else escaped(cell) for cell in line]
        for place, line in enumerate(lines)
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def facts(known: Mapping[str, object]) -> str:
    """Lay out what is known of one thing, a row a fact; empty facts are left out."""
    return table(["What", "Here"], [(name, fact) for name, fact in known.items() if fact != ""])


def bullets(sentences: Iterable[str]) -> str:
    """List sentences, which are text and not mark-up."""
    return "\n".join(f"- {escaped(sentence)}" for sentence in sentences)


def page(*parts: str) -> str:
    """Put the parts of a page one below the other; empty ones are left out."""
    return "\n\n".join(part.strip("\n") for part in parts if part.strip()) + "\n"
