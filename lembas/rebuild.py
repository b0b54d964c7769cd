"""Tell an edit of prose, after which one page is made anew, from all else, after which all are.

Sphinx makes anew the pages whose source changed. But a page also shows what lies elsewhere: a
number of another chapter, another page's title, the number of a figure, a term of the glossary.
So the pages of the last build are used again only where everything that one page takes from another
is the same: all but the plain words between the marks of Markdown. Whatever is in doubt counts as
changed.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lembas.provenance import digest, read_json, write_json

# Lines that others may depend on, whole: headings, labels, fences, options, definitions, footnotes.
MARKED_LINE = re.compile(
    r"^\s*(#|\(.*\)=|`{3}|~{3}|:{3}|:[\w.-]+:|---|===|\[\^?[^\]]+\]:|\+\+\+|%)"
)
# Marks within lines: roles with their texts, substitutions, links, pictures, footnotes, HTML.
MARK = re.compile(r"\{[^}\s]+\}`[^`]*`|\{\{.*?\}\}|!?\[[^\]]*\]\([^)]*\)|\[\^[^\]]+\]|<[^>]+>")
TOOLS = ("jupyter-book", "sphinx", "myst-nb", "sphinx-book-theme", "pydata-sphinx-theme")
# Files that are looked at whole, and folders.
WHOLE = (
    *("_config.yml", "_toc.yml", "CITATION.cff"),
    *("book/_ext", "book/_static", "book/_templates"),
)


def state(root: Path) -> str:
    """Return a digest of all that one page may take from elsewhere than its own words.

    Args:
        root: Project root, with ``book/chapters`` composed.
    """
    parts = [f"{name} {version(name)}" for name in TOOLS]
    for name in WHOLE:
        parts += [f"{file.relative_to(root)} {digest(file)}" for file in _files(root / name)]
    for path in _files(root / "book"):
        name = path.relative_to(root).as_posix()
        if not name.startswith(("book/_", "book/.")):
            parts.append(f"{name} {_marks_of(path)}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _files(path: Path) -> list[Path]:
    found = [path] if path.is_file() else sorted(path.rglob("*"))
    return [file for file in found if file.is_file() and "__pycache__" not in file.parts]


def _marks_of(path: Path) -> str:
    if path.suffix == ".ipynb":
        marks: Iterable[str] = _notebook_marks(json.loads(path.read_text(encoding="utf-8")))
    elif path.suffix == ".md" and "{glossary}" not in (text := path.read_text(encoding="utf-8")):
        marks = marks_in(text)
    else:
        return digest(path)
    return hashlib.sha256("\n".join(marks).encode()).hexdigest()


def _notebook_marks(notebook: dict[str, Any]) -> Iterator[str]:
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            source = cell["source"]
            yield from marks_in(source if isinstance(source, str) else "".join(source))
            cell = {**cell, "source": ""}
        yield json.dumps(cell, sort_keys=True)


def marks_in(text: str) -> Iterator[str]:
    r"""Yield the parts of a Markdown text that other pages, or its lay-out, may depend on.

    Example:
        >>> list(marks_in("# Title\n\nPlain words and {term}`skill`, [a link](b.md)."))
        ['# Title', '{term}`skill`', '[a link](b.md)']
    """
    # Roles may run over the end of a line; headings and fences do not.
    for line in text.splitlines():
        if MARKED_LINE.match(line):
            yield line.rstrip()
    prose = "\n".join(line for line in text.splitlines() if not MARKED_LINE.match(line))
    for mark in MARK.findall(prose):
        yield " ".join(mark.split())


class Kept:
    """What Sphinx knew after the last good build, with the state that it and the pages belong to.

    Args:
        folder: Where it lies.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def lend(self, now: str, pages: Path, scratch: Path) -> bool:
        """Copy it and the pages to where a new build begins, if they may be used again.

        Args:
            now: The state of the sources.
            pages: The pages of the last good build.
            scratch: Folder of the new build: Sphinx's own folders and ``html``.

        Returns:
            Whether they were copied.
        """
        then = read_json(self.folder / "state.json")
        if not pages.is_dir() or then != {"state": now, "pages": _stamp(pages)}:
            return False
        shutil.copytree(self.folder / "known", scratch, dirs_exist_ok=True)
        shutil.copytree(pages, scratch / "html", ignore=shutil.ignore_patterns("*.pdf"))
        return True

    def keep(self, now: str, pages: Path, scratch: Path) -> None:
        """Take what Sphinx knows after a build that succeeded.

        Args:
            now: The state of the sources.
            pages: The new pages, in their place.
            scratch: Folder of the build, from which the pages have been taken.
        """
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        scratch.rename(self.folder / "known")
        write_json(self.folder / "state.json", {"state": now, "pages": _stamp(pages)})


def _stamp(pages: Path) -> str:
    # Pages that were exchanged or edited since do not belong to the doctrees any more.
    listing = [
        f"{path.relative_to(pages).as_posix()} {(stat := path.stat()).st_size} {stat.st_mtime_ns}"
        for path in sorted(pages.rglob("*"))
        if path.is_file()
    ]
    return hashlib.sha256("\n".join(listing).encode()).hexdigest()


def keep_times(new: Path, old: Path) -> None:
    """Give files that are the same as before the time they had, so that Sphinx sees no change."""
    for path in new.rglob("*"):
        before = old / path.relative_to(new)
        if path.is_file() and before.is_file() and digest(path) == digest(before):
            shutil.copystat(before, path)
