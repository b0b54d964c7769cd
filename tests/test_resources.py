"""What jobs ask a cluster for: own before chapter's before default's; faults are named."""

from __future__ import annotations

import re

import pytest

from lembas.profiles import Profile
from lembas.resources import checked_resources, resources_of

SECTION = {
    "default": {"mem_mb": 2000, "pieces": {"mem_mb": 1000}},
    "03_fit": {"runtime": 90, "pieces": {"runtime": 20}},
    "04_fit": {"mem_mb": 9000},
}


@pytest.mark.parametrize(
    ("chapter", "piece", "expected"),
    [
        ("01_data", False, {"runtime": 15, "mem_mb": 2000}),
        ("01_data", True, {"runtime": 15, "mem_mb": 1000}),
        ("03_fit", False, {"runtime": 90, "mem_mb": 2000}),
        ("03_fit", True, {"runtime": 20, "mem_mb": 1000}),
        ("04_fit", False, {"runtime": 15, "mem_mb": 9000}),
        # What a chapter asks for is nearer than what all pieces do.
        ("04_fit", True, {"runtime": 15, "mem_mb": 9000}),
    ],
)
def test_the_nearest_value_holds(chapter: str, piece: bool, expected: dict[str, int]) -> None:
    section = checked_resources(SECTION, "mine")
    # 300 s are 5 minutes, and a job has 10 more to start and to say why it was stopped.
    assert resources_of(section, chapter, 300, piece=piece) == expected


def test_a_profile_without_the_section_asks_for_time_only() -> None:
    profile = Profile(name="a", title="A", time_out_s={"03_fit": 61})
    assert profile.resources_of("03_fit") == {"runtime": 12}
    assert profile.resources_of("03_fit", piece=True) == {"runtime": 12}


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"nonsense": {}}, "`resources` names 'nonsense', which is no chapter; expected `default`"),
        ({"03_fit": 3}, "`resources.03_fit` must hold lines such as `mem_mb: 4000`, not 3"),
        ({"03_fit": {"mem": 3}}, "`resources.03_fit` has unknown key(s): mem; known keys: mem_mb"),
        ({"default": {"pieces": 4}}, "`resources.default.pieces` must hold lines"),
        ({"default": {"pieces": {"pieces": {}}}}, "has unknown key(s): pieces; known keys: mem_mb"),
        ({"03_fit": {"mem_mb": "4 GB"}}, "mem_mb must be a whole number of MB, at least 1, not '4"),
        ({"03_fit": {"mem_mb": True}}, "at least 1, not True"),
        ({"03_fit": {"runtime": 0}}, "runtime must be a whole number of minutes, at least 1"),
        ({"03_fit": {"pieces": {"runtime": 1.5}}}, "`resources.03_fit.pieces`: runtime must be"),
    ],
)
def test_faults_are_named(section: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        Profile(name="mine", title="Mine", resources=section)
    assert str(caught.value).startswith("profiles/mine.yml: ")
