"""Small files of every kind that `lembas init` knows, for its tests."""

from __future__ import annotations

from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest

from lembas.simulate import Simulation, simulate
from tests.small_study import SIMULATION


def simulated() -> Simulation:
    """Simulate a study of 120 samples, 20 TFs and 30 targets, and two external cohorts."""
    return simulate(**{**SIMULATION, "n_external": (20, 20)})


@pytest.fixture(scope="module")
def made() -> Simulation:
    """The study that the files hold."""
    return simulated()


def as_accessions(table: pd.DataFrame, first: int = 1000) -> pd.DataFrame:
    """Rename samples as GEO does."""
    return table.set_axis([f"GSM{first + number}" for number in range(len(table))])


def write_network(folder: Path, made: Simulation, name: str = "network.tsv") -> Path:
    made.prior.edges.to_csv(folder / name, sep="\t", index=False)
    return folder / name


def write_counts(folder: Path, made: Simulation, name: str = "counts.tsv") -> pd.DataFrame:
    """Write counts with genes in rows; return them, samples in rows."""
    counts = as_accessions(made.counts)
    counts.T.to_csv(folder / name, sep="\t", index_label="gene")
    return counts


def write_external_counts(folder: Path, made: Simulation, name: str = "far.tsv") -> pd.DataFrame:
    """Write counts of 12 other samples, genes in rows."""
    counts = as_accessions(made.counts.iloc[:12] + 1, first=5000)
    counts.T.to_csv(folder / name, sep="\t", index_label="gene")
    return counts


def write_tables(folder: Path, made: Simulation) -> None:
    """Write a table of TFs, one of genes and an external one, on a log10 scale."""
    made.expression[made.tfs].to_csv(folder / "tfs.csv", index_label="sample")
    targets = made.expression.columns.difference(pd.Index(made.tfs))
    made.expression[targets].to_csv(folder / "genes.csv", index_label="sample")
    made.external["external_near"].to_csv(folder / "near.csv", index_label="sample")


def write_h5ad(path: Path, made: Simulation, *, var: pd.DataFrame | None = None) -> None:
    """Write the study and an external cohort, on a log10 scale."""
    tables = {"study": made.expression, "near": made.external["external_near"]}
    matrix = pd.concat(tables.values())
    cohort = np.repeat(list(tables), [len(table) for table in tables.values()])
    obs = pd.DataFrame({"cohort": cohort}, index=matrix.index)
    genes = pd.DataFrame(index=matrix.columns) if var is None else var
    anndata.AnnData(matrix.to_numpy(), obs=obs, var=genes).write_h5ad(path)


def write_archs4(path: Path, made: Simulation) -> None:
    """Write the counts as ARCHS4 does: genes in rows, what is known of samples under meta."""
    with h5py.File(path, "w") as file:
        file["data/expression"] = made.counts.T.to_numpy().astype(np.uint32)
        file["meta/genes/symbol"] = list(made.counts.columns)
        file["meta/samples/geo_accession"] = list(as_accessions(made.counts).index)


def ensembl_ids(genes: pd.Index, *, version: str = "") -> pd.Series:
    """Give each symbol an Ensembl id."""
    names = [f"ENSG{number:011d}{version}" for number in range(1, len(genes) + 1)]
    return pd.Series(names, index=genes)


def write_series(folder: Path, samples: pd.Index) -> None:
    table = pd.DataFrame({"sample": samples, "series": np.arange(len(samples)) % 6})
    table.to_csv(folder / "series.tsv", sep="\t", index=False)
