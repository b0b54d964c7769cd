"""Tests of the border of predictions; tests of fitting go through it with whole models."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lembas import predicted
from lembas.baselines import TrainMean
from lembas.predicted import predict_checked, predicted_genes
from tests.conftest import random_expression
from tests.small_study import Speaking

X = random_expression("s", 25, ["TF1", "TF2"], seed=0)
Y = random_expression("s", 25, ["G1", "G2", "G3"], seed=1)


def test_some_samples_at_a_time_give_the_same(monkeypatch):
    model = Speaking().fit(X, Y)
    whole = predict_checked("mine", model, X, genes=Y.columns)
    monkeypatch.setattr(predicted, "SAMPLES_AT_ONCE", 4)
    pd.testing.assert_frame_equal(predict_checked("mine", model, X, genes=Y.columns), whole)
    assert whole.index.equals(X.index)
    assert whole.dtypes.eq(np.float32).all()
    expected = X[["TF1"]].to_numpy() + Y.mean().to_numpy()
    np.testing.assert_allclose(whole, expected, rtol=1e-6)


def test_a_model_may_predict_a_part_of_the_targets():
    model = TrainMean().fit(X, Y[["G3", "G1"]])
    genes = predicted_genes("mine", model, Y.columns)
    assert genes.tolist() == ["G3", "G1"]
    assert predict_checked("mine", model, X, genes=genes).columns.tolist() == ["G3", "G1"]


def test_a_model_without_genes_of_its_own_must_predict_all_targets():
    assert predicted_genes("mine", Speaking().fit(X, Y), Y.columns).equals(Y.columns)
    with pytest.raises(ValueError, match=r"model 'mine' predicted other genes .*: missing G1"):
        predict_checked("mine", Speaking("missing gene").fit(X, Y), X, genes=Y.columns)


def test_no_gene_at_all_is_refused():
    model = TrainMean().fit(X, Y)
    model.genes_ = model.genes_[:0]
    with pytest.raises(ValueError, match="model 'mine' predicts 0 genes, and 0 of them are no tar"):
        predicted_genes("mine", model, Y.columns)


def test_the_first_genes_at_fault_are_named():
    genes = [f"G{number}" for number in range(9)]
    truth = random_expression("s", 25, genes, seed=1)
    model = Speaking().fit(X, truth)
    model.mean_ = model.mean_ * np.nan
    message = r"predicted 225 values that are not finite, for 9 of 9 genes: G0, .*G4 and 4 more"
    with pytest.raises(ValueError, match=message):
        predict_checked("mine", model, X, genes=truth.columns)
