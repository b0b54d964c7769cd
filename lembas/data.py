"""Build a dataset: split the samples, choose inputs and targets, align the external cohorts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lembas.checks import is_number, is_whole
from lembas.cohorts import (
    EXCLUDED_COLUMNS,
    FILLS,
    ROWS_AT_ONCE,
    SAMPLE_COLUMNS,
    SPLITS,
    Cohort,
    Dataset,
)
from lembas.formats import listed
from lembas.name_overlap import overlap_words
from lembas.network import Network
from lembas.split import series_of_samples, split_samples
from lembas.tables import check_expression

__all__ = ["BuildOptions", "Cohort", "Dataset", "build_dataset"]

TF_TARGETS = ("exclude", "include")
RESERVED_NAMES = ("train", "test")


@dataclass(frozen=True)
class BuildOptions:
    """Settle how a study is split, which genes it keeps, and what fills its gaps.

    Attributes:
        test_fraction: Part of the samples (of the series, when they are known) that is held out,
            in (0, 1).
        seed: Seed of the split.
        folds: Cross-validation folds that the training samples (or series) must allow, at least 1.
        min_expression: A gene is kept when it reaches this, in the dataset's unit, in
            ``min_fraction`` of the training samples; None: every gene is kept.
        min_fraction: See ``min_expression``; in (0, 1].
        fill: ``"train_mean"`` or ``"zero"`` (as the original study): what stands in for an input
            that an external cohort did not measure.
        tf_targets: ``"exclude"`` or ``"include"`` targets that are inputs.
    """

    test_fraction: float = 0.2
    seed: int = 888
    folds: int = 2
    min_expression: float | None = None
    min_fraction: float = 0.2
    fill: str = "train_mean"
    tf_targets: str = "exclude"

    def __post_init__(self) -> None:
        """Refuse values that have no meaning."""
        if not (is_number(self.test_fraction) and 0 < self.test_fraction < 1):
            raise ValueError(
                f"test_fraction is {self.test_fraction!r}; expected a number between 0 and 1, "
                "both left out, such as 0.2"
            )
        if not (is_number(self.min_fraction) and 0 < self.min_fraction <= 1):
            raise ValueError(
                f"min_fraction is {self.min_fraction!r}; expected a number above 0, at most 1"
            )
        least = self.min_expression
        if least is not None and not is_number(least):
            raise ValueError(f"min_expression is {least!r}; expected a number, or null: no filter")
        for name, low in (("folds", 1), ("seed", 0)):
            value = getattr(self, name)
            if not is_whole(value) or not low <= value < 2**32:  # as scikit-learn's seeds
                raise ValueError(f"{name} is {value!r}; expected a whole number, {low} or more")
        for name, choices in (("fill", FILLS), ("tf_targets", TF_TARGETS)):
            if getattr(self, name) not in choices:
                raise ValueError(
                    f"{name} is {getattr(self, name)!r}; expected one of {', '.join(choices)}"
                )

    @property
    def of_split(self) -> dict[str, Any]:
        """Options of :func:`lembas.split.split_samples`."""
        return {"test_fraction": self.test_fraction, "seed": self.seed, "folds": self.folds}


def build_dataset(
    expression: pd.DataFrame,
    network: Network,
    *,
    external: Mapping[str, pd.DataFrame] | None = None,
    series: pd.Series | None = None,
    unit: str = "log10(CPM+1)",
    simulated: bool = False,
    study: str = "study",
    library_size: pd.Series | None = None,
    offered: tuple[pd.Index, pd.Index] | None = None,
    origins: Mapping[str, str] | None = None,
    **options: Any,
) -> Dataset:
    """Split a study, choose inputs and targets by its training samples, add external cohorts.

    Inputs are the network's TFs, and targets its genes, that are measured and pass the filter;
    nothing but the training samples decides which. The genes' order has no effect, and their
    names have none but on the order of columns. The samples' order has one: as in scikit-learn,
    the seed draws positions in file order.

    Args:
        expression: The study, shape ``(sample, gene)``, on a log10 scale.
        network: Prior network.
        external: External cohorts by name, each ``(sample, gene)`` in the same unit. Genes are
            matched by name; an absent one is filled as an input, left out as a target.
        series: Series of each sample of the study (and of external ones, where known), over
            ``sample``: then whole series are held out.
        unit: Unit of the values.
        simulated: Whether they come from a simulation.
        study: Name of the study.
        library_size: Counts of each sample, over ``sample``, where known.
        offered: Genes that may serve as inputs, and genes that may serve as targets; None: all
            that are measured, both times.
        origins: File of each cohort by name, and of ``"series"``, for messages.
        **options: Fields of :class:`BuildOptions`.

    Raises:
        ValueError: If a table is unsound, no input or target is left, an external cohort shares
            samples or no genes with the study, or there are too few samples or series.
    """
    settings = BuildOptions(**options)
    where = {name: f"{name} ({file})" for name, file in (origins or {}).items()}
    tables = _checked_cohorts({study: expression, **_named_apart(external, study)}, where)
    samples = {name: table.index for name, table in tables.items()}
    origin = where.get(study, study)
    series_name = series_of_samples(
        samples, series, study=study, origin=where.get("series", "the series table")
    )
    by_series = None if series is None else series_name[samples[study]]
    split = split_samples(samples[study], series=by_series, origin=origin, **settings.of_split)
    inputs, targets, excluded = _choose_genes(
        tables[study], split, network, offered=offered, settings=settings, origin=origin
    )
    _refuse_foreign_cohorts(tables, study, inputs, targets, where)
    described = _describe_samples(samples, split, series_name, library_size)
    return Dataset(
        _stack(tables, described.index, inputs, targets),
        described,
        inputs=inputs,
        targets=targets,
        unit=unit,
        fill=settings.fill,
        simulated=simulated,
        study=study,
        excluded=excluded,
    )


def _named_apart(
    external: Mapping[str, pd.DataFrame] | None, study: str
) -> Mapping[str, pd.DataFrame]:
    """Refuse an external cohort whose name means something else."""
    clashes = [name for name in external or {} if name in (study, *RESERVED_NAMES)]
    if clashes:
        raise ValueError(
            f"external cohort(s) named {listed(clashes)}: the names {study}, train and test are "
            "taken; give each external cohort a name of its own"
        )
    return external or {}


def _checked_cohorts(
    tables: Mapping[str, pd.DataFrame], where: Mapping[str, str]
) -> dict[str, pd.DataFrame]:
    """Check each cohort's table, and that no two share a sample's name."""
    checked: dict[str, pd.DataFrame] = {}
    for name, table in tables.items():
        origin = where.get(name, name)
        new = _checked(table, origin)
        for other, known in checked.items():
            shared = new.index.intersection(known.index)
            if len(shared):
                raise ValueError(
                    f"external cohort {origin} shares {len(shared)} sample name(s) with "
                    f"{where.get(other, other)}: {listed(shared)}; remove them from one of the "
                    "two, or rename them if they are other samples"
                )
        checked[name] = new
    return checked


def _checked(table: pd.DataFrame, origin: str) -> pd.DataFrame:
    """Check one cohort's table; one of sound float32 values is not copied into float64."""
    is_small = not table.empty and (table.dtypes == np.float32).all()
    if not (is_small and np.isfinite(table.to_numpy()).all()):
        return check_expression(table, origin=origin)
    samples = check_expression(table.iloc[:, :1], origin=origin).index
    genes = check_expression(table.iloc[:1], origin=origin).columns
    return pd.DataFrame(table.to_numpy(), index=samples, columns=genes, copy=False)


def _choose_genes(
    measured: pd.DataFrame,
    split: pd.Series,
    network: Network,
    *,
    offered: tuple[pd.Index, pd.Index] | None,
    settings: BuildOptions,
    origin: str,
) -> tuple[pd.Index, pd.Index, pd.DataFrame]:
    """Choose inputs and targets by the training samples, and say why others are left out."""
    genes = passing = measured.columns
    if settings.min_expression is not None:
        train = measured.to_numpy()[(split == "train").to_numpy()]
        # A float64 limit, or it would be rounded to the table's own type.
        reached = (train >= np.float64(settings.min_expression)).mean(axis=0)
        passing = genes[reached >= settings.min_fraction]
    may_be_input, may_be_target = offered or (genes, genes)
    inputs, not_inputs = _choose_role("input", network.tfs, may_be_input, passing)
    _refuse_nothing_left("input", inputs, network, may_be_input, origin)
    targets, not_targets = _choose_role("target", network.genes, may_be_target, passing)
    _refuse_nothing_left("target", targets, network, may_be_target, origin)
    reasons = [not_inputs, not_targets]
    if settings.tf_targets == "exclude":
        also_inputs = targets.intersection(inputs)
        reasons.append(_exclusions(also_inputs, "target", "also an input"))
        targets = targets.difference(inputs)
        _refuse_only_inputs(targets, also_inputs, origin)
    if offered is not None:
        no_tfs = may_be_input.difference(network.tfs)
        no_targets = may_be_target.difference(network.genes)
        reasons.append(_exclusions(no_tfs, "input", "no TF of the network"))
        reasons.append(_exclusions(no_targets, "target", "no target of the network"))
    excluded = pd.concat(reasons).sort_values(["role", "gene"], ignore_index=True)
    return inputs.rename("tf"), targets.rename("gene"), excluded


def _choose_role(
    role: str, known: pd.Index, measured: pd.Index, passing: pd.Index
) -> tuple[pd.Index, pd.DataFrame]:
    """Choose the network's genes that are measured and pass the filter, sorted by name."""
    found = known.intersection(measured)
    chosen = found.intersection(passing).sort_values()
    absent = _exclusions(known.difference(measured), role, "not measured")
    faint = _exclusions(found.difference(passing), role, "below the expression filter")
    return chosen, pd.concat([absent, faint])


def _exclusions(genes: pd.Index, role: str, reason: str) -> pd.DataFrame:
    """Tabulate genes that are left out of a role."""
    table = pd.DataFrame({"gene": genes.to_numpy(object)}, dtype=object)
    return table.assign(role=role, reason=reason)[list(EXCLUDED_COLUMNS)]


def _refuse_nothing_left(
    role: str, chosen: pd.Index, network: Network, measured: pd.Index, origin: str
) -> None:
    """Say why no input or no target is left, if none is."""
    if len(chosen):
        return
    kind, known = ("TF", network.tfs) if role == "input" else ("target", network.genes)
    found = known.intersection(measured)
    if found.empty:
        raise ValueError(
            f"{origin}: none of the network's {len(known)} {kind}s ({listed(known)}) is among "
            f"the {len(measured)} genes measured ({listed(measured)}), so no {role} is left; "
            f"{overlap_words(network, measured)}; use the same gene names (symbols) in both files"
        )
    raise ValueError(
        f"{origin}: no {role} is left, for none of the {len(found)} measured {kind}s "
        f"({listed(found)}) passes the expression filter; lower min_expression or min_fraction"
    )


def _refuse_only_inputs(targets: pd.Index, also_inputs: pd.Index, origin: str) -> None:
    """Say that all targets are inputs, if they are."""
    if targets.empty:
        raise ValueError(
            f"{origin}: no target is left, for every measured target of the network is an input "
            f'too ({listed(also_inputs)}); measure more genes, or set tf_targets="include"'
        )


def _refuse_foreign_cohorts(
    tables: Mapping[str, pd.DataFrame],
    study: str,
    inputs: pd.Index,
    targets: pd.Index,
    where: Mapping[str, str],
) -> None:
    """Refuse an external cohort that measured no input or no target."""
    for name, table in tables.items():
        lacking = [
            role
            for role, genes in (("input", inputs), ("target", targets))
            if not genes.isin(table.columns).any()
        ]
        if lacking and name != study:
            what = "gene" if len(lacking) == 2 else f"{lacking[0]} gene"
            expected = inputs if lacking == ["input"] else targets
            raise ValueError(
                f"external cohort {where.get(name, name)} shares no {what} with {study}: it "
                f"measured {listed(table.columns)}, expected some of {listed(expected)}; use the "
                "same gene names in both, or leave the cohort out"
            )


def _stack(
    tables: Mapping[str, pd.DataFrame], samples: pd.Index, inputs: pd.Index, targets: pd.Index
) -> pd.DataFrame:
    """Stack the cohorts' tables, inputs before other targets; NaN where a cohort lacks a gene.

    In this order the tables that models are given are views of a single matrix.
    """
    genes = inputs.append(targets[~targets.isin(inputs)])
    values = np.full((len(samples), len(genes)), np.nan, dtype=np.float32)
    for table in tables.values():
        row = samples.get_indexer(table.index)
        column = table.columns.get_indexer(genes)
        known = np.flatnonzero(column >= 0)
        given = table.to_numpy()
        for first in range(0, len(row), ROWS_AT_ONCE):
            part = slice(first, first + ROWS_AT_ONCE)
            values[np.ix_(row[part], known)] = given[part][:, column[known]]
    values.flags.writeable = False
    return pd.DataFrame(
        values, index=samples.rename("sample"), columns=genes.rename("gene"), copy=False
    )


def _describe_samples(
    samples: Mapping[str, pd.Index],
    split: pd.Series,
    series_name: pd.Series,
    library_size: pd.Series | None,
) -> pd.DataFrame:
    """Tabulate cohort, split, series and library size: training, test, then external samples."""
    names = series_name.index
    sizes = pd.Series(dtype=np.float64) if library_size is None else library_size
    columns = {
        "cohort": np.repeat(list(samples), [len(index) for index in samples.values()]),
        "split": split.reindex(names).fillna("external").to_numpy(),
        "series": series_name.to_numpy(),
        "library_size": sizes.reindex(names).to_numpy(np.float64),
    }
    table = pd.DataFrame(columns, index=names.rename("sample"))[list(SAMPLE_COLUMNS)]
    order = np.argsort([SPLITS.index(side) for side in table["split"]], kind="stable")
    return table.iloc[order].astype(dict.fromkeys(SAMPLE_COLUMNS[:3], object))
