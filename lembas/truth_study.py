"""Fit and explain models on simulated studies, once in depth and along curves of settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import pandas as pd
from sklearn.base import BaseEstimator

from lembas import true_effects
from lembas.attribution import explain
from lembas.baselines import fit_with, make
from lembas.cohorts import Cohort
from lembas.conditions import Noise
from lembas.metrics import score_per_gene
from lembas.network import Network
from lembas.own_column import without_input_targets
from lembas.randomised import randomised
from lembas.recovery import RATIO, resampled
from lembas.simulate import Simulation, simulate
from lembas.study import study_of
from lembas.truth import PRIOR, Pairs, scores_of, scores_of_prior, true_pairs

# What is explained when nothing else is asked for: one of a kind, trees and networks last.
MODELS: tuple[str, ...] = (
    *("mlr", "ridge", "pls", "masked_ridge", "signed_ridge", "path_ridge"),
    *("xgbrf", "boosted", "lembas", "lembas_ensemble"),
)
# Ends the name of a model whose weights sit in the wrong places.
RANDOMISED = "@randomised"
# Settings that the curves may vary, and what a reader calls them.
CURVES: Mapping[str, str] = MappingProxyType(
    {
        "noise": "noise, times the usual",
        "n_samples": "samples of the study",
        "prior_recall": "share of the true edges in the prior",
        "prior_false_share": "share of the prior's edges that are false",
    }
)
# The values they take when nothing else is asked for; the usual ones are among them.
CURVE_VALUES: Mapping[str, Sequence[float]] = MappingProxyType(
    {
        "noise": (0.5, 1, 2, 4),
        "n_samples": (60, 120, 300, 600),
        "prior_recall": (0.2, 0.4, 0.6, 0.9),
        "prior_false_share": (0.0, 0.3, 0.6),
    }
)
# Nothing here is asked of other cohorts.
_ONE_COHORT: Mapping[str, tuple[float, ...]] = MappingProxyType(
    dict.fromkeys(("n_external", "external_shift", "external_missing"), ())
)
# Kinetics are looked at in more samples than any target has regulators.
_N_STATES, _EVERY = 200, 5


@dataclass(frozen=True, eq=False)
class TrueStudy:
    """Hold a simulated study, what is true of it, and what is to be explained.

    Attributes:
        simulation: The simulation.
        network: The prior that models are given.
        train: Samples that models are fitted to; targets that are TFs are left out.
        pairs: Candidates of the panel's targets.
        linear_share: Share of each target's true response that is linear, over ``gene``.
        samples: Held-out inputs to explain, ``(sample, tf)``, log10.
        expression: Targets of all held-out samples, with their inputs.
        background: Training inputs, ``(sample, tf)``, log10.
    """

    simulation: Simulation
    network: Network
    train: Cohort
    pairs: Pairs
    linear_share: pd.Series
    samples: pd.DataFrame
    expression: Cohort
    background: pd.DataFrame


@dataclass(frozen=True, eq=False)
class Rankings:
    """Hold how models rank the pairs of a study.

    Attributes:
        scores: Model to gene, tf, score, direction; with the prior alone, and with randomised
            copies, whose names end in ``RANDOMISED``.
        skill: Median skill on the held-out samples, the panel's targets alone, over ``model``.
    """

    scores: Mapping[str, pd.DataFrame]
    skill: pd.Series


def true_study(
    settings: Mapping[str, Any],
    *,
    n_genes: int = 100,
    n_samples: int = 20,
    n_background: int = 20,
    seed: int = 888,
) -> TrueStudy:
    """Simulate a study and derive what is true of a panel of its targets.

    Args:
        settings: Arguments of :func:`lembas.simulate.simulate`; ``noise`` is a number here, see
            :func:`scaled_noise`. There are no external cohorts unless asked for.
        n_genes: Targets in the panel at most, drawn.
        n_samples: Held-out samples to explain at most, drawn.
        n_background: Training samples in the background at most, drawn.
        seed: Seed of these draws; the simulation has one of its own.

    Raises:
        ValueError: If a number is below 1, or a setting is out of range.
        TypeError: If a setting is unknown.
    """
    counts = {"n_genes": n_genes, "n_samples": n_samples, "n_background": n_background}
    wrong = [f"{name}={count}" for name, count in counts.items() if count < 1]
    if wrong:
        raise ValueError(f"{', '.join(wrong)}: nothing to explain; expected numbers of at least 1")
    given = {**_ONE_COHORT, **settings}
    simulation = simulate(**{**given, "noise": scaled_noise(given.get("noise", 1.0))})
    study = study_of(simulation)
    train, test = (
        without_input_targets(part) for part in (study.dataset.train, study.dataset.test)
    )
    genes = pd.Series(train.y.columns.intersection(simulation.targets))
    panel = pd.Index(genes.sample(min(n_genes, len(genes)), random_state=seed), name="gene")
    activity = true_effects.settled_activity(simulation, n_samples=_N_STATES)
    effects = true_effects.total_effects(simulation, activity.iloc[::_EVERY])
    return TrueStudy(
        simulation=simulation,
        network=study.network,
        train=train,
        pairs=true_pairs(simulation, effects, tfs=train.x.columns, genes=panel.sort_values()),
        linear_share=true_effects.linearity(simulation.regulation.of(panel), activity),
        samples=_drawn(test.x, n_samples, seed),
        expression=test,
        background=_drawn(train.x, n_background, seed),
    )


def scaled_noise(factor: float) -> Noise:
    """Make the noise of a simulation larger or smaller.

    Args:
        factor: Multiplies the SDs of a gene's own variation, of hidden activity, of series and of
            counts beyond chance, >= 0. The factors that samples share, and reads, stay.
    """
    usual = Noise()
    return replace(
        usual,
        gene=factor * usual.gene,
        activity=factor * usual.activity,
        series=factor * usual.series,
        dispersion=factor**2 * usual.dispersion,
    )


def explain_all(
    study: TrueStudy,
    models: Iterable[str],
    *,
    panel_models: Iterable[str] = ("xgbrf", "boosted"),
    randomise: Iterable[str] = (),
    extra: Mapping[str, Mapping[str, Any]] | None = None,
    seed: int = 888,
) -> Rankings:
    """Fit models to a study and rank its pairs by their attributions.

    Args:
        study: The study.
        models: Registry names; none: ``MODELS``.
        panel_models: Which of these are fitted to the panel's targets alone: models that take
            long, and fit each gene by itself.
        randomise: Which models are also explained with their weights in the wrong places.
        extra: Entries of a profile, as :func:`lembas.baselines.registry` takes them.
        seed: Seed of the randomised models.

    Raises:
        KeyError, ValueError: If a model is unknown, or cannot be fitted.
        TypeError: If a model cannot be explained or randomised.
    """
    scores, skill, panel = {PRIOR: scores_of_prior(study.pairs)}, {}, study.pairs.genes
    panel_models, randomise = set(panel_models), set(randomise)
    for name in [*models] or MODELS:
        y = study.train.y[panel] if name in panel_models else study.train.y
        model = make(name, study.network, extra=extra)
        fit_with(model, study.train.x, y, groups=study.train.series)
        scores[name] = _scores(model, study)
        skill[name] = _skill(model, study)
        if name in randomise:
            scores[name + RANDOMISED] = _scores(randomised(model, seed=seed), study)
    return Rankings(scores, pd.Series(skill, name="skill").rename_axis("model"))


def recovery_curves(
    settings: Mapping[str, Any],
    curves: Mapping[str, Sequence[float]],
    models: Sequence[str],
    *,
    seeds: Iterable[int] = (888,),
    questions: Sequence[str] = ("direct", "within_prior"),
    extra: Mapping[str, Mapping[str, Any]] | None = None,
    **sizes: int,
) -> pd.DataFrame:
    """Follow how well attributions recover edges as one setting of the simulation changes.

    Args:
        settings: The simulation that all curves have in common.
        curves: Setting, of ``CURVES``, to the values it takes; empty: ``CURVE_VALUES``.
        models: Registry names; the prior alone stands beside them.
        seeds: Each draws another network and study.
        questions: Some of :data:`lembas.truth.QUESTIONS`; one that a study does not pose, such as
            false edges of a prior without any, has no row there.
        extra: Entries of a profile.
        **sizes: ``n_genes``, ``n_samples`` and ``n_background`` of :func:`true_study`.

    Returns:
        Tidy: curve, setting, seed, question, model, base_rate, value (AUPRC over base rate).

    Raises:
        KeyError: If a curve is none of ``CURVES``.
    """
    unknown = [name for name in curves if name not in CURVES]
    if unknown:
        names = ", ".join(unknown[:5])
        raise KeyError(f"no curve of {names}; expected some of {', '.join(CURVES)}")
    curves = curves or CURVE_VALUES
    known: dict[tuple[tuple[str, Any], ...], pd.DataFrame] = {}
    parts = []
    for curve, values in curves.items():
        for seed in seeds:
            for setting in values:
                chosen = {"noise": 1.0, **settings, curve: setting, "seed": seed}
                key = tuple(sorted((name, str(value)) for name, value in chosen.items()))
                if key not in known:
                    known[key] = _point(chosen, models, questions, extra, sizes)
                parts.append(known[key].assign(curve=curve, setting=setting, seed=seed))
    columns = ["curve", "setting", "seed", "question", "model", "base_rate", "value"]
    return pd.concat(parts, ignore_index=True)[columns]


def curve_ranges(curves: pd.DataFrame) -> pd.DataFrame:
    """Summarise curves over seeds: value is the median, low and high the range, no interval."""
    keys = ["curve", "setting", "question", "model"]
    return curves.groupby(keys, as_index=False, sort=False).agg(
        value=("value", "median"), low=("value", "min"), high=("value", "max")
    )


def labels_with_copies(labels: Mapping[str, str]) -> dict[str, str]:
    """Name the prior alone and the randomised copy of every model, beside the models."""
    copies = {name + RANDOMISED: f"{label}, randomised" for name, label in labels.items()}
    return {PRIOR: "The prior alone", **labels, **copies}


def _point(
    settings: Mapping[str, Any],
    models: Sequence[str],
    questions: Sequence[str],
    extra: Mapping[str, Mapping[str, Any]] | None,
    sizes: Mapping[str, int],
) -> pd.DataFrame:
    """Score the models on one simulated study."""
    study = true_study(settings, seed=settings["seed"], **sizes)
    scores = explain_all(study, models, extra=extra).scores
    rows = []
    for question in questions:
        if not study.pairs.poses(question):
            continue
        # The full set alone is wanted: no resamples.
        draws = resampled(study.pairs, scores, question=question, n_resamples=0)
        for model, found in draws.estimates.items():
            value = {"base_rate": found["base_rate"], "value": found[RATIO]}
            rows.append({"question": question, "model": model, **value})
    return pd.DataFrame(rows, columns=["question", "model", "base_rate", "value"])


def _scores(model: BaseEstimator, study: TrueStudy) -> pd.DataFrame:
    return scores_of(explain(model, study.samples, study.background, study.pairs.genes))


def _skill(model: BaseEstimator, study: TrueStudy) -> float:
    """Median skill over the panel on all held-out samples."""
    genes = study.pairs.genes
    mean = study.train.y[genes].mean().astype(float)
    predicted = model.predict(study.expression.x)[genes]
    scores = score_per_gene(study.expression.y[genes], predicted, mean)
    return float(scores["skill_per_gene"].median())


def _drawn(table: pd.DataFrame, count: int, seed: int) -> pd.DataFrame:
    return table.sample(min(count, len(table)), random_state=seed)
