"""Give the genes of a table the names that a network knows, by a table of names or in capitals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from lembas.formats import counted, listed, read_records
from lembas.gene_names import without_version

POLICIES = ("refuse", "sum", "max_mean", "first")
# How tables of names write that an id has no symbol.
_BLANK = ("", "NA", "nan", "None", "-")
NO_SYMBOL = "no symbol in the table of names"


@dataclass(frozen=True)
class Naming:
    """Settle how the genes' names in a file become those that are known.

    Attributes:
        known: Names as they should be, a network's nodes.
        symbols: Symbol by id; None: names are taken as they stand. Ids with a version are looked
            up with it, then without it. A name that has no symbol but is known stays.
        to_upper: Whether a name that is not known, but is in capitals, is put in capitals.
        duplicates: What to do with several columns of one known gene: "refuse" them; "sum" their
            values (of logarithms: the values before them); keep the one whose mean over the
            samples of the first table is highest ("max_mean"), or the "first" one of that
            table. Those not kept stay in the table under the names they had.
        on_logs: Whether values are log10(x + 1).
    """

    known: pd.Index
    symbols: Mapping[str, str] | None = None
    to_upper: bool = False
    duplicates: str = "refuse"
    on_logs: bool = True

    def __post_init__(self) -> None:
        """Refuse an unknown policy."""
        if self.duplicates not in POLICIES:
            raise ValueError(
                f"duplicates is {self.duplicates!r}; expected one of {', '.join(POLICIES)}"
            )

    @property
    def changes_nothing(self) -> bool:
        """Whether names are taken as they stand."""
        return self.symbols is None and not self.to_upper


def read_gene_map(path: str | Path) -> dict[str, str]:
    """Read a table of gene names.

    Args:
        path: TSV or CSV with the columns ``gene_id`` (the name in the tables of expression) and
            ``symbol`` (the name in the network); others are ignored. A symbol that is empty,
            NA or - counts as none.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a column is missing, or an id has two symbols.
    """
    table = read_records(path, "table of gene names", ("gene_id", "symbol"))
    return symbols_by_id(table["gene_id"], table["symbol"], origin=str(path))


def symbols_by_id(ids: pd.Series, symbols: pd.Series, *, origin: str) -> dict[str, str]:
    """Make a dictionary of ids, with their versions and without, and refuse contradictions.

    Args:
        ids: Names in the tables of expression.
        symbols: Their symbols, in the same order; blank where there is none.
        origin: Where they come from; named in messages.

    Raises:
        ValueError: If an id has two symbols.
    """
    table = pd.DataFrame({"id": ids.astype(str).to_numpy(), "symbol": symbols.to_numpy()})
    table = table[table["symbol"].notna()].map(lambda text: str(text).strip())
    table = table[~table["symbol"].isin(_BLANK)].drop_duplicates()
    twice = table[table["id"].duplicated(keep=False)].groupby("id")["symbol"].agg(", ".join)
    if len(twice):
        shown = [f"{name} ({both})" for name, both in twice.items()]
        raise ValueError(
            f"{origin} gives {counted(len(twice), 'id')} two symbols: {listed(shown)}; keep one "
            "row for each id"
        )
    plain = table.assign(id=table["id"].map(without_version)).drop_duplicates("id", keep=False)
    pairs = pd.concat([plain, table])
    return dict(zip(pairs["id"], pairs["symbol"], strict=True))


def rename_genes(
    tables: Mapping[str, pd.DataFrame], naming: Naming
) -> tuple[dict[str, pd.DataFrame], dict[str, str]]:
    """Give the genes of some tables the names that are known.

    Args:
        tables: Expression by where it comes from, each ``(sample, gene)``; the study first.
        naming: What to do.

    Returns:
        The tables, and of each name that was not taken over the reason.

    Raises:
        ValueError: If duplicates are refused and there are some.
    """
    if naming.changes_nothing:
        return dict(tables), {}
    renamed: dict[str, pd.DataFrame] = {}
    reasons: dict[str, str] = {}
    kept: dict[str, str] = {}
    for origin, table in tables.items():
        names = pd.Index([_name_of(label, naming) for label in table.columns], dtype=object)
        if naming.symbols is not None:
            lost = table.columns[(names == table.columns) & ~names.isin(naming.known)]
            lost = [label for label in lost if _symbol_of(label, naming.symbols) is None]
            reasons |= dict.fromkeys(lost, NO_SYMBOL)
        renamed[origin], dropped = _with_names(table, names, naming, origin=origin, kept=kept)
        reasons |= dropped
    return renamed, reasons


def _name_of(label: str, naming: Naming) -> str:
    """Look up a gene's name; a label that has none stays."""
    name = _symbol_of(label, naming.symbols) or label
    if naming.to_upper and name not in naming.known and name.upper() in naming.known:
        return name.upper()
    return name


def _symbol_of(label: str, symbols: Mapping[str, str] | None) -> str | None:
    if symbols is None:
        return None
    return symbols.get(label) or symbols.get(without_version(label))


def _with_names(
    table: pd.DataFrame, names: pd.Index, naming: Naming, *, origin: str, kept: dict[str, str]
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Rename the columns of a table; settle which of several columns of a gene stands for it."""
    repeated = names.duplicated(keep=False)
    matters = repeated & names.isin(naming.known)
    # Several columns of a gene that no network knows harm nothing under their own names.
    labels = pd.Series(np.where(repeated, table.columns, names), dtype=object)
    groups = pd.Series(np.flatnonzero(matters)).groupby(names[matters].to_numpy()).agg(list)
    if len(groups) and naming.duplicates == "refuse":
        shown = [f"{name} ({listed(table.columns[group])})" for name, group in groups.items()]
        raise ValueError(
            f"{origin} has several columns for {counted(len(groups), 'gene')}: {listed(shown)}; "
            "set duplicates to sum (for counts), max_mean or first, or name each gene once"
        )
    if naming.duplicates == "sum":
        table, labels = _summed(table, labels, groups, on_logs=naming.on_logs)
        return table.set_axis(pd.Index(labels, name="gene"), axis=1), {}
    reasons: dict[str, str] = {}
    for name, group in groups.items():
        chosen = _chosen(table, group, naming.duplicates, kept.get(name))
        kept.setdefault(name, table.columns[chosen])
        for place in group:
            # The column that gave the gene its name may be the one that is not kept.
            label = table.columns[place]
            labels[place] = f"{label} (not kept)" if label == name else label
            reasons[labels[place]] = f"another column of {name} was kept"
        reasons.pop(labels[chosen])
        labels[chosen] = name
    return table.set_axis(pd.Index(labels, name="gene"), axis=1), reasons


def _chosen(table: pd.DataFrame, group: list[int], policy: str, kept: str | None) -> int:
    """Choose the column that stands for a gene: the one chosen before, where it is there."""
    for place in group:
        if table.columns[place] == kept:
            return place
    if policy == "first":
        return group[0]
    return group[int(table.iloc[:, group].mean().to_numpy().argmax())]


def _summed(
    table: pd.DataFrame, labels: pd.Series, groups: pd.Series, *, on_logs: bool
) -> tuple[pd.DataFrame, pd.Series]:
    """Add up the columns of a gene in the place of the first one."""
    surplus = [place for group in groups for place in group[1:]]
    totals = {}
    for name, group in groups.items():
        values = table.iloc[:, group].to_numpy(np.float64)
        total = values.sum(axis=1) if not on_logs else np.log10((10**values - 1).sum(axis=1) + 1)
        totals[group[0]] = total
        labels[group[0]] = name
    is_kept = ~np.isin(np.arange(len(labels)), surplus)
    values = table.to_numpy()[:, is_kept]
    for place, total in totals.items():
        values[:, int(is_kept[:place].sum())] = total
    new = pd.DataFrame(values, index=table.index, columns=table.columns[is_kept], copy=False)
    return new, labels[is_kept]
