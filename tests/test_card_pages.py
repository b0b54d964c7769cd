"""The build writes the cards from a run's folder, or none where there is nothing to tell."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from lembas.artifacts import Run
from lembas.audit import leakage_audit
from lembas.card_pages import dois_of, origin_of, training_data, write_card_pages
from lembas.chapters import Chapter
from lembas.parameter_cells import Parameter
from lembas.plan import Plan
from lembas.profiles import Profile
from lembas.provenance import write_json
from lembas.quality import quality_audit
from lembas.study import Study
from lembas.told import Told
from tests.small_study import SIMULATION
from tests.test_model_cards import SEARCHES, board_of, models_of


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "references.bib").write_text("@article{wold2001,\n  doi = {10.1/x}\n}\n")
    kinds: Mapping[str, Any] = {"source": "simulation", "files": {}, "options": {}}
    declared = {key: Parameter(key, type(v).__name__, v, "") for key, v in kinds.items()}
    chapter = Chapter("01_data", tmp_path / "01_data.ipynb", declared, (), (), "")
    profile = Profile(
        name="toy",
        title="Toy",
        cards={"external_near": Told(origin="A clinic")},
        chapters={"01_data": {"options": dict(SIMULATION)}},
    )
    return Plan(tmp_path, "toy", profile, {"01_data": chapter})


@pytest.fixture
def run(plan: Plan, study: Study) -> Run:
    run = Run.open(plan.root / plan.run_dir)
    run.write_dataset(study.dataset)
    run.write_network(study.network)
    run.write_table("models_baselines", models_of("pls"))
    run.write_table("models_lembas", models_of("lembas"))
    run.write_table("searches_baselines", SEARCHES)
    run.write_table("searches_lembas", SEARCHES.iloc[:0])
    run.write_table("leaderboard", board_of(("pls", "test", "shared", 0.5, 1)))
    run.write_table("leakage_audit", leakage_audit(study.dataset, study.network))
    run.write_table("quality_audit", quality_audit(study.dataset))
    return run


@pytest.mark.usefixtures("run")
def test_cards_are_written_from_the_run_and_the_profile(plan: Plan, tmp_path: Path) -> None:
    folder = tmp_path / "pages"
    write_card_pages(plan, folder)
    cards = json.loads((folder / "model_cards.json").read_text())
    assert [card["model"] for card in cards] == ["pls", "lembas"]
    models, data = ((folder / f"{name}.md").read_text() for name in ("model_cards", "data_cards"))
    assert models.count("\n## ") == 2
    assert "https://doi.org/10.1/x" in models
    assert "A clinic" in data
    assert "| n_samples | 120 |" in data


def test_the_same_run_gives_the_same_pages(plan: Plan, run: Run, tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_card_pages(plan, tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert files == ["data_cards.md", "model_cards.json", "model_cards.md"]
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    assert run.has_table("leaderboard")


def test_a_run_of_other_chapters_has_no_cards(plan: Plan, tmp_path: Path) -> None:
    write_card_pages(plan, tmp_path / "pages")
    assert not (tmp_path / "pages").exists()


def test_what_models_were_trained_on_is_counted(study: Study) -> None:
    trained, train = training_data(study.dataset, study.network), study.dataset.train
    assert (trained.n_samples, trained.n_inputs) == train.x.shape
    assert trained.n_targets == len(study.dataset.targets)
    edges = study.network.edges
    used = edges["TF"].isin(study.dataset.inputs) & edges["Gene"].isin(
        study.dataset.targets.union(study.dataset.inputs)
    )
    assert trained.n_edges == int(used.sum())


def test_digests_come_from_the_provenance(plan: Plan) -> None:
    record = plan.root / plan.run_dir / "provenance" / "01_data.json"
    write_json(record, {"sources": {"../data/a.tsv": "f" * 64}})
    origin = origin_of(plan)
    assert origin.digests == {"a.tsv": "f" * 64}
    assert origin.is_simulated
    assert origin.told == plan.profile.cards


def test_dois_are_those_of_the_bibliography() -> None:
    entries = ("@article{a,\n  doi = {10.1/a}\n}", "@misc{b,\n  year = {2020}\n}")
    assert dois_of("\n".join((*entries, "@book{c,\n doi={10.2/c}\n}"))) == {
        "a": "10.1/a",
        "c": "10.2/c",
    }
    assert dois_of("") == {}
