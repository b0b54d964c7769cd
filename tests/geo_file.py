"""Make tiny tables in the format of GEO's NCBI counts: `python -m tests.geo_file FOLDER`.

Columns, names and compression are those of NCBI's files; the samples and counts are invented, and
so are the GeneIDs.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from lembas.names import TARGETS, TFS
from tests.archs4_file import N_TARGETS, N_TFS, network

RELEASE = "GRCh38.p13"
# Columns after Symbol that no one reads here but that a file has.
ABOUT = ("Description", "Synonyms", "GeneType", "EnsemblGeneID", "Status", "ChrAcc")
PLACE = ("ChrStart", "ChrStop", "Orientation")
TERMS = tuple(f"GO{part}" for part in ("FunctionID", "ProcessID", "ComponentID"))
NAMES = tuple(f"GO{part}" for part in ("Function", "Process", "Component"))
COLUMNS = ("GeneID", "Symbol", *ABOUT, *PLACE, "Length", *TERMS, *NAMES)
# The study's series and the external cohort, with their numbers of samples.
SERIES = {"GSE90001": 12, "GSE90002": 12, "GSE90003": 12, "GSE90004": 12}
EXTERNAL, N_EXTERNAL = "GSE90009", 10


def counts_name(series: str) -> str:
    """Name the file of a series."""
    return f"{series}_raw_counts_{RELEASE}_NCBI.tsv.gz"


ANNOTATION = f"Human.{RELEASE}.annot.tsv.gz"


def genes() -> pd.DataFrame:
    """GeneIDs, out of order: TFs and targets, one target twice, one gene without a symbol."""
    symbols = [*TFS[:N_TFS], *TARGETS[:N_TARGETS], TARGETS[0], ""]
    numbers = np.random.default_rng(4).permutation(9_000_000 + np.arange(len(symbols)))
    lengths = 500 + 37 * np.arange(len(symbols))
    return pd.DataFrame({"GeneID": numbers, "Symbol": symbols, "Length": lengths})


def counts(n_samples: int, *, first: int, seed: int) -> pd.DataFrame:
    """Counts, (GeneID, GSM): five hidden programmes, Poisson noise."""
    rng = np.random.default_rng(seed)
    ids = genes()["GeneID"]
    # The genes' levels and programmes are those of all series.
    shared = np.random.default_rng(5)
    level, loadings = shared.normal(5, 1, len(ids)), shared.normal(0, 0.5, (len(ids), 5))
    expected = np.exp(level[:, None] + loadings @ rng.normal(0, 1, (5, n_samples)))
    samples = [f"GSM{first + number}" for number in range(n_samples)]
    return pd.DataFrame(rng.poisson(expected), index=ids.astype(str), columns=samples)


def write_counts(path: Path, table: pd.DataFrame) -> Path:
    """Write counts, (GeneID, GSM)."""
    table.rename_axis("GeneID").to_csv(path, sep="\t")
    return path


def write_annotation(path: Path, table: pd.DataFrame) -> Path:
    """Write an annotation; columns that ``table`` lacks are filled with something."""
    # A quotation mark alone, as descriptions have: readers must not wait for the second.
    filler = dict.fromkeys(COLUMNS, "") | {"Description": "\"made up, 5' end", "Status": "active"}
    whole = table.assign(**{name: text for name, text in filler.items() if name not in table})
    lines = [
        "\t".join(COLUMNS),
        *("\t".join(row) for row in whole[list(COLUMNS)].astype(str).to_numpy()),
    ]
    pd.Series(lines).to_csv(path, index=False, header=False, sep="\x01", quoting=3)
    return path


def tiny(folder: Path, sizes: Mapping[str, int] | None = None) -> Path:
    """Write a study of several series, an external cohort, annotation and network."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, (series, size) in enumerate((sizes or {**SERIES, EXTERNAL: N_EXTERNAL}).items()):
        table = counts(size, first=9_000_001 + 100 * number, seed=number)
        write_counts(folder / counts_name(series), table)
    write_annotation(folder / ANNOTATION, genes())
    network().to_csv(folder / "network.tsv", sep="\t", index=False)
    return folder


if __name__ == "__main__":
    made = tiny(Path(sys.argv[1]))
    sys.stdout.write("".join(f"{path}\n" for path in sorted(made.iterdir())))
