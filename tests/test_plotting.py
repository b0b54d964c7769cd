"""Tests of the figures: they draw the table they were given, readably, the same each time."""

import functools
import itertools
import subprocess
import sys
from collections.abc import Callable

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from lembas import plotting
from lembas.plotting import rows, style
from lembas.plotting.attribution import waterfall_steps
from lembas.plotting.density import plain_number
from lembas.plotting.drawing import LARGEST_CSV
from tests.evidence_tables import learning_table, ranks_table, strata_table
from tests.figure_tables import (
    COHORTS,
    FIGURES,
    LABELS,
    MODELS,
    UNIT,
    VARIANT_LABELS,
    agreement_table,
    alphas_table,
    attribution_table,
    batch_scaling_tables,
    control_tables,
    depths_table,
    edges_table,
    history_table,
    matrices,
    mean_attribution_table,
    missing_table,
    original_table,
    per_gene_table,
    samples_table,
    scaling_tables,
    scores_table,
    strata_statistics,
    throughput_table,
)
from tests.knockout_tables import compared_table, knockout_scores_table, responses_table
from tests.sight import DEFICIENCIES, contrast, least_distance
from tests.truth_tables import NAMES as TRUTH_NAMES
from tests.truth_tables import ranges_table, recovery_table


@functools.cache
def figure(name: str) -> plotting.Drawing:
    """Draw a figure once for all the tests that only look at it."""
    return FIGURES[name]()


def drawn_texts(drawing: plotting.Drawing, monkeypatch: pytest.MonkeyPatch) -> list[tuple]:
    """Record every text that is really drawn, with its box in pixels."""
    found = []
    original = Text.draw

    def record(self: Text, renderer: object, *args: object, **kwargs: object) -> None:
        if self.get_visible() and self.get_text().strip():
            box = Text.get_window_extent(self, renderer)
            found.append((self.get_text(), box, self.get_fontsize()))
        original(self, renderer, *args, **kwargs)

    with monkeypatch.context() as patch, mpl.rc_context(dict(style.RC)):
        patch.setattr(Text, "draw", record)
        FigureCanvasAgg(drawing).draw()
    return found


def overlaps(texts: list[tuple]) -> list[str]:
    """List the pairs of texts whose boxes, one pixel smaller all round, share an area."""
    boxes = [(words, box.padded(-1)) for words, box, _ in texts]
    return [
        f"{a!r} / {b!r}"
        for (a, first), (b, second) in itertools.combinations(boxes, 2)
        if min(first.x1, second.x1) > max(first.x0, second.x0)
        and min(first.y1, second.y1) > max(first.y0, second.y0)
    ]


def flat(words: str) -> str:
    """Undo line breaks."""
    return " ".join(words.split())


def lines_of(axes: Axes) -> list[tuple[list[float], list[float]]]:
    """List the x and y data of a panel's lines."""
    return [
        (list(map(float, x)), list(map(float, y)))
        for x, y in (line.get_data() for line in axes.lines)
    ]


@pytest.mark.parametrize("name", FIGURES)
def test_text_is_large_enough_and_overlaps_nothing(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = drawn_texts(figure(name), monkeypatch)
    assert len(texts) > 3
    assert overlaps(texts) == []
    assert min(size for *_, size in texts) >= 10
    frame = figure(name).bbox.padded(1)
    outside = [
        words
        for words, box, _ in texts
        if not (
            frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
        )
    ]
    assert outside == []


@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_narrow_and_light_cards(name: str) -> None:
    drawing = figure(name)
    assert drawing.get_figwidth() <= 6.4
    assert drawing.get_facecolor() == (1.0, 1.0, 1.0, 1.0)
    assert len(drawing._repr_svg_()) < 400_000
    assert not drawing.table.columns.duplicated().any()
    # Thirteen models; a report shows four where there are as many numbers.
    written = drawing.table.to_csv(index=False, float_format="%.6g")
    assert 20 < len(written) < 2 * LARGEST_CSV


@pytest.mark.parametrize("name", ["skill_forest", "predicted_against_observed", "waterfalls"])
def test_svg_is_the_same_each_time(name: str) -> None:
    first, second = plotting.to_svg(FIGURES[name]()), plotting.to_svg(FIGURES[name]())
    assert first == second
    assert "<dc:date>" not in first


def test_drawing_leaves_the_settings_alone() -> None:
    before = dict(mpl.rcParams)
    FIGURES["library_sizes"]()
    assert dict(mpl.rcParams) == before


def test_importing_the_figures_loads_neither_pyplot_nor_torch() -> None:
    code = (
        "import sys, lembas.plotting;"
        "sys.exit(bool({'matplotlib.pyplot', 'torch', 'seaborn'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("vision", DEFICIENCIES)
def test_model_colours_differ_for_every_kind_of_sight(vision: str) -> None:
    least = 19 if vision == "tritan" else 25
    assert least_distance(style.MODEL_COLOURS.values(), vision) >= least


def test_model_colours_stand_out_from_the_card() -> None:
    for name in [*MODELS, "my_forest", "pls_40", "my_model"]:
        assert contrast(plotting.model_colour(name), style.CARD) >= 3, name


def test_model_markers_are_unique_and_unknown_models_keep_their_look() -> None:
    assert len(set(style.MODEL_MARKERS.values())) == len(MODELS) == len(style.MODEL_MARKERS)
    look = (plotting.model_colour("my_model"), plotting.model_marker("my_model"))
    assert look == (plotting.model_colour("my_model"), plotting.model_marker("my_model"))
    assert look[0] not in style.MODEL_COLOURS.values()
    assert plotting.model_colour("my_model") != plotting.model_colour("my_model_2")


def test_cohorts_keep_their_look_whatever_the_order() -> None:
    there = style.cohort_styles(["far", "test", "train", "far"])
    assert list(there) == ["train", "test", "far"]
    assert there["test"] == style.cohort_styles(["test"])["test"]


def test_models_are_ordered_by_the_palette_then_by_name() -> None:
    assert style.ordered_models(["zeta", "lembas", "alpha", "mlr"]) == [
        "mlr",
        "lembas",
        "alpha",
        "zeta",
    ]


@pytest.mark.parametrize("name", ["skill_forest", "latency", "waterfalls", "gene_violins"])
def test_labels_are_those_given(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    words = [flat(text) for text, *_ in drawn_texts(figure(name), monkeypatch)]
    assert LABELS["lembas"] in words
    assert "lembas" not in words


def test_labels_may_be_a_series(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = pd.Series(LABELS)
    drawing = plotting.aggregate_scores(scores_table(), cohort="test", labels=labels)
    assert LABELS["lembas"] in [text for text, *_ in drawn_texts(drawing, monkeypatch)]
    drawing = plotting.missingness(missing_table(), labels=labels)
    words = [text for text, *_ in drawn_texts(drawing, monkeypatch)]
    assert {"TF inputs", LABELS["far"]} <= set(words)


def test_without_labels_names_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    drawing = plotting.aggregate_scores(scores_table(), cohort="test")
    words = [text for text, *_ in drawn_texts(drawing, monkeypatch)]
    assert "lembas_published" in words


def test_long_labels_and_many_models_do_not_collide(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = scores_table()
    extra = [
        scores.loc[scores["model"] == "ridge"].assign(model=f"a_model_of_mine_number_{i}")
        for i in range(5)
    ]
    labels = {
        f"a_model_of_mine_number_{i}": f"A model of mine with very many words {i}" for i in range(5)
    }
    drawing = plotting.skill_forest(pd.concat([scores, *extra]), labels={**LABELS, **labels})
    assert overlaps(drawn_texts(drawing, monkeypatch)) == []


def test_intervals_and_null_are_drawn_where_the_table_says() -> None:
    table = scores_table()
    drawing = plotting.aggregate_scores(table, ["r2_pooled"], cohort="test", labels=LABELS)
    drawn = [x for x, _ in lines_of(drawing.axes[0])]
    rows_here = table.loc[(table["cohort"] == "test") & (table["metric"] == "r2_pooled")]
    for _, row in rows_here.iterrows():
        assert [row["low"], row["high"]] in drawn
        assert [row["value"]] in drawn
    null = rows_here.set_index("model").loc["train_mean", "value"]
    assert [null, null] in drawn


def test_an_undefined_interval_draws_the_value_alone() -> None:
    drawing = plotting.skill_forest(scores_table(), cohorts=["test"])
    marks = [x for x, _ in lines_of(drawing.axes[0])]
    assert [0.0] in marks
    assert not any(np.isnan(x).any() for x in marks)


def test_row_order_of_the_table_changes_nothing() -> None:
    table = scores_table()
    shuffled = table.sample(frac=1, random_state=0)
    kwargs = {"cohorts": COHORTS, "labels": LABELS}
    assert plotting.to_svg(plotting.skill_forest(table, **kwargs)) == plotting.to_svg(
        plotting.skill_forest(shuffled, **kwargs)
    )


def test_predictions_meet_the_truth_by_label() -> None:
    truth, predictions, _ = matrices()
    mixed = {m: p.sample(frac=1, random_state=1)[p.columns[::-1]] for m, p in predictions.items()}
    kwargs = {"cohort": "test", "unit": UNIT}
    assert plotting.to_svg(
        plotting.predicted_against_observed(truth, predictions, scores_table(), **kwargs)
    ) == plotting.to_svg(
        plotting.predicted_against_observed(truth, mixed, scores_table(), **kwargs)
    )


def test_a_panel_model_has_the_null_of_its_own_genes(monkeypatch: pytest.MonkeyPatch) -> None:
    truth, predictions, _ = matrices()
    table = scores_table()
    here = (table["metric"] == "r2_pooled") & (table["cohort"] == "test")
    rows = table[here & table["model"].isin(["train_mean", "xgbrf"])].assign(genes="panel of xgbrf")
    rows = rows.assign(value=rows["model"].map({"train_mean": 0.125, "xgbrf": 0.875}))
    scores = pd.concat([table[~(here & (table["model"] == "xgbrf"))], rows])
    panel = {"xgbrf": predictions["xgbrf"].iloc[:, :9], "mlr": predictions["mlr"]}
    drawing = plotting.predicted_against_observed(truth, panel, scores, cohort="test", unit=UNIT)
    words = [text for text, *_ in drawn_texts(drawing, monkeypatch)]
    assert "R² pooled 0.875\nnull 0.125" in words
    null = table.loc[here & (table["model"] == "train_mean"), "value"].item()
    assert any(text.endswith(f"\nnull {null:.3f}") for text in words)


def test_every_point_is_counted_once() -> None:
    truth, _, _ = matrices()
    panels = [axes for axes in figure("predicted_against_observed").axes if axes.get_title("left")]
    assert len(panels) == len(MODELS)
    for axes in panels:
        assert axes.collections[0].get_array().sum() == truth.size


def test_a_model_of_fewer_genes_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    truth, predictions, strata = matrices()
    panel = {"xgbrf": predictions["xgbrf"].iloc[:, ::2]}
    drawing = plotting.predicted_against_observed(
        truth, panel, scores_table(), cohort="test", unit=UNIT
    )
    words = [flat(text) for text, *_ in drawn_texts(drawing, monkeypatch)]
    assert "xgbrf, 45 of 90 genes" in words
    assert drawing.axes[0].collections[0].get_array().sum() == truth.size / 2
    drawing = plotting.residuals_by_stratum(
        truth, panel, strata, statistics=strata_statistics(), cohort="test", unit=UNIT
    )
    assert "xgbrf, 45 of 90 genes" in [t for t, *_ in drawn_texts(drawing, monkeypatch)]


def test_genes_without_a_penalty_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    table = alphas_table()
    table.loc[[60, 70], "alpha"] = np.nan
    words = [text for text, *_ in drawn_texts(plotting.ridge_alphas(table), monkeypatch)]
    assert "masked_ridge (2 genes without)" in words


def test_each_pooled_r2_has_the_null_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    table = scores_table()
    here = table.loc[(table["cohort"] == "test") & (table["metric"] == "r2_pooled")]
    pooled = here.set_index("model")["value"]
    words = [t for t, *_ in drawn_texts(figure("predicted_against_observed"), monkeypatch)]
    for model in MODELS[1:]:
        assert f"R² pooled {pooled[model]:.3f}\nnull {pooled['train_mean']:.3f}" in words


def test_residuals_are_observed_minus_predicted() -> None:
    truth, _, strata = matrices()
    statistics = strata_statistics().query("model == 'lembas'")
    drawing = plotting.residuals_by_stratum(
        truth, {"lembas": truth - 1.0}, strata, statistics=statistics, cohort="test", unit=UNIT
    )
    mesh = drawing.axes[0].collections[0]
    up = mesh.get_coordinates()[:, 0, 1]
    cells = np.ma.filled(mesh.get_array(), 0).reshape(len(up) - 1, -1).sum(axis=1)
    row = int(np.argmax(cells))
    assert cells[row] == truth.size / 3
    assert up[row] <= 1.0 + 1e-9 <= up[row + 1] + 1e-6


def test_waterfall_leads_from_base_to_prediction() -> None:
    table = attribution_table().query("model == 'lembas' and gene == 'ALB'")
    steps = waterfall_steps(table, 5)
    assert steps["label"].iloc[-1] == "35 others"
    assert steps["start"].iloc[0] == pytest.approx(2.0)
    assert steps["end"].iloc[-1] == pytest.approx(table["prediction"].iloc[0])
    assert list(steps["start"][1:]) == pytest.approx(list(steps["end"][:-1]))
    assert steps["attribution"][:5].abs().is_monotonic_decreasing


def test_waterfalls_share_a_scale_by_gene_or_all() -> None:
    table = attribution_table()
    by_gene = plotting.waterfalls(table, unit=UNIT)
    limits = {axes.get_title("left"): axes.get_xlim() for axes in by_gene.axes}
    assert all(axes.get_xlim() == limits[axes.get_title("left")] for axes in by_gene.axes)
    shared = plotting.waterfalls(table, unit=UNIT, common_scale=True)
    assert len({axes.get_xlim() for axes in shared.axes}) == 1


def test_degrees_are_shares_of_nodes_with_at_least_so_many_edges() -> None:
    # By hand: degrees 1, 1, 2, 4 give 4/4 at 1, 2/4 at 2, 1/4 at 4; a node without edges is out.
    degree = pd.Series([1, 1, 2, 4, 0], index=list("abcde"))
    top = plotting.degree_distributions(degree, degree).axes[0]
    assert lines_of(top)[0] == ([1, 2, 4], [1.0, 0.5, 0.25])


def test_curve_gives_the_share_of_genes_at_or_above() -> None:
    # By hand: of -1, 0, 0.5, 1, three quarters reach 0 and one quarter reaches 1.
    table = pd.DataFrame({"gene": list("abcd"), "value": [0.5, -1.0, 1.0, 0.0]})
    table = table.assign(model="ridge", cohort="test", metric="skill_per_gene")
    curve = lines_of(plotting.skill_ecdf(table, cohort="test").axes[0])[0]
    assert curve == ([-1.0, 0.0, 0.5, 1.0], [100.0, 75.0, 50.0, 25.0])


def test_values_below_the_floor_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    table = per_gene_table()
    mlr = (table["model"] == "mlr") & (table["metric"] == "skill_per_gene")
    table.loc[table.index[mlr][:3], "value"] = -7.0
    drawing = plotting.gene_violins(table, ["skill_per_gene"], cohort="test")
    words = [text for text, *_ in drawn_texts(drawing, monkeypatch)]
    assert sum(text.endswith("3 below -1") for text in words) == 1
    assert drawing.axes[0].get_xlim()[0] > -1.3


def test_hubs_come_by_number_of_edges() -> None:
    edges = edges_table()
    axes = plotting.hubs(edges, top=3).axes[0]
    shown = [label.get_text() for label in axes.get_yticklabels()]
    assert shown[::-1] == list(edges["TF"].value_counts().index[:3])


def test_block_shows_regulators_across_and_regulated_down() -> None:
    edges = pd.DataFrame({"TF": ["A", "B"], "Gene": ["B", "g"], "Interaction": [-1, 1]})
    axes = plotting.tf_block(edges).axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["A", "B"]
    # Where there is no edge the cell is masked.
    assert axes.collections[0].get_array().reshape(2, 2).tolist() == [[None, None], [-1, None]]


def test_missing_shares_are_those_of_the_table() -> None:
    axes = figure("missingness").axes[0]
    assert sorted(bar.get_width() for bar in axes.patches) == pytest.approx([0, 10 / 150, 1, 1])


def test_times_and_bounds_are_drawn_where_the_table_says() -> None:
    points, exponents = scaling_tables()
    drawing = plotting.scaling(points.sample(frac=1, random_state=0), exponents)
    panels = {axes.get_xlabel(): axes for axes in drawing.axes}
    assert set(panels) == set(exponents["axis"])
    for axis, chosen in points.groupby("axis"):
        sizes = chosen["value"].astype(float).tolist()
        median, bound = lines_of(panels[axis])
        assert median == (sizes, chosen["median_ms"].tolist())
        assert bound == (sizes, chosen["bound_ms"].tolist())
        ends = [list(part[:, 1]) for part in panels[axis].collections[0].get_segments()]
        assert ends == chosen[["min_ms", "max_ms"]].to_numpy().tolist()
        assert flat(panels[axis].get_title("left")) in set(exponents["words"])
    assert len({axes.get_ylim() for axes in drawing.axes}) == 1


def test_one_model_and_one_size_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    points, words = batch_scaling_tables()
    one = plotting.batch_scaling(points.head(1), words)
    assert lines_of(one.axes[0]) == [([1.0], points["median_ms"].head(1).tolist())]
    points, exponents = scaling_tables()
    alone = plotting.scaling(points.tail(1), exponents.assign(words="time against T"))
    assert len(alone.axes) == 1
    assert lines_of(alone.axes[0])[1] == ([200.0], points["bound_ms"].tail(1).tolist())
    for drawing in (one, alone):
        texts = drawn_texts(drawing, monkeypatch)
        assert overlaps(texts) == []


def test_an_axis_without_words_is_named() -> None:
    points, exponents = scaling_tables()
    with pytest.raises(ValueError, match="no words for the axis TFs, T; fit exponents first"):
        plotting.scaling(points, exponents[~exponents["axis"].isin(["TFs", "T"])])
    points, words = batch_scaling_tables()
    with pytest.raises(KeyError, match="ridge"):
        plotting.batch_scaling(points, words.query("model != 'ridge'"))


def test_every_control_is_one_dot_and_the_real_network_a_line() -> None:
    scores, differences = control_tables()
    drawing = plotting.network_ladder(
        scores.sample(frac=1, random_state=0), differences, cohort="far", variants=VARIANT_LABELS
    )
    assert [axes.get_title("left") for axes in drawing.axes] == ["masked_ridge", "lembas"]
    own = scores.query("cohort == 'far' and model == 'lembas'").set_index("variant")
    drawn = [x for x, _ in lines_of(drawing.axes[1])]
    assert own.loc["rewired", "value"].tolist() in drawn
    assert own.loc["real", ["low", "high"]].tolist() in drawn
    assert [own.loc["real", "value"]] * 2 in drawn


def test_the_difference_stands_beside_each_control(monkeypatch: pytest.MonkeyPatch) -> None:
    row = control_tables()[1].query("model == 'lembas' and cohort == 'test'").iloc[0]
    words = [text for text, *_ in drawn_texts(figure("network_ladder"), monkeypatch)]
    assert f"real {row['value']:+.3f} [{row['low']:+.3f}, {row['high']:+.3f}]" in words
    assert "Rewired, same degrees (20)" in words


def test_controls_without_the_real_network_are_refused() -> None:
    scores, differences = control_tables()
    real = (scores["variant"] == "real") & (scores["model"] == "lembas")
    with pytest.raises(ValueError, match="no score of the real network for lembas"):
        plotting.network_ladder(scores[~real], differences, cohort="test", variants=VARIANT_LABELS)
    with pytest.raises(ValueError, match="each depth and cohort may occur once"):
        plotting.depth_curve(pd.concat([depths_table(), depths_table()]))


def test_depths_are_drawn_at_equal_distances_and_not_below_the_floor() -> None:
    axes = figure("depth_curve").axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "2", "3", "10"]
    x, y = lines_of(axes)[0]
    assert np.diff(x) == pytest.approx([1, 1, 1])
    assert y == [-0.5, 0.41, 0.5, 0.52]
    assert "drawn there" in axes.get_xlabel()


def test_chosen_epoch_is_marked_in_every_panel() -> None:
    for axes in figure("training_history").axes:
        assert any(x == [41, 41] for x, _ in lines_of(axes))


def test_history_without_validation_or_chosen_epoch_draws() -> None:
    history = history_table().assign(validation_loss=np.nan).drop(columns="sign_violations")
    drawing = plotting.training_history(history.query("phase == 'search'"))
    assert [len(axes.lines) for axes in drawing.axes] == [1, 2]


def test_a_training_without_a_learning_rate_gets_no_empty_panel() -> None:
    history = history_table().assign(learning_rate=np.nan)
    named = [axes.get_ylabel() for axes in plotting.training_history(history).axes]
    assert len(named) == 2
    assert not any("learning" in name for name in named)


def test_refit_is_drawn_apart_from_the_search() -> None:
    losses = lines_of(figure("training_history").axes[0])
    assert [max(x) for x, _ in losses[:3]] == [80, 80, 41]


@pytest.mark.parametrize(
    ("value", "words"), [(0, "0"), (0.00421, "0.00421"), (4.8, "4.8"), (9415.526, "9,416")]
)
def test_plain_numbers_have_three_digits_and_no_exponent(value: float, words: str) -> None:
    assert plain_number(value) == words


def test_notes_say_what_is_not_defined() -> None:
    assert rows.interval_note(np.nan, np.nan, np.nan) == "not defined"
    assert rows.interval_note(0.5, np.nan, np.nan, digits=2) == "0.50"
    assert rows.interval_note(0.5, 0.4, 0.6, digits=1) == "0.5 [0.4, 0.6]"


@pytest.mark.parametrize(
    ("draw", "column"),
    [
        (lambda t: plotting.skill_forest(t), "low"),
        (lambda t: plotting.gene_violins(t, cohort="test"), "gene"),
        (lambda t: plotting.library_sizes(t), "library_size"),
        (lambda t: plotting.hubs(t), "Interaction"),
        (lambda t: plotting.training_history(t), "learning_rate"),
        (lambda t: plotting.throughput(t), "batch_size"),
        (lambda t: plotting.waterfalls(t, unit=UNIT), "base"),
        (lambda t: plotting.scaling(t, scaling_tables()[1]), "bound_ms"),
        (lambda t: plotting.batch_scaling(t, batch_scaling_tables()[1]), "max_ms"),
        (lambda t: plotting.depth_curve(t), "depth"),
    ],
)
def test_a_missing_column_is_named(draw: Callable, column: str) -> None:
    tables = [
        scores_table(),
        per_gene_table(),
        samples_table(),
        edges_table(),
        history_table(),
        throughput_table(),
        attribution_table(),
        batch_scaling_tables()[0],
        scaling_tables()[0],
        depths_table(),
    ]
    table = next(table for table in tables if column in table.columns)
    with pytest.raises(KeyError, match=rf"lacks the column\(s\) .*{column}.*it has"):
        draw(table.drop(columns=column))
    with pytest.raises(ValueError, match="no rows"):
        draw(table.head(0))


def test_bad_input_is_explained() -> None:
    truth, predictions, strata = matrices()
    scores = scores_table()
    with pytest.raises(ValueError, match="cohort = 'nowhere'; the table has: train, test, far"):
        plotting.aggregate_scores(scores, cohort="nowhere")
    with pytest.raises(ValueError, match="more than once for: train_mean"):
        plotting.skill_forest(pd.concat([scores, scores.head(4)]))
    other = {"ridge": predictions["ridge"].rename(columns={"G3": "XYZ"})}
    with pytest.raises(ValueError, match=r"ridge does not fit the truth, 1 genes not .*: XYZ"):
        plotting.predicted_against_observed(truth, other, scores, cohort="test", unit=UNIT)
    fewer = {"ridge": predictions["ridge"].drop(index="s3")}
    with pytest.raises(ValueError, match="1 samples in one only: s3"):
        plotting.predicted_against_observed(truth, fewer, scores, cohort="test", unit=UNIT)
    with pytest.raises(ValueError, match=r"in the stratum 'high'; .* needs a gene"):
        plotting.residuals_by_stratum(
            truth,
            predictions,
            strata.replace("high", "low"),
            statistics=strata_statistics(),
            cohort="test",
            unit=UNIT,
        )
    with pytest.raises(ValueError, match="share no cohort"):
        plotting.original_beside_ours(
            scores, original_table().assign(cohort="elsewhere"), metric="r2_pooled"
        )


def test_bad_networks_penalties_and_attributions_are_explained() -> None:
    attributions = attribution_table()
    with pytest.raises(ValueError, match="at most two genes, not 3"):
        plotting.waterfalls(attributions, unit=UNIT, genes=["ALB", "AFP", "TF"])
    with pytest.raises(ValueError, match="more than one attribution a TF"):
        plotting.waterfalls(pd.concat([attributions, attributions]), unit=UNIT)
    mean = mean_attribution_table()
    with pytest.raises(ValueError, match="given twice: HNF4A, mlr"):
        plotting.mean_attribution(pd.concat([mean, mean]), gene="ALB", unit=UNIT)
    with pytest.raises(ValueError, match="in_degree has no node"):
        plotting.degree_distributions(pd.Series([0]), pd.Series([1]))
    with pytest.raises(ValueError, match="table has no rows; a figure needs at least one"):
        plotting.ridge_alphas(alphas_table().iloc[:0])
    with pytest.raises(ValueError, match="penalties must be positive"):
        plotting.ridge_alphas(alphas_table().assign(alpha=0.0))
    with pytest.raises(ValueError, match="mlr in rows or columns of the agreement table alone"):
        plotting.agreement(agreement_table().drop(columns="mlr"), quantity="overlap")


def test_a_network_without_tf_tf_edges_is_said_to_be_so():
    edges = pd.DataFrame({"TF": ["A"], "Gene": ["g"], "Interaction": [1]})
    figure = plotting.tf_block(edges)
    assert not figure.axes
    assert "No TF of the network regulates a TF" in [text.get_text() for text in figure.texts]


def test_a_model_far_below_the_null_does_not_squeeze_the_others():
    rows = [
        ("train_mean", 0.0, 0.0, 0.0),
        ("ridge", 0.5, 0.4, 0.6),
        ("mlr", -900.0, -950.0, -800.0),
    ]
    scores = pd.DataFrame(rows, columns=["model", "value", "low", "high"]).assign(
        cohort="test", metric="skill_median_over_genes"
    )
    axes = plotting.skill_forest(scores).axes[0]
    assert axes.get_xlim()[0] > -1.5
    assert "values below -1 are drawn there" in axes.get_xlabel()
    assert any("-900.00" in text.get_text() for text in axes.figure.findobj(Text))


def test_curves_and_ranks_draw_their_tables() -> None:
    table = learning_table()
    table.loc[0, ["value", "low"]] = -4.0  # drawn at the floor, which is said
    drawing = plotting.learning_curves(table, labels=LABELS)
    (axes,) = drawing.axes
    assert "values below -1 are drawn there" in axes.get_xlabel()
    drawn = sorted(round(y, 6) for _, ys in lines_of(axes)[:-1] for y in ys)
    assert drawn == sorted(table["value"].clip(lower=-1).round(6))
    ranks = ranks_table()
    (axes,) = plotting.mean_ranks(ranks, 1.2, labels=LABELS).axes
    ends = [tuple(x) for x, _ in lines_of(axes) if len(x) == 2]
    np.testing.assert_allclose(sorted(ends), sorted(zip(ranks["low"], ranks["high"], strict=True)))
    assert "1.20 ranks" in axes.get_xlabel()


def test_a_stratum_shows_both_models_and_leaves_out_the_empty() -> None:
    table = strata_table()
    drawing = plotting.strata_differences(
        table, kind="expression", model="lembas", words="mean and SD", labels=LABELS
    )
    words = [text.get_text() for text in drawing.axes[0].texts]
    assert "none of these" not in words
    marks = [x[0] for x, _ in lines_of(drawing.axes[0]) if len(x) == 1]
    assert sorted(marks) == sorted(table["value"].dropna())
    with pytest.raises(ValueError, match="no row with kind = 'distance'; the table has"):
        plotting.strata_differences(table, kind="distance", model="lembas", words="steps")


def test_responders_are_the_genes_that_move_most_on_average() -> None:
    table = responses_table()
    drawing = plotting.knockout_responders(table, ["FOXA2"], top=3, labels=LABELS)
    (axes,) = drawing.axes
    own = table[table["tf"] == "FOXA2"].assign(size=lambda rows: rows["response"].abs())
    expected = own.groupby("gene")["size"].mean().nlargest(3).index[::-1].tolist()
    assert [tick.get_text() for tick in axes.get_yticklabels()] == expected
    drawn = {line.get_label(): line.get_xdata() for line in axes.lines[:-1]}
    ridge = own[own["model"] == "ridge"].set_index("gene")["response"].loc[expected]
    assert list(drawn["Ridge"]) == ridge.tolist()


def test_a_held_node_is_drawn_hollow() -> None:
    drawing = plotting.response_scores(knockout_scores_table(), level="zero")
    faces = [
        line.get_markerfacecolor() for line in drawing.axes[0].lines if len(line.get_xdata()) == 1
    ]
    assert faces.count(style.CARD) == 1


def test_a_figure_of_an_unknown_level_names_those_there_are() -> None:
    with pytest.raises(ValueError, match="no row with level = 'p9'; the table has: zero, p5"):
        plotting.responses_against_truth(compared_table(), level="p9")


def test_recovery_draws_each_model_beside_chance() -> None:
    table = recovery_table()
    drawing = plotting.recovery(table, questions={"paths": "over any path"}, labels=TRUTH_NAMES)
    own = table.query("question == 'paths' and metric == 'auprc_over_base'").set_index("model")
    (axes,) = drawing.axes
    drawn = [x for x, _ in lines_of(axes)]
    for model in own.index:
        assert [own.loc[model, "value"]] in drawn
    assert [1.0, 1.0] in drawn
    assert flat(axes.get_title(loc="left")) == "over any path a perfect ranking: 16.7"
    with pytest.raises(ValueError, match="no row with question = 'causes'"):
        plotting.recovery(table, questions={"causes": "causes"})


def test_curves_of_recovery_have_a_panel_each() -> None:
    table = ranges_table()
    drawing = plotting.recovery_curves(
        table, curves={"noise": "noise"}, question="direct", labels=TRUTH_NAMES
    )
    shown = [axes for axes in drawing.axes if axes.get_xlabel()]
    assert [axes.get_xlabel() for axes in shown] == ["noise"]
    values = table.query("curve == 'noise' and model == 'lembas'")["value"].tolist()
    assert values in [y for _, y in lines_of(shown[0])]
    assert [label.get_text() for label in shown[0].get_xticklabels()] == ["0.5", "1", "4"]
