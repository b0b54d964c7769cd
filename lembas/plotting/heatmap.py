"""A panel of genes at a glance: which TFs move which gene, and which pairs the prior knows."""

import numpy as np
import pandas as pd
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from lembas.agreement import ranking
from lembas.plotting import style


def leading_tfs(table: pd.DataFrame, top: int) -> list[str]:
    """Name the TFs with the largest mean effect in size over genes, the largest first."""
    return list(ranking(table["effect"].abs().groupby(table["tf"]).mean())[:top])


@style.styled
def attribution_heatmap(
    table: pd.DataFrame,
    *,
    top: int = 18,
    title: str | None = None,
) -> style.Drawing:
    """Draw the effects of the leading TFs on a panel of genes.

    Args:
        table: Columns gene, tf, effect (mean size of the attribution over the gene's SD, with the
            sign of its direction) and in_prior (whether it is an edge of the prior); one model.
        top: TFs shown: those with the largest mean size over genes.
        title: Text above.

    Returns:
        The figure: TFs down, genes across, a dot where the pair is an edge of the prior.

    Raises:
        KeyError: If a column is missing.
        ValueError: If there is no row, or a pair occurs more than once.
    """
    style.require(table, ["gene", "tf", "effect", "in_prior"], "effects")
    genes = list(pd.unique(table["gene"]))
    tfs = leading_tfs(table, top)
    effect = style.wide(table, "tf", "gene", values="effect").reindex(tfs)[genes]
    known = table.assign(in_prior=table["in_prior"].astype(float))
    is_edge = style.wide(known, "tf", "gene", values="in_prior").reindex(tfs)[genes] == 1
    limit = max(float(np.nanquantile(effect.abs(), 0.98)) if len(tfs) else 0.0, 1e-9)
    n_edges, n_pairs = int(is_edge.to_numpy().sum()), int(effect.count().sum())
    words = title or f"{tfs[0]} moves the panel most; {n_edges} of {n_pairs} pairs are in the prior"
    figure = style.new_figure(0.235 * len(tfs) + 1.95, words)
    figure.table = table.loc[table["tf"].isin(tfs), ["gene", "tf", "effect", "in_prior"]]
    axes = figure.subplots()
    # The key has a map of its own: a change of the panel's colours must not draw the key anew.
    norm, colours = Normalize(-limit, limit), style.SIGNED_CMAP
    axes.pcolormesh(effect, norm=norm, cmap=colours, edgecolor=style.RULE, lw=0.5)
    down, across = np.nonzero(is_edge.to_numpy())
    axes.plot(
        across + 0.5, down + 0.5, "o", color=style.INK, markersize=3.6, markeredgecolor=style.CARD
    )
    axes.set_yticks(np.arange(len(tfs)) + 0.5, tfs)
    axes.set_xticks(np.arange(len(genes)) + 0.5, genes, rotation=90)
    axes.tick_params(length=0)
    axes.invert_yaxis()
    axes.spines[["left", "bottom"]].set_visible(False)
    key = ScalarMappable(norm, colours)
    bar = figure.colorbar(key, ax=axes, location="bottom", shrink=0.7, aspect=28, extend="both")
    bar.set_label("signed mean size / SD of the gene\nred: rises with the TF; dot: in the prior")
    bar.outline.set_visible(False)
    return figure
