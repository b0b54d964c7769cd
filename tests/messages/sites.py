"""Find every place of the package that raises an error of its own."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "lembas"


@dataclass(frozen=True)
class Site:
    """Hold one `raise` of the package.

    Attributes:
        file: Path relative to the project's root.
        line: Line of the statement.
        function: Function it stands in, with its class.
        source: The statement on one line, at most 200 letters.
    """

    file: str
    line: int
    function: str
    source: str

    @property
    def place(self) -> tuple[str, int]:
        """File and line."""
        return self.file, self.line

    @property
    def key(self) -> str:
        """The place, as reasons and records name it; lines move too often."""
        return f"{self.file} {self.function}: {self.source[:100]}"


def sites(package: Path = PACKAGE) -> list[Site]:
    """List all places, in order; a bare `raise` passes another's error on and is none."""
    found: list[Site] = []
    for path in sorted(package.rglob("*.py")):
        _collect(parsed(path), path.relative_to(package.parent).as_posix(), "", found)
    return found


@cache
def parsed(path: Path) -> ast.Module:
    """Read a module; once, for it takes longest."""
    return ast.parse(path.read_text(encoding="utf-8"))


def _collect(node: ast.AST, file: str, function: str, found: list[Site]) -> None:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            continue
        name = function
        if isinstance(child, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            name = f"{function}.{child.name}".removeprefix(".")
        if isinstance(child, ast.Raise) and child.exc is not None:
            source = " ".join(ast.unparse(child).split())[:200]
            found.append(Site(file, child.lineno, function, source))
        _collect(child, file, name, found)
