"""Jobs that make a chapter's pieces: planned, run first, ended, gone on with."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from lembas import workflow
from lembas.chapters import discover
from lembas.errors import ChapterError
from lembas.pieces import PieceJob, execute_piece
from lembas.plan import make_plan, write_plan
from lembas.provenance import read_json
from tests.conftest import Command
from tests.toy import make_project, scatter_fit, write_share

ROOT = Path(__file__).resolve().parents[1]
RUN = Path("results/demo")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The toy project, whose chapter 02_fit is scattered over three jobs."""
    monkeypatch.chdir(tmp_path)
    make_project(tmp_path)
    scatter_fit(tmp_path)
    profile(tmp_path, "scatter: {02_fit: 3}")
    return tmp_path


def profile(root: Path, *lines: str) -> None:
    head = "title: Toy\nsimulated: true\nbanner: Simulated data\ntime_out_s: {default: 60}\n"
    (root / "profiles" / "demo.yml").write_text(head + "\n".join(lines) + "\n")


def made(root: Path) -> list[str]:
    """List the shares that were made since the last call."""
    file = root / RUN / "made.txt"
    names = file.read_text().split() if file.exists() else []
    file.unlink(missing_ok=True)
    return sorted(names)


def job_of(root: Path, share: str = "2of3", **changes: object) -> tuple[PieceJob, Path, Path]:
    plan_file = write_plan(make_plan(root, "demo"))
    job = PieceJob.from_plan(read_json(plan_file), "02_fit", share)
    return replace(job, **changes), plan_file, root


def test_the_plan_lists_pieces_and_what_their_jobs_ask_for(project: Path) -> None:
    asked = "resources: {02_fit: {mem_mb: 500, pieces: {mem_mb: 200, runtime: 7}}}"
    profile(project, "scatter: {02_fit: 2}", asked)
    entries = read_json(write_plan(make_plan(project, "demo")))["chapters"]
    fit = entries["02_fit"]
    folder = f"{RUN}/unfinished/x/.pieces"
    assert fit["pieces"] == {"1of2": f"{folder}/1of2.json", "2of2": f"{folder}/2of2.json"}
    assert fit["made_by"] == "lembas.sharing.share"
    assert fit["resources"] == {"runtime": 11, "mem_mb": 500}
    assert fit["piece_resources"] == {"runtime": 7, "mem_mb": 200}
    # What the chapter reads and its parameters, but not its own code.
    assert fit["piece_inputs"] == [f"{RUN}/plan/02_fit.json", f"{RUN}/tables/a.txt"]
    assert entries["01_data"]["pieces"] == {}


def test_how_a_work_is_shared_is_no_part_of_its_recipe(project: Path) -> None:
    recipes = []
    for number in (2, 3):
        profile(
            project,
            f"scatter: {{02_fit: {number}}}",
            f"resources: {{02_fit: {{mem_mb: {number}}}}}",
        )
        write_plan(make_plan(project, "demo"))
        recipes.append((project / RUN / "plan/02_fit.json").read_text())
    assert recipes[0] == recipes[1]


@pytest.mark.long
def test_a_scattered_run_fails_goes_on_and_stays_up_to_date(project: Path, lembas: Command) -> None:
    """One project's life; a run takes seconds, so its steps are tried in one test."""
    write_share(project, "if share.number == 2: raise ValueError('no genes left')")
    code, _, err = lembas("run", "02", "--cores", "1")
    assert code == 1
    assert "chapter 02_fit.2of3: its process failed with ValueError: no genes left" in err
    assert "partial copy: results/demo/failed/02_fit.2of3.txt" in err
    first = made(project)
    assert "2of3" in first

    # Mended, only what is missing is made; the rest is gathered.
    write_share(project)
    code, out, _ = lembas("run", "02", "--cores", "1")
    assert code == 0
    again = made(project)
    assert set(first) - {"2of3"} == {"1of3", "2of3", "3of3"} - set(again)
    assert out.index("02_fit 2of3") < out.index("02_fit               started")
    assert (project / RUN / "models/x/w").read_text() == "1 2 3"
    assert not (project / RUN / "unfinished/x").exists()
    assert not list((project / RUN / "failed").iterdir())

    # Marks are gone, and the chapter is up to date, however it is shared.
    for lines in ("scatter: {02_fit: 3}", "scatter: {02_fit: 2}", "scatter: {}"):
        profile(project, lines)
        assert workflow.stale(make_plan(project, "demo"), ["02_fit"]) == {}

    # Another parameter: all is made again, by as many jobs as are asked for now.
    profile(project, "scatter: {02_fit: 2}", "chapters: {02_fit: {factor: 5}}")
    reasons = workflow.stale(make_plan(project, "demo"), ["02_fit"])
    assert reasons == {"02_fit": ["parameter factor changed from 1 to 5"]}
    assert lembas("run", "02")[0] == 0
    assert made(project) == ["1of2", "2of2"]
    assert (project / RUN / "models/x/w").read_text() == "10 5"


def test_a_piece_leaves_a_mark_with_its_cost(project: Path) -> None:
    job, plan_file, root = job_of(project)
    record = execute_piece(job, plan_file, root)
    assert record["n_pieces"] == 1
    assert record["peak_memory_mib"] > 10
    assert json.loads((root / job.mark).read_text()) == record
    assert (root / RUN / "unfinished/x/2of3").read_text() == "2"


@pytest.mark.long
def test_pieces_made_by_another_scheduler_are_found(project: Path, lembas: Command) -> None:
    assert lembas("run", "01")[0] == 0
    plan_file = str(write_plan(make_plan(project, "demo")))
    for share in ("3of3", "1of3", "2of3"):
        assert lembas("execute-piece", plan_file, "02_fit", share)[0] == 0
    assert lembas("run", "02")[0] == 0
    assert made(project) == ["1of3", "2of3", "3of3"]


@pytest.mark.parametrize(
    ("action", "changes", "message"),
    [
        ("raise ValueError('no genes')", {}, "its process failed with ValueError: no genes"),
        ("os.kill(os.getpid(), 9)", {}, r"ended by SIGKILL .*; what it finished is kept, and"),
        (
            "time.sleep(60)",
            {"time_out_s": 2},
            r"ran past its 2 s; .* among more jobs \(`scatter`\)",
        ),
    ],
)
def test_a_failure_is_named_and_leaves_no_mark(
    project: Path, action: str, changes: dict[str, int], message: str
) -> None:
    write_share(project, action)
    job, plan_file, root = job_of(project, **changes)
    with pytest.raises(ChapterError, match=message):
        execute_piece(job, plan_file, root)
    assert not (root / job.mark).exists()
    record = read_json(root / RUN / "failed/02_fit.2of3.json")
    assert (root / record["partial_copy"]).is_file()
    # The next time it succeeds, and nothing is left of the failure.
    write_share(project)
    execute_piece(*job_of(project))
    assert not list((root / RUN / "failed").iterdir())


def test_a_piece_gets_the_threads_of_its_chapter(project: Path) -> None:
    """Sums may depend on their number: a piece must do what the chapter would."""
    write_share(project, "(kept.parent / 'threads').write_text(os.environ['OMP_NUM_THREADS'])")
    execute_piece(*job_of(project, threads=3))
    assert (project / RUN / "unfinished/x/threads").read_text() == "3"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (("scatter: {01_data: 2}",), "`scatter` names 01_data, which has no pieces to make in"),
        (("scatter: {09_none: 2}",), "names chapter(s) that are not there: 09_none"),
        (("resources: {09_none: {mem_mb: 1}}",), "names chapter(s) that are not there: 09_none"),
    ],
)
def test_faults_of_a_profile_are_named(
    project: Path, lembas: Command, lines: tuple[str, ...], message: str
) -> None:
    profile(project, *lines)
    code, _, err = lembas("status")
    assert code == 1
    assert message in err


def test_a_share_that_is_not_planned_is_refused(project: Path, lembas: Command) -> None:
    plan_file = write_plan(make_plan(project, "demo"))
    code, _, err = lembas("execute-piece", str(plan_file), "02_fit", "4of3")
    assert code == 1
    assert "the plan has no piece 4of3 of chapter 02_fit; it has: 1of3, 2of3, 3of3" in err


@pytest.mark.parametrize(
    ("made_by", "kept_in"), [("os.remove", "unfinished/x/"), ("lembas.sharing.share", "/")]
)
def test_a_wrong_declaration_is_refused(project: Path, made_by: str, kept_in: str) -> None:
    path = project / "notebooks" / "02_fit.ipynb"
    content = json.loads(path.read_text())
    content["metadata"]["lembas"]["pieces"] = {"made_by": made_by, "kept_in": kept_in}
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"`pieces` must hold `made_by`, such as lembas\.scatt"):
        discover(project)


def test_declarations_of_the_project_name_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    from lembas import scattered

    declared = {name: chapter.pieces for name, chapter in discover(ROOT).items() if chapter.pieces}
    assert list(declared) == ["03_fit_baselines", "04_fit_lembas", "07_controls"]
    for pieces in declared.values():
        module, _, function = pieces.made_by.rpartition(".")
        assert module == scattered.__name__
        assert callable(getattr(scattered, function))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (None, "there is no workflow profile elsewhere (no config.yaml in it); the project has"),
        ("jobs: [", "elsewhere/config.yaml is not valid YAML"),
        (
            "jobs: 3",
            "elsewhere/config.yaml names no executor; add a line such as `executor: slurm`",
        ),
        ("executor: a.b", "elsewhere/config.yaml names no executor; add a line such as"),
        (
            "executor: moon",
            "the executor 'moon', which is not installed here: pip install snakemake-",
        ),
    ],
)
def test_a_workflow_profile_is_checked_first(
    project: Path, lembas: Command, config: str | None, message: str
) -> None:
    if config is not None:
        (project / "elsewhere").mkdir()
        (project / "elsewhere" / "config.yaml").write_text(config + "\n")
    # More threads than here are no matter, for chapters run elsewhere.
    profile(project, "threads: {default: 9999}")
    code, _, err = lembas("run", "--workflow-profile", "elsewhere")
    assert code == 1
    assert message in err
    assert not (project / RUN).exists()


@pytest.mark.long
def test_a_workflow_profile_says_where_jobs_run(project: Path, lembas: Command) -> None:
    """The executor of this machine, named in a file: the way to any other."""
    (project / "here").mkdir()
    (project / "here" / "config.yaml").write_text("executor: local\ncores: 2\n")
    assert lembas("run", "02", "--workflow-profile", "here")[0] == 0
    assert made(project) == ["1of3", "2of3", "3of3"]
