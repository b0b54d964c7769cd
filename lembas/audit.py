"""Look for leakage between training and test data, and describe a dataset's quality."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA

from lembas.cohorts import ROWS_AT_ONCE
from lembas.data import Dataset
from lembas.duplicates import duplicate_pairs
from lembas.gene_names import MAY_BE, SPOILT
from lembas.network import Network
from lembas.quality import AUDIT_COLUMNS
from lembas.quality import audit_row as _row
from lembas.strata import mean_and_sd

# The symbol TF stands for a gene; no one who filters by TF-or-gene nodes notices it.
TRANSFERRIN = "TF"
# What a pair of equal samples does, by where they lie.
SIDES = {
    "within one cohort": ("note", "count twice in fits or scores"),
    "across cohorts": ("warning", "let a model be scored on samples it was fitted to"),
}


def leakage_audit(
    dataset: Dataset, network: Network, *, near_duplicate: float = 0.95
) -> pd.DataFrame:
    """Check a dataset for what could make a score look better than it is.

    Args:
        dataset: Study and external cohorts.
        network: The network the dataset was built with.
        near_duplicate: Correlation of two samples, over genes, after each gene was centred
            within its cohort, from which they count as nearly the same.

    Returns:
        One row a check: ``check``; ``finding``, one sentence; ``count``, how many offend;
        ``examples``, the first five; ``verdict``: ``"ok"``, ``"note"`` (accounted for, or of no
        harm by itself) or ``"warning"`` (scores may be flattered).
    """
    rows = [
        *_roles(dataset, network),
        *_duplicates(dataset, near_duplicate),
        *_series(dataset),
        _similar_names(dataset),
        _self_loops(dataset, network),
        *_unknown_signs(dataset, network),
        *_odd_names(dataset),
        *_gaps(dataset),
    ]
    return pd.DataFrame(rows, columns=list(AUDIT_COLUMNS))


def gene_summary(dataset: Dataset) -> pd.DataFrame:
    """Describe each gene over the training samples.

    Args:
        dataset: Study and external cohorts.

    Returns:
        Over ``gene``, sorted: ``mean`` and ``sd`` (n - 1) over the training samples, in the
        dataset's unit; ``role``: ``"TF input"``, ``"target"`` or ``"both"``; and for each cohort
        a column ``measured_in_<cohort>``.
    """
    genes = dataset.expression.columns
    is_input, is_target = genes.isin(dataset.inputs), genes.isin(dataset.targets)
    summary = mean_and_sd(dataset.expression_of("train", genes))
    roles = np.select([is_input & is_target, is_input], ["both", "TF input"], "target")
    summary["role"] = roles
    for name in dataset.measured:
        summary[f"measured_in_{name}"] = dataset.measured[name]
    return summary.sort_index()


def missingness(dataset: Dataset) -> pd.DataFrame:
    """Count measured and missing genes in each cohort.

    Returns:
        One row a cohort and role: ``cohort``, ``role`` (``"input"``, ``"target"``), ``measured``,
        ``missing``.
    """
    rows = []
    for name, measured in dataset.measured.items():
        for role, genes in (("input", dataset.inputs), ("target", dataset.targets)):
            n_measured = int(measured[genes].sum())
            rows.append((name, role, n_measured, len(genes) - n_measured))
    return pd.DataFrame(rows, columns=["cohort", "role", "measured", "missing"])


def pca(dataset: Dataset, *, n: int = 2, seed: int = 888) -> tuple[pd.DataFrame, pd.Series]:
    """Project all samples on the principal components of the training samples.

    Only genes that every cohort measured are used, centred on their training means and not
    scaled, so that a shift between cohorts stays visible.

    Args:
        dataset: Study and external cohorts.
        n: Number of components.
        seed: Seed of the solver, which is a randomised one for large tables.

    Returns:
        Coordinates over ``sample``, columns ``pc1``, ``pc2``, ..., ``cohort``, ``split`` and
        ``series``; and the part of the training variance that each component explains.

    Raises:
        ValueError: If fewer genes or training samples than components are there.
    """
    known = dataset.expression.columns[dataset.measured.all(axis=1)]
    train = dataset.expression_of("train", known).to_numpy()
    if not 1 <= n <= min(train.shape):
        raise ValueError(
            f"n is {n}; with {len(train)} training samples and {len(known)} genes "
            f"measured in every cohort, expected 1 to {min(train.shape)} components"
        )
    # One copy, for the solver to overwrite.
    model = PCA(n_components=n, random_state=seed, copy=False).fit(train.copy())
    values, place = dataset.expression.to_numpy(), dataset.expression.columns.get_indexer(known)
    names = [f"pc{number}" for number in range(1, n + 1)]
    scores = pd.DataFrame(np.nan, index=dataset.expression.index, columns=names)
    for first in range(0, len(scores), ROWS_AT_ONCE):
        part = slice(first, first + ROWS_AT_ONCE)
        scores.iloc[part] = model.transform(values[part].take(place, axis=1))
    explained = pd.Series(
        model.explained_variance_ratio_.astype(np.float64),
        index=pd.Index(names, name="component"),
        name="explained_ratio",
    )
    return scores.join(dataset.samples[["cohort", "split", "series"]]), explained


def _roles(dataset: Dataset, network: Network) -> list[dict[str, object]]:
    """Check inputs against targets and against the network's TFs."""
    excluded = dataset.excluded
    also_inputs = excluded.loc[excluded["reason"] == "also an input", "gene"]
    dropped = excluded.loc[excluded["reason"] == "no TF of the network", "gene"]
    foreign = dataset.inputs[~dataset.inputs.isin(network.tfs) | (dataset.inputs == TRANSFERRIN)]
    return [
        _row(
            "inputs that are targets",
            "A model that is given a gene need not predict it; score these targets apart.",
            dataset.inputs.intersection(dataset.targets),
        ),
        _row(
            "targets left out",
            "Targets that are inputs, left out so that no model is asked for what it is given.",
            also_inputs,
            verdict="note",
        ),
        _row(
            "non-TFs among the inputs",
            f"Inputs that are no transcription factors of the network{_case(foreign)}.",
            foreign,
        ),
        _row(
            "non-TFs left out",
            f"Columns offered as TFs that are none in the network, left out{_case(dropped)}.",
            dropped,
            verdict="note",
        ),
    ]


def _case(genes: Iterable[str]) -> str:
    """Name the best-known case, if it is among the genes."""
    return f"; {TRANSFERRIN} is transferrin, not a factor" if TRANSFERRIN in set(genes) else ""


def _duplicates(dataset: Dataset, near_duplicate: float) -> list[dict[str, object]]:
    """Check for samples that are the same or nearly so, by the sides they lie on."""
    n_genes = int(dataset.measured.all(axis=1).sum())
    if n_genes < 2:
        finding = f"Not checked: {n_genes} gene(s) were measured in every cohort."
        return [_row("duplicate samples", finding, []) | {"verdict": "note"}]
    pairs = duplicate_pairs(dataset, near_duplicate)
    rows = []
    for is_exact in (True, False):
        check = "duplicate samples" if is_exact else "near-duplicate samples"
        how = "equal values" if is_exact else f"correlation >= {near_duplicate:g}"
        for side, (verdict, harm) in SIDES.items():
            found = pairs[(pairs["is_exact"] == is_exact) & (pairs["side"] == side)]
            rows.append(
                _row(
                    f"{check} {side}",
                    f"Pairs with {how} over {n_genes} genes {harm}.",
                    found["first"] + " ~ " + found["second"],
                    verdict=verdict,
                )
            )
    return rows


def _series(dataset: Dataset) -> list[dict[str, object]]:
    """Check for series whose samples lie on both sides of a comparison."""
    samples = dataset.samples
    known = samples[samples["series"] != ""]
    series = {split: set(part["series"]) for split, part in known.groupby("split")}
    train, test = series.get("train", set()), series.get("test", set())
    if not train:
        finding = (
            "No series is known: samples of one laboratory or batch may be on both sides of the "
            "split, which flatters the test scores."
        )
        return [_row("series on both sides", finding, []) | {"verdict": "note"}]
    return [
        _row(
            "series on both sides", "Series with training and test samples.", sorted(train & test)
        ),
        _row(
            "series in study and external cohort",
            "An external cohort should share no series with the study.",
            sorted((train | test) & series.get("external", set())),
        ),
    ]


def _similar_names(dataset: Dataset) -> dict[str, object]:
    """Check for names that differ in capitals or punctuation only, across cohorts."""
    samples = dataset.samples
    plain = samples.index.str.casefold().str.replace(r"[\W_]+", "", regex=True)
    table = pd.DataFrame({"plain": plain, "cohort": samples["cohort"].to_numpy()})
    n_cohorts = table.groupby("plain")["cohort"].transform("nunique").to_numpy()
    return _row(
        "one sample name in two cohorts",
        "Names that differ at most in capitals and punctuation, in more than one cohort.",
        samples.index[n_cohorts > 1],
    )


def _self_loops(dataset: Dataset, network: Network) -> dict[str, object]:
    """Check for inputs with an edge to themselves."""
    loops = network.self_loops["TF"]
    return _row(
        "self-loops",
        "Inputs with an edge to themselves; it stays in the network and predicts no target.",
        loops[loops.isin(dataset.inputs)],
        verdict="note",
    )


def _unknown_signs(dataset: Dataset, network: Network) -> list[dict[str, object]]:
    """Count the edges in use without a known sign, where the network has any."""
    edges = network.unsigned
    if edges.empty:
        return []
    used = edges[edges["TF"].isin(dataset.inputs) & edges["Gene"].isin(dataset.expression.columns)]
    finding = (
        "Edges in use whose sign is unknown: no model is asked for a sign there, and agreement of "
        "signs is not counted."
    )
    return [_row("edges without a sign", finding, used["TF"] + "->" + used["Gene"], verdict="note")]


def _odd_names(dataset: Dataset) -> list[dict[str, object]]:
    """Check for genes left out whose names look spoilt or misspelt."""
    excluded = dataset.excluded.drop_duplicates("gene")
    is_spoilt = excluded["reason"].str.startswith(SPOILT)
    may_be = excluded["reason"].str.extract(rf"{MAY_BE} (\S+)$", expand=False)
    shown = excluded["gene"].where(may_be.isna(), excluded["gene"] + " (" + may_be + ")")
    return [
        _row(
            "names spoilt by a spreadsheet",
            "Dates and numbers in the place of gene names; these genes are left out.",
            sorted(shown[is_spoilt]),
        ),
        _row(
            "names that may be others",
            "Genes left out that the network may have under the name in brackets.",
            sorted(shown[may_be.notna() & ~is_spoilt]),
        ),
    ]


def _gaps(dataset: Dataset) -> list[dict[str, object]]:
    """List what each external cohort did not measure."""
    rows = []
    for name, cohort in dataset.external.items():
        with_what = "zero" if dataset.fill == "zero" else "its training mean"
        rows += [
            _row(
                f"inputs filled in {name}",
                f"TFs not measured in {name}; each is given {with_what}.",
                cohort.imputed,
                verdict="note",
            ),
            _row(
                f"targets missing from {name}",
                f"Targets not measured in {name}; left out of its scores.",
                cohort.missing,
                verdict="note",
            ),
        ]
    return rows


def sample_counts(dataset: Dataset) -> pd.DataFrame:
    """Count the samples of each part of the data.

    Returns:
        One row a part: cohort, part, samples, series (known ones), imputed inputs, missing
        targets.
    """
    rows = []
    for name, cohort in dataset.cohorts.items():
        external = name in dataset.external
        rows.append(
            {
                "cohort": name if external else dataset.study,
                "part": "external" if external else name,
                "samples": len(cohort.x),
                "known series": "none" if cohort.series is None else cohort.series.nunique(),
                "imputed inputs": len(cohort.imputed),
                "missing targets": len(cohort.missing),
            }
        )
    return pd.DataFrame(rows)
