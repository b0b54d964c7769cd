"""A look at a table sees its labels and some cells, whatever its order; damage is named."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lembas.peek import MOST_COLUMNS, MOST_ROWS, chosen, peek_text
from lembas.peek_binary import peek_parquet


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows, columns = [f"r{i}" for i in range(500)], [f"c{i}" for i in range(90)]
    return pd.DataFrame(rng.uniform(0, 5, (500, 90)).round(3), rows, columns)


def test_labels_are_read_whole_and_cells_are_those_of_the_table(
    tmp_path: Path, table: pd.DataFrame
) -> None:
    table.to_csv(tmp_path / "a.tsv.gz", sep="\t", index_label="gene")
    seen = peek_text(tmp_path / "a.tsv.gz")
    assert (seen.corner, seen.n_rows, seen.complete) == ("gene", 500, True)
    assert seen.rows.tolist() == table.index.tolist()
    assert seen.columns.tolist() == table.columns.tolist()
    assert seen.texts.shape == (MOST_ROWS, MOST_COLUMNS)
    assert seen.wide.shape == (MOST_COLUMNS, 90)
    assert seen.tall.shape == (500, MOST_COLUMNS)
    for cells in (seen.wide, seen.tall, seen.texts.astype(float)):
        pd.testing.assert_frame_equal(cells, table.loc[cells.index, cells.columns])


@pytest.mark.parametrize("kind", ["tsv", "parquet"])
def test_another_order_shows_the_same_cells(tmp_path: Path, table: pd.DataFrame, kind: str) -> None:
    rng = np.random.default_rng(1)
    turned = table.iloc[rng.permutation(500), rng.permutation(90)]
    seen = []
    for number, version in enumerate((table, turned)):
        path = tmp_path / f"{number}.{kind}"
        if kind == "tsv":
            version.to_csv(path, sep="\t")
            seen.append(peek_text(path))
        else:
            version.to_parquet(path)
            seen.append(peek_parquet(path))
    one, other = seen
    for name in ("wide", "tall", "texts"):
        cells = getattr(one, name)
        pd.testing.assert_frame_equal(
            cells, getattr(other, name).loc[cells.index, cells.columns], check_index_type=False
        )


def test_parquet_and_text_show_the_same(tmp_path: Path, table: pd.DataFrame) -> None:
    table.to_csv(tmp_path / "a.csv", index_label="gene")
    table.rename_axis("gene").to_parquet(tmp_path / "a.parquet")
    text, binary = peek_text(tmp_path / "a.csv"), peek_parquet(tmp_path / "a.parquet")
    assert (text.corner, text.rows.tolist()) == (binary.corner, binary.rows.tolist())
    pd.testing.assert_frame_equal(text.wide, binary.wide)
    pd.testing.assert_frame_equal(text.tall, binary.tall)


def test_a_table_without_a_name_above_its_labels_is_one_of_r(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('"ALB","AFP"\n"s1",1,2\n"s,2",3,4\n')
    seen = peek_text(tmp_path / "a.csv")
    assert seen.corner == ""
    assert seen.columns.tolist() == ["ALB", "AFP"]
    assert seen.rows.tolist() == ["s1", "s,2"]
    assert seen.wide.to_numpy().tolist() == [[1, 2], [3, 4]]


def test_rows_beyond_the_part_that_is_read_are_estimated(
    tmp_path: Path, table: pd.DataFrame
) -> None:
    table.to_csv(tmp_path / "a.tsv", sep="\t")
    size = (tmp_path / "a.tsv").stat().st_size
    seen = peek_text(tmp_path / "a.tsv", most_bytes=size // 2)
    assert not seen.complete
    assert 200 < len(seen.rows) < 300
    assert abs(seen.n_rows - 500) < 50


def test_rows_of_another_length_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("gene\ts1\ts2\nALB\t1\t2\nAFP\t1\nTF\t1\t2\t3\n")
    assert peek_text(tmp_path / "a.tsv").ragged == ("AFP", "TF")


def test_labels_choose_not_places() -> None:
    labels = [f"g{number}" for number in range(50)]
    first = {labels[at] for at in chosen(labels, 7)}
    backwards = labels[::-1]
    assert first == {backwards[at] for at in chosen(backwards, 7)}
    assert len(first) == 7


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.tsv", b"", "is empty: expected a line of names"),
        ("a.tsv", b"gene\ts1\n", "is empty: expected a line of names"),
        (
            "a.csv",
            b"gene;s1;s2\nALB;1;2\n",
            "separated by semicolons (3 in the first line), where its",
        ),
        (
            "a.tsv",
            b"gene,s1\nALB,1\n",
            "separated by commas (2 in the first line), where its name promises tabs",
        ),
        ("a.tsv", b"gene\ts1\n\xff\t1\n", "no UTF-8 text; copy it again"),
        ("a.tsv", b"\n\ngene\ts1\nALB\t1\n", "it has no names in its first line; remove what"),
        ("a.tsv", b"\t\ngene\ts1\nALB\t1\n", "it has no names in its first line; remove what"),
        (
            "a.tsv",
            b'gene\ts1\n"' + b"x" * 140_000 + b'"\t1\n',
            "has a line that cannot be cut into fields (field larger than field limit",
        ),
        ("a.tsv", b"gene\ts1\rALB\t1\n\n", "has a line that cannot be cut into fields (new-line"),
        ("a.tsv.gz", b"no gzip", "damaged, cut short"),
        ("a.tsv.gz", gzip.compress(b"gene\ts1\n" + b"ALB\t1\n" * 9999)[:-30], "damaged, cut"),
    ],
)
def test_damage_is_named(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=re.escape(message)):
        peek_text(tmp_path / name)


def test_a_line_without_end_is_refused_before_it_fills_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lembas.peek.BLOCK_BYTES", 1 << 20)
    (tmp_path / "a.tsv").write_bytes(b"x" * (3 << 20))
    with pytest.raises(ValueError, match="a line of more than 1 MiB: it is no table"):
        peek_text(tmp_path / "a.tsv")


def test_a_parquet_table_cut_short_is_refused(tmp_path: Path, table: pd.DataFrame) -> None:
    path = tmp_path / "a.parquet"
    table.to_parquet(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match="damaged, cut short or of another format"):
        peek_parquet(path)


@pytest.mark.parametrize("kind", [str, float])
def test_a_parquet_table_without_rows_is_refused(tmp_path: Path, kind: type) -> None:
    table = pd.DataFrame({"gene": pd.Series([], dtype=kind), "s1": pd.Series([], dtype=float)})
    table.to_parquet(tmp_path / "a.parquet")
    with pytest.raises(ValueError, match="is empty: it has no rows"):
        peek_parquet(tmp_path / "a.parquet")
