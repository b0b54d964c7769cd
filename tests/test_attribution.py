"""Attributions against shap's own explainers, exact answers and their laws."""

from __future__ import annotations

import copy
import warnings
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import shap
import torch
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn

from lembas.attribution import Attribution, explain
from lembas.baselines import LabelledRegressor, TrainMean
from lembas.linear import MLR
from lembas.ridge import MaskedRidge
from lembas.study import Study
from lembas.training import LembasRegressor
from tests.small_study import many_samples, network_of, normal_table

EXPLAINED = ["mlr", "ridge", "masked_ridge", "xgbrf", "lembas_published", "lembas"]
N_SAMPLES, N_BACKGROUND = 12, 25


@pytest.fixture(scope="module")
def samples(study: Study) -> pd.DataFrame:
    return study.dataset.external["external_near"].x.iloc[:N_SAMPLES]


@pytest.fixture(scope="module")
def background(study: Study) -> pd.DataFrame:
    return study.dataset.train.x.iloc[:N_BACKGROUND]


@pytest.fixture(scope="module")
def many(study: Study) -> pd.DataFrame:
    return many_samples(study)


def wide(made: Attribution, gene: str) -> pd.DataFrame:
    """Attributions of one gene, ``(sample, tf)``."""
    rows = made.table[made.table["gene"] == gene]
    return rows.pivot_table(index="sample", columns="tf", values="attribution", sort=False)


# Linear models against shap.LinearExplainer


def slopes(model: BaseEstimator, gene: str) -> tuple[np.ndarray, float]:
    """Slope and intercept found from predictions alone: at 0 and at each unit vector."""
    tfs = model.tfs_
    rows = np.vstack([np.zeros(len(tfs)), np.eye(len(tfs))])
    predicted = model.predict(pd.DataFrame(rows, columns=tfs))[gene].to_numpy(float)
    return predicted[1:] - predicted[0], float(predicted[0])


@pytest.mark.parametrize("name", ["mlr", "ridge", "masked_ridge", "signed_ridge", "pls"])
def test_linear_models_agree_with_shaps_linear_explainer(
    fitted: dict[str, BaseEstimator],
    study: Study,
    samples: pd.DataFrame,
    many: pd.DataFrame,
    name: str,
) -> None:
    model, genes = fitted[name], study.dataset.targets[[0, 7]]
    made = explain(model, samples, many, genes)
    assert made.method == "linear, closed form"
    for gene in genes:
        # shap keeps 100 background samples unless told otherwise.
        masker = shap.maskers.Independent(many, max_samples=len(many))
        expected = shap.LinearExplainer(slopes(model, gene), masker).shap_values(samples)
        assert wide(made, gene).to_numpy() == pytest.approx(expected, abs=1e-5)
    assert made.completeness_error().max() < 1e-4


@pytest.mark.parametrize("inner", [LinearRegression(), Ridge(alpha=3.0)])
@pytest.mark.parametrize("scaled", [False, True])
def test_a_profiles_own_linear_model_is_explained_in_closed_form(
    study: Study,
    samples: pd.DataFrame,
    background: pd.DataFrame,
    inner: BaseEstimator,
    scaled: bool,
) -> None:
    train, gene = study.dataset.train, study.dataset.targets[3]
    own = make_pipeline(StandardScaler(), inner) if scaled else inner
    model = LabelledRegressor(own).fit(train.x, train.y)
    made = explain(model, samples, background, [gene])
    assert made.method == "linear, closed form"
    expected = (samples - background.mean()) * slopes(model, gene)[0]
    assert wide(made, gene).to_numpy() == pytest.approx(expected.to_numpy(), abs=1e-5)


def test_the_base_is_the_mean_prediction_over_the_background(
    fitted: dict[str, BaseEstimator], samples: pd.DataFrame, background: pd.DataFrame
) -> None:
    for name in EXPLAINED:
        model = fitted[name]
        genes = model.genes_[:2]
        made = explain(model, samples, background, genes)
        expected = model.predict(background)[genes].mean().to_dict()
        assert made.base.to_dict() == pytest.approx(expected, abs=1e-6)


# LEMBAS-RNN


@pytest.mark.parametrize("name", ["lembas", "lembas_published"])
def test_expected_gradients_add_up(
    fitted: dict[str, BaseEstimator], samples: pd.DataFrame, background: pd.DataFrame, name: str
) -> None:
    """BENCHMARK.md section 7: the error is at most 1 % of the predictions' SD."""
    model = fitted[name]
    made = explain(model, samples, background, model.genes_)
    assert made.method.startswith("expected gradients, quadrature")
    assert made.completeness_error().max() <= 0.01


@pytest.mark.parametrize("name", ["lembas", "lembas_published"])
def test_expected_gradients_agree_with_shaps_gradient_explainer(
    fitted: dict[str, BaseEstimator], samples: pd.DataFrame, background: pd.DataFrame, name: str
) -> None:
    """shap draws background samples and positions at random: 4,000 draws leave some noise."""
    model = fitted[name]
    gene = model.genes_[3]
    single = model.restricted([gene])

    class Network(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return single.predict_tensor(x)

    few = samples.iloc[:2]
    explainer = shap.GradientExplainer(Network(), torch.from_numpy(background.to_numpy(copy=True)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        values = explainer.shap_values(
            torch.from_numpy(few.to_numpy(copy=True)), nsamples=4000, rseed=1
        )
    expected = np.asarray(values).reshape(few.shape)
    found = wide(explain(model, few, background, [gene]), gene).to_numpy()
    assert found == pytest.approx(expected, abs=0.06 * np.abs(expected).max())


def test_a_network_in_its_linear_zone_has_the_exact_linear_answer(
    study: Study, samples: pd.DataFrame, background: pd.DataFrame
) -> None:
    """States stay in [0, .5], where f(x) = x, so y is affine in x with slope

    sum over k < T of w_out (W^k)[gene, tf] w_in sd_gene / sd_tf.
    """
    train = study.dataset.train
    settings = {"state_scale": 0.01, "epochs": 3, "validation_fraction": 0.0}
    model = LembasRegressor(study.network, recipe="ridge_start", settings=settings)
    network = model.fit(train.x, train.y).network_
    everything = pd.concat([samples, background])
    scaled = (torch.from_numpy(everything.to_numpy()) - model._scale.x_mean) / model._scale.x_sd
    with torch.no_grad():
        _, states = network(scaled)
    assert states.min() > 0
    assert states.max() < 0.5
    nodes = network.nodes
    step = pd.DataFrame(0.0, index=nodes, columns=nodes)
    for weight, tf, gene in zip(
        network.weights.tolist(), network.edges["TF"], network.edges["Gene"], strict=True
    ):
        step.loc[gene, tf] = weight
    paths = sum(np.linalg.matrix_power(step.to_numpy(), k) for k in range(network.config.max_steps))
    paths = pd.DataFrame(paths, index=nodes, columns=nodes)
    gene = model.genes_[4]
    sd = pd.Series(model._scale.x_sd.numpy(), index=model.tfs_)
    factor = float(network.output_weights[4] * model._scale.y_sd[4]) * 0.01
    slope = paths.loc[gene, model.tfs_] * factor / sd
    expected = (samples - background.mean()) * slope
    made = explain(model, samples, background, [gene])
    found = wide(made, gene)[expected.columns]
    assert found.to_numpy() == pytest.approx(expected.to_numpy(), abs=1e-4)
    assert expected.abs().to_numpy().max() > 0.01


@pytest.mark.parametrize("recipe", ["improved", "ridge_start", "published"])
def test_tfs_without_a_path_get_exactly_nothing(recipe: str) -> None:
    """T0 -> T1 -> G0 reaches; T2 only regulates G1, and T3 is downstream of T1."""
    reaching = [("T0", "T1", 1), ("T1", "G0", 1)]
    elsewhere = [("T1", "T3", 1), ("T2", "G1", -1), ("T3", "G1", 1)]
    network = network_of(reaching + elsewhere)
    x = normal_table(40, ["T0", "T1", "T2", "T3"], seed=1)
    y = normal_table(40, ["G0", "G1"], seed=2)
    settings = {"epochs": 3, "validation_fraction": 0.0}
    model = LembasRegressor(network, recipe=recipe, settings=settings).fit(x, y)
    table = wide(explain(model, x[:6], x[6:30], ["G0"]), "G0")
    assert (table[["T2", "T3"]] == 0).all(axis=None)
    assert (table[["T0", "T1"]] != 0).all(axis=None)


def test_a_gene_sees_its_regulators_only_in_masked_ridge(
    fitted: dict[str, BaseEstimator], study: Study, samples: pd.DataFrame, background: pd.DataFrame
) -> None:
    gene = study.dataset.targets[0]
    table = wide(explain(fitted["masked_ridge"], samples, background, [gene]), gene)
    others = table.columns.difference(study.network.regulators(gene))
    assert (table[others] == 0).all(axis=None)


# Laws that hold for all


@pytest.mark.parametrize("name", EXPLAINED)
def test_the_explained_model_is_the_scored_one(
    fitted: dict[str, BaseEstimator], samples: pd.DataFrame, background: pd.DataFrame, name: str
) -> None:
    model = fitted[name]
    made = explain(model, samples, background, model.genes_[[2]])
    predicted = model.predict(samples)[model.genes_[2]]
    assert made.completeness["prediction"].to_numpy() == pytest.approx(predicted.to_numpy())
    assert made.completeness["sample"].tolist() == samples.index.tolist()


@pytest.mark.parametrize("name", EXPLAINED)
def test_reordering_columns_and_samples_changes_nothing(
    fitted: dict[str, BaseEstimator], samples: pd.DataFrame, background: pd.DataFrame, name: str
) -> None:
    model = fitted[name]
    gene = model.genes_[1]
    expected = wide(explain(model, samples, background, [gene]), gene)
    mixed = samples.iloc[::-1, ::-1]
    found = wide(explain(model, mixed, background.iloc[::-1, ::-1], [gene]), gene)
    found = found.loc[expected.index, expected.columns]
    assert found.to_numpy() == pytest.approx(expected.to_numpy(), abs=1e-5)


def test_the_tidy_table_keeps_values_and_expression_together(
    fitted: dict[str, BaseEstimator], samples: pd.DataFrame, background: pd.DataFrame
) -> None:
    model = fitted["mlr"]
    genes = model.genes_[[3, 1]]
    made = explain(model, samples, background, [*genes, genes[0]])
    assert list(made.table.columns) == ["gene", "sample", "tf", "attribution", "expression"]
    assert len(made.table) == 2 * samples.size, "a gene named twice is explained once"
    assert made.base.index.tolist() == genes.tolist()
    for row in made.table.sample(20, random_state=1).itertuples():
        assert row.expression == pytest.approx(samples.loc[row.sample, row.tf])


def test_a_text_is_one_gene(
    fitted: dict[str, BaseEstimator], samples: pd.DataFrame, background: pd.DataFrame
) -> None:
    one, listed = (explain(fitted["mlr"], samples, background, g) for g in ("ALB", ["ALB"]))
    pd.testing.assert_frame_equal(one.table, listed.table)


def test_a_prediction_that_does_not_vary_has_no_relative_error(
    fitted: dict[str, BaseEstimator], samples: pd.DataFrame, background: pd.DataFrame
) -> None:
    model = fitted["mlr"]
    same = pd.concat([samples.iloc[:1]] * 2).set_axis(["a", "b"])
    assert explain(model, same, background, model.genes_[:1]).completeness_error().isna().all()


# Messages


def test_an_unknown_gene_is_named(
    fitted: dict[str, BaseEstimator], samples: pd.DataFrame, background: pd.DataFrame
) -> None:
    for name in EXPLAINED:
        with pytest.raises(KeyError, match="predicts 30 genes, and alb1, NOT_A_GENE not among"):
            explain(fitted[name], samples, background, ["alb1", "NOT_A_GENE"])
        with pytest.raises(KeyError, match="nearest names are alb1: ALB"):
            explain(fitted[name], samples, background, ["alb1"])


def test_nothing_to_explain(
    fitted: dict[str, BaseEstimator], samples: pd.DataFrame, background: pd.DataFrame
) -> None:
    model = fitted["mlr"]
    gene = model.genes_[:1]
    with pytest.raises(ValueError, match="12 samples, 0 background samples, 1 genes"):
        explain(model, samples, background.iloc[:0], gene)
    with pytest.raises(ValueError, match="0 samples, 25 background samples"):
        explain(model, samples.iloc[:0], background, gene)
    with pytest.raises(ValueError, match="0 genes; each must be at least 1"):
        explain(model, samples, background, [])


def test_missing_tfs_are_named(
    fitted: dict[str, BaseEstimator], samples: pd.DataFrame, background: pd.DataFrame
) -> None:
    with pytest.raises(ValueError, match="background lacks 1 of the 20 TFs"):
        explain(fitted["lembas"], samples, background.iloc[:, 1:], ["ALB"])


def test_samples_named_twice_are_refused(
    fitted: dict[str, BaseEstimator], samples: pd.DataFrame, background: pd.DataFrame
) -> None:
    twice = pd.concat([samples, samples.iloc[:2]])
    with pytest.raises(ValueError, match=f"named twice: {samples.index[0]}, {samples.index[1]}"):
        explain(fitted["mlr"], twice, background, ["ALB"])


def test_what_is_not_finite_is_refused(
    fitted: dict[str, BaseEstimator], samples: pd.DataFrame, background: pd.DataFrame
) -> None:
    holed = background.copy()
    holed.iloc[3, 2] = np.nan
    with pytest.raises(ValueError, match="background holds 1 missing or infinite values"):
        explain(fitted["lembas"], samples, holed, ["ALB"])
    broken = copy.copy(fitted["mlr"])
    broken.intercept_ = np.where(broken.genes_ == "ALB", np.inf, broken.intercept_)
    with pytest.raises(ValueError, match="not finite for ALB in 12 of 12 samples"):
        explain(broken, samples, background, ["TTR", "ALB"])


def test_an_unfitted_model_is_refused(samples: pd.DataFrame, background: pd.DataFrame) -> None:
    with pytest.raises(NotFittedError, match="not fitted yet"):
        explain(MLR(), samples, background, ["ALB"])


def test_a_gene_that_nothing_moves_gets_a_note(study: Study) -> None:
    x = normal_table(40, ["T0", "T1"], seed=1)
    y = normal_table(40, ["G0", "G1"], seed=2)
    network = network_of([("T0", "T1", 1), ("T1", "G0", 1)])
    settings = {"epochs": 2, "validation_fraction": 0.0}
    for model in (LembasRegressor(network, settings=settings), MaskedRidge(network)):
        made = explain(model.fit(x, y), x[:5], x[5:], ["G0", "G1"])
        note = "no TF moves what the model predicts for G1: all attributions are 0"
        assert made.notes[-1] == note
        assert (made.values["G1"] == 0).all(axis=None)  # noqa: PD011 (a field)
    null = explain(TrainMean().fit(x, y), x[:5], x[5:], ["G0"])
    assert (null.values["G0"] == 0).all(axis=None)  # noqa: PD011 (a field)
    assert len(null.notes) == 1


def test_settings_out_of_range_are_refused(
    fitted: dict[str, BaseEstimator], samples: pd.DataFrame, background: pd.DataFrame
) -> None:
    given = (fitted["mlr"], samples, background, ["ALB"])
    with pytest.raises(ValueError, match="mode must be one of quadrature, random; got 'exact'"):
        explain(*given, mode="exact")
    with pytest.raises(ValueError, match="n_draws must be at least 1, got 0"):
        explain(*given, n_draws=0)
    with pytest.raises(TypeError, match=r"n_draws must be a whole number, got 2\.5"):
        explain(*given, n_draws=2.5)
    with pytest.raises(TypeError, match="max_predictions must be a whole number, got '1'"):
        explain(*given, max_predictions="1")
    with pytest.raises(ValueError, match="tolerance must be a finite number above 0, got nan"):
        explain(*given, tolerance=float("nan"))
    with pytest.raises(TypeError, match="progress must be True or False, got 'yes'"):
        explain(*given, progress="yes")
    with pytest.raises(TypeError, match=r"unknown setting\(s\) nodes; known are mode, n_draws"):
        explain(*given, nodes=8)


def test_what_is_no_table_or_names_no_genes_is_refused(
    fitted: dict[str, BaseEstimator], samples: pd.DataFrame, background: pd.DataFrame
) -> None:
    with pytest.raises(TypeError, match="X is a ndarray; pass a DataFrame"):
        explain(fitted["mlr"], samples.to_numpy(), background, ["ALB"])
    with pytest.raises(TypeError, match="background is a ndarray; pass a DataFrame"):
        explain(fitted["mlr"], samples, background.to_numpy(), ["ALB"])
    bare = LinearRegression().fit(samples, samples.iloc[:, 0])
    with pytest.raises(TypeError, match="LinearRegression does not name the genes it predicts"):
        explain(bare, samples, background, ["ALB"])


# Exports


def test_exports_hold_every_row(
    fitted: dict[str, BaseEstimator],
    samples: pd.DataFrame,
    background: pd.DataFrame,
    tmp_path: Path,
) -> None:
    made = explain(fitted["ridge"], samples, background, ["ALB", "TTR"], seed=5)
    made.to_parquet(tmp_path / "table.parquet")
    made.to_csv(tmp_path / "table.csv.gz")
    table = pd.read_parquet(tmp_path / "table.parquet")
    pd.testing.assert_frame_equal(table[made.table.columns], made.table.reset_index(drop=True))
    text = pd.read_csv(tmp_path / "table.csv.gz")
    pd.testing.assert_frame_equal(text, table, check_dtype=False)
    assert set(table["method"]) == {made.method}
    assert set(table["seed"]) == {5}
    assert table.groupby("gene")["base"].first().to_dict() == pytest.approx(made.base.to_dict())


def test_shaps_own_plots_take_an_explanation(
    fitted: dict[str, BaseEstimator], samples: pd.DataFrame, background: pd.DataFrame
) -> None:
    made = explain(fitted["lembas"], samples, background, ["ALB"])
    given = made.explanation("ALB")
    predicted = fitted["lembas"].predict(samples)["ALB"]
    assert given.values.sum(axis=1) + given.base_values == pytest.approx(predicted, abs=1e-2)  # noqa: PD011 (no table)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        axes = shap.plots.waterfall(given[0], show=False)
    assert any("=" in tick.get_text() for tick in axes.get_yticklabels())
    plt.close("all")
    with pytest.raises(KeyError, match="explained were 1 genes, and AFP not among them"):
        made.explanation("AFP")


def test_edges_sum_up_the_samples(
    fitted: dict[str, BaseEstimator], samples: pd.DataFrame, background: pd.DataFrame
) -> None:
    """A linear model's direction is the sign of its slope."""
    model = fitted["ridge"]
    gene = model.genes_[4]
    made = explain(model, samples, background, [gene])
    edges = made.edges().set_index("tf")
    expected = wide(made, gene).abs().mean()
    assert edges["mean_abs_attribution"].to_dict() == pytest.approx(expected.to_dict())
    moving = samples.columns[samples.std() > 0]
    found = edges["direction"].reindex(model.tfs_)
    assert (found[moving] == np.sign(pd.Series(slopes(model, gene)[0], model.tfs_))[moving]).all()
    assert set(edges["gene"]) == {gene}


def test_what_does_not_vary_has_no_direction(
    fitted: dict[str, BaseEstimator], samples: pd.DataFrame, background: pd.DataFrame
) -> None:
    """The mean of fifty times .3 is not exactly .3: rounding must not look like a covariance."""
    fifty = pd.concat([samples] * 5, ignore_index=True).iloc[:50]
    first, second = fifty.columns[:2]
    fifty = fifty.astype(float).assign(**{first: 0.3})
    made = explain(fitted["ridge"], fifty, background, ["ALB"])
    assert made.edges().set_index("tf")["direction"][first] == 0
    values = made.values["ALB"].assign(**{second: 0.3})  # noqa: PD011 (a field)
    directions = replace(made, values={"ALB": values}).edges().set_index("tf")["direction"]
    assert directions[[first, second]].tolist() == [0, 0]
    assert (directions.drop([first, second]) != 0).any()
