"""Open a profile's study: its dataset and its network, from files or from a simulation."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pandas as pd

from lembas.archs4_source import from_archs4
from lembas.border import BorderOptions, split_options
from lembas.checks import check_text
from lembas.data import BuildOptions, Dataset, build_dataset
from lembas.formats import listed
from lembas.geo import from_geo
from lembas.labels import offered_names
from lembas.network import Network
from lembas.network_formats import NetworkOptions, NetworkReading, read_network
from lembas.plain_text import quoted
from lembas.simulate import Simulation, simulate
from lembas.simulation_settings import SimulationSettings
from lembas.sources import from_counts, from_h5ad, from_tables

# The names under which the original study's tables go round.
STUDY_FILES = {
    "network": "network(full).tsv",
    "tf_table": "TF(full).tsv",
    "gene_table": "Geneexpression (full).tsv",
    "external": {"Liver_bulk_external": "Liver_bulk_external.tsv"},
}


@dataclass(frozen=True)
class Study:
    """Hold what every later chapter starts from.

    Attributes:
        dataset: Expression, split, inputs and targets.
        network: The prior, whole.
        reading: What the network's file was read as; None: it was simulated.
    """

    dataset: Dataset
    network: Network
    reading: NetworkReading | None = None


def open_study(
    source: str,
    *,
    data_dir: str | Path = "",
    files: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    cache: str | Path | None = None,
) -> Study:
    """Read or simulate a study.

    Args:
        source: "simulation", "counts", "tables", "h5ad", "archs4", "geo", or "study": tables
            under the names of the original study, :data:`STUDY_FILES`.
        data_dir: Folder the file names are relative to.
        files: Role to file name. All but simulations need ``network``; counts need ``counts``
            and may have ``gene_lengths``; tables need ``tf_table`` and ``gene_table``; h5ad
            needs ``h5ad``, archs4 needs ``archs4``, geo needs ``counts`` (a file, or several as a
            list or by the names of their series) and ``annotation``. ``external`` maps cohort
            names to files, ``series`` is a table, ``gene_map`` a table of gene names.
        options: Settings of the source's function, or of :func:`lembas.simulate.simulate`; with
            files, ``network_options`` are the fields of
            :class:`lembas.network_reading.NetworkOptions`.
        cache: Folder that keeps tables parsed from text, for the next time.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a role is missing or unknown, an option is unknown, or the data are unsound.
    """
    tables = _measured(from_tables, needed=("tf_table", "gene_table"), given={"cache": cache})
    openers: dict[str, Callable[..., Study]] = {
        "simulation": _simulated,
        "counts": _measured(
            from_counts, needed=("counts",), optional=("gene_lengths",), given={"cache": cache}
        ),
        "tables": tables,
        "study": lambda folder, files, options: tables(folder, {**STUDY_FILES, **files}, options),
        "h5ad": _measured(from_h5ad, needed=("h5ad",), cohorts_inside=True),
        "archs4": _measured(
            from_archs4,
            needed=("archs4",),
            optional=("gene_lengths",),
            cohorts_inside=True,
            given={"cache": cache},
        ),
        "geo": _of_geo(cache),
    }
    if not isinstance(source, str) or source not in openers:
        raise ValueError(f"source is {quoted(source)}; expected one of {', '.join(openers)}")
    roles = _by_name("files", files, example="{counts: counts.tsv}")
    settings = _by_name("options", options, example="{seed: 888}")
    _check_options(source, settings)
    return openers[source](Path(data_dir), roles, settings)


_READERS: dict[str, Callable[..., Dataset]] = {
    "counts": from_counts,
    "tables": from_tables,
    "study": from_tables,
    "h5ad": from_h5ad,
    "archs4": from_archs4,
    "geo": from_geo,
}


def _by_name(what: str, given: Any, *, example: str) -> dict[str, Any]:
    """Refuse anything but a mapping of names, or nothing."""
    if given is not None and not isinstance(given, Mapping):
        raise ValueError(
            f"{what} is {quoted(given)}; expected names with values, such as {example}"
        )
    return dict(given or {})


def _check_options(source: str, options: dict[str, Any]) -> None:
    """Refuse options that a source does not take, or of the wrong kind, before a file is read."""
    known = _options(source)
    unknown = [name for name in options if name not in known]
    if unknown:
        raise ValueError(
            f"options of source {quoted(source)}: unknown {listed(map(repr, unknown))} (near: "
            f"{offered_names(unknown[:5], known)}); known options: {', '.join(known)}"
        )
    if source not in _READERS:
        _check_simulation(options)
        return
    parameters = inspect.signature(_READERS[source]).parameters
    for name in ("unit", "study"):
        if name in options and options[name] != parameters[name].default:
            check_text(f"options of source {quoted(source)}: {name}", options[name])
    if _checks_names(_READERS[source]):
        options = split_options(options)[1]
    BuildOptions(**{name: options[name] for name in _names_of(BuildOptions) if name in options})


def _check_simulation(options: dict[str, Any]) -> None:
    """Say of a setting of the wrong kind what other wrong options get: a ValueError."""
    try:
        SimulationSettings(**options)
    except TypeError as error:
        raise ValueError(f"options of source 'simulation': {error}") from error


def _names_of(options: type) -> list[str]:
    return [field.name for field in fields(options)]


def _options(source: str) -> list[str]:
    """Name the settings that a source takes in a profile."""
    if source not in _READERS:
        return [name for name in inspect.signature(simulate).parameters if name != "noise"]
    own = inspect.signature(_READERS[source]).parameters.values()
    not_settings = ("gene_lengths", "gene_map", "external", "series", "cache")
    named = [
        parameter.name
        for parameter in own
        if parameter.kind is parameter.KEYWORD_ONLY and parameter.name not in not_settings
    ]
    groups = (BuildOptions, BorderOptions) if _checks_names(_READERS[source]) else (BuildOptions,)
    shared = [name for options in groups for name in _names_of(options)]
    return list(dict.fromkeys(["network_options", *named, *shared]))


def _checks_names(read: Callable[..., Dataset]) -> bool:
    """Say whether a source checks scales and names of genes, and so takes a table of names."""
    return "gene_map" in inspect.signature(read).parameters


def _simulated(folder: Path, files: dict[str, Any], options: dict[str, Any]) -> Study:
    """Simulate; split by series like any study whose series are known."""
    if files:
        raise ValueError(f"a simulation reads no files, got {', '.join(files)}; remove them")
    for name in ("n_external", "external_shift", "external_missing"):
        if isinstance(options.get(name), list):
            options[name] = tuple(options[name])  # YAML has lists only
    return study_of(simulate(**options))


def study_of(made: Simulation) -> Study:
    """Build the study of a simulation, as a profile's source "simulation" does."""
    dataset = build_dataset(
        made.expression,
        made.prior,
        external=made.external,
        series=made.series,
        simulated=True,
        study="simulated study",
        library_size=pd.concat([part.library_size for part in made.conditions.values()]),
    )
    return Study(dataset, made.prior)


def _measured(
    read: Callable[..., Dataset],
    *,
    needed: tuple[str, ...],
    optional: tuple[str, ...] = (),
    several: tuple[str, ...] = (),
    cohorts_inside: bool = False,
    given: Mapping[str, Any] | None = None,
) -> Callable[..., Study]:
    """Make the opener of one kind of files."""
    if _checks_names(read):
        optional = (*optional, "gene_map")
    extras = optional if cohorts_inside else (*optional, "external", "series")

    def opener(folder: Path, files: dict[str, Any], options: dict[str, Any]) -> Study:
        missing = [role for role in ("network", *needed) if not files.get(role)]
        unknown = [role for role in files if role not in ("network", *needed, *extras)]
        if missing or unknown:
            raise ValueError(
                f"files: missing {', '.join(missing) or 'none'}, unknown "
                f"{', '.join(unknown) or 'none'}; expected network, {', '.join(needed)} and, "
                f"where there are any, {', '.join(extras) or 'no others'}"
            )
        for role in ("network", *needed, *extras):
            if files.get(role):
                _check_names(role, files[role], may_be_several=role in several)
        how = NetworkOptions.of(options.pop("network_options", None))
        reading = read_network(folder / files["network"], how)
        paths = [_paths(folder, files[role]) for role in needed]
        others = {role: _paths(folder, files[role]) for role in extras if files.get(role)}
        dataset = read(*paths, reading.network, **others, **(given or {}), **options)
        return Study(dataset, reading.network, reading)

    return opener


def _of_geo(cache: str | Path | None) -> Callable[..., Study]:
    """Make the opener of GEO's tables, of which a study may have several."""
    roles = ("counts", "annotation")
    return _measured(from_geo, needed=roles, several=("counts",), given={"cache": cache})


def _check_names(role: str, entry: Any, *, may_be_several: bool) -> None:
    """Refuse anything but the names of as many files as a role may have."""
    expected, names = "the name of a file", [entry]
    if role == "external":
        expected = "a mapping of cohort names to files, such as {GSE130970: counts.tsv.gz}"
        names = list(entry.values()) if isinstance(entry, Mapping) else [None]
    elif may_be_several:
        expected = "the name of a file, a list of names, or a mapping of series to names"
        if isinstance(entry, list | Mapping):
            names = list(entry.values() if isinstance(entry, Mapping) else entry)
    if not all(isinstance(name, str | Path) for name in names):
        raise ValueError(f"files: {role} is {quoted(entry)}; expected {expected}")


def _paths(
    folder: Path, names: str | list[str] | Mapping[str, str]
) -> Path | list[Path] | dict[str, Path]:
    if isinstance(names, Mapping):
        return {cohort: folder / name for cohort, name in names.items()}
    if isinstance(names, list):
        return [folder / name for name in names]
    return folder / names
