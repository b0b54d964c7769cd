"""Make texts from elsewhere harmless where they are shown: a terminal, a page of the book."""

from __future__ import annotations

import re

# What begins something else than text in MyST's Markdown: wherever it stands, or in the beginning.
_INSIDE = r"[\\`*{}\[\]<>$&~^|!#]|(?<![^\W_])_|_(?![^\W_])"
_FIRST = r"^[=:%(]|^[-+](?=[-+\s]|$)|^\d+[.)](?=\s|$)"
_MARK_UP = re.compile(f"{_FIRST}|{_INSIDE}")


def harmless(text: str) -> str:
    r"""Replace what is not printable, such as a terminal's control codes in a gene's name.

    Example:
        >>> harmless("ALB\x1b[31m")
        'ALB?[31m'
    """
    return "".join(sign if sign.isprintable() or sign == "\n" else "?" for sign in text)


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
