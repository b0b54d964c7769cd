"""The file that a training goes on from: whole, damaged, or not there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lembas.training_state import SavedTraining


class Counter:
    """A training whose state is a number; and what knows the best weights of it."""

    lowest, n_updates, weights = 0.5, 3, None

    def __init__(self) -> None:
        self.number = 0

    def state(self) -> dict[str, Any]:
        return {"number": self.number}

    def restore(self, state: dict[str, Any]) -> None:
        self.number = state["number"]


def saved(file: Path) -> SavedTraining:
    return SavedTraining(file, Counter(), Counter())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "training.pt"
    training = saved(path)
    training.trainer.number = 7
    training.add({"epoch": 1.0})
    training.finish()
    return path


def test_a_training_goes_on_where_it_was(file: Path) -> None:
    again = saved(file)
    assert (again.trainer.number, again.n_epochs, again.is_over) == (7, 1, True)


@pytest.mark.parametrize("damage", ["half", "empty", "byte", "text", "missing"])
def test_a_damaged_state_is_none(file: Path, damage: str) -> None:
    content = file.read_bytes()
    middle = content.index(b"number")
    damaged = {
        "half": content[: len(content) // 2],
        "empty": b"",
        "byte": content[:middle] + b"N" + content[middle + 1 :],
        "text": b"no state of a training\n",
    }
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes(damaged[damage])
    again = saved(file)
    assert (again.trainer.number, again.n_epochs, again.is_over) == (0, 0, False)
