"""Compare the artefacts of two runs to the byte, but for times."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from lembas.provenance import digest

# Columns that hold times. They differ from run to run, whoever runs.
TIMES = {"models_baselines": ["fit_s"], "models_lembas": ["fit_s"], "controls_fits": ["fit_s"]}
# What a run leaves beside its artefacts: plans, records, executed notebooks (they show times).
BESIDE = {"plan", "provenance", "chapters", "failed", "unfinished", "cache"}
BESIDE |= {"ro-crate-metadata.json"}


def artefacts(run: Path) -> dict[str, Path]:
    """List a run's artefacts by their name in the run's folder."""
    files = {path.relative_to(run).as_posix(): path for path in run.rglob("*") if path.is_file()}
    return {
        name: path
        for name, path in sorted(files.items())
        if name.split("/")[0] not in BESIDE and not path.name.startswith(".")
    }


def differences(one: Path, other: Path) -> list[str]:
    """Name the artefacts that differ, or are there once only."""
    first, second = artefacts(one), artefacts(other)
    found = [f"{name}: in one run only" for name in sorted(first.keys() ^ second.keys())]
    for name in first.keys() & second.keys():
        if not _same(first[name], second[name]):
            found.append(f"{name}: differs")
    return sorted(found)


def _same(one: Path, other: Path) -> bool:
    if (times := TIMES.get(one.stem)) and one.suffix == ".parquet":
        first, second = (pd.read_parquet(path).drop(columns=times) for path in (one, other))
        return first.equals(second)
    return digest(one) == digest(other)
