"""Make the data of the gene explorer: a page of the book that looks genes and TFs up.

The page has no server. It loads ``index.js``, which names all genes and TFs and holds the table of
all genes, and then, gene by gene, the one file with the gene's record. All are script files, for a
page opened from a folder may load no others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import to_hex

from lembas import explorer_edges as edges
from lembas import explorer_points as points
from lembas import explorer_scores as scores
from lembas.checks import check_positive, check_whole
from lembas.cohorts import Dataset
from lembas.explorer_text import PER_FILE, numbered_files, script, thousandths
from lembas.explorer_words import cohort_label, column_title
from lembas.network import Network
from lembas.plotting.dark import dark_colour
from lembas.plotting.style import model_colour, ordered_models

INDEX = "index.js"
QUANTILES: tuple[float, ...] = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True, eq=False)
class Sources:
    """Hold the artefacts of a run that the explorer shows.

    Attributes:
        dataset: The study.
        network: The prior.
        labels: Fitted model to label.
        genes: Table ``genes``, see :func:`lembas.gene_table.gene_table`.
        per_gene: Tidy scores: model, cohort, gene, metric, value.
        predictions: Cohort to model to prediction ``(sample, gene)``.
        weights: Table ``learned_weights``: model, tf, gene, weight.
        attributions: Result of ``joined_attributions`` of ``lembas/explorer_edges.py``.
        responses: Table ``knockouts``: model, tf, gene, response; may hold no row.
    """

    dataset: Dataset
    network: Network
    labels: Mapping[str, str]
    genes: pd.DataFrame
    per_gene: pd.DataFrame
    predictions: Mapping[str, Mapping[str, pd.DataFrame]]
    weights: pd.DataFrame
    attributions: pd.DataFrame
    responses: pd.DataFrame

    def __post_init__(self) -> None:
        """Refuse a table of other genes than the study's targets."""
        other = self.dataset.targets.symmetric_difference(pd.Index(self.genes["gene"]))
        if len(other):
            raise ValueError(
                f"the table of genes and the dataset differ in {len(other)} gene(s): "
                f"{', '.join(map(str, other[:5]))}; run chapter 11_where again"
            )

    @property
    def n_samples(self) -> dict[str, int]:
        """Samples of each cohort."""
        return {name: len(rows) for name, rows in self.dataset.rows.items()}


@dataclass(frozen=True)
class Choice:
    """Say what is shown.

    Attributes:
        model: Model that genes are ranked by.
        reference: Model shown beside it at first.
        shown: Further models whose predictions are drawn; those not fitted are left out.
        n_samples: Samples a cohort that are drawn, at most.
        most_mb: Size of the drawn values at most, in 10^6 bytes.
        n_regulators: Regulators listed a gene, at most.
        n_targets: Targets listed a TF, at most.
        seed: Seed of the drawing of samples.
    """

    model: str = "lembas"
    reference: str = "masked_ridge"
    shown: tuple[str, ...] = ("ridge", "mlr", "xgbrf", "boosted")
    n_samples: int = 100
    most_mb: float = points.MOST_MB
    n_regulators: int = edges.N_REGULATORS
    n_targets: int = edges.N_TARGETS
    seed: int = 888

    def __post_init__(self) -> None:
        """Refuse numbers that have no meaning."""
        for name, least in {"n_samples": 1, "n_regulators": 1, "n_targets": 1, "seed": 0}.items():
            check_whole(name, getattr(self, name), least=least)
        check_positive("most_mb", self.most_mb)


@dataclass(frozen=True)
class Explorer:
    """Hold the files of the explorer.

    Attributes:
        files: File name to text; ``INDEX`` comes last, for it stands for a whole set.
        n_genes, n_tfs: Genes and TFs that can be looked up.
        n_drawn: Samples drawn, by cohort.
        n_explained: Genes with attributions.
    """

    files: Mapping[str, str] = field(repr=False)
    n_genes: int
    n_tfs: int
    n_drawn: Mapping[str, int]
    n_explained: int

    @property
    def size_mb(self) -> float:
        """Size of all files, in 10^6 bytes."""
        return sum(map(len, self.files.values())) / 1e6


def build(sources: Sources, choice: Choice) -> Explorer:
    """Make all files.

    Args:
        sources: The run's artefacts.
        choice: What is shown.

    Returns:
        The files, and what the page says of them.

    Raises:
        KeyError: If the model that genes are ranked by was not fitted.
        ValueError: If a score or a weight is given twice.
    """
    if choice.model not in sources.labels:
        fitted = ", ".join(sources.labels)
        raise KeyError(f"no model {choice.model!r} was fitted in this run; fitted: {fitted}")
    made = _Build(sources, choice)
    genes, tfs = made.gene_records(), made.tf_records()
    files = {**numbered_files("genes", genes), **numbered_files("tfs", tfs)}
    # The page asks for files of this version, so that a browser that kept an older one notices.
    version = hashlib.sha256("".join(files.values()).encode()).hexdigest()[:12]
    index = {"version": version, **made.index(genes, tfs)}
    return Explorer(
        files={**files, INDEX: script("index", index)},
        n_genes=len(genes),
        n_tfs=len(tfs),
        n_drawn={name: len(drawn) for name, drawn in made.drawn.items()},
        n_explained=sum(bool(record["attributions"]) for record in genes),
    )


class _Build:
    """Hold what the records of genes and TFs share."""

    def __init__(self, sources: Sources, choice: Choice) -> None:
        self.sources, self.choice = sources, choice
        self.genes = sources.dataset.targets
        known = sources.network.edges
        regulators = known.loc[known["Gene"].isin(self.genes), "TF"]
        self.tfs = pd.Index(
            sorted(set(sources.dataset.inputs) | set(regulators)), name="tf", dtype=object
        )
        self.models = ordered_models(sources.labels)
        self.shown = self._fitted(choice.model, choice.reference, *choice.shown)
        # As columns: the model that is asked about first, then the palette's order.
        self.columns = self._fitted(choice.model, choice.reference, *self.models)
        self.cohorts = list(sources.dataset.rows)
        self.drawn = points.drawn_samples(
            sources.dataset,
            n_models=len(self.shown),
            n_samples=choice.n_samples,
            most_mb=choice.most_mb,
            seed=choice.seed,
        )
        own = set(sources.weights["model"])
        self.weight_models = [name for name in self.columns if name in own]
        self.edges = edges.edges_with_weights(
            sources.network, self.genes, sources.weights, self.weight_models
        )
        self.table = sources.genes.set_index("gene").loc[self.genes].reset_index()

    def _fitted(self, *names: str) -> list[str]:
        """Keep the models that were fitted, each once."""
        return [name for name in dict.fromkeys(names) if name in self.models]

    def gene_records(self) -> list[dict[str, Any]]:
        """Make one record a gene, in the order of the names."""
        sources, choice = self.sources, self.choice
        named: dict[str, Any] = {"name": self.genes.astype(str).tolist()}
        named["scores"] = scores.scores(
            sources.per_gene, self.genes, cohorts=self.cohorts, models=self.models
        )
        named["points"] = self._points()
        named["regulators"] = edges.edge_lists(
            self.edges, self.genes, self.tfs, by="gene", most=choice.n_regulators
        )
        named["attributions"] = edges.strongest(
            sources.attributions,
            self.genes,
            self.tfs,
            by="gene",
            value="share",
            models=self.models,
        )
        named["like"] = scores.like_genes(self.table, f"skill.test.{choice.model}")
        return _records(named)

    def tf_records(self) -> list[dict[str, Any]]:
        """Make one record a TF, in the order of the names."""
        named: dict[str, Any] = {"name": self.tfs.astype(str).tolist()}
        named["expression"] = self._expression()
        named["targets"] = edges.edge_lists(
            self.edges, self.tfs, self.genes, by="tf", most=self.choice.n_targets
        )
        for part, value in (("attributions", "share"), ("responses", "response")):
            table = getattr(self.sources, part)
            moved = table[table[value].abs() > 0]
            named[part] = edges.strongest(
                moved, self.tfs, self.genes, by="tf", value=value, models=self.models
            )
        return _records(named)

    def index(self, genes: list[dict[str, Any]], tfs: list[dict[str, Any]]) -> dict[str, Any]:
        """Make what the page loads first: all names, the table of genes and that of TFs."""
        sources, choice = self.sources, self.choice
        place = pd.Index(self.models)
        return {
            "unit": sources.dataset.unit,
            "per_file": PER_FILE,
            "models": [
                {"name": name, "label": str(sources.labels[name]), **_colours(name)}
                for name in self.models
            ],
            "model": place.get_loc(choice.model),
            "shown": place.get_indexer(self.shown).tolist(),
            "weights": place.get_indexer(self.weight_models).tolist(),
            "cohorts": [
                {
                    "name": name,
                    "label": cohort_label(name),
                    "n": sources.n_samples[name],
                    "samples": self.drawn[name].astype(str).tolist(),
                }
                for name in self.cohorts
            ],
            "metrics": ["skill", "Pearson r", f"RMSE ({sources.dataset.unit})", "rank by skill"],
            "first": self._first(genes),
            "genes": {"names": [one["name"] for one in genes], "columns": self._gene_columns()},
            "tfs": {"names": [one["name"] for one in tfs], "columns": self._tf_columns(tfs)},
        }

    def _points(self) -> list[list[dict[str, Any] | None]]:
        """Pack every cohort: a gene's list holds one entry a cohort."""
        cohorts = []
        for name, drawn in self.drawn.items():
            own = self.sources.predictions[name]
            predictions = {model: own[model].loc[drawn] for model in self.shown}
            truth = self.sources.dataset.cohorts[name].y.loc[drawn]
            cohorts.append(points.points(truth, predictions, self.genes))
        return [list(own) for own in zip(*cohorts, strict=True)]

    def _expression(self) -> list[list[list[int | None] | None]]:
        """Give quantiles and mean of each TF in each cohort; None where it was not measured."""
        dataset = self.sources.dataset
        columns = []
        for cohort in self.cohorts:
            # Not filled: NaN where a TF was not measured.
            table = dataset.expression_of(cohort, dataset.inputs).astype(float)
            described = table.quantile(list(QUANTILES)).T.assign(mean=table.mean())
            described = described.reindex(self.tfs)
            rows = zip(*(thousandths(described[name]) for name in described.columns), strict=True)
            columns.append([None if None in row else list(row) for row in rows])
        return [list(own) for own in zip(*columns, strict=True)]

    def _first(self, genes: list[dict[str, Any]]) -> int:
        """Choose a gene to begin with: the one predicted best, of those explained if there are."""
        column = self.table.get(f"skill.test.{self.choice.model}")
        if column is None or column.isna().all():
            return 0
        explained = column.where([bool(record["attributions"]) for record in genes])
        return int(np.nanargmax(column if explained.isna().all() else explained))

    def _gene_columns(self) -> list[dict[str, Any]]:
        columns = scores.table_columns(
            self.table, cohorts=self.cohorts, models=self.models, shown=self.columns
        )
        return self._titled(columns)

    def _tf_columns(self, tfs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        train = self.cohorts.index("train")
        expression = [record["expression"][train] for record in tfs]
        mean = [None if own is None else own[-1] for own in expression]
        counts = [record["targets"]["n"] for record in tfs]
        columns: list[dict[str, Any]] = [
            {"key": "n_targets", "kind": "count", "values": counts},
            {"key": "tf_mean", "kind": "number", "values": mean},
        ]
        for model in self.weight_models:
            size = self.edges[model].abs().groupby(self.edges["tf"]).median().reindex(self.tfs)
            columns.append(
                {"key": f"weight.{model}", "kind": "number", "values": thousandths(size)}
            )
        return self._titled(columns)

    def _titled(self, columns: list[dict[str, Any]]) -> list[dict[str, Any]]:
        labels = self.sources.labels
        return [{**column, "title": column_title(column["key"], labels)} for column in columns]


def _records(columns: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    """Turn lists that run over the same names into one record a name."""
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]


def _colours(model: str) -> dict[str, str]:
    """Name a model's colour in the light and in the dark theme."""
    light = model_colour(model)
    return {"colour": light, "dark": to_hex(dark_colour(light)).upper()}
