"""Take tables of expression in: read them, give genes their names, refuse a wrong scale."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import pandas as pd

from lembas import h5ad
from lembas.checks import check_text
from lembas.cohorts import Dataset
from lembas.formats import counted, existing_file, listed
from lembas.gene_mapping import NO_SYMBOL, Naming, read_gene_map, rename_genes, symbols_by_id
from lembas.gene_names import diagnose_names, doubts, offer
from lembas.network import Network
from lembas.plain_text import quoted
from lembas.scales import check_scales
from lembas.tables import check_counts, check_log10, read_expression

# Genes that no role of the network is meant for.
NO_ROLE = "none"
_NO_NODE = ("no TF of the network", "no target of the network")


@dataclass(frozen=True)
class BorderOptions:
    """Settle how tables are named and checked on their way in.

    Attributes:
        rename: ``{"to_upper": True}`` puts names that the network has in capitals only into
            capitals; for mouse genes that is a guess at the human gene, which the caller makes.
        duplicates: What becomes of several columns of one gene after renaming; see
            :class:`lembas.gene_mapping.Naming`.
        symbols_in: Column of ``var`` that holds the symbols, of tables in ``.h5ad``.
        check_scale: Whether values that contradict the scale expected are refused.
    """

    rename: Mapping[str, bool] = field(default_factory=dict)
    duplicates: str = "refuse"
    symbols_in: str | None = None
    check_scale: bool = True

    def __post_init__(self) -> None:
        """Refuse what has no meaning."""
        if not isinstance(self.rename, Mapping) or not set(self.rename) <= {"to_upper"}:
            raise ValueError(
                f"rename is {quoted(self.rename)}; expected {{to_upper: true}}, or a table of "
                "names in gene_map"
            )
        if self.symbols_in is not None:
            check_text("symbols_in", self.symbols_in)
        for name, value in (*self.rename.items(), ("check_scale", self.check_scale)):
            if not isinstance(value, bool):
                raise ValueError(f"{name} is {quoted(value)}; expected true or false")


@dataclass(frozen=True)
class Border:
    """Take tables in.

    Attributes:
        network: Prior network; its nodes are the names that are known.
        expected: "counts" or "log10": what the values should be.
        options: See there.
        gene_map: File with a symbol for each name; None: names are taken as they stand.
    """

    network: Network
    expected: str
    options: BorderOptions
    gene_map: str | Path | None = None

    def __post_init__(self) -> None:
        """Refuse two tables of names."""
        if self.gene_map is not None and self.options.symbols_in is not None:
            raise ValueError(
                "both gene_map and symbols_in name the genes; give the one that is right"
            )

    def read(
        self, paths: Iterable[str | Path], **options: Any
    ) -> tuple[dict[str, pd.DataFrame], dict[str, str]]:
        """Read tables and take them in.

        Args:
            paths: Files, that of the study first; one may be named twice.
            **options: Of :func:`lembas.tables.read_expression`.

        Returns:
            Each ``(sample, gene)`` by its path as text, and of genes not taken over the reasons.

        Raises:
            FileNotFoundError, ValueError: As that function and :meth:`take` say.
        """
        names = dict.fromkeys(map(str, paths))
        symbols = self._symbols(names)
        known = self.network.nodes.union(pd.Index(list(symbols or {}), dtype=object))
        read = {name: read_expression(name, known_genes=known, **options) for name in names}
        return self.take(read, symbols)

    def take(
        self, tables: Mapping[str, pd.DataFrame], symbols: Mapping[str, str] | None = None
    ) -> tuple[dict[str, pd.DataFrame], dict[str, str]]:
        """Name the genes of tables; refuse names and scales that cannot be right.

        Args:
            tables: Checked expression by where it comes from, the study first.
            symbols: Symbol by id; None: names are taken as they stand.

        Raises:
            ValueError: If genes are named otherwise than in the network, several columns are
                those of one gene and no policy is named, or the values are on another scale.
        """
        if self.expected == "counts":
            for origin, table in tables.items():
                check_counts(table, origin=origin)
        if self.options.check_scale:
            check_scales(tables, self.expected)
        if self.expected == "log10":
            for origin, table in tables.items():
                check_log10(table, origin=origin)
        naming = Naming(
            self.network.nodes,
            symbols,
            to_upper=self.options.rename.get("to_upper", False),
            duplicates=self.options.duplicates,
            on_logs=self.expected == "log10",
        )
        named, reasons = rename_genes(tables, naming)
        for origin, table in named.items():
            refuse_other_names(table.columns, naming.known, origin=origin)
            reasons |= doubts(table.columns, naming.known)
        return named, reasons

    def symbols_of(self, path: str | Path) -> dict[str, str] | None:
        """Read the symbols of a file's genes, from the table of names or the file itself."""
        return self._symbols([path])

    def _symbols(self, paths: Iterable[str | Path]) -> dict[str, str] | None:
        if self.gene_map is not None:
            return read_gene_map(self.gene_map)
        column = self.options.symbols_in
        if column is None:
            return None
        parts = [_symbols_in(existing_file(path, "expression table"), column) for path in paths]
        return {name: symbol for part in parts for name, symbol in part.items()}


def split_options(options: Mapping[str, Any]) -> tuple[BorderOptions, dict[str, Any]]:
    """Take the border's options out of others."""
    own = {item.name for item in fields(BorderOptions)}
    border = BorderOptions(**{name: options[name] for name in own & set(options)})
    return border, {name: value for name, value in options.items() if name not in own}


def refuse_other_names(genes: pd.Index, known: pd.Index, *, origin: str) -> None:
    """Refuse a table whose genes go by other names than the network's.

    Args:
        genes: Names of a table's genes.
        known: The network's nodes.
        origin: Where the table comes from; named in messages.

    Raises:
        ValueError: If no name is known and they are ids, or if more names would be known in
            capitals than are as they stand; the message offers, nothing is renamed.
    """
    n_known = int(genes.isin(known).sum())
    report = diagnose_names(genes)
    if not n_known and report.kind in ("ensembl", "ensembl_versioned", "entrez"):
        kind = "Entrez" if report.kind == "entrez" else "Ensembl"
        raise ValueError(
            f"{origin} names its genes by {kind} ids ({listed(genes)}), the network by other "
            f"names ({listed(known)}); give a table with the columns gene_id and symbol as "
            "gene_map, or, in .h5ad, the column of var with the symbols as symbols_in"
        )
    capitals = {
        name: meant
        for name, meant in offer(genes[~genes.isin(known)], known).items()
        if name.upper() == meant
    }
    if len(capitals) > n_known:
        shown = [f"{name} for {meant}" for name, meant in capitals.items()]
        raise ValueError(
            f"{origin} has {counted(n_known, 'gene')} of the network as named there, and would "
            f"have {len(capitals):,} more in capitals: {listed(shown)}; if these are the "
            "network's genes, set rename to {to_upper: true}; if they are of a mouse, give a "
            "table of orthologues with the columns gene_id and symbol as gene_map"
        )


def with_reasons(dataset: Dataset, reasons: Mapping[str, str]) -> Dataset:
    """List genes that were not taken over among those left out, with the reasons.

    Args:
        dataset: A dataset.
        reasons: Reason by name, of :meth:`Border.take`.
    """
    used = dataset.expression.columns
    left_out = {name: why for name, why in reasons.items() if name not in used}
    if not left_out:
        return dataset
    excluded = dataset.excluded
    is_known = excluded["gene"].isin(left_out.keys()) & excluded["reason"].isin(_NO_NODE)
    excluded = excluded.assign(
        reason=excluded["reason"].mask(is_known, excluded["gene"].map(left_out))
    )
    listed_before = set(excluded["gene"])
    names = sorted(name for name in left_out if name not in listed_before)
    new = pd.DataFrame({"gene": names, "role": NO_ROLE, "reason": [left_out[n] for n in names]})
    together = pd.concat([excluded, new.astype(object)], ignore_index=True)
    return replace(dataset, excluded=together)


def _symbols_in(path: Path, column: str) -> dict[str, str]:
    """Read symbols from ``var``."""
    if path.suffix != ".h5ad":
        raise ValueError(
            f"symbols_in is {quoted(column)}, which is for .h5ad, and {path} is none; give a table "
            "with the columns gene_id and symbol as gene_map"
        )
    var = h5ad.read_var(path)
    if column not in var:
        raise ValueError(
            f"{path} has no column {quoted(column)} in var; found {listed(var.columns) or 'none'}"
        )
    return symbols_by_id(var.index.to_series(), var[column].astype(object), origin=str(path))


__all__ = [
    "NO_ROLE",
    "NO_SYMBOL",
    "Border",
    "BorderOptions",
    "refuse_other_names",
    "split_options",
    "with_reasons",
]
