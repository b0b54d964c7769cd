"""Make a tiny file in ARCHS4's format: `python -m tests.archs4_file FOLDER`.

Fields, types and orientation are those of ARCHS4's releases 2.x; the samples and their counts are
invented.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

from lembas.names import TARGETS, TFS

N_TFS, N_TARGETS = 24, 60
# Samples that the query keeps: 36 biopsies in six series, of which two are linked.
N_BIOPSIES = 36
# For files whose libraries are as small as these.
SMALL = {"min_library_size": 1000, "min_genes": 20}
# Accession, series, source name, title, characteristics, single-cell probability.
OTHERS = [
    ("GSM9001", "GSE90", "HepG2", "HepG2_control_1", "cell line: HepG2,treatment: DMSO", 0.02),
    ("GSM9002", "GSE90", "liver cancer cells", "Huh-7 rep 2", "cell type: hepatoma", 0.02),
    ("GSM9003", "GSE91", "liver", "AAACCTG", "tissue: liver,library type: single-cell", 0.97),
    ("GSM9004", "GSE92", "Liver", "plate 3 well B7", "tissue: liver,age: 44", 0.91),
    ("GSM9005", "GSE93", "Brain, frontal cortex", "brain_7", "tissue: brain,Sex: male", 0.01),
    ("GSM9006", "GSE93", "whole blood", "NAFLD_blood_2", "disease: fatty liver disease", 0.03),
    ("GSM9007", "GSE94", "fetal liver", "FL_wk14", "tissue: liver,age: 14 pcw", 0.02),
    ("GSM9008", "GSE95", "liver organoid", "org_3", "tissue: liver,passage: 4", 0.04),
    ("GSM9009", "GSE96", "liver biopsy", "shallow", "tissue: liver", 0.05),
]
MARKS = {"shallow": 0.002}


def gene_symbols() -> list[str]:
    """TFs, then targets, one of them twice, and a row without a symbol."""
    return [*TFS[:N_TFS], *TARGETS[:N_TARGETS], TARGETS[0], ""]


def described() -> pd.DataFrame:
    """The samples' metadata; the last biopsy is nearly the same as the first one."""
    rows = []
    for number in range(N_BIOPSIES):
        series = f"GSE{10 + number % 6}"
        # The first sample of series 11 is in series 10 as well: the two belong together.
        if number == 1:
            series = "GSE11,GSE10"
        stage = number % 5
        rows.append(
            (
                f"GSM{1000 + number}",
                series,
                ("Liver biopsy", "liver", "Liver tissue")[number % 3],
                f"patient_{number:02d}",
                f"tissue: liver,fibrosis stage: {stage},hepatocyte ballooning: {stage % 3}",
                0.01 + number / 1000,
            )
        )
    names = ["geo_accession", "series_id", "source_name_ch1", "title", "characteristics_ch1"]
    table = pd.DataFrame([*rows, *OTHERS], columns=[*names, "singlecellprobability"])
    return table.set_index("geo_accession")


def counted(samples: pd.DataFrame, seed: int = 888) -> np.ndarray:
    """Counts, (gene, sample): five hidden programmes, Poisson noise."""
    rng = np.random.default_rng(seed)
    n_genes = len(gene_symbols())
    programmes = rng.normal(0, 0.5, (n_genes, 5)) @ rng.normal(0, 1, (5, len(samples)))
    level = rng.normal(5, 1, n_genes)[:, None] + programmes
    depth = samples["title"].map(MARKS).fillna(1.0).to_numpy()
    counts = rng.poisson(np.exp(level) * depth)
    twin = samples.index.get_loc(f"GSM{1000 + N_BIOPSIES - 1}")
    counts[:, twin] = rng.binomial(counts[:, samples.index.get_loc("GSM1000")], 0.9)
    return counts.astype(np.uint32)


def network() -> pd.DataFrame:
    """Three regulators for each target, drawn."""
    rng = np.random.default_rng(1)
    edges = [
        (tf, gene, int(rng.choice([-1, 1])))
        for gene in TARGETS[:N_TARGETS]
        for tf in rng.choice(TFS[:N_TFS], 3, replace=False)
    ]
    return pd.DataFrame(edges, columns=["TF", "Gene", "Interaction"])


def write(
    path: Path,
    samples: pd.DataFrame,
    counts: np.ndarray,
    genes: list[str],
    *,
    chunks: tuple[int, int] | None = (16, 8),
    gene_field: str = "symbol",
    **other: Any,
) -> Path:
    """Write the file; ``other`` replaces whole fields, None leaves one out."""
    text = h5py.string_dtype("utf-8")
    fields: dict[str, Any] = {
        f"meta/genes/{gene_field}": np.array(genes, dtype=object),
        "meta/samples/geo_accession": samples.index.to_numpy(object),
        **{f"meta/samples/{name}": samples[name].to_numpy() for name in samples},
        "meta/info/version": np.array(["2.5"], dtype=object),
        **{name.replace("__", "/"): value for name, value in other.items()},
    }
    with h5py.File(path, "w") as file:
        options = {} if chunks is None else {"chunks": chunks, "compression": "gzip"}
        file.create_dataset("data/expression", data=counts, **options)
        for name, values in fields.items():
            if values is not None:
                kind = text if np.asarray(values).dtype == object else None
                file.create_dataset(name, data=values, dtype=kind)
    return path


def tiny(folder: Path, **options: Any) -> Path:
    """Write the tiny file, ``tiny_archs4.h5``."""
    samples = described()
    return write(folder / "tiny_archs4.h5", samples, counted(samples), gene_symbols(), **options)


if __name__ == "__main__":
    place = Path(sys.argv[1])
    place.mkdir(parents=True, exist_ok=True)
    network().to_csv(place / "network.tsv", sep="\t", index=False)
    sys.stdout.write(f"{tiny(place)}\n{place / 'network.tsv'}\n")
