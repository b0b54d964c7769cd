"""What is explained is planned once, for all models alike."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

from lembas import plotting
from lembas.attribution import explain
from lembas.attribution_means import mean_sizes
from lembas.baselines import make
from lembas.explanation import (
    Explanation,
    Plan,
    explain_models,
    explain_panel,
    members,
    method_table,
    notes_sentence,
    plan,
    randomised_models,
)
from lembas.study import Study
from lembas.tuning import Tuned

MODELS = ("mlr", "masked_ridge", "xgbrf", "lembas")


@pytest.fixture(scope="module")
def small_plan(study: Study) -> Plan:
    genes = study.dataset.targets[[4, 1]]
    options = {"n_background": 10, "n_samples": 5, "n_panel_samples": 4}
    return plan(study.dataset, "external_near", genes, panel=[*genes, "ALB"], **options)


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


def test_a_text_is_one_gene_of_a_plan(study: Study) -> None:
    target = study.dataset.targets[3]
    made = plan(study.dataset, "external_near", "ALB", panel=target)
    assert (made.genes, made.panel, made.notes) == (("ALB",), ("ALB", target), ())


def test_genes_of_the_panel_that_are_no_targets_are_said(study: Study) -> None:
    made = plan(study.dataset, "external_near", ["ALB"], panel=["AFP", "alb1"])
    (note,) = made.notes
    assert "Left out of the panel" in note
    assert "alb1 (the nearest names are alb1: ALB" in note
    assert made.panel == ("ALB", "AFP")


def test_bad_plans_are_refused(study: Study) -> None:
    with pytest.raises(ValueError, match="name at least one gene to explain"):
        plan(study.dataset, "external_near", [])
    for name in ("n_samples", "n_panel_samples"):
        with pytest.raises(ValueError, match=rf"{name} \(0: all samples\) must be at least 0"):
            plan(study.dataset, "external_near", ["ALB"], **{name: -1})
    with pytest.raises(ValueError, match="n_background must be at least 1, got -1"):
        plan(study.dataset, "external_near", ["ALB"], n_background=-1)
    with pytest.raises(TypeError, match=r"n_background must be a whole number, got 2\.5"):
        plan(study.dataset, "external_near", ["ALB"], n_background=2.5)
    with pytest.raises(KeyError, match="no cohort 'nope' here; there are external_near, external"):
        plan(study.dataset, "nope", ["ALB"])
    with pytest.raises(KeyError, match=r"no sample 'x' in external_near; it has 20, such as \w+, "):
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


def test_the_panel_holds_the_genes_and_its_own_samples(study: Study, small_plan: Plan) -> None:
    assert small_plan.panel[:2] == small_plan.genes
    assert "ALB" in small_plan.panel
    assert 4 <= len(small_plan.panel_samples) <= 5
    assert small_plan.sample in small_plan.panel_samples.index
    panel = small_plan.for_panel()
    assert panel.genes == small_plan.panel
    assert panel.samples is small_plan.panel_samples


def test_limits_are_those_of_means(
    explanation: Explanation, fitted: dict[str, BaseEstimator], small_plan: Plan
) -> None:
    gene = small_plan.genes[1]
    made = explain(fitted["mlr"], small_plan.samples, small_plan.background, [gene])
    expected = mean_sizes(made.values[gene], series=small_plan.series)  # noqa: PD011 (a field)
    rows = explanation.summary.query("model == 'mlr' and gene == @gene").set_index("tf")
    for column in ("mean_abs_attribution", "low", "high"):
        found = rows[column].reindex(expected.index).to_numpy()
        assert found == pytest.approx(expected[column].to_numpy(), nan_ok=True)


def test_the_panel_is_summarised(fitted: dict[str, BaseEstimator], small_plan: Plan) -> None:
    found = explain_panel({"mlr": fitted["mlr"]}, small_plan).edges
    assert found["gene"].unique().tolist() == list(small_plan.panel)
    assert len(found) == len(small_plan.panel) * small_plan.samples.shape[1]
    nothing = explain_panel({}, small_plan).edges
    assert nothing.empty
    assert list(nothing.columns) == list(found.columns)


def test_a_model_explains_what_it_predicts(
    study: Study, fitted: dict[str, BaseEstimator], small_plan: Plan
) -> None:
    train, (first, second) = study.dataset.train, small_plan.genes
    only = {g: make("mlr").fit(train.x, train.y[[g]]) for g in (first, train.y.columns[0])}
    models = {"mlr": fitted["mlr"], "ridge": only[first], "masked_ridge": only[train.y.columns[0]]}
    made = explain_models(models, small_plan)
    found = made.summary.groupby("model", sort=False)["gene"].unique()
    assert found.map(list).to_dict() == {"mlr": [first, second], "ridge": [first]}
    assert method_table(made, {}).loc["ridge"].tolist()[2] == "none"
    drawing = plotting.waterfalls(made.of_sample(small_plan.sample), unit="log10")
    words = [text.get_text() for axes in drawing.axes for text in axes.texts]
    assert "not predicted" in words
    with pytest.raises(ValueError, match="none of masked_ridge predicts any of"):
        explain_models({"masked_ridge": models["masked_ridge"]}, small_plan)


def test_ensembles_are_taken_apart_and_models_randomised(
    fitted: dict[str, BaseEstimator],
) -> None:
    ensemble = fitted["lembas_ensemble"]
    apart = members({"lembas_ensemble": ensemble, "mlr": fitted["mlr"]})
    assert list(apart) == [f"seed {member.seed}" for member in ensemble.members_]
    searched = Tuned(ensemble, {})
    searched.best_ = ensemble
    assert list(members({"searched": searched})) == list(apart)
    assert members({"mlr": fitted["mlr"]}) == {}
    found = randomised_models({name: fitted[name] for name in MODELS})
    assert list(found) == ["mlr", "masked_ridge", "lembas"], "trees have no weights"


def test_one_sample_for_the_waterfalls(explanation: Explanation, small_plan: Plan) -> None:
    rows = explanation.of_sample(small_plan.sample)
    assert set(rows["sample"]) == {small_plan.sample}
    assert len(rows) == len(MODELS) * len(small_plan.genes) * small_plan.samples.shape[1]
    one = explanation.of_sample(small_plan.sample, small_plan.genes[:1])
    assert set(one["gene"]) == {small_plan.genes[0]}


def test_the_table_of_methods_reads_well(explanation: Explanation, small_plan: Plan) -> None:
    table = method_table(explanation, {"mlr": "MLR", "lembas": "LEMBAS-RNN"})
    assert table.index.tolist() == ["MLR", "masked_ridge", "xgbrf", "LEMBAS-RNN"]
    assert table.columns.tolist() == ["method", *[f"error, {gene}" for gene in small_plan.genes]]
    assert table.loc["MLR", "method"] == "linear, closed form"
    assert table.iloc[:, 1:].map(lambda cell: cell.endswith(" %")).all(axis=None)


def test_genes_that_no_tf_moves_are_noted(
    fitted: dict[str, BaseEstimator], small_plan: Plan
) -> None:
    still = {"mean": fitted["train_mean"], "mlr": fitted["mlr"]}
    made = explain_models(still, small_plan)
    (note,) = made.notes["mean"]
    assert ", ".join(small_plan.genes) in note
    assert made.notes["mlr"] == ()
    panel = explain_panel(still, small_plan)
    rest = [gene for gene in small_plan.panel if gene not in small_plan.genes]
    (more,) = panel.notes["mean"]
    assert more.startswith(f"no TF moves what the model predicts for {', '.join(rest[:5])}")
    assert panel.notes["mlr"] == ()
    told = replace(small_plan, genes=small_plan.panel)
    assert explain_panel(still, told).notes["mean"] == (), "the genes' own notes speak of all"
    assert explain_panel({}, small_plan).notes == {}


def test_the_panel_keeps_what_explainers_note(
    fitted: dict[str, BaseEstimator], small_plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The published recipe's states saturate: few nodes do not add up to a millionth."""
    strict = partial(explain, tolerance=1e-9)
    monkeypatch.setattr("lembas.explanation.explain", strict)
    models = {"lembas": fitted["lembas_published"]}
    (note,) = explain_panel(models, small_plan).notes["lembas"]
    assert "the most that are taken" in note
    assert "do not add up within" in note


def test_a_note_is_told_once_with_its_models() -> None:
    first = {"a": ("no TF",), "b": ("no TF", "few draws"), "c": ()}
    told = notes_sentence(first, {"a": ("no TF",)}, labels={"a": "A"})
    assert told == "A, b: no TF. b: few draws."
    assert notes_sentence({"a": ()}, labels={}).startswith("In every model some TF")
