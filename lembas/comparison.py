"""Say what differs between two runs: what went in, and what came out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lembas.labels import nearest_names
from lembas.notebook_files import read_notebook
from lembas.provenance import checked_record, read_json

Change = dict[str, Any]


@dataclass(frozen=True)
class Records:
    """Hold what the chapters of one run wrote down about themselves.

    Attributes:
        folder: The run's folder.
        chapters: Provenance of each chapter that was run, in order.
    """

    folder: Path
    chapters: Mapping[str, Mapping[str, Any]]

    @classmethod
    def read(cls, name: str, root: Path) -> Records:
        """Read the records of the run ``results/<name>``.

        Raises:
            FileNotFoundError: If there is no such run, or no chapter of it has been run.
            ValueError: If a record is damaged.
        """
        folder = root / "results" / name
        files = sorted(folder.glob("provenance/*.json"))
        if not files or Path(name).name != name:
            known = sorted(path.parent.name for path in root.glob("results/*/provenance"))
            meant = nearest_names(name, known)
            hint = f", perhaps {' or '.join(meant)}" if meant else ""
            raise FileNotFoundError(
                f"there is no run {name!r} (results/{name}/provenance){hint}; runs here: "
                f"{', '.join(known) or 'none'}; make one with: lembas run --profile NAME"
            )
        chapters = {}
        for path in files:
            origin = f"results/{name}/provenance/{path.name}"
            chapters[path.stem] = checked_record(read_json(path), origin)
        return cls(folder, chapters)

    def code(self, chapter: str) -> list[str]:
        """Return the code cells that were run, parameters left out; none if no copy is kept."""
        path = self.folder / "chapters" / f"{chapter}.ipynb"
        if not path.is_file():
            return []
        return [
            cell.source
            for cell in read_notebook(path, str(path)).cells
            if cell.cell_type == "code"
            and "injected-parameters" not in cell.metadata.get("tags", [])
        ]


def inputs_changed(new: Records, old: Records) -> dict[str, list[Change]]:
    """Compare what went into the chapters that both runs have.

    Returns:
        Changes by kind. ``parameters``, ``threads``, ``versions``, ``machine``: with ``old`` and
        ``new``, each left out where there is none. ``code``, ``modules``, ``sources``: what changed
        and in which chapters. ``chapters``: those that one run lacks. ``artefacts``: those whose
        content differs.
    """
    shared = [name for name in new.chapters if name in old.chapters]
    pairs = {name: (old.chapters[name], new.chapters[name]) for name in shared}
    return {
        "chapters": _one_sided(old.chapters, new.chapters),
        "parameters": _parameters(pairs),
        "threads": [
            {"chapter": name, **change}
            for name, (before, after) in pairs.items()
            for change in _differences(
                {"threads": before["threads"]}, {"threads": after["threads"]}
            )
        ],
        "code": [{"chapter": name} for name in shared if _is_other(new.code(name), old.code(name))],
        "modules": _by_file(pairs, lambda record: record["recipe"].get("modules", {})),
        "sources": _by_file(pairs, _sources),
        "versions": _once(pairs, "versions"),
        "machine": _once(pairs, "machine"),
        "artefacts": _by_file(pairs, lambda record: record["writes"]),
    }


def _is_other(code: list[str], other: list[str]) -> bool:
    return bool(code and other) and code != other


def flattened(value: Any, name: str) -> dict[str, Any]:
    """Give each part of nested mappings a dotted name.

    Example:
        >>> flattened({"seed": 1, "noise": {"sd": 0.2}}, "options")
        {'options.seed': 1, 'options.noise.sd': 0.2}
    """
    if not isinstance(value, Mapping) or not value:
        return {name: value}
    parts = [flattened(part, f"{name}.{key}") for key, part in value.items()]
    return {key: part for found in parts for key, part in found.items()}


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """List what differs, with the value before and after where there is one."""
    changes = []
    for name in dict.fromkeys([*old, *new]):
        if name in old and name in new and old[name] == new[name]:
            continue
        sides = (("old", old), ("new", new))
        changes.append({"name": name, **{key: side[name] for key, side in sides if name in side}})
    return changes


def _one_sided(old: Iterable[str], new: Iterable[str]) -> list[Change]:
    before, after = set(old), set(new)
    only = [(name, "old") for name in sorted(before - after)]
    only += [(name, "new") for name in sorted(after - before)]
    return [{"name": name, "only_in": side} for name, side in only]


Pairs = Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]]


def _parameters(pairs: Pairs) -> list[Change]:
    changes = []
    for chapter, sides in pairs.items():
        old, new = (
            {
                key: part
                for name, value in record["recipe"]["parameters"].items()
                for key, part in flattened(value, name).items()
            }
            for record in sides
        )
        changes += [{"chapter": chapter, **change} for change in _differences(old, new)]
    return changes


def _sources(record: Mapping[str, Any]) -> dict[str, str]:
    """Name source files relative to their data folder, which may differ between the runs."""
    folder = record["recipe"]["parameters"].get("data_dir", "")
    return {name.removeprefix(f"{folder}/"): digest for name, digest in record["sources"].items()}


def _by_file(pairs: Pairs, files_of: Any) -> list[Change]:
    """List files whose digest differs, each once, with the chapters concerned."""
    found: dict[tuple[str, str], list[str]] = {}
    for chapter, (before, after) in pairs.items():
        for change in _differences(files_of(before), files_of(after)):
            how = "changed" if "old" in change and "new" in change else "removed"
            how = "added" if "old" not in change else how
            found.setdefault((change["name"], how), []).append(chapter)
    return [
        {"name": name, "change": how, "chapters": chapters}
        for (name, how), chapters in sorted(found.items())
    ]


def _once(pairs: Pairs, key: str) -> list[Change]:
    """List differences that are mostly the same for all chapters, each once with its chapters."""
    found: dict[str, Change] = {}
    for chapter, (before, after) in pairs.items():
        for change in _differences(before[key], after[key]):
            known = found.setdefault(json.dumps(change), {**change, "chapters": []})
            known["chapters"].append(chapter)
    return list(found.values())
