"""What a folder proposes: the study and its cohorts, said aloud; what is unclear is asked."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lembas.draft import Draft
from lembas.folder_survey import Answers, look
from lembas.proposal import propose
from lembas.simulate import Simulation
from tests.conftest import LIVER
from tests.data_folder import (
    ensembl_ids,
    write_archs4,
    write_counts,
    write_external_counts,
    write_h5ad,
    write_network,
    write_series,
    write_tables,
)


def proposed(folder: Path, **said: object) -> Draft:
    answers = Answers(**said)  # type: ignore[arg-type]
    return propose(look(folder, answers), answers)


def asked(draft: Draft, text: str) -> str:
    """Return the answer to the one question that holds a text."""
    found = [item.answer for item in draft.questions if text in item.text]
    assert len(found) == 1, draft.questions
    return found[0]


def test_counts_with_an_external_cohort(tmp_path: Path, made: Simulation) -> None:
    write_network(tmp_path, made)
    counts = write_counts(tmp_path, made, "GSE1_counts.tsv")
    write_external_counts(tmp_path, made)
    write_series(tmp_path, counts.index)
    draft = proposed(tmp_path)
    assert draft.questions == []
    assert draft.source == "counts"
    assert draft.files == {
        "network": "network.tsv",
        "counts": "GSE1_counts.tsv",
        "external": {"far": "far.tsv"},
        "series": "series.tsv",
    }
    assert draft.options["study"] == "GSE1"
    assert "genes_in" not in draft.options
    assert any("because it is the largest table" in note for note in draft.notes)
    shared = draft.overlaps[0]
    assert (shared.n_tfs_measured, shared.n_tfs) == (len(made.prior.tfs),) * 2


def test_names_of_files_do_not_matter(tmp_path: Path, made: Simulation) -> None:
    write_network(tmp_path, made, "z.tsv")
    write_counts(tmp_path, made, "b.tsv")
    write_external_counts(tmp_path, made, "a.tsv")
    draft = proposed(tmp_path)
    assert (draft.files["counts"], draft.files["network"]) == ("b.tsv", "z.tsv")
    assert draft.files["external"] == {"a": "a.tsv"}


def test_the_order_of_rows_and_columns_does_not_matter(tmp_path: Path, made: Simulation) -> None:
    rng = np.random.default_rng(3)
    drafts = []
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        edges = made.prior.edges.iloc[rng.permutation(len(made.prior.edges))]
        edges.to_csv(folder / "network.tsv", sep="\t", index=False)
        for counts in (write_counts(folder, made), write_external_counts(folder, made)):
            name = "counts.tsv" if len(counts) == 120 else "far.tsv"
            turned = counts.T.iloc[rng.permutation(counts.shape[1]), rng.permutation(len(counts))]
            turned.to_csv(folder / name, sep="\t", index_label="gene")
        drafts.append(proposed(folder))
    one, other = drafts
    assert one.questions == other.questions == []
    assert (one.source, one.files, one.options) == (other.source, other.files, other.options)
    assert one.overlaps == other.overlaps


def test_answers_are_followed(tmp_path: Path, made: Simulation) -> None:
    write_network(tmp_path, made)
    write_counts(tmp_path, made)
    write_external_counts(tmp_path, made)
    turned = proposed(tmp_path, study="far.tsv")
    assert list(turned.files["external"].values()) == ["counts.tsv"]
    assert turned.files["counts"] == "far.tsv"
    assert "external" not in proposed(tmp_path, no_external=True).files
    named = proposed(tmp_path, external={"B": "far.tsv"})
    assert named.files["external"] == {"B": "far.tsv"}


def test_two_tables_on_a_log_scale(tmp_path: Path, made: Simulation) -> None:
    write_network(tmp_path, made)
    write_tables(tmp_path, made)
    draft = proposed(tmp_path)
    assert draft.questions == []
    assert draft.source == "tables"
    assert (draft.files["tf_table"], draft.files["gene_table"]) == ("tfs.csv", "genes.csv")
    assert draft.files["external"] == {"near": "near.csv"}


def test_the_original_studys_names(tmp_path: Path, made: Simulation) -> None:
    write_network(tmp_path, made)
    write_tables(tmp_path, made)
    for old, new in (("tfs.csv", "TF(full).tsv"), ("genes.csv", "Geneexpression (full).tsv")):
        table = pd.read_csv(tmp_path / old, index_col=0)
        table.to_csv(tmp_path / new, sep="\t")
        (tmp_path / old).unlink()
    (tmp_path / "network.tsv").rename(tmp_path / "network(full).tsv")
    table = pd.read_csv(tmp_path / "near.csv", index_col=0)
    table.to_csv(tmp_path / "Liver_bulk_external.tsv", sep="\t")
    (tmp_path / "near.csv").unlink()
    draft = proposed(tmp_path)
    assert (draft.source, draft.questions) == ("study", [])
    assert draft.files["tf_table"] == "TF(full).tsv"
    assert list(draft.files["external"].values()) == ["Liver_bulk_external.tsv"]


def test_one_table_on_a_log_scale_is_both(tmp_path: Path, made: Simulation) -> None:
    write_network(tmp_path, made)
    made.expression.T.to_csv(tmp_path / "all.tsv", sep="\t", index_label="gene")
    draft = proposed(tmp_path)
    assert draft.files["tf_table"] == draft.files["gene_table"] == "all.tsv"
    assert draft.options["genes_in"] == "rows"


def test_an_h5ad_with_cohorts(tmp_path: Path, made: Simulation) -> None:
    write_network(tmp_path, made)
    write_h5ad(tmp_path / "a.h5ad", made)
    draft = proposed(tmp_path)
    assert (draft.source, draft.questions) == ("h5ad", [])
    assert draft.options["study"] == "study"
    assert any("the largest cohort of a.h5ad" in note for note in draft.notes)
    assert proposed(tmp_path, cohort="near").options["study"] == "near"
    with pytest.raises(ValueError, match=r"--cohort x: a\.h5ad has the cohorts study, near"):
        proposed(tmp_path, cohort="x")


def test_symbols_in_an_h5ads_var(tmp_path: Path, made: Simulation) -> None:
    write_network(tmp_path, made)
    ids = ensembl_ids(made.expression.columns)
    var = pd.DataFrame({"kind": "gene", "gene_name": ids.index}, index=ids.to_numpy())
    write_h5ad(tmp_path / "a.h5ad", made, var=var)
    draft = proposed(tmp_path)
    assert (draft.questions, draft.options["symbols_in"]) == ([], "gene_name")
    assert draft.overlaps[0].n_tfs_measured == len(made.prior.tfs)


def test_archs4(tmp_path: Path, made: Simulation) -> None:
    write_network(tmp_path, made)
    write_archs4(tmp_path / "human.h5", made)
    draft = proposed(tmp_path)
    assert (draft.source, draft.questions) == ("archs4", [])
    assert draft.files == {"network": "network.tsv", "archs4": "human.h5"}


def test_counts_of_ncbi_and_their_annotation(tmp_path: Path, made: Simulation) -> None:
    write_network(tmp_path, made)
    counts = write_counts(tmp_path, made)
    ids = pd.Series(range(1, 1 + counts.shape[1]), index=counts.columns)
    counts.T.set_axis(ids).to_csv(tmp_path / "counts.tsv", sep="\t", index_label="GeneID")
    without = proposed(tmp_path)
    assert "NCBI's annotation (GeneID, Symbol)" in asked(without, "are Entrez ids, such as 1, 2")
    table = pd.DataFrame({"GeneID": ids, "Symbol": ids.index, "Length": 1000})
    table.to_csv(tmp_path / "annotation.tsv", sep="\t", index=False)
    draft = proposed(tmp_path)
    assert (draft.source, draft.questions) == ("geo", [])
    assert draft.files["annotation"] == "annotation.tsv"
    assert draft.overlaps[0].n_tfs_measured == len(made.prior.tfs)


def test_ensembl_ids_need_a_table_of_names(tmp_path: Path, made: Simulation) -> None:
    write_network(tmp_path, made)
    counts = write_counts(tmp_path, made)
    ids = ensembl_ids(counts.columns, version=".12")
    counts.T.set_axis(ids).to_csv(tmp_path / "counts.tsv", sep="\t", index_label="gene")
    question = "are Ensembl ids, such as ENSG00000000001.12, ENSG00000000002.12"
    assert "put a table with the columns gene_id and symbol" in asked(proposed(tmp_path), question)
    names = pd.DataFrame({"id": ensembl_ids(counts.columns), "name": counts.columns})
    names.to_csv(tmp_path / "map.csv", index=False)
    question = "identifiers in its column 'id' and symbols in 'name'"
    assert asked(proposed(tmp_path), question) == "call these columns gene_id and symbol"
    names.columns = ["gene_id", "symbol"]
    names.to_csv(tmp_path / "map.csv", index=False)
    draft = proposed(tmp_path)
    assert (draft.questions, draft.files["gene_map"]) == ([], "map.csv")
    assert draft.overlaps[0].n_tfs_measured == len(made.prior.tfs)
    names.to_csv(tmp_path / "map2.csv", index=False)
    assert asked(proposed(tmp_path), "There are 2 tables of gene names") == "--gene-map map.csv"
    assert proposed(tmp_path, gene_map="map2.csv").files["gene_map"] == "map2.csv"


def test_the_network_is_asked_for(tmp_path: Path, made: Simulation) -> None:
    write_counts(tmp_path, made)
    assert "columns TF, Gene and Interaction" in asked(proposed(tmp_path), "There is no network")
    write_network(tmp_path, made, "a.tsv")
    write_network(tmp_path, made, "b.tsv")
    draft = proposed(tmp_path)
    assert asked(draft, "There are 2 networks: a.tsv (") == "--network a.tsv"
    assert len(draft.overlaps) == 2, "each network's overlap helps to choose"
    assert proposed(tmp_path, network="b.tsv").files["network"] == "b.tsv"


def test_two_tables_of_one_size_are_asked_about(tmp_path: Path, made: Simulation) -> None:
    write_network(tmp_path, made)
    write_counts(tmp_path, made, "a.tsv")
    turned = made.counts.set_axis([f"GSM{9000 + at}" for at in range(120)])
    turned.T.to_csv(tmp_path / "b.tsv", sep="\t", index_label="gene")
    assert asked(proposed(tmp_path), "2 tables are equally large: a.tsv, b.tsv") == "--study a.tsv"


@pytest.mark.parametrize(
    ("change", "question", "answer"),
    [
        (lambda table: np.log2(table + 1), "scale", "0.30103|raw counts|--scale"),
        (lambda table: table - table.mean(), "is centred", "from before centring"),
        (lambda table: table * 1e6 / table.sum(), "is linear", "log10(x + 1) of CPM or TPM first"),
    ],
)
def test_a_scale_that_no_source_takes(
    tmp_path: Path, made: Simulation, change: object, question: str, answer: str
) -> None:
    write_network(tmp_path, made)
    counts = write_counts(tmp_path, made).T
    cpm = counts * 1e6 / counts.sum()
    change(cpm).to_csv(tmp_path / "counts.tsv", sep="\t", index_label="gene")  # type: ignore[operator]
    draft = proposed(tmp_path)
    assert not draft.source
    assert any(part in asked(draft, question) for part in answer.split("|"))


def test_a_scale_that_numbers_contradict_is_not_taken(tmp_path: Path, made: Simulation) -> None:
    write_network(tmp_path, made)
    write_counts(tmp_path, made)
    draft = proposed(tmp_path, scale="log10")
    assert asked(draft, "--scale log10 does not fit counts.tsv, whose scale is counts")
    assert not draft.source


def test_orientation_is_asked_for_and_said(tmp_path: Path, made: Simulation) -> None:
    counts = write_counts(tmp_path, made)
    plain = counts.set_axis([f"P{number}" for number in range(120)])
    plain.to_csv(tmp_path / "counts.tsv", sep="\t")
    draft = proposed(tmp_path)
    assert asked(draft, "Where are the genes of counts.tsv?").startswith("--genes-in rows or")
    write_network(tmp_path, made)
    assert proposed(tmp_path).options["genes_in"] == "columns"
    assert proposed(tmp_path, genes_in="columns").reasons["genes_in"] == "as --genes-in says"


def test_names_that_do_not_meet_are_shown_and_offered(tmp_path: Path, made: Simulation) -> None:
    write_network(tmp_path, made)
    counts = write_counts(tmp_path, made)
    counts.columns = [name.lower() for name in counts.columns]
    counts.T.to_csv(tmp_path / "counts.tsv", sep="\t", index_label="gene")
    draft = proposed(tmp_path)
    answer = asked(draft, f"counts.tsv measures 0 of {len(made.prior.tfs)} TFs")
    assert answer.startswith("use the same gene names in both, or --to-upper")
    text = next(item.text for item in draft.questions)
    first = made.prior.tfs[0]
    assert "may be meant: " in text
    assert re.search(rf"{first.lower()} as {first}|{counts.columns[0]} as ", text)
    draft = proposed(tmp_path, to_upper=True)
    assert (draft.questions, draft.options["rename"]) == ([], {"to_upper": True})


def test_genes_that_get_one_symbol_are_asked_about(tmp_path: Path, made: Simulation) -> None:
    write_network(tmp_path, made)
    counts = write_counts(tmp_path, made)
    ids = ensembl_ids(counts.columns)
    counts.T.set_axis(ids).to_csv(tmp_path / "counts.tsv", sep="\t", index_label="gene")
    symbols = [made.prior.tfs[0], *counts.columns[1:]]
    symbols[1] = symbols[0]
    table = pd.DataFrame({"gene_id": ids, "symbol": symbols})
    table.to_csv(tmp_path / "map.csv", index=False)
    draft = proposed(tmp_path)
    assert asked(draft, "get the same symbol").startswith("--duplicates sum")
    assert proposed(tmp_path, duplicates="sum").options["duplicates"] == "sum"


@pytest.mark.parametrize(
    ("name", "columns", "layout"),
    [
        ("a.csv", {"TF": "source", "Gene": "target", "Interaction": "weight"}, "decoupler"),
        ("a.tsv", {"TF": "tf", "Gene": "gene", "Interaction": "effect"}, "edge list"),
    ],
)
def test_networks_of_other_layouts(
    tmp_path: Path, made: Simulation, name: str, columns: dict[str, str], layout: str
) -> None:
    write_counts(tmp_path, made)
    edges = made.prior.edges.rename(columns=columns)
    edges.to_csv(tmp_path / name, sep="," if name.endswith("csv") else "\t", index=False)
    found = look(tmp_path)
    assert found.records[name].layout == layout
    assert found.networks[name].digest == made.prior.digest
    assert propose(found).files["network"] == name


@pytest.mark.parametrize("name", ["a.sif", "a.tsv"])
def test_a_network_without_a_header(tmp_path: Path, made: Simulation, name: str) -> None:
    write_counts(tmp_path, made)
    lines = [
        f"{edge.TF}\t{'activates' if edge.Interaction > 0 else 'inhibits'}\t{edge.Gene}"
        for edge in made.prior.edges.itertuples()
    ]
    (tmp_path / name).write_text("\n".join(lines) + "\n")
    found = look(tmp_path)
    assert (found.records[name].role, found.records[name].layout) == ("network", "sif")
    assert found.networks[name].digest == made.prior.digest


def test_a_network_without_signs_is_asked_about(tmp_path: Path, made: Simulation) -> None:
    write_counts(tmp_path, made)
    made.prior.edges[["TF", "Gene"]].to_csv(tmp_path / "net.tsv", sep="\t", index=False)
    question = "net.tsv is a network (an edge list) that cannot be read"
    assert "--unsigned lets edges have no sign" in asked(proposed(tmp_path), question)
    assert "--on-conflict" not in asked(proposed(tmp_path), question)
    draft = proposed(tmp_path, unsigned=True)
    assert draft.questions == []
    assert draft.options["network_options"] == {"unsigned": True}


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("A\tB\t1\nA\tB\t-1\n", "mend it; --on-conflict drop leaves out edges with both signs"),
        ("A\tB\t1\n\tB\t1\n", "mend it"),
    ],
)
def test_only_flags_that_help_a_refused_network_are_offered(
    tmp_path: Path, made: Simulation, text: str, answer: str
) -> None:
    write_counts(tmp_path, made)
    (tmp_path / "net.tsv").write_text(f"TF\tGene\tInteraction\n{text}")
    assert asked(proposed(tmp_path), "net.tsv is a network") == answer


def test_files_that_cannot_be_read_are_named(tmp_path: Path, made: Simulation) -> None:
    write_counts(tmp_path, made)
    (tmp_path / "network.tsv").write_text("TF\tGene\tInteraction\n")
    draft = proposed(tmp_path)
    question = "There is no network here; not readable: network.tsv: is empty"
    assert asked(draft, question).startswith("mend what is not readable, or put one into")
    assert not any("network.tsv" in note for note in draft.notes), "the question says it"
    write_network(tmp_path, made)
    (tmp_path / "series.tsv").write_text("sample\tseries\n")
    (tmp_path / "far.csv").write_text("gene;s1\nALB;1\n")
    draft = proposed(tmp_path)
    assert draft.questions == []
    said = [note for note in draft.notes if "is not readable, and so not used" in note]
    assert [note.split()[0] for note in said] == ["far.csv", "series.tsv"]
    assert "separated by semicolons" in said[0]


def test_samples_in_two_cohorts_keep_a_table_out(tmp_path: Path, made: Simulation) -> None:
    write_network(tmp_path, made)
    counts = write_counts(tmp_path, made)
    counts.iloc[:9].T.to_csv(tmp_path / "part.tsv", sep="\t", index_label="gene")
    draft = proposed(tmp_path)
    assert draft.unused["part.tsv"].startswith("shares 9 sample names with counts.tsv: GSM1000")
    named = proposed(tmp_path, external={"part": "part.tsv"})
    assert "--no-external" in asked(named, "cohort part does not fit: part.tsv shares 9 sample")


def test_a_table_of_another_kind_is_left_out_in_words(tmp_path: Path, made: Simulation) -> None:
    write_network(tmp_path, made)
    write_counts(tmp_path, made)
    other = made.counts.iloc[:9].rename(index=lambda name: f"other_{name}")
    other.columns = ensembl_ids(other.columns).to_list()
    other.T.rename(index="{}.1".format).to_csv(tmp_path / "other.tsv", sep="\t", index_label="gene")
    reason = proposed(tmp_path).unused["other.tsv"]
    assert reason == (
        "holds counts, Ensembl ids with versions in rows; the study counts, symbols in rows"
    )


def test_a_study_that_is_refused_is_not_among_the_files_left_out(
    tmp_path: Path, made: Simulation
) -> None:
    write_network(tmp_path, made)
    counts = write_counts(tmp_path, made)
    counts.iloc[3, 3] = -5
    counts.T.to_csv(tmp_path / "counts.tsv", sep="\t", index_label="gene")
    draft = proposed(tmp_path)
    assert "bring all samples" in asked(draft, "The scale of counts.tsv is mixed")
    assert draft.unused == {}


def test_while_the_study_is_asked_no_table_is_left_out(tmp_path: Path, made: Simulation) -> None:
    write_network(tmp_path, made)
    counts = write_counts(tmp_path, made)
    other = counts.rename(index="other_{}".format)
    other.T.to_csv(tmp_path / "other.tsv", sep="\t", index_label="gene")
    draft = proposed(tmp_path)
    assert asked(draft, "2 tables are equally large") == "--study counts.tsv"
    assert draft.unused == {}


def test_decimal_commas_are_named_where_no_table_is_left(tmp_path: Path, made: Simulation) -> None:
    write_network(tmp_path, made)
    values = (made.counts + 0.5).T
    values.to_csv(tmp_path / "values.tsv", sep="\t", index_label="gene", decimal=",")
    question = "no table of expression here; not readable: values.tsv: commas in its numbers"
    assert asked(proposed(tmp_path), question).startswith("mend what is not readable, or put")


def test_series_that_lack_samples_or_are_twice_there(tmp_path: Path, made: Simulation) -> None:
    write_network(tmp_path, made)
    counts = write_counts(tmp_path, made)
    write_series(tmp_path, counts.index[:100])
    assert asked(proposed(tmp_path), "names the series of 100 of the 120 samples")
    (tmp_path / "more.csv").write_text("sample,series\nGSM1000,a\n")
    assert asked(proposed(tmp_path), "the samples' series. Which holds?") == "--series more.csv"


def test_gene_lengths_are_used_for_tpm_only(tmp_path: Path, made: Simulation) -> None:
    write_network(tmp_path, made)
    counts = write_counts(tmp_path, made)
    assert asked(proposed(tmp_path, unit="tpm"), "TPM needs one table of gene lengths")
    lengths = pd.DataFrame({"gene_name": counts.columns, "length_bp": 1000})
    lengths.to_csv(tmp_path / "lengths.tsv", sep="\t", index=False)
    draft = proposed(tmp_path)
    assert "gene_lengths" not in draft.files
    assert "lengths.tsv would allow TPM instead of CPM: --unit tpm." in draft.notes
    assert proposed(tmp_path, unit="tpm").files["gene_lengths"] == "lengths.tsv"


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"study": "x.tsv"}, "--study x.tsv: no such file in .*; files there: counts.tsv"),
        ({"study": "network.tsv"}, "--study network.tsv: expected a file of the kind expression"),
        ({"external": {"B": "no.tsv"}}, "--external no.tsv: no such file"),
        ({"genes_in": "left"}, "genes_in is 'left'; expected one of rows, columns"),
        ({"external": {"B": "b"}, "no_external": True}, "exclude each other"),
    ],
)
def test_answers_that_mean_nothing(
    tmp_path: Path, made: Simulation, said: dict[str, object], message: str
) -> None:
    write_network(tmp_path, made)
    write_counts(tmp_path, made)
    with pytest.raises(ValueError, match=message):
        proposed(tmp_path, **said)


def test_folders_that_cannot_be_looked_at(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        look(tmp_path / "none")
    (tmp_path / "none").touch()
    with pytest.raises(NotADirectoryError, match=r"none is a file; name the folder it is in, such"):
        look(tmp_path / "none")
    (tmp_path / "none").unlink()
    with pytest.raises(ValueError, match="holds no files"):
        look(tmp_path)
    for number in range(201):
        (tmp_path / f"{number}.md").touch()
    with pytest.raises(ValueError, match="holds 201 files, more than 200"):
        look(tmp_path)


@pytest.mark.liver
@pytest.mark.skipif(not LIVER.is_dir(), reason="needs the liver data")
def test_the_liver_folder_gives_the_liver_profile() -> None:
    draft = proposed(LIVER, network="network.tsv.gz")
    assert draft.questions == []
    assert draft.files == {
        "network": "network.tsv.gz",
        "counts": "raw/counts_GSE135251.tsv.gz",
        "external": {"GSE130970": "raw/counts_GSE130970.tsv.gz"},
    }
    assert draft.options["study"] == "GSE135251"


def test_external_cohorts_are_named_or_there_are_none() -> None:
    with pytest.raises(ValueError, match="--external and --no-external exclude each other; give o"):
        Answers(external={"far": "far.tsv"}, no_external=True)
