"""Fit models on control networks and score them; what was fitted before is kept."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property, partial
from itertools import groupby
from pathlib import Path
from typing import Any, Self

import joblib
import numpy as np
import pandas as pd

from lembas.baselines import fit_with, make
from lembas.climbed import Ladder, gathered
from lembas.cohorts import Cohort, Dataset
from lembas.evaluation import centred
from lembas.formats import write_atomically
from lembas.intervals import bootstrap
from lembas.ladder import VARIANTS, Entries, Rung, check_ladder, possible
from lembas.metrics import PRIMARY, score_per_gene
from lembas.network import Network
from lembas.rewiring import share_moved
from lembas.shares import Share
from lembas.summary import CENTRED
from lembas.unfinished import Unfinished, fingerprint

# Genes that are no inputs, and those that are: a model may see the latter themselves.
NOT_INPUTS, INPUTS = "not_inputs", "inputs"


def climb(
    dataset: Dataset,
    network: Network,
    ladder: Iterable[Rung],
    *,
    models: Entries | None = None,
    seed: int = 888,
    n_resamples: int = 2000,
    unfinished: str | Path | None = None,
    n_jobs: int = -1,
) -> Ladder:
    """Fit every rung of a ladder and score it on the test samples and the external cohorts.

    The real network is cut to measured TFs and targets first, so that a control gives every
    gene as many measured regulators as the real network does. Draw k of a variant is the same
    network for all models.

    Args:
        dataset: Training samples and cohorts.
        network: The prior.
        ladder: What to fit; each model's rungs must include the real network. Controls of signs
            are left out where no edge in use has a known sign.
        models: What differs from the registry, as :func:`lembas.baselines.registry` takes it.
        seed: Seed of the controls and of the resampling.
        n_resamples: Resamples for the 95 % intervals.
        unfinished: Folder that keeps each draw that is done, and a long fit's progress: after a
            kill nothing is fitted again. Whoever calls removes it once the result is safe.
        n_jobs: Threads of the scoring (-1: all processors); the result does not depend on them.

    Raises:
        KeyError, ValueError: If a model is unknown or has no real network beside its controls,
            a rung is asked for twice, or a network cannot be rewired.
    """
    ladder = list(ladder)
    work = _Work.of(
        dataset, network, ladder, models=models, seed=seed, n_resamples=n_resamples, n_jobs=n_jobs
    )
    found = list(_done(work, _fits(possible(ladder, work.network)), unfinished))
    parts = {
        field.name: pd.concat([getattr(drawn, field.name) for drawn in found], ignore_index=True)
        for field in fields(_Drawn)
    }
    return gathered(**parts)


def climb_share(
    dataset: Dataset,
    network: Network,
    ladder: Iterable[Rung],
    share: Share,
    *,
    unfinished: str | Path,
    **options: Any,
) -> int:
    """Fit a share of a ladder in advance: :func:`climb` finds it in ``unfinished``.

    Args:
        dataset: As :func:`climb` takes it, and so all other arguments.
        network: The prior.
        ladder: What to fit.
        share: Which share; each gets as many fits of each model as the others.
        unfinished: The folder that :func:`climb` will be given.
        **options: ``models``, ``seed``, ``n_resamples`` and ``n_jobs``.

    Returns:
        How many fits the share holds.
    """
    ladder = list(ladder)
    work = _Work.of(dataset, network, ladder, **options)
    fits = _fits(possible(ladder, work.network))
    by_model = sorted(range(len(fits)), key=lambda at: fits[at][0])
    mine = [fits[at] for at in sorted(share.take(by_model))]
    return sum(1 for _ in _done(work, mine, unfinished))


def _fits(ladder: list[Rung]) -> list[tuple[str, str, int]]:
    """List the fits to make, control by control: model, variant and draw."""
    return [
        (rung.model, variant, draw)
        for variant, draw in _networks(ladder)
        for rung in ladder
        if rung.variant == variant and draw < rung.n_draws
    ]


def _done(
    work: _Work, fits: list[tuple[str, str, int]], unfinished: str | Path | None
) -> Iterator[_Drawn]:
    """Go through the fits; one control at a time is kept, for all its models."""
    for (variant, draw), same in groupby(fits, key=lambda fit: fit[1:]):
        control = _Control(work.network, variant, draw, _seed_of(work.seed, draw))
        for model, *_ in same:
            yield _done_once(work, model, control, unfinished)


def _networks(ladder: list[Rung]) -> list[tuple[str, int]]:
    """List the networks to make: variant and draw."""
    most: dict[str, int] = {}
    for rung in ladder:
        most[rung.variant] = max(rung.n_draws, most.get(rung.variant, 0))
    return [(variant, draw) for variant, n_draws in most.items() for draw in range(n_draws)]


def _seed_of(seed: int, draw: int) -> int:
    return int(np.random.SeedSequence((seed, draw)).generate_state(1)[0])


@dataclass(frozen=True, eq=False)
class _Control:
    """One control, made when it is first asked for: a draw that is kept needs none."""

    real: Network
    variant: str
    draw: int
    seed: int

    @cached_property
    def network(self) -> Network:
        return VARIANTS[self.variant].make(self.real, self.seed)

    @cached_property
    def moved(self) -> float:
        return share_moved(self.real, self.network)

    def inputs(self, X: pd.DataFrame) -> pd.DataFrame:
        """Shuffle the samples of the inputs, where the control is made so; names stay."""
        if not VARIANTS[self.variant].shuffles_samples:
            return X
        order = np.random.default_rng(self.seed).permutation(len(X))
        return X.iloc[order].set_axis(X.index, axis=0)


@dataclass(frozen=True, eq=False)
class _Drawn:
    """What is kept of one model on one control.

    Attributes:
        per_gene: cohort, genes, gene, skill.
        resampled: cohort, genes, resample, skill (median), n_units (of the cohort's resamples).
        fits: fit_s, n_edges, moved.
    """

    per_gene: pd.DataFrame
    resampled: pd.DataFrame
    fits: pd.DataFrame

    def named(self, **names: Any) -> Self:
        """Put the same values in front of every table."""
        tables = {
            field.name: getattr(self, field.name).assign(**names)[
                [*names, *getattr(self, field.name).columns]
            ]
            for field in fields(self)
        }
        return replace(self, **tables)


def _done_once(work: _Work, model: str, control: _Control, unfinished: str | Path | None) -> _Drawn:
    """Fit and score one model on one control, or read what an earlier process kept of it."""
    names = {"model": model, "variant": control.variant, "draw": control.draw}
    if unfinished is None:
        return work.run(model, control, None).named(**names)
    folder = Path(unfinished, "-".join(map(str, names.values())))
    place = Unfinished.open(
        folder, fingerprint(work.key, {**names, "entry": work.extra.get(model)})
    )
    # The last one is written last: when it is there, all are.
    paths = {field.name: place.path(f"{field.name}.parquet") for field in fields(_Drawn)}
    if not paths["fits"].is_file():
        drawn = work.run(model, control, place.path("fit"))
        for name, path in paths.items():
            write_atomically(path, partial(getattr(drawn, name).to_parquet, index=False))
    return _Drawn(**{name: pd.read_parquet(path) for name, path in paths.items()}).named(**names)


@dataclass(frozen=True, eq=False)
class _Work:
    """All that the draws of a ladder share."""

    dataset: Dataset
    network: Network
    extra: Mapping[str, Mapping[str, Any]]
    seed: int
    n_resamples: int
    n_jobs: int

    @classmethod
    def of(
        cls,
        dataset: Dataset,
        network: Network,
        ladder: list[Rung],
        *,
        models: Entries | None = None,
        seed: int = 888,
        n_resamples: int = 2000,
        n_jobs: int = -1,
    ) -> _Work:
        """Check what is asked for, and cut the network to what is measured."""
        check_ladder(ladder)
        extra = {name: dict(entry or {}) for name, entry in (models or {}).items()}
        for model in dict.fromkeys(rung.model for rung in ladder):
            make(model, network, extra=extra)  # a misspelt name costs no time
        network = network.restrict(dataset.inputs, dataset.targets)
        return cls(dataset, network, extra, seed, n_resamples, joblib.effective_n_jobs(n_jobs))

    @cached_property
    def key(self) -> str:
        """Digest all that a draw depends on, apart from its model and its control."""
        dataset = self.dataset
        roles = {"inputs": list(dataset.inputs), "targets": list(dataset.targets)}
        settings = {"seed": self.seed, "n_resamples": self.n_resamples, "fill": dataset.fill}
        samples = dataset.samples.to_csv()
        return fingerprint(dataset.expression, samples, self.network.digest, roles, settings)

    @cached_property
    def training(self) -> Cohort:
        return self.dataset.train

    @cached_property
    def scored(self) -> dict[str, Cohort]:
        """The cohorts that are scored, by the name they get; external ones are centred."""
        away = {f"{name}{CENTRED}": cohort for name, cohort in self.dataset.external.items()}
        return {"test": self.dataset.test, **away}

    def run(self, model: str, control: _Control, unfinished: Path | None) -> _Drawn:
        """Fit and score one model on one control."""
        estimator = make(model, control.network, extra=self.extra)
        offered = {"groups": self.training.series, "unfinished": unfinished}
        start = time.perf_counter()
        fit_with(estimator, control.inputs(self.training.x), self.training.y, **offered)
        about = {
            "fit_s": time.perf_counter() - start,
            "n_edges": len(control.network),
            "moved": control.moved,
        }
        parts = [
            part
            for name, cohort in self.scored.items()
            for part in self._scores(name, cohort, estimator.predict(cohort.x))
        ]
        per_gene, resampled = (list(tables) for tables in zip(*parts, strict=True))
        return _Drawn(
            pd.concat(per_gene, ignore_index=True),
            pd.concat(resampled, ignore_index=True),
            pd.DataFrame([about]),
        )

    def _scores(
        self, name: str, cohort: Cohort, prediction: pd.DataFrame
    ) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
        """Score one cohort on each set of genes: gene by gene, and in each resample."""
        prediction = prediction[cohort.y.columns.intersection(prediction.columns, sort=False)]
        null = self.dataset.train_mean
        if name.endswith(CENTRED):
            cohort, tables, null = centred(cohort, {name: prediction})
            prediction = tables[name]
        is_input = prediction.columns.isin(self.dataset.inputs)
        drawn: dict[str, Any] = {
            "n_resamples": self.n_resamples,
            "seed": self.seed,
            "metrics": [PRIMARY],
        }
        for genes, chosen in ((NOT_INPUTS, ~is_input), (INPUTS, is_input)):
            if not chosen.any():
                continue
            own = prediction.loc[:, chosen]
            truth, where = cohort.y[own.columns], {"cohort": name, "genes": genes}
            skill = score_per_gene(truth, own, null, n_jobs=self.n_jobs)["skill_per_gene"]
            draws = bootstrap(truth, {"": own}, null, series=cohort.series, **drawn)
            medians = draws.by_model[""][PRIMARY].rename("skill").rename_axis("resample")
            yield (
                skill.rename("skill").rename_axis("gene").reset_index().assign(**where),
                medians.reset_index().assign(n_units=draws.n_units, **where),
            )
