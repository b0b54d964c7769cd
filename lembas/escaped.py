"""Show tables of a chapter so that names from data stay text: an extension of its kernel.

A page is HTML, and pandas' styled tables put cells into it as they are: a gene called
``<script>...`` would run in the reader's browser. (Its plain tables escape.)
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any


class _Escaping(dict[Any, Callable[[Any], Any]]):
    """Stand for a table's formatters: each gets texts with their mark-up made harmless."""

    def __init__(self, formatters: Any) -> None:
        super().__init__()
        self.formatters = formatters

    def __missing__(self, place: Any) -> Callable[[Any], Any]:
        formatter = self.formatters[place]
        return lambda value: formatter(escape(value) if isinstance(value, str) else value)


def as_html(styled: Any) -> str:
    """Write a styled table as HTML, its cells and labels as text.

    What a formatter of the table adds is kept as it is: a chapter may write a link.

    Args:
        styled: A :class:`pandas.io.formats.style.Styler`; it is not changed.
    """
    shown = styled._copy(deepcopy=False)
    shown.uuid = styled.uuid
    for name in [name for name in vars(shown) if name.startswith("_display_funcs")]:
        setattr(shown, name, _Escaping(getattr(shown, name)))
    return shown.to_html()


def load_ipython_extension(shell: Any) -> None:
    """Let a notebook's kernel show styled tables by :func:`as_html`."""
    formatter = shell.display_formatter.formatters["text/html"]
    # By name: a chapter that styles no table need not load it.
    formatter.for_type_by_name("pandas.io.formats.style", "Styler", as_html)
