"""Put knock-outs and learned weights into tables and plain sentences, by rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from lembas.formats import counted
from lembas.knockout import NODE, idle_tfs
from lembas.knockout_truth import DIRECT, INDIRECT, paired_difference
from lembas.network import UNKNOWN
from lembas.truth import PRIOR
from lembas.verdict import compared

LEVEL_WORDS: Mapping[str, str] = {"zero": "no expression at all"}
PART_WORDS: Mapping[str, str] = {
    "all": "all genes",
    DIRECT: "direct targets",
    INDIRECT: "indirect targets",
}
_VERDICTS: Mapping[str, str] = {
    "better": "better than",
    "worse": "worse than",
    "equal": "as well as",
    "undecided": "neither clearly better nor clearly worse than",
}
# Share gained of what chance leaves to gain, and what it is called.
_WORTH: tuple[tuple[float, str], ...] = (
    (0.75, "very well"),
    (0.4, "well"),
    (0.15, "poorly"),
    (float("-inf"), "hardly better than chance"),
)
# Genes of a sentence.
_FEW = 3


def variant_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """Add the names of models whose nodes are held, and of the prior alone."""
    held = {f"{name}{NODE}": f"{label}, node held" for name, label in labels.items()}
    return {**labels, **held, PRIOR: "Signs of the prior alone"}


def level_words(level: str | float) -> str:
    """Call a level by a reader's words."""
    text = str(level)
    if text in LEVEL_WORDS:
        return LEVEL_WORDS[text]
    number = text.removeprefix("p")
    if number == text:
        return f"log10 level {text}"
    return f"percentile {number} of the cohort"


def level_sentence(table: pd.DataFrame) -> str:
    """Say how far the knock-outs leave what the models have seen.

    Args:
        table: Levels of :class:`lembas.knockout.Knockouts`.
    """
    n_below = int((table["level"] < table["lowest"]).sum())
    moved = table["change_sd"].abs().median()
    n_tfs = counted(len(table), "TF")
    idle = ", ".join(idle_tfs(table)[:5])
    nothing = f" Nothing was there to knock out of {idle}." if idle else ""
    return (
        f"The knock-out moves a TF by {moved:.1f} of its SDs (median of {n_tfs}); "
        f"{n_below or 'none'} of them {'is' if n_below == 1 else 'are'} held below anything in the "
        f"training samples, where a model extrapolates.{nothing}"
    )


def responder_sentences(
    responses: pd.DataFrame, tfs: Iterable[str], model: str, labels: Mapping[str, str]
) -> str:
    """Name the genes that one model says respond most to each TF.

    Args:
        responses: As in :class:`lembas.knockout.Knockouts`.
        tfs: TFs to speak of.
        model: Model to speak of.
        labels: Model to label.
    """
    own = responses[responses["model"] == model]
    parts = []
    for tf in tfs:
        rows = own[(own["tf"] == tf) & (own["response"] != 0)]
        top = rows.loc[rows["response"].abs().sort_values(ascending=False, kind="stable").index]
        named = [f"{row.gene} ({row.response:+.2f})" for row in top.head(_FEW).itertuples()]
        parts.append(f"{tf}: {', '.join(named) or 'no gene responds'}")
    return f"By {labels.get(model, model)}, most move after the loss of {'; '.join(parts)} (log10)."


def size_sentence(responses: pd.DataFrame, labels: Mapping[str, str]) -> str:
    """Say how much the gene that moves most moves, model by model.

    Args:
        responses: As in :class:`lembas.knockout.Knockouts`.
        labels: Model to label.
    """
    size = responses.assign(size=responses["response"].abs())
    largest = size.groupby(["model", "tf"], sort=False)["size"].max()
    median = largest.groupby("model", sort=False).median()
    said = ", ".join(f"{value:.2f} for {labels.get(str(m), m)}" for m, value in median.items())
    return f"The gene that moves most moves by {said} (log10, median over TFs)."


def score_table(summary: pd.DataFrame, level: str, labels: Mapping[str, str]) -> pd.DataFrame:
    """Lay the scores of one level out for a reader: one row a model, the best first.

    Args:
        summary: Result of :func:`lembas.knockout_truth.summarise_scores`.
        level: Level shown.
        labels: Model to label.

    Returns:
        Texts; "-" where there is no score, such as for a part of which no gene responds.
    """
    rows = summary[summary["level"] == level]
    wide = rows.pivot_table(
        index="model", columns=["metric", "part"], values="value", dropna=False, sort=False
    )
    columns = {
        f"AUPRC, {PART_WORDS[part]} ({_chance(wide['base_rate'][part].mean())})": ("auprc", part)
        for part in PART_WORDS
    }
    columns |= {
        "rank correlation, direct targets": ("spearman", DIRECT),
        "right sign, direct targets": ("sign_accuracy", DIRECT),
        "right sign, indirect targets": ("sign_accuracy", INDIRECT),
        "size of the true response": ("slope", DIRECT),
    }
    table = pd.DataFrame({words: wide[key].map(_number) for words, key in columns.items()})
    # The prior's responses have signs, not sizes.
    table.loc[table.index == PRIOR, "size of the true response"] = "no size"
    order = wide["auprc", "all"].sort_values(ascending=False, kind="stable").index
    named = table.loc[order].rename(index=variant_labels(labels))
    return named.rename_axis(index=None, columns=None)


def _chance(base_rate: float) -> str:
    return "no gene responds" if pd.isna(base_rate) else f"chance {base_rate:.2f}"


def _number(value: float) -> str:
    return "-" if pd.isna(value) else f"{value:z.2f}"


def truth_sentences(
    scores: pd.DataFrame,
    summary: pd.DataFrame,
    model: str,
    references: Iterable[str],
    *,
    labels: Mapping[str, str],
    level: str = "zero",
) -> str:
    """Say what a model's knock-outs are worth where the truth is known.

    Args:
        scores: Result of :func:`lembas.knockout_truth.score_responses`.
        summary: Their averages.
        model: Model to speak of.
        references: Models it is compared with.
        labels: Model to label.
        level: Level of the knock-out.
    """
    names = variant_labels(labels)
    said = [_part_sentence(summary, model, part, level, names) for part in (DIRECT, INDIRECT)]
    for other in references:
        found = paired_difference(scores, model, other, level=level)
        verdict = _VERDICTS[compared(found["value"], found["low"], found["high"])]
        said.append(
            f"Over all genes {names.get(model, model)} finds the responders {verdict} "
            f"{names.get(other, other)} (AUPRC {found['value']:+z.2f}, {_limits(found)})."
        )
    return " ".join(said)


def _limits(found: pd.Series) -> str:
    """Write a 95 % interval over TFs; too few give none."""
    if pd.isna(found["low"]):
        return f"no interval from {found['n_tfs']:.0f} TFs"
    return f"95 % interval over TFs {found['low']:+z.2f} to {found['high']:+z.2f}"


def beside(compared_responses: pd.DataFrame, model: str) -> list[str]:
    """Name those that a model is compared with in a sentence, as far as they were fitted.

    Args:
        compared_responses: Result of :func:`lembas.knockout_truth.compared_responses`.
        model: Model to speak of.

    Returns:
        The masked ridge, the ridge on all TFs, and the model itself with its node held.
    """
    names = set(compared_responses["model"])
    wanted = ("masked_ridge", "ridge", f"{model}{NODE}")
    return [name for name in wanted if name in names and name != model]


def _part_sentence(
    summary: pd.DataFrame, model: str, part: str, level: str, names: Mapping[str, str]
) -> str:
    """Say how well one part of the genes is found."""
    rows = summary.query("level == @level and part == @part and model == @model")
    value = rows.set_index("metric")["value"]
    n_tfs = int(rows.set_index("metric")["n_tfs"]["auprc"])
    if not n_tfs:
        return f"No {PART_WORDS[part]} respond, so that there is nothing to find."
    mean = f"mean of {counted(n_tfs, 'TF')}"
    right = f"the right sign for {value['sign_accuracy']:.0%} of them ({mean})"
    if value["base_rate"] == 1:
        return f"Of {PART_WORDS[part]} all respond, so that there is nothing to find; {right}."
    # Of what chance leaves to gain: where most direct targets respond, a ratio says little.
    gained = (value["auprc"] - value["base_rate"]) / (1 - value["base_rate"])
    worth = next(words for least, words in _WORTH if not gained < least)
    return (
        f"Among {PART_WORDS[part]} {names.get(model, model)} finds the responders {worth}: AUPRC "
        f"{value['auprc']:.2f} where chance gives {value['base_rate']:.2f}, {right}."
    )


def prior_sentence(compared_responses: pd.DataFrame) -> str:
    """Say how many of the true targets the prior names, and what that means for network models.

    Args:
        compared_responses: Result of :func:`lembas.knockout_truth.compared_responses`.
    """
    rows = compared_responses.query("model == @PRIOR and role == @DIRECT")
    if rows.empty:
        return "No direct target is among the genes, so that there is none for the prior to name."
    named = (rows["predicted"] != 0).mean()
    return (
        f"The prior names {named:.0%} of the direct targets; a model that sees only what the prior "
        "names cannot move the others."
    )


def weights_table(
    edges: Mapping[str, pd.DataFrame],
    agreement: Mapping[str, pd.DataFrame],
    labels: Mapping[str, str],
) -> pd.DataFrame:
    """Lay out what models learned on the edges of the prior: one row a model.

    Args:
        edges: Model to :func:`lembas.weights.edge_table`.
        agreement: Model to :func:`lembas.weights.seed_agreement`.
        labels: Model to label.
    """
    rows = {}
    for model, table in edges.items():
        pairs = agreement.get(model, pd.DataFrame())
        signed = table[table["sign"] != UNKNOWN]
        strong = signed.head(max(len(signed) // 10, 1))
        rows[labels.get(model, model)] = {
            "edges": f"{len(table):,}",
            "against the prior's sign": _share(signed["violates"]),
            "the same, strongest tenth": _share(strong["violates"]),
            "dead edges": f"{table['dead'].mean():.1%}",
            "seeds": f"{table['n_seeds'].max()}",
            "correlation between seeds": _mean(pairs, "pearson"),
            "shared strongest tenth": _mean(pairs, "overlap"),
        }
    return pd.DataFrame(rows).T


def _share(violates: pd.Series) -> str:
    return f"{violates.mean():.1%}" if len(violates) else "no sign known"


def _mean(pairs: pd.DataFrame, column: str) -> str:
    return f"{pairs[column].mean():.2f}" if len(pairs) else "one seed"


def strongest_edges(edges: pd.DataFrame, *, n_edges: int = 12) -> pd.DataFrame:
    """Lay the strongest edges out for a reader."""
    top = edges.head(n_edges)
    is_signed = top["sign"] != UNKNOWN
    spread = top["weight_sd"].map("{:.2f}".format).where(top["weight_sd"].notna(), "one seed")
    table = pd.DataFrame(
        {
            "TF": top["tf"],
            "gene": top["gene"],
            "sign in the prior": top["sign"].map("{:+d}".format).where(is_signed, "unknown"),
            "weight (SD per SD)": top["weight"].map("{:+z.2f}".format),
            "SD over seeds": spread,
            "agrees": top["violates"].map({True: "no", False: "yes"}).where(is_signed, "unknown"),
        }
    )
    return table.set_index(["TF", "gene"])


def sign_sentences(violations: pd.DataFrame, labels: Mapping[str, str]) -> str:
    """Say whether the strongest weights keep the prior's signs better than the weakest.

    Args:
        violations: Results of :func:`lembas.weights.sign_violations`, with a column model.
        labels: Model to label.
    """
    said = []
    for model, own in violations.groupby("model", sort=False):
        share = own.sort_values("bin")["violating"]
        said.append(
            f"{labels.get(str(model), model)}: {share.iloc[0]:.0%} of the weakest edges and "
            f"{share.iloc[-1]:.0%} of the strongest contradict the prior's sign; a coin would give "
            "50 %."
        )
    return " ".join(said) or "No model has a weight on an edge whose sign the prior knows."


def weights_truth_sentence(found: pd.Series, label: str) -> str:
    """Say whether learned weights tell true from false edges, where the truth is known.

    Args:
        found: Result of :func:`lembas.weights.weights_against_truth`.
        label: The model's name.
    """
    mended = (
        f"of {found['n_wrong_signs']:.0f} true edges with a wrong sign in the prior the weights "
        f"give {found['mended']:.0%} the true one"
        if found["n_wrong_signs"]
        else "no true edge has a wrong sign in the prior"
    )
    return (
        f"{label}: ranked by weight, the prior's true edges are found with an AUPRC of "
        f"{found['auprc']:.2f} where chance gives {found['base_rate']:.2f}; {mended}, and keep it "
        f"on {found['kept']:.0%} of the others."
    )
