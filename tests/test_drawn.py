"""Tables that are drawn again in blocks are those of one draw."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lembas import drawn
from lembas.conditions import Noise, draw_conditions, draw_susceptibility
from lembas.drawn import DrawnConditions, DrawnRows, row_blocks, standard_normal


def gamma(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return rng.gamma(50, 0.02, shape)


@pytest.mark.parametrize("rows", [1, 4, 5, 10, 11, 100])
@pytest.mark.parametrize("draw", [standard_normal, gamma])
def test_blocks_are_those_of_one_draw(monkeypatch, rows, draw):
    monkeypatch.setattr(drawn, "BLOCK_ROWS", rows)
    whole, rng = np.random.default_rng(3), np.random.default_rng(3)
    expected = draw(whole, (10, 7))
    table = DrawnRows.of(rng, (10, 7), draw)
    for part in reversed(row_blocks(10)):  # in whatever order, and again
        for _ in range(2):
            np.testing.assert_array_equal(table.block(part), expected[part])
    # What is drawn afterwards is the same too.
    assert rng.bit_generator.state == whole.bit_generator.state


@pytest.mark.parametrize(("rows", "n_blocks"), [(1, 10), (4, 3), (5, 2), (10, 1), (64, 1)])
def test_blocks_cover_all_rows_once(monkeypatch, rows, n_blocks):
    monkeypatch.setattr(drawn, "BLOCK_ROWS", rows)
    blocks = row_blocks(10)
    assert len(blocks) == n_blocks
    assert np.concatenate([np.arange(10)[part] for part in blocks]).tolist() == list(range(10))
    assert row_blocks(0) == []


def conditions() -> DrawnConditions:
    tfs = pd.Index([f"T{number}" for number in range(6)], name="tf")
    targets = pd.Index([f"G{number}" for number in range(9)], name="gene")
    noise = Noise()
    rng = np.random.default_rng(1)
    susceptibility = draw_susceptibility(
        rng, tfs, targets, roots=tfs[:2], decoys=tfs[5:], noise=noise
    )
    samples = pd.Index([f"s{number}" for number in range(11)], name="sample")
    series = pd.Series(list("aabbbaccccc"), index=samples)
    return draw_conditions(rng, susceptibility, series, noise=noise, shift=0.5)


@pytest.mark.parametrize("rows", [1, 3, 11])
def test_conditions_do_not_depend_on_the_size_of_blocks(monkeypatch, rows):
    names = ("drivers", "hidden", "technical", "tf_drivers")
    whole = conditions()
    expected = {name: getattr(whole, name) for name in names}
    monkeypatch.setattr(drawn, "BLOCK_ROWS", rows)
    parted = conditions()
    for name, table in expected.items():
        pd.testing.assert_frame_equal(getattr(parted, name), table, check_exact=True, obj=name)
    pd.testing.assert_series_equal(parted.library_size, whole.library_size)
    blocks = list(parted.blocks())
    assert len(blocks) == len(row_blocks(11))
    for name in ("drivers", "hidden", "technical"):
        joined = pd.concat([getattr(block, name) for block in blocks])
        pd.testing.assert_frame_equal(joined, expected[name], check_exact=True, obj=name)
    assert pd.concat([block.library_size for block in blocks]).equals(whole.library_size)


def test_the_drivers_of_tfs_are_those_of_all_genes():
    made = conditions()
    tfs = made.hidden.columns
    pd.testing.assert_frame_equal(made.tf_drivers, made.drivers[tfs], check_exact=True)
    assert tfs.tolist() == [f"T{number}" for number in range(6)]
