"""Rebuild the liver study from each source's format: `python -m tests.onramps DATA_FOLDER`.

The real counts are written in the format of every on-ramp; on each, the chapters that make, fit and
score run, and their tables of metrics are compared with those from the plain counts.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import papermill

from lembas import h5ad
from lembas.study import STUDY_FILES, Study, open_study
from lembas.tables import counts_to_cpm, log10p1, read_expression
from tests import archs4_file, geo_file

STUDY, AWAY = "GSE135251", "GSE130970"
ROOT = Path(__file__).resolve().parents[1]
SPLIT = {"study": STUDY, "seed": 888}
FILTER = {"min_expression": 0.5, "min_fraction": 0.2}
MODELS: dict[str, dict[str, Any]] = {"train_mean": {}, "ridge": {}, "masked_ridge": {}}
METRICS = ("scores_test", "scores_per_gene_test", "scores_external", "scores_centred")


@dataclass(frozen=True)
class Ramp:
    """What chapter 01 is told.

    Attributes:
        source: Kind of the files.
        files: Role to file.
        options: Settings of the source.
        reference: Name of the ramp whose metrics these must be.
    """

    source: str
    files: dict[str, Any]
    options: dict[str, Any] = field(default_factory=dict)
    reference: str = "counts"

    def open(self) -> Study:
        return open_study(self.source, files=self.files, options=self.options)


def from_counts(liver: Path, folder: Path) -> Ramp:
    """The counts as they are."""
    return Ramp("counts", _counts_files(liver), {"unit": "cpm", **SPLIT, **FILTER})


def from_counts_by_sample_series(liver: Path, folder: Path) -> Ramp:
    """The counts with a series for each sample, as the ARCHS4 file has them."""
    series = folder / "series.tsv"
    _series(liver).rename_axis("sample").to_csv(series, sep="\t")
    files = {**_counts_files(liver), "series": str(series)}
    return Ramp("counts", files, {"unit": "cpm", **SPLIT, **FILTER}, "counts, series known")


def from_h5ad(liver: Path, folder: Path) -> Ramp:
    """log10(CPM+1) of both cohorts in one AnnData file."""
    values = pd.concat([_log10_cpm(liver, name) for name in (STUDY, AWAY)])
    sizes = pd.concat([_counts(liver, name).sum(axis=1) for name in (STUDY, AWAY)])
    cohort = pd.Series(np.repeat([STUDY, AWAY], [194, 75]), values.index, name="cohort")
    obs = pd.DataFrame({"cohort": cohort, "library_size": sizes})
    path = folder / "liver.h5ad"
    h5ad.write(path, values, obs=obs, var=pd.DataFrame(index=values.columns), uns={})
    options = {**SPLIT, "unit": "log10(CPM+1)", **_log10_filter()}
    return Ramp("h5ad", {"h5ad": str(path), "network": _network(liver)}, options)


def from_study_tables(liver: Path, folder: Path) -> Ramp:
    """log10(CPM+1) in four tables under the original study's names."""
    network = pd.read_csv(_network(liver), sep="\t")
    study, away = _log10_cpm(liver, STUDY), _log10_cpm(liver, AWAY)
    tfs = study.columns.intersection(network["TF"].unique())
    genes = study.columns.intersection(network["Gene"].unique())
    tables = {"tf_table": study[tfs], "gene_table": study[genes]}
    tables["external"] = away[tfs.union(genes)]
    (cohort,) = STUDY_FILES["external"]
    names = {**STUDY_FILES, "external": STUDY_FILES["external"][cohort]}
    for role, table in tables.items():
        table.to_csv(folder / names[role], sep="\t")
    network.to_csv(folder / names["network"], sep="\t", index=False)
    files = {role: str(folder / names[role]) for role in ("tf_table", "gene_table", "network")}
    files["external"] = {AWAY: str(folder / names["external"])}
    return Ramp("study", files, {**SPLIT, "unit": "log10(CPM+1)", **_log10_filter()})


def from_geo(liver: Path, folder: Path) -> Ramp:
    """NCBI's tables under made-up GeneIDs, with their annotation."""
    tables = {name: _counts(liver, name).T for name in (STUDY, AWAY)}
    symbols = tables[STUDY].index
    ids = np.random.default_rng(7).permutation(len(symbols)) + 1
    known = pd.DataFrame({"GeneID": ids, "Symbol": symbols, "Length": 1000})
    geo_file.write_annotation(folder / geo_file.ANNOTATION, known)
    by_symbol = dict(zip(symbols, ids, strict=True))
    for name, table in tables.items():
        geo_file.write_counts(folder / geo_file.counts_name(name), table.rename(by_symbol))
    files = {
        "counts": str(folder / geo_file.counts_name(STUDY)),
        "annotation": str(folder / geo_file.ANNOTATION),
        "network": _network(liver),
        "external": {AWAY: str(folder / geo_file.counts_name(AWAY))},
    }
    return Ramp("geo", files, {"unit": "cpm", **SPLIT, **FILTER})


def from_archs4(liver: Path, folder: Path) -> Ramp:
    """One file in ARCHS4's format, the samples described as biopsies of liver."""
    counts = pd.concat([_counts(liver, name) for name in (STUDY, AWAY)])
    described = pd.DataFrame(index=counts.index.rename("geo_accession"))
    described["series_id"] = _series(liver)
    described["source_name_ch1"], described["title"] = "Liver biopsy", counts.index
    described["characteristics_ch1"], described["singlecellprobability"] = "tissue: liver", 0.01
    path = archs4_file.write(
        folder / "liver.h5",
        described,
        counts.to_numpy(np.uint32).T,
        counts.columns.tolist(),
        chunks=(512, 64),
    )
    options = {"unit": "cpm", **SPLIT, **FILTER}
    options |= {"near_duplicate": 1.0, "external_series": {AWAY: [AWAY]}}
    files = {"archs4": str(path), "network": _network(liver)}
    return Ramp("archs4", files, options, "counts, series known")


RAMPS: dict[str, Callable[[Path, Path], Ramp]] = {
    "counts": from_counts,
    "h5ad": from_h5ad,
    "the study's tables": from_study_tables,
    "GEO": from_geo,
    "counts, series known": from_counts_by_sample_series,
    "ARCHS4": from_archs4,
}


def run_chapters(ramp: Ramp, run_dir: Path) -> dict[str, pd.DataFrame]:
    """Make the dataset, fit, and score, chapter by chapter; return the tables of metrics."""
    asked: dict[str, dict[str, Any]] = {
        "01_data": {"source": ramp.source, "files": ramp.files, "options": ramp.options},
        "03_fit_baselines": {"models": MODELS},
        "05_test": {"n_resamples": 200, "n_pairs": 4, "figure_models": ["masked_ridge"]},
        "06_validate": {"n_resamples": 200, "n_pairs": 4, "figure_models": ["masked_ridge"]},
    }
    run_dir.mkdir()
    for chapter, parameters in asked.items():
        papermill.execute_notebook(
            str(ROOT / "notebooks" / f"{chapter}.ipynb"),
            str(run_dir / f"{chapter}.ipynb"),
            parameters={"run_dir": str(run_dir), **parameters},
            kernel_name="python3",
            progress_bar=False,
            cwd=str(ROOT),
        )
    return {name: pd.read_parquet(run_dir / "tables" / f"{name}.parquet") for name in METRICS}


def main(liver: Path) -> None:
    """Run every ramp and say whether its metrics are those of its reference."""
    with tempfile.TemporaryDirectory(prefix="onramps-") as place:
        found: dict[str, dict[str, pd.DataFrame]] = {}
        for name, write in RAMPS.items():
            folder = Path(place, f"files-{len(found)}")
            folder.mkdir()
            ramp = write(liver, folder)
            found[name] = run_chapters(ramp, Path(place, f"run-{len(found)}"))
            reference = found[ramp.reference]
            same = [found[name][metric].equals(reference[metric]) for metric in METRICS]
            n_values = sum(len(reference[metric]) for metric in METRICS)
            verdict = "the same" if all(same) else "NOT the same"
            sys.stdout.write(f"{name:<22}{n_values:>8,} metrics {verdict} as {ramp.reference}\n")
            sys.stdout.flush()
            if not all(same):
                sys.exit(1)


def _counts(liver: Path, cohort: str) -> pd.DataFrame:
    return read_expression(liver / "raw" / f"counts_{cohort}.tsv.gz", genes_in="rows")


def _log10_cpm(liver: Path, cohort: str) -> pd.DataFrame:
    return log10p1(counts_to_cpm(_counts(liver, cohort)))


def _network(liver: Path) -> str:
    return str(liver / "network.tsv.gz")


def _counts_files(liver: Path) -> dict[str, Any]:
    paths = {name: str(liver / "raw" / f"counts_{name}.tsv.gz") for name in (STUDY, AWAY)}
    return {
        "counts": paths[STUDY],
        "network": _network(liver),
        "external": {AWAY: paths[AWAY]},
    }


def _series(liver: Path) -> pd.Series:
    """A series of its own for each sample of the study; the other cohort is one."""
    own, away = _counts(liver, STUDY).index, _counts(liver, AWAY).index
    names = [f"GSE{1_000_000 + number}" for number in range(len(own))]
    return pd.Series([*names, *[AWAY] * len(away)], own.append(away), name="series")


def _log10_filter() -> dict[str, float]:
    return {**FILTER, "min_expression": float(np.log10(FILTER["min_expression"] + 1))}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
