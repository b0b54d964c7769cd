"""Find which modules of the package a chapter's code uses."""

import ast
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

PACKAGE = "lembas"

# Public name, and what it stands for.
Exports = frozenset[tuple[str, str]]


def modules_used(code: str, root: Path) -> tuple[Path, ...]:
    """Return the package's files that running ``code`` can load, directly or through others.

    Counted as a use: an import, a text such as ``"lembas.training.LembasRegressor"`` (the
    registry of models loads by name), and a public name such as ``lembas.Network``.

    Args:
        code: Python source.
        root: Project root; the package lies in ``<root>/lembas``.

    Returns:
        Files relative to the root, sorted.
    """
    package = root / PACKAGE
    known = _modules(package)
    init = package / "__init__.py"
    exports = _exports(init.read_text(encoding="utf-8") if init.is_file() else "")
    waiting = set(_names(code, PACKAGE, exports))
    seen: set[Path] = set()
    while waiting:
        for path in _files(waiting.pop(), known):
            if path in seen:
                continue
            seen.add(path)
            inside = _dotted(path, package)
            parent = inside if path.name == "__init__.py" else inside.rpartition(".")[0]
            if path != init:  # its lazy table names every module
                waiting |= _names(path.read_text(encoding="utf-8"), parent, exports)
    return tuple(sorted(path.relative_to(root) for path in seen))


def _modules(package: Path) -> dict[str, Path]:
    return {_dotted(path, package): path for path in sorted(package.rglob("*.py"))}


def _dotted(path: Path, package: Path) -> str:
    parts = [PACKAGE, *path.relative_to(package).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _files(name: str, known: dict[str, Path]) -> Iterable[Path]:
    # `lembas.training.LembasRegressor` loads lembas, then lembas.training.
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        if (path := known.get(".".join(parts[:end]))) is not None:
            yield path


# A run asks for every chapter, several times: what a text names is worked out once. The text itself
# is the key, so that an edited file is never taken for what it was.
@lru_cache(maxsize=1024)
def _exports(init: str) -> Exports:
    for node in ast.parse(init).body:
        if not isinstance(node, ast.AnnAssign) or node.value is None:
            continue
        if isinstance(node.target, ast.Name) and node.target.id == "_EXPORTS":
            return frozenset(ast.literal_eval(node.value).items())
    return frozenset()


@lru_cache(maxsize=1024)
def _names(code: str, parent: str, exports: Exports) -> frozenset[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        match node:
            case ast.Import(names=names):
                found |= {alias.name for alias in names}
                if any(alias.name == PACKAGE and alias.asname for alias in names):
                    found |= {f"{PACKAGE}.{name}" for name, _ in exports}  # any may follow
            case ast.ImportFrom(module=module, level=level, names=names):
                base = _absolute(module, level, parent)
                found |= {base, *(f"{base}.{alias.name}" for alias in names)}
            case ast.Constant(value=str(text)) if text.startswith(f"{PACKAGE}."):
                found.add(text)
            case ast.Attribute():
                found.add(ast.unparse(node))
    found = {name for name in found if name.split(".")[0] == PACKAGE}
    public = {name.split(".")[1] for name in found if "." in name}
    return frozenset(found | {module for name, module in exports if name in public})


def _absolute(module: str | None, level: int, parent: str) -> str:
    if level == 0:
        return module or ""
    parts = parent.split(".")
    base = parts[: len(parts) - level + 1]
    return ".".join([*base, *([module] if module else [])])
