"""A planted truth is found whole, chance is chance, and scikit-learn agrees."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

from lembas.attribution import explain
from lembas.linear import MLR
from lembas.recovery import (
    average_precision,
    by_kind,
    chance_precision,
    difference,
    recovery,
    resampled,
    tidy,
)
from lembas.truth import COLUMNS, PRIOR, Pairs, scores_of, scores_of_prior
from tests.test_truth import tiny_pairs


def drawn_pairs(*, n_genes: int = 20, n_tfs: int = 15, seed: int = 1) -> Pairs:
    """Draw true edges, and a prior with some of them and some false ones."""
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product(
        [[f"g{i}" for i in range(n_genes)], [f"T{i}" for i in range(n_tfs)]], names=["gene", "tf"]
    )
    edge = rng.choice([-1, 0, 0, 0, 1], len(index))
    prior = np.where(rng.random(len(index)) < 0.6, edge, rng.choice([-1, 0, 0, 0, 1], len(index)))
    table = pd.DataFrame({"edge_sign": edge, "effect": 0.5 * edge}, index=index)
    table = table.assign(in_prior=prior != 0, prior_sign=prior).reset_index()
    return Pairs(table[list(COLUMNS)])


def random_scores(pairs: Pairs, *, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n = len(pairs.table)
    return pairs.table[["gene", "tf"]].assign(
        score=rng.random(n).round(2), direction=rng.choice([-1, 1], n)
    )


def test_a_planted_linear_truth_is_recovered_whole() -> None:
    """Targets are sums of their regulators, without noise: least squares finds every edge."""
    pairs = drawn_pairs()
    weights = pairs.table.pivot_table(index="gene", columns="tf", values="edge_sign", sort=False)
    rng = np.random.default_rng(3)
    samples = [f"s{i}" for i in range(80)]
    x = pd.DataFrame(rng.normal(size=(80, len(weights.columns))), samples, weights.columns)
    model = MLR().fit(x, x @ weights.T)
    found = scores_of(explain(model, x, x, pairs.genes))
    result = tidy(resampled(pairs, {"m": found}, question="direct")).set_index("metric")["value"]
    assert result["auprc"] == pytest.approx(1)
    assert result["sign_accuracy"] == 1
    assert result["precision_at_true"] == 1


def test_shuffled_scores_fall_to_the_base_rate() -> None:
    pairs = drawn_pairs(n_genes=60)
    ratio = [
        resampled(
            pairs, {"m": random_scores(pairs, seed=seed)}, question="direct", n_resamples=0
        ).estimates["m"]
        for seed in range(20)
    ]
    mean = pd.DataFrame(ratio).mean()
    assert mean["auprc_over_base"] == pytest.approx(1, abs=0.05)
    assert mean["gene_auprc_over_chance"] == pytest.approx(1, abs=0.1)
    assert mean["sign_accuracy"] == pytest.approx(0.5, abs=0.1)


def test_the_prior_alone_by_hand() -> None:
    """Three prior edges rank together, two of them true, then three others, none true.

    Recall is 1 at a precision of 2/3, so AUPRC is 2/3; the base rate is 1/3; of the two true
    edges B -| g2 has the wrong sign. Of as many pairs as are true (2), 2/3 are on average.
    """
    pairs = tiny_pairs()
    draws = resampled(pairs, {PRIOR: scores_of_prior(pairs)}, question="direct", n_resamples=0)
    found = draws.estimates[PRIOR]
    assert found["auprc"] == pytest.approx(2 / 3)
    assert found["auprc_over_base"] == pytest.approx(2)
    assert found["precision_at_true"] == pytest.approx(2 / 3)
    assert found["sign_accuracy"] == pytest.approx(1 / 2)


def test_within_the_prior_the_prior_alone_is_chance() -> None:
    pairs = drawn_pairs()
    draws = resampled(pairs, {PRIOR: scores_of_prior(pairs)}, question="within_prior")
    assert draws.estimates[PRIOR]["auprc_over_base"] == pytest.approx(1)
    assert (draws.by_model[PRIOR]["auprc_over_base"] - 1).abs().max() < 1e-12


@pytest.mark.parametrize("seed", range(4))
def test_average_precision_is_scikit_learns(seed: int) -> None:
    """Ties and weights included."""
    rng = np.random.default_rng(seed)
    hit, score = rng.random(50) < 0.3, rng.integers(0, 12, 50) / 7
    group, counts = rng.integers(0, 20, 50), rng.integers(0, 4, (5, 20)).astype(float)
    found, base = average_precision(hit, score, group, counts)
    for row, value, share in zip(counts[:, group], found, base, strict=True):
        assert value == pytest.approx(average_precision_score(hit, score, sample_weight=row))
        assert share == pytest.approx(np.average(hit, weights=row))


@pytest.mark.parametrize(("n_true", "n"), [(1, 4), (2, 5), (3, 6)])
def test_chance_is_the_mean_over_all_orders(n_true: int, n: int) -> None:
    hit = np.arange(n) < n_true
    every = [average_precision_score(hit, order) for order in permutations(range(n))]
    found = chance_precision(np.array([n_true]), np.array([n]))
    assert found[0] == pytest.approx(np.mean(every))


def test_order_and_names_change_nothing() -> None:
    pairs = drawn_pairs()
    scores = random_scores(pairs, seed=5)
    names = {name: f"X{name}" for name in [*pairs.genes, *pairs.tfs]}
    renamed = Pairs(pairs.table.replace({"gene": names, "tf": names}))
    other = scores.replace({"gene": names, "tf": names}).sample(frac=1, random_state=1)
    first, second = (
        tidy(resampled(p, {"m": s}, question="direct"))
        for p, s in ((pairs, scores), (renamed, other))
    )
    pd.testing.assert_frame_equal(first, second)


def test_a_scale_changes_nothing_and_a_better_ranking_more() -> None:
    pairs = drawn_pairs()
    scores = random_scores(pairs, seed=5)
    truth = pairs.table["edge_sign"].abs()
    better = scores.assign(score=scores["score"] + 0.5 * truth)
    models = {"a": scores, "b": scores.assign(score=scores["score"] * 7), "c": better}
    draws = resampled(pairs, models, question="direct")
    assert difference(draws, "b", "a")["value"] == 0
    assert difference(draws, "c", "a")["low"] > 0


def test_resamples_are_those_of_a_slow_reference() -> None:
    """Each resample is scored again from a list in which targets occur as often as drawn."""
    pairs = drawn_pairs(n_genes=6)
    scores = random_scores(pairs, seed=2)
    draws = resampled(pairs, {"m": scores}, question="direct", n_resamples=5, seed=4)
    drawn = np.random.default_rng(4).integers(6, size=(5, 6))
    asked = pairs.asked("direct").merge(scores, on=["gene", "tf"])
    for row, places in enumerate(drawn):
        parts = [asked[asked["gene"] == pairs.genes[place]] for place in places]
        whole = pd.concat(parts)
        expected = average_precision_score(whole["is_true"], whole["score"])
        assert draws.by_model["m"]["auprc"].iloc[row] == pytest.approx(expected)


def test_all_questions_and_the_prior_beside_them() -> None:
    pairs = drawn_pairs()
    scores = {PRIOR: scores_of_prior(pairs), "m": random_scores(pairs, seed=1)}
    found = recovery(pairs, scores, n_resamples=20)
    assert set(found.table["question"]) == {"direct", "paths", "within_prior", "outside_prior"}
    assert found.over_prior["model"].tolist() == ["m"]
    assert (found.of("auprc")["low"] >= 0).all()
    random = found.of("auprc_over_base").query("model == 'm' and question != 'paths'")
    assert (random["low"] < random["value"]).all()
    assert (random["value"] < random["high"]).all()
    assert random["high"].max() > 1
    apart = found.over_prior.iloc[0]
    own = found.table.query("question == 'direct' and metric == 'auprc_over_base'")
    own = own.set_index("model")["value"]
    assert apart["value"] == pytest.approx(own["m"] - own[PRIOR])


def test_kinds_of_targets_are_scored_apart() -> None:
    pairs = drawn_pairs()
    share = pd.Series(np.linspace(0.8, 1, len(pairs.genes)), index=pairs.genes)
    scores = {"a": random_scores(pairs, seed=1), "b": random_scores(pairs, seed=2)}
    found = by_kind(pairs, scores, share, model="a", references=["b"], n_resamples=10)
    # Every effect is that of an edge here, so that no target is regulated from afar.
    assert set(found["kind"]) == {"linear", "non-linear", "one-hop"}
    assert found.groupby("kind")["n_genes"].first()[["linear", "non-linear"]].sum() == 20
    np.testing.assert_allclose(found["own"] - found["other"], found["value"])


def test_a_model_without_a_score_for_a_pair_is_refused() -> None:
    pairs = tiny_pairs()
    scores = scores_of_prior(pairs).iloc[1:]
    with pytest.raises(ValueError, match="m has no finite score for 1 of 6 pairs: A -> g1"):
        resampled(pairs, {"m": scores}, question="direct")
