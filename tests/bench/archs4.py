"""Select 5,000 of 50,000 samples x 30,000 genes: `python -m tests.bench.archs4`.

The file, in ARCHS4's format and as sparse as counts are, is made in a temporary folder and deleted
afterwards; the extraction runs in a process of its own, whose time and peak memory are printed.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
import h5py
import numpy as np

CHILD = """
import sys, time
from lembas.archs4_extract import Recipe, extract
from lembas.archs4_query import TissueQuery
clock = time.monotonic()
table = extract(sys.argv[1], sys.argv[2], Recipe(TissueQuery(min_library_size=1, min_genes=1)))
print(int(table["selected"].sum()), time.monotonic() - clock)
"""
# Genes of a real file have a count in about half of the samples.
NONZERO = 0.5


@click.command()
@click.option("--samples", default=50_000, show_default=True)
@click.option("--genes", default=30_000, show_default=True)
@click.option("--select", default=5_000, show_default=True, help="Samples of liver among them.")
@click.option("--chunks", type=(int, int), help="Genes and samples in a chunk; h5py's own choice.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where there are some GB free.")
def main(
    samples: int, genes: int, select: int, chunks: tuple[int, int] | None, folder: Path | None
) -> None:
    """Make a file, extract from it, and say how long that took and how much memory."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        path = Path(place) / "human_gene.h5"
        clock = time.monotonic()
        layout = make(path, samples, genes, select, chunks=chunks)
        size = path.stat().st_size / 1e9
        made = time.monotonic() - clock
        click.echo(f"made {samples:,} x {genes:,} in {made:.0f} s: {size:.2f} GB, chunks {layout}")
        command = [sys.executable, "-P", "-c", CHILD, str(path), str(Path(place) / "out.h5ad")]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        n_selected, seconds = done.stdout.split()
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        result = {
            "samples": samples,
            "genes": genes,
            "selected": int(n_selected),
            "chunks": layout,
            "seconds": round(float(seconds), 1),
            "processor_seconds": round(used.ru_utime + used.ru_stime, 1),
            "peak_mib": round(used.ru_maxrss / 1024),
        }
        click.echo(json.dumps(result))


def make(
    path: Path, n_samples: int, n_genes: int, n_selected: int, *, chunks: tuple[int, int] | None
) -> tuple[int, int]:
    """Write the file stripe by stripe; the selected samples are spread over all of it."""
    rng = np.random.default_rng(888)
    # Slices of one long row of draws: to draw every count would take longer than to read it.
    draws = rng.negative_binomial(0.3, 0.001, 1 << 22).astype(np.uint32)
    draws[rng.random(len(draws)) > NONZERO] = 0
    is_liver = np.zeros(n_samples, dtype=bool)
    is_liver[rng.permutation(n_samples)[:n_selected]] = True
    with h5py.File(path, "w") as file:
        matrix = file.create_dataset(
            "data/expression",
            (n_genes, n_samples),
            dtype=np.uint32,
            chunks=chunks or True,
            compression="gzip",
            compression_opts=1,
        )
        deep = matrix.chunks[0] * max(1, (1 << 25) // (matrix.chunks[0] * n_samples))
        for start in range(0, n_genes, deep):
            shape = (min(deep, n_genes - start), n_samples)
            offsets = rng.integers(0, len(draws) - n_samples, shape[0])
            matrix[start : start + shape[0]] = np.stack(
                [draws[offset : offset + n_samples] for offset in offsets]
            )
        _describe(file, is_liver, n_genes)
        return tuple(matrix.chunks)


def _describe(file: h5py.File, is_liver: np.ndarray, n_genes: int) -> None:
    """Write the metadata."""
    number = np.arange(len(is_liver))
    source = np.where(is_liver, "Liver biopsy", "brain cortex")
    texts = {
        "meta/genes/symbol": [f"GENE{gene}" for gene in range(n_genes)],
        "meta/samples/geo_accession": [f"GSM{1000000 + one}" for one in number],
        "meta/samples/series_id": [f"GSE{one // 40}" for one in number],
        "meta/samples/source_name_ch1": source.tolist(),
        "meta/samples/title": [f"sample {one}" for one in number],
        "meta/samples/characteristics_ch1": [f"tissue: {name},age: 50" for name in source],
    }
    for name, values in texts.items():
        file.create_dataset(name, data=values, dtype=h5py.string_dtype("utf-8"))
    file["meta/samples/singlecellprobability"] = np.full(len(is_liver), 0.02)


if __name__ == "__main__":
    main()
