"""Write and read what a run leaves behind, and hand numbers and tables to the report."""

from __future__ import annotations

import gzip
import json
from ast import literal_eval
from collections.abc import Iterable, Mapping
from glob import escape
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import pandas as pd
from IPython.display import display

from lembas import h5ad
from lembas.atomic import write_atomically
from lembas.cohorts import Dataset
from lembas.formats import listed, read_parquet
from lembas.network import Network
from lembas.plotting.card import QUESTION, social_card
from lembas.plotting.drawing import Drawing, files_of
from lembas.project import INTERACTIVE, find_root, missing_artefact

_GLUE_PREFIX = "application/papermill.record/"


class Run:
    """Reach the artefacts of one run by name.

    Args:
        folder: The run's folder, such as ``results/demo``.
        book: Folder of the run that this one lies beside: what is there is read from it, and
            nothing is written to it. None: ``folder`` stands for itself.
    """

    def __init__(self, folder: Path, *, book: Path | None = None) -> None:
        self.folder = folder
        self.book = book
        self._made: set[Path] = set()

    @classmethod
    def open(cls, run_dir: str | Path) -> Run:
        """Open a run's folder, making it when it is new.

        A chapter run by hand opens ``results/<run>/interactive``. It reads the artefacts of
        ``results/<run>`` and leaves them as they are: what it writes, and reads again, lies in
        ``interactive``. What the run lacks is read from there too, whoever wrote it.

        Args:
            run_dir: Path of the folder. A relative one starts at the project's root, so that a
                chapter finds it wherever it runs (see :func:`lembas.project.find_root`).

        Raises:
            FileNotFoundError: If the path is relative and there is no project to be found.
        """
        folder = Path(run_dir)
        if not folder.is_absolute():
            folder = find_root(Path.cwd()) / folder
        folder.mkdir(parents=True, exist_ok=True)
        return cls(folder, book=folder.parent if folder.name == INTERACTIVE else None)

    @property
    def name(self) -> str:
        """The run's name, which is that of its folder, or of the run that it lies beside."""
        return (self.book or self.folder).name

    def write_table(self, name: str, table: pd.DataFrame) -> Path:
        """Write a tidy table as ``tables/<name>.parquet``; its index is not kept."""
        path = self.place("tables", f"{name}.parquet")
        write_atomically(path, lambda part: table.to_parquet(part, index=False))
        return path

    def read_table(self, name: str) -> pd.DataFrame:
        """Read a table."""
        return read_parquet(self._existing("tables", f"{name}.parquet"))

    def has_table(self, name: str) -> bool:
        """Say whether a table is there."""
        return self._first("tables", f"{name}.parquet") is not None

    def write_csv(self, name: str, table: pd.DataFrame, *, float_format: str | None = None) -> Path:
        """Write a table for readers as ``tables/<name>.csv``; its index is not kept.

        Args:
            name: File name without its ending.
            table: The table.
            float_format: Such as "%.6g"; None: all digits.
        """
        path = self.place("tables", f"{name}.csv")
        text = table.to_csv(index=False, float_format=float_format, lineterminator="\n")
        _write_bytes(path, text.encode("utf-8"))
        return path

    def write_facts(self, name: str, facts: Mapping[str, Any]) -> Path:
        """Write what was found once and no table holds, such as the machine, as ``facts/*.json``.

        Args:
            name: File name without its ending.
            facts: Name to number, text, or a list or mapping of these.
        """
        path = self.place("facts", f"{name}.json")
        text = json.dumps(dict(facts), indent=1, ensure_ascii=False, allow_nan=False)
        _write_bytes(path, f"{text}\n".encode())
        return path

    def read_facts(self, name: str) -> dict[str, Any]:
        """Read facts; tuples have become lists."""
        path = self._existing("facts", f"{name}.json")
        facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return facts

    def write_figure(self, name: str, figure: Drawing) -> Path:
        """Write a figure for pages that are no chapters.

        Args:
            name: File name without its ending.
            figure: The figure.

        Returns:
            ``figures/<name>.svg``; beside it lie the dark variant, the PNG and the table.
        """
        path = self.place("figures", f"{name}.svg")
        files_of(figure).write(path.parent, name)
        return path

    def write_card(self, name: str, figure: Drawing, *, simulated: bool) -> Path:
        """Write ``figures/<name>.png``, which other sites show beside a link to the report.

        Args:
            name: File name without its ending.
            figure: The figure on it.
            simulated: Whether the data are: the card says so, as every page does.
        """
        note = "Simulated data: no number describes real samples." if simulated else "Measured data"
        path = self.place("figures", f"{name}.png")
        _write_bytes(path, social_card(figure, title=QUESTION, note=note))
        return path

    def write_dataset(self, dataset: Dataset) -> Path:
        """Write the dataset as ``dataset.h5ad``."""
        path = self.place("dataset.h5ad")
        dataset.write(path)
        return path

    def read_dataset(self) -> Dataset:
        """Read the dataset."""
        return Dataset.read(self._existing("dataset.h5ad"))

    def write_network(self, network: Network, name: str = "network") -> Path:
        """Write a network as ``<name>.tsv.gz``."""
        path = self.place(f"{name}.tsv.gz")
        # Written through pandas, the gzip header would carry the time and the unfinished file's
        # name, and no two runs would be alike.
        text = network.edges.to_csv(sep="\t", index=False, lineterminator="\n")
        _write_bytes(path, gzip.compress(text.encode(), mtime=0))
        return path

    def read_network(self, name: str = "network") -> Network:
        """Read a network of the run: whether it may lack signs was asked when it was written."""
        return Network.read(self._existing(f"{name}.tsv.gz"), unsigned=True)

    def write_prediction(
        self, model: str, cohort: str, prediction: pd.DataFrame, *, group: str
    ) -> Path:
        """Write a prediction ``(sample, gene)`` beside its model, in single precision.

        Args:
            model: Registry name.
            cohort: Cohort that was predicted.
            prediction: The table.
            group: Folder under ``fits/`` of the chapter that fitted the model.
        """
        path = self.place("fits", group, model, f"{cohort}.h5ad")
        obs, var = (pd.DataFrame(index=axis.astype(str)) for axis in prediction.axes)
        values = prediction.astype(np.float32, copy=False)
        write_atomically(path, lambda part: h5ad.write(part, values, obs=obs, var=var, uns={}))
        return path

    def read_prediction(self, model: str, cohort: str) -> pd.DataFrame:
        """Read a prediction ``(sample, gene)``; it stays in its file until it is used."""
        table = h5ad.read_matrix(self.fitted(model, escape(f"{cohort}.h5ad")))
        return table.rename_axis(index="sample", columns="gene")

    def fitted(self, model: str, file: str) -> Path:
        """Find a file of a fitted model, whichever chapter fitted it.

        Args:
            model: Registry name.
            file: File name or pattern; the first that is there is taken.

        Raises:
            FileNotFoundError: If there is none.
        """
        pattern = ("fits", "*", escape(model), file)
        if (found := self._first(*pattern)) is None:
            raise self._missing("fits", "*", model, file)
        return found

    def place(self, *parts: str) -> Path:
        """Give the path of a file to write, in a folder that is there.

        Raises:
            ValueError: If a part, which may be a name from data, leads out of the run's folder.
        """
        _refuse_outside(parts)
        path = self.folder.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._made.add(path)
        return path

    def _existing(self, *parts: str) -> Path:
        if (found := self._first(*map(escape, parts))) is None:
            raise self._missing(*parts)
        return found

    def _first(self, *pattern: str) -> Path | None:
        """Find an artefact: what this object wrote, else the book's, else what lies here."""
        _refuse_outside(pattern)
        places = filter(None, [self.book, self.folder])
        found = [path for place in places for path in sorted(place.glob("/".join(pattern)))]
        files = [path for path in found if path.is_file()]
        return next((path for path in files if path in self._made), next(iter(files), None))

    def _missing(self, *parts: str) -> FileNotFoundError:
        return FileNotFoundError(missing_artefact("/".join(parts), self.book or self.folder))


def _refuse_outside(parts: Iterable[str]) -> None:
    """Refuse names of files that would lead out of a run's folder, or that no file can have."""
    wrong = [
        part
        for part in parts
        if PurePath(part).is_absolute() or ".." in PurePath(part).parts or not part.isprintable()
    ]
    if wrong:
        raise ValueError(
            f"{listed(map(repr, wrong))} names no file in a run's folder; rename the cohort, model "
            "or table: no `..`, no leading `/`, no control characters"
        )


def _write_bytes(path: Path, content: bytes) -> None:
    def write(part: Path) -> None:
        part.write_bytes(content)

    write_atomically(path, write)


def glue(key: str, value: object) -> None:
    """Give a value a name by which the report's prose can show it.

    The value is stored in the notebook's output, invisibly, in the form that MyST-NB's ``glue``
    roles read.

    Args:
        key: Name, unique within the chapter.
        value: A number or a short text.

    Raises:
        ValueError: If :func:`glued_text` refuses the value.
    """
    display(
        {f"{_GLUE_PREFIX}text/plain": glued_text(key, value)},
        metadata={"scrapbook": {"name": key, "mime_prefix": _GLUE_PREFIX}},
        raw=True,
    )


def glued_text(key: str, value: object) -> str:
    """Write a value as it is kept in an executed notebook.

    Raises:
        ValueError: If the text is empty, which leaves a gap on the page, or if the page would show
            it as something else: "15,000" as (15, 0).
    """
    # NumPy's scalars would show as np.float64(...), which no format understands.
    plain = value.item() if isinstance(value, np.generic) else value
    if isinstance(plain, str) and not plain.strip():
        raise ValueError(
            f"{key!r}: an empty text leaves a gap on the page; say that there is nothing"
        )
    if isinstance(plain, str) and _is_read_as_a_collection(plain):
        raise ValueError(
            f"{key!r}: the page would read {plain!r} as a Python collection; add a word, such as "
            "the noun that is counted"
        )
    return plain if isinstance(plain, str) else repr(plain)


def _is_read_as_a_collection(text: str) -> bool:
    try:
        return isinstance(literal_eval(text), tuple | list | dict | set)
    except (ValueError, SyntaxError):
        return False
