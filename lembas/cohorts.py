"""Hold expression with all that is known of its samples and genes, and keep it on disk."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from lembas import h5ad
from lembas.atomic import write_atomically
from lembas.formats import existing_file, listed

SPLITS = ("train", "test", "external")
FILLS = ("train_mean", "zero")
SAMPLE_COLUMNS = ("cohort", "split", "series", "library_size")
EXCLUDED_COLUMNS = ("gene", "role", "reason")
UNS_KEY = "lembas"
ROWS_AT_ONCE = 1024


@dataclass(frozen=True, eq=False)
class Cohort:
    """Hold what a model is given and what it is scored against, for one set of samples.

    The tables are read-only views of the dataset's expression where its order of samples and genes
    allows that, as :func:`lembas.data.build_dataset` sees to; else they are copies.

    Attributes:
        name: ``"train"``, ``"test"`` or the external cohort's name.
        x: Inputs, shape ``(sample, tf)``, float32, complete: a copy where some were filled.
        y: Targets measured in this cohort, shape ``(sample, gene)``, float32.
        imputed: TFs that were not measured here and were filled in ``x``.
        missing: Targets that were not measured here and are left out of ``y``.
        series: Series of each sample, over ``sample``; None when unknown.
    """

    name: str
    x: pd.DataFrame
    y: pd.DataFrame
    imputed: pd.Index
    missing: pd.Index
    series: pd.Series | None


@dataclass(frozen=True, eq=False)
class Dataset:
    """Hold a study, split into training and test samples, and its external cohorts.

    Build one with :func:`lembas.data.build_dataset` or :mod:`lembas.sources`.

    Attributes:
        expression: Shape ``(sample, gene)``, float32, in ``unit``, read-only. Training samples
            come first, then test samples, then the external cohorts, each in file order; inputs
            come first, then the other targets. NaN only where a gene is not measured in a whole
            external cohort.
        samples: Over ``sample``: ``cohort`` (name), ``split`` (``"train"``, ``"test"`` or
            ``"external"``), ``series`` (``""``: unknown), ``library_size`` (counts; NaN: unknown).
        inputs: TFs that a model is given, sorted.
        targets: Genes that a model predicts, sorted.
        unit: Such as ``"log10(CPM+1)"``.
        fill: What stands in for an input that a cohort did not measure: its training mean
            (``"train_mean"``) or ``"zero"``.
        simulated: Whether the expression comes from a simulation.
        study: Name of the cohort that is split into training and test samples.
        excluded: Genes left out, with columns ``gene``, ``role`` (``"input"`` or ``"target"``)
            and ``reason``.
    """

    expression: pd.DataFrame
    samples: pd.DataFrame
    inputs: pd.Index
    targets: pd.Index
    unit: str
    fill: str
    simulated: bool
    study: str
    excluded: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=list(EXCLUDED_COLUMNS), dtype=object)
    )

    def __post_init__(self) -> None:
        """Check the invariants that the rest of the package trusts."""
        if not self.expression.index.equals(self.samples.index):
            raise ValueError("expression and samples must name the same samples in the same order")
        for axis in (self.expression.index, self.expression.columns, self.inputs, self.targets):
            if not axis.is_unique:
                repeated = listed(axis[axis.duplicated()])
                raise ValueError(f"a dataset repeats the name(s) {repeated}; each may occur once")
        unknown = self.inputs.union(self.targets).difference(self.expression.columns)
        if len(unknown):
            raise ValueError(
                f"{len(unknown)} input(s) or target(s) are no column of the expression: "
                f"{listed(unknown)}"
            )
        if tuple(self.samples.columns) != SAMPLE_COLUMNS:
            raise ValueError(
                f"samples has the columns {list(self.samples.columns)}; "
                f"expected {list(SAMPLE_COLUMNS)}"
            )
        self._check_choices()

    def _check_choices(self) -> None:
        """Refuse a split or a fill that is not one of the known ones."""
        wrong = set(self.samples["split"]) - set(SPLITS)
        if wrong:
            raise ValueError(f"unknown split(s) {listed(sorted(wrong))}; expected {SPLITS}")
        if self.fill not in FILLS:
            raise ValueError(f"unknown fill {self.fill!r}; expected one of {', '.join(FILLS)}")

    @property
    def train(self) -> Cohort:
        """Training samples of the study, in file order."""
        return self._cohort("train")

    @property
    def test(self) -> Cohort:
        """Held-out samples of the study, in file order."""
        return self._cohort("test")

    @property
    def external(self) -> dict[str, Cohort]:
        """External cohorts by name, in the order given."""
        return {name: self._cohort(name) for name in self.measured.columns[2:]}

    @property
    def cohorts(self) -> dict[str, Cohort]:
        """All cohorts by name, ``"train"`` and ``"test"`` first, then the external ones."""
        return {"train": self.train, "test": self.test, **self.external}

    @cached_property
    def rows(self) -> dict[str, np.ndarray]:
        """Rows of ``expression`` that hold each cohort, by name, in the order of ``cohorts``."""
        split, cohort = (self.samples[column].to_numpy() for column in ("split", "cohort"))
        name = np.where(split == "external", cohort, split)
        away = pd.unique(cohort[split == "external"])
        return {str(cohort): np.flatnonzero(name == cohort) for cohort in ("train", "test", *away)}

    @cached_property
    def measured(self) -> pd.DataFrame:
        """Whether each gene was measured in each cohort, ``(gene, cohort)``.

        A cohort's first sample tells, for a gene is measured in all of its samples or in none: so
        a matrix that lies in a file need not be read for this.
        """
        values = self.expression.to_numpy()
        columns = {
            name: ~np.isnan(values[rows[0]]) if len(rows) else True
            for name, rows in self.rows.items()
        }
        return pd.DataFrame(columns, index=self.expression.columns)

    def expression_of(self, cohort: str, genes: pd.Index) -> pd.DataFrame:
        """Cut out some genes of one cohort, NaN where a gene was not measured.

        Args:
            cohort: ``"train"``, ``"test"`` or the name of an external cohort.
            genes: Inputs, targets, or others of the expression's columns.

        Returns:
            Shape ``(sample, gene)``; a read-only view where samples and genes lie together.
        """
        rows = self.rows[cohort]
        values = self.expression.to_numpy()[_together(rows)]
        columns = _together(self.expression.columns.get_indexer(genes))
        values = values[:, columns] if isinstance(columns, slice) else values.take(columns, axis=1)
        values.flags.writeable = False
        return pd.DataFrame(values, index=self.expression.index[rows], columns=genes, copy=False)

    @cached_property
    def train_mean(self) -> pd.Series:
        """Mean of each target over the training samples, over ``gene``, float64."""
        return self._train_mean_of(self.targets)

    @cached_property
    def input_fill(self) -> pd.Series:
        """Value that stands in for an input not measured, over ``tf``, float64."""
        if self.fill == "zero":
            return pd.Series(0.0, index=self.inputs, name="input_fill")
        return self._train_mean_of(self.inputs).rename("input_fill")

    def _train_mean_of(self, genes: pd.Index) -> pd.Series:
        """Average genes over the training samples, summing in float64."""
        values = self.expression_of("train", genes).to_numpy()
        return pd.Series(values.mean(axis=0, dtype=np.float64), index=genes, name="train_mean")

    def _cohort(self, name: str) -> Cohort:
        """Cut one cohort out: inputs complete, targets as measured."""
        measured = self.measured[name]
        imputed = self.inputs[~measured[self.inputs].to_numpy()]
        is_known = measured[self.targets].to_numpy()
        x = self.expression_of(name, self.inputs)
        if len(imputed):
            x = x.fillna(self.input_fill[imputed].astype(np.float32))
        series = self.samples["series"].iloc[self.rows[name]]
        return Cohort(
            name=name,
            x=x,
            y=self.expression_of(name, self.targets[is_known]),
            imputed=imputed,
            missing=self.targets[~is_known],
            series=None if (series == "").any() else series,
        )

    def write(self, path: str | Path) -> None:
        """Write everything into one uncompressed ``.h5ad``, whole or not at all.

        ``X`` is the expression, ``obs`` the samples, ``var`` says which genes are inputs and
        targets, ``uns["lembas"]`` holds the rest: any program that opens AnnData can read it.

        Args:
            path: File to write, ending in ``.h5ad``; an old one is replaced once the new one is
                complete.
        """
        genes = self.expression.columns
        roles = {"is_input": genes.isin(self.inputs), "is_target": genes.isin(self.targets)}
        about = {
            "unit": self.unit,
            "fill": self.fill,
            "simulated": self.simulated,
            "study": self.study,
            "excluded": self.excluded.set_axis(self.excluded.index.astype(str), axis=0),
        }
        var = pd.DataFrame(roles, index=genes)
        write_atomically(
            path,
            lambda file: h5ad.write(
                file, self.expression, obs=self.samples, var=var, uns={UNS_KEY: about}
            ),
        )

    @classmethod
    def read(cls, path: str | Path) -> Dataset:
        """Read what :meth:`write` wrote; nothing differs from what was written.

        The expression stays in the file and is mapped into memory: only what is used is read.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If the file is no ``.h5ad`` or was not written by :meth:`write`.
        """
        path = existing_file(path, "dataset")
        expression, obs, var, uns = h5ad.read(path)
        if UNS_KEY not in uns or not set(SAMPLE_COLUMNS) <= set(obs.columns):
            raise ValueError(
                f"{path} is no dataset of lembas; build one from it with lembas.sources.from_h5ad"
            )
        expression.index.name, expression.columns.name = "sample", "gene"
        with h5ad.damage_named(path):
            about = uns[UNS_KEY]
            samples = obs[list(SAMPLE_COLUMNS)].astype(dict.fromkeys(SAMPLE_COLUMNS[:3], object))
            genes = expression.columns
            return cls(
                expression=expression,
                samples=samples.set_axis(expression.index, axis=0),
                inputs=genes[var["is_input"]].sort_values().rename("tf"),
                targets=genes[var["is_target"]].sort_values().rename("gene"),
                unit=str(about["unit"]),
                fill=str(about["fill"]),
                simulated=bool(about["simulated"]),
                study=str(about["study"]),
                excluded=_plain(about["excluded"]),
            )


def _plain(excluded: pd.DataFrame) -> pd.DataFrame:
    """Give the table of excluded genes plain text columns and numbered rows."""
    table = excluded[list(EXCLUDED_COLUMNS)].astype(object)
    return table.reset_index(drop=True)


def _together(places: np.ndarray) -> slice | np.ndarray:
    """Turn places that follow one another into a slice, which makes a view."""
    if len(places) and (np.diff(places) == 1).all():
        return slice(int(places[0]), int(places[-1]) + 1)
    return places
