"""Pieces made in advance, in any order and number of shares, change no byte of a result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest

from lembas import boosted, controls, forests, gene_fits, projection, scattered
from lembas.advance import Times, n_pieces
from lembas.artifacts import Run
from lembas.baselines import make
from lembas.climbed import Ladder
from lembas.controls import climb, climb_share
from lembas.fitting import fit_models
from lembas.ladder import Asked, rungs
from lembas.provenance import digest
from lembas.shares import Share
from lembas.study import Study

ROOT = Path(__file__).resolve().parents[1]
SHORT = {"epochs": 2, "validation_fraction": 0.0}
BASELINES: Mapping[str, Any] = {
    "train_mean": {},
    "xgbrf": {"parameters": {"n_panel": 9}},
    "boosted": {"parameters": {"n_panel": 5, "n_rounds": 8}},
}
NETWORKS: Mapping[str, Any] = {
    "lembas": {"parameters": {"settings": SHORT}},
    "lembas_ensemble": {"parameters": {"n_seeds": 2, "settings": SHORT}},
}
CONTROLS: Mapping[str, Any] = {
    "models": {"masked_ridge": ["rewired"]},
    "rnn_models": {"lembas": ["rewired"]},
    "n_rewired": 3,
    "n_rewired_rnn": 1,
    "depths": [1],
    "settings": {"lembas": {"parameters": {"settings": SHORT}}},
    "curated": {},
    "data_dir": "",
    "n_resamples": 20,
    "seed": 5,
}
QUICK = {"seed": 5, "n_resamples": 20}


class Killed(Exception):
    """Stands for the end of a process in the middle of its work."""


def never(*arguments: object, **others: object) -> None:
    raise AssertionError("what was made in advance is made again")


@pytest.fixture
def run(tmp_path: Path, study: Study, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run whose data are there; trees are fitted and kept two genes at a time."""
    monkeypatch.setattr(gene_fits, "BATCH", 2)
    run = Run.open(tmp_path / "run")
    run.write_dataset(study.dataset)
    run.write_network(study.network)
    return run


def fit(run: Run, models: Mapping[str, Any], group: str) -> dict[str, str]:
    """Fit as the chapter does; return the digest of each file that is left, times left out."""
    table = fit_models(run, run.read_dataset(), run.read_network(), models, group=group)
    files = {str(path.relative_to(run.folder)): digest(path) for path in _files(run.folder)}
    return files | {"table": table.drop(columns="fit_s").to_csv()}


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted((folder / "fits").rglob("*")) if path.is_file()]


def forbid_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forests.xgboost, "train", never)
    monkeypatch.setattr(boosted.xgboost, "train", never)
    monkeypatch.setattr(projection._Search, "round", never)
    monkeypatch.setattr(controls._Work, "run", never)


@pytest.mark.parametrize("number", [1, 2, 5])
def test_trees_made_in_advance_are_only_gathered(
    run: Run, tmp_path: Path, study: Study, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Run.open(tmp_path / "whole")
    whole.write_dataset(study.dataset)
    whole.write_network(study.network)
    expected = fit(whole, BASELINES, "baselines")
    sizes = [
        scattered.baselines(run, {"models": BASELINES}, share)
        for share in reversed(Share.all(number))
    ]
    assert sum(sizes) == 5 + 3  # of 9 and of 5 genes, two at a time
    forbid_fits(monkeypatch)
    assert fit(run, BASELINES, "baselines") == expected
    assert not (run.folder / "unfinished" / "baselines").exists()


def test_networks_made_in_advance_are_only_gathered(
    run: Run, tmp_path: Path, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Run.open(tmp_path / "whole")
    whole.write_dataset(study.dataset)
    whole.write_network(study.network)
    expected = fit(whole, NETWORKS, "lembas")
    sizes = [scattered.networks(run, {"models": NETWORKS}, share) for share in Share.all(2)[::-1]]
    assert sorted(sizes) == [1, 2]
    forbid_fits(monkeypatch)
    assert fit(run, NETWORKS, "lembas") == expected


@pytest.mark.parametrize("number", [2, 3])
def test_controls_made_in_advance_are_only_gathered(
    study: Study, tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ladder = rungs({"masked_ridge": ["rewired", "permuted_samples"]}, n_rewired=4)
    expected = climb(study.dataset, study.network, ladder, **QUICK)
    options = {**QUICK, "unfinished": tmp_path / "kept"}
    sizes = [
        climb_share(study.dataset, study.network, ladder, share, **options)
        for share in Share.all(number)[::-1]
    ]
    assert sum(sizes) == 1 + 4 + 1
    assert max(sizes) - min(sizes) <= 1
    forbid_fits(monkeypatch)
    found = climb(study.dataset, study.network, ladder, **options)
    for field in fields(Ladder):
        one, other = (getattr(each, field.name) for each in (found, expected))
        times = [column for column in ("fit_s",) if column in one]
        pd.testing.assert_frame_equal(
            one.drop(columns=times), other.drop(columns=times), check_exact=True
        )


def test_each_share_of_a_ladder_gets_as_much_of_each_model(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network takes a hundred times as long as a ridge: all of them in one job gain nothing."""
    asked: list[list[str]] = []

    def noted(work: object, model: str, control: object, unfinished: object) -> None:
        asked[-1].append(model)

    monkeypatch.setattr(controls, "_done_once", noted)
    ladder = rungs({"masked_ridge": ["rewired"], "lembas": ["rewired"]}, n_rewired=6)
    for share in Share.all(3):
        asked.append([])
        climb_share(study.dataset, study.network, ladder, share, unfinished=tmp_path, **QUICK)
    for model in ("masked_ridge", "lembas"):
        counts = [models.count(model) for models in asked]
        assert sum(counts) == 7
        assert max(counts) - min(counts) <= 1


def test_a_killed_share_makes_only_what_is_missing(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, state = forests.xgboost.train, {"n": 0, "stop": 4}

    def counting(*arguments: Any, **others: Any) -> Any:
        state["n"] += 1
        if state["n"] == state["stop"]:
            raise Killed
        return train(*arguments, **others)

    monkeypatch.setattr(forests.xgboost, "train", counting)
    models, share = {"xgbrf": {}}, Share(1, 3)  # 15 batches of 30 genes, 5 of them here
    with pytest.raises(Killed):
        scattered.baselines(run, {"models": models}, share)
    state.update(n=0, stop=0)
    assert scattered.baselines(run, {"models": models}, share) == 5
    assert state["n"] == 8  # of ten genes, two were kept


def test_a_misspelt_model_costs_no_time(run: Run) -> None:
    with pytest.raises(ValueError, match="model 'xgbfr' in the profile has no estimator"):
        scattered.baselines(run, {"models": {"xgbrf": {}, "xgbfr": {}}}, Share(1, 2))
    assert not (run.folder / "unfinished").exists()


def test_which_models_have_pieces(study: Study) -> None:
    y = study.dataset.train.y
    counted = {
        name: n_pieces(make(name, study.network), y)
        for name in ("ridge", "xgbrf", "lembas", "lembas_ensemble", "lembas_channels")
    }
    batches = -(-len(y.columns) // gene_fits.BATCH)
    assert counted == {
        "ridge": 0, "xgbrf": batches, "lembas": 1, "lembas_ensemble": 3, "lembas_channels": 1,
    }  # fmt: skip


def test_times_of_pieces_add_up_and_belong_to_their_data(tmp_path: Path, study: Study) -> None:
    train = study.dataset.train
    times = Times(tmp_path, train.x, train.y, "network")
    assert times.total("xgbrf", {}) == 0
    times.add("xgbrf", {}, "1of2", 2.0)
    times.add("xgbrf", {}, "2of2", 3.0)
    times.add("xgbrf", {}, "2of2", 0.5)  # a job that was sent again, and found nearly all done
    assert times.total("xgbrf", {}) == 5.5
    assert times.total("boosted", {}) == 0
    assert Times(tmp_path, train.x, train.y, "network").total("xgbrf", {}) == 5.5
    assert Times(tmp_path, train.x, train.y + 1, "network").total("xgbrf", {}) == 0


def cells(chapter: str) -> list[str]:
    notebook = nbformat.read(ROOT / "notebooks" / f"{chapter}.ipynb", as_version=4)
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


@pytest.mark.parametrize(
    ("chapter", "make_share", "parameters", "last"),
    [
        ("03_fit_baselines", scattered.baselines, {"models": BASELINES}, "fit_models(run"),
        ("04_fit_lembas", scattered.networks, {"models": NETWORKS}, "fit_models(run"),
        ("07_controls", scattered.controls, CONTROLS, "climb(dataset"),
    ],
)
def test_the_chapter_itself_finds_its_pieces(
    run: Run,
    chapter: str,
    make_share: Any,
    parameters: dict[str, Any],
    last: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The notebook's own code, up to the cell that fits."""
    for share in Share.all(2):
        assert make_share(run, parameters, share) > 0
    forbid_fits(monkeypatch)
    first, *others = cells(chapter)
    names: dict[str, Any] = {}
    exec(first, names)
    names |= {**parameters, "run_dir": str(run.folder)}
    for source in others:
        exec(source, names)
        if last in source:
            break
    else:
        pytest.fail(f"{chapter} has no cell with {last}")


def test_a_second_network_is_scattered_too(
    run: Run, study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.write_network(study.network, "second")
    curated = {"Second": "second.tsv.gz"}
    parameters = {**CONTROLS, "curated": curated, "data_dir": str(run.folder), "depths": []}
    n_done = sum(scattered.controls(run, parameters, share) for share in Share.all(2))
    asked = Asked.of(parameters)
    n_fits = sum(rung.n_draws for rung in asked.shared)
    assert n_done == 2 * n_fits
    assert len(list((run.folder / "unfinished/controls/second").iterdir())) == n_fits
