"""Readers of binary files: Parquet, HDF5, checkpoints, models, what a fit has kept."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import torch

from lembas import checkpoint, h5ad
from lembas.archs4_source import from_archs4
from lembas.artifacts import Run
from lembas.baselines import make
from lembas.cached import CachedTable
from lembas.cohorts import Dataset
from lembas.data import build_dataset
from lembas.formats import read_labelled
from lembas.model import LembasRNN
from lembas.model_files import load_model, save_model
from lembas.network import Network
from lembas.original_checkpoint import read_original
from lembas.sources import from_h5ad
from tests import archs4_file
from tests.fuzz.binary_mutations import (
    damaged_hdf5,
    damaged_parquet,
    damaged_pt,
    damaged_safetensors,
)
from tests.fuzz.mutations import damaged, damaged_json
from tests.fuzz.valid import Made, expression, network
from tests.study_files import random_study


def _parquet(folder: Path) -> Made:
    labelled, plain = folder / "a.parquet", folder / "b.parquet"
    expression().to_parquet(labelled)
    expression().reset_index().to_parquet(plain, index=False)
    return Made((labelled, plain), read_labelled)


def _write_h5ad(path: Path, *, sparse: bool = False) -> Path:
    table = pd.concat([expression(6), expression(4, "x")])
    obs = pd.DataFrame({"cohort": ["study"] * 6 + ["far"] * 4}, index=table.index)
    obs["series"] = pd.Categorical(list("aabbcc") + ["d"] * 4)
    obs["library_size"] = 1e6
    var = pd.DataFrame({"gene_symbols": table.columns}, index=table.columns)
    values: Any = table.to_numpy(np.float32)
    if sparse:
        from scipy.sparse import csr_matrix

        values = csr_matrix(values)
    anndata.AnnData(values, obs=obs, var=var, uns={"a": {"b": 1}}).write_h5ad(path)
    return path


def _h5ad(folder: Path) -> Made:
    files = (_write_h5ad(folder / "a.h5ad"), _write_h5ad(folder / "s.h5ad", sparse=True))
    return Made(files, lambda path: (h5ad.read_var(path), read_labelled(path)))


def _h5ad_source(folder: Path) -> Made:
    prior = network()

    def read(path: Path) -> Any:
        return from_h5ad(path, prior, study="study", test_fraction=0.3, seed=1)

    return Made((_write_h5ad(folder / "a.h5ad"),), read)


def _dataset(folder: Path) -> Made:
    target = folder / "dataset.h5ad"
    made = build_dataset(
        expression(10), network(), external={"far": expression(4, "x")}, test_fraction=0.3, seed=1
    )
    made.write(target)
    return Made((target,), Dataset.read)


def _archs4(folder: Path) -> Made:
    target = archs4_file.tiny(folder)
    prior = Network.from_edges(archs4_file.network())
    query = {**archs4_file.SMALL}

    def read(path: Path) -> Any:
        options = {"min_expression": None, "test_fraction": 0.3, "seed": 1}
        return from_archs4(path, prior, query=query, **options)

    return Made((target,), read)


def _checkpoint(folder: Path) -> Made:
    torch.manual_seed(0)
    target = folder / "model.safetensors"
    checkpoint.save(LembasRNN(network(), ["TF1", "TF2", "TF3"], ["G1", "G2"]), target)
    return Made((target,), lambda path: (checkpoint.describe(path), checkpoint.load(path)))


def _original(folder: Path) -> Made:
    case = random_study(3)
    target = case.write(folder / "study.pt")
    return Made((target,), lambda path: read_original(path, case.network, case.tfs, case.genes))


def _run(folder: Path) -> Run:
    return Run.open(folder / "results" / "demo")


def _prediction(folder: Path) -> Made:
    run = _run(folder)
    target = run.write_prediction("ridge", "test", expression(), group="baselines")
    return Made((target,), lambda path: run.read_prediction("ridge", "test"))


def _table(folder: Path) -> Made:
    run = _run(folder)
    target = run.write_table("scores", expression().reset_index())
    return Made((target,), lambda path: run.read_table("scores"))


def _run_network(folder: Path) -> Made:
    run = _run(folder)
    target = run.write_network(network())
    return Made((target,), lambda path: run.read_network())


def _model(folder: Path) -> Made:
    run, table = _run(folder), expression(20)
    tfs = table[["TF1", "TF2", "TF3"]]
    model = make("ridge", network()).fit(tfs, table[["G1", "G2", "G3"]])
    target = save_model(run, "ridge", model, group="baselines")
    return Made((target,), lambda path: load_model(run, "ridge"))


def _kept(folder: Path) -> Made:
    source = folder / "a.tsv"
    source.write_text("kept\n")
    place = CachedTable.of(source, folder / "cache", variant="x")
    place.read_or(expression)
    files = (place.values, place.labels)  # noqa: PD011
    return Made(files, lambda path: place.read())


def _damaged_kept(content: bytes, rng: random.Random) -> bytes:
    return damaged_json(content, rng) if content.startswith(b"{") else damaged(content, rng)


READERS = {
    "parquet": {
        "what": "tables in Parquet",
        "make": _parquet,
        "change": damaged_parquet,
        "weight": 1.0,
    },
    "h5ad": {"what": "AnnData, the matrix", "make": _h5ad, "change": damaged_hdf5, "weight": 0.4},
    "h5ad-source": {
        "what": "AnnData, up to the dataset",
        "make": _h5ad_source,
        "change": damaged_hdf5,
        "weight": 0.25,
    },
    "dataset": {
        "what": "the run's dataset",
        "make": _dataset,
        "change": damaged_hdf5,
        "weight": 0.3,
    },
    "archs4": {
        "what": "ARCHS4's HDF5, up to the dataset",
        "make": _archs4,
        "change": damaged_hdf5,
        "weight": 0.08,
    },
    "checkpoint": {
        "what": "checkpoints of LEMBAS-RNN",
        "make": _checkpoint,
        "change": damaged_safetensors,
        "weight": 1.5,
    },
    "original": {
        "what": "the study's checkpoints (.pt)",
        "make": _original,
        "change": damaged_pt,
        "weight": 1.5,
    },
    "prediction": {
        "what": "predictions of a run",
        "make": _prediction,
        "change": damaged_hdf5,
        "weight": 0.5,
    },
    "table": {
        "what": "tables of a run",
        "make": _table,
        "change": damaged_parquet,
        "weight": 1.0,
    },
    "run-network": {
        "what": "the network of a run",
        "make": _run_network,
        "change": damaged,
        "weight": 4.0,
    },
    "model": {
        "what": "fitted models of a run (skops)",
        "make": _model,
        "change": damaged,
        "weight": 3.0,
    },
    "kept": {
        "what": "parsed tables that were kept",
        "make": _kept,
        "change": _damaged_kept,
        "weight": 4.0,
    },
}
