"""Make texts from elsewhere harmless where they are shown: a terminal, a page of the book."""

from __future__ import annotations

import re
from collections.abc import Iterable

# What begins something else than text in MyST's Markdown: wherever it stands, or in the beginning.
_INSIDE = r"[\\`*{}\[\]<>$&~^|!#]|(?<![^\W_])_|_(?![^\W_])"
_FIRST = r"^[=:%(]|^[-+](?=[-+\s]|$)|^\d+[.)](?=\s|$)"
_MARK_UP = re.compile(f"{_FIRST}|{_INSIDE}")
# Letters that a message repeats: of a library's own message, and of a name or value.
_MOST_LETTERS = 200
_MOST_OF_A_NAME = 120


def harmless(text: str) -> str:
    r"""Replace what is not printable, such as a terminal's control codes in a gene's name.

    Example:
        >>> harmless("ALB\x1b[31m")
        'ALB?[31m'
    """
    return "".join(sign if sign.isprintable() or sign == "\n" else "?" for sign in text)


def reason_of(error: BaseException) -> str:
    """Give a library's reason on one line, cut short; the kind of error where it gives none.

    Example:
        >>> reason_of(KeyError("X")), reason_of(EOFError())
        ('X', 'EOFError')
    """
    # A KeyError shows its text in quotation marks, a fault of a notebook a page of schema.
    key = error.args[0] if isinstance(error, KeyError) and error.args else None
    said = getattr(error, "message", None) or key or error
    return " ".join(str(said).split())[:_MOST_LETTERS] or type(error).__name__


def short(text: str) -> str:
    """Cut a name that would hide the rest of a message.

    Example:
        >>> len(short("A" * 5000))
        120
    """
    return text if len(text) <= _MOST_OF_A_NAME else f"{text[: _MOST_OF_A_NAME - 3]}..."


def quoted(value: object) -> str:
    """Show a value as Python writes it, cut where it would hide the rest of a message.

    Example:
        >>> quoted("ALB"), quoted(["a"])
        ("'ALB'", "['a']")
    """
    return short(repr(value))


def enumerated(parts: Iterable[str]) -> str:
    """Write parts of a sentence one after another; there is at least one.

    Example:
        >>> enumerated(["MLR", "ridge", "PLS"])
        'MLR, ridge and PLS'
    """
    *others, last = parts
    return f"{', '.join(others)} and {last}" if others else last


def as_markdown(text: str) -> str:
    r"""Write a text so that Markdown shows it as it is, on one line.

    Example:
        >>> as_markdown("n_panel of <b>, {glue}`x`")
        'n_panel of \\<b\\>, \\{glue\\}\\`x\\`'
    """
    line = " ".join(harmless(text.replace("\n", " ")).split())
    return _MARK_UP.sub(_escaped, line)


def _escaped(match: re.Match[str]) -> str:
    found = match[0]
    # Only punctuation can be escaped: of "1." the full stop.
    return f"{found[:-1]}\\{found[-1]}" if found[:1].isdigit() else f"\\{found}"
