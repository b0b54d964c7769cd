"""What a glued number needs: artefacts are read, and nothing that was written is computed again."""

import ast
from pathlib import Path
from types import SimpleNamespace

import pytest

from lembas.chapters import Chapter, discover
from lembas.number_code import Kept, number_code
from lembas.parameter_cells import Parameter

ROOT = Path(__file__).resolve().parents[1]
CHAPTERS = discover(ROOT)
# Calls that fit, simulate, explain, resample or time. What they give is an artefact.
COMPUTING = {
    *("open_study", "simulate", "true_study", "simulated_study", "fit", "fit_models", "fit_on"),
    *("evaluate_all", "centred_all", "climb", "with_curated", "with_curated_folds", "explain_all"),
    *("cross_validate", "learning_curve", "coverage_of", "few_shot_all", "judge_metrics"),
    *("skill_by_stratum", "gene_differences", "ablation", "recovery_curves", "by_kind"),
    *("explain_models", "explain_panel", "refits", "decoy_shares", "twins", "randomised_models"),
    *("knock_out", "compared_responses", "score_responses", "time_batches", "time_axes"),
    *("measure_peaks", "peak_memory", "machine", "scores_apart"),
}


def chapter(code: str, *parameters: str) -> Chapter:
    declared = {name: Parameter(name, "int", 1, "") for name in parameters}
    return Chapter("05_test", Path("05_test.ipynb"), declared, (), (), code)


def glued(
    code: str, artefacts: dict[tuple[str, str], object], **given: object
) -> dict[str, object]:
    """Execute what was taken out; what is not given to it cannot be used."""
    found: dict[str, object] = {}
    names = {"glue": found.__setitem__, "_hold": SimpleNamespace, **given}
    exec(code, {"_read": lambda kind, name: artefacts[kind, name], **names})
    return found


@pytest.mark.parametrize("name", CHAPTERS)
def test_every_number_of_the_book_comes_from_artefacts(name: str) -> None:
    found = number_code(CHAPTERS[name])
    tree = ast.parse(CHAPTERS[name].code)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    keys = [c.args[0].value for c in calls if isinstance(c.func, ast.Name) and c.func.id == "glue"]
    assert list(found.keys) == keys, "a call of glue is a statement of its own, its key a text"
    assert sorted(found.calls & COMPUTING) == []
    assert not {call for call in found.calls if call.startswith("write_")}


def test_the_computing_calls_are_those_of_the_chapters() -> None:
    """A list of names that nothing has would forbid nothing."""
    code = "\n".join(chapter.code for chapter in CHAPTERS.values())
    used = {name for name in COMPUTING if f"{name}(" in code}
    assert len(used) > 25


def test_what_was_written_is_read_and_what_made_it_is_left_out() -> None:
    found = number_code(
        chapter(
            "from lembas.artifacts import Run, glue\n"
            "run = Run.open(run_dir)\n"
            "table = boom()\n"
            "run.write_table('scores', table)\n"
            "plot(table)\n"
            "half = len(table) / rate\n"
            "glue('half', half)\n"
            "glue('rate', rate)\n",
            "rate",
        )
    )
    assert found.keys == ("half", "rate")
    assert found.reads == {Kept("table", "scores")}
    assert "boom" not in found.code
    assert "plot" not in found.code
    assert "import" not in found.code, "Run and glue are given"
    assert glued(found.code, {("table", "scores"): [1, 2, 3]}, rate=2) == {"half": 1.5, "rate": 2}


def test_parts_of_a_value_are_read_one_by_one() -> None:
    code = (
        "found = boom()\n"
        "run.write_table('scores', found.scores)\n"
        "run.write_table('pairs', found.inner.pairs)\n"
        "glue('n', len(found.scores) + len(found.inner.pairs))\n"
    )
    found = number_code(chapter(code))
    artefacts = {("table", "scores"): "ab", ("table", "pairs"): "c"}
    assert glued(found.code, artefacts) == {"n": 3}
    # What no artefact holds is computed, and the call is named.
    whole = number_code(chapter(f"{code}glue('error', found.error())\n"))
    assert "boom" in whole.calls
    assert whole.reads == frozenset()


def test_datasets_networks_and_facts_are_artefacts() -> None:
    found = number_code(
        chapter(
            "data, net, facts = boom()\n"
            "run.write_dataset(data)\nrun.write_network(net)\nrun.write_network(net, 'other')\n"
            "_ = run.write_facts('machine', facts)\n"
            "glue('a', data)\nglue('b', net)\nglue('c', facts['c'])\n"
        )
    )
    artefacts = {
        ("dataset", "dataset"): 1,
        ("network", "other"): 2,
        ("facts", "machine"): {"c": 3},
    }
    assert glued(found.code, artefacts) == {"a": 1, "b": 2, "c": 3}


def test_a_name_that_is_made_anew_is_another_value() -> None:
    found = number_code(
        chapter(
            "x = boom()\n"
            "first = len(x)\n"
            "x = x + other()\n"
            "run.write_table('x', x)\n"
            "glue('first', first)\n"
        )
    )
    assert "boom" in found.calls, "the artefact is the second x"
    assert "other" not in found.calls
    assert found.reads == frozenset()


def test_changes_in_place_and_inner_names_are_understood() -> None:
    found = number_code(
        chapter(
            "options = {'a': 1}\n"
            "options['b'] = rate\n"
            "names = [x for x in 'pq']\n"
            "x = boom()\n"
            "say = {name: (lambda x: x)(name) for name in names}\n"
            "glue('options', options)\nglue('say', say)\n",
            "rate",
        )
    )
    assert "boom" not in found.calls, "the x of a comprehension or a lambda is its own"
    expected = {"options": {"a": 1, "b": 5}, "say": {"p": "p", "q": "q"}}
    assert glued(found.code, {}, rate=5) == expected


def test_only_the_keys_asked_for() -> None:
    both = chapter("a = one()\nb = two()\nglue('a', a)\nglue('b', b['fit_s'])\n")
    found = number_code(both, ["b"])
    assert found.keys == ("b",)
    assert found.calls == {"two", "glue"}
    assert "fit_s" in found.texts
    assert number_code(both, []).code == ""
