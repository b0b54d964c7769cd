"""Look at a folder: recognise every file, read the networks, orient the tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from lembas.formats import listed
from lembas.measured import Measured, measure
from lembas.network import Network
from lembas.network_formats import read_network
from lembas.network_reading import NetworkOptions
from lembas.plain_text import quoted
from lembas.recognise import Recognised, recognise

MOST_FILES = 200
# Folders of results hold tables by the hundred, none of them a source.
PASSED_OVER = frozenset({"results", "_build", "__pycache__", "node_modules"})


@dataclass(frozen=True)
class Answers:
    """Hold what a user settles; an empty answer leaves it to the survey.

    Attributes:
        study: File of the study.
        network: File of the network.
        external: External cohorts: file by name.
        no_external: Whether there shall be none.
        genes_in: "rows" or "columns", for every table.
        scale: "counts" or "log10", of the study.
        unit: "cpm" or "tpm", what counts become.
        unsigned: Whether edges of the network may have no known sign.
        on_conflict: "drop" or "unsigned": what becomes of an edge listed with both signs.
        to_upper: Whether names that the network has in capitals only are put into capitals.
        duplicates: "sum", "max_mean" or "first": what becomes of genes that get the same symbol.
        series: File of the samples' series.
        gene_map: File of old and new gene names.
        cohort: Cohort of an .h5ad that is split into training and test samples.
    """

    study: str = ""
    network: str = ""
    external: Mapping[str, str] = field(default_factory=dict)
    no_external: bool = False
    genes_in: str = ""
    scale: str = ""
    unit: str = ""
    unsigned: bool = False
    on_conflict: str = ""
    to_upper: bool = False
    duplicates: str = ""
    series: str = ""
    gene_map: str = ""
    cohort: str = ""

    def __post_init__(self) -> None:
        """Refuse values that have no meaning."""
        choices = {
            "genes_in": ("rows", "columns"),
            "scale": ("counts", "log10"),
            "unit": ("cpm", "tpm"),
            "on_conflict": ("drop", "unsigned"),
            "duplicates": ("sum", "max_mean", "first"),
        }
        for name, known in choices.items():
            if (value := getattr(self, name)) and value not in known:
                raise ValueError(f"{name} is {quoted(value)}; expected one of {', '.join(known)}")
        NetworkOptions.of(self.network_options)
        if self.external and self.no_external:
            raise ValueError("--external and --no-external exclude each other; give one of them")

    @property
    def network_options(self) -> dict[str, Any]:
        """How networks are read, as a profile says it; empty for as usual."""
        said = {"unsigned": self.unsigned, "on_conflict": self.on_conflict}
        return {name: value for name, value in said.items() if value}


@dataclass(frozen=True)
class Found:
    """Hold what a folder holds.

    Attributes:
        folder: The folder.
        records: Every file, by name.
        networks: The networks that can be read, by file.
        tables: The tables of expression.
    """

    folder: Path
    records: Mapping[str, Recognised]
    networks: Mapping[str, Network]
    tables: tuple[Measured, ...]

    def of_role(self, role: str) -> list[Recognised]:
        """List the files of a role."""
        return [record for record in self.records.values() if record.role == role]

    @property
    def is_original(self) -> bool:
        """Whether the original study's network and tables are there, by their very names."""
        return {"network", "tf_table", "gene_table"} <= {
            record.original for record in self.records.values() if record.role != "unreadable"
        }

    def table(self, file: str) -> Measured | None:
        """Return the table of a file; None if it is no table of expression."""
        return next((table for table in self.tables if table.file == file), None)


def look(folder: str | Path, answers: Answers | None = None) -> Found:
    """Recognise every file of a folder and of its subfolders.

    Args:
        folder: The folder; hidden files, and folders of results, are passed over.
        answers: What the user settles.

    Raises:
        FileNotFoundError: If there is no such folder.
        NotADirectoryError: If it is a file.
        ValueError: If it holds no files or more than 200, or an answer names a file that is not
            there or holds something else.
    """
    folder, answers = Path(folder), answers or Answers()
    records = {}
    for path in _files(folder):
        record = recognise(path, folder)
        records[record.file] = record
    _check_named(answers, records, folder)
    networks = {}
    for file, record in list(records.items()):
        if record.role == "network":
            try:
                options = NetworkOptions.of(answers.network_options)
                networks[file] = read_network(folder / file, options).network
            except ValueError as error:
                records[file] = replace(record, problems=(str(error),))
    known = _known(networks)
    tables = tuple(
        measure(record, known=known, genes_in=answers.genes_in)
        for record in records.values()
        if record.role == "expression"
    )
    return Found(folder, records, networks, tables)


def _files(folder: Path) -> list[Path]:
    """List the files, by name."""
    if folder.is_file():
        raise NotADirectoryError(
            f"{folder} is a file; name the folder it is in, such as {folder.parent}"
        )
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}; name the folder of your tables")
    files = []
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder).parts
        hidden = any(part.startswith(".") or part in PASSED_OVER for part in inside)
        if path.is_file() and not hidden:
            files.append(path)
    if not files:
        raise ValueError(f"{folder} holds no files; put tables of expression and a network there")
    if len(files) > MOST_FILES:
        raise ValueError(
            f"{folder} holds {len(files):,} files, more than {MOST_FILES}; name a folder that "
            "holds the study's tables and little else"
        )
    return files


def _check_named(answers: Answers, records: Mapping[str, Recognised], folder: Path) -> None:
    """Refuse an answer that names no file of the folder, or one of another kind."""
    wanted = [
        ("--study", answers.study, "expression"),
        ("--network", answers.network, "network"),
        ("--series", answers.series, "series"),
        ("--gene-map", answers.gene_map, "gene_map"),
        *(("--external", file, "expression") for file in answers.external.values()),
    ]
    for flag, file, role in wanted:
        if not file:
            continue
        if file not in records:
            raise ValueError(
                f"{flag} {file}: no such file in {folder}; files there: {listed(records)}"
            )
        if (record := records[file]).role != role:
            raise ValueError(
                f"{flag} {file}: expected a file of the kind {role}, and this one is "
                f"{record.role} ({record.why})"
            )


def _known(networks: Mapping[str, Network]) -> pd.Index | None:
    """Join the names of all networks."""
    names = pd.Index([], dtype=object)
    for network in networks.values():
        names = names.union(network.nodes)
    return names if len(names) else None
