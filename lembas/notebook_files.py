"""Read a notebook that someone may have edited, or that a run left: sound, or refused in words."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from nbformat.warnings import DuplicateCellId, MissingIDFieldWarning

from lembas.plain_text import reason_of


def read_notebook(path: Path, origin: str) -> nbformat.NotebookNode:
    """Read a notebook of version 4 and check it against the format's schema; nothing in it is run.

    Args:
        path: An existing file.
        origin: What it is called in messages.

    Raises:
        ValueError: If it is no notebook, or a part of it is missing or of another kind.
    """
    faults: dict[str, nbformat.ValidationError] = {}
    try:
        with without_ids():
            notebook = nbformat.read(path, as_version=4, capture_validation_error=faults)
        for fault in faults.values():
            raise fault
    except _DAMAGE as error:
        raise ValueError(f"{origin} is not a valid notebook: {reason_of(error)}") from error
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
    # Its conversion of older versions asserts, and uses names that it may not have set.
    *(AssertionError, NameError),
)
