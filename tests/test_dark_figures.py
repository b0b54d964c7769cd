"""Tests of figures on a dark page: the same figure, in colours that stand out there."""

import io
import itertools
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Text
from PIL import Image

from lembas import plotting
from lembas.figure_files import MIME
from lembas.plotting import dark, drawing, style, theme
from lembas.plotting.palette import DARK_MODEL_COLOURS
from tests.figure_tables import FIGURES, LABELS, scores_table
from tests.sight import DEFICIENCIES, contrast, lab, least_distance

USE = "{http://www.w3.org/2000/svg}use"
HREF = "{http://www.w3.org/1999/xlink}href"
# One of each way to draw: rows, a mesh with a key, a mesh of three colours, boxes and points, bars.
SOME = ("attribution_heatmap", "tf_block", "library_sizes", "prior_shares", "response_scores")


@pytest.mark.parametrize("name", SOME)
def test_the_dark_figure_lacks_every_light_ground_and_leaves_the_light_one_alone(name: str) -> None:
    figure = FIGURES[name]()
    made = drawing.files_of(figure)
    assert made.svg == plotting.to_svg(figure)
    for colour in (theme.CARD, theme.INK, theme.MUTED, theme.RULE):
        assert colour.lower() not in made.dark
    assert f"fill: {dark.CARD.lower()}" in made.dark


def test_only_colours_differ() -> None:
    figure = FIGURES["edge_signs"]()
    words = [(text.get_text(), text.get_position()) for text in figure.findobj(Text)]
    light = figure.get_facecolor()
    with dark.in_dark(figure):
        assert to_hex(figure.get_facecolor()).upper() == dark.CARD
        there = [(text.get_text(), text.get_position()) for text in figure.findobj(Text)]
    assert there == words
    assert figure.get_facecolor() == light


def test_the_old_colours_come_back_after_an_error() -> None:
    figure = FIGURES["edge_signs"]()
    with pytest.raises(RuntimeError, match="full"), dark.in_dark(figure):
        raise RuntimeError("the disk is full")
    assert figure.get_facecolor() == (1.0, 1.0, 1.0, 1.0)


def test_the_files_are_the_same_each_time() -> None:
    first, again = (drawing.files_of(FIGURES["edge_signs"]()) for _ in range(2))
    assert first == again
    with Image.open(io.BytesIO(first.png)) as picture:
        assert picture.width == round(style.WIDTH_IN * drawing.PNG_DPI)
        assert not {"Software", "Creation Time"} & set(picture.info)
        assert min(picture.convert("RGB").getpixel((2, 2))) >= 253


def test_a_notebook_gets_what_it_asks_for() -> None:
    figure = FIGURES["edge_signs"]()
    assert set(figure._repr_mimebundle_()) == {"image/svg+xml", MIME}
    assert set(figure._repr_mimebundle_(exclude=[MIME])) == {"image/svg+xml"}
    assert set(figure._repr_mimebundle_(include=[MIME])) == {MIME}


@pytest.mark.parametrize("vision", DEFICIENCIES)
def test_dark_model_colours_differ_for_every_kind_of_sight(vision: str) -> None:
    least = 15 if vision == "tritan" else 21
    assert least_distance(DARK_MODEL_COLOURS.values(), vision) >= least


def test_what_is_drawn_stands_out_from_the_dark_card() -> None:
    assert DARK_MODEL_COLOURS.keys() == style.MODEL_COLOURS.keys()
    for name in [*DARK_MODEL_COLOURS, "my_forest", "pls_40", "my_model"]:
        assert contrast(dark.dark_colour(style.model_colour(name)), dark.CARD) >= 3, name
    for colour in [*style.COHORT_COLOURS, style.RAISES, style.LOWERS]:
        assert contrast(dark.dark_colour(colour), dark.CARD) >= 3, colour
    for colour in (style.INK, style.MUTED):
        assert contrast(dark.dark_colour(colour), dark.CARD) >= 4.5, colour


def test_the_first_cohorts_differ_in_grey_on_a_dark_page_too() -> None:
    lightness = [lab(dark.dark_colour(colour), "none")[0] for colour in style.COHORT_COLOURS[:3]]
    assert min(abs(a - b) for a, b in itertools.combinations(lightness, 2)) >= 8


def test_every_colour_of_the_house_has_a_counterpart() -> None:
    house = [theme.INK, theme.MUTED, theme.RULE, theme.CARD, theme.TRACK, theme.RAISES]
    house += [theme.LOWERS, *theme.COHORT_COLOURS, *theme.STEP_COLOURS, *theme.KIND_COLOURS]
    house += list(style.MODEL_COLOURS.values())
    assert [colour for colour in house if colour.upper() not in dark.DARK] == []
    maps = (theme.COUNT_CMAP, theme.SIGNED_CMAP, theme.LEVEL_CMAP, theme.SHARE_CMAP)
    assert {cmap.name for cmap in maps} == set(dark.CMAPS)


def test_a_map_leads_away_from_the_card_on_both_pages() -> None:
    for light, ground in ((theme.SHARE_CMAP, theme.CARD), (theme.COUNT_CMAP, theme.CARD)):
        for cmap, card in ((light, ground), (dark.dark_cmap(light), dark.CARD)):
            steps = [contrast(cmap(share), card) for share in np.linspace(0, 1, 9)]
            assert steps == sorted(steps), cmap.name


def test_an_unknown_colour_keeps_its_opacity_and_its_hue() -> None:
    red, green, blue, alpha = dark.dark_colour((0.4, 0.1, 0.1, 0.5))
    assert red > green == blue
    assert alpha == 0.5


def test_the_table_is_what_is_drawn() -> None:
    scores = scores_table()
    table = plotting.skill_forest(scores, cohorts=["test"], labels=LABELS).table
    own = scores[(scores["cohort"] == "test") & (scores["metric"] == "skill_median_over_genes")]
    assert len(table) == len(own)
    drawn = table.set_index("model")["value"].sort_index()
    expected = own.set_index("model")["value"].sort_index()
    pd.testing.assert_series_equal(drawn, expected)


def test_several_tables_become_one_that_says_which() -> None:
    first = pd.DataFrame({"model": ["a", "b"], "value": [1.0, 2.0]})
    second = pd.Series([0.5], index=pd.Index(["a"], name="model"), name="share")
    table = drawing.joined({"scores": first, "shares": second})
    assert list(table.columns) == ["table", "model", "value", "share"]
    assert table["table"].tolist() == ["scores", "scores", "shares"]
    assert drawing.joined({}) is None
    pd.testing.assert_frame_equal(drawing.joined({"scores": first}), first)


def test_a_table_too_large_is_left_to_the_run() -> None:
    figure = FIGURES["edge_signs"]()
    figure.table = pd.DataFrame({"value": np.arange(60_000) / 7})
    assert drawing.files_of(figure).csv == ""
    figure.table = None
    assert drawing.files_of(figure).csv == ""


def test_a_slim_svg_draws_the_same_letters_at_the_same_places() -> None:
    figure = FIGURES["edge_signs"]()
    raw = drawing.rendered(figure, format="svg", metadata={"Date": None}).decode()
    slim = drawing.to_svg(figure)
    assert len(slim) < 0.85 * len(raw)
    before, after = (list(ElementTree.fromstring(text).iter(USE)) for text in (raw, slim))
    assert len(before) == len(after) > 100
    for old, new in zip(before, after, strict=True):
        assert new.get(HREF) == old.get(HREF).replace("DejaVuSans-", "D-")
        shift = old.get("transform", "")
        if shift.startswith("translate") and shift.endswith(" 0)"):
            assert float(new.get("x")) == float(shift.removeprefix("translate(").split()[0])
        else:
            assert new.attrib.keys() == old.attrib.keys()
