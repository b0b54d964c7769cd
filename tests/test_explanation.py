"""What is explained is planned once, for all models alike."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

from lembas.attribution import explain
from lembas.explanation import Explanation, Plan, explain_models, method_table, plan
from lembas.study import Study

MODELS = ("mlr", "masked_ridge", "xgbrf", "lembas")


@pytest.fixture(scope="module")
def small_plan(study: Study) -> Plan:
    genes = study.dataset.targets[[4, 1]]
    return plan(study.dataset, "external_near", genes, n_background=10, n_samples=5)


@pytest.fixture(scope="module")
def explanation(fitted: dict[str, BaseEstimator], small_plan: Plan) -> Explanation:
    return explain_models({name: fitted[name] for name in MODELS}, small_plan)


def test_the_background_are_training_samples(study: Study, small_plan: Plan) -> None:
    assert small_plan.background.shape == (10, len(study.dataset.inputs))
    assert small_plan.background.index.isin(study.dataset.train.x.index).all()
    everything = plan(study.dataset, "external_near", ["ALB"], n_background=10_000)
    assert set(everything.background.index) == set(study.dataset.train.x.index)


def test_the_waterfall_sample_is_always_among_the_samples(study: Study) -> None:
    x = study.dataset.external["external_far"].x
    for seed in range(5):
        for sample in ("", x.index[7]):
            made = plan(
                study.dataset, "external_far", ["ALB"], n_samples=3, sample=sample, seed=seed
            )
            assert made.sample in made.samples.index
            assert 3 <= len(made.samples) <= 4
    assert made.sample == x.index[7]


def test_the_sample_nearest_to_the_median_is_shown(study: Study) -> None:
    x = study.dataset.external["external_near"].x
    distance = {sample: np.abs(x.loc[sample] - x.median()).pow(2).sum() for sample in x.index}
    made = plan(study.dataset, "external_near", ["ALB"])
    assert made.sample == min(distance, key=distance.get)


def test_no_limit_explains_all_samples(study: Study) -> None:
    cohort = study.dataset.external["external_near"]
    for n_samples in (0, 20, 99):
        made = plan(study.dataset, "external_near", ["ALB"], n_samples=n_samples)
        assert made.samples.index.tolist() == cohort.x.index.tolist()


def test_a_plan_repeats_and_another_seed_differs(study: Study) -> None:
    first, again, other = (
        plan(study.dataset, "external_near", ["ALB"], n_background=5, n_samples=5, seed=seed)
        for seed in (1, 1, 2)
    )
    pd.testing.assert_frame_equal(first.background, again.background)
    pd.testing.assert_frame_equal(first.samples, again.samples)
    assert set(first.background.index) != set(other.background.index)


def test_a_gene_that_is_no_target_is_replaced_and_said(study: Study) -> None:
    best = study.dataset.train_mean.idxmax()
    made = plan(study.dataset, "external_near", ["NOT_A_GENE", "ALB"])
    assert made.genes == (best, "ALB") or best == "ALB"
    assert "NOT_A_GENE is not among the targets" in made.notes[0]
    assert f"{made.genes[0]}, the best expressed target, is explained instead" in made.notes[0]
    both = plan(study.dataset, "external_near", ["NOT_A_GENE", "NOR_THIS"])
    assert len(set(both.genes)) == 2
    assert plan(study.dataset, "external_near", ["ALB", "ALB"]).genes == ("ALB",)


def test_a_gene_that_is_hardly_expressed_is_kept_and_said(study: Study) -> None:
    dataset = study.dataset
    faint = replace(dataset, expression=dataset.expression.assign(ALB=np.float32(0.1)))
    made = plan(faint, "external_near", ["ALB"])
    assert made.genes == ("ALB",)
    assert "ALB is hardly expressed here (mean 0.10 log10(CPM+1))" in made.notes[0]


def test_bad_plans_are_refused(study: Study) -> None:
    with pytest.raises(ValueError, match="name one or two genes to explain, got 3"):
        plan(study.dataset, "external_near", ["A", "B", "C"])
    with pytest.raises(ValueError, match="name one or two genes to explain, got 0"):
        plan(study.dataset, "external_near", [])
    with pytest.raises(KeyError, match=r"no sample 'x' in external_near; it has 20, such as"):
        plan(study.dataset, "external_near", ["ALB"], sample="x")


def test_all_models_are_explained_on_the_same_samples(
    explanation: Explanation, small_plan: Plan
) -> None:
    by_model = explanation.values.groupby("model", sort=False)  # noqa: PD011 (a field)
    assert list(by_model.groups) == list(MODELS)
    for _, rows in by_model:
        assert rows["sample"].unique().tolist() == small_plan.samples.index.tolist()
        assert rows["gene"].unique().tolist() == list(small_plan.genes)
        assert len(rows) == len(small_plan.genes) * small_plan.samples.size


def test_base_and_attributions_add_up_to_the_prediction(
    explanation: Explanation, fitted: dict[str, BaseEstimator], small_plan: Plan
) -> None:
    keys = ["model", "gene", "sample"]
    table = explanation.values.groupby(keys).agg(  # noqa: PD011 (a field)
        attribution=("attribution", "sum"),
        base=("base", "first"),
        prediction=("prediction", "first"),
    )
    assert (table["base"] + table["attribution"]).to_numpy() == pytest.approx(
        table["prediction"].to_numpy(), abs=2e-3
    )
    gene, sample = small_plan.genes[1], small_plan.sample
    for name in MODELS:
        predicted = fitted[name].predict(small_plan.samples).loc[sample, gene]
        assert table.loc[(name, gene, sample), "prediction"] == pytest.approx(predicted)


def test_the_summary_is_the_mean_size(
    explanation: Explanation, fitted: dict[str, BaseEstimator], small_plan: Plan
) -> None:
    gene = small_plan.genes[0]
    made = explain(fitted["mlr"], small_plan.samples, small_plan.background, [gene])
    expected = made.table.assign(size=made.table["attribution"].abs()).groupby("tf")["size"].mean()
    rows = explanation.summary.query("model == 'mlr' and gene == @gene").set_index("tf")
    found = rows["mean_abs_attribution"].reindex(expected.index)
    assert found.to_numpy() == pytest.approx(expected.to_numpy())


def test_errors_are_relative_to_the_predictions_spread(explanation: Explanation) -> None:
    """Root mean square over samples of error / SD is what ``rms`` holds."""
    squares = explanation.completeness.assign(square=explanation.completeness["error"] ** 2)
    expected = np.sqrt(squares.groupby(["model", "gene"])["square"].mean())
    found = explanation.rms.set_index(["model", "gene"])["error"].reindex(expected.index)
    assert found.to_numpy() == pytest.approx(expected.to_numpy())
    assert explanation.largest_error() == pytest.approx(found.max())
    assert explanation.largest_error() <= 0.01


def test_agreement_is_a_rank_correlation(explanation: Explanation) -> None:
    table = explanation.agreement()
    assert table.index.tolist() == table.columns.tolist() == list(MODELS)
    assert np.diag(table) == pytest.approx(1)
    assert table.to_numpy() == pytest.approx(table.to_numpy().T)
    assert table.abs().max().max() <= 1 + 1e-12


def test_one_sample_for_the_waterfalls(explanation: Explanation, small_plan: Plan) -> None:
    rows = explanation.of_sample(small_plan.sample)
    assert set(rows["sample"]) == {small_plan.sample}
    assert len(rows) == len(MODELS) * len(small_plan.genes) * small_plan.samples.shape[1]


def test_the_table_of_methods_reads_well(explanation: Explanation, small_plan: Plan) -> None:
    table = method_table(explanation, {"mlr": "MLR", "lembas": "LEMBAS-RNN"})
    assert table.index.tolist() == ["MLR", "masked_ridge", "xgbrf", "LEMBAS-RNN"]
    assert table.columns.tolist() == ["method", *[f"error, {gene}" for gene in small_plan.genes]]
    assert table.loc["MLR", "method"] == "linear, closed form"
    assert table.iloc[:, 1:].map(lambda cell: cell.endswith(" %")).all(axis=None)
