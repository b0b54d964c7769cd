"""Rankings of TFs are compared as by hand, as the definition says, and beside chance."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from lembas.agreement import likeness, matrix, pairs, rank_biased_overlap, ranking, twins

TFS = [f"T{i:02d}" for i in range(30)]


def sizes_of(seed: int, *, n_used: int = 30) -> pd.Series:
    generator = np.random.default_rng(seed)
    values = np.zeros(len(TFS))
    values[generator.permutation(len(TFS))[:n_used]] = generator.exponential(size=n_used)
    return pd.Series(values, index=pd.Index(TFS, name="tf"), name="mean_abs_attribution")


def summary_of(sizes: dict[tuple[str, str], pd.Series]) -> pd.DataFrame:
    """(model, gene) to sizes, as a tidy table."""
    parts = [s.reset_index().assign(model=m, gene=g) for (m, g), s in sizes.items()]
    return pd.concat(parts, ignore_index=True)


def by_definition(first: list[str], second: list[str], p: float, n_terms: int = 3000) -> float:
    """Sum the series term by term; past its end a ranking goes on with the agreement it has."""
    short, long = sorted((first, second), key=len)
    total = 0.0
    for depth in range(1, n_terms + 1):
        at = min(depth, len(long))
        common = len(set(short[:at]) & set(long[:at]))
        if at > len(short):
            common += len(set(short) & set(long[: len(short)])) * (at - len(short)) / len(short)
        total += (1 - p) * p ** (depth - 1) * common / at
    return total


def test_a_hand_example() -> None:
    """Depths 1, 2, 3 have 1, 1 and 3 names in common: .5 + .25 / 2 + .125 + .125 = .875."""
    assert rank_biased_overlap(["A", "B", "C"], ["A", "C", "B"], p=0.5) == pytest.approx(0.875)


@pytest.mark.parametrize("lengths", [(30, 30), (8, 30), (30, 3), (1, 5)])
@pytest.mark.parametrize("p", [0.5, 0.9, 0.98])
def test_it_is_the_series_that_defines_it(lengths: tuple[int, int], p: float) -> None:
    generator = np.random.default_rng(sum(lengths))
    first, second = (list(generator.permutation(TFS)[:n]) for n in lengths)
    expected = by_definition(first, second, p)
    assert rank_biased_overlap(first, second, p=p) == pytest.approx(expected, abs=1e-9)


def test_equal_rankings_agree_and_others_do_not() -> None:
    assert rank_biased_overlap(TFS, TFS) == pytest.approx(1)
    assert rank_biased_overlap(TFS[:10], TFS[10:]) == 0
    assert np.isnan(rank_biased_overlap([], TFS))
    assert rank_biased_overlap(TFS[:7], TFS[3:]) == rank_biased_overlap(TFS[3:], TFS[:7])


def test_early_ranks_count_more() -> None:
    early, late = TFS.copy(), TFS.copy()
    early[0], early[1] = early[1], early[0]
    late[-1], late[-2] = late[-2], late[-1]
    assert rank_biased_overlap(TFS, early) < rank_biased_overlap(TFS, late) < 1


def test_a_ranking_leaves_unused_tfs_out() -> None:
    sizes = pd.Series({"B": 1.0, "A": 1.0, "C": 0.0, "D": 2.0})
    assert ranking(sizes).tolist() == ["D", "A", "B"]


def test_likeness_is_made_of_the_three_measures() -> None:
    first, second = sizes_of(1), sizes_of(2, n_used=12)
    found = likeness(first, second)
    expected = rank_biased_overlap(list(ranking(first)), list(ranking(second)))
    assert found["rbo"] == pytest.approx(expected)
    assert found["spearman"] == pytest.approx(spearmanr(first, second).statistic)
    both = set(ranking(first)[:10]) & set(ranking(second)[:10])
    assert found["overlap"] == pytest.approx(len(both) / 10)


def test_names_matter_and_not_their_order() -> None:
    first, second = sizes_of(1), sizes_of(2)
    assert likeness(first, second) == pytest.approx(likeness(first[::-1], second.sample(frac=1)))
    assert likeness(first, 7 * second) == pytest.approx(likeness(first, second))


def test_a_model_with_few_regulators_is_compared_over_these() -> None:
    """Four regulators, three of them shared: 3 / 4 of the first ten."""
    first = pd.Series({"A": 4.0, "B": 3.0, "C": 2.0, "D": 1.0})
    second = pd.Series({"A": 1.0, "B": 2.0, "C": 3.0, "E": 0.5})
    assert likeness(first, second)["overlap"] == pytest.approx(0.75)


def test_chance_is_an_order_without_meaning() -> None:
    """Of two random orders of N names, d * d / N are common at depth d."""
    p, n = 0.9, len(TFS)
    depths = np.arange(1, n + 1)
    expected = (1 - p) * (p ** (depths - 1) * depths / n).sum() + p**n
    found = likeness(sizes_of(1), sizes_of(1), n_shuffles=400, seed=3)
    assert found["rbo"] == pytest.approx(1)
    assert found["rbo_chance"] == pytest.approx(expected, abs=0.02)
    assert found["spearman_chance"] == pytest.approx(0, abs=0.03)
    assert found["overlap_chance"] == pytest.approx(10 / n, abs=0.03)


def test_chance_may_know_the_kinds_of_tfs() -> None:
    """Each TF a kind of its own leaves no choice; two kinds keep the large ones on top."""
    sizes = sizes_of(1)
    alone = pd.Series(range(len(TFS)), index=TFS)
    found = likeness(sizes, sizes, n_shuffles=5, kinds=alone)
    assert found["rbo_chance"] == pytest.approx(1)
    top = pd.Series(np.where(sizes >= sizes.nlargest(10).min(), "top", "rest"), index=TFS)
    found = likeness(sizes, sizes, n_shuffles=20, kinds=top[::-1])
    assert found["overlap_chance"] == pytest.approx(1)
    assert found["rbo_chance"] > likeness(sizes, sizes, n_shuffles=20)["rbo_chance"] + 0.2
    table = summary_of({("a", "G1"): sizes})
    kinds = pd.DataFrame([alone], index=["G1"])
    assert twins(table, table, kinds=kinds)["rbo_chance"].item() == pytest.approx(1)


def test_a_model_that_uses_nothing_cannot_be_compared() -> None:
    found = likeness(sizes_of(1), 0 * sizes_of(1), n_shuffles=2)
    assert np.isnan(list(found.values())).all()
    same = pd.Series(1.0, index=TFS)
    assert np.isnan(likeness(same, same)["spearman"])


def test_pairs_and_twins() -> None:
    sizes = {("a", "G1"): sizes_of(1), ("b", "G1"): sizes_of(2), ("a", "G2"): sizes_of(3)}
    table = pairs(summary_of(sizes), n_shuffles=0)
    assert table[["gene", "model", "other"]].to_numpy().tolist() == [["G1", "a", "b"]]
    assert table["rbo"].item() == pytest.approx(likeness(sizes_of(1), sizes_of(2))["rbo"])
    other = {("a", "G1"): sizes_of(1), ("c", "G1"): sizes_of(2)}
    table = twins(summary_of(sizes), summary_of(other))
    assert table[["gene", "model"]].to_numpy().tolist() == [["G1", "a"]]
    assert table["rbo"].item() == pytest.approx(1)
    assert table["rbo_chance"].item() < 0.9
    assert twins(summary_of(sizes), summary_of({("z", "G9"): sizes_of(1)})).empty


def test_the_matrix_averages_over_genes() -> None:
    names = [(model, gene) for gene in ("G1", "G2") for model in ("a", "b")]
    sizes = {key: sizes_of(seed) for seed, key in enumerate(names)}
    table = pairs(summary_of(sizes), n_shuffles=0)
    square = matrix(table, "rbo", models=["b", "a", "other"])
    assert square.loc["a", "b"] == square.loc["b", "a"] == pytest.approx(table["rbo"].mean())
    assert np.diag(square).tolist() == [1, 1, 1]
    assert np.isnan(square.loc["a", "other"])


def test_bad_rankings_are_refused() -> None:
    with pytest.raises(ValueError, match=r"p must lie between 0 and 1, got 1\.0"):
        rank_biased_overlap(TFS, TFS, p=1.0)
    with pytest.raises(ValueError, match="a ranking names each TF once; named again: A"):
        rank_biased_overlap(["A", "A"], TFS)
