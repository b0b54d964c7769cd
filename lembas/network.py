"""Read, check and restrict a TF-gene regulatory network, signed where signs are known."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

COLUMNS = ("TF", "Gene", "Interaction")
SIGNS = (1, -1)
UNKNOWN = 0
# Letters of a name that a message repeats.
_MOST_LETTERS = 60


@dataclass(frozen=True, eq=False)
class Network:
    """Hold the named edges of a regulatory network, each with its sign where that is known.

    Build one with :meth:`read` or :meth:`from_edges`; both check the edges and sort them by
    (Gene, TF), so that the same network always has the same edge order, whatever the file's.

    Attributes:
        edges: Columns ``TF``, ``Gene`` (names) and ``Interaction`` (+1 activates, -1 inhibits,
            0: sign unknown, which constrains no weight); one row an edge, unique in (TF, Gene),
            sorted by (Gene, TF).

    Example:
        >>> import pandas as pd
        >>> edges = pd.DataFrame({"TF": ["HNF4A"], "Gene": ["ALB"], "Interaction": [1]})
        >>> Network.from_edges(edges).regulators("ALB").tolist()
        ['HNF4A']
    """

    edges: pd.DataFrame

    def __post_init__(self) -> None:
        """Check the invariants that the rest of the package trusts."""
        if tuple(self.edges.columns) != COLUMNS:
            raise ValueError(
                f"a network's edges need exactly the columns {list(COLUMNS)}, "
                f"got {list(self.edges.columns)}; build it with Network.from_edges"
            )
        keys = self.edges[["Gene", "TF"]]
        ordered = pd.MultiIndex.from_frame(keys)
        if not (ordered.is_unique and ordered.is_monotonic_increasing):
            raise ValueError(
                "a network's edges must be unique and sorted by (Gene, TF); "
                "build it with Network.from_edges"
            )

    @classmethod
    def read(cls, path: str | Path, *, unsigned: bool = False) -> Network:
        """Read a network from a TSV or CSV file in the study's layout, gzipped or not.

        Other layouts go through :func:`lembas.network_formats.read_network`.

        Args:
            path: Table with the columns ``TF``, ``Gene`` and ``Interaction`` (1 or -1);
                further columns are ignored.
            unsigned: Whether signs may be unknown: Interaction 0, empty, or no such column.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If the table is empty, lacks a column, or holds an edge that is
                incomplete, unsigned, listed twice or listed with both signs.
        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"network file not found: {path}; check the path")
        separator = "," if ".csv" in path.suffixes else "\t"
        try:
            # Only empty cells are missing: a gene may be called NA or nan.
            table = pd.read_csv(
                path, sep=separator, dtype=str, keep_default_na=False, na_values=[""]
            )
        except (pd.errors.ParserError, ValueError, EOFError, OSError, zlib.error) as error:
            raise ValueError(
                f"network file {path} cannot be read as a table ({error}); expected the "
                f"columns {', '.join(COLUMNS)}"
            ) from error
        return cls.from_edges(table, origin=str(path), unsigned=unsigned)

    @classmethod
    def from_edges(
        cls, edges: pd.DataFrame, *, origin: str = "edges", unsigned: bool = False
    ) -> Network:
        """Check a table of edges and put it in order.

        Args:
            edges: At least the columns ``TF``, ``Gene`` and ``Interaction``.
            origin: Where the edges come from; named in error messages.
            unsigned: As in :meth:`read`.

        Raises:
            ValueError: As in :meth:`read`.
        """
        if unsigned:
            edges = _with_unknown_signs(edges)
        missing = [column for column in COLUMNS if column not in edges.columns]
        if missing:
            found = ", ".join(str(name)[:_MOST_LETTERS] for name in edges.columns[:20])
            raise ValueError(
                f"{origin} lacks the column(s) {', '.join(missing)}; found {found}; expected "
                f"{', '.join(COLUMNS)}"
            )
        if edges.empty:
            raise ValueError(f"{origin} holds no edges; expected one row for each TF-gene edge")
        table = edges.loc[:, list(COLUMNS)]
        incomplete = table[table.isna().any(axis=1)]
        if len(incomplete):
            rows = ", ".join(str(row + 1) for row in np.flatnonzero(table.isna().any(axis=1))[:5])
            raise ValueError(
                f"{origin} holds {len(incomplete)} incomplete edge(s), in row(s) {rows} below the "
                "header, empty lines not counted; fill or remove them"
            )
        table = table.assign(
            TF=table["TF"].astype(str),
            Gene=table["Gene"].astype(str),
            Interaction=_signs(table["Interaction"], origin, unsigned=unsigned),
        )
        _refuse_repeated(table, origin)
        table = table.sort_values(["Gene", "TF"], ignore_index=True)
        return cls(table)

    @cached_property
    def tfs(self) -> pd.Index:
        """Names with at least one outgoing edge, sorted."""
        return pd.Index(np.sort(self.edges["TF"].unique()), name="tf")

    @cached_property
    def genes(self) -> pd.Index:
        """Names with at least one incoming edge, sorted."""
        return pd.Index(np.sort(self.edges["Gene"].unique()), name="gene")

    @cached_property
    def nodes(self) -> pd.Index:
        """All names, sorted, which is the node order of the original study."""
        return pd.Index(sorted(set(self.edges["TF"]) | set(self.edges["Gene"])), name="node")

    @cached_property
    def self_loops(self) -> pd.DataFrame:
        """Edges from a TF to itself."""
        return self.edges[self.edges["TF"] == self.edges["Gene"]].reset_index(drop=True)

    @cached_property
    def unsigned(self) -> pd.DataFrame:
        """Edges of unknown sign."""
        return self.edges[self.edges["Interaction"] == UNKNOWN].reset_index(drop=True)

    @property
    def has_signs(self) -> bool:
        """Whether any edge has a known sign."""
        return len(self.unsigned) < len(self)

    @cached_property
    def in_degree(self) -> pd.Series:
        """Number of regulators of each gene, over ``genes``."""
        return self.edges.groupby("Gene").size().reindex(self.genes).rename("in_degree")

    @cached_property
    def out_degree(self) -> pd.Series:
        """Number of edges that leave each TF, over ``tfs``."""
        return self.edges.groupby("TF").size().reindex(self.tfs).rename("out_degree")

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the sorted edges; equal networks have equal digests."""
        text = self.edges.to_csv(index=False, sep="\t", lineterminator="\n")
        return hashlib.sha256(text.encode()).hexdigest()

    def __len__(self) -> int:
        """Count the edges."""
        return len(self.edges)

    def __getstate__(self) -> dict[str, np.ndarray]:
        """Return plain arrays, so that a model that holds a network needs no pickle to be saved."""
        return {
            "nodes": self.nodes.to_numpy(str),
            "tf": self.nodes.get_indexer(self.edges["TF"]).astype(np.int32),
            "gene": self.nodes.get_indexer(self.edges["Gene"]).astype(np.int32),
            "interaction": self.edges["Interaction"].to_numpy(np.int8),
        }

    def __setstate__(self, state: dict[str, np.ndarray]) -> None:
        """Restore the edges."""
        nodes = state["nodes"].astype(object)
        columns = (nodes[state["tf"]], nodes[state["gene"]], state["interaction"])
        edges = pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)))
        object.__setattr__(self, "edges", edges)

    def regulators(self, gene: str) -> pd.Index:
        """Name the TFs with an edge to ``gene``, sorted; empty when it has none."""
        return pd.Index(self.edges.loc[self.edges["Gene"] == gene, "TF"], name="tf")

    def restrict(self, tfs: Iterable[str], genes: Iterable[str]) -> Network:
        """Keep the edges from ``tfs`` to ``genes`` and among ``tfs``.

        Args:
            tfs: TFs that may keep outgoing edges.
            genes: Genes that may keep incoming edges; the TFs keep theirs too.

        Raises:
            ValueError: If no edge is left.
        """
        sources = pd.Index(tfs)
        kept_nodes = sources.union(pd.Index(genes))
        keep = self.edges["TF"].isin(sources) & self.edges["Gene"].isin(kept_nodes)
        if not keep.any():
            raise ValueError(
                f"no edge of the network joins the {len(sources)} TFs (such as "
                f"{', '.join(map(str, sources[:5]))}) to the {len(kept_nodes)} nodes; its TFs are "
                f"such as {', '.join(self.tfs[:5])}, its genes {', '.join(self.genes[:5])}; "
                "check that network and expression use the same gene names"
            )
        return Network(self.edges[keep].reset_index(drop=True))

    def positions(
        self, tfs: pd.Index, genes: pd.Index
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Translate the edges from ``tfs`` to ``genes`` into positions, in the edges' own order.

        Returns:
            Three arrays of shape ``(edge,)``: the gene's position in ``genes``, the TF's in
            ``tfs``, and the sign (0: unknown); edges to other nodes are left out.
        """
        row = pd.Index(genes).get_indexer(self.edges["Gene"])
        column = pd.Index(tfs).get_indexer(self.edges["TF"])
        known = (row >= 0) & (column >= 0)
        sign = self.edges["Interaction"].to_numpy()
        return row[known], column[known], sign[known]


def _with_unknown_signs(edges: pd.DataFrame) -> pd.DataFrame:
    """Give edges without a sign the sign 0."""
    sign = edges["Interaction"] if "Interaction" in edges else pd.Series(UNKNOWN, edges.index)
    return edges.assign(Interaction=sign.where(sign.notna(), UNKNOWN))


def _signs(interaction: pd.Series, origin: str, *, unsigned: bool) -> pd.Series:
    """Turn the Interaction column into int8 signs, or name the values that are none."""
    value = pd.to_numeric(interaction, errors="coerce")
    wrong = ~value.isin([*SIGNS, UNKNOWN] if unsigned else SIGNS)
    if wrong.any():
        offenders = dict.fromkeys(repr(cell)[:_MOST_LETTERS] for cell in interaction[wrong][:50])
        shown = ", ".join([*offenders][:5])
        raise ValueError(
            f"{origin}: {int(wrong.sum())} edge(s) have an Interaction other than 1 or -1: "
            f"{shown}; write 1 for activation and -1 for inhibition"
            f"{_or_unsigned(value[wrong], unsigned)}"
        )
    return value.astype(np.int8)


def _or_unsigned(wrong: pd.Series, unsigned: bool) -> str:
    """Offer what may be meant where all that is wrong is a sign of 0."""
    if unsigned:
        return " (0: sign unknown)"
    only_zeros = bool(wrong.eq(UNKNOWN).all())
    return "; where 0 means that the sign is unknown, say unsigned: true" if only_zeros else ""


def _refuse_repeated(table: pd.DataFrame, origin: str) -> None:
    """Refuse an edge that is listed twice, saying whether its signs agree."""
    repeated = table[table.duplicated(["TF", "Gene"], keep=False)]
    if repeated.empty:
        return
    n_signs = repeated.groupby(["TF", "Gene"])["Interaction"].nunique()
    both = n_signs[n_signs > 1].index
    pairs = both if len(both) else n_signs.index
    names = ", ".join(f"{tf[:_MOST_LETTERS]}->{gene[:_MOST_LETTERS]}" for tf, gene in pairs[:5])
    problem = "two signs" if UNKNOWN in set(repeated["Interaction"]) else "both signs"
    problem = problem if len(both) else "the same sign twice"
    raise ValueError(
        f"{origin} lists {len(pairs)} edge(s) with {problem}: {names}; keep one row for each edge"
    )
