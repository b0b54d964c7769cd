"""Find which modules of the package a chapter's code uses."""

import ast
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

PACKAGE = "lembas"


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
    exports = _exports(package / "__init__.py")
    waiting = set(_names(code, PACKAGE, exports))
    seen: set[Path] = set()
    while waiting:
        for path in _files(waiting.pop(), known):
            if path in seen:
                continue
            seen.add(path)
            inside = _dotted(path, package)
            parent = inside if path.name == "__init__.py" else inside.rpartition(".")[0]
            if path != package / "__init__.py":  # its lazy table names every module
                waiting |= _names(_source(path, path.stat().st_mtime_ns), parent, exports)
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


def _exports(init: Path) -> dict[str, str]:
    if not init.is_file():
        return {}
    for node in ast.parse(init.read_text(encoding="utf-8")).body:
        if not isinstance(node, ast.AnnAssign) or node.value is None:
            continue
        if isinstance(node.target, ast.Name) and node.target.id == "_EXPORTS":
            table: dict[str, str] = ast.literal_eval(node.value)
            return table
    return {}


@lru_cache(maxsize=256)
def _source(path: Path, changed_ns: int) -> str:
    # `changed_ns` is part of the key, so that an edited file is read again.
    return path.read_text(encoding="utf-8")


def _names(code: str, parent: str, exports: dict[str, str]) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        match node:
            case ast.Import(names=names):
                found |= {alias.name for alias in names}
                if any(alias.name == PACKAGE and alias.asname for alias in names):
                    found |= {f"{PACKAGE}.{name}" for name in exports}  # any may follow
            case ast.ImportFrom(module=module, level=level, names=names):
                base = _absolute(module, level, parent)
                found |= {base, *(f"{base}.{alias.name}" for alias in names)}
            case ast.Constant(value=str(text)) if text.startswith(f"{PACKAGE}."):
                found.add(text)
            case ast.Attribute():
                found.add(ast.unparse(node))
    found = {name for name in found if name.split(".")[0] == PACKAGE}
    public = {name.split(".")[1] for name in found if "." in name}
    return found | {exports[name] for name in public if name in exports}


def _absolute(module: str | None, level: int, parent: str) -> str:
    if level == 0:
        return module or ""
    parts = parent.split(".")
    base = parts[: len(parts) - level + 1]
    return ".".join([*base, *([module] if module else [])])
