"""The lock, environment.yml and pyproject.toml name the same packages at the same versions."""

import re
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = ROOT / "requirements.lock"


def pins(path: Path) -> dict[str, Requirement]:
    lines = [line.strip() for line in path.read_text().splitlines()]
    found = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {f"{canonicalize_name(item.name)} {item.marker or ''}": item for item in found}


def pinned_versions(path: Path) -> dict[str, str]:
    return {
        canonicalize_name(item.name): str(item.specifier).removeprefix("==")
        for item in pins(path).values()
    }


def conda_pins() -> tuple[list[str], dict[str, str]]:
    content = yaml.safe_load((ROOT / "environment.yml").read_text())
    conda = [item for item in content["dependencies"] if isinstance(item, str)]
    (pip,) = [item["pip"] for item in content["dependencies"] if isinstance(item, dict)]
    versions: dict[str, str] = {}
    for line in pip:
        if line.startswith("-r "):
            versions |= pinned_versions(ROOT / line.removeprefix("-r "))
        else:
            item = Requirement(line)
            versions[canonicalize_name(item.name)] = str(item.specifier).removeprefix("==")
    return conda, versions


def test_the_lock_pins_every_line_to_one_version() -> None:
    for item in pins(LOCK).values():
        assert re.fullmatch(r"==[\w.]+", str(item.specifier)), item
        assert item.url is None


def test_the_lock_names_no_host_file_or_local_build() -> None:
    assert not re.search(r"https?:|file:|--|\+cpu|@", LOCK.read_text())
    assert pinned_versions(LOCK)["torch"] == "2.13.0"


def test_exactly_one_xgboost_is_chosen_on_each_platform() -> None:
    for platform in ("linux", "darwin"):
        chosen = [
            item.name
            for item in pins(LOCK).values()
            if item.name.startswith("xgboost")
            and item.marker is not None
            and item.marker.evaluate({"sys_platform": platform})
        ]
        assert len(chosen) == 1, platform


def test_conda_users_get_the_versions_of_the_lock() -> None:
    conda, versions = conda_pins()
    assert versions == pinned_versions(LOCK)
    (python,) = [item.removeprefix("python=") for item in conda if item.startswith("python=")]
    assert SpecifierSet(PROJECT["requires-python"]).contains(python)


@pytest.mark.parametrize(
    "line", [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]
)
def test_direct_dependencies_are_in_the_lock_within_their_range(line: str) -> None:
    wanted = Requirement(line)
    version = pinned_versions(LOCK)[canonicalize_name(wanted.name)]
    assert wanted.specifier.contains(version), f"{line}: the lock has {version}"


def test_every_pinned_package_installs_on_the_oldest_python_allowed() -> None:
    # Debian 12 ships 3.11.2: a package that wants 3.11.5 would fail there.
    locked = pinned_versions(LOCK)
    refused = [
        f"{item.metadata['Name']} {item.version} wants {item.metadata['Requires-Python']}"
        for item in distributions()
        if locked.get(canonicalize_name(item.metadata["Name"] or "")) == item.version.split("+")[0]
        and not SpecifierSet(item.metadata["Requires-Python"] or "").contains("3.11.0")
    ]
    assert refused == []


def test_versions_agree() -> None:
    import lembas

    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert lembas.__version__ == PROJECT["version"] == citation["version"]
