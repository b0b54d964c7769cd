"""Attribute a model's predictions to the TFs, against one background for all models."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import torch
import xgboost
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from lembas.baselines import LabelledRegressor
from lembas.ensemble import LembasEnsemble
from lembas.forests import XGBRF
from lembas.labels import aligned_columns
from lembas.linear import LinearModel
from lembas.pls import PLS
from lembas.ridge import MaskedRidge
from lembas.training import LembasRegressor
from lembas.tuning import Tuned

with warnings.catch_warnings():
    # shap imports tqdm's notebook bar, which warns in every kernel without widgets.
    warnings.filterwarnings("ignore", message="IProgress not found")
    import shap

# Gauss-Legendre nodes between background and sample, and rows the network sees at once.
N_NODES = 8
_ROWS = 4096


@dataclass(frozen=True, eq=False)
class Attribution:
    """Hold attributions of one model.

    Attributes:
        values: Gene to its attributions ``(sample, tf)``, log10.
        expression: The samples explained, ``(sample, tf)``, log10.
        base: Mean prediction over the background, over ``gene``, log10.
        prediction: What the model predicts, ``(sample, gene)``, log10.
        method: How they were computed.
    """

    values: Mapping[str, pd.DataFrame]
    expression: pd.DataFrame
    base: pd.Series
    prediction: pd.DataFrame
    method: str

    @property
    def genes(self) -> pd.Index:
        """Genes explained, in the order asked for."""
        return pd.Index(self.values, name="gene")

    @cached_property
    def error(self) -> pd.DataFrame:
        """Base + sum of attributions - prediction, ``(sample, gene)``, log10."""
        sums = {gene: table.sum(axis=1) for gene, table in self.values.items()}
        total = pd.DataFrame(sums, index=self.prediction.index, columns=self.genes)
        return (total + self.base - self.prediction).astype(float)

    def completeness_error(self) -> pd.Series:
        """Root mean square of the error over the SD of the prediction, for each gene.

        NaN for a gene whose prediction does not vary.
        """
        size = np.sqrt((self.error**2).mean())
        return (size / self.prediction.std(ddof=0).replace(0, np.nan)).rename("error")

    @cached_property
    def table(self) -> pd.DataFrame:
        """Lay all out as rows: gene, sample, tf, attribution, expression (log10 of the TF)."""
        return pd.concat(
            [_tidy(table, self.expression, gene) for gene, table in self.values.items()]
        )

    @cached_property
    def completeness(self) -> pd.DataFrame:
        """Lay the errors out as rows: gene, sample, prediction, error."""
        return pd.concat(
            [_completeness(self.prediction[gene], self.error[gene]) for gene in self.genes]
        )

    def edges(self) -> pd.DataFrame:
        """Summarise each gene and TF over the samples.

        Returns:
            Rows: gene, tf, mean_abs_attribution (log10) and direction: the sign of the
            covariance of attribution and TF expression, 0 where either does not vary.
        """
        return pd.concat([_edges_of(table, self.expression, g) for g, table in self.values.items()])


def explain(
    model: BaseEstimator, X: pd.DataFrame, background: pd.DataFrame, genes: Iterable[str]
) -> Attribution:
    """Attribute predictions of some genes to the TFs.

    Linear models: closed form. XGBRF: interventional TreeSHAP. LEMBAS-RNN: expected gradients
    over every background sample, integrated by Gauss-Legendre quadrature instead of random
    draws, so that the attributions add up.

    Args:
        model: A fitted model of the registry; the very one that was scored.
        X: Samples to explain, ``(sample, tf)``, log10.
        background: Samples whose mean prediction is the base, ``(sample, tf)``, log10.
        genes: Genes to explain.

    Raises:
        KeyError: If the model does not predict one of the genes.
        ValueError: If there is nothing to explain, or columns are missing.
        TypeError: If no method is known for the model.

    References:
        Lundberg and Lee 2017, arXiv:1705.07874; Erion et al. 2021,
        doi:10.1038/s42256-021-00343-w.
    """
    model = model.best_ if isinstance(model, Tuned) else model
    method, explain_gene = _method(model)
    chosen = pd.Index(genes, name="gene").unique()
    unknown = chosen.difference(model.genes_)
    if len(unknown):
        raise KeyError(
            f"the model does not predict {', '.join(map(str, unknown[:5]))}; it predicts "
            f"{len(model.genes_)} genes such as {', '.join(map(str, model.genes_[:5]))}"
        )
    if X.empty or background.empty or chosen.empty:
        raise ValueError(
            f"nothing to explain: {len(X)} samples, {len(background)} background samples, "
            f"{len(chosen)} genes; each must be at least 1"
        )
    X, background = aligned_columns(X, model.tfs_), aligned_columns(background, model.tfs_)
    return Attribution(
        values={gene: explain_gene(model, X, background, gene) for gene in chosen},
        expression=X,
        base=model.predict(background)[chosen].mean().astype(float),
        prediction=model.predict(X)[chosen].astype(float),
        method=method,
    )


Explain = Callable[[BaseEstimator, pd.DataFrame, pd.DataFrame, str], pd.DataFrame]


def _method(model: BaseEstimator) -> tuple[str, Explain]:
    if isinstance(model, LembasRegressor | LembasEnsemble):
        return "expected gradients, quadrature", _expected_gradients
    if isinstance(model, XGBRF):
        return "interventional TreeSHAP", _tree_shap
    if isinstance(model, MaskedRidge) or _linear_part(model) is not None:
        return "linear, closed form", _linear_shap
    raise TypeError(
        f"no attribution method for {type(model).__name__}; known are linear models, XGBRF and "
        "LEMBAS-RNN"
    )


def _linear_part(model: BaseEstimator) -> Any:
    """Find the linear regressor of a labelled model, alone or behind a standardisation."""
    if isinstance(model, LinearModel | PLS):
        return model
    last = getattr(model, "estimator_", None) if isinstance(model, LabelledRegressor) else None
    if isinstance(last, Pipeline):
        # Behind any other step the slopes would not be those of the TFs.
        standardised = len(last) == 2 and isinstance(last[0], StandardScaler)
        last = last[-1] if standardised else None
    return last if hasattr(last, "coef_") else None


def _coefficients(model: BaseEstimator, gene: str) -> pd.Series:
    """Slope of a gene's prediction for each TF, log10 per log10."""
    if isinstance(model, MaskedRidge):
        row = model.coef_[[model.genes_.get_loc(gene)]].toarray().ravel()
        return pd.Series(row, index=model.tfs_) / model.tf_sd_
    slope = np.atleast_2d(_linear_part(model).coef_)[model.genes_.get_loc(gene)]
    if isinstance(model, LabelledRegressor) and isinstance(model.estimator_, Pipeline):
        slope = slope / model.estimator_[0].scale_
    return pd.Series(slope, index=model.tfs_)


def _linear_shap(
    model: BaseEstimator, X: pd.DataFrame, background: pd.DataFrame, gene: str
) -> pd.DataFrame:
    """Multiply each TF's distance from the background mean by its slope."""
    return (X - background.mean()) * _coefficients(model, gene)


def _tree_shap(model: XGBRF, X: pd.DataFrame, background: pd.DataFrame, gene: str) -> pd.DataFrame:
    explainer = shap.TreeExplainer(
        _one_tree_a_round(model.forest(gene)),
        data=background.to_numpy(float),
        feature_perturbation="interventional",
    )
    values = explainer.shap_values(X.to_numpy(float), check_additivity=False)
    return pd.DataFrame(values, index=X.index, columns=X.columns)


def _one_tree_a_round(forest: xgboost.Booster) -> xgboost.Booster:
    """Rewrite a forest as boosting rounds of one tree each: the same sum of the same trees.

    shap refuses boosters that grow several trees a round.
    """
    content = json.loads(bytes(forest.save_raw("json")))
    trees = content["learner"]["gradient_booster"]["model"]
    trees["gbtree_model_param"]["num_parallel_tree"] = "1"
    trees["iteration_indptr"] = list(range(len(trees["trees"]) + 1))
    return xgboost.Booster(model_file=bytearray(json.dumps(content).encode()))


def _expected_gradients(
    model: LembasRegressor | LembasEnsemble,
    X: pd.DataFrame,
    background: pd.DataFrame,
    gene: str,
) -> pd.DataFrame:
    r"""Average (x - b) times the gradient along the way from every background b to x.

    .. math:: \phi_t = E_b \int_0^1 (x_t - b_t) \,
       \frac{\partial \hat y}{\partial x_t}(b + u (x - b)) \, du
    """
    single = model.restricted([gene])
    points, weights = np.polynomial.legendre.leggauss(N_NODES)
    position = torch.from_numpy(((points + 1) / 2).astype(np.float32))
    share = torch.from_numpy((weights / 2).astype(np.float32))
    base = torch.from_numpy(background.to_numpy(np.float32, copy=True))
    rows = [
        _integrate(single.predict_tensor, sample, base, position, share)
        for sample in torch.from_numpy(X.to_numpy(np.float32, copy=True))
    ]
    return pd.DataFrame(torch.stack(rows).numpy(), index=X.index, columns=X.columns)


def _integrate(
    predict: Callable[[Tensor], Tensor],
    sample: Tensor,
    base: Tensor,
    position: Tensor,
    share: Tensor,
) -> Tensor:
    """Attribute one sample's prediction: quadrature over the way, mean over the background."""
    away = sample - base
    along = base[None] + position[:, None, None] * away[None]
    rows = along.reshape(-1, base.shape[1])
    gradients = [_gradient(predict, part) for part in rows.split(_ROWS)]
    gradient = torch.cat(gradients).reshape(along.shape)
    return (away * torch.einsum("n,nbt->bt", share, gradient)).mean(dim=0)


def _gradient(predict: Callable[[Tensor], Tensor], rows: Tensor) -> Tensor:
    rows = rows.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(predict(rows).sum(), rows)
    return gradient


def _tidy(table: pd.DataFrame, X: pd.DataFrame, gene: str) -> pd.DataFrame:
    """Turn ``(sample, tf)`` attributions into rows, with the TFs' expression beside them."""
    table, X = table.rename_axis("sample"), X.rename_axis("sample")
    values = table.melt(ignore_index=False, var_name="tf", value_name="attribution")
    expression = X.melt(ignore_index=False, var_name="tf", value_name="expression")
    values = values.reset_index().astype({"attribution": float})
    return values.assign(gene=gene, expression=expression["expression"].to_numpy(float))[
        ["gene", "sample", "tf", "attribution", "expression"]
    ]


def _completeness(predicted: pd.Series, error: pd.Series) -> pd.DataFrame:
    names = {"gene": predicted.name, "sample": predicted.index}
    return pd.DataFrame({**names, "prediction": predicted.to_numpy(), "error": error.to_numpy()})


def _edges_of(table: pd.DataFrame, X: pd.DataFrame, gene: str) -> pd.DataFrame:
    """Summarise one gene's attributions ``(sample, tf)``."""
    values, known = table.to_numpy(float), X.to_numpy(float)
    together = ((values - values.mean(axis=0)) * (known - known.mean(axis=0))).sum(axis=0)
    return pd.DataFrame(
        {
            "gene": gene,
            "tf": table.columns,
            "mean_abs_attribution": np.abs(values).mean(axis=0),
            "direction": np.sign(together).astype(int),
        }
    )
