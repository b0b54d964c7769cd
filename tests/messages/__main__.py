"""List the error messages that no test produces: `python -m tests.messages --help`."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.messages.matched import asked_for, passed_on
from tests.messages.reasons import REASONS
from tests.messages.sites import ROOT, Site, sites


def recorded(record: Path) -> set[tuple[str, int]]:
    """Read what the plugin wrote: file and line."""
    rows = [line.rsplit(" ", 1) for line in record.read_text("utf-8").splitlines()]
    return {(file, int(line)) for file, line in rows}


def run_tests(record: Path, arguments: list[str]) -> None:
    """Run pytest with the plugin."""
    command = [sys.executable, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += ["-p", "tests.messages.recorder", *arguments]
    subprocess.run(
        command, cwd=ROOT, env={**os.environ, "LEMBAS_MESSAGES": str(record)}, check=True
    )


def reason_of(site: Site) -> str:
    """Say why no test produces a message; "" where nothing is known."""
    return next((why for start, why in REASONS.items() if site.key.startswith(start)), "")


def unknown_by_words(found: list[Site]) -> dict[tuple[str, int], str]:
    """Give the reason why words cannot tell whether a message is produced."""
    return dict.fromkeys(passed_on(found), "it passes another's words on")


def main(arguments: list[str] | None = None) -> int:
    """Print what is not produced; the exit code is 1 where a reason is missing."""
    parser = argparse.ArgumentParser(prog="python -m tests.messages", description=__doc__)
    parser.add_argument("--record", type=Path, help="file of what is reached; kept and added to")
    parser.add_argument("--words", action="store_true", help="count what tests ask for by words")
    parser.add_argument("--no-run", action="store_true", help="only report what the record holds")
    parser.add_argument("tests", nargs="*", help="pytest's arguments; none: all tests")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        record = (given.record or Path(scratch) / "record.txt").absolute()
        record.touch()
        if not given.no_run:
            run_tests(record, given.tests)
        reached = recorded(record)
    found = sites()
    others: dict[tuple[str, int], str] = {}
    if given.words:
        reached |= asked_for(found)
        others = unknown_by_words(found)
    missing = [site for site in found if site.place not in reached]
    explained = {
        site: why for site in missing if (why := reason_of(site) or others.get(site.place))
    }
    for site in missing:
        why = explained.get(site, site.source[:160])
        sys.stdout.write(f"{site.file}:{site.line} {site.function}: {why}\n")
    sys.stdout.write(
        f"{len(found)} messages: {len(found) - len(missing)} produced, {len(explained)} with a "
        f"reason why not, {len(missing) - len(explained)} without\n"
    )
    return int(len(missing) > len(explained))


if __name__ == "__main__":
    sys.exit(main())
