"""A fit's progress belongs to that very fit."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lembas.formats import write_atomically
from lembas.unfinished import Unfinished, fingerprint

TABLE = pd.DataFrame(np.arange(6.0).reshape(3, 2), index=["a", "b", "c"], columns=["X", "Y"])


@pytest.mark.parametrize(
    "other",
    [
        TABLE.rename(index={"a": "z"}),
        TABLE.rename(columns={"X": "Z"}),
        TABLE + 1e-9,
        TABLE.iloc[::-1],
        TABLE.iloc[:2],
        TABLE.astype(np.float32),
    ],
)
def test_any_difference_in_a_table_is_seen(other: pd.DataFrame) -> None:
    assert fingerprint(TABLE) == fingerprint(TABLE.copy())
    assert fingerprint(TABLE) != fingerprint(other)


def test_any_difference_in_the_settings_is_seen() -> None:
    known = {fingerprint(TABLE, {"seed": seed}, text) for seed in (1, 2) for text in ("a", "b")}
    assert len(known) == 4
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    assert fingerprint("ab", "c") != fingerprint("a", "bc")


def test_progress_is_found_again_by_its_own_fit_alone(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "fit"
    Unfinished.open(folder, "key").path("part").write_text("done")
    assert Unfinished.open(folder, "key").path("part").read_text() == "done"
    assert not Unfinished.open(folder, "another").path("part").exists()


def test_another_processs_file_in_the_making_is_left_alone(tmp_path: Path) -> None:
    for name in (".fit.other-17.txt", ".part.other-17.npz"):
        (tmp_path / name).write_text("half")
    Unfinished.open(tmp_path, "key")
    assert (tmp_path / ".fit.other-17.txt").exists()
    assert (tmp_path / ".part.other-17.npz").exists()


def test_processes_that_open_one_fit_at_once_lose_nothing(tmp_path: Path) -> None:
    """All find another fit's progress, remove it, and keep a file each: a hundred times over."""
    folder = tmp_path / "fit"

    def keep(number: int, key: str) -> None:
        place = Unfinished.open(folder, key)
        write_atomically(place.path(f"{number}.txt"), lambda part: part.write_text(key))

    Unfinished.open(folder, "first")
    with ThreadPoolExecutor(8) as threads:
        for turn in range(100):
            key = f"key {turn}"
            list(threads.map(keep, range(8), [key] * 8))
            place = Unfinished.open(folder, key)
            assert len(list(place.folder.glob("*.txt"))) == 8
    assert len(list(folder.glob("fit-*"))) == 1


def test_a_folder_of_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").write_text("years of work")
    with pytest.raises(ValueError, match=r"no fit's progress, such as thesis.docx; name a new"):
        Unfinished.open(tmp_path, "key")
    assert (tmp_path / "thesis.docx").exists()
