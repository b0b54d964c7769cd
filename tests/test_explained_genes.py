"""Genes to explain are checked, and better ones are named by a rule."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from lembas import explained_genes
from lembas.explained_genes import explainable_genes, panel_genes, proposals
from lembas.labels import nearest_names
from lembas.study import Study
from tests.small_study import network_of


@pytest.fixture(scope="module")
def good(study: Study) -> pd.DataFrame:
    """Skills that are fine for all targets, and differ."""
    targets = study.dataset.targets
    return pd.DataFrame({"mlr": np.linspace(0.4, 0.8, len(targets)), "lembas": 0.5}, index=targets)


def test_skills_are_cut_out_of_the_scores() -> None:
    rows = [
        ("mlr", "test", "A", "skill_per_gene", 0.1),
        ("mlr", "train", "A", "skill_per_gene", 0.9),
        ("mlr", "test", "A", "rmse_per_gene", 0.3),
        ("xgbrf", "test", "B", "skill_per_gene", 0.2),
    ]
    table = pd.DataFrame(rows, columns=["model", "cohort", "gene", "metric", "value"])
    skill = explained_genes.skill_on_test(table, ["xgbrf", "mlr", "not fitted"])
    assert skill.columns.tolist() == ["xgbrf", "mlr"]
    assert skill.loc["A", "mlr"] == 0.1
    assert np.isnan(skill.loc["A", "xgbrf"])


def test_a_gene_that_is_no_target_is_replaced_and_near_names_are_offered(study: Study) -> None:
    best = study.dataset.train_mean.idxmax()
    genes, notes = explainable_genes(study.dataset, ["alb1"])
    assert genes == [best]
    assert "alb1 is not among the targets" in notes[0]
    assert "the nearest names are ALB" in notes[0]
    assert f"{best}, the best expressed target, is explained instead" in notes[0]
    assert nearest_names("ZZZZZZ", ["ALB"]) == []


def test_without_a_target_left_the_unknown_gene_is_refused(study: Study) -> None:
    one = replace(study.dataset, targets=study.dataset.targets[:1])
    with pytest.raises(KeyError, match="NOPE is not among the targets"):
        explainable_genes(one, [one.targets[0], "NOPE"])


def test_any_number_of_genes(study: Study) -> None:
    genes = study.dataset.targets[:5]
    assert explainable_genes(study.dataset, [*genes, genes[0]]) == (list(genes), [])
    with pytest.raises(ValueError, match="name at least one gene to explain"):
        explainable_genes(study.dataset, [])


def test_a_badly_predicted_gene_is_kept_with_a_warning(study: Study, good: pd.DataFrame) -> None:
    gene = study.dataset.targets[3]
    skill = good.copy()
    skill.loc[gene, "lembas"] = 0.1
    genes, notes = explainable_genes(
        study.dataset, [gene], skill=skill, labels={"lembas": "LEMBAS-RNN"}
    )
    assert genes == [gene]
    assert f"{gene} is badly predicted" in notes[0]
    assert "LEMBAS-RNN 0.10" in notes[0]
    assert "mlr" not in notes[0]
    assert notes[1].startswith("Near it and better to explain: ")
    assert explainable_genes(study.dataset, [gene], skill=good)[1] == []
    skill.loc[gene] = [0.5, np.nan]
    _, notes = explainable_genes(study.dataset, [gene], skill=skill)
    assert notes[0] == f"Not scored on {gene}, and maybe not predicting it: lembas."


def test_a_gene_without_measured_regulators_is_said(study: Study) -> None:
    gene = study.dataset.targets[3]
    _, notes = explainable_genes(study.dataset, [gene], network=network_of([("T", "G", 1)]))
    assert notes == [f"{gene} has no measured regulator in the network."]


def test_proposals_share_regulators_and_are_worth_it(study: Study, good: pd.DataFrame) -> None:
    """Of three well expressed genes one shares both regulators, one a single one of three."""
    asked, *others = study.dataset.targets[:6]
    like, half, bad, faint, far = others
    expression = study.dataset.expression.copy()
    expression[list(study.dataset.targets)] = np.float32(0.5)
    expression[[like, half, bad, far]] = np.float32(2)
    dataset = replace(study.dataset, expression=expression)
    edges = [("A", asked, 1), ("B", asked, 1), ("A", like, 1), ("B", like, -1)]
    edges += [("A", half, 1), ("C", half, 1), ("A", faint, 1), ("B", faint, 1)]
    edges += [("A", bad, 1), ("B", bad, 1), ("C", far, 1)]
    skill = good.copy()
    skill.loc[bad] = 0.2
    found = proposals(dataset, asked, skill=skill, network=network_of(edges))
    assert found == [like, half, far]
    assert proposals(dataset, asked, skill=skill) == [far, half, like], "the best predicted first"
    assert proposals(dataset, asked, skill=0 * skill) == []


def test_the_panel_is_filled_up_with_the_best_predicted(study: Study, good: pd.DataFrame) -> None:
    dataset = study.dataset
    asked = [*dataset.targets[:2], "NOT_A_GENE"]
    panel, (note,) = panel_genes(dataset, asked)
    assert panel == list(dataset.targets[:2])
    assert "not being among the targets: NOT_A_GENE" in note
    panel, _ = panel_genes(dataset, asked, skill=good, size=5)
    assert panel[:2] == list(dataset.targets[:2])
    rest = good.mean(axis=1).drop(panel[:2])
    well = dataset.train_mean[rest.index] > 1
    assert panel[2:] == list(rest[well].sort_values(ascending=False).index[:3])
    panel, notes = panel_genes(dataset)
    assert "ALB" in panel
    assert set(explained_genes.LIVER_PANEL) - set(panel), "some liver genes are not measured"
    assert notes == [], "nobody asked for these"
    with pytest.raises(ValueError, match=r"none of the 1 panel genes \(X\) is a target"):
        panel_genes(dataset, ["X"])
