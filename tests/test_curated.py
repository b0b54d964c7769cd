"""The same ladder on a second network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from lembas.control_words import moved_table, network_sentences
from lembas.controls import climb
from lembas.curated import (
    SUFFIX,
    curated_labels,
    curated_sentence,
    with_curated,
    with_curated_folds,
)
from lembas.folds import cross_validate
from lembas.ladder import rungs
from lembas.study import Study
from tests.small_study import network_of

LADDER = rungs({"masked_ridge": ["rewired"]}, n_rewired=2)
CURATED = {"curated": "second.tsv.gz"}
OPTIONS = {"n_resamples": 50, "seed": 5}


def test_targets_of_the_second_network_alone_are_scored(study: Study, tmp_path: Path) -> None:
    found = climb(study.dataset, study.network, LADDER, **OPTIONS)
    chosen = study.dataset.targets[::2]
    smaller = study.network.restrict(study.network.tfs, chosen)
    smaller.edges.to_csv(tmp_path / "second.tsv.gz", sep="\t", index=False)
    both = with_curated(found, study.dataset, tmp_path, CURATED, LADDER, **OPTIONS)
    first = both.scores[both.scores["model"] == "masked_ridge"].reset_index(drop=True)
    pd.testing.assert_frame_equal(first, found.scores)
    second = both.per_gene[both.per_gene["model"] == f"masked_ridge{SUFFIX}"]
    assert set(second["gene"]) == set(smaller.genes) & set(study.dataset.targets)
    # The same regulators, the same genes: the same scores.
    real = "variant == 'real' and cohort == 'test'"
    expected = found.per_gene.query(real).set_index("gene")["skill"]
    own = second.query(real).set_index("gene")["skill"]
    pd.testing.assert_series_equal(own, expected.reindex(own.index))
    assert moved_table(both.fits).equals(moved_table(found.fits))
    labels = curated_labels({"masked_ridge": "Masked ridge"}, CURATED)
    words = network_sentences(both.differences, "test", labels)
    assert words.count("Masked ridge, curated") == 2


def test_without_a_second_network_nothing_is_added(study: Study, tmp_path: Path) -> None:
    found = climb(study.dataset, study.network, LADDER, **OPTIONS)
    assert with_curated(found, study.dataset, tmp_path, {}, LADDER, **OPTIONS) is found
    assert curated_labels({"a": "A"}, {}) == {"a": "A"}


def test_a_network_of_other_names_is_refused(study: Study, tmp_path: Path) -> None:
    found = climb(study.dataset, study.network, LADDER, **OPTIONS)
    network_of([("ENSG1", "ENSG2", 1)]).edges.to_csv(tmp_path / "other.tsv", sep="\t", index=False)
    with pytest.raises(ValueError, match=r"other\.tsv regulates none of the 30 targets"):
        with_curated(found, study.dataset, tmp_path, {"x": "other.tsv"}, LADDER, **OPTIONS)
    with pytest.raises(FileNotFoundError):
        with_curated(found, study.dataset, tmp_path, {"x": "absent.tsv"}, LADDER, **OPTIONS)
    with pytest.raises(ValueError, match=r"2 networks \(x, y\); expected one second network"):
        with_curated(found, study.dataset, tmp_path, {"x": "a", "y": "b"}, LADDER, **OPTIONS)


def test_folds_on_the_second_network_fit_its_targets_alone(study: Study, tmp_path: Path) -> None:
    train, cuts = study.dataset.train, {"n_folds": 2, "seeds": (3,)}
    models = ["train_mean", "masked_ridge"]
    scores = cross_validate(train, study.network, models, **cuts)
    smaller = study.network.restrict(study.network.tfs, study.dataset.targets[::2])
    smaller.edges.to_csv(tmp_path / "second.tsv.gz", sep="\t", index=False)
    given = (train, tmp_path, CURATED, ["masked_ridge"])
    both = with_curated_folds(scores, *given, **cuts)
    pd.testing.assert_frame_equal(both.iloc[: len(scores)], scores)
    second = both[both["model"] == f"masked_ridge{SUFFIX}"]
    regulated = train.y.columns[train.y.columns.isin(smaller.genes)]
    part = replace(train, y=train.y[regulated])
    expected = cross_validate(part, study.network, ["masked_ridge"], **cuts)
    assert second["value"].tolist() == pytest.approx(expected["value"].tolist(), abs=1e-6)
    assert with_curated_folds(scores, train, tmp_path, {}, models) is scores


def test_the_second_network_may_have_any_layout(study: Study, tmp_path: Path) -> None:
    edges = study.network.edges.set_axis(["tf", "target", "mor"], axis=1)
    levels = ["A" if i % 2 else "E" for i in range(len(edges))]
    edges.assign(confidence=levels).to_csv(tmp_path / "dorothea.csv", index=False)
    edges[["tf", "target"]].to_csv(tmp_path / "unsigned.csv", index=False)
    chosen = {"DoRothEA A": {"file": "dorothea.csv", "min_confidence": "A"}}
    found = climb(study.dataset, study.network, LADDER, **OPTIONS)
    both = with_curated(found, study.dataset, tmp_path, chosen, LADDER, **OPTIONS)
    second = both.fits[both.fits["model"] == f"masked_ridge{SUFFIX}"]
    assert second["n_edges"].max() < found.fits["n_edges"].max()
    assert f"{levels.count('E')} rows with confidence below A left out" in curated_sentence(
        tmp_path, chosen
    )
    assert curated_sentence(tmp_path, {}) == "There is no second network."
    labels = curated_labels({"a": "A"}, chosen)
    assert labels[f"a{SUFFIX}"] == "A, DoRothEA A"
    with pytest.raises(ValueError, match=r"curated: x: unknown option\(s\) level"):
        curated_sentence(tmp_path, {"x": {"file": "dorothea.csv", "level": "A"}})
    with pytest.raises(ValueError, match="curated: x names no file"):
        curated_sentence(tmp_path, {"x": {"min_confidence": "A"}})
    blind = {"x": {"file": "unsigned.csv", "unsigned": True}}
    assert "is unknown: no model constrains" in curated_sentence(tmp_path, blind)
