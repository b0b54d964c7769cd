"""LEMBAS-RNN with several states a TF: laws, and one channel as the oracle."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.base import clone

from lembas.attribution import explain
from lembas.baselines import make
from lembas.channels import LembasChannels, with_channels
from lembas.study import Study
from lembas.training import LembasRegressor
from tests.small_study import network_of, normal_table

SETTINGS = {"epochs": 2, "refit": False}


@pytest.fixture(scope="module")
def fitted(study: Study) -> LembasChannels:
    train = study.dataset.train
    return LembasChannels(study.network, n_channels=2, settings=SETTINGS).fit(train.x, train.y)


def test_one_channel_is_lembas_rnn(study: Study) -> None:
    train, x = study.dataset.train, study.dataset.test.x
    one = LembasChannels(study.network, n_channels=1, settings=SETTINGS).fit(train.x, train.y)
    plain = LembasRegressor(study.network, settings=SETTINGS).fit(train.x, train.y)
    np.testing.assert_allclose(one.predict(x), plain.predict(x), atol=1e-4)


def test_every_edge_is_one_of_the_prior_once_a_channel() -> None:
    network = network_of([("T0", "T1", 1), ("T1", "T1", 1), ("T1", "G0", -1), ("T0", "G9", 1)])
    found = with_channels(network, pd.Index(["G0", "T1"]), 3).edges
    edges = set(found[["TF", "Gene", "Interaction"]].itertuples(index=False, name=None))
    expected = set()
    for k in (1, 2, 3):
        expected |= {(f"T0 #{k}", f"T1 #{k}", 1), (f"T1 #{k}", f"T1 #{k}", 1)}
        # T1 is an output too: a gene of its own, without the edge from itself.
        expected |= {(f"T1 #{k}", "G0", -1), (f"T0 #{k}", "T1", 1)}
    assert edges == expected


def test_order_of_tfs_and_samples_is_no_matter(study: Study, fitted: LembasChannels) -> None:
    x = study.dataset.test.x
    other = x.iloc[::-1, ::-1]
    pd.testing.assert_frame_equal(fitted.predict(other).loc[x.index], fitted.predict(x))
    genes = fitted.genes_[[5, 2]]
    smaller = fitted.restricted(genes).predict(x)
    np.testing.assert_allclose(smaller, fitted.predict(x)[genes], atol=1e-5)


def test_saving_and_loading_changes_nothing(study: Study, fitted: LembasChannels) -> None:
    x = study.dataset.test.x
    content = skops.io.dumps(fitted)
    types = skops.io.get_untrusted_types(data=content)
    again = skops.io.loads(content, trusted=types)
    pd.testing.assert_frame_equal(again.predict(x), fitted.predict(x))
    assert clone(fitted).get_params()["n_channels"] == 2
    assert make("lembas_channels", study.network).n_channels == 4


def test_its_attributions_add_up_and_stay_on_the_network() -> None:
    edges = [("T0", "T1", 1), ("T1", "G0", 1), ("T1", "T3", 1), ("T2", "G1", -1)]
    x = normal_table(60, ["T0", "T1", "T2", "T3"], seed=1)
    y = normal_table(60, ["G0", "G1"], seed=2) + x[["T0"]].to_numpy()
    model = LembasChannels(network_of(edges), n_channels=3, settings=SETTINGS).fit(x, y)
    made = explain(model, x[:7], x[7:30], ["G0"])
    assert made.completeness_error().max() <= 0.011
    table = made.values["G0"]  # noqa: PD011 (a field)
    assert (table[["T2", "T3"]] == 0).all(axis=None)
    assert (table[["T0", "T1"]] != 0).all(axis=None)


def test_no_channel_and_no_network_are_refused(study: Study) -> None:
    train = study.dataset.train
    with pytest.raises(ValueError, match="n_channels is 0 and the network is there"):
        LembasChannels(study.network, n_channels=0).fit(train.x, train.y)
    with pytest.raises(ValueError, match="the network is missing; expected at least one channel"):
        LembasChannels().fit(train.x, train.y)
