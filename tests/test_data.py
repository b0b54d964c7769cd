"""Tests of splitting, choosing genes, aligning cohorts, the sources, and the file format."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GroupShuffleSplit, train_test_split

from lembas import h5ad, sources
from lembas.data import Dataset, build_dataset
from lembas.split import split_samples
from tests.conftest import GENES, random_expression


def assert_same(left: Dataset, right: Dataset) -> None:
    """Compare everything that a dataset holds, types included."""
    for table in ("expression", "samples", "excluded"):
        pd.testing.assert_frame_equal(getattr(left, table), getattr(right, table))
    for names in ("inputs", "targets"):
        pd.testing.assert_index_equal(getattr(left, names), getattr(right, names))
    for fact in ("unit", "fill", "simulated", "study"):
        assert getattr(left, fact) == getattr(right, fact)
        assert type(getattr(left, fact)) is type(getattr(right, fact))


def reasons(dataset: Dataset, role: str) -> dict[str, str]:
    """Return why each gene is left out of a role."""
    table = dataset.excluded[dataset.excluded["role"] == role]
    return dict(zip(table["gene"], table["reason"], strict=True))


@pytest.fixture
def external(small_study):
    """Six samples that lack the input TF3 and the target G2."""
    return random_expression("e", 6, ["G1", "TF1", "TF2", "G3", "G4", "TF"], seed=2)


@pytest.fixture
def series(small_study):
    """Five series of four samples."""
    names = [f"GSE{number % 5}" for number in range(len(small_study))]
    return pd.Series(names, index=small_study.index, name="series")


# The split


@pytest.mark.parametrize("n_samples", [10, 39, 194])
def test_split_is_that_of_scikit_learn(n_samples):
    samples = pd.Index([f"s{number}" for number in range(n_samples)])
    train, test = train_test_split(samples, test_size=0.2, random_state=888)
    split = split_samples(samples)
    assert set(split.index[split == "test"]) == set(test)
    assert set(split.index[split == "train"]) == set(train)
    assert split.index.equals(samples)


def test_split_by_series_is_that_of_scikit_learn(small_study, series):
    splitter = GroupShuffleSplit(n_splits=1, test_size=0.2, random_state=888)
    _, test = next(splitter.split(small_study, groups=series))
    split = split_samples(small_study.index, series=series)
    assert split.index[split == "test"].tolist() == small_study.index[test].tolist()
    assert len(set(series[split == "test"])) == 1
    assert not set(series[split == "test"]) & set(series[split == "train"])


def test_series_of_the_dataset_reach_the_cohorts(small_study, small_network, series, external):
    dataset = build_dataset(small_study, small_network, series=series, external={"other": external})
    pd.testing.assert_series_equal(dataset.train.series, series[dataset.train.x.index])
    assert dataset.external["other"].series is None


def test_refuses_too_few_samples(small_study, small_network, series):
    with pytest.raises(ValueError, match=r"3 samples, which gives 2 for training and 1 for the te"):
        build_dataset(small_study.head(3), small_network)
    with pytest.raises(ValueError, match=r"expected at least 17 \(one for each fold\)"):
        build_dataset(small_study, small_network, folds=17)
    with pytest.raises(ValueError, match=r"has 5 series, which gives 4 .* at least 5"):
        build_dataset(small_study, small_network, series=series, folds=5)


def test_refuses_unusable_series(small_study, small_network, series):
    with pytest.raises(ValueError, match=r"has the single series 'GSE'; a split by series needs"):
        build_dataset(small_study, small_network, series=series.str[:3])
    with pytest.raises(ValueError, match=r"no series for 2 of 20 samples of study: s18, s19; name"):
        build_dataset(small_study, small_network, series=series.head(18))
    twice = pd.concat([series, series.head(1)])
    with pytest.raises(ValueError, match=r"lists sample\(s\) twice: s0; keep one row"):
        build_dataset(small_study, small_network, series=twice)


@pytest.mark.parametrize("fraction", [0, 1, -0.2, 1.5])
def test_refuses_a_test_fraction_out_of_range(small_study, small_network, fraction):
    with pytest.raises(ValueError, match=rf"test_fraction is {fraction}; expected a number betwe"):
        build_dataset(small_study, small_network, test_fraction=fraction)


def test_blanks_part_no_series(small_study, small_network, series):
    padded = series + [" " * (number % 2) for number in range(len(series))]
    found = build_dataset(small_study, small_network, series=padded)
    assert_same(found, build_dataset(small_study, small_network, series=series))


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"fill": "median"}, "fill is 'median'; expected one of train_mean, zero"),
        ({"tf_targets": "both"}, "tf_targets is 'both'; expected one of exclude, include"),
        ({"min_fraction": 0}, "min_fraction is 0; expected a number above 0"),
        ({"folds": 0}, "folds is 0; expected a whole number, 1 or more"),
        ({"folds": "two"}, "folds is 'two'; expected a whole number"),
        ({"seed": "a"}, "seed is 'a'; expected a whole number, 0 or more"),
        ({"seed": -1}, "seed is -1; expected a whole number"),
        ({"seed": None}, "seed is None; expected a whole number"),
        ({"test_fraction": "0.2"}, "test_fraction is '0.2'; expected a number between 0 and 1"),
        ({"test_fraction": None}, "test_fraction is None; expected a number"),
        ({"min_fraction": [0.2]}, r"min_fraction is \[0.2\]; expected a number above 0"),
        ({"min_expression": "low"}, "min_expression is 'low'; expected a number, or null"),
        ({"min_expression": np.nan}, "min_expression is nan; expected a number, or null"),
    ],
)
def test_refuses_options_without_meaning(small_study, small_network, option, message):
    with pytest.raises(ValueError, match=message):
        build_dataset(small_study, small_network, **option)


# Inputs and targets


def test_inputs_are_tfs_never_tf_or_gene(small_study, small_network):
    dataset = build_dataset(small_study, small_network)
    assert dataset.inputs.tolist() == ["TF1", "TF2", "TF3"]
    assert dataset.targets.tolist() == ["G1", "G2", "G3", "G4", "TF"]
    assert reasons(dataset, "target") == {"TF1": "also an input", "TF2": "also an input"}
    assert dataset.train.x.columns.name == "tf"
    assert dataset.train.y.columns.name == "gene"


def test_tf_targets_can_be_included(small_study, small_network):
    dataset = build_dataset(small_study, small_network, tf_targets="include")
    assert dataset.targets.tolist() == ["G1", "G2", "G3", "G4", "TF", "TF1", "TF2"]


def test_unmeasured_genes_are_listed(small_study, small_network):
    dataset = build_dataset(small_study.drop(columns=["TF1", "G3"]), small_network)
    assert dataset.inputs.tolist() == ["TF2", "TF3"]
    assert reasons(dataset, "input") == {"TF1": "not measured"}
    assert reasons(dataset, "target")["G3"] == "not measured"


def test_filter_keeps_a_gene_at_the_limit(small_study, small_network):
    split = build_dataset(small_study, small_network).samples["split"]
    train = split.index[split == "train"]
    small_study["G1"], small_study["G2"] = 0.0, 0.0
    small_study.loc[train[:4], "G1"] = 0.5  # 4 of 16 training samples: exactly .25
    small_study.loc[train[:3], "G2"] = 0.5
    dataset = build_dataset(small_study, small_network, min_expression=0.5, min_fraction=0.25)
    assert "G1" in dataset.targets
    assert reasons(dataset, "target")["G2"] == "below the expression filter"


def test_nothing_learnt_depends_on_test_or_external_samples(small_study, small_network, external):
    filters = {"min_expression": 1.5, "min_fraction": 0.5}
    before = build_dataset(small_study, small_network, external={"other": external}, **filters)
    changed = small_study.copy()
    changed.loc[before.test.x.index] = 0.0
    after = build_dataset(changed, small_network, external={"other": external + 1.0}, **filters)
    assert "below the expression filter" in reasons(before, "target").values()
    pd.testing.assert_frame_equal(before.excluded, after.excluded)
    pd.testing.assert_series_equal(before.train_mean, after.train_mean)
    pd.testing.assert_series_equal(before.input_fill, after.input_fill)
    pd.testing.assert_frame_equal(before.train.y, after.train.y)


def test_order_of_genes_changes_nothing(small_study, small_network, external):
    left = build_dataset(small_study, small_network, external={"other": external})
    right = build_dataset(
        small_study[sorted(GENES, reverse=True)],
        small_network,
        external={"other": external[external.columns[::-1]]},
    )
    assert_same(left, right)


def test_order_of_samples_moves_the_split_not_the_values(small_study, small_network):
    left = build_dataset(small_study, small_network)
    right = build_dataset(small_study.iloc[::-1], small_network)
    pd.testing.assert_frame_equal(
        left.expression, right.expression.loc[left.expression.index], check_exact=True
    )
    held_out = np.flatnonzero(small_study.index.isin(left.test.x.index))
    reversed_held_out = np.flatnonzero(small_study.index[::-1].isin(right.test.x.index))
    assert held_out.tolist() == reversed_held_out.tolist()


def test_refuses_a_study_without_inputs_or_targets(small_study, small_network):
    foreign = small_study.set_axis([f"ENSG{number}" for number in range(9)], axis=1)
    with pytest.raises(ValueError, match=r"none of the network's 3 TFs \(TF1, TF2, TF3\) is among"):
        build_dataset(foreign, small_network)
    with pytest.raises(ValueError, match=r"none of the network's 7 targets .* no target is left"):
        build_dataset(small_study[["TF3", "OTHER"]], small_network)
    with pytest.raises(ValueError, match=r"every measured target .* is an input too \(TF1, TF2\)"):
        build_dataset(small_study[["TF1", "TF2", "TF3"]], small_network)
    with pytest.raises(ValueError, match=r"none of the 3 measured TFs .* passes the expression fi"):
        build_dataset(small_study, small_network, min_expression=9.0)


def test_refuses_unsound_values_in_a_cohort(small_study, small_network, external):
    external.loc["e1", "G3"] = np.nan
    with pytest.raises(ValueError, match=r"other \(f\.tsv\) holds missing .*e1/G3 = nan"):
        build_dataset(
            small_study,
            small_network,
            external={"other": external},
            origins={"other": "f.tsv"},
        )


@pytest.mark.parametrize("limit", [0.1, 0.5, 1 / 3])
def test_float32_is_kept_and_gives_the_same_dataset(small_study, small_network, external, limit):
    """A limit that float32 does not hold is not rounded to one that it does."""
    others = external.astype(np.float32)
    for step in (-1, 0, 1):
        near = np.nextafter(np.float32(limit), np.float32(limit + step))
        lean = (small_study + 1).assign(G1=near).astype(np.float32)
        found, expected = (
            build_dataset(
                study,
                small_network,
                external={"other": other},
                min_expression=limit,
                min_fraction=1.0,
            )
            for study, other in ((lean, others), (lean.astype(float), others.astype(float)))
        )
        assert_same(found, expected)
        assert ("G1" in found.targets) is (float(near) >= limit)


def test_float32_is_checked_like_float64(small_study, small_network):
    lean = small_study.astype(np.float32)
    for wrong, message in (
        (lean.mask(lean == lean.iloc[3, 2]), r"missing or infinite values .*: s3/G1 = nan"),
        (lean.rename(index={"s1": "s0"}), r"1 duplicate sample name\(s\): s0"),
        (lean.rename(columns={"G1": "G4"}), r"1 duplicate gene name\(s\): G4"),
        (lean.rename(columns={"G1": " "}), r"1 blank gene name\(s\)"),
        (lean.iloc[:0], "study is empty"),
    ):
        with pytest.raises(ValueError, match=message):
            build_dataset(wrong, small_network)


# External cohorts


def test_external_cohort_is_aligned_by_name(small_study, small_network, external):
    dataset = build_dataset(small_study, small_network, external={"other": external})
    cohort = dataset.external["other"]
    assert cohort.imputed.tolist() == ["TF3"]
    assert cohort.missing.tolist() == ["G2"]
    assert cohort.y.columns.tolist() == ["G1", "G3", "G4", "TF"]
    pd.testing.assert_frame_equal(
        cohort.x[["TF1", "TF2"]].astype(float),
        external[["TF1", "TF2"]].rename_axis(columns="tf"),
        atol=1e-6,
        rtol=1e-6,
    )
    assert list(dataset.cohorts) == ["train", "test", "other"]


def test_missing_inputs_are_filled_by_the_named_policy(small_study, small_network, external):
    for fill in ("train_mean", "zero"):
        dataset = build_dataset(small_study, small_network, external={"other": external}, fill=fill)
        expected = 0.0 if fill == "zero" else dataset.train.x["TF3"].mean()
        filled = dataset.external["other"].x["TF3"]
        np.testing.assert_allclose(filled, expected, rtol=1e-6)
        assert filled.dtype == np.float32


def test_refuses_foreign_and_overlapping_cohorts(small_study, small_network, external):
    def build(table: pd.DataFrame, name: str = "other") -> None:
        build_dataset(
            small_study, small_network, external={name: table}, origins={name: "file.tsv"}
        )

    with pytest.raises(ValueError, match=r"other \(file\.tsv\) shares no gene with study: it"):
        build(external.set_axis(list("abcdef"), axis=1))
    with pytest.raises(ValueError, match=r"shares no input gene with study.*some of TF1, TF2, TF3"):
        build(external[["G1", "G3"]])
    with pytest.raises(ValueError, match=r"shares no target gene with study"):
        build(external[["TF1"]])
    with pytest.raises(ValueError, match=r"shares 1 sample name\(s\) with study: s3; remove"):
        build(external.rename(index={"e0": "s3"}))
    with pytest.raises(ValueError, match=r"named test: the names study, train and test are taken"):
        build(external, "test")


# The file format


@pytest.mark.parametrize("with_series", [True, False])
def test_written_then_read_is_the_same(
    tmp_path, small_study, small_network, external, series, with_series
):
    dataset = build_dataset(
        small_study,
        small_network,
        external={"other": external},
        series=series if with_series else None,
        fill="zero",
        unit="log10(TPM+1)",
        simulated=True,
        study="GSE1",
        library_size=pd.Series(2.0**25 + 1, index=small_study.index),
    )
    dataset.write(tmp_path / "new" / "dataset.h5ad")
    assert_same(dataset, Dataset.read(tmp_path / "new" / "dataset.h5ad"))


def test_nothing_excluded_survives_the_file(tmp_path, small_study, small_network):
    dataset = build_dataset(small_study, small_network, tf_targets="include")
    assert dataset.excluded.empty
    dataset.write(tmp_path / "d.h5ad")
    assert_same(dataset, Dataset.read(tmp_path / "d.h5ad"))


def test_files_are_equal_to_the_byte_and_open_elsewhere(tmp_path, small_study, small_network):
    dataset = build_dataset(small_study, small_network)
    for name in ("a.h5ad", "b.h5ad"):
        dataset.write(tmp_path / name)
    assert (tmp_path / "a.h5ad").read_bytes() == (tmp_path / "b.h5ad").read_bytes()
    data = anndata.read_h5ad(tmp_path / "a.h5ad")
    assert data.var_names[data.var["is_input"]].tolist() == ["TF1", "TF2", "TF3"]
    assert set(data.obs["split"]) == {"train", "test"}


def test_a_failed_write_leaves_the_old_dataset(tmp_path, small_study, small_network, monkeypatch):
    dataset = build_dataset(small_study, small_network)
    path = tmp_path / "d.h5ad"
    dataset.write(path)
    whole = h5ad.write

    def cut_short(file, *args, **kwargs):
        whole(file, *args, **kwargs)
        raise OSError("disk full")

    monkeypatch.setattr(h5ad, "write", cut_short)
    with pytest.raises(OSError, match="disk full"):
        dataset.write(path)
    assert [file.name for file in tmp_path.iterdir()] == ["d.h5ad"]
    assert_same(dataset, Dataset.read(path))


def test_refuses_to_read_what_is_no_dataset(tmp_path):
    with pytest.raises(FileNotFoundError, match="dataset not found"):
        Dataset.read(tmp_path / "none.h5ad")
    names = {"obs": pd.DataFrame(index=["s1"]), "var": pd.DataFrame(index=["ALB"])}
    anndata.AnnData(X=np.ones((1, 1)), **names).write_h5ad(tmp_path / "other.h5ad")
    with pytest.raises(ValueError, match=r"other\.h5ad is no dataset of lembas; build one"):
        Dataset.read(tmp_path / "other.h5ad")


def test_a_dataset_refuses_unsound_parts(small_study, small_network):
    dataset = build_dataset(small_study, small_network)
    parts = {field: getattr(dataset, field) for field in dataset.__dataclass_fields__}
    unsound = {
        "must name the same samples in the same order": {"samples": dataset.samples.iloc[::-1]},
        r"no column of the expression: ALB": {"inputs": pd.Index(["ALB"])},
        r"repeats the name\(s\) TF1": {"inputs": pd.Index(["TF1", "TF1"])},
        "expected \\['cohort', 'split'": {"samples": dataset.samples[["cohort"]]},
        r"unknown split\(s\) held out": {"samples": dataset.samples.assign(split="held out")},
        "unknown fill 'median'": {"fill": "median"},
    }
    for message, change in unsound.items():
        with pytest.raises(ValueError, match=message):
            Dataset(**{**parts, **change})


# The sources


@pytest.fixture
def count_files(tmp_path, small_study, external):
    """Files of counts, genes in rows, of a study and an external cohort."""
    paths = {}
    for name, table in {"study": small_study, "other": external}.items():
        paths[name] = tmp_path / f"{name}.tsv.gz"
        (table * 1000).round().T.to_csv(paths[name], sep="\t")
    return paths


def test_from_counts_by_hand(count_files, small_network, small_study):
    dataset = sources.from_counts(
        count_files["study"], small_network, external={"other": count_files["other"]}
    )
    counts = (small_study * 1000).round()
    total = counts.sum(axis=1)
    assert dataset.samples.loc["s0", "library_size"] == total["s0"]
    expected = np.log10(counts.loc["s0", "G1"] / total["s0"] * 1e6 + 1)
    assert dataset.expression.loc["s0", "G1"] == pytest.approx(expected, rel=1e-6)
    assert dataset.unit == "log10(CPM+1)"
    assert dataset.external["other"].imputed.tolist() == ["TF3"]


def test_from_counts_filters_in_cpm(tmp_path, small_network, small_study):
    # 1 in 2 million counts is 0.5 CPM, at the limit; 1 in 2 million and one is below it.
    for rest, is_kept in ((1_999_999, True), (2_000_000, False)):
        counts = (small_study * 0).astype(int)
        counts["G1"], counts["G2"], counts["TF1"] = 1, 1_000_000, rest - 1_000_000
        counts.T.to_csv(tmp_path / "counts.tsv", sep="\t")
        dataset = sources.from_counts(tmp_path / "counts.tsv", small_network)
        assert ("G1" in dataset.targets) is is_kept


def test_from_counts_in_tpm_lists_genes_without_length(tmp_path, count_files, small_network):
    lengths = tmp_path / "lengths.tsv"
    rows = "".join(f"{gene}\t1000\n" for gene in GENES if gene != "G3")
    lengths.write_text("gene_name\tlength_bp\n" + rows)
    dataset = sources.from_counts(
        count_files["study"], small_network, unit="tpm", gene_lengths=lengths
    )
    assert dataset.unit == "log10(TPM+1)"
    assert reasons(dataset, "target")["G3"] == "not measured, or no gene length"
    with pytest.raises(ValueError, match='unit "tpm" needs gene lengths'):
        sources.from_counts(count_files["study"], small_network, unit="tpm")
    with pytest.raises(ValueError, match="unit is 'fpkm'; expected one of cpm, tpm"):
        sources.from_counts(count_files["study"], small_network, unit="fpkm")
    with pytest.raises(ValueError, match="min_expression is -1; expected a CPM >= 0"):
        sources.from_counts(count_files["study"], small_network, min_expression=-1)


def test_errors_of_sources_name_the_file(tmp_path, count_files, small_network, small_study):
    (small_study * 1000).round().to_csv(count_files["other"], sep="\t")
    with pytest.raises(ValueError, match=r"other\.tsv\.gz\) shares 20 sample name"):
        sources.from_counts(
            count_files["other"],
            small_network,
            genes_in="columns",
            external={"copy": count_files["other"]},
        )
    (tmp_path / "series.tsv").write_text("sample\tseries\ns0\tGSE1\n")
    with pytest.raises(ValueError, match=r"series \(.*series\.tsv\) names no series for 19 of 20"):
        sources.from_counts(count_files["study"], small_network, series=tmp_path / "series.tsv")
    with pytest.raises(ValueError, match=r"genes in its rows .*where samples are expected"):
        sources.from_counts(count_files["study"], small_network, genes_in="columns")


@pytest.fixture
def study_tables(tmp_path, small_study):
    """Write the original study's layout; its TF table holds transferrin, by mistake."""
    tfs = small_study[["TF1", "TF2", "TF3", "TF"]]
    genes = small_study[["G1", "G2", "TF", "TF1", "OTHER"]]
    for name, table in {"tfs": tfs, "genes": genes}.items():
        table.to_csv(tmp_path / f"{name}.tsv", sep="\t")
    return tmp_path / "tfs.tsv", tmp_path / "genes.tsv"


def test_from_tables_drops_and_lists_non_tfs(study_tables, small_network, small_study):
    dataset = sources.from_tables(*study_tables, small_network)
    assert dataset.inputs.tolist() == ["TF1", "TF2", "TF3"]
    assert dataset.targets.tolist() == ["G1", "G2", "TF"]
    assert reasons(dataset, "input") == {"TF": "no TF of the network"}
    assert reasons(dataset, "target") == {
        "G3": "not measured",
        "G4": "not measured",
        "OTHER": "no target of the network",
        "TF1": "also an input",
        "TF2": "not measured",
    }
    found = dataset.expression
    np.testing.assert_allclose(found, small_study.loc[found.index, found.columns], rtol=1e-6)


def test_from_tables_refuses_tables_that_disagree(study_tables, small_network, small_study):
    tf_path, gene_path = study_tables
    small_study[["G1", "TF1"]].assign(TF1=0.0).to_csv(gene_path, sep="\t")
    with pytest.raises(ValueError, match=r"give 1 gene\(s\) different values: TF1; make both"):
        sources.from_tables(tf_path, gene_path, small_network)
    small_study[["G1"]].head(19).to_csv(gene_path, sep="\t")
    with pytest.raises(ValueError, match=r"1 sample\(s\) are in one of the tables only: s19; both"):
        sources.from_tables(tf_path, gene_path, small_network)
    (small_study[["G1"]] * 1000).to_csv(gene_path, sep="\t")
    with pytest.raises(ValueError, match=r"genes\.tsv holds .* unknown scale, where log10"):
        sources.from_tables(tf_path, gene_path, small_network)


def test_from_h5ad_equals_from_tables(tmp_path, small_study, small_network, external, series):
    expected = build_dataset(
        small_study,
        small_network,
        external={"other": external},
        series=series,
        study="GSE1",
        unit="log10(TPM+1)",
    )
    both = pd.concat([small_study, external])
    obs = pd.DataFrame({"cohort": ["GSE1"] * 20 + ["other"] * 6}, index=both.index)
    obs["series"] = series.reindex(both.index)
    data = anndata.AnnData(X=both.to_numpy(), obs=obs, var=pd.DataFrame(index=both.columns))
    data.write_h5ad(tmp_path / "both.h5ad")
    assert_same(sources.from_h5ad(tmp_path / "both.h5ad", small_network, study="GSE1"), expected)
    with pytest.raises(ValueError, match=r"has the cohorts GSE1, other, and study is None; name"):
        sources.from_h5ad(tmp_path / "both.h5ad", small_network)


def test_from_h5ad_reads_one_cohort_and_a_written_dataset(
    tmp_path, small_study, small_network, external
):
    data = anndata.AnnData(
        X=small_study.to_numpy(),
        obs=pd.DataFrame(index=small_study.index),
        var=pd.DataFrame(index=small_study.columns),
    )
    data.write_h5ad(tmp_path / "one.h5ad")
    alone = sources.from_h5ad(tmp_path / "one.h5ad", small_network, unit="log10(CPM+1)")
    assert_same(alone, build_dataset(small_study, small_network))
    dataset = build_dataset(small_study, small_network, external={"other": external})
    dataset.write(tmp_path / "d.h5ad")
    again = sources.from_h5ad(tmp_path / "d.h5ad", small_network, study="study")
    # The split goes by the file's order of samples, which is another one now.
    pd.testing.assert_frame_equal(
        again.expression.loc[dataset.expression.index], dataset.expression
    )


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        (
            "cohort",
            ["a"] * 18 + [None, " "],
            r"h\.h5ad gives 2 samples no cohort in obs: s18, s19",
        ),
        ("library_size", [1e6] * 19 + [-2.0], r"h\.h5ad gives 1 sample no count .*: s19 = -2\.0;"),
        (
            "library_size",
            ["1000"] * 19 + ["deep"],
            "1 sample no count as library_size.*s19 = deep",
        ),
    ],
)
def test_from_h5ad_refuses_unsound_samples(
    tmp_path, small_study, small_network, column, values, message
):
    obs = pd.DataFrame({column: values}, index=small_study.index)
    data = anndata.AnnData(
        X=small_study.to_numpy(), obs=obs, var=pd.DataFrame(index=small_study.columns)
    )
    data.write_h5ad(tmp_path / "h.h5ad")
    with pytest.raises(ValueError, match=message):
        sources.from_h5ad(tmp_path / "h.h5ad", small_network, study="a")
