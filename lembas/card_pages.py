"""Write the pages of model and data cards from what a run left behind."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd

from lembas.artifacts import Run
from lembas.cohorts import Dataset
from lembas.data_cards import SIMULATION, Origin, data_page
from lembas.model_cards import TrainingData, cards_page, model_cards
from lembas.network import Network
from lembas.plan import Plan
from lembas.provenance import read_json, write_text

MODEL_PAGE, DATA_PAGE = "model_cards", "data_cards"
DATA_CHAPTER = "01_data"
_GROUPS = ("baselines", "lembas")
_NEEDED = ("dataset.h5ad", "network.tsv.gz", "tables/leaderboard.parquet")


def write_card_pages(plan: Plan, folder: Path) -> None:
    """Write ``model_cards.md``, ``data_cards.md`` and ``model_cards.json``.

    A run without dataset, network and leaderboard, such as one of other chapters, has no cards.

    Args:
        plan: A run whose chapters have been executed.
        folder: Where to write.
    """
    place = plan.root / plan.run_dir
    if not all((place / name).is_file() for name in _NEEDED):
        return
    run = Run(place)
    dataset, network = run.read_dataset(), run.read_network()
    models, searches = _joined(run, "models"), _joined(run, "searches")
    cards = model_cards(
        models, run.read_table("leaderboard"), searches, training_data(dataset, network)
    )
    bibliography = (plan.root / "book" / "references.bib").read_text(encoding="utf-8")
    audits = [run.read_table(name) for name in ("leakage_audit", "quality_audit")]
    write_text(folder / f"{MODEL_PAGE}.md", cards_page(cards, dois_of(bibliography)))
    write_text(folder / f"{MODEL_PAGE}.json", json.dumps(cards, indent=1, allow_nan=False) + "\n")
    write_text(folder / f"{DATA_PAGE}.md", data_page(dataset, network, audits, origin_of(plan)))


def _joined(run: Run, kind: str) -> pd.DataFrame:
    """Join the tables of the fitting chapters; one of them may have no rows."""
    tables = [run.read_table(f"{kind}_{group}") for group in _GROUPS]
    return pd.concat([table for table in tables if len(table)] or tables[:1], ignore_index=True)


def dois_of(bibliography: str) -> dict[str, str]:
    r"""Find the DOI of each entry of a BibTeX file that has one.

    Example:
        >>> dois_of("@article{cover1967,\n  doi = {10.1109/TIT.1967.1053964}\n}\n")
        {'cover1967': '10.1109/TIT.1967.1053964'}
    """
    entries = re.findall(r"^@\w+\{([^,\s]+),(.*?)^\}", bibliography, re.DOTALL | re.MULTILINE)
    found = {key: re.search(r"\bdoi\s*=\s*\{([^}]+)\}", entry) for key, entry in entries}
    return {key: match[1] for key, match in found.items() if match}


def training_data(dataset: Dataset, network: Network) -> TrainingData:
    """Count what the models of a run were trained on."""
    train = dataset.train
    return TrainingData(
        study=dataset.study,
        simulated=dataset.simulated,
        unit=dataset.unit,
        n_samples=len(train.x),
        n_series=0 if train.series is None else train.series.nunique(),
        n_inputs=len(dataset.inputs),
        n_targets=len(dataset.targets),
        n_edges=len(network.restrict(dataset.inputs, dataset.targets)),
    )


def origin_of(plan: Plan) -> Origin:
    """Say how the data chapter came by its data: parameters, and digests of what it read."""
    parameters = plan.parameters(DATA_CHAPTER)
    record = read_json(plan.root / plan.run_dir / "provenance" / f"{DATA_CHAPTER}.json")
    return Origin(
        source=parameters.get("source", SIMULATION),
        options=parameters.get("options", {}),
        digests={Path(name).name: value for name, value in record.get("sources", {}).items()},
        told=plan.profile.cards,
    )
