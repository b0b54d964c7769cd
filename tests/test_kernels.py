"""How a chapter's kernel is talked to."""

import tempfile
from pathlib import Path

import pytest

from lembas.execution import Job, execute
from lembas.kernels import MOST_OF_A_SOCKETS_NAME, environment, talk
from lembas.plan import make_plan, write_plan
from lembas.provenance import read_json
from tests.toy import make_project, write_notebook

TRANSPORT = """
import json
from ipykernel.connect import get_connection_info
found = json.loads(get_connection_info())
Path(run_dir, "tables/c.txt").write_text(found["transport"])
"""


def test_a_kernel_shares_no_port_with_others_and_leaves_no_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_project(tmp_path)
    cells = ["from pathlib import Path\nPath(run_dir, 'tables').mkdir(parents=True)", TRANSPORT]
    write_notebook(tmp_path, "03_test", reads=[], writes=["tables/c.txt"], cells=cells)
    job = Job.from_plan(read_json(write_plan(make_plan(tmp_path, "demo"))), "03_test")
    # The folders of tests have long names.
    with tempfile.TemporaryDirectory() as place:
        monkeypatch.setattr(tempfile, "tempdir", place)
        execute(job, tmp_path)
        assert list(Path(place).iterdir()) == []
    assert (tmp_path / "results/demo/tables/c.txt").read_text() == "ipc"


def test_a_folder_whose_name_leaves_a_socket_no_room(tmp_path: Path) -> None:
    with environment(tmp_path, 1) as folder:
        assert talk(folder).KernelManager.transport == "ipc"
    longer = tmp_path / ("x" * MOST_OF_A_SOCKETS_NAME)
    assert "KernelManager" not in talk(longer)
