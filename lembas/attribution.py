"""Attribute a model's predictions to the TFs, against one background for all models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from lembas.atomic import write_atomically
from lembas.boosted import Boosted
from lembas.channels import LembasChannels
from lembas.ensemble import LembasEnsemble
from lembas.explainers import Explain, Settings
from lembas.forests import XGBRF
from lembas.formats import listed
from lembas.gradient_explainer import explain_network
from lembas.labels import aligned_columns, as_names, check_is_table, offered_names
from lembas.linear_explainer import explain_linear, is_linear
from lembas.sampled_explainer import explain_sampled
from lembas.shap_import import shap
from lembas.training import LembasRegressor
from lembas.tree_explainer import explain_trees
from lembas.tuning import best_of


@dataclass(frozen=True, eq=False)
class Attribution:
    """Hold attributions of one model.

    Attributes:
        values: Gene to its attributions ``(sample, tf)``, log10.
        expression: The samples explained, ``(sample, tf)``, log10.
        base: Mean prediction over the background, over ``gene``, log10.
        prediction: What the model predicts, ``(sample, gene)``, log10.
        method: How they were computed.
        background: The samples whose mean prediction is the base.
        seed: Seed of what was drawn.
        notes: What the reader should know, such as a gene that no TF moves.
    """

    values: Mapping[str, pd.DataFrame]
    expression: pd.DataFrame
    base: pd.Series
    prediction: pd.DataFrame
    method: str
    background: pd.Index
    seed: int
    notes: tuple[str, ...] = ()

    @property
    def genes(self) -> pd.Index:
        """Genes explained, in the order asked for."""
        return pd.Index(self.values, name="gene")

    @property
    def still(self) -> list[str]:
        """Genes whose predictions no TF moves, all attributions being exactly 0."""
        return [gene for gene, table in self.values.items() if not table.to_numpy().any()]

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
        return (size / self.prediction_sd()).rename("error")

    def prediction_sd(self) -> pd.Series:
        """SD of the prediction over the samples, over ``gene``; NaN where it does not vary."""
        # The SD of equal numbers may be rounded to more than 0.
        varies = np.ptp(self.prediction.to_numpy(float), axis=0) > 0
        return self.prediction.std(ddof=0).where(varies)

    @cached_property
    def table(self) -> pd.DataFrame:
        """All as rows, with gene, sample, tf, attribution and expression (log10 of the TF)."""
        return pd.concat(
            [_tidy(table, self.expression, gene) for gene, table in self.values.items()]
        )

    @cached_property
    def completeness(self) -> pd.DataFrame:
        """The errors as rows, with gene, sample, prediction and error."""
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

    def explanation(self, gene: str) -> shap.Explanation:
        """Return one gene's attributions as shap's own plots want them.

        Raises:
            KeyError: If the gene was not explained.
        """
        _refuse_unknown([gene], self.genes, "explained were")
        return shap.Explanation(
            self.values[gene].to_numpy(float),
            base_values=np.full(len(self.expression), self.base[gene]),
            data=self.expression.to_numpy(float),
            feature_names=list(map(str, self.expression.columns)),
        )

    def to_parquet(self, path: str | Path) -> None:
        """Write all rows, with base, method and seed, as Parquet."""
        table = self._exported()
        write_atomically(Path(path), lambda part: table.to_parquet(part, index=False))

    def to_csv(self, path: str | Path) -> None:
        """Write the same as CSV; a name that ends in .gz is compressed."""
        table, how = self._exported(), "gzip" if str(path).endswith(".gz") else None
        write_atomically(Path(path), lambda part: table.to_csv(part, index=False, compression=how))

    def _exported(self) -> pd.DataFrame:
        base = self.table["gene"].map(self.base)
        return self.table.assign(base=base, method=self.method, seed=self.seed)


def explain(
    model: BaseEstimator,
    X: pd.DataFrame,
    background: pd.DataFrame,
    genes: str | Iterable[str],
    **settings: Any,
) -> Attribution:
    """Attribute predictions of some genes to the TFs.

    Linear models: closed form over the whole background. Trees: interventional TreeSHAP.
    LEMBAS-RNN: expected gradients, integrated by quadrature so that the attributions add up, or
    from random draws. All other models: permutations of the TFs, from predictions alone.

    Args:
        model: A fitted model of the registry; the very one that was scored.
        X: Samples to explain, ``(sample, tf)``, log10.
        background: Samples whose mean prediction is the base, ``(sample, tf)``, log10.
        genes: Genes to explain, or a single one.
        **settings: Fields of :class:`lembas.explainers.Settings`.

    Raises:
        KeyError: If the model does not predict one of the genes; the nearest names are offered.
        ValueError: If there is nothing to explain, samples repeat, columns are missing or not
            finite, predictions are not finite, a setting is out of its range, or the model would
            take too many predictions.
        TypeError: If a setting is unknown or of another kind, a table is no DataFrame, or the
            model is none of the registry and so does not name its genes.
        NotFittedError: If the model is not fitted.

    References:
        Lundberg and Lee 2017, arXiv:1705.07874; Erion et al. 2021,
        doi:10.1038/s42256-021-00343-w.
    """
    how = _checked_settings(settings)
    model = _checked_model(model)
    chosen = pd.Index(as_names(genes), name="gene")
    _refuse_unknown(chosen, model.genes_, "the model predicts")
    _refuse_nothing(X, background, chosen)
    X = aligned_columns(X, model.tfs_)
    background = aligned_columns(background, model.tfs_, name="background")
    prediction, over = (_finite(model, part, chosen) for part in (X, background))
    found = _method(model)(model, X, background, chosen, how)
    made = Attribution(
        values=found.by_gene,
        expression=X,
        base=over.mean(),
        prediction=prediction,
        method=found.method,
        background=background.index,
        seed=how.seed,
        notes=found.notes,
    )
    return replace(made, notes=(*made.notes, *notes_of(made.still)))


def notes_of(still: Iterable[str]) -> tuple[str, ...]:
    """Say which genes' predictions no TF moves; nothing where there is no such gene."""
    named = listed(still)
    if not named:
        return ()
    return (f"no TF moves what the model predicts for {named}: all attributions are 0",)


def _checked_model(model: BaseEstimator) -> BaseEstimator:
    check_is_fitted(model)
    model = best_of(model)
    if not hasattr(model, "genes_"):
        raise TypeError(
            f"{type(model).__name__} does not name the genes it predicts; wrap a scikit-learn "
            "regressor in lembas.baselines.LabelledRegressor and fit that to tables"
        )
    return model


def _checked_settings(settings: Mapping[str, Any]) -> Settings:
    known = [field.name for field in fields(Settings)]
    unknown = [name for name in settings if name not in known]
    if unknown:
        raise TypeError(f"unknown setting(s) {listed(unknown)}; known are {', '.join(known)}")
    return Settings(**settings)


def _method(model: BaseEstimator) -> Explain:
    if isinstance(model, LembasRegressor | LembasEnsemble | LembasChannels):
        return explain_network
    if isinstance(model, XGBRF | Boosted):
        return explain_trees
    return explain_linear if is_linear(model) else explain_sampled


def _refuse_unknown(genes: Iterable[str], known: pd.Index, what: str) -> None:
    unknown = [gene for gene in genes if gene not in known]
    if unknown:
        raise KeyError(
            f"{what} {len(known)} genes, and {listed(unknown)} not among them; the nearest names "
            f"are {offered_names(unknown[:5], known)}"
        )


def _refuse_nothing(X: pd.DataFrame, background: pd.DataFrame, genes: pd.Index) -> None:
    check_is_table("X", X)
    check_is_table("background", background)
    if not (len(X) and len(background) and len(genes)):
        raise ValueError(
            f"nothing to explain: {len(X)} samples, {len(background)} background samples, "
            f"{len(genes)} genes; each must be at least 1"
        )
    if not X.index.is_unique:
        repeated = X.index[X.index.duplicated()].unique()
        raise ValueError(
            f"samples to explain are named twice: {listed(repeated)}; keep one of each"
        )


def _finite(model: BaseEstimator, X: pd.DataFrame, genes: pd.Index) -> pd.DataFrame:
    """Predict, and refuse what cannot be explained."""
    predicted = model.predict(X)[genes].astype(float)
    wrong = ~np.isfinite(predicted.to_numpy())
    if wrong.any():
        raise ValueError(
            f"the model's predictions are not finite for {listed(genes[wrong.any(axis=0)])} in "
            f"{int(wrong.any(axis=1).sum())} of {len(X)} samples; they cannot be explained"
        )
    return predicted


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
    # The mean of equal numbers may be rounded, so that they seem to vary about it.
    varies = (np.ptp(values, axis=0) > 0) & (np.ptp(known, axis=0) > 0)
    return pd.DataFrame(
        {
            "gene": gene,
            "tf": table.columns,
            "mean_abs_attribution": np.abs(values).mean(axis=0),
            "direction": np.where(varies, np.sign(together), 0).astype(int),
        }
    )
