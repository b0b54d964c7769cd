"""Draw a true regulatory network, and the imperfect prior that stands for what is known of it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lembas.kinetics import Regulation, cascade_gain
from lembas.names import known_edges
from lembas.network import COLUMNS, Network

N_HUBS = 6
POPULARITY_EXPONENT = 0.9
ACTIVATOR_SHARE = 0.72
KNOWN_KEPT = 0.9
ROOT_SHARE = 0.25
N_SELF_LOOPS = 3
MEDIAN_STRENGTH = 6.0
MAX_CASCADE_GAIN = 0.9
FAME_LOG_SD = 0.6


def draw_truth(
    rng: np.random.Generator,
    tfs: pd.Index,
    targets: pd.Index,
    decoys: pd.Index,
    *,
    mean_regulators: float,
) -> Network:
    """Draw who regulates whom in truth.

    The out-degree is heavy-tailed (a TF's popularity falls with its rank), every TF but the
    decoys regulates something, about three quarters of the TFs have regulators themselves, and
    TF-TF edges run in all directions, so that there are cycles.

    Args:
        rng: Source of randomness.
        tfs: All TFs; the first few in their order are the hubs.
        targets: Genes that are not TFs; each gets at least one regulator.
        decoys: TFs that regulate nothing and are regulated by nothing.
        mean_regulators: Mean number of regulators of a target, >= 1; TFs get half as many.
    """
    active = tfs.difference(decoys, sort=False)
    known = known_edges(active, targets)
    popularity = _popularity(rng, active)
    regulated = _regulated_tfs(rng, active, known)
    no_edges = known.iloc[:0]
    drawn = [
        _draw_regulators(rng, targets, popularity, mean_regulators, known),
        # Flatter among TFs, so that feedback runs through the whole cascade, not only the hubs.
        _draw_regulators(rng, regulated, popularity**0.5, max(1.5, mean_regulators / 2), no_edges),
        _unused(rng, active, targets),
        pd.DataFrame({"TF": regulated[-N_SELF_LOOPS:], "Gene": regulated[-N_SELF_LOOPS:]}),
    ]
    edges = pd.concat(drawn, ignore_index=True)
    tendency = pd.Series(rng.beta(4 * ACTIVATOR_SHARE, 4 * (1 - ACTIVATOR_SHARE), len(active)))
    activator_share = edges["TF"].map(tendency.set_axis(active))
    edges["Interaction"] = np.where(rng.random(len(edges)) < activator_share, 1, -1)
    # A known edge comes first, so that its own sign wins over a drawn one.
    edges = pd.concat([known, edges]).drop_duplicates(["TF", "Gene"])
    return Network.from_edges(edges, origin="the simulated truth")


def draw_prior(
    rng: np.random.Generator,
    truth: Network,
    tfs: pd.Index,
    *,
    strength: pd.Series,
    recall: float,
    false_share: float,
    sign_errors: float,
    n_edges: int | None = None,
    n_tf_edges: int | None = None,
) -> Network:
    """Draw the network that models are given: some true edges, some false, some wrong signs.

    Args:
        rng: Source of randomness.
        truth: The true network.
        tfs: All TFs, decoys included.
        strength: Strength of each true edge, in the order of ``truth.edges``: strong edges are
            more often known.
        recall: Share of the true edges that the prior holds, in (0, 1].
        false_share: Share of the prior's edges that are not true, in [0, 1).
        sign_errors: Share of the prior's true edges that carry the wrong sign, in [0, 1].
        n_edges: Edges of the prior, instead of ``false_share``.
        n_tf_edges: How many of these lead from TF to TF; None: left to chance.

    Raises:
        ValueError: If there are more true edges than edges, or fewer pairs than false edges.
    """
    kept = _keep(rng, truth, strength, round(recall * len(truth)))
    n_wrong = round(sign_errors * len(kept))
    wrong = rng.choice(len(kept), n_wrong, replace=False)
    sign = kept["Interaction"].to_numpy(copy=True)
    sign[wrong] *= -1
    if n_edges is None:
        n_false = round(len(kept) * false_share / (1 - false_share))
        false = _draw_false(rng, truth, tfs, kept, [(truth.nodes, n_false)])
    else:
        blocks = _false_by_block(truth, tfs, kept, n_edges, n_tf_edges)
        # Genes differ in how much is written about them as TFs do.
        fame = rng.lognormal(0, FAME_LOG_SD, len(truth.nodes))
        false = _draw_false(rng, truth, tfs, kept, blocks, fame=fame)
    edges = pd.concat([kept.assign(Interaction=sign), false], ignore_index=True)
    return Network.from_edges(edges, origin="the simulated prior")


def draw_regulation(rng: np.random.Generator, truth: Network) -> Regulation:
    """Draw the kinetics of a true network.

    Some genes answer strongly and some hardly at all; familiar edges are among the strong ones.
    TF-TF edges are weakened until the cascade is sure to settle, positive loops or not.

    Args:
        rng: Source of randomness.
        truth: The true network.
    """
    edges, genes = truth.edges, truth.genes
    responsiveness = pd.Series(rng.lognormal(0, 0.5, len(genes)), index=genes)
    strength = MEDIAN_STRENGTH * rng.lognormal(0, 0.9, len(edges))
    strength = strength * edges["Gene"].map(responsiveness)
    familiar = pd.MultiIndex.from_frame(edges[["TF", "Gene"]]).isin(
        pd.MultiIndex.from_frame(known_edges(truth.tfs, genes)[["TF", "Gene"]])
    )
    strength = strength.where(~familiar, strength.clip(lower=6.0))
    table = _calmed(
        edges.assign(
            strength=strength,
            threshold_log2=rng.normal(0, 0.5, len(edges)),
            hill=rng.uniform(1, 2.5, len(edges)),
        )
    )
    # The promoter weight follows from the occupancy that the gene is to have in the reference.
    occupancy = 0.03 * (0.5 / 0.03) ** rng.random(len(genes))
    bound = 1 / (1 + np.exp2(table["hill"] * table["threshold_log2"]))
    by_tfs = (table["Interaction"] * np.log1p(table["strength"] * bound)).groupby(table["Gene"])
    basal = occupancy / (1 - occupancy) * np.exp(-by_tfs.sum().reindex(genes))
    return Regulation(table, basal.rename("basal"))


def _calmed(edges: pd.DataFrame) -> pd.DataFrame:
    """Weaken the TF-TF edges, in steps of a tenth, until their loop gain is bounded."""
    within = edges["Gene"].isin(edges["TF"])
    while cascade_gain(edges) > MAX_CASCADE_GAIN:
        weaker = edges["strength"].where(~within, edges["strength"] * 0.9)
        edges = edges.assign(strength=weaker)
    return edges


def _popularity(rng: np.random.Generator, active: pd.Index) -> pd.Series:
    """Give each TF a weight that falls with its rank; the first few TFs are the hubs."""
    hubs = min(N_HUBS, len(active))
    rank = np.arange(len(active))
    rank[hubs:] = rng.permutation(rank[hubs:])
    return pd.Series((rank + 4.0) ** -POPULARITY_EXPONENT, index=active)


def _regulated_tfs(rng: np.random.Generator, active: pd.Index, known: pd.DataFrame) -> pd.Index:
    """Choose the TFs that have regulators: the known ones, and others up to the wanted share."""
    wanted = round((1 - ROOT_SHARE) * len(active))
    must = active[active.isin(known["Gene"])]
    others = pd.Index(rng.permutation(active.difference(must, sort=False).to_numpy()))
    return must.append(others[: max(wanted - len(must), 0)])


def _draw_regulators(
    rng: np.random.Generator,
    genes: pd.Index,
    popularity: pd.Series,
    mean: float,
    known: pd.DataFrame,
) -> pd.DataFrame:
    """Draw distinct regulators for each gene, popular TFs more often.

    A gene's number of regulators is 1 plus a negative-binomial number; edges it has already
    count.
    """
    extra = rng.negative_binomial(2, 2 / (1 + mean), len(genes))
    settled = known.groupby("Gene").size().reindex(genes, fill_value=0).to_numpy()
    wanted = np.clip(1 + extra - settled, 0, len(popularity) // 2)
    # Gumbel keys: the k largest are k draws without replacement in proportion to popularity.
    keys = np.log(popularity.to_numpy()) + rng.gumbel(size=(len(genes), len(popularity)))
    keys[genes.to_numpy()[:, None] == popularity.index.to_numpy()] = -np.inf
    best = np.argsort(-keys, axis=1, kind="stable")
    chosen = np.arange(len(popularity)) < wanted[:, None]
    gene, place = np.nonzero(chosen)
    return pd.DataFrame({"TF": popularity.index[best[gene, place]], "Gene": genes[gene]})


def _unused(rng: np.random.Generator, active: pd.Index, targets: pd.Index) -> pd.DataFrame:
    """Give every TF one target of its own, so that none is without an edge."""
    chosen = rng.choice(len(targets), len(active), replace=len(active) > len(targets))
    return pd.DataFrame({"TF": active, "Gene": targets[chosen]})


def _keep(
    rng: np.random.Generator, truth: Network, strength: pd.Series, n_keep: int
) -> pd.DataFrame:
    """Choose the true edges that the prior holds, strong ones more often.

    Most familiar edges come first, then one edge of each TF and of each gene, then chance: so
    that, unless recall is very low, every TF and every gene is in the prior.
    """
    key = np.log(strength.to_numpy()) + rng.gumbel(size=len(truth))
    edges = truth.edges.iloc[np.argsort(-key, kind="stable")]
    pairs = pd.MultiIndex.from_frame(edges[["TF", "Gene"]])
    known = known_edges(truth.tfs, truth.genes)
    familiar = pairs.isin(pd.MultiIndex.from_frame(known[["TF", "Gene"]]))
    remembered = familiar & (rng.random(len(edges)) < KNOWN_KEPT)
    first = ~edges["TF"].duplicated() | ~edges["Gene"].duplicated()
    # Familiar edges that were not remembered go last: the prior is not to be perfect on them.
    tier = np.select([remembered, familiar, first], [0, 3, 1], default=2)
    order = np.argsort(tier, kind="stable")
    return edges.iloc[order[: max(n_keep, 1)]]


def _false_by_block(
    truth: Network, tfs: pd.Index, kept: pd.DataFrame, n_edges: int, n_tf_edges: int | None
) -> list[tuple[pd.Index, int]]:
    """Count the false edges that make up the wanted number, by the genes they lead to."""
    to_tf = truth.nodes.isin(tfs)
    n_kept_tf = int(kept["Gene"].isin(tfs).sum())
    if n_tf_edges is None:
        blocks = [(truth.nodes, n_edges - len(kept))]
    else:
        n_kept = len(kept) - n_kept_tf
        blocks = [
            (truth.nodes[~to_tf], n_edges - n_tf_edges - n_kept),
            (truth.nodes[to_tf], n_tf_edges - n_kept_tf),
        ]
    lacking = [-n_false for _, n_false in blocks if n_false < 0]
    if lacking:
        raise ValueError(
            f"the prior would hold {len(kept)} true edges, {n_kept_tf} of them from TF to TF: "
            f"{lacking[0]} more than there is room for; lower prior_recall or mean_regulators, or "
            "raise n_prior_edges or n_prior_tf_edges"
        )
    return blocks


def _draw_false(
    rng: np.random.Generator,
    truth: Network,
    tfs: pd.Index,
    kept: pd.DataFrame,
    blocks: list[tuple[pd.Index, int]],
    *,
    fame: np.ndarray | float = 1.0,
) -> pd.DataFrame:
    """Draw edges that are not true, popular TFs more often.

    Genes and TFs that have no edge in the prior yet come first, so that decoys are in it.

    Args:
        rng: Source of randomness.
        truth: The true network.
        tfs: All TFs, decoys included.
        kept: The true edges of the prior.
        blocks: Genes, and how many false edges lead to them.
        fame: Weight of each node of the truth as a gene.
    """
    nodes = truth.nodes
    free = np.ones((len(tfs), len(nodes)), dtype=bool)
    free[tfs.get_indexer(truth.edges["TF"]), nodes.get_indexer(truth.edges["Gene"])] = False
    degree = truth.out_degree.reindex(tfs, fill_value=0)
    popularity = degree.clip(lower=degree.median()).to_numpy(float)
    # Gumbel keys: the largest are draws without replacement in proportion to the weights.
    key = np.full(free.shape, -np.inf)
    key[free] = rng.gumbel(size=int(free.sum()))
    key += np.log(popularity)[:, None] + np.log(fame)
    first = _first_edges(key, ~tfs.isin(kept["TF"]), truth, kept)
    drawn = [_best(key, first, nodes.isin(genes), n_false) for genes, n_false in blocks]
    tf, gene = np.divmod(np.concatenate(drawn), len(nodes))
    sign = np.where(rng.random(len(tf)) < ACTIVATOR_SHARE, 1, -1)
    table = {"TF": tfs[tf].to_numpy(), "Gene": nodes[gene].to_numpy(), "Interaction": sign}
    return pd.DataFrame(table)[list(COLUMNS)]


def _first_edges(
    key: np.ndarray, new_tf: np.ndarray, truth: Network, kept: pd.DataFrame
) -> np.ndarray:
    """Mark the best edge of each TF and of each gene that has none yet, ``(tf, node)``."""
    nodes = truth.nodes
    new_gene = ~nodes.isin(kept["Gene"]) & nodes.isin(truth.genes)
    first = np.zeros(key.shape, dtype=bool)
    first[np.flatnonzero(new_tf), key[new_tf].argmax(axis=1)] = True
    first[key[:, new_gene].argmax(axis=0), np.flatnonzero(new_gene)] = True
    return first & np.isfinite(key)


def _best(key: np.ndarray, first: np.ndarray, is_gene: np.ndarray, n: int) -> np.ndarray:
    """Choose the places in ``(tf, node)`` of the ``n`` best edges to some genes, best first.

    Those that are marked in ``first`` come before all others.
    """
    eligible = np.isfinite(key) & is_gene
    n_pairs = int(eligible.sum())
    if n > n_pairs:
        raise ValueError(
            f"the prior would need {n} false edges, but only {n_pairs} pairs are not "
            "regulated in truth; lower prior_false_share, prior_recall or n_prior_edges"
        )
    chosen = []
    for wanted in (eligible & first, eligible & ~first):
        place = np.flatnonzero(wanted)
        value = -key.ravel()[place]
        if n < len(place):
            near = np.sort(np.argpartition(value, n)[:n])
            place, value = place[near], value[near]
        chosen.append(place[np.argsort(value, kind="stable")])
        n -= len(place)
    return np.concatenate(chosen)
