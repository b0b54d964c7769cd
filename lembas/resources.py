"""Check what the jobs of a profile ask a cluster for: memory and time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from typing import Any

from lembas.plain_text import quoted, short

CHAPTER_NAME = re.compile(r"\d\d_[a-z0-9_]+")
DEFAULT = "default"
PIECES = "pieces"
# Snakemake's names and units: MB, and minutes.
ASKED = ("mem_mb", "runtime")
# Minutes beyond a chapter's own limit: the job starts, and writes why it was stopped.
_SLACK_MIN = 10


def check_chapter_key(name: Any, origin: str, section: str, *, but: Set[str] = frozenset()) -> None:
    """Refuse a key that is neither a chapter's name nor ``default``.

    Args:
        name: The key.
        origin: The file, for the message.
        section: The section of the file.
        but: ``default``, where it has no meaning.

    Raises:
        ValueError: If it is no such key.
    """
    if name in {DEFAULT} - but or CHAPTER_NAME.fullmatch(str(name)):
        return
    expected = " or ".join([*(f"`{key}`" for key in {DEFAULT} - but), "a chapter such as 01_data"])
    raise ValueError(
        f"{origin}: `{section}` names {quoted(name)}, which is no chapter; expected {expected}"
    )


def checked_resources(section: Mapping[str, Any], origin: str) -> dict[str, dict[str, Any]]:
    """Check a profile's section ``resources``.

    Args:
        section: Chapter, or ``default``, to ``mem_mb`` (MB), ``runtime`` (minutes), and
            ``pieces``, which holds the same two for the jobs that make a chapter's pieces.
        origin: The file, for messages.

    Raises:
        ValueError: If a key is unknown, or a value is no whole number of at least 1.
    """
    for chapter, asked in section.items():
        check_chapter_key(chapter, origin, "resources")
        where = f"`resources.{chapter}`"
        _check_keys(asked, {*ASKED, PIECES}, origin, where)
        if PIECES in asked:
            _check_keys(asked[PIECES], {*ASKED}, origin, f"`resources.{chapter}.{PIECES}`")
    return {chapter: dict(asked) for chapter, asked in section.items()}


def resources_of(
    section: Mapping[str, Mapping[str, Any]], chapter: str, time_out_s: int, *, piece: bool
) -> dict[str, int]:
    """Look up what a job asks for: of its own, else of its chapter, else of ``default``.

    Args:
        section: The checked section.
        chapter: The job's chapter.
        time_out_s: The chapter's limit, for jobs without a ``runtime``.
        piece: Whether the job makes pieces of the chapter.

    Returns:
        ``runtime`` (minutes), and ``mem_mb`` where it is given.
    """
    general, own = section.get(DEFAULT, {}), section.get(chapter, {})
    layers = [general, general.get(PIECES, {}) if piece else {}, own]
    layers.append(own.get(PIECES, {}) if piece else {})
    asked: dict[str, int] = {"runtime": -(-time_out_s // 60) + _SLACK_MIN}
    for layer in layers:
        asked |= {key: layer[key] for key in ASKED if key in layer}
    return asked


def _check_keys(asked: Any, known: set[str], origin: str, where: str) -> None:
    if not isinstance(asked, Mapping):
        raise ValueError(
            f"{origin}: {where} must hold lines such as `mem_mb: 4000`, not {quoted(asked)}"
        )
    unknown = [str(key) for key in asked if key not in known]
    if unknown:
        raise ValueError(
            f"{origin}: {where} has unknown key(s): {', '.join(map(short, unknown[:5]))}; "
            f"known keys: {', '.join(sorted(known))}"
        )
    for key in ASKED:
        value = asked.get(key, 1)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            unit = {"mem_mb": "MB", "runtime": "minutes"}[key]
            raise ValueError(
                f"{origin}: {where}: {key} must be a whole number of {unit}, at least 1, "
                f"not {quoted(value)}"
            )
