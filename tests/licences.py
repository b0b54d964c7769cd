"""Report the licence of every locked package from its metadata: `python -m tests.licences`."""

from __future__ import annotations

import argparse
import csv
import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
COLUMNS = ("package", "version", "licence", "said by")
# What a licence is called in metadata, and its SPDX name; the first that is found counts.
SPDX = (
    (r"apache[- ]?(software )?(licen[sc]e)?,?( version)? ?-?2(\.0)?", "Apache-2.0"),
    (r"apache software license|apache license|^apache$", "Apache-2.0"),
    (r"(3-clause|new|modified|revised) ?.?bsd|bsd[- ]3-?clause|bsd-3", "BSD-3-Clause"),
    (r"2-clause bsd|simplified bsd|bsd[- ]2-?clause", "BSD-2-Clause"),
    (r"zero-clause|0bsd", "0BSD"),
    (r"mozilla public license 2\.0|mpl[- ]?2(\.0)?", "MPL-2.0"),
    (r"python software foundation|psf(-2\.0)?|python-2\.0", "PSF-2.0"),
    (r"isc licen[sc]e|^isc", "ISC"),
    (r"the unlicense|unlicense", "Unlicense"),
    (r"hpnd|historical permission notice", "HPND"),
    (r"zpl[- ]2\.1|zope public", "ZPL-2.1"),
    (r"lgpl.?v?3|lesser general public license v3", "LGPL-3.0"),
    (r"lgpl.?v?2|lesser general public", "LGPL-2.1"),
    (r"agpl|affero", "AGPL-3.0"),
    (r"gplv?-?2.*(later|\+)|gpl-2\.0-or-later", "GPL-2.0-or-later"),
    (r"gplv?-?3|general public license v3", "GPL-3.0"),
    (r"gplv?-?2|general public license v2", "GPL-2.0"),
    (r"\bmit\b|mit license", "MIT"),
    (r"\bbsd\b", "BSD"),
    (r"public domain|cc0", "CC0-1.0"),
)
# How the text of a licence is told where metadata say nothing, or too little; all must be found.
TEXTS = (
    (("GNU GENERAL PUBLIC LICENSE", "Version 2,"), "GPL-2.0-or-later"),
    (("GNU GENERAL PUBLIC LICENSE", "Version 3,"), "GPL-3.0"),
    (("Apache License", "Version 2.0"), "Apache-2.0"),
    (("Redistribution and use in source and binary", "either the name"), "BSD-3-Clause"),
    (("Redistribution and use in source and binary", "may not be used to endorse"), "BSD-3-Clause"),
    (("Redistribution and use in source and binary",), "BSD-2-Clause"),
    (("Permission is hereby granted, free of charge",), "MIT"),
)
UNKNOWN = "unknown"


def locked() -> list[str]:
    """Name the packages of the lock whose markers hold here."""
    lines = (ROOT / "requirements.lock").read_text("utf-8").splitlines()
    wanted = [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]
    return [item.name for item in wanted if item.marker is None or item.marker.evaluate()]


def licence_of(found: Distribution) -> tuple[str, str]:
    """Return a package's licence and where that is said."""
    about = found.metadata
    if expression := about.get("License-Expression"):
        return expression, "licence expression"
    classified = [name for name in about.get_all("Classifier", []) if name.startswith("License")]
    ids = dict.fromkeys(filter(None, (_spdx(name.rpartition("::")[2]) for name in classified)))
    if ids and "BSD" not in ids:
        return " AND ".join(ids), "classifier"
    said = _spdx((about.get("License") or "").strip().split("\n")[0])
    if said and said != "BSD":
        return said, "licence field"
    if text := _of_files(found):
        return text, "licence file"
    if ids or said:
        return " AND ".join(ids) or said, "classifier" if ids else "licence field"
    return UNKNOWN, ""


def _of_files(found: Distribution) -> str:
    """Tell a licence by the text that a package brings."""
    names = ("LICEN", "COPYING")
    files = [file for file in found.files or () if file.name.upper().startswith(names)]
    for file in sorted(files, key=lambda file: len(file.parts)):
        if file.suffix != ".py" and (path := Path(str(file.locate()))).is_file():
            text = " ".join(path.read_text("utf-8", "replace").split())
            # A wheel may bring the licences of libraries inside it after its own.
            told = [
                (text.index(signs[0]), place, licence)
                for place, (signs, licence) in enumerate(TEXTS)
                if all(sign in text for sign in signs)
            ]
            if told:
                return min(told)[2]
    return ""


def _spdx(text: str) -> str:
    return next((name for pattern, name in SPDX if re.search(pattern, text, re.IGNORECASE)), "")


def report() -> list[dict[str, str]]:
    """List every locked package with its licence; one that is not installed is said to be so."""
    rows = []
    for name in sorted(locked(), key=str.lower):
        try:
            found = distribution(name)
        except PackageNotFoundError:
            rows.append(dict(zip(COLUMNS, (name, "", "not installed here", ""), strict=True)))
            continue
        licence, where = licence_of(found)
        rows.append(dict(zip(COLUMNS, (name, found.version, licence, where), strict=True)))
    return rows


def main(arguments: list[str] | None = None) -> int:
    """Write the report; the exit code is 1 where a licence is not known."""
    parser = argparse.ArgumentParser(prog="python -m tests.licences", description=__doc__)
    parser.add_argument("--table", type=Path, help="write it to this CSV file as well")
    given = parser.parse_args(arguments)
    rows = report()
    if given.table:
        given.table.parent.mkdir(parents=True, exist_ok=True)
        with given.table.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    for row in rows:
        sys.stdout.write(f"{row['package']:<40} {row['version']:<16} {row['licence']}\n")
    unknown = [row["package"] for row in rows if row["licence"] == UNKNOWN]
    sys.stdout.write(f"{len(rows)} packages, {len(unknown)} of unknown licence\n")
    return int(bool(unknown))


if __name__ == "__main__":
    sys.exit(main())
