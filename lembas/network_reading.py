"""How a network's file is read, and what is said of it afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import pandas as pd

from lembas.formats import counted, listed
from lembas.network import Network
from lembas.network_layouts import LAYOUTS, NAMED_ROLES, ROLES, ReadAs
from lembas.network_text import LETTERS
from lembas.plain_text import quoted

# What becomes of an edge that is listed as activating and as inhibiting.
ON_CONFLICT: Mapping[str, str] = {
    "refuse": "refused",
    "drop": "left out",
    "unsigned": "kept, their sign unknown",
}


@dataclass(frozen=True)
class NetworkOptions:
    """Settle how a network's file is read.

    Attributes:
        layout: A key of :data:`lembas.network_layouts.LAYOUTS`; None: recognised by its columns.
        columns: Role ("tf", "gene", "sign", "confidence") to the column that holds it, where the
            layout does not tell.
        min_confidence: Edges below are left out: a number, or a letter from A (best) to E. None:
            all are kept.
        on_conflict: "refuse", "drop" or "unsigned": what becomes of an edge listed with both signs.
        unsigned: Whether an edge may have no known sign: such an edge constrains no weight.
    """

    layout: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    min_confidence: float | str | None = None
    on_conflict: str = "refuse"
    unsigned: bool = False

    def __post_init__(self) -> None:
        """Refuse what has no meaning."""
        if not (self.layout is None or _is_one_of(self.layout, LAYOUTS)):
            raise ValueError(
                f"layout is {quoted(self.layout)}; expected one of {', '.join(LAYOUTS)}"
            )
        if not _is_one_of(self.on_conflict, ON_CONFLICT):
            raise ValueError(
                f"on_conflict is {quoted(self.on_conflict)}; expected one of "
                f"{', '.join(ON_CONFLICT)}"
            )
        if not isinstance(self.unsigned, bool):
            raise ValueError(f"unsigned is {quoted(self.unsigned)}; expected true or false")
        if not isinstance(self.columns, Mapping) or not set(self.columns) <= set(NAMED_ROLES):
            raise ValueError(
                f"columns is {quoted(self.columns)}; expected a mapping of "
                f"{', '.join(NAMED_ROLES)} to names of columns"
            )
        self._check_columns()
        self._check_threshold()

    def _check_columns(self) -> None:
        names = {role: _plain_name(name) for role, name in self.columns.items()}
        if nameless := [role for role, name in names.items() if not name]:
            raise ValueError(
                f"columns: {listed(nameless)} name no column (found "
                f"{listed(repr(self.columns[role]) for role in nameless)}); write the name of one, "
                "or leave the role out"
            )
        if {"tf", "gene"} <= set(names) and names["tf"] == names["gene"]:
            raise ValueError(
                f"columns: tf and gene are both {quoted(self.columns['tf'])}; name one column for "
                "each"
            )

    def _check_threshold(self) -> None:
        least = self.min_confidence
        is_number = isinstance(least, int | float) and not isinstance(least, bool)
        if isinstance(least, str) and least.upper() in [*LETTERS]:
            object.__setattr__(self, "min_confidence", least.upper())
        elif not (least is None or (is_number and np.isfinite(float(least)))):
            raise ValueError(
                f"min_confidence is {quoted(least)}; expected a number, or a letter from "
                f"{LETTERS[0]} to {LETTERS[-1]}"
            )

    @classmethod
    def of(cls, given: Mapping[str, Any] | None, what: str = "network_options") -> NetworkOptions:
        """Take options from a profile.

        Args:
            given: Field to value; None: the defaults.
            what: How the profile calls them, for messages.

        Raises:
            ValueError: If an option is unknown or has no meaning.
        """
        known = [item.name for item in fields(cls)]
        if given is not None and not isinstance(given, Mapping):
            raise ValueError(f"{what} is {quoted(given)}; expected a mapping of {', '.join(known)}")
        unknown = [name for name in given or {} if name not in known]
        if unknown:
            raise ValueError(
                f"{what}: unknown option(s) {listed(unknown)}; expected {', '.join(known)}"
            )
        try:
            return cls(**(given or {}))
        except ValueError as error:
            raise ValueError(f"{what}: {error}") from error


def _is_one_of(value: object, known: Mapping[str, Any]) -> bool:
    """Whether a value is a key; a list, which YAML may give, is none and has no hash."""
    return isinstance(value, str) and value in known


def _plain_name(name: object) -> str:
    """Return a column's name as names are compared; "" where a value is none."""
    is_name = isinstance(name, str | int | float) and not isinstance(name, bool)
    return str(name).strip().casefold() if is_name else ""


@dataclass(frozen=True, eq=False)
class NetworkReading:
    """Hold a network and what its file was read as.

    Attributes:
        network: The network.
        file: Name of the file.
        recognised: Its layout, and which column holds what.
        options: How it was read.
        n_rows: Rows of the file.
        n_below: Rows below the threshold of confidence.
        n_repeated: Edges that were listed more than once, with signs that agree.
        n_conflicting: Edges that were listed with both signs.
        n_alone: Lines of a SIF file that name a node without an edge.
        has_sizes: Whether signs were numbers other than 1 and -1.
    """

    network: Network
    file: str
    recognised: ReadAs
    options: NetworkOptions
    n_rows: int
    n_below: int
    n_repeated: int
    n_conflicting: int
    n_alone: int
    has_sizes: bool

    def sentence(self) -> str:
        """Say what the file was read as, and what was done with it."""
        columns = ", ".join(
            f"{ROLES[role]}: {name}" for role, name in self.recognised.columns.items()
        )
        network = self.network
        said = [
            f"{self.file} was read as {self.recognised.words}"
            f"{f' ({columns})' if columns else ''}: {counted(self.n_rows, 'row')}, "
            f"{counted(len(network), 'edge')} from {counted(len(network.tfs), 'TF')} to "
            f"{counted(len(network.genes), 'gene')}.",
            *self._of_confidence(),
        ]
        if self.n_repeated:
            said.append(
                f"{counted(self.n_repeated, 'edge')} listed more than once, with signs that agree, "
                "became one each."
            )
        if self.n_conflicting:
            policy = self.options.on_conflict
            said.append(
                f"{counted(self.n_conflicting, 'edge')} listed with both signs: "
                f"{ON_CONFLICT[policy]} (on_conflict: {policy})."
            )
        if self.n_alone:
            said.append(f"{counted(self.n_alone, 'line')} without an edge left out.")
        if self.has_sizes:
            said.append("Of the weights the sign is used, the size is not.")
        return " ".join([*said, self._of_signs()])

    def _of_confidence(self) -> list[str]:
        column, least = self.recognised.columns.get("confidence"), self.options.min_confidence
        if column is None:
            return []
        if least is None:
            return [f"No threshold was set on {column}: all edges are kept."]
        return [f"{counted(self.n_below, 'row')} with {column} below {least} left out."]

    def _of_signs(self) -> str:
        n_unknown = len(self.network.unsigned)
        if not n_unknown:
            return "Every edge has a sign."
        return (
            f"The sign of {counted(n_unknown, 'edge')} ({n_unknown / len(self.network):.0%}) is "
            "unknown: no model constrains the sign of its weight there."
        )

    def table(self) -> pd.DataFrame:
        """Lay out what the file was read as: columns item and value, both text."""
        least = self.options.min_confidence
        rows = {
            "file": self.file,
            "layout": self.recognised.layout,
            **{f"column of {ROLES[r]}": name for r, name in self.recognised.columns.items()},
            "rows": self.n_rows,
            "rows below min_confidence": self.n_below,
            "min_confidence": "none" if least is None else least,
            "edges listed more than once": self.n_repeated,
            "edges listed with both signs": self.n_conflicting,
            "on_conflict": self.options.on_conflict,
            "edges": len(self.network),
            "edges of unknown sign": len(self.network.unsigned),
            "sizes of weights left out": "yes" if self.has_sizes else "no",
        }
        return pd.DataFrame({"item": list(rows), "value": [str(value) for value in rows.values()]})


def network_sentence(reading: NetworkReading | None) -> str:
    """Say what a study's network was read as; None: it was simulated."""
    return "The prior network was simulated." if reading is None else reading.sentence()


def network_table(reading: NetworkReading | None) -> pd.DataFrame:
    """Lay out what a study's network was read as; None: it was simulated."""
    if reading is None:
        return pd.DataFrame({"item": ["layout"], "value": ["simulated"]})
    return reading.table()
