r"""Derive from the true kinetics of a simulation what TFs do to genes, over whatever path.

With the slope of a gene's log2 level for the log2 activity of a TF, its other TFs held still,

.. math::
    S_{gt} = (1 - P_g) \, s_{tg} \, n_{tg} \,
             \frac{F_{tg} \, h_{tg} (1 - h_{tg})}{1 + F_{tg} h_{tg}}

(symbols as in :mod:`lembas.kinetics`), TFs that answer to each other settle at
:math:`M = (I - S_{TF,TF})^{-1}` times what drives them. A TF whose level is raised by one unit
and held there then moves a target by

.. math:: E_{gt} = \frac{(S_{target,TF} \, M)_{gt}}{M_{tt}}
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from lembas.kinetics import Regulation, settle
from lembas.simulate import STUDY, Simulation


def settled_activity(simulation: Simulation, *, n_samples: int = 60) -> pd.DataFrame:
    """Compute the true log2 activities of the TFs in some samples of the study.

    Args:
        simulation: The simulation.
        n_samples: Samples at most, spread evenly over the study and so over its series.

    Returns:
        Table ``(sample, tf)``, relative to the reference state.
    """
    conditions = simulation.conditions[STUDY]
    every = conditions.series.index
    chosen = every[np.unique(np.linspace(0, len(every) - 1, n_samples).round().astype(int))]
    hidden = conditions.hidden.loc[chosen]
    drivers = conditions.tf_drivers.loc[chosen]
    return settle(simulation.regulation.of(hidden.columns), drivers, hidden) + hidden


def total_effects(simulation: Simulation, activity_log2: pd.DataFrame) -> pd.DataFrame:
    """Compute how far one SD of a TF moves each target, directly and through other TFs.

    The slopes are those at every sample, the result their mean: nothing is assumed linear beyond
    a small change of each sample.

    Args:
        simulation: The simulation.
        activity_log2: States of the TFs to average over, ``(sample, tf)``.

    Returns:
        Effects ``(gene, tf)`` of all targets and TFs, log2 units for one SD of the TF over these
        samples; 0 where no path leads from the TF to the target.
    """
    tfs, targets = activity_log2.columns, simulation.targets
    between, onto = (
        slopes(simulation.regulation.of(genes), activity_log2, genes) for genes in (tfs, targets)
    )
    settled = np.linalg.inv(np.eye(len(tfs)) - between)
    moved = onto @ settled / np.diagonal(settled, axis1=1, axis2=2)[:, None, :]
    effects = moved.mean(axis=0) * activity_log2.std(ddof=0).to_numpy()
    return pd.DataFrame(effects, index=targets.rename("gene"), columns=tfs.rename("tf"))


def slopes(regulation: Regulation, activity_log2: pd.DataFrame, genes: pd.Index) -> np.ndarray:
    """Compute the slope of each gene's log2 level for each TF, in every sample's state.

    Args:
        regulation: The true kinetics, of no other genes than these.
        activity_log2: log2 activities ``(sample, tf)``.
        genes: Genes of the result; those without regulators have slopes of 0.

    Returns:
        Shape ``(sample, gene, tf)``, genes and TFs in the order given; 0 where there is no edge.
    """
    edges, activity = regulation.edges, activity_log2.to_numpy(float)
    gene, tf = genes.get_indexer(edges["Gene"]), activity_log2.columns.get_indexer(edges["TF"])
    sign, hill, strength, threshold = (
        edges[name].to_numpy(float)
        for name in ("Interaction", "hill", "strength", "threshold_log2")
    )
    bound = 1 / (1 + np.exp2(-hill * (activity[:, tf] - threshold)))
    edge = np.arange(len(edges))
    of_gene = csr_array((np.ones(len(edges)), (edge, gene)), shape=(len(edges), len(genes)))
    weight = sign * np.log1p(strength * bound)
    log_weight = np.log(regulation.basal.reindex(genes).fillna(1).to_numpy()) + weight @ of_gene
    free = 1 / (1 + np.exp(log_weight))
    answer = strength * bound * (1 - bound) / (1 + strength * bound)
    found = np.zeros((len(activity), len(genes), activity.shape[1]))
    found[:, gene, tf] = free[:, gene] * sign * hill * answer
    return found


def linearity(regulation: Regulation, activity_log2: pd.DataFrame) -> pd.Series:
    """Measure how much of each gene's true response a linear function of its regulators gives.

    Args:
        regulation: The true kinetics of the genes.
        activity_log2: States of the TFs, ``(sample, tf)``; of more samples than a gene has
            regulators.

    Returns:
        Share of the variance of the response, without noise, over ``gene``; it is that of least
        squares on the activities of the gene's true regulators.
    """
    response = regulation.response(activity_log2)
    share = {}
    for gene, own in regulation.edges.groupby("Gene"):
        x = activity_log2[own["TF"]] - activity_log2[own["TF"]].mean()
        y = response[gene] - response[gene].mean()
        residual = np.linalg.lstsq(x.to_numpy(), y.to_numpy(), rcond=None)[1]
        share[gene] = 1 - float(residual.sum() / (y @ y)) if (y @ y) > 0 else np.nan
    return pd.Series(share, name="linear_share").rename_axis("gene")
