"""Read what a network model learned on each edge, and hold it against the prior."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas as pd
import torch
from scipy import stats
from sklearn.base import BaseEstimator
from sklearn.metrics import average_precision_score

from lembas.channels import LembasChannels, copy_of
from lembas.ensemble import LembasEnsemble
from lembas.model import LembasRNN
from lembas.network import UNKNOWN, Network
from lembas.path_ridge import PathRidge
from lembas.ridge import MaskedRidge
from lembas.training import LembasRegressor
from lembas.tuning import best_of

# An edge with less than this share of its gene's largest weight counts as dead.
DEAD_SHARE = 0.05
N_BINS = 10
_EDGE = ["tf", "gene", "sign"]


def learned_weights(model: BaseEstimator, X: pd.DataFrame, Y: pd.DataFrame) -> pd.DataFrame:
    r"""Compute the effective weight of every edge from a measured TF to a predicted gene.

    The effective weight is what one SD of the TF does to the gene through this edge alone, in SDs
    of the gene. For the masked ridge it is the coefficient. For LEMBAS-RNN the edge acts twice,
    by the skip and by one step of the updates, taken at the average sample:

    .. math:: \frac{\sigma_t}{\sigma_g} \frac{s^y_g}{s^x_t} \left( s_{gt}
       + w^{out}_g \, f'(h_g) \, w_{gt} \, f'(h_t) \, w^{in}_t \right)

    with s the skip's weight, w the edge's, h the states, s^x and s^y the scales of training. With
    several channels an edge's weight is the sum over them.

    Args:
        model: A fitted masked or signed ridge, or a LEMBAS-RNN.
        X: TF expression of the training samples, ``(sample, tf)``, log10.
        Y: Gene expression of the training samples, ``(sample, gene)``, log10.

    Returns:
        One row a seed and edge: seed (0 for a model without seeds), tf, gene, sign (of the prior;
        0: unknown) and weight; NaN for a gene that does not vary.

    Raises:
        TypeError: If the model has no weights on the edges of a prior.
    """
    model = best_of(model)
    if isinstance(model, LembasEnsemble):
        members = [learned_weights(member, X, Y) for member in model.members_]
        return pd.concat(members, ignore_index=True)
    if isinstance(model, LembasRegressor):
        slopes, seed = _network_slopes(model, X), model.config_.seed
    elif isinstance(model, LembasChannels):
        slopes, seed = _slopes_over_channels(model, X), model.inner_.config_.seed
    elif isinstance(model, MaskedRidge) and not isinstance(model, PathRidge):
        slopes, seed = _ridge_slopes(model), 0
    else:
        raise TypeError(
            f"{type(model).__name__} has no weight an edge of the prior; expected a masked or "
            "signed ridge, or a LEMBAS-RNN"
        )
    sd = Y.std(ddof=0).replace(0, np.nan)
    scale = slopes["tf"].map(X.std(ddof=0)) / slopes["gene"].map(sd)
    weights = slopes.assign(seed=seed, weight=slopes["slope"] * scale.astype(float))
    return weights[["seed", *_EDGE, "weight"]]


def _ridge_slopes(model: MaskedRidge) -> pd.DataFrame:
    """List the edges of a masked ridge with their slopes, log10 per log10."""
    gene, tf, sign = model._checked_network().positions(model.tfs_, model.genes_)
    names = {"tf": model.tfs_[tf], "gene": model.genes_[gene], "sign": sign.astype(int)}
    edges = pd.DataFrame(names).assign(slope=np.asarray(model.coef_.tocsr()[gene, tf]).ravel())
    edges["slope"] /= model.tf_sd_.to_numpy()[tf]
    return edges[edges["tf"] != edges["gene"]].reset_index(drop=True)


def _slopes_over_channels(model: LembasChannels, X: pd.DataFrame) -> pd.DataFrame:
    """Add the slopes of each edge up over the channels: a TF moves all its copies at once."""
    own = {copy_of(tf, k): tf for k in range(model.n_channels) for tf in model.tfs_}
    slopes = _network_slopes(model.inner_, model.copied(X[model.tfs_]))
    slopes = slopes.assign(tf=slopes["tf"].map(own))
    return slopes.groupby(_EDGE, sort=False)["slope"].sum().reset_index()


@torch.no_grad()
def _network_slopes(model: LembasRegressor, X: pd.DataFrame) -> pd.DataFrame:
    """List the edges of a LEMBAS-RNN with the slopes of skip and one step, log10 per log10."""
    network, scale = model.network_, model._scale
    known = network.edges["TF"].isin(model.tfs_) & network.edges["Gene"].isin(model.genes_)
    place = np.flatnonzero(known & (network.edges["TF"] != network.edges["Gene"]))
    edges = network.edges.iloc[place]
    tf, gene = model.tfs_.get_indexer(edges["TF"]), model.genes_.get_indexer(edges["Gene"])
    mean = X[model.tfs_].mean().to_numpy(np.float32)
    states = _states(network, (torch.from_numpy(mean) - scale.x_mean.cpu()) / scale.x_sd.cpu())
    slope = np.where(states < 0, network.config.leak, np.clip(4 * (1 - states) ** 2, None, 1))
    at_tf, at_gene = (network.nodes.get_indexer(edges[end]) for end in ("TF", "Gene"))
    # Before the second update no TF's state has reached a gene.
    reaches = float(network.config.max_steps > 1)
    step = _array(network.output_weights)[gene] * slope[at_gene] * _array(network.weights)[place]
    total = reaches * step * slope[at_tf] * _array(network.input_weights)[tf]
    if network.config.skip:
        total = total + _array(network.skip_weights)[place]
    names = {"tf": edges["TF"].to_numpy(), "gene": edges["Gene"].to_numpy()}
    slopes = total * _array(scale.y_sd)[gene] / _array(scale.x_sd)[tf]
    return pd.DataFrame({**names, "sign": edges["Interaction"].to_numpy(int), "slope": slopes})


def _states(network: LembasRNN, x: torch.Tensor) -> np.ndarray:
    """Compute the states of one sample, ``(node,)``."""
    _, states = network(x[None].to(network.weights.device))
    return _array(states[0])


def _array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy().astype(float)


def edge_table(weights: pd.DataFrame, *, dead_share: float = DEAD_SHARE) -> pd.DataFrame:
    """Summarise the weights of each edge over the seeds.

    Args:
        weights: Result of :func:`learned_weights`.
        dead_share: Share of the gene's largest weight below which an edge is dead, in [0, 1].

    Returns:
        One row an edge, the strongest first: tf, gene, sign, weight (median over seeds, for in one
        of them a TF whose state hardly moves may have huge ones), weight_sd (over seeds; NaN for
        one), n_seeds, share (size over the gene's largest; NaN where that is 0), violates (the
        weight contradicts the prior's sign; an unknown one is not contradicted) and dead.

    Raises:
        ValueError: If the share is not within 0 and 1.
    """
    if not 0 <= dead_share <= 1:
        raise ValueError(f"dead_share is {dead_share}; expected a share within 0 and 1")
    over_seeds = weights.groupby(_EDGE, sort=False)["weight"]
    table = over_seeds.agg(weight="median", weight_sd="std", n_seeds="size").reset_index()
    size = table["weight"].abs()
    share = size / size.groupby(table["gene"]).transform("max").replace(0, np.nan)
    table = table.assign(
        share=share,
        violates=table["sign"] * table["weight"] < 0,
        # An edge to a gene whose weights are all 0 is dead too.
        dead=~(share >= dead_share),
    )
    order = size.sort_values(ascending=False, kind="stable").index
    return table.loc[order].reset_index(drop=True)


def sign_violations(edges: pd.DataFrame, *, n_bins: int = N_BINS) -> pd.DataFrame:
    """Count the edges whose weight contradicts the prior's sign, by strength.

    Args:
        edges: Result of :func:`edge_table`; weights of 0 or NaN have no sign and are left out, and
            so are edges whose sign the prior does not know.
        n_bins: Bins with equally many edges, from the weakest to the strongest.

    Returns:
        Columns bin (1: the weakest edges), n_edges, weight (median size) and violating (share).
    """
    signed = edges[(edges["weight"].abs() > 0) & (edges["sign"] != UNKNOWN)]
    size = signed["weight"].abs()
    rank = size.rank(method="first").to_numpy()
    number = np.ceil(rank * n_bins / max(len(signed), 1)).astype(int)
    rows = signed.assign(bin=number, size_of_weight=size).groupby("bin")
    return rows.agg(
        n_edges=("violates", "size"),
        weight=("size_of_weight", "median"),
        violating=("violates", "mean"),
    ).reset_index()


def seed_agreement(weights: pd.DataFrame, *, top_share: float = 0.1) -> pd.DataFrame:
    """Compare the weights of every pair of seeds.

    Args:
        weights: Result of :func:`learned_weights`.
        top_share: Share of the edges that count as the strongest.

    Returns:
        One row a pair: first, second, pearson (of the weights), spearman (of their sizes) and
        overlap (of the strongest edges of one, the share among those of the other); no row for
        a single seed.
    """
    wide = weights.pivot_table(index=["tf", "gene"], columns="seed", values="weight").dropna()
    n_top = max(round(top_share * len(wide)), 1)
    rows = []
    for first, second in combinations(wide.columns, 2):
        one, two = wide[first], wide[second]
        shared = one.abs().nlargest(n_top).index.isin(two.abs().nlargest(n_top).index)
        rows.append(
            {
                "first": first,
                "second": second,
                "pearson": float(stats.pearsonr(one, two).statistic),
                "spearman": float(stats.spearmanr(one.abs(), two.abs()).statistic),
                "overlap": float(shared.mean()),
            }
        )
    return pd.DataFrame(rows, columns=["first", "second", "pearson", "spearman", "overlap"])


def joined(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Put the tables of several models one below the other, with a column model."""
    return pd.concat([table.assign(model=name) for name, table in tables.items()])


def weights_against_truth(edges: pd.DataFrame, truth: Network) -> pd.Series:
    """Ask whether learned weights tell the prior's true edges from its false ones.

    Args:
        edges: Result of :func:`edge_table`.
        truth: The network that made the data.

    Returns:
        Entries n_edges, base_rate (share of the prior's edges that are true), auprc (of the true
        ones, ranked by the size of the weight), lift, n_wrong_signs (true edges whose sign in the
        prior is wrong), mended (share of these to which the weight gives the true sign) and kept
        (the same share of the true edges with the right sign). NaN where there are none.
    """
    known = truth.edges.rename(columns={"TF": "tf", "Gene": "gene", "Interaction": "true_sign"})
    joined = edges.dropna(subset="weight").merge(known, on=["tf", "gene"], how="left")
    is_true = joined["true_sign"].notna()
    base_rate = is_true.mean()
    auprc = np.nan
    if is_true.any():
        auprc = float(average_precision_score(is_true, joined["weight"].abs()))
    found = joined[is_true]
    right = np.sign(found["weight"]) == found["true_sign"]
    agrees = found["sign"] == found["true_sign"]
    wrong = ~agrees & (found["sign"] != UNKNOWN)
    return pd.Series(
        {
            "n_edges": len(joined),
            "base_rate": base_rate,
            "auprc": auprc,
            "lift": auprc / base_rate,
            "n_wrong_signs": int(wrong.sum()),
            "mended": right[wrong].mean(),
            "kept": right[agrees].mean(),
        }
    )
