"""Read a notebook that someone may have edited, or that a run left: sound, or refused in words."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from nbformat.warnings import DuplicateCellId, MissingIDFieldWarning


def read_notebook(path: Path, origin: str) -> nbformat.NotebookNode:
    """Read a notebook of version 4 and check it against the format's schema; nothing in it is run.

    Args:
        path: An existing file.
        origin: What it is called in messages.

    Raises:
        ValueError: If it is no notebook, or a part of it is missing or of another kind.
    """
    faults: dict[str, Any] = {}
    try:
        with without_ids():
            notebook = nbformat.read(path, as_version=4, capture_validation_error=faults)
    except _DAMAGE as error:
        raise ValueError(f"{origin} is not a valid notebook: {_reason(error)}") from error
    if "ValidationError" in faults:
        raise ValueError(f"{origin} is not a valid notebook: {_reason(faults['ValidationError'])}")
    return notebook


@contextmanager
def without_ids() -> Iterator[None]:
    """Let notebooks pass whose cells have no ids, or the same: nothing here asks for them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MissingIDFieldWarning)
        warnings.simplefilter("ignore", DuplicateCellId)
        yield


# What nbformat raises on texts that are no notebook, before and after it looks at the schema.
_DAMAGE = (
    *(nbformat.reader.NotJSONError, nbformat.ValidationError, ValueError, TypeError),
    *(AttributeError, LookupError, RecursionError),
)


def _reason(error: Exception) -> str:
    """Give a library's reason on one line."""
    text = str(getattr(error, "message", "")) or str(error) or type(error).__name__
    return " ".join(text.split())[:200]
