"""Describe a table of expression: its genes, samples and scale, and what a network knows of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from lembas.gene_names import NameReport, diagnose_names, offer
from lembas.network import Network
from lembas.orientation import orientation
from lembas.recognise import IDENTIFIERS, Recognised
from lembas.scales import ScaleReport, diagnose_scale

COUNTED = ScaleReport("counts", ("ARCHS4 holds counts.",), frozenset({"counts"}))
UNSEEN = ScaleReport("unclear", ("No values were looked at.",), frozenset({"counts", "log10"}))
EXAMPLES = 5


@dataclass(frozen=True)
class Measured:
    """Hold a table of expression, oriented.

    Attributes:
        record: The file.
        genes_in: "rows", "columns", or empty when that is not known; the next attributes are
            then empty, too.
        why: By what the orientation is known, or why it is not.
        genes: Names of the genes as they are in the file.
        samples: Names of the samples; of ARCHS4 none.
        n_samples: Their number, estimated when the file was not read to its end.
        names: Kind of the genes' names.
        scale: Scale of the values.
    """

    record: Recognised
    genes_in: str
    why: str
    genes: pd.Index = field(repr=False)
    samples: pd.Index = field(repr=False)
    n_samples: int
    names: NameReport
    scale: ScaleReport

    @property
    def file(self) -> str:
        """Name of the file, relative to the folder."""
        return self.record.file

    @property
    def n_cells(self) -> int:
        """Rows times columns, wherever the genes are."""
        return self.record.n_rows * len(self.record.columns)

    @property
    def n_genes(self) -> int:
        """How many genes, estimated as the samples are."""
        by_rows = self.genes_in == "rows" and self.record.layout in ("text", "parquet")
        return self.record.n_rows if by_rows else len(self.genes)


@dataclass(frozen=True)
class Overlap:
    """Say how many of a network's names a table measures.

    Attributes:
        table: Its file.
        network: The network's file.
        n_tfs: TFs of the network.
        n_tfs_measured: Those the table has.
        n_targets: Targets of the network.
        n_targets_measured: Those the table has.
        not_measured: Some of the network's names that the table lacks.
        offers: What names of the table that the network does not know may mean.
    """

    table: str
    network: str
    n_tfs: int
    n_tfs_measured: int
    n_targets: int
    n_targets_measured: int
    not_measured: tuple[str, ...]
    offers: Mapping[str, str]

    @property
    def share_of_tfs(self) -> float:
        """Part of the network's TFs that are measured, within [0, 1]."""
        return self.n_tfs_measured / self.n_tfs


def measure(record: Recognised, *, known: pd.Index | None = None, genes_in: str = "") -> Measured:
    """Orient a table and name its scale.

    Args:
        record: A file of role "expression".
        known: Names of genes that networks know.
        genes_in: "rows" or "columns" when the caller knows; empty: names decide.
    """
    if record.layout in ("h5ad", "archs4"):
        # Their format says where samples and genes are.
        axis, why = "columns", record.why
        if record.layout == "archs4":
            return _measured(record, axis, why, COUNTED)
    elif genes_in:
        axis, why = genes_in, "as --genes-in says"
    else:
        found = orientation(record.rows, record.columns, corner=record.corner, known=known)
        axis, why = found.genes_in, found.why
    cells = record.tall.T if axis == "rows" else record.wide
    return _measured(record, axis, why, diagnose_scale(cells) if axis and cells.size else UNSEEN)


def _measured(record: Recognised, axis: str, why: str, scale: ScaleReport) -> Measured:
    nothing = pd.Index([], dtype=object)
    genes = {"rows": record.rows, "columns": record.columns}.get(axis, nothing)
    samples = {"rows": record.columns, "columns": record.rows}.get(axis, nothing)
    n_samples = {"rows": len(record.columns), "columns": record.n_rows}.get(axis, 0)
    return Measured(
        record=record,
        genes_in=axis,
        why=why,
        genes=genes,
        samples=samples,
        n_samples=n_samples,
        names=diagnose_names(genes),
        scale=scale,
    )


def overlap(
    table: Measured,
    network: Network,
    file: str,
    *,
    names: pd.Index | None = None,
    beside: str = "",
) -> Overlap:
    """Count the names of a network that a table measures.

    Args:
        table: The table.
        network: The network.
        file: The network's file.
        names: The table's genes under the names they are mapped to; None: their own.
        beside: File of a second table whose genes are among ``names``.
    """
    genes = table.genes if names is None else names
    tfs, targets = network.tfs.isin(genes), network.genes.isin(genes)
    lacking = network.tfs[~tfs].append(network.genes[~targets]).unique()
    unknown = genes[~genes.isin(network.nodes)]
    return Overlap(
        table=f"{table.file} with {beside}" if beside else table.file,
        network=file,
        n_tfs=len(tfs),
        n_tfs_measured=int(tfs.sum()),
        n_targets=len(targets),
        n_targets_measured=int(targets.sum()),
        not_measured=tuple(map(str, lacking[:EXAMPLES])),
        offers=offer(unknown, lacking) if len(lacking) else {},
    )


def needs_map(table: Measured, found: Overlap) -> bool:
    """Say whether a table's identifiers must be mapped to meet a network's names."""
    return table.names.kind in IDENTIFIERS and found.share_of_tfs < 0.5
