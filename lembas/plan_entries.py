"""Refuse a plan whose entries are damaged, before a job is made of them."""

from collections.abc import Mapping
from typing import Any

from lembas.provenance import Kind, wrong_parts


def check_plan(plan: Mapping[str, Any], chapter: str, kinds: Mapping[str, Kind]) -> None:
    """Refuse a plan that is damaged where a chapter's entry is read; one without it may pass.

    Raises:
        ValueError: If a part is missing or of another kind.
    """
    entries = plan.get("chapters", {})
    wrong = [] if isinstance(entries, dict) else ["chapters"]
    if not wrong and chapter in entries:
        entry = entries[chapter]
        wrong = [name for name in ("profile", "run_dir") if not isinstance(plan.get(name), str)]
        wrong += wrong_parts(kinds, entry) if isinstance(entry, dict) else [f"chapters.{chapter}"]
    if wrong:
        raise ValueError(
            f"the plan is damaged ({', '.join(wrong[:5])} missing or of another kind); write it "
            "again with: lembas run"
        )
