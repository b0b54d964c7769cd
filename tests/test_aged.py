"""Chapters whose results belong to something that is no longer so run again, whatever times say."""

from __future__ import annotations

from pathlib import Path

import pytest

from lembas.aged import aged, read_record
from lembas.plan import Plan, make_plan
from lembas.unfinished import fingerprint
from lembas.versions import RESULTS_FROM, VERSIONS_OF, package_versions
from tests.toy import make_project, write_record

CHANGED = "numpy changed from 0.0.1 to"


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """Make a project whose chapters ran, by their records."""
    plan = make_plan(make_project(tmp_path), "demo")
    for name, reads, writes in (
        ("01_data", {}, {"tables/a.txt": "a1"}),
        ("02_fit", {"tables/a.txt": "a1"}, {"models/x/": "x1"}),
    ):
        versions = package_versions()
        write_record(plan.root / plan.run_dir, name, reads=reads, writes=writes, versions=versions)
    return plan


def reasons(plan: Plan, name: str) -> list[str]:
    return aged(plan, name, read_record(plan, name))


def test_what_is_as_it_was_need_not_run(plan: Plan) -> None:
    assert reasons(plan, "01_data") == []
    assert reasons(plan, "02_fit") == []
    assert reasons(plan, "03_test") == [], "it has not been run: that is another reason"


def test_another_artefact_than_the_one_that_was_read(plan: Plan) -> None:
    write_record(plan.root / plan.run_dir, "01_data", writes={"tables/a.txt": "a2"})
    assert reasons(plan, "02_fit") == ["01_data has written another tables/a.txt since"]
    (plan.root / plan.run_dir / "provenance/01_data.json").unlink()
    assert reasons(plan, "02_fit") == [], "nothing is known of it"


def test_versions_that_can_change_a_number(plan: Plan) -> None:
    made = read_record(plan, "01_data")
    for package in ("numpy", "snakemake", "lembas"):
        other = {**made, "versions": {**made["versions"], package: "0.0.1"}}
        expected = [f"{CHANGED} {package_versions()['numpy']}"] if package == "numpy" else []
        assert aged(plan, "01_data", other) == expected
    # xgboost has another name on another system; a record may be older than a package.
    assert aged(plan, "01_data", {**made, "versions": {}}) == []
    assert set(RESULTS_FROM) < set(VERSIONS_OF)


def test_an_executed_copy_without_a_record(plan: Plan) -> None:
    executed = plan.root / plan.executed("03_test")
    executed.parent.mkdir(parents=True)
    executed.touch()
    assert reasons(plan, "03_test") == ["its record is missing"]


def test_progress_of_another_version_is_not_gone_on_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = fingerprint("a fit")
    assert fingerprint("a fit") == before
    other = tmp_path / "scikit_learn-0.0.1.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: scikit-learn\nVersion: 0.0.1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert package_versions(("scikit-learn", "no-such-package")) == {"scikit-learn": "0.0.1"}
    assert fingerprint("a fit") != before
