"""Model files: equal models give equal files, and each comes back as it was."""

from __future__ import annotations

import copy
import json
import time
from pathlib import Path
from zipfile import ZipFile

import pandas as pd
import pytest
from sklearn.base import BaseEstimator

from lembas import model_files
from lembas.artifacts import Run
from lembas.model_files import load_model, save_model
from lembas.study import Study

NAMES = ("mlr", "masked_ridge", "knn", "xgbrf", "boosted", "mlp", "lembas_ensemble")


@pytest.mark.parametrize("name", NAMES)
def test_equal_models_give_equal_files(
    fitted: dict[str, BaseEstimator], study: Study, tmp_path: Path, name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    run, model = Run.open(tmp_path), fitted[name]
    first = save_model(run, name, model, group="one").read_bytes()
    day = time.time() + 86_400
    monkeypatch.setattr(time, "time", lambda: day)
    twin = copy.deepcopy(model)  # its parts lie elsewhere in memory
    second = save_model(run, name, twin, group="one")
    assert second.read_bytes() == first
    assert [path.name for path in second.parent.iterdir()] == ["model.skops"]
    x = study.dataset.test.x
    pd.testing.assert_frame_equal(load_model(run, name).predict(x), model.predict(x))


def test_members_are_named_by_numbers(fitted: dict[str, BaseEstimator], tmp_path: Path) -> None:
    path = save_model(Run.open(tmp_path), "mlr", fitted["mlr"], group="one")
    with ZipFile(path) as found:
        names = found.namelist()
        schema = found.read("schema.json").decode()
    assert all(name == "schema.json" or int(name.partition(".")[0]) < 1000 for name in names)
    assert all(json.dumps(name) in schema for name in names if name != "schema.json")


def test_a_full_disk_leaves_nothing(
    fitted: dict[str, BaseEstimator], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(model_files.shutil, "copyfileobj", full)
    with pytest.raises(OSError, match="No space left"):
        save_model(Run.open(tmp_path), "mlr", fitted["mlr"], group="one")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
