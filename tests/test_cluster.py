"""A run on a real Slurm, disturbed: the whole scenario, where Slurm is installed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest
import yaml

from lembas.profiles import Profile
from tests.cluster import slurm_node
from tests.cluster.compare import TIMES, differences
from tests.cluster.scenario import RESOURCES, SCATTER, play

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.slow
@pytest.mark.cluster
def test_a_disturbed_run_on_slurm_equals_the_local_one(tmp_path: Path) -> None:
    if reason := slurm_node.missing():
        pytest.skip(reason)
    if find_spec("snakemake_executor_plugin_slurm") is None:
        pytest.skip("the executor for Slurm is not installed: pip install 'lembas[cluster]'")
    with slurm_node.node(tmp_path / "slurm"):
        play(tmp_path / "project", print)


def test_only_the_times_are_left_out_of_the_comparison(tmp_path: Path) -> None:
    for run, seconds, value in (("one", 1.0, 2), ("two", 5.0, 2), ("three", 1.0, 3)):
        folder = tmp_path / run / "tables"
        folder.mkdir(parents=True)
        table = pd.DataFrame({"model": ["a"], "fit_s": [seconds], "size_mb": [value]})
        table.to_parquet(folder / "models_lembas.parquet")
        (folder / "other.csv").write_text("x\n1\n")
        (tmp_path / run / "plan").mkdir()
        (tmp_path / run / "plan" / "plan.json").write_text(run)
    assert differences(tmp_path / "one", tmp_path / "two") == []
    (tmp_path / "two/tables/other.csv").write_text("x\n2\n")
    (tmp_path / "two/tables/more.csv").write_text("x\n")
    assert differences(tmp_path / "one", tmp_path / "two") == [
        "tables/more.csv: in one run only",
        "tables/other.csv: differs",
    ]
    assert differences(tmp_path / "one", tmp_path / "three") == [
        "tables/models_lembas.parquet: differs"
    ]
    assert set(TIMES) == {"models_baselines", "models_lembas", "controls_fits"}


def test_the_workflow_profile_of_slurm_and_the_small_profile_are_sound() -> None:
    config = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text())
    assert config["executor"] == "slurm"
    assert config["retries"] >= 1
    small = yaml.safe_load((ROOT / "tests/cluster/small.yml").read_text())
    profile = Profile(name="small", **small, scatter=SCATTER, resources=RESOURCES)
    assert profile.resources_of("03_fit_baselines", piece=True)["mem_mb"] == 1000
