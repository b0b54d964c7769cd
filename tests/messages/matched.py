"""Tell messages that tests ask for by their words, without running a test."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.messages.sites import PACKAGE, ROOT, Site, parsed

# So many words in a row of a message, in a text of a test, are no accident; with values that the
# message names between them, it takes one more, or all; and a value has so many words in a test.
_WORDS = 3
_VALUE = "{}"
_VALUE_WORDS = 8
_FILES = [path.relative_to(ROOT).as_posix() for path in sorted(PACKAGE.rglob("*.py"))]


def asked_for(found: list[Site]) -> set[tuple[str, int]]:
    """Return file and line of the sites some words of whose message stand in a test."""
    places = {site.place for site in found}
    texts = {place: made for place, made in _messages().items() if place in places}
    return {place for place, made in texts.items() if _is_asked_for(made)}


def passed_on(found: list[Site]) -> set[tuple[str, int]]:
    """Return the sites without words of their own, which pass on what another one says."""
    texts = _messages()
    return {site.place for site in found if not any(map(_windows, texts[site.place]))}


@cache
def _messages() -> dict[tuple[str, int], list[str]]:
    """Give the texts that each message of the package is made of, by file and line."""
    return {
        (file, node.lineno): _texts(node.exc, function, file)
        for file in _FILES
        for function in _functions(file)
        for node in ast.walk(function)
        if isinstance(node, ast.Raise) and node.exc is not None
    }


def _texts(raised: ast.expr, function: ast.FunctionDef, file: str) -> list[str]:
    """List the texts of a message, of the names in it, and of the functions that make it."""
    names = {node.id for node in ast.walk(raised) if isinstance(node, ast.Name)}
    parts: list[ast.AST] = [raised]
    for node in ast.walk(function):
        if isinstance(node, ast.Assign | ast.NamedExpr):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(each, ast.Name) and each.id in names for each in targets):
                parts.append(node.value)
    texts = [text for part in parts for text in _strings(part)]
    calls = [node for part in parts for node in ast.walk(part) if isinstance(node, ast.Call)]
    made = _makers(file)
    if not any(map(_windows, texts)):
        # Another module makes it.
        made = {**_makers(""), **made}
    for call in calls:
        name = getattr(call.func, "id", getattr(call.func, "attr", ""))
        texts += [text for line in made.get(name, []) for text in _strings(line)]
    return texts


@cache
def _makers(file: str) -> dict[str, list[ast.stmt]]:
    """Give the functions of a module, or of all: name to what stands in them."""
    files = [file] if file else _FILES
    return {function.name: function.body for each in files for function in _functions(each)}


@cache
def _functions(file: str) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(parsed(ROOT / file)) if isinstance(node, ast.FunctionDef)]


def _strings(part: ast.AST) -> Iterator[str]:
    """Yield the texts in a piece of code but docstrings; values in them are marked."""
    waiting = [part]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str):
                yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(
                str(each.value) if isinstance(each, ast.Constant) else f" {_VALUE} "
                for each in node.values
            )
            waiting += [each.value for each in node.values if isinstance(each, ast.FormattedValue)]
        elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            waiting.extend(ast.iter_child_nodes(node))


def _windows(text: str) -> set[tuple[str, ...]]:
    """List the runs of words that stand in a text with no value between them."""
    runs: set[tuple[str, ...]] = set()
    for piece in text.split(_VALUE):
        words = re.findall(r"[A-Za-z_]+", piece)
        runs |= set(zip(*(words[start:] for start in range(_WORDS)), strict=False))
    return runs


def _is_asked_for(texts: list[str]) -> bool:
    """Say whether words that no other message has, if there are any, stand in a test."""
    known, lines = _tested()
    runs = set().union(*map(_windows, texts))
    own = {run for run in runs if _commonness()[run] == 1} or runs
    patterns = (pattern for text in texts for pattern in _patterns(text))
    return bool(own & known) or any(re.search(pattern, lines) for pattern in patterns)


def _patterns(text: str) -> Iterator[str]:
    """Yield what finds parts of a message with values between its words, or a short one whole."""
    words = re.findall(r"[A-Za-z_]+|\{\}", text)
    value = rf"(?:\S+ ){{0,{_VALUE_WORDS}}}?"
    for start, word in enumerate(words):
        ends = [end for end, each in enumerate(words) if end >= start and each != _VALUE]
        n_words = min(len(ends), _WORDS + 1)
        if word != _VALUE and n_words > (_WORDS if start else _WORDS - 1):
            run = words[start : ends[n_words - 1] + 1]
            yield " " + "".join(value if each == _VALUE else f"{each} " for each in run)


@cache
def _commonness() -> Counter[tuple[str, ...]]:
    """Count the messages that have a run of words."""
    return Counter(
        run for made in _messages().values() for run in set().union(*map(_windows, made))
    )


@cache
def _tested() -> tuple[set[tuple[str, ...]], str]:
    """Give the runs of words in the tests' texts, and each text's words as a line."""
    runs: set[tuple[str, ...]] = set()
    lines = []
    for path in sorted(Path(ROOT / "tests").rglob("*.py")):
        for text in _strings(ast.parse(path.read_text("utf-8"))):
            plain = text.replace("\\", "")
            runs |= _windows(plain)
            lines.append(" ".join(["", *re.findall(r"[A-Za-z_]+|\{\}", plain), "\n"]))
    return runs, "".join(lines)
