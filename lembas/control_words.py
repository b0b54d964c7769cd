"""Put what the control networks show into tables and plain sentences, by rule."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from lembas.controls import NOT_INPUTS
from lembas.curated import SUFFIX
from lembas.formats import listed
from lembas.gains import DIFFERENCE, REWIRED
from lembas.ladder import REAL, VARIANTS
from lembas.summary import CENTRED
from lembas.verdict import compared

SHUFFLED = "permuted_samples"
_ANSWERS: Mapping[str, str] = {
    "better": "the network helps",
    "worse": "the network does harm",
    "equal": "the network makes no difference",
    "undecided": "it cannot be told whether the network helps",
}
_PARTS: Mapping[str, str] = {
    "better": "The real network adds to what the reach gains",
    "worse": "The reach gains less on the real network",
    "equal": "All of the gain is reach, none of it the network's",
    "undecided": "Whether the real network adds to what the reach gains cannot be told",
}
# Beyond this a skill with shuffled training samples is no longer about 0.
NEAR_ZERO = 0.05


def network_sentence(
    differences: pd.DataFrame,
    model: str,
    cohort: str,
    *,
    labels: Mapping[str, str],
    variant: str = "rewired",
) -> str:
    """Say whether the real network helps a model beside the controls of one kind.

    The rule is that of :func:`lembas.verdict.compared`, as in the summary's verdict.

    Args:
        differences: As in :class:`lembas.climbed.Ladder`; targets that are not inputs count.
        model: Model to speak of.
        cohort: Cohort to speak of.
        labels: Model to label.
        variant: Which controls.

    Raises:
        KeyError: If they were not compared.
    """
    row = _row(differences, model, cohort, variant)
    answer = _ANSWERS[compared(row["value"], row["low"], row["high"])]
    networks = "network" if row["n_draws"] == 1 else "networks"
    chance = "" if pd.isna(row["p_value"]) else f"; empirical p = {row['p_value']:.2g}"
    return (
        f"{labels.get(model, model)}, {_where(cohort)}: {answer}. Its median skill is "
        f"{row['real']:z.3f} with the real network and {row['control']:z.3f} on average with "
        f"{row['n_draws']:.0f} {VARIANTS[variant].words} {networks}, a difference of "
        f"{row['value']:+z.3f} ({_interval(row['low'], row['high'])}{chance})."
    )


def network_sentences(
    differences: pd.DataFrame, cohort: str, labels: Mapping[str, str], *, variant: str = "rewired"
) -> str:
    """Say for every model whether the real network helps on one cohort."""
    rows = _shown(differences).query("variant == @variant and cohort == @cohort")
    if rows.empty:
        return f"Nothing was compared {_where(cohort)} with {VARIANTS[variant].words} networks."
    return " ".join(
        network_sentence(differences, model, cohort, labels=labels, variant=variant)
        for model in rows["model"]
    )


def reach_sentences(gains: pd.DataFrame, cohort: str, labels: Mapping[str, str]) -> str:
    """Part what models gain over the masked ridge into reach and network.

    Args:
        gains: As in :class:`lembas.climbed.Ladder`.
        cohort: Cohort to speak of.
        labels: Model to label.
    """
    rows = _shown(gains).query("cohort == @cohort")
    compared_ = rows.loc[rows["network"] == DIFFERENCE, "model"]
    sentences = []
    for model in compared_:
        own = rows[rows["model"] == model].set_index("network")
        real, rewired, rest = (own.loc[name] for name in (REAL, REWIRED, DIFFERENCE))
        verdict = _PARTS[compared(rest["value"], rest["low"], rest["high"])]
        networks = "network" if rewired["n_draws"] == 1 else "networks"
        sentences.append(
            f"{labels.get(model, model)}, {_where(cohort)}: {_gain(real)} over the masked ridge on "
            f"the real network, {_gain(rewired)} on {rewired['n_draws']:.0f} rewired {networks} of "
            f"the same reach. {verdict} ({_gain(rest)})."
        )
    return " ".join(sentences) or f"No model of longer reach was compared {_where(cohort)}."


def _gain(row: pd.Series) -> str:
    return f"{row['value']:+z.3f} ({_interval(row['low'], row['high'])})"


def shuffled_sentence(scores: pd.DataFrame, labels: Mapping[str, str]) -> str:
    """Say whether the negative control is as it must be: shuffled samples teach nothing.

    Args:
        scores: As in :class:`lembas.climbed.Ladder`.
        labels: Model to label.
    """
    rows = _shown(scores).query("variant == @SHUFFLED")
    if rows.empty:
        return "No model was fitted to shuffled training samples."
    worst = rows.loc[rows["value"].idxmax()]
    found = (
        f"of {len(rows)} score(s) of models fitted to shuffled training samples the highest "
        f"median skill is {worst['value']:z.3f} ({labels.get(worst['model'], worst['model'])}, "
        f"{_where(worst['cohort'])})"
    )
    if worst["value"] > NEAR_ZERO:
        return f"The negative control fails: {found}, and not about 0. Look for a leak."
    return f"The negative control holds: {found}."


def depth_table(scores: pd.DataFrame, depths: Mapping[str, int]) -> pd.DataFrame:
    """Collect the scores of one model with several numbers of updates, on the real network.

    Args:
        scores: As in :class:`lembas.climbed.Ladder`.
        depths: Model to its number of updates T.

    Returns:
        Columns depth, cohort, value, low, high, by cohort and depth.
    """
    rows = _shown(scores).query("variant == @REAL")
    rows = rows[rows["model"].isin(list(depths))]
    table = rows.assign(depth=rows["model"].map(dict(depths)).astype(int))
    columns = ["depth", "cohort", "value", "low", "high"]
    return table[columns].sort_values(["cohort", "depth"], ignore_index=True)


def real_scores(scores: pd.DataFrame, model: str) -> dict[str, float]:
    """Look up a model's median skill on the real network: cohort to value, maybe none."""
    rows = _shown(scores).query("variant == @REAL and model == @model")
    return rows.set_index("cohort")["value"].to_dict()


def centred_name(cohort: str) -> str:
    """Name an external cohort as the ladder's tables do: it is scored centred."""
    return f"{cohort}{CENTRED}"


def depth_sentence(table: pd.DataFrame, cohort: str) -> str:
    """Say how deep the network must be: the least depth whose interval reaches the best value.

    Args:
        table: Result of :func:`depth_table`.
        cohort: Cohort to speak of.
    """
    rows = table[table["cohort"] == cohort].set_index("depth").sort_index()
    if rows.empty:
        return "No other depths were fitted."
    best = int(rows["value"].idxmax())
    reaches = rows[["value", "high"]].max(axis=1) >= rows.loc[best, "value"]
    enough = int(rows.index[reaches][0])
    values = ", ".join(f"{value:z.3f} with T = {depth}" for depth, value in rows["value"].items())
    less = f", and the interval of T = {enough} reaches it" if enough < best else ""
    return f"{_where(cohort).capitalize()}, the median skill is {values}: T = {best} is best{less}."


def differences_table(differences: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    """Lay the differences out for a reader: one row a cohort, model and variant."""
    rows = _shown(differences)
    difference = [
        f"{row.value:+z.3f} ({_interval(row.low, row.high, named=False)})"
        for row in rows[["value", "low", "high"]].itertuples(index=False)
    ]
    table = pd.DataFrame(
        {
            "cohort": rows["cohort"],
            "model": rows["model"].map(lambda name: labels.get(name, name)),
            "control": rows["variant"].map(lambda name: VARIANTS[name].label),
            "draws": rows["n_draws"],
            "real network": rows["real"].map("{:z.3f}".format),
            "mean of controls": rows["control"].map("{:z.3f}".format),
            "real - control (95 % interval)": difference,
            "empirical p": ["" if pd.isna(value) else f"{value:.3f}" for value in rows["p_value"]],
        }
    )
    return table.set_index(["cohort", "model", "control"])


def moved_table(fits: pd.DataFrame) -> pd.DataFrame:
    """Lay out how far the first network's controls are from it: one row a variant."""
    rows = fits[(fits["variant"] != REAL) & ~fits["model"].str.endswith(SUFFIX)]
    table = rows.groupby("variant", sort=False).agg(
        draws=("draw", "nunique"), edges=("n_edges", "median"), moved=("moved", "median")
    )
    table["edges"] = table["edges"].map("{:,.0f}".format)
    table["moved"] = table["moved"].map("{:.1%}".format)
    named = table.rename(index={name: variant.label for name, variant in VARIANTS.items()})
    return named.rename(columns={"moved": "edges between other nodes"}).rename_axis("control")


def _shown(table: pd.DataFrame) -> pd.DataFrame:
    """Keep the targets that are no inputs: the primary set of genes."""
    return table[table["genes"] == NOT_INPUTS]


def _row(differences: pd.DataFrame, model: str, cohort: str, variant: str) -> pd.Series:
    rows = _shown(differences).query("model == @model and cohort == @cohort")
    rows = rows[rows["variant"] == variant]
    if len(rows) != 1:
        raise KeyError(
            f"{len(rows)} comparisons of {model!r} on {cohort!r} with {variant!r} networks; "
            f"expected 1; compared are {listed(differences['model'].unique())} with "
            f"{listed(differences['variant'].unique())}"
        )
    return rows.iloc[0]


def _interval(low: float, high: float, *, named: bool = True) -> str:
    """Write an interval, or why there is none."""
    if pd.isna(low):
        return "no interval: too few units"
    return f"{'95 % interval ' if named else ''}{low:+z.3f} to {high:+z.3f}"


def _where(cohort: str) -> str:
    return "on the test samples" if cohort == "test" else f"on {cohort}"
