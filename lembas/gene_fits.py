"""Fit trees gene by gene: a panel of genes, threads, progress, and going on after a kill."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from typing import Any, Generic, Protocol, Self, TypeVar

import joblib
import numpy as np
import pandas as pd
from tqdm import tqdm

from lembas.atomic import write_atomically
from lembas.cached import DAMAGED_ARRAYS
from lembas.unfinished import Unfinished, fingerprint

# Genes that are fitted, and kept, together: a few seconds' work at the published size.
BATCH = 8


class Trees(Protocol):
    """Hold the trees of some genes as plain arrays."""

    @property
    def n_genes(self) -> int:
        """Count the genes."""

    def arrays(self) -> dict[str, np.ndarray]:
        """Return all there is by name, as the class takes it."""

    @classmethod
    def joined(cls, parts: Iterable[Self]) -> Self:
        """Put the genes of several parts one after another."""


Fitted = TypeVar("Fitted", bound=Trees)
Data = TypeVar("Data")


@dataclass(frozen=True)
class GeneFits(Generic[Fitted, Data]):
    """Say how genes are fitted, whatever the trees are.

    Attributes:
        kind: Class of the result, made of its arrays.
        data: From a number of threads to what each of them works on: TFs that are sorted into
            bins once, and hold the labels of one gene at a time.
        fit: Fits one gene on such data.
    """

    kind: Callable[..., Fitted]
    data: Callable[[int], list[Data]]
    fit: Callable[[Data, str], Fitted]

    def run(
        self,
        genes: pd.Index,
        folder: Unfinished | None,
        *,
        n_jobs: int = 1,
        progress: bool = False,
    ) -> Fitted:
        """Fit all genes, but for those that an earlier call has kept.

        Args:
            genes: Their names.
            folder: Keeps the genes fitted so far; None: nothing is kept.
            n_jobs: Threads (-1: all processors); the trees do not depend on it.
            progress: Show a progress bar on standard error.

        Raises:
            ValueError: If ``n_jobs`` exceeds the processors.
        """
        batches = _batches(genes, folder)
        parts = self._parts(batches, range(len(batches)), n_jobs=n_jobs, progress=progress)
        in_order = [parts[at] for at in range(len(batches))]
        return type(in_order[0]).joined(in_order)

    def make(
        self, genes: pd.Index, folder: Unfinished, numbers: Iterable[int], *, n_jobs: int = 1
    ) -> None:
        """Fit and keep some batches in advance, for a later :meth:`run` to find.

        Args:
            genes: All genes.
            folder: Keeps them.
            numbers: Which batches, from 0.
            n_jobs: Threads (-1: all processors).

        Raises:
            ValueError: If ``n_jobs`` exceeds the processors.
        """
        self._parts(_batches(genes, folder), numbers, n_jobs=n_jobs, progress=False)

    def _parts(
        self, batches: list[_Batch], numbers: Iterable[int], *, n_jobs: int, progress: bool
    ) -> dict[int, Fitted]:
        """Fit batches, but for those that are kept; return both by their number."""
        n_threads, numbers = threads(n_jobs), list(numbers)
        parts = {at: kept for at in numbers if (kept := batches[at].kept(self.kind)) is not None}
        missing = [at for at in numbers if at not in parts]
        free: Queue[Data] = Queue()
        for data in self.data(min(n_threads, len(missing))) if missing else ():
            free.put(data)
        # XGBoost releases the interpreter's lock while it builds trees, so threads are enough.
        fitted = joblib.Parallel(
            max(1, min(n_threads, len(missing))), prefer="threads", return_as="generator"
        )(joblib.delayed(self._fit_batch)(batches[at], free) for at in missing)
        n_kept = sum(part.n_genes for part in parts.values())
        n_genes = sum(len(batches[at].genes) for at in numbers)
        with tqdm(total=n_genes, initial=n_kept, unit="gene", disable=not progress) as bar:
            for at, part in zip(missing, fitted, strict=True):
                parts[at] = part
                bar.update(part.n_genes)
        return parts

    def _fit_batch(self, batch: _Batch, free: Queue[Data]) -> Fitted:
        """Fit the genes of a batch, one after another, and keep them."""
        data = free.get()
        try:
            one_by_one = [self.fit(data, gene) for gene in batch.genes]
        finally:
            # Another thread may wait for it, even when this one fails.
            free.put(data)
        fitted = type(one_by_one[0]).joined(one_by_one)
        batch.keep(fitted)
        return fitted


class GenePanel:
    """Let a model of one gene at a time choose its genes, and fit batches of them in advance.

    The model has ``n_panel``, ``always``, ``random_state`` and ``n_jobs``, and a method ``_fits``
    that says how genes are fitted and where they are kept.
    """

    n_panel: int
    always: tuple[str, ...]
    random_state: int
    n_jobs: int

    def n_pieces(self, Y: pd.DataFrame) -> int:
        """Count the pieces that can be made in advance: batches of genes."""
        return -(-len(self._panel(Y)) // BATCH)

    def make_pieces(
        self,
        X: pd.DataFrame,
        Y: pd.DataFrame,
        numbers: Iterable[int],
        *,
        unfinished: str | Path,
        groups: pd.Series | None = None,
    ) -> None:
        """Fit some batches of genes in advance: ``fit`` finds them in ``unfinished``.

        Args:
            X: TF expression, log10.
            Y: Gene expression, log10, of the same samples.
            numbers: Which pieces, from 0.
            unfinished: The folder that ``fit`` will be given.
            groups: Series of each sample, for models that hold samples out.
        """
        fits, folder = self._fits(X, Y, groups, unfinished)
        if folder is not None:
            fits.make(self._panel(Y), folder, numbers, n_jobs=self.n_jobs)

    def _panel(self, Y: pd.DataFrame) -> pd.Index:
        return panel(Y.columns, self.n_panel, always=self.always, seed=self.random_state)

    def _fits(
        self,
        X: pd.DataFrame,
        Y: pd.DataFrame,
        groups: pd.Series | None,
        unfinished: str | Path | None,
    ) -> tuple[GeneFits[Any, Any], Unfinished | None]:
        raise NotImplementedError


def kept_in(
    folder: str | Path | None,
    X: pd.DataFrame,
    Y: pd.DataFrame,
    *,
    genes: pd.Index,
    settings: Mapping[str, Any],
) -> Unfinished | None:
    """Open the folder that keeps the genes fitted so far, of just these tables and settings.

    Args:
        folder: Where; None: nothing is kept.
        X: TF expression ``(sample, tf)``.
        Y: Gene expression ``(sample, gene)``.
        genes: Those to fit.
        settings: All else that the trees depend on.
    """
    if folder is None:
        return None
    about = {**settings, "genes": genes.tolist(), "batch": BATCH}
    return Unfinished.open(folder, fingerprint(X, Y, about))


def panel(genes: pd.Index, n_panel: int, *, always: Iterable[str], seed: int) -> pd.Index:
    """Choose the genes to fit, in the table's order.

    A smaller panel is part of a larger one of the same seed, so that models with panels of
    different sizes have genes in common.

    Args:
        genes: All genes.
        n_panel: Genes to draw; 0: all of them.
        always: Genes to fit in any case.
        seed: Seed of the draw.
    """
    if not n_panel or n_panel >= len(genes):
        return genes
    # Drawn from sorted names, so that the panel does not depend on the order of the columns.
    drawn = np.random.default_rng(seed).permutation(genes.sort_values())[:n_panel]
    return genes[genes.isin(drawn) | genes.isin(list(always))]


def threads(n_jobs: int) -> int:
    """Return the number of threads, or say that there are not so many processors."""
    n_processors = joblib.cpu_count()
    if n_jobs != -1 and not 1 <= n_jobs <= n_processors:
        raise ValueError(
            f"n_jobs is {n_jobs}, and {n_processors} processor(s) may be used here; choose 1 to "
            f"{n_processors}, or -1 for all of them (a chapter gets those of `threads` in the "
            "profile)"
        )
    return n_processors if n_jobs == -1 else n_jobs


@dataclass(frozen=True)
class _Batch:
    """Hold genes that are fitted together, and the file that keeps them, if any."""

    genes: pd.Index
    path: Path | None

    def kept(self, kind: Callable[..., Fitted]) -> Fitted | None:
        """Read the trees; None when they are not there, or the file is damaged."""
        if self.path is None:
            return None
        try:
            with np.load(self.path, allow_pickle=False) as arrays:
                trees = kind(**arrays)
        except DAMAGED_ARRAYS:
            return None
        return trees if trees.n_genes == len(self.genes) else None

    def keep(self, trees: Trees) -> None:
        """Write the trees, whole or not at all."""
        if self.path is not None:
            arrays = trees.arrays()
            write_atomically(self.path, lambda part: np.savez(part, allow_pickle=False, **arrays))


def _batches(genes: pd.Index, folder: Unfinished | None) -> list[_Batch]:
    """Part the genes, each part with the file that keeps it."""
    starts = range(0, len(genes), BATCH)
    names = [f"genes_{start:06d}.npz" for start in starts]
    paths = [None if folder is None else folder.path(name) for name in names]
    parts = [genes[start : start + BATCH] for start in starts]
    return [_Batch(part, path) for part, path in zip(parts, paths, strict=True)]
