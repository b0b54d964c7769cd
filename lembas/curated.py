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

# Behind a model's name: fitted on the second network. Figures give both the same look.
SUFFIX = "@curated"


def with_curated(
    found: Ladder,
    dataset: Dataset,
    folder: str | Path,
    curated: Mapping[str, str],
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
        curated: Name of the second network to its file, as :meth:`lembas.network.Network.read`
            takes it; empty: there is none.
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


def second_study(
    dataset: Dataset, folder: str | Path, curated: Mapping[str, str]
) -> tuple[Dataset, Network]:
    """Read the second network, and keep the targets that it regulates.

    Args:
        dataset: Training samples and cohorts.
        folder: Where the second network's file is.
        curated: Name of the second network to its file.

    Raises:
        ValueError: If there are several, or the network regulates no target.
    """
    network, regulated = _second(folder, curated, dataset.targets)
    return replace(dataset, targets=regulated), network


def with_curated_folds(
    scores: pd.DataFrame,
    cohort: Cohort,
    folder: str | Path,
    curated: Mapping[str, str],
    models: Sequence[str],
    **options: Any,
) -> pd.DataFrame:
    """Add the folds of a second network to those of the first.

    Args:
        scores: What :func:`lembas.folds.cross_validate` found on the first network.
        cohort: Samples to use; only targets that the second network regulates are fitted.
        folder: Where the second network's file is.
        curated: Name of the second network to its file; empty: there is none.
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


def _second(
    folder: str | Path, curated: Mapping[str, str], targets: pd.Index
) -> tuple[Network, pd.Index]:
    """Read the second network, and find the targets that it regulates."""
    file = Path(folder, curated[_name(curated)])
    network = Network.read(file)
    regulated = targets[targets.isin(network.genes)]
    if regulated.empty:
        raise ValueError(
            f"{file.name} regulates none of the {len(targets)} targets (such as "
            f"{', '.join(targets[:5])}); check that both use the same gene names"
        )
    return network, regulated


def _below(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Put the rows of the second network below those of the first, under names of their own."""
    renamed = second.assign(model=second["model"] + SUFFIX)
    return pd.concat([first, renamed], ignore_index=True)


def curated_labels(labels: Mapping[str, str], curated: Mapping[str, str]) -> dict[str, str]:
    """Label the models on the second network too, if there is one.

    Args:
        labels: Model to label.
        curated: Name of the second network to its file.
    """
    second = (
        {f"{model}{SUFFIX}": f"{label}, {_name(curated)}" for model, label in labels.items()}
        if curated
        else {}
    )
    return {**labels, **second}


def _name(curated: Mapping[str, str]) -> str:
    if len(curated) != 1:
        raise ValueError(
            f"curated names {len(curated)} networks ({', '.join(list(curated)[:5])}); expected one "
            "second network, such as {CollecTRI: collectri.tsv.gz}"
        )
    (name,) = curated
    return name
