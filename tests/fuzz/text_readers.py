"""Readers of delimited text: tables, networks, gene names and lengths, series, GEO, SIF, lists."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

from lembas.annotation import read_gene_lengths, read_series
from lembas.conversion import read_names
from lembas.formats import column_names, read_labelled, read_records
from lembas.gene_mapping import read_gene_map
from lembas.geo import from_geo
from lembas.network import Network
from lembas.network_formats import read_network
from lembas.network_reading import NetworkOptions
from lembas.sources import from_counts, from_tables
from lembas.tables import read_expression
from tests import geo_file
from tests.fuzz.drawn import tables
from tests.fuzz.mutations import damaged_text
from tests.fuzz.valid import Made, counts, edges, expression, network, write
from tests.test_network_formats import (
    COLLECTRI,
    DECOUPLER_R,
    DOROTHEA,
    DOROTHEA_PY,
    LIST,
    OMNIPATH,
    SIF,
    SIF_TABS,
    STUDY,
    UNSIGNED,
    WRITE_TABLE,
)


def _tables(folder: Path) -> tuple[Path, ...]:
    table = expression()
    files = [
        write(folder / "a.tsv", table.to_csv(sep="\t")),
        write(folder / "b.csv", table.to_csv()),
        write(folder / "r.txt", table.to_csv(sep="\t", index_label=False)),
    ]
    packed = folder / "c.tsv.gz"
    packed.write_bytes(gzip.compress(table.to_csv(sep="\t").encode()))
    return (*files, packed)


def _delimited(folder: Path) -> Made:
    def read(path: Path) -> Any:
        return column_names(path), read_labelled(path)

    return Made(_tables(folder), read)


def _expression(folder: Path) -> Made:
    def read(path: Path) -> Any:
        return read_expression(path, known_genes=network().nodes, cache=folder / "cache")

    return Made(_tables(folder), read, left=folder / "cache")


def _counts(folder: Path) -> Made:
    target = write(folder / "counts.tsv", counts().T.to_csv(sep="\t", index_label="gene"))
    prior = network()

    def read(path: Path) -> Any:
        options = {"min_expression": None, "test_fraction": 0.3, "seed": 1}
        return from_counts(path, prior, genes_in="rows", external=None, **options)

    return Made((target,), read)


def _study(folder: Path) -> Made:
    table, prior = expression(), network()
    tfs = write(folder / "tfs.tsv", table[["TF1", "TF2", "TF3"]].to_csv(sep="\t"))
    genes = write(folder / "genes.tsv", table.drop(columns=["TF1", "TF2", "TF3"]).to_csv(sep="\t"))
    far = write(folder / "far.csv", expression(4, "x").to_csv())

    def read(path: Path) -> Any:
        return from_tables(tfs, genes, prior, external={"far": far}, test_fraction=0.3, seed=1)

    return Made((tfs, genes, far), read)


def _records(folder: Path) -> Made:
    text = "sample\tseries\tnote\ns1\tGSE1\ta\ns2\tGSE2\tb\ns3\tGSE2\t\n"
    target = write(folder / "r.tsv", text)
    other = write(folder / "r.csv", text.replace("\t", ","))
    return Made((target, other), lambda path: read_records(path, "table", ("sample", "series")))


def _networks(folder: Path) -> Made:
    texts = {
        "study.tsv": STUDY,
        "collectri.csv": COLLECTRI,
        "decoupler.csv": DECOUPLER_R,
        "write_table.tsv": WRITE_TABLE,
        "omnipath.tsv": OMNIPATH,
        "dorothea.csv": DOROTHEA,
        "dorothea_py.csv": DOROTHEA_PY,
        "a.sif": SIF,
        "b.sif": SIF_TABS,
        "list.csv": LIST,
        "unsigned.tsv": UNSIGNED,
    }
    options = {
        "dorothea.csv": {"min_confidence": "C"},
        "omnipath.tsv": {"on_conflict": "unsigned"},
        "list.csv": {"columns": {"sign": "Effect"}, "min_confidence": 0.5},
        "unsigned.tsv": {"unsigned": True},
    }
    files = tuple(write(folder / name, text) for name, text in texts.items())
    packed = folder / "packed.tsv.gz"
    packed.write_bytes(gzip.compress(STUDY.encode()))

    def read(path: Path) -> Any:
        return read_network(path, NetworkOptions.of(options.get(path.name)))

    return Made((*files, packed), read)


def _study_network(folder: Path) -> Made:
    target = write(folder / "network.tsv", edges().to_csv(sep="\t", index=False))
    return Made((target,), lambda path: Network.read(path))


def _gene_map(folder: Path) -> Made:
    text = "gene_id\tsymbol\nENSG00000163631\tALB\nENSG00000081051.9\tAFP\n12\tNA\n"
    return Made((write(folder / "map.tsv", text),), read_gene_map)


def _lengths(folder: Path) -> Made:
    text = "gene_name\tlength_bp\nALB\t2000\nAFP\t1500.5\nTTR\t600\n"
    return Made((write(folder / "lengths.tsv", text),), read_gene_lengths)


def _series(folder: Path) -> Made:
    text = "sample\tseries\ns1\tGSE1\ns2\tGSE1\ns3\tGSE2\n"
    return Made((write(folder / "series.csv", text.replace("\t", ",")),), read_series)


def _names(folder: Path) -> Made:
    table = write(folder / "genes.tsv", expression().to_csv(sep="\t"))
    names = write(folder / "names.txt", "ALB\nAFP\nTTR\n")
    return Made((table, names), lambda path: read_names(path, "gene table"))


def _geo(folder: Path) -> Made:
    geo_file.tiny(folder, dict.fromkeys(list(geo_file.SERIES), 4))
    files = sorted(folder.glob("GSE*"))
    annotation = folder / geo_file.ANNOTATION
    prior = Network.read(folder / "network.tsv")

    def read(path: Path) -> Any:
        options = {"min_expression": None, "test_fraction": 0.3, "seed": 1}
        return from_geo(files, annotation, prior, cache=folder / "cache", **options)

    return Made((*files, annotation), read, left=folder / "cache")


_PAIRS = ("TF", "Gene", "Interaction")
READERS = {
    "delimited": {
        "what": "tables in delimited text, plain or gzipped",
        "make": _delimited,
        "change": damaged_text,
        "drawn": tables(),
        "weight": 2.0,
    },
    "expression": {
        "what": "tables of expression, checked and kept",
        "make": _expression,
        "change": damaged_text,
        "drawn": tables(("sample", "TF1", "G1", "G2")),
        "weight": 1.0,
    },
    "counts": {
        "what": "counts, up to the dataset",
        "make": _counts,
        "change": damaged_text,
        "weight": 0.6,
    },
    "tables": {
        "what": "the study's log10 tables, up to the dataset",
        "make": _study,
        "change": damaged_text,
        "weight": 0.4,
    },
    "records": {
        "what": "named columns of text",
        "make": _records,
        "change": damaged_text,
        "drawn": tables(("sample", "series")),
        "weight": 3.0,
    },
    "network": {
        "what": "networks of every layout",
        "make": _networks,
        "change": damaged_text,
        "drawn": tables(_PAIRS),
        "weight": 2.0,
    },
    "study-network": {
        "what": "networks in the study's layout",
        "make": _study_network,
        "change": damaged_text,
        "drawn": tables(_PAIRS),
        "weight": 1.5,
    },
    "gene-map": {
        "what": "tables of gene names",
        "make": _gene_map,
        "change": damaged_text,
        "drawn": tables(("gene_id", "symbol")),
        "weight": 1.5,
    },
    "gene-lengths": {
        "what": "gene lengths",
        "make": _lengths,
        "change": damaged_text,
        "drawn": tables(("gene_name", "length_bp")),
        "weight": 2.0,
    },
    "series": {
        "what": "series of samples",
        "make": _series,
        "change": damaged_text,
        "drawn": tables(("sample", "series")),
        "weight": 2.0,
    },
    "names": {
        "what": "names of genes and TFs for `lembas convert`",
        "make": _names,
        "change": damaged_text,
        "drawn": tables(),
        "weight": 5.0,
    },
    "geo": {
        "what": "NCBI's count tables and annotation of GEO",
        "make": _geo,
        "change": damaged_text,
        "weight": 0.4,
    },
}
