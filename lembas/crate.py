"""Write a run's manifest as an RO-Crate (JSON-LD), and read it back.

RO-Crate 1.1, https://w3id.org/ro/crate/1.1, with the terms of the Process Run Crate profile 0.5,
https://w3id.org/ro/wfrun/process/0.5. Every chapter is one ``CreateAction``.
"""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from lembas.manifest import Made, Manifest, collect
from lembas.plan import Plan
from lembas.provenance import write_json

FILE = "ro-crate-metadata.json"

CONTEXT = [
    "https://w3id.org/ro/crate/1.1/context",
    "https://w3id.org/ro/terms/workflow-run/context",
]
SPECIFICATION = "https://w3id.org/ro/crate/1.1"
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
LICENCE = "https://spdx.org/licenses/BSD-3-Clause"
LICENCE_WORDS = "BSD-3-Clause, of the report and the code; measured data keep their own"
# Endings that Python's table of media types lacks.
MEDIA_TYPES = {
    ".parquet": "application/vnd.apache.parquet",
    ".h5ad": "application/x-hdf5",
    ".ipynb": "application/x-ipynb+json",
}
COSTS = {"duration_s": "s", "peak_memory_mib": "MiB", "threads": "threads"}

Entity = dict[str, Any]


def as_crate(manifest: Manifest) -> dict[str, Any]:
    """Lay a manifest out as an RO-Crate: one flat graph of entities that name each other."""
    graph = _Graph()
    graph.add(FILE, "CreativeWork", conformsTo=_ref(SPECIFICATION), about=_ref("./"))
    written = [path for made in manifest.chapters.values() for path in made.writes]
    folders = sorted({path for path in written if path.endswith("/")})
    graph.add(
        "./",
        "Dataset",
        name=f"{manifest.run}: {manifest.title}",
        description=manifest.description or manifest.title,
        identifier=manifest.run,
        alternateName=manifest.profile,
        datePublished=max((_end(made) for made in manifest.chapters.values()), default=""),
        license=_ref(LICENCE),
        conformsTo=_ref(PROFILE),
        hasPart=_refs([*manifest.files, *folders]),
        mentions=_refs(f"#run/{name}" for name in manifest.chapters),
    )
    graph.add(LICENCE, "CreativeWork", name=LICENCE_WORDS)
    graph.add(PROFILE, "CreativeWork", name="Process Run Crate", version="0.5")
    _add_files(graph, manifest, folders)
    for name, made in manifest.chapters.items():
        _add_chapter(graph, name, made)
    return {"@context": CONTEXT, "@graph": list(graph.entities.values())}


def _add_files(graph: _Graph, manifest: Manifest, folders: Iterable[str]) -> None:
    for path, sha256 in manifest.files.items():
        graph.add(
            path,
            "File",
            name=path.rpartition("/")[2],
            encodingFormat=_media_type(path),
            sha256=sha256,
            **({"contentSize": str(manifest.sizes[path])} if path in manifest.sizes else {}),
        )
    for path in folders:
        inside = [file for file in manifest.files if file.startswith(path)]
        graph.add(path, "Dataset", name=path.rstrip("/"), hasPart=_refs(inside))


class _Graph:
    """Entities by identifier, each once."""

    def __init__(self) -> None:
        self.entities: dict[str, Entity] = {}

    def add(self, identifier: str, kind: str, /, **properties: Any) -> Entity:
        """Add an entity; return a reference to it."""
        self.entities.setdefault(identifier, {"@id": identifier, "@type": kind, **properties})
        return _ref(identifier)

    def value(self, identifier: str, name: str, value: Any, **properties: Any) -> Entity:
        """Add a named value; return a reference to it."""
        return self.add(identifier, "PropertyValue", name=name, value=value, **properties)


def _add_chapter(graph: _Graph, name: str, made: Made) -> None:
    parameters = [
        graph.value(f"#parameter/{name}/{key}", key, _as_json(value), **_said_of(key, value))
        for key, value in made.parameters.items()
    ]
    sources = [_digested(graph, "source", *item) for item in made.sources.items()]
    kept = [f"chapters/{name}.ipynb", f"provenance/{name}.json"]
    numbers = [graph.value(f"#number/{name}/{k}", k, text) for k, text in made.numbers.items()]
    graph.add(
        f"#run/{name}",
        "CreateAction",
        name=name,
        instrument=_add_code(graph, name, made),
        startTime=made.started,
        endTime=_end(made),
        actionStatus="http://schema.org/CompletedActionStatus",
        object=[*_refs(made.reads), *sources, *parameters],
        result=[*_refs([*made.writes, *kept]), *numbers],
        **_circumstances(graph, name, made),
    )


def _circumstances(graph: _Graph, name: str, made: Made) -> dict[str, list[Entity]]:
    """Say what a chapter cost, on what machine, and what its artefacts were at that time."""
    return {
        "resourceUsage": [
            graph.value(f"#cost/{name}/{key}", key, getattr(made, key), unitText=unit)
            for key, unit in COSTS.items()
        ],
        "environment": [
            graph.value(f"#machine/{key}/{value}", key, value)
            for key, value in made.machine.items()
        ],
        "additionalProperty": [
            graph.value(f"#{role}/{name}/{path}", path, sha256, description=f"sha256 when {role}")
            for role, paths in (("read", made.reads), ("written", made.writes))
            for path, sha256 in paths.items()
        ],
    }


def _add_code(graph: _Graph, name: str, made: Made) -> Entity:
    """Add a chapter's notebook, the modules it uses and the packages behind them."""
    (notebook, sha256), *modules = made.code.items()
    return graph.add(
        f"#code/{name}",
        "SoftwareSourceCode",
        name=notebook,
        sha256=sha256,
        programmingLanguage="Python",
        hasPart=[_digested(graph, "module", *item) for item in modules],
        softwareRequirements=[
            graph.add(
                f"#package/{package}@{version}",
                "SoftwareApplication",
                name=package,
                softwareVersion=version,
            )
            for package, version in made.versions.items()
        ],
    )


def _digested(graph: _Graph, kind: str, path: str, sha256: str) -> Entity:
    """Add a file that lies outside the run; two contents of one file are two entities."""
    of_kind = {"source": "CreativeWork", "module": "SoftwareSourceCode"}[kind]
    return graph.add(f"#{kind}/{path}@{sha256[:12]}", of_kind, name=path, sha256=sha256)


def _said_of(name: str, value: Any) -> dict[str, str]:
    """Mark the parameters that hold seeds."""
    return {"description": "seed"} if "seed" in _as_json({name: value}) else {}


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _end(made: Made) -> str:
    end = datetime.fromisoformat(made.started) + timedelta(seconds=made.duration_s)
    return end.isoformat(timespec="seconds")


def _media_type(path: str) -> str:
    ending = f".{path.rpartition('.')[2]}"
    return MEDIA_TYPES.get(ending) or mimetypes.guess_type(path)[0] or "application/octet-stream"


def _ref(identifier: str) -> Entity:
    return {"@id": identifier}


def _refs(identifiers: Iterable[str]) -> list[Entity]:
    return [_ref(identifier) for identifier in identifiers]


def from_crate(crate: Mapping[str, Any]) -> Manifest:
    """Read a manifest back from what :func:`as_crate` laid out."""
    entities = {entity["@id"]: entity for entity in crate["@graph"]}
    root = entities["./"]
    files = {name: entity for name, entity in entities.items() if entity["@type"] == "File"}
    actions = [entities[ref["@id"]] for ref in root["mentions"]]
    return Manifest(
        run=root["identifier"],
        profile=root["alternateName"],
        title=root["name"].partition(": ")[2],
        description=root["description"],
        chapters={action["name"]: _chapter_of(action, entities) for action in actions},
        files={name: entity["sha256"] for name, entity in files.items()},
        sizes={
            n: int(entity["contentSize"]) for n, entity in files.items() if "contentSize" in entity
        },
    )


def _chapter_of(action: Entity, entities: Mapping[str, Entity]) -> Made:
    tool = entities[action["instrument"]["@id"]]

    def named(key: str, prefix: str, value: str = "value") -> dict[str, Any]:
        of = action if key in action else tool
        found = [entities[ref["@id"]] for ref in of[key] if ref["@id"].startswith(f"#{prefix}/")]
        return {entity["name"]: entity[value] for entity in found}

    parameters = named("object", "parameter")
    return Made(
        started=action["startTime"],
        **named("resourceUsage", "cost"),
        machine=named("environment", "machine"),
        versions=named("softwareRequirements", "package", "softwareVersion"),
        parameters={name: json.loads(text) for name, text in parameters.items()},
        code={tool["name"]: tool["sha256"], **named("hasPart", "module", "sha256")},
        sources=named("object", "source", "sha256"),
        reads=named("additionalProperty", "read"),
        writes=named("additionalProperty", "written"),
        numbers=named("result", "number"),
    )


def write_manifest(plan: Plan) -> Path:
    """Write a run's manifest, whole or not at all."""
    path = plan.root / plan.run_dir / FILE
    write_json(path, as_crate(collect(plan)))
    return path


def ensure_manifest(plan: Plan) -> None:
    """Write the manifest of a run that has none, for it was made before there were any."""
    if not (plan.root / plan.run_dir / FILE).is_file():
        write_manifest(plan)


def read_manifest(folder: Path) -> Manifest:
    """Read a run's manifest.

    Raises:
        FileNotFoundError: If the run has none.
        ValueError: If it is damaged.
    """
    path = folder / FILE
    if not path.is_file():
        raise FileNotFoundError(
            f"results/{folder.name} has no {FILE}, which a run writes when it is done; finish it "
            "with: lembas run --profile NAME"
        )
    try:
        return from_crate(json.loads(path.read_text(encoding="utf-8")))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"results/{folder.name}/{FILE} is damaged ({error!r:.80}); delete it and write it "
            "anew with: lembas run --profile NAME"
        ) from error
