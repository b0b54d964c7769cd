"""Write what was measured: JSON for programs, a table for the book."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sklearn
import torch
import xgboost

from lembas.formats import counted
from lembas.latency import machine
from tests.bench import bounds
from tests.bench.problem import Problem
from tests.bench.tasks import FAST, LIBRARY, SLOW, Task
from tests.bench.timing import Times

FOLDER = Path(__file__).parents[2] / "book" / "performance"


def row(task: Task, times: Mapping[str, Times]) -> dict[str, Any]:
    """Describe one task: times in seconds, ratios of medians and of the ranges' far ends."""
    ours, slow = times[FAST], times[SLOW]
    entry: dict[str, Any] = {
        "task": task.name,
        "reference": task.slow,
        "note": task.note,
        "asked_for": task.target,
        "largest_difference": None if np.isnan(task.difference) else float(task.difference),
        "ratio": slow.median / ours.median,
        "ratio_range": [slow.range[0] / ours.range[1], slow.range[1] / ours.range[0]],
    }
    for name, each in times.items():
        entry[f"{name}_s"] = {"median": each.median, "range": each.range, "n": len(each.seconds)}
    if task.work:
        entry |= bounds.bound(task.work, bounds.machine_peaks())
        entry["times_bound"] = ours.median / entry["bound_s"]
    if LIBRARY in times:
        entry["library"] = task.library
        entry["library_ratio"] = times[LIBRARY].median / ours.median
    return entry


def conditions(problem: Problem) -> dict[str, Any]:
    """Say what the times were measured on, and with which versions."""
    found = machine()
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": found.processor,
        "threads": found.threads,
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "xgboost": xgboost.__version__,
        "scikit-learn": sklearn.__version__,
        "numpy": np.__version__,
        "gflops": {
            str(dtype): round(peaks.flops_per_s / 1e9, 1)
            for dtype, peaks in bounds.machine_peaks().items()
        },
        "gb_per_s": round(bounds.machine_peaks()[torch.float32].bytes_per_s / 1e9, 1),
        "problem": asdict(problem),
    }


def write(report: Mapping[str, Any], folder: Path = FOLDER) -> None:
    """Write ``performance.json`` and the tables that the book's page shows."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(report, indent=1) + "\n"
    (folder / "performance.json").write_text(text, encoding="utf-8")
    for name, lay_out in (
        ("ratios", ratios),
        ("bounds", beside_bounds),
        ("ways", ways),
        ("memory", memory),
        ("explaining", explaining),
    ):
        lay_out(report).to_csv(folder / f"{name}.csv", index=False)
    (folder / "machine.md").write_text(sentence(report["conditions"]), encoding="utf-8")


def ratios(report: Mapping[str, Any]) -> pd.DataFrame:
    """Lay out for a reader how much faster each task is done."""
    rows = []
    for entry in report["tasks"]:
        low, high = entry["ratio_range"]
        target = entry["asked_for"]
        rows.append(
            {
                "Task": entry["task"],
                "Ours": _seconds(entry["ours_s"]["median"]),
                "Reference": _seconds(entry["reference_s"]["median"]),
                "Times faster": _digits(entry["ratio"]),
                "Range": f"{_digits(low)} to {_digits(high)}",
                "Asked for": _digits(target) if target else "",
            }
        )
    return pd.DataFrame(rows)


def beside_bounds(report: Mapping[str, Any]) -> pd.DataFrame:
    """Lay out for a reader how far each task still is from what the machine can do."""
    rows = [
        {
            "Task": entry["task"],
            "Ours": _seconds(entry["ours_s"]["median"]),
            "Bound": _seconds(entry["bound_s"]),
            "Limited by": entry["limited_by"],
            "Ours over bound": _digits(entry["times_bound"]),
        }
        for entry in report["tasks"]
        if "bound_s" in entry
    ]
    return pd.DataFrame(rows)


def ways(report: Mapping[str, Any]) -> pd.DataFrame:
    """Lay out for a reader what each reference is, and how a time was come by."""
    rows = []
    for entry in report["tasks"]:
        difference, other = entry["largest_difference"], entry.get("library")
        notes = [
            entry["note"],
            _apart(difference),
            f"{other} takes {_digits(entry['library_ratio'])} times as long as ours"
            if other
            else "",
        ]
        notes = "; ".join(note for note in notes if note)
        rows.append({"Task": entry["task"], "Reference": entry["reference"], "Notes": notes})
    return pd.DataFrame(rows)


def memory(report: Mapping[str, Any]) -> pd.DataFrame:
    """Lay the peak memories out for a reader."""
    rows = [(name, f"{peak / 1000:.2f}") for name, peak in report["memory_mb"].items()]
    return pd.DataFrame(rows, columns=["In a process of its own", "Peak memory (GB)"])


def explaining(report: Mapping[str, Any]) -> pd.DataFrame:
    """Lay out for a reader what explaining one gene takes beside what it may take."""
    words = {"allowed_mb": "Allowed (MB)", "peak_mb": "Peak above the model's own (MB)"}
    table = pd.DataFrame(report["explaining"], columns=[*words, "cpu_s"])
    shown = table.assign(cpu_s=table["cpu_s"].map(_seconds)).round(0)
    shown = shown.astype(dict.fromkeys(words, int))
    return shown.rename(columns={**words, "cpu_s": "Processor time"})


def sentence(found: Mapping[str, Any]) -> str:
    """Say in one sentence what was measured, on what, and when."""
    problem = found["problem"]
    return (
        f"Measured on {found['date']} with {counted(found['threads'], 'thread')} of "
        f"{found['processor']}, torch {found['torch']}, xgboost {found['xgboost']}, scikit-learn "
        f"{found['scikit-learn']}, NumPy {found['numpy']}: {problem['n_samples']:,} samples, "
        f"{problem['n_tfs']:,} TFs, {problem['n_targets']:,} targets, {problem['n_edges']:,} "
        f"edges, {problem['n_block_edges']:,} of them from TF to TF. This machine multiplied "
        f"matrices at {found['gflops']['torch.float32']:.0f} GFLOP/s in single and "
        f"{found['gflops']['torch.float64']:.0f} in double precision, and moved "
        f"{found['gb_per_s']:.0f} GB/s through memory.\n"
    )


def _apart(difference: float | None) -> str:
    if difference is None:
        return ""
    return f"largest difference {difference:.0e}" if difference else "the same to the last digit"


def _seconds(value: float) -> str:
    """Write a time in three digits, with its unit in the same line."""
    for factor, unit, below in ((1e6, "µs", 1e-3), (1e3, "ms", 1.0), (1.0, "s", 300.0)):
        if value < below:
            return f"{factor * value:.3g}\u00a0{unit}"
    minutes = value / 60
    return f"{minutes:,.0f}\u00a0min" if minutes >= 100 else f"{minutes:.3g}\u00a0min"


def _digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"
