"""Make tiny files in the formats that users bring: ``python -m tests.own_files FOLDER``.

The values are drawn at random; names are those of liver genes, so that every way to name a gene
can be shown.
"""

from __future__ import annotations

import sys
from pathlib import Path

import anndata
import numpy as np
import pandas as pd

TFS = ["CEBPA", "FOXA1", "HNF1A", "HNF4A", "ONECUT1", "TP53"]
TARGETS = ["AFP", "ALB", "APOA1", "APOB", "C1orf112", "CYP3A4", "MARCHF5", "SEPTIN2", "SERPINA1"]
TARGETS += ["TF", "TTR"]
OTHERS = [f"OTHER{number}" for number in range(40)]
GENES = [*TFS, *TARGETS, *OTHERS]
N_SAMPLES = {"study": 40, "hospital": 12}
STUDY_NAMES = {
    "network": "network(full).tsv",
    "tfs": "TF(full).tsv",
    "genes": "Geneexpression (full).tsv",
    "external": "Liver_bulk_external.tsv",
}


def network() -> pd.DataFrame:
    """Every TF regulates some of the targets and the next TF."""
    rng = np.random.default_rng(1)
    edges = [
        (tf, gene, int(rng.choice([1, -1])))
        for tf in TFS
        for gene in TARGETS
        if rng.random() < 0.5 or gene == TARGETS[TFS.index(tf)]
    ]
    edges += [(tf, TFS[position - 1], 1) for position, tf in enumerate(TFS)]
    edges += [("HNF4A", gene, 1) for gene in TARGETS if gene not in {edge[1] for edge in edges}]
    table = pd.DataFrame(edges, columns=["TF", "Gene", "Interaction"])
    return table.drop_duplicates(["TF", "Gene"])


def counts(cohort: str) -> pd.DataFrame:
    """Counts ``(sample, gene)``, of some hundred thousand molecules a sample."""
    rng = np.random.default_rng(len(cohort))
    mean = 10 ** rng.normal(2.5, 0.8, len(GENES))
    own = rng.lognormal(0, 0.5, (N_SAMPLES[cohort], len(GENES)))
    samples = pd.Index([f"{cohort}{i:02d}" for i in range(N_SAMPLES[cohort])], name="sample")
    values = np.random.default_rng(3).poisson(mean * own)
    return pd.DataFrame(values, index=samples, columns=pd.Index(GENES, name="gene"))


def log10(table: pd.DataFrame) -> pd.DataFrame:
    """log10(CPM + 1), four decimals."""
    return np.log10(table.div(table.sum(axis=1), axis=0) * 1e6 + 1).round(4)


def ensembl(gene: str) -> str:
    """An Ensembl id with a version; the numbers are no real ones."""
    return f"ENSG{900 + GENES.index(gene):011d}.{GENES.index(gene) % 9 + 1}"


def write_study(folder: Path) -> Path:
    """The original study's four tables, under the names they go round by."""
    folder.mkdir(parents=True, exist_ok=True)
    here, there = log10(counts("study")), log10(counts("hospital"))
    tables = {
        # As in the study, transferrin (TF) is among the TFs, by mistake.
        "tfs": here[[*TFS, "TF"]],
        "genes": here[[*TARGETS, *TFS[:4]]],
        "external": there[[*TFS, *TARGETS]],
    }
    for name, table in tables.items():
        table.to_csv(folder / STUDY_NAMES[name], sep="\t")
    network().to_csv(folder / STUDY_NAMES["network"], sep="\t", index=False)
    return folder


def write_counts(folder: Path) -> Path:
    """Counts with genes in rows, by symbol and by Ensembl id, and the table of names."""
    folder.mkdir(parents=True, exist_ok=True)
    network().to_csv(folder / "network.tsv", sep="\t", index=False)
    for cohort in N_SAMPLES:
        table = counts(cohort).T
        table.to_csv(folder / f"counts_{cohort}.tsv.gz", sep="\t")
        by_id = table.set_axis([ensembl(gene) for gene in table.index], axis=0)
        by_id.to_csv(folder / f"ensembl_{cohort}.tsv.gz", sep="\t", index_label="gene_id")
    ids = pd.DataFrame({"gene_id": [ensembl(gene).partition(".")[0] for gene in GENES]})
    ids.assign(symbol=GENES).iloc[:-5].to_csv(folder / "gene_names.tsv", sep="\t", index=False)
    return folder


def write_h5ad(folder: Path) -> Path:
    """AnnData of both cohorts, genes by Ensembl id, symbols in ``var``."""
    folder.mkdir(parents=True, exist_ok=True)
    network().to_csv(folder / "network.tsv", sep="\t", index=False)
    tables = {cohort: log10(counts(cohort)) for cohort in N_SAMPLES}
    matrix = pd.concat(tables.values())
    cohort = np.repeat(list(tables), [len(table) for table in tables.values()])
    obs = pd.DataFrame({"cohort": cohort}, index=matrix.index)
    obs["series"] = [f"{name}_{i % 8}" for i, name in enumerate(cohort)]
    var = pd.DataFrame({"gene_symbols": GENES}, index=[ensembl(gene) for gene in GENES])
    data = anndata.AnnData(matrix.to_numpy(np.float32), obs=obs, var=var)
    data.write_h5ad(folder / "liver.h5ad")
    raw = counts("study")
    raw = anndata.AnnData(raw.to_numpy(np.float32), pd.DataFrame(index=raw.index), var)
    raw.write_h5ad(folder / "counts.h5ad")
    return folder


def write_all(folder: Path) -> Path:
    """One folder for each way in."""
    write_study(folder / "study")
    write_counts(folder / "counts")
    write_h5ad(folder / "h5ad")
    return folder


if __name__ == "__main__":
    write_all(Path(sys.argv[1]))
