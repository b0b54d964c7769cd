"""Memory of a fresh process, measured on a model of known size."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pytest

from lembas.memory import memory_sentence, memory_table, model_facts, peak_memory

BYTES_OF_MODEL, BYTES_A_SAMPLE = 40_000_000, 20_000_000
SAMPLES = pd.DataFrame(np.ones((3, 2)), columns=["T0", "T1"])


class Heavy:
    """A model of known size, which needs known memory a sample to predict."""

    def __init__(self) -> None:
        self.weights = np.ones(BYTES_OF_MODEL, np.uint8)

    def predict(self, X: pd.DataFrame) -> pd.DataFrame:
        np.ones(len(X) * BYTES_A_SAMPLE, np.uint8)
        return pd.DataFrame(np.zeros((len(X), 4), np.float32), index=X.index)


def load(name: str) -> Heavy:
    """Load a model as another process would."""
    if name == "ends":
        os._exit(1)
    if name == "lost":
        raise FileNotFoundError("lost is not there")
    return Heavy()


def test_the_peak_is_that_of_the_model_and_not_of_this_process() -> None:
    here = np.ones(400_000_000, np.uint8)  # a process started from here must not inherit this
    table = peak_memory({"heavy": Heavy()}, load, [SAMPLES.head(1), SAMPLES])
    assert here.nbytes == 400_000_000
    assert table.columns.tolist() == ["model", "batch_size", "imports_mb", "peak_mb"]
    assert table["batch_size"].tolist() == [1, 3]
    # Other pages come and go: a tenth of the model's size is allowed for them.
    assert table["peak_mb"].tolist() == pytest.approx([60, 100], abs=4)
    assert 10 < table["imports_mb"].iloc[0] < 400


def test_what_goes_wrong_there_is_told_here() -> None:
    with pytest.raises(FileNotFoundError, match="lost is not there"):
        peak_memory({"lost": object.__new__(Heavy)}, load, [SAMPLES])
    with pytest.raises(MemoryError, match="'ends' was ended from outside, most likely for want"):
        peak_memory({"ends": object.__new__(Heavy)}, load, [SAMPLES])


def test_the_table_for_a_reader() -> None:
    memory = pd.DataFrame(
        {
            "model": ["b", "b", "a", "a"],
            "batch_size": [1, 262, 1, 262],
            "imports_mb": [400.0, 400.0, 500.0, 500.0],
            "peak_mb": [10.0, 20.0, 30.0, 40.0],
        }
    )
    facts = model_facts({"b": Heavy(), "a": Heavy()}, SAMPLES, {"a": 1.5, "b": 2.5})
    assert facts.to_dict("list") == {
        "n_genes": [4, 4],
        "number_type": ["float32", "float32"],
        "size_mb": [2.5, 1.5],
    }
    table = memory_table(memory, facts, {"a": "Model A"})
    assert table.to_dict("list") == {
        "Model": ["b", "Model A"],
        "Genes": [4, 4],
        "Numbers": ["float32", "float32"],
        "On disk (MB)": [2.5, 1.5],
        "Imports (MB)": [400, 500],
        "Load + 1 (MB)": [10, 30],
        "Load + 262 (MB)": [20, 40],
    }
    assert memory_sentence(memory, {"a": "Model A"}) == (
        "Loading a model and predicting 262 samples takes 20 MB (b) to 40 MB (Model A) above the "
        "450 MB that the imported libraries take."
    )
    alone = memory_sentence(memory.head(2), {})
    assert alone.startswith("Loading a model and predicting 262 samples takes 20 MB (b) above the")
