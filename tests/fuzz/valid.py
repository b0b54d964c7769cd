"""Small valid files, which the damaged ones are made from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from lembas.network import Network
from tests.conftest import EDGES, GENES, random_expression


@dataclass(frozen=True)
class Made:
    """Hold valid files and the call that reads one.

    Attributes:
        targets: Files that may be damaged, one at a time.
        read: Reads the damaged one.
        left: Folder that the reader writes into, removed after each call; None: it writes nothing.
    """

    targets: tuple[Path, ...]
    read: Callable[[Path], Any]
    left: Path | None = None


def network() -> Network:
    """Three TFs and six genes."""
    return Network.from_edges(edges())


def edges() -> pd.DataFrame:
    return pd.DataFrame(EDGES, columns=["TF", "Gene", "Interaction"])


def expression(n_samples: int = 8, prefix: str = "s") -> pd.DataFrame:
    """Expression of the network's genes and one more, ``(sample, gene)``, log10."""
    return random_expression(prefix, n_samples, GENES, seed=1).round(3)


def counts(n_samples: int = 8) -> pd.DataFrame:
    """Counts ``(sample, gene)``."""
    return (10 ** expression(n_samples)).round().astype(int)


def write(path: Path, content: str) -> Path:
    """Write a text, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path
