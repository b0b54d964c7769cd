"""A small part of the fuzzing, always the same inputs; all of it: `python -m tests.fuzz`."""

from __future__ import annotations

import random
import warnings
from pathlib import Path

import pytest

from tests.fuzz import __main__ as command
from tests.fuzz.judge import Outcome, judged
from tests.fuzz.mutations import damaged, damaged_text, damaged_tree
from tests.fuzz.readers import READERS

# Slow readers get a share of them.
N_INPUTS = 60


@pytest.mark.parametrize("name", READERS)
def test_the_valid_files_are_read(tmp_path: Path, name: str) -> None:
    """Else every damaged one would be refused for a reason of the test's own."""
    prepared = READERS[name].prepare(tmp_path)
    for target in prepared.made.targets:
        prepared.target = target
        assert judged(prepared.read) == Outcome("read"), target


@pytest.mark.parametrize("name", READERS)
def test_damaged_files_are_refused_with_a_sentence(tmp_path: Path, name: str) -> None:
    reader = READERS[name]
    prepared = reader.prepare(tmp_path)
    for index in range(max(3, int(N_INPUTS * min(reader.weight, 1) ** 2))):
        prepared.damage(random.Random(f"small {name} {index}"))
        outcome = judged(prepared.read)
        assert not outcome.is_finding, f"input {index}: {outcome.kind}\n{outcome.trace}"
        prepared.restore()


@pytest.mark.long
@pytest.mark.parametrize("name", READERS)
def test_drawn_and_damaged_files_by_the_thousand(tmp_path: Path, name: str) -> None:
    n_inputs = max(50, int(1000 * READERS[name].weight))
    result = command.fuzzed(name, n_inputs, seed=1, folder=tmp_path)
    assert [found["trace"] for found in result.findings] == []
    # hypothesis may run out of different ones.
    assert result.row["inputs"] >= 0.9 * n_inputs


def refuse(error: Exception) -> None:
    raise error


@pytest.mark.parametrize(
    ("act", "kind"),
    [
        (lambda: None, "read"),
        (lambda: {}["a"], "bare library message"),
        (lambda: int("x"), "bare library message"),
        (lambda: refuse(RuntimeError("a sentence of ours, but no documented error")), "unhandled"),
        (lambda: refuse(AssertionError()), "unhandled AssertionError"),
        (lambda: Path("/gone/file").read_text(), "refused"),
        (lambda: warnings.warn("a warning", stacklevel=1), "warning"),
        (lambda: refuse(MemoryError()), "memory"),
    ],
)
def test_the_judge_knows_a_good_refusal(act: object, kind: str) -> None:
    assert judged(act).kind.startswith(kind)


def test_a_refusal_in_the_packages_own_words_is_one() -> None:
    from lembas.resources import check_chapter_key

    outcome = judged(lambda: check_chapter_key("x", "profiles/a.yml", "threads"))
    assert outcome.kind == "refused"
    assert "which is no chapter" in outcome.message


def test_damage_is_the_same_for_the_same_number() -> None:
    text, tree = b"a\tb\n1\t2\n", {"a": [1, {"b": 2}]}
    for change in (damaged, damaged_text):
        made = [change(text, random.Random(7)) for _ in range(2)]
        assert made[0] == made[1]
    assert damaged_tree(tree, random.Random(3)) == damaged_tree(tree, random.Random(3))
    assert tree == {"a": [1, {"b": 2}]}, "the valid tree is left as it is"


def test_inputs_are_shared_by_weight_and_none_is_lost() -> None:
    parts = command.shares(100_000, list(READERS))
    assert sum(parts.values()) >= 100_000
    assert min(parts.values()) >= 100


def test_a_crash_and_a_hang_of_native_code_are_findings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker is a process: what ends it costs one input."""
    calls = iter([("worker ended with -11", 3), ("", 9)])

    def run(*_: object, folder: Path, **__: object) -> str:
        how, at = next(calls)
        (folder / "at").write_text(f"{at:>12}")
        with (folder / "outcomes.jsonl").open("a") as stream:
            stream.write('{"counts": {"read": 4}, "drawn": 0, "messages": []}\n')
        (folder / "log.txt").write_text("Fatal Python error: Segmentation fault")
        return how

    monkeypatch.setattr(command, "_run_worker", run)
    result = command.fuzzed("series", 10, seed=1, folder=tmp_path)
    assert [(found["index"], found["kind"]) for found in result.findings] == [
        (3, "worker ended with -11")
    ]
    assert result.row["inputs"] == 9
