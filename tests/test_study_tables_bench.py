"""The measurement of the study's tables makes what it says, and reads it."""

from __future__ import annotations

from pathlib import Path

from tests.bench.study_tables import read_and_write, write_tables


def test_tables_of_the_sizes_asked_for(tmp_path: Path) -> None:
    write_tables(tmp_path, n_samples=30, n_tfs=25, n_genes=60, n_external=6, n_edges=500)
    found = read_and_write(tmp_path)
    assert (tmp_path / "dataset.h5ad").is_file()
    assert (found["samples"], found["inputs"]) == (36, 25)
    # 23 of the 25 TFs are in the gene table as well, and are no targets.
    assert found["targets"] == 60 - 23
