"""Time reading the study's four tables at full size: `python -m tests.bench.study_tables`.

A fresh process reads the tables and writes the dataset, as chapter 1 does; time and peak memory are
its own. The tables are made in a temporary folder (4 GB with the dataset and the tables kept) and
deleted. The values are random; sizes are those of the original study.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import csv

from lembas.study import STUDY_FILES, open_study

SIZES = {"n_samples": 15935, "n_tfs": 1197, "n_genes": 16100, "n_external": 262, "n_edges": 1153904}
# So many of the study's inputs are in its gene table as well.
PART_OF_TFS_IN_BOTH = 0.92
ROWS_AT_ONCE = 500


def write_tables(folder: Path, *, n_samples: int, n_tfs: int, n_genes: int, **sizes: int) -> None:
    """Write random tables of these sizes under the study's names."""
    rng = np.random.default_rng(0)
    tfs = [f"TF{i:04d}" for i in range(n_tfs)]
    both = tfs[: int(PART_OF_TFS_IN_BOTH * n_tfs)]
    genes = [*both, *(f"G{i:05d}" for i in range(n_genes - len(both)))]
    names = [*tfs, *genes[len(both) :]]
    level = pd.Series(np.clip(rng.normal(0.7, 0.7, len(names)), 0, 4), index=names)
    wanted = {STUDY_FILES["tf_table"]: tfs, STUDY_FILES["gene_table"]: genes}
    _write_rows(folder, wanted, level, n_samples=n_samples, prefix="GSM")
    external = {STUDY_FILES["external"]["Liver_bulk_external"]: names}
    _write_rows(folder, external, level, n_samples=sizes["n_external"], prefix="EXT")
    pairs = rng.choice(n_tfs * n_genes, sizes["n_edges"], replace=False)
    edges = {
        "TF": np.array(tfs, dtype=object)[pairs // n_genes],
        "Gene": np.array(genes, dtype=object)[pairs % n_genes],
        "Interaction": rng.choice([1, -1], len(pairs)),
    }
    pd.DataFrame(edges).to_csv(folder / STUDY_FILES["network"], sep="\t", index=False)


def _write_rows(
    folder: Path, tables: dict[str, list[str]], level: pd.Series, *, n_samples: int, prefix: str
) -> None:
    """Write tables of the same samples, a block of rows at a time."""
    rng = np.random.default_rng(n_samples)
    for first in range(0, n_samples, ROWS_AT_ONCE):
        samples = [f"{prefix}{i:07d}" for i in range(first, min(first + ROWS_AT_ONCE, n_samples))]
        values = rng.normal(level.to_numpy(), 0.3, (len(samples), len(level))).clip(0).round(4)
        block = pd.DataFrame(values, columns=level.index)
        for name, columns in tables.items():
            arrays = [pa.array(samples), *(pa.array(block[column]) for column in columns)]
            options = csv.WriteOptions(
                include_header=first == 0, delimiter="\t", quoting_style="none"
            )
            with (folder / name).open("ab") as file:
                csv.write_csv(pa.table(arrays, names=["sample", *columns]), file, options)


def read_and_write(folder: Path) -> dict[str, float]:
    """Do what chapter 1 does first: open the study, write the dataset."""
    clock = time.monotonic()
    dataset = open_study("study", data_dir=folder, cache=folder / "cache").dataset
    read_s = time.monotonic() - clock
    dataset.write(folder / "dataset.h5ad")
    return {
        "read_s": round(read_s, 1),
        "total_s": round(time.monotonic() - clock, 1),
        "cpu_s": round(time.process_time(), 1),
        "peak_mb": round(_peak_mb()),
        "samples": len(dataset.samples),
        "inputs": len(dataset.inputs),
        "targets": len(dataset.targets),
    }


def _peak_mb() -> float:
    """Return the most that this process held, 10^6 bytes (Linux)."""
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    (peak,) = (line for line in lines if line.startswith("VmHWM"))
    return int(peak.split()[1]) * 1024 / 1e6


@click.command()
@click.option("--of", type=click.Path(path_type=Path), hidden=True)
@click.option("--part", type=float, default=1.0, help="Of the samples, to try it.")
def main(of: Path | None, part: float) -> None:
    """Make the tables, read them in a fresh process, twice: the second time as kept."""
    if of is not None:
        click.echo(json.dumps(read_and_write(of)))
        return
    sizes = {**SIZES, "n_samples": int(part * SIZES["n_samples"])}
    with tempfile.TemporaryDirectory() as name:
        write_tables(Path(name), **sizes)
        for what in ("from text", "kept"):
            command = [sys.executable, "-P", "-m", "tests.bench.study_tables", "--of", name]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            click.echo(f"{what}: {done.stdout.strip()}")


if __name__ == "__main__":
    main()
