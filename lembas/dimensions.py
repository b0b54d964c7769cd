"""The dimensions of a prediction by LEMBAS-RNN, what they cost at least, and networks to match."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace

import numpy as np
import pandas as pd

from lembas.network import Network

# What grows, as a reader calls it, and the dimension behind it.
AXES: Mapping[str, str] = {
    "samples": "n_samples",
    "TFs": "n_tfs",
    "targets": "n_targets",
    "edges": "n_edges",
    "T": "n_steps",
}
# Part of the original study's edges that lead from TF to TF: 75,600 of 1,153,904.
BLOCK_SHARE = 0.0655


@dataclass(frozen=True)
class Size:
    """Fix the dimensions of one prediction by LEMBAS-RNN.

    Attributes:
        n_samples: Samples predicted at once.
        n_tfs: TFs, all of them inputs.
        n_targets: Genes predicted; none is a TF.
        n_edges: Edges, of which ``BLOCK_SHARE`` lead from TF to TF.
        n_steps: Updates T.
    """

    n_samples: int
    n_tfs: int
    n_targets: int
    n_edges: int
    n_steps: int

    def __post_init__(self) -> None:
        """Refuse dimensions that no network has."""
        wrong = [f"{name} = {value}" for name, value in asdict(self).items() if value < 1]
        if wrong:
            raise ValueError(f"{', '.join(wrong)}; each must be at least 1")
        fewest, most = max(self.n_tfs, self.n_targets), self.n_tfs * self.n_targets
        if not fewest <= self.n_gene_edges <= most or self.n_block_edges > self.n_tfs**2:
            raise ValueError(
                f"{self.n_edges} edges ({self.n_gene_edges} to targets, {self.n_block_edges} to "
                f"TFs) do not fit {self.n_tfs} TFs and {self.n_targets} targets: expected "
                f"{fewest} to {most} edges to targets, so that every TF and target has one, and "
                f"at most {self.n_tfs**2} to TFs"
            )

    @classmethod
    def named(cls, dimensions: Mapping[str, int]) -> Size:
        """Build a size from the names that a reader knows, the keys of ``AXES``.

        Raises:
            ValueError: If a name is missing or unknown, or no network has these dimensions.
        """
        if set(dimensions) != set(AXES):
            raise ValueError(
                f"the size names {', '.join(sorted(dimensions)) or 'nothing'}; expected exactly "
                f"{', '.join(AXES)}"
            )
        return cls(**{AXES[axis]: value for axis, value in dimensions.items()})

    @property
    def words(self) -> str:
        """The dimensions for a reader."""
        return (
            f"{self.n_samples:,} samples, {self.n_tfs:,} TFs, {self.n_targets:,} targets, "
            f"{self.n_edges:,} edges ({self.n_block_edges:,} of them TF-TF) and T = {self.n_steps}"
        )

    @property
    def n_block_edges(self) -> int:
        """Edges from TF to TF."""
        return round(BLOCK_SHARE * self.n_edges)

    @property
    def n_gene_edges(self) -> int:
        """Edges from TF to target."""
        return self.n_edges - self.n_block_edges

    @property
    def flops(self) -> int:
        r"""Additions and multiplications of the products with the edges' weights.

        The first update starts from zero and needs none; T - 2 updates of the TF block and the
        last update, of all nodes, follow:

        .. math:: 2 \, n_{samples} (n_{gene\,edges} + (T - 1) \, n_{block\,edges})
        """
        return 2 * self.n_samples * (self.n_gene_edges + (self.n_steps - 1) * self.n_block_edges)

    @property
    def n_bytes(self) -> int:
        r"""Bytes that must cross memory at least once, in float32 and int32.

        A weight and a column an edge, a row start a node (and one more); the inputs, final states
        and predictions of every sample. What lies between may stay in the processor's cache:

        .. math:: 4 \, (2 n_{edges} + n_{nodes} + 1
           + n_{samples} (n_{TFs} + n_{nodes} + n_{targets}))
        """
        n_nodes = self.n_tfs + self.n_targets
        per_sample = self.n_tfs + n_nodes + self.n_targets
        return 4 * (2 * self.n_edges + n_nodes + 1 + self.n_samples * per_sample)


def random_network(size: Size, *, seed: int = 888) -> tuple[Network, pd.Index, pd.Index]:
    """Draw a network with exactly the edges of ``size``, uniformly among all pairs.

    Every TF has an edge to a target, and every target one from a TF.

    Args:
        size: The dimensions; samples and updates do not matter.
        seed: Seed of edges and signs.

    Returns:
        The network, and the names of its TFs and of its targets.
    """
    generator = np.random.default_rng(seed)
    tfs = pd.Index([f"TF{i}" for i in range(size.n_tfs)], name="tf")
    targets = pd.Index([f"G{i}" for i in range(size.n_targets)], name="gene")
    # Pairs are numbered row by row. Going down both lists at once reaches every TF and target.
    down = np.arange(max(size.n_tfs, size.n_targets))
    target = generator.permutation(size.n_targets)[down % size.n_targets]
    covering = np.sort(target * size.n_tfs + generator.permutation(size.n_tfs)[down % size.n_tfs])
    n_pairs, n_more = size.n_tfs * size.n_targets, size.n_gene_edges - len(down)
    others = generator.choice(n_pairs - len(down), n_more, replace=False, shuffle=False)
    # The k-th pair that is not among the covering ones.
    others += np.searchsorted(covering - np.arange(len(covering)), others, side="right")
    gene = np.concatenate([covering, others])
    block = generator.choice(size.n_tfs**2, size.n_block_edges, replace=False, shuffle=False)
    source = np.concatenate([gene, block]) % size.n_tfs
    names = [targets.to_numpy()[gene // size.n_tfs], tfs.to_numpy()[block // size.n_tfs]]
    edges = pd.DataFrame({"TF": tfs.to_numpy()[source], "Gene": np.concatenate(names)})
    edges["Interaction"] = generator.choice([1, -1], len(edges))
    return Network.from_edges(edges, origin="a random network"), tfs, targets


def axis_sizes(base: Mapping[str, int], factors: Iterable[float]) -> dict[str, dict[int, Size]]:
    """Multiply each dimension of a base size alone.

    Args:
        base: The dimensions by name, as :meth:`Size.named` takes them.
        factors: What to multiply by, > 0; the result is rounded.

    Returns:
        Axis (a key of ``AXES``) to value to size, in increasing order.

    Raises:
        ValueError: If a name is missing or unknown, there is no factor, two factors give the same
            value, or no network has such dimensions.
    """
    start, factors = Size.named(base), sorted(factors)
    sizes = {}
    for axis, name in AXES.items():
        values = [round(base[axis] * factor) for factor in factors]
        if not values or len(set(values)) < len(values):
            raise ValueError(
                f"the factors {factors} make {base[axis]} {axis} into {values}; name at least one "
                "factor, and such that differ once the product is rounded"
            )
        sizes[axis] = {value: replace(start, **{name: value}) for value in values}
    return sizes
