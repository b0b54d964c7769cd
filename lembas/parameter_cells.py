"""Read what a chapter may be given, from the cell that declares it, and check what is given."""

from __future__ import annotations

import ast
import builtins
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from lembas.notebook_files import without_ids
from lembas.plain_text import quoted


@dataclass(frozen=True)
class Parameter:
    """One line of a chapter's parameters cell: ``name: type = value  # help``."""

    name: str
    type_name: str
    default: Any
    help: str


def read_parameters(path: Path, cells: list[nbformat.NotebookNode]) -> dict[str, Parameter]:
    """Read the parameters that a chapter declares in its first code cell.

    Args:
        path: The notebook.
        cells: Its code cells.

    Returns:
        Parameters by name, in the order of the cell.

    Raises:
        ValueError: If the cell is missing, or holds anything but parameters.
    """
    from papermill import inspect_notebook  # slow to import: only when chapters are read
    from papermill.exceptions import PapermillException

    tagged = [cell for cell in cells if "parameters" in cell.metadata.get("tags", [])]
    if not tagged or tagged[0] is not cells[0]:
        raise ValueError(
            f"notebooks/{path.name}: the first code cell must be tagged `parameters` and hold "
            'lines such as `run_dir: str = "results/demo"  # folder of this run`'
        )
    literals = _literals(path, tagged[0].source)
    try:
        with without_ids():
            inspected = inspect_notebook(str(path))
    except (ValueError, AttributeError, PapermillException) as error:
        raise ValueError(f"notebooks/{path.name} names no kernel: {error}") from error
    if unseen := [name for name in literals if name not in inspected]:
        raise ValueError(
            f"notebooks/{path.name}: papermill does not see the parameter(s) {', '.join(unseen)}; "
            "write each on a line of its own, and no code in the comment behind it"
        )
    return {
        name: Parameter(name, type_name, value, inspected[name]["help"].strip())
        for name, (type_name, value) in literals.items()
    }


def _literals(path: Path, source: str) -> dict[str, tuple[str, Any]]:
    found = {}
    for line in _lines(path, source):
        if (
            not isinstance(line, ast.AnnAssign)
            or not isinstance(line.target, ast.Name)
            or line.value is None
        ):
            raise ValueError(
                f"notebooks/{path.name}: the parameters cell may hold only lines such as "
                f"`seed: int = 888  # meaning`; found `{ast.unparse(line)[:60]}`"
            )
        if line.lineno != line.end_lineno:
            raise ValueError(
                f"notebooks/{path.name}: write parameter {line.target.id} as one literal on one "
                "line"
            )
        try:
            value = ast.literal_eval(line.value)
        except ValueError as error:
            raise ValueError(
                f"notebooks/{path.name}: parameter {line.target.id} must be a literal"
            ) from error
        found[line.target.id] = (ast.unparse(line.annotation), value)
    return found


def _lines(path: Path, source: str) -> list[ast.stmt]:
    try:
        return ast.parse(source).body
    except SyntaxError as error:
        raise ValueError(
            f"notebooks/{path.name}: the parameters cell is not plain Python ({error.msg}, line "
            f"{error.lineno}); write lines such as `seed: int = 888  # meaning`"
        ) from error


def check_value(chapter: str, parameter: Parameter, value: Any) -> Any:
    """Check one value against a parameter's declared type.

    Args:
        chapter: Chapter's name, for the message.
        parameter: The parameter as declared in the notebook.
        value: Value from a profile or the command line.

    Returns:
        The value; an ``int`` given for a ``float`` becomes a ``float``.

    Raises:
        ValueError: If the value has another type.
    """
    expression = ast.parse(parameter.type_name, mode="eval").body
    if not _fits(value, expression):
        raise ValueError(
            f"chapter {chapter}: parameter {parameter.name} must be {parameter.type_name}, "
            f"not {quoted(value)} ({type(value).__name__})"
        )
    if parameter.type_name == "float":
        return float(value)
    return value


def _fits(value: Any, annotation: ast.expr) -> bool:
    match annotation:
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            return _fits(value, left) or _fits(value, right)
        case ast.Constant(value=None):
            return value is None
        case ast.Name(id="int"):
            return isinstance(value, int) and not isinstance(value, bool)
        case ast.Name(id="float"):
            return isinstance(value, int | float) and not isinstance(value, bool)
        case ast.Name(id="Any"):
            return True
        case ast.Name(id=("bool" | "str" | "list" | "dict") as kind):
            return isinstance(value, getattr(builtins, kind))
        case ast.Subscript(value=ast.Name(id="list"), slice=item):
            return isinstance(value, list) and all(_fits(entry, item) for entry in value)
        case ast.Subscript(value=ast.Name(id="dict"), slice=ast.Tuple(elts=[key, item])):
            return isinstance(value, dict) and all(
                _fits(name, key) and _fits(entry, item) for name, entry in value.items()
            )
    raise ValueError(
        f"the type `{ast.unparse(annotation)}` is not one a parameter can have; expected str, int, "
        "float, bool, list[...], dict[..., ...] or one of them `| None`"
    )
