"""The page on adding a model shows what works: its profiles and its class, run to scores."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lembas.artifacts import Run
from lembas.evaluation import evaluate_all
from lembas.fitting import chosen_alphas, fit_models, read_all_predictions, read_models
from lembas.profiles import read_profile
from lembas.study import Study

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "book" / "add_a_model.md").read_text()
YAML = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
(PYTHON,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.open(tmp_path / "toy")


@pytest.fixture
def my_models(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The page's class, as a module that can be imported."""
    module = ModuleType("my_models")
    exec(PYTHON, vars(module))
    monkeypatch.setitem(sys.modules, "my_models", module)
    return module


def models_of(block: str, tmp_path: Path) -> dict[str, Any]:
    """Read a block of the page as the profile it is part of."""
    head = "chapters:\n  03_fit_baselines:\n    models:\n"
    text = block if block.startswith("chapters") else head + "      train_mean: {}\n" + block
    (tmp_path / "profiles").mkdir(exist_ok=True)
    (tmp_path / "profiles" / "mine.yml").write_text(f"title: Mine\n{text}")
    return dict(read_profile("mine", tmp_path).chapters["03_fit_baselines"]["models"])


def scores_of(run: Run, study: Study, models: dict[str, Any]) -> pd.Series:
    """Fit, predict and score: median skill on the test samples by model."""
    fit_models(run, study.dataset, study.network, models, group="baselines")
    cohorts = {"test": study.dataset.test, **study.dataset.external}
    predictions = read_all_predictions(run, cohorts)
    result = evaluate_all(cohorts, predictions, study.dataset.train_mean, n_resamples=20)
    rows = result.scores.query("cohort == 'test' and metric == 'skill_median_over_genes'")
    return rows.set_index("model")["value"]


def test_three_lines_in_a_profile_lead_to_scores(run: Run, study: Study, tmp_path: Path) -> None:
    models = models_of(YAML[0], tmp_path)
    assert len(models["extra_trees"]) == 3
    scores = scores_of(run, study, models)
    assert scores.index.tolist() == ["train_mean", "masked_ridge", "extra_trees"]
    assert np.isfinite(scores).all()
    assert scores["train_mean"] == pytest.approx(0, abs=1e-6)
    assert read_models(run).loc["extra_trees", "label"] == "Extra trees"


def test_a_grid_in_a_profile_is_searched(run: Run, study: Study, tmp_path: Path) -> None:
    models = models_of(YAML[1], tmp_path)
    models["extra_trees"]["parameters"]["n_estimators"] = 3
    assert np.isfinite(scores_of(run, study, models)).all()
    search = run.read_table("searches_baselines")
    expected = [f"max_features={value}" for value in (0.1, 0.3, 1.0)]
    assert search["parameters"].tolist() == expected
    assert search["chosen"].sum() == 1


def test_a_class_of_ones_own_is_scored_and_its_file_is_left_closed(
    run: Run, study: Study, tmp_path: Path, my_models: ModuleType
) -> None:
    models = models_of(YAML[2], tmp_path)
    scores = scores_of(run, study, {**models, "ridge": {}})
    assert np.isfinite(scores).all()
    # What the chapter does next must not stumble over a class it may not load.
    assert set(chosen_alphas(run, read_models(run).index)["model"]) == {"ridge"}


def test_the_pages_class_does_what_it_says(my_models: ModuleType, study: Study) -> None:
    x = study.dataset.train.x.to_numpy(float)
    y = study.dataset.train.y.to_numpy(float)[:, :6]
    model = my_models.StrongestTF().fit(x, y)
    correlation = np.corrcoef(x.T, y.T)[: x.shape[1], x.shape[1] :]
    assert model.tf_.tolist() == np.abs(correlation).argmax(axis=0).tolist()
    for gene in range(6):
        slope, intercept = np.polyfit(x[:, model.tf_[gene]], y[:, gene], 1)
        expected = intercept + slope * x[:, model.tf_[gene]]
        np.testing.assert_allclose(model.predict(x)[:, gene], expected, atol=1e-8)


def test_the_readme_points_to_the_page_and_its_profile_can_be_read(tmp_path: Path) -> None:
    section = (ROOT / "README.md").read_text().split("## Add a model")[1].split("\n## ")[0]
    assert "book/add_a_model.md" in section
    (block,) = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)
    assert "extra_trees" in models_of(block, tmp_path)
