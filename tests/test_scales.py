"""Scales of expression values: each told from numbers, mixtures named, doubts kept."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lembas.scales import KINDS, check_scales, diagnose_scale
from lembas.tables import read_expression

RNG = np.random.default_rng(7)
N_SAMPLES, N_GENES = 12, 400
LABELS = {
    "index": [f"S{i}" for i in range(N_SAMPLES)],
    "columns": [f"G{i}" for i in range(N_GENES)],
}
# As in a library: a few genes hold most of the molecules, and many hold none.
MEANS = 10 ** RNG.normal(1.5, 1.2, N_GENES)
COUNTS = pd.DataFrame(RNG.poisson(MEANS, (N_SAMPLES, N_GENES)).astype(float), **LABELS)
CPM = COUNTS.div(COUNTS.sum(axis=1), axis=0) * 1e6
LOG10, LOG2 = np.log10(CPM + 1), np.log2(CPM + 1)
TABLES = {
    "counts": COUNTS,
    "linear": CPM,
    "log10": LOG10,
    "log2": LOG2,
    "centred": LOG10 - LOG10.mean(),
}


@pytest.mark.parametrize("kind", TABLES)
def test_each_scale_is_told(kind: str) -> None:
    report = diagnose_scale(TABLES[kind])
    assert report.kind == kind
    assert report.kind in KINDS
    assert report.may_be == ({kind} & {"counts", "log10"})
    assert report.evidence


@pytest.mark.parametrize("kind", TABLES)
def test_order_and_precision_change_nothing(kind: str) -> None:
    table = TABLES[kind]
    report = diagnose_scale(table)
    shuffled = table.sample(frac=1, random_state=1).sample(frac=1, axis=1, random_state=2)
    assert diagnose_scale(shuffled).kind == kind
    assert diagnose_scale(table.astype(np.float32)).kind == kind
    assert diagnose_scale(table.round(2)).kind == kind
    assert diagnose_scale(table).evidence == report.evidence


@pytest.mark.parametrize("other", [kind for kind in TABLES if kind != "log10"])
def test_some_samples_on_another_scale(other: str) -> None:
    mixed = pd.concat([TABLES[other].iloc[:2], LOG10.iloc[2:]])
    report = diagnose_scale(mixed)
    # Centred samples have negative values, which no other logarithm has.
    assert report.kind == ("centred" if other == "centred" else "mixed")
    assert "log10" not in report.may_be


def test_a_mixture_is_shown_by_samples() -> None:
    report = diagnose_scale(pd.concat([COUNTS.iloc[:2], LOG10.iloc[2:]]))
    assert report.evidence[0].startswith("2 samples (S0, S1) values up to")
    assert "100 % of those other than 0 whole" in report.evidence[0]
    assert report.evidence[1].startswith("10 samples (S2, S3, S4, S5, S6 and 5 more)")
    assert "as log10 they sum to 1e+06" in report.evidence[1]


def test_the_sum_of_counts_is_said_to_be_the_median() -> None:
    deep = pd.concat([COUNTS.iloc[:1] * 1000, COUNTS.iloc[1:]])
    total = np.median(deep.sum(axis=1))
    assert f"that sum to {total:,.4g} (median)." in diagnose_scale(deep).evidence[0]


def test_counts_and_cpm_mixed() -> None:
    assert diagnose_scale(pd.concat([COUNTS.iloc[:2], CPM.iloc[2:]])).kind == "mixed"


def test_expected_counts_are_counts() -> None:
    """RSEM shares some reads out between genes: a third of its values are not whole."""
    shared = COUNTS + 0.25 * (RNG.random(COUNTS.shape) < 0.3)
    assert diagnose_scale(shared).kind == "counts"


def test_a_part_of_the_genes_keeps_its_scale() -> None:
    for kind in ("counts", "log10", "log2"):
        assert diagnose_scale(TABLES[kind].iloc[:, ::3]).kind == kind


def test_natural_logarithms_are_no_log10() -> None:
    for total in (1e6, 1e4):
        report = diagnose_scale(np.log1p(CPM * total / 1e6))
        assert report.kind == "unclear"
        assert report.may_be == frozenset()
        assert (
            f"as natural logarithms they sum to {'1e+06' if total == 1e6 else '10,000'}"
            in (report.evidence[0])
        )


def test_what_cannot_be_told_is_left_open() -> None:
    few = pd.DataFrame({"ALB": [1.0, 2.0], "AFP": [0.0, 3.0]})
    assert diagnose_scale(few).may_be == {"counts", "log10"}
    faint = pd.DataFrame({"ALB": [1.5, 2.5], "AFP": [0.25, 3.0]})
    assert diagnose_scale(faint).may_be == {"log10"}
    fpkm = CPM.iloc[:, :50]
    assert diagnose_scale(fpkm).may_be == {"counts"}
    for table in (few, faint, fpkm):
        assert diagnose_scale(table).kind == "unclear"
    assert diagnose_scale(few * 0).evidence == ("Too few values other than 0 to tell.",)


# The check at the border


def test_sound_tables_pass() -> None:
    check_scales({"a.tsv": COUNTS, "b.tsv": COUNTS.iloc[:3]}, "counts")
    check_scales({"a.tsv": LOG10, "b.tsv": LOG10.iloc[:, :20]}, "log10")


@pytest.mark.parametrize(
    ("table", "expected", "message"),
    [
        (LOG10, "counts", r"holds log10 values, where raw counts are.*or, if these are log10"),
        (LOG2, "counts", r"holds log2 values, where raw counts are expected"),
        (CPM, "counts", r"sum to a million \(CPM or TPM\), where raw counts"),
        (COUNTS, "log10", r"holds counts, where log10\(CPM \+ 1\).*through the source counts"),
        (CPM, "log10", r"sum to 1,000,000, as CPM and TPM do\..*Take log10\(x \+ 1\) first"),
        (LOG2, "log10", r"as log2 to 1e\+06\..*Multiply log2\(x \+ 1\) by log10\(2\) = 0\.30103"),
        (TABLES["centred"], "log10", r"12 of 12 samples have negative values; the least is -"),
        (np.log1p(CPM), "log10", r"unknown scale.*natural logarithms they sum to 1e\+06"),
    ],
)
def test_another_scale_is_refused_with_the_evidence(
    table: pd.DataFrame, expected: str, message: str
) -> None:
    with pytest.raises(ValueError, match=rf"^bad\.tsv .*{message}.*set check_scale to false"):
        check_scales({"bad.tsv": table}, expected)


def test_cohorts_on_different_scales_are_told_apart() -> None:
    tables = {"study.tsv": LOG10, "far.tsv": LOG2, "near.tsv": LOG10, "odd.tsv": COUNTS}
    message = r"^far\.tsv .*Also refused: odd\.tsv\. On the expected scale: study\.tsv, near\.tsv"
    with pytest.raises(ValueError, match=message):
        check_scales(tables, "log10")


@pytest.mark.liver
@pytest.mark.parametrize(
    ("file", "genes_in", "kind"),
    [
        ("raw/counts_GSE130970.tsv.gz", "rows", "counts"),
        ("tables/tf_expression.tsv.gz", "columns", "log10"),
        ("tables/gene_expression.tsv.gz", "columns", "log10"),
        ("tables/external.tsv.gz", "columns", "log10"),
    ],
)
def test_liver_tables(liver, file: str, genes_in: str, kind: str) -> None:
    table = read_expression(liver / file, genes_in=genes_in)
    assert diagnose_scale(table).kind == kind
    if kind == "log10":
        as_log2 = table / np.log10(2)
        assert diagnose_scale(as_log2).kind == "log2"
        assert diagnose_scale(10**table - 1).kind != "log10"
