"""The box at the end of a chapter's page says how the page was made, from the record alone."""

from typing import Any

from lembas.page_box import provenance_box

RECORD: dict[str, Any] = {
    "chapter": "05_test",
    "started": "2026-03-01T10:20:30+00:00",
    "duration_s": 1234.56,
    "peak_memory_mib": 2048.4,
    "profile": "demo",
    "threads": 1,
    "versions": {"lembas": "0.1.0"},
    "recipe": {"parameters": {"seed": 888, "n_resamples": 2000}},
    "sources": {},
    "reads": {"dataset.h5ad": "a" * 64, "fits/lembas/": ""},
    "writes": {"tables/scores_test.parquet": "b" * 64},
}


def box(*, simulated: bool = True, **changes: Any) -> str:
    return provenance_box(
        {**RECORD, **changes},
        run_name="demo-trial",
        simulated=simulated,
        notebook_digest="c" * 64,
    )


def test_all_that_a_reader_needs_is_in_the_box() -> None:
    text = box()
    assert text.startswith(":::{admonition} How this page was made\n:class: dropdown")
    assert text.endswith(":::")
    assert "`demo-trial`, profile `demo`; simulated data" in text
    assert "2026-03-01 10:20:30 UTC, by lembas 0.1.0" in text
    assert "1,234.6 s, 2,048 MiB of memory at most, 1 thread\n" in text
    assert "Seed\n: 888\n" in text
    assert "{download}`notebooks/05_test.ipynb </notebooks/05_test.ipynb>`" in text
    assert f"(sha256 `{'c' * 12}`)" in text
    assert f"`dataset.h5ad` `{'a' * 12}`, `fits/lembas/` `missing`" in text
    assert f"`tables/scores_test.parquet` `{'b' * 12}`" in text
    assert "{doc}`/book/reproducibility`" in text


def test_measured_data_are_called_so() -> None:
    assert "; measured data" in box(simulated=False)


def test_the_seed_of_a_source_counts_and_none_is_invented() -> None:
    of_source = {"parameters": {"options": {"seed": 7}}}
    assert "Seed\n: 7\n" in box(recipe=of_source)
    assert "Seed" not in box(recipe={"parameters": {"models": {}}})


def test_a_chapter_that_reads_and_writes_nothing() -> None:
    text = box(reads={}, writes={})
    assert "Reads\n: nothing\n" in text
    assert "Writes\n: nothing\n" in text


def test_where_the_users_files_lie_stays_with_the_user() -> None:
    text = box(sources={"../private/liver.tsv.gz": "d" * 64, "/home/me/counts.tsv": "e" * 64})
    assert f"`liver.tsv.gz` `{'d' * 12}`, `counts.tsv` `{'e' * 12}`, `dataset.h5ad`" in text
    assert "private" not in text
    assert "home" not in text


def test_a_files_name_cannot_end_its_quotation() -> None:
    assert "`data/it's.tsv` `" in box(sources={"data/it`s.tsv": "d" * 64})
