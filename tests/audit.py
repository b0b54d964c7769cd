"""Look the locked packages up among known vulnerabilities: `python -m tests.audit`.

pip-audit, which is in no lock, must be on the path or be named. Where its database is out of reach
it may report nothing, as if all were well; so a release with known vulnerabilities is
looked up first, and if that one is not found the audit counts as not run.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# Vulnerable since 2019 (CVE-2019-10906, among others).
KNOWN_BAD = "jinja2==2.10"
NOT_RUN = 2


@dataclass(frozen=True)
class Audit:
    """Say how an audit went.

    Attributes:
        sentence: For the book.
        code: 0: nothing was found; 1: something was; 2: it was not run.
    """

    sentence: str
    code: int


def audited(command: str | None, lock: Path) -> Audit:
    """Audit a lock, if that can be done truly."""
    if command is None:
        return Audit("The audit was not run: pip-audit is not installed.", NOT_RUN)
    with tempfile.TemporaryDirectory() as folder:
        known = Path(folder) / "known.txt"
        known.write_text(f"{KNOWN_BAD}\n")
        found, reason = _looked_up(command, known)
    if not found:
        why = reason or "nothing, so that its database was out of reach"
        asked = f"asked for {KNOWN_BAD}, whose vulnerabilities are known, pip-audit answered"
        return Audit(f"The audit was not run: {asked}: {why}.", NOT_RUN)
    found, reason = _looked_up(command, lock)
    if reason:
        return Audit(f"The audit was not run: {reason}.", NOT_RUN)
    day = datetime.now(UTC).date()
    if found:
        return Audit(f"On {day} pip-audit found: {', '.join(found)}.", 1)
    return Audit(f"On {day} pip-audit knew no vulnerability of the locked packages.", 0)


def _looked_up(command: str, requirements: Path) -> tuple[list[str], str]:
    """List package and vulnerability; and why the look-up failed, "" if it did not."""
    options = ["--strict", "--no-deps", "--disable-pip", "--format", "json"]
    done = subprocess.run(
        [command, *options, "-r", str(requirements)], capture_output=True, text=True, check=False
    )
    try:
        packages: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        return [], (lines or ["ERROR:pip-audit:no answer"])[-1].split(":", 2)[-1].rstrip(".")
    found = [f"{item['name']} {each['id']}" for item in packages for each in item.get("vulns", [])]
    return found, ""


def main(arguments: list[str] | None = None) -> int:
    """Audit the lock and say how it went."""
    parser = argparse.ArgumentParser(prog="python -m tests.audit", description=__doc__)
    parser.add_argument("--pip-audit", default=shutil.which("pip-audit"), help="the program")
    parser.add_argument("--page", type=Path, help="write the sentence to this file as well")
    given = parser.parse_args(arguments)
    audit = audited(given.pip_audit, ROOT / "requirements.lock")
    if given.page:
        given.page.parent.mkdir(parents=True, exist_ok=True)
        given.page.write_text(f"{audit.sentence}\n", encoding="utf-8")
    sys.stdout.write(f"{audit.sentence}\n")
    return audit.code


if __name__ == "__main__":
    sys.exit(main())
