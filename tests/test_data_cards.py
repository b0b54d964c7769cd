"""Data cards say what the run knows of its cohorts and network, and what the profile tells."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lembas.audit import leakage_audit
from lembas.cohorts import Dataset
from lembas.conditions import Noise
from lembas.data_cards import Origin, data_page
from lembas.network import Network
from lembas.quality import quality_audit
from lembas.simulation_settings import SimulationSettings
from lembas.study import Study
from lembas.told import Told
from tests.small_study import SIMULATION

SIMULATED = Origin("simulation", options=SIMULATION)


def page_of(study: Study, origin: Origin, **changes: Any) -> str:
    dataset: Dataset = replace(study.dataset, **changes)
    audits = [leakage_audit(dataset, study.network), quality_audit(dataset)]
    return data_page(dataset, study.network, audits, origin)


def row(text: str, name: str) -> str:
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {name} |")]
    return line.split(" | ")[1].removesuffix(" |")


def test_a_card_for_each_cohort_and_one_for_the_network(study: Study) -> None:
    text = page_of(study, SIMULATED)
    titles = [line for line in text.splitlines() if line.startswith("## ")]
    assert titles == [
        "## simulated study: training and test",
        "## external_near: external cohort",
        "## external_far: external cohort",
        "## The prior network",
        "## Settings of the simulation",
    ]


def test_counts_are_those_of_the_dataset(study: Study) -> None:
    text = page_of(study, SIMULATED)
    train = study.dataset.train
    assert train.series is not None
    assert row(text, "Training samples") == f"{len(train.x)} in {train.series.nunique()} series"
    assert row(text, "Inputs") == f"{len(study.dataset.inputs)} TFs"
    signs = study.network.edges["Interaction"].value_counts()
    assert row(text, "Signs").startswith(f"{signs[1]:,} activate")


def test_every_setting_of_the_simulation_is_listed(study: Study) -> None:
    text = page_of(study, SIMULATED)
    for item in fields(SimulationSettings):
        if item.name != "noise":
            assert f"| {item.name} |" in text, item.name
    for item in fields(Noise):
        assert f"noise: {item.name}" in text, item.name
    assert row(text, "n_samples") == "120"
    assert row(text, "prior_recall") == str(SimulationSettings().prior_recall)


def test_unknown_series_and_missing_genes_are_said(study: Study) -> None:
    dataset = study.dataset
    expression = dataset.expression.copy()
    away = dataset.samples["cohort"] == "external_far"
    expression.loc[away, dataset.targets[:2]] = np.nan
    text = page_of(
        study, SIMULATED, expression=expression, samples=dataset.samples.assign(series="")
    )
    assert "series not known" in row(text, "Training samples")
    assert f": {', '.join(dataset.targets[:2])}" in text
    assert row(text, "Split").endswith("single samples, drawn")


def test_measured_data_say_what_the_profile_tells(study: Study) -> None:
    told = {"external_far": Told("A clinic", "CC0", ("Few samples.",)), "network": Told("A list")}
    origin = Origin("counts", options={"unit": "cpm"}, digests={"a.tsv": "f" * 64}, told=told)
    text = page_of(study, origin)
    assert "A clinic" in text
    assert "CC0" in text
    assert "- Few samples." in text
    assert "A list" in text
    assert text.count("not told; add it under") == 5
    assert row(text, "Files") == f"a.tsv (sha256 {'f' * 16})"
    assert "Settings of the simulation" not in text


def test_a_cohort_that_is_not_there_is_named(study: Study) -> None:
    origin = Origin("counts", told={"external_fra": Told("A clinic")})
    with pytest.raises(
        ValueError, match="tell of external_fra; this run has simulated study, external_near"
    ):
        page_of(study, origin)


def test_names_in_the_data_are_text(study: Study) -> None:
    samples = study.dataset.samples
    odd = samples.assign(cohort=samples["cohort"].replace("external_far", "<script>"))
    assert "<script>" not in page_of(study, SIMULATED, samples=odd)


def test_problems_come_from_the_audits(study: Study) -> None:
    dataset, network = study.dataset, study.network
    audit = pd.DataFrame(
        {
            "check": ["twins", "clean", "none"],
            "finding": ["Two are alike.", "Fine.", "Nothing."],
            "count": [2, 3, 0],
            "examples": "",
            "verdict": ["warning", "ok", "note"],
        }
    )
    text = data_page(dataset, network, [audit], SIMULATED)
    assert "Two are alike" in text
    assert "Fine" not in text
    assert "Nothing." not in text


def test_the_network_s_digest_is_that_of_what_is_used(study: Study) -> None:
    network: Network = study.network
    used = network.restrict(study.dataset.inputs, study.dataset.targets)
    assert row(page_of(study, SIMULATED), "Digest of what is used") == used.digest[:16]
