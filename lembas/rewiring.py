"""Make control networks: what a network says is taken from it, what it looks like is kept.

A model that does as well on a control as on the real network has gained from the number of edges
and from the hubs, not from what the network says about single genes. In every control self-loops
stay where they are, none is made, and as many edges lead from TF to TF as before.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import igraph
import numpy as np
import pandas as pd

from lembas.formats import listed
from lembas.network import SIGNS, UNKNOWN, Network

# igraph's default, and enough for the share of moved edges to level off.
TRIALS_PER_EDGE = 10
# A rewired network that keeps more of its pairs than this is no control.
LEAST_MOVED = 0.1
# Rounds of swaps that part pairs with both signs; the liver's networks need fewer than 20.
MOST_ROUNDS = 500


def rewired(network: Network, *, seed: int) -> Network:
    """Exchange the targets of edges, so that every node keeps its degrees.

    Each node keeps the number of its activating edges, of its inhibiting ones and of those of
    unknown sign, in and out, those from TF to TF and those from TF to other genes being counted
    apart. Pairs of edges with the
    same sign, both within the TFs or both from TFs to genes, exchange their targets, ten trials
    an edge. A pair of nodes that then has edges of two signs is parted by further exchanges.

    Args:
        network: The network, left as it is.
        seed: Seed of the exchanges.

    Returns:
        Another network with the same nodes, degrees and numbers of edges.

    Raises:
        ValueError: If hardly anything can move (a star, a complete network, few edges), or
            pairs cannot be parted.

    References:
        Maslov and Sneppen 2002, doi:10.1126/science.1065103.
    """
    edges, generator = network.edges, np.random.default_rng(seed)
    pairs = np.column_stack([network.nodes.get_indexer(edges[end]) for end in ("TF", "Gene")])
    sign = edges["Interaction"].to_numpy()
    in_block, is_loop = _in_block(network), (edges["TF"] == edges["Gene"]).to_numpy()
    for is_tf in (True, False):
        rows = np.flatnonzero((in_block == is_tf) & ~is_loop)
        for each in (*SIGNS, UNKNOWN):
            own = rows[sign[rows] == each]
            pairs[own] = _exchanged(pairs[own], len(network.nodes), generator)
        _part_signs(pairs, sign, rows, network.nodes, generator)
    names = network.nodes.to_numpy()
    found = Network.from_edges(
        pd.DataFrame({"TF": names[pairs[:, 0]], "Gene": names[pairs[:, 1]], "Interaction": sign}),
        unsigned=True,
    )
    _refuse_rigid(network, share_moved(network, found))
    return found


def share_moved(before: Network, after: Network) -> float:
    """Measure which part of the pairs of TF and gene that had an edge have none any more.

    Args:
        before: The real network.
        after: A control made from it.

    Returns:
        Within [0, 1]; signs do not count.
    """
    kept = pd.MultiIndex.from_frame(before.edges[["TF", "Gene"]]).isin(
        pd.MultiIndex.from_frame(after.edges[["TF", "Gene"]])
    )
    return float(1 - kept.mean())


def permuted_genes(network: Network, *, seed: int) -> Network:
    """Give each gene the regulators of another gene.

    Labels are permuted among the genes that are no TFs; edges from TF to TF stay. For a model
    of each gene by itself this is the same as shuffling the columns of the targets against the
    network.

    Args:
        network: The network, left as it is.
        seed: Seed of the permutation.

    Raises:
        ValueError: If fewer than two genes are no TFs.
    """
    genes = network.genes.difference(network.tfs)
    if len(genes) < 2:
        raise ValueError(
            f"the network has {len(genes)} gene(s) that are no TFs; permuting labels needs at "
            "least two"
        )
    label = pd.Series(np.random.default_rng(seed).permutation(genes), index=genes)
    target = network.edges["Gene"]
    edges = network.edges.assign(Gene=target.map(label).fillna(target))
    return Network.from_edges(edges, unsigned=True)


def flipped_signs(network: Network) -> Network:
    """Turn every activating edge into an inhibiting one, and back; unknown signs stay unknown."""
    return Network(network.edges.assign(Interaction=-network.edges["Interaction"]))


def shuffled_signs(network: Network, *, seed: int) -> Network:
    """Shuffle the signs over the edges that have one; as many activate as before.

    Args:
        network: The network, left as it is.
        seed: Seed of the shuffling.
    """
    sign = network.edges["Interaction"].to_numpy(copy=True)
    sign[sign != UNKNOWN] = np.random.default_rng(seed).permutation(sign[sign != UNKNOWN])
    return Network(network.edges.assign(Interaction=sign))


def random_edges(network: Network, *, seed: int) -> Network:
    """Draw as many edges among the same nodes, every pair being equally likely.

    Edges from TF to TF and those from TF to other genes keep their numbers, of each sign;
    hubs are lost, and a gene may be left without a regulator.

    Args:
        network: The network, left as it is.
        seed: Seed of the draw.
    """
    generator, edges = np.random.default_rng(seed), network.edges
    tfs, in_block = network.tfs.to_numpy(), _in_block(network)
    genes = network.genes.difference(network.tfs).to_numpy()
    is_loop = (edges["TF"] == edges["Gene"]).to_numpy()
    n_tfs, parts = len(tfs), [edges[is_loop]]
    for targets, is_own in ((tfs, in_block & ~is_loop), (genes, ~in_block)):
        # A TF has one target less within the TFs: itself.
        width = n_tfs - 1 if targets is tfs else len(targets)
        n_edges = int(is_own.sum())
        if not n_edges:
            continue
        place = generator.choice(n_tfs * width, n_edges, replace=False)
        source, target = np.divmod(place, width)
        if targets is tfs:
            target += target >= source
        sign = generator.permutation(edges.loc[is_own, "Interaction"].to_numpy())
        drawn = {"TF": tfs[source], "Gene": targets[target], "Interaction": sign}
        parts.append(pd.DataFrame(drawn))
    return Network.from_edges(pd.concat(parts), unsigned=True)


def without_tf_edges(network: Network) -> Network:
    """Leave out the edges from TF to TF, self-loops with them.

    Raises:
        ValueError: If no other edge is there.
    """
    kept = ~_in_block(network)
    if not kept.any():
        raise ValueError(
            f"all {len(network)} edges of the network lead from TF to TF; without them nothing "
            "is left to fit"
        )
    return Network(network.edges[kept].reset_index(drop=True))


def _in_block(network: Network) -> np.ndarray:
    """Mark the edges that lead from TF to TF, ``(edge,)``."""
    return network.edges["Gene"].isin(network.tfs).to_numpy()


def _exchanged(pairs: np.ndarray, n_nodes: int, generator: np.random.Generator) -> np.ndarray:
    """Exchange the targets of edges ``(edge, 2)`` of one sign, each pair staying unique."""
    if len(pairs) < 2:
        return pairs
    graph = igraph.Graph(n=n_nodes, edges=pairs.tolist(), directed=True)
    with _igraph_seeded(int(generator.integers(2**62))):
        graph.rewire(n=TRIALS_PER_EDGE * len(pairs))
    return np.array(graph.get_edgelist())


@contextmanager
def _igraph_seeded(seed: int) -> Iterator[None]:
    """Give igraph a generator of its own, and put its default back afterwards.

    igraph has one generator for the whole process and cannot be asked which one it is.
    """
    igraph.set_random_number_generator(random.Random(seed))
    try:
        yield
    finally:
        igraph.set_random_number_generator(random)


def _part_signs(
    pairs: np.ndarray,
    sign: np.ndarray,
    rows: np.ndarray,
    nodes: pd.Index,
    generator: np.random.Generator,
) -> None:
    """Exchange further targets, in place, until no two nodes have edges of two signs.

    Args:
        pairs: TF and gene of every edge, ``(edge, 2)``, positions in ``nodes``.
        sign: Sign of every edge, ``(edge,)``.
        rows: The edges that may exchange their targets.
        nodes: Names, for the error.
        generator: Chooses the partners.
    """
    taken = Counter(map(tuple, pairs[rows].tolist()))
    # The rarer sign has fewer clashes and more room; where it cannot give way another may.
    turns = _rarest_first(sign[rows])
    of_sign = {each: rows[sign[rows] == each] for each in turns}
    # No two edges of one sign meet, so one of those that meet is not of the commonest sign.
    others = rows[sign[rows] != turns[-1]] if turns else rows
    for turn in range(MOST_ROUNDS + 1):
        clashing = [row for row in others if taken[tuple(pairs[row])] > 1]
        if not clashing or turn == MOST_ROUNDS:
            break
        both, own = {tuple(pairs[row]) for row in clashing}, of_sign[turns[turn % len(turns)]]
        giving_way = [row for row in own if tuple(pairs[row]) in both]
        if not giving_way:
            continue
        partners = generator.choice(own, len(giving_way)).tolist()
        for row, partner in zip(giving_way, partners, strict=True):
            _exchange(pairs, row, partner, taken)
    if clashing:
        names = [
            f"{nodes[tf]}->{nodes[gene]}" for tf, gene in dict.fromkeys(map(tuple, pairs[clashing]))
        ]
        raise ValueError(
            f"{len(names)} pair(s) of the rewired network keep both signs after {MOST_ROUNDS} "
            f"rounds: {listed(names)}; the network is too dense to be rewired with its signs, "
            "use permuted_genes instead"
        )


def _rarest_first(sign: np.ndarray) -> list[int]:
    """Order the signs that occur by how often they do; of equally many, inhibition comes first."""
    known = [each for each in (-1, 1, UNKNOWN) if (sign == each).any()]
    return sorted(known, key=lambda each: int((sign == each).sum()))


def _exchange(pairs: np.ndarray, row: int, partner: int, taken: Counter) -> None:
    """Exchange the targets of two edges, unless that makes a self-loop or meets an edge."""
    (a, b), (c, d) = pairs[row].tolist(), pairs[partner].tolist()
    if a == d or c == b or taken[a, d] or taken[c, b]:
        return
    taken.subtract([(a, b), (c, d)])
    taken.update([(a, d), (c, b)])
    pairs[row], pairs[partner] = (a, d), (c, b)


def _refuse_rigid(network: Network, moved: float) -> None:
    """Refuse a rewired network that is nearly the real one, and say what may be the reason."""
    if moved >= LEAST_MOVED:
        return
    n_tfs, n_genes = len(network.tfs), len(network.genes)
    n_pairs = n_tfs * n_genes - len(network.tfs.intersection(network.genes))
    if min(n_tfs, n_genes) == 1:
        reason = "it is a star: all edges share one TF or one gene"
    elif len(network) - len(network.self_loops) >= n_pairs:
        reason = "it is complete: every TF regulates every gene"
    else:
        reason = "it has too few edges, or TFs that regulate nearly all genes"
    raise ValueError(
        f"the network ({len(network)} edges, {n_tfs} TFs, {n_genes} genes) cannot be rewired: "
        f"{moved:.0%} of its edges moved, at least {LEAST_MOVED:.0%} are needed. Probably "
        f"{reason}. No network with the same degrees is different enough to be a control"
    )
