"""The real chapters on a tiny study: every number from artefacts, and the same bytes twice."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lembas.crate import read_manifest
from lembas.manifest import files_in
from lembas.table_differences import differences
from tests.conftest import Command

ROOT = Path(__file__).resolve().parents[1]

pytestmark = pytest.mark.long


def project_in(folder: Path) -> Path:
    """Copy what a run needs; its profile is the tiny one."""
    for name in ("lembas", "notebooks"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Snakefile", "_toc.yml"):
        shutil.copy(ROOT / name, folder)
    (folder / "profiles").mkdir()
    shutil.copy(ROOT / "tests" / "tiny.yml", folder / "profiles" / "demo.yml")
    return folder


def test_two_runs_give_the_same_bytes_and_every_number_follows_from_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lembas: Command
) -> None:
    folders = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        root = project_in(tmp_path / name)
        monkeypatch.chdir(root)
        code, _, err = lembas("run")
        assert code == 0, err
        folders.append(root / "results" / "demo")
        code, out, err = lembas("verify", "--all")
        assert code == 0, out + err

    one, other = folders
    manifest = read_manifest(one)
    assert len(manifest.chapters) == len(list((ROOT / "notebooks").glob("*.ipynb")))
    assert sum(len(made.numbers) for made in manifest.chapters.values()) > 100
    compared = 0
    for made in manifest.chapters.values():
        for path in made.writes:
            for name in files_in(one, path) if path.endswith("/") else [path]:
                found = differences(one / name, other / name, exact=True)
                assert found is None or found.wrong == (), name
                compared += found is not None
    assert compared > 60
