"""Edges as positions in a list of names: what a checkpoint keeps of a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from lembas.formats import listed
from lembas.network import COLUMNS, SIGNS, UNKNOWN

EDGE_TENSORS = {"edges.target": torch.int32, "edges.source": torch.int32, "edges.sign": torch.int8}


@dataclass(frozen=True)
class CodedEdges:
    """Hold edges sorted by (target, source), as :class:`lembas.network.Network` sorts them.

    Attributes:
        names: Names of all ends, sorted.
        target, source: Positions in ``names``, shape ``(edge,)``.
        sign: 1, -1 or 0 (unknown), shape ``(edge,)``.
    """

    names: pd.Index
    target: np.ndarray
    source: np.ndarray
    sign: np.ndarray

    @classmethod
    def of(cls, edges: pd.DataFrame) -> Self:
        """Code edges given by name, in whatever order: columns TF, Gene, Interaction."""
        names = pd.Index(sorted({*edges["TF"], *edges["Gene"]}), dtype=object)
        target, source = names.get_indexer(edges["Gene"]), names.get_indexer(edges["TF"])
        order = np.lexsort((source, target))
        sign = edges["Interaction"].to_numpy(np.int8)
        return cls(names, target[order], source[order], sign[order])

    @classmethod
    def unpacked(cls, names: Any, tensors: dict[str, Tensor]) -> Self:
        """Take back what :meth:`packed` gave.

        Raises:
            ValueError: If these are no edges between the names.
        """
        coded = cls(checked_names(names, "names"), *(tensors[key].numpy() for key in EDGE_TENSORS))
        dtypes = {key: tensors[key].dtype for key in EDGE_TENSORS}
        shapes = {tuple(tensors[key].shape) for key in EDGE_TENSORS}
        if dtypes != EDGE_TENSORS or len(shapes) != 1 or coded.target.ndim != 1:
            raise ValueError(f"edges have the types {dtypes} and shapes {shapes}")
        ends, n_names = np.concatenate([coded.target, coded.source]), len(coded.names)
        order = coded.target.astype(np.int64) * n_names + coded.source
        in_range = ((ends >= 0) & (ends < n_names)).all()
        is_sign = np.isin(coded.sign, (*SIGNS, UNKNOWN)).all()
        if not (in_range and (np.diff(order) > 0).all() and is_sign):
            raise ValueError("its edges are not sorted, unique, signed and between its names")
        return coded

    def packed(self) -> dict[str, Tensor]:
        """Give the positions and signs as tensors."""
        values = zip(EDGE_TENSORS.items(), (self.target, self.source, self.sign), strict=True)
        return {key: torch.from_numpy(array).to(dtype) for (key, dtype), array in values}

    def among(self, nodes: pd.Index, tfs: pd.Index) -> Self:
        """Keep the edges from ``tfs`` to ``nodes``."""
        keep = self.names.isin(nodes)[self.target] & self.names.isin(tfs)[self.source]
        return type(self)(self.names, self.target[keep], self.source[keep], self.sign[keep])

    def table(self) -> pd.DataFrame:
        """Give the edges by name, as a network has them."""
        labels = self.names.to_numpy()
        return pd.DataFrame(
            dict(zip(COLUMNS, (labels[self.source], labels[self.target], self.sign), strict=True))
        )


def checked_names(names: Any, what: str) -> pd.Index:
    """Take a list of names from a file.

    Raises:
        ValueError: If it is none, or repeats a name.
    """
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"{what} are no list of names")
    index = pd.Index(names, dtype=object)
    if not index.is_unique:
        raise ValueError(
            f"{what} repeat {listed(index[index.duplicated()].unique())}; expected each name once"
        )
    return index


def describe_difference(first: pd.DataFrame, second: pd.DataFrame) -> str:
    """Name the first five edges in which two networks differ; empty: they do not.

    Args:
        first: Edges of a file: columns TF, Gene, Interaction, as a network sorts them.
        second: Edges of a network, likewise.
    """
    if first.reset_index(drop=True).equals(second.reset_index(drop=True)):
        return ""
    keys = list(COLUMNS[:2])
    both = first.merge(second, on=keys, how="outer", suffixes=("", "_other"), indicator="side")
    both = both[both["Interaction"] != both["Interaction_other"]]
    words = {"left_only": "only in the file", "right_only": "only in the network", "both": "sign"}
    edges = [f"{e.TF}->{e.Gene} ({words[e.side]})" for e in both.head(5).itertuples()]
    return f"{len(both)} edge(s) differ: {', '.join(edges)}"
