"""A problem of exactly the original study's size, or a small one of its shape."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from lembas.network import Network


@dataclass(frozen=True)
class Problem:
    """Random data on a random network; the sizes are the study's unless others are given.

    Attributes:
        n_samples: Training samples.
        n_tfs, n_targets: TFs, and further genes.
        n_edges: Edges in all.
        n_block_edges: Those from TF to TF.
        seed: Of all draws.
    """

    n_samples: int = 12_748
    n_tfs: int = 1_197
    n_targets: int = 16_100
    n_edges: int = 1_153_904
    n_block_edges: int = 75_600
    seed: int = 0

    @property
    def tfs(self) -> pd.Index:
        return pd.Index([f"TF{i:04d}" for i in range(self.n_tfs)], name="tf")

    @property
    def targets(self) -> pd.Index:
        return pd.Index([f"gene{i:05d}" for i in range(self.n_targets)], name="gene")

    @cached_property
    def network(self) -> Network:
        """Draw the edges without replacement; a third inhibit."""
        rng = np.random.default_rng(self.seed)
        in_block = rng.choice(self.n_tfs**2, self.n_block_edges, replace=False)
        n_rest = self.n_edges - self.n_block_edges
        rest = rng.choice(self.n_targets * self.n_tfs, n_rest, replace=False)
        genes = np.r_[self.tfs[in_block // self.n_tfs], self.targets[rest // self.n_tfs]]
        edges = {
            "TF": np.r_[self.tfs[in_block % self.n_tfs], self.tfs[rest % self.n_tfs]],
            "Gene": genes,
            "Interaction": rng.choice([1, -1], self.n_edges, p=[2 / 3, 1 / 3]),
        }
        return Network.from_edges(pd.DataFrame(edges))

    @cached_property
    def x(self) -> pd.DataFrame:
        """Draw TF expression ``(sample, tf)``, float32, about log10 values."""
        rng = np.random.default_rng(self.seed + 1)
        values = rng.normal(1.5, 0.5, (self.n_samples, self.n_tfs)).astype(np.float32)
        return pd.DataFrame(values, index=self._samples, columns=self.tfs, copy=False)

    @cached_property
    def y(self) -> pd.DataFrame:
        """Make target expression ``(sample, gene)``, float32: a few TFs each, and noise."""
        rng = np.random.default_rng(self.seed + 2)
        values = rng.standard_normal((self.n_samples, self.n_targets), dtype=np.float32)
        x = self.x.to_numpy()
        for weight in (0.9, -0.6, 0.4):
            # A gather of columns a block at a time: no second copy of the table.
            chosen = rng.integers(0, self.n_tfs, self.n_targets)
            for start in range(0, self.n_targets, 1000):
                part = slice(start, start + 1000)
                values[:, part] += np.float32(weight) * x[:, chosen[part]]
        values *= np.float32(0.3)
        values += np.float32(1.5)
        return pd.DataFrame(values, index=self._samples, columns=self.targets, copy=False)

    @property
    def _samples(self) -> pd.Index:
        return pd.Index([f"S{i:05d}" for i in range(self.n_samples)], name="sample")


SMALL = Problem(300, 40, 200, 1500, 100)
