"""Make a share of a chapter's pieces in advance: what the jobs of a cluster call.

A chapter that can be scattered names one of these functions in its metadata. Each does what the
chapter's own code would do, in the same folder and by the same functions, but for a share of the
work only. The chapter then finds all pieces done, and gathers them: its result is the same to the
byte, however many shares there were.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from lembas.advance import Times, make_pieces, n_pieces
from lembas.artifacts import Run
from lembas.baselines import make
from lembas.cohorts import Dataset
from lembas.controls import climb_share
from lembas.curated import second_study
from lembas.fitting import DEFAULT_MODELS
from lembas.ladder import Asked
from lembas.network import Network
from lembas.shares import Share


def baselines(run: Run, parameters: Mapping[str, Any], share: Share) -> int:
    """Fit a share of 03_fit_baselines' batches of genes, for XGBRF and boosted trees.

    Args:
        run: The run.
        parameters: The chapter's.
        share: Which share.

    Returns:
        How many pieces the share holds.
    """
    dataset, network = run.read_dataset(), run.read_network()
    return fit_share(run, dataset, network, parameters["models"], group="baselines", share=share)


def networks(run: Run, parameters: Mapping[str, Any], share: Share) -> int:
    """Train a share of 04_fit_lembas' networks: each model, and each seed of an ensemble.

    Args:
        run: The run.
        parameters: The chapter's.
        share: Which share.

    Returns:
        How many pieces the share holds.
    """
    dataset, network = run.read_dataset(), run.read_network()
    return fit_share(run, dataset, network, parameters["models"], group="lembas", share=share)


def controls(run: Run, parameters: Mapping[str, Any], share: Share) -> int:
    """Fit a share of 07_controls' models on the real, the rewired and the other networks.

    Args:
        run: The run.
        parameters: The chapter's.
        share: Which share.

    Returns:
        How many pieces the share holds.
    """
    asked = Asked.of(parameters)
    dataset, network = run.read_dataset(), run.read_network()
    kept = run.folder / "unfinished" / "controls"
    options = {"models": asked.entries, "seed": parameters["seed"]}
    options["n_resamples"] = parameters["n_resamples"]
    first = {"unfinished": kept / "first", **options}
    n_done = climb_share(dataset, network, asked.whole, share, **first)
    curated = parameters["curated"]
    if curated:
        smaller, second = second_study(dataset, parameters["data_dir"], curated)
        options["unfinished"] = kept / "second"
        n_done += climb_share(smaller, second, asked.shared, share, **options)
    return n_done


def fit_share(
    run: Run,
    dataset: Dataset,
    network: Network,
    models: Mapping[str, Mapping[str, Any] | None],
    *,
    group: str,
    share: Share,
) -> int:
    """Make a share of the pieces in advance, for :func:`lembas.fitting.fit_models` to find.

    Pieces are batches of genes, seeds, and whole models that keep their progress. They are dealt
    out in turn, so that each share gets as much of each model as the others.

    Args:
        run: Where to keep them.
        dataset: Training samples.
        network: Prior, for the models that take one.
        models: As :func:`lembas.fitting.fit_models` takes them.
        group: Folder under ``unfinished/``.
        share: Which share.

    Returns:
        How many pieces the share holds.

    Raises:
        KeyError, TypeError, ValueError: If a model is unknown, or its parameters are.
    """
    models = models or dict.fromkeys(DEFAULT_MODELS[group])
    extra = {name: dict(entry or {}) for name, entry in models.items()}
    estimators = {name: make(name, network, extra=extra) for name in extra}
    training, unfinished = dataset.train, run.folder / "unfinished" / group
    pieces = [
        (name, number)
        for name, estimator in estimators.items()
        for number in range(n_pieces(estimator, training.y))
    ]
    mine = share.take(pieces)
    times = Times(unfinished, training.x, training.y, network.digest)
    for name in dict.fromkeys(name for name, _ in mine):
        numbers = [number for owner, number in mine if owner == name]
        start = time.perf_counter()
        offered = {"groups": training.series, "unfinished": unfinished / name}
        make_pieces(estimators.pop(name), training.x, training.y, numbers, **offered)
        times.add(name, extra[name], share.name, time.perf_counter() - start)
    return len(mine)
