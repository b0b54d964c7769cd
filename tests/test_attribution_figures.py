"""Figures of attributions draw what their tables say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lembas import plotting
from lembas.plotting import style
from lembas.plotting.beeswarm import HALF_ROW, swarm_offsets
from lembas.plotting.heatmap import leading_tfs
from lembas.prior_support import KINDS
from tests.attribution_tables import (
    NAMES,
    SYMBOLS,
    checks_table,
    effects_table,
    mean_table,
    shares_table,
    skills_table,
    swarm_table,
)

UNIT = "log10(CPM+1)"


def test_dots_of_a_swarm_do_not_lie_on_each_other() -> None:
    values = pd.Series([0.0, 0.01, 0.02, 1.0])
    offsets = swarm_offsets(values, bin_width=0.1, step=0.1)
    assert offsets.tolist() == pytest.approx([0.0, 0.1, -0.1, 0.0])
    crowded = swarm_offsets(pd.Series(np.zeros(200)), bin_width=0.1, step=0.1)
    assert crowded.abs().max() == pytest.approx(HALF_ROW)
    assert crowded.is_unique


def test_every_sample_has_its_dot_and_models_their_own_tfs() -> None:
    table = swarm_table()
    drawing = plotting.beeswarm(table, gene="AFP", unit=UNIT, top=5, labels=NAMES)
    panels = {axes.get_title("left"): axes for axes in drawing.axes if axes.get_title("left")}
    assert list(panels) == ["MLR", "XGBRF (3 trees)", "LEMBAS-RNN"]
    rows = {name: [t.get_text() for t in axes.get_yticklabels()] for name, axes in panels.items()}
    assert rows["MLR"][::-1] == list(SYMBOLS[:5]), "the largest on top"
    assert sorted(rows["LEMBAS-RNN"]) == sorted(SYMBOLS[:3]), "an unused TF has no row"
    top = np.ma.getdata(panels["MLR"].collections[-1].get_offsets())[:, 0]
    here = table.query("model == 'mlr' and gene == 'AFP' and tf == 'HNF4A'")
    assert np.sort(top) == pytest.approx(np.sort(here["attribution"].to_numpy()))
    assert len({axes.get_xlim() for axes in panels.values()}) == 1, "one scale"


def test_a_model_without_attributions_keeps_its_panel() -> None:
    table = swarm_table()
    table.loc[table["model"] == "lembas", "attribution"] = 0.0
    drawing = plotting.beeswarm(table, gene="ALB", unit=UNIT)
    assert "lembas" in [axes.get_title("left") for axes in drawing.axes]


def test_means_have_their_limits() -> None:
    table = mean_table()
    drawing = plotting.mean_attribution(table, gene="ALB", unit=UNIT, top=4)
    drawn = np.concatenate([lines.get_segments() for lines in drawing.axes[0].collections])
    ends = {tuple(np.round(segment[:, 0], 9)) for segment in drawn}
    shown = {tick.get_text() for tick in drawing.axes[0].get_yticklabels()}
    rows = table[table["tf"].isin(shown)]
    assert ends == {
        (round(a, 9), round(b, 9)) for a, b in zip(rows["low"], rows["high"], strict=True)
    }
    plain = plotting.mean_attribution(table.drop(columns="low"), gene="ALB", unit=UNIT)
    assert not plain.axes[0].collections


def test_the_heat_map_shows_the_leading_tfs_and_marks_edges() -> None:
    table = effects_table()
    tfs = leading_tfs(table, 6)
    size = table["effect"].abs().groupby(table["tf"]).mean().nlargest(6)
    assert tfs == list(size.index)
    axes = plotting.attribution_heatmap(table.sample(frac=1, random_state=1), top=6).axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == tfs
    genes = [tick.get_text() for tick in axes.get_xticklabels()]
    wide = table.set_index(["tf", "gene"])
    cells = np.ma.getdata(axes.collections[0].get_array()).reshape(6, -1)
    assert cells[2, 1] == pytest.approx(wide.loc[(tfs[2], genes[1]), "effect"])
    x, y = axes.lines[0].get_data()
    marked = {(tfs[int(j)], genes[int(i)]) for i, j in zip(x, y, strict=True)}
    edges = wide[wide["in_prior"] & wide.index.get_level_values("tf").isin(tfs)]
    assert marked == set(edges.index)


def test_checks_without_rows_have_no_panel() -> None:
    table = checks_table()
    drawing = plotting.attribution_checks(table[table["check"] == "decoys"], title="Decoys alone")
    (axes,) = [axes for axes in drawing.axes if axes.get_title("left")]
    limits = [list(line.get_xdata()) for line in axes.lines if list(line.get_ydata()) == [0, 1]]
    assert limits == [[1.5, 1.5]]
    values = table[table["check"] == "decoys"]["value"]
    drawn = [list(line.get_xdata()) for line in axes.lines]
    assert all([value] in drawn for value in values)


def test_bars_of_shares_fill_the_row() -> None:
    axes = plotting.prior_shares(shares_table(), KINDS).axes[0]
    ends = [patch.get_x() + patch.get_width() for patch in axes.patches]
    assert max(ends) == pytest.approx(100)
    assert len(axes.patches) == 2 * len(NAMES) * len(KINDS)


def test_some_models_alone() -> None:
    axes = plotting.skill_and_prior(skills_table(), models=["mlr", "lembas"]).axes[0]
    assert len(axes.lines) == 2
    own = skills_table().query("model == 'mlr'")
    assert axes.lines[0].get_ydata() == pytest.approx(100 * own["share"].to_numpy())
    assert axes.lines[0].get_color() == style.model_colour("mlr")


def test_bad_tables_are_explained() -> None:
    with pytest.raises(KeyError, match=r"lacks the column\(s\) expression"):
        plotting.beeswarm(swarm_table().drop(columns="expression"), gene="ALB", unit=UNIT)
    with pytest.raises(ValueError, match="no row with gene = 'X'; the table has: ALB, AFP"):
        plotting.beeswarm(swarm_table(), gene="X", unit=UNIT)
    doubled = pd.concat([effects_table(), effects_table()])
    with pytest.raises(ValueError, match="each tf and gene may occur once"):
        plotting.attribution_heatmap(doubled)
    with pytest.raises(ValueError, match=r"unknown check\(s\) odd; known: overlap, rbo"):
        plotting.attribution_checks(checks_table().assign(check="odd"), title="Odd")
    with pytest.raises(ValueError, match="no rows"):
        plotting.skill_and_prior(skills_table(), models=["none"])
