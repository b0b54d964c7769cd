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
    """
    kept = _keep(rng, truth, strength, round(recall * len(truth)))
    n_wrong = round(sign_errors * len(kept))
    wrong = rng.choice(len(kept), n_wrong, replace=False)
    sign = kept["Interaction"].to_numpy(copy=True)
    sign[wrong] *= -1
    n_false = round(len(kept) * false_share / (1 - false_share))
    false = _draw_false(rng, truth, tfs, kept, n_false)
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


def _draw_false(
    rng: np.random.Generator,
    truth: Network,
    tfs: pd.Index,
    kept: pd.DataFrame,
    n_false: int,
) -> pd.DataFrame:
    """Draw edges that are not true, popular TFs more often.

    Genes and TFs that have no edge in the prior yet come first, so that decoys are in it.
    """
    pairs = pd.MultiIndex.from_product([tfs, truth.nodes], names=["TF", "Gene"])
    pairs = pairs.difference(pd.MultiIndex.from_frame(truth.edges[["TF", "Gene"]]), sort=False)
    if n_false > len(pairs):
        raise ValueError(
            f"the prior would need {n_false} false edges, but only {len(pairs)} pairs are not "
            "regulated in truth; lower prior_false_share or prior_recall"
        )
    candidates = pairs.to_frame(index=False)
    degree = truth.out_degree.reindex(tfs, fill_value=0)
    weight = np.log(candidates["TF"].map(degree.clip(lower=degree.median())).to_numpy(float))
    candidates = candidates.assign(key=weight + rng.gumbel(size=len(candidates)))
    candidates = candidates.sort_values("key", ascending=False, kind="stable", ignore_index=True)
    new_tf = ~candidates["TF"].isin(kept["TF"]) & ~candidates["TF"].duplicated()
    new_gene = ~candidates["Gene"].isin(kept["Gene"]) & ~candidates["Gene"].duplicated()
    new_gene &= candidates["Gene"].isin(truth.genes)
    order = np.argsort(~(new_tf | new_gene).to_numpy(), kind="stable")[:n_false]
    false = candidates.loc[order, ["TF", "Gene"]]
    sign = np.where(rng.random(len(false)) < ACTIVATOR_SHARE, 1, -1)
    return false.assign(Interaction=sign)[list(COLUMNS)]
