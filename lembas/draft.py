"""Hold a profile in the making: choices with their reasons, open questions, notes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from lembas.measured import Measured, Overlap


@dataclass(frozen=True)
class Question:
    """Ask what files cannot say, or name what must be mended first.

    Attributes:
        text: The question.
        answer: The option that answers it, or how to mend what is wrong.
    """

    text: str
    answer: str


@dataclass
class Draft:
    """Gather choices; nothing is written while a question is open.

    Attributes:
        source: Kind of source, as in a profile; empty while it is not known.
        study: Table of the study.
        files: Role to file, as in a profile; ``external`` maps names to files.
        options: Settings of the source.
        reasons: Why each was chosen, by its key in the profile: "source", "counts", "genes_in".
        questions: What is open.
        notes: What the user should know beside.
        overlaps: What networks and tables share.
        unused: Tables that the profile does not use, with the reason.
        names: Genes of a table, by its file, under the names they are mapped to.
        beside: File of the study's second table, where it has one of TFs and one of genes.
        needs_names: Whether the table that maps them is still to be named.
    """

    source: str = ""
    study: Measured | None = None
    files: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    overlaps: list[Overlap] = field(default_factory=list)
    unused: dict[str, str] = field(default_factory=dict)
    names: dict[str, pd.Index] = field(default_factory=dict)
    beside: str = ""
    needs_names: bool = False

    def use(self, role: str, file: Any, reason: str) -> None:
        """Choose a file."""
        self.files[role] = file
        self.reasons[role] = reason

    def set(self, option: str, value: Any, reason: str) -> None:
        """Choose a setting of the source."""
        self.options[option] = value
        self.reasons[option] = reason

    def ask(self, text: str, answer: str) -> None:
        """Leave something open."""
        self.questions.append(Question(text, answer))
