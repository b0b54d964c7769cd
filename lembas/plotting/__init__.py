"""Figures: one function a figure, tidy tables in, a matplotlib figure out.

Nothing here reads a file or changes matplotlib's settings. A figure shown at the end of a notebook
cell appears as SVG; its dark variant, a PNG and the table behind it go with it, for the pages of
the book. `to_svg` returns the same bytes each time.
"""

from lembas.plotting.attribution import agreement, completeness, mean_attribution, waterfalls
from lembas.plotting.attribution_checks import attribution_checks, prior_shares, skill_and_prior
from lembas.plotting.beeswarm import beeswarm
from lembas.plotting.card import social_card
from lembas.plotting.comparison import original_beside_ours
from lembas.plotting.controls import depth_curve, network_ladder
from lembas.plotting.data import cohort_pca, library_sizes, mean_against_sd, missingness
from lembas.plotting.evidence import (
    few_shot_curves,
    interval_coverage,
    learning_curves,
    mean_ranks,
    strata_differences,
)
from lembas.plotting.fit import ridge_alphas, training_history
from lembas.plotting.heatmap import attribution_heatmap
from lembas.plotting.knockouts import (
    knockout_responders,
    response_scores,
    responses_against_truth,
    weight_signs,
)
from lembas.plotting.latency import batch_scaling, latency, scaling, throughput
from lembas.plotting.network import coverage, degree_distributions, edge_signs, hubs, tf_block
from lembas.plotting.predictions import predicted_against_observed, residuals_by_stratum
from lembas.plotting.scores import aggregate_scores, gene_violins, skill_ecdf, skill_forest
from lembas.plotting.style import Drawing, model_colour, model_marker, to_svg
from lembas.plotting.truth import precision_recall, recovery, recovery_curves

__all__ = [
    "Drawing",
    "aggregate_scores",
    "agreement",
    "attribution_checks",
    "attribution_heatmap",
    "batch_scaling",
    "beeswarm",
    "cohort_pca",
    "completeness",
    "coverage",
    "degree_distributions",
    "depth_curve",
    "edge_signs",
    "few_shot_curves",
    "gene_violins",
    "hubs",
    "interval_coverage",
    "knockout_responders",
    "latency",
    "learning_curves",
    "library_sizes",
    "mean_against_sd",
    "mean_attribution",
    "mean_ranks",
    "missingness",
    "model_colour",
    "model_marker",
    "network_ladder",
    "original_beside_ours",
    "precision_recall",
    "predicted_against_observed",
    "prior_shares",
    "recovery",
    "recovery_curves",
    "residuals_by_stratum",
    "response_scores",
    "responses_against_truth",
    "ridge_alphas",
    "scaling",
    "skill_and_prior",
    "skill_ecdf",
    "skill_forest",
    "social_card",
    "strata_differences",
    "tf_block",
    "throughput",
    "to_svg",
    "training_history",
    "waterfalls",
    "weight_signs",
]
