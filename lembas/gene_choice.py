"""Choose the table that turns a study's identifiers into the network's names."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from lembas.draft import Draft
from lembas.folder_survey import Answers, Found
from lembas.formats import listed, read_records
from lembas.gene_mapping import read_gene_map
from lembas.gene_names import without_version
from lembas.measured import Measured, needs_map, overlap
from lembas.network import Network
from lembas.recognise import Recognised

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
        annotation = draft.files["annotation"]
        table = read_records(found.folder / annotation, "annotation", ("GeneID", "Symbol"))
        _rename(draft, found, dict(zip(table["GeneID"], table["Symbol"], strict=True)))
        return
    some = network if network is not None else next(iter(found.networks.values()), None)
    if some is None:
        return
    if answers.to_upper:
        _put_in_capitals(draft, found, some)
    elif answers.gene_map or needs_map(study, overlap(study, some, "")):
        if column := _symbols_in(study, some.nodes):
            draft.set("symbols_in", column, "the column of var whose names the network knows")
            symbols = study.record.var[column].astype(str)
            _rename(draft, found, dict(zip(study.genes, symbols, strict=True)))
        else:
            _choose_map(draft, found, study, said=answers.gene_map)
    if study.file in draft.names:
        _settle_duplicates(draft, study, some, said=answers.duplicates)


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
        _use_map(draft, found, found.records[files[0]], said=bool(said))
        return
    draft.needs_names = True
    if files:
        text = f"There are {len(files)} tables of gene names: {listed(files)}. Which holds?"
        draft.ask(text, f"--gene-map {files[0]}")
        return
    draft.ask(
        f"The genes of {study.file} are {kind}, such as {listed(study.genes, most=2)}, and the "
        "network has symbols.",
        "put a table with the columns gene_id and symbol into the folder"
        + (
            ", or NCBI's annotation (GeneID, Symbol) of the same genome"
            if study.names.kind == "entrez"
            else ""
        ),
    )


def _use_map(draft: Draft, found: Found, record: Recognised, *, said: bool) -> None:
    """Read a table of names, or ask for the names of columns that readers know."""
    wanted = ("gene_id", "symbol")
    if record.pair != wanted:
        draft.needs_names = True
        draft.ask(
            f"{record.file} has identifiers in its column {record.pair[0]!r} and symbols in "
            f"{record.pair[1]!r}.",
            f"call these columns {' and '.join(wanted)}",
        )
        return
    draft.use("gene_map", record.file, "named by --gene-map" if said else record.why)
    try:
        _rename(draft, found, read_gene_map(found.folder / record.file))
    except ValueError as error:
        draft.needs_names = True
        draft.ask(f"{record.file} cannot be used: {error}", "mend the table of names")


def _rename(draft: Draft, found: Found, symbols: Mapping[str, str]) -> None:
    """Keep the names that identifiers give to the genes of every table of expression."""
    for table in found.tables:
        names = [symbols.get(gene) or symbols.get(without_version(gene)) for gene in table.genes]
        draft.names[table.file] = pd.Index([name for name in names if name], dtype=object)


def _put_in_capitals(draft: Draft, found: Found, network: Network) -> None:
    """Put names that the network has in capitals only into capitals."""
    draft.set("rename", {"to_upper": True}, "as --to-upper says")
    for table in found.tables:
        known = table.genes.isin(network.nodes) | ~table.genes.str.upper().isin(network.nodes)
        draft.names[table.file] = table.genes.where(known, table.genes.str.upper())


def _settle_duplicates(draft: Draft, study: Measured, network: Network, *, said: str) -> None:
    """Name a policy for genes that get the same symbol, or ask for one."""
    names = draft.names[study.file]
    repeated = names[names.duplicated() & names.isin(network.nodes)].unique()
    if said:
        draft.set("duplicates", said, "as --duplicates says")
    elif len(repeated):
        draft.ask(
            f"Several genes of {study.file} get the same symbol, {len(repeated)} in all: "
            f"{listed(repeated)}.",
            "--duplicates sum (usual for counts), max_mean or first",
        )
