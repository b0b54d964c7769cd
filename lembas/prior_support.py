"""Compare attributions with the prior network: its edges, its signs, and TFs it does not name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from lembas.channels import LembasChannels
from lembas.ensemble import LembasEnsemble
from lembas.network import UNKNOWN, Network
from lembas.path_ridge import reach
from lembas.training import LembasRegressor
from lembas.tuning import best_of

# Kinds of TFs by the number of edges from them to the gene; the last are out of reach.
REGULATORS, TWO_STEPS, FURTHER, NO_PATH = "regulators", "two steps", "further", "no path"
KINDS: Mapping[str, str] = {
    REGULATORS: "its own regulators",
    TWO_STEPS: "TFs two edges away",
    FURTHER: "TFs further away",
    NO_PATH: "TFs without a path to the gene",
}
# What :func:`described_edges` adds.
DESCRIPTION = ["kind", "sign", "in_prior"]
# Edges of the longest path that counts where no LEMBAS-RNN says how far it sees.
DEFAULT_REACH = 4


def reach_of(models: Iterable[BaseEstimator]) -> int:
    """Count the edges of the longest path along which any LEMBAS-RNN of these sees a TF.

    With T updates it sees over T - 1 edges, and over one with a single update and a skip.
    """
    networks = [
        member.network_
        for model in map(best_of, models)
        for member in (model.members_ if isinstance(model, LembasEnsemble) else [model])
        if isinstance(member, LembasRegressor | LembasChannels)
    ]
    return max((max(net.config.max_steps - 1, 1) for net in networks), default=DEFAULT_REACH)


def kinds_of_tfs(
    network: Network, tfs: pd.Index, genes: Iterable[str], *, n_hops: int
) -> pd.DataFrame:
    """Sort the TFs by their way to each gene.

    Args:
        network: The prior; paths may lead through TFs that were not measured.
        tfs: TFs of the models.
        genes: Genes explained.
        n_hops: Edges of the longest path that counts.

    Returns:
        Shape ``(gene, tf)``, one of ``KINDS``; a gene that is a TF itself has no path to itself.
    """
    rows = pd.Index(genes, name="gene")
    kinds = np.full((len(rows), len(tfs)), NO_PATH, dtype=object)
    for hops, kind in ((max(n_hops, 2), FURTHER), (2, TWO_STEPS), (1, REGULATORS)):
        if hops <= n_hops or hops == 1:
            kinds[reach(network, tfs, rows, hops=hops).toarray()] = kind
    return pd.DataFrame(kinds, index=rows, columns=tfs)


def shares(summary: pd.DataFrame, kinds: pd.DataFrame) -> pd.DataFrame:
    r"""Divide each model's attributions among the kinds of TFs, beside random sets of TFs.

    A random set of k of the N TFs gets k / N on average, with the variance of a sum drawn without
    replacement:

    .. math:: \mathrm{Var} = k \, \frac{N - k}{N} \, S^2

    where :math:`S^2` is the variance of the shares over TFs (divided by N - 1).

    Args:
        summary: Columns model, gene, tf, mean_abs_attribution, all TFs of the model.
        kinds: Result of :func:`kinds_of_tfs`.

    Returns:
        One row a model, gene and kind: model, gene, kind, share (of the gene's whole attribution),
        n_tfs, chance (what a random set of as many TFs gets) and chance_sd. Genes without any
        attribution are left out.

    Raises:
        KeyError: If a gene or TF has no kind.
    """
    parts = []
    for (model, gene), rows in summary.groupby(["model", "gene"], sort=False):
        size = rows.set_index("tf")["mean_abs_attribution"]
        _refuse_unknown(str(gene), size.index, kinds)
        total = size.sum()
        if total <= 0:
            continue
        own = kinds.loc[gene, size.index]
        share = (size / total).groupby(own).sum().reindex(list(KINDS), fill_value=0.0)
        count = own.value_counts().reindex(list(KINDS), fill_value=0)
        n = len(size)
        spread = np.sqrt(count * (n - count) / n * (size / total).var(ddof=1))
        found = {"share": share, "n_tfs": count, "chance": count / n, "chance_sd": spread}
        table = pd.DataFrame(found).rename_axis("kind").reset_index()
        parts.append(table.assign(model=model, gene=gene))
    columns = ["model", "gene", "kind", "share", "n_tfs", "chance", "chance_sd"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def _refuse_unknown(gene: str, tfs: pd.Index, kinds: pd.DataFrame) -> None:
    unknown = tfs.difference(kinds.columns)
    if gene not in kinds.index or len(unknown):
        what = f"TF(s) {', '.join(map(str, unknown[:5]))}" if len(unknown) else f"gene {gene}"
        raise KeyError(f"no kind is known of {what}; make kinds of the same genes and TFs")


def mean_shares(table: pd.DataFrame) -> pd.DataFrame:
    """Average shares over genes.

    Args:
        table: Result of :func:`shares`.

    Returns:
        One row a model and kind: model, kind, share, chance, chance_sd (of the mean), n_genes.
    """
    squares = table.assign(square=table["chance_sd"] ** 2)
    grouped = squares.groupby(["model", "kind"], sort=False)
    found = grouped.agg(
        share=("share", "mean"),
        chance=("chance", "mean"),
        square=("square", "sum"),
        n_genes=("gene", "size"),
    ).reset_index()
    sd = np.sqrt(found["square"]) / found["n_genes"]
    return found.assign(chance_sd=sd).drop(columns="square")


def sign_agreement(summary: pd.DataFrame, network: Network) -> pd.DataFrame:
    """Count how often the direction of an attribution is the sign that the prior gives the edge.

    Edges of unknown sign neither agree nor disagree, and are not counted. By chance it would be
    as often as if each edge had the direction of a TF drawn from all those
    that the model uses for the gene.

    Args:
        summary: Columns model, gene, tf, direction.
        network: The prior.

    Returns:
        One row a model and gene: model, gene, n_edges (own regulators with a direction, and
        a sign in the prior), n_agree
        and chance (expected share that agree). Genes without such an edge are left out.
    """
    edges = network.edges.rename(columns={"TF": "tf", "Gene": "gene", "Interaction": "sign"})
    edges = edges[edges["sign"] != UNKNOWN]
    used = summary[summary["direction"] != 0]
    rises = (used["direction"] > 0).groupby([used["model"], used["gene"]]).mean().rename("rises")
    both = used.merge(edges, on=["tf", "gene"])
    both = both.merge(rises.reset_index(), on=["model", "gene"])
    expected = both["rises"].where(both["sign"] > 0, 1 - both["rises"])
    made = both.assign(agrees=both["direction"] == both["sign"], expected=expected)
    grouped = made.groupby(["model", "gene"], sort=False)
    return grouped.agg(
        n_edges=("tf", "size"), n_agree=("agrees", "sum"), chance=("expected", "mean")
    ).reset_index()


def concentration(sizes: pd.Series) -> float:
    r"""Count the TFs that an attribution rests on, as if all of them had equal parts in it.

    .. math:: \exp \Bigl( - \sum_t q_t \ln q_t \Bigr), \qquad q_t = m_t / \sum_u m_u

    Args:
        sizes: Mean size of the attributions, over ``tf``.

    Returns:
        Between 1 and the number of TFs; NaN where all are 0.
    """
    used = sizes[sizes > 0].to_numpy(float)
    if not used.size:
        return float("nan")
    part = used / used.sum()
    return float(np.exp(-(part * np.log(part)).sum()))


def against_skill(summary: pd.DataFrame, table: pd.DataFrame, skill: pd.DataFrame) -> pd.DataFrame:
    """Put beside each gene's skill what its attribution is like.

    Args:
        summary: Columns model, gene, tf, mean_abs_attribution.
        table: Result of :func:`shares` of the same summary.
        skill: Skill on the test samples, ``(gene, model)``.

    Returns:
        One row a model and gene with a skill: model, gene, skill, share (on the gene's own
        regulators), chance, n_effective (see :func:`concentration`).
    """
    own = table.loc[table["kind"] == REGULATORS, ["model", "gene", "share", "chance"]]
    sizes = summary.groupby(["model", "gene"], sort=False)["mean_abs_attribution"]
    effective = sizes.agg(concentration).rename("n_effective").reset_index()
    long = skill.rename_axis(index="gene").reset_index()
    long = long.melt(id_vars="gene", var_name="model", value_name="skill").dropna()
    joined = own.merge(effective, on=["model", "gene"]).merge(long, on=["model", "gene"])
    return joined[["model", "gene", "skill", "share", "chance", "n_effective"]]


def described_edges(summary: pd.DataFrame, kinds: pd.DataFrame, network: Network) -> pd.DataFrame:
    """Add to each gene and TF what the prior says of them.

    Args:
        summary: Columns gene and tf, among others.
        kinds: Result of :func:`kinds_of_tfs`.
        network: The prior.

    Returns:
        The same rows with ``DESCRIPTION``: kind, in_prior (whether there is an edge) and sign (1
        or -1; 0 without an edge, or where its sign is unknown).
    """
    long = kinds.rename_axis(index="gene", columns="tf").stack().rename("kind").reset_index()  # noqa: PD013
    edges = network.edges.rename(columns={"TF": "tf", "Gene": "gene", "Interaction": "sign"})
    joined = summary.merge(long, on=["gene", "tf"], how="left")
    joined = joined.merge(edges, on=["gene", "tf"], how="left")
    return joined.assign(
        in_prior=joined["sign"].notna(), sign=joined["sign"].fillna(UNKNOWN).astype(int)
    )


def signed_effects(table: pd.DataFrame, sd: pd.Series) -> pd.DataFrame:
    """Measure attributions in SDs of the gene, with the sign of their direction.

    Args:
        table: Columns gene, mean_abs_attribution, direction, among others.
        sd: SD of each gene over the training samples, log10, over ``gene``.

    Returns:
        The same rows with effect; NaN for a gene that does not vary.
    """
    spread = table["gene"].map(sd).astype(float)
    effect = table["direction"] * table["mean_abs_attribution"] / spread.where(spread > 0)
    return table.assign(effect=effect)
