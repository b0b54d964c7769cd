"""Attributions of trees, by interventional TreeSHAP."""

from __future__ import annotations

import json

import pandas as pd
import xgboost

from lembas.boosted import Boosted
from lembas.explainers import Explained, Settings
from lembas.forests import XGBRF
from lembas.shap_import import shap


def explain_trees(
    model: XGBRF | Boosted,
    X: pd.DataFrame,
    background: pd.DataFrame,
    genes: pd.Index,
    settings: Settings,
) -> Explained:
    """Explain one gene's trees after another against the whole background.

    References:
        Lundberg et al. 2020, doi:10.1038/s42256-019-0138-9.
    """
    # shap keeps 100 background samples unless told otherwise.
    masker = shap.maskers.Independent(background.to_numpy(float), max_samples=len(background))
    values = {}
    for gene in genes:
        explainer = shap.TreeExplainer(
            _trees(model, gene),
            data=masker,
            feature_perturbation="interventional",
        )
        found = explainer.shap_values(X.to_numpy(float), check_additivity=False)
        values[gene] = pd.DataFrame(found, index=X.index, columns=X.columns)
    return Explained(values, "interventional TreeSHAP")


def _trees(model: XGBRF | Boosted, gene: str) -> xgboost.Booster:
    if isinstance(model, Boosted):
        return model.boosters_.models[model.genes_.get_loc(gene)]
    return _one_tree_a_round(model.forest(gene))


def _one_tree_a_round(forest: xgboost.Booster) -> xgboost.Booster:
    """Rewrite a forest as boosting rounds of one tree each: the same sum of the same trees.

    shap refuses boosters that grow several trees a round.
    """
    content = json.loads(bytes(forest.save_raw("json")))
    trees = content["learner"]["gradient_booster"]["model"]
    trees["gbtree_model_param"]["num_parallel_tree"] = "1"
    trees["iteration_indptr"] = list(range(len(trees["trees"]) + 1))
    return xgboost.Booster(model_file=bytearray(json.dumps(content).encode()))
