"""Recognise what kind of gene names a table has, and what a misspelt one may have meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

KINDS = ("symbol", "ensembl", "ensembl_versioned", "entrez", "other")
# How the reasons begin for names that are not taken as they stand.
SPOILT, MAY_BE = "a date made by a spreadsheet", "may be"
# Part of the names that must be of one kind; below it they are "mixed".
MOSTLY = 0.9

_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec|Mrz|Mai|Okt|Dez"
_NUMBERS = {"mar": 3, "mrz": 3, "sep": 9, "sept": 9, "oct": 10, "okt": 10, "dec": 12, "dez": 12}
# Excel writes a date as day-month, month-year, a full date, or a number of days.
_DAY_MONTH = re.compile(rf"(\d{{1,2}})-({_MONTHS})(?:-\d{{2,4}})?", re.IGNORECASE)
_MONTH_DAY = re.compile(rf"({_MONTHS})-(\d{{1,2}}|\d{{4}})", re.IGNORECASE)
_FULL_DATE = re.compile(r"\d{4}-(\d{2})-(\d{2})(?:[ T]00:00:00)?")
_SLASHED = re.compile(r"(\d{1,2})[/.](\d{1,2})[/.](?:\d{4}|\d{2})")
_DAYS = re.compile(r"[34]\d{4}(?:\.0+)?")
_FIRST_DAY = date(1899, 12, 30)  # day 0 of Excel's calendar
# RIKEN names such as 2310009E13 are read as numbers.
_POWER = re.compile(r"\d(?:\.\d+)?E\+\d+", re.IGNORECASE)
# Symbols that Excel takes for dates; HGNC renamed them in 2020 for that.
_FRAGILE = re.compile(r"(?:(SEPT|MARCH|MARC)([1-9]|1[0-2])|(DEC)(1))", re.IGNORECASE)
_RENAMED = {"SEPT": "SEPTIN", "MARCH": "MARCHF", "MARC": "MTARC", "DEC": "DELEC"}
_OF_MONTH = {3: ("MARCH", "MARC"), 9: ("SEPT",), 12: ("DEC",)}

_ENSEMBL = r"ENS[A-Z]{0,6}GR?\d{10,11}"
_VERSIONED = re.compile(rf"({_ENSEMBL})\.\d+(?:_PAR_Y)?")
_ENTREZ = r"[1-9]\d{0,8}"
_SYMBOL = r"(?:[A-Za-z]|\d{1,2}S|7SK|\d{7}[A-Z])[A-Za-z0-9]*(?:[-_.@/][A-Za-z0-9]+)*@?"
# Names of samples, probes and transcripts look like symbols.
_NO_SYMBOL = (
    r"(?:GSM|GSE|SRR|ERR|DRR|SRX|SAMN|SAMEA|ILMN_)\d{3,}|TCGA-.+|.+_(?:at|st)"
    r"|[NX][MRP]_\d+(?:\.\d+)?|ENS[A-Z]*[TPE]\d{9,}(?:\.\d+)?|V\d+|Unnamed.*"
)
# Human symbols have small letters in open reading frames only: C1orf112.
_MOUSE = r"(?!C\d+orf\d)[A-Z](?=.*[a-z])[a-z0-9.-]*(?:[Rr]ik)?"
_LOWER = r"(?=.*[a-z])[a-z][a-z0-9._@-]*"


@dataclass(frozen=True)
class NameReport:
    """Say what kind of names the genes have, and which of them look wrong.

    Attributes:
        kind: "symbol", "ensembl", "ensembl_versioned", "entrez" or "other" when nine in ten of
            the names are of that kind (Ensembl ids with and without version count together, as
            the more frequent of the two), else "mixed".
        n: Number of names.
        shares: Part of the names that are of each kind, within [0, 1].
        excel_mangled: Dates and numbers that a spreadsheet made of symbols (``1-Sep``,
            ``Sep-01``, ``43350``, ``2.31E+13``), and the symbols it does that to (``SEPT1``,
            ``MARCH1``, ``DEC1``), which HGNC has renamed.
        dates: Those of them that are no names any more.
        mouse_style: Symbols written as for mouse genes: ``Alb``, ``Hnf4a``.
        lower_case: Names without a capital: ``alb``.
        duplicated: Names that occur more than once, each once.
    """

    kind: str
    n: int
    shares: Mapping[str, float]
    excel_mangled: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    mouse_style: tuple[str, ...] = ()
    lower_case: tuple[str, ...] = ()
    duplicated: tuple[str, ...] = ()


def diagnose_names(labels: pd.Index) -> NameReport:
    """Recognise the kind of gene names, by their spelling alone.

    Args:
        labels: Names of the genes, in any order.

    Example:
        >>> report = diagnose_names(pd.Index(["ALB", "1-Sep", "Hnf4a", "SEPT2", "TF"]))
        >>> report.kind, report.excel_mangled, report.mouse_style
        ('mixed', ('1-Sep', 'SEPT2'), ('Hnf4a',))
    """
    names = pd.Series([str(label) for label in labels], dtype=object)
    of_kind = _kinds(names)
    n = len(names)
    shares = {kind: float((of_kind == kind).mean()) if n else 0.0 for kind in KINDS}
    kind = _main_kind(shares)
    # Days since 1900 and Entrez ids are both plain numbers: the other names tell.
    is_date = names.map(_is_date) | (names.str.fullmatch(_DAYS) & (kind != "entrez"))
    is_mangled = is_date | names.str.fullmatch(_FRAGILE)
    is_name = ~is_mangled & (of_kind == "symbol")
    return NameReport(
        kind=kind,
        n=n,
        shares=shares,
        excel_mangled=_each_once(names[is_mangled]),
        dates=_each_once(names[is_date]),
        mouse_style=_each_once(names[is_name & names.str.fullmatch(_MOUSE)]),
        lower_case=_each_once(names[is_name & names.str.fullmatch(_LOWER)]),
        duplicated=_each_once(names[names.duplicated()]),
    )


def offer(labels: Iterable[object], known: Iterable[str]) -> dict[str, str]:
    """Offer what labels that are not known may have meant; nothing is renamed.

    Tried are the label without blanks around it, in capitals, without an Ensembl version, a
    symbol that Excel made a date, and the old and new names of such symbols. A label is left
    out when it is known, or when none or several of the known names come into question.

    Args:
        labels: Names as they are in a file.
        known: Names as they should be, such as a network's nodes.

    Returns:
        Known name by label; two labels may be offered the same one.

    Example:
        >>> offer(["Alb", "1-Sep", "2-Mar", "TF"], ["ALB", "SEPTIN1", "MARCHF2", "MTARC2", "TF"])
        {'Alb': 'ALB', '1-Sep': 'SEPTIN1'}
    """
    names = {str(name) for name in known}
    offers = {}
    for label in dict.fromkeys(map(str, labels)):
        if label in names:
            continue
        found = dict.fromkeys(name for name in _meanings(label) if name in names)
        if len(found) == 1:
            offers[label] = next(iter(found))
    return offers


def without_version(name: str) -> str:
    """Cut the version off an Ensembl id; any other name is returned as it is.

    Example:
        >>> without_version("ENSG00000163631.18"), without_version("RP11-34P13.7")
        ('ENSG00000163631', 'RP11-34P13.7')
    """
    match = _VERSIONED.fullmatch(name)
    return match.group(1) if match else name


def _kinds(names: pd.Series) -> pd.Series:
    """Give each name its kind."""
    kinds = pd.Series("other", index=names.index, dtype=object)
    is_symbol = names.str.fullmatch(_SYMBOL) & ~names.str.fullmatch(_NO_SYMBOL)
    kinds[is_symbol & ~names.map(_is_date).astype(bool)] = "symbol"
    kinds[names.str.fullmatch(_ENTREZ)] = "entrez"
    kinds[names.str.fullmatch(_ENSEMBL)] = "ensembl"
    kinds[names.str.fullmatch(_VERSIONED)] = "ensembl_versioned"
    return kinds


def _main_kind(shares: Mapping[str, float]) -> str:
    """Name the kind of nine in ten names."""
    both = shares["ensembl"] + shares["ensembl_versioned"]
    if both >= MOSTLY:
        return max(("ensembl", "ensembl_versioned"), key=lambda kind: shares[kind])
    most = max(KINDS, key=lambda kind: shares[kind])
    # No names at all are of no kind.
    return "other" if not any(shares.values()) else most if shares[most] >= MOSTLY else "mixed"


def _is_date(name: str) -> bool:
    """Say whether a spreadsheet made a name a date or a power; plain numbers are not told."""
    forms = (_DAY_MONTH, _MONTH_DAY, _FULL_DATE, _SLASHED, _POWER)
    return any(form.fullmatch(name) for form in forms)


def _meanings(label: str) -> list[str]:
    """List the names a label may stand for."""
    plain = label.strip()
    meanings = [plain, plain.upper(), without_version(plain), without_version(plain.upper())]
    for month, day in _month_and_day(plain):
        for old in _OF_MONTH.get(month, ()):
            meanings += [f"{_RENAMED[old]}{day}", f"{old}{day}"]
    if match := _FRAGILE.fullmatch(plain):
        stem, number = (match.group(1) or match.group(3)).upper(), match.group(2) or match.group(4)
        meanings.append(f"{_RENAMED[stem]}{number}")
    for old, new in _RENAMED.items():
        if re.fullmatch(rf"{new}\d+", plain, re.IGNORECASE):
            meanings.append(f"{old}{plain[len(new) :]}")
    return meanings


def _month_and_day(label: str) -> list[tuple[int, int]]:
    """Read a date; one with slashes has two readings."""
    if match := _DAY_MONTH.fullmatch(label):
        return [(_NUMBERS.get(match.group(2).lower(), 0), int(match.group(1)))]
    if match := _MONTH_DAY.fullmatch(label):
        # Excel takes SEPT1 for September 2001 or for the first of September.
        return [(_NUMBERS.get(match.group(1).lower(), 0), int(match.group(2)) % 100)]
    if match := _FULL_DATE.fullmatch(label):
        return [(int(match.group(1)), int(match.group(2)))]
    if match := _SLASHED.fullmatch(label):
        first, second = int(match.group(1)), int(match.group(2))
        return [(first, second), (second, first)]
    if _DAYS.fullmatch(label):
        day = _FIRST_DAY + timedelta(days=int(label.partition(".")[0]))
        return [(day.month, day.day)]
    return []


def _each_once(names: pd.Series) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def doubts(genes: pd.Index, known: pd.Index) -> dict[str, str]:
    """Say of names that are not known, but look as if they should be, what is wrong with them.

    Args:
        genes: Names of a table's genes.
        known: A network's nodes.

    Returns:
        Reason by name: names a spreadsheet spoilt, and names that may be a known one which the
        table does not have as it is. The reasons start with :data:`SPOILT` or :data:`MAY_BE`.
    """
    strangers = genes[~genes.isin(known)]
    offers = offer(strangers, known)
    reasons = {name: f"{MAY_BE} {meant}" for name, meant in offers.items() if meant not in genes}
    for name in diagnose_names(genes).dates:
        if name in offers:
            reasons[name] = f"{SPOILT}, {MAY_BE} {offers[name]}"
        else:
            reasons[name] = SPOILT
    return reasons
