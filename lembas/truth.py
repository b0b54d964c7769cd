"""Hold the true regulation of a simulation pair by pair, and what models make of the pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd

from lembas.attribution import Attribution
from lembas.formats import listed
from lembas.simulate import Simulation

# A TF acts on a target that moves by this much, log2 units, when the TF moves by one SD: 7 %.
LEAST_EFFECT = 0.1
# A target is non-linear when a linear function of its true regulators gives less of its response.
LEAST_LINEAR = 0.9
QUESTIONS: Mapping[str, str] = MappingProxyType(
    {
        "direct": "true edges among all pairs",
        "paths": "TFs that act over any path, among all pairs",
        "within_prior": "true edges among the pairs of the prior",
        "outside_prior": "true edges among the pairs outside the prior",
    }
)
# What stands in for a model where the prior alone ranks the pairs.
PRIOR = "prior"
COLUMNS = ("gene", "tf", "edge_sign", "effect", "in_prior", "prior_sign")


@dataclass(frozen=True, eq=False)
class Pairs:
    """Hold the candidates: every pair of a TF and a target, and what is true of it.

    Attributes:
        table: Columns ``gene``, ``tf``, ``edge_sign`` (1, -1; 0: no edge), ``effect`` (log2 units
            for one SD of the TF, over all paths), ``in_prior`` and ``prior_sign`` (0: not there,
            or unknown).
    """

    table: pd.DataFrame

    def __post_init__(self) -> None:
        """Refuse tables that cannot be scored."""
        if tuple(self.table.columns) != COLUMNS:
            raise ValueError(f"pairs need the columns {list(COLUMNS)}, got {[*self.table.columns]}")
        twice = self.table[self.table.duplicated(["gene", "tf"])]
        if len(twice):
            named = listed(twice["tf"] + " -> " + twice["gene"])
            raise ValueError(f"each pair may occur once, given twice: {named}")

    @property
    def genes(self) -> pd.Index:
        """Targets, in order of appearance."""
        return pd.Index(self.table["gene"].unique(), name="gene")

    @property
    def tfs(self) -> pd.Index:
        """TFs, in order of appearance."""
        return pd.Index(self.table["tf"].unique(), name="tf")

    def of(self, genes: pd.Index) -> Pairs:
        """Keep the pairs of some targets."""
        return Pairs(self.table[self.table["gene"].isin(genes)].reset_index(drop=True))

    def asked(self, question: str) -> pd.DataFrame:
        """Return the candidates of one of ``QUESTIONS``.

        Returns:
            Columns gene, tf, is_true and sign (the true one, 0 where nothing is true).

        Raises:
            KeyError: If there is no such question.
            ValueError: If nothing, or everything, is true: no ranking can then be good or bad.
        """
        found = self._candidates(question)
        if not self.poses(question):
            raise ValueError(
                f"{int(found['is_true'].sum())} of {len(found)} pairs of {len(self.genes)} targets "
                f"are true in {QUESTIONS[question]!r}; a ranking needs true and false pairs: "
                "choose more targets, or a prior that misses some edges and has some false ones"
            )
        return found

    def poses(self, question: str) -> bool:
        """Whether a question has both true and false pairs here."""
        is_true = self._candidates(question)["is_true"]
        return bool(is_true.any() and not is_true.all())

    def _candidates(self, question: str) -> pd.DataFrame:
        if question not in QUESTIONS:
            raise KeyError(f"no question {question!r}; expected one of {', '.join(QUESTIONS)}")
        table = self.table
        if question == "within_prior":
            table = table[table["in_prior"]]
        if question == "outside_prior":
            table = table[~table["in_prior"]]
        acts = table["effect"].abs() >= LEAST_EFFECT
        is_true = acts if question == "paths" else table["edge_sign"] != 0
        sign = np.sign(table["effect"]) if question == "paths" else table["edge_sign"]
        found = table[["gene", "tf"]].assign(is_true=is_true, sign=sign.where(is_true, 0))
        return found.reset_index(drop=True)


def true_pairs(
    simulation: Simulation, effects: pd.DataFrame, *, tfs: pd.Index, genes: pd.Index
) -> Pairs:
    """Lay out what is true of every pair of a TF and a target.

    Args:
        simulation: The simulation.
        effects: Result of :func:`lembas.true_effects.total_effects`.
        tfs: The models' inputs.
        genes: Targets, none of them a TF.

    Raises:
        ValueError: If there are no targets, or some are none of the simulation's.
    """
    unknown = genes.difference(simulation.targets)
    if genes.empty or len(unknown):
        raise ValueError(
            f"no true regulation is known of {listed(unknown) or 'no targets at all'}; expected "
            f"targets of the simulation, such as {listed(simulation.targets[:3])}"
        )
    pairs = pd.MultiIndex.from_product([genes, tfs], names=["gene", "tf"])
    of_prior = pd.MultiIndex.from_frame(simulation.prior.edges[["Gene", "TF"]])
    signs = {
        name: network.edges.set_index(["Gene", "TF"])["Interaction"].reindex(pairs).fillna(0)
        for name, network in (("edge", simulation.truth), ("prior", simulation.prior))
    }
    long = effects.rename_axis("gene").melt(ignore_index=False, var_name="tf", value_name="effect")
    effect = long.set_index("tf", append=True)["effect"].reindex(pairs).fillna(0.0)
    table = pd.DataFrame(
        {
            "edge_sign": signs["edge"].astype(int),
            "effect": effect,
            "in_prior": pairs.isin(of_prior),
            "prior_sign": signs["prior"].astype(int),
        }
    )
    return Pairs(table.reset_index()[list(COLUMNS)])


def scores_of(attribution: Attribution) -> pd.DataFrame:
    """Score each pair by its mean absolute attribution over the SD of the gene's prediction.

    Genes that vary more have larger attributions: undivided, they alone would fill the upper end
    of a list of all pairs.

    Returns:
        Columns gene, tf, score (>= 0) and direction; 0 for a gene whose prediction does not vary.
    """
    edges = attribution.edges()
    sd = attribution.prediction.std(ddof=0).replace(0, np.nan)
    score = edges["mean_abs_attribution"] / edges["gene"].map(sd)
    return edges[["gene", "tf", "direction"]].assign(score=score.fillna(0.0))


def scores_of_prior(pairs: Pairs) -> pd.DataFrame:
    """Score each pair by the prior alone: 1 for an edge, whose sign is its direction, else 0."""
    table = pairs.table
    return table[["gene", "tf"]].assign(
        direction=table["prior_sign"], score=table["in_prior"].astype(float)
    )


def decoy_ratios(scores: Mapping[str, pd.DataFrame], decoys: pd.Index) -> pd.Series:
    """Compare what a TF that regulates nothing gets with an equal share, over ``model``.

    Returns:
        Mean share of a decoy in all attributions, times the number of TFs: 0 is as it should be,
        1 what a TF gets on average.
    """
    shares = {}
    for model, table in scores.items():
        by_tf = table.groupby("tf")["score"].sum()
        shares[model] = float(by_tf.reindex(decoys).mean() / by_tf.mean())
    return pd.Series(shares, name="decoy_ratio").rename_axis("model")


def kinds_of(pairs: Pairs, linear_share: pd.Series) -> dict[str, pd.Index]:
    """Sort targets by what a linear model of their regulators cannot hold.

    Args:
        pairs: The candidates, with what is true of them.
        linear_share: Result of :func:`lembas.true_effects.linearity`.

    Returns:
        Kind to targets, each target in two: "linear" or "non-linear", by ``LEAST_LINEAR``;
        "multi-hop" where more TFs act on it (by ``LEAST_EFFECT``) without an edge than with one,
        else "one-hop".
    """
    table = pairs.table
    acts = table["effect"].abs() >= LEAST_EFFECT
    along = (acts & (table["edge_sign"] == 0)).groupby(table["gene"]).sum()
    own = (acts & (table["edge_sign"] != 0)).groupby(table["gene"]).sum()
    is_far = (along > own).reindex(pairs.genes).to_numpy()
    is_linear = (linear_share.reindex(pairs.genes) >= LEAST_LINEAR).to_numpy()
    marks = {"linear": is_linear, "non-linear": ~is_linear, "one-hop": ~is_far, "multi-hop": is_far}
    return {kind: pairs.genes[mark] for kind, mark in marks.items()}
