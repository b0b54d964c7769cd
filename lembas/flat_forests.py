"""Hold many small forests as plain arrays, and evaluate all of them at once."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

import joblib
import numba
import numpy as np
import xgboost

# XGBoost's default depth, which the original study kept.
DEPTH = 6
# Samples that go through the trees together: their TFs fit into a core's own cache.
_ROWS = 64


@dataclass(frozen=True)
class FlatForests:
    """Hold one forest a gene, every tree padded to a full tree of ``DEPTH`` levels.

    A prediction compares TFs with thresholds from the root downwards, level by level, and adds
    up the leaves in float32, tree by tree, starting from the base: the very sum that XGBoost
    computes, to the last bit.

    Attributes:
        base: Prediction without any tree, ``(gene,)``, float32.
        inputs: Number of the TF that each node asks for, ``(tree, 2^DEPTH - 1)``, uint32; a
            gene's trees lie side by side, and every gene has as many.
        thresholds: What the TF is compared with, same shape, float32.
        leaves: Values of the leaves, ``(tree, 2^DEPTH)``, float32.
        packed: XGBoost's own models one after another, compressed, uint8.
        packed_sizes: Bytes of each of them, ``(gene,)``, int64.
    """

    base: np.ndarray
    inputs: np.ndarray
    thresholds: np.ndarray
    leaves: np.ndarray
    packed: np.ndarray
    packed_sizes: np.ndarray

    def __post_init__(self) -> None:
        n_genes, n_trees, n_nodes = len(self.base), len(self.leaves), 2**DEPTH - 1
        sound = (
            n_genes > 0
            and n_trees % n_genes == 0
            and self.inputs.shape == self.thresholds.shape == (n_trees, n_nodes)
            and self.leaves.shape == (n_trees, n_nodes + 1)
            and len(self.packed_sizes) == n_genes
            and self.packed_sizes.sum() == len(self.packed)
        )
        if not sound:
            raise ValueError(
                f"{n_genes} forests do not fit their arrays (inputs {self.inputs.shape}, leaves "
                f"{self.leaves.shape}, {len(self.packed)} bytes): the file is damaged, fit again"
            )

    @classmethod
    def of(cls, forest: xgboost.Booster) -> FlatForests:
        """Flatten the forest of one gene.

        Raises:
            ValueError: If a tree is deeper than ``DEPTH``.
        """
        learner = json.loads(bytes(forest.save_raw("json")))["learner"]
        trees = [_padded(tree) for tree in learner["gradient_booster"]["model"]["trees"]]
        inputs, thresholds, leaves = (np.stack(part) for part in zip(*trees, strict=True))
        packed = pack(forest)
        return cls(
            base=np.array(json.loads(learner["learner_model_param"]["base_score"]), np.float32),
            inputs=inputs,
            thresholds=thresholds,
            leaves=leaves,
            packed=packed,
            packed_sizes=np.array([len(packed)]),
        )

    @classmethod
    def joined(cls, parts: Iterable[FlatForests]) -> FlatForests:
        """Put the genes of several parts one after another."""
        parts = list(parts)
        names = [field.name for field in fields(cls)]
        return cls(**{name: np.concatenate([vars(part)[name] for part in parts]) for name in names})

    @property
    def n_genes(self) -> int:
        """Count the genes."""
        return len(self.base)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return all there is by name; ``FlatForests(**arrays)`` is the same again."""
        return dict(vars(self))

    def booster(self, number: int) -> xgboost.Booster:
        """Restore XGBoost's model of one gene, by its place among the genes."""
        end = int(self.packed_sizes[: number + 1].sum())
        packed = self.packed[end - int(self.packed_sizes[number]) : end]
        return unpack(packed)

    def predict(self, features: np.ndarray, *, n_jobs: int = 1) -> np.ndarray:
        """Predict all genes.

        Args:
            features: TFs, ``(sample, tf)``, float32, finite.
            n_jobs: Threads, each with its own samples.

        Returns:
            Predictions, ``(sample, gene)``, float32.
        """
        predictions = np.empty((len(features), len(self.base)), np.float32)
        blocks = [slice(start, start + _ROWS) for start in range(0, len(features), _ROWS)]
        if n_jobs == 1 or len(blocks) == 1:
            for rows in blocks:
                self._fill(predictions[rows], features[rows])
        else:
            joblib.Parallel(n_jobs, prefer="threads")(
                joblib.delayed(self._fill)(predictions[rows], features[rows]) for rows in blocks
            )
        return predictions

    def _fill(self, predictions: np.ndarray, features: np.ndarray) -> None:
        """Write the predictions of a few samples."""
        trees = (self.base, self.inputs, self.thresholds, self.leaves)
        if len(features) == 1:
            _add_leaves_of_one(predictions[0], np.ascontiguousarray(features[0]), *trees)
            return
        columns = np.ascontiguousarray(features.T)
        sums = np.empty((len(self.base), len(features)), np.float32)
        _add_leaves(sums, columns, *trees)
        predictions[:] = sums.T


def pack(booster: xgboost.Booster) -> np.ndarray:
    """Write XGBoost's own model as compressed bytes, uint8."""
    return np.frombuffer(zlib.compress(bytes(booster.save_raw("ubj")), level=1), np.uint8)


def unpack(packed: np.ndarray) -> xgboost.Booster:
    """Restore a model from what :func:`pack` wrote."""
    return xgboost.Booster(model_file=bytearray(zlib.decompress(packed.tobytes())))


def _padded(tree: dict[str, Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """List a tree's nodes level by level; below a leaf, all is that leaf again."""
    left, right = np.array(tree["left_children"]), np.array(tree["right_children"])
    inputs = np.array(tree["split_indices"], np.uint32)
    # XGBoost keeps the values of the leaves among the thresholds.
    thresholds = np.array(tree["split_conditions"], np.float32)
    is_leaf, itself = left < 0, np.arange(len(left))
    left, right = np.where(is_leaf, itself, left), np.where(is_leaf, itself, right)
    levels = [np.zeros(1, np.int64)]
    for _ in range(DEPTH):
        levels.append(np.column_stack([left[levels[-1]], right[levels[-1]]]).ravel())
    if not is_leaf[levels[-1]].all():
        raise ValueError(f"a tree has more than {DEPTH} levels; set max_depth to {DEPTH} or less")
    inner = np.concatenate(levels[:-1])
    return inputs[inner], thresholds[inner], thresholds[levels[-1]]


@numba.njit(nogil=True)
def _add_leaves(
    sums: np.ndarray,
    columns: np.ndarray,
    base: np.ndarray,
    inputs: np.ndarray,
    thresholds: np.ndarray,
    leaves: np.ndarray,
) -> None:
    """Fill ``sums`` ``(gene, sample)`` from the TFs ``columns`` ``(tf, sample)``.

    Compiled at the first call, in half a second.
    """
    n_trees = leaves.shape[0] // base.shape[0]
    # Unsigned numbers of nodes: a negative index would be looked for at every step.
    one, first_leaf = np.uint32(1), np.uint32(thresholds.shape[1])
    node = np.empty(columns.shape[1], np.uint32)
    for gene in range(base.shape[0]):
        sums[gene, :] = base[gene]
        for tree in range(gene * n_trees, (gene + 1) * n_trees):
            node[:] = 0
            # All samples take one step before any takes the next: the steps of one sample wait
            # for each other, those of different samples do not.
            for _ in range(DEPTH):
                for sample in range(node.shape[0]):
                    at = node[sample]
                    is_right = columns[inputs[tree, at], sample] >= thresholds[tree, at]
                    node[sample] = at + at + one + np.uint32(is_right)
            for sample in range(node.shape[0]):
                sums[gene, sample] += leaves[tree, node[sample] - first_leaf]


@numba.njit(nogil=True)
def _add_leaves_of_one(
    sums: np.ndarray,
    sample: np.ndarray,
    base: np.ndarray,
    inputs: np.ndarray,
    thresholds: np.ndarray,
    leaves: np.ndarray,
) -> None:
    """Fill ``sums`` ``(gene,)`` from the TFs of one sample: three times as fast for one alone."""
    n_trees = leaves.shape[0] // base.shape[0]
    one, first_leaf = np.uint32(1), np.uint32(thresholds.shape[1])
    for gene in range(base.shape[0]):
        total = base[gene]
        for tree in range(gene * n_trees, (gene + 1) * n_trees):
            at = np.uint32(0)
            for _ in range(DEPTH):
                is_right = sample[inputs[tree, at]] >= thresholds[tree, at]
                at = at + at + one + np.uint32(is_right)
            total += leaves[tree, at - first_leaf]
        sums[gene] = total
