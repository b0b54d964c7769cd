"""Benchmark network-constrained prediction of target-gene expression from TF expression.

Public names load on first use, so that the command line starts without importing torch.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_EXPORTS: dict[str, str] = {
    "Align": "lembas.checkpoint",
    "Cohort": "lembas.data",
    "Dataset": "lembas.data",
    "LembasRNN": "lembas.model",
    "LembasRegressor": "lembas.training",
    "Network": "lembas.network",
    "load": "lembas.checkpoint",
    "load_original": "lembas.checkpoint",
    "read_expression": "lembas.tables",
    "save": "lembas.checkpoint",
}

__all__ = ["__version__", *_EXPORTS]


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(
            f"module 'lembas' has no attribute {name!r}; it has {', '.join(_EXPORTS)}"
        )
    return getattr(import_module(_EXPORTS[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
