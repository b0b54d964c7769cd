"""The benchmark runs, its ways agree, and its report says what was measured."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from click.testing import CliRunner

from lembas.model import LembasRNN
from lembas.scaling import Peaks
from tests.bench import bounds, report, scatter
from tests.bench.bounds import Work
from tests.bench.dense import DenseRNN, DenseTraining
from tests.bench.explaining import ALLOWED_MB, explaining
from tests.bench.groups import SMALLER, TASKS
from tests.bench.problem import SMALL, Problem
from tests.bench.tasks import FAST, SLOW, Task
from tests.bench.timing import Times, Way, in_turns

DTYPES = (torch.float32, torch.float64)


def test_the_problem_has_exactly_the_sizes_asked_for() -> None:
    edges, tfs = SMALL.network.edges, set(SMALL.tfs)
    assert len(edges) == SMALL.n_edges
    assert edges["Gene"].isin(tfs).sum() == SMALL.n_block_edges
    assert SMALL.x.shape == (300, 40)
    assert SMALL.y.shape == (300, 200)
    assert SMALL.y.equals(Problem(300, 40, 200, 1500, 100).y)
    full = Problem()
    assert (full.n_samples, full.n_tfs, full.n_targets) == (12_748, 1_197, 16_100)
    assert (full.n_edges, full.n_block_edges) == (1_153_904, 75_600)


@pytest.mark.parametrize("group", TASKS)
def test_the_ways_of_a_task_agree_and_can_be_timed(group: str) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse invariant checks", UserWarning)
        for task in TASKS[group](SMALL, **SMALLER[group]):
            assert np.isnan(task.difference) or task.difference < 1e-4, task.name
            for way in task.ways.values():
                way.run()


def test_the_dense_training_leaves_the_other_weights_at_zero() -> None:
    dense = DenseRNN(LembasRNN(SMALL.network, SMALL.tfs, SMALL.targets))
    before = dense.weights.detach().clone()
    x, y = torch.from_numpy(SMALL.x.to_numpy()[:8]), torch.from_numpy(SMALL.y.to_numpy()[:8])
    DenseTraining(dense).update(x, y)
    assert (dense.weights[~dense.mask] == 0).all()
    assert (dense.weights != before)[dense.mask].any()


def test_ways_take_turns() -> None:
    calls: list[str] = []
    ways = {
        "often": Way(lambda: calls.append("o"), n_runs=6),
        "seldom": Way(lambda: calls.append("s"), share=0.5, n_runs=2),
    }
    times = in_turns(ways)
    assert "".join(calls) == "o" + "ooosooos"
    assert [len(times[name].seconds) for name in ways] == [6, 2]


def test_the_report_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = Task("walk", {}, "crawling", target=3, difference=2e-7, note="uphill", work=Work(0, 3e9))
    monkeypatch.setattr(bounds, "machine_peaks", lambda: dict.fromkeys(DTYPES, Peaks(1e9, 6e9)))
    times = {FAST: Times((1.0, 2.0, 4.0)), SLOW: Times((8.0, 10.0))}
    entry = report.row(task, times)
    assert entry["ratio"] == pytest.approx(4.5)
    assert entry["ratio_range"] == [2.0, 10.0]
    found = {
        "conditions": report.conditions(SMALL),
        "tasks": [entry],
        "memory_mb": {"walking": 1500.0},
        "explaining": [{"allowed_mb": 64.0, "peak_mb": 41.6, "cpu_s": 0.25}],
    }
    report.write(found, tmp_path)
    assert json.loads((tmp_path / "performance.json").read_text())["tasks"][0]["task"] == "walk"
    table = pd.read_csv(tmp_path / "ratios.csv", dtype=str).iloc[0]
    assert table["Ours"] == "2\u00a0s"
    assert table["Reference"] == "9\u00a0s"
    assert table[["Times faster", "Range"]].tolist() == ["4.5", "2 to 10"]
    way = pd.read_csv(tmp_path / "ways.csv").iloc[0].tolist()
    assert way == ["walk", "crawling", "uphill; largest difference 2e-07"]
    beside = pd.read_csv(tmp_path / "bounds.csv", dtype=str).iloc[0].tolist()
    assert beside == ["walk", "2\u00a0s", "500\u00a0ms", "memory", "4"]
    assert pd.read_csv(tmp_path / "memory.csv").iloc[0].tolist() == ["walking", 1.5]
    explained = pd.read_csv(tmp_path / "explaining.csv").iloc[0].tolist()
    assert explained == [64, 42, "250\u00a0ms"]
    assert "300 samples, 40 TFs, 200 targets, 1,500" in (tmp_path / "machine.md").read_text()


def test_work_is_counted_by_hand() -> None:
    problem = Problem(n_samples=3, n_tfs=2, n_targets=5, n_edges=6, n_block_edges=0)
    # Tables of 3 x 7 values; TFs x TFs, TFs x genes, and two triangular products a gene.
    assert bounds.regressing(problem) == Work(3 * 4 + 2 * 30 + 2 * 20, 84, torch.float64)
    assert bounds.training(problem).flops == 3 * bounds.predicting(problem, 3).flops
    # One sample goes through 15 trees of 6 levels: 6 nodes and a leaf each, 8 bytes apiece.
    assert bounds.asking_forests(problem, 1) == Work(15 * 7, 8 * 15 * 7 + 4 * 7)
    # Very many samples reach every node, and every node is read once.
    assert bounds.asking_forests(problem, 1000).n_bytes == 8 * 15 * 127 + 4 * 7000
    assert bounds.copying(problem).n_bytes == 2 * 84


def test_the_books_table_is_that_of_the_full_size() -> None:
    """The committed figures are whole: every task, at the study's size."""
    found = json.loads((report.FOLDER / "performance.json").read_text())
    assert Problem(**found["conditions"]["problem"]) == Problem()
    assert len(found["tasks"]) == 14
    assert len(found["memory_mb"]) == 3
    allowed = [entry["allowed_mb"] for entry in found["explaining"]]
    assert allowed == list(ALLOWED_MB)
    assert all(entry["peak_mb"] <= entry["allowed_mb"] for entry in found["explaining"])
    for table, n_rows in (("ratios", 14), ("bounds", 10), ("ways", 14)):
        assert len(pd.read_csv(report.FOLDER / f"{table}.csv")) == n_rows


def test_explaining_is_measured_in_a_process_of_its_own() -> None:
    (entry,) = explaining(SMALL, allowed_mb=[64])
    assert entry["allowed_mb"] == 64
    assert 0 < entry["peak_mb"] < 200, "the libraries alone take more"
    assert entry["cpu_s"] > 0


@pytest.mark.long
def test_a_scattered_fit_is_timed_and_gathers_the_same_trees() -> None:
    options = ["--genes", "16", "--samples", "200", "--tfs", "30", "--cores", "1", "--shares", "2"]
    result = CliRunner().invoke(scatter.main, options)
    assert result.exit_code == 0, result.output
    found = json.loads(result.output)
    assert found["same_predictions"]
    assert (found["shares"], found["cores"]) == (2, 1)
    assert found["speed_up"] == pytest.approx(
        found["one_core_s"] / found["several_cores_s"], rel=0.1
    )
