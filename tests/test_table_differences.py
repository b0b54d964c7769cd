"""Two files of one artefact: what differs is named, times and the machine are left out."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lembas.table_differences import SAME, differences

TABLE = pd.DataFrame(
    {
        "model": ["ridge", "lembas"],
        "value": [0.5, 0.25],
        "n_genes": [3, 4],
        "fit_s": [1.0, 2.0],
        "skill.test.lembas": [0.1, np.nan],
    }
)


def both(folder: Path, other: pd.DataFrame, *, name: str = "scores.parquet") -> tuple[Path, Path]:
    paths = []
    for side, table in (("one", TABLE), ("other", other)):
        path = folder / side / name
        path.parent.mkdir(exist_ok=True)
        write = table.to_parquet if path.suffix == ".parquet" else table.to_csv
        write(path, index=False)
        paths.append(path)
    return paths[0], paths[1]


def test_times_are_left_out_and_one_bit_is_seen(tmp_path: Path) -> None:
    assert differences(*both(tmp_path, TABLE), exact=True) == SAME
    later = TABLE.assign(fit_s=[3.0, 4.0])
    assert differences(*both(tmp_path, later), exact=True) == SAME
    bit = TABLE.assign(value=[np.nextafter(0.5, 1), 0.25])
    found = differences(*both(tmp_path, bit), exact=True)
    assert found.wrong[0].startswith("value: 1 of 2 differ, such as ")
    assert differences(*both(tmp_path, bit), exact=False).wrong == ()
    assert differences(*both(tmp_path, bit), exact=False).near is True


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"value": [0.5, 0.27]}, []),  # trained step by step
        ({"value": [0.52, 0.25]}, ["value"]),  # solved
        ({"skill.test.lembas": [0.12, np.nan]}, []),
        ({"skill.test.lembas": [0.1, 0.1]}, ["skill.test.lembas"]),  # missing is not near
        ({"n_genes": [3, 5]}, ["n_genes"]),
        ({"model": ["ridge", "lembas_old"]}, ["model"]),
    ],
)
def test_another_machine_has_a_tolerance_a_kind(
    tmp_path: Path, changes: dict[str, list], wrong: list[str]
) -> None:
    for name in ("scores.parquet", "scores.csv"):
        found = differences(*both(tmp_path, TABLE.assign(**changes), name=name), exact=False)
        assert [words.partition(":")[0] for words in found.wrong] == wrong


def test_rows_columns_and_documents(tmp_path: Path) -> None:
    found = differences(*both(tmp_path, TABLE.iloc[:1]), exact=False)
    assert found.wrong == (
        "its rows or columns are others: 2 rows, 5 columns and 1 rows, 5 columns",
    )
    one, other = tmp_path / "one/a.json", tmp_path / "other/a.json"
    one.write_text(json.dumps({"board": [{"model": "ridge", "fit_s": 1.0, "skill": 0.5}]}))
    other.write_text(json.dumps({"board": [{"model": "ridge", "fit_s": 2.0, "skill": 0.6}]}))
    (words,) = differences(one, other, exact=False).wrong
    assert words == "board.0.skill: 1 of 1 differ, such as 0.5 and 0.6"


def test_what_cannot_be_compared_is_not(tmp_path: Path) -> None:
    first, second = both(tmp_path, TABLE.assign(value=9.0), name="latency.parquet")
    assert differences(first, second, exact=True) is None
    model, other = tmp_path / "one/model.skops", tmp_path / "other/model.skops"
    model.write_bytes(b"a")
    other.write_bytes(b"b")
    assert differences(model, other, exact=True).wrong == ("its bytes differ",)
    assert differences(model, other, exact=False) is None, "its predictions are compared"
