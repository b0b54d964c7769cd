"""Tests of the ensemble: its networks fitted one by one are the oracle."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io
import torch
from sklearn.base import clone

from lembas import checkpoint, ensemble, projection
from lembas.attribution import explain
from lembas.ensemble import LembasEnsemble
from lembas.model import LembasRNN
from lembas.study import Study
from lembas.training import LembasRegressor
from tests.small_study import QUICK, network_of

SETTINGS = {**QUICK, "epochs": 3}


@pytest.fixture(scope="module")
def fitted(study: Study) -> LembasEnsemble:
    train = study.dataset.train
    return LembasEnsemble(study.network, n_seeds=2, settings=SETTINGS).fit(train.x, train.y)


@pytest.fixture(scope="module")
def members(study: Study) -> list[LembasRegressor]:
    train = study.dataset.train
    return [
        LembasRegressor(study.network, settings=SETTINGS, seed=seed).fit(train.x, train.y)
        for seed in (888, 889)
    ]


def test_it_predicts_the_mean_of_its_networks(study, fitted, members):
    x = study.dataset.test.x
    one, other = (member.predict(x) for member in members)
    assert not np.allclose(one, other)
    pd.testing.assert_frame_equal(fitted.predict(x), (one + other) / 2, rtol=1e-6)
    assert fitted.predict(x).index.equals(x.index)
    found = fitted.predict_tensor(torch.from_numpy(x.to_numpy(np.float32, copy=True)))
    np.testing.assert_allclose(found.detach().numpy(), fitted.predict(x), rtol=1e-5)


def test_series_reach_every_network(study):
    train = study.dataset.train
    settings = {"epochs": 2, "refit": False}
    model = LembasEnsemble(study.network, n_seeds=2, settings=settings)
    model.fit(train.x, train.y, groups=train.series)
    expected = LembasRegressor(study.network, settings=settings, seed=889)
    expected.fit(train.x, train.y, groups=train.series)
    pd.testing.assert_frame_equal(model.members_[1].history_, expected.history_)


def test_fewer_genes_are_predicted_as_all_are(study, fitted):
    x, genes = study.dataset.test.x, study.dataset.targets[[4, 1]]
    few = fitted.restricted(genes)
    pd.testing.assert_frame_equal(few.predict(x), fitted.predict(x)[genes], atol=1e-6)
    assert len(fitted.genes_) == len(study.dataset.targets)


def test_its_attributions_are_the_mean_of_its_networks(study, fitted, members):
    x, background = study.dataset.test.x.iloc[:2], study.dataset.train.x.iloc[:4]
    genes = study.dataset.targets[:1]
    ours = explain(fitted, x, background, genes)
    tables = [explain(member, x, background, genes).table["attribution"] for member in members]
    np.testing.assert_allclose(ours.table["attribution"], sum(tables) / 2, atol=1e-5)
    assert (ours.completeness_error() < 0.01).all()


def test_saving_and_loading_change_nothing(study, fitted):
    data = skops.io.dumps(fitted)
    types = skops.io.get_untrusted_types(data=data)
    assert all(kind.startswith("lembas.") for kind in types), types
    loaded = skops.io.loads(data, trusted=types)
    x = study.dataset.test.x
    pd.testing.assert_frame_equal(loaded.predict(x), fitted.predict(x), check_exact=True)
    assert [member.seed for member in loaded.members_] == [888, 889]
    pd.testing.assert_frame_equal(loaded.members_[1].history_, fitted.members_[1].history_)
    assert not hasattr(clone(loaded), "members_")


def test_copies_predict_the_same_and_a_shallow_one_shares_the_networks(study, fitted):
    x = study.dataset.test.x
    assert copy.copy(fitted).members_ is fitted.members_
    deep = copy.deepcopy(fitted)
    assert deep.members_[0] is not fitted.members_[0]
    pd.testing.assert_frame_equal(deep.predict(x), fitted.predict(x), check_exact=True)


class Killed(Exception):
    """Stands for the end of a process in the middle of a fit."""


def test_a_killed_fit_goes_on_seed_by_seed(study, fitted, tmp_path, monkeypatch):
    train, fit = study.dataset.train, LembasRegressor.fit

    def killing(self, *args, **kwargs):
        if self.seed == 889:
            raise Killed
        return fit(self, *args, **kwargs)

    model = LembasEnsemble(study.network, n_seeds=2, settings=SETTINGS)
    with monkeypatch.context() as patch:
        patch.setattr(ensemble.LembasRegressor, "fit", killing)
        with pytest.raises(Killed):
            model.fit(train.x, train.y, unfinished=tmp_path)
    assert list((tmp_path / "seed_888").glob("*/refit.pt"))
    assert not hasattr(model, "members_")
    updates = []
    with monkeypatch.context() as patch:
        a_round = projection._Search.round

        def counted(self):
            updates.append(1)
            return a_round(self)

        patch.setattr(projection._Search, "round", counted)
        model.fit(train.x, train.y, unfinished=tmp_path)
    # Only the second network was trained.
    assert len(updates) == model.members_[1].n_updates_
    x = study.dataset.test.x
    pd.testing.assert_frame_equal(model.predict(x), fitted.predict(x), check_exact=True)


@pytest.mark.parametrize(
    "options", [{"n_seeds": 0}, {"settings": {"seed": 3}}], ids=["no seed", "one for all"]
)
def test_seeds_that_make_no_ensemble_are_refused(study, options):
    train = study.dataset.train
    with pytest.raises(ValueError, match="expected at least one seed, and no seed among the sett"):
        LembasEnsemble(study.network, **options).fit(train.x, train.y)


def test_a_network_is_needed(study):
    train = study.dataset.train
    with pytest.raises(ValueError, match="needs a network"):
        LembasEnsemble().fit(train.x, train.y)


def test_a_member_that_is_a_bare_network_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bare.safetensors"
    checkpoint.save(LembasRNN(network_of([("A", "B", 1)]), ["A"], ["B"]), path)
    with pytest.raises(ValueError, match="holds a LembasRNN where a LembasRegressor is expected"):
        ensemble.unpacked(np.fromfile(path, np.uint8))
