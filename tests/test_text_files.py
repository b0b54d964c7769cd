"""Text that is not what its name promises: one sentence with what was found."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lembas.annotation import read_series
from lembas.tables import read_expression

TABLE = pd.DataFrame(
    np.random.default_rng(0).gamma(1, 1, (5, 6)).round(4) + 0.0001,
    index=pd.Index([f"S{i}" for i in range(5)], name="sample"),
    columns=pd.Index([f"G{i}" for i in range(6)], name="gene"),
)


def text(**options: str | int) -> bytes:
    return TABLE.to_csv(**options).encode()


def refused(folder: Path, name: str, content: bytes) -> str:
    (folder / name).write_bytes(content)
    with pytest.raises(ValueError, match=name.replace(".", r"\.")) as caught:
        read_expression(folder / name)
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


@pytest.mark.parametrize(
    ("name", "sep", "found"),
    [
        ("t.tsv", ",", "by commas (7 in the first line), where its name promises tabs; let its"),
        ("t.tsv", ";", "by semicolons (7 in the first line), where its name promises tabs; save"),
        ("t.csv", ";", "by semicolons (7 in the first line), where its name promises commas; sa"),
        ("t.csv", "\t", "by tabs (7 in the first line), where its name promises commas; let its"),
        ("t.txt", " ", "by blanks (7 in the first line), where its name promises tabs; save it"),
    ],
)
def test_another_separator_is_said(tmp_path: Path, name: str, sep: str, found: str) -> None:
    assert found in refused(tmp_path, name, text(sep=sep))
    # A semicolon with decimal commas is what a spreadsheet writes on much of the continent.
    if sep == ";":
        assert found in refused(tmp_path, name, text(sep=sep, decimal=","))
    assert found in refused(tmp_path, f"{name}.gz", gzip.compress(text(sep=sep)))


def test_a_table_of_records_too(tmp_path: Path) -> None:
    (tmp_path / "series.tsv").write_text("sample,series\nS0,GSE1\n")
    with pytest.raises(ValueError, match=r"separated by commas \(2 in the first line\)"):
        read_series(tmp_path / "series.tsv")


@pytest.mark.parametrize(("name", "options"), [("t.tsv", {"sep": "\t"}), ("t.csv", {"quoting": 1})])
def test_decimal_commas_are_said(tmp_path: Path, name: str, options: dict) -> None:
    sentence = refused(tmp_path, name, text(decimal=",", **options))
    assert f"S0/G0: '{TABLE.iloc[0, 0]}'".replace(".", ",") in sentence
    assert "write decimal points for decimal commas" in sentence


def test_decimal_commas_without_quotes(tmp_path: Path) -> None:
    content = text(sep=";", decimal=",").replace(b";", b",")
    assert "the numbers may have decimal commas" in refused(tmp_path, "t.csv", content)


def test_commas_between_thousands(tmp_path: Path) -> None:
    sentence = refused(tmp_path, "t.tsv", b"id\tG1\nS1\t1,234\nS2\t12,345,678\n")
    assert "no commas between thousands" in sentence


def test_words_among_the_numbers_are_no_decimal_commas(tmp_path: Path) -> None:
    sentence = refused(tmp_path, "t.tsv", b"id\tG1\tsex\nS1\t1,5\tF\n")
    assert "remove columns of annotation" in sentence


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("t.tsv", b"PK\x03\x04\x14\x00\x06\x00" + bytes(range(256)), "an Excel or zip file: save"),
        ("t.csv", gzip.compress(text()), "a gzip file: let its name end in .gz"),
        ("t.csv", TABLE.to_csv().encode("utf-16"), "text in UTF-16: save it as UTF-8"),
        ("t.tsv", b"<!DOCTYPE html>\n<html>\n</html>\n", "a web page: download the file itself"),
        ("t.tsv", b"PAR1" + bytes(range(255)), "a Parquet file: let its name end in .parquet"),
    ],
)
def test_what_is_no_text_is_recognised(
    tmp_path: Path, name: str, content: bytes, what: str
) -> None:
    assert what in refused(tmp_path, name, content)


@pytest.mark.parametrize("part", [0.05, 0.5, 0.95])
@pytest.mark.parametrize("name", ["t.tsv.gz", "t.parquet"])
def test_a_file_cut_short_is_said_to_be(tmp_path: Path, name: str, part: float) -> None:
    if name.endswith(".gz"):
        random = np.random.default_rng(1).integers(0, 10**6, (300, 6))
        whole = gzip.compress(pd.DataFrame(random).to_csv(sep="\t").encode())
    else:
        TABLE.to_parquet(tmp_path / name)
        whole = (tmp_path / name).read_bytes()
    assert "cut short" in refused(tmp_path, name, whole[: int(part * len(whole))])


def test_sound_files_of_other_programs_are_read(tmp_path: Path) -> None:
    written = {
        "quoted.tsv": text(sep="\t", quoting=1),
        "bom.csv": TABLE.to_csv().encode("utf-8-sig"),
        "windows.tsv": text(sep="\t").replace(b"\n", b"\r\n"),
        "mac.tsv": text(sep="\t").replace(b"\n", b"\r"),
    }
    for name, content in written.items():
        (tmp_path / name).write_bytes(content)
        pd.testing.assert_frame_equal(read_expression(tmp_path / name), TABLE)
