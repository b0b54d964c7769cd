"""Fit a profile's models, predict every cohort, and keep both in the run's folder."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd
from sklearn.base import BaseEstimator

from lembas.advance import Times
from lembas.artifacts import Run
from lembas.baselines import ModelSpec, fit_with, make, penalty_per_gene, registry
from lembas.channels import LembasChannels
from lembas.cohorts import Dataset
from lembas.ensemble import LembasEnsemble
from lembas.formats import listed
from lembas.model import spectral_radius
from lembas.model_files import is_trusted, load_model, model_size_mb, save_model
from lembas.network import Network
from lembas.penalties import sign_violation_share
from lembas.predicted import predict_checked, predicted_genes
from lembas.training import LembasRegressor
from lembas.tuning import SEARCH_COLUMNS, best_of

# Tables in which the fitting chapters list their models.
GROUPS: tuple[str, ...] = ("baselines", "lembas")
# What a group fits when the profile names no models.
DEFAULT_MODELS: Mapping[str, tuple[str, ...]] = {
    "baselines": (
        *("train_mean", "mlr", "ridge", "masked_ridge", "signed_ridge", "pls", "knn"),
        *("xgbrf", "boosted", "mlp"),
    ),
    "lembas": (
        *("lembas_published", "lembas_ridge_start", "lembas_residual"),
        *("lembas", "lembas_ensemble"),
    ),
}


def fit_models(
    run: Run,
    dataset: Dataset,
    network: Network,
    models: Mapping[str, Mapping[str, Any] | None],
    *,
    group: str,
) -> pd.DataFrame:
    """Fit models one after another; save each with its prediction of every cohort.

    Every model is made before the first is fitted, so that a misspelt one costs no time. A fit
    that is killed goes on where it was when the chapter runs again. Predictions are put in order
    by name, and refused when they are not whole.

    Args:
        run: Where to save.
        dataset: Training samples and cohorts.
        network: Prior, for the models that take one.
        models: Registry name to what differs from the registry (see
            :func:`lembas.baselines.registry`); a new name with an ``estimator`` is a new model.
            Empty: ``DEFAULT_MODELS`` of the group.
        group: Folder under ``fits/``; also the suffix of the tables.

    Returns:
        One row a model: model, label, note, estimator, parameters (JSON), fit_s (of the last
        process, when a fit was gone on with, and of all pieces made in advance), size_mb,
        n_genes; also written as table ``models_<group>``. What was tried to choose settings
        becomes table ``searches_<group>``: model, label, parameters, mean_skill, sd_skill,
        chosen, n_folds, unit.

    Raises:
        KeyError, TypeError, ValueError: If a model is unknown, its parameters are, or what it
            predicts is not what it was asked for.
    """
    models = models or dict.fromkeys(DEFAULT_MODELS[group])
    extra = {name: dict(entry or {}) for name, entry in models.items()}
    specs = registry(extra)
    estimators = {name: make(name, network, extra=extra) for name in extra}
    training, cohorts = dataset.train, dataset.cohorts
    unfinished = run.folder / "unfinished" / group
    times = Times(unfinished, training.x, training.y, network.digest)
    rows, searches = [], []
    for name in extra:
        estimator = estimators.pop(name)  # a fitted model is large: one at a time is kept
        start = time.perf_counter()
        offered = {"groups": training.series, "unfinished": unfinished / name}
        fit_with(estimator, training.x, training.y, **offered)
        fit_s = time.perf_counter() - start + times.total(name, extra[name])
        genes = predicted_genes(name, estimator, training.y.columns)
        save_model(run, name, estimator, group=group)
        for key, cohort in cohorts.items():
            predicted = predict_checked(name, estimator, cohort.x, genes=genes)
            run.write_prediction(name, key, predicted, group=group)
        about = {"fit_s": fit_s, "size_mb": model_size_mb(run, name), "n_genes": len(genes)}
        rows.append({"model": name, **_describe(specs[name]), **about})
        searches += _search_of(name, specs[name], estimator)
    table = pd.DataFrame(rows)
    run.write_table(f"models_{group}", table)
    run.write_table(f"searches_{group}", _joined_searches(searches))
    shutil.rmtree(unfinished, ignore_errors=True)
    return table


def _search_of(name: str, spec: ModelSpec, model: BaseEstimator) -> list[pd.DataFrame]:
    """Take what a model tried to choose its settings, if it did."""
    search = getattr(model, "search_", None)
    if not isinstance(search, pd.DataFrame):
        return []
    return [search.assign(model=name, label=spec.label)]


def _joined_searches(searches: list[pd.DataFrame]) -> pd.DataFrame:
    """Put the searches one below the other; without any, the table has no rows."""
    columns = ["model", "label", *SEARCH_COLUMNS]
    joined = pd.concat(searches, ignore_index=True) if searches else pd.DataFrame(columns=columns)
    return joined[columns]


def _describe(spec: ModelSpec) -> dict[str, str]:
    """Say what a model is, for the table of models."""
    return {
        "label": spec.label,
        "note": spec.note,
        "estimator": spec.estimator,
        "parameters": json.dumps(dict(spec.parameters), default=str, sort_keys=True),
    }


def read_models(run: Run) -> pd.DataFrame:
    """Read the tables of the models fitted so far, as :func:`fit_models` wrote them.

    Baselines come first, each group in the order in which it was fitted.

    Raises:
        FileNotFoundError: If no model was fitted yet.
    """
    fitted = [group for group in GROUPS if run.has_table(f"models_{group}")]
    tables = [run.read_table(f"models_{group}") for group in fitted or GROUPS[:1]]
    return pd.concat(tables, ignore_index=True).set_index("model", drop=False)


def model_labels(run: Run) -> dict[str, str]:
    """Map every fitted model's name to the report's name for it."""
    return read_models(run)["label"].to_dict()


class Predictions(Mapping[str, pd.DataFrame]):
    """Give models' predictions of one cohort by name, each opened from its file at each access.

    Held all at once, the predictions of a large study would fill the memory.

    Args:
        run: The run.
        cohort: "train", "test" or the name of an external cohort.
        models: Names of fitted models.
    """

    def __init__(self, run: Run, cohort: str, models: Iterable[str]) -> None:
        self._run, self._cohort, self._models = run, cohort, list(models)

    def __getitem__(self, model: str) -> pd.DataFrame:
        """Open one model's prediction ``(sample, gene)``."""
        if model not in self._models:
            raise KeyError(f"no prediction of {model!r} here; there are {listed(self._models)}")
        return self._run.read_prediction(model, self._cohort)

    def __iter__(self) -> Iterator[str]:
        """Name the models in the order in which they were fitted."""
        return iter(self._models)

    def __len__(self) -> int:
        """Count the models."""
        return len(self._models)


def read_predictions(run: Run, cohort: str, models: Iterable[str] | None = None) -> Predictions:
    """Read the predictions of one cohort.

    Args:
        run: The run.
        cohort: "train", "test" or the name of an external cohort.
        models: Some of the fitted models; None: all of them.
    """
    return Predictions(run, cohort, read_models(run)["model"] if models is None else models)


def read_all_predictions(run: Run, cohorts: Iterable[str]) -> dict[str, Predictions]:
    """Read all models' predictions of several cohorts: cohort to model to table."""
    return {cohort: read_predictions(run, cohort) for cohort in cohorts}


def of_those_fitted(run: Run, names: Iterable[str]) -> list[str]:
    """Keep the models that this run has fitted, in their order.

    What chapters show when they are not asked for more is a list of models of the registry, and a
    profile need not fit all of them.

    Raises:
        KeyError: If a name is no model at all, or none of them was fitted.
    """
    fitted, names = read_models(run).index, list(names)
    kept = [name for name in names if name in fitted]
    strange = [name for name in names if name not in fitted and name not in registry()]
    if strange or not kept:
        raise KeyError(
            f"not fitted in this run: {listed(strange or names)}; name some of those fitted, by "
            f"the chapter's parameters in the profile: {listed(fitted, most=20)}"
        )
    return kept


def load_models(run: Run, names: Iterable[str]) -> dict[str, BaseEstimator]:
    """Load fitted models by name.

    Raises:
        KeyError: If one was not fitted in this run.
    """
    fitted, names = read_models(run).index, list(names)
    unknown = [name for name in names if name not in fitted]
    if unknown:
        raise KeyError(f"not fitted in this run: {', '.join(unknown)}; fitted: {', '.join(fitted)}")
    return {name: load_model(run, name) for name in names}


def chosen_alphas(run: Run, names: Iterable[str]) -> pd.DataFrame:
    """Collect the penalties that ridge models chose: model, gene, alpha.

    Models without a penalty a gene, and genes without regulators, are left out; so are models of
    packages whose files are not opened.
    """
    path = read_models(run)["estimator"]
    names = [name for name in names if name not in path or is_trusted(path[name])]
    tables = [
        pd.DataFrame({"model": name, "gene": alphas.index, "alpha": alphas.to_numpy(float)})
        for name, model in load_models(run, names).items()
        if (alphas := penalty_per_gene(model)) is not None
    ]
    empty = pd.DataFrame(columns=["model", "gene", "alpha"])
    return pd.concat(tables, ignore_index=True).dropna() if tables else empty


@dataclass(frozen=True)
class TrainingSummary:
    """Hold how the LEMBAS models of a run were trained.

    Attributes:
        history: One row a model, phase and epoch.
        table: One row a model, for a reader.
        settings: One row a setting of the training, one column a model.
    """

    history: pd.DataFrame
    table: pd.DataFrame
    settings: pd.DataFrame

    def search(self, model: str) -> pd.DataFrame:
        """Return the epochs of the first phase: the search, or all when nothing is held out."""
        rows = self.history[self.history["model"] == model]
        return rows[rows["phase"] == rows["phase"].iloc[0]]

    def chosen_epoch(self, model: str) -> int:
        """Return the epoch with the lowest validation loss."""
        rows = self.search(model)
        return int(rows.loc[rows["validation_loss"].idxmin(), "epoch"])

    def for_reader(self) -> pd.DataFrame:
        """Lay the table out for a page: one row a property, one column a model."""
        table = self.table.set_index("label").drop(columns="model")
        table["edges with the wrong sign"] = table["edges with the wrong sign"].map(_share)
        for column in ("final training loss", "spectral radius"):
            table[column] = table[column].map("{:.3f}".format)
        return table.T.rename_axis(columns=None)


def sign_sentence(summary: TrainingSummary, model: str, other: str) -> str:
    """Say how many edges of two models have weights that contradict their known signs."""
    share = summary.table.set_index("model")["edges with the wrong sign"]
    if pd.isna(share[model]):
        return "No edge of the network has a known sign, so no weight can contradict one."
    return (
        f"{_share(share[model])} of the edges whose sign is known carry a weight that contradicts "
        f"it ({_share(share[other])} under the published recipe)."
    )


def _setting(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _share(part: float) -> str:
    return "no sign known" if pd.isna(part) else f"{part:.1%}"


def _counted(genes: pd.Index) -> str:
    """Count genes and name the first, as a table's cell."""
    return f"{len(genes)} ({listed(genes)})" if len(genes) else "none"


def training_summary(run: Run, names: Iterable[str]) -> TrainingSummary:
    """Collect the training histories and figures of the LEMBAS models.

    The networks of an ensemble are listed one by one.
    """
    histories, rows, settings = [], [], {}
    for name, label, model in _networks(run, names):
        histories.append(model.history_.assign(model=name))
        own = {setting: _setting(value) for setting, value in asdict(model.config_).items()}
        settings[label] = pd.Series(own)
        network = model.network_
        rows.append(
            {
                "model": name,
                "label": label,
                "parameters": sum(parameter.numel() for parameter in network.parameters()),
                "edges": len(network.edges),
                "T": network.config.max_steps,
                "updates": model.n_updates_,
                "final training loss": model.history_["train_loss"].iloc[-1],
                "edges with the wrong sign": sign_violation_share(network),
                "spectral radius": spectral_radius(network),
                "predicted by their bias alone": _counted(model.genes_without_regulators_),
            }
        )
    return TrainingSummary(
        pd.concat(histories, ignore_index=True), pd.DataFrame(rows), pd.DataFrame(settings)
    )


def _networks(run: Run, names: Iterable[str]) -> Iterator[tuple[str, str, LembasRegressor]]:
    """Go through the trained networks: name, label and regressor."""
    labels = model_labels(run)
    for name, fitted in load_models(run, names).items():
        model = best_of(fitted)
        if not isinstance(model, LembasEnsemble):
            inner = model.inner_ if isinstance(model, LembasChannels) else model
            yield name, labels[name], inner
            continue
        for member in model.members_:
            seed = f"seed {member.seed}"
            yield f"{name}, {seed}", f"{labels[name]}, {seed}", member
