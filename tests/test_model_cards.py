"""Model cards hold what the registry knows and what the run measured, and nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lembas.baselines import REGISTRY
from lembas.card_pages import dois_of
from lembas.gene_sets import SHARED
from lembas.leaderboard import COLUMNS
from lembas.model_cards import TrainingData, cards_page, model_cards
from lembas.model_facts import MODEL_FACTS

ROOT = Path(__file__).resolve().parents[1]
BIBLIOGRAPHY = (ROOT / "book" / "references.bib").read_text(encoding="utf-8")
TRAINED = TrainingData(
    study="study",
    simulated=True,
    unit="log10(CPM+1)",
    n_samples=90,
    n_series=6,
    n_inputs=20,
    n_targets=30,
    n_edges=1500,
)


def models_of(*names: str) -> pd.DataFrame:
    rows = [
        {
            "model": name,
            "label": REGISTRY[name].label if name in REGISTRY else f"<b>{name}</b>",
            "note": "What it is.",
            "estimator": "package.Class",
            "parameters": json.dumps({"hops": 4}),
            "n_genes": 30,
        }
        for name in names
    ]
    return pd.DataFrame(rows)


def board_of(*rows: tuple[str, str, str, float, float]) -> pd.DataFrame:
    columns = ["model", "cohort", "genes", "value", "rank"]
    board = pd.DataFrame(rows, columns=columns).assign(
        label="", metric="skill", low=0.1, high=np.nan, n_genes=30.0
    )
    costs = {"fit_s": 1.25, "latency_ms": np.nan, "size_mb": 0.5, "n_parameters": 640.0}
    board = board.assign(**costs)[list(COLUMNS)]
    return board.astype({"rank": "Int64"})


SEARCHES = pd.DataFrame(
    {
        "model": ["pls", "pls", "knn"],
        "parameters": ["n_components: 5", "n_components: 10", "n_neighbors: 5"],
        "chosen": [False, True, True],
    }
)


def test_every_registered_model_has_facts_and_nothing_else_has() -> None:
    assert list(MODEL_FACTS) == list(REGISTRY)


@pytest.mark.parametrize("name", MODEL_FACTS)
def test_facts_are_whole(name: str) -> None:
    known = MODEL_FACTS[name]
    assert known.equation.count("{") == known.equation.count("}")
    assert known.sees
    assert known.use.endswith(".")
    assert known.limits
    assert all(limit.endswith(".") for limit in known.limits)
    assert bool(known.sources) == (name != "train_mean")


def test_every_source_is_in_the_bibliography_with_its_doi() -> None:
    dois = dois_of(BIBLIOGRAPHY)
    keys = {key for known in MODEL_FACTS.values() for key in known.sources}
    assert keys <= set(re.findall(r"^@\w+\{([^,]+),", BIBLIOGRAPHY, re.MULTILINE))
    # The Journal of Machine Learning Research gives none.
    assert keys - set(dois) == {"pedregosa2011"}


def test_which_models_read_the_network_is_what_their_classes_take() -> None:
    import inspect
    from importlib import import_module

    for name, spec in REGISTRY.items():
        module, _, attribute = spec.estimator.rpartition(".")
        takes = "network" in inspect.signature(getattr(import_module(module), attribute)).parameters
        assert MODEL_FACTS[name].reads_network == takes, name


def test_numbers_are_those_of_the_tables() -> None:
    board = board_of(("pls", "test", SHARED, 0.5, 1), ("pls", "far", SHARED, -0.25, 2))
    (card,) = model_cards(models_of("pls"), board, SEARCHES, TRAINED)
    assert (card["n_parameters"], card["fit_s"], card["latency_ms"]) == (640, 1.25, None)
    assert card["chosen"] == ["n_components: 10"]
    assert [(row["cohort"], row["skill"], row["rank"]) for row in card["scores"]] == [
        ("test", 0.5, 1),
        ("far", -0.25, 2),
    ]
    assert card["scores"][0]["high"] is None
    json.dumps(card, allow_nan=False)


def test_what_it_was_trained_on() -> None:
    masked, mlp = model_cards(models_of("masked_ridge", "mlp"), board_of(), SEARCHES, TRAINED)
    start = (
        "90 simulated training samples of 6 series (study, log10(CPM+1)): "
        "20 TFs to 30 of 30 targets"
    )
    assert masked["trained_on"] == f"{start}; 1,500 edges of the network"
    assert mlp["trained_on"] == start


def test_a_panel_is_told_from_a_rank() -> None:
    board = board_of(("xgbrf", "test", "xgbrf", 0.5, np.nan))
    cards = model_cards(models_of("xgbrf"), board, SEARCHES, TRAINED)
    assert cards[0]["scores"][0]["panel"]
    assert "| panel |" in cards_page(cards, {})


def test_a_model_of_a_profile_has_a_card_and_its_name_is_text() -> None:
    cards = model_cards(models_of("mine"), board_of(), SEARCHES, TRAINED)
    text = cards_page(cards, {})
    assert cards[0]["facts"] is None
    assert "A model that the profile adds" in text
    assert "It was not scored in this run" in text
    assert "<b>" not in text


def test_the_page_has_a_section_a_model_with_equation_and_source() -> None:
    names = list(REGISTRY)
    cards = model_cards(models_of(*names), board_of(), SEARCHES, TRAINED)
    text = cards_page(cards, dois_of(BIBLIOGRAPHY))
    assert text.count("\n## ") == len(names) == text.count("$$\n") / 2
    assert "https://doi.org/10.1109/TIT.1967.1053964" in text
