"""Titles that say what is seen: true of any table, plain where it holds nothing."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lembas.plotting import findings

LABELS = {"mlr": "MLR", "ridge": "Ridge", "far": "external cohort far"}
numbers = st.floats(-5, 5) | st.just(float("nan"))
values_over_models = st.dictionaries(st.sampled_from(["mlr", "ridge", "pls", "knn"]), numbers)


def two(value: float) -> str:
    return f"{value:.2f}"


def series(values: dict[str, float]) -> pd.Series:
    return pd.Series(values, dtype=float)


@given(values_over_models)
def test_a_span_names_the_ends(values: dict[str, float]) -> None:
    known = series(values).dropna()
    told = findings.span(series(values), two)
    assert bool(told) == bool(len(known))
    if len(known):
        assert two(known.min()) in told
        assert two(known.max()) in told
    assert "nan" not in told


@given(values_over_models)
def test_leaders_are_all_that_have_the_highest_value(values: dict[str, float]) -> None:
    known = {name: value for name, value in values.items() if not np.isnan(value)}
    told = set(filter(None, findings.leaders(series(values)).split(" and ")))
    assert told == {name for name, value in known.items() if value == max(known.values())}


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"mlr": 0.41, "ridge": 0.63}, "MLR 0.41 to Ridge 0.63"),
        ({"mlr": 0.41}, "MLR 0.41"),
        ({"mlr": 0.41, "ridge": 0.412}, "0.41"),
        ({"mlr": float("nan")}, ""),
    ],
)
def test_spans(values: dict[str, float], told: str) -> None:
    assert findings.span(series(values), two, LABELS) == told


def test_ends_that_are_written_alike_are_said_once() -> None:
    assert findings.ends(pd.Series([0.5, 0.1, 0.3]), two) == "0.10 to 0.50"
    assert findings.ends(pd.Series([0.5, 0.501]), two) == "0.50"


@pytest.mark.parametrize(
    ("cohorts", "told"),
    [
        ({"test": (0.4, 0.6)}, "Highest skill on test: Ridge, 0.60"),
        (
            {"test": (0.4, 0.6), "far": (0.1, 0.3)},
            "Highest skill on test: Ridge, 0.60; also the highest on external cohort far",
        ),
        (
            {"test": (0.4, 0.6), "far": (0.3, 0.1)},
            "Highest skill on test: Ridge, 0.60; on external cohort far: MLR",
        ),
        (
            {"test": (0.4, 0.6), "far": (0.3, 0.1), "a": (0.1, 0.2)},
            "Highest skill on test: Ridge, 0.60; also on 1 of 2 others",
        ),
        (
            {"test": (0.4, 0.6), "far": (0.3, 0.1), "a": (0.3, 0.2)},
            "Highest skill on test: Ridge, 0.60; on none of the 2 others",
        ),
        (
            {"test": (0.4, 0.6), "far": (0.1, 0.2), "a": (0.1, 0.2)},
            "Highest skill on test: Ridge, 0.60; also the highest on all 2 others",
        ),
        ({"test": (0.6, 0.6)}, "Highest skill on test: MLR and Ridge, 0.60"),
        ({"test": (float("nan"), float("nan"))}, ""),
    ],
)
def test_highest(cohorts: dict[str, tuple[float, float]], told: str) -> None:
    values = {
        name: series(dict(zip(["mlr", "ridge"], v, strict=True))) for name, v in cohorts.items()
    }
    assert findings.highest(values, "skill", digits=2, labels=LABELS) == told


def test_the_null_is_no_winner_over_itself() -> None:
    scores = series({"train_mean": 0.95, "mlr": 0.9, "ridge": 0.91})
    told = findings.beside_null(scores, "train_mean", digits=3, labels=LABELS)
    assert told == "highest Ridge, 0.910; the null 0.950"
    assert findings.beside_null(scores[["mlr"]], "train_mean", digits=1) == "highest mlr, 0.9"
    assert findings.beside_null(scores[["train_mean"]], "train_mean", digits=1) == ""
    shares = series({"train_mean": 0.0, "mlr": 0.25})
    told = findings.better_than_null(shares, "train_mean", LABELS)
    assert told == "Genes above 0: MLR 25%"


def test_titles_of_data() -> None:
    sizes = {"train": pd.Series([2e6, 4e6]), "far": pd.Series([9e6]), "none": pd.Series([])}
    told = findings.library_sizes(sizes, LABELS)
    assert told == "Median library size, million reads: train 3 to external cohort far 9"
    assert findings.library_sizes({"none": pd.Series([], dtype=float)}).endswith("not known")
    explained = pd.Series({"pc1": 0.31, "pc2": 0.12})
    assert findings.components(explained).startswith("Two components hold 43%")
    genes = pd.DataFrame({"mean": [0.0, 2.0, 4.0], "sd": [0.5, 0.5, 1.0]})
    assert "spread 4 times as far" in findings.mean_and_sd(genes)
    assert findings.mean_and_sd(genes.assign(sd=0.0)).startswith("Mean and standard deviation")
    table = pd.DataFrame(
        {
            "cohort": ["far", "far"],
            "role": ["input", "target"],
            "measured": [9, 50],
            "missing": [1, 0],
        }
    )
    assert findings.missing(table, LABELS) == (
        "Most genes lacking: external cohort far, 1 of 10 input"
    )
    assert findings.missing(table.assign(missing=0)) == "No cohort lacks a gene of the study"


def test_titles_of_networks() -> None:
    counts = pd.DataFrame({1: [6, 1, 1], -1: [0, 1, 1]}, index=["A", "B", "C"])
    assert findings.hub_share(counts, 1) == "The largest 1 of 3 TFs hold 60% of the edges"
    assert findings.activating(pd.Series({1: 3, -1: 1, 0: 4})) == (
        "75% of the edges of known sign activate"
    )
    assert "No edge" in findings.activating(pd.Series({0: 4}))
    degree = pd.Series([0, 1, 2, 9])
    assert findings.half_of(degree, degree) == (
        "Half of the genes have 2 regulators or fewer, half of the TFs 2 genes or fewer"
    )
    table = pd.DataFrame({"item": ["Edges"] * 2, "stage": ["all", "used"], "count": [1200, 300]})
    assert findings.remaining(table) == "In use: 300 of 1,200 edges"


def test_titles_of_fits() -> None:
    alphas = pd.DataFrame({"model": ["ridge"] * 3 + ["mlr"], "alpha": [1.0, 10, 10, np.nan]})
    assert findings.common_penalty(alphas, LABELS) == "Penalty most genes chose: Ridge 10"
    assert findings.common_penalty(alphas.tail(1)) == "No gene chose a penalty"
    history = pd.DataFrame(
        {"epoch": [1, 2, 3], "train_loss": [3.0, 2, 1], "validation_loss": [np.nan, 0.5, 0.7]}
    )
    assert findings.training(history, 2) == "Validation loss is least at epoch 2: 0.5"
    assert findings.training(history, None) == "Training loss goes from 3 to 1 in 3 epochs"


def test_titles_that_count() -> None:
    differences = pd.DataFrame({"low": [0.1, -0.1, np.nan]})
    assert findings.beaten_controls(differences, "test") == (
        "The real network is above its controls in 1 of 2 comparisons, test"
    )
    assert findings.beaten_controls(differences.tail(1), "test").startswith("The real network and")
    assert findings.most_often(["B", "A", "B", "A", "C"]) == ("A", 2)
    ranks = series({"mlr": 1.5, "ridge": 2.0, "pls": 4.0})
    assert findings.ranks(ranks, 1.0, LABELS) == (
        "Best mean rank: MLR, 1.50; 1 of 2 others lie within the critical difference"
    )
    first, second = (
        series({"a": 1.0, "b": 0.0, "c": np.nan}),
        series({"a": 0.5, "b": 0.0, "c": 1.0}),
    )
    assert findings.ahead(first, second, ("MLR", "Ridge"), "mean") == (
        "MLR is above Ridge in 1 of 2 strata of mean"
    )
    exponents = pd.DataFrame({"axis": ["samples", "TFs"], "exponent": [0.5, 0.91]})
    assert findings.growth(exponents).endswith("grows most with TFs, to the power 0.91")
    assert findings.growth(exponents.drop(columns="exponent")).endswith("varied at a time")


def test_models_of_a_panel_of_genes_are_not_compared_with_the_others() -> None:
    scores = pd.DataFrame(
        {"model": ["mlr", "forest", "mlr"], "genes": ["shared", "panel of forest", "all"]}
    )
    assert findings.ranked(scores) == {"mlr"}
    assert findings.ranked(scores.drop(columns="genes")) == {"mlr", "forest"}
    wide = pd.DataFrame({"mlr": [0.1, 0.2, 0.3], "forest": [0.9, np.nan, np.nan]})
    assert list(findings.of_most_genes(wide)) == ["mlr"]
    summary = pd.DataFrame({"cohort": ["far"] * 4, "model": ["train_mean", "mlr", "pls", "mlr"]})
    summary = summary.assign(k=[20, 20, 20, 5], value=[0.0, 0.1, -0.1, 0.5])
    assert findings.above_null(summary, "train_mean", LABELS) == (
        "Models above the null with 20 labelled samples: external cohort far 1 of 2"
    )
    curve = pd.DataFrame({"model": ["mlr", "pls"], "n_train": [90, 1], "value": [0.25, 0.75]})
    told = findings.with_most_samples(curve, LABELS)
    assert told == "Highest median skill with 90 training samples: MLR, 0.25"
    told = findings.with_most_samples(curve.assign(value=np.nan))
    assert told == "No model has a skill with 90 training samples"
