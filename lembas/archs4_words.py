"""Turn what submitters wrote of a sample into plain words, and find words in it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

# A characteristic that says what the sample is, not what its donor has or was given.
IDENTITY = re.compile(
    r"\b(tissue|organ|organs|organ part|cell ?type|cell ?source|source|source name|sample type|"
    r"specimen|material|body site|site|anatom\w*|biopsy|biopsy site)\b"
)
CELL_LINE_KEY = re.compile(r"\bcell ?lines?\b")
NOTHING = ("", "na", "n a", "none", "no", "not applicable", "not available", "unknown", "null")
# Characteristics are joined by commas or tabs, in early releases by a mark of their own.
JOINTS = re.compile(r"[,;|\t]|Xx-xX")


@dataclass(frozen=True)
class Description:
    """Hold what is said of one sample, in plain words.

    Attributes:
        identity: What it is: source name, title, characteristics of tissue and the like.
        everything: Source name, title and the values of all characteristics.
        cell_line: Value of a characteristic ``cell line``, if it says anything.
    """

    identity: str
    everything: str
    cell_line: str = ""

    @classmethod
    def of(cls, source_name: str, title: str, characteristics: str) -> Description:
        """Make plain words of a sample's fields."""
        pairs = [(plain(key), plain(value)) for key, value in split_pairs(characteristics)]
        head = [plain(source_name), plain(title)]
        lines = [value for key, value in pairs if CELL_LINE_KEY.search(key)]
        named = [value for value in lines if value not in NOTHING]
        return cls(
            # A mark between fields keeps words apart that only meet by chance.
            identity=" | ".join(
                [*head, *(value for key, value in pairs if not key or IDENTITY.search(key))]
            ),
            everything=" | ".join([*head, *(value for _, value in pairs)]),
            cell_line=named[0] if named else "",
        )


def plain(text: str) -> str:
    """Write a text in lower case, letters and digits only, single blanks between.

    Example:
        >>> plain("HepG2_NTCP (rep. 1)")
        'hepg2 ntcp rep 1'
    """
    return re.sub(r"[^a-z0-9|]+", " ", text.lower()).strip()


def split_pairs(characteristics: str) -> list[tuple[str, str]]:
    """Split a sample's characteristics into key and value; a value may hold commas.

    Example:
        >>> split_pairs("tissue: liver, left lobe,age: 51")
        [('tissue', 'liver, left lobe'), ('age', '51')]
    """
    pairs: list[tuple[str, str]] = []
    for part in JOINTS.split(characteristics):
        key, colon, value = part.partition(":")
        if colon:
            pairs.append((key.strip(), value.strip()))
        elif pairs:
            pairs[-1] = (pairs[-1][0], f"{pairs[-1][1]}, {part.strip()}")
        elif part.strip():
            pairs.append(("", part.strip()))
    return pairs


def word_pattern(words: Iterable[str]) -> re.Pattern[str]:
    """Make the pattern that finds any of the words in a plain text; no word, nothing found."""
    made = []
    for word in words:
        # A blank, and the border of letters and digits, may be there or not.
        parts = re.findall(r"[a-z]+|[0-9]+", plain(word))
        made.append(" ?".join(parts) + ("[a-z0-9]*" if word.endswith("*") else ""))
    return re.compile(rf"\b(?:{'|'.join(made)})\b" if made else r"(?!)")
