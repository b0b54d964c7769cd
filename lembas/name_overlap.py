"""Show how far the names of a network and those of the tables overlap."""

from __future__ import annotations

import pandas as pd

from lembas.formats import listed
from lembas.gene_names import offer
from lembas.network import Network


def name_overlap(network: Network, measured: pd.Index) -> pd.DataFrame:
    """Count the names that network and tables share.

    Args:
        network: The prior.
        measured: Genes of the tables.

    Returns:
        One row a kind of names: names ("TFs of the network", "genes of the network", "genes
        measured"), n, n_shared (also on the other side), alone (examples that are not).
    """
    genes = pd.Index(measured)
    sides = {
        "TFs of the network": (network.tfs, genes),
        "genes of the network": (network.genes, genes),
        "genes measured": (genes, network.nodes),
    }
    rows = []
    for names, (own, other) in sides.items():
        shared = own.isin(other)
        rows.append((names, len(own), int(shared.sum()), listed(own[~shared])))
    return pd.DataFrame(rows, columns=["names", "n", "n_shared", "alone"])


def overlap_words(network: Network, measured: pd.Index) -> str:
    """Put the overlap of names into words, for an error.

    Example:
        >>> edges = pd.DataFrame({"TF": ["HNF4A"], "Gene": ["ALB"], "Interaction": [1]})
        >>> overlap_words(Network.from_edges(edges), pd.Index(["hnf4a", "ALB"])).split("; ")[1]
        '1 of 1 genes of the network are measured'
    """
    table = name_overlap(network, measured).set_index("names")
    parts = []
    for names, row in table.iterrows():
        where = "in the network" if names == "genes measured" else "measured"
        alone = f" (not: {row['alone']})" if row["alone"] else ""
        parts.append(f"{row['n_shared']:,} of {row['n']:,} {names} are {where}{alone}")
    unknown = measured[~measured.isin(network.nodes)]
    offers = [f"{old!r} as {new}" for old, new in offer(unknown, network.nodes).items()]
    if offers:
        parts.append(f"may be meant: {listed(offers)}")
    return f"overlap of names: {'; '.join(parts)}"
