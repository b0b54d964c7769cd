"""Sizes, random networks, bounds and exponents; the clock is one that the tests set."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lembas import latency, model, scaling
from lembas.dimensions import AXES, BLOCK_SHARE, Size, axis_sizes, random_network
from lembas.model import LembasRNN, RNNConfig
from lembas.scaling import (
    Peaks,
    batch_points,
    bound_sentence,
    bound_table,
    fit_exponents,
    growth_sentence,
    measure_peaks,
    time_axes,
)

BASE = {"samples": 4, "TFs": 20, "targets": 50, "edges": 200, "T": 4}


@st.composite
def sizes(draw: st.DrawFn) -> Size:
    n_tfs, n_targets = draw(st.integers(2, 30)), draw(st.integers(1, 30))
    fewest, most = max(n_tfs, n_targets), n_tfs * n_targets
    possible = [n for n in range(fewest, 1000) if fewest <= n - round(BLOCK_SHARE * n) <= most]
    possible = [n for n in possible if round(BLOCK_SHARE * n) <= n_tfs**2]
    n_edges = draw(st.sampled_from(possible))
    return Size(draw(st.integers(1, 5)), n_tfs, n_targets, n_edges, draw(st.integers(2, 6)))


@given(sizes(), st.integers(0, 3))
def test_random_networks_have_exactly_the_counts(size: Size, seed: int) -> None:
    network, tfs, targets = random_network(size, seed=seed)
    edges = network.edges
    assert len(edges) == len(edges.drop_duplicates(["TF", "Gene"])) == size.n_edges
    assert set(network.tfs) == set(tfs)
    assert len(tfs) == tfs.nunique() == size.n_tfs
    assert len(targets) == targets.nunique() == size.n_targets
    to_targets = edges[edges["Gene"].isin(targets)]
    assert set(to_targets["Gene"]) == set(targets), "every target is regulated"
    assert set(to_targets["TF"]) == set(tfs), "every TF regulates a target"
    assert edges["Gene"].isin(tfs).sum() == size.n_block_edges == size.n_edges - len(to_targets)
    again, *_ = random_network(size, seed=seed)
    assert again.digest == network.digest


def test_networks_differ_by_seed_and_fill_all_pairs_if_need_be() -> None:
    size = Size(1, 20, 50, 200, 1)
    assert random_network(size, seed=0)[0].digest != random_network(size, seed=1)[0].digest
    # 14 edges to 7 targets of 2 TFs are all there are; 1 more leads to a TF.
    full = Size(1, 2, 7, 15, 1)
    assert full.n_gene_edges == 14
    edges = random_network(full)[0].edges
    assert (edges[edges["Gene"].str.startswith("G")].groupby("Gene").size() == 2).all()


def test_random_pairs_are_uniform() -> None:
    """Each of 4 x 5 pairs is as likely as any other: 12 of 20 in the mean."""
    size = Size(1, 4, 5, 13, 1)
    assert size.n_gene_edges == 12
    tables = [random_network(size, seed=seed)[0].edges for seed in range(400)]
    edges = pd.concat(tables)
    counts = edges[edges["Gene"].str.startswith("G")].groupby(["TF", "Gene"]).size()
    assert len(counts) == 20
    # SD of each count: sqrt(400 x .6 x .4) = 10.
    assert (counts - 240).abs().max() < 45


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"n_samples": 0}, "n_samples = 0; each must be at least 1"),
        ({"n_steps": -1, "n_tfs": 0}, "n_tfs = 0, n_steps = -1"),
        ({"n_edges": 40}, r"40 edges \(37 to targets, 3 to TFs\) do not fit 20 TFs and 50 targets"),
        ({"n_edges": 1100}, "expected 50 to 1000 edges to targets"),
        ({"n_tfs": 3, "n_edges": 150}, "at most 9 to TFs"),
    ],
)
def test_impossible_sizes_are_refused(wrong: dict[str, int], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        replace(Size.named(BASE), **wrong)


def test_dimensions_are_named_as_readers_know_them() -> None:
    size = Size.named(BASE)
    assert (size.n_samples, size.n_tfs, size.n_targets, size.n_edges, size.n_steps) == (
        4,
        20,
        50,
        200,
        4,
    )
    assert size.words == ("4 samples, 20 TFs, 50 targets, 200 edges (13 of them TF-TF) and T = 4")
    with pytest.raises(ValueError, match="the size names TFs, genes; expected exactly samples"):
        Size.named({"TFs": 3, "genes": 4})


def test_one_dimension_grows_at_a_time() -> None:
    grown = axis_sizes(BASE, [2, 0.5, 1])
    assert list(grown) == list(AXES)
    assert {axis: list(values) for axis, values in grown.items()} == {
        "samples": [2, 4, 8],
        "TFs": [10, 20, 40],
        "targets": [25, 50, 100],
        "edges": [100, 200, 400],
        "T": [2, 4, 8],
    }
    base = Size.named(BASE)
    for axis, values in grown.items():
        for value, size in values.items():
            assert size == replace(base, **{AXES[axis]: value})


@pytest.mark.parametrize(
    ("factors", "told"),
    [
        ([], r"into \[\]; name at least one factor"),
        ([1, 1.05], r"make 4 samples into \[4, 4\]"),
        ([0.1, 1], "n_samples = 0"),
        ([1, 9], "do not fit 20 TFs and 450 targets"),
    ],
)
def test_useless_factors_are_refused(factors: list[float], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        axis_sizes(BASE, factors)


def test_the_work_by_hand() -> None:
    """3 samples, 5 TFs, 7 targets, 31 edges (2 TF-TF), T = 4."""
    size = Size(3, 5, 7, 31, 4)
    assert (size.n_block_edges, size.n_gene_edges) == (2, 29)
    # The block three times and the genes' edges once, 3 samples, one product and one sum each.
    assert size.flops == 2 * 3 * (29 + 3 * 2)
    # 31 weights and columns, 12 + 1 row starts, and 5 + 12 + 7 numbers a sample.
    assert size.n_bytes == 4 * (31 + 31 + 13 + 3 * 24)


@given(sizes())
def test_the_work_is_that_of_the_model(size: Size) -> None:
    """Count the edges of every product that a prediction makes."""
    network, tfs, targets = random_network(size)
    config = RNNConfig(max_steps=size.n_steps)
    rnn = LembasRNN(network, tfs, targets, config=config)
    used: list[int] = []
    with pytest.MonkeyPatch.context() as patch, torch.no_grad():
        update = model.update

        def counted(
            pattern: object, weights: torch.Tensor, *args: object, **more: object
        ) -> object:
            used.append(len(weights))
            return update(pattern, weights, *args, **more)

        patch.setattr(model, "update", counted)
        y, states = rnn(torch.ones(size.n_samples, size.n_tfs))
    assert 2 * size.n_samples * sum(used) == size.flops
    values = y.numel() + states.numel() + size.n_samples * size.n_tfs
    indices = len(rnn.whole.column) + len(rnn.whole.row_start)
    assert 4 * (len(rnn.weights) + indices + values) == size.n_bytes
    assert rnn.whole.column.element_size() == rnn.weights.element_size() == 4


def test_the_bound_is_the_slower_of_the_two() -> None:
    size = Size(3, 5, 7, 31, 4)  # 210 operations, 588 bytes
    assert Peaks(1000, 1e9).bound_ms(size) == (pytest.approx(210), "arithmetic")
    assert Peaks(1e9, 1000).bound_ms(size) == (pytest.approx(588), "memory")


class Ticking:
    """A clock by which everything takes as long."""

    def __init__(self, step_s: float) -> None:
        self.now_s, self.step_s = 0.0, step_s

    def perf_counter(self) -> float:
        self.now_s += self.step_s
        return self.now_s


def test_peaks_count_both_ways_of_a_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "time", Ticking(0.5))
    monkeypatch.setattr(scaling, "_MATRIX", 10)
    monkeypatch.setattr(scaling, "_COPIED_BYTES", 100)
    assert measure_peaks() == Peaks(2 * 1000 / 0.5, 2 * 100 / 0.5)


def test_every_size_is_timed_and_set_beside_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "time", Ticking(0.002))
    grown = axis_sizes(BASE, [0.5, 1, 2])
    peaks = Peaks(1e6, 1e6)
    points = time_axes(grown, peaks, n_runs=3, most_s=60.0)
    assert points.columns.tolist() == [
        "axis",
        "value",
        "n_runs",
        "median_ms",
        "min_ms",
        "max_ms",
        "bound_ms",
        "limited_by",
        "times_bound",
    ]
    assert list(zip(points["axis"], points["value"], strict=True)) == [
        (axis, value) for axis, values in grown.items() for value in values
    ]
    assert (points["n_runs"] == 3).all()
    assert points["median_ms"].tolist() == pytest.approx([2.0] * 15)
    bounds = [peaks.bound_ms(size) for values in grown.values() for size in values.values()]
    assert list(zip(points["bound_ms"], points["limited_by"], strict=True)) == bounds
    assert (points["times_bound"] * points["bound_ms"]).tolist() == pytest.approx([2.0] * 15)


def points_of(axis: str, values: list[float], times_ms: list[float]) -> pd.DataFrame:
    table = pd.DataFrame({"axis": axis, "value": values, "median_ms": times_ms})
    return table.assign(min_ms=0.9 * table["median_ms"], max_ms=1.2 * table["median_ms"])


def test_exponents_are_recovered_despite_a_fixed_cost() -> None:
    sizes_of = np.array([1.0, 2, 4, 8, 16, 32, 64])
    power = 0.05 * sizes_of**0.97
    # The fixed cost stands in the smaller half only, which is left out.
    times = np.where(sizes_of < 8, 5.0, power)
    shuffled = points_of("edges", [*sizes_of], [*times]).sample(frac=1, random_state=0)
    fitted = fit_exponents(shuffled).iloc[0]
    assert fitted["exponent"] == pytest.approx(0.97, abs=1e-12)
    assert fitted["standard_error"] == pytest.approx(0, abs=1e-7)
    assert fitted["n_points"] == 4
    assert fitted["words"] == "time grows as edges^0.97"


def test_the_standard_error_by_matrix_algebra() -> None:
    rng = np.random.default_rng(1)
    x = np.geomspace(1, 1000, 12)
    t = 0.1 * x**0.5 * rng.lognormal(0, 0.2, 12)
    design = np.column_stack([np.ones(6), np.log(x[6:])])
    solution, residual, *_ = np.linalg.lstsq(design, np.log(t[6:]), rcond=None)
    covariance = residual[0] / 4 * np.linalg.inv(design.T @ design)
    fitted = fit_exponents(points_of("TFs", [*x], [*t])).iloc[0]
    assert fitted["exponent"] == pytest.approx(solution[1])
    assert fitted["standard_error"] == pytest.approx(np.sqrt(covariance[1, 1]))


def test_few_points_and_flat_curves() -> None:
    points = pd.concat(
        [
            points_of("samples", [7.0], [3.0]),
            points_of("TFs", [1.0, 100.0], [2.0, 1.9]),
            points_of("T", [1.0, 10.0], [1.0, 10.0]),
        ]
    )
    fitted = fit_exponents(points).set_index("axis")
    assert fitted.index.tolist() == ["samples", "TFs", "T"], "in the order of the points"
    assert fitted["exponent"].isna().tolist() == [True, False, False]
    assert fitted["standard_error"].isna().all()
    assert fitted["words"].tolist() == [
        "time against samples",
        "time hardly grows with TFs",
        "time grows as T^1.00",
    ]


def test_curves_may_be_models() -> None:
    summary = pd.DataFrame(
        {
            "model": ["b", "b", "a", "a"],
            "batch_size": [1, 100, 1, 100],
            "n_runs": 3,
            "median_ms": [1.0, 10.0, 1.0, 100.0],
            "min_ms": 0.5,
            "max_ms": 200.0,
        }
    )
    points = batch_points(summary)
    assert points["value"].tolist() == [1, 100, 1, 100]
    fitted = fit_exponents(points, curve="model")
    assert fitted["model"].tolist() == ["b", "a"]
    assert fitted["exponent"].tolist() == pytest.approx([0.5, 1.0])
    assert fitted["words"].iloc[0] == "time grows as samples^0.50"


def bounded_points() -> pd.DataFrame:
    points = pd.concat(
        [
            points_of("samples", [1.0, 1000.0], [1.0, 100.0]),
            points_of("T", [1.0, 10.0], [3.0, 30.0]),
        ],
        ignore_index=True,
    ).astype({"value": int})
    bounds = points.assign(
        bound_ms=[0.1, 50.0, 1.0, 20.0],
        limited_by=["memory", "arithmetic", "memory", "memory"],
    )
    return bounds.assign(times_bound=bounds["median_ms"] / bounds["bound_ms"])


def test_the_table_for_a_reader() -> None:
    points = bounded_points()
    table = bound_table(points, fit_exponents(points))
    assert table.to_dict("list") == {
        "Axis": ["samples", "T"],
        "From, to": ["1 to 1,000", "1 to 10"],
        "Exponent ± SE": ["0.67", "1.00"],
        "Median at the end (ms)": ["100", "30"],
        "Bound there (ms)": ["50", "20"],
        "Limited by": ["arithmetic", "memory"],
        "Times the bound": ["2", "1.5"],
        "at the start": ["10", "3"],
    }
    fitted = fit_exponents(points).assign(exponent=[-0.001, np.nan], standard_error=[0.1, np.nan])
    shown = bound_table(points, fitted)["Exponent ± SE"]
    assert shown.tolist() == ["0.00 ± 0.10", "not defined"]


def test_sentences_hold_whatever_the_numbers() -> None:
    points = bounded_points()
    assert growth_sentence(fit_exponents(points)) == (
        "The time of LEMBAS-RNN grows fastest with T (exponent 1.00) and slowest with samples "
        "(exponent 0.67)."
    )
    assert bound_sentence(points) == (
        "Its medians are 1.5 (T = 10) to 10 (samples = 1) times the bound."
    )
    one_axis = points[points["axis"] == "T"]
    assert growth_sentence(fit_exponents(one_axis)) == (
        "The time of LEMBAS-RNN grows with T (exponent 1.00)."
    )
    one = points.iloc[[1]]
    assert growth_sentence(fit_exponents(one)) == "No growth can be told from one size an axis."
    assert bound_sentence(one) == "Its median is 2 (samples = 1,000) times the bound."
    faster = bound_sentence(points.assign(times_bound=[0.5, 1.0, 2.0, 4.0]))
    assert faster.endswith("Below 1, the data came from the cache, which the bound does not know.")
