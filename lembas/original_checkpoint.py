"""Read checkpoints of the original study: dense weights without names, never code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from lembas.formats import listed
from lembas.model import LembasRNN
from lembas.network import Network
from lembas.original_content import (
    AXES,
    B_OUT,
    BIAS,
    MATRIX,
    W_IN,
    W_OUT,
    Content,
    check_matrix,
    edge_positions,
)


@dataclass(frozen=True)
class Align:
    """Name the table a checkpoint shall be used on, where it is not the one it was trained with.

    A checkpoint holds no names, so what a table lacks is known only once the names the checkpoint
    was trained with are: those go to :func:`load_original` as ``tfs`` and ``genes``.

    Attributes:
        tfs: TFs of the table at hand; those the checkpoint does not know are left out.
        genes: Genes of the table at hand, or those wanted; the checkpoint's others are left out.
            None: all that it predicts.
        fill: Expression (log10) given in every sample to a TF that the table lacks: one value for
            all (0: not expressed), or a Series over TFs, such as means of other samples. None:
            a TF that the table lacks is refused.
    """

    tfs: Iterable[str]
    genes: Iterable[str] | None = None
    fill: float | pd.Series | None = None

    def __post_init__(self) -> None:
        """Keep the names as sorted ones; they may have come as something read only once."""
        object.__setattr__(self, "tfs", _sorted_names(self.tfs, "tf"))
        if self.genes is not None:
            object.__setattr__(self, "genes", _sorted_names(self.genes, "gene"))


@dataclass(frozen=True)
class Alignment:
    """List what became of the names on the way to another table; without one, all are empty.

    Attributes:
        filled: Value that stands in for each TF the table lacks, over ``tf``.
        unused_tfs: TFs of the table that are no inputs of the checkpoint.
        dropped_genes: Genes the checkpoint predicts that the table lacks.
        unpredicted_genes: Genes of the table that the checkpoint does not predict.
    """

    filled: pd.Series
    unused_tfs: pd.Index
    dropped_genes: pd.Index
    unpredicted_genes: pd.Index


@dataclass(frozen=True)
class Original:
    """Hold a model of the original study and what was found on reading it.

    Attributes:
        model: The network, on raw log10 expression; names sorted, as the study sorted them.
        seed: Seed of its training; None: not stored.
        bionet_params: Constants of the architecture and its training, as stored.
        ignored_tfs, ignored_genes: Names given that are no nodes of the network.
        n_off_network: Weights where the network has no edge; they were left out.
        n_zero_edges: Edges of the network whose weight is exactly 0; many of them say that the
            network has edges that the checkpoint's had not.
        alignment: What :class:`Align` led to.
    """

    model: LembasRNN
    seed: int | None
    bionet_params: Mapping[str, Any]
    ignored_tfs: pd.Index
    ignored_genes: pd.Index
    n_off_network: int
    n_zero_edges: int
    alignment: Alignment


def load_original(
    path: str | Path,
    network: Network,
    tfs: Iterable[str],
    genes: Iterable[str],
    *,
    align: Align | None = None,
    off_network: str = "refuse",
) -> LembasRNN:
    """Load a checkpoint of the original study; :func:`read_original` reports on it as well.

    Returns:
        The network, on raw log10 expression.
    """
    return read_original(path, network, tfs, genes, align=align, off_network=off_network).model


def read_original(
    path: str | Path,
    network: Network,
    tfs: Iterable[str],
    genes: Iterable[str],
    *,
    align: Align | None = None,
    off_network: str = "refuse",
) -> Original:
    """Read a checkpoint of the original study, and report what was found.

    Its nodes are the sorted names of the network, its inputs and outputs the sorted TFs and genes
    that are nodes. It stores none of these names: sizes and the places of its weights are checked,
    so another network is recognised, but two lists of as many TFs are not told apart. The matrix
    stays on disk; only the weights of edges are copied.

    Args:
        path: File written by ``torch.save``.
        network: The network it was trained with.
        tfs: Columns of the TF table it was trained with.
        genes: Columns of the gene table it was trained with.
        align: Another table that it shall be used on; None: that of ``tfs`` and ``genes``.
        off_network: "refuse" weights where the network has no edge, or "drop" them.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged, holds anything but numbers and text, lacks or adds a
            key, holds a value that is not finite, or does not fit the network and the names.
    """
    if off_network not in ("refuse", "drop"):
        raise ValueError(f'off_network must be "refuse" or "drop", got {off_network!r}')
    names = _Names.of(network, tfs, genes)
    content = Content.read(Path(path))
    _refuse_other_sizes(content, names, network)
    use, alignment = _aligned(names, align)
    n_off, n_zero = check_matrix(content, network, may_be_off=off_network == "drop")
    model = LembasRNN(network, use.inputs, use.outputs, config=content.config)
    _copy(content.state, names, model, alignment.filled)
    return Original(
        model,
        seed=content.seed,
        bionet_params=content.bionet_params,
        ignored_tfs=names.ignored_tfs,
        ignored_genes=names.ignored_genes,
        n_off_network=n_off,
        n_zero_edges=n_zero,
        alignment=alignment,
    )


@dataclass(frozen=True)
class _Names:
    """The names that belong to the positions of a checkpoint, all sorted."""

    nodes: pd.Index
    inputs: pd.Index
    outputs: pd.Index
    ignored_tfs: pd.Index
    ignored_genes: pd.Index

    @classmethod
    def of(cls, network: Network, tfs: Iterable[str], genes: Iterable[str]) -> Self:
        sources, targets = _sorted_names(tfs, "tf"), _sorted_names(genes, "gene")
        is_input, is_output = sources.isin(network.nodes), targets.isin(network.nodes)
        return cls(
            network.nodes,
            inputs=sources[is_input],
            outputs=targets[is_output],
            ignored_tfs=sources[~is_input],
            ignored_genes=targets[~is_output],
        )

    @property
    def sizes(self) -> tuple[int, int, int]:
        return len(self.nodes), len(self.inputs), len(self.outputs)


def _sorted_names(names: Iterable[str], kind: str) -> pd.Index:
    """Sort names as the study did, by Python's order of text."""
    if isinstance(names, str):
        raise TypeError(f"the {kind} names are one text ({names[:20]!r}); give a list of names")
    return pd.Index(sorted({str(name) for name in names}), dtype=object, name=kind)


def _refuse_other_sizes(content: Content, names: _Names, network: Network) -> None:
    """Refuse a checkpoint of other sizes, naming the TFs and genes that may be the cause."""
    differ = []
    for axis, theirs, ours in zip(AXES, content.sizes, names.sizes, strict=True):
        if theirs != ours:
            clues = _clues(axis, names, network)
            found = [f"{len(of)} {what} ({listed(of)})" for what, of in clues.items() if len(of)]
            differ.append(
                f"{theirs} {axis}, and these make {ours}: {', '.join(found) or 'all fit'}"
            )
    if differ:
        raise ValueError(
            f"{content.path} does not fit the network and the names given: it has "
            f"{'; '.join(differ)}; give the network and the names of the tables it was trained "
            "with, and name another table in align=Align(tfs, genes, fill=...), which drops names "
            "that are too many and fills those that lack"
        )


def _clues(axis: str, names: _Names, network: Network) -> dict[str, pd.Index]:
    """Collect the names that may make an axis too long or too short."""
    if axis == "inputs":
        return {
            "TFs given are no nodes": names.ignored_tfs,
            "TFs given regulate nothing": names.inputs.difference(network.tfs),
            "TFs of the network were not given": network.tfs.difference(names.inputs),
        }
    if axis == "outputs":
        return {
            "genes given are no nodes": names.ignored_genes,
            "genes given have no regulator": names.outputs.difference(network.genes),
            "genes of the network were not given": network.genes.difference(names.outputs),
        }
    given = names.inputs.union(names.outputs)
    return {"nodes are neither among the TFs nor the genes given": names.nodes.difference(given)}


def _aligned(names: _Names, align: Align | None) -> tuple[_Names, Alignment]:
    """Reduce the names to those of the table at hand, and list what that leaves out."""
    nothing = pd.Series(dtype=float, index=names.inputs[:0], name="expression_log10")
    if align is None:
        return names, Alignment(nothing, *[pd.Index([], dtype=object)] * 3)
    tfs = pd.Index(align.tfs)
    genes = names.outputs if align.genes is None else pd.Index(align.genes)
    lacking = names.inputs.difference(tfs)
    alignment = Alignment(
        filled=nothing if lacking.empty else _fill(lacking, align.fill),
        unused_tfs=tfs.difference(names.inputs),
        dropped_genes=names.outputs.difference(genes),
        unpredicted_genes=genes.difference(names.outputs),
    )
    inputs, outputs = names.inputs.intersection(tfs), names.outputs.intersection(genes)
    if inputs.empty or outputs.empty:
        kind, theirs, own = (
            ("TFs", tfs, names.inputs) if inputs.empty else ("genes", genes, names.outputs)
        )
        raise ValueError(
            f"the table at hand shares no {kind} with the checkpoint: it has {listed(theirs)}, "
            f"the checkpoint {listed(own)}; use the same gene names in both"
        )
    return replace(names, inputs=inputs, outputs=outputs), alignment


def _fill(lacking: pd.Index, fill: float | pd.Series | None) -> pd.Series:
    """Give each lacking TF its value, or say which has none."""
    by_name = fill.reindex(lacking) if isinstance(fill, pd.Series) else fill
    values = pd.Series(by_name, index=lacking, dtype=float, name="expression_log10")
    without = lacking[~np.isfinite(values)]
    if len(without):
        raise ValueError(
            f"the table at hand lacks {len(lacking)} TF(s) of the checkpoint, and fill gives "
            f"{len(without)} of them no finite value: {listed(without)}; give fill= one value for "
            "all (0: not expressed), or a Series over TFs, such as means of other samples"
        )
    return values


def _copy(state: Mapping[str, Tensor], names: _Names, model: LembasRNN, filled: pd.Series) -> None:
    """Copy what belongs to the model's edges, nodes, inputs and outputs."""
    target, source = edge_positions(model.edges, names.nodes)
    input_at = torch.from_numpy(names.inputs.get_indexer(model.inputs))
    output_at = torch.from_numpy(names.outputs.get_indexer(model.outputs))
    known = filled.index[filled.index.isin(model.nodes)]
    with torch.no_grad():
        model.weights.copy_(state[MATRIX][target, source])
        model.bias.copy_(state[BIAS][torch.from_numpy(names.nodes.get_indexer(model.nodes))])
        model.input_weights.copy_(state[W_IN][input_at])
        model.output_weights.copy_(state[W_OUT][output_at])
        model.output_bias.copy_(state[B_OUT][output_at])
        # A constant input is a part of its node's bias.
        constant = torch.from_numpy(filled[known].to_numpy(np.float32))
        weight = state[W_IN][torch.from_numpy(names.inputs.get_indexer(known))]
        model.bias[torch.from_numpy(model.nodes.get_indexer(known))] += weight * constant
