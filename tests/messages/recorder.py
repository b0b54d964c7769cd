"""A pytest plugin that writes down which `raise` of the package is reached.

`pytest -p tests.messages.recorder`; LEMBAS_MESSAGES names the file that lines are added to. Modules
are compiled with a note before each `raise`, which costs nothing where none is reached; processes
that tests start are not seen.
"""

from __future__ import annotations

import ast
import builtins
import importlib.abc
import importlib.machinery
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from tests.messages.sites import PACKAGE

_NOTE = "_lembas_message_reached"
reached: set[tuple[str, int]] = set()


class _Noting(ast.NodeTransformer):
    """Put a note before each `raise`."""

    def __init__(self, file: str) -> None:
        self.file = file

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        # numba compiles these and knows no notes.
        marks = " ".join(map(ast.unparse, node.decorator_list))
        if "njit" in marks or "vectorize" in marks:
            return node
        return self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> Any:
        call = ast.parse(f"{_NOTE}({self.file!r}, {node.lineno})").body[0]
        for part in ast.walk(call):
            ast.copy_location(part, node)
        return [call, node]


class _Loader(importlib.machinery.SourceFileLoader):
    """Compile a module of the package with notes; nothing is cached."""

    def get_code(self, fullname: str) -> CodeType:
        path = Path(self.get_filename(fullname))
        tree = ast.parse(path.read_bytes(), str(path))
        file = path.relative_to(PACKAGE.parent).as_posix()
        return compile(_Noting(file).visit(tree), str(path), "exec", dont_inherit=True)


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname.split(".")[0] != "lembas":
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path)
        if spec is None or not spec.origin or not Path(spec.origin).is_relative_to(PACKAGE):
            return spec
        spec.loader = _Loader(fullname, spec.origin)
        return spec


def pytest_unconfigure() -> None:
    """Add what was reached to the file."""
    lines = "".join(f"{file} {line}\n" for file, line in sorted(reached))
    with Path(os.environ["LEMBAS_MESSAGES"]).open("a", encoding="utf-8") as stream:
        stream.write(lines)


if "LEMBAS_MESSAGES" in os.environ:
    setattr(builtins, _NOTE, lambda file, line: reached.add((file, line)))
    sys.meta_path.insert(0, _Finder())
