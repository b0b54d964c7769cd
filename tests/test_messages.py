"""The list of error messages is whole, and says which ones tests ask for."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.messages.__main__ import main
from tests.messages.matched import asked_for, passed_on
from tests.messages.reasons import REASONS
from tests.messages.sites import PACKAGE, parsed, sites

MODULE = """
class A:
    def f(self, x):
        try:
            if x:
                raise ValueError(f"a message of {x}; mend it")
            raise
        except KeyError as error:
            raise self.made(error) from error
"""


def test_each_raise_is_a_message_and_a_bare_one_is_none(tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "a.py").write_text(MODULE)
    found = sites(package)
    assert [(site.line, site.function) for site in found] == [(6, "A.f"), (9, "A.f")]
    assert found[0].key == "package/a.py A.f: raise ValueError(f'a message of {x}; mend it')"


def test_the_packages_messages_are_listed() -> None:
    found = sites()
    raising = sum(
        isinstance(node, ast.Raise) and node.exc is not None
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(parsed(path))
    )
    assert len(found) == raising
    # This message is asked for in tests/test_profiles.py.
    known = [site for site in found if "must hold `key: value` lines; expected" in site.source]
    assert len(known) == 1
    assert known[0].place in asked_for(found)
    others = {site.source for site in found if site.place in passed_on(found)}
    assert "raise ValueError(str(error)) from error" in others
    assert known[0].source not in others


def test_tests_ask_for_each_message(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--words", "--no-run"]) == 0, capsys.readouterr().out


def test_reasons_are_those_of_messages_that_are_there() -> None:
    keys = [site.key for site in sites()]
    gone = [start for start in REASONS if not any(key.startswith(start) for key in keys)]
    assert gone == []
