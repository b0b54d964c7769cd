"""Tests of the masked ridge: scikit-learn's ridge, gene by gene, is the oracle."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from lembas.network import Network
from lembas.ridge import ALPHAS, MaskedRidge
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
