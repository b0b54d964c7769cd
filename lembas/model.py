"""LEMBAS-RNN: a recurrent network whose weights sit on the edges of a regulatory network."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor, nn

from lembas.checks import check_single
from lembas.edge_signs import constrained, starting_signs
from lembas.network import Network
from lembas.sparse import EdgePattern, product, update

# The lineage looks for convergence after every tenth update from the 31st on.
_FIRST_LOOK, _EVERY = 31, 10


def mml(x: Tensor, leak: float = 0.01) -> Tensor:
    r"""Apply the Michaelis-Menten-like activation, elementwise.

    .. math:: f(x) = \begin{cases} a x & x < 0 \\ x & 0 \le x \le 1/2 \\ 1 - 1/(4x) & x > 1/2
       \end{cases}

    It stays below 1 and has a continuous slope at 1/2. The published arithmetic form has a pole
    at x = -1000; this one is finite, with finite gradients, everywhere.

    Source: Nilsson et al. 2022, doi:10.1038/s41467-022-30684-y.
    """
    return torch.where(x < 0, leak * x, torch.where(x <= 0.5, x, 1 - 0.25 / x.clamp(min=0.5)))


@dataclass(frozen=True)
class RNNConfig:
    """Fix the architecture's constants; the defaults are the original study's.

    Attributes:
        max_steps: Number of updates T, >= 1.
        leak: Slope of the activation below zero, in [0, 1).
        amplitude_in: Initial input weight of every TF.
        amplitude_out: Initial output weight of every gene.
        spectral_scale: Spectral radius that :meth:`LembasRNN.prescale` gives the TF block.
        skip: Whether each gene also gets its regulators' inputs directly, by fixed weights on the
            same edges: the linear part, which the updates then only add to.
        tolerance: Stop after update 31, 41, ... when no state of a batch moved by as much; > 0.
            None: never. The lineage's 1e-20 is one: at 10 updates it is never looked at.
    """

    max_steps: int = 10
    leak: float = 0.01
    amplitude_in: float = 1.2
    amplitude_out: float = 1.2
    spectral_scale: float = 0.8
    skip: bool = False
    tolerance: float | None = None

    def __post_init__(self) -> None:
        """Refuse constants that make no network."""
        if self.max_steps < 1:
            raise ValueError(f"max_steps must be at least 1, got {self.max_steps}")
        if not 0 <= self.leak < 1:
            raise ValueError(f"leak must lie in [0, 1), got {self.leak}")
        check_single(amplitude_in=self.amplitude_in, amplitude_out=self.amplitude_out)
        if self.tolerance is not None and not self.tolerance > 0:
            raise ValueError(f"tolerance must be above 0, or None; got {self.tolerance}")

    @property
    def may_stop_early(self) -> bool:
        """Whether convergence is ever looked at before the last update."""
        return self.tolerance is not None and self.max_steps > _FIRST_LOOK


class LembasRNN(nn.Module):
    r"""Predict gene expression by T updates over the edges of a network.

    With H starting at 0, input x injected at the input nodes and one bias a node:

    .. math:: H \leftarrow f(W H + w_{in} x + b), \qquad y = w_{out} H_{outputs} + b_{out}

    Only TFs have outgoing edges, so T - 1 updates of the TF block and one update of all nodes
    give exactly the states of T updates of the whole network. The weights are one vector over
    edges: an edge outside the network cannot exist, nor receive a gradient. With ``skip``, every
    edge from an input to an output has a second, fixed weight s, and y also gets

    .. math:: \sum_{TF} s_{gene, TF} \, x_{TF}

    Args:
        network: The prior; edges into nodes that are neither TFs nor outputs have no effect on
            the outputs and are left out.
        inputs: Names of the TFs whose expression is given.
        outputs: Names of the genes to predict.
        config: The architecture's constants.
        seed: Seed of the initial weights.

    Attributes:
        edges: The edges in the order of ``weights``: TF, Gene, Interaction.
        nodes: Names of the rows of the state: the TFs, then the other outputs.

    Raises:
        ValueError: If no input or no output is a node, or names repeat.

    References:
        Nilsson et al. 2022, doi:10.1038/s41467-022-30684-y.
    """

    known_inputs: Tensor
    input_rows: Tensor
    block_input_rows: Tensor
    output_rows: Tensor
    target_rows: Tensor
    signs: Tensor

    def __init__(
        self,
        network: Network,
        inputs: Iterable[str],
        outputs: Iterable[str],
        *,
        config: RNNConfig | None = None,
        seed: int = 888,
    ) -> None:
        super().__init__()
        self.config = config or RNNConfig()
        self.inputs = pd.Index(inputs, name="tf")
        self.outputs = pd.Index(outputs, name="gene")
        self.tfs = network.tfs
        self.nodes = self._needed_nodes(network)
        self._check_names()
        self.edges = self._sorted_edges(network)
        self._add_positions()
        self._add_parameters(np.random.default_rng(seed))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Predict.

        Args:
            x: Input expression, shape ``(sample, tf)``, in the order of ``inputs``.

        Returns:
            Prediction ``(sample, gene)`` and states after T updates ``(sample, node)``.
        """
        scaled = (self.input_weights * x)[:, self.known_inputs].t()
        states = self._tf_states(scaled)
        final = self._all_states(states, scaled)
        # One run of rows (outputs given by name, none of them a TF) is cheaper than a gathering.
        run = self._run_of_outputs
        outputs = final[self.output_rows] if run is None else final[run]
        y = torch.addcmul(self.output_bias, self.output_weights, outputs.t())
        return (y + self.direct(x) if self.config.skip else y), final.t()

    def direct(self, x: Tensor, weights: Tensor | None = None) -> Tensor:
        """Multiply inputs with a weight an edge, or the skip's: ``(sample, gene)``."""
        weights = self.skip_weights if weights is None else weights
        rows = self.block_input_rows
        known = x[:, self.known_inputs[: len(rows)]].t()
        sources = x.new_zeros((len(self.tfs), len(x))).index_copy(0, rows, known)
        return product(self.whole, weights, sources)[self.output_rows].t()

    def _tf_states(self, scaled: Tensor) -> Tensor:
        """Update the TFs until one update is left: ``(tf, sample)``."""
        n_tfs, leak, weights = len(self.tfs), self.config.leak, self.weights[: self.n_block_edges]
        tolerance = self.config.tolerance or 0.0
        if self.config.max_steps == 1:
            return scaled.new_zeros((n_tfs, scaled.shape[1]))
        drive = self.bias[:n_tfs, None].expand(-1, scaled.shape[1])
        drive = drive.index_add(0, self.block_input_rows, scaled[: len(self.block_input_rows)])
        states = mml(drive, leak)  # H starts at zero, so the first update needs no product
        for step in range(2, self.config.max_steps):
            previous, states = states, update(self.block, weights, states, drive, leak)
            if self._looks_after(step + 1) and self._move(previous, states, scaled) < tolerance:
                break
        return states

    def _looks_after(self, n_updates: int) -> bool:
        late_enough = self.config.may_stop_early and n_updates >= _FIRST_LOOK
        return late_enough and (n_updates - _FIRST_LOOK) % _EVERY == 0

    @torch.no_grad()
    def _move(self, previous: Tensor, states: Tensor, scaled: Tensor) -> float:
        """Find how far the update that follows ``states`` moves the node that it moves most."""
        moved = self._all_states(states, scaled) - self._all_states(previous, scaled)
        return float(moved.abs().max())

    def _all_states(self, states: Tensor, scaled: Tensor) -> Tensor:
        """Update all nodes once, from the states of the TFs: ``(node, sample)``."""
        drive, injected = self.bias[:, None], (self.input_rows, scaled)
        return update(self.whole, self.weights, states, drive, self.config.leak, injected=injected)

    def prescale(self) -> None:
        """Scale all weights so that the TF block has the spectral radius of the configuration.

        A block without cycles has radius 0 and is left alone.
        """
        radius = spectral_radius(self)
        if radius > 0:
            with torch.no_grad():
                self.weights.mul_(self.config.spectral_scale / radius)

    def constrain_signs(self) -> None:
        """Set weights whose sign contradicts the network's to zero, in place."""
        with torch.no_grad():
            for weights in self._edge_weights():
                weights.copy_(constrained(self.signs, weights))

    @property
    def n_sign_violations(self) -> int:
        """Count the edges with a weight that contradicts their sign in the network."""
        wrong = [self.signs * weights < 0 for weights in self._edge_weights()]
        return int(torch.stack(wrong).any(dim=0).sum())

    def _edge_weights(self) -> list[nn.Parameter]:
        """Return all parameters over edges."""
        return [self.weights, self.skip_weights] if self.config.skip else [self.weights]

    def _check_names(self) -> None:
        for kind, names in (("inputs", self.inputs), ("outputs", self.outputs)):
            if not names.is_unique or names.empty:
                repeated = ", ".join(map(str, names[names.duplicated()][:5])) or "none given"
                raise ValueError(f"{kind} must be unique names, at least one: {repeated}")
        if not self.inputs.isin(self.tfs).any():
            raise ValueError(
                f"none of the {len(self.inputs)} inputs (such as {', '.join(self.inputs[:5])}) is "
                "a TF of the network; check that both use the same gene names"
            )

    def _needed_nodes(self, network: Network) -> pd.Index:
        """Name the TFs, then the nodes that matter: outputs, and all when these may stop it."""
        others = self.outputs.union(network.nodes) if self.config.may_stop_early else self.outputs
        return pd.Index([*self.tfs, *others.difference(self.tfs)], name="node")

    def _sorted_edges(self, network: Network) -> pd.DataFrame:
        """Keep the edges into the needed nodes, sorted by (target, source) node."""
        edges = network.edges[network.edges["Gene"].isin(self.nodes)]
        order = np.lexsort(
            (self.tfs.get_indexer(edges["TF"]), self.nodes.get_indexer(edges["Gene"]))
        )
        return edges.iloc[order].reset_index(drop=True)

    def _add_positions(self) -> None:
        """Translate names into positions; from here on only positions are used."""
        target = self.nodes.get_indexer(self.edges["Gene"])
        source = self.tfs.get_indexer(self.edges["TF"])
        n_tfs = len(self.tfs)
        self.n_block_edges = int((target < n_tfs).sum())
        in_block = slice(self.n_block_edges)
        self.block = EdgePattern(target[in_block], source[in_block], (n_tfs, n_tfs))
        self.whole = EdgePattern(target, source, (len(self.nodes), n_tfs))
        self._add_input_positions(self.nodes.get_indexer(self.inputs), n_tfs)
        rows = self.nodes.get_indexer(self.outputs)
        self._buffer("output_rows", rows)
        run = slice(int(rows[0]), int(rows[0]) + len(rows))
        self._run_of_outputs = run if np.array_equal(rows, np.r_[run]) else None
        self._buffer("target_rows", target)
        signs = self.edges["Interaction"].to_numpy(np.float32)
        self.register_buffer("signs", torch.from_numpy(signs), persistent=False)

    def _add_input_positions(self, rows: np.ndarray, n_tfs: int) -> None:
        """Keep where the inputs that are nodes act: TFs first, then other outputs."""
        known = np.flatnonzero(rows >= 0)
        known = known[np.argsort(rows[known] >= n_tfs, kind="stable")]
        self._buffer("known_inputs", known)
        self._buffer("input_rows", rows[known])
        self._buffer("block_input_rows", rows[known][rows[known] < n_tfs])

    def _buffer(self, name: str, positions: np.ndarray) -> None:
        tensor = torch.from_numpy(positions.astype(np.int64))
        self.register_buffer(name, tensor, persistent=False)

    def _add_parameters(self, generator: np.random.Generator) -> None:
        """Initialise as the original study does, before :meth:`prescale`."""
        config = self.config
        magnitude = 0.1 + 0.1 * generator.random(len(self.edges))
        bias = np.full(len(self.nodes), 1e-3)
        bias[self._inhibited_only()] = 1.0
        self.weights = _parameter(magnitude * starting_signs(self.edges["Interaction"], generator))
        self.bias = _parameter(bias)
        self.input_weights = _parameter(np.full(len(self.inputs), config.amplitude_in))
        self.output_weights = _parameter(np.full(len(self.outputs), config.amplitude_out))
        self.output_bias = _parameter(np.zeros(len(self.outputs)))
        self.input_weights.requires_grad_(False)
        if config.skip:
            self.skip_weights = _parameter(np.zeros(len(self.edges)))
            self.skip_weights.requires_grad_(False)

    def _inhibited_only(self) -> np.ndarray:
        """Rows of the nodes that have incoming edges, all inhibiting."""
        largest = self.edges.groupby("Gene")["Interaction"].max()
        return self.nodes.get_indexer(largest.index[largest < 0])


def narrowed(model: LembasRNN, outputs: pd.Index) -> LembasRNN:
    """Copy a network with fewer outputs; all other outputs' edges are left out.

    Raises:
        KeyError: If a name is not an output of the network.
    """
    unknown = outputs.difference(model.outputs)
    if len(unknown):
        raise KeyError(f"no outputs of the network: {', '.join(map(str, unknown[:5]))}")
    prior = Network.from_edges(model.edges, unsigned=True)
    smaller = LembasRNN(prior, model.inputs, outputs, config=model.config)
    here = pd.MultiIndex.from_frame(model.edges[["TF", "Gene"]])
    there = pd.MultiIndex.from_frame(smaller.edges[["TF", "Gene"]])
    edge = torch.from_numpy(here.get_indexer(there))
    node = torch.from_numpy(model.nodes.get_indexer(smaller.nodes))
    output = torch.from_numpy(model.outputs.get_indexer(outputs))
    with torch.no_grad():
        smaller.weights.copy_(model.weights[edge])
        smaller.bias.copy_(model.bias[node])
        smaller.input_weights.copy_(model.input_weights)
        smaller.output_weights.copy_(model.output_weights[output])
        smaller.output_bias.copy_(model.output_bias[output])
        if model.config.skip:
            smaller.skip_weights.copy_(model.skip_weights[edge])
    return smaller


def spectral_radius(model: LembasRNN) -> float:
    """Compute the largest absolute eigenvalue of the TF block.

    All eigenvalues are computed densely: power iteration with a Rayleigh quotient misreads
    matrices with inhibiting edges, whose leading eigenvalues come in complex pairs.

    Returns:
        The radius; 0 for an empty or acyclic block.
    """
    weights = model.weights.detach().double().cpu().numpy()
    block = np.zeros((len(model.tfs), len(model.tfs)))
    edges = model.edges.iloc[: model.n_block_edges]
    rows, columns = model.tfs.get_indexer(edges["Gene"]), model.tfs.get_indexer(edges["TF"])
    block[rows, columns] = weights[: model.n_block_edges]
    cyclic = _cyclic_part(block)
    if not cyclic.any():
        return 0.0
    return float(np.abs(np.linalg.eigvals(block[np.ix_(cyclic, cyclic)])).max())


def _cyclic_part(block: np.ndarray) -> np.ndarray:
    """Mark the nodes on a cycle: all other nodes only add zero eigenvalues."""
    _, label = connected_components(csr_array(block != 0), directed=True, connection="strong")
    return (np.bincount(label)[label] > 1) | (np.diagonal(block) != 0)


def _parameter(values: np.ndarray) -> nn.Parameter:
    return nn.Parameter(torch.from_numpy(values.astype(np.float32)))
