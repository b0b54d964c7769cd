"""Sort genes by what the training samples and the network say of them, and score each kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from lembas.cohorts import Cohort
from lembas.formats import listed
from lembas.intervals import bootstrap
from lembas.metrics import PRIMARY, without_rounding
from lembas.network import Network
from lembas.strata import mean_and_sd

THIRDS: tuple[str, ...] = ("low", "middle", "high")
DEGREES: tuple[tuple[str, int], ...] = (
    ("none", 0),
    ("1", 1),
    ("2 to 5", 5),
    ("6 to 20", 20),
    ("21 to 50", 50),
    ("more than 50", np.iinfo(int).max),
)
UNREACHABLE = "unreachable"
DISTANCES: tuple[str, ...] = ("0", "1", "2", "3 or more", UNREACHABLE)

# What genes are sorted by, in words.
KINDS: Mapping[str, str] = {
    "expression": "mean and SD over the training samples",
    "in_degree": "number of measured regulators",
    "distance": "steps from a measured TF in the network",
    "series_share": "part of the variance that lies between series",
}


def gene_strata(train: Cohort, network: Network) -> pd.DataFrame:
    """Describe every target by its training samples and its place in the network.

    Args:
        train: Training samples: no other cohort decides where a gene belongs.
        network: The whole prior; the TFs of ``train.x`` are the measured ones.

    Returns:
        Over ``gene``: mean, sd (log10), in_degree_measured (measured regulators, itself left out),
        hops (steps from the nearest measured TF, 0 for one that is itself an input; NaN:
        unreachable), between_series (part of the variance between series, see
        :func:`share_between`; NaN where series are unknown), and for each of ``KINDS`` an ordered
        category, ``<kind>_stratum``.
    """
    table = mean_and_sd(train.y)
    table["in_degree_measured"] = measured_regulators(network, train.x.columns, table.index)
    table["hops"] = hops(network, train.x.columns, table.index)
    table["between_series"] = share_between(train.y, train.series)
    level = thirds(table["mean"])
    # SD rises with the mean: it is compared among genes of a like mean.
    spread = pd.concat([thirds(part) for _, part in table["sd"].groupby(level, observed=True)])
    pairs = [f"{a} mean, {b} SD" for a in THIRDS for b in THIRDS]
    named = level.astype(str) + " mean, " + spread.reindex(table.index).astype(str) + " SD"
    table["expression_stratum"] = pd.Categorical(named, pairs, ordered=True)
    cuts = [limit for _, limit in DEGREES]
    names = np.array([name for name, _ in DEGREES], dtype=object)
    degree = names[np.searchsorted(cuts, table["in_degree_measured"])]
    table["in_degree_stratum"] = pd.Categorical(degree, names, ordered=True)
    steps = table["hops"].map(lambda n: "3 or more" if n >= 3 else f"{n:.0f}")
    steps = steps.mask(table["hops"].isna(), UNREACHABLE)
    table["distance_stratum"] = pd.Categorical(steps, DISTANCES, ordered=True)
    table["series_share_stratum"] = thirds(table["between_series"])
    return table.rename_axis("gene")


def thirds(values: pd.Series) -> pd.Series:
    """Sort into "low", "middle" and "high" by rank, a third of the genes each; NaN stays so."""
    share = values.rank(method="first") / max(int(values.notna().sum()), 1)
    bins = np.array([0, 1 / 3, 2 / 3, 1]) + np.array([0, 1, 1, 1]) * 1e-9
    return pd.cut(share, bins, labels=list(THIRDS))


def measured_regulators(network: Network, tfs: pd.Index, genes: pd.Index) -> pd.Series:
    """Count each gene's regulators among ``tfs``, itself left out."""
    row, column, _ = network.positions(tfs, genes)
    other = genes.to_numpy()[row] != tfs.to_numpy()[column]
    return pd.Series(np.bincount(row[other], minlength=len(genes)), index=genes)


def hops(network: Network, tfs: pd.Index, genes: pd.Index) -> pd.Series:
    """Count the edges on the shortest path from any of ``tfs`` to each gene.

    Returns:
        Over ``gene``: 0 for a gene that is one of ``tfs``, NaN for one that no path reaches.
    """
    nodes = network.nodes
    source, target = (nodes.get_indexer(network.edges[end]) for end in ("TF", "Gene"))
    shape = (len(nodes), len(nodes))
    graph = csr_array((np.ones(len(source)), (source, target)), shape=shape)
    starts = nodes.get_indexer(tfs)
    starts = starts[starts >= 0]
    if not len(starts):
        return pd.Series(np.nan, index=genes)
    distance = dijkstra(graph, indices=starts, unweighted=True, min_only=True)
    found = pd.Series(distance, index=nodes).reindex(genes)
    return found.where(np.isfinite(found))


def share_between(expression: pd.DataFrame, series: pd.Series | None) -> pd.Series:
    r"""Compute the part of each gene's variance that lies between series.

    .. math:: \epsilon^2_g = \max\Bigl(0, 1 - \frac{SSW_g / (n - S)}{SST_g / (n - 1)}\Bigr)

    which, unlike the plain share, does not grow with the number of series S by chance.

    Args:
        expression: Shape ``(sample, gene)``.
        series: Series of each sample; None: unknown.

    Returns:
        Over ``gene``; NaN for a gene that does not vary, and throughout where fewer than two
        series are known or each sample is a series of its own.

    References:
        Kelley 1935, doi:10.1073/pnas.21.9.554.
    """
    unknown = pd.Series(np.nan, index=expression.columns)
    if series is None or not 1 < series.nunique() < len(expression):
        return unknown
    code, names = pd.factorize(series.reindex(expression.index))
    values = expression.to_numpy(float)
    centred = values - values.mean(axis=0)
    total = without_rounding((centred**2).sum(axis=0), (values**2).sum(axis=0))
    order, size = np.argsort(code, kind="stable"), np.bincount(code)
    sums = np.add.reduceat(centred[order], np.cumsum(size) - size, axis=0)
    within = total - (sums**2 / size[:, None]).sum(axis=0)
    freedom = (len(values) - 1) / (len(values) - len(names))
    share = 1 - freedom * within / np.where(total > 0, total, np.nan)
    return unknown.fillna(pd.Series(share, index=expression.columns)).clip(lower=0)


def skill_by_stratum(
    cohort: Cohort,
    predictions: Mapping[str, pd.DataFrame],
    train_mean: pd.Series,
    strata: pd.DataFrame,
    *,
    reference: str = "masked_ridge",
    kinds: Sequence[str] = tuple(KINDS),
    n_resamples: int = 2000,
    seed: int = 888,
) -> pd.DataFrame:
    """Score every model in every stratum, with its paired difference to a reference.

    Args:
        cohort: Cohort to score on.
        predictions: For each model a prediction; genes that not all predict are left out.
        train_mean: Mean of each gene over the training samples.
        strata: Result of :func:`gene_strata`.
        reference: Model that differences are taken against.
        kinds: Ways to sort the genes, of ``KINDS``.
        n_resamples: Resamples of the intervals.
        seed: Seed of the resampling; all strata share the resamples.

    Returns:
        Tidy: kind, stratum, n_genes, model, value, low, high (median skill), difference,
        difference_low, difference_high. A stratum without genes has one row with ``n_genes`` 0 and
        no model; a kind of which nothing is known (no series) has none.

    Raises:
        ValueError: If strata lack a scored gene, or nothing is scored by all models.
        KeyError: If the reference was not predicted, or a kind is unknown.
    """
    if reference not in predictions or any(kind not in KINDS for kind in kinds):
        raise KeyError(
            f"no reference {reference!r} among {', '.join(predictions)}, or a kind other than "
            f"{', '.join(KINDS)} among {', '.join(kinds)}"
        )
    genes = _scored(cohort, predictions, strata)
    options = {"series": cohort.series, "n_resamples": n_resamples, "seed": seed}
    rows = []
    for kind in kinds:
        own = strata.loc[genes, f"{kind}_stratum"]
        if own.isna().all():
            continue
        for stratum in own.cat.categories:
            inside = genes[(own == stratum).to_numpy()]
            about = {"kind": kind, "stratum": stratum, "n_genes": len(inside)}
            if inside.empty:
                rows.append(pd.DataFrame([about]))
                continue
            tables = {model: table[inside] for model, table in predictions.items()}
            found = _scores(cohort.y[inside], tables, train_mean, reference, options)
            rows.append(found.assign(**about))
    columns = ["kind", "stratum", "n_genes", "model", "value", "low", "high"]
    differences = ["difference", "difference_low", "difference_high"]
    return pd.concat(rows, ignore_index=True).reindex(columns=columns + differences)


def _scored(
    cohort: Cohort, predictions: Mapping[str, pd.DataFrame], strata: pd.DataFrame
) -> pd.Index:
    """Genes that all models predict; refuse none, or one that was not sorted."""
    genes = cohort.y.columns
    for table in predictions.values():
        genes = genes[genes.isin(table.columns)]
    lacking = genes.difference(strata.index)
    if genes.empty or len(lacking):
        problem = f"strata lack {len(lacking)} gene(s): {listed(lacking)}"
        raise ValueError(
            f"{problem}; sort all targets with gene_strata"
            if len(lacking)
            else f"no measured target of cohort {cohort.name!r} is predicted by all models"
        )
    return genes


def _scores(
    truth: pd.DataFrame,
    predictions: Mapping[str, pd.DataFrame],
    train_mean: pd.Series,
    reference: str,
    options: Mapping[str, Any],
) -> pd.DataFrame:
    """Score one stratum: one row a model."""
    draws = bootstrap(truth, predictions, train_mean, metrics=(PRIMARY,), **options)
    value = pd.Series({model: draws.estimates[model][PRIMARY] for model in predictions})
    own = draws.intervals().set_index("model")
    versus = draws.differences(reference).set_index("model").reindex(value.index)
    table = pd.DataFrame(
        {
            "value": value,
            "low": own["low"],
            "high": own["high"],
            "difference": value - value[reference],
            "difference_low": versus["low"],
            "difference_high": versus["high"],
        }
    )
    return table.reindex(value.index).rename_axis("model").reset_index()


def empty_strata(table: pd.DataFrame) -> str:
    """Name the strata without genes, for the page; empty text when all have some."""
    empty = table[table["n_genes"] == 0]
    names = [f"{KINDS[row.kind]}: {row.stratum}" for row in empty.itertuples()]
    return listed(names, most=20) if names else ""


def strata_table(table: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    """Lay the result of :func:`skill_by_stratum` out for a reader, as text."""
    known = table.dropna(subset="model")
    text = [_cell(row) for row in known.itertuples()]
    wide = known.assign(
        text=text,
        kind=known["kind"].map(KINDS),
        model=known["model"].map(lambda name: labels.get(name, name)),
        genes=known["n_genes"].astype(int),
    ).pivot_table(
        index=["kind", "stratum", "genes"],
        columns="model",
        values="text",
        aggfunc="first",
        sort=False,
    )
    return wide.rename_axis(columns=None)


def _cell(row: Any) -> str:
    """Write a skill and, where the model is not the reference, its difference."""
    if pd.isna(row.value):
        return "not defined"
    text = f"{row.value:z.2f}"
    if pd.isna(row.difference) or (row.difference == 0 and pd.isna(row.difference_low)):
        return text
    if pd.isna(row.difference_low):
        return f"{text} ({row.difference:+.2f})"
    return (
        f"{text} ({row.difference:+.2f}: {row.difference_low:+.2f} to {row.difference_high:+.2f})"
    )
