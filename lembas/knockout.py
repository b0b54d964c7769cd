"""Knock TFs out in fitted models: hold a TF at a low level and predict every gene anew."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from sklearn.base import BaseEstimator

from lembas.channels import LembasChannels, copy_of
from lembas.ensemble import LembasEnsemble
from lembas.formats import listed
from lembas.labels import aligned_columns, as_names, offered_names
from lembas.model import LembasRNN
from lembas.network import Network
from lembas.training import LembasRegressor
from lembas.tuning import best_of

# Knocked out beside the hubs where a study measured them: TFs that the liver is known by.
NAMED: tuple[str, ...] = ("HNF4A", "FOXA2", "CEBPA", "HNF1A", "PPARA", "ONECUT1", "NR1H4", "SREBF1")
# Ends the name of a model in which the TF's node is held, not its input alone.
NODE = "@node"
# LEMBAS-RNN, alone or several at once.
WithNodes = LembasRegressor | LembasEnsemble | LembasChannels
_EXPECTED = 'expected "zero", a percentile such as "p5", or a log10 level such as 0.3'


@dataclass(frozen=True)
class Knockouts:
    """Hold the responses of several models to the same knock-outs.

    Attributes:
        responses: One row a model, TF and gene: model, tf, gene, response (mean over samples of
            prediction after - before, log10), response_sd (its SD over samples, log10) and
            relative (response over the SD of the prediction before; NaN where that is 0).
        levels: One row a TF: tf, level, mean and sd of its expression (log10), change (mean
            change of its expression, log10), change_sd (the same over sd; NaN for a TF that does
            not vary) and lowest (the lowest value that the models were fitted to).
    """

    responses: pd.DataFrame
    levels: pd.DataFrame

    @property
    def idle(self) -> pd.Index:
        """TFs that were at their level already, so that nothing was knocked out."""
        return idle_tfs(self.levels)


def idle_tfs(levels: pd.DataFrame) -> pd.Index:
    """Name the TFs that were at their level already; see :class:`Knockouts`."""
    return pd.Index(levels.loc[levels["change"] == 0, "tf"], name="tf")


def knock_out(
    models: Mapping[str, BaseEstimator],
    X: pd.DataFrame,
    tfs: Iterable[str],
    *,
    level: str | float = "zero",
    reference: pd.DataFrame | None = None,
    trained: pd.DataFrame | None = None,
    with_nodes: bool = False,
) -> Knockouts:
    """Hold one TF after the other at a low level, in every model.

    Args:
        models: Name to fitted model.
        X: Samples to knock the TFs out in, ``(sample, tf)``, log10.
        tfs: TFs to knock out, one at a time; a name alone is one TF.
        level: "zero" (log10 level 0), a percentile of ``reference`` such as "p5", or a level.
        reference: Samples whose percentile and SD it is, ``(sample, tf)``, log10; None: ``X``.
            Take the cohort of ``X``: in another, a TF may lie at another level altogether, and
            what sets the cohorts apart would count as knocked out.
        trained: Samples that the models were fitted to, ``(sample, tf)``, log10, for the lowest
            value they have seen; None: ``reference``.
        with_nodes: For a LEMBAS-RNN, also hold the node (see :func:`node_held`); the model's name
            then ends in :data:`NODE`.

    Raises:
        KeyError: If a TF is no input of ``X``, or not in the other samples.
        ValueError: If there is no model, no sample or no TF, or the level cannot be understood.
        TypeError: If the models come without names.
    """
    if not isinstance(models, Mapping):
        raise TypeError(
            f"models is a {type(models).__name__}; pass fitted models by their names, such as "
            "{'ridge': model}"
        )
    if not models:
        raise ValueError("nothing to knock out: no model is given; pass at least one, by its name")
    chosen = checked_tfs(tfs, X.columns)
    reference = X if reference is None else reference
    trained = reference if trained is None else trained
    for table in (reference, trained):
        checked_tfs(chosen, table.columns)
    levels = clamp_levels(reference, chosen, level)
    tables = []
    for name, model in models.items():
        tables.append(respond(model, X, levels).assign(model=name))
        if with_nodes and isinstance(best_of(model), WithNodes):
            held = respond(model, X, levels, hold_node=True)
            tables.append(held.assign(model=f"{name}{NODE}"))
    columns = ["model", "tf", "gene", "response", "response_sd", "relative"]
    joined = pd.concat(tables, ignore_index=True)[columns]
    return Knockouts(joined, _level_table(X, levels, reference=reference, trained=trained))


def respond(
    model: BaseEstimator, X: pd.DataFrame, levels: pd.Series, *, hold_node: bool = False
) -> pd.DataFrame:
    r"""Compute every gene's response to holding each TF at its level.

    .. math:: r_{tg} = \frac1n \sum_i \left( \hat y_g(x_i; x_{it} = \ell_t) - \hat y_g(x_i) \right)

    Args:
        model: A fitted model of the registry.
        X: Samples, ``(sample, tf)``, log10.
        levels: Level of each TF to hold, over ``tf``, log10; one TF is held at a time.
        hold_node: Whether the TF's node is held too (see :func:`node_held`), before and after; for
            a LEMBAS-RNN only.

    Returns:
        Columns tf, gene, response, response_sd, relative, as in :class:`Knockouts`.

    Raises:
        ValueError: If there is nothing to knock out.
        KeyError: If a TF is no input of the model.
    """
    model = best_of(model)
    if X.empty or levels.empty:
        raise ValueError(
            f"nothing to knock out: {len(X)} samples and {len(levels)} TFs; each must be at least 1"
        )
    inputs = getattr(model, "tfs_", X.columns)
    checked_tfs(levels.index, inputs)
    X = aligned_columns(X, inputs)
    before = model.predict(X).astype(float)
    shape = (len(levels), before.shape[1])
    # Single precision: at the size of a liver study there are a million responses a model.
    mean, sd = np.empty(shape, np.float32), np.empty(shape, np.float32)
    for row, (tf, level) in enumerate(levels.items()):
        held = node_held(model, str(tf), X) if hold_node else model
        start = held.predict(X).astype(float) if hold_node else before
        # One TF a call: rounding may depend on the number of rows, and what no path leads to must
        # respond by exactly 0.
        change = held.predict(X.assign(**{str(tf): level})).astype(float) - start
        mean[row], sd[row] = change.mean().to_numpy(), change.std(ddof=0).to_numpy()
    # The SD of equal numbers may be rounded to more than 0.
    varies = before.max() > before.min()
    spread = before.std(ddof=0).where(varies).to_numpy(np.float32)
    return pd.DataFrame(
        {
            "tf": np.repeat(levels.index.to_numpy(), shape[1]),
            "gene": np.tile(before.columns.to_numpy(), shape[0]),
            "response": mean.ravel(),
            "response_sd": sd.ravel(),
            "relative": (mean / spread).ravel(),
        }
    )


def response_agreement(responses: pd.DataFrame) -> pd.DataFrame:
    """Rank-correlate the responses of every two models over the genes; the mean over TFs.

    Args:
        responses: As in :class:`Knockouts`.

    Returns:
        Square table ``(model, model)``; genes that only one of the two predicts do not count, nor
        does a TF to which a model responds nowhere.
    """
    wide = responses.pivot_table(
        index=["tf", "gene"], columns="model", values="response", sort=False
    )
    found = wide.groupby("tf", sort=False).corr(method="spearman")
    return found.groupby("model", sort=False).mean().rename_axis(index=None, columns=None)


def node_held(model: WithNodes, tf: str, X: pd.DataFrame) -> WithNodes:
    """Copy a LEMBAS-RNN in which a TF's node listens to nothing but its own input.

    The edges into the node get the weight 0, and what they bring after the last update, on average
    over the samples, goes into its bias, so that the node stays about where it was. With its input
    held as well, the node's state is the same in every sample and no other TF moves it: an
    intervention on the node. With the input held alone, the TF's regulators still drive it.

    The updates start from states of 0, when the drive is another than at the end: the copy's
    predictions differ from the original's by a constant a gene, so a response is taken within the
    copy, between two levels of the input. Of a model with channels, every copy of the node is held.

    Args:
        model: Fitted.
        tf: The TF; one that no edge leads to is left as it is.
        X: Samples over which the drive is averaged, ``(sample, tf)``, log10.

    Raises:
        TypeError: If the model has no nodes.

    References:
        Pearl 2009, doi:10.1017/CBO9780511803161, section 3.2 (an intervention cuts what leads to
        a variable).
    """
    if isinstance(model, LembasEnsemble):
        held = copy.copy(model)
        held.members_ = [node_held(member, tf, X) for member in model.members_]
        return held
    if isinstance(model, LembasChannels):
        held = copy.copy(model)
        for channel in range(model.n_channels):
            held.inner_ = node_held(held.inner_, copy_of(tf, channel), model.copied(X))
        return held
    if not isinstance(model, LembasRegressor):
        raise TypeError(
            f"{type(model).__name__} has no nodes to hold; expected a LEMBAS-RNN, or hold the "
            "input alone"
        )
    held = copy.copy(model)
    held.network_ = _without_edges_into(model, tf, X)
    return held


@torch.no_grad()
def _without_edges_into(model: LembasRegressor, tf: str, X: pd.DataFrame) -> LembasRNN:
    """Cut the edges into a node, and leave their mean drive in its bias."""
    network = copy.deepcopy(model.network_)
    into = np.flatnonzero(network.edges["Gene"] == tf)
    if not into.size or tf not in network.tfs:
        return network
    scale = model._scale
    x = torch.from_numpy(X.to_numpy(np.float32, copy=True)).to(scale.x_mean.device)
    _, states = network((x - scale.x_mean) / scale.x_sd)
    sources = network.tfs.get_indexer(network.edges["TF"].iloc[into])
    drive = states[:, sources] @ network.weights[into]
    network.bias[network.nodes.get_loc(tf)] += drive.mean()
    network.weights[into] = 0.0
    return network


def clamp_levels(reference: pd.DataFrame, tfs: pd.Index, level: str | float) -> pd.Series:
    """Find the log10 level at which each TF is held.

    Args:
        reference: Samples whose percentile is meant, ``(sample, tf)``, log10.
        tfs: TFs, columns of ``reference``.
        level: As in :func:`knock_out`.

    Raises:
        ValueError: If the level cannot be understood, or there is no sample to take it from.
    """
    if level == "zero":
        return pd.Series(0.0, index=tfs, name="level")
    share = percentile(level)
    if share is not None:
        if reference.empty:
            raise ValueError(
                f"level {level!r} needs samples to take it from; the reference is empty"
            )
        return reference[tfs].astype(float).quantile(share).rename("level").rename_axis("tf")
    try:
        value = float(level)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise ValueError(f"level {level!r} cannot be understood; {_EXPECTED}")
    return pd.Series(value, index=tfs, name="level")


def percentile(level: str | float) -> float | None:
    """Read a percentile such as "p5" as a share; None for another kind of level.

    Raises:
        ValueError: If it is not within 0 and 100.
    """
    text = str(level)
    number = text.removeprefix("p")
    if number == text or not number.replace(".", "", 1).isdigit():
        return None
    if float(number) > 100:
        raise ValueError(f"level {level!r} is no percentile; {_EXPECTED}")
    return float(number) / 100


def chosen_tfs(
    network: Network,
    measured: pd.Index,
    targets: pd.Index,
    *,
    asked: Iterable[str] = (),
    n_tfs: int = 40,
) -> pd.Index:
    """Choose the TFs to knock out: those asked for, then the hubs of the network.

    Args:
        network: The prior.
        measured: TFs that are inputs.
        targets: Genes that are predicted.
        asked: TFs to have in any case; none: those of :data:`NAMED` that were measured.
        n_tfs: Number of TFs; TFs asked for are all kept.

    Raises:
        KeyError: If one asked for was not measured.
    """
    named = pd.Index(NAMED).intersection(measured, sort=False)
    first = checked_tfs(asked, measured) if list(asked) else named
    edges = network.edges[network.edges["Gene"].isin(targets)]
    n_targets = edges["TF"].value_counts().reindex(measured, fill_value=0).rename_axis("tf")
    hubs = n_targets.drop(first).sort_index().sort_values(ascending=False, kind="stable").index
    return pd.Index([*first, *hubs[: max(n_tfs - len(first), 0)]], name="tf")


def checked_tfs(tfs: Iterable[str], known: pd.Index) -> pd.Index:
    """Return TFs without repeats, or offer the nearest names for those that are not known.

    Args:
        tfs: Names; a string is one name.
        known: TFs that there are.

    Raises:
        KeyError: If a name is not known.
    """
    chosen = pd.Index(as_names(tfs), name="tf", dtype=object)
    unknown = chosen[~chosen.isin(known)]
    if len(unknown):
        raise KeyError(
            f"{listed(unknown)} not among the {len(known)} TFs that are inputs, such as "
            f"{listed(known)}; the nearest names are {offered_names(unknown[:5], known)}"
        )
    return chosen


def _level_table(
    X: pd.DataFrame, levels: pd.Series, *, reference: pd.DataFrame, trained: pd.DataFrame
) -> pd.DataFrame:
    """Say how far each TF was moved."""
    own = X[levels.index].astype(float)
    sd = reference[levels.index].astype(float).std(ddof=0)
    lowest = trained[levels.index].min().astype(float)
    # Exactly 0 where nothing moves, whatever the mean is rounded to.
    change = (levels - own).mean()
    table = pd.DataFrame({"level": levels, "mean": own.mean(), "sd": sd, "change": change})
    table = table.assign(change_sd=change / sd.replace(0, np.nan), lowest=lowest)
    return table.rename_axis("tf").reset_index()
