"""A full disk and a missing permission end in one sentence, and leave nothing half written."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lembas.__main__ import main
from lembas.atomic import write_atomically
from lembas.os_errors import plain_os_error

# A limit on the size of files stands for a full disk: HDF5 fails late, when it closes the file.
WRITES_TOO_MUCH = """
import resource, signal, sys
from pathlib import Path
import numpy as np, pandas as pd
from lembas.data import build_dataset
from lembas.network import Network

edges = pd.DataFrame({"TF": ["T"] * 200, "Gene": [f"G{i}" for i in range(200)], "Interaction": 1})
values = np.random.default_rng(0).uniform(0, 3, (500, 201))
genes = ["T", *edges["Gene"]]
table = pd.DataFrame(values, [f"s{i}" for i in range(500)], genes)
dataset = build_dataset(table, Network.from_edges(edges))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
sys.dont_write_bytecode = True  # a compiled file would be cut short, and stay so
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    dataset.write(Path(sys.argv[1]) / "dataset.h5ad")
except OSError as error:
    sys.stdout.write(str(error))
"""


def test_a_full_disk_while_the_dataset_is_written(tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-c", WRITES_TOO_MUCH, str(tmp_path)]
    done = subprocess.run(command, text=True, capture_output=True, check=False, timeout=120)
    assert "dataset.h5ad cannot be read or written (File too large); free some" in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "kind", "sentence"),
    [
        (errno.ENOSPC, OSError, "x.h5ad cannot be read or written (No space left on device); free"),
        (errno.EACCES, PermissionError, "x.h5ad cannot be read or written (Permission denied); as"),
        (errno.EROFS, PermissionError, "(Read-only file system); ask for permission to write"),
        (errno.EIO, OSError, "(Input/output error); check the path and the disk"),
    ],
)
def test_sentences(tmp_path: Path, number: int, kind: type[OSError], sentence: str) -> None:
    def fail(part: Path) -> None:
        part.write_text("half")
        raise OSError(number, os.strerror(number), str(part))

    with pytest.raises(kind) as caught:
        write_atomically(tmp_path / "x.h5ad", fail)
    assert sentence in str(caught.value)
    assert isinstance(caught.value.__cause__, OSError)
    assert list(tmp_path.iterdir()) == []


def test_hdf5_hides_the_number_in_its_message() -> None:
    late = RuntimeError("Can't decrement id ref count (unable to extend file, errno = 28, ...)")
    assert "(No space left on device)" in str(plain_os_error(late, "x.h5ad"))


def test_other_errors_are_passed_on(tmp_path: Path) -> None:
    for error in (RuntimeError("no number"), OSError("said before")):
        assert plain_os_error(error) is error

        def fail(part: Path, error: Exception = error) -> None:
            raise error

        with pytest.raises(type(error)) as caught:
            write_atomically(tmp_path / "x", fail)
        assert caught.value is error


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_to(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError, match=r"x cannot be read or written \(Permission denied"):
        write_atomically(tmp_path / "x", lambda part: part.touch())


def test_the_command_line_says_it_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse() -> Path:
        raise PermissionError(errno.EACCES, "Permission denied", "results/demo")

    monkeypatch.setattr("lembas.commands.shared.project_root", refuse)
    with pytest.raises(SystemExit, match="1"):
        main(["status"])
    expected = "lembas: results/demo cannot be read or written (Permission denied); ask for perm"
    assert capsys.readouterr().err.startswith(expected)
