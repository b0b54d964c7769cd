"""The report before any fit: samples, genes, network, leakage and quality, as one document.

The document is plain: numbers, texts, lists and mappings that JSON knows, valid under ``SCHEMA``.
Text and page are made from it, so that the three cannot differ.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from lembas.audit import leakage_audit, missingness, sample_counts
from lembas.coverage import coverage, structure
from lembas.data import Dataset
from lembas.formats import counted
from lembas.network import Network
from lembas.plain_text import harmless
from lembas.quality import quality_audit

VERDICTS = ("ok", "note", "warning")
# Roles of genes left out, in words; without a name in the network a gene has none.
ROLES = {"input": "inputs", "target": "targets", "none": "neither"}
WIDTH = 80
_COUNT: Mapping[str, Any] = {"type": "integer", "minimum": 0}
_TEXT: Mapping[str, Any] = {"type": "string"}


def _object(**properties: Mapping[str, Any]) -> dict[str, Any]:
    """Describe a mapping of which every key is needed and no other allowed."""
    return {
        "type": "object",
        "required": list(properties),
        "additionalProperties": False,
        "properties": {name: dict(kind) for name, kind in properties.items()},
    }


def _rows(**properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": _object(**properties)}


SCHEMA: Mapping[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Check of a study before any fit",
    **_object(
        version={"const": 1},
        study=_TEXT,
        origin=_TEXT,
        unit=_TEXT,
        simulated={"type": "boolean"},
        fill={"enum": ["train_mean", "zero"]},
        verdicts=_object(ok=_COUNT, note=_COUNT, warning=_COUNT),
        samples=_rows(
            cohort=_TEXT,
            part=_TEXT,
            samples=_COUNT,
            known_series={"type": ["integer", "null"], "minimum": 0},
            imputed_inputs=_COUNT,
            missing_targets=_COUNT,
        ),
        genes=_rows(
            cohort=_TEXT, role={"enum": ["input", "target"]}, measured=_COUNT, missing=_COUNT
        ),
        network=_object(
            coverage=_rows(item=_TEXT, stage=_TEXT, count=_COUNT),
            n_block_edges=_COUNT,
            n_tfs_on_cycles=_COUNT,
            n_self_loops=_COUNT,
            median_regulators={"type": "number", "minimum": 0},
            n_targets_without_regulators=_COUNT,
        ),
        audit=_rows(
            topic={"enum": ["leakage", "quality"]},
            check=_TEXT,
            finding=_TEXT,
            count=_COUNT,
            examples=_TEXT,
            verdict={"enum": list(VERDICTS)},
        ),
        excluded=_rows(
            role={"enum": list(ROLES)},
            reason=_TEXT,
            genes=_COUNT,
            examples={"type": "array", "items": _TEXT},
        ),
    ),
}


def document(dataset: Dataset, network: Network, *, origin: str) -> dict[str, Any]:
    """Check a study and put all that was found into one document.

    Args:
        dataset: Study and external cohorts.
        network: The network the dataset was built with.
        origin: What was checked, such as "profile liver".

    Returns:
        Plain values, valid under ``SCHEMA``.
    """
    used = network.restrict(dataset.inputs, dataset.targets)
    leaks = leakage_audit(dataset, network).assign(topic="leakage")
    audit = pd.concat([leaks, quality_audit(dataset).assign(topic="quality")])
    counts = audit["verdict"].value_counts()
    return {
        "version": 1,
        "study": dataset.study,
        "origin": origin,
        "unit": dataset.unit,
        "simulated": dataset.simulated,
        "fill": dataset.fill,
        "verdicts": {verdict: int(counts.get(verdict, 0)) for verdict in VERDICTS},
        "samples": _samples(dataset),
        "genes": _plain(missingness(dataset)),
        "network": {
            "coverage": _plain(coverage(network, dataset.inputs, dataset.targets)),
            **asdict(structure(used, dataset.targets)),
        },
        "audit": _plain(audit[["topic", "check", "finding", "count", "examples", "verdict"]]),
        "excluded": _excluded(dataset.excluded),
    }


def _samples(dataset: Dataset) -> list[dict[str, Any]]:
    table = sample_counts(dataset)
    table.columns = table.columns.str.replace(" ", "_")
    table["known_series"] = table["known_series"].astype(object).replace("none", None)
    return _plain(table)


def _plain(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Turn rows into mappings of Python's own values."""
    return [
        {str(key): value.item() if hasattr(value, "item") else value for key, value in row.items()}
        for row in table.to_dict("records")
    ]


def _excluded(excluded: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {"role": role, "reason": reason, "genes": len(part), "examples": part["gene"].tolist()[:5]}
        for (role, reason), part in excluded.groupby(["role", "reason"])
    ]


def as_text(found: Mapping[str, Any]) -> str:
    """Write the document for a terminal of 80 columns; names are made harmless for it."""
    network = found["network"]
    samples = [
        [row["cohort"], row["part"], row["samples"], row["known_series"] or "unknown"]
        for row in found["samples"]
    ]
    genes = [
        [row["cohort"], f"{row['role']}s", row["measured"], row["missing"]]
        for row in found["genes"]
    ]
    stages = [[row["item"], row["stage"], row["count"]] for row in network["coverage"]]
    excluded = [
        [ROLES[row["role"]], row["reason"], row["genes"], ", ".join(row["examples"][:3])]
        for row in found["excluded"]
    ]
    simulated = ", simulated" if found["simulated"] else ""
    parts = [
        f"{found['origin']}: {found['study']}, {found['unit']}{simulated}",
        _table("Samples", ["cohort", "part", "samples", "series"], samples),
        _table("Genes", ["cohort", "role", "measured", "missing"], genes),
        _table("Network", ["", "", "count"], stages),
        in_words(network),
        *(_topic(found["audit"], topic) for topic in ("leakage", "quality")),
        _table("Left out", ["role", "reason", "genes", "such as"], excluded),
        summary(found),
    ]
    return "\n\n".join(harmless(part) for part in parts)


def in_words(network: Mapping[str, Any]) -> str:
    """Say what the network in use looks like."""
    return textwrap.fill(
        f"A target has {network['median_regulators']:g} regulators (median); "
        f"{counted(network['n_targets_without_regulators'], 'target')} without; "
        f"{counted(network['n_tfs_on_cycles'], 'TF')} on cycles; "
        f"{counted(network['n_self_loops'], 'self-loop')}.",
        WIDTH,
        break_on_hyphens=False,
    )


def summary(found: Mapping[str, Any]) -> str:
    """Count the verdicts."""
    verdicts = found["verdicts"]
    return (
        f"{counted(verdicts['warning'], 'warning')}, {counted(verdicts['note'], 'note')}, "
        f"{verdicts['ok']} ok"
    )


def _table(title: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Align columns: numbers to the right, texts to the left."""
    table = [list(row) for row in rows]
    if not table:
        return f"{title}\n  none"
    right = [all(isinstance(row[place], int) for row in table) for place in range(len(header))]
    cells = [list(header), *([_shown(cell) for cell in row] for row in table)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(header))]
    lines = [
        "  ".join(
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(row, widths, right, strict=True)
        )
        for row in cells
    ]
    return "\n".join([title, *(_narrow(f"  {line}") for line in lines)])


def _narrow(line: str) -> str:
    """Cut a line between two words, so that no name loses its end."""
    line = line.rstrip()
    if len(line) <= WIDTH:
        return line
    whole_words = line[: WIDTH - 3].rpartition(" ")[0]
    return f"{whole_words.rstrip(' ,')} ..."


def _shown(cell: Any) -> str:
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def _topic(audit: Sequence[Mapping[str, Any]], topic: str) -> str:
    lines = [topic.capitalize()]
    for row in audit:
        if row["topic"] != topic:
            continue
        number = f": {row['count']:,}" if row["count"] else ""
        lines.append(f"  {row['verdict']:<8} {row['check']}{number}")
        if row["verdict"] != "ok":
            lines += _wrapped(row["finding"])
        if row["examples"]:
            lines += _wrapped(f"such as {row['examples']}")
    return "\n".join(lines)


def _wrapped(text: str) -> list[str]:
    indent = " " * 11
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent)
