"""Decide whether a reader refused a file as it should: with a documented error and a sentence."""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lembas.errors import ChapterError

PACKAGE = f"{Path(__file__).resolve().parents[2] / 'lembas'}/"
DOCUMENTED = (ValueError, TypeError, KeyError, OSError, ChapterError)
LEAST_LETTERS, MOST_LETTERS = 20, 3000


class Hung(BaseException):
    """Raised by the worker's alarm: no `except` of the package may catch it."""


@dataclass(frozen=True)
class Outcome:
    """Say how reading one input ended.

    Attributes:
        kind: "read", "refused", or what is wrong with how it ended.
        message: The error's text.
        trace: Where it came from, for what is wrong only.
    """

    kind: str
    message: str = ""
    trace: str = ""

    @property
    def is_finding(self) -> bool:
        return self.kind not in ("read", "refused")


def judged(read: Callable[[], object]) -> Outcome:
    """Run a reader on one input and judge how it ends."""
    try:
        with warnings.catch_warnings(record=True) as leaked:
            warnings.simplefilter("always")
            read()
    except Hung:
        return Outcome("hang", trace=traceback.format_exc())
    except MemoryError:
        return Outcome("memory", trace=traceback.format_exc())
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return _of_error(error)
    if leaked:
        said = leaked[0]
        where = f"{said.category.__name__}, {said.filename}:{said.lineno}"
        return Outcome("warning", str(said.message), where)
    return Outcome("read")


def _of_error(error: BaseException) -> Outcome:
    message = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    fault = _fault(error, message)
    if fault is None:
        return Outcome("refused", message)
    shown = "".join(traceback.format_exception(error))
    return Outcome(fault, message[:500], shown[-4000:])


def _fault(error: BaseException, message: str) -> str | None:
    if not isinstance(error, DOCUMENTED):
        return f"unhandled {type(error).__name__}"
    # What the operating system says of a path is put into words by the command line.
    if isinstance(error, OSError) and error.errno is not None:
        return None
    *_, (last, _) = traceback.walk_tb(error.__traceback__)
    if not last.f_code.co_filename.startswith(PACKAGE):
        return "bare library message"
    if len(message.strip()) < LEAST_LETTERS or " " not in message.strip():
        return "no sentence"
    return "endless message" if len(message) > MOST_LETTERS else None
