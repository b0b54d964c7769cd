"""Refits to resampled samples, and decoys among the TFs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GroupShuffleSplit

from lembas.agreement import pairs
from lembas.attribution import explain
from lembas.baselines import make
from lembas.cohorts import Cohort
from lembas.stability import (
    PART,
    decoy_shares,
    over_genes,
    refits,
    sanity_checks,
    stability_checks,
    with_decoys,
)
from lembas.study import Study
from tests.small_study import normal_table


def linear_cohort(n_samples: int, *, noise: float) -> Cohort:
    """Twenty independent TFs; gene G follows T0 and T1, H is noise alone."""
    x = normal_table(n_samples, [f"T{i}" for i in range(20)], seed=1)
    rest = normal_table(n_samples, ["G", "H"], seed=2)
    y = rest.assign(G=x["T0"] - 0.5 * x["T1"] + noise * (rest["G"] - 2))
    none = pd.Index([])
    return Cohort(name="train", x=x, y=y, imputed=none, missing=none, series=None)


def test_refits_are_those_of_parts_of_the_samples(study: Study) -> None:
    """Whole series are drawn, none twice: the explanations are those of fits to just these."""
    train, genes = study.dataset.train, study.dataset.targets[:2]
    samples = study.dataset.test.x.iloc[:5]
    options = {"network": study.network, "n_background": 10, "n_refits": 3, "seed": 4}
    table = refits(train, samples, genes, models=["ridge"], **options)
    assert len(table) == 2 * 3
    names, n_drawn = train.series.unique(), []
    parts = []
    for number in range(3):
        splitter = GroupShuffleSplit(1, train_size=PART, random_state=4 + number)
        rows = next(splitter.split(train.x, groups=train.series))[0]
        n_drawn.append(train.series.iloc[rows].nunique())
        model = make("ridge").fit(train.x.iloc[rows], train.y[genes].iloc[rows])
        background = train.x.sample(10, random_state=4)
        edges = explain(model, samples, background, genes).edges()
        parts.append(edges.assign(model=f"refit {number}"))
    assert set(n_drawn) == {int(PART * len(names))}
    expected = pairs(pd.concat(parts), n_shuffles=0)
    assert table["rbo"].to_numpy() == pytest.approx(expected["rbo"].to_numpy())


def test_a_refitted_ridge_is_penalised_as_the_whole_one() -> None:
    """A resample with replacement would hold twins, and leave-one-out no penalty against noise."""
    x = normal_table(90, [f"T{i}" for i in range(60)], seed=1)
    y = normal_table(90, [f"G{i}" for i in range(12)], seed=2)
    for i, gene in enumerate(y):
        y[gene] = x[f"T{i}"] + 2 * y[gene]
    none = pd.Index([])
    train = Cohort(name="train", x=x, y=y, imputed=none, missing=none, series=None)
    found = refits(train, x[:10], y.columns, network=None, models=["ridge"], n_refits=4)
    free = refits(train, x[:10], y.columns, network=None, models=["mlr"], n_refits=4)
    assert found["rbo"].mean() > free["rbo"].mean() + 0.1


def test_a_gene_with_strong_regulators_is_explained_alike_each_time() -> None:
    train = linear_cohort(200, noise=0.05)
    table = refits(train, train.x[:10], ["G", "H"], network=None, models=["mlr"], n_refits=4)
    mean = table.groupby("gene")["rbo"].mean()
    assert mean["G"] > mean["H"] + 0.1


def test_over_genes_averages_pairs_first() -> None:
    rows = [("m", "G", 0.2), ("m", "G", 0.4), ("m", "H", 0.9)]
    table = pd.DataFrame(rows, columns=["model", "gene", "rbo"]).assign(rbo_chance=0.1)
    found = over_genes(table, "rbo", "rbo_chance", check="rbo").iloc[0]
    assert found["value"] == pytest.approx(0.6)
    assert (found["low"], found["high"]) == pytest.approx((0.45, 0.75))
    assert found["reference"] == pytest.approx(0.1)


def test_checks_are_put_into_one_table(study: Study) -> None:
    train, genes = study.dataset.train, study.dataset.targets[:2]
    samples = study.dataset.test.x.iloc[:5]
    table = refits(train, samples, genes, network=study.network, n_refits=2)
    checks = stability_checks(table)
    assert set(checks["check"]) == {"overlap", "rbo"}
    assert set(checks["model"]) == {"mlr", "ridge", "masked_ridge"}
    twins = pd.DataFrame({"model": "m", "gene": ["G"], "rbo": 0.2, "rbo_chance": 0.1})
    decoys = pd.DataFrame({"model": "m", "gene": ["G"], "ratio": 0.3})
    kinds = {"model": "m", "gene": "G", "kind": ["no path", "regulators"]}
    share = pd.DataFrame({**kinds, "share": [0.1, 0.9], "chance": [0.4, 0.6]})
    found = sanity_checks(twins, decoys, share).set_index("check")
    assert found["value"].to_dict() == pytest.approx(
        {"randomised": 0.2, "decoys": 0.3, "no path": 0.25}
    )
    reached = share.assign(chance=[0.0, 1.0])
    assert "no path" not in set(sanity_checks(twins, decoys, reached)["check"])


def test_decoys_keep_their_values_and_lose_their_samples() -> None:
    x = normal_table(30, ["A", "B"], seed=1)
    made = with_decoys(x, ["B", "A"], seed=2)
    assert made.columns.tolist() == ["A", "B", "decoy of B", "decoy of A"]
    pd.testing.assert_frame_equal(made[["A", "B"]], x)
    for tf in ("A", "B"):
        decoy = made[f"decoy of {tf}"]
        assert np.sort(decoy.to_numpy()) == pytest.approx(np.sort(x[tf].to_numpy()))
        assert abs(np.corrcoef(decoy, x[tf])[0, 1]) < 0.6


def test_decoys_get_little_of_a_gene_that_is_well_explained() -> None:
    """H is noise alone: there a decoy gets as much as any TF."""
    train = linear_cohort(300, noise=0.05)
    options = {"network": None, "n_decoys": 20, "models": ["mlr"]}
    found = decoy_shares(train, train.x[:40], ["G", "H"], **options).set_index("gene")
    assert found["equal"].tolist() == [1 / 40] * 2
    assert found.loc["G", "ratio"] < 0.2
    assert found.loc["H", "ratio"] == pytest.approx(1, abs=0.5)
    assert found["ratio"].to_numpy() == pytest.approx((found["share"] * 40).to_numpy())


def test_the_masked_ridge_gives_decoys_nothing(study: Study) -> None:
    genes = study.dataset.targets[:2]
    found = decoy_shares(
        study.dataset.train,
        study.dataset.test.x,
        genes,
        network=study.network,
        models=["masked_ridge"],
        n_decoys=5,
    )
    assert found["share"].tolist() == [0, 0]


def test_a_gene_that_does_not_vary_has_no_share() -> None:
    train = linear_cohort(40, noise=0.1)
    flat = replace(train, y=train.y.assign(H=1.0))
    found = decoy_shares(flat, train.x, ["H"], network=None, models=["ridge"], n_decoys=3)
    assert np.isnan(found["ratio"].item())


def test_too_few_refits_are_refused() -> None:
    train = linear_cohort(40, noise=0.1)
    with pytest.raises(ValueError, match="two refits or more can be compared, got n_refits=1"):
        refits(train, train.x, ["G"], network=None, n_refits=1)
