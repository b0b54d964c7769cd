"""The explorer's files hold what the run's artefacts hold, under the right names."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lembas.artifacts import Run
from lembas.explorer import Choice, Explorer, Sources, build
from lembas.explorer_edges import joined_attributions
from lembas.explorer_run import write_files
from lembas.explorer_text import ALPHABET, LEVELS, PER_FILE, Scale, script, thousandths
from lembas.explorer_words import drawn_sentence, ends_sentence, explained_sentence
from lembas.plotting.dark import DARK
from lembas.plotting.palette import MODEL_COLOURS
from tests.explorer_sources import COHORTS, ODD, PANEL, made_sources

N_GENES = 70


@pytest.fixture(scope="module")
def sources() -> Sources:
    return made_sources(N_GENES)


@pytest.fixture(scope="module")
def made(sources: Sources) -> Explorer:
    return build(sources, Choice(n_samples=10))


def read(text: str) -> tuple[str, Any]:
    """Read a script as a browser would: a call with two JSON texts."""
    inside = text.removeprefix("window.lembasExplorer.receive(").removesuffix(");\n")
    name, content = json.loads(f"[{inside}]")
    return name, content


def contents(explorer: Explorer) -> dict[str, Any]:
    return dict(read(text) for text in explorer.files.values())


def records(explorer: Explorer, kind: str) -> dict[str, dict[str, Any]]:
    """Find every record the way the page does: by its name's place among all names."""
    files = contents(explorer)
    names = files["index"][kind]["names"]
    found = {}
    for place, name in enumerate(names):
        own = files[f"{kind}-{place // files['index']['per_file']}"]
        found[name] = own[place % files["index"]["per_file"]]
        assert found[name]["name"] == name
    return found


def unpacked(text: str, low: float, step: float) -> np.ndarray:
    codes = [ALPHABET.index(letter) for letter in text]
    return np.array(
        [low + step * (64 * a + b) for a, b in zip(codes[::2], codes[1::2], strict=True)]
    )


def test_every_gene_and_tf_is_reached(sources: Sources, made: Explorer) -> None:
    genes, tfs = records(made, "genes"), records(made, "tfs")
    assert list(genes) == sources.dataset.targets.tolist()
    assert set(ODD) <= set(genes)
    assert set(tfs) == {*sources.dataset.inputs, "UNSEEN"}
    assert made.n_genes == N_GENES
    assert len(made.files) == math.ceil(N_GENES / PER_FILE) + 2
    assert list(made.files)[-1] == "index.js"


def test_models_have_the_colours_of_the_figures_in_both_themes(made: Explorer) -> None:
    for model in read(made.files["index.js"])[1]["models"]:
        assert model["colour"] == MODEL_COLOURS[model["name"]]
        assert model["dark"] == DARK[model["colour"]]


def test_points_are_the_predictions_and_the_observations(sources: Sources, made: Explorer) -> None:
    index, genes = contents(made)["index"], records(made, "genes")
    shown = [index["models"][place]["name"] for place in index["shown"]]
    assert shown == ["lembas", "masked_ridge", "ridge", "mlr", "xgbrf"]
    for gene in ("G00003", *ODD):
        for place, cohort in enumerate(index["cohorts"]):
            own = genes[gene]["points"][place]
            truth = sources.dataset.expression.loc[cohort["samples"], gene]
            if own is None:
                assert truth.isna().all()
                continue
            half = own["step"] / 2 * (1 + 1e-6)
            assert np.abs(unpacked(own["y"], own["low"], own["step"]) - truth).max() <= half
            for model, text in zip(shown, own["p"], strict=True):
                table = sources.predictions[cohort["name"]][model]
                assert (text is None) == (gene not in table.columns)
                if text is not None:
                    wanted = table.loc[cohort["samples"], gene]
                    found = unpacked(text, own["low"], own["step"])
                    assert np.abs(found - wanted).max() <= half


def test_samples_are_drawn_by_name(sources: Sources, made: Explorer) -> None:
    cohorts = contents(made)["index"]["cohorts"]
    assert {one["name"]: one["n"] for one in cohorts} == COHORTS
    assert [len(one["samples"]) for one in cohorts] == [10, 10, 9]
    assert [one["label"] for one in cohorts] == ["training samples", "test samples", "<b>away</b>"]
    small = build(sources, Choice(n_samples=30, most_mb=1e-9))
    assert set(small.n_drawn.values()) == {10, 9}, "never fewer than ten"


def test_scores_and_ranks_are_those_of_the_table(sources: Sources, made: Explorer) -> None:
    index, genes = contents(made)["index"], records(made, "genes")
    table = sources.per_gene.pivot_table(
        index=["cohort", "model", "gene"], columns="metric", values="value"
    )
    for gene in ("G00007", ODD[0], sources.dataset.targets[0]):
        for c, cohort in enumerate(index["cohorts"]):
            for m, model in enumerate(index["models"]):
                found = genes[gene]["scores"][c][m]
                key = (cohort["name"], model["name"], gene)
                if key not in table.index:
                    assert found is None
                    continue
                wanted = table.loc[key]
                for value, metric in zip(found, ("skill", "pearson", "rmse"), strict=False):
                    expected = wanted[f"{metric}_per_gene"]
                    assert (
                        value is None if np.isnan(expected) else abs(value - 1000 * expected) <= 0.5
                    )
                skill = table.loc[key[:2], "skill_per_gene"]
                assert found[3] == 1 + (skill > skill[gene]).sum()


def test_a_panel_model_has_scores_of_its_genes_only(sources: Sources, made: Explorer) -> None:
    index, genes = contents(made)["index"], records(made, "genes")
    place = [model["name"] for model in index["models"]].index("xgbrf")
    scored = [name for name, own in genes.items() if own["scores"][1][place] is not None]
    assert scored == sources.dataset.targets[:PANEL].tolist()


def test_edges_have_the_prior_s_signs_and_the_learned_weights(
    sources: Sources, made: Explorer
) -> None:
    index, genes, tfs = contents(made)["index"], records(made, "genes"), records(made, "tfs")
    names, models = index["tfs"]["names"], [index["models"][m]["name"] for m in index["weights"]]
    assert models == ["lembas", "masked_ridge"]
    weight = sources.weights.set_index(["model", "tf", "gene"])["weight"]
    signs = sources.network.edges.set_index(["TF", "Gene"])["Interaction"]
    n_edges = 0
    for gene, record in genes.items():
        own = record["regulators"]
        assert own["n"] == len(own["rows"]) == len(sources.network.regulators(gene))
        n_edges += own["n"]
        for place, sign, *values in own["rows"]:
            assert sign == signs[names[place], gene]
            for model, value in zip(models, values, strict=True):
                wanted = weight.get((model, names[place], gene))
                assert (value is None) == (wanted is None)
                assert value is None or abs(value - 1000 * wanted) <= 0.5
        sizes = [abs(row[2]) for row in own["rows"] if row[2] is not None]
        assert sizes == sorted(sizes, reverse=True)
    assert n_edges == len(sources.network)
    found = {
        (tf, index["genes"]["names"][row[0]]) for tf in tfs for row in tfs[tf]["targets"]["rows"]
    }
    assert found == set(signs.index)


def test_long_lists_keep_the_strongest_edges(sources: Sources) -> None:
    short = records(build(sources, Choice(n_targets=2, n_regulators=1)), "tfs")["TF0001"]
    whole = records(build(sources, Choice()), "tfs")["TF0001"]
    assert short["targets"]["n"] == whole["targets"]["n"] > 2
    assert short["targets"]["rows"] == whole["targets"]["rows"][:2]


def test_attributions_and_knock_outs(sources: Sources, made: Explorer) -> None:
    index, genes, tfs = contents(made)["index"], records(made, "genes"), records(made, "tfs")
    explained = sources.dataset.targets[1:3].tolist()
    assert [name for name, own in genes.items() if own["attributions"]] == explained
    assert made.n_explained == 2
    skill = sources.genes.set_index("gene")["skill.test.lembas"]
    first = index["genes"]["names"][index["first"]]
    assert first == skill[explained].idxmax(), "a gene with attributions is shown first"
    table = sources.attributions.set_index(["model", "gene", "tf"])
    for model, tf, share, direction in genes[explained[0]]["attributions"]:
        row = table.loc[index["models"][model]["name"], explained[0], index["tfs"]["names"][tf]]
        assert abs(share - 1000 * row["share"]) <= 0.5
        assert direction == row["direction"]
    tf = sources.dataset.inputs[0]
    for model, gene, share, _ in tfs[tf]["attributions"]:
        row = table.loc[index["models"][model]["name"], index["genes"]["names"][gene], tf]
        assert abs(share - 1000 * row["share"]) <= 0.5
    own = sources.responses[
        (sources.responses["tf"] == tf) & (sources.responses["model"] == "lembas")
    ]
    strongest = own.set_index("gene")["response"].abs().nlargest(12).index.tolist()
    lembas = [model["name"] for model in index["models"]].index("lembas")
    moved = [index["genes"]["names"][row[1]] for row in tfs[tf]["responses"] if row[0] == lembas]
    assert moved == strongest
    assert tfs["UNSEEN"]["responses"] == []


def test_an_explained_gene_is_taken_from_one_table_only() -> None:
    columns = ["model", "gene", "tf", "mean_abs_attribution", "direction"]
    summary = pd.DataFrame([("m", "A", "T1", 3.0, 1), ("m", "A", "T2", 1.0, 1)], columns=columns)
    panel = pd.DataFrame(
        [("m", "A", "T1", 9.0, 1), ("m", "B", "T1", 2.0, -1), ("n", "A", "T1", 5.0, 0)],
        columns=columns,
    )
    found = joined_attributions(summary, panel).set_index(["model", "gene", "tf"])["share"]
    assert found.to_dict() == {
        ("m", "A", "T1"): 0.75,
        ("m", "A", "T2"): 0.25,
        ("m", "B", "T1"): 1.0,
        ("n", "A", "T1"): 1.0,
    }
    assert joined_attributions(None, None).empty


def test_genes_of_like_difficulty_have_the_nearest_skill(sources: Sources, made: Explorer) -> None:
    genes, table = records(made, "genes"), sources.genes.set_index("gene")
    names = list(genes)
    for gene in ("G00011", "G00050"):
        own = table[table["expression_stratum"] == table.loc[gene, "expression_stratum"]]
        far = (own["skill.test.lembas"] - own.loc[gene, "skill.test.lembas"]).abs().drop(gene)
        found = [names[place] for place in genes[gene]["like"]]
        assert set(found) == set(far.nsmallest(6).index)


def test_tf_expression_is_the_cohort_s(sources: Sources, made: Explorer) -> None:
    tfs, dataset = records(made, "tfs"), sources.dataset
    tf = dataset.inputs[3]
    for place, cohort in enumerate(dataset.rows):
        values = dataset.cohorts[cohort].x[tf]
        wanted = [*np.percentile(values, [5, 25, 50, 75, 95]), values.mean()]
        assert np.abs(np.array(tfs[tf]["expression"][place]) - 1000 * np.array(wanted)).max() <= 0.5
    assert tfs[dataset.inputs[0]]["expression"][2] is None, "imputed, so not shown as measured"
    assert tfs["UNSEEN"]["expression"] == [None, None, None]


def test_the_table_s_columns(sources: Sources, made: Explorer) -> None:
    index = contents(made)["index"]
    columns = {column["key"]: column for column in index["genes"]["columns"]}
    table = sources.genes.set_index("gene").loc[index["genes"]["names"]]
    values = columns["skill.test.lembas"]["values"]
    assert values == thousandths(table["skill.test.lembas"])
    best = [index["models"][at]["name"] for at in columns["best.test"]["values"]]
    assert best == table["best.test"].tolist()
    assert columns["in_degree_measured"]["values"] == table["in_degree_measured"].tolist()
    stratum = columns["expression_stratum"]
    assert [stratum["names"][at] for at in stratum["values"]] == table[
        "expression_stratum"
    ].tolist()
    assert "verdict" not in columns, "what the run lacks has no column"
    assert columns["skill.<b>away</b>.lembas"]["title"] == 'Skill, lembas <&">, <b>away</b>'


def reordered(sources: Sources) -> Sources:
    """Give every table its rows, and where it has names its columns, in another order."""
    dataset = sources.dataset
    samples = np.concatenate([rows[::-1] for rows in dataset.rows.values()])
    turned = dataclasses.replace(
        dataset,
        expression=dataset.expression.iloc[samples, ::-1],
        samples=dataset.samples.iloc[samples],
    )
    return dataclasses.replace(
        sources,
        dataset=turned,
        labels=dict(reversed(sources.labels.items())),
        predictions={
            cohort: {model: table.iloc[::-1, ::-1] for model, table in own.items()}
            for cohort, own in sources.predictions.items()
        },
        **{
            name: getattr(sources, name).sample(frac=1, random_state=2, ignore_index=True)
            for name in ("genes", "per_gene", "weights", "attributions", "responses")
        },
    )


def without_order(explorer: Explorer) -> tuple[Any, ...]:
    """Take what the order of samples may change: the order of the points of a chart."""
    index = contents(explorer)["index"]
    order = [np.argsort(cohort.pop("samples")) for cohort in index["cohorts"]]
    index.pop("version")
    genes = records(explorer, "genes")
    for record in genes.values():
        for own, by_name in zip(record["points"], order, strict=True):
            if own is not None:
                texts = [own.pop("y"), *own.pop("p")]
                own["sorted"] = [
                    None if text is None else [text[2 * i : 2 * i + 2] for i in by_name]
                    for text in texts
                ]
    return index, genes, records(explorer, "tfs")


def test_order_changes_nothing(sources: Sources, made: Explorer) -> None:
    other = build(reordered(sources), Choice(n_samples=10))
    assert without_order(other) == without_order(made)


def test_another_name_moves_a_gene_with_all_that_is_its_own(sources: Sources) -> None:
    def renamed(name: Any) -> Any:
        return "ZZZ" if name == "G00003" else name

    dataset, network = sources.dataset, sources.network
    other = dataclasses.replace(
        sources,
        dataset=dataclasses.replace(
            dataset,
            expression=dataset.expression.rename(columns=renamed),
            targets=dataset.targets.map(renamed).sort_values(),
        ),
        network=type(network).from_edges(
            network.edges.assign(Gene=network.edges["Gene"].map(renamed)), unsigned=True
        ),
        predictions={
            cohort: {model: table.rename(columns=renamed) for model, table in own.items()}
            for cohort, own in sources.predictions.items()
        },
        **{
            name: getattr(sources, name).assign(gene=getattr(sources, name)["gene"].map(renamed))
            for name in ("genes", "per_gene", "weights", "attributions", "responses")
        },
    )
    old, new = (build(each, Choice(n_samples=10)) for each in (sources, other))
    before, after = records(old, "genes")["G00003"], records(new, "genes")["ZZZ"]
    for part in ("scores", "points", "regulators"):
        assert before[part] == after[part]


def test_no_name_leaves_its_place_as_text(made: Explorer) -> None:
    for text in made.files.values():
        assert text.isascii()
        assert "<" not in text


def test_numbers_are_packed_within_half_a_step() -> None:
    values = np.array([[0.0, -1.25, 3.0, np.nan], [4.095, 2.5, 3.0, 1.0]])
    scale = Scale.over(values)
    texts = scale.packed(values)
    assert texts[3] is None
    for gene in range(3):
        found = unpacked(texts[gene], scale.low[gene], scale.step[gene])
        assert np.abs(found - values[:, gene]).max() <= scale.step[gene] / 2 * (1 + 1e-9)
    assert scale.low[0] + LEVELS * scale.step[0] >= 4.095
    assert thousandths([0.0005, -1.2346, np.inf]) == [0, -1235, None]
    with pytest.raises(ValueError, match="JSON compliant"):
        script("a", [float("nan")])


def test_files_replace_those_of_an_earlier_run(made: Explorer, tmp_path) -> None:
    folder = tmp_path / "explorer"
    folder.mkdir()
    for name in ("genes-99.js", "kept.txt"):
        (folder / name).write_text("old")
    write_files(Run.open(tmp_path), made)
    assert {path.name for path in folder.iterdir()} == {*made.files, "kept.txt"}
    assert all((folder / name).read_text() == text for name, text in made.files.items())


def test_what_does_not_fit_together_is_refused(sources: Sources) -> None:
    with pytest.raises(ValueError, match=r"differ in 1 gene\(s\): G00004; run chapter 11_where"):
        dataclasses.replace(sources, genes=sources.genes[sources.genes["gene"] != "G00004"])
    with pytest.raises(
        KeyError, match=r"no model 'gone' was fitted in this run; fitted: train_mean"
    ):
        build(sources, Choice(model="gone"))
    with pytest.raises(ValueError, match=r"1 score\(s\) are given twice: .* keep one a gene"):
        build(twice(sources, "per_gene"), Choice())
    with pytest.raises(ValueError, match=r"1 edge\(s\) have two weights of one model: .* keep one"):
        build(twice(sources, "weights"), Choice())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_samples": 0}, "n_samples must be at least 1, got 0"),
        ({"n_regulators": -1}, "n_regulators must be at least 1, got -1"),
        ({"n_targets": 0}, "n_targets must be at least 1"),
        ({"most_mb": float("nan")}, "most_mb must be"),
    ],
)
def test_numbers_without_meaning_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Choice(**settings)


def test_the_model_asked_about_and_its_reference_are_drawn_first(sources: Sources) -> None:
    choice = Choice(model="mlr", reference="ridge", shown=("lembas", "gone", "mlr"))
    index = contents(build(sources, choice))["index"]
    drawn = [index["models"][place]["name"] for place in index["shown"]]
    assert drawn == ["mlr", "ridge", "lembas"]


def twice(sources: Sources, name: str) -> Sources:
    table = getattr(sources, name)
    return dataclasses.replace(sources, **{name: pd.concat([table, table.head(1)])})


def test_without_attributions_and_knock_outs_the_explorer_is_made(sources: Sources) -> None:
    changes: Mapping[str, Any] = {
        "attributions": joined_attributions(None, None),
        "responses": sources.responses.head(0),
    }
    made = build(dataclasses.replace(sources, **changes), Choice())
    assert made.n_explained == 0
    best = sources.genes.set_index("gene")["skill.test.lembas"].idxmax()
    index = contents(made)["index"]
    assert index["genes"]["names"][index["first"]] == best


def test_sentences() -> None:
    n = {"train": 100, "test": 20, "far": 1}
    drawn = {"train": 10, "test": 20, "far": 1}
    assert drawn_sentence(drawn, n) == (
        "The charts draw 10 of 100 samples of the training set, all 20 samples of the test set and "
        "all 1 sample of far; scores are of all samples."
    )
    assert explained_sentence(0, 5) == "Attributions were computed for none of them."
    assert explained_sentence(1, 1500).startswith("Attributions were computed for 1 gene of 1,500;")


def test_the_best_and_the_worst_gene_are_named() -> None:
    genes = pd.DataFrame({"gene": ["A", "B", "C", "D"], "skill.test.m": [0.5, -0.001, 0.9, np.nan]})
    assert ends_sentence(genes, "m", {"m": "Model M"}) == (
        "Model M predicts C best (skill 0.90 on the test samples) and B worst (0.00)."
    )
    assert ends_sentence(genes.head(1), "m", {}) == "m predicts A with a skill of 0.50."
    assert ends_sentence(genes, "n", {}) == "n has no skill on the test samples that is defined."
