"""Read a regulatory network in any known layout, and say what it was read as."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from lembas.formats import counted, listed
from lembas.network import UNKNOWN, Network
from lembas.network_layouts import (
    NAMED_ROLES,
    OMNIPATH,
    ROLES,
    SIF,
    STUDY,
    ReadAs,
    matching,
    read_as,
)
from lembas.network_reading import NetworkOptions, NetworkReading
from lembas.network_text import (
    looks_like_sif,
    reaches,
    read_sif,
    read_table,
    read_text,
    rows_below,
    signs_of,
    split_header,
    truths,
)
from lembas.plain_text import quoted

__all__ = ["NetworkOptions", "NetworkReading", "read_network"]

_PAIR = ["TF", "Gene"]


def read_network(path: str | Path, options: NetworkOptions | None = None) -> NetworkReading:
    """Read a network in any layout of :data:`lembas.network_layouts.LAYOUTS`.

    Args:
        path: TSV, CSV or SIF, gzipped or not; content decides, not the suffix.
        options: How to read it; None: the layout is recognised, edges need signs, and an edge with
            both signs is refused.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged, its layout unknown or ambiguous, an edge incomplete or
            without a sign, a confidence unreadable, or nothing is left.
    """
    path, options = Path(path), options or NetworkOptions()
    origin = f"network file {path}"
    table, recognised, n_alone = _parsed(read_text(path), path, options)
    columns = recognised.columns
    _refuse_incomplete(table, columns, origin)
    kept, n_below = _confident(table, recognised, options, origin)
    edges, has_sizes = _signed(kept, recognised, options, origin)
    if not options.unsigned:
        _refuse_unsigned(edges, origin)
    edges, n_repeated, n_conflicting = _once(edges, options.on_conflict, origin)
    if edges.empty:
        raise ValueError(
            f"{origin}: "
            f"{'the only edge has' if n_conflicting == 1 else f'all {n_conflicting:,} edges have'} "
            "both signs, and on_conflict: drop leaves none"
        )
    network = Network.from_edges(edges, origin=str(path), unsigned=True)
    found = (len(table), n_below, n_repeated, n_conflicting, n_alone, has_sizes)
    return NetworkReading(network, path.name, recognised, options, *found)


def _parsed(text: str, path: Path, options: NetworkOptions) -> tuple[pd.DataFrame, ReadAs, int]:
    """Parse a file: its rows as text, which column holds what, and nodes without an edge."""
    origin = f"network file {path}"
    header, separator = split_header(text, path)
    may_be_sif = not options.columns and not matching(header)
    is_sif = may_be_sif and (".sif" in path.suffixes or looks_like_sif(text))
    if options.layout == SIF or (options.layout is None and is_sif):
        table, n_alone = read_sif(text, origin)
        return table, ReadAs(SIF, {}), n_alone
    recognised = read_as(header, origin, layout=options.layout, named=options.columns)
    return read_table(text, separator, origin), recognised, 0


def _column_of(table: pd.DataFrame, recognised: ReadAs, role: str) -> pd.Series | None:
    """Look up the column of a role; None: there is none. A SIF file's are called by their role."""
    if recognised.layout == SIF:
        return table.get(role)
    name = recognised.columns.get(role)
    return None if name is None else table[name]


def _refuse_incomplete(table: pd.DataFrame, columns: Mapping[str, str], origin: str) -> None:
    """Refuse rows without a TF or gene."""
    ends = [columns.get(role, role) for role in ("tf", "gene")]
    lacks = table[ends].isna().any(axis=1).to_numpy()
    if lacks.any():
        raise ValueError(
            f"{origin} holds {int(lacks.sum())} incomplete edge(s), "
            f"{rows_below(lacks)}; fill or remove them"
        )


def _confident(
    table: pd.DataFrame, recognised: ReadAs, options: NetworkOptions, origin: str
) -> tuple[pd.DataFrame, int]:
    """Keep the rows that reach the threshold, and count the others."""
    least = options.min_confidence
    if least is None:
        return table, 0
    confidence = _column_of(table, recognised, "confidence")
    if confidence is None:
        raise ValueError(
            f"{origin}: min_confidence is {quoted(least)}, but the file has no column of "
            "confidence; leave it out, or name the column, such as columns: {confidence: Score}"
        )
    kept = reaches(confidence, least, origin)
    if not kept.any():
        raise ValueError(
            f"{origin}: none of {counted(len(kept), 'row')} reaches min_confidence {least}; "
            f"{confidence.name} holds {listed(confidence.unique())}; lower the threshold"
        )
    return table[kept], int((~kept).sum())


def _signed(
    table: pd.DataFrame, recognised: ReadAs, options: NetworkOptions, origin: str
) -> tuple[pd.DataFrame, bool]:
    """Give each row its sign; one that says both gives two rows."""
    ends = [_column_of(table, recognised, role) for role in ("tf", "gene")]
    edges = pd.DataFrame(dict(zip(_PAIR, ends, strict=True))).reset_index(drop=True)
    if recognised.layout == OMNIPATH:
        return _with_omnipath_signs(edges, table, recognised, origin), False
    values = _column_of(table, recognised, "sign")
    if values is None:
        return edges.assign(Interaction=np.int8(UNKNOWN)), False
    sign, has_sizes = signs_of(values, origin, sizes=recognised.layout != STUDY)
    return edges.assign(Interaction=sign), has_sizes


def _with_omnipath_signs(
    edges: pd.DataFrame, table: pd.DataFrame, recognised: ReadAs, origin: str
) -> pd.DataFrame:
    """Combine stimulation and inhibition; where both are said, the consensus decides if it can."""
    marks = {
        role: truths(values, origin)
        for role in ROLES
        if role not in NAMED_ROLES and (values := _column_of(table, recognised, role)) is not None
    }
    raises, lowers = marks["stimulation"], marks["inhibition"]
    if {"consensus_stimulation", "consensus_inhibition"} <= set(marks):
        more, less = marks["consensus_stimulation"], marks["consensus_inhibition"]
        decided = raises & lowers & (more != less)
        raises, lowers = np.where(decided, more, raises), np.where(decided, less, lowers)
    first = np.where(raises, 1, np.where(lowers, -1, UNKNOWN)).astype(np.int8)
    second = edges[raises & lowers].assign(Interaction=np.int8(-1))
    return pd.concat([edges.assign(Interaction=first), second], ignore_index=True)


def _refuse_unsigned(edges: pd.DataFrame, origin: str) -> None:
    """Refuse edges without a sign, unless they were asked for."""
    without = edges[edges["Interaction"] == UNKNOWN]
    if without.empty:
        return
    which = "no edge has" if len(without) == len(edges) else f"{len(without)} edge(s) lack"
    raise ValueError(
        f"{origin}: {which} a known sign, such as "
        f"{listed(without['TF'] + '->' + without['Gene'])}; say unsigned: true to use them "
        "without a constraint on the sign, or give the column of signs, such as "
        "columns: {sign: Effect}"
    )


def _once(edges: pd.DataFrame, on_conflict: str, origin: str) -> tuple[pd.DataFrame, int, int]:
    """List each pair once; count those that agreed, and those that did not."""
    is_repeated = edges.duplicated(_PAIR, keep=False)
    if not is_repeated.any():
        return edges, 0, 0
    signs = edges[is_repeated].groupby(_PAIR, sort=False)["Interaction"].agg(["min", "max"])
    conflicts = (signs["min"] < 0) & (signs["max"] > 0)
    if conflicts.any() and on_conflict == "refuse":
        names = [f"{tf}->{gene}" for tf, gene in signs.index[conflicts]]
        raise ValueError(
            f"{origin} lists {len(names)} edge(s) with both signs: {listed(names)}; keep one row "
            "for each edge, or say on_conflict: drop (leave them out) or unsigned (keep them, "
            "their sign unknown)"
        )
    # A row without a sign does not contradict one that has it.
    sign = signs["max"].where(signs["max"] > 0, signs["min"]).mask(conflicts, UNKNOWN)
    if on_conflict == "drop":
        sign = sign[~conflicts]
    merged = sign.astype(np.int8).rename("Interaction").reset_index()
    once = pd.concat([edges[~is_repeated], merged], ignore_index=True)
    return once, int((~conflicts).sum()), int(conflicts.sum())
