"""Keep fitted models in a run's folder, without pickle.

Apart from :mod:`lembas.artifacts`, so that chapters which need no model do not depend on the
models' code.
"""

from __future__ import annotations

import re
import shutil
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from zipfile import BadZipFile, ZipFile, ZipInfo

import skops.io
from sklearn.base import BaseEstimator
from skops.io.exceptions import UnsupportedTypeException, UntrustedTypesFoundException

from lembas import checkpoint
from lembas.artifacts import Run
from lembas.atomic import write_atomically
from lembas.plain_text import reason_of
from lembas.training import LembasRegressor

# Whoever may write a profile already chooses which classes run; a model file may not.
_TRUSTED_PACKAGES = ("lembas.", "sklearn.", "numpy.", "scipy.", "xgboost.", "lightgbm.")
# LEMBAS-RNN, and all other models.
_MODEL_FILES = ("model.safetensors", "model.skops")
_SCHEMA = "schema.json"
_ID = re.compile(r'"(?:__id__": |file": ")(\d+)')
# What Python and skops raise on archives whose parts are damaged or do not fit together.
_DAMAGE = (
    *(BadZipFile, zlib.error, OSError, EOFError, LookupError, ValueError, TypeError),
    *(AttributeError, RuntimeError, ArithmeticError, AssertionError, NotImplementedError),
    *(ImportError, MemoryError, UnsupportedTypeException, UntrustedTypesFoundException),
)
_COPIED_AT_ONCE = 1 << 24


def save_model(run: Run, name: str, model: BaseEstimator, *, group: str) -> Path:
    """Save a fitted model under ``fits/<group>/<name>/``.

    LEMBAS-RNN becomes ``model.safetensors`` (see :mod:`lembas.checkpoint`), any other model
    ``model.skops``.

    Args:
        run: Whose folder.
        name: Registry name.
        model: The fitted model.
        group: Folder under ``fits/`` of the chapter that fitted it.
    """
    is_network = type(model) is LembasRegressor
    kind, other = _MODEL_FILES if is_network else _MODEL_FILES[::-1]
    path = run.place("fits", group, name, kind)
    if is_network:
        checkpoint.save(model, path)
    else:
        write_atomically(path, partial(_dump, model))
    # What the name stood for before, if that was a model of the other kind.
    path.with_name(other).unlink(missing_ok=True)
    return path


def _dump(model: BaseEstimator, path: Path) -> None:
    """Write a model so that an equal one gives an equal file, byte for byte.

    skops names the parts of a model by where they lay in memory, and dates them.
    """
    raw = path.with_name(f"{path.name}.raw")
    try:
        skops.io.dump(model, raw)
        with ZipFile(raw) as found, ZipFile(path, "w") as made:
            schema = found.read(_SCHEMA).decode()
            # Numbers in order of appearance stand for addresses.
            ids = dict.fromkeys(match[1] for match in _ID.finditer(schema))
            numbers = {at: str(number) for number, at in enumerate(ids, start=1)}
            schema = _ID.sub(lambda match: match[0].replace(match[1], numbers[match[1]]), schema)
            for name in sorted(found.namelist(), key=lambda name: _renamed(name, numbers)):
                with made.open(ZipInfo(_renamed(name, numbers)), "w", force_zip64=True) as into:
                    if name == _SCHEMA:
                        into.write(schema.encode())
                    else:
                        shutil.copyfileobj(found.open(name), into, _COPIED_AT_ONCE)
    finally:
        raw.unlink(missing_ok=True)


def _renamed(name: str, numbers: Mapping[str, str]) -> str:
    """Give a member of a model's file the number that stands for its address."""
    stem, dot, ending = name.partition(".")
    return f"{numbers.get(stem, stem)}{dot}{ending}"


def is_trusted(path: str) -> bool:
    """Say whether a file with objects of this class would be opened.

    Args:
        path: Import path of the class, such as ``sklearn.linear_model.Lasso``.
    """
    return path.startswith(_TRUSTED_PACKAGES)


def load_model(run: Run, name: str) -> BaseEstimator:
    """Load a fitted model.

    Raises:
        FileNotFoundError: If it was not fitted in this run.
        ValueError: If the file is damaged, or holds types of packages that are not trusted.
    """
    path = _model_file(run, name)
    if path.name == _MODEL_FILES[0]:
        return checkpoint.load(path)
    with _damage_named(path):
        types = skops.io.get_untrusted_types(file=path)
    strange = [kind for kind in types if not is_trusted(kind)]
    if strange:
        raise ValueError(
            f"{path} holds types that are not trusted: {', '.join(strange[:5])}; a model "
            f"file may hold types of {', '.join(_TRUSTED_PACKAGES)} only"
        )
    with _damage_named(path):
        return skops.io.load(path, trusted=types)


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    """Say in one sentence what reading a damaged file raises."""
    try:
        yield
    except _DAMAGE as error:
        raise ValueError(
            f"{path} cannot be read as a model ({reason_of(error)}): it is damaged, or was written "
            "by other versions of its packages; fit the model again"
        ) from error


def model_size_mb(run: Run, name: str) -> float:
    """Size of a saved model in 10^6 bytes."""
    return _model_file(run, name).stat().st_size / 1e6


def _model_file(run: Run, name: str) -> Path:
    return run.fitted(name, "model.*")
