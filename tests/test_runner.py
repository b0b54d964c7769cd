"""The runner: order, staleness with reasons, failures that leave nothing half-made, resuming."""

import errno
import json
import os
import platform
import shutil
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest

from lembas import workflow
from lembas.errors import ChapterError
from lembas.execution import Job, execute
from lembas.plan import make_plan, write_plan
from lembas.progress import Progress
from lembas.provenance import digest, read_json
from tests.conftest import Command
from tests.toy import make_project, write_data_chapter, write_test_chapter


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return make_project(tmp_path)


def job_of(root: Path, chapter: str, **changes: object) -> Job:
    plan = make_plan(root, "demo")
    return replace(Job.from_plan(read_json(write_plan(plan)), chapter), **changes)


def stale(root: Path) -> dict[str, list[str]]:
    return workflow.stale(make_plan(root, "demo"))


def files_of(root: Path) -> dict[Path, tuple[int, bytes]]:
    """Read all that lies in a project; locks and Snakemake's own records left out."""
    paths = [path for path in root.rglob("*") if path.is_file() and path.name != ".lock"]
    kept = [path for path in paths if not path.name.startswith(".snakemake")]
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in kept}


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_run_goes_from_start_to_up_to_date_and_back(project: Path, lembas: Command) -> None:
    """One project's life; a run takes seconds, so its steps are tried in one test."""
    code, out, _ = lembas("run", "--cores", "2")
    assert code == 0
    assert "03_test              done in" in out
    assert (project / "results/demo/tables/a.txt").read_text() == "2"

    # neither prose edits nor a module that no chapter uses run anything
    write_data_chapter(project, prose="Other prose.")
    (project / "lembas" / "unused.py").write_text("ANSWER = 43\n")
    assert stale(project) == {}

    # a parameter, a module, code: that chapter and those after it, with the reason
    profile = project / "profiles" / "demo.yml"
    change(profile, "chapters: {}", "chapters: {03_test: {rate: 0.25}}")
    assert stale(project) == {"03_test": ["parameter rate changed from 0.5 to 0.25"]}
    change(profile, "chapters: {03_test: {rate: 0.25}}", "chapters: {}")
    change(project / "lembas" / "toy.py", "2 * x", "3 * x")
    reasons = stale(project)
    assert reasons["01_data"] == ["module lembas/toy.py changed"]
    assert reasons["02_fit"] == ["01_data runs before it"]
    code, out, _ = lembas("run", "02")
    assert code == 0
    assert (project / "results/demo/models/x/w").read_text() == "3"
    # its input was written anew, which no time of change has to tell
    assert stale(project) == {"03_test": ["01_data has written another tables/a.txt since"]}
    assert lembas("run")[0] == 0
    write_test_chapter(project, "time.sleep(0)")
    stale_before = stale(project)
    assert "its code changed" in stale_before["03_test"]

    # a trial runs only what differs, and leaves the profile's own results alone
    code, out, err = lembas("run", "--json")
    assert code == 0
    summary = json.loads(out)
    assert [item["name"] for item in summary["chapters"]] == ["03_test"]
    assert summary["chapters"][0]["reasons"] == stale_before["03_test"]
    assert summary["chapters"][0]["duration_s"] > 0
    assert "03_test              started" in err
    before = files_of(project)
    code, out, _ = lembas("run", "-p", "rate=1", "--name", "fast")
    assert code == 0
    assert "03_test              to run: parameter rate changed from 0.5 to 1.0" in out
    assert "01_data              started" not in out
    trial = read_json(project / "results/demo-fast/provenance/03_test.json")
    assert trial["recipe"]["parameters"]["rate"] == 1.0
    assert before == {path: kept for path, kept in files_of(project).items() if path in before}
    made = {
        path.relative_to(project).parts[:2] for path in files_of(project).keys() - before.keys()
    }
    assert {place for place in made if place[0] != ".snakemake"} == {("results", "demo-fast")}
    code, out, _ = lembas("compare", "demo-fast", "demo")
    assert code == 0
    assert "03_test rate: 0.5 -> 1.0" in out

    # an artefact changed by hand, which chapters after it would read; written anew as it was, none
    written = project / "results/demo/tables/a.txt"
    text = written.read_text()
    written.write_text(text)
    assert stale(project) == {}
    written.write_text("9")
    reasons = stale(project)
    assert reasons["01_data"] == ["changed by hand since it ran: tables/a.txt"]
    assert reasons["02_fit"] == ["01_data runs before it"]
    assert "01_data" in workflow.stale(make_plan(project, "demo"), ["03_test"]), "until it runs"
    (project / "results/demo/tables/c.txt").write_text("9")
    assert set(workflow.stale(make_plan(project, "demo"), ["02_fit"])) == {"01_data", "02_fit"}
    lembas("run")
    assert written.read_text() == text
    assert stale(project) == {}

    # a profile that was edited while a chapter was at work: its record tells, not the times
    record = project / "results/demo/provenance/03_test.json"
    made = json.loads(record.read_text())
    made["recipe"]["parameters"]["rate"] = 0.75
    record.write_text(json.dumps(made))
    assert stale(project) == {"03_test": ["parameter rate changed from 0.75 to 0.5"]}
    lembas("run")
    assert stale(project) == {}

    # a missing artefact
    shutil.rmtree(project / "results/demo/models/x")
    code, out, _ = lembas("status")
    assert code == 0
    assert "02_fit               artefacts are missing: models/x" in out
    assert "01_data              up to date" in out
    found = json.loads(lembas("status", "--json")[1])
    assert found["run_dir"] == "results/demo"
    assert [item["up_to_date"] for item in found["chapters"]] == [True, False, True]
    assert found["chapters"][1]["reasons"] == ["artefacts are missing: models/x"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "-p", "sead=3"), "-p sead: no such parameter in any chapter"),
        (("run", "02", "-p", "seed=3"), "-p seed: no such parameter in 02_fit; it has: none"),
        (("run", "03", "-p", "seed=3"), "-p seed: no such parameter in 03_test; it has: rate"),
        (("run", "-p", "seed=three"), "parameter seed must be int, not 'three' (str)"),
        (("run", "-p", "seed"), "-p seed: expected name=value"),
        (("run", "-p", "seed=2", "--name", "A B"), "--name A B: use lower-case"),
        (("run", "-p", "run_dir=x"), "run_dir is set by the runner"),
        (("run", "--profile", "nowhere"), "there is no profile 'nowhere'"),
        (("run", "07_none"), "there is no chapter '07_none'"),
        (("run", "--data", "nowhere"), "there is no data folder 'nowhere'"),
        (("build",), "chapter 01_data has not been run"),
        (("run", "--cores", "9999"), "--cores 9999: this machine has "),
    ],
)
def test_a_users_error_is_one_sentence_and_exit_code_1(
    project: Path, lembas: Command, arguments: tuple[str, ...], message: str
) -> None:
    code, _, err = lembas(*arguments)
    assert code == 1
    assert message in err
    assert err.startswith("lembas: ")
    assert err.count("\n") == 1
    assert not list(project.glob("results/*/chapters/*"))


def test_outside_a_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lembas: Command
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = lembas("status")
    assert code == 1
    assert "not in a lembas project" in err


def test_profile_faults_meet_the_chapters(project: Path, lembas: Command) -> None:
    profile = project / "profiles" / "demo.yml"
    change(profile, "chapters: {}", "chapters: {01_data: {sead: 3}}")
    assert "profiles/demo.yml: chapter 01_data has no parameter sead" in lembas("status")[2]
    change(profile, "{sead: 3}", "{seed: abc}")
    assert "chapter 01_data: parameter seed must be int, not 'abc'" in lembas("status")[2]
    change(profile, "01_data: {seed: abc}", "09_none: {}, 1: {}")
    assert "names chapter(s) that are not there: 09_none, 1" in lembas("status")[2]
    change(profile, "chapters: {09_none: {}, 1: {}}", "threads: {default: 9999}")
    error = lembas("status")[2]
    assert "profiles/demo.yml gives 01_data, " in error
    assert "more threads (9999) than this machine has processors" in error


def test_params_lists_values_of_the_profile(project: Path, lembas: Command) -> None:
    change(project / "profiles" / "demo.yml", "chapters: {}", "chapters: {01_data: {seed: 7}}")
    _, out, _ = lembas("params", "01_data")
    assert "seed: int = 7" in out
    assert "(profile)  seed of the generator" in out


def test_a_failing_chapter_is_named_and_the_next_run_resumes(
    project: Path, lembas: Command
) -> None:
    write_test_chapter(project, "raise ValueError('no target left')")
    pages = project / "_build" / "html" / "index.html"
    pages.parent.mkdir(parents=True)
    pages.write_text("the last good pages")
    code, out, err = lembas("book", "--cores", "2")
    assert code == 1
    assert "chapter 03_test: cell 4 failed with ValueError: no target left" in err
    assert "partial copy: results/demo/failed/03_test.ipynb" in err
    assert "Traceback" not in err
    assert (project / "results/demo/failed/03_test.ipynb").is_file()
    assert not (project / "results/demo/chapters/03_test.ipynb").exists()
    assert pages.read_text() == "the last good pages"

    write_test_chapter(project)
    code, out, _ = lembas("run")
    assert code == 0
    assert "01_data              started" not in out
    assert not (project / "results/demo/failed/03_test.ipynb").exists()


def test_time_out_dead_kernel_and_missing_artefact_are_told_apart(project: Path) -> None:
    execute(job_of(project, "01_data"), project)
    failed = project / "results/demo/failed/03_test.ipynb"

    write_test_chapter(project, "print('before'); time.sleep(60)")
    with pytest.raises(ChapterError, match="it ran past its 3 s"):
        execute(job_of(project, "03_test", time_out_s=3), project)
    assert "before" in failed.read_text()

    failed.unlink()
    write_test_chapter(project, "os._exit(1)")
    with pytest.raises(ChapterError, match="its kernel died"):
        execute(job_of(project, "03_test"), project)
    assert failed.is_file()

    write_test_chapter(project)
    with pytest.raises(ChapterError, match="it did not write tables/other"):
        execute(job_of(project, "03_test", writes=("tables/other",)), project)
    assert list((project / "results/demo/chapters").iterdir()) == [
        project / "results/demo/chapters/01_data.ipynb"
    ]


def test_executed_copy_and_provenance(project: Path) -> None:
    write_data_chapter(project)
    before = dict(os.environ)
    record = execute(job_of(project, "01_data", threads=2), project)
    assert dict(os.environ) == before
    text = (project / "results/demo/chapters/01_data.ipynb").read_text()
    assert str(project) not in text
    metadata = nbformat.reads(text, as_version=4).metadata
    assert metadata["kernelspec"]["name"] == "python3"
    stored = json.loads((project / "results/demo/provenance/01_data.json").read_text())
    assert stored == record
    assert record["recipe"]["parameters"] == {"seed": 1}
    assert set(record["recipe"]["modules"]) == {"lembas/__init__.py", "lembas/toy.py"}
    assert record["writes"] == {"tables/a.txt": digest(project / "results/demo/tables/a.txt")}
    assert record["threads"] == 2
    assert record["peak_memory_mib"] > 10
    assert record["versions"]["papermill"]


def test_source_files_are_inputs(
    project: Path, tmp_path_factory: pytest.TempPathFactory, lembas: Command
) -> None:
    data = tmp_path_factory.mktemp("measured")
    (data / "counts.tsv").write_text("a\n")
    change(
        project / "profiles" / "demo.yml", "title: Toy", "title: Toy\ndata: {files: [counts.tsv]}"
    )
    path = project / "notebooks" / "01_data.ipynb"
    change(path, "seed of the generator", 'seed\\ndata_dir: str = \\"\\"  # folder')

    assert "profile 'demo' needs a data folder" in lembas("status")[2]
    assert "lacks counts.tsv; profile 'demo' expects" in lembas("status", "--data", ".")[2]
    code, _, err = lembas("run", "01", "--data", str(data))
    assert (code, err) == (0, "")
    assert "01_data              up to date" in lembas("status")[1]  # remembers the folder
    (data / "counts.tsv").write_text("ab\n")
    assert "counts.tsv changed" in lembas("status")[1]
    sources = read_json(project / "results/demo/provenance/01_data.json")["sources"]
    assert [len(value) for value in sources.values()] == [64]


def test_the_environment_names_a_folder_for_measured_profiles(
    project: Path,
    tmp_path_factory: pytest.TempPathFactory,
    lembas: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = project / "notebooks" / "01_data.ipynb"
    change(path, "seed of the generator", 'seed\\ndata_dir: str = \\"\\"  # folder')
    data, other = (tmp_path_factory.mktemp(name) for name in ("measured", "other"))
    monkeypatch.setenv("DATA_ROOT", str(data))
    # A profile that makes its own data is not made out of date.
    assert lembas("run", "01")[0] == 0
    recipe = read_json(project / "results/demo/provenance/01_data.json")["recipe"]
    assert recipe["parameters"]["data_dir"] == ""

    measured = "title: Toy\ndata: {files: [counts.tsv]}"
    change(project / "profiles" / "demo.yml", "title: Toy", measured)
    assert f"the data folder '{data.name}' lacks counts.tsv" in lembas("status")[2]
    (data / "counts.tsv").write_text("a\n")
    assert lembas("run", "01")[0] == 0
    recipe = read_json(project / "results/demo/provenance/01_data.json")["recipe"]
    assert recipe["parameters"]["data_dir"].endswith(data.name)
    assert f"'{other.name}' lacks" in lembas("status", "--data", str(other))[2]  # goes first
    # A trial follows the folder of the profile's own run.
    monkeypatch.delenv("DATA_ROOT")
    plan = make_plan(project, "demo", run_name="demo-trial")
    assert plan.data_dir == make_plan(project, "demo").data_dir
    monkeypatch.setenv("DATA_ROOT", "")
    assert "01_data              up to date" in lembas("status")[1]


def test_two_runs_of_one_folder_do_not_mix(project: Path, lembas: Command) -> None:
    with workflow.locked(project / "results" / "demo"):
        code, _, err = lembas("run")
    assert code == 1
    assert "another lembas command is at work in demo: `" in err
    assert f"process {os.getpid()} on {platform.node()}, since 20" in err


def test_what_is_read_must_be_what_was_written(project: Path) -> None:
    execute(job_of(project, "01_data"), project)
    record = read_json(project / "results/demo/provenance/01_data.json")
    assert record["executed"] == digest(project / "results/demo/chapters/01_data.ipynb")
    (project / "results/demo/tables/a.txt").write_text("9")
    expected = r"it would read tables/a.txt, which is no longer what 01_data wrote .*; delete it,"
    with pytest.raises(ChapterError, match=expected):
        execute(job_of(project, "03_test"), project)
    failed = read_json(project / "results/demo/failed/03_test.json")
    assert failed["partial_copy"] == "", "no kernel was started"
    (project / "results/demo/tables/a.txt").write_text("2")
    made = execute(job_of(project, "03_test"), project)
    assert made["reads"] == record["writes"]


def test_a_full_disk_is_said_where_the_job_ends(
    project: Path, lembas: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "tables/a.txt")

    plan = str(write_plan(make_plan(project, "demo")))
    monkeypatch.setattr("lembas.execution.execute", full)
    code, out, _ = lembas("execute", plan, "01_data")
    assert code == 1
    assert "01_data              failed after 0 s: tables/a.txt cannot be read or written" in out
    # The chapter's own error comes first, also where it cannot be kept.
    monkeypatch.undo()
    monkeypatch.chdir(project)
    monkeypatch.setattr("lembas.execution.write_json", full)
    monkeypatch.setattr("lembas.execution.environment", _fails)
    with pytest.raises(ChapterError, match="no kernel"):
        execute(job_of(project, "01_data"), project)


def _fails(*_: object) -> None:
    raise ChapterError("no kernel")


def test_a_job_that_ends_without_a_word_is_named(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(*_: object, **__: object) -> int:
        (project / "results/demo/plan/snakemake.log").write_text("Exiting\n")
        return 1

    progress = Progress(1, stream=None, live=False)
    plan = make_plan(project, "demo")
    monkeypatch.setattr(workflow, "follow", ended)
    with pytest.raises(ChapterError, match="the run stopped: Exiting"):
        workflow.run(plan, progress=progress)
    progress.line("02_fit               started")
    with pytest.raises(ChapterError, match=r"^chapter 02_fit: its job was ended without a word"):
        workflow.run(plan, progress=progress)
    progress.line("02_fit               failed after 1 s: no space")
    with pytest.raises(ChapterError, match=r"^chapter 02_fit: no space$"):
        workflow.run(plan, progress=progress)


def test_an_error_that_the_kernel_could_not_send_is_taken_from_what_it_wrote(
    project: Path,
) -> None:
    """Without memory IPython cannot put an error together, and writes it like any Python."""
    execute(job_of(project, "01_data"), project)
    write_test_chapter(
        project,
        "import sys; shell = get_ipython()\n"
        "shell._showtraceback = lambda *_: print('MemoryError: no room', file=sys.stderr)\n"
        "raise MemoryError",
    )
    with pytest.raises(ChapterError, match="cell 4 failed with MemoryError: no room"):
        execute(job_of(project, "03_test"), project)
    write_test_chapter(project, "raise MemoryError")
    with pytest.raises(ChapterError, match=r"cell 4 failed with MemoryError:$"):
        execute(job_of(project, "03_test"), project)
