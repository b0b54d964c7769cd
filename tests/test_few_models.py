"""The profile that the README shows for a model of one's own leads to a whole report."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from lembas.artifacts import Run
from lembas.fitting import fit_models, of_those_fitted
from tests.conftest import Command
from tests.small_study import Study
from tests.test_verified_book import project_in

ROOT = Path(__file__).resolve().parents[1]


def test_chapters_show_those_of_their_models_that_were_fitted(tmp_path: Path, study: Study) -> None:
    run = Run.open(tmp_path / "run")
    few = {"train_mean": {}, "masked_ridge": {}}
    fit_models(run, study.dataset, study.network, few, group="baselines")
    asked = ["ridge", "masked_ridge", "lembas", "train_mean"]
    assert of_those_fitted(run, asked) == ["masked_ridge", "train_mean"]
    message = (
        "not fitted in this run: msked_ridge; name some of those fitted, by the chapter's param"
    )
    with pytest.raises(KeyError, match=message):
        of_those_fitted(run, ["masked_ridge", "msked_ridge"])
    with pytest.raises(
        KeyError, match=r"not fitted in this run: ridge; .* train_mean, masked_ridge"
    ):
        of_those_fitted(run, ["ridge"])


def blocks(page: str, word: str) -> list[str]:
    """Find the blocks of code of a page that hold a word, as a user would copy them."""
    parts = (ROOT / page).read_text().split("```")[1::2]
    return [part.split("\n", 1)[1] for part in parts if word in part]


def chapter_of_a_user() -> dict[str, object]:
    """Put the README's models and the page's own class into a profile."""
    (readme,) = blocks("README.md", "03_fit_baselines")
    chapter = yaml.safe_load(readme)["chapters"]["03_fit_baselines"]
    (line,) = blocks("book/add_a_model.md", "strongest_tf:")
    chapter["models"] |= yaml.safe_load(line)
    return chapter


@pytest.mark.long
def test_the_readmes_profile_leads_to_a_whole_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lembas: Command
) -> None:
    root = project_in(tmp_path)
    path = root / "profiles" / "demo.yml"
    profile = yaml.safe_load(path.read_text())
    profile["chapters"]["03_fit_baselines"] = chapter_of_a_user()
    path.write_text(yaml.safe_dump(profile))
    (own,) = blocks("book/add_a_model.md", "class StrongestTF")
    (root / "my_models.py").write_text(own)
    monkeypatch.chdir(root)
    code, _, err = lembas("run")
    assert code == 0, err
    board = Run.open(root / "results" / "demo").read_table("leaderboard").set_index("model")
    assert {"extra_trees", "strongest_tf", "masked_ridge", "lembas"} <= set(board.index)
    assert board.loc["strongest_tf", "n_parameters"].isna().all(), "its file is not opened"
