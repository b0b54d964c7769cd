"""Count what a network says about the genes that are modelled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from lembas.network import Network


@dataclass(frozen=True)
class Structure:
    """Hold the figures of a network in use.

    Attributes:
        n_block_edges: Edges from TF to TF.
        n_tfs_on_cycles: TFs on a cycle of TF-TF edges, self-loops included.
        n_self_loops: Edges from a TF to itself.
        median_regulators: Median number of regulators of a target, those without counted as 0.
        n_targets_without_regulators: Targets that no TF in use regulates.
    """

    n_block_edges: int
    n_tfs_on_cycles: int
    n_self_loops: int
    median_regulators: float
    n_targets_without_regulators: int


def coverage(network: Network, inputs: pd.Index, targets: pd.Index) -> pd.DataFrame:
    """Count TFs, genes and edges of the network, and how many of them are used.

    Returns:
        Tidy: item, stage, count.
    """
    used = network.restrict(inputs, targets)
    rows = [
        ("TFs", "in the network", len(network.tfs)),
        ("TFs", "measured inputs", len(inputs)),
        ("Genes with regulators", "in the network", len(network.genes)),
        ("Genes with regulators", "targets", int(targets.isin(used.genes).sum())),
        ("Edges", "in the network", len(network)),
        ("Edges", "in use", len(used)),
        ("Edges", "in use, TF to TF", int(used.edges["Gene"].isin(inputs).sum())),
    ]
    return pd.DataFrame(rows, columns=["item", "stage", "count"])


def sign_sentence(used: Network) -> str:
    """Say for how many of the edges in use no sign is known, and what that means."""
    n_unknown = len(used.unsigned)
    if not n_unknown:
        return "All of them have a sign."
    return (
        f"The sign of {n_unknown:,} of them ({n_unknown / len(used):.0%}) is unknown: no model is "
        "asked for a sign there, and agreement of signs is not counted."
    )


def structure(used: Network, targets: pd.Index) -> Structure:
    """Describe the network in use; ``targets`` also names those without regulators."""
    row, column, _ = used.positions(used.tfs, used.tfs)
    n_tfs = len(used.tfs)
    block = csr_array((np.ones(len(row)), (row, column)), shape=(n_tfs, n_tfs))
    _, label = connected_components(block, directed=True, connection="strong")
    on_cycle = np.bincount(label)[label] > 1
    on_cycle[row[row == column]] = True
    regulators = used.in_degree.reindex(targets).fillna(0)
    return Structure(
        n_block_edges=len(row),
        n_tfs_on_cycles=int(on_cycle.sum()),
        n_self_loops=len(used.self_loops),
        median_regulators=float(regulators.median()),
        n_targets_without_regulators=int((regulators == 0).sum()),
    )
