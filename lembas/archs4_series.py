"""Put samples whose series are linked into one group, so that no split can part them."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from lembas.labels import by_number

BETWEEN = re.compile(r"[,;\s]+")


def split_series(series_id: str) -> list[str]:
    r"""Split a field that may name several series.

    Example:
        >>> split_series("GSE10,GSE9"), split_series("GSE10\tGSE9"), split_series(" ")
        (['GSE10', 'GSE9'], ['GSE10', 'GSE9'], [])
    """
    return [name for name in BETWEEN.split(series_id) if name]


def series_groups(series_id: pd.Series, *, linked: Iterable[tuple[str, str]] = ()) -> pd.Series:
    """Join series that share a sample, directly or over other series, into groups.

    A study and its parts, or two studies of the same livers, lie in several series of GEO: held
    out one by one, they would leave samples of one laboratory on both sides of the split.

    Args:
        series_id: Over ``sample``: one or more series, between commas or blanks; a sample
            without one is a group of its own. Give all samples of the file: then a group does not
            depend on which of them a query selects.
        linked: Pairs of samples that belong together for another reason.

    Returns:
        Over ``sample``, in the given order: the group, named by its series of the lowest number.
    """
    # A sample without a series stands for itself.
    names = [split_series(text) or [str(sample)] for sample, text in series_id.items()]
    first = [series[0] for series in names]
    first_of = dict(zip(series_id.index, first, strict=True))
    edges = [(series[0], other) for series in names for other in series[1:]]
    edges += [(first_of[one], first_of[other]) for one, other in linked]
    alone = {str(sample) for sample, text in series_id.items() if not split_series(text)}

    def order(name: str) -> tuple[bool, int, str]:
        return name in alone, *by_number(name)

    known = pd.Index(sorted({*first, *(other for _, other in edges)}, key=order))
    ends = np.array([known.get_indexer(list(end)) for end in zip(*edges, strict=True)], dtype=int)
    ends = ends.reshape(2, -1)
    graph = coo_array((np.ones(ends.shape[1]), tuple(ends)), shape=(len(known), len(known)))
    _, part = connected_components(graph, directed=False)
    # The names are in order of their numbers: the first of a part is its lowest.
    lowest = pd.Series(known, index=part).groupby(level=0, sort=False).first()
    group = lowest.reindex(part[known.get_indexer(first)])
    return pd.Series(group.to_numpy(object), index=series_id.index, name="series")
