"""The command line as a whole: help, completion, exit codes, pipes, a fast start."""

from __future__ import annotations

import errno
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete

from lembas.__main__ import cli
from lembas.commands.shared import is_quiet, is_verbose
from lembas.provenance import read_json
from tests.conftest import Command, command_line
from tests.toy import make_project, write_test_chapter

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "book" / "command_line.md"
HEAVY = ("torch", "sklearn", "anndata", "pandas", "numpy", "nbformat", "papermill", "psutil")
COMMANDS = {name: command for name, command in cli.commands.items() if not command.hidden}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return make_project(tmp_path)


def help_of(command: click.Command) -> str:
    return command.get_help(click.Context(command, info_name="lembas"))


def example_lines(text: str) -> list[str]:
    after = text.partition("Examples:\n")[2].partition("\n\n")[0]
    joined = re.sub(r"\\\n", " ", after)
    return [line.strip() for line in joined.splitlines() if "lembas " in line]


# Help


@pytest.mark.parametrize("name", COMMANDS)
def test_every_example_in_a_help_is_understood(name: str) -> None:
    lines = example_lines(help_of(COMMANDS[name]))
    assert lines, f"the help of {name} needs examples"
    assert any(f"lembas {name}" in line or f" {name}" in line for line in lines)
    for line in lines:
        _parse(line)


def _parse(line: str) -> None:
    """Let click read a line; nothing is called, and a wrong option or value raises."""
    words = shlex.split(re.split(r"[>|#\"]|\)", line.partition("lembas ")[2])[0], comments=True)
    while words[0].startswith("-"):
        words.pop(0)
    if words[0] in cli.commands:
        command = cli.commands[words[0]]
        if "--help" not in words:
            command.make_context(words[0], words[1:])
    else:
        raise AssertionError(f"{line}: there is no command {words[0]}")


def test_the_help_documents_the_exit_codes() -> None:
    text = help_of(cli)
    for code, words in ((0, "done"), (1, "failed"), (2, "wrong usage"), (130, "interrupted")):
        assert re.search(rf"^ +{code} +{words}", text, re.MULTILINE)


def words(item: click.Parameter) -> list[str]:
    """Name an option in all its forms, the one that says no included."""
    return [word for word in (*item.opts, *item.secondary_opts) if word[0] == "-"]


def test_the_page_names_the_commands_and_options_that_there_are() -> None:
    text = PAGE.read_text()
    sections = dict(
        re.findall(r"^## `lembas (\w+)`\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    )
    assert set(sections) == set(COMMANDS)
    everywhere = {"-q", "--quiet", "-v", "--verbose", "-h", "--help"}
    for name, section in sections.items():
        named = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", section)) - everywhere
        there = {word for item in COMMANDS[name].params for word in words(item)}
        assert named == there - everywhere, name
    for block in re.findall(r"```bash\n(.*?)```", text, re.DOTALL):
        for line in re.sub(r"\\\n", " ", block).splitlines():
            if line.startswith("lembas "):
                _parse(line)


# Exit codes


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nonsense",), "No such command 'nonsense'; see: lembas --help"),
        (("run", "--cores", "0"), "0 is not in the range x>=1; see: lembas run --help"),
        (("status", "--dat", "x"), "see: lembas status --help"),
        (("params",), "Missing argument 'CHAPTER'; see: lembas params --help"),
        (("completion", "csh"), "'csh' is not one of 'bash', 'zsh', 'fish'"),
        (("--quiet", "--verbose", "status"), "--quiet and --verbose exclude each other"),
        (("-q", "status", "-v"), "--quiet and --verbose exclude each other"),
        (("check", "--dataset", "a", "--data", "b"), "leave out --profile and --data"),
        (("check", "--network", "a"), "--network goes with --dataset"),
        (("run", "--name", "mine"), "--name names a trial; give what it tries with -p"),
        (("run", "--cores", "1", "--workflow-profile", "x"), "--cores is for this machine"),
        (("archs4", "a.h5", "-q", "-v"), "--quiet and --verbose exclude each other"),
    ],
)
def test_wrong_usage_is_one_sentence_and_exit_code_2(
    lembas: Command, arguments: tuple[str, ...], message: str
) -> None:
    code, out, err = lembas(*arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert err.startswith("lembas: ")
    assert err.count("\n") == 1


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let `lembas status` raise an error."""

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(cli.commands["status"], "callback", fail)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "results/x"), "results/x cannot be"),
        (PermissionError(errno.EACCES, "Permission denied", "results/x"), "results/x cannot be"),
        (OSError(errno.EIO, "Input/output error"), "a file cannot be read or written"),
        (FileNotFoundError("there is no profile"), "there is no profile"),
        (ValueError("seed must be int"), "seed must be int"),
    ],
)
def test_what_goes_wrong_is_one_sentence_and_exit_code_1(
    lembas: Command, monkeypatch: pytest.MonkeyPatch, error: Exception, message: str
) -> None:
    failing(monkeypatch, error)
    code, out, err = lembas("status")
    assert (code, out) == (1, "")
    assert err.startswith(f"lembas: {message}")
    assert err.count("\n") == 1
    if getattr(error, "filename", None):
        assert "results/x" in err
    assert "Traceback" in lembas("status", "--verbose")[2]


def test_an_interrupted_command_ends_with_130(
    lembas: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, KeyboardInterrupt())
    code, out, err = lembas("status")
    assert (code, out) == (130, "")
    assert err.strip() == "lembas: stopped; the next call goes on from here"


def lembas_process(*arguments: str, **options: object) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = command_line(*arguments)
    return subprocess.Popen(command, env=environment, text=True, **options)  # type: ignore[call-overload]


@pytest.mark.slow
def test_a_run_that_is_interrupted_leaves_no_process_and_goes_on_later(project: Path) -> None:
    write_test_chapter(project, "time.sleep(120)")
    pipe = subprocess.PIPE
    with lembas_process("run", "03", stdout=pipe, stderr=pipe, start_new_session=True) as running:
        lines = []
        for line in running.stdout:
            lines.append(line)
            if line.split() == ["03_test", "started"]:
                os.killpg(running.pid, signal.SIGINT)
        err = running.stderr.read()
    assert running.returncode == 130
    assert err.strip() == "lembas: stopped; the next call goes on from here"
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", "".join(lines)), "a log has plain lines"
    with pytest.raises(ProcessLookupError):
        os.killpg(running.pid, 0)
    assert not (project / "results/demo/tables/c.txt").exists()


def test_a_reader_that_leaves_gets_no_message(project: Path) -> None:
    with lembas_process("--help", stdout=subprocess.PIPE, stderr=subprocess.PIPE) as writing:
        writing.stdout.close()
        assert writing.stderr.read() == ""
    assert writing.returncode == 1


# Completion


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell_is_printed(lembas: Command, shell: str) -> None:
    code, out, _ = lembas("completion", shell)
    assert code == 0
    assert "_LEMBAS_COMPLETE" in out


@pytest.mark.parametrize(
    ("words", "incomplete", "expected"),
    [
        (["run", "--profile"], "de", ["demo"]),
        (["run"], "0", ["01_data", "02_fit", "03_test"]),
        (["run", "01_data"], "0", ["02_fit", "03_test"]),
        (["params"], "03", ["03_test"]),
        (["compare"], "", ["demo", "demo-trial"]),
        (["compare", "demo-trial"], "demo", ["demo"]),
        (["status"], "--js", ["--json"]),
    ],
)
def test_names_are_completed(
    project: Path, words: list[str], incomplete: str, expected: list[str]
) -> None:
    for run in ("demo", "demo-trial"):
        (project / "results" / run / "provenance").mkdir(parents=True)
    items = ShellComplete(cli, {}, "lembas", "_LEMBAS_COMPLETE").get_completions(words, incomplete)
    assert [item.value for item in items] == expected


def test_outside_a_project_nothing_is_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    complete = ShellComplete(cli, {}, "lembas", "_LEMBAS_COMPLETE")
    assert complete.get_completions(["run", "--profile"], "") == []


# Options and start


@pytest.mark.parametrize("arguments", [("-q", "params", "1"), ("params", "1", "--quiet")])
def test_quiet_is_read_before_and_after_the_command(
    lembas: Command, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    seen = []
    monkeypatch.setattr(
        cli.commands["params"], "callback", lambda **_: seen.append((is_quiet(), is_verbose()))
    )
    assert lembas(*arguments)[0] == 0
    assert seen == [(True, False)]


def test_params_as_json(project: Path, lembas: Command) -> None:
    code, out, _ = lembas("params", "03", "--json")
    assert code == 0
    (project / "out.json").write_text(out)
    found = read_json(project / "out.json")
    assert found["chapter"] == "03_test"
    assert found["parameters"][1] == {
        "name": "rate",
        "type": "float",
        "value": 0.5,
        "origin": "default",
        "meaning": "share",
    }


def test_a_trial_must_not_be_another_profiles_run(project: Path, lembas: Command) -> None:
    profile = project / "profiles" / "demo.yml"
    (project / "profiles" / "demo-fast.yml").write_text(profile.read_text())
    code, _, err = lembas("run", "-p", "rate=1", "--name", "fast")
    assert code == 1
    assert "results/demo-fast is the folder of profile 'demo-fast'" in err
    assert not (project / "results").exists()


def test_the_command_line_starts_without_what_only_commands_need() -> None:
    code = f"import lembas.__main__, sys; print([m for m in {HEAVY} if m in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
        capture_output=True,
        check=True,
    )
    assert result.stdout == "[]\n"
