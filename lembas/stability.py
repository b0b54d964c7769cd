"""How far attributions of linear models hang on the very samples they were fitted to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from lembas.agreement import pairs
from lembas.attribution import explain
from lembas.baselines import make
from lembas.cohorts import Cohort
from lembas.inner_split import held_out_samples
from lembas.network import Network
from lembas.prior_support import NO_PATH

# Models that are fitted anew in a moment.
REFITTED: tuple[str, ...] = ("mlr", "ridge", "masked_ridge")
# As much as a resample with replacement holds of the samples, 1 - 1/e.
PART = 0.632
# Models that may use any TF; the masked ridge has no edge from a decoy.
FULL: tuple[str, ...] = ("mlr", "ridge")


def refits(
    train: Cohort,
    samples: pd.DataFrame,
    genes: Iterable[str],
    *,
    network: Network,
    models: Sequence[str] = REFITTED,
    n_background: int = 50,
    n_refits: int = 10,
    seed: int = 888,
) -> pd.DataFrame:
    """Fit models of some genes to parts of the training samples and compare what they attribute.

    Every model gets the same parts: ``PART`` of the samples, drawn without replacement, or of the
    series where at least two are known. Drawn with replacement, a sample that a ridge leaves out to
    choose its penalty would have a twin among the others, and the ridge would choose hardly any.
    The samples explained and the background stay, so that only the model changes. Models have the
    registry's own settings.

    Args:
        train: Training samples.
        samples: Inputs to explain, ``(sample, tf)``.
        genes: Targets to fit: no others are.
        network: Prior, for the models that take one.
        models: Names in the registry.
        n_background: Training samples of the background.
        n_refits: Parts drawn, >= 2.
        seed: Seed of the parts and the background.

    Returns:
        One row a model, gene and pair of refits: model, gene, refit, other, rbo, spearman, overlap
        and each by chance (see :func:`lembas.agreement.pairs`).

    Raises:
        ValueError: If there are fewer than two refits.
    """
    if n_refits < 2:
        raise ValueError(f"two refits or more can be compared, got n_refits={n_refits}")
    chosen = list(genes)
    background = train.x.sample(min(n_background, len(train.x)), random_state=seed)
    drawn = [
        held_out_samples(train.x.index, train.series, fraction=1 - PART, seed=seed + number)[0]
        for number in range(n_refits)
    ]
    tables = []
    for name in models:
        parts = []
        for number, rows in enumerate(drawn, start=1):
            model = make(name, network)
            model.fit(train.x.iloc[rows], train.y[chosen].iloc[rows])
            edges = explain(model, samples, background, chosen).edges()
            parts.append(edges.assign(model=f"refit {number}"))
        found = pairs(pd.concat(parts, ignore_index=True), n_shuffles=2, seed=seed)
        tables.append(found.rename(columns={"model": "refit"}).assign(model=name))
    return pd.concat(tables, ignore_index=True)


def over_genes(table: pd.DataFrame, value: str, reference: str, *, check: str) -> pd.DataFrame:
    """Average a check over genes, model by model.

    Args:
        table: Columns model, gene, the value and the reference; several rows a gene are averaged
            first.
        value: Column of what is checked.
        reference: Column of what it is compared with, such as chance.
        check: Name of the check.

    Returns:
        One row a model: check, model, value (mean over genes), low and high (quartiles over genes),
        reference (mean); NaN where no gene has a value.
    """
    columns = {value: "value", reference: "reference"}
    by_gene = table.groupby(["model", "gene"], sort=False)[list(columns)].mean()
    grouped = by_gene.rename(columns=columns).groupby("model", sort=False)
    quartiles = {
        name: grouped["value"].quantile(share) for name, share in (("low", 0.25), ("high", 0.75))
    }
    found = grouped.mean().assign(**quartiles, check=check).reset_index()
    return found[["check", "model", "value", "low", "high", "reference"]]


def stability_checks(table: pd.DataFrame) -> pd.DataFrame:
    """Average what refits have in common: :func:`refits` in, checks "overlap" and "rbo" out."""
    checks = [over_genes(table, name, f"{name}_chance", check=name) for name in ("overlap", "rbo")]
    return pd.concat(checks, ignore_index=True)


def sanity_checks(twins: pd.DataFrame, decoys: pd.DataFrame, shares: pd.DataFrame) -> pd.DataFrame:
    """Put the checks that every attribution has to pass into one table.

    Args:
        twins: Agreement of each model with its randomised self, of
            :func:`lembas.agreement.twins`.
        decoys: Result of :func:`decoy_shares`.
        shares: Result of :func:`lembas.prior_support.shares`.

    Returns:
        Checks "randomised" (rank-biased overlap, beside chance), "decoys" (times an equal share)
        and "no path" (times what a random set gets); see :func:`over_genes`.
    """
    away = shares[(shares["kind"] == NO_PATH) & (shares["chance"] > 0)]
    away = away.assign(ratio=away["share"] / away["chance"], equal=1.0)
    parts = [
        over_genes(twins, "rbo", "rbo_chance", check="randomised"),
        over_genes(decoys.assign(equal=1.0), "ratio", "equal", check="decoys"),
        over_genes(away, "ratio", "equal", check="no path"),
    ]
    return pd.concat([part for part in parts if len(part)], ignore_index=True)


def with_decoys(X: pd.DataFrame, tfs: Iterable[str], *, seed: int) -> pd.DataFrame:
    """Append copies of TFs with their values permuted over samples: inputs that say nothing.

    Args:
        X: TF expression, ``(sample, tf)``.
        tfs: TFs to copy.
        seed: Seed of the permutations, another one for each copy.

    Returns:
        The same samples, with one more column a TF, named "decoy of ...".
    """
    generator = np.random.default_rng(seed)
    copies = {f"decoy of {tf}": generator.permutation(X[tf].to_numpy()) for tf in tfs}
    return pd.concat([X, pd.DataFrame(copies, index=X.index)], axis=1)


def decoy_shares(
    train: Cohort,
    samples: pd.DataFrame,
    genes: Iterable[str],
    *,
    network: Network,
    models: Sequence[str] = FULL,
    n_decoys: int = 50,
    n_background: int = 50,
    seed: int = 888,
) -> pd.DataFrame:
    """Fit models of some genes to the TFs and to decoys, and see what the decoys get.

    Args:
        train: Training samples.
        samples: Inputs to explain, ``(sample, tf)``.
        genes: Targets to fit: no others are.
        network: Prior, for the models that take one.
        models: Names in the registry.
        n_decoys: TFs copied, drawn at random; all where there are fewer.
        n_background: Training samples of the background.
        seed: Seed of the draws.

    Returns:
        One row a model and gene: model, gene, share (of one decoy, on average, in the gene's whole
        attribution), equal (an equal share: 1 / number of inputs) and ratio of the two; NaN where
        there is no attribution.
    """
    chosen = list(genes)
    generator = np.random.default_rng(seed)
    n_decoys = min(n_decoys, train.x.shape[1])
    tfs = train.x.columns[np.sort(generator.choice(train.x.shape[1], n_decoys, replace=False))]
    X, explained = with_decoys(train.x, tfs, seed=seed), with_decoys(samples, tfs, seed=seed + 1)
    background = X.sample(min(n_background, len(X)), random_state=seed)
    tables = []
    for name in models:
        model = make(name, network).fit(X, train.y[chosen])
        edges = explain(model, explained, background, chosen).edges()
        whole = edges.groupby("gene")["mean_abs_attribution"].sum()
        decoys = edges[edges["tf"].str.startswith("decoy of ")]
        mean = decoys.groupby("gene")["mean_abs_attribution"].mean()
        share = (mean / whole.where(whole > 0)).reindex(chosen).rename_axis("gene")
        tables.append(share.rename("share").reset_index().assign(model=name, equal=1 / X.shape[1]))
    found = pd.concat(tables, ignore_index=True)
    return found.assign(ratio=found["share"] / found["equal"])[
        ["model", "gene", "share", "equal", "ratio"]
    ]
