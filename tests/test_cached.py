"""Tests of keeping parsed tables: a kept table is the table, and nothing else is ever returned."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lembas import cached, tables
from lembas.tables import read_expression

TEXT = "sample\tALB\tAFP\tNA\ns1\t1.5\t2\t0.1\n007\t0\t0.25\t1e-310\n"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "table.tsv"
    path.write_text(TEXT)
    return path


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def parsed(monkeypatch) -> list[Path]:
    """List the files whose text was parsed."""
    found, read = [], tables.read_labelled

    def listing(path):
        found.append(path)
        return read(path)

    monkeypatch.setattr(tables, "read_labelled", listing)
    return found


def assert_same_table(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(found, expected, check_exact=True)
    # Sums depend on the order in memory, in their last bits.
    assert found.to_numpy().strides == expected.to_numpy().strides


def test_a_table_is_parsed_once(source, cache, parsed):
    expected = read_expression(source)
    for _ in range(3):
        assert_same_table(read_expression(source, cache=cache), expected)
    assert len(parsed) == 2  # once without a cache, once with it
    turned = read_expression(source, genes_in="rows")
    for _ in range(2):
        assert_same_table(read_expression(source, genes_in="rows", cache=cache), turned)
    assert len(parsed) == 4
    assert_same_table(read_expression(source, cache=str(cache)), expected)
    assert len(parsed) == 4


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=8))
def test_every_double_is_kept(tmp_path_factory, values):
    folder = tmp_path_factory.mktemp("exact")
    genes = [f"g{number}" for number in range(len(values))]
    lines = ["\t".join(["sample", *genes]), "\t".join(["s", *map(repr, values)])]
    (folder / "t.tsv").write_text("\n".join(lines))
    for _ in range(2):
        table = read_expression(folder / "t.tsv", cache=folder / "cache")
        # As bytes, so that -0.0 is not 0.0.
        assert table.loc["s"].to_numpy().tobytes() == np.array(values).tobytes()


def test_a_changed_source_is_read_anew_and_its_old_table_deleted(source, cache, parsed):
    read_expression(source, cache=cache)
    os.utime(source, (0, 0))  # the same content: still known
    read_expression(source, cache=cache)
    assert len(parsed) == 1
    source.write_text(TEXT.replace("1.5", "1.6"))
    os.utime(source, (0, 0))  # as old and as long as before
    assert read_expression(source, cache=cache).loc["s1", "ALB"] == 1.6
    assert len(parsed) == 2
    assert sorted(path.suffix for path in cache.iterdir()) == [".json", ".npy"]


def test_sources_of_one_name_in_two_folders_keep_a_table_each(source, cache, parsed):
    other = source.parent / "other" / source.name
    other.parent.mkdir()
    other.write_text(TEXT.replace("1.5", "9"))
    for _ in range(2):
        assert read_expression(source, cache=cache).loc["s1", "ALB"] == 1.5
        assert read_expression(other, cache=cache).loc["s1", "ALB"] == 9
    assert len(parsed) == 2


def test_changing_the_table_does_not_change_what_is_kept(source, cache, parsed):
    expected = read_expression(source)
    read_expression(source, cache=cache)
    parsed.clear()
    for _ in range(2):
        table = read_expression(source, cache=cache)
        assert_same_table(table, expected)
        table.loc["s1", "ALB"] = 99.0
        table.to_numpy()[:] = 98.0
    assert parsed == []


def test_a_table_on_its_side_is_refused_from_the_cache_too(source, cache):
    read_expression(source, cache=cache)
    read_expression(source, genes_in="rows", cache=cache)
    genes = ["s1", "007"]
    with pytest.raises(ValueError, match=r'genes in its rows \(s1, 007\).*genes_in="rows"'):
        read_expression(source, known_genes=genes, cache=cache)
    assert read_expression(source, genes_in="rows", known_genes=genes, cache=cache).shape == (3, 2)
    with pytest.raises(ValueError, match=r'genes in its columns.*genes_in="columns"'):
        read_expression(source, genes_in="rows", known_genes=["ALB"], cache=cache)


def test_an_unsound_table_is_not_kept(source, cache):
    source.write_text(TEXT.replace("0.25", "inf"))
    for _ in range(2):
        with pytest.raises(ValueError, match="007/AFP = inf"):
            read_expression(source, cache=cache)
    assert not cache.exists()


def test_formats_that_are_read_fast_are_not_kept(source, cache, tmp_path):
    table = read_expression(source)
    table.to_parquet(tmp_path / "t.parquet")
    pd.testing.assert_frame_equal(read_expression(tmp_path / "t.parquet", cache=cache), table)
    assert not cache.exists()


def cut_values(values: Path, labels: Path) -> None:
    values.write_bytes(values.read_bytes()[:-8])


def empty_values(values: Path, labels: Path) -> None:
    values.write_bytes(b"")


def flip_a_bit(values: Path, labels: Path) -> None:
    content = bytearray(values.read_bytes())
    content[-3] ^= 1
    values.write_bytes(content)


def lose_values(values: Path, labels: Path) -> None:
    values.unlink()


def lose_labels(values: Path, labels: Path) -> None:
    labels.unlink()


def cut_labels(values: Path, labels: Path) -> None:
    labels.write_bytes(labels.read_bytes()[:-9])


def lose_a_name(values: Path, labels: Path) -> None:
    kept = json.loads(labels.read_text())
    labels.write_text(json.dumps({**kept, "genes": kept["genes"][1:]}))


def write_another_thing(values: Path, labels: Path) -> None:
    labels.write_text("[1, 2]")


@pytest.mark.parametrize(
    "damage",
    [
        cut_values,
        empty_values,
        flip_a_bit,
        lose_values,
        lose_labels,
        cut_labels,
        lose_a_name,
        write_another_thing,
    ],
)
def test_a_damaged_table_is_read_anew(source, cache, parsed, damage):
    expected = read_expression(source, cache=cache)
    (values,), (labels,) = cache.glob("*.npy"), cache.glob("*.json")
    damage(values, labels)
    for _ in range(2):
        assert_same_table(read_expression(source, cache=cache), expected)
    assert len(parsed) == 2
    assert len(list(cache.iterdir())) == 2


def fill_disk_with_values(monkeypatch) -> None:
    def save(path, values):
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(cached.np, "save", save)


def fill_disk_with_names(monkeypatch) -> None:
    def write(path, text):
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(cached, "_write_text", write)


@pytest.mark.parametrize("fill_disk", [fill_disk_with_values, fill_disk_with_names])
def test_a_full_disk_costs_the_cache_not_the_run(source, cache, monkeypatch, fill_disk):
    expected = read_expression(source)
    with monkeypatch.context() as full:
        fill_disk(full)
        with pytest.warns(UserWarning, match="not kept in .*No space left on device"):
            assert_same_table(read_expression(source, cache=cache), expected)
    assert list(cache.iterdir()) == []
    read_expression(source, cache=cache)
    assert len(list(cache.iterdir())) == 2


def test_a_folder_that_cannot_be_made_costs_the_cache_not_the_run(source):
    with pytest.warns(UserWarning, match="the table was read, but not kept"):
        read_expression(source, cache=source / "cache")


def test_what_a_killed_writer_left_is_removed(source, cache):
    read_expression(source, cache=cache)
    (values,) = cache.glob("*.npy")
    (values.parent / f".{values.stem}.12345.npy").write_bytes(b"half")
    source.write_text(TEXT.replace("1.5", "1.6"))
    read_expression(source, cache=cache)
    assert len(list(cache.iterdir())) == 2
