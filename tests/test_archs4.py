"""Reading ARCHS4's files: blocks against the whole, and files that are unsound."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest

from lembas.archs4 import GENE_NAMES, Archs4File
from lembas.archs4_extract import Recipe, extract
from lembas.archs4_query import TissueQuery
from tests import archs4_file

CHUNKS = [(16, 8), (1, 45), (86, 1), (7, 5), (200, 200), (86, 45), None]


def changed(folder: Path, counts: np.ndarray, **options: Any) -> Path:
    samples = archs4_file.described()
    return archs4_file.write(
        folder / "changed.h5", samples, counts, archs4_file.gene_symbols(), **options
    )


@pytest.mark.parametrize("chunks", CHUNKS, ids=str)
@pytest.mark.parametrize("most_cells", [1, 100, 1000, 1 << 24])
def test_blocks_hold_what_the_whole_holds(
    tmp_path: Path, chunks: tuple[int, int] | None, most_cells: int
) -> None:
    n_genes, n_samples = len(archs4_file.gene_symbols()), len(archs4_file.described())
    if chunks is not None:
        chunks = (min(chunks[0], n_genes), min(chunks[1], n_samples))
    source = Archs4File.read(archs4_file.tiny(tmp_path, chunks=chunks))
    with h5py.File(source.path) as file:
        whole = file["data/expression"][:]
    for wanted in ([0], [44], [3, 4, 5, 20, 44], range(45)):
        wanted = np.array(wanted)
        found = np.full((len(wanted), n_genes), -1, dtype=np.int64)
        for place, block in source.counts(wanted, most_cells=most_cells):
            assert (found[place.wanted, place.genes] == -1).all(), "a cell was read twice"
            found[place.wanted, place.genes] = block
        np.testing.assert_array_equal(found, whole[:, wanted].T)


@pytest.mark.parametrize("chunks", [(16, 8), (1, 45), (86, 1), (7, 5)], ids=str)
def test_blocks_are_whole_chunks_and_small(tmp_path: Path, chunks: tuple[int, int]) -> None:
    source = Archs4File.read(archs4_file.tiny(tmp_path, chunks=chunks))
    limit = 400
    places = source.places(np.array([0, 1, 30, 44]), most_cells=limit)
    touched = set()
    for place in places:
        n_deep, n_wide = (part.stop - part.start for part in (place.genes, place.columns))
        assert n_deep * n_wide <= max(limit, chunks[0] * chunks[1])
        assert place.genes.start % chunks[0] == 0
        assert place.columns.start % chunks[1] == 0
        touched |= set(range(place.columns.start // chunks[1], -(-place.columns.stop // chunks[1])))
    assert touched == {at // chunks[1] for at in (0, 1, 30, 44)}, "a chunk was read for nothing"


@pytest.mark.parametrize("name", GENE_NAMES)
def test_spellings_of_the_genes_field(tmp_path: Path, name: str) -> None:
    source = Archs4File.read(archs4_file.tiny(tmp_path, gene_field=name))
    assert source.genes.tolist() == archs4_file.gene_symbols()


def test_symbols_come_before_ensembl_names(tmp_path: Path) -> None:
    path = archs4_file.tiny(tmp_path)
    with h5py.File(path, "r+") as file:
        file["meta/genes/ensembl_gene"] = [f"ENSG{number}" for number in range(86)]
    assert Archs4File.read(path).genes.tolist() == archs4_file.gene_symbols()


def test_fields_of_fixed_width_and_probabilities_as_text(tmp_path: Path) -> None:
    samples = archs4_file.described()
    titles = samples["title"].to_numpy().astype("S")
    texts = samples["singlecellprobability"].astype(str).to_numpy(object)
    path = archs4_file.tiny(
        tmp_path,
        meta__samples__title=titles,
        meta__samples__singlecellprobability=texts,
    )
    read = Archs4File.read(path).samples
    assert read["title"].tolist() == samples["title"].tolist()
    expected = samples["singlecellprobability"]
    np.testing.assert_allclose(read["singlecellprobability"], expected, rtol=1e-12)


def test_numbers_as_titles_and_series_are_texts(tmp_path: Path) -> None:
    numbers = np.arange(45)
    fields = {"meta__samples__title": numbers, "meta__samples__series_id": numbers % 9}
    read = Archs4File.read(archs4_file.tiny(tmp_path, **fields)).samples
    assert read["title"].tolist() == [str(number) for number in range(45)]
    assert set(read["series_id"]) == set("012345678")


def test_a_title_may_be_absent(tmp_path: Path) -> None:
    read = Archs4File.read(archs4_file.tiny(tmp_path, meta__samples__title=None))
    assert (read.samples["title"] == "").all()


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="ARCHS4 file not found"):
        Archs4File.read(tmp_path / "absent.h5")


@pytest.mark.parametrize("part", [0.0, 0.02, 0.5, 0.95])
def test_a_file_cut_short(tmp_path: Path, part: float) -> None:
    path = archs4_file.tiny(tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content))])
    with pytest.raises(ValueError, match=r"cannot be read as HDF5 .*damaged, cut short"):
        Archs4File.read(path)


def test_a_damaged_block(tmp_path: Path) -> None:
    path = archs4_file.tiny(tmp_path)
    with h5py.File(path) as file:
        chunk = file["data/expression"].id.get_chunk_info(3)
    with path.open("r+b") as stream:
        stream.seek(chunk.byte_offset)
        stream.write(b"\0" * chunk.size)
    source = Archs4File.read(path)
    with pytest.raises(ValueError, match=r"cannot be read as HDF5 .*damaged"):
        list(source.counts(np.arange(45)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gene_field": "name"}, "does not name its genes: meta/genes holds name; expected one of"),
        (
            {"meta__samples__series_id": None},
            "lacks series_id in meta/samples; found .*; download a release of version 2",
        ),
        (
            {"meta__samples__title": np.float64(3)},
            "meta/samples/title is no list of values; expected one for each gene or sample",
        ),
        (
            {"meta__samples__series_id": np.ones((45, 2)), "meta__genes__symbol": np.int64(1)},
            "meta/genes/symbol, meta/samples/series_id are no list of values",
        ),
        ({"meta__samples__geo_accession": None}, "lacks geo_accession in meta/samples"),
        (
            {"meta__samples__singlecellprobability": None},
            "lacks singlecellprobability .*set single_cell_probability to null",
        ),
        (
            {"meta__samples__source_name_ch1": np.array(["liver"] * 44, dtype=object)},
            "86 genes x 45 samples, but there are source_name_ch1 44; the file is incomplete",
        ),
        (
            {"meta__samples__geo_accession": np.array(["GSM1"] * 45, dtype=object)},
            "duplicate sample name.*GSM1",
        ),
    ],
)
def test_metadata_that_is_unsound(tmp_path: Path, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Archs4File.read(archs4_file.tiny(tmp_path, **options))


def test_genes_of_another_number(tmp_path: Path) -> None:
    counts = archs4_file.counted(archs4_file.described())
    with pytest.raises(ValueError, match=r"the matrix has 85 genes.*there are meta/genes 86"):
        Archs4File.read(changed(tmp_path, counts[:-1]))


def test_samples_in_the_rows(tmp_path: Path) -> None:
    counts = archs4_file.counted(archs4_file.described())
    with pytest.raises(ValueError, match=r"samples in the rows of data/expression \(45 samples"):
        Archs4File.read(changed(tmp_path, counts.T))


def test_another_hdf5_file(tmp_path: Path) -> None:
    path = tmp_path / "other.h5"
    with h5py.File(path, "w") as file:
        file["matrix/data"] = [1, 2]
    with pytest.raises(ValueError, match="no table of numbers data/expression; found matrix/data"):
        Archs4File.read(path)


@pytest.mark.parametrize("value", [-1, np.nan, np.inf, 0.5])
def test_values_that_are_no_counts(tmp_path: Path, value: float) -> None:
    counts = archs4_file.counted(archs4_file.described()).astype(np.float64)
    counts[2, 7] = value
    source = Archs4File.read(changed(tmp_path, counts))
    message = rf"no counts \(sample/gene\): GSM1007/{archs4_file.gene_symbols()[2]} = "
    with pytest.raises(ValueError, match=message):
        list(source.counts(np.arange(45)))


def test_negative_whole_numbers(tmp_path: Path) -> None:
    counts = archs4_file.counted(archs4_file.described()).astype(np.int32)
    counts[85, 44] = -3
    source = Archs4File.read(changed(tmp_path, counts))
    with pytest.raises(ValueError, match="GSM9009/ = -3; expected whole numbers"):
        list(source.counts(np.arange(45)))


def test_memory_is_bounded_by_the_blocks(tmp_path: Path) -> None:
    n_genes, n_samples, most_cells = 400, 2000, 20_000
    samples = pd.DataFrame(
        {"series_id": "GSE1", "source_name_ch1": "liver", "characteristics_ch1": "x: y"},
        index=[f"GSM{number}" for number in range(n_samples)],
    ).assign(singlecellprobability=0.0)
    counts = np.arange(n_genes * n_samples, dtype=np.uint32).reshape(n_genes, n_samples)
    genes = [f"G{number}" for number in range(n_genes)]
    path = archs4_file.write(tmp_path / "f.h5", samples, counts, genes, chunks=(50, 100))
    source = Archs4File.read(path)
    wanted = np.arange(n_samples)
    list(source.counts(wanted[:1]))  # what h5py loads on first use is no block
    total = 0
    tracemalloc.start()
    for _, block in source.counts(wanted, most_cells=most_cells):
        total += int(block.sum(dtype=np.uint64))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert total == int(counts.sum(dtype=np.uint64))
    assert peak < 6 * 4 * most_cells < counts.nbytes / 6


def test_a_source_that_names_no_gene(tmp_path: Path) -> None:
    nameless = np.array([""] * len(archs4_file.gene_symbols()), dtype=object)
    path = archs4_file.tiny(tmp_path, meta__genes__symbol=nameless)
    with pytest.raises(ValueError, match="names none of its genes; download it again"):
        extract(path, tmp_path / "out.h5ad", Recipe(TissueQuery(**archs4_file.SMALL)))
