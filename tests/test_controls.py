"""Tests of the ladder of control networks: slow and obvious scoring is the oracle."""

from __future__ import annotations

from dataclasses import fields
from unittest import mock

import numpy as np
import pandas as pd
import pytest

from lembas import controls, rewiring
from lembas.baselines import REGISTRY, make
from lembas.control_words import (
    depth_sentence,
    depth_table,
    differences_table,
    moved_table,
    network_sentences,
    shuffled_sentence,
)
from lembas.controls import Ladder, climb
from lembas.evaluation import centred
from lembas.intervals import bootstrap, half_width
from lembas.ladder import FAR, NEAR, REAL, VARIANTS, Rung, depth_models, depth_of, rungs
from lembas.metrics import score_per_gene
from lembas.network import Network
from tests.small_study import QUICK

ALL = [name for name in VARIANTS if name != REAL]
LADDER = [
    *rungs({"masked_ridge": ALL}, n_rewired=3),
    *rungs({"path_ridge": ["rewired"]}, n_rewired=2),
]
OPTIONS = {"n_resamples": 60, "seed": 5}
LABELS = {"masked_ridge": "Masked ridge", "path_ridge": "Path ridge"}


@pytest.fixture(scope="module")
def ladder(study) -> Ladder:
    return climb(study.dataset, study.network, LADDER, **OPTIONS)


def measured(study) -> Network:
    return study.network.restrict(study.dataset.inputs, study.dataset.targets)


def predicted(study, network: Network, cohort: str) -> tuple:
    """Truth, prediction and null of one cohort for the masked ridge, as they are scored."""
    dataset = study.dataset
    model = make("masked_ridge", network).fit(dataset.train.x, dataset.train.y)
    if cohort == "test":
        return dataset.test, model.predict(dataset.test.x), dataset.train_mean
    own = dataset.external[cohort.removesuffix(", centred")]
    shifted, tables, null = centred(own, {"m": model.predict(own.x)})
    return shifted, tables["m"], null


def test_scores_are_those_of_the_model_on_its_network(study, ladder):
    for cohort in ladder.scores["cohort"].unique():
        truth, prediction, null = predicted(study, measured(study), cohort)
        expected = score_per_gene(truth.y, prediction[truth.y.columns], null)["skill_per_gene"]
        own = ladder.per_gene.query(
            "model == 'masked_ridge' and variant == 'real' and cohort == @cohort"
        )
        found = own.set_index("gene")["skill"].reindex(expected.index)
        pd.testing.assert_series_equal(found, expected, check_names=False)
        row = ladder.scores.query(
            "model == 'masked_ridge' and variant == 'real' and cohort == @cohort"
        )
        assert row["value"].item() == pytest.approx(expected.median())
        assert row["n_genes"].item() == len(expected)


@pytest.mark.parametrize("cohort", ["test", "external_near, centred"])
def test_differences_come_from_paired_resamples_of_the_bootstrap(study, ladder, cohort):
    networks = {
        str(draw): rewiring.rewired(measured(study), seed=controls._seed_of(5, draw))
        for draw in range(3)
    }
    networks[REAL] = measured(study)
    parts = {name: predicted(study, network, cohort) for name, network in networks.items()}
    truth, _, null = parts[REAL]
    tables = {name: table[truth.y.columns] for name, (_, table, _) in parts.items()}
    draws = bootstrap(truth.y, tables, null, series=truth.series, **OPTIONS)
    skill = {name: own["skill_median_over_genes"] for name, own in draws.by_model.items()}
    apart = skill[REAL] - (skill["0"] + skill["1"] + skill["2"]) / 3
    row = ladder.differences.query(
        "model == 'masked_ridge' and variant == 'rewired' and cohort == @cohort"
    ).iloc[0]
    half = half_width(apart.to_frame(), draws.n_units).iloc[0]  # NaN: too few series
    assert [row["low"], row["high"]] == pytest.approx(
        [row["value"] - half, row["value"] + half], nan_ok=True
    )
    medians = {
        name: score_per_gene(truth.y, table, null)["skill_per_gene"].median()
        for name, table in tables.items()
    }
    real = medians.pop(REAL)
    assert row["value"] == pytest.approx(real - np.mean(list(medians.values())))
    assert row["n_draws"] == 3
    assert row["p_value"] == (1 + sum(value >= real for value in medians.values())) / 4


def test_a_model_blind_to_signs_does_not_change_with_them(ladder):
    rows = ladder.differences.query("model == 'masked_ridge'").set_index("variant")
    for variant in ("flipped_signs", "shuffled_signs", "without_tf_edges"):
        found = rows.loc[[variant], ["value", "low", "high"]].abs()
        assert found.max().max() < 1e-12  # no limits where there are too few series
    assert rows.loc[["flipped_signs", "without_tf_edges"], "p_value"].isna().all()


def test_shuffled_training_samples_teach_nothing(ladder):
    rows = ladder.scores.query("variant == 'permuted_samples'")
    assert (rows["value"] < 0.05).all()


def test_permuted_gene_labels_are_shuffled_columns_of_the_targets(study):
    # A model of each gene by itself cannot tell one from the other.
    network, train = measured(study), study.dataset.train
    control = rewiring.permuted_genes(network, seed=3)
    label = np.random.default_rng(3).permutation(network.genes.difference(network.tfs))
    label = pd.Series(label, index=network.genes.difference(network.tfs))
    shuffled = train.y.rename(columns=pd.Series(label.index, index=label))
    one = make("masked_ridge", control).fit(train.x, train.y).predict(train.x)
    other = make("masked_ridge", network).fit(train.x, shuffled).predict(train.x)
    pd.testing.assert_frame_equal(other.rename(columns=label)[one.columns], one, atol=1e-10)


def test_the_order_of_the_rungs_changes_no_number(study, ladder):
    again = climb(study.dataset, study.network, LADDER[::-1], **OPTIONS)
    keys = {"scores": ["model", "variant", "draw", "cohort"],
            "differences": ["model", "variant", "cohort"]}  # fmt: skip
    for name, by in keys.items():
        one, other = (getattr(each, name).sort_values(by, ignore_index=True)
                      for each in (ladder, again))  # fmt: skip
        pd.testing.assert_frame_equal(one, other)


def test_a_draw_that_was_finished_is_not_fitted_again(study, ladder, tmp_path):
    few = rungs({"masked_ridge": ["rewired"]}, n_rewired=3)
    options = {**OPTIONS, "unfinished": tmp_path}
    run, calls = controls._Work.run, []

    def killed(self, model, control, unfinished):
        if len(calls) == 3:
            raise KeyboardInterrupt
        calls.append((control.variant, control.draw))
        return run(self, model, control, unfinished)

    with (
        mock.patch.object(controls._Work, "run", killed),
        pytest.raises(KeyboardInterrupt),
    ):
        climb(study.dataset, study.network, few, **options)
    with mock.patch.object(controls._Work, "run", autospec=True, side_effect=run) as counted:
        resumed = climb(study.dataset, study.network, few, **options)
    assert calls == [("real", 0), ("rewired", 0), ("rewired", 1)]
    assert counted.call_count == 1
    plain = climb(study.dataset, study.network, few, **OPTIONS)
    for field in fields(Ladder):
        one, other = getattr(resumed, field.name), getattr(plain, field.name)
        drop = [column for column in ("fit_s",) if column in one]
        pd.testing.assert_frame_equal(one.drop(columns=drop), other.drop(columns=drop))
    # Another seed draws other networks: nothing kept is of use.
    with mock.patch.object(controls._Work, "run", autospec=True, side_effect=run) as counted:
        climb(study.dataset, study.network, few, **{**options, "seed": 6})
    assert counted.call_count == 4


def test_depths_are_other_settings_of_the_same_model(study):
    base = {"lembas": {"parameters": {"settings": dict(QUICK)}}}
    models = {**base, **depth_models([2, 3], models=base)}
    assert list(models) == ["lembas", "lembas_t2", "lembas_t3"]
    # T = 5 is the model's own.
    assert depth_of("lembas", models) == 5
    assert list(depth_models([1, 5], models=base)) == ["lembas_t1"]
    with pytest.raises(KeyError, match="no model named 'rnn'"):
        depth_models([1], base="rnn")
    two = make("lembas_t2", study.network, extra=models)
    assert two.settings == {**QUICK, "max_steps": 2}
    ladder = climb(
        study.dataset,
        study.network,
        [Rung("lembas_t2", REAL), Rung("lembas_t2", "without_tf_edges")],
        models=models,
        **OPTIONS,
    )
    # Two updates reach the targets from their own TFs only; the start draws other noise.
    assert ladder.differences["value"].abs().max() < 0.1
    table = depth_table(ladder.scores, {"lembas_t2": depth_of("lembas_t2", models)})
    assert table["depth"].unique().tolist() == [2]
    assert len(table) == ladder.scores["cohort"].nunique()


def test_networks_are_cut_to_what_was_measured(study, ladder):
    real = ladder.fits.query("variant == 'real' and model == 'masked_ridge'")
    assert real["n_edges"].item() == len(measured(study))
    assert real["moved"].item() == 0
    assert (ladder.fits.query("variant == 'rewired'")["moved"] > 0.3).all()


def test_a_ladder_has_the_real_network_first_and_draws_what_is_random():
    ladder = rungs({"a": ["rewired", "flipped_signs"], "b": []}, n_rewired=4)
    assert ladder == [
        Rung("a", REAL),
        Rung("a", "rewired", 4),
        Rung("a", "flipped_signs"),
        Rung("b", REAL),
    ]
    assert rungs({"a": ["shuffled_signs"]}, n_rewired=20)[1].n_draws == 5
    assert {*NEAR, *FAR} <= {*REGISTRY}
    for rung in rungs({**NEAR, **FAR}):
        assert rung.variant in VARIANTS


def test_bad_ladders_are_explained(study):
    def climbed(*ladder: Rung) -> Ladder:
        return climb(study.dataset, study.network, ladder, **OPTIONS)

    with pytest.raises(ValueError, match=r"'mirrored' of the network; known are real, rewired"):
        rungs({"masked_ridge": ["mirrored"]})
    with pytest.raises(ValueError, match=r"2 draws of 'flipped_signs'.*1, since all are alike"):
        Rung("masked_ridge", "flipped_signs", 2)
    with pytest.raises(ValueError, match=r"0 draws of 'rewired'.*expected at least 1"):
        rungs({"masked_ridge": ["rewired"]}, n_rewired=0)
    with pytest.raises(ValueError, match="no rung with the real network for masked_ridge"):
        climbed(Rung("masked_ridge", "rewired"))
    with pytest.raises(ValueError, match="given twice: masked_ridge on real"):
        climbed(Rung("masked_ridge", REAL), Rung("masked_ridge", REAL))
    with pytest.raises(ValueError, match=r"given twice: none, 0 rung\(s\)"):
        climbed()
    with pytest.raises(KeyError, match="no model named 'msked_ridge'"):
        climbed(Rung("msked_ridge", REAL))


def differences_of(low: float, high: float, control: float = 0.5) -> pd.DataFrame:
    row = {"model": "masked_ridge", "variant": "rewired", "cohort": "test", "genes": "not_inputs",
           "n_draws": 20, "real": 0.6, "control": control, "value": 0.6 - control, "low": low,
           "high": high, "p_value": 1 / 21}  # fmt: skip
    return pd.DataFrame([row, {**row, "genes": "inputs", "value": 9.0}])


@pytest.mark.parametrize(
    ("control", "low", "high", "words"),
    [
        (0.5, 0.05, 0.15, "the network helps Masked ridge."),
        (0.59, 0.005, 0.015, "the network makes no difference to Masked ridge."),
        (0.5, -0.05, 0.25, "it cannot be told whether the network helps Masked ridge."),
        (0.7, -0.15, -0.05, "the network does harm to Masked ridge."),
    ],
)
def test_the_sentence_follows_the_interval(control, low, high, words):
    table = differences_of(low, high, control)
    assert network_sentences(table, "test", LABELS) == (
        f"On the test samples, {words} Median skill with the real network, and on average with "
        f"rewired ones: Masked ridge 0.600 and {control:.3f} (20 networks, difference "
        f"{0.6 - control:+.3f}, 95 % interval {low:+.3f} to {high:+.3f}, empirical p = 0.048)."
    )
    nothing = network_sentences(table, "far", LABELS)
    assert nothing == "Nothing was compared on far with rewired networks."


def test_an_empirical_p_is_told_where_it_can_be_small():
    enough, few = (differences_of(0.05, 0.15).assign(n_draws=n) for n in (19, 18))
    assert "empirical p = 0.048" in network_sentences(enough, "test", LABELS)
    assert "empirical p" not in network_sentences(few, "test", LABELS)


def test_models_of_one_answer_are_named_together():
    rows = [
        differences_of(0.05, 0.15).assign(model="masked_ridge", n_draws=1),
        differences_of(-0.05, 0.25).assign(model="b", p_value=np.nan),
        differences_of(0.05, 0.15).assign(model="c"),
        differences_of(0.05, 0.15).assign(model="d"),
    ]
    words = network_sentences(pd.concat(rows), "test", LABELS)
    assert words.startswith(
        "On the test samples, the network helps Masked ridge, c and d; it cannot be told whether "
        "the network helps b. Median"
    )
    assert "Masked ridge 0.600 and 0.500 (1 network, difference +0.100, 95 %" in words
    assert (
        "b 0.600 and 0.500 (20 networks, difference +0.100, 95 % interval -0.050 to +0.250); c 0.6"
        in words
    )
    elsewhere = pd.concat(rows).assign(cohort="GSE130970, centred")
    named = network_sentences(elsewhere, "GSE130970, centred", LABELS)
    assert named == words.replace("On the test samples", "On GSE130970, centred")


def test_too_few_units_are_told_and_no_number_is_empty():
    table = differences_of(np.nan, np.nan)
    sentence = network_sentences(table, "test", LABELS)
    assert "it cannot be told whether the network helps" in sentence
    assert "no interval: too few units, empirical p = 0.048)" in sentence
    cells = differences_table(table, LABELS)["real - control (95 % interval)"]
    assert cells.tolist() == ["+0.100 (no interval: too few units)"]
    assert "nan" not in sentence


def test_the_negative_control_is_judged_by_its_highest_score(ladder):
    assert shuffled_sentence(ladder.scores, LABELS).startswith("The negative control holds")
    leaky = ladder.scores.copy()
    leaky.loc[leaky["variant"] == "permuted_samples", "value"] = 0.3
    assert "The negative control fails" in shuffled_sentence(leaky, LABELS)
    none = leaky[leaky["variant"] == REAL]
    assert shuffled_sentence(none, LABELS).startswith("No model was fitted to shuffled")


def test_the_sentence_on_depth_names_the_best_and_the_least_that_reaches_it():
    table = pd.DataFrame({"depth": [1, 2, 3, 10], "cohort": "test",
                          "value": [0.0, 0.3, 0.48, 0.5], "low": np.nan,
                          "high": [0.1, 0.4, 0.55, 0.6]})  # fmt: skip
    sentence = depth_sentence(table, "test")
    assert sentence.endswith("T = 10 is best, and the interval of T = 3 reaches it.")
    assert "0.300 with T = 2" in sentence
    alone = depth_sentence(table.assign(high=np.nan), "test")
    assert alone.endswith("T = 10 is best.")
    assert depth_sentence(table, "far") == "No other depths were fitted."


def test_tables_for_a_reader_hold_every_comparison(ladder):
    table = differences_table(ladder.differences, LABELS)
    assert len(table) == len(ladder.differences)
    assert ("test", "Path ridge", "Rewired, same degrees") in table.index
    large = moved_table(ladder.fits.assign(n_edges=5686.0))
    assert set(large["edges"]) == {"5,686"}
    moved = moved_table(ladder.fits)
    assert moved.loc["Rewired, same degrees", "draws"] == 3
    assert moved.loc["Signs flipped", "edges between other nodes"] == "0.0%"
