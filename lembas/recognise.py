"""Recognise what a file holds: expression, a network, gene lengths, series, names of genes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from lembas.formats import counted, is_delimited_text, listed
from lembas.gene_names import diagnose_names
from lembas.network_layouts import matching
from lembas.network_text import looks_like_sif
from lembas.orientation import ACCESSION, SAMPLE_CORNERS
from lembas.peek import Peek, peek_text
from lembas.peek_binary import PeekHdf5, peek_hdf5, peek_parquet
from lembas.text_blocks import MISSING
from lembas.text_files import commas_in_numbers

# The four files of the original study; only these are known by their names.
ORIGINAL_NAMES = {
    "TF(full).tsv": "tf_table",
    "Geneexpression (full).tsv": "gene_table",
    "network(full).tsv": "network",
    "Liver_bulk_external.tsv": "external",
}
ORIGINAL_FILES = {role: name for name, role in ORIGINAL_NAMES.items()}
# Tables known by the names of their columns, the most special first.
NAMED_LAYOUTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("gene_lengths", ("gene_name", "length_bp")),
    ("annotation", ("GeneID", "Symbol")),
    ("series", ("sample", "series")),
)
ROLES = {
    "expression": "expression",
    "network": "network",
    "gene_lengths": "gene lengths",
    "annotation": "gene annotation (NCBI)",
    "gene_map": "gene names, old and new",
    "series": "series of the samples",
    "sample_table": "other table of samples",
    "other": "not used",
    "unreadable": "not readable",
}
IDENTIFIERS = ("ensembl", "ensembl_versioned", "entrez")
HDF5 = (".h5ad", ".h5", ".hdf5")


def _no_labels() -> pd.Index:
    return pd.Index([], dtype=object)


@dataclass(frozen=True)
class Recognised:
    """Say what one file holds, and why that is believed.

    Attributes:
        file: Name relative to the folder.
        role: One of ``ROLES``.
        why: What it was recognised by, or why it was not.
        layout: "text", "parquet", "h5ad", "archs4"; of a network, the layout of its columns.
        corner: Name of the column of row labels.
        rows: Row labels; of HDF5 files the samples.
        columns: Column labels; of HDF5 files the genes.
        wide: Numbers looked at, ``(row, column)``: of some rows all columns, NaN for no number.
        tall: The same, of all rows some columns; empty where rows are too many.
        n_rows: Rows in the file, estimated when it was not read to its end.
        complete: Whether ``rows`` are all of them.
        problems: What the readers will refuse; how to mend it is part of each.
        var: What an .h5ad knows of its genes, all columns of text.
        pair: Of a table of gene names, its columns of identifiers and of symbols.
        cohorts: Cohorts that an .h5ad names, with the samples of each.
    """

    file: str
    role: str
    why: str
    layout: str = "text"
    corner: str = ""
    rows: pd.Index = field(default_factory=_no_labels, repr=False, compare=False)
    columns: pd.Index = field(default_factory=_no_labels, repr=False, compare=False)
    wide: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False, compare=False)
    tall: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False, compare=False)
    n_rows: int = 0
    complete: bool = True
    problems: tuple[str, ...] = ()
    var: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False, compare=False)
    pair: tuple[str, str] = ("", "")
    cohorts: tuple[tuple[str, int], ...] = ()

    def __post_init__(self) -> None:
        """Refuse a role that nothing is known of."""
        if self.role not in ROLES:
            raise ValueError(f"role is {self.role!r}; expected one of {', '.join(ROLES)}")

    @property
    def original(self) -> str:
        """Role among the original study's four files, by its very name; empty for others."""
        return ORIGINAL_NAMES.get(self.file, "")


def recognise(path: Path, folder: Path) -> Recognised:
    """Look at a file and say what it holds.

    Columns' names and cells decide, never the file's name: a renamed file is recognised as
    before. The original study's files are no exception here; their names only matter to
    :attr:`Recognised.original`.

    Args:
        path: The file.
        folder: Folder that names are relative to.

    Returns:
        The record; a damaged file is one with the role "unreadable".
    """
    name = path.relative_to(folder).as_posix()
    try:
        if path.suffix in HDF5:
            return _of_hdf5(name, peek_hdf5(path))
        if ".sif" in path.suffixes:
            return Recognised(name, "network", "SIF: TF, relation, gene", layout="sif")
        if path.suffix == ".parquet":
            return _of_table(name, peek_parquet(path), "parquet")
        if is_delimited_text(path):
            return _of_table(name, peek_text(path), "text")
    except (ValueError, OSError) as error:
        return Recognised(name, "unreadable", str(error))
    return Recognised(name, "other", f"{path.suffix or 'no suffix'}: no format of tables")


def _of_hdf5(name: str, seen: PeekHdf5) -> Recognised:
    """Describe an .h5ad or ARCHS4 file."""
    why = {"h5ad": "AnnData: obs, var and X", "archs4": "ARCHS4: data/expression and meta"}
    cohorts: tuple[tuple[str, int], ...] = ()
    if "cohort" in seen.obs:
        sizes = seen.obs["cohort"].astype(str).value_counts(sort=False)
        cohorts = tuple((str(cohort), int(size)) for cohort, size in sizes.items() if size)
    return Recognised(
        name,
        "expression",
        why[seen.layout],
        layout=seen.layout,
        rows=pd.Index(seen.obs.index, dtype=object),
        columns=pd.Index(seen.var.index, dtype=object),
        wide=seen.cells,
        n_rows=seen.n_samples,
        complete=len(seen.obs) == seen.n_samples,
        var=seen.var,
        cohorts=cohorts,
    )


def _of_table(name: str, seen: Peek, layout: str) -> Recognised:
    """Describe a table by its columns' names, or else by its cells."""
    header = {seen.corner, *seen.columns}
    for role, needed in NAMED_LAYOUTS:
        if header.issuperset(needed):
            return _records(name, role, f"columns {', '.join(needed)}", seen)
    # TF and target in the header: no table of expression has both, whatever its numbers.
    if layouts := matching([seen.corner, *map(str, seen.columns)]):
        words = " or ".join(layout.words for layout in layouts)
        return replace(_records(name, "network", words, seen), layout=layouts[0].name)
    numbers = seen.wide[seen.texts.columns] if seen.columns.is_unique else seen.tall
    of_numbers = numbers.notna().any()
    if len(of_numbers) > 1 and 2 * of_numbers.sum() > len(of_numbers):
        return Recognised(
            name,
            "expression",
            "numbers, names on both sides",
            layout=layout,
            corner=seen.corner,
            rows=seen.rows,
            columns=seen.columns,
            wide=seen.wide,
            tall=seen.tall,
            n_rows=seen.n_rows,
            complete=seen.complete,
            problems=_problems(seen),
        )
    return _of_records(name, seen)


def _of_records(name: str, seen: Peek) -> Recognised:
    """Describe a table of text."""
    header = [seen.corner, *map(str, seen.columns)]
    if looks_like_sif("\n".join("\t".join(row) for row in [header, *_text_rows(seen)])):
        return replace(_records(name, "network", "SIF: TF, relation, gene", seen), layout="sif")
    if remedy := commas_in_numbers(_not_numbers(seen)):
        return _records(name, "unreadable", f"commas in its numbers: {remedy}", seen)
    if pair := _gene_map_columns(seen):
        return replace(_records(name, "gene_map", f"columns {' and '.join(pair)}", seen), pair=pair)
    if SAMPLE_CORNERS.intersection(column.lower() for column in header):
        why = f"columns {listed(header)}; a table of series has the columns sample and series"
        return _records(name, "sample_table", why, seen)
    if len(seen.columns) == 1 and ACCESSION.fullmatch(header[1]):
        why = f"one sample, {header[1]}; a table of expression has several"
        return _records(name, "other", why, seen)
    return _records(name, "other", f"text in its columns {listed(header)}", seen)


def _text_rows(seen: Peek) -> list[list[str]]:
    return [[label, *cells] for label, *cells in seen.texts.itertuples(name=None)]


def _gene_map_columns(seen: Peek) -> tuple[str, str] | None:
    """Name a column of identifiers and one of symbols, if there are both.

    A column named by an accession is a sample's: counts look like Entrez ids.
    """
    kinds = {str(name): diagnose_names(pd.Index(seen.texts[name])).kind for name in seen.texts}
    kinds = {seen.corner: diagnose_names(seen.texts.index).kind, **kinds}
    kinds = {name: kind for name, kind in kinds.items() if not ACCESSION.fullmatch(name)}
    identifiers = [name for name, kind in kinds.items() if kind in IDENTIFIERS]
    symbols = [name for name, kind in kinds.items() if kind == "symbol"]
    return (identifiers[0], symbols[0]) if identifiers and symbols else None


def _records(name: str, role: str, why: str, seen: Peek) -> Recognised:
    return Recognised(
        name,
        role,
        why,
        corner=seen.corner,
        rows=seen.rows,
        columns=seen.columns,
        n_rows=seen.n_rows,
        complete=seen.complete,
    )


def _not_numbers(seen: Peek) -> np.ndarray:
    """List the cells looked at that are neither numbers nor missing."""
    return seen.texts.to_numpy()[_is_wrong(seen.texts)]


def _is_wrong(texts: pd.DataFrame) -> np.ndarray:
    # Of a table without such columns, pandas would give truth values as objects.
    is_number = texts.apply(pd.to_numeric, errors="coerce").notna().to_numpy(dtype=bool)
    return ~is_number & ~texts.isin(MISSING).to_numpy(dtype=bool)


def _problems(seen: Peek) -> tuple[str, ...]:
    """Say what the readers will refuse in a table of numbers."""
    found = []
    cells = _not_numbers(seen)
    if len(cells) and (remedy := commas_in_numbers(cells)):
        found.append(f"commas in numbers, such as {cells[0]}: {remedy}")
    elif len(cells):
        columns = seen.texts.columns[_is_wrong(seen.texts).any(axis=0)]
        found.append(
            f"cells that are no numbers, in the column(s) {listed(columns)}: correct them, or "
            "remove columns of annotation"
        )
    if seen.ragged:
        found.append(
            f"{counted(len(seen.ragged), 'row')} with more or fewer fields than the header, such "
            f"as {listed(seen.ragged, most=3)}: write the table again"
        )
    for side, labels in (("row", seen.rows), ("column", seen.columns)):
        repeated = labels[labels.duplicated()].unique()
        if len(repeated):
            found.append(
                f"{counted(len(repeated), f'repeated {side} name')}: {listed(repeated)}: keep one "
                "of each, or merge them"
            )
    return tuple(found)
