"""Model cards: what each fitted model is, what it was trained on, what it may be used for.

What is true in every run comes from :mod:`lembas.model_facts`, every number from the tables of the
run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from lembas.card_markup import bullets, facts, page, shown, table
from lembas.formats import counted
from lembas.gene_sets import SHARED
from lembas.model_facts import MODEL_FACTS, ModelFacts
from lembas.plain_text import as_markdown

_OWN_USE = (
    "A model that the profile adds: see the documentation of its class for equation and limits."
)


@dataclass(frozen=True)
class TrainingData:
    """Say what all models of a run were trained on.

    Attributes:
        study: Name of the study.
        simulated: Whether its expression was simulated.
        unit: Such as "log10(CPM+1)".
        n_samples: Training samples.
        n_series: Series among them; 0 where they are not known.
        n_inputs: TFs that a model is given.
        n_targets: Genes to predict.
        n_edges: Edges of the prior between these.
    """

    study: str
    simulated: bool
    unit: str
    n_samples: int
    n_series: int
    n_inputs: int
    n_targets: int
    n_edges: int

    def sentence(self, *, n_genes: int, reads_network: bool) -> str:
        """Say on what one model was trained.

        Args:
            n_genes: Targets that it was fitted to.
            reads_network: Whether it is given the prior.
        """
        series = f" of {self.n_series:,} series" if self.n_series else ""
        kind = "simulated " if self.simulated else ""
        network = f"; {counted(self.n_edges, 'edge')} of the network" if reads_network else ""
        return (
            f"{counted(self.n_samples, f'{kind}training sample')}{series} ({self.study}, "
            f"{self.unit}): {counted(self.n_inputs, 'TF')} to {n_genes:,} of "
            f"{counted(self.n_targets, 'target')}{network}"
        )


def model_cards(
    models: pd.DataFrame, board: pd.DataFrame, searches: pd.DataFrame, trained: TrainingData
) -> list[dict[str, Any]]:
    """Gather what is known of each model, as JSON knows it.

    Args:
        models: One row a model: model, label, note, estimator, parameters (JSON), n_genes.
        board: The leaderboard, as :func:`lembas.leaderboard.leaderboard` makes it.
        searches: Settings tried: model, parameters, chosen.
        trained: What they were trained on.

    Returns:
        One card a model, in the order of ``models``; None for what was not measured.
    """
    return [_card(row, board, searches, trained) for row in models.to_dict("records")]


def _card(
    row: Mapping[str, Any], board: pd.DataFrame, searches: pd.DataFrame, trained: TrainingData
) -> dict[str, Any]:
    name = row["model"]
    known, own = MODEL_FACTS.get(name), board[board["model"] == name]
    chosen = searches[(searches["model"] == name) & searches["chosen"].astype(bool)]
    costs = ("n_parameters", "size_mb", "fit_s", "latency_ms")
    return {
        "model": name,
        "label": row["label"],
        "what": row["note"],
        "class": row["estimator"],
        "settings": json.loads(row["parameters"]),
        "chosen": chosen["parameters"].tolist(),
        "facts": None if known is None else asdict(known),
        "trained_on": trained.sentence(
            n_genes=int(row["n_genes"]), reads_network=known is not None and known.reads_network
        ),
        **{cost: None if own.empty else _plain(own[cost].iloc[0]) for cost in costs},
        "scores": [
            {
                "cohort": score.cohort,
                "skill": _plain(score.value),
                "low": _plain(score.low),
                "high": _plain(score.high),
                "n_genes": _plain(score.n_genes),
                "panel": score.genes != SHARED,
                "rank": _plain(score.rank),
            }
            for score in own.itertuples()
        ],
    }


def _plain(value: Any) -> Any:
    if pd.isna(value):
        return None
    return value.item() if hasattr(value, "item") else value


def cards_page(cards: Sequence[Mapping[str, Any]], dois: Mapping[str, str]) -> str:
    """Write the cards as a page of the book, in MyST Markdown.

    Args:
        cards: As :func:`model_cards` gives them.
        dois: Key of the bibliography to DOI, for the sources that have one.
    """
    return page(
        "# Model cards",
        "What each model of this run is, what it was trained on, what it is for, and what it "
        "cannot do. The build makes these cards from the registry of models and the tables of the "
        "run; no number is typed. {doc}`/book/methods` has the equations with all their symbols; "
        "{download}`model_cards.json` is for programs.",
        "None of these models is fit for decisions on patients: they were made to compare models.",
        *(_section(card, dois) for card in cards),
    )


def _section(card: Mapping[str, Any], dois: Mapping[str, str]) -> str:
    known = None if card["facts"] is None else ModelFacts(**card["facts"])
    equation = "" if known is None else f"$$\n{known.equation}\n$$"
    return page(
        f"## {as_markdown(card['label'])}",
        as_markdown(card["what"]),
        equation,
        facts(_facts(card, known)),
        f"**Intended use.** {as_markdown(_OWN_USE if known is None else known.use)}",
        "" if known is None else f"**Limits.**\n\n{bullets(known.limits)}",
        "**Scores.** Median per-gene {term}`skill`; 0 is the training mean, 1 is perfect."
        if card["scores"]
        else "It was not scored in this run.",
        _scores(card["scores"]) if card["scores"] else "",
        "" if known is None or not known.sources else _sources(known.sources, dois),
    )


def _sources(keys: Sequence[str], dois: Mapping[str, str]) -> str:
    named = [
        f"{{cite}}`{key}` ([doi:{dois[key]}](https://doi.org/{dois[key]}))"
        if key in dois
        else f"{{cite}}`{key}`"
        for key in keys
    ]
    return f"**Source.** {', '.join(named)}"


def _facts(card: Mapping[str, Any], known: ModelFacts | None) -> dict[str, str]:
    settings = "; ".join(f"{key}: {shown(value)}" for key, value in card["settings"].items())
    return {
        "A gene is predicted from": "" if known is None else known.sees,
        "Trained on": card["trained_on"],
        "Class": card["class"],
        "Settings": settings or "those of the class",
        "Chosen on training samples": "; ".join(map(str, card["chosen"])),
        "Parameters": _number(card["n_parameters"], ",.0f", "not counted"),
        "File (MB)": _number(card["size_mb"], ",.2f", "not known"),
        "Fit (s)": _number(card["fit_s"], ",.2f", "not timed"),
        "One sample (ms)": _number(card["latency_ms"], ",.2f", "not timed"),
    }


def _scores(scores: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        (
            score["cohort"],
            _number(score["skill"], "z.3f", "not defined"),
            _interval(score["low"], score["high"]),
            _number(score["n_genes"], ",.0f", "not known"),
            "panel" if score["rank"] is None else score["rank"],
        )
        for score in scores
    ]
    return table(["Cohort", "Skill", "95 % interval", "Genes", "Rank"], rows)


def _interval(low: float | None, high: float | None) -> str:
    return "none" if low is None or high is None else f"{low:z.3f} to {high:z.3f}"


def _number(value: float | None, form: str, missing: str) -> str:
    return missing if value is None else format(value, form)
