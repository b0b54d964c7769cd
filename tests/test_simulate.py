"""Tests of the simulation: its laws, its truth, and what it refuses."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import GroupShuffleSplit

from lembas import drawn, kinetics
from lembas.conditions import Noise
from lembas.kinetics import Conditions, Regulation, cascade_gain, steady_state
from lembas.names import KNOWN_EDGES, target_names, tf_names
from lembas.simulate import Simulation, simulate

SMALL = {
    "n_samples": 120,
    "n_series": 6,
    "n_tfs": 40,
    "n_targets": 100,
    "n_external": (30, 20),
    "n_decoys": 3,
    "seed": 5,
}


@pytest.fixture(scope="module")
def small() -> Simulation:
    return simulate(**SMALL)


@pytest.fixture(scope="module")
def quiet() -> Simulation:
    """Only regulation and the TFs' own drivers are left."""
    return simulate(**SMALL, noise=Noise.none())


def tables(simulation: Simulation) -> dict[str, pd.DataFrame]:
    """List every table that a simulation hands out."""
    return {
        "expression": simulation.expression,
        "counts": simulation.counts,
        "series": simulation.series.to_frame(),
        "library_size": simulation.library_size.to_frame(),
        "prior": simulation.prior.edges,
        "truth": simulation.truth.edges,
        "regulation": simulation.regulation.edges,
        **simulation.external,
    }


def pairs(network) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(network.edges[["TF", "Gene"]])


def reached(simulation: Simulation, tf: str) -> set[str]:
    """Name every gene that a path of the truth leads to from ``tf``."""
    edges = simulation.truth.edges
    found, frontier = set(), {tf}
    while frontier:
        following = set(edges.loc[edges["TF"].isin(frontier), "Gene"])
        frontier = following - found
        found |= following
    return found


def root(simulation: Simulation) -> str:
    """Name the root TF with the most targets."""
    degree = simulation.truth.out_degree
    return degree[~degree.index.isin(simulation.truth.genes)].idxmax()


class TestDeterminism:
    def test_the_same_settings_give_the_same_bytes(self, small):
        again = tables(simulate(**SMALL))
        for name, table in tables(small).items():
            pd.testing.assert_frame_equal(table, again[name], check_exact=True, obj=name)

    def test_it_neither_uses_nor_moves_the_global_random_state(self, small):
        np.random.seed(1)  # noqa: NPY002
        before = np.random.get_state()[1].copy()  # noqa: NPY002
        again = simulate(**SMALL)
        assert (np.random.get_state()[1] == before).all()  # noqa: NPY002
        pd.testing.assert_frame_equal(small.expression, again.expression, check_exact=True)

    def test_another_seed_gives_another_study(self, small):
        other = simulate(**{**SMALL, "seed": 6})
        assert not other.expression.equals(small.expression)
        assert other.truth.digest != small.truth.digest
        assert other.prior.digest != small.prior.digest

    def test_the_external_cohorts_do_not_change_the_study(self, small):
        alone = simulate(
            **{**SMALL, "n_external": (), "external_shift": (), "external_missing": ()}
        )
        pd.testing.assert_frame_equal(alone.expression, small.expression, check_exact=True)
        assert alone.external == {}

    def test_the_prior_does_not_change_the_data(self, small):
        better = simulate(**SMALL, prior_recall=0.9)
        pd.testing.assert_frame_equal(better.expression, small.expression, check_exact=True)
        assert better.prior.digest != small.prior.digest

    @pytest.mark.parametrize("n_rows", [7, 119, 120])
    def test_the_size_of_the_blocks_changes_nothing(self, small, monkeypatch, n_rows):
        clamp = {"HNF4A": -np.inf}
        expected = {**tables(small), "clamped": small.expected_expression(clamp=clamp)}
        monkeypatch.setattr(drawn, "BLOCK_ROWS", n_rows)
        monkeypatch.setattr(kinetics, "BLOCK_SAMPLES", n_rows)
        monkeypatch.setattr(kinetics, "BLOCK_EDGES", n_rows)
        parted = simulate(**SMALL)
        found = {**tables(parted), "clamped": parted.expected_expression(clamp=clamp)}
        for name, table in expected.items():
            pd.testing.assert_frame_equal(found[name], table, check_exact=True, obj=name)

    def test_float32_is_the_rounded_float64(self, small):
        lean = simulate(**SMALL, dtype="float32")
        found = {"study": lean.expression, **lean.external}
        for name, table in {"study": small.expression, **small.external}.items():
            expected = table.astype(np.float32)
            pd.testing.assert_frame_equal(found[name], expected, check_exact=True, obj=name)
        pd.testing.assert_frame_equal(lean.counts, small.counts, check_exact=True)


class TestTables:
    def test_shapes_and_labels(self, small):
        assert small.expression.shape == (120, 140)
        assert small.expression.columns.equals(small.tfs.union(small.targets).rename("gene"))
        assert small.expression.index.name == "sample"
        assert small.expression.columns.name == "gene"
        for table in (small.counts, small.series, small.library_size):
            assert table.index.equals(small.expression.index)
        assert list(small.external) == ["external_near", "external_far"]
        assert [len(table) for table in small.external.values()] == [30, 20]

    def test_samples_of_all_cohorts_are_distinct(self, small):
        names = [*small.expression.index, *(s for t in small.external.values() for s in t.index)]
        assert len(names) == len(set(names)) == 170

    def test_values_are_finite_and_not_negative(self, small):
        for table in (small.expression, *small.external.values()):
            assert np.isfinite(table.to_numpy()).all()
            assert (table.to_numpy() >= 0).all()
            assert (table.dtypes == np.float64).all()

    def test_expression_is_log10_cpm_of_the_counts(self, small):
        assert (small.counts.dtypes == np.int64).all()
        cpm = small.counts.mul(1e6 / small.library_size, axis=0)
        pd.testing.assert_frame_equal(small.expression, np.log10(cpm + 1), rtol=1e-12)

    def test_the_simulated_genes_are_a_part_of_the_library(self, small):
        assert (small.counts.sum(axis=1) < small.library_size).all()
        assert small.library_size.nunique() == 120

    def test_every_sample_lies_in_one_of_the_series(self, small):
        assert small.series.notna().all()
        sizes = small.series.value_counts()
        assert len(sizes) == 6
        assert sizes.min() >= 1
        assert sizes.min() < sizes.max()

    def test_series_differ(self, small):
        # Without series effects, the share of variance between 6 series of 120 samples is about
        # 5 / 119 on average.
        centred = small.expression - small.expression.mean()
        means = centred.groupby(small.series).transform("mean")
        assert (means.var() / centred.var()).median() > 2 * 5 / 119

    def test_genes_vary_and_some_reads_are_zero(self, small):
        assert (small.expression.std() > 0.05).mean() > 0.95
        assert 0 < (small.counts == 0).to_numpy().mean() < 0.1

    def test_the_far_cohort_lies_farther_off_and_lacks_genes(self):
        sizes = {**SMALL, "n_external": (120, 120), "external_missing": (0.0, 0.1)}
        study = simulate(**sizes)
        near, far = study.external.values()
        assert near.shape[1] == 140
        assert far.shape[1] < 140
        assert set(study.expression.columns) - set(far.columns) <= {
            gene for gene in study.expression.columns if gene.startswith(("TFX", "GENE"))
        }
        gap = [(t.mean() - study.expression.mean()[t.columns]).abs().median() for t in (near, far)]
        assert gap[1] > 1.3 * gap[0] > 0

    def test_fewer_reads_make_more_zeros_in_the_far_cohort(self, small):
        assert (
            small.conditions["external_far"].library_size.median() < small.library_size.median() / 2
        )


class TestNetworks:
    def test_the_prior_holds_the_stated_shares(self, small):
        true, known = pairs(small.truth), pairs(small.prior)
        kept = known.intersection(true)
        assert len(kept) / len(true) == pytest.approx(0.6, abs=0.5 / len(true))
        assert 1 - len(kept) / len(known) == pytest.approx(0.3, abs=1 / len(known))
        sign = [
            network.edges.set_index(["TF", "Gene"])["Interaction"].loc[kept]
            for network in (small.prior, small.truth)
        ]
        assert (sign[0] != sign[1]).mean() == pytest.approx(0.04, abs=1 / len(kept))

    def test_a_perfect_prior_is_the_truth(self):
        perfect = simulate(**SMALL, prior_recall=1, prior_false_share=0, prior_sign_errors=0)
        assert perfect.prior.digest == perfect.truth.digest

    @pytest.mark.parametrize("recall", [0.3, 0.6, 1.0])
    def test_every_target_and_tf_is_in_the_prior_or_listed(self, recall):
        drawn = simulate(**SMALL, prior_recall=recall)
        assert set(drawn.targets) == set(drawn.orphans) | (
            set(drawn.prior.genes) & set(drawn.targets)
        )
        assert drawn.orphans.empty
        assert set(drawn.prior.tfs) == set(drawn.tfs)

    def test_orphans_are_listed_when_little_is_known(self):
        poor = simulate(**SMALL, prior_recall=0.05, prior_false_share=0.1)
        assert len(poor.orphans)
        assert not set(poor.orphans) & set(poor.prior.genes)

    def test_the_cascade_has_cycles(self, small):
        inner = small.truth.restrict(small.tfs, small.tfs)
        row, column, _ = inner.positions(small.tfs, small.tfs)
        graph = csr_array((np.ones(len(row)), (row, column)), shape=(40, 40))
        _, component = connected_components(graph, connection="strong")
        assert np.bincount(component).max() >= 3
        both = pairs(small.truth)
        assert ("HNF4A", "HNF1A") in both
        assert ("HNF1A", "HNF4A") in both
        assert len(small.truth.self_loops) >= 1

    def test_hubs_roots_and_regulated_tfs(self):
        truth = simulate(**{**SMALL, "n_tfs": 100, "n_targets": 400, "n_samples": 20}).truth
        degree = truth.out_degree
        assert degree.max() > 5 * degree.median()
        regulated = degree.index.isin(truth.genes).mean()
        assert 0.6 < regulated < 0.9

    def test_decoys_are_in_the_prior_but_regulate_nothing(self, small):
        assert len(small.decoys) == 3
        assert not small.decoys.isin(small.truth.nodes).any()
        assert small.decoys.isin(small.prior.tfs).all()

    def test_familiar_edges_are_true_with_their_signs(self, small):
        sign = small.truth.edges.set_index(["TF", "Gene"])["Interaction"]
        for tf in ("HNF4A", "CEBPA", "HNF1A", "FOXA2"):
            assert sign[tf, "ALB"] == sign[tf, "AFP"] == 1
        known = pd.MultiIndex.from_tuples([(tf, gene) for tf, gene, _ in KNOWN_EDGES])
        present = known.intersection(pairs(small.truth))
        # Nine tenths of them are kept, give or take chance.
        assert present.isin(pairs(small.prior)).mean() > 0.7

    def test_names_are_unique_and_synthetic_beyond_the_familiar(self):
        tfs, genes = tf_names(150), target_names(1000)
        assert tfs.append(genes).is_unique
        assert (len(tfs), len(genes)) == (150, 1000)
        assert tfs[50:].str.fullmatch(r"TFX\d{3}").all()
        assert genes[-1].startswith("GENE")

    def test_no_familiar_edge_is_listed_with_two_signs(self):
        edges = pd.DataFrame(list(KNOWN_EDGES), columns=["TF", "Gene", "Interaction"])
        assert not edges.duplicated(["TF", "Gene"]).any()


class TestPriorOfGivenSize:
    @pytest.mark.parametrize(("n_edges", "n_tf_edges"), [(900, 150), (1500, 60), (2500, 900)])
    def test_the_numbers_of_edges_are_exact(self, small, n_edges, n_tf_edges):
        made = simulate(**SMALL, n_prior_edges=n_edges, n_prior_tf_edges=n_tf_edges)
        assert len(made.prior) == n_edges
        assert made.prior.edges["Gene"].isin(made.tfs).sum() == n_tf_edges
        assert made.orphans.empty
        assert set(made.prior.tfs) == set(made.tfs)
        # The true edges are as many as the recall says, and the data are what they were.
        kept = pairs(made.prior).isin(pairs(made.truth)).sum()
        assert kept == round(0.6 * len(made.truth))
        pd.testing.assert_frame_equal(made.expression, small.expression, check_exact=True)

    def test_without_tf_edges_the_sum_alone_is_exact(self):
        made = simulate(**SMALL, n_prior_edges=1000)
        assert len(made.prior) == 1000
        assert 0 < made.prior.edges["Gene"].isin(made.tfs).sum() < 1000

    def test_the_same_settings_give_the_same_prior(self):
        first, again = (
            simulate(**SMALL, n_prior_edges=1000, n_prior_tf_edges=200) for _ in range(2)
        )
        assert first.prior.digest == again.prior.digest

    def test_tfs_and_genes_differ_in_their_edges(self):
        """Edges dealt out evenly would have a variance of the degree that is below its mean."""
        sizes = {**SMALL, "n_samples": 20, "n_tfs": 100, "n_targets": 400, "mean_regulators": 3}
        prior = simulate(**sizes, n_prior_edges=5000, n_prior_tf_edges=500).prior
        assert prior.in_degree.var() > 2 * prior.in_degree.mean()
        assert prior.out_degree.max() > 4 * prior.out_degree.median()

    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            ({"n_prior_edges": 100}, r"would hold \d+ true edges, \d+ of them from TF to TF: \d+"),
            (
                {"n_prior_edges": 900, "n_prior_tf_edges": 3},
                "more than there is room for; lower prior_recall or mean_regulators, or raise",
            ),
            ({"n_prior_edges": 5601}, "n_prior_edges is 5601; expected 0 to 5600, one edge for"),
            (
                {"n_prior_edges": 3000, "n_prior_tf_edges": 1601},
                "n_prior_tf_edges is 1601; expected 0 to 1600, one edge for each of 40 TFs and 40",
            ),
            (
                {"n_prior_edges": 4500, "n_prior_tf_edges": 400},
                "n_prior_edges less n_prior_tf_edges is 4100; expected 0 to 4000",
            ),
            (
                {"n_prior_edges": 300, "n_prior_tf_edges": 400},
                "n_prior_edges less n_prior_tf_edges is -100; expected 0 to 4000",
            ),
            ({"n_prior_tf_edges": 100}, "n_prior_tf_edges is 100 without n_prior_edges; give the"),
            ({"n_prior_edges": -1}, "n_prior_edges must be at least 0, got -1"),
            (
                {"n_prior_edges": 5000, "n_prior_tf_edges": 1550},
                "pairs are not regulated in truth; lower .* n_prior_edges",
            ),
        ],
    )
    def test_numbers_that_cannot_be(self, wrong, message):
        with pytest.raises(ValueError, match=message):
            simulate(**SMALL, **wrong)

    def test_a_number_of_edges_is_whole(self):
        with pytest.raises(TypeError, match=r"n_prior_edges must be a whole number, got 900\.5"):
            simulate(**SMALL, n_prior_edges=900.5)


class TestKinetics:
    edges = pd.DataFrame(
        {
            "TF": ["A", "R", "A"],
            "Gene": ["G", "G", "R"],
            "Interaction": [1, -1, 1],
            "strength": [9.0, 3.0, 1.0],
            "threshold_log2": [1.0, 0.0, 0.0],
            "hill": [2.0, 1.0, 1.0],
        }
    )
    regulation = Regulation(edges, pd.Series({"G": 0.5, "R": 1.0}))

    def test_the_response_follows_the_equation(self):
        # By hand for G at a = log2 2 = 1, r = 0: bound A = 1/2, bound R = 1/2, so
        # w = .5 * (1 + 9/2) / (1 + 3/2) = 1.1; in the reference A's bound is 1/(1 + 4) = 1/5, so
        # w = .5 * (1 + 9/5) / (1 + 3/2) = .56.
        activity = pd.DataFrame({"A": [1.0], "R": [0.0]}, index=["s"])
        expected = np.log2((1.1 / 2.1) / (0.56 / 1.56))
        assert self.regulation.response(activity).loc["s", "G"] == pytest.approx(expected)

    def test_a_tf_that_is_absent_is_unbound(self):
        # w = .5 / (1 + 3/2) = .2 without A.
        activity = pd.DataFrame({"A": [-np.inf], "R": [0.0]}, index=["s"])
        expected = np.log2((0.2 / 1.2) / (0.56 / 1.56))
        assert self.regulation.response(activity).loc["s", "G"] == pytest.approx(expected)

    def test_nothing_happens_in_the_reference_state(self):
        activity = pd.DataFrame({"A": [0.0], "R": [0.0]})
        assert (self.regulation.response(activity) == 0).all(axis=None)

    def test_the_response_saturates(self):
        activity = pd.DataFrame({"A": [0.0, 3.0, 20.0, 23.0], "R": 0.0})
        change = self.regulation.response(activity)["G"].diff()
        assert change.iloc[1] > 0.5
        assert 0 <= change.iloc[3] < 1e-6

    def test_the_gain_bound_is_the_steepest_slope(self):
        # One self-loop: the spectral radius is the edge's own bound. The slope of
        # log2(1 + F h) over activities, by finite differences, must touch it.
        loop = self.edges.iloc[[0]].assign(Gene="A")
        activity = np.linspace(-10, 10, 20001)
        bound = 1 / (1 + 2.0 ** (-2 * (activity - 1)))
        slope = np.gradient(np.log2(1 + 9 * bound), activity)
        assert cascade_gain(loop) == pytest.approx(slope.max(), rel=1e-5)

    def test_an_acyclic_cascade_has_no_gain(self):
        assert cascade_gain(self.edges) == 0

    def test_a_regulation_with_other_promoters_is_refused(self):
        with pytest.raises(ValueError, match="basal must list the 2 regulated genes"):
            Regulation(self.edges, pd.Series({"R": 1.0, "G": 0.5}))
        with pytest.raises(ValueError, match="must all be positive"):
            Regulation(self.edges.assign(hill=0.0), pd.Series({"G": 0.5, "R": 1.0}))

    def test_a_cascade_that_oscillates_is_refused(self):
        edges = pd.DataFrame(
            {
                "TF": ["A"],
                "Gene": ["A"],
                "Interaction": [-1],
                "strength": [1e6],
                "threshold_log2": [0.0],
                "hill": [8.0],
            }
        )
        pushed = pd.DataFrame({"A": [0.3]}, index=["s"])
        conditions = Conditions(pushed, 0 * pushed, 0 * pushed, pd.Series([1e6], index=["s"]))
        with pytest.raises(ValueError, match="still moves by"):
            steady_state(Regulation(edges, pd.Series({"A": 1e4})), conditions)


class TestCausality:
    def test_the_steady_state_stands_still(self, small):
        conditions = small.conditions["study"]
        level = steady_state(small.regulation, conditions)
        activity = level[conditions.hidden.columns] + conditions.hidden
        response = small.regulation.response(activity)
        again = conditions.drivers.add(response, fill_value=0)[level.columns]
        np.testing.assert_allclose(again, level, atol=1e-8)
        assert cascade_gain(small.regulation.edges) < 1

    def test_expectation_lies_amid_the_counts(self, small):
        error = small.expression - small.expected_expression()
        assert abs(error.mean().median()) < 0.02
        assert error.std().median() < 0.1

    def test_raising_a_root_raises_what_it_only_activates(self, quiet):
        tf = root(quiet)
        low = quiet.expected_expression(clamp={tf: 0.0})
        high = quiet.expected_expression(clamp={tf: 2.0})
        mine = quiet.truth.edges.query("TF == @tf")
        others = set().union(*(reached(quiet, gene) for gene in mine["Gene"]))
        direct = mine[~mine["Gene"].isin(others)]
        assert set(direct["Interaction"]) == {1, -1}
        change = (high - low)[direct["Gene"]].mul(direct["Interaction"].to_numpy())
        assert (change > 0).all(axis=None)

    def test_a_knock_out_changes_all_it_regulates_and_nothing_else(self, quiet):
        tf = root(quiet)
        before = quiet.expected_expression()
        after = quiet.expected_expression(clamp={tf: -np.inf})
        changed = set(before.columns[((before - after).abs() > 1e-9).any()])
        assert changed == reached(quiet, tf) | {tf}
        assert (after[tf] == 0).all()

    def test_a_tf_without_a_path_to_a_gene_has_no_effect_on_it(self, quiet):
        before = quiet.expected_expression()
        for tf in quiet.truth.tfs[:8]:
            after = quiet.expected_expression(clamp={tf: 3.0})
            away = before.columns.difference([*reached(quiet, tf), tf])
            assert len(away)
            # The cascade is solved to 1e-11, in a number of steps that the clamp may change.
            pd.testing.assert_frame_equal(before[away], after[away], rtol=0, atol=1e-9)

    def test_a_decoy_changes_nothing(self, small):
        decoy = small.decoys[0]
        change = small.expected_expression(clamp={decoy: 3.0}) - small.expected_expression()
        assert (change.drop(columns=decoy) == 0).all(axis=None)
        assert (change[decoy] != 0).all()

    def test_external_cohorts_follow_the_same_regulation(self, small):
        far = small.expected_expression(cohort="external_far", clamp={"HNF4A": -np.inf})
        assert (far["HNF4A"] == 0).all()
        assert (far["ALB"] < small.expected_expression(cohort="external_far")["ALB"]).all()

    def test_unknown_names_and_levels_are_refused(self, small):
        with pytest.raises(KeyError, match=r"1 name\(s\) are not TFs of this simulation: ALB; exp"):
            small.expected_expression(clamp={"ALB": 1.0})
        with pytest.raises(KeyError, match="no cohort 'elsewhere'"):
            small.expected_expression(cohort="elsewhere")
        for level in (np.nan, np.inf):
            with pytest.raises(ValueError, match="clamped log2 level"):
                small.expected_expression(clamp={"HNF4A": level})


class TestTruthIsRecovered:
    def test_true_regulators_explain_a_quiet_study(self):
        """Without noise, a polynomial in a gene's true regulators predicts held-out samples."""
        study = simulate(**{**SMALL, "n_samples": 1000}, noise=Noise.none())
        level = study.expression
        train, test = level.iloc[:700], level.iloc[700:]
        scores = {
            gene: held_out_r2(train, test, gene, study.truth.regulators(gene))
            for gene in study.targets[::3]
        }
        strangers = {gene: held_out_r2(train, test, gene, study.decoys) for gene in scores}
        assert np.median(list(scores.values())) > 0.97
        assert min(scores.values()) > 0.9
        assert np.median(list(strangers.values())) < 0.02

    def test_no_noise_leaves_nothing_but_the_tfs_own_drivers(self, quiet):
        drivers = quiet.conditions["study"].drivers
        assert (drivers[quiet.targets] == 0).all(axis=None)
        assert (quiet.conditions["study"].technical == 0).all(axis=None)


def held_out_r2(train: pd.DataFrame, test: pd.DataFrame, gene: str, tfs: pd.Index) -> float:
    """Score a least-squares fit on cubic powers of ``tfs`` and their products in pairs."""

    def design(table: pd.DataFrame) -> np.ndarray:
        z = ((table[tfs] - train[tfs].mean()) / train[tfs].std()).to_numpy()
        upper = np.triu_indices(z.shape[1], 1)
        products = (z[:, :, None] * z[:, None, :])[:, upper[0], upper[1]]
        return np.column_stack([np.ones(len(z)), z, z**2, z**3, products])

    fitted = design(test) @ np.linalg.lstsq(design(train), train[gene].to_numpy())[0]
    residual = test[gene].to_numpy() - fitted
    return 1 - (residual**2).sum() / ((test[gene] - test[gene].mean()) ** 2).sum()


def test_the_demo_is_as_hard_for_the_training_mean_as_real_data():
    """At full size, the training mean scores a pooled R2 of .75 to .9 on held-out series."""
    demo = simulate()
    assert demo.expression.shape == (1200, 1150)
    genes = demo.expression[demo.targets]
    split = GroupShuffleSplit(1, test_size=0.2, random_state=888)
    train, test = next(split.split(genes, groups=demo.series))
    truth = genes.iloc[test].to_numpy()
    residual = truth - genes.iloc[train].mean().to_numpy()
    r2_pooled = 1 - (residual**2).sum() / ((truth - truth.mean()) ** 2).sum()
    assert 0.75 < r2_pooled < 0.9
    assert demo.orphans.empty
    assert demo.prior.in_degree[demo.targets].median() >= 4


class TestRefusals:
    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            ({"n_series": 200}, r"\(200\) exceeds n_samples \(120\): every series needs"),
            ({"n_tfs": 5}, "n_tfs must be at least 20, got 5"),
            ({"n_targets": 0}, "n_targets must be at least 20, got 0"),
            ({"n_decoys": 11}, r"n_decoys \(11\) may be at most a quarter of n_tfs \(40\)"),
            ({"prior_recall": 0.0}, r"prior_recall must be within \[0.01, 1\], got 0.0"),
            ({"prior_recall": 1.2}, r"prior_recall must be within \[0.01, 1\], got 1.2"),
            ({"prior_recall": float("nan")}, "prior_recall must be within"),
            ({"prior_false_share": 1.0}, "prior_false_share must be within"),
            ({"prior_sign_errors": -0.1}, "prior_sign_errors must be within"),
            ({"mean_regulators": 30}, r"mean_regulators must be within \[1, 20\], got 30"),
            ({"n_external": (30,)}, "n_external has 1, external_shift has 2"),
            ({"n_external": (30, 0)}, r"n_external\[1\] must be at least 1"),
            ({"external_shift": (0.1, -1.0)}, r"external_shift\[1\] must be within"),
            ({"external_missing": (0.0, 1.0)}, r"external_missing\[1\] must be within"),
            ({"seed": -1}, "seed must be at least 0"),
            ({"dtype": "float16"}, "dtype must be one of float64, float32, got 'float16'"),
            (
                {"prior_recall": 1.0, "prior_false_share": 0.9, "mean_regulators": 12},
                "pairs are not regulated in truth; lower prior_false_share",
            ),
        ],
    )
    def test_a_setting_out_of_range(self, wrong, message):
        with pytest.raises(ValueError, match=message):
            simulate(**{**SMALL, **wrong})

    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            ({"n_samples": 12.5}, "n_samples must be a whole number, got 12.5"),
            ({"n_tfs": True}, "n_tfs must be a whole number, got True"),
            ({"prior_recall": "0.6"}, "prior_recall must be a number, got '0.6'"),
            ({"n_external": 150}, "n_external must list one entry a cohort"),
        ],
    )
    def test_a_setting_of_another_kind(self, wrong, message):
        with pytest.raises(TypeError, match=message):
            simulate(**{**SMALL, **wrong})

    @pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf")])
    def test_noise_out_of_range(self, value):
        with pytest.raises(ValueError, match="noise: gene must be a finite number >= 0"):
            Noise(gene=value)

    def test_a_share_above_one(self):
        with pytest.raises(ValueError, match=r"series_share must be within \[0, 1\], got 1.5"):
            Noise(series_share=1.5)

    def test_a_simulation_cannot_be_changed(self, small):
        with pytest.raises(dataclasses.FrozenInstanceError):
            small.prior = small.truth
