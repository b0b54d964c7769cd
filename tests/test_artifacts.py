"""What a run leaves behind can be read back, is whole or absent, and is never unpickled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import skops.io
from matplotlib.figure import Figure
from myst_nb.ext.glue import GLUE_PREFIX, extract_glue_data_cell
from PIL import Image
from sklearn.base import BaseEstimator

from lembas import artifacts, checkpoint
from lembas.artifacts import Run, glue
from lembas.baselines import make
from lembas.model_files import load_model, model_size_mb, save_model
from lembas.study import Study
from lembas.training import LembasRegressor
from tests.small_study import Counting


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.open(tmp_path / "results" / "toy")


# Where a run is


def test_a_relative_folder_starts_at_the_projects_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "_toc.yml").touch()
    (tmp_path / "profiles").mkdir()
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    run = Run.open("results/demo")
    assert run.folder == tmp_path / "results" / "demo"
    assert run.folder.is_dir()
    assert run.name == "demo"


def test_an_absolute_folder_stays(tmp_path: Path) -> None:
    assert Run.open(str(tmp_path / "a")).folder == tmp_path / "a"


# Chapters run by hand


@pytest.fixture
def by_hand(tmp_path: Path) -> Run:
    return Run.open(tmp_path / "results" / "toy" / "interactive")


TABLE = pd.DataFrame({"gene": ["ALB"], "value": [0.5]})


def test_by_hand_the_books_artefacts_are_read_and_stay(run: Run, by_hand: Run) -> None:
    before = run.write_table("scores", TABLE).read_bytes()
    assert by_hand.name == run.name == "toy"
    assert by_hand.has_table("scores")
    pd.testing.assert_frame_equal(by_hand.read_table("scores"), TABLE)

    path = by_hand.write_table("scores", 2 * TABLE)
    assert path.parent.parent == by_hand.folder
    pd.testing.assert_frame_equal(by_hand.read_table("scores"), 2 * TABLE)
    pd.testing.assert_frame_equal(run.read_table("scores"), TABLE)
    assert run.folder.joinpath("tables", "scores.parquet").read_bytes() == before


def test_what_one_chapter_made_by_hand_does_not_reach_the_next(run: Run, by_hand: Run) -> None:
    """Other data of a chapter tried out would meet models that were fitted to the book's."""
    run.write_table("scores", TABLE)
    by_hand.write_table("scores", 2 * TABLE)
    pd.testing.assert_frame_equal(Run.open(by_hand.folder).read_table("scores"), TABLE)


def test_what_the_book_lacks_is_read_from_what_was_made_by_hand(by_hand: Run, study: Study) -> None:
    by_hand.write_table("scores", TABLE)
    by_hand.write_prediction("mlr", "test", study.dataset.test.y, group="baselines")
    later = Run.open(by_hand.folder)
    pd.testing.assert_frame_equal(later.read_table("scores"), TABLE)
    assert len(later.read_prediction("mlr", "test")) == len(study.dataset.test.y)


def test_models_fitted_by_hand_are_the_ones_loaded(run: Run, by_hand: Run, study: Study) -> None:
    x, y = study.dataset.train.x, study.dataset.train.y
    for place, genes in ((run, y.columns[:3]), (by_hand, y.columns[:2])):
        save_model(place, "a[1]", make("mlr", None).fit(x, y[genes]), group="baselines")
    assert len(load_model(by_hand, "a[1]").genes_) == 2
    assert len(load_model(Run.open(by_hand.folder), "a[1]").genes_) == 3


# Round trips


def test_tables_come_back(run: Run) -> None:
    table = pd.DataFrame({"gene": ["ALB", "AFP"], "value": [0.5, np.nan], "n": [1, 2]})
    assert not run.has_table("scores")
    run.write_table("scores", table.set_axis([5, 6]))
    assert run.has_table("scores")
    pd.testing.assert_frame_equal(run.read_table("scores"), table)


def test_facts_come_back(run: Run) -> None:
    facts = {
        "processor": "Some CPU",
        "flops_per_s": 0.1 + 0.2,
        "threads": 2,
        "notes": {"a": ("b",)},
    }
    path = run.write_facts("machine", facts)
    assert path == run.folder / "facts/machine.json"
    assert run.read_facts("machine") == {**facts, "notes": {"a": ["b"]}}
    with pytest.raises(ValueError, match="not JSON compliant"):
        run.write_facts("machine", {"x": float("nan")})
    assert run.read_facts("machine")["threads"] == 2, "the old file is left"
    with pytest.raises(FileNotFoundError, match=r"facts/other.json"):
        run.read_facts("other")


def test_the_same_table_is_the_same_file(run: Run, study: Study) -> None:
    table = study.dataset.train.y.reset_index()
    first = run.write_table("a", table).read_bytes()
    assert run.write_table("b", table).read_bytes() == first


def test_the_dataset_comes_back(run: Run, study: Study) -> None:
    run.write_dataset(study.dataset)
    found = run.read_dataset()
    pd.testing.assert_frame_equal(found.expression, study.dataset.expression)
    assert found.inputs.equals(study.dataset.inputs)
    assert found.simulated


def test_the_network_comes_back_and_no_two_files_differ(
    run: Run, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run.write_network(study.network).read_bytes()
    assert run.read_network().digest == study.network.digest
    # A gzip header must hold neither time nor the unfinished file's name, which has the
    # process number in it.
    monkeypatch.setattr("lembas.atomic.os.getpid", lambda: 12345678)
    assert run.write_network(study.network).read_bytes() == first
    assert run.write_network(study.network, "prior").name == "prior.tsv.gz"
    assert run.read_network("prior").digest == study.network.digest


def test_a_figure_is_the_same_svg_each_time(run: Run) -> None:
    figure = Figure()
    figure.subplots().plot([0, 1], [1, 0])
    first = run.write_figure("line", figure)
    assert first == run.folder / "figures" / "line.svg"
    content = first.read_text(encoding="utf-8")
    assert content.startswith("<?xml")
    assert run.write_figure("line", figure).read_text(encoding="utf-8") == content


def test_the_card_has_the_size_that_sites_ask_for_and_the_same_bytes(run: Run) -> None:
    figure = Figure()
    figure.subplots().plot([0, 1], [1, 0])
    before = figure.get_dpi(), tuple(figure.get_size_inches())
    content = run.write_card("card", figure, simulated=True).read_bytes()
    assert Image.open(run.folder / "figures" / "card.png").size == (1200, 630)
    assert run.write_card("card", figure, simulated=True).read_bytes() == content
    assert (figure.get_dpi(), tuple(figure.get_size_inches())) == before
    assert run.write_card("card", figure, simulated=False).read_bytes() != content


def test_predictions_keep_their_labels(run: Run, study: Study) -> None:
    table = study.dataset.test.y
    run.write_prediction("mlr", "test", table, group="baselines")
    pd.testing.assert_frame_equal(run.read_prediction("mlr", "test"), table)


def test_every_model_comes_back(run: Run, study: Study, fitted: dict[str, BaseEstimator]) -> None:
    x = study.dataset.test.x
    for name, model in fitted.items():
        save_model(run, name, model, group="any")
        expected = model.predict(x)
        loaded = load_model(run, name)
        pd.testing.assert_frame_equal(loaded.predict(x), expected, check_exact=True)
        assert model_size_mb(run, name) > 0


def test_lembas_is_kept_without_pickle_and_other_models_by_skops(
    run: Run, fitted: dict[str, BaseEstimator]
) -> None:
    assert save_model(run, "a", fitted["lembas"], group="g").name == "model.safetensors"
    assert checkpoint.describe(run.folder / "fits/g/a/model.safetensors").kind == "LembasRegressor"
    assert save_model(run, "b", fitted["mlr"], group="g").name == "model.skops"


def test_a_name_stands_for_its_last_model(
    run: Run, study: Study, fitted: dict[str, BaseEstimator]
) -> None:
    x = study.dataset.test.x
    for name in ("lembas", "mlr", "lembas"):
        save_model(run, "a", fitted[name], group="g")
        pd.testing.assert_frame_equal(
            load_model(run, "a").predict(x), fitted[name].predict(x), check_exact=True
        )
        assert len(leftovers(run)) == 1


def test_a_model_that_was_not_fitted_yet_comes_back(run: Run, study: Study) -> None:
    save_model(run, "new", LembasRegressor(study.network, settings={"epochs": 2}), group="any")
    loaded = load_model(run, "new")
    assert loaded.settings == {"epochs": 2}
    assert not hasattr(loaded, "network_")


# Whole or not at all


def leftovers(run: Run) -> list[str]:
    return sorted(path.name for path in run.folder.rglob("*") if path.is_file())


def test_nothing_is_left_when_writing_a_table_fails(run: Run) -> None:
    unwritable = pd.DataFrame({"a": [1, "x", object()]})
    with pytest.raises(pa.ArrowException, match=r"[Cc]onver"):
        run.write_table("bad", unwritable)
    assert leftovers(run) == []
    run.write_table("bad", pd.DataFrame({"a": [1]}))
    with pytest.raises(pa.ArrowException, match=r"[Cc]onver"):
        run.write_table("bad", unwritable)
    assert leftovers(run) == ["bad.parquet"]
    assert run.read_table("bad")["a"].tolist() == [1]


def test_nothing_is_left_when_saving_a_model_fails(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(model: Any, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError("no space left")

    save_model(run, "a", Counting(), group="g")
    before = (run.folder / "fits/g/a/model.skops").read_bytes()
    monkeypatch.setattr(skops.io, "dump", interrupted)
    with pytest.raises(OSError, match="no space left"):
        save_model(run, "a", Counting(), group="g")
    assert leftovers(run) == ["model.skops"]
    assert (run.folder / "fits/g/a/model.skops").read_bytes() == before


# Refusals


def test_a_model_of_foreign_types_is_refused(run: Run) -> None:
    save_model(run, "odd", Counting(), group="any")
    with pytest.raises(ValueError, match=r"not trusted: tests\.small_study\.Counting; a model"):
        load_model(run, "odd")


def test_a_file_that_is_no_model_is_refused(run: Run) -> None:
    path = save_model(run, "odd", Counting(), group="any")
    path.write_bytes(b"cos\nsystem\n(S'true'\ntR.")  # a pickle that would run a command
    with pytest.raises(ValueError, match=r"cannot be read as a model \(File is not a zip file\)"):
        load_model(run, "odd")
    path = save_model(run, "net", LembasRegressor(), group="any")
    path.write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(ValueError, match=r"model\.safetensors is no safetensors file"):
        load_model(run, "net")


def test_what_is_missing_is_named_with_the_command_that_makes_it(run: Run) -> None:
    for read, file in [
        (lambda: run.read_table("scores"), "scores.parquet"),
        (run.read_dataset, "dataset.h5ad"),
        (run.read_network, "network.tsv.gz"),
        (lambda: load_model(run, "mlr"), r"mlr/model\.\*"),
        (lambda: run.read_prediction("mlr", "test"), "test.h5ad"),
        (lambda: model_size_mb(run, "mlr"), r"mlr/model\.\*"),
    ]:
        with pytest.raises(
            FileNotFoundError, match=f"toy/.*{file} is not there.*lembas run --profile t"
        ):
            read()


# Glue


@pytest.fixture
def glued(monkeypatch: pytest.MonkeyPatch) -> dict[str, nbformat.NotebookNode]:
    """Collect what ``glue`` displays, and read it as MyST-NB does."""
    found: dict[str, nbformat.NotebookNode] = {}

    def display(data: dict[str, str], *, metadata: dict[str, Any], raw: bool) -> None:
        assert raw
        output = nbformat.v4.new_output("display_data", data, metadata=metadata)
        cell = nbformat.v4.new_code_cell("glue()", outputs=[output])
        nbformat.validate(nbformat.v4.new_notebook(cells=[cell]))
        assert all(key.startswith(GLUE_PREFIX) for key in data), "nothing shows in the page"
        found.update(extract_glue_data_cell(cell))
        assert cell.outputs == []

    monkeypatch.setattr(artifacts, "display", display)
    return found


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "3"),
        (0.25, "0.25"),
        (np.float64(0.25), "0.25"),
        (np.float32(0.5), "0.5"),
        (np.int64(7), "7"),
        ("ALB", "ALB"),
        (np.str_("ALB"), "ALB"),
        (True, "True"),
    ],
)
def test_glued_values_are_read_by_myst(
    glued: dict[str, nbformat.NotebookNode], value: object, text: str
) -> None:
    glue("key", value)
    assert list(glued) == ["key"]
    assert dict(glued["key"]["data"]) == {"text/plain": text}
    if not isinstance(value, str):
        assert float(text == "True" or text) == float(value)


@pytest.mark.parametrize("text", ["15,000", "[1, 2]", "1, 2"])
def test_a_text_that_the_page_would_read_as_another_value_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"'n': the page would read .* add a word"):
        glue("n", text)


@pytest.mark.parametrize("text", ["", "  "])
def test_an_empty_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"'note': an empty text leaves a gap"):
        glue("note", text)


def test_a_table_for_readers_is_whole_or_not_there(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = pd.DataFrame({"gene": ["ALB", 'a "b", c'], "value": [1 / 3, 2.0]})
    path = run.write_csv("genes", table, float_format="%.3g")
    assert path.name == "genes.csv"
    pd.testing.assert_frame_equal(pd.read_csv(path), table.assign(value=[0.333, 2.0]))

    def fail(*args: object) -> None:
        raise OSError(28, "No space left on device")

    before = path.read_bytes()
    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(OSError, match="No space left"):
        run.write_csv("genes", table.iloc[:1])
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == ["genes.csv"]
