"""Tests of the on-ramps together: one study in every source's format is one dataset."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from lembas.cohorts import Dataset
from tests.onramps import RAMPS

pytestmark = [pytest.mark.liver, pytest.mark.slow]


@pytest.fixture(scope="module")
def references(liver: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Dataset]:
    made = {}
    for name in ("counts", "counts, series known"):
        folder = tmp_path_factory.mktemp("reference")
        made[name] = RAMPS[name](liver, folder).open().dataset
    return made


# The tables of GEO have such a test beside their other tests.
@pytest.mark.parametrize(
    "name", ["h5ad", pytest.param("the study's tables", marks=pytest.mark.long), "ARCHS4"]
)
def test_the_liver_study_is_the_same_from_every_format(
    liver: Path, tmp_path: Path, references: dict[str, Dataset], name: str
) -> None:
    """All later chapters read nothing but the dataset and the network, so their tables agree."""
    ramp = RAMPS[name](liver, tmp_path)
    found, expected = ramp.open().dataset, references[ramp.reference]
    pd.testing.assert_frame_equal(found.expression, expected.expression, check_exact=True)
    columns = ["cohort", "split", "series"]
    pd.testing.assert_frame_equal(found.samples[columns], expected.samples[columns])
    assert found.inputs.equals(expected.inputs)
    assert found.targets.equals(expected.targets)
