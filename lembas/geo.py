"""Build a dataset from NCBI's RNA-seq count tables of GEO: one table, or several series."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from lembas.annotation import read_series
from lembas.border import with_reasons
from lembas.data import Dataset, build_dataset
from lembas.formats import counted, listed
from lembas.geo_tables import (
    UNNAMED,
    GeoAnnotation,
    GeoTable,
    accession_in,
    joined,
    refuse_shared_samples,
)
from lembas.network import Network
from lembas.plain_text import quoted
from lembas.tables import counts_to_cpm, counts_to_tpm, log10p1
from lembas.units import UNITS, least_log10

DUPLICATES = ("sum", "refuse")
NOT_ANNOTATED, WITHOUT_SYMBOL = "GeneID not in the annotation", "no symbol in the annotation"
NO_LENGTH = "no length in the annotation"


def from_geo(
    counts: str | Path | Iterable[str | Path] | Mapping[str, str | Path],
    annotation: str | Path,
    network: Network,
    *,
    external: Mapping[str, str | Path] | None = None,
    series: str | Path | None = None,
    unit: str = "cpm",
    duplicates: str = "sum",
    study: str = "GEO",
    min_expression: float | None = 0.5,
    cache: str | Path | None = None,
    **options: Any,
) -> Dataset:
    """Read count tables of GEO, name their genes by symbol, normalise, build the dataset.

    A gene without a symbol counts for the library size and is neither input nor target;
    ``excluded`` lists it. Samples stand in the order of their accessions, so the order of files,
    rows and columns has no effect.

    Args:
        counts: A table of the study, or several, as a list or by the names of their series. In
            a list, the series are the accessions in the files' names. With several series, whole
            ones are held out.
        annotation: NCBI's annotation of the same assembly.
        network: Prior network, by symbols.
        external: Tables of the external cohorts, by name.
        series: Table of the samples' series, in place of one series for each table.
        unit: ``"cpm"`` or ``"tpm"``; for TPM, a gene without a length is left out.
        duplicates: See :class:`GeoNormalisation`.
        study: Name of the study.
        min_expression: CPM or TPM that a gene must reach in ``min_fraction`` of the training
            samples; None: no filter.
        cache: Folder that keeps the parsed tables; see :func:`lembas.tables.read_expression`.
        **options: Further arguments of :func:`lembas.data.build_dataset`, such as ``seed``.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a file is unsound or holds no counts, its GeneIDs are not the annotation's,
            two tables share a sample, or as :func:`lembas.data.build_dataset` says.
    """
    least = least_log10(unit, min_expression)
    known = GeoAnnotation.read(annotation)
    rule = GeoNormalisation(known, unit=unit, duplicates=duplicates)
    own = [
        GeoTable.read(path, known, series=name, cache=cache)
        for name, path in _series_and_files(counts)
    ]
    others = {
        name: GeoTable.read(path, known, series=accession_in(path) or name, cache=cache)
        for name, path in (external or {}).items()
    }
    refuse_shared_samples([*own, *others.values()])
    cohort = joined(own)
    everything = [cohort, *others.values()]
    dataset = build_dataset(
        rule.normalised(cohort),
        network,
        external={name: rule.normalised(table) for name, table in others.items()},
        series=_series_of(everything) if series is None else read_series(series),
        study=study,
        unit=UNITS[unit],
        min_expression=least,
        library_size=pd.concat([table.counts.sum(axis=1) for table in everything]),
        origins=_origins({**others, study: cohort}, series),
        **options,
    )
    return _with_reasons(dataset, rule.left_out(everything))


@dataclass(frozen=True)
class GeoNormalisation:
    """Turn counts of GeneIDs into log10(CPM + 1) or log10(TPM + 1) of symbols.

    Attributes:
        annotation: Symbols and lengths of the GeneIDs.
        unit: ``"cpm"`` or ``"tpm"``.
        duplicates: ``"sum"`` GeneIDs of one symbol, or ``"refuse"`` them. Counts are added up for
            CPM; for TPM each GeneID's counts are divided by its own length first, so the merged
            gene needs no length of its own, and one without a length adds nothing.
    """

    annotation: GeoAnnotation
    unit: str = "cpm"
    duplicates: str = "sum"

    def __post_init__(self) -> None:
        """Refuse an unknown policy."""
        if self.duplicates not in DUPLICATES:
            raise ValueError(
                f"duplicates is {quoted(self.duplicates)}; expected one of {', '.join(DUPLICATES)}"
            )

    def normalised(self, table: GeoTable) -> pd.DataFrame:
        """Normalise a table.

        Args:
            table: Counts, ``(sample, gene)`` by GeneID.

        Returns:
            Shape ``(sample, gene)``, by symbol; CPM have a column for each GeneID without one.

        Raises:
            ValueError: If a count is negative, a sample has none, symbols are repeated and
                refused, or more than half of the genes have no length.
        """
        if self.unit == "cpm":
            merged = self._by_symbol(table.counts, table.origin)
            return log10p1(counts_to_cpm(merged, origin=table.origin))
        lengths = self.annotation.length_bp.dropna()
        tpm = counts_to_tpm(table.counts, lengths, origin=table.origin)
        return log10p1(self._by_symbol(tpm, table.origin))

    def left_out(self, tables: Iterable[GeoTable]) -> dict[str, str]:
        """Say of genes that can be neither input nor target why; by symbol, or by GeneID.

        Args:
            tables: All cohorts' tables.
        """
        reasons: dict[str, str] = {}
        annotated = self.annotation.symbol.index
        for table in tables:
            genes = table.counts.columns
            names = self.annotation.names(genes)
            for gene, name in zip(genes, names, strict=True):
                if name.startswith(UNNAMED):
                    reasons[name] = WITHOUT_SYMBOL if gene in annotated else NOT_ANNOTATED
            if self.unit == "tpm":
                has_length = self.annotation.length_bp.reindex(genes).notna().to_numpy()
                without = names[~names.isin(names[has_length])]
                reasons |= {name: NO_LENGTH for name in without if not name.startswith(UNNAMED)}
        return reasons

    def _by_symbol(self, table: pd.DataFrame, origin: str) -> pd.DataFrame:
        """Add up columns with the same symbol."""
        named = table.set_axis(self.annotation.names(table.columns), axis=1)
        repeated = named.columns.duplicated(keep=False)
        if not repeated.any():
            return named
        if self.duplicates == "refuse":
            symbols = named.columns[repeated].unique()
            raise ValueError(
                f"{origin}: {counted(len(symbols), 'symbol')} of several GeneIDs each: "
                f"{listed(symbols)}; set duplicates to sum, or remove GeneIDs from the table"
            )
        summed = named.loc[:, repeated].T.groupby(level=0).sum().T
        return pd.concat([named.loc[:, ~repeated], summed], axis=1).rename_axis(columns="gene")


def _series_and_files(
    counts: str | Path | Iterable[str | Path] | Mapping[str, str | Path],
) -> list[tuple[str, Path]]:
    """Name the series of each table of the study."""
    if isinstance(counts, Mapping):
        return [(str(name), Path(path)) for name, path in counts.items()]
    paths = [Path(counts)] if isinstance(counts, str | Path) else [Path(path) for path in counts]
    nameless = [path.name for path in paths if not accession_in(path)]
    if nameless and len(paths) > 1:
        raise ValueError(
            f"the names of {counted(len(nameless), 'count table')} have no accession GSE...: "
            f"{listed(nameless)}; name each table's series, such as "
            f"{{GSE135251: {nameless[0]}}} in place of a list"
        )
    return [(accession_in(path), path) for path in paths]


def _series_of(tables: list[GeoTable]) -> pd.Series | None:
    """Give every sample its table's series, when those of the study, the first, are several."""
    if tables[0].series.nunique() < 2:
        return None
    return pd.concat([table.series for table in tables])


def _origins(tables: Mapping[str, GeoTable], series: str | Path | None) -> dict[str, str]:
    """Name the files of each cohort and of the series, for messages."""
    origins = {name: table.origin for name, table in tables.items()}
    return origins if series is None else {**origins, "series": str(series)}


def _with_reasons(dataset: Dataset, reasons: Mapping[str, str]) -> Dataset:
    """List genes that no role was meant for, and say why others count as not measured."""
    excluded = dataset.excluded
    known = excluded["gene"].map(reasons).where(excluded["reason"] == "not measured")
    excluded = excluded.assign(reason=known.fillna(excluded["reason"]).astype(object))
    unnamed = {name: why for name, why in reasons.items() if name.startswith(UNNAMED)}
    return with_reasons(replace(dataset, excluded=excluded), unnamed)
