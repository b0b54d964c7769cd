"""Rows and signs of a network's file: blanks, empty lines, quotation marks, spellings of signs."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from lembas.network_formats import NetworkOptions, NetworkReading, read_network
from lembas.network_text import signs_of

HEADER = "source\ttarget\tweight\n"


def read(folder: Path, text: str, **options: object) -> NetworkReading:
    (folder / "network.tsv").write_text(text, encoding="utf-8")
    return read_network(folder / "network.tsv", NetworkOptions.of(options))


def rows(reading: NetworkReading) -> list[tuple[str, str, int]]:
    return list(reading.network.edges.itertuples(index=False, name=None))


def test_blanks_around_cells_change_nothing(tmp_path: Path) -> None:
    plain = read(tmp_path, f"{HEADER}A\tB\t1\nC\tB\t-1\n")
    blank = read(tmp_path, f"{HEADER} A\tB \t 1\nA \t B\t1 \nC\tB\t-1\n")
    assert blank.network.digest == plain.network.digest
    assert blank.n_repeated == 1, "'A ' and 'A' are one TF"


def test_a_name_of_blanks_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"1 incomplete edge\(s\), in row\(s\) 2 below the header"):
        read(tmp_path, f"{HEADER}A\tB\t1\n  \tB\t1\n")


def test_rows_are_counted_as_the_parser_counts_them(tmp_path: Path) -> None:
    """The third row stands on line 6, which no parser of tables tells."""
    text = "source\ttarget\tweight\tscore\n\nA\tB\t1\t3\n\nC\tB\t1\t2\n"
    with pytest.raises(ValueError, match=r"in row\(s\) 3 below the header, empty lines not"):
        read(tmp_path, f"{text}\tB\t1\t1\n")
    with pytest.raises(ValueError, match=r"no score, in row\(s\) 3 below the header, empty lin"):
        read(tmp_path, f"{text}D\tB\t1\t\n", min_confidence=1)


def test_plus_and_minus_are_signs(tmp_path: Path) -> None:
    expected = [("A", "B", 1), ("C", "B", -1)]
    assert rows(read(tmp_path, f"{HEADER}A\tB\t+\nC\tB\t-\n")) == expected
    assert rows(read(tmp_path, "A\t+\tB\nC\t-\tB\n")) == expected, "without a header: SIF"


@pytest.mark.parametrize("value", ["inf", "-inf", "Infinity"])
def test_an_infinite_weight_is_no_sign(value: str) -> None:
    values = pd.Series(["0.5", value], name="weight")
    with pytest.raises(ValueError, match=f"weight is no sign: '{value}'; expected finite numbers"):
        signs_of(values, "network")


def test_an_unclosed_quotation_mark_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"a quotation mark \(\"\) may be unclosed: close or rem"):
        read(tmp_path, f'{HEADER}"A\tB\t1\nC\tB\t1\n')


def test_rows_longer_than_the_header_say_how_to_mend_them(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="give every row as many fields as the header has"):
        read(tmp_path, f"{HEADER}A\tB\t1\nC\tB\t1\t4\t5\n")


def test_one_edge_or_line_and_several_are_counted(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="all 2 edges have both signs, and on_conflict: drop"):
        read(tmp_path, f"{HEADER}A\tB\t1\nA\tB\t-1\nC\tB\t1\nC\tB\t-1\n", on_conflict="drop")
    for lines, words in (
        ("A x\n", "1 line of this SIF file has"),
        ("A x\nB x\n", "2 lines .* hav"),
    ):
        with pytest.raises(ValueError, match=words):
            read(tmp_path, f"A activates B\n{lines}", layout="sif")


def test_commas_separate_a_sif_file_as_the_page_says(tmp_path: Path) -> None:
    assert rows(read(tmp_path, "A,activates,B\nC,inhibits,B\n")) == [("A", "B", 1), ("C", "B", -1)]


def test_one_column_for_both_ends_is_refused(tmp_path: Path) -> None:
    text = "tf\tgene\tsign\nA\tB\t1\n"
    with pytest.raises(ValueError, match="its column tf would hold TFs and genes; name one column"):
        read(tmp_path, text, columns={"gene": "TF"})


def test_a_first_line_that_is_no_row_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"field larger than field limit .* mend its first line"):
        read(tmp_path, f"{'x' * 140_000} activates B\n", layout="sif")
