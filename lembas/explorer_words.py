"""Call cohorts and columns of the gene explorer by a reader's words, and write its page's frame."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from lembas.formats import counted
from lembas.gene_table import WORDS
from lembas.plain_text import enumerated

_OWN_WORDS: Mapping[str, str] = {
    "expression_stratum": "Mean and SD, by thirds",
    "in_degree_measured": "Measured regulators",
    "n_targets": "Targets in the prior",
    "tf_mean": "Mean, training samples",
    "hops": "Steps from a TF",
    "q": "q of the difference",
}
_COHORTS: Mapping[str, str] = {"train": "training samples", "test": "test samples"}
# The place in a page where the explorer appears.
FRAME = """<div class="lembas-explorer">
<p class="lembas-explorer-status" role="status">The explorer is loading; on paper there is
none.</p>
<noscript><p>The explorer needs JavaScript. All it shows is in the run's folder:
<code>tables/genes.csv</code>, <code>tables/scores_per_gene_test.parquet</code>,
<code>tables/learned_weights.parquet</code>.</p></noscript>
</div>"""


def cohort_label(name: str) -> str:
    """Call a cohort by a reader's words."""
    return _COHORTS.get(name, name)


def column_title(key: str, labels: Mapping[str, str]) -> str:
    """Give a column's title.

    Args:
        key: Such as "skill.test.ridge", "best.test" or "mean".
        labels: Model to label.
    """
    first, _, rest = key.partition(".")
    if not rest:
        return _OWN_WORDS.get(key, WORDS.get(key, key))
    if first == "best":
        return "Best model"
    if first == "weight":
        return f"Median |weight|, {labels.get(rest, rest)}"
    cohort, _, model = rest.rpartition(".")
    words = {"skill": "Skill", "pearson": "Pearson r"}.get(first, first.capitalize())
    where = "" if cohort == "test" else f", {cohort_label(cohort)}"
    return f"{words}, {labels.get(model, model)}{where}"


def drawn_sentence(n_drawn: Mapping[str, int], n_samples: Mapping[str, int]) -> str:
    """Say how many samples of each cohort are drawn."""
    parts = [
        f"{drawn:,} of {counted(n_samples[name], 'sample')} of {_of(name)}"
        if drawn < n_samples[name]
        else f"all {counted(drawn, 'sample')} of {_of(name)}"
        for name, drawn in n_drawn.items()
    ]
    return f"The charts draw {enumerated(parts)}; scores are of all samples."


def ends_sentence(genes: pd.DataFrame, model: str, labels: Mapping[str, str]) -> str:
    """Say which genes a model predicts best and worst on the test samples.

    Args:
        genes: Table ``genes``, see :func:`lembas.gene_table.gene_table`.
        model: The model.
        labels: Model to label.
    """
    column, label = f"skill.test.{model}", labels.get(model, model)
    known = genes[["gene", column]].dropna() if column in genes else genes.head(0)
    if known.empty:
        return f"{label} has no skill on the test samples that is defined."
    ordered = known.sort_values([column, "gene"], ascending=[False, True], kind="stable")
    best, worst = ordered.iloc[0], ordered.iloc[-1]
    if len(ordered) == 1:
        return f"{label} predicts {best['gene']} with a skill of {best[column]:z.2f}."
    return (
        f"{label} predicts {best['gene']} best (skill {best[column]:z.2f} on the test samples) and "
        f"{worst['gene']} worst ({worst[column]:z.2f})."
    )


def _of(cohort: str) -> str:
    return {"train": "the training set", "test": "the test set"}.get(cohort, cohort)


def explained_sentence(n_explained: int, n_genes: int) -> str:
    """Say how many genes have attributions."""
    if not n_explained:
        return "Attributions were computed for none of them."
    return (
        f"Attributions were computed for {counted(n_explained, 'gene')} of {n_genes:,}; of the "
        "others the explorer says that there are none."
    )
