"""The audit says 'not run' unless its database is truly asked; every locked licence is known."""

from __future__ import annotations

import json
import os
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any

import pytest

from tests import audit, licences


def program(folder: Path, answers: dict[str, Any]) -> str:
    """A stand-in for pip-audit that answers by the name of the file it is asked about."""
    path = folder / "pip-audit"
    (folder / "answers.json").write_text(json.dumps(answers))
    path.write_text(
        "#!/usr/bin/env python3\nimport json, pathlib, sys\n"
        f"answers = json.loads(pathlib.Path({str(folder / 'answers.json')!r}).read_text())\n"
        "answer = answers[pathlib.Path(sys.argv[-1]).name]\n"
        "if isinstance(answer, str):\n    sys.stderr.write(answer); sys.exit(1)\n"
        "print(json.dumps({'dependencies': answer}))\n"
    )
    path.chmod(0o755)
    return str(path)


BAD = [{"name": "jinja2", "version": "2.10", "vulns": [{"id": "CVE-2019-10906"}]}]
SOUND = [{"name": "numpy", "version": "2.0", "vulns": []}]


@pytest.mark.skipif(os.name != "posix", reason="the stand-in is a script")
@pytest.mark.parametrize(
    ("answers", "sentence", "code"),
    [
        ({"known.txt": BAD, "a.lock": SOUND}, "knew no vulnerability", 0),
        ({"known.txt": BAD, "a.lock": BAD}, "found: jinja2 CVE-2019-10906", 1),
        (
            {"known.txt": SOUND, "a.lock": SOUND},
            "answered: nothing, so that its database was out",
            2,
        ),
        ({"known.txt": "ERROR:x:no connection.", "a.lock": SOUND}, "answered: no connection.", 2),
        ({"known.txt": BAD, "a.lock": "ERROR:x:lost"}, "not run: lost.", 2),
    ],
)
def test_an_audit_that_reached_nothing_is_none(
    tmp_path: Path, answers: dict[str, Any], sentence: str, code: int
) -> None:
    found = audit.audited(program(tmp_path, answers), tmp_path / "a.lock")
    assert sentence in found.sentence
    assert found.code == code


def test_without_the_program_nothing_is_claimed() -> None:
    assert audit.audited(None, Path("a.lock")).code == audit.NOT_RUN


def test_every_locked_package_has_a_known_licence() -> None:
    rows = licences.report()
    assert len(rows) > 100
    assert [row["package"] for row in rows if row["licence"] == licences.UNKNOWN] == []


class Package(Distribution):
    """A package with the metadata and files of a test."""

    def __init__(self, folder: Path, metadata: str, licence: str = "") -> None:
        self.folder, self.text = folder, f"Metadata-Version: 2.1\nName: x\n{metadata}"
        if licence:
            (folder / "LICENSE").write_text(licence)

    def read_text(self, filename: str) -> str | None:
        record = "LICENSE,,\n" if (self.folder / "LICENSE").is_file() else ""
        return {"METADATA": self.text, "RECORD": record}.get(filename)

    def locate_file(self, path: Any) -> Path:
        return self.folder / path


BSD = "Redistribution and use in source and binary forms ... Neither the name of x may"


@pytest.mark.parametrize(
    ("metadata", "text", "licence"),
    [
        ("License-Expression: MIT OR Apache-2.0\n", "", "MIT OR Apache-2.0"),
        ("Classifier: License :: OSI Approved :: MIT License\n", "", "MIT"),
        ("Classifier: License :: OSI Approved :: BSD License\n", BSD, "BSD-3-Clause"),
        ("License: Apache License 2.0\n", "", "Apache-2.0"),
        ("", "GNU GENERAL PUBLIC LICENSE\nVersion 2, June 1991", "GPL-2.0-or-later"),
        ("", f"{BSD}\n GNU GENERAL PUBLIC LICENSE\nVersion 3,", "BSD-3-Clause"),
        ("License: ask the author\n", "All rights reserved.", licences.UNKNOWN),
        ("", "", licences.UNKNOWN),
    ],
)
def test_licences_are_told(tmp_path: Path, metadata: str, text: str, licence: str) -> None:
    assert licences.licence_of(Package(tmp_path, metadata, text))[0] == licence
