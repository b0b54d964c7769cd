"""Put what the control networks show into tables and plain sentences, by rule."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from lembas.controls import NOT_INPUTS
from lembas.curated import SUFFIX
from lembas.formats import counted
from lembas.gains import DIFFERENCE, REWIRED
from lembas.ladder import REAL, VARIANTS
from lembas.plain_text import enumerated
from lembas.summary import CENTRED
from lembas.verdict import compared

SHUFFLED = "permuted_samples"
_ANSWERS: Mapping[str, str] = {
    "better": "the network helps {}",
    "worse": "the network does harm to {}",
    "equal": "the network makes no difference to {}",
    "undecided": "it cannot be told whether the network helps {}",
}
_PARTS: Mapping[str, str] = {
    "better": "the real network adds to what the reach gains",
    "worse": "the reach gains less on the real network",
    "equal": "all of the gain is reach, none of it the network's",
    "undecided": "whether the real network adds to what the reach gains cannot be told",
}
# With fewer control networks an empirical p cannot fall to .05: it is left to the table.
FEWEST_DRAWS = 19
# Beyond this a skill with shuffled training samples is no longer about 0.
NEAR_ZERO = 0.05


def network_sentences(
    differences: pd.DataFrame, cohort: str, labels: Mapping[str, str], *, variant: str = "rewired"
) -> str:
    """Say which models the real network helps on one cohort, beside the controls of one kind.

    The rule is that of :func:`lembas.verdict.compared`, as in the summary's verdict.

    Args:
        differences: As in :class:`lembas.climbed.Ladder`; targets that are not inputs count.
        cohort: Cohort to speak of.
        labels: Model to label.
        variant: Which controls.
    """
    kind = VARIANTS[variant].words
    rows = _shown(differences).query("variant == @variant and cohort == @cohort")
    if rows.empty:
        return f"Nothing was compared {_where(cohort)} with {kind} networks."
    answers: dict[str, list[str]] = {}
    for row in rows.itertuples():
        answer = compared(row.value, row.low, row.high)
        answers.setdefault(answer, []).append(labels.get(row.model, row.model))
    told = [_ANSWERS[answer].format(enumerated(names)) for answer, names in answers.items()]
    numbers = [_beside_controls(row, labels) for _, row in rows.iterrows()]
    return (
        f"{_at_first(cohort)}, {'; '.join(told)}. Median skill with the real network, "
        f"and on average with {kind} ones: {'; '.join(numbers)}."
    )


def _beside_controls(row: pd.Series, labels: Mapping[str, str]) -> str:
    few = pd.isna(row["p_value"]) or row["n_draws"] < FEWEST_DRAWS
    chance = "" if few else f", empirical p = {row['p_value']:.2g}"
    return (
        f"{labels.get(row['model'], row['model'])} {row['real']:z.3f} and {row['control']:z.3f} "
        f"({_networks(row['n_draws'])}, difference {row['value']:+z.3f}, "
        f"{_interval(row['low'], row['high'])}{chance})"
    )


def _networks(number: float) -> str:
    return counted(int(number), "network")


def reach_sentences(gains: pd.DataFrame, cohort: str, labels: Mapping[str, str]) -> str:
    """Part what models gain over the masked ridge into reach and network.

    Args:
        gains: As in :class:`lembas.climbed.Ladder`.
        cohort: Cohort to speak of.
        labels: Model to label.
    """
    rows = _shown(gains).query("cohort == @cohort")
    told = []
    for model in rows.loc[rows["network"] == DIFFERENCE, "model"]:
        own = rows[rows["model"] == model].set_index("network")
        real, rewired, rest = (own.loc[name] for name in (REAL, REWIRED, DIFFERENCE))
        answer = _PARTS[compared(rest["value"], rest["low"], rest["high"])]
        told.append(
            f"{labels.get(model, model)} gains {_gain(real)} on the real network and "
            f"{_gain(rewired)} on {_networks(rewired['n_draws'])} rewired, of the same reach: "
            f"{answer}, {_gain(rest)}"
        )
    if not told:
        return f"No model of longer reach was compared {_where(cohort)}."
    return f"{_at_first(cohort)}, over the masked ridge: {'; '.join(told)}."


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
    return f"{_at_first(cohort)}, the median skill is {values}: T = {best} is best{less}."


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


def _interval(low: float, high: float, *, named: bool = True) -> str:
    """Write an interval, or why there is none."""
    if pd.isna(low):
        return "no interval: too few units"
    return f"{'95 % interval ' if named else ''}{low:+z.3f} to {high:+z.3f}"


def _where(cohort: str) -> str:
    return "on the test samples" if cohort == "test" else f"on {cohort}"


def _at_first(cohort: str) -> str:
    """Begin a sentence with the cohort, whose name stays as it is."""
    return f"O{_where(cohort)[1:]}"
