"""A drafted profile is valid, says why, never overwrites, and gives the study it promises."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from lembas.draft import Draft
from lembas.folder_survey import look
from lembas.profile_draft import profile_text, write_profile
from lembas.profiles import read_profile
from lembas.proposal import propose
from lembas.simulate import Simulation
from lembas.study import open_study
from tests.data_folder import (
    ensembl_ids,
    write_counts,
    write_external_counts,
    write_h5ad,
    write_network,
    write_series,
    write_tables,
)


@pytest.fixture
def counted(tmp_path: Path, made: Simulation) -> Path:
    """A folder of counts, an external cohort, series and a network."""
    folder = tmp_path / "data"
    folder.mkdir()
    write_network(folder, made)
    counts = write_counts(folder, made)
    write_external_counts(folder, made)
    write_series(folder, counts.index)
    return folder


def drafted(folder: Path, root: Path) -> dict[str, object]:
    """Draft a profile and return the parameters of chapter 01."""
    write_profile(propose(look(folder)), "mine", root)
    return dict(read_profile("mine", root).chapters["01_data"])


COUNTS = {
    "source": "counts",
    "files": {
        "network": "network.tsv",
        "counts": "counts.tsv",
        "external": {"far": "far.tsv"},
        "series": "series.tsv",
    },
    "options": {"unit": "cpm", "min_expression": 0.5, "min_fraction": 0.2, "seed": 888},
}


def test_counts_give_the_dataset_of_a_profile_written_by_hand(
    counted: Path, tmp_path: Path
) -> None:
    own = drafted(counted, tmp_path)
    options = {**COUNTS["options"], "study": "counts"}  # type: ignore[dict-item]
    by_hand = open_study("counts", data_dir=counted, files=COUNTS["files"], options=options)  # type: ignore[arg-type]
    study = open_study(data_dir=counted, **own)  # type: ignore[arg-type]
    pd.testing.assert_frame_equal(study.dataset.expression, by_hand.dataset.expression)
    pd.testing.assert_frame_equal(study.dataset.samples, by_hand.dataset.samples)
    assert study.dataset.inputs.equals(by_hand.dataset.inputs)
    assert study.dataset.targets.equals(by_hand.dataset.targets)
    assert study.network.digest == by_hand.network.digest


@pytest.mark.parametrize("kind", ["tables", "h5ad"])
def test_other_sources_open(tmp_path: Path, made: Simulation, kind: str) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    write_network(folder, made)
    if kind == "tables":
        write_tables(folder, made)
    else:
        write_h5ad(folder / "a.h5ad", made)
    own = drafted(folder, tmp_path)
    assert own["source"] == kind
    dataset = open_study(data_dir=folder, **own).dataset  # type: ignore[arg-type]
    assert list(dataset.external) == ["near"]
    pd.testing.assert_frame_equal(
        dataset.expression.loc[made.expression.index, dataset.targets],
        made.expression[dataset.targets],
        check_names=False,
        check_dtype=False,
    )


def test_the_studys_four_files_open(tmp_path: Path, made: Simulation) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    made.prior.edges.to_csv(folder / "network(full).tsv", sep="\t", index=False)
    targets = made.expression.columns.difference(pd.Index(made.tfs))
    tables = {
        "TF(full).tsv": made.expression[made.tfs],
        "Geneexpression (full).tsv": made.expression[targets],
        "Liver_bulk_external.tsv": made.external["external_near"],
    }
    for name, table in tables.items():
        table.to_csv(folder / name, sep="\t")
    own = drafted(folder, tmp_path)
    assert own["source"] == "study"
    drafted_set = open_study(data_dir=folder, **own).dataset  # type: ignore[arg-type]
    by_name = open_study("study", data_dir=folder).dataset
    pd.testing.assert_frame_equal(drafted_set.expression, by_name.expression)
    assert drafted_set.inputs.equals(by_name.inputs)


def test_ensembl_ids_and_their_symbols_give_the_study_of_symbols(
    counted: Path, tmp_path: Path, made: Simulation
) -> None:
    plain = open_study(data_dir=counted, **drafted(counted, tmp_path)).dataset  # type: ignore[arg-type]
    folder = tmp_path / "ids"
    folder.mkdir()
    write_network(folder, made)
    counts, far = write_counts(folder, made), write_external_counts(folder, made)
    write_series(folder, counts.index)
    ids = ensembl_ids(counts.columns, version=".3")
    for name, table in (("counts.tsv", counts), ("far.tsv", far)):
        table.T.set_axis(ids).to_csv(folder / name, sep="\t", index_label="gene")
    names = pd.DataFrame({"gene_id": ensembl_ids(counts.columns), "symbol": counts.columns})
    names.to_csv(folder / "map.csv", index=False)
    (tmp_path / "profiles" / "mine.yml").unlink()
    own = drafted(folder, tmp_path)
    mapped = open_study(data_dir=folder, **own).dataset  # type: ignore[arg-type]
    pd.testing.assert_frame_equal(
        mapped.expression[plain.expression.columns], plain.expression, check_exact=True
    )
    assert mapped.inputs.equals(plain.inputs)


def test_every_choice_has_its_reason(counted: Path) -> None:
    text = profile_text(propose(look(counted)), "mine")
    lines = text.splitlines()
    for key in ("source:", "network:", "counts:", "external:", "unit:", "study:", "seed:"):
        at = next(n for n, line in enumerate(lines) if line.strip().startswith(key))
        assert lines[at - 1].strip().startswith("#"), key
    assert "# make book PROFILE=mine DATA=folder" in lines
    assert "MADE" not in text


def test_names_that_yaml_would_read_otherwise(tmp_path: Path, made: Simulation) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    write_network(folder, made, "no # network: 1.tsv")
    write_counts(folder, made, "yes.tsv")
    own = drafted(folder, tmp_path)
    assert own["files"] == {"network": "no # network: 1.tsv", "counts": "yes.tsv"}
    assert own["options"]["study"] == "yes"  # type: ignore[index]


def test_many_genes_bring_panels_for_trees(counted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "n_panel" not in profile_text(propose(look(counted)), "mine")
    monkeypatch.setattr("lembas.profile_draft.MOST_TREE_GENES", 10)
    assert "xgbrf: {parameters: {n_panel: 300}}" in profile_text(propose(look(counted)), "mine")


def test_a_profile_is_never_overwritten(counted: Path, tmp_path: Path) -> None:
    draft = propose(look(counted))
    path = write_profile(draft, "mine", tmp_path)
    before = path.read_bytes()
    with pytest.raises(FileExistsError, match=r"profiles/mine.yml is there already .* --name"):
        write_profile(draft, "mine", tmp_path)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["mine.yml"]


@pytest.mark.parametrize("name", ["Mine", "../mine", ""])
def test_names_of_profiles(counted: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="use lower-case letters, digits, - and _"):
        write_profile(propose(look(counted)), name, tmp_path)


def test_a_draft_with_a_question_is_not_written(tmp_path: Path) -> None:
    draft = Draft(source="counts")
    draft.ask("Which?", "--study a")
    with pytest.raises(ValueError, match=r"'mine' is not settled: 1 open question\(s\)"):
        write_profile(draft, "mine", tmp_path)
    assert list(tmp_path.iterdir()) == []
