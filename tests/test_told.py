"""What a profile tells of its data is checked when it is read."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from lembas.profiles import Profile, read_profile
from lembas.told import Told, told_of

ROOT = Path(__file__).resolve().parents[1]


def test_what_is_told_is_kept() -> None:
    told = told_of({"GSE1": {"origin": "A clinic", "problems": ["Few samples."]}}, "`cards`")
    assert told == {"GSE1": Told(origin="A clinic", problems=("Few samples.",))}
    assert told["GSE1"].licence == ""


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("a clinic", "`cards`.GSE1 is 'a clinic'; expected `key: text` lines of origin, licence"),
        ({"origins": "a"}, "expected `key: text` lines of origin, licence, problems"),
        ({"licence": 4}, "`cards`.GSE1: `licence` must be text, not 4"),
        ({"problems": "few"}, "`cards`.GSE1: `problems` must be a list of texts, not 'few'"),
        ({"problems": [1]}, r"`problems` must be a list of texts, not \[1\]"),
    ],
)
def test_what_is_no_text_is_refused(entry: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        told_of({"GSE1": entry}, "`cards`")


def test_a_profile_names_file_and_entry(tmp_path: Path) -> None:
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "mine.yml").write_text("title: A\ncards: {GSE1: {md5: a}}\n")
    with pytest.raises(ValueError, match=re.escape("profiles/mine.yml: `cards`.GSE1 is {'md5'")):
        read_profile("mine", tmp_path)


@pytest.mark.parametrize("name", ["liver", "liver_curated"])
def test_profiles_of_measured_data_tell_origin_and_licence(name: str) -> None:
    profile = read_profile(name, ROOT)
    assert set(profile.cards) == {"GSE135251", "GSE130970", "network"}
    assert all(told.origin and told.licence for told in profile.cards.values())


def test_the_profile_on_the_page_can_be_read_and_its_keys_are_all_described(
    tmp_path: Path,
) -> None:
    page = (ROOT / "book" / "rerun.md").read_text()
    (block,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "mine.yml").write_text(block)
    profile = read_profile("mine", tmp_path)
    assert profile.cards["other"].problems == ("Few samples.",)
    described = set(re.findall(r"`(\w+)`", page.split("| key | holds |")[1].split("\n\n")[0]))
    assert {item.name for item in fields(Profile)} - {"name"} <= described
