"""Say what a file is that is not the delimited text its name promises."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

_NAMES = {"\t": "tabs", ",": "commas", ";": "semicolons", "|": "bars", " ": "blanks"}
_SUFFIXES = {"\t": ".tsv", ",": ".csv"}
# How files begin that are something else.
_BEGINNINGS = {
    b"PK\x03\x04": "an Excel or zip file: save its sheet as tab-separated text",
    b"\xd0\xcf\x11\xe0": "an old Excel file: save its sheet as tab-separated text",
    b"\x1f\x8b": "a gzip file: let its name end in .gz",
    b"\xff\xfe": "text in UTF-16: save it as UTF-8",
    b"\xfe\xff": "text in UTF-16: save it as UTF-8",
    b"\x89HDF": "an HDF5 file: let its name end in .h5ad if it is AnnData",
    b"PAR1": "a Parquet file: let its name end in .parquet",
    b"<": "a web page: download the file itself",
}
_COMMAS = re.compile(r"[-+]?\d+(?:,\d+)+")
_TOO_MANY = re.compile(r"Expected (\d+) columns, got (\d+)")


def what_it_is(path: Path) -> str | None:
    """Recognise a file that is no plain text by how it begins; None: it is like none known."""
    with path.open("rb") as stream:
        begins = stream.read(8)
    for beginning, words in _BEGINNINGS.items():
        if begins.startswith(beginning) and not (beginning == b"\x1f\x8b" and path.suffix == ".gz"):
            return words
    return None


def other_separator(line: str, separator: str) -> str | None:
    """Say by what a line is separated, if not by the separator that the file's name stands for.

    Args:
        line: The first line of a file.
        separator: The separator expected.

    Returns:
        What was found, what was expected and how to mend it; None: no other one fits.

    Example:
        >>> print(other_separator("sample;ALB;AFP", ","))
        its fields are separated by semicolons (3 in the first line), where its name promises \
commas; save it again with commas or tabs
    """
    counts = {other: line.count(other) for other in _NAMES if other != separator}
    found = max(counts, key=lambda other: counts[other])
    if separator in line or not counts[found]:
        return None
    if found in _SUFFIXES:
        remedy = f"let its name end in {_SUFFIXES[found]}"
    else:
        remedy = "save it again with commas or tabs"
    return (
        f"its fields are separated by {_NAMES[found]} ({counts[found] + 1:,} in the first line), "
        f"where its name promises {_NAMES[separator]}; {remedy}"
    )


def commas_in_numbers(cells: Iterable[object]) -> str | None:
    """Say how to mend cells that are numbers with commas; None: some are something else.

    Example:
        >>> commas_in_numbers(["1,5", "high"]) is None, commas_in_numbers(["1,5"]) is None
        (True, False)
    """
    texts = [str(cell) for cell in cells]
    if not texts or not all(_COMMAS.fullmatch(text) for text in texts):
        return None
    return (
        "write decimal points for decimal commas, and no commas between thousands (a spreadsheet "
        "does so when its language is set to English)"
    )


def unquoted_commas(message: str, separator: str) -> str:
    """Explain a row of a CSV with about twice as many fields as names; "" where it is not so."""
    match = _TOO_MANY.search(message)
    if separator != "," or match is None:
        return ""
    expected, found = int(match.group(1)), int(match.group(2))
    # Every number but those that are whole has a comma.
    if not 1.5 * expected < found <= 2 * expected - 1:
        return ""
    return "; the numbers may have decimal commas: save the table with decimal points"
