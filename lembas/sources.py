"""Turn a profile's data source into a dataset: one function for each kind of source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from lembas import h5ad
from lembas.annotation import read_gene_lengths, read_series
from lembas.border import Border, split_options, with_reasons
from lembas.cohorts import ROWS_AT_ONCE
from lembas.data import Dataset, build_dataset
from lembas.formats import counted, existing_file, listed
from lembas.network import Network
from lembas.tables import check_expression, counts_to_cpm, counts_to_tpm, log10p1
from lembas.units import UNITS, least_log10

# Tables that should be equal were written with four decimals at least.
SAME_EXPRESSION = 1e-3


def from_counts(
    counts: str | Path,
    network: Network,
    *,
    unit: str = "cpm",
    gene_lengths: str | Path | None = None,
    external: Mapping[str, str | Path] | None = None,
    series: str | Path | None = None,
    gene_map: str | Path | None = None,
    study: str = "study",
    genes_in: str = "rows",
    min_expression: float | None = 0.5,
    cache: str | Path | None = None,
    **options: Any,
) -> Dataset:
    """Read raw counts, normalise them to log10(CPM + 1) or log10(TPM + 1), build the dataset.

    Args:
        counts: Table of counts of the study: all genes, not only the network's, for they make
            the library size.
        network: Prior network.
        unit: ``"cpm"`` or ``"tpm"``.
        gene_lengths: File of gene lengths; needed for TPM. A gene without one is left out.
        external: Tables of counts of the external cohorts, by name.
        series: Table of the samples' series.
        gene_map: Table of gene names, ``gene_id`` and ``symbol``; None: names as they stand.
        study: Name of the study.
        genes_in: ``"rows"`` or ``"columns"``: where the tables have their genes.
        min_expression: CPM or TPM that a gene must reach in ``min_fraction`` of the training
            samples; None: no filter.
        cache: Folder that keeps the parsed tables; see :func:`lembas.tables.read_expression`.
        **options: Fields of :class:`lembas.border.BorderOptions`, and further arguments of
            :func:`lembas.data.build_dataset`, such as ``seed``.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a table is unsound or holds no counts, its genes go by other names than
            the network's, or as :func:`lembas.data.build_dataset` says.
    """
    least = least_log10(unit, min_expression)
    lengths = _lengths_for(unit, gene_lengths)
    border_options, options = split_options(options)
    border = Border(network, "counts", border_options, gene_map)
    files = [counts, *(external or {}).values()]
    tables, reasons = border.read(files, genes_in=genes_in, cache=cache)
    # Taken out one by one: all counts and all logarithms at once would need twice the memory.
    parts = {path: _normalised(tables.pop(path), lengths, path) for path in list(tables)}
    dataset = build_dataset(
        parts[str(counts)].expression,
        network,
        external={name: parts[str(path)].expression for name, path in (external or {}).items()},
        series=None if series is None else read_series(series),
        study=study,
        unit=UNITS[unit],
        min_expression=least,
        library_size=pd.concat([part.library_size for part in parts.values()]),
        origins=_origins({**(external or {}), study: counts, "series": series}),
        **options,
    )
    return with_reasons(dataset if lengths is None else _say_no_length(dataset, lengths), reasons)


def from_tables(
    tf_table: str | Path,
    gene_table: str | Path,
    network: Network,
    *,
    external: Mapping[str, str | Path] | None = None,
    series: str | Path | None = None,
    gene_map: str | Path | None = None,
    study: str = "study",
    genes_in: str = "columns",
    unit: str = "log10(TPM+1)",
    cache: str | Path | None = None,
    **options: Any,
) -> Dataset:
    """Read the original study's layout: a table of TFs, one of genes, both on a log10 scale.

    Inputs are the columns of the TF table that are TFs of the network, targets the columns of
    the gene table that are its targets; all others are listed in ``excluded``, such as TF, which
    is transferrin. No gene is filtered by expression unless ``min_expression`` is given.

    Args:
        tf_table: Expression of the TFs, ``(sample, tf)``.
        gene_table: Expression of the genes, ``(sample, gene)``, of the same samples; genes that
            are in both tables must have the same values in both.
        network: Prior network.
        external: Tables of the external cohorts by name, TFs and genes together.
        series: Table of the samples' series.
        gene_map: Table of gene names, ``gene_id`` and ``symbol``; None: names as they stand.
        study: Name of the study.
        genes_in: ``"columns"`` or ``"rows"``: where the tables have their genes.
        unit: Unit of the values.
        cache: Folder that keeps the parsed tables; see :func:`lembas.tables.read_expression`.
        **options: Fields of :class:`lembas.border.BorderOptions`, and further arguments of
            :func:`lembas.data.build_dataset`, such as ``seed``.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a table is unsound, the two differ in samples or in a shared gene, or as
            :func:`lembas.data.build_dataset` says.
    """
    border_options, options = split_options(options)
    border = Border(network, "log10", border_options, gene_map)
    files = [tf_table, gene_table, *(external or {}).values()]
    tables, reasons = border.read(files, genes_in=genes_in, cache=cache)
    both = f"{tf_table} and {gene_table}"
    offered = (tables[str(tf_table)].columns, tables[str(gene_table)].columns)
    joined = _joined(tables[str(tf_table)], tables[str(gene_table)], both)
    apart = {name: tables[str(path)] for name, path in (external or {}).items()}
    # The joined table takes their place: a wide study would lie in memory twice.
    del tables
    dataset = build_dataset(
        joined,
        network,
        external=apart,
        series=None if series is None else read_series(series),
        study=study,
        unit=unit,
        offered=offered,
        origins=_origins({**(external or {}), study: both, "series": series}),
        **options,
    )
    return with_reasons(dataset, reasons)


def from_h5ad(
    path: str | Path,
    network: Network,
    *,
    gene_map: str | Path | None = None,
    study: str | None = None,
    unit: str = "log10(TPM+1)",
    **options: Any,
) -> Dataset:
    """Read an AnnData file on a log10 scale; its samples' columns name cohorts and series.

    Counts in ``.h5ad`` go through :func:`from_counts` with ``genes_in="columns"``.

    Args:
        path: ``.h5ad`` with samples in ``obs`` and genes in ``var``. Where present, ``obs``
            columns are used: ``cohort``, ``series``, ``library_size``. A gene that is NaN
            throughout a cohort counts as not measured there.
        network: Prior network.
        gene_map: Table of gene names, ``gene_id`` and ``symbol``; None: names as they stand, or
            by ``symbols_in``.
        study: Cohort to split into training and test samples; the others are external. Not
            needed when there is one cohort.
        unit: Unit of the values.
        **options: Fields of :class:`lembas.border.BorderOptions`, and further arguments of
            :func:`lembas.data.build_dataset`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is unsound, has several cohorts and ``study`` names none of
            them, or as :func:`lembas.data.build_dataset` says.
    """
    path = existing_file(path, "AnnData file")
    matrix, obs, _, _ = h5ad.read(path)
    cohort = _cohorts_of(obs, path) if "cohort" in obs else pd.Series(study or "study", obs.index)
    study = _study_among(cohort, study, path)
    border_options, options = split_options(options)
    border = Border(network, "log10", border_options, gene_map)
    # The study first: it decides which of several columns of a gene is kept.
    cohorts = list(dict.fromkeys([study, *cohort.unique()]))
    origin = {name: f"{path}, cohort {name}" for name in cohorts}
    measured = {origin[name]: _measured_in(matrix, cohort == name, path) for name in cohorts}
    tables, reasons = border.take(measured, border.symbols_of(path))
    dataset = build_dataset(
        tables[origin[study]],
        network,
        external={name: tables[origin[name]] for name in cohorts[1:]},
        series=_known(obs, "series"),
        library_size=_library_size(obs, path),
        study=study,
        unit=unit,
        origins=dict.fromkeys([*cohorts, "series"], str(path)),
        **options,
    )
    return with_reasons(dataset, reasons)


def _measured_in(matrix: pd.DataFrame, chosen: pd.Series, path: Path) -> pd.DataFrame:
    """Cut a cohort out, without genes that were not measured there."""
    measured = matrix[chosen.to_numpy()].dropna(axis="columns", how="all")
    return check_expression(measured, origin=str(path))


class _Counted(NamedTuple):
    """Hold a cohort's expression and its samples' library sizes."""

    expression: pd.DataFrame
    library_size: pd.Series


def _normalised(counts: pd.DataFrame, lengths: pd.Series | None, path: str | Path) -> _Counted:
    """Turn counts into TPM when lengths are given, into CPM otherwise."""
    if lengths is None:
        abundance = counts_to_cpm(counts, origin=str(path))
    else:
        abundance = counts_to_tpm(counts, lengths, origin=str(path))
    return _Counted(log10p1(abundance), counts.sum(axis=1))


def _origins(files: Mapping[str, str | Path | None]) -> dict[str, str]:
    """Name the file of each cohort and of the series, for messages."""
    return {name: str(file) for name, file in files.items() if file is not None}


def _lengths_for(unit: str, path: str | Path | None) -> pd.Series | None:
    """Read the gene lengths when the unit needs them."""
    if unit == "cpm":
        return None
    if path is None:
        raise ValueError('unit "tpm" needs gene lengths; name their file in gene_lengths')
    return read_gene_lengths(path)


def _say_no_length(dataset: Dataset, lengths: pd.Series) -> Dataset:
    """Give the reason for genes that were left out because they have no length."""
    excluded = dataset.excluded
    unmeasured = excluded["reason"] == "not measured"
    without = unmeasured & ~excluded["gene"].isin(lengths.index)
    reason = excluded["reason"].mask(without, "not measured, or no gene length")
    return replace(dataset, excluded=excluded.assign(reason=reason))


def _joined(tfs: pd.DataFrame, genes: pd.DataFrame, origin: str) -> pd.DataFrame:
    """Join the two tables of a study, whose shared genes must agree."""
    lacking = tfs.index.symmetric_difference(genes.index)
    if len(lacking):
        raise ValueError(
            f"{origin}: {len(lacking)} sample(s) are in one of the tables only: "
            f"{listed(lacking)}; both need the same samples"
        )
    if not genes.index.equals(tfs.index):
        genes = genes.reindex(index=tfs.index)
    shared = tfs.columns.intersection(genes.columns)
    differs = ((tfs[shared] - genes[shared]).abs() > SAME_EXPRESSION).any()
    if differs.any():
        raise ValueError(
            f"{origin} give {int(differs.sum())} gene(s) different values: "
            f"{listed(shared[differs.to_numpy()])}; make both tables from the same expression"
        )
    alone = np.flatnonzero(~genes.columns.isin(shared))
    values = np.empty((len(tfs), tfs.shape[1] + len(alone)))
    values[:, : tfs.shape[1]] = tfs.to_numpy()
    for first in range(0, len(values), ROWS_AT_ONCE):
        part = slice(first, first + ROWS_AT_ONCE)
        values[part, tfs.shape[1] :] = genes.to_numpy()[part][:, alone]
    names = tfs.columns.append(genes.columns[alone])
    return pd.DataFrame(values, index=tfs.index, columns=names, copy=False)


def _study_among(cohort: pd.Series, study: str | None, path: Path) -> str:
    """Name the cohort to split, or say which there are."""
    names = [str(name) for name in cohort.unique()]
    if study is None and len(names) == 1:
        return names[0]
    if study not in names:
        raise ValueError(
            f"{path} has the cohorts {listed(names)}, and study is {study!r}; name the cohort to "
            "split into training and test samples"
        )
    return study


def _known(obs: pd.DataFrame, column: str) -> pd.Series | None:
    """Return a column of the samples' table, unless it is absent or blank throughout."""
    if column not in obs:
        return None
    values = obs[column].astype(object).dropna()
    values = values[values.astype(str).str.strip() != ""]
    return values if len(values) else None


def _cohorts_of(obs: pd.DataFrame, path: Path) -> pd.Series:
    """Return each sample's cohort, or name samples without one."""
    cohort = obs["cohort"].astype(object)
    blank = cohort.isna() | (cohort.astype(str).str.strip() == "")
    if blank.any():
        raise ValueError(
            f"{path} gives {counted(int(blank.sum()), 'sample')} no cohort in obs: "
            f"{listed(obs.index[blank])}; name a cohort for each, or remove the column cohort"
        )
    return cohort.astype(str).str.strip()


def _library_size(obs: pd.DataFrame, path: Path) -> pd.Series | None:
    """Return the samples' library sizes, where known, or name those that are none."""
    known = _known(obs, "library_size")
    if known is None:
        return None
    sizes = pd.to_numeric(known, errors="coerce").astype(np.float64)
    wrong = ~(np.isfinite(sizes) & (sizes >= 0))
    if wrong.any():
        shown = [f"{sample} = {value}" for sample, value in known[wrong].items()]
        raise ValueError(
            f"{path} gives {counted(len(shown), 'sample')} no count as library_size in obs: "
            f"{listed(shown)}; expected sums of counts, at least 0: correct them, or remove the "
            "column"
        )
    return sizes
