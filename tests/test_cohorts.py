"""A dataset's tables are read-only views of one matrix, in memory or mapped from its file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest

from lembas import h5ad
from lembas.data import Dataset, build_dataset
from lembas.network import Network
from tests.conftest import random_expression


@pytest.fixture
def external() -> dict[str, pd.DataFrame]:
    """One cohort with all genes, and one without the input TF3 and the target G2."""
    genes = ["G1", "G2", "G3", "G4", "TF", "TF1", "TF2", "TF3"]
    lacking = [gene for gene in genes if gene not in ("G2", "TF3")]
    return {
        "near": random_expression("n", 5, genes, seed=2),
        "far": random_expression("f", 6, lacking, seed=3),
    }


@pytest.fixture
def dataset(
    small_study: pd.DataFrame, small_network: Network, external: dict[str, pd.DataFrame]
) -> Dataset:
    return build_dataset(small_study, small_network, external=external)


@pytest.fixture
def mapped(dataset: Dataset, tmp_path: Path) -> Dataset:
    dataset.write(tmp_path / "dataset.h5ad")
    return Dataset.read(tmp_path / "dataset.h5ad")


# Order and views


def test_samples_and_genes_lie_in_blocks(dataset, small_study, external):
    split = dataset.samples["split"].tolist()
    assert split == ["train"] * 16 + ["test"] * 4 + ["external"] * 11
    file_order = [*small_study.index, *external["near"].index, *external["far"].index]
    for name, rows in dataset.rows.items():
        samples = dataset.expression.index[rows].tolist()
        assert samples == [sample for sample in file_order if sample in samples], name
    columns = [*dataset.inputs, *dataset.targets]
    assert dataset.expression.columns.tolist() == columns


@pytest.mark.parametrize("source", ["dataset", "mapped"])
@pytest.mark.parametrize("name", ["train", "test", "near"])
def test_complete_cohorts_are_views(request, source, name):
    dataset = request.getfixturevalue(source)
    cohort = dataset.cohorts[name]
    for table in (cohort.x, cohort.y):
        assert np.shares_memory(table.to_numpy(), dataset.expression.to_numpy())
        assert table.to_numpy().dtype == np.float32


def test_samples_described_otherwise_are_refused(dataset):
    samples = dataset.samples.rename(columns={"split": "part"})
    with pytest.raises(ValueError, match=r"samples has the columns \[.*'part'.*\]; expected \["):
        replace(dataset, samples=samples)


@pytest.mark.parametrize("source", ["dataset", "mapped"])
def test_nothing_can_be_written(request, source):
    dataset = request.getfixturevalue(source)
    tables = {"all": dataset.expression, "x": dataset.train.x, "y": dataset.test.y}
    for table in tables.values():
        with pytest.raises(ValueError, match="read-only"):
            table.iloc[0, 0] = 1.0
        with pytest.raises(ValueError, match="read-only"):
            table.to_numpy()[0, 0] = 1.0


def test_a_cohort_with_gaps_is_filled_in_a_copy(dataset):
    before = dataset.expression.copy()
    far = dataset.external["far"]
    assert far.imputed.tolist() == ["TF3"]
    assert far.missing.tolist() == ["G2"]
    np.testing.assert_array_equal(far.x["TF3"], np.float32(dataset.input_fill["TF3"]))
    pd.testing.assert_frame_equal(dataset.expression, before)
    assert dataset.expression.loc[far.x.index, "TF3"].isna().all()


def test_targets_that_are_inputs_are_taken_by_name(small_study, small_network):
    dataset = build_dataset(small_study, small_network, tf_targets="include")
    assert dataset.expression.columns.is_unique
    for table in (dataset.train.x, dataset.train.y):
        expected = small_study.loc[table.index, table.columns].astype(np.float32)
        np.testing.assert_array_equal(table, expected)
    assert dataset.train.y.columns.tolist() == ["G1", "G2", "G3", "G4", "TF", "TF1", "TF2"]


def test_another_order_gives_the_same_cohorts(dataset):
    """A dataset made by hand need not lie in blocks: names decide, not places."""
    generator = np.random.default_rng(0)
    order = generator.permutation(len(dataset.samples))
    columns = generator.permutation(dataset.expression.columns)
    parts = {field: getattr(dataset, field) for field in dataset.__dataclass_fields__}
    samples = dataset.samples.iloc[order]
    expression = dataset.expression.loc[samples.index, columns]
    mixed = Dataset(**{**parts, "expression": expression, "samples": samples})
    for name, cohort in dataset.cohorts.items():
        other = mixed.cohorts[name]
        pd.testing.assert_frame_equal(other.x.loc[cohort.x.index], cohort.x)
        pd.testing.assert_frame_equal(other.y.loc[cohort.y.index], cohort.y)
        assert other.imputed.equals(cohort.imputed)
        assert other.missing.equals(cohort.missing)
    np.testing.assert_allclose(mixed.train_mean, dataset.train_mean, rtol=1e-12)


def test_measured_genes_by_hand(dataset):
    measured = dataset.measured
    assert measured.columns.tolist() == ["train", "test", "near", "far"]
    assert measured[["train", "test", "near"]].all(axis=None)
    assert measured.index[~measured["far"]].tolist() == ["TF3", "G2"]


def test_a_dataset_without_test_samples(dataset):
    parts = {field: getattr(dataset, field) for field in dataset.__dataclass_fields__}
    train = dataset.rows["train"]
    alone = Dataset(
        **{
            **parts,
            "expression": dataset.expression.iloc[train],
            "samples": dataset.samples.iloc[train],
        }
    )
    assert list(alone.cohorts) == ["train", "test"]
    assert alone.test.x.shape == (0, 3)
    assert alone.test.y.shape == (0, 5)
    pd.testing.assert_frame_equal(alone.train.x, dataset.train.x)


def test_genes_of_a_cohort_are_cut_out_by_name(dataset, small_study):
    genes = pd.Index(["G3", "TF2", "G1"])
    found = dataset.expression_of("test", genes)
    expected = small_study.loc[dataset.test.x.index, genes].astype(np.float32)
    pd.testing.assert_frame_equal(found, expected, check_names=False)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_stacking_in_parts_changes_nothing(monkeypatch, small_study, small_network, external, kind):
    small = {name: table.astype(kind) for name, table in external.items()}
    whole = build_dataset(small_study.astype(kind), small_network, external=small)
    monkeypatch.setattr("lembas.data.ROWS_AT_ONCE", 3)
    parted = build_dataset(small_study.astype(kind), small_network, external=small)
    pd.testing.assert_frame_equal(parted.expression, whole.expression, check_exact=True)
    expected = small_study.loc[whole.train.x.index, whole.inputs].astype(np.float32)
    np.testing.assert_array_equal(whole.train.x, expected)


# The file


def test_mapped_is_what_was_written(dataset, mapped):
    pd.testing.assert_frame_equal(mapped.expression, dataset.expression, check_exact=True)
    for name, cohort in dataset.cohorts.items():
        pd.testing.assert_frame_equal(mapped.cohorts[name].x, cohort.x, check_exact=True)
        pd.testing.assert_frame_equal(mapped.cohorts[name].y, cohort.y, check_exact=True)


def test_the_matrix_stays_in_the_file(dataset, tmp_path):
    """A byte changed in the file at the matrix's place shows in the mapped table."""
    path = tmp_path / "dataset.h5ad"
    dataset.write(path)
    mapped = Dataset.read(path)
    place = path.read_bytes().index(dataset.expression.iloc[[0]].to_numpy().tobytes())
    with path.open("r+b") as file:
        file.seek(place)
        file.write(np.float32(7.5).tobytes())
    assert mapped.expression.iloc[0, 0] == 7.5
    assert mapped.train.x.iloc[0, 0] == 7.5


def test_a_replaced_file_leaves_the_mapped_table_alone(dataset, mapped, tmp_path):
    before = mapped.expression.copy()
    other = build_dataset(
        random_expression("o", 20, [*dataset.expression.columns], seed=9),
        Network.from_edges(pd.DataFrame({"TF": ["TF1"], "Gene": ["G1"], "Interaction": [1]})),
    )
    other.write(tmp_path / "dataset.h5ad")
    pd.testing.assert_frame_equal(mapped.expression, before)


@pytest.mark.parametrize(
    "layout", [{"compression": "gzip"}, {"chunks": (3, 2)}, {"dtype": ">f4"}, {"dtype": "f8"}, {}]
)
def test_every_layout_of_the_matrix_is_read(dataset, tmp_path, layout):
    """Compressed, cut into chunks, of another byte order or type, or plain."""
    path = tmp_path / "dataset.h5ad"
    dataset.write(path)
    with h5py.File(path, "r+") as file:
        attributes = dict(file["X"].attrs)
        del file["X"]
        matrix = file.create_dataset("X", data=dataset.expression.to_numpy(), **layout)
        matrix.attrs.update(attributes)
    found, _, _, _ = h5ad.read(path)
    pd.testing.assert_frame_equal(
        found, dataset.expression, check_names=False, check_dtype=False, check_exact=True
    )
    is_plain = layout in ({}, {"dtype": "f8"})
    assert found.to_numpy().flags.writeable is not is_plain


def test_a_sparse_matrix_is_read(dataset, tmp_path):
    table = dataset.expression.fillna(0.0)
    names = {"obs": pd.DataFrame(index=table.index), "var": pd.DataFrame(index=table.columns)}
    from scipy.sparse import csr_matrix

    anndata.AnnData(csr_matrix(table.to_numpy()), **names).write_h5ad(tmp_path / "sparse.h5ad")
    found = h5ad.read_matrix(tmp_path / "sparse.h5ad")
    pd.testing.assert_frame_equal(found, table, check_names=False)


def test_a_file_without_a_matrix_is_refused(tmp_path):
    anndata.AnnData(obs=pd.DataFrame(index=["s1"])).write_h5ad(tmp_path / "empty.h5ad")
    with pytest.raises(ValueError, match="has no matrix X; put the expression values into X"):
        h5ad.read_matrix(tmp_path / "empty.h5ad")
    (tmp_path / "text.h5ad").write_text("not HDF5")
    with pytest.raises(ValueError, match=r"text\.h5ad cannot be read as \.h5ad"):
        h5ad.read_matrix(tmp_path / "text.h5ad")


def write_damaged(path, damage):
    names = {"obs": pd.DataFrame(index=list("abcd")), "var": pd.DataFrame(index=list("xyz"))}
    anndata.AnnData(np.ones((4, 3), np.float32), **names).write_h5ad(path)
    with h5py.File(path, "r+") as file:
        damage(file)


def other_x(values):
    def damage(file):
        marks = dict(file["X"].attrs)
        del file["X"]
        file["X"] = values
        file["X"].attrs.update(marks)

    return damage


def no_matrix(file):
    del file["X"]
    file.create_group("X")


def beyond_the_matrix(file):
    del file["X"]
    group = file.create_group("X")
    marks = {"encoding-type": "csr_matrix", "encoding-version": "0.1.0", "shape": [4, 3]}
    group.attrs.update(marks)
    group["data"], group["indices"] = np.ones(2), np.array([0, 77])
    group["indptr"] = np.array([0, 1, 2, 2, 2])


def no_genes(file):
    del file["var"]


def counts_of_archs4(file):
    for name in list(file):
        del file[name]
    file["data/expression"] = np.ones((3, 3))


DAMAGES = {
    "texts": (other_x(np.full((4, 3), "1.5", dtype=object)), "X holds no real numbers"),
    "complex": (other_x(np.ones((4, 3), complex)), "X holds no real numbers"),
    "one axis": (other_x(np.ones(12)), r"cannot be read as \.h5ad \(X has 1 axes where"),
    "too short": (other_x(np.ones((3, 3))), "X is 3 x 3, but there are 4 samples in obs and 3"),
    "a group": (no_matrix, r"cannot be read as \.h5ad \(X is a group without a matrix\)"),
    "places": (beyond_the_matrix, r"cannot be read as \.h5ad \(indices must be < 3\)"),
    "no genes": (no_genes, r"cannot be read as \.h5ad \(it lacks var, and holds X"),
    "ARCHS4": (counts_of_archs4, r"like ARCHS4's, which the source archs4 reads\)"),
}


@pytest.mark.parametrize(("damage", "message"), DAMAGES.values(), ids=DAMAGES)
def test_damage_is_said_in_a_sentence_with_the_file(tmp_path, damage, message):
    """Some of it would end the process, without a message, if it were read."""
    write_damaged(tmp_path / "odd.h5ad", damage)
    with pytest.raises(ValueError, match=rf"odd\.h5ad.* ?{message}"):
        h5ad.read_matrix(tmp_path / "odd.h5ad")
