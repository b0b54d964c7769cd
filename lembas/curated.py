"""Fit the same on a second network, such as one of curated edges only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pandas as pd

from lembas.climbed import Ladder
from lembas.cohorts import Cohort, Dataset
from lembas.controls import climb
from lembas.folds import cross_validate
from lembas.ladder import Rung
from lembas.network import Network
from lembas.network_formats import NetworkOptions, NetworkReading, read_network

# Behind a model's name: fitted on the second network. Figures give both the same look.
SUFFIX = "@curated"
# Name of the second network to its file, or to a mapping of file and options.
Curated = Mapping[str, str | Mapping[str, Any]]


def with_curated(
    found: Ladder,
    dataset: Dataset,
    folder: str | Path,
    curated: Curated,
    ladder: Iterable[Rung],
    **options: Any,
) -> Ladder:
    """Add the rungs of a second network to what was found on the first.

    Only targets that the second network regulates are fitted and scored: the others would all be
    predicted by their mean.

    Args:
        found: What was found on the first network.
        dataset: Training samples and cohorts.
        folder: Where the second network's file is.
        curated: Name of the second network to its file, in any layout of
            :func:`lembas.network_formats.read_network`, or to a mapping of ``file`` and options;
            empty: there is none.
        ladder: What to fit on it.
        **options: As :func:`lembas.controls.climb` takes them.

    Returns:
        Both, the models on the second network with ``SUFFIX`` behind their names; ``found``
        itself where there is none.

    Raises:
        ValueError: If there are several, the network regulates no target, or cannot be rewired.
    """
    if not curated:
        return found
    smaller, network = second_study(dataset, folder, curated)
    second = climb(smaller, network, ladder, **options)
    tables = {
        field.name: _below(getattr(found, field.name), getattr(second, field.name))
        for field in fields(Ladder)
    }
    return Ladder(**tables)


def second_study(dataset: Dataset, folder: str | Path, curated: Curated) -> tuple[Dataset, Network]:
    """Read the second network, and keep the targets that it regulates.

    Args:
        dataset: Training samples and cohorts.
        folder: Where the second network's file is.
        curated: As :func:`with_curated` takes it.

    Raises:
        ValueError: If there are several, or the network regulates no target.
    """
    network, regulated = _second(folder, curated, dataset.targets)
    return replace(dataset, targets=regulated), network


def with_curated_folds(
    scores: pd.DataFrame,
    cohort: Cohort,
    folder: str | Path,
    curated: Curated,
    models: Sequence[str],
    **options: Any,
) -> pd.DataFrame:
    """Add the folds of a second network to those of the first.

    Args:
        scores: What :func:`lembas.folds.cross_validate` found on the first network.
        cohort: Samples to use; only targets that the second network regulates are fitted.
        folder: Where the second network's file is.
        curated: As :func:`with_curated` takes it.
        models: Registry names of models that take a network.
        **options: As :func:`lembas.folds.cross_validate` takes them.

    Returns:
        Both, the models on the second network with ``SUFFIX`` behind their names; ``scores``
        itself where there is none.

    Raises:
        ValueError: If there are several, or the network regulates no target.
    """
    if not curated:
        return scores
    network, regulated = _second(folder, curated, cohort.y.columns)
    smaller = replace(cohort, y=cohort.y[regulated])
    return _below(scores, cross_validate(smaller, network, models, **options))


def _second(folder: str | Path, curated: Curated, targets: pd.Index) -> tuple[Network, pd.Index]:
    """Read the second network, and find the targets that it regulates."""
    reading = _reading(folder, curated)
    network = reading.network
    regulated = targets[targets.isin(network.genes)]
    if regulated.empty:
        raise ValueError(
            f"{reading.file} regulates none of the {len(targets)} targets (such as "
            f"{', '.join(targets[:5])}), but genes such as {', '.join(network.genes[:5])}; check "
            "that both use the same gene names"
        )
    return network, regulated


def _reading(folder: str | Path, curated: Curated) -> NetworkReading:
    """Read the second network's file as its options say."""
    name = _name(curated)
    given = curated[name]
    options = {"file": given} if isinstance(given, str) else dict(given)
    file = options.pop("file", None)
    if not isinstance(file, str):
        raise ValueError(
            f"curated: {name} names no file; expected its name, or a mapping such as "
            "{file: dorothea.csv, min_confidence: C}"
        )
    return read_network(Path(folder, file), NetworkOptions.of(options, f"curated: {name}"))


def curated_sentence(folder: str | Path, curated: Curated) -> str:
    """Say what the second network's file was read as.

    Args:
        folder: Where the file is.
        curated: As :func:`with_curated` takes it.
    """
    return _reading(folder, curated).sentence() if curated else "There is no second network."


def _below(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Put the rows of the second network below those of the first, under names of their own."""
    renamed = second.assign(model=second["model"] + SUFFIX)
    return pd.concat([first, renamed], ignore_index=True)


def curated_labels(labels: Mapping[str, str], curated: Curated) -> dict[str, str]:
    """Label the models on the second network too, if there is one.

    Args:
        labels: Model to label.
        curated: As :func:`with_curated` takes it.
    """
    second = (
        {f"{model}{SUFFIX}": f"{label}, {_name(curated)}" for model, label in labels.items()}
        if curated
        else {}
    )
    return {**labels, **second}


def _name(curated: Curated) -> str:
    if len(curated) != 1:
        raise ValueError(
            f"curated names {len(curated)} networks ({', '.join(list(curated)[:5])}); expected one "
            "second network, such as {CollecTRI: collectri.tsv.gz}"
        )
    (name,) = curated
    return name
