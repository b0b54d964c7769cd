"""Read ARCHS4's HDF5 files: check their layout, read what is known of samples, stream counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
import pandas as pd

from lembas.formats import existing_file, listed
from lembas.tables import checked_names

MATRIX, GENES, SAMPLES = "data/expression", "meta/genes", "meta/samples"
ACCESSION = "geo_accession"
# Releases name the same thing differently; the first that is there is taken.
GENE_NAMES = ("symbol", "gene_symbol", "gene", "ensembl_gene", "ensembl_gene_id")
NEEDED = ("series_id", "source_name_ch1", "characteristics_ch1", "singlecellprobability")
OPTIONAL = ("title",)
# Counts read at once, when chunks allow: 64 MiB of 32-bit numbers.
BLOCK_CELLS = 1 << 24


class Place(NamedTuple):
    """Say where a block lies in the file, and which of the wanted samples are in it.

    Attributes:
        genes: Rows of the matrix, whole chunks.
        columns: Columns of the matrix, whole chunks.
        wanted: Which of the wanted samples these are, in the order asked for.
    """

    genes: slice
    columns: slice
    wanted: slice


@dataclass(frozen=True, eq=False)
class Archs4File:
    """Hold what a file says of its genes and samples, and the layout of its counts.

    Make one with :meth:`read`, which checks the file.

    Attributes:
        path: The file.
        genes: Name of each row of the matrix; may be blank or repeated.
        samples: Over ``sample`` (GEO accessions), in the matrix's order: ``series_id``,
            ``source_name_ch1``, ``characteristics_ch1`` and ``title`` as text (blank where the
            file has none), ``singlecellprobability`` as a number (NaN: unknown).
        chunks: Genes and samples that the file stores, and compresses, together.
        dtype: Number type of the counts.

    Reference:
        Lachmann et al. 2018, doi:10.1038/s41467-018-03751-6
    """

    path: Path
    genes: pd.Index
    samples: pd.DataFrame
    chunks: tuple[int, int]
    dtype: np.dtype

    @classmethod
    def read(cls, path: str | Path, *, needed: Sequence[str] = NEEDED) -> Archs4File:
        """Check a file and read its metadata; of the counts only the layout is read.

        Args:
            path: A file of gene counts as ARCHS4 offers it, such as ``human_gene_v2.5.h5``.
            needed: Fields of the samples that must be there.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it is damaged or no HDF5, lacks a data set, lies on its side, repeats
                a sample, or its metadata and matrix differ in length.
        """
        path = existing_file(path, "ARCHS4 file")
        with opened(path) as file:
            matrix = _matrix(file, path)
            named_by = f"{GENES}/{_gene_names(file, path)}"
            _require_fields(file, path, needed)
            fields = [name for name in (*NEEDED, *OPTIONAL) if name in file[SAMPLES]]
            of_samples = [f"{SAMPLES}/{name}" for name in (ACCESSION, *fields)]
            _refuse_no_lists(file, path, [named_by, *of_samples])
            lengths = {name: len(file[SAMPLES][name]) for name in (ACCESSION, *fields)}
            # A damaged field may claim more values than memory holds: lengths come first.
            _check_shape(matrix.shape, len(file[named_by]), lengths, path)
            genes = pd.Index(_texts(file, named_by), name="gene")
            accessions = pd.Index(_texts(file, f"{SAMPLES}/{ACCESSION}"))
            samples = pd.DataFrame(
                {name: _texts(file, f"{SAMPLES}/{name}") for name in fields},
                index=checked_names(accessions, "sample", str(path)),
            )
            # A matrix without chunks lies in the file gene by gene.
            chunks = tuple(map(int, matrix.chunks or (1, matrix.shape[1])))
            dtype = matrix.dtype
        return cls(path, genes, _completed(samples), (chunks[0], chunks[1]), dtype)

    def places(self, wanted: np.ndarray, *, most_cells: int = BLOCK_CELLS) -> list[Place]:
        """Cut the part of the matrix that holds some samples into blocks of whole chunks.

        No chunk is read twice, none without a wanted sample is read at all, and a block holds
        ``most_cells`` at most, or a single chunk.

        Args:
            wanted: Positions of samples, ascending.
            most_cells: See above.
        """
        deep, wide = self.chunks
        n_genes = len(self.genes)
        n_deep = min(max(1, most_cells // (deep * wide)), -(-n_genes // deep))
        n_wide = max(1, most_cells // (deep * wide * n_deep))
        places = []
        for first, last in _runs(np.unique(wanted // wide), n_wide):
            columns = slice(first * wide, min(last * wide, len(self.samples)))
            inside = np.searchsorted(wanted, [columns.start, columns.stop])
            for start in range(0, n_genes, n_deep * deep):
                genes = slice(start, min(start + n_deep * deep, n_genes))
                places.append(Place(genes, columns, slice(int(inside[0]), int(inside[1]))))
        return places

    def counts(
        self, wanted: np.ndarray, *, most_cells: int = BLOCK_CELLS
    ) -> Iterator[tuple[Place, np.ndarray]]:
        """Read the counts of some samples, block by block.

        Args:
            wanted: Positions of samples, ascending.
            most_cells: As in :meth:`places`.

        Yields:
            Where a block lies, and its counts of wanted samples, ``(sample, gene)``, in the
            file's number type.

        Raises:
            ValueError: If a block is damaged, or a count is negative or no whole number.
        """
        with opened(self.path) as file:
            for place in self.places(wanted, most_cells=most_cells):
                block = file[MATRIX][place.genes, place.columns]
                found = block[:, wanted[place.wanted] - place.columns.start].T
                self._refuse_no_counts(found, wanted, place)
                yield place, found

    def _refuse_no_counts(self, found: np.ndarray, wanted: np.ndarray, place: Place) -> None:
        """Name the first values that are no counts, if there are any."""
        if self.dtype.kind == "u":
            return
        wrong = found < 0
        if self.dtype.kind == "f":
            wrong |= ~np.isfinite(found) | (found != np.floor(found))
        if not wrong.any():
            return
        rows, columns = (at[:5] for at in np.nonzero(wrong))
        names = self.samples.index[wanted[place.wanted]]
        cells = [
            f"{names[row]}/{self.genes[place.genes.start + column]} = {found[row, column]:g}"
            for row, column in zip(rows, columns, strict=True)
        ]
        raise ValueError(
            f"{self.path} holds values that are no counts (sample/gene): {', '.join(cells)}; "
            "expected whole numbers of at least 0, as in ARCHS4's files of gene counts"
        )


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open an HDF5 file for reading; what is damaged in it is said in one sentence."""
    try:
        with h5py.File(path, "r") as file:
            yield file
    # h5py tells of damaged blocks by one or the other.
    except (OSError, RuntimeError) as error:
        raise ValueError(
            f"{path} cannot be read as HDF5 ({error}); it is damaged, cut short or of another "
            "format: compare its size with the one on ARCHS4's page and download it again"
        ) from error


def _runs(needed: np.ndarray, most: int) -> Iterator[tuple[int, int]]:
    """Join stripes that follow one another, ``most`` at a time; yield first and end of each."""
    breaks = np.flatnonzero(np.diff(needed) != 1) + 1
    for run in np.split(needed, breaks):
        for start in range(0, len(run), most):
            part = run[start : start + most]
            yield int(part[0]), int(part[-1]) + 1


def _matrix(file: Any, path: Path) -> Any:
    """Find the counts, or say what is there instead."""
    matrix = file.get(MATRIX)
    if not isinstance(matrix, h5py.Dataset) or matrix.ndim != 2 or matrix.dtype.kind not in "uif":
        raise ValueError(
            f"{path} has no table of numbers {MATRIX}; found {listed(_names_in(file))}; expected "
            f"an ARCHS4 file with {MATRIX} (gene x sample), {GENES} and {SAMPLES}"
        )
    return matrix


def _names_in(file: Any) -> list[str]:
    """Name the data sets of a file."""
    names: list[str] = []
    file.visititems(
        lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None
    )
    return names


def _gene_names(file: Any, path: Path) -> str:
    """Choose the field that names the genes."""
    group = file.get(GENES)
    fields = list(group) if isinstance(group, h5py.Group) else []
    for name in GENE_NAMES:
        if name in fields:
            return name
    raise ValueError(
        f"{path} does not name its genes: {GENES} holds {listed(fields) or 'nothing'}; expected "
        f"one of {', '.join(GENE_NAMES)}"
    )


def _require_fields(file: Any, path: Path, needed: Sequence[str]) -> None:
    """Refuse a file that lacks a field of the samples, naming those it has."""
    group = file.get(SAMPLES)
    fields = list(group) if isinstance(group, h5py.Group) else []
    absent = [name for name in (ACCESSION, *needed) if name not in fields]
    if absent:
        advice = (
            "; without that one, set single_cell_probability to null in the query"
            if absent == ["singlecellprobability"]
            else "; download a release of version 2"
        )
        raise ValueError(
            f"{path} lacks {', '.join(absent)} in {SAMPLES}; found "
            f"{listed(fields, most=40) or 'nothing'}{advice}"
        )


def _refuse_no_lists(file: Any, path: Path, names: Sequence[str]) -> None:
    """Refuse fields that are no list of values, one for each gene or sample."""
    # `get` returns None where a name leads to nothing that is left.
    parts = {name: file.get(name) for name in names}
    wrong = [
        name for name, part in parts.items() if not isinstance(part, h5py.Dataset) or part.ndim != 1
    ]
    if wrong:
        raise ValueError(
            f"{path}: {listed(wrong)} {'is' if len(wrong) == 1 else 'are'} no list of values; "
            "expected one for each gene or sample: download the file again"
        )


def _check_shape(shape: tuple[int, ...], n_genes: int, lengths: dict[str, int], path: Path) -> None:
    """Refuse a matrix on its side, and metadata of another length than the matrix."""
    n_samples = lengths[ACCESSION]
    if shape == (n_samples, n_genes) and n_samples != n_genes:
        raise ValueError(
            f"{path} has its samples in the rows of {MATRIX} ({n_samples:,} samples x "
            f"{n_genes:,} genes); expected genes in rows, as in ARCHS4's files: turn the matrix"
        )
    other = [f"{name} {length:,}" for name, length in lengths.items() if length != shape[1]]
    if shape[0] != n_genes:
        other.append(f"{GENES} {n_genes:,}")
    if other:
        raise ValueError(
            f"{path}: the matrix has {shape[0]:,} genes x {shape[1]:,} samples, but there are "
            f"{listed(other)}; the file is incomplete: download it again"
        )


def _texts(file: Any, name: str) -> np.ndarray:
    """Read a field; text as text, whatever its encoding, numbers as they are."""
    field = file[name]
    if h5py.check_string_dtype(field.dtype) is None:
        return np.asarray(field[:])
    return np.asarray(field.asstr("utf-8", errors="replace")[:], dtype=object)


def _completed(samples: pd.DataFrame) -> pd.DataFrame:
    """Give every field its type, blank or NaN where the file has none."""
    table = samples.reindex(columns=[*NEEDED, *OPTIONAL])
    probability = pd.to_numeric(table["singlecellprobability"], errors="coerce")
    texts = [name for name in table if name != "singlecellprobability"]
    # A field may hold numbers only, such as titles 1, 2, 3.
    words = table[texts].astype(object).where(table[texts].notna(), "").astype(str)
    return table.assign(
        **{name: words[name].astype(object) for name in texts},
        singlecellprobability=probability.astype(np.float64),
    )
