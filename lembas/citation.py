"""Say how to cite this software and what it carries on, from ``CITATION.cff``."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lembas.plain_text import quoted
from lembas.plain_yaml import read_yaml

# Types of the Citation File Format to entries of BibTeX; others become @misc.
ENTRIES = {"article": "article", "software": "software", "software-code": "software"}


def citation_box(path: Path) -> str:
    """Write sentences for readers and entries for BibTeX, in MyST Markdown.

    Args:
        path: A file in the Citation File Format (version 1.2).

    Returns:
        An admonition: a line a work, the software first, and the same works as BibTeX.

    Raises:
        ValueError: If the file is no YAML, or a work has no title or no authors with names.
    """
    works = list(_works(path))
    lines = [":::{admonition} Citation", ":class: tip citation-box", ""]
    lines += [f"- {_sentence(work)}" for work in works]
    lines += ["", "```bibtex", *(_bibtex(work) for work in works), "```", ":::", ""]
    return "\n".join(lines)


def _works(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        content = read_yaml(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path.name} is not valid YAML: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path.name} must hold `key: value` lines, `title` and `authors` first")
    references = content.get("references") or []
    for work in [content, *(references if isinstance(references, list) else [references])]:
        if fault := _fault(work):
            raise ValueError(f"{path.name}: {fault}")
        yield work


def _fault(work: Any) -> str:
    if not isinstance(work, dict):
        return f"each of `references` must hold `key: value` lines, not {quoted(work)}"
    named = work.get("title", "a work without title")
    missing = [key for key in ("title", "authors") if not work.get(key)]
    if missing:
        return f"{named} has no {' and no '.join(missing)}; add it"
    people = work["authors"]
    if not isinstance(people, list) or not all(map(_has_name, people)):
        return f"each of the authors of {named} needs a `name`, or `family-names` and `given-names`"
    return ""


def _has_name(author: Any) -> bool:
    return isinstance(author, dict) and bool(author.get("family-names") or author.get("name"))


def _sentence(work: Mapping[str, Any]) -> str:
    parts = [f"{', '.join(_names(work))}: *{work['title']}*"]
    if "version" in work:
        parts.append(f"version {work['version']}")
    if "journal" in work:
        volume = ":".join(str(work[key]) for key in ("volume", "start") if key in work)
        parts.append(f"{work['journal']} {volume}".strip())
    if "year" in work:
        parts.append(str(work["year"]))
    if "doi" in work:
        parts.append(f"doi:{work['doi']}")
    return ", ".join(parts) + "."


def _bibtex(work: Mapping[str, Any]) -> str:
    fields = {"title": f"{{{work['title']}}}", "author": " and ".join(map(_braced, _authors(work)))}
    names = {"start": "pages", "repository-code": "url"}
    for key in ("journal", "volume", "start", "year", "version", "doi", "repository-code"):
        if key in work:
            fields[names.get(key, key)] = str(work[key])
    kind = ENTRIES.get(str(work.get("type", "software")), "misc")
    body = ",\n".join(f"  {name} = {{{text}}}" for name, text in fields.items())
    return f"@{kind}{{{_key(work)},\n{body}\n}}"


def _key(work: Mapping[str, Any]) -> str:
    author = work["authors"][0]
    words = [str(author.get("family-names") or work["title"]), str(work.get("year", ""))]
    return re.sub(r"\W+", "", words[0].split()[0].lower().rstrip(":") + words[1])


def _authors(work: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (
            str(author.get("family-names") or author["name"]),
            str(author.get("given-names", "")),
        )
        for author in work["authors"]
    ]


def _names(work: Mapping[str, Any]) -> list[str]:
    names = [" ".join(filter(None, [given, family])) for family, given in _authors(work)]
    return names if len(names) <= 3 else [names[0], "and others"]


def _braced(author: tuple[str, str]) -> str:
    # Braces keep the name of a group in one piece.
    family, given = author
    return f"{family}, {given}" if given else f"{{{family}}}"
