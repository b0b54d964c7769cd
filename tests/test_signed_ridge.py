"""Tests of the signed ridge: SciPy's non-negative least squares and the KKT conditions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import skops.io
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls

from lembas.network import Network
from lembas.ridge import MaskedRidge
from lembas.signed_ridge import SignedRidge
from tests.test_ridge import GENES, TFS, network, standardised, tables


def signs_of(prior: Network) -> pd.DataFrame:
    """Spread the signs: ``(gene, tf)``, 0 where there is no edge or a gene is its own TF."""
    edges = prior.edges[prior.edges["TF"] != prior.edges["Gene"]]
    wide = edges.pivot_table(index="Gene", columns="TF", values="Interaction", fill_value=0)
    return wide.reindex(index=GENES, columns=TFS, fill_value=0)


def weights_of(model: MaskedRidge) -> pd.DataFrame:
    return pd.DataFrame(model.coef_.toarray(), index=model.genes_, columns=model.tfs_)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 500))
def test_every_weight_has_its_edges_sign_or_is_zero(seed):
    prior = network(seed)
    weights = weights_of(SignedRidge(prior).fit(*tables(seed)))
    signs = signs_of(prior)
    assert (signs * weights >= 0).all(axis=None)
    assert (weights.where(signs == 0, 0) == 0).all(axis=None)


def test_where_the_signs_are_right_it_is_the_masked_ridge():
    x, y = tables()
    free = MaskedRidge(network()).fit(x, y)
    weights = weights_of(free)
    edges = network().edges
    given_ = [
        np.sign(weights.loc[gene, tf]) if tf in TFS and tf != gene else 1
        for tf, gene in zip(edges["TF"], edges["Gene"], strict=True)
    ]
    right = Network.from_edges(edges.assign(Interaction=given_))
    signed = SignedRidge(right).fit(x, y)
    pd.testing.assert_frame_equal(weights_of(signed), weights, check_exact=True)
    pd.testing.assert_series_equal(signed.alpha_, free.alpha_)
    wrong = SignedRidge(Network.from_edges(edges.assign(Interaction=-np.array(given_))))
    assert (weights_of(wrong.fit(x, y)).abs().sum(axis=1) < weights.abs().sum(axis=1) + 1e-12).all()


@pytest.mark.parametrize("seed", range(4))
def test_it_is_scipys_non_negative_least_squares_on_flipped_tfs(seed):
    x, y = tables(seed)
    prior = network(seed)
    model = SignedRidge(prior).fit(x, y)
    signs, z, weights = signs_of(prior), standardised(x), weights_of(model)
    n_bound = 0
    for gene in GENES:
        own = signs.columns[signs.loc[gene] != 0]
        if own.empty:
            continue
        flipped = (z[own] * signs.loc[gene, own]).to_numpy()
        # The penalty as further rows, which ask for weights of 0.
        penalty = np.sqrt(model.alpha_[gene]) * np.eye(len(own))
        centred = (y[gene] - y[gene].mean()).to_numpy()
        rows = np.vstack([flipped - flipped.mean(axis=0), penalty])
        expected, _ = nnls(rows, np.concatenate([centred, np.zeros(len(own))]))
        expected = expected * signs.loc[gene, own]
        np.testing.assert_allclose(weights.loc[gene, own], expected, atol=1e-9)
        n_bound += (weights.loc[gene, own] == 0).sum()
    assert n_bound > 0  # the signs bind somewhere, or nothing was tested


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 500))
def test_the_kkt_conditions_hold(seed):
    """At a free weight the slope of the loss is 0; at a bound it points across it."""
    x, y = tables(seed)
    prior = network(seed)
    model = SignedRidge(prior).fit(x, y)
    signs, z, weights = signs_of(prior), standardised(x), weights_of(model)
    for gene in GENES:
        own = signs.columns[signs.loc[gene] != 0]
        if own.empty:
            continue
        weight, sign = weights.loc[gene, own], signs.loc[gene, own]
        residual = y[gene] - y[gene].mean() - z[own] @ weight
        downhill = sign * (z[own].T @ residual - model.alpha_[gene] * weight)
        scale = 1e-8 * (1 + np.abs(z[own].T @ y[gene]).max())
        assert (downhill.abs()[weight != 0] <= scale).all()
        assert (downhill[weight == 0] <= scale).all()


def test_penalties_are_those_of_the_masked_ridge():
    x, y = tables()
    expected = MaskedRidge(network()).fit(x, y).alpha_
    pd.testing.assert_series_equal(SignedRidge(network()).fit(x, y).alpha_, expected)


def test_a_known_truth_is_recovered():
    x, y = tables()
    signs = signs_of(network()).loc["G0"]
    own = signs.index[signs != 0]
    y["G0"] = x[own] @ (signs[own] * np.arange(1.0, len(own) + 1))
    model = SignedRidge(network(), alphas=(1e-8,)).fit(x, y)
    slopes = weights_of(model).loc["G0"] / x.std(ddof=0)
    np.testing.assert_allclose(slopes[own] * signs[own], np.arange(1.0, len(own) + 1), atol=1e-9)


def test_the_order_of_tfs_genes_and_samples_changes_nothing():
    x, y = tables()
    plain = SignedRidge(network()).fit(x, y).predict(x)
    order = np.random.default_rng(0).permutation(len(x))
    model = SignedRidge(network()).fit(x[TFS[::-1]].iloc[order], y[GENES[::-1]].iloc[order])
    pd.testing.assert_frame_equal(model.predict(x)[GENES], plain, atol=1e-8)


def test_saving_and_loading_change_nothing():
    x, y = tables()
    model = SignedRidge(network()).fit(x, y)
    data = skops.io.dumps(model)
    types = skops.io.get_untrusted_types(data=data)
    loaded = skops.io.loads(data, trusted=types)
    pd.testing.assert_frame_equal(loaded.predict(x), model.predict(x), check_exact=True)


def test_a_gene_without_regulators_is_its_training_mean_and_no_network_is_refused():
    x, y = tables()
    predicted = SignedRidge(network()).fit(x, y).predict(x)
    np.testing.assert_allclose(predicted["G5"], y["G5"].mean(), atol=1e-12)
    with pytest.raises(ValueError, match="SignedRidge needs a network: pass network="):
        SignedRidge().fit(x, y)
