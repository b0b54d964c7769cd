"""Look for samples and genes that are of poor quality, whatever they do to a score."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from lembas.cohorts import ROWS_AT_ONCE, Dataset
from lembas.formats import counted

AUDIT_COLUMNS = ("check", "finding", "count", "examples", "verdict")
# A median absolute deviation times this estimates a normal distribution's standard deviation.
MAD_TO_SD = 1.4826
LEAST_FOLD = 2.0
FEW_READS = 1 / 10
FEW_GENES = 1 / 2
MANY_CONSTANT = 1 / 10


def quality_audit(dataset: Dataset) -> pd.DataFrame:
    """Check a dataset's samples and genes; every sample is compared with its own cohort.

    Args:
        dataset: Study and external cohorts.

    Returns:
        One row a check, with the columns and verdicts of :func:`lembas.audit.leakage_audit`; here
        ``"warning"`` says that samples or genes should be looked at before a fit.
    """
    rows = [*_library_sizes(dataset), _few_genes(dataset), *_constant(dataset)]
    return pd.DataFrame(rows, columns=list(AUDIT_COLUMNS))


def library_size_outliers(library_size: pd.Series, cohort: pd.Series, *, n: float = 3) -> pd.Index:
    """Name samples whose library size is far from their cohort's median.

    Far is more than ``n`` scaled median absolute deviations of the logarithm (McCarthy 2017,
    doi:10.1093/bioinformatics/btw777), and twofold at least: in a cohort of nearly equal sizes the
    deviations are tiny. Samples of unknown size are left out.

    Args:
        library_size: Counts, over ``sample``.
        cohort: Name of each sample's cohort, over ``sample``.
        n: Number of deviations.

    Returns:
        Samples in their order.
    """
    size = np.log10(library_size.where(library_size > 0)).dropna()
    groups = cohort.reindex(size.index)
    distance = (size - size.groupby(groups).transform("median")).abs()
    deviation = MAD_TO_SD * distance.groupby(groups).transform("median")
    limit = (n * deviation).clip(lower=np.log10(LEAST_FOLD))
    return size.index[distance > limit]


def detected_genes(dataset: Dataset) -> pd.Series:
    """Count the genes above 0 in each sample, over ``sample``."""
    values = dataset.expression.to_numpy()
    blocks = range(0, len(values), ROWS_AT_ONCE)
    counts = [(values[start : start + ROWS_AT_ONCE] > 0).sum(axis=1) for start in blocks]
    return pd.Series(np.concatenate(counts), index=dataset.expression.index, name="detected")


def audit_row(
    check: str, finding: str, offenders: Iterable[object], *, verdict: str = "warning"
) -> dict[str, object]:
    """Make one row of an audit.

    Args:
        check: Name of the check.
        finding: What was looked for, one sentence.
        offenders: Names of what was found.
        verdict: Verdict where there are offenders; without them it is ``"ok"``.
    """
    names = list(offenders)
    return {
        "check": check,
        "finding": finding,
        "count": len(names),
        "examples": ", ".join(str(name) for name in names[:5]),
        "verdict": verdict if names else "ok",
    }


def _library_sizes(dataset: Dataset) -> list[dict[str, object]]:
    """Check for samples with unusually many or few reads."""
    size, cohort = dataset.samples["library_size"], dataset.samples["cohort"]
    n_unknown = int(size.isna().sum())
    if n_unknown == len(size):
        return [
            audit_row("library sizes", "Not checked: they are not known.", []) | {"verdict": "note"}
        ]
    aside = f" {counted(n_unknown, 'sample')} of unknown size left out." if n_unknown else ""
    share = size / size.groupby(cohort).transform("median")
    return [
        audit_row(
            "library sizes that are outliers",
            "Samples whose number of reads is more than 3 deviations (MAD, of the logarithm) and "
            f"twofold at least from their cohort's median.{aside}",
            library_size_outliers(size, cohort),
            verdict="note",
        ),
        audit_row(
            "samples with few reads",
            f"Samples with less than {FEW_READS:g} of the reads of their cohort's median: mostly "
            f"counting noise.{aside}",
            size.index[share < FEW_READS],
        ),
    ]


def _few_genes(dataset: Dataset) -> dict[str, object]:
    """Check for samples in which few genes are seen."""
    detected, cohort = detected_genes(dataset), dataset.samples["cohort"]
    median = detected.groupby(cohort).transform("median")
    return audit_row(
        "samples with few detected genes",
        f"Samples with fewer genes above 0 than {FEW_GENES:g} times their cohort's median.",
        detected.index[detected < FEW_GENES * median],
    )


def _constant(dataset: Dataset) -> list[dict[str, object]]:
    """Check in each part of the data for genes of one value, whose scores are not defined."""
    rows = []
    for name, measured in dataset.measured.items():
        genes = dataset.expression.columns[measured.to_numpy()]
        if not len(dataset.rows[str(name)]):
            continue
        values = dataset.expression_of(str(name), genes).to_numpy()
        constant = genes[values.min(axis=0) == values.max(axis=0)]
        share = len(constant) / len(genes) if len(genes) else 0.0
        verdict = "warning" if share > MANY_CONSTANT else "note"
        what = "teach a model nothing" if name == "train" else "have no R2, skill or correlation"
        rows.append(
            audit_row(
                f"constant genes in {name}",
                f"Genes with one value in all its samples, {share:.1%} of {len(genes):,}: they "
                f"{what}.",
                constant,
                verdict=verdict,
            )
        )
    return rows
