"""Expected gradients: many genes at once, in parts, from random draws."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

from lembas.attribution import explain
from lembas.ensemble import LembasEnsemble
from lembas.explainers import Settings
from lembas.gradient_explainer import Grid, explain_network
from lembas.study import Study


@pytest.fixture(scope="module")
def given(study: Study) -> tuple[pd.DataFrame, pd.DataFrame]:
    return study.dataset.test.x.iloc[:5], study.dataset.train.x.iloc[:9]


@pytest.mark.parametrize("name", ["lembas", "lembas_published"])
def test_genes_together_are_genes_one_by_one(
    fitted: dict[str, BaseEstimator], given: tuple[pd.DataFrame, pd.DataFrame], name: str
) -> None:
    model, genes = fitted[name], fitted[name].genes_[[2, 9, 4]]
    for mode in ("quadrature", "random"):
        # So strict a tolerance takes every gene to the most nodes, alone or not.
        options = {"mode": mode, "tolerance": 1e-12}
        together = explain(model, *given, genes, **options)
        for gene in genes:
            alone = explain(model, *given, [gene], **options)
            expected = alone.values[gene].to_numpy()  # noqa: PD011 (a field)
            found = together.values[gene].to_numpy()  # noqa: PD011 (a field)
            assert found == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("mode", ["quadrature", "random"])
def test_memory_changes_nothing(
    fitted: dict[str, BaseEstimator], given: tuple[pd.DataFrame, pd.DataFrame], mode: str
) -> None:
    """A hundredth of a megabyte holds a few rows at once."""
    model = fitted["lembas"]
    genes = model.genes_[:3]
    whole = explain(model, *given, genes, mode=mode).table["attribution"]
    parts = explain(model, *given, genes, mode=mode, max_memory_mb=0.01).table["attribution"]
    assert parts.to_numpy() == pytest.approx(whole.to_numpy(), abs=1e-5)


def test_random_draws_are_right_on_average(
    fitted: dict[str, BaseEstimator], given: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    """The mean over 40 seeds lies within four standard errors, for nearly all TFs and samples."""
    model = fitted["lembas_published"]
    gene = model.genes_[3]
    exact = explain(model, *given, [gene]).values[gene].to_numpy()  # noqa: PD011 (a field)
    drawn = np.array(
        [
            explain(model, *given, [gene], mode="random", seed=seed).values[gene].to_numpy()  # noqa: PD011 (a field)
            for seed in range(40)
        ]
    )
    error = np.abs(drawn.mean(axis=0) - exact)
    spread = drawn.std(axis=0, ddof=1) / np.sqrt(len(drawn))
    assert (error <= 4 * spread + 2e-4).mean() > 0.97
    assert drawn.std(axis=0).max() > 0, "another seed draws otherwise"


def test_a_seed_repeats_its_draws(
    fitted: dict[str, BaseEstimator], given: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    model = fitted["lembas"]
    first, second = (
        explain(model, *given, model.genes_[:2], mode="random", seed=7) for _ in range(2)
    )
    pd.testing.assert_frame_equal(first.table, second.table)
    assert first.method == "expected gradients, 25 random draws"
    assert first.seed == 7


@pytest.fixture
def ensemble(fitted: dict[str, BaseEstimator]) -> LembasEnsemble:
    made = LembasEnsemble()
    made.members_ = [fitted["lembas"], fitted["lembas_published"]]
    made.tfs_, made.genes_ = fitted["lembas"].tfs_, fitted["lembas"].genes_
    return made


@pytest.mark.parametrize("mode", ["quadrature", "random"])
def test_an_ensemble_is_the_mean_of_its_networks(
    ensemble: LembasEnsemble, given: tuple[pd.DataFrame, pd.DataFrame], mode: str
) -> None:
    genes = ensemble.genes_[:2]
    # So strict a tolerance takes every network to the most nodes.
    settings = Settings(mode=mode, tolerance=1e-12)
    found = explain_network(ensemble, *given, genes, settings)
    parts = [explain_network(member, *given, genes, settings) for member in ensemble.members_]
    for gene in genes:
        mean = sum(part.by_gene[gene] for part in parts) / 2
        pd.testing.assert_frame_equal(found.by_gene[gene], mean)
    assert found.method.endswith("mean of 2 networks")
    left_alone = ensemble.members_[0].network_.weights
    assert left_alone.requires_grad, "explaining a model leaves it as it was"


def test_an_ensemble_is_judged_by_its_own_prediction(
    ensemble: LembasEnsemble, given: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    """A network that needs more nodes for itself does not beside one that varies far more."""
    genes = ensemble.genes_[:5]
    other, curved = ensemble.members_
    assert "8 nodes" in explain(curved, *given, genes).method
    larger = copy.copy(other)
    larger._scale = replace(other._scale, y_sd=1000 * other._scale.y_sd)
    ensemble.members_ = [curved, larger]
    made = explain(ensemble, *given, genes)
    assert made.method == "expected gradients, quadrature, 2 nodes, mean of 2 networks"
    assert made.completeness_error().max() <= 0.01


@pytest.mark.parametrize("name", ["lembas", "lembas_ensemble"])
def test_genes_that_no_number_of_nodes_makes_add_up_are_named(
    fitted: dict[str, BaseEstimator], given: tuple[pd.DataFrame, pd.DataFrame], name: str
) -> None:
    model = fitted[name]
    genes = model.genes_[:4]
    assert explain(model, *given, genes).notes == ()
    made = explain(model, *given, genes, tolerance=1e-12)
    (note,) = made.notes
    assert f"the attributions of {', '.join(genes)} do not add up within 1e-10 %" in note
    largest = float(note.rsplit(" is ", 1)[1].removesuffix(" %"))
    assert largest == pytest.approx(100 * made.completeness_error().max(), rel=0.1)


def test_a_prediction_that_does_not_vary_is_not_judged(
    fitted: dict[str, BaseEstimator], given: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    x = pd.concat([given[0].iloc[:1]] * 50, ignore_index=True)
    model = fitted["lembas"]
    made = explain(model, x, given[1].iloc[:1], model.genes_, tolerance=1e-12)
    assert made.notes == ()
    assert made.completeness_error().isna().all()


def test_points_of_a_grid_are_made_part_by_part() -> None:
    """Every pair of samples is met; two nodes integrate a cube exactly: 1/4 over [0, 1]."""
    grid = Grid(n_samples=3, n_background=4, n_nodes=2)
    assert len(grid) == 24
    whole = [part.numpy() for part in grid.part(slice(24))]
    parts = [grid.part(slice(start, start + 7)) for start in range(0, 24, 7)]
    for number, values in enumerate(whole):
        joined = np.concatenate([part[number].numpy() for part in parts])
        np.testing.assert_array_equal(joined, values)
    sample, base, position, weight = (values.ravel() for values in whole)
    assert len(set(zip(sample, base, strict=True))) == 12
    for row in range(3):
        own = sample == row
        assert weight[own].sum() == pytest.approx(1)
        assert (weight[own] * position[own] ** 3).sum() == pytest.approx(1 / 4)
