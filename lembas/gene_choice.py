"""Choose the table that turns a study's identifiers into the network's names."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from lembas.draft import Draft
from lembas.folder_survey import Answers, Found
from lembas.formats import listed, read_records
from lembas.gene_names import without_version
from lembas.measured import Measured, needs_map, overlap

IN_WORDS = {"ensembl": "Ensembl ids", "ensembl_versioned": "Ensembl ids", "entrez": "Entrez ids"}


def choose_names(draft: Draft, found: Found, answers: Answers) -> None:
    """Choose how a study's genes get the names that the network knows.

    NCBI's annotation is chosen with the source "geo"; other identifiers need a table of names, or
    a column of an .h5ad's ``var``. Names that the network knows need neither.
    """
    study, network = draft.study, found.networks.get(draft.files.get("network", ""))
    if study is None or not draft.source:
        return
    if draft.source == "geo":
        pair = ("GeneID", "Symbol")
        _map(draft, found, draft.files["annotation"], pair=pair)
        return
    some = network or next(iter(found.networks.values()), None)
    if some is None or not (answers.gene_map or needs_map(study, overlap(study, some, ""))):
        return
    if column := _symbols_in(study, some.nodes):
        draft.set("symbols_in", column, "the column of var whose names the network knows")
        draft.names[study.file] = pd.Index(study.record.var[column].astype(str), dtype=object)
        return
    _choose_map(draft, found, study, said=answers.gene_map)


def _symbols_in(study: Measured, known: pd.Index) -> str:
    """Name the column of an .h5ad's genes that holds names the network knows; empty for none."""
    var = study.record.var
    shares = {str(name): float(var[name].astype(str).isin(known).mean()) for name in var.columns}
    best = max(shares, key=shares.__getitem__, default="")
    return best if best and shares[best] > 0 else ""


def _choose_map(draft: Draft, found: Found, study: Measured, *, said: str) -> None:
    """Take the only table of names, or the one the user names."""
    files = [said] if said else [record.file for record in found.of_role("gene_map")]
    kind = IN_WORDS.get(study.names.kind, "names")
    if len(files) == 1:
        record = found.records[files[0]]
        draft.use("gene_map", record.file, "named by --gene-map" if said else record.why)
        _map(draft, found, record.file, pair=record.pair)
        return
    draft.needs_names = True
    if files:
        text = f"There are {len(files)} tables of gene names: {listed(files)}. Which holds?"
        draft.ask(text, f"--gene-map {files[0]}")
        return
    draft.ask(
        f"The genes of {study.file} are {kind}, such as {listed(study.genes, most=2)}, and the "
        "network has symbols.",
        "put a table of these ids and their symbols into the folder"
        + (
            ", or NCBI's annotation (GeneID, Symbol) of the same genome"
            if study.names.kind == "entrez"
            else ""
        ),
    )


def _map(draft: Draft, found: Found, file: str, *, pair: tuple[str, str]) -> None:
    """Keep the names that a table gives to the genes of every table of expression."""
    old, new = pair
    records = read_records(Path(found.folder) / file, "table of gene names", pair)
    symbols = dict(zip(records[old].map(without_version), records[new], strict=True))
    for table in found.tables:
        names = [symbols.get(without_version(str(gene)), "") for gene in table.genes]
        draft.names[table.file] = pd.Index([name for name in names if name], dtype=object)
