"""Read NCBI's RNA-seq count tables of GEO, whose genes are GeneIDs, and their annotation."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from lembas.formats import column_names, counted, existing_file, listed, read_records
from lembas.labels import by_number
from lembas.plain_text import quoted
from lembas.scales import LARGEST_LOG
from lembas.tables import checked_names, read_expression

# How a gene without a symbol is called; no symbol has a colon.
UNNAMED = "GeneID:"
# Part of a table's genes that its annotation must know; NCBI's knows all.
LEAST_KNOWN = 0.9
_SERIES = re.compile(r"GSE\d+")
_SAMPLE = re.compile(r"GSM\d+")


@dataclass(frozen=True)
class GeoAnnotation:
    """Hold what NCBI's annotation says of the genes.

    Attributes:
        symbol: Symbol over ``gene`` (GeneID as text); ``""`` where there is none.
        length_bp: Length in base pairs over ``gene``; NaN where there is none.
        origin: Where it comes from; named in messages.
    """

    symbol: pd.Series
    length_bp: pd.Series
    origin: str

    @classmethod
    def read(cls, path: str | Path) -> GeoAnnotation:
        """Read an annotation file, such as ``Human.GRCh38.p13.annot.tsv.gz``.

        Args:
            path: TSV with the columns ``GeneID``, ``Symbol`` and ``Length``; others are ignored.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it cannot be read, lacks a column, lists a GeneID twice, or gives a
                length that is no positive number.
        """
        columns = ("GeneID", "Symbol", "Length")
        # A description may hold a single quotation mark: none of them encloses cells.
        table = read_records(path, "GEO annotation", columns, quoted=False)
        genes = checked_names(pd.Index(table["GeneID"].str.strip()), "gene", str(path))
        symbol = table["Symbol"].str.strip().replace("-", "").to_numpy(object)
        text = table["Length"].str.strip().to_numpy(object)
        length = pd.to_numeric(pd.Series(text), errors="coerce").to_numpy(np.float64)
        wrong = (text != "") & ~(np.isfinite(length) & (length > 0))
        if wrong.any():
            shown = [f"{gene}: {quoted(cell)}" for gene, cell in zip(genes, text, strict=True)]
            raise ValueError(
                f"{path} gives {counted(int(wrong.sum()), 'GeneID')} a length that is no positive "
                f"number: {listed(np.array(shown, dtype=object)[wrong])}; download it again"
            )
        return cls(pd.Series(symbol, genes), pd.Series(length, genes), str(path))

    def names(self, genes: pd.Index) -> pd.Index:
        """Name genes by symbol; one without a symbol stays apart, under its GeneID."""
        symbol = self.symbol.reindex(genes).fillna("").to_numpy(object)
        names = np.where(symbol == "", UNNAMED + genes.to_numpy(object), symbol)
        return pd.Index(names, dtype=object, name="gene")


@dataclass(frozen=True)
class GeoTable:
    """Hold the counts of one table, or of several joined.

    Attributes:
        counts: Shape ``(sample, gene)``, GSM accessions and GeneIDs as text, each in the order
            of their numbers.
        series: Series of each sample, over ``sample``; ``""`` where it is unknown.
        origin: Where they come from; named in messages.
    """

    counts: pd.DataFrame
    series: pd.Series
    origin: str

    @classmethod
    def read(
        cls,
        path: str | Path,
        annotation: GeoAnnotation,
        *,
        series: str = "",
        cache: str | Path | None = None,
    ) -> GeoTable:
        """Read a table such as ``GSE135251_raw_counts_GRCh38.p13_NCBI.tsv.gz``.

        Args:
            path: Its first column is ``GeneID``, each other column a sample, ``GSM...``.
            annotation: NCBI's annotation of the same assembly.
            series: The samples' series.
            cache: Folder that keeps the parsed table.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it is damaged or has other columns, a value is no whole number, or
                more than a tenth of its GeneIDs are not in the annotation.
        """
        path = existing_file(path, "GEO count table")
        _refuse_other_columns(column_names(path), str(path))
        table = read_expression(path, genes_in="rows", cache=cache)
        _refuse_other_genes(table.columns, annotation, str(path))
        _refuse_parts(table, str(path))
        counts = _in_order(table)
        return cls(counts, pd.Series(series, counts.index, dtype=object), str(path))


def accession_in(path: str | Path) -> str:
    """Return the GSE accession in a file's name, ``""`` where there is none.

    Example:
        >>> accession_in("raw/GSE135251_raw_counts_GRCh38.p13_NCBI.tsv.gz")
        'GSE135251'
    """
    found = _SERIES.search(Path(path).name)
    return found.group() if found else ""


def joined(tables: list[GeoTable]) -> GeoTable:
    """Put the samples of a study's tables together.

    Args:
        tables: One or more, of different samples.

    Raises:
        ValueError: If they differ in their GeneIDs.
    """
    first, *others = tables
    if not others:
        return first
    genes = first.counts.columns
    for other in others:
        alone = genes.symmetric_difference(other.counts.columns)
        if len(alone):
            raise ValueError(
                f"{first.origin} and {other.origin} differ in their genes: "
                f"{counted(len(alone), 'GeneID')} in one of the two only ({listed(alone)}); take "
                "all tables of a study from one assembly and annotation release"
            )
    return GeoTable(
        _in_order(pd.concat([table.counts for table in tables])),
        pd.concat([table.series for table in tables]),
        listed([table.origin for table in tables]),
    )


def refuse_shared_samples(tables: Iterable[GeoTable]) -> None:
    """Refuse tables of which two hold the same sample.

    Args:
        tables: All tables that are read.

    Raises:
        ValueError: If there are two; a sample may belong to several series of GEO.
    """
    for one, other in combinations(tables, 2):
        shared = one.counts.index.intersection(other.counts.index)
        if len(shared):
            raise ValueError(
                f"{one.origin} and {other.origin} share {counted(len(shared), 'sample')}: "
                f"{listed(shared)}; a sample may be in a series and in the SuperSeries above it: "
                "leave one of the tables out, or take the samples from one of them"
            )


def _refuse_other_columns(names: list[str], origin: str) -> None:
    """Refuse a table whose columns are not a GeneID and samples."""
    first, *samples = names
    if first != "GeneID":
        raise ValueError(
            f"{origin}: the first column is {quoted(first)}; expected 'GeneID', as in NCBI's "
            "GSE..._raw_counts_..._NCBI.tsv.gz; read tables of another make by source counts"
        )
    others = [name for name in samples if not _SAMPLE.fullmatch(name)]
    if others or not samples:
        raise ValueError(
            f"{origin} has {counted(len(others), 'column')} besides GeneID not named by a sample's "
            f"accession: {listed(others) or 'none'}; expected GSM and a number for each sample, "
            "and one sample at least: remove columns of annotation"
        )


def _refuse_other_genes(genes: pd.Index, annotation: GeoAnnotation, origin: str) -> None:
    """Refuse a table that the annotation does not fit."""
    unknown = genes[~genes.isin(annotation.symbol.index)]
    if len(unknown) <= (1 - LEAST_KNOWN) * len(genes):
        return
    raise ValueError(
        f"{origin}: {len(unknown):,} of {counted(len(genes), 'GeneID')} "
        f"({len(unknown) / len(genes):.0%}) are not in the annotation {annotation.origin}, such "
        f"as {listed(unknown)}; it has {listed(annotation.symbol.index)}; use the annotation of "
        "the table's organism and assembly"
    )


def _refuse_parts(table: pd.DataFrame, origin: str) -> None:
    """Refuse values that are no whole numbers: NCBI counts reads."""
    values = table.to_numpy()
    wrong = values != np.floor(values)
    if not wrong.any():
        return
    largest = values.max()
    kind = "logarithms are" if largest <= LARGEST_LOG else "TPM and FPKM are"
    places = np.argwhere(wrong)[:5]
    cells = [f"{table.index[i]}/{table.columns[j]} = {values[i, j]:g}" for i, j in places]
    raise ValueError(
        f"{origin}: {wrong.mean():.0%} of the values are no whole numbers, and the largest is "
        f"{largest:,.4g}, as {kind} (sample/gene): {', '.join(cells)}; NCBI's counts are whole: "
        "take GSE..._raw_counts_..., not GSE..._norm_counts_..., and no logarithms"
    )


def _in_order(table: pd.DataFrame) -> pd.DataFrame:
    """Sort samples and genes by their numbers, so that no sum depends on the file's order."""
    rows, columns = (
        sorted(range(len(names)), key=[by_number(name) for name in names].__getitem__)
        for names in (table.index, table.columns)
    )
    # Row after row in memory, from whatever layout: sums of parts then round in one way.
    values = np.ascontiguousarray(table.to_numpy()[np.ix_(rows, columns)])
    return pd.DataFrame(values, table.index[rows], table.columns[columns], copy=False)
