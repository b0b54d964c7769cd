"""The package's own models and scores on real liver samples, against PROVENANCE.md's figures."""

from __future__ import annotations

import pytest

from lembas import sources
from lembas.baselines import make
from lembas.metrics import score_per_gene, summarise
from lembas.network import Network

pytestmark = pytest.mark.liver

# PROVENANCE.md: pooled R2 and median per-gene R2, test then external.
EXPECTED = {
    ("train_mean", "test"): (0.948, -0.015),
    ("train_mean", "GSE130970"): (0.676, -5.75),
    ("ridge", "test"): (0.985, 0.773),
    ("ridge", "GSE130970"): (0.873, -1.50),
}


@pytest.fixture(scope="module")
def summaries(liver):
    dataset = sources.from_tables(
        liver / "tables" / "tf_expression.tsv.gz",
        liver / "tables" / "gene_expression.tsv.gz",
        Network.read(liver / "network.tsv.gz"),
        external={"GSE130970": liver / "tables" / "external.tsv.gz"},
    )
    training, cohorts, mean = dataset.train, dataset.cohorts, dataset.train_mean
    models = {
        "train_mean": make("train_mean"),
        # The figures are those of one penalty for all genes.
        "ridge": make("ridge", alphas=(100.0,)),
    }
    found = {}
    for name, model in models.items():
        model.fit(training.x, training.y)
        for key in ("test", "GSE130970"):
            truth, prediction = cohorts[key].y, model.predict(cohorts[key].x)
            per_gene = score_per_gene(truth, prediction, mean)
            found[name, key] = summarise(per_gene, truth, prediction, mean)
    return found


@pytest.mark.parametrize("case", list(EXPECTED))
def test_scores_are_those_of_the_provenance_file(summaries, case):
    pooled, median = EXPECTED[case]
    assert summaries[case]["r2_pooled"] == pytest.approx(pooled, abs=0.01)
    assert summaries[case]["r2_median_over_genes"] == pytest.approx(median, abs=0.01)
