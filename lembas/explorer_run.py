"""Read what the gene explorer shows from a run's folder, and write its files there."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pandas as pd

from lembas.artifacts import Run
from lembas.atomic import write_atomically
from lembas.explorer import INDEX, Explorer, Sources
from lembas.explorer_edges import RESPONDED, joined_attributions
from lembas.fitting import model_labels, read_all_predictions

FOLDER = "explorer"


def read_sources(run: Run) -> Sources:
    """Read the artefacts of a run; predictions stay in their files until they are used.

    Raises:
        FileNotFoundError: If one that every run has is missing.
    """
    dataset, knockouts = run.read_dataset(), _table(run, "knockouts")
    scores = ["scores_per_gene_test", "scores_per_gene_external"]
    return Sources(
        dataset=dataset,
        network=run.read_network(),
        labels=model_labels(run),
        genes=run.read_table("genes"),
        per_gene=pd.concat(map(run.read_table, scores), ignore_index=True),
        predictions=read_all_predictions(run, dataset.rows),
        weights=run.read_table("learned_weights"),
        attributions=joined_attributions(
            _table(run, "attribution_summary"), _table(run, "attribution_panel")
        ),
        responses=pd.DataFrame(columns=RESPONDED) if knockouts is None else knockouts,
    )


def write_files(run: Run, explorer: Explorer) -> None:
    """Write the explorer's files into the run's folder, and remove those of an earlier one.

    The index is written last: until then the page shows the earlier explorer.
    """
    folder = run.place(FOLDER, INDEX).parent
    for name, text in explorer.files.items():
        write_atomically(folder / name, partial(_write, text))
    for path in folder.glob("*.js"):
        if path.name not in explorer.files:
            path.unlink()


def _write(text: str, path: Path) -> None:
    path.write_text(text, encoding="ascii")


def _table(run: Run, name: str) -> pd.DataFrame | None:
    return run.read_table(name) if run.has_table(name) else None
