"""LEMBAS-RNN's settings, training loop and estimator: laws first, then behaviour and messages."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import cross_val_predict
from torch import Tensor

from lembas import optimise as optimise_module
from lembas.artifacts import Run
from lembas.batches import Batches, Scale
from lembas.model import LembasRNN, RNNConfig
from lembas.model_files import load_model, save_model
from lembas.network import Network
from lembas.optimise import Schedule, optimise
from lembas.penalties import Penalty
from lembas.recipes import RECIPES, TrainConfig, make_config, rnn_config
from lembas.study import Study
from lembas.training import LembasRegressor, chosen_device, split_samples
from tests.small_study import QUICK, network_of, normal_table

# The whole training set in one batch, nothing held out, nothing random at the start: what is
# left depends on the data alone.
PLAIN = {
    "epochs": 15,
    "batch_size": 1000,
    "validation_fraction": 0.0,
    "block_noise": 0.0,
    "learning_rate": 1e-3,
}


def fit(study: Study, **settings: object) -> LembasRegressor:
    train = study.dataset.train
    model = LembasRegressor(study.network, recipe="ridge_start", settings=settings)
    return model.fit(train.x, train.y)


def median_r2(truth: pd.DataFrame, prediction: pd.DataFrame) -> float:
    residual = ((truth - prediction) ** 2).sum()
    return float((1 - residual / ((truth - truth.mean()) ** 2).sum()).median())


# Laws: structure


def test_all_weights_sit_on_edges_of_the_network(study: Study) -> None:
    network = fit(study, **QUICK).network_
    used = study.network.restrict(study.network.tfs, study.dataset.targets)
    known = set(zip(used.edges["TF"], used.edges["Gene"], strict=True))
    assert set(zip(network.edges["TF"], network.edges["Gene"], strict=True)) <= known
    sizes = {name: tuple(value.shape) for name, value in network.named_parameters()}
    assert sizes == {
        "weights": (len(network.edges),),
        "bias": (len(network.nodes),),
        "input_weights": (len(study.dataset.inputs),),
        "output_weights": (len(study.dataset.targets),),
        "output_bias": (len(study.dataset.targets),),
    }


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("max_steps", [1, 2, 3])
def test_no_path_means_a_zero_in_the_jacobian(study: Study, recipe: str, max_steps: int) -> None:
    """After T updates an input has travelled along at most T - 1 edges, or the skip's one."""
    train = study.dataset.train
    settings = {"max_steps": max_steps, "epochs": 3, "validation_fraction": 0.0}
    model = LembasRegressor(study.network, recipe=recipe, settings=settings)
    model.fit(train.x, train.y)
    row, column, _ = study.network.positions(study.network.tfs, study.network.nodes)
    step = np.zeros((len(study.network.nodes), len(study.network.nodes)))
    step[row, study.network.nodes.get_indexer(study.network.tfs)[column]] = 1
    n_hops = max(max_steps - 1, 1 if model.config_.skip else 0)
    reach = sum(np.linalg.matrix_power(step, power) for power in range(n_hops + 1))
    reach = pd.DataFrame(reach, index=study.network.nodes, columns=study.network.nodes)
    expected = reach.loc[model.genes_, model.tfs_].to_numpy() > 0
    sample = torch.from_numpy(train.x.to_numpy()[:1].copy())
    jacobian = torch.autograd.functional.jacobian(model.predict_tensor, sample)[0, :, 0]
    assert (~expected).any()
    assert (jacobian.numpy()[~expected] == 0).all()
    assert max_steps == 1 or (jacobian.numpy()[expected] != 0).mean() > 0.9


# Laws: labels, seeds, saving


@pytest.mark.parametrize("recipe", RECIPES)
def test_reordering_changes_nothing(study: Study, recipe: str) -> None:
    train, test = study.dataset.train, study.dataset.test
    model = LembasRegressor(study.network, recipe=recipe, settings=PLAIN_OF[recipe])
    expected = model.fit(train.x, train.y).predict(test.x)
    x = train.x.sample(frac=1, random_state=1).sample(frac=1, axis=1, random_state=2)
    y = train.y.loc[x.index].sample(frac=1, axis=1, random_state=3)
    shuffled = clone(model).fit(x, y).predict(test.x[x.columns])
    pd.testing.assert_frame_equal(shuffled[expected.columns], expected, atol=2e-3, rtol=0)


PLAIN_OF = {
    "improved": {"epochs": 2, "validation_fraction": 0.0, "block_noise": 0.0},
    "ridge_start": PLAIN,
    "residual": {**PLAIN, "epochs": 3},
    "published": {"epochs": 15, "batch_size": 1000, "validation_fraction": 0.0},
}


def test_renaming_changes_nothing_but_the_names(study: Study) -> None:
    train, test = study.dataset.train, study.dataset.test
    expected = fit(study, **PLAIN).predict(test.x)
    # Reversed alphabetical order: everything that is sorted by name is now sorted differently.
    nodes = study.network.nodes
    names = dict(zip(nodes, [f"N{len(nodes) - i:04d}" for i in range(len(nodes))], strict=True))
    edges = study.network.edges.assign(
        TF=study.network.edges["TF"].map(names), Gene=study.network.edges["Gene"].map(names)
    )
    model = LembasRegressor(Network.from_edges(edges), recipe="ridge_start", settings=PLAIN)
    model.fit(train.x.rename(columns=names), train.y.rename(columns=names))
    renamed = model.predict(test.x.rename(columns=names))
    pd.testing.assert_frame_equal(renamed, expected.rename(columns=names), atol=2e-3, rtol=0)


def test_a_seed_repeats_bit_by_bit_and_another_differs(study: Study) -> None:
    settings = {"epochs": 4}
    train, test = study.dataset.train, study.dataset.test
    first, again, other = (
        LembasRegressor(study.network, settings=settings, seed=seed).fit(
            train.x, train.y, groups=train.series
        )
        for seed in (1, 1, 2)
    )
    pd.testing.assert_frame_equal(first.predict(test.x), again.predict(test.x), check_exact=True)
    pd.testing.assert_frame_equal(first.history_, again.history_, check_exact=True)
    assert not first.predict(test.x).equals(other.predict(test.x))


def test_training_leaves_torchs_own_generator_alone(study: Study) -> None:
    before = torch.get_rng_state()
    fit(study, epochs=1)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("name", ["lembas", "lembas_published"])
def test_save_then_load_changes_nothing(
    fitted: dict[str, LembasRegressor], study: Study, tmp_path: Path, name: str
) -> None:
    model, run = fitted[name], Run(tmp_path)
    save_model(run, name, model, group="lembas")
    loaded = load_model(run, name)
    x = study.dataset.test.x
    pd.testing.assert_frame_equal(loaded.predict(x), model.predict(x), check_exact=True)
    pd.testing.assert_frame_equal(loaded.history_, model.history_, check_exact=True)
    assert loaded.config_ == model.config_
    assert loaded.network.digest == study.network.digest
    assert loaded.n_updates_ == model.n_updates_


# Laws: a simulated truth is recovered


def test_a_masked_linear_truth_is_recovered() -> None:
    """Y is exactly a sum over edges: the fit must find both the values and the weights."""
    tfs, genes = [f"T{i}" for i in range(8)], [f"G{i:02d}" for i in range(12)]
    generator = np.random.default_rng(3)
    edges = [
        (tf, gene, int(generator.choice([-1, 1])))
        for gene in genes
        for tf in generator.choice(tfs, 3, replace=False)
    ]
    network = network_of(edges)
    strength = pd.Series(
        generator.uniform(0.2, 1, len(network)) * network.edges["Interaction"].to_numpy(),
        index=pd.MultiIndex.from_frame(network.edges[["TF", "Gene"]]),
    )
    matrix = pd.DataFrame(0.0, index=tfs, columns=genes)
    for (tf, gene), value in strength.items():
        matrix.loc[tf, gene] = value
    x = normal_table(200, tfs, seed=4)
    y = (x @ matrix).astype(np.float32)
    model = LembasRegressor(network, settings={"epochs": 40}).fit(x[:150], y[:150])
    assert median_r2(y[150:], model.predict(x[150:])) > 0.9
    learned = pd.Series(
        model.network_.weights.detach().numpy(),
        index=pd.MultiIndex.from_frame(model.network_.edges[["TF", "Gene"]]),
    )
    # In standard deviations of TF and gene, as the network has them.
    scaled = strength * [x[tf].std() / y[gene].std() for tf, gene in strength.index]
    assert np.corrcoef(learned.reindex(scaled.index), scaled)[0, 1] > 0.95


def test_a_truth_that_is_itself_a_network_is_recovered() -> None:
    """Genes hang on TF2 and TF3 only, which are not measured but driven by TF0 and TF1."""
    network = network_of(
        [("T0", "T2", 1), ("T1", "T3", 1), ("T0", "T3", -1)]
        + [("T2", f"G{i}", 1) for i in range(4)]
        + [("T3", f"G{i}", -1) for i in range(2, 6)]
    )
    x = normal_table(200, ["T0", "T1"], seed=5)
    genes = [f"G{i}" for i in range(6)]
    config = RNNConfig(max_steps=4, amplitude_in=0.05, amplitude_out=20)
    truth = LembasRNN(network, x.columns, genes, config=config, seed=6)
    with torch.no_grad():
        truth.weights.mul_(3)
        truth.bias.fill_(0.2)
        values, states = truth(torch.from_numpy(x.to_numpy(copy=True)))
    assert states.min() > 0, "the truth stays in the linear zone"
    assert states.max() < 0.5
    y = pd.DataFrame(values.numpy(), index=x.index, columns=genes)
    settings = {"epochs": 150, "learning_rate": 1e-2, "max_steps": 4, "sign": "free"}
    model = LembasRegressor(network, settings=settings).fit(x[:150], y[:150])
    assert median_r2(y[150:], model.predict(x[150:])) > 0.9


# Signs


def test_projection_leaves_no_wrong_sign_and_the_penalty_leaves_fewer(study: Study) -> None:
    def violations(**settings: object) -> int:
        return fit(study, epochs=25, validation_fraction=0.0, **settings).network_.n_sign_violations

    free = violations(sign="free")
    assert violations(sign="project") == 0
    assert violations(sign="penalty", sign_penalty=30.0, learning_rate=1e-2) < free


def test_projected_signs_hold_after_every_epoch(study: Study) -> None:
    assert (fit(study, epochs=3, sign="project").history_["sign_violations"] == 0).all()


# Early stopping and refitting


def test_whole_series_are_held_out(study: Study) -> None:
    train, config = study.dataset.train, TrainConfig(validation_fraction=0.3)
    fitted, held_out = split_samples(train.x.index, config, train.series)
    assert set(fitted) | set(held_out) == set(train.x.index)
    assert not set(train.series[fitted]) & set(train.series[held_out])
    assert train.series[held_out].nunique() == math.ceil(0.3 * train.series.nunique())


@pytest.mark.parametrize("groups", [None, "one"])
def test_samples_are_held_out_where_no_series_are_known(study: Study, groups: str | None) -> None:
    samples = study.dataset.train.x.index
    series = None if groups is None else pd.Series(groups, index=samples)
    fitted, held_out = split_samples(samples, TrainConfig(validation_fraction=0.25), series)
    assert len(held_out) == math.ceil(0.25 * len(samples))
    assert fitted.intersection(held_out).empty


def test_samples_without_a_series_are_named() -> None:
    series = pd.Series(["a", "b", "b"], index=["s0", "s1", "s2"])
    with pytest.raises(ValueError, match=r"1 sample\(s\) have no series: s3"):
        split_samples(pd.Index(["s0", "s1", "s2", "s3"]), TrainConfig(), series)


def test_too_few_samples_for_early_stopping() -> None:
    with pytest.raises(ValueError, match=r"at least 4 training samples, got 3.*validation_frac"):
        split_samples(pd.Index(["a", "b", "c"]), TrainConfig(), None)


def test_training_stops_early_with_the_best_weights(study: Study) -> None:
    train = study.dataset.train
    settings = {"epochs": 60, "patience": 3, "learning_rate": 3e-2, "refit": False}
    model = LembasRegressor(study.network, recipe="ridge_start", settings=settings)
    model.fit(train.x, train.y, groups=train.series)
    history = model.history_
    assert len(history) < 60
    assert set(history["phase"]) == {"search"}
    fitted, held_out = split_samples(train.x.index, model.config_, train.series)
    scale = Scale.of(train.x.loc[fitted], train.y.loc[fitted], standardise=True)
    error = (model.predict(train.x.loc[held_out]) - train.y.loc[held_out]).to_numpy()
    loss = float(((error / scale.y_sd.numpy()) ** 2).mean())
    assert loss <= history["validation_loss"].min() + 1e-5
    best = history.loc[history["validation_loss"].idxmin()]
    if model.n_updates_ > 0:  # otherwise the start was best
        assert model.n_updates_ == best["update"]
        assert loss == pytest.approx(best["validation_loss"], rel=1e-4)
    n_batches = math.ceil(len(fitted) / model.config_.batch_size)
    assert history["update"].iloc[-1] - model.n_updates_ >= 3 * n_batches


def test_refit_uses_all_samples_for_the_chosen_number_of_updates(study: Study) -> None:
    train = study.dataset.train
    model = LembasRegressor(
        study.network, recipe="ridge_start", settings={"epochs": 12, "start": "study"}
    )
    model.fit(train.x, train.y, groups=train.series)
    search = model.history_.query("phase == 'search'")
    refit = model.history_.query("phase == 'refit'")
    chosen = int(search.loc[search["validation_loss"].idxmin(), "update"])
    assert model.n_updates_ == refit["update"].iloc[-1] == chosen
    assert refit["validation_loss"].isna().all()
    assert len(refit) == math.ceil(chosen / math.ceil(len(train.x) / 32))


def test_history_has_one_row_an_epoch(study: Study) -> None:
    history = fit(study, epochs=3, validation_fraction=0.0, batch_size=30).history_
    assert list(history.columns) == [
        "epoch", "update", "learning_rate", "train_loss", "validation_loss", "sign_violations",
        "phase",
    ]  # fmt: skip
    n_batches = math.ceil(len(study.dataset.train.x) / 30)
    assert history["update"].tolist() == [n_batches, 2 * n_batches, 3 * n_batches]
    assert history["epoch"].tolist() == [1, 2, 3]


# Learning-rate schedule, by hand


def test_the_schedule_rises_to_its_peak_and_falls_to_its_floor() -> None:
    schedule = Schedule(highest=0.1, n_updates=100, peak_fraction=0.2, floor=0.01)
    factors = [schedule.factor(update) for update in range(101)]
    assert factors[0] == pytest.approx(0.01)
    assert factors[20] == pytest.approx(1)
    assert factors[100] == pytest.approx(0.01)
    assert int(np.argmax(factors)) == 20
    # Half-way up and half-way down, a cosine stands half-way between floor and peak.
    assert factors[10] == pytest.approx(0.01 + 0.99 / 2)
    assert factors[60] == pytest.approx(0.01 + 0.99 / 2)
    assert schedule.factor(150) == pytest.approx(0.01), "further updates stay at the floor"


def test_a_peak_beyond_the_end_is_never_reached() -> None:
    """At 600 of 1,000 epochs the cosine stands at (1 - cos(.6 pi)) / 2 = .6545 of its height."""
    schedule = Schedule(highest=2e-3, n_updates=600, peak_fraction=1000 / 600)
    factors = [schedule.factor(update) for update in range(601)]
    assert np.all(np.diff(factors) > 0)
    assert factors[-1] == pytest.approx(0.01 + 0.99 * 0.654508, abs=1e-6)


def test_the_optimiser_follows_the_schedule(study: Study) -> None:
    history = fit(study, epochs=10, validation_fraction=0.0, batch_size=1000).history_
    schedule = Schedule(2e-3, 10, 0.1)
    expected = [2e-3 * schedule.factor(update) for update in range(1, 11)]
    assert history["learning_rate"].tolist() == pytest.approx(expected)


# Losses that are not finite


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_stops_the_training(bad: float) -> None:
    model = LembasRNN(network_of([("T", "G", 1)]), ["T"], ["G"])
    y = np.ones((4, 1), np.float32)
    y[2] = bad
    flat = Scale(*(torch.zeros(1), torch.ones(1)) * 2)
    x = np.ones((4, 1), np.float32)
    batches = Batches(x, y, np.arange(4), 4, flat, torch.device("cpu"))
    groups = [{"params": [model.weights], "lr": 1e-3}]
    no_penalty = Penalty(model, torch.zeros(1), TrainConfig(sign="free"))
    with pytest.raises(FloatingPointError, match=r"loss is (nan|inf) in epoch 1; lower learning_"):
        optimise(model, groups, batches, no_penalty, Schedule(1e-3, 5, 0.5))


def test_a_learning_rate_that_diverges_is_named(study: Study) -> None:
    with pytest.raises(FloatingPointError, match=r"the training loss is \w+ in epoch \d+; lower"):
        fit(study, learning_rate=1e30, validation_fraction=0.0, epochs=20)


# Settings


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epoch": 3}, r"unknown training setting\(s\) epoch; known are solver, max_steps"),
        ({"start": "zero"}, "start must be one of ridge, study; got 'zero'"),
        ({"sign": "maybe"}, "sign must be one of penalty, project, free; got 'maybe'"),
        ({"epochs": 0}, "epochs must be at least 1, got 0"),
        ({"max_steps": 0}, "max_steps must be at least 1"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
        ({"patience": 0}, "patience must be at least 1"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0"),
        ({"learning_rate": math.nan}, "learning_rate must be above 0, got nan"),
        ({"state_scale": -1.0}, "state_scale must be above 0"),
        ({"validation_fraction": 1.0}, r"validation_fraction must lie in \[0, 1\), got 1.0"),
        ({"standardise": False}, 'start="ridge" needs standardise=True'),
        ({"sign_penalty": -1.0}, "sign_penalty must be at least 0, got -1.0"),
        ({"start": "study", "skip": True}, 'skip=True needs start="ridge"'),
        ({"guard": True}, "guard=True needs skip=True"),
        ({"block_noise": -0.1}, "block_noise must be at least 0, got -0.1"),
    ],
)
def test_settings_that_cannot_train_are_refused(settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_config("ridge_start", settings, seed=1)


def test_recipes_by_name() -> None:
    assert make_config("ridge_start", None, seed=5) == TrainConfig(seed=5)
    published = make_config("published", {"epochs": 7}, seed=5)
    assert (published.epochs, published.seed, published.standardise) == (7, 5, False)
    # MODEL.md section 4: T, leak and amplitudes of the original study.
    assert rnn_config(published) == RNNConfig(10, 0.01, 1.2, 1.2, 0.8)
    with pytest.raises(
        ValueError,
        match="recipe must be one of improved, residual, ridge_start, published; got 'best'",
    ):
        make_config("best", None, seed=1)


def test_bad_settings_are_refused_by_fit(study: Study) -> None:
    train = study.dataset.train
    with pytest.raises(ValueError, match="unknown training setting"):
        LembasRegressor(study.network, settings={"lr": 1}).fit(train.x, train.y)
    with pytest.raises(ValueError, match="needs a network"):
        LembasRegressor().fit(train.x, train.y)


# Recipes as they run


def test_the_published_recipe_runs_with_all_its_penalties(study: Study) -> None:
    train, test = study.dataset.train, study.dataset.test
    settings = {"epochs": 4}
    model = LembasRegressor(study.network, recipe="published", settings=settings)
    model.fit(train.x, train.y)
    config = model.config_
    assert min(config.size_penalty, config.barrier_penalty, config.uniform_penalty) > 0
    assert min(config.sign_penalty, config.spectral_penalty) > 0
    assert model.history_["train_loss"].is_monotonic_decreasing
    assert np.isfinite(model.predict(test.x).to_numpy()).all()
    fixed = model.network_.input_weights.numpy()
    assert (fixed == np.float32(1.2)).all(), "input weights stay as the study fixed them"


def test_genes_without_regulators_are_predicted_by_their_training_mean() -> None:
    network = network_of([("T0", "G0", 1), ("T1", "G1", -1), ("T1", "T0", 1)])
    x, y = normal_table(60, ["T0", "T1"], seed=1), normal_table(60, ["G0", "G1", "FREE"], seed=2)
    model = LembasRegressor(
        network, recipe="ridge_start", settings={"epochs": 30, "batch_size": 60}
    ).fit(x, y)
    assert model.genes_without_regulators_.tolist() == ["FREE"]
    prediction = model.predict(x)["FREE"]
    assert (prediction == prediction.iloc[0]).all()
    assert prediction.iloc[0] == pytest.approx(y["FREE"].mean(), abs=1e-3)


def test_a_regulator_that_is_not_measured_does_no_harm(study: Study) -> None:
    """Its node stays in the network, its edges start at noise and nothing is NaN."""
    train = study.dataset.train
    x = train.x.iloc[:, 3:]
    model = LembasRegressor(study.network, settings=dict(QUICK)).fit(x, train.y)
    assert np.isfinite(model.predict(x).to_numpy()).all()
    assert model.network_.tfs.equals(study.network.tfs)


def test_a_column_that_does_not_vary_keeps_its_scale() -> None:
    x = normal_table(20, ["T0", "T1"], seed=1).assign(T1=2.0)
    y = normal_table(20, ["G0"], seed=2).assign(G1=1.5)
    model = LembasRegressor(network_of([("T0", "G0", 1), ("T1", "G1", 1)]), settings=dict(QUICK))
    prediction = model.fit(x, y).predict(x)
    assert np.isfinite(prediction.to_numpy()).all()
    assert prediction["G1"].to_numpy() == pytest.approx(1.5, abs=0.02)


# scikit-learn's conventions


def test_clone_and_parameters(study: Study) -> None:
    model = LembasRegressor(study.network, recipe="published", settings={"epochs": 2}, seed=3)
    copy = clone(model)
    assert copy.get_params()["settings"] == {"epochs": 2}
    assert copy.network.digest == study.network.digest
    assert copy.set_params(seed=4, recipe="improved").get_params()["seed"] == 4
    assert model.seed == 3
    with pytest.raises(ValueError, match="Invalid parameter 'depth'"):
        model.set_params(depth=3)


def test_cross_val_predict_takes_tables(study: Study) -> None:
    train = study.dataset.train
    model = LembasRegressor(study.network, settings=dict(QUICK))
    predicted = cross_val_predict(model, train.x, train.y, cv=2)
    assert np.shape(predicted) == train.y.shape
    assert np.isfinite(predicted).all()


def test_columns_are_matched_by_name(study: Study, fitted: dict[str, LembasRegressor]) -> None:
    model, x = fitted["lembas"], study.dataset.test.x
    mixed = x.iloc[:, ::-1].assign(FURTHER=1.0)
    pd.testing.assert_frame_equal(model.predict(mixed), model.predict(x), check_exact=True)
    with pytest.raises(ValueError, match="X lacks 2 of the 20 TFs"):
        model.predict(x.iloc[:, 2:])


def test_fewer_genes_are_predicted_alike(study: Study, fitted: dict[str, LembasRegressor]) -> None:
    model, x = fitted["lembas"], study.dataset.test.x
    chosen = model.genes_[[5, 2]]
    smaller = model.restricted(chosen)
    pd.testing.assert_frame_equal(smaller.predict(x), model.predict(x)[chosen], atol=1e-6)
    assert len(model.genes_) == len(study.dataset.targets), "the model itself is left alone"
    with pytest.raises(KeyError, match="no outputs of the network: NOT_A_GENE"):
        model.restricted(["NOT_A_GENE"])


# Going on after a kill


class Killed(BaseException):
    """Stands for a signal that ends the process."""


@pytest.mark.parametrize("recipe", ["ridge_start", "published"])
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_killed_training_goes_on_to_the_same_result(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recipe: str, share: float
) -> None:
    train = study.dataset.train
    settings = {"epochs": 5, "batch_size": 30, "patience": 2}

    def model() -> LembasRegressor:
        return LembasRegressor(study.network, recipe=recipe, settings=settings)

    monkeypatch.setattr("lembas.training_state.SAVE_EVERY_S", 0.0)
    update, calls, fatal = optimise_module.Trainer.update, [], 0

    def killing(trainer: object, x: Tensor, y: Tensor) -> float:
        calls.append(1)
        if len(calls) == fatal:
            raise Killed
        return update(trainer, x, y)

    monkeypatch.setattr(optimise_module.Trainer, "update", killing)
    whole = model().fit(train.x, train.y, groups=train.series)
    fatal = len(calls) + 1 + round(share * (len(calls) - 1))
    with pytest.raises(Killed):
        model().fit(train.x, train.y, groups=train.series, unfinished=tmp_path / "fit")
    resumed = model().fit(train.x, train.y, groups=train.series, unfinished=tmp_path / "fit")
    for name, value in whole.network_.state_dict().items():
        assert torch.equal(resumed.network_.state_dict()[name], value), name
    pd.testing.assert_frame_equal(resumed.history_, whole.history_)
    assert resumed.n_updates_ == whole.n_updates_
    n_in_all = len(calls)
    again = model().fit(train.x, train.y, groups=train.series, unfinished=tmp_path / "fit")
    assert len(calls) == n_in_all, "a finished training is not repeated"
    assert torch.equal(again.network_.weights, whole.network_.weights)


def test_progress_of_another_fit_is_not_gone_on_from(study: Study, tmp_path: Path) -> None:
    train = study.dataset.train
    settings = {"epochs": 2, "validation_fraction": 0.0}
    LembasRegressor(study.network, settings=settings).fit(train.x, train.y, unfinished=tmp_path)
    for change in ({"settings": {**settings, "epochs": 3}}, {"settings": settings, "seed": 1}):
        model = LembasRegressor(study.network, **change)
        with_folder = clone(model).fit(train.x, train.y, unfinished=tmp_path)
        without = clone(model).fit(train.x, train.y)
        assert torch.equal(with_folder.network_.weights, without.network_.weights)


# Devices


def test_a_device_that_does_not_exist_is_named(study: Study) -> None:
    train = study.dataset.train
    for name in ("cuda:99", "abacus"):
        with pytest.raises(
            ValueError, match=f"device '{name}' cannot be used here .*expected auto"
        ):
            LembasRegressor(study.network, device=name).fit(train.x, train.y)
    assert chosen_device("cpu") == torch.device("cpu")


# Tables that may not be written to


def test_read_only_tables_are_trained_on_and_predicted(study: Study) -> None:
    """A dataset that is mapped from its file gives read-only views."""
    train = study.dataset.train
    tables = []
    for table in (train.x, train.y):
        values = np.array(table, np.float32, order="C")
        values.flags.writeable = False
        tables.append(pd.DataFrame(values, table.index, table.columns, copy=False))
    model = LembasRegressor(study.network, settings=QUICK).fit(*tables)
    expected = LembasRegressor(study.network, settings=QUICK).fit(train.x, train.y)
    for n in (1, len(train.x)):
        pd.testing.assert_frame_equal(
            model.predict(tables[0].iloc[:n]), expected.predict(train.x.iloc[:n])
        )


# Batches


def test_batches_are_drawn_from_the_chosen_samples_alone(tmp_path: Path) -> None:
    """A mapped file gives the same batches as the matrix in memory."""
    rng = np.random.default_rng(0)
    x, y = (rng.normal(size=(20, n)).astype(np.float32) for n in (3, 5))
    np.save(tmp_path / "y.npy", y)
    rows = np.array([3, 4, 8, 15, 19])
    tables = pd.DataFrame(x[rows]), pd.DataFrame(y[rows])
    scale = Scale.of(*tables, standardise=True)
    mapped = np.load(tmp_path / "y.npy", mmap_mode="r")
    drawn = []
    for matrix in (y, mapped):
        batches = Batches(x, matrix, rows, 2, scale, torch.device("cpu"))
        assert len(batches) == 3
        drawn.append(list(batches.shuffled(np.random.default_rng(1))))
    for (x1, y1), (x2, y2) in zip(*drawn, strict=True):
        assert torch.equal(x1, x2)
        assert torch.equal(y1, y2)
    got = torch.cat([batch for _, batch in drawn[0]])
    expected = (y[rows] - y[rows].mean(axis=0)) / y[rows].std(axis=0)
    np.testing.assert_allclose(np.sort(got, axis=0), np.sort(expected, axis=0), atol=1e-5)
