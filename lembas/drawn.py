"""Hold large random tables in the form they are drawn from, and draw them again in blocks.

At the size of a large study every table of sample by gene takes gigabytes, and most are needed
once, a few samples at a time. So what is kept of a table is the state of the random generator
before each block of samples.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from lembas.kinetics import Conditions

# A block of 64 samples x 17,000 genes is 9 MB in float64; larger ones are no faster.
BLOCK_ROWS = 64
Draw = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]


def row_blocks(n_rows: int) -> list[slice]:
    """Cut rows into blocks of :data:`BLOCK_ROWS`; the last one may be smaller."""
    edges = [*range(0, n_rows, BLOCK_ROWS), n_rows]
    return [slice(start, stop) for start, stop in pairwise(edges)]


@dataclass(frozen=True, eq=False)
class DrawnRows:
    """Hold a matrix of random numbers, each block of rows drawn when it is asked for.

    The numbers are those of a single draw of the whole matrix, whatever the size of the blocks.

    Attributes:
        draw: Draws a part of the matrix from a generator, given the part's shape.
        starts: The generator as it is before each block.
        n_columns: Columns of the matrix.
    """

    draw: Draw
    starts: tuple[np.random.Generator, ...]
    n_columns: int

    @classmethod
    def of(cls, rng: np.random.Generator, shape: tuple[int, int], draw: Draw) -> DrawnRows:
        """Find where each block starts, and leave ``rng`` where a draw of the whole would.

        Args:
            rng: Source of randomness.
            shape: Rows and columns of the whole.
            draw: As in the class; it must fill the matrix row by row.
        """
        starts = []
        for rows in row_blocks(shape[0]):
            starts.append(copy.deepcopy(rng))
            # A number may take several steps of the generator: the way past a block is through it.
            draw(rng, (rows.stop - rows.start, shape[1]))
        return cls(draw, tuple(starts), shape[1])

    def block(self, rows: slice) -> np.ndarray:
        """Draw one of the blocks that :func:`row_blocks` gives."""
        rng = copy.deepcopy(self.starts[rows.start // BLOCK_ROWS])
        return self.draw(rng, (rows.stop - rows.start, self.n_columns))


def standard_normal(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Draw standard normal numbers."""
    return rng.normal(size=shape)


@dataclass(frozen=True, eq=False)
class DrawnConditions:
    """Hold what acts on a cohort's samples, as :class:`lembas.kinetics.Conditions` in parts.

    ``drivers``, ``hidden`` and ``technical`` are the whole tables, made anew at each call.

    Attributes:
        series: Series of each sample, over ``sample``.
        library_size: Reads of each sample, including those of genes that are not simulated.
        gene_sd: SD of each gene's own variation, log2, over ``gene``.
        activity_sd: SD of each TF's hidden activity, log2, over ``tf``.
        series_share: Share of the variance of the TFs' drivers that lies between series.
        biology: Factors ``(sample, factor)`` and loadings ``(gene, factor)`` that act on cells.
        handling: The same for those that act on the measurement.
        offset: Technical offset ``(series, gene)``, series in order of appearance.
        tf_shift: Offset of each gene's driver if it is a TF, ``(gene,)``.
        between_series: Unit normals ``(series, gene)``, used for TFs.
        between: Unit normals ``(sample, gene)`` beside these.
        within: Unit normals ``(sample, gene)``, used for genes that are not TFs.
        activity: Unit normals ``(sample, tf)``.
    """

    series: pd.Series
    library_size: pd.Series
    gene_sd: pd.Series
    activity_sd: pd.Series
    series_share: float
    biology: tuple[np.ndarray, np.ndarray]
    handling: tuple[np.ndarray, np.ndarray]
    offset: np.ndarray
    tf_shift: np.ndarray
    between_series: np.ndarray
    between: DrawnRows
    within: DrawnRows
    activity: DrawnRows

    @property
    def drivers(self) -> pd.DataFrame:
        """What acts on each gene's mRNA, ``(sample, gene)``."""
        return pd.concat([self._drivers(rows) for rows in row_blocks(len(self.series))])

    @property
    def hidden(self) -> pd.DataFrame:
        """What acts on each TF's activity but not on its mRNA, ``(sample, tf)``."""
        return pd.concat([self._hidden(rows) for rows in row_blocks(len(self.series))])

    @property
    def technical(self) -> pd.DataFrame:
        """What acts on the measurement and not on the cells, ``(sample, gene)``."""
        return pd.concat([self._technical(rows) for rows in row_blocks(len(self.series))])

    @property
    def tf_drivers(self) -> pd.DataFrame:
        """The drivers of the TFs alone, ``(sample, tf)``."""
        tfs = self.activity_sd.index
        return pd.concat([self._drivers(rows)[tfs] for rows in row_blocks(len(self.series))])

    def blocks(self) -> Iterator[Conditions]:
        """Give the conditions of one block of samples after the other."""
        for rows in row_blocks(len(self.series)):
            yield Conditions(
                drivers=self._drivers(rows),
                hidden=self._hidden(rows),
                technical=self._technical(rows),
                library_size=self.library_size.iloc[rows],
            )

    def _drivers(self, rows: slice) -> pd.DataFrame:
        """Add each gene's own variation to the factors of biology; series differ in TFs only."""
        between = np.sqrt(self.series_share) * self.between_series[self._code(rows)]
        between += np.sqrt(1 - self.series_share) * self.between.block(rows)
        between += self.tf_shift
        is_tf = self.gene_sd.index.isin(self.activity_sd.index)
        own = np.where(is_tf, between, self.within.block(rows)) * self.gene_sd.to_numpy()
        return self._table(own + _product(self.biology, rows), rows)

    def _hidden(self, rows: slice) -> pd.DataFrame:
        """Scale the hidden activities."""
        hidden = self.activity.block(rows) * self.activity_sd.to_numpy()
        index, tfs = self.series.index[rows], self.activity_sd.index
        return pd.DataFrame(hidden, index=index, columns=tfs)

    def _technical(self, rows: slice) -> pd.DataFrame:
        """Add the offset of the series to the factors of handling."""
        return self._table(self.offset[self._code(rows)] + _product(self.handling, rows), rows)

    def _code(self, rows: slice) -> np.ndarray:
        """Number the series of each sample."""
        return np.asarray(pd.factorize(self.series)[0][rows])

    def _table(self, values: np.ndarray, rows: slice) -> pd.DataFrame:
        """Name samples and genes."""
        return pd.DataFrame(values, index=self.series.index[rows], columns=self.gene_sd.index)


def _product(factors_and_loadings: tuple[np.ndarray, np.ndarray], rows: slice) -> np.ndarray:
    """Multiply ``(sample, factor)`` by ``(gene, factor)`` without BLAS.

    A BLAS may sum in another order with another number of threads; the tables are to be the
    same bit by bit.
    """
    factors, loadings = factors_and_loadings
    product: np.ndarray = np.einsum("sf,gf->sg", factors[rows], loadings, optimize=False)
    return product
