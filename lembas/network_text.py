"""Turn the text of a network's file into rows, and their signs and confidences into numbers."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from lembas.formats import counted, existing_file, listed
from lembas.plain_text import quoted
from lembas.text_blocks import MISSING

_GZIP, _ZIP, _PARQUET = b"\x1f\x8b", b"PK\x03\x04", b"PAR1"
_SEPARATORS = ("\t", ",", ";")
# Words for a relation, in lower case. Numbers need none.
RELATIONS: Mapping[str, int] = {
    **dict.fromkeys(("activates", "activation", "activate", "stimulates", "stimulation"), 1),
    **dict.fromkeys(("induces", "upregulates", "positive", "up", "->", "-->", "+"), 1),
    **dict.fromkeys(("inhibits", "inhibition", "inhibit", "represses", "repression"), -1),
    **dict.fromkeys(("downregulates", "negative", "down", "-|", "--|", "-"), -1),
    **dict.fromkeys(("regulates", "regulation", "controls-expression-of", "pd"), 0),
    **dict.fromkeys(("unknown", "unsigned", "?"), 0),
}
_NUMBERS = {"1": 1, "+1": 1, "-1": -1, "0": 0}
_TRUTH = {**dict.fromkeys(("1", "true", "t"), True), **dict.fromkeys(("0", "false", "f"), False)}
LETTERS = "ABCDE"


def read_text(path: str | Path) -> str:
    """Read a text file, gzipped or not, whatever its suffix says.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is damaged, cut short, empty, or no text.
    """
    path = existing_file(path, "network file")
    content = path.read_bytes()
    if content.startswith((_ZIP, _PARQUET)):
        raise ValueError(
            f"network file {path} is an Excel, zip or Parquet file; export it as TSV or CSV"
        )
    try:
        if content.startswith(_GZIP):
            content = gzip.decompress(content)
        text = content.decode("utf-8-sig")
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(
            f"network file {path} cannot be read as a table ({error}): it is damaged or cut short; "
            "copy it again"
        ) from error
    except UnicodeDecodeError as error:
        raise ValueError(
            f"network file {path} cannot be read as a table ({error}): it is no UTF-8 text; export "
            "it as TSV or CSV"
        ) from error
    if not text.strip():
        raise ValueError(f"network file {path} is empty; expected one row for each TF-gene edge")
    return text


def split_header(text: str, path: Path) -> tuple[list[str], str]:
    """Split the first line by the separator that it holds most of.

    Args:
        text: Content of the file.
        path: Its name, which decides where tabs and commas are as many.

    Returns:
        The fields, and the separator.

    Raises:
        ValueError: If the line cannot be cut into fields.
    """
    first = text.lstrip("\r\n").split("\n", 1)[0].rstrip("\r")
    likeliest = "," if ".csv" in path.suffixes else "\t"
    separator = max(_SEPARATORS, key=lambda each: (first.count(each), each == likeliest))
    try:
        return next(csv.reader([first], delimiter=separator)), separator
    except csv.Error as error:
        raise ValueError(
            f"network file {path} cannot be read as a table ({error}): mend its first line, or "
            "save the table again"
        ) from error


def read_table(text: str, separator: str, origin: str) -> pd.DataFrame:
    """Parse rows below a header; cells are text without blanks around, an empty one is missing.

    Raises:
        ValueError: If rows are ragged, a quotation mark is unclosed, or there is no row.
    """
    try:
        # Only empty cells are missing: a gene may be called NA or nan.
        table = pd.read_csv(
            io.StringIO(text), sep=separator, dtype=str, keep_default_na=False, na_values=[""]
        )
    except (pd.errors.ParserError, ValueError) as error:
        raise ValueError(
            f"{origin} cannot be read as a table ({error}); {_remedy_of(str(error))}"
        ) from error
    if not isinstance(table.index, pd.RangeIndex):
        table = _without_row_numbers(table, origin)
    if table.empty:
        raise ValueError(f"{origin} holds no edges; expected one row for each TF-gene edge")
    return table.apply(_stripped)


def _stripped(cells: pd.Series) -> pd.Series:
    """Strip text; what is blank is missing."""
    # A column of empty cells alone may come without text.
    plain = cells.astype(object).where(cells.notna(), "").str.strip()
    return plain.where(plain.ne(""))


def _remedy_of(error: str) -> str:
    """Say how to mend what a parser refused."""
    if "EOF inside string" in error:
        return 'a quotation mark (") may be unclosed: close or remove it'
    return "give every row as many fields as the header has"


def rows_below(marked: np.ndarray) -> str:
    """Name the rows of a table that are marked, for messages.

    Lines are not named: a parser passes over empty ones, and a quoted cell may hold several.
    """
    rows = listed(np.flatnonzero(marked) + 1)
    return f"in row(s) {rows} below the header, empty lines not counted"


def _without_row_numbers(table: pd.DataFrame, origin: str) -> pd.DataFrame:
    """Drop R's row numbers, which stand below no name, or refuse rows longer than the header."""
    numbers = [str(number) for number in range(1, len(table) + 1)]
    if table.index.nlevels > 1 or list(table.index.astype(str)) != numbers:
        raise ValueError(
            f"{origin}: rows have more fields than the header, "
            f"{listed(table.columns, most=12)}; give every column a name"
        )
    return table.reset_index(drop=True)


def looks_like_sif(text: str) -> bool:
    """Whether the second field of each of the first rows is a relation."""
    first, separator = text.splitlines()[:20], _sif_separator(text)
    rows = [fields for line in first if len(fields := _sif_fields(line, separator)) > 1]
    return bool(rows) and all(
        len(row) > 2 and row[1].casefold() in {*RELATIONS, *_NUMBERS} for row in rows
    )


def read_sif(text: str, origin: str) -> tuple[pd.DataFrame, int]:
    """Parse lines ``TF relation gene``, with further genes of the same relation allowed.

    Where the file holds a tab, tabs separate, else commas where the first line has one and no
    space, else spaces.

    Returns:
        Columns tf, sign and gene, and the number of lines that name a node without an edge.

    Raises:
        ValueError: If a line has two fields, or none is an edge.
    """
    rows, alone, wrong, separator = [], 0, [], _sif_separator(text)
    for number, line in enumerate(text.splitlines(), start=1):
        fields = _sif_fields(line, separator)
        alone += len(fields) == 1
        if len(fields) == 2:
            wrong.append(number)
        rows += [(fields[0], fields[1], gene) for gene in fields[2:]]
    if wrong:
        raise ValueError(
            f"{origin}: {counted(len(wrong), 'line')} of this SIF file "
            f"{'has' if len(wrong) == 1 else 'have'} two fields, on line(s) {listed(wrong)}; "
            "expected TF, relation and gene"
        )
    if not rows:
        raise ValueError(f"{origin} holds no edges; expected lines such as HNF4A activates ALB")
    return pd.DataFrame(rows, columns=["tf", "sign", "gene"]), alone


def _sif_separator(text: str) -> str | None:
    """Find what separates the fields of a SIF file; None: any white space."""
    first = text.strip().split("\n", 1)[0].strip()
    if "\t" in text:
        return "\t"
    return "," if "," in first and " " not in first else None


def _sif_fields(line: str, separator: str | None) -> list[str]:
    return [field.strip() for field in line.split(separator) if field.strip()]


def signs_of(values: pd.Series, origin: str, *, sizes: bool = True) -> tuple[np.ndarray, bool]:
    """Turn numbers and words into signs.

    Args:
        values: Text; missing: unknown.
        origin: Where they come from; named in messages.
        sizes: Whether numbers other than 1 and -1, and words, may stand there.

    Returns:
        1, -1 or 0 (unknown), int8, and whether any number was something else.

    Raises:
        ValueError: If a value is neither, or infinite.
    """
    text = values.fillna("").str.strip()
    number = pd.to_numeric(text, errors="coerce").replace([np.inf, -np.inf], np.nan)
    is_missing = text.isin(MISSING)
    word = text.str.casefold().map(RELATIONS).where(number.isna() & ~is_missing)
    plain = number.isin([1, -1, 0]) | is_missing
    wrong = ~plain if not sizes else number.isna() & word.isna() & ~is_missing
    if wrong.any():
        shown = listed(map(repr, dict.fromkeys(text[wrong])))
        expected = (
            f"expected finite numbers, or words such as {listed(RELATIONS)}"
            if sizes
            else "write 1 for activation and -1 for inhibition"
        )
        raise ValueError(
            f"{origin}: {int(wrong.sum())} edge(s) whose {values.name} is no sign: {shown}; "
            f"{expected}"
        )
    sign = np.sign(number.fillna(0)) + word.fillna(0)
    return sign.to_numpy(np.int8), bool((~plain & number.notna()).any())


def truths(values: pd.Series, origin: str) -> np.ndarray:
    """Turn 0 and 1, or true and false, into truth values; missing is false.

    Raises:
        ValueError: If a value is something else.
    """
    text = values.fillna("0").str.strip().str.casefold()
    truth = text.map({**_TRUTH, **dict.fromkeys([word.casefold() for word in MISSING], False)})
    if truth.isna().any():
        raise ValueError(
            f"{origin}: column {values.name} holds {listed(values[truth.isna()].unique())}; "
            "expected 1 or 0, or True or False"
        )
    return truth.to_numpy(bool)


def reaches(values: pd.Series, least: float | str, origin: str) -> np.ndarray:
    """Mark the confidences that reach a threshold.

    Args:
        values: Numbers, of which more is better, or letters A (best) to E; of several letters,
            such as ``A;D``, the best counts.
        least: The threshold, of the same kind.
        origin: Where they come from; named in messages.

    Raises:
        ValueError: If a confidence is missing, or of another kind than the threshold.
    """
    text = values.fillna("").str.strip()
    blank = text.isin(MISSING)
    if blank.any():
        raise ValueError(
            f"{origin}: {int(blank.sum())} edge(s) have no {values.name}, "
            f"{rows_below(blank.to_numpy())}; fill them, or leave min_confidence out"
        )
    is_letters = bool(text.str.upper().str.fullmatch(f"[{LETTERS}](;[{LETTERS}])*").all())
    number = pd.to_numeric(text, errors="coerce")
    if not is_letters and number.isna().any():
        raise ValueError(
            f"{origin}: column {values.name} holds {listed(text[number.isna()].unique())}; "
            f"expected numbers, or letters from {LETTERS[0]} to {LETTERS[-1]}"
        )
    if is_letters != isinstance(least, str):
        kind = f"letters, such as {text.iloc[0]}" if is_letters else f"numbers ({text.iloc[0]})"
        raise ValueError(
            f"{origin}: min_confidence is {quoted(least)}, but column {values.name} holds {kind}"
        )
    if isinstance(least, str):
        best = text.str.upper().str.split(";").map(min)
        return (best <= least).to_numpy(bool)
    return (number >= least).to_numpy(bool)
