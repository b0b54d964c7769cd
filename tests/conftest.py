"""Shared fixtures: a small network, a small study, and the folder of real liver data."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lembas.__main__ import main
from lembas.network import Network
from tests.data_folder import made  # noqa: F401 (a fixture)
from tests.small_study import fitted, study  # noqa: F401 (fixtures for all modules)

# A call of the command line: exit code, standard output, standard error.
Command = Callable[..., tuple[int, str, str]]

ROOT = Path(__file__).resolve().parents[1]
LIVER = ROOT.parent / "shared" / "data" / "liver"

# TF3 regulates TF1, so TF1 is a TF and a target; TF2 regulates itself.
EDGES = [
    ("TF1", "G1", 1),
    ("TF1", "G2", -1),
    ("TF2", "G2", 1),
    ("TF2", "TF2", 1),
    ("TF3", "TF1", 1),
    ("TF3", "G3", -1),
    ("TF3", "G4", 1),
    ("TF3", "TF", 1),
]
GENES = ["G4", "TF2", "G1", "TF", "TF1", "G3", "TF3", "G2", "OTHER"]


def command_line(*arguments: str) -> list[str]:
    """Give the command line in a process of its own, which can be interrupted.

    What a shell starts in the background ignores interrupts, and so do its children: the tests may
    run there.
    """
    code = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from lembas.__main__ import main; main(sys.argv[1:])"
    )
    return [sys.executable, "-P", "-c", code, *arguments]


@pytest.fixture
def small_network() -> Network:
    """Three TFs, one of them a target, and five more targets, one of them transferrin."""
    return Network.from_edges(pd.DataFrame(EDGES, columns=["TF", "Gene", "Interaction"]))


@pytest.fixture
def small_study() -> pd.DataFrame:
    """Twenty samples of the small network's nodes and one more gene, in no particular order."""
    return random_expression("s", 20, GENES, seed=1)


def random_expression(prefix: str, n_samples: int, genes: list[str], *, seed: int) -> pd.DataFrame:
    """Draw expression between 0 and 3, named samples and genes."""
    values = np.random.default_rng(seed).uniform(0, 3, (n_samples, len(genes)))
    samples = pd.Index([f"{prefix}{number}" for number in range(n_samples)], name="sample")
    return pd.DataFrame(values, index=samples, columns=pd.Index(genes, name="gene"))


@pytest.fixture(scope="session")
def liver() -> Path:
    """Folder of the real liver data, which are no part of the repository."""
    if not (LIVER / "PROVENANCE.md").is_file():
        pytest.skip("the liver data are not beside the repository (../shared/data/liver)")
    return LIVER


@pytest.fixture
def lembas(capfd: pytest.CaptureFixture[str]) -> Command:
    """Call the command line in this process."""

    def call(*arguments: str) -> tuple[int, str, str]:
        code = 0
        try:
            main(arguments)
        except SystemExit as ended:
            code = int(ended.code or 0)
        out, err = capfd.readouterr()
        return code, out, err

    return call
