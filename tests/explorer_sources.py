"""Artefacts of a made-up run of any size, with the names that break pages, for the explorer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from lembas.cohorts import Dataset
from lembas.explorer import Sources
from lembas.explorer_edges import joined_attributions
from lembas.gene_strata import gene_strata
from lembas.gene_table import gene_table
from lembas.network import Network

# Names that a page must show as they are.
ODD = (
    "<script>alert(1)</script>",
    "\"quoted\" & 'apostrophes'",
    "__proto__",
    "constructor",
    "<img src=x onerror=alert(1)>",
    "../up/down?a=b#c",
    "100%",
    "naïve\u2028gène",
    "`back${1}ticks`\\",
)
MODELS: dict[str, float] = {
    "train_mean": 0.0,
    "mlr": 0.6,
    "ridge": 0.7,
    "masked_ridge": 0.8,
    "xgbrf": 0.5,
    "lembas": 0.9,
}
COHORTS = {"train": 30, "test": 12, "<b>away</b>": 9}
PANEL = 5


def made_sources(
    n_genes: int = 40,
    *,
    n_tfs: int = 8,
    odd: Sequence[str] = ODD,
    models: Sequence[str] = tuple(MODELS),
    samples: dict[str, int] | None = None,
    n_edges_a_gene: int = 3,
    seed: int = 1,
) -> Sources:
    """Make a run's artefacts; xgbrf predicts ``PANEL`` genes, the last cohort lacks one gene."""
    rng = np.random.default_rng(seed)
    tfs = [f"TF{i:04d}" for i in range(n_tfs - 1)] + ["T<i>F</i>"]
    genes = [*odd, *(f"G{i:05d}" for i in range(n_genes - len(odd)))]
    dataset = _dataset(rng, genes, tfs, samples or COHORTS)
    network = _network(rng, genes, tfs, n_edges_a_gene)
    predictions = {
        cohort: {model: _predicted(rng, table.y, dataset, model) for model in models}
        for cohort, table in dataset.cohorts.items()
    }
    per_gene = _scores(dataset, predictions)
    table = gene_table(gene_strata(dataset.train, network), per_gene[per_gene["cohort"] != "train"])
    return Sources(
        dataset=dataset,
        network=network,
        labels={model: f'{model} <&">' for model in models},
        genes=table,
        per_gene=per_gene,
        predictions=predictions,
        weights=_weights(rng, network, dataset),
        attributions=joined_attributions(_attributions(rng, dataset), None),
        responses=_responses(rng, dataset),
    )


def _dataset(
    rng: np.random.Generator, genes: list[str], tfs: list[str], samples: dict[str, int]
) -> Dataset:
    names = pd.Index(
        [f"{cohort}-{i:04d}" for cohort, n in samples.items() for i in range(n)], name="sample"
    )
    cohort = np.repeat(list(samples), list(samples.values()))
    split = np.where(np.isin(cohort, ["train", "test"]), cohort, "external")
    columns = pd.Index([*sorted(tfs), *sorted(genes)], name="gene", dtype=object)
    mean = rng.uniform(0.5, 4, len(columns))
    values = (mean + 0.3 * rng.standard_normal((len(names), len(columns)))).astype(np.float32)
    values[split == "external", -1] = np.nan
    values[split == "external", 0] = np.nan
    about = {"cohort": np.where(split == "external", cohort, "study"), "split": split}
    return Dataset(
        pd.DataFrame(values, index=names, columns=columns),
        pd.DataFrame({**about, "series": "", "library_size": np.nan}, index=names),
        inputs=pd.Index(sorted(tfs), name="tf", dtype=object),
        targets=pd.Index(sorted(genes), name="gene", dtype=object),
        unit="log10(CPM+1)",
        fill="train_mean",
        simulated=True,
        study="study",
    )


def _network(
    rng: np.random.Generator, genes: list[str], tfs: list[str], n_edges_a_gene: int
) -> Network:
    known = np.array([*tfs, "UNSEEN"], dtype=object)
    gene = np.repeat(np.array(genes[1:], dtype=object), n_edges_a_gene)
    tf = known[rng.integers(len(known), size=len(gene))]
    sign = rng.choice([1, -1, 0], len(gene))
    edges = pd.DataFrame({"TF": tf, "Gene": gene, "Interaction": sign})
    return Network.from_edges(edges.drop_duplicates(["TF", "Gene"]), unsigned=True)


def _predicted(
    rng: np.random.Generator, truth: pd.DataFrame, dataset: Dataset, model: str
) -> pd.DataFrame:
    genes = dataset.targets[:PANEL] if model == "xgbrf" else dataset.targets
    mean, share = dataset.train_mean[genes].to_numpy(), MODELS.get(model, 0.4)
    known = truth.reindex(columns=genes).to_numpy()
    known = np.where(np.isnan(known), mean, known)
    noise = 0.1 * share * rng.standard_normal(known.shape)
    values = mean + share * (known - mean) + noise
    return pd.DataFrame(values.astype(np.float32), index=truth.index, columns=genes)


def _scores(dataset: Dataset, predictions: dict[str, dict[str, pd.DataFrame]]) -> pd.DataFrame:
    """Score in a few lines of NumPy: what the explorer shows needs no more than three metrics."""
    tables = []
    for cohort, own in dataset.cohorts.items():
        for model, prediction in predictions[cohort].items():
            genes = own.y.columns[own.y.columns.isin(prediction.columns)]
            y, p = (table[genes].to_numpy(float) for table in (own.y, prediction))
            sse = ((y - p) ** 2).sum(axis=0)
            null = ((y - dataset.train_mean[genes].to_numpy()) ** 2).sum(axis=0)
            with np.errstate(invalid="ignore"):
                centred = [(each - each.mean(axis=0)) / each.std(axis=0) for each in (y, p)]
            found = {
                "skill_per_gene": 1 - sse / null,
                "pearson_per_gene": (centred[0] * centred[1]).mean(axis=0),
                "rmse_per_gene": np.sqrt(sse / len(y)),
            }
            about = {"gene": genes, "model": model, "cohort": cohort}
            tables += [pd.DataFrame({**about, "metric": m, "value": v}) for m, v in found.items()]
    return pd.concat(tables, ignore_index=True)


def _weights(rng: np.random.Generator, network: Network, dataset: Dataset) -> pd.DataFrame:
    known = network.edges[network.edges["TF"].isin(dataset.inputs)]
    edges = pd.DataFrame({"tf": known["TF"], "gene": known["Gene"]})
    return pd.concat(
        [
            edges.assign(model=model, weight=rng.standard_normal(len(edges)))
            for model in ("masked_ridge", "lembas")
        ],
        ignore_index=True,
    )


def _attributions(rng: np.random.Generator, dataset: Dataset) -> pd.DataFrame:
    rows = [
        (model, gene, tf, rng.uniform(0, 0.1), rng.choice([-1, 0, 1]))
        for model in ("mlr", "lembas")
        for gene in dataset.targets[1:3]
        for tf in dataset.inputs
    ]
    columns = ["model", "gene", "tf", "mean_abs_attribution", "direction"]
    return pd.DataFrame(rows, columns=columns)


def _responses(rng: np.random.Generator, dataset: Dataset) -> pd.DataFrame:
    rows = [
        (model, tf, gene, rng.normal())
        for model in ("ridge", "lembas", "lembas@node")
        for tf in dataset.inputs[:2]
        for gene in dataset.targets[:40]
    ]
    return pd.DataFrame(rows, columns=["model", "tf", "gene", "response"])
