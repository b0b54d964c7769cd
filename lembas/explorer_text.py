"""Write numbers and names small, and as script files that a page loads without a server."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

# Base64's own characters: two of them hold a number of 12 bits.
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
LEVELS = 4095
# Genes, or TFs, of one file: some 200 kB at a large study's size.
PER_FILE = 64
_RECEIVER = "window.lembasExplorer.receive"


def thousandths(values: Any) -> list[int | None]:
    """Round numbers to three decimals and write them as whole numbers; None: not finite.

    Example:
        >>> thousandths([0.12345, float("nan"), -2])
        [123, None, -2000]
    """
    numbers = np.asarray(values, dtype=float)
    finite = np.isfinite(numbers)
    whole = np.rint(np.where(finite, numbers, 0) * 1000).astype(np.int64).tolist()
    return [value if known else None for value, known in zip(whole, finite.tolist(), strict=True)]


@dataclass(frozen=True, eq=False)
class Scale:
    """Say what the whole numbers 0 to ``LEVELS`` stand for, one scale a gene.

    Attributes:
        low: Value of 0, ``(gene,)``, rounded to four decimals.
        step: Difference between two neighbours, ``(gene,)``, > 0.
    """

    low: np.ndarray
    step: np.ndarray

    @classmethod
    def over(cls, *tables: np.ndarray) -> Scale:
        """Span the values of each gene in all tables ``(sample, gene)``; NaN does not count."""
        lows, highs = [], []
        for table in tables:
            known = np.isfinite(table)
            lows.append(np.where(known, table, np.inf).min(axis=0))
            highs.append(np.where(known, table, -np.inf).max(axis=0))
        low, high = np.min(lows, axis=0), np.max(highs, axis=0)
        empty = ~np.isfinite(low)
        low, high = np.where(empty, 0, low), np.where(empty, 0, high)
        # Rounded outwards, so that what the page reads spans all values still.
        low = np.floor(low * 1e4) / 1e4
        return cls(low, np.maximum(np.ceil((high - low) / LEVELS * 1e7), 1) / 1e7)

    def packed(self, table: np.ndarray) -> list[str | None]:
        """Write each gene's values as one text, two characters a value.

        Args:
            table: Shape ``(sample, gene)``, within the scale.

        Returns:
            One text a gene, off by half a step at most; None for a gene with a value that is not
            finite.
        """
        known = np.isfinite(table).all(axis=0)
        codes = np.rint((np.where(known, table, self.low) - self.low) / self.step)
        codes = np.clip(codes, 0, LEVELS).astype(np.int64).T
        letters = np.frombuffer(ALPHABET.encode(), dtype=np.uint8)
        pairs = np.stack([letters[codes >> 6], letters[codes & 63]], axis=2)
        texts = [row.tobytes().decode("ascii") for row in pairs]
        return [text if is_known else None for text, is_known in zip(texts, known, strict=True)]


def script(name: str, content: Any) -> str:
    """Write content as a script that hands it to the page under a name.

    Names of genes are text of the content. They can neither end the script nor the file's
    encoding: all but ASCII is escaped, and so is "<".

    Args:
        name: What the page asks for.
        content: Whatever JSON holds; NaN is refused.

    Raises:
        ValueError: If a number is not finite.
    """
    text = json.dumps(content, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return f"{_RECEIVER}({json.dumps(name)},{text});\n"


def numbered_files(kind: str, records: Sequence[Any]) -> dict[str, str]:
    """Cut records into files ``<kind>-<number>.js``, in their order, ``PER_FILE`` each."""
    parts = range(0, len(records), PER_FILE)
    return {
        f"{name}.js": script(name, records[start : start + PER_FILE])
        for start in parts
        for name in [f"{kind}-{start // PER_FILE}"]
    }
