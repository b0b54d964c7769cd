"""Say where a table has its genes, in its rows or its columns, and by what that is known."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pandas as pd

from lembas.formats import counted
from lembas.gene_names import diagnose_names
from lembas.peek import chosen

# Accessions that are never a gene's: GEO, SRA and its sisters, BioSample, TCGA, GTEx.
ACCESSION = re.compile(
    r"(GSM|SRR|SRX|SRS|ERR|ERX|ERS|DRR|DRX|DRS)\d+|SAM[NED]A?\d+|TCGA-\w\w-.+|GTEX-.+"
)
GENE_CORNERS = frozenset(
    {
        *("gene", "genes", "gene_name", "gene_id", "gene_symbol", "geneid"),
        *("symbol", "symbols", "ensembl", "ensembl_id"),
    }
)
SAMPLE_CORNERS = frozenset(["sample", "samples", "sample_id", "sampleid", "geo_accession", "gsm"])
OTHER_SIDE = {"rows": "columns", "columns": "rows"}
# An axis is that of the genes when the network knows this part of what it knows of both.
CLEARLY = 0.9
MOST = 0.9
# Labels enough to know a kind of names by.
SOME = 500


@dataclass(frozen=True)
class Orientation:
    """Say where the genes are.

    Attributes:
        genes_in: "rows" or "columns"; empty when nothing says so, or signs contradict each other.
        why: The signs, for people.
    """

    genes_in: str
    why: str


def orientation(
    rows: pd.Index, columns: pd.Index, *, corner: str = "", known: pd.Index | None = None
) -> Orientation:
    """Find the axis of the genes by the names on both axes.

    Args:
        rows: Row labels.
        columns: Column labels.
        corner: Name of the column of row labels.
        known: Names of genes, such as a network's nodes.

    Returns:
        The axis that every sign points to; where signs differ, or there are none, no axis.
    """
    signs = [
        sign
        for sign in (
            _by_known(rows, columns, known),
            _by_accessions(rows, columns),
            _by_identifiers(rows, columns),
            _by_corner(corner),
        )
        if sign.genes_in
    ]
    axes = {sign.genes_in for sign in signs}
    why = "; ".join(sign.why for sign in signs)
    if len(axes) == 1:
        return Orientation(axes.pop(), why)
    return Orientation("", why or "neither axis has names that tell genes from samples")


def _by_known(rows: pd.Index, columns: pd.Index, known: pd.Index | None) -> Orientation:
    """Count names that the network knows."""
    if known is None:
        return Orientation("", "")
    found = {"rows": int(rows.isin(known).sum()), "columns": int(columns.isin(known).sum())}
    axis = max(found, key=found.__getitem__)
    if found[axis] == 0 or found[axis] < CLEARLY * sum(found.values()):
        return Orientation("", "")
    return Orientation(axis, f"{counted(found[axis], 'name')} of the network in the {axis}")


def _by_accessions(rows: pd.Index, columns: pd.Index) -> Orientation:
    """Look for an axis of accessions, which only samples have."""
    shares = {
        "rows": _share_of_accessions(rows),
        "columns": _share_of_accessions(columns),
    }
    samples_in = [axis for axis, share in shares.items() if share >= MOST]
    if len(samples_in) != 1:
        return Orientation("", "")
    labels = rows if samples_in[0] == "rows" else columns
    return Orientation(
        OTHER_SIDE[samples_in[0]],
        f"accessions of samples in the {samples_in[0]}, such as {labels[0]}",
    )


def _share_of_accessions(labels: pd.Index) -> float:
    return float(labels.astype(str).str.fullmatch(ACCESSION).mean()) if len(labels) else 0.0


def _by_identifiers(rows: pd.Index, columns: pd.Index) -> Orientation:
    """Look for an axis of Ensembl identifiers, which only genes have."""
    found = [
        axis
        for axis, labels in (("rows", rows), ("columns", columns))
        if diagnose_names(labels[chosen(labels, SOME)]).kind.startswith("ensembl")
    ]
    if len(found) != 1:
        return Orientation("", "")
    return Orientation(found[0], f"Ensembl identifiers in the {found[0]}")


def _by_corner(corner: str) -> Orientation:
    """Read the name of the column of row labels."""
    plain = corner.strip().lower().replace(" ", "_")
    if plain in GENE_CORNERS:
        return Orientation("rows", f"first column named {corner}")
    if plain in SAMPLE_CORNERS:
        return Orientation("columns", f"first column named {corner}")
    return Orientation("", "")
