"""What a network says about the genes in use, counted by hand."""

from __future__ import annotations

import pandas as pd

from lembas.coverage import Structure, coverage, structure
from lembas.network import Network
from tests.small_study import network_of


def test_coverage_by_hand(small_network: Network) -> None:
    """Eight edges of TF1-3; TF1 and TF3 are measured, and so are G1, G2 and an unknown gene.

    In use: TF1 -> G1, TF1 -> G2 and TF3 -> TF1, the last one from TF to TF.
    """
    inputs, targets = pd.Index(["TF1", "TF3"]), pd.Index(["G1", "G2", "OTHER"])
    table = coverage(small_network, inputs, targets)
    assert table.columns.tolist() == ["item", "stage", "count"]
    assert table.set_index(["item", "stage"])["count"].to_dict() == {
        ("TFs", "in the network"): 3,
        ("TFs", "measured inputs"): 2,
        ("Genes with regulators", "in the network"): 7,
        ("Genes with regulators", "targets"): 2,
        ("Edges", "in the network"): 8,
        ("Edges", "in use"): 3,
        ("Edges", "in use, TF to TF"): 1,
    }


def test_structure_by_hand() -> None:
    """A -> B -> A is a cycle, C regulates itself, D only follows; G2 has no regulator."""
    block = [("A", "B", 1), ("B", "A", -1), ("C", "C", 1), ("B", "D", 1)]
    network = network_of([*block, ("D", "G0", 1), ("A", "G0", 1), ("A", "G1", 1)])
    assert structure(network, pd.Index(["G0", "G1", "G2"])) == Structure(
        n_block_edges=4,
        n_tfs_on_cycles=3,
        n_self_loops=1,
        median_regulators=1.0,
        n_targets_without_regulators=1,
    )


def test_a_network_without_tf_tf_edges() -> None:
    found = structure(network_of([("A", "G", 1), ("B", "G", 1)]), pd.Index(["G"]))
    assert (found.n_block_edges, found.n_tfs_on_cycles, found.n_self_loops) == (0, 0, 0)
    assert found.median_regulators == 2


def test_the_small_network(small_network: Network) -> None:
    """TF2 -> TF2 is the only cycle; TF3 -> TF1 and TF2 -> TF2 are the block."""
    found = structure(small_network, pd.Index(["G1", "G2", "G3", "G4"]))
    assert (found.n_block_edges, found.n_tfs_on_cycles, found.n_self_loops) == (2, 1, 1)
    assert found.median_regulators == 1
