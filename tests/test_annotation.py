"""Tests of reading gene lengths and series."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from lembas.annotation import read_gene_lengths, read_series
from lembas.geo_tables import GeoAnnotation


def write(folder: Path, text: str, name: str = "table.tsv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_reads_gene_lengths(tmp_path):
    text = "gene_name\tgene_type\tlength_bp\nALB\tprotein_coding\t17149\n"
    assert read_gene_lengths(write(tmp_path, text)).to_dict() == {"ALB": 17149.0}


def test_lengths_of_geo_are_positive_numbers(tmp_path: Path) -> None:
    path = tmp_path / "few.annot.tsv"
    path.write_text("GeneID\tSymbol\tLength\n1\tALB\t17\n2\tAFP\tlong\n3\tTTR\t0\n")
    words = r"2 GeneIDs a length that is no positive number: 2: 'long', 3: '0'; download it again"
    with pytest.raises(ValueError, match=words):
        GeoAnnotation.read(path)


LENGTHS = {
    "column": ("gene\tlength_bp\nALB\t1\n", r"lacks the column\(s\) gene_name; found gene, length"),
    "twice": ("gene_name\tlength_bp\nALB\t1\nALB\t2\n", r"duplicate gene name\(s\): ALB"),
    "zero": (
        "gene_name\tlength_bp\nALB\t0\nAFP\tlong\n",
        r"2 gene\(s\) no positive length: ALB, A",
    ),
    "rows": ("gene_name\tlength_bp\n", r"gene-length file .* is empty"),
}


@pytest.mark.parametrize(("text", "message"), LENGTHS.values(), ids=LENGTHS)
def test_refuses_unsound_gene_lengths(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        read_gene_lengths(write(tmp_path, text))


def test_reads_series(tmp_path):
    series = read_series(write(tmp_path, "sample,series\ns1,GSE1\n2,7\n", "t.csv"))
    assert series.to_dict() == {"s1": "GSE1", "2": "7"}


def test_blanks_around_a_series_are_no_part_of_it(tmp_path):
    series = read_series(write(tmp_path, "sample\tseries\ns1\tG0\ns2\tG0 \ns3\t G0\n"))
    assert set(series) == {"G0"}


def test_refuses_rows_of_more_fields_than_the_header(tmp_path):
    """Read as they lie, every field would stand under its neighbour's name."""
    text = "sample\tseries\tsex\n1\ts1\tG0\tF\n2\ts2\tG1\tM\n"
    message = r"rows with more fields than its header, which names 3 columns \(sample, series, sex"
    with pytest.raises(ValueError, match=message):
        read_series(write(tmp_path, text))


def test_refuses_damaged_gzip_and_other_text(tmp_path):
    whole = gzip.compress(
        b"sample\tseries\n" + b"".join(b"s%d\tG%d\n" % (i, i) for i in range(900))
    )
    (tmp_path / "t.tsv.gz").write_bytes(whole[:40] + b"\xff" * 40 + whole[80:])
    with pytest.raises(ValueError, match=r"series table .*t\.tsv\.gz cannot be read as a table: "):
        read_series(tmp_path / "t.tsv.gz")
    (tmp_path / "t.tsv").write_text("sample\tseries\ns1\tG0\n", encoding="utf-16")
    with pytest.raises(ValueError, match=r"t\.tsv cannot be read: it is text in UTF-16: save it a"):
        read_series(tmp_path / "t.tsv")
    with pytest.raises(FileNotFoundError, match=r"series table .* is a folder; name a file in it"):
        read_series(tmp_path)


def test_refuses_unsound_series(tmp_path):
    with pytest.raises(ValueError, match=r"gives 1 sample\(s\) no series: s2; name each"):
        read_series(write(tmp_path, "sample\tseries\ns1\tGSE1\ns2\t\n"))
    with pytest.raises(FileNotFoundError, match="series table not found"):
        read_series(tmp_path / "none.tsv")
    with pytest.raises(ValueError, match=r"t\.parquet is no TSV or CSV"):
        read_series(write(tmp_path, "", "t.parquet"))
