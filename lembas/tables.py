"""Read, check, align and normalise expression tables: samples in rows, genes in columns."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from lembas.cached import CachedTable
from lembas.count_names import refuse_other_names
from lembas.formats import (
    existing_file,
    is_delimited_text,
    listed,
    read_labelled,
    to_float,
)
from lembas.gene_names import diagnose_names
from lembas.plain_text import short

# log10(x + 1) of a CPM or TPM is at most 6; no instrument counts 10^10 molecules.
LOG10_CEILING = 10.0


def read_expression(
    path: str | Path,
    *,
    genes_in: str = "columns",
    known_genes: Iterable[str] | None = None,
    cache: str | Path | None = None,
) -> pd.DataFrame:
    """Read a table of expression values or counts, and check it.

    Args:
        path: ``.tsv``, ``.csv`` or ``.txt`` (tab-separated), gzipped or not, with row labels in
            the first column; ``.parquet``; or ``.h5ad``, whose ``X`` is read.
        genes_in: ``"columns"`` or ``"rows"``: where the file has its genes.
        known_genes: Gene names, such as a network's nodes, by which to recognise a table that
            lies on its side; None: the orientation is not checked.
        cache: Folder that keeps tables parsed from text; a file with the same content is then
            read in seconds. None: nothing is kept.

    Returns:
        Expression, shape ``(sample, gene)``, float64, free of missing and infinite values;
        each value is exactly the double nearest to the file's text.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file cannot be read as a table, is empty or on its side, repeats or
            lacks a gene's or sample's name, or holds a cell that is not a finite number.
    """
    path = existing_file(path, "expression table")
    if genes_in not in ("columns", "rows"):
        raise ValueError(f'genes_in is {genes_in!r}; expected "columns" or "rows"')
    known = None if known_genes is None else pd.Index(known_genes)
    if cache is None or not is_delimited_text(path):
        return _read_checked(path, known, genes_in=genes_in)
    place = CachedTable.of(path, cache, variant=f"genes-in-{genes_in}")
    table = place.read_or(lambda: _read_checked(path, known, genes_in=genes_in))
    # A table that was kept may have been read without names to recognise its orientation by.
    _refuse_sideways(table.T if genes_in == "rows" else table, known, genes_in, str(path))
    return table


def check_expression(table: pd.DataFrame, *, origin: str) -> pd.DataFrame:
    """Check a table of expression values and name its axes.

    Args:
        table: Shape ``(sample, gene)``, numbers.
        origin: Where it comes from; named in messages.

    Returns:
        The table as float64, index name ``sample``, columns name ``gene``, labels as text; a
        table that is float64 already shares its values.

    Raises:
        ValueError: If it is empty, repeats or lacks a name, or holds a cell that is not a
            finite number.
    """
    _refuse_empty(table, origin)
    samples = checked_names(table.index, "sample", origin)
    genes = checked_names(table.columns, "gene", origin)
    # Other labels, the same values: a copy would double the memory of a wide table.
    table = table.copy(deep=False)
    table.index, table.columns = samples, genes
    table = to_float(table, origin=origin)
    wrong = np.isfinite(table.to_numpy())
    _refuse_cells(
        table,
        np.logical_not(wrong, out=wrong),
        f"{origin} holds missing or infinite values",
        "fill them, or remove the genes or samples concerned",
    )
    return table


def checked_names(labels: pd.Index, axis: str, origin: str) -> pd.Index:
    """Return labels as text.

    Args:
        labels: Names of samples or genes.
        axis: ``"sample"`` or ``"gene"``; named in messages, and the name of the result.
        origin: Where they come from; named in messages.

    Raises:
        ValueError: If a label is blank or repeated.
    """
    names = pd.Index(labels.astype(str), dtype=object, name=axis)
    blank = labels.isna() | (names.str.strip() == "")
    if blank.any():
        where = listed(np.flatnonzero(blank) + 1)
        raise ValueError(
            f"{origin} has {int(blank.sum())} blank {axis} name(s), at {axis} number {where}; "
            f"give every {axis} a name"
        )
    repeated = names[names.duplicated()].unique()
    if len(repeated):
        raise ValueError(
            f"{origin} has {len(repeated)} duplicate {axis} name(s): {listed(repeated)}; keep "
            f"one {'column' if axis == 'gene' else 'row'} for each {axis}, or merge them"
            f"{_of_dates(repeated) if axis == 'gene' else ''}"
        )
    return names


def _of_dates(repeated: pd.Index) -> str:
    """Explain names that are repeated because a spreadsheet made them dates."""
    dates = diagnose_names(repeated).dates
    if not dates:
        return ""
    return (
        f"; {listed(dates)} are dates that a spreadsheet made of symbols: write the table again "
        "with its names as text"
    )


def check_log10(table: pd.DataFrame, *, origin: str) -> pd.DataFrame:
    """Refuse a table that cannot be on a log10 scale, such as one of counts.

    Args:
        table: Expression, shape ``(sample, gene)``.
        origin: Where it comes from; named in messages.

    Returns:
        The same table.

    Raises:
        ValueError: If a value is above 10, that is, above 10^10 before the logarithm.
    """
    _refuse_cells(
        table,
        table.to_numpy() > LOG10_CEILING,
        f"{origin} holds values above {LOG10_CEILING:g}, too large for log10(x + 1)",
        "raw counts go through the source for counts; other values need their logarithm first",
    )
    return table


def aligned(reference: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Put one table's rows and columns into another's order.

    Args:
        reference: Any labelled table, such as measured expression ``(sample, gene)``.
        other: The same labels, in any order.

    Returns:
        ``other`` in the order of ``reference``.

    Raises:
        ValueError: If the two differ in their samples or genes, or one repeats a label.

    Example:
        >>> truth = pd.DataFrame({"ALB": [1.0], "AFP": [2.0]}, index=["s1"])
        >>> aligned(truth, truth[["AFP", "ALB"]]).columns.tolist()
        ['ALB', 'AFP']
    """
    _refuse_other_labels(reference.index, other.index, str(reference.index.name or "row"))
    _refuse_other_labels(reference.columns, other.columns, str(reference.columns.name or "column"))
    if other.index.equals(reference.index) and other.columns.equals(reference.columns):
        return other
    return other.reindex(index=reference.index, columns=reference.columns)


def counts_to_cpm(counts: pd.DataFrame, *, origin: str = "counts") -> pd.DataFrame:
    r"""Divide each sample's counts by its library size: counts per million (CPM).

    .. math:: \mathrm{CPM}_{ig} = 10^6 \, c_{ig} / \textstyle\sum_h c_{ih}

    Args:
        counts: All counted genes, shape ``(sample, gene)``, at least 0; whole or expected counts.
        origin: Where they come from; named in messages.

    Returns:
        CPM, same labels; every row sums to a million.

    Raises:
        ValueError: If a count is negative or a sample has none.
    """
    check_counts(counts, origin=origin)
    return counts.mul(1e6 / counts.sum(axis=1), axis=0)


def counts_to_tpm(
    counts: pd.DataFrame, length_bp: pd.Series, *, origin: str = "counts"
) -> pd.DataFrame:
    r"""Divide counts by gene length, then by their sum: transcripts per million (TPM).

    .. math:: \mathrm{TPM}_{ig} = 10^6 \, (c_{ig}/\ell_g) / \textstyle\sum_h (c_{ih}/\ell_h)

    Args:
        counts: All counted genes, shape ``(sample, gene)``, at least 0.
        length_bp: Length of each gene in base pairs, over ``gene``; others are ignored.
        origin: Where the counts come from; named in messages.

    Returns:
        TPM of the genes with a length, in the order of ``counts``; every row sums to a million.
        A gene without a length is left out: the caller lists ``counts.columns`` without it.

    Raises:
        ValueError: If a count is negative, a sample has none, or more than half of the genes
            have no length.
    """
    check_counts(counts, origin=origin)
    known = counts.columns.isin(length_bp.index)
    if 2 * known.sum() < len(known):
        raise ValueError(
            f"{origin}: {int((~known).sum())} of {len(known)} genes have no length, such as "
            f"{listed(counts.columns[~known])}; the length file names "
            f"{listed(length_bp.index)}: use the same gene names in both, or unit cpm"
        )
    rate = counts.loc[:, known].div(length_bp.reindex(counts.columns[known]), axis=1)
    _refuse_empty_libraries(rate.sum(axis=1), f"{origin}, among genes with a length,")
    return rate.mul(1e6 / rate.sum(axis=1), axis=0)


def log10p1(abundance: pd.DataFrame) -> pd.DataFrame:
    """Take log10(x + 1).

    Args:
        abundance: CPM or TPM, shape ``(sample, gene)``, at least 0.

    Raises:
        ValueError: If a value is negative.
    """
    _refuse_cells(abundance, abundance.to_numpy() < 0, "negative values", "expected x >= 0")
    return np.log10(abundance + 1.0)


def _read_checked(path: Path, known_genes: pd.Index | None, *, genes_in: str) -> pd.DataFrame:
    """Read a table from its own file."""
    table = read_labelled(path)
    _refuse_empty(table, str(path))
    _refuse_sideways(table, known_genes, genes_in, str(path))
    return check_expression(table.T if genes_in == "rows" else table, origin=str(path))


def _refuse_empty(table: pd.DataFrame, origin: str) -> None:
    if table.empty:
        raise ValueError(
            f"{origin} is empty ({table.shape[0]} rows, {table.shape[1]} columns of values); "
            "expected at least one sample and one gene"
        )


def _refuse_sideways(
    table: pd.DataFrame, known_genes: pd.Index | None, genes_in: str, origin: str
) -> None:
    """Refuse a table whose genes are on the other axis than the caller says."""
    if known_genes is None:
        return
    n_known = {
        "rows": int(table.index.isin(known_genes).sum()),
        "columns": int(table.columns.isin(known_genes).sum()),
    }
    other = "rows" if genes_in == "columns" else "columns"
    if n_known[other] > n_known[genes_in]:
        names = table.index if other == "rows" else table.columns
        raise ValueError(
            f"{origin} has genes in its {other} ({listed(names[names.isin(known_genes)])}), "
            f'where samples are expected; set genes_in="{other}", or turn the table'
        )


def _refuse_cells(table: pd.DataFrame, wrong: np.ndarray, problem: str, remedy: str) -> None:
    """Raise and name the first five cells where ``wrong`` is true, if there are any."""
    if not wrong.any():
        return
    rows, columns = np.nonzero(wrong)
    values = table.to_numpy()
    names = []
    for row, column in zip(rows[:5], columns[:5], strict=True):
        sample, gene = short(str(table.index[row])), short(str(table.columns[column]))
        names.append(f"{sample}/{gene} = {values[row, column]:g}")
    more = f" and {len(rows) - 5} more" if len(rows) > 5 else ""
    raise ValueError(f"{problem} (sample/gene): {', '.join(names)}{more}; {remedy}")


def check_counts(counts: pd.DataFrame, *, origin: str) -> None:
    """Refuse negative counts, samples without any, and names of no gene or no sample.

    Args:
        counts: Shape ``(sample, gene)``.
        origin: Where they come from; named in messages.

    Raises:
        ValueError: If there are some.
    """
    refuse_other_names(counts, origin=origin)
    _refuse_cells(
        counts,
        counts.to_numpy() < 0,
        f"{origin} holds negative counts",
        "give raw counts, not logarithms or centred values",
    )
    _refuse_empty_libraries(counts.sum(axis=1), origin)


def _refuse_empty_libraries(total: pd.Series, origin: str) -> None:
    """Refuse samples whose counts sum to nothing."""
    empty = total.index[total == 0]
    if len(empty):
        raise ValueError(
            f"{origin} has {len(empty)} sample(s) without a single count: {listed(empty)}; "
            "remove them"
        )


def _refuse_other_labels(expected: pd.Index, found: pd.Index, axis: str) -> None:
    """Refuse labels that are not the expected ones, in whatever order."""
    for labels in (expected, found):
        if not labels.is_unique:
            repeated = labels[labels.duplicated()].unique()
            raise ValueError(
                f"a table repeats the {axis} label(s) {listed(repeated)}; keep one of each"
            )
    if len(expected) == len(found) and expected.isin(found).all():
        return
    lacking, surplus = expected.difference(found), found.difference(expected)
    raise ValueError(
        f"the tables differ in their {axis} labels: {len(lacking)} only in the first "
        f"({listed(lacking) or 'none'}), {len(surplus)} only in the second "
        f"({listed(surplus) or 'none'}); restrict both to the labels they share"
    )
