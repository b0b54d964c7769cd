"""Tests of both ridges: scikit-learn's ridge and the dense hat matrix are the oracles."""

from __future__ import annotations

from unittest import mock

import numpy as np
import pandas as pd
import pytest
import skops.io
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from lembas import linear
from lembas.network import Network
from lembas.ridge import ALPHAS, MaskedRidge, RidgeGCV
from tests.conftest import random_expression

TFS = [f"TF{number}" for number in range(8)]
GENES = ["TF1", *(f"G{number}" for number in range(6))]
N_SAMPLES = 40


def network(seed: int = 0) -> Network:
    """Draw a network in which TF1 regulates itself and G5 has no regulator."""
    rng = np.random.default_rng(seed)
    rows = [("TF1", "TF1", 1), ("TF2", "TF1", -1)]
    rows += [
        (tf, gene, int(rng.choice([-1, 1])))
        for gene in GENES[1:-1]
        for tf in rng.choice([*TFS, "unmeasured"], 4, replace=False)
    ]
    return Network.from_edges(pd.DataFrame(rows, columns=["TF", "Gene", "Interaction"]))


def tables(seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw TFs and genes that follow them, with noise that grows from gene to gene."""
    x = random_expression("s", N_SAMPLES, TFS, seed=seed)
    rng = np.random.default_rng(seed + 1)
    y = x.to_numpy() @ rng.normal(size=(len(TFS), len(GENES)))
    y += rng.normal(size=y.shape) * np.linspace(0.1, 20, len(GENES))
    return x, pd.DataFrame(y, index=x.index, columns=pd.Index(GENES, name="gene"))


def own_regulators(gene: str) -> list[str]:
    return [tf for tf in network().regulators(gene) if tf in TFS and tf != gene]


def standardised(x: pd.DataFrame) -> pd.DataFrame:
    return (x - x.mean()) / x.std(ddof=0)


def brute_force_gcv(z: np.ndarray, y: np.ndarray, alpha: float) -> float:
    """GCV from the dense hat matrix of the regression with an intercept."""
    n = len(y)
    penalised = z @ np.linalg.solve(z.T @ z + alpha * np.eye(z.shape[1]), z.T)
    hat = penalised + np.full((n, n), 1 / n)
    return n * ((y - hat @ y) ** 2).sum() / (n - np.trace(hat)) ** 2


@pytest.mark.parametrize("seed", range(3))
def test_the_penalty_minimises_a_brute_force_gcv(seed):
    x, y = tables(seed)
    model = MaskedRidge(network()).fit(x, y)
    for gene in GENES[:-1]:
        z = standardised(x)[own_regulators(gene)].to_numpy()
        scores = [brute_force_gcv(z, y[gene].to_numpy(), alpha) for alpha in ALPHAS]
        assert model.alpha_[gene] == ALPHAS[int(np.argmin(scores))]
    assert len(set(model.alpha_.dropna())) > 1  # the choice is a real one


def test_coefficients_and_predictions_equal_scikit_learns_ridge_on_the_regulators():
    x, y = tables()
    new = random_expression("n", 9, TFS, seed=8)
    model = MaskedRidge(network()).fit(x, y)
    predicted = model.predict(new)
    coefficients = pd.DataFrame(model.coef_.toarray(), index=GENES, columns=TFS)
    for gene in GENES[:-1]:
        own = own_regulators(gene)
        ridge = Ridge(alpha=model.alpha_[gene]).fit(standardised(x)[own], y[gene])
        np.testing.assert_allclose(coefficients.loc[gene, own], ridge.coef_, atol=1e-10)
        assert (coefficients.loc[gene].drop(own) == 0).all()
        scaled = (new - x.mean()) / x.std(ddof=0)
        np.testing.assert_allclose(predicted[gene], ridge.predict(scaled[own]), atol=1e-10)


def test_a_gene_without_measured_regulators_is_predicted_by_its_training_mean():
    x, y = tables()
    model = MaskedRidge(network()).fit(x, y)
    assert np.isnan(model.alpha_["G5"])
    np.testing.assert_allclose(model.predict(x)["G5"], y["G5"].mean(), atol=1e-12)


def test_a_tf_outside_the_network_cannot_change_a_prediction():
    x, y = tables()
    model = MaskedRidge(network()).fit(x, y)
    for gene in GENES:
        others = x.columns.difference(own_regulators(gene))
        changed = x.assign(**{tf: x[tf] + 1 for tf in others})
        np.testing.assert_array_equal(model.predict(changed)[gene], model.predict(x)[gene])


def test_a_known_truth_is_recovered():
    x, y = tables()
    own = own_regulators("G0")
    y["G0"] = x[own] @ np.arange(1.0, len(own) + 1)
    model = MaskedRidge(network(), alphas=(1e-8,)).fit(x, y)
    np.testing.assert_allclose(model.predict(x)["G0"], y["G0"], atol=1e-6)
    slopes = pd.Series(model.coef_.toarray()[1], index=TFS) / x.std(ddof=0)
    np.testing.assert_allclose(slopes[own], np.arange(1.0, len(own) + 1), atol=1e-6)


def test_the_order_of_tfs_genes_and_samples_changes_nothing():
    x, y = tables()
    plain = MaskedRidge(network()).fit(x, y).predict(x)
    order = np.random.default_rng(0).permutation(N_SAMPLES)
    model = MaskedRidge(network()).fit(x[TFS[::-1]].iloc[order], y[GENES[::-1]].iloc[order])
    pd.testing.assert_frame_equal(model.predict(x)[GENES], plain, atol=1e-10)
    assert model.predict(x).columns.tolist() == GENES[::-1]


def test_renaming_changes_nothing():
    x, y = tables()
    edges = network().edges
    renamed = Network.from_edges(edges.assign(TF="n_" + edges["TF"], Gene="n_" + edges["Gene"]))
    new = x.rename(columns="n_{}".format)
    theirs = MaskedRidge(renamed).fit(new, y.rename(columns="n_{}".format)).predict(new)
    ours = MaskedRidge(network()).fit(x, y).predict(x)
    np.testing.assert_allclose(theirs, ours, atol=1e-12)


def test_saving_and_loading_change_nothing():
    x, y = tables()
    model = MaskedRidge(network()).fit(x, y)
    data = skops.io.dumps(model)
    types = skops.io.get_untrusted_types(data=data)
    assert all(kind.startswith(("lembas.", "scipy.")) for kind in types), types
    loaded = skops.io.loads(data, trusted=types)
    pd.testing.assert_frame_equal(loaded.predict(x), model.predict(x), check_exact=True)
    pd.testing.assert_series_equal(loaded.alpha_, model.alpha_)
    assert loaded.network.digest == model.network.digest


def test_it_behaves_like_a_scikit_learn_estimator():
    x, y = tables()
    model = MaskedRidge(network(), alphas=(1.0, 10.0)).fit(x, y)
    copied = clone(model)
    assert copied.get_params()["alphas"] == (1.0, 10.0)
    assert not hasattr(copied, "coef_")
    pd.testing.assert_frame_equal(copied.fit(x, y).predict(x), model.predict(x))
    assert model.score(x, y) <= 1
    assert copied.set_params(alphas=(5.0,)).fit(x, y).alpha_.dropna().eq(5.0).all()


def test_it_works_in_a_pipeline_and_in_cross_validation():
    x, y = tables()
    scaler = MinMaxScaler().set_output(transform="pandas")
    pipeline = make_pipeline(scaler, MaskedRidge(network()))
    # Standardised inputs do not depend on how they were scaled before.
    pd.testing.assert_frame_equal(
        pipeline.fit(x, y).predict(x), MaskedRidge(network()).fit(x, y).predict(x), atol=1e-9
    )
    held_out = cross_val_predict(MaskedRidge(network()), x, y, cv=4)
    first = MaskedRidge(network()).fit(x.iloc[10:], y.iloc[10:]).predict(x.iloc[:10])
    np.testing.assert_allclose(held_out[:10], first, atol=1e-12)


@pytest.mark.parametrize("level", [0.0, 0.1, 0.3, 2.7])
@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_a_tf_that_does_not_vary_in_training_has_no_effect(kind, level):
    # 997 samples: the mean of a constant carries rounding, and so does its deviation.
    x = random_expression("s", 997, TFS, seed=0)
    y = random_expression("s", 997, GENES, seed=1)
    constant = own_regulators("G0")[0]
    x[constant] = level
    model = MaskedRidge(network()).fit(x.astype(kind), y)
    moved = x.astype(kind).assign(**{constant: x[constant] + 2})
    np.testing.assert_allclose(model.predict(moved), model.predict(x.astype(kind)), atol=1e-5)


def test_single_precision_tables_give_the_same_model():
    x, y = tables()
    single = MaskedRidge(network()).fit(x.astype(np.float32), y.astype(np.float32)).predict(x)
    np.testing.assert_allclose(single, MaskedRidge(network()).fit(x, y).predict(x), atol=1e-4)
    assert (single.dtypes == np.float64).all()


def test_a_gene_that_does_not_vary_is_predicted_as_it_is():
    x, y = tables()
    y["G1"] = 0.7
    np.testing.assert_allclose(MaskedRidge(network()).fit(x, y).predict(x)["G1"], 0.7, atol=1e-12)


def test_more_regulators_than_samples():
    x, y = tables()
    few = MaskedRidge(network()).fit(x.iloc[:3], y.iloc[:3])
    assert np.isfinite(few.predict(x)).all(axis=None)


@pytest.mark.parametrize("alphas", [(), (1.0, 0.0), (-1.0,), (np.nan,), (np.inf,)])
def test_penalties_that_are_not_positive_are_refused(alphas):
    x, y = tables()
    with pytest.raises(ValueError, match="alphas must be positive numbers, got"):
        MaskedRidge(network(), alphas=alphas).fit(x, y)


def test_no_network_and_bad_tables_are_refused():
    x, y = tables()
    with pytest.raises(ValueError, match="MaskedRidge needs a network: pass network="):
        MaskedRidge().fit(x, y)
    with pytest.raises(TypeError, match="X is a ndarray"):
        MaskedRidge(network()).fit(x.to_numpy(), y)
    with pytest.raises(ValueError, match=r"X lacks 1 of the 8 TFs .*: TF3; add them"):
        MaskedRidge(network()).fit(x, y).predict(x.drop(columns="TF3"))


def everything(genes: list[str]) -> Network:
    """Connect every TF with every gene."""
    rows = [(tf, gene, 1) for tf in TFS for gene in genes]
    return Network.from_edges(pd.DataFrame(rows, columns=["TF", "Gene", "Interaction"]))


def duplicated(x: pd.DataFrame) -> pd.DataFrame:
    return x.assign(TF3=x["TF0"])


def constant(x: pd.DataFrame) -> pd.DataFrame:
    return x.assign(TF3=0.1)


def unchanged(x: pd.DataFrame) -> pd.DataFrame:
    return x


@pytest.mark.parametrize("change", [unchanged, duplicated, constant])
@pytest.mark.parametrize("n_samples", [40, 9, 8, 5])
def test_full_ridge_chooses_by_a_brute_force_gcv_and_solves_as_scikit_learn(change, n_samples):
    x, y = tables(2)
    x, y = change(x.iloc[:n_samples]), y.iloc[:n_samples]
    z = ((x - x.mean()) / x.std(ddof=0).where(x.max() > x.min(), 1.0)).to_numpy()
    model = RidgeGCV().fit(x, y)
    for gene in GENES:
        scores = np.array([brute_force_gcv(z, y[gene].to_numpy(), alpha) for alpha in ALPHAS])
        chosen = scores[ALPHAS.index(model.alpha_[gene])]
        assert chosen <= scores.min() * (1 + 1e-9)
        expected = Ridge(alpha=model.alpha_[gene], solver="svd").fit(z, y[gene])
        np.testing.assert_allclose(model.predict(x)[gene], expected.predict(z), atol=1e-10)
        slopes = pd.Series(model.coef_[GENES.index(gene)], TFS) * x.std(ddof=0)
        np.testing.assert_allclose(slopes, expected.coef_, atol=1e-10)


def test_genes_get_penalties_of_their_own():
    assert RidgeGCV().fit(*tables()).alpha_.nunique() > 2


@pytest.mark.parametrize("n_samples", [40, 12, 5])
def test_masked_ridge_on_a_complete_network_is_full_ridge(n_samples):
    x, y = tables(3)
    x, y = x.iloc[:n_samples], y.iloc[:n_samples].drop(columns="TF1")
    alphas = ALPHAS[::4]
    masked = MaskedRidge(everything(list(y)), alphas=alphas).fit(x, y)
    full = RidgeGCV(alphas=alphas).fit(x, y)
    pd.testing.assert_series_equal(masked.alpha_, full.alpha_)
    np.testing.assert_allclose(masked.predict(x), full.predict(x), atol=1e-10)
    np.testing.assert_allclose(masked.coef_.toarray() / x.std(ddof=0).to_numpy(), full.coef_)


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 8), st.integers(1, 50))
def test_the_size_of_the_chunks_changes_nothing(genes_at_once, samples_at_once):
    x, y = tables()
    for model in (MaskedRidge(network()), RidgeGCV()):
        expected = clone(model).fit(x, y)
        with (
            mock.patch.object(linear, "GENES_AT_ONCE", genes_at_once),
            mock.patch.object(linear, "SAMPLES_AT_ONCE", samples_at_once),
        ):
            found = clone(model).fit(x, y)
            predicted = found.predict(x)
        pd.testing.assert_series_equal(found.alpha_, expected.alpha_)
        np.testing.assert_allclose(predicted, expected.predict(x), atol=1e-12)


def test_full_ridge_does_not_depend_on_order_names_number_type_and_layout():
    x, y = tables()
    x, y = x.astype(np.float32), y.astype(np.float32)
    expected = RidgeGCV().fit(x, y)
    order = np.random.default_rng(0).permutation(N_SAMPLES)
    mixed = RidgeGCV().fit(x.iloc[order, ::-1], y.iloc[order, ::-1])
    pd.testing.assert_series_equal(mixed.alpha_[GENES], expected.alpha_)
    pd.testing.assert_frame_equal(mixed.predict(x)[GENES], expected.predict(x), atol=1e-12)
    double = RidgeGCV().fit(x.astype(float), y.astype(float))
    pd.testing.assert_series_equal(double.alpha_, expected.alpha_)
    np.testing.assert_allclose(double.coef_, expected.coef_, atol=1e-14)
    renamed = x.rename(columns="n_{}".format)
    theirs = RidgeGCV().fit(renamed, y).predict(renamed)
    np.testing.assert_allclose(theirs, expected.predict(x), atol=1e-12)


def test_full_ridge_of_what_does_not_vary():
    x, y = tables()
    model = RidgeGCV().fit(x, y.assign(G1=0.1))
    assert (model.predict(x)["G1"] == 0.1).all()
    still = RidgeGCV().fit(x * 0 + 0.1, y)
    np.testing.assert_allclose(still.predict(x), y * 0 + y.mean(), atol=1e-12)
    alone = RidgeGCV().fit(x.iloc[:1], y.iloc[:1])
    np.testing.assert_array_equal(alone.predict(x.iloc[:1]), y.iloc[:1])


def test_a_full_ridge_is_saved_without_pickled_objects():
    x, y = tables()
    model = RidgeGCV().fit(x, y)
    data = skops.io.dumps(model)
    types = skops.io.get_untrusted_types(data=data)
    assert types == ["lembas.ridge.RidgeGCV"]
    loaded = skops.io.loads(data, trusted=types)
    pd.testing.assert_frame_equal(loaded.predict(x), model.predict(x), check_exact=True)
    pd.testing.assert_series_equal(loaded.alpha_, model.alpha_)


def test_full_ridge_refuses_bad_penalties_and_tables():
    x, y = tables()
    with pytest.raises(ValueError, match="alphas must be positive numbers, got"):
        RidgeGCV(alphas=(1.0, 0.0)).fit(x, y)
    with pytest.raises(ValueError, match="Y holds 1 missing or infinite values"):
        RidgeGCV().fit(x, y.where(y != y.iloc[3, 2]))
