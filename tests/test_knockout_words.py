"""Sentences and tables of knock-outs say what the numbers say."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lembas import knockout_words as words
from lembas.knockout_truth import score_responses, summarise_scores
from lembas.weights import edge_table, seed_agreement, sign_violations

LABELS = {"m": "Model M", "n": "Model N"}


def responses() -> pd.DataFrame:
    rows = [("m", "A", "x", -0.4), ("m", "A", "y", 0.1), ("m", "A", "z", 0.0), ("m", "B", "x", 0.0)]
    return pd.DataFrame(rows, columns=["model", "tf", "gene", "response"])


def levels(change: list[float]) -> pd.DataFrame:
    table = pd.DataFrame({"tf": ["A", "B"], "level": 0.0, "lowest": [0.5, 0.0], "change": change})
    return table.assign(change_sd=[-3.0, -1.0], mean=1.0, sd=0.2)


def scores(predicted: list[float], model: str) -> pd.DataFrame:
    """Score four TFs with two responders among ten genes each, one direct and one indirect."""
    true = [-0.5, 0.2, *[0.0] * 8]
    role = ["direct", "indirect", *["none"] * 8]
    own = pd.DataFrame({"predicted": predicted, "true": true, "role": role})
    tables = [own.assign(tf=tf, level="zero", model=model) for tf in "ABCD"]
    return score_responses(pd.concat(tables))


def test_levels_in_words() -> None:
    assert words.level_words("zero") == "no expression at all"
    assert words.level_words("p5") == "percentile 5 of the cohort"
    assert words.level_words(0.3) == "log10 level 0.3"
    said = words.level_sentence(levels([-0.5, 0.0]))
    assert "by 2.0 of its SDs (median of 2 TFs); 1 of them is held below" in said
    assert "Nothing was there to knock out of B." in said
    assert "Nothing" not in words.level_sentence(levels([-0.5, -0.1]))


def test_the_leading_responders_are_named() -> None:
    said = words.responder_sentences(responses(), ["A", "B"], "m", LABELS)
    assert said == (
        "By Model M, most move after the loss of A: x (-0.40), y (+0.10); B: no gene responds "
        "(log10)."
    )


def test_the_largest_response_is_a_median_over_tfs() -> None:
    """A moves x most, by .4; B moves nothing: the median of .4 and 0 is .2."""
    said = words.size_sentence(responses(), LABELS)
    assert said == "The gene that moves most moves by 0.20 for Model M (log10, median over TFs)."


def test_good_and_useless_responses_are_called_so() -> None:
    good = scores([-0.5, 0.2, *[0.0] * 8], "m")
    # The responders come last: their AUPRC is that of a rank of 10 and 9.
    useless = scores([0.0, 0.0, *np.linspace(0.1, 0.9, 8)], "n")
    both = pd.concat([good, useless])
    summary = summarise_scores(both)
    said = words.truth_sentences(both, summary, "m", ["n"], labels=LABELS)
    assert "Among direct targets Model M finds the responders very well: AUPRC 1.00" in said
    assert "the right sign for 100% of them (mean of 4 TFs)" in said
    assert "Model M finds the responders better than Model N (AUPRC +0." in said
    other = words.truth_sentences(both, summary, "n", ["m"], labels=LABELS)
    assert "finds the responders hardly better than chance" in other
    assert "worse than Model M" in other
    table = words.score_table(summary, "zero", LABELS)
    assert table.index.tolist() == ["Model M", "Model N"]
    assert table.loc["Model M", "right sign, direct targets"] == "1.00"
    assert any(name.startswith("AUPRC, indirect targets (chance 0.11") for name in table.columns)


def test_without_responders_that_is_said() -> None:
    none = score_responses(
        pd.DataFrame(
            {
                "predicted": [0.1, 0.2],
                "true": 0.0,
                "role": ["direct", "none"],
                "tf": "A",
                "level": "zero",
                "model": "m",
            }
        )
    )
    table = words.score_table(summarise_scores(none), "zero", LABELS)
    assert table.columns[:3].tolist() == [
        "AUPRC, all genes (no gene responds)",
        "AUPRC, direct targets (no gene responds)",
        "AUPRC, indirect targets (no gene responds)",
    ]
    assert table.loc["Model M"].tolist() == ["-"] * 7
    said = words.truth_sentences(none, summarise_scores(none), "m", [], labels=LABELS)
    assert said == (
        "No direct targets respond, so that there is nothing to find. "
        "No indirect targets respond, so that there is nothing to find."
    )


def test_where_all_respond_there_is_nothing_to_find() -> None:
    """Chance and AUPRC are both 1, so that neither a gain nor its share exists."""
    own = pd.DataFrame({"predicted": [-0.5, 0.2], "true": [-0.4, -0.3], "role": "direct"})
    both = score_responses(own.assign(tf="A", level="zero", model="m"))
    said = words.truth_sentences(both, summarise_scores(both), "m", [], labels=LABELS)
    assert said == (
        "Of direct targets all respond, so that there is nothing to find; the right sign for 50% "
        "of them (mean of 1 TF). No indirect targets respond, so that there is nothing to find."
    )


def test_what_the_prior_names_is_counted() -> None:
    table = pd.DataFrame({"model": "prior", "role": "direct", "predicted": [-1, 0, 1, 1]})
    other = pd.DataFrame({"model": ["m", "prior"], "role": ["direct", "none"], "predicted": 0})
    said = words.prior_sentence(pd.concat([table, other]))
    assert said.startswith("The prior names 75% of the direct targets;")
    none = words.prior_sentence(pd.concat([table, other]).query("role == 'none'"))
    assert none.startswith("No direct target is among the genes")


def test_variants_have_names() -> None:
    named = words.variant_labels(LABELS)
    assert named["m@node"] == "Model M, node held"
    assert named["prior"] == "Signs of the prior alone"


def test_weights_in_words() -> None:
    seeds = pd.DataFrame({"seed": [1, 1, 2, 2], "tf": ["A", "B"] * 2, "gene": "x"})
    seeds = seeds.assign(sign=1, weight=[0.5, -0.1, 0.7, -0.3])
    edges = edge_table(seeds)
    table = words.weights_table({"m": edges}, {"m": seed_agreement(seeds)}, LABELS)
    row = table.loc["Model M"]
    assert row["against the prior's sign"] == "50.0%"
    assert row["the same, strongest tenth"] == "0.0%"
    assert row["seeds"] == "2"
    assert row["correlation between seeds"] == "1.00"
    alone = words.weights_table({"m": edge_table(seeds.query("seed == 1"))}, {}, LABELS)
    assert alone.loc["Model M", "correlation between seeds"] == "one seed"
    strongest = words.strongest_edges(edges)
    assert strongest.loc[("A", "x"), "weight (SD per SD)"] == "+0.60"
    assert strongest.loc[("B", "x"), "agrees"] == "no"
    said = words.sign_sentences(sign_violations(edges, n_bins=2).assign(model="m"), LABELS)
    assert said.startswith("Model M: 100% of the weakest edges and 0% of the strongest contradict")


def test_the_truth_of_weights_in_words() -> None:
    found = pd.Series(
        {"auprc": 0.8, "base_rate": 0.7, "n_wrong_signs": 4, "mended": 0.5, "kept": 1}
    )
    said = words.weights_truth_sentence(found, "Model M")
    assert "AUPRC of 0.80 where chance gives 0.70; of 4 true edges" in said
    assert "give 50% the true one, and keep it on 100% of the others" in said
    none = words.weights_truth_sentence(found.replace({4.0: 0.0}), "Model M")
    assert "no true edge has a wrong sign in the prior" in none


def test_those_beside_a_model_are_those_that_were_fitted() -> None:
    names = pd.DataFrame({"model": ["mlr", "masked_ridge", "lembas", "lembas@node"]})
    assert words.beside(names, "lembas") == ["masked_ridge", "lembas@node"]
    assert words.beside(names, "masked_ridge") == []


def test_too_few_tfs_have_no_interval() -> None:
    both = pd.concat([scores([-0.5, 0.2, *[0.0] * 8], name) for name in "mn"])
    few = both[both["tf"].isin(["A", "B"])]
    said = words.truth_sentences(few, summarise_scores(few), "m", ["n"], labels=LABELS)
    assert "(AUPRC +0.00, no interval from 2 TFs)" in said
