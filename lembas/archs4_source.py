"""Build a dataset straight from ARCHS4's file; what was extracted is kept for the next time."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from lembas import h5ad
from lembas.annotation import read_gene_lengths
from lembas.archs4_extract import Recipe, extract
from lembas.archs4_query import TissueQuery
from lembas.archs4_series import split_series
from lembas.data import Dataset, build_dataset
from lembas.formats import existing_file, listed
from lembas.labels import as_names, offered_names
from lembas.network import Network
from lembas.plain_text import quoted
from lembas.units import UNITS, least_log10

# A number more makes what older code extracted be extracted anew.
EDITION = 2


def from_archs4(
    archs4: str | Path,
    network: Network,
    *,
    query: Mapping[str, Any] | None = None,
    unit: str = "cpm",
    gene_lengths: str | Path | None = None,
    near_duplicate: float = 0.98,
    external_series: Mapping[str, list[str]] | None = None,
    study: str = "ARCHS4",
    min_expression: float | None = 0.5,
    cache: str | Path | None = None,
    **options: Any,
) -> Dataset:
    """Select samples from ARCHS4's file of gene counts, normalise them, build the dataset.

    Only the network's genes are kept, after normalisation over all. Whole groups of linked series
    are held out, see :mod:`lembas.archs4_series`.

    Args:
        archs4: ARCHS4's HDF5 file of gene counts.
        network: Prior network.
        query: Settings of :class:`lembas.archs4_query.TissueQuery` that differ from its own.
        unit: ``"cpm"`` or ``"tpm"``.
        gene_lengths: File of gene lengths; needed for TPM.
        near_duplicate: See :class:`lembas.archs4_extract.Recipe`.
        external_series: Series to set aside as external cohorts, by the cohort's name; all series
            linked with one of them go with it.
        study: Name of the other samples.
        min_expression: CPM or TPM that a gene must reach in ``min_fraction`` of the training
            samples; None: no filter.
        cache: Folder that keeps what was extracted, by the source's path, size and time of change
            and all settings; None: nothing is kept.
        **options: Further arguments of :func:`lembas.data.build_dataset`, such as ``seed``.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a setting has no meaning, the file is unsound, no sample is selected, an
            external series is not among them, or as :func:`lembas.data.build_dataset` says.
    """
    least = least_log10(unit, min_expression)
    path = existing_file(archs4, "ARCHS4 file")
    apart = _set_aside(external_series, study)
    recipe = Recipe(
        query=TissueQuery.of(query),
        unit=unit,
        lengths=None if gene_lengths is None else read_gene_lengths(gene_lengths),
        lengths_from=str(gene_lengths),
        genes=network.nodes,
        near_duplicate=near_duplicate,
    )
    with _extracted(path, recipe, cache) as file:
        matrix, obs, _, _ = h5ad.read(file)
        cohort = _cohorts(obs, apart, study, str(path))
        tables = _parted(matrix, cohort)
        return build_dataset(
            tables.pop(study),
            network,
            external=tables,
            series=obs["series"].astype(object),
            library_size=obs["library_size"],
            study=study,
            unit=UNITS[unit],
            min_expression=least,
            origins=dict.fromkeys([study, *tables, "series"], str(path)),
            **options,
        )


@contextmanager
def _extracted(path: Path, recipe: Recipe, cache: str | Path | None) -> Iterator[Path]:
    """Extract into the cache, unless it is there; without a cache, for a while only."""
    if cache is None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "extracted.h5ad"
            extract(path, file, recipe)
            yield file
        return
    key = _key(path, recipe)
    prefix = f"archs4.{path.name}."
    file = Path(cache) / f"{prefix}{key}.h5ad"
    if not file.is_file():
        _delete_older(Path(cache), prefix)
        extract(path, file, recipe)
    yield file


def _key(path: Path, recipe: Recipe) -> str:
    """Digest what the extraction depends on; a file of many GB is known by size and time."""
    stat = path.stat()
    content = {
        "edition": EDITION,
        "source": [str(path.resolve()), stat.st_size, stat.st_mtime_ns],
        "query": recipe.query.settings,
        "unit": recipe.unit,
        "lengths": None if recipe.lengths is None else recipe.lengths.to_dict(),
        "genes": None if recipe.genes is None else list(recipe.genes),
        "near_duplicate": float(recipe.near_duplicate),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:20]


def _delete_older(folder: Path, prefix: str) -> None:
    """Delete what other settings, or an older source, left: each may take GB."""
    if folder.is_dir():
        for older in folder.glob(f"{prefix}*.h5ad"):
            older.unlink()


def _set_aside(external_series: Any, study: str) -> dict[str, list[str]]:
    """Check the names of the external cohorts and list the series of each."""
    if external_series is None:
        return {}
    expected = "expected cohorts by name with their series, such as {GSE130970: [GSE130970]}"
    if not isinstance(external_series, Mapping):
        raise ValueError(f"external_series is {quoted(external_series)}; {expected}")
    for name, given in external_series.items():
        names = [given] if isinstance(given, str) else given
        is_listed = isinstance(names, list | tuple) and len(names) > 0
        if not is_listed or not all(isinstance(one, str) and one.strip() for one in names):
            raise ValueError(f"external_series: {name} is {quoted(given)}; {expected}")
    if study in external_series:
        raise ValueError(
            f"external_series: {study} is the name of the samples that stay; give the cohort that "
            "is set aside another name, or set study"
        )
    return {str(name): as_names(given) for name, given in external_series.items()}


def _cohorts(
    obs: pd.DataFrame, external: Mapping[str, list[str]], study: str, origin: str
) -> pd.Series:
    """Name each sample's cohort: groups with a series set aside go whole."""
    series = [split_series(text) or [name] for name, text in obs["series_id"].astype(str).items()]
    known = {name for names in series for name in names}
    cohort = pd.Series(study, index=obs.index, dtype=object)
    groups = obs["series"].astype(object)
    for name, wanted in external.items():
        if absent := [one for one in wanted if one not in known]:
            raise ValueError(
                f"external_series: no selected sample of {origin} is in {listed(absent)} (near: "
                f"{offered_names(absent[:5], known)}); correct the series or the query"
            )
        inside = groups[[not set(wanted).isdisjoint(names) for names in series]]
        taken = groups.isin(inside)
        _refuse_shared(cohort[taken], name, study)
        cohort[taken] = name
    if not (cohort == study).any():
        raise ValueError(
            f"external_series: {listed(external)} take every selected sample of {origin}, and "
            "none is left to train with; set fewer series aside"
        )
    return cohort


def _parted(matrix: pd.DataFrame, cohort: pd.Series) -> dict[str, pd.DataFrame]:
    """Part the samples by cohort; a single cohort stays in its file, mapped into memory."""
    names = [str(name) for name in cohort.unique()]
    if len(names) == 1:
        return {names[0]: matrix}
    return {name: matrix[(cohort == name).to_numpy()] for name in names}


def _refuse_shared(taken: pd.Series, name: str, study: str) -> None:
    """Refuse series of two external cohorts that are linked with one another."""
    others = taken[taken != study].unique()
    if len(others):
        raise ValueError(
            f"external_series: {name} and {listed(others)} share samples or linked series; make "
            "them one cohort"
        )
