"""Tests of reading, checking and restricting a network."""

from __future__ import annotations

import copy
import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io

from lembas.network import COLUMNS, Network

TEXT = "TF\tGene\tInteraction\nB\tX\t-1\nA\tX\t1\nA\tA\t1\n"
ORDERED = [("A", "A", 1), ("A", "X", 1), ("B", "X", -1)]  # by (Gene, TF)


def edges_of(*rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(COLUMNS))


def write(folder: Path, text: str, name: str = "network.tsv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def as_rows(network: Network) -> list[tuple]:
    return list(network.edges.itertuples(index=False, name=None))


def random_edges(seed: int, n_tfs: int = 12, n_genes: int = 30, n_edges: int = 90) -> pd.DataFrame:
    """Draw unique signed edges among TFs and genes, some TFs being regulated themselves."""
    rng = np.random.default_rng(seed)
    tfs = [f"TF{number}" for number in range(n_tfs)]
    pairs = [(tf, gene) for tf in tfs for gene in [*tfs, *(f"G{i}" for i in range(n_genes))]]
    chosen = rng.permutation(len(pairs))[:n_edges]
    return edges_of(*((*pairs[at], int(rng.choice([-1, 1]))) for at in chosen))


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_the_rows_changes_nothing(seed):
    edges = random_edges(seed)
    one, other = Network.from_edges(edges), Network.from_edges(edges.sample(frac=1, random_state=1))
    pd.testing.assert_frame_equal(one.edges, other.edges)
    assert one.digest == other.digest


def test_the_digest_sees_every_sign_and_every_edge():
    digests = {
        Network.from_edges(edges_of(*rows)).digest
        for rows in (ORDERED, ORDERED[:2], [*ORDERED[:2], ("B", "X", 1)], [("A", "AX", 1)])
    }
    assert len(digests) == 4


def test_relabelling_renames_and_changes_nothing_else():
    edges = random_edges(0)
    plain = Network.from_edges(edges)
    renamed = Network.from_edges(edges.assign(TF="n_" + edges["TF"], Gene="n_" + edges["Gene"]))
    assert renamed.nodes.tolist() == ["n_" + node for node in plain.nodes]
    for degree in ("in_degree", "out_degree"):
        expected = getattr(plain, degree).rename(index="n_{}".format)
        pd.testing.assert_series_equal(getattr(renamed, degree), expected)
    for ours, theirs in zip(
        plain.positions(plain.tfs, plain.genes),
        renamed.positions(renamed.tfs, renamed.genes),
        strict=True,
    ):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    "again",
    [
        copy.deepcopy,
        lambda n: skops.io.loads(skops.io.dumps(n), trusted=["lembas.network.Network"]),
    ],
    ids=["deepcopy", "skops"],
)
def test_copying_and_saving_change_nothing(again):
    network = Network.from_edges(random_edges(2))
    copied = again(network)
    pd.testing.assert_frame_equal(copied.edges, network.edges)
    assert copied.digest == network.digest


@pytest.mark.parametrize("name", ["n.tsv", "n.csv", "n.csv.gz", "n.tsv.gz", "n.txt"])
def test_reads_text_and_gzipped_text(tmp_path, name):
    data = (TEXT.replace("\t", ",") if ".csv" in name else TEXT).encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    network = Network.read(tmp_path / name)
    assert as_rows(network) == ORDERED
    assert network.edges["Interaction"].dtype == np.int8


def test_further_columns_are_ignored(tmp_path):
    text = "source\tTF\tGene\tInteraction\nx\tA\tB\t1\n\tB\tA\t-1\n"
    assert as_rows(Network.read(write(tmp_path, text))) == [("B", "A", -1), ("A", "B", 1)]


def test_a_gene_may_be_called_na(tmp_path):
    path = write(tmp_path, "TF\tGene\tInteraction\nNA\tnan\t1\nnull\tNA\t-1\n")
    assert as_rows(Network.read(path)) == [("null", "NA", -1), ("NA", "nan", 1)]


def test_names_degrees_and_regulators_by_hand(small_network):
    assert small_network.tfs.tolist() == ["TF1", "TF2", "TF3"]
    assert small_network.genes.tolist() == ["G1", "G2", "G3", "G4", "TF", "TF1", "TF2"]
    assert small_network.nodes.tolist() == ["G1", "G2", "G3", "G4", "TF", "TF1", "TF2", "TF3"]
    assert small_network.in_degree.to_dict() == dict(
        zip(small_network.genes, [1, 2, 1, 1, 1, 1, 1], strict=True)
    )
    assert small_network.out_degree.to_dict() == {"TF1": 2, "TF2": 2, "TF3": 4}
    assert small_network.regulators("G2").tolist() == ["TF1", "TF2"]
    assert small_network.regulators("G2").name == "tf"
    assert small_network.regulators("nobody").empty
    assert len(small_network) == 8


def test_self_loops_are_kept_and_reported(small_network):
    assert small_network.self_loops.to_dict("records") == [
        {"TF": "TF2", "Gene": "TF2", "Interaction": 1}
    ]
    assert small_network.regulators("TF2").tolist() == ["TF2"]


@pytest.mark.parametrize("seed", range(3))
def test_positions_rebuild_the_matrix_of_signs(seed):
    edges = random_edges(seed)
    network = Network.from_edges(edges)
    rng = np.random.default_rng(seed)
    # Some names are unknown to the network, some of the network's are left out.
    tfs = pd.Index([*rng.permutation(network.tfs)[:8], "unknown"])
    genes = pd.Index(["nobody", *rng.permutation(network.genes)[:20]])
    row, column, sign = network.positions(tfs, genes)
    found = np.zeros((len(genes), len(tfs)))
    found[row, column] = sign
    signs = {(tf, gene): sign for tf, gene, sign in edges.itertuples(index=False)}
    expected = [[signs.get((tf, gene), 0) for tf in tfs] for gene in genes]
    np.testing.assert_array_equal(found, expected)


def test_positions_count_from_the_first_gene_and_the_first_tf():
    row, column, sign = Network.from_edges(edges_of(*ORDERED)).positions(
        pd.Index(["A", "B"]), pd.Index(["X"])
    )
    assert (row.tolist(), column.tolist(), sign.tolist()) == ([0, 0], [0, 1], [1, -1])


def test_restrict_keeps_edges_from_tfs_to_genes_and_among_tfs(small_network):
    restricted = small_network.restrict(["TF1", "TF3"], iter(["G2"]))
    # TF2->G2 goes with TF2; TF3->TF1 stays, being among the TFs; G1, G3, G4 and TF are no targets.
    assert as_rows(restricted) == [("TF1", "G2", -1), ("TF3", "TF1", 1)]


def test_restrict_with_everything_is_the_same_network(small_network):
    same = small_network.restrict(small_network.tfs, small_network.genes)
    assert same.digest == small_network.digest


def test_restrict_names_five_of_each(small_network):
    network = Network.from_edges(edges_of(*((f"TF{i}", f"G{i}", 1) for i in range(7))))
    message = (
        r"the 6 TFs \(such as a, b, c, d, e\) to the 6 nodes; its TFs are such as TF0, TF1, TF2, "
        "TF3, TF4, its genes G0, G1, G2, G3, G4; check that network and expression use the same "
        "gene names$"
    )
    with pytest.raises(ValueError, match=message):
        network.restrict(list("abcdef"), [])


def test_restrict_with_nothing_left_is_refused(small_network):
    with pytest.raises(ValueError, match=r"no edge of the network joins the 1 TFs \(such as tf1\)"):
        small_network.restrict(["tf1"], ["G1"])
    with pytest.raises(ValueError, match="same gene names"):
        small_network.restrict([], [])


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"network file not found: .*absent\.tsv; check"):
        Network.read(tmp_path / "absent.tsv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"network\.tsv cannot be read as a table \(No columns"),
        ("TF\tGene\tInteraction\n", "holds no edges; expected one row"),
        ("TF\tTarget\nA\tX\n", r"lacks the column\(s\) Gene, Interaction; found TF, Target"),
        ("TF,Gene,Interaction\nA,X,1\n", r"lacks the column\(s\) TF, Gene, Interaction"),
        (
            TEXT + "\tX\t1\n",
            r"holds 1 incomplete edge\(s\), in row\(s\) 4 below .*; fill or remove",
        ),
        (TEXT + "A\tY\t\n", r"1 incomplete edge\(s\), in row\(s\) 4 below"),
        (TEXT + "A\tY\t0\n", r"1 edge\(s\) have an Interaction other than 1 or -1: '0'; write 1"),
        (TEXT + "A\tY\tup\nB\tY\t2\n", r"2 edge\(s\) have an Interaction .*: 'up', '2'; write"),
        (TEXT + "A\tX\t-1\n", r"lists 1 edge\(s\) with both signs: A->X; keep one row"),
        (TEXT + "A\tX\t1\n", r"lists 1 edge\(s\) with the same sign twice: A->X; keep one row"),
        ("TF\tGene\tInteraction\nA\tX\t1\t5\t6\n\nA", "incomplete edge"),
    ],
)
def test_broken_files_are_refused(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        Network.read(write(tmp_path, text))


def test_only_the_first_five_offenders_are_shown(tmp_path):
    rows = "".join(f"A\tG{i}\t{i}\n" for i in range(2, 9))
    with pytest.raises(ValueError, match=r"7 edge\(s\) .*: '2', '3', '4', '5', '6'; write"):
        Network.read(write(tmp_path, "TF\tGene\tInteraction\n" + rows))


def test_the_file_and_the_first_five_rows_at_fault_are_named(tmp_path):
    rows = "".join(f"\tG{i}\t1\n" for i in range(7))
    message = (
        r"network\.tsv holds 7 incomplete edge\(s\), in row\(s\) 1, 2, 3, 4, 5 below the header, "
        "empty lines not counted; fill or remove them$"
    )
    with pytest.raises(ValueError, match=message):
        Network.read(write(tmp_path, "TF\tGene\tInteraction\n" + rows))
    for text in (TEXT + "A\tX\t-1\n", TEXT + "A\tY\tup\n"):
        with pytest.raises(ValueError, match=r"^/.*network\.tsv"):
            Network.read(write(tmp_path, text))
    with pytest.raises(ValueError, match=r"^edges holds no edges"):
        Network.from_edges(edges_of())
    with pytest.raises(ValueError, match=r"found a; expected TF, Gene, Interaction$"):
        Network.from_edges(pd.DataFrame({"a": [1]}))


UNKNOWN_SIGNS = [("A", "X", 0), ("B", "X", -1), ("A", "Y", 0)]


def test_unknown_signs_are_read_when_asked(tmp_path):
    for sign in ("0", ""):
        path = write(tmp_path, f"TF\tGene\tInteraction\nA\tX\t{sign}\nB\tX\t-1\nA\tY\t{sign}\n")
        network = Network.read(path, unsigned=True)
        assert as_rows(network) == UNKNOWN_SIGNS
        assert network.has_signs
        assert as_rows(Network(network.unsigned)) == [UNKNOWN_SIGNS[0], UNKNOWN_SIGNS[2]]
    bare = Network.read(write(tmp_path, "TF\tGene\nA\tX\n"), unsigned=True)
    assert as_rows(bare) == [("A", "X", 0)]
    assert not bare.has_signs


def test_signs_of_0_are_offered_where_all_that_is_wrong_is_0():
    offer = "; where 0 means that the sign is unknown, say unsigned: true$"
    with pytest.raises(ValueError, match=f"^edges: 2 edge.*for inhibition{offer}"):
        Network.from_edges(edges_of(*UNKNOWN_SIGNS))
    with pytest.raises(ValueError, match=r"for inhibition$"):
        Network.from_edges(edges_of(*UNKNOWN_SIGNS, ("B", "Y", 2)))
    with pytest.raises(ValueError, match=r"'?2'?; .*for inhibition \(0: sign unknown\)$"):
        Network.from_edges(edges_of(*UNKNOWN_SIGNS, ("B", "Y", 2)), unsigned=True)
    twice = edges_of(*UNKNOWN_SIGNS, ("A", "X", 1))
    with pytest.raises(ValueError, match=r"lists 1 edge.* with two signs: A->X; keep one row"):
        Network.from_edges(twice, unsigned=True)


def test_names_that_are_numbers_become_text():
    network = Network.from_edges(edges_of((1, 20, 1), (1, 3, -1)))
    assert as_rows(network) == [("1", "20", 1), ("1", "3", -1)]


def test_the_state_is_of_plain_arrays():
    """A file of a model holds text and small whole numbers, nothing that needs pickle."""
    state = Network.from_edges(edges_of(*ORDERED)).__getstate__()
    kinds = {name: array.dtype for name, array in state.items()}
    assert kinds["nodes"].kind == "U"
    assert (kinds["tf"], kinds["gene"], kinds["interaction"]) == (np.int32, np.int32, np.int8)


def test_a_truncated_gzip_is_refused(tmp_path):
    path = tmp_path / "network.tsv.gz"
    rows = "".join(f"TF{i}\tG{i * 7919 % 1000}\t1\n" for i in range(1000))
    path.write_bytes(gzip.compress(("TF\tGene\tInteraction\n" + rows).encode())[:-200])
    with pytest.raises(ValueError, match="cannot be read as a table"):
        Network.read(path)


def test_a_file_that_is_no_gzip_is_refused(tmp_path):
    with pytest.raises(ValueError, match="cannot be read as a table"):
        Network.read(write(tmp_path, TEXT, "network.tsv.gz"))


def test_the_constructor_refuses_edges_out_of_order():
    ordered = Network.from_edges(edges_of(*ORDERED)).edges
    message = (
        r"^a network's edges must be unique and sorted by \(Gene, TF\); build it with "
        r"Network\.from_edges$"
    )
    with pytest.raises(ValueError, match=message):
        Network(ordered.iloc[::-1])
    with pytest.raises(ValueError, match="need exactly the columns"):
        Network(ordered[["Gene", "TF", "Interaction"]])
    with pytest.raises(ValueError, match="must be unique"):
        Network(pd.concat([ordered, ordered.iloc[[-1]]]))


def test_of_repeated_edges_those_with_both_signs_are_named_first():
    same = [("A", "Z", 1), ("A", "Z", 1)]
    both = [("A", f"G{i}", sign) for i in range(6) for sign in (1, -1)]
    message = r"lists 6 edge\(s\) with both signs: A->G0, A->G1, A->G2, A->G3, A->G4; keep one row"
    with pytest.raises(ValueError, match=message):
        Network.from_edges(edges_of(*same, *both))


def test_rows_of_any_index_may_lack_signs():
    edges = pd.DataFrame({"TF": ["A", "B"], "Gene": ["X", "X"]}, index=[7, 3])
    assert as_rows(Network.from_edges(edges, unsigned=True)) == [("A", "X", 0), ("B", "X", 0)]
