"""Tell messages that tests ask for by their words, without running a test."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.messages.sites import ROOT, Site

# So many words in a row of a message, in the text of a test, are no accident.
_WORDS = 3


def asked_for(found: list[Site]) -> set[tuple[str, int]]:
    """Return file and line of the sites some words of whose message stand in a test."""
    known = _test_words()
    produced = set()
    for file in {site.file for site in found}:
        tree = ast.parse((ROOT / file).read_text("utf-8"))
        made = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Raise) and node.exc is not None and _runs(node, made) & known:
                produced.add((file, node.lineno))
    return produced


def _runs(node: ast.Raise, made: dict[str, ast.FunctionDef]) -> set[tuple[str, ...]]:
    """List runs of words in a message, or in the function of its module that makes it."""
    parts: list[ast.AST] = [node]
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in made:
            parts += made[call.func.id].body[1:]
    texts = [
        each.value
        for part in parts
        for each in ast.walk(part)
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    ]
    return {run for text in texts for run in _windows(text)}


def _windows(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"[A-Za-z_]+", text)
    return set(zip(*(words[start:] for start in range(_WORDS)), strict=False))


def _test_words() -> set[tuple[str, ...]]:
    found: set[tuple[str, ...]] = set()
    for path in Path(ROOT / "tests").rglob("*.py"):
        # A text cut over lines is one.
        text = re.sub(r'"\s*\n\s*[rf]*"', "", path.read_text("utf-8")).replace("\\", "")
        found |= _windows(text)
    return found
