"""`lembas fetch`: what a profile declares, in a folder, and what runs say when it is missing."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Command, command_line
from tests.http_files import OPENSSL, FileServer, make_certificate, serving, sha256
from tests.test_downloads import CONTENT, NETWORK_VARIABLES, files_in
from tests.toy import make_project

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def _plain_network(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NETWORK_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving() as files:
        yield files


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    monkeypatch.chdir(root)
    return make_project(root)


def declare(root: Path, url: str, *, known: str | None = sha256(CONTENT), more: str = "") -> None:
    """Write the profile `mine`, which declares raw/a.tsv."""
    line = "" if known is None else f", sha256: {known}"
    (root / "profiles" / "mine.yml").write_text(
        "title: Mine\ndata:\n  files: [raw/a.tsv]\n  downloads:\n"
        f"    raw/a.tsv: {{url: '{url}'{line}}}\n{more}"
    )


def test_files_are_fetched_and_the_run_then_finds_them(
    project: Path, lembas: Command, server: FileServer
) -> None:
    declare(project, server.put("a.tsv", CONTENT))
    command = "lembas fetch --profile mine --to"
    assert f"download them: {command} FOLDER" in lembas("status", "--profile", "mine")[2]
    hint = f"download them: {command} '../my data'\n"
    (project.parent / "my data").mkdir()
    for verb in ("run", "book", "status"):
        code, _, err = lembas(verb, "--profile", "mine", "--data", "../my data")
        assert code == 1
        assert err.endswith(hint)
        assert err.count("\n") == 1
    (project.parent / "my data").rmdir()
    assert lembas("status", "--profile", "mine", "--data", "../my data")[2].endswith(hint)
    assert server.requests == [], "nothing is fetched unasked"

    code, out, err = lembas("fetch", "--profile", "mine", "--to", "../my data")
    assert (code, err) == (0, "")
    assert "raw/a.tsv                    downloaded, 1,024,000 bytes\n" in out
    assert out.endswith("../my data: 1 file, each with its sum\n")
    assert lembas("status", "--profile", "mine", "--data", "../my data")[0] == 0
    assert files_in(project.parent / "my data") == {"raw/a.tsv": CONTENT}
    assert lembas("--quiet", "fetch", "--profile", "mine", "--to", "../my data") == (0, "", "")


def test_a_hint_names_only_what_is_declared(
    project: Path, lembas: Command, server: FileServer
) -> None:
    declare(project, server.put("a.tsv", CONTENT))
    path = project / "profiles" / "mine.yml"
    path.write_text(path.read_text().replace("[raw/a.tsv]", "[b.tsv, raw/a.tsv]"))
    (project / "data").mkdir()
    err = lembas("status", "--profile", "mine", "--data", "data")[2]
    assert err.endswith("for raw/a.tsv: lembas fetch --profile mine --to data\n")
    path.write_text("title: Mine\ndata: {files: [b.tsv]}\n")
    assert "lembas fetch" not in lembas("status", "--profile", "mine", "--data", "data")[2]


def test_the_profiles_own_folder_is_the_default(
    project: Path, lembas: Command, server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    declare(project, server.put("a.tsv", CONTENT), more="  folder: ../own\n")
    monkeypatch.chdir(project / "notebooks")
    code, out, _ = lembas("fetch", "--profile", "mine")
    assert code == 0
    assert "../../own: 1 file" in out
    assert files_in(project.parent / "own") == {"raw/a.tsv": CONTENT}


@pytest.mark.parametrize(
    ("known", "arguments", "message"),
    [
        (None, (), f"add the line `sha256: {sha256(CONTENT)}`"),
        ("ab" * 32, (), f"the bytes that came have sha256 {sha256(CONTENT)}, where the profile"),
        (sha256(CONTENT), ("--offline",), f"(sha256 {sha256(CONTENT)}) and put it at data/raw/a"),
    ],
)
def test_what_is_amiss_is_one_line_a_file_and_exit_code_1(
    project: Path,
    lembas: Command,
    server: FileServer,
    known: str | None,
    arguments: tuple[str, ...],
    message: str,
) -> None:
    declare(project, server.put("a.tsv", CONTENT), known=known)
    code, out, err = lembas("fetch", "--profile", "mine", "--to", "data", *arguments, "--quiet")
    assert (code, out) == (1, "")
    line, last = err.splitlines()
    assert line.startswith("raw/a.tsv ")
    assert message in line
    assert last == "lembas: 1 of 1 file not in data as declared; see above"
    assert files_in(project / "data") == {}


def test_again_replaces_a_file_of_another_sum(
    project: Path, lembas: Command, server: FileServer
) -> None:
    declare(project, server.put("a.tsv", CONTENT))
    (project / "data/raw").mkdir(parents=True)
    (project / "data/raw/a.tsv").write_text("mine")
    code, _, err = lembas("fetch", "--profile", "mine", "--to", "data")
    assert code == 1
    assert "call with --again" in err
    assert files_in(project / "data") == {"raw/a.tsv": b"mine"}
    assert lembas("fetch", "--profile", "mine", "--to", "data", "--again")[0] == 0
    assert files_in(project / "data") == {"raw/a.tsv": CONTENT}


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 1, "profile 'demo' declares no downloads; expected, in profiles/demo.yml"),
        (("--profile", "nowhere"), 1, "there is no profile 'nowhere'"),
        (("--profile", "mine"), 2, "has no data folder of its own; give --to"),
        (("--profile", "mine", "--offline", "--again"), 2, "leave out --offline"),
        (
            ("--profile", "mine", "--to", "_toc.yml/x"),
            1,
            "cannot be read or written (Not a directory)",
        ),
    ],
)
def test_wrong_calls(
    project: Path, lembas: Command, arguments: tuple[str, ...], code: int, message: str
) -> None:
    declare(project, "http://127.0.0.1:1/a")
    found, out, err = lembas("fetch", *arguments)
    assert (found, out) == (code, "")
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.skipif(OPENSSL is None, reason="openssl is not there to make a certificate")
def test_certificates_are_found_in_the_environment(
    project: Path, lembas: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = make_certificate(tmp_path)
    with serving(certificate) as files:
        declare(project, files.put("a.tsv", CONTENT))
        call = ("fetch", "--profile", "mine", "--to")
        assert "certificate is not trusted" in lembas(*call, "data")[2]
        for variable in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            with monkeypatch.context() as patch:
                patch.setenv(variable, str(certificate[0]))
                assert lembas(*call, variable.lower())[0] == 0
        for variable in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
            monkeypatch.setenv(variable, "nowhere.pem")
            assert f"{variable} names nowhere.pem, which is not there" in lembas(*call, "b")[2]


def test_a_killed_fetch_leaves_no_part_under_a_files_name(
    project: Path, lembas: Command, server: FileServer
) -> None:
    declare(project, server.put("a.tsv", CONTENT, "stall"))
    call = ("fetch", "--profile", "mine", "--to", "data")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-P", "-m", "lembas", *call]
    with subprocess.Popen(command, env=environment) as running:
        assert server.stalled.wait(60)
        running.send_signal(signal.SIGKILL)
    assert not (project / "data/raw/a.tsv").exists()
    server.closing.set()
    assert lembas(*call)[0] == 0
    assert files_in(project / "data") == {"raw/a.tsv": CONTENT}
    assert [path.name for path in (project / "data").iterdir()] == ["raw"]


def test_an_interrupted_fetch_leaves_nothing(project: Path, server: FileServer) -> None:
    declare(project, server.put("a.tsv", CONTENT, "stall"))
    command = command_line("fetch", "--profile", "mine", "--to", "data")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, text=True, stderr=subprocess.PIPE) as running:
        assert server.stalled.wait(60)
        running.send_signal(signal.SIGINT)
        err = running.stderr.read()
    assert running.returncode == 130
    assert err.strip("\n") == "lembas: stopped; the next call goes on from here", "no bar in a log"
    assert list((project / "data").iterdir()) == []


def test_a_terminal_gets_a_bar(project: Path, server: FileServer) -> None:
    """Standard error of the process is a terminal of its own."""
    declare(project, server.put("a.tsv", CONTENT))
    command = [sys.executable, "-P", "-m", "lembas", "fetch", "--profile", "mine", "--to", "data"]
    outer, inner = pty.openpty()
    termios.tcsetwinsize(inner, (24, 80))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(command, env=environment, stderr=inner, check=True)
    # A last word: reading an empty terminal would wait for ever.
    os.write(inner, b"|end")
    shown = os.read(outer, 1 << 16).decode()
    os.close(inner)
    os.close(outer)
    assert "raw/a.tsv:" in shown
    assert files_in(project / "data") == {"raw/a.tsv": CONTENT}
