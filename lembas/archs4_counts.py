"""Keep the counts of some of a file's samples on disk, sample by sample, and normalise them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from lembas.archs4 import Archs4File
from lembas.tables import counts_to_cpm, counts_to_tpm, log10p1

# Counts worked on at once: 32 MiB as float64.
CELLS_AT_ONCE = 1 << 22
# What becomes of rows of the matrix with the same symbol.
DUPLICATE_SYMBOLS = "sum"


@dataclass(frozen=True, eq=False)
class SampleCounts:
    """Reach the counts of wanted samples, which lie sample by sample in a file of their own.

    The source stores genes in rows, and compresses many samples together: read in blocks of its
    chunks, each is unpacked once; turned on its way, one sample is then one place on disk. All
    that follows goes through the samples in the order of their names and the genes in that of
    theirs, so that the source's order has no effect on a single bit.

    Attributes:
        path: The counts, ``(sample, row of the source)``, and nothing else: a full disk makes
            plain writing fail cleanly, and HDF5 crash.
        dtype: Their number type.
        n_columns: Number of rows of the source.
        samples: Names, sorted.
        at: Row of ``counts`` of each of them.
        symbols: Name of each gene, sorted; blank ones are left out.
        rows: Rows of the source, those with one symbol together, in the order of ``symbols``.
        starts: Where each symbol's rows begin in ``rows``.
    """

    path: Path
    dtype: np.dtype
    n_columns: int
    samples: pd.Index
    at: np.ndarray
    symbols: pd.Index
    rows: np.ndarray
    starts: np.ndarray

    @classmethod
    def copied(
        cls, source: Archs4File, wanted: np.ndarray, path: Path, *, progress: bool = False
    ) -> SampleCounts:
        """Copy the counts of some samples out of the source.

        Args:
            source: The file.
            wanted: Positions of samples, ascending.
            path: File to write.
            progress: Whether to show a bar.
        """
        places = source.places(wanted)
        n_bytes, n_genes = source.dtype.itemsize, len(source.genes)
        bar = tqdm(total=len(places), desc="reading counts", unit="block", disable=not progress)
        with path.open("wb") as stream, bar:
            reserve(stream.fileno(), len(wanted) * n_genes * n_bytes)
            for place, block in source.counts(wanted):
                for row, values in enumerate(block, place.wanted.start):
                    stream.seek((row * n_genes + place.genes.start) * n_bytes)
                    stream.write(np.ascontiguousarray(values).data)
                bar.update()
        names = source.samples.index[wanted]
        order = np.argsort(names.to_numpy(str), kind="stable")
        symbols = source.genes.astype(str).str.strip().to_numpy(object)
        named = np.flatnonzero(symbols != "")
        rows = named[np.argsort(symbols[named].astype(str), kind="stable")]
        found, starts = np.unique(symbols[rows].astype(str), return_index=True)
        genes = pd.Index(found.astype(object), name="gene")
        return cls(path, source.dtype, n_genes, names[order], order, genes, rows, starts)

    @property
    def n_rows(self) -> pd.Series:
        """Rows of the source that make up each gene, over ``gene``."""
        lengths = np.diff(np.append(self.starts, len(self.rows)))
        return pd.Series(lengths, index=self.symbols, name="n_rows")

    def blocks(self, chosen: np.ndarray | None = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Read the counts again, some samples at a time.

        Args:
            chosen: Positions among ``samples``, ascending; None: all.

        Yields:
            Positions among ``samples``, and their counts over all rows of the source.
        """
        chosen = np.arange(len(self.samples)) if chosen is None else chosen
        n_at_once = max(1, CELLS_AT_ONCE // max(1, self.n_columns))
        with self.path.open("rb") as stream:
            for start in range(0, len(chosen), n_at_once):
                part = chosen[start : start + n_at_once]
                counts = np.empty((len(part), self.n_columns), dtype=self.dtype)
                for values, row in zip(counts, self.at[part], strict=True):
                    stream.seek(int(row) * values.nbytes)
                    stream.readinto(values)
                yield part, counts

    def merged(self, counts: np.ndarray) -> np.ndarray:
        """Add up the rows of each symbol, float64, ``(sample, gene)``."""
        gathered = counts[:, self.rows].astype(np.float64)
        if len(self.rows) == len(self.starts):
            return gathered
        return np.add.reduceat(gathered, self.starts, axis=1)


def reserve(descriptor: int, n_bytes: int) -> None:
    """Take room on the disk for a file that is open, where the system can; else do nothing.

    Raises:
        OSError: If there is not as much room.
    """
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, max(1, n_bytes))


@dataclass(frozen=True, eq=False)
class Normaliser:
    """Turn counts into log10(CPM + 1), or into log10(TPM + 1) where lengths are given.

    The library size of CPM are the counts of all rows of the source, those without a symbol
    included; TPM are shares among the genes with a length.

    Attributes:
        counts: The samples.
        lengths: Base pairs, over ``gene``; None: CPM.
        genes: Genes to keep, after normalisation; None: all.
        origin: Where the counts come from, for messages.
    """

    counts: SampleCounts
    lengths: pd.Series | None
    genes: pd.Index | None
    origin: str

    @property
    def kept(self) -> pd.Index:
        """Genes of the result, sorted by name."""
        genes = self.counts.symbols
        for wanted in (self.genes, None if self.lengths is None else self.lengths.index):
            if wanted is not None:
                genes = genes[genes.isin(wanted)]
        return genes

    def blocks(self, chosen: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Normalise some samples, a few at a time.

        Args:
            chosen: Positions among the samples, ascending.

        Yields:
            Positions among the samples, and their values, ``(sample, kept gene)``, float32.
        """
        place = self._places()
        for part, counts in self.counts.blocks(chosen):
            yield part, self._logarithms(counts, self.counts.samples[part])[:, place]

    def _places(self) -> np.ndarray:
        """Find the kept genes among those that are normalised."""
        genes = self.counts.symbols
        if self.lengths is not None:
            genes = genes[genes.isin(self.lengths.index)]
        return np.asarray(genes.get_indexer(self.kept))

    def _logarithms(self, counts: np.ndarray, samples: pd.Index) -> np.ndarray:
        merged = pd.DataFrame(self.counts.merged(counts), samples, self.counts.symbols)
        if self.lengths is None:
            # One column more holds what has no symbol, for the library size counts it too.
            nameless = counts.sum(axis=1, dtype=np.float64) - merged.to_numpy().sum(axis=1)
            whole = merged.assign(**{"": nameless})
            abundance = counts_to_cpm(whole, origin=self.origin).iloc[:, :-1]
        else:
            abundance = counts_to_tpm(merged, self.lengths, origin=self.origin)
        return log10p1(abundance).to_numpy(np.float32)
