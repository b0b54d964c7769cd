"""Find chapters whose results belong to something that is no longer so, whatever times say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lembas.chapters import writers_of
from lembas.plan import Plan
from lembas.provenance import BOX, checked_record, read_json
from lembas.versions import RESULTS_FROM, package_versions


def read_record(plan: Plan, name: str) -> dict[str, Any]:
    """Read what a chapter's last run wrote about itself; empty if there is nothing.

    Raises:
        ValueError: If it is damaged.
    """
    origin = f"{plan.run_dir}/provenance/{name}.json"
    found = read_json(plan.root / origin)
    return checked_record(found, origin, BOX) if found else {}


def aged(plan: Plan, name: str, made: Mapping[str, Any]) -> list[str]:
    """Say why a chapter must run again, though its files may be newer than all it reads.

    Times of change lie when the clock is set back, or when a run is killed between two files.

    Args:
        plan: The run.
        name: The chapter.
        made: Its record.

    Returns:
        Reasons in plain words; none when it need not.
    """
    if not made:
        executed = (plan.root / plan.executed(name)).is_file()
        return ["its record is missing"] if executed else []
    return [*_other_versions(made), *_read_another(plan, name, made)]


def _other_versions(made: Mapping[str, Any]) -> list[str]:
    """Compare what can change a number; a package that is missing on one side is no other one."""
    before, now = made["versions"], package_versions(RESULTS_FROM)
    both = [package for package in now if before.get(package, now[package]) != now[package]]
    return [f"{package} changed from {before[package]} to {now[package]}" for package in both]


def _read_another(plan: Plan, name: str, made: Mapping[str, Any]) -> list[str]:
    """Compare the artefacts that a chapter read with those that their chapters wrote last."""
    words = []
    for artefact, seen in made["reads"].items():
        for writer, written in writers_of(artefact, plan.chapters):
            now = read_record(plan, writer).get("writes", {}).get(written, seen)
            if written == artefact and now != seen:
                words.append(f"{writer} has written another {artefact} since")
    return words
