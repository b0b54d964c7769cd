"""Take out of a chapter's code what its glued numbers need; artefacts stand in for computing."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lembas.chapters import Chapter

# Calls that write what they are given, so that it can be read instead of computed.
WRITERS = {
    "write_table": "table",
    "write_dataset": "dataset",
    "write_network": "network",
    "write_facts": "facts",
}
# Given to the code by who executes it: read an artefact, hold parts of a value, and two imports.
READ, HOLD = "_read", "_hold"
GIVEN = ("Run", "glue")

# A value of the chapter: the statement that made it (its place) and its name there.
Value = tuple[int, str]
# A part of a value: the attributes that lead to it; none: the whole.
Part = tuple[str, ...]


@dataclass(frozen=True)
class Statement:
    """One statement of a chapter.

    Attributes:
        node: The statement.
        makes: Names it binds or changes.
        uses: Names it looks at, each with the attributes asked of it.
    """

    node: ast.stmt
    makes: frozenset[str]
    uses: frozenset[tuple[str, Part]]


@dataclass(frozen=True)
class Kept:
    """An artefact that holds a value: its kind, of those in ``WRITERS``, and its name."""

    kind: str
    name: str

    def as_call(self) -> ast.expr:
        """Give the expression that reads it."""
        return ast.parse(f"{READ}({self.kind!r}, {self.name!r})", mode="eval").body


@dataclass(frozen=True)
class NumberCode:
    """What has to be executed to glue a chapter's numbers.

    Attributes:
        code: Python without the parameters, ``Run`` and ``glue``; ``_read(kind, name)`` reads an
            artefact, ``_hold(part=...)`` makes an object of parts.
        keys: Keys that it glues, in order.
        calls: Names of all functions and methods that it calls.
        texts: All texts in it, such as names of tables and columns.
        reads: Artefacts that stand in for computing.
    """

    code: str
    keys: tuple[str, ...]
    calls: frozenset[str]
    texts: frozenset[str]
    reads: frozenset[Kept]


def number_code(chapter: Chapter, keys: Iterable[str] | None = None) -> NumberCode:
    """Take out of a chapter's code what its glued numbers need.

    A value that the chapter writes as an artefact, by ``run.write_table("name", value)`` and the
    like, is read from the artefact. What no glued number needs is left out: figures, tables for
    readers, and the computing of what was written.

    Args:
        chapter: The chapter.
        keys: Keys wanted; all if None.

    Returns:
        The code; a chapter that glues nothing has none.
    """
    statements = _statements(chapter)
    made_at = _reaching(statements)
    kept = _kept(statements, made_at)
    glued = {place: _glued(each.node) for place, each in enumerate(statements)}
    asked = set(filter(None, glued.values())) if keys is None else set(keys)
    wanted = [place for place, key in glued.items() if key in asked]
    chosen, replaced = _needed(statements, made_at, kept, wanted)
    body: list[ast.stmt] = []
    for place, statement in enumerate(statements):
        if place in chosen:
            body.append(statement.node)
        body += [
            _reading(name, kept[(made, name)], parts)
            for (made, name), parts in sorted(replaced.items())
            if made == place
        ]
    module = ast.fix_missing_locations(ast.Module(body, []))
    used = {kept[value][part] for value, parts in replaced.items() for part in parts}
    return NumberCode(
        code=ast.unparse(module),
        keys=tuple(str(glued[place]) for place in wanted),
        calls=frozenset(_calls(module)),
        texts=frozenset(
            node.value
            for node in ast.walk(module)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ),
        reads=frozenset(used),
    )


def _statements(chapter: Chapter) -> list[Statement]:
    tree = ast.parse(chapter.code)
    found = []
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) in chapter.parameters:
            continue  # a parameter: its value is the run's
        if isinstance(node, ast.ImportFrom) and node.module == "lembas.artifacts":
            node.names = [name for name in node.names if name.name not in GIVEN]
            if not node.names:
                continue
        names = _Names()
        names.visit(node)
        found.append(Statement(node, frozenset(names.makes), frozenset(names.uses)))
    return found


class _Names(ast.NodeVisitor):
    """Collect the names that a statement binds, and those that it uses, with their attributes."""

    def __init__(self) -> None:
        self.makes: set[str] = set()
        self.uses: set[tuple[str, Part]] = set()
        self._inner: list[set[str]] = []

    def visit_Name(self, node: ast.Name) -> None:
        if any(node.id in names for names in self._inner):
            return
        if isinstance(node.ctx, ast.Load):
            self.uses.add((node.id, ()))
        else:
            self.makes.add(node.id)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        root, part = _dotted(node)
        if root is None:
            self.generic_visit(node)
        elif any(root in names for names in self._inner):
            return
        elif isinstance(node.ctx, ast.Load):
            self.uses.add((root, part))
        else:  # an attribute that is set changes the whole
            self.makes.add(root)
            self.uses.add((root, ()))

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if not isinstance(node.ctx, ast.Load) and isinstance(node.value, ast.Name):
            self.makes.add(node.value.id)
        self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        self.makes |= {(name.asname or name.name).split(".")[0] for name in node.names}

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        self.makes |= {name.asname or name.name for name in node.names}

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._scoped(
            {argument.arg for argument in ast.walk(node.args) if isinstance(argument, ast.arg)},
            node,
        )

    def visit_ListComp(self, node: ast.ListComp) -> None:
        self._comprehension(node)

    def visit_SetComp(self, node: ast.SetComp) -> None:
        self._comprehension(node)

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self._comprehension(node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> None:
        self._comprehension(node)

    def _comprehension(self, node: Any) -> None:
        # The first iterable is looked up outside, where a name may be that of the loop.
        self.visit(node.generators[0].iter)
        bound = {
            inner.id
            for generator in node.generators
            for inner in ast.walk(generator.target)
            if isinstance(inner, ast.Name)
        }
        self._scoped(bound, node)

    def _scoped(self, bound: set[str], node: ast.AST) -> None:
        self._inner.append(bound)
        self.generic_visit(node)
        self._inner.pop()


def _dotted(node: ast.expr) -> tuple[str | None, Part]:
    """Take ``found.scores`` apart; no name if it does not start with one."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return (node.id, tuple(reversed(parts))) if isinstance(node, ast.Name) else (None, ())


def _reaching(statements: list[Statement]) -> list[dict[str, int]]:
    """Say, before each statement, where each name was last made."""
    last: dict[str, int] = {}
    before = []
    for place, statement in enumerate(statements):
        before.append(dict(last))
        last |= dict.fromkeys(statement.makes, place)
    return before


def _kept(
    statements: list[Statement], made_at: list[dict[str, int]]
) -> dict[Value, dict[Part, Kept]]:
    """Find the values that artefacts hold."""
    found: dict[Value, dict[Part, Kept]] = {}
    for place, statement in enumerate(statements):
        for call in (node for node in ast.walk(statement.node) if isinstance(node, ast.Call)):
            if (written := _written(call)) is None:
                continue
            name, part, artefact = written
            if (made := made_at[place].get(name)) is not None:
                found.setdefault((made, name), {})[part] = artefact
    return found


def _written(call: ast.Call) -> tuple[str, Part, Kept] | None:
    """Read ``run.write_table("scores", found.scores)``: name, attributes and artefact."""
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in WRITERS or not call.args:
        return None
    kind = WRITERS[call.func.attr]
    texts = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    name, part = _dotted(call.args[-1] if kind in ("table", "facts") else call.args[0])
    if name is None:
        return None
    return name, part, Kept(kind, texts[0] if texts else kind)


def _glued(node: ast.stmt) -> str | None:
    match node:
        case ast.Expr(
            value=ast.Call(func=ast.Name(id="glue"), args=[ast.Constant(value=str(key)), *_])
        ):
            return key
    return None


def _needed(
    statements: list[Statement],
    made_at: list[dict[str, int]],
    kept: Mapping[Value, Mapping[Part, Kept]],
    wanted: list[int],
) -> tuple[set[int], dict[Value, set[Part]]]:
    """Go back from the statements wanted; say which to execute, and which values to read."""
    chosen, asked = set(wanted), dict[Value, set[Part]]()
    waiting = list(wanted)
    while waiting:
        place = waiting.pop()
        for name, part in statements[place].uses:
            if (made := made_at[place].get(name)) is None:
                continue
            value = (made, name)
            asked.setdefault(value, set()).add(part)
            if made not in chosen and not _held(part, kept.get(value, {})):
                chosen.add(made)
                waiting.append(made)
    replaced = {}
    for value, parts in asked.items():
        held = [found for part in parts for found in _held(part, kept.get(value, {}))]
        if len(held) == len(parts):
            replaced[value] = set(held)
    return chosen, replaced


def _held(part: Part, kept: Mapping[Part, Kept]) -> list[Part]:
    """Find the longest part that an artefact holds, of what is asked of a value; one or none."""
    shorter = (part[:length] for length in range(len(part), -1, -1))
    return [each for each in shorter if each in kept][:1]


def _reading(name: str, kept: Mapping[Part, Kept], parts: set[Part]) -> ast.stmt:
    """Write the statement that reads a value, or an object with the parts that are needed."""
    return ast.Assign([ast.Name(name, ast.Store())], _holding({p: kept[p] for p in parts}))


def _holding(parts: Mapping[Part, Kept]) -> ast.expr:
    if () in parts:
        return parts[()].as_call()
    names = sorted({part[0] for part in parts})
    inner = {name: {p[1:]: kept for p, kept in parts.items() if p[0] == name} for name in names}
    held = [ast.keyword(name, _holding(inner[name])) for name in names]
    return ast.Call(ast.Name(HOLD, ast.Load()), [], held)


def _calls(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else None
            yield name or (node.func.id if isinstance(node.func, ast.Name) else "")
