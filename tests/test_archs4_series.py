"""Groups of linked series, against NetworkX."""

from __future__ import annotations

import networkx
import numpy as np
import pandas as pd

from lembas.archs4_series import series_groups, split_series


def drawn(seed: int) -> pd.Series:
    rng = np.random.default_rng(seed)
    values = [
        ",".join(f"GSE{number}" for number in rng.integers(1, 40, rng.integers(0, 3)))
        for _ in range(60)
    ]
    return pd.Series(values, index=[f"GSM{number}" for number in range(60)])


def test_groups_are_the_components() -> None:
    for seed in range(10):
        series = drawn(seed)
        linked = [("GSM0", "GSM1"), ("GSM2", "GSM0")]
        graph = networkx.Graph(linked)
        for sample, text in series.items():
            graph.add_node(sample)
            graph.add_edges_from((sample, name) for name in split_series(text))
        groups = series_groups(series, linked=linked)
        for part in networkx.connected_components(graph):
            samples = [name for name in part if name.startswith("GSM")]
            numbers = sorted(int(name[3:]) for name in part if name.startswith("GSE"))
            assert len(set(groups[samples])) == 1
            if numbers:
                assert groups[samples[0]] == f"GSE{numbers[0]}"
        assert groups.nunique() == networkx.number_connected_components(graph) - sum(
            not any(name.startswith("GSM") for name in part)
            for part in networkx.connected_components(graph)
        )


def test_order_changes_nothing() -> None:
    series = drawn(3)
    shuffled = series.sample(frac=1, random_state=1)
    pd.testing.assert_series_equal(series_groups(shuffled)[series.index], series_groups(series))


def test_a_sample_without_series_is_alone() -> None:
    series = pd.Series({"GSM1": "", "GSM2": " ", "GSM3": "GSE5"})
    assert series_groups(series).tolist() == ["GSM1", "GSM2", "GSE5"]


def test_numbers_are_ordered_as_numbers() -> None:
    assert series_groups(pd.Series({"a": "GSE10\tGSE9"}))["a"] == "GSE9"
