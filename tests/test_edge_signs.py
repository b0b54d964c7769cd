"""Edges of unknown sign, followed through the package: they constrain nothing and count nowhere."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import skops.io
import torch
from scipy.optimize import lsq_linear

from lembas import attribution_verdicts as verdicts
from lembas import checkpoint, plotting
from lembas.artifacts import Run
from lembas.audit import leakage_audit
from lembas.baselines import make
from lembas.control_words import differences_table, moved_table, network_sentences
from lembas.controls import climb
from lembas.coverage import sign_sentence
from lembas.edge_signs import constrained, starting_signs
from lembas.knockout_words import sign_sentences, strongest_edges, weights_table
from lembas.ladder import NEAR, rungs
from lembas.model import LembasRNN, narrowed
from lembas.network import Network
from lembas.penalties import sign_penalty, sign_violation_share
from lembas.prior_support import described_edges, kinds_of_tfs, sign_agreement
from lembas.rewiring import flipped_signs, random_edges, rewired, shuffled_signs
from lembas.ridge import MaskedRidge
from lembas.signed_ridge import SignedRidge, _signed_least_squares
from lembas.study import Study
from lembas.training import LembasRegressor
from lembas.weights import edge_table, learned_weights, sign_violations, weights_against_truth
from tests.small_study import network_of

SHORT = {"epochs": 3, "validation_fraction": 0.0}


def unsigned(network: Network, share: float = 1.0) -> Network:
    """Forget the signs of a share of the edges."""
    edges = network.edges
    forget = np.random.default_rng(0).random(len(edges)) < share
    sign = edges["Interaction"].where(~forget, 0)
    return Network.from_edges(edges.assign(Interaction=sign), unsigned=True)


def weights_of(model: MaskedRidge) -> np.ndarray:
    return model.coef_.toarray()


# The network itself


def test_a_network_reads_and_keeps_unknown_signs_only_when_asked(tmp_path):
    path = tmp_path / "n.tsv"
    path.write_text("TF\tGene\tInteraction\nA\tX\t1\nB\tX\t0\nC\tX\t\n")
    with pytest.raises(ValueError, match=r"1 incomplete edge"):
        Network.read(path)
    network = Network.read(path, unsigned=True)
    assert network.edges["Interaction"].tolist() == [1, 0, 0]
    assert network.unsigned["TF"].tolist() == ["B", "C"]
    assert network.has_signs
    assert not unsigned(network).has_signs
    with pytest.raises(ValueError, match=r": 0; write 1 .* where 0 means .* unsigned: true"):
        Network.from_edges(network.edges)
    again = skops.io.loads(skops.io.dumps(network), trusted=["lembas.network.Network"])
    pd.testing.assert_frame_equal(again.edges, network.edges)
    path.write_text("TF\tGene\nA\tX\n")
    assert not Network.read(path, unsigned=True).has_signs
    run = Run.open(tmp_path)
    run.write_network(network)
    assert run.read_network().digest == network.digest


def test_the_digest_knows_unknown_signs_and_is_otherwise_as_it_was():
    signed = network_of([("A", "X", 1), ("B", "X", -1)])
    # SHA-256 of the text "TF\tGene\tInteraction\nA\tX\t1\nB\tX\t-1\n".
    assert signed.digest.startswith("6473a056e346")
    assert Network.from_edges(signed.edges, unsigned=True).digest == signed.digest
    assert unsigned(signed).digest != signed.digest


# Models


def test_a_ridge_without_signs_is_the_masked_ridge_and_free_edges_stay_free(study: Study):
    train = study.dataset.train
    free = MaskedRidge(study.network).fit(train.x, train.y)
    without = SignedRidge(unsigned(study.network)).fit(train.x, train.y)
    np.testing.assert_array_equal(weights_of(without), weights_of(free))
    np.testing.assert_array_equal(
        weights_of(MaskedRidge(unsigned(study.network)).fit(train.x, train.y)), weights_of(free)
    )
    some = unsigned(study.network, 0.5)
    weights = weights_of(SignedRidge(some).fit(train.x, train.y))
    row, column, sign = some.positions(free.tfs_, free.genes_)
    own = free.genes_[row] != free.tfs_[column]
    assert (sign[own] * weights[row[own], column[own]] >= 0).all()
    assert (weights[row[own], column[own]][sign[own] == 0] < 0).any()


@pytest.mark.parametrize("seed", range(6))
def test_least_squares_with_some_signs_is_scipys_with_bounds(seed):
    rng = np.random.default_rng(seed)
    design, target = rng.normal(size=(9, 9)), rng.normal(size=9)
    signs = rng.permutation([1, 1, 1, -1, -1, -1, 0, 0, 0]).astype(float)
    low, high = np.where(signs > 0, 0, -np.inf), np.where(signs < 0, 0, np.inf)
    expected = lsq_linear(design, target, (low, high), method="bvls", tol=1e-14).x
    found = _signed_least_squares(design, target, signs)
    np.testing.assert_allclose(found, expected, atol=1e-8)


def test_the_penalty_and_its_gradient_are_zero_on_an_edge_of_unknown_sign():
    edges = pd.DataFrame({"TF": ["A", "B", "C"], "Gene": "X", "Interaction": [1, 0, -1]})
    network = Network.from_edges(edges, unsigned=True)
    model = LembasRNN(network, ["A", "B", "C"], ["X"])
    for weight in (0.5, -0.5):
        with torch.no_grad():
            model.weights.fill_(weight)
        model.weights.grad = None
        penalty = sign_penalty(model)
        penalty.backward()
        assert penalty.item() == 0.5
        assert model.weights.grad.tolist() == ([0, 0, 1] if weight > 0 else [-1, 0, 0])
        assert model.n_sign_violations == 1
        assert sign_violation_share(model) == 0.5
        model.constrain_signs()
        assert model.weights.tolist()[1] == weight
        assert model.n_sign_violations == 0
    assert np.isnan(sign_violation_share(LembasRNN(unsigned(network), ["A"], ["X"])))
    assert narrowed(model, pd.Index(["X"])).edges["Interaction"].tolist() == [1, 0, -1]


def test_constraints_keep_free_weights_and_starts_draw_either_sign():
    signs, weights = torch.tensor([1.0, -1.0, 0.0, 0.0]), torch.tensor([-1.0, -2.0, -3.0, 4.0])
    assert constrained(signs, weights).tolist() == [0, -2, -3, 4]
    given = pd.Series([1, -1, *[0] * 400])
    drawn = starting_signs(given, np.random.default_rng(1))
    assert drawn[:2].tolist() == [1, -1]
    assert set(drawn) == {1, -1}
    assert 150 < (drawn[2:] > 0).sum() < 250


def fitted(study: Study, network: Network, recipe: str, **settings: object) -> LembasRegressor:
    train = study.dataset.train
    model = LembasRegressor(network, recipe=recipe, settings={**SHORT, **settings})
    return model.fit(train.x, train.y)


@pytest.mark.parametrize("recipe", ["ridge_start", "published"])
def test_without_signs_a_sign_penalty_changes_nothing(study: Study, recipe: str):
    blind = unsigned(study.network)
    one = fitted(study, blind, recipe, sign_penalty=10.0)
    other = fitted(study, blind, recipe, sign_penalty=0.0)
    torch.testing.assert_close(one.network_.weights, other.network_.weights, rtol=0, atol=0)
    assert one.history_["sign_violations"].isna().all(), "there is none to contradict"


@pytest.mark.parametrize("rule", [{"sign": "penalty"}, {"sign": "project"}])
def test_without_signs_the_fit_is_that_of_signs_that_are_free(study: Study, rule: dict):
    # From the masked ridge a training starts alike whatever the signs are.
    one = fitted(study, unsigned(study.network), "ridge_start", **rule)
    other = fitted(study, study.network, "ridge_start", sign="penalty", sign_penalty=0.0)
    for mine, theirs in zip(one.network_.parameters(), other.network_.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=0)


def test_relabelling_and_saving_change_nothing(study: Study, tmp_path):
    blind = unsigned(study.network, 0.3)
    model = fitted(study, blind, "ridge_start")
    checkpoint.save(model, tmp_path / "m.safetensors")
    loaded = checkpoint.load(tmp_path / "m.safetensors", blind)
    x = study.dataset.test.x
    pd.testing.assert_frame_equal(loaded.predict(x), model.predict(x))
    with pytest.raises(ValueError, match=r"differ: .*\(sign\)"):
        checkpoint.load(tmp_path / "m.safetensors", study.network)
    train = study.dataset.train
    names = {name: f"n_{name}" for name in study.network.nodes}
    edges = blind.edges.assign(**{end: blind.edges[end].map(names) for end in ("TF", "Gene")})
    renamed = SignedRidge(Network.from_edges(edges, unsigned=True))
    renamed.fit(train.x.rename(columns=names), train.y.rename(columns=names))
    plain = SignedRidge(blind).fit(train.x, train.y)
    np.testing.assert_allclose(weights_of(renamed), weights_of(plain), rtol=1e-9, atol=1e-12)


def test_channels_and_ensembles_take_unknown_signs(study: Study):
    blind, train = unsigned(study.network, 0.5), study.dataset.train
    for name, more in (("lembas_channels", {"n_channels": 2}), ("lembas_ensemble", {"n_seeds": 2})):
        model = make(name, blind, settings={"epochs": 1, "refit": False}, **more)
        assert np.isfinite(model.fit(train.x, train.y).predict(train.x).to_numpy()).all()


# Controls


def test_controls_keep_unknown_signs():
    rng = np.random.default_rng(0)
    pairs = [(f"TF{t}", f"G{g}") for t in range(15) for g in range(30) if rng.random() < 0.4]
    table = pd.DataFrame(pairs, columns=["TF", "Gene"])
    signs = rng.choice([1, -1, 0], len(pairs), p=[0.5, 0.2, 0.3])
    before = Network.from_edges(table.assign(Interaction=signs), unsigned=True)
    for after in (rewired(before, seed=1), rewired(before, seed=2)):
        for end in ("TF", "Gene"):
            counts = [network.edges.groupby([end, "Interaction"]).size()
                      for network in (before, after)]  # fmt: skip
            pd.testing.assert_series_equal(*counts)
    shuffled = shuffled_signs(before, seed=1)
    for after in (shuffled, flipped_signs(before)):
        pd.testing.assert_frame_equal(after.unsigned, before.unsigned)
    assert shuffled.digest != before.digest
    drawn = random_edges(before, seed=1).edges["Interaction"]
    assert drawn.value_counts().to_dict() == before.edges["Interaction"].value_counts().to_dict()


def test_a_network_without_signs_has_no_controls_of_signs(study: Study):
    ladder = rungs({**NEAR, "masked_ridge": ["rewired"]}, n_rewired=2)
    options = {"n_resamples": 50, "seed": 5}
    found = climb(study.dataset, unsigned(study.network), ladder, **options)
    assert set(found.fits["variant"]) == {"real", "rewired"}
    labels = {"masked_ridge": "Masked ridge", "signed_ridge": "Signed ridge"}
    assert "Masked ridge" in network_sentences(found.differences, "test", labels)
    assert len(differences_table(found.differences, labels))
    assert len(moved_table(found.fits))


# Counts, words and figures


def test_agreement_counts_known_signs_only():
    edges = pd.DataFrame({"TF": ["A", "B", "C"], "Gene": "X", "Interaction": [1, 0, -1]})
    network = Network.from_edges(edges, unsigned=True)
    rows = {"model": "m", "gene": "X", "tf": ["A", "B", "C"], "direction": [1, -1, 1]}
    summary = pd.DataFrame(rows).assign(mean_abs_attribution=1.0)
    found = sign_agreement(summary, network).iloc[0]
    assert (found["n_edges"], found["n_agree"]) == (2, 1)
    assert sign_agreement(summary, unsigned(network)).empty
    kinds = kinds_of_tfs(network, pd.Index(["A", "B", "C", "D"]), ["X"], n_hops=2)
    more = pd.concat([summary, summary.assign(tf="D")]).drop_duplicates("tf")
    described = described_edges(more, kinds, network).set_index("tf")
    assert described["in_prior"].to_dict() == {"A": True, "B": True, "C": True, "D": False}
    assert described["sign"].to_dict() == {"A": 1, "B": 0, "C": -1, "D": 0}


def test_violations_are_those_of_known_signs(study: Study):
    made = pd.DataFrame({"seed": 0, "tf": list("ABCD"), "gene": "X", "sign": [1, -1, 0, 0]})
    edges = edge_table(made.assign(weight=[-4.0, -3.0, -2.0, 1.0]))
    assert edges["violates"].tolist() == [True, False, False, False]
    assert sign_violations(edges, n_bins=1)["violating"].tolist() == [0.5]
    words = weights_table({"m": edges}, {}, {})
    assert words.loc["m", "against the prior's sign"] == "50.0%"
    assert strongest_edges(edges)["agrees"].tolist() == ["no", "yes", "unknown", "unknown"]
    assert strongest_edges(edges)["sign in the prior"].tolist() == ["+1", "-1", *["unknown"] * 2]
    truth = network_of([("A", "X", -1), ("B", "X", -1), ("C", "X", -1)])
    found = weights_against_truth(edges, truth)
    assert (found["n_wrong_signs"], found["mended"], found["kept"]) == (1, 1, 1)
    train = study.dataset.train
    model = MaskedRidge(unsigned(study.network)).fit(train.x, train.y)
    blind = edge_table(learned_weights(model, train.x, train.y))
    violations = sign_violations(blind).assign(model="m")
    assert sign_sentences(violations, {}) == (
        "No model has a weight on an edge whose sign the prior knows."
    )
    assert weights_table({"m": blind}, {}, {}).loc["m", "against the prior's sign"] == (
        "no sign known"
    )
    assert plotting.weight_signs(violations).axes == []


def test_the_audit_and_the_page_count_them(study: Study):
    some = unsigned(study.network, 0.3)
    row = leakage_audit(study.dataset, some).set_index("check").loc["edges without a sign"]
    used = some.restrict(study.dataset.inputs, study.dataset.targets)
    assert (row["count"], row["verdict"]) == (len(used.unsigned), "note")
    assert "->" in row["examples"]
    assert "edges without a sign" not in set(leakage_audit(study.dataset, study.network)["check"])
    assert sign_sentence(used).startswith(f"The sign of {len(used.unsigned):,} of them")
    assert sign_sentence(study.network) == "All of them have a sign."


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_figures_show_a_third_kind(study: Study, share: float):
    edges = unsigned(study.network, share).edges
    expected = ["activating (+1)", "inhibiting (-1)", *["sign unknown (0)"] * (share > 0)]
    for draw in (plotting.hubs, plotting.tf_block):
        (legend,) = draw(edges).legends
        assert [text.get_text() for text in legend.get_texts()] == expected
    figure = plotting.edge_signs(edges)
    assert len(figure.axes[0].patches) == len(expected)
    widths = [patch.get_width() for patch in figure.axes[0].patches]
    assert sum(widths) == len(edges)
    assert len(figure.axes) == (2 if share < 1 else 1), "no TF has an edge of known sign"


def test_no_verdict_is_given_on_signs_that_nobody_knows():
    network = unsigned(network_of([("A", "X", 1), ("B", "X", -1)]))
    summary = pd.DataFrame({"model": "m", "gene": "X", "tf": ["A", "B"], "direction": [1, -1]})
    verdict = verdicts.signs(sign_agreement(summary, network), {"m": "M"})
    assert verdict.sentence() == verdict.nothing
