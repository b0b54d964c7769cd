"""Extract the samples that a query selects from ARCHS4's file: normalised, grouped, no twins."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lembas import h5ad
from lembas.archs4 import NEEDED, Archs4File
from lembas.archs4_counts import DUPLICATE_SYMBOLS, Normaliser, SampleCounts, reserve
from lembas.archs4_query import (
    FEW_GENES,
    LIBRARY,
    SIMILAR,
    TissueQuery,
    counts_by_reason,
    refuse_none,
    select,
)
from lembas.archs4_series import series_groups
from lembas.atomic import write_atomically
from lembas.checks import is_number
from lembas.duplicates import similar_rows
from lembas.formats import counted, listed
from lembas.os_errors import plain_os_error
from lembas.units import UNITS, check_unit

# Samples are compared over the genes that vary most: 16,000 samples then take 260 MB.
N_COMPARED = 4000
UNS_KEY = "archs4"
# Room for names and descriptions, in the file that is written.
BESIDE_BYTES = 1 << 26


@dataclass(frozen=True, eq=False)
class Recipe:
    """Settle what is extracted and how it is normalised.

    Attributes:
        query: Which samples.
        unit: ``"cpm"`` or ``"tpm"``; log10(x + 1) is taken of either.
        lengths: Base pairs of each gene, over ``gene``; needed for TPM, refused with CPM.
        lengths_from: Where they come from; named in messages.
        genes: Genes to keep, after normalisation over all; None: every gene with a symbol.
        near_duplicate: Correlation from which two samples count as the same, in (0, 1], over the
            4,000 genes that vary most, each centred; samples that are equal always do. Of such
            samples the one with the largest library stays.
    """

    query: TissueQuery = field(default_factory=TissueQuery)
    unit: str = "cpm"
    lengths: pd.Series | None = None
    lengths_from: str = "the table of gene lengths"
    genes: pd.Index | None = None
    near_duplicate: float = 0.98

    def __post_init__(self) -> None:
        """Refuse values that have no meaning."""
        check_unit(self.unit)
        if (self.unit == "tpm") != (self.lengths is not None):
            raise ValueError(
                'unit "tpm" needs gene lengths; name their file'
                if self.lengths is None
                else 'unit "cpm" uses no gene lengths; leave their file out, or set unit to tpm'
            )
        if not (is_number(self.near_duplicate) and 0 < self.near_duplicate <= 1):
            raise ValueError(
                f"near_duplicate is {self.near_duplicate!r}; expected a correlation above 0, at "
                "most 1 (only equal samples)"
            )


def open_and_select(path: str | Path, query: TissueQuery) -> tuple[Archs4File, pd.DataFrame]:
    """Read a file's metadata and decide over its samples, without reading a count.

    Returns:
        The file, and the selection as :func:`lembas.archs4_query.select` gives it.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is unsound, or no sample is selected.
    """
    needed = [
        name
        for name in NEEDED
        if name != "singlecellprobability" or query.single_cell_probability is not None
    ]
    source = Archs4File.read(path, needed=needed)
    selection = select(source.samples, query)
    refuse_none(selection, source.samples, str(path))
    return source, selection


def extract(
    path: str | Path, out: str | Path, recipe: Recipe, *, progress: bool = False
) -> pd.DataFrame:
    """Write the selected samples as ``.h5ad``, whole or not at all.

    ``X`` is float32, log10(CPM + 1) or log10(TPM + 1), samples and genes sorted by name. ``obs``
    has ``series`` (the group of linked series, see :mod:`lembas.archs4_series`), ``series_id`` as
    given, ``library_size``, ``genes_detected``, ``source_name``, ``title`` and
    ``characteristics``; ``var`` has ``n_rows``, the rows added up to a symbol; ``uns["archs4"]``
    the query, the policies and the number of samples by reason.

    Memory is bounded by the blocks read (64 MiB, or one chunk of the file), the table of metadata,
    and the comparison of samples (4,000 genes and 1,024 rows of correlations): not by the file.
    On disk, the selected samples' counts lie beside ``out`` for a while.

    Args:
        path: ARCHS4's file of gene counts.
        out: File to write, ending in ``.h5ad``.
        recipe: What is extracted, and how.
        progress: Whether to show bars.

    Returns:
        The selection: as :func:`lembas.archs4_query.select` gives it, with the reasons that only
        the counts could tell.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file or a count is unsound, or no sample is selected.
        OSError: If ``out`` cannot be written; nothing of it is left then.
    """
    out = Path(out)
    if out.suffix != ".h5ad":
        raise ValueError(f"{out} shall hold AnnData; give it a name that ends in .h5ad")
    source, selection = open_and_select(path, recipe.query)
    wanted = np.flatnonzero(selection["selected"])
    with _writing(out), _scratch(out, _bytes_needed(source, len(wanted))) as folder:
        room = _reserved(folder / "room", source, len(wanted))
        counts = SampleCounts.copied(source, wanted, folder / "counts.raw", progress=progress)
        made = Normaliser(counts, recipe.lengths, recipe.genes, str(path))
        _refuse_no_gene(made, recipe)
        obs = _depth(counts)
        _note_depth(selection, obs, recipe.query)
        refuse_none(selection, source.samples, str(path))
        passing = np.flatnonzero(selection.loc[counts.samples, "selected"])
        twins = _twins(made, passing, obs, recipe.near_duplicate)
        _note_twins(selection, twins)
        chosen = np.flatnonzero(selection.loc[counts.samples, "selected"])
        table = _describe(source, obs.iloc[chosen], twins)
        uns = {UNS_KEY: _about(source, selection, recipe)}
        var = pd.DataFrame(counts.n_rows[made.kept])
        room.unlink()
        write_atomically(
            out,
            lambda part: h5ad.write_blocks(
                part, (values for _, values in made.blocks(chosen)), obs=table, var=var, uns=uns
            ),
        )
    return selection


@contextmanager
def _writing(out: Path) -> Iterator[None]:
    """Say in one sentence that a file cannot be written; nothing is left of it then."""
    try:
        yield
    # h5py raises the latter when it cannot close a file.
    except (OSError, RuntimeError) as error:
        plain = plain_os_error(error, out)
        if plain is error:
            raise
        raise plain from error


@contextmanager
def _scratch(out: Path, n_bytes: int) -> Iterator[Path]:
    """Make a folder beside a file, for a while, where there is room for both."""
    out.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(out.parent).free
    if free < n_bytes:
        raise ValueError(
            f"{out} and the counts that lie beside it for a while need {n_bytes / 1e9:.1f} GB, and "
            f"{free / 1e9:.1f} GB are free; make room, choose another folder, or select fewer "
            "samples"
        )
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.stem}.") as folder:
        yield Path(folder)


def _bytes_needed(source: Archs4File, n_samples: int) -> int:
    """Estimate what the counts, and their logarithms, take on disk at most."""
    return n_samples * len(source.genes) * (source.dtype.itemsize + 4) + BESIDE_BYTES


def _reserved(path: Path, source: Archs4File, n_samples: int) -> Path:
    """Take the room of the result before the long work; whoever writes it frees the room first."""
    with path.open("wb") as stream:
        reserve(stream.fileno(), n_samples * len(source.genes) * 4 + BESIDE_BYTES)
    return path


def _refuse_no_gene(made: Normaliser, recipe: Recipe) -> None:
    """Say why no gene is left, if none is."""
    if not made.kept.empty:
        return
    named = made.counts.symbols
    if named.empty:
        raise ValueError(f"{made.origin} names none of its genes; download it again")
    asked = named if recipe.genes is None else recipe.genes
    found = named[named.isin(asked)]
    if found.empty:
        raise ValueError(
            f"{made.origin} has none of the {len(asked):,} genes asked for ({listed(asked)}); it "
            f"names {listed(named)}: use the same gene names in both"
        )
    known = pd.Index([]) if recipe.lengths is None else recipe.lengths.index
    raise ValueError(
        f"{recipe.lengths_from} gives none of the {counted(len(found), 'gene')} wanted of "
        f"{made.origin} a length ({listed(found)}); it names {listed(known)}: use the same gene "
        "names in both, or unit cpm"
    )


def _depth(counts: SampleCounts) -> pd.DataFrame:
    """Count each sample's reads and the genes that have any, over all rows of the source."""
    parts = [
        pd.DataFrame(
            {
                "library_size": block.sum(axis=1, dtype=np.float64),
                "genes_detected": (block > 0).sum(axis=1),
            },
            index=counts.samples[part],
        )
        for part, block in counts.blocks()
    ]
    return pd.concat(parts)


def _note_depth(selection: pd.DataFrame, depth: pd.DataFrame, query: TissueQuery) -> None:
    """Leave out samples with too few counts or genes."""
    small = depth["library_size"] < query.min_library_size
    few = ~small & (depth["genes_detected"] < query.min_genes)
    for reason, wrong, values in (
        (LIBRARY, small, depth["library_size"]),
        (FEW_GENES, few, depth["genes_detected"]),
    ):
        _leave_out(selection, reason, values[wrong].map("{:,.0f}".format).to_dict())


def _leave_out(selection: pd.DataFrame, reason: str, evidence: dict[str, str]) -> None:
    """Note a reason for some samples."""
    names = list(evidence)
    selection.loc[names, "selected"] = False
    selection.loc[names, "reason"] = reason
    selection.loc[names, "evidence"] = list(evidence.values())


def _twins(
    made: Normaliser, passing: np.ndarray, depth: pd.DataFrame, near_duplicate: float
) -> dict[str, str]:
    """Find samples that are nearly the same as a deeper one, and name that one."""
    varying = _most_varying(made, passing)
    values = np.empty((len(passing), len(varying)), dtype=np.float32)
    end = 0
    for _, block in made.blocks(passing):
        values[end : end + len(block)] = block[:, varying]
        end += len(block)
    first, second, _ = similar_rows(values, near_duplicate)
    alike: dict[int, list[int]] = defaultdict(list)
    for one, other in zip(first.tolist(), second.tolist(), strict=True):
        alike[one].append(other)
        alike[other].append(one)
    names = made.counts.samples[passing]
    # Samples are in the order of their names: that of the lowest wins between equal libraries.
    order = np.argsort(-depth.loc[names, "library_size"].to_numpy(), kind="stable")
    twin_of: dict[int, int] = {}
    for one in order.tolist():
        if one not in twin_of:
            twin_of |= {other: one for other in alike[one] if other not in twin_of}
    return {str(names[other]): str(names[one]) for other, one in sorted(twin_of.items())}


def _most_varying(made: Normaliser, passing: np.ndarray) -> np.ndarray:
    """Find the kept genes of the highest variance over some samples, in the genes' order."""
    total = np.zeros(len(made.kept))
    squares = np.zeros(len(made.kept))
    for _, block in made.blocks(passing):
        values = block.astype(np.float64)
        total += values.sum(axis=0)
        squares += np.square(values).sum(axis=0)
    variance = squares / len(passing) - np.square(total / len(passing))
    return np.sort(np.argsort(-variance, kind="stable")[:N_COMPARED])


def _note_twins(selection: pd.DataFrame, twins: dict[str, str]) -> None:
    """Leave out samples that are nearly the same as another one."""
    _leave_out(selection, SIMILAR, twins)


def _describe(source: Archs4File, depth: pd.DataFrame, twins: dict[str, str]) -> pd.DataFrame:
    """Tabulate what is known of the samples that are written."""
    series = series_groups(source.samples["series_id"], linked=twins.items())
    known = source.samples.loc[depth.index]
    return depth.assign(
        series=series[depth.index],
        series_id=known["series_id"],
        source_name=known["source_name_ch1"],
        title=known["title"],
        characteristics=known["characteristics_ch1"],
        single_cell_probability=known["singlecellprobability"],
    )


def _about(source: Archs4File, selection: pd.DataFrame, recipe: Recipe) -> dict[str, Any]:
    """State the query, the policies and what came of them."""
    return {
        "source": source.path.name,
        "source_bytes": source.path.stat().st_size,
        "unit": UNITS[recipe.unit],
        "query": json.dumps(recipe.query.settings),
        "near_duplicate": float(recipe.near_duplicate),
        "duplicate_symbols": DUPLICATE_SYMBOLS,
        "samples": counts_by_reason(selection).set_index("reason"),
    }
