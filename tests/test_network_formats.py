"""Networks from anywhere: every layout as its source writes it, and what is refused."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lembas.name_overlap import name_overlap, overlap_words
from lembas.network import Network
from lembas.network_formats import NetworkOptions, NetworkReading, read_network
from lembas.network_layouts import LAYOUTS
from tests.small_study import network_of

# As the original study's table has it.
STUDY = "TF\tGene\tInteraction\nHNF4A\tALB\t1\nHNF1A\tALB\t1\nNFKB1\tALB\t-1\n"
# As decoupler's Python package writes CollecTRI with DataFrame.to_csv: an unnamed index first.
COLLECTRI = (
    ",source,target,weight,resources,references,sign_decision\n"
    "0,HNF4A,ALB,1.0,ExTRI;TRRUST,1;2,PMID\n"
    "1,HNF1A,ALB,1.0,ExTRI,3,default activation\n"
    "2,NFKB1,ALB,-1.0,SIGNOR,4,regulon\n"
)
# As R's write.csv writes decoupleR's CollecTRI.
DECOUPLER_R = '"","source","target","mor"\n"1","HNF4A","ALB",1\n"2","NFKB1","ALB",-1\n'
# As R's write.table writes it: row numbers below no name.
WRITE_TABLE = "source\ttarget\tmor\n1\tHNF4A\tALB\t1\n2\tNFKB1\tALB\t-1\n"
# As OmniPath's web service exports interactions, with UniProt names beside symbols.
OMNIPATH = (
    "source\ttarget\tsource_genesymbol\ttarget_genesymbol\tis_directed\tis_stimulation\t"
    "is_inhibition\tconsensus_direction\tconsensus_stimulation\tconsensus_inhibition\n"
    "P41235\tP02768\tHNF4A\tALB\t1\t1\t0\t1\t1\t0\n"
    "P20823\tP02768\tHNF1A\tALB\t1\t1\t1\t1\t1\t0\n"
    "P19838\tP02768\tNFKB1\tALB\t1\t0\t1\t1\t0\t1\n"
)
# As the R package dorothea has it.
DOROTHEA = "tf,confidence,target,mor\nHNF4A,A,ALB,1\nHNF1A,C,ALB,1\nNFKB1,D,ALB,-1\nFOXA2,E,ALB,1\n"
# As decoupler weights DoRothEA by its confidence.
DOROTHEA_PY = "source,confidence,target,weight\nHNF4A,A,ALB,1.0\nNFKB1,C,ALB,-0.333\n"
SIF = "HNF4A activates ALB APOA1\nHNF1A -> ALB\nNFKB1 -1 ALB\n"
SIF_TABS = "HNF4A\t1\tALB\nNFKB1\tinhibits\tALB\nLONELY\n"
LIST = "Regulator;Gene;Effect;Score\nHNF4A;ALB;Activation;0.9\nNFKB1;ALB;repression;0.4\n"
UNSIGNED = "tf\ttarget\nHNF4A\tALB\nNFKB1\tALB\n"

THREE = [("HNF1A", "ALB", 1), ("HNF4A", "ALB", 1), ("NFKB1", "ALB", -1)]
TWO = [THREE[1], THREE[2]]


def read(folder: Path, text: str, name: str = "network.tsv", **options: object) -> NetworkReading:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return read_network(path, NetworkOptions.of(options))


def rows(reading: NetworkReading) -> list[tuple]:
    return list(reading.network.edges.itertuples(index=False, name=None))


# What is recognised


@pytest.mark.parametrize(
    ("text", "layout", "expected"),
    [
        (STUDY, "study", THREE),
        (COLLECTRI, "decoupler", THREE),
        (DECOUPLER_R, "decoupler", TWO),
        (WRITE_TABLE, "decoupler", TWO),
        (OMNIPATH, "omnipath", THREE),
        (DOROTHEA, "dorothea", [("FOXA2", "ALB", 1), *THREE]),
        (DOROTHEA_PY, "dorothea", TWO),
        (SIF, "sif", [*THREE, ("HNF4A", "APOA1", 1)]),
        (SIF_TABS, "sif", TWO),
        (LIST, "edge list", TWO),
    ],
)
@pytest.mark.parametrize("name", ["n.tsv", "n.csv", "n.txt"])
def test_every_layout_is_recognised_whatever_the_suffix(tmp_path, text, layout, expected, name):
    found = read(tmp_path, text, name)
    assert found.recognised.layout == layout
    assert rows(found) == sorted(expected, key=lambda edge: (edge[1], edge[0]))
    plain = Network.from_edges(pd.DataFrame(expected, columns=["TF", "Gene", "Interaction"]))
    assert found.network.digest == plain.digest
    assert f"{name} was read as" in found.sentence()


def test_the_studys_layout_gives_what_the_studys_reader_gives(tmp_path):
    path = tmp_path / "n.tsv.gz"
    path.write_bytes(gzip.compress((STUDY.replace("\n", "\tCollecTRI\n", 1)).encode()))
    text = STUDY.replace("\n", "\tX\n").replace("Interaction\tX", "Interaction\tSource")
    path.write_bytes(gzip.compress(text.encode()))
    found = read_network(path)
    assert found.network.digest == Network.read(path).digest
    assert dict(found.recognised.columns) == {"tf": "TF", "gene": "Gene", "sign": "Interaction"}


@pytest.mark.parametrize("text", [STUDY, COLLECTRI, OMNIPATH, DOROTHEA])
def test_the_case_of_column_names_does_not_count(tmp_path, text):
    header, body = text.split("\n", 1)
    found = read(tmp_path, f"{header.upper()}\n{body}")
    assert rows(found) == rows(read(tmp_path, text))


@pytest.mark.parametrize("text", [STUDY, COLLECTRI, SIF])
def test_gzip_is_recognised_by_content(tmp_path, text):
    path = tmp_path / "network.tsv"
    path.write_bytes(gzip.compress(text.encode()))
    assert rows(read_network(path)) == rows(read(tmp_path, text, "plain.tsv"))


def test_a_byte_order_mark_and_windows_line_ends_are_no_part_of_names(tmp_path):
    path = tmp_path / "network.csv"
    path.write_bytes(("\ufeff" + STUDY.replace("\t", ",").replace("\n", "\r\n")).encode())
    assert rows(read_network(path)) == THREE


def test_a_gene_may_be_called_na(tmp_path):
    found = read(tmp_path, "source\ttarget\tweight\nNA\tnan\t1\n")
    assert rows(found) == [("NA", "nan", 1)]


def test_columns_may_be_named(tmp_path):
    text = "who\twhom\thow\thow_sure\nHNF4A\tALB\tactivates\t3\nNFKB1\tALB\tinhibits\t1\n"
    named = {"tf": "Who", "gene": "whom", "sign": "how", "confidence": "how_sure"}
    found = read(tmp_path, text, columns=named, min_confidence=2)
    assert rows(found) == [THREE[1]]
    assert "TF: who, gene: whom, sign: how, confidence: how_sure" in found.sentence()
    # One named column settles which of two is meant.
    text = "tf\ttarget\tmor\tweight\tconfidence\nHNF4A\tALB\t1\t-2\tA\n"
    assert rows(read(tmp_path, text, columns={"sign": "mor"})) == [THREE[1]]


# What is refused


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("a\tb\tc\nx\ty\tz\n", {}, r"fits no layout .* first line is a, b, c; known layouts: "),
        ("HNF4A\tALB\t1\n", {}, r"fits no layout of a network: its first line is HNF4A, ALB, 1;"),
        ("TF\tGene\tInteraction\tsource\ttarget\tweight\nA\tB\t1\tA\tB\t1\n", {},
         r"fits several layouts of a network: study \(tf, gene, interaction\), decoupler"),
        ("tf\tsource\ttarget\nA\tB\tC\n", {}, "2 columns that may hold the TF: tf, source; name"),
        ("tf\tTF\tgene\nA\tB\tC\n", {}, "two columns called alike: tf and TF"),
        (STUDY, {"layout": "dorothea"}, r"is no dorothea .* no column of gene, sign, confidence"),
        (STUDY, {"columns": {"tf": "x", "gene": "Gene"}}, "no column 'x' for the TF; found TF"),
        ("TF\tGene\tInteraction\n", {}, "holds no edges"),
        ("", {}, "is empty; expected one row"),
        (STUDY + "\tX\t1\n", {}, r"1 incomplete edge\(s\), in row\(s\) 4 below"),
        (STUDY + "A\tY\t2\n", {}, r"1 edge\(s\) whose Interaction is no sign: '2'; write 1"),
        (STUDY + "A\tY\t0\n", {}, "1 edge(s) lack a known sign, such as A->Y; say unsigned: true"),
        (STUDY + "A\tY\t\n", {}, "1 edge(s) lack a known sign, such as A->Y; say unsigned: true"),
        (UNSIGNED, {}, "no edge has a known sign, such as HNF4A->ALB, NFKB1->ALB; say unsigned"),
        (STUDY + "HNF4A\tALB\t-1\n", {}, "lists 1 edge(s) with both signs: HNF4A->ALB; keep one"),
        ("source\ttarget\tweight\nA\tB\tmany\n", {}, "weight is no sign: 'many'; expected"),
        ("A\tbinds\tB\n", {"layout": "sif"}, "whose sign is no sign: 'binds'"),
        ("A activates B\nA activates\n", {}, r"fits no layout"),
        ("A activates B\nA activates\n", {"layout": "sif"}, r"has two fields, on line\(s\) 2"),
        ("A\nB\n", {"layout": "sif"}, "holds no edges; expected lines such as"),
        (DOROTHEA, {"min_confidence": 0.5}, "min_confidence is 0.5, but column confidence holds l"),
        (LIST, {"min_confidence": "C"}, "min_confidence is 'C', but column Score holds numbers"),
        (LIST, {"min_confidence": 2}, "2; Score holds .*; lower the threshold"),
        (STUDY, {"min_confidence": 2}, "the file has no column of confidence"),
        (LIST + "A;B;up;\n", {"min_confidence": 0}, r"1 edge\(s\) have no Score, in row\(s\) 3 b"),
        (LIST + "A;B;up;high\n", {"min_confidence": 0}, "holds high; expected numbers, or letters"),
        (OMNIPATH.replace("ALB\t1\t1\t0", "ALB\t1\tyes\t0"), {}, "expected 1 or 0, or True or Fa"),
        ("source\ttarget\tweight\nx\ty\tA\tB\t1\n", {}, "rows have more fields than the header"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(tmp_path, text, options, message):
    plain = message.replace("(s)", r"\(s\)") if r"\(" not in message else message
    with pytest.raises(ValueError, match=plain):
        read(tmp_path, text, **options)


def test_a_damaged_file_is_refused(tmp_path):
    path = tmp_path / "network.tsv.gz"
    body = "".join(f"TF{i}\tG{i * 7919 % 1000}\t1\n" for i in range(1000))
    path.write_bytes(gzip.compress(("TF\tGene\tInteraction\n" + body).encode())[:-200])
    with pytest.raises(ValueError, match=r"damaged or cut short; copy it again"):
        read_network(path)
    path.write_bytes(b"PK\x03\x04 and so on")
    with pytest.raises(ValueError, match="is an Excel, zip or Parquet file; export it as TSV"):
        read_network(path)
    path.write_bytes("TF\tGène\n".encode("latin-1"))
    with pytest.raises(ValueError, match="no UTF-8 text"):
        read_network(path)
    with pytest.raises(FileNotFoundError, match=r"network file not found: .*absent\.tsv"):
        read_network(tmp_path / "absent.tsv")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"layout": "xml"}, "network_options: layout is 'xml'; expected one of study, omnipath"),
        ({"on_conflict": "merge"}, "on_conflict is 'merge'; expected one of refuse, drop"),
        ({"min_confidence": "F"}, "min_confidence is 'F'; expected a number, or a letter from A"),
        ({"min_confidence": True}, "min_confidence is True"),
        ({"unsigned": "yes"}, "unsigned is 'yes'; expected true or false"),
        ({"columns": {"target": "x"}}, "expected a mapping of tf, gene, sign, confidence"),
        ({"layout": ["sif"]}, r"layout is \['sif'\]; expected one of study"),
        ({"on_conflict": ["drop"]}, r"on_conflict is \['drop'\]; expected one of refuse"),
        ({"columns": {"tf": None}}, "columns: tf name no column .found None.; write the name"),
        ({"columns": {"tf": "TF", "gene": "tf "}}, "columns: tf and gene are both 'TF'; name one"),
        ({"threshold": 3}, r"unknown option\(s\) threshold; expected layout, columns"),
        ("dorothea", "network_options is 'dorothea'; expected a mapping of layout"),
    ],
)
def test_options_without_meaning_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        NetworkOptions.of(given)


# Confidence, sizes, repeated and conflicting edges


def test_letters_and_numbers_are_thresholds(tmp_path):
    kept = {
        letter: len(read(tmp_path, DOROTHEA, min_confidence=letter).network)
        for letter in ("A", "b", "C", "D", "E")
    }
    assert kept == {"A": 1, "b": 1, "C": 2, "D": 3, "E": 4}
    found = read(tmp_path, DOROTHEA, min_confidence="C")
    assert found.n_below == 2
    assert "2 rows with confidence below C left out." in found.sentence()
    assert "all edges are kept" in read(tmp_path, DOROTHEA).sentence()
    assert rows(read(tmp_path, LIST, min_confidence=0.4)) == TWO
    assert rows(read(tmp_path, LIST, min_confidence=0.41)) == [THREE[1]]
    levels = OMNIPATH.replace("consensus_inhibition\n", "consensus_inhibition\tdorothea_level\n")
    for line, level in (("1\t0\t1\t1\t0\n", "A;D"), ("1\t1\t1\t1\t0\n", "B"), ("0\t1\n", "D")):
        levels = levels.replace(line, f"{line[:-1]}\t{level}\n")
    assert rows(read(tmp_path, levels, min_confidence="A")) == [THREE[1]]


def test_of_real_weights_the_sign_is_used(tmp_path):
    found = read(tmp_path, "source,target,weight\nA,B,0.25\nC,B,-1e-3\n")
    assert rows(found) == [("A", "B", 1), ("C", "B", -1)]
    assert found.has_sizes
    assert "Of the weights the sign is used, the size is not." in found.sentence()
    assert "size" not in read(tmp_path, COLLECTRI).sentence()
    assert dict(found.table().to_numpy())["sizes of weights left out"] == "yes"


def test_repeated_edges_that_agree_become_one(tmp_path):
    found = read(tmp_path, STUDY + "HNF4A\tALB\t1\nHNF4A\tALB\t1\n")
    assert rows(found) == THREE
    assert (found.n_rows, found.n_repeated, found.n_conflicting) == (5, 1, 0)
    assert "1 edge listed more than once, with signs that agree, became one" in found.sentence()
    # A row without a sign agrees with one that has it.
    assert rows(read(tmp_path, STUDY + "HNF4A\tALB\t\n", unsigned=True)) == THREE


@pytest.mark.parametrize(
    ("policy", "expected", "said"),
    [
        ("drop", THREE[:1] + THREE[2:], "both signs: left out (on_conflict: drop)"),
        ("unsigned", [THREE[0], ("HNF4A", "ALB", 0), THREE[2]], "both signs: kept, their sign unk"),
    ],
)
def test_conflicting_edges_follow_the_policy(tmp_path, policy, expected, said):
    text = STUDY + "HNF4A\tALB\t-1\n"
    found = read(tmp_path, text, on_conflict=policy)
    assert rows(found) == expected
    assert found.n_conflicting == 1
    assert said in found.sentence()
    with pytest.raises(ValueError, match="the only edge has both signs, and on_conflict: drop"):
        read(tmp_path, "tf,gene,interaction\nA,B,1\nA,B,-1\n", on_conflict="drop")


def test_where_omnipath_says_both_the_consensus_decides_or_nothing(tmp_path):
    # HNF1A above is both, and by consensus a stimulation.
    undecided = OMNIPATH.replace("HNF1A\tALB\t1\t1\t1\t1\t1\t0", "HNF1A\tALB\t1\t1\t1\t1\t0\t0")
    with pytest.raises(ValueError, match=r"1 edge\(s\) with both signs: HNF1A->ALB"):
        read(tmp_path, undecided)
    found = read(tmp_path, undecided, on_conflict="unsigned")
    assert rows(found) == [("HNF1A", "ALB", 0), *THREE[1:]]
    assert found.n_rows == 3
    neither = OMNIPATH.replace("HNF4A\tALB\t1\t1\t0", "HNF4A\tALB\t1\t0\t0")
    with pytest.raises(ValueError, match="lack a known sign, such as HNF4A->ALB"):
        read(tmp_path, neither)
    as_words = OMNIPATH.replace("\t1", "\tTrue").replace("\t0", "\tFALSE")
    assert rows(read(tmp_path, as_words)) == THREE


# Unknown signs


def test_unsigned_tables_are_read_when_asked(tmp_path):
    found = read(tmp_path, UNSIGNED, unsigned=True)
    assert rows(found) == [("HNF4A", "ALB", 0), ("NFKB1", "ALB", 0)]
    assert "The sign of 2 edges (100%) is unknown: no model constrains" in found.sentence()
    text = "source,target,weight\nA,B,1\nC,B,\nD,B,NA\nE,B,0\nF,B,-2\n"
    mixed = read(tmp_path, text, unsigned=True)
    assert [sign for *_, sign in rows(mixed)] == [1, 0, 0, 0, -1]
    assert dict(mixed.table().to_numpy())["edges of unknown sign"] == "3"


def test_relabelling_changes_names_only(tmp_path):
    rng = np.random.default_rng(0)
    text = "".join(f"T{i}\tG{j}\t{rng.choice([-1, 1])}\n" for i in range(5) for j in range(9))
    found = read(tmp_path, "source\ttarget\tweight\n" + text)
    other = read(tmp_path, "source\ttarget\tweight\n" + text.replace("T", "t").replace("G", "g"))
    renamed = found.network.edges.assign(
        TF=found.network.edges["TF"].str.lower(), Gene=found.network.edges["Gene"].str.lower()
    )
    pd.testing.assert_frame_equal(other.network.edges, renamed)


# Names that do not match


def test_the_overlap_of_names_is_counted():
    network = network_of([("HNF4A", "ALB", 1), ("HNF1A", "AFP", 1)])
    table = name_overlap(network, pd.Index(["ALB", "hnf4a", "X"])).set_index("names")
    assert table["n"].tolist() == [2, 2, 3]
    assert table["n_shared"].tolist() == [0, 1, 1]
    assert table["alone"].tolist() == ["HNF1A, HNF4A", "AFP", "hnf4a, X"]
    said = overlap_words(network, pd.Index(["ALB", "hnf4a", "X"]))
    assert "0 of 2 TFs of the network are measured (not: HNF1A, HNF4A)" in said
    assert "1 of 3 genes measured are in the network (not: hnf4a, X)" in said
    assert said.endswith("may be meant: 'hnf4a' as HNF4A")
    blank = overlap_words(network, pd.Index([" ALB", "HNF1A"]))
    assert blank.endswith("may be meant: ' ALB' as ALB"), "a blank is seen between quotation marks"
    assert "may be meant" not in overlap_words(network, network.nodes)


def test_the_page_names_every_layout():
    page = Path(__file__).resolve().parents[1] / "book" / "own_network.md"
    text = page.read_text(encoding="utf-8")
    assert [name for name in LAYOUTS if f"`{name}`" not in text] == []


@pytest.mark.liver
def test_the_liver_networks_are_read_as_before(liver):
    for name in ("network.tsv.gz", "network_highconf.tsv.gz"):
        found = read_network(liver / name)
        assert found.network.digest == Network.read(liver / name).digest
        assert (found.recognised.layout, found.n_repeated) == ("study", 0)


def test_the_example_on_the_page_runs(tmp_path, monkeypatch, capsys):
    page = Path(__file__).resolve().parents[1] / "book" / "own_network.md"
    code, shown = page.read_text(encoding="utf-8").split("```python\n")[1].split("```text\n")[:2]
    monkeypatch.chdir(tmp_path)
    exec(code.split("```")[0], {})
    assert capsys.readouterr().out == shown.split("```")[0]
