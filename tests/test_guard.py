"""What the updates add is kept as far as held-out samples support it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from lembas import checkpoint
from lembas.batches import Batches, Scale
from lembas.guard import apply_factors, held_out_factors
from lembas.metrics import score_per_gene
from lembas.model import LembasRNN, RNNConfig
from lembas.ridge import MaskedRidge
from lembas.study import Study
from lembas.training import LembasRegressor, split_samples
from tests.small_study import network_of, normal_table

TFS, GENES = ["T0", "T1"], ["G0", "G1", "G2", "G3"]


def network_with_skip(seed: int = 1, *, skip: bool = True) -> LembasRNN:
    """Two TFs that regulate each other; G0 to G2 have one regulator, G3 has both."""
    network = network_of(
        [("T0", "T1", 1), ("T1", "T0", -1)]
        + [("T0", f"G{i}", 1) for i in range(4)]
        + [("T1", "G3", -1)]
    )
    model = LembasRNN(network, TFS, GENES, config=RNNConfig(max_steps=4, skip=skip), seed=seed)
    if skip:
        with torch.no_grad():
            model.skip_weights.copy_(torch.linspace(-1, 1, len(model.edges)))
    return model


def batches(x: pd.DataFrame, y: torch.Tensor) -> Batches:
    nothing = Scale(torch.zeros(2), torch.ones(2), torch.zeros(4), torch.ones(4))
    values = y.numpy().astype(np.float32)
    return Batches(x.to_numpy(), values, np.arange(len(x)), 16, nothing, torch.device("cpu"))


@pytest.fixture
def added_to_skip() -> tuple[LembasRNN, pd.DataFrame, torch.Tensor, torch.Tensor]:
    model, x = network_with_skip(), normal_table(60, TFS, seed=2)
    with torch.no_grad():
        inputs = torch.from_numpy(x.to_numpy())
        direct = model.direct(inputs)
        return model, x, direct, model(inputs)[0] - direct


@pytest.mark.parametrize(("truth", "factor"), [(0.0, 0.0), (0.4, 0.4), (1.0, 1.0), (1.7, 1.0)])
def test_the_right_part_is_found_and_kept_within_its_limits(added_to_skip, truth, factor) -> None:
    model, x, direct, added = added_to_skip
    found = held_out_factors(model, model.skip_weights, batches(x, direct + truth * added))
    np.testing.assert_allclose(found, factor, atol=1e-5)
    assert found.index.tolist() == GENES


def test_a_harmful_addition_is_taken_away(added_to_skip) -> None:
    model, x, direct, added = added_to_skip
    assert (held_out_factors(model, model.skip_weights, batches(x, direct - added)) == 0).all()


def test_genes_of_as_many_regulators_lend_each_other_strength(added_to_skip) -> None:
    """By hand: G0 alone needs 1, G1 and G2 alone need 0; G3 stands in a group of its own."""
    model, x, direct, added = added_to_skip
    needed = torch.tensor([1.0, 0.0, 0.0, 1.0])
    found = held_out_factors(model, model.skip_weights, batches(x, direct + needed * added))
    square = added.double().square().sum(dim=0)
    common, weight = float(square[0] / square[:3].sum()), float(square[:3].mean())
    expected = [
        float((needed[i] * square[i] + weight * common) / (square[i] + weight)) for i in range(3)
    ]
    np.testing.assert_allclose(found, [*expected, 1.0], rtol=1e-5)


def test_a_factor_scales_what_the_updates_add_and_nothing_else(added_to_skip) -> None:
    model, x, direct, added = added_to_skip
    factors = pd.Series([0.0, 0.5, 1.0], index=["G0", "G1", "G3"])
    apply_factors(model, model.skip_weights.clone(), factors)
    with torch.no_grad():
        found = model(torch.from_numpy(x.to_numpy()))[0]
    expected = direct + torch.tensor([0.0, 0.5, 1.0, 1.0]) * added
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_updates_that_add_nothing_are_no_division_by_zero(added_to_skip) -> None:
    model, x, direct, _ = added_to_skip
    with torch.no_grad():
        model.output_weights.zero_()
        model.output_bias.zero_()
    assert (held_out_factors(model, model.skip_weights, batches(x, direct)) == 0).all()


def test_a_network_without_a_skip_cannot_be_guarded() -> None:
    x = normal_table(5, TFS, seed=2)
    with pytest.raises(ValueError, match="only a network with a skip can be guarded"):
        held_out_factors(
            network_with_skip(skip=False), torch.zeros(7), batches(x, torch.zeros(5, 4))
        )


def test_a_guarded_fit_is_the_masked_ridge_where_the_factor_is_zero(study: Study) -> None:
    train, test = study.dataset.train, study.dataset.test
    settings = {"epochs": 12, "learning_rate": 1e-2}
    model = LembasRegressor(study.network, recipe="residual", settings=settings)
    model.fit(train.x, train.y, groups=train.series)
    assert model.guard_.index.tolist() == train.y.columns.tolist()
    ridge = MaskedRidge(study.network).fit(train.x, train.y).predict(test.x)
    alone = model.guard_.index[model.guard_ == 0]
    pd.testing.assert_frame_equal(
        model.predict(test.x)[alone], ridge[alone], check_dtype=False, atol=1e-4, rtol=0
    )


def test_on_the_held_out_samples_no_group_of_genes_loses(study: Study) -> None:
    """The factors minimise the held-out error within bounds, up to shrinkage."""
    train = study.dataset.train
    settings = {"epochs": 12, "learning_rate": 3e-2, "refit": False}
    model = LembasRegressor(study.network, recipe="residual", settings=settings)
    model.fit(train.x, train.y, groups=train.series)
    fitted, held_out = split_samples(train.x.index, model.config_, train.series)
    x, y = train.x.loc[held_out], train.y.loc[held_out]
    ridge = MaskedRidge(study.network).fit(train.x.loc[fitted], train.y.loc[fitted])
    mean, sd = train.y.loc[fitted].mean(), train.y.loc[fitted].std(ddof=0)

    def loss(prediction: pd.DataFrame) -> float:
        return float((((prediction - y) / sd) ** 2).to_numpy().mean())

    assert loss(model.predict(x)) <= loss(ridge.predict(x)) + 1e-6
    assert score_per_gene(y, model.predict(x), mean)["skill_per_gene"].notna().all()


def test_save_then_load_changes_nothing(study: Study, tmp_path: Path) -> None:
    train, test = study.dataset.train, study.dataset.test
    model = LembasRegressor(study.network, recipe="residual", settings={"epochs": 3})
    model.fit(train.x, train.y, groups=train.series)
    checkpoint.save(model, tmp_path / "model.safetensors")
    again = checkpoint.load(tmp_path / "model.safetensors")
    pd.testing.assert_frame_equal(again.predict(test.x), model.predict(test.x), check_exact=True)
    pd.testing.assert_series_equal(again.guard_, model.guard_, check_exact=True)
    few = train.y.columns[[3, 1]]
    pd.testing.assert_frame_equal(
        again.restricted(few).predict(test.x), model.predict(test.x)[few], atol=1e-5, rtol=0
    )


def test_a_fit_without_a_guard_forgets_that_of_an_earlier_one(study: Study) -> None:
    train = study.dataset.train
    model = LembasRegressor(study.network, recipe="residual", settings={"epochs": 2})
    model.fit(train.x, train.y, groups=train.series)
    assert hasattr(model, "guard_")
    model.set_params(recipe="ridge_start").fit(train.x, train.y, groups=train.series)
    assert not hasattr(model, "guard_")
