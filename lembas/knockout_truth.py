"""Compare the knock-outs that models predict with those of the simulator."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.base import BaseEstimator
from sklearn.metrics import average_precision_score

from lembas.baselines import fit_with, make
from lembas.intervals import half_width
from lembas.kinetics import settle
from lembas.knockout import checked_tfs, knock_out, percentile
from lembas.network import Network
from lembas.path_ridge import reach
from lembas.simulate import STUDY, Simulation, simulate
from lembas.truth import PRIOR

# A lone external cohort is called so; of its size a simulated knock-out takes .2 seconds.
NEW_SAMPLES = "external_1"
N_NEW_SAMPLES = 60
DIRECT, INDIRECT, NONE = "direct", "indirect", "none"
# Part of the genes that is judged: the responders of one role among the genes that do not respond.
PARTS: Mapping[str, tuple[str, ...]] = {
    "all": (DIRECT, INDIRECT, NONE),
    DIRECT: (DIRECT, NONE),
    INDIRECT: (INDIRECT, NONE),
}
METRICS: tuple[str, ...] = ("auprc", "lift", "spearman", "sign_accuracy", "slope")
# A true response of .05 (12 % more or 11 % less) counts as one.
LEAST_RESPONSE = 0.05


def simulated_study(*, n_samples: int, n_tfs: int, seed: int) -> Simulation:
    """Simulate a study, and new samples of its population to knock TFs out in.

    Args:
        n_samples: Samples to fit models to; one series of 50 on average, at least one.
        n_tfs: TFs; there are four other genes for each.
        seed: Seed of all randomness.
    """
    return simulate(
        n_samples=n_samples,
        n_series=max(n_samples // 50, 1),
        n_tfs=n_tfs,
        n_targets=4 * n_tfs,
        n_external=(N_NEW_SAMPLES,),
        external_shift=(0.0,),
        external_missing=(0.0,),
        seed=seed,
    )


def fit_on(
    simulation: Simulation, models: Iterable[str], *, settings: Mapping[str, dict] | None = None
) -> dict[str, BaseEstimator]:
    """Fit registered models to a simulated study: all its TFs, all its other genes.

    Args:
        simulation: The study.
        models: Registry names.
        settings: Registry name to parameters that differ from the registry's.
    """
    X, Y = (simulation.expression[names] for names in (simulation.tfs, simulation.targets))
    fitted = {}
    for name in models:
        fitted[name] = make(name, simulation.prior, **(settings or {}).get(name, {}))
        fit_with(fitted[name], X, Y, groups=simulation.series)
    return fitted


def true_responses(
    simulation: Simulation, tfs: Iterable[str], *, level: str = "zero", cohort: str = STUDY
) -> pd.DataFrame:
    """Run the simulator again with one TF after the other held at a low level.

    Args:
        simulation: The study.
        tfs: TFs to knock out.
        level: "zero" (no mRNA at all) or a percentile of the TF's true mRNA in the cohort.
        cohort: "study" or an external cohort: the samples to knock them out in.

    Returns:
        Columns tf, gene, response, response_sd: mean and SD over the samples of the change of
        expected log10(CPM+1), over all targets.

    Raises:
        KeyError: If a TF or the cohort is unknown.
        ValueError: If the level is neither of these.
    """
    chosen = checked_tfs(tfs, simulation.tfs)
    before = simulation.expected_expression(cohort=cohort)[simulation.targets]
    levels = _true_levels(simulation, chosen, level, cohort)
    tables = []
    for tf, held in levels.items():
        after = simulation.expected_expression(clamp={str(tf): held}, cohort=cohort)
        change = after[before.columns] - before
        summary = {"response": change.mean(), "response_sd": change.std(ddof=0)}
        tables.append(pd.DataFrame(summary).rename_axis("gene").reset_index().assign(tf=tf))
    columns = ["tf", "gene", "response", "response_sd"]
    return pd.concat(tables, ignore_index=True)[columns]


def _true_levels(
    simulation: Simulation, tfs: pd.Index, level: str, cohort: str
) -> dict[str, float]:
    """Find the log2 mRNA at which the simulator holds each TF."""
    if level == "zero":
        return dict.fromkeys(tfs, -np.inf)
    share = percentile(level)
    if share is None:
        raise ValueError(
            f'level {level!r}; the simulator takes "zero" or a percentile such as "p5"'
        )
    conditions = simulation.conditions[cohort]
    cascade = simulation.regulation.of(simulation.tfs)
    mrna = settle(cascade, conditions.tf_drivers, conditions.hidden)
    return mrna[tfs].quantile(share).to_dict()


def compared_responses(
    simulation: Simulation,
    models: Mapping[str, BaseEstimator],
    tfs: Iterable[str],
    *,
    levels: Iterable[str] = ("zero", "p5"),
    cohort: str = STUDY,
) -> pd.DataFrame:
    """Put predicted beside true responses, for every model and for the prior alone.

    Args:
        simulation: The study that the models were fitted to.
        models: Name to fitted model; a LEMBAS-RNN is also asked with its node held.
        tfs: TFs to knock out.
        levels: As in :func:`true_responses`; the models take the same, a percentile being that
            of the measured expression in the cohort.
        cohort: The samples, as in :func:`true_responses`.

    Returns:
        Columns level, model, tf, gene, role, true, predicted: role is "direct" for a true edge
        from TF to gene, "indirect" for a longer true path, "none" for no path.
    """
    chosen = checked_tfs(tfs, simulation.tfs)
    measured = simulation.expression if cohort == STUDY else simulation.external[cohort]
    X, tables = measured[simulation.tfs], []
    of_role = roles(simulation.truth, chosen, simulation.targets)
    prior = _prior_responses(simulation.prior, chosen, simulation.targets)
    for level in levels:
        truth = true_responses(simulation, chosen, level=level, cohort=cohort)
        made = knock_out(models, X, chosen, level=level, with_nodes=True).responses
        both = pd.concat([made, prior], ignore_index=True).rename(columns={"response": "predicted"})
        true = truth.rename(columns={"response": "true"}).merge(of_role, on=["tf", "gene"])
        joined = both[["model", "tf", "gene", "predicted"]].merge(true, on=["tf", "gene"])
        tables.append(joined.assign(level=level))
    columns = ["level", "model", "tf", "gene", "role", "true", "predicted"]
    return pd.concat(tables, ignore_index=True)[columns]


def roles(truth: Network, tfs: pd.Index, genes: pd.Index) -> pd.DataFrame:
    """Say for each TF and gene whether an edge, a longer path or no path leads there.

    Returns:
        Columns tf, gene, role.
    """
    hops = reach(truth, tfs, genes, hops=1).toarray()
    paths = reach(truth, tfs, genes, hops=max(len(truth.tfs), 1)).toarray()
    role = np.where(hops, DIRECT, np.where(paths, INDIRECT, NONE)).T
    return _long(pd.DataFrame(role, index=tfs, columns=genes), "role")


def _prior_responses(prior: Network, tfs: pd.Index, genes: pd.Index) -> pd.DataFrame:
    """Read the prior's signed edges as responses: the loss of an activator lowers its targets.

    An edge of unknown sign says nothing of the direction, and counts as no response.
    """
    row, column, sign = prior.positions(tfs, genes)
    values = np.zeros((len(tfs), len(genes)))
    values[column, row] = -sign
    table = pd.DataFrame(values, index=tfs, columns=genes)
    return _long(table, "response").assign(model=PRIOR)


def _long(table: pd.DataFrame, value: str) -> pd.DataFrame:
    """Lay a table ``(tf, gene)`` out as rows."""
    tfs, genes = (axis.to_numpy() for axis in table.axes)
    names = {"tf": np.repeat(tfs, len(genes)), "gene": np.tile(genes, len(tfs))}
    return pd.DataFrame({**names, value: table.to_numpy().ravel()})


def score_responses(compared: pd.DataFrame, *, least: float = LEAST_RESPONSE) -> pd.DataFrame:
    """Score the predicted responses, one TF at a time over the genes.

    A responder is a gene whose true response is at least ``least`` in size. Of the parts "direct"
    and "indirect" the other kind of gene is left out.

    Args:
        compared: Result of :func:`compared_responses`.
        least: Size of a true response that counts, log10, > 0.

    Returns:
        One row a level, model, TF and part: level, model, tf, part, n_genes, n_responders,
        base_rate (responders among the genes), auprc (area under precision and recall of the
        responders, ranked by the size of the predicted response), lift (auprc over base_rate),
        spearman (rank correlation of predicted and true), sign_accuracy (share of responders
        predicted to move the right way; a response of 0 is a miss) and slope (of predicted on
        true, through 0, over the responders). NaN without responders, or where nothing varies.

    Raises:
        ValueError: If ``least`` is not above 0.
    """
    if not least > 0:
        raise ValueError(f"least is {least}; expected a response size above 0, such as .05")
    keys = ["level", "model", "tf"]
    rows = [
        {**dict(zip(keys, key, strict=True)), "part": part, **scored}
        for key, own in compared.groupby(keys, sort=False)
        for part, scored in _scored(own, least)
    ]
    return pd.DataFrame(rows)


def _scored(own: pd.DataFrame, least: float) -> Iterator[tuple[str, dict[str, float]]]:
    """Score one model's response to one knock-out, part by part."""
    for part, kept in PARTS.items():
        rows = own[own["role"].isin(kept)]
        true, predicted = rows["true"].to_numpy(float), rows["predicted"].to_numpy(float)
        responds = np.abs(true) >= least
        scores: dict[str, float] = dict.fromkeys(("base_rate", *METRICS), np.nan)
        if responds.any():
            scores |= _of_responders(true, predicted, responds)
        if len(rows) and np.ptp(true) > 0 and np.ptp(predicted) > 0:
            # Pearson of ranks is Spearman; SciPy's own also tests, and takes ten times as long.
            ranks = stats.rankdata([true, predicted], axis=1)
            scores["spearman"] = float(np.corrcoef(ranks)[0, 1])
        yield part, {"n_genes": len(rows), "n_responders": int(responds.sum()), **scores}


def _of_responders(
    true: np.ndarray, predicted: np.ndarray, responds: np.ndarray
) -> dict[str, float]:
    right = np.sign(true[responds]) == np.sign(predicted[responds])
    auprc, base_rate = float(average_precision_score(responds, np.abs(predicted))), responds.mean()
    return {
        "base_rate": float(base_rate),
        "auprc": auprc,
        "lift": auprc / float(base_rate),
        "sign_accuracy": float(right.mean()),
        "slope": float(predicted[responds] @ true[responds] / (true[responds] @ true[responds])),
    }


def summarise_scores(
    scores: pd.DataFrame, *, n_resamples: int = 2000, seed: int = 888
) -> pd.DataFrame:
    """Average the scores over the TFs, with 95 % intervals from resampling TFs.

    Args:
        scores: Result of :func:`score_responses`.
        n_resamples: Resamples of the intervals.
        seed: Their seed.

    Returns:
        Columns level, model, part, metric, value, low, high, n_tfs: the TFs with a score; without
        any, value is NaN, and from fewer than four there are no limits.
    """
    keys = ["level", "model", "part"]
    rows = []
    for key, own in scores.groupby(keys, sort=False):
        for metric in (*METRICS, "base_rate"):
            values = own[metric].dropna().to_numpy(float)
            about = {"metric": metric, **_mean_and_limits(values, n_resamples, seed)}
            rows.append({**dict(zip(keys, key, strict=True)), **about, "n_tfs": values.size})
    return pd.DataFrame(rows)


def paired_difference(
    scores: pd.DataFrame,
    model: str,
    reference: str,
    *,
    metric: str = "auprc",
    level: str = "zero",
    part: str = "all",
    n_resamples: int = 2000,
    seed: int = 888,
) -> pd.Series:
    """Compare two models TF by TF.

    Args:
        scores: Result of :func:`score_responses`.
        model: Model in question.
        reference: Model it is compared with.
        metric: Score compared.
        level: Level of the knock-out.
        part: Part of the genes.
        n_resamples: Resamples of TFs for the 95 % interval.
        seed: Their seed.

    Returns:
        Entries value (mean difference), low, high and n_tfs.

    Raises:
        KeyError: If a model was not scored.
    """
    rows = scores[(scores["level"] == level) & (scores["part"] == part)]
    wide = rows.pivot_table(index="tf", columns="model", values=metric, dropna=False)
    missing = [name for name in (model, reference) if name not in wide]
    if missing:
        raise KeyError(f"not scored: {', '.join(missing)}; scored are {', '.join(wide.columns)}")
    values = (wide[model] - wide[reference]).dropna().to_numpy(float)
    return pd.Series({**_mean_and_limits(values, n_resamples, seed), "n_tfs": values.size})


def _mean_and_limits(values: np.ndarray, n_resamples: int, seed: int) -> dict[str, float]:
    """Average over TFs, with limits as all intervals have them: Student's t, from resamples."""
    if not values.size:
        return dict.fromkeys(("value", "low", "high"), np.nan)
    drawn = np.random.default_rng(seed).integers(len(values), size=(n_resamples, len(values)))
    means = pd.DataFrame({"mean": values[drawn].mean(axis=1)})
    value, half = float(values.mean()), float(half_width(means, len(values))["mean"])
    return {"value": value, "low": value - half, "high": value + half}
