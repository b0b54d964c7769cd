"""Kinds of gene names, names that a spreadsheet spoilt, and offers for them."""

from __future__ import annotations

import gzip

import pandas as pd
import pytest

from lembas.gene_names import KINDS, NameReport, diagnose_names, offer, without_version

SYMBOLS = ["ALB", "HLA-A", "NKX2-5", "C1orf112", "RP11-34P13.7", "5S_rRNA", "7SK", "TF", "TRA@"]
ENSEMBL = [f"ENSG{number:011d}" for number in range(1, 21)]


def report(*labels: object) -> NameReport:
    return diagnose_names(pd.Index(list(labels), dtype=object))


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        (SYMBOLS, "symbol"),
        (["Alb", "Hnf4a", "Gm12345", "2310009E13Rik"], "symbol"),
        (ENSEMBL, "ensembl"),
        (["ENSMUSG00000000001", "ENSRNOG00000000001", "ENSGR0000002586"], "ensembl"),
        ([f"{name}.{i}" for i, name in enumerate(ENSEMBL)], "ensembl_versioned"),
        (["ENSG00000002586.20_PAR_Y"], "ensembl_versioned"),
        ([*ENSEMBL[:15], *(f"{name}.1" for name in ENSEMBL[15:])], "ensembl"),
        (["213", "3172", "100287102"], "entrez"),
        ([213, 3172], "entrez"),
        (["1007_s_at", "NM_000014.6", "ENST00000380152", "GSM3998167", "SRR1039508"], "other"),
        ([], "other"),
        ([*SYMBOLS, *ENSEMBL], "mixed"),
    ],
)
def test_kinds(labels: list, kind: str) -> None:
    found = report(*labels)
    assert found.kind == kind
    assert found.n == len(labels)
    assert sum(found.shares.values()) == pytest.approx(1 if labels else 0)
    assert tuple(found.shares) == KINDS


def test_the_order_of_names_has_no_effect() -> None:
    labels = [*SYMBOLS, *ENSEMBL, "1-Sep", "alb", "Alb"]
    there, back = report(*labels), report(*labels[::-1])
    assert there.kind == back.kind
    assert there.shares == back.shares
    assert set(there.excel_mangled) == set(back.excel_mangled)


@pytest.mark.parametrize(
    "label",
    [
        *("1-Sep", "Sep-01", "2-Mar", "01-mar", "1-Dez", "2018-09-01", "2018-09-01 00:00:00"),
        *("9/1/2018", "01.09.2018", "1-Sep-18", "Mar-2001", "43350", "2.31E+13"),
    ],
)
def test_dates(label: str) -> None:
    found = report(*SYMBOLS, *SYMBOLS, label)
    assert found.dates == found.excel_mangled == (label,)
    assert found.kind == "symbol"


@pytest.mark.parametrize("label", ["SEPT1", "MARCH1", "DEC1", "MARC2", "Sept7"])
def test_symbols_that_become_dates(label: str) -> None:
    found = report(*SYMBOLS, label)
    assert found.excel_mangled == (label,)
    assert found.dates == ()


def test_todays_symbols_and_their_like_are_sound() -> None:
    sound = ["SEPTIN1", "MARCHF1", "DELEC1", "MTARC2", "DECR1", "MARCKS", "SEPSECS", "OCLN", "JUN"]
    assert report(*sound).excel_mangled == ()


def test_entrez_ids_are_no_dates() -> None:
    assert report("213", "43350", "3172").dates == ()


def test_mouse_style_and_lower_case() -> None:
    found = report("Alb", "Hnf4a", "ALB", "C1orf112", "alb", "tp53", "F2", "Rik", "hsa-mir-21")
    assert found.mouse_style == ("Alb", "Hnf4a", "Rik")
    assert found.lower_case == ("alb", "tp53", "hsa-mir-21")


def test_duplicates_are_named_once() -> None:
    assert report("ALB", "ALB", "ALB", "TF").duplicated == ("ALB",)


# Offers


@pytest.mark.parametrize(
    ("label", "known", "meant"),
    [
        ("alb", ["ALB"], "ALB"),
        ("Hnf4a", ["HNF4A"], "HNF4A"),
        (" ALB ", ["ALB"], "ALB"),
        ("ENSG00000163631.18", ["ENSG00000163631"], "ENSG00000163631"),
        ("1-Sep", ["SEPTIN1", "SEPTIN2"], "SEPTIN1"),
        ("1-Sep", ["SEPT1"], "SEPT1"),
        ("Sep-01", ["SEPTIN1"], "SEPTIN1"),
        ("2018-09-01", ["SEPTIN1"], "SEPTIN1"),
        ("9/1/2018", ["SEPTIN1"], "SEPTIN1"),
        ("43350", ["SEPTIN7"], "SEPTIN7"),  # Excel shows 43350 as 7 September 2018
        ("2-Mar", ["MARCHF2"], "MARCHF2"),
        ("2-Mar", ["MTARC2"], "MTARC2"),
        ("1-Dec", ["DELEC1"], "DELEC1"),
        ("SEPT1", ["SEPTIN1"], "SEPTIN1"),
        ("MARCH1", ["MARCHF1"], "MARCHF1"),
        ("DEC1", ["DELEC1"], "DELEC1"),
        ("SEPTIN1", ["SEPT1"], "SEPT1"),
    ],
)
def test_offers(label: str, known: list[str], meant: str) -> None:
    assert offer([label], known) == {label: meant}


@pytest.mark.parametrize(
    ("label", "known"),
    [
        ("ALB", ["ALB"]),
        ("SEPT1", ["SEPT1", "SEPTIN1"]),
        ("2-Mar", ["MARCHF2", "MTARC2"]),  # two genes were both made this date
        ("ALBU", ["ALB"]),
        ("5-Jun", ["JUN"]),
        ("43350", ["SEPTIN1"]),
    ],
)
def test_nothing_is_offered_for_what_is_known_unlike_or_ambiguous(
    label: str, known: list[str]
) -> None:
    assert offer([label], known) == {}


def test_versions() -> None:
    assert without_version("ENSMUSG00000000001.5") == "ENSMUSG00000000001"
    assert without_version("ENSG00000002586.20_PAR_Y") == "ENSG00000002586"
    assert without_version("AC000001.1") == "AC000001.1"


@pytest.mark.liver
def test_liver_names(liver) -> None:
    with gzip.open(liver / "raw" / "counts_GSE135251.tsv.gz", "rt") as lines:
        header, *rows = (line.partition("\t") for line in lines)
    found = report(*(row[0] for row in rows))
    assert (found.kind, found.n) == ("symbol", 26001)
    assert found.dates == found.lower_case == found.duplicated == ()
    samples = header[2].split()
    assert report(*samples).kind == "other"
