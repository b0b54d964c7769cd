"""Invented tables for the tests of the figures, and every figure drawn from them."""

import itertools
from collections.abc import Callable

import numpy as np
import pandas as pd

from lembas import plotting
from lembas.plotting import style
from tests.attribution_tables import ATTRIBUTION_FIGURES
from tests.evidence_tables import EVIDENCE_FIGURES
from tests.knockout_tables import KNOCKOUT_FIGURES
from tests.truth_tables import TRUTH_FIGURES

MODELS = list(style.MODEL_COLOURS)
LABELS = {
    "train_mean": "Training mean (null)",
    "mlr": "MLR",
    "ridge": "Ridge",
    "masked_ridge": "Masked ridge",
    "signed_ridge": "Signed ridge",
    "pls": "PLS",
    "knn": "kNN",
    "xgbrf": "XGBRF (3 trees)",
    "boosted": "Boosted trees",
    "mlp": "MLP",
    "lembas_published": "LEMBAS-RNN (as published, reconstructed)",
    "lembas": "LEMBAS-RNN",
    "lembas_ensemble": "LEMBAS-RNN (three seeds)",
    "train": "training set",
    "test": "test set",
    "far": "external cohort far",
}
COHORTS = ("train", "test", "far")
UNIT = "log10(CPM+1)"
AGGREGATES = ("pearson_pooled", "spearman_pooled", "r2_pooled", "skill_median_over_genes")
PER_GENE = ("pearson_per_gene", "spearman_per_gene", "skill_per_gene")


def scores_table() -> pd.DataFrame:
    """Invent aggregate scores with intervals; the null's skill is 0 with no interval."""
    rng = np.random.default_rng(1)
    keys = itertools.product(MODELS, COHORTS, AGGREGATES)
    table = pd.DataFrame(keys, columns=["model", "cohort", "metric"]).assign(genes="shared")
    table["value"] = rng.uniform(0.3, 0.97, len(table))
    half = rng.uniform(0.002, 0.05, len(table))
    table["low"], table["high"] = table["value"] - half, table["value"] + half
    null = (table["model"] == "train_mean") & table["metric"].str.startswith("skill")
    table.loc[null, ["value", "low", "high"]] = [0.0, np.nan, np.nan]
    return table


def per_gene_table(n_genes: int = 60) -> pd.DataFrame:
    """Invent per-gene scores: the null's correlations are undefined, its skill is 0."""
    rng = np.random.default_rng(2)
    genes = [f"G{i}" for i in range(n_genes)]
    keys = itertools.product(MODELS, ["test"], genes, PER_GENE)
    table = pd.DataFrame(keys, columns=["model", "cohort", "gene", "metric"])
    centre = 0.2 + 0.05 * table["model"].map(MODELS.index)
    table["value"] = np.clip(rng.normal(centre, 0.25), -1.6, 1)
    is_null = table["model"] == "train_mean"
    table.loc[is_null, "value"] = np.nan
    table.loc[is_null & (table["metric"] == "skill_per_gene"), "value"] = 0.0
    return table


def matrices(
    n_samples: int = 12, n_genes: int = 90
) -> tuple[pd.DataFrame, dict[str, pd.DataFrame], pd.Series]:
    """Invent measured expression, predictions and strata."""
    rng = np.random.default_rng(3)
    means = rng.uniform(0, 4, n_genes)
    names = {
        "index": [f"s{i}" for i in range(n_samples)],
        "columns": [f"G{i}" for i in range(n_genes)],
    }
    truth = pd.DataFrame(means + rng.normal(0, 0.4, (n_samples, n_genes)), **names).clip(lower=0)
    predictions = {
        model: truth * 0.8 + 0.2 * means + rng.normal(0, 0.4 * (1 - i / len(MODELS)), truth.shape)
        for i, model in enumerate(MODELS)
    }
    predictions["train_mean"] = truth * 0 + means
    strata = pd.Series(np.resize(["low", "middle", "high"], n_genes), index=truth.columns)
    return truth, predictions, strata


def strata_statistics() -> pd.DataFrame:
    """Invent the statistics written in the residual panels."""
    keys = itertools.product(
        MODELS, ["low", "middle", "high"], ["bias_pooled", "residual_sd_pooled"]
    )
    table = pd.DataFrame(keys, columns=["model", "stratum", "metric"])
    return table.assign(value=np.linspace(-0.2, 0.5, len(table)))


def samples_table() -> pd.DataFrame:
    """Invent samples of a study and two external cohorts, one of unknown library sizes."""
    rng = np.random.default_rng(4)
    table = pd.DataFrame(
        {
            "cohort": np.repeat(["study", "far", "GSE130970"], [50, 20, 20]),
            "split": np.repeat(["train", "test", "external"], [40, 10, 40]),
            "library_size": rng.lognormal(17, 0.3, 90),
            "pc1": rng.normal(0, 8, 90),
            "pc2": rng.normal(0, 4, 90),
        },
        index=pd.Index([f"s{i}" for i in range(90)], name="sample"),
    )
    table.loc[table["cohort"] == "far", "library_size"] = np.nan
    return table


def edges_table(n_tfs: int = 30, n_genes: int = 80) -> pd.DataFrame:
    """Invent a signed network in which TFs regulate TFs too."""
    rng = np.random.default_rng(5)
    tfs = [f"ZNF{100 + i}" for i in range(n_tfs)]
    nodes = [*tfs, *(f"G{i}" for i in range(n_genes))]
    pairs = pd.DataFrame(itertools.product(tfs, nodes), columns=["TF", "Gene"])
    chance = pairs["TF"].map(dict(zip(tfs, np.linspace(0.02, 0.5, n_tfs), strict=True)))
    kept = pairs.loc[rng.random(len(pairs)) < chance].reset_index(drop=True)
    return kept.assign(Interaction=rng.choice([1, -1], len(kept), p=[0.8, 0.2]))


def coverage_table() -> pd.DataFrame:
    """Invent the counts of a coverage figure."""
    stages = ["in the network", "measured in the study", "used after the expression filter"]
    keys = itertools.product(["TFs", "target genes", "edges"], stages)
    table = pd.DataFrame(keys, columns=["item", "stage"])
    return table.assign(count=[1279, 1100, 815, 16100, 13000, 12114, 352751, 250000, 201000])


def history_table(n_epochs: int = 80) -> pd.DataFrame:
    """Invent a training history."""
    epoch = np.arange(1, n_epochs + 1)
    validation = pd.Series(0.4 + np.exp(-epoch / 15))
    search = pd.DataFrame(
        {
            "epoch": epoch,
            "train_loss": 0.05 + np.exp(-epoch / 20),
            "validation_loss": validation.where(epoch % 2 == 0),
            "learning_rate": 1e-2 * np.sin(np.pi * epoch / n_epochs) + 1e-5,
            "sign_violations": 0.2 * np.exp(-epoch / 9),
            "phase": "search",
        }
    )
    refit = search.head(41).assign(phase="refit", validation_loss=np.nan)
    return pd.concat([search, refit.assign(train_loss=0.9 * refit["train_loss"])])


def latency_tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Invent timed runs over five orders of magnitude and their summary."""
    rng = np.random.default_rng(6)
    times = {m: 0.02 * 7.0**i * rng.lognormal(0, 0.2, 40) for i, m in enumerate(MODELS)}
    runs = pd.DataFrame(times).melt(var_name="model", value_name="latency_ms")
    grouped = runs.groupby("model")["latency_ms"]
    summary = pd.DataFrame(
        {
            "mean_ms": grouped.mean(),
            "sd_ms": grouped.std(),
            "median_ms": grouped.median(),
            "p99_ms": grouped.quantile(0.99),
        }
    )
    return runs, summary.reset_index()


def throughput_table() -> pd.DataFrame:
    """Invent throughput at two batch sizes."""
    keys = itertools.product(MODELS, [1, 256])
    table = pd.DataFrame(keys, columns=["model", "batch_size"])
    return table.assign(samples_per_s=np.geomspace(8, 400_000, len(table)))


def scaling_tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Invent times of five axes over two orders of magnitude, and the words for them."""
    axes = {"samples": 13, "TFs": 160, "targets": 1_600, "edges": 60_000, "T": 2}
    rows = [
        (axis, round(start * factor), (0.4 + 0.02 * factor) * (1 + i))
        for i, (axis, start) in enumerate(axes.items())
        for factor in (1, 2.5, 5, 10, 15, 25, 100)
    ]
    table = pd.DataFrame(rows, columns=["axis", "value", "median_ms"])
    words = [f"time grows as {axis}^0.97" for axis in axes]
    words[2] = "time hardly grows with targets"
    points = table.assign(
        min_ms=0.8 * table["median_ms"],
        max_ms=4 * table["median_ms"],
        bound_ms=0.05 * table["median_ms"],
    )
    return points, pd.DataFrame({"axis": list(axes), "words": words})


def batch_scaling_tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Invent times of all models at six batch sizes, and the words for them."""
    keys = itertools.product(MODELS, [1, 4, 16, 64, 256, 1024])
    table = pd.DataFrame(keys, columns=["model", "value"]).assign(axis="samples")
    table["median_ms"] = (1 + table["model"].map(MODELS.index)) * (0.2 + 0.01 * table["value"])
    points = table.assign(min_ms=0.8 * table["median_ms"], max_ms=4 * table["median_ms"])
    words = pd.DataFrame({"model": MODELS, "words": "time grows as samples^0.87"})
    return points, words


def attribution_table(n_tfs: int = 40) -> pd.DataFrame:
    """Invent attributions of two genes by three models; base + sum = prediction."""
    rng = np.random.default_rng(7)
    names = ["HNF4A", "CEBPA", "NR1H4", "FOXA2", *(f"ZNF{i}" for i in range(n_tfs - 4))]
    parts = []
    for model, gene in itertools.product(["mlr", "xgbrf", "lembas"], ["ALB", "AFP"]):
        sizes = rng.normal(0, 0.3, n_tfs) * np.geomspace(1, 0.01, n_tfs)
        part = pd.DataFrame({"tf": names, "attribution": sizes})
        parts.append(
            part.assign(
                model=model,
                gene=gene,
                expression=rng.uniform(0, 3, n_tfs),
                base=2.0,
                prediction=2.0 + sizes.sum(),
            )
        )
    return pd.concat(parts, ignore_index=True)


def mean_attribution_table() -> pd.DataFrame:
    """Average the size of the invented attributions."""
    table = attribution_table()
    return table.assign(mean_abs_attribution=table["attribution"].abs())


def completeness_table() -> pd.DataFrame:
    """Invent completeness errors, one of them exactly 0."""
    rng = np.random.default_rng(8)
    table = pd.DataFrame({"model": np.repeat(["mlr", "xgbrf", "lembas"], 30)})
    scale = table["model"].map({"mlr": 1e-14, "xgbrf": 1e-6, "lembas": 5e-3})
    return (
        table.assign(error=scale * rng.lognormal(0, 1, 90))
        .mask(pd.Series(range(90)) == 0, other=0.0, axis=0)
        .assign(model=table["model"])
    )


def agreement_table() -> pd.DataFrame:
    """Invent a symmetric table of agreement with one undefined pair."""
    names = ["mlr", "ridge", "lembas_published", "lembas"]
    table = pd.DataFrame(np.full((4, 4), 0.42), index=names, columns=names)
    table.loc["mlr", "ridge"] = table.loc["ridge", "mlr"] = np.nan
    return table


def original_table() -> pd.DataFrame:
    """Invent an original study with two cohorts and three models."""
    keys = itertools.product(["mlr", "xgbrf", "lembas_published"], ["train", "test"])
    table = pd.DataFrame(keys, columns=["model", "cohort"])
    return table.assign(metric="r2_pooled", value=np.linspace(0.7, 0.95, len(table)))


VARIANT_LABELS = {
    "real": "Real network",
    "rewired": "Rewired, same degrees",
    "random_edges": "Random edges, as many",
    "without_tf_edges": "No TF-TF edges",
}


def control_tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Invent skills of two models on the real network and on controls, and the differences."""
    rng = np.random.default_rng(11)
    n_draws = {"real": 1, "rewired": 20, "random_edges": 5, "without_tf_edges": 1}
    keys = [
        (model, variant, draw, cohort)
        for model in ("masked_ridge", "lembas")
        for variant, n in n_draws.items()
        for draw in range(n)
        for cohort in ("test", "far")
    ]
    scores = pd.DataFrame(keys, columns=["model", "variant", "draw", "cohort"])
    centre = scores["variant"].map({"real": 0.6, "rewired": 0.5, "random_edges": 0.3}).fillna(0.58)
    scores["value"] = rng.normal(centre, 0.01)
    scores["low"], scores["high"] = scores["value"] - 0.04, scores["value"] + 0.03
    place = ["model", "variant", "cohort"]
    mean = scores.groupby(place)["value"].mean()
    real = mean.xs("real", level="variant").rename("real")
    table = mean.drop("real", level="variant").reset_index().join(real, on=["model", "cohort"])
    table["value"] = table["real"] - table["value"]
    return scores, table.assign(low=table["value"] - 0.03, high=table["value"] + 0.04)


def depths_table() -> pd.DataFrame:
    """Invent skills of one network with four numbers of updates; with one it does not work."""
    table = pd.DataFrame(
        itertools.product([1, 2, 3, 10], ["test", "far"]), columns=["depth", "cohort"]
    )
    table["value"] = [-4.0, 0.0, 0.41, 0.2, 0.5, 0.25, 0.52, 0.24]
    return table.assign(low=table["value"] - 0.05, high=table["value"] + 0.04)


def _ladder_figure() -> plotting.Drawing:
    return plotting.network_ladder(
        *control_tables(), cohort="test", variants=VARIANT_LABELS, labels=LABELS
    )


def _predictions_figure() -> plotting.Drawing:
    truth, predictions, _ = matrices()
    return plotting.predicted_against_observed(
        truth, predictions, scores_table(), cohort="test", unit=UNIT, labels=LABELS
    )


def _residuals_figure() -> plotting.Drawing:
    truth, predictions, strata = matrices()
    return plotting.residuals_by_stratum(
        truth,
        predictions,
        strata,
        statistics=strata_statistics(),
        cohort="test",
        unit=UNIT,
        labels=LABELS,
    )


def _degrees() -> plotting.Drawing:
    edges = edges_table()
    return plotting.degree_distributions(edges["Gene"].value_counts(), edges["TF"].value_counts())


def genes_table() -> pd.DataFrame:
    """Invent means, SDs and roles of genes."""
    rng = np.random.default_rng(9)
    role = np.repeat(["TF input", "target", "both"], [60, 300, 20])
    return pd.DataFrame(
        {"mean": rng.uniform(0, 4, 380), "sd": rng.gamma(3, 0.1, 380), "role": role}
    )


def missing_table() -> pd.DataFrame:
    """Invent counts of genes that two cohorts lack."""
    keys = itertools.product(["far", "GSE130970"], ["input", "target"])
    table = pd.DataFrame(keys, columns=["cohort", "role"])
    return table.assign(measured=[140, 980, 150, 1000], missing=[10, 20, 0, 0])


def alphas_table() -> pd.DataFrame:
    """Invent penalties of two ridge models."""
    rng = np.random.default_rng(10)
    grid = np.geomspace(0.1, 1e4, 6)
    table = pd.DataFrame({"model": np.repeat(["ridge", "masked_ridge"], 50)})
    return table.assign(gene=[f"G{i}" for i in range(100)], alpha=rng.choice(grid, 100))


FIGURES: dict[str, Callable[[], plotting.Drawing]] = {
    "aggregate_scores": lambda: plotting.aggregate_scores(
        scores_table(), cohort="train", labels=LABELS
    ),
    "agreement": lambda: plotting.agreement(
        agreement_table(), quantity="rank correlation of mean |attribution|", labels=LABELS
    ),
    "batch_scaling": lambda: plotting.batch_scaling(*batch_scaling_tables(), labels=LABELS),
    "cohort_pca": lambda: plotting.cohort_pca(
        samples_table(), pd.Series({"pc1": 0.31, "pc2": 0.12}), labels=LABELS
    ),
    "completeness": lambda: plotting.completeness(completeness_table(), labels=LABELS),
    "coverage": lambda: plotting.coverage(coverage_table()),
    "degree_distributions": _degrees,
    "depth_curve": lambda: plotting.depth_curve(
        depths_table(), references={"test": 0.45}, labels=LABELS
    ),
    "edge_signs": lambda: plotting.edge_signs(edges_table()),
    "gene_violins": lambda: plotting.gene_violins(
        per_gene_table(), PER_GENE, cohort="test", labels=LABELS
    ),
    "hubs": lambda: plotting.hubs(edges_table()),
    "latency": lambda: plotting.latency(*latency_tables(), labels=LABELS),
    "library_sizes": lambda: plotting.library_sizes(samples_table(), labels=LABELS),
    "mean_against_sd": lambda: plotting.mean_against_sd(genes_table(), unit=UNIT),
    "mean_attribution": lambda: plotting.mean_attribution(
        mean_attribution_table(), gene="ALB", unit=UNIT, labels=LABELS
    ),
    "missingness": lambda: plotting.missingness(missing_table(), labels=LABELS),
    "network_ladder": _ladder_figure,
    "original_beside_ours": lambda: plotting.original_beside_ours(
        scores_table(), original_table(), metric="r2_pooled", labels=LABELS
    ),
    "predicted_against_observed": _predictions_figure,
    "residuals_by_stratum": _residuals_figure,
    "ridge_alphas": lambda: plotting.ridge_alphas(alphas_table(), labels=LABELS),
    "scaling": lambda: plotting.scaling(*scaling_tables()),
    "skill_ecdf": lambda: plotting.skill_ecdf(per_gene_table(), cohort="test", labels=LABELS),
    "skill_forest": lambda: plotting.skill_forest(scores_table(), labels=LABELS),
    "tf_block": lambda: plotting.tf_block(edges_table()),
    "throughput": lambda: plotting.throughput(throughput_table(), labels=LABELS),
    "training_history": lambda: plotting.training_history(history_table(), chosen_epoch=41),
    "waterfalls": lambda: plotting.waterfalls(attribution_table(), unit=UNIT, labels=LABELS),
    **ATTRIBUTION_FIGURES,
    **EVIDENCE_FIGURES,
    **KNOCKOUT_FIGURES,
    **TRUTH_FIGURES,
}
